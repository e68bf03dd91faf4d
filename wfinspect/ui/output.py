"""The way to the terminal: what Textual's writer thread writes to. Knows no app and no frames.

A terminal that is not read (a sleeping laptop, a stalled link) makes a write wait; one that is gone
makes it fail. Neither may end the writer thread, or the app's loop would wait for its queue for ever.
"""

import os
import select
import termios
from collections.abc import Callable

_CHUNK = 512  # bytes a write; little enough to find room once there is any
_STALL_MILLISECONDS = 500
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class TerminalOutput:
    """A file that never raises, knows when its terminal stalls, and gives up when told to.

    `on_recovered` is called in the writer thread once a stalled terminal has taken everything,
    `on_gone` when there is no terminal any more.
    """

    def __init__(
        self,
        fileno: int,
        encoding: str,
        *,
        on_recovered: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._fileno = fileno
        self._encoding = encoding
        self._on_recovered = on_recovered
        self._on_gone = on_gone
        self._poll = select.poll()
        self._poll.register(fileno, select.POLLOUT)
        self._is_leaving = False
        self._is_discarding = False
        self._has_given_up = False
        self.is_gone = False
        self.is_stalled = False

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._fileno

    def write(self, text: str) -> None:
        """Write all of a text, waiting for a terminal that stalls, dropping it for one that is gone."""
        self._is_discarding = False
        rest = memoryview(text.encode(self._encoding, "replace"))
        while rest and self._has_room():
            try:
                rest = rest[os.write(self._fileno, rest[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError:
                self._lose()

    def flush(self) -> None:
        """Note that nothing is queued any more: a stalled terminal that comes so far is back."""
        if self.is_stalled and not (self.is_gone or self._is_leaving):
            self.is_stalled = False
            self._on_recovered()

    def leave(self) -> None:
        """From now on wait for the terminal only shortly: what follows are its last words.

        If it is stalled, the rest of the frame being written is dropped, and so is what the system
        holds for the terminal: it makes the room for what restores it.
        """
        self._is_leaving = True
        if self.is_stalled and not self.is_gone:
            self._is_discarding = True
            discard_output(self._fileno)

    def revive(self) -> None:
        """Wait as usual again, for a terminal that was left only for a while."""
        self._is_leaving = self._is_discarding = self._has_given_up = self.is_stalled = False

    def _has_room(self) -> bool:
        """Wait until the terminal takes bytes; False if the text shall be dropped."""
        while not (self.is_gone or self._is_discarding or self._has_given_up):
            ready = self._poll.poll(_STALL_MILLISECONDS)
            if any(event & _GONE for _, event in ready):
                self._lose()
            elif ready:
                return not self._is_discarding
            else:
                self.is_stalled = True
                self._has_given_up = self._is_leaving
        return False

    def _lose(self) -> None:
        if not self.is_gone:
            self.is_gone = True
            self._on_gone()


def discard_output(fileno: int) -> None:
    """Drop what a terminal was sent and has not taken yet."""
    try:
        termios.tcflush(fileno, termios.TCOFLUSH)
    except termios.error:
        return
