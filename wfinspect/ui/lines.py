"""Lines of text as spans with roles, measured in terminal cells. Pure; knows no widget, no colour."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby, islice, zip_longest
from typing import NamedTuple

import rich.cells
from rich.cells import get_character_cell_size


class Role(StrEnum):
    """What a piece of text is to the reader; `theme` says how it looks."""

    TEXT = "text"
    STRONG = "strong"
    DIM = "dim"
    ACCENT = "accent"
    BRAND = "brand"
    IDLE = "idle"
    WAITING = "waiting"
    ACTIVE = "active"
    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"
    TROUBLE = "trouble"
    ALARM = "alarm"


class Ground(StrEnum):
    """What a whole line lies on."""

    NONE = "none"
    CURSOR = "cursor"
    """The cursor's row in the pane that has the keys."""
    RESTING = "resting"
    """The cursor's row while the keys go elsewhere."""
    KEYS = "keys"
    """The heading of the pane that has the keys."""


Span = tuple[str, Role]


class Line(NamedTuple):
    """One line on the screen."""

    spans: tuple[Span, ...] = ()
    ground: Ground = Ground.NONE

    @property
    def text(self) -> str:
        """The line without its roles."""
        return text_of(self.spans)

    def on(self, ground: Ground) -> "Line":
        """Return the line on another ground."""
        return Line(self.spans, ground)


BLANK = Line()
ELLIPSIS = "..."
MARGIN = " "
"""What stands before every text."""


def line(*spans: Span) -> Line:
    """Return a line of the spans that hold something."""
    return Line(tuple(span for span in spans if span[0]))


def section(title: str, rest: object = "") -> Line:
    """Return the title of a part of a text; `rest` is what is dim behind it, as a count."""
    return line((MARGIN + title, Role.STRONG), (f" {rest}" if rest else "", Role.DIM))


def cell_len(text: str) -> int:
    """Cells a text takes that has passed `shown`."""
    # Rich looks into its cache in any case, which holds fewer texts than a long list has names.
    return len(text) if text.isascii() else rich.cells.cell_len(text)


def text_of(spans: Iterable[Span]) -> str:
    """The text of spans."""
    return "".join(text for text, _ in spans)


def width_of(spans: Iterable[Span]) -> int:
    """Cells the spans take."""
    return sum(cell_len(text) for text, _ in spans)


def cut(text: str, width: int) -> str:
    """The first characters of a text that fit into `width` cells."""
    return text[: _end_of(text, 0, width)]


def _end_of(text: str, start: int, width: int) -> int:
    """Where the characters end that from `start` on fit into `width` cells; looks at no more of them."""
    if text.isascii():
        return min(len(text), start + max(0, width))
    used = 0
    for index in range(start, len(text)):
        used += get_character_cell_size(text[index])
        if used > width:
            return index
    return len(text)


def fit(text: str, width: int) -> str:
    """The text, shortened with an ellipsis where it is wider than `width` cells."""
    if _end_of(text, 0, width) == len(text):
        return text
    # Of very few cells all are the sign: one digit of an ID would pass for the whole.
    return cut(text, width - len(ELLIPSIS)) + ELLIPSIS[: max(0, width)]


def pad(text: str, width: int) -> str:
    """The text shortened or filled with blanks to exactly `width` cells."""
    text = fit(text, width)
    return text + " " * (width - cell_len(text))


def pad_left(text: str, width: int) -> str:
    """The text shortened or filled in front to exactly `width` cells."""
    text = fit(text, width)
    return " " * (width - cell_len(text)) + text


def spread(left: Sequence[Span], right: Sequence[Span], width: int) -> tuple[Span, ...]:
    """Spans with a gap that pushes `right` to the edge; `left` is shortened before `right` is."""
    right_width = width_of(right)
    kept = crop(left, width - right_width - (1 if right_width else 0))
    gap = width - width_of(kept) - right_width
    return (*kept, (" " * max(0, gap), Role.TEXT), *right)


def crop(spans: Iterable[Span], width: int) -> tuple[Span, ...]:
    """The spans shortened to `width` cells, with an ellipsis for what is lost, but not for blanks."""
    kept: list[Span] = []
    rest, room = iter(spans), max(0, width)
    for text, role in rest:
        size = cell_len(text)
        if size <= room:
            kept.append((text, role))
            room -= size
            continue
        lost = [text[_end_of(text, 0, room) :], *(other for other, _ in rest)]
        if not any(map(str.strip, lost)):
            return (*kept, (cut(text, room), role))
        # Of what stands before it only as much as the ellipsis needs: a single dot would be no sign.
        while kept and room < len(ELLIPSIS):
            text, role = kept.pop()  # noqa: PLW2901
            room += cell_len(text)
        if room:
            kept.append((cut(text, room - len(ELLIPSIS)) + ELLIPSIS[:room], role))
    return tuple(kept)


def whole(spans: Sequence[Span], width: int) -> Sequence[Span]:
    """The first of the spans, as many as fit into `width` cells; one at least."""
    while len(spans) > 1 and width_of(spans) > width:
        spans = spans[:-1]
    return spans


def wrap(text: str, width: int, *, is_prose: bool = False, breaks: str = " ,;&/") -> Iterator[str]:
    """The text in pieces of at most `width` cells, made as they are asked for; joined, they are the text.

    Breaks between words in prose, else behind one of `breaks` in the second half of a piece.
    """
    width, start = max(width, 2), 0
    while (end := _end_of(text, start, width)) < len(text):
        # A character may be wider than the room; one at least is taken.
        piece = text[start : max(end, start + 1)]
        soft = piece.rfind(" ") if is_prose else max(map(piece.rfind, breaks))
        if soft >= (1 if is_prose else len(piece) // 2):
            piece = piece[: soft + 1]
        yield piece
        start += len(piece)
    yield text[start:]


def beginning(pieces: Iterable[str], width: int, lines: int) -> list[str]:
    """Return the first of the lines that a text was wrapped to; an ellipsis says that there are more."""
    first = [*islice(pieces, lines + 1)]
    if len(first) > lines:
        first[lines - 1 :] = [fit(f"{first[lines - 1].rstrip()}{ELLIPSIS}", width)]
    return first


def wrap_lines(text: str, width: int) -> list[str]:
    """The lines of a text, each wrapped."""
    return [piece for each in text.split("\n") for piece in wrap(each, width)]


class Column(NamedTuple):
    """A column of a table; one of no cells is left out."""

    title: str
    cells: int
    gap: int = 2
    """Blanks behind it."""
    is_right: bool = False
    """Whether values stand at its right edge."""


def in_columns(values: Iterable[Span], columns: Iterable[Column]) -> list[Span]:
    """Return values side by side, each shortened or filled to its column."""
    return [
        ((pad_left if column.is_right else pad)(text, column.cells) + " " * column.gap, role)
        for (text, role), column in zip(values, columns, strict=False)
        if column.cells
    ]


def titles(columns: Iterable[Column]) -> list[Span]:
    """Return the titles of columns."""
    return in_columns(((column.title, Role.DIM) for column in columns), columns)


def beside(columns: Sequence[Column], *cells: Iterable[Span]) -> list[Line]:
    """Return wrapped texts side by side, each given as its pieces; the last needs no column."""
    return [
        line((MARGIN, Role.DIM), *in_columns(row, columns), *row[len(columns) :])
        for row in zip_longest(*cells, fillvalue=("", Role.DIM))
    ]


def side_by_side(left: Iterable[Line], right: Iterable[Line], left_cells: int) -> list[Line]:
    """Return lines in two columns; those on the left are at most `left_cells` wide."""
    return [
        line(*one.spans, (" " * (left_cells - width_of(one.spans)), Role.TEXT), *other.spans)
        if other.spans
        else one
        for one, other in zip_longest(left, right, fillvalue=BLANK)
    ]


class Part(NamedTuple):
    """A piece of a line that may have to go, or to be said in fewer words."""

    spans: tuple[Span, ...]
    rank: int
    """The highest rank goes first; rank 0 stays."""
    shorter: Sequence[tuple[Span, ...]] = ()
    """Other words for it, the longest first."""

    @classmethod
    def of(cls, wordings: Iterable[str], role: Role, rank: int) -> "Part":
        """Return a part of one role, given its wordings, the longest first."""
        spans: list[tuple[Span, ...]] = [((each, role),) for each in wordings if each]
        first, *shorter = spans or [()]
        return cls(first, rank, shorter)


def shed(parts: Sequence[Part], width: int, gap: str = "  ") -> tuple[Span, ...]:
    """The parts side by side, those of the highest rank left out until the rest fits.

    Of other words for them rank 0 has the longest that fit, the others at first the shortest.
    """
    chosen: dict[int, tuple[Span, ...]] = {}

    def rank(n: int) -> int:
        return parts[n].rank

    def longest(n: int, room: int) -> tuple[Span, ...]:
        wordings = (parts[n].spans, *parts[n].shorter)
        return next((each for each in wordings if width_of(each) <= room), wordings[-1])

    def room() -> int:
        return width - sum(width_of(each) + len(gap) for each in chosen.values())

    order = sorted((n for n, part in enumerate(parts) if part.spans), key=rank)
    for _, alike in groupby(order, rank):
        for n in alike:
            least = longest(n, 0 if rank(n) else room())
            if rank(n) and width_of(least) > room():
                # The first of a rank stay longest.
                break
            chosen[n] = least
    for n, least in chosen.items():
        chosen[n] = longest(n, room() + len(gap) + width_of(least))
    spans: list[Span] = []
    for n in sorted(chosen):
        spans += [(gap, Role.DIM), *chosen[n]] if spans else chosen[n]
    return crop(spans, width)


_SHORTER = {
    "copy ID": "copy",
    "copy line, all": "copy line",
    "copy view, all": "copy",
    "filter status": "status",
    "its instance": "instance",
    "look further": "more",
    "next, before": "next",
    "other failed log": "other log",
    "waits for, holds up": "waits for",
    "what it holds up": "holds up",
    "what it waits for": "waits for",
}
"""Of hints, by their words: what is said where there is room for more keys, or for whole words."""


def hints(
    keys: Sequence[tuple[str, str]], width: int, ranks: Sequence[int] = ()
) -> tuple[Span, ...]:
    """Return keys and what they do, as many as fit; see `Part` for the ranks.

    Without ranks the first and the last stay, and the words of the first give way to the last. Some have
    shorter words, for the sake of more keys.
    """
    if not ranks and len(keys) > 1:
        (key, word), (last, last_word) = keys[0], keys[-1]
        room = width - cell_len(f"{key}   {last} {last_word}")
        keys = ((key, fit(word, room) if room >= min(cell_len(word), 4) else ""), *keys[1:])

    def said(key: str, word: str) -> tuple[Span, ...]:
        return (key, Role.ACCENT), (f" {word}" if word else "", Role.DIM)

    parts = (
        Part(said(key, word), rank, [said(key, _SHORTER[word])] if word in _SHORTER else ())
        for (key, word), rank in zip(keys, ranks or (*range(len(keys) - 1), 0), strict=True)
    )
    return shed(tuple(parts), width)


def hint_line(
    keys: Sequence[tuple[str, str]], width: int, ranks: Sequence[int] = (), beyond: str = ""
) -> Line:
    """Return `hints` as a line of the screen, with its margin at both ends, and what is out of sight."""
    right = f"{beyond}{MARGIN}" if beyond else ""
    kept = hints(keys, width - len(right) - 2 * len(MARGIN), ranks)
    return line(*spread(((MARGIN, Role.DIM), *kept), ((right, Role.TEXT),), width))
