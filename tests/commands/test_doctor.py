import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import listed
from raw_server import make_certificate, raw_server, server_context
from run import service_findings

from wfinspect.cli import main
from wfinspect.clock import SystemClock
from wfinspect.commands import doctor as doctor_module
from wfinspect.commands.doctor import Check, Found, Level, findings
from wfinspect.errors import NotFound
from wfinspect.model import InstanceKey, Target
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.terminal import announcement
from wfinspect.watching.notifications import TRIAL
from wfinspect.watching.store import Changes, Store

SECRET = "SimulatorSecretIsNoSecret00000"


class Doctor:
    """Runs the command and keeps what it found."""

    def __init__(self, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        self.environ = environ
        self.out = ""
        self._capsys = capsys

    def __call__(self, *arguments: str) -> dict[str, tuple[str, str]]:
        self.code = main(["doctor", "--json", *arguments], self.environ)
        self.out, err = self._capsys.readouterr()
        assert err == ""
        assert SECRET not in self.out
        return {each["check"]: (each["level"], each["text"]) for each in json.loads(self.out)}

    def failed(self, *arguments: str) -> set[str]:
        return {name for name, (level, _) in self(*arguments).items() if level == "failure"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=SystemClock()) as running:
        yield running


@pytest.fixture
def doctor(simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    places = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_STATE_HOME": str(tmp_path / "s")}
    here = {"HOME": str(tmp_path), "TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": "/usr/bin"}
    return Doctor(simulator.environment() | places | here, capsys)


def notify(doctor: Doctor, text: str) -> None:
    path = Path(doctor.environ["XDG_CONFIG_HOME"], "wfinspect", "config.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[notify]\n{text}\n")


def watch_one(doctor: Doctor, simulator: Simulator) -> None:
    """Have an instance on the list."""
    target = Target("(env)", "cn-shanghai", simulator.url)
    key = InstanceKey(target, DEMO_IDS[0])
    # Added by a command, it was not read yet.
    row = listed(key, 1.0)
    store = Store(Path(doctor.environ["XDG_STATE_HOME"], "wfinspect"), SystemClock().now)
    store.save(Changes(added={key: row}))
    store.close()


def test_all_well_is_a_line_each_and_counts_its_calls(doctor: Doctor, simulator: Simulator) -> None:
    watch_one(doctor, simulator)

    found = doctor()

    assert doctor.code == 0
    assert {name for name, (level, _) in found.items() if level != "ok"} == {"terminal"}
    assert found["credentials"][1].startswith("key LTAI***, profile (env)")
    assert f"; {DEMO_IDS[0]} is " in found["GetWorkflowInstance"][1]
    assert found["ListWorkflowInstances"][1].startswith("permitted, ")
    assert simulator.calls.count() == 2
    assert found["calls"][1] == "2 today of a budget of 3,000, 2 of them by these checks"
    assert doctor()["calls"][1].startswith("4 today")


def test_lines_for_a_person_hold_the_same(
    doctor: Doctor, capsys: pytest.CaptureFixture[str]
) -> None:
    found = doctor()

    assert main(["doctor"], doctor.environ) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()

    assert err == f"wfinspect: None of {len(lines)} checks failed.\n"
    assert [line.split()[:2] for line in lines] == [[level, n] for n, (level, _) in found.items()]


def test_an_id_that_nobody_has_shows_the_permission(doctor: Doctor) -> None:
    found = doctor()

    assert found["GetWorkflowInstance"][0] == "ok"
    assert found["GetWorkflowInstance"][1].startswith("permitted, ")
    assert found["ListWorkflowInstances"] == (
        "skipped",
        "needs a watched instance: watch one with `wfinspect ID`, then repeat this",
    )


def test_a_refused_key_fails_one_check_and_hides_no_other(
    doctor: Doctor, simulator: Simulator
) -> None:
    simulator.faults.add("InvalidAccessKeyId.NotFound")

    assert doctor.failed() == {"GetWorkflowInstance"}
    assert doctor.code == 1


def test_a_wrong_secret_is_told_without_quoting_it(doctor: Doctor) -> None:
    doctor.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "canary-secret"

    assert doctor.failed() == {"GetWorkflowInstance"}
    assert "canary-secret" not in doctor.out


def test_without_credentials_the_way_is_checked_all_the_same(doctor: Doctor) -> None:
    del doctor.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    doctor.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"

    found = doctor()

    assert doctor.code == 1
    assert "aliyun configure" in found["credentials"][1]
    skipped = "skipped", "not tried, since credentials failed: see above"
    assert found["GetWorkflowInstance"] == found["ListWorkflowInstances"] == skipped
    assert found["connection"][0] == "ok"
    assert found["clock"] == ("skipped", "not known, since no answer came: see above")


@pytest.mark.parametrize(("ahead", "words"), [(1200, "behind"), (-1200, "ahead of")])
def test_a_clock_that_is_off_is_a_warning_that_says_which_way(
    doctor: Doctor, simulator: Simulator, ahead: float, words: str
) -> None:
    simulator.faults.clock_offset_seconds = ahead

    found = doctor()

    assert found["clock"][0] == "warning"
    assert words in found["clock"][1]
    assert "timedatectl" in found["clock"][1]
    assert found["GetWorkflowInstance"][0] == "ok"
    assert simulator.calls.count() == 2
    assert "2 of them by these checks" in found["calls"][1]


def test_an_unreachable_service_fails_what_needs_it(doctor: Doctor, simulator: Simulator) -> None:
    simulator.stop()

    found = doctor()

    assert doctor.code == 1
    assert {name for name, (level, _) in found.items() if level == "failure"} == {"connection"}
    assert {name for name, (level, _) in found.items() if level == "skipped"} == {
        "GetWorkflowInstance",
        "ListWorkflowInstances",
        "clock",
    }
    assert "refuses connections" in doctor.out


def test_a_refused_list_is_a_warning(doctor: Doctor, simulator: Simulator) -> None:
    watch_one(doctor, simulator)
    simulator.faults.add("403030", action="ListWorkflowInstances")

    found = doctor()

    assert doctor.code == 0
    assert found["ListWorkflowInstances"][0] == "warning"
    assert "RAM permissions" in found["ListWorkflowInstances"][1]
    assert found["GetWorkflowInstance"][0] == "ok"


def test_an_endpoint_that_cannot_be_used_is_named(doctor: Doctor) -> None:
    assert doctor.failed("--endpoint", "http://dataworks.example.com") == {"endpoint"}
    assert "send signed requests in the clear" in doctor.out


def test_a_state_directory_that_cannot_be_used_hides_nothing(
    doctor: Doctor, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    assert doctor.failed("--state-dir", str(tmp_path / "file")) == {"store"}


async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize(("days", "level"), [(400, Level.OK), (5, Level.WARNING)])
async def test_the_certificate_is_looked_at(tmp_path: Path, days: int, level: Level) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    files = make_certificate(tmp_path, "127.0.0.1", ends=ends)
    async with raw_server(hang_up, tls=server_context(files)) as server:
        trusting = {"SSL_CERT_FILE": str(files[0])}
        found = await service_findings(server.port, trusting, tmp_path)
        distrusting = await service_findings(server.port, {}, tmp_path)

    assert found["connection"][0] is level
    assert f"TLSv1.3, certificate valid until {ends:%Y-%m-%d}" in found["connection"][1]
    assert distrusting["connection"][0] is Level.FAILURE
    assert "does not verify" in distrusting["connection"][1]


async def test_behind_a_proxy_the_proxy_is_what_is_connected_to(tmp_path: Path) -> None:
    async with raw_server(hang_up) as proxy:
        environ = {"HTTPS_PROXY": f"http://user:canary@127.0.0.1:{proxy.port}", "NO_PROXY": "none"}
        found = await service_findings(1, environ, tmp_path)

    assert f"proxy 127.0.0.1:{proxy.port} closed the connection" in found["connection"][1]
    assert "canary" not in str(found)


async def test_no_check_hangs_or_hides_another() -> None:
    async def hang() -> Found:
        await asyncio.Event().wait()
        return Found("never")

    async def refuse() -> Found:
        raise NotFound("There is none.")

    async def trip() -> Found:
        raise KeyError("secret")

    async def go() -> Found:
        return Found("fine")

    checks = [Check("1", hang), Check("2", refuse), Check("3", trip), Check("4", go)]
    found = [each async for each in findings(checks, deadline=0.05)]

    assert found == [
        ("1", Found("No answer within 0.05s.", Level.FAILURE)),
        ("2", Found("There is none.", Level.FAILURE)),
        ("3", Found("Could not be checked (KeyError).", Level.FAILURE)),
        ("4", Found("fine")),
    ]


def test_a_trial_sends_what_is_set_and_says_so(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, told = tmp_path / "tty", tmp_path / "told"
    terminal.write_bytes(b"")
    monkeypatch.setattr(doctor_module, "_TERMINAL", str(terminal))
    script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    command = json.dumps([sys.executable, "-c", script, str(told), "{message}"])
    notify(doctor, f"osc = 9\ncommand = {command}")

    quiet = doctor()
    assert terminal.read_bytes() == b""
    assert not told.exists()
    assert "--try" in quiet["command"][1]

    found = doctor("--try")

    assert doctor.code == 0
    sent = announcement("9", TRIAL, through_tmux=False)
    assert terminal.read_bytes().decode() in {f"\a{sent}", sent}
    assert told.read_text() == TRIAL
    assert found["bell"] == ("ok", "a bell was sent: see whether it came")
    assert found["osc"] == ("ok", "OSC 9 was sent: see whether it came")
    assert found["command"][1].endswith("was run, and succeeded")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program", "can't be run"),
        ("false", "failed with exit code 1"),
    ],
)
def test_a_command_that_does_not_work_is_a_failure(
    doctor: Doctor, command: str, words: str
) -> None:
    notify(doctor, f"bell = false\ncommand = ['{command}']")

    found = doctor("--try")

    assert doctor.code == 1
    assert found["command"][0] == "failure"
    assert words in found["command"][1]
    assert found["bell"] == ("ok", "off in [notify]")


@pytest.mark.parametrize(
    ("settings", "passes", "words"),
    [
        ("osc = 9", "on", "set tmux_passthrough = true"),
        ("osc = 9\ntmux_passthrough = true", "off", "allow-passthrough on"),
        ("osc = 9\ntmux_passthrough = true", "on", "--try"),
    ],
)
def test_tmux_is_asked_whether_it_lets_a_notification_through(
    doctor: Doctor, tmp_path: Path, settings: str, passes: str, words: str
) -> None:
    fake = tmp_path / "tmux"
    fake.write_text(
        "#!/bin/sh\n"
        f'case "$*" in -V) echo "tmux 3.4";; *passthrough) echo {passes};; *) echo off;; esac\n'
    )
    fake.chmod(0o755)
    doctor.environ |= {"TMUX": "none,1,0", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    notify(doctor, settings)

    found = doctor()

    assert words in found["osc"][1]
    assert found["session"][1] == f"tmux 3.4, allow-passthrough {passes}"
    assert found["clipboard"][0] == "warning"


@pytest.mark.parametrize(("delay", "level"), [(500, "warning"), (10, "ok")])
def test_a_tmux_that_holds_esc_is_named(
    doctor: Doctor, tmp_path: Path, delay: int, level: str
) -> None:
    fake = tmp_path / "tmux"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *escape-time) echo {delay};; *) echo off;; esac\n')
    fake.chmod(0o755)
    doctor.environ |= {"TMUX": "none,1,0", "PATH": f"{tmp_path}:/usr/bin:/bin"}

    found = doctor()["session"]

    assert found[0] == level
    assert ("tmux set -s escape-time 25" in found[1]) == (level == "warning")


def test_ssh_without_tmux_is_a_warning(doctor: Doctor) -> None:
    doctor.environ |= {"SSH_CONNECTION": "a 1 b 2"}

    found = doctor()

    assert doctor.code == 0
    assert "tmux" in found["session"][1]
    assert found["session"][0] == "warning"


def test_it_loads_nothing_of_textual(doctor: Doctor) -> None:
    script = (
        "import os, sys\nfrom wfinspect.cli import main\n"
        "assert main(['doctor'], os.environ) == 0\nassert 'textual' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=doctor.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_a_desktop_notification_holds_no_sequence_of_its_own() -> None:
    text = "\x1b]0;evil\x07 4;3;100\x9c"

    nine = announcement("9", text, through_tmux=False)
    assert nine.startswith("\x1b]9;wfinspect: ")
    assert nine.endswith("\x1b\\")
    assert not set(nine[4:-2]) & {"\x1b", "\x07", "\x9c", ";"}
    assert announcement("777", "a;b", through_tmux=False) == (
        "\x1b]777;notify;wfinspect;wfinspect: a,b\x1b\\"
    )
    assert announcement("9", "a", through_tmux=True) == (
        "\x1bPtmux;\x1b\x1b]9;wfinspect: a\x1b\x1b\\\x1b\\"
    )
    assert announcement("off", "a", through_tmux=True) == ""
