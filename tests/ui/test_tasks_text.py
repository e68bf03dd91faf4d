import re
from collections.abc import Sequence
from datetime import UTC

import pytest
from fakes import BINDING, START, ms
from fuzz import hostile
from hypothesis import given
from hypothesis import strategies as st
from rig import ZONE
from task_scenes import FAILED_TASK, RUNNING_TASK, TASKS, task
from values import replace

from wfinspect.errors import Refused
from wfinspect.model import OperationLog, Progress, TaskInstance, progress
from wfinspect.ui.lines import Role, width_of
from wfinspect.ui.tasks_text import (
    TimeLine,
    axis,
    bar,
    details,
    heading,
    operation_lines,
    progress_line,
    summary,
    task_columns,
    task_line,
    widest,
)
from wfinspect.ui.theme import look_for
from wfinspect.watching.api import OperationsOf, Outcome, Reply

LOOK = look_for(ZONE, is_ascii=True)
NOW = float(ms(START))
OVER = TimeLine.of(TASKS, NOW)
TIMES = st.none() | st.integers(ms(START) - 10_000_000, ms(START))


def drawn(number: int, cells: int = 44) -> str:
    found = next(t for t in TASKS if t.id == number)
    return "".join(text for text, _ in bar(found, OVER, NOW, cells, LOOK))


def summed(one: TaskInstance, width: int = 200, chain: Sequence[TaskInstance] = ()) -> str:
    return "".join(text for text, _ in summary(one, LOOK, START, width, chain))


def test_the_time_line_goes_from_the_first_wait_to_the_last_end() -> None:
    assert TimeLine(NOW - 44 * 60_000, NOW) == OVER
    assert TimeLine.of([task(1, "a", "NotRun")], NOW) is None


def test_a_bar_shows_where_a_task_waited_and_ran() -> None:
    assert drawn(5001).rstrip() == "." + "=" * 13
    assert drawn(5003).rstrip() == " " * 24 + "." * 5 + "=" * 13
    assert drawn(5005) == " " * 24 + "." * 10 + "=" * 10
    assert drawn(5006) == " " * 35 + "." * 9
    assert drawn(5004).strip() == ""


@given(TIMES, TIMES, TIMES, st.sampled_from(["Failure", "Running", "WaitTime"]), st.integers(8, 90))
def test_a_bar_has_its_cells_whatever_the_times(
    waits: int | None, started: int | None, finished: int | None, status: str, cells: int
) -> None:
    odd = replace(
        FAILED_TASK,
        status=status,
        waiting_resource_time=waits,
        started_time=started,
        finished_time=finished,
    )

    assert width_of(bar(odd, OVER, NOW, cells, LOOK)) == cells


def test_a_task_beside_the_slowest_chain_has_a_lighter_bar() -> None:
    found = bar(FAILED_TASK, OVER, NOW, 44, LOOK, is_critical=False)

    assert "".join(text for text, _ in found).strip() == "." * 5 + "-" * 13
    assert "slowest chain 1/2" in summed(TASKS[0], chain=TASKS[:2])
    assert "chain" not in summed(TASKS[0], chain=TASKS[1:])


def test_the_axis_has_the_times_of_both_ends_as_exactly_as_they_need() -> None:
    assert OVER is not None
    assert axis(OVER, 14, ZONE) == "|13:46  14:30|"
    assert axis(OVER, 8, ZONE) == "|13:46  "
    assert axis(TimeLine(NOW, NOW + 9_000), 20, ZONE) == "|14:30:00  14:30:09|"
    days = TimeLine(NOW, NOW + 2 * 86_400_000)
    assert axis(days, 28, ZONE) == "|09-18 14:30    09-20 14:30|"


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 10**14), st.integers(8, 200))
def test_the_axis_has_its_cells_whatever_the_times(begin: int, took: int, cells: int) -> None:
    assert len(axis(TimeLine(begin, begin + took), cells, ZONE)) == cells


def test_however_short_a_run_was_it_is_seen() -> None:
    short = task(1, "a", "Success", started=20, finished=20)

    assert "=" in "".join(text for text, _ in bar(short, OVER, NOW, 44, LOOK))


@pytest.mark.parametrize("width", [40, 60, 79, 80, 110, 160, 220])
def test_lines_and_titles_keep_to_the_width(width: int) -> None:
    columns = task_columns(width, *widest(TASKS))

    assert width_of(heading(columns, width, OVER, ZONE).spans) <= width
    for each in TASKS:
        assert width_of(task_line(each, OVER, columns, LOOK, START).spans) <= width


def test_progress_is_told_in_words_and_as_a_bar() -> None:
    said = progress_line(progress(TASKS), LOOK, 80)

    assert said.text.startswith(" 2/6 done, 1 failed, 1 running  =")
    assert width_of(said.spans) <= 80
    assert progress_line(progress(TASKS), LOOK, 36).text == " 2/6 done, 1 failed, 1 running"
    every = Progress(9, 1, 1, 13, frozen=1, dry_runs=2)
    for width, last in ((55, "2 dry runs"), (45, "1 frozen"), (30, "1 failed")):
        for is_live in (True, False):
            text = progress_line(every, LOOK, width, is_live=is_live).text
            assert text.endswith(f" {last}{'' if is_live else '?'}")


def test_one_failed_of_many_is_seen_and_the_bar_is_full_only_when_all_is_done() -> None:
    few = progress_line(Progress(498, 1, 1, 500), LOOK, 80)

    assert {Role.FAILURE, Role.ACTIVE} <= {role for text, role in few.spans if "=" in text}
    assert "." in progress_line(Progress(499, 0, 0, 500), LOOK, 80).text
    assert "." in progress_line(Progress(9, 1, 1, 12), LOOK, 44).text
    assert "." not in progress_line(Progress(500, 0, 0, 500), LOOK, 80).text.partition("done")[2]


def test_glyphs_other_than_ascii_have_a_bar_of_their_own() -> None:
    assert "\u25ac" in progress_line(progress(TASKS), look_for(ZONE, is_ascii=False), 80).text


def test_a_summary_says_what_it_waited_for_and_when_it_ran() -> None:
    assert summed(FAILED_TASK) == (
        "5003, waited 5m00s for resources, ran from 14:15:00 to 14:28:00"
    )
    assert summed(RUNNING_TASK).endswith("ran from 14:20:00")
    # What has no room leaves whole.
    for said in (
        "5003, slowest chain 1/1, waited 5m00s for resources, ran from 14:15:00 to 14:28:00",
        "5003, waited 5m00s for resources, ran from 14:15:00 to 14:28:00",
        "5003, ran from 14:15:00 to 14:28:00",
        "5003",
    ):
        for width in (len(said), len(said) + 5):
            assert summed(FAILED_TASK, width, (FAILED_TASK,)) == said


def test_a_frozen_task_and_a_dry_run_say_so_in_a_word_and_are_neither_red_nor_green() -> None:
    frozen = task(1, "publish", "Failure", trigger_recurrence="Pause")
    dry = task(2, "load", "Success", trigger_recurrence="Skip", started=20, finished=20)
    columns = task_columns(80, *widest([frozen, dry]))
    lines = [task_line(each, OVER, columns, LOOK, START) for each in (frozen, dry)]

    assert [line.text.split()[2] for line in lines] == ["frozen", "dry"]
    for line in lines:
        assert {Role.FAILURE, Role.SUCCESS}.isdisjoint(role for _, role in line.spans)
    assert "frozen" in summed(frozen)
    for each, why in ((frozen, "sets it to failed"), (dry, "set to successful")):
        text = "\n".join(line.text for line in details(each, [], (), LOOK, START, 80))
        assert why in text


def test_details_hold_fields_runs_and_the_whole_script() -> None:
    whole = replace(
        FAILED_TASK,
        owner="1823",
        priority=0,
        operation_type="Refresh",
        create_time=ms(START),
        create_user="1000",
        modify_user="1823",
        script_content="SELECT 1;\n\x1b[2J" + "x" * 20_000,
        unknown_fields=("Colour",),
    )
    first = replace(whole, run_number=1)

    text = "\n".join(line.text for line in details(whole, [whole, first], (), LOOK, START, 80))

    for held in ("1823", "Priority", "Refresh", "RUNS 2", "run 1", "SELECT 1;", "Colour"):
        assert held in text
    assert re.search(r"Created +20\S+ [\d:]+ by 1000", text)
    assert "by 1823" in text
    assert text.count("x") >= 20_000
    assert "\x1b" not in text


TOUCHED = tuple(
    replace(t, modify_time=ms(START)) for t in (FAILED_TASK, replace(TASKS[1], run_number=2))
)
WANTED = [(t, OperationsOf.of(BINDING, t)) for t in TOUCHED]
RERUN = OperationLog(5003, "Rerun", "1823", ms(START) - 60_000, 1)
KILL = OperationLog(5002, "Kill", "1741", ms(START) - 120_000, 4)


def by_hand(*outcomes: Outcome | None, count: int = 2, width: int = 100) -> list[str]:
    known = {request: each for (_, request), each in zip(WANTED, outcomes, strict=False)}
    return [
        line.text.rstrip() for line in operation_lines(WANTED[:count], known, LOOK, START, width)
    ]


def test_who_acted_on_tasks_is_said_newest_first_with_the_day_that_was_looked_at() -> None:
    heading, *lines = by_hand(Reply((RERUN,), START), Reply((KILL,), START))
    assert heading == " BY HAND 2  Only 2026-09-18 was read."
    assert [re.sub(" +", " ", each) for each in lines] == [
        " 14:29:00 Rerun by 1823 build_profile_wide",
        " 14:28:00 Kill by 1741 clean_店铺_events",
    ]
    narrow = by_hand(Reply((RERUN,), START), count=1, width=32)
    assert narrow[0] == " BY HAND 1"
    assert narrow[-2:] == [" 14:29:00  Rerun", "   by 1823  build_profile_wide"]


def test_the_day_that_was_looked_at_is_said_in_the_zone_of_the_times_below() -> None:
    known = {request: Reply((RERUN,), START) for _, request in WANTED}
    lines = operation_lines(WANTED[:1], known, LOOK._replace(zone=UTC), START, 110)
    assert [each.text.rstrip() for each in lines] == [
        " BY HAND 1  Only 2026-09-18 (Asia/Shanghai) was read.",
        " 06:29:00  Rerun        by 1823  build_profile_wide",
    ]


def test_what_is_not_known_of_operations_is_said() -> None:
    assert by_hand() == [" o  reads who acted on 2 of its tasks, at 2 calls: not read yet"]
    assert by_hand(count=1) == [" o  reads who acted on 1 of its tasks, at 1 call: not read yet"]
    assert by_hand(None, Reply((KILL,), START))[0] == " BY HAND  reading..."
    assert by_hand(Reply((), START), Reply((), START)) == [
        " BY HAND nothing  Only 2026-09-18 was read."
    ]
    refused = by_hand(Refused("Not allowed."), Refused("Not allowed."))
    assert [each.strip() for each in refused[1:]] == ["Not allowed."]
    assert "nothing" not in refused[0]


@given(hostile, hostile, st.none() | st.integers(1, 2**62), st.integers(20, 90))
def test_an_operation_of_any_text_is_a_line(
    content: str, user: str, at: int | None, width: int
) -> None:
    odd = Reply((OperationLog(None, content, user, at, None),), START)
    known = {WANTED[0][1]: odd}
    lines = operation_lines(WANTED[:1], known, LOOK, START, width)
    assert len(lines) >= 2
    assert all(width_of(line.spans) <= width for line in lines)
    assert all(line.text.isprintable() for line in lines)
