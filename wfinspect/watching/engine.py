"""One step after the other: take in what was answered, ask for what is due, save, tell, draw.

`Calls` brings answers and `Reader` takes them into the `Book`; `Schedule` and `Lookout` say what to
ask next, `View` what to show. Driven by `step` from one event loop, with a clock of the caller's;
never sleeps, never waits for an answer. Knows no thread and no face.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from wfinspect.instance import Binding, InstanceKey
from wfinspect.watching.access import Access
from wfinspect.watching.alerts import Alerts
from wfinspect.watching.asking import Asking
from wfinspect.watching.attention import Attention
from wfinspect.watching.book import Book
from wfinspect.watching.calls import Calls
from wfinspect.watching.days import Days
from wfinspect.watching.guest import Guest
from wfinspect.watching.messenger import Messenger
from wfinspect.watching.notices import Notices, Outage
from wfinspect.watching.reader import Reader
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.setup import Setup
from wfinspect.watching.sight import Sights
from wfinspect.watching.snapshot import Health, Snapshot
from wfinspect.watching.source import group_of
from wfinspect.watching.store import Store
from wfinspect.watching.telling import Telling
from wfinspect.watching.view import View

if TYPE_CHECKING:  # what is only named here need not be loaded before the first paint
    from wfinspect.watching.lookout import Lookout
    from wfinspect.watching.requests import A, Heard, Request


class Engine:
    """The watch without a thread: intents are methods, to be called between two steps."""

    def __init__(self, setup: Setup, wake: Callable[[], None]) -> None:
        """Load the store, so that `snapshot` has the rows before anything is asked.

        `wake` is called, from the event loop, when there is something to be done.
        """
        clock, only = setup.clock, setup.only
        self._clock, self._binding = clock, setup.binding
        self._attention = Attention(setup.interval_seconds)
        notices = Notices()
        store = Store if only is None else Guest
        self._book = Book(store(setup.state_dir, clock.now), notices)
        self._schedule = Schedule(setup.rng, budget=setup.budget)
        self._days = Days(self._book, self._schedule.limits)
        self._calls = Calls(
            setup.connect, clock, on_call=lambda b: self._days.called(b, clock.now()), wake=wake
        )
        parts = self._calls, self._book, self._schedule.limits, self._days, clock, wake
        self._asking = Asking(lambda inquiries: inquiries(*parts))
        self._access = Access(setup.binding, self._calls, self._schedule.limits)
        self._sights = Sights(self._schedule)
        self._alerts = Alerts(setup.rule)
        messenger = setup.messenger or Messenger((), {})
        self._telling = Telling(self._book, self._alerts, messenger, notices)
        outage = Outage(setup.lost_after_seconds)
        self._view = View(self._book, self._schedule, self._sights, notices, self._alerts, outage)
        now = clock.monotonic()
        self._book.load(now)
        self._book.watch(only or (), clock.now())
        self._reader = Reader(self._book, self._schedule, self._days, notices, outage)
        self._reconcile(now)
        self._look(now, clock.now())

    @property
    def snapshot(self) -> Snapshot:
        """The newest state."""
        return self._view.snapshot

    @cached_property
    def _lookout(self) -> "Lookout":
        from wfinspect.watching.lookout import Lookout  # noqa: PLC0415

        parts = self._book, self._schedule, self._attention, self._asking, self._alerts, self._clock
        return Lookout(*parts, looks_around=not isinstance(self._book.store, Guest))

    @property
    def in_flight(self) -> int:
        """How many calls have no answer yet."""
        return self._calls.in_flight

    def step(self) -> float | None:
        """Do everything that is to be done now; gives the seconds until there is more.

        None means that only an answer or a person brings more. Needs a running event loop.
        """
        now, at = self._clock.monotonic(), self._clock.now()
        displayed = self._attention.displayed
        for answer in self._calls.take_answers():
            if answer.batch.keys:
                self._reader.absorb(answer, displayed)
            else:
                self._access.opened(answer)
        if displayed is not None:
            # How often it is asked for depends on the time since the last key.
            self._book.watchlist.touch([displayed])
        read_elsewhere = self._book.sync(now, at)
        self._lookout.follow()
        self._reconcile(now)
        for key in read_elsewhere:
            self._schedule.read_elsewhere(key, self._book.entries[key].steady_at or now, now)
            self._reader.heard_elsewhere(key, now)
        self._reader.tell(now)
        for binding in self._bindings():
            self._days.follow(binding, now, at)
            self._access.heed_credentials(binding, now)
        self._send(now)
        self._lookout.step()
        return self._next_in(now, self._look(now, at))

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
        entry = self._book.watchlist.entry(key)
        self._reconcile(now)
        if entry.instance is not None:
            self._book.looked_up(key.id, self._clock.now())
        if entry.steady_at is None and not entry.is_final:
            self._schedule.ask(key, now, is_urgent=True)

    def watch(self, keys: Sequence[InstanceKey]) -> None:
        """Add to the watched list."""
        now = self._clock.monotonic()
        self._book.watch(keys, self._clock.now())
        self._reconcile(now)
        for key in keys:
            if self._book.entries[key].steady_at is None:
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
        for each in self._book.entries if key is None else [key]:
            if each in self._book.entries:
                self._schedule.ask(each, now)

    def set_paused(self, *, paused: bool) -> None:
        """Stop or resume polling."""
        self._schedule.is_paused = paused

    def set_interval(self, seconds: float) -> None:
        """Set how often active instances are asked for."""
        self._attention.set_interval(seconds)
        self._book.watchlist.touch(self._book.entries)
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
        for key in self._book.watchlist.touched:
            entry = self._book.entries.get(key)
            if entry is None or not (entry.is_watched or key == self._attention.displayed):
                for each in (self._book.watchlist, self._schedule, self._sights):
                    each.forget(key)
                continue
            if self._sights.begin(key):
                group = group_of(key.binding, entry.instance) if entry.instance else None
                self._schedule.add(key, group=group)
            self._schedule.set_cadence(key, self._attention.cadence(entry, now))

    def _send(self, now: float) -> None:
        self._access.open(now)
        self._asking.let_out(now, is_sharing=True)
        while (batch := self._schedule.take_due(now)) is not None:
            self._calls.send(batch)
            self._book.watchlist.touch(batch.keys)
        self._asking.let_out(now, is_sharing=False)

    def _look(self, now: float, at: datetime) -> float:
        """Save what changed, then draw it: nobody is told what a crash could still lose.

        Gives when time alone changes what is shown.
        """
        self._book.save(now)
        self._telling.tell(now)
        bucket = self._schedule.limits.bucket(self._binding, now)
        health = Health(
            last_good_at=self._reader.last_good_at,
            calls_today=self._days.calls_today(self._binding, now, at),
            budget=bucket.budget,
            interval_seconds=self._attention.interval_seconds,
            store_trouble=self._book.trouble,
            remarks=self._schedule.groups.remarks(now),
        )
        until = self._view.draw(health, self._bindings(), self._attention.displayed, now, at)
        return min(until, bucket.ends_at)

    def _next_in(self, now: float, drawn_until: float) -> float | None:
        due_at = self._schedule.next_at(now)
        times = [drawn_until, inf if due_at is None else due_at]
        times += [self._asking.next_at(now), self._lookout.next_at(now), self._access.next_at()]
        earliest = min(times)
        return None if earliest == inf else max(0.0, earliest - now)

    def _bindings(self) -> list[Binding]:
        return list(dict.fromkeys([self._binding, *self._schedule.bindings]))
