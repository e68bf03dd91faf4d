"""The proxy that the environment names for an endpoint, if any. Pure.

httpx would send loopback traffic to it, and fail without a sentence on odd values.
"""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from wfinspect.errors import ConfigError

_HTTPS_PORT = 443


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
