"""Known secrets, in any form that a service, a proxy or an exception may quote them in."""

import base64
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from raw_server import answering, http_answer, raw_server
from test_behind_a_proxy import command, saying
from toxics import ID

from wfinspect.cli import main
from wfinspect.crash import report_crash
from wfinspect.redaction import _secrets

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


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    yield
    _secrets.clear()
