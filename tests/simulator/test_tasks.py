"""Tasks made of a fleet: that they fit their instance, and one another, at every moment."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from fakes import START
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.model import Direction, Family, family_of
from wfinspect.simulator import DEMO_IDS, FROZEN_ID, MANY_TASKS_ID
from wfinspect.simulator.faults import Faults
from wfinspect.simulator.fleet import BIG_LOG_ID, Fleet, Population
from wfinspect.simulator.tasks import Tasks, layout_of, log_of, neighbours, tasks_of

RUNNING, LONG, WAITING, DONE = DEMO_IDS
UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
IDLE_ID = 10432991052
"""Waits for others, of another workspace."""
SET_ID = 10431554021
"""A task of it was set to successful."""
FLEET = Fleet(epoch=START, extra=5)
PEOPLE = Population(FLEET, Faults())
ORDER = ("CreateTime", "WaitingTriggerTime", "WaitingResourceTime", "StartedTime", "FinishedTime")

seconds = st.floats(0, 5_000, allow_nan=False)
ids = st.sampled_from([i for i in FLEET.all_ids if i != MANY_TASKS_ID])
living = st.sampled_from([i for i in FLEET.ids if i != MANY_TASKS_ID])


def after(elapsed: float) -> datetime:
    return START + timedelta(seconds=elapsed)


def tasks(instance_id: int, elapsed: float, people: Population = PEOPLE) -> Tasks:
    record = people.record(instance_id, after(elapsed))
    assert record is not None
    return Tasks(people, record, after(elapsed))


def current(instance_id: int, elapsed: float, people: Population = PEOPLE) -> list[dict]:
    return tasks(instance_id, elapsed, people).current()


def statuses(instance_id: int, elapsed: float, people: Population = PEOPLE) -> Counter:
    return Counter(t["Status"] for t in current(instance_id, elapsed, people))


def check(instance: dict, found: list[dict]) -> None:
    """That tasks fit their instance."""
    words = Counter(t["Status"] for t in found)
    match instance["Status"]:
        case "Success":
            assert set(words) == {"Success"}
        case "Failure":
            assert 1 <= words["Failure"] <= 2
            assert words["NotRun"] >= 1
            assert set(words) == {"Failure", "NotRun", "Success"}
        case "Running":
            assert words["Running"] + words["WaitResource"] >= 1
            assert words["Failure"] <= 1
            assert set(words) <= {"Success", "Running", "WaitResource", "NotRun", "Failure"}
        case "Checking":
            assert words["Checking"] == 1
            assert set(words) <= {"Checking", "Success", "Failure", "NotRun"}
        case "NotRun":
            assert set(words) == {"NotRun"}
        case waiting:
            assert found[0]["Status"] == waiting
            assert words == {waiting: 1, "NotRun": len(found) - 1}
    for task in found:
        at = [task[name] for name in ORDER if name in task]
        assert at == sorted(at)
        assert ("StartedTime" in task) == (
            task["Status"] in {"Running", "Checking", "Success", "Failure"}
            and task["TriggerRecurrence"] == "Normal"
        )
        assert ("FinishedTime" in task) == family_of(task["Status"]).is_settled
        if "StartedTime" in task:
            assert instance["StartedTime"] <= task["StartedTime"]
        if "FinishedTime" in instance and "FinishedTime" in task:
            assert task["FinishedTime"] <= instance["FinishedTime"]


@given(instance_id=ids, elapsed=seconds)
def test_tasks_fit_the_status_and_the_times_of_their_instance(
    instance_id: int, elapsed: float
) -> None:
    check(PEOPLE.record(instance_id, after(elapsed)), current(instance_id, elapsed))


def test_tasks_fit_their_instance_at_each_second_of_a_run_that_fails_and_is_repeated() -> None:
    for elapsed in range(300):
        check(PEOPLE.record(RUNNING, after(elapsed)), current(RUNNING, elapsed))


@given(instance_id=ids, elapsed=seconds)
def test_a_task_starts_only_when_all_it_waits_for_have_succeeded(
    instance_id: int, elapsed: float
) -> None:
    asked = tasks(instance_id, elapsed)
    found = dict(enumerate(asked.current(), start=1))
    for task in asked.definitions:
        before = [found[n] for n in task.upstream]
        if "StartedTime" in found[task.number]:
            assert all(t["Status"] == "Success" for t in before)
            assert all(t["FinishedTime"] <= found[task.number]["StartedTime"] for t in before)
        if asked.definitions and any(t["Status"] == "Failure" for t in before):
            assert found[task.number]["Status"] == "NotRun"


@given(instance_id=ids, elapsed=seconds)
def test_in_a_failed_instance_only_what_is_behind_a_failed_task_has_not_run(
    instance_id: int, elapsed: float
) -> None:
    if PEOPLE.record(instance_id, after(elapsed))["Status"] != "Failure":
        return
    asked = tasks(instance_id, elapsed)
    words = {n: t["Status"] for n, t in enumerate(asked.current(), start=1)}
    for task in asked.definitions:
        blocked = any(words[n] != "Success" for n in task.upstream)
        assert blocked == (words[task.number] == "NotRun")


@given(instance_id=living, elapsed=seconds, step=st.floats(0, 20))
def test_within_a_run_time_only_adds(instance_id: int, elapsed: float, step: float) -> None:
    before, now = (current(instance_id, e) for e in (elapsed, elapsed + step))
    run = [FLEET.run(instance_id, after(e)).number for e in (elapsed, elapsed + step)]
    for old, new in zip(before, now, strict=True):
        assert old["Id"] == new["Id"]
        assert old["RunNumber"] <= new["RunNumber"]
        if run[0] == run[1] and old["RunNumber"] == new["RunNumber"]:
            kept = {name: old[name] for name in ORDER if name in old}
            assert kept.items() <= new.items()
            assert old["ModifyTime"] <= new["ModifyTime"]


@given(
    instance_id=living,
    elapsed=seconds,
    pause=st.floats(0, 4_000),
    word=st.sampled_from(
        ["NotRun", "WaitTime", "WaitResource", "Running", "Checking", "Success", "Failure"]
    ),
)
def test_tasks_of_an_instance_held_in_a_status_fit_it_for_ever(
    instance_id: int, elapsed: float, pause: float, word: str
) -> None:
    people = Population(FLEET, Faults())
    people.set_status(instance_id, word, after(elapsed))
    for at in (elapsed, elapsed + pause):
        found = current(instance_id, at, people)
        instance = people.record(instance_id, after(at))
        check(instance, found)


@given(instance_id=ids, elapsed=seconds)
def test_the_same_inputs_give_the_same_tasks_in_a_new_process(
    instance_id: int, elapsed: float
) -> None:
    one, two = (Population(Fleet(epoch=START, extra=5), Faults()) for _ in range(2))
    first = current(instance_id, elapsed, one)
    layout_of.cache_clear()
    tasks_of.cache_clear()
    assert current(instance_id, elapsed, two) == first


def test_a_clock_before_the_epoch_gives_the_tasks_as_they_were_born() -> None:
    assert [current(i, -999) for i in DEMO_IDS] == [current(i, 0) for i in DEMO_IDS]


def test_an_instance_has_4_to_30_tasks_and_one_has_500() -> None:
    counts = {i: len(tasks(i, 0).definitions) for i in FLEET.ids}
    assert counts.pop(MANY_TASKS_ID) == 500
    assert 4 <= min(counts.values()) < max(counts.values()) <= 30
    words = statuses(MANY_TASKS_ID, 0)
    assert min(words[w] for w in ("Success", "Running", "WaitResource", "NotRun")) >= 1


def test_the_first_demo_instance_shows_every_stage_and_then_fails() -> None:
    assert {"Success", "Running", "NotRun"} <= set(statuses(RUNNING, 0))
    assert "Failure" in statuses(RUNNING, 33)


def test_of_one_failed_instance_a_task_is_frozen_and_another_a_dry_run() -> None:
    found = current(FROZEN_ID, 0)
    set_to = {t["TriggerRecurrence"]: t for t in found if t["TriggerRecurrence"] != "Normal"}

    assert {word: t["Status"] for word, t in set_to.items()} == {
        "Pause": "Failure",
        "Skip": "Success",
    }
    for task in set_to.values():
        assert "Runtime" not in task
        assert tasks(FROZEN_ID, 0).runs(task["Id"])[-1].started is None
    assert [t["TriggerRecurrence"] for t in found if t["Status"] == "Failure"] == [
        "Pause",
        "Normal",
    ]


def test_names_are_distinct_and_all_types_occur() -> None:
    kinds = set()
    for instance_id in FLEET.ids:
        names = [t.name for t in tasks(instance_id, 0).definitions]
        assert len(names) == len(set(names))
        kinds |= {t.type for t in tasks(instance_id, 0).definitions}
    assert kinds == {"ODPS_SQL", "DI", "HOLOGRES_SQL", "PYODPS3", "SHELL", "VIRTUAL"}


def test_tasks_keep_their_definition_over_business_dates_and_environments() -> None:
    found = [
        [(t["TaskId"], t["TaskName"], t["TaskType"]) for t in current(i, 0)]
        for i in FLEET.all_ids
        if PEOPLE.record(i, START)["WorkflowId"] == 2261034
    ]
    assert len(found) >= 15
    assert all(each == found[0] for each in found)


@given(instance_id=living, elapsed=seconds)
def test_runs_of_a_task_follow_one_another_with_rising_numbers(
    instance_id: int, elapsed: float
) -> None:
    check_runs(tasks(instance_id, elapsed))


def check_runs(asked: Tasks) -> None:
    """That the runs of each task follow one another."""
    for place, now in enumerate(asked.current(), start=1):
        runs = [asked.record(r) for r in asked.runs(now["Id"])]
        assert runs[-1] == now
        for before, later in pairwise(runs):
            assert before["RunNumber"] < later["RunNumber"]
            assert family_of(before["Status"]).is_settled
            assert before["FinishedTime"] <= later.get("StartedTime", before["FinishedTime"])
        assert {r["Id"] % 1000 for r in runs} == {place}


@given(
    instance_id=living,
    elapsed=seconds,
    words=st.lists(st.sampled_from(["WaitTime", "Running", "Success", "Failure"]), max_size=5),
)
def test_runs_count_on_where_a_test_has_an_instance_run_again(
    instance_id: int, elapsed: float, words: list[str]
) -> None:
    people = Population(FLEET, Faults())
    for word in words:
        elapsed += 20.0
        before = current(instance_id, elapsed, people)
        instance = people.record(instance_id, after(elapsed))
        people.set_status(instance_id, word, after(elapsed))
        asked = tasks(instance_id, elapsed, people)
        check(people.record(instance_id, after(elapsed)), asked.current())
        check_runs(asked)
        is_over = family_of(instance["Status"]).is_settled
        for old, new in zip(before, asked.current(), strict=True):
            if is_over and not family_of(word).is_settled:
                assert old["RunNumber"] < new["RunNumber"]
                assert not old.get("StartedTime") or old in map(asked.record, asked.runs(old["Id"]))
                assert asked.operations(new["Id"])[0]["CreateTime"] == FLEET.moment(after(elapsed))


def test_from_the_first_moment_a_task_has_a_failed_run_before_the_one_that_succeeded() -> None:
    asked = tasks(DONE, 0)
    rerun = [t for t in asked.current() if t["RunNumber"] == 2]
    assert len(rerun) == 1
    assert [r.status for r in asked.runs(rerun[0]["Id"])] == ["Failure", "Success"]


def test_runs_of_long_ago_are_forgotten() -> None:
    asked = tasks(RUNNING, 230 * 1000)
    runs = asked.runs(asked.current()[0]["Id"])
    assert runs[-1].run_number > 1000
    assert len(runs) <= 21


def lengths(instance_id: int) -> dict[str, float]:
    return {t["TaskName"]: (t["FinishedTime"] - t["StartedTime"]) for t in current(instance_id, 0)}


def test_tasks_take_about_as_long_on_each_business_date() -> None:
    earlier = [i for i in FLEET.all_ids if i not in FLEET.ids]
    same = [i for i in earlier if PEOPLE.record(i, START)["WorkflowId"] == 2261034]
    one, two = lengths(same[0]), lengths(same[7])
    assert one.keys() == two.keys()
    assert one != two
    assert all(0.5 < one[name] / two[name] < 2 for name in one)


# Earlier runs


def minutes_of(workflow_id: int) -> list[float]:
    records = [PEOPLE.record(i, START) for i in FLEET.all_ids]
    return [
        (r["FinishedTime"] - r["StartedTime"]) / 60_000
        for r in records
        if r["WorkflowId"] == workflow_id and r["EnvType"] == "Prod" and r["Status"] == "Success"
    ]


def test_the_late_demo_instance_took_18_to_22_minutes_on_14_earlier_dates() -> None:
    took = minutes_of(2261034)
    assert len(took) == 14
    assert 18 <= min(took) < max(took) <= 22
    started = PEOPLE.record(RUNNING, START)["StartedTime"]
    assert (START.timestamp() * 1000 - started) / 60_000 > 40


def test_other_workflows_are_stable_and_some_runs_have_failed() -> None:
    assert max(minutes_of(2261012)) / min(minutes_of(2261012)) < 1.3
    earlier = [PEOPLE.record(i, START) for i in FLEET.all_ids if i not in FLEET.ids]
    assert {r["Status"] for r in earlier} == {"Success", "Failure"}
    assert {r["Type"] for r in earlier} == {"Normal", "TriggerWorkflow"}


@pytest.mark.parametrize("elapsed", [0, 86_400, 200_000_000])
def test_earlier_runs_stay_as_they_are(elapsed: float) -> None:
    for instance_id in FLEET.all_ids[35:]:
        assert PEOPLE.record(instance_id, after(elapsed)) == PEOPLE.record(instance_id, START)


def test_a_workflow_runs_once_on_each_earlier_date_and_no_id_comes_twice() -> None:
    records = [PEOPLE.record(i, START) for i in FLEET.all_ids[35:]]
    keys = Counter((r["WorkflowId"], r["BizDate"]) for r in records)
    assert set(keys.values()) == {1}
    assert len(set(FLEET.all_ids)) == len(FLEET.all_ids) == 35 + len(records)
    for record in records:
        due = record["StartedTime"] - record["BizDate"]
        assert 86_400_000 <= due < 3 * 86_400_000


# Logs


def logs(instance_id: int, elapsed: float) -> dict[int, str]:
    asked = tasks(instance_id, elapsed)
    now = FLEET.moment(after(elapsed))
    return {
        (t["Id"], run.run_number): log_of(run, asked.day, now)
        for t in asked.current()
        for run in asked.runs(t["Id"])[-2:]
    }


@tried(15, 500)
@given(instance_id=living, elapsed=seconds, step=st.floats(0, 30))
def test_a_log_only_grows(instance_id: int, elapsed: float, step: float) -> None:
    before, now = logs(instance_id, elapsed), logs(instance_id, elapsed + step)
    for key in before.keys() & now.keys():
        assert now[key].startswith(before[key])


def test_the_log_of_a_running_task_grows_and_that_of_one_that_waits_is_empty() -> None:
    (task,) = [t for t in current(LONG, 0) if t["Status"] == "Running"]
    key = (task["Id"], task["RunNumber"])
    sizes = [len(logs(LONG, elapsed)[key]) for elapsed in (0, 120, 600)]
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    assert set(logs(WAITING, 0).values()) == {""}


def test_a_failed_task_says_why_at_the_end_of_its_log_and_a_good_one_that_it_is_done() -> None:
    found = logs(RUNNING, 33)
    for task in current(RUNNING, 33):
        text = found[task["Id"], task["RunNumber"]]
        if task["Status"] == "Failure":
            last = text.splitlines()[-5:]
            assert "ERROR FAILED: ODPS-0130071:[1,45] Semantic analysis" in last[0]
            assert "Current task status: ERROR" in last[3]
        elif task["Status"] == "Success" and text:
            assert "Current task status: FINISH" in text
            assert "ERROR" not in text
    assert Family.FAILURE in {family_of(t["Status"]) for t in current(RUNNING, 33)}


# What they wait for


def around(
    task_id: int, direction: Direction, elapsed: float = 0, people: Population = PEOPLE
) -> list[dict]:
    return neighbours(task_id, direction, people, after(elapsed))


@given(
    instance_id=ids, number=st.integers(1, 4), elapsed=seconds, direction=st.sampled_from(Direction)
)
def test_what_a_task_waits_for_is_what_is_held_up_by_it(
    instance_id: int, number: int, elapsed: float, direction: Direction
) -> None:
    task_id, back = instance_id * 1000 + number, DOWN if direction is UP else UP
    for found in around(task_id, direction, elapsed)[:5]:
        mirrored = {t["Id"]: t["StepType"] for t in around(found["Id"], back, elapsed)}
        assert mirrored[task_id] == found["StepType"]


@given(instance_id=living, elapsed=seconds)
def test_no_task_runs_while_one_that_it_waits_for_has_failed(
    instance_id: int, elapsed: float
) -> None:
    for task in current(instance_id, elapsed):
        if "StartedTime" in task:
            awaited = around(task["Id"], UP, elapsed)
            assert "Failure" not in {t["Status"] for t in awaited}


def test_a_waiting_workflow_waits_for_a_failed_and_a_running_task_of_others() -> None:
    elapsed = 40
    assert statuses(IDLE_ID, elapsed).keys() == {"NotRun"}
    first = around(IDLE_ID * 1000 + 1, UP, elapsed)
    assert {t["WorkflowInstanceId"] for t in first} == {RUNNING, LONG}
    assert {t["Status"] for t in first} == {"NotRun"}
    second = [t for one in first for t in around(one["Id"], UP, elapsed)]
    assert {"Failure", "Running"} <= {t["Status"] for t in second}
    mine = PEOPLE.record(IDLE_ID, after(elapsed))
    assert mine["ProjectId"] not in {t["ProjectId"] for t in second}
    assert len({t["Owner"] for t in second}) == 2


def test_some_tasks_wait_for_their_own_run_of_the_day_before() -> None:
    found = [t for n in range(1, 9) for t in around(DONE * 1000 + n, UP)]
    before = [t for t in found if t["StepType"] == "CrossCycle"]
    assert before
    mine = PEOPLE.record(DONE, START)
    assert {(t["WorkflowId"], t["Bizdate"]) for t in before} == {
        (mine["WorkflowId"], mine["BizDate"] - 86_400_000)
    }


def test_a_test_can_add_dependencies_and_close_a_cycle() -> None:
    people = Population(FLEET, Faults())
    first, second = DONE * 1000 + 1, DONE * 1000 + 2
    people.dependencies = [(first, second, "Normal"), (first, first, "CrossCycle")]

    assert [(t["Id"], t["StepType"]) for t in around(first, UP, people=people)] == [
        (first, "CrossCycle"),
        (second, "Normal"),
    ]
    assert first in {t["Id"] for t in around(second, UP, people=people)}


# What was done to them


@given(instance_id=ids, elapsed=seconds)
def test_operations_agree_with_run_numbers_and_with_what_a_task_says_of_the_latest(
    instance_id: int, elapsed: float
) -> None:
    asked = tasks(instance_id, elapsed)
    now = FLEET.moment(after(elapsed))
    for task in asked.current():
        found = asked.operations(task["Id"])
        contents = [each["OperationContent"] for each in found]
        assert ("Rerun" in contents) == (task["RunNumber"] > 1)
        assert task["OperationType"] == (contents[0] if contents else "")
        assert task["ModifyUser"] == (found[0]["User"] if found else task["Owner"])
        times = [each["CreateTime"] for each in found]
        assert times == sorted(times, reverse=True)
        assert all(task["CreateTime"] <= at <= now for at in times)


def test_tasks_were_killed_set_to_success_and_frozen_by_hand() -> None:
    contents = {
        tuple(each["OperationContent"] for each in tasks(instance_id, 0).operations(t["Id"]))
        for instance_id in (BIG_LOG_ID, SET_ID, FROZEN_ID)
        for t in current(instance_id, 0)
    }
    assert {("Rerun", "Kill"), ("SetSuccess", "Rerun"), ("Freeze",)} <= contents
