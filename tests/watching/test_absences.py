"""Outages, suspends and kill -9 of any length: what changed meanwhile is told once, with its gap.

Ten seconds to six hours each, on a clock moved by hand.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from bench import scratch
from engine_rig import Rig, becomes, watching
from fakes import key

from wfinspect.errors import ServiceError, ServiceTrouble, Unreachable

INTERVAL, PROBE, NAP = 16.5, 20.0, 5.0
"""The longest between two calls while all is well, while the service is down; between two looks."""
FRESH = 46.25
"""Seconds for which a reading counts as the present at this interval."""
SOON = 2.0
"""Seconds within which the first good answer is shown."""
PLENTY = 1_000_000
WORDS = ("Failure", "Running", "Success", "Checking")


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with scratch() as directory:
        yield directory / "state"


@pytest.mark.parametrize("absence", ["outage", "trouble", "suspend", "kill"])
@pytest.mark.parametrize("count", [3, pytest.param(50, marks=pytest.mark.battery)])
async def test_what_changed_in_an_absence_is_told_once_with_its_gap(
    absence: str, count: int, state_dir: Path
) -> None:
    rng, rig = random.Random(count), Rig(state_dir, budget=PLENTY)
    await watching(rig, 1, 2)
    for number in range(count):
        seconds = 10.0 * 2160.0 ** rng.random()
        changes_after = rng.uniform(0.0, seconds)
        known = rig.snapshot.transitions
        left_at = rig.clock.now()
        if absence == "kill":  # nothing is closed
            rig = restarted(rig, state_dir)
        error = {"outage": Unreachable("no route"), "trouble": ServiceTrouble("busy")}.get(absence)
        await away(rig, changes_after, error)
        becomes(rig, 1, WORDS[number % len(WORDS)])
        await away(rig, seconds - changes_after, error)

        back_at, back = rig.clock.now(), rig.clock.monotonic()
        waited = 0.0
        while rig.snapshot.transitions == known:
            assert waited <= (PROBE if error else INTERVAL) + NAP
            await rig.run(0.5)
            waited += 0.5
        first_answer = next(at for at in rig.source.call_times if at >= back)
        assert rig.clock.monotonic() - first_answer <= SOON
        await rig.run(2 * INTERVAL)

        change, *earlier = rig.snapshot.transitions
        assert tuple(earlier) == known[:199]
        assert change.to_status == WORDS[number % len(WORDS)]
        assert left_at - timedelta(seconds=INTERVAL) <= change.seen_after <= left_at
        assert back_at <= change.seen_by <= back_at + timedelta(seconds=waited)
        assert rig.row().is_unseen
        assert all(row.is_live for row in rig.snapshot.rows)
        rig.engine.mark_seen([key(1)])
        await rig.run(120.0 * rng.random())
    await rig.engine.aclose()


def restarted(rig: Rig, state_dir: Path) -> Rig:
    again = Rig(state_dir, rig.clock, PLENTY)
    again.source.held = rig.source.held
    return again


async def away(rig: Rig, seconds: float, error: ServiceError | None) -> None:
    """Let time pass without contact; without an error, without a step of the program."""
    if error is None:
        rig.clock.advance(seconds)
        return
    rig.source.error = error
    end = rig.clock.monotonic() + seconds
    while rig.clock.monotonic() < end:
        await rig.run(min(60.0, end - rig.clock.monotonic()))
        running = rig.row(2)
        assert running.read_at is not None
        age = (rig.clock.now() - running.read_at).total_seconds()
        assert running.is_live is (age < FRESH)
    rig.source.error = None
