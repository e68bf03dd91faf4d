"""The keyboard: reading keys, and separating what is pasted from what is typed."""

import codecs
import os
import select
import threading
from collections.abc import Callable, Iterable
from enum import Enum
from math import inf

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.message import Message

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
    """Judges one key after the other, by the time between them."""

    def __init__(self) -> None:
        self._last_at = -inf
        self._lacking = ""
        self._held = ""
        self._is_paste = False
        self._burst = 0

    def _is_close(self, monotonic: float) -> bool:
        is_close = monotonic - self._last_at <= WINDOW_SECONDS
        self._last_at = monotonic
        if not is_close:
            self._lacking, self._held, self._is_paste, self._burst = "", "", False, 0
        self._burst += 1
        return is_close

    def judge_in_view(self, char: str, monotonic: float, *, is_typing: bool) -> Verdict:
        """Return what to do with a character where there is no ID box.

        Args:
            char: the character.
            monotonic: when it came, in monotonic seconds.
            is_typing: whether an input has the keys; else TEXT is dropped.
        """
        is_close, is_break = self._is_close(monotonic), char in _BREAKS
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

    def judge(self, char: str, monotonic: float, *, in_box: bool) -> Verdict:  # noqa: PLR0911 - a table
        """Return what to do with a printable character; Enter and Tab come as CR and HT.

        Args:
            char: the character.
            monotonic: when it came, in monotonic seconds.
            in_box: whether the ID box has the keys, so that digits went into it.
        """
        is_close = self._is_close(monotonic)
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
        """Note that the held key was let through."""
        self._held, self._lacking = "", ""

    def take_text(self) -> str:
        """Return the text of the paste that the box does not hold yet."""
        text, self._lacking = self._lacking, ""
        return text


_READ_BYTES = 4096
_TICK_MILLISECONDS = 50
_TICKS_AFTER_INPUT = int(constants.ESCAPE_DELAY * 1000) // _TICK_MILLISECONDS + 2

_INTRODUCERS = "[O]P_^X"
"""What begins, behind Escape, what a terminal sends by itself."""


class StopReading(threading.Event):
    """An event that also wakes a thread waiting for input."""

    def __init__(self) -> None:
        super().__init__()
        self.fileno, self._wake = os.pipe()
        os.set_blocking(self.fileno, False)

    def set(self) -> None:
        """Set the event, and wake the reader."""
        super().set()
        os.write(self._wake, b"x")

    def clear(self) -> None:
        """Clear the event, so that reading can begin again."""
        super().clear()
        _read(self.fileno)


class _KeyParser(XTermParser):
    """Textual's parser, without Alt for Escape before a letter or digit: no command is on that.

    A user who types on at once after Escape would lose both, and an ID its first digit.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:  # noqa: FBT001, FBT002 - Textual's signature
        if len(sequence) == 2 and sequence[0] == "\x1b" and sequence[1] not in _INTRODUCERS:  # noqa: PLR2004 - Escape and one more
            return (
                events.Key("escape", "\x1b"),
                *super()._sequence_to_key_events(sequence[1]),
            )
        return super()._sequence_to_key_events(sequence, alt)


def read_keys(
    fileno: int, encoding: str, stop: StopReading, deliver: Callable[[Message], None]
) -> bool:
    """Deliver events until told to stop; False if the terminal has gone away.

    It waits without a timeout while nothing is typed, unlike Textual's own loop, so that an idle app
    never wakes. Invalid bytes and malformed sequences are passed over (Textualize/textual#6456).
    """
    decode = codecs.getincrementaldecoder(encoding)(errors="replace").decode
    parser = _KeyParser()
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    poll.register(stop.fileno, select.POLLIN)
    ticks = 0
    while not stop.is_set():
        ready = dict(poll.poll(_TICK_MILLISECONDS if ticks else None))
        ticks = max(0, ticks - 1)
        text = ""
        if fileno in ready:
            data = _read(fileno)
            if not data:
                return False
            text = decode(data)
            # Only the time that passes shows whether an Escape is alone or begins a sequence.
            ticks = _TICKS_AFTER_INPUT
        try:
            for event in parser.feed(text) if text else parser.tick():
                deliver(event)
        except Exception:  # noqa: BLE001 - the parser raises what it will on malformed sequences
            parser = _KeyParser()
    return True


def _read(fileno: int) -> bytes:
    """What is there to read; nothing at the end of the file or if it fails, as a lost terminal does."""
    try:
        return os.read(fileno, _READ_BYTES)
    except OSError:
        return b""
