"""From what is known to what a face shows: which rows are the present, and is there contact."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from wfinspect.instance import Binding, InstanceKey
from wfinspect.watching.alerts import Alerts
from wfinspect.watching.book import Book
from wfinspect.watching.notices import Notices, Outage
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.sight import Sight, Sights, Troubles
from wfinspect.watching.snapshot import Contact, Health, Slow, Snapshot

_SLOW_FROM = 1.25
"""By what factor intervals have to be longer than wished before that is said."""
_SAME_SLOWNESS = 0.8, 1.25
"""A bucket's level moves with every call; what is said of it does not."""


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
        self._slow: Slow | None = None

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
            health: with everything but contact, trouble and slowness.
            bindings: those in use.
            displayed: the instance on display, watched or not.
            now: steady seconds.
            at: the same as wall time.
        """
        gates = {b: self._schedule.limits.closed_gate(b) for b in bindings}
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
        for binding, wait in self._sights.waits.items():
            calls = self._schedule.rounds.calls[binding]
            if not calls or binding in self._sights.lost:
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
