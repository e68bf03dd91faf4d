"""The way to the terminal: what Textual's writer thread writes to. Knows no app and no frames.

A terminal that is not read (a sleeping laptop, a stalled link) makes a write wait; one that is gone
makes it fail. Neither may end the writer thread, or the app's loop would wait for its queue for ever.
"""

import os
import select
import termios
import threading
from collections.abc import Callable

_CHUNK = 512  # bytes a write; little enough to find room once there is any
_STALL_MILLISECONDS = 500
_LAST_WRITE_SECONDS = 0.2
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class TerminalOutput:
    """A file that never raises, knows when its terminal stalls, and gives up when told to.

    `on_recovered` is called in the writer thread once a stalled terminal has taken everything,
    `on_gone` when there is no terminal any more, `on_failed` when no text can be written for
    another reason, such as want of memory.
    """

    def __init__(
        self,
        fileno: int,
        encoding: str,
        *,
        on_recovered: Callable[[], None],
        on_gone: Callable[[], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._fileno = fileno
        self._encoding = encoding
        self._on_recovered = on_recovered
        self._on_gone = on_gone
        self._on_failed = on_failed
        self._poll = select.poll()
        self._poll.register(fileno, select.POLLOUT)
        self._writing = threading.Lock()
        self._is_leaving = False
        self._is_discarding = False
        self._is_silenced = False
        self.has_given_up = False
        self.is_gone = False
        self.is_stalled = False

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._fileno

    def write(self, text: str) -> None:
        """Write all of a text, waiting for a terminal that stalls, dropping it for one that is gone."""
        self._is_discarding = False
        try:
            self._write(memoryview(text.encode(self._encoding, "replace")))
        except Exception as error:  # noqa: BLE001 - the thread must go on, to meet what ends it
            self.has_given_up = True
            self._on_failed(error)

    def _write(self, rest: memoryview) -> None:
        while rest and self._has_room():
            try:
                with self._writing:
                    if not self._is_silenced:
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
        self._is_leaving = self._is_discarding = self._is_silenced = False
        self.has_given_up = self.is_stalled = False

    def silence(self) -> None:
        """Write nothing from now on, and wait shortly for the end of what is being written."""
        self._is_silenced = True
        if self._writing.acquire(timeout=_LAST_WRITE_SECONDS):
            self._writing.release()

    def _has_room(self) -> bool:
        """Wait until the terminal takes bytes; False if the text shall be dropped."""
        while not (self.is_gone or self._is_discarding or self.has_given_up or self._is_silenced):
            ready = self._poll.poll(_STALL_MILLISECONDS)
            if any(event & _GONE for _, event in ready):
                self._lose()
            elif ready:
                return not self._is_discarding
            else:
                self.is_stalled = True
                self.has_given_up = self._is_leaving
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
