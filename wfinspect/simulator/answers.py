"""Bodies as the service writes them: answers, refusals, and how a record is disguised for a test."""

import json
from http import HTTPStatus
from random import Random
from xml.sax.saxutils import escape

from wfinspect.simulator.wire import Reply

HOST_ID = "dataworks.cn-shanghai.aliyuncs.com"
_RECOMMEND = "https://api.aliyun.com/troubleshoot?q={code}&product=dataworks-public"

Body = dict[str, object]


class Refusal(Exception):
    """A request that gets an error in place of an answer."""

    def __init__(self, status: int, code: str, message: str, **extra: object) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra
        """Further fields of the body, such as AccessDeniedDetail."""


class RequestIds:
    """RequestIds of the service's form, the same row of them for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def next(self) -> str:
        """The next one, e.g. ``0BB3F5A9-9A9B-5E2C-8D4B-3D2F5B1C7A90``."""
        digits = f"{self._random.getrandbits(128):032X}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def answer(body: Body, request_id: str) -> Reply:
    """A good answer."""
    return _json(HTTPStatus.OK, {"RequestId": request_id, **body}, request_id)


def refusal(refused: Refusal, request_id: str, *, as_xml: bool = False) -> Reply:
    """An error answer; the gateway writes XML where the client does not ask for JSON."""
    body: Body = {
        "RequestId": request_id,
        "HostId": HOST_ID,
        "Code": refused.code,
        "Message": refused.message,
        "Recommend": _RECOMMEND.format(code=refused.code),
        **refused.extra,
    }
    if not as_xml:
        return _json(refused.status, body, request_id)
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in body.items())
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error>{fields}</Error>"
    return Reply(
        refused.status,
        text.encode(),
        {"x-acs-request-id": request_id},
        "text/xml;charset=utf-8",
    )


def _json(status: int, body: Body, request_id: str) -> Reply:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8; its escape is the same character to a JSON reader.
    return Reply(status, text.encode("utf-8", "backslashreplace"), {"x-acs-request-id": request_id})
