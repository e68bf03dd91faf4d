"""The simulator's answers, seen from outside: raw requests over loopback."""

import json
from collections.abc import Callable

import pytest
from fakes import FakeClock
from signed_request import Caller, listed

from wfinspect.simulator import DEMO_IDS, Simulator

GET, LIST = "GetWorkflowInstance", "ListWorkflowInstances"
RUNNING, LONG, _, DONE = DEMO_IDS
DAY_MS = 86_400_000
TODAY = 1789660800000  # 00:00 of 2026-09-18 in Shanghai, the day of the clock's start


def test_get_answers_with_the_instance_and_a_request_id(caller: Caller) -> None:
    answer = caller.get(RUNNING)
    assert answer.status == 200
    assert answer.json["WorkflowInstance"]["Id"] == RUNNING
    assert answer.headers["x-acs-request-id"] == answer.json["RequestId"]
    assert answer.headers["Date"] == "Fri, 18 Sep 2026 06:30:00 GMT"


def test_the_fleet_lives_by_the_injected_clock(caller: Caller, clock: FakeClock) -> None:
    clock.advance(33)
    assert caller.get(RUNNING).json["WorkflowInstance"]["Status"] == "Failure"


def test_list_gives_exactly_the_ids_asked_for_newest_first(caller: Caller, group: dict) -> None:
    ids = [LONG, RUNNING, 77]
    answer = caller.list(**group, Ids=json.dumps(ids), PageSize=10)
    paging = answer.json["PagingInfo"]
    assert [i["Id"] for i in paging["WorkflowInstances"]] == [LONG, RUNNING]
    assert (paging["PageNumber"], paging["PageSize"], paging["TotalCount"]) == (1, 10, 2)


def test_a_list_item_equals_the_single_answer(caller: Caller, group: dict) -> None:
    (item,) = listed(caller, **group, Ids=f"[{DONE}]")
    assert item == caller.get(DONE).json["WorkflowInstance"]


def test_pages_are_of_ten_without_a_size_and_follow_one_another(caller: Caller) -> None:
    extra = caller.get(10440000000).json["WorkflowInstance"]
    group = {"ProjectId": extra["ProjectId"], "BizDate": extra["BizDate"]}
    pages = [listed(caller, **group, PageNumber=n) for n in (1, 2, 3, 4)]
    ids = [i["Id"] for page in pages for i in page]
    assert [len(page) for page in pages] == [10, 10, 10, 0]
    assert ids == sorted(ids, reverse=True)


def test_list_without_environment_is_that_of_production(caller: Caller, group: dict) -> None:
    group.pop("EnvType")
    assert {i["EnvType"] for i in listed(caller, **group, PageSize=100)} == {"Prod"}
    assert {i["EnvType"] for i in listed(caller, **group, EnvType="Dev")} == {"Dev"}


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        ({"Name": "TRADE"}, lambda i: "trade" in i["Name"]),
        ({"Name": "\u4f1a\u5458"}, lambda i: "\u4f1a\u5458" in i["Name"]),
        ({"Owner": "1741220981230017"}, lambda i: i["Owner"] == "1741220981230017"),
        ({"Type": "TriggerWorkflow"}, lambda i: i["Type"] == "TriggerWorkflow"),
        ({"WorkflowId": 2261040}, lambda i: i["WorkflowId"] == 2261040),
        (
            {"UnifiedWorkflowInstanceId": 10408812310},
            lambda i: i["UnifiedWorkflowInstanceId"] == 10408812310,
        ),
        ({"Tags": '["pii:"]'}, lambda i: {"Key": "pii", "Value": ""} in i["Tags"]),
        (
            {"Tags": '["team:trade", "\u56e2\u961f:\u4f1a\u5458"]'},
            lambda i: {t["Value"] for t in i["Tags"]} & {"trade", "\u4f1a\u5458"},
        ),
        ({"Filter": '{"status": "Running"}'}, lambda i: i["Status"] == "Running"),
    ],
)
def test_filters_keep_what_matches_and_nothing_else(
    caller: Caller, group: dict, filters: dict, matches: Callable[[dict], object]
) -> None:
    everything = listed(caller, **group, PageSize=100)
    expected = [i["Id"] for i in everything if matches(i)]
    assert 0 < len(expected) < len(everything)
    assert [i["Id"] for i in listed(caller, **group, PageSize=100, **filters)] == expected


@pytest.mark.parametrize("action", [GET, LIST])
def test_a_parameter_that_is_not_served_is_refused_by_name(
    caller: Caller, group: dict, action: str
) -> None:
    known = {"Id": RUNNING} if action == GET else group
    answer = caller.call(action, {**known, "Status": "Failure", "Ids.1": RUNNING})
    assert (answer.status, answer.code) == (400, "InvalidParameter")
    assert "Ids.1, Status" in answer.json["Message"]
    assert action in answer.json["Message"]


def test_the_region_may_be_sent_along(caller: Caller) -> None:
    """As the aliyun CLI and older SDKs send it with every call."""
    asked = {"Id": RUNNING, "RegionId": "cn-shanghai"}
    assert caller.call(GET, asked).code == "OK"


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        (GET, {}, "MissingId"),
        (GET, {"Id": "abc"}, "InvalidId"),
        (GET, {"Id": "9" * 5000}, "InvalidId"),
        (GET, {"Id": 77}, "InstanceNotFound"),
        (LIST, {"BizDate": 1}, "MissingProjectId"),
        (LIST, {"ProjectId": 88123}, "MissingBizDate"),
        (LIST, {"ProjectId": 1, "BizDate": 1}, "InvalidProject.NotFound"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "PageSize": 5}, "InvalidPageSize"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "PageSize": 501}, "InvalidPageSize"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "PageNumber": 0}, "InvalidPageNumber"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Ids": "1,2"}, "InvalidIds"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Ids": '["1"]'}, "InvalidIds"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "EnvType": "Test"}, "InvalidEnvType"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Type": "Weekly"}, "InvalidType"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": '{"name": "x"}'}, "InvalidFilter"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": "[]"}, "InvalidFilter"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": '{"status": "Odd"}'}, "InvalidFilter"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": "[" * 9999}, "InvalidFilter"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "SortBy": "Id Asc"}, "InvalidParameter"),
        ("GetEverything", {}, "InvalidAction.NotFound"),
        ("StopWorkflowInstances", {"Ids": "[1]"}, "NoPermission"),
    ],
)
def test_a_wrong_call_is_refused_with_a_whole_error_body(
    caller: Caller, simulator: Simulator, action: str, parameters: dict, code: str
) -> None:
    answer = caller.call(action, parameters)
    assert answer.status >= 400
    assert set(answer.json) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert answer.code == code
    assert simulator.calls.counts == {(action, code): 1}


def test_a_method_other_than_the_documented_is_refused(caller: Caller) -> None:
    assert caller.get(RUNNING, method="POST").code == "UnsupportedHTTPMethod"


def test_another_version_is_refused(caller: Caller) -> None:
    assert caller.get(RUNNING, x_acs_version="2020-05-18").code == "InvalidVersion"


def test_a_call_that_is_not_served_is_refused_by_name(caller: Caller) -> None:
    answer = caller.call("ListProjects", {})
    assert answer.code == "InvalidAction.NotFound"
    assert "ListProjects" in answer.json["Message"]
