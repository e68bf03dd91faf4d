"""What an exception of the HTTP library means for a person: a table of causes and sentences. Pure."""

import re
import socket
import ssl
from collections.abc import Iterator

import httpx

from wfinspect.errors import BadAnswer, ServiceError, Unreachable
from wfinspect.format import shown


def contact_error(error: Exception, host: str) -> ServiceError:
    """What an exception of httpx means; `host` is the endpoint's."""
    if isinstance(error, httpx.RemoteProtocolError) and _MALFORMED.search(str(error)):
        return BadAnswer(
            f"The answer of {host} is no proper HTTP: is a proxy in the way? It was not used."
        )
    causes = list(_chain(error))
    for kind, cause, sentence in _FAULTS:
        found = next((each for each in causes if isinstance(each, kind)), None)
        if found is not None:
            filled = sentence.format(host=host, why=_why(found))
            is_permanent = isinstance(found, ssl.SSLError) and not isinstance(
                found, ssl.SSLEOFError
            )
            return Unreachable(filled, cause=cause, is_permanent=is_permanent)
    return Unreachable(
        f"The connection to {host} broke off before the whole answer came: try again, and check the network if it stays so.",
        cause="connection lost",
    )


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return shown(error.verify_message.rstrip("."), limit=100)
    if isinstance(error, ssl.SSLError):
        return shown((error.reason or "no reason given").replace("_", " ").lower(), limit=100)
    return shown(str(error), limit=100)


_MALFORMED = re.compile("content-length|too long|too large|header", re.IGNORECASE)

_Kinds = type[BaseException] | tuple[type[BaseException], ...]
_FAULTS: tuple[tuple[_Kinds, str, str], ...] = (
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
        httpx.ProxyError,
        "proxy",
        "The proxy does not lead to {host} ({why}): check HTTPS_PROXY and NO_PROXY.",
    ),
    (
        ConnectionRefusedError,
        "connection refused",
        "{host} refuses connections: is it the right --endpoint, and is it up?",
    ),
    (
        (httpx.TimeoutException, TimeoutError),
        "timeout",
        (
            "{host} did not answer in time: check the network and the VPN; --endpoint vpc works inside "
            "Alibaba Cloud only."
        ),
    ),
    (
        httpx.ConnectError,
        "unreachable",
        "No connection to {host} comes about: check the network, the VPN and --endpoint.",
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
