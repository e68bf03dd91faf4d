import json
import re
import sys
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from fuzz import hostile, tried
from hypothesis import example, given
from hypothesis import strategies as st
from pyte import Screen, Stream
from rich.cells import cell_len

from wfinspect.format import (
    biz_date,
    cell_width,
    clock_time,
    difference,
    duration,
    exact_json,
    indented,
    is_harmless,
    log_parts,
    moment,
    plain_text,
    service_time,
    shortened,
    shown,
    shown_block,
    size_of,
)
from wfinspect.model import REGIONS, zone_of, zone_words
from wfinspect.watching.summary import age

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


@given(st.floats(0, 10**7), st.floats(0, 10**7), st.booleans())
def test_a_difference_is_that_of_what_is_shown(
    first: float, second: float, in_minutes: bool
) -> None:
    def read(text: str) -> int:
        sizes = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
        found = re.findall(r"([0-9]+)([dhms])", text.replace("<1m", "0m"))
        return sum(int(count) * sizes[unit] for count, unit in found)

    shown = (read(duration(each, in_minutes=in_minutes)) for each in (first, second))
    assert abs(next(shown) - next(shown)) == read(difference(first, second, in_minutes=in_minutes))


@pytest.mark.parametrize(
    ("text", "time", "level"),
    [
        ("2026-11-30 13:41:17 ERROR Exit with FAILED.", "2026-11-30 13:41:17 ", "error"),
        ("[2026-11-30T13:41:17,204] [WARN] slow", "[2026-11-30T13:41:17,204] ", "warn"),
        ("13:41:17.5 INFO: done", "13:41:17.5 ", "info"),
        ("INFORMATION_SCHEMA is read", "", None),
        ("2026 rows ERROR", "", None),
        ("", "", None),
    ],
)
def test_a_line_of_a_log_has_a_time_and_a_level(text: str, time: str, level: str | None) -> None:
    found = log_parts(text)

    assert "".join(found) == text
    assert (found.time, found.level) == (time, level)


def test_a_zone_is_named_with_what_it_is_ahead_of_utc() -> None:
    assert zone_words("cn-shanghai", NOW) == "Asia/Shanghai, UTC+8"
    assert zone_words("us-west-1", NOW) == "America/Los_Angeles, UTC-7"


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


HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def everything() -> str:
    return "".join(map(chr, range(sys.maxunicode + 1)))


def test_no_code_point_reaches_a_terminal_unless_it_is_drawn() -> None:
    text = everything()

    seen = set(shown(text, limit=len(text)))

    assert not [c for c in seen if unicodedata.category(c) in HIDDEN_CATEGORIES]
    assert {c for c in seen if c.isspace()} == {" ", "\u3000"}
    assert not seen & set("\u034f\u115f\u1160\u3164\uffa0\ufe0f\u200d\U0001f3fd\U000e0100")


def test_every_harmless_code_point_stays_as_it_is() -> None:
    kept = [
        c for c in everything() if is_harmless(c) and unicodedata.category(c) not in {"Mn", "Me"}
    ]

    assert shown("".join(kept), limit=len(kept)) == "".join(kept)
    assert len(kept) > 100_000


def test_a_harmless_code_point_has_a_width_that_terminals_agree_on() -> None:
    """One or two cells, or none for a mark that joins the letter before it."""
    widths = {cell_len(c) for c in everything() if is_harmless(c) and not is_mark(c)}

    assert widths <= {1, 2}


def is_mark(char: str) -> bool:
    # Jamo and Thai or Indic signs join the character before them, too, without being Mn or Me.
    return unicodedata.category(char) in {"Mn", "Me", "Mc"} or cell_len(char) == 0


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("dwd_orders", "dwd_orders"),
        ("订单明细", "订单明细"),
        ("a\x1b[31mb", "a\u241b[31mb"),
        ("\x00\x1f\x7f", "\u2400\u241f\u2421"),
        ("\x9b", "<U+009B>"),
        ("a\nb\r", "a\u240ab\u240d"),
        ("\u202eabc", "<U+202E>abc"),
        ("a\u00a0b", "a<U+00A0>b"),
        ("\ud800", "<U+D800>"),
        ("\U000e0041", "<U+E0041>"),
        ("e\u0301", "e\u0301"),
        ("e\u0301\u0301\u0301", "e\u0301\u0301<U+0301>"),
        ("\u0301e", "<U+0301>e"),
        ("\u26a0\ufe0f", "\u26a0<U+FE0F>"),
        ("[red]x[/] [@click=app.quit]", "[red]x[/] [@click=app.quit]"),
    ],
)
def test_what_a_text_looks_like(text: str, seen: str) -> None:
    assert shown(text) == seen


@tried(100, 100_000)
@given(hostile)
def test_nothing_of_it_moves_a_terminals_cursor_or_sets_its_modes(text: str) -> None:
    line = shown(text)
    screen = Screen(4000, 2)
    modes = set(screen.mode)

    Stream(screen).feed(line)

    assert screen.cursor.y == 0
    assert screen.mode == modes
    assert screen.title == ""
    assert all(map(is_harmless, line))


@tried(100, 100_000)
@given(hostile)
def test_showing_twice_changes_nothing(text: str) -> None:
    once = shown(text)

    assert shown(once, limit=len(once)) == once


@given(hostile, hostile)
def test_different_texts_look_different_unless_one_spells_the_others_escape(
    one: str, other: str
) -> None:
    plain = one + other
    if one != other and not set(plain) & set("<>\u2421") and not has_pictures(plain):
        assert shown(one) != shown(other)


def has_pictures(text: str) -> bool:
    return any(0x2400 <= ord(char) <= 0x241F for char in text)


@given(hostile)
def test_a_block_keeps_its_lines(text: str) -> None:
    lines = shown_block(text).split("\n")

    assert len(lines) == text.replace("\r\n", "\n").count("\n") + 1
    assert all(is_harmless(char) for line in lines for char in line)


def test_long_texts_are_cut_and_say_so() -> None:
    assert shown("x" * 20, limit=5) == "xxxxx..."
    assert shown("x" * 1000) == "x" * 1000
    assert shown("x" * 1001) == "x" * 1000 + "..."


@tried(100, 100_000)
@given(hostile)
def test_each_character_is_drawn_by_the_rules_for_it_and_for_the_marks_before_it(text: str) -> None:
    """As `shown` does it for whole texts, spelt out character by character."""
    marks, drawn = 0, list[str]()
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        is_stray = marks > 2 or (marks > 0 and not drawn)
        drawn.append(shown(f" {char}")[1:] if not is_stray else f"<U+{ord(char):04X}>")

    assert shown(text, limit=len(text)) == "".join(drawn)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("x" * 999, "999 bytes"),
        ("店" * 400, "1.2 KB"),
        ("x" * 999_949, "999.9 KB"),
        ("x" * 999_950, "1.0 MB"),
        ("\ud800" * 1_000, "3.0 KB"),
        ("x" * 7_000_000, "7.0 MB"),
    ],
)
def test_a_size_is_that_of_the_bytes(text: str, size: str) -> None:
    assert size_of(text) == size
    assert shortened(text, 10) == (text[:10], size)
    assert shortened(text, len(text)) == (text, "")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('a{}[],:"\\ 店', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a:,", max_size=3), inner),
    max_leaves=12,
)


@given(VALUES)
def test_it_means_what_it_meant(value: object) -> None:
    assert json.loads(indented(json.dumps(value))) == value


@given(VALUES)
def test_it_looks_as_python_would_indent_it(value: object) -> None:
    assert indented(json.dumps(value)) == json.dumps(value, indent=2)


def test_values_stay_as_they_came_to_the_digit() -> None:
    text = '{"a":1.10,"a":12345678901234567890,"e":1E5,"u":"\\u5e97","s":"x  y"}'

    assert re.findall(r": (.*?),?$", indented(text), re.MULTILINE) == [
        "1.10",
        "12345678901234567890",
        "1E5",
        '"\\u5e97"',
        '"x  y"',
    ]
