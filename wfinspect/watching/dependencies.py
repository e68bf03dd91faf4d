"""What a task waits for and what it holds up: a walk along the dependencies, level by level. Pure.

The service gives the neighbours of one task at a time. Upstream the walk goes through what has not begun, to
what failed, is frozen, runs or waits by itself; downstream through all that has not begun because of the start.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any, NamedTuple

from wfinspect.errors import NotFound, ServiceError
from wfinspect.format import moment, near_time, shown
from wfinspect.model import (
    Dependency,
    Direction,
    Family,
    Follow,
    InstanceId,
    InstanceKey,
    Page,
    Status,
    Target,
    TaskInstance,
    WorkflowInstance,
    by_attention,
    utc_words,
)
from wfinspect.watching.api import (
    DependenciesOf,
    InstanceOf,
    Outcome,
    Reply,
    Request,
    TaskOf,
    TasksOf,
)

CALLS = 10
"""That a search makes at most before the user decides."""
_MOST_PAGES = 20
"""Pages of one task's neighbours: 2,000 of them."""


class Reached(NamedTuple):
    """A task that the walk has come to."""

    task: TaskInstance
    level: int
    """How many dependencies it is away from the start."""
    type: str = ""
    """Of the last of these, as it came: ``Normal`` or ``CrossCycle``."""
    through: tuple[TaskInstance, ...] = ()
    """The tasks between the start and it, the nearest to the start first."""
    is_late: bool = False
    """It runs, and its workflow instance is known to be late."""

    @property
    def path(self) -> str:
        """What lies between, such as ``ads_report: publish, join; dim_sku: publish``; "" for a neighbour."""
        return "; ".join(
            f"{name}: {', '.join(task.name_or_id for task in tasks)}"
            for name, tasks in groupby(self.through, lambda task: task.workflow_name)
        )

    @property
    def word(self) -> str:
        """What its state is called."""
        return f"{self.task.word} late" if self.is_late else self.task.word

    @property
    def since(self) -> int | None:
        """When its state began, in milliseconds; None before it begins, and where that is not known."""
        task = self.task
        if task.family.is_settled:
            return task.finished_time or task.modify_time
        if task.family is Family.WAITING:
            return task.waiting_resource_time or task.waiting_trigger_time or task.modify_time
        return None if task.family is Family.IDLE else task.started_time or task.modify_time


class Dependencies(NamedTuple):
    """What a walk has found so far."""

    direction: Direction
    tasks: tuple[Reached, ...]
    """Upstream what blocks, the gravest first; downstream what has not begun, what is followed first."""
    between: tuple[Reached, ...]
    """Upstream what has not begun between these and the start, by level."""
    unread: int
    """How many tasks have neighbours that were not read yet."""
    read: int
    """How many have neighbours that were read."""
    lost: int
    """How many have neighbours that the service no longer knows."""
    own: Collection[int]
    """The workflow instances that the starts are of."""
    idle: int
    """How many of the starts have not begun."""

    def sentence(self, who: str, *, is_of_tasks: bool = False) -> str:
        """E.g. ``It waits for 1 failed task`` or ``It holds up 9 tasks of 2 workflows``.

        With `is_of_tasks` the starts are the tasks of an instance, which is said of them.
        """
        if self.direction is Direction.DOWNSTREAM:
            return self._held_up(who, self.idle if is_of_tasks else 0)
        behind = f", with {len(self.between):,} in between not begun" if self.between else ""
        if self.unread and not self.tasks:
            return f"What {_lowered(who)} waits for is not known yet{self._looked_at}{behind}."
        counts = Counter((e.word, is_of_tasks and not e.level) for e in self.tasks)
        own, others = list[str](), list[str]()
        for (word, is_own), count in counts.items():
            (own if is_own else others).append(_counted(count, word, is_own=is_own))
        said = []
        if own:
            # All of these are known from the start, so that "at least" is for the others.
            owner = "its" if who == "It" else f"{who}'s"
            said.append(f"Of {owner} own tasks, {', '.join(own)}")
            who = "It"
        if others:
            said.append(f"{who} waits for {self._least}{', '.join(others)}")
        return f"{'. '.join(said) or f'{who} waits for nothing'}{behind}."

    @property
    def _least(self) -> str:
        return "at least " * bool(self.unread)

    @property
    def _looked_at(self) -> str:
        of = _count(self.read + self.unread, "task")
        return f": {self.read:,} of {of} looked at" if self.read else ""

    def _held_up(self, who: str, idle: int) -> str:
        others = [
            each.task for each in self.tasks if each.task.workflow_instance_id not in self.own
        ]
        inside = len(self.tasks) - len(others)
        if not self.tasks and self.unread:
            return f"What waits for {_lowered(who)} is not known yet{self._looked_at}."
        if not self.tasks:
            known = "is known to wait" if self.lost else "waits"
            nothing = "No other workflow" if idle else "Nothing"
            has = "has" if idle == 1 else "have"
            own = f"; {idle:,} of its own tasks {has} not begun" if idle else ""
            return f"{nothing} {known} for {_lowered(who)}{own}."
        workflows = len({task.workflow_instance_id for task in others})
        other = "other workflow" if inside else "workflow"
        parts = [f"{_count(inside, 'task')} of its own run"] if inside else []
        if others:
            of, name = _count(workflows, other), others[0].workflow_name
            if workflows == 1 and name:
                of = f"{of}, {shown(name, limit=60)},"
            parts.append(f"{_count(len(others), 'task')} of {of}{_owners(others)}")
        return f"{who} holds up {self._least}{' and '.join(parts)}."

    @property
    def remark(self) -> str:
        """What keeps it from being all, in a sentence; "" for nothing."""
        lost = _count(self.lost, "task")
        return f"The service no longer knows the dependencies of {lost}." if self.lost else ""


def _lowered(who: str) -> str:
    return "it" if who == "It" else who


def _owners(tasks: Iterable[TaskInstance]) -> str:
    """E.g. `` in workspace 1, owned by 1823 (6), 2069 (3)``; of several the most first, and each counted."""
    owners: defaultdict[int | None, Counter[str]] = defaultdict(Counter)
    for task in tasks:
        owners[task.project_id][task.owner] += 1
    parts = []
    for space, counts in sorted(owners.items(), key=lambda pair: -pair[1].total()):
        named = ", ".join(
            f"{owner or '-'}{f' ({n:,})' if len(counts) > 1 else ''}"
            for owner, n in counts.most_common()
        )
        counted = f"{counts.total():,} " if len(owners) > 1 else ""
        parts.append(f"{counted}in workspace {space or '-'}, owned by {named}")
    return f"{':' if len(owners) > 1 else ''} {'; '.join(parts)}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"


_STATES: Mapping[str, tuple[str, str]] = {
    Status.FAILURE: ("failed {}", "failed"),
    "frozen": ("frozen {}", "is frozen"),
    Status.RUNNING: ("running {}", "is running"),
    f"{Status.RUNNING} late": ("late running {}", "is running late"),
    Status.NOT_RUN: ("{} not begun", "could begin"),
    Status.WAIT_TIME: ("{} waiting for a time", "waits for a time"),
    Status.WAIT_RESOURCE: ("{} waiting for resources", "waits for resources"),
    Status.WAIT_TRIGGER: (
        "{} waiting for a trigger from outside",
        "waits for a trigger from outside",
    ),
    Status.CHECKING_CONDITION: ("{} checking a condition", "checks a condition"),
}
"""What tasks are called, by the word of their state, and what is said of an instance's own one."""


def _counted(number: int, word: str, *, is_own: bool = False) -> str:
    called, does = _STATES.get(word) or (f"{{}} in state {word}", f"is in state {word}")
    if not is_own:
        return f"{number:,} {called.replace('{}', 'task' if number == 1 else 'tasks', 1)}"
    verb, blank, rest = does.partition(" ")
    many = "are" if verb == "is" else verb.removesuffix("s")
    return f"{number:,} {verb if number == 1 else many}{blank}{rest}"


def is_followed(task: TaskInstance, target: Target, follows: Iterable[Follow]) -> bool:
    """Return whether a follow brings the workflow instance of a task, by what the task says of that."""
    instance = WorkflowInstance(
        InstanceId(task.workflow_instance_id or 0),
        task.workflow_name,
        env_type=task.env_type,
        workflow_id=task.workflow_id,
        project_id=task.project_id,
    )
    return any(each.target == target and each.query.matches(instance) for each in follows)


def _never(_: TaskInstance) -> bool:
    return False


class Walk:
    """The tasks that are known, and whose neighbours are read next."""

    def __init__(self, direction: Direction, starts: Iterable[TaskInstance]) -> None:
        self._direction = direction
        self._is_up = direction is Direction.UPSTREAM
        self._tasks = {task.id: task for task in by_attention(starts)}
        self._starts = tuple(self._tasks)
        self._own = {of for t in self._tasks.values() if (of := t.workflow_instance_id)}
        self._neighbours: dict[int, dict[int, str]] = {}
        """Of a task those that were read, with the types of the dependencies."""
        self._pages = Counter[int]()
        """How many pages of its neighbours were read."""
        self._is_whole: set[int] = set()
        self._lost: set[int] = set()
        self._led_to: dict[int, int] = {}
        """What is the neighbour of another, and how many pages were read when that was learned."""
        self._reached = tuple(self._walked())

    def next(self) -> tuple[int, int] | None:
        """Return the task whose neighbours are to be read next, and the page of them; None at the end.

        Upstream what is not a start goes first, by level. Of several starts, which are the tasks of an
        instance, those to which others led go before the rest: what holds up the instance lies behind them.
        Downstream the failed start that began last goes first, and each time what was found last: that is
        mostly a short way out of the instance; tasks of other instances come after its own.
        """
        first = self._first_unread()
        return first and (first.task.id, self._pages[first.task.id] + 1)

    @property
    def is_explained(self) -> bool:
        """Whether something blocks an instance, and only its own tasks are left to which nothing led."""
        first = self._first_unread()
        is_rest = first is not None and self._is_rest(first)
        return self._is_up and is_rest and any(self._blocks(e.task) for e in self._reached)

    def _first_unread(self) -> Reached | None:
        unread = (each for each in self._reached if self._is_unread(each.task))
        return min(unread, key=self._place_up if self._is_up else self._place_down, default=None)

    def _place_up(self, each: Reached) -> tuple[bool, bool]:
        return self._is_rest(each), each.level == 0

    def _place_down(self, each: Reached) -> tuple[bool, bool, int, int]:
        task = each.task
        return (
            self._is_rest(each) and not (task.family is Family.FAILURE or task.is_frozen),
            task.workflow_instance_id not in self._own,
            -self._led_to.get(task.id, 0),
            -(task.started_time or 0),
        )

    def _is_rest(self, each: Reached) -> bool:
        """Return whether it is a start to which nothing led."""
        return each.level == 0 and each.task.id not in self._led_to

    def learn(self, number: int, page: Page[Dependency]) -> None:
        """Take in a page of a task's neighbours."""
        neighbours = self._neighbours.setdefault(number, {})
        for each in page.items:
            # It may have changed since it was read as the neighbour of another.
            self._tasks[each.task.id] = each.task
            neighbours[each.task.id] = each.type
            self._led_to[each.task.id] = self._pages.total() + 1
        self._pages[number] += 1
        if page.is_last or not page.items or self._pages[number] == _MOST_PAGES:
            self._is_whole.add(number)
        self._reached = tuple(self._walked())

    def lose(self, number: int) -> None:
        """Note that the neighbours of a task can't be read."""
        self._lost.add(number)

    def found(
        self,
        is_late: Callable[[TaskInstance], bool] = _never,
        is_followed: Callable[[TaskInstance], bool] = _never,
    ) -> Dependencies:
        """Return what is known by now.

        Args:
            is_late: whether the workflow instance of a task that runs is known to be late.
            is_followed: whether the workflow of a task is followed.
        """
        reached = [
            each._replace(is_late=each.task.family is Family.ACTIVE and is_late(each.task))
            for each in self._reached
        ]
        waiting = [each for each in reached if each.level and self._leads_on(each.task)]
        if self._is_up:
            tasks = _by_gravity(each for each in reached if self._blocks(each.task))
            between = [each for each in waiting if not self._blocks(each.task)]
        else:
            tasks, between = sorted(waiting, key=lambda each: not is_followed(each.task)), []
        return Dependencies(
            self._direction,
            tuple(tasks),
            tuple(between),
            sum(self._is_unread(each.task) for each in reached),
            sum(each.task.id in self._is_whole for each in reached),
            len(self._lost),
            self._own,
            sum(not e.level and e.task.family is Family.IDLE for e in reached),
        )

    def _leads_on(self, task: TaskInstance) -> bool:
        """Return whether the walk goes on to the neighbours of a task."""
        if self._is_up:
            return task.family is Family.IDLE and not task.is_frozen
        is_start = task.id in self._starts
        return task.family is Family.IDLE or (is_start and task.family is not Family.SUCCESS)

    def _blocks(self, task: TaskInstance) -> bool:
        if not self._leads_on(task):
            return task.family is not Family.SUCCESS
        # It has not begun although all that it waits for is done.
        waits_for = (self._tasks[number] for number in self._neighbours.get(task.id, ()))
        is_done = all(each.family is Family.SUCCESS for each in waits_for)
        return task.id in self._is_whole and is_done

    def _is_unread(self, task: TaskInstance) -> bool:
        is_read = task.id in self._is_whole or task.id in self._lost
        return self._leads_on(task) and not is_read

    def _walked(self) -> Iterator[Reached]:
        """Yield what the walk has come to, by level."""
        seen = set(self._starts)
        queue = deque(Reached(self._tasks[number], 0) for number in self._starts)
        while queue:
            yield (at := queue.popleft())
            if not self._leads_on(at.task):
                continue
            through = (*at.through, at.task) if at.level else ()
            for number, kind in self._neighbours.get(at.task.id, {}).items():
                if number not in seen:
                    seen.add(number)
                    queue.append(Reached(self._tasks[number], at.level + 1, kind, through))


def _by_gravity(every: Iterable[Reached]) -> list[Reached]:
    """Put what failed first, then what is late, then all else by attention."""
    known = {each.task.id: each for each in every}
    ordered = [known[task.id] for task in by_attention(each.task for each in known.values())]

    def gravity(each: Reached) -> int:
        is_grave = each.task.is_frozen or each.task.family in {Family.FAILURE, Family.UNKNOWN}
        return 0 if is_grave else 1 if each.is_late else 2

    return sorted(ordered, key=gravity)


_AWAITED: Mapping[str, str] = {
    Status.WAIT_TIME: "its own time",
    Status.WAIT_RESOURCE: "resources",
    Status.WAIT_TRIGGER: "a trigger from outside",
    Status.CHECKING_CONDITION: "the check of a condition",
}


class DependencySearch:
    """A walk as requests to the service: what to send next, and what came of it."""

    def __init__(self, direction: Direction, first: InstanceOf | TaskOf | TasksOf) -> None:
        """Begin with the answer of `first`; a caller that knows it takes that in without a call."""
        self.direction = direction
        self.walk = Walk(direction, ())
        self.name = ""
        """Of the start; "" before it is known."""
        self.basis = ""
        """What was read of an instance, in words."""
        self.calls = 0
        self.known = 0
        """Answers that took no call since they were known: where these count too, a search goes as far each time."""
        self._target = first.destination
        self._start: TaskInstance | None = None
        """What it is about; None before that is known."""
        self._next: Request[Any] | None = first
        self._is_of_tasks = False
        """The walk began at the tasks of an instance."""

    @property
    def request(self) -> Request[Any] | None:
        """What to send next; None at the end."""
        if self._next is None and (at := self.walk.next()) is not None:
            self._next = DependenciesOf(self._target, at[0], self.direction, at[1])
        return self._next

    def next_within(self, most: int, *, is_thorough: bool) -> Request[Any] | None:
        """Return what to send next; None where `most` calls were made, or what blocks is explained.

        Where it `is_thorough` the search goes on beyond that, until it ends.
        """
        may_go_on = self.calls < most and (is_thorough or not self.walk.is_explained)
        return self.request if may_go_on else None

    def is_short(self, most: int) -> bool:
        """Return whether `most` calls lead to its end, as far as that is known: then it goes there."""
        return self.calls + self.walk.found().unread <= most

    def found(
        self,
        is_late: Callable[[TaskInstance], bool] = _never,
        is_followed: Callable[[TaskInstance], bool] = _never,
    ) -> Dependencies:
        """Return what the walk has found, without the start where `sentence` says all of that."""
        found = self.walk.found(is_late, is_followed)
        return found._replace(tasks=()) if self._own_words else found

    def sentence(self, found: Dependencies, who: str, zone: tzinfo, now: datetime) -> str:
        """Say what was found, e.g. ``It waits for 1 failed task`` or ``It waits for its own time``."""
        if self._start is None or not (own := self._own_words):
            return found.sentence(who, is_of_tasks=self._is_of_tasks)
        due = self._start.trigger_time if self._start.status == Status.WAIT_TIME else None
        since = Reached(self._start, 0).since if self._start.family is Family.WAITING else None
        said = [
            f"{word} {near_time(at, now, zone, '%H:%M', '%m-%d %H:%M')}"
            for word, each in ((" since", since), (", due", due))
            if (at := moment(each))
        ]
        own += "".join([*said, f" {utc_words(zone, now)}" if said else ""])
        return f"{who} {own}."

    @property
    def _own_words(self) -> str:
        """What the state of the start alone says; "" where what it waits for is found by a walk."""
        task = self._start
        if task is None or self.direction is Direction.DOWNSTREAM:
            return ""
        if task.is_frozen:
            return "is frozen: it waits for nothing"
        if task.family is Family.WAITING:
            waits = "waits" if Reached(task, 0).since is None else "has been waiting"
            return f"{waits} for {_AWAITED[task.status]}"
        begun = "has begun" if task.family is Family.ACTIVE else ""
        state = "is over" if task.family.is_settled else begun
        return f"{state}: it waits for nothing" if state else ""

    @property
    def spent(self) -> str:
        """What it has cost, and where it began, e.g. ``6 calls, starting from its 28 tasks``; "" for none."""
        calls = _count(self.calls, "call") if self.calls else ""
        return f"{calls}, starting from {self.basis}" if calls and self.basis else calls

    def rest(self, found: Dependencies, *, is_thorough: bool) -> str:
        """Say what was not looked at, and that nothing has to be: how far it was to go, as for `next_within`."""
        why = "Its blockers were found, so " * (self.walk.is_explained and not is_thorough)
        were = "was" if found.unread == 1 else "were"
        return f"{why}{_count(found.unread, 'task')} {were} not looked at"

    def take(self, outcome: Outcome[Any]) -> None:
        """Take in what came of `request`; raise an error after which the same can be sent again."""
        request = self.request
        if isinstance(outcome, ServiceError):
            if not isinstance(outcome, NotFound) or not isinstance(request, DependenciesOf):
                raise outcome
            self.calls, self._next = self.calls + 1, None
            self.walk.lose(request.task_id)
            return
        self.calls, self._next = self.calls + outcome.calls, None
        self.known += isinstance(request, (TasksOf, DependenciesOf)) and not outcome.calls
        value = outcome.value
        match request:
            case InstanceOf() if isinstance(value, WorkflowInstance):
                self._begin_with(value)
            case InstanceOf() | TaskOf():
                self.name, self._start = value.name_or_id, value
                self.walk = Walk(self.direction, (value,))
            case TasksOf():
                self.basis, self._is_of_tasks = f"its {len(value.items):,} tasks", True
                self.walk = Walk(self.direction, value.items)
            case DependenciesOf():
                self.walk.learn(request.task_id, value)
            case _:
                raise TypeError("Nothing was requested.")

    def _begin_with(self, instance: WorkflowInstance) -> None:
        """Begin at all tasks of the instance, or end where its state says what it waits for."""
        self.name = instance.name or str(instance.id)
        whole = TaskInstance(
            instance.id,
            task_name=instance.name,
            status=instance.status,
            owner=instance.owner,
            finished_time=instance.finished_time,
            modify_time=instance.modify_time,
            project_id=instance.project_id,
            workflow_id=instance.workflow_id,
            workflow_instance_id=instance.id,
            workflow_name=instance.name,
        )
        self.walk = Walk(self.direction, (whole,))
        waits = self.direction is Direction.UPSTREAM and instance.family is Family.WAITING
        if waits or instance.family is Family.SUCCESS:
            self._start = whole
        else:
            self._next = TasksOf(InstanceKey(self._target, instance.id))


async def explore(
    search: DependencySearch,
    answer: Callable[[Request[Any]], Awaitable[Reply[Any]]],
    most: int,
    *,
    is_thorough: bool = False,
) -> None:
    """Go on with a search as far as `next_within` allows; to its end where the calls suffice for that.

    Raises:
        ServiceError: a request was not answered; what was found before that stays.
    """
    while True:
        may_end = is_thorough or search.is_short(most)
        if (request := search.next_within(most, is_thorough=may_end)) is None:
            return
        try:
            outcome: Outcome[Any] = await answer(request)
        except NotFound as error:
            outcome = error
        search.take(outcome)
