"""What a person looks at, and how often each instance is read for it. Steady seconds; pure."""

from math import inf
from typing import TYPE_CHECKING

from wfinspect.options import MIN_INTERVAL_SECONDS
from wfinspect.watching import cadence
from wfinspect.watching.watchlist import GONE_AFTER

if TYPE_CHECKING:
    from wfinspect.instance import InstanceKey
    from wfinspect.watching.watchlist import Entry


class Attention:
    """The instance on display, the last key, and the interval that was set."""

    def __init__(self, interval_seconds: float) -> None:
        self.set_interval(interval_seconds)
        self.displayed: InstanceKey | None = None
        self.opened_at = -inf
        """Since when that one is on display."""
        self._touched_at = -inf

    def set_interval(self, seconds: float) -> None:
        """Set how often active instances are asked for."""
        self.interval_seconds = max(MIN_INTERVAL_SECONDS, seconds)

    def display(self, key: "InstanceKey | None", now: float) -> None:
        """Look at an instance, or at none."""
        if key != self.displayed:
            self.displayed, self.opened_at = key, now
        self._touched_at = now

    def touch(self, now: float) -> None:
        """Be there."""
        self._touched_at = now

    def is_paid(self, now: float) -> bool:
        """Whether somebody was there lately."""
        return now - self._touched_at < cadence.DISPLAY_LASTS_SECONDS

    def cadence(self, entry: "Entry", now: float) -> float | None:
        """Seconds between two readings of an entry; None where none is needed."""
        if entry.is_gone:
            return cadence.GONE_SECONDS
        if entry.missing is not None:
            if entry.instance is None:
                return None
            # While everything is missing nothing counts as gone, however long that is.
            is_new = entry.missing.count <= 2 * GONE_AFTER
            return cadence.MISSING_SECONDS if is_new else cadence.SETTLED_SECONDS
        if entry.is_final:
            return None
        return cadence.cadence(
            entry.family,
            interval=self.interval_seconds,
            is_attended=entry.key == self.displayed and self.is_paid(now),
        )
