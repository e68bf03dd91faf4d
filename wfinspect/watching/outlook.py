"""What is worth knowing beyond polls: how far an instance is, and whether it is late.

Asks by itself, and only where that is cheap: of the one on display, and of the watched ones that run;
never while the day's budget runs short, the line is in trouble or the watch pauses.
"""

import json
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any

from wfinspect.clock import Clock
from wfinspect.errors import ServiceError
from wfinspect.model import Family, Target
from wfinspect.regions import day_of
from wfinspect.watching.cadence import freshness_seconds
from wfinspect.watching.journal import Journal
from wfinspect.watching.notifications import Alerts
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.watchlist import Known

if TYPE_CHECKING:
    from wfinspect.watching.api import A, Heard, Outcome, Request
    from wfinspect.watching.lookups import Asking
    from wfinspect.watching.watchlist import Attention, Entry


SETTLE_SECONDS = 0.5  # whoever leafs through a list asks for nothing
TASKS_SECONDS = 60.0
BACKGROUND_SECONDS = 30.0
QUIET_SECONDS = 600.0  # for a kind of question that was refused
_FIRST_SECONDS = 5.0  # the list comes first
_ANSWER_SECONDS = 60.0  # then none comes any more
_AT_ONCE = 20  # look-ups in the store a turn
_TOLD = "late"
_KEPT_TOLD = 200


class OutlookTracker:
    """Decides what to ask for, and keeps with each entry what was answered."""

    def __init__(
        self,
        book: Journal,
        schedule: Schedule,
        attention: "Attention",
        asking: "Asking",
        alerts: Alerts,
        clock: Clock,
        *,
        looks_around: bool,
    ) -> None:
        """With `looks_around`, watched instances are cared for that nobody has on display.

        Who follows without a screen is told of changes, and pays for nothing else.
        """
        self._book = book
        self._schedule = schedule
        self._attention = attention
        self._asking = asking
        self._alerts = alerts
        self._clock = clock
        self._background_at = clock.monotonic() + _FIRST_SECONDS if looks_around else inf
        self._runs_free_at = -inf
        self._quiet: dict[tuple[type, Target], float] = {}

    def follow(self) -> None:
        """Bring what is known in line with the readings that were taken in."""
        for key in self._book.watchlist.touched:
            if key in self._book.entries:
                self._follow(self._book.entries[key])

    def step(self) -> None:
        """Ask for what is worth it now."""
        if self._schedule.is_paused:
            return
        now, at = self._clock.monotonic(), self._clock.now()
        key, is_attended = self._attention.displayed, self._attention.is_paid(now)
        entry = None if key is None else self._book.entries.get(key)
        if entry and is_attended and now >= self._attention.opened_at + SETTLE_SECONDS:
            self._look_closely(entry, now, at)
        # Behind the polls of a round, over the connection that they have left.
        if now >= self._background_at and not self._schedule.limits.are_calls_out:
            self._look_around(now, at)

    def next_at(self, now: float) -> float:
        """When a step is due that no reading brings about."""
        at = self._attention.opened_at + SETTLE_SECONDS
        return at if self._attention.displayed is not None and at > now else inf

    def ask(self, request: "Request[A]", answer: "Heard[A]") -> None:
        """Have a person's request answered, and learn from what comes of it."""

        def heard(outcome: "Outcome[A]") -> None:
            self._learn(request, outcome)
            answer(outcome)

        self._asking.ask(request, heard)

    def _follow(self, entry: "Entry") -> None:
        """Come in line with a reading; tells of what has become late."""
        known, read_at = entry.known, entry.read_at
        if known is None or entry.instance is None or read_at is None:
            return
        was_late = known.is_late
        known.follow(entry.instance, read_at)
        if known.is_late and not was_late and entry.is_watched:
            self._tell(entry, known)

    def _look_closely(self, entry: "Entry", now: float, at: datetime) -> None:
        from wfinspect.watching.api import TasksOf  # noqa: PLC0415

        known = self._examined(entry, now, at)
        if known is None:
            return
        if now >= known.tasks_at and self._may_ask(TasksOf, entry, now):
            known.tasks_at = now + TASKS_SECONDS if entry.family is Family.ACTIVE else inf
            self._ask_for(TasksOf(entry.key))
        if not (known.is_complete or entry.family.is_settled):
            self._ask_for_runs(entry, now)

    def _look_around(self, now: float, at: datetime) -> None:
        """Learn what is usual of one that runs, if there is one of which it is not known."""
        looked_up, self._background_at = 0, now + BACKGROUND_SECONDS
        for entry in self._book.entries.values():
            if not entry.is_watched or entry.family is not Family.ACTIVE:
                continue
            before = entry.known.examined_on if entry.known else None
            known = self._examined(entry, now, at)
            looked_up += known is not None and known.examined_on != before
            if looked_up >= _AT_ONCE:
                self._background_at = now + 1.0
                return
            if known is not None and not known.is_complete and self._ask_for_runs(entry, now):
                return

    def _examined(self, entry: "Entry", now: float, at: datetime) -> Known | None:
        """What is known of an entry, with what the store holds; None before it was read."""
        if entry.instance is None or entry.is_gone:
            return None
        if entry.steady_at is None and not entry.is_final:
            return None
        known = entry.known = entry.known or Known(entry.instance)
        if known.examined_on != day_of(entry.key.target.region, at):
            self._examine(entry, known, now, at)
        return known

    def _examine(self, entry: "Entry", known: Known, now: float, at: datetime) -> None:
        from wfinspect.watching.lookups import RunHistory  # noqa: PLC0415

        runs, missing = RunHistory(self._book, entry.key.target, known.of).known(now, at)
        known.take_runs(runs, day_of(entry.key.target.region, at), is_complete=missing is None)
        self._book.watchlist.touch([entry.key])
        self._follow(entry)

    def _may_ask(self, kind: type, entry: "Entry", now: float) -> bool:
        target, limits = entry.key.target, self._schedule.limits
        return (
            now >= self._quiet.get((kind, target), -inf)
            and limits.closed_gate(target) is None
            # The bucket is at least half full.
            and limits.bucket(target, now).stretch(now) == 1.0
        )

    def _ask_for_runs(self, entry: "Entry", now: float) -> bool:
        from wfinspect.watching.api import EarlierRuns  # noqa: PLC0415

        if now < self._runs_free_at or not self._may_ask(EarlierRuns, entry, now):
            return False
        self._runs_free_at = now + _ANSWER_SECONDS
        self._ask_for(EarlierRuns(entry.key, most=1))
        return True

    def _ask_for(self, request: "Request[Any]") -> None:
        def heard(outcome: "Outcome[Any]") -> None:
            if isinstance(outcome, ServiceError):
                quiet_until = self._clock.monotonic() + QUIET_SECONDS
                self._quiet[type(request), request.whom] = quiet_until
            self._learn(request, outcome)

        self._asking.ask(request, heard)

    def _learn(self, request: "Request[Any]", outcome: "Outcome[Any]") -> None:
        from wfinspect.watching.api import EarlierRuns, TasksOf  # noqa: PLC0415

        if isinstance(request, EarlierRuns):
            self._runs_free_at = -inf
        if isinstance(outcome, ServiceError) or not isinstance(request, (EarlierRuns, TasksOf)):
            return
        now, at = self._clock.monotonic(), self._clock.now()
        entry = self._book.entries.get(request.key)
        known = self._examined(entry, now, at) if entry is not None else None
        if entry is None or known is None:
            return
        if isinstance(request, EarlierRuns):
            self._examine(entry, known, now, at)
        elif not outcome.value.is_last:
            # More than are read at all: twenty calls that tell nothing are enough.
            known.tasks_at = inf
        elif outcome.value.items:
            lasts = inf if entry.family.is_settled else freshness_seconds(TASKS_SECONDS)
            known.take_tasks(outcome.value.items, now + lasts)
            self._book.watchlist.touch([entry.key])

    def _tell(self, entry: "Entry", known: Known) -> None:
        """Tell that a run is late, once over all processes and starts."""
        now, at = self._clock.monotonic(), self._clock.now()
        target, run = entry.key.target, known.of.started_time
        name = f"{target.profile} {target.region} {target.endpoint} {entry.key.id}"
        told = self._book.recalled(_TOLD, now)
        if known.lateness is not None and told.pop(name, None) != run:
            kept = list(told.items())[1 - _KEPT_TOLD :]
            self._book.remember(_TOLD, json.dumps(dict([*kept, (name, run)])))
            said = known.lateness.sentence(at)
            self._alerts.late(entry.key, known.of, said, at, now, frozen=known.frozen)
