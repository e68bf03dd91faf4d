"""The fleet as the service tells it at a moment: with what a test has changed, and how it is disguised.

Set from any thread; read by the server's.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from wfinspect.instance import family_of
from wfinspect.simulator.faults import Faults
from wfinspect.simulator.fleet import Fleet, Record, milliseconds
from wfinspect.simulator.life import Run

HOSTILE_TEXT = (
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J\x1b[31m\x1bP+q\x1b\\\x9b31m\x9d0;t\x9c\r\n\x08\x7f"
    "\u202e\u2066\u200b\u2028\ufeff[red]R[/red][/][@click=app.quit]q[/]"
)
"""Escape sequences, C1, bidi, invisible characters, line ends and markup."""


class Population:
    """Who can be asked for, and what is said about them."""

    def __init__(self, fleet: Fleet, faults: Faults) -> None:
        self.fleet = fleet
        self.faults = faults
        self.task_fields: Record = {}
        """What every task says beside, or in place of, its own; None takes a field away."""
        self._lock = threading.Lock()
        self._changes: dict[int, Record] = {}
        self._held: dict[int, datetime] = {}
        self._answers: dict[int, Record] = {}
        self._vanished: set[int] = set()

    def set_status(self, instance_id: int, status: str, now: datetime) -> None:
        """Take an instance out of its life and hold it in a status, its times set to fit."""
        record = self.record(instance_id, now)
        if record is None:
            raise KeyError(instance_id)
        with self._lock:
            self._held.setdefault(instance_id, now)
        moment = milliseconds(now)
        settles = family_of(status).is_settled
        begins = status == "Running" and record["Status"] != "Running"
        runs = settles or status in {"Running", "Checking"}
        started = moment if begins else record.get("StartedTime", moment)
        self.set_fields(
            instance_id,
            {
                "Status": status,
                "ModifyTime": moment,
                "StartedTime": started if runs else None,
                "FinishedTime": moment if settles else None,
            },
        )

    def set_fields(self, instance_id: int, fields: Mapping[str, object]) -> None:
        """Say something else about an instance; None takes a field away."""
        with self._lock:
            self._changes.setdefault(instance_id, {}).update(fields)

    def set_answer(self, record_id: int, fields: Mapping[str, object]) -> None:
        """Answer with other fields of an instance or a task, which is found by its own still.

        None as a value is a null; what was set before is forgotten.
        """
        with self._lock:
            self._answers[record_id] = dict(fields)

    def vanish(self, instance_id: int) -> None:
        """Make an instance unknown, as one past its retention."""
        with self._lock:
            self._vanished.add(instance_id)

    def restore(self, instance_id: int) -> None:
        """Give an instance its own life back."""
        with self._lock:
            self._changes.pop(instance_id, None)
            self._answers.pop(instance_id, None)
            self._held.pop(instance_id, None)
            self._vanished.discard(instance_id)

    def record(self, instance_id: int, now: datetime) -> Record | None:
        """What the service says about an instance, None where it knows none."""
        record = self.fleet.record(instance_id, now)
        with self._lock:
            if record is None or instance_id in self._vanished:
                return None
            record |= self._changes.get(instance_id, {})
        return {name: value for name, value in record.items() if value is not None}

    def run(self, instance_id: int, now: datetime) -> Run:
        """The run that is under way, or was when the instance was taken out of its life."""
        with self._lock:
            now = self._held.get(instance_id, now)
        return self.fleet.run(instance_id, now)

    def records(self, ids: Iterable[int] | None, now: datetime) -> list[Record]:
        """What the service says about several, of all without `ids`; the unknown are left out."""
        asked = self.fleet.ids if ids is None else dict.fromkeys(ids)
        found = (self.record(instance_id, now) for instance_id in asked)
        return [record for record in found if record is not None]

    def disguised(self, record: Record) -> Record:
        """A record as it goes out: a disguise never decides which records are found."""
        number = int(str(record["Id"]))
        if self.faults.is_novel:
            record = record | {
                "Status": "Suspended",
                "Type": "Stream",
                "Priority": 7,
                "Extra": [{}],
            }
        if self.faults.is_untidy:
            record = _untidy(record)
        if self.faults.is_hostile:
            record = {name: _hostile(value) for name, value in record.items()}
        with self._lock:
            return record | self._answers.get(number, {})

    def disguised_text(self, text: str) -> str:
        """A text of many lines as it goes out."""
        return text.replace("\n", HOSTILE_TEXT + "\n") if self.faults.is_hostile else text


def _hostile(value: object) -> object:
    if isinstance(value, str):
        return value + HOSTILE_TEXT
    if isinstance(value, list):
        return [_hostile(item) for item in value]
    if isinstance(value, dict):
        return {name: _hostile(item) for name, item in value.items()}
    return value


def _untidy(record: Record) -> Record:
    """As sample bodies of the documents are: numbers in quotes, strings with a line end, nulls."""
    missing: Record = {"StartedTime": None, "FinishedTime": 0, "Tags": None}
    dressed: dict[str, Callable[[object], object]] = {
        **dict.fromkeys(("Id", "ProjectId"), str),
        **dict.fromkeys(("Name", "TaskName", "Status"), "{}\n".format),
        "Owner": lambda value: int(str(value)),
        "Tags": lambda value: value or None,
    }
    return missing | {
        name: dressed[name](value) if name in dressed else value for name, value in record.items()
    }
