"""A list of a process's own over the user's store: calls are counted there, and nothing else changes.

What other processes read meanwhile is taken from there, so that a second watch costs no second call.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from wfinspect.instance import InstanceKey, Transition
from wfinspect.watching.records import Changes, StoredRow
from wfinspect.watching.store import Store


class Guest(Store):
    """Begins empty; its rows live as long as it does."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        super().__init__(directory, now)
        self._since = now()
        self._own: dict[InstanceKey, StoredRow] = {}

    def rows(self) -> list[StoredRow]:
        """Its rows; each as the store holds it where that was read in this store's time."""
        stored = {
            row.key: row
            for row in (super().rows() if self._own else ())
            if row.read_at is not None and row.read_at >= self._since
        }
        return [stored.get(key, row) for key, row in self._own.items()]

    def transitions(self, limit: int, key: InstanceKey | None = None) -> list[Transition]:  # noqa: ARG002
        """None: those of the store are of the user's own list."""
        return []

    def claim(self, name: str, since: datetime, at: datetime) -> bool:  # noqa: ARG002
        """Leave it to the others: a guest runs no command."""
        return False

    def save(self, changes: Changes) -> list[Transition]:
        """Save what is counted and learnt; takes rows on and off in memory."""
        counted = Changes(calls=changes.calls, meta=changes.meta)
        if counted:
            super().save(counted)
        for key in changes.removed:
            self._own.pop(key, None)
        self._own |= changes.added
        return []
