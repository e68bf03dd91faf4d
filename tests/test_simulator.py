"""The simulator from outside: raw requests over loopback, signed by the tests' own signer."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from fakes import START, FakeClock, ms
from hypothesis import given
from hypothesis import strategies as st
from signed_request import Caller, signed_headers

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.answers import CODES, Refusal
from wfinspect.simulator.population import HOSTILE_TEXT
from wfinspect.simulator.server import TEMPORARY_KEY
from wfinspect.simulator.verify import AccessKey, Verifier, canonical_request
from wfinspect.simulator.wire import HEAD_LIMIT, Request

GET, LIST = "GetWorkflowInstance", "ListWorkflowInstances"
RUNNING, LONG, WAITING, DONE = DEMO_IDS
VECTORS = json.loads(
    (Path(__file__).parent / "data" / "signature_vectors.json").read_text(encoding="utf-8")
)["vectors"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    with Simulator(clock=clock, extra=30, is_controllable=True) as started:
        yield started


@pytest.fixture
def caller(simulator: Simulator) -> Iterator[Caller]:
    made = Caller(simulator.url, START)
    yield made
    made.close()


@pytest.fixture
def group(caller: Caller) -> dict:
    found = caller.get(RUNNING).json["WorkflowInstance"]
    return {name: found[name] for name in ("ProjectId", "BizDate", "EnvType")}


def listed(caller: Caller, **parameters: object) -> list[dict]:
    answer = caller.list(**parameters)
    assert answer.code == "OK", answer.body
    return answer.json["PagingInfo"]["WorkflowInstances"]


# What a good answer is


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


def test_the_execution_date_is_the_day_after_the_business_date(caller: Caller, group: dict) -> None:
    day = group["BizDate"] + 86_400_000
    whole = listed(caller, **group, PageSize=100)
    assert listed(caller, **group, PageSize=100, Filter=f'{{"executionDate": "{day}"}}') == whole
    assert listed(caller, **group, Filter=f'{{"executionDate": {day + 1}}}') == []


@pytest.mark.parametrize("field", ["StartedTime", "FinishedTime", "CreateTime", "Id"])
def test_sorting_goes_both_ways(caller: Caller, group: dict, field: str) -> None:
    up = [i.get(field, 0) for i in listed(caller, **group, PageSize=100, SortBy=f"{field} Asc")]
    down = [i.get(field, 0) for i in listed(caller, **group, PageSize=100, SortBy=f"{field} Desc")]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)


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
        (LIST, {"ProjectId": 88123, "BizDate": 1, "SortBy": "Name Asc"}, "InvalidSortBy"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": "[]"}, "InvalidFilter"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": '{"status": "Odd"}'}, "InvalidFilter"),
        (LIST, {"ProjectId": 88123, "BizDate": 1, "Filter": "[" * 9999}, "InvalidFilter"),
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


# Who may ask


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_the_verifier_accepts_every_known_answer_and_no_other(vector: dict) -> None:
    given_headers = vector["signed_headers_in"]
    request = Request(
        method=vector["request"]["method"],
        path=vector["request"]["path"],
        query=urlencode(vector["request"]["query"] or {}),
        headers={n: v.strip() for n, v in given_headers.items()}
        | {"authorization": vector["authorization"]},
        body=(vector["request"]["body"] or "").encode(),
        keep_alive=True,
    )
    assert canonical_request(request, vector["signed_headers"]) == vector["canonical_request"]
    inputs = vector["inputs"]
    key = AccessKey(
        inputs["access_key_id"], inputs["access_key_secret"], inputs["security_token"] or ""
    )
    at = START.fromisoformat(given_headers["x-acs-date"])
    assert Verifier({key.id: key}).check(request, at) is key
    other = AccessKey(key.id, key.secret + "x", key.security_token)
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        Verifier({key.id: other}).check(request, at)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    parameters=st.dictionaries(words.filter(bool), words, max_size=5),
    flaw=st.sampled_from(["", "query", "body", "header", "secret"]),
)
def test_only_what_was_signed_is_accepted(parameters: dict[str, str], flaw: str) -> None:
    key = AccessKey("id", "secret")
    headers = signed_headers(
        "POST", {}, urlencode(parameters).encode(), host="h", action=LIST, at=START, key=key
    )
    request = Request(
        "POST",
        "/",
        "more=1" if flaw == "query" else "",
        headers | ({"x-acs-action": GET} if flaw == "header" else {}),
        urlencode(parameters).encode() + (b"&x=1" if flaw == "body" else b""),
        keep_alive=True,
    )
    verifier = Verifier({"id": AccessKey("id", "wrong") if flaw == "secret" else key})
    if flaw:
        with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
            verifier.check(request, START)
    else:
        assert verifier.check(request, START) is key
        assert request.parameters() == parameters


def test_a_wrong_secret_is_refused_and_told_the_string_to_sign(caller: Caller) -> None:
    answer = caller.get(RUNNING, secret="wrong")
    assert answer.code == "SignatureDoesNotMatch"
    assert "server string to sign is:ACS3-HMAC-SHA256" in answer.json["Message"]


def test_an_unknown_key_is_not_found(caller: Caller) -> None:
    answer = caller.get(RUNNING, key=AccessKey("LTAI5tNobody", "x"))
    assert (answer.status, answer.code) == (404, "InvalidAccessKeyId.NotFound")


def test_a_temporary_key_needs_its_token(caller: Caller) -> None:
    assert caller.get(RUNNING, key=TEMPORARY_KEY).code == "OK"
    without = caller.get(RUNNING, key=TEMPORARY_KEY, x_acs_security_token=None)
    assert without.code == "InvalidAccessKeyId.NotFound"
    wrong = caller.get(RUNNING, key=TEMPORARY_KEY, x_acs_security_token="other")
    assert wrong.code == "InvalidSecurityToken.MismatchWithAccessKey"


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        (14.9, "OK"),
        (-14.9, "OK"),
        (15.1, "InvalidTimeStamp.Expired"),
        (-15.1, "InvalidTimeStamp.Expired"),
    ],
)
def test_dates_are_good_for_fifteen_minutes_either_way(
    caller: Caller, minutes: float, code: str
) -> None:
    assert caller.get(RUNNING, at=START + timedelta(minutes=minutes)).code == code


def test_a_malformed_date_is_refused(caller: Caller) -> None:
    assert caller.get(RUNNING, x_acs_date="yesterday").code == "InvalidTimeStamp.Format"


def test_a_nonce_is_good_once_and_a_refused_call_does_not_use_it(caller: Caller) -> None:
    assert caller.get(RUNNING, x_acs_signature_nonce="n", secret="wrong").status == 400
    assert caller.get(RUNNING, x_acs_signature_nonce="n").code == "OK"
    assert caller.get(RUNNING, x_acs_signature_nonce="n").code == "SignatureNonceUsed"
    assert caller.get(RUNNING, x_acs_signature_nonce=None).code == "MissingSignatureNonce"


def test_old_nonces_are_forgotten(clock: FakeClock) -> None:
    key = AccessKey("id", "secret")
    verifier = Verifier({"id": key})

    def check(nonce: str) -> None:
        headers = signed_headers(
            "GET",
            {},
            b"",
            host="h",
            action=GET,
            at=clock.now(),
            key=key,
            x_acs_signature_nonce=nonce,
        )
        verifier.check(Request("GET", "/", "", headers, b"", keep_alive=True), clock.now())

    check("first")
    clock.advance(31 * 60)
    check("second")
    assert list(verifier._nonces) == ["second"]


def test_an_unsigned_required_header_is_refused(caller: Caller) -> None:
    headers = signed_headers("GET", {}, b"", host=caller.host, action=GET, at=START)
    answer = caller.send("GET", "/", b"", headers | {"x-acs-extra": "1"})
    assert answer.code == "SignatureDoesNotMatch"


def test_content_type_may_be_unsigned_only_without_a_body(caller: Caller) -> None:
    unsigned = {"host": caller.host, "action": GET, "at": START, "content_type": None}
    extra = {"content-type": "application/octet-stream"}
    headers = signed_headers("GET", {}, b"", **unsigned) | extra
    assert caller.send("GET", "/", b"", headers).code == "MissingId"
    headers = signed_headers("POST", {}, b"a=b", **unsigned) | extra
    assert caller.send("POST", "/", b"a=b", headers).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "MissingAuthorization"),
        ("Bearer abc", "InvalidSignatureMethod"),
        ("ACS3-HMAC-SM3 Credential=a,SignedHeaders=host,Signature=0", "InvalidSignatureMethod"),
        ("ACS3-HMAC-SHA256 Credential=a", "IncompleteSignature"),
    ],
)
def test_an_authorization_of_another_form_is_refused(
    caller: Caller, authorization: str | None, code: str
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    assert caller.send("GET", "/", b"", headers).code == code


# What goes wrong on demand


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


def test_an_error_may_come_as_xml(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("ServiceUnavailable", is_xml=True)
    answer = caller.get(RUNNING)
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert b"<Code>ServiceUnavailable</Code>" in answer.body


def test_a_fault_strikes_its_action_only_until_removed(
    caller: Caller, simulator: Simulator, group: dict
) -> None:
    fault = simulator.faults.add("403030", action=LIST)
    assert caller.list(**group).code == "403030"
    assert caller.get(RUNNING).code == "OK"
    simulator.faults.remove(fault)
    assert caller.list(**group).code == "OK"


def test_a_struck_call_is_still_verified_and_uses_up_its_nonce(
    caller: Caller, simulator: Simulator
) -> None:
    simulator.faults.add("Throttling", times=1)
    assert caller.get(RUNNING, x_acs_signature_nonce="n").code == "Throttling"
    assert caller.get(RUNNING, x_acs_signature_nonce="n").code == "SignatureNonceUsed"


@pytest.mark.parametrize("kind", ["html", "bad-gateway", "truncated", "not-json"])
def test_pages_are_no_json(caller: Caller, simulator: Simulator, kind: str) -> None:
    simulator.faults.add(kind, times=1)
    answer = caller.get(RUNNING)
    assert answer.status == (502 if kind == "bad-gateway" else 200)
    with pytest.raises(ValueError, match=r"."):
        answer.json  # noqa: B018 - reading it is the test
    assert simulator.calls.counts == {(GET, kind): 1}
    assert caller.get(RUNNING).code == "OK"


def test_an_empty_answer_has_nothing_but_a_request_id(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("empty")
    assert set(caller.get(RUNNING).json) == {"RequestId"}


def test_a_cut_answer_ends_before_its_length(caller: Caller, simulator: Simulator) -> None:
    simulator.faults.add("cut")
    with pytest.raises(http.client.IncompleteRead):
        caller.get(RUNNING)


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
    simulator.faults.add("slow", times=1, seconds=0.3)
    caller.connection.timeout = 0.1
    with pytest.raises(TimeoutError):
        caller.get(RUNNING)
    simulator.faults.add("slow", times=1, seconds=0.05)
    caller.connection.timeout = 5
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


def test_the_business_date_is_strict_until_told_otherwise(
    caller: Caller, simulator: Simulator, group: dict
) -> None:
    wrong_day = {**group, "BizDate": group["BizDate"] - 1, "Ids": f"[{RUNNING}]"}
    assert listed(caller, **wrong_day) == []
    simulator.faults.is_biz_date_strict = False
    assert [i["Id"] for i in listed(caller, **wrong_day)] == [RUNNING]


def test_list_may_ignore_ids(caller: Caller, simulator: Simulator, group: dict) -> None:
    simulator.faults.ignores_ids = True
    assert len(listed(caller, **group, Ids=f"[{RUNNING}]")) > 1


def test_a_stale_answer_is_the_one_of_a_while_ago(
    caller: Caller, simulator: Simulator, clock: FakeClock
) -> None:
    clock.advance(33)
    simulator.faults.add("stale", times=1, seconds=10)
    stale, fresh = (caller.get(RUNNING).json["WorkflowInstance"] for _ in range(2))
    assert (stale["Status"], fresh["Status"]) == ("Running", "Failure")
    assert stale["ModifyTime"] < fresh["ModifyTime"]


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


def test_clearing_ends_faults_and_puts_switches_back(simulator: Simulator) -> None:
    simulator.faults.add("html")
    simulator.faults.is_hostile = True
    simulator.faults.is_biz_date_strict = False
    simulator.faults.clear()
    assert simulator.faults.active == ()
    assert not simulator.faults.is_hostile
    assert simulator.faults.is_biz_date_strict


def test_an_unknown_fault_is_a_mistake(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="no fault 'gremlins'"):
        simulator.faults.add("gremlins")


# What a test changes about an instance


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


# Connections


def test_one_connection_carries_many_calls(caller: Caller, simulator: Simulator) -> None:
    caller.get(RUNNING)
    first = caller.connection.sock
    for _ in range(20):
        caller.get(RUNNING)
    assert caller.connection.sock is first
    assert simulator.calls.count(GET, "OK") == 21
    assert simulator.calls.latest[-1].parameters == {"Id": str(RUNNING)}
    assert simulator.calls.latest[-1].at == START


def test_many_connections_are_served_at_once(simulator: Simulator) -> None:
    callers = [Caller(simulator.url, START) for _ in range(20)]
    threads = [threading.Thread(target=c.get, args=(RUNNING,)) for c in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    for c in callers:
        c.close()
    assert simulator.calls.counts == {(GET, "OK"): 20}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        # As much as is read before the limit is noticed: more would be answered by a reset.
        (b"GET / HTTP/1.1\r\nx: ".ljust(HEAD_LIMIT + 4, b"y"), 431),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(
    simulator: Simulator, raw: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port), 5) as peer:
        peer.sendall(raw)
        answer = peer.makefile("rb").read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_taken_port_is_an_error_at_once(simulator: Simulator, clock: FakeClock) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(clock=clock, port=urlsplit(simulator.url).port or 0).start()


def test_starting_twice_is_a_mistake(simulator: Simulator) -> None:
    with pytest.raises(RuntimeError):
        simulator.start()


def test_nothing_of_it_is_left_after_stopping(clock: FakeClock) -> None:
    before = threading.active_count()
    with Simulator(clock=clock) as simulator:
        caller = Caller(simulator.url, START)
        caller.get(RUNNING)
    caller.close()
    assert threading.active_count() == before


def test_the_environment_points_at_it_and_repr_shows_no_secret(simulator: Simulator) -> None:
    environment = simulator.environment()
    assert environment["WFINSPECT_ENDPOINT"] == simulator.url
    assert environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == simulator.access_key_secret
    assert TEMPORARY_KEY.secret not in repr(TEMPORARY_KEY)
    assert TEMPORARY_KEY.security_token not in repr(TEMPORARY_KEY)


# The control path


def control(
    caller: Caller, method: str, path: str, form: dict | None = None, **headers: str
) -> int:
    body = urlencode(form or {}).encode()
    how = {"content-type": "application/x-www-form-urlencoded", **headers}
    return caller.send(method, path, body, how).status


def test_faults_can_be_set_and_ended_over_http(caller: Caller) -> None:
    form = {"kind": "Throttling.User", "times": 1, "retry_after_ms": 700, "action": GET}
    assert control(caller, "POST", "/_sim/faults", form) == 200
    answer = caller.get(RUNNING)
    assert (answer.code, answer.headers["x-acs-retry-after"]) == ("Throttling.User", "700")
    control(caller, "POST", "/_sim/faults", {"kind": "html"})
    assert control(caller, "DELETE", "/_sim/faults") == 200
    assert caller.get(RUNNING).code == "OK"


def test_switches_and_instances_can_be_set_over_http(caller: Caller, simulator: Simulator) -> None:
    form = {"is_hostile": 1, "is_biz_date_strict": 0, "clock_offset_seconds": 2.5}
    assert control(caller, "POST", "/_sim/switches", form) == 200
    assert simulator.faults.is_hostile is True
    assert simulator.faults.is_biz_date_strict is False
    assert simulator.faults.clock_offset_seconds == 2.5
    control(caller, "DELETE", "/_sim/faults")
    control(caller, "POST", "/_sim/instances", {"id": DONE, "status": "Failure"})
    assert caller.get(DONE).json["WorkflowInstance"]["Status"] == "Failure"
    control(caller, "POST", "/_sim/instances", {"id": DONE, "vanish": 1})
    assert caller.get(DONE).code == "InstanceNotFound"
    control(caller, "POST", "/_sim/instances", {"id": DONE, "restore": 1})
    assert caller.get(DONE).json["WorkflowInstance"]["Status"] == "Success"


def test_the_report_names_calls_faults_and_instances(caller: Caller, simulator: Simulator) -> None:
    caller.get(RUNNING)
    simulator.faults.add("html", action=LIST)
    report = caller.send("GET", "/_sim", b"", {}).json
    assert report["calls"] == [{"action": GET, "code": "OK", "count": 1}]
    assert report["faults"] == [{"kind": "html", "action": LIST, "times": None}]
    assert report["instances"][str(RUNNING)] == "Running"


@pytest.mark.parametrize(
    ("method", "path", "form", "headers", "status"),
    [
        ("POST", "/_sim/faults", {"kind": "gremlins"}, {}, 400),
        ("POST", "/_sim/faults", {"kind": "html", "times": "many"}, {}, 400),
        ("POST", "/_sim/switches", {"is_odd": 1}, {}, 400),
        ("POST", "/_sim/instances", {"id": 77, "status": "Failure"}, {}, 400),
        ("POST", "/_sim/elsewhere", {}, {}, 404),
        ("POST", "/_sim/faults", {"kind": "html"}, {"Origin": "http://example.com"}, 403),
        ("POST", "/_sim/faults", {"kind": "html"}, {"Host": "rebound.example.com"}, 403),
    ],
)
def test_a_wrong_control_call_changes_nothing(
    caller: Caller,
    simulator: Simulator,
    method: str,
    path: str,
    form: dict,
    headers: dict,
    status: int,
) -> None:
    assert control(caller, method, path, form, **headers) == status
    assert simulator.faults.active == ()


def test_the_control_path_is_closed_unless_asked_for(clock: FakeClock) -> None:
    with Simulator(clock=clock) as simulator:
        caller = Caller(simulator.url, START)
        assert control(caller, "POST", "/_sim/faults", {"kind": "html"}) == 400
        assert simulator.faults.active == ()
        caller.close()
