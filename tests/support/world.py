"""A service in accelerated time, with everything that happens in it known: the truth to compare with.

Instances live through runs and reruns. Answers may be late, come from a replica that lags, or not
come at all. Moments are seconds since the world's start.
"""

import asyncio
import bisect
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from fakes import FakeClock, instance, key, ms

from wfinspect.errors import BadAnswer, ServiceTrouble, Throttled, Unreachable
from wfinspect.model import InstanceId, InstanceKey, Target, WorkflowInstance

LAG = 20.0
"""Seconds that a replica lags at most."""
LATE = 10.0
"""Seconds that an answer is late at most."""


@dataclass(frozen=True)
class Conditions:
    """What goes wrong; rates are parts of the calls."""

    stale: float = 0.0
    late: float = 0.0
    failing: float = 0.0
    outage: tuple[float, float] = (0.0, 0.0)
    latency: float = 0.0


@dataclass(frozen=True)
class End:
    """A run that was over, and for how long one could see that."""

    number: int
    started: int
    finished: int
    status: str
    at: float
    until: float


class History:
    """Everything that happens to one instance."""

    def __init__(
        self, rng: random.Random, number: int, seconds: float, pace: float, epoch: int
    ) -> None:
        """Live a life.

        Args:
            rng: its luck.
            number: its ID; what is above the last two digits is its group.
            seconds: how long it lives.
            pace: how many times slower than every few minutes its state changes.
            epoch: the world's start in milliseconds.
        """
        self.ends: list[End] = []
        self._times: list[float] = []
        self._states: list[WorkflowInstance] = []
        self._number, self._epoch = number, epoch
        # The first of a group runs on and on, so that its group is asked for at every interval.
        if number % 100 == 0:
            self._add(-60.0, "Running", -60.0, None)
            return
        now = rng.uniform(-300.0, 0.0) * pace
        while now < seconds:
            if rng.random() < 0.5:
                self._add(now, rng.choice(["NotRun", "WaitTime", "WaitResource"]), None, None)
                now += rng.expovariate(1 / 30) * pace + 0.01
            started = now
            self._add(now, "Running", started, None)
            now += rng.expovariate(1 / rng.choice([2, 40, 200])) * pace + 0.01
            if rng.random() < 0.2:
                self._add(now, "Checking", started, None)
                now += rng.expovariate(1 / 20) * pace + 0.01
            status, finished = rng.choice(["Success", "Success", "Failure"]), now
            self._add(now, status, started, finished)
            now += rng.expovariate(1 / 120) * pace + 0.01
            ms_of_run = self._ms(started), self._ms(finished)
            self.ends.append(End(number, *ms_of_run, status, finished, min(now, seconds)))

    def at(self, now: float) -> WorkflowInstance:
        return self._states[max(0, bisect.bisect_right(self._times, now) - 1)]

    def holds(self, found: WorkflowInstance, now: float) -> bool:
        """Whether this was the state at some time up to now."""
        return found in self._states[: bisect.bisect_right(self._times, now)]

    def has_order(self, statuses: Iterable[str]) -> bool:
        """Whether these came one after the other, each for every time that it is named."""
        came = iter([state.status for state in self._states])
        return all(status in came for status in statuses)

    def _add(self, at: float, status: str, started: float | None, finished: float | None) -> None:
        self._times.append(at)
        self._states.append(
            instance(
                self._number,
                status,
                project_id=self._number // 100,
                modify_time=self._ms(at),
                started_time=None if started is None else self._ms(started),
                finished_time=None if finished is None else self._ms(finished),
            )
        )

    def _ms(self, seconds: float) -> int:
        return self._epoch + round(seconds * 1000)


class World:
    """The service behind any number of engines on one clock."""

    def __init__(
        self,
        conditions: Conditions,
        clock: FakeClock,
        rng: random.Random,
        *,
        groups: int,
        members: int,
        seconds: float,
        pace: float = 1.0,
    ) -> None:
        self.conditions = conditions
        self.polls = self.calls = 0
        self.histories = {
            number: History(rng, number, seconds, pace, ms(clock.now()))
            for number in (g * 100 + m for g in range(1, groups + 1) for m in range(members))
        }
        self._clock = clock
        self._born = clock.monotonic()
        self._rng = rng
        self._order = itertools.count()
        self._late: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def now(self) -> float:
        return self._clock.monotonic() - self._born

    @property
    def keys(self) -> list[InstanceKey]:
        return [key(number) for number in self.histories]

    @property
    def next_arrival(self) -> float:
        """When the next late answer arrives."""
        return self._late[0][0] if self._late else float("inf")

    def deliver(self) -> None:
        """Let the answers arrive whose time has come."""
        while self.next_arrival <= self.now + 1e-6:
            arrival = heapq.heappop(self._late)[2]
            if not arrival.done():
                arrival.set_result(None)

    def lose_answers(self) -> None:
        """Let nothing arrive that is under way: whoever asked is no more."""
        self._late.clear()

    def connect(self, _: Target, on_call: Callable[[], None]) -> Awaitable["Line"]:
        async def opened() -> Line:
            return Line(self, on_call)

        return opened()

    def visible_seconds(self, end: End) -> float:
        """For how long an end could be read, outside of the outage and until the next probe."""
        down, up = self.conditions.outage
        asked_again = up + 20.0
        if end.until <= down or end.at >= asked_again or down == up:
            return end.until - end.at
        return max(down - end.at, end.until - asked_again)

    async def answer(self, ids: Sequence[int]) -> tuple[WorkflowInstance, ...]:
        self.calls += 1
        now, wrong, rng = self.now, self.conditions, self._rng
        if wrong.outage[0] <= now < wrong.outage[1]:
            raise Unreachable("no route")
        if rng.random() < wrong.failing:
            raise rng.choice(
                [
                    Unreachable("connection lost"),
                    ServiceTrouble("busy"),
                    BadAnswer("a login page"),
                    Throttled("slow down", retry_after_seconds=1.0),
                ]
            )
        seen_at = now - (rng.uniform(0.0, LAG) if rng.random() < wrong.stale else 0.0)
        found = tuple(self.histories[i].at(seen_at) for i in ids)
        delay = rng.uniform(0.1, LATE) if rng.random() < wrong.late else wrong.latency
        if delay:
            arrival = asyncio.get_running_loop().create_future()
            heapq.heappush(self._late, (now + delay, next(self._order), arrival))
            await arrival
        self.polls += len(found)
        return found


class Line:
    """One engine's connection to the world."""

    def __init__(self, world: World, on_call: Callable[[], None]) -> None:
        self._world = world
        self._on_call = on_call

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        self._on_call()
        return (await self._world.answer([instance_id]))[0]

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        del biz_date, env_type
        self._on_call()
        return await self._world.answer([i for i in ids if i // 100 == project_id])

    def credentials_fingerprint(self) -> str:
        return ""

    async def check_credentials(self) -> None:
        """Always there."""

    async def aclose(self) -> None:
        self._world.lose_answers()
