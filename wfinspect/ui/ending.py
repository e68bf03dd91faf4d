"""The end of the app from outside: a signal, or a terminal that went away. Draws nothing.

One thread waits for both, without ever waking for nothing. It asks the app to end, and ends the
process itself if that takes too long, as it does when the app's loop is blocked.
"""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable

PATIENCE_SECONDS = 1.5


class EndingWatch:
    """Asks once for an orderly end, and forces it after `PATIENCE_SECONDS`.

    Both callbacks run in the watching thread and get the exit code, 128 and the signal's number;
    a lost terminal counts as SIGHUP, also where that signal is ignored.
    """

    def __init__(
        self, terminal: int, *, ask: Callable[[int], None], force: Callable[[int], None]
    ) -> None:
        self._terminal = terminal
        self._ask = ask
        self._force = force
        self.is_noticed = False
        self._inbox, self._outbox = os.pipe()
        os.set_blocking(self._outbox, False)

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._run, name="ending", daemon=True).start()

    def notice(self, signum: int) -> None:
        """Take note of a signal. One system call, so it is safe in a signal handler."""
        self.is_noticed = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._outbox, bytes((signum,)))

    def _run(self) -> None:
        code = 128 + self._first_signal()
        try:
            self._ask(code)
        finally:
            threading.Event().wait(PATIENCE_SECONDS)
            self._force(code)

    def _first_signal(self) -> int:
        poll = select.poll()
        poll.register(self._inbox, select.POLLIN)
        # No event is asked for: a hang-up is reported always, and wakes this thread alone.
        poll.register(self._terminal, 0)
        ready = dict(poll.poll())
        return os.read(self._inbox, 1)[0] if self._inbox in ready else signal.SIGHUP
