import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.ui.input import WINDOW_SECONDS, KeyGate, Verdict

APART = WINDOW_SECONDS * 2


def burst(text: str, *, in_box: bool) -> tuple[list[str], str]:
    """The commands that ran, and what the box holds, when a text arrives all at once."""
    gate = KeyGate()
    ran: list[str] = []
    box = ""
    held = ""
    for char in text:
        match gate.judge(char, 10.0, in_box=in_box):
            case Verdict.PASS:
                if char.isdigit() or (in_box and char in ",;. "):
                    box, in_box = box + char, True
                else:
                    ran.append(char)
            case Verdict.TEXT:
                held = ""
                box, in_box = box + gate.take_text(), True
            case Verdict.HOLD:
                held = char
            case Verdict.REPEAT:
                ran.append(held)
                held = char
    if held:
        gate.release()
        ran.append(held)
    return ran, box


def typed(text: str, *, in_box: bool = False) -> list[Verdict]:
    gate = KeyGate()
    verdicts = []
    for place, char in enumerate(text):
        verdicts.append(gate.judge(char, place * APART, in_box=in_box))
        gate.release()
    return verdicts


def test_letters_typed_one_by_one_are_commands() -> None:
    assert typed("wxn") == [Verdict.HOLD] * 3


def test_digits_and_cursor_keys_never_wait() -> None:
    assert typed("1j2G") == [Verdict.PASS] * 4


@pytest.mark.parametrize(
    ("pasted", "box"),
    [
        ("10432987165", "10432987165"),
        ("instance 10432987165 failed", "instance 10432987165 failed"),
        ("10432987165 daily", "10432987165 daily"),
        ("qX10432987165", "qX10432987165"),
        ("wx", "wx"),
        ("1\n2\n3", "1 2 3"),
    ],
)
def test_a_paste_that_comes_as_keys_runs_nothing_and_fills_the_box(pasted: str, box: str) -> None:
    assert burst(pasted, in_box=False) == ([], box)


def test_enter_right_behind_digits_still_looks_up() -> None:
    assert burst("10432987165\r", in_box=True) == (["\r"], "10432987165")


def test_a_line_break_inside_a_paste_never_looks_up() -> None:
    assert burst("10432987165 dwd\r", in_box=True) == ([], "10432987165 dwd ")


def test_a_key_held_down_repeats_its_command() -> None:
    assert burst("+++", in_box=False) == (["+", "+", "+"], "")


def test_cursor_keys_bunched_by_a_slow_link_stay_cursor_keys() -> None:
    assert burst("jjkG", in_box=False) == (["j", "j", "k", "G"], "")


def in_view(text: str, *, is_typing: bool) -> str:
    """What acts as a key, in a view, of a text that arrives all at once."""
    gate = KeyGate()
    acts, held = "", ""
    for char in text:
        match gate.judge_in_view(char, 10.0, is_typing=is_typing):
            case Verdict.PASS:
                acts += char
            case Verdict.TEXT:
                held = ""
            case Verdict.HOLD:
                held = char
            case Verdict.REPEAT:
                acts, held = acts + held, char
    return acts + held


@pytest.mark.parametrize(
    ("pasted", "acts"),
    [
        ("10432987165 daily", ""),
        ("select 1\r", ""),
        ("q", "q"),
        ("nnn", "nnn"),
        ("jjkG  ", "jjkG  "),
        ("\rq", "\rq"),
        ("\rquit", "\r"),
    ],
)
def test_in_a_view_a_paste_runs_no_command(pasted: str, acts: str) -> None:
    assert in_view(pasted, is_typing=False) == acts


@pytest.mark.parametrize(
    ("pasted", "acts"),
    [
        ("refresh all\r", "refresh all"),
        ("ab\rcd\t", "ab"),
        ("ab\r", "ab\r"),
        ("\r", "\r"),
        ("\t\rab", "\t"),
    ],
)
def test_in_an_input_a_line_break_of_a_paste_is_no_enter(pasted: str, acts: str) -> None:
    assert in_view(pasted, is_typing=True) == acts


@given(st.text("aqwxXnu!1230, \r", min_size=2, max_size=30), st.booleans())
def test_no_burst_of_different_keys_runs_a_command_that_changes_anything(
    text: str, in_box: bool
) -> None:
    ran, box = burst(text, in_box=in_box)

    # One key repeated is typing; anything else is text, but for a last or only Enter.
    first = text[: len(ran)]
    assert set(ran) <= {"\r", " ", ","} or len(set(first)) == 1
    assert len(box) + len(ran) <= len(text)
