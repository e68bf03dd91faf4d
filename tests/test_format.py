import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wfinspect.format import (
    age,
    biz_date,
    cell_width,
    clock_time,
    duration,
    exact_json,
    is_harmless,
    moment,
    plain_text,
    service_time,
    shown,
)
from wfinspect.regions import REGIONS, zone_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 18, 6, 32, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "<1m"), (0, "<1m"), (59, "<1m"), (60, "1m"), (3599, "59m"), (3600, "1h00"),
     (4020, "1h07"), (86399, "23h59"), (86400, "1d"), (86400 * 400, "400d")],
)  # fmt: skip
def test_an_age_is_short_and_never_in_seconds(seconds: float, expected: str) -> None:
    assert age(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s"), (9.9, "9s"), (2472, "41m12s"), (4020, "1h07m"), (86400 * 3 + 4 * 3600, "3d04h")],
)
def test_a_duration_is_exact_where_it_is_short(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_a_business_date_is_read_in_the_scheduling_zone_whatever_the_local_one() -> None:
    midnight_in_shanghai = int(datetime(2025, 3, 30, 16, tzinfo=UTC).timestamp() * 1000)

    assert biz_date(midnight_in_shanghai, SHANGHAI) == "2025-03-31 (Mon)"


def test_times_are_shown_in_the_zone_asked_for() -> None:
    assert clock_time(NOW, SHANGHAI) == "2026-09-18 14:32:07"


@given(st.integers())
@example(253_402_300_799_000)  # 9999-12-31, as databases write "never"
@example(-62_135_596_800_000)
def test_any_number_is_a_moment_in_every_zone_or_none(milliseconds: int) -> None:
    at = moment(milliseconds)

    assert at is None or at.tzinfo is UTC
    for zone in (SHANGHAI, ZoneInfo("America/New_York")):
        assert biz_date(milliseconds, zone)
        assert service_time(milliseconds, zone) or not milliseconds


def test_wide_characters_take_two_cells_and_marks_none() -> None:
    assert cell_width("abc") == 3
    assert cell_width("\u8ba2\u5355ab") == 6
    assert cell_width("e\u0301") == 1


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_a_zone(region: str) -> None:
    assert zone_of(region).key


@given(st.text(), st.text())
@example("\u0e01\u0301\u0301\u0301\ttab\r\n\x1b[2J", "\r")
def test_what_is_saved_or_copied_goes_through_the_sanitiser_of_the_screen(
    first: str, second: str
) -> None:
    cells = f"{first}\t{second}\n{second}".replace("\r\n", "\n").split("\n")
    expected = ["\t".join(shown(cell) for cell in line.split("\t")) for line in cells]

    assert plain_text(f"{first}\t{second}\n{second}").split("\n") == expected


@given(st.dictionaries(st.text(), st.text()), st.booleans())
def test_json_stays_exact_and_shows_everything_that_is_in_it(
    value: dict[str, str], is_ascii: bool
) -> None:
    safe = exact_json(json.dumps(value, ensure_ascii=is_ascii, indent=1).replace("\n", "\r\n"))

    assert json.loads(safe) == value
    assert all(is_harmless(char) or char == "\n" for char in safe)
