"""Views opened and closed, and the terminal resized, all night long: nothing of them may stay."""

import gc

import psutil
import pytest
from rig import Rig, running
from scenes import with_history
from textual._styles_cache import StylesCache
from textual.widget import Widget

VIEWS = ("enter", "h", "c", "t", "f", "?", ":")
"""Keys that open something which escape closes."""
WIDTHS = (60, 80, 160)


async def churn(rig: Rig, rounds: int) -> None:
    """Open and close one view a round, at another width each fourth."""
    for number in range(rounds):
        if number % 4 == 0:
            await rig.pilot.resize_terminal(WIDTHS[number // 4 % len(WIDTHS)], 24)
        await rig.press(VIEWS[number % len(VIEWS)], "escape")
        assert len(rig.app.screen_stack) == 1
        # What the watcher would answer.
        rig.control.questions.clear()
        rig.control.asked.clear()


def held() -> tuple[int, float]:
    """Widgets that are alive, and MiB of memory that this process holds."""
    gc.collect()
    widgets = sum(isinstance(each, Widget) for each in gc.get_objects())
    return widgets, psutil.Process().memory_info().rss / 2**20


async def test_what_was_drawn_of_a_closed_view_is_let_go() -> None:
    async with running(with_history()) as rig:
        kept = []
        for _ in range(4):
            await rig.press("?", "escape")
            kept.append(StylesCache.get_inner_outer.cache_info().currsize)

    assert kept == kept[:1] * 4


@pytest.mark.battery
async def test_two_thousand_views_leave_nothing_behind() -> None:
    async with running(with_history()) as rig:
        await churn(rig, len(VIEWS))
        widgets, mebibytes = held()
        await churn(rig, 2_002)
        more, grown = held()

    # The last few may not have ended yet; of any kind of view some 286 were open.
    assert more - widgets < 150
    assert grown - mebibytes <= 6.0
