"""The output against a pipe: as a terminal, it may be full, and its other end may be closed."""

import os
import re
import select
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pty_session import PATIENCE, PtySession, python

from wfinspect.ui.driver import TerminalOutput

MORE_THAN_FITS = "x" * 200_000
SOON = 10.0


class Line:
    """A pipe with an output at one end, and what it told."""

    def __init__(self) -> None:
        self.far, self.near = os.pipe()
        self.recovered = threading.Event()
        self.gone = 0
        self.failures: list[Exception] = []
        self.output = TerminalOutput(
            self.near,
            "utf-8",
            on_recovered=self.recovered.set,
            on_gone=self._lose,
            on_failed=self.failures.append,
        )

    def _lose(self) -> None:
        self.gone += 1

    def write_in_thread(self, *texts: str) -> threading.Thread:
        def run() -> None:
            for text in texts:
                self.output.write(text)
            self.output.flush()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.far, size - len(data))
        return data


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    for fileno in (made.far, made.near):
        try:
            os.close(fileno)
        except OSError:
            continue


def wait_for_stall(line: Line, thread: threading.Thread) -> None:
    for _ in range(100):
        thread.join(0.1)
        if line.output.is_stalled:
            return
    raise AssertionError("it never stalled")


def test_what_a_terminal_takes_is_written_whole(line: Line) -> None:
    line.output.write("订单\ud800!")
    line.output.flush()

    assert line.read(8) == "订单?!".encode()
    assert not line.output.is_stalled
    assert not line.recovered.is_set()


def test_a_stall_is_noticed_and_so_is_its_end(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS)
    wait_for_stall(line, thread)
    assert not line.recovered.is_set()

    assert line.read(len(MORE_THAN_FITS)) == MORE_THAN_FITS.encode()

    thread.join(SOON)
    assert line.recovered.is_set()
    assert not line.output.is_stalled


def test_last_words_are_given_up_if_nobody_takes_them(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS, "last", "words")
    wait_for_stall(line, thread)

    line.output.leave()

    thread.join(SOON)
    assert not thread.is_alive()
    assert not line.recovered.is_set()
    assert line.gone == 0


def test_a_terminal_taken_again_is_written_to(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS)
    wait_for_stall(line, thread)
    line.output.leave()
    thread.join(SOON)
    held = os.read(line.far, len(MORE_THAN_FITS))

    line.output.revive()
    line.output.write("back")

    assert len(held) < len(MORE_THAN_FITS)
    assert line.read(4) == b"back"


def test_a_lost_terminal_is_told_once_and_swallows_the_rest(line: Line) -> None:
    os.close(line.far)

    for _ in range(3):
        line.output.write("x")
        line.output.flush()

    assert line.output.is_gone
    assert line.gone == 1


def test_a_terminal_lost_while_it_stalls_frees_the_writer(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS)
    wait_for_stall(line, thread)

    os.close(line.far)

    thread.join(SOON)
    assert not thread.is_alive()
    assert line.gone == 1


def test_a_write_that_fails_counts_as_a_loss() -> None:
    nowhere = os.open(os.devnull, os.O_RDONLY)
    told: list[str] = []
    output = TerminalOutput(
        nowhere,
        "utf-8",
        on_recovered=lambda: None,
        on_gone=lambda: told.append("gone"),
        on_failed=lambda error: told.append(str(error)),
    )

    output.write("x")

    assert told == ["gone"]
    os.close(nowhere)


def test_a_descriptor_that_another_program_made_non_blocking_loses_nothing(line: Line) -> None:
    os.set_blocking(line.near, False)
    thread = line.write_in_thread(MORE_THAN_FITS)

    assert line.read(len(MORE_THAN_FITS)) == MORE_THAN_FITS.encode()

    thread.join(SOON)
    assert line.gone == 0


PROGRAM = str(Path(__file__).parents[1] / "support" / "terminal_app.py")
SECRET = "Zx81SecretKeyOfNobody42abcDEF"
PLAIN = {"PYTHON_COLORS": "0"}  # newer interpreters colour tracebacks


@pytest.fixture
def session(tmp_path: Path) -> Iterator[PtySession]:
    env = {"TEST_SECRET": SECRET}
    with PtySession(python(PROGRAM, str(tmp_path)), home=tmp_path, env=env) as running:
        running.wait_for("ready")
        yield running


@pytest.fixture
def heartbeat() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def is_restored(session: PtySession) -> bool:
    return session.modes_left_on() == [] and session.termios() == session.termios_before


def was_saved(tmp_path: Path) -> bool:
    """Whether the app ended in order, its on_unmount included."""
    return (tmp_path / "saved").exists()


def beats(fileno: int, count: int) -> int:
    """Read heartbeats until there are enough or the time is up."""
    deadline = time.monotonic() + PATIENCE
    seen = 0
    while seen < count:
        if not select.select([fileno], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        seen += len(os.read(fileno, 4096))
    return seen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_it_in_order(
    session: PtySession, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    session.signal(number)

    assert session.wait_exit() == code
    assert is_restored(session)
    assert was_saved(tmp_path)


@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGTERM, 143), ("ctrl+q", 130), ("ctrl+c ctrl+c", 130)]
)
def test_a_blocked_loop_is_ended_by_force_and_the_terminal_restored(
    session: PtySession, end: str | signal.Signals, code: int
) -> None:
    session.press("l")
    session.wait_for_bytes(b"BLOCKED")

    if isinstance(end, str):
        for key in end.split():
            session.press(key)
            session.read_for(0.1)
    else:
        session.signal(end)

    assert session.wait_exit() == code
    assert is_restored(session)


@pytest.mark.battery
def test_a_ctrl_c_alone_ends_no_blocked_loop(session: PtySession) -> None:
    session.press("l")
    session.wait_for_bytes(b"BLOCKED")

    session.press("ctrl+c")

    session.read_for(6.5)
    assert session.process.poll() is None


@pytest.mark.parametrize("ignored", [None, signal.SIGHUP])
def test_a_lost_terminal_ends_it(tmp_path: Path, ignored: signal.Signals | None) -> None:
    with PtySession(
        python(PROGRAM, str(tmp_path)), home=tmp_path, ignored_signal=ignored
    ) as session:
        session.wait_for("ready")

        session.close_master()

        assert session.wait_exit() == 129
        assert was_saved(tmp_path)


def test_a_terminal_lost_while_it_draws_ends_it(tmp_path: Path, heartbeat: tuple[int, int]) -> None:
    read, write = heartbeat
    command = python(PROGRAM, str(tmp_path), "busy", str(write))
    with PtySession(
        command, home=tmp_path, pass_fds=[write], ignored_signal=signal.SIGHUP
    ) as session:
        session.wait_for("count=")
        beats(read, 5)

        session.close_master()

        assert session.wait_exit() == 129
        assert was_saved(tmp_path)


def test_a_blocked_loop_ends_with_its_terminal(session: PtySession) -> None:
    session.press("l")
    session.wait_for_bytes(b"BLOCKED")

    session.close_master()

    assert session.wait_exit() == 129


GARBAGE = [
    b"\xff\xfe\xc3\x28",
    b"\x1b[M\xe8\xf3\xf9",  # an X10 mouse report beyond column 95
    b"\x1b[57441;1:3u\x1b[99999999999;5u",
    b"\x1b[<99999;1;1M\x1b[<0;M\x1b]11;rgb:\x07\x1bP1$r\x1b\\",
    b"\x9b\x90\x00\x1b",
]


def test_malformed_input_is_passed_over(session: PtySession) -> None:
    for number, garbage in enumerate(GARBAGE):
        session.send(garbage)
        session.read_for(0.6)  # longer than an escape may take
        session.press("j", "abdef"[number])

        session.wait_for(f"key={'abdef'[number]}")
    session.press("ctrl+q")
    assert session.wait_exit() == 0
    assert is_restored(session)


def test_a_crash_tells_what_and_where_and_no_secret(session: PtySession, tmp_path: Path) -> None:
    session.press("c")

    assert session.wait_exit() == 70
    assert is_restored(session)
    (report,) = tmp_path.glob("wfinspect-crash-*")
    written = report.read_text("utf-8")
    said = bytes(session.log).decode()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "ValueError: a crash with" in said
    assert str(report) in said
    assert "on_key" in written
    assert SECRET not in said + written
    assert "\x1b]0;owned" not in said + written


def test_a_stalled_terminal_stops_nothing_and_is_repainted_once_read(
    tmp_path: Path, heartbeat: tuple[int, int]
) -> None:
    read, write = heartbeat
    command = python(PROGRAM, str(tmp_path), "busy", str(write))
    with PtySession(command, home=tmp_path, pass_fds=[write]) as session:
        session.wait_for("count=")

        # The system's buffer and the queue are full after a third of the frames; the last ones are
        # dropped, and nothing is drawn after them.
        assert beats(read, 200) >= 200

        session.wait_for(r"count=100\b")
        session.settle()
        seen = session.text()
        lines = seen.splitlines()
        assert {len(set(line)) for line in lines[2:14]} == {1}, "two frames are mixed"
        assert "a line that never changes" in seen
        session.press("ctrl+q")
        assert session.wait_exit() == 0
        assert is_restored(session)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("ctrl+q", 0),
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.battery),
    ],
)
def test_a_stalled_terminal_is_restored_at_the_end(
    tmp_path: Path, heartbeat: tuple[int, int], end: str | signal.Signals, code: int
) -> None:
    read, write = heartbeat
    command = python(PROGRAM, str(tmp_path), "busy", str(write))
    with PtySession(command, home=tmp_path, pass_fds=[write]) as session:
        session.wait_for("count=")
        assert beats(read, 100) >= 100

        if isinstance(end, str):
            session.press(end)
        else:
            session.signal(end)

        assert session.wait_exit(reading=False) == code
        assert was_saved(tmp_path)
        session.read_for(0.1)
        assert is_restored(session)


def test_the_terminal_is_left_to_others_and_taken_back(session: PtySession) -> None:
    session.press("s")
    session.wait_for_bytes(b"PLAIN")
    assert session.modes_left_on() == []

    session.forget()
    session.press("enter")

    session.wait_for("while away")
    session.wait_for("a line that never changes")
    session.press("ctrl+q")
    assert session.wait_exit() == 0
    assert is_restored(session)


def ask_until(shell: PtySession, pattern: bytes) -> None:
    """Let the shell tell of its jobs, as it does before a prompt, until it says what is wanted."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        shell.send(b"\n")
        shell.read_for(0.1)
        if re.search(pattern, shell.log, re.DOTALL):
            return
    raise AssertionError(f"{pattern!r} was never said:\n{shell.text()}")


def test_a_job_stops_and_is_continued_with_a_full_repaint(tmp_path: Path) -> None:
    # A line editor of the shell's own would set the terminal up anew at each prompt.
    bash = ["bash", "--norc", "--noediting", "-i"]
    with PtySession(bash, home=tmp_path, env={"PS1": "PROMPT> "}) as shell:
        shell.wait_for("PROMPT> ")
        shell.send(f"{' '.join(python(PROGRAM, str(tmp_path)))}\n".encode())
        shell.wait_for("ready")

        shell.press("ctrl+z")
        shell.wait_for_bytes(rb"Stopped.*PROMPT> ")
        assert is_restored(shell)
        shell.send(b"bg\n")
        ask_until(shell, rb"&.*Stopped")  # it can't draw in the background
        shell.forget()
        shell.send(b"fg\n")
        shell.wait_for("ready")
        shell.wait_for("a line that never changes")

        shell.press("j")
        shell.wait_for("key=j")
        shell.press("ctrl+q")
        shell.wait_for_bytes(rb"1049l.*PROMPT> ")
        shell.send(b"exit\n")
        assert shell.wait_exit() == 0


def test_a_stopped_job_can_be_ended_from_the_shell(tmp_path: Path) -> None:
    with PtySession(["bash", "--norc", "-i"], home=tmp_path, env={"PS1": "PROMPT> "}) as shell:
        shell.wait_for("PROMPT> ")
        shell.send(f"{' '.join(python(PROGRAM, str(tmp_path)))}\n".encode())
        shell.wait_for("ready")
        shell.press("ctrl+z")
        shell.wait_for_bytes(rb"Stopped.*PROMPT> ")

        shell.send(b"bg\n")
        ask_until(shell, rb"&.*Stopped")
        shell.send(b"kill %1\n")

        ask_until(shell, b"Exit 143")
        assert was_saved(tmp_path)


def test_a_session_leader_does_not_stop_for_ever(session: PtySession) -> None:
    """Nobody could continue it: its group is orphaned."""
    session.press("ctrl+z")
    session.wait_for_bytes(rb"\x1b\[\?1049l.*\x1b\[\?1049h")

    session.press("j")

    session.wait_for("key=j")


def test_a_bare_stop_is_repaired_on_continuing(session: PtySession) -> None:
    session.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, session.process.pid, os.WSTOPPED | os.WNOWAIT)
    session.forget()

    session.signal(signal.SIGCONT)

    session.wait_for_bytes(rb"\x1b\[\?1049h")
    session.wait_for("ready")
    session.wait_for("a line that never changes")
    session.press("ctrl+q")
    assert session.wait_exit() == 0
    assert is_restored(session)


def test_idle_it_writes_nothing(session: PtySession) -> None:
    session.settle()

    assert session.read_for(1.2) == b""


def test_the_mouse_reports_clicks_and_no_movement(session: PtySession) -> None:
    session.settle()
    assert not {"\x1b[?1000h", "\x1b[?1003h"} & set(session.tokens())

    session.press("m")

    session.wait_for_bytes(rb"\x1b\[\?1006h")
    assert {"\x1b[?1000h", "\x1b[?1002h"} <= set(session.tokens())
    session.press("ctrl+q")
    assert session.wait_exit() == 0
    assert is_restored(session)
    assert not {"\x1b[?1003h", "\x1b[?1016h", "\x1b[?2048h", "\x1b[?2048$p"} & set(session.tokens())


def test_a_title_is_set_without_what_it_hides_and_taken_back(session: PtySession) -> None:
    session.press("t")
    session.wait_for_bytes(b"two failed")
    session.press("ctrl+q")

    assert session.wait_exit() == 0
    titles = [token for token in session.tokens() if re.match(r"\x1b(\]2;|\[2\d;2t)", token)]
    assert titles == [
        "\x1b[22;2t",
        "\x1b]2;two failed ␛]0;evil␇\x1b\\",
        "\x1b]2;\x1b\\",
        "\x1b[23;2t",
    ]


def test_a_copy_goes_to_the_terminal(session: PtySession) -> None:
    session.press("y")

    session.wait_for_bytes(rb"\x1b\]52;c;Y29waWVk\x1b\\")


@pytest.mark.parametrize("columns", [40, 200])
def test_the_size_is_the_terminals_whatever_the_environment_says(
    tmp_path: Path, columns: int
) -> None:
    # Where blanks can't be erased, they are written out.
    env = {"COLUMNS": "33", "LINES": "9", "TERM": "screen-256color"}
    with PtySession(python(PROGRAM, str(tmp_path)), home=tmp_path, env=env) as session:
        session.wait_for("ready")
        session.resize(columns, 10)
        session.wait_for_bytes(rb"(?:\x1b\[E {%d}){6}\x1b" % columns)


@pytest.mark.parametrize(
    ("said", "size"),
    [({}, "80x24"), ({"COLUMNS": "70", "LINES": "x"}, "70x24"), ({"LINES": "-1"}, "80x24")],
)
def test_a_terminal_without_a_size_has_that_of_the_environment(
    tmp_path: Path, said: dict[str, str], size: str
) -> None:
    with PtySession(
        python(PROGRAM, str(tmp_path)), home=tmp_path, env=said, size=(0, 0)
    ) as session:
        session.wait_for("ready")
        session.press("z")
        session.wait_for(f"size={size}")


@pytest.mark.parametrize(
    ("term", "stream", "word"),
    [("dumb", None, "TERM"), ("", None, "TERM"), ("xterm", "0", "input"), ("xterm", "2", "error")],
)
def test_without_a_terminal_it_says_what_to_use(
    tmp_path: Path, term: str, stream: str | None, word: str
) -> None:
    redirect = {"0": "</dev/null", "2": "2>&1 | cat", None: ""}[stream]
    script = f"{' '.join(python(PROGRAM, str(tmp_path)))} {redirect}"
    with PtySession(["bash", "-c", script], home=tmp_path, env={"TERM": term} | PLAIN) as session:
        session.wait_exit()

        said = " ".join(bytes(session.log).decode().split())
        assert "UsageError: The app" in said
        assert word in said
        assert "wfinspect get" in said
        assert "\x1b" not in said
