"""Settings: option > environment > config.toml > CLI profile > default, each with its source.

What settings there are is `wfinspect.options`' business; opens no file but config.toml.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from wfinspect.clock import MachineZone
from wfinspect.errors import ConfigError, did_you_mean
from wfinspect.format import without_keys
from wfinspect.notify import Notify, read_notify
from wfinspect.options import OPTIONS, Option
from wfinspect.paths import (
    PIPE_SECONDS,
    Paths,
    default_config_file,
    default_state_dir,
    other_writers,
    other_writers_above,
    read_settings,
)

_MAX_FILE_BYTES = 1024 * 1024


class Settings(NamedTuple):
    """What is in force, and where each value came from."""

    paths: Paths
    profile: str | None
    region: str | None
    endpoint: str | None
    interval: float
    """Seconds."""
    budget: int
    """Calls a day."""
    time_zone: str | None
    mouse: bool | None
    low_bandwidth: bool | None
    ascii: bool
    theme: str
    log_level: str
    keys: Mapping[str, str]
    """Action name -> keys, from the [keys] table."""
    notify: Notify
    """The [notify] table."""
    sources: Mapping[str, str]
    """Option key -> where its value came from, in a few words."""

    @property
    def zone(self) -> tzinfo:
        """The zone times are shown in; UTC where TZ holds what can't be one."""
        if self.time_zone is not None:
            return ZoneInfo(self.time_zone)
        try:
            datetime(2000, 1, 1, tzinfo=UTC).astimezone()
        except ValueError:
            return UTC
        return MachineZone()


def load_settings(given: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Combine command line options (by key; None where not given), environment and config.toml.

    Raises:
        ConfigError: one sentence that names the setting, its source and what is allowed.
    """
    stated = _from_environment(environ) | _from_command_line(given)
    config_file, from_file = default_config_file(environ), _Origin()
    keys, notify = dict[str, str](), Notify()
    is_named = "config" in stated
    if is_named:
        config_file = Path(str(_parsed(_BY_KEY["config"], *stated["config"])))
    try:
        from_file, keys, notify = _from_file(config_file, PIPE_SECONDS if is_named else 0.0)
    except FileNotFoundError:
        if is_named:
            raise ConfigError(
                f"There is no {config_file}, which {stated['config'][1]} names."
            ) from None
    values: dict[str, Any] = {option.key: option.default for option in OPTIONS}
    sources = dict.fromkeys(values, "default")
    for key, (raw, source) in (from_file | stated).items():
        values[key] = _parsed(_BY_KEY[key], raw, source)
        sources[key] = source
    del values["config"]
    state_dir = values.pop("state_dir") or default_state_dir(environ)
    paths = Paths(config_file, state_dir)
    return Settings(paths, keys=keys, notify=notify, sources=sources, **values)


_BY_KEY = {option.key: option for option in OPTIONS}
_Origin = dict[str, tuple[object, str]]
"""Option key -> raw value and where it stood."""


def _from_command_line(given: Mapping[str, object]) -> _Origin:
    return {
        option.key: (given[option.key], f"--{option.name}")
        for option in OPTIONS
        if given.get(option.key) is not None
    }


def _from_environment(environ: Mapping[str, str]) -> _Origin:
    found: _Origin = {}
    for option in OPTIONS:
        for variable in (option.variable, *option.other_variables):
            if environ.get(variable):
                found[option.key] = (environ[variable], variable)
                break
    return found


def _from_file(path: Path, pipe_seconds: float) -> tuple[_Origin, dict[str, str], Notify]:
    data, status = read_settings(path, _MAX_FILE_BYTES, pipe_seconds=pipe_seconds)
    if writers := other_writers(path, status):
        raise ConfigError(writers)
    import tomllib  # noqa: PLC0415 - slow to import, and most people have no file

    try:
        # Some editors put a mark before the first character.
        table = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not in UTF-8: save it in that encoding.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}.") from None
    keys = table.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise ConfigError(f'{path}: [keys] takes lines such as refresh = "f5,r".')
    notify = read_notify(table.pop("notify", {}), str(path))
    if notify.command and (writers := other_writers_above(path)):
        raise ConfigError(f"[notify] command: {writers}")
    for name in table:
        option = _BY_KEY.get(name)
        if option is None or not option.in_file:
            known = [key for key, option in _BY_KEY.items() if option.in_file]
            hint = did_you_mean(name, known, f"known are {', '.join(known)}.")
            raise ConfigError(f"{path}: there is no setting {name!r}: {hint}")
    return {name: (value, str(path)) for name, value in table.items()}, keys, notify


def _parsed(option: Option, raw: object, source: str) -> object:
    try:
        return option.parse(raw)
    except ValueError as error:
        place = option.name if source == f"--{option.name}" else f"{option.name} in {source}"
        raise ConfigError(f"{place}: {without_keys(str(raw))[:60]!r} {error}.") from None
