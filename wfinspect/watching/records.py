"""What the store keeps, and its text form. Knows no SQL; reads back what other versions wrote.

JSON with everything beyond ASCII escaped: text from the service may hold what UTF-8 can't carry.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from wfinspect.instance import Binding, InstanceId, InstanceKey, Tag, Transition, WorkflowInstance


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A watched instance as the store holds it."""

    key: InstanceKey
    position: float
    added_at: datetime | None = None
    instance: WorkflowInstance | None = None
    read_at: datetime | None = None
    last_change: Transition | None = None
    is_unseen: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading changes in a row that is there."""

    read_at: datetime
    instance: WorkflowInstance | None
    """None where it is what the row holds already."""
    last_change: Transition | None = None
    is_gone: bool = False


Account = tuple[str, str]
"""A profile and a region: what calls are counted for."""


@dataclass(slots=True)
class Changes:
    """What is to be saved in one transaction; grows until that succeeds."""

    added: dict[InstanceKey, StoredRow] = field(default_factory=dict)
    removed: dict[InstanceKey, None] = field(default_factory=dict)
    readings: dict[InstanceKey, Reading] = field(default_factory=dict)
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


def instance_text(instance: WorkflowInstance) -> str:
    """An instance as JSON, with the service's own object in it."""
    values = {each.name: getattr(instance, each.name) for each in fields(WorkflowInstance)}
    values["tags"] = [[tag.key, tag.value] for tag in instance.tags]
    return json.dumps(values)


# A list of a thousand rows is read again whenever another process has written one of them.
@lru_cache(maxsize=2048)
def read_instance(text: str) -> WorkflowInstance:
    """The instance in a text of `instance_text`. Raises ValueError for any other text."""
    values = _object(text)
    known = {each.name for each in fields(WorkflowInstance)}
    kept: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    try:
        kept["tags"] = tuple(Tag(str(key), str(value)) for key, value in kept.get("tags", ()))
        kept["unknown_fields"] = tuple(kept.get("unknown_fields", ()))
        return WorkflowInstance(**kept)
    except TypeError as error:
        raise ValueError(str(error)) from None


def transition_text(transition: Transition) -> str:
    """A transition as JSON."""
    values = {each.name: getattr(transition, each.name) for each in fields(Transition)}
    values["key"] = [*_binding_parts(transition.key.binding), transition.key.id]
    for name in ("at", "seen_after", "seen_by"):
        values[name] = values[name].isoformat()
    return json.dumps(values)


@lru_cache(maxsize=1024)
def read_transition(text: str) -> Transition:
    """The transition in a text of `transition_text`. Raises ValueError for any other text."""
    values = _object(text)
    known = {each.name for each in fields(Transition)}
    kept: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    try:
        profile, region, endpoint, number = kept["key"]
        kept["key"] = InstanceKey(Binding(profile, region, endpoint), InstanceId(int(number)))
        for name in ("at", "seen_after", "seen_by"):
            kept[name] = datetime.fromisoformat(kept[name])
        return Transition(**kept)
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


def to_microseconds(at: datetime) -> int:
    """A time as an integer that loses nothing."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """The time that `to_microseconds` was given."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _binding_parts(binding: Binding) -> tuple[str, str, str]:
    return binding.profile, binding.region, binding.endpoint


def _object(text: str) -> Mapping[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("no object")  # noqa: TRY004 - to a caller all bad text is the same
    return values
