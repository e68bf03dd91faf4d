"""What goes wrong on demand."""

import http.client
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from fakes import START
from signed_request import Caller, signed_headers

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.faults import CODES

GET, LIST = "GetWorkflowInstance", "ListWorkflowInstances"
RUNNING, LONG, _, _ = DEMO_IDS


@pytest.mark.parametrize("code", CODES)
def test_every_error_can_be_had_on_demand_and_ends(
    caller: Caller, simulator: Simulator, code: str
) -> None:
    simulator.faults.add(code, times=2)
    answers = [caller.get(RUNNING) for _ in range(3)]
    assert [a.code for a in answers] == [code, code, "OK"]
    assert answers[0].status == CODES[code][0] >= 400
    assert simulator.calls.counts == {(GET, code): 2, (GET, "OK"): 1}


def test_throttling_may_say_how_long(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("Throttling.User", times=1, retry_after_ms=2500)
    simulator.faults.add("Throttling.User", times=1)
    assert caller.get(RUNNING).headers["x-acs-retry-after"] == "2500"
    assert "x-acs-retry-after" not in caller.get(RUNNING).headers


def test_a_denied_call_carries_its_detail(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("Forbidden.RAM")
    detail = caller.get(RUNNING).json["AccessDeniedDetail"]
    assert detail["NoPermissionType"] == "ImplicitDeny"


def test_a_fault_strikes_its_action_only_until_cleared(
    caller: Caller, simulator: Simulator, group: dict
) -> None:
    simulator.faults.add("403030", action=LIST)
    assert caller.list(**group).code == "403030"
    assert caller.get(RUNNING).code == "OK"
    simulator.faults.clear()
    assert caller.list(**group).code == "OK"


def test_a_struck_call_is_still_verified_and_uses_up_its_nonce(
    caller: Caller, simulator: Simulator
) -> None:
    simulator.faults.add("Throttling", times=1)
    assert caller.get(RUNNING, x_acs_signature_nonce="n").code == "Throttling"
    assert caller.get(RUNNING, x_acs_signature_nonce="n").code == "SignatureNonceUsed"


@pytest.mark.parametrize("kind", ["html", "not-json"])
def test_pages_are_no_json(caller: Caller, simulator: Simulator, kind: str) -> None:
    simulator.faults.add(kind, times=1)
    answer = caller.get(RUNNING)
    assert answer.status == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json  # noqa: B018 - reading it is the test
    assert simulator.calls.counts == {(GET, kind): 1}
    assert caller.get(RUNNING).code == "OK"


def test_an_empty_answer_has_nothing_but_a_request_id(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("empty")
    assert set(caller.get(RUNNING).json) == {"RequestId"}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("close", http.client.RemoteDisconnected), ("reset", ConnectionResetError)],
)
def test_an_outage_leaves_no_answer_and_the_next_call_is_fine(
    caller: Caller, simulator: Simulator, kind: str, error: type[Exception]
) -> None:
    simulator.faults.add(kind, times=1)
    with pytest.raises(error):
        caller.get(RUNNING)
    assert simulator.calls.counts == {(GET, kind): 1}
    assert caller.get(RUNNING).code == "OK"


def test_a_hanging_call_never_answers(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("hang", times=1)
    caller.connection.timeout = 0.2
    with pytest.raises(TimeoutError):
        caller.get(RUNNING)


def test_stopping_ends_a_hanging_call(caller: Caller, simulator: Simulator) -> None:
    caller.get(RUNNING)
    simulator.faults.add("hang")
    headers = signed_headers("GET", {}, b"", host=caller.host, action=GET, at=START)
    caller.connection.request("GET", "/", headers=headers)
    simulator.stop()
    with pytest.raises(ConnectionError):
        caller.connection.getresponse()


def test_a_slow_answer_comes_late_and_whole(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("slow", times=1, seconds=60.0)
    caller.connection.timeout = 0.1
    with pytest.raises(TimeoutError):
        caller.get(RUNNING)
    simulator.faults.add("slow", times=1, seconds=0.05)
    caller.connection.timeout = 60
    assert caller.get(RUNNING).code == "OK"


def test_a_stopped_simulator_refuses_and_goes_on_where_it_was(simulator: Simulator) -> None:
    simulator.set_status(LONG, "Failure")
    port = urlsplit(simulator.url).port
    simulator.stop()
    simulator.stop()
    with pytest.raises(ConnectionRefusedError):
        Caller(simulator.url, START).get(LONG)
    simulator.start()
    caller = Caller(simulator.url, START)
    assert urlsplit(simulator.url).port == port
    assert caller.get(LONG).json["WorkflowInstance"]["Status"] == "Failure"
    caller.close()


def test_a_server_clock_that_is_off_refuses_and_says_its_time(
    caller: Caller, simulator: Simulator
) -> None:
    simulator.faults.clock_offset_seconds = 3600
    answer = caller.get(RUNNING)
    assert answer.code == "InvalidTimeStamp.Expired"
    assert answer.headers["Date"] == "Fri, 18 Sep 2026 07:30:00 GMT"
    assert caller.get(RUNNING, at=START + timedelta(hours=1)).code == "OK"


def test_clearing_ends_faults_and_puts_switches_back(simulator: Simulator) -> None:
    simulator.faults.add("html")
    simulator.faults.is_hostile = True
    simulator.faults.clock_offset_seconds = 60
    simulator.faults.clear()
    assert simulator.faults.take(GET) is None
    assert not simulator.faults.is_hostile
    assert not simulator.faults.clock_offset_seconds


def test_an_unknown_fault_is_a_mistake(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="no fault 'gremlins'"):
        simulator.faults.add("gremlins")
