"""A long text over the whole screen: the raw JSON, and what it shares with a log."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes import START
from rig import Rig, check_golden, copied, running
from scenes import failed_row, loading, mixed, mixed_rows, not_found
from values import replace

from wfinspect.model import pack
from wfinspect.ui.lines import Role
from wfinspect.ui.screens.text import TextScreen
from wfinspect.ui.screens.view import Title
from wfinspect.watching.api import Contact

RAW = (
    '{"Id":10432987165,"Name":"ads_user_profile_daily","Status":"Failure","Cost":1.10,'
    '"Colour":{"r":[1,2]},"WorkflowParameters":"bizdate=20260917","Tags":[]}'
)


@asynccontextmanager
async def on_text(
    text: str, size: tuple[int, int] = (80, 24), **options: object
) -> AsyncIterator[Rig]:
    async with running(mixed(), size, **options) as rig:  # type: ignore[arg-type]
        screen = TextScreen(rig.app.main, Title(name="a text"), text, file="it")
        await rig.app.push_screen(screen)
        await rig.settle()
        yield rig


def numbered(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(1, count + 1))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_v_shows_the_service_s_own_json(size: tuple[int, int]) -> None:
    shown = failed_row()
    assert shown.instance is not None
    row = replace(
        shown, instance=replace(shown.instance, packed=pack(RAW), unknown_fields=("Colour",))
    )
    async with running(replace(mixed(), rows=(row,)), size) as rig:
        await rig.press("enter", "v")
        check_golden(f"raw-{size[0]}x{size[1]}", rig.text)
        await rig.press("escape")

        assert rig.app.screen is rig.app.main


@pytest.mark.parametrize("key", ["v", "W", "e"])
@pytest.mark.parametrize("why", [" yet", ": not found"])
async def test_of_what_was_never_read_nothing_is_shown_followed_or_exported(
    key: str, why: str
) -> None:
    unread = (loading() if why == " yet" else not_found()).rows
    paused = replace(mixed().health, contact=Contact.PAUSED)
    async with running(replace(mixed(), rows=(*unread, *mixed_rows()), health=paused)) as rig:
        await rig.press("g", key)

        assert f"It has not been read{why}." in rig.text


async def test_keys_move_by_lines_pages_and_to_the_ends() -> None:
    async with on_text(numbered(500)) as rig:
        await rig.press("j", "j")
        assert "line 3" in rig.text.splitlines()[1]
        await rig.press("k", "pagedown")
        assert "line 22" in rig.text.splitlines()[1]
        await rig.press("G")
        assert "line 500 of 500" in rig.text
        await rig.press("g")
        assert " line 1\n" in rig.text
        await rig.press("pageup", "k")

        assert " line 1\n" in rig.text


async def test_a_short_text_does_not_scroll() -> None:
    async with on_text(numbered(3)) as rig:
        before = rig.text
        await rig.press("j", "G", "pagedown")

        assert rig.text == before


async def test_a_search_goes_round_and_says_where_it_is() -> None:
    async with on_text(numbered(500)) as rig:
        await rig.press("/", *"line 49", "enter")
        assert rig.text.splitlines()[-1].startswith(" Esc clear  ")
        assert "1 of 11 lines with line 49" in rig.text
        await rig.press("N")
        assert "11 of 11" in rig.text
        assert "line 499" in rig.text
        await rig.press("n", "n")
        assert "2 of 11" in rig.text
        await rig.press("escape")
        assert "lines with" not in rig.text
        await rig.press("escape")

        assert rig.app.screen is rig.app.main


async def test_a_search_begins_at_what_is_in_view_and_else_takes_the_nearest() -> None:
    async with on_text(numbered(500)) as rig:
        await rig.press("G", "/", *"line 1", "enter")

        assert "111 of 111" in rig.text


async def test_a_search_without_a_match_says_so_and_moves_nothing() -> None:
    async with on_text(numbered(500)) as rig:
        await rig.press("pagedown", "/", *"nothing", "enter")
        assert "n N" not in rig.text.splitlines()[-1]
        await rig.press("n", "N")

        assert "no line has nothing" in rig.text
        assert "No line matches." in rig.text
        assert "line 21" in rig.text.splitlines()[1]
        await rig.press("/", *"line 499", "enter", "n")
        assert "1 of 1 lines with line 499" in rig.text
        assert "It is the only line that matches." in rig.text


async def test_a_search_goes_along_while_it_is_typed_and_esc_brings_back_where_it_began() -> None:
    async with on_text(numbered(500)) as rig:
        await rig.press("pagedown", "/", *"line 4")
        assert "Search JSON  line 4" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc cancel  ")
        assert "2 of 111 lines with line 4" in rig.text
        await rig.press("9", "9")
        assert "1 of 1 lines with line 499" in rig.text
        await rig.press("x")
        assert "no line has line 499x" in rig.text
        assert "line 21" in rig.text.splitlines()[1]
        await rig.press("backspace", "escape")

        assert isinstance(rig.app.screen, TextScreen)
        assert rig.app.screen.wanted == ""
        assert "Search JSON" not in rig.text
        assert "line 21" in rig.text.splitlines()[1]
        # The search before that one is as it was.
        await rig.press("/", *"line 49", "enter", "n", "n")
        assert "3 of 11 lines with line 49" in rig.text
        before = rig.text
        await rig.press("/", *"line 4", "escape")
        assert rig.text == before


@pytest.mark.parametrize("keys", ["/\x1b", "/4\x1b"])
async def test_esc_in_one_packet_with_a_search_leaves_only_that(keys: str) -> None:
    async with on_text(numbered(500)) as rig:
        await rig.burst(keys)

        assert isinstance(rig.app.screen, TextScreen)
        assert "Search JSON" not in rig.text
        assert "lines with" not in rig.text


async def test_keys_of_a_search_are_named_while_there_is_one() -> None:
    async with on_text(numbered(500)) as rig:
        assert "n N" not in rig.text
        await rig.press("/", *"line 4", "enter")
        assert rig.text.splitlines()[-1].startswith(" Esc clear  n N next, before  y Y copy line")
        await rig.press("escape")

        assert "n N" not in rig.text


async def test_the_match_a_search_is_at_is_brighter_than_the_others() -> None:
    async with on_text("one two\ntwo three\n") as rig:
        await rig.press("/", *"wo t")
        view = rig.app.screen.view  # type: ignore[attr-defined]
        assert ("wo t", Role.BRAND) in view.line_at(1).spans
        await rig.press("backspace", "backspace")

        assert ("wo", Role.BRAND) in view.line_at(0).spans
        assert ("wo", Role.ACCENT) in view.line_at(1).spans


async def test_long_lines_wrap() -> None:
    async with on_text("start " + "x" * 100 + " end\nnext\n") as rig:
        assert rig.text.splitlines()[1].startswith(" start")
        assert " end" in rig.text.splitlines()[2]
        assert "next" in rig.text.splitlines()[3]


@pytest.mark.parametrize("begins", ["", "2026-09-18 14:27:01 INFO "])
async def test_a_rule_has_one_line_and_is_searched_whole(begins: str) -> None:
    async with on_text(f"{begins}{'=' * 100}\nnext\n") as rig:
        lines = rig.text.splitlines()
        assert (lines[1][-9:], lines[2]) == ("=" * 9, " next")
        await rig.press("/", *"=" * 90, "enter")
        assert rig.text.splitlines()[1:3] == [lines[1], " next"]


async def test_a_line_of_megabytes_is_shown_to_its_end() -> None:
    async with on_text(
        "start" + "y" * 1_000_000 + "target" + "z" * 1_000_000 + "end\nlast\n"
    ) as rig:
        assert " start" in rig.text.splitlines()[1]
        assert "line 1 of 2" in rig.text
        await rig.press("G")
        assert rig.text.splitlines()[-4].endswith("zend")
        assert "line 2 of 2" in rig.text
        await rig.press("k", "/", *"target", "enter")
        assert "1 of 1 lines with target" in rig.text
        assert "ytargetz" in rig.text


async def test_a_resize_keeps_the_end_at_the_end_and_a_place_at_its_place() -> None:
    async with on_text(numbered(500)) as rig:
        await rig.press("G")
        await rig.pilot.resize_terminal(60, 12)
        await rig.settle()
        assert "line 500" in rig.text
        await rig.press("g", "pagedown")
        first = rig.text.splitlines()[1]
        await rig.pilot.resize_terminal(100, 30)
        await rig.settle()

        assert rig.text.splitlines()[1] == first


async def test_y_copies_what_is_in_view_or_the_match_and_capital_y_everything() -> None:
    async with on_text(numbered(100), is_recorded=True) as rig:
        await rig.press("y")
        assert "y Y copy view, all" in rig.text
        await rig.press("/", *"line 77", "enter")
        assert "y Y copy line, all" in rig.text
        await rig.press("y", "Y")
        first, match, everything = copied(rig)
        assert first.splitlines() == numbered(21).splitlines()
        assert match == "line 77"
        assert everything == numbered(100)
        assert "100 lines: Sent to" in rig.text
        # Where the match is out of view, it is the view again.
        await rig.press("g")
        assert "y Y copy view, all" in rig.text


async def test_s_saves_it_whole_and_safe_to_open_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = numbered(50) + "\x1b[31m\tred\n"
    async with on_text(text) as rig:
        await rig.press("s", "s")
        first, second = tmp_path / "it.json", tmp_path / "it-2.json"

        assert first.read_text() == second.read_text() == text.replace("\x1b", "\u241b")
        assert stat.S_IMODE(first.stat().st_mode) == 0o600
        assert "Written to" in rig.text


async def test_a_file_that_cannot_be_written_is_notified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with on_text("text", environ={"HOME": str(gone)}) as rig:
        await rig.press("s")

        assert "Not written: No such file or directory." in rig.text


async def test_hostile_bytes_are_made_visible() -> None:
    async with on_text(
        "a\x1b]52;c;eA==\x07b\x9bc\u202ed [red]e[/] \x00\ttab\n", is_recorded=True
    ) as rig:
        assert "␛]52;c;eA==␇b<U+009B>c<U+202E>d [red]e[/] ␀    tab" in rig.text
        sent = "".join(rig.app._driver.written)  # type: ignore[union-attr]
        assert "\x1b]52" not in sent


async def test_one_line_further_sends_only_what_differs() -> None:
    text = "".join(f"2026-09-18 INFO the same text in every line {n % 10}\n" for n in range(500))
    async with on_text(text, is_recorded=True) as rig:
        rig.take_bytes()
        await rig.press("j")

        assert 0 < rig.take_bytes() < 24 * 140


async def test_a_text_of_32_megabytes_costs_its_window_only() -> None:
    body = "2026-09-18 14:30:02 INFO M1_job_0 stg0: block 12345678 part 001: spilled 0\n"
    async with on_text(body * (32 * 2**20 // len(body)) + "FAILED: at last\n") as rig:
        view = rig.app.screen.view  # type: ignore[attr-defined]
        await rig.press("G", *["pageup"] * 30, "pagedown", "/", *"at last", "enter")

        assert "1 of 1 lines with at last" in rig.text
        assert len(view._pieces) < 1000
        assert rig.clock.now() > START
