"""Which instances one List can answer for, how new ones are placed, and where List is no use. Pure.

New instances of a target are placed one after the other: a Get finds the group of the first, a
List in that group finds those of the others that share it, and so on with the rest. When a List
places nobody, the rest are asked for singly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wfinspect.errors import Refused, ServiceError
from wfinspect.model import InstanceKey, Target
from wfinspect.watching.api import Group

FALLBACK_SECONDS = 3600.0
"""After this List is tried again: a permission may have been granted since."""

_LACKED_TOO_OFTEN = 2
_REFUSED = "List refused: single calls"
_IGNORES_IDS = "List ignores Ids: single calls"
_LACKS_KNOWN = "List lacks known IDs: single calls"


@dataclass(slots=True)
class _Member:
    group: Group | None
    is_single: bool = False
    """The last List lacked it, so a Get has to tell."""
    lacked: int = 0


@dataclass(slots=True)
class _Placement:
    """The new instances of one target."""

    unplaced: dict[InstanceKey, None] = field(default_factory=dict)
    pilot: Group | None = None
    """The group in which the untried ones are looked for next."""
    untried: dict[InstanceKey, None] = field(default_factory=dict)
    has_placed: bool = False
    is_singly: bool = False
    in_flight: set[InstanceKey] = field(default_factory=set)
    is_list_doubted: bool = False
    """A List was refused, and no Get has told yet whether everything is."""


class BatchPlanner:
    """Who shares a List with whom."""

    def __init__(self) -> None:
        self._members: dict[InstanceKey, _Member] = {}
        self._by_group: dict[Group, dict[InstanceKey, None]] = {}
        self._placements: dict[Target, _Placement] = {}
        self._fallbacks: dict[Group | Target, tuple[float, str]] = {}
        self._doubted: dict[Group, str] = {}

    def add(self, key: InstanceKey, group: Group | None) -> None:
        """Take an instance up, unplaced where its group is not known."""
        self._members[key] = _Member(None)
        if group is None:
            self._placement(key.target).unplaced[key] = None
        else:
            self._move(key, group)

    def forget(self, key: InstanceKey) -> None:
        """Drop an instance."""
        self._move(key, None)
        self._drop_unplaced(key)
        del self._members[key]

    def shared(self, key: InstanceKey, now: float) -> Group | None:
        """The group whose List is to answer for an instance, None if a Get is."""
        member = self._members[key]
        group = member.group
        if group is None or member.is_single or member.lacked >= _LACKED_TOO_OFTEN:
            return None
        return None if self._is_without_list(group, now) else group

    def members(self, group: Group, now: float) -> list[InstanceKey]:
        """The instances that a List of a group is to answer for."""
        return [key for key in self._by_group.get(group, ()) if self.shared(key, now) == group]

    def unit(self, key: InstanceKey, now: float) -> Group | InstanceKey | None:
        """What a call that reads an instance answers for; None while it is not placed yet."""
        if key in self._placement(key.target).unplaced:
            return None
        return self.shared(key, now) or key

    @property
    def new(self) -> int:
        """How many instances are not placed yet."""
        return sum(len(placement.unplaced) for placement in self._placements.values())

    def must_wait(self, key: InstanceKey) -> bool:
        """Whether an answer on its way may place the instance at no cost."""
        placement = self._placement(key.target)
        return key in placement.unplaced and bool(placement.in_flight) and not placement.is_singly

    def place(
        self, key: InstanceKey, limit: int, now: float, *, is_alone: bool = False
    ) -> tuple[tuple[InstanceKey, ...], Group | None]:
        """What to ask for to read an instance without a List of its own: keys, and List's group.

        Args:
            key: the instance whose turn it is.
            limit: instances that one List may ask for.
            now: steady seconds.
            is_alone: ask for this one only, since a person waits for it.
        """
        placement = self._placement(key.target)
        if key not in placement.unplaced:
            return (key,), None
        keys: tuple[InstanceKey, ...] = (key,)
        group = None
        pilot = placement.pilot
        if pilot is not None and not is_alone and not self._is_without_list(pilot, now):
            others = (other for other in placement.untried if other != key)
            keys = (key, *list(others)[: limit - 1])
            group = pilot if len(keys) > 1 else None
        placement.in_flight.update(keys)
        return keys, group

    def answered(
        self,
        keys: Sequence[InstanceKey],
        group: Group | None,
        found: Mapping[InstanceKey, Group | None],
        now: float,
    ) -> list[InstanceKey]:
        """Learn from a call's answer; gives those that a Get has to be sent for at once."""
        known = [key for key in keys if key in self._members]
        if group is None:
            for key in known:
                self._got(key, found, now)
            return []
        missing = [key for key in known if key not in found]
        for key in known:
            placement = self._placement(key.target)
            placement.in_flight.discard(key)
            placement.untried.pop(key, None)
            is_new = key in placement.unplaced
            if key in found:
                placement.has_placed |= is_new
                self._members[key].lacked = 0
                self._set_placed(key, found[key])
            elif not is_new:
                self._members[key].is_single = True
                self._members[key].lacked += 1
        if found:
            self._doubted.pop(group, None)
        elif any(self._members[key].group == group for key in missing):
            self._doubted[group] = _LACKS_KNOWN
        self._end_pilot(group)
        return missing

    def refused(self, keys: Iterable[InstanceKey], group: Group, error: ServiceError) -> None:
        """Learn that a List was refused; whether Get is as well, the next one tells."""
        placement = self._placement(group.target)
        placement.in_flight.difference_update(keys)
        placement.is_singly, placement.pilot = True, None
        if isinstance(error, Refused):
            placement.is_list_doubted = True
        else:
            self._doubted[group] = _REFUSED

    def failed(self, keys: Iterable[InstanceKey], target: Target, *, is_get: bool) -> None:
        """Learn that a call failed for a reason of its own."""
        placement = self._placement(target)
        placement.in_flight.difference_update(keys)
        if is_get:
            placement.is_list_doubted = False

    def ignored_ids(self, group: Group, now: float) -> None:
        """Learn that a group's List answers with others than asked for."""
        self._fall_back(group, _IGNORES_IDS, now)

    def remarks(self, now: float) -> tuple[str, ...]:
        """Short words on where List is no use, each once."""
        words = (word for until, word in self._fallbacks.values() if until > now)
        return tuple(dict.fromkeys(words))

    def _got(self, key: InstanceKey, found: Mapping[InstanceKey, Group | None], now: float) -> None:
        placement = self._placement(key.target)
        placement.in_flight.discard(key)
        member = self._members[key]
        member.is_single = False
        was_unplaced = key in placement.unplaced
        if key not in found:
            self._drop_unplaced(key)
            if member.group is not None:
                self._doubted.pop(member.group, None)
            return
        if placement.is_list_doubted:
            placement.is_list_doubted = False
            self._fall_back(key.target, _REFUSED, now)
        group = found[key]
        if group is not None and group == member.group and group in self._doubted:
            self._fall_back(group, self._doubted.pop(group), now)
        if not was_unplaced:
            self._move(key, group)
            return
        self._set_placed(key, group)
        if not placement.unplaced or placement.is_singly or placement.pilot is not None:
            return
        if group is not None and self._is_without_list(group, now):
            placement.is_singly = True
        elif group is not None:
            placement.pilot, placement.has_placed = group, False
            placement.untried = dict(placement.unplaced)

    def _end_pilot(self, group: Group) -> None:
        placement = self._placement(group.target)
        if placement.pilot == group and not placement.untried:
            placement.pilot = None
            if placement.unplaced and not placement.has_placed:
                placement.is_singly = True

    def _set_placed(self, key: InstanceKey, group: Group | None) -> None:
        self._drop_unplaced(key)
        self._move(key, group)

    def _drop_unplaced(self, key: InstanceKey) -> None:
        placement = self._placement(key.target)
        placement.unplaced.pop(key, None)
        placement.untried.pop(key, None)
        placement.in_flight.discard(key)
        if not placement.untried:
            placement.pilot = None
        if not placement.unplaced:
            placement.is_singly = False

    def _move(self, key: InstanceKey, group: Group | None) -> None:
        member = self._members[key]
        if member.group is not None and member.group != group:
            fellows = self._by_group[member.group]
            del fellows[key]
            if not fellows:
                del self._by_group[member.group]
            member.lacked = 0
        member.group = group
        if group is not None:
            self._by_group.setdefault(group, {})[key] = None

    def _is_without_list(self, group: Group, now: float) -> bool:
        if group in self._doubted or self._placement(group.target).is_list_doubted:
            return True
        return any(
            place in self._fallbacks and self._fallbacks[place][0] > now
            for place in (group, group.target)
        )

    def _fall_back(self, place: Group | Target, word: str, now: float) -> None:
        self._fallbacks[place] = (now + FALLBACK_SECONDS, word)

    def _placement(self, target: Target) -> _Placement:
        return self._placements.setdefault(target, _Placement())
