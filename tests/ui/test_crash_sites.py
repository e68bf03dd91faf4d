"""A bug anywhere: the program ends with 70 or names it and goes on; no secret is left anywhere.

Every site of `crash_site` by every kind of key in the battery; one of each sort in the default run.
"""

import base64
import binascii
import json
import quopri
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from crash_site import ASIDE, ENDS, WATCH
from pty_session import PtySession, python

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.server import KEY, TEMPORARY_KEY

PROGRAM = str(Path(__file__).parents[1] / "support" / "crash_site.py")
KINDS = ("key", "token", "profile")
QUICK = {
    ("rendering a row", "token"),
    ("writing", "key"),
    ("reading keys", "key"),
    ("signer", "key"),
    ("poller", "profile"),
    ("thread", "key"),
}
INSTANCE = DEMO_IDS[0]


@pytest.fixture(scope="module")
def service() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def cases() -> list[object]:
    every = [(site, kind) for site in (*ENDS, *WATCH, *ASIDE) for kind in KINDS]
    return [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.battery) for case in every
    ]


@pytest.mark.parametrize(("site", "kind"), cases())
def test_a_bug_leaves_no_secret_behind(
    site: str, kind: str, service: Simulator, tmp_path: Path
) -> None:
    home, state = tmp_path / "user", tmp_path / "state"
    home.mkdir()
    environ = service.environment() | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    options = ["--interval", "2", "--state-dir", str(state), "--log-level", "DEBUG"]
    if kind == "profile":
        options += ["--profile", "canary", "--region", environ.pop("WFINSPECT_REGION")]
        write_profile(home, environ)
    if kind == "token":
        environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = TEMPORARY_KEY.id
        environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = TEMPORARY_KEY.secret
        environ["ALIBABA_CLOUD_SECURITY_TOKEN"] = TEMPORARY_KEY.security_token
    key = TEMPORARY_KEY if kind == "token" else KEY
    environ["TEST_SECRET"], environ["TEST_TOKEN"] = key.secret, key.security_token
    write_command(home)
    options += ["--config", str(home / "config.toml")]
    with PtySession(
        python(PROGRAM, site, *options, str(INSTANCE)), home=home, env=environ
    ) as session:
        arguments = Path(f"/proc/{session.process.pid}/cmdline").read_bytes()
        if site in {"key", "command"}:
            session.wait_for("live")
            session.press("?")
        if site not in ENDS:
            session.wait_for(
                "internal error|can't be saved|can't be used" if site in WATCH else "live"
            )
        if site == "messenger":
            session.press("ctrl+p")
            session.wait_for("type to narrow")
            session.send(b"try")
            session.wait_for("try the notifications")
            session.read_for(0.5)  # an Enter close behind letters is part of a paste
            session.press("enter")
            session.wait_for("was not run: RuntimeError")
        if site not in ENDS:
            session.read_for(0.3)
            session.press("ctrl+q")
        code = session.wait_exit()
        assert session.modes_left_on() == []
        assert session.termios() == session.termios_before
        said = bytes(session.log) + session.text().encode()
    assert code == (70 if site in ENDS else 0)
    assert b"Traceback" not in said
    for secret in filter(None, (key.secret, key.security_token)):
        assert not found(secret, said), "on the screen"
        assert not found(secret, arguments), "among the arguments"
        for path in tmp_path.rglob("*"):
            if path.is_file() and path.parent.name != ".aliyun":
                assert not found(secret, path.read_bytes()), path


def write_profile(home: Path, environ: dict[str, str]) -> None:
    profile = {
        "name": "canary",
        "mode": "AK",
        "access_key_id": environ.pop("ALIBABA_CLOUD_ACCESS_KEY_ID"),
        "access_key_secret": environ.pop("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    }
    (home / ".aliyun").mkdir()
    config = json.dumps({"current": "canary", "profiles": [profile]})
    (home / ".aliyun" / "config.json").write_text(config)


def write_command(home: Path) -> None:
    """A notification command that leaves its environment and arguments behind."""
    script = home / "tell"
    script.write_text(f'#!/bin/sh\nenv > "{home}/environment"\necho "$@" > "{home}/arguments"\n')
    script.chmod(0o700)
    command = json.dumps([str(script), "{message}"])
    (home / "config.toml").write_text(f'[notify]\ncommand = {command}\nrule = "any"\n')


def found(secret: str, where: bytes) -> bool:
    """Whether a secret is there, as it is or in one of six other forms."""
    data = secret.encode()
    forms = {
        data,
        data[::-1],
        base64.b64encode(data).rstrip(b"="),
        binascii.hexlify(data),
        quote(secret, safe="").encode(),
        json.dumps(secret, ensure_ascii=True).encode()[1:-1],
        quopri.encodestring(data).rstrip(b"=\n"),
    }
    return any(form in where for form in forms)
