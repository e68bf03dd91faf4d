"""What a user wants to be notified of, and by which way: the ``[notify]`` table of config.toml."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from wfinspect.clock import duration_seconds
from wfinspect.errors import ConfigError


class Rule(StrEnum):
    """What is notified, each more than the one before; lost contact and its return always are."""

    FAILURE = "failure"
    LATE = "late"
    """A run that takes longer than usual, too."""
    SETTLED = "settled"
    ANY = "any"


OSC_KINDS = ("off", "9", "777")
MIN_LOST_AFTER_SECONDS = 10.0  # below it one lost packet would ring


class Notify(NamedTuple):
    """The table, each key with its default: nothing leaves the terminal unless it is asked for."""

    rule: Rule = Rule.FAILURE
    command: tuple[str, ...] = ()
    """Argument vector with places for {id}, {name}, {from}, {to} and {message}; run without a shell."""
    bell: bool = True
    osc: str = "off"
    """Desktop notification through the terminal: one of OSC_KINDS."""
    tmux_passthrough: bool = False
    """Wrap the sequence for tmux, which drops it unless its allow-passthrough is on."""
    lost_after: float = 300.0
    """Seconds without contact after which that is notified."""


def read_notify(table: object, source: str) -> Notify:
    """The settings in a table as TOML gives it; `source` is the file's name.

    Raises:
        ConfigError: an unknown key, with the known ones, or a value that can't be used.
    """
    known = Notify._fields
    if not isinstance(table, Mapping):
        raise ConfigError(f"{source}: [notify] is a table with {', '.join(known)}.")
    for name in table:
        if name not in known:
            raise ConfigError(f"{source}: [notify] has no {name!r}: known are {', '.join(known)}.")
    return Notify(
        rule=Rule(_word(table, "rule", tuple(Rule), Rule.FAILURE, source)),
        command=_command(table.get("command", []), source),
        bell=_switch(table, "bell", source, default=True),
        osc=_word(table, "osc", OSC_KINDS, "off", source),
        tmux_passthrough=_switch(table, "tmux_passthrough", source, default=False),
        lost_after=_lost_after(table.get("lost_after", Notify().lost_after), source),
    )


def _word(
    table: Mapping[str, object], name: str, words: tuple[str, ...], default: str, source: str
) -> str:
    # osc = 9 means the same as osc = "9".
    word = str(table.get(name, default))
    if word not in words:
        raise ConfigError(
            f"{source}: [notify] {name}: {word[:60]!r} is none of {', '.join(words)}."
        )
    return word


def _switch(table: Mapping[str, object], name: str, source: str, *, default: bool) -> bool:
    value = table.get(name, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{source}: [notify] {name} is neither true nor false.")
    return value


def _lost_after(value: object, source: str) -> float:
    try:
        seconds = duration_seconds(value)
    except ValueError:
        raise ConfigError(
            f"{source}: [notify] lost_after: {str(value)[:60]!r} is no duration: write seconds, or "
            'text such as "90s", "5m" or "2h".'
        ) from None
    if seconds < MIN_LOST_AFTER_SECONDS:
        raise ConfigError(
            f"{source}: [notify] lost_after: {str(value)[:60]!r} is too short: at least "
            f"{MIN_LOST_AFTER_SECONDS:g} seconds are allowed."
        )
    return seconds


def _command(value: object, source: str) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [None]
    if not all(isinstance(word, str) and "\0" not in word for word in words) or words[:1] == [""]:
        raise ConfigError(
            f"{source}: [notify] command is a list of a program and its arguments, such as "
            '["/home/me/bin/page-me", "{message}"]; no shell reads it.'
        )
    return tuple(words)
