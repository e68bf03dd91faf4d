"""When a screen is painted. What an update sends is seen in test_bytes.py."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rig import running
from scenes import mixed
from textual.screen import UPDATE_PERIOD

from wfinspect.ui.painting import Frames


class Loop:
    """Stands in for the event loop: its time is told to it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[Call] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, paint: Callable[[], None]) -> "Call":
        self.calls.append(Call(at, paint))
        return self.calls[-1]

    def run(self) -> None:
        due, self.calls = sorted(self.calls, key=lambda call: call.at), []
        for call in due:
            if not call.is_cancelled:
                self.now = max(self.now, call.at)
                call.paint()


@dataclass
class Call:
    at: float
    paint: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Painted:
    """A screen that paints as Textual's does: it says so first."""

    is_running = True

    def __init__(self) -> None:
        self.times: list[float] = []
        self.frames: Frames | None = None

    def _on_timer_update(self) -> None:
        assert self.frames is not None
        self.frames.pause()
        self.times.append(asyncio.get_running_loop().time())


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
        assert screen.frames is not None
        screen.frames.resume()
        asked_at = loop.now
        loop.run()
        assert screen.times[-1] == asked_at
        loop.now += 10 * UPDATE_PERIOD + 0.003


def test_changes_in_a_row_share_the_frame_a_period_after_the_last(
    loop: Loop, screen: Painted
) -> None:
    assert screen.frames is not None
    screen.frames.resume()
    loop.run()
    first = screen.times[0]

    loop.now += UPDATE_PERIOD / 5
    screen.frames.resume()
    screen.frames.resume()
    loop.run()

    assert screen.times == [first, pytest.approx(first + UPDATE_PERIOD)]


def test_what_a_new_layout_has_painted_is_not_painted_again(loop: Loop, screen: Painted) -> None:
    assert screen.frames is not None
    screen.frames.resume()
    screen.frames.pause()
    loop.run()

    assert not screen.times


def test_after_a_new_layout_the_next_frame_is_a_period_away(loop: Loop, screen: Painted) -> None:
    assert screen.frames is not None
    screen.frames.resume()
    loop.run()
    loop.now += UPDATE_PERIOD / 5
    screen.frames.resume()
    loop.now += UPDATE_PERIOD / 5
    screen.frames.pause()
    laid_out_at = loop.now
    screen.frames.resume()
    loop.run()

    assert screen.times[1:] == [pytest.approx(laid_out_at + UPDATE_PERIOD)]


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
