"""Tells typing from pasting where the terminal doesn't: a paste must never run commands.

Without bracketed paste a pasted text arrives as keys, microseconds apart. A letter is therefore held
for a moment: if another key follows at once, both are text, else it is a command. The text is for the
ID box, or for the input of a view that has the keys, where nothing but Enter and Tab is held.
Repeats of one key and cursor keys are typing however close they come (a slow link bunches them).
Knows no widget; time comes in.
"""

from enum import Enum
from math import inf

WINDOW_SECONDS = 0.05
"""Keys closer than this were not typed one by one."""
HOLD_SECONDS = 0.04
"""How long a command letter waits for a companion."""

_TYPED_AT_ONCE = 3
"""As many keys a slow link may deliver together; an Enter behind more of them was pasted."""

_MOVEMENTS = frozenset("jkgG")
_VIEW_MOVEMENTS = _MOVEMENTS | {" "}
_BREAKS = frozenset("\r\n\t")


class Verdict(Enum):
    """What to do with a key."""

    PASS = "pass"  # noqa: S105 - no password
    """It is what it seems."""
    HOLD = "hold"
    """Keep it for HOLD_SECONDS, then pass it on unless something else comes first."""
    REPEAT = "repeat"
    """Pass on the one that is held, and hold this one."""
    TEXT = "text"
    """It belongs to a paste, as does what is held: `KeyGate.take_text` has what the box lacks."""


class KeyGate:
    """Looks at one key after the other."""

    def __init__(self) -> None:
        self._last_at = -inf
        self._lacking = ""
        self._held = ""
        self._is_paste = False
        self._burst = 0

    def _is_close(self, now: float) -> bool:
        is_close = now - self._last_at <= WINDOW_SECONDS
        self._last_at = now
        if not is_close:
            self._lacking, self._held, self._is_paste, self._burst = "", "", False, 0
        self._burst += 1
        return is_close

    def judge_in_view(self, char: str, now: float, *, is_typing: bool) -> Verdict:
        """What to do with a character where there is no ID box.

        Args:
            char: the character.
            now: steady seconds.
            is_typing: whether an input has the keys; else TEXT is for nobody.
        """
        is_close, is_break = self._is_close(now), char in _BREAKS
        if self._held and char == self._held and not is_break:
            return Verdict.REPEAT
        is_last_of_paste = is_typing and is_break and self._burst > _TYPED_AT_ONCE
        if self._is_paste or self._held or is_last_of_paste:
            self._held, self._is_paste = "", True
            return Verdict.TEXT
        if not is_close if is_break else is_typing or char in _VIEW_MOVEMENTS:
            return Verdict.PASS
        self._held = char
        return Verdict.HOLD

    def judge(self, char: str, now: float, *, in_box: bool) -> Verdict:  # noqa: PLR0911 - a table
        """What to do with a printable character; Enter and Tab come as CR and HT.

        Args:
            char: the character.
            now: steady seconds.
            in_box: whether the ID box has the keys, so that digits went into it.
        """
        is_close = self._is_close(now)
        if self._is_paste:
            self._lacking += " " if char in _BREAKS else char
            return Verdict.TEXT
        is_break = char in _BREAKS
        if self._held and char == self._held and not is_break:
            return Verdict.REPEAT
        if self._held or (
            is_close and in_box and not char.isdigit() and not is_break and char not in ",;. "
        ):
            self._lacking += " " if is_break else char
            self._held, self._is_paste = "", True
            return Verdict.TEXT
        if char.isdigit() or char in ",;. ":
            # The box takes it by itself, after whatever of this burst it lacks.
            self._lacking = ""
            return Verdict.PASS
        if is_break and not is_close:
            return Verdict.PASS
        self._lacking += " " if is_break else char
        if char in _MOVEMENTS and not in_box:
            return Verdict.PASS
        self._held = char
        return Verdict.HOLD

    def release(self) -> None:
        """The held key was let through."""
        self._held, self._lacking = "", ""

    def take_text(self) -> str:
        """The text of the paste that the box does not hold yet."""
        text, self._lacking = self._lacking, ""
        return text
