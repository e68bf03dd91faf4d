"""The way to the service step by step, for a person who asks why nothing comes.

Each step fails with the sentence that a call would fail with.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.lookup import Lookup
from wfinspect.dataworks.network import tls_through_proxy
from wfinspect.dataworks.network_faults import Progress, Stage, contact_error
from wfinspect.dataworks.proxies import proxy_for
from wfinspect.dataworks.resolver import addresses_of
from wfinspect.errors import ServiceError

STEP_SECONDS = 5.0
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Hop:
    """What this machine connects to first."""

    host: str
    port: int
    is_proxy: bool
    has_tls: bool
    """A handshake with the service follows, through the proxy if there is one."""


def first_hop(endpoint: str, environ: Mapping[str, str]) -> Hop:
    """The service of an endpoint, or the proxy before it.

    Raises:
        ConfigError: the proxy in the environment can't be used.
    """
    proxy = None if is_loopback(endpoint) else proxy_for(endpoint, environ)
    parts = urlsplit(proxy or base_url(endpoint))
    port = parts.port or _PORTS[parts.scheme]
    return Hop(parts.hostname or "", port, proxy is not None, not is_loopback(endpoint))


async def resolve(hop: Hop) -> Sequence[str]:
    """The addresses of a hop. Raises ServiceError."""
    lookup = Lookup(lambda: addresses_of(hop.host, hop.port), "look-up of a host")
    try:
        return await lookup.wait(STEP_SECONDS)
    except (OSError, TimeoutError) as error:
        raise _error(error, hop) from None


async def reach(
    hop: Hop, addresses: Sequence[str], context: ssl.SSLContext | None = None
) -> tuple[str, Any]:
    """Connect to the first address that answers, shake hands where there is a context, hang up.

    Gives the address and, after a handshake, the `ssl.SSLObject`. Raises ServiceError.
    """
    failed: Exception = OSError("no address")
    for address in addresses:
        try:
            async with asyncio.timeout(STEP_SECONDS / len(addresses)):
                # By address, since asyncio would look a name up in threads that the end waits for.
                _, writer = await asyncio.open_connection(
                    address, hop.port, ssl=context, server_hostname=hop.host if context else None
                )
        except (OSError, TimeoutError) as error:
            failed = error
        else:
            writer.transport.abort()
            return address, writer.get_extra_info("ssl_object")
    raise _error(failed, hop) from None


async def reach_through_proxy(
    endpoint: str, environ: Mapping[str, str], context: ssl.SSLContext
) -> ssl.SSLObject:
    """Shake hands with the service of an endpoint through the proxy before it. Raises ServiceError."""
    proxy, progress = proxy_for(endpoint, environ), Progress()
    assert proxy is not None  # noqa: S101 - the first hop was one
    try:
        return await tls_through_proxy(proxy, endpoint, context, progress)
    except (httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException) as error:
        host = urlsplit(base_url(endpoint)).netloc
        raise contact_error(error, host, progress.proxy, progress.stage) from None


def _error(error: Exception, hop: Hop) -> ServiceError:
    host = f"[{hop.host}]" if ":" in hop.host else hop.host
    proxy = f"{host}:{hop.port}" if hop.is_proxy else ""
    return contact_error(error, hop.host, proxy, Stage.CONNECT)
