from datetime import timedelta

import pytest
from fakes import START, key, ms
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rig import ZONE
from scenes import ago, change, failed_row, outage, row, with_outlook
from values import replace

from wfinspect.ui import theme
from wfinspect.ui.lines import Role
from wfinspect.ui.rows import (
    list_line,
    note,
    row_columns,
    shows_reading,
    sidebar_lines,
    state_time,
    state_word,
)
from wfinspect.ui.theme import Look
from wfinspect.watching.api import Row, Trouble

LOOK = Look(theme.GLYPHS, theme.PROMPT, ZONE)
MARK = (" ", Role.DIM)
NAMES = st.text(max_size=40)
STATUSES = st.sampled_from(
    ["Running", "Failure", "Success", "WaitResource", "CheckingCondition", "", "Neues", "x" * 60]
)


@given(NAMES, STATUSES, st.integers(30, 60), st.booleans())
def test_every_sidebar_line_fills_its_width_and_holds_the_whole_id(
    name: str, status: str, width: int, is_live: bool
) -> None:
    one = row(2**63 - 1, status, name=name, is_live=is_live)
    first, second = sidebar_lines(one, MARK, LOOK, START, width)

    assert cell_len(first.text) == cell_len(second.text) == width
    assert str(2**63 - 1) in second.text


def test_a_long_word_of_a_state_leaves_glyph_and_name_their_half() -> None:
    first, _ = sidebar_lines(row(1, "Suspended" * 6, name="dwd_trade_di"), MARK, LOOK, START, 34)

    assert first.text.startswith("  ? dwd_tra...")
    assert "SuspendedS..." in first.text


@given(NAMES, STATUSES, st.integers(38, 160))
def test_every_list_line_fits_its_width(name: str, status: str, width: int) -> None:
    one = row(
        10432987165, status, name=name, is_unseen=True, last_change=change(1, "a" * 30, "b", START)
    )
    text = list_line(one, MARK, LOOK, START, row_columns(width, 11, 40)).text

    assert cell_len(text) <= width
    assert ("10432987165" in text) == (width >= 60)


@given(st.integers(30, 120), st.integers(4, 40), st.sampled_from([67, 25, 60 * 23 + 59]))
def test_what_is_late_says_so_at_any_width(width: int, name_cells: int, minutes: int) -> None:
    one = with_outlook(row(7, "Running", started_time=ms(ago(minutes=minutes))))
    spans = list_line(one, MARK, LOOK, START, row_columns(width, 11, name_cells)).spans

    marks = [text.strip() for text, role in spans if role is Role.TROUBLE]
    assert marks in (["late"], ["Running late"])


def test_a_row_on_time_is_not_late() -> None:
    one = with_outlook(row(7, "Running", started_time=ms(ago(minutes=12))))

    assert "late" not in list_line(one, MARK, LOOK, START, row_columns(40, 11, 20)).text


def test_an_old_value_wears_a_question_mark_dim() -> None:
    old = row(1, "Running", is_live=False, read_at=ago(minutes=6))

    assert state_word(old) == ("Running?", Role.DIM)
    assert state_time(old, LOOK, START) == "6m"
    assert note(old, START, 40) == ("read 6m ago", Role.DIM)


def test_a_settled_row_shows_clock_time_or_date_which_never_tick() -> None:
    today = row(1, "Success", finished_time=ms(ago(hours=3)))
    before = row(1, "Success", finished_time=ms(ago(days=2)))

    assert state_time(today, LOOK, START) == "11:30"
    later = START + timedelta(hours=5)
    assert state_time(today._replace(read_at=later), LOOK, later) == "11:30"
    assert state_time(before, LOOK, START) == "09-16"


def test_a_row_that_was_read_long_ago_shows_that_age_though_it_is_live() -> None:
    slow = row(1, "Running", read_at=ago(minutes=6), started_time=ms(ago(minutes=67)))
    settled = row(1, "Success", read_at=ago(minutes=28), finished_time=ms(ago(hours=3)))

    assert state_word(slow) == ("Running", Role.ACTIVE)
    assert (state_time(slow, LOOK, START), note(slow, START, 40)[0]) == ("6m", "read 6m ago")
    assert (state_time(settled, LOOK, START), note(settled, START, 40)[0]) == (
        "28m",
        "read 28m ago",
    )
    # Twice its own ten minutes is no long time for what is over, nor is any for what rests.
    for at, over in ((ago(minutes=20), ago(hours=3)), (START, ago(hours=24))):
        fine = row(1, "Success", read_at=at, finished_time=ms(over))
        assert not shows_reading(fine, START + timedelta(minutes=5))


def test_a_running_row_shows_its_age_in_minutes() -> None:
    running = row(1, "Running", started_time=ms(ago(minutes=67)))

    assert state_time(running, LOOK, START) == "1h07"


def test_the_time_in_a_state_counts_from_the_change_into_it() -> None:
    waiting = row(
        1,
        "WaitTime",
        modify_time=ms(START),
        last_change=change(1, "NotRun", "WaitTime", ago(minutes=9)),
    )

    assert state_time(waiting, LOOK, START) == "9m"


def test_an_unseen_change_is_told_with_its_age_and_shortened_where_it_must() -> None:
    unseen = failed_row()

    assert note(unseen, START, 40) == ("Running -> Failure, 2m ago", Role.FAILURE)
    assert note(unseen, START, 20) == ("Running -> Failure", Role.FAILURE)
    assert note(unseen, START, 12) == ("was Running", Role.FAILURE)


def test_a_long_state_is_named_short_before_it_is_cut() -> None:
    changed = row(
        1, "Running", is_unseen=True, last_change=change(1, "WaitResource", "Running", START)
    )

    assert note(changed, START, 16)[0] == "was WaitResource"
    assert note(changed, START, 15)[0] == "was WaitRes"


def test_a_seen_change_stays_told_without_a_ticking_age() -> None:
    assert note(failed_row(is_unseen=False), START, 40) == ("Running -> Failure", Role.DIM)


def test_a_rerun_is_called_one() -> None:
    again = replace(change(1, "Failure", "Running", START), is_rerun=True)

    assert note(row(1, "Running", last_change=again), START, 60)[0] == "Failure -> Running (rerun)"


def test_trouble_shows_its_cause() -> None:
    troubled = next(r for r in outage().rows if not r.is_live)

    assert note(troubled, START, 40) == ("Throttling.User, read 6m ago", Role.DIM)


def test_trouble_that_needs_a_person_stands_out() -> None:
    trouble = Trouble("refused", "", retry_at=None)

    assert note(row(1, "Running", trouble=trouble), START, 40) == ("refused", Role.TROUBLE)


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (Row(key(1), is_loading=True), "reading..."),
        (Row(key(1)), "not read"),
        (Row(key(1), trouble=Trouble("not found", "", None)), "not found"),
        (row(1, "Failure", is_gone=True), "gone"),
        (row(1, ""), "no status"),
    ],
)
def test_every_state_has_a_word(one: Row, word: str) -> None:
    assert state_word(one)[0] == word


def test_an_unknown_word_is_shown_as_it_came_in_the_colour_of_the_unknown() -> None:
    assert state_word(row(1, "Frozen")) == ("Frozen", Role.UNKNOWN)


def test_a_wide_name_keeps_the_columns_aligned() -> None:
    columns = row_columns(80, 11, 33)
    plain = list_line(row(1, "Running", name="dim_shop"), MARK, LOOK, START, columns).text
    wide = list_line(
        row(1, "Running", name="dim_店铺_商品_信息_全量_日表_df"), MARK, LOOK, START, columns
    ).text

    assert cell_len(plain.partition("Running")[0]) == cell_len(wide.partition("Running")[0])
