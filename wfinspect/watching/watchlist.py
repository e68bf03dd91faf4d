"""What is known of one instance beyond its reading: how far its tasks are, and what is usual."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from wfinspect.format import moment
from wfinspect.model import Family, InstanceKey, Status, Transition, WorkflowInstance
from wfinspect.settings import MIN_INTERVAL_SECONDS
from wfinspect.watching import cadence
from wfinspect.watching.api import Outlook, Trouble
from wfinspect.watching.cadence import is_final
from wfinspect.watching.store import Changes, StoredRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wfinspect.lateness import Lateness, Run
    from wfinspect.model import Progress, TaskInstance


FOREMOST = 6
"""So many tasks are kept; of the others, that they are there."""


class Known:
    """ReplyCache with an entry; times are steady seconds."""

    progress: "Progress | None" = None
    foremost: "tuple[TaskInstance, ...]" = ()
    """The tasks that need somebody first."""
    progress_until = -inf
    """Until when both count as the present."""
    tasks_at = -inf
    """From when its tasks are worth a call."""
    examined_on: date | None = None
    """When it was last looked up what the store holds of its workflow."""
    is_complete = False
    """Nothing more of its workflow is to be asked for on that day."""
    lateness: "Lateness | None" = None
    is_late = False
    """Its latest reading says so."""

    def __init__(self, of: WorkflowInstance) -> None:
        """Know nothing but a reading."""
        self.of = of
        self._runs: Sequence[Run] = ()

    def follow(self, instance: WorkflowInstance, read_at: datetime) -> None:
        """Come in line with a reading."""
        before = self.of
        if before is not instance:
            self.of = instance
            if before.workflow_id != instance.workflow_id:
                self.examined_on, self._runs, self.is_complete = None, (), False
            odd = {name for each in (before, instance) for name, _ in each.unreadable}
            if before.started_time != instance.started_time and "started_time" not in odd:
                self.progress, self.foremost = None, ()  # those of another run
            if before.status != instance.status or self.progress is None:
                self.progress_until = self.tasks_at = -inf
            self._judge()
        # A reading taken before it was late says nothing: the run may have ended in time.
        lateness, is_active = self.lateness, instance.family is Family.ACTIVE
        self.is_late = is_active and lateness is not None and lateness.is_late(read_at)

    def take_runs(self, runs: "Sequence[Run]", day: date, *, is_complete: bool) -> None:
        """Learn of earlier runs of its workflow."""
        self._runs, self.examined_on, self.is_complete = runs, day, is_complete
        self._judge()

    def take_tasks(self, tasks: "Sequence[TaskInstance]", until: float) -> None:
        """Learn how far it is, which counts as the present until then."""
        from wfinspect.model import by_attention, progress  # noqa: PLC0415

        self.progress, self.progress_until = progress(tasks), until
        self.foremost = tuple(by_attention(tasks)[:FOREMOST])

    @property
    def frozen(self) -> "tuple[str, ...]":
        """Names of its tasks that are frozen, of those that are kept."""
        return tuple(t.task_name or str(t.id) for t in self.foremost if t.is_frozen)

    def outlook(self, now: float, *, is_live: bool) -> Outlook | None:
        """The same as a face sees it; `is_live` is of the reading."""
        if self.progress is None and self.lateness is None:
            return None
        is_present = is_live and now < self.progress_until
        is_late = is_live and self.is_late
        return Outlook(self.progress, is_present, self.lateness, is_late, self.foremost)

    def _judge(self) -> None:
        from wfinspect.lateness import compare  # noqa: PLC0415

        lateness = compare(self.of, self._runs) if self.of.workflow_id else None
        # That there are too few is said once there are no more.
        is_said = lateness is not None and (self.is_complete or lateness.usual is not None)
        self.lateness = lateness if is_said else None


MAX_NAME = 200
"""Characters of a name that a change is told and kept with: ten thousand changes are."""


def is_other(held: WorkflowInstance, new: WorkflowInstance) -> bool:
    """Whether an ID names another instance than before."""
    pairs = (
        (held.create_time, new.create_time),
        (held.workflow_id, new.workflow_id),
        (held.biz_date, new.biz_date),
    )
    return any(a is not None and b is not None and a != b for a, b in pairs)


def is_older(new: WorkflowInstance, modify_time: int | None) -> bool:
    """Whether an answer is of an earlier time than what is held, as from a replica that lags.

    Args:
        new: the answer.
        modify_time: the latest that could be read of this instance, None before that.
    """
    if new.modify_time is None or modify_time is None:
        return False
    return new.modify_time < modify_time


def _is_rerun(held: WorkflowInstance, new: WorkflowInstance) -> bool:
    """Whether a settled run was followed by another, seen or not."""
    if not held.is_settled:
        return False
    if not new.is_settled:
        return True
    pairs = (
        (held.started_time, new.started_time),
        (held.finished_time, new.finished_time),
    )
    return any(a is not None and b is not None and a != b for a, b in pairs)


def transition(
    key: InstanceKey,
    held: WorkflowInstance,
    held_at: datetime | None,
    new: WorkflowInstance,
    at: datetime,
) -> Transition | None:
    """The change between two readings of one instance, None if there is none.

    Args:
        key: the instance.
        held: the earlier reading.
        held_at: when it was taken.
        new: the later one.
        at: when that was taken.
    """
    is_rerun = _is_rerun(held, new)
    if new.status == held.status and not is_rerun:
        return None
    # A clock set back between two readings must not turn them round.
    after = min(held_at or at, at)
    said_at = _said_at(new)
    is_exact = said_at is not None and after <= said_at <= at
    return Transition(
        key=key,
        name=new.name[:MAX_NAME],
        from_status=held.status,
        to_status=new.status,
        at=said_at if said_at is not None and is_exact else at,
        seen_after=after,
        seen_by=at,
        is_service_time=is_exact,
        is_rerun=is_rerun,
    )


def _said_at(instance: WorkflowInstance) -> datetime | None:
    """When the present state began, as far as the service says."""
    if instance.is_settled:
        milliseconds = instance.finished_time
    elif instance.status == Status.RUNNING:
        milliseconds = instance.started_time
    else:
        milliseconds = None
    return None if milliseconds is None else moment(milliseconds)


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
        others = [e for e in polled if e.key.target == entry.key.target]
        return not others or any(e.steady_at is not None and e.steady_at >= since for e in others)

    def _is_watched(self, key: InstanceKey) -> bool:
        return key in self.entries and self.entries[key].is_watched


class Attention:
    """The instance on display, the last key, and the interval that was set."""

    def __init__(self, interval_seconds: float) -> None:
        self.set_interval(interval_seconds)
        self.displayed: InstanceKey | None = None
        self.opened_at = -inf
        """Since when that one is on display."""
        self._touched_at = -inf

    def set_interval(self, seconds: float) -> None:
        """Set how often active instances are asked for."""
        self.interval_seconds = max(MIN_INTERVAL_SECONDS, seconds)

    def display(self, key: "InstanceKey | None", now: float) -> None:
        """Look at an instance, or at none."""
        if key != self.displayed:
            self.displayed, self.opened_at = key, now
        self._touched_at = now

    def touch(self, now: float) -> None:
        """Be there."""
        self._touched_at = now

    def is_paid(self, now: float) -> bool:
        """Whether somebody was there lately."""
        return now - self._touched_at < cadence.DISPLAY_LASTS_SECONDS

    def cadence(self, entry: "Entry", now: float) -> float | None:
        """Seconds between two readings of an entry; None where none is needed."""
        if entry.is_gone:
            return cadence.GONE_SECONDS
        if entry.missing is not None:
            if entry.instance is None:
                return None
            # While everything is missing nothing counts as gone, however long that is.
            is_new = entry.missing.count <= 2 * GONE_AFTER
            return cadence.MISSING_SECONDS if is_new else cadence.SETTLED_SECONDS
        if entry.is_final:
            return None
        return cadence.cadence(
            entry.family,
            interval=self.interval_seconds,
            is_attended=entry.key == self.displayed and self.is_paid(now),
        )


def take_over(
    watchlist: Watchlist,
    rows: Iterable[StoredRow],
    unsaved: Changes,
    now: float,
    at: datetime | None,
) -> list[InstanceKey]:
    """Bring a list in line with the store's; gives the rows of which that has a newer reading.

    Args:
        watchlist: the list.
        rows: what the store holds.
        unsaved: what this process decided itself, which counts for more.
        now: steady seconds.
        at: the same as wall time; None at start, when every reading counts as old.
    """
    stored = {row.key: row for row in rows}
    for entry in watchlist.watched():
        if entry.key not in stored and entry.key not in unsaved.added:
            watchlist.drop(entry.key)
    return [
        key
        for key, row in stored.items()
        if key not in unsaved.removed and _take_row(watchlist, row, unsaved, now, at)
    ]


def _take_row(
    watchlist: Watchlist, row: StoredRow, unsaved: Changes, now: float, at: datetime | None
) -> bool:
    watchlist.touch([row.key])
    entry = watchlist.entry(row.key)
    entry.is_watched, entry.position = True, row.position
    entry.added_at = row.added_at
    if row.key not in unsaved.unseen:
        entry.is_unseen = row.is_unseen
    if row.instance is None or row.read_at is None:
        return False
    if entry.read_at is not None and row.read_at <= entry.read_at:
        return False
    # An older one of our own must not be saved over it.
    unsaved.readings.pop(row.key, None)
    entry.hold(row.instance, row.read_at)
    entry.is_gone, entry.last_change = row.is_gone, row.last_change
    if at is None:
        return False
    # Another process wrote it while this one ran, so it is as good as a reading of our own.
    entry.trouble, entry.missing, entry.stale = None, None, None
    entry.steady_at = now - max(0.0, (at - row.read_at).total_seconds())
    return True
