"""The real app in a terminal: a service that hangs, and the terminal left to plain text."""

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


def test_ctrl_s_holds_nothing_up_and_a_value_is_printed_as_plain_text_until_a_key_leaves_it(
    tmp_path: Path,
) -> None:
    with watching(tmp_path) as (_, session):
        session.wait_for("live")
        session.press("ctrl+s")
        for leaving in ("escape", "q", "enter"):
            session.press("Y")
            session.wait_for("Copy a field")
            session.forget()
            session.press("tab")
            session.wait_for("Enter goes back")
            assert str(INSTANCE) in session.text()
            assert session.modes_left_on() == []
            session.press("x", "up", leaving)
            session.wait_for("live")
            # What is typed there is not echoed.
            assert b"goes back) \x1b" in bytes(session.log)
        session.press("ctrl+q")

        assert session.wait_exit() == 0
