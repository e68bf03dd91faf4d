"""A program in a real pseudo-terminal: what it writes, what its screen shows, how it ends.

Every wait is for an event (output, the end of the process) with a deadline.
"""

import codecs
import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

KEYS = {
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "ctrl+c": b"\x03",
    "ctrl+p": b"\x10",
    "ctrl+q": b"\x11",
    "ctrl+s": b"\x13",
    "ctrl+z": b"\x1a",
}
TOKEN = re.compile(
    r"\x1b\[[<=>?]?[0-9:;]*[ -/]*[@-~]"  # CSI
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    r"|\x1b[PX^_][^\x1b]*(?:\x1b(?!\\)[^\x1b]*)*\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # two-byte escapes
    r"|[\x00-\x1f\x7f-\x9f]",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[^@-~]*|[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*)?\Z", re.DOTALL)
# What pyte would draw as text instead of passing over.
_UNKNOWN_TO_PYTE = re.compile(
    r"\x1b\[[<=>][0-9:;]*[@-~]|\x1b\[[?]?[0-9:;]*[ -/]+[@-~]|\x1b[\]PX^_].*", re.DOTALL
)
_ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[?2004$p": b"\x1b[?2004;2$y"}
"""What a terminal of today answers to what the program wants to know of it."""
_MODES = (1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048)
PATIENCE = 60.0
"""Seconds for what must come; it costs nothing where it comes, however busy the machine is."""

_QUIET_SECONDS = 0.3


class PtySession:
    """A running program and its terminal; a context manager that leaves no process behind."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        home: Path,
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (80, 24),
        pass_fds: Sequence[int] = (),
        ignored_signal: signal.Signals | None = None,
        encoding: str = "utf-8",
    ) -> None:
        self.master, self._slave = os.openpty()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._tail = ""
        self.log = bytearray()
        self.ignored_queries: Sequence[bytes] = ()
        """What this terminal does not answer, as older ones do not."""
        self.resize(*size)
        self.termios_before = self.termios()

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            # A shell has what it starts in the background ignore them.
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            if ignored_signal is not None:
                signal.signal(ignored_signal, signal.SIG_IGN)

        base = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        self.process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=base | dict(env or {}),
            cwd=home,
            start_new_session=True,
            preexec_fn=take_terminal,  # noqa: PLW1509 - it only takes the terminal and sets signals
            pass_fds=pass_fds,
        )
        self._pidfd = os.pidfd_open(self.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
        self.close_master()
        for fileno in (self._slave, self._pidfd):
            os.close(fileno)

    # Acting.

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.send(KEYS.get(key) or key.encode())

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows or 24, columns or 80)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close_master(self) -> None:
        """Cut the line, as a lost connection does."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def forget(self) -> None:
        """Clear the screen and the log, so that only what comes from now on is seen."""
        self._screen.reset()
        self.log.clear()

    # Looking.

    def text(self) -> str:
        return "\n".join(self._screen.display)

    def cell(self, column: int, row: int) -> pyte.screens.Char:
        return self._screen.buffer[row][column]

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> str:
        """Read until the screen matches; the screen's text."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.text()):
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} never came:\n{self.text()}\n{self.log[-300:]!r}")
        return self.text()

    def wait_for_bytes(self, pattern: bytes, timeout: float = PATIENCE) -> None:
        """Read until the log matches."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.log, re.DOTALL):
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} never came:\n{self.text()}\n{self.log[-300:]!r}")

    def read_for(self, seconds: float) -> bytes:
        """Everything that comes within a time."""
        start = len(self.log)
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return bytes(self.log[start:])

    def settle(self) -> None:
        """Read until nothing more comes and every thread of the program sleeps."""
        deadline = time.monotonic() + PATIENCE
        while self.read_for(_QUIET_SECONDS) or not self._is_asleep():
            assert time.monotonic() < deadline, "it never sleeps"

    def _is_asleep(self) -> bool:
        stats = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return all(stat.read_text().rpartition(") ")[2][0] == "S" for stat in stats)

    def read_some(self, timeout: float, most: int = 65536) -> bytes:
        """What comes first, so many bytes at most; empty if nothing does in time."""
        start = len(self.log)
        self._read(time.monotonic() + timeout, most)
        return bytes(self.log[start:])

    def wait_exit(self, timeout: float = PATIENCE, *, reading: bool = True) -> int:
        """Read until the program has ended; its exit code, negative for a signal that killed it."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            watched = [self._pidfd] + ([self.master] if reading and self.master >= 0 else [])
            ready, _, _ = select.select(watched, [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"still running after {timeout} s:\n{self.text()}")
            if self.master in ready:
                self._read(deadline)
        while reading and self.master >= 0 and self._read(0.0):
            pass
        assert self.process.returncode is not None
        return self.process.returncode

    def termios(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    def tokens(self) -> list[str]:
        """Every escape sequence and control character written so far."""
        return TOKEN.findall(self.log.decode("utf-8", "replace"))

    def modes_left_on(self) -> list[str]:
        """The modes that the program switched on and never off again."""
        on: set[int] = set()
        cursor_is_hidden = wraps_not = False
        for modes, action in re.findall(rb"\x1b\[\?([0-9;]+)([hl])", self.log):
            for mode in map(int, modes.split(b";")):
                if mode == 25:
                    cursor_is_hidden = action == b"l"
                elif mode == 7:
                    wraps_not = action == b"l"
                elif mode in _MODES:
                    (on.add if action == b"h" else on.discard)(mode)
        names = [f"?{mode}h" for mode in sorted(on)]
        return names + ["hidden cursor"] * cursor_is_hidden + ["no wrap"] * wraps_not

    def read_until_quiet(self, seconds: float) -> float:
        """Read until nothing comes for so long; when the last came, on `time.monotonic`'s clock.

        It is drawn at the end: drawing a screen takes longer than sending it.
        """
        pieces, last = [], time.monotonic()
        while data := self._take(time.monotonic() + seconds):
            last = time.monotonic()
            pieces.append(data)
        self._draw(self._decoder.decode(b"".join(pieces)))
        return last

    def _read(self, deadline: float, most: int = 65536) -> bool:
        """Read once; False if nothing came before the deadline, or nothing can come any more."""
        data = self._take(deadline, most)
        self._draw(self._decoder.decode(data))
        return bool(data)

    def _take(self, deadline: float, most: int = 65536) -> bytes:
        ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return b""
        try:
            data = os.read(self.master, most)
        except OSError:
            return b""
        self.log += data
        for query, answer in _ANSWERS.items():
            if query in data and query not in self.ignored_queries:
                self.send(answer)
        return data

    def _draw(self, text: str) -> None:
        text = self._tail + text
        unfinished = _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self._tail = text[end:]
        self._stream.feed(feedable(text[:end]))


def feedable(text: str) -> str:
    """Return what is sent to a terminal without what pyte would draw as text."""
    return TOKEN.sub(lambda token: "" if _UNKNOWN_TO_PYTE.fullmatch(token[0]) else token[0], text)


def python(*arguments: str) -> list[str]:
    """A command line that runs this interpreter."""
    return [sys.executable, *arguments]
