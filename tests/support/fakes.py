"""Stand-ins shared by tests: a clock moved by hand, instances made to order, a scripted service."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wfinspect.clock import Moment
from wfinspect.errors import NotFound, ServiceError, Unreachable
from wfinspect.model import InstanceId, InstanceKey, Target, Transition, WorkflowInstance
from wfinspect.watching.api import Row

START = datetime(2026, 9, 18, 6, 30, tzinfo=UTC)
BINDING = Target("prod-ops", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at
        self._steady = 1000.0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._steady

    def moment(self) -> Moment:
        return Moment(self.monotonic(), self.now())

    def advance(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)
        self._steady += seconds

    def jump(self, seconds: float) -> None:
        """Move the wall clock only, as an administrator or NTP does."""
        self._at += timedelta(seconds=seconds)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def key(number: int, target: Target = BINDING) -> InstanceKey:
    return InstanceKey(target, InstanceId(number))


def instance(
    number: int = 10432987165, status: str = "Running", **fields: object
) -> WorkflowInstance:
    """An instance with the fields the service always fills."""
    values: dict[str, object] = {
        "name": f"dwd_table_{number}",
        "type": "Normal",
        "env_type": "Prod",
        "project_id": 88123,
        "biz_date": ms(datetime(2026, 9, 16, 16, tzinfo=UTC)),
        "create_time": ms(START - timedelta(hours=1)),
        "modify_time": ms(START),
    }
    return WorkflowInstance(id=InstanceId(number), status=status, **(values | fields))  # type: ignore[arg-type]


def listed(
    whose: InstanceKey,
    position: float,
    added_at: datetime | None = None,
    instance: WorkflowInstance | None = None,
    read_at: datetime | None = None,
    last_change: Transition | None = None,
    *,
    is_unseen: bool = False,
    is_gone: bool = False,
) -> Row:
    """A row of the watched list as the store holds it."""
    return Row(
        whose,
        instance,
        read_at,
        is_watched=True,
        is_unseen=is_unseen,
        is_gone=is_gone,
        last_change=last_change,
        position=position,
        added_at=added_at,
    )


class ScriptedSource:
    """A service made of a dict: instances to answer with, and errors to raise, next first."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock
        self.held: dict[int, WorkflowInstance] = {}
        self.errors: list[BaseException] = []
        """Raised by the next calls, one each."""
        self.error: ServiceError | None = None
        """Raised by every call."""
        self.list_error: ServiceError | None = None
        self.ignores_ids = False
        self.unlisted: set[int] = set()
        """IDs that Get finds and List does not."""
        self.hangs = False
        self.calls: list[tuple[str, tuple[int, ...]]] = []
        self.call_times: list[float] = []
        self.fingerprint = "one"
        self.credentials_error: ServiceError | None = None
        self.is_closed = False
        self._hung: list[asyncio.Future[None]] = []
        self.on_call: Callable[[], None] = lambda: None

    def hold(self, *instances: WorkflowInstance) -> None:
        self.held.update({each.id: each for each in instances})

    def connect(self, _: Target, on_call: Callable[[], None]) -> Awaitable["ScriptedSource"]:
        async def opened() -> ScriptedSource:
            self.on_call = on_call
            return self

        return opened()

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        await self._called("get", (instance_id,))
        if instance_id not in self.held:
            raise NotFound(f"no instance {instance_id}")
        # Each answer makes objects of its own.
        return copy(self.held[instance_id])

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        await self._called("list", tuple(ids))
        if self.list_error is not None:
            raise self.list_error
        wanted = self.held if self.ignores_ids else [i for i in ids if i in self.held]
        return tuple(
            copy(each)
            for each in (self.held[i] for i in wanted if i not in self.unlisted)
            if (each.project_id, each.biz_date, each.env_type) == (project_id, biz_date, env_type)
        )

    def let_in(self) -> None:
        """Answer what hangs, as things are now."""
        self.hangs = False
        for hung in self._hung:
            hung.set_result(None)
        self._hung.clear()

    def credentials_fingerprint(self) -> str:
        return self.fingerprint

    async def check_credentials(self) -> None:
        if self.credentials_error is not None:
            raise self.credentials_error

    async def aclose(self) -> None:
        self.is_closed = True
        for hung in self._hung:
            hung.set_exception(Unreachable("closed"))
        self._hung.clear()

    async def _called(self, name: str, ids: tuple[int, ...]) -> None:
        self.calls.append((name, ids))
        if self.clock is not None:
            self.call_times.append(self.clock.monotonic())
        self.on_call()
        if self.hangs:
            self._hung.append(asyncio.get_running_loop().create_future())
            await self._hung[-1]
        if self.errors:
            raise self.errors.pop(0)
        if self.error is not None:
            raise self.error


def change(
    number: int = 1, to: str = "Failure", was: str = "Running", name: str = "", **more: bool
) -> Transition:
    return Transition(
        key=InstanceKey(key(1).target, key(number).id),
        name=name or f"dwd_table_{number}",
        from_status=was,
        to_status=to,
        at=START,
        seen_after=START - timedelta(seconds=15),
        seen_by=START,
        **more,
    )


def seconds_to_pass(now: datetime) -> float:
    """Return how long to wait so that no day ends during a test, neither here nor in a region of one."""
    left = []
    for zone in ("UTC", "Asia/Shanghai", "America/Los_Angeles"):
        local = now.astimezone(ZoneInfo(zone))
        ends = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), local.tzinfo)
        left.append((ends.astimezone(UTC) - now).total_seconds())
    return max((each + 0.1 for each in left if each < _TEST_SECONDS), default=0.0)


_TEST_SECONDS = 60.0
