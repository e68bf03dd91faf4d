"""The connection: TLS, limits, and the way through a proxy.

httpx reads none of the environment by itself here: it would write TLS keys where SSLKEYLOGFILE
says, and find a proxy in its own way.
"""

import logging
import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import httpx

from wfinspect import __version__
from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.network_faults import Progress, Stage
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


async def tls_through_proxy(
    proxy: str, endpoint: str, verify: ssl.SSLContext, progress: Progress
) -> ssl.SSLObject:
    """Shake hands with an endpoint through a proxy, and hang up: what a call does before it is sent.

    Raises:
        httpx.HTTPError: as a call would; `progress` says how far it came.
        httpcore.NetworkError: the handshake with the endpoint failed.
        httpcore.TimeoutException: so did it.
    """
    parts = urlsplit(base_url(endpoint))
    host, port = parts.hostname or "", parts.port or 443
    via = httpx.Proxy(proxy)
    target = f"{f'[{host}]' if ':' in host else host}:{port}"
    headers = {"host": target}
    if via.raw_auth is not None:
        headers["proxy-authorization"] = f"Basic {b64encode(b':'.join(via.raw_auth)).decode()}"
    progress.goes_to(httpx.URL(base_url(endpoint)))
    async with httpx.AsyncClient(
        transport=_transport(verify, None),
        trust_env=False,
        timeout=httpx.Timeout(CONNECT),
        headers={"user-agent": f"wfinspect/{__version__}"},
    ) as http:
        request = http.build_request(
            "CONNECT",
            via.url,
            headers=headers,
            extensions={"target": target.encode(), "trace": progress.trace},
        )
        answer = await http.send(request, stream=True)
        try:
            if not answer.is_success:
                raise httpx.ProxyError(f"{answer.status_code} {answer.reason_phrase}")
            progress.stage = Stage.SERVICE
            stream = await answer.extensions["network_stream"].start_tls(verify, host, CONNECT)
            peer: ssl.SSLObject = stream.get_extra_info("ssl_object")
            return peer
        finally:
            await answer.aclose()


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
    """The context all connections of a process share: it costs more than a call.

    The machine's own authorities are trusted, so that a company's TLS inspection works; certifi's
    where the machine has none.

    Raises:
        ConfigError: SSL_CERT_FILE or SSL_CERT_DIR names something that can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    file, folders = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        if file:
            context.load_verify_locations(cafile=file)
        if folders:
            # A list, as OpenSSL reads it, which passes over those that are not there.
            present = [each for each in folders.split(os.pathsep) if each and Path(each).is_dir()]
            if not present:
                raise FileNotFoundError(folders)
            for each in present:
                context.load_verify_locations(capath=each)
        if file or folders:
            return context
    except (OSError, ssl.SSLError):
        named = " or ".join(
            f"{name}={shown(value, limit=200)}"
            for name, value in (("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folders))
            if value
        )
        raise ConfigError(
            f"The certificates that {named} names can't be read: point it at a PEM file, a "
            "directory of them or a list of such, or unset it."
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
