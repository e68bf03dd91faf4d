"""A text of any length by its lines: an index of their starts, and no object for each. Pure."""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

_LAST_CHARACTERS = 1 << 20
"""Where a run's error is looked for: what ended it stands at the end."""
_MAX_ERRORS = 200

_ERROR = re.compile(
    r"FAILED:|\bODPS-\d{5}|\b(?:ERROR|FATAL)\b|\b\w*(?:Error|Exception)\b|Traceback|Caused by:"
    r"|[Ee]rror:|exception -|\bKilled\b|Permission denied|\u9519\u8bef|\u5f02\u5e38|\u5931\u8d25"
)
_SIGN_OF_ONE = re.compile(r"(?i)\bfailed\b|\bfailure\b|exit ?code:? *[1-9]")
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

    def _line_of(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    def search(self, wanted: str) -> Sequence[int]:
        """The lines that hold a text, ascending; a capital letter in it makes capitals count."""
        found = array("I")
        if wanted:
            found.extend(self._places(wanted))
        return found

    def _places(self, wanted: str) -> Iterator[int]:
        held = self.text if wanted != wanted.lower() else self.text.lower()
        if len(held) != len(self.text):
            # A few letters change their length with their case, and places would not agree.
            held, wanted = self.text, re.escape(wanted)
            matches = re.compile(wanted, re.IGNORECASE).finditer(held)
            yield from dict.fromkeys(self._line_of(match.start()) for match in matches)
            return
        at = held.find(wanted)
        while at >= 0:
            number = self._line_of(at)
            yield number
            if number + 1 == len(self._starts):
                return
            at = held.find(wanted, self._starts[number + 1])

    def error_lines(self) -> tuple[int, ...]:
        """The lines near the end that look like an error; those that only tell of one if none does."""
        first = self._line_of(max(0, len(self.text) - _LAST_CHARACTERS))
        for pattern in (_ERROR, _SIGN_OF_ONE):
            matches = pattern.finditer(self.text, self._starts[first] if self._starts else 0)
            if found := tuple(dict.fromkeys(self._line_of(match.start()) for match in matches)):
                return found[-_MAX_ERRORS:]
        return ()

    def errors(self, most: int) -> tuple[str, ...]:
        """The last of the error lines, each once, without their stamps."""
        lines = (_STAMP.sub("", self.line(number, 1000)) for number in self.error_lines())
        return tuple(dict.fromkeys(line for line in lines if line))[-most:]
