"""Text from outside is shown character by character, whatever it looks like."""

from rig import RecordingDriver, running
from scenes import hostile, mixed
from values import replace

from wfinspect.watching.api import Contact, Notice, Trouble

NASTY = "[$x] [ERROR] [/] [@click=a.b] [red]r[/red]"


async def test_what_looks_like_markup_is_shown_in_every_tab() -> None:
    async with running(hostile(), (90, 30)) as rig:
        await rig.press("enter")
        for _ in ("core", "parameters", "tags"):
            assert "[$x] [ERROR] [/]" in rig.text
            await rig.press(">")


async def test_what_looks_like_markup_is_shown_side_by_side_too() -> None:
    async with running(hostile(), (200, 50)) as rig:
        await rig.press("enter")

        assert rig.text.count(NASTY) >= 3


async def test_notices_troubles_and_remarks_are_no_markup() -> None:
    trouble = Trouble("[/] cause", NASTY, retry_at=None)
    health = replace(
        mixed().health,
        contact=Contact.NOT_LIVE,
        trouble=trouble,
        store_trouble=f"not saved: {NASTY}",
        remarks=("[@click=a.b]",),
    )
    async with running(mixed(), (160, 48)) as rig:
        await rig.publish(replace(mixed(), health=health, notices=(Notice(1, NASTY),)))

        assert "[/] cause" in rig.text
        assert rig.text.count(NASTY) == 2
        assert "[@click=a.b]" in rig.text


async def test_no_control_from_outside_reaches_the_terminal() -> None:
    async with running(hostile(), (160, 48), is_recorded=True) as rig:
        await rig.press("enter")
        driver = rig.app._driver
        assert isinstance(driver, RecordingDriver)
        sent = "".join(driver.written)

        assert "\x1b]0;" not in sent
        assert "\x9b" not in sent
        assert "\u202e" not in sent
        assert "\x1b[2J" not in sent
        assert "pwned" in sent


async def test_pasted_controls_are_made_visible_in_the_box() -> None:
    async with running(mixed()) as rig:
        await rig.paste("abc \x1b]0;x\x07 [/]")

        assert "\x1b" not in rig.text
        assert "\u241b" in rig.text
