"""Just enough HTTP/1.1 for one service: requests in, replies out. Knows nothing of DataWorks.

asyncio and a hundred lines, as `http.server` costs 90 ms of imports and a thread per connection.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from string import hexdigits
from urllib.parse import parse_qsl

MAX_BODY = 1024 * 1024
HEAD_LIMIT = 64 * 1024
"""What a StreamReader for `read_request` is given as its limit."""
_MAX_TRAILERS = 100
_SIZE_DIGITS = 8
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class MalformedRequest(Exception):
    """What came is not a request that can be answered properly; the connection must end."""

    def __init__(self, status: HTTPStatus, reason: str = "") -> None:
        super().__init__(reason or status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, as it came."""

    method: str
    path: str
    query: str
    """Still percent-encoded."""
    headers: dict[str, str]
    """Names in lower case, values trimmed."""
    body: bytes
    keep_alive: bool

    def parameters(self) -> dict[str, str]:
        """Query and form fields, decoded; the first value of a repeated name counts."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        found: dict[str, str] = {}
        for name, value in pairs:
            found.setdefault(name, value)
        return found


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"
    rest: Iterable[bytes] = ()
    """What follows the body, made while it is sent."""
    rest_size: int = 0
    missing: int = 0
    """Bytes the Content-Length promises beyond the body; the connection ends after it."""

    def encoded(self, at: datetime, *, keep_alive: bool) -> bytes:
        """The reply as bytes, but for `rest`; `at` becomes the Date header."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Unknown"
        headers = {
            "Date": http_date(at),
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body) + self.rest_size + self.missing),
            "Connection": "keep-alive" if keep_alive else "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + self.body


def http_date(at: datetime) -> str:
    """An aware UTC moment as the Date header writes it, whatever the locale."""
    return f"{_DAYS[at.weekday()]}, {at:%d} {_MONTHS[at.month - 1]} {at:%Y %H:%M:%S} GMT"


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> HttpRequest | None:
    """Read one request; None when the peer has gone. A client that sends ``Expect: 100-continue`` gets its answer.

    Raises:
        MalformedRequest: the bytes are not an HTTP/1 request, or one that is too large.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError:
        raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    start, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = start.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
        raise MalformedRequest(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise MalformedRequest(HTTPStatus.BAD_REQUEST)
        headers.setdefault(name.lower(), value.strip())
    path, _, query = parts[1].partition("?")
    wish = headers.get("connection", "" if parts[2] == "HTTP/1.1" else "close").lower()
    body = await _read_body(reader, writer, headers)
    return HttpRequest(parts[0], path, query, headers, body, wish != "close")


async def _read_body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
) -> bytes:
    coding, expected = headers.get("transfer-encoding"), headers.get("expect", "100-continue")
    length = headers.get("content-length", "0")
    if coding is not None and coding.lower() != "chunked":
        raise MalformedRequest(
            HTTPStatus.NOT_IMPLEMENTED, f"Transfer-Encoding: {coding} is not served."
        )
    # Both together are how a request is smuggled past a proxy (RFC 9112, 6.1).
    if coding is not None and "content-length" in headers:
        raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Content-Length beside Transfer-Encoding.")
    if not (length.isascii() and length.isdigit()):
        raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Content-Length is not a number.")
    if expected.lower() != "100-continue":
        raise MalformedRequest(HTTPStatus.EXPECTATION_FAILED, f"Expect: {expected} is not served.")
    if "expect" in headers:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        if coding is not None:
            return await _read_chunks(reader)
        if int(length) > MAX_BODY:
            raise MalformedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return await reader.readexactly(int(length))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        raise MalformedRequest(HTTPStatus.BAD_REQUEST, "The body is cut or malformed.") from None


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a body in chunks, and its trailers, which say nothing here (RFC 9112, 7.1)."""
    body = bytearray()
    while size := _size_of_chunk(await reader.readuntil(b"\r\n")):
        if len(body) + size > MAX_BODY:
            raise MalformedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise MalformedRequest(HTTPStatus.BAD_REQUEST, "A chunk is longer than it says.")
    for _ in range(_MAX_TRAILERS):
        if await reader.readuntil(b"\r\n") == b"\r\n":
            return bytes(body)
    raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _size_of_chunk(line: bytes) -> int:
    digits = line.partition(b";")[0].strip().decode("latin-1")
    if not 0 < len(digits) <= _SIZE_DIGITS or set(digits) - set(hexdigits):
        raise MalformedRequest(HTTPStatus.BAD_REQUEST, "The size of a chunk is not a number.")
    return int(digits, 16)
