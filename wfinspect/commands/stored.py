"""The user's store as commands without a screen use it: the list is read, calls are counted."""

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from wfinspect.clock import Clock
from wfinspect.commands.printing import say
from wfinspect.config import Settings
from wfinspect.errors import StoreError
from wfinspect.instance import Binding

if TYPE_CHECKING:
    from wfinspect.watching.records import StoredRow


def stored_rows(settings: Settings, clock: Clock) -> "list[StoredRow]":
    """The watched list in its order.

    Raises:
        StoreError: it can't be read.
    """
    from wfinspect.watching.store import Store

    with contextlib.closing(Store(settings.paths.state_dir, clock.now)) as store:
        rows = store.rows()
        if unreadable := store.take_unreadable():
            say(unreadable)
        return rows


def count_calls(settings: Settings, clock: Clock, calls: Counter[Binding]) -> None:
    """Count calls that went out, as far as the store can be written."""
    from wfinspect.watching.days import day_of
    from wfinspect.watching.records import Changes
    from wfinspect.watching.store import Store

    changes = Changes()
    for binding, number in calls.items():
        changes.calls[binding.account, day_of(binding, clock.now())] += number
    if not changes:
        return
    with (
        contextlib.suppress(StoreError),
        contextlib.closing(Store(settings.paths.state_dir, clock.now)) as store,
    ):
        store.save(changes)
