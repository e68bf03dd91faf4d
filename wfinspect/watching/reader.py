"""What an answer means for the book and for the schedule. Sends nothing and draws nothing."""

from typing import TYPE_CHECKING

from wfinspect.errors import DailyLimit, NotFound, ServiceError
from wfinspect.format import shown
from wfinspect.instance import InstanceKey, WorkflowInstance
from wfinspect.watching.book import Book
from wfinspect.watching.calls import Answer
from wfinspect.watching.days import Days
from wfinspect.watching.notices import Absence, Notices, Outage
from wfinspect.watching.schedule import Batch, Schedule
from wfinspect.watching.snapshot import Trouble
from wfinspect.watching.source import Group, group_of, with_group
from wfinspect.watching.watchlist import Entry, News

if TYPE_CHECKING:
    from datetime import datetime

_NAMED = 5
_NAME_LIMIT = 100


class Reader:
    """Takes answers in; the only place that turns a `ServiceError` into trouble of a row."""

    def __init__(
        self, book: Book, schedule: Schedule, days: Days, notices: Notices, outage: Outage
    ) -> None:
        self._book = book
        self._schedule = schedule
        self._days = days
        self._notices = notices
        self._outage = outage
        self._absence = Absence()
        known = (entry for entry in book.watchlist.watched() if entry.instance is not None)
        self._absence.begin(entry.key for entry in known if not entry.is_final)
        self._unknown: dict[InstanceKey, str] = {}
        self.last_good_at: datetime | None = None
        """When the service last answered with instances."""

    def absorb(self, answer: Answer, displayed: InstanceKey | None) -> None:
        """Take an answer in."""
        batch, outcome = answer.batch, answer.outcome
        self._book.watchlist.touch(batch.keys)
        if isinstance(outcome, NotFound):
            self._schedule.succeeded(batch, {}, answer.now)
            if batch.group is None:
                self._missed(batch.keys[0], outcome, answer)
        elif isinstance(outcome, ServiceError):
            if isinstance(outcome, DailyLimit):
                self._days.limit_met(batch.binding, answer.now, answer.at)
            is_of_one = self._schedule.failed(batch, outcome, answer.now)
            if is_of_one:
                self._blame(batch.keys[0], outcome, answer)
        else:
            self.last_good_at = answer.at
            found = self._placed(batch, outcome, answer.now)
            for key in batch.keys:
                if key in found and key in self._book.entries:
                    self._observe(key, found[key], answer)
            if displayed in found:
                self._book.looked_up(displayed.id, answer.at)

    def heard_elsewhere(self, key: InstanceKey, now: float) -> None:
        """Note that another process has read a row."""
        self._absence.heard(key, now)

    def tell(self, now: float) -> None:
        """Say what is said of many rows in one sentence, once it is known of enough of them."""
        if text := self._absence.take(now):
            self._notices.say(text)
        self._tell_unknown()

    def _tell_unknown(self) -> None:
        """Say which IDs were not added."""
        if not self._unknown or any(self._is_awaited(e) for e in self._book.entries.values()):
            return
        numbers = [str(key.id) for key in self._unknown]
        text = next(iter(self._unknown.values()))
        if len(numbers) > 1:
            more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
            text = f"the service knows none of {', '.join(numbers[:_NAMED])}{more}."
        self._notices.say(f"Not watched: {text}", is_error=True)
        self._unknown.clear()

    def _is_awaited(self, entry: Entry) -> bool:
        """Whether it will soon be known if a new row is to stay."""
        is_new = entry.is_watched and entry.instance is None and entry.trouble is None
        return is_new and self._schedule.limits.closed_gate(entry.key.binding) is None

    def _placed(
        self, batch: Batch, instances: tuple[WorkflowInstance, ...], now: float
    ) -> dict[InstanceKey, WorkflowInstance]:
        """The instances that were asked for, after the schedule has learnt where they belong."""
        found = {InstanceKey(batch.binding, each.id): each for each in instances}
        if batch.group is not None and not found.keys() <= set(batch.keys):
            self._schedule.groups.ignored_ids(batch.group, now)
        wanted = {
            key: with_group(found[key], batch.group or self._group_of(key))
            for key in batch.keys
            if key in found
        }
        groups = {key: group_of(batch.binding, each) for key, each in wanted.items()}
        self._schedule.succeeded(batch, groups, now)
        return wanted

    def _group_of(self, key: InstanceKey) -> Group | None:
        """The group by the reading that is held."""
        entry = self._book.entries.get(key)
        held = entry.instance if entry is not None else None
        return group_of(key.binding, held) if held is not None else None

    def _observe(self, key: InstanceKey, instance: WorkflowInstance, answer: Answer) -> None:
        entry = self._book.entries[key]
        before, read_at = entry.instance, entry.read_at
        seen = self._book.watchlist.observe(key, instance, answer.at, answer.now)
        if seen.news is News.STALE:
            return
        if seen.news is News.REPLACED or (read_at is not None and answer.at < read_at):
            self._book.keep_anew(key)
        self._book.observed(key, seen, before)
        if seen.news is News.REPLACED:
            self._notices.say(f"{key.id} now names another instance: {_name(instance)}.")
        if seen.news is News.WENT_BACK:
            self._notices.say(f"The service went back to an older state of {key.id}.")
        if seen.transition is not None:
            self._outage.changed(seen.transition)
        self._absence.heard(key, answer.now, seen.transition)

    def _missed(self, key: InstanceKey, error: NotFound, answer: Answer) -> None:
        entry = self._book.entries.get(key)
        if entry is None:
            return
        self._absence.heard(key, answer.now)
        if self._book.watchlist.missed(key, _trouble(error), answer.now):
            self._book.gone(key)
            name = _name(entry.instance) if entry.instance else ""
            self._notices.say(f"{name} ({key.id}) is gone: the service no longer knows it.")
        if entry.instance is None and entry.is_watched:
            self._book.drop(key)
            self._unknown[key] = str(error)

    def _blame(self, key: InstanceKey, error: ServiceError, answer: Answer) -> None:
        entry = self._book.entries.get(key)
        if entry is not None:
            entry.trouble = _trouble(error)
            self._absence.heard(key, answer.now)


def _name(instance: WorkflowInstance) -> str:
    """A name in a sentence."""
    return shown(instance.name, limit=_NAME_LIMIT)


def _trouble(error: ServiceError) -> Trouble:
    return Trouble(error.cause, str(error), None, error.exit_code)
