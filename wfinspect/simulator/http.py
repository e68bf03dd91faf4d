"""Requests and replies of HTTP/1.1, as h11 reads and writes them. Knows nothing of DataWorks."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import parse_qsl

import h11

MAX_BODY = 1024 * 1024
HEAD_LIMIT = 64 * 1024
_PIECE = 64 * 1024


class MalformedRequest(Exception):
    """What came is not a request that can be answered properly; the connection must end."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, as it came."""

    method: str
    path: str
    query: str
    """Still percent-encoded."""
    headers: dict[str, str]
    """Names in lower case, values trimmed; the first of a repeated name."""
    body: bytes

    def parameters(self) -> dict[str, str]:
        """Return the decoded fields of query and form; the first value of a repeated name counts."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return dict(reversed(pairs))


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"

    def events(self, at: datetime) -> Iterable[h11.Event]:
        """Return what is to be sent; `at` becomes the Date header."""
        headers = {
            "Date": format_datetime(at, usegmt=True),
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            **self.headers,
        }
        reason = HTTPStatus(self.status).phrase.encode()
        yield h11.Response(status_code=self.status, headers=list(headers.items()), reason=reason)
        yield h11.Data(data=self.body)
        yield h11.EndOfMessage()


async def read_request(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> HttpRequest | None:
    """Read one request; None when the peer has gone. A client that waits for ``100 Continue`` gets it.

    Raises:
        MalformedRequest: the bytes are not an HTTP/1 request, or one that is too large.
    """
    head, headers, body = None, dict[str, str](), bytearray()
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise MalformedRequest(error.error_status_hint, str(error)) from None
        match event:
            case h11.NEED_DATA:
                if connection.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    writer.write(connection.send(go_on) or b"")
                connection.receive_data(await reader.read(_PIECE))
            case h11.Request():
                head = event
                pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in head.headers]
                headers = dict(reversed(pairs))
                _refuse_size(int(headers.get("content-length", "0")))
            case h11.Data():
                body += event.data
                _refuse_size(len(body))
            case h11.EndOfMessage() if head is not None:
                path, _, query = head.target.decode("latin-1").partition("?")
                return HttpRequest(head.method.decode(), path, query, headers, bytes(body))
            case _:
                return None


def _refuse_size(size: int) -> None:
    if size > MAX_BODY:
        raise MalformedRequest(413, f"A body of more than {MAX_BODY:,} bytes is not served.")
