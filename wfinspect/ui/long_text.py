"""A text of any length by its rows: an index of their starts, and no object for each. Pure."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

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
"""What an error looks like: what names its cause, what has its rank, what only tells of one."""
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
        """The number of the line that a row is of, from 1."""
        return row + 1 - bisect_right(self._continued, row)

    def begins_line(self, row: int) -> bool:
        """Whether a line begins with a row."""
        at = bisect_right(self._continued, row) - 1
        return at < 0 or self._continued[at] != row

    def row(self, number: int, limit: int | None = None) -> str:
        """A row without its break, at most `limit` characters of it."""
        start, end = self._starts[number], self._end(number)
        return self.text[start : end if limit is None else min(end, start + limit)]

    def line_part(self, row: int, column: int, size: int) -> str:
        """At most `size` characters from `column` on of the line that begins with a row."""
        start = self._starts[row]
        end = self.text.find("\n", start)
        end = len(self.text) if end < 0 else end
        return self.text[min(start + column, end) : min(start + column + size, end)]

    def between(self, first: int, last: int) -> str:
        """The rows from `first` to `last`, both included."""
        return self.text[self._starts[first] : self._end(last)]

    def _end(self, number: int) -> int:
        is_last = number + 1 == len(self._starts)
        end = len(self.text) if is_last else self._starts[number + 1]
        return end - (self.text[end - 1 : end] == "\n")

    def place_of(self, number: int) -> int:
        """Where a row begins."""
        return self._starts[number]

    def row_of(self, place: int) -> int:
        """The row a character stands in."""
        return bisect_right(self._starts, place) - 1

    def search(self, wanted: str) -> Sequence[int]:
        """Where a text begins, once for each row it does in; a capital letter makes case count."""
        found = array("I")
        if not wanted:
            return found
        held, flags = self.text, re.NOFLAG
        if wanted == wanted.lower():
            held = self.text.lower()
            if len(held) != len(self.text):
                # A few letters change their length with their case, and no place would agree.
                held, flags = self.text, re.IGNORECASE
        if not self._continued:
            pattern = re.compile(re.escape(wanted) + "[^\n]*", flags)
            found.extend(match.start() for match in pattern.finditer(held))
            return found
        pattern, at = re.compile(re.escape(wanted), flags), 0
        while (match := pattern.search(held, at)) is not None:
            found.append(match.start())
            following = self.row_of(match.start()) + 1
            at = self._starts[following] if following < len(self) else len(held)
        return found

    def error_lines(self) -> tuple[int, ...]:
        """The rows near the end that look like an error, by the strongest of the signs there is."""
        first = self.row_of(max(0, len(self.text) - _LAST_CHARACTERS))
        for sign in _SIGNS:
            matches = sign.finditer(self.text, self._starts[first] if self._starts else 0)
            if found := tuple(dict.fromkeys(self.row_of(match.start()) for match in matches)):
                return found[-_MAX_ERRORS:]
        return ()

    def bare(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Some rows, each once, without the stamps they begin with."""
        lines = (_STAMP.sub("", self.row(number, 1000)) for number in numbers)
        return tuple(dict.fromkeys(line for line in lines if line))
