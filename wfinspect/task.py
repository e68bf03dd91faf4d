"""A task of a workflow instance, in the service's words, and what follows from it. Pure.

Field names are those of ListTaskInstances and GetTaskInstance (2024-05-18) in snake case.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from wfinspect.instance import Family, Tag, Unreadable, family_of

_FAMILIES = tuple(Family)
_FROZEN = frozenset({"Pause", "PauseCalendar"})
_DRY_RUN = frozenset(
    {
        "Skip",
        "SkipUnchoose",
        "SkipCycle",
        "SkipCalendar",
        "ConditionUnchoose",
        "RealtimeDeprecated",
    }
)
_AFTER_FAILURES = _FAMILIES.index(Family.FAILURE) + 0.5
_NEVER = 1 << 63


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One reading of a task's run.

    As for a workflow instance: times are milliseconds and None while there is nothing, text is "".
    Only `raw` holds Inputs, Outputs, DataSource, what else is within RuntimeResource, and what the
    instance says of itself: its workflow, workspace and business date.
    """

    id: int
    task_id: int | None = None
    task_name: str = ""
    task_type: str = ""
    """E.g. ``ODPS_SQL``."""
    status: str = ""
    """The word as it came."""
    run_number: int | None = None
    """From 1; a rerun counts it up."""
    started_time: int | None = None
    finished_time: int | None = None
    trigger_time: int | None = None
    """When it is due."""
    waiting_trigger_time: int | None = None
    """When it began to wait for that."""
    waiting_resource_time: int | None = None
    """When it began to wait for resources."""
    create_time: int | None = None
    modify_time: int | None = None
    baseline_id: int | None = None
    priority: int | None = None
    period_number: int | None = None
    timeout: int | None = None
    """Seconds."""
    owner: str = ""
    create_user: str = ""
    modify_user: str = ""
    description: str = ""
    operation_type: str = ""
    rerun_mode: str = ""
    trigger_type: str = ""
    trigger_recurrence: str = ""
    """Normal, or why it does not really run: see `is_frozen` and `is_dry_run`."""
    process_id: str = ""
    gateway: str = ""
    resource_group_id: str = ""
    script_parameters: str = ""
    script_content: str = ""
    """Only GetTaskInstance gives it, and `tags`."""
    tags: tuple[Tag, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    raw: str = field(default="", compare=False, repr=False)
    """The JSON object exactly as it came."""

    @property
    def family(self) -> Family:
        """What the state means to somebody who watches."""
        return family_of(self.status)

    @property
    def is_frozen(self) -> bool:
        """Whether it is or will be set to failed without running, as the schedule has it.

        Not where it runs all the same, or was set to successful by hand.
        """
        return self.trigger_recurrence in _FROZEN and self.family in {
            Family.FAILURE,
            Family.IDLE,
            Family.WAITING,
        }

    @property
    def is_dry_run(self) -> bool:
        """Whether it was set to successful without running."""
        return self.trigger_recurrence in _DRY_RUN and self.family is Family.SUCCESS

    @property
    def word(self) -> str:
        """What its state is called: the service's word where it tells all."""
        if self.is_frozen:
            return "frozen"
        return "dry run" if self.is_dry_run else self.status


@dataclass(frozen=True, slots=True)
class Spans:
    """How a run's time was spent, in seconds; None for what has not begun or was not recorded."""

    for_time: float | None
    """Waiting for the scheduled time."""
    for_resources: float | None
    running: float | None


def spans(task: TaskInstance, now_ms: float) -> Spans:
    """The phases of a run; the one that goes on ends at `now_ms`, milliseconds since the epoch."""
    open_end = None if task.family.is_settled else now_ms
    started, over = task.started_time, task.finished_time or open_end
    # A run that failed while it waited was never started: its end is that of the wait.
    waited = started or over
    by_time = task.waiting_resource_time or waited
    return Spans(
        _seconds(task.waiting_trigger_time, by_time),
        _seconds(task.waiting_resource_time, waited),
        _seconds(started, over),
    )


def by_attention(tasks: Iterable[TaskInstance]) -> list[TaskInstance]:
    """Tasks with what needs somebody first; within a state the one that began first.

    A frozen task holds up others, but nothing is wrong with it: it follows those that failed.
    """
    return sorted(
        tasks,
        key=lambda t: (
            _AFTER_FAILURES if t.is_frozen else _FAMILIES.index(t.family),
            t.started_time or t.waiting_resource_time or t.trigger_time or _NEVER,
            t.id,
        ),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of an instance's tasks are where."""

    done: int
    failed: int
    running: int
    total: int
    frozen: int = 0
    """Not among those that failed."""
    dry_runs: int = 0
    """Among those that are done."""

    def __str__(self) -> str:
        parts = [f"{self.done}/{self.total} done"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.running} running"] if self.running else []
        parts += [f"{self.frozen} frozen"] if self.frozen else []
        if self.dry_runs:
            parts.append(f"{self.dry_runs} dry run{'s' if self.dry_runs > 1 else ''}")
        return ", ".join(parts)


def progress(tasks: Iterable[TaskInstance]) -> Progress:
    """Count an instance's tasks."""
    every = list(tasks)
    counts = Counter(task.family for task in every if not task.is_frozen)
    return Progress(
        counts[Family.SUCCESS],
        counts[Family.FAILURE],
        counts[Family.ACTIVE],
        len(every),
        len(every) - counts.total(),
        sum(task.is_dry_run for task in every),
    )


def _seconds(begin: int | None, end: float | None) -> float | None:
    """A span; None where a time is missing or they run backwards, as after a rerun."""
    if begin is None or end is None or end < begin:
        return None
    return (end - begin) / 1000
