"""Two instances side by side: what is asked for, one thing after the other, and what is told first."""

import json
from collections.abc import Iterable

import pytest
from fakes import START, instance, key, ms
from rig import ZONE, check_golden, running
from scenes import FAILED, ago, failed_row, mixed, outage
from task_scenes import TASKS, page, task
from values import replace

from wfinspect.errors import Unreachable
from wfinspect.export import ComparedField, compared_fields, compared_tasks
from wfinspect.lateness import Run
from wfinspect.model import InstanceId, WorkflowInstance
from wfinspect.ui.lines import Column, Line, Role
from wfinspect.ui.screens.compare import compare_columns, field_lines, side_by_side, task_lines
from wfinspect.ui.theme import look_for
from wfinspect.watching.api import EarlierRuns, InstanceOf, OtherRuns, TasksOf

LOOK = look_for(ZONE, is_ascii=True)
REGION = key(FAILED).target.region


def columns(label: int, value: int) -> tuple[Column, ...]:
    return Column("", label, 1), Column("", 1, 1), Column("", value), Column("", 1, 1)


def fields(first: WorkflowInstance, second: WorkflowInstance) -> list[ComparedField]:
    return compared_fields(first, second, REGION, ZONE)


def texts(lines: Iterable[Line]) -> list[str]:
    return [line.text for line in lines]


def side(label: str, first: str, second: str) -> list[str]:
    cells = (((" ", Role.DIM), (text, Role.TEXT)) for text in (first, second))
    return texts(side_by_side(label, next(cells), next(cells), WIDE))


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
        biz_date=(mine().biz_date or 0) - DAY,
        started_time=ms(ago(hours=25)),
        finished_time=ms(ago(hours=24, minutes=40)),
        workflow_parameters='{"bizdate":"20260916","retry_max":3}',
    )


def runs(count: int = 6) -> tuple[Run, ...]:
    """One a day, of 20 minutes each; the latest failed."""
    date = (mine().biz_date or 0) - DAY
    made = [
        Run(InstanceId(BEFORE - n), date - n * DAY, "Success", ms(START) - n * DAY, 0)
        for n in range(count)
    ]
    good = [replace(run, finished_time=(run.started_time or 0) + 1_200_000) for run in made]
    failed = Run(InstanceId(BEFORE + 1), date, "Failure", ms(START) + 1, ms(START) + 2)
    return (failed, *good)


def test_a_null_differs_from_a_text_that_says_so_and_torn_parameters_are_shown_whole() -> None:
    of_json, of_pairs = '{"a": null}', "a=1 b=x y"
    made = [
        replace(mine(), workflow_parameters=text, tags=())
        for text in (of_json, '{"a": "null"}', of_pairs)
    ]
    kinds = [text.split() for text in texts(field_lines(fields(made[0], made[1]), WIDE))]
    torn = [text.split() for text in texts(field_lines(fields(made[0], made[2]), WIDE))]

    assert ["$a", "null", '"null"'] in kinds
    assert not any(line[:1] == ["Parameters"] for line in kinds)
    assert ["Parameters", *of_json.split(), *of_pairs.split()] in torn


def test_what_differs_comes_first_then_what_always_does_then_what_is_equal() -> None:
    text = texts(field_lines(fields(mine(), last_success()), WIDE))
    titles = [n for n, said in enumerate(text) if said.startswith((" DIFFERS", " EQUAL"))]
    places = {said.split()[0]: n for n, said in enumerate(text) if said.strip()}

    assert len(titles) == 3
    assert " No setting differs." not in text
    alike = texts(field_lines(fields(mine(), mine()), WIDE))
    assert alike[alike.index(" DIFFERS 0") + 1] == " No setting differs."
    assert titles[0] < places["$region_list"] < titles[1]
    assert titles[1] < places["Started"] < titles[2]
    assert titles[1] < places["$bizdate"] < titles[2]
    assert titles[2] < places["Name"]
    assert titles[2] < places["$retry_max"]
    assert "20260917" in text[places["$bizdate"]]
    assert "20260916" in text[places["$bizdate"]]


def test_no_character_of_a_long_value_is_lost() -> None:
    long = replace(mine(), name="n" * 500 + "\x1b[2J")
    lines = texts(field_lines(fields(long, mine()), columns(18, 18)))

    assert sum(text.count("n" * 3) for text in lines) > 100
    assert not any("\x1b" in text for text in lines)


def test_each_line_of_a_value_stands_on_a_line_of_its_own() -> None:
    lines = side("$sql", "select 1\nfrom dual", "select 2")

    assert [one.split() for one in lines] == [
        ["$sql", "select", "1", "select", "2"],
        ["from", "dual"],
    ]


def test_what_failed_is_red_and_only_what_ran_through_in_both_has_a_difference() -> None:
    ran = [task(n, it, "Success", started=60, finished=9) for n, it in enumerate("abcd")]
    now = [
        ran[0],
        replace(ran[1], status="Failure"),
        replace(ran[2], finished_time=(ran[2].finished_time or 0) + 65_000),
        replace(ran[3], status="Failure", trigger_recurrence="Pause"),
    ]
    pairs = compared_tasks(now, ran, ms(START))
    lines = list(task_lines(pairs, WIDE, LOOK, START))[2:]

    assert [text.split() for text in texts(lines)] == [
        ["b", "X", "51m00s", "Failure", "+", "51m00s"],
        ["d", ".", "frozen", "+", "51m00s"],
        ["c", "+", "52m05s", "1m05s", "more", "+", "51m00s"],
        ["a", "+", "51m00s", "+", "51m00s"],
    ]
    assert [role for text, role in lines[0].spans if text.strip()] == [
        Role.FAILURE,
        Role.FAILURE,
        Role.FAILURE,
        Role.SUCCESS,
        Role.TEXT,
    ]


def test_short_values_stand_together_and_long_ones_take_the_room_there_is() -> None:
    long = replace(mine(), name="n" * 500)

    assert compare_columns(160, fields(mine(), mine())) == columns(30, 24)
    assert compare_columns(160, fields(long, mine())) == columns(30, 61)
    assert compare_columns(60, fields(long, mine())) == columns(18, 17)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_c_compares_with_the_last_success(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("g", "enter", "c")
        asked, seen = [], []
        answers = (mine(), runs(2), last_success(), page(*TASKS), page(*TASKS[:2]), runs())
        for answer in answers:
            asked.append(rig.control.answer(answer))
            await rig.settle()
            seen.append(rig.text.splitlines())

        assert asked == [
            InstanceOf(key(FAILED)),
            OtherRuns(key(FAILED), most=1),
            InstanceOf(key(BEFORE)),
            TasksOf(key(FAILED)),
            TasksOf(key(BEFORE)),
            EarlierRuns(key(FAILED)),
        ]
        place = next(n for n, text in enumerate(seen[2]) if "reading the" in text)
        assert "reading the 6 tasks of the other run..." in seen[3][place]
        assert seen[4][:place] == seen[2][:place]
        assert seen[4][place].split() == ["TASKS", "6"]
        assert seen[4][1] == " reading its earlier runs, at most 10 calls..."
        assert seen[5][2:-2] == seen[4][2:-2]
        check_golden(f"compare-{size[0]}x{size[1]}", rig.text)
        await rig.press("G", "escape")
        assert rig.app.screen is rig.app.main


async def test_any_earlier_run_can_stand_beside_it() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "enter", "c")
        for answer in (mine(), runs(1), last_success(), page(*TASKS), page(*TASKS), runs()):
            rig.control.answer(answer)
            await rig.settle()
        await rig.press("greater_than_sign")
        failed_before = replace(last_success(), id=InstanceId(BEFORE + 1), status="Failure")
        assert rig.control.answer(failed_before) == InstanceOf(key(BEFORE + 1))
        await rig.settle()
        assert rig.control.answer(page(*TASKS)) == TasksOf(key(BEFORE + 1))
        await rig.settle()

        assert "compared with its run of 2026-09-16" in rig.text
        assert "other run 1 of 7" in rig.text
        await rig.press("greater_than_sign")
        assert "No later run is known." in rig.text
        await rig.press("o", *"Success", "down", "enter")
        assert rig.control.answer(last_success()) == InstanceOf(key(BEFORE - 1))
        assert rig.control.questions == []


async def test_without_contact_what_goes_on_is_a_question_and_takes_no_longer() -> None:
    goes_on = replace(mine(), status="Running", finished_time=None)
    async with running(mixed(), (160, 48)) as rig:
        await rig.press("g", "enter", "c")
        for answer in (goes_on, runs(2), last_success(), page(*TASKS), page(*TASKS), runs()):
            rig.control.answer(answer)
            await rig.settle()
        before = rig.text
        assert " Running " in before
        rig.clock.advance(7_200)
        await rig.publish(outage())
        assert rig.text.count("Running?") == 3
        assert (
            rig.text.replace("Running? ", "Running  ").splitlines()[2:8]
            == (before.splitlines()[2:8])
        )


async def test_without_a_success_before_it_says_so_and_asks_no_more() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "enter", "c")
        rig.control.answer(mine())
        await rig.settle()
        for _ in ("the latest", "all"):
            rig.control.answer(())
            await rig.settle()

        assert "No earlier run that succeeded is known." in rig.text
        assert "no runs of earlier dates to compare with yet" in rig.text
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
        # Without runs none is offered.
        assert "Esc back  l log  t tasks  r read again  ? keys" in rig.text
        await rig.press("r")

        assert rig.control.answer(instance()) == InstanceOf(key(FAILED))


def test_two_long_values_are_shown_from_where_they_differ() -> None:
    alike = "".join(map(str, range(1_000_000)))

    lines = side("sql", f"{alike}first{alike}", f"{alike}second{alike}")

    pieces = [text[20:].split() for text in lines[1:]]
    mine, theirs = ("".join(piece[at] for piece in pieces if len(piece) == 2) for at in (0, 1))
    assert "first01" in mine
    assert "second01" in theirs
    assert "11.8 MB, v shows the whole" in "\n".join(lines)
    assert f"from character {len(alike) + 1 - 100:,}:" in "\n".join(lines)
    assert len(lines) < 100


def test_of_thousands_of_parameters_that_differ_some_are_shown_and_the_rest_is_counted() -> None:
    def made(value: str) -> WorkflowInstance:
        text = json.dumps({f"key{n}": value for n in range(5_000)})
        return replace(mine(), workflow_parameters=text)

    text = texts(field_lines(fields(made("a"), made("b")), WIDE))

    assert " DIFFERS 5000" in text
    assert " ... and 4,500 more, v shows them all" in text
    assert len(text) < 1_000


def test_where_two_values_have_no_room_they_stand_below_each_other() -> None:
    narrow = compare_columns(43, fields(mine(), last_success()))
    mark = " ", Role.DIM
    ids = (mark, ("104329871651", Role.TEXT)), (mark, ("104329000001", Role.TEXT))

    assert [text.rstrip() for text in texts(side_by_side("ID", *ids, narrow))] == [
        " ID              104329871651",
        "                 104329000001",
    ]
    [both] = texts(side_by_side("Owner", ids[0], ids[0], narrow))
    assert both.split() == ["Owner", "104329871651"]
