"""One signed request and its answer: what goes over the wire, within bounds.

Knows nothing of what an answer means. Sends read-only operations of an allow-list and nothing else.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from wfinspect.dataworks.network_faults import Progress, contact_error, is_closed
from wfinspect.dataworks.resolver import BoundedStream
from wfinspect.errors import BadAnswer

VERSION = "2024-05-18"

READ_ONLY = frozenset(
    {
        "GetWorkflowInstance",
        "ListWorkflowInstances",
        "ListTaskInstances",
        "GetTaskInstance",
        "GetTaskInstanceLog",
    }
)
"""Every operation that this program can send."""

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a body after unpacking; a hundred instances need a hundredth of it."""

_STEP = 64 * 1024
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_GZIP = b"\x1f\x8b"
"""How a member of gzip begins."""

_FREE_PIECES = 4_000
"""Chunks, reads and gzip members of which an answer may consist, however small they are."""
_LEAST_PIECE = 128
"""Bytes that any more of them must bring on average; the smallest packets of networks bring 500."""


class Call(NamedTuple):
    """An operation and its parameters, in the query or as a form."""

    operation: str
    parameters: Mapping[str, str]
    is_form: bool = False
    asked: int | None = None
    """The ID of the one thing asked for, None for a list."""
    kind: str = "workflow instance"
    """What a sentence calls that."""
    deadline: float | None = None
    """Seconds it may take in all, where it may take longer than others."""
    max_body: int = MAX_BODY


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes


class Exchange:
    """Sends calls to one endpoint over kept connections."""

    def __init__(
        self, host: str, open_http: Callable[[], httpx.AsyncClient], on_call: Callable[[], None]
    ) -> None:
        """Open no connection yet.

        Args:
            host: what sentences call the service.
            open_http: makes the HTTP client, and another one if the first gets stuck.
            on_call: called once for each request that goes out.
        """
        self._host = host
        self._open_http = open_http
        self._on_call = on_call
        self._http = open_http()
        self.proxy = ""
        """Host and port of the proxy that leads there, as far as one was met."""
        self._stuck: httpx.AsyncClient | None = None

    async def send(self, call: Call, auth: httpx.Auth) -> Answer:
        """Send, and once more, signed anew, if the connection proves to have been dead before.

        A kept connection that the service closes in the moment it is used again says nothing about
        the service; neither does a pool without a free connection.

        Raises:
            Unreachable: no whole answer came.
            BadAnswer: it is too large, or no HTTP.
        """
        if call.operation not in READ_ONLY:
            raise ValueError(f"{call.operation} is not among the operations that may be sent")
        for may_repeat in (True, False):
            progress, http = Progress(self._on_call), self._http
            try:
                request = _request(http, call, progress)
                progress.goes_to(request.url)
                return await _send_once(http, request, auth, call.max_body)
            except httpx.HTTPError as error:
                is_stuck = isinstance(error, httpx.PoolTimeout)
                if is_stuck:
                    await self._replace(http)
                is_dead = progress.is_unanswered_reuse and _is_death(error)
                if not (may_repeat and (is_stuck or is_dead)):
                    proxy = progress.proxy or self.proxy
                    raise contact_error(error, self._host, proxy, progress.stage) from None
            finally:
                self.proxy = progress.proxy or self.proxy
        raise AssertionError("the second round returns or raises")

    async def aclose(self) -> None:
        """Close the connections."""
        for http in (self._http, self._stuck):
            if http is not None:
                await http.aclose()

    async def _replace(self, stuck: httpx.AsyncClient) -> None:
        if stuck is not self._http:
            return
        # Others may still be served by the stuck one, so only its predecessor is closed.
        oldest, self._stuck, self._http = self._stuck, stuck, self._open_http()
        if oldest is not None:
            await oldest.aclose()


async def _send_once(
    http: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth, max_body: int
) -> Answer:
    response = await http.send(request, auth=auth, stream=True)
    try:
        stream = response.extensions.get("network_stream")
        if isinstance(stream, BoundedStream):
            stream.has_answered = True
        body = await _read_body(response, max_body)
    finally:
        await response.aclose()
    return Answer(response.status_code, response.headers, body)


async def _read_body(response: httpx.Response, limit: int) -> bytes:
    """The whole body, unpacked.

    No compression is asked for; where something in between compresses all the same, it is unpacked
    in steps, since httpx would unpack a small bomb into all of memory, and only the first of several
    gzip members.

    Raises:
        BadAnswer: it is larger than `limit` bytes, packed in a way that can't be undone, or cut into
            pieces so small that reading it would keep a core busy.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", "deflate"}:
        raise BadAnswer("The service's answer is packed in an unknown way: it was not used.")
    unpack = None if encoding == "identity" else zlib.decompressobj(_GZIP_OR_ZLIB)
    body, left, received, pieces = bytearray(), b"", 0, 0
    async for chunk in response.aiter_raw():
        # Tiny chunks come out of a buffer without a pause; other calls get their turn between them.
        await asyncio.sleep(0)
        received += len(chunk)
        pieces += 1
        rest, left = left + chunk, b""
        while rest:
            if unpack is None:
                step, rest = rest, b""
            elif not unpack.eof:
                step, rest = _unpacked(unpack, rest)
            elif len(rest) < len(_GZIP):
                step, left, rest = b"", rest, b""
            elif rest.startswith(_GZIP):
                # What compresses in blocks, such as pigz or a log that is appended to, makes members.
                unpack, step = zlib.decompressobj(_GZIP_OR_ZLIB), b""
                pieces += 1
            else:
                # Padding, which every reader of gzip passes over.
                step, rest = b"", b""
            body += step
            _refuse_size(max(received, len(body)), limit)
            if pieces > _FREE_PIECES + received // _LEAST_PIECE:
                raise BadAnswer(
                    "The service's answer comes in far too many tiny pieces: it was not used."
                )
    if unpack is not None and not unpack.eof:
        raise BadAnswer("The service's answer is packed and cut short: it was not used.")
    return bytes(body)


def _refuse_size(size: int, limit: int) -> None:
    if size > limit:
        mebibytes = limit // 1_048_576
        raise BadAnswer(f"The service's answer is larger than {mebibytes} MiB: it was not used.")


def _unpacked(unpack: "zlib._Decompress", packed: bytes) -> tuple[bytes, bytes]:
    """Some of what packed bytes hold, and those that are left of them."""
    try:
        step = unpack.decompress(packed, _STEP)
    except zlib.error:
        raise BadAnswer("The service's answer can't be unpacked: it was not used.") from None
    return step, unpack.unused_data if unpack.eof else unpack.unconsumed_tail


def _is_death(error: httpx.HTTPError) -> bool:
    """Whether a connection ended, and not with bytes that are no HTTP."""
    return isinstance(error, httpx.NetworkError) or (
        isinstance(error, httpx.RemoteProtocolError) and is_closed(error)
    )


def _request(http: httpx.AsyncClient, call: Call, progress: Progress) -> httpx.Request:
    headers = {"x-acs-action": call.operation, "x-acs-version": VERSION}
    extensions = {"trace": progress.trace}
    if not call.is_form:
        return http.build_request(
            "GET", "/", params=call.parameters, headers=headers, extensions=extensions
        )
    headers["content-type"] = "application/x-www-form-urlencoded"
    # Encoded here and once: the signature covers exactly these bytes.
    content = urlencode(call.parameters).encode("ascii")
    return http.build_request("POST", "/", content=content, headers=headers, extensions=extensions)
