import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from wfinspect.ui.input import WINDOW_SECONDS, KeyGate, StopReading, Verdict, read_keys


@pytest.fixture
def keyboard() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)


def keys_of(delivered: list[Message]) -> list[str]:
    return [event.key for event in delivered if isinstance(event, events.Key)]


def test_keys_are_delivered_until_the_terminal_is_gone(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    os.write(write, b"j\x1b[A\xe8\xae\xa2")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, "utf-8", StopReading(), delivered.append) is False
    assert keys_of(delivered) == ["j", "up", "订"]


@pytest.mark.parametrize("typed", ["104", "jx", "/a", "?", "\uff11"])
def test_what_follows_escape_at_once_loses_neither(keyboard: tuple[int, int], typed: str) -> None:
    read, write = keyboard
    os.write(write, b"\x1b" + typed.encode() + b"\x1b[B\x1bOB")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, "utf-8", StopReading(), delivered.append) is False
    keys = [event for event in delivered if isinstance(event, events.Key)]
    assert [event.character for event in keys[:-2]] == ["\x1b", *typed]
    assert keys_of(delivered)[-2:] == ["down", "down"]


def test_invalid_bytes_are_replaced_and_reading_goes_on(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    os.write(write, b"\xff\xc3(j")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, "utf-8", StopReading(), delivered.append) is False
    assert keys_of(delivered)[-1] == "j"


def test_what_a_sequence_breaks_is_begun_anew(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    delivered: list[Message] = []

    def deliver(event: Message) -> None:
        if keys_of([event]) == ["x"]:
            os.write(write, b"k")
            os.close(write)
            raise ValueError("no such sequence")
        delivered.append(event)

    os.write(write, b"jx")

    assert read_keys(read, "utf-8", StopReading(), deliver) is False
    assert keys_of(delivered) == ["j", "k"]


def test_a_lone_escape_is_delivered_after_its_delay(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    stop = StopReading()
    delivered: list[Message] = []

    def deliver(event: Message) -> None:
        delivered.append(event)
        stop.set()

    os.write(write, b"\x1b")

    assert read_keys(read, "utf-8", stop, deliver) is True
    assert keys_of(delivered) == ["escape"]
    os.close(write)


def test_a_reader_that_waits_is_stopped_at_once_and_may_begin_again(
    keyboard: tuple[int, int],
) -> None:
    read, write = keyboard
    stop = StopReading()
    for _ in range(2):
        delivered: list[Message] = []
        thread = threading.Thread(target=read_keys, args=(read, "utf-8", stop, delivered.append))
        thread.start()
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
        stop.clear()
    os.close(write)


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
