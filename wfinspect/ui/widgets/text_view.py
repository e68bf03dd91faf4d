"""A text of any length: an index of its rows without an object for each, and the view of it."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, groupby

from textual import events

from wfinspect.format import shown_block
from wfinspect.ui.lines import BLANK, Ground, Line, Role, Span, fit, line, wrap
from wfinspect.ui.widgets.line_view import LineView

_LAST_CHARACTERS = 1 << 18
"""Where a run's error is looked for: what ended it stands at the end."""
_MAX_ERRORS = 200
ROW_LIMIT = 2_000
"""Characters of a row, so that one of a line of megabytes is drawn as fast as any other."""
_ROW = re.compile(rf"[^\n]{{1,{ROW_LIMIT}}}\n?|\n")

_SIGNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"FAILED:|\bODPS-\d{5}|\b\w*(?:Error|Exception)\b|Traceback|Caused by:|exception -",
        r"\b(?:ERROR|FATAL)\b|[Ee]rror:|\bKilled\b|denied|\u9519\u8bef|\u5f02\u5e38|\u5931\u8d25",
        r"(?i)\bfailed\b|\bfailure\b|exit ?code:? *[1-9]",
    )
)
"""What an error looks like: what names its cause, what has its rank, what only mentions one."""
_STAMP = re.compile(r"^[\d\-:.,T/ ]*(?:\[?(?:INFO|WARN|ERROR|FATAL)\]?)?\s*")


class LongText:
    """Rows are counted from 0: a line is one, and of more than ROW_LIMIT characters several.

    A line break at the very end begins none.
    """

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self._starts = array("I", [0])
        self._starts.extend(match.end() for match in _ROW.finditer(self.text))
        self._starts.pop()
        self._continued = array("I")
        """The rows that go on with the line of the row before."""
        lines = self.text.count("\n") + (self.text[-1:] not in {"", "\n"})
        if len(self._starts) > lines:
            starts = enumerate(self._starts)
            self._continued.extend(n for n, at in starts if n and self.text[at - 1] != "\n")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._starts) - len(self._continued)

    def line_number(self, row: int) -> int:
        """Return the number of the line that a row is of, from 1."""
        return row + 1 - bisect_right(self._continued, row)

    def begins_line(self, row: int) -> bool:
        """Return whether a line begins with a row."""
        at = bisect_right(self._continued, row) - 1
        return at < 0 or self._continued[at] != row

    def row(self, number: int, limit: int | None = None) -> str:
        """Return a row without its break, at most `limit` characters of it."""
        start, end = self._starts[number], self._end(number)
        return self.text[start : end if limit is None else min(end, start + limit)]

    def line_part(self, row: int, column: int, size: int) -> str:
        """Return at most `size` characters from `column` on of the line that begins with a row."""
        start = self._starts[row]
        end = self.text.find("\n", start)
        end = len(self.text) if end < 0 else end
        return self.text[min(start + column, end) : min(start + column + size, end)]

    def between(self, first: int, last: int) -> str:
        """Return the rows from `first` to `last`, both included."""
        return self.text[self._starts[first] : self._end(last)]

    def _end(self, number: int) -> int:
        is_last = number + 1 == len(self._starts)
        end = len(self.text) if is_last else self._starts[number + 1]
        return end - (self.text[end - 1 : end] == "\n")

    def place_of(self, number: int) -> int:
        """Return where a row begins."""
        return self._starts[number]

    def row_of(self, place: int) -> int:
        """Return the row that a character stands in."""
        return bisect_right(self._starts, place) - 1

    def search(self, wanted: str) -> Sequence[int]:
        """Return where a text begins, once for each row it does in; a capital letter makes case count."""
        found = array("I")
        if not wanted:
            return found
        held, flags = self.text, re.NOFLAG
        if wanted == wanted.lower():
            held = self.text.lower()
            if len(held) != len(self.text):
                # A few letters change their length with their case, and no place would agree.
                held, flags = self.text, re.IGNORECASE
        # Where each line is one row, the rest of it is passed over, which is quick.
        rest = "" if self._continued else "[^\n]*"
        places = (match.start() for match in re.finditer(re.escape(wanted) + rest, held, flags))
        one_a_row = (next(of_row) for _, of_row in groupby(places, self.row_of))
        found.extend(one_a_row if self._continued else places)
        return found

    def error_lines(self) -> tuple[int, ...]:
        """Return the rows near the end that look like an error, by the strongest of the signs there is."""
        first = self.row_of(max(0, len(self.text) - _LAST_CHARACTERS))
        for sign in _SIGNS:
            matches = sign.finditer(self.text, self._starts[first] if self._starts else 0)
            if found := tuple(dict.fromkeys(self.row_of(match.start()) for match in matches)):
                return found[-_MAX_ERRORS:]
        return ()

    def bare(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Return some rows, each once, without the stamps they begin with."""
        lines = (_STAMP.sub("", self.row(number, 1000)) for number in numbers)
        return tuple(dict.fromkeys(line for line in lines if line))


_SIDESTEP = 20
_KEPT_ROWS = 400

Place = tuple[int, int]
"""A row's number, and which of the pieces it is wrapped to."""


class TextView(LineView):
    """Has a place of its own at the top of its window: no index of wrapped lines is ever needed."""

    def __init__(self, *, opens_at_end: bool = False) -> None:
        super().__init__(can_focus=False)
        self.text = LongText("")
        self.wraps = True
        self._opens_at_end = self._sticks = opens_at_end
        self._top: Place = (0, 0)
        self._column = 0
        self._wanted = ""
        self._mark: int | None = None
        self._alarming: Collection[int] = ()
        self._pieces: dict[int, list[str]] = {}
        self._window: list[tuple[Place, str]] = []

    def show(self, text: LongText, alarming: Collection[int] = ()) -> None:
        """Show a text, some of its rows as alarming; what was at the end is at its end again."""
        self.text, self._alarming = text, frozenset(alarming)
        self._refill()

    def mark(self, place: int | None, wanted: str) -> None:
        """Bring the character at a place in view and set its row off, and `wanted` wherever it stands."""
        self._mark, self._wanted = None, wanted
        if place is not None:
            row, piece = self._drawn_at(place)
            self._mark = row
            if (row, piece) not in {shown for shown, _ in self._window}:
                self._go(self._before((row, piece), self.size.height // 3))
        self._changed()

    def _drawn_at(self, place: int) -> Place:
        """Return where a character is drawn; one of a line that is cut may be beyond the edge."""
        row = self.text.row_of(place)
        if not self.wraps:
            while not self.text.begins_line(row):
                row -= 1
            return row, 0
        left = len(shown_block(self.text.row(row, place - self.text.place_of(row))))
        ends = accumulate(map(len, self._pieces_of(row)))
        return row, sum(end <= left for end in ends)

    @property
    def in_view(self) -> tuple[int, int]:
        """The first and last row of the window, or the row that is set off in it."""
        if not self._window:
            return 0, 0
        (first, _), (last, _) = self._window[0][0], self._window[-1][0]
        is_marked = self._mark is not None and first <= self._mark <= last
        return (self._mark or 0, self._mark or 0) if is_marked else (first, last)

    def set_wrap(self, *, wraps: bool) -> None:
        """Wrap long lines, or cut them at the window's edge."""
        self.wraps, self._column, self._top = wraps, 0, (self._top[0], 0)
        self._refill()

    def sidestep(self, step: int) -> None:
        """Move to the side in lines that are cut."""
        if not self.wraps:
            self._column = max(0, self._column + step * _SIDESTEP)
            self._pieces.clear()
            self._changed()

    def move_by(self, steps: int) -> None:
        """Scroll by rows; a mark stays behind."""
        top = self._top
        self._go(self._after(top, steps) if steps > 0 else self._before(top, -steps))

    def move_to_end(self, *, is_top: bool) -> None:
        self._go((0, 0) if is_top else self._last_top())

    def total_lines(self) -> int:
        # As many as the window has: it is filled again, never scrolled.
        return self.size.height

    def line_at(self, y: int) -> Line:
        """Return a piece of a line, with what was searched for set off."""
        if y >= len(self._window):
            return BLANK
        (number, _), piece = self._window[y]
        role = Role.FAILURE if number in self._alarming else Role.TEXT
        if number == self._mark:
            # A ground of its own hides that of a match.
            spans = _set_off(f" {piece}", self._wanted, role, Role.ACCENT)
            return line(*spans).on(Ground.CURSOR)
        return line(*_set_off(f" {piece}", self._wanted, role, Role.BRAND))

    def on_resize(self, event: events.Resize) -> None:
        del event
        self._refill()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves three lines."""
        event.stop()
        self.move_by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move_by(-3)

    def _go(self, top: Place) -> None:
        last = self._last_top()
        self._top = max((0, 0), min(top, last))
        # A text that is read from its start and fits the window is at its end, too.
        self._sticks = self._top >= last and (self._opens_at_end or self._top > (0, 0))
        self._changed()

    def _refill(self) -> None:
        self._pieces.clear()
        last = self._last_top()
        self._top = last if self._sticks else min(self._top, last)
        self._changed()

    def _changed(self) -> None:
        self._fill()
        self.update_lines()
        self.post_message(self.Moved())

    def _fill(self) -> None:
        self._window = []
        number, first = self._top
        while number < len(self.text) and len(self._window) < self.size.height:
            pieces = enumerate(self._pieces_of(number))
            self._window += [((number, at), piece) for at, piece in pieces if at >= first]
            number, first = number + 1, 0
        del self._window[self.size.height :]

    def _pieces_of(self, number: int) -> list[str]:
        """Return a row as it is drawn, in pieces of the window's width; of a line that is cut only the first."""
        found = self._pieces.get(number)
        if found is None:
            if len(self._pieces) > _KEPT_ROWS:
                self._pieces.clear()
            width = max(2, self.text_width - 2)
            if self.wraps:
                found = list(wrap(shown_block(self.text.row(number)), width, breaks=" "))
            elif self.text.begins_line(number):
                part = self.text.line_part(number, self._column, width + 1)
                found = [fit(shown_block(part), width)]
            else:
                found = []
            self._pieces[number] = found
        return found

    def _last_top(self) -> Place:
        end = len(self.text) - 1
        last = (end, len(self._pieces_of(end)) - 1) if end >= 0 else (0, 0)
        return self._before(last, max(0, self.size.height - 1))

    def _after(self, place: Place, rows: int) -> Place:
        number, piece = place
        while rows > 0 and number < len(self.text):
            below = len(self._pieces_of(number)) - 1 - piece
            if rows <= below:
                return number, piece + rows
            rows -= below + 1
            number, piece = number + 1, 0
        return number, piece

    def _before(self, place: Place, rows: int) -> Place:
        number, piece = place
        while rows > piece and number > 0:
            rows -= piece + 1
            number -= 1
            piece = len(self._pieces_of(number)) - 1
        return number, max(0, piece - rows)


def _set_off(text: str, wanted: str, role: Role, match: Role) -> list[Span]:
    held = text if wanted != wanted.lower() else text.lower()
    if not wanted or len(held) != len(text):
        return [(text, role)]
    spans: list[Span] = []
    done = 0
    while (at := held.find(wanted, done)) >= 0:
        spans += [(text[done:at], role), (text[at : at + len(wanted)], match)]
        done = at + len(wanted)
    return [*spans, (text[done:], role)]
