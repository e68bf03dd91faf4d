"""How one entry is shown: whether its reading is the present, and what is the trouble. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from wfinspect.instance import InstanceKey
from wfinspect.watching.backoff import Gate
from wfinspect.watching.cadence import freshness_seconds
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.snapshot import Row, Trouble
from wfinspect.watching.watchlist import Entry

_GRACE_SECONDS = 30.0  # for the first answer, as long as nothing is known to be wrong


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


def _sight(entry: Entry, interval: float, awaited_since: float) -> Sight:
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


class Sights:
    """One for each instance; whoever reads an instance, or changes when it is read, says so."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._awaited_since: dict[InstanceKey, float] = {}
        self._judged: dict[InstanceKey, Sight] = {}
        self._touched: set[InstanceKey] = set()

    def begin(self, key: InstanceKey, now: float) -> bool:
        """Await the first reading of an instance; False if it is known."""
        is_new = key not in self._awaited_since
        if is_new:
            self._awaited_since[key] = now
        return is_new

    def touch(self, keys: Iterable[InstanceKey]) -> None:
        """Say that instances were read or asked for, or that their cadence is another."""
        self._touched.update(keys)

    def forget(self, key: InstanceKey) -> None:
        """Drop an instance."""
        self._awaited_since.pop(key, None)
        self._judged.pop(key, None)
        self._touched.discard(key)

    def of(self, entries: Sequence[Entry]) -> list[Sight]:
        """The sights of entries, in their order."""
        for entry in entries:
            if entry.key in self._touched:
                interval = self._schedule.effective_interval(entry.key)
                since = self._awaited_since[entry.key]
                self._judged[entry.key] = _sight(entry, interval, since)
        self._touched.clear()
        return [self._judged[entry.key] for entry in entries]


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
