"""The real app behind a terminal that nobody reads, and after a stop: it goes on, and shows it."""

import json
import os
import select
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
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


@pytest.mark.parametrize(
    ("fault", "cause", "is_waited_for"),
    [
        ("reset", "connection lost", False),
        pytest.param("hang", "timeout", True, marks=pytest.mark.battery),
    ],
)
def test_a_service_that_is_lost_is_said_at_once_and_its_values_soon_look_old(
    fault: str, cause: str, is_waited_for: bool, tmp_path: Path
) -> None:
    with watching(tmp_path, "--interval", "2") as (simulator, session):
        session.wait_for(r" live +\n(?s:.)*Running ")
        simulator.faults.add(fault)
        session.wait_for(f"some not read: {cause}")
        if is_waited_for:
            # What counts as the present at this interval is 30 seconds old at most.
            text = session.wait_for("NOT LIVE", 40.0)
            assert "Running?" in text
            assert cause in text
            simulator.faults.clear()
            session.wait_for(r" live +\n(?s:.)*Running ", 40.0)
            session.wait_for(r"every 2s +\n")
            assert "Running?" not in session.text()
        session.press("ctrl+q")

        assert session.wait_exit() == 0


def test_ctrl_s_is_a_key_like_another_and_holds_nothing_up(tmp_path: Path) -> None:
    with watching(tmp_path, "--interval", "2") as (simulator, session):
        session.wait_for("live")
        session.press("ctrl+s")
        simulator.set_status(INSTANCE, "Failure")

        session.wait_for("Running -> Failure")
        session.press("ctrl+q")

        assert session.wait_exit() == 0


def test_after_a_stop_the_whole_screen_is_drawn_again(tmp_path: Path) -> None:
    with watching(tmp_path) as (_, session):
        session.wait_for("live")
        session.read_for(1.0)
        before = session.text()
        session.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, session.process.pid, os.WSTOPPED | os.WNOWAIT)
        session.forget()

        session.signal(signal.SIGCONT)

        session.wait_for("live")
        session.read_for(0.5)
        assert session.text() == before


def test_a_value_is_printed_as_plain_text_and_enter_goes_back(tmp_path: Path) -> None:
    with watching(tmp_path) as (_, session):
        session.wait_for("live")
        session.press("Y")
        session.wait_for("copy a field")
        session.forget()
        session.press("tab")
        session.wait_for("Enter goes back")
        assert session.text().split()[0] == str(INSTANCE)
        assert session.modes_left_on() == []
        session.press("enter")
        session.wait_for("live")
        session.press("ctrl+q")

        assert session.wait_exit() == 0


def readings(store: Path) -> list[str]:
    """The status in which each watched instance was last read, as it was recorded."""
    try:
        connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return []
    try:
        rows = connection.execute("SELECT doc FROM readings")
        return [json.loads(doc)["status"] for (doc,) in rows]
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def wait_until(is_so: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"it was never so: {what}")
        select.select([], [], [], 0.05)
