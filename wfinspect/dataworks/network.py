"""The connection: TLS, proxies from the environment, limits, and what its exceptions mean.

httpx reads none of the environment by itself here: it would send loopback traffic to a proxy,
write TLS keys where SSLKEYLOGFILE says, and fail without a sentence on odd values.
"""

import ipaddress
import logging
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import httpx

from wfinspect import __version__
from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.resolver import NamedBackend
from wfinspect.errors import BadAnswer, ConfigError, ServiceError, Unreachable
from wfinspect.format import shown

CONNECT, READ, WRITE, POOL = 5.0, 10.0, 5.0, 2.0
"""Seconds each step of a request may take."""

KEEPALIVE = 4.0
"""Seconds an idle connection is kept: less than servers wait before they close theirs."""

_HTTPS_PORT = 443


def open_http(
    endpoint: str, environ: Mapping[str, str], verify: ssl.SSLContext
) -> httpx.AsyncClient:
    """An HTTP client for one endpoint.

    Raises:
        ConfigError: the proxy in the environment can't be used.
    """
    for name in ("httpx", "httpcore"):
        # Their chatter shows whole URLs, and headers with the security token among them.
        logging.getLogger(name).setLevel(logging.WARNING)
    proxy = None if is_loopback(endpoint) else proxy_for(endpoint, environ)
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
    return httpx.AsyncClient(
        transport=transport,
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
    )


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """The context all connections of a process share: it costs more than a call.

    The machine's own authorities are trusted, so that a company's TLS inspection works; certifi's
    where the machine has none.

    Raises:
        ConfigError: SSL_CERT_FILE or SSL_CERT_DIR names something that can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        if file or folder:
            context.load_verify_locations(cafile=file or None, capath=folder or None)
            if folder and not Path(folder).is_dir():
                raise FileNotFoundError(folder)
            return context
    except (OSError, ssl.SSLError):
        named = " or ".join(
            f"{name}={shown(value, limit=200)}"
            for name, value in (("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folder))
            if value
        )
        raise ConfigError(
            f"The certificates that {named} names can't be read: point it at a PEM file or a "
            "directory of them, or unset it."
        ) from None
    defaults = ssl.get_default_verify_paths()
    has_own = defaults.cafile is not None or (
        defaults.capath is not None and any(Path(defaults.capath).iterdir())
    )
    if has_own:
        context.set_default_verify_paths()
    else:
        context.load_verify_locations(cafile=certifi.where())
    return context


def no_tls() -> ssl.SSLContext:
    """A context that trusts nobody, for plain http on loopback: cheap, and safe if it is used."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_for(endpoint: str, environ: Mapping[str, str]) -> str | None:
    """The URL of the proxy for an https endpoint; None without one.

    Raises:
        ConfigError: it is no http:// or https:// URL.
    """
    value = _variable("https_proxy", environ) or _variable("all_proxy", environ)
    if not value or _is_exempt(endpoint, _variable("no_proxy", environ)):
        return None
    url = value if "://" in value else f"http://{value}"
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
            "HTTPS_PROXY or ALL_PROXY can't be used: write http://host:port (socks is not served), "
            "or unset it."
        )
    return url


def _variable(name: str, environ: Mapping[str, str]) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _is_exempt(endpoint: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host: ``*``, a name with its subdomains, an address, a network."""
    parts = urlsplit(f"https://{endpoint}")
    host, port = parts.hostname or "", parts.port or _HTTPS_PORT
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        name, _, wanted_port = entry.rpartition(":")
        if not (name and re.fullmatch("[0-9]{1,5}", wanted_port) and ":" not in name.strip("[]")):
            name, wanted_port = entry, ""
        if wanted_port and int(wanted_port) != port:
            continue
        name = name.removeprefix("*.").lstrip(".")
        if name and (name in {"*", host} or host.endswith(f".{name}")):
            return True
        if _is_in_network(host, name.strip("[]")):
            return True
    return False


def _is_in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


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
