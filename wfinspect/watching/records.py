"""What the store keeps, and its text form. Knows no SQL; reads back what other versions wrote.

A value that can't be read is None, never an error: it costs itself, and not the row or the list.
JSON with everything beyond ASCII escaped: text from the service may hold what UTF-8 can't carry.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from wfinspect.instance import (
    MAX_INSTANCE_ID,
    Account,
    Binding,
    InstanceId,
    InstanceKey,
    Tag,
    Transition,
    Unreadable,
    WorkflowInstance,
)

_T = TypeVar("_T", WorkflowInstance, Transition)
_MAX_BITS = 512  # a float holds a little more


class StoredRow(NamedTuple):
    """A watched instance as the store holds it."""

    key: InstanceKey
    position: float
    added_at: datetime | None = None
    instance: WorkflowInstance | None = None
    read_at: datetime | None = None
    last_change: Transition | None = None
    is_unseen: bool = False
    is_gone: bool = False


_values_of = attrgetter(*StoredRow._fields)


def row_of(entry: object) -> StoredRow:
    """The row of what has attributes of the same names."""
    return StoredRow._make(_values_of(entry))


@dataclass(slots=True)
class Changes:
    """What is to be saved in one transaction; grows until that succeeds."""

    added: dict[InstanceKey, StoredRow] = field(default_factory=dict)
    removed: dict[InstanceKey, None] = field(default_factory=dict)
    readings: dict[InstanceKey, StoredRow] = field(default_factory=dict)
    """Rows that are there and were read; instance and change are None where they stay as they are."""
    unseen: dict[InstanceKey, bool] = field(default_factory=dict)
    transitions: list[tuple[str, Transition]] = field(default_factory=list)
    """Each with the name of its event, so that two processes tell of it once."""
    calls: Counter[tuple[Account, date]] = field(default_factory=Counter)
    recent: dict[InstanceId, datetime] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def remove(self, key: InstanceKey) -> None:
        """Take a row out, whatever else was to be saved of it."""
        for changed in (self.added, self.readings, self.unseen):
            changed.pop(key, None)
        self.removed[key] = None


def event_name(transition: Transition, instance: WorkflowInstance) -> str:
    """What names a change whoever saw it and when: the run, and where it came to.

    Args:
        transition: the change.
        instance: the reading that showed it.
    """
    run = instance.started_time or 0
    if instance.is_settled and instance.finished_time is not None:
        return f"{run}/{instance.finished_time}/{transition.to_status}"
    moment = instance.modify_time or to_microseconds(transition.seen_by)
    return f"{run}/~{moment}/{transition.to_status}"


def text_of(value: WorkflowInstance | Transition) -> str:
    """A reading, with the service's own object in it, or a change, as JSON."""
    values = {name: getattr(value, name) for name in _names(type(value))}
    if isinstance(value, Transition):
        values["key"] = [*value.key.binding, value.key.id]
    return json.dumps(values, default=datetime.isoformat)


def read(kind: type[_T], text: object) -> _T | None:
    """What a text of `text_of` holds, of a reading or a change.

    None for one that can't be read, and which the next poll may replace.
    """
    if not isinstance(text, str):
        return None
    # Thousands of readings of megabytes must not stay in memory.
    is_long = len(text) > _LONGEST_KEPT
    found: _T | None = _read.__wrapped__(kind, text) if is_long else _read(kind, text)  # type: ignore[arg-type] # it has a hash
    return found


_LONGEST_KEPT = 65_536


# A list of a thousand rows is read again whenever another process has written one of them.
@lru_cache(maxsize=3072)
def _read(kind: type[Any], text: str) -> Any:  # noqa: ANN401 - `read` knows better
    known = _names(kind)
    try:
        values = {name: value for name, value in json.loads(text).items() if name in known}
        values |= {n: _READ[n](values[n]) for n in _READ.keys() & values.keys()}
        is_sound = all(_is_of(kind.__annotations__[n], values[n]) for n in values)
        return kind(**values) if is_sound else None
    except (AttributeError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def _is_of(wanted: object, value: object) -> bool:
    """Whether a value is of a field's type; what `_READ` has made is."""
    if wanted in {str, bool}:
        return type(value) is wanted
    if wanted == int | None:
        return value is None or (type(value) is int and value.bit_length() <= _MAX_BITS)
    return wanted is not InstanceId or is_id(value)


def is_id(value: object) -> bool:
    """Whether a value can be an instance's ID."""
    return type(value) is int and 0 < value <= MAX_INSTANCE_ID


def _names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a named tuple or a dataclass."""
    return getattr(kind, "_fields", None) or tuple(each.name for each in fields(kind))


def key_of(parts: Iterable[object]) -> InstanceKey:
    """The key in a profile, a region, an endpoint and an ID.

    Raises:
        ValueError: one of them can't be read.
    """
    *binding, number = parts
    if not (all(isinstance(part, str) and part for part in binding) and is_id(number)):
        raise ValueError("no key")
    return InstanceKey(Binding(*binding), InstanceId(number))  # type: ignore[arg-type] # checked


def _time(text: str) -> datetime:
    return _plausible(datetime.fromisoformat(text))


def _plausible(at: datetime) -> datetime:
    """A time that every zone can show; a ValueError for any other."""
    if at.tzinfo is None or not _EPOCH.year <= at.year < MAXYEAR:
        raise ValueError(f"no time: {at}")
    return at


_READ: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("at", "seen_after", "seen_by"), _time),
    "key": key_of,
    "tags": lambda tags: tuple(Tag(str(key), str(value)) for key, value in tags),
    "unknown_fields": lambda names: tuple(map(str, names)),
    "unreadable": lambda found: tuple(Unreadable(str(name), str(text)) for name, text in found),
}
"""How the fields are read that JSON has no form for."""


def to_microseconds(at: datetime) -> int:
    """A time as an integer that loses nothing."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: object) -> datetime | None:
    """The time that `to_microseconds` was given; None for what is none."""
    if type(value) is not int:
        return None
    try:
        return _plausible(_EPOCH + timedelta(microseconds=value))
    except (OverflowError, ValueError):
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
