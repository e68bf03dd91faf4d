from datetime import timedelta

import pytest
from fakes import START, ms
from rich.cells import cell_len
from rig import ZONE
from scenes import ago, change, row, with_outlook
from task_scenes import FOREMOST, task
from values import replace

from wfinspect.ui import theme
from wfinspect.ui.lines import Role
from wfinspect.ui.rows import RowTable, list_line, row_columns, sidebar_lines
from wfinspect.ui.tasks_text import outlook_lines, task_lines
from wfinspect.ui.theme import Look
from wfinspect.watching.api import Row

LOOK = Look(theme.GLYPHS, theme.PROMPT, ZONE)
WIDE = 200
MARK = (" ", Role.DIM)


def running(minutes: float, **fields: object) -> Row:
    return row(10432987165, "Running", started_time=ms(ago(minutes=minutes)), **fields)


def below(one: Row, width: int = 35) -> str:
    return sidebar_lines(one, MARK, LOOK, START, width)[1].text.strip()


def said(one: Row, width: int = WIDE) -> list[str]:
    return [each.text for each in outlook_lines(one, LOOK, START, width)]


def test_a_row_shows_a_figure_and_that_it_is_late() -> None:
    assert below(with_outlook(running(41))) == "10432987165         17/23 late"
    assert below(with_outlook(running(5))) == "10432987165              17/23"
    assert below(running(41)) == "10432987165"


def test_an_old_figure_is_shown_as_such() -> None:
    one = with_outlook(running(5), is_old=True)

    assert below(one).endswith(" 17/23?")
    assert said(one)[0] == " 17/23 done, 1 failed, 3 running?"


def test_how_far_a_run_was_that_is_over_now_is_not_shown() -> None:
    over = with_outlook(row(1, "Success"), is_old=True)

    assert "17/23" not in below(over)
    assert "17/23" not in " ".join(said(over))


def test_what_changed_goes_before_the_figure_and_the_mark_before_that() -> None:
    changed = change(1, "WaitTime", "Running", ago(minutes=1))
    one = with_outlook(running(41, last_change=changed))

    said = {width: " ".join(below(one, width).split()[1:]) for width in (52, 44, 36)}
    assert said == {
        52: "WaitTime -> Running 17/23 late",
        44: "WaitTime -> Running late",
        36: "was WaitTime late",
    }


@pytest.mark.parametrize("number", [1, 2**63 - 1])
def test_beside_a_detail_at_80_cells_id_state_and_age_are_whole(number: int) -> None:
    one = with_outlook(
        row(
            number,
            "Running",
            name="ads_" * 20,
            started_time=ms(ago(minutes=67)),
            is_unseen=True,
            last_change=change(number, "WaitResource", "Running", ago(minutes=1)),
        )
    )
    first, second = sidebar_lines(one, MARK, LOOK, START, 33)

    assert cell_len(first.text) == cell_len(second.text) == 33
    assert "Running" in first.text
    assert first.text.endswith("1m")
    assert second.text.startswith(f"    {number} ")
    assert second.text.endswith("late ")
    assert first.text.startswith("  \u25b8 ads_")


def test_in_the_list_the_mark_stands_before_what_changed() -> None:
    one = with_outlook(running(41))
    text = list_line(one, MARK, LOOK, START, row_columns(78, 11, 22)).text

    assert text.rstrip().endswith("17/23 late")


def test_the_header_says_how_far_and_how_late() -> None:
    bar, late = said(with_outlook(running(41)))

    assert bar.startswith(" 17/23 done, 1 failed, 3 running  \u25ac\u25ac")
    assert late == " running 41m, usually 19m to 21m: late by 20m"
    assert len(said(with_outlook(running(41)), 46)) == 2


def test_the_header_says_when_one_that_is_not_late_is_expected() -> None:
    assert said(with_outlook(running(8)))[1] == (
        " running 8m, usually 19m to 21m, expected by 14:42"
    )
    # Neither late nor on time: nothing more is claimed.
    assert said(with_outlook(running(20.5)))[1] == " running 20m, usually 19m to 21m"


def test_an_end_on_another_day_has_its_date() -> None:
    waiting = with_outlook(row(1, "WaitTime", biz_date=ms(START + timedelta(days=1))))

    assert said(waiting)[1].endswith("expected by 09-19 14:50")


def test_of_a_settled_run_and_of_what_is_old_nothing_is_claimed() -> None:
    done = with_outlook(
        row(1, "Success", started_time=ms(ago(minutes=50)), finished_time=ms(ago(minutes=9)))
    )

    assert said(done)[1] == " took 41m00s, usually 19m to 21m: 20m00s longer"
    assert len(said(with_outlook(running(41, is_live=False)))) == 1


def test_late_comes_behind_failures_and_before_everything_else() -> None:
    late = with_outlook(running(41))
    rows = (
        row(1, "Running", is_unseen=True, started_time=ms(ago(hours=9))),
        row(2, "Brandnew"),
        late,
        row(3, "Failure"),
    )

    assert [each.key.id for each in RowTable(rows)] == [3, late.key.id, 2, 1]


def test_what_names_hold_is_no_part_of_it() -> None:
    plain = with_outlook(running(41))
    assert plain.instance is not None
    hostile = replace(plain, instance=replace(plain.instance, name="\x1b[2J[red]"))

    assert said(hostile) == said(plain)


def test_the_foremost_tasks_say_what_they_do_for_how_long_and_how_often() -> None:
    one = with_outlook(running(41), FOREMOST[:3])

    assert [each.text.rstrip() for each in task_lines(one, LOOK, START, 80)] == [
        " TASKS 23",
        " ✖ build_profile_wide  Failure       ODPS_SQL  13m00s  run 2",
        " ▸ score_tag_vector    Running       PYODPS3      10m",
        " ◫ export_pay_bill     WaitResource  SHELL",
        "   and 20 more: t",
    ]


def test_no_tasks_are_shown_that_are_unknown_or_old() -> None:
    assert task_lines(with_outlook(running(41)), LOOK, START, 80) == ()
    assert task_lines(with_outlook(running(41), FOREMOST, is_old=True), LOOK, START, 80) == ()
    assert task_lines(running(41), LOOK, START, 80) == ()


def test_hostile_tasks_of_any_width_stay_within_the_pane() -> None:
    hostile = task(1, "店" * 300 + "\x1b]0;x\x07", "\u202eBad" * 20, "K" * 90, started=1)
    lines = task_lines(with_outlook(running(41), (hostile,)), LOOK, START, 46)

    assert all(cell_len(each.text) <= 46 for each in lines)
    assert not {"\x1b", "\x07", "\u202e"} & set("".join(each.text for each in lines))
