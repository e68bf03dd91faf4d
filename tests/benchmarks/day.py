"""A day in accelerated time: 200 instances under several budgets, README's example, two panes that share a store.

A service on the same clock counts the calls that reach it; the count that is shown has to be the
same one.
"""

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path

from bench import Figures, main, scratch
from drive import Drive, engine_of
from fakes import BINDING, FakeClock, ms
from readme_blocks import EXAMPLES, Example
from world import Conditions, History, World

from wfinspect.watching.engine import Engine

GROUPS, MEMBERS = 10, 20
BUDGETS = (3000, 1000, 100)
DAY = 86_400.0
MIDNIGHT = datetime(2026, 9, 17, 16, 0, 1, tzinfo=UTC)
"""Of the region's day, which is that of the budget."""
PANES_GROUPS, PANES_MEMBERS, PANES_HOURS = 5, 4, 2.0
LATENCY = 0.2
PLENTY = 100_000


async def watch(
    world: World, clock: FakeClock, state_dir: Path, *, budget: int, panes: int, seconds: float
) -> list[Engine]:
    """Let panes watch the whole world for some time; gives their engines as they are then."""
    drives = [
        Drive(
            engine_of(
                state_dir,
                world.connect,
                clock,
                BINDING,
                budget=budget,
                rng=random.Random(number),
            ),
            clock,
        )
        for number in range(panes)
    ]
    drives[0].engine.watch(world.keys)
    while True:
        world.deliver()
        naps = [await drive.turn() for drive in drives]
        # A process looks at what others have stored at least every five seconds.
        longest = 5.0 if panes > 1 else DAY
        nap = min(world.next_arrival - world.now, longest, *(n for n in naps if n is not None))
        left = seconds - world.now
        if left <= 0.0:
            return [drive.engine for drive in drives]
        clock.advance(min(left, max(nap, 1e-3)))


def _world(
    seconds: float, pace: float, groups: int, members: int, latency: float = 0.0
) -> tuple[World, FakeClock]:
    clock = FakeClock(MIDNIGHT)
    world = World(
        Conditions(latency=latency),
        clock,
        random.Random(1),
        groups=groups,
        members=members,
        seconds=seconds,
        pace=pace,
    )
    return world, clock


def spend_a_day(budget: int, seconds: float = DAY - 2.0, members: int = MEMBERS) -> tuple[int, int]:
    """A day under a budget: the calls that the service counted, and those that were shown."""
    world, clock = _world(seconds, 60.0, GROUPS, members)
    with scratch() as directory:
        engines = asyncio.run(
            watch(world, clock, directory / "state", budget=budget, panes=1, seconds=seconds)
        )
    return world.calls, engines[0].snapshot.health.calls_today


class OneRun(History):
    """Waits, runs once within the first third of the day, and is done."""

    def __init__(self, rng: random.Random, number: int, epoch: int) -> None:
        self.ends, self._times, self._states = [], [], []
        self._number, self._epoch = number, epoch
        started = rng.uniform(0.0, DAY / 3)
        finished = started + rng.uniform(300.0, 5400.0)
        self._add(-60.0, "WaitTime", None, None)
        self._add(started, "Running", started, None)
        self._add(finished, "Success", started, finished)


def spend_as(example: Example) -> int:
    """The calls of a day as README's example has it: 50 instances in 5 groups."""
    world, clock = _world(DAY - 2.0, 60.0, 5, 10)
    if example.runs_once:
        rng, epoch = random.Random(1), ms(clock.now())
        world.histories = {number: OneRun(rng, number, epoch) for number in world.histories}
    with scratch() as directory:
        asyncio.run(
            watch(world, clock, directory / "s", budget=example.budget, panes=1, seconds=DAY - 2.0)
        )
    return world.calls


def share(panes: int, seconds: float = PANES_HOURS * 3600.0) -> tuple[int, list[int]]:
    """Some hours with so many panes: the calls counted by the service, and shown by each."""
    world, clock = _world(seconds, 20.0, PANES_GROUPS, PANES_MEMBERS, LATENCY)
    with scratch() as directory:
        engines = asyncio.run(
            watch(world, clock, directory / "state", budget=PLENTY, panes=panes, seconds=seconds)
        )
    return world.calls, [engine.snapshot.health.calls_today for engine in engines]


def tell(figures: Figures) -> None:
    """Live through it and print."""
    figures.say(f"{GROUPS * MEMBERS} instances in {GROUPS} groups")
    for budget in BUDGETS:
        counted, shown = spend_a_day(budget)
        figures.hold(f"calls of a day under a budget of {budget:,}", counted, most=budget)
        figures.hold("  shown more or less than counted", abs(shown - counted), most=0)
    for example in EXAMPLES:
        off = abs(spend_as(example) / example.calls - 1.0)
        figures.hold(f"README's {example.calls:,} calls a day, off by a part of", off, most=0.03)
    alone, _ = share(1)
    both, shown_by = share(2)
    figures.say(f"        calls in {PANES_HOURS:g} h: one pane {alone:,}, two panes {both:,}")
    figures.hold("calls of two panes, as a multiple of one's", both / alone, most=1.05)
    wrong = max(abs(n - both) for n in shown_by)
    figures.hold("  shown more or less than counted by both", wrong, most=0)


if __name__ == "__main__":
    main(tell)
