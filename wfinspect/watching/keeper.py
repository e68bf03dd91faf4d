"""Uses the store as long as it works: its failure is a state, tried again and never an end."""

from collections.abc import Callable
from math import inf
from typing import TypeVar

from wfinspect.errors import StoreError
from wfinspect.watching.notices import Notices
from wfinspect.watching.store import Store

RETRY_SECONDS = 5.0, 10.0, 20.0, 40.0, 60.0
"""A file that was locked is free soon; a disk that is full stays so, and each attempt may take 2 s."""
_T = TypeVar("_T")


class Keeper:
    """A store with its trouble."""

    def __init__(self, store: Store, notices: Notices) -> None:
        self.store = store
        self._notices = notices
        self.trouble = ""
        """Why nothing can be saved, "" while all is well."""
        self._retry_at = -inf
        self._failures = 0
        """In a row."""

    def retry(self) -> None:
        """Try again at once."""
        self._retry_at = -inf

    def use(self, work: Callable[[], _T], now: float) -> _T | None:
        """What work with the store gives; None where it failed, or was not tried again yet."""
        if now < self._retry_at:
            return None
        found = None
        try:
            found = work()
        except StoreError as error:
            self.trouble = str(error)
            self._retry_at = now + RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
            self._failures += 1
        else:
            self._failures = 0
            if self.trouble:
                self._notices.say("The watched list is saved again.")
            self.trouble = ""
        if unreadable := self.store.take_unreadable():
            self._notices.say(unreadable, is_error=True)
        if self.store.set_aside is not None:
            self._notices.say(
                f"The stored list was damaged and was set aside as {self.store.set_aside}.",
                is_error=True,
            )
            self.store.set_aside = None
            self.retry()
        return found
