"""Stand-ins shared by tests: a clock moved by hand, and instances made to order."""

from datetime import UTC, datetime, timedelta

from wfinspect.instance import Binding, InstanceId, InstanceKey, WorkflowInstance

START = datetime(2026, 9, 18, 6, 30, tzinfo=UTC)
BINDING = Binding("prod-ops", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at
        self._steady = 1000.0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._steady

    def advance(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)
        self._steady += seconds

    def jump(self, seconds: float) -> None:
        """Move the wall clock only, as an administrator or NTP does."""
        self._at += timedelta(seconds=seconds)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def key(number: int, binding: Binding = BINDING) -> InstanceKey:
    return InstanceKey(binding, InstanceId(number))


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
