"""Where the service answers: a region and a choice to what `Target.endpoint` holds. Pure.

Host names follow the endpoint page of the 2024-05-18 API. The official SDK ignores its own network
option for known regions, so names are built here.
"""

import contextlib
import ipaddress
import re
from urllib.parse import urlsplit

from wfinspect.errors import ConfigError, did_you_mean
from wfinspect.format import shown
from wfinspect.model import REGIONS
from wfinspect.redaction import without_keys

CHOICES = ("public", "vpc")
"""What an endpoint may be called besides giving its URL."""

_CENTRAL_HOST = "dataworks.aliyuncs.com"
_CENTRAL_REGIONS = frozenset({"cn-hangzhou-finance", "cn-qingdao", "cn-huhehaote"})
_PUBLIC_ONLY = _CENTRAL_REGIONS | {"cn-beijing-finance-1", "cn-north-2-gov-1"}

_HOST = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
PORTS = {"https": 443, "http": 80}


def endpoint_of(region: str, choice: str) -> str:
    """Return the endpoint of a region: a bare host for https, a whole URL for http on loopback.

    Args:
        region: a region of `regions.REGIONS`; not used where `choice` is a URL.
        choice: ``public``, ``vpc``, a URL, or a bare host as the aliyun CLI keeps it.

    Raises:
        ConfigError: with one sentence that says what to write instead.
    """
    wanted = choice.strip()
    if wanted.lower() in CHOICES:
        return _host_of(region, wanted.lower())
    if without_keys(wanted) != wanted:
        raise ConfigError(
            "The endpoint looks like a key, so it is not shown: write public, vpc or "
            "a URL that begins with https://."
        )
    if "://" not in wanted and "." in wanted:
        wanted = f"https://{wanted}"
    return _from_url(wanted)


def endpoint_word(region: str, endpoint: str) -> str:
    """Return ``public`` or ``vpc`` for what `endpoint_of` makes of it, any other endpoint as it is."""
    for choice in CHOICES:
        with contextlib.suppress(ConfigError):
            if _host_of(region, choice) == endpoint:
                return choice
    return endpoint


def is_loopback(endpoint: str) -> bool:
    """Return whether an endpoint made by `endpoint_of` is plain http on this machine."""
    return endpoint.startswith("http://")


def base_url(endpoint: str) -> str:
    """Return the URL to send to."""
    return endpoint if is_loopback(endpoint) else f"https://{endpoint}"


def _host_of(region: str, choice: str) -> str:
    if region not in REGIONS:
        hint = did_you_mean(region, REGIONS, "e.g. cn-shanghai is one.")
        raise ConfigError(
            f"DataWorks has no region {_quoted(region)} that is known here: {hint} "
            "Set it with --region, or give the service's URL with --endpoint."
        )
    if choice == "vpc":
        if region in _PUBLIC_ONLY:
            raise ConfigError(f"{region} has no VPC endpoint: use --endpoint public.")
        return f"dataworks-vpc.{region}.aliyuncs.com"
    return _CENTRAL_HOST if region in _CENTRAL_REGIONS else f"dataworks.{region}.aliyuncs.com"


def _from_url(text: str) -> str:
    quoted = _quoted(re.sub(r"//[^/@]*@", "//...@", text))
    unusable = ConfigError(
        f"The endpoint {quoted} can't be used: write public, vpc or a URL of a host alone, such as "
        "https://host or https://host:8443."
    )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise unusable from None
    # urlsplit drops some control characters in silence.
    if parts.scheme not in {"http", "https"} or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise unusable
    literal = _address(host)
    is_host = port != 0 and (literal or re.fullmatch(_HOST, host))
    if not is_host or parts.path not in {"", "/"} or re.search("[@?#]", text):
        raise unusable
    name = f"[{literal}]" if isinstance(literal, ipaddress.IPv6Address) else host
    place = name if port in {None, PORTS[parts.scheme]} else f"{name}:{port}"
    if parts.scheme == "https":
        return place
    # A name may resolve to anything, so only a literal can promise that nothing leaves the machine.
    if literal is None or not literal.is_loopback:
        raise ConfigError(
            f"The endpoint {quoted} would send signed requests in the clear: use https://; "
            "http:// is for 127.0.0.1 and [::1] only."
        )
    return f"http://{place}"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(literal, ipaddress.IPv6Address) and (literal.ipv4_mapped or literal.scope_id):
        return None
    return literal


def _quoted(text: str) -> str:
    return f"'{shown(without_keys(text), limit=80)}'"
