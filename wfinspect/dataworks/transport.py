"""Sending a call: one request over kept connections, its answer read within bounds.

From the outside in: a call and its answer, the HTTP client with its TLS, the proxy before it, the connection and
the look-up of names, and blocking functions in threads.
"""

import asyncio
import gzip
import io
import logging
import os
import re
import socket
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # not in typeshed

import httpcore
import httpx

from wfinspect import __version__
from wfinspect.dataworks.endpoints import PORTS, base_url, is_loopback
from wfinspect.dataworks.failures import Stage, contact_error, is_closed
from wfinspect.errors import BadAnswer, ConfigError
from wfinspect.format import shown
from wfinspect.redaction import remember_secrets

# httpcore looks for it four times in a call, though only trio has use for it; where it is not installed
# each search goes through the directories of sys.path.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type] # says that there is none

VERSION = "2024-05-18"
READ_ONLY = frozenset(
    {
        "GetWorkflowInstance",
        "ListWorkflowInstances",
        "ListTaskInstances",
        "GetTaskInstance",
        "GetTaskInstanceLog",
        "ListUpstreamTaskInstances",
        "ListDownstreamTaskInstances",
        "ListTaskInstanceOperationLogs",
    }
)
"""Every operation that this program can send."""

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a body after unpacking; a hundred instances need a hundredth of it."""


class Call(NamedTuple):
    """An operation and its parameters, in the query or as a form."""

    operation: str
    parameters: Mapping[str, object]
    """Those that are None or "" are left out."""
    is_form: bool = False
    requested_id: int | None = None
    """The ID of the one thing that is requested, None for a list."""
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


class Transport:
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
        """Host and port of the proxy that leads there, once a connection has shown one."""
        self._stuck: httpx.AsyncClient | None = None

    async def send(self, call: Call, auth: httpx.Auth) -> Answer:
        """Send, and once more with a new signature if the connection proves to have ended before.

        A kept connection that the service closes in the moment it is used again says nothing about
        the service; neither does a pool without a free connection.

        Raises:
            Unreachable: no whole answer came.
            BadAnswer: it is too large, or no HTTP.
        """
        if call.operation not in READ_ONLY:
            raise ValueError(f"{call.operation} is not among the operations that may be sent")
        for may_repeat in (True, False):
            http = self._http
            progress = RequestProgress(http.base_url, self._on_call)
            try:
                request = _request(http, call, progress)
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


class RequestProgress:
    """How far a request has come, by the events of httpcore."""

    def __init__(self, url: httpx.URL, on_call: Callable[[], None] = lambda: None) -> None:
        """Begin; any other host than the URL's is a proxy, `on_call` is called as the request goes out."""
        self._origin = (url.host, url.port or PORTS[url.scheme])
        self._on_call = on_call
        self.is_unanswered_reuse = True
        self.proxy = ""
        """Host and port of the proxy that this request opened a connection to, "" for none."""
        self.stage = Stage.SERVICE

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take in an event; as httpcore's extension ``trace`` calls it."""
        match event:
            case "connection.connect_tcp.started":
                self.is_unanswered_reuse = False
                if (info["host"], info["port"]) != self._origin:
                    host = f"[{info['host']}]" if ":" in info["host"] else info["host"]
                    self.proxy, self.stage = f"{host}:{info['port']}", Stage.CONNECT
            case "connection.start_tls.started" if self.proxy:
                self.stage = Stage.TLS
            case "proxy.start_tls.started":
                self.stage = Stage.SERVICE
            # A CONNECT goes to the proxy: it is not a call of the service.
            case "http11.send_request_headers.started" if info["request"].method == b"CONNECT":
                self.stage = Stage.TUNNEL
            case "http11.send_request_headers.started":
                self._on_call()
            case "http11.receive_response_headers.complete":
                self.is_unanswered_reuse = False
            case _:
                pass


def _request(http: httpx.AsyncClient, call: Call, progress: RequestProgress) -> httpx.Request:
    given = {name: str(value) for name, value in call.parameters.items() if value not in {None, ""}}
    query, form = (None, given) if call.is_form else (given, None)
    return http.build_request(
        "POST" if call.is_form else "GET",
        "/",
        params=query,
        data=form,
        headers={"x-acs-action": call.operation, "x-acs-version": VERSION},
        extensions={"trace": progress.trace},
    )


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


def _is_death(error: httpx.HTTPError) -> bool:
    """Return whether a connection ended, and did not bring bytes that are not HTTP."""
    return isinstance(error, httpx.NetworkError) or (
        isinstance(error, httpx.RemoteProtocolError) and is_closed(error)
    )


_GZIP = b"\x1f\x8b\x08"  # how a member of gzip begins

# Chunks, reads and gzip members of which an answer may consist, however small they are.
_FREE_PIECES = 4_000

# Bytes that any more of them must bring on average; the smallest packets of networks bring 500.
_LEAST_PIECE = 128


async def _read_body(response: httpx.Response, limit: int) -> bytes:
    """Return the whole body, unpacked.

    No compression is requested; where something in between compresses all the same, it is unpacked
    here, since httpx would unpack a small bomb into all of memory, and only the first of several gzip
    members, of which what compresses in blocks makes many.

    Raises:
        BadAnswer: it is larger than `limit` bytes, packed in a way that can't be undone, or cut into
            pieces so small that reading it would keep a core busy.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", "deflate"}:
        raise BadAnswer("The service's answer is packed in an unknown way: it was not used.")
    data, pieces = bytearray(), 0
    async for chunk in response.aiter_raw():
        # Tiny chunks come out of a buffer without a pause; other calls get their turn between them.
        await asyncio.sleep(0)
        data += chunk
        pieces += 1
        _refuse_excess(len(data), limit, pieces)
    if encoding == "identity":
        return bytes(data)
    _refuse_excess(len(data), limit, pieces + data.count(_GZIP))
    body = _unpacked(data, limit + 1)
    _refuse_excess(len(body), limit)
    return body


def _unpacked(packed: bytes | bytearray, most: int) -> bytes:
    """Return what packed bytes hold, at most so many bytes of it."""
    try:
        if packed.startswith(_GZIP):
            return gzip.GzipFile(fileobj=io.BytesIO(packed)).read(most)
        # What is cut short is no JSON, which says so.
        return zlib.decompressobj().decompress(packed, most)
    except (EOFError, OSError, zlib.error):
        raise BadAnswer("The service's answer can't be unpacked: it was not used.") from None


def _refuse_excess(size: int, limit: int, pieces: int = 0) -> None:
    if size > limit:
        mebibytes = limit // 1_048_576
        raise BadAnswer(f"The service's answer is larger than {mebibytes} MiB: it was not used.")
    if pieces > _FREE_PIECES + size // _LEAST_PIECE:
        raise BadAnswer("The service's answer comes in far too many tiny pieces: it was not used.")


CONNECT, READ, WRITE, POOL = 5.0, 10.0, 5.0, 2.0
"""Seconds each step of a request may take."""

KEEPALIVE = 4.0
"""Seconds an idle connection is kept: less than servers wait before they close theirs."""


def open_http(
    endpoint: str, environ: Mapping[str, str], verify: ssl.SSLContext
) -> httpx.AsyncClient:
    """Return an HTTP client for one endpoint.

    Raises:
        ConfigError: the proxy in the environment can't be used.
    """
    for name in ("httpx", "httpcore"):
        # Their messages show whole URLs, and headers with the security token among them.
        logging.getLogger(name).setLevel(logging.WARNING)
    proxy = None if is_loopback(endpoint) else proxy_for(endpoint, environ)
    return httpx.AsyncClient(
        transport=_transport(verify, proxy),
        base_url=base_url(endpoint),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(connect=CONNECT, read=READ, write=WRITE, pool=POOL),
        headers={
            "accept": "application/json",
            # A compressed answer would have to be unpacked with care; batches are small.
            "accept-encoding": "identity",
            "user-agent": f"wfinspect/{__version__}",
        },
        # Every cookie of every answer would be kept, and sent with all later calls.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


def _transport(verify: ssl.SSLContext, proxy: str | None) -> httpx.AsyncHTTPTransport:
    transport = httpx.AsyncHTTPTransport(
        verify=verify,
        proxy=proxy
        and httpx.Proxy(proxy, ssl_context=verify if proxy.lower().startswith("https:") else None),
        trust_env=False,
        limits=httpx.Limits(
            max_connections=20, max_keepalive_connections=4, keepalive_expiry=KEEPALIVE
        ),
    )
    # httpx has no public way to choose how httpcore connects.
    transport._pool._network_backend = NamedBackend()  # noqa: SLF001
    return transport


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return the context that all connections of a process share: it costs more than a call.

    The machine's own authorities are trusted, so that a company's TLS inspection works; certifi's
    where the machine has none.

    Raises:
        ConfigError: SSL_CERT_FILE or SSL_CERT_DIR names something that can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    named = {name: environ[name] for name in names if environ.get(name)}
    try:
        folders = named.get("SSL_CERT_DIR")
        # A list, of which OpenSSL passes over those that are not there.
        if folders and not any(map(os.path.isdir, folders.split(os.pathsep))):
            raise FileNotFoundError(folders)
        if named:
            context.load_verify_locations(named.get("SSL_CERT_FILE"), folders)
            return context
    except (OSError, ssl.SSLError):
        said = " or ".join(f"{name}={shown(value, limit=200)}" for name, value in named.items())
        raise ConfigError(
            f"The certificates that {said} names can't be read: point it at a PEM file, a "
            "directory of them or a list of such, or unset it."
        ) from None
    defaults = ssl.get_default_verify_paths()
    if defaults.cafile or (defaults.capath and any(Path(defaults.capath).iterdir())):
        context.set_default_verify_paths()
    else:
        import certifi  # noqa: PLC0415 - 2 ms, and most machines have authorities of their own

        context.load_verify_locations(cafile=certifi.where())
    return context


def no_tls() -> ssl.SSLContext:
    """Return a context that trusts no certificate, for plain http on loopback: cheap, and safe if used."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Connected(Exception):
    """A connection stands, over which a call would be sent now."""


async def connect_once(
    endpoint: str, environ: Mapping[str, str], verify: ssl.SSLContext
) -> tuple[str, str, ssl.SSLObject | None]:
    """Connect to an endpoint as a call does before it is sent, and hang up.

    Returns the first address on the way, host and port of the proxy if that is one, and the TLS with the service.

    Raises:
        ServiceError: as a call would.
        ConfigError: as `open_http`.
    """
    url = base_url(endpoint)
    progress, found = RequestProgress(httpx.URL(url)), list[tuple[str, ssl.SSLObject | None]]()

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        await progress.trace(event, info)
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            address = stream.get_extra_info("server_addr")[0]
            found.append((address, stream.get_extra_info("ssl_object")))
        elif event == "http11.send_request_headers.started" and info["request"].method == b"GET":
            raise _Connected

    try:
        async with open_http(endpoint, environ, verify) as http:
            await http.get(url, extensions={"trace": trace})
    except _Connected:
        return found[0][0], progress.proxy, found[-1][1]
    except httpx.HTTPError as error:
        host = urlsplit(url).netloc
        raise contact_error(error, host, progress.proxy, progress.stage) from None
    raise AssertionError("a connection comes before any request")


def proxy_for(endpoint: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for an https endpoint; None without one.

    Raises:
        ConfigError: it is not an http:// or https:// URL, or its password is not percent-encoded.
    """
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    name = next((name for name in names if environ.get(name, "").strip()), None)
    if name is None or _is_exempt(endpoint, environ):
        return None
    value = environ[name].strip()
    url = value if "://" in value else f"http://{value}"
    # Whatever ends a host ends it before the "@" too, and the start of the password becomes the port.
    user_and_password = url.partition("://")[2].rpartition("@")[0]
    if re.search(r"[/?#@\[\]\\\s\x00-\x1f]", user_and_password):
        raise ConfigError(
            f"{name} holds a user name or password with a character that means something else in a "
            "URL: percent-encode it, as %23 for #, %2F for /, %3F for ? and %40 for @."
        )
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_usable = is_usable and parts.port != 0 and not re.search(r"[\s\x00-\x1f]", url)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        is_usable = False
    if not is_usable:
        # The value may hold a password, so it is not quoted.
        raise ConfigError(
            f"{name} can't be used: write http://host:port (socks is not served), or unset it."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    remember_secrets(password, f"{user}:{password}")
    return url


def _is_exempt(endpoint: str, environ: Mapping[str, str]) -> bool:
    """Return whether NO_PROXY names the host: ``*``, a name with its subdomains, an address; with a port or without."""
    no_proxy = environ.get("no_proxy", "").strip() or environ.get("NO_PROXY", "")
    names = re.split(r"[,;\s]+", no_proxy.replace("*.", "."))
    parts = urlsplit(f"https://{endpoint}")
    place = f"{parts.hostname}:{parts.port or PORTS['https']}"
    return "*" in names or bool(proxy_bypass_environment(place, {"no": ",".join(names)}))


Resolve = Callable[[str, int], Sequence[str]]
"""A host and a port to its addresses, best first; blocks, and raises OSError."""


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system knows it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        # Python refuses a part of a name that is too long before it looks the name up.
        raise socket.gaierror(socket.EAI_NONAME, "not the name of a host") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class NamedBackend(httpcore.AnyIOBackend):
    """httpcore's connections, with one look-up at a time for each name."""

    def __init__(self, resolve: Resolve = addresses_of) -> None:
        """Look names up with `resolve`, in daemon threads."""
        self._resolve = resolve
        self._lookups: dict[tuple[str, int], BlockingCall[Sequence[str]]] = {}
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
            lookup = BlockingCall(lambda: self._resolve(host, port), "look-up of a host")
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


# Bytes that may come before the headers of an answer are complete, 1xx answers and the beginning of its body
# included: h11 takes 100 KiB of headers, and a read brings up to 64 KiB.
_MAX_HEAD = 192 * 1024

_MAX_HEAD_READS = 1_000
_BEGIN = b"HTTP/"


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection on which every answer has to begin soon.

    httpcore passes over any number of 1xx answers and reads a head byte by byte: a server that floods
    either keeps a core busy until the call's deadline. One that speaks another protocol would keep
    the call waiting, too.
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
        """Return a fact about the connection."""
        return self._stream.get_extra_info(info)


_T = TypeVar("_T")


class BlockingCall(Generic[_T]):
    """One call of a blocking function in a daemon thread; any number of tasks may wait for it.

    Some such calls never return: neither asyncio's shared threads nor the end of the process may wait for them.
    """

    def __init__(self, function: Callable[[], _T], name: str) -> None:
        """Call it at once, in a thread of that name."""
        self._function = function
        self._answer: Future[_T] = Future()
        self._answer.set_running_or_notify_cancel()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def is_done(self) -> bool:
        """Return whether the function has returned or raised."""
        return self._answer.done()

    async def wait(self, seconds: float | None) -> _T:
        """Return what the function returns, or raise what it raises.

        Raises:
            TimeoutError: it has done neither within `seconds`; it goes on.
        """
        # What is cancelled at the end of the wait is the asyncio future; the thread goes on.
        return await asyncio.wait_for(asyncio.wrap_future(self._answer), seconds)

    def _run(self) -> None:
        try:
            self._answer.set_result(self._function())
        except BaseException as error:  # noqa: BLE001 - whatever it is, a task waits for it
            self._answer.set_exception(error)
