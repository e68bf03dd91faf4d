"""What a face asks for beyond the watch: its calls, under the same rate, count and gates as polls.

Each request is a task of its own; before each call it waits for its turn, which the engine's step
gives it. A failure is an answer. Whatever closes a gate here is trouble of the line or of the rate,
never a missing permission: polls may be allowed what these calls are not.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf
from typing import Any, TypeVar

from wfinspect.clock import Clock
from wfinspect.errors import (
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    Throttled,
    Unreachable,
)
from wfinspect.instance import Binding, InstanceKey, WorkflowInstance
from wfinspect.query import Page
from wfinspect.task import TaskInstance
from wfinspect.typical import Run
from wfinspect.watching.book import Book
from wfinspect.watching.calls import Calls, outcome_of
from wfinspect.watching.days import Days
from wfinspect.watching.kept import Kept
from wfinspect.watching.limits import Limits
from wfinspect.watching.past import Past
from wfinspect.watching.requests import (
    A,
    EarlierRuns,
    Find,
    Heard,
    InstanceOf,
    Outcome,
    Reply,
    Request,
    RunsOf,
    TaskLog,
    TaskOf,
    TasksOf,
)
from wfinspect.watching.source import InstanceSource

MAX_PAGES = 20
"""Pages of one answer: 10,000 tasks."""
MAX_RAW = 16_000_000
"""Characters of JSON that are kept of them all; of a task without, it is asked for."""

_POLLS_TURN_SECONDS = 1.0
_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class Inquiries:
    """All requests that are not answered yet, and the answers that stay true."""

    def __init__(
        self,
        calls: Calls,
        book: Book,
        limits: Limits,
        days: Days,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._book = book
        self._limits = limits
        self._days = days
        self._clock = clock
        self._wake = wake
        self._asked: dict[Request[Any], list[Heard[Any]]] = {}
        self._waiting: list[tuple[Binding, asyncio.Future[None]]] = []
        self._kept = Kept(book)
        self._looking_back: defaultdict[Binding, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sent_at = -inf
        self._is_over = False

    def ask(self, request: Request[A], answer: Heard[A]) -> None:
        """Have `answer` called with what comes of a request, at once where that is known."""
        if (kept := self._kept.find(request)) is not None:
            _tell(answer, kept)
        elif request in self._asked:
            self._asked[request].append(answer)
        else:
            self._asked[request] = [answer]
            self._limits.ask(request.whom, self._clock.monotonic())
            self._calls.spawn(self._answer(request))

    def let_out(self, now: float, *, is_sharing: bool) -> None:
        """Let calls out as far as rate and gates allow.

        Args:
            now: steady seconds.
            is_sharing: leave every other call to polls.
        """
        for waiting in tuple(self._waiting):
            binding, turn = waiting
            opens_at = self._limits.at(now, (binding,))[binding].opens_at
            if opens_at == inf:
                continue
            if opens_at > now:
                # Nobody waits on a screen for minutes: what is in the way is the answer.
                gates = (self._limits.account_gate(binding), self._limits.endpoint_gate(binding))
                error = max(gates, key=lambda gate: gate.opens_at).error
                turn.set_exception(error or Unreachable("The service can't be reached for now."))
            elif self._limits.pace.ready_at(now) > now or (
                is_sharing and now - self._sent_at < _POLLS_TURN_SECONDS
            ):
                continue
            else:
                self._limits.sent(binding, None, now)
                self._sent_at = now
                turn.set_result(None)
            self._waiting.remove(waiting)

    def next_at(self, now: float) -> float:
        """When `let_out` has something to do; infinite while only an answer brings that."""
        limits = self._limits.at(now, {binding for binding, _ in self._waiting})
        is_ready = any(limit.opens_at < inf for limit in limits.values())
        return self._limits.pace.ready_at(now) if is_ready else inf

    def end(self) -> None:
        """Let nothing out any more."""
        self._is_over = True
        for _, turn in self._waiting:
            turn.set_exception(Unreachable("The watch has ended."))
        self._waiting.clear()

    def give_up(self) -> None:
        """Answer every request without a call."""
        for answers in self._asked.values():
            for answer in answers:
                _tell(answer, Unreachable("The watch was interrupted: ask again."))

    async def _answer(self, request: Request[Any]) -> None:
        version = self._kept.version(request)
        outcome: Outcome[Any] = await outcome_of(self._find_out(request))
        # A run that changed meanwhile is asked for again.
        if isinstance(outcome, Reply):
            self._kept.keep(request, version, outcome)
        for answer in self._asked.pop(request):
            _tell(answer, outcome)
        self._wake()

    async def _find_out(self, request: Request[Any]) -> Reply[Any]:
        value: object
        match request:
            case InstanceOf(key):
                value = await self._instance(key)
            case TasksOf(key):
                value = await self._tasks(key, None)
            case RunsOf(key, task_id):
                value = await self._tasks(key, task_id)
            case TaskOf(binding, task_id):
                value = await self._call(binding, lambda s: s.get_task_instance(task_id))
            case TaskLog(binding, task_id, number):
                value = await self._call(
                    binding, lambda s: s.get_task_instance_log(task_id, number)
                )
            case Find(binding, query, page):
                value = await self._call(
                    binding, lambda s: s.find_workflow_instances(query, page=page)
                )
            case EarlierRuns(key, most):
                value = await self._earlier_runs(key, most)
            case _:
                raise TypeError(f"{type(request).__name__} is no request that is known")
        return Reply(value, self._clock.now())

    async def _tasks(self, key: InstanceKey, task_id: int | None) -> Page[TaskInstance]:
        instance = await self._instance(key)
        found: dict[tuple[int, int | None], TaskInstance] = {}
        room = MAX_RAW
        for number in range(1, MAX_PAGES + 1):
            page = await self._call(
                key.binding,
                lambda s, n=number: s.list_task_instances(instance, page=n, task_id=task_id),  # type: ignore[misc]
            )
            for task in page.items:
                room -= len(task.raw)
                # A list that moves between two pages shows some of them twice.
                found[task.id, task.run_number] = task if room >= 0 else replace(task, raw="")
            if page.is_last:
                break
        return Page(tuple(found.values()), page.number, page.total, page.is_last)

    async def _earlier_runs(self, key: InstanceKey, most: int) -> tuple[Run, ...]:
        past = Past(self._book, key.binding, await self._instance(key))
        for _ in range(most):
            # Of two that look back on one date, the second waits for what the first is told.
            async with self._looking_back[key.binding]:
                _, query = past.known(self._clock.monotonic(), self._clock.now())
                if query is None:
                    break
                page = await self._call(
                    key.binding,
                    lambda s, q=query: s.find_workflow_instances(q),  # type: ignore[misc]
                )
                past.learn(query.biz_date, page.items, self._clock.monotonic(), self._clock.now())
        return past.known(self._clock.monotonic(), self._clock.now())[0]

    async def _instance(self, key: InstanceKey) -> WorkflowInstance:
        entry = self._book.entries.get(key)
        if entry is not None and entry.instance is not None:
            return entry.instance
        return await self._call(key.binding, lambda s: s.get_workflow_instance(key.id))

    async def _call(self, binding: Binding, ask: Callable[[InstanceSource], Awaitable[_T]]) -> _T:
        """One call of a binding's source, once it is its turn."""
        if self._is_over:
            raise Unreachable("The watch has ended.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((binding, turn))
        self._wake()
        await turn
        try:
            value = await ask(await self._calls.source(binding))
        except ServiceError as error:
            self._failed(binding, error)
            raise
        finally:
            self._limits.landed(binding, None)
        if not isinstance(self._limits.account_gate(binding).error, Refused):
            self._limits.succeeded(binding, self._clock.monotonic())
        return value

    def _failed(self, binding: Binding, error: ServiceError) -> None:
        now = self._clock.monotonic()
        if isinstance(error, DailyLimit):
            self._days.limit_met(binding, now, self._clock.now())
        if isinstance(error, (Throttled, Unreachable, CredentialsMissing)):
            self._limits.failed(binding, error, now)


def _tell(answer: Heard[A], outcome: Outcome[A]) -> None:
    try:
        answer(outcome)
    except Exception:
        logger.exception("A face could not take an answer")
