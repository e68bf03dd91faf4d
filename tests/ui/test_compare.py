"""Two instances side by side: what is asked for, one thing after the other, and what is told first."""

import json

import pytest
from fakes import START, instance, key, ms
from rig import ZONE, check_golden, running
from scenes import FAILED, ago, failed_row, mixed
from task_scenes import TASKS, page, task
from values import replace

from wfinspect.errors import Unreachable
from wfinspect.lateness import Run
from wfinspect.model import InstanceId, TaskInstance, WorkflowInstance
from wfinspect.ui.lines import Column, Role
from wfinspect.ui.screens.compare import compare_columns, comparison, side_by_side, task_times
from wfinspect.ui.theme import ASCII_GLYPHS, Look
from wfinspect.watching.api import EarlierRuns, InstanceOf, Row, TasksOf

LOOK = Look(ASCII_GLYPHS, ">", ZONE)


def columns(label: int, value: int) -> tuple[Column, Column]:
    return Column("", label, 1), Column("", value)


WIDE = columns(18, 34)
BEFORE = 10432900000
DAY = 86_400_000


def mine() -> WorkflowInstance:
    found = failed_row().instance
    assert found is not None
    return found


def last_success() -> WorkflowInstance:
    return replace(
        mine(),
        id=InstanceId(BEFORE),
        status="Success",
        started_time=ms(ago(hours=25)),
        finished_time=ms(ago(hours=24, minutes=40)),
        workflow_parameters='{"bizdate":"20260916","retry_max":3}',
    )


def runs(count: int = 6) -> tuple[Run, ...]:
    """One a day, of 20 minutes each; the latest failed."""
    made = [
        Run(InstanceId(BEFORE - n), ms(START) - n * DAY, "Success", ms(START) - n * DAY, 0)
        for n in range(count)
    ]
    good = [replace(run, finished_time=(run.started_time or 0) + 1_200_000) for run in made]
    failed = Run(InstanceId(BEFORE + 1), ms(START), "Failure", 1, 2)
    return (failed, *good)


def test_a_null_differs_from_a_text_that_says_so_and_torn_parameters_are_shown_whole() -> None:
    of_json, of_pairs = '{"a": null}', "a=1 b=x y"
    rows = [
        Row(key(FAILED), replace(mine(), workflow_parameters=text, tags=()))
        for text in (of_json, '{"a": "null"}', of_pairs)
    ]
    kinds = [line.text.split() for line in comparison(rows[0], rows[1], LOOK, columns(18, 28))]
    torn = [line.text.split() for line in comparison(rows[0], rows[2], LOOK, columns(18, 28))]

    assert ["$a", "null", '"null"'] in kinds
    assert not any(line[:1] == ["Parameters"] for line in kinds)
    assert ["Parameters", *of_json.split(), *of_pairs.split()] in torn


def test_a_task_that_was_frozen_in_one_run_comes_first_and_has_no_duration() -> None:
    ran = [
        task(1, "a", "Success", started=60, finished=2),
        task(2, "b", "Success", started=9, finished=2),
    ]
    before = [
        task(1, "a", "Success", started=9, finished=2),
        replace(ran[1], status="Failure", trigger_recurrence="Pause"),
    ]
    dry = [replace(each, trigger_recurrence="Skip") for each in ran]
    text = [line.text.split() for line in task_times(ran, before, ms(START), WIDE)]
    both = [line.text.split() for line in task_times(dry, dry, ms(START), WIDE)]

    assert text[2:] == [["b", "7m00s", "frozen"], ["a", "58m00s", "51m00s", "more", "7m00s"]]
    assert both[2:] == [["a", "dry", "run", "dry", "run"], ["b", "dry", "run", "dry", "run"]]


def test_what_differs_comes_first_then_what_always_does_then_what_is_equal() -> None:
    first, second = Row(key(FAILED), mine()), Row(key(BEFORE), last_success())
    text = [line.text for line in comparison(first, second, LOOK, columns(18, 28))]
    titles = [n for n, said in enumerate(text) if said.startswith((" DIFFERS", " EQUAL"))]
    places = {said.split()[0]: n for n, said in enumerate(text) if said.strip()}

    assert len(titles) == 3
    assert titles[0] < places["Status"] < titles[1]
    assert titles[0] < places["$region_list"] < titles[1]
    assert titles[1] < places["Started"] < titles[2]
    assert titles[2] < places["Name"]
    assert titles[2] < places["$retry_max"]
    assert "20260917" in text[places["$bizdate"]]
    assert "20260916" in text[places["$bizdate"]]


def test_no_character_of_a_long_value_is_lost() -> None:
    long = replace(mine(), name="n" * 500 + "\x1b[2J")
    lines = comparison(Row(key(1), long), Row(key(2), mine()), LOOK, columns(18, 18))

    assert sum(line.text.count("n" * 3) for line in lines) > 100
    assert not any("\x1b" in line.text for line in lines)


def test_each_line_of_a_value_stands_on_a_line_of_its_own() -> None:
    lines = side_by_side("$sql", "select 1\nfrom dual", "select 2", columns(18, 18), Role.TEXT)

    assert [one.text.split() for one in lines] == [
        ["$sql", "select", "1", "select", "2"],
        ["from", "dual"],
    ]


def test_the_task_whose_time_differs_most_leads() -> None:
    faster = tuple(
        replace(t, finished_time=(t.started_time or 0) + 60_000) if t.id == 5003 else t
        for t in TASKS
        if t.id != 5001
    )
    said = [line.text for line in task_times(TASKS, faster, ms(START), WIDE)][2:]

    assert said[0].split() == ["load_behavior_log", "13m00s", "-"]
    assert said[1].split() == ["build_profile_wide", "13m00s", "12m00s", "more", "1m00s"]


def loads(first_id: int, ran: dict[int, int]) -> tuple[TaskInstance, ...]:
    """Tasks of one name, each by its task's ID with the minutes it ran."""
    return tuple(
        task(number, "load", "Success", task_id=it, started=90, finished=90 - minutes)
        for number, (it, minutes) in enumerate(ran.items(), first_id)
    )


def test_tasks_of_one_name_are_kept_apart_by_their_task() -> None:
    said = [
        it.text.split() for it in task_times(loads(5, {7: 9, 8: 2}), loads(1, {8: 2}), 0, WIDE)
    ][2:]

    assert said == [
        ["load", "(task", "7)", "9m00s", "-"],
        ["load", "(task", "8)", "2m00s", "2m00s"],
    ]


def test_tasks_that_nothing_tells_apart_are_paired_in_their_order() -> None:
    twice = task(9, "load", "Success", task_id=7, started=50, finished=49)
    said = [
        it.text.split()
        for it in task_times((*loads(1, {7: 3}), twice), (*loads(1, {7: 3}), twice), 0, WIDE)
    ][2:]

    assert said == [
        ["load", "(task", "7)", "3m00s", "3m00s"],
        ["load", "(task", "7)", "(2)", "1m00s", "1m00s"],
    ]


def test_short_values_stand_together_and_long_ones_take_the_room_there_is() -> None:
    long = replace(mine(), name="n" * 500)

    assert compare_columns(160, Row(key(1), mine()), ZONE) == columns(30, 24)
    assert compare_columns(160, Row(key(1), long), ZONE) == columns(30, 63)
    assert compare_columns(30, Row(key(1), long), ZONE) == columns(18, 8)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_c_compares_with_the_last_success(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("g", "enter", "c")
        asked = []
        answers = (mine(), runs(), last_success(), page(*TASKS), page(*TASKS[:2]))
        for answer in answers:
            asked.append(rig.control.answer(answer))
            await rig.settle()

        assert asked == [
            InstanceOf(key(FAILED)),
            EarlierRuns(key(FAILED)),
            InstanceOf(key(BEFORE)),
            TasksOf(key(FAILED)),
            TasksOf(key(BEFORE)),
        ]
        check_golden(f"compare-{size[0]}x{size[1]}", rig.text)
        await rig.press("G", "escape")
        assert rig.app.screen is rig.app.main


async def test_without_a_success_before_it_says_so_and_asks_no_more() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "enter", "c")
        rig.control.answer(mine())
        await rig.settle()
        rig.control.answer(())
        await rig.settle()

        assert "No earlier run that succeeded is known." in rig.text
        assert "too few runs" in rig.text
        assert rig.control.questions == []


async def test_a_failure_on_the_way_is_told_and_r_begins_anew() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "enter", "c")
        rig.control.answer(mine())
        await rig.settle()
        rig.control.answer(Unreachable("No route to the service."))
        await rig.settle()
        assert "No route to the service." in rig.text
        assert "Reading" not in rig.text
        await rig.press("r")

        assert rig.control.answer(instance()) == InstanceOf(key(FAILED))


def test_two_long_values_are_shown_from_where_they_differ() -> None:
    alike = "".join(map(str, range(1_000_000)))

    lines = side_by_side("sql", f"{alike}first{alike}", f"{alike}second{alike}", WIDE, Role.TEXT)

    text = "\n".join(line.text for line in lines)
    pieces = [line.text[20:].split() for line in lines[1:]]
    mine, theirs = ("".join(piece[side] for piece in pieces if len(piece) == 2) for side in (0, 1))
    assert "first01" in mine
    assert "second01" in theirs
    assert "11.8 MB, v shows the whole" in text
    assert f"from character {len(alike) + 1 - 100:,}:" in text
    assert len(lines) < 100


def test_of_thousands_of_parameters_that_differ_some_are_shown_and_the_rest_is_counted() -> None:
    def row(value: str) -> Row:
        text = json.dumps({f"key{n}": value for n in range(5_000)})
        return Row(key(FAILED), replace(mine(), workflow_parameters=text))

    text = [line.text for line in comparison(row("a"), row("b"), LOOK, WIDE)]

    assert " DIFFERS 5000" in text
    assert " ... and 4,500 more, v shows them all" in text
    assert len(text) < 1_000
