import json
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st
from raw_client import client_of

from wfinspect.dataworks.credentials import Credentials
from wfinspect.dataworks.signing import (
    ALGORITHM,
    Acs3Auth,
    canonical_headers,
    canonical_query,
    canonical_request,
    signature,
    string_to_sign,
)

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "signature_vectors.json").read_text(encoding="utf-8")
)["vectors"]
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONCE = "0123456789abcdef0123456789abcdef"
KEYS = Credentials("LTAI5tEXAMPLEAccessKeyId", "EXAMPLEaccessKeySecret/+=0123")


def test_there_are_eighteen_vectors() -> None:
    assert len(VECTORS) == 18


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vector_is_reproduced_step_by_step(vector: dict[str, Any]) -> None:
    request = vector["request"]
    query = list((request["query"] or {}).items())
    headers = list(vector["signed_headers_in"].items())

    assert canonical_query(query) == vector["canonical_query"]
    assert canonical_headers(headers) == (vector["canonical_headers"], vector["signed_headers"])
    canonical = canonical_request(
        request["method"], request["path"], query, headers, vector["payload_sha256"]
    )
    assert canonical == vector["canonical_request"]
    assert string_to_sign(canonical) == vector["string_to_sign"]
    secret = vector["inputs"]["access_key_secret"]
    assert signature(secret, vector["string_to_sign"]) == vector["signature"]


def signed(request: httpx.Request, keys: Credentials = KEYS) -> httpx.Request:
    return next(Acs3Auth(keys, lambda: AT, lambda: NONCE).auth_flow(request))


@pytest.mark.parametrize(
    "name", ["get-workflow-instance", "get-workflow-instance-sts-no-akid-header", "vpc-host",
             "query-special-ascii", "query-non-ascii", "query-empty-value", "form-body",
             "form-body-special"],
)  # fmt: skip
def test_auth_signs_a_whole_httpx_request_as_the_vector_does(name: str) -> None:
    vector = next(v for v in VECTORS if v["name"] == name)
    given_headers = vector["signed_headers_in"]
    inputs, body = vector["inputs"], vector["request"]["body"]
    keys = Credentials(
        inputs["access_key_id"], inputs["access_key_secret"], inputs["security_token"] or ""
    )
    headers = {
        header: given_headers[header]
        for header in ("x-acs-action", "x-acs-version", "content-type")
        if header in given_headers
    }
    request = httpx.Request(
        vector["request"]["method"],
        f"https://{given_headers['host']}/",
        params=vector["request"]["query"] or None,
        headers=headers,
        content=body.encode() if body else None,
    )

    assert signed(request, keys).headers["authorization"] == vector["authorization"]


def test_each_attempt_gets_a_new_date_and_nonce() -> None:
    dates = iter([AT, AT.replace(second=6)])
    nonces = iter(["first", "second"])
    auth = Acs3Auth(KEYS, lambda: next(dates), lambda: next(nonces))
    request = httpx.Request("GET", "https://dataworks.cn-shanghai.aliyuncs.com/?Id=1")

    first = dict(next(auth.auth_flow(request)).headers)
    second = dict(next(auth.auth_flow(request)).headers)

    assert (first["x-acs-date"], first["x-acs-signature-nonce"]) == (
        "2026-01-02T03:04:05Z",
        "first",
    )
    assert second["x-acs-date"] == "2026-01-02T03:04:06Z"
    assert second["x-acs-signature-nonce"] == "second"
    assert first["authorization"] != second["authorization"]


@pytest.mark.battery
async def test_a_million_attempts_have_a_million_nonces() -> None:
    async with client_of("http://127.0.0.1:1") as client:
        auth = Acs3Auth(KEYS, lambda: AT, client._nonce)
        request, seen = httpx.Request("GET", "https://h/?Id=1"), set()
        for _ in range(1_000_000):
            next(auth.auth_flow(request))
            seen.add(request.headers["x-acs-signature-nonce"])

    assert len(seen) == 1_000_000


def test_headers_that_a_proxy_may_rewrite_are_not_signed() -> None:
    request = httpx.Request(
        "GET", "https://h/?Id=1", headers={"user-agent": "x", "accept": "*/*", "x-acs-action": "A"}
    )

    names = signed(request).headers["authorization"].split("SignedHeaders=")[1].split(",")[0]

    assert names == "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce"


def test_a_security_token_is_sent_and_signed() -> None:
    keys = Credentials("STS.abc", "secret", "token/with==special")

    headers = signed(httpx.Request("GET", "https://h/?Id=1"), keys).headers

    assert headers["x-acs-security-token"] == "token/with==special"
    assert "x-acs-security-token" in headers["authorization"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARAMETERS = st.dictionaries(st.text(string.ascii_letters + "._", min_size=1, max_size=8), TEXT)


@given(PARAMETERS)
def test_the_order_of_parameters_and_headers_changes_nothing(parameters: dict[str, str]) -> None:
    pairs = list(parameters.items())

    assert canonical_query(pairs) == canonical_query(pairs[::-1])
    ascii_pairs = [(name, "v") for name, _ in pairs]
    assert canonical_headers(ascii_pairs) == canonical_headers(ascii_pairs[::-1])


@given(PARAMETERS)
def test_a_canonical_query_is_plain_ascii_that_decodes_to_what_went_in(
    parameters: dict[str, str],
) -> None:
    encoded = canonical_query(parameters.items())

    assert encoded.isascii()
    assert "+" not in encoded
    assert dict(httpx.QueryParams(encoded)) == parameters


@pytest.fixture(scope="module")
def official_signer() -> Any:  # noqa: ANN401 - the SDK is untyped
    utils = pytest.importorskip("alibabacloud_tea_openapi.utils")
    return utils.Utils.get_authorization


# The SDK's modules use what the standard library has deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@tried(100, 50_000)
@given(
    parameters=PARAMETERS,
    is_form=st.booleans(),
    token=st.text(string.ascii_letters + string.digits + "+/=", max_size=40),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30),
    host=st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){1,3}(:[1-9][0-9]{1,3})?", fullmatch=True),
)
def test_the_official_signer_agrees_on_any_request(
    official_signer: Any,  # noqa: ANN401
    parameters: dict[str, str],
    is_form: bool,
    token: str,
    secret: str,
    host: str,
) -> None:
    content_type = {"content-type": "application/x-www-form-urlencoded"} if is_form else {}
    request = httpx.Request(
        "POST" if is_form else "GET",
        f"https://{host}/",
        params=None if is_form else parameters,
        data=parameters if is_form else None,
        headers={"x-acs-action": "GetWorkflowInstance", "x-acs-version": "2024-05-18"}
        | content_type,
    )
    if is_form:
        request.read()

    ours = signed(request, Credentials("LTAI", secret, token)).headers

    names = ours["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    theirs = official_signer(
        _TeaRequest(
            request.method,
            {} if is_form else parameters,
            {name: ours[name] for name in names},
        ),
        ALGORITHM,
        ours["x-acs-content-sha256"],
        "LTAI",
        secret,
    )
    assert ours["authorization"] == theirs


class _TeaRequest:
    pathname = "/"

    def __init__(self, method: str, query: dict[str, str], headers: dict[str, str]) -> None:
        self.method = method
        self.query = query
        self.headers = headers
