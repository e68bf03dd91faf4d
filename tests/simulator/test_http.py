"""Which requests the simulator answers: raw requests, signed by the tests' own signer."""

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fakes import START
from hypothesis import given
from hypothesis import strategies as st
from signed_request import Caller, signed_headers

from wfinspect.simulator import DEMO_IDS
from wfinspect.simulator.faults import Refusal
from wfinspect.simulator.http import AccessKey, HttpRequest, Verifier, canonical_request
from wfinspect.simulator.server import TEMPORARY_KEY

GET, LIST = "GetWorkflowInstance", "ListWorkflowInstances"
RUNNING = DEMO_IDS[0]
VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "signature_vectors.json").read_text(encoding="utf-8")
)["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_the_verifier_accepts_every_known_answer_and_no_other(vector: dict) -> None:
    given_headers = vector["signed_headers_in"]
    request = HttpRequest(
        method=vector["request"]["method"],
        path=vector["request"]["path"],
        query=urlencode(vector["request"]["query"] or {}),
        headers={n: v.strip() for n, v in given_headers.items()}
        | {"authorization": vector["authorization"]},
        body=(vector["request"]["body"] or "").encode(),
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
    request = HttpRequest(
        "POST",
        "/",
        "more=1" if flaw == "query" else "",
        headers | ({"x-acs-action": GET} if flaw == "header" else {}),
        urlencode(parameters).encode() + (b"&x=1" if flaw == "body" else b""),
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
