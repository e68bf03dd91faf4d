"""Known secrets, in any form that a service, a proxy or an exception may quote them in."""

import base64
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import answering, http_answer, raw_server
from run import command
from toxics import ID, saying

from wfinspect.cli import main
from wfinspect.diagnostics import report_crash
from wfinspect.redaction import _secrets, redacted, remember_secrets, without_keys, without_secrets


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    yield
    _secrets.clear()


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=60),
    st.binary(max_size=5),
    st.binary(max_size=5),
)
def test_a_secret_is_found_within_the_base64_of_anything(
    secret: str, before: bytes, after: bytes
) -> None:
    remember_secrets(secret)
    packed = base64.b64encode(before + secret.encode() + after).decode()

    hidden = without_secrets(f"<{packed}>")

    assert "***" in hidden
    # What is left is what stands around it.
    assert len(hidden) - len("<***>") <= 4 * ((len(before) + len(after)) // 3 + 3)


@pytest.mark.parametrize(
    "text",
    [
        "10432987165",
        "5D7A1C9E-0B2F-4A3C-9D8E-1F2A3B4C5D6E",
        "/usr/lib/python3.11/site-packages/textual/widgets/_static.py",
        "dwd_sales_order_detail_daily_20260918",
        "dataworks.cn-shanghai.aliyuncs.com",
    ],
)
def test_what_helps_to_find_the_fault_stays(text: str) -> None:
    assert redacted(f"about {text} now") == f"about {text} now"


@given(st.from_regex(r"[A-Za-z0-9]{30}", fullmatch=True))
def test_a_key_as_the_service_makes_them_is_hidden(secret: str) -> None:
    mixes = (
        any(map(str.islower, secret)),
        any(map(str.isupper, secret)),
        any(map(str.isdigit, secret)),
    )

    assert (secret in redacted(f"bad key {secret}.")) is not all(mixes)


def test_a_token_that_holds_what_looks_like_a_key_is_hidden_whole() -> None:
    token = "Xy1/aB3dE5gH7jK9mN1pQ3sT5vW7/zZ2"

    assert redacted(f"token {token}.") == "token ***"
    assert without_keys(f"token {token}.") == "token Xy1/***/zZ2."


# Not of both cases and with digits, so that nothing but being known gives them away.
SECRET = "correct/horse+battery=staple"
TOKEN = "mellow+yellow/submarine/of-the_sea=="
PASSWORD = "proxy-pass/word"
PARTS = ("horse", "battery", "yellow", "submarine", "pass/word", "pass%2f")

FORMS = {
    "plain": lambda s: s,
    "in a URL": lambda s: quote(s, safe=""),
    "in a URL, slashes kept": quote,
    "in a URL, lower case": lambda s: quote(s, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "in a URL within a URL": lambda s: quote(quote(s, safe=""), safe=""),
    "in a form": lambda s: urlencode({"Token": s}),
    "with spaces for plus": lambda s: s.replace("+", " "),
    "in JSON": lambda s: s.replace("/", r"\/"),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for a URL": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "base64 in a URL": lambda s: quote_plus(base64.b64encode(s.encode()).decode()),
    "base64 behind 1": lambda s: base64.b64encode(f"x{s}".encode()).decode(),
    "base64 behind 2": lambda s: base64.b64encode(f"xy{s}yx".encode()).decode(),
    "base64 of a login": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
}


def is_told(said: str) -> list[str]:
    """The parts of secrets that a text holds, also within its base64."""
    found = [part for part in PARTS if part in said.lower()]
    for offset in range(3):
        for part in PARTS:
            core = base64.b64encode(bytes(offset) + part.encode()).decode()[offset and offset + 1 :]
            core = core.rstrip("=")[:-1]
            found += [core] if core in said else []
    return found


@pytest.mark.parametrize("form", FORMS)
async def test_no_answer_that_quotes_a_secret_is_quoted(form: str, tmp_path: Path) -> None:
    secret, token = FORMS[form](SECRET), FORMS[form](TOKEN)
    answers = [
        http_answer(
            {"Code": f"Odd.{token}", "Message": f"key {secret}.", "RequestId": f"R{secret}"},
            "400 Bad Request",
        ),
        http_answer({"Code": "InvalidParameter", "Message": f"{'x ' * 90}{token}"}, "400 Bad"),
        http_answer(b"", "302 Found", {"Location": f"http://login.corp/?back={token}&{secret}"}),
    ]
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET, "ALIBABA_CLOUD_SECURITY_TOKEN": TOKEN}
    async with raw_server(answering(*answers)) as seen:
        environ = keys | {"WFINSPECT_ENDPOINT": f"http://127.0.0.1:{seen.port}"}
        code, said = await command(environ, tmp_path, "get", "1..3")

    assert code == 2
    assert is_told(said) == [], said
    assert [line.count("***") > 0 for line in said.splitlines()] == [True] * 3, said


@pytest.mark.parametrize("arguments", [("get", str(ID)), ("doctor",)])
async def test_a_proxy_that_quotes_its_password_is_not_quoted(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    login = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    async with raw_server(saying(f"407 Basic {login} {PASSWORD}")) as seen:
        proxy = f"http://user:{quote(PASSWORD, safe='')}@127.0.0.1:{seen.port}"
        _, said = await command({"HTTPS_PROXY": proxy}, tmp_path, *arguments)

    assert "407" in said
    assert is_told(said) == [], said
    assert login not in said


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    yield {
        "HOME": str(tmp_path),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
        "ALIBABA_CLOUD_SECURITY_TOKEN": TOKEN,
    }
    for handler in logging.getLogger("wfinspect").handlers[:]:
        logging.getLogger("wfinspect").removeHandler(handler)
        handler.close()


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize("form", FORMS)
def test_neither_the_log_nor_a_crash_report_holds_a_secret_that_was_used(
    form: str, environ: dict[str, str], tmp_path: Path
) -> None:
    # Nothing listens there; the keys are known once a call was signed.
    assert main(["get", str(ID), "--endpoint", "http://127.0.0.1:9"], environ) == 3
    text = f"signing with {FORMS[form](SECRET)} and {FORMS[form](TOKEN)} failed"

    logging.getLogger("wfinspect").error("A thread died", exc_info=RuntimeError(text))
    report = report_crash(RuntimeError(text), tmp_path)

    assert report is not None
    (log,) = tmp_path.rglob("*.log")
    for written in (report.read_text("utf-8"), log.read_text("utf-8")):
        assert "signing with" in written
        assert is_told(written) == [], written
