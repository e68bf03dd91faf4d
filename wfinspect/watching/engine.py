"""One step of a watch: take answers in, take over what others did, send, save, notify, draw."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from wfinspect.clock import Clock, Moment
from wfinspect.errors import CredentialsMissing, DailyLimit, NotFound, Refused, ServiceError
from wfinspect.format import listed, shown
from wfinspect.format import moment as format_moment
from wfinspect.model import Family, Follow, InstanceKey, Query, Target, Transition, WorkflowInstance
from wfinspect.watching.api import (
    MAX_NOTE,
    A,
    Connect,
    Group,
    Health,
    Heard,
    Request,
    Row,
    Snapshot,
    Trouble,
    group_of,
    with_group,
)
from wfinspect.watching.calls import BatchAnswer, Calls
from wfinspect.watching.follows import FollowTracker, Found
from wfinspect.watching.journal import DailyBudget, Journal
from wfinspect.watching.lookups import Lookups
from wfinspect.watching.notifications import TRIAL, Alerts
from wfinspect.watching.outlook import OutlookTracker
from wfinspect.watching.schedule import Batch, Schedule
from wfinspect.watching.store import Store
from wfinspect.watching.view import View
from wfinspect.watching.watchlist import MAX_NAME, NEW, Attention, News, event_of

if TYPE_CHECKING:
    from datetime import datetime

_NAMED = 5
_NAME_LIMIT = 100


class Engine:
    """The watch without a thread: what the user wants are methods, to be called between two steps."""

    def __init__(
        self,
        target: Target,
        connect: Connect,
        clock: Clock,
        *,
        store: Store,
        schedule: Schedule,
        alerts: Alerts,
    ) -> None:
        """Load the store, so that `snapshot` has the rows before anything is requested.

        Args:
            target: the one that new IDs get.
            connect: opens a source for a target, in the event loop of the steps.
            clock: the only source of time.
            store: holds the list; an `EphemeralStore` leaves the user's own list as it is.
            schedule: decides the next call.
            alerts: decide what the user is notified of.
        """
        self.target, self.clock = target, clock
        self._schedule = schedule
        self._alerts = alerts
        self._attention = Attention(schedule.interval_seconds)
        self._journal = Journal(store)
        self._notices = self._journal.notices
        self._watchlist = self._journal.watchlist
        self._days = DailyBudget(self._journal, schedule.limits)
        self._calls = Calls(
            connect, clock, on_call=lambda called: self._days.called(called, clock.now())
        )
        self._lookups = Lookups(self._calls, self._journal, schedule.limits, self._days, clock)
        self._outlooks = OutlookTracker(
            self._journal, schedule, self._attention, self._lookups, alerts, clock
        )
        self._follows = FollowTracker(
            self._journal, schedule, self._lookups, clock, self._read_beside, self._join
        )
        self._view = View(self._journal, schedule, alerts)
        self._unknown: dict[InstanceKey, str] = {}
        """New IDs that the service does not know, each with what it said, until that is notified."""
        self._new: deque[InstanceKey] = deque()
        """IDs that were put on the list, from the first of which it is not known yet if it is to stay."""
        self._together: set[InstanceKey] = set()
        """What the user put on the list since it was last known of all of them."""
        self._last_good_at: datetime | None = None
        """When the service last answered with instances."""
        self._is_open = self._is_opening = False
        self._open_error: ServiceError | None = None
        self._fingerprints: dict[Target, tuple[int, str]] = {}
        """Of each refused target: its failures in a row, and the credentials since then."""
        moment = clock.moment()
        self._journal.load(moment.monotonic)
        self._new.extend(row.key for row in self._watchlist.watched() if row.instance is None)
        self._reconcile(moment.monotonic)
        self._draw(moment)

    @property
    def snapshot(self) -> Snapshot:
        """The newest state."""
        return self._view.snapshot

    @property
    def in_flight(self) -> int:
        """How many calls have no answer yet."""
        return self._calls.in_flight

    def on_answer(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, in the event loop, when there is something to do before its time."""
        self._calls.wake = wake

    # The steps.

    def step(self) -> float | None:
        """Do all that is due; returns the seconds until there is more.

        None means that only an answer or the user brings more. Needs a running event loop.
        """
        moment = self.clock.moment()
        # First what others read: an answer that says the same is no second change then.
        read_elsewhere = self._take_over(moment)
        self._take_answers()
        self._reschedule(read_elsewhere, moment)
        self._send(moment.monotonic)
        self._outlooks.step()
        self._follows.step()
        # Nothing is notified or shown that a crash could still lose.
        self._journal.save(moment.monotonic)
        self._notify(moment)
        return self._next_in(moment.monotonic, self._draw(moment))

    async def aclose(self) -> None:
        """Save and notify what is left, then close the sources and wait for the last answers."""
        self._journal.save_last()
        self._notify(self.clock.moment(), is_last=True)
        self._journal.store.close()
        self._alerts.messenger.close()
        self._lookups.end()
        await self._calls.aclose()

    def restart(self) -> None:
        """Let go of all that belonged to an event loop that has ended."""
        self._calls.restart()
        self._lookups.restart()

    # What the user wants; `Poller` has each of these under the same name.

    def display(self, key: InstanceKey | None) -> None:
        """Put an instance on display, which is read more often then, or none.

        One that is not watched joins the rows, in place of the one before it, and is read at once.
        """
        moment, before = self.clock.moment(), self._attention.displayed
        self._attention.display(key, moment.monotonic)
        self._watchlist.touch(each for each in (before, key) if each is not None)
        if key is None:
            self._reconcile(moment.monotonic)
            return
        row = self._watchlist.add(key)
        if not row.is_watched:
            self._watchlist.look_up(key)
            if row.instance is not None:
                self._journal.looked_up(key.id, moment.now)
        self._reconcile(moment.monotonic)
        if self._watchlist.states[key].read_at is None and not row.is_final:
            self._schedule.request(key, moment.monotonic, is_urgent=True)

    def watch(self, keys: Sequence[InstanceKey], *, is_undoable: bool = True) -> None:
        """Add to the watched list. A new ID that the service does not know is dropped with a notice."""
        moment = self.clock.moment()
        new = self._journal.watch(keys, moment.now)
        if is_undoable:
            self._watchlist.note_edit(new, is_addition=True)
        self._new.extend(keys)
        self._together.update(keys)
        self._reconcile(moment.monotonic)
        for key in keys:
            if self._watchlist.states[key].read_at is None:
                self._schedule.request(key, moment.monotonic)

    def unwatch(self, keys: Sequence[InstanceKey], *, stays: bool = False) -> None:
        """Take off the list; what is on it without being watched as well.

        With `stays` the last of them remains as if it were looked up, in every snapshot.
        """
        if stays:
            # On display before, so that its reading is kept; after, so that it joins as looked up.
            self.display(keys[-1])
        self._journal.unwatch(keys)
        if stays:
            self.display(keys[-1])
        self._reconcile(self.clock.monotonic())

    def undo(self) -> None:
        """Undo the last edit of the list, its follows, notes or marks that is not undone; say what it was."""
        edit = self._journal.undo(self.clock.monotonic())
        if edit is None:
            self._notices.say("Nothing to undo.")
            return
        keys, displayed = list(edit.rows), self._attention.displayed
        what = [f"the follow {edit.follow.query.words()}"] if edit.follow else []
        if keys:
            instance = self._watchlist.rows[keys[0]].instance
            one = f"{_name(instance) if instance else ''} {keys[0].id}".lstrip()
            what.append(one if len(keys) == 1 else f"{len(keys)} instances")
        did = "Unwatched" if edit.is_addition else "Restored"
        if edit.field == "note":
            did = f"{did if self._watchlist.rows[keys[0]].note else 'Removed'} the note of"
        elif edit.field:
            did = "Unseen again:"
        text = f"{did} {' and '.join(what)}"
        if edit.is_addition and edit.follow is not None:
            stay = ". Its rows stay." if self._brought(edit.follow.number) else ""
            text = f"Not followed any more: {edit.follow.query.words()}{stay}"
        if edit.is_addition and displayed in edit.rows:
            # It stays as if it were looked up, which it was before.
            self.display(displayed)
        self._reconcile(self.clock.monotonic())
        is_back = bool(keys) and not edit.is_addition and not edit.field
        self._notices.say(text, key=keys[0] if is_back else None)

    def follow(self, target: Target, query: Query) -> None:
        """Have the instances of a query join the list by themselves, on each business date."""
        moment = self.clock.moment()
        found = (row.instance for row in self._watchlist.rows.values() if row.key.target == target)
        runs = (each.name for each in found if query.workflow_id and each and query.matches(each))
        follow = Follow(0, target, query, moment.now, name=next(filter(None, runs), "")[:MAX_NOTE])
        kept = self._journal.follow(follow, moment.monotonic)
        if kept is None:
            self._notices.say(f"Not followed: {self._journal.trouble}", is_error=True)
        elif kept[1:] != follow[1:]:
            self._notices.say(f"Followed already: {query.words()}.")
        else:
            self._watchlist.note_edit((), kept, is_addition=True)

    def note(self, key: InstanceKey, text: str, *, is_undoable: bool = True) -> None:
        """Keep a note about a watched instance; "" removes it."""
        self._journal.note(key, text.strip()[:MAX_NOTE], is_undoable=is_undoable)

    def unfollow(self, number: int, *, with_rows: bool = False) -> None:
        """Follow a query no longer; the rows it brought stay, or go as well. `undo` undoes it."""
        rows = self._brought(number) if with_rows else []
        self._journal.unfollow(number, rows, self.clock.monotonic())
        self._reconcile(self.clock.monotonic())

    def _brought(self, number: int) -> list[InstanceKey]:
        """Return the rows that a follow brought."""
        return [key for key, row in self._watchlist.rows.items() if row.follow == number]

    def mark_seen(
        self, keys: Sequence[InstanceKey] | None = None, *, is_undoable: bool = False
    ) -> None:
        """Clear the unseen marks of some rows, of all without an argument."""
        self._journal.mark_seen(keys, is_undoable=is_undoable)

    def refresh(self, key: InstanceKey | None = None) -> None:
        """Read one instance now, all without an argument."""
        monotonic = self.clock.monotonic()
        for each in self._watchlist.rows if key is None else [key]:
            if each in self._watchlist.rows:
                self._schedule.request(each, monotonic)

    def set_paused(self, *, paused: bool) -> None:
        """Stop or resume polling; what the user requests still goes out."""
        self._schedule.is_paused = paused

    def set_interval(self, seconds: float) -> None:
        """Set how often active instances are read; at least 2 seconds."""
        self._attention.set_interval(seconds)
        self._watchlist.touch(self._watchlist.rows)
        self._reconcile(self.clock.monotonic())

    def submit(self, request: Request[A], answer: Heard[A]) -> None:
        """Request something beyond the watch, such as tasks or a log.

        `answer` is called once, on the poller's thread, with a `Reply` or a `ServiceError`. Its calls
        are counted like polls, and go out at the same rate; see each request for the costs.
        """
        self._outlooks.submit(request, answer)

    def try_alert(self) -> None:
        """Have an alert raised that says that it is a trial."""
        self._alerts.say(TRIAL, self.clock.monotonic())

    def touch(self) -> None:
        """Say that the user pressed a key: the instance on display stays on the fast cadence."""
        self._attention.touch(self.clock.monotonic())

    # Answers. Only here an error of the service becomes trouble of a row.

    def _take_answers(self) -> None:
        for answer in self._calls.take_answers():
            if answer.batch.keys:
                self._take(answer)
            else:
                self._opened(answer)

    def _take(self, answer: BatchAnswer) -> None:
        batch, outcome, moment = answer.batch, answer.outcome, answer.moment
        self._watchlist.touch(batch.keys)
        if isinstance(outcome, NotFound):
            self._schedule.succeeded(batch, {}, moment.monotonic)
            if batch.group is None:
                self._missed(batch.keys[0], outcome, moment.monotonic)
        elif isinstance(outcome, ServiceError):
            if isinstance(outcome, DailyLimit):
                self._days.limit_met(batch.target, moment)
            is_of_one = self._schedule.failed(batch, outcome, moment.monotonic)
            if is_of_one and batch.keys[0] in self._watchlist.rows:
                self._watchlist.states[batch.keys[0]].fault = Trouble.of(outcome)
        else:
            self._last_good_at = moment.now
            found = self._placed(batch, outcome, moment.monotonic)
            for key in batch.keys:
                if key in found and key in self._watchlist.rows:
                    self._observe(key, found[key], moment)
            if self._watchlist.looked_up in found:
                self._journal.looked_up(self._watchlist.looked_up.id, moment.now)

    def _placed(
        self, batch: Batch, instances: Sequence[WorkflowInstance], monotonic: float
    ) -> dict[InstanceKey, WorkflowInstance]:
        """Return the instances that were requested, after the schedule has learnt their groups."""
        found = {InstanceKey(batch.target, each.id): each for each in instances}
        if batch.group is not None and not found.keys() <= set(batch.keys):
            self._schedule.groups.ignored_ids(batch.group, monotonic)
        wanted = {
            key: with_group(found[key], batch.group or self._group_of(key))
            for key in batch.keys
            if key in found
        }
        groups = {key: group_of(batch.target, each) for key, each in wanted.items()}
        self._schedule.succeeded(batch, groups, monotonic)
        return wanted

    def _group_of(self, key: InstanceKey) -> Group | None:
        """Return the group by the reading that is held."""
        row = self._watchlist.rows.get(key)
        return group_of(key.target, row.instance if row is not None else None)

    def _observe(self, key: InstanceKey, instance: WorkflowInstance, moment: Moment) -> None:
        row = self._watchlist.rows[key]
        seen = self._watchlist.observe(key, instance, moment)
        if seen.news is News.STALE:
            return
        if seen.news is News.REPLACED or (row.read_at is not None and moment.now < row.read_at):
            self._journal.store_again(key)
        self._journal.observed(key, seen, row.instance)
        if seen.news is News.REPLACED:
            self._notices.say(f"{key.id} now names another instance: {_name(instance)}.")
        if seen.news is News.WENT_BACK:
            self._notices.say(f"The service went back to an older state of {key.id}.")

    def _read_beside(self, found: Found, moment: Moment) -> None:
        """Take in readings that no poll requested."""
        for key, instance in found.items():
            self._observe(key, instance, moment)
        self._watchlist.touch(found)
        for key in found:
            self._schedule.read_elsewhere(key, moment.monotonic, moment.monotonic)
        self._last_good_at = moment.now

    def _join(self, joining: Mapping[InstanceKey, Follow], found: Found, moment: Moment) -> None:
        """Put instances on the list that follows bring; notifies of those that have failed since then."""
        for key, follow in joining.items():
            self._journal.watch([key], moment.now, follow.number)
        self._reconcile(moment.monotonic)
        self._read_beside({key: found[key] for key in joining}, moment)
        for key, follow in joining.items():
            instance, since = found[key], follow.added_at
            over_at = format_moment(instance.finished_time or instance.modify_time)
            is_failure = instance.family is Family.FAILURE
            if is_failure and over_at is not None and over_at > since:
                name, seen_at = instance.name[:MAX_NAME], min(over_at, moment.now)
                event = event_of(instance, moment.now)
                change = Transition(
                    key, name, NEW, instance.status, seen_at, since, moment.now, event=event
                )
                self._journal.failed_at_first_sight(key, change)

    def _missed(self, key: InstanceKey, error: NotFound, monotonic: float) -> None:
        row = self._watchlist.rows.get(key)
        if row is None:
            return
        if self._watchlist.missed(key, Trouble.of(error), monotonic):
            self._journal.gone(key)
            said = f"{key.id} is gone: the service does not know it. It stays on the list."
            if row.instance is not None:
                name = _name(row.instance)
                said = f"{name} ({key.id}) is gone: the service no longer knows it."
            self._notices.say(said)
        # What was stored before is never forgotten: it becomes gone, and stays.
        is_new = self._watchlist.states[key].is_new or not self._journal.store.is_lasting
        if row.instance is None and row.is_watched and is_new and not row.note:
            self._journal.drop(key)
            self._unknown[key] = str(error)

    # What others did: other processes, the wall clock, and the user at the credentials.

    def _take_over(self, moment: Moment) -> Sequence[InstanceKey]:
        """Take over what other processes did; returns the rows of which they had a newer reading."""
        displayed = self._attention.displayed
        was_listed = displayed is not None and self._watchlist.is_listed(displayed)
        read_elsewhere = self._journal.sync(moment)
        if displayed and was_listed and not self._watchlist.is_listed(displayed):
            # What is read goes without a key.
            self._notices.say(f"{displayed.id} was removed by another wfinspect.")
        return read_elsewhere

    def _reschedule(self, read_elsewhere: Sequence[InstanceKey], moment: Moment) -> None:
        """Bring the schedule in line with what was taken in, and with the time."""
        monotonic = moment.monotonic
        if self._attention.displayed is not None:
            # How often it is polled depends on the time since the last key.
            self._watchlist.touch([self._attention.displayed])
        self._outlooks.follow()
        self._reconcile(monotonic)
        for key in read_elsewhere:
            read_at = self._watchlist.states[key].read_at
            self._schedule.read_elsewhere(key, read_at or monotonic, monotonic)
        for target in self._targets():
            self._days.follow(target, moment)
            self._check_credentials(target, monotonic)

    def _reconcile(self, monotonic: float) -> None:
        """Bring the schedule in line with what was touched of the list."""
        for key in self._watchlist.touched:
            row = self._watchlist.rows.get(key)
            if row is None or not (
                self._watchlist.is_listed(key) or key == self._attention.displayed
            ):
                self._watchlist.forget(key)
                self._schedule.forget(key)
                continue
            self._schedule.add(key, group=group_of(key.target, row.instance))
            cadence = self._attention.cadence(row, self._watchlist.states[key], monotonic)
            self._schedule.set_cadence(key, cadence)

    def _check_credentials(self, target: Target, monotonic: float) -> None:
        """Try a refused target again at once where its credentials are others by now."""
        breaker = self._schedule.limits.account_breaker(target)
        if not isinstance(breaker.error, (Refused, CredentialsMissing)):
            self._fingerprints.pop(target, None)
            return
        seen = self._calls.fingerprint(target)
        failures, known = self._fingerprints.get(target, (0, ""))
        self._fingerprints[target] = breaker.failures, seen
        # A call renews keys itself, in the file as well: when it is refused, those are no news.
        if failures == breaker.failures and known != seen:
            self._schedule.limits.source_changed(target, monotonic)

    def _targets(self) -> list[Target]:
        return list(dict.fromkeys([self.target, *self._schedule.targets]))

    # Calls.

    def _send(self, monotonic: float) -> None:
        if self._opens_at() <= monotonic:
            self._is_opening = True
            self._calls.send(Batch(self.target, ()))
        self._lookups.let_out(monotonic, is_sharing=True)
        while (batch := self._schedule.take_due(monotonic)) is not None:
            self._calls.send(batch)
        self._lookups.let_out(monotonic, is_sharing=False)

    def _opens_at(self) -> float:
        """Return when the source of new IDs is to be opened, infinite once that is done.

        It is opened ahead of need: a first look-up is quicker, and missing keys are said at once.
        """
        if self._is_open or self._is_opening:
            return inf
        return self._schedule.limits.account_breaker(self.target).retry_at

    def _opened(self, answer: BatchAnswer) -> None:
        self._is_opening = False
        breaker = self._schedule.limits.account_breaker(answer.batch.target)
        if isinstance(answer.outcome, ServiceError):
            # No request went out, so that it says nothing of the endpoint.
            self._open_error = answer.outcome
            breaker.failed(answer.outcome, answer.moment.monotonic, day_ends_at=inf)
            return
        self._is_open = True
        if isinstance(breaker.error, CredentialsMissing) or breaker.error is self._open_error:
            breaker.succeeded()

    # Notifications and the picture.

    def _notify(self, moment: Moment, *, is_last: bool = False) -> None:
        """Notify once what happened at the same time is known; the last time, whatever there is."""
        monotonic = moment.monotonic
        self._notify_unknown()
        self._notify_changes(moment)
        missing, self._follows.missing = self._follows.missing, []
        for text in missing if self._alerts.is_late_wanted else ():
            self._notices.say(text, is_error=True)
            self._alerts.say(text, monotonic)
        self._alerts.send(max(monotonic, self._alerts.due_at) if is_last else monotonic)
        if trouble := self._alerts.messenger.take_trouble():
            self._notices.say(trouble, is_error=True)

    def _notify_changes(self, moment: Moment) -> None:
        """Have the changes of watched rows announced; the process that claims one runs the command."""
        rows, news = self._watchlist.rows, self._journal.news
        news = [each for each in news if each.key in rows and rows[each.key].is_watched]
        self._journal.news.clear()
        claims = {_claim(each): each for each in news if self._alerts.is_wanted(each)}
        claimed = self._journal.claim(claims, moment) if self._alerts.messenger.has_command else ()
        for name, change in claims.items():
            is_ours = name in claimed
            self._alerts.changed(change, rows[change.key], moment.monotonic, is_ours=is_ours)

    def _notify_unknown(self) -> None:
        """Say which IDs were not added, and how many others were, once that is known of all new ones."""
        rows = self._watchlist.rows
        while self._new and not self._is_undecided(rows.get(self._new[0])):
            self._new.popleft()
        if not self._new and not self._unknown:
            self._together.clear()
        if not self._unknown or any(map(self._is_awaited, self._new)):
            return
        numbers = [str(key.id) for key in self._unknown]
        text = next(iter(self._unknown.values()))
        if len(numbers) > 1:
            text = f"the service knows none of {listed(numbers, _NAMED)}."
        if others := sum(key in rows and rows[key].is_watched for key in self._together):
            text += f" The other {'one is' if others == 1 else f'{others:,} are'} watched."
        self._notices.say(f"Not watched: {text}", is_error=True)
        self._unknown.clear()
        self._together.clear()

    def _is_undecided(self, row: Row | None) -> bool:
        return row is not None and row.is_watched and row.instance is None

    def _is_awaited(self, key: InstanceKey) -> bool:
        """Return whether it will soon be known if a new row is to stay."""
        if not self._is_undecided(self._watchlist.rows.get(key)):
            return False
        can_be_read = self._schedule.limits.open_breaker(key.target) is None
        return can_be_read and self._watchlist.states[key].fault is None

    def _draw(self, moment: Moment) -> float:
        """Make the next snapshot; returns when time alone changes what is shown."""
        bucket = self._schedule.limits.bucket(self.target, moment.monotonic)
        health = Health(
            last_good_at=self._last_good_at,
            calls_today=self._days.calls_today(self.target, moment),
            budget=bucket.budget,
            interval_seconds=self._attention.interval_seconds,
            store_trouble=self._journal.trouble,
            remarks=self._schedule.groups.remarks(moment.monotonic),
            tasks_wait=self._outlooks.tasks_wait,
        )
        until = self._view.draw(health, self._targets(), self._attention.displayed, moment)
        return min(until, bucket.ends_at)

    def _next_in(self, monotonic: float, drawn_until: float) -> float | None:
        due_at = self._schedule.next_at(monotonic)
        earliest = min(
            drawn_until,
            inf if due_at is None else due_at,
            self._lookups.next_at(monotonic),
            self._outlooks.next_at(monotonic),
            self._follows.next_at(),
            self._opens_at(),
        )
        return None if earliest == inf else max(0.0, earliest - monotonic)


def _claim(change: Transition) -> str:
    """Return the name of a change that all processes know it by.

    It is in the store, or only seen by a watch that leaves the list as it is.
    """
    return f"change {' '.join(change.key.target)} {change.key.id} {change.event}"


def _name(instance: WorkflowInstance) -> str:
    """Return a name for a sentence."""
    return shown(instance.name, limit=_NAME_LIMIT)
