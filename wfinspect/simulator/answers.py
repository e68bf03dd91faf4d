"""Bodies as the service writes them: answers, refusals, and how a record is disguised for a test."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from random import Random
from uuid import UUID

from wfinspect.simulator.wire import Reply

HOST_ID = "dataworks.cn-shanghai.aliyuncs.com"
_RECOMMEND = "https://api.aliyun.com/troubleshoot?q={code}&product=dataworks-public"

# Not xml.sax.saxutils: it imports urllib.request and with it half of the standard library.
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

Body = dict[str, object]


# HTTP status, code, message. Statuses vary between the service's documents; these are the likelier.
_TABLE = """
400 Throttling The request was denied due to request throttling.
400 Throttling.User Request was denied due to user flow control.
429 Throttling.Api Request was denied due to api flow control.
429 Throttling.System The system is busy. Try again later.
400 9990020002 Throttling.User
429 Throttling.Api.Risk The number of calls of this API today exceeds the limit.
429 Throttling.Resource The OpenAPI quota of the current DataWorks edition is used up.
500 InternalError An internal error occurred.
500 InternalFailure The request processing has failed due to some unknown error.
500 InternalError.System An internal system error occurred. Try again later.
500 InternalError.UserId.Missing The user id could not be found.
503 ServiceUnavailable The request has failed due to a temporary failure of the server.
503 ServiceUnavailableTemporary The service is unavailable for a moment.
400 InvalidSecurityToken.Expired Specified SecurityToken is expired.
400 InvalidSecurityToken.MismatchWithAccessKey Specified SecurityToken mismatch with the AccessKey.
404 InvalidAccessKeyId.NotFound Specified access key is not found.
400 InvalidAccessKeyId.Inactive Specified access key is disabled.
400 InvalidTimeStamp.Format Specified time stamp or date value is not well formatted.
400 InvalidTimeStamp.Expired Specified time stamp or date value is expired.
400 IllegalTimestamp The input parameter Timestamp is not valid.
400 SignatureNonceUsed Specified signature nonce was used already.
400 SignatureDoesNotMatch Specified signature is not matched with our calculation.
400 InvalidSignatureMethod Specified signature method is not valid.
400 IncompleteSignature The request signature does not conform to Aliyun standards.
403 403030 You have no permission to perform this operation. Contact the administrator.
403 NoPermission You are not authorized to do this action. This service is read-only.
500 Forbidden.Wkbench.ProjectNoPermission No permission on this workspace.
500 Forbidden.Wkbench.BaselineNoPermission No permission on this baseline.
403 Forbidden The operation is forbidden.
403 Forbidden.RAM User not authorized to operate on the specified resource.
403 Forbbiden.SubUser The specified action is not available for you.
403 Forbidden.RiskControl This operation is forbidden by the risk control system.
403 Forbidden.Access Access is forbidden. Activate a suitable edition of DataWorks first.
500 Forbidden.Not.Server The API is not served in this region.
403 ResourceNotAuthorized.Api You are not authorized to call this API.
400 InsufficientBalance Your account does not have enough balance.
400 9990010001 DataWorks is not activated for this account.
404 InstanceNotFound The workflow instance does not exist.
404 InvalidProject.NotFound The specified project does not exist.
404 ProjectNotFound The specified project does not exist.
400 MissingParameter The input parameter that is mandatory for processing this request is not supplied.
400 MissingId Id is mandatory for this action.
400 InvalidParameter The specified parameter is not valid.
400 InvalidParameter.Id The specified parameter Id is not valid.
403 InvalidOwner The specified owner is not valid.
400 InvalidPageSize The specified PageSize is not valid.
400 9990030003 parameter error
400 58014884415 The specification is not valid.
400 1201111431 The legacy call failed.
404 InvalidApi.NotFound Specified api is not found, please check your url and method.
404 InvalidAction.NotFound Specified api is not found, please check your url and method.
400 InvalidVersion Specified parameter Version is not valid.
404 InvalidProduct.NotFound The specified product does not exist.
404 InvalidProtocol.NeedSsl Your request is denied as lack of ssl protect.
400 UnsupportedHTTPMethod This http method is not supported.
"""
CODES = {
    code: (int(status), message)
    for status, code, message in (line.split(" ", 2) for line in _TABLE.strip().splitlines())
}
"""Every error whose text needs nothing of the request: code to HTTP status and message."""

_ACCESS_DENIED_DETAIL = {
    "AuthAction": "dataworks:GetWorkflowInstance",
    "AuthPrincipalType": "SubUser",
    "AuthPrincipalOwnerId": "1823556600124410",
    "AuthPrincipalDisplayName": "245678901234567890",
    "PolicyType": "AccountLevelIdentityBasedPolicy",
    "NoPermissionType": "ImplicitDeny",
}


class Refusal(Exception):
    """A request that gets an error in place of an answer: one of CODES, or 400 with a message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status, known = CODES.get(code, (HTTPStatus.BAD_REQUEST, ""))
        self.message = message or known


@dataclass(frozen=True, slots=True)
class BulkText:
    """A text too long to be held, made while it is sent."""

    block: bytes
    """Plain ASCII lines, sent again and again."""
    mark: bytes
    """A part of the block that is replaced by its number, of the same length."""
    count: int
    """How many blocks."""
    end: str
    """What follows them."""

    def pieces(self) -> Iterator[bytes]:
        """The blocks as JSON writes them within a string."""
        block = _escaped(self.block.decode())
        for number in range(self.count):
            yield block.replace(self.mark, b"%0*d" % (len(self.mark), number))

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return len(_escaped(self.block.decode())) * self.count


class RequestIds:
    """RequestIds of the service's form, the same row of them each time."""

    def __init__(self) -> None:
        self._random = Random(0)

    def next(self) -> str:
        """The next one, e.g. ``0BB3F5A9-9A9B-5E2C-8D4B-3D2F5B1C7A90``."""
        return str(UUID(int=self._random.getrandbits(128))).upper()


def answer(body: Body, request_id: str) -> Reply:
    """A good answer; a BulkText can only be its last field."""
    name, last = next(reversed(body.items()), ("", None))
    if isinstance(last, BulkText):
        reply = _json(HTTPStatus.OK, {"RequestId": request_id, **body, name: ""}, request_id)
        head, tail = reply.body[: -len('"}')], _escaped(last.end) + b'"}'
        size, rest = last.size + len(tail), chain(last.pieces(), (tail,))
        return Reply(reply.status, head, reply.headers, rest=rest, rest_size=size)
    return _json(HTTPStatus.OK, {"RequestId": request_id, **body}, request_id)


def refusal(refused: Refusal, request_id: str, *, suffix: str = "", is_xml: bool = False) -> Reply:
    """An error answer; the gateway writes XML where the client does not ask for JSON."""
    body: Body = {
        "RequestId": request_id,
        "HostId": HOST_ID,
        "Code": refused.code,
        "Message": refused.message + suffix,
        "Recommend": _RECOMMEND.format(code=refused.code),
    }
    if refused.code == "Forbidden.RAM":
        body["AccessDeniedDetail"] = _ACCESS_DENIED_DETAIL
    if not is_xml:
        return _json(refused.status, body, request_id)
    fields = "".join(
        f"<{name}>{str(value).translate(_XML)}</{name}>" for name, value in body.items()
    )
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error>{fields}</Error>"
    return Reply(
        refused.status,
        text.encode(),
        {"x-acs-request-id": request_id},
        "text/xml;charset=utf-8",
    )


def _escaped(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace")


def _json(status: int, body: Body, request_id: str) -> Reply:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8; its escape is the same character to a JSON reader.
    return Reply(status, text.encode("utf-8", "backslashreplace"), {"x-acs-request-id": request_id})
