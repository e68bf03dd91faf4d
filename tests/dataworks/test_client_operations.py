import asyncio
import json
from urllib.parse import parse_qs

import httpx
import pytest
from fakes import FakeClock, instance
from test_client import ENV, HOST, NOWHERE, Service, answer, client_of

from wfinspect.dataworks.client import MAX_LOG_BODY, DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.transport import MAX_BODY
from wfinspect.errors import BadAnswer, NotFound, Unreachable
from wfinspect.model import Query, Tag

EMPTY = answer({"PagingInfo": {"TotalCount": 0}})


def form_of(service: Service) -> dict[str, str]:
    request = service.requests[0]
    assert request.method == "POST"
    form = parse_qs(request.content.decode(), strict_parsing=True)
    return {name: values[0] for name, values in form.items()}


async def test_find_sends_only_the_filters_that_are_set() -> None:
    service = Service(EMPTY)

    page = await client_of(service).find_workflow_instances(Query(88123, 1743350400000), page=3)

    assert page.items == ()
    assert form_of(service) == {
        "BizDate": "1743350400000",
        "PageNumber": "3",
        "PageSize": "100",
        "ProjectId": "88123",
    }


async def test_find_writes_filters_as_the_service_documents_them() -> None:
    service = Service(EMPTY)
    query = Query(
        88123,
        1743350400000,
        name="orders",
        status="Failure",
        type="Normal",
        owner="1000",
        env_type="Dev",
        tags=(Tag("团队", "会员"), Tag("sla", "")),
        workflow_id=7,
        unified_workflow_instance_id=8,
    )

    await client_of(service).find_workflow_instances(query)

    form = form_of(service)
    assert service.requests[0].headers["x-acs-action"] == "ListWorkflowInstances"
    assert form["Tags"] == '["团队:会员","sla:"]'
    assert json.loads(form["Filter"]) == {"status": "Failure"}
    assert (form["Name"], form["Owner"], form["Type"], form["EnvType"]) == (
        "orders",
        "1000",
        "Normal",
        "Dev",
    )
    assert (form["WorkflowId"], form["UnifiedWorkflowInstanceId"]) == ("7", "8")


async def test_tasks_are_asked_for_by_their_instance_with_a_lower_case_d() -> None:
    service = Service(EMPTY)

    await client_of(service).list_task_instances(instance(5), page=2)

    form = form_of(service)
    assert service.requests[0].headers["x-acs-action"] == "ListTaskInstances"
    assert form == {
        "Bizdate": str(instance(5).biz_date),
        "PageNumber": "2",
        "PageSize": "500",
        "ProjectEnv": "Prod",
        "ProjectId": "88123",
        "WorkflowInstanceId": "5",
    }


async def test_the_runs_of_a_task_are_asked_for_by_its_own_id() -> None:
    service = Service(EMPTY)

    await client_of(service).list_task_instances(instance(5), task_id=77)

    assert form_of(service)["Id"] == "77"
    assert "WorkflowInstanceId" not in form_of(service)


async def test_an_instance_without_a_place_has_no_tasks_to_ask_for() -> None:
    service = Service(EMPTY)

    with pytest.raises(BadAnswer, match="without a ProjectId or a BizDate"):
        await client_of(service).list_task_instances(instance(5, biz_date=None))

    assert service.requests == []


@pytest.mark.parametrize(("number", "query"), [(None, {}), (2, {"RunNumber": "2"})])
async def test_a_log_is_that_of_the_latest_run_unless_another_is_asked_for(
    number: int | None, query: dict[str, str]
) -> None:
    service = Service(answer({"TaskInstanceLog": "done"}))

    assert await client_of(service).get_task_instance_log(77, number) == "done"

    assert dict(service.requests[0].url.params) == {"Id": "77"} | query


async def test_a_log_may_be_longer_than_any_other_answer() -> None:
    text = "x" * (MAX_BODY + 1)
    service = Service(answer({"TaskInstanceLog": text}))

    assert len(await client_of(service).get_task_instance_log(77)) == len(text)
    with pytest.raises(BadAnswer, match="larger than 8 MiB"):
        await client_of(service).get_task_instance(77)


async def test_a_log_without_end_is_given_up() -> None:
    service = Service((200, b"x" * (MAX_LOG_BODY + 1), {}))

    with pytest.raises(BadAnswer, match="larger than 40 MiB"):
        await client_of(service).get_task_instance_log(77)


async def test_a_log_has_a_deadline_of_its_own() -> None:
    async def late(_: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        loop.call_later(0.05, over.set_result, None)
        await over
        return httpx.Response(200, stream=httpx.ByteStream(b'{"TaskInstanceLog":"late"}'))

    client = DataWorksClient(
        HOST,
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(late), base_url=f"https://{HOST}"),
        CredentialsSource("(env)", ENV, NOWHERE),
        FakeClock(),
        deadline=0.001,
    )

    assert await client.get_task_instance_log(77) == "late"
    with pytest.raises(Unreachable):
        await client.get_task_instance(77)


async def test_an_unknown_task_and_a_log_that_is_gone_are_called_what_they_are() -> None:
    refused = answer({"Code": "InstanceNotFound", "Message": "m", "RequestId": "R"}, 404)

    with pytest.raises(NotFound, match="no task instance 77 "):
        await client_of(Service(refused)).get_task_instance(77)
    with pytest.raises(NotFound, match="no log of task instance 77 "):
        await client_of(Service(refused)).get_task_instance_log(77)
