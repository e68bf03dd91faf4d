"""A small app on the hardened driver, run in a pseudo-terminal by the tests.

Usage: terminal_app.py DIRECTORY [busy] [HEARTBEAT_FD]
"""

import os
import sys
from pathlib import Path

from wfinspect.terminal import prepare_environment, require_terminal

prepare_environment(os.environ)
require_terminal(sys.__stdin__, sys.__stdout__, sys.__stderr__, os.environ.get("TERM", ""))

from textual import events  # noqa: E402
from textual.app import ComposeResult  # noqa: E402
from textual.widgets import Static  # noqa: E402

from wfinspect.ui.terminal import CrashSafeApp, run_app  # noqa: E402

LAST_DRAWN = 100


class TerminalApp(CrashSafeApp):
    """Shows the last key and a counter; keys make it crash, block, copy and leave the terminal.

    If it is busy, it draws a frame of some 2 KB for each of its first heartbeats.
    """

    def __init__(self, directory: Path, heartbeat: int | None, *, busy: bool) -> None:
        super().__init__(environ=os.environ)
        self._directory = directory
        self._heartbeat = heartbeat
        self._busy = busy
        self._count = 0

    def compose(self) -> ComposeResult:
        yield Static("starting", id="state")
        yield Static("", id="big")
        yield Static("a line that never changes", id="still")

    def on_mount(self) -> None:
        self.query_one("#state", Static).update("ready")
        if self._heartbeat is not None:
            self.set_interval(0.01, self._beat)

    def _beat(self) -> None:
        self._count += 1
        if self._busy and self._count <= LAST_DRAWN:
            letter = chr(ord("a") + self._count % 26)
            self.query_one("#big", Static).update(f"count={self._count}\n" + letter * 1000)
        os.write(self._heartbeat or -1, b".")

    def on_key(self, event: events.Key) -> None:
        secret = os.environ.get("TEST_SECRET", "")
        match event.key:
            case "c":
                raise ValueError(f"a crash with {secret} and \x1b]0;owned\x07 [/] in it")
            case "l":
                os.write(2, b"BLOCKED")
                while True:  # a loop that never comes back
                    pass
            case "ctrl+z":
                self.action_suspend_process()
            case "y":
                self.copy("copied")
            case "m":
                self.set_mouse(enabled=True)
            case "t":
                self.set_window_title("two failed \x1b]0;evil\x07")
            case "s":
                with self.suspend():
                    self.query_one("#state", Static).update("while away")
                    print("PLAIN", flush=True)  # noqa: T201 - the terminal is its own meanwhile
                    sys.stdin.readline()
            case "z":
                self.query_one("#state", Static).update("size={}x{}".format(*self.size))
            case _:
                self.query_one("#state", Static).update(f"key={event.key}")

    def on_unmount(self) -> None:
        (self._directory / "saved").write_text("saved", "utf-8")


def main() -> int:
    directory = Path(sys.argv[1])
    heartbeat = int(sys.argv[-1]) if sys.argv[-1].isdigit() else None
    app = TerminalApp(directory, heartbeat, busy="busy" in sys.argv)
    return run_app(app, mouse="mouse" in sys.argv, crash_directory=directory)


if __name__ == "__main__":
    sys.exit(main())
