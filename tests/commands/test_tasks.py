import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.commands import output
from wfinspect.commands.tasks import GrowingLog

LINES = st.lists(st.text("ab \u00e9", max_size=4).map(lambda line: f"{line}\n"), max_size=8)


def printed(log: GrowingLog, capsys: pytest.CaptureFixture[str], *texts: str) -> str:
    for text in texts:
        log.print(text, is_whole=False)
    log.print(log.text, is_whole=True)
    return capsys.readouterr().out


@given(LINES, st.lists(st.integers(0, 40), max_size=4), st.sampled_from(["", "no end"]))
def test_a_log_that_grows_is_printed_once_and_whole(
    lines: list[str], cuts: list[int], end: str
) -> None:
    """However it is cut, also within a line."""
    capsys = pytest.MonkeyPatch()
    out: list[str] = []
    capsys.setattr("builtins.print", lambda text, **_: out.append(f"{text}\n"))
    text = "".join(lines) + end
    log = GrowingLog(None, None)
    try:
        for cut in sorted(cuts):
            log.print(text[:cut], is_whole=False)
        log.print(text, is_whole=True)
    finally:
        capsys.undo()

    assert "".join(out) == (text if not end else f"{text}\n")
    assert all(one.endswith("\n") for one, _ in pairwise(out))


def test_of_what_is_there_at_first_only_the_last_lines_are_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = GrowingLog(re.compile("a"), 2)

    assert printed(log, capsys, "a1\na2\nb\na3\n", "a1\na2\nb\na3\nb\na4\na5\na6\n") == (
        "a2\na3\na4\na5\na6\n"
    )


def test_the_log_of_a_new_run_is_printed_from_its_start(capsys: pytest.CaptureFixture[str]) -> None:
    log = GrowingLog(None, None)

    log.print("first\nmore\n", is_whole=False)
    log.print("second\n", is_whole=False)

    said = capsys.readouterr()
    assert said.out == "first\nmore\nsecond\n"
    assert "new run" in said.err


def test_a_log_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(GrowingLog(None, None), capsys, "a\x1b]52;c;x\x07\n") == "a\u241b]52;c;x\u2407\n"


def test_levels_have_colours_and_times_are_dim(capsys: pytest.CaptureFixture[str]) -> None:
    output.decide_color("always", {})
    try:
        text = printed(GrowingLog(None, None), capsys, "2026-11-30 13:50:42 ERROR no\nplain\n")
    finally:
        output.decide_color("never", {})

    assert text.startswith("\x1b[90m2026-11-30 13:50:42 \x1b[0m\x1b[31mERROR no\x1b[0m\n")
    assert re.sub(r"\x1b\[\d*m", "", text) == "2026-11-30 13:50:42 ERROR no\nplain\n"
