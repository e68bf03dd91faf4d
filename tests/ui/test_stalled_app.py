"""The real app in a terminal: a service that hangs, and keys that would stop the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pty_session import PtySession, python

from wfinspect.simulator import DEMO_IDS, Simulator

INSTANCE = DEMO_IDS[0]


@contextmanager
def watching(
    home: Path, *options: str, size: tuple[int, int] = (80, 24)
) -> Iterator[tuple[Simulator, PtySession]]:
    """The app in a pseudo-terminal, with the instance open, and the service it asks."""
    command = python("-m", "wfinspect", *options, str(INSTANCE))
    with (
        Simulator() as simulator,
        PtySession(command, home=home, env=simulator.environment(), size=size) as session,
    ):
        yield simulator, session


@pytest.mark.battery
def test_a_service_that_hangs_is_said_at_once_and_its_values_soon_look_old(tmp_path: Path) -> None:
    with watching(tmp_path, "--interval", "2") as (simulator, session):
        session.wait_for(r" live +\n(?s:.)*Running ")
        simulator.faults.add("hang")
        session.wait_for("some not read: timeout")
        # What counts as the present at this interval is 30 seconds old at most.
        text = session.wait_for("NOT LIVE", 40.0)
        assert "Running?" in text
        assert "timeout" in text
        simulator.faults.clear()
        session.wait_for(r" live +\n(?s:.)*Running ", 40.0)
        session.wait_for(r"every 2s +\n")
        assert "Running?" not in session.text()
        session.press("ctrl+q")

        assert session.wait_exit() == 0


def test_ctrl_s_holds_nothing_up(tmp_path: Path) -> None:
    with watching(tmp_path) as (_, session):
        session.wait_for("live")
        session.press("ctrl+s", "Y")
        session.wait_for("Copy a field")
        session.press("escape", "ctrl+q")

        assert session.wait_exit() == 0
