"""What is remembered: the watchlist in memory and in the store, kept in step with other processes.

Everything is saved before anybody is told of it. When the store fails, changes pile up here and
saving is tried again; the watch goes on. Knows nothing of calls and cadences.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import Any, TypeVar

from wfinspect.errors import StoreError
from wfinspect.instance import InstanceId, InstanceKey, Transition, WorkflowInstance
from wfinspect.watching.notices import Notices
from wfinspect.watching.records import Account, Changes, StoredRow, event_name
from wfinspect.watching.store import Store
from wfinspect.watching.tables import MAX_RECENT
from wfinspect.watching.watchlist import Entry, Observation, Watchlist

SHOWN_TRANSITIONS = 200
RETRY_SECONDS = 60.0
_MAX_UNSAVED_TRANSITIONS = 10_000
_T = TypeVar("_T")


@dataclass(slots=True)
class Book:
    """The watchlist and everything else that outlives the process."""

    store: Store
    notices: Notices
    watchlist: Watchlist = field(default_factory=Watchlist)
    transitions: list[Transition] = field(default_factory=list)
    """The latest, newest first."""
    recent: list[InstanceId] = field(default_factory=list)
    trouble: str = ""
    """Why nothing can be saved, "" while all is well."""
    news: list[tuple[Transition, bool]] = field(default_factory=list)
    """Changes that nobody here was told of yet, each with whether this process recorded it; whoever
    tells of them clears this."""
    _untold: list[Transition] = field(default_factory=list)
    _recorded: frozenset[Transition] | None = None
    """What the store held when it was last read; None before the first time."""
    _changes: Changes = field(default_factory=Changes)
    _retry_at: float = float("-inf")
    _counts: Counter[tuple[Account, date]] = field(default_factory=Counter)
    _history: tuple[InstanceKey | None, object, tuple[Transition, ...]] = (None, None, ())
    """Of which instance it was last read, from among which transitions, and what was found."""

    @property
    def entries(self) -> dict[InstanceKey, Entry]:
        """The watched ones and the one on display."""
        return self.watchlist.entries

    def load(self, now: float) -> None:
        """Fill the list from the store, before anything else; its readings count as old."""
        self._guard(lambda: self._take_over(now, None), now)

    def sync(self, now: float, at: datetime) -> list[InstanceKey]:
        """Take over what other processes did; gives the rows of which they had a newer reading."""
        return self._guard(lambda: self._sync(now, at), now) or []

    def save(self, now: float) -> None:
        """Save what has changed since the last time."""
        if self._changes and now >= self._retry_at:
            self._guard(self._save, now)
        if self.trouble:
            # Better told by two processes than by none.
            self._told(self._untold)

    def close(self) -> None:
        """Save what is left and close the store."""
        self._retry_at = float("-inf")
        self.save(0.0)
        self.store.close()

    def watch(self, keys: Iterable[InstanceKey], at: datetime) -> None:
        """Put instances on the watched list."""
        for key in keys:
            if self.watchlist.watch(key, at):
                self._changes.added[key] = _stored(self.entries[key])

    def unwatch(self, keys: Iterable[InstanceKey]) -> None:
        """Take instances off the watched list."""
        for key in self.watchlist.unwatch(keys):
            self._changes.remove(key)

    def restore(self) -> None:
        """Undo the last `unwatch`."""
        for key in self.watchlist.restore():
            self._changes.added[key] = _stored(self.entries[key])

    def mark_seen(self, keys: Sequence[InstanceKey] | None) -> None:
        """Clear unseen marks."""
        for key in self.watchlist.mark_seen(keys):
            self._note_mark(self.entries[key])

    def looked_up(self, number: InstanceId, at: datetime) -> None:
        """Note an ID that was looked up and found."""
        if self.recent[:1] != [number]:
            self.recent = [number, *(known for known in self.recent if known != number)]
            del self.recent[MAX_RECENT:]
            self._changes.recent[number] = at

    def drop(self, key: InstanceKey) -> None:
        """Take an instance off the list that should not have been put there."""
        self.watchlist.drop(key)
        self._changes.remove(key)

    def observed(
        self, key: InstanceKey, seen: Observation, before: WorkflowInstance | None
    ) -> None:
        """Note what a reading that was taken in changed; `before` is what was held."""
        entry, change = self.entries[key], seen.transition
        reading = entry.instance
        if change is not None and reading is not None:
            self.transitions = [change, *self.transitions[: SHOWN_TRANSITIONS - 1]]
            self._changes.transitions.append((event_name(change, reading), change))
            del self._changes.transitions[:-_MAX_UNSAVED_TRANSITIONS]
            self._untold.append(change)
        # An entry keeps the object it holds where a reading says the same.
        self._note(entry, None if reading is before else reading, change)
        if seen.is_news:
            self._note_mark(entry)

    def gone(self, key: InstanceKey) -> None:
        """Note that an instance is gone."""
        entry = self.entries[key]
        self._note(entry, None, None)
        self._note_mark(entry)

    def history(self, key: InstanceKey | None, now: float) -> tuple[Transition, ...]:
        """The changes of one instance, newest first; the store is read only when there are others."""
        if key is None:
            return ()
        if self._history[0] != key or self._history[1] is not self.transitions:
            stored = self._guard(lambda: self.store.transitions(SHOWN_TRANSITIONS, key), now) or []
            known = [change for change in self.transitions if change.key == key]
            self._history = key, self.transitions, tuple(dict.fromkeys([*known, *stored]))
        return self._history[2]

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._changes.meta[name] = value

    def remembered(self, name: str, now: float) -> str:
        """The value kept under a name, "" if there is none."""
        unsaved = self._changes.meta.get(name)
        return unsaved or self._guard(lambda: self.store.meta(name), now) or ""

    def recalled(self, name: str, now: float) -> dict[str, Any]:
        """The JSON object kept under a name, empty where none can be read."""
        try:
            return dict(json.loads(self.remembered(name, now) or "{}"))
        except (TypeError, ValueError):
            return {}

    def count_call(self, account: Account, day: date) -> None:
        """Count a call that went out."""
        self._changes.calls[account, day] += 1
        self._counts[account, day] += 1

    def calls(self, account: Account, day: date, now: float) -> int:
        """The calls of an account on a day, over all processes."""
        if (account, day) not in self._counts:
            stored = self._guard(lambda: self.store.calls(account, day), now) or 0
            self._counts[account, day] = self._changes.calls[account, day] + stored
        return self._counts[account, day]

    def _guard(self, work: Callable[[], _T], now: float) -> _T | None:
        """What work with the store gives; its failure, None, is a state and never an end."""
        if now < self._retry_at:
            return None
        found = None
        try:
            found = work()
        except StoreError as error:
            self.trouble = str(error)
            self._retry_at = now + RETRY_SECONDS
        else:
            if self.trouble:
                self.notices.say("The watched list is saved again.")
            self.trouble = ""
        if self.store.set_aside is not None:
            self.notices.say(
                f"The stored list was damaged and was set aside as {self.store.set_aside}.",
                is_error=True,
            )
            self.store.set_aside = None
            self._retry_at = float("-inf")
        return found

    def _sync(self, now: float, at: datetime) -> list[InstanceKey]:
        if self.store.was_replaced():
            self.store.close()
        if not self.store.has_news():
            return []
        if self.store.is_begun_anew():
            # It lacks everything, which does not mean that somebody removed it.
            for entry in self.watchlist.watched():
                self._changes.added[entry.key] = _stored(entry)
        taken = self._take_over(now, at)
        for counted in tuple(self._counts):
            self._counts[counted] = self.store.calls(*counted) + self._changes.calls[counted]
        return taken

    def _save(self) -> None:
        changes = self._changes
        recorded = self.store.save(changes)
        self._changes = Changes()
        untold = set(self._untold)
        self._told([change for change in recorded if change in untold])
        if changes.transitions:
            self._read_transitions(ours=recorded)
        for counted in changes.calls:
            self._counts[counted] = self.store.calls(*counted)

    def _told(self, changes: Iterable[Transition]) -> None:
        self.news += [(change, True) for change in changes]
        self._untold = []

    def _read_transitions(self, ours: Iterable[Transition] = ()) -> None:
        self.transitions = self.store.transitions(SHOWN_TRANSITIONS)
        recorded = frozenset(self.transitions)
        if self._recorded is not None:
            new = recorded.difference(self._recorded, ours)
            self.news += [(change, False) for change in self.transitions if change in new]
        self._recorded = recorded

    def _note(
        self, entry: Entry, instance: WorkflowInstance | None, change: Transition | None
    ) -> None:
        if not entry.is_watched or entry.read_at is None:
            return
        if entry.key in self._changes.added:
            self._changes.added[entry.key] = _stored(entry)
            return
        unsaved = self._changes.readings.get(entry.key)
        if unsaved is not None:
            instance, change = instance or unsaved.instance, change or unsaved.last_change
        row = _stored(entry)._replace(instance=instance, last_change=change)
        self._changes.readings[entry.key] = row

    def _note_mark(self, entry: Entry) -> None:
        if entry.key in self._changes.added:
            self._changes.added[entry.key] = _stored(entry)
        elif entry.is_watched:
            self._changes.unseen[entry.key] = entry.is_unseen

    def _take_over(self, now: float, at: datetime | None) -> list[InstanceKey]:
        """Bring the list in line with the store, where nothing of ours is still unsaved."""
        rows = {row.key: row for row in self.store.rows()}
        for entry in self.watchlist.watched():
            if entry.key not in rows and entry.key not in self._changes.added:
                self.watchlist.drop(entry.key)
        taken = [
            key
            for key, row in rows.items()
            if key not in self._changes.removed and self._take_row(row, now, at)
        ]
        self._read_transitions()
        self.recent = self.store.recent()
        return taken

    def _take_row(self, row: StoredRow, now: float, at: datetime | None) -> bool:
        self.watchlist.touch([row.key])
        entry = self.watchlist.entry(row.key)
        entry.is_watched, entry.position = True, row.position
        entry.added_at = row.added_at
        if row.key not in self._changes.unseen:
            entry.is_unseen = row.is_unseen
        if row.instance is None or row.read_at is None:
            return False
        if entry.read_at is not None and row.read_at <= entry.read_at:
            return False
        entry.hold(row.instance, row.read_at)
        entry.is_gone, entry.last_change = row.is_gone, row.last_change
        if at is None:
            return False
        # Another process wrote it while this one ran, so it is as good as a reading of our own.
        entry.trouble, entry.missing, entry.stale = None, None, None
        entry.steady_at = now - max(0.0, (at - row.read_at).total_seconds())
        return True


_values_of = attrgetter(*StoredRow._fields)


def _stored(entry: Entry) -> StoredRow:
    return StoredRow._make(_values_of(entry))
