"""How long to wait after a failure: the one place that decides it. Sans-I/O; `now` is steady seconds.

Two gates stand before a call: that of the endpoint, closed by what is wrong with the line or the
service, and that of the account, closed by what the service says to this caller. A fault of a
single instance closes neither.
"""

import random
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping
from math import ceil, inf
from typing import NamedTuple

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
from wfinspect.model import Account, InstanceKey, Target
from wfinspect.watching.api import Group

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


class CircuitBreaker:
    """Lets calls through, or after a failure one at a time and not before `retry_at`."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.retry_at = -inf
        self.failures = 0
        self.error: ServiceError | None = None
        self._limited_day_ends_at = inf
        """The end of the day whose calls were used up."""

    @property
    def is_open(self) -> bool:
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
        self.retry_at = max(now, self._next_attempt(error, now, since, day_ends_at))

    def succeeded(self) -> None:
        """Open the gate."""
        self.failures = 0
        self.error = None
        self.retry_at = -inf

    def ask(self, now: float) -> None:
        """Let one attempt through at once, since a person wants to know. Throttling is obeyed."""
        if not isinstance(self.error, Throttled) or isinstance(self.error, DailyLimit):
            self.retry_at = min(self.retry_at, now)

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


CALLS_A_SECOND = 2
_HELD_PART = 0.25
_MAX_STRETCH = 40.0
_DAY_SECONDS = 86_400.0

# The smallest daily limit of any edition is 100 calls, shared by the whole account.
LEAST_LEARNT_BUDGET = 90


class TokenBucket:
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


class RateLimiter:
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


class Limit(NamedTuple):
    """What holds for all instances of a target at one moment; times are steady seconds."""

    allowed_at: float
    """When a call may go out at all, infinite while a probe is on its way."""
    affordable_at: float
    """When a call that nobody asked for may."""
    stretch: float
    groups: frozenset[Group]
    """Those with a List in flight."""


class Wait(NamedTuple):
    """By what our own limits lengthen the interval of every row of a target, in seconds."""

    stretch: float = 1.0
    """The factor by which the budget lengthens cadences."""
    for_budget: float = 0.0
    """Spent in the queue for calls that the day's budget does not hold yet."""
    for_rate: float = 0.0
    """Spent in the queue for a turn at `CALLS_A_SECOND`."""
    for_new: float = 0.0
    """Spent behind instances whose group is not known yet, which go first."""

    def interval(self, cadence: float) -> float:
        """What a cadence becomes in the long run."""
        return cadence * self.stretch + self.for_budget + self.for_rate


def added_wait(calls: Mapping[float, int], a_second: float) -> float:
    """The seconds that a queue adds to each interval, where the call that is due first goes first.

    All are delayed alike then, by the wait at which the calls of a round are just affordable.

    Args:
        calls: how many calls have each interval, in seconds.
        a_second: calls that can be made in one.
    """

    def wanted(wait: float) -> float:
        return sum(n / (interval + wait) for interval, n in calls.items())

    if not calls or wanted(0.0) <= a_second:
        return 0.0
    low, high = 0.0, sum(calls.values()) / a_second
    while high - low > 1e-3 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if wanted(middle) > a_second else (low, middle)
    return high


class Rounds:
    """How many calls a round of polls takes, by their cadence; kept up row by row.

    A unit is what one call answers for: a group, or an instance that is asked for singly.
    """

    def __init__(self, rows_a_call: int) -> None:
        self._rows_a_call = rows_a_call
        self._rows: dict[InstanceKey, tuple[Hashable | None, float | None]] = {}
        self._units: dict[Hashable, Counter[float]] = {}
        self.calls: dict[Target, Counter[float]] = {}
        """Of each target, how many calls there are of each cadence in seconds."""

    def unit(self, key: InstanceKey) -> Hashable | None:
        """The unit that a row was put in."""
        return self._rows.get(key, (None, None))[0]

    def put(self, key: InstanceKey, unit: Hashable | None, cadence: float | None) -> None:
        """Note in which unit a row is read, and how often; without either it is not polled."""
        before = self._rows.get(key, (None, None))
        if (unit, cadence) == before:
            return
        self._count(key.target, *before, -1)
        self._rows[key] = unit, cadence
        self._count(key.target, unit, cadence, 1)

    def forget(self, key: InstanceKey) -> None:
        """Drop a row."""
        self.put(key, None, None)
        self._rows.pop(key, None)

    def _count(
        self, target: Target, unit: Hashable | None, cadence: float | None, step: int
    ) -> None:
        if unit is None or cadence is None:
            return
        rows = self._units.setdefault(unit, Counter())
        calls = self.calls.setdefault(target, Counter())
        if rows:
            calls[min(rows)] -= ceil(rows.total() / self._rows_a_call)
        rows[cadence] += step
        if not rows[cadence]:
            del rows[cadence]
        if rows:
            calls[min(rows)] += ceil(rows.total() / self._rows_a_call)
        else:
            del self._units[unit]
        for each in [each for each, n in calls.items() if not n]:
            del calls[each]


class Limits:
    """The gates, buckets and traffic of all targets."""

    def __init__(self, rng: random.Random, *, budget: int) -> None:
        self._rng = rng
        self.budget = budget
        """Calls a day of each account, as a person has set it."""
        self.pace = RateLimiter()
        self._buckets: dict[Account, TokenBucket] = {}
        self._accounts: dict[Target, CircuitBreaker] = {}
        self._endpoints: dict[str, CircuitBreaker] = {}
        self._calls: Counter[Target] = Counter()
        self._groups: set[Group] = set()
        self.answered_at: dict[Target, float] = {}
        """When the service last answered a call of a target, in steady seconds."""

    def bucket(self, target: Target, now: float) -> TokenBucket:
        """The day's calls of the account that a target belongs to."""
        return self._bucket(target.account, now)

    def _bucket(self, account: Account, now: float) -> TokenBucket:
        if account not in self._buckets:
            self._buckets[account] = TokenBucket(self.budget, now)
        return self._buckets[account]

    def account_breaker(self, target: Target) -> CircuitBreaker:
        """The gate that the service's answers to this caller close."""
        return self._accounts.setdefault(target, CircuitBreaker(self._rng))

    def endpoint_breaker(self, target: Target) -> CircuitBreaker:
        """The gate that a bad line or a service in trouble closes, for all who use the endpoint."""
        return self._endpoints.setdefault(target.endpoint, CircuitBreaker(self._rng))

    def open_breaker(self, target: Target) -> CircuitBreaker | None:
        """The gate that stands before a target's calls, the account's first; None if none does."""
        gates = (self.account_breaker(target), self.endpoint_breaker(target))
        return next((gate for gate in gates if gate.is_open), None)

    def has_calls_out(self, target: Target) -> bool:
        """Whether a call of a target's account has no answer yet."""
        return any(n and b.account == target.account for b, n in self._calls.items())

    @property
    def are_calls_out(self) -> bool:
        """Whether any call has no answer yet."""
        return any(self._calls.values())

    def at(self, now: float, targets: Iterable[Target]) -> dict[Target, Limit]:
        """What holds now for each target."""
        return {target: self._limit(target, now) for target in targets}

    def waits(
        self, rounds: Mapping[Target, Counter[float]], new: int, now: float
    ) -> dict[Target, Wait]:
        """What our own budget and rate add to the intervals of each target.

        Args:
            rounds: the calls of a round, as `Rounds.calls`.
            new: instances whose group is not known yet.
            now: steady seconds.
        """
        accounts: dict[Account, Counter[float]] = {}
        for target, calls in rounds.items():
            accounts.setdefault(target.account, Counter()).update(calls)
        stretches: dict[Account, tuple[float, float]] = {}
        everything: Counter[float] = Counter()
        for account, calls in accounts.items():
            bucket = self._bucket(account, now)
            stretch, queue = bucket.stretch(now), 0.0
            stretched = Counter({cadence * stretch: n for cadence, n in calls.items()})
            if bucket.ready_at(now) > now:
                queue = added_wait(stretched, 1.0 / bucket.seconds_a_call(now))
            stretches[account] = stretch, queue
            everything.update({interval + queue: n for interval, n in stretched.items()})
        rate = added_wait(everything, CALLS_A_SECOND)
        return {
            target: Wait(*stretches[target.account], rate, new / CALLS_A_SECOND)
            for target in rounds
        }

    def seconds_between_calls(self, target: Target, now: float) -> float:
        """How far apart our own limits keep two calls of a target that nobody asked for."""
        bucket = self.bucket(target, now)
        is_short = bucket.ready_at(now) > now
        return bucket.seconds_a_call(now) if is_short else 1.0 / CALLS_A_SECOND

    def ask(self, target: Target, now: float) -> None:
        """Let one attempt through: a person wants to know."""
        self.account_breaker(target).ask(now)
        self.endpoint_breaker(target).ask(now)

    def source_changed(self, target: Target, now: float) -> None:
        """Try a refused target again at once, since its credentials are others now."""
        gate = self.account_breaker(target)
        if isinstance(gate.error, (Refused, CredentialsMissing)):
            gate.ask(now)

    def sent(self, target: Target, group: Group | None, now: float) -> None:
        """Note a call that goes out."""
        self._calls[target] += 1
        if group is not None:
            self._groups.add(group)
        self.pace.sent(now)
        self.bucket(target, now).spend(now)

    def landed(self, target: Target, group: Group | None) -> None:
        """Note that a call is over."""
        self._calls[target] -= 1
        if group is not None:
            self._groups.discard(group)

    def succeeded(self, target: Target, now: float) -> None:
        """Open the gates: the service answered."""
        self.answered_at[target] = now
        self.account_breaker(target).succeeded()
        self.endpoint_breaker(target).succeeded()

    def failed(
        self, target: Target, error: ServiceError, now: float, asked_at: float | None = None
    ) -> None:
        """Close the gate that an error belongs to; the call went out at `asked_at`.

        One that says something of an instance alone belongs to none: there the service answered.
        """
        ends_at = self.bucket(target, now).ends_at
        if is_of_account(error):
            if error.code:
                # Whoever is refused or throttled by the service has been answered.
                self.endpoint_breaker(target).succeeded()
            self.account_breaker(target).failed(error, now, day_ends_at=ends_at)
        else:
            gate = self.endpoint_breaker(target)
            gate.failed(error, now, day_ends_at=ends_at, asked_at=asked_at)

    def _limit(self, target: Target, now: float) -> Limit:
        account, endpoint = self.account_breaker(target), self.endpoint_breaker(target)
        allowed_at = max(account.retry_at, endpoint.retry_at)
        # A closed gate lets a single probe through, whoever shares the endpoint.
        fellows = sum(n for b, n in self._calls.items() if b.endpoint == target.endpoint)
        if (account.is_open and self._calls[target]) or (endpoint.is_open and fellows):
            allowed_at = inf
        bucket = self.bucket(target, now)
        groups = frozenset(g for g in self._groups if g.target == target)
        return Limit(allowed_at, bucket.ready_at(now), bucket.stretch(now), groups)
