"""Blocking questions in threads of their own, since some of them never come back.

Neither asyncio's shared threads nor the end of the process may wait for those.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Lookup(Generic[_T]):
    """One call of a blocking function in a daemon thread; any number of tasks may wait for it."""

    def __init__(self, ask: Callable[[], _T], name: str) -> None:
        """Call `ask` at once, in a thread of that name."""
        self._ask = ask
        self._answer: Future[_T] = Future()
        self._answer.set_running_or_notify_cancel()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def is_done(self) -> bool:
        """Whether the function has returned or raised."""
        return self._answer.done()

    async def wait(self, seconds: float | None) -> _T:
        """What the function returns, or raises.

        Raises:
            TimeoutError: it has done neither within `seconds`; it goes on.
        """
        answer = asyncio.wrap_future(self._answer)
        try:
            done, _ = await asyncio.wait({answer}, timeout=seconds)
        finally:
            # The thread is not touched by this; it only keeps a late answer from a closed loop.
            answer.cancel()
        if not done:
            raise TimeoutError
        return answer.result()

    def _run(self) -> None:
        try:
            self._answer.set_result(self._ask())
        except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits for an end
            self._answer.set_exception(error)
