"""The watch against a service that does anything in any order: what it tells is what happened, once.

Hypothesis draws the steps: states change, calls fail, answers come late or from a replica that
lags, the wall clock is set, the program is killed and begins again.
"""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from drive import Drive, engine_of
from fakes import BINDING, FakeClock, instance, key, ms
from fuzz import tried
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wfinspect.errors import (
    BadAnswer,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
)
from wfinspect.model import InstanceId, Transition, WorkflowInstance
from wfinspect.watching.api import Snapshot

NUMBERS = (1, 2, 3)
INTERVAL = 15.0
LAG = 20.0
STATUSES = ("Running", "WaitTime", "Success", "Failure", "Odd")
CALM = 900.0
"""Seconds after which everything is known again, whatever came before: an account that was refused is
tried every minute, and a row that was settled is read every ten."""
ERRORS: tuple[ServiceError, ...] = (
    Unreachable("connection lost"),
    ServiceTrouble("busy"),
    BadAnswer("a login page"),
    Throttled("slow down", retry_after_seconds=3.0),
    Refused("not allowed"),
    NotFound("no instance"),
)


class Service:
    """Three instances with all the states they ever had, and what the next calls meet."""

    def __init__(self, clock: "SetClock") -> None:
        self.clock = clock
        self.errors: list[ServiceError] = []
        self.lag = 0.0
        self.is_late = False
        self.late: list[asyncio.Future[None]] = []
        self.past = {number: [(float("-inf"), self._state(number, "NotRun"))] for number in NUMBERS}
        self.sent: list[WorkflowInstance] = []

    def change(self, number: int, status: str) -> None:
        """Let an instance be in another state from now on."""
        before = self.past[number][-1][1]
        now = ms(self.clock.now_truly())
        started = before.started_time
        if status == "Running" and (started is None or before.is_settled):
            started = now
        finished = now if status in {"Success", "Failure"} else None
        state = self._state(number, status, started_time=started, finished_time=finished)
        self.past[number].append((self.clock.monotonic(), state))

    def let_in(self) -> None:
        """Deliver what is late."""
        late, self.late = self.late, []
        for answer in late:
            if not answer.done():
                answer.set_result(None)

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        return (await self._answer([instance_id]))[0]

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        del project_id, biz_date, env_type
        return await self._answer(ids)

    def credentials_fingerprint(self) -> str:
        return ""

    async def check_credentials(self) -> None:
        """Always there."""

    async def aclose(self) -> None:
        self.let_in()

    async def _answer(self, ids: Sequence[InstanceId]) -> tuple[WorkflowInstance, ...]:
        if self.errors:
            # Raised again and again, one would hold all the frames it ever came through.
            raise self.errors.pop().with_traceback(None)
        seen_at = self.clock.monotonic() - self.lag
        found = tuple(self._at(number, seen_at) for number in ids)
        if self.is_late:
            arrival = asyncio.get_running_loop().create_future()
            self.late.append(arrival)
            await arrival
        return found

    def _at(self, number: int, moment: float) -> WorkflowInstance:
        return next(state for at, state in reversed(self.past[number]) if at <= moment)

    def _state(self, number: int, status: str, **fields: object) -> WorkflowInstance:
        changed = ms(self.clock.now_truly())
        return instance(number, status, modify_time=changed, **fields)


class SetClock(FakeClock):
    """A clock of which only the machine's own, not the service's, is ever set."""

    offset = 0.0

    def set_by(self, seconds: float) -> None:
        self.jump(seconds)
        self.offset += seconds

    def now_truly(self) -> datetime:
        """The service's time."""
        return self.now() - timedelta(seconds=self.offset)


class WatchMachine(RuleBasedStateMachine):
    """The service does something, then time passes."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
        self._directory = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
        self._runner = asyncio.Runner()
        self.rng = random.Random(1)
        self.clock = SetClock()
        self.service = Service(self.clock)
        self.told: list[Transition] = []
        self.drive = self._begun()
        self.drive.engine.watch([key(number) for number in NUMBERS])
        self._run(30.0)

    def teardown(self) -> None:
        self.calm_down()
        self._runner.run(self.drive.engine.aclose())
        self._runner.close()
        shutil.rmtree(self._directory)

    @rule(
        changes=st.lists(
            st.tuples(st.sampled_from(NUMBERS), st.sampled_from(STATUSES)), max_size=3
        ),
        lag=st.sampled_from([0.0, 5.0, LAG]),
        is_late=st.booleans(),
        errors=st.lists(st.sampled_from(ERRORS), max_size=2),
        before=st.sampled_from(["", "", "", "kill", "set the clock", "calm"]),
        seconds=st.sampled_from([1.0, INTERVAL + 2.0, 40.0]),
    )
    def happen(
        self,
        changes: list[tuple[int, str]],
        lag: float,
        is_late: bool,
        errors: list[ServiceError],
        before: str,
        seconds: float,
    ) -> None:
        service = self.service
        if before == "kill":
            # Nothing is closed, and what was under way is never answered.
            service.late.clear()
            self.drive = self._begun()
        elif before == "set the clock":
            self.clock.set_by(self.rng.uniform(-7200.0, 7200.0))
        elif before == "calm":
            self.calm_down()
        service.let_in()
        for number, status in changes:
            if service.past[number][-1][1].status != status:
                service.change(number, status)
        service.lag, service.is_late, service.errors = lag, is_late, list(errors)
        self._run(seconds)
        service.lag, service.is_late = 0.0, False

    def calm_down(self) -> None:
        """Let all be well for long enough; then the present is shown as it is."""
        self.service.errors.clear()
        self.service.let_in()
        for row in self._snapshot.rows:
            if row.is_gone:  # and asked for every hour by itself
                self.drive.engine.refresh(row.key)
        self._run(CALM)
        shown = {row.key.id: row for row in self._snapshot.rows}
        for number in NUMBERS:
            truth = self.service.past[number][-1][1]
            assert shown[number].instance == truth
            assert shown[number].is_live
            if told := self._of(number):
                assert told[0].to_status == truth.status

    @invariant()
    def nothing_is_invented_told_twice_or_backward(self) -> None:
        for number, past in self.service.past.items():
            states = [state for _, state in past]
            row = self._snapshot.rows.get(key(number))
            assert row is not None
            assert row.instance is None or row.instance in states
            happened = iter([state.status for state in states])
            told = [change.to_status for change in reversed(self._of(number))]
            assert all(status in happened for status in told), "not in the order of the states"

    def _of(self, number: int) -> list[Transition]:
        return [t for t in self._snapshot.transitions if t.key == key(number)]

    @property
    def _snapshot(self) -> Snapshot:
        return self.drive.engine.snapshot

    def _begun(self) -> Drive:
        async def opened() -> Service:
            return self.service

        engine = engine_of(
            Path(self._directory) / "state",
            lambda _target, _on_call: opened(),
            self.clock,
            BINDING,
            interval=INTERVAL,
            budget=10_000_000,
            rng=self.rng,
        )
        return Drive(engine, self.clock)

    def _run(self, seconds: float) -> None:
        self._runner.run(self.drive.run(seconds))


TestWatch = WatchMachine.TestCase
TestWatch.settings = tried(3, 1_000, steps=50)
