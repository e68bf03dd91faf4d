"""How a command without a screen ends by a signal: in order, but never held up."""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

_PATIENCE_SECONDS = 1.5


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """End by SystemExit at SIGHUP, SIGINT and SIGTERM, unless they are ignored as under nohup."""

    def end(number: int, _frame: FrameType | None) -> None:
        # Output that nobody reads blocks, and with it an orderly end.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + number))
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE_SECONDS)
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
