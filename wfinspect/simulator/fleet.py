"""The fleet's records: a pure function of seed, epoch, speed and now, so a restart goes on where it was.

`Population` adds what a test has changed, and how records are disguised. They hold the service's names and values;
`service` makes answers of them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random

from wfinspect.model import family_of
from wfinspect.regions import zone_of
from wfinspect.search import WORDS
from wfinspect.simulator.catalogue import (
    INSTANCES,
    OUTCOME,
    Lifecycle,
    PlannedInstance,
    WorkflowRun,
    earlier_instances,
    extra_instances,
)
from wfinspect.simulator.faults import Faults

REGION = "cn-shanghai"
"""The region of the fleet: its days begin at midnight in this region's zone."""

TYPES = WORDS["type"]

Record = dict[str, object]
"""An instance as the service gives it: field names as in GetWorkflowInstance, times in ms."""


def milliseconds(at: datetime) -> int:
    """Return a moment as the service writes it."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


class Fleet:
    """All instances of the simulated service.

    Args:
        seed: chooses pace and outcome of everything but the instances written as fixed.
        epoch: when the fleet began; aware.
        speed: seconds of a lifecycle in a second of time.
        extra: so many instances beyond the 30 of the catalogue.
    """

    def __init__(
        self, *, seed: int = 0, epoch: datetime, speed: float = 1.0, extra: int = 0
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self.seed = seed
        self.epoch = milliseconds(epoch)
        self._speed = speed
        self._today = epoch.astimezone(zone_of(REGION)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        watched = (*INSTANCES, *extra_instances(extra))
        self._planned = {p.id: p for p in (*watched, *earlier_instances())}
        self.ids = tuple(p.id for p in watched)
        """Every instance's ID, those of the catalogue first; not the runs of earlier days."""
        self._lives = {p.id: self._life(p) for p in self._planned.values()}
        self.project_ids = frozenset(p.workflow.project_id for p in self._planned.values())

    @property
    def all_ids(self) -> tuple[int, ...]:
        """The IDs, and those of the runs of earlier days."""
        return tuple(self._planned)

    def moment(self, now: datetime) -> int:
        """Return the moment as the fleet knows it: time before its epoch does not exist."""
        return max(milliseconds(now), self.epoch)

    def record(self, instance_id: int, now: datetime) -> Record | None:
        """Return the 19 fields of an instance at a moment, None for an ID that is not in the fleet.

        StartedTime and FinishedTime are absent until they have happened.
        """
        planned = self._planned.get(instance_id)
        if planned is None:
            return None
        life, run = self._lives[instance_id], self.run(instance_id, now)
        into = self._elapsed(life, now) % life.period
        ends = accumulate(seconds for _, seconds in life.phases)
        index = min(sum(end <= into for end in ends), len(life.phases) - 1)
        words = [word for word, _ in life.phases]
        since, is_over = run.begins[words[index]], words[index] == OUTCOME
        workflow = planned.workflow
        day = self._today - timedelta(days=planned.days_back)
        record: Record = {
            "Id": planned.id,
            "WorkflowId": workflow.id,
            "WorkflowTaskInstanceId": planned.id + 44_589_011_147,
            "UnifiedWorkflowInstanceId": _unified_id(planned),
            "Name": workflow.name,
            "Type": workflow.type,
            "Status": ("Failure" if run.fails else "Success") if is_over else words[index],
            "BizDate": milliseconds(day),
            "StartedTime": run.begins["Running"] if index >= words.index("Running") else None,
            "FinishedTime": since if is_over else None,
            "ProjectId": workflow.project_id,
            "EnvType": planned.env_type,
            "Owner": workflow.owner,
            "CreateTime": self.epoch - int(life.offset * life.past * 1000) - 1000,
            "ModifyTime": since,
            "CreateUser": workflow.owner,
            "ModifyUser": workflow.owner,
            "WorkflowParameters": workflow.parameters.replace("%D", f"{day:%Y%m%d}"),
            "Tags": [{"Key": key, "Value": value} for key, value in workflow.tags],
        }
        return {name: value for name, value in record.items() if value is not None}

    def run(self, instance_id: int, now: datetime) -> WorkflowRun:
        """Return the run of an instance that is under way at a moment."""
        life = self._lives[instance_id]
        return self.run_of(instance_id, int(self._elapsed(life, now) // life.period))

    def run_of(self, instance_id: int, number: int) -> WorkflowRun:
        """Return the run of a number: 0 is the one under way at the epoch."""
        life = self._lives[instance_id]

        def moment(seconds: float) -> int:
            # What lies before the epoch keeps its own pace: speed changes only what is watched.
            scale = 1000 * life.past if seconds < 0 else 1000 / self._speed
            return self.epoch + int(seconds * scale // 1)

        ends = accumulate(seconds for _, seconds in life.phases)
        begins = [number * life.period - life.offset + end for end in (0.0, *ends)]
        moments = {word: moment(at) for (word, _), at in zip(life.phases, begins, strict=False)}
        fails = _chance(self.seed, instance_id, number) < life.failing
        return WorkflowRun(number, fails, moments)

    def _elapsed(self, life: Lifecycle, now: datetime) -> float:
        """Return the seconds of the lifecycle since the first run began."""
        return (self.moment(now) - self.epoch) * self._speed / 1000 + life.offset

    def _life(self, planned: PlannedInstance) -> Lifecycle:
        if planned.is_fixed:
            return planned.life
        luck = Random(f"{self.seed}/{planned.id}")
        return planned.life.scaled(luck.uniform(0.8, 1.4), luck.random())


@lru_cache(maxsize=4096)
def _chance(seed: int, instance_id: int, run: int) -> float:
    return Random(f"{seed}/{instance_id}/{run}").random()


def _unified_id(planned: PlannedInstance) -> int:
    """Return one number for all instances of a trigger within a business date."""
    workflow = planned.workflow
    trigger = workflow.project_id * 100 + planned.days_back * 10 + TYPES.index(workflow.type)
    return 10_400_000_000 + trigger


HOSTILE_TEXT = (
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J\x1b[31m\x1bP+q\x1b\\\x9b31m\x9d0;t\x9c\r\n\x08\x7f"
    "\u202e\u2066\u200b\u2028\ufeff[red]R[/red][/][@click=app.quit]q[/]"
)
"""Escape sequences, C1, bidi, invisible characters, line ends and markup."""


class Population:
    """The instances that exist, and what is said about them; set from any thread, read by the server's.

    What is set replaces what was there in one step, so that neither thread sees a part of it.
    """

    def __init__(self, fleet: Fleet, faults: Faults) -> None:
        self.fleet = fleet
        self.faults = faults
        self.task_fields: Record = {}
        """What every task says beside, or in place of, its own; None takes a field away."""
        self._changes: dict[int, Record] = {}
        self._held: dict[int, datetime] = {}
        self._answers: dict[int, Record] = {}
        self._vanished: set[int] = set()

    def set_status(self, instance_id: int, status: str, now: datetime) -> None:
        """Take an instance out of its lifecycle and hold it in a status, its times set to fit."""
        record = self.record(instance_id, now)
        if record is None:
            raise KeyError(instance_id)
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
        self._changes[instance_id] = self._changes.get(instance_id, {}) | dict(fields)

    def set_answer(self, record_id: int, fields: Mapping[str, object]) -> None:
        """Answer with other fields of an instance or a task, which is found by its own still.

        None as a value is a null; what was set before is forgotten.
        """
        self._answers[record_id] = dict(fields)

    def vanish(self, instance_id: int) -> None:
        """Make an instance unknown, as one past its retention."""
        self._vanished.add(instance_id)

    def restore(self, instance_id: int) -> None:
        """Let an instance go on in its own lifecycle."""
        for said in (self._changes, self._answers, self._held):
            said.pop(instance_id, None)
        self._vanished.discard(instance_id)

    def record(self, instance_id: int, now: datetime) -> Record | None:
        """Return what the service says about an instance, None where it knows none."""
        record = self.fleet.record(instance_id, self._held.get(instance_id, now))
        if record is None or instance_id in self._vanished:
            return None
        record |= self._changes.get(instance_id, {})
        return {name: value for name, value in record.items() if value is not None}

    def run(self, instance_id: int, now: datetime) -> WorkflowRun:
        """Return the run that is under way, or was when the instance was taken out of its lifecycle."""
        return self.fleet.run(instance_id, self._held.get(instance_id, now))

    def records(self, ids: Iterable[int], now: datetime) -> list[Record]:
        """Return what the service says about several; the unknown are left out."""
        found = (self.record(instance_id, now) for instance_id in dict.fromkeys(ids))
        return [record for record in found if record is not None]

    def disguised(self, record: Record) -> Record:
        """Return a record as it goes out: a disguise never decides which records are found."""
        number = int(str(record["Id"]))
        if self.faults.is_hostile:
            record = {name: _hostile(value) for name, value in record.items()}
        return record | self._answers.get(number, {})

    def disguised_text(self, text: str) -> str:
        """Return a text of many lines as it goes out."""
        return text.replace("\n", HOSTILE_TEXT + "\n") if self.faults.is_hostile else text


def _hostile(value: object) -> object:
    if isinstance(value, str):
        return value + HOSTILE_TEXT
    if isinstance(value, list):
        return [_hostile(item) for item in value]
    if isinstance(value, dict):
        return {name: _hostile(item) for name, item in value.items()}
    return value
