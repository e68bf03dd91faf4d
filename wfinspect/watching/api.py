"""The seams of the watch: what screens and commands see and request, what it needs of a service.

A screen holds a `poller.Poller`, which gives a `Snapshot` of `Row`s, and takes `Request`s beyond the
polls. `InstanceSource` is a service; `wfinspect.dataworks` fulfils it without knowing it.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import Enum
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from wfinspect.errors import ServiceError
from wfinspect.format import moment
from wfinspect.model import (
    Dependency,
    Direction,
    Family,
    Follow,
    InstanceId,
    InstanceKey,
    OperationLog,
    Page,
    Query,
    Target,
    TaskInstance,
    Transition,
    WorkflowInstance,
    biz_date_of,
    by_attention,
    day_of,
    failed_tasks,
    family_of,
    zone_of,
)
from wfinspect.watching.cadence import is_final

if TYPE_CHECKING:
    from wfinspect.lateness import Deadline, Lateness, Run  # noqa: F401 - in the text of a base class
    from wfinspect.model import Progress
    from wfinspect.report import Incident  # noqa: F401

A = TypeVar("A")

# What is shown.

MAX_NOTE = 1_000
"""Characters of a note."""


class Trouble(NamedTuple):
    """What stands between a row and a good reading."""

    cause: str
    """Two or three words, e.g. ``Throttling.User`` or ``unreachable``."""
    sentence: str
    """What happened, why, what to do."""
    retry_at: datetime | None
    """When the next attempt is due; None where only the user can repair it."""
    exit_code: int = 3
    """That of the error behind it."""

    @classmethod
    def of(cls, error: ServiceError) -> "Trouble":
        """Return what an error says that only the user can repair."""
        return cls(error.cause, str(error), None, error.exit_code)


class Outlook(NamedTuple):
    """How far an instance is, and how that compares with what is usual."""

    progress: "Progress | None" = None
    """Of its tasks, as last read."""
    is_progress_live: bool = False
    """Whether that is recent enough to be shown as the present."""
    lateness: "Lateness | None" = None
    """None where nothing is known of earlier runs."""
    is_late: bool = False
    """By the last reading it runs, and is beyond the usual range."""
    deadline: "Deadline | None" = None
    """What its follow is due by, where it misses that or may miss it."""
    foremost: tuple[TaskInstance, ...] = ()
    """The few of its tasks that need the user first, as read with `progress`."""
    touched: tuple[TaskInstance, ...] = ()
    """The first few to which something may have been done by hand, as read with `progress`."""
    no_tasks: str = ""
    """What came of a request for its tasks where that is not known, in a few words, e.g. ``none``."""

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of those of `foremost` that are frozen."""
        return tuple(t.name_or_id for t in self.foremost if t.is_frozen)


class Row(NamedTuple):
    """One instance: what is stored of it, and what is judged and shown with that.

    Never changed in place: a row that is the same object has not changed.
    """

    key: InstanceKey
    instance: WorkflowInstance | None = None
    """The last good reading; None before the first."""
    read_at: datetime | None = None
    is_watched: bool = False
    is_live: bool = False
    """Whether the reading is recent enough to be shown as the present state; judged, not stored."""
    is_unseen: bool = False
    """A change that the user has not looked at yet."""
    is_gone: bool = False
    """The service no longer knows it; `instance` is what was last known."""
    last_change: Transition | None = None
    trouble: Trouble | None = None
    """Judged, not stored."""
    is_loading: bool = False
    """Requested and not yet answered, with nothing to show meanwhile; judged, not stored."""
    outlook: Outlook = Outlook()
    """Not stored."""
    position: float = 0.0
    """Where it stands in the watched list; smaller comes first."""
    added_at: datetime | None = None
    follow: int = 0
    """The number of the follow that brought it; 0 where the user did."""
    note: str = ""

    @property
    def family(self) -> Family:
        """The family of the last known state; UNKNOWN before the first reading."""
        return family_of(self.instance.status) if self.instance else Family.UNKNOWN

    @property
    def is_final(self) -> bool:
        """Whether no further reading is needed."""
        if self.instance is None or self.read_at is None:
            return False
        return is_final(self.instance, self.read_at)

    @property
    def change_identity(self) -> object:
        """What tells its last change from others; which tasks failed may be recorded with it later."""
        return self.last_change and self.last_change.identity

    @property
    def failed(self) -> tuple[TaskInstance, ...]:
        """The first few tasks that failed in its last failure, as far as they were read."""
        change, one = self.last_change, self.instance
        if change is not None and one is not None and change.to_status == one.status:
            return change.failed
        # A first reading is no change.
        return tuple(failed_tasks(self.outlook.foremost)) if self.family is Family.FAILURE else ()

    @property
    def failed_before(self) -> tuple[TaskInstance, ...]:
        """Those that had failed when it was rerun: of tasks that run again the service lists the latest run."""
        return () if self.family is Family.FAILURE else self.failed

    @property
    def is_late(self) -> bool:
        """Whether it runs longer than usual or may miss its deadline, and that is the present."""
        return self.is_live and bool(self.outlook.deadline or self.outlook.is_late)

    @property
    def lateness(self) -> str:
        """In a word or a few why it counts as late, "" where it does not; a time with its zone."""
        if deadline := self.outlook.deadline:
            return deadline.words()[0]
        return "late" if self.outlook.is_late else ""

    def late_words(self, now: datetime, shown_in: tzinfo) -> tuple[str, ...]:
        """Why it counts as late, the longest wording first, e.g. ``late by 19m``; () if it does not."""
        if not self.is_late:
            return ()
        if deadline := self.outlook.deadline:
            return deadline.words(shown_in)
        by = self.outlook.lateness.late_by(now) if self.outlook.lateness else ""
        return (f"late by {by}", f"late {by}", "late") if by else ("late",)


_READ_AT = Row._fields.index("read_at")


def is_same_but_for_age(one: Row | None, other: Row | None) -> bool:
    """Return whether two rows of an instance differ at most in when they were read."""
    if one is None or other is None:
        return one is other
    # Slices, since `_replace` takes five times as long and a round compares thousands.
    return one[:_READ_AT] == other[:_READ_AT] and one[_READ_AT + 1 :] == other[_READ_AT + 1 :]


def follow_of(row: Row, follows: Iterable[Follow]) -> Follow | None:
    """Return the follow that brought a row, else one that brings such runs, of its workflow alone before others."""
    one, brought_by, target = row.instance, row.follow, row.key.target
    found = [
        each
        for each in follows
        if each.number == brought_by
        or (
            one is not None
            and each.query.workflow_id in {None, one.workflow_id}  # of many follows most end here
            and each.target == target
            and each.query.matches(one)
        )
    ]
    return min(
        found,
        key=lambda each: (each.number != brought_by, not each.query.workflow_id),
        default=None,
    )


def may_come_back(row: Row, follows: Iterable[Follow]) -> bool:
    """Return whether one of the follows may bring a row that is removed; before it was read, each may."""
    if row.instance is None:
        return any(each.target == row.key.target for each in follows)
    return follow_of(row, follows) is not None


_BUCKETS = 512
_NEIGHBOURS = 64  # IDs of one call are often neighbours, and lie in few buckets
_NOTHING: tuple[Mapping[InstanceKey, Row], ...] = ({},) * _BUCKETS


class Rows(Iterable[Row], Sized):
    """Rows by key, in the order of the watched list; never changed.

    What `updated` returns shares all but the buckets of changed rows, so that it and `changes` cost
    by what changed, not by how many rows there are.
    """

    __slots__ = ("buckets",)

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.buckets = _NOTHING
        if rows:
            self.buckets = self.updated({row.key: row for row in rows}).buckets

    def updated(self, rows: Mapping[InstanceKey, Row | None]) -> "Rows":
        """Return these with some rows put in, or taken out where None is given."""
        own: dict[int, dict[InstanceKey, Row]] = {}
        for key, row in rows.items():
            place = _place(key)
            if place not in own:
                own[place] = {**self.buckets[place]}
            if row is None:
                own[place].pop(key, None)
            else:
                own[place][key] = row
        buckets: list[Mapping[InstanceKey, Row]] = [*self.buckets]
        for place, bucket in own.items():
            buckets[place] = bucket
        new = Rows()
        new.buckets = tuple(buckets)
        return new

    def changes(self, before: "Rows") -> Iterator[tuple[Row | None, Row | None]]:
        """Yield the former and the present row of each that differs, None where there is none."""
        for old, new in zip(before.buckets, self.buckets, strict=True):
            if old is not new:
                for key, row in new.items():
                    if (former := old.get(key)) is not row:
                        yield former, row
                for key in old.keys() - new.keys():
                    yield old[key], None

    def get(self, key: InstanceKey) -> Row | None:
        return self.buckets[_place(key)].get(key)

    def __len__(self) -> int:
        return sum(map(len, self.buckets))

    def __iter__(self) -> Iterator[Row]:
        rows = (row for bucket in self.buckets for row in bucket.values())
        return iter(sorted(rows, key=attrgetter("position")))


def _place(key: InstanceKey) -> int:
    return key.id // _NEIGHBOURS % _BUCKETS


def state_since(row: Row) -> float | None:
    """Return when a row entered its state, in seconds since the epoch; None where unknown."""
    instance, change = row.instance, row.last_change
    if instance is None:
        return None
    if change is not None and change.to_status == instance.status:
        return change.at.timestamp()
    family = instance.family
    if family.is_settled:
        given = instance.finished_time or instance.modify_time
    elif family is Family.ACTIVE:
        given = instance.started_time or instance.modify_time
    else:
        given = instance.modify_time or instance.create_time
    return given / 1000 if given else None


class Contact(Enum):
    """Whether what is on the screen is the present."""

    STARTING = "starting"
    """Nothing has been read yet."""
    LIVE = "live"
    NOT_LIVE = "not live"
    PAUSED = "paused"


class Slow(NamedTuple):
    """How far apart readings are where our own limits lengthen the interval; no loss of contact."""

    seconds: float
    """Between two readings of the rows that are read most often."""
    cause: str
    """``budget`` or ``rate``."""

    @property
    def words(self) -> str:
        """For a status line: ``slow: every 80m (budget)``."""
        return f"slow: every {self._every} ({self.cause})"

    @property
    def sentence(self) -> str:
        """What happened, why, what to do."""
        if self.cause == "rate":
            return (
                f"So many groups are watched that each is read every {self._every}: wfinspect makes "
                "2 calls a second at most. Watch fewer, or set a longer --interval."
            )
        return (
            f"The day's budget of calls lets each instance be read every {self._every} only; "
            "--budget sets it."
        )

    @property
    def _every(self) -> str:
        if self.seconds < _FROM_NEXT_UNIT:
            return f"{self.seconds:.0f}s"
        minutes = self.seconds / 60.0
        return f"{minutes:.0f}m" if minutes < _FROM_NEXT_UNIT else f"{minutes / 60.0:.0f}h"


_FROM_NEXT_UNIT = 120.0  # in seconds below two minutes, in minutes below two hours


class Health(NamedTuple):
    """The state of the watch as a whole."""

    contact: Contact = Contact.STARTING
    trouble: Trouble | None = None
    """Why contact is NOT_LIVE, or what is wrong although other rows are live."""
    last_good_at: datetime | None = None
    calls_today: int = 0
    budget: int = 3000
    """Calls a day."""
    interval_seconds: float = 15.0
    slow: Slow | None = None
    """Set where our own budget or rate makes that clearly longer."""
    store_trouble: str = ""
    """A sentence when nothing can be saved."""
    remarks: tuple[str, ...] = ()
    """Short words for the status line, e.g. ``List refused: single calls``."""
    tasks_wait: str = ""
    """Why the tasks of what is on display are not read by themselves for now, in a few words; "" while they are."""


class Notice(NamedTuple):
    """A sentence for the user, shown once."""

    number: int
    """Counts up; a screen shows those above the last it has shown."""
    text: str
    is_error: bool = False
    key: InstanceKey | None = None
    """What a screen shows with it."""


class Alert(NamedTuple):
    """A call for a user who is not looking: one bell, whatever the number of changes behind it."""

    number: int
    """Counts up; a screen rings for one above the last it has rung for."""
    text: str
    """At most 300 characters on one line, safe for a terminal."""


class Snapshot(NamedTuple):
    """Everything a screen shows, at one moment."""

    rows: Rows = Rows()
    """What was looked up and is not watched, then the watched instances in the order they were added."""
    health: Health = Health()
    troubles: Mapping[Target, Trouble] = MappingProxyType({})
    """What keeps targets from being read, where their rows are or will be old for it."""
    transitions: tuple[Transition, ...] = ()
    """The latest changes over all, newest first."""
    history: tuple[Transition, ...] = ()
    """The changes of the instance on display, newest first, as far back as they are stored."""
    notices: tuple[Notice, ...] = ()
    """The latest notices, oldest first."""
    alert: Alert | None = None
    recent_ids: tuple[InstanceId, ...] = ()
    """IDs looked up lately, newest first."""
    follows: tuple[Follow, ...] = ()
    """What is followed, the oldest first."""
    follow_trouble: Trouble | None = None
    """Why the service refuses to be looked at for what is followed; None while it does not."""
    intents_done: int = 0
    """A count; what the poller was told after these is not in the snapshot yet."""

    def history_of(self, row: Row) -> tuple[Transition, ...]:
        """Return what is known of a row's changes, newest first; its last one is among them."""
        found = self.history
        if not found or found[0].key != row.key:
            # Until it is on display: the latest.
            found = tuple(each for each in self.transitions if each.key == row.key)
        last = row.last_change
        # One that another process has recorded as well overlaps it in time. An imported row has
        # one that was never recorded here.
        if last is not None and (not found or found[0].seen_by <= last.seen_after):
            found = (last, *found)
        return found


def equal_but_for_ages(one: Snapshot, other: Snapshot) -> bool:
    """Return whether nothing but ages and counts differs, which wait for the next redraw.

    All else counts, also what is added to a snapshot later: news must not wait for other news.
    """
    return all(
        is_same_but_for_age(*pair) for pair in other.rows.changes(one.rows)
    ) and _without_rows(one) == _without_rows(other)


def _without_rows(snapshot: Snapshot) -> Snapshot:
    health = snapshot.health._replace(last_good_at=None, calls_today=0)
    return snapshot._replace(rows=_NO_ROWS, health=health, intents_done=0)


_NO_ROWS = Rows()


# What is requested beyond the watch.


class Request(Generic[A]):
    """A request that is answered by an `A`; equal ones on their way share one answer."""

    # For all of them: made by `dataclass` for each, this takes 2 ms of every start.
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{(*vars(self).values(),)}"

    @property
    def destination(self) -> Target:
        """The target whose service is called."""
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class _OfInstance(Request[A]):
    key: InstanceKey

    @property
    def destination(self) -> Target:
        return self.key.target


@dataclass(eq=False, repr=False)
class _OfTarget(Request[A]):
    target: Target

    @property
    def destination(self) -> Target:
        return self.target


class InstanceOf(_OfInstance[WorkflowInstance]):
    """An instance, to compare with; no call where it is watched or on display, else one."""


class TasksOf(_OfInstance[Page[TaskInstance]]):
    """All tasks of an instance, in one page; `is_last` is False where there are more than are read.

    Costs a call for 500 tasks, and none for a settled run that was requested before; one more where
    the instance is neither watched nor on display.
    """


@dataclass(eq=False, repr=False)
class RunsOf(_OfInstance[Page[TaskInstance]]):
    """All runs of one task instance of an instance, told apart by `run_number`; one call."""

    task_id: int


FEW_RUNS = 3
"""Tasks of which earlier runs are read to find one that failed."""


def most_rerun(tasks: Iterable[TaskInstance], most: int = FEW_RUNS) -> list[TaskInstance]:
    """Return those tasks, most runs first."""
    return sorted(tasks, key=lambda task: -(task.run_number or 1))[:most]


def recorded(changes: Sequence[Transition]) -> tuple[TaskInstance, ...]:
    """Return the tasks that are recorded of an instance's last failure, of its changes newest first."""
    return changes[0].failed if changes else ()


async def failed_before(
    key: InstanceKey,
    tasks: Sequence[TaskInstance],
    recorded: Sequence[TaskInstance],
    answer: Callable[[RunsOf], Awaitable[Page[TaskInstance] | None]],
    most: int = FEW_RUNS,
) -> tuple[Sequence[TaskInstance], int]:
    """Return the runs that had failed when an instance was rerun, and of how many tasks that was not read.

    Where a task fails now, none are looked for. What is `recorded` of its last failure needs no call, else
    it is a call for each task, first of those with most runs, `most` at most.
    """
    if failed_tasks(tasks):
        return [], 0
    latest = {task.id: task.run_number or 1 for task in tasks}
    # Of a task that ran twice since then, the run between may have failed while no watch saw it.
    if recorded and all(latest.get(t.id, 0) <= (t.run_number or 1) + 1 for t in recorded):
        return recorded, 0
    rerun = [task for task in by_attention(tasks) if (task.run_number or 1) > 1]
    runs, few = list[TaskInstance](), most_rerun(rerun, most)
    for task in few:
        if page := await answer(RunsOf(key, task.id)):
            before = (task.run_number or 1) - 1
            runs += [run for run in page.items if run.run_number == before]
    return failed_tasks(runs), len(rerun) - len(few)


@dataclass(eq=False, repr=False)
class EarlierRuns(_OfInstance["tuple[Run, ...]"]):
    """The runs of an instance's workflow on earlier business dates, newest date first.

    For `lateness.compare`. Costs a call for each date that is not in the store, at most one a day for
    each, until enough runs are known.
    """

    most: int = 10
    """Calls at most; what is known then is the answer."""


@dataclass(eq=False, repr=False)
class OtherRuns(EarlierRuns):
    """Those, and the other runs of its own business date, newest first; 1 call more."""


INCIDENT_CALLS, INCIDENT_LOGS = 9, 20


@dataclass(eq=False, repr=False)
class IncidentOf(_OfInstance["Incident"]):
    """What a report says of an instance; at most INCIDENT_CALLS calls, and one for each failed task, of INCIDENT_LOGS.

    What is kept costs none.

    Only an instance that is not known and can't be read is an error; any other part is left out, with the reason.
    """

    recorded: tuple[TaskInstance, ...] = ()
    """See `Row.failed`."""
    going_on: WorkflowInstance | None = None
    """A run that was just read and is not over: unless one of its tasks has failed, only these are read."""


@dataclass(eq=False, repr=False)
class TaskOf(_OfTarget[TaskInstance]):
    """One task instance with its script and tags; one call."""

    task_id: int
    settled_at: int | None = None
    """The task's ModifyTime where its run is over: then the answer is kept."""


@dataclass(eq=False, repr=False)
class TaskLog(_OfTarget[str]):
    """The whole log of one run, as it came; one call each time, whatever its length."""

    task_id: int
    run_number: int | None = None
    """None is the latest run."""
    settled_at: int | None = None


@dataclass(eq=False, repr=False)
class DependenciesOf(_OfTarget[Page[Dependency]]):
    """A page of what one task waits for, or of what waits for it; one call.

    The tasks come without their JSON.
    """

    task_id: int
    direction: Direction
    page: int = 1


@dataclass(eq=False, repr=False)
class OperationsOf(_OfTarget[tuple[OperationLog, ...]]):
    """What was done to one task by hand on one day, in the service's order; a call for 100 of them."""

    task_id: int
    day_ms: int | None = None
    """Midnight of the day in the region's zone; None is today."""
    settled_at: int | None = None

    @classmethod
    def of(cls, target: Target, task: TaskInstance) -> "OperationsOf | None":
        """Return the request for the day of a task's latest change; None where it needs none."""
        latest = task.modify_time or task.finished_time or task.started_time
        at = moment(latest) if task.may_have_operations else None
        if at is None:
            return None
        day = biz_date_of(day_of(target.region, at), zone_of(target.region))
        return cls(target, task.id, day, latest if task.family.is_settled else None)


@dataclass(eq=False, repr=False)
class Find(_OfTarget[Page[WorkflowInstance]]):
    """A page of the instances that match, newest first; one call."""

    query: Query
    page: int = 1


class Reply(NamedTuple, Generic[A]):
    """An answer and when it was read."""

    value: A
    read_at: datetime
    calls: int = 0
    """How many calls it took; none where it was known."""


Outcome = Reply[A] | ServiceError
Heard = Callable[[Outcome[A]], object]
"""Called on the poller's thread: it must not wait, and a screen has its own thread go on."""


# What the watch needs of a service.


class InstanceSource(Protocol):
    """Read access to the instances of one target. Every failure is a `ServiceError`.

    Each method makes one attempt.
    """

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance: ...

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        """Return up to 100 instances of one workspace and business date.

        What the service does not find is missing from the answer.
        """

    async def find_workflow_instances(
        self, query: Query, *, page: int = 1
    ) -> Page[WorkflowInstance]:
        """Return a page of the instances that match."""

    async def list_task_instances(
        self, instance: WorkflowInstance, *, page: int = 1, task_id: int | None = None
    ) -> Page[TaskInstance]:
        """Return a page of an instance's tasks, or of the runs of one of them."""

    async def get_task_instance(self, task_id: int) -> TaskInstance: ...

    async def get_task_instance_log(self, task_id: int, run_number: int | None = None) -> str:
        """Return the log of one run, the latest without a number."""

    async def list_dependencies(
        self, task_id: int, direction: Direction, *, page: int = 1
    ) -> Page[Dependency]:
        """Return a page of what a task waits for, or of what waits for it."""

    async def list_operation_logs(
        self, task_id: int, day_ms: int | None = None, *, page: int = 1
    ) -> Page[OperationLog]:
        """Return a page of what was done to a task by hand on one day, today without one."""

    def credentials_fingerprint(self) -> str:
        """Return a text that changes when the credentials' source does; cheap, called every second."""

    async def check_credentials(self) -> None:
        """Raise CredentialsMissing or Refused where a call would, without a call."""

    async def aclose(self) -> None:
        """End what is under way and close the connections."""


Connect = Callable[[Target, Callable[[], None]], Awaitable[InstanceSource]]
"""Opens a source for a target; its second argument is called for each request that goes out."""


class Group(NamedTuple):
    """What instances must share for one ListWorkflowInstances to answer for all of them."""

    target: Target
    project_id: int
    env_type: str
    biz_date: int
    """Milliseconds, as the service gave it."""


def group_of(target: Target, instance: WorkflowInstance | None) -> Group | None:
    """Return the group of an instance, None before it was read, or where the service left a field of it out."""
    if instance is None or instance.project_id is None or instance.biz_date is None:
        return None
    if not instance.env_type:
        return None
    return Group(target, instance.project_id, instance.env_type, instance.biz_date)


def with_group(instance: WorkflowInstance, group: Group | None) -> WorkflowInstance:
    """Return an instance with what could not be read of its group, where that is known."""
    if group is None or not instance.unreadable:
        return instance
    known = group._asdict()
    missing = {
        name: known[name]
        for name, _ in instance.unreadable
        if name in {"project_id", "env_type", "biz_date"}
    }
    return replace(instance, **missing) if missing else instance
