import random
from collections.abc import Awaitable, Callable, Sequence

import pytest
from fakes import BINDING, FakeClock, instance
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.clock import duration_seconds
from wfinspect.commands.once import (
    Outcomes,
    errors_of,
    is_worth_retrying,
    pause_seconds,
    read,
    say_errors,
    sentences,
    with_retries,
)
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ClockSkew,
    CredentialsMissing,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
    did_you_mean,
)
from wfinspect.model import InstanceId, InstanceKey, Target, TaskInstance, WorkflowInstance


class Service:
    """Instances by ID; what is asked is written down."""

    def __init__(self, *answers: WorkflowInstance, refuses_list: bool = False) -> None:
        self.answers = {answer.id: answer for answer in answers}
        self.errors: dict[int, ServiceError] = {}
        self.refuses_list = refuses_list
        self.asked: list[str] = []

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        self.asked.append(f"get {instance_id}")
        if instance_id in self.errors:
            raise self.errors[instance_id]
        if instance_id not in self.answers:
            raise NotFound(f"There is no {instance_id}.")
        return self.answers[instance_id]

    async def get_task_instance(self, task_id: int) -> TaskInstance:
        raise NotFound(f"There is no task {task_id}.")

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        self.asked.append(f"list {len(ids)}")
        if self.refuses_list:
            raise Refused("No permission for List.")
        group = (project_id, biz_date, env_type)
        answers = [self.answers[i] for i in ids if i in self.answers]
        return tuple(a for a in answers if (a.project_id, a.biz_date, a.env_type) == group)


async def once(
    attempt: Callable[[], Awaitable[WorkflowInstance]],
) -> WorkflowInstance:
    return await attempt()


def keys(*numbers: int) -> list[InstanceKey]:
    return [InstanceKey(BINDING, InstanceId(number)) for number in numbers]


def found(outcomes: Outcomes) -> set[int]:
    return {key.id for key, each in outcomes.items() if isinstance(each, WorkflowInstance)}


async def test_a_group_costs_two_calls_however_many_it_has() -> None:
    service = Service(*(instance(n) for n in range(1, 51)))

    outcomes = await read(service, keys(*range(1, 51)), once)

    assert len(found(outcomes)) == 50
    assert service.asked == ["get 1", "list 49"]
    assert say_errors(outcomes) == 0


async def test_what_list_does_not_know_is_asked_singly() -> None:
    service = Service(instance(1), instance(2, project_id=9), instance(3))

    outcomes = await read(service, keys(1, 2, 3, 4), once)

    assert found(outcomes) == {1, 2, 3}
    assert service.asked == ["get 1", "list 3", "get 2", "get 4"]
    assert say_errors(outcomes) == 5


async def test_where_list_is_refused_all_are_asked_singly() -> None:
    service = Service(instance(1), instance(2), instance(3), refuses_list=True)

    outcomes = await read(service, keys(1, 2, 3), once)

    assert found(outcomes) == {1, 2, 3}
    assert service.asked == ["get 1", "list 2", "get 2", "get 3"]


async def test_a_refused_key_ends_the_reading_for_all() -> None:
    service = Service(instance(1), instance(3))
    service.errors[2] = Refused("The key is inactive.")

    outcomes = await read(service, keys(2, 1, 3), once)

    assert {key.id for key in errors_of(outcomes)} == {1, 2, 3}
    assert service.asked == ["get 2"]
    assert say_errors(outcomes) == 4


async def test_the_gravest_of_mixed_troubles_decides_and_the_rest_is_read() -> None:
    service = Service(instance(1))
    service.errors[2] = ServiceTrouble("The service is in trouble.")

    outcomes = await read(service, keys(2, 7, 1), once)

    assert found(outcomes) == {1}
    assert say_errors(outcomes) == 5


WORTH = [Unreachable("x"), ServiceTrouble("x"), Throttled("x")]
POINTLESS = [
    Unreachable("x", is_permanent=True),
    DailyLimit("x"),
    NotFound("x"),
    Refused("x"),
    ClockSkew("x"),
    CredentialsMissing("x"),
    BadAnswer("x"),
    BadRequest("x"),
]


class Script:
    """Outcomes of attempts in turn, and the pauses taken between them on a clock of its own."""

    def __init__(self, *outcomes: ServiceError | str, takes: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self.attempts = 0
        self._takes = takes

    async def attempt(self) -> str:
        self.attempts += 1
        self.clock.advance(self._takes)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)

    def run(self) -> Awaitable[str]:
        attempt: Callable[[], Awaitable[str]] = self.attempt
        return with_retries(attempt, clock=self.clock, sleep=self.sleep, rng=random.Random(7))


async def test_a_success_is_not_repeated() -> None:
    script = Script("done")

    assert await script.run() == "done"
    assert (script.attempts, script.pauses) == (1, [])


@pytest.mark.parametrize("error", WORTH, ids=lambda e: type(e).__name__)
async def test_what_passes_by_itself_is_tried_three_times(error: ServiceError) -> None:
    script = Script(error, error, "done")

    assert await script.run() == "done"
    assert script.attempts == 3


async def test_the_last_error_is_the_one_told() -> None:
    script = Script(Unreachable("a"), ServiceTrouble("b"), Throttled("c"))

    with pytest.raises(Throttled, match="c"):
        await script.run()

    assert (script.attempts, len(script.pauses)) == (3, 2)


@pytest.mark.parametrize("error", POINTLESS, ids=lambda e: type(e).__name__)
async def test_what_does_not_pass_by_itself_is_told_at_once(error: ServiceError) -> None:
    script = Script(error, "done")

    with pytest.raises(type(error)):
        await script.run()

    assert (script.attempts, script.pauses) == (1, [])
    assert not is_worth_retrying(error)


async def test_the_service_decides_how_long_to_wait_at_least() -> None:
    script = Script(Throttled("x", retry_after_seconds=12.0), "done")

    await script.run()

    assert script.pauses == [12.0]


async def test_a_wait_beyond_the_whole_time_is_not_begun() -> None:
    script = Script(Throttled("x", retry_after_seconds=31.0), "done")

    with pytest.raises(Throttled):
        await script.run()

    assert (script.attempts, script.pauses) == (1, [])


async def test_slow_attempts_use_up_the_whole_time() -> None:
    script = Script(Unreachable("x"), Unreachable("x"), "done", takes=20.0)

    with pytest.raises(Unreachable):
        await script.run()

    assert script.attempts == 2


@given(st.integers(1, 40), st.integers(0, 1000), st.sampled_from(WORTH))
def test_pauses_are_spread_over_a_growing_span_with_a_cap(
    number: int, seed: int, error: ServiceError
) -> None:
    base = 1.0 if isinstance(error, Throttled) else 0.5

    pause = pause_seconds(error, number, random.Random(seed))

    assert 0 <= pause <= min(20.0, base * 2 ** (number - 1))


def test_rows_without_keys_are_named_with_their_profile() -> None:
    prod = Target("prod", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")
    error = CredentialsMissing("No credentials were found: set them.")
    of_two = {InstanceKey(prod, InstanceId(n)): error for n in (7, 8)}
    of_four = {InstanceKey(prod, InstanceId(n)): error for n in range(4)}

    assert sentences(of_two) == [str(error)]
    assert sentences(of_two, is_of_list=True) == [f"7, 8 of profile prod: {error}"]
    assert sentences(of_four, is_of_list=True) == [f"4 instances of profile prod: {error}"]


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("--quiet", ("--budget", "--file", "--color", "--log-level"), ""),
        ("foo", ("follow", "find"), ""),
        ("staus", ("status", "history"), "status"),
        ("rm", ("remove", "note"), "remove"),
        ("histroy", ("history", "list"), "history"),
        ("failed", ("Failure", "Success"), "Failure"),
        ("cmp", ("compare", "status"), "compare"),
        ("name", ("TaskId", "TaskName"), "TaskName"),
        ("zone", ("--interval", "--time-zone"), "--time-zone"),
    ],
)
def test_only_what_is_near_is_suggested(word: str, known: tuple[str, ...], near: str) -> None:
    assert did_you_mean(word, known, "") == (f"did you mean {near}?" if near else "")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5h", 5400),
        ("5min", 300),
        ("2 hours", 7200),
        ("30sec", 30),
        ("1 day", 86_400),
        ("10secs", 10),
        ("1h30m", 5400),
        ("1m30s", 90),
        ("1h07m", 4020),
        ("3d04h", 273_600),
    ],
)
def test_a_duration_is_read_as_tables_print_it(text: str, seconds: float) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "m", "1m1h", "5mo", "1 dayz", "5 min 3", "1h 30m", "1h30", "1.5h30m", "-1h"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_seconds(text)
