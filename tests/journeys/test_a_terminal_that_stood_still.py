import time
from collections.abc import Callable
from pathlib import Path

from journey import Home, Session
from pty_session import PATIENCE

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED = DEMO_IDS[0]
CONFIG = """
[notify]
osc = "9"
command = ["/bin/sh", "-c", "touch $HOME/notified"]
"""


def wait_unread(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something, and read nothing of the terminal meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


NOTE_A_STALL = """
from pathlib import Path
from wfinspect.ui.driver import TerminalOutput

def note(output, value):
    vars(output)["is_stalled"] = value
    if value:
        Path("stalled").touch()

TerminalOutput.is_stalled = property(lambda output: vars(output)["is_stalled"], note)
"""


def fill(app: Session, stalled: Path) -> None:
    """Have frames drawn until the terminal takes nothing and the app drops frames."""

    def is_full() -> bool:
        app.resize(159, 48)
        app.resize(160, 48)
        return stalled.exists()

    wait_unread(is_full, "a full terminal")


def test_a_failure_while_the_link_stood_still_rings_once_it_is_back(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Running")
    with home.start(FAILED, size=(160, 48), config=CONFIG, patch=NOTE_A_STALL) as app:
        app.wait_for("▸ Running")
        fill(app, home.path / "stalled")
        simulator.set_status(FAILED, "Failure")
        wait_unread((home.path / "notified").exists, "the command")
        assert app.bells == 0
        app.wait_for_bell()
        app.wait_for_announcement("1 failed")
        app.quit()
        assert (app.bells, len(app.announcements)) == (1, 1)
