"""The official Python SDK, unchanged, as a second client of the simulator.

It takes a second to import (1,900 modules), so no other module of the tests does.
"""

import asyncio
from collections.abc import Iterator

import pytest
from alibabacloud_dataworks_public20240518 import models
from alibabacloud_dataworks_public20240518.client import Client
from alibabacloud_tea_openapi import exceptions
from alibabacloud_tea_openapi.models import Config

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.http import AccessKey
from wfinspect.simulator.server import TEMPORARY_KEY

# The SDK asks for the time in a way that Python 3.12 and later warn of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


def client(simulator: Simulator, key: AccessKey | None = None) -> Client:
    config = Config(
        access_key_id=key.id if key else simulator.access_key_id,
        access_key_secret=key.secret if key else simulator.access_key_secret,
        security_token=key.security_token or None if key else None,
        endpoint=simulator.url.removeprefix("http://"),
        protocol="http",
    )
    return Client(config)


def get(
    simulator: Simulator, instance_id: int = DEMO_IDS[1], key: AccessKey | None = None
) -> object:
    request = models.GetWorkflowInstanceRequest(id=instance_id)
    return client(simulator, key).get_workflow_instance(request).body.workflow_instance


def test_it_gets_an_instance_with_every_field_it_knows(simulator: Simulator) -> None:
    found = get(simulator, DEMO_IDS[3])
    assert found.id == DEMO_IDS[3]
    assert found.status == "Success"
    assert [(t.key, t.value) for t in found.tags] == [("team", "growth")]
    assert None not in found.to_map().values()
    assert len(found.to_map()) == 19


def test_it_lists_by_ids_tags_and_filter(simulator: Simulator) -> None:
    known = get(simulator)
    request = models.ListWorkflowInstancesRequest(
        project_id=known.project_id,
        biz_date=known.biz_date,
        env_type=known.env_type,
        ids=list(DEMO_IDS),
        tags=["team:trade", "\u56e2\u961f:\u4f1a\u5458"],
        filter='{"status": "Running"}',
        name="trade_order",
        page_size=100,
    )
    paging = client(simulator).list_workflow_instances(request).body.paging_info
    assert paging.total_count == 1
    assert [i.to_map() for i in paging.workflow_instances] == [known.to_map()]


def test_a_name_with_blanks_and_plus_signs_is_signed_alike(simulator: Simulator) -> None:
    known = get(simulator)
    request = models.ListWorkflowInstancesRequest(
        project_id=known.project_id, biz_date=known.biz_date, name="a b+c*d~\u65e5\u62a5/&="
    )
    assert client(simulator).list_workflow_instances(request).body.paging_info.total_count == 0


def test_it_gets_an_instance_with_a_temporary_key(simulator: Simulator) -> None:
    assert get(simulator, key=TEMPORARY_KEY).id == DEMO_IDS[1]


def tasks_of(simulator: Simulator, **filters: object) -> list:
    known = get(simulator)
    request = models.ListTaskInstancesRequest(
        project_id=known.project_id,
        bizdate=known.biz_date,
        project_env=known.env_type,
        **{"workflow_instance_id": DEMO_IDS[3], "page_size": 500, **filters},
    )
    paging = client(simulator).list_task_instances(request).body.paging_info
    assert paging.total_count == len(paging.task_instances)
    return paging.task_instances


def known_fields(model: object) -> set[str]:
    """The fields a model of the SDK has, as they are written on the wire."""
    return {name.title().replace("_", "") for name in vars(model) if not name.startswith("_")}


def test_it_lists_tasks_with_every_field_it_knows(simulator: Simulator) -> None:
    found = next(t for t in tasks_of(simulator) if t.task_type == "ODPS_SQL")
    assert set(found.to_map()) == known_fields(found)
    assert tasks_of(simulator, id=found.id)[0].to_map() == found.to_map()


def test_it_gets_a_task_with_every_field_it_knows(simulator: Simulator) -> None:
    item = next(t for t in tasks_of(simulator) if t.task_name == "publish_result")
    request = models.GetTaskInstanceRequest(id=item.id)
    task = client(simulator).get_task_instance(request).body.task_instance
    assert set(task.to_map()) == known_fields(task)
    assert task.script.parameters == item.script_parameters
    assert task.outputs.task_outputs[0].output.endswith("publish_result")


def test_it_gets_the_logs_of_a_tasks_runs(simulator: Simulator) -> None:
    (task,) = [t for t in tasks_of(simulator) if t.run_number == 2]
    latest, past = tasks_of(simulator, id=task.id)
    assert (past.status, latest.status) == ("Failure", "Success")
    request = models.GetTaskInstanceLogRequest(id=task.id, run_number=1)
    assert "FAILED" in client(simulator).get_task_instance_log(request).body.task_instance_log
    request = models.GetTaskInstanceLogRequest(id=task.id)
    assert "FINISH" in client(simulator).get_task_instance_log(request).body.task_instance_log


def test_it_lists_what_a_task_waits_for_with_every_field_it_knows(simulator: Simulator) -> None:
    task = next(t for t in tasks_of(simulator) if "publish" in t.task_name)
    request = models.ListUpstreamTaskInstancesRequest(id=task.id, page_size=100)
    paging = client(simulator).list_upstream_task_instances(request).body.paging_info
    assert paging.total_count == len(paging.upstream_task_instances) > 0
    assert {each.dependency_type for each in paging.upstream_task_instances} == {"Normal"}
    found = paging.upstream_task_instances[0].task_instance
    # Not every type of task has a source of data.
    assert known_fields(found) - set(found.to_map()) <= {"DataSource"}
    assert [t.step_type for t in paging.task_instances] == ["Normal"] * paging.total_count


def test_it_lists_what_waits_for_a_task_over_pages(simulator: Simulator) -> None:
    found = tasks_of(simulator, workflow_instance_id=10432980002)
    last = next(task for task in found if task.task_name == "publish_result")
    found = []
    for number in (1, 2):
        request = models.ListDownstreamTaskInstancesRequest(
            id=last.id, page_number=number, page_size=100
        )
        paging = client(simulator).list_downstream_task_instances(request).body.paging_info
        found += [each.task_instance for each in paging.downstream_task_instances]
    assert len({t.id for t in found}) == paging.total_count > 100
    assert len({t.project_id for t in found}) > 1


def test_it_lists_who_reran_a_task(simulator: Simulator) -> None:
    (task,) = [t for t in tasks_of(simulator) if t.run_number == 2]
    # It waits for resources from the rerun on.
    request = models.ListTaskInstanceOperationLogsRequest(
        id=task.id, date=task.waiting_resource_time
    )
    paging = client(simulator).list_task_instance_operation_logs(request).body.paging_info
    (found,) = paging.operation_logs
    assert None not in found.to_map().values()
    assert set(found.to_map()) == known_fields(found)
    assert (found.operation_content, found.user) == (task.operation_type, task.modify_user)


def test_it_lists_earlier_runs_of_a_workflow(simulator: Simulator) -> None:
    known = get(simulator, DEMO_IDS[0])
    request = models.ListWorkflowInstancesRequest(
        project_id=known.project_id,
        biz_date=known.biz_date - 7 * 86_400_000,
        workflow_id=known.workflow_id,
    )
    paging = client(simulator).list_workflow_instances(request).body.paging_info
    assert [i.name for i in paging.workflow_instances] == [known.name]


def test_an_unknown_task_raises_its_own_exception(simulator: Simulator) -> None:
    request = models.GetTaskInstanceLogRequest(id=77)
    with pytest.raises(exceptions.ClientException) as raised:
        client(simulator).get_task_instance_log(request)
    assert (raised.value.status_code, raised.value.code) == (404, "InstanceNotFound")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (AccessKey("LTAI5tNobody", "x"), "InvalidAccessKeyId.NotFound"),
        (AccessKey("LTAI5tSimulatorAccessKey", "wrong"), "SignatureDoesNotMatch"),
        (AccessKey(TEMPORARY_KEY.id, TEMPORARY_KEY.secret, "other"), "InvalidSecurityToken."),
    ],
)
def test_a_wrong_key_raises_its_own_exception(
    simulator: Simulator, key: AccessKey, code: str
) -> None:
    with pytest.raises(exceptions.ClientException, match=code) as raised:
        get(simulator, key=key)
    assert raised.value.request_id


def test_an_unknown_instance_raises_its_own_exception(simulator: Simulator) -> None:
    with pytest.raises(exceptions.ClientException) as raised:
        get(simulator, 77)
    assert (raised.value.status_code, raised.value.code) == (404, "InstanceNotFound")


def test_throttling_raises_its_own_exception_with_the_time_to_wait(simulator: Simulator) -> None:
    simulator.faults.add("Throttling.Api", times=1, retry_after_ms=1500)
    with pytest.raises(exceptions.ThrottlingException) as raised:
        get(simulator)
    assert raised.value.retry_after == 1500


def test_a_trouble_of_the_server_raises_its_own_exception(simulator: Simulator) -> None:
    simulator.faults.add("ServiceUnavailable", times=1)
    with pytest.raises(exceptions.ServerException):
        get(simulator)


def test_the_asynchronous_client_works_too(simulator: Simulator) -> None:
    async def ask() -> object:
        request = models.GetWorkflowInstanceRequest(id=DEMO_IDS[1])
        return await client(simulator).get_workflow_instance_async(request)

    assert asyncio.run(ask()).body.workflow_instance.id == DEMO_IDS[1]
