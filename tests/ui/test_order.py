from fakes import ms
from hypothesis import given
from hypothesis import strategies as st
from scenes import ago, failed_row, mixed_rows, row
from values import replace

from wfinspect.ui.rows import SORTS, in_order, next_unseen
from wfinspect.watching.api import Row


def by_attention(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return in_order(rows, SORTS[0])


def ids(rows: tuple[Row, ...]) -> list[int]:
    return [r.key.id for r in rows]


def test_the_most_urgent_comes_first() -> None:
    rows = (
        row(9, "Success"),
        row(8, "NotRun"),
        row(7, "WaitTime"),
        row(6, "Running"),
        row(5, "Success", is_unseen=True),
        row(4, "Running", is_live=False),
        row(3, "Brandnew"),
        row(2, "Failure"),
        row(1, "Failure", is_unseen=True),
    )

    assert ids(by_attention(rows)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_gone_comes_before_what_is_merely_old() -> None:
    gone, old = row(2, "Failure", is_gone=True, is_live=False), row(1, "Running", is_live=False)

    assert ids(by_attention((old, gone))) == [2, 1]


def test_a_failure_stays_in_front_when_contact_is_lost() -> None:
    lost, running = row(1, "Failure", is_live=False), row(2, "Running")

    assert ids(by_attention((running, lost))) == [1, 2]


def test_the_longest_running_leads_the_running() -> None:
    rows = (
        row(1, "Running", started_time=ms(ago(minutes=5))),
        row(2, "Checking", started_time=ms(ago(minutes=60))),
    )

    assert ids(by_attention(rows)) == [2, 1]


def test_the_latest_failure_leads_the_failures() -> None:
    rows = (
        row(1, "Failure", finished_time=ms(ago(hours=5))),
        row(2, "Failure", finished_time=ms(ago(minutes=5))),
    )

    assert ids(by_attention(rows)) == [2, 1]


def test_a_row_without_a_reading_counts_as_not_live() -> None:
    unread = replace(row(1, "Running"), instance=None, is_live=False)

    assert ids(by_attention((row(2, "Running"), unread))) == [1, 2]


def test_next_unseen_goes_round() -> None:
    rows = (failed_row(), row(2, "Running"), row(3, "Success", is_unseen=True))

    assert next_unseen(rows, rows[0].key) is rows[2]
    assert next_unseen(rows, rows[2].key) is rows[0]
    assert next_unseen(rows, None) is rows[0]
    assert next_unseen(rows[1:2], rows[1].key) is None


@given(st.permutations(mixed_rows()))
def test_the_order_does_not_depend_on_the_order_they_came_in(rows: list[Row]) -> None:
    assert by_attention(rows) == by_attention(mixed_rows())
