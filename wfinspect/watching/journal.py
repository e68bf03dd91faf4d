"""Uses the store as long as it works: its failure is a state, tried again and never an end."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from math import inf
from typing import Any, TypeVar

from wfinspect.errors import DailyLimit, StoreError
from wfinspect.model import Account, InstanceId, InstanceKey, Target, Transition, WorkflowInstance
from wfinspect.regions import day_ends_at, day_of
from wfinspect.watching.limits import LEAST_LEARNT_BUDGET, Limits
from wfinspect.watching.notifications import Notices
from wfinspect.watching.store import MAX_RECENT, Changes, Store, event_name, row_of
from wfinspect.watching.watchlist import Entry, Observation, Watchlist, take_over

RETRY_SECONDS = 5.0, 10.0, 20.0, 40.0, 60.0
"""A file that was locked is free soon; a disk that is full stays so, and each attempt may take 2 s."""
_T = TypeVar("_T")


class StoreAccess:
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


SHOWN_TRANSITIONS = 200
_MAX_UNSAVED_TRANSITIONS = 10_000


class Journal:
    """The watchlist and everything else that outlives the process."""

    def __init__(self, store: Store, notices: Notices) -> None:
        """Know nothing before `load`; `notices` hear of the store's trouble and its end."""
        self.store = store
        self.watchlist = Watchlist()
        self.transitions: list[Transition] = []
        """The latest, newest first."""
        self.recent: list[InstanceId] = []
        self.news: list[tuple[Transition, bool]] = []
        """Changes that nobody here was told of yet, each with whether this process recorded it;
        whoever tells of them clears this."""
        self._keeper = StoreAccess(store, notices)
        self._untold: list[Transition] = []
        self._recorded: frozenset[Transition] | None = None
        """What the store held when it was last read; None before the first time."""
        self._changes = Changes()
        self._counts: Counter[tuple[Account, date]] = Counter()
        self._history: tuple[InstanceKey | None, object, tuple[Transition, ...]] = (None, None, ())
        """Of which instance it was last read, from among which transitions, and what was found."""

    @property
    def trouble(self) -> str:
        """Why nothing can be saved, "" while all is well."""
        return self._keeper.trouble

    @property
    def entries(self) -> dict[InstanceKey, Entry]:
        """The watched ones and the one on display."""
        return self.watchlist.entries

    def load(self, now: float) -> None:
        """Fill the list from the store, before anything else; its readings count as old."""
        self._keeper.use(lambda: self._take_over(now, None), now)

    def sync(self, now: float, at: datetime) -> list[InstanceKey]:
        """Take over what other processes did; gives the rows of which they had a newer reading."""
        return self._keeper.use(lambda: self._sync(now, at), now) or []

    def save(self, now: float) -> None:
        """Save what has changed since the last time."""
        if self._changes:
            self._keeper.use(self._save, now)
        if self.trouble:
            # Better told by two processes than by none.
            self._told(self._untold)

    def close(self) -> None:
        """Save what is left and close the store."""
        self._keeper.retry()
        self.save(0.0)
        self.store.close()

    def watch(self, keys: Iterable[InstanceKey], at: datetime) -> None:
        """Put instances on the watched list."""
        for key in keys:
            if self.watchlist.watch(key, at):
                self._changes.added[key] = row_of(self.entries[key])

    def unwatch(self, keys: Iterable[InstanceKey]) -> None:
        """Take instances off the watched list."""
        for key in self.watchlist.unwatch(keys):
            self._changes.remove(key)

    def restore(self) -> None:
        """Undo the last `unwatch`."""
        for key in self.watchlist.restore():
            self._changes.added[key] = row_of(self.entries[key])

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

    def keep_anew(self, key: InstanceKey) -> None:
        """Store a row anew: what is there is of another instance, or from a clock set back since."""
        if self.entries[key].is_watched:
            self._changes.remove(key)
            self._changes.added[key] = row_of(self.entries[key])

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
            stored = (
                self._keeper.use(lambda: self.store.transitions(SHOWN_TRANSITIONS, key), now) or []
            )
            known = [change for change in self.transitions if change.key == key]
            self._history = key, self.transitions, tuple(dict.fromkeys([*known, *stored]))
        return self._history[2]

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._changes.meta[name] = value

    def remembered(self, name: str, now: float) -> str:
        """The value kept under a name, "" if there is none."""
        unsaved = self._changes.meta.get(name)
        return unsaved or self._keeper.use(lambda: self.store.meta(name), now) or ""

    def recalled(self, name: str, now: float) -> dict[str, Any]:
        """The JSON object kept under a name, empty where none can be read."""
        try:
            return dict(json.loads(self.remembered(name, now) or "{}"))
        except (RecursionError, TypeError, ValueError):
            return {}

    def claim(self, name: str, since: datetime, at: datetime, now: float) -> bool:
        """Take it on to tell of something, unless another process has done so after `since`."""
        # Better told by two processes than by none.
        return self._keeper.use(lambda: self.store.claim(name, since, at), now) is not False

    def count_call(self, account: Account, day: date) -> None:
        """Count a call that went out."""
        self._changes.calls[account, day] += 1
        self._counts[account, day] += 1

    def calls(self, account: Account, day: date, now: float) -> int:
        """The calls of an account on a day, over all processes."""
        if (account, day) not in self._counts:
            stored = self._keeper.use(lambda: self.store.calls(account, day), now) or 0
            self._counts[account, day] = self._changes.calls[account, day] + stored
        return self._counts[account, day]

    def _sync(self, now: float, at: datetime) -> list[InstanceKey]:
        if self.store.was_replaced():
            self.store.close()
        if not self.store.has_news():
            return []
        if self.store.is_begun_anew():
            # It lacks everything, which does not mean that somebody removed it.
            for entry in self.watchlist.watched():
                self._changes.added[entry.key] = row_of(entry)
        taken = self._take_over(now, at)
        for counted in tuple(self._counts):
            self._counts[counted] = self.store.calls(*counted) + self._changes.calls[counted]
        if self.trouble and self._changes:
            # A disk that is full can still be read: the trouble is over when this works, too.
            self._save()
        return taken

    def _save(self) -> None:
        changes = self._changes
        recorded = self.store.save(changes)
        self._changes = Changes()
        untold = set(self._untold)
        self._told([change for change in recorded if change in untold])
        if self._recorded is not None:
            self._recorded |= set(recorded)
        if changes.transitions:
            self._read_transitions()
        for counted in changes.calls:
            self._counts[counted] = self.store.calls(*counted)

    def _take_over(self, now: float, at: datetime | None) -> list[InstanceKey]:
        taken = take_over(self.watchlist, self.store.rows(), self._changes, now, at)
        self._read_transitions()
        self.recent = self.store.recent()
        return taken

    def _told(self, changes: Iterable[Transition]) -> None:
        self.news += [(change, True) for change in changes]
        self._untold = []

    def _read_transitions(self) -> None:
        self.transitions = self.store.transitions(SHOWN_TRANSITIONS)
        recorded = frozenset(self.transitions)
        if self._recorded is not None:
            new = recorded - self._recorded
            self.news += [(change, False) for change in self.transitions if change in new]
        self._recorded = recorded

    def _note(
        self, entry: Entry, instance: WorkflowInstance | None, change: Transition | None
    ) -> None:
        if not entry.is_watched or entry.read_at is None:
            return
        if entry.key in self._changes.added:
            self._changes.added[entry.key] = row_of(entry)
            return
        unsaved = self._changes.readings.get(entry.key)
        if unsaved is not None:
            instance, change = instance or unsaved.instance, change or unsaved.last_change
        row = row_of(entry)._replace(instance=instance, last_change=change)
        self._changes.readings[entry.key] = row

    def _note_mark(self, entry: Entry) -> None:
        if entry.key in self._changes.added:
            self._changes.added[entry.key] = row_of(entry)
        elif entry.is_watched:
            self._changes.unseen[entry.key] = entry.is_unseen


_LEARNT_FOR = timedelta(days=7)  # then the edition may be another one
_MARGIN = 0.9


class DailyBudget:
    """Keeps the buckets in step with the wall clock and with what all processes have used."""

    def __init__(self, book: Journal, limits: Limits) -> None:
        self._book = book
        self._limits = limits
        self._days: dict[Account, date] = {}

    def follow(self, target: Target, now: float, at: datetime) -> None:
        """Begin a day where a new one has come, else correct the count."""
        account, day = target.account, day_of(target.region, at)
        used = self._book.calls(account, day, now)
        bucket = self._limits.bucket(target, now)
        ends_at = now + _seconds_left(target, at)
        if self._days.get(account) != day:
            self._days[account] = day
            bucket.budget = self._learnt(account, self._limits.budget, at, now)
            bucket.begin_day(now, ends_at=ends_at, used=used)
        else:
            # A call on its way is in the bucket's count, and may not be in the book's yet.
            is_true = not self._limits.has_calls_out(target)
            bucket.correct(now, used if is_true else bucket.used, ends_at=ends_at)

    def called(self, target: Target, at: datetime) -> None:
        """Count a request that goes out."""
        self._book.count_call(target.account, day_of(target.region, at))

    def calls_today(self, target: Target, now: float, at: datetime) -> int:
        """The calls of a target's account on this day, over all processes."""
        return self._book.calls(target.account, day_of(target.region, at), now)

    def limit_met(self, target: Target, now: float, at: datetime) -> None:
        """Learn from an answer that says the day's calls are used up, unless it repeats another.

        A limit that outlasts our day says nothing about the calls of this one.
        """
        if isinstance(self._limits.account_gate(target).error, DailyLimit):
            return
        account = target.account
        bucket = self._limits.bucket(target, now)
        used = self._book.calls(account, day_of(target.region, at), now)
        learnt = max(LEAST_LEARNT_BUDGET, int(used * _MARGIN))
        if learnt < bucket.budget:
            bucket.budget = learnt
            until = (at + _LEARNT_FOR).isoformat()
            self._book.remember(_name(account), f"{learnt} {until}")

    def _learnt(self, account: Account, budget: int, at: datetime, now: float) -> int:
        calls, _, until = self._book.remembered(_name(account), now).partition(" ")
        try:
            is_valid = at < datetime.fromisoformat(until)
            return min(budget, max(LEAST_LEARNT_BUDGET, int(calls))) if is_valid else budget
        except (ValueError, TypeError):
            return budget


def _name(account: Account) -> str:
    return f"budget {account[0]} {account[1]}"


def _seconds_left(target: Target, at: datetime) -> float:
    # In UTC, since a day in which a zone changes its offset is not 24 hours long.
    return day_ends_at(target.region, at).timestamp() - at.timestamp()
