"""The calls about task instances (2024-05-18): parameters in, bodies out.

Checks and filters as documented for the service; knows no signature and no HTTP.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from wfinspect.simulator.answers import Body, Refusal
from wfinspect.simulator.arguments import Arguments, invalid, moment_of
from wfinspect.simulator.fleet import TYPES, Record
from wfinspect.simulator.operations import ENVIRONMENTS, instances
from wfinspect.simulator.population import Population
from wfinspect.simulator.task_log import bulk, log_of
from wfinspect.simulator.tasks import BIG_LOG_TASK_ID, TASKS_APART, Tasks

_STATUSES = ("NotRun", "Running", "Failure", "Success", "WaitTime", "WaitResource")
_WORDS = {
    "Status": _STATUSES,
    "TriggerType": ("Scheduler", "Manual"),
    "WorkflowInstanceType": TYPES,
}
_RECURRENCES = ("Normal", "Pause", "Skip")
_TIMES = {"startedTime": "StartedTime", "finishedTime": "FinishedTime", "createTime": "CreateTime"}
_NUMBERS = ("TaskId", "WorkflowId", "WorkflowInstanceId", "UnifiedWorkflowInstanceId", "Id")


def get_task_instance(asked: Arguments, population: Population, now: datetime) -> Body:
    """One task by its ID alone, with its script."""
    task_id = asked.required("Id")
    tasks = _tasks(task_id, population, now)
    (record,) = tasks.current([task_id % TASKS_APART])
    name = record["TaskName"]
    parameters = record.pop("ScriptParameters")
    record |= {
        "Script": {
            "Parameters": parameters,
            "Content": f"INSERT OVERWRITE TABLE {name} PARTITION (dt='${{bizdate}}')\n"
            f"SELECT * FROM {name}_tmp WHERE dt = '${{bizdate}}';",
        },
        "Inputs": {"Variables": [{"Name": "bizdate", "Type": "Constant", "Value": tasks.day}]},
        "Outputs": {"TaskOutputs": [{"Output": f"{record['ProjectId']}.{name}"}], "Variables": []},
        "Tags": [{"Key": "layer", "Value": str(name).partition("_")[0]}],
    }
    return {"TaskInstance": population.disguised(record)}


def get_task_instance_log(asked: Arguments, population: Population, now: datetime) -> Body:
    """The whole log of a task's run, the latest one without RunNumber."""
    task_id = asked.required("Id")
    number = asked.bounded("RunNumber", default=0, low=1)
    tasks = _tasks(task_id, population, now)
    asked_for = [run for run in tasks.runs(task_id) if number in {0, run.run_number}]
    if not asked_for:
        raise invalid("RunNumber")
    text = log_of(asked_for[-1], tasks.day, population.fleet.moment(now))
    text = population.disguised_text(text)
    return {"TaskInstanceLog": bulk(text) if task_id == BIG_LOG_TASK_ID else text}


def list_task_instances(asked: Arguments, population: Population, now: datetime) -> Body:
    """A page of the tasks of a workspace and a business date, in Prod unless ProjectEnv says Dev.

    With Id it holds the past runs of that task as well. Where the documents are silent: the bounds of
    a time in Filter are within it, and what has no such time yet is in no bounds.
    """
    task_id, instance_id, ids = (
        asked.number("Id"),
        asked.number("WorkflowInstanceId"),
        asked.numbers("Ids"),
    )
    wanted = {instance_id} if instance_id else {i // TASKS_APART for i in (*ids, task_id) if i}
    where = instances(
        asked,
        population,
        now,
        wanted or population.fleet.all_ids,
        env_type=asked.word("ProjectEnv", ENVIRONMENTS) or "Prod",
        biz_date=asked.required("Bizdate"),
    )
    found = [
        record
        for instance in where
        for tasks in (Tasks(population, instance, now),)
        for record in _records(tasks, task_id)
    ]
    for matches in _filters(asked):
        found = [record for record in found if matches(record)]
    asked.sort(found, lambda record: record.get("TriggerTime"))
    return asked.page("TaskInstances", found, population.disguised)


def _tasks(task_id: int, population: Population, now: datetime) -> Tasks:
    tasks = Tasks.of(task_id, population, now)
    if tasks is None:
        raise Refusal("InstanceNotFound", f"The task instance {task_id} does not exist.")
    return tasks


def _records(tasks: Tasks, task_id: int | None) -> list[Record]:
    if task_id is None:
        return tasks.current()
    instance_id, number = divmod(task_id, TASKS_APART)
    if instance_id != tasks.instance_id or not 0 < number <= len(tasks.definitions):
        return []
    return [tasks.record(run) for run in tasks.runs(task_id)]


def _filters(asked: Arguments) -> Iterable[Callable[[Record], bool]]:
    yield asked.equals(_NUMBERS, _WORDS, ("TaskType", "Owner"))
    yield asked.contains("TaskName", "TaskName")
    yield asked.among("Ids", "Id")
    yield asked.among("TaskIds", "TaskId")
    recurrence = asked.word("TriggerRecurrence", _RECURRENCES)
    # Documented to take effect only then.
    if recurrence and asked.text("TriggerType") == "Scheduler":
        yield lambda record: record["TriggerRecurrence"] == recurrence
    if group := asked.text("RuntimeResource"):
        yield lambda record: group in _texts(record["RuntimeResource"])
    bounds = [f"{name}{end}" for name in _TIMES for end in ("Start", "End")]
    for bound, value in asked.conditions("Filter", bounds).items():
        yield _within(bound, moment_of(value, "Filter"))


def _texts(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else ()


def _within(bound: str, limit: int) -> Callable[[Record], bool]:
    """Whether a record's time, such as StartedTime of ``startedTimeEnd``, keeps a limit."""
    is_start = bound.endswith("Start")
    field = _TIMES[bound.removesuffix("Start").removesuffix("End")]

    def keeps(record: Record) -> bool:
        at = record.get(field)
        return isinstance(at, int) and (at >= limit if is_start else at <= limit)

    return keeps
