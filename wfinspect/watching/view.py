"""Which readings count as the present, and which targets are out of contact.

A reading is old after a time that follows from its interval, with what our own budget and rate make
of that; it stays old until the next one. Contact with a target is lost when its fastest row has grown
old while every call failed. Then none of its unsettled rows counts as the present until it is read.
Waiting for our own budget or rate loses no contact.

Judged again only for what was touched, and when time alone changes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from wfinspect.errors import CredentialsMissing, DailyLimit, Refused
from wfinspect.model import InstanceKey, Target
from wfinspect.watching.api import Contact, Health, Row, Slow, Snapshot, Trouble
from wfinspect.watching.cadence import freshness_seconds
from wfinspect.watching.journal import Journal
from wfinspect.watching.limits import CircuitBreaker, Wait
from wfinspect.watching.notifications import Alerts, Notices, Outage
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.watchlist import Entry

_LASTING = CredentialsMissing, Refused, DailyLimit
"""Time alone ends none of these, so contact is lost with the first."""


class Sight(NamedTuple):
    """An entry as a screen shows it, with what decides about contact; times are steady seconds."""

    row: Row
    is_awaited: bool
    """A reading is to come, and nothing is wrong with this instance alone."""
    is_missing: bool
    """The last answer was that there is none."""
    read_at: float | None
    """None before the first reading of this process."""
    interval: float
    """The longest time within which the next reading was due since then."""
    is_old: bool
    """The reading has outlived its time, so that only another one makes the row live."""
    changes_at: float
    """When time alone changes it."""


def judge(
    entry: Entry,
    before: Sight | None,
    interval: float,
    lost_at: float,
    trouble: Trouble | None,
    now: float,
) -> Sight:
    """Judge an entry.

    Args:
        entry: the entry.
        before: how it was judged the last time.
        interval: seconds within which its next reading is due now.
        lost_at: when contact with its target was last lost.
        trouble: that of its target.
        now: steady seconds.
    """
    read_at, expires_at = entry.steady_at, -inf
    if entry.is_final:
        expires_at = inf
    elif read_at is not None:
        if before is not None and before.read_at == read_at:
            # A shorter interval makes no reading older than it was, and a longer one none young again.
            interval = before.interval if before.is_old else max(before.interval, interval)
        expires_at = read_at + freshness_seconds(interval)
    is_old = now >= expires_at
    is_lost = read_at is not None and read_at <= lost_at and not entry.family.is_settled
    is_live = not (is_old or is_lost or entry.is_gone)
    shown = entry.trouble or (None if is_live else trouble)
    known = entry.known
    changes = (expires_at, known.progress_until if known else inf)
    return Sight(
        Row(
            key=entry.key,
            instance=entry.instance,
            read_at=entry.read_at,
            is_watched=entry.is_watched,
            is_live=is_live,
            is_unseen=entry.is_unseen,
            is_gone=entry.is_gone,
            last_change=entry.last_change,
            trouble=shown,
            is_loading=entry.instance is None and shown is None,
            outlook=known.outlook(now, is_live=is_live) if known else None,
        ),
        is_awaited=not (entry.is_final or entry.is_gone or entry.trouble),
        is_missing=entry.missing is not None,
        read_at=read_at,
        interval=interval,
        is_old=is_old,
        changes_at=min((at for at in changes if at > now), default=inf),
    )


class Sights:
    """How each instance is shown, and which targets are out of contact."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._begun: set[InstanceKey] = set()
        self.made: dict[InstanceKey, Sight] = {}
        self._troubles: Mapping[Target, Trouble | None] = {}
        self.waits: Mapping[Target, Wait] = {}
        """What our own limits add to the intervals of each target."""
        self.lost: set[Target] = set()
        """The targets that are out of contact."""
        self._lost_at: dict[Target, float] = {}
        """When contact with each target was last lost."""
        self.changes_at = inf
        """When time alone changes something, in steady seconds."""

    def begin(self, key: InstanceKey) -> bool:
        """Await the first reading of an instance; False if it is known."""
        is_new = key not in self._begun
        self._begun.add(key)
        return is_new

    def forget(self, key: InstanceKey) -> None:
        """Drop an instance."""
        self._begun.discard(key)
        self.made.pop(key, None)

    def follow(
        self,
        entries: Mapping[InstanceKey, Entry],
        touched: Iterable[InstanceKey],
        gates: Mapping[Target, CircuitBreaker | None],
        troubles: Mapping[Target, Trouble | None],
        now: float,
    ) -> None:
        """Judge again what may be another by now.

        Args:
            entries: all that are known, each of which was begun.
            touched: those that were read, asked for or changed since the last call.
            gates: the closed gate of each target, None where it is open.
            troubles: those of all targets.
            now: steady seconds.
        """
        if troubles != self._troubles:
            touched = entries
        elif now >= self.changes_at:
            due = (key for key, each in self.made.items() if each.changes_at <= now)
            touched = {*touched, *due}
        self._troubles = troubles
        self.waits = self._schedule.waits(now)
        self._judge((entries[key] for key in touched if key in entries), now)
        contact_changes_at = inf
        for target, gate in gates.items():
            if gate is None:
                is_lost = is_news = False
            else:
                is_lost, is_news, changes_at = self._contact(target, gate, now)
                contact_changes_at = min(contact_changes_at, changes_at)
            if is_lost and (is_news or target not in self.lost):
                self._lost_at[target] = now
                self._judge((e for e in entries.values() if e.key.target == target), now)
            elif not is_lost and target in self.lost:
                # What was held back for so long is asked for first, and not at its next turn.
                self._schedule.due_now(
                    key
                    for key, each in self.made.items()
                    if key.target == target and each.is_awaited and not each.row.is_live
                )
            (self.lost.add if is_lost else self.lost.discard)(target)
        self.lost &= gates.keys()
        soonest = min([each.changes_at for each in self.made.values()], default=inf)
        self.changes_at = min(soonest, contact_changes_at)

    def _judge(self, entries: Iterable[Entry], now: float) -> None:
        for entry in entries:
            key, wait = entry.key, self.waits.get(entry.key.target, Wait())
            self.made[key] = judge(
                entry,
                self.made.get(key),
                self._schedule.effective_interval(key, wait),
                self._lost_at.get(key.target, -inf),
                self._troubles.get(key.target),
                now,
            )

    def _contact(
        self, target: Target, gate: CircuitBreaker, now: float
    ) -> tuple[bool, bool, float]:
        """Whether contact is lost with a target whose last call failed.

        And whether a row says so that was read since it was lost before, and when time alone
        changes that beyond what changes the rows.
        """
        if isinstance(gate.error, _LASTING):
            return True, False, inf
        limits = self._schedule.limits
        answered_at = limits.answered_at.get(target, -inf)
        awaited = [s for s in self.made.values() if s.is_awaited and s.row.key.target == target]
        # A row that only waits behind others' answers has grown old without a loss of contact: every
        # call since its next reading was due must have failed.
        silent = [
            each.read_at
            for each in awaited
            if each.read_at is not None
            and each.is_old
            and answered_at <= each.read_at + each.interval
        ]
        if silent:
            return True, max(silent) > self._lost_at.get(target, -inf), inf
        if all(each.read_at is not None for each in awaited):
            return False, False, inf
        apart = limits.seconds_between_calls(target, now)
        silent_at = answered_at + freshness_seconds(apart)
        return now >= silent_at, False, silent_at if silent_at > now else inf


class Troubles:
    """The trouble behind each closed gate, the same object until the next attempt fails."""

    def __init__(self) -> None:
        self._known: dict[CircuitBreaker, tuple[tuple[float, int], Trouble]] = {}

    def behind(self, gate: CircuitBreaker | None, now: float, at: datetime) -> Trouble | None:
        """What a gate was closed by; None for an open one."""
        if gate is None or gate.error is None:
            self._known = {g: known for g, known in self._known.items() if g.is_closed}
            return None
        attempt, known = (gate.opens_at, gate.failures), self._known.get(gate)
        if known is not None and known[0] == attempt:
            return known[1]
        retry_at = at + timedelta(seconds=max(0.0, gate.opens_at - now))
        trouble = Trouble(gate.error.cause, str(gate.error), retry_at, gate.error.exit_code)
        self._known[gate] = attempt, trouble
        return trouble


_SLOW_FROM = 1.25
"""By what factor intervals have to be longer than wished before that is said."""
_SAME_SLOWNESS = 0.8, 1.25
"""A bucket's level moves with every call; what is said of it does not."""


class View:
    """Draws snapshots of what the book and the schedule hold."""

    def __init__(
        self,
        book: Journal,
        schedule: Schedule,
        sights: Sights,
        notices: Notices,
        alerts: Alerts,
        outage: Outage,
    ) -> None:
        self.snapshot = Snapshot()
        self._outage = outage
        self._book = book
        self._schedule = schedule
        self._sights = sights
        self._notices = notices
        self._alerts = alerts
        self._troubles = Troubles()
        self._slow: Slow | None = None

    def draw(
        self,
        health: Health,
        targets: Iterable[Target],
        displayed: InstanceKey | None,
        now: float,
        at: datetime,
    ) -> float:
        """Make the next snapshot; gives when time alone changes what is shown, in steady seconds.

        Args:
            health: with everything but contact, trouble and slowness.
            targets: those in use.
            displayed: the instance on display, watched or not.
            now: steady seconds.
            at: the same as wall time.
        """
        gates = {b: self._schedule.limits.closed_gate(b) for b in targets}
        troubles = {b: self._troubles.behind(gate, now, at) for b, gate in gates.items()}
        touched = self._book.watchlist.touched
        self._sights.follow(self._book.entries, touched, gates, troubles, now)
        touched.clear()
        sights = self._sights.made
        watched = [sights[entry.key] for entry in self._book.watchlist.watched()]
        opened = sights[displayed] if displayed is not None else None
        shown = watched if opened is None or opened.row.is_watched else [*watched, opened]
        self._slow = self._slowness()
        contact = self._contact(shown, health.last_good_at)
        is_lost = contact is Contact.NOT_LIVE
        told = {b: t for b, t in troubles.items() if t and is_lost and b in self._sights.lost}
        trouble = next(iter(told.values()), None)
        if trouble is None:
            repeated = (b for b, gate in gates.items() if gate is not None and gate.failures > 1)
            trouble = next((troubles[b] for b in repeated), None)
        text, is_error, seconds = self._outage.follow(contact, trouble, now)
        if text:
            self._notices.say(text, is_error=is_error)
            lost_at, name = at - timedelta(seconds=seconds), "lost" if is_error else "back"
            is_ours = self._book.claim(f"told {name}", lost_at, at, now)
            self._alerts.say(text, now, is_ours=is_ours)
        self.snapshot = Snapshot(
            rows=tuple([each.row for each in watched]),
            displayed=opened.row if opened is not None else None,
            health=health._replace(contact=contact, trouble=trouble, slow=self._slow),
            troubles=told,
            transitions=tuple(self._book.transitions),
            history=self._book.history(displayed, now),
            notices=self._notices.latest(),
            recent_ids=tuple(self._book.recent),
            alert=self._alerts.latest,
        )
        return min(self._outage.wakes_at(), self._alerts.due_at, self._sights.changes_at)

    def _slowness(self) -> Slow | None:
        """How far apart the readings of the slowest target are that our own limits hold back."""
        if self._schedule.is_paused:
            return None
        found: Slow | None = None
        for target, wait in self._sights.waits.items():
            calls = self._schedule.rounds.calls[target]
            if not calls or target in self._sights.lost:
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

    def _contact(self, sights: Sequence[Sight], last_good_at: datetime | None) -> Contact:
        """Whether what is shown is the present."""
        if self._schedule.is_paused:
            return Contact.PAUSED
        if self._sights.lost:
            return Contact.NOT_LIVE
        # That the service does not know an instance is an answer, too.
        is_known = (
            last_good_at is not None
            or any(each.is_missing for each in sights)
            or (bool(sights) and all(each.row.is_live for each in sights))
        )
        # Nothing has failed, and yet nothing is the present: the machine was suspended, or the
        # watch paused, and the first answer is still to come.
        polled = (each for each in sights if each.is_awaited and each.read_at is not None)
        is_stale = self._slow is None and _none_is_live(polled)
        return Contact.LIVE if is_known and not is_stale else Contact.STARTING


def _none_is_live(sights: Iterable[Sight]) -> bool:
    """Whether there are rows and none is live; the first that is live, often the first, decides."""
    is_any = False
    for each in sights:
        if each.row.is_live:
            return False
        is_any = True
    return is_any
