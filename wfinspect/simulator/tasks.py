"""Task instances as the service tells them: whose they are, and their runs.

Made on demand from what the population says about their instance.
"""

from collections.abc import Iterable
from datetime import datetime

from wfinspect.regions import zone_of
from wfinspect.simulator.catalogue import BIG_LOG_ID
from wfinspect.simulator.fleet import REGION, Record
from wfinspect.simulator.graph import Task, layout_of, tasks_of
from wfinspect.simulator.population import Population
from wfinspect.simulator.readings import Course, Reading, course_of, past_course, readings

_RESOURCE_GROUP = "S_res_group_1823556600124410_1721000000000"
TASKS_APART = 1000
"""IDs of tasks count from their workflow's or instance's ID times this."""

BIG_LOG_TASK_ID = BIG_LOG_ID * TASKS_APART + 1
"""The task whose log is of 32 MiB."""

_SOURCES = {"ODPS_SQL": "odps_first", "HOLOGRES_SQL": "holo_serving", "DI": "rds_orders"}

_KEPT_RUNS = 20
"""Runs of an instance that are remembered, beside the one under way."""


class Tasks:
    """The tasks of one instance at a moment."""

    def __init__(self, population: Population, instance: Record, now: datetime) -> None:
        self._population = population
        self._instance = instance
        self._now = population.fleet.moment(now)
        self.instance_id = int(str(instance["Id"]))
        self._workflow_id = int(str(instance["WorkflowId"]))
        # Only the first run was scheduled; those after it are reruns.
        self._due = population.fleet.run_of(self.instance_id, 0).due
        self._course = course_of(instance, population.run(self.instance_id, now))
        self.definitions = tasks_of(population.fleet.seed, self._workflow_id)

    @classmethod
    def of(cls, task_id: int, population: Population, now: datetime) -> "Tasks | None":
        """Those of the instance a task belongs to; None where there is no such task."""
        instance_id, number = divmod(task_id, TASKS_APART)
        instance = population.record(instance_id, now)
        if instance is None:
            return None
        found = cls(population, instance, now)
        return found if 0 < number <= len(found.definitions) else None

    def current(self, numbers: Iterable[int] | None = None) -> list[Record]:
        """Each task as it stands, or those of some numbers."""
        asked = self.definitions if numbers is None else [self.definitions[n - 1] for n in numbers]
        return [self.record(self._readings(task, self._course)[-1]) for task in asked]

    def runs(self, task_id: int) -> list[Reading]:
        """All runs of a task, oldest first; the last one is as it stands."""
        task = self.definitions[task_id % TASKS_APART - 1]
        number = self._course.run.number
        run_of = self._population.fleet.run_of
        past = [
            reading
            for earlier in range(max(0, number - _KEPT_RUNS), number)
            for reading in self._readings(task, past_course(run_of(self.instance_id, earlier)))
            if reading.started is not None
        ]
        return past + self._readings(task, self._course)

    def record(self, reading: Reading) -> Record:
        """A reading with the service's names."""
        instance, task = self._instance, reading.task
        times = (
            reading.waits_for_time,
            reading.waits_for_resources,
            reading.started,
            reading.finished,
        )
        names = ("WaitingTriggerTime", "WaitingResourceTime", "StartedTime", "FinishedTime")
        created = instance.get("CreateTime")
        passed = [at for at in (created, *times) if isinstance(at, int)]
        record: Record = {
            "Id": self.instance_id * TASKS_APART + task.number,
            "TaskId": self._workflow_id * TASKS_APART + task.number,
            "TaskName": task.name,
            "TaskType": task.type,
            "Status": reading.status,
            "RunNumber": reading.run_number,
            **_common_of(task, str(instance.get("Owner"))),
            "PeriodNumber": 1,
            "OperationType": "Rerun" if reading.run_number > 1 else "",
            "Bizdate": instance.get("BizDate"),
            "CreateTime": created,
            "TriggerTime": self._due,
            "ModifyTime": max(passed, default=None),
            **dict(zip(names, times, strict=True)),
            "ProjectEnv": instance.get("EnvType"),
            "ProjectId": instance.get("ProjectId"),
            "TriggerType": _trigger_type(str(instance.get("Type"))),
            "UnifiedWorkflowInstanceId": instance.get("UnifiedWorkflowInstanceId"),
            "WorkflowId": self._workflow_id,
            "WorkflowInstanceId": self.instance_id,
            "WorkflowInstanceType": instance.get("Type"),
            "WorkflowName": instance.get("Name"),
            "ScriptParameters": f"bizdate={self.day} task={task.name}",
        }
        if reading.started is not None:
            record["Runtime"] = {
                "ProcessId": f"T3_{reading.started // 1000 % 10**10:010}",
                "Gateway": f"cn-shanghai-{task.number % 7}.gateway",
            }
        record |= self._population.task_fields
        return {name: value for name, value in record.items() if value is not None}

    @property
    def day(self) -> str:
        """The business date as yyyymmdd."""
        at = int(str(self._instance.get("BizDate", 0))) / 1000
        return f"{datetime.fromtimestamp(at, zone_of(REGION)):%Y%m%d}"

    def _readings(self, task: Task, course: Course) -> list[Reading]:
        seed, ids = self._population.fleet.seed, (self._workflow_id, self.instance_id)
        layout = layout_of(seed, *ids, fails=course.fails)
        per_run = len(layout_of(seed, *ids, fails=False)[task.number])
        return readings(task, layout, course, self._now, per_run)


def _common_of(task: Task, workflow_owner: str) -> Record:
    """What all instances of a task share."""
    source = _SOURCES.get(task.type)
    record: Record = {
        "Owner": workflow_owner,
        "CreateUser": workflow_owner,
        "ModifyUser": workflow_owner,
        "Description": "",
        "BaselineId": -1,
        "Priority": (1, 1, 3, 1, 5, 8)[task.number % 6],
        "RerunMode": ("AllAllowed", "FailureAllowed", "AllDenied")[task.number % 3],
        "Timeout": (0, 3600, 7200)[task.number % 3],
        "TriggerRecurrence": "Normal",
        "RuntimeResource": {
            "Cu": "0.25",
            "Image": "dataworks_pyodps_task_pod:prod_202604" if task.type == "PYODPS3" else "",
            "ResourceGroupId": _RESOURCE_GROUP,
        },
    }
    return record | ({"DataSource": {"Name": source}} if source else {})


def _trigger_type(workflow_type: str) -> str:
    """Who starts a workflow's runs."""
    return "Scheduler" if workflow_type in {"Normal", "SupplementData"} else "Manual"
