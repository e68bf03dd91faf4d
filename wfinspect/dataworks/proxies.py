"""The proxy that the environment names for an endpoint, if any.

httpx would send loopback traffic to it, and fail without a sentence on odd values.
"""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import httpx

from wfinspect.errors import ConfigError, remember_secrets

_HTTPS_PORT = 443


def proxy_for(endpoint: str, environ: Mapping[str, str]) -> str | None:
    """The URL of the proxy for an https endpoint; None without one.

    Raises:
        ConfigError: it is no http:// or https:// URL, or its password is not percent-encoded.
    """
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    name = next((name for name in names if environ.get(name, "").strip()), None)
    if name is None or _is_exempt(endpoint, environ):
        return None
    value = environ[name].strip()
    url = value if "://" in value else f"http://{value}"
    # Whatever ends a host ends it before the "@" too, and the start of the password becomes the port.
    user_and_password = url.partition("://")[2].rpartition("@")[0]
    if re.search(r"[/?#@\[\]\\\s\x00-\x1f]", user_and_password):
        raise ConfigError(
            f"{name} holds a user name or password with a character that means something else in a "
            "URL: percent-encode it, as %23 for #, %2F for /, %3F for ? and %40 for @."
        )
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
            f"{name} can't be used: write http://host:port (socks is not served), or unset it."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    remember_secrets(password, f"{user}:{password}")
    return url


def _is_exempt(endpoint: str, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names the host: ``*``, a name with its subdomains, an address, a network.

    As curl reads it, and more than curl: ports, ``*.`` before a name, semicolons, and whole URLs.
    """
    no_proxy = environ.get("no_proxy", "").strip() or environ.get("NO_PROXY", "")
    parts = urlsplit(f"https://{endpoint}")
    host, port = parts.hostname or "", parts.port or _HTTPS_PORT
    for entry in re.split(r"[,;\s]+", no_proxy.lower()):
        name, is_url, rest = entry.partition("://")
        if is_url:
            name = rest.partition("/")[0]
        if with_port := re.fullmatch(r"(\[.*\]|[^:]+):([0-9]{1,5})", name.rstrip("/")):
            name = with_port[1]
            if int(with_port[2]) != port:
                continue
        name = name.rstrip("/").removeprefix("*.").strip(".")
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
