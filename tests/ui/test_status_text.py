from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest
from fakes import BINDING, START, key
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rig import ZONE
from scenes import accounts, empty, gone, mixed, outage, row
from values import replace

from wfinspect.format import MARKED_AS
from wfinspect.model import Family
from wfinspect.ui import theme
from wfinspect.ui.instance_text import bottom_line, seconds, title, top_line
from wfinspect.ui.rows import RowTable
from wfinspect.watching.api import Contact, Row, Slow, Snapshot

LOOK = theme.look_for(ZONE, is_ascii=False)


def counts_of(rows: Iterable[Row]) -> Counter[Family]:
    return RowTable(rows).counts


def top(snapshot: Snapshot, width: int) -> str:
    return top_line(snapshot, counts_of(snapshot.rows), BINDING, LOOK, START, width).text


def with_health(**fields: object) -> Snapshot:
    return replace(mixed(), health=replace(mixed().health, **fields))  # type: ignore[arg-type]


def test_all_is_well_in_one_word_at_the_right_edge() -> None:
    assert top(mixed(), 120).endswith(" live ")


def test_an_outage_tells_cause_age_and_next_try() -> None:
    assert "NOT LIVE  Throttling.User, last read 6m ago, next try 14:30:40" in top(outage(), 120)


def test_trouble_of_another_account_says_whose_it_is() -> None:
    assert "NOT LIVE  finance: keys expired" in top(accounts(), 120)
    mine = {BINDING: outage().health.trouble}
    assert "NOT LIVE  Throttling" in top(replace(outage(), troubles=mine), 120)


@given(st.integers(34, 200))
def test_not_live_and_its_cause_are_never_shed(width: int) -> None:
    text = top(outage(), width)

    assert "NOT LIVE" in text
    assert "Throttling.User" in text
    assert cell_len(text) == width


@pytest.mark.parametrize(
    ("slow", "words"),
    [
        (Slow(4800.0, "budget"), "slow: every 80m (budget)"),
        (Slow(62.6, "rate"), "slow: every 63s (rate)"),
        (Slow(30_000.0, "budget"), "slow: every 8h (budget)"),
    ],
)
def test_waiting_for_our_own_limits_is_slow_and_no_outage(slow: Slow, words: str) -> None:
    assert top(with_health(slow=slow), 80).endswith(f" {words} ")
    assert title(Contact.LIVE, counts_of(()), 0) == "wfinspect"


@given(st.integers(20, 200))
def test_the_lines_fit_any_width(width: int) -> None:
    slow = with_health(slow=Slow(4800.0, "budget"))
    for snapshot in (mixed(), outage(), empty(), gone(), slow):
        assert cell_len(top(snapshot, width)) <= width
        assert cell_len(bottom_line(snapshot.health, width).text) <= width


@given(st.integers(0, 59))
def test_nothing_ticks_while_all_is_well(later: int) -> None:
    now = START + timedelta(minutes=later, seconds=later)
    before = top_line(mixed(), counts_of(mixed().rows), BINDING, LOOK, START, 120)

    assert top_line(mixed(), counts_of(mixed().rows), BINDING, LOOK, now, 120) == before


def test_an_empty_start_is_ready_not_starting() -> None:
    assert "ready" in top(empty(), 80)


def test_without_room_the_counts_of_what_needs_you_stay_longest() -> None:
    whole = top(mixed(), 120)
    marks = [mark for each in MARKED_AS.values() if (mark := LOOK.glyphs[each]) in whole]
    for width in range(12, 60):
        kept = [mark for mark in marks if mark in top(mixed(), width)]
        assert kept == marks[: len(kept)]
    assert marks[0] in top(mixed(), 24)


def test_a_retry_that_is_overdue_is_due_now() -> None:
    late = START + timedelta(minutes=5)

    assert (
        "next try 14:35:00"
        in top_line(outage(), counts_of(outage().rows), BINDING, LOOK, late, 120).text
    )


def test_contact_lost_before_any_answer_says_so() -> None:
    assert "no answer yet" in top(with_health(contact=Contact.NOT_LIVE, trouble=None), 120)


def test_the_bottom_line_counts_what_waits_and_what_was_spent() -> None:
    assert bottom_line(mixed().health, 80, unseen=2).text.split("  ") == [
        " 2 unseen",
        "calls 1,204/3,000",
        "every 15s",
    ]


def test_trouble_with_the_store_comes_before_the_calls() -> None:
    snapshot = with_health(
        store_trouble="The disk is full: " + "no room " * 20, remarks=("single calls",)
    )

    assert "not saved: wfinspect doctor says why" in bottom_line(snapshot.health, 56).text
    assert "calls" not in bottom_line(snapshot.health, 56, unseen=2).text
    assert "single calls" in bottom_line(snapshot.health, 120).text


def test_trouble_of_a_few_rows_is_told_while_the_others_are_live() -> None:
    trouble = outage().health.trouble

    assert (
        "some not read: Throttling.User"
        in bottom_line(with_health(trouble=trouble).health, 120).text
    )


def test_intervals_read_like_spoken() -> None:
    assert [seconds(value) for value in (2.5, 15.0, 60.0, 90.0, 600.0)] == [
        "2.5s",
        "15s",
        "1m",
        "90s",
        "10m",
    ]


@pytest.mark.parametrize(
    ("snapshot", "name"),
    [
        (Snapshot(), "wfinspect"),
        (Snapshot(rows=(Row(key(1)),)), "wfinspect"),
        (mixed(), "1 failed, 3 running, 3 waiting, 2 unseen - wfinspect"),
        (outage(), "NOT LIVE, 1 failed, 3 running, 3 waiting, 2 unseen - wfinspect"),
        (Snapshot(rows=(row(1, "Success"),)), "wfinspect"),
    ],
)
def test_the_title_counts_and_says_when_the_counts_are_old(snapshot: Snapshot, name: str) -> None:
    unseen = sum(row.is_unseen for row in snapshot.rows)

    assert title(snapshot.health.contact, counts_of(snapshot.rows), unseen) == name
