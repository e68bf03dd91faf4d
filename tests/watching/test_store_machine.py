"""The store against a model of it: two processes that save anything in any order, close and come back."""

import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fakes import BINDING, START, instance, key, listed
from fuzz import tried
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wfinspect.model import InstanceId, InstanceKey, Transition
from wfinspect.watching.store import Changes, Store

if TYPE_CHECKING:
    from wfinspect.watching.api import Row

ACCOUNT = (BINDING.profile, BINDING.region)
DAYS = [date(2026, 9, day) for day in (17, 18)]
PROCESSES = st.integers(0, 1)
NUMBERS = st.integers(1, 3)
SECONDS = st.sampled_from([0, 20, 40, 60, 600])
STATUSES = st.sampled_from(["Running", "Failure", "Success", "\udc80 odd \x1b"])


class StoreMachine(RuleBasedStateMachine):
    """Every step is one save of one of two processes; what both read has to be what the model holds."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
        self._directory = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
        self.stores = [Store(Path(self._directory), lambda: START) for _ in range(2)]
        self.rows: dict[InstanceKey, Row] = {}
        self.events: dict[tuple[InstanceKey, str], Transition] = {}
        self.calls = dict.fromkeys(DAYS, 0)
        self.recent: dict[InstanceId, int] = {}
        self.meta: dict[str, str] = {}

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self._directory)

    @rule(process=PROCESSES, number=NUMBERS, position=st.integers(0, 9))
    def add(self, process: int, number: int, position: int) -> None:
        row = listed(key(number), position + number / 10, START)
        self.stores[process].save(Changes(added={row.key: row}))
        self.rows.setdefault(row.key, row)

    @rule(process=PROCESSES, number=NUMBERS)
    def remove(self, process: int, number: int) -> None:
        changes = Changes()
        changes.remove(key(number))
        self.stores[process].save(changes)
        self.rows.pop(key(number), None)

    @rule(
        process=PROCESSES, number=NUMBERS, seconds=SECONDS, status=STATUSES, is_gone=st.booleans()
    )
    def read(self, process: int, number: int, seconds: int, status: str, is_gone: bool) -> None:
        at, found = START + timedelta(seconds=seconds), instance(number, status)
        reading = listed(key(number), 0.0, instance=found, read_at=at, is_gone=is_gone)
        self.stores[process].save(Changes(readings={key(number): reading}))
        row = self.rows.get(key(number))
        # A reading of the future is one by a clock that was set back since.
        is_newer = row is not None and (
            row.read_at is None or row.read_at <= at or row.read_at > at + timedelta(minutes=1)
        )
        if row is not None and is_newer:
            self.rows[row.key] = row._replace(instance=found, read_at=at, is_gone=is_gone)

    @rule(process=PROCESSES, number=NUMBERS, is_unseen=st.booleans())
    def mark(self, process: int, number: int, is_unseen: bool) -> None:
        self.stores[process].save(Changes(unseen={key(number): is_unseen}))
        row = self.rows.get(key(number))
        if row is not None:
            self.rows[row.key] = row._replace(is_unseen=is_unseen)

    @rule(process=PROCESSES, number=NUMBERS, event=st.sampled_from("abc"), seconds=SECONDS)
    def record(self, process: int, number: int, event: str, seconds: int) -> None:
        at = START + timedelta(seconds=seconds)
        change = Transition(
            key(number), "dwd_trade", "Running", "Failure", at, START, at, event=event
        )
        new = self.stores[process].save(Changes(transitions=[change]))
        name = (change.key, event)
        assert new == ([] if name in self.events else [change])
        self.events.setdefault(name, change)

    @rule(process=PROCESSES, day=st.sampled_from(DAYS), calls=st.integers(1, 5))
    def count(self, process: int, day: date, calls: int) -> None:
        changes = Changes()
        changes.calls[(ACCOUNT, day)] += calls
        self.stores[process].save(changes)
        self.calls[day] += calls

    @rule(process=PROCESSES, number=NUMBERS, seconds=SECONDS, value=st.sampled_from(["x", "y"]))
    def note(self, process: int, number: int, seconds: int, value: str) -> None:
        looked_up = InstanceId(number)
        at = START + timedelta(seconds=seconds, microseconds=number)
        self.stores[process].save(Changes(recent={looked_up: at}, meta={"name": value}))
        self.recent[looked_up] = seconds * 10 + number
        self.meta["name"] = value

    @rule(process=PROCESSES)
    def come_back(self, process: int) -> None:
        self.stores[process].close()

    @invariant()
    def both_read_what_was_saved(self) -> None:
        for store in self.stores:
            assert store.rows() == sorted(self.rows.values(), key=lambda row: row.position)
            told = store.transitions(99)
            assert told[::-1] == list(self.events.values())
            assert {day: store.calls(ACCOUNT, day) for day in DAYS} == self.calls
            assert store.recent() == sorted(self.recent, key=lambda i: -self.recent[i])
            assert store.meta("name") == self.meta.get("name")
            assert store.set_aside is None


TestStore = StoreMachine.TestCase
TestStore.settings = tried(15, 5_000, steps=50)
