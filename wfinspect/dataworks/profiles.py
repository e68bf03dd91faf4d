"""Which account is meant: the aliyun CLI's ~/.aliyun/config.json, and names in the environment.

Cheap and synchronous, so that the first screen can name its profile; gets no key from anywhere far.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wfinspect.errors import ConfigError, did_you_mean
from wfinspect.format import shown
from wfinspect.regions import REGIONS

ENVIRONMENT = "(env)"
"""The profile name of rows that are read with keys from the environment."""

DEFAULT = "(default)"
"""The profile name of rows that are read with what the official default chain finds."""

_MAX_FILE = 4 * 1024 * 1024


class Identity(NamedTuple):
    """Who asks, before any key is looked at."""

    profile: str
    """A CLI profile's name, ``(env)`` or ``(default)``."""
    region: str | None
    """The region of the profile or of the environment; None where neither names one."""
    source: str
    """Where that was found, in a few words."""


def identify(profile: str | None, environ: Mapping[str, str], home: Path) -> Identity:
    """Decide on the profile and region.

    An explicit `profile` wins, with its own region before the environment's. Without one: complete
    keys in the environment, then the profile that the environment or the CLI's file names, then the
    default chain; and the environment's region before the profile's.

    Raises:
        ConfigError: an explicit profile is unknown, or the CLI's file can't be read.
    """
    if profile == DEFAULT:
        return Identity(DEFAULT, region_in(environ), "default credential chain")
    if profile and profile != ENVIRONMENT:
        found = read_profile(profile, home)
        return Identity(profile, _region(found) or region_in(environ), _named(profile, home))
    if profile or keys_in(environ) is not None:
        region = region_in(environ) or _region_beside_keys(environ, home)
        return Identity(ENVIRONMENT, region, "keys in the environment")
    name = current_profile(environ, home)
    if name is None:
        return Identity(DEFAULT, region_in(environ), "default credential chain")
    found = read_profile(name, home)
    if is_empty(found):
        region = region_in(environ) or _region(found)
        return Identity(DEFAULT, region, "default credential chain")
    return Identity(name, region_in(environ) or _region(found), _named(name, home))


def keys_in(environ: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Key ID, secret and token ("" without) in the environment, by the CLI's names in its order."""
    for prefix in ("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", ""):
        key_id = environ.get(f"{prefix}ACCESS_KEY_ID", "").strip()
        secret = environ.get(f"{prefix}ACCESS_KEY_SECRET", "").strip()
        if key_id and secret:
            return key_id, secret, environ.get(f"{prefix}SECURITY_TOKEN", "").strip()
    return None


def region_in(environ: Mapping[str, str]) -> str | None:
    """The region by the CLI's weakest names; the settings know its others, which come first."""
    name = region_variable(environ)
    return environ[name].strip() if name else None


def region_variable(environ: Mapping[str, str]) -> str | None:
    """The variable that `region_in` goes by."""
    # Other clouds' tools use these names too; a region that is not ours is not meant for us.
    return next((n for n in ("REGION_ID", "REGION") if environ.get(n, "").strip() in REGIONS), None)


def config_file(home: Path) -> Path:
    """The aliyun CLI's file."""
    return home / ".aliyun" / "config.json"


def current_profile(environ: Mapping[str, str], home: Path) -> str | None:
    """The profile in use when none is asked for; None where there is none."""
    if (
        environ.get("ALIBABA_CLOUD_IGNORE_PROFILE") == "TRUE"
        or environ.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() == "true"
    ):
        return None
    for name in ("ALIBABACLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"):
        if value := environ.get(name, "").strip():
            return value
    config = _read(config_file(home))
    current = config.get("current") if config else None
    return current if isinstance(current, str) and current else None


def read_profile(name: str, home: Path) -> dict[str, Any]:
    """The members of one profile, as in the file.

    Raises:
        ConfigError: naming the file, and the profiles it knows.
    """
    path = config_file(home)
    config = _read(path)
    if config is None:
        raise ConfigError(
            f"There is no profile '{shown(name, limit=80)}', since {path} does not exist: run "
            "`aliyun configure`, or leave off --profile."
        )
    listed = config.get("profiles")
    profiles = [p for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []
    for found in profiles:
        if found.get("name") == name:
            return found
    known = [str(p["name"]) for p in profiles if p.get("name")]
    raise ConfigError(
        f"{path} knows no profile '{shown(name, limit=80)}': {_choice(name, known)} or run "
        "`aliyun configure --profile` with the new name."
    )


def _read(path: Path) -> dict[str, Any] | None:
    """The file's object; None where there is no file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE)
        config = json.loads(data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} can't be read ({error.strerror}): check its owner and permissions."
        ) from None
    except (ValueError, RecursionError) as error:
        line = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        # The cause would carry the text of the file, keys included, into a traceback.
        raise ConfigError(f"{path} is no JSON{line}: mend it, or run `aliyun configure`.") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path} holds no JSON object: mend it, or run `aliyun configure`.")
    return config


def _choice(name: str, known: list[str]) -> str:
    if not known:
        return "it holds none;"
    listed = [shown(each, limit=80) for each in known[:20]]
    hint = did_you_mean(name, listed, "")
    return f"use one of {', '.join(listed)}{f' ({hint})' if hint else ''}"


def _region(profile: Mapping[str, Any]) -> str | None:
    region = profile.get("region_id")
    return region.strip() or None if isinstance(region, str) else None


def _region_beside_keys(environ: Mapping[str, str], home: Path) -> str | None:
    """The current profile's region: the CLI, too, puts keys from the environment over a profile."""
    try:
        name = current_profile(environ, home)
        return _region(read_profile(name, home)) if name else None
    except ConfigError:
        return None


def is_empty(profile: Mapping[str, Any]) -> bool:
    """Whether a profile is the one that an unconfigured CLI writes: mode AK without a key."""
    return profile.get("mode") in {None, "", "AK"} and not profile.get("access_key_id")


def _named(name: str, home: Path) -> str:
    return f"profile {shown(name, limit=80)} in {config_file(home)}"
