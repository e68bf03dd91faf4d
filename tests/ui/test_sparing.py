"""When a screen is painted. What an update sends is seen in test_bytes.py."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from rig import running
from scenes import mixed
from textual.screen import UPDATE_PERIOD

from wfinspect.ui import painting
from wfinspect.ui.painting import Frames


class Loop:
    """Stands in for the event loop: its time is given to it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[Call] = []
        self._ready: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, act: Callable[[], None]) -> "Call":
        self.calls.append(Call(at, act))
        return self.calls[-1]

    def call_soon(self, act: Callable[[], None]) -> None:
        self._ready.append(act)

    def run(self) -> None:
        """Run until nothing is left to do."""
        for _turn in range(1000):
            for _ in range(len(self._ready)):
                self._ready.pop(0)()
            if not self._ready and self.calls:
                self.now = max(self.now, min(call.at for call in self.calls))
            due = [call for call in self.calls if call.at <= self.now]
            self.calls = [call for call in self.calls if call.at > self.now]
            for call in due:
                if not call.is_cancelled:
                    call.act()


@dataclass
class Call:
    at: float
    act: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Painted:
    """A screen that lays out and paints as Textual's does."""

    is_running = True

    def __init__(self) -> None:
        self.times: list[float] = []
        self.layouts_to_come = 0
        self.frames: Any = None

    def _on_timer_update(self) -> None:
        self.frames.pause()
        self.frames.settle(lambda: self.times.append(asyncio.get_running_loop().time()))
        if self.layouts_to_come:
            self.layouts_to_come -= 1
            # As a widget does once it knows its size: a message later.
            asyncio.get_running_loop().call_soon(self.frames.resume)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


@pytest.fixture
def screen() -> Painted:
    made: Any = Painted()
    made.frames = Frames(made)
    return made


def test_a_change_after_a_rest_is_painted_at_once(loop: Loop, screen: Painted) -> None:
    for _ in range(2):
        screen.frames.resume()
        changed_at = loop.now
        loop.run()
        assert screen.times[-1] == changed_at
        loop.now += 10 * UPDATE_PERIOD + 0.003


def test_changes_in_a_row_share_the_frame_a_period_after_the_last(
    loop: Loop, screen: Painted
) -> None:
    screen.frames.resume()
    loop.run()
    first = screen.times[0]

    loop.now += UPDATE_PERIOD / 5
    screen.frames.resume()
    screen.frames.resume()
    loop.run()

    assert screen.times == [first, pytest.approx(first + UPDATE_PERIOD)]


def test_layouts_that_follow_from_each_other_are_one_frame_at_once(
    loop: Loop, screen: Painted
) -> None:
    screen.layouts_to_come = 3
    screen.frames.resume()
    begun = loop.now
    loop.run()

    assert screen.times == [begun]
    assert screen.layouts_to_come == 0


def test_layouts_without_end_are_painted_all_the_same(
    loop: Loop, screen: Painted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "thread_time", count(0, 0.001).__next__)
    screen.layouts_to_come = 200
    screen.frames.resume()
    loop.run()

    assert 1 < len(screen.times) < 50


async def test_a_widget_that_can_not_be_painted_ends_the_app_with_its_error() -> None:
    class Broken(Exception):
        pass

    def render_line(_y: int) -> object:
        raise Broken

    async def paint() -> None:
        async with running(mixed()) as rig:
            rig.app.main.bottom.render_line = render_line  # type: ignore[assignment,method-assign]
            rig.app.main.bottom.refresh()
            await rig.settle()

    with pytest.raises(Broken):
        await paint()
