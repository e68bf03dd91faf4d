from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from fakes import START, FakeClock, ms
from hypothesis import given
from hypothesis import strategies as st
from signed_request import Caller, listed

from wfinspect.model import Status, WorkflowInstance, zone_of
from wfinspect.parsing import parse_parameters
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.fleet import HOSTILE_TEXT, REGION, TYPES, Fleet, Record, milliseconds

FIELDS = {
    "Id",
    "WorkflowId",
    "WorkflowTaskInstanceId",
    "UnifiedWorkflowInstanceId",
    "Name",
    "Type",
    "Status",
    "BizDate",
    "ProjectId",
    "EnvType",
    "Owner",
    "CreateTime",
    "ModifyTime",
    "CreateUser",
    "ModifyUser",
    "WorkflowParameters",
    "Tags",
}
TIMES = {"StartedTime", "FinishedTime"}
NEVER_REPORTED = {Status.UNKNOWN, Status.WAIT_TRIGGER}

FLEET = Fleet(epoch=START)
seconds = st.floats(0, 200_000, allow_nan=False)
speeds = st.floats(0.1, 500)
ids = st.sampled_from(FLEET.ids)


def after(elapsed: float) -> datetime:
    return START + timedelta(seconds=elapsed)


def record(instance_id: int, elapsed: float, fleet: Fleet = FLEET) -> dict:
    found = fleet.record(instance_id, after(elapsed))
    assert found is not None
    return found


def test_thirty_instances_with_distinct_eleven_digit_ids() -> None:
    assert len(FLEET.ids) == len(set(FLEET.ids)) == 30
    assert all(len(str(i)) == 11 for i in FLEET.ids)


def test_an_unknown_id_has_no_record() -> None:
    assert FLEET.record(5, START) is None


def test_all_types_environments_and_documented_statuses_appear_within_minutes() -> None:
    seen = defaultdict(set)
    for elapsed in range(0, 420, 2):
        for instance_id in FLEET.ids:
            for field in ("Type", "EnvType", "Status"):
                seen[field].add(record(instance_id, elapsed)[field])
    assert seen["Type"] == set(TYPES)
    assert seen["EnvType"] == {"Prod", "Dev"}
    assert seen["Status"] == {str(s) for s in Status if s not in NEVER_REPORTED}


def test_groups_hold_several_instances_in_three_workspaces_and_dates() -> None:
    found = [record(i, 0) for i in FLEET.ids]
    groups = Counter((r["ProjectId"], r["EnvType"], r["BizDate"]) for r in found)
    assert max(groups.values()) >= 8
    assert len({r["ProjectId"] for r in found}) == 3
    assert len({r["BizDate"] for r in found}) == 3


def test_the_demo_ids_make_a_picture_and_share_one_call() -> None:
    found = [record(i, 0) for i in DEMO_IDS]
    assert [r["Status"] for r in found] == ["Running", "Running", "WaitTime", "Success"]
    assert len({(r["ProjectId"], r["EnvType"], r["BizDate"]) for r in found}) == 1
    long_running = ms(START) - found[1]["StartedTime"]
    assert long_running > 3_600_000


def changes_of(instance_id: int, until: int) -> list[tuple[int, str, str]]:
    words = [record(instance_id, elapsed)["Status"] for elapsed in range(until)]
    return [(at, a, b) for at, (a, b) in enumerate(pairwise(words), start=1) if a != b]


def test_the_first_demo_instance_fails_within_the_minute_and_again_every_few_minutes() -> None:
    failures = [
        at for at, a, b in changes_of(DEMO_IDS[0], 1000) if (a, b) == ("Running", "Failure")
    ]
    assert 25 <= failures[0] <= 40
    assert len(failures) >= 4


def test_a_watcher_of_the_demo_ids_sees_several_changes_in_the_first_minute() -> None:
    assert sum(len(changes_of(i, 60)) for i in DEMO_IDS) >= 3


def test_long_running_settled_and_idle_instances_stay_as_they_are_for_an_hour() -> None:
    still = {
        record(i, 0)["Status"]
        for i in FLEET.ids
        if len({record(i, e)["ModifyTime"] for e in range(0, 3600, 20)}) == 1
    }
    assert {"Running", "Success", "Failure", "NotRun"} <= still


def test_runs_of_the_same_workflow_exist_on_several_business_dates() -> None:
    dates = defaultdict(set)
    for instance_id in FLEET.ids:
        found = record(instance_id, 0)
        dates[found["WorkflowId"]].add(found["BizDate"])
    assert sum(len(d) > 1 for d in dates.values()) >= 3


@given(instance_id=ids)
def test_business_dates_are_midnight_in_the_regions_zone(instance_id: int) -> None:
    at = datetime.fromtimestamp(record(instance_id, 0)["BizDate"] / 1000, UTC)
    assert (at.hour, at.minute, at.second) == (16, 0, 0)


def test_parameters_come_in_both_formats_and_none_and_all_can_be_read() -> None:
    texts = {record(i, 0)["WorkflowParameters"] for i in FLEET.ids}
    assert all(parse_parameters(text) is not None for text in texts)
    assert "" in texts
    assert any(text.startswith("{") and "\n" in text for text in texts)
    assert any("$[yyyy-mm-dd hh24:mi:ss] " in text for text in texts)
    assert not any("%D" in text for text in texts)


def test_tags_are_none_to_six() -> None:
    counts = {len(record(i, 0)["Tags"]) for i in FLEET.ids}
    assert {0, 1, 2, 3, 6} <= counts <= set(range(7))


@given(instance_id=ids, elapsed=seconds, speed=speeds)
def test_the_same_inputs_give_the_same_record_in_a_new_process(
    instance_id: int, elapsed: float, speed: float
) -> None:
    one = Fleet(epoch=START, speed=speed)
    two = Fleet(epoch=START, speed=speed)
    two.record(instance_id, after(elapsed / 2))
    assert record(instance_id, elapsed, one) == record(instance_id, elapsed, two)


@given(instance_id=ids, moments=st.lists(seconds, min_size=2, max_size=8), speed=speeds)
def test_modify_time_never_falls_nor_lies_ahead_and_rises_with_every_change(
    instance_id: int, moments: list[float], speed: float
) -> None:
    fleet = Fleet(epoch=START, speed=speed)
    found = [(m, record(instance_id, m, fleet)) for m in sorted(moments)]
    for elapsed, now in found:
        assert now["CreateTime"] <= now["ModifyTime"] <= milliseconds(after(elapsed))
    for (_, before), (_, now) in pairwise(found):
        assert before["ModifyTime"] <= now["ModifyTime"]
        if before["Status"] != now["Status"]:
            assert before["ModifyTime"] < now["ModifyTime"]


@given(instance_id=ids, elapsed=seconds)
def test_times_fit_the_status(instance_id: int, elapsed: float) -> None:
    found = record(instance_id, elapsed)
    status = Status(found["Status"])
    assert set(found) - TIMES == FIELDS
    match status:
        case Status.SUCCESS | Status.FAILURE:
            assert found["StartedTime"] < found["FinishedTime"] == found["ModifyTime"]
        case Status.RUNNING:
            assert found["StartedTime"] == found["ModifyTime"]
            assert "FinishedTime" not in found
        case Status.CHECKING:
            assert found["StartedTime"] < found["ModifyTime"]
            assert "FinishedTime" not in found
        case _:
            assert not TIMES & set(found)


@given(instance_id=ids, moments=st.lists(seconds, min_size=2, max_size=6))
def test_what_identifies_an_instance_never_changes(instance_id: int, moments: list[float]) -> None:
    found = [record(instance_id, m) for m in moments]
    for field in FIELDS - {"Status", "ModifyTime"}:
        assert all(r[field] == found[0][field] for r in found)


def test_every_run_of_a_rerun_starts_later_than_the_one_before() -> None:
    runs = [
        record(DEMO_IDS[0], e).get("StartedTime", 0)
        for e in range(0, 1000, 5)
        if record(DEMO_IDS[0], e)["Status"] == "Failure"
    ]
    assert runs == sorted(runs)
    assert len(set(runs)) >= 4


@given(speed=speeds)
def test_speed_changes_what_comes_and_not_how_the_fleet_looks_at_first(speed: float) -> None:
    fast = Fleet(epoch=START, speed=speed)
    assert [record(i, 0, fast) for i in fast.ids] == [record(i, 0) for i in FLEET.ids]
    assert record(DEMO_IDS[0], 33 / speed, fast)["Status"] == "Failure"


def test_a_clock_before_the_epoch_gives_the_fleet_as_it_was_born() -> None:
    assert [record(i, -9999) for i in FLEET.ids] == [record(i, 0) for i in FLEET.ids]


def test_extra_instances_come_a_hundred_to_a_workspace() -> None:
    fleet = Fleet(epoch=START, extra=1000)
    extra = fleet.ids[30:]
    groups = Counter(record(i, 0, fleet)["ProjectId"] for i in extra)
    assert len(set(extra)) == 1000
    assert set(groups.values()) == {100}


@pytest.mark.parametrize("speed", [0, -1])
def test_a_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Fleet(epoch=START, speed=speed)


def test_records_name_what_an_instance_holds() -> None:
    ours = {name.title().replace("_", "") for name in WorkflowInstance.__dataclass_fields__}
    assert ours - {"UnknownFields", "Unreadable", "Packed"} == FIELDS | TIMES


GET = "GetWorkflowInstance"
RUNNING, LONG, _, DONE = DEMO_IDS


def texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in texts(item)]
        case dict():
            return [text for item in value.values() for text in texts(item)]
    return []


def test_hostile_text_is_in_every_text_field_and_message(
    caller: Caller, simulator: Simulator, group: dict
) -> None:
    simulator.faults.is_hostile = True
    found = caller.get(RUNNING).json["WorkflowInstance"]
    assert len(texts(found)) == 8 + 2 * 3
    assert all(text.endswith(HOSTILE_TEXT) for text in texts(found))
    assert listed(caller, **group, Ids=f"[{RUNNING}]") == [found]
    assert caller.get(77).json["Message"].endswith(HOSTILE_TEXT)


def test_a_status_that_is_set_stays_with_times_that_fit(
    caller: Caller, simulator: Simulator, clock: FakeClock
) -> None:
    clock.advance(100)
    simulator.set_status(LONG, "Failure")
    found = caller.get(LONG).json["WorkflowInstance"]
    assert found["Status"] == "Failure"
    assert found["FinishedTime"] == found["ModifyTime"] == ms(clock.now())
    clock.advance(100)
    simulator.set_status(LONG, "Running")
    again = caller.get(LONG).json["WorkflowInstance"]
    assert again["StartedTime"] == again["ModifyTime"] == ms(clock.now())
    assert "FinishedTime" not in again
    simulator.set_status(LONG, "WaitTime")
    assert "StartedTime" not in caller.get(LONG).json["WorkflowInstance"]


def test_fields_can_be_changed_and_dropped_and_put_back(
    caller: Caller, simulator: Simulator
) -> None:
    before = caller.get(DONE).json["WorkflowInstance"]
    simulator.population.set_fields(DONE, {"Name": "\ud800", "Owner": None})
    found = caller.get(DONE).json["WorkflowInstance"]
    assert found["Name"] == "\ud800"
    assert "Owner" not in found
    simulator.population.restore(DONE)
    assert caller.get(DONE).json["WorkflowInstance"] == before


def test_an_instance_that_vanishes_is_in_neither_answer(
    caller: Caller, simulator: Simulator, group: dict
) -> None:
    simulator.population.vanish(DONE)
    assert caller.get(DONE).code == "InstanceNotFound"
    assert [i["Id"] for i in listed(caller, **group, Ids=f"[{DONE},{LONG}]")] == [LONG]


def test_a_status_cannot_be_set_for_an_unknown_instance(simulator: Simulator) -> None:
    with pytest.raises(KeyError):
        simulator.set_status(77, "Failure")


HOURLY, DAILY = 2261133, 2261034


def runs_of(fleet: Fleet, workflow: int, now: datetime) -> list[Record]:
    records = [fleet.record(i, now) for i in fleet.ids_at(now)]
    return [r for r in records if r and r["WorkflowId"] == workflow and r["EnvType"] == "Prod"]


def test_new_runs_come_into_being_as_time_passes_and_faster_at_speed() -> None:
    fleet, fast = Fleet(epoch=START), Fleet(epoch=START, speed=10.0)
    before = len(runs_of(fleet, HOURLY, START))
    assert len(runs_of(fleet, HOURLY, START + timedelta(seconds=299))) == before
    assert len(runs_of(fleet, HOURLY, START + timedelta(seconds=601))) == before + 2
    assert len(runs_of(fast, HOURLY, START + timedelta(seconds=61))) == before + 2
    # A moment before knows nothing of it, whatever has been looked at since.
    assert len(runs_of(fleet, HOURLY, START)) == before


def test_each_day_brings_runs_of_its_own_some_late_and_some_missing() -> None:
    fleet = Fleet(epoch=START)
    latest = START + timedelta(days=40)
    runs = [r for r in runs_of(fleet, DAILY, latest) if r["CreateTime"] > ms(START)]
    assert 35 <= len(runs) < 40
    dates = [r["BizDate"] for r in runs]
    assert len(set(dates)) == len(dates)
    newest = max(runs, key=lambda r: r["BizDate"])
    today = latest.astimezone(zone_of(REGION)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert newest["BizDate"] == ms(today - timedelta(days=1))
    took = sorted(r["FinishedTime"] - r["StartedTime"] for r in runs[:-1])
    assert took[-1] > 2 * took[len(took) // 2]
    assert all(r["CreateTime"] < r["StartedTime"] for r in runs[:-1])
