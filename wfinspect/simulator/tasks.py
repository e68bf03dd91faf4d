"""Task instances as the service gives them: what they are, their runs, and the logs of these.

A workflow's tasks and the layout of a run know no moment: a layout counts in parts of the run, 0 to 1. How far
each task has come is made on demand from what the population says about its instance.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import NamedTuple

from wfinspect.model import Direction, family_of, zone_of
from wfinspect.simulator.faults import Refusal
from wfinspect.simulator.fleet import (
    BIG_LOG_ID,
    FROZEN_ID,
    IDLE,
    INSTANCES,
    MANY_TASKS_ID,
    OUTCOME,
    OWNERS,
    REGION,
    Fleet,
    PlannedInstance,
    Population,
    Record,
    WorkflowRun,
)

# What the tasks of a workflow are.

_COUNTS = {p.workflow.id: 500 for p in INSTANCES if p.id == MANY_TASKS_ID}
_FEWEST, _MOST = 4, 30
_REACH = 8  # how far back the tasks lie that one waits for
# Tasks that make one more run at once, of which there are 2 at least: some have to wait.
_PER_LANE = 250
_TWO_FAIL = 0.5  # share of the failing layouts in which another task fails, too

_VERBS = (
    ("ODPS_SQL", "build"),
    ("DI", "load"),
    ("ODPS_SQL", "join"),
    ("PYODPS3", "score"),
    ("ODPS_SQL", "clean"),
    ("SHELL", "export"),
    ("HOLOGRES_SQL", "serve"),
    ("VIRTUAL", "gather"),
)
_FAILING = "ODPS_SQL"  # the type of all tasks that fail

_THINGS = (
    "behavior_log",
    "profile_wide",
    "login_event",
    "order_item",
    "pay_bill",
    "shop_uv",
    "tag_vector",
    "coupon_use",
    "region_dim",
    "member_level",
)
_NAMES = tuple((kind, f"{verb}_{thing}") for thing in _THINGS for kind, verb in _VERBS)


@dataclass(frozen=True, slots=True)
class Task:
    """A task's definition."""

    number: int
    """From 1 within its workflow; it waits only for lower ones."""
    name: str
    type: str
    upstream: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task, in parts of its instance's run."""

    waits: float
    """From here on it waits for resources."""
    starts: float
    ends: float
    """1 for the task that ends the instance's run, and for no other."""
    fails: bool


Layout = Mapping[int, Sequence[Attempt]]
"""By the task's number its attempts, one or two; a task behind one that failed has none."""


@lru_cache(maxsize=256)
def tasks_of(workflow_id: int) -> tuple[Task, ...]:
    """Return the tasks of a workflow: one that begins, one that ends, and a graph of 2 or more between."""
    luck = Random(f"0/{workflow_id}/tasks")
    count = _COUNTS.get(workflow_id) or luck.randint(_FEWEST, _MOST)
    names = luck.sample(_NAMES, len(_NAMES))
    # So that each workflow has one that can fail.
    names.insert(0, names.pop(next(i for i, (kind, _) in enumerate(names) if kind == _FAILING)))
    tasks = [Task(1, "check_source_ready", "SHELL", ())]
    for number in range(2, count):
        cycle, place = divmod(number - 2, len(names))
        kind, name = names[place]
        near = range(max(1, number - _REACH), number)
        upstream = luck.sample(near, min(len(near), luck.choice((1, 1, 2))))
        tasks.append(
            Task(number, name + (f"_{cycle + 1}" if cycle else ""), kind, tuple(sorted(upstream)))
        )
    awaited = {number for task in tasks for number in task.upstream}
    loose = tuple(task.number for task in tasks if task.number not in awaited)
    return (*tasks, Task(count, "publish_result", "HOLOGRES_SQL", loose))


@lru_cache(maxsize=256)
def layout_of(workflow_id: int, instance_id: int, *, fails: bool) -> Layout:
    """Return how a run of an instance spends its time; its workflow's other instances do nearly alike.

    Where it fails, one task fails at its very end, sometimes another one before. One task succeeds
    only at its second attempt.
    """
    tasks = tasks_of(workflow_id)
    usual = Random(f"0/{workflow_id}/layout")
    luck = Random(f"0/{instance_id}/layout")
    lengths = {
        t.number: (0.02 if t.type == "VIRTUAL" else usual.expovariate(1) + 0.3)
        * luck.uniform(0.9, 1.1)
        for t in tasks
    }
    able = [t.number for t in tasks if t.type == _FAILING]
    repeated = usual.choice(able)
    failing = _failing(tasks, able, usual) if fails else ()
    last = failing[0] if failing else len(tasks)
    never_run = _behind(tasks, failing)
    that_run = [t for t in tasks if t.number not in never_run]
    lanes = [0.0] * (2 + len(tasks) // _PER_LANE)
    spans: dict[int, tuple[float, float, float]] = {}
    for task in sorted(that_run, key=lambda t: t.number == last):
        lane = lanes.index(min(lanes))
        waits = max((spans[n][2] for n in task.upstream), default=0.0)
        starts = max(waits + 0.1, lanes[lane]) if task.upstream else 0.0
        lanes[lane] = starts + lengths[task.number]
        if task.number == last:
            lanes[lane] = max(lanes) * 1.02
        spans[task.number] = (waits, starts, lanes[lane])
    total = spans[last][2]
    return {
        number: _attempts(
            *(at / total for at in span), fails=number in failing, repeated=number == repeated
        )
        for number, span in spans.items()
    }


def _attempts(
    waits: float, starts: float, ends: float, *, fails: bool, repeated: bool
) -> tuple[Attempt, ...]:
    if not repeated:
        return (Attempt(waits, starts, ends, fails),)
    breaks, again = starts + (ends - starts) * 0.4, starts + (ends - starts) * 0.5
    return Attempt(waits, starts, breaks, fails=True), Attempt(breaks, again, ends, fails)


def _failing(tasks: Sequence[Task], able: Sequence[int], luck: Random) -> tuple[int, ...]:
    """Return the task that ends a run, from the later half of the able, and perhaps one that fails before."""
    last = luck.choice(able[len(able) // 2 :])
    ahead = {last}
    for task in reversed(tasks):
        if task.number in ahead:
            ahead.update(task.upstream)
    others = sorted(set(able) - ahead - _behind(tasks, (last,)))
    return (last, luck.choice(others)) if others and luck.random() < _TWO_FAIL else (last,)


def _behind(tasks: Sequence[Task], numbers: Sequence[int]) -> set[int]:
    """Return the tasks that wait for some, directly or not."""
    found = set(numbers)
    for task in tasks:
        if not found.isdisjoint(task.upstream):
            found.add(task.number)
    return found - set(numbers)


# How far they have come.

_WAITING = {"WaitTime", "CheckingCondition", "WaitResource"}


@dataclass(frozen=True, slots=True)
class Course:
    """A run of an instance as it went or goes; times in milliseconds, None for not yet."""

    run: WorkflowRun
    status: str
    started: int | None
    ends: int
    """When its tasks are through, but for the last one's check of quality."""
    settled: int | None
    fails: bool

    def at(self, part: float) -> int:
        """Return the moment when a part of it, 0 to 1, is over."""
        started = self.started or 0
        return started + int(part * (self.ends - started))


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A task's run at a moment; times in milliseconds, None for not yet."""

    task: Task
    run_number: int
    status: str = "NotRun"
    waits_for_time: int | None = None
    waits_for_resources: int | None = None
    started: int | None = None
    finished: int | None = None
    ends: int = 0
    """When its work is through, also while that lies ahead."""
    rerun_at: int | None = None
    """When a user had it run again."""
    by_hand: str = ""
    """``Kill`` or ``SetSuccess`` where a user ended it so."""

    @property
    def operation(self) -> str:
        """The latest thing done to it by hand; "" for none."""
        return self.by_hand or ("Rerun" if self.rerun_at is not None else "")

    @property
    def operator(self) -> str:
        """The account of the user who did it."""
        return _OPERATORS[(self.task.number + self.run_number) % len(_OPERATORS)]


_OPERATORS = tuple(OWNERS.values())


def course_of(record: Record, run: WorkflowRun) -> Course:
    """Return the course of the run an instance is in; its record may have been changed by a test."""
    status = str(record.get("Status"))
    started, finished, changed = (
        value if isinstance(value := record.get(name), int) else None
        for name in ("StartedTime", "FinishedTime", "ModifyTime")
    )
    ends = (started or 0) + run.working
    if finished is not None:
        ends = min(ends, finished)
    elif status == "Checking" and changed is not None:
        ends = min(ends, changed)
    fails = status == "Failure" if family_of(status).is_settled else run.fails
    return Course(run, status, started, ends, finished, fails)


def past_course(run: WorkflowRun) -> Course:
    """Return the course of a run that has settled."""
    started = run.begins["Running"]
    status = "Failure" if run.fails else "Success"
    return Course(run, status, started, started + run.working, run.begins[OUTCOME], run.fails)


def task_runs(task: Task, layout: Layout, course: Course, now: int, per_run: int) -> list[TaskRun]:
    """Return the attempts of a task in one run of its instance, oldest first; at least one.

    Args:
        task: whose.
        layout: of this run.
        course: of this run.
        now: milliseconds.
        per_run: how many attempts the task makes in a run that goes well.
    """
    first = course.run.number * per_run + 1
    if course.started is None:
        return [_before(task, course, now, first)]
    attempts = layout.get(task.number, ())
    begun = [a for a in attempts if course.settled is not None or course.at(a.waits) <= now]
    found = [_task_run(task, a, course, now, first + i) for i, a in enumerate(begun)]
    return found or [TaskRun(task, first)]


def _before(task: Task, course: Course, now: int, number: int) -> TaskRun:
    """Return a task's run before that of the instance: only the first task waits."""
    if task.upstream or course.status not in _WAITING:
        return TaskRun(task, number)
    for_resources = _past(course, "WaitResource", now) if course.status == "WaitResource" else None
    return TaskRun(task, number, course.status, _past(course, "WaitTime", now), for_resources)


def _task_run(task: Task, attempt: Attempt, course: Course, now: int, number: int) -> TaskRun:
    waits, starts, ends = (course.at(p) for p in (attempt.waits, attempt.starts, attempt.ends))
    is_first, is_last = not task.upstream, attempt.ends == 1
    for_time = _past(course, "WaitTime", starts) if is_first else waits
    for_resources = _past(course, "WaitResource", starts) if is_first else waits
    finished = course.settled if is_last else ends
    if course.settled is None and now < starts:
        return TaskRun(task, number, "WaitResource", for_time, for_resources, ends=ends)
    if finished is None or (course.settled is None and now < finished):
        status = "Checking" if is_last and course.status == "Checking" else "Running"
        return TaskRun(task, number, status, for_time, for_resources, starts, ends=ends)
    status = "Failure" if attempt.fails else "Success"
    return TaskRun(task, number, status, for_time, for_resources, starts, finished, ends)


def _past(course: Course, word: str, limit: int) -> int | None:
    """Return when a state began; None for one that did not, or after `limit`, as a test may have it."""
    began = course.run.begins.get(word)
    return began if began is not None and began <= limit else None


# As the service gives them.

_RESOURCE_GROUP = "S_res_group_1823556600124410_1721000000000"
TASKS_APART = 1000
"""IDs of tasks count from their workflow's or instance's ID times this."""

BIG_LOG_TASK_ID = BIG_LOG_ID * TASKS_APART + 1
"""The task whose log is of 32 MiB."""

_SOURCES = {"ODPS_SQL": "odps_first", "HOLOGRES_SQL": "holo_serving", "DI": "rds_orders"}

# By task instance, of those that the schedule does not let run; of a run that goes well none is frozen.
_RECURRENCES = {FROZEN_ID * TASKS_APART + 7: "Pause", FROZEN_ID * TASKS_APART + 11: "Skip"}
_SET_TO = {"Pause": "Failure", "Skip": "Success"}

# Of these, the task that makes two attempts: the first was killed, or the second set to successful, by hand.
_KILLED_ID, _SET_SUCCESS_ID = BIG_LOG_ID, 10431554021

_KEPT_RUNS = 20  # runs of an instance that are remembered, beside the one under way


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
        self.definitions = tasks_of(self._workflow_id)

    @classmethod
    def of(cls, task_id: int, population: Population, now: datetime) -> "Tasks":
        """Return the tasks of the instance that a task belongs to.

        Raises:
            Refusal: there is no such task.
        """
        instance_id, number = divmod(task_id, TASKS_APART)
        if (instance := population.record(instance_id, now)) is not None:
            found = cls(population, instance, now)
            if 0 < number <= len(found.definitions):
                return found
        raise Refusal("InstanceNotFound", f"The task instance {task_id} does not exist.")

    def current(self, numbers: Iterable[int] | None = None) -> list[Record]:
        """Return each task as it stands, or those of some numbers."""
        wanted = self.definitions if numbers is None else [self.definitions[n - 1] for n in numbers]
        return [self.record(self._runs_in(task, self._course)[-1]) for task in wanted]

    def runs(self, task_id: int) -> list[TaskRun]:
        """Return all runs of a task, oldest first; the last one is as it stands."""
        task = self.definitions[task_id % TASKS_APART - 1]
        ended = self._population.ended(self.instance_id)
        number = self._course.run.number - len(ended)
        run_of = self._population.fleet.run_of
        numbers = range(max(0, number - _KEPT_RUNS), number)
        courses = [past_course(run_of(self.instance_id, earlier)) for earlier in numbers]
        courses += [course_of(each.record, each.run) for each in ended]
        past = [
            task_run
            for course in courses[-_KEPT_RUNS:]
            for task_run in self._runs_in(task, course)
            if task_run.started is not None
        ]
        return past + self._runs_in(task, self._course)

    def record(self, task_run: TaskRun) -> Record:
        """Return a run of a task with the service's names."""
        instance, task = self._instance, task_run.task
        kind, owner = instance.get("Type"), instance.get("Owner")
        times = {
            "CreateTime": instance.get("CreateTime"),
            "WaitingTriggerTime": task_run.waits_for_time,
            "WaitingResourceTime": task_run.waits_for_resources,
            "StartedTime": task_run.started,
            "FinishedTime": task_run.finished,
        }
        passed = [at for at in (*times.values(), task_run.rerun_at) if isinstance(at, int)]
        recurrence = self._recurrence(task, self._course)
        record: Record = {
            "Id": self.instance_id * TASKS_APART + task.number,
            "TaskId": self._workflow_id * TASKS_APART + task.number,
            "TaskName": task.name,
            "TaskType": task.type,
            "Status": task_run.status,
            "RunNumber": task_run.run_number,
            "Owner": owner,
            "CreateUser": owner,
            "ModifyUser": task_run.operator if task_run.operation else owner,
            "Description": "",
            "BaselineId": -1,
            "Priority": (1, 1, 3, 1, 5, 8)[task.number % 6],
            "RerunMode": ("AllAllowed", "FailureAllowed", "AllDenied")[task.number % 3],
            "Timeout": (0, 3600, 7200)[task.number % 3],
            "RuntimeResource": {
                "Cu": "0.25",
                "Image": "dataworks_pyodps_task_pod:prod_202604" if task.type == "PYODPS3" else "",
                "ResourceGroupId": _RESOURCE_GROUP,
            },
            "TriggerRecurrence": recurrence,
            "PeriodNumber": 1,
            "OperationType": task_run.operation or ("Freeze" if recurrence == "Pause" else ""),
            "Bizdate": instance.get("BizDate"),
            "TriggerTime": self._due,
            "ModifyTime": max(passed, default=None),
            **times,
            "ProjectEnv": instance.get("EnvType"),
            "ProjectId": instance.get("ProjectId"),
            "TriggerType": "Scheduler" if kind in {"Normal", "SupplementData"} else "Manual",
            "UnifiedWorkflowInstanceId": instance.get("UnifiedWorkflowInstanceId"),
            "WorkflowId": self._workflow_id,
            "WorkflowInstanceId": self.instance_id,
            "WorkflowInstanceType": kind,
            "WorkflowName": instance.get("Name"),
            "ScriptParameters": f"bizdate={self.day} task={task.name}",
        }
        if task_run.started is not None:
            record["Runtime"] = {
                "ProcessId": f"T3_{task_run.started // 1000 % 10**10:010}",
                "Gateway": f"cn-shanghai-{task.number % 7}.gateway",
            }
        if source := _SOURCES.get(task.type):
            record["DataSource"] = {"Name": source}
        record |= self._population.task_fields
        return {name: value for name, value in record.items() if value is not None}

    @property
    def day(self) -> str:
        """The business date as yyyymmdd."""
        at = int(str(self._instance.get("BizDate", 0))) / 1000
        return f"{datetime.fromtimestamp(at, zone_of(REGION)):%Y%m%d}"

    def _runs_in(self, task: Task, course: Course) -> list[TaskRun]:
        ids = self._workflow_id, self.instance_id
        layout = layout_of(*ids, fails=course.fails)
        per_run = len(layout_of(*ids, fails=False)[task.number])
        found = task_runs(task, layout, course, self._now, per_run)
        status = _SET_TO.get(self._recurrence(task, course))
        if status is not None:
            return [_without_running(found[0], status)]
        begun = min(course.run.begins.values())
        return [
            replace(
                run,
                rerun_at=(run.waits_for_resources if place else begun)
                if run.run_number > 1
                else None,
                by_hand=self._by_hand(run, place, per_run),
            )
            for place, run in enumerate(found)
        ]

    def _by_hand(self, run: TaskRun, place: int, per_run: int) -> str:
        is_first, is_last = place < per_run - 1, 0 < place == per_run - 1
        if self.instance_id == _KILLED_ID and is_first and run.status == "Failure":
            return "Kill"
        is_set = self.instance_id == _SET_SUCCESS_ID and is_last and run.status == "Success"
        return "SetSuccess" if is_set else ""

    def operations(self, task_id: int) -> list[Record]:
        """Return what was done to a task by hand, the latest first."""
        found: list[tuple[int, str, str]] = []
        for run in self.runs(task_id):
            if run.rerun_at is not None:
                found.append((run.rerun_at, "Rerun", run.operator))
            if run.by_hand and run.finished is not None:
                found.append((run.finished, run.by_hand, run.operator))
        (now,) = self.current([task_id % TASKS_APART])
        if now["OperationType"] == "Freeze":
            found.append((int(str(now["CreateTime"])), "Freeze", str(now["Owner"])))
        return [
            {
                "OperationSeq": number,
                "OperationContent": content,
                "User": user,
                "CreateTime": at,
                "TaskInstanceId": task_id,
            }
            for number, (at, content, user) in enumerate(sorted(found), start=1)
        ][::-1]

    def _recurrence(self, task: Task, course: Course) -> str:
        known = _RECURRENCES.get(self.instance_id * TASKS_APART + task.number, "Normal")
        return known if course.fails or known != "Pause" else "Normal"


def _without_running(task_run: TaskRun, status: str) -> TaskRun:
    """Return a run as the schedule sets it to a status as soon as it would wait for resources."""
    due = task_run.waits_for_resources
    if due is None:
        return task_run
    return TaskRun(task_run.task, task_run.run_number, status, finished=due, ends=due)


# What they wait for.

# By workflow, those of its business date that its first task waits for.
_WAITS_FOR = {
    2261034: (2261012,),
    2261040: (2261102,),
    2261077: (2261012, 2261102),
    2261101: (2261102,),
    2261133: (2261012,),
    2261140: (2261040, 2261102),
    2261151: (2261012, 2261034),
    2261171: (3310022, 2261040),
    3310021: (2261012,),
    3310022: (3310021, 2261012),
    3310051: (2261034, 2261040),
    3310060: (3310021,),
    4402033: (2261034, 2261102),
}
_AWAITED_TASKS = {2261040: 4, 3310022: 12}
"""The task of a workflow that others wait for, where that is not the last one."""
_READ_BY_MANY = (2261102, 4402033)
"""A workflow, and one of which a quarter of the tasks waits for it."""


class Edge(NamedTuple):
    """That one task waits for another, which may be of another instance."""

    task_id: int
    awaited_id: int
    type: str = "Normal"


def neighbours(
    task_id: int, direction: Direction, population: Population, now: datetime
) -> list[Record]:
    """Return what a task waits for, or what waits for it, by ID; `StepType` says how.

    Raises:
        Refusal: there is no such task.
    """
    is_up = direction is Direction.UPSTREAM
    instance_id = Tasks.of(task_id, population, now).instance_id
    edges = [*_edges_around(instance_id, population), *map(Edge._make, population.dependencies)]
    ends = [(e.awaited_id, e.task_id, e.type) if is_up else e for e in edges]
    wanted = sorted({(other, kind) for other, one, kind in ends if one == task_id})
    by_instance: dict[int, dict[int, str]] = defaultdict(dict)
    for other, kind in wanted:
        by_instance[other // TASKS_APART][other % TASKS_APART] = kind
    found: list[Record] = []
    for instance_id, kinds in by_instance.items():
        if (instance := population.record(instance_id, now)) is not None:
            tasks = Tasks(population, instance, now).current(kinds)
            found += [_neighbour(t, k) for t, k in zip(tasks, kinds.values(), strict=True)]
    return found


def _edges_around(instance_id: int, population: Population) -> Iterator[Edge]:
    """Yield all edges of an instance and of those that may wait for it."""
    fleet = population.fleet
    planned = fleet.planned(instance_id)
    env_type, days_back = planned.env_type, planned.days_back
    followers = [w for w, awaited in _WAITS_FOR.items() if planned.workflow.id in awaited]
    others = [fleet.instance_of(workflow, env_type, days_back) for workflow in followers]
    others.append(fleet.instance_of(planned.workflow.id, env_type, days_back - 1))
    for each in {instance_id, *(each for each in others if each is not None)}:
        yield from _edges(fleet, each)


def _edges(fleet: Fleet, instance_id: int) -> Iterator[Edge]:
    """Yield what the tasks of an instance wait for."""
    planned = fleet.planned(instance_id)
    own, where = planned.workflow.id, (planned.env_type, planned.days_back)
    tasks, first = tasks_of(own), instance_id * TASKS_APART
    for task in tasks:
        for number in task.upstream:
            yield Edge(first + task.number, first + number)
    if fleet.instance_of(own, *where) != instance_id:
        return

    for workflow in _WAITS_FOR.get(own, ()):
        if (other := _awaited(fleet, planned, workflow, planned.days_back)) is not None:
            awaited = _AWAITED_TASKS.get(workflow) or len(tasks_of(workflow))
            is_read = (workflow, own) == _READ_BY_MANY
            for number in range(4, len(tasks), 4) if is_read else (1,):
                yield Edge(first + number, other * TASKS_APART + awaited)
    if (before := _awaited(fleet, planned, own, planned.days_back + 1)) is not None:
        for number in range(2, len(tasks), 5):
            yield Edge(first + number, before * TASKS_APART + number, "CrossCycle")


def _awaited(
    fleet: Fleet, planned: PlannedInstance, workflow_id: int, days_back: int
) -> int | None:
    """Return the instance of a workflow that another one may wait for without running too early."""
    other = fleet.instance_of(workflow_id, planned.env_type, days_back)
    if other is None or not (planned.life == IDLE or fleet.had_succeeded(other)):
        return None
    return other


_NOT_OF_A_NEIGHBOUR = {
    "OperationType",
    "ProjectEnv",
    "ScriptParameters",
    "UnifiedWorkflowInstanceId",
    "WaitingResourceTime",
    "WaitingTriggerTime",
}


def _neighbour(task: Record, kind: str) -> Record:
    kept = {name: value for name, value in task.items() if name not in _NOT_OF_A_NEIGHBOUR}
    return {**kept, "EnvType": task.get("ProjectEnv"), "StepType": kind}


# Their logs: a log only grows, what was there at one moment begins what is there at the next.

_STEPS = 200  # lines of progress in a long log; a short one has a line a second
_RULE = "=" * 65

# What a failed run ends with.
_ERRORS = (
    "FAILED: ODPS-0130071:[1,45] Semantic analysis exception - column bizdt cannot be resolved",
    "Exit with FAILED.",
    "Shell run failed, exitCode: 1",
)

_KILLED = ("The job was killed by a user", "Exit with KILLED.")

_BULK_SIZE = 32 * 1024 * 1024
_BULK_LINE = (
    "{stamp} INFO M1_job_0 stg0: block ######## part {part:03}: 1048576 records, spilled 0\n"
)
_BULK_PARTS = 350


def log_of(task_run: TaskRun, day: str, now: int) -> str:
    """Return the log of a run at a moment (milliseconds); "" for one that has not started.

    Args:
        task_run: the run.
        day: its business date as yyyymmdd.
        now: milliseconds.
    """
    if task_run.started is None or task_run.task.type == "VIRTUAL":
        return ""
    return "".join(f"{_stamp(at)} {line}\n" for at, line in _lines(task_run, day) if at <= now)


def bulk_log(end: str) -> str:
    """Return a log of 32 MiB, less some KiB, that ends in another one, whose first stamp it has."""
    stamp = end[: len(_stamp(0))]
    block = "".join(_BULK_LINE.format(stamp=stamp, part=part) for part in range(_BULK_PARTS))
    count = _BULK_SIZE // len(block) - 1
    return "".join(block.replace("########", f"{number:08}") for number in range(count)) + end


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, zone_of(REGION)):%Y-%m-%d %H:%M:%S}"


def _lines(task_run: TaskRun, day: str) -> Iterator[tuple[int, str]]:
    task, at, ends = task_run.task, task_run.started or 0, task_run.ends
    job = f"{day}{at % 10**9:09}g{task.number:03}"
    yield at, f"INFO {_RULE}"
    yield at, f"INFO Current node: {task.name} ({task.type}), run number {task_run.run_number}"
    yield at, f"INFO SKYNET_BIZDATE={day} SKYNET_RUNNUMBER={task_run.run_number}"
    yield at, f"INFO {_RULE}"
    yield at, f"INFO Job submitted, ID = {job}, quota default"
    yield at, f"WARN partition dt={day} of {task.name}_tmp is deprecated and ignored"
    steps = max(1, min(_STEPS, (ends - at) // 1000))
    for step in range(1, steps):
        done = step * 64 // steps
        mappers, reducers = min(64, done * 2), max(0, done * 2 - 64) // 2
        then = at + (ends - at) * step // steps
        mapped = f"{64 - mappers}/{mappers}/64[{mappers * 100 // 64}%]"
        reduced = f"{32 - reducers}/{reducers}/32[{reducers * 100 // 32}%]"
        yield then, f"INFO M1_job_0: {mapped} R2_1_job_0: {reduced}"
    if task_run.finished is None:
        return
    has_failed = task_run.status == "Failure" or task_run.by_hand == "SetSuccess"
    errors = _KILLED if task_run.by_hand == "Kill" else _ERRORS
    for line in errors if has_failed else ("OK",):
        yield task_run.finished, f"{'ERROR' if has_failed else 'INFO'} {line}"
    word = "ERROR" if has_failed else "FINISH"
    yield task_run.finished, f"INFO Current task status: {word}"
    yield task_run.finished, f"INFO Cost time is: {(task_run.finished - at) / 1000:.3f}s"
