"""The connection: TLS, limits, and the way through a proxy.

httpx reads none of the environment by itself here: it would write TLS keys where SSLKEYLOGFILE
says, and find a proxy in its own way.
"""

import logging
import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import certifi
import httpx

from wfinspect import __version__
from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.proxies import proxy_for
from wfinspect.dataworks.resolver import NamedBackend
from wfinspect.errors import ConfigError
from wfinspect.format import shown

CONNECT, READ, WRITE, POOL = 5.0, 10.0, 5.0, 2.0
"""Seconds each step of a request may take."""

KEEPALIVE = 4.0
"""Seconds an idle connection is kept: less than servers wait before they close theirs."""


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
        # Every cookie of every answer would be kept, and sent with all later calls.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
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
