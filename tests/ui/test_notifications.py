"""Bell, title, mouse, messages, and what is notified after a terminal stood still."""

from pathlib import Path

import pytest
from rig import RecordingDriver, Rig, running
from scenes import FAILED, mixed
from values import replace

from wfinspect.settings import NotifySettings
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
        await rig.press("up")
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
        assert f"Trying {words}" in rig.text


async def test_messages_stay_until_a_key_behind_their_first_frame_and_cover_nothing() -> None:
    async with running(mixed()) as rig:
        before = rig.text.splitlines()
        rig.app.notify("one", severity="error")
        rig.app.main.key_pressed()
        rig.app.notify("other")
        rig.app.notify("one", severity="error")
        await rig.settle()
        after = rig.text.splitlines()
        assert [each[1:6].strip() for each in after[-3:-1]] == ["other", "one"]
        assert "calls 1,204/3,000" in after[-2]
        assert after[:-3] == before[:-3]
        await rig.press("b")

        assert "one" not in rig.text
        assert "other" not in rig.text


async def test_a_key_pressed_before_a_message_is_seen_leaves_it() -> None:
    async with running(mixed()) as rig:
        await rig.burst("yj")
        assert f"{FAILED}: " in rig.text
        await rig.press("j")

        assert f"{FAILED}: " not in rig.text


async def test_messages_never_fill_the_screen() -> None:
    async with running(mixed(), (40, 12)) as rig:
        for text in "abcdefg":
            rig.app.main.notify(f"notice {text} " * 30)
        await rig.settle()

        assert "WATCHED" in rig.text or "NAME" in rig.text
        assert "notice g" in rig.text


async def test_b_silences_the_bell_and_that_is_kept(tmp_path: Path) -> None:
    async with running(mixed(), state_dir=tmp_path) as rig:
        assert "bell" not in rig.text
        await rig.press("b")
        assert "bell off" in rig.text
    told = replace(mixed(), alert=Alert(1, "x"))
    async with running(mixed(), is_recorded=True, state_dir=tmp_path) as rig:
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
