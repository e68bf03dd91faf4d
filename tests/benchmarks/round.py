"""A round over 1,000 watched instances in 10 groups, over real HTTP on loopback: its calls and its CPU.

The clock of client, engine and simulator is moved by hand, so that rounds follow each other at
once; what is measured is the CPU of the one thread that signs, sends, decodes, compares and stores.
"""

import asyncio
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from bench import Figures, main, scratch
from drive import engine_of
from fakes import FakeClock

from wfinspect.dataworks import connector
from wfinspect.dataworks.endpoints import endpoint_of
from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.simulator import Simulator

WATCHED, GROUPS = 1000, 10
ROUNDS = 9


class Watch:
    """An engine that watches instances of a simulator, both on one clock that is moved by hand."""

    def __init__(
        self,
        simulator: Simulator,
        clock: FakeClock,
        state_dir: Path,
        environ: Mapping[str, str],
        interval: float,
    ) -> None:
        self.clock = clock
        self._target = Target("(env)", "cn-shanghai", endpoint_of("", simulator.url))
        self._awake = asyncio.Event()
        self.engine = engine_of(
            state_dir,
            connector(simulator.environment() | environ, state_dir, clock),
            clock,
            self._target,
            interval=interval,
            budget=10_000_000,
        )
        self.engine.on_answer(self._awake.set)

    def watch(self, ids: tuple[int, ...]) -> None:
        self.engine.watch([InstanceKey(self._target, InstanceId(number)) for number in ids])

    @property
    def _waiting(self) -> int:
        """Calls that wait for their turn, which only the clock brings, or behind such a one."""
        lookups = self.engine._lookups
        behind = sum(len(lock._waiters or ()) for lock in lookups._looking_back.values())
        return len(lookups._waiting) + behind

    async def run(self, seconds: float) -> None:
        """Let the clock run for some seconds, waiting for each answer."""
        end = self.clock.monotonic() + seconds
        while True:
            self._awake.clear()
            next_in = self.engine.step()
            if self.engine.in_flight > self._waiting:
                await self._awake.wait()
                await asyncio.sleep(0)
            elif (left := end - self.clock.monotonic()) <= 0.0:
                return
            else:
                # A timer fires a little late, never early.
                self.clock.advance(min(left, (left if next_in is None else next_in) + 1e-3))


class Rounds:
    """The rounds of a watch over the last 1,000 instances of a simulator that all have one cadence."""

    INTERVAL = 60.0

    def __init__(
        self, simulator: Simulator, clock: FakeClock, state_dir: Path, environ: Mapping[str, str]
    ) -> None:
        self._simulator = simulator
        self._watch = Watch(simulator, clock, state_dir, environ, self.INTERVAL)
        self.calls = 0
        """The most polls that one round took."""

    async def place(self) -> None:
        """Begin to watch, until it is known who shares a call with whom."""
        self._watch.watch(self._simulator.ids[-WATCHED:])
        await self._watch.run(self.INTERVAL)

    async def one(self) -> float:
        """The CPU seconds of one round."""
        self._simulator.calls.clear()
        used = time.thread_time()
        await self._watch.run(self.INTERVAL)
        # What is usual of a workflow is asked for beside the polls, by its dates and not by IDs.
        calls = sum("Ids" in call.parameters for call in self._simulator.calls.latest)
        self.calls = max(self.calls, calls)
        if not all(row.is_live for row in self._watch.engine.snapshot.rows):
            raise AssertionError("a row was not read")
        # Jitter moves a call into the next round now and then.
        return (time.thread_time() - used) / max(1, calls) * GROUPS

    async def aclose(self) -> None:
        await self._watch.engine.aclose()


async def measure(rounds: Rounds) -> tuple[int, float]:
    """The calls of a round, and the median of its CPU seconds."""
    await rounds.place()
    seconds = [await rounds.one() for _ in range(ROUNDS)]
    await rounds.aclose()
    return rounds.calls, statistics.median(seconds)


def tell(figures: Figures) -> None:
    """Measure and print."""
    clock = FakeClock()
    with (
        scratch() as directory,
        Simulator(clock=clock, extra=WATCHED, epoch=clock.now()) as service,
    ):
        rounds = Rounds(service, clock, directory / "state", {})
        calls, seconds = asyncio.run(measure(rounds))
    what = f"{WATCHED:,} watched in {GROUPS} groups"
    figures.hold(f"{what}: calls a round", calls, most=GROUPS)
    figures.hold(f"{what}: CPU of a round, median of {ROUNDS}", seconds, most=1.0, unit=" s")


if __name__ == "__main__":
    main(tell)
