import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.ui.long_text import LongText

TEXTS = st.text("aAbİ店 \n\t", max_size=80)


@given(TEXTS)
def test_its_lines_are_the_lines_of_the_text(text: str) -> None:
    found = LongText(text)

    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert [found.line(n) for n in range(len(found))] == expected
    assert [found.size(n) for n in range(len(found))] == [len(line) for line in expected]


@given(TEXTS, st.text("aAb店", min_size=1, max_size=3))
def test_a_search_finds_each_line_that_holds_the_text_once(text: str, wanted: str) -> None:
    found = LongText(text)
    flags = re.IGNORECASE if wanted == wanted.lower() else re.NOFLAG

    lines = [found.line_of(place) for place in found.search(wanted)]

    holding = [n for n in range(len(found)) if re.search(wanted, found.line(n), flags)]
    assert lines == holding


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
