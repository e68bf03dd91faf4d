"""A night of 20 instances: the calls of the engine, and of a loop for each ID as `aliyun --waiter` is one.

Both go through the same night, simulated, over HTTP. The loops ask as often as it takes to notice
an end as soon as the engine does on average, and stop there, while the engine goes on to watch.
"""

import asyncio
import heapq
import random
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from bench import Figures, main, scratch
from fakes import START, FakeClock
from round import Watch
from signed_request import Caller

from wfinspect.simulator import Simulator

GROUPS, MEMBERS = 2, 10
HOURS = 8.0
INTERVAL = 15.0
_PLACES = 100
"""Instances of a workspace of the simulator."""


class Event(NamedTuple):
    """An instance enters a state, some seconds into the night."""

    at: float
    instance_id: int
    status: str


class Night:
    """A simulator in which a night goes by."""

    def __init__(self, simulator: Simulator, clock: FakeClock) -> None:
        self.simulator, self.clock = simulator, clock
        places = simulator.ids[-GROUPS * _PLACES :]
        self.ids = tuple(
            each for n in range(GROUPS) for each in places[n * _PLACES : n * _PLACES + MEMBERS]
        )
        rng = random.Random(1)
        self._events: list[Event] = []
        self.ended: dict[int, float] = {}
        for number in self.ids:
            simulator.set_status(number, "WaitTime")
            begins = rng.uniform(0.0, HOURS / 2) * 3600
            ends = begins + rng.choice([300.0, 1200.0, 2400.0, 5400.0]) * rng.uniform(0.7, 1.3)
            self.ended[number] = ends
            self._events.append(Event(begins, number, "Running"))
            self._events.append(Event(ends, number, rng.choice(["Success"] * 9 + ["Failure"])))
        self._events.sort(reverse=True)
        self._born = clock.monotonic()

    @property
    def now(self) -> float:
        """Seconds since nightfall."""
        return self.clock.monotonic() - self._born

    @property
    def next_at(self) -> float:
        """When something happens next."""
        return self._events[-1].at if self._events else HOURS * 3600

    def go_on(self) -> None:
        """Let happen what is due."""
        while self._events and self._events[-1].at <= self.now + 1e-6:
            event = self._events.pop()
            self.simulator.set_status(event.instance_id, event.status)


@contextmanager
def nightfall() -> Iterator[Night]:
    """A night that begins."""
    clock = FakeClock()
    with Simulator(clock=clock, extra=GROUPS * _PLACES, epoch=clock.now()) as simulator:
        yield Night(simulator, clock)


async def watch(night: Night, state_dir: Path) -> tuple[int, float]:
    """The calls of the engine through the night, and its mean delay in noticing an end, in seconds."""
    watching = Watch(night.simulator, night.clock, state_dir, {}, INTERVAL)
    watching.watch(night.ids)
    while night.now < HOURS * 3600 - 1e-3:
        await watching.run(max(1e-3, night.next_at - night.now))
        night.go_on()
    changes = watching.engine.snapshot.transitions
    await watching.engine.aclose()
    noticed = {c.key.id: c.seen_by for c in changes if c.to_status in {"Success", "Failure"}}
    ended = {number: START + timedelta(seconds=at) for number, at in night.ended.items()}
    delays = [(noticed[number] - ended[number]).total_seconds() for number in night.ids]
    return night.simulator.calls.count(), statistics.mean(delays)


def loop(night: Night, interval: float) -> tuple[int, float]:
    """The calls of a loop for each ID, and their mean delay in noticing an end, in seconds."""
    delays = []
    # When each of them begins decides its delay: spread evenly, luck has no part in the mean.
    due = [
        ((night.ended[number] + (n + 0.5) / len(night.ids) * interval) % interval, number)
        for n, number in enumerate(night.ids)
    ]
    heapq.heapify(due)
    caller = Caller(night.simulator.url, night.clock.now())
    while due:
        at, number = heapq.heappop(due)
        while night.next_at <= at:
            night.clock.advance(max(0.0, night.next_at - night.now))
            night.go_on()
        night.clock.advance(max(0.0, at - night.now))
        caller.now = night.clock.now()
        if caller.get(number).json["WorkflowInstance"]["Status"] in {"Success", "Failure"}:
            delays.append(at - night.ended[number])
        else:
            heapq.heappush(due, (at + interval, number))
    caller.close()
    return night.simulator.calls.count(), statistics.mean(delays)


def tell(figures: Figures) -> None:
    """Measure and print."""
    with scratch() as directory, nightfall() as night:
        ours, delay = asyncio.run(watch(night, directory / "state"))
    with nightfall() as night:
        theirs, their_delay = loop(night, 2 * delay)
    what = f"{GROUPS * MEMBERS} instances in {GROUPS} groups, {HOURS:g} h"
    figures.report(f"{what}: calls an hour", f"{ours / HOURS:,.0f}")
    figures.report(
        f"  of a loop for each ID until it ends, one call each {2 * delay:.1f} s",
        f"{theirs / HOURS:,.0f}",
    )
    figures.report(
        "  mean delay in noticing an end: ours / loops", f"{delay:.1f} / {their_delay:.1f} s"
    )
    figures.report("  calls of the loops for one of ours", f"{theirs / ours:.1f}")


if __name__ == "__main__":
    main(tell)
