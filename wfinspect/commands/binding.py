"""Which account, region and endpoint new instances are bound to, and how they are reached."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from wfinspect.clock import Clock
from wfinspect.config import DEFAULT_REGION, Settings
from wfinspect.dataworks.credentials import identify
from wfinspect.dataworks.endpoints import endpoint_of
from wfinspect.instance import Binding
from wfinspect.paths import home_of
from wfinspect.watching.source import Connect, InstanceSource


class Bound(NamedTuple):
    """A binding, and where its parts came from in a few words."""

    binding: Binding
    profile_source: str
    region_source: str


def bind(settings: Settings, environ: Mapping[str, str]) -> Bound:
    """Decide the binding of new instances; reads no key and asks nobody.

    Raises:
        ConfigError: an unknown profile or region, or an endpoint that can't be used.
    """
    identity = identify(settings.profile, environ, home_of(environ))
    if settings.region is not None:
        region, region_source = settings.region, settings.sources["region"]
    elif identity.region:
        region, region_source = identity.region, f"profile {identity.profile}"
    else:
        region, region_source = DEFAULT_REGION, "default"
    endpoint = endpoint_of(region, settings.endpoint)
    return Bound(Binding(identity.profile, region, endpoint), identity.source, region_source)


def connecting(environ: Mapping[str, str], clock: Clock) -> Connect:
    """A function that opens the service for a binding; they all share one TLS context."""
    opened: list[Connect] = []

    async def connect(binding: Binding, on_call: Callable[[], None]) -> InstanceSource:
        # On the poller's thread, after the first paint: httpx and msgspec are slow to import.
        from wfinspect.dataworks import connector

        if not opened:
            opened.append(connector(environ, home_of(environ), clock))
        return await opened[0](binding, on_call)

    return connect
