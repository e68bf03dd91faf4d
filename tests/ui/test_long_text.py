import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.ui.screens.text import ROW_LIMIT, LongText

TEXTS = st.text("aAbİ店 \n\t", max_size=80)


LONG = st.lists(
    st.integers(0, 2 * ROW_LIMIT + 1).map(lambda size: "ab店"[size % 3] * size), max_size=5
).map("\n".join)


@given(TEXTS | LONG)
def test_its_rows_are_the_lines_of_the_text_and_parts_of_long_ones(text: str) -> None:
    found = LongText(text)

    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    lines = [""] * len(expected)
    for number in range(len(found)):
        row = found.row(number)
        assert len(row) <= ROW_LIMIT
        assert found.begins_line(number) == (not lines[found.line_number(number) - 1])
        assert found.between(number, number) == row
        lines[found.line_number(number) - 1] += row
    assert lines == expected
    assert found.line_count == len(expected)


@given(TEXTS | LONG, st.text("aAb店", min_size=1, max_size=3))
def test_a_search_finds_each_row_in_which_the_text_begins_once(text: str, wanted: str) -> None:
    found = LongText(text)
    flags = re.IGNORECASE if wanted == wanted.lower() else re.NOFLAG

    rows = [found.row_of(place) for place in found.search(wanted)]

    places = (match.start() for match in re.finditer(f"(?={wanted})", text, flags))
    assert rows == list(dict.fromkeys(map(found.row_of, places)))


def test_nothing_is_found_by_nothing() -> None:
    assert not LongText("a\nb").search("")


def test_windows_line_breaks_are_line_breaks() -> None:
    assert LongText("a\r\nb\r\n").between(0, 1) == "a\nb"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["INFO ok", "FAILED: ODPS-0130071: no column", "Shell run failed, exitCode: 1"], [1]),
        (["Traceback (most recent call last):", "  x()", "ValueError: bad"], [0, 2]),
        (["INFO 0 errors", "Shell run failed, exitCode: 137"], [1]),
        (["Caused by: java.io.IOException", "OK"], [0]),
        (["任务执行失败"], [0]),
        (["INFO all went well", "OK", "exit code: 0"], []),
        ([], []),
    ],
)
def test_what_looks_like_the_error_is_found(lines: list[str], expected: list[int]) -> None:
    assert list(LongText("\n".join(lines)).error_lines()) == expected


def test_only_the_end_of_a_long_log_is_looked_through() -> None:
    text = LongText("ERROR early\n" + "INFO on\n" * 100_000 + "ERROR late\n")

    assert text.bare(text.error_lines()) == ("late",)


def test_equal_lines_are_told_once_and_without_their_stamps() -> None:
    text = LongText("2026-09-18 14:28:00 [ERROR] no disk\n2026-09-18 14:29:00 [ERROR] no disk\n")

    assert text.bare(text.error_lines()) == ("no disk",)
