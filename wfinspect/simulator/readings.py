"""How far each task of an instance has come, so that it fits what the instance says. Pure."""

from dataclasses import dataclass, replace

from wfinspect.instance import family_of
from wfinspect.simulator.fleet import Record
from wfinspect.simulator.graph import Attempt, Layout, Task
from wfinspect.simulator.life import OUTCOME, Run

_WAITING = {"WaitTime", "CheckingCondition", "WaitResource"}


@dataclass(frozen=True, slots=True)
class Course:
    """A run of an instance as it went or goes; times in milliseconds, None for not yet."""

    run: Run
    status: str
    started: int | None
    ends: int
    """When its tasks are through, but for the last one's check of quality."""
    settled: int | None
    fails: bool

    def at(self, part: float) -> int:
        """The moment when a part of it, 0 to 1, is over."""
        started = self.started or 0
        return started + int(part * (self.ends - started))


@dataclass(frozen=True, slots=True)
class Reading:
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
    is_retried: bool = False
    """Another attempt follows in the same run of the instance."""


def course_of(record: Record, run: Run) -> Course:
    """The course of the run an instance is in; its record may have been changed by a test."""
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


def past_course(run: Run) -> Course:
    """The course of a run that has settled."""
    started = run.begins["Running"]
    status = "Failure" if run.fails else "Success"
    return Course(run, status, started, started + run.working, run.begins[OUTCOME], run.fails)


def readings(task: Task, layout: Layout, course: Course, now: int, per_run: int) -> list[Reading]:
    """The attempts of a task in one run of its instance, oldest first; at least one.

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
    found = [_reading(task, a, course, now, first + i) for i, a in enumerate(begun)]
    retried = [replace(reading, is_retried=True) for reading in found[: len(attempts) - 1]]
    return retried + found[len(retried) :] or [Reading(task, first)]


def _before(task: Task, course: Course, now: int, number: int) -> Reading:
    """Before the run has started only its first task waits."""
    if task.upstream or course.status not in _WAITING:
        return Reading(task, number)
    for_resources = _past(course, "WaitResource", now) if course.status == "WaitResource" else None
    return Reading(task, number, course.status, _past(course, "WaitTime", now), for_resources)


def _reading(task: Task, attempt: Attempt, course: Course, now: int, number: int) -> Reading:
    waits, starts, ends = (course.at(p) for p in (attempt.waits, attempt.starts, attempt.ends))
    is_first, is_last = not task.upstream, attempt.ends == 1
    for_time = _past(course, "WaitTime", starts) if is_first else waits
    for_resources = _past(course, "WaitResource", starts) if is_first else waits
    finished = course.settled if is_last else ends
    if course.settled is None and now < starts:
        return Reading(task, number, "WaitResource", for_time, for_resources, ends=ends)
    if finished is None or (course.settled is None and now < finished):
        status = "Checking" if is_last and course.status == "Checking" else "Running"
        return Reading(task, number, status, for_time, for_resources, starts, ends=ends)
    status = "Failure" if attempt.fails else "Success"
    return Reading(task, number, status, for_time, for_resources, starts, finished, ends)


def _past(course: Course, word: str, limit: int) -> int | None:
    """When a state began; None for one that did not, or after `limit`, as a test may have it."""
    began = course.run.begins.get(word)
    return began if began is not None and began <= limit else None
