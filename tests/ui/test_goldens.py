"""The screen as text in the states that matter; `rig.check_golden` says how to renew the files."""

import pytest
import scenes
from fakes import key
from rig import Rig, check_golden, running
from task_scenes import FOREMOST

SIZES = [(40, 12), (60, 20), (80, 24), (120, 40), (160, 48)]
ALL_SIZES = sorted([*SIZES, (40, 7), (100, 30), (200, 60)])


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def check_sizes(rig: Rig, name: str) -> None:
    """The same app at every size: a resize keeps what is open."""
    many = SIZES if name.startswith(("mixed", "outage")) else SIZES[::2]
    for size in ALL_SIZES if name in {"mixed", "outage-open"} else many:
        await rig.pilot.resize_terminal(*size)
        await rig.settle()
        check_golden(f"{name}-{named(size)}", rig.text)


@pytest.mark.parametrize("scene", ["empty", "mixed", "outage", "restored"])
async def test_the_list(scene: str) -> None:
    async with running(getattr(scenes, scene)()) as rig:
        await check_sizes(rig, scene)


@pytest.mark.parametrize("scene", ["mixed", "outage", "gone", "hostile"])
async def test_the_first_row_opened(scene: str) -> None:
    async with running(getattr(scenes, scene)()) as rig:
        await rig.press("g", "enter")
        await check_sizes(rig, f"{scene}-open")


@pytest.mark.parametrize("scene", ["loading", "not_found", "refused", "no_credentials"])
async def test_an_instance_without_a_reading(scene: str) -> None:
    async with running(getattr(scenes, scene)()) as rig:
        rig.app.main.look_up(key(scenes.NEW))
        await check_sizes(rig, scene)


@pytest.mark.parametrize("size", [(40, 12), (80, 24)], ids=named)
@pytest.mark.parametrize(("name", "pressed"), [("help", "?"), ("palette", ":")])
async def test_what_lies_over_it(name: str, pressed: str, size: tuple[int, int]) -> None:
    async with running(scenes.mixed(), size) as rig:
        await rig.press(pressed)
        check_golden(f"{name}-{named(size)}", rig.text)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (160, 48)], ids=named)
async def test_the_history(size: tuple[int, int]) -> None:
    async with running(scenes.with_history(), size) as rig:
        await rig.press("g", "enter", "h")
        check_golden(f"history-{named(size)}", rig.text)
        await rig.press("h")
        check_golden(f"log-{named(size)}", rig.text)


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (80, 24), (160, 48)], ids=named)
async def test_several_accounts(size: tuple[int, int]) -> None:
    async with running(scenes.accounts(), size) as rig:
        check_golden(f"accounts-{named(size)}", rig.text)
        await rig.press("G", "enter")
        check_golden(f"accounts-open-{named(size)}", rig.text)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)], ids=named)
async def test_the_next_step_is_shown_whole(size: tuple[int, int]) -> None:
    async with running(scenes.late(FOREMOST), size) as rig:
        rig.app.main.look_up(key(scenes.TRADE))
        await rig.press("Y")
        check_golden(f"next-step-{named(size)}", rig.text)


@pytest.mark.parametrize("tabs", [1, 2])
async def test_the_other_tabs(tabs: int) -> None:
    async with running(scenes.mixed()) as rig:
        await rig.press("enter", *[">"] * tabs)
        check_golden(f"tab-{tabs}", rig.text)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)], ids=named)
async def test_one_that_is_late(size: tuple[int, int]) -> None:
    async with running(scenes.late(FOREMOST), size) as rig:
        check_golden(f"late-{named(size)}", rig.text)
        rig.app.main.look_up(key(scenes.TRADE))
        await rig.settle()
        check_golden(f"late-open-{named(size)}", rig.text)


async def test_ascii_only() -> None:
    async with running(scenes.mixed(), ascii=True) as rig:
        await rig.press("enter")
        check_golden("ascii", rig.text)


async def test_the_id_box_tells_what_it_found() -> None:
    async with running(scenes.mixed()) as rig:
        await rig.press(*"10,11 12")
        check_golden("id-box-list", rig.text)
        await rig.press(*"..")
        await rig.press("enter")
        check_golden("id-box-bad", rig.text)
