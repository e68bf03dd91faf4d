"""Ending by a signal: in order, and by force where that takes too long. Knows no app and no command."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

PATIENCE_SECONDS = 1.5


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """End by SystemExit at SIGHUP, SIGINT and SIGTERM, unless they are ignored as under nohup."""
    shutdown = Shutdown()
    shutdown.start()

    def end(number: int, _frame: FrameType | None) -> None:
        # Output that is not read blocks, and with it an orderly end.
        shutdown.notice(number)
        raise SystemExit(128 + number)

    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if not shutdown.is_noticed:
            shutdown.notice(_NO_SIGNAL)


_NO_SIGNAL = 0


class Shutdown:
    """Requests an orderly end once, and forces it after `PATIENCE_SECONDS`.

    Both callbacks run in a thread of its own, since the main thread may be in a loop that never ends, and
    get the exit code: 128 and the signal's number. A lost terminal counts as SIGHUP, also where that
    signal is ignored.
    """

    def __init__(
        self,
        *,
        request: Callable[[int], None] = lambda _: None,
        force: Callable[[int], None] = os._exit,
        terminal: int | None = None,
    ) -> None:
        self._request = request
        self._force = force
        self._terminal = terminal
        self.is_noticed = False
        self._inbox, self._outbox = os.pipe()
        os.set_blocking(self._outbox, False)

    def start(self) -> None:
        """Begin to wait for a signal."""
        threading.Thread(target=self._run, name="shutdown", daemon=True).start()

    def notice(self, signum: int) -> None:
        """Take note of a signal, 0 to wait for none any more.

        One system call and no lock, so it is safe in a signal handler.
        """
        self.is_noticed = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._outbox, bytes((signum,)))

    def _run(self) -> None:
        signum = self._first_signal()
        if signum == _NO_SIGNAL:
            os.close(self._inbox)
            os.close(self._outbox)
            return
        code = 128 + signum
        try:
            self._request(code)
        finally:
            threading.Event().wait(PATIENCE_SECONDS)
            self._force(code)

    def _first_signal(self) -> int:
        poll = select.poll()
        poll.register(self._inbox, select.POLLIN)
        if self._terminal is not None:
            # No event is requested: a hang-up is always reported, and to this thread alone.
            poll.register(self._terminal, 0)
        ready = dict(poll.poll())
        return os.read(self._inbox, 1)[0] if self._inbox in ready else signal.SIGHUP
