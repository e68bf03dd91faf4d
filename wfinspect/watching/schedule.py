"""Who is due, in which call, within which limits. Sans-I/O: `now` comes in as steady seconds.

Never sleeps, never reads a clock, never sees an answer's content beyond the group it belongs to.
`take_due` hands out one call and marks its instances in flight; `succeeded` or `failed` ends it.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop
from math import inf
from typing import NamedTuple

from wfinspect.errors import BadRequest, Refused, ServiceError
from wfinspect.instance import Binding, InstanceKey
from wfinspect.watching.backoff import is_of_instance
from wfinspect.watching.cadence import ACTIVE_SECONDS, JITTER
from wfinspect.watching.groups import Groups
from wfinspect.watching.limits import Limit, Limits
from wfinspect.watching.source import Group

MAX_IDS = 100
"""IDs that one List may ask for."""

_BAD_REQUEST_SECONDS = 60.0
_BAD_REQUEST_CAP_SECONDS = 600.0
_MAX_REFUSALS = 8


class Batch(NamedTuple):
    """One call: a Get for its only instance, or a List where a group is given."""

    binding: Binding
    keys: tuple[InstanceKey, ...]
    group: Group | None = None


@dataclass(slots=True)
class _Item:
    key: InstanceKey
    cadence: float | None = ACTIVE_SECONDS
    base_at: float = -inf
    """When it was last asked for."""
    jitter: float = 1.0
    stretch: float = 1.0
    """By how much the budget lengthened the cadence when it was last asked for."""
    promised: float = 0.0
    """The longest cadence since it was last read."""
    not_before: float = -inf
    refusals: int = 0
    is_asked: bool = False
    """A person wants it read: first in line, whatever the budget says."""
    is_urgent: bool = False
    """A person looks at it: a Get of its own, without waiting for others to be placed."""
    flight: Batch | None = None
    """The call that asks for it now."""


class Schedule:
    """Decides the next call; see the module's docstring."""

    def __init__(self, rng: random.Random, *, budget: int) -> None:
        self._rng = rng
        self._items: dict[InstanceKey, _Item] = {}
        self.bindings: Counter[Binding] = Counter()
        """Those in use, each with the number of its instances."""
        self.groups = Groups()
        self.limits = Limits(rng, budget=budget)
        self.is_paused = False
        """Only what a person asked for goes out."""

    def add(self, key: InstanceKey, *, group: Group | None = None) -> None:
        """Take an instance up; it is due at once. One already known stays as it is."""
        if key not in self._items:
            self._items[key] = _Item(key)
            self.bindings[key.binding] += 1
            self.groups.add(key, group)

    def forget(self, key: InstanceKey) -> None:
        """Never ask for an instance again; an answer still on its way is ignored."""
        if self._items.pop(key, None) is not None:
            self.bindings -= Counter([key.binding])
            self.groups.forget(key)

    def set_cadence(self, key: InstanceKey, seconds: float | None) -> None:
        """Set the time between two readings; None lets the instance rest until it is asked for."""
        item = self._items[key]
        item.cadence = seconds
        item.promised = max(item.promised, seconds or 0.0)

    def ask(self, key: InstanceKey, now: float, *, is_urgent: bool = False) -> None:
        """Read an instance as soon as the pace allows: a person wants to know."""
        item = self._items[key]
        if item.flight is not None:
            return  # the answer on its way is as new as another one
        item.is_asked = True
        item.is_urgent |= is_urgent
        self.limits.ask(key.binding, now)

    def read_elsewhere(self, key: InstanceKey, read_at: float, now: float) -> None:
        """Count another process's reading, taken at `read_at`, as one of our own."""
        item = self._items[key]
        item.promised = item.cadence or 0.0
        if item.flight is None and read_at > item.base_at:
            # Whoever read it last goes first again, or two processes would often ask at once.
            self._rebase(item, read_at, now, jitter=(0.7 * JITTER, JITTER))

    def effective_interval(self, key: InstanceKey) -> float:
        """Seconds within which the next reading is due, with everything that lengthens it."""
        item = self._items[key]
        # A cadence that has become shorter since makes no reading older than it was.
        return item.promised * item.stretch * (1.0 + JITTER)

    def take_due(self, now: float) -> Batch | None:
        """The next call to make now, None if nothing may go out. Marks its instances in flight."""
        if self.limits.pace.ready_at(now) > now:
            return None
        limits = self.limits.at(now, self.bindings)
        timely = [i for i in self._items.values() if _ready_at(i, limits) <= now]
        ready = [item for item in timely if not self._is_blocked(item, now, limits)]
        if not ready:
            return None
        first = min(
            ready,
            key=lambda i: (not i.is_urgent, not i.is_asked, _due_at(i, limits[i.key.binding])),
        )
        batch = self._batch(first, now, limits)
        self.limits.sent(batch.binding, batch.group, now)
        for key in batch.keys:
            item = self._items[key]
            item.flight, item.is_asked, item.is_urgent = batch, False, False
            self._rebase(item, now, now)
        return batch

    def next_at(self, now: float) -> float | None:
        """When `take_due` may have something, None if only an answer or a person changes that."""
        limits = self.limits.at(now, self.bindings)
        # What blocks an instance is dear to look up, and needed only of the first few.
        times = [(_ready_at(i, limits), n, i) for n, i in enumerate(self._items.values())]
        heapify(times)
        while times:
            ready_at, _, item = heappop(times)
            if ready_at == inf:
                break
            if not self._is_blocked(item, now, limits):
                return max(ready_at, self.limits.pace.ready_at(now))
        return None

    def succeeded(
        self, batch: Batch, placed: Mapping[InstanceKey, Group | None], now: float
    ) -> None:
        """End a call that was answered.

        Args:
            batch: the call.
            placed: the instances that the answer held, each with the group it belongs to, None
                where it lacks a field of it. A Get answered by "not found" ends here too, empty.
            now: steady seconds.
        """
        self._land(batch)
        self.limits.succeeded(batch.binding)
        for key in placed:
            if key in self._items:
                item = self._items[key]
                item.refusals, item.promised = 0, item.cadence or 0.0
        # Not found by List says nothing about an instance; only a Get of its own does.
        self._due_again(self.groups.answered(batch.keys, batch.group, placed, now))

    def failed(self, batch: Batch, error: ServiceError, now: float) -> None:
        """End a call that gave nothing usable; decides when the next one may follow."""
        self._land(batch)
        if batch.group is not None and isinstance(error, (BadRequest, Refused)):
            self.groups.refused(batch.keys, batch.group, error)
            self._due_again(batch.keys)
            return
        self.groups.failed(batch.keys, batch.binding, is_get=batch.group is None)
        asked_at = max((item.base_at for item in self._known(batch.keys)), default=now)
        self.limits.failed(batch.binding, error, now, asked_at)
        if is_of_instance(error):
            self._hold_back(batch.keys, now)
        else:
            self._due_again(batch.keys)

    def _is_blocked(self, item: _Item, now: float, limits: Mapping[Binding, Limit]) -> bool:
        """Whether an instance has to wait for an answer that is on its way, or for a person."""
        if item.flight is not None or (self.is_paused and not item.is_asked):
            return True
        if not item.is_urgent and self.groups.must_wait(item.key):
            return True
        if item.is_asked:
            return False
        groups_in_flight = limits[item.key.binding].groups
        return bool(groups_in_flight) and self.groups.shared(item.key, now) in groups_in_flight

    def _batch(self, first: _Item, now: float, limits: Mapping[Binding, Limit]) -> Batch:
        binding = first.key.binding
        group = self.groups.shared(first.key, now)
        if group is None or group in limits[binding].groups:
            keys, group = self.groups.place(first.key, MAX_IDS, now, is_alone=first.is_urgent)
            return Batch(binding, keys, group)
        members = (self._items[key] for key in self.groups.members(group, now))
        others = [item for item in members if item.flight is None and item is not first]
        others.sort(key=lambda i: (not i.is_asked, _due_at(i, limits[binding])))
        keys = (first.key, *(item.key for item in others[: MAX_IDS - 1]))
        return Batch(binding, keys, group if others else None)

    def _rebase(
        self,
        item: _Item,
        read_at: float,
        now: float,
        *,
        jitter: tuple[float, float] = (0.0, 0.4 * JITTER),
    ) -> None:
        item.base_at = read_at
        item.stretch = self.limits.bucket(item.key.binding, now).stretch(now)
        item.jitter = 1.0 + self._rng.uniform(*jitter)

    def _known(self, keys: Iterable[InstanceKey]) -> Iterable[_Item]:
        return (self._items[key] for key in keys if key in self._items)

    def _land(self, batch: Batch) -> None:
        self.limits.landed(batch.binding, batch.group)
        for item in self._known(batch.keys):
            # One that was forgotten and taken up again may be in another call by now.
            if item.flight is batch:
                item.flight = None

    def _due_again(self, keys: Iterable[InstanceKey]) -> None:
        for item in self._known(keys):
            item.base_at = -inf

    def _hold_back(self, keys: Iterable[InstanceKey], now: float) -> None:
        for item in self._known(keys):
            wait = _BAD_REQUEST_SECONDS * 2.0**item.refusals
            item.not_before = now + min(_BAD_REQUEST_CAP_SECONDS, wait)
            item.refusals = min(item.refusals + 1, _MAX_REFUSALS)


def _ready_at(item: _Item, limits: Mapping[Binding, Limit]) -> float:
    """When an instance may be asked for, as far as time decides it."""
    limit = limits[item.key.binding]
    if item.is_asked:
        return limit.opens_at
    return max(_due_at(item, limit), item.not_before, limit.opens_at, limit.affordable_at)


def _due_at(item: _Item, limit: Limit) -> float:
    if item.cadence is None:
        return inf
    # A bucket that has filled up since shortens the wait again.
    stretch = min(item.stretch, limit.stretch)
    return item.base_at + item.cadence * item.jitter * stretch
