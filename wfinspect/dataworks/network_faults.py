"""What an exception of the HTTP library means for a person: tables of causes and sentences. Pure.

Behind a proxy the party to blame depends on how far the connection came, see `Stage`.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import httpcore
import httpx

from wfinspect.errors import (
    BadAnswer,
    ServiceError,
    Unreachable,
    starvation,
    without_secrets,
)
from wfinspect.format import shown

_PORTS = {"http": 80, "https": 443}


class Stage(Enum):
    """How far a connection has come."""

    CONNECT = "connection to the proxy"
    TLS = "TLS with the proxy itself"
    TUNNEL = "the proxy was asked for a way to the service"
    SERVICE = "the service, directly or through the proxy"


class Progress:
    """How far a request has come, as httpcore tells it."""

    def __init__(self, on_call: Callable[[], None] = lambda: None) -> None:
        """Begin; `on_call` is called when the request itself goes out."""
        self._on_call = on_call
        self._origin: tuple[str, int | None] = ("", None)
        self.is_unanswered_reuse = True
        self.proxy = ""
        """Host and port of the proxy that this request opened a connection to, "" for none."""
        self.stage = Stage.SERVICE

    def goes_to(self, url: httpx.URL) -> None:
        """Take any other host that is connected to for a proxy."""
        self._origin = (url.host, url.port or _PORTS[url.scheme])

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event of httpcore's."""
        if event == "connection.connect_tcp.started":
            if (info["host"], info["port"]) != self._origin:
                host = f"[{info['host']}]" if ":" in info["host"] else info["host"]
                self.proxy, self.stage = f"{host}:{info['port']}", Stage.CONNECT
        elif event == "connection.start_tls.started" and self.proxy:
            self.stage = Stage.TLS
        elif event == "proxy.start_tls.started":
            self.stage = Stage.SERVICE
        elif event == "http11.send_request_headers.started" and self._is_connect(info):
            self.stage = Stage.TUNNEL
        if event in {"connection.connect_tcp.started", "http11.receive_response_headers.complete"}:
            self.is_unanswered_reuse = False
        # A CONNECT goes to the proxy and is no call of the service.
        elif event == "http11.send_request_headers.started" and not self._is_connect(info):
            self._on_call()

    @staticmethod
    def _is_connect(info: Mapping[str, Any]) -> bool:
        return bool(info["request"].method == b"CONNECT")


def contact_error(
    error: Exception, host: str, proxy: str = "", stage: Stage = Stage.SERVICE
) -> ServiceError:
    """What an exception of httpx or httpcore means.

    Args:
        error: the exception.
        host: the endpoint's, with its port if it is an unusual one.
        proxy: host and port of the proxy between, "" for none.
        stage: how far the connection had come.
    """
    if refused := next(filter(None, map(starvation, _chain(error))), ""):
        return Unreachable(f"No connection to {host}: {refused}.", cause="too few resources")
    if proxy and stage is not Stage.SERVICE:
        return _error_at_proxy(error, host, proxy, stage)
    if proxy:
        host = f"{host} (through the proxy {proxy})"
    if isinstance(error, httpx.RemoteProtocolError) and not is_closed(error):
        return BadAnswer(
            f"The answer of {host} is no proper HTTP: is a proxy in the way? It was not used."
        )
    found, cause, sentence = _first(error, _FAULTS)
    return Unreachable(
        sentence.format(host=host, why=_why(found)), cause=cause, is_permanent=_is_permanent(found)
    )


def is_closed(error: Exception) -> bool:
    """Whether the other side ended a connection too early, which has no class of its own."""
    return str(error).startswith(("Server disconnected", "peer closed connection"))


def _error_at_proxy(error: Exception, host: str, proxy: str, stage: Stage) -> Unreachable:
    if isinstance(error, httpx.ProxyError):
        return _refused_by_proxy(str(error), host, proxy)
    if isinstance(error, httpx.RemoteProtocolError) and not is_closed(error):
        return Unreachable(
            f"What answers at {proxy} is not an HTTP proxy: {_CHECK_PROXY}.",
            cause="proxy",
            is_permanent=True,
        )
    faults = _FAULTS_OF_PROXY_TLS if stage is Stage.TLS else _FAULTS_OF_PROXY
    found, cause, sentence = _first(error, faults)
    return Unreachable(
        sentence.format(proxy=proxy, why=_why(found)),
        cause=cause,
        is_permanent=_is_permanent(found),
    )


def _refused_by_proxy(answer: str, host: str, proxy: str) -> Unreachable:
    """What a proxy's answer to CONNECT means: the status and its reason."""
    status = answer[:3]
    said = f"HTTP {shown(without_secrets(answer), limit=60).strip()}"
    if status == "407":
        # Many proxies lock an account after some wrong passwords, so this is nothing to repeat: exit code 4.
        return Unreachable(
            f"The proxy {proxy} wants a user name and password, or others ({said}): put them into "
            "HTTPS_PROXY as http://user:password@host:port, special characters percent-encoded.",
            cause="proxy login",
            is_permanent=True,
            exit_code=4,
        )
    if status == "403":
        return Unreachable(
            f"The proxy {proxy} forbids connections to {host} ({said}): ask its administrator to allow "
            "them, or name the host in NO_PROXY if it can be reached directly.",
            cause="proxy",
            is_permanent=True,
        )
    if status in {"500", "502", "503", "504"}:
        return Unreachable(
            f"The proxy {proxy} can't reach {host} ({said}): check --region, NO_PROXY, and whether the "
            "proxy has a way out.",
            cause="proxy",
        )
    return Unreachable(
        f"What answers at {proxy} does not work as a proxy ({said}): check the host and port in "
        "HTTPS_PROXY.",
        cause="proxy",
        is_permanent=status.startswith("4"),
    )


_Kinds = type[BaseException] | tuple[type[BaseException], ...]
_Faults = tuple[tuple[_Kinds, str, str], ...]


def _first(error: Exception, faults: _Faults) -> tuple[BaseException, str, str]:
    """The first fault of a table that is among the causes of an exception; its last takes anything."""
    causes = list(_chain(error))
    for kinds, cause, sentence in faults:
        for each in causes:
            if isinstance(each, kinds):
                return each, cause, sentence
    raise AssertionError("a table ends with what takes anything")


def _is_permanent(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return shown(error.verify_message.rstrip("."), limit=100)
    if isinstance(error, ssl.SSLError):
        return shown((error.reason or "no reason given").replace("_", " ").lower(), limit=100)
    return shown(without_secrets(str(error)), limit=100)


_TIMEOUTS = (httpx.TimeoutException, httpcore.TimeoutException, TimeoutError)
_NO_CONNECTION = (httpx.ConnectError, httpcore.ConnectError)

_FAULTS: _Faults = (
    (
        ssl.SSLCertVerificationError,
        "certificate",
        (
            "The certificate of {host} does not verify ({why}): if your company inspects TLS, point "
            "SSL_CERT_FILE at its CA bundle; else it is not the service that answers."
        ),
    ),
    (
        ssl.SSLError,
        "TLS",
        (
            "No TLS connection to {host} can be agreed on ({why}): check --endpoint, and whether a "
            "proxy is in the way."
        ),
    ),
    (
        socket.gaierror,
        "no such host",
        "The name {host} can't be resolved: check the network, the VPN and --region.",
    ),
    (
        ConnectionRefusedError,
        "connection refused",
        "{host} refuses connections: is it the right --endpoint, and is it up?",
    ),
    (
        _TIMEOUTS,
        "timeout",
        (
            "{host} did not answer in time: check the network and the VPN; --endpoint vpc works inside "
            "Alibaba Cloud only."
        ),
    ),
    (
        _NO_CONNECTION,
        "unreachable",
        "No connection to {host} comes about: check the network, the VPN and --endpoint.",
    ),
    (
        Exception,
        "connection lost",
        (
            "The connection to {host} broke off before the whole answer came: try again, and check the "
            "network if it stays so."
        ),
    ),
)

_CHECK_PROXY = (
    "check the host and port in HTTPS_PROXY; https:// is for a proxy that speaks TLS itself, and socks "
    "is not served"
)
_FAULTS_OF_PROXY: _Faults = (
    (
        socket.gaierror,
        "proxy not found",
        "The name of the proxy {proxy} can't be resolved: check HTTPS_PROXY, the network and the VPN.",
    ),
    (
        ConnectionRefusedError,
        "proxy refuses",
        (
            "The proxy {proxy} refuses connections: check the host and port in HTTPS_PROXY, and whether the "
            "proxy is up."
        ),
    ),
    (
        _TIMEOUTS,
        "proxy timeout",
        "The proxy {proxy} did not answer in time: check HTTPS_PROXY, the network and the VPN.",
    ),
    (
        _NO_CONNECTION,
        "proxy unreachable",
        "No connection to the proxy {proxy} comes about: check HTTPS_PROXY, the network and the VPN.",
    ),
    (Exception, "proxy", f"The proxy {{proxy}} closed the connection: {_CHECK_PROXY}."),
)

_FAULTS_OF_PROXY_TLS: _Faults = (
    (
        ssl.SSLCertVerificationError,
        "proxy certificate",
        (
            "The certificate of the proxy {proxy} does not verify ({why}): point SSL_CERT_FILE at your "
            "company's CA bundle."
        ),
    ),
    (
        ssl.SSLError,
        "proxy TLS",
        (
            "The proxy {proxy} does not speak TLS as HTTPS_PROXY says ({why}): write http:// in place of "
            "https:// there."
        ),
    ),
    (
        _TIMEOUTS,
        "proxy timeout",
        (
            "The proxy {proxy} did not answer the beginning of TLS in time: write http:// in place of "
            "https:// in HTTPS_PROXY if it does not speak TLS itself."
        ),
    ),
    (
        Exception,
        "proxy TLS",
        (
            "The proxy {proxy} does not speak TLS as HTTPS_PROXY says (it closed the connection): write "
            "http:// in place of https:// there."
        ),
    ),
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    # A chain may be a ring.
    for _ in range(20):
        if current is None:
            return
        # An interrupted handshake leaves these behind; they are no faults.
        if not isinstance(current, ssl.SSLWantReadError | ssl.SSLWantWriteError):
            yield current
        current = current.__cause__ or current.__context__
