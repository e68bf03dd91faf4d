import pytest
from fakes import instance, key

from wfinspect.watching.api import Health, Row, Snapshot, equal_but_for_ages

AGES_AND_COUNTS = {"read_at", "last_good_at", "calls_today"}
ROW = Row(key(1), instance(1))
SEEN = Snapshot(rows=(ROW, Row(key(2))), displayed=ROW)


@pytest.mark.parametrize("name", Row._fields)
def test_a_row_that_differs_in_anything_but_its_age_differs(name: str) -> None:
    other = ROW._replace(**{name: object()})
    is_equal = name in AGES_AND_COUNTS
    assert equal_but_for_ages(SEEN, SEEN._replace(rows=(other, Row(key(2))))) is is_equal
    assert equal_but_for_ages(SEEN, SEEN._replace(displayed=other)) is is_equal


@pytest.mark.parametrize("name", Health._fields)
def test_health_that_differs_in_anything_but_ages_and_counts_differs(name: str) -> None:
    other = SEEN._replace(health=Health()._replace(**{name: object()}))
    assert equal_but_for_ages(SEEN, other) is (name in AGES_AND_COUNTS)


@pytest.mark.parametrize("name", sorted({*Snapshot._fields} - {"rows", "displayed", "health"}))
def test_a_snapshot_that_differs_in_anything_else_differs(name: str) -> None:
    assert not equal_but_for_ages(SEEN, SEEN._replace(**{name: object()}))


@pytest.mark.parametrize(
    "other",
    [
        SEEN._replace(rows=SEEN.rows[:1]),
        SEEN._replace(rows=SEEN.rows[::-1]),
        SEEN._replace(displayed=None),
        # As long as before, with the one on display behind the rows.
        SEEN._replace(rows=(*SEEN.rows, ROW), displayed=None),
    ],
)
def test_other_rows_differ(other: Snapshot) -> None:
    assert not equal_but_for_ages(SEEN, other)
    assert not equal_but_for_ages(other, SEEN)
