"""Tasks of an instance over the whole screen: keys in, questions and text out."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fakes import BINDING, START, key, ms
from rig import Rig, check_golden, running
from scenes import FAILED, TRADE, mixed, outage
from task_scenes import FAILED_TASK, RUNNING_TASK, TASKS, log, page, task
from values import replace
from view_scenes import on_tasks

from wfinspect.errors import Refused
from wfinspect.model import OperationLog
from wfinspect.search import EXAMPLE
from wfinspect.ui.screens.tasks import TaskScreen, TasksScreen
from wfinspect.ui.screens.text import LogScreen, TextScreen
from wfinspect.ui.screens.view import ATTENDED_SECONDS
from wfinspect.watching.api import OperationsOf, RunsOf, Snapshot, TaskLog, TaskOf, TasksOf
from wfinspect.watching.cadence import FOLLOW_SECONDS


async def tick(rig: Rig) -> None:
    """What the timer of the view on top does."""
    rig.app.screen.tick()  # type: ignore[attr-defined]
    await rig.settle()


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)])
async def test_the_tasks(size: tuple[int, int]) -> None:
    async with on_tasks(size) as rig:
        check_golden(f"tasks-{size[0]}x{size[1]}", rig.text)


async def test_the_tasks_in_ascii() -> None:
    async with on_tasks(ascii=True) as rig:
        assert rig.text.replace("店铺", "").isascii()


async def test_before_the_answer_it_is_said_that_it_is_read() -> None:
    async with running(mixed()) as rig:
        await rig.press("t")

        assert "Reading its tasks from the service" in rig.text


@pytest.mark.parametrize(("hours", "words"), [(1, "13:30:00, UTC+8"), (25, "09-17 13:30, UTC+8")])
async def test_the_title_says_when_they_were_read_not_when_they_were_shown(
    hours: int, words: str
) -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "t")
        rig.control.answer(page(*TASKS), START - timedelta(hours=hours))
        await rig.settle()

        assert rig.text.splitlines()[0].endswith(f"tasks as of {words}")


async def test_without_an_instance_nothing_opens() -> None:
    async with running(Snapshot()) as rig:
        for key in ("t", "l", "v", "c", "w", "x", "y", "Y", "a", "r", "enter"):
            await rig.press(key)

            assert rig.app.screen is rig.app.main
            assert "Look up an instance first" in rig.text, key
    async with running(mixed()) as rig:
        await rig.press("/", *"nothing", "enter", "space")
        assert "No row matches: Esc clears the filter." in rig.text


async def test_a_question_mark_shows_the_keys_that_the_last_line_has_no_room_for() -> None:
    async with on_tasks() as rig:
        assert "? keys" in rig.text.splitlines()[-1]
        await rig.press("?")
        assert "read again" in rig.text
        assert "PgDn PgUp" in rig.text
        for sign in (
            "\u25ac\u25ac +ran, on slowest chain",
            "\u25ad\u25ad +ran beside it",
            r"\.\. +waited for",
        ):
            assert re.search(sign, rig.text)
        await rig.press("escape", "/", "?")
        assert "F1 keys" in rig.text
        assert "PgDn PgUp" not in rig.text
        await rig.press("f1")
        assert "PgDn PgUp" in rig.text


async def test_a_refusal_is_told_in_place_and_r_asks_again() -> None:
    async with running(mixed()) as rig:
        await rig.press("t")
        rig.control.answer(Refused("ListTaskInstances is not allowed: ask for it."))
        await rig.settle()
        assert "ListTaskInstances is not allowed: ask for it." in rig.text
        # What narrows tasks is not offered without any.
        assert "Esc back  c compare  i note  u undo  r read again  ? keys" in rig.text
        await rig.press("r")
        rig.control.answer(page(*TASKS))
        await rig.settle()

        assert "not allowed" not in rig.text
        assert "2/6 done" in rig.text


async def test_an_error_after_an_answer_keeps_what_was_read() -> None:
    async with on_tasks() as rig:
        await rig.press("r")
        rig.control.answer(Refused("No.", cause="key expired"))
        await rig.settle()

        assert "build_profile_wide" in rig.text
        assert "key expired, r reads again" in rig.text


async def test_without_contact_what_goes_on_is_a_question() -> None:
    async with on_tasks() as rig:
        assert "Running " in rig.text
        await rig.publish(outage())
        assert re.search("Running\\? ", rig.text.partition("TASK")[2])
        assert "NotRun?" in rig.text
        assert "2/6 done, 1 failed, 1 running?" in rig.text
        assert "Failure?" not in rig.text
        # How long it has taken is known until it was read.
        before = rig.text.splitlines()
        rig.clock.advance(7_200)
        await rig.pilot.resize_terminal(80, 25)
        await rig.settle()
        assert rig.text.splitlines()[:8] == before[:8]
        await rig.press("j", "enter")
        assert rig.text.startswith(" \u25b8 Running?")
        await rig.press("l")
        assert rig.text.startswith(" \u25b8 Running?")
        await rig.press("escape", "escape")
        await rig.publish(mixed())
        assert "Running?" not in rig.text


async def test_s_goes_through_the_statuses_there_are_and_esc_shows_all() -> None:
    async with on_tasks() as rig:
        assert "  / filter  s status  y copy  ? keys" in rig.text
        await rig.press("s")
        assert "1 of 6 /status=Failure" in rig.text
        assert "clean_" not in rig.text
        await rig.press("s")
        assert "1 of 6 /status=Running" in rig.text
        assert "s next status" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc clear  ")
        await rig.press("escape")
        assert "clean_" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc back  ")
        await rig.press("escape")

        assert rig.app.screen is rig.app.main


async def test_a_filter_narrows_as_one_types() -> None:
    async with on_tasks() as rig:
        await rig.press("/", *"holo")
        assert "1 of 6 /holo" in rig.text
        await rig.press("enter", "enter")

        assert isinstance(rig.app.screen, TaskScreen)
        assert "publish_to_hologres" in rig.text


async def test_what_may_be_typed_is_said_whole_in_the_smallest_screen() -> None:
    async with on_tasks((40, 12)) as rig:
        await rig.press("/")
        assert EXAMPLE in rig.text


async def test_a_filter_that_nothing_matches_says_so_and_opens_nothing() -> None:
    async with on_tasks() as rig:
        await rig.press("/", *"zzz", "enter", "enter", "l", "v", "y")

        assert "No task matches." in rig.text
        assert isinstance(rig.app.screen, TasksScreen)


async def test_a_filter_with_an_unknown_field_stays_in_its_box_and_esc_goes_back() -> None:
    async with on_tasks() as rig:
        await rig.press("/", *"di", "enter", "j")
        before = rig.text
        await rig.press("/", *"colour=x", "enter")
        assert "There is no field 'colour'" in rig.text
        assert "Esc cancel" in rig.text.splitlines()[-1]
        await rig.press("escape")

        assert rig.text == before


async def test_an_instance_without_tasks_and_one_with_too_many_say_so() -> None:
    async with on_tasks() as rig:
        await rig.press("r")
        rig.control.answer(page())
        await rig.settle()
        assert "This instance has no tasks." in rig.text
        await rig.press("r")
        rig.control.answer(page(*TASKS, is_last=False))
        await rig.settle()

        assert "Only the first 6 were read." in rig.text


async def test_the_cursor_stays_on_its_task_when_the_order_changes() -> None:
    async with on_tasks(number=TRADE) as rig:
        await rig.press("j")
        assert "5005, " in rig.text
        await tick(rig)
        done = replace(RUNNING_TASK, status="Success", finished_time=RUNNING_TASK.started_time)
        rig.control.answer(page(*(done if t.id == done.id else t for t in TASKS)))
        await rig.settle()

        assert "5005, " in rig.text
        assert "3/6 done" in rig.text


async def test_a_task_that_no_longer_matches_stays_until_the_cursor_leaves_it() -> None:
    async with on_tasks(number=TRADE) as rig:
        await rig.press("/", *"!status=failure", "enter", *"jjkk", "r")
        here = rig.app.screen.list.chosen
        count = len(rig.app.screen.list.items)
        failed = replace(here, status="Failure")
        rig.control.answer(page(*(failed if t.id == here.id else t for t in TASKS)))
        await rig.settle()

        assert rig.app.screen.list.chosen == failed
        assert f"{count} of 6 /!status=failure  does not match" in rig.text
        await rig.press("j")
        assert rig.app.screen.list.chosen.id != here.id
        assert f"{count - 1} of 6 /!status=failure" in rig.text
        assert "no longer" not in rig.text


async def test_it_is_read_again_while_the_instance_goes_on_and_somebody_is_there() -> None:
    async with on_tasks(number=TRADE) as rig:
        await tick(rig)
        assert rig.control.answer(page(*TASKS)) == TasksOf(key(TRADE))
        rig.clock.advance(ATTENDED_SECONDS + 1)
        await tick(rig)
        assert rig.control.questions == []
        await rig.press("j")
        await tick(rig)

        assert len(rig.control.questions) == 1


async def test_it_is_not_read_under_another_screen_and_at_once_when_that_has_gone() -> None:
    async with on_tasks(number=TRADE) as rig:
        tasks = rig.app.screen
        await rig.press("?", "escape")
        assert rig.control.questions == []
        await rig.press("?")
        rig.clock.advance(FOLLOW_SECONDS)
        tasks.tick()
        assert rig.control.questions == []
        await rig.press("escape")

        assert rig.control.answer(page(*TASKS)) == TasksOf(key(TRADE))


async def test_a_settled_instance_is_not_read_again_by_itself() -> None:
    async with on_tasks() as rig:
        await tick(rig)

        assert rig.control.questions == []


async def test_enter_shows_a_task_with_its_runs_and_its_script() -> None:
    async with on_tasks() as rig:
        await rig.press("enter")
        whole = replace(FAILED_TASK, script_content="SELECT bizdt FROM ods;", owner="1823")
        assert rig.control.answer(whole) == TaskOf(BINDING, 5003, 7)
        runs = page(replace(whole, run_number=1), whole)
        assert rig.control.answer(runs) == RunsOf(key(FAILED), 5003)
        rerun = OperationLog(5003, "Rerun", "1823", ms(START), 1)
        of_day = rig.control.answer((rerun,))
        assert of_day == OperationsOf(BINDING, 5003, ms(datetime(1969, 12, 31, 16, tzinfo=UTC)), 7)
        await rig.settle()

        check_golden("task-80x24", rig.text)
        await rig.press("v")
        assert isinstance(rig.app.screen, TextScreen)
        assert '"Id": 5003' in rig.text
        await rig.press("escape", "l")
        assert isinstance(rig.app.screen, LogScreen)
        await rig.press("escape", "y")
        assert "5003: " in rig.text
        await rig.press("U")
        assert "what it holds up" in rig.text.splitlines()[0]
        await rig.press("escape", "escape", "escape")
        assert rig.app.screen is rig.app.main


async def test_a_task_that_ran_once_costs_one_call() -> None:
    async with on_tasks() as rig:
        await rig.press("j", "enter")

        assert [question for question, _ in rig.control.questions] == [TaskOf(BINDING, 5005, None)]


async def test_l_on_the_main_screen_goes_on_to_the_log_of_the_worst_task() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "l")
        rig.control.answer(page(*TASKS))
        await rig.settle()
        assert isinstance(rig.app.screen, LogScreen)
        assert rig.control.answer(log()) == TaskLog(BINDING, 5003, 2, 7)
        await rig.settle()
        assert "ODPS-0130071" in rig.text
        await rig.press("escape")

        assert rig.app.screen is rig.app.main


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_what_is_typed_behind_l_is_for_the_log(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("g", "l", "/", "f", "e")
        assert "Filter" not in rig.text
        assert "does nothing here" not in rig.text
        rig.control.answer(page(*TASKS))
        await rig.settle()
        assert rig.control.answer(log()) == TaskLog(BINDING, 5003, 2, 7)
        assert await rig.shows("Search log  fe")
        await rig.press("escape", "escape")
        await rig.burst("l/odps\n")
        rig.control.answer(page(*TASKS))
        await rig.settle()
        rig.control.answer(log())
        assert await rig.shows("lines with odps")
        assert "does nothing here" not in rig.text


async def test_a_log_opens_in_the_place_of_its_tasks_and_of_nothing_that_lies_over_them() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "l", "?")
        rig.control.answer(page(*TASKS))
        await rig.settle()
        assert "Keys of this view" in rig.text
        await rig.press("escape")
        assert isinstance(rig.app.screen, LogScreen)
        await rig.press("escape", "l", ":", *"note")
        rig.control.answer(log())
        rig.control.answer(page(*TASKS))
        await rig.settle()
        assert "Commands here" in rig.text
        await rig.press("enter")
        assert "Note about " in rig.text
    async with running(mixed()) as rig:
        await rig.press("g", "t", ":", "l")
        assert "copy ID" not in rig.text
        rig.control.answer(page(*TASKS))
        await rig.settle()
        await rig.press("o", "g", "enter")
        assert isinstance(rig.app.screen, LogScreen)


async def test_what_is_typed_behind_l_is_dropped_where_no_log_comes() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "l", "/")
        rig.control.answer(Refused("No."))
        assert await rig.shows("Not done, as it was not read: /")
        await rig.press("escape", "l", "x", "escape")

        assert rig.app.screen is rig.app.main
        assert ("unwatch", [key(FAILED)]) not in rig.asked


async def test_a_note_about_its_instance_is_undone_by_u_as_that_says() -> None:
    async with running(mixed()) as rig:
        # Both while the tasks are read.
        await rig.press("g", "t", "i", *"call Li", "enter")
        assert "Note kept, u undoes it." in rig.text
        await rig.press("u")
        assert [one for one in rig.asked if one[0] in {"note", "undo"}] == [
            ("note", FAILED, "call Li"),
            ("undo",),
        ]


@pytest.mark.parametrize("is_burst", [False, True])
async def test_a_key_about_tasks_waits_for_them_and_what_is_typed_behind_it(
    *, is_burst: bool
) -> None:
    async with running(mixed()) as rig:
        await rig.press("g")
        await (rig.burst("tjl/") if is_burst else rig.press("t", "j", "l", "/"))
        assert "There is no task" not in rig.text
        assert isinstance(rig.app.screen, TasksScreen)
        rig.control.answer(page(*TASKS))
        assert await rig.shows("Search log")

        assert rig.control.answer(log()) != TaskLog(BINDING, 5003, 2, 7)


async def test_a_filter_typed_at_once_is_text_of_the_box_alone() -> None:
    async with running(mixed()) as rig:
        await rig.press("g")
        await rig.burst("t/clean\n")
        rig.control.answer(page(*TASKS))
        assert await rig.shows("/clean")
        assert "does nothing here" not in rig.text
        await rig.burst("/fail\n")
        assert await rig.shows("/fail")
        assert "does nothing here" not in rig.text


async def test_the_cursor_returns_to_its_task_when_a_filter_widens() -> None:
    async with on_tasks() as rig:
        await rig.press("j", "j")
        here = rig.app.screen.list.chosen.id
        await rig.press("/", *"zzz")
        assert rig.app.screen.list.chosen is None
        await rig.press("enter", "escape")
        assert rig.app.screen.list.chosen.id == here
        # Where its task does not match, it goes to the first that does.
        await rig.press("/", "v")
        assert len(rig.app.screen.list.items) > 1
        assert rig.app.screen.list.cursor == 0
        assert rig.app.screen.list.chosen.id != here
        await rig.press("escape")
        assert rig.app.screen.list.chosen.id == here
        # Once the filter is taken, what is under the cursor is what was looked at.
        await rig.press("/", *"holo", "escape")
        assert rig.app.screen.list.chosen.id == here
        await rig.press("/", *"holo", "enter")
        other = rig.app.screen.list.chosen.id
        await rig.press("/", *"clean")
        assert "Esc cancel" in rig.text
        await rig.press("escape")
        assert "/holo" in rig.text
        assert rig.app.screen.list.chosen.id == other
        await rig.press("escape")
        assert rig.app.screen.list.chosen.id == other != here
        assert "Esc back" in rig.text


FROZEN = task(5007, "publish_result", "Failure", trigger_recurrence="Pause")


async def test_l_passes_a_frozen_task_over_and_names_it() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "l")
        rig.control.answer(page(*TASKS, FROZEN))
        await rig.settle()
        assert isinstance(rig.app.screen, LogScreen)
        assert rig.control.answer(log()) == TaskLog(BINDING, 5003, 2, 7)
        await rig.settle()
        assert "Skipped, since it is frozen: publish_result." in rig.text


async def test_o_in_a_log_passes_a_frozen_task_over() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "t")
        rig.control.answer(page(*TASKS, FROZEN))
        await rig.settle()
        await rig.press("l", "o")
        assert rig.control.answer(log()) == TaskLog(BINDING, 5003, 2, 7)
        await rig.settle()
        assert "failed log" not in rig.text
        assert "No other task has failed." in rig.text


async def test_o_in_the_log_of_a_task_in_full_shows_the_other_that_failed() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "t")
        rig.control.answer(page(*TASKS, task(5008, "second", "Failure")))
        await rig.settle()
        await rig.press("enter")
        rig.control.questions.clear()
        await rig.press("l")
        assert rig.control.answer(log()) == TaskLog(BINDING, 5003, 2, 7)
        await rig.settle()
        assert "o next" in rig.text
        await rig.press("o")
        asked = rig.control.questions[-1][0]
        assert isinstance(asked, TaskLog)
        assert asked.task_id == 5008


async def test_s_keeps_the_words_of_the_filter_and_goes_through_what_they_match() -> None:
    async with on_tasks() as rig:
        await rig.press("/", *"e", "enter")
        (of_all, *_), shown = rig.text.partition("/e")[::2], set()
        del of_all
        for _ in range(8):
            await rig.press("s")
            first = next(line for line in rig.text.splitlines() if " of 6 /e" in line)
            count, _, words = first.strip().partition(" of 6 /")
            shown.add(words.split("  ")[0].strip())
            assert int(count) > 0, first
        assert "e" in shown
        assert "e status=Failure" in shown


async def test_from_the_log_of_a_task_the_tasks_are_opened_at_it() -> None:
    async with running(mixed()) as rig:
        second = task(5008, "second", "Failure")
        await rig.press("g", "t")
        rig.control.answer(page(*TASKS, second))
        await rig.settle()
        for pressed in ("l", "o"):
            await rig.press(pressed)
            rig.control.answer(log())
            await rig.settle()
        await rig.press("t")
        rig.control.answer(page(*TASKS, second))
        await rig.settle()
        assert isinstance(rig.app.screen, TasksScreen)
        assert rig.app.screen.list.chosen == second
        # Once: then the cursor is the user's.
        await rig.press("g", "r")
        rig.control.answer(page(*TASKS, second))
        await rig.settle()
        assert rig.app.screen.list.chosen != second


async def test_l_opens_no_log_where_nothing_but_frozen_tasks_failed() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "l")
        rig.control.answer(page(FROZEN, task(5001, "load", "Success", started=9, finished=2)))
        await rig.settle()
        assert isinstance(rig.app.screen, TasksScreen)
        assert "no task has failed by itself; frozen: publish_result." in rig.text
        assert rig.control.questions == []
        await rig.press("s", "s")
        assert "1 of 2 /status=Success" in rig.text


async def test_names_from_outside_are_never_markup_nor_sequences() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("t")
        nasty = "[red]x[/] [@click=a.b] \x1b]0;p\x07\x9b31m\u202e"
        bad = task(9, nasty, nasty, nasty, trigger_recurrence=nasty, owner=nasty)
        rig.control.answer(page(bad))
        await rig.settle()
        await rig.press("enter")
        rig.control.answer(replace(bad, script_content=nasty))
        await rig.settle()

        assert "[red]x[/] [@click=a.b]" in rig.text
        sent = "".join(rig.app._driver.written)  # type: ignore[union-attr]
        assert "\x1b]0;p" not in sent
        assert "\x9b" not in sent
        assert "\u202e" not in sent


async def test_an_equal_answer_sends_little() -> None:
    async with on_tasks(number=TRADE, is_recorded=True) as rig:
        rig.take_bytes()
        await tick(rig)
        rig.control.answer(page(*TASKS))
        await rig.settle()

        assert rig.take_bytes() == 0


async def test_500_tasks_are_shown_by_their_first_screen() -> None:
    many = page(*(task(n, f"load_{n}", "Success", started=40, finished=20) for n in range(1, 501)))
    async with running(mixed()) as rig:
        await rig.press("t")
        rig.control.answer(many)
        await rig.settle()
        assert "500/500 done" in rig.text
        assert "load_1 " in rig.text
        await rig.press("G")

        assert "load_500 " in rig.text


async def test_the_json_of_a_task_that_was_not_kept_is_asked_for() -> None:
    async with running(mixed()) as rig:
        rig.app.main.look_up(key(FAILED))
        await rig.press("t")
        rig.control.answer(page(*(replace(each, raw="") for each in TASKS)))
        await rig.settle()
        await rig.press("v")
        assert "Reading it from the service" in rig.text
        assert rig.control.answer(FAILED_TASK) == TaskOf(BINDING, 5003, None)
        await rig.settle()

        assert '"Id": 5003' in rig.text


async def test_i_writes_a_note_about_the_instance_of_the_tasks() -> None:
    async with on_tasks() as rig:
        await rig.press("i", *"by hand", "enter")
        assert rig.asked[-1] == ("note", FAILED, "by hand")
        assert isinstance(rig.app.screen, TasksScreen)
