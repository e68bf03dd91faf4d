"""Moves an engine on by hand: from one thing that is due to the next, without waiting for it."""

import asyncio
import random
from collections.abc import Sequence
from copy import copy
from math import inf
from pathlib import Path

from fakes import BINDING, START, FakeClock

from wfinspect.clock import Clock
from wfinspect.dataworks import connector
from wfinspect.model import InstanceKey, Target
from wfinspect.simulator import Simulator
from wfinspect.watching.api import Connect, Row, equal_but_for_ages
from wfinspect.watching.engine import Engine
from wfinspect.watching.notifications import Alerts
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.store import EphemeralStore, Store


def engine_of(
    state_dir: Path,
    connect: Connect,
    clock: Clock,
    target: Target = BINDING,
    *,
    interval: float = 15.0,
    budget: int = 3000,
    rng: random.Random | None = None,
    only: Sequence[InstanceKey] | None = None,
    alerts: Alerts | None = None,
) -> Engine:
    """An engine as the commands put it together; with `only`, one that leaves the list as it is."""
    if only is None:
        store = Store(state_dir, clock.now)
    else:
        store = EphemeralStore(state_dir, clock.now, only)
    return Engine(
        target,
        connect,
        clock,
        store=store,
        schedule=Schedule(rng or random.Random(1), budget=budget, interval_seconds=interval),
        alerts=alerts or Alerts(),
    )


# Looking at each row of a long list after each step costs more than the steps.
_FEW = 20
_EVERY = 10


def _but_for_retry(row: Row) -> Row:
    trouble = row.trouble
    if trouble is None or trouble.retry_at is None:
        return row
    return row._replace(trouble=trouble._replace(retry_at=START))


class Drive:
    """An engine and its clock, which stands still while the engine works."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine = engine
        self.clock = clock
        self.drawn = self.steps = 0

    def expect_nothing_missed(self) -> None:
        """Fail where a row that nothing has touched would be another if it were judged once more."""
        self.steps += 1
        if len(self.engine.snapshot.rows) > _FEW and self.steps % _EVERY:
            return
        made, held = self.engine._view.judge, self.engine._journal.watchlist
        again, watchlist = copy(made), copy(held)
        again._looks, again._silences, watchlist._changed = [], {}, {}
        watchlist.rows, watchlist.touched = {**held.rows}, dict.fromkeys(held.rows)
        watchlist.states = {key: copy(state) for key, state in held.states.items()}
        for state in watchlist.states.values():
            state.looked_at = inf
        again._watchlist, again.lost, again._lost_at = watchlist, {*made.lost}, {**made._lost_at}
        breakers = {b: self.engine._schedule.limits.open_breaker(b) for b in made._troubles}
        again.follow(breakers, made._troubles, self.clock.monotonic())
        # When the next attempt is due is not brought up to date in each row.
        rows = {key: _but_for_retry(row) for key, row in watchlist.rows.items()}
        assert rows == {key: _but_for_retry(row) for key, row in held.rows.items()}
        shown = self.engine.snapshot.rows
        assert {row.key: row for row in held.rows.values() if held.is_listed(row.key)} == {
            row.key: row for bucket in filter(None, shown.buckets) for row in bucket.values()
        }
        assert made.changes_at <= min(
            (each.changes_at for each in held.states.values()), default=inf
        )
        # An interval that grows is looked at when the time of the reading would be over.
        for key, state in held.states.items():
            once_more = watchlist.states[key]
            once_more.interval, once_more.changes_at = state.interval, state.changes_at
            once_more.looked_at = state.looked_at
            assert once_more == state
        assert (again.lost, again._lost_at) == (made.lost, made._lost_at)

    def after_step(self) -> None:
        """What a subclass does after each step."""

    async def turn(self) -> float | None:
        """Steps until every call that can be answered is; gives the seconds until the next one."""
        while True:
            shown = self.engine.snapshot
            next_in = self.engine.step()
            self.drawn += not equal_but_for_ages(shown, self.engine.snapshot)
            self.expect_nothing_missed()
            self.after_step()
            before = self.engine.in_flight
            for _ in range(8):
                if not self.engine.in_flight:
                    break
                await asyncio.sleep(0)
            if not before or self.engine.in_flight == before:
                return next_in

    async def run(self, seconds: float) -> None:
        """Let time pass, from one thing that is due to the next."""
        end = self.clock.monotonic() + seconds
        while True:
            next_in = await self.turn()
            left = end - self.clock.monotonic()
            if left < 1e-6:
                return
            self.clock.advance(min(left, max(next_in or left, 1e-3)))


class HttpDrive(Drive):
    """An engine that asks a simulator over HTTP; both go by one clock, which waits for the answers."""

    def __init__(
        self,
        simulator: Simulator,
        clock: FakeClock,
        state_dir: Path,
        *,
        interval: float = 15.0,
        budget: int = 1_000_000,
    ) -> None:
        self._is_there = asyncio.Event()
        self.target = Target("(env)", "cn-shanghai", simulator.url)
        connect = connector(simulator.environment(), state_dir, clock)
        engine = engine_of(state_dir, connect, clock, self.target, interval=interval, budget=budget)
        engine.on_answer(self._is_there.set)
        super().__init__(engine, clock)

    async def turn(self) -> float | None:
        """As `Drive.turn`, with answers that take real time."""
        while True:
            self._is_there.clear()
            next_in = self.engine.step()
            self.expect_nothing_missed()
            self.after_step()
            for _ in range(8):
                await asyncio.sleep(0)
            # Of what is in flight, a question may wait for its turn, which time brings.
            is_out = self.engine._schedule.limits.are_calls_out or self.engine._is_opening
            if is_out:
                await asyncio.wait_for(self._is_there.wait(), 60.0)
            elif not self._is_there.is_set():
                return next_in
