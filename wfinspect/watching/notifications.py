"""What the user is notified of: notices on the screen, alerts with bell and command.

A notice is a sentence about the watch as a whole. An alert is for a user who is not looking: all that
happens within a round of polls is one.
"""

import logging
import os
import re
import signal
import subprocess
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from wfinspect.clock import Moment
from wfinspect.format import change_words, duration, shown
from wfinspect.model import Family, InstanceKey, Transition, WorkflowInstance
from wfinspect.settings import NotifyRule, NotifySettings
from wfinspect.watching.api import Alert, Contact, Notice, Row, Snapshot, Trouble
from wfinspect.watching.watchlist import MAX_NAME

_KEPT = 20
_MAX_CAUSE = 400


class Notices:
    """The latest notices."""

    def __init__(self) -> None:
        self._latest: deque[Notice] = deque(maxlen=_KEPT)
        self._number = 0

    def say(
        self,
        text: str,
        *,
        is_error: bool = False,
        key: InstanceKey | None = None,
    ) -> None:
        """Add a sentence."""
        self._number += 1
        self._latest.append(Notice(self._number, text, is_error, key))

    def latest(self) -> tuple[Notice, ...]:
        """Return the latest, oldest first."""
        return tuple(self._latest)


class NoticeReader:
    """Gives each notice of the snapshots once, and each cause of trouble with the store while it lasts."""

    def __init__(self) -> None:
        self._last_number = 0
        self._causes: set[str] = set()

    def new(self, snapshot: Snapshot) -> list[Notice]:
        """Return what a snapshot holds beyond the former ones, oldest first."""
        found = [notice for notice in snapshot.notices if notice.number > self._last_number]
        if found:
            self._last_number = found[-1].number
        cause = snapshot.health.store_trouble
        if not cause:
            self._causes.clear()
        elif cause not in self._causes:
            self._causes.add(cause)
            found.append(Notice(0, shown(cause, limit=_MAX_CAUSE), is_error=True))
        return found


class Outage:
    """Says once when contact has been lost for `lost_after` seconds, and once when it is back."""

    def __init__(self, lost_after: float) -> None:
        self._lost_after = lost_after
        self._since: float | None = None
        self._is_said = False

    def wakes_at(self) -> float:
        """Return when the loss becomes news, in monotonic seconds."""
        if self._since is None or self._is_said:
            return inf
        return self._since + self._lost_after

    def follow(
        self, contact: Contact, trouble: Trouble | None, monotonic: float
    ) -> tuple[str, bool, float]:
        """Follow the contact.

        Returns a sentence ("" for none), whether it is bad news, and the seconds since the loss.
        """
        if contact in {Contact.STARTING, Contact.NOT_LIVE}:
            if contact is Contact.NOT_LIVE and self._since is None:
                self._since = monotonic
            if self._since is None or monotonic < self.wakes_at():
                return "", False, 0.0
            self._is_said = True
            cause = f" ({trouble.cause})" if trouble else ""
            words = f"No contact for {_spelled(self._lost_after)}{cause}."
            return words, True, monotonic - self._since
        was_said, since = self._is_said, self._since
        self._since, self._is_said = None, False
        if contact is not Contact.LIVE or not was_said or since is None:
            return "", False, 0.0
        words = f"Contact is back after {_spelled(monotonic - since)}."
        return words, False, monotonic - since


def _spelled(seconds: float) -> str:
    """Return a time in whole units, of which there are always several: ``90 seconds``, ``5 minutes``."""
    for size, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}"
    return f"{round(seconds)} seconds"


def summary(changes: Iterable[Transition]) -> str:
    """Return changes in a few words, such as ``2 finished, 1 failed``; one per instance, its last."""
    last = {change.key: change.family for change in changes}
    counts = Counter(_WORDS.get(family, "changed") for family in last.values())
    order = ("finished", "failed", "started", "changed")
    parts = [f"{counts[word]} {word}" for word in order if counts[word]]
    return ", ".join(parts) or "nothing changed"


_WORDS = {Family.SUCCESS: "finished", Family.FAILURE: "failed", Family.ACTIVE: "started"}


GATHER_SECONDS = 2.0
"""Without anything new for this long a round counts as over; its calls are half a second apart."""
LONGEST_SECONDS = 10.0
"""What never comes to rest is announced all the same."""
MAX_TEXT = 300
TRIAL = "This is a trial of wfinspect's notifications: nothing has failed."
LATE = "late"
"""In place of a state, what a command gets of a run that is late."""
_MAX_NAME, _MAX_STATUS, _MAX_SAID = 60, 30, 120
_MAX_TASK, _MAX_TASKS = 40, 2
_MAX_NAMED = 8


class AlertNews(NamedTuple):
    """A change worth an alert."""

    change: Transition
    took_seconds: float | None = None
    is_ours: bool = True
    """Of all processes that share the store this one recorded it."""
    frozen: Sequence[str] = ()
    """Names of tasks that are frozen, as far as they have been read."""
    lateness: str = ""
    """Why it counts as late, e.g. ``running 41m, usually 18m to 22m: late by 19m``."""


class Announcement(NamedTuple):
    """What a user's command gets."""

    text: str
    change: Transition | None = None
    """The gravest of the changes; None where only contact was lost or is back."""

    def values(self) -> dict[str, str]:
        """Return the placeholders of a command, each on one line and safe for a terminal."""
        change = self.change
        return {
            "id": str(change.key.id) if change else "",
            "name": shown(change.name) if change else "",
            "from": shown(change.from_status) if change else "",
            "to": shown(change.to_status) if change else "",
            "message": self.text,
        }


class Alerts:
    """Gathers what is worth an alert until its round is over."""

    def __init__(
        self,
        rule: NotifyRule = NotifyRule.FAILURE,
        *,
        lost_after: float = NotifySettings().lost_after,
        messenger: "Messenger | None" = None,
    ) -> None:
        self._rule = rule
        self.outage = Outage(lost_after)
        self.messenger = messenger or Messenger((), {})
        self._news: dict[InstanceKey, AlertNews] = {}
        self._said: list[tuple[str, bool]] = []
        self._since = self._last = inf
        self.latest: Alert | None = None

    @classmethod
    def of(cls, notify: NotifySettings, environ: Mapping[str, str]) -> "Alerts":
        """Return alerts as a user has set them, whose command gets an environment."""
        messenger = Messenger(notify.command, environ)
        return cls(notify.rule, lost_after=notify.lost_after, messenger=messenger)

    @property
    def due_at(self) -> float:
        """When what has gathered is announced, in monotonic seconds; infinite where nothing has."""
        return min(self._last + GATHER_SECONDS, self._since + LONGEST_SECONDS)

    @property
    def is_late_wanted(self) -> bool:
        return self._rule is not NotifyRule.FAILURE

    def is_wanted(self, change: Transition) -> bool:
        if self._rule is NotifyRule.SETTLED:
            return change.family.is_settled
        return self._rule is NotifyRule.ANY or change.family is Family.FAILURE

    def changed(self, change: Transition, row: Row, monotonic: float, *, is_ours: bool) -> None:
        """Note a change, and the row as it is by now; of one instance the last counts."""
        if self.is_wanted(change):
            held = self._news.get(change.key)
            if held is not None and held.change.event == change.event:
                # Another process recorded the same, while this one's claim waits to be sent.
                is_ours |= held.is_ours
            seconds = _took_seconds(change, row.instance)
            frozen = row.outlook.frozen if change.family is Family.FAILURE else ()
            self._news[change.key] = AlertNews(change, seconds, is_ours, frozen)
            self._note(monotonic)

    def late(self, row: Row, instance: WorkflowInstance, said: str, moment: Moment) -> None:
        """Note that a run is late, and why that is said."""
        if self.is_late_wanted:
            name, at = instance.name[:MAX_NAME], moment.now
            change = Transition(row.key, name, instance.status, LATE, at, at, at)
            self._news[row.key] = AlertNews(change, frozen=row.outlook.frozen, lateness=said)
            self._note(moment.monotonic)

    def say(self, text: str, monotonic: float, *, is_ours: bool = True) -> None:
        """Note a sentence of another kind, such as that contact was lost."""
        self._said.append((_cut(text, _MAX_SAID), is_ours))
        self._note(monotonic)

    def take(self, monotonic: float) -> Announcement | None:
        """Make an alert of what has gathered, if it is due.

        Returns what a command is to be run for, None for nothing: another process runs its own for what
        that has claimed.
        """
        if monotonic < self.due_at or not (self._news or self._said):
            return None
        news, said = list(self._news.values()), self._said
        number = self.latest.number + 1 if self.latest else 1
        self.latest = Alert(number, sentence([text for text, _ in said], news))
        self._news, self._said, self._since, self._last = {}, [], inf, inf
        ours = _gravest_first([each for each in news if each.is_ours])
        words = [text for text, is_ours in said if is_ours]
        if not (ours or words):
            return None
        return Announcement(sentence(words, ours), ours[0].change if ours else None)

    def send(self, monotonic: float) -> None:
        """Have the command run for what `take` gives."""
        message = self.take(monotonic)
        if message is not None:
            self.messenger.send(message)

    def _note(self, monotonic: float) -> None:
        self._since, self._last = min(self._since, monotonic), monotonic


def sentence(said: Sequence[str], news: Sequence[AlertNews]) -> str:
    """Return what happened, on one line of at most `MAX_TEXT` characters, safe for a terminal.

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


def _gravest_first(news: Sequence[AlertNews]) -> list[AlertNews]:
    return sorted(news, key=lambda each: each.change.family is not Family.FAILURE)


def _described(news: AlertNews) -> str:
    change = news.change
    name = _cut(change.name, _MAX_NAME)
    frozen = f", {_frozen_words(news.frozen)}" if news.frozen else ""
    if news.lateness:
        return f"{name} ({change.key.id}) {news.lateness}{frozen}"
    states = change.from_status, change.to_status
    words = change_words(*states, limit=_MAX_STATUS, is_rerun=change.is_rerun)
    text = f"{name} ({change.key.id}) {words}".strip()
    after = "" if news.took_seconds is None else f" after {duration(news.took_seconds)}"
    return f"{text}{after}{frozen}"


def _frozen_words(names: Sequence[str]) -> str:
    """Return e.g. ``1 frozen (publish_result)``."""
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


logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
_LAST_SECONDS = 0.5
_MAX_WAITING = 20
_PLACES = r"\{(id|name|from|to|message)\}"
_OF_KEYS = r"(?i)^(ALIBABA|ALICLOUD|ACCESS_KEY)|SECRET|TOKEN"


class Messenger:
    """Runs a command once for each message, one at a time."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """Run nothing yet.

        Args:
            command: program and arguments with places for the values of a message; empty for none.
            environ: that of the user; the command gets it without keys.
            timeout: seconds after which it is killed, with all that it has started.
        """
        self._command = tuple(command)
        self._environ = environ
        self._timeout = timeout
        self._waiting: deque[Announcement] = deque(maxlen=_MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._has_failed = False
        self._troubles: deque[str] = deque()

    def send(self, message: Announcement) -> None:
        """Have the command run; returns at once. Of very many that wait the oldest are dropped."""
        if not self._command:
            return
        with self._lock:
            self._waiting.append(message)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="messenger", daemon=True)
                self._thread.start()

    @property
    def has_command(self) -> bool:
        return bool(self._command)

    def take_trouble(self) -> str:
        """Return why the command has failed, once until it succeeds again; else ""."""
        return self._troubles.popleft() if self._troubles else ""

    def close(self) -> None:
        """Give what is under way a moment, then kill it."""
        thread = self._thread
        if thread is None:
            return
        thread.join(_LAST_SECONDS)
        with self._lock:
            self._waiting.clear()
        if (process := self._process) is not None:
            _kill(process)

    def run(self, message: Announcement) -> str:
        """Run the command to its end; return "" if it succeeds, else a sentence that says why not."""
        values = message.values()
        program = self._command[0]
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                filled(self._command, values),
                env=scrubbed(self._environ)
                | {f"WFINSPECT_{k.upper()}": v for k, v in values.items()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it can't be started"
            return f"The notification command {program} was not run: {why}."
        self._process = process
        try:
            code = process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            return f"The notification command {program} took over {self._timeout:g} s: killed."
        finally:
            self._process = None
        return f"The notification command {program} failed with exit code {code}." if code else ""

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                message = self._waiting.popleft()
            try:
                trouble = self.run(message)
            except Exception as error:
                # Without this no later message would find a thread that works.
                logger.exception("The notification command could not be run")
                trouble = f"The notification command was not run: {type(error).__name__}."
            if trouble and not self._has_failed:
                self._troubles.append(trouble)
            self._has_failed = bool(trouble)


def filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Return the command with values in their places; other braces stay, so that JSON can be written."""
    return [command[0], *(_argument(template, values) for template in command[1:])]


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what looks like a key."""
    return {name: value for name, value in environ.items() if not re.search(_OF_KEYS, name)}


def _argument(template: str, values: Mapping[str, str]) -> str:
    argument = re.sub(_PLACES, lambda place: values[place[1]], template)
    # A name from outside must not pose as an option, nor as curl's @file.
    is_posing = argument[:1] in {"-", "@"} and template[:1] == "{"
    return f" {argument}" if is_posing else argument


def _kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    process.wait()
