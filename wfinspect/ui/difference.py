"""Sends the terminal the cells that differ from what it shows. Knows Textual's updates, and no app.

Textual 8.2.8 sends a line from the left edge of the widget on, and paints all of a screen four times
while it opens; most of that is on the terminal already.
"""

from collections.abc import Iterator
from itertools import repeat
from unicodedata import east_asian_width

from rich.cells import get_character_cell_size
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

_MOVE = 12  # equal cells that cost less than going around them
_HALVES_OF_FLAGS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two letters drawn as one picture

Update = ChopsUpdate | LayoutUpdate
Piece = tuple[int, int, Strip]  # column and row of the first cell, and what stands from there on


class Difference(CompositorUpdate):
    """The cells to send."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces

    def render_segments(self, console: Console) -> str:
        """The update as it goes to the terminal."""
        return "".join(
            Control.move_to(x, y).segment.text + strip.render(console)
            for x, y, strip in self._pieces
        )


class Shown:
    """What the terminal shows, as far as it is known."""

    def __init__(self) -> None:
        self._size = Size()
        self._lines: dict[int, Strip] = {}

    def forget(self) -> None:
        """Take nothing for granted: the terminal was written on, or may have lost something."""
        self._lines.clear()

    def take(self, update: Update) -> Difference | None:
        """What is left of an update that goes to the terminal now; None if it shows all of it."""
        pieces: list[Piece] = []
        if isinstance(update, LayoutUpdate):
            if update.region.size != self._size:
                self._size = update.region.size
                self.forget()
            for y, strips in enumerate(update.strips):
                pieces += self._put(0, y, Strip.join(strips))
        else:
            for x, y, strip in _pieces_of(update):
                pieces += self._put(x, y, strip)
        return Difference(pieces) if pieces else None

    def _put(self, x: int, y: int, strip: Strip) -> Iterator[Piece]:
        end = x + strip.cell_length
        line = self._lines.get(y)
        if line is None:
            if end - x == self._size.width:
                self._lines[y] = strip
            yield x, y, strip
            return
        old = line.crop(x, end)
        if old == strip:
            return
        if end - x == self._size.width:
            self._lines[y] = strip
        elif _cells(line):
            self._lines[y] = Strip.join([line.crop(0, x), strip, line.crop(end)])
        else:
            del self._lines[y]
        for start, stop in _changes(old, strip):
            yield x + start, y, strip.crop(start, stop)


def _pieces_of(update: ChopsUpdate) -> Iterator[Piece]:
    """What an update holds, cut at both ends."""
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            start, stop = max(x, x1), min(end, x2)
            if strip is not None and start < stop:
                if start > x or stop < end:
                    cells = _cells(strip)
                    # What lay over half a wide character has taken the other half, too.
                    start -= bool(cells) and start > x and not cells[start - x][0]
                    stop += stop - x < len(cells) and not cells[stop - x][0]
                yield start, y, strip.crop(start - x, stop - x)


def _changes(old: Strip, new: Strip) -> Iterator[tuple[int, int]]:
    """The cell ranges in which two pieces of a line differ; no range cuts a wide character."""
    was, now = _cells(old), _cells(new)
    if len(was) != len(now) or not was:
        yield 0, new.cell_length
        return
    start = stop = -1
    for at, (before, after) in enumerate(zip(was, now, strict=True)):
        if before == after:
            continue
        if start >= 0 and at - stop > _MOVE:
            yield _whole(was, now, start, stop)
            start = -1
        start, stop = (at if start < 0 else start), at + 1
    if start >= 0:
        yield _whole(was, now, start, stop)


def _whole(was: "_Cells", now: "_Cells", start: int, stop: int) -> tuple[int, int]:
    while not (was[start][0] and now[start][0]):
        start -= 1
    while stop < len(now) and not (was[stop][0] and now[stop][0]):
        stop += 1
    return start, stop


_Cells = list[tuple[str, Style | None]]


def _cells(strip: Strip) -> _Cells:
    """Each cell with its style, the right half of a wide character empty; nothing where terminals differ."""
    cells: _Cells = []
    for text, style, _ in strip:
        if text.isascii():
            cells += zip(text, repeat(style))
            continue
        for char in text:
            width = get_character_cell_size(char)
            if not width or east_asian_width(char) == "A" or char in _HALVES_OF_FLAGS:
                return []
            cells += [(char, style), ("", style)][:width]
    return cells if len(cells) == strip.cell_length else []
