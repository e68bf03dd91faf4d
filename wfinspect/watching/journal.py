"""Memory and store in step: the watched list, the changes and the counts of all processes.

A store that fails is a state, not an end: the watch goes on in memory, and saving is tried again. What
several processes see is recorded once, and the user is notified of it only after it is saved.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Any, TypeVar

from wfinspect.clock import Moment
from wfinspect.errors import DailyLimit, StoreError
from wfinspect.format import moment as moment_of
from wfinspect.model import (
    Account,
    Family,
    Follow,
    InstanceId,
    InstanceKey,
    Target,
    TaskInstance,
    Transition,
    WorkflowInstance,
    day_ends_at,
    day_of,
)
from wfinspect.watching.api import Row, Trouble, follow_of
from wfinspect.watching.cadence import SAVED_AFTER_SECONDS
from wfinspect.watching.limits import LEAST_LEARNT_BUDGET, Limits
from wfinspect.watching.notifications import Notices
from wfinspect.watching.store import MAX_RECENT, Changes, Store
from wfinspect.watching.watchlist import MAX_NAME, Edit, News, Observation, Watchlist

EVER = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN_TRANSITIONS = 200
RETRY_SECONDS = 5.0, 10.0, 20.0, 40.0, 60.0
"""A file that was locked is free soon; a disk that is full stays so, and each attempt may take 2 s."""
_MAX_UNSAVED_TRANSITIONS = 10_000
_SHARED_SECONDS = 150.0
"""So long after another process wrote, it may be there still, and is to know of each reading at once."""
_T = TypeVar("_T")


class Journal:
    """The watchlist and everything else that outlives the process."""

    def __init__(self, store: Store) -> None:
        """Know nothing before `load`."""
        self.store = store
        self.watchlist = Watchlist()
        self.transitions: list[Transition] = []
        """The latest, newest first."""
        self.recent: list[InstanceId] = []
        self.follows: Mapping[int, Follow] = {}
        """By their numbers, the oldest first; never changed in place."""
        self.follow_trouble: Trouble | None = None
        """Why the last look was refused."""
        self.news: list[Transition] = []
        """Changes that are saved and without a notification yet; the caller clears this."""
        self.trouble = ""
        """Why nothing can be saved, "" while all is well."""
        self.notices = Notices()
        self._retry_at = self._saved_at = self._shared_until = -inf
        self._failures = 0
        """Of the store, in a row."""
        self._changes = Changes()
        self._unsaved_news: list[Transition] = []
        self._recorded: frozenset[object] | None = None
        """The transitions that the store held when it was last read; None before the first time."""
        self._counts: Counter[tuple[Account, date]] = Counter()
        self._history: tuple[InstanceKey | None, object, tuple[Transition, ...]] = (None, None, ())
        """Of which instance it was last read, from among which transitions, and what was found."""

    def load(self, monotonic: float) -> None:
        """Fill the list from the store, before anything else; its readings count as old."""
        self._use(lambda: self._take_over(None), monotonic)

    def read_follows(self) -> None:
        """Take over what the store has of them."""
        self.follows = {each.number: each for each in self.store.follows()}

    def is_shared(self, monotonic: float) -> bool:
        """Return whether another process may be there that uses the store."""
        return monotonic < self._shared_until

    def sync(self, moment: Moment) -> list[InstanceKey]:
        """Take over what other processes did; returns the rows of which they had a newer reading."""
        return self._use(lambda: self._sync(moment), moment.monotonic) or []

    def save(self, monotonic: float) -> None:
        """Save what has changed since the last time."""
        is_due = (
            self.is_shared(monotonic)
            or self.trouble
            or monotonic >= self._saved_at + SAVED_AFTER_SECONDS
        )
        if self._changes.is_news or (is_due and self._changes):
            self._saved_at = monotonic
            self._use(self._save, monotonic)
        if self.trouble:
            # Better two notifications, of two processes, than none.
            self._publish(self._unsaved_news)

    def save_last(self) -> None:
        """Save what is left, also where the last attempt has just failed."""
        self._retry_at = self._saved_at = -inf
        self.save(0.0)

    def watch(
        self, keys: Iterable[InstanceKey], now: datetime, follow: int = 0
    ) -> list[InstanceKey]:
        """Put instances on the watched list; returns those that were not on it.

        `follow` is the number of the one that brings them.
        """
        new = self.watchlist.watch(keys, now, follow)
        self._changes.added |= {key: self.watchlist.rows[key] for key in new}
        return new

    def unwatch(self, keys: Sequence[InstanceKey], follow: Follow | None = None) -> None:
        """Take instances off the watched list, to which nothing that is followed by now brings them back."""
        rows = {key: row for key in keys if (row := self.watchlist.rows.get(key))}
        for key in self.watchlist.unwatch(keys, follow):
            self._changes.take_off(rows[key], self.follows.values())

    def undo(self, monotonic: float) -> Edit | None:
        """Undo the last edit of the user that is not undone; returns what that was of."""
        edit = self.watchlist.undo(self.follows)
        if edit is None:
            return None
        if edit.follow is not None and edit.is_addition:
            self._end_follow(edit.follow.number, monotonic)
        elif edit.follow is not None:
            self.follow(edit.follow, monotonic)
        for key in edit.rows:
            if edit.field == "note":
                self._note_text(key)
            elif edit.field:
                self._note_mark(self.watchlist.rows[key])
            elif edit.is_addition:
                self._changes.take_off(self.watchlist.rows[key], self.follows.values())
            else:
                self._changes.added[key] = self.watchlist.rows[key]
        return edit

    def drop(self, key: InstanceKey) -> None:
        """Take an instance off the list that should not have been put there."""
        self.watchlist.drop(key)
        self._changes.remove(key)

    def note(self, key: InstanceKey, text: str, *, is_undoable: bool) -> None:
        """Keep a note about a watched row, in place of the one before; "" removes it."""
        row = self.watchlist.rows.get(key)
        if row is None or not row.is_watched or row.note == text:
            return
        if is_undoable:
            self.watchlist.note_edit([key], field="note")
        self.watchlist.put(row._replace(note=text))
        self._note_text(key)

    def _note_text(self, key: InstanceKey) -> None:
        row = self.watchlist.rows[key]
        if key in self._changes.added:
            self._changes.added[key] = row
        else:
            self._changes.notes[key] = row.note

    def mark_seen(self, keys: Sequence[InstanceKey] | None, *, is_undoable: bool) -> None:
        """Clear unseen marks, all without keys."""
        for key in self.watchlist.mark_seen(keys, is_undoable=is_undoable):
            self._note_mark(self.watchlist.rows[key])

    def observed(
        self, key: InstanceKey, seen: Observation, before: WorkflowInstance | None
    ) -> None:
        """Note what a reading that was taken in changed; `before` is what was held."""
        row, change = self.watchlist.rows[key], seen.transition
        if change is not None and row.instance is not None:
            self.transitions = [change, *self.transitions[: SHOWN_TRANSITIONS - 1]]
            self._changes.transitions.append(change)
            del self._changes.transitions[:-_MAX_UNSAVED_TRANSITIONS]
            self._unsaved_news.append(change)
        new = row.instance
        if new is not None and new == before and new.packed == before.packed:
            new = None
        self._note(row, new, change)
        if seen.is_news:
            self._note_mark(row)

    def explain(self, key: InstanceKey, failed: Iterable[TaskInstance]) -> None:
        """Record the tasks that failed with the change of a row to its failure, if that does not have them."""
        row = self.watchlist.rows[key]
        brief = tuple(
            TaskInstance(t.id, task_name=t.task_name[:MAX_NAME], run_number=t.run_number)
            for t in failed
        )
        change = row.last_change
        if not brief or row.failed or change is None or change.family is not Family.FAILURE:
            return
        explained = change._replace(failed=brief)
        self.watchlist.put(row._replace(last_change=explained))
        self.transitions = _each_once(
            explained if each.identity == change.identity else each for each in self.transitions
        )
        self._changes.explained.append(explained)

    def follow(self, follow: Follow, monotonic: float) -> Follow | None:
        """Keep a follow, at once; returns it with its number, None where it can't be kept.

        Where an equal one is kept already, it returns that.
        """
        kept = self._use(lambda: self.store.add_follow(follow), monotonic)
        if kept is not None:
            self.follows = {**self.follows, kept.number: kept}
        return kept

    def due_of(self, row: Row) -> datetime | None:
        """Return by when a row is to be done, in the region's zone, by the follow that covers it."""
        one = row.instance
        begin = None if one is None or one.is_settled else moment_of(one.biz_date)
        if begin is None:
            return None
        follow = follow_of(row, (each for each in self.follows.values() if each.due))
        return None if follow is None else follow.due_at(begin)

    def unfollow(self, number: int, keys: Sequence[InstanceKey], monotonic: float) -> None:
        """Remove a follow, at once, and take rows off the list; `undo` brings both back."""
        self.unwatch(keys, self.follows.get(number))
        self._end_follow(number, monotonic)

    def _end_follow(self, number: int, monotonic: float) -> None:
        self._use(lambda: self.store.remove_follow(number), monotonic)
        self.follows = {n: each for n, each in self.follows.items() if n != number}

    def passed_over(self, keys: Sequence[InstanceKey], monotonic: float) -> Collection[InstanceKey]:
        """Return those that a follow brought and that left the list; all where that can't be read."""
        found = self._use(lambda: self.store.passed_over(keys), monotonic) if keys else set()
        return keys if found is None else found

    def failed_at_first_sight(self, key: InstanceKey, change: Transition) -> None:
        """Note that the first reading of a row is a failure that the user is to be notified of."""
        row = self.watchlist.rows[key]
        self.watchlist.put(row._replace(is_unseen=True, last_change=change))
        self.observed(key, Observation(News.CHANGED, change), row.instance)

    def store_again(self, key: InstanceKey) -> None:
        """Replace a stored row that is of another instance, or from a clock set back since."""
        row = self.watchlist.rows[key]
        if row.is_watched:
            self._changes.remove(key)
            self._changes.added[key] = row

    def gone(self, key: InstanceKey) -> None:
        """Note that an instance is gone."""
        row = self.watchlist.rows[key]
        self._note(row, None, None)
        self._note_mark(row)

    def history(self, key: InstanceKey | None, monotonic: float) -> tuple[Transition, ...]:
        """Return the changes of one instance, newest first."""
        if key is None:
            return ()
        # The store is read again only when there are others.
        if self._history[0] != key or self._history[1] is not self.transitions:
            read = self._use(lambda: self.store.transitions(SHOWN_TRANSITIONS, key), monotonic)
            known = [change for change in self.transitions if change.key == key]
            found = tuple(_each_once([*known, *(read or ())]))
            self._history = key, self.transitions, found
        return self._history[2]

    def looked_up(self, number: InstanceId, now: datetime) -> None:
        """Note an ID that was looked up and found."""
        if self.recent[:1] != [number]:
            self.recent = [number, *(known for known in self.recent if known != number)]
            del self.recent[MAX_RECENT:]
            self._changes.recent[number] = now

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._changes.meta[name] = value

    def remembered(self, name: str, monotonic: float) -> str:
        """Return the value kept under a name, "" if there is none."""
        unsaved = self._changes.meta.get(name)
        return unsaved or self._use(lambda: self.store.meta(name), monotonic) or ""

    def recalled(self, name: str, monotonic: float) -> dict[str, Any]:
        """Return the JSON object kept under a name, empty where none can be read."""
        try:
            return dict(json.loads(self.remembered(name, monotonic) or "{}"))
        except (RecursionError, TypeError, ValueError):
            return {}

    def claim(
        self, names: Collection[str], moment: Moment, *, since: datetime = EVER
    ) -> Collection[str]:
        """Claim notifications for this process, each by a name that is the same in all processes.

        Returns those that no process has claimed after `since`.
        """
        if not names:
            return names
        done = self._use(lambda: self.store.claim(names, since, moment.now), moment.monotonic)
        # Without a store: better two notifications, of two processes, than none.
        return names if done is None else done

    def count_call(self, account: Account, day: date) -> None:
        """Count a call that went out."""
        self._changes.calls[account, day] += 1
        self._counts[account, day] += 1

    def calls(self, account: Account, day: date, monotonic: float) -> int:
        """Return the calls of an account on a day, over all processes."""
        if (account, day) not in self._counts:
            stored = self._use(lambda: self.store.calls(account, day), monotonic) or 0
            self._counts[account, day] = self._changes.calls[account, day] + stored
        return self._counts[account, day]

    def _use(self, work: Callable[[], _T], monotonic: float) -> _T | None:
        """Return what work with the store gives; None where it failed, or is not tried again yet."""
        if monotonic < self._retry_at:
            return None
        found = None
        try:
            found = work()
        except StoreError as error:
            self.trouble = str(error)
            place = min(self._failures, len(RETRY_SECONDS) - 1)
            self._retry_at = monotonic + RETRY_SECONDS[place]
            self._failures += 1
        else:
            self._failures = 0
            if self.trouble:
                self.notices.say("The watched list is saved again.")
            self.trouble = ""
        if unreadable := self.store.take_unreadable():
            self.notices.say(unreadable, is_error=True)
        if (moved_to := self.store.set_aside) is not None:
            text = f"The stored list was damaged and was set aside as {moved_to}."
            self.notices.say(text, is_error=True)
            self.store.set_aside = None
            self._retry_at = -inf
        return found

    def _sync(self, moment: Moment) -> list[InstanceKey]:
        if self.store.was_replaced():
            self.store.close()
        if not self.store.has_news():
            return []
        # The first look finds what was written before. Who is there still saves again, as soon as
        # they find what this process saves first.
        if self._saved_at > -inf:
            self._shared_until = moment.monotonic + _SHARED_SECONDS
        if self.store.is_other_file():
            # It lacks everything, which does not mean that the user removed it.
            self._changes.added |= {row.key: row for row in self.watchlist.watched()}
        taken = self._take_over(moment)
        for counted in tuple(self._counts):
            self._counts[counted] = self.store.calls(*counted) + self._changes.calls[counted]
        if self.trouble and self._changes:
            # A disk that is full can still be read: the trouble is over when this works, too.
            self._save()
        return taken

    def _take_over(self, moment: Moment | None) -> list[InstanceKey]:
        held = self.watchlist.rows
        taken = self.watchlist.take_over(self.store.rows(held), self._changes, moment)
        self._read_transitions()
        self.recent = self.store.recent()
        self.read_follows()
        return taken

    def _save(self) -> None:
        changes = self._changes
        recorded = self.store.save(changes)
        self._changes = Changes()
        news = set(self._unsaved_news)
        self._publish([change for change in recorded if change in news])
        if self._recorded is not None:
            self._recorded |= {change.identity for change in recorded}
        if changes.transitions:
            self._read_transitions()
        for counted in changes.calls:
            self._counts[counted] = self.store.calls(*counted)

    def _publish(self, changes: Iterable[Transition]) -> None:
        self.news += changes
        self._unsaved_news = []

    def _read_transitions(self) -> None:
        stored = self.store.transitions(SHOWN_TRANSITIONS)
        # Those that can't be saved yet are not there, and have been seen all the same.
        unsaved = reversed(self._changes.transitions)
        self.transitions = _each_once([*unsaved, *stored])[:SHOWN_TRANSITIONS]
        if self._recorded is not None:
            self.news += [each for each in stored if each.identity not in self._recorded]
        self._recorded = frozenset(change.identity for change in stored)

    def _note(self, row: Row, instance: WorkflowInstance | None, change: Transition | None) -> None:
        """Have a reading saved; instance and change are None where they stay as they are."""
        is_known = row.read_at is not None
        if not row.is_watched or not (is_known or row.is_gone):
            return
        if row.key in self._changes.added:
            self._changes.added[row.key] = row
            return
        unsaved = self._changes.readings.get(row.key)
        if unsaved is not None:
            instance, change = instance or unsaved.instance, change or unsaved.last_change
        if is_known and unsaved is None and instance is None and change is None:
            self._changes.ages[row.key] = row
        else:
            self._changes.ages.pop(row.key, None)
            noted = row._replace(instance=instance, last_change=change)
            self._changes.readings[row.key] = noted

    def _note_mark(self, row: Row) -> None:
        if row.key in self._changes.added:
            self._changes.added[row.key] = row
        elif row.is_watched:
            self._changes.unseen[row.key] = row.is_unseen


def _each_once(changes: Iterable[Transition]) -> list[Transition]:
    found = dict[object, Transition]()
    for change in changes:
        found.setdefault(change.identity, change)
    return [*found.values()]


_LEARNT_FOR = timedelta(days=7)  # then the edition may be another one
_MARGIN = 0.9


class DailyBudget:
    """Keeps the token buckets in step with the wall clock and with what all processes have used."""

    def __init__(self, journal: Journal, limits: Limits) -> None:
        self._journal = journal
        self._limits = limits
        self._days: dict[Account, date] = {}

    def follow(self, target: Target, moment: Moment) -> None:
        """Begin a day where a new one has come, else correct the count."""
        account, monotonic = target.account, moment.monotonic
        day = day_of(target.region, moment.now)
        used = self._journal.calls(account, day, monotonic)
        bucket = self._limits.bucket(target, monotonic)
        # In UTC, since a day in which a zone changes its offset is not 24 hours long.
        seconds_left = day_ends_at(target.region, moment.now).timestamp() - moment.now.timestamp()
        ends_at = monotonic + seconds_left
        if self._days.get(account) != day:
            self._days[account] = day
            bucket.budget = self._learnt(account, self._limits.budget, moment)
            bucket.begin_day(monotonic, ends_at=ends_at, used=used)
        else:
            # A call on its way is in the bucket's count, and may not be in the journal's yet.
            is_true = not self._limits.has_calls_out(target)
            bucket.correct(monotonic, used if is_true else bucket.used, ends_at=ends_at)

    def called(self, target: Target, now: datetime) -> None:
        """Count a request that goes out."""
        self._journal.count_call(target.account, day_of(target.region, now))

    def calls_today(self, target: Target, moment: Moment) -> int:
        """Return the calls of a target's account on this day, over all processes."""
        return self._journal.calls(
            target.account, day_of(target.region, moment.now), moment.monotonic
        )

    def limit_met(self, target: Target, moment: Moment) -> None:
        """Learn from an answer that says the day's calls are used up, unless it repeats another.

        A limit that outlasts our day says nothing about the calls of this one.
        """
        if isinstance(self._limits.account_breaker(target).error, DailyLimit):
            return
        bucket = self._limits.bucket(target, moment.monotonic)
        learnt = max(LEAST_LEARNT_BUDGET, int(self.calls_today(target, moment) * _MARGIN))
        if learnt < bucket.budget:
            bucket.budget = learnt
            until = (moment.now + _LEARNT_FOR).isoformat()
            self._journal.remember(_name(target.account), f"{learnt} {until}")

    def _learnt(self, account: Account, budget: int, moment: Moment) -> int:
        text = self._journal.remembered(_name(account), moment.monotonic)
        calls, _, until = text.partition(" ")
        try:
            is_valid = moment.now < datetime.fromisoformat(until)
            return min(budget, max(LEAST_LEARNT_BUDGET, int(calls))) if is_valid else budget
        except (ValueError, TypeError):
            return budget


def _name(account: Account) -> str:
    return f"budget {account[0]} {account[1]}"
