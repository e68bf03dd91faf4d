"""How many calls a day may still cost. Sans-I/O: steady seconds come in as `now`.

A bucket that is refilled evenly until the day ends and holds a quarter of the day's calls at most.
The refill is what the day has left, so used + held + still to come never exceeds the budget.
"""

from collections import deque

CALLS_A_SECOND = 2
_HELD_PART = 0.25
_MAX_STRETCH = 40.0
_DAY_SECONDS = 86_400.0

# The smallest daily limit of any edition is 100 calls, shared by the whole account.
LEAST_LEARNT_BUDGET = 90


class Bucket:
    """The calls that one account may still spend today."""

    def __init__(self, budget: int, now: float) -> None:
        self.budget = budget
        self.used = 0
        self.ends_at = now + _DAY_SECONDS
        self._level = self._size
        self._at = now

    @property
    def _size(self) -> float:
        return max(1.0, self.budget * _HELD_PART)

    def begin_day(self, now: float, *, ends_at: float, used: int) -> None:
        """Start a day, or a process within one: what is held follows from what was used so far."""
        elapsed = 1.0 - max(0.0, ends_at - now) / _DAY_SECONDS
        self.used, self.ends_at, self._at = used, ends_at, now
        even = self.budget * (max(0.0, elapsed) + _HELD_PART) - used
        self._level = max(0.0, min(self._size, even, self.budget - used))

    def correct(self, now: float, used: int, *, ends_at: float | None = None) -> None:
        """Learn the true count, which holds other processes' calls and lacks those never sent.

        A wall clock that was set moves the day's end, too.
        """
        self._refill(now)
        self.ends_at = self.ends_at if ends_at is None else ends_at
        self._level = min(self._size, max(0.0, self._level - (used - self.used)))
        self.used = used

    def spend(self, now: float) -> None:
        """Take a call out, whether or not one is held: what a person asks for is never refused."""
        self._refill(now)
        self._level = max(0.0, self._level - 1.0)
        self.used += 1

    def ready_at(self, now: float) -> float:
        """When a call that nobody asked for may go out."""
        self._refill(now)
        if self._level >= 1.0:
            return now
        rate = self._rate(now)
        if rate <= 0.0:
            return max(now + 1.0, self.ends_at)
        # A hair later than computed, or rounding would let a caller wake just too early for ever.
        return now + (1.0 - self._level) / rate + 1e-3

    def stretch(self, now: float) -> float:
        """The factor by which cadences grow: 1 while the bucket is at least half full."""
        self._refill(now)
        half = self._size / 2.0
        return 1.0 if self._level >= half else min(_MAX_STRETCH, half / max(self._level, 1e-9))

    def seconds_a_call(self, now: float) -> float:
        """Seconds in which one call is refilled; where the day has none left, those until it ends."""
        self._refill(now)
        rate = self._rate(now)
        return 1.0 / rate if rate > 0.0 else max(1.0, self.ends_at - now)

    def _rate(self, now: float) -> float:
        remaining = self.ends_at - now
        left = self.budget - self.used - self._level
        return left / remaining if remaining > 0.0 and left > 0.0 else 0.0

    def _refill(self, now: float) -> None:
        if now > self._at:
            gained = self._rate(self._at) * (min(now, self.ends_at) - self._at)
            self._level = min(self._size, self._level + max(0.0, gained))
            self._at = now


class Pace:
    """At most `CALLS_A_SECOND` calls in any second, over everything this process asks."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=CALLS_A_SECOND)

    def ready_at(self, now: float) -> float:
        """When the next call may go out."""
        if len(self._sent) < CALLS_A_SECOND:
            return now
        return max(now, self._sent[0] + 1.0)

    def sent(self, now: float) -> None:
        """Note a call."""
        self._sent.append(now)
