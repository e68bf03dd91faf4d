"""A poller that only remembers what was wanted of it, and takes snapshots made by hand."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fakes import BINDING, START

from wfinspect.errors import ServiceError
from wfinspect.model import InstanceKey, Query, Target
from wfinspect.watching.api import A, Heard, Reply, Request, Rows, Snapshot


def with_rows(snapshot: Snapshot) -> Snapshot:
    """A snapshot whose rows may be any, as the engine makes it."""
    rows = snapshot.rows
    return snapshot if isinstance(rows, Rows) else snapshot._replace(rows=Rows(rows))


class FakeControl:
    """Stands for a Poller; `publish` is what the poller's thread would do."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.target = BINDING
        self._snapshot = with_rows(snapshot or Snapshot())
        self._pings: list[Callable[[], None]] = []
        self.intents = 0
        self.asked: list[tuple[object, ...]] = []
        self.questions: list[tuple[Request[Any], Heard[Any]]] = []
        """What was asked by `submit` and is not answered yet, oldest first."""

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    def publish(
        self, snapshot: Snapshot, *, pings: bool = True, intents_done: int | None = None
    ) -> None:
        """Have a newer snapshot; one of which only ages and counts are new pings for no frame.

        Without `intents_done` it comes after all that was wanted.
        """
        done = self.intents if intents_done is None else intents_done
        self._snapshot = with_rows(snapshot)._replace(intents_done=done)
        for ping in self._pings if pings else ():
            ping()

    def _ask(self, what: tuple[object, ...]) -> None:
        self.intents += 1
        self.asked.append(what)

    def subscribe(self, ping: Callable[[], None]) -> None:
        self._pings.append(ping)

    def display(self, key: InstanceKey | None) -> None:
        self._ask(("display", key.id if key else None))

    def watch(self, keys: Sequence[InstanceKey], *, is_undoable: bool = True) -> None:  # noqa: ARG002
        self._ask(("watch", *(key.id for key in keys)))

    def unwatch(self, keys: Sequence[InstanceKey], *, stays: bool = False) -> None:
        self._ask(("unwatch", *(key.id for key in keys), *(["stays"] * stays)))

    def follow(self, target: Target, query: Query) -> None:
        self._ask(("follow", target, query))

    def note(self, key: InstanceKey, text: str, *, is_undoable: bool = True) -> None:
        del is_undoable
        self._ask(("note", key.id, text))

    def undo(self) -> None:
        self._ask(("undo",))

    def mark_seen(
        self, keys: Sequence[InstanceKey] | None = None, *, is_undoable: bool = False
    ) -> None:
        del is_undoable
        self._ask(("seen", *(key.id for key in keys)) if keys is not None else ("all seen",))

    def refresh(self, key: InstanceKey | None = None) -> None:
        self._ask(("refresh", key.id if key else None))

    def set_paused(self, *, paused: bool) -> None:
        self._ask(("paused", paused))

    def set_interval(self, seconds: float) -> None:
        self._ask(("interval", seconds))

    def submit(self, request: Request[A], answer: Heard[A]) -> None:
        self.intents += 1
        self.questions.append((request, answer))

    def answer(self, value: object, read_at: datetime = START) -> Request[Any]:
        """Answer the oldest question with a value or a ServiceError; gives the question."""
        request, heard = self.questions.pop(0)
        heard(value if isinstance(value, ServiceError) else Reply(value, read_at, calls=1))
        return request

    def try_alert(self) -> None:
        self._ask(("try alert",))

    def touch(self) -> None:
        self._ask(("touch",))
