"""Who is read next: the due times of the instances, and the call that answers for most of them. Pure.

Times are monotonic seconds.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from wfinspect.errors import BadRequest, Refused, ServiceError
from wfinspect.model import InstanceKey, Target
from wfinspect.watching.api import Group
from wfinspect.watching.cadence import ACTIVE_SECONDS, JITTER
from wfinspect.watching.groups import MAX_IDS, BatchPlanner
from wfinspect.watching.limits import Limit, Limits, Rounds, Wait, is_of_account, is_of_instance

_BAD_REQUEST_SECONDS = 60.0
_BAD_REQUEST_CAP_SECONDS = 600.0
_MAX_REFUSALS = 8
_HABIT = 5  # on a line that loses every fifth call, three in a row are chance


@dataclass(slots=True)
class PollState:
    """When one instance is due; it knows no other."""

    key: "InstanceKey"
    earliest_at: float = -inf
    """When it may be read if nothing else stands in the way."""
    base_at: float = -inf
    """When it was last requested."""
    is_requested: bool = False
    """The user wants it read: first in line, whatever the budget says."""
    is_urgent: bool = False
    """The user looks at it: a Get of its own, without waiting for others to be placed."""
    was_requested: bool = False
    """The same of the last call: what that did not answer is requested again."""
    flight: "Batch | None" = None
    """The call that asks for it now."""
    failed_at: float = -inf
    """When a request for it last failed: those due since before that go first."""
    _cadence: float | None = ACTIVE_SECONDS
    _jitter: float = 1.0
    _stretch: float = 1.0
    """By how much the budget lengthened the cadence when it was last requested."""
    _not_before: float = -inf
    _refusals: int = 0
    _lone_failures: int = 0

    @property
    def cadence(self) -> float | None:
        """Seconds between two readings; None is a rest until it is requested."""
        return self._cadence

    @property
    def stretched(self) -> float:
        """The longest time to the next reading by cadence and budget; 0 while it rests."""
        return (self._cadence or 0.0) * self._stretch * (1.0 + JITTER)

    def set_cadence(self, seconds: float | None) -> None:
        """Set the time between two readings."""
        self._cadence = seconds
        self._plan()

    def request(self, *, is_urgent: bool) -> None:
        """Put it first in line."""
        self.is_requested = True
        self.is_urgent |= is_urgent
        self._plan()

    def sent(self, batch: "Batch") -> None:
        """Note the call that reads it."""
        self.flight, self.was_requested = batch, self.is_requested
        self.is_requested = self.is_urgent = False

    def begin(self, at: float, stretch: float, jitter: float) -> None:
        """Count the time to the next reading from `at`, with what lengthens it."""
        self.base_at, self._stretch, self._jitter = at, stretch, jitter
        self._plan()

    def read(self) -> None:
        """Note a reading."""
        self._refusals, self._lone_failures = 0, 0

    def due_again(self) -> None:
        """Be due at once, unless it rests and the user has not requested it."""
        self.base_at, self.is_requested = -inf, self.is_requested or self.was_requested
        self._plan()

    def due_now(self) -> None:
        """Be due at once, as far as the budget goes, unless it rests."""
        self.base_at = -inf
        self._plan()

    def failed(self, monotonic: float) -> None:
        """Be due at once, behind all who are due by now, so that no one can stand in their way."""
        self.failed_at, self.was_requested = monotonic, False
        self.due_again()

    def failed_alone(self) -> bool:
        """Note a failure while the service answers others; says whether that has become a habit."""
        self._lone_failures += 1
        return self._lone_failures >= _HABIT

    def hold_back(self, monotonic: float) -> None:
        """Wait for a while, longer each time: the service takes exception to this instance."""
        wait = _BAD_REQUEST_SECONDS * 2.0**self._refusals
        self._not_before = monotonic + min(_BAD_REQUEST_CAP_SECONDS, wait)
        self._refusals = min(self._refusals + 1, _MAX_REFUSALS)
        self._plan()

    def due_at(self, limit: "Limit") -> float:
        """When it is due by its cadence."""
        if self._cadence is None:
            return inf
        # A bucket that has filled up since shortens the wait again.
        return self.base_at + self._cadence * self._jitter * min(self._stretch, limit.stretch)

    def ready_at(self, limit: "Limit") -> float:
        """Return when it may be read, as far as time decides it."""
        if self.is_requested:
            return limit.allowed_at
        return max(self.due_at(limit), self._not_before, limit.allowed_at, limit.affordable_at)

    def _plan(self) -> None:
        if self.is_requested:
            self.earliest_at = -inf
        elif self._cadence is None:
            self.earliest_at = inf
        else:
            self.earliest_at = max(self._not_before, self.base_at + self._cadence * self._jitter)


class Batch(NamedTuple):
    """One call: a Get for its only instance, or a List where a group is given."""

    target: Target
    keys: tuple[InstanceKey, ...]
    group: Group | None = None


class Schedule:
    """Decides the next call; see the module's docstring."""

    def __init__(
        self, rng: random.Random, *, budget: int, interval_seconds: float = ACTIVE_SECONDS
    ) -> None:
        self._rng = rng
        self.interval_seconds = interval_seconds
        """Between two readings of an active instance."""
        self._states: dict[InstanceKey, PollState] = {}
        self.targets: Counter[Target] = Counter()
        """Those in use, each with the number of its instances."""
        self.groups = BatchPlanner()
        self.limits = Limits(rng, budget=budget)
        self.rounds = Rounds(MAX_IDS)
        self.is_paused = False
        """Only what the user requested goes out."""

    def add(self, key: InstanceKey, *, group: Group | None = None) -> None:
        """Take an instance up; it is due at once. One already known stays as it is."""
        if key not in self._states:
            self._states[key] = PollState(key)
            self.targets[key.target] += 1
            self.groups.add(key, group)
            self.rounds.put(key, group, self._states[key].cadence)

    def forget(self, key: InstanceKey) -> None:
        """Never read an instance again; an answer still on its way is ignored."""
        if self._states.pop(key, None) is not None:
            self.targets -= Counter([key.target])
            self.groups.forget(key)
            self.rounds.forget(key)

    def set_cadence(self, key: InstanceKey, seconds: float | None) -> None:
        """Set the time between two readings; None lets the instance rest until it is requested."""
        self._states[key].set_cadence(seconds)
        self.rounds.put(key, self.rounds.unit(key), seconds)

    def request(self, key: InstanceKey, monotonic: float, *, is_urgent: bool = False) -> None:
        """Read an instance as soon as the rate allows, since the user wants it."""
        state = self._states[key]
        if state.flight is not None:
            return  # the answer on its way is as new as another one
        state.request(is_urgent=is_urgent)
        self.limits.allow_one(key.target, monotonic)

    def read_elsewhere(self, key: InstanceKey, read_at: float, monotonic: float) -> None:
        """Count another process's reading, taken at `read_at`, as one of our own."""
        state = self._states[key]
        state.read()
        if state.flight is None and read_at > state.base_at:
            # The process that read it last goes first again, or two would often call at once.
            self._begin(state, read_at, monotonic, jitter=(0.7 * JITTER, JITTER))

    def waits(self, monotonic: float) -> Mapping[Target, Wait]:
        """What our own budget and rate add to the intervals of each target with polled rows."""
        return self.limits.waits(self.rounds.calls, self.groups.new, monotonic)

    def effective_interval(self, key: InstanceKey, wait: Wait) -> float:
        """Seconds within which the next reading is due, with everything that lengthens it."""
        return self._states[key].stretched + wait.for_budget + wait.for_rate + wait.for_new

    def due_now(self, keys: Iterable[InstanceKey]) -> None:
        """Read instances as soon as budget and rate allow."""
        for state in self._known(keys):
            state.due_now()

    def take_due(self, monotonic: float) -> Batch | None:
        """The next call to make now, None if nothing may go out. Marks its instances in flight."""
        if self.limits.rate.ready_at(monotonic) > monotonic:
            return None
        limits = self.limits.at(monotonic, self.targets)
        ready = [
            state
            for state in self._states.values()
            if state.earliest_at <= monotonic
            and state.ready_at(limits[state.key.target]) <= monotonic
            and not self._is_blocked(state, monotonic, limits)
        ]
        if not ready:
            return None
        first = min(
            ready,
            key=lambda t: (
                not t.is_urgent,
                not t.is_requested,
                max(t.due_at(limits[t.key.target]), t.failed_at),
            ),
        )
        batch = self._batch(first, monotonic, limits)
        self.limits.sent(batch.target, batch.group, monotonic)
        for key in batch.keys:
            self._states[key].sent(batch)
            self._begin(self._states[key], monotonic, monotonic)
        return batch

    def next_at(self, monotonic: float) -> float | None:
        """When `take_due` may have something, None if only an answer or the user changes that."""
        limits = self.limits.at(monotonic, self.targets)
        first_at = inf
        for state in self._states.values():
            # The rest is dear to look up, and needed only of the few that may be the first.
            if state.earliest_at < first_at:
                ready_at = state.ready_at(limits[state.key.target])
                if ready_at < first_at and not self._is_blocked(state, monotonic, limits):
                    first_at = ready_at
        return None if first_at == inf else max(first_at, self.limits.rate.ready_at(monotonic))

    def succeeded(
        self, batch: Batch, placed: Mapping[InstanceKey, Group | None], monotonic: float
    ) -> None:
        """End a call that was answered.

        Args:
            batch: the call.
            placed: the instances that the answer held, each with the group it belongs to, None
                where it lacks a field of it. A Get answered by "not found" ends here too, empty.
            monotonic: the time of the answer.
        """
        self._land(batch)
        self.limits.succeeded(batch.target, monotonic)
        for state in self._known(placed):
            state.read()
        # Not found by List says nothing about an instance; only a Get of its own does.
        self._due_again(self.groups.answered(batch.keys, batch.group, placed, monotonic))
        for state in self._known(batch.keys):
            self.rounds.put(state.key, self.groups.unit(state.key, monotonic), state.cadence)

    def failed(self, batch: Batch, error: ServiceError, monotonic: float) -> bool:
        """End a call that gave nothing usable; decides when the next one may follow.

        Gives whether that says something of its only instance, and nothing of the service.
        """
        self._land(batch)
        if batch.group is not None and isinstance(error, (BadRequest, Refused)):
            self.groups.refused(batch.keys, batch.group, error)
            self._due_again(batch.keys)
            return False
        self.groups.failed(batch.keys, batch.target, is_get=batch.group is None)
        states = list(self._known(batch.keys))
        is_of_one = is_of_instance(error) or self._is_of_one(batch, error, states)
        if is_of_one:
            self.limits.succeeded(batch.target, monotonic)
            for state in states:
                state.hold_back(monotonic)
        else:
            sent_at = max((state.base_at for state in states), default=monotonic)
            self.limits.failed(batch.target, error, monotonic, sent_at)
            for state in states:
                state.failed(monotonic)
        return is_of_one

    def _is_of_one(self, batch: Batch, error: ServiceError, states: Iterable[PollState]) -> bool:
        """Whether it is always the same instance that fails, while calls for others succeed."""
        is_lone = batch.group is None and self.limits.open_breaker(batch.target) is None
        return is_lone and not is_of_account(error) and any(t.failed_alone() for t in states)

    def _is_blocked(
        self, state: PollState, monotonic: float, limits: Mapping[Target, Limit]
    ) -> bool:
        """Whether an instance has to wait for an answer that is on its way, or for the user."""
        if state.flight is not None or (self.is_paused and not state.is_requested):
            return True
        if not state.is_urgent and self.groups.must_wait(state.key):
            return True
        if state.is_requested:
            return False
        groups_in_flight = limits[state.key.target].groups
        return (
            bool(groups_in_flight) and self.groups.shared(state.key, monotonic) in groups_in_flight
        )

    def _batch(self, first: PollState, monotonic: float, limits: Mapping[Target, Limit]) -> Batch:
        target = first.key.target
        group = self.groups.shared(first.key, monotonic)
        if group is None or group in limits[target].groups:
            keys, group = self.groups.place(first.key, monotonic, is_alone=first.is_urgent)
            return Batch(target, keys, group)
        members = (self._states[key] for key in self.groups.members(group, monotonic))
        others = [state for state in members if state.flight is None and state is not first]
        others.sort(key=lambda t: (not t.is_requested, t.due_at(limits[target])))
        keys = (first.key, *(state.key for state in others[: MAX_IDS - 1]))
        return Batch(target, keys, group if others else None)

    def _begin(
        self,
        state: PollState,
        at: float,
        monotonic: float,
        *,
        jitter: tuple[float, float] = (0.0, 0.4 * JITTER),
    ) -> None:
        stretch = self.limits.bucket(state.key.target, monotonic).stretch(monotonic)
        state.begin(at, stretch, 1.0 + self._rng.uniform(*jitter))

    def _known(self, keys: Iterable[InstanceKey]) -> Iterable[PollState]:
        return (self._states[key] for key in keys if key in self._states)

    def _land(self, batch: Batch) -> None:
        self.limits.landed(batch.target, batch.group)
        for state in self._known(batch.keys):
            # One that was forgotten and taken up again may be in another call by now.
            if state.flight is batch:
                state.flight = None

    def _due_again(self, keys: Iterable[InstanceKey]) -> None:
        for state in self._known(keys):
            state.due_again()
