"""When one instance is due. Times are steady seconds; knows no other instance and sends nothing."""

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from wfinspect.watching.cadence import ACTIVE_SECONDS, JITTER

if TYPE_CHECKING:
    from wfinspect.instance import InstanceKey
    from wfinspect.watching.limits import Limit
    from wfinspect.watching.schedule import Batch

_BAD_REQUEST_SECONDS = 60.0
_BAD_REQUEST_CAP_SECONDS = 600.0
_MAX_REFUSALS = 8
_HABIT = 5  # on a line that loses every fifth call, three in a row are chance


@dataclass(slots=True)
class Turn:
    """What the schedule knows of an instance."""

    key: "InstanceKey"
    earliest_at: float = -inf
    """When it may be asked for if nothing else stands in the way."""
    base_at: float = -inf
    """When it was last asked for."""
    is_asked: bool = False
    """A person wants it read: first in line, whatever the budget says."""
    is_urgent: bool = False
    """A person looks at it: a Get of its own, without waiting for others to be placed."""
    was_asked: bool = False
    """The same of the last call: what that did not tell is asked for again."""
    flight: "Batch | None" = None
    """The call that asks for it now."""
    failed_at: float = -inf
    """When it was last asked for in vain: those due since before that go first."""
    _cadence: float | None = ACTIVE_SECONDS
    _jitter: float = 1.0
    _stretch: float = 1.0
    """By how much the budget lengthened the cadence when it was last asked for."""
    _not_before: float = -inf
    _refusals: int = 0
    _lone_failures: int = 0

    @property
    def cadence(self) -> float | None:
        """Seconds between two readings; None is a rest until it is asked for."""
        return self._cadence

    @property
    def stretched(self) -> float:
        """The longest time to the next reading by cadence and budget; 0 while it rests."""
        return (self._cadence or 0.0) * self._stretch * (1.0 + JITTER)

    def set_cadence(self, seconds: float | None) -> None:
        """Set the time between two readings."""
        self._cadence = seconds
        self._plan()

    def ask(self, *, is_urgent: bool) -> None:
        """Be first in line."""
        self.is_asked = True
        self.is_urgent |= is_urgent
        self._plan()

    def sent(self, batch: "Batch") -> None:
        """Be on the way."""
        self.flight, self.was_asked = batch, self.is_asked
        self.is_asked = self.is_urgent = False

    def begin(self, at: float, stretch: float, jitter: float) -> None:
        """Count the time to the next reading from `at`, with what lengthens it."""
        self.base_at, self._stretch, self._jitter = at, stretch, jitter
        self._plan()

    def read(self) -> None:
        """Have been read."""
        self._refusals, self._lone_failures = 0, 0

    def due_again(self) -> None:
        """Be due at once, unless it rests and no person has asked for it."""
        self.base_at, self.is_asked = -inf, self.is_asked or self.was_asked
        self._plan()

    def due_now(self) -> None:
        """Be due at once, as far as the budget goes, unless it rests."""
        self.base_at = -inf
        self._plan()

    def failed(self, now: float) -> None:
        """Be due at once, behind all who are due by now, so that no one can stand in their way."""
        self.failed_at, self.was_asked = now, False
        self.due_again()

    def failed_alone(self) -> bool:
        """Note a failure while the service answers others; says whether that has become a habit."""
        self._lone_failures += 1
        return self._lone_failures >= _HABIT

    def hold_back(self, now: float) -> None:
        """Wait for a while, longer each time: the service takes exception to this instance."""
        wait = _BAD_REQUEST_SECONDS * 2.0**self._refusals
        self._not_before = now + min(_BAD_REQUEST_CAP_SECONDS, wait)
        self._refusals = min(self._refusals + 1, _MAX_REFUSALS)
        self._plan()

    def due_at(self, limit: "Limit") -> float:
        """When it is due by its cadence."""
        if self._cadence is None:
            return inf
        # A bucket that has filled up since shortens the wait again.
        return self.base_at + self._cadence * self._jitter * min(self._stretch, limit.stretch)

    def ready_at(self, limit: "Limit") -> float:
        """When it may be asked for, as far as time decides it."""
        if self.is_asked:
            return limit.opens_at
        return max(self.due_at(limit), self._not_before, limit.opens_at, limit.affordable_at)

    def _plan(self) -> None:
        if self.is_asked:
            self.earliest_at = -inf
        elif self._cadence is None:
            self.earliest_at = inf
        else:
            self.earliest_at = max(self._not_before, self.base_at + self._cadence * self._jitter)
