"""From widgets to bytes: filters that keep the terminal safe, sending only what differs, frames.

The filters are the last line of defence against text that could drive the terminal; the first is
`wfinspect.format.shown`. They see what every widget has rendered, Textual's own included, and keep the
width of each piece of text.
"""

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, pairwise
from math import inf
from operator import itemgetter, ne, or_
from time import thread_time
from typing import Any, TypeVar
from unicodedata import east_asian_width

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual._compositor import ChopsUpdate, Compositor, CompositorMap, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import UPDATE_PERIOD, Screen
from textual.strip import Strip

from wfinspect.format import is_harmless

# ruff: noqa: RUF001 - the drawings of this module are what it is about

# What names have of symbols; any other becomes a question mark. The app draws none itself then.
_PLAIN_ONES = {"-": "–—―‐‑‒−", "'": "‘’‛", '"': "“”‟"}
_ASCII = str.maketrans({char: plain for plain, chars in _PLAIN_ONES.items() for char in chars})


class SafeFilter(LineFilter):
    """Replaces what could drive or confuse a terminal, and drops hyperlinks and controls."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - colours stay
        """Return the same segments where they are harmless, which nearly all are."""
        if all(_is_clean(segment) for segment in segments):
            return segments
        return [_cleaned(segment) for segment in segments if segment.control is None]


class AsciiFilter(LineFilter):
    """Draws the symbols in text of others in ASCII: some terminals show some of them two cells wide.

    Letters of any script that the terminal's encoding holds stay: a name in Chinese is content, and its
    width is not in doubt.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - colours stay
        """Return the same segments with ASCII in place of symbols."""
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


Update = ChopsUpdate | LayoutUpdate


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pen:
    """What a terminal draws the next character with, as far as it can be seen on the character.

    Equal ones are the same object, since every cell is compared.
    """

    foreground: str  # an SGR code; "" where it can't be seen, as on a blank
    background: str
    attributes: frozenset[str]  # SGR codes


_pen = lru_cache(4096)(Pen)
_PLAIN = _pen("39", "49", frozenset())
_NAMES = ("bold", "dim", "italic", "underline", "blink", "reverse", "strike")
_ATTRIBUTES = dict(zip(_NAMES, "1234579", strict=True))
_SEEN_ON_BLANKS = frozenset("479")


@lru_cache(4096)
def _pens(style: Style | None, colors: ColorSystem | None) -> tuple[Pen, Pen]:
    """Return the pens for characters of a style, and for its blanks."""
    style = style or Style.null()
    foreground, background = (
        ";".join(color.downgrade(colors).get_ansi_codes(foreground=default == "39"))
        if color is not None and colors is not None
        else default
        for color, default in ((style.color, "39"), (style.bgcolor, "49"))
    )
    codes = frozenset(code for name, code in _ATTRIBUTES.items() if getattr(style, name))
    pen = _pen(foreground, background, codes)
    if codes == {"7"} and foreground.startswith("38;"):
        return pen, _pen("", f"4{foreground[1:]}", frozenset())
    return pen, _blank(pen)


def _blank(pen: Pen) -> Pen:
    return pen if pen.attributes & _SEEN_ON_BLANKS else _pen("", pen.background, frozenset())


@lru_cache(4096)
def _turned(pen: Pen, want: Pen) -> tuple[str, Pen]:
    """Return what turns a pen into another, and the pen that it then is."""
    if not want.foreground:
        left = pen.attributes - _SEEN_ON_BLANKS
        want = _pen(pen.foreground, want.background, left)
    if pen is want:
        return "", want
    ways = [["0", *_codes(_PLAIN, want)], _codes(pen, want)]
    return f"\x1b[{min(map(';'.join, ways), key=len)}m", want


def _codes(pen: Pen, want: Pen) -> list[str]:
    # One code ends both bold and dim.
    ends = {code: "22" if code in "12" else f"2{code}" for code in pen.attributes | want.attributes}
    off = {ends[code] for code in pen.attributes - want.attributes}
    on = (code for code in want.attributes if code not in pen.attributes or ends[code] in off)
    codes = [*off, *sorted(on)]
    codes += [want.foreground] if want.foreground != pen.foreground else []
    return [*codes, want.background] if want.background != pen.background else codes


_Cells = tuple[list[str], list[Pen]]
"""The characters of a line, "" for the right half of a wide one, and the pens."""


def _cells(strips: Iterable[Strip], colors: ColorSystem | None) -> _Cells:
    """Return the cells of strips side by side."""
    chars: list[str] = []
    pens: list[Pen] = []
    for strip in strips:
        start = len(chars)
        for text, style, _ in strip:
            pen, blank = _pens(style, colors)
            if text.isascii():
                chars += text
                pens += (
                    [blank if char == " " else pen for char in text]
                    if " " in text
                    else [pen] * len(text)
                )
                continue
            for char in text:
                width = get_character_cell_size(char)
                chars += [char, ""][:width]
                pens += [blank if char == " " else pen, pen][:width]
                # Textual leaves the accents of a letter that is covered to what stands right of it.
                if not width and len(chars) > start:
                    chars[-1 - (chars[-1] == "")] += char
    return chars, pens


def _doubt(chars: list[str]) -> int:
    """Return the first column behind which terminals may differ."""
    if "".join(chars).isascii():
        return len(chars)
    return next((x for x, char in enumerate(chars) if _is_doubtful(char)), len(chars))


@lru_cache(1024)
def _is_doubtful(char: str) -> bool:
    return len(char) > 1 or (char != "" and east_asian_width(char) == "A")


class Shown:
    """What the terminal shows, as far as it is known, and the pen it has.

    Args:
        erases_in_color: whether the terminal erases cells in the background of the pen.
    """

    def __init__(self, *, erases_in_color: bool) -> None:
        self._erases = erases_in_color
        self._size = (0, 0)
        self._rows: list[_Cells] = []
        self._pen = _PLAIN
        self._at: tuple[int, int] | None = None  # the cursor's column and row
        self._out: list[str] = []

    def forget(self) -> None:
        """Take nothing for granted: the terminal was written on, or may have lost something."""
        self._size = (0, 0)

    def take(
        self, update: Update, colors: ColorSystem | None, cursor: tuple[int, int] | None = None
    ) -> str:
        """Return what has a terminal show an update, "" if it does; the cursor is left where that is given."""
        self._at = None
        if isinstance(update, LayoutUpdate):
            lines = [_cells(strips, colors) for strips in update.strips]
            if update.region.size != self._size:
                self._clear(update.region.size)
            for y, start, stop in _panes(lines):
                chars, pens = lines[y]
                self._draw(y, [(start, (chars[start:stop], pens[start:stop]))])
        else:
            size = update.chop_ends[0][-1], len(update.chops)
            if size != self._size:
                self._clear(size)
            for y, pieces in groupby(_pieces_of(update, colors), key=itemgetter(0)):
                self._draw(y, [piece[1:] for piece in pieces])
        if self._out and cursor is not None:
            self._move(*cursor)
        out, self._out = "".join(self._out), []
        return out

    def _clear(self, size: tuple[int, int]) -> None:
        """Begin with an empty screen."""
        self._size = size
        blank = _blank(_PLAIN)
        self._rows = [([" "] * size[0], [blank] * size[0])] * size[1]
        # tmux keeps what it knows of halves of characters that only a part is erased of. It may clear by
        # scrolling, which not every terminal fills with the pen's background: so in the default one.
        self._out.append("\x1b[0m\x1b[H\x1b[J")
        self._pen, self._at = _PLAIN, (0, 0)

    def _draw(self, y: int, pieces: Iterable[tuple[int, _Cells]]) -> None:
        old_chars, old_pens = self._rows[y]
        chars, pens = old_chars[:], old_pens[:]
        for x, (piece, its_pens) in pieces:
            end = x + len(piece)
            # Who writes over half a wide character blanks the other half.
            for outside, right in ((x - 1, x), (end, end)):
                if right < len(chars) and chars[right] == "":
                    chars[outside], pens[outside] = " ", _blank(pens[outside])
            chars[x:end], pens[x:end] = piece, its_pens
        if old_chars == chars and old_pens == pens:
            return
        self._rows[y] = chars, pens
        changed = list(map(or_, map(ne, old_chars, chars), map(ne, old_pens, pens)))
        # A character that takes another width than ours has moved all that is behind it.
        doubt = min(_doubt(old_chars), _doubt(chars))
        if True in changed[doubt:]:
            changed[doubt:] = [True] * (len(changed) - doubt)
        self._encode(y, changed, doubt, old_chars)

    def _encode(self, y: int, changed: list[bool], doubt: int, old_chars: list[str]) -> None:
        (chars, pens), start, is_all = self._rows[y], 0, False not in changed
        for pen, group in groupby(pens):
            stop = start + len(list(group))
            while start < stop:
                x = start if is_all else _index(changed, stop, start, is_changed=True)
                if x == stop:
                    break
                self._reach(x, y)
                turn, self._pen = _turned(self._pen, pen)
                self._out.append(turn)
                if not pen.foreground:
                    start = self._fill(x, y, stop, changed, old_chars)
                    continue
                start = stop if is_all else _index(changed, stop, x, is_changed=False)
                start = start if x < doubt >= start else x + 1
                start += start < stop and chars[start] == ""
                self._out += chars[x:start]
                is_lost = x >= doubt and _is_doubtful(chars[x])
                # A bar of such characters stays in one piece.
                is_lost = is_lost and not (start < len(chars) and _is_doubtful(chars[start]))
                self._at = None if is_lost else (start, y)
            start = stop

    def _fill(self, x: int, y: int, end: int, changed: list[bool], old_chars: list[str]) -> int:
        """Blank what changed of a run of blanks, in the pen's background; return where that ends."""
        last = end
        while not changed[last - 1]:
            last -= 1
        blanks = " " * (last - x)
        # tmux blanks what stands before the right half of a wide character, once that is written over.
        is_half_left = last < len(old_chars) and old_chars[last] == ""
        erase = f"\x1b[{last - x + is_half_left}X"
        if self._erases and end == len(changed) and len(blanks) > len("\x1b[K"):
            self._out.append("\x1b[K")
            return end
        # Erasing leaves the cursor where it is.
        moves = 2 if True in changed[last:] else 1
        if self._erases and len(blanks) > moves * len(erase):
            self._out.append(erase)
        else:
            self._out.append(blanks)
            self._at = (last, y)
        return last

    def _reach(self, x: int, y: int) -> None:
        """Have the cursor at a cell, by moving it there or by writing what lies between."""
        if self._at == (x, y):
            return
        if self._at is not None and self._at[1] == y and self._at[0] < x:
            (chars, pens), start = self._rows[y], self._at[0]
            between = "".join(chars[start:x])
            if len(between.encode()) <= len(_step(x - start)) and not any(
                _turned(self._pen, pen)[0] for pen in pens[start:x]
            ):
                self._out.append(between)
                self._at = x, y
                return
        self._move(x, y)

    def _move(self, x: int, y: int) -> None:
        """Move the cursor by the shorter of an absolute and a relative move."""
        ways = [f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"]
        if self._at is not None:
            from_x, from_y = self._at
            down = y - from_y
            ways.append((f"\x1b[{_times(down)}E" if down else "\r") + _step(x))
            # Behind the last column a terminal may stand on it or past it.
            if not down and from_x < self._size[0]:
                ways.append(_step(x - from_x))
            ways = ways if down >= 0 else ways[:1]
        self._out.append(min(ways, key=len))
        self._at = x, y


def _panes(lines: list[_Cells]) -> Iterator[tuple[int, int, int]]:
    """Yield rows with first and last column, one pane after the other: the background seldom changes then."""
    edges = [
        {
            x
            for x, (left, right) in enumerate(pairwise(pens), 1)
            if left is not right and left.background != right.background
        }
        for _, pens in lines
    ]
    counts = Counter(chain.from_iterable(edges))
    shared = [x for x, count in sorted(counts.items()) if count > len(lines) // 2]
    for left in (0, *shared):
        for y, (chars, _) in enumerate(lines):
            own = [0, *(x for x in shared if x in edges[y] and chars[x] != ""), len(chars)]
            if left in own:
                yield y, left, own[own.index(left) + 1]


def _index(changed: list[bool], stop: int, start: int, *, is_changed: bool) -> int:
    try:
        return changed.index(is_changed, start, stop)
    except ValueError:
        return stop


def _step(columns: int) -> str:
    if not columns:
        return ""
    return f"\x1b[{_times(columns)}C" if columns > 0 else f"\x1b[{_times(-columns)}D"


def _times(count: int) -> str:
    return "" if count == 1 else str(count)


def _pieces_of(
    update: ChopsUpdate, colors: ColorSystem | None
) -> Iterator[tuple[int, int, _Cells]]:
    """Yield row, column and cells of what an update holds, cut at both ends."""
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            start, stop = max(x, x1) - x, min(end, x2) - x
            if strip is not None and start < stop:
                chars, pens = _cells((strip,), colors)
                # What lay over half a wide character has taken the other half, too.
                start -= start > 0 and chars[start] == ""
                stop += stop < len(chars) and chars[stop] == ""
                yield y, x + start, (chars[start:stop], pens[start:stop])


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


_SETTLE_SECONDS = 0.05  # of this thread's time, so that others on the machine don't count


class Frames:
    """When a screen is painted: at once after a rest, else a period after the last frame.

    Stands in for the screen's own timer, which ticks on a fixed grid and may leave a key without an
    answer for two periods.
    """

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._painted_at = self._began_at = -inf
        self._next: asyncio.TimerHandle | None = None
        self._paint: Callable[[], None] | None = None

    def resume(self) -> None:
        """Have what has changed laid out and painted."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            rest = UPDATE_PERIOD if self._paint is None else 0
            # Not as a message: behind each of those a screen looks again whether there is more to paint,
            # and one that lies under another always finds some.
            self._next = loop.call_at(self._painted_at + rest, self._update)

    def pause(self) -> None:
        """Note that it is being laid out."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def settle(self, paint: Callable[[], None]) -> None:
        """Paint once nothing is left to do.

        A new layout tells widgets their sizes, which has them ask for another one, for scrollbars
        for example: all of that is one frame.
        """
        if self._paint is None:
            self._paint, self._began_at = paint, thread_time()
            asyncio.get_running_loop().call_soon(self._paint_if_settled)

    def _paint_if_settled(self) -> None:
        loop: Any = asyncio.get_running_loop()
        is_busy = self._next is not None or loop._ready  # noqa: SLF001 - asyncio has no public name for it
        if is_busy and thread_time() - self._began_at < _SETTLE_SECONDS:
            loop.call_soon(self._paint_if_settled)
            return
        paint, self._paint = self._paint, None
        self._painted_at = loop.time()
        if paint is not None:
            self._do(paint)

    def _update(self) -> None:
        self._next = None
        self._do(self._screen._on_timer_update)  # noqa: SLF001 - this, too, is the timer's

    def _do(self, act: Callable[[], None]) -> None:
        if self._screen.is_running:
            try:
                act()
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

    @on(events.ScreenResume)
    def _keep_styles(self, event: events.ScreenResume) -> None:
        """Keep the styles that the first screen's widgets got as they were mounted.

        All again would take 6 ms of the start. Those of another screen are loaded after it is mounted.
        """
        if not self.stack_updates and len(self.app.screen_stack) == 1:
            event.refresh_styles = False

    async def on_event(self, event: events.Event) -> None:
        """Pass over a size that the terminal has no more.

        Each layout sends the screen its size again: with two sizes in its queue it would lay itself
        out for one and the other for ever, and its queue, never empty, would let nothing else run.
        """
        if not isinstance(event, events.Resize) or event.size == self.app.size:
            await super().on_event(event)

    def _screen_resized(self, size: Size) -> None:
        """Lay out for another size only: at the start three events say the same one."""
        if size != self._compositor.size:
            super()._screen_resized(size)

    def _compositor_refresh(self) -> None:
        if self is self.app.screen:
            self._frames.settle(self._paint)
        else:
            super()._compositor_refresh()

    def _paint(self) -> None:
        self._compositor.update_widgets(self._dirty_widgets)
        super()._compositor_refresh()

    def on_unmount(self) -> None:
        """Let go of what was drawn: a cache of Textual's would hold the lines of a thousand widgets."""
        StylesCache.get_inner_outer.cache_clear()
