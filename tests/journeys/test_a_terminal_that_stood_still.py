import select
import time
from collections.abc import Callable

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


def fill(app: Session) -> None:
    """Have frames drawn until the terminal takes nothing, for so long that the app drops frames."""
    taken_at = time.monotonic()

    def is_full() -> bool:
        nonlocal taken_at
        app.resize(159, 48)
        app.resize(160, 48)
        if select.select([], [app._slave], [], 0)[1]:
            taken_at = time.monotonic()
        return time.monotonic() - taken_at > 3.0

    wait_unread(is_full, "a full terminal")


def test_a_failure_while_the_link_stood_still_rings_once_it_is_back(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FAILED, "Running")
    with home.start(FAILED, size=(160, 48), config=CONFIG) as app:
        app.wait_for("▸ Running")
        fill(app)
        simulator.set_status(FAILED, "Failure")
        wait_unread((home.path / "notified").exists, "the command")
        assert app.bells == 0
        app.wait_for_bell()
        app.wait_for_announcement("1 failed")
        app.wait_for("While the terminal stood still: 1 failed")
        app.quit()
        assert (app.bells, len(app.announcements)) == (1, 1)
