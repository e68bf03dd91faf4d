"""What goes wrong on demand, and how the service behaves where its documents are silent.

Set from any thread; the server takes the next fault for each call. Errors are an HTTP status and a code.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

# HTTP status, code, message. Statuses vary between the service's documents; these are the likelier.
_TABLE = """
400 Throttling The request was denied due to request throttling.
400 Throttling.User Request was denied due to user flow control.
429 Throttling.Api Request was denied due to api flow control.
400 9990020002 Throttling.User
429 Throttling.Api.Risk The number of calls of this API today exceeds the limit.
429 Throttling.Resource The OpenAPI quota of the current DataWorks edition is used up.
500 InternalError An internal error occurred.
500 InternalFailure The request processing has failed due to some unknown error.
503 ServiceUnavailable The request has failed due to a temporary failure of the server.
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
400 MissingId Id is mandatory for this action.
400 InvalidParameter The specified parameter is not valid.
400 9990030003 parameter error
400 58014884415 The specification is not valid.
400 1201111431 The legacy call failed.
404 InvalidAction.NotFound Specified api is not found, please check your url and method.
400 InvalidVersion Specified parameter Version is not valid.
404 InvalidProtocol.NeedSsl Your request is denied as lack of ssl protect.
400 UnsupportedHTTPMethod This http method is not supported.
"""
CODES = {
    code: (int(status), message)
    for status, code, message in (line.split(" ", 2) for line in _TABLE.strip().splitlines())
}
"""Every error whose text needs nothing of the request: code to HTTP status and message."""


class Refusal(Exception):
    """A request that gets an error in place of an answer: one of CODES, or 400 with a message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status, known = CODES.get(code, (HTTPStatus.BAD_REQUEST, ""))
        self.message = message or known


PAGES = frozenset({"html", "empty", "not-json"})
"""Faults that are an answer that can't be used: a login page, no object, no JSON."""

OUTAGES = frozenset({"close", "reset", "hang"})
"""Faults without an answer. A stopped simulator refuses connections."""

KINDS = frozenset({*CODES, *PAGES, *OUTAGES, "slow"})
"""All faults: an error's code, or one of these words."""


@dataclass(eq=False, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    """One of KINDS."""
    action: str = ""
    """The operation it strikes; "" for all."""
    times: int | None = None
    """How many calls it strikes; None until it is removed."""
    retry_after_ms: int | None = None
    """Sent as x-acs-retry-after."""
    seconds: float = 0.0
    """How slow the answer is."""


class Faults:
    """The faults in force, and how the service behaves where its documents are silent."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """End all faults; behave as documented."""
        self._faults: list[Fault] = []
        self.clock_offset_seconds = 0.0  # how far the server's clock is ahead
        self.is_token_expired = False  # keys of the STS kind are refused
        self.is_hostile = False  # every text field and message carries `fleet.HOSTILE_TEXT`

    def add(self, kind: str, **how: Any) -> Fault:  # noqa: ANN401 - the fields of Fault
        """Put a fault in force; of several that fit a call the oldest strikes.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}: one of {', '.join(sorted(KINDS))}")
        fault = Fault(kind, **how)
        self._faults.append(fault)
        return fault

    def take(self, action: str) -> Fault | None:
        """Return the fault that strikes this call, counted down; None for a call that goes well."""
        fault = next((each for each in self._faults if each.action in {"", action}), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault
