"""Keys from the terminal: bytes in, Textual's events out, whatever the bytes are."""

import codecs
import os
import select
import threading
from collections.abc import Callable, Iterable

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.message import Message

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
        """Let reading begin anew."""
        super().clear()
        _read(self.fileno)


class _KeyParser(XTermParser):
    """Textual's parser, to which Escape before a letter or digit is no Alt: no command is on that.

    Whoever types on at once after Escape would lose both, and an ID its first digit.
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
            # A lone Escape is told from the start of a sequence by the time that passes.
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
