"""A watched row as one or two lines of text. Pure; knows no widget, no colour and no clock."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from wfinspect.format import shown
from wfinspect.ui.lines import (
    Ground,
    Line,
    Role,
    Span,
    cell_len,
    crop,
    fit,
    line,
    pad,
    pad_left,
    spread,
    width_of,
)
from wfinspect.ui.outlook_text import figure, late_mark
from wfinspect.ui.row_words import (
    NAME_LIMIT,
    glyph_of,
    name_of,
    note,
    short_word,
    state_time,
    state_word,
)
from wfinspect.ui.theme import Look
from wfinspect.watching.snapshot import Row

TIME_CELLS = 5
ROOMY_ROW_CELLS = 44
"""From here a two-line row has room for any status in full."""


def _remarks(row: Row, now: datetime, room: int) -> tuple[Span, list[Span]]:
    """What changed, and what there is room for beside it: how far it is, and that it is late."""
    late = late_mark(row)
    said = note(row, now, room - width_of(late))
    beside = [*figure(row), *late]
    return said, beside if width_of([said, *beside]) <= room else late


def _mark(row: Row) -> Span:
    return ("!" if row.is_unseen else " "), Role.FAILURE


def sidebar_lines(
    row: Row, look: Look, now: datetime, width: int, ground: Ground = Ground.NONE
) -> tuple[Line, Line]:
    """Two lines: glyph, name, word and time; below them the whole ID, what changed, the mark."""
    word, role = state_word(row)
    if width < ROOMY_ROW_CELLS:
        word = short_word(word)
    # A word nobody documented may be long; glyph and name keep their half.
    right: list[Span] = [(fit(word, width // 2 - 4), role)]
    right.append((" " + pad_left(state_time(row, look, now), TIME_CELLS), Role.DIM))
    glyph, glyph_role = glyph_of(row, look)
    left: list[Span] = [(f" {glyph} ", glyph_role), name_of(row)]
    below: list[Span] = [(f"   {row.key.id}", Role.DIM)]
    (text, note_role), beside = _remarks(row, now, width - width_of(below) - 4)
    below.append((f"  {text}" if text else "", note_role))
    return (
        line(*spread(left, right, width), ground=ground),
        line(*spread(below, [*beside, _mark(row)], width), ground=ground),
    )


class Columns(NamedTuple):
    """Widths of the one-line list, in cells; 0 leaves a column out."""

    name: int
    id: int
    word: int
    note: int

    @classmethod
    def of(cls, width: int, id_cells: int, name_cells: int) -> "Columns":
        """Share out a line among columns of at most these widths; the ID never gives way."""
        word = 13 if width >= 60 else 10  # noqa: PLR2004 - WaitResource? is 13 cells
        ids = id_cells + 2 if width >= 60 else 0  # noqa: PLR2004 - below, the bottom line holds it
        rest = width - 3 - 2 - ids - word - 1 - TIME_CELLS - 2
        spare = rest - min(name_cells, 24)
        note_cells = min(34, spare) if spare >= 14 else 0  # noqa: PLR2004 - less says nothing
        return cls(max(4, min(rest - note_cells, name_cells)), ids, word, note_cells)


def widest(rows: Collection[Row]) -> tuple[int, int]:
    """The cells of the longest ID and of the widest name, each at least as wide as its title."""
    ids = len(str(max((row.key.id for row in rows), default=0)))
    names = (shown(row.instance.name, limit=NAME_LIMIT) for row in rows if row.instance)
    return max(8, ids), max(12, max(map(cell_len, names), default=0))


def list_line(
    row: Row, look: Look, now: datetime, columns: Columns, ground: Ground = Ground.NONE
) -> Line:
    """One line: mark, glyph, name, ID, word, time, what changed."""
    glyph, glyph_role = glyph_of(row, look)
    name, name_role = name_of(row)
    word, word_role = state_word(row)
    mark, mark_role = _mark(row)
    spans: list[Span] = [
        (mark, mark_role),
        (f"{glyph} ", glyph_role),
        (pad(name, columns.name) + "  ", name_role),
    ]
    if columns.id:
        spans.append((pad_left(str(row.key.id), columns.id - 2) + "  ", Role.DIM))
    if cell_len(word) > columns.word:
        word = short_word(word)
    spans.append((pad(word, columns.word), word_role))
    # Without room for what changed, what is late wears its mark at the time.
    is_late = row.is_late and not columns.note
    time = f"{'!' if is_late else ''}{state_time(row, look, now)}"
    spans.append((pad_left(time, 1 + TIME_CELLS), Role.TROUBLE if is_late else Role.DIM))
    if columns.note:
        (text, role), beside = _remarks(row, now, columns.note)
        rest = pad(text, columns.note - width_of(beside))
        spans += [("  ", Role.DIM), *beside, (rest, role)]
    return line(*spans, ground=ground)


_LAST = "  LAST CHANGE"


def list_heading(columns: Columns, width: int) -> Line:
    """The titles over `list_line`; the last is left out where `width` cells do not hold it."""
    titles = "   " + pad("NAME", columns.name + 2)
    if columns.id:
        titles += pad_left("INSTANCE", columns.id - 2) + "  "
    titles += pad("STATUS", columns.word) + " " + pad_left("TIME", TIME_CELLS)
    if columns.note and cell_len(titles) + len(_LAST) <= width:
        titles += _LAST
    return line(*crop([(titles, Role.DIM)], width))
