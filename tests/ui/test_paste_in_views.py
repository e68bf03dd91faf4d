"""A paste or digits while something lies over the main screen, or the filter has the keys."""

import pytest
from rig import Rig, running
from scenes import with_history
from task_scenes import TASKS, log, page
from textual.widgets import Input
from view_scenes import on_results, on_tasks

from wfinspect.ui.screens.text import LogScreen

# Holds every command of the views, and blanks and line breaks.
NASTY = "svwlyYrfnNqauxX/? \nq\n"
NUMBER = 10432987165


def is_as_before(rig: Rig, screen: object, asked: int) -> bool:
    is_quiet = len(rig.control.questions) == asked
    return (
        is_quiet and rig.app.screen is screen and {it[0] for it in rig.asked} <= {"display", "seen"}
    )


@pytest.mark.parametrize("keys", ["", "l", "v"])
async def test_tasks_a_log_and_raw_json_ignore_it_and_say_so(keys: str) -> None:
    async with on_tasks() as rig:
        await rig.press(*keys)
        if keys == "l":
            rig.control.answer(log())
            await rig.settle()
        screen = rig.app.screen
        await rig.paste(NASTY)

        assert is_as_before(rig, screen, 0)
        assert "Pasted text does nothing here." in rig.text


@pytest.mark.parametrize("keys", ["", "l", "v", "?", "U", "c ?", "/ escape"])
@pytest.mark.parametrize("is_typed", [False, True])
async def test_the_box_takes_what_holds_an_id_and_esc_leads_back(
    keys: str, *, is_typed: bool
) -> None:
    async with on_tasks() as rig:
        await rig.press(*keys.split())
        if keys == "l":
            rig.control.answer(log())
            await rig.settle()
        asked = len(rig.control.questions)
        screen = rig.app.screen
        for _ in range(2):
            if is_typed:
                await rig.press(*f"{NUMBER}x")
                assert "Digits only" in rig.text
            else:
                await rig.paste(f"{NASTY}{NUMBER}\nq\n")
                assert f"Found {NUMBER}  Enter looks it up" in rig.text
            assert rig.app.main.id_box.input.value == str(NUMBER)
            assert is_as_before(rig, rig.app.main, asked)
            await rig.press("escape")
            assert is_as_before(rig, screen, asked)
        if is_typed:
            await rig.press(*str(NUMBER), "enter")
        else:
            await rig.paste(str(NUMBER))
            await rig.press("enter")
        assert rig.app.main.list.chosen.key.id == NUMBER
        await rig.press("escape")
        assert rig.app.screen is screen
        # A key right behind Esc is for the view that it leads back to.
        if is_typed:
            await rig.burst(f"{NUMBER}\x1bq")
        else:
            await rig.paste(str(NUMBER))
            await rig.burst("\x1bq")
        assert rig.app.screen is not screen
        assert rig.app.is_running


async def test_digits_right_behind_a_key_wait_for_what_it_opens() -> None:
    async with running(with_history()) as rig:
        await rig.press("g")
        await rig.burst("t12")
        assert is_as_before(rig, rig.app.main, 1)
        assert rig.app.main.id_box.input.value == "12"
        await rig.press("escape")
        view = rig.app.screen
        assert view is not rig.app.main
        # What waits for the tasks comes before them.
        for way in ("typed", "pasted"):
            await rig.press("l")
            await (rig.press(*"34") if way == "typed" else rig.paste("34"))
            assert "Once it is read: l " in rig.text
            assert rig.app.screen is view
            rig.control.answer(page(*TASKS))
            await rig.settle()
            assert rig.app.main.id_box.input.value == "34"
            await rig.press("escape")
            assert isinstance(rig.app.screen, LogScreen)
            await rig.press("escape", "escape")
            rig.control.questions.clear()
            await rig.press("t")
            view = rig.app.screen


@pytest.mark.parametrize("key", ["?", "c"])
async def test_help_and_a_comparison_ignore_it(key: str) -> None:
    async with running(with_history()) as rig:
        await rig.press("g", key, "up")
        screen, asked = rig.app.screen, len(rig.control.questions)
        assert screen is not rig.app.main
        await rig.paste(NASTY)

        assert is_as_before(rig, screen, asked)


async def test_quitting_is_not_confirmed_by_it() -> None:
    async with running(with_history()) as rig:
        await rig.press("q", "up")
        await rig.paste("yes\n")

        assert rig.app.is_running
        assert "Quit?" in rig.text


async def test_what_was_found_is_neither_marked_nor_watched_nor_opened() -> None:
    async with on_results() as rig:
        screen = rig.app.screen
        await rig.paste("wa" + NASTY)

        assert is_as_before(rig, screen, 0)
        assert "marked" not in rig.text.replace("watch marked", "")


@pytest.mark.parametrize("opens", ["/", "f", ":", "L"])
async def test_an_input_takes_it_as_one_line_of_text(opens: str) -> None:
    async with running(with_history()) as rig:
        await rig.press(opens)
        screen = rig.app.screen
        field = rig.app.focused
        assert isinstance(field, Input)
        await rig.paste("quit\nrefresh all\n")

        assert is_as_before(rig, screen, 0)
        assert field.value == "quit refresh all"


async def test_the_filter_of_tasks_and_the_search_of_a_log_take_it() -> None:
    async with on_tasks() as rig:
        await rig.press("/")
        await rig.paste("5003\nlog\n")
        assert "No task matches." in rig.text
        await rig.press("escape", "l")
        rig.control.answer(log())
        await rig.press("/")
        await rig.paste("qs\nw\n")
        assert "qs w" in rig.text


async def test_enter_right_behind_few_letters_still_picks() -> None:
    async with running(with_history()) as rig:
        await rig.press(":", *"refresh ")
        await rig.burst("al\n")

        assert rig.asked == [("refresh", None)]


async def test_keys_right_behind_enter_are_about_what_it_leads_to() -> None:
    async with running(with_history()) as rig:
        chosen = rig.app.main.list.chosen.key.id
        await rig.burst(":refresh\ny")
        assert rig.asked == [("refresh", chosen)]
        assert f"{chosen}: " in rig.text
        await rig.burst("icall Li\nR")
        assert rig.asked[-2:] == [("note", chosen, "call Li"), ("refresh", None)]
    async with on_tasks() as rig:
        await rig.burst("/load\ny")
        assert "1 of 6 /load" in rig.text
        assert "5001: " in rig.text
        await rig.burst("/clean\nl")
        rig.control.answer(log() + "ab\nab\n")
        await rig.settle()
        await rig.burst("/ab\nn")
        assert "2 of 2 lines with ab" in rig.text


async def test_what_does_not_fit_is_said() -> None:
    async with running(with_history()) as rig:
        await rig.press("/")
        await rig.paste("x" * 250)

        field = rig.app.focused
        assert isinstance(field, Input)
        assert field.value == "x" * 100
        assert "only 100 characters of it fit here" in rig.text
