"""Which instances share a List, how new ones find their group, and where List is of no use. Pure.

A Get finds the group of a new instance; a List in that group then finds which of the other new ones
share it, and so on with those that are left. The search in a group ends with a List that places none,
and where neighbours end. A List that places none has to be earned: before the next one, Gets place as many
as keep the cost within 1.2 times that of Gets alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from wfinspect.errors import Refused, ServiceError
from wfinspect.model import MAX_IDS, InstanceKey, Target
from wfinspect.watching.api import Group

FALLBACK_SECONDS = 3600.0
"""After this List is tried again: a permission may have been granted since."""

_PLACED_FOR_A_LIST = 5
"""So many placed instances pay for one List that placed none."""
_LACKED_TOO_OFTEN = 2
_REFUSED = "List refused: single calls"
_IGNORES_IDS = "List ignores Ids: single calls"
_LACKS_KNOWN = "List lacks known IDs: single calls"


class BatchPlanner:
    """Decides for which instances one call is made; times are monotonic seconds."""

    def __init__(self) -> None:
        self._members: dict[InstanceKey, _Member] = {}
        self._by_group: dict[Group, dict[InstanceKey, None]] = {}
        self._placements: defaultdict[Target, _Placement] = defaultdict(_Placement)
        self._fallbacks: dict[Group | Target, tuple[float, str]] = {}
        """Where List is of no use, until when, and why in a few words."""
        self._doubted: dict[Group, str] = {}
        """Groups whose List may be of no use; the next Get decides."""

    def add(self, key: InstanceKey, group: Group | None) -> None:
        """Take an instance up, as a new one where its group is not known; or place such a one."""
        self._members[key] = _Member(None)
        if group is None:
            self._placements[key.target].unplaced[key] = None
        else:
            self._drop_unplaced(key)
            self._move(key, group)

    def forget(self, key: InstanceKey) -> None:
        self._move(key, None)
        self._drop_unplaced(key)
        del self._members[key]

    # What to request.

    def shared(self, key: InstanceKey, monotonic: float) -> Group | None:
        """Return the group whose List is to answer for an instance, None if a Get is."""
        member = self._members[key]
        group = member.group
        if group is None or member.is_single or member.lacked >= _LACKED_TOO_OFTEN:
            return None
        return None if self._is_without_list(group, monotonic) else group

    def place(
        self, key: InstanceKey, monotonic: float, *, is_alone: bool = False
    ) -> tuple[tuple[InstanceKey, ...], Group | None]:
        """Return what to request so that an instance is placed: keys, and the group where it is a List.

        With `is_alone` only the instance itself, since the user waits for it.
        """
        placement = self._placements[key.target]
        if key not in placement.unplaced:
            return (key,), None
        keys: tuple[InstanceKey, ...] = (key,)
        group = None
        pilot = placement.pilot
        if pilot is not None and not is_alone and not self._is_without_list(pilot, monotonic):
            # One that was tried already waits for the end of the search.
            first = [key] if key not in placement.tried else []
            rest = (each for each in placement.unplaced if each not in placement.tried)
            keys = tuple(dict.fromkeys([*first, *islice(rest, MAX_IDS)]))[:MAX_IDS]
            group = pilot if len(keys) > 1 else None
        placement.in_flight.update(keys)
        return keys, group

    def must_wait(self, target: Target) -> bool:
        """Return whether an answer on its way may place new instances at no cost."""
        placement = self._placements[target]
        return bool(placement.in_flight) and not placement.is_singly

    def is_new(self, key: InstanceKey) -> bool:
        """Return whether an instance is not placed yet."""
        return key in self._placements[key.target].unplaced

    def group_of(self, key: InstanceKey) -> Group | None:
        return self._members[key].group

    def unit(self, key: InstanceKey, monotonic: float) -> Group | InstanceKey | None:
        """Return what a call that reads an instance answers for; None while it is not placed yet."""
        return None if self.is_new(key) else self.shared(key, monotonic) or key

    @property
    def new(self) -> int:
        """How many instances are not placed yet."""
        return sum(len(placement.unplaced) for placement in self._placements.values())

    def remarks(self, monotonic: float) -> tuple[str, ...]:
        """Return short words on where List is of no use, each once."""
        words = (word for until, word in self._fallbacks.values() if until > monotonic)
        return tuple(dict.fromkeys(words))

    # What to learn from answers.

    def answered(
        self,
        keys: Sequence[InstanceKey],
        group: Group | None,
        found: Mapping[InstanceKey, Group | None],
        monotonic: float,
    ) -> list[InstanceKey]:
        """Learn from an answer; returns those that a List lacked, which need a Get at once.

        Args:
            keys: what was requested.
            group: that of a List, None for a Get.
            found: what the answer held, each with its group where that could be read.
            monotonic: the time of the answer.
        """
        known = [key for key in keys if key in self._members]
        if group is None:
            for key in known:
                self._got(key, found, monotonic)
            return []
        missing = [key for key in known if key not in found]
        placement = self._placements[group.target]
        new = placement.unplaced.keys() & known
        placement.in_flight.difference_update(known)
        for key in known:
            if key in found:
                self._members[key].lacked = 0
                self._set_placed(key, found[key])
            elif self._members[key].group == group:
                self._members[key].is_single = True
                self._members[key].lacked += 1
        placement.tried |= new - found.keys()
        if found:
            self._doubted.pop(group, None)
        elif any(self._members[key].group == group for key in missing):
            self._doubted[group] = _LACKS_KNOWN
        # A poll is no search.
        if placement.pilot == group and new:
            has_placed = not new.isdisjoint(found)
            placement.fruitless += not has_placed
            # Found up to one of them and none beyond: neighbours, of which this was the last.
            is_last = found.keys() >= {*known[: len(known) - len(missing)]}
            if not (has_placed and placement.has_untried) or (missing and is_last):
                placement.end_search()
        return missing

    def refused(self, keys: Iterable[InstanceKey], group: Group, error: ServiceError) -> None:
        """Learn that a List was refused; whether Get is as well, the next one tells."""
        placement = self._placements[group.target]
        placement.in_flight.difference_update(keys)
        placement.is_refused = True
        placement.end_search()
        if isinstance(error, Refused):
            placement.is_list_doubted = True
        else:
            self._doubted[group] = _REFUSED

    def failed(self, keys: Iterable[InstanceKey], target: Target, *, is_get: bool) -> None:
        """Learn that a call failed for a reason of its own."""
        placement = self._placements[target]
        placement.in_flight.difference_update(keys)
        if is_get:
            placement.is_list_doubted = False

    def ignored_ids(self, group: Group, monotonic: float) -> None:
        """Learn that a group's List answers with others than requested."""
        self._fall_back(group, _IGNORES_IDS, monotonic)

    def _got(
        self, key: InstanceKey, found: Mapping[InstanceKey, Group | None], monotonic: float
    ) -> None:
        placement = self._placements[key.target]
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
            self._fall_back(key.target, _REFUSED, monotonic)
        group = found[key]
        if group is not None and group == member.group and group in self._doubted:
            self._fall_back(group, self._doubted.pop(group), monotonic)
        if not was_unplaced:
            self._move(key, group)
            return
        self._set_placed(key, group)
        if group is None or not placement.unplaced or placement.pilot is not None:
            return
        if placement.is_singly:
            return
        if self._is_without_list(group, monotonic):
            placement.is_refused = True
        else:
            placement.begin_search(group)

    def _set_placed(self, key: InstanceKey, group: Group | None) -> None:
        self._placements[key.target].placed += self.is_new(key)
        self._drop_unplaced(key)
        self._move(key, group)

    def _drop_unplaced(self, key: InstanceKey) -> None:
        placement = self._placements[key.target]
        placement.unplaced.pop(key, None)
        placement.tried.discard(key)
        placement.in_flight.discard(key)
        if not placement.has_untried:
            placement.end_search()
        if not placement.unplaced:
            placement.placed = placement.fruitless = 0
            placement.is_refused = False

    def _move(self, key: InstanceKey, group: Group | None) -> None:
        member = self._members[key]
        if group == member.group:
            return
        if member.group is not None:
            others = self._by_group[member.group]
            del others[key]
            if not others:
                del self._by_group[member.group]
            member.lacked = 0
        member.group = group
        if group is not None:
            others = self._by_group.setdefault(group, {})
            # One object for them all: it takes as much as a key.
            member.group = self._members[next(iter(others), key)].group
            others[key] = None

    def _is_without_list(self, group: Group, monotonic: float) -> bool:
        if group in self._doubted or self._placements[group.target].is_list_doubted:
            return True
        return bool(self._fallbacks) and any(
            place in self._fallbacks and self._fallbacks[place][0] > monotonic
            for place in (group, group.target)
        )

    def _fall_back(self, place: Group | Target, word: str, monotonic: float) -> None:
        self._fallbacks[place] = (monotonic + FALLBACK_SECONDS, word)


@dataclass(slots=True, eq=False, repr=False)
class _Member:
    group: Group | None
    is_single: bool = False
    """The last List lacked it, so a Get has to tell."""
    lacked: int = 0
    """By how many Lists in a row."""


@dataclass(slots=True, eq=False, repr=False)
class _Placement:
    """The new instances of one target."""

    unplaced: dict[InstanceKey, None] = field(default_factory=dict)
    pilot: Group | None = None
    """The group in which those are searched for next that have not been."""
    tried: set[InstanceKey] = field(default_factory=set)
    """Those that a List of the pilot lacked."""
    placed: int = 0
    """How many of the new ones have been placed."""
    fruitless: int = 0
    """How many Lists have placed none of them."""
    is_refused: bool = False
    """List is of no use for them."""
    in_flight: set[InstanceKey] = field(default_factory=set)
    is_list_doubted: bool = False
    """A List was refused, and no Get has told yet whether everything is."""

    @property
    def is_singly(self) -> bool:
        """Whether they are placed by Gets alone for now."""
        return self.is_refused or self.placed < self.fruitless * _PLACED_FOR_A_LIST

    @property
    def has_untried(self) -> bool:
        """Whether there are others than those that were tried."""
        return len(self.tried) < len(self.unplaced)

    def begin_search(self, group: Group) -> None:
        self.pilot, self.tried = group, set()

    def end_search(self) -> None:
        self.pilot, self.tried = None, set()
