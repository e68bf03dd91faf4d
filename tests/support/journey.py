"""wfinspect as a user meets it: the console script in a terminal, with a home directory of its own."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pty_session import PATIENCE, PtySession, python

SCRIPT = Path(sys.executable).with_name("wfinspect")
INTERVAL_SECONDS = 2
HURRIED_SECONDS = 0.3
HURRIED = f"""
from wfinspect import settings
from wfinspect.watching import limits, notifications, outlook, watchlist
settings.MIN_INTERVAL_SECONDS = watchlist.MIN_INTERVAL_SECONDS = {HURRIED_SECONDS}
limits.CALLS_A_SECOND = 50
limits.FIRST_SECONDS = 0.3
limits.DOWN_SECONDS = 0.4, 0.8
limits.REFUSED_SECONDS = 2.0
notifications.GATHER_SECONDS = 0.5
outlook._FIRST_SECONDS = 0.5
"""
"""Takes away what only spares the service: pauses between calls, polls and attempts."""
_BELL = "\x07"
_OSC_9 = re.compile(r"\x1b\]9;([^\x07\x1b]*)(?:\x07|\x1b\\)")
_GLANCE_SECONDS = 0.05


class Session(PtySession):
    """The program in its terminal; what it writes is read only while the test waits for something."""

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> str:
        """Read until the screen matches once a frame has come whole; the screen's text."""
        self.wait_until(
            lambda: self.is_whole and re.search(pattern, self.text()) is not None,
            repr(pattern),
            timeout,
        )
        return self.text()

    def wait_gone(self, pattern: str, timeout: float = PATIENCE) -> str:
        """Read until the screen no longer matches; the screen's text."""
        self.wait_until(
            lambda: self.is_whole and re.search(pattern, self.text()) is None,
            f"the end of {pattern!r}",
            timeout,
        )
        return self.text()

    @property
    def is_whole(self) -> bool:
        # A frame stands between these two.
        return self.log.rfind(b"\x1b[?2026h") <= self.log.rfind(b"\x1b[?2026l")

    @property
    def bells(self) -> int:
        """How often it rang; a BEL that only ends a sequence is not counted."""
        return self.tokens().count(_BELL)

    @property
    def announcements(self) -> list[str]:
        """The texts of OSC 9, the desktop notification."""
        return [found[1] for token in self.tokens() if (found := _OSC_9.fullmatch(token))]

    def wait_until(self, is_so: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
        """Read until something is so that the screen need not show, such as a file."""
        deadline = time.monotonic() + timeout
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} never came:\n{self.text()}\n{self.log[-300:]!r}")
            self._read(time.monotonic() + _GLANCE_SECONDS)

    def wait_for_bell(self, count: int = 1, timeout: float = PATIENCE) -> None:
        """Read until it has rung so often in all."""
        self.wait_until(lambda: self.bells >= count, f"bell {count}", timeout)

    def wait_for_announcement(self, pattern: str, timeout: float = PATIENCE) -> None:
        """Read until an OSC 9 matches."""
        self.wait_until(
            lambda: any(re.search(pattern, text) for text in self.announcements),
            f"OSC 9 with {pattern!r}",
            timeout,
        )

    def quit(self) -> None:
        """End it by ctrl+q, which always works."""
        self.press("ctrl+q")
        assert self.wait_exit() == 0


class Home:
    """A user's home directory, and the commands begun from there.

    Args:
        path: the directory.
        environ: what the user has exported, such as keys and endpoint.
    """

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self.environ = dict(environ)
        self.encoding = "utf-8"
        """What the terminal and the test read."""
        self.interval, self._patch = float(INTERVAL_SECONDS), ""

    def hurry(self) -> None:
        """Begin commands that don't spare the service from now on."""
        self.interval, self._patch = HURRIED_SECONDS, HURRIED

    def write(self, name: str, text: str) -> Path:
        """Write a file that only the user may read."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_text(text, "utf-8")
        return path

    def start(
        self,
        *arguments: object,
        size: tuple[int, int] = (80, 24),
        config: str | None = None,
        patch: str = "",
    ) -> Session:
        """Start a command line in a terminal; the app without arguments.

        `config` becomes the config.toml, else it stays as it is; `patch` is Python that runs in
        the program first, to shorten a wait or to note a state, and changes nothing else.
        """
        if config is not None:
            self.write(".config/wfinspect/config.toml", config)
        interval = f"{self.interval:g}"
        command = [*self._script(patch), *map(str, arguments), "--interval", interval]
        return Session(command, home=self.path, env=self.environ, size=size, encoding=self.encoding)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a command line to its end, without a terminal."""
        with_home = {"HOME": str(self.path), "LANG": "C.UTF-8", "TZ": "UTC"}
        return subprocess.run(
            [*self._script(), *map(str, arguments)],
            env=with_home | self.environ,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding=self.encoding,
            timeout=PATIENCE,
            check=False,
        )

    def _script(self, patch: str = "") -> list[str]:
        patch = self._patch + patch
        if not patch:
            return [str(SCRIPT)]
        return python("-c", f"{patch}\nfrom wfinspect.__main__ import run; run()")
