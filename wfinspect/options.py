"""Every setting there is: its names, what it takes, its default and its meaning. Reads nothing.

`wfinspect.config` finds their values.
"""

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from wfinspect.paths import decoded

MIN_INTERVAL_SECONDS = 2.0  # below it a watch is a load test
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


def _name(value: object) -> str:
    return decoded(_text(value))


def _interval(value: object) -> float:
    seconds = _number(value)
    if not math.isfinite(seconds):
        raise ValueError(_NO_NUMBER)
    if seconds < MIN_INTERVAL_SECONDS:
        raise ValueError(f"is too short: at least {MIN_INTERVAL_SECONDS:g} seconds are allowed")
    return seconds


def _budget(value: object) -> int:
    calls = _number(value)
    if calls < 1 or not calls.is_integer():
        raise ValueError("is no whole number above 0")
    return int(calls)


_NO_NUMBER = "is no number: use digits without a unit, e.g. 15 or 3000"


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(_NO_NUMBER)  # noqa: TRY004 - the caller adds the name of the option
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError(_NO_NUMBER) from None


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("is neither true nor false")


def _zone(value: object) -> str:
    name = _text(value)
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError("is no time zone: write one such as Asia/Shanghai") from None
    return name


_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)


def _value_of(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if not os.environ.get(name):
        raise ValueError(f"names the variable {name}, which is not set")
    return os.environ[name]


def _path(value: object) -> Path:
    text = _text(value)
    if "\0" in text:
        raise ValueError("holds a character that no path has")
    try:
        # A shell would have put in what they stand for; neither config.toml nor systemd does.
        return Path(_VARIABLE.sub(_value_of, text)).expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not known here") from None
    except FileNotFoundError:
        raise ValueError(
            "is relative to a directory that was removed: write it from / on"
        ) from None


def _one_of(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        word = _text(value)
        for known in words:
            if word.lower() == known.lower():
                return known
        raise ValueError(f"is none of {', '.join(words)}")

    return parse


OPTIONS = (
    Option(
        "profile",
        "NAME",
        _name,
        None,
        "profile of ~/.aliyun/config.json to use (default: its current one)",
    ),
    Option(
        "region",
        "REGION",
        _text,
        None,
        "region of the workspace (default: the profile's, else cn-shanghai)",
        other_variables=("ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID"),
    ),
    Option(
        "endpoint",
        "public|vpc|URL",
        _text,
        None,
        "which endpoint of the service to call (default: the profile's, else public)",
        other_variables=(
            "ALIBABA_CLOUD_ENDPOINT",
            "ALIBABA_CLOUD_ENDPOINT_TYPE",
            "ALIBABACLOUD_ENDPOINT_TYPE",
            "ALICLOUD_ENDPOINT_TYPE",
        ),
    ),
    Option(
        "interval", "SECONDS", _interval, 15.0, "how often a running instance is read (at least 2)"
    ),
    Option("budget", "CALLS", _budget, 3000, "calls a day to stay under"),
    Option(
        "config",
        "FILE",
        _path,
        None,
        "another config.toml (default: ~/.config/wfinspect/config.toml)",
        in_file=False,
    ),
    Option(
        "state-dir",
        "DIR",
        _path,
        None,
        "where the watched list and the log are kept (default: ~/.local/state/wfinspect)",
    ),
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
    Option(
        "log-level",
        "LEVEL",
        _one_of(*LOG_LEVELS),
        "WARNING",
        f"what the log gets: {', '.join(LOG_LEVELS)}",
    ),
)
"""Every setting, in the order of the help text."""
