"""What is told to a person who is not looking, when, and in which words. Pure.

What happens in one round is told in one sentence: fifty changes are one bell and one message.
"""

from collections.abc import Sequence
from datetime import datetime
from math import inf
from typing import NamedTuple

from wfinspect.format import duration, shown
from wfinspect.instance import Family, InstanceKey, Transition, WorkflowInstance
from wfinspect.notify import Rule
from wfinspect.watching.comparison import MAX_NAME
from wfinspect.watching.notices import summary
from wfinspect.watching.snapshot import Alert

GATHER_SECONDS = 2.0
"""Without anything new for this long a round counts as over; its calls are half a second apart."""
LONGEST_SECONDS = 10.0
"""What never comes to rest is told all the same."""
MAX_TEXT = 300
TRIAL = "This is a trial of wfinspect's notifications: nothing has failed."
LATE = "late"
"""In place of a state, what a command is told of a run that is late."""
_MAX_NAME, _MAX_STATUS, _MAX_SAID = 60, 30, 120
_MAX_TASK, _MAX_TASKS = 40, 2
_MAX_NAMED = 8


class News(NamedTuple):
    """A change worth telling."""

    change: Transition
    took_seconds: float | None = None
    """How long the run took that the change has ended."""
    is_ours: bool = True
    """Of all processes that share the store this one recorded it."""
    frozen: Sequence[str] = ()
    """Names of tasks that are frozen, as far as they have been read."""
    lateness: str = ""
    """Why it counts as late, e.g. ``running 41m, usually 18m to 22m: late by 19m``."""


class Message(NamedTuple):
    """What a user's command is told."""

    text: str
    change: Transition | None = None
    """The gravest of what is told; None where only contact was lost or is back."""

    def values(self) -> dict[str, str]:
        """The placeholders of a command, each on one line and safe for a terminal."""
        change = self.change
        return {
            "id": str(change.key.id) if change else "",
            "name": shown(change.name) if change else "",
            "from": shown(change.from_status) if change else "",
            "to": shown(change.to_status) if change else "",
            "message": self.text,
        }


class Alerts:
    """Gathers what is worth telling until its round is over."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._news: dict[InstanceKey, News] = {}
        self._said: list[tuple[str, bool]] = []
        self._since = self._last = inf
        self.latest: Alert | None = None

    @property
    def due_at(self) -> float:
        """When what has gathered is to be told, in steady seconds; infinite where nothing has."""
        return min(self._last + GATHER_SECONDS, self._since + LONGEST_SECONDS)

    def changed(
        self,
        change: Transition,
        instance: WorkflowInstance | None,
        now: float,
        *,
        is_ours: bool,
        frozen: Sequence[str] = (),
    ) -> None:
        """Note a change, and the reading that is held by now; of one instance the last is told."""
        if is_told(change, self._rule):
            seconds = _took_seconds(change, instance)
            self._news[change.key] = News(change, seconds, is_ours, frozen)
            self._note(now)

    def late(
        self,
        key: InstanceKey,
        instance: WorkflowInstance,
        said: str,
        at: datetime,
        now: float,
        *,
        frozen: Sequence[str] = (),
    ) -> None:
        """Note that a run is late, and why that is said."""
        if self._rule is not Rule.FAILURE:
            change = Transition(key, instance.name[:MAX_NAME], instance.status, LATE, at, at, at)
            self._news[key] = News(change, frozen=frozen, lateness=said)
            self._note(now)

    def say(self, text: str, now: float, *, is_ours: bool = True) -> None:
        """Note a sentence of another kind, such as that contact was lost."""
        self._said.append((_cut(text, _MAX_SAID), is_ours))
        self._note(now)

    def take(self, now: float) -> Message | None:
        """Make an alert of what has gathered, if it is due.

        Gives what a command is to be told, None for nothing: what another process has recorded or
        taken on is told by that one.
        """
        if now < self.due_at or not (self._news or self._said):
            return None
        news, said = list(self._news.values()), self._said
        number = self.latest.number + 1 if self.latest else 1
        self.latest = Alert(number, sentence([text for text, _ in said], news))
        self._news, self._said, self._since, self._last = {}, [], inf, inf
        ours = _gravest_first([each for each in news if each.is_ours])
        words = [text for text, is_ours in said if is_ours]
        if not (ours or words):
            return None
        return Message(sentence(words, ours), ours[0].change if ours else None)

    def _note(self, now: float) -> None:
        self._since, self._last = min(self._since, now), now


def is_told(change: Transition, rule: Rule) -> bool:
    """Whether a rule wants a change to be told."""
    if rule is Rule.SETTLED:
        return change.family.is_settled
    return rule is Rule.ANY or change.family is Family.FAILURE


def sentence(said: Sequence[str], news: Sequence[News]) -> str:
    """What happened, on one line of at most `MAX_TEXT` characters, safe for a terminal.

    Begins with words of this program, so that no name can pose as an option of a command.
    """
    head = "".join(f"{text} " for text in said)
    if not news:
        return head.strip()[:MAX_TEXT]
    late = sum(bool(each.lateness) for each in news)
    counts = [f"{late} late"] if late else []
    if late < len(news):
        counts.insert(0, summary(each.change for each in news if not each.lateness))
    head += f"{', '.join(counts)}: "
    named = [_described(each) for each in _gravest_first(news)[:_MAX_NAMED]]
    while True:
        left = len(news) - len(named)
        text = head + "; ".join([*named, *([f"and {left} more"] if left else [])])
        if len(text) <= MAX_TEXT or not named:
            return text[:MAX_TEXT]
        named.pop()


def _gravest_first(news: Sequence[News]) -> list[News]:
    return sorted(news, key=lambda each: each.change.family is not Family.FAILURE)


def _described(news: News) -> str:
    change = news.change
    name = _cut(change.name, _MAX_NAME)
    frozen = f", {_frozen_words(news.frozen)}" if news.frozen else ""
    if news.lateness:
        return f"{name} ({change.key.id}) {news.lateness}{frozen}"
    states = [_cut(word, _MAX_STATUS) for word in (change.from_status, change.to_status)]
    text = f"{name} ({change.key.id}) {' -> '.join(states)}".strip()
    if change.is_rerun:
        text += " (re-run)"
    after = "" if news.took_seconds is None else f" after {duration(news.took_seconds)}"
    return f"{text}{after}{frozen}"


def _frozen_words(names: Sequence[str]) -> str:
    """E.g. ``1 frozen (publish_result)``."""
    named = [_cut(name, _MAX_TASK) for name in names[:_MAX_TASKS]]
    named += ["..."] if len(names) > _MAX_TASKS else []
    return f"{len(names)} frozen ({', '.join(named)})"


def _took_seconds(change: Transition, instance: WorkflowInstance | None) -> float | None:
    if instance is None or instance.status != change.to_status or not instance.is_settled:
        return None
    return instance.run_seconds(change.at)


def _cut(text: str, limit: int) -> str:
    safe = shown(text)
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."
