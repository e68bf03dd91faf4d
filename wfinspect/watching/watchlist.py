"""The rows, and the rules by which readings change them.

A reading may be the first of its row, say the same, show a change, be older than what is held, or be of
another instance under the same ID. "Not found" makes a row gone only after several answers in a row.
"""

from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from wfinspect.clock import Moment
from wfinspect.format import moment
from wfinspect.model import Family, Follow, InstanceKey, Status, Transition, WorkflowInstance
from wfinspect.settings import MIN_INTERVAL_SECONDS
from wfinspect.watching import cadence
from wfinspect.watching.api import Row, Trouble
from wfinspect.watching.store import Changes, to_microseconds

if TYPE_CHECKING:
    from wfinspect.lateness import Run

GONE_AFTER = 3
"""Answers of "not found" in a row, spread over `GONE_SECONDS`, that make an instance gone."""
GONE_SECONDS = 60.0
BACK_AFTER = 3
"""Answers in a row, spread over `BACK_SECONDS`, older than what is held: the server went back."""
BACK_SECONDS = 60.0
MAX_UNDONE = 20
"""Edits that can be undone, the latest first."""
MAX_NAME = 200
"""Characters of a name that a change is stored with: ten thousand changes are."""


NEW = "new"
"""In place of the state before, where the first reading of a row is a change already."""


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
        """Whether the user should look."""
        return self.news not in (News.FIRST, News.SAME, News.STALE)


@dataclass(slots=True)
class Streak:
    """Answers in a row of one kind."""

    count: int = 0
    since: float = 0.0
    """Monotonic seconds."""

    def add(self, monotonic: float) -> None:
        """Count one more."""
        self.since = monotonic if self.count == 0 else self.since
        self.count += 1

    def is_long(self, monotonic: float, count: int, seconds: float) -> bool:
        """Return whether there were enough of them over a time long enough."""
        return self.count >= count and monotonic - self.since >= seconds


@dataclass(slots=True)
class OutlookState:
    """What the outlook of a row rests on, and when more of it is to be read; in monotonic seconds."""

    of: WorkflowInstance
    """The reading that it was judged by."""
    runs: "Sequence[Run]" = ()
    """Earlier runs of the workflow, with which this one is compared."""
    examined_on: date | None = None
    """When it was last looked up what the store holds of the workflow."""
    is_complete: bool = False
    """Nothing more of the workflow is to be read."""
    tasks_at: float = -inf
    """From when its tasks are worth a call."""
    explained_at: float = -inf
    """From when they are worth one also off display; until then another process is to read them."""
    progress_until: float = -inf
    """Until when those that were read count as the present."""

    def take(self, runs: "Sequence[Run]", missing: object) -> None:
        """Take in earlier runs; `missing` is what is to be requested before there are all."""
        self.runs, self.is_complete = runs, missing is None


@dataclass(slots=True)
class RowState:
    """What a row does not show: how its reading is judged, and what is awaited; in monotonic seconds."""

    read_at: float | None = None
    """When its reading was taken; None before this process has seen one."""
    modify_time: int | None = None
    """The latest ModifyTime that could be read, in milliseconds; older readings are dropped."""
    is_new: bool = False
    """It was put on the list in this process, where it may turn out that there is no such instance."""
    fault: Trouble | None = None
    """What is wrong with this instance alone."""
    missing: Streak | None = None
    """Its answers of "not found", None where the last one held it."""
    stale: Streak | None = None
    """Its answers older than what is held."""
    outlook: OutlookState | None = None
    interval: float = 0.0
    """The longest time within which the next reading was due since `read_at`."""
    is_old: bool = False
    """The reading has outlived its time, so that only another one makes the row live."""
    is_awaited: bool = False
    """A reading is to come, and nothing is wrong with this instance alone."""
    changes_at: float = inf
    """When time alone changes the row."""
    looked_at: float = inf
    """When that is looked at, which may be before."""

    def read(self, monotonic: float) -> None:
        """Note that a reading was taken in."""
        self.read_at, self.interval, self.is_old = monotonic, 0.0, False
        self.fault = self.missing = self.stale = None


EditedRows = dict[InstanceKey, tuple[Row, RowState]]


class Edit(NamedTuple):
    """What the user took off the list, put on it, or changed of its rows, at one time."""

    rows: EditedRows
    """As they were before; of an addition, as they were added."""
    follow: Follow | None
    """What is followed no longer since then; of an addition, what is followed."""
    is_addition: bool
    field: str = ""
    """What was changed of the rows, as `Row` calls it; "" where they left the list or joined it."""


class Watchlist:
    """The watched rows, the one looked up and the one on display, by key, each with its state."""

    def __init__(self) -> None:
        self.rows: dict[InstanceKey, Row] = {}
        self.states: dict[InstanceKey, RowState] = {}
        self.touched: dict[InstanceKey, None] = {}
        """Rows that were read or changed since the last snapshot, which clears this."""
        self.looked_up: InstanceKey | None = None
        """What is on the list without being watched."""
        self._changed: dict[InstanceKey, None] = {}
        self._edits: deque[Edit] = deque(maxlen=MAX_UNDONE)

    def watched(self) -> list[Row]:
        """Return the watched rows in the order of the list."""
        watched = (row for row in self.rows.values() if row.is_watched)
        return sorted(watched, key=attrgetter("position"))

    def add(self, key: InstanceKey) -> Row:
        """Return the row of an instance, a new one where there is none."""
        if key not in self.rows:
            self.rows[key], self.states[key] = Row(key), RowState()
        return self.rows[key]

    def put(self, row: Row) -> None:
        """Replace a row by another of the same instance."""
        self.rows[row.key] = row
        self._changed[row.key] = None

    def take_changed(self) -> dict[InstanceKey, Row | None]:
        """Return the rows that differ since the last call; None for those that are off the list."""
        changed, self._changed = self._changed, {}
        return {key: self.rows.get(key) if self.is_listed(key) else None for key in changed}

    def is_listed(self, key: InstanceKey) -> bool:
        """Return whether a row is on the list, watched or looked up."""
        return key == self.looked_up or self._is_watched(key)

    def look_up(self, key: InstanceKey | None) -> None:
        """Have a row on the list without watching it, in place of the one before it, or none."""
        both = [each for each in (self.looked_up, key) if each is not None]
        self.looked_up = key
        self._changed |= dict.fromkeys(both)
        self.touch(both)

    def touch(self, keys: Iterable[InstanceKey]) -> None:
        """Have rows judged again."""
        self.touched |= dict.fromkeys(keys)

    def watch(
        self, keys: Iterable[InstanceKey], now: datetime, follow: int = 0
    ) -> list[InstanceKey]:
        """Put instances at the end of the list; returns those that were not on it."""
        new = [key for key in dict.fromkeys(keys) if not self._is_watched(key)]
        places = (row.position for row in self.rows.values() if row.is_watched)
        last = max(places, default=0.0)
        for number, key in enumerate(new, 1):
            row = self.add(key)
            place = last + number
            # One that was taken off and stayed in view belongs to its follow still.
            by = follow or row.follow
            self.put(row._replace(is_watched=True, position=place, added_at=now, follow=by))
            self.states[key].is_new = True
        self.touch(new)
        if self.looked_up in new:
            self.looked_up = None
        return new

    def unwatch(
        self, keys: Sequence[InstanceKey], follow: Follow | None = None
    ) -> list[InstanceKey]:
        """Take rows off the list; returns those that were on it. `undo` brings back `follow`, too."""
        removed = [key for key in keys if self._is_watched(key)]
        if self.looked_up in keys:
            self.look_up(None)
        self.note_edit(removed, follow)
        for key in removed:
            self.drop(key)
        return removed

    def note_edit(
        self,
        keys: Iterable[InstanceKey],
        follow: Follow | None = None,
        *,
        is_addition: bool = False,
        field: str = "",
    ) -> None:
        """Keep for `undo` what the user did to rows, as they are, and the follow of that; see `Edit`."""
        rows = {key: (self.rows[key], self.states[key]) for key in keys}
        if rows or follow:
            self._edits.append(Edit(rows, follow, is_addition, field))

    def undo(self, follows: Container[int]) -> Edit | None:
        """Put back what the last edit took off, where it stood, take off what it added, or revert a change.

        The next call does so with the edit before. Returns what was undone, whose `follow` the caller
        is to keep or to end; what others have undone already, by the numbers in `follows`, is passed over.
        """
        while self._edits:
            edit = self._edits.pop()
            rows, follow, is_addition, field = edit
            if field:
                if rows := self._revert(rows, field):
                    return edit._replace(rows=rows)
                continue
            rows = {key: held for key, held in rows.items() if self._is_watched(key) is is_addition}
            if is_addition and follow is not None and follow.number not in follows:
                follow = None
            for key, (row, state) in rows.items():
                # It may be on display still, in a row that went on being read.
                held = self.rows.setdefault(key, row)
                self.put(held._replace(is_watched=not is_addition, position=row.position))
                self.states.setdefault(key, state)
            self.touch(rows)
            if rows or follow is not None:
                return Edit(rows, follow, is_addition)
        return None

    def _revert(self, rows: EditedRows, field: str) -> EditedRows:
        """Give rows that are on the list still what they had; returns those that had something else."""
        reverted = {
            key: (before, state)
            for key, (before, state) in rows.items()
            if self._is_watched(key) and getattr(self.rows[key], field) != getattr(before, field)
        }
        for key, (before, _) in reverted.items():
            self.put(self.rows[key]._replace(**{field: getattr(before, field)}))
        self.touch(reverted)
        return reverted

    def drop(self, key: InstanceKey) -> None:
        """Take a row off the list for good: `undo` does not bring it back."""
        self.put(self.rows[key]._replace(is_watched=False))
        self.touch([key])

    def forget(self, key: InstanceKey) -> None:
        """Drop all that is known of an instance, but for what `undo` brings back."""
        row, state = self.rows.pop(key, None), self.states.pop(key, None)
        self._changed[key] = None
        if row is not None and state is not None:
            state.looked_at = inf
            for edit in self._edits:
                if key in edit.rows and not edit.field:
                    edit.rows[key] = row, state

    def mark_seen(
        self, keys: Iterable[InstanceKey] | None, *, is_undoable: bool = False
    ) -> list[InstanceKey]:
        """Clear unseen marks, all without keys; returns those that were unseen."""
        wanted = list(self.rows) if keys is None else [key for key in keys if key in self.rows]
        unseen = [key for key in wanted if self.rows[key].is_unseen]
        if is_undoable:
            self.note_edit(unseen, field="is_unseen")
        for key in unseen:
            self.put(self.rows[key]._replace(is_unseen=False))
        self.touch(unseen)
        return unseen

    def observe(self, key: InstanceKey, instance: WorkflowInstance, moment: Moment) -> Observation:
        """Take in a reading that was taken at a moment."""
        row, state = self.rows[key], self.states[key]
        state.fault = state.missing = None
        change: Transition | None = None
        if row.instance is None:
            news = News.FIRST
        elif is_other(row.instance, instance):
            news = News.REPLACED
        else:
            is_back = instance.is_older(state.modify_time)
            if is_back and not self._went_back(state, moment.monotonic):
                return Observation(News.STALE)
            change = transition(key, row.instance, row.read_at, instance, moment.now)
            # Of tasks that run again the service no longer lists the run that failed.
            is_over = row.family is Family.SUCCESS
            if change is not None and change.family is not Family.FAILURE and not is_over:
                change = change._replace(failed=row.failed)
            news = News.WENT_BACK if is_back else News.CHANGED if change else News.SAME
        seen = Observation(news, change)
        last_change = change or row.last_change
        if news is News.REPLACED:
            state.modify_time = last_change = None
        state.read(moment.monotonic)
        read = self._with_reading(row, instance, moment.now)
        is_unseen = row.is_unseen or (row.is_watched and seen.is_news)
        self.put(read._replace(is_gone=False, is_unseen=is_unseen, last_change=last_change))
        return seen

    def missed(self, key: InstanceKey, trouble: Trouble, monotonic: float) -> bool:
        """Note that the service does not know an instance; True if it counts as gone from now on.

        `trouble` is shown meanwhile.
        """
        row, state = self.rows[key], self.states[key]
        state.fault = trouble
        state.missing = state.missing or Streak()
        state.missing.add(monotonic)
        if row.is_gone or not (row.is_watched or row.instance):
            return False
        is_long = state.missing.is_long(monotonic, GONE_AFTER, GONE_SECONDS)
        # One that was never read needs no proof: nothing that was known of it is called gone.
        is_proved = row.instance is None or self._is_proved(key, state.missing.since)
        if not (is_long and is_proved):
            return False
        self.put(row._replace(is_gone=True, is_unseen=row.is_unseen or row.is_watched))
        return True

    def take_over(
        self, stored: Iterable[Row], unsaved: Changes, moment: Moment | None
    ) -> list[InstanceKey]:
        """Come in line with the store; returns the rows of which that has a newer reading.

        Args:
            stored: the list as the store holds it.
            unsaved: what this process decided itself, which counts for more.
            moment: the present; None at start, when every reading counts as old.
        """
        rows = {row.key: row for row in stored}
        for row in self.watched():
            if row.key not in rows and row.key not in unsaved.added:
                self.drop(row.key)
        taken = []
        for key, row in rows.items():
            if key in unsaved.removed or not self._take_row(row, unsaved):
                continue
            if moment is not None and row.read_at is not None:
                # Another process read it while this one ran, so it is as good as a reading of our own.
                age = max(0.0, (moment.now - row.read_at).total_seconds())
                self.states[key].read(moment.monotonic - age)
                taken.append(key)
        return taken

    def _take_row(self, stored: Row, unsaved: Changes) -> bool:
        """Take over a row; returns whether its reading was newer than what was held."""
        key, held = stored.key, self.add(stored.key)
        self.touch([key])
        before, change = held.last_change, stored.last_change
        if before is not None and change is not None and before.identity == change.identity:
            # Of two processes one may have read which tasks failed.
            change = max(change, before, key=lambda each: len(each.failed))
            held = held._replace(last_change=change)
        row = held._replace(
            is_watched=True,
            position=stored.position,
            added_at=stored.added_at,
            follow=stored.follow,
            note=(held if key in unsaved.notes else stored).note,
            is_unseen=(held if key in unsaved.unseen else stored).is_unseen,
        )
        self.put(row)
        if stored.instance is None or stored.read_at is None:
            if held.instance is None:
                self.put(row._replace(is_gone=held.is_gone or stored.is_gone))
            return False
        if held.read_at is not None and stored.read_at <= held.read_at:
            return False
        # An older one of our own must not be saved over it.
        for unsaved_rows in (unsaved.readings, unsaved.ages):
            unsaved_rows.pop(key, None)
        read = self._with_reading(row, stored.instance, stored.read_at)
        self.put(read._replace(is_gone=stored.is_gone, last_change=change))
        return True

    def _is_watched(self, key: InstanceKey) -> bool:
        return key in self.rows and self.rows[key].is_watched

    def _with_reading(self, row: Row, instance: WorkflowInstance, read_at: datetime) -> Row:
        state = self.states[row.key]
        state.modify_time = instance.modify_time or state.modify_time
        return row._replace(instance=instance, read_at=read_at)

    def _went_back(self, state: RowState, monotonic: float) -> bool:
        """Note an answer older than what is held; returns whether there are too many to be chance."""
        state.stale = state.stale or Streak()
        state.stale.add(monotonic)
        return state.stale.is_long(monotonic, BACK_AFTER, BACK_SECONDS)

    def _is_proved(self, key: InstanceKey, since: float) -> bool:
        """Return whether others that are polled are found, so that not everything is missing."""
        read = [
            self.states[row.key].read_at
            for row in self.rows.values()
            if row.key.target == key.target and row.key != key and not (row.is_gone or row.is_final)
        ]
        return not read or any(at is not None and at >= since for at in read)


def is_other(held: WorkflowInstance, new: WorkflowInstance) -> bool:
    """Return whether an ID names another instance than before."""
    pairs = (
        (held.create_time, new.create_time),
        (held.workflow_id, new.workflow_id),
        (held.biz_date, new.biz_date),
    )
    return any(a is not None and b is not None and a != b for a, b in pairs)


def is_other_run(held: WorkflowInstance, new: WorkflowInstance) -> bool:
    """Return whether the times of two readings are of different runs."""
    times = (held.started_time, new.started_time), (held.finished_time, new.finished_time)
    return any(a is not None and b is not None and a != b for a, b in times)


def transition(
    key: InstanceKey,
    held: WorkflowInstance,
    held_at: datetime | None,
    new: WorkflowInstance,
    at: datetime,
) -> Transition | None:
    """Return the change between two readings of one instance, None if there is none.

    Args:
        key: the instance.
        held: the earlier reading.
        held_at: when it was taken.
        new: the later one.
        at: when that was taken.
    """
    # Seen or not, a settled run was followed by another.
    is_rerun = held.is_settled and (not new.is_settled or is_other_run(held, new))
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
        event=event_of(new, at),
    )


def event_of(instance: WorkflowInstance, seen_by: datetime) -> str:
    """Return the `Transition.event` of a change that a reading showed."""
    run, status = instance.started_time or 0, instance.status
    if instance.is_settled and instance.finished_time is not None:
        return f"{run}/{instance.finished_time}/{status}"
    return f"{run}/~{instance.modify_time or to_microseconds(seen_by)}/{status}"


def _said_at(instance: WorkflowInstance) -> datetime | None:
    """Return when the present state began, as far as the service says."""
    if instance.is_settled:
        return moment(instance.finished_time)
    return moment(instance.started_time) if instance.status == Status.RUNNING else None


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

    def display(self, key: InstanceKey | None, monotonic: float) -> None:
        """Put an instance on display, or none."""
        if key != self.displayed:
            self.displayed, self.opened_at = key, monotonic
        self._touched_at = monotonic

    def touch(self, monotonic: float) -> None:
        """Note a key of the user's."""
        self._touched_at = monotonic

    def is_paid(self, monotonic: float) -> bool:
        """Return whether the user pressed a key lately."""
        return monotonic - self._touched_at < cadence.DISPLAY_LASTS_SECONDS

    def cadence(self, row: Row, state: RowState, monotonic: float) -> float | None:
        """Return the seconds between two readings of a row; None where none is needed."""
        if row.is_gone:
            return cadence.GONE_SECONDS
        if state.missing is not None:
            if not (row.is_watched or row.instance):
                return None
            # While everything is missing nothing counts as gone, however long that is.
            is_new = state.missing.count <= 2 * GONE_AFTER
            return cadence.MISSING_SECONDS if is_new else cadence.SETTLED_SECONDS
        if row.is_final:
            return None
        instance, read_at = row.instance, row.read_at
        return cadence.cadence(
            row.family,
            interval=self.interval_seconds,
            is_attended=row.key == self.displayed and self.is_paid(monotonic),
            has_just_failed=instance is not None
            and read_at is not None
            and cadence.has_just_failed(instance, read_at),
        )
