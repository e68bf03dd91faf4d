"""What the user requests beyond polls: its calls, the answers that stay true, and earlier runs.

Requests go before polls, but leave every other call to them. Equal ones on their way share an answer.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from wfinspect.clock import Clock, Moment
from wfinspect.errors import (
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    Throttled,
    Unreachable,
)
from wfinspect.format import LOG_END
from wfinspect.format import moment as moment_of
from wfinspect.lateness import Run, last_success, newest_first
from wfinspect.model import (
    Dependency,
    Direction,
    InstanceKey,
    OperationLog,
    Page,
    Query,
    Target,
    TaskInstance,
    WorkflowInstance,
    answered,
    day_of,
    failed_tasks,
    family_of,
    zone_of,
)
from wfinspect.watching.api import (
    INCIDENT_CALLS,
    INCIDENT_LOGS,
    A,
    DependenciesOf,
    EarlierRuns,
    Find,
    Heard,
    IncidentOf,
    InstanceOf,
    InstanceSource,
    OperationsOf,
    OtherRuns,
    Outcome,
    Reply,
    Request,
    Row,
    RunsOf,
    TaskLog,
    TaskOf,
    TasksOf,
    failed_before,
    state_since,
)
from wfinspect.watching.calls import Calls, outcome_of
from wfinspect.watching.journal import DailyBudget, Journal
from wfinspect.watching.limits import Limits
from wfinspect.watching.store import is_id
from wfinspect.watching.watchlist import MAX_NAME

if TYPE_CHECKING:
    from wfinspect.report import Incident
    from wfinspect.watching.dependencies import Dependencies

_MOST = 64
_MOST_LOGS = 2  # each may hold 32 MiB
_MOST_TASKS = 10_000  # over all, at two or three KiB each


class ReplyCache:
    """The latest answers that stay true."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._replies: dict[Request[Any], tuple[int, Reply[Any]]] = {}

    def version(self, request: Request[Any]) -> int | None:
        """Return what changes when a kept answer is no longer true; None where none is to be kept."""
        if isinstance(request, (TaskOf, TaskLog, OperationsOf)):
            return request.settled_at
        if isinstance(request, (TasksOf, RunsOf)):
            row = self._journal.watchlist.rows.get(request.key)
            instance = row.instance if row is not None else None
            return instance.modify_time if instance is not None and instance.is_settled else None
        return None

    def find(self, request: Request[Any]) -> Reply[Any] | None:
        """Return the answer to a request, if there is one that is still true."""
        found = self._replies.pop(request, None)
        if found is None or found[0] != self.version(request):
            return None
        self._replies[request] = found
        return found[1]

    def keep(self, request: Request[Any], version: int | None, reply: Reply[Any]) -> None:
        """Keep an answer that was requested at a version, if it is still true."""
        if version is None or version != self.version(request):
            return
        self._replies[request] = version, reply
        logs = [each for each in self._replies if isinstance(each, TaskLog)]
        heavy, room = list[Request[Any]](), _MOST_TASKS
        for known, (_, each) in reversed(self._replies.items()):
            held = each.value.items if isinstance(each.value, Page) else each.value
            room -= len(held) if isinstance(held, tuple) else 0
            if room < 0 and known != request:
                heavy.append(known)
        for oldest in (*logs[:-_MOST_LOGS], *list(self._replies)[:-_MOST], *heavy):
            self._replies.pop(oldest, None)


DATES = 10
"""Business dates looked back on, which is a week of a workflow that rests at weekends."""
ENOUGH_RUNS = 7
"""Successful runs after which no older date is requested."""
_KEPT_DATES = 16
_KEPT_SAMPLES = 8  # of runs of one workflow
_SAMPLES = "samples"
_RUNS_A_DATE = 24
_FINAL_AFTER = timedelta(days=2)  # until then a date without runs may still get one
CATCH_ALL = 1
"""The workflow of all tasks that belong to none: told apart by name."""


def query_of_workflow(instance: WorkflowInstance) -> Query | None:
    """Return the query of all runs of an instance's workflow; None where that is not known."""
    project, workflow = instance.project_id, instance.workflow_id or 0
    if not project or workflow <= CATCH_ALL:
        return None
    return Query(project, 0, env_type=instance.env_type, workflow_id=workflow)


class RunHistory(NamedTuple):
    """What the store knows of one instance's workflow."""

    journal: Journal
    target: Target
    instance: WorkflowInstance

    def known(self, moment: Moment) -> tuple[tuple[Run, ...], Query | None]:
        """Return the runs that are known, newest date first, and what to request next.

        None means that nothing is to be requested today: enough is known, or all there is. Of a run
        that is not over and has been compared, what it was compared with.
        """
        if (sample := self._sample(moment.monotonic)) is not None:
            return sample, None
        days, found, missing = self._days(moment.monotonic), list[Run](), None
        for query in islice(self.queries(), 1, None):
            runs = self._runs(days, query.biz_date, moment.now)
            if runs is None:
                missing = missing or query
                continue
            found += runs
            if sum(run.seconds is not None for run in found) >= ENOUGH_RUNS:
                break
        return tuple(found), missing

    def queries(self) -> Iterator[Query]:
        """Yield the requests for the instance's own date and those before it, the latest first."""
        at = moment_of(self.instance.biz_date)
        if at is None or self.instance.project_id is None or self.instance.workflow_id is None:
            return
        # Days of a wall clock, since a change of the zone's offset makes one longer.
        local = at.astimezone(zone_of(self.target.region))
        is_catch_all = self.instance.workflow_id == CATCH_ALL
        for back in range(DATES + 1):
            yield Query(
                self.instance.project_id,
                round((local - timedelta(days=back)).timestamp() * 1000),
                name=self.instance.name if is_catch_all else "",
                type=self.instance.type,
                env_type=self.instance.env_type,
                workflow_id=self.instance.workflow_id,
            )

    def _runs(self, days: Mapping[str, Any], biz_date: int, at: datetime) -> tuple[Run, ...] | None:
        """Return the runs of a date; None where they have to be requested."""
        known = days.get(str(biz_date))
        try:
            read_on, rows = known or ("", ())
            if known is None or date.fromisoformat(read_on) < day_of(self.target.region, at):
                return None
            return tuple(_run(biz_date, *row) for row in rows)
        except (TypeError, ValueError):
            return None

    def runs_of(self, biz_date: int, found: Iterable[WorkflowInstance]) -> tuple[Run, ...]:
        """Return the runs that were found on a date."""
        is_catch_all = self.instance.workflow_id == CATCH_ALL
        return tuple(
            Run(each.id, biz_date, each.status, each.started_time, each.finished_time)
            for each in found
            # The service compares a part of the name only.
            if not is_catch_all or each.name == self.instance.name
        )

    def learn(self, biz_date: int, found: Iterable[WorkflowInstance], moment: Moment) -> None:
        """Keep the runs of a date."""
        runs = self.runs_of(biz_date, found)[:_RUNS_A_DATE]
        began = moment_of(biz_date)
        is_old = began is not None and moment.now - began > _FINAL_AFTER
        is_final = is_old and all(family_of(run.status).is_settled for run in runs)
        read_on = date.max if is_final else day_of(self.target.region, moment.now)
        rows = [[r.id, r.status, r.started_time, r.finished_time] for r in runs]
        days = {**self._days(moment.monotonic), str(biz_date): [read_on.isoformat(), rows]}
        latest = sorted(days, key=int)[-_KEPT_DATES:]
        self._remember({day: days[day] for day in latest}, self._samples(moment.monotonic))

    def keep_sample(self, runs: Iterable[Run], monotonic: float) -> None:
        """Keep what this run is compared with, for all processes and until it is over."""
        samples = self._samples(monotonic)
        samples.pop(str(self.instance.id), None)
        rows = [[r.biz_date, r.id, r.status, r.started_time, r.finished_time] for r in runs]
        samples[str(self.instance.id)] = [self.instance.started_time, rows]
        self._remember(self._days(monotonic), dict([*samples.items()][-_KEPT_SAMPLES:]))

    def _sample(self, monotonic: float) -> tuple[Run, ...] | None:
        kept = self._samples(monotonic).get(str(self.instance.id))
        try:
            started_time, rows = kept or (None, None)
            if self.instance.is_settled or not rows or started_time != self.instance.started_time:
                return None
            return tuple(_run(*row) for row in rows)
        except (TypeError, ValueError):
            return None

    def _samples(self, monotonic: float) -> dict[str, Any]:
        kept = self.journal.recalled(self._name, monotonic).get(_SAMPLES)
        return kept if isinstance(kept, dict) else {}

    def _remember(self, days: Mapping[str, Any], samples: Mapping[str, Any]) -> None:
        self.journal.remember(self._name, json.dumps({**days, _SAMPLES: samples}))

    @property
    def _name(self) -> str:
        one, whose = self.instance, self.target
        name = one.name[:MAX_NAME] if one.workflow_id == CATCH_ALL else ""
        parts = [*whose, one.project_id, one.env_type, one.type, one.workflow_id, name]
        return f"runs {json.dumps(parts)}"

    def _days(self, monotonic: float) -> Mapping[str, Any]:
        kept = self.journal.recalled(self._name, monotonic)
        return {day: kept[day] for day in kept if day.isascii() and day.isdecimal()}


def _run(biz_date: int, number: object, status: object, started: object, finished: object) -> Run:
    """Return a run as it is kept; raise a ValueError for what can't be one."""
    times = [at for at in (started, finished) if at is not None]
    if not (is_id(number) and isinstance(status, str) and all(map(is_id, times))):
        raise ValueError("no run")
    return Run(number, biz_date, status, started, finished)  # type: ignore[arg-type] # checked


class _Missing(dict[str, str]):
    """Parts of a report that can't be had, and why."""

    most = INCIDENT_CALLS
    """Calls for it at most."""


_LAST = "comparison"
MAX_PAGES = 20
"""Pages of one answer: 10,000 tasks, or 2,000 operations."""
MAX_RAW = 16_000_000
"""Characters of JSON that are kept of them all; a task without is read when it is opened."""

_POLLS_TURN_SECONDS = 1.0
_calls: ContextVar[list[Target]] = ContextVar("calls")
"""Those made for the request that is being answered."""
_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class Lookups:
    """All requests that are not answered yet, and the answers that stay true."""

    def __init__(
        self,
        calls: Calls,
        journal: Journal,
        limits: Limits,
        days: DailyBudget,
        clock: Clock,
    ) -> None:
        self._calls = calls
        self._journal = journal
        self._limits = limits
        self._days = days
        self._clock = clock
        self._requests: dict[Request[Any], list[Heard[Any]]] = {}
        self._waiting: list[tuple[Target, asyncio.Future[None]]] = []
        self._cache = ReplyCache(journal)
        self._known: dict[InstanceKey, WorkflowInstance] = {}
        """The latest readings of what is not on the list."""
        self._looking_back: defaultdict[Target, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sent_at = -inf
        self._is_over = False

    def submit(self, request: Request[A], answer: Heard[A]) -> None:
        """Have `answer` called with what comes of a request, at once where that is known."""
        if (kept := self._cache.find(request)) is not None:
            _give(answer, kept)
        elif request in self._requests:
            self._requests[request].append(answer)
        else:
            self._requests[request] = [answer]
            self._limits.allow_one(request.destination, self._clock.monotonic())
            self._calls.spawn(self._answer(request))

    def let_out(self, monotonic: float, *, is_sharing: bool) -> None:
        """Let calls out as far as rate and breakers allow.

        Args:
            monotonic: the time of this.
            is_sharing: leave every other call to polls.
        """
        for waiting in tuple(self._waiting):
            target, turn = waiting
            allowed_at = self._limits.limit(target, monotonic).allowed_at
            if allowed_at == inf:
                continue
            if allowed_at > monotonic:
                # A screen does not wait for minutes: what is in the way is the answer.
                limits = self._limits
                breakers = limits.account_breaker(target), limits.endpoint_breaker(target)
                error = max(breakers, key=lambda each: each.retry_at).error
                turn.set_exception(error or Unreachable("The service can't be reached for now."))
            elif self._limits.rate.ready_at(monotonic) > monotonic or (
                is_sharing and monotonic - self._sent_at < _POLLS_TURN_SECONDS
            ):
                continue
            else:
                self._limits.sent(target, None, monotonic)
                self._sent_at = monotonic
                turn.set_result(None)
            self._waiting.remove(waiting)

    def next_at(self, monotonic: float) -> float:
        """Return when `let_out` has something to do; infinite while only an answer brings that."""
        targets = {target for target, _ in self._waiting}
        is_ready = any(self._limits.limit(each, monotonic).allowed_at < inf for each in targets)
        return self._limits.rate.ready_at(monotonic) if is_ready else inf

    def end(self) -> None:
        """Let nothing out any more."""
        self._is_over = True
        for _, turn in self._waiting:
            turn.set_exception(Unreachable("The watch has ended."))
        self._waiting.clear()

    def restart(self) -> None:
        """Answer every request without a call: theirs belonged to an event loop that has ended."""
        requests, self._requests, self._waiting = self._requests, {}, []
        self._looking_back.clear()
        for answers in requests.values():
            for answer in answers:
                _give(answer, Unreachable("The watch was interrupted: try again."))

    async def _answer(self, request: Request[Any]) -> None:
        version = self._cache.version(request)
        calls: list[Target] = []
        _calls.set(calls)
        outcome: Outcome[Any] = await outcome_of(self._find_out(request))
        # A run that changed meanwhile is read again.
        if isinstance(outcome, Reply):
            self._cache.keep(request, version, outcome)
            outcome = outcome._replace(calls=len(calls))
        for answer in self._requests.pop(request):
            _give(answer, outcome)
        self._calls.wake()

    async def _find_out(self, request: Request[Any]) -> Reply[Any]:
        value: object
        match request:
            case InstanceOf(key):
                value = await self._instance(key)
            case TasksOf(key) | RunsOf(key):
                value = await self._tasks(key, request)
            case TaskOf(target, task_id):
                value = await self._call(target, lambda s: s.get_task_instance(task_id))
            case TaskLog(target, task_id, number):
                value = await self._call(target, lambda s: s.get_task_instance_log(task_id, number))
            case DependenciesOf():
                value = await self._dependencies(request)
            case OperationsOf(target, task_id, day_ms):
                logs = self._pages(
                    target, lambda s, n: s.list_operation_logs(task_id, day_ms, page=n)
                )
                value = tuple([each async for page in logs for each in page.items])
            case Find(target, query, page):
                value = await self._call(
                    target, lambda s: s.find_workflow_instances(query, page=page)
                )
            case EarlierRuns(key, most):
                earlier = await self._earlier_runs(key, most)
                is_whole = isinstance(request, OtherRuns)
                value = await self._other_runs(key, earlier) if is_whole else earlier
            case IncidentOf(key, recorded, going_on):
                value = await self._incident(key, recorded, going_on)
            case _:
                raise TypeError(f"{type(request).__name__} is no request that is known")
        return Reply(value, self._clock.now())

    async def _dependencies(self, request: DependenciesOf) -> Page[Dependency]:
        page = await self._call(
            request.target,
            lambda s: s.list_dependencies(request.task_id, request.direction, page=request.page),
        )
        # The JSON of thousands is never shown.
        return page._replace(
            items=tuple(e._replace(task=e.task._replace(raw="")) for e in page.items)
        )

    async def _tasks(self, key: InstanceKey, request: TasksOf | RunsOf) -> Page[TaskInstance]:
        task_id = request.task_id if isinstance(request, RunsOf) else None
        instance = await self._any_reading(key)
        found: dict[tuple[int, int | None], TaskInstance] = {}
        room = MAX_RAW
        async for page in self._pages(
            key.target, lambda s, n: s.list_task_instances(instance, page=n, task_id=task_id)
        ):
            for task in page.items:
                room -= len(task.raw)
                # A list that moves between two pages shows some of them twice.
                found[task.id, task.run_number] = task if room >= 0 else task._replace(raw="")
        return Page(tuple(found.values()), page.number, page.total, page.is_last)

    async def _pages(
        self, target: Target, call: Callable[[InstanceSource, int], Awaitable[Page[_T]]]
    ) -> AsyncIterator[Page[_T]]:
        """Yield the pages of an answer, which `call` gets by their numbers."""
        for number in range(1, MAX_PAGES + 1):
            page = await self._call(target, lambda s, n=number: call(s, n))  # type: ignore[misc]
            yield page
            if page.is_last:
                break

    async def _earlier_runs(self, key: InstanceKey, most: int) -> tuple[Run, ...]:
        past = RunHistory(self._journal, key.target, await self._any_reading(key))
        for _ in range(most):
            # Of two that look back on one date, the second waits for the answer of the first.
            async with self._looking_back[key.target]:
                _, query = past.known(self._clock.moment())
                if query is None:
                    break
                found = await self._runs_on(key.target, query)
                past.learn(query.biz_date, found, self._clock.moment())
        return past.known(self._clock.moment())[0]

    async def _other_runs(self, key: InstanceKey, earlier: Sequence[Run]) -> tuple[Run, ...]:
        past = RunHistory(self._journal, key.target, await self._any_reading(key))
        found = list(earlier)
        # Not kept in the store: before the day is over there may be more of them.
        for query in islice(past.queries(), 1):
            found += past.runs_of(query.biz_date, await self._runs_on(key.target, query))
        return newest_first(*(run for run in found if run.id != key.id))

    async def _runs_on(self, target: Target, query: Query) -> Sequence[WorkflowInstance]:
        page = await self._call(target, lambda s: s.find_workflow_instances(query))
        for run in page.items:
            self._note(InstanceKey(target, run.id), run)
        return page.items

    async def _incident(
        self,
        key: InstanceKey,
        recorded: Sequence[TaskInstance],
        going_on: WorkflowInstance | None,
    ) -> "Incident":
        """Read what a report needs, what says most before the rest."""
        from wfinspect.report import Incident  # noqa: PLC0415 - 4 ms of every start

        row, noted = self._journal.watchlist.rows.get(key) or Row(key), list[tuple[str, str]]()
        answered.set(noted)
        if going_on is not None:
            self._note(key, going_on)
        missing, instance = _Missing(), going_on or await self._instance(key)
        page = await self._part(missing, "tasks", TasksOf(key))
        tasks = page.items if page is not None else ()
        failed, logs, done = failed_tasks(tasks), dict[int, str](), list[OperationLog]()
        if going_on is not None and not failed:
            return Incident(key, instance, missing=missing, request_ids=tuple(noted))
        missing.most += min(len(failed), INCIDENT_LOGS)
        for task in failed[:INCIDENT_LOGS]:
            logs[task.id] = await self._log_end(missing, key.target, task)
        runs, before, tasks_before = await self._last_success(missing, key, instance)
        held = await self._held_up(missing, key, failed)
        read_runs = partial(self._part, missing, "failed_before")
        rerun, _ = await failed_before(key, tasks, recorded, read_runs)
        for task in failed[INCIDENT_LOGS:]:
            logs[task.id] = await self._log_end(missing, key.target, task)
        for task in failed:
            if request := OperationsOf.of(key.target, task):
                operations = await self._part(missing, "operations", request)
                done += operations or ()
        return Incident(
            key,
            instance,
            row.read_at or self._clock.now(),
            state_since(row._replace(instance=instance)),
            tasks=tasks,
            logs=logs,
            operations=done,
            held_up=tuple(each.task for each in held.tasks),
            unread=held.unread,
            failed_before=rerun,
            runs=runs,
            before=before,
            tasks_before=tasks_before,
            history=self._journal.history(key, self._clock.monotonic()),
            missing=missing,
            request_ids=tuple(noted),
            note=row.note,
        )

    async def _log_end(self, missing: _Missing, target: Target, task: TaskInstance) -> str:
        log = TaskLog(target, task.id, task.run_number, task.modify_time)
        return (await self._part(missing, f"log {task.id}", log) or "")[-LOG_END:]

    async def _held_up(
        self, missing: _Missing, key: InstanceKey, failed: Sequence[TaskInstance]
    ) -> "Dependencies":
        """Return what has not begun because of failed tasks, as far as two calls show it."""
        from wfinspect.watching.dependencies import (  # noqa: PLC0415 - 1 ms of every start
            DependencySearch,
        )

        search, now = DependencySearch(Direction.DOWNSTREAM, TasksOf(key)), self._clock.now()
        search.take(Reply(Page(tuple(failed), 1, None, is_last=True), now))
        while (request := search.next_within(2, is_thorough=True)) is not None:
            page = await self._part(missing, "held_up", request)
            if page is None:
                break
            search.take(Reply(page, now, calls=1))
        return search.found()

    async def _last_success(
        self, missing: _Missing, key: InstanceKey, instance: WorkflowInstance
    ) -> tuple[Sequence[Run], WorkflowInstance | None, Sequence[TaskInstance]]:
        """Return earlier runs, the last of them that succeeded, and its tasks."""
        history = RunHistory(self._journal, key.target, instance)
        cost = 1 if history.known(self._clock.moment())[1] is None else 2
        runs = await self._part(missing, _LAST, OtherRuns(key, most=1), cost) or ()
        if (last := last_success(runs, instance)) is None:
            return runs, None, ()
        other = InstanceKey(key.target, last.id)
        if (before := self._known.get(other)) is None:
            before = await self._part(missing, _LAST, InstanceOf(other))
        page = await self._part(missing, _LAST, TasksOf(other))
        return runs, before, page.items if page is not None else ()

    async def _part(
        self, missing: _Missing, name: str, request: Request[A], cost: int = 1
    ) -> A | None:
        """Return the answer to a request, a kept one first; None where `missing` says why there is none."""
        version = self._cache.version(request)
        outcome: Outcome[A] | None = self._cache.find(request)
        if outcome is None and len(_calls.get()) + cost > missing.most:
            missing[name] = f"a report of this run makes at most {missing.most} calls."
        elif outcome is None:
            outcome = await outcome_of(self._find_out(request))
        if isinstance(outcome, Reply):
            self._cache.keep(request, version, outcome)
            value: A = outcome.value
            return value
        if outcome is not None:
            missing[name] = str(outcome)
        return None

    async def _any_reading(self, key: InstanceKey) -> WorkflowInstance:
        """Return a reading, however old: it says where the instance belongs, which never changes."""
        return self._known.get(key) or await self._instance(key)

    async def _instance(self, key: InstanceKey) -> WorkflowInstance:
        row = self._journal.watchlist.rows.get(key)
        if row is not None and row.instance is not None:
            return row.instance
        found = await self._call(key.target, lambda s: s.get_workflow_instance(key.id))
        self._note(key, found)
        return found

    def _note(self, key: InstanceKey, found: WorkflowInstance) -> None:
        self._known.pop(key, None)
        self._known[key] = found
        for oldest in list(self._known)[:-_MOST]:
            del self._known[oldest]

    async def _call(self, target: Target, call: Callable[[InstanceSource], Awaitable[_T]]) -> _T:
        """Call a target's source once it is its turn."""
        if self._is_over:
            raise Unreachable("The watch has ended.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((target, turn))
        self._calls.wake()
        await turn
        _calls.get().append(target)
        try:
            value = await call(await self._calls.source(target))
        except ServiceError as error:
            self._failed(target, error)
            raise
        finally:
            self._limits.landed(target, None)
        if not isinstance(self._limits.account_breaker(target).error, Refused):
            self._limits.succeeded(target, self._clock.monotonic())
        return value

    def _failed(self, target: Target, error: ServiceError) -> None:
        if isinstance(error, DailyLimit):
            self._days.limit_met(target, self._clock.moment())
        if isinstance(error, (Throttled, Unreachable, CredentialsMissing)):
            self._limits.failed(target, error, self._clock.monotonic())


def _give(answer: Heard[A], outcome: Outcome[A]) -> None:
    try:
        answer(outcome)
    except Exception:
        logger.exception("A receiver could not take an answer")
