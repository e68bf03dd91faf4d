"""All that a watch depends on, in one value."""

import random
from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wfinspect.clock import Clock, Moment
from wfinspect.errors import CredentialsMissing, DailyLimit, NotFound, Refused, ServiceError
from wfinspect.format import shown
from wfinspect.model import Family, InstanceKey, Target, WorkflowInstance
from wfinspect.settings import NotifySettings, Rule
from wfinspect.watching.api import (
    Connect,
    Group,
    Health,
    Row,
    Snapshot,
    Trouble,
    group_of,
    with_group,
)
from wfinspect.watching.calls import BatchAnswer, Calls
from wfinspect.watching.journal import DailyBudget, Journal
from wfinspect.watching.limits import Limits
from wfinspect.watching.lookups import Asking
from wfinspect.watching.notifications import TRIAL, Absence, Alerts, Messenger, Notices, Outage
from wfinspect.watching.schedule import Batch, Schedule
from wfinspect.watching.store import EphemeralStore, Store
from wfinspect.watching.view import View
from wfinspect.watching.watchlist import Attention, News

if TYPE_CHECKING:
    from datetime import datetime

    from wfinspect.watching.api import A, Heard, Request
    from wfinspect.watching.outlook import OutlookTracker


class Setup(NamedTuple):
    """What a watch is made of."""

    state_dir: Path
    """Where the store lies; made with mode 0700."""
    connect: Connect
    """Opens a source for a target, called on the poller's thread."""
    clock: Clock
    target: Target
    """The one that new IDs get."""
    interval_seconds: float
    """How often active instances are read."""
    budget: int
    """Calls a day."""
    rng: random.Random
    """For jitter."""
    only: Sequence[InstanceKey] | None = None
    """Follow these and nothing else, and leave the stored list as it is."""
    rule: Rule = Rule.FAILURE
    """Which changes are worth an alert."""
    lost_after_seconds: float = NotifySettings().lost_after
    """Without contact for so long, that is worth an alert, too."""
    messenger: Messenger | None = None
    """Is told of alerts, too."""


class Access:
    """Knows of each target what its calls need before they can be made."""

    def __init__(self, target: Target, calls: Calls, limits: Limits) -> None:
        """Take the target that new IDs get, whose source is opened at once."""
        self._target = target
        self._calls = calls
        self._limits = limits
        self._is_open = self._is_opening = False
        self._failure: ServiceError | None = None
        """Why opening failed the last time."""
        self._fingerprints: dict[Target, tuple[int, str]] = {}
        """Of whoever is refused: how often in a row, and what names the credentials since then."""

    def open(self, now: float) -> None:
        """Open the source ahead of need: a first look-up is quicker, missing keys are said at once."""
        if self.next_at() <= now:
            self._is_opening = True
            self._calls.send(Batch(self._target, ()))

    def next_at(self) -> float:
        """When `open` has something to do."""
        if self._is_open or self._is_opening:
            return inf
        return self._limits.account_gate(self._target).opens_at

    def opened(self, answer: BatchAnswer) -> None:
        """Take in what came of opening."""
        self._is_opening = False
        gate = self._limits.account_gate(answer.batch.target)
        if isinstance(answer.outcome, ServiceError):
            # Nobody was asked, so that it says nothing of the endpoint.
            self._failure = answer.outcome
            gate.failed(answer.outcome, answer.now, day_ends_at=inf)
            return
        self._is_open = True
        if isinstance(gate.error, CredentialsMissing) or gate.error is self._failure:
            gate.succeeded()

    def heed_credentials(self, target: Target, now: float) -> None:
        """Notice that whoever is refused has other credentials by now."""
        gate = self._limits.account_gate(target)
        if not isinstance(gate.error, (Refused, CredentialsMissing)):
            self._fingerprints.pop(target, None)
            return
        seen = self._calls.fingerprint(target)
        failures, known = self._fingerprints.get(target, (0, ""))
        self._fingerprints[target] = gate.failures, seen
        # A call renews keys itself, in the file as well: when it is refused, those are no news.
        if failures == gate.failures and known != seen:
            self._limits.source_changed(target, now)


class Telling:
    """Takes news from the book to the alerts, and what they make of it to the messenger."""

    def __init__(
        self, book: Journal, alerts: Alerts, messenger: Messenger, notices: Notices
    ) -> None:
        self._book = book
        self._alerts = alerts
        self._messenger = messenger
        self._notices = notices

    def tell(self, now: float, *, is_last: bool = False) -> None:
        """Tell once what happened at the same time is known; the last time, whatever there is."""
        for change, is_ours in self._book.news:
            row = self._book.watchlist.rows.get(change.key)
            if row is not None and row.is_watched:
                is_failure = change.family is Family.FAILURE
                frozen = row.outlook.frozen if row.outlook and is_failure else ()
                self._alerts.changed(change, row.instance, now, is_ours=is_ours, frozen=frozen)
        self._book.news.clear()
        message = self._alerts.take(max(now, self._alerts.due_at) if is_last else now)
        if message is not None:
            self._messenger.send(message)
        if trouble := self._messenger.take_trouble():
            self._notices.say(trouble, is_error=True)

    def try_out(self, now: float) -> None:
        """Have an alert raised that says that it is a trial."""
        self._alerts.say(TRIAL, now)

    def close(self, now: float) -> None:
        """Tell what is left."""
        self.tell(now, is_last=True)
        self._messenger.close()


_NAMED = 5
_NAME_LIMIT = 100


class Reader:
    """Takes answers in; the only place that turns a `ServiceError` into trouble of a row."""

    def __init__(
        self, book: Journal, schedule: Schedule, days: DailyBudget, notices: Notices, outage: Outage
    ) -> None:
        self._book = book
        self._schedule = schedule
        self._days = days
        self._notices = notices
        self._outage = outage
        self._absence = Absence()
        known = (row for row in book.watchlist.watched() if row.instance is not None)
        self._absence.begin(row.key for row in known if not row.is_final)
        self._unknown: dict[InstanceKey, str] = {}
        self.last_good_at: datetime | None = None
        """When the service last answered with instances."""

    def absorb(self, answer: BatchAnswer, displayed: InstanceKey | None) -> None:
        """Take an answer in."""
        batch, outcome = answer.batch, answer.outcome
        self._book.watchlist.touch(batch.keys)
        if isinstance(outcome, NotFound):
            self._schedule.succeeded(batch, {}, answer.now)
            if batch.group is None:
                self._missed(batch.keys[0], outcome, answer)
        elif isinstance(outcome, ServiceError):
            if isinstance(outcome, DailyLimit):
                self._days.limit_met(batch.target, Moment(answer.now, answer.at))
            is_of_one = self._schedule.failed(batch, outcome, answer.now)
            if is_of_one:
                self._blame(batch.keys[0], outcome, answer)
        else:
            self.last_good_at = answer.at
            found = self._placed(batch, outcome, answer.now)
            for key in batch.keys:
                if key in found and key in self._book.watchlist.rows:
                    self._observe(key, found[key], answer)
            if displayed in found:
                self._book.looked_up(displayed.id, answer.at)

    def heard_elsewhere(self, key: InstanceKey, now: float) -> None:
        """Note that another process has read a row."""
        self._absence.heard(key, now)

    def tell(self, now: float) -> None:
        """Say what is said of many rows in one sentence, once it is known of enough of them."""
        if text := self._absence.take(now):
            self._notices.say(text)
        self._tell_unknown()

    def _tell_unknown(self) -> None:
        """Say which IDs were not added."""
        if not self._unknown or any(map(self._is_awaited, self._book.watchlist.rows.values())):
            return
        numbers = [str(key.id) for key in self._unknown]
        text = next(iter(self._unknown.values()))
        if len(numbers) > 1:
            more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
            text = f"the service knows none of {', '.join(numbers[:_NAMED])}{more}."
        self._notices.say(f"Not watched: {text}", is_error=True)
        self._unknown.clear()

    def _is_awaited(self, row: Row) -> bool:
        """Whether it will soon be known if a new row is to stay."""
        if not row.is_watched or row.instance is not None:
            return False
        is_open = self._schedule.limits.closed_gate(row.key.target) is None
        return is_open and self._book.watchlist.states[row.key].fault is None

    def _placed(
        self, batch: Batch, instances: tuple[WorkflowInstance, ...], now: float
    ) -> dict[InstanceKey, WorkflowInstance]:
        """The instances that were asked for, after the schedule has learnt where they belong."""
        found = {InstanceKey(batch.target, each.id): each for each in instances}
        if batch.group is not None and not found.keys() <= set(batch.keys):
            self._schedule.groups.ignored_ids(batch.group, now)
        wanted = {
            key: with_group(found[key], batch.group or self._group_of(key))
            for key in batch.keys
            if key in found
        }
        groups = {key: group_of(batch.target, each) for key, each in wanted.items()}
        self._schedule.succeeded(batch, groups, now)
        return wanted

    def _group_of(self, key: InstanceKey) -> Group | None:
        """The group by the reading that is held."""
        row = self._book.watchlist.rows.get(key)
        held = row.instance if row is not None else None
        return group_of(key.target, held) if held is not None else None

    def _observe(self, key: InstanceKey, instance: WorkflowInstance, answer: BatchAnswer) -> None:
        row = self._book.watchlist.rows[key]
        seen = self._book.watchlist.observe(key, instance, Moment(answer.now, answer.at))
        if seen.news is News.STALE:
            return
        if seen.news is News.REPLACED or (row.read_at is not None and answer.at < row.read_at):
            self._book.store_again(key)
        self._book.observed(key, seen, row.instance)
        if seen.news is News.REPLACED:
            self._notices.say(f"{key.id} now names another instance: {_name(instance)}.")
        if seen.news is News.WENT_BACK:
            self._notices.say(f"The service went back to an older state of {key.id}.")
        if seen.transition is not None:
            self._outage.changed(seen.transition)
        self._absence.heard(key, answer.now, seen.transition)

    def _missed(self, key: InstanceKey, error: NotFound, answer: BatchAnswer) -> None:
        row = self._book.watchlist.rows.get(key)
        if row is None:
            return
        self._absence.heard(key, answer.now)
        if self._book.watchlist.missed(key, _trouble(error), answer.now):
            self._book.gone(key)
            name = _name(row.instance) if row.instance else ""
            self._notices.say(f"{name} ({key.id}) is gone: the service no longer knows it.")
        if row.instance is None and row.is_watched:
            self._book.drop(key)
            self._unknown[key] = str(error)

    def _blame(self, key: InstanceKey, error: ServiceError, answer: BatchAnswer) -> None:
        if key in self._book.watchlist.rows:
            self._book.watchlist.states[key].fault = _trouble(error)
            self._absence.heard(key, answer.now)


def _name(instance: WorkflowInstance) -> str:
    """A name in a sentence."""
    return shown(instance.name, limit=_NAME_LIMIT)


def _trouble(error: ServiceError) -> Trouble:
    return Trouble(error.cause, str(error), None, error.exit_code)


class Engine:
    """The watch without a thread: intents are methods, to be called between two steps."""

    def __init__(self, setup: Setup, wake: Callable[[], None]) -> None:
        """Load the store, so that `snapshot` has the rows before anything is asked.

        `wake` is called, from the event loop, when there is something to be done.
        """
        clock, only = setup.clock, setup.only
        self._clock, self._target = clock, setup.target
        self._attention = Attention(setup.interval_seconds)
        notices = Notices()
        store = Store if only is None else EphemeralStore
        self._book = Journal(store(setup.state_dir, clock.now), notices)
        self._schedule = Schedule(setup.rng, budget=setup.budget)
        self._days = DailyBudget(self._book, self._schedule.limits)
        self._calls = Calls(
            setup.connect, clock, on_call=lambda b: self._days.called(b, clock.now()), wake=wake
        )
        parts = self._calls, self._book, self._schedule.limits, self._days, clock, wake
        self._asking = Asking(lambda inquiries: inquiries(*parts))
        self._access = Access(setup.target, self._calls, self._schedule.limits)
        self._alerts = Alerts(setup.rule)
        messenger = setup.messenger or Messenger((), {})
        self._telling = Telling(self._book, self._alerts, messenger, notices)
        outage = Outage(setup.lost_after_seconds)
        self._view = View(self._book, self._schedule, notices, self._alerts, outage)
        now = clock.monotonic()
        self._book.load(now)
        self._book.watch(only or (), clock.now())
        self._reader = Reader(self._book, self._schedule, self._days, notices, outage)
        self._reconcile(now)
        self._look(Moment(now, clock.now()))

    @property
    def snapshot(self) -> Snapshot:
        """The newest state."""
        return self._view.snapshot

    @cached_property
    def _lookout(self) -> "OutlookTracker":
        from wfinspect.watching.outlook import OutlookTracker  # noqa: PLC0415

        parts = self._book, self._schedule, self._attention, self._asking, self._alerts, self._clock
        return OutlookTracker(*parts, looks_around=not isinstance(self._book.store, EphemeralStore))

    @property
    def in_flight(self) -> int:
        """How many calls have no answer yet."""
        return self._calls.in_flight

    def step(self) -> float | None:
        """Do everything that is to be done now; gives the seconds until there is more.

        None means that only an answer or a person brings more. Needs a running event loop.
        """
        moment = self._clock.moment()
        now = moment.monotonic
        displayed = self._attention.displayed
        for answer in self._calls.take_answers():
            if answer.batch.keys:
                self._reader.absorb(answer, displayed)
            else:
                self._access.opened(answer)
        if displayed is not None:
            # How often it is asked for depends on the time since the last key.
            self._book.watchlist.touch([displayed])
        read_elsewhere = self._book.sync(moment)
        self._lookout.follow()
        self._reconcile(now)
        for key in read_elsewhere:
            read_at = self._book.watchlist.states[key].read_at
            self._schedule.read_elsewhere(key, read_at or now, now)
            self._reader.heard_elsewhere(key, now)
        self._reader.tell(now)
        for target in self._targets():
            self._days.follow(target, moment)
            self._access.heed_credentials(target, now)
        self._send(now)
        self._lookout.step()
        return self._next_in(now, self._look(moment))

    async def aclose(self) -> None:
        """Save and tell what is left, then close the sources and wait for the last answers."""
        self._book.close()
        self._telling.close(self._clock.monotonic())
        self._asking.end()
        await self._calls.aclose()

    def begin_anew(self) -> None:
        """Go on in another event loop, after the first has died."""
        self._calls.begin_anew()
        self._asking.begin_anew()

    def display(self, key: InstanceKey | None) -> None:
        """Put an instance on display, or none; see `WatchControl`."""
        now, before = self._clock.monotonic(), self._attention.displayed
        self._attention.display(key, now)
        self._book.watchlist.touch(each for each in (before, key) if each is not None)
        if key is None:
            self._reconcile(now)
            return
        row = self._book.watchlist.add(key)
        self._reconcile(now)
        if row.instance is not None:
            self._book.looked_up(key.id, self._clock.now())
        if self._book.watchlist.states[key].read_at is None and not row.is_final:
            self._schedule.ask(key, now, is_urgent=True)

    def watch(self, keys: Sequence[InstanceKey]) -> None:
        """Add to the watched list."""
        now = self._clock.monotonic()
        self._book.watch(keys, self._clock.now())
        self._reconcile(now)
        for key in keys:
            if self._book.watchlist.states[key].read_at is None:
                self._schedule.ask(key, now)

    def unwatch(self, keys: Sequence[InstanceKey]) -> None:
        """Take off the watched list."""
        self._book.unwatch(keys)
        self._reconcile(self._clock.monotonic())

    def restore(self) -> None:
        """Undo the last `unwatch`."""
        self._book.restore()
        self._reconcile(self._clock.monotonic())

    def mark_seen(self, keys: Sequence[InstanceKey] | None = None) -> None:
        """Clear unseen marks, all without keys."""
        self._book.mark_seen(keys)

    def refresh(self, key: InstanceKey | None = None) -> None:
        """Read one instance now, all without a key."""
        now = self._clock.monotonic()
        rows = self._book.watchlist.rows
        for each in rows if key is None else [key]:
            if each in rows:
                self._schedule.ask(each, now)

    def set_paused(self, *, paused: bool) -> None:
        """Stop or resume polling."""
        self._schedule.is_paused = paused

    def set_interval(self, seconds: float) -> None:
        """Set how often active instances are asked for."""
        self._attention.set_interval(seconds)
        self._book.watchlist.touch(self._book.watchlist.rows)
        self._reconcile(self._clock.monotonic())

    def ask(self, request: "Request[A]", answer: "Heard[A]") -> None:
        """Have a request answered; see `WatchControl`."""
        self._lookout.ask(request, answer)

    def try_alert(self) -> None:
        """Have an alert raised that says that it is a trial."""
        self._telling.try_out(self._clock.monotonic())

    def touch(self) -> None:
        """Say that a person is there."""
        self._attention.touch(self._clock.monotonic())

    def _reconcile(self, now: float) -> None:
        """Bring the schedule in line with what was touched of the book."""
        watchlist = self._book.watchlist
        for key in watchlist.touched:
            row = watchlist.rows.get(key)
            if row is None or not (row.is_watched or key == self._attention.displayed):
                watchlist.forget(key)
                self._schedule.forget(key)
                continue
            group = group_of(key.target, row.instance) if row.instance else None
            self._schedule.add(key, group=group)
            cadence = self._attention.cadence(row, watchlist.states[key], now)
            self._schedule.set_cadence(key, cadence)

    def _send(self, now: float) -> None:
        self._access.open(now)
        self._asking.let_out(now, is_sharing=True)
        while (batch := self._schedule.take_due(now)) is not None:
            self._calls.send(batch)
            self._book.watchlist.touch(batch.keys)
        self._asking.let_out(now, is_sharing=False)

    def _look(self, moment: Moment) -> float:
        """Save what changed, then draw it: nobody is told what a crash could still lose.

        Gives when time alone changes what is shown.
        """
        now = moment.monotonic
        self._book.save(now)
        self._telling.tell(now)
        bucket = self._schedule.limits.bucket(self._target, now)
        health = Health(
            last_good_at=self._reader.last_good_at,
            calls_today=self._days.calls_today(self._target, moment),
            budget=bucket.budget,
            interval_seconds=self._attention.interval_seconds,
            store_trouble=self._book.trouble,
            remarks=self._schedule.groups.remarks(now),
        )
        until = self._view.draw(health, self._targets(), self._attention.displayed, moment)
        return min(until, bucket.ends_at)

    def _next_in(self, now: float, drawn_until: float) -> float | None:
        due_at = self._schedule.next_at(now)
        times = [drawn_until, inf if due_at is None else due_at]
        times += [self._asking.next_at(now), self._lookout.next_at(now), self._access.next_at()]
        earliest = min(times)
        return None if earliest == inf else max(0.0, earliest - now)

    def _targets(self) -> list[Target]:
        return list(dict.fromkeys([self._target, *self._schedule.targets]))
