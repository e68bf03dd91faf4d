import math
import os
import threading
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from wfinspect.ui.input import (
    MAX_PASTE,
    PAUSE_SECONDS,
    SILENCE_SECONDS,
    KeyReader,
    PasteCut,
    StopReading,
    read_keys,
)

ESCAPE_SECONDS = 0.025
BEGIN, END = b"\x1b[200~", b"\x1b[201~"
ANSWERS = {
    "DA1": b"\x1b[?64;1;2;6;9;15;18;21;22c",
    "DA2": b"\x1b[>41;354;0c",
    "cursor": b"\x1b[24;80R",
    "mode": b"\x1b[?2004;2$y",
    "colour, ST": b"\x1b]11;rgb:1d1d/20fc/cc21\x1b\\",
    "colour, BEL": b"\x1b]10;rgb:ffff/ffff/ffff\x07",
    "version": b"\x1bP>|tmux 3.3a\x1b\\",
    "kitty's mode": b"\x1b[?1u",
    "kitty's graphics": b"\x1b_Gi=31;EINVAL:wqx 104\x1b\\",
}
PIECES = [
    *ANSWERS.values(),
    *(b"\x1b", b"\x1b[A", b"\x1bOB", b"\x1b[1;5C", b"\x1b[<0;4;7M", b"\x1b[M !!", b"\x1b[I"),
    *(
        b"\x1b[113;5u",
        b"\x1b[27;5;99~",
        b"\x1b[57400u",
        b"\x1b[[A",
        b"\x1b[",
        b"\x1bP",
        b"\x1b]8;;",
    ),
    *(
        BEGIN,
        END,
        b"q",
        b"104",
        b"\r",
        b"\x11",
        b"\x03",
        "订单".encode(),
        b"\xe8",
        b"\xff",
        b"\x00",
    ),
]
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12).map(b"".join)


class Keyboard:
    """A reader, and the time that passes for it; `typed` has what it made of all that came."""

    def __init__(self, *, brackets_pastes: bool = True) -> None:
        self._reader = KeyReader(
            "utf-8", escape_seconds=ESCAPE_SECONDS, brackets_pastes=brackets_pastes
        )
        self._monotonic = 1000.0
        self.typed: list[str] = []

    def send(self, *reads: bytes) -> "Keyboard":
        """Let reads follow at once upon each other."""
        for data in reads:
            self.typed += map(name, self._reader.feed(data, self._monotonic))
        return self

    def rest(self, seconds: float = 10.0) -> "Keyboard":
        """Let time pass in which nothing comes."""
        end = self._monotonic + seconds
        while (wakes_at := self._reader.wakes_at) is not None and wakes_at <= end:
            self.typed += map(name, self._reader.tick(wakes_at))
            assert self._reader.wakes_at is None or self._reader.wakes_at > wakes_at
        self._monotonic = end
        return self

    def take(self) -> list[str]:
        typed, self.typed = self.typed, []
        return typed


def name(event: Message) -> str:
    match event:
        case events.Key():
            return event.key
        case events.Paste():
            return f"paste {event.text}"
        case PasteCut():
            return f"cut {event.left_out}"
        case events.MouseEvent():
            return f"{type(event).__name__} {event.x} {event.y}"
    return type(event).__name__


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % len(data) for place in places} | {len(data)} if data else set())
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False) if a < b]


places = st.lists(st.integers(0, 1000), max_size=20)


@tried(80, 20_000)
@given(streams, places)
def test_where_a_stream_is_cut_makes_no_difference(stream: bytes, places: list[int]) -> None:
    whole = Keyboard().send(stream).rest()
    pieces = Keyboard().send(*cut(stream, places)).rest()

    assert pieces.typed == whole.typed


@tried(80, 20_000)
@given(streams, places, st.booleans(), st.sampled_from([b"\x11", b"\x1b[113;5u"]))
def test_it_is_never_deaf(stream: bytes, places: list[int], brackets: bool, key: bytes) -> None:
    keyboard = Keyboard(brackets_pastes=brackets)
    keyboard.send(*cut(stream, places)).rest(2.0).take()

    # Before it comes what was the beginning of a character.
    assert keyboard.send(key).rest().take()[-1:] == ["ctrl+q"]
    assert keyboard.send(b"w").take() == ["w"]


@tried(60, 10_000)
@given(
    st.text("10 4,.qX[]~;\n\t订é\u200b\U0001f600", min_size=1, max_size=30),
    places,
    st.booleans(),
)
def test_a_paste_is_one_text_and_nothing_else(text: str, places: list[int], brackets: bool) -> None:
    keyboard = Keyboard(brackets_pastes=brackets)
    keyboard.send(*cut(BEGIN + text.encode() + END, places), b"j")

    assert keyboard.typed == [f"paste {text}", "j"]


@tried(60, 5_000)
@given(st.sampled_from(list(ANSWERS.values())), places, st.booleans(), st.floats(0.0, 1.0))
def test_an_answer_is_no_text_and_no_command_however_torn(
    answer: bytes, places: list[int], brackets: bool, gap: float
) -> None:
    keyboard = Keyboard(brackets_pastes=brackets)
    for piece in cut(answer, places):
        keyboard.send(piece).rest(gap)

    # An Escape that stood alone for so long was a key.
    assert keyboard.take() in ([], ["escape"])
    assert keyboard.send(b"j").take() == ["j"]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        (b"\x1b[113;5u \x1b[99;5u", ["ctrl+q", "space", "ctrl+c"]),
        (b"\x1b[27;5;113~\x1b[27;5;99~", ["ctrl+q", "ctrl+c"]),
        (b"\x1b[27u\x1b[27;1:1u\x1b[27;1:3u\x1b[27;1;27~", ["escape"] * 3),
        (b"\x1b[13u\x1b[13;2u\x1b[27;5;13~\x1b[57414u\x1bOM", ["enter"] * 5),
        (b"\x1b[119u\x1b[97:65;2u\x1b[97;2u\x1b[27;2;65~", ["w", "A", "A", "A"]),
        (b"\x1b[47;2;63u\x1b[27;2;63~", ["question_mark"] * 2),
        (b"\x1b[49u\x1b[57401u\x1b[27;1;51~\x1bOt\x1b[57409u", ["1", "2", "3", "4", "full_stop"]),
        (b"\x1bOp\x1bOy\x1bOk\x1bOj", ["0", "9", "plus", "asterisk"]),
        (b"\x1b[9;2u\x1b[1;5C", ["shift+tab", "ctrl+right"]),
        (b"\x1b[113;9u\x1b[57441;2u\x1b[57441;1:3u\x1b[9999999u\x1b[55296u", []),
        (b"\x1bj\x1b104\x1b\x1b", ["escape", "j", "escape", "1", "0", "4", "escape", "escape"]),
        (b"\x1b[C\x1bOD\x1b[5~\x1b[1;2P\x1b[[B", ["right", "left", "pageup", "shift+f1", "f2"]),
        (b"\x1b[<0;4;7M\x1b[<0;4;7m\x1b[I\x1b[O\x1b[?2026;2$y", ["MouseDown 3 6", "MouseUp 3 6", "TerminalSupportsSynchronizedOutput"]),
        (b"\x1b[MqQ!\x1b[48;24;80;1;1t\x1b[12;", []),
    ],
)  # fmt: skip
def test_a_sequence_means_a_key(sent: bytes, keys: list[str]) -> None:
    assert Keyboard().send(sent).rest().typed == keys


@pytest.mark.parametrize("letter", "jqOXé")
def test_a_letter_never_waits_even_behind_escape(letter: str) -> None:
    keyboard = Keyboard(brackets_pastes=False).send(b"\x1b").rest(ESCAPE_SECONDS)

    assert keyboard.send(letter.encode()).take() == ["escape", letter]


def test_what_may_begin_an_answer_waits_behind_escape() -> None:
    keyboard = Keyboard().send(b"\x1b").rest(1).send(b"P")
    assert keyboard.take() == ["escape"]
    assert keyboard.send(b"j").take() == ["P", "j"]


@pytest.mark.parametrize("places", range(len(END)))
def test_a_paste_without_end_gives_the_keys_back(places: int) -> None:
    keyboard = Keyboard().send(BEGIN + b"104 q" + END[:places]).rest(SILENCE_SECONDS)
    assert keyboard.take() == ["paste 104 q"]
    assert keyboard.send(b"j").take() == ["j"]


@pytest.mark.parametrize("places", range(len(END)))
def test_a_late_end_of_a_paste_is_no_text(places: int) -> None:
    keyboard = Keyboard().send(BEGIN + b"104" + END[:places]).rest(2.5).send(END[places:]).rest(5)
    assert keyboard.take() == ["paste 104"]
    assert keyboard.send(b"wxw?").take() == ["w", "x", "w", "question_mark"]


def test_what_comes_late_of_a_paste_is_text() -> None:
    keyboard = Keyboard().send(BEGIN + b"1043298").rest(5).send(b"7165 xq").rest(5)
    assert keyboard.take() == ["paste 1043298", "paste 7165 xq"]

    assert keyboard.send(b"w xq" + END).rest().take() == ["paste w xq"]


def test_a_paste_after_one_that_lost_its_end_stands_alone() -> None:
    keyboard = Keyboard().send(BEGIN + b"104").rest(5).send(BEGIN + b"105" + END).rest()

    assert keyboard.typed == ["paste 104", "paste 105"]


@pytest.mark.parametrize("key", [b"\x11", b"\x03", b"\x1b[113;5u", b"\x1b[27;5;99~"])
def test_the_way_out_counts_in_a_paste_only_behind_a_pause(key: bytes) -> None:
    out = "ctrl+q" if key in {b"\x11", b"\x1b[113;5u"} else "ctrl+c"
    keyboard = Keyboard().send(BEGIN + b"104", key, b"5" + key + b"6").rest(PAUSE_SECONDS)
    assert keyboard.send(key).take() == [out]
    assert keyboard.send(END).take() == ["paste 10456"]


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        (b"104 \x1b[27;5;106~ 105", "104 \n 105"),
        (b"104\x1b[27;5;106~105\x1b[13u6", "104\n105\n6"),
        (b"\x1b[1;31m104\x1b(B\x1b[m failed\x1b[M 3", "104 failed 3"),
        (b"\x1b]8;;http://x/1\x1b\\104\x1b]8;;\x07 and", "104 and"),
        (b"\x1b104\x1b[3", "104"),
        (b"a\x00\x07\x7f\tb\r\nc\x11\x03", "a\tb\r\nc"),
    ],
)
def test_escape_sequences_in_a_paste_cost_themselves_alone(pasted: bytes, text: str) -> None:
    assert Keyboard().send(BEGIN + pasted + END).typed == [f"paste {text}"]


def test_a_paste_without_end_of_20_mb_is_cut_and_said() -> None:
    keyboard = Keyboard().send(BEGIN)
    tracemalloc.start()
    for _ in range(5_000):
        keyboard.send(b"1" * 4_000)
    keyboard.rest(2.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert keyboard.typed == ["paste " + "1" * MAX_PASTE, f"cut {20_000_000 - MAX_PASTE}"]
    assert peak < 8 * MAX_PASTE


def test_an_endless_answer_costs_no_memory() -> None:
    keyboard = Keyboard().send(b"\x1b]52;c;")
    tracemalloc.start()
    for _ in range(2_000):
        keyboard.send(b"q" * 4_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2**18
    assert keyboard.send(b"\x1b", b"\\", b"q").typed == ["q"]


# A terminal that is not known to bracket its pastes.


@pytest.mark.parametrize(
    ("reads", "typed"),
    [
        ([b"quit 104\r"], ["paste quit 104\r"]),
        ([b"104 ", b"1", b"05\r"], ["paste 104 105\r"]),
        ([b"1043\r1044\r"], ["paste 1043\r1044\r"]),
        # An ID that was typed before the start, or while the answer was on its way.
        ([b"1043\n"], [*"1043", "enter"]),
        ([b"1043", ANSWERS["mode"], b"\r"], [*"1043", "enter"]),
        ([ANSWERS["mode"] + b"1043\r"], [*"1043", "enter"]),
        ([ANSWERS["version"] + b"jkg1\r"], [*"jkg1", "enter"]),
        ([b"jkgx" + ANSWERS["mode"]], ["paste jkgx"]),
        ([b"\x1b[31m104\x1b[m 5"], ["paste 104 5"]),
        ([b"jjjjjj"], ["j"] * 6),
        ([b"\r\r\r\r"], ["enter"] * 4),
        ([b"jkg"], ["j", "k", "g"]),
        ([b"\x1b[A\x1b[B\x1b[C\x1b[D"], ["up", "down", "right", "left"]),
        ([b"\x1b[?2004;2$y", b"jkjkjk"], list("jkjkjk")),
        ([b"\x1b[?2004;0$y", b"jkjk"], ["paste jkjk"]),
        ([b"\x1bP>|tmux 3.3a\x1b\\", b"jkjkjk"], list("jkjkjk")),
        ([b"\x1b[31", b"m104 5"], ["paste 104 5"]),
        ([BEGIN + b"1" + END, b"jkjkjk"], ["paste 1", *"jkjkjk"]),
    ],
)
def test_several_characters_in_one_read_are_a_paste_where_brackets_are_not_known(
    reads: list[bytes], typed: list[str]
) -> None:
    assert Keyboard(brackets_pastes=False).send(*reads).rest().typed == typed


def test_an_answer_amid_what_is_taken_for_a_paste_counts() -> None:
    keyboard = Keyboard(brackets_pastes=False).send(b"jkgx" + ANSWERS["mode"]).rest()

    assert keyboard.send(b"jkgx").rest().typed == ["paste jkgx", *"jkgx"]


def test_escape_is_a_key_again_behind_a_paste_without_brackets() -> None:
    keyboard = Keyboard(brackets_pastes=False).send(b"\x1b").rest(0.5).send(b"104 105").rest()

    assert keyboard.take() == ["escape", "paste 104 105"]
    assert keyboard.send(b"\x1b").rest().take() == ["escape"]


# The loop that reads.


@pytest.fixture
def keyboard() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)


def reader() -> KeyReader:
    return KeyReader("utf-8", escape_seconds=ESCAPE_SECONDS, brackets_pastes=True)


def test_keys_are_delivered_until_the_terminal_is_gone(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    os.write(write, b"j\x1b[A\xe8\xae\xa2")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, reader(), StopReading(), delivered.append) is False
    assert list(map(name, delivered)) == ["j", "up", "订"]


def test_a_lone_escape_is_delivered_after_its_delay(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    stop = StopReading()
    os.write(write, b"\x1b")
    delivered: list[Message] = []

    def deliver(event: Message) -> None:
        delivered.append(event)
        stop.set()

    assert read_keys(read, reader(), stop, deliver) is True
    assert list(map(name, delivered)) == ["escape"]
    os.close(write)


def test_it_waits_without_end_while_nothing_comes() -> None:
    keyboard = KeyReader("utf-8", escape_seconds=ESCAPE_SECONDS, brackets_pastes=False)
    assert keyboard.wakes_at is None
    keyboard.feed(b"\x1b[A\x1b", 5.0)
    assert keyboard.wakes_at == 5.0 + ESCAPE_SECONDS
    assert keyboard.tick(math.nextafter(5.0 + ESCAPE_SECONDS, 0)) == []
    keyboard.tick(6.0)
    keyboard.tick(7.0)
    assert keyboard.wakes_at is None


def test_a_reader_that_waits_is_stopped_at_once_and_may_begin_again(
    keyboard: tuple[int, int],
) -> None:
    read, write = keyboard
    stop = StopReading()
    for _ in range(2):
        delivered: list[Message] = []
        thread = threading.Thread(target=read_keys, args=(read, reader(), stop, delivered.append))
        thread.start()
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
        stop.clear()
    os.close(write)
