"""Whether a call may go out now: circuit breakers, the day's budget, the rate. Pure; times are monotonic.

Two breakers stand before a call: that of the endpoint, opened by what is wrong with the line or the
service, and that of the account, opened by what the service says to this caller. A fault of a
single instance opens neither. Only here it is decided how long to wait after a failure.
"""

import random
from collections import Counter, deque
from collections.abc import Hashable, Mapping
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
_NAMED_TIMES = 3
"""Failures in a row after which a wait that the service names is no longer taken if it is short."""
REFUSED_SECONDS = 60.0
_NEXT_DAY_SPREAD_SECONDS = 60.0
_OTHER_DAY_SECONDS = 3600.0
"""Between two attempts where the account's day is not over when ours is, as by a clock that is fast."""


def is_of_instance(error: ServiceError) -> bool:
    """Return whether an error is of the instance alone, and the service is well."""
    return isinstance(error, (NotFound, BadRequest))


def is_of_account(error: ServiceError) -> bool:
    """Return whether an error is the answer to this caller, or to how often it calls."""
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
        self,
        error: ServiceError,
        monotonic: float,
        *,
        day_ends_at: float,
        sent_at: float | None = None,
    ) -> None:
        """Stop calls until the next attempt is due.

        Args:
            error: why the call failed.
            monotonic: the time of this.
            day_ends_at: the end of the account's day.
            sent_at: when the call went out: one that hung for long has done some of the waiting.
        """
        if not isinstance(self.error, DailyLimit):
            self._limited_day_ends_at = day_ends_at
        self.failures += 1
        self.error = error
        since = monotonic if sent_at is None else sent_at
        self.retry_at = max(monotonic, self._next_attempt(error, monotonic, since, day_ends_at))

    def succeeded(self) -> None:
        """Let calls through again."""
        self.failures = 0
        self.error = None
        self.retry_at = -inf

    def allow_one(self, monotonic: float) -> None:
        """Let one attempt through at once, since the user wants it. Throttling is obeyed."""
        if not isinstance(self.error, Throttled) or isinstance(self.error, DailyLimit):
            self.retry_at = min(self.retry_at, monotonic)

    def _next_attempt(
        self, error: ServiceError, monotonic: float, since: float, day_ends_at: float
    ) -> float:
        if isinstance(error, DailyLimit):
            if day_ends_at > self._limited_day_ends_at + _OTHER_DAY_SECONDS:
                return monotonic + _OTHER_DAY_SECONDS
            return day_ends_at + self._rng.uniform(0.0, _NEXT_DAY_SPREAD_SECONDS)
        if isinstance(error, Throttled) and error.retry_after_seconds is not None:
            named = min(THROTTLED_CAP_SECONDS, max(0.0, error.retry_after_seconds))
            # One that says "at once" again and again is called no more often than one that is down.
            enough = self._rng.uniform(*DOWN_SECONDS) if self.failures > _NAMED_TIMES else 0.0
            return monotonic + max(named, enough)
        if isinstance(error, (Refused, CredentialsMissing)):
            return monotonic + REFUSED_SECONDS
        if isinstance(error, Throttled):
            bounds = (FIRST_SECONDS, self._ceiling(THROTTLED_CAP_SECONDS))
        elif self.failures > DOWN_AFTER or (isinstance(error, Unreachable) and error.is_permanent):
            bounds = DOWN_SECONDS
        else:
            bounds = (FIRST_SECONDS, self._ceiling(LAST_SECONDS))
        return max(monotonic + FIRST_SECONDS, since + self._rng.uniform(*bounds))

    def _ceiling(self, cap: float) -> float:
        return float(min(cap, FIRST_SECONDS * 2.0 ** min(self.failures, 16)))


CALLS_A_SECOND = 2
_HELD_PART = 0.25
_MAX_STRETCH = 40.0
_SAME_STRETCH = 0.8, 1.25
"""The level moves with each call; another stretch is another due time of every row."""
_DAY_SECONDS = 86_400.0

# The smallest daily limit of any edition is 100 calls, shared by the whole account.
LEAST_LEARNT_BUDGET = 90


class TokenBucket:
    """The calls that one account may still spend today."""

    def __init__(self, budget: int, monotonic: float) -> None:
        self.budget = budget
        self.used = 0
        self.ends_at = monotonic + _DAY_SECONDS
        self._level = self._size
        self._at = monotonic
        self._stretch = 1.0

    @property
    def _size(self) -> float:
        return max(1.0, self.budget * _HELD_PART)

    def begin_day(self, monotonic: float, *, ends_at: float, used: int) -> None:
        """Start a day, or a process within one: what is held follows from what was used so far."""
        elapsed = 1.0 - max(0.0, ends_at - monotonic) / _DAY_SECONDS
        self.used, self.ends_at, self._at = used, ends_at, monotonic
        even = self.budget * (max(0.0, elapsed) + _HELD_PART) - used
        self._level = max(0.0, min(self._size, even, self.budget - used))

    def correct(self, monotonic: float, used: int, *, ends_at: float | None = None) -> None:
        """Learn the true count, which holds other processes' calls and lacks those never sent.

        A wall clock that was set moves the day's end, too.
        """
        self._refill(monotonic)
        self.ends_at = self.ends_at if ends_at is None else ends_at
        self._level = min(self._size, max(0.0, self._level - (used - self.used)))
        self.used = used

    def spend(self, monotonic: float) -> None:
        """Take a call out, whether or not one is held: what the user requests is never refused."""
        self._refill(monotonic)
        self._level = max(0.0, self._level - 1.0)
        self.used += 1

    def ready_at(self, monotonic: float) -> float:
        """Return when a call that the user did not request may go out."""
        self._refill(monotonic)
        if self._level >= 1.0:
            return monotonic
        rate = self._rate(monotonic)
        if rate <= 0.0:
            return max(monotonic + 1.0, self.ends_at)
        # A hair later than computed, or rounding would let a caller wake just too early for ever.
        return monotonic + (1.0 - self._level) / rate + 1e-3

    def stretch(self, monotonic: float) -> float:
        """Return the factor by which cadences grow: 1 while the bucket is at least half full."""
        self._refill(monotonic)
        half, (least, most) = self._size / 2.0, _SAME_STRETCH
        stretch = min(_MAX_STRETCH, max(1.0, half / max(self._level, 1e-9)))
        if stretch == 1.0 or not least < stretch / self._stretch < most:
            self._stretch = stretch
        return self._stretch

    def seconds_a_call(self, monotonic: float) -> float:
        """Return the seconds in which one call is refilled; without one left, those until the day ends."""
        self._refill(monotonic)
        rate = self._rate(monotonic)
        return 1.0 / rate if rate > 0.0 else max(1.0, self.ends_at - monotonic)

    def _rate(self, monotonic: float) -> float:
        remaining = self.ends_at - monotonic
        left = self.budget - self.used - self._level
        return left / remaining if remaining > 0.0 and left > 0.0 else 0.0

    def _refill(self, monotonic: float) -> None:
        if monotonic > self._at:
            gained = self._rate(self._at) * (min(monotonic, self.ends_at) - self._at)
            self._level = min(self._size, self._level + max(0.0, gained))
            self._at = monotonic


class RateLimiter:
    """At most `CALLS_A_SECOND` calls in any second, over all calls of this process."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=CALLS_A_SECOND)

    def ready_at(self, monotonic: float) -> float:
        """Return when the next call may go out."""
        if len(self._sent) < CALLS_A_SECOND:
            return monotonic
        return max(monotonic, self._sent[0] + 1.0)

    def sent(self, monotonic: float) -> None:
        """Note a call."""
        self._sent.append(monotonic)


class Limit(NamedTuple):
    """What holds for all instances of a target at one moment."""

    allowed_at: float
    """When a call may go out at all, infinite while a probe is on its way."""
    affordable_at: float
    """When a call that the user did not request may."""
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
        """Return what a cadence becomes in the long run."""
        return cadence * self.stretch + self.for_budget + self.for_rate


def added_wait(calls: Mapping[float, int], a_second: float) -> float:
    """Return the seconds that a queue adds to each interval, where the call that is due first goes first.

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

    A unit is what one call answers for: a group, or an instance that is read singly.
    """

    def __init__(self, rows_a_call: int) -> None:
        self._rows_a_call = rows_a_call
        self._rows: dict[InstanceKey, tuple[Hashable | None, float | None]] = {}
        self._latest: tuple[Hashable | None, float | None] = (None, None)
        self._units: dict[Hashable, Counter[float]] = {}
        self.calls: dict[Target, Counter[float]] = {}
        """Of each target, how many calls there are of each cadence in seconds."""

    def unit(self, key: InstanceKey) -> Hashable | None:
        """Return the unit that a row was put in."""
        return self._rows.get(key, (None, None))[0]

    def interval(self, unit: Hashable) -> float:
        """Return the cadence of a unit in seconds, infinite where none of its rows is polled."""
        return min(self._units.get(unit, ()), default=inf)

    def put(self, key: InstanceKey, unit: Hashable | None, cadence: float | None) -> None:
        """Note in which unit a row is read, and how often; without either it is not polled."""
        before = self._rows.get(key, (None, None))
        if (unit, cadence) == before:
            return
        self._count(key.target, *before, -1)
        # Those of a unit mostly come together, and share what is held of each.
        if self._latest != (unit, cadence):
            self._latest = unit, cadence
        self._rows[key] = self._latest
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
    """The breakers, buckets and traffic of all targets."""

    def __init__(self, rng: random.Random, *, budget: int) -> None:
        self._rng = rng
        self.budget = budget
        """Calls a day of each account, as the user has set it."""
        self.rate = RateLimiter()
        self._buckets: dict[Account, TokenBucket] = {}
        self._accounts: dict[Target, CircuitBreaker] = {}
        self._endpoints: dict[str, CircuitBreaker] = {}
        self._calls: Counter[Target] = Counter()
        self._groups: set[Group] = set()
        self.answered_at: dict[Target, float] = {}
        """When the service last answered a call of a target, in monotonic seconds."""

    def bucket(self, target: Target, monotonic: float) -> TokenBucket:
        """Return the day's calls of the account that a target belongs to."""
        if target.account not in self._buckets:
            self._buckets[target.account] = TokenBucket(self.budget, monotonic)
        return self._buckets[target.account]

    def account_breaker(self, target: Target) -> CircuitBreaker:
        """Return the breaker that the service's answers to this caller open."""
        return self._accounts.setdefault(target, CircuitBreaker(self._rng))

    def endpoint_breaker(self, target: Target) -> CircuitBreaker:
        """Return the breaker that a bad line or a service in trouble opens, for all of an endpoint."""
        return self._endpoints.setdefault(target.endpoint, CircuitBreaker(self._rng))

    def open_breaker(self, target: Target) -> CircuitBreaker | None:
        """Return the breaker that holds a target's calls back, the account's first; None if none does."""
        breakers = (self.account_breaker(target), self.endpoint_breaker(target))
        return next((breaker for breaker in breakers if breaker.is_open), None)

    def has_calls_out(self, target: Target) -> bool:
        """Return whether a call of a target's account has no answer yet."""
        return any(n and b.account == target.account for b, n in self._calls.items())

    @property
    def are_calls_out(self) -> bool:
        """Whether any call has no answer yet."""
        return any(self._calls.values())

    def waits(
        self, rounds: Mapping[Target, Counter[float]], new: int, monotonic: float
    ) -> dict[Target, Wait]:
        """Return what our own budget and rate add to the intervals of each target.

        Args:
            rounds: the calls of a round, as `Rounds.calls`.
            new: instances whose group is not known yet.
            monotonic: the time of this.
        """
        accounts: dict[Account, Counter[float]] = {}
        for target, calls in rounds.items():
            accounts.setdefault(target.account, Counter()).update(calls)
        stretches: dict[Account, tuple[float, float]] = {}
        everything: Counter[float] = Counter()
        buckets = {target.account: self.bucket(target, monotonic) for target in rounds}
        for account, calls in accounts.items():
            bucket = buckets[account]
            stretch, queue = bucket.stretch(monotonic), 0.0
            stretched = Counter({cadence * stretch: n for cadence, n in calls.items()})
            if bucket.ready_at(monotonic) > monotonic:
                queue = added_wait(stretched, 1.0 / bucket.seconds_a_call(monotonic))
            stretches[account] = stretch, queue
            everything.update({interval + queue: n for interval, n in stretched.items()})
        rate = added_wait(everything, CALLS_A_SECOND)
        return {
            target: Wait(*stretches[target.account], rate, new / CALLS_A_SECOND)
            for target in rounds
        }

    def seconds_between_calls(self, target: Target, monotonic: float) -> float:
        """Return how far apart our own limits keep two polls of a target."""
        bucket = self.bucket(target, monotonic)
        is_short = bucket.ready_at(monotonic) > monotonic
        return bucket.seconds_a_call(monotonic) if is_short else 1.0 / CALLS_A_SECOND

    def allow_one(self, target: Target, monotonic: float) -> None:
        """Let one attempt through at once, since the user wants it."""
        self.account_breaker(target).allow_one(monotonic)
        self.endpoint_breaker(target).allow_one(monotonic)

    def source_changed(self, target: Target, monotonic: float) -> None:
        """Try a refused target again at once, since its credentials are others now."""
        breaker = self.account_breaker(target)
        if isinstance(breaker.error, (Refused, CredentialsMissing)):
            breaker.allow_one(monotonic)

    def sent(self, target: Target, group: Group | None, monotonic: float) -> None:
        """Note a call that goes out."""
        self._calls[target] += 1
        if group is not None:
            self._groups.add(group)
        self.rate.sent(monotonic)
        self.bucket(target, monotonic).spend(monotonic)

    def landed(self, target: Target, group: Group | None) -> None:
        """Note that a call is over."""
        self._calls[target] -= 1
        if group is not None:
            self._groups.discard(group)

    def succeeded(self, target: Target, monotonic: float) -> None:
        """Let calls through: the service answered."""
        self.answered_at[target] = monotonic
        self.account_breaker(target).succeeded()
        self.endpoint_breaker(target).succeeded()

    def failed(
        self, target: Target, error: ServiceError, monotonic: float, sent_at: float | None = None
    ) -> None:
        """Open the breaker that an error belongs to; the call went out at `sent_at`.

        One that says something of an instance alone belongs to none: there the service answered.
        """
        ends_at = self.bucket(target, monotonic).ends_at
        if is_of_account(error):
            if error.code:
                # A refusal and a throttling are answers of the endpoint.
                self.endpoint_breaker(target).succeeded()
            self.account_breaker(target).failed(error, monotonic, day_ends_at=ends_at)
        else:
            breaker = self.endpoint_breaker(target)
            breaker.failed(error, monotonic, day_ends_at=ends_at, sent_at=sent_at)

    def limit(self, target: Target, monotonic: float) -> Limit:
        """Return what holds now for a target."""
        account, endpoint = self.account_breaker(target), self.endpoint_breaker(target)
        allowed_at = max(account.retry_at, endpoint.retry_at)
        # An open breaker lets a single probe through, over all that share the endpoint.
        fellows = sum(n for b, n in self._calls.items() if b.endpoint == target.endpoint)
        if (account.is_open and self._calls[target]) or (endpoint.is_open and fellows):
            allowed_at = inf
        bucket = self.bucket(target, monotonic)
        groups = frozenset(g for g in self._groups if g.target == target)
        return Limit(allowed_at, bucket.ready_at(monotonic), bucket.stretch(monotonic), groups)
