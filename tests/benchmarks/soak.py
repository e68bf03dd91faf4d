"""A soak in accelerated time: every end of a run that stays visible is told exactly once.

The real engine and store watch 50 instances in 5 groups through a service that answers late, from
lagging replicas, with failures or not at all; what is told is compared with what happened.
"""

import asyncio
import ctypes
import gc
import itertools
import random
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

import psutil
from bench import Figures, main, scratch
from drive import Drive, engine_of
from fakes import BINDING, FakeClock
from world import LAG, LATE, Conditions, World

from wfinspect.model import Transition
from wfinspect.watching.engine import Engine

HOURS = 3.2
"""Of each scenario."""
GROUPS, MEMBERS = 5, 10
INTERVAL = 5.0
LONGEST = INTERVAL * 1.1
"""Seconds between two readings, jitter included."""


@dataclass(frozen=True)
class Scenario:
    """What goes wrong at the service, and with the machine: seconds between two such moments."""

    name: str
    conditions: Conditions = field(default_factory=Conditions)
    kills_every: float = float("inf")
    jumps_every: float = float("inf")

    @property
    def bound(self) -> float:
        """Seconds that an end has to stay visible to be told for sure: two intervals of contact."""
        wrong = self.conditions
        failing = 6 * INTERVAL if wrong.failing else 0.0
        return 2 * LONGEST + LAG * bool(wrong.stale) + LATE * bool(wrong.late) + failing


OUTAGE = (3600.0, 5400.0)
SCENARIOS = (
    Scenario("clean"),
    Scenario("5 % stale reads", Conditions(stale=0.05)),
    Scenario("2 % late, overtaken", Conditions(late=0.02)),
    Scenario("20 % failures", Conditions(failing=0.2)),
    Scenario("30 minutes' outage", Conditions(outage=OUTAGE)),
    Scenario("kill -9 and restart", kills_every=700.0),
    Scenario("wall clock set", jumps_every=500.0),
    Scenario("all together", Conditions(0.05, 0.02, 0.2, OUTAGE), 700.0, 500.0),
)


@dataclass
class Told:
    """What the engine told, checked as it comes."""

    world: World
    ends: Counter[tuple[int, int, int, str]] = field(default_factory=Counter)
    backward: int = 0
    invented: int = 0
    _known: set[Transition] = field(default_factory=set)
    _newest: dict[int, int] = field(default_factory=dict)

    def hear(self, engine: Engine) -> None:
        """Take in what is new, oldest first."""
        new = list(itertools.takewhile(lambda t: t not in self._known, engine.snapshot.transitions))
        if new:
            self._known = set(engine.snapshot.transitions)
        for change in reversed(new):
            row = engine.snapshot.rows.get(change.key)
            found = row.instance if row else None
            if found is None or not self.world.histories[found.id].holds(found, self.world.now):
                self.invented += 1
                continue
            modified = found.modify_time or 0
            self.backward += modified < self._newest.get(found.id, 0)
            self._newest[found.id] = modified
            if found.is_settled:
                run = (found.id, found.started_time or 0, found.finished_time or 0, found.status)
                self.ends[run] += 1


class Heard(Drive):
    """An engine of whose every step is heard what it tells."""

    def __init__(self, told: Told, clock: FakeClock, state_dir: Path, rng: random.Random) -> None:
        engine = engine_of(
            state_dir,
            told.world.connect,
            clock,
            BINDING,
            interval=INTERVAL,
            budget=10_000_000,
            rng=random.Random(rng.random()),
        )
        super().__init__(engine, clock)
        self._told = told

    def after_step(self) -> None:
        self._told.hear(self.engine)


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    polls: int
    calls: int
    ends: int
    visible: int
    missed: int
    doubled: int
    backward: int
    invented: int
    megabytes: float
    """By how much memory grew after the first quarter of the time."""
    handles: int
    """By how much tasks, threads and descriptors became more after it."""


def held() -> tuple[float, int]:
    """Megabytes of memory that this process holds; its tasks, threads and descriptors."""
    gc.collect()
    # What is free already, but not given back, is not held.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    process = psutil.Process()
    handles = len(asyncio.all_tasks()) + threading.active_count() + process.num_fds()
    return process.memory_info().rss / 2**20, handles


async def soak(scenario: Scenario, seconds: float, state_dir: Path, *, seed: int = 1) -> Outcome:
    """Live through a scenario."""
    rng, clock = random.Random(seed), FakeClock()
    world = World(scenario.conditions, clock, rng, groups=GROUPS, members=MEMBERS, seconds=seconds)
    told = Told(world)
    drive = Heard(told, clock, state_dir, rng)
    drive.engine.watch(world.keys)
    kills = _moments(rng, scenario.kills_every, seconds)
    jumps = _moments(rng, scenario.jumps_every, seconds)
    early: tuple[float, int] | None = None
    while world.now < seconds + 2 * scenario.bound:
        if early is None and world.now > seconds / 4:
            early = held()
        world.deliver()
        if kills and kills[0] <= world.now:
            # Nothing is closed, and what was under way is never answered.
            kills.pop(0)
            world.lose_answers()
            drive = Heard(told, clock, state_dir, rng)
        if jumps and jumps[0] <= world.now:
            jumps.pop(0)
            clock.jump(rng.uniform(-3600.0, 3600.0))
        next_in = await drive.turn()
        due_at = world.now + (1.0 if next_in is None else next_in)
        next_at = min([due_at, world.next_arrival, *kills[:1], *jumps[:1]])
        clock.advance(max(1e-3, next_at - world.now))
    late = held()
    early = early or late
    # The first reading is no news, and it may take as long as any.
    known_by = scenario.bound
    ends = [e for history in world.histories.values() for e in history.ends if e.at > known_by]
    visible = [end for end in ends if world.visible_seconds(end) >= scenario.bound]
    runs = [(end.number, end.started, end.finished, end.status) for end in visible]
    return Outcome(
        world.polls,
        world.calls,
        len(ends),
        len(visible),
        sum(told.ends[run] == 0 for run in runs),
        sum(n - 1 for n in told.ends.values() if n),
        told.backward,
        told.invented,
        round(late[0] - early[0], 1),
        late[1] - early[1],
    )


def _moments(rng: random.Random, every: float, seconds: float) -> list[float]:
    return sorted(rng.uniform(0.0, seconds) for _ in range(int(seconds / every)))


def tell(figures: Figures, hours: float = HOURS) -> None:
    """Live through all scenarios, each so long, and print the table."""
    outcomes = []
    figures.say(f"{GROUPS * MEMBERS} instances in {GROUPS} groups, {hours:g} h of each scenario")
    columns = [each.name for each in fields(Outcome)]
    figures.say(f"{'scenario':20}" + "".join(f"{column:>10}" for column in columns))
    for scenario in SCENARIOS:
        with scratch() as directory:
            outcome = asyncio.run(soak(scenario, hours * 3600.0, directory / "state"))
        outcomes.append(outcome)
        cells = (f"{getattr(outcome, column):10,}" for column in columns)
        figures.say(f"{scenario.name:20}" + "".join(cells))
    lived = f"{len(SCENARIOS) * hours:,.3g} h of {GROUPS * MEMBERS} instances, 8 kinds of trouble"
    figures.report(f"{lived}: ends of runs to see", f"{sum(o.visible for o in outcomes):,}")
    enough = 30_000 * len(SCENARIOS) * hours
    figures.reach("  polls", sum(o.polls for o in outcomes), least=enough)
    for name in ("missed", "doubled", "backward", "invented"):
        figures.hold(f"  told {name}", sum(getattr(o, name) for o in outcomes), most=0)
    figures.hold("  memory grown", max(o.megabytes for o in outcomes), most=10, unit=" MB")
    figures.hold("  tasks, threads, descriptors more", max(o.handles for o in outcomes), most=0)


if __name__ == "__main__":
    main(lambda figures: tell(figures, float(sys.argv[1]) if len(sys.argv) > 1 else HOURS))
