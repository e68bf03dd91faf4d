"""Instances in disguise, and what a test may change about one."""

import pytest
from fakes import FakeClock, ms
from signed_request import Caller, listed

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.fleet import HOSTILE_TEXT

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


def test_novel_words_and_fields_can_be_had(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.is_novel = True
    found = caller.get(RUNNING).json["WorkflowInstance"]
    assert (found["Status"], found["Type"], found["Priority"]) == ("Suspended", "Stream", 7)


def test_untidy_answers_hold_the_same_in_other_clothes(
    caller: Caller, simulator: Simulator
) -> None:
    simulator.faults.is_untidy = True
    found = caller.get(RUNNING).json["WorkflowInstance"]
    assert found["Id"] == str(RUNNING)
    assert found["Status"] == "Running\n"
    assert found["FinishedTime"] == 0
    assert caller.get(10433007790).json["WorkflowInstance"]["Tags"] is None


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
