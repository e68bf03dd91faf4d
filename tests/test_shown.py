import sys
import unicodedata

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st
from pyte import Screen, Stream
from rich.cells import cell_len

from wfinspect.format import is_harmless, shortened, shown, shown_block, size_of

ESCAPES = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x1b\\",
    "\x1b[2J\x1b[6n",
    "\x1bP$qm\x1b\\",
    "\x9b31m",
    "\x9d0;t\x9c",
    "\x0e\x0f\x05\x00\x7f\x08\r\n\t",
    "\u202ednik\u202c\u2066x\u2069\u200f\u061c",
    "\u200b\u200d\ufeff\u2060\u00ad",
    "\u2028\u2029\u0085",
    "\U000e0041\U000e007f\ue000\U000f0000\ufffe",
]
HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

hostile = st.lists(
    st.one_of(
        st.sampled_from(ESCAPES),
        st.characters(),
        st.characters(categories=("Cc", "Cf", "Cs", "Co", "Mn", "Zs", "Lo")),
    ),
    max_size=30,
).map("".join)


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


@tried(500, 100_000)
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


@tried(500, 100_000)
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


@tried(500, 100_000)
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
