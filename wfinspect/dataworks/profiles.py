"""Which account is meant: by the aliyun CLI's ~/.aliyun/config.json, and variables of the environment.

Cheap and synchronous, so that the first screen can name its profile; it makes no call and runs no command.
What the CLI makes of the file: ``config/configuration.go`` and ``config/profile.go`` of aliyun/aliyun-cli.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wfinspect.errors import ConfigError, did_you_mean
from wfinspect.format import shown
from wfinspect.model import REGIONS
from wfinspect.redaction import without_keys
from wfinspect.settings import decoded, other_writers, other_writers_above, read_settings

ENVIRONMENT = "(env)"
"""The profile name of rows that are read with keys from the environment."""

DEFAULT = "(default)"
"""The profile name of rows that are read with what the official default chain finds."""

_MAX_FILE_BYTES = 4 * 1024 * 1024

# The fields that make a mode where a profile names none, as ``AutoModeRecognition`` of the CLI has it.
_MODE_BY_FIELDS = (
    (("access_key_id", "access_key_secret", "sts_token"), "StsToken"),
    (("access_key_id", "access_key_secret", "ram_role_arn"), "RamRoleArn"),
    (("access_key_id", "access_key_secret"), "AK"),
    (("private_key", "key_pair_name"), "RsaKeyPair"),
    (("ram_role_name",), "EcsRamRole"),
    (("process_command",), "External"),
    (("oidc_provider_arn", "oidc_token_file", "ram_role_arn"), "OIDC"),
    (("cloud_sso_sign_in_url",), "CloudSSO"),
)


class CliFile(NamedTuple):
    """The aliyun CLI's file as it was read."""

    path: Path
    members: dict[str, Any]
    other_writers: str
    """A sentence where others may have written what is in it, else ""."""

    @property
    def profiles(self) -> list[dict[str, Any]]:
        """The profiles, each an object."""
        listed = self.members.get("profiles")
        return [p for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []

    def profile(self, name: object) -> dict[str, Any] | None:
        """Return the profile of that name."""
        return next((p for p in self.profiles if p.get("name") == name), None)


class Identity(NamedTuple):
    """The account in whose name calls are made, before any key is read."""

    profile: str
    """A CLI profile's name, ``(env)`` or ``(default)``."""
    region: str | None
    """The region of the profile or of the environment; None where neither names one."""
    source: str
    """Where that was found, in a few words."""
    endpoint: str | None = None
    """The profile's own endpoint, or ``vpc`` or ``public``; None where it names none."""
    passed_over: str = ""
    """The variable that keeps a key of the environment from being used; the source says so."""


def identify(profile: str | None, environ: Mapping[str, str], home: Path) -> Identity:
    """Decide on the profile and the region.

    An explicit `profile` wins, with its own region before the environment's. Without one: complete
    keys in the environment, then the profile that the environment or the CLI's file names, then the
    default chain; and the environment's region before the profile's.

    Raises:
        ConfigError: an explicit profile is unknown, or the CLI's file can't be read.
    """
    is_explicit = profile not in {None, "", DEFAULT, ENVIRONMENT}
    if profile and is_explicit:
        name, found, source = profile, find_profile(profile, home)[1], _named(profile, home)
    elif profile == ENVIRONMENT or (not profile and keys_in(environ) is not None):
        name, found, source = ENVIRONMENT, _beside_keys(environ, home), "keys in the environment"
    else:
        current, found = ("", {}) if profile == DEFAULT else profile_in_use(environ, home)
        name, source = DEFAULT, "default credential chain"
        if current:
            variable = profile_variable(environ)
            chosen = f"named by {variable}" if variable else "its current one"
            name, source = current, f"{_named(current, home)}, {chosen}"
    variable = region_variable(environ)
    regions = [environ[variable].strip() if variable else None, _member(found, "region_id")]
    region = next(filter(None, reversed(regions) if is_explicit else regions), None)
    half = "" if profile or name == ENVIRONMENT else missing_half(environ)
    if half:
        source += f"; the key in the environment is passed over, as {half} is empty"
    return Identity(name, region, source, _member(found, "endpoint", "endpoint_type"), half)


_PREFIXES = ("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", "")


def keys_in(environ: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return key ID, secret and token ("" without) from the environment, by the CLI's names in its order."""
    for prefix in _PREFIXES:
        key_id = environ.get(f"{prefix}ACCESS_KEY_ID", "").strip()
        secret = environ.get(f"{prefix}ACCESS_KEY_SECRET", "").strip()
        if key_id and secret:
            return key_id, secret, environ.get(f"{prefix}SECURITY_TOKEN", "").strip()
    return None


def missing_half(environ: Mapping[str, str]) -> str:
    """Return the variable that keeps a key of the environment from being whole; "" for none."""
    for prefix in _PREFIXES:
        names = (f"{prefix}ACCESS_KEY_ID", f"{prefix}ACCESS_KEY_SECRET")
        empty = [name for name in names if not environ.get(name, "").strip()]
        if len(empty) == 1:
            return empty[0]
    return ""


def region_variable(environ: Mapping[str, str]) -> str:
    """Return which of the CLI's weakest names holds a region, "" for none; others come by the settings."""
    # Other clouds' tools use these names too; a region that is not ours is not meant for us.
    return next((n for n in ("REGION_ID", "REGION") if environ.get(n, "").strip() in REGIONS), "")


def config_file(home: Path) -> Path:
    """Return where the aliyun CLI's file is."""
    return home / ".aliyun" / "config.json"


def current_profile(environ: Mapping[str, str], home: Path) -> str | None:
    """Return the profile in use where the user names none; None where there is none."""
    ignored = ("ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE")
    if (
        any(environ.get(name) == "TRUE" for name in ignored)
        or environ.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() == "true"
    ):
        return None
    if variable := profile_variable(environ):
        return decoded(environ[variable].strip())
    file = read_file(home)
    if file is None:
        return None
    current = file.members.get("current")
    if isinstance(current, str) and current:
        return current
    # The CLI's own reading of a file that was written by hand or by a script.
    return "default" if file.profile("default") else None


def profile_in_use(environ: Mapping[str, str], home: Path) -> tuple[str, dict[str, Any]]:
    """Return the same with its members; "" for one that an unconfigured CLI writes: mode AK without a key.

    Raises:
        ConfigError: it is unknown, or the CLI's file can't be read.
    """
    name = current_profile(environ, home)
    found = find_profile(name, home)[1] if name else {}
    is_empty = mode_of(found) == "AK" and not found.get("access_key_id")
    return "" if is_empty or name is None else name, found


def profile_variable(environ: Mapping[str, str]) -> str:
    """Return which of the CLI's variables names the profile in use; "" for none."""
    names = ("ALIBABACLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE")
    return next((name for name in names if environ.get(name, "").strip()), "")


def find_profile(name: str, home: Path) -> tuple[CliFile, dict[str, Any]]:
    """Return the file, and the members of one profile of it.

    Raises:
        ConfigError: naming the file, and the profiles it knows.
    """
    file = read_file(home)
    quoted = f"'{shown(without_keys(name), limit=80)}'"
    if file is None:
        raise ConfigError(
            f"There is no profile {quoted}, since {config_file(home)} does not exist: run "
            "`aliyun configure`, or leave off --profile."
        )
    found = file.profile(name)
    if found is not None:
        return file, found
    known = [str(p["name"]) for p in file.profiles if p.get("name")]
    raise ConfigError(
        f"{file.path} has no profile {quoted}: {_choice(name, known)} or run "
        "`aliyun configure --profile` with the new name."
    )


def read_file(home: Path) -> CliFile | None:
    """Read the aliyun CLI's file; None where there is none.

    Raises:
        ConfigError: naming the file, and what is wrong with it.
    """
    path = config_file(home)
    try:
        data, status = read_settings(path, _MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
    return CliFile(
        path, _members(data, path), other_writers(path, status) or other_writers_above(path)
    )


def members_of(path: Path) -> dict[str, Any]:
    """Read a file of the CLI's form; raises as `read_file`."""
    return _members(read_settings(path, _MAX_FILE_BYTES)[0], path)


def _members(data: bytes, path: Path) -> dict[str, Any]:
    try:
        # By the first bytes it knows UTF-8 with a mark and UTF-16, as editors on Windows write them.
        members = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        # The cause would carry the text of the file, keys included, into a traceback.
        raise ConfigError(
            f"{path} is not JSON{line}: correct it, or run `aliyun configure`."
        ) from None
    if not isinstance(members, dict):
        raise ConfigError(
            f"{path} does not hold a JSON object: correct it, or run `aliyun configure`."
        )
    return members


def mode_of(profile: Mapping[str, Any]) -> str:
    """Return the mode of a profile: the one it names, or that of its fields; ``AK`` for an empty one."""
    if mode := profile.get("mode"):
        return str(mode)
    return next((mode for names, mode in _MODE_BY_FIELDS if all(map(profile.get, names))), "AK")


def _choice(name: str, known: list[str]) -> str:
    if not known:
        return "it holds none;"
    listed = [shown(without_keys(each), limit=80) for each in known[:20]]
    hint = did_you_mean(name, listed, "")
    return f"use one of {', '.join(listed)}{f' ({hint})' if hint else ''}"


def _member(profile: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of some members of a profile that is a text and not blank."""
    values = (profile.get(name) for name in names)
    return next((v.strip() for v in values if isinstance(v, str) and v.strip()), None)


def _beside_keys(environ: Mapping[str, str], home: Path) -> dict[str, Any]:
    """Return the current profile: the CLI, too, puts keys from the environment over a profile."""
    try:
        return profile_in_use(environ, home)[1]
    except ConfigError:
        return {}


def _named(name: str, home: Path) -> str:
    return f"profile {shown(name, limit=80)} in {config_file(home)}"
