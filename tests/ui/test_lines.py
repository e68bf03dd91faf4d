from itertools import islice
from typing import SupportsIndex

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wfinspect.ui.lines import (
    Part,
    Role,
    crop,
    cut,
    fit,
    hint_line,
    pad,
    pad_left,
    shed,
    spread,
    width_of,
    wrap,
)

WORDS = st.text("ab ,店铺_x1", max_size=60)
WIDTHS = st.integers(2, 40)


@given(WORDS, WIDTHS)
def test_padding_fills_exactly_the_width(text: str, width: int) -> None:
    assert cell_len(pad(text, width)) == width
    assert cell_len(pad_left(text, width)) == width


@given(WORDS, WIDTHS)
def test_fitting_never_exceeds_the_width_and_cutting_keeps_the_start(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) <= width
    assert text.startswith(cut(text, width))


@given(WORDS, WIDTHS)
def test_wrapping_loses_no_character_and_keeps_to_the_width(text: str, width: int) -> None:
    pieces = list(wrap(text, width))

    assert "".join(pieces) == text
    assert all(cell_len(piece) <= width for piece in pieces)


def test_wrapping_breaks_at_a_blank_where_there_is_one() -> None:
    assert list(wrap("one two three four", 10)) == ["one two ", "three four"]
    assert list(wrap("one,two three", 12, breaks=" ")) == ["one,two ", "three"]
    assert list(wrap("a " + "b" * 12, 10)) == ["a bbbbbbbb", "bbbb"]


def test_prose_breaks_between_words_and_a_value_may_break_within_one() -> None:
    text = "or ALIBABA_CLOUD_KEY"

    assert list(wrap(text, 18, is_prose=True)) == ["or ", "ALIBABA_CLOUD_KEY"]
    assert list(wrap(text, 18)) == ["or ALIBABA_CLOUD_K", "EY"]


class Watched(str):
    """A text that counts the characters that are looked at."""

    __slots__ = ("looked_at",)
    looked_at: int

    def __getitem__(self, which: SupportsIndex | slice) -> str:
        found = super().__getitem__(which)
        self.looked_at += len(found)
        return found


@given(st.sampled_from(["x", "店", "word ", "a,店 "]), st.booleans(), WIDTHS, st.integers(1, 10))
def test_what_a_text_costs_hangs_on_what_is_shown_of_it(
    part: str, is_prose: bool, width: int, shown: int
) -> None:
    text = Watched(part * 100_000)
    text.looked_at = 0

    pieces = list(islice(wrap(text, width, is_prose=is_prose), shown))
    fit(text, width)

    assert len(pieces) == shown
    # Each piece is measured and cut out; a character more shows that it does not fit.
    assert text.looked_at <= (shown + 1) * 2 * (width + 1) + width


@given(WORDS, WORDS, st.integers(8, 60))
def test_spreading_pushes_the_right_part_to_the_edge(left: str, right: str, width: int) -> None:
    right = fit(right, width // 2)
    spans = spread([(left, Role.TEXT)], [(right, Role.DIM)], width)

    assert width_of(spans) == width
    assert "".join(text for text, _ in spans).endswith(right)


def test_cropping_shortens_the_span_that_does_not_fit() -> None:
    spans = crop([("abc", Role.TEXT), ("defghij", Role.DIM), ("k", Role.TEXT)], 8)

    assert spans == (("abc", Role.TEXT), ("de...", Role.DIM))


@given(st.lists(st.text(alphabet="ab \u5e97", max_size=6), max_size=5), st.integers(0, 20))
def test_what_is_cropped_is_signed_whole_and_blanks_are_not_missed(
    texts: list[str], width: int
) -> None:
    spans = [(text, Role.TEXT) for text in texts]
    kept = "".join(text for text, _ in crop(spans, width))
    whole = "".join(texts)

    assert cell_len(kept) <= width
    if kept.rstrip() != whole.rstrip():
        assert kept.endswith("..."[:width])
        assert whole.startswith(kept.removesuffix("..."[:width]))


def test_shedding_drops_the_least_needed_first_and_never_rank_zero() -> None:
    parts = [
        Part((("must", Role.TEXT),), 0),
        Part((("may", Role.TEXT),), 2),
        Part((("should", Role.TEXT),), 1),
    ]

    def texts(width: int) -> str:
        return "".join(text for text, _ in shed(parts, width))

    assert texts(20) == "must  may  should"
    assert texts(15) == "must  should"
    assert texts(5) == "must"
    assert texts(3) == "..."


def test_what_stays_is_said_in_more_words_where_there_is_room() -> None:
    parts = [
        Part.of(["progress 3 of 5", "3/5"], Role.DIM, 2),
        Part.of(["late by 5m", "late"], Role.TROUBLE, 0),
        Part.of(["a note"], Role.DIM, 3),
    ]

    def said(width: int) -> str:
        return "".join(text for text, _ in shed(parts, width))

    assert said(40) == "progress 3 of 5  late by 5m  a note"
    assert said(34) == "3/5  late by 5m  a note"
    assert said(22) == "3/5  late by 5m"
    assert said(14) == "late by 5m"
    assert said(6) == "late"
    assert shed([Part.of([""], Role.DIM, 0)], 9) == ()


@given(WORDS, st.integers(20, 60), st.sampled_from(["", "25 more below"]))
def test_the_words_of_the_first_hint_give_way_to_the_last(
    word: str, width: int, beyond: str
) -> None:
    keys = [("Enter", word), ("Tab", "as plain text"), ("Esc", "close")]
    said = hint_line(keys, width + len(beyond), beyond=beyond).text

    assert " Esc close" in said
    assert said.startswith(" Enter")


def test_hints_have_shorter_words_where_these_make_room_for_more_keys() -> None:
    keys = [("Esc", "back"), ("y", "copy ID"), ("F", "look further"), ("?", "keys")]

    assert hint_line(keys, 50).text.rstrip() == " Esc back  y copy ID  F look further  ? keys"
    assert hint_line(keys, 40).text.rstrip() == " Esc back  y copy ID  F more  ? keys"
    assert hint_line(keys, 34).text.rstrip() == " Esc back  y copy  F more  ? keys"


def test_of_hints_the_first_and_the_last_stay() -> None:
    keys = [("Enter", "copy it whole"), ("Tab", "as plain text"), ("Esc", "close")]

    assert hint_line(keys, 80).text.rstrip() == " Enter copy it whole  Tab as plain text  Esc close"
    assert hint_line(keys, 41).text.rstrip() == " Enter copy it whole  Esc close"
