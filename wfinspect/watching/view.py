"""From what is known to what a face shows: which rows are the present, and is there contact."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from wfinspect.errors import CredentialsMissing, DailyLimit, Refused
from wfinspect.instance import Binding, InstanceKey
from wfinspect.watching.alerts import Alerts
from wfinspect.watching.backoff import Gate
from wfinspect.watching.book import Book
from wfinspect.watching.notices import Notices, Outage
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.sight import Sight, Sights, Troubles
from wfinspect.watching.snapshot import Contact, Health, Snapshot, Trouble

_WAITING = Trouble("waiting", "No answer has come yet: a call is out, or waits for its turn.", None)
_SHORT = Trouble(
    "budget",
    "The day's budget of calls does not reach for what is watched: it is read as the budget "
    "allows, and what you ask for (r, R) at once. --budget sets it.",
    None,
)


class View:
    """Draws snapshots of what the book and the schedule hold."""

    def __init__(
        self,
        book: Book,
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

    def draw(
        self,
        health: Health,
        bindings: Iterable[Binding],
        displayed: InstanceKey | None,
        now: float,
        at: datetime,
    ) -> float:
        """Make the next snapshot; gives when time alone changes what is shown, in steady seconds.

        Args:
            health: with everything but contact and trouble.
            bindings: those in use.
            displayed: the instance on display, watched or not.
            now: steady seconds.
            at: the same as wall time.
        """
        gates = {b: self._schedule.limits.closed_gate(b) for b in bindings}
        troubles = {b: self._troubles.behind(gate, now, at) for b, gate in gates.items()}
        touched = self._book.watchlist.touched
        self._sights.follow(self._book.entries, touched, troubles, now)
        touched.clear()
        sights = self._sights.made
        watched = [sights[entry.key] for entry in self._book.watchlist.watched()]
        opened = sights[displayed] if displayed is not None else None
        shown = watched if opened is None or opened.row.is_watched else [*watched, opened]
        contact, lost = self._contact(shown, gates, health.last_good_at)
        told = {b: troubles[b] or self._explain(b, now) for b in lost}
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
            health=health._replace(contact=contact, trouble=trouble),
            troubles=told,
            transitions=tuple(self._book.transitions),
            history=self._book.history(displayed, now),
            notices=self._notices.latest(),
            recent_ids=tuple(self._book.recent),
            alert=self._alerts.latest,
        )
        return min(self._outage.wakes_at(), self._alerts.due_at, self._sights.changes_at)

    def _explain(self, binding: Binding, now: float) -> Trouble:
        """The trouble of rows that are old although no call has failed."""
        is_short = self._schedule.limits.bucket(binding, now).ready_at(now) > now
        return _SHORT if is_short else _WAITING

    def _contact(
        self,
        sights: Sequence[Sight],
        gates: Mapping[Binding, Gate | None],
        last_good_at: datetime | None,
    ) -> tuple[Contact, Collection[Binding]]:
        """Whether what is shown is the present, and the bindings that keep it from being so."""
        if self._schedule.is_paused:
            return Contact.PAUSED, ()
        # Time mends none of these, so nobody has to wait for the rows to grow old.
        lost = {
            binding: None
            for binding, gate in gates.items()
            if gate and isinstance(gate.error, (CredentialsMissing, Refused, DailyLimit))
        }
        lost |= {each.row.key.binding: None for each in sights if each.is_overdue}
        if lost:
            return Contact.NOT_LIVE, lost
        # That the service does not know an instance is an answer, too.
        is_known = (
            last_good_at is not None
            or any(each.is_missing for each in sights)
            or (bool(sights) and all(each.row.is_live for each in sights))
        )
        return (Contact.LIVE if is_known else Contact.STARTING), ()
