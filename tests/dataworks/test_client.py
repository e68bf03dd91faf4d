import asyncio
import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from fakes import START, FakeClock, instance
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st
from made_up_service import ENV, HOST, NOWHERE, Service, client_of
from raw_client import target_at
from raw_server import answering, http_answer, raw_server

from wfinspect.dataworks import connector, transport
from wfinspect.dataworks.client import MAX_LOG_BODY, DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.transport import MAX_BODY
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ClockSkew,
    ConfigError,
    CredentialsMissing,
    NotFound,
    Refused,
    ServiceError,
    Unreachable,
)
from wfinspect.model import Direction, InstanceId, Query, Tag, Target

ID = InstanceId(10432987165)
GOOD = {"RequestId": "R", "WorkflowInstance": {"Id": ID, "Status": "Running"}}
SKEWED = {"Code": "InvalidTimeStamp.Expired", "Message": "m", "RequestId": "R"}


def answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> tuple[int, object, Mapping[str, str]]:
    return status, body, headers or {}


async def test_get_asks_by_id_alone_in_the_query() -> None:
    service = Service(answer(GOOD))

    instance = await client_of(service).get_workflow_instance(ID)

    request = service.requests[0]
    assert instance.status == "Running"
    assert (request.method, str(request.url)) == ("GET", f"https://{HOST}/?Id={ID}")
    assert request.headers["x-acs-action"] == "GetWorkflowInstance"
    assert request.headers["x-acs-version"] == "2024-05-18"
    assert request.headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=LTAIexample,")


async def list_form(ids: list[int], env_type: str = "Prod") -> tuple[httpx.Request, dict[str, str]]:
    service = Service(
        answer({"PagingInfo": {"WorkflowInstances": [{"Id": 5, "Status": "Running"}]}})
    )
    found = await client_of(service).list_workflow_instances(
        [InstanceId(i) for i in ids], project_id=88123, biz_date=1743350400000, env_type=env_type
    )
    assert [instance.id for instance in found] == [5]
    form = parse_qs(service.requests[0].content.decode(), strict_parsing=True)
    return service.requests[0], {name: values[0] for name, values in form.items()}


async def test_list_sends_a_form_with_the_ids_as_a_json_array() -> None:
    request, form = await list_form([1234, 5678])

    assert (request.method, request.url.query) == ("POST", b"")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"Ids=%5B1234%2C5678%5D" in request.content
    assert form == {
        "BizDate": "1743350400000",
        "EnvType": "Prod",
        "Ids": "[1234,5678]",
        "PageNumber": "1",
        "PageSize": "10",
        "ProjectId": "88123",
    }


async def test_a_page_holds_at_least_all_ids_asked_for() -> None:
    _, form = await list_form(list(range(1, 101)))

    assert form["PageSize"] == "100"


async def test_an_environment_that_is_not_known_is_left_to_the_service() -> None:
    _, form = await list_form([1], env_type="")

    assert "EnvType" not in form


async def test_no_ids_are_no_call() -> None:
    service = Service(answer(GOOD))

    found = await client_of(service).list_workflow_instances(
        [], project_id=1, biz_date=1, env_type="Prod"
    )

    assert (found, service.requests) == ((), [])


async def test_an_unknown_instance_is_not_found_whichever_way_it_is_said() -> None:
    for said in (answer({"WorkflowInstance": None}), answer({"Code": "InstanceNotFound"}, 400)):
        with pytest.raises(NotFound, match=str(ID)):
            await client_of(Service(said)).get_workflow_instance(ID)


async def test_an_error_behind_a_good_status_is_that_error() -> None:
    with pytest.raises(Refused, match="403030"):
        await client_of(Service(answer({"Code": 403030}))).get_workflow_instance(ID)


async def test_another_instance_in_the_answer_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        await client_of(Service(answer(GOOD))).get_workflow_instance(InstanceId(6))


def written(clock: FakeClock, seconds: float) -> str:
    """The date of a call, so many seconds ahead of a clock."""
    return (clock.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def dated(clock: FakeClock, seconds: float, **more: str) -> dict[str, str]:
    at = clock.now() + timedelta(seconds=seconds)
    return {"date": format_datetime(at.astimezone(UTC), usegmt=True)} | more


@pytest.mark.parametrize("seconds", [-315_360_000, -86_400, -960, 960, 86_400, 315_360_000])
@pytest.mark.parametrize("endpoint", [HOST, "http://127.0.0.1:1"], ids=["https", "loopback"])
async def test_a_refused_date_is_corrected_with_one_more_call(
    seconds: float, endpoint: str
) -> None:
    clock = FakeClock()
    service = Service(
        answer(SKEWED, 400, dated(clock, seconds)), answer(GOOD, 200, dated(clock, seconds))
    )
    client = client_of(service, clock=clock, endpoint=endpoint)

    await client.get_workflow_instance(ID)
    await client.get_workflow_instance(ID)

    assert service.dates()[1:] == [written(clock, seconds)] * 2


async def test_a_date_that_is_refused_twice_is_told() -> None:
    clock = FakeClock()
    service = Service(answer(SKEWED, 400, dated(clock, 960)))

    with pytest.raises(ClockSkew, match="16m00s behind"):
        await client_of(service, clock=clock).get_workflow_instance(ID)

    assert len(service.requests) == 2


@pytest.mark.parametrize("headers", [{}, {"date": "junk"}])
async def test_a_refused_date_without_the_services_time_is_told_at_once(
    headers: dict[str, str],
) -> None:
    service = Service(answer(SKEWED, 400, headers))

    with pytest.raises(ClockSkew):
        await client_of(service).get_workflow_instance(ID)

    assert len(service.requests) == 1


async def test_a_date_refused_for_another_reason_than_the_clock_is_not_tried_again() -> None:
    clock = FakeClock()
    service = Service(answer(SKEWED, 400, dated(clock, 20)))

    with pytest.raises(ClockSkew):
        await client_of(service, clock=clock).get_workflow_instance(ID)

    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("endpoint", "seconds", "more", "offset"),
    [
        (HOST, 600, {}, 600),
        (HOST, -600, {}, -600),
        (HOST, 239, {}, 0),
        (HOST, 600, {"age": "600"}, 0),
        ("http://127.0.0.1:1", 600, {}, 0),
    ],
)
async def test_the_services_clock_is_learnt_from_answers_over_tls_only(
    endpoint: str, seconds: float, more: dict[str, str], offset: float
) -> None:
    clock = FakeClock()
    service = Service(answer(GOOD, 200, dated(clock, seconds, **more)))
    client = client_of(service, clock=clock, endpoint=endpoint)

    await client.get_workflow_instance(ID)
    await client.get_workflow_instance(ID)

    assert service.dates() == [written(clock, 0), written(clock, offset)]


async def test_a_mended_clock_is_no_longer_corrected() -> None:
    clock = FakeClock()
    service = Service(answer(GOOD, 200, dated(clock, 600)))
    client = client_of(service, clock=clock)

    await client.get_workflow_instance(ID)
    clock.jump(600)
    await client.get_workflow_instance(ID)
    await client.get_workflow_instance(ID)

    assert service.dates()[-1] == written(clock, 0)


async def test_a_date_at_the_end_of_the_calendar_is_not_learnt() -> None:
    date = {"date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    service = Service(answer(GOOD, 200, date), answer(GOOD))
    clock = FakeClock()
    client = client_of(service, clock=clock)

    for _ in range(2):
        assert (await client.get_workflow_instance(ID)).id == ID
        clock.advance(2.0)


YEARS = 10 * 365 * 86_400
SKEWS = [sign * seconds for seconds in (5, 239, 240, 840, 960, 86_400, YEARS) for sign in (1, -1)]


@tried(30, 5_000)
@given(
    endpoint=st.sampled_from([HOST, "http://127.0.0.1:1"]),
    skews=st.lists(st.sampled_from(SKEWS) | st.integers(-YEARS, YEARS), min_size=1, max_size=6),
)
def test_however_the_clock_is_set_each_call_works_with_one_more_at_most(
    endpoint: str, skews: list[int]
) -> None:
    clock, requests = FakeClock(), list[httpx.Request]()

    def strict(request: httpx.Request) -> httpx.Response:
        """Refuse a date that is more than 15 minutes off, as the service does."""
        requests.append(request)
        truth = START + timedelta(seconds=clock.monotonic() - started)
        signed = datetime.fromisoformat(request.headers["x-acs-date"])
        status, body = (
            (200, GOOD) if abs(signed - truth) <= timedelta(minutes=15) else (400, SKEWED)
        )
        headers = {"date": format_datetime(truth, usegmt=True)}
        return httpx.Response(
            status, headers=headers, stream=httpx.ByteStream(json.dumps(body).encode())
        )

    async def use() -> None:
        set_by = 0
        for skew in skews:
            clock.jump(skew - set_by)
            set_by, before = skew, len(requests)
            await client.get_workflow_instance(ID)
            assert len(requests) - before <= 2
            clock.advance(30.0)

    started = clock.monotonic()
    client = client_of(strict, clock=clock, endpoint=endpoint)
    asyncio.run(use())


async def test_a_slow_answer_says_nothing_about_the_clock() -> None:
    clock = FakeClock()
    service = Service(answer(GOOD, 200, dated(clock, 600)))

    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(11)
        return service(request)

    client = DataWorksClient(
        target_at(HOST),
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(slow), base_url=f"https://{HOST}"),
        CredentialsSource("(env)", ENV, NOWHERE),
        clock,
    )
    await client.get_workflow_instance(ID)
    await client.get_workflow_instance(ID)

    assert service.dates()[-1] == written(clock, -11)


class ForgettingSource(CredentialsSource):
    forgotten = 0

    def forget(self) -> None:
        super().forget()
        self.forgotten += 1


@pytest.mark.parametrize(
    ("code", "forgotten"),
    [
        ("InvalidAccessKeyId.NotFound", 1),
        ("InvalidSecurityToken.Expired", 1),
        ("SignatureDoesNotMatch", 1),
        ("Forbidden.RAM", 0),
        ("Throttling.User", 0),
    ],
)
async def test_refused_keys_are_read_anew_next_time_and_others_kept(
    code: str, forgotten: int
) -> None:
    source = ForgettingSource("(env)", ENV, NOWHERE)
    await source.current()
    before = source.forgotten

    with pytest.raises(ServiceError):
        await client_of(Service(answer({"Code": code}, 403)), source=source).get_workflow_instance(
            ID
        )

    assert source.forgotten - before == forgotten


async def test_without_credentials_nothing_is_sent() -> None:
    service = Service(answer(GOOD))
    source = CredentialsSource("(env)", {}, NOWHERE)

    with pytest.raises(CredentialsMissing, match="wfinspect demo"):
        await client_of(service, source=source).get_workflow_instance(ID)

    assert service.requests == []


async def test_credentials_can_be_checked_without_a_call() -> None:
    service = Service(answer(GOOD))

    await client_of(service).check_credentials()
    missing = client_of(service, source=CredentialsSource("(env)", {}, NOWHERE))
    with pytest.raises(CredentialsMissing):
        await missing.check_credentials()

    assert service.requests == []


SECRET, TOKEN = "CANARY/secret+0123456789", "CANARY/token==9876543210"


async def test_no_secret_reaches_a_log_a_text_or_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.example",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
        "ALIBABA_CLOUD_SECURITY_TOKEN": TOKEN,
    }
    quoting = {"Code": "InvalidParameter", "Message": f"{SECRET} {TOKEN}"}
    answers = [
        http_answer(GOOD),
        http_answer(quoting, "400 Bad Request"),
        http_answer({"Code": "SignatureDoesNotMatch", "Message": TOKEN}, "403 Forbidden"),
        b"garbage\r\n\r\n",
    ]
    texts = []
    async with raw_server(answering(*answers)) as seen:
        target = Target("(env)", "cn-shanghai", f"http://127.0.0.1:{seen.port}")
        connect = connector(environ, NOWHERE, FakeClock())
        async with aclosing(await connect(target, lambda: None)) as client:
            texts.append(repr(vars(client)))
            for _ in answers:
                try:
                    await client.get_workflow_instance(ID)
                except ServiceError as error:
                    texts += [str(error), repr(error), *traceback.format_exception(error)]
                    texts.append(repr(vars(error)))
    texts += [record.getMessage() for record in caplog.records]

    assert len(texts) > 10
    assert not [text for text in texts if "CANARY" in text]
    assert seen.connections == 1


async def test_clients_of_one_connector_share_a_tls_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    make = transport.tls_context
    monkeypatch.setattr(transport, "tls_context", lambda environ: made.append(1) or make(environ))
    connect = connector({}, tmp_path, FakeClock())

    clients = [
        await connect(Target("(env)", region, f"dataworks.{region}.aliyuncs.com"), lambda: None)
        for region in ("cn-shanghai", "cn-beijing")
    ]
    for client in clients:
        await client.aclose()

    assert len(made) == 1


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"SSL_CERT_FILE": "/nonexistent/ca.pem"}, "SSL_CERT_FILE=/nonexistent/ca.pem"),
        ({"HTTPS_PROXY": "socks5://u:CANARY@127.0.0.1:1"}, "socks is not served"),
    ],
)
async def test_a_setting_of_the_environment_that_cannot_work_is_told_when_opening(
    environ: dict[str, str], says: str, tmp_path: Path
) -> None:
    connect = connector(environ, tmp_path, FakeClock())

    with pytest.raises(ConfigError, match=says) as caught:
        await connect(Target("(env)", "cn-shanghai", HOST), lambda: None)

    assert "CANARY" not in str(caught.value)


def loaded_by(code: str, *names: str) -> list[str]:
    """Which of some modules a fresh interpreter has loaded after running some code."""
    code += f"; import sys; print(*(name for name in {names} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_deciding_on_a_target_imports_no_http() -> None:
    code = (
        "from pathlib import Path\n"
        "import wfinspect.dataworks\n"
        "from wfinspect.dataworks.profiles import identify\n"
        "from wfinspect.dataworks.endpoints import endpoint_of\n"
        "identify(None, {}, Path('/nonexistent')); endpoint_of('cn-shanghai', 'vpc')"
    )

    assert loaded_by(code, "httpx", "msgspec", "anyio", "alibabacloud_credentials") == []


def test_only_profiles_that_need_it_load_the_credentials_library() -> None:
    slow = ("alibabacloud_credentials", "Tea", "requests", "aiohttp")

    # httpx's command line takes the last two, where they are installed.
    assert loaded_by("import wfinspect.dataworks.client", *slow, "click", "rich") == []
    assert loaded_by("import wfinspect.dataworks.library", *slow) == list(slow)


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


async def test_a_number_of_no_run_is_a_run_without_a_log_and_any_other_wrong_value_is_not() -> None:
    service = Service(
        *[answer({"Code": f"Invalid{it}"}, 400) for it in ("RunNumber", "RunNumber", "Id")]
    )
    client = client_of(service)

    assert await client.get_task_instance_log(77, 1) == ""
    for number in (None, 1):
        with pytest.raises(BadRequest):
            await client.get_task_instance_log(77, number)


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
        target_at(HOST),
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

    with pytest.raises(NotFound, match="has no task instance 77 "):
        await client_of(Service(refused)).get_task_instance(77)
    with pytest.raises(NotFound, match="has no log of task instance 77 "):
        await client_of(Service(refused)).get_task_instance_log(77)


@pytest.mark.parametrize("direction", Direction)
async def test_neighbours_are_requested_by_the_task_alone(direction: Direction) -> None:
    operation = f"{direction.value}TaskInstances"
    item = {"DependencyType": "Normal", "TaskInstance": {"Id": 8}}
    service = Service(answer({"PagingInfo": {operation: [item], "TotalCount": 101}}))

    page = await client_of(service).list_dependencies(7, direction, page=2)

    request = service.requests[0]
    assert (request.method, request.headers["x-acs-action"]) == ("GET", f"List{operation}")
    assert str(request.url) == f"https://{HOST}/?Id=7&PageNumber=2&PageSize=100"
    assert ([each.task.id for each in page.items], page.is_last) == ([8], True)


@pytest.mark.parametrize(("day", "sent"), [(None, ""), (1743350400000, "&Date=1743350400000")])
async def test_operations_are_those_of_a_day(day: int | None, sent: str) -> None:
    log = {"OperationContent": "Rerun", "User": "1", "CreateTime": 5}
    service = Service(answer({"PagingInfo": {"OperationLogs": [log], "TotalCount": 1}}))

    (found,) = (await client_of(service).list_operation_logs(7, day)).items

    assert str(service.requests[0].url) == f"https://{HOST}/?Id=7&PageNumber=1&PageSize=100{sent}"
    assert (found.content, found.user, found.create_time) == ("Rerun", "1", 5)


async def test_the_neighbours_of_an_unknown_task_are_not_found() -> None:
    service = Service(answer({"Code": "InstanceNotFound"}, 404))
    with pytest.raises(NotFound, match="task instance 7"):
        await client_of(service).list_dependencies(7, Direction.UPSTREAM)
