import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.dataworks.failures import (
    MAX_RETRY_AFTER,
    MEANINGS,
    failure_of,
    has_code,
    http_date,
    retry_after_seconds,
)
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ClockSkew,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
)
from wfinspect.model import InstanceId
from wfinspect.redaction import remember_secrets

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = datetime(2026, 9, 18, 6, 30, tzinfo=UTC)
ID = InstanceId(10432987165)


def failure(
    code: str = "",
    status: int = 400,
    *,
    message: str = "",
    headers: Mapping[str, str] | None = None,
) -> ServiceError:
    body = json.dumps({"Code": code, "Message": message, "RequestId": "REQ-1"}).encode()
    return failure_of(status, headers or {}, body, now=NOW, requested_id=ID)


CODES = {
    "InvalidAccessKeyId.NotFound": Refused,
    "InvalidAccessKeyId.Inactive": Refused,
    "SignatureDoesNotMatch": Refused,
    "IncompleteSignature": Refused,
    "InvalidSignatureMethod": Refused,
    "SignatureNonceUsed": ServiceTrouble,
    "InvalidTimeStamp.Expired": ClockSkew,
    "InvalidTimeStamp.Format": ClockSkew,
    "IllegalTimestamp": ClockSkew,
    "InvalidSecurityToken.Expired": Refused,
    "InvalidSecurityToken.Malformed": Refused,
    "SecurityTokenExpired": Refused,
    "Throttling": Throttled,
    "Throttling.User": Throttled,
    "Throttling.Api": Throttled,
    "Throttling.System": Throttled,
    "9990020002": Throttled,
    "Throttling.Api.Risk": DailyLimit,
    "Throttling.Resource": DailyLimit,
    "QuotaExceeded.Api": DailyLimit,
    "ServiceUnavailable": ServiceTrouble,
    "ServiceUnavailableTemporary": ServiceTrouble,
    "InternalError": ServiceTrouble,
    "InternalFailure": ServiceTrouble,
    "InternalError.System": ServiceTrouble,
    "InternalError.UserId.Missing": ServiceTrouble,
    "MissingParameter": BadRequest,
    "MissingId": BadRequest,
    "InvalidParameter": BadRequest,
    "InvalidPageSize": BadRequest,
    "9990030003": BadRequest,
    "58014884415": BadRequest,
    "1201111431": BadRequest,
    "InvalidApi.NotFound": BadRequest,
    "InvalidAction.NotFound": BadRequest,
    "InvalidVersion": BadRequest,
    "InvalidProduct.NotFound": BadRequest,
    "InvalidProtocol.NeedSsl": BadRequest,
    "UnsupportedHTTPMethod": BadRequest,
    "InvalidProject.NotFound": BadRequest,
    "ProjectNotFound": BadRequest,
    "Forbidden.RAM": Refused,
    "Forbidden": Refused,
    "NoPermission": Refused,
    "Forbidden.RiskControl": Refused,
    "Forbbiden.SubUser": Refused,
    "Forbidden.Access": Refused,
    "Forbidden.Wkbench.ProjectNoPermission": Refused,
    "Forbidden.Wkbench.BaselineNoPermission": Refused,
    "403030": Refused,
    "InsufficientBalance": Refused,
    "9990010001": Refused,
    "Forbidden.Not.Server": Refused,
    "ResourceNotAuthorized.Api": Refused,
    "Unauthorized": Refused,
    "AccessDenied.NoMember": Refused,
    "InstanceNotFound": NotFound,
    "InvalidInstance.NotFound": NotFound,
    "WorkflowInstanceNotExist": NotFound,
}


@pytest.mark.parametrize(("code", "kind"), CODES.items(), ids=list(CODES))
def test_the_code_decides_whatever_the_status(code: str, kind: type[ServiceError]) -> None:
    for status in (400, 403, 404, 500):
        error = failure(code, status)

        assert type(error) is kind
        assert error.code == code
        assert error.cause == ("not found" if kind is NotFound else code)
        assert str(error).endswith("(RequestId REQ-1)")


def test_every_code_of_the_table_is_tested() -> None:
    for pattern in MEANINGS:
        assert any(re.fullmatch(pattern, code) for code in CODES), pattern


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_one_sentence_that_names_it_and_says_what_to_do(code: str) -> None:
    sentence = failure(code).sentence

    if CODES[code] is not NotFound:
        assert code in sentence
    assert ":" in sentence
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert ". " not in sentence


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequest), (401, Refused), (403, Refused), (404, NotFound), (409, BadRequest),
     (429, Throttled), (500, ServiceTrouble), (503, ServiceTrouble), (200, BadRequest)],
)  # fmt: skip
def test_the_status_decides_about_a_code_that_is_not_known(
    status: int, kind: type[ServiceError]
) -> None:
    assert type(failure("Strange.Thing", status)) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("The workflow instance does not exist.", NotFound),
        ("instance [77] not found", NotFound),
        ("工作流实例 77 不存在", NotFound),
        ("The project of the instance is invalid", BadRequest),
        ("The parameter Id is not valid", BadRequest),
    ],
)
def test_a_general_code_may_stand_for_an_unknown_instance(
    message: str, kind: type[ServiceError]
) -> None:
    assert type(failure("InvalidParameter", message=message)) is kind


def test_a_list_that_finds_nothing_is_not_found_too() -> None:
    error = failure_of(404, {}, b'{"Code":"InstanceNotFound"}', now=NOW)

    assert isinstance(error, NotFound)
    assert "none of the instances" in error.sentence


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "says"),
    [
        (502, {}, b"<html>bad gateway</html>", ServiceTrouble, "HTTP 502"),
        (503, {}, b"", ServiceTrouble, "HTTP 503"),
        (500, {}, b'{"a":1}', ServiceTrouble, "HTTP 500"),
        (429, {"retry-after": "7"}, b"slow down", Throttled, "no more calls"),
        (407, {}, b"<html>", Unreachable, "HTTPS_PROXY"),
        (302, {"location": "http://login.corp/"}, b"", BadAnswer, "login.corp"),
        (403, {}, b"<html>blocked</html>", BadAnswer, "login page"),
        (404, {}, b"", BadAnswer, "HTTP status 404"),
        (204, {}, b"", BadAnswer, "HTTP status 204"),
        (999, {}, b"", BadAnswer, "HTTP status 999"),
        (400, {}, b'{"Code": null}', BadAnswer, "HTTP status 400"),
        (400, {}, b'{"Code": ["x"]}', BadAnswer, "HTTP status 400"),
        (400, {}, b"[" * 100_000, BadAnswer, "HTTP status 400"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_the_services_is_told_from_one_that_is(
    status: int, headers: dict[str, str], body: bytes, kind: type[ServiceError], says: str
) -> None:
    error = failure_of(status, headers, body, now=NOW)

    assert type(error) is kind
    assert says in str(error)


def test_an_xml_error_is_read_too() -> None:
    error = failure_of(400, {}, (SAMPLES / "error.xml").read_bytes(), now=NOW)

    assert isinstance(error, Throttled)
    assert (error.code, error.request_id[:8]) == ("Throttling.User", "0BFC5C5A")


def test_lower_case_names_are_read_too() -> None:
    body = b'{"code":"Throttling.User","message":"m","requestId":"REQ-2"}'

    error = failure_of(400, {}, body, now=NOW)

    assert (error.code, error.request_id) == ("Throttling.User", "REQ-2")


def test_a_code_that_is_a_number_is_read_too() -> None:
    assert isinstance(failure_of(200, {}, b'{"Code":403030}', now=NOW), Refused)


def test_the_request_id_may_stand_in_a_header() -> None:
    error = failure_of(400, {"x-acs-request-id": "REQ-3"}, b'{"Code":"Throttling"}', now=NOW)

    assert error.request_id == "REQ-3"


def test_a_permission_error_names_the_missing_action_and_quotes_the_service() -> None:
    body = (SAMPLES / "error_permission.json").read_bytes()

    sentence = failure_of(403, {}, body, now=NOW, requested_id=ID).sentence

    assert "dataworks:GetWorkflowInstance" in sentence
    assert "User not authorized" in sentence


def test_the_quoted_string_to_sign_is_not_shown() -> None:
    body = (SAMPLES / "error_signature.json").read_bytes()

    error = failure_of(403, {}, body, now=NOW, requested_id=ID)

    assert "string to sign" not in str(error)
    assert "CANARY" not in str(error)


def test_a_secret_that_the_service_quotes_is_masked() -> None:
    body = b'{"Code":"InvalidParameter","Message":"bad CANARY-SECRET in request"}'

    remember_secrets("", "CANARY-SECRET")
    error = failure_of(400, {}, body, now=NOW)

    assert "It says: bad *** in request" in str(error)


def test_text_of_the_service_cannot_drive_a_terminal_or_run_on() -> None:
    message = "\x1b]52;c;AAAA\x07\u202e" + "x" * 5000

    sentence = str(failure("Invalid\x1b[2J", message=message))

    assert sentence.isprintable()
    assert len(sentence) < 500


def test_throttling_tells_how_long_to_wait() -> None:
    error = failure("Throttling.User", headers={"x-acs-retry-after": "2500"})

    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 2.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-acs-retry-after": "1500", "retry-after": "9"}, 1.5),
        ({"x-acs-retry-after": "-5"}, None),
        ({"x-acs-retry-after": "0", "retry-after": "9"}, 9.0),
        ({"x-acs-retry-after": "soon"}, None),
        ({"x-acs-retry-after": "99999999"}, MAX_RETRY_AFTER),
        ({"retry-after": "Fri, 18 Sep 2026 06:30:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 18 Sep 2026 06:00:00 GMT"}, None),
        ({"retry-after": "1e9"}, None),
    ],
)
def test_the_wait_is_taken_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("date", "says"),
    [
        ("Fri, 18 Sep 2026 06:51:00 GMT", "21m00s behind"),
        ("Fri, 18 Sep 2026 06:09:00 GMT", "21m00s ahead of"),
        ("", "refuses the date"),
        ("yesterday", "refuses the date"),
    ],
)
def test_a_refused_date_says_how_far_the_clock_is_off(date: str, says: str) -> None:
    error = failure("InvalidTimeStamp.Expired", headers={"date": date})

    assert isinstance(error, ClockSkew)
    assert says in error.sentence


def test_a_date_without_a_zone_is_taken_for_utc() -> None:
    assert http_date("Fri, 18 Sep 2026 06:30:00 -0000") == NOW


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"Code":"Forbidden"}', True),
        (b'{"ErrorCode":"1201111431","Success":false}', True),
        (b'{"Code":"200"}', False),
        (b'{"Code":"OK"}', False),
        (b'{"RequestId":"x"}', False),
        (b"<html>", False),
    ],
)
def test_an_error_behind_a_good_status_is_noticed(body: bytes, expected: bool) -> None:
    assert has_code(body) is expected


@tried(200, 50_000)
@given(
    st.integers(100, 999),
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=30).map(lambda text: f"<html><title>{text}</title>".encode()),
        st.dictionaries(
            st.sampled_from(["Code", "code", "Message", "RequestId", "AccessDeniedDetail"]),
            st.recursive(
                st.none() | st.booleans() | st.text(max_size=30) | st.integers() | st.floats(),
                lambda odd: (
                    st.lists(odd, max_size=2)
                    | st.dictionaries(st.sampled_from(["AuthAction", "Code"]), odd)
                ),
                max_leaves=4,
            ),
        ).map(lambda fields: json.dumps(fields).encode()),
    ),
    st.dictionaries(st.sampled_from(["date", "retry-after", "x-acs-retry-after"]), st.text()),
)
def test_any_answer_becomes_one_printable_sentence(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    error = failure_of(status, headers, body, now=NOW, requested_id=ID)

    assert isinstance(error, ServiceError)
    assert str(error).isprintable()
