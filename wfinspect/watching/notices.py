"""Sentences for the person, each told once: news of the watch as a whole, not of single failures."""

from collections import Counter, deque
from collections.abc import Iterable
from math import inf

from wfinspect.instance import Family, InstanceKey, Transition
from wfinspect.watching.snapshot import Contact, Notice, Trouble

_PATIENCE_SECONDS = 30.0  # a row that nothing is heard of must not keep the others' news back
_KEPT = 20


class Notices:
    """The latest notices."""

    def __init__(self) -> None:
        self._latest: deque[Notice] = deque(maxlen=_KEPT)
        self._number = 0

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Add a sentence."""
        self._number += 1
        self._latest.append(Notice(self._number, text, is_error))

    def latest(self) -> tuple[Notice, ...]:
        """The latest, oldest first."""
        return tuple(self._latest)


class Absence:
    """What changed while nobody watched, gathered from the first reading of each stored row."""

    def __init__(self) -> None:
        self._awaited: set[InstanceKey] = set()
        self._changes: list[Transition] = []
        self._since = inf

    def begin(self, keys: Iterable[InstanceKey]) -> None:
        """Await the first reading of rows that were there at start."""
        self._awaited.update(keys)

    def heard(self, key: InstanceKey, now: float, change: Transition | None = None) -> None:
        """Note what became of a row."""
        if key in self._awaited:
            self._awaited.discard(key)
            if change is not None:
                self._changes.append(change)
                self._since = min(self._since, now)

    def take(self, now: float) -> str:
        """The sentence once all have been heard of, or those that can be; "" if there is none."""
        if not self._changes or (self._awaited and now < self._since + _PATIENCE_SECONDS):
            return ""
        changes, self._changes, self._since = self._changes, [], inf
        return f"Since you left: {summary(changes)}."


class Outage:
    """Says once when contact has been lost for `lost_after` seconds, and once when it is back."""

    def __init__(self, lost_after: float) -> None:
        self._lost_after = lost_after
        self._since: float | None = None
        self._is_told = False
        self._changes: list[Transition] = []

    def changed(self, change: Transition) -> None:
        """Note a change, which may have happened out of sight."""
        if self._since is not None:
            self._changes.append(change)

    def wakes_at(self) -> float:
        """When the loss becomes news, in steady seconds."""
        if self._since is None or self._is_told:
            return inf
        return self._since + self._lost_after

    def follow(
        self, contact: Contact, trouble: Trouble | None, now: float
    ) -> tuple[str, bool, float]:
        """Follow the contact.

        Gives a sentence ("" for none), whether it is bad news, and the seconds since the loss.
        """
        if contact in {Contact.STARTING, Contact.NOT_LIVE}:
            if contact is Contact.NOT_LIVE and self._since is None:
                self._since = now
            if self._since is None or now < self.wakes_at():
                return "", False, 0.0
            self._is_told = True
            cause = f" ({trouble.cause})" if trouble else ""
            words = f"No contact for {_spelled(self._lost_after)}{cause}."
            return words, True, now - self._since
        was_told, since, changes = self._is_told, self._since, self._changes
        self._since, self._is_told, self._changes = None, False, []
        if contact is not Contact.LIVE or not was_told or since is None:
            return "", False, 0.0
        blind = f"Contact is back after {_spelled(now - since)}"
        return f"{blind}: {summary(changes)}.", False, now - since


def _spelled(seconds: float) -> str:
    """A time in whole units, of which there are always several: ``90 seconds``, ``5 minutes``."""
    for size, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}"
    return f"{round(seconds)} seconds"


def summary(changes: Iterable[Transition]) -> str:
    """Changes in a few words, such as ``2 finished, 1 failed``; one per instance, its last."""
    last = {change.key: change.family for change in changes}
    counts = Counter(_WORDS.get(family, "changed") for family in last.values())
    order = ("finished", "failed", "started", "changed")
    parts = [f"{counts[word]} {word}" for word in order if counts[word]]
    return ", ".join(parts) or "nothing changed"


_WORDS = {Family.SUCCESS: "finished", Family.FAILURE: "failed", Family.ACTIVE: "started"}
