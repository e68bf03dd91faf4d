"""The simulator's calls about tasks, workflows and workspaces, seen from outside over loopback."""

import json
from collections.abc import Iterator

import pytest
from fakes import FakeClock
from signed_request import Answer, Caller

from wfinspect.simulator import BIG_LOG_TASK_ID, DEMO_IDS, MANY_TASKS_ID, Simulator
from wfinspect.simulator.fleet import HOSTILE_TEXT

TASKS, TASK, LOG = "ListTaskInstances", "GetTaskInstance", "GetTaskInstanceLog"
UP, DOWN = "ListUpstreamTaskInstances", "ListDownstreamTaskInstances"
OPERATIONS = "ListTaskInstanceOperationLogs"
RUNNING, LONG, _, DONE = DEMO_IDS
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
AT = 1789713000000 - 2 * HOUR_MS  # two hours before the clock's start
UNKNOWN = 10432987165 * 1000 + 999


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    with Simulator(clock=clock) as started:
        yield started


@pytest.fixture
def day(caller: Caller) -> dict:
    found = caller.get(RUNNING).json["WorkflowInstance"]
    return {"ProjectId": found["ProjectId"], "Bizdate": found["BizDate"]}


def get(caller: Caller, action: str, **parameters: object) -> Answer:
    return caller.call(action, parameters, method="GET")


def listed(caller: Caller, **parameters: object) -> list[dict]:
    answer = caller.call(TASKS, {"PageSize": 500, **parameters})
    assert answer.code == "OK", answer.body
    return answer.json["PagingInfo"]["TaskInstances"]


def log(caller: Caller, **parameters: object) -> str:
    return get(caller, LOG, **parameters).json["TaskInstanceLog"]


def rerun_task(caller: Caller, day: dict) -> dict:
    (found,) = [t for t in listed(caller, **day, WorkflowInstanceId=DONE) if t["RunNumber"] == 2]
    return found


def test_pages_of_tasks_are_of_ten_and_follow_one_another(caller: Caller) -> None:
    found = caller.get(MANY_TASKS_ID).json["WorkflowInstance"]
    asked = {
        "ProjectId": found["ProjectId"],
        "Bizdate": found["BizDate"],
        "WorkflowInstanceId": MANY_TASKS_ID,
    }
    whole = listed(caller, **asked)
    assert len(whole) == 500
    page = caller.call(TASKS, {**asked, "PageNumber": 2}).json["PagingInfo"]
    assert (page["PageNumber"], page["PageSize"], page["TotalCount"]) == (2, 10, 500)
    assert page["TaskInstances"] == whole[10:20]
    assert [t["Id"] for t in whole] == sorted((t["Id"] for t in whole), reverse=True)
    assert listed(caller, **asked, PageNumber=2) == []


def test_tasks_come_from_one_workspace_date_and_environment(caller: Caller, day: dict) -> None:
    found = listed(caller, **day)
    assert {t["WorkflowInstanceId"] for t in found} >= set(DEMO_IDS)
    assert {(t["ProjectId"], t["Bizdate"], t["ProjectEnv"]) for t in found} == {
        (day["ProjectId"], day["Bizdate"], "Prod")
    }
    assert {t["ProjectEnv"] for t in listed(caller, **day, ProjectEnv="Dev")} == {"Dev"}
    other = {**day, "Bizdate": day["Bizdate"] + 1}
    assert listed(caller, **other, WorkflowInstanceId=RUNNING) == []


def test_an_instance_has_its_own_tasks_and_no_others(caller: Caller, day: dict) -> None:
    everything = listed(caller, **day)
    own = [t for t in everything if t["WorkflowInstanceId"] == LONG]
    assert 0 < len(own) < len(everything)
    assert listed(caller, **day, WorkflowInstanceId=LONG) == own


def test_with_an_id_the_past_runs_of_a_task_are_listed_too(caller: Caller, day: dict) -> None:
    task = rerun_task(caller, day)
    runs = listed(caller, **day, Id=task["Id"])
    assert [(r["RunNumber"], r["Status"]) for r in runs] == [(2, "Success"), (1, "Failure")]
    assert runs[0] == task
    assert listed(caller, **day, Id=UNKNOWN) == []


def test_a_single_task_holds_what_its_item_holds_and_its_script(caller: Caller, day: dict) -> None:
    item = rerun_task(caller, day)
    task = get(caller, TASK, Id=item["Id"]).json["TaskInstance"]
    parameters = item.pop("ScriptParameters")
    assert item.items() <= task.items()
    assert task["Script"]["Parameters"] == parameters
    assert task["TaskName"] in task["Script"]["Content"]
    assert set(task) - set(item) == {"Script", "Inputs", "Outputs", "Tags"}


def test_a_log_is_that_of_the_latest_run_or_of_the_one_asked_for(caller: Caller, day: dict) -> None:
    task = rerun_task(caller, day)
    first, second = (log(caller, Id=task["Id"], RunNumber=n) for n in (1, 2))
    assert log(caller, Id=task["Id"]) == second
    assert "ERROR FAILED: ODPS-0130071" in first
    assert "ERROR" not in second
    assert "FINISH" in second


def test_a_log_grows_while_its_task_runs(caller: Caller, clock: FakeClock, day: dict) -> None:
    (task,) = [
        t for t in listed(caller, **day, WorkflowInstanceId=LONG) if t["Status"] == "Running"
    ]
    before = log(caller, Id=task["Id"])
    clock.advance(300)
    after = log(caller, Id=task["Id"])
    assert after.startswith(before)
    assert len(after) > len(before)


def test_a_log_of_32_mib_is_sent_without_being_held(simulator: Simulator, caller: Caller) -> None:
    simulator.faults.is_hostile = True
    ordinary = log(caller, Id=BIG_LOG_TASK_ID + 1)
    answer = get(caller, LOG, Id=BIG_LOG_TASK_ID)
    text = answer.json["TaskInstanceLog"]
    assert 0.999 * 2**25 < len(text.encode()) <= 2**25
    lines = text.splitlines()
    assert len(set(lines[:300_000])) == 300_000
    assert text.count(HOSTILE_TEXT) > 5
    assert ordinary.count(HOSTILE_TEXT) == ordinary.count(HOSTILE_TEXT + "\n")
    assert caller.get(RUNNING).code == "OK"


def test_hostile_text_is_in_every_text_of_a_task(
    simulator: Simulator, caller: Caller, day: dict
) -> None:
    simulator.faults.is_hostile = True
    item = listed(caller, **day, WorkflowInstanceId=LONG)[-1]
    for name in ("TaskName", "TaskType", "Status", "Owner", "WorkflowName", "ScriptParameters"):
        assert item[name].endswith(HOSTILE_TEXT)
    assert item["RuntimeResource"]["ResourceGroupId"].endswith(HOSTILE_TEXT)


def test_tasks_of_an_instance_that_vanishes_vanish_too(
    simulator: Simulator, caller: Caller, day: dict
) -> None:
    simulator.population.vanish(DONE)
    assert get(caller, TASK, Id=DONE * 1000 + 1).code == "InstanceNotFound"
    assert listed(caller, **day, WorkflowInstanceId=DONE) == []


def test_earlier_runs_of_a_workflow_are_listed_by_date_and_can_be_looked_up(
    caller: Caller, day: dict
) -> None:
    runs = []
    for days in range(1, 17):
        date = day["Bizdate"] - days * DAY_MS
        asked = {"ProjectId": 88123, "BizDate": date, "WorkflowId": 2261034, "EnvType": "Prod"}
        runs += caller.list(**asked).json["PagingInfo"]["WorkflowInstances"]
    assert len(runs) == 14
    assert {r["Status"] for r in runs} == {"Success"}
    assert len({r["UnifiedWorkflowInstanceId"] for r in runs}) == 14
    assert caller.get(runs[5]["Id"]).json["WorkflowInstance"] == runs[5]


def test_all_instances_of_one_trigger_are_listed_together(caller: Caller, day: dict) -> None:
    own = caller.get(RUNNING).json["WorkflowInstance"]
    asked = {"ProjectId": 88123, "BizDate": day["Bizdate"], "PageSize": 100}
    number = own["UnifiedWorkflowInstanceId"]
    found = caller.list(**asked, UnifiedWorkflowInstanceId=number).json["PagingInfo"]
    assert own in found["WorkflowInstances"]
    assert len(found["WorkflowInstances"]) > 3


DATED = {"ProjectId": 88123, "Bizdate": 1}


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        (TASKS, {"Bizdate": 1}, "MissingProjectId"),
        (TASKS, {"ProjectId": 88123}, "MissingBizdate"),
        (TASKS, {"ProjectId": 88123, "BizDate": 1}, "MissingBizdate"),
        (TASKS, {"ProjectId": 1, "Bizdate": 1}, "InvalidProject.NotFound"),
        (TASKS, {**DATED, "PageSize": 5}, "InvalidPageSize"),
        (TASKS, {**DATED, "PageSize": 501}, "InvalidPageSize"),
        (TASKS, {**DATED, "PageNumber": 0}, "InvalidPageNumber"),
        (TASKS, {**DATED, "ProjectEnv": "Test"}, "InvalidProjectEnv"),
        (TASKS, {**DATED, "Name": "x"}, "InvalidParameter"),
        (TASK, {"Id": f"{RUNNING}001", "RunNumber": 1}, "InvalidParameter"),
        (TASK, {}, "MissingId"),
        (TASK, {"Id": UNKNOWN}, "InstanceNotFound"),
        (TASK, {"Id": RUNNING}, "InstanceNotFound"),
        (TASK, {"Id": RUNNING * 1000}, "InstanceNotFound"),
        (LOG, {"Id": UNKNOWN}, "InstanceNotFound"),
        (LOG, {"Id": f"{RUNNING}001", "RunNumber": 0}, "InvalidRunNumber"),
        (LOG, {"Id": f"{RUNNING}001", "RunNumber": 9}, "InvalidRunNumber"),
        (UP, {}, "MissingId"),
        (UP, {"Id": UNKNOWN}, "InstanceNotFound"),
        (DOWN, {"Id": RUNNING}, "InstanceNotFound"),
        (DOWN, {"Id": f"{RUNNING}001", "Date": 1}, "InvalidParameter"),
        (OPERATIONS, {"Id": UNKNOWN}, "InstanceNotFound"),
        (OPERATIONS, {"Id": f"{RUNNING}001", "Date": 1}, "InvalidDate"),
        (OPERATIONS, {"Id": f"{RUNNING}001", "Date": "noon"}, "InvalidDate"),
        ("ListTasks", {}, "InvalidAction.NotFound"),
        ("RerunTaskInstances", {"Ids": "[1]"}, "NoPermission"),
    ],
)
def test_a_wrong_call_is_refused(caller: Caller, action: str, parameters: dict, code: str) -> None:
    answer = caller.call(action, parameters, method="POST" if action == TASKS else "GET")
    assert (answer.code, answer.status >= 400) == (code, True)
    assert set(answer.json) == {"RequestId", "HostId", "Code", "Message", "Recommend"}


@pytest.mark.parametrize("action", [TASK, LOG, UP, DOWN, OPERATIONS])
def test_what_is_asked_by_get_cannot_be_posted(caller: Caller, action: str) -> None:
    assert caller.call(action, {"Id": 1}, method="POST").code == "UnsupportedHTTPMethod"


def neighbours(caller: Caller, action: str, **parameters: object) -> dict:
    answer = get(caller, action, **parameters)
    assert answer.code == "OK", answer.body
    return answer.json["PagingInfo"]


def test_a_neighbour_is_the_task_as_it_stands_in_the_old_form_as_in_the_new(
    caller: Caller, day: dict
) -> None:
    page = neighbours(caller, UP, Id=f"{LONG}004")
    (item,) = page["UpstreamTaskInstances"]
    assert item["DependencyType"] == "Normal"
    assert page["TaskInstances"] == [item["TaskInstance"] | {"StepType": "Normal"}]
    (task,) = listed(caller, **day, Id=item["TaskInstance"]["Id"])
    assert item["TaskInstance"].pop("EnvType") == task["ProjectEnv"] == "Prod"
    assert item["TaskInstance"].items() <= task.items()


def test_a_task_that_many_wait_for_has_pages_of_ten(caller: Caller, day: dict) -> None:
    last = max(t["Id"] for t in listed(caller, **day, WorkflowInstanceId=10432980002))
    pages = [neighbours(caller, DOWN, Id=last, PageNumber=n, PageSize=100) for n in (1, 2, 3)]
    sizes = [len(page["DownstreamTaskInstances"]) for page in pages]
    assert sizes[0] == 100
    assert 0 < sizes[1] < 100
    assert sizes[2] == 0
    assert {page["TotalCount"] for page in pages} == {sum(sizes)}
    found = [i["TaskInstance"] for page in pages for i in page["DownstreamTaskInstances"]]
    assert len({t["Id"] for t in found}) == sum(sizes)
    assert len({t["ProjectId"] for t in found}) > 1
    first = neighbours(caller, DOWN, Id=last)["DownstreamTaskInstances"]
    assert first == pages[0]["DownstreamTaskInstances"][:10]


def test_neighbours_vanish_with_their_instance(simulator: Simulator, caller: Caller) -> None:
    assert neighbours(caller, DOWN, Id=f"{RUNNING}012")["TotalCount"] == 1
    simulator.population.vanish(10432991052)
    assert neighbours(caller, DOWN, Id=f"{RUNNING}012")["TotalCount"] == 0


def test_operations_are_those_of_one_day_in_the_regions_zone(caller: Caller, day: dict) -> None:
    task = rerun_task(caller, day)
    (rerun,) = neighbours(caller, OPERATIONS, Id=task["Id"])["OperationLogs"]
    assert rerun["OperationContent"] == task["OperationType"] == "Rerun"
    assert rerun["User"] == task["ModifyUser"]
    assert rerun["TaskInstanceId"] == task["Id"]
    midnight = day["Bizdate"] + DAY_MS
    dated = [
        neighbours(caller, OPERATIONS, Id=task["Id"], Date=at)["TotalCount"]
        for at in (midnight - 1, midnight, midnight + DAY_MS - 1)
    ]
    assert dated == [0, 1, 1]
    assert get(caller, OPERATIONS, Id=task["Id"], Date=midnight + DAY_MS).code == "InvalidDate"
    oldest = midnight - 30 * DAY_MS
    assert neighbours(caller, OPERATIONS, Id=task["Id"], Date=oldest)["TotalCount"] == 0
    assert get(caller, OPERATIONS, Id=task["Id"], Date=oldest - 1).code == "InvalidDate"


def test_a_fault_can_strike_one_of_the_calls(simulator: Simulator, caller: Caller) -> None:
    simulator.faults.add("InternalError", action=LOG, times=1)
    assert get(caller, LOG, Id=f"{DONE}001").code == "InternalError"
    assert len(json.dumps(log(caller, Id=f"{DONE}001"))) > 100
