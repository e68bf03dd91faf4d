from collections.abc import Awaitable, Callable, Sequence

from fakes import BINDING, instance

from wfinspect.commands.once import read
from wfinspect.errors import NotFound, Refused, ServiceError, ServiceTrouble
from wfinspect.model import InstanceId, WorkflowInstance


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


def ids(*numbers: int) -> list[InstanceId]:
    return [InstanceId(number) for number in numbers]


async def test_a_group_costs_two_calls_however_many_it_has() -> None:
    service = Service(*(instance(n) for n in range(1, 51)))

    reading = await read(service, BINDING, ids(*range(1, 51)), once)

    assert len(reading.found) == 50
    assert service.asked == ["get 1", "list 49"]
    assert reading.exit_code == 0


async def test_what_list_does_not_know_is_asked_singly() -> None:
    service = Service(instance(1), instance(2, project_id=9), instance(3))

    reading = await read(service, BINDING, ids(1, 2, 3, 4), once)

    assert set(reading.found) == {1, 2, 3}
    assert service.asked == ["get 1", "list 3", "get 2", "get 4"]
    assert reading.exit_code == 5


async def test_where_list_is_refused_all_are_asked_singly() -> None:
    service = Service(instance(1), instance(2), instance(3), refuses_list=True)

    reading = await read(service, BINDING, ids(1, 2, 3), once)

    assert set(reading.found) == {1, 2, 3}
    assert service.asked == ["get 1", "list 2", "get 2", "get 3"]


async def test_a_refused_key_ends_the_reading_for_all() -> None:
    service = Service(instance(1), instance(3))
    service.errors[2] = Refused("The key is inactive.")

    reading = await read(service, BINDING, ids(2, 1, 3), once)

    assert set(reading.errors) == {1, 2, 3}
    assert service.asked == ["get 2"]
    assert reading.exit_code == 4


async def test_the_gravest_of_mixed_troubles_decides_and_the_rest_is_read() -> None:
    service = Service(instance(1))
    service.errors[2] = ServiceTrouble("The service is in trouble.")

    reading = await read(service, BINDING, ids(2, 7, 1), once)

    assert set(reading.found) == {1}
    assert reading.exit_code == 5
