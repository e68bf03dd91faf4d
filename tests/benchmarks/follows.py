"""What it costs to follow workflows in place of IDs, and how soon a new run is on the screen.

The calls of a night, and the times until a new run is there, are of the engine over real HTTP on a clock that
is moved by hand; the CPU is that of the real app in a pseudo-terminal, by its own clock.

``follows.py [--seconds 60]``; the time is for the measurement of the CPU, which waits in real time.
"""

import argparse
import asyncio
import random
import tempfile
from contextlib import closing
from pathlib import Path

from bench import Figures, scratch
from drive import HttpDrive
from fakes import FakeClock
from night import GROUPS, HOURS, INTERVAL, MEMBERS, nightfall
from scale import app, cpu_seconds, serving

from wfinspect.clock import SystemClock
from wfinspect.model import Follow, InstanceId, InstanceKey, Query, Target
from wfinspect.simulator import Simulator
from wfinspect.watching.store import Store

LOOKS_AN_HOUR = 60
PROJECT, WORKFLOW = 91000, 5500000
"""The first ones of the instances that the simulator makes beyond its catalogue."""
NEW_RUNS = 60
EXPECTED_SECONDS = 60.0
FOLLOWS, FOLLOWED = 200, 2_000
AT_DEFAULT_INTERVAL = 3_000
"""With so many or more, `scale.app` leaves the interval as it is."""


class Watching(HttpDrive):
    """An engine over HTTP, without what the tests prove after each step."""

    def expect_nothing_missed(self) -> None:
        pass


async def calls_of_a_night(state_dir: Path, *, is_followed: bool) -> int:
    """Return the calls for the same instances, followed by workflow or watched by ID."""
    with nightfall() as night:
        watching = Watching(night.simulator, night.clock, state_dir)
        if is_followed:
            for n in range(GROUPS * MEMBERS):
                project, place = divmod(n, MEMBERS)
                query = Query(PROJECT + project, 0, workflow_id=WORKFLOW + 100 * project + place)
                watching.engine.follow(watching.target, query)
        else:
            keys = [InstanceKey(watching.target, InstanceId(each)) for each in night.ids]
            watching.engine.watch(keys)
        while night.now < HOURS * 3600 - 1e-3:
            await watching.run(max(1e-3, night.next_at - night.now))
            night.go_on()
        assert {row.key.id for row in watching.engine.snapshot.rows} == set(night.ids)
        await watching.engine.aclose()
        return night.simulator.calls.count()


async def delays(state_dir: Path, budget: int) -> list[float]:
    """Return the seconds until each new run is on the screen, from its coming into being."""
    clock, rng = FakeClock(), random.Random(1)
    found = []
    with Simulator(clock=clock, extra=100, epoch=clock.now()) as simulator:
        runs = simulator.ids[-100:][:NEW_RUNS]
        for each in runs:
            simulator.population.vanish(each)
        watching = Watching(simulator, clock, state_dir, budget=budget)
        watching.engine.follow(watching.target, Query(PROJECT, 0, tags=(("load", "1"),)))
        for each in runs:
            await watching.run(rng.uniform(60.0, 180.0))
            simulator.population.restore(each)
            began = clock.monotonic()
            while not any(row.key.id == each for row in watching.engine.snapshot.rows):
                await watching.run(1.0)
            found.append(clock.monotonic() - began)
        await watching.engine.aclose()
    return found


def cpu(seconds: float, follows: int) -> tuple[float, int]:
    """Return the part of a core that the app takes for so many follows, and its calls meanwhile."""
    with tempfile.TemporaryDirectory() as made:
        home, state_dir = Path(made), Path(made) / "state"
        with serving(state_dir, FOLLOWED) as service:
            endpoint = service.environment["WFINSPECT_ENDPOINT"]
            target, now = Target("(env)", "cn-shanghai", endpoint), SystemClock().now()
            with closing(Store(state_dir, SystemClock().now)) as store:
                for n in range(follows):
                    project, place = divmod(n, 10)
                    workflow = WORKFLOW + 100 * project + place
                    query = Query(PROJECT + project, 0, env_type="Prod", workflow_id=workflow)
                    store.add_follow(Follow(0, target, query, now, due="07:00"))
            with app(home, service, state_dir, AT_DEFAULT_INTERVAL) as running:
                running.read_for(75.0)
                calls, used = service.calls(), cpu_seconds(running.process.pid)
                running.read_for(seconds)
                return (cpu_seconds(running.process.pid) - used) / seconds, service.calls() - calls


def tell(figures: Figures, seconds: float = 60.0) -> None:
    """Measure and print."""
    with scratch() as directory:
        by_id = asyncio.run(calls_of_a_night(directory / "ids", is_followed=False))
        ours = asyncio.run(calls_of_a_night(directory / "follows", is_followed=True))
    most = 1.25 * by_id + LOOKS_AN_HOUR * GROUPS * HOURS
    what = f"{GROUPS * MEMBERS} followed in {GROUPS} projects, {HOURS:g} h: calls"
    figures.hold(f"{what} (by ID {by_id:,})", ours, most=most)
    with scratch() as directory:
        found = asyncio.run(delays(directory / "state", 3000))
    figures.hold(
        "a new run on the screen, the latest",
        max(found),
        most=EXPECTED_SECONDS + INTERVAL,
        unit=" s",
    )
    alone, calls = cpu(seconds, 0)
    what = f"  of the same instances, polled without a follow, {calls} calls: CPU, %"
    figures.report(what, f"{alone * 100:.2f}")
    used, calls = cpu(seconds, FOLLOWS)
    what = f"{FOLLOWS} follows, {FOLLOWED:,} instances, {calls} calls: CPU of the app, %"
    figures.hold(what, used * 100, most=2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="in which CPU is measured")
    figures = Figures()
    tell(figures, parser.parse_args().seconds)
    figures.end()


if __name__ == "__main__":
    main()
