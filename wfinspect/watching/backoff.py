"""How long to wait after a failure: the one place that decides it. Sans-I/O; `now` is steady seconds.

Two gates stand before a call: that of the endpoint, closed by what is wrong with the line or the
service, and that of the account, closed by what the service says to this caller. A fault of a
single instance closes neither.
"""

import random
from math import inf

from wfinspect.errors import (
    BadRequest,
    CredentialsMissing,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    Throttled,
    Unreachable,
)

FIRST_SECONDS = 2.0
LAST_SECONDS = 15.0
DOWN_AFTER = 5
"""Failures in a row after which an endpoint counts as down."""
DOWN_SECONDS = (15.0, 20.0)
THROTTLED_CAP_SECONDS = 120.0
_TOLD_TIMES = 3
"""Failures in a row after which a wait that the service names is no longer taken if it is short."""
REFUSED_SECONDS = 60.0
_NEXT_DAY_SPREAD_SECONDS = 60.0
_OTHER_DAY_SECONDS = 3600.0
"""Between two attempts where the account's day is not over when ours is, as by a clock that is fast."""


def is_of_instance(error: ServiceError) -> bool:
    """Whether an error says something about the instance asked for, and the service is well."""
    return isinstance(error, (NotFound, BadRequest))


def is_of_account(error: ServiceError) -> bool:
    """Whether an error is the service's answer to who asks, or how often."""
    return isinstance(error, (Refused, CredentialsMissing, Throttled))


class Gate:
    """Lets calls through, or after a failure one at a time and not before `opens_at`."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.opens_at = -inf
        self.failures = 0
        self.error: ServiceError | None = None
        self._limited_day_ends_at = inf
        """The end of the day whose calls were used up."""

    @property
    def is_closed(self) -> bool:
        """Whether the last call failed: only a single probe may be in flight."""
        return self.error is not None

    def failed(
        self, error: ServiceError, now: float, *, day_ends_at: float, asked_at: float | None = None
    ) -> None:
        """Close the gate until the next attempt is due.

        Args:
            error: why the call failed.
            now: steady seconds.
            day_ends_at: the end of the account's day.
            asked_at: when the call went out: one that hung for long has done some of the waiting.
        """
        if not isinstance(self.error, DailyLimit):
            self._limited_day_ends_at = day_ends_at
        self.failures += 1
        self.error = error
        since = now if asked_at is None else asked_at
        self.opens_at = max(now, self._next_attempt(error, now, since, day_ends_at))

    def succeeded(self) -> None:
        """Open the gate."""
        self.failures = 0
        self.error = None
        self.opens_at = -inf

    def ask(self, now: float) -> None:
        """Let one attempt through at once, since a person wants to know. Throttling is obeyed."""
        if not isinstance(self.error, Throttled) or isinstance(self.error, DailyLimit):
            self.opens_at = min(self.opens_at, now)

    def _next_attempt(
        self, error: ServiceError, now: float, since: float, day_ends_at: float
    ) -> float:
        if isinstance(error, DailyLimit):
            if day_ends_at > self._limited_day_ends_at + _OTHER_DAY_SECONDS:
                return now + _OTHER_DAY_SECONDS
            return day_ends_at + self._rng.uniform(0.0, _NEXT_DAY_SPREAD_SECONDS)
        if isinstance(error, Throttled) and error.retry_after_seconds is not None:
            told = min(THROTTLED_CAP_SECONDS, max(0.0, error.retry_after_seconds))
            # Told to come back at once again and again, it is asked no more often than one that is down.
            enough = self._rng.uniform(*DOWN_SECONDS) if self.failures > _TOLD_TIMES else 0.0
            return now + max(told, enough)
        if isinstance(error, (Refused, CredentialsMissing)):
            return now + REFUSED_SECONDS
        if isinstance(error, Throttled):
            bounds = (FIRST_SECONDS, self._ceiling(THROTTLED_CAP_SECONDS))
        elif self.failures > DOWN_AFTER or (isinstance(error, Unreachable) and error.is_permanent):
            bounds = DOWN_SECONDS
        else:
            bounds = (FIRST_SECONDS, self._ceiling(LAST_SECONDS))
        return max(now + FIRST_SECONDS, since + self._rng.uniform(*bounds))

    def _ceiling(self, cap: float) -> float:
        return float(min(cap, FIRST_SECONDS * 2.0 ** min(self.failures, 16)))
