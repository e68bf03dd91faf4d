"""What holds back every call of a binding: gates, budget, pace, what is in flight. Sans-I/O.

And by how much: `Wait` is what our own budget and rate make of the intervals that were wished for.
"""

import random
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from math import ceil, inf
from typing import NamedTuple

from wfinspect.errors import CredentialsMissing, Refused, ServiceError
from wfinspect.instance import Account, Binding, InstanceKey
from wfinspect.watching.backoff import Gate, is_of_account
from wfinspect.watching.budget import CALLS_A_SECOND, Bucket, Pace
from wfinspect.watching.source import Group


class Limit(NamedTuple):
    """What holds for all instances of a binding at one moment; times are steady seconds."""

    opens_at: float
    """When a call may go out at all, infinite while a probe is on its way."""
    affordable_at: float
    """When a call that nobody asked for may."""
    stretch: float
    groups: frozenset[Group]
    """Those with a List in flight."""


class Wait(NamedTuple):
    """By what our own limits lengthen the interval of every row of a binding, in seconds."""

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
        self.calls: dict[Binding, Counter[float]] = {}
        """Of each binding, how many calls there are of each cadence in seconds."""

    def unit(self, key: InstanceKey) -> Hashable | None:
        """The unit that a row was put in."""
        return self._rows.get(key, (None, None))[0]

    def put(self, key: InstanceKey, unit: Hashable | None, cadence: float | None) -> None:
        """Note in which unit a row is read, and how often; without either it is not polled."""
        before = self._rows.get(key, (None, None))
        if (unit, cadence) == before:
            return
        self._count(key.binding, *before, -1)
        self._rows[key] = unit, cadence
        self._count(key.binding, unit, cadence, 1)

    def forget(self, key: InstanceKey) -> None:
        """Drop a row."""
        self.put(key, None, None)
        self._rows.pop(key, None)

    def _count(
        self, binding: Binding, unit: Hashable | None, cadence: float | None, step: int
    ) -> None:
        if unit is None or cadence is None:
            return
        rows = self._units.setdefault(unit, Counter())
        calls = self.calls.setdefault(binding, Counter())
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
    """The gates, buckets and traffic of all bindings."""

    def __init__(self, rng: random.Random, *, budget: int) -> None:
        self._rng = rng
        self.budget = budget
        """Calls a day of each account, as a person has set it."""
        self.pace = Pace()
        self._buckets: dict[Account, Bucket] = {}
        self._accounts: dict[Binding, Gate] = {}
        self._endpoints: dict[str, Gate] = {}
        self._calls: Counter[Binding] = Counter()
        self._groups: set[Group] = set()
        self.answered_at: dict[Binding, float] = {}
        """When the service last answered a call of a binding, in steady seconds."""

    def bucket(self, binding: Binding, now: float) -> Bucket:
        """The day's calls of the account that a binding belongs to."""
        return self._bucket(binding.account, now)

    def _bucket(self, account: Account, now: float) -> Bucket:
        if account not in self._buckets:
            self._buckets[account] = Bucket(self.budget, now)
        return self._buckets[account]

    def account_gate(self, binding: Binding) -> Gate:
        """The gate that the service's answers to this caller close."""
        return self._accounts.setdefault(binding, Gate(self._rng))

    def endpoint_gate(self, binding: Binding) -> Gate:
        """The gate that a bad line or a service in trouble closes, for all who use the endpoint."""
        return self._endpoints.setdefault(binding.endpoint, Gate(self._rng))

    def closed_gate(self, binding: Binding) -> Gate | None:
        """The gate that stands before a binding's calls, the account's first; None if none does."""
        gates = (self.account_gate(binding), self.endpoint_gate(binding))
        return next((gate for gate in gates if gate.is_closed), None)

    def has_calls_out(self, binding: Binding) -> bool:
        """Whether a call of a binding's account has no answer yet."""
        return any(n and b.account == binding.account for b, n in self._calls.items())

    @property
    def are_calls_out(self) -> bool:
        """Whether any call has no answer yet."""
        return any(self._calls.values())

    def at(self, now: float, bindings: Iterable[Binding]) -> dict[Binding, Limit]:
        """What holds now for each binding."""
        return {binding: self._limit(binding, now) for binding in bindings}

    def waits(
        self, rounds: Mapping[Binding, Counter[float]], new: int, now: float
    ) -> dict[Binding, Wait]:
        """What our own budget and rate add to the intervals of each binding.

        Args:
            rounds: the calls of a round, as `Rounds.calls`.
            new: instances whose group is not known yet.
            now: steady seconds.
        """
        accounts: dict[Account, Counter[float]] = {}
        for binding, calls in rounds.items():
            accounts.setdefault(binding.account, Counter()).update(calls)
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
            binding: Wait(*stretches[binding.account], rate, new / CALLS_A_SECOND)
            for binding in rounds
        }

    def seconds_between_calls(self, binding: Binding, now: float) -> float:
        """How far apart our own limits keep two calls of a binding that nobody asked for."""
        bucket = self.bucket(binding, now)
        is_short = bucket.ready_at(now) > now
        return bucket.seconds_a_call(now) if is_short else 1.0 / CALLS_A_SECOND

    def ask(self, binding: Binding, now: float) -> None:
        """Let one attempt through: a person wants to know."""
        self.account_gate(binding).ask(now)
        self.endpoint_gate(binding).ask(now)

    def source_changed(self, binding: Binding, now: float) -> None:
        """Try a refused binding again at once, since its credentials are others now."""
        gate = self.account_gate(binding)
        if isinstance(gate.error, (Refused, CredentialsMissing)):
            gate.ask(now)

    def sent(self, binding: Binding, group: Group | None, now: float) -> None:
        """Note a call that goes out."""
        self._calls[binding] += 1
        if group is not None:
            self._groups.add(group)
        self.pace.sent(now)
        self.bucket(binding, now).spend(now)

    def landed(self, binding: Binding, group: Group | None) -> None:
        """Note that a call is over."""
        self._calls[binding] -= 1
        if group is not None:
            self._groups.discard(group)

    def succeeded(self, binding: Binding, now: float) -> None:
        """Open the gates: the service answered."""
        self.answered_at[binding] = now
        self.account_gate(binding).succeeded()
        self.endpoint_gate(binding).succeeded()

    def failed(
        self, binding: Binding, error: ServiceError, now: float, asked_at: float | None = None
    ) -> None:
        """Close the gate that an error belongs to; the call went out at `asked_at`.

        One that says something of an instance alone belongs to none: there the service answered.
        """
        ends_at = self.bucket(binding, now).ends_at
        if is_of_account(error):
            if error.code:
                # Whoever is refused or throttled by the service has been answered.
                self.endpoint_gate(binding).succeeded()
            self.account_gate(binding).failed(error, now, day_ends_at=ends_at)
        else:
            gate = self.endpoint_gate(binding)
            gate.failed(error, now, day_ends_at=ends_at, asked_at=asked_at)

    def _limit(self, binding: Binding, now: float) -> Limit:
        account, endpoint = self.account_gate(binding), self.endpoint_gate(binding)
        opens_at = max(account.opens_at, endpoint.opens_at)
        # A closed gate lets a single probe through, whoever shares the endpoint.
        fellows = sum(n for b, n in self._calls.items() if b.endpoint == binding.endpoint)
        if (account.is_closed and self._calls[binding]) or (endpoint.is_closed and fellows):
            opens_at = inf
        bucket = self.bucket(binding, now)
        groups = frozenset(g for g in self._groups if g.binding == binding)
        return Limit(opens_at, bucket.ready_at(now), bucket.stretch(now), groups)
