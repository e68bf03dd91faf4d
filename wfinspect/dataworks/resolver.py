"""Connecting by name without asyncio's shared threads, and answers that have to begin within bounds.

asyncio looks names up in a few threads that everything shares: six hung look-ups stop them all,
and hold up the end of the process.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from wfinspect.dataworks.lookup import Lookup

Resolve = Callable[[str, int], Sequence[str]]
"""A host and a port to its addresses, best first; blocks, and raises OSError."""


_MAX_HEAD = 192 * 1024
"""Bytes that may come before the headers of an answer are complete, 1xx answers and the beginning of
its body included: h11 takes 100 KiB of headers, and a read brings up to 64 KiB."""

_MAX_HEAD_READS = 1_000
_BEGIN = b"HTTP/"


def addresses_of(host: str, port: int) -> list[str]:
    """What the system knows of a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        # Python refuses a part of a name that is too long before it asks anybody.
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection on which every answer has to begin soon.

    httpcore passes over any number of 1xx answers and reads a head byte by byte: a server that floods
    either keeps a core busy until the call's deadline. One that speaks another protocol would be waited
    for, too.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        """Bound what comes until `has_answered` is set."""
        self._stream = stream
        self._bytes = self._reads = 0
        self.has_answered = False
        """Whether the headers are complete; False again once something is sent."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's interface
        """Read; raises RemoteProtocolError where no answer can become of it."""
        data = await self._stream.read(max_bytes, timeout)
        if self.has_answered or not data:
            return data
        if not self._reads and not _BEGIN.startswith(data.lstrip(b"\r\n")[: len(_BEGIN)]):
            raise httpcore.RemoteProtocolError("the answer does not begin with HTTP/")
        self._bytes += len(data)
        self._reads += 1
        if self._bytes > _MAX_HEAD or self._reads > _MAX_HEAD_READS:
            raise httpcore.RemoteProtocolError("the answer does not begin")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's interface
        """Send; what comes next is the head of another answer."""
        self._bytes = self._reads = 0
        self.has_answered = False
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands; the answers within TLS have bounds of their own."""
        return BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's interface
        """What httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


class NamedBackend(httpcore.AnyIOBackend):
    """httpcore's connections, with one look-up at a time for each name."""

    def __init__(self, resolve: Resolve = addresses_of) -> None:
        """Look names up with `resolve`, in daemon threads."""
        self._resolve = resolve
        self._lookups: dict[tuple[str, int], Lookup[Sequence[str]]] = {}
        self._good: dict[str, str] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers, the one of last time first.

        Each address gets an equal share of the time that is left, so that one family of addresses
        that leads nowhere does not use up what the other needs.
        """
        now = asyncio.get_running_loop().time
        ends = None if timeout is None else now() + timeout
        addresses = await self._addresses(host, port, timeout)
        addresses.sort(key=lambda address: address != self._good.get(host))
        for left in range(len(addresses), 0, -1):
            address = addresses[-left]
            share = None if ends is None else max(0.0, ends - now()) / left
            try:
                stream = await super().connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
            else:
                self._good[host] = address
                return BoundedStream(stream)
        raise httpcore.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int, seconds: float | None) -> list[str]:
        key = (host, port)
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = Lookup(lambda: self._resolve(host, port), "look-up of a host")
            self._lookups[key] = lookup
        try:
            return list(await lookup.wait(seconds))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        finally:
            # A fresh look-up for each connection: addresses change, and the system has a cache.
            if lookup.is_done and self._lookups.get(key) is lookup:
                del self._lookups[key]
