"""The fleet's records: a pure function of seed, epoch, speed and now, so a restart goes on where it was.

Records hold the service's names and values; how they travel is `answers`' business.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from random import Random

from wfinspect.regions import zone_of
from wfinspect.simulator.catalogue import (
    INSTANCES,
    Planned,
    earlier_instances,
    extra_instances,
)
from wfinspect.simulator.life import Life, Run, born, number_at, run_at, stage_at

REGION = "cn-shanghai"
"""Where the fleet lives: its days begin at midnight in this region's zone."""

TYPES = ("Normal", "Manual", "SmokeTest", "SupplementData", "ManualWorkflow", "TriggerWorkflow")

Record = dict[str, object]
"""An instance as the service tells it: field names as in GetWorkflowInstance, times in ms."""


def milliseconds(at: datetime) -> int:
    """A moment as the service writes it."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


class Fleet:
    """All instances of the simulated service.

    Args:
        seed: chooses pace and luck of everything but the instances written as fixed.
        epoch: when the fleet was born; aware.
        speed: seconds of life in a second of time.
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
        """The workspaces that exist."""

    @property
    def all_ids(self) -> tuple[int, ...]:
        """The IDs, and those of the runs of earlier days."""
        return tuple(self._planned)

    def moment(self, now: datetime) -> int:
        """The moment the fleet lives at: time before its epoch does not exist."""
        return max(milliseconds(now), self.epoch)

    def record(self, instance_id: int, now: datetime) -> Record | None:
        """The 19 fields of an instance at a moment, None for an ID that is not in the fleet.

        StartedTime and FinishedTime are absent until they have happened.
        """
        planned = self._planned.get(instance_id)
        if planned is None:
            return None
        life = self._lives[instance_id]
        stage = stage_at(
            life,
            epoch=self.epoch,
            now=self.moment(now),
            speed=self._speed,
            chance=partial(_chance, self.seed, instance_id),
        )
        workflow = planned.workflow
        day = self._today - timedelta(days=planned.days_back)
        record: Record = {
            "Id": planned.id,
            "WorkflowId": workflow.id,
            "WorkflowTaskInstanceId": planned.id + 44_589_011_147,
            "UnifiedWorkflowInstanceId": _unified_id(planned),
            "Name": workflow.name,
            "Type": workflow.type,
            "Status": stage.status,
            "BizDate": milliseconds(day),
            "StartedTime": stage.started,
            "FinishedTime": stage.finished,
            "ProjectId": workflow.project_id,
            "EnvType": planned.env_type,
            "Owner": workflow.owner,
            "CreateTime": born(life, self.epoch),
            "ModifyTime": stage.since,
            "CreateUser": workflow.owner,
            "ModifyUser": workflow.owner,
            "WorkflowParameters": workflow.parameters.replace("%D", f"{day:%Y%m%d}"),
            "Tags": [{"Key": key, "Value": value} for key, value in workflow.tags],
        }
        return {name: value for name, value in record.items() if value is not None}

    def run(self, instance_id: int, now: datetime) -> Run:
        """The run of an instance that is under way at a moment."""
        life = self._lives[instance_id]
        number = number_at(life, epoch=self.epoch, now=self.moment(now), speed=self._speed)
        return self.run_of(instance_id, number)

    def run_of(self, instance_id: int, number: int) -> Run:
        """The run of a number: 0 is the one under way at the epoch."""
        chance = partial(_chance, self.seed, instance_id)
        life = self._lives[instance_id]
        return run_at(life, number, epoch=self.epoch, speed=self._speed, chance=chance)

    def _life(self, planned: Planned) -> Life:
        if planned.is_fixed:
            return planned.life
        luck = Random(f"{self.seed}/{planned.id}")
        return planned.life.scaled(luck.uniform(0.8, 1.4), luck.random())


@lru_cache(maxsize=4096)
def _chance(seed: int, instance_id: int, run: int) -> float:
    return Random(f"{seed}/{instance_id}/{run}").random()


def _unified_id(planned: Planned) -> int:
    """One number for all instances of a trigger within a business date."""
    workflow = planned.workflow
    trigger = workflow.project_id * 100 + planned.days_back * 10 + TYPES.index(workflow.type)
    return 10_400_000_000 + trigger
