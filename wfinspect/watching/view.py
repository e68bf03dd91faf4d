"""From what is known to what a face shows: which rows are the present, and is there contact. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from operator import attrgetter
from typing import NamedTuple

from wfinspect.errors import CredentialsMissing, DailyLimit, Refused
from wfinspect.instance import Binding, InstanceId, InstanceKey, Transition
from wfinspect.watching.alerts import Alerts
from wfinspect.watching.backoff import Gate
from wfinspect.watching.cadence import freshness_seconds
from wfinspect.watching.notices import Notices, Outage
from wfinspect.watching.snapshot import Contact, Health, Row, Snapshot, Trouble
from wfinspect.watching.watchlist import Entry

_GRACE_SECONDS = 30.0  # for the first answer, as long as nothing is known to be wrong

_WAITING = "waiting"
_SHORT = "budget"
_UNEXPLAINED = {
    _WAITING: "No answer has come yet: a call is out, or waits for its turn.",
    _SHORT: (
        "The day's budget of calls does not reach for what is watched: it is read as the budget "
        "allows, and what you ask for (r, R) at once. --budget sets it."
    ),
}


class Sight(NamedTuple):
    """An entry with what decides whether its reading is the present; steady seconds."""

    entry: Entry
    expires_at: float
    """When its reading stops being the present; infinite for one that is final."""
    awaited_since: float

    def is_live(self, now: float) -> bool:
        """Whether the reading is the present."""
        return now < self.expires_at and not self.entry.is_gone

    def is_overdue(self, now: float, trouble: Trouble | None) -> bool:
        """Whether a reading should be there and is not."""
        entry = self.entry
        if self.is_live(now) or entry.is_gone or entry.trouble is not None:
            return False
        if entry.steady_at is not None or trouble is not None:
            return True
        return now >= self.awaited_since + _GRACE_SECONDS

    def changes_at(self, now: float) -> float:
        """When time alone changes how it is shown."""
        grace_ends_at = self.awaited_since + _GRACE_SECONDS
        known = self.entry.known
        at = self.expires_at if self.entry.steady_at is not None else grace_ends_at
        ats = (at, known.progress_until if known is not None else inf)
        return min((at for at in ats if at > now), default=inf)

    def row(self, now: float, trouble: Trouble | None) -> Row:
        """The entry as a face shows it; `trouble` is that of its binding."""
        entry = self.entry
        is_live = self.is_live(now)
        shown = entry.trouble or (None if is_live else trouble)
        return Row(
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
            outlook=entry.known.outlook(now, is_live=is_live) if entry.known else None,
        )


def sight(entry: Entry, interval: float, awaited_since: float) -> Sight:
    """Judge an entry.

    Args:
        entry: the entry.
        interval: seconds within which its next reading is due.
        awaited_since: since when a reading is awaited, in steady seconds.
    """
    if entry.is_final:
        return Sight(entry, inf, awaited_since)
    if entry.steady_at is None:
        return Sight(entry, -inf, awaited_since)
    return Sight(entry, entry.steady_at + freshness_seconds(interval), awaited_since)


class Scene(NamedTuple):
    """What there is to show."""

    sights: Sequence[Sight]
    """The watched ones in the order of the list, and the one on display."""
    displayed: InstanceKey | None
    health: Health
    """With everything but contact, trouble and next_poll_at."""
    transitions: tuple[Transition, ...]
    history: tuple[Transition, ...]
    """Those of the one on display."""
    recent_ids: tuple[InstanceId, ...]
    short: Collection[Binding]
    """Those whose budget does not allow another call now."""
    is_paused: bool


class Troubles:
    """The trouble behind each closed gate, the same object until the next attempt fails."""

    def __init__(self) -> None:
        self._known: dict[Gate, tuple[float, int, Trouble]] = {}

    def behind(self, gate: Gate | None, now: float, at: datetime) -> Trouble | None:
        """What a gate was closed by; None for an open one."""
        if gate is None or gate.error is None:
            self._known = {g: known for g, known in self._known.items() if g.is_closed}
            return None
        known = self._known.get(gate)
        if known is not None and known[:2] == (gate.opens_at, gate.failures):
            return known[2]
        is_same_outage = known is not None and known[1] <= gate.failures
        since = known[2].since if known is not None and is_same_outage else at
        retry_at = at + timedelta(seconds=max(0.0, gate.opens_at - now))
        trouble = Trouble(gate.error.cause, str(gate.error), since, retry_at, gate.error.exit_code)
        self._known[gate] = (gate.opens_at, gate.failures, trouble)
        return trouble


class View:
    """Draws snapshots, and says whether one differs from the last to the eye."""

    def __init__(self, notices: Notices, alerts: Alerts) -> None:
        self.snapshot = Snapshot()
        self.outage = Outage()
        self._notices = notices
        self._alerts = alerts
        self._troubles = Troubles()
        self._unexplained: dict[tuple[Binding, str], Trouble] = {}

    def draw(
        self, scene: Scene, gates: Mapping[Binding, Gate | None], now: float, at: datetime
    ) -> bool:
        """Make the next snapshot; gives whether a face has to redraw anything but ages and counts.

        Args:
            scene: what there is to show.
            gates: the closed gate of each binding in use, None where it is open.
            now: steady seconds.
            at: the same as wall time.
        """
        troubles = {b: self._troubles.behind(gate, now, at) for b, gate in gates.items()}
        contact, lost = _contact(scene, gates, troubles, now)
        told = {b: troubles[b] or self._explain(b, scene, at) for b in lost}
        trouble = next(iter(told.values()), None)
        if trouble is None:
            self._unexplained.clear()
            repeated = (b for b, gate in gates.items() if gate is not None and gate.failures > 1)
            trouble = next((troubles[b] for b in repeated), None)
        text, is_error = self.outage.follow(contact, trouble, now)
        if text:
            self._notices.say(text, is_error=is_error)
            self._alerts.say(text, now, is_urgent=is_error)
        rows = {s.entry.key: s.row(now, troubles[s.entry.key.binding]) for s in scene.sights}
        next_at = trouble.retry_at if trouble is not None else None
        before = self.snapshot
        self.snapshot = Snapshot(
            rows=tuple(row for row in rows.values() if row.is_watched),
            displayed=rows[scene.displayed] if scene.displayed is not None else None,
            health=scene.health._replace(contact=contact, trouble=trouble, next_poll_at=next_at),
            troubles=told,
            transitions=scene.transitions,
            history=scene.history,
            notices=self._notices.latest(),
            recent_ids=scene.recent_ids,
            alert=self._alerts.latest,
        )
        return not _is_same_to_the_eye(before, self.snapshot)

    def changes_at(self, scene: Scene, now: float) -> float:
        """When time alone changes what is shown, in steady seconds."""
        told_at = min(self.outage.wakes_at(), self._alerts.due_at)
        return min([told_at, *(s.changes_at(now) for s in scene.sights)])

    def _explain(self, binding: Binding, scene: Scene, at: datetime) -> Trouble:
        """The trouble of rows that are old although no call has failed."""
        cause = _SHORT if binding in scene.short else _WAITING
        made = Trouble(cause, _UNEXPLAINED[cause], at, None)
        return self._unexplained.setdefault((binding, cause), made)


def _contact(
    scene: Scene,
    gates: Mapping[Binding, Gate | None],
    troubles: Mapping[Binding, Trouble | None],
    now: float,
) -> tuple[Contact, Collection[Binding]]:
    """Whether what is shown is the present, and the bindings that keep it from being so."""
    if scene.is_paused:
        return Contact.PAUSED, ()
    # Time mends none of these, so nobody has to wait for the rows to grow old.
    lost = {
        binding: None
        for binding, gate in gates.items()
        if gate and isinstance(gate.error, (CredentialsMissing, Refused, DailyLimit))
    }
    are_live = bool(scene.sights)
    for each in scene.sights:
        binding = each.entry.key.binding
        if each.is_overdue(now, troubles[binding]):
            lost[binding] = None
        are_live &= each.is_live(now)
    if lost:
        return Contact.NOT_LIVE, lost
    # That the service does not know an instance is an answer, too.
    has_answered = any(each.entry.missing for each in scene.sights)
    is_known = are_live or has_answered or scene.health.last_good_at is not None
    return (Contact.LIVE if is_known else Contact.STARTING), ()


_seen_of_row = attrgetter(*(name for name in Row._fields if name != "read_at"))
_seen_of_all = attrgetter("troubles", "transitions", "history", "notices", "recent_ids")


def _is_same_to_the_eye(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ at most in ages and counts, which wait for the next redraw."""
    pairs = zip((*one.rows, one.displayed), (*other.rows, other.displayed), strict=False)
    return (
        len(one.rows) == len(other.rows)
        and all(a is b or (a and b and _seen_of_row(a) == _seen_of_row(b)) for a, b in pairs)
        and _seen_of_all(one) == _seen_of_all(other)
        and _uncounted(one.health) == _uncounted(other.health)
    )


def _uncounted(health: Health) -> Health:
    return health._replace(last_good_at=None, calls_today=0)
