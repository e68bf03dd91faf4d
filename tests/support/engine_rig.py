"""An engine on a clock moved by hand, with services and messengers that keep what they were sent."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drive import Drive, engine_of
from fakes import BINDING, FakeClock, ScriptedSource, instance, key, ms

from wfinspect.model import (
    Dependency,
    Direction,
    OperationLog,
    Page,
    Query,
    Target,
    TaskInstance,
    WorkflowInstance,
)
from wfinspect.settings import DATABASE
from wfinspect.watching.api import (
    Connect,
    InstanceSource,
    Outcome,
    Row,
    Snapshot,
)
from wfinspect.watching.lookups import DATES
from wfinspect.watching.notifications import Alerts, Announcement

OTHER = Target("other", "cn-beijing", "dataworks.cn-beijing.aliyuncs.com")


class Rig(Drive):
    """An engine, its clock and its services, moved on by hand."""

    def __init__(
        self,
        state_dir: Path,
        clock: FakeClock | None = None,
        budget: int = 3000,
        alerts: Alerts | None = None,
    ) -> None:
        clock = clock or FakeClock()
        self.source = ScriptedSource(clock)
        self.opens: Connect | None = None
        """What opens a service instead of the usual."""
        self.sources = {BINDING: self.source, OTHER: ScriptedSource(clock)}
        engine = engine_of(
            state_dir,
            self.connect,
            clock,
            BINDING,
            budget=budget,
            alerts=alerts,
        )
        super().__init__(engine, clock)

    def connect(self, target: Target, on_call: Callable[[], None]) -> Awaitable[InstanceSource]:
        if self.opens is not None:
            return self.opens(target, on_call)
        return self.sources[target].connect(target, on_call)

    @property
    def snapshot(self) -> Snapshot:
        return self.engine.snapshot

    def row(self, number: int = 1) -> Row:
        found = self.snapshot.rows.get(key(number))
        assert found is not None
        return found

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.snapshot.notices]


async def watching(rig: Rig, *numbers: int, status: str = "Running") -> None:
    rig.source.hold(*(instance(n, status) for n in numbers))
    rig.engine.watch([key(n) for n in numbers])
    await rig.run(2.0)


def becomes(rig: Rig, number: int, status: str, **fields: object) -> None:
    now = ms(rig.clock.now())
    rig.source.hold(instance(number, status, modify_time=now, **fields))


def put_in_the_way(state_dir: Path) -> None:
    """Make a state directory unusable; as root, permissions would not."""
    if state_dir.exists():
        (state_dir / DATABASE).unlink()
        state_dir.rmdir()
    state_dir.write_text("")


def move(source: Path, target: Path) -> None:
    source.rename(target)


def take_away(state_dir: Path) -> None:
    state_dir.unlink()


class FakeMessenger:
    """Keeps what it is to tell."""

    def __init__(self) -> None:
        self.has_command = True
        self.sent: list[Announcement] = []
        self.trouble = ""
        self.is_closed = False

    def send(self, message: Announcement) -> None:
        self.sent.append(message)

    def take_trouble(self) -> str:
        trouble, self.trouble = self.trouble, ""
        return trouble

    def close(self) -> None:
        self.is_closed = True


class TaskSource(ScriptedSource):
    """A service with tasks, logs and earlier runs."""

    pages: tuple[tuple[TaskInstance, ...], ...] = ((),)
    past: dict[int, tuple[WorkflowInstance, ...]] = {}  # noqa: RUF012 - replaced, never changed
    neighbours: dict[tuple[int, Direction], tuple[tuple[Dependency, ...], ...]] = {}  # noqa: RUF012
    """Pages of them."""
    operations: tuple[OperationLog, ...] = ()

    async def find_workflow_instances(
        self, query: Query, *, page: int = 1
    ) -> Page[WorkflowInstance]:
        await self._called("find", (query.biz_date, page))
        return Page(self.past.get(query.biz_date, ()), page, None, is_last=True)

    async def list_task_instances(
        self, instance: WorkflowInstance, *, page: int = 1, task_id: int | None = None
    ) -> Page[TaskInstance]:
        await self._called("tasks", (instance.id, page, *([task_id] if task_id else [])))
        total = sum(map(len, self.pages))
        return Page(self.pages[page - 1], page, total, is_last=page == len(self.pages))

    async def get_task_instance(self, task_id: int) -> TaskInstance:
        await self._called("task", (task_id,))
        return TaskInstance(task_id)

    async def get_task_instance_log(self, task_id: int, run_number: int | None = None) -> str:
        await self._called("log", (task_id, run_number or 0))
        return f"log of run {run_number}"

    async def list_dependencies(
        self, task_id: int, direction: Direction, *, page: int = 1
    ) -> Page[Dependency]:
        await self._called(direction.value.lower(), (task_id, page))
        found = self.neighbours.get((task_id, direction), ((),))
        return Page(found[page - 1], page, None, is_last=page == len(found))

    async def list_operation_logs(
        self, task_id: int, day_ms: int | None = None, *, page: int = 1
    ) -> Page[OperationLog]:
        await self._called("operations", (task_id, day_ms or 0, page))
        return Page(self.operations, page, None, is_last=True)


class Asker(Rig):
    """A rig whose services answer requests, and what they answered."""

    def __init__(
        self,
        state_dir: Path,
        clock: FakeClock | None = None,
        alerts: Alerts | None = None,
        budget: int = 3000,
    ) -> None:
        super().__init__(state_dir, clock, budget, alerts)
        self.source = TaskSource(self.clock)
        self.sources = {BINDING: self.source, OTHER: TaskSource(self.clock)}
        self.heard: list[Outcome] = []

    @property
    def _waiting(self) -> int:
        return len(self.engine._lookups._waiting)

    async def turn(self) -> float | None:
        """Steps as often as somebody asks for one."""
        while True:
            before = len(self.source.calls), len(self.heard), self._waiting
            next_in = await super().turn()
            now = len(self.source.calls), len(self.heard), self._waiting
            if before == now:
                return next_in

    async def ask(self, request: object) -> Outcome:
        """What comes of a request that is answered without time passing."""
        self.engine.submit(request, self.heard.append)
        await self.turn()
        return self.heard[-1]

    def called(self, name: str) -> list[tuple[int, ...]]:
        return [numbers for what, numbers in self.source.calls if what == name]


def dates() -> list[int]:
    day = timedelta(days=1)
    latest = datetime(2026, 9, 16, 16, tzinfo=UTC)
    return [ms(latest - back * day) for back in range(1, DATES + 1)]
