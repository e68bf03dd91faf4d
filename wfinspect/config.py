"""Settings: option > environment > config.toml > CLI profile > default, each with its source.

Knows names, meanings and bounds; opens no file but config.toml.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from wfinspect.errors import ConfigError
from wfinspect.notify import Notify, read_notify
from wfinspect.paths import Paths, default_config_file, default_state_dir
from wfinspect.regions import REGIONS

MIN_INTERVAL_SECONDS = 2.0
DEFAULT_REGION = "cn-shanghai"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
THEMES = ("auto", "dark", "light", "ansi", "colorblind", "contrast")


class Option(NamedTuple):
    """One setting: its name on the command line, what it takes and what it means."""

    name: str
    """As in ``--name``; ``_`` for ``-`` in config.toml, upper case behind WFINSPECT_."""
    metavar: str
    """What its value is called; "" for a switch."""
    parse: Callable[[Any], object]
    """Reads text or a TOML value; raises ValueError with the words that follow the value."""
    default: object
    meaning: str
    has_negation: bool = False
    in_file: bool = True
    other_variables: tuple[str, ...] = ()
    """Variables of other tools that mean the same, weaker than our own."""

    @property
    def key(self) -> str:
        """The name in config.toml and in `Settings`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"WFINSPECT_{self.key.upper()}"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is no text")
    return value.strip()


def _interval(value: object) -> float:
    seconds = _number(value)
    if seconds < MIN_INTERVAL_SECONDS or not math.isfinite(seconds):
        raise ValueError(f"is too short: at least {MIN_INTERVAL_SECONDS:g} seconds are allowed")
    return seconds


def _budget(value: object) -> int:
    calls = _number(value)
    if calls < 1 or not calls.is_integer():
        raise ValueError("is no whole number above 0")
    return int(calls)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("is no number")  # noqa: TRY004 - the caller adds the name of the option
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError("is no number") from None


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("is neither true nor false")


def _region(value: object) -> str:
    region = _text(value)
    if region not in REGIONS:
        near = _near(region, REGIONS)
        hint = f"did you mean {' or '.join(near)}?" if near else "e.g. cn-shanghai"
        raise ValueError(f"is no region of DataWorks: {hint}")
    return region


def _near(word: str, known: Sequence[str]) -> list[str]:
    import difflib  # noqa: PLC0415 - only for those who mistype

    return difflib.get_close_matches(word, known, n=2)


def _zone(value: object) -> str:
    name = _text(value)
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError("is no time zone: write one such as Asia/Shanghai") from None
    return name


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser().absolute()


def _one_of(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        word = _text(value)
        for known in words:
            if word.lower() == known.lower():
                return known
        raise ValueError(f"is none of {', '.join(words)}")

    return parse


OPTIONS = (
    Option("profile", "NAME", _text, None, "profile of ~/.aliyun/config.json to use"),
    Option(
        "region",
        "REGION",
        _region,
        None,
        "region of the workspace, e.g. cn-shanghai",
        other_variables=("ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID"),
    ),
    Option("endpoint", "public|vpc|URL", _text, "public", "which endpoint of the service to call"),
    Option(
        "interval", "SECONDS", _interval, 15.0, "how often a running instance is read (at least 2)"
    ),
    Option("budget", "CALLS", _budget, 3000, "calls a day to stay under"),
    Option("config", "FILE", _path, None, "another config.toml", in_file=False),
    Option("state-dir", "DIR", _path, None, "where the watched list and the log are kept"),
    Option("time-zone", "ZONE", _zone, None, "zone of the times shown (default: this machine's)"),
    Option("mouse", "", _switch, None, "mouse support (default: off under SSH)", has_negation=True),
    Option(
        "low-bandwidth",
        "",
        _switch,
        None,
        "10 frames a second at most, in 256 colours at most (default: on under SSH)",
        has_negation=True,
    ),
    Option("ascii", "", _switch, default=False, meaning="plain ASCII instead of glyphs"),
    Option("theme", "NAME", _one_of(*THEMES), "auto", f"colours: {', '.join(THEMES)}"),
    Option("log-level", "LEVEL", _one_of(*LOG_LEVELS), "WARNING", "what the log file gets"),
)
"""Every setting, in the order of the help text."""


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Settings(NamedTuple):
    """What is in force, and where each value came from."""

    paths: Paths
    profile: str | None = None
    region: str | None = None
    endpoint: str = "public"
    interval: float = 15.0
    """Seconds."""
    budget: int = 3000
    """Calls a day."""
    time_zone: str | None = None
    mouse: bool | None = None
    low_bandwidth: bool | None = None
    ascii: bool = False
    theme: str = "auto"
    log_level: str = "WARNING"
    keys: Mapping[str, str] = _NOTHING
    """Action name -> keys, from the [keys] table."""
    notify: Notify = Notify()
    """The [notify] table."""
    sources: Mapping[str, str] = _NOTHING
    """Option key -> where its value came from, in a few words."""

    @property
    def zone(self) -> tzinfo:
        """The zone times are shown in."""
        if self.time_zone is not None:
            return ZoneInfo(self.time_zone)
        return datetime(2000, 1, 1, tzinfo=UTC).astimezone().tzinfo or UTC


def load_settings(given: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Combine command line options (by key; None where not given), environment and config.toml.

    Raises:
        ConfigError: one sentence that names the setting, its source and what is allowed.
    """
    stated = _from_environment(environ) | _from_command_line(given)
    config_file, from_file = default_config_file(environ), _Origin()
    keys, notify = dict[str, str](), Notify()
    if "config" in stated:
        config_file = Path(str(_parsed(_BY_KEY["config"], *stated["config"])))
        if not config_file.exists():
            raise ConfigError(f"There is no {config_file}, which {stated['config'][1]} names.")
    if config_file.exists():
        from_file, keys, notify = _from_file(config_file)
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


def _from_file(path: Path) -> tuple[_Origin, dict[str, str], Notify]:
    import tomllib  # noqa: PLC0415 - slow to import, and most people have no file

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}.") from None
    keys = table.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise ConfigError(f'{path}: [keys] takes lines such as refresh = "f5,r".')
    notify = read_notify(table.pop("notify", {}), str(path))
    for name in table:
        option = _BY_KEY.get(name)
        if option is None or not option.in_file:
            known = [key for key, option in _BY_KEY.items() if option.in_file]
            near = _near(name, known)
            hint = (
                f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}."
            )
            raise ConfigError(f"{path}: there is no setting {name!r}: {hint}")
    return {name: (value, str(path)) for name, value in table.items()}, keys, notify


def _parsed(option: Option, raw: object, source: str) -> object:
    try:
        return option.parse(raw)
    except ValueError as error:
        place = option.name if source == f"--{option.name}" else f"{option.name} in {source}"
        raise ConfigError(f"{place}: {str(raw)[:60]!r} {error}.") from None
