"""The log of a task's run: which one is asked for, when again, and what is shown of it first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes import BINDING, START, key
from rig import Rig, check_golden, running
from scenes import FAILED, change, mixed, row
from task_scenes import FAILED_TASK, RUNNING_TASK, log, task
from values import replace

from wfinspect.errors import Unreachable
from wfinspect.model import TaskInstance
from wfinspect.ui.lines import Role
from wfinspect.ui.screens.text import LogScreen
from wfinspect.ui.screens.view import ATTENDED_SECONDS
from wfinspect.watching.api import TaskLog, TaskOf


@asynccontextmanager
async def on_log(
    of: TaskInstance = FAILED_TASK,
    text: str | None = None,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Rig]:
    async with running(mixed(), size) as rig:
        await rig.app.push_screen(LogScreen(rig.app.main, key(FAILED), of))
        await rig.settle()
        if text is not None:
            rig.control.answer(text)
            await rig.settle()
        yield rig


async def tick(rig: Rig, *answers: object) -> list[object]:
    """What the timer of the view does, and what it asks for."""
    rig.app.screen.tick()  # type: ignore[attr-defined]
    asked: list[object] = []
    for answer in answers:
        asked.append(rig.control.answer(answer))
        await rig.settle()
    assert rig.control.questions == []
    return asked


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)])
async def test_a_failed_run_shows_its_error_first_and_its_end(size: tuple[int, int]) -> None:
    async with on_log(text=log(), size=size) as rig:
        check_golden(f"task-log-{size[0]}x{size[1]}", rig.text)


async def test_the_log_of_a_run_that_is_over_is_asked_for_so_that_it_is_kept() -> None:
    async with on_log() as rig:
        assert "Reading it from the service" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc back")
        assert rig.control.answer(log()) == TaskLog(BINDING, 5003, 2, 7)


async def test_a_run_that_succeeded_has_no_error_whatever_its_log_says() -> None:
    done = task(1, "a", "Success", started=10, finished=2)
    async with on_log(done, "0 rows\nFAILED: once, then retried\nOK\n") as rig:
        assert "LOOKS LIKE" not in rig.text


async def test_a_run_without_a_log_says_so() -> None:
    async with on_log(text="") as rig:
        assert "This run has written no log." in rig.text


@pytest.mark.parametrize(
    ("status", "recurrence", "why"),
    [
        ("Failure", "Pause", "frozen: the schedule sets it to failed, it does not run"),
        ("Success", "Skip", "dry run: set to successful, it did not run"),
    ],
)
async def test_a_task_that_did_not_run_has_no_log_and_that_is_why(
    status: str, recurrence: str, why: str
) -> None:
    async with on_log(task(1, "a", status, trigger_recurrence=recurrence), "") as rig:
        assert f"no log ({why})" in " ".join(rig.text.split())
        assert (
            rig.text.splitlines()[0].split()[1]
            == why.split(":", maxsplit=1)[0].split(maxsplit=1)[0]
        )


async def test_a_failure_to_read_is_told_and_r_asks_again() -> None:
    async with on_log() as rig:
        rig.control.answer(Unreachable("The service can't be reached: no route."))
        await rig.settle()
        assert "The service can't be reached: no route." in rig.text
        await rig.press("r")
        rig.control.answer(log())
        await rig.settle()

        assert "can't be reached" not in rig.text
        assert "ODPS-0130071" in rig.text


async def test_a_run_that_goes_on_is_followed_at_its_end() -> None:
    async with on_log(RUNNING_TASK, "one\n" * 50) as rig:
        assert "follows every 30s" in rig.text
        asked = await tick(rig, "one\n" * 50 + "two\n" * 50)

        assert asked == [TaskLog(BINDING, 5005, 1, None)]
        assert "line 100 of 100" in rig.text


async def test_whoever_reads_further_up_stays_there() -> None:
    async with on_log(RUNNING_TASK, "".join(f"{n}\n" for n in range(100))) as rig:
        await rig.press("g", "j")
        await tick(rig, "".join(f"{n}\n" for n in range(200)))

        assert rig.text.splitlines()[1] == " 1"
        assert "of 200" in rig.text


async def test_a_long_error_has_two_lines_and_a_sign_where_it_is_cut() -> None:
    async with on_log(text="FAILED: column " + "x" * 80 + " cannot be resolved\n") as rig:
        assert any("x cannot be resolved" in line for line in rig.text.splitlines()[2:4])
    async with on_log(text="FAILED: column " + "x" * 200 + " cannot be resolved\n") as rig:
        assert rig.text.splitlines()[3].endswith("xxx...")


async def test_errors_leave_half_of_a_small_screen_to_the_log_and_a_sign() -> None:
    errors = "".join(f"FAILED: {n} {'word ' * 30}\n" for n in range(9))
    async with on_log(text=errors, size=(45, 12)) as rig:
        lines = rig.text.splitlines()
        assert lines[1] == " LOOKS LIKE THE ERROR"
        assert lines[5].endswith("...")
        assert lines[6] == ""
        assert lines[-3].strip().startswith("word")


async def test_a_log_that_stands_still_makes_it_ask_whether_the_run_is_over() -> None:
    async with on_log(RUNNING_TASK, "one\n") as rig:
        over = replace(RUNNING_TASK, status="Failure", modify_time=9)
        asked = await tick(rig, "one\n", over, "one\nFAILED: late\n")

        assert asked == [
            TaskLog(BINDING, 5005, 1, None),
            TaskOf(BINDING, 5005),
            TaskLog(BINDING, 5005, 1, 9),
        ]
        assert "LOOKS LIKE THE ERROR" in rig.text
        assert "follows" not in rig.text
        assert await tick(rig) == []


async def test_a_log_that_names_the_end_of_its_run_makes_it_ask_at_once() -> None:
    ended = "one\nINFO Current task status: FINISH\n"
    async with on_log(RUNNING_TASK, "Current task status: RUNNING\n") as rig:
        over = replace(RUNNING_TASK, status="Success", modify_time=9)
        asked = await tick(rig, ended, over, ended)

        assert asked[1:] == [TaskOf(BINDING, 5005), TaskLog(BINDING, 5005, 1, 9)]
        assert "follows" not in rig.text


async def test_a_newer_run_ends_what_is_followed_and_is_named() -> None:
    async with on_log(RUNNING_TASK, "one\n") as rig:
        await tick(rig, "one\n", replace(RUNNING_TASK, run_number=2), "one\nlast\n")

        assert "Run 2 has begun: > shows its log." in rig.text
        assert "last" in rig.text
        assert "earlier run" in rig.text
        assert await tick(rig) == []


async def test_a_log_is_followed_only_while_there_are_keys() -> None:
    async with on_log(RUNNING_TASK, "one\n") as rig:
        rig.clock.advance(ATTENDED_SECONDS + 1)

        assert await tick(rig) == []


async def test_levels_have_colours_and_times_are_dim() -> None:
    lines = (
        "2026-09-18 14:27:01 INFO ready",
        "2026-09-18 14:27:02 WARN slow",
        "2026-09-18 14:27:03 ERROR gone",
        "not a line of a log",
    )
    async with on_log(RUNNING_TASK, "\n".join(lines)) as rig:
        view = rig.app.screen.view  # type: ignore[attr-defined]
        drawn = [{text.strip(): role for text, role in view.line_at(y).spans} for y in range(4)]

    assert [
        roles.get(word) for roles, word in zip(drawn, ("INFO", "WARN", "ERROR"), strict=False)
    ] == [
        Role.ACTIVE,
        Role.WAITING,
        Role.FAILURE,
    ]
    assert [roles["2026-09-18 14:27:0" + str(n)] for n, roles in enumerate(drawn[:3], 1)] == [
        Role.DIM
    ] * 3
    assert drawn[3][lines[3]] is Role.TEXT


async def test_it_says_in_which_zone_its_times_are() -> None:
    async with on_log(text=log()) as rig:
        assert "times: Asia/Shanghai, UTC+8" in rig.text
    others = (replace(FAILED_TASK, id=5009), FAILED_TASK)
    async with running(mixed()) as rig:
        await rig.app.push_screen(LogScreen(rig.app.main, key(FAILED), FAILED_TASK, others))
        rig.control.answer(log())
        await rig.settle()
        assert "failed log" in rig.text
        assert "times: UTC+8" in rig.text


async def test_an_unchanged_search_finds_what_is_new() -> None:
    async with on_log(RUNNING_TASK, "two\none\n") as rig:
        await rig.press("/", *"two", "enter")
        await tick(rig, "two\none\ntwo\n")

        assert "1 of 2 lines with two" in rig.text


async def test_earlier_runs_have_logs_of_their_own() -> None:
    async with on_log(text=log()) as rig:
        await rig.press(">")
        assert "There is no later run." in rig.text
        await rig.press("<")
        assert "Reading it from the service" in rig.text
        assert rig.control.answer("FAILED: the first time\n") == TaskLog(BINDING, 5003, 1, 7)
        await rig.settle()
        assert "run 1 of 2" in rig.text
        assert "earlier run" in rig.text
        # How it ended is not known.
        assert " LOOKS LIKE AN ERROR\n FAILED: the first time\n" in rig.text
        await rig.press("<")
        assert "There is no earlier run." in rig.text
        await rig.press(">")
        rig.control.answer(log())
        await rig.settle()

        assert "run 2 of 2" in rig.text
        assert "ODPS-0130071" in rig.text


async def test_an_earlier_run_is_taken_for_failed_only_where_that_is_known() -> None:
    async with on_log(text=log()) as rig:
        await rig.press("<")
        rig.control.answer("FAILED: once, then retried\nINFO Current task status: FINISH\n")
        await rig.settle()
        assert "FAILED: once" in rig.text
        assert "LOOKS LIKE" not in rig.text
    before = replace(FAILED_TASK, run_number=1)
    last = change(FAILED, "Failure", "Running", START)._replace(failed=(before,))
    rerun = row(FAILED, "Running", last_change=last)
    snapshot = mixed()
    others = (each for each in snapshot.rows if each.key.id != FAILED)
    async with running(snapshot._replace(rows=(rerun, *others))) as rig:
        await rig.app.push_screen(LogScreen(rig.app.main, key(FAILED), FAILED_TASK))
        await rig.settle()
        rig.control.answer(log())
        await rig.press("<")
        rig.control.answer(log())
        await rig.settle()
        assert "LOOKS LIKE THE ERROR" in rig.text


async def test_an_answer_for_another_run_is_let_go() -> None:
    async with on_log() as rig:
        await rig.press("<")
        rig.control.answer("the second\n")
        await rig.settle()
        assert "the second" not in rig.text
        rig.control.answer("the first\n")
        await rig.settle()

        assert "the first" in rig.text


async def test_an_answer_after_the_view_was_closed_harms_nothing() -> None:
    async with on_log() as rig:
        await rig.press("escape")
        rig.control.answer(log())
        await rig.settle()

        assert rig.app.screen is rig.app.main


async def test_without_room_what_a_search_found_stays_and_no_part_is_cut() -> None:
    async with on_log(text="one\ntwo\n", size=(45, 12)) as rig:
        await rig.press("/", *"amount", "enter")

        assert rig.text.splitlines()[-2].split("  ") == [" no line has amount", "times: UTC+8"]


async def test_another_run_is_shown_at_the_first_line_with_what_is_searched_for() -> None:
    async with on_log(text="one\nboom\nlast\n") as rig:
        await rig.press("/", *"boom", "enter")
        await rig.press("<")
        rig.control.answer("one\n" * 50 + "boom\n" + "one\n" * 50 + "boom\n")
        await rig.settle()
        assert "1 of 2 lines with boom" in rig.text
        assert "\n boom" in rig.text.replace("\n>", "\n ")
