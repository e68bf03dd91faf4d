"""Who is read next: the due times of the instances, and the call that answers for most of them. Pure.

Times are monotonic seconds.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple

from wfinspect.errors import BadRequest, Refused, ServiceError
from wfinspect.model import MAX_IDS, InstanceKey, Target
from wfinspect.watching.api import Group
from wfinspect.watching.cadence import ACTIVE_SECONDS, JITTER
from wfinspect.watching.groups import BatchPlanner
from wfinspect.watching.limits import Limit, Limits, Rounds, Wait, is_of_account, is_of_instance

_BAD_REQUEST_SECONDS = 60.0
_BAD_REQUEST_CAP_SECONDS = 600.0
_MAX_REFUSALS = 8
_RNG = random.Random()
_POLLED = 2  # the rank of what the user has not requested
_HABIT = 5  # on a line that loses every fifth call, three in a row are chance


@dataclass(slots=True, eq=False, repr=False)
class PollState:
    """When one instance is due; it knows no other."""

    key: InstanceKey
    number: int
    """Of two that are due at one time the one with the smaller number goes first."""
    cadence: float | None = ACTIVE_SECONDS
    """Seconds between two readings; None is a rest until it is requested."""
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
    unit: "Unit | None" = None
    """The unit it waits in; None while it is in flight."""
    entry: "_Entry | None" = None
    """Its place there; None as well until the first of the unit is looked for."""
    _jitter: float = 1.0
    _stretch: float = 1.0
    """By how much the budget lengthened the cadence when it was last requested."""
    _not_before: float = -inf
    _refusals: int = 0
    _lone_failures: int = 0

    @property
    def stretched(self) -> float:
        """The longest time to the next reading by cadence and budget; 0 while it rests."""
        return (self.cadence or 0.0) * self._stretch * (1.0 + JITTER)

    @property
    def rank(self) -> int:
        """Which of those that may be read now goes first, whenever it was due."""
        return 2 - self.is_requested - self.is_urgent

    def sent(self, batch: "Batch") -> None:
        """Note the call that reads it."""
        self.flight, self.was_requested = batch, self.is_requested
        self.is_requested = self.is_urgent = False

    def begin(self, at: float, stretch: float, jitter: float) -> None:
        """Count the time to the next reading from `at`, with what lengthens it."""
        self.base_at, self._stretch, self._jitter = at, stretch, jitter

    def read(self) -> None:
        """Note a reading."""
        self._refusals, self._lone_failures = 0, 0

    def due_again(self) -> None:
        """Be due at once, unless it rests and the user has not requested it."""
        self.base_at, self.is_requested = -inf, self.is_requested or self.was_requested

    def failed(self, monotonic: float) -> None:
        """Be due at once, behind all who are due by now, so that no one can stand in their way."""
        self.failed_at, self.was_requested = monotonic, False
        self.due_again()

    def failed_alone(self) -> bool:
        """Note a failure while the service answers others; return whether that has become a habit."""
        self._lone_failures += 1
        return self._lone_failures >= _HABIT

    def hold_back(self, monotonic: float) -> None:
        """Wait for a while, longer each time: the service takes exception to this instance."""
        wait = _BAD_REQUEST_SECONDS * 2.0**self._refusals
        self._not_before = monotonic + min(_BAD_REQUEST_CAP_SECONDS, wait)
        self._refusals = min(self._refusals + 1, _MAX_REFUSALS)

    def due_at(self, stretch: float) -> float:
        """Return when it is due; `stretch` is by how much the budget lengthens cadences now."""
        if self.cadence is None:
            return inf
        # A bucket that has filled up since shortens the wait again.
        due_at = self.base_at + self.cadence * self._jitter * min(self._stretch, stretch)
        return max(due_at, self._not_before, self.failed_at)


class Batch(NamedTuple):
    """One call: a Get for its only instance, or a List where a group is given."""

    target: Target
    keys: tuple[InstanceKey, ...]
    group: Group | None = None


class Requested(NamedTuple):
    """Those of a group that the user has requested: a call on its way does not hold them up."""

    group: Group


Unit = Target | Group | Requested | InstanceKey
"""What waits together: the new ones of a target, those of a group, or an instance alone."""
_Entry = tuple[int, float, int, PollState]
"""Rank, when it is due, and the number."""


class Schedule:
    """Decides the next call; see the module's docstring.

    Those of a unit are a heap, and so are the first of all units: what a call costs depends on how many
    it is for. An entry that its instance does not hold any more is passed over.
    """

    def __init__(
        self, rng: random.Random = _RNG, *, budget: int, interval_seconds: float = ACTIVE_SECONDS
    ) -> None:
        self._rng = rng
        self.interval_seconds = interval_seconds
        self._states: dict[InstanceKey, PollState] = {}
        self.targets: Counter[Target] = Counter()
        """Those in use, each with the number of its instances."""
        self._units: defaultdict[Unit, list[_Entry]] = defaultdict(list)
        self._filed: defaultdict[Target, list[PollState]] = defaultdict(list)
        """Those that wait and have no entry yet."""
        self._changed: defaultdict[Target, set[Unit]] = defaultdict(set)
        """The units of each target whose first is to be found again."""
        self._heads: dict[Unit, _Entry] = {}
        """The first of each unit that may be read."""
        self._heaps: defaultdict[Target, list[_Entry]] = defaultdict(list)
        self._stretches: dict[Target, float] = {}
        """By which the latest entries were made."""
        self._numbers = count()
        self.groups = BatchPlanner()
        self.limits = Limits(rng, budget=budget)
        self.rounds = Rounds(MAX_IDS)
        self.is_paused = False
        """Only what the user requested goes out."""

    def add(self, key: InstanceKey, *, group: Group | None = None) -> None:
        """Take an instance up; it is due at once. One already known stays as it is.

        But for one not placed yet: what another process or a follow has read says its group.
        """
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = PollState(key, next(self._numbers))
            self.targets[key.target] += 1
        elif group is None or not self.groups.is_new(key):
            return
        self.groups.add(key, group)
        self.rounds.put(key, self.groups.group_of(key), state.cadence)
        self._changed[key.target].add(key.target)
        self._file(state)

    def forget(self, key: InstanceKey) -> None:
        """Never read an instance again; an answer still on its way is ignored."""
        state = self._states.pop(key, None)
        if state is not None:
            self._take_out(state)
            self.targets -= Counter([key.target])
            self.groups.forget(key)
            self.rounds.forget(key)
            self._changed[key.target].add(key.target)

    def set_cadence(self, key: InstanceKey, seconds: float | None) -> None:
        """Set the time between two readings; None lets the instance rest until it is requested."""
        state = self._states[key]
        if state.cadence != seconds:
            state.cadence = seconds
            self.rounds.put(key, self.rounds.unit(key), seconds)
            self._file(state)

    def request(self, key: InstanceKey, monotonic: float, *, is_urgent: bool = False) -> None:
        """Read an instance as soon as the rate allows, since the user wants it."""
        state = self._states[key]
        if state.flight is not None:
            return  # the answer on its way is as new as another one
        state.is_requested, state.is_urgent = True, state.is_urgent or is_urgent
        self._file(state)
        self.limits.allow_one(key.target, monotonic)

    def read_elsewhere(self, key: InstanceKey, read_at: float, monotonic: float) -> None:
        """Count another process's reading, taken at `read_at`, as one of our own."""
        state = self._states[key]
        state.read()
        if state.flight is None and read_at > state.base_at:
            # The process that read it last goes first again, or two would often call at once.
            self._begin(state, read_at, monotonic, jitter=(0.7 * JITTER, JITTER))
        self._file(state)

    def waits(self, monotonic: float) -> Mapping[Target, Wait]:
        """Return what our own budget and rate add to the intervals of each target with polled rows."""
        return self.limits.waits(self.rounds.calls, self.groups.new, monotonic)

    def effective_interval(self, key: InstanceKey, wait: Wait) -> float:
        """Return the seconds within which the next reading is due, with everything that lengthens it."""
        return self._states[key].stretched + wait.for_budget + wait.for_rate + wait.for_new

    def due_now(self, keys: Iterable[InstanceKey]) -> None:
        """Read instances as soon as budget and rate allow."""
        for state in self._known(keys):
            state.base_at = -inf
            self._file(state)

    def take_due(self, monotonic: float) -> Batch | None:
        """Return the next call to make now, None if nothing may go out; mark its instances in flight."""
        if self.limits.rate.ready_at(monotonic) > monotonic:
            return None
        limits = self._limits(monotonic)
        ready = [
            head
            for target, limit in limits.items()
            if (head := self._head(target, limit)) and self._ready_at(head, limit) <= monotonic
        ]
        if not ready:
            return None
        batch = self._batch(min(ready)[-1], monotonic, limits)
        self.limits.sent(batch.target, batch.group, monotonic)
        for key in batch.keys:
            self._take_out(self._states[key])
            self._states[key].sent(batch)
            self._begin(self._states[key], monotonic, monotonic)
        self._changed[batch.target] |= {batch.target, batch.group or batch.target}
        return batch

    def next_at(self, monotonic: float) -> float | None:
        """Return when `take_due` may have something, None if only an answer or the user changes that."""
        limits = self._limits(monotonic)
        heads = ((self._head(target, limit), limit) for target, limit in limits.items())
        first_at = min((self._ready_at(head, limit) for head, limit in heads if head), default=inf)
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
        states = self._land(batch)
        self.limits.succeeded(batch.target, monotonic)
        for state in self._known(placed):
            state.read()
        # Not found by List says nothing about an instance; only a Get of its own does.
        for state in self._known(self.groups.answered(batch.keys, batch.group, placed, monotonic)):
            state.due_again()
        for state in states:
            self.rounds.put(state.key, self.groups.unit(state.key, monotonic), state.cadence)
            self._file(state)

    def failed(self, batch: Batch, error: ServiceError, monotonic: float) -> bool:
        """End a call that gave nothing usable, and decide when the next one may follow.

        Returns whether that says something of its only instance, and nothing of the service.
        """
        states = self._land(batch)
        is_of_one = False
        if batch.group is not None and isinstance(error, (BadRequest, Refused)):
            self.groups.refused(batch.keys, batch.group, error)
            for state in states:
                state.due_again()
        else:
            self.groups.failed(batch.keys, batch.target, is_get=batch.group is None)
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
        for state in states:
            self._file(state)
        return is_of_one

    def _limits(self, monotonic: float) -> dict[Target, Limit]:
        return {target: self.limits.limit(target, monotonic) for target in self.targets}

    def _is_of_one(self, batch: Batch, error: ServiceError, states: Iterable[PollState]) -> bool:
        """Return whether it is always the same instance that fails, while calls for others succeed."""
        is_lone = batch.group is None and self.limits.open_breaker(batch.target) is None
        return is_lone and not is_of_account(error) and any(t.failed_alone() for t in states)

    # Units, and who is first in each.

    def _file(self, state: PollState) -> None:
        """Let an instance wait with others, by what is known of it now."""
        self._take_out(state)
        if state.flight is None:
            unit: Unit = state.key
            group = self.groups.group_of(state.key)
            if not state.is_urgent and self.groups.is_new(state.key):
                unit = state.key.target
            elif group is not None:
                unit = Requested(group) if state.is_requested else group
            state.unit = unit
            self._filed[state.key.target].append(state)

    def _take_out(self, state: PollState) -> None:
        unit, state.unit, state.entry = state.unit, None, None
        if unit is not None:
            self._changed[state.key.target].add(unit)

    def _head(self, target: Target, limit: Limit) -> _Entry | None:
        """Return the instance of a target that is to be read first."""
        filed, changed = self._filed.pop(target, []), self._changed.pop(target, set())
        former, self._stretches[target] = self._stretches.get(target, 1.0), limit.stretch
        if limit.stretch < former:
            # That shortens the waits of all, and happens seldom; a longer one is for later readings.
            filed = [state for state in self._states.values() if state.key.target == target]
            for state in filed:
                self._units.pop(state.unit, None)  # type: ignore[arg-type] # None is no unit
        for state in filed:
            if state.unit is not None:
                state.entry = state.rank, state.due_at(limit.stretch), state.number, state
                heappush(self._units[state.unit], state.entry)
                changed.add(state.unit)
        heap = self._heaps[target]
        for unit in changed:
            first, before = self._first(unit), self._heads.pop(unit, None)
            if first is not None and not self._is_blocked(unit, limit):
                self._heads[unit] = first
                if first is not before:
                    heappush(heap, first)
        while heap and self._heads.get(heap[0][-1].unit) is not heap[0]:  # type: ignore[arg-type] # None is no unit
            heappop(heap)
        return heap[0] if heap else None

    def _first(self, unit: Unit) -> _Entry | None:
        """Return the first entry of a unit."""
        heap = self._units[unit]
        while heap and heap[0][-1].entry is not heap[0]:
            heappop(heap)
        if not heap:
            del self._units[unit]
        return heap[0] if heap else None

    def _fellows(self, group: Group, most: int, monotonic: float) -> list[PollState]:
        """Return those of a group that are to be read first, as many as one List can answer for."""
        found: list[_Entry] = []
        passed: list[_Entry] = []
        for unit in (group, Requested(group)):
            room = most
            while room and (entry := self._first(unit)) is not None:
                heappop(self._units[unit])
                is_shared = self.groups.shared(entry[-1].key, monotonic) is not None
                (found if is_shared else passed).append(entry)
                room -= is_shared
        found.sort()
        for entry in (*passed, *found[most:]):
            heappush(self._units[entry[-1].unit], entry)  # type: ignore[index] # it waits
        return [entry[-1] for entry in found[:most]]

    def _is_blocked(self, unit: Unit, limit: Limit) -> bool:
        """Return whether a unit has to wait for an answer that is on its way."""
        if isinstance(unit, Target):
            return self.groups.must_wait(unit)
        return isinstance(unit, Group) and unit in limit.groups

    def _ready_at(self, head: _Entry, limit: Limit) -> float:
        rank, due_at = head[:2]
        if rank < _POLLED:
            return limit.allowed_at
        return inf if self.is_paused else max(due_at, limit.allowed_at, limit.affordable_at)

    def _batch(self, first: PollState, monotonic: float, limits: Mapping[Target, Limit]) -> Batch:
        target = first.key.target
        group = self.groups.shared(first.key, monotonic)
        if group is None or group in limits[target].groups:
            keys, group = self.groups.place(first.key, monotonic, is_alone=first.is_urgent)
            return Batch(target, keys, group)
        keys = tuple(state.key for state in self._fellows(group, MAX_IDS, monotonic))
        return Batch(target, keys, group if len(keys) > 1 else None)

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

    def _land(self, batch: Batch) -> list[PollState]:
        """Note that a call is over; returns its instances."""
        self.limits.landed(batch.target, batch.group)
        self._changed[batch.target] |= {batch.target, batch.group or batch.target}
        states = list(self._known(batch.keys))
        for state in states:
            # One that was forgotten and taken up again may be in another call by now.
            if state.flight is batch:
                state.flight = None
        return states
