"""What DataWorks has, in its own words: instances, tasks, states, regions. Knows no JSON, no HTTP, no terminal.

Field names are those of GetWorkflowInstance (2024-05-18) in snake case; the reference is
https://help.aliyun.com/zh/dataworks/developer-reference/api-dataworks-public-2024-05-18-getworkflowinstance
"""

import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum, StrEnum
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Generic, NamedTuple, NewType, Self, TypeVar

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

InstanceId = NewType("InstanceId", int)
"""An instance's ID: 1 to 2**63 - 1."""

MAX_INSTANCE_ID = 2**63 - 1
MAY_BE_OF_TASK = 10**13
"""IDs of instances that were seen have 11 digits; from here on one may be that of a task."""
MAX_IDS = 100
"""IDs that one List may request."""

MAX_STATUS = 100
"""Characters of a status that are read: it is written into each change, compared and counted."""


class Status(StrEnum):
    """The documented states of an instance, and one for all other words."""

    NOT_RUN = "NotRun"
    RUNNING = "Running"
    WAIT_TIME = "WaitTime"
    CHECKING_CONDITION = "CheckingCondition"
    WAIT_RESOURCE = "WaitResource"
    WAIT_TRIGGER = "WaitTrigger"
    FAILURE = "Failure"
    SUCCESS = "Success"
    CHECKING = "Checking"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, _word: object) -> "Status":
        """Return UNKNOWN for any other word."""
        return cls.UNKNOWN


class Family(StrEnum):
    """What a state means to a user; what needs attention most comes first."""

    FAILURE = "failure"
    UNKNOWN = "unknown"
    ACTIVE = "active"
    WAITING = "waiting"
    IDLE = "idle"
    SUCCESS = "success"

    @property
    def is_settled(self) -> bool:
        """Whether the run is over. Not for ever: a rerun starts it again."""
        return self in _SETTLED


_SETTLED = frozenset({Family.SUCCESS, Family.FAILURE})
_FAMILIES: dict[str, Family] = {
    Status.NOT_RUN: Family.IDLE,
    Status.WAIT_TIME: Family.WAITING,
    Status.WAIT_RESOURCE: Family.WAITING,
    Status.WAIT_TRIGGER: Family.WAITING,
    Status.CHECKING_CONDITION: Family.WAITING,
    Status.RUNNING: Family.ACTIVE,
    Status.CHECKING: Family.ACTIVE,
    Status.SUCCESS: Family.SUCCESS,
    Status.FAILURE: Family.FAILURE,
    Status.UNKNOWN: Family.UNKNOWN,
}


def family_of(word: str) -> Family:
    """Return the family of a status as the service wrote it."""
    return _FAMILIES.get(word) or Family.UNKNOWN


class Tag(NamedTuple):
    """A tag of an instance; both parts as they came."""

    key: str
    value: str

    @property
    def words(self) -> str:
        """As it is read: a tag without a value is its key."""
        return f"{self.key}:{self.value}" if self.value else self.key


class Unreadable(NamedTuple):
    """A field that the service sent in a form that can't be read."""

    name: str
    """As the attribute that is left empty for it."""
    json: str


@dataclass(frozen=True, slots=True, weakref_slot=True)
class WorkflowInstance:
    """One reading of an instance: the 19 fields of the service, nothing derived.

    Times are milliseconds since the epoch; absent, null, 0 and negative all mean "not yet" and are
    None. Text is kept as it came. A field the service left out is None, or "" for text; so is one
    that can't be read, which `unreadable` holds. Only an ID and a status are always there.
    """

    id: InstanceId
    name: str = ""
    status: str = ""
    """The word as it came; `family` and `Status` interpret it."""
    type: str = ""
    env_type: str = ""
    workflow_id: int | None = None
    workflow_task_instance_id: int | None = None
    unified_workflow_instance_id: int | None = None
    project_id: int | None = None
    biz_date: int | None = None
    """Milliseconds; midnight of the business date in the region's scheduling zone."""
    started_time: int | None = None
    finished_time: int | None = None
    create_time: int | None = None
    modify_time: int | None = None
    owner: str = ""
    create_user: str = ""
    modify_user: str = ""
    workflow_parameters: str = ""
    """The raw text; `parsing.parse_parameters` reads it."""
    tags: tuple[Tag, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    """Names of fields in the answer that are not among the documented 19."""
    unreadable: tuple[Unreadable, ...] = ()
    """Where it names `project_id`, `biz_date` or `env_type`, that may hold what was known before."""
    packed: bytes = field(default=b"", compare=False, repr=False)
    """`raw`, as `pack` makes it: seldom needed, and held of thousands."""

    @property
    def raw(self) -> str:
        """The JSON object exactly as it came."""
        return unpack(self.packed)

    @property
    def family(self) -> Family:
        """What the state means to a user."""
        return family_of(self.status)

    @property
    def is_settled(self) -> bool:
        """Whether the run is over (Success or Failure)."""
        return self.family.is_settled

    def is_older(self, modify_time: int | None) -> bool:
        """Return whether it is of an earlier time than what is known, as from a lagging replica.

        `modify_time` is the latest that could be read of this instance, None before that.
        """
        if self.modify_time is None or modify_time is None:
            return False
        return self.modify_time < modify_time

    def run_seconds(self, now: datetime) -> float | None:
        """Return how long the run took, or has taken so far; negative where its times make no sense.

        None before it started, and for one that is over at a time the service does not give.
        """
        end = self.finished_time if self.is_settled else now.timestamp() * 1000
        if self.started_time is None or end is None:
            return None
        return (end - self.started_time) / 1000


def pack(raw: str) -> bytes:
    """Compress the JSON of an instance; within a process, equal texts become equal bytes."""
    if not raw:
        return b""
    data = raw.encode("utf-8", "surrogatepass")
    if not _examples:
        _examples.append(data[:_EXAMPLE])
    compressor = zlib.compressobj(wbits=_WINDOW, memLevel=5, zdict=_examples[0])
    return compressor.compress(data) + compressor.flush()


def unpack(packed: bytes) -> str:
    """Return the text that `pack` was given."""
    if not packed:
        return ""
    decompressor = zlib.decompressobj(wbits=_WINDOW, zdict=_examples[0])
    return decompressor.decompress(packed).decode("utf-8", "surrogatepass")


_WINDOW = -12
_EXAMPLE = 2_000
_examples: list[bytes] = []
"""The first text of the process: most of any other stands in it, so that a fifth of that is left."""


SHARED = (
    "status",
    "type",
    "env_type",
    "owner",
    "create_user",
    "modify_user",
    "workflow_parameters",
)
"""Texts of which thousands of instances say the same: they are held once."""
SHARED_VALUES = ("project_id", "biz_date", "unified_workflow_instance_id", "tags")
"""Other values of which that is true; see `shared`."""


@lru_cache(maxsize=512, typed=True)
def shared(value: object) -> object:
    """Return the value that was there before, where it is equal."""
    return value


class FieldKind(StrEnum):
    """What a field holds: it decides how the value is shown, exported and searched."""

    TEXT = "text"
    NUMBER = "number"
    STATUS = "status"
    TIME = "time"
    """Milliseconds since the epoch."""
    DATE = "date"
    """Milliseconds at midnight in the region's scheduling zone."""
    PARAMETERS = "parameters"
    TAGS = "tags"


class FieldGroup(StrEnum):
    """What a field says of an instance; the detail shows the fields of a group together."""

    WHAT = "what"
    WHEN = "when"
    WHERE = "where"
    WHO = "who"
    PAIRS = "pairs"
    """Keys and values, which have panes of their own."""


class InstanceField(NamedTuple):
    """A field of the service, as the detail, tables, CSV, export, comparison and search know it."""

    attribute: str
    """Of `WorkflowInstance`."""
    label: str
    group: FieldGroup
    kind: FieldKind
    search: str = ""
    """What it is called in a search, before ``=``; "" where it can't be searched for."""
    is_of_run: bool = False
    """Whether it differs between any two runs of a workflow, so that a difference says nothing."""

    @property
    def service_name(self) -> str:
        """The service's name of it, e.g. ``BizDate``."""
        return service_name(self.attribute)


def service_name(attribute: str) -> str:
    """Return the service's name of an attribute: ``biz_date`` is ``BizDate``."""
    return "".join(part.capitalize() for part in attribute.split("_"))


# fmt: off
FIELDS: tuple[InstanceField, ...] = (
    InstanceField("id", "ID", FieldGroup.WHAT, FieldKind.NUMBER, is_of_run=True),
    InstanceField("name", "Name", FieldGroup.WHAT, FieldKind.TEXT, "name"),
    InstanceField("status", "Status", FieldGroup.WHAT, FieldKind.STATUS, "status"),
    InstanceField("type", "Type", FieldGroup.WHAT, FieldKind.TEXT, "type"),
    InstanceField("env_type", "Environment", FieldGroup.WHAT, FieldKind.TEXT, "env"),
    InstanceField("biz_date", "Business date", FieldGroup.WHAT, FieldKind.DATE, "date", is_of_run=True),
    InstanceField("started_time", "Started", FieldGroup.WHEN, FieldKind.TIME, is_of_run=True),
    InstanceField("finished_time", "Finished", FieldGroup.WHEN, FieldKind.TIME, is_of_run=True),
    InstanceField("create_time", "Created", FieldGroup.WHEN, FieldKind.TIME, is_of_run=True),
    InstanceField("modify_time", "Modified", FieldGroup.WHEN, FieldKind.TIME, is_of_run=True),
    InstanceField("project_id", "Workspace", FieldGroup.WHERE, FieldKind.NUMBER, "workspace"),
    InstanceField("workflow_id", "Workflow", FieldGroup.WHERE, FieldKind.NUMBER, "workflow"),
    InstanceField("workflow_task_instance_id", "Task instance", FieldGroup.WHERE, FieldKind.NUMBER, is_of_run=True),
    InstanceField("unified_workflow_instance_id", "Trigger ID", FieldGroup.WHERE, FieldKind.NUMBER, "trigger", is_of_run=True),
    InstanceField("owner", "Owner", FieldGroup.WHO, FieldKind.TEXT, "owner"),
    InstanceField("create_user", "Created by", FieldGroup.WHO, FieldKind.TEXT),
    InstanceField("modify_user", "Modified by", FieldGroup.WHO, FieldKind.TEXT),
    InstanceField("workflow_parameters", "Parameters", FieldGroup.PAIRS, FieldKind.PARAMETERS),
    InstanceField("tags", "Tags", FieldGroup.PAIRS, FieldKind.TAGS, "tag"),
)
"""The service's 19 fields, in the order in which they are shown. A new one is a line here, and an
attribute of `WorkflowInstance`, whose type says how it is decoded."""
# fmt: on

_AS_DECLARED = {each.name: place for place, each in enumerate(fields(WorkflowInstance))}

FIELDS_AS_SENT = tuple(sorted(FIELDS, key=lambda each: _AS_DECLARED[each.attribute]))
"""The same in the order of the service's answer: that of a CSV file's columns and of `get`."""


Account = tuple[str, str]
"""A profile and a region: calls are counted for each."""


class Target(NamedTuple):
    """Where an instance is read: two accounts or two regions never mix, nor does a simulator."""

    profile: str
    """Name of the CLI profile, ``(env)`` for keys from the environment."""
    region: str
    endpoint: str
    """Host for https; a whole ``http://127.0.0.1:port`` URL for a loopback service."""

    @property
    def account(self) -> Account:
        """Profile and region."""
        return self.profile, self.region


class InstanceKey(NamedTuple):
    """An instance's whole identity."""

    target: Target
    id: InstanceId


FOREMOST = 6
"""So many tasks of an instance are kept; of the others, that they are there."""


class Transition(NamedTuple):
    """A change of status between two good readings."""

    key: InstanceKey
    name: str
    from_status: str
    to_status: str
    at: datetime
    """The service's own time of the change where it is more exact than the readings, else the
    second reading's."""
    seen_after: datetime
    """The last good reading that still gave from_status."""
    seen_by: datetime
    """The first good reading that gave to_status."""
    is_service_time: bool = False
    is_rerun: bool = False
    """A settled run was followed by a new one."""
    event: str = ""
    """What is the same in each process that saw this change: run and new state."""
    failed: "tuple[TaskInstance, ...]" = ()
    """Of a failure its tasks that failed, FOREMOST of them and as far as they were read; of the changes in a
    rerun those from before it."""

    @property
    def identity(self) -> tuple[InstanceKey, object]:
        """What tells it from others, also where another process saw it, or has read more of it."""
        return self.key, self.event or self.at

    @property
    def family(self) -> Family:
        """The family of the new state."""
        return family_of(self.to_status)

    @property
    def causes(self) -> "tuple[TaskInstance, ...]":
        """The tasks that failed, of a failure."""
        return self.failed if self.family is Family.FAILURE else ()


_URGENCY = {family: place for place, family in enumerate(Family)}
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
_AFTER_FAILURES = _URGENCY[Family.FAILURE] + 0.5
_NEVER = 1 << 63


class TaskInstance(NamedTuple):
    """One reading of a task's run.

    As for a workflow instance: times are milliseconds and None while there is nothing, text is "".
    Only `raw` holds Inputs, Outputs, DataSource and what else is within RuntimeResource.
    """

    id: int
    task_id: int | None = None
    task_name: str = ""
    task_type: str = ""
    status: str = ""
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
    workflow_instance_id: int | None = None
    workflow_id: int | None = None
    workflow_name: str = ""
    project_id: int | None = None
    biz_date: int | None = None
    env_type: str = ""
    unknown_fields: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    # As a data class it would take 2 ms of every start.
    raw: str = ""

    @property
    def family(self) -> Family:
        """What the state means to a user."""
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
    def may_have_operations(self) -> bool:
        """Whether something may have been done to it by hand: it failed, ran again, or says so."""
        is_rerun = (self.run_number or 1) > 1
        return self.family is Family.FAILURE or is_rerun or bool(self.operation_type)

    @property
    def name_or_id(self) -> str:
        """Its name; its ID where it has none."""
        return self.task_name or str(self.id)

    @property
    def is_idle(self) -> bool:
        """Whether its state was set by the schedule, without a run."""
        return self.is_frozen or self.is_dry_run

    @property
    def word(self) -> str:
        """What its state is called: the service's word, unless it did not really run."""
        if self.is_frozen:
            return "frozen"
        return "dry run" if self.is_dry_run else self.status


class Direction(Enum):
    """Which way to go in a graph of tasks; the value is the service's word for it."""

    UPSTREAM = "Upstream"
    """What a task waits for."""
    DOWNSTREAM = "Downstream"
    """What waits for it."""


class Dependency(NamedTuple):
    """A neighbour of a task, and how one of the two depends on the other."""

    task: TaskInstance
    type: str
    """``Normal``, ``CrossCycle`` for a run of another business date, or another word as it came."""


class OperationLog(NamedTuple):
    """Something done to a task by hand; what can't be read is None or ""."""

    task_id: int | None
    content: str
    """What was done, in the service's words."""
    user: str
    """An account ID."""
    create_time: int | None
    sequence: int | None


class Spans(NamedTuple):
    """How a run's time was spent, in seconds; None for what has not begun or was not recorded."""

    for_time: float | None
    """Waiting for the scheduled time."""
    for_resources: float | None
    running: float | None


def spans(task: TaskInstance, now_ms: float) -> Spans:
    """Return the phases of a run; the one that goes on ends at `now_ms`, milliseconds since the epoch."""
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
    """Return tasks with what needs attention first; within a state the one that began first.

    A frozen task holds up others, but nothing is wrong with it: it follows those that failed.
    """
    return sorted(
        tasks,
        key=lambda t: (
            _AFTER_FAILURES if t.is_frozen else _URGENCY[t.family],
            t.started_time or t.waiting_resource_time or t.trigger_time or _NEVER,
            t.id,
        ),
    )


def failed_tasks(tasks: Iterable[TaskInstance]) -> list[TaskInstance]:
    """Return the tasks that failed by themselves, not those that are frozen; the first to begin comes first."""
    return [t for t in by_attention(tasks) if t.family is Family.FAILURE and not t.is_frozen]


def slowest_chain(tasks: Iterable[TaskInstance], now_ms: float) -> list[TaskInstance]:
    """Return the tasks that one after the other led to the end of what has run, in their order.

    The service's list does not say which task waits for which. Of those that ended just before a
    task began to wait for resources, the last is taken to be the one it waited for; it is the
    critical path where that is so.
    """
    ran: list[tuple[float, int, int, TaskInstance]] = []
    for task in tasks:
        end = task.finished_time or (0 if task.family.is_settled else now_ms)
        if task.started_time and end >= task.started_time and not task.is_idle:
            # Of those that ended together the one that ran longest.
            ran.append((end, -task.started_time, -task.id, task))
    ran.sort(key=lambda each: each[:3])
    ends = [each[0] for each in ran]
    chain: list[TaskInstance] = []
    place, began = len(ran) - 1, inf
    while place >= 0 and (began == inf or ends[place] >= began - _SCHEDULING_MS):
        chain.append(task := ran[place][3])
        began = task.waiting_resource_time or task.started_time or 0
        place = min(place, bisect_right(ends, began + _SAME_MS)) - 1
    return chain[::-1]


_SCHEDULING_MS = 10_000
"""How long after the end of one task the next is begun at the latest."""
_SAME_MS = 1_000


class Progress(NamedTuple):
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
        dry_runs = "dry runs" if self.dry_runs > 1 else "dry run"
        words = {"failed": self.failed, "running": self.running, "frozen": self.frozen}
        some = [f"{n} {word}" for word, n in (words | {dry_runs: self.dry_runs}).items() if n]
        return ", ".join([f"{self.done}/{self.total} done", *some])


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
    """Return a span; None where a time is missing or they run backwards, as after a rerun."""
    if begin is None or end is None or end < begin:
        return None
    return (end - begin) / 1000


T = TypeVar("T")


class Query(NamedTuple):
    """The filters of ListWorkflowInstances, all of which have to match; "" and None match any."""

    project_id: int
    biz_date: int
    """Milliseconds; midnight of the business date in the region's scheduling zone."""
    name: str = ""
    """A part of the name."""
    status: str = ""
    type: str = ""
    owner: str = ""
    """An account ID."""
    env_type: str = ""
    tags: tuple[Tag | str, ...] = ()
    """Any one of them is enough; text is a key with any value."""
    workflow_id: int | None = None
    unified_workflow_instance_id: int | None = None
    """That of one trigger."""

    def with_tags(self, tags: Iterable[Tag | str]) -> Self:
        """Return it with some tags, each once and in one order, however they were typed."""
        ordered = sorted({*tags}, key=lambda tag: (tag,) if isinstance(tag, str) else tag)
        return self._replace(tags=tuple(ordered))

    def matches(self, instance: WorkflowInstance) -> bool:
        """Return whether an instance passes all filters but the date, by the service's own rules."""
        given = ((name, getattr(self, name)) for name in FILTERS.values() if name != "name")
        return (
            all(getattr(instance, name) == value for name, value in given if value)
            and self.name in instance.name
            and (not self.tags or any({tag, tag.key} & {*self.tags} for tag in instance.tags))
        )

    def words(self) -> str:
        """Return the filters as they are typed, such as ``workspace=88123 workflow=2261034``."""
        others = ((word, getattr(self, name)) for word, name in FILTERS.items())
        given = (("workspace", self.project_id), *((w, v) for w, v in others if w != "project"))
        tags = [f"tag={tag if isinstance(tag, str) else ':'.join(tag)}" for tag in self.tags]
        return " ".join([*(f"{word}={value}" for word, value in given if value), *tags])

    @property
    def is_whole_workspace(self) -> bool:
        """Whether there is no filter besides workspace and date."""
        return not any(self[2:])


FILTERS = {
    "project": "project_id",
    "workflow": "workflow_id",
    "name": "name",
    "owner": "owner",
    "status": "status",
    "type": "type",
    "env": "env_type",
    "trigger": "unified_workflow_instance_id",
}
"""Attributes of a `Query`, but for date and tags, by the words that users type for them."""


class Follow(NamedTuple):
    """A query whose instances join the watched list by themselves, on each business date."""

    number: int
    """Names it for the user; the store gives it."""
    target: Target
    query: Query
    """Its `biz_date` is 0."""
    added_at: datetime
    keep_days: float = 3.0
    """How long after its end a run stays on the list that needs no one."""
    due: str = ""
    """``HH:MM`` in the region's zone, on the day after the business date; "" is no deadline."""
    name: str = ""
    """That of a run of the workflow, as it was when this was added; "" where none was known."""

    def due_at(self, biz_date: datetime) -> datetime:
        """Return by when a run of a business date is due, in the region's zone."""
        day = day_of(self.target.region, biz_date) + timedelta(days=1)
        return datetime.combine(day, time.fromisoformat(self.due), zone_of(self.target.region))


def biz_date_of(day: date, zone: tzinfo) -> int:
    """Return a business date as `Query` wants it."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


class Page(NamedTuple, Generic[T]):
    """A part of a longer answer."""

    items: tuple[T, ...]
    """Those that could be read, in the service's order."""
    number: int
    """From 1."""
    total: int | None
    """Over all pages; None where the service does not say."""
    is_last: bool


answered: ContextVar[list[tuple[str, str]] | None] = ContextVar("answered", default=None)
"""Where the operation and RequestId of each answer are noted, also of one that refuses; None notes nothing."""


# The endpoint page of the 2024-05-18 API and the endpoint map of the official SDK 9.11.0 have the regions.
# The zones are their local ones: the API does not return a scheduling zone that was switched.
_CHINA = "Asia/Shanghai"

_IN_CHINA = (
    "cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-beijing", "cn-zhangjiakou", "cn-wulanchabu",
    "cn-chengdu", "cn-qingdao", "cn-huhehaote", "cn-hangzhou-finance", "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1", "cn-beijing-finance-1", "cn-north-2-gov-1",
)  # fmt: skip

_ZONES = dict.fromkeys(_IN_CHINA, _CHINA) | {
    "cn-hongkong": "Asia/Hong_Kong",
    "ap-southeast-1": "Asia/Singapore",
    "ap-southeast-3": "Asia/Kuala_Lumpur",
    "ap-southeast-5": "Asia/Jakarta",
    "ap-southeast-7": "Asia/Bangkok",
    "ap-northeast-1": "Asia/Tokyo",
    "ap-northeast-2": "Asia/Seoul",
    "us-west-1": "America/Los_Angeles",
    "us-east-1": "America/New_York",
    "eu-central-1": "Europe/Berlin",
    "eu-west-1": "Europe/London",
    "me-east-1": "Asia/Dubai",
    "me-central-1": "Asia/Riyadh",
}

REGIONS = tuple(_ZONES)


def day_of(region: str, at: datetime) -> date:
    """Return the day a call counts for: it begins at midnight in the region."""
    return at.astimezone(zone_of(region)).date()


def day_ends_at(region: str, at: datetime) -> datetime:
    """Return the midnight that follows `at` in a region: then the service counts calls from 0 again."""
    zone = zone_of(region)
    tomorrow = day_of(region, at) + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)


def zone_of(region: str) -> "ZoneInfo":
    """Return the zone a region's schedules and days run in; China's for a region not in the table."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 3 ms of the first paint, which needs no zone

    return ZoneInfo(_ZONES.get(region, _CHINA))


def zone_words(region: str, at: datetime) -> str:
    """Return a region's zone and how far it is ahead of UTC at a time: ``Asia/Shanghai, UTC+8``."""
    return f"{zone_of(region).key}, {utc_words(zone_of(region), at)}"


def zone_behind(at: datetime, shown_in: tzinfo | None = None) -> str:
    """Return what stands behind a time of a region: `` UTC+8``; "" where other times are shown in a zone like it."""
    words = utc_words(at.tzinfo or UTC, at)
    return "" if shown_in is not None and words == utc_words(shown_in, at) else f" {words}"


def utc_words(zone: tzinfo, at: datetime) -> str:
    """Return how far a zone is ahead of UTC at a time: ``UTC``, ``UTC+8``, ``UTC-3:30``."""
    ahead = int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds()) // 60
    hours, minutes = divmod(abs(ahead), 60)
    if not ahead:
        return "UTC"
    return f"UTC{'-' if ahead < 0 else '+'}{hours}{f':{minutes:02}' if minutes else ''}"
