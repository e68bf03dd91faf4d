"""A round over 1,000 watched instances in 10 groups, over real HTTP on loopback: its calls and its CPU.

The clock of client, engine and simulator is moved by hand, so that rounds follow each other at
once; what is measured is the CPU of the one thread that signs, sends, decodes, compares and stores.
"""

import asyncio
import random
import statistics
import time
from pathlib import Path

from bench import Figures, scratch
from fakes import FakeClock

from wfinspect.dataworks import connector
from wfinspect.instance import Binding, InstanceId, InstanceKey
from wfinspect.simulator import Simulator
from wfinspect.watching.engine import Engine

WATCHED, GROUPS = 1000, 10
ROUNDS = 9
INTERVAL = 60.0


async def settle(engine: Engine, clock: FakeClock, awake: asyncio.Event, seconds: float) -> None:
    """Let the clock run for some seconds, waiting for each answer."""
    end = clock.monotonic() + seconds
    while True:
        awake.clear()
        next_in = engine.step()
        if engine.in_flight:
            await awake.wait()
            await asyncio.sleep(0)
        elif (left := end - clock.monotonic()) <= 0.0:
            return
        else:
            # A timer fires a little late, never early.
            clock.advance(min(left, (left if next_in is None else next_in) + 1e-3))


async def measure(simulator: Simulator, clock: FakeClock, state_dir: Path) -> tuple[float, float]:
    """The calls of a round, and the median of its CPU seconds."""
    binding = Binding("(env)", "cn-shanghai", simulator.url)
    awake = asyncio.Event()
    engine = Engine(
        state_dir,
        connector(simulator.environment(), state_dir, clock),
        clock,
        binding,
        interval_seconds=INTERVAL,
        budget=10_000_000,
        rng=random.Random(1),
        wake=awake.set,
    )
    watched = simulator.ids[-WATCHED:]
    engine.watch([InstanceKey(binding, InstanceId(number)) for number in watched])
    await settle(engine, clock, awake, INTERVAL)
    calls, seconds = [], []
    for _ in range(ROUNDS):
        before, used = simulator.calls.count(), time.thread_time()
        await settle(engine, clock, awake, INTERVAL)
        calls.append(simulator.calls.count() - before)
        # Jitter moves a call into the next round now and then.
        seconds.append((time.thread_time() - used) / max(1, calls[-1]) * GROUPS)
        if not all(row.is_live for row in engine.snapshot.rows):
            raise AssertionError("a row was not read")
    await engine.aclose()
    return max(calls), statistics.median(seconds)


def main() -> None:
    """Print the figures."""
    figures, clock = Figures(), FakeClock()
    with (
        scratch() as directory,
        Simulator(clock=clock, extra=WATCHED, epoch=clock.now()) as service,
    ):
        calls, seconds = asyncio.run(measure(service, clock, directory / "state"))
    figures.say(f"{WATCHED} watched in {GROUPS} groups, median of {ROUNDS} rounds")
    figures.hold("calls a round, at most", calls, most=GROUPS)
    figures.hold("CPU of a round", seconds, most=1.0, unit=" s")
    figures.end()


if __name__ == "__main__":
    main()
