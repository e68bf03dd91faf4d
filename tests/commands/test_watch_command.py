import errno
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from fakes import listed
from pty_session import PtySession

from wfinspect.clock import SystemClock
from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.engine import Engine
from wfinspect.watching.store import Changes, Store

S, F, R = "Success", "Failure", "Running"


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def watch(command: Command) -> Command:
    return partial(command, "watch", "--timeout", "20")


def test_what_is_done_already_ends_at_once(watch: Command, live: Simulator) -> None:
    live.set_status(DEMO_IDS[0], S)
    live.set_status(DEMO_IDS[1], F)
    code, out, err = watch(f"{DEMO_IDS[0]},{DEMO_IDS[1]}", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {(line["id"], line["from"], line["to"], line["final"]) for line in lines} == {
        (DEMO_IDS[0], None, S, True),
        (DEMO_IDS[1], None, F, True),
    }
    assert code == 1
    assert err == "wfinspect: Over: 2 of 2 settled, 1 failed.\n"


def test_a_timeout_is_124(watch: Command, live: Simulator) -> None:
    live.set_status(DEMO_IDS[0], R)
    code, out, err = watch(str(DEMO_IDS[0]), "--timeout", "0.4")
    assert code == 124
    assert "Timed out: 0 of 1 settled" in err
    assert out.count("\n") <= 1


def test_an_unknown_id_alone_is_5_at_once(watch: Command) -> None:
    code, out, err = watch("77")
    assert (code, out) == (5, "")
    assert "no workflow instance 77" in err


def test_ids_come_from_a_file_or_from_standard_input(
    watch: Command, live: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in DEMO_IDS[:3]:
        live.set_status(number, S)
    text = f"# tonight\n{DEMO_IDS[0]}  # the first\n\n{DEMO_IDS[1]},{DEMO_IDS[2]}\n".encode()
    (tmp_path / "ids").write_bytes(text)
    assert watch("--file", str(tmp_path / "ids"))[1].count("\n") == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert watch(str(DEMO_IDS[0]), "--file", "-")[1].count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "list is empty"),
        (["--file", "/no/such"], "/no/such can't be read"),
        (["--file", "/dev/null"], "No instance ID"),
        (["abc"], "'abc' is not an instance ID"),
        (["1", "--timeout", "0"], "above 0"),
        (["1", "--timeout", "nan"], "above 0"),
        (["1", "--timeout", "5m"], "--timeout: '5m' can't be used: give seconds"),
        (["1", "--until", "most:done"], "most:done"),
    ],
)
def test_wrong_usage_is_code_2(
    watch: Command, live: Simulator, arguments: list[str], words: str
) -> None:
    calls = live.calls.count()
    code, out, err = watch(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert live.calls.count() == calls


def test_the_stored_list_is_followed_without_ids(
    watch: Command, live: Simulator, tmp_path: Path
) -> None:
    target = Target("(env)", "cn-shanghai", live.url)
    store = Store(tmp_path / "s" / "wfinspect", SystemClock().now)
    keys = [InstanceKey(target, InstanceId(n)) for n in DEMO_IDS[:2]]
    store.save(Changes(added={k: listed(k, float(n)) for n, k in enumerate(keys)}))
    before = store.rows()
    for number in DEMO_IDS[:2]:
        live.set_status(number, S)
    code, out, _ = watch("--region", "cn-beijing")
    assert code == 0
    assert sorted(int(line.split()[2]) for line in out.splitlines()) == sorted(DEMO_IDS[:2])
    assert store.rows() == before
    store.close()


def test_a_bug_in_the_poller_writes_no_traceback(
    watch: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_: Engine) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(Engine, "step", broken)
    code, out, err = watch(str(DEMO_IDS[0]), "--timeout", "0.3")
    assert (code, out) == (124, "")
    assert "internal error" in err
    assert "Traceback" not in err
    assert "ZeroDivisionError" in (tmp_path / "s" / "wfinspect" / "wfinspect.log").read_text()


def start(environ: dict[str, str], *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "wfinspect", "watch", *arguments]
    return subprocess.Popen(command, env=os.environ | environ, **streams)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_with_its_code(
    environ: dict[str, str], live: Simulator, number: signal.Signals, code: int
) -> None:
    live.set_status(DEMO_IDS[0], R)
    pipe = subprocess.PIPE
    with start(environ, str(DEMO_IDS[0]), stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert b"-> Running" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert (out, err) == (b"", b"")


def test_an_ignored_hang_up_stays_ignored(environ: dict[str, str], live: Simulator) -> None:
    live.set_status(DEMO_IDS[0], R)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(environ, str(DEMO_IDS[0]), "--interval", "2", stdout=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        live.set_status(DEMO_IDS[0], S)
        assert b"Running -> Success" in process.stdout.readline()
        assert process.wait(20) == 0


def test_a_closed_standard_output_ends_it_without_a_traceback(
    environ: dict[str, str], live: Simulator
) -> None:
    live.set_status(DEMO_IDS[0], S)
    read_end, write_end = os.pipe()
    os.close(read_end)
    with start(environ, str(DEMO_IDS[0]), stdout=write_end, stderr=subprocess.PIPE) as process:
        os.close(write_end)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 141
    assert b"Traceback" not in err


def test_a_signal_ends_it_though_nobody_reads_its_output(
    environ: dict[str, str], live: Simulator
) -> None:
    live.set_status(DEMO_IDS[0], R)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    while True:
        try:
            os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(write_end, True)
    clock = SystemClock()
    with start(environ, str(DEMO_IDS[0]), stdout=write_end) as process:
        os.close(write_end)
        deadline = clock.monotonic() + 20
        # Number 1 is write, on all machines that this is tested on.
        syscall = Path(f"/proc/{process.pid}/syscall")
        while not syscall.read_text().startswith("1 0x1 ") and clock.monotonic() < deadline:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    os.close(read_end)


def test_on_a_terminal_the_progress_is_one_line_drawn_anew(
    environ: dict[str, str], live: Simulator, tmp_path: Path
) -> None:
    live.set_status(DEMO_IDS[0], R)
    command = [sys.executable, "-m", "wfinspect", "watch", str(DEMO_IDS[0]), "--interval", "2"]
    with PtySession(command, home=tmp_path, env=environ) as session:
        session.wait_for(r"-> Running +ads_user_profile_daily\s+0 of 1 settled \| live")
        live.set_status(DEMO_IDS[0], S)
        assert session.wait_exit() == 0
        lines = [line.rstrip() for line in session.text().splitlines() if line.strip()]
    assert len(lines) == 3
    assert "Running -> Success" in lines[1]
    assert lines[2] == "wfinspect: Over: 1 of 1 settled."


def test_what_was_read_of_a_file_is_said(watch: Command, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("10432987165 was late\n1043298716S\n77 \n")
    _, _, err = watch("--file", str(tmp_path / "ids"), "--timeout", "0.1")
    assert "ids: 1 ID found in its text; 2 lines without an ID (the first in line 2).\n" in err


def test_a_round_without_files_to_open_says_what_to_raise(
    watch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(_: Engine) -> float:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Engine, "step", starved)
    code, out, err = watch(str(DEMO_IDS[0]), "--timeout", "0.3")
    assert (code, out) == (124, "")
    assert "ulimit -n" in err
    assert "internal error" not in err


def test_a_log_that_cannot_be_opened_does_not_end_the_watch(
    watch: Command, live: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    failures = iter([ZeroDivisionError()])
    step = Engine.step

    def broken_once(engine: Engine) -> float | None:
        for failure in failures:
            raise failure
        return step(engine)

    live.set_status(DEMO_IDS[0], S)
    monkeypatch.setattr("wfinspect.commands.log.open_private", starved)
    monkeypatch.setattr("wfinspect.watching.poller._AFTER_A_CRASH_SECONDS", 0.1)
    monkeypatch.setattr(Engine, "step", broken_once)
    code, out, _ = watch(str(DEMO_IDS[0]))
    assert (code, "-> Success" in out) == (0, True)
