"""Late or not: what the last runs of a workflow say about one of them. Pure; claims nothing from few.

Only successful runs count, since one that failed says nothing about how long the work takes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from math import inf
from typing import NamedTuple

from wfinspect.format import difference, duration, moment
from wfinspect.model import Family, InstanceId, WorkflowInstance, family_of, zone_behind

MIN_RUNS = 4
"""Fewer give no usual range."""

# Two standard deviations, estimated from the median distance to the median: one odd run changes neither.
_SPREAD = 2 * 1.4826
# Of the median; else runs that happen to agree would make every second a delay.
_LEAST_SPREAD = 0.05
_LEAST_SPREAD_SECONDS = 30.0
_LEAST_START_SECONDS = 600.0  # of when runs start: a few minutes later than ever are no alarm
_DAY = 86_400.0


class Run(NamedTuple):
    """An earlier run, as far as it matters here; times in milliseconds."""

    id: InstanceId
    biz_date: int
    status: str
    started_time: int | None
    finished_time: int | None

    @property
    def seconds(self) -> float | None:
        """How long it took; None unless it succeeded and its times make sense."""
        if family_of(self.status) is not Family.SUCCESS:
            return None
        if self.started_time is None or self.finished_time is None:
            return None
        seconds = (self.finished_time - self.started_time) / 1000
        return seconds if seconds >= 0 else None

    @property
    def place(self) -> tuple[int, float, int]:
        """Where it stands among the runs of its workflow: less than a later one's."""
        started = inf if self.started_time is None else self.started_time
        return self.biz_date, started, self.id


def last_success(runs: Iterable[Run], instance: WorkflowInstance) -> Run | None:
    """Return the last that succeeded of the runs before an instance; None where there is none."""
    own = Run(instance.id, instance.biz_date or 0, "", instance.started_time, None).place
    before = (r for r in runs if r.place < own and family_of(r.status) is Family.SUCCESS)
    return max(before, key=lambda run: run.place, default=None)


def newest_first(*runs: Run) -> tuple[Run, ...]:
    """Return runs in order, each once."""
    known = {run.id: run for run in runs}.values()
    return tuple(sorted(known, key=lambda run: run.place, reverse=True))


class Usual(NamedTuple):
    """A median and what lies within the spread around it, in seconds.

    Both ends are whole minutes, those of days whole hours, as they are shown: what is said to be
    longer than one of them is longer by the difference to what is shown.
    """

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        high = duration(self.high, in_minutes=True)
        return f"{duration(self.low, in_minutes=True)} to {high}" if self.low else f"up to {high}"


class Lateness(NamedTuple):
    """How an instance compares with the last runs of its workflow; stays true while time passes."""

    said: str
    """What time does not change, e.g. ``usually 18m to 22m``."""
    usual: Usual | None = None
    """How long they took; None where there are fewer than MIN_RUNS."""
    running_since: datetime | None = None
    """None for one that does not run."""
    expected_at: datetime | None = None
    """When it should be done; None once it is, or where nothing can be said."""
    late_at: datetime | None = None
    """When it leaves the usual range, if it goes on till then; None as for `expected_at`."""

    def is_late(self, now: datetime) -> bool:
        """Return whether it is beyond the usual range."""
        return self.late_at is not None and now > self.late_at

    def sentence(self, now: datetime) -> str:
        """E.g. ``running 41m, usually 18m to 22m: late by 19m``."""
        said = self.said
        if self.running_since is not None and self.usual is not None:
            ran = (now - self.running_since).total_seconds()
            said = f"running {duration(ran, in_minutes=True)}, {said}"
        by = self.late_by(now)
        return said + (f": late by {by}" if by else "")

    def late_by(self, now: datetime) -> str:
        """Return by how much it is beyond the usual range, e.g. ``19m``; "" where it is not."""
        if self.late_at is None or not self.is_late(now):
            return ""
        if self.running_since is None or self.usual is None:
            return duration((now - self.late_at).total_seconds(), in_minutes=True)
        ran = (now - self.running_since).total_seconds()
        return difference(ran, self.usual.high, in_minutes=True)


class Deadline(NamedTuple):
    """A deadline that a run has missed or may miss."""

    due: datetime
    """In the region's zone, as it is written."""
    expected: datetime | None = None
    """When the run should be done, a whole minute; None once it is late."""

    @property
    def word(self) -> str:
        """What it is in short."""
        return "late" if self.expected is None else "at risk"

    def words(self, shown_in: tzinfo | None = None) -> tuple[str, ...]:
        """Return the longest wording first: ``late for 07:00 UTC+8``, ``late``; a part of one may read as another time.

        Without the zone where other times are shown in one like it.
        """
        due = f"{self.due:%H:%M}{zone_behind(self.due, shown_in)}"
        short = f"{self.word} for {due}", self.word
        if self.expected is None:
            return short
        expected = f"{self.expected.astimezone(self.due.tzinfo):%H:%M}"
        return f"at risk: expected {expected}, due {due}", *short


def usual_start(runs: Iterable[Run]) -> float | None:
    """Return by how many seconds after the beginning of its business date a run usually has started.

    None from few runs, or where a date had several: none of those is the usual one.
    """
    known = [r for r in runs if r.started_time is not None]
    if len(known) < MIN_RUNS or len({r.biz_date for r in known}) < len(known):
        return None
    middle, spread = _middle([((r.started_time or 0) - r.biz_date) / 1000 for r in known])
    return middle + max(spread, _LEAST_START_SECONDS)


def compare(instance: WorkflowInstance, runs: Iterable[Run]) -> Lateness:
    """Say when an instance takes, or waits, longer than usual, or by how much it did.

    Runs of the instance's own date are left out, so that it is said alike wherever these were read
    or not. One that has not started is compared by when earlier ones were done after the beginning of
    their business date, where each date had one run.
    """
    known = [r for r in runs if r.biz_date != instance.biz_date and r.seconds is not None]
    if len(known) < MIN_RUNS:
        few = f"{len(known)} of {MIN_RUNS} runs of earlier dates known, too few to compare with"
        return Lateness(few if known else "no runs of earlier dates to compare with yet")
    usual = _usual([r.seconds or 0.0 for r in known])
    said = f"usually {usual}"
    started = moment(instance.started_time)
    if started is None:
        return _waiting(instance, known, usual)
    if not instance.is_settled:
        return Lateness(said, usual, started, *_due(started, usual))
    if instance.finished_time is not None:
        took = (instance.finished_time - (instance.started_time or 0)) / 1000
        is_success = instance.family is Family.SUCCESS
        longer = f": {difference(took, usual.high)} beyond usual" if took > usual.high else ""
        said = f"{'took' if is_success else 'failed after'} {duration(took)}, {said}{longer}"
    return Lateness(said, usual)


def _waiting(instance: WorkflowInstance, known: Sequence[Run], usual: Usual) -> Lateness:
    begin = moment(instance.biz_date)
    dates = [r.biz_date for r in known]
    said = f"usually takes {usual}"
    if begin is None or instance.is_settled or len(set(dates)) < len(dates):
        return Lateness(said, usual)
    done = _usual([((r.finished_time or 0) - r.biz_date) / 1000 for r in known])
    return Lateness(f"not started, {said}", usual, None, *_due(begin, done))


def _due(begin: datetime, usual: Usual) -> tuple[datetime | None, datetime | None]:
    """Return when it should be done and when it is late; None where no calendar holds both."""
    try:
        return begin + timedelta(seconds=usual.median), begin + timedelta(seconds=usual.high)
    except OverflowError:
        return None, None


def _usual(seconds: Sequence[float]) -> Usual:
    middle, spread = _middle(seconds)
    spread = max(spread, _LEAST_SPREAD * middle, _LEAST_SPREAD_SECONDS)
    low, high = max(0.0, middle - spread), middle + spread
    return Usual(low - low % _unit(low), middle, high + -high % _unit(high))


def _middle(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the spread around it."""
    from statistics import median  # noqa: PLC0415 - 20 ms, and most starts need none

    middle = median(seconds)
    return middle, _SPREAD * median(abs(each - middle) for each in seconds)


def _unit(seconds: float) -> float:
    return 60.0 if seconds < _DAY else 3_600.0
