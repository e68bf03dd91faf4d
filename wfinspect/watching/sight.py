"""How each entry is shown: whether its reading is the present, and what is the trouble.

Made anew only for what was touched, and when time alone changes it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from wfinspect.instance import Binding, InstanceKey
from wfinspect.watching.backoff import Gate
from wfinspect.watching.cadence import freshness_seconds
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.snapshot import Row, Trouble
from wfinspect.watching.watchlist import Entry

_GRACE_SECONDS = 30.0  # for the first answer, as long as nothing is known to be wrong


class Sight(NamedTuple):
    """An entry as a face shows it, with what decides about contact."""

    row: Row
    is_overdue: bool
    """A reading should be there and is not."""
    is_missing: bool
    """The last answer was that there is none."""
    changes_at: float
    """When time alone changes it, in steady seconds."""


def _sight(
    entry: Entry, interval: float, awaited_since: float, trouble: Trouble | None, now: float
) -> Sight:
    """Judge an entry.

    Args:
        entry: the entry.
        interval: seconds within which its next reading is due.
        awaited_since: since when a reading is awaited, in steady seconds.
        trouble: that of its binding.
        now: steady seconds.
    """
    expires_at, grace_ends_at = -inf, awaited_since + _GRACE_SECONDS
    if entry.is_final:
        expires_at = inf
    elif entry.steady_at is not None:
        expires_at = entry.steady_at + freshness_seconds(interval)
    is_live = now < expires_at and not entry.is_gone
    is_late = entry.steady_at is not None or trouble is not None or now >= grace_ends_at
    shown = entry.trouble or (None if is_live else trouble)
    known = entry.known
    changes = (
        grace_ends_at if entry.steady_at is None else expires_at,
        known.progress_until if known else inf,
    )
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
        is_overdue=is_late and not (is_live or entry.is_gone or entry.trouble),
        is_missing=entry.missing is not None,
        changes_at=min((at for at in changes if at > now), default=inf),
    )


class Sights:
    """One for each instance that is shown."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._awaited_since: dict[InstanceKey, float] = {}
        self.made: dict[InstanceKey, Sight] = {}
        self._troubles: Mapping[Binding, Trouble | None] = {}
        self.changes_at = inf
        """When time alone changes one of them, in steady seconds."""

    def begin(self, key: InstanceKey, now: float) -> bool:
        """Await the first reading of an instance; False if it is known."""
        is_new = key not in self._awaited_since
        if is_new:
            self._awaited_since[key] = now
        return is_new

    def forget(self, key: InstanceKey) -> None:
        """Drop an instance."""
        self._awaited_since.pop(key, None)
        self.made.pop(key, None)

    def follow(
        self,
        entries: Mapping[InstanceKey, Entry],
        touched: Iterable[InstanceKey],
        troubles: Mapping[Binding, Trouble | None],
        now: float,
    ) -> None:
        """Make anew what is another by now.

        Args:
            entries: all that are known, each of which was begun.
            touched: those that were read, asked for or changed since the last call.
            troubles: those of all bindings.
            now: steady seconds.
        """
        if troubles != self._troubles:
            touched = entries
        elif now >= self.changes_at:
            due = (key for key, each in self.made.items() if each.changes_at <= now)
            touched = {*touched, *due}
        for key in touched:
            entry = entries.get(key)
            if entry is not None:
                interval = self._schedule.effective_interval(key)
                since, trouble = self._awaited_since[key], troubles[key.binding]
                self.made[key] = _sight(entry, interval, since, trouble, now)
        self._troubles = troubles
        self.changes_at = min([each.changes_at for each in self.made.values()], default=inf)


class Troubles:
    """The trouble behind each closed gate, the same object until the next attempt fails."""

    def __init__(self) -> None:
        self._known: dict[Gate, tuple[tuple[float, int], Trouble]] = {}

    def behind(self, gate: Gate | None, now: float, at: datetime) -> Trouble | None:
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
