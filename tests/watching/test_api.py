from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, key
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.lateness import Deadline
from wfinspect.model import InstanceKey, Transition, zone_of
from wfinspect.watching.api import Health, Outlook, Row, Rows, Snapshot, equal_but_for_ages

MINUTE = timedelta(minutes=1)
AGES_AND_COUNTS = {"read_at", "last_good_at", "calls_today", "intents_done"}
ROW = Row(key(1), instance(1))
SEEN = Snapshot(rows=Rows([ROW, Row(key(2))]))


@pytest.mark.parametrize("name", Row._fields)
def test_a_row_that_differs_in_anything_but_its_age_differs(name: str) -> None:
    other = ROW._replace(**{name: object()})
    is_equal = name in AGES_AND_COUNTS
    rows = SEEN.rows.updated({ROW.key: other})
    assert equal_but_for_ages(SEEN, SEEN._replace(rows=rows)) is is_equal


@pytest.mark.parametrize("name", Health._fields)
def test_health_that_differs_in_anything_but_ages_and_counts_differs(name: str) -> None:
    other = SEEN._replace(health=Health()._replace(**{name: object()}))
    assert equal_but_for_ages(SEEN, other) is (name in AGES_AND_COUNTS)


@pytest.mark.parametrize("name", sorted({*Snapshot._fields} - {"rows", "health"}))
def test_a_snapshot_that_differs_in_anything_but_counts_differs(name: str) -> None:
    other = SEEN._replace(**{name: object()})
    assert equal_but_for_ages(SEEN, other) is (name in AGES_AND_COUNTS)


@pytest.mark.parametrize(
    "other",
    [
        SEEN._replace(rows=Rows([ROW])),
        SEEN._replace(rows=Rows([*SEEN.rows, Row(key(3))])),
    ],
)
def test_other_rows_differ(other: Snapshot) -> None:
    assert not equal_but_for_ages(SEEN, other)
    assert not equal_but_for_ages(other, SEEN)


@given(
    st.lists(
        st.dictionaries(st.integers(1, 200), st.integers(0, 3), max_size=8),
        min_size=1,
        max_size=6,
    )
)
def test_rows_hold_what_was_put_in_and_say_what_differs(steps: list[dict[int, int]]) -> None:
    # IDs a bucket apart, and some that share one though they are far from each other.
    versions, held = [Rows()], dict[InstanceKey, Row]()
    models = [dict(held)]
    for step in steps:
        changed = {
            key(n * 4096): Row(key(n * 4096), position=n * 7 % 5 + v) if v else None
            for n, v in step.items()
        }
        held = {k: r for k, r in (held | changed).items() if r is not None}
        versions.append(versions[-1].updated(changed))
        models.append(held)
    for rows, model in zip(versions, models, strict=True):
        assert len(rows) == len(model)
        assert {row.key: row for row in rows} == model
        assert [row.position for row in rows] == sorted(row.position for row in model.values())
        assert all(rows.get(k) is row for k, row in model.items())
        for before, former in zip(versions, models, strict=True):
            said = {(new or old).key: (old, new) for old, new in rows.changes(before)}
            assert said == {
                k: (former.get(k), model.get(k))
                for k in former.keys() | model.keys()
                if former.get(k) is not model.get(k)
            }


def test_the_last_change_of_a_row_is_in_its_history_once() -> None:
    first = Transition(key(1), "x", "WaitTime", "Running", START, START - MINUTE, START)
    at = START + MINUTE
    last = Transition(key(1), "x", "Running", "Success", at, START, at)
    row = Row(key(1), last_change=last)

    assert Snapshot().history_of(row) == (last,)
    assert Snapshot(transitions=(first,)).history_of(row) == (last, first)
    other = first._replace(key=key(2))
    assert Snapshot(history=(other,), transitions=(last, other, first)).history_of(row) == (
        last,
        first,
    )
    # As another process saw it.
    elsewhere = last._replace(seen_by=last.seen_by + MINUTE / 2)
    assert Snapshot(history=(elsewhere, first)).history_of(row) == (elsewhere, first)
    assert Snapshot(history=(first,)).history_of(Row(key(1))) == (first,)


@pytest.mark.parametrize(
    ("zone", "behind"),
    [("Asia/Shanghai", ""), ("Asia/Singapore", ""), ("UTC", " UTC+8"), ("Asia/Kolkata", " UTC+8")],
)
def test_a_deadline_is_said_in_full_or_by_its_kind_with_its_zone_where_the_screen_has_another(
    zone: str, behind: str
) -> None:
    due = datetime(2026, 9, 18, 7, 30, tzinfo=zone_of("cn-shanghai"))
    late = ROW._replace(is_live=True, outlook=Outlook(deadline=Deadline(due)))
    risk = late._replace(outlook=Outlook(deadline=Deadline(due, due + 12 * MINUTE)))
    assert late.late_words(START, ZoneInfo(zone)) == (f"late for 07:30{behind}", "late")
    assert risk.late_words(START, ZoneInfo(zone)) == (
        f"at risk: expected 07:42, due 07:30{behind}",
        f"at risk for 07:30{behind}",
        "at risk",
    )
    # A script has no zone of a screen.
    assert (late.lateness, risk.lateness) == (
        "late for 07:30 UTC+8",
        "at risk: expected 07:42, due 07:30 UTC+8",
    )


def test_the_zone_of_a_deadline_is_that_of_its_own_day() -> None:
    winter, summer = (
        Deadline(datetime(2026, month, 9, 7, 30, tzinfo=zone_of("us-east-1"))) for month in (1, 7)
    )
    assert winter.words(UTC)[0] == "late for 07:30 UTC-5"
    assert summer.words(UTC)[0] == "late for 07:30 UTC-4"
    london = Deadline(datetime(2026, 1, 9, 7, 30, tzinfo=zone_of("eu-west-1")))
    assert london.words(ZoneInfo("Asia/Shanghai"))[0] == "late for 07:30 UTC"
