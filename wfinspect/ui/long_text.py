"""A text of any length by its lines: an index of their starts, and no object for each. Pure."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

_LAST_CHARACTERS = 1 << 18
"""Where a run's error is looked for: what ended it stands at the end."""
_MAX_ERRORS = 200

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
    """Lines are counted from 0; a line break at the very end begins none."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self._starts = array("I", [0])
        self._starts.extend(m.end() for m in re.finditer("\n", self.text))
        if self._starts[-1] == len(self.text):
            self._starts.pop()

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int, limit: int | None = None) -> str:
        """A line without its break, at most `limit` characters of it."""
        start, end = self._starts[number], self._end(number)
        return self.text[start : end if limit is None else min(end, start + limit)]

    def size(self, number: int) -> int:
        """Characters in a line."""
        return self._end(number) - self._starts[number]

    def between(self, first: int, last: int) -> str:
        """The lines from `first` to `last`, both included."""
        return self.text[self._starts[first] : self._end(last)]

    def _end(self, number: int) -> int:
        if number + 1 < len(self._starts):
            return self._starts[number + 1] - 1
        return len(self.text) - self.text.endswith("\n")

    def place_of(self, number: int) -> int:
        """Where a line begins."""
        return self._starts[number]

    def line_of(self, place: int) -> int:
        """The line a character stands in."""
        return bisect_right(self._starts, place) - 1

    def search(self, wanted: str) -> Sequence[int]:
        """Where a text stands, once for each line that holds it; a capital letter makes case count."""
        found = array("I")
        if not wanted:
            return found
        held, flags = self.text, re.NOFLAG
        if wanted == wanted.lower():
            held = self.text.lower()
            if len(held) != len(self.text):
                # A few letters change their length with their case, and no place would agree.
                held, flags = self.text, re.IGNORECASE
        pattern = re.compile(re.escape(wanted) + "[^\n]*", flags)
        found.extend(match.start() for match in pattern.finditer(held))
        return found

    def error_lines(self) -> tuple[int, ...]:
        """The lines near the end that look like an error, by the strongest of the signs there is."""
        first = self.line_of(max(0, len(self.text) - _LAST_CHARACTERS))
        for sign in _SIGNS:
            matches = sign.finditer(self.text, self._starts[first] if self._starts else 0)
            if found := tuple(dict.fromkeys(self.line_of(match.start()) for match in matches)):
                return found[-_MAX_ERRORS:]
        return ()

    def bare(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Some lines, each once, without the stamps they begin with."""
        lines = (_STAMP.sub("", self.line(number, 1000)) for number in numbers)
        return tuple(dict.fromkeys(line for line in lines if line))
