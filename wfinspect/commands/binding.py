"""Which account, region and endpoint new instances are bound to."""

from collections.abc import Mapping
from typing import NamedTuple

from wfinspect.config import Settings
from wfinspect.dataworks.endpoints import endpoint_of
from wfinspect.dataworks.profiles import (
    DEFAULT,
    ENVIRONMENT,
    Identity,
    identify,
    region_in,
    region_variable,
)
from wfinspect.errors import ConfigError
from wfinspect.instance import Binding
from wfinspect.paths import home_of

DEFAULT_REGION = "cn-shanghai"


class Bound(NamedTuple):
    """A binding, and where its parts came from in a few words."""

    binding: Binding
    profile_source: str
    region_source: str
    endpoint_source: str


def bind(settings: Settings, environ: Mapping[str, str]) -> Bound:
    """Decide the binding of new instances; reads no key and asks nobody.

    Raises:
        ConfigError: an unknown profile or region, or an endpoint that can't be used.
    """
    identity = identify(settings.profile, environ, home_of(environ))
    if settings.region is not None:
        region, region_source = settings.region, settings.sources["region"]
    elif identity.region:
        region, region_source = identity.region, _source(identity, environ)
    else:
        region, region_source = DEFAULT_REGION, "default"
    if settings.endpoint is not None:
        choice, endpoint_source = settings.endpoint, settings.sources["endpoint"]
    elif identity.endpoint:
        choice, endpoint_source = identity.endpoint, _profile_of(identity)
    else:
        choice, endpoint_source = "public", "default"
    try:
        endpoint = endpoint_of(region, choice)
    except ConfigError as error:
        if endpoint_source in {"default", "--endpoint"}:
            raise
        raise ConfigError(f"{error} It comes from {endpoint_source}.") from None
    binding = Binding(identity.profile, region, endpoint)
    return Bound(binding, identity.source, region_source, endpoint_source)


def _source(identity: Identity, environ: Mapping[str, str]) -> str:
    """Where the region of an identity came from."""
    if identity.region == region_in(environ):
        return str(region_variable(environ))
    return _profile_of(identity)


def _profile_of(identity: Identity) -> str:
    is_named = identity.profile not in {DEFAULT, ENVIRONMENT}
    return f"profile {identity.profile}" if is_named else "the aliyun CLI's current profile"
