"""What holds back every call of a binding: gates, budget, pace, what is in flight. Sans-I/O."""

import random
from collections import Counter
from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from wfinspect.errors import CredentialsMissing, Refused, ServiceError
from wfinspect.instance import Account, Binding
from wfinspect.watching.backoff import Gate, is_of_account
from wfinspect.watching.budget import Bucket, Pace
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

    def bucket(self, binding: Binding, now: float) -> Bucket:
        """The day's calls of the account that a binding belongs to."""
        if binding.account not in self._buckets:
            self._buckets[binding.account] = Bucket(self.budget, now)
        return self._buckets[binding.account]

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

    def succeeded(self, binding: Binding) -> None:
        """Open the gates: the service answered."""
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
