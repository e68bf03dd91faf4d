"""Bell, title, mouse, toasts, and what is notified after a terminal stood still."""

from pathlib import Path

import pytest
from rig import RecordingDriver, Rig, running
from scenes import mixed
from values import replace

from wfinspect.settings import NotifySettings
from wfinspect.ui.files import Preferences
from wfinspect.watching.api import Alert


def written(rig: Rig) -> str:
    driver = rig.app._driver
    assert isinstance(driver, RecordingDriver)
    text = "".join(driver.written)
    driver.written.clear()
    return text


async def test_trouble_with_the_store_is_told_once_and_then_marked() -> None:
    trouble = replace(mixed().health, store_trouble="The disk is full: " + "no room " * 20)
    async with running(mixed()) as rig:
        await rig.publish(replace(mixed(), health=trouble))
        assert "The disk is full" in rig.text
        rig.app.clear_notifications()
        await rig.publish(replace(mixed(), health=replace(trouble, calls_today=1_205)))

        assert "The disk is full" not in rig.text
        assert "not saved: wfinspect doctor says why" in rig.text.splitlines()[-2]


@pytest.mark.parametrize(
    ("notify", "words"),
    [
        (
            NotifySettings(osc="777", command=("/bin/tell", "x")),
            "the bell, OSC 777, the command /bin/tell",
        ),
        (NotifySettings(bell=False), "nothing, since"),
    ],
)
async def test_the_palette_tries_the_notifications_and_says_which(
    notify: NotifySettings, words: str
) -> None:
    async with running(mixed(), notify=notify) as rig:
        await rig.press("colon")
        await rig.press(*"try", "enter")

        assert ("try alert",) in rig.control.asked
        assert f"Trying {words}" in " ".join(n.message for n in rig.app._notifications)


async def test_what_still_stands_is_not_told_a_second_time_but_longer() -> None:
    async with running(mixed()) as rig:
        for _ in range(2):
            rig.app.notify("one", severity="error")
            rig.app.notify("other")
        await rig.settle()
        first = list(rig.app._notifications)
        rig.app.notify("one", severity="error")
        await rig.settle()

        assert [n.message for n in first] == ["one", "other"]
        assert [n.message for n in rig.app._notifications] == ["other", "one"]
        assert rig.text.count("one") == 1
        assert list(rig.app._notifications)[1].raised_at > first[0].raised_at


async def test_toasts_never_fill_the_screen() -> None:
    async with running(mixed()) as rig:
        for text in "abcdefg":
            rig.app.main.notify(f"notice {text}")
        await rig.settle()

        assert [n.message for n in rig.app._notifications] == ["notice g"]


async def test_b_silences_the_bell_and_that_is_kept(tmp_path: Path) -> None:
    async with running(mixed(), preferences=Preferences(tmp_path)) as rig:
        assert "bell" not in rig.text
        await rig.press("b")
        assert "bell off" in rig.text
    told = replace(mixed(), alert=Alert(1, "x"))
    async with running(mixed(), is_recorded=True, preferences=Preferences(tmp_path)) as rig:
        written(rig)
        await rig.publish(told)
        assert "\x07" not in written(rig)
        await rig.press("b")
        await rig.publish(replace(mixed(), alert=Alert(2, "y")))

        assert "bell off" not in rig.text
        assert "\x07" in written(rig)


async def test_what_the_config_asks_for_is_sent_to_the_desktop_and_nothing_else() -> None:
    told = replace(mixed(), alert=Alert(1, "a\x1b failed"))
    async with running(
        mixed(), is_recorded=True, notify=NotifySettings(bell=False, osc="9")
    ) as rig:
        written(rig)
        await rig.publish(told)
        sent = written(rig)

        assert "\x1b]9;wfinspect: a\u241b failed\x1b\\" in sent
        assert "\x07" not in sent


async def test_m_says_when_the_mouse_is_not_as_at_the_start() -> None:
    async with running(mixed()) as rig:
        await rig.press("m")
        assert "mouse on" in rig.text
        await rig.press("m")

        assert "mouse" not in rig.text
