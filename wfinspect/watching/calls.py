"""Calls on their way: opens a source for each target, sends batches, gathers the answers.

Each call is a task that is never cancelled here: a request cancelled natively can keep a
connection of the pool for ever (httpcore issue 1093).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, NamedTuple, TypeVar

from wfinspect.clock import Clock, Moment
from wfinspect.errors import Refused, ServiceError, ServiceTrouble, WfInspectError, starvation
from wfinspect.model import Target, WorkflowInstance
from wfinspect.watching.api import Connect, InstanceSource
from wfinspect.watching.schedule import Batch

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class BatchAnswer(NamedTuple):
    """What came of a batch."""

    batch: Batch
    outcome: tuple[WorkflowInstance, ...] | ServiceError
    moment: Moment


async def outcome_of(work: Awaitable[_T]) -> _T | ServiceError:
    """Return what work that makes calls gives, or the error that says why it gave nothing."""
    try:
        return await work
    except ServiceError as error:
        return error
    except WfInspectError as error:
        # A setting that only matters to this target: it may be corrected while the app runs.
        return Refused(str(error), cause="settings")
    except Exception as error:
        logger.exception("A call failed in an unforeseen way")
        if refused := starvation(error):
            sentence = f"No call could be made: {refused}."
            return ServiceTrouble(sentence, cause="too few resources")
        return _internal(type(error).__name__)


def _internal(name: str) -> ServiceTrouble:
    return ServiceTrouble(
        f"An internal error ({name}) kept a call from being made or read; it is in the log.",
        cause="internal error",
    )


class Calls:
    """Everything that is out."""

    def __init__(
        self,
        connect: Connect,
        clock: Clock,
        *,
        on_call: Callable[[Target], None],
    ) -> None:
        """Open nothing yet.

        Args:
            connect: opens a source.
            clock: dates the answers.
            on_call: hears of each request that goes out.
        """
        self._connect = connect
        self._clock = clock
        self._on_call = on_call
        self.wake: Callable[[], None] = lambda: None
        """Called when an answer is there."""
        self._sources: dict[Target, InstanceSource] = {}
        self._locks: dict[Target, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: deque[BatchAnswer] = deque()

    @property
    def in_flight(self) -> int:
        """How many have no answer yet."""
        return len(self._tasks)

    def send(self, batch: Batch) -> None:
        """Send a call. A batch without keys only opens the source and looks for credentials."""
        task = self.spawn(self._call(batch))
        task.add_done_callback(lambda done: self._ended(done, batch))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do work that makes calls of its own; it is waited for at the end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def take_answers(self) -> Iterator[BatchAnswer]:
        """Yield the answers since the last time, in the order in which they came."""
        # One by one: an error over the first must not leave the instances of the rest in flight.
        while self._answers:
            yield self._answers.popleft()

    def fingerprint(self, target: Target) -> str:
        """Return that of a target's credentials, "" while its source is not open."""
        source = self._sources.get(target)
        return source.credentials_fingerprint() if source is not None else ""

    async def aclose(self) -> None:
        """Close the sources and wait for what is out, which ends with them or by its deadline."""
        # One that is being opened may come in meanwhile.
        for source in tuple(self._sources.values()):
            try:
                await source.aclose()
            except Exception:
                logger.exception("A source could not be closed")
        while self._tasks:
            await asyncio.wait(self._tasks)

    def restart(self) -> None:
        """Let go of all that belonged to an event loop that has ended."""
        self._sources.clear()
        self._locks.clear()

    async def _call(self, batch: Batch) -> None:
        self._answer(batch, await outcome_of(self._send(batch)))

    def _ended(self, task: asyncio.Task[None], batch: Batch) -> None:
        """Answer for a call whose task was broken off, or its instances would wait for ever."""
        if task.cancelled() or task.exception() is not None:
            self._answer(batch, _internal("the call was broken off"))

    def _answer(self, batch: Batch, outcome: tuple[WorkflowInstance, ...] | ServiceError) -> None:
        self._answers.append(BatchAnswer(batch, outcome, self._clock.moment()))
        self.wake()

    async def _send(self, batch: Batch) -> tuple[WorkflowInstance, ...]:
        source = await self.source(batch.target)
        if not batch.keys:
            await source.check_credentials()
            return ()
        if batch.group is None:
            return (await source.get_workflow_instance(batch.keys[0].id),)
        return await source.list_workflow_instances(
            [key.id for key in batch.keys],
            project_id=batch.group.project_id,
            biz_date=batch.group.biz_date,
            env_type=batch.group.env_type,
        )

    async def source(self, target: Target) -> InstanceSource:
        """Return the source of a target, opened on first use."""
        async with self._locks.setdefault(target, asyncio.Lock()):
            if target not in self._sources:
                self._sources[target] = await self._connect(target, lambda: self._on_call(target))
            return self._sources[target]
