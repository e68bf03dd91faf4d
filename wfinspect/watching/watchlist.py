"""What is watched or on display, what was last read, and what counts as news. Pure.

`comparison` tells two readings apart; here is decided what that means for an entry.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from wfinspect.instance import Family, InstanceKey, Transition, WorkflowInstance
from wfinspect.watching.cadence import is_final
from wfinspect.watching.comparison import is_older, is_other, transition
from wfinspect.watching.snapshot import Trouble

if TYPE_CHECKING:
    from wfinspect.watching.known import Known

GONE_AFTER = 3
"""Answers of "not found" in a row, spread over `GONE_SECONDS`, that make an instance gone."""
GONE_SECONDS = 60.0
BACK_AFTER = 3
"""Answers in a row, spread over `BACK_SECONDS`, older than what is held: the server went back."""
BACK_SECONDS = 60.0


class News(Enum):
    """What a reading means."""

    FIRST = "first"
    SAME = "same"
    CHANGED = "changed"
    STALE = "stale"
    """Older than what is held; dropped."""
    WENT_BACK = "went back"
    """Older than what is held, and so often that the server must have been set back; taken."""
    REPLACED = "replaced"
    """The ID now names another instance."""


class Observation(NamedTuple):
    """What became of a reading."""

    news: News
    transition: Transition | None = None

    @property
    def is_news(self) -> bool:
        """Whether a person should look."""
        return self.news not in (News.FIRST, News.SAME, News.STALE)


@dataclass(slots=True)
class Streak:
    """Answers in a row of one kind, by steady seconds."""

    count: int = 0
    since: float = 0.0

    def add(self, now: float) -> None:
        """Count one more."""
        self.since = now if self.count == 0 else self.since
        self.count += 1

    def is_long(self, now: float, count: int, seconds: float) -> bool:
        """Whether there were enough of them over a time long enough."""
        return self.count >= count and now - self.since >= seconds


@dataclass(slots=True)
class Entry:
    """All that is known of one instance."""

    key: InstanceKey
    is_watched: bool = False
    position: float = 0.0
    """Where it stands in the watched list; smaller comes first."""
    added_at: datetime | None = None
    instance: WorkflowInstance | None = None
    read_at: datetime | None = None
    family: Family = Family.UNKNOWN
    """That of the last known state; UNKNOWN before the first reading."""
    is_final: bool = False
    """No further reading is needed."""
    steady_at: float | None = None
    """When it was read, in steady seconds; None before this process has seen a reading."""
    modify_time: int | None = None
    """The latest ModifyTime that could be read, in milliseconds; older readings are dropped."""
    last_change: Transition | None = None
    is_unseen: bool = False
    is_gone: bool = False
    trouble: Trouble | None = None
    """What is wrong with this instance alone."""
    missing: Streak | None = None
    """Its row of "not found", None where the last answer held it."""
    stale: Streak | None = None
    """Its row of answers older than what is held."""
    known: "Known | None" = None
    """What is known of it beyond its readings."""

    def hold(self, instance: WorkflowInstance, read_at: datetime) -> None:
        """Take over a reading; an equal one leaves the object that is held."""
        held = self.instance
        if held is None or held.raw != instance.raw or held != instance:
            self.instance, self.family = instance, instance.family
        self.modify_time = instance.modify_time or self.modify_time
        self.read_at = read_at
        self.is_final = is_final(instance, read_at)


class Watchlist:
    """The entries, and the rules by which readings change them."""

    def __init__(self) -> None:
        self.entries: dict[InstanceKey, Entry] = {}
        self.touched: dict[InstanceKey, None] = {}
        """Of whom something was asked, read or decided since the last snapshot, which clears this."""
        self._removed: list[Entry] = []

    def watched(self) -> list[Entry]:
        """The watched entries in the order of the list."""
        watched = (entry for entry in self.entries.values() if entry.is_watched)
        return sorted(watched, key=attrgetter("position"))

    def entry(self, key: InstanceKey) -> Entry:
        """The entry of an instance, a new one where there is none."""
        return self.entries.setdefault(key, Entry(key))

    def touch(self, keys: Iterable[InstanceKey]) -> None:
        """Have instances looked at anew."""
        self.touched |= dict.fromkeys(keys)

    def watch(self, key: InstanceKey, at: datetime) -> bool:
        """Put an instance at the end of the list; False if it is there already."""
        entry = self.entry(key)
        if entry.is_watched:
            return False
        places = (each.position for each in self.entries.values() if each.is_watched)
        entry.position = max(places, default=0.0) + 1.0
        entry.is_watched, entry.added_at = True, at
        self.touch([key])
        return True

    def unwatch(self, keys: Iterable[InstanceKey]) -> list[InstanceKey]:
        """Take instances off the list; gives those that were on it. `restore` undoes the last."""
        known = [self.entries[key] for key in keys if key in self.entries]
        removed = [entry for entry in known if entry.is_watched]
        for entry in removed:
            entry.is_watched = False
        if removed:
            self._removed = removed
        self.touch(entry.key for entry in removed)
        return [entry.key for entry in removed]

    def restore(self) -> list[InstanceKey]:
        """Put back what the last `unwatch` took off, where it stood; gives the keys."""
        restored = [entry for entry in self._removed if not self._is_watched(entry.key)]
        for entry in restored:
            # It may be on display still, in an entry that went on being read.
            held = self.entries.setdefault(entry.key, entry)
            held.is_watched, held.position = True, entry.position
        self._removed = []
        self.touch(entry.key for entry in restored)
        return [entry.key for entry in restored]

    def forget(self, key: InstanceKey) -> None:
        """Drop an entry."""
        self.entries.pop(key, None)

    def drop(self, key: InstanceKey) -> None:
        """Take an instance off the list for good: `restore` does not bring it back."""
        self.entries[key].is_watched = False
        self.touch([key])

    def mark_seen(self, keys: Iterable[InstanceKey] | None) -> list[InstanceKey]:
        """Clear unseen marks, all without keys; gives those that were unseen."""
        wanted = list(self.entries) if keys is None else [k for k in keys if k in self.entries]
        unseen = [key for key in wanted if self.entries[key].is_unseen]
        for key in unseen:
            self.entries[key].is_unseen = False
        self.touch(unseen)
        return unseen

    def observe(
        self, key: InstanceKey, instance: WorkflowInstance, at: datetime, now: float
    ) -> Observation:
        """Take a reading in.

        Args:
            key: the instance asked for.
            instance: what the service answered.
            at: when it answered, as wall time.
            now: the same in steady seconds.
        """
        entry = self.entries[key]
        entry.missing, entry.trouble = None, None
        held = entry.instance
        if held is None:
            observation = Observation(News.FIRST)
        elif is_other(held, instance):
            observation = Observation(News.REPLACED)
        elif is_older(instance, entry.modify_time):
            entry.stale = entry.stale or Streak()
            entry.stale.add(now)
            if not entry.stale.is_long(now, BACK_AFTER, BACK_SECONDS):
                return Observation(News.STALE)
            observation = Observation(
                News.WENT_BACK, transition(key, held, entry.read_at, instance, at)
            )
        else:
            change = transition(key, held, entry.read_at, instance, at)
            observation = Observation(News.CHANGED if change else News.SAME, change)
        entry.stale, entry.is_gone = None, False
        if observation.news is News.REPLACED:
            entry.modify_time = None
        entry.hold(instance, at)
        entry.steady_at = now
        if observation.transition is not None:
            entry.last_change = observation.transition
        if observation.news is News.REPLACED:
            entry.last_change = None
        entry.is_unseen |= entry.is_watched and observation.is_news
        return observation

    def missed(self, key: InstanceKey, trouble: Trouble, now: float) -> bool:
        """Note that the service does not know an instance; True if it counts as gone from now on.

        Args:
            key: the instance.
            trouble: what to show meanwhile.
            now: steady seconds.
        """
        entry = self.entries[key]
        entry.trouble = trouble
        entry.missing = entry.missing or Streak()
        entry.missing.add(now)
        if entry.instance is None or entry.is_gone:
            return False
        if not entry.missing.is_long(now, GONE_AFTER, GONE_SECONDS):
            return False
        entry.is_gone = self._is_proved(entry, entry.missing.since)
        entry.is_unseen |= entry.is_gone and entry.is_watched
        return entry.is_gone

    def _is_proved(self, entry: Entry, since: float) -> bool:
        """Whether others that are asked for are found, so that it is not everything that is missing."""
        polled = (e for e in self.entries.values() if not (e is entry or e.is_final or e.is_gone))
        others = [e for e in polled if e.key.binding == entry.key.binding]
        return not others or any(e.steady_at is not None and e.steady_at >= since for e in others)

    def _is_watched(self, key: InstanceKey) -> bool:
        return key in self.entries and self.entries[key].is_watched
