from collections import Counter

from fakes import BINDING, START, instance, key, ms
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from scenes import FINANCE, ago, failed_row, mixed_rows, row
from values import replace

from wfinspect.model import Family
from wfinspect.ui.rows import SORTS, RowTable, search_of
from wfinspect.watching.api import Row, Rows


def by_attention(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(RowTable(rows))


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
    table = RowTable((failed_row(), row(2, "Running"), row(3, "Success", is_unseen=True)))
    failed, unseen, running = table

    assert table.next_unseen(failed.key) is unseen
    assert table.next_unseen(running.key) is failed
    assert table.next_unseen(unseen.key) is failed
    assert table.next_unseen(None) is failed
    assert RowTable([running]).next_unseen(running.key) is None


def test_next_unseen_finds_what_the_search_hides_last() -> None:
    table = RowTable((failed_row(), row(2, "Running")))
    table.arrange(SORTS[0], lambda each: not each.is_unseen)

    assert table.next_unseen(None) == failed_row()


@given(st.permutations(mixed_rows()))
def test_the_order_does_not_depend_on_the_order_they_came_in(rows: list[Row]) -> None:
    assert by_attention(tuple(rows)) == by_attention(mixed_rows())


NAMES = ("ods_pay", "dwd_订单", "a" * 60, "")
rows_of = st.builds(
    lambda number, target, status, name, flags: Row(
        key(number, target),
        instance(number, status, name=name) if status else None,
        read_at=START,
        is_watched=True,
        is_live=flags & 1 > 0,
        is_unseen=flags & 2 > 0,
        is_gone=flags & 4 > 0,
    ),
    st.integers(1, 12),
    st.sampled_from([BINDING, BINDING, FINANCE]),
    st.sampled_from(["Running", "Success", "Failure", "WaitTime", "Odd", ""]),
    st.sampled_from(NAMES),
    st.integers(0, 7),
)


@given(
    st.lists(st.lists(st.one_of(rows_of, st.integers(0, 30)), max_size=80), max_size=5),
    st.sampled_from(SORTS),
    st.sampled_from(["", "status=run", "dwd", "!ods"]),
)
def test_what_is_kept_equals_a_table_made_afresh(
    series: list[list[Row | int]], sort: str, query: str
) -> None:
    matches = search_of(query, START)
    table, held = RowTable(), Rows()
    table.arrange(sort, matches)
    for changes in series:
        for change in changes:
            if isinstance(change, Row):
                held = held.updated({change.key: change})
            elif len(held):
                taken = [*held][change % len(held)]
                held = held.updated({taken.key: None})
        table.update(held)

        again = RowTable(held)
        again.arrange(sort, matches)
        shown = list(table)
        assert shown == list(again) == [table[n] for n in range(len(table))]
        assert {*shown} == {each for each in held if matches(each)}
        assert [table.index(each.key) for each in shown] == [*range(len(shown))]
        assert table.headers == again.headers
        assert table.widest == again.widest
        assert table.total == len(held)
        assert table.unseen == sum(each.is_unseen for each in held)
        read = [each for each in held if each.instance is not None]
        words = (Family.UNKNOWN if each.is_gone else each.family for each in read)
        assert {**table.counts} == {**Counter(words)}
        names = [cell_len(each.instance.name) for each in read if each.instance]
        assert table.widest[1] == max([12, *names])
