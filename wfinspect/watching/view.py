"""Snapshots: which readings count as the present, which targets are out of contact, what is shown.

A reading is old after a time that follows from its interval, with what our own budget and rate make
of that; it stays old until the next one. Contact with a target is lost when its fastest row has grown
old while every call failed. Then none of its unsettled rows counts as the present until it is read.
Waiting for our own budget or rate loses no contact.

Rows are judged again only when they were touched, and when time alone changes them.
"""

import heapq
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import chain
from math import inf

from wfinspect.clock import Moment
from wfinspect.errors import CredentialsMissing, DailyLimit, Refused
from wfinspect.model import InstanceKey, Target
from wfinspect.watching.api import Contact, Health, Row, Slow, Snapshot, Trouble
from wfinspect.watching.cadence import SETTLED_FRESH_SECONDS, freshness_seconds
from wfinspect.watching.journal import Journal
from wfinspect.watching.limits import CircuitBreaker, Wait
from wfinspect.watching.notifications import Alerts
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.watchlist import RowState, Watchlist

_LASTING = CredentialsMissing, Refused, DailyLimit
"""Time alone ends none of these, so contact is lost with the first."""
_SLOW_FROM = 1.25
"""By what factor intervals have to be longer than wished before that is said."""
_LONG_SECONDS = 60.0
"""How long a first reading may wait for the budget before that is said."""
_SAME_SLOWNESS = 0.8, 1.25
"""A bucket's level moves with every call; what is said of it does not."""


class View:
    """Makes snapshots of what the journal and the schedule hold."""

    def __init__(self, journal: Journal, schedule: Schedule, alerts: Alerts) -> None:
        self.snapshot = Snapshot()
        self.judge = Judge(journal.watchlist, schedule)
        self._journal = journal
        self._schedule = schedule
        self._alerts = alerts
        self._troubles: dict[CircuitBreaker, tuple[tuple[float, int], Trouble]] = {}
        """That of each open breaker, with the attempt it is of."""
        self._slow: Slow | None = None
        self._live: InstanceKey | None = None
        """A row that was polled and live."""

    def draw(
        self,
        health: Health,
        targets: Iterable[Target],
        displayed: InstanceKey | None,
        moment: Moment,
    ) -> float:
        """Make the next snapshot; returns when time alone changes what is shown, in monotonic seconds.

        Args:
            health: with everything but contact, trouble and slowness.
            targets: those in use.
            displayed: the instance on display.
            moment: the time of the snapshot.
        """
        breakers = {target: self._schedule.limits.open_breaker(target) for target in targets}
        troubles = {target: self._trouble(each, moment) for target, each in breakers.items()}
        self.judge.follow(breakers, troubles, moment.monotonic)
        watchlist, lost = self._journal.watchlist, self.judge.lost
        self._slow = self._slowness(breakers, moment.monotonic)
        contact = self._contact(is_known=health.last_good_at is not None)
        said: dict[Target, Trouble] = {}
        if contact is Contact.NOT_LIVE:
            said = {target: each for target, each in troubles.items() if each and target in lost}
        trouble = next(iter(said.values()), None)
        if trouble is None:
            # One failed call may be chance; a second in a row is said although rows are live.
            repeated = (t for t, each in breakers.items() if each is not None and each.failures > 1)
            trouble = next((troubles[target] for target in repeated), None)
        self._follow_outage(contact, trouble, moment)
        self.snapshot = Snapshot(
            rows=self.snapshot.rows.updated(watchlist.take_changed()),
            health=health._replace(contact=contact, trouble=trouble, slow=self._slow),
            troubles=said,
            transitions=tuple(self._journal.transitions),
            history=self._journal.history(displayed, moment.monotonic),
            notices=self._journal.notices.latest(),
            recent_ids=tuple(self._journal.recent),
            follows=tuple(self._journal.follows.values()),
            follow_trouble=self._journal.follow_trouble,
            alert=self._alerts.latest,
        )
        return min(self._alerts.outage.wakes_at(), self._alerts.due_at, self.judge.changes_at)

    def _trouble(self, breaker: CircuitBreaker | None, moment: Moment) -> Trouble | None:
        """Return what opened a breaker, the same object until the next attempt fails."""
        if breaker is None or breaker.error is None:
            self._troubles = {each: of for each, of in self._troubles.items() if each.is_open}
            return None
        attempt, known = (breaker.retry_at, breaker.failures), self._troubles.get(breaker)
        if known is not None and known[0] == attempt:
            return known[1]
        seconds = max(0.0, breaker.retry_at - moment.monotonic)
        error, retry_at = breaker.error, moment.now + timedelta(seconds=seconds)
        trouble = Trouble(error.cause, str(error), retry_at, error.exit_code)
        self._troubles[breaker] = attempt, trouble
        return trouble

    def _follow_outage(self, contact: Contact, trouble: Trouble | None, moment: Moment) -> None:
        text, is_error, seconds = self._alerts.outage.follow(contact, trouble, moment.monotonic)
        if text:
            self._journal.notices.say(text, is_error=is_error)
            name, lost_at = "lost" if is_error else "back", moment.now - timedelta(seconds=seconds)
            # The names are those of 0.1.0, whose processes may share the store.
            has_command = self._alerts.messenger.has_command
            is_ours = has_command and bool(self._journal.claim([name], moment, since=lost_at))
            self._alerts.say(text, moment.monotonic, is_ours=is_ours)

    def _slowness(self, targets: Iterable[Target], monotonic: float) -> Slow | None:
        """Return how far apart the readings of the slowest target are, by our own limits."""
        if self._schedule.is_paused:
            return None
        found: Slow | None = None
        limits, polled = self._schedule.limits, self._schedule.rounds.calls
        for target in targets if self._schedule.groups.new else ():
            bucket = limits.bucket(target, monotonic)
            # Nothing of it was read yet, and for a while nothing will be.
            if not polled.get(target) and bucket.ready_at(monotonic) - monotonic > _LONG_SECONDS:
                found = Slow(bucket.seconds_a_call(monotonic), "budget")
        for target, wait in self.judge.waits.items():
            calls = polled[target]
            if not calls or target in self.judge.lost:
                continue
            wished = min(calls)
            seconds = wait.interval(wished)
            if seconds < _SLOW_FROM * wished or (found is not None and seconds <= found.seconds):
                continue
            is_of_rate = wait.for_rate > seconds - wait.for_rate - wished
            found = Slow(seconds, "rate" if is_of_rate else "budget")
        if found and self._slow and self._slow.cause == found.cause == "budget":
            least, most = _SAME_SLOWNESS
            if least < found.seconds / self._slow.seconds < most:
                return self._slow
        return found

    def _contact(self, *, is_known: bool) -> Contact:
        """Return whether what is shown is the present; `is_known` where an instance was read."""
        if self._schedule.is_paused:
            return Contact.PAUSED
        if self.judge.lost:
            return Contact.NOT_LIVE
        rows, states = self._journal.watchlist.rows, self._journal.watchlist.states
        # That the service does not know an instance is an answer, too.
        is_known = (
            is_known
            or any(state.missing is not None for state in states.values())
            or (bool(rows) and all(row.is_live for row in rows.values()))
        )
        # Nothing has failed, and yet nothing is the present: the machine was suspended, or the
        # watch paused, and the first answer is still to come.
        is_stale = self._slow is None and self._is_none_live()
        return Contact.LIVE if is_known and not is_stale else Contact.STARTING

    def _is_none_live(self) -> bool:
        """Return whether there are polled rows and none is live."""
        rows, states = self._journal.watchlist.rows, self._journal.watchlist.states
        is_any = False
        # One that was live is likely to be so still.
        for key in chain([self._live] if self._live in rows else [], rows):
            if states[key].is_awaited and states[key].read_at is not None:
                if rows[key].is_live:
                    self._live = key
                    return False
                is_any = True
        return is_any


class Judge:
    """Decides which rows are live, and which targets are out of contact."""

    def __init__(self, watchlist: Watchlist, schedule: Schedule) -> None:
        self._watchlist = watchlist
        self._schedule = schedule
        self._troubles: Mapping[Target, Trouble | None] = {}
        self.waits: Mapping[Target, Wait] = {}
        """What our own limits add to the intervals of each target."""
        self.lost: set[Target] = set()
        """The targets that are out of contact."""
        self._lost_at: dict[Target, float] = {}
        """When contact with each target was last lost, in monotonic seconds."""
        self.changes_at = inf
        """When time alone changes something, in monotonic seconds."""
        self._silences: dict[Target, tuple[float, float, float, bool]] = {}
        """What `_silence` found of each target, until a row of it differs, with `answered_at`."""
        self._looks: list[tuple[float, InstanceKey]] = []
        """A heap of when to look at rows; one that is read is looked at later than it says."""

    def follow(
        self,
        breakers: Mapping[Target, CircuitBreaker | None],
        troubles: Mapping[Target, Trouble | None],
        monotonic: float,
    ) -> None:
        """Judge the rows that may differ by now: those touched, and those that time changes.

        Args:
            breakers: the open breaker of each target, None where calls pass.
            troubles: those of all targets.
            monotonic: the time of this.
        """
        states, touched = self._watchlist.states, self._watchlist.touched
        keys: Iterable[InstanceKey] = [key for key in touched if key in states]
        # When the next attempt is due changes with each; a row is no other for that.
        is_same = _but_for_times(troubles) == _but_for_times(self._troubles)
        keys = {*keys, *self._changed_by(monotonic)} if is_same else states
        touched.clear()
        self._troubles = troubles
        self.waits = self._schedule.waits(monotonic)
        self._judge_all(keys, monotonic)
        contact_changes_at = inf
        for target, breaker in breakers.items():
            is_lost = is_news = False
            if breaker is not None:
                is_lost, is_news, changes_at = self._contact(target, breaker, monotonic)
                contact_changes_at = min(contact_changes_at, changes_at)
            if is_lost and (is_news or target not in self.lost):
                self._lost_at[target] = monotonic
                self._judge_all((key for key in states if key.target == target), monotonic)
            elif not is_lost and target in self.lost:
                # What was held back for so long is read first, and not when it is due.
                self._schedule.due_now(
                    key
                    for key, state in states.items()
                    if key.target == target
                    and state.is_awaited
                    and not self._watchlist.rows[key].is_live
                )
            (self.lost.add if is_lost else self.lost.discard)(target)
        self.lost &= breakers.keys()
        self.changes_at = min(self._next_look_at(), contact_changes_at)

    def _changed_by(self, monotonic: float) -> Iterable[InstanceKey]:
        """Yield the rows that time has changed."""
        while self._next_look_at() <= monotonic:
            _, key = heapq.heappop(self._looks)
            self._watchlist.states[key].looked_at = inf
            yield key

    def _next_look_at(self) -> float:
        """Return when time changes a row."""
        while self._looks:
            at, key = self._looks[0]
            state = self._watchlist.states.get(key)
            if state is not None and state.looked_at == state.changes_at == at:
                return at
            heapq.heappop(self._looks)
            if state is not None and state.looked_at == at:
                state.looked_at = inf
                self._look_later(key)
        return inf

    def _look_later(self, key: InstanceKey) -> None:
        """Have a row looked at when time changes it."""
        state = self._watchlist.states[key]
        if state.changes_at < state.looked_at:
            state.looked_at = state.changes_at
            heapq.heappush(self._looks, (state.looked_at, key))

    def _judge_all(self, keys: Iterable[InstanceKey], monotonic: float) -> None:
        rows, states, no_wait = self._watchlist.rows, self._watchlist.states, Wait()
        for key in keys:
            wait, state = self.waits.get(key.target, no_wait), states[key]
            before = state.read_at, state.interval, state.is_old, state.is_awaited
            judged = judge(
                rows[key],
                state,
                self._schedule.effective_interval(key, wait),
                self._lost_at.get(key.target, -inf),
                self._troubles.get(key.target),
                monotonic,
            )
            self._look_later(key)
            if before != (state.read_at, state.interval, state.is_old, state.is_awaited):
                self._silences.pop(key.target, None)
            if judged is not rows[key]:
                self._watchlist.put(judged)

    def _contact(
        self, target: Target, breaker: CircuitBreaker, monotonic: float
    ) -> tuple[bool, bool, float]:
        """Return whether contact is lost with a target whose last call failed.

        And whether a row says so that was read since it was lost before, and when time alone
        changes that beyond what changes the rows.
        """
        if isinstance(breaker.error, _LASTING):
            return True, False, inf
        limits = self._schedule.limits
        answered_at = limits.answered_at.get(target, -inf)
        known = self._silences.get(target)
        if known is None or known[0] != answered_at:
            known = self._silences[target] = answered_at, *self._silence(target, answered_at)
        _, silent_since, silent_at, is_all_read = known
        if silent_since > -inf:
            return True, silent_since > self._lost_at.get(target, -inf), inf
        if not is_all_read:
            apart = limits.seconds_between_calls(target, monotonic)
            silent_at = min(silent_at, answered_at + freshness_seconds(apart))
        return monotonic >= silent_at, False, silent_at if silent_at > monotonic else inf

    def _silence(self, target: Target, answered_at: float) -> tuple[float, float, bool]:
        """Return what the rows that are awaited say of a silence.

        The last reading of one that has grown old in it; when it will have lasted, since an answer to
        whatever request, as long as the fastest stays fresh; and whether all of them were ever read.
        """
        newest, silent_at, is_all_read = -inf, inf, True
        for key, state in self._watchlist.states.items():
            if state.is_awaited and key.target == target:
                if state.read_at is None:
                    is_all_read = False
                    continue
                last_at = max(answered_at, state.read_at)
                silent_at = min(silent_at, last_at + freshness_seconds(state.interval))
                # A row that only waits behind others' answers has grown old without a loss of contact:
                # every call since its next reading was due must have failed.
                if state.is_old and answered_at <= state.read_at + state.interval:
                    newest = max(newest, state.read_at)
        return newest, silent_at, is_all_read


def _but_for_times(troubles: Mapping[Target, Trouble | None]) -> Mapping[Target, object]:
    return {
        target: each and (each.cause, each.sentence, each.retry_at is None, each.exit_code)
        for target, each in troubles.items()
    }


def judge(
    row: Row,
    state: RowState,
    interval: float,
    lost_at: float,
    trouble: Trouble | None,
    monotonic: float,
) -> Row:
    """Judge a row; returns the same object where nothing of it differs, and updates its state.

    Args:
        row: the row.
        state: its state, with how it was judged the last time.
        interval: seconds within which its next reading is due now.
        lost_at: when contact with its target was last lost, in monotonic seconds.
        trouble: that of its target.
        monotonic: the time of this.
    """
    read_at, is_final, expires_at = state.read_at, row.is_final, -inf
    # A shorter interval makes no reading older than it was, and a longer one none young again.
    if not state.is_old or read_at is None:
        state.interval = max(state.interval, interval)
    if is_final:
        expires_at = inf
    elif read_at is not None:
        least = SETTLED_FRESH_SECONDS if row.family.is_settled else 0.0
        expires_at = read_at + max(freshness_seconds(state.interval), least)
    state.is_old = monotonic >= expires_at
    state.is_awaited = not (is_final or row.is_gone or state.fault)
    is_lost = read_at is not None and read_at <= lost_at and not row.family.is_settled
    is_live = not (state.is_old or is_lost or row.is_gone)
    shown = state.fault or (None if is_live else trouble)
    is_loading = row.instance is None and shown is None
    progress_until = inf if state.outlook is None else state.outlook.progress_until
    outlook, is_in_time = row.outlook, is_live and monotonic < progress_until
    is_progress_live = outlook.progress is not None and is_in_time
    if outlook.is_progress_live != is_progress_live:
        outlook = outlook._replace(is_progress_live=is_progress_live)
    times = (expires_at, progress_until)
    state.changes_at = min((at for at in times if at > monotonic), default=inf)
    judged = (is_live, shown, is_loading, outlook)
    if judged == (row.is_live, row.trouble, row.is_loading, row.outlook):
        return row
    return row._replace(is_live=is_live, trouble=shown, is_loading=is_loading, outlook=outlook)
