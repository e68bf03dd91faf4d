from datetime import UTC, datetime

import pytest
from fakes import seconds_to_pass


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        ((12, 0, 0), 0.0),
        ((15, 58, 59), 0.0),
        ((15, 59, 30), 30.1),
        ((16, 0, 0), 0.0),
        ((23, 59, 59), 1.1),
        ((7, 59, 50), 10.1),  # in Los Angeles, in winter
    ],
)
def test_a_day_that_ends_soon_is_waited_for(at: tuple[int, int, int], seconds: float) -> None:
    now = datetime(2026, 12, 1, *at, tzinfo=UTC)

    assert seconds_to_pass(now) == pytest.approx(seconds)
