"""Job control: stopping as Ctrl+Z asks, until the shell continues the job. Knows no app."""

import os
import select
import signal
from collections.abc import Callable

_SETTLE_SECONDS = 0.1


def stop_job(terminal: int, *, is_ending: Callable[[], bool]) -> None:
    """Stop this process and its group; return once they are continued in the foreground.

    It returns at once where nobody could continue them, as in a session that ssh started with this
    command alone: the system ignores the signal there. It returns in the background, too, when a
    signal to end has come meanwhile.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    # The whole group, so that a wrapper stops too and the shell takes notice.
    os.killpg(0, signal.SIGTSTP)
    while _is_in_background(terminal):
        # A signal to end that came along with the one to go on may reach another thread first.
        select.select([], [], [], _SETTLE_SECONDS)
        if is_ending():
            break
        os.kill(os.getpid(), signal.SIGSTOP)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _is_in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:
        return False
