"""From widgets to bytes: filters that keep the terminal safe, sending only what differs, frames.

The filters are the last line of defence against text that could drive the terminal; the first is
`wfinspect.format.shown`. They see what every widget has rendered, Textual's own included, and keep the
width of each piece of text.
"""

import asyncio
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from math import inf
from typing import Any, TypeVar
from unicodedata import east_asian_width

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import (
    ChopsUpdate,
    Compositor,
    CompositorMap,
    CompositorUpdate,
    LayoutUpdate,
)
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import UPDATE_PERIOD, Screen
from textual.strip import Strip

from wfinspect.format import is_harmless

# ruff: noqa: RUF001 - the drawings of this module are what it is about


_DRAWINGS = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺╼╾▁▂▔⎺⎻⎼⎽—–‐‑‒―−",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▐▕▊▉",
    "+": "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╭╮╰╯╔╗╚╝╠╣╦╩╬✔✓",
    "#": "█▓▇▆▅▄▃▀■▪◼",
    ".": "▒░…·•‧∙⋅◦",
    ">": "▶►▸❯»›→⇒",
    "<": "◀◄◂❮«‹←⇐",
    "v": "▼▾↓⇓",
    "^": "▲▴↑⇑",
    "*": "●⬤★◆◉",
    "o": "○⭘◯◌◇☐",
    "x": "✗✘✖×☒",
    "!": "⚠",
    "'": "‘’‛",
    '"': "“”‟",
}
_ASCII = str.maketrans({char: plain for plain, chars in _DRAWINGS.items() for char in chars})


class SafeFilter(LineFilter):
    """Replaces what could drive or confuse a terminal, and drops hyperlinks and controls."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - colours stay
        """Return the same segments where they are harmless, which nearly all are."""
        if all(_is_clean(segment) for segment in segments):
            return segments
        return [_cleaned(segment) for segment in segments if segment.control is None]


class AsciiFilter(LineFilter):
    """Draws frames and symbols in ASCII, for terminals that show some of them two cells wide.

    Letters of any script that the terminal's encoding holds stay: a name in Chinese is content, and its
    width is not in doubt.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - colours stay
        """Return the same segments with ASCII drawings."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [
            Segment(_ascii(text, self._encoding), style, control)
            for text, style, control in segments
        ]


def _is_clean(segment: Segment) -> bool:
    text, style, control = segment
    if control is not None or (style is not None and style.link):
        return False
    return text.isprintable() if text.isascii() else _safe(text) == text


def _cleaned(segment: Segment) -> Segment:
    text, style, _ = segment
    if style is not None and style.link:
        style = style.update_link(None)
    return Segment(_safe(text), style)


@lru_cache(4096)
def _safe(text: str) -> str:
    """Return text without harmful characters, in the same number of cells."""
    if all(map(is_harmless, text)):
        return text
    replaced = "".join(char if is_harmless(char) else _stand_in(char) for char in text)
    # Widths do not add up where characters join, as an emoji and its selector do.
    return set_cell_size(replaced, cell_len(text))


def _stand_in(char: str) -> str:
    return (" " if char.isspace() else "?") * cell_len(char)


@lru_cache(4096)
def _ascii(text: str, encoding: str) -> str:
    """Return text with symbols drawn in ASCII, in the same number of cells."""
    plain = text.translate(_ASCII)
    if not plain.isascii():
        plain = "".join(
            char if _is_letter(char) and char.encode(encoding, "ignore") else "?" * cell_len(char)
            for char in plain
        )
    return set_cell_size(plain, cell_len(text))


def _is_letter(char: str) -> bool:
    return (
        char.isascii()
        or unicodedata.category(char)[0] in "LMN"
        or unicodedata.east_asian_width(char) in {"W", "F"}
    )


_MOVE = 12  # equal cells that cost less than going around them
_HALVES_OF_FLAGS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two letters drawn as one picture

Update = ChopsUpdate | LayoutUpdate
Piece = tuple[int, int, Strip]  # column and row of the first cell, and what stands from there on


class Difference(CompositorUpdate):
    """The cells to send."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces

    def render_segments(self, console: Console) -> str:
        """Return the update as it goes to the terminal."""
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
        """Return what is left of an update that goes to the terminal now; None if it shows all of it."""
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
    """Yield what an update holds, cut at both ends."""
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
    """Yield the cell ranges in which two pieces of a line differ; no range cuts a wide character."""
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
    """Return each cell with its style, the right half of a wide character empty; nothing where terminals differ."""
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


T = TypeVar("T")


class CarefulCompositor(Compositor):
    """Textual's compositor, which paints nothing where a widget's request for its size lays the screen out."""

    @property
    def full_map(self) -> CompositorMap:
        """Where every widget is."""
        old, new = self._full_map, super().full_map
        if new is not old:
            moved = {
                place.clip.intersection(place.region) for _, place in old.items() ^ new.items()
            }
            self._dirty_regions |= {region for region in moved if region}
        return new


class Frames:
    """When a screen is painted: at once after a rest, else a period after the last frame.

    Stands in for the screen's own timer, which ticks on a fixed grid and may leave a key without an
    answer for two periods.
    """

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._painted_at = -inf
        self._next: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Have what has changed painted."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            # Not as a message: behind each of those a screen looks again whether there is more to paint,
            # and one that lies under another always finds some.
            self._next = loop.call_at(self._painted_at + UPDATE_PERIOD, self._paint)

    def pause(self) -> None:
        """Note that it is being painted."""
        self._painted_at = asyncio.get_running_loop().time()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _paint(self) -> None:
        self._next = None
        if self._screen.is_running:
            try:
                self._screen._on_timer_update()  # noqa: SLF001 - this, too, is the timer's
            except Exception as error:  # noqa: BLE001 - as the screen's own timer does
                self._screen.app._handle_exception(error)  # noqa: SLF001


class SparingScreen(Screen[T]):
    """A screen that answers soon, and keeps little."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._compositor = CarefulCompositor()
        self._frames = Frames(self)

    @property
    def _update_timer(self) -> Frames:  # type: ignore[override]
        return self._frames

    def on_unmount(self) -> None:
        """Let go of what was drawn: a cache of Textual's would hold the lines of a thousand widgets."""
        StylesCache.get_inner_outer.cache_clear()
