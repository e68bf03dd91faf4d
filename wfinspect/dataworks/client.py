"""The client of one target: its operations, and how a call is sent.

A call is one attempt; the caller decides about another.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from wfinspect.clock import Clock
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.decoding import (
    decode_dependencies,
    decode_instance,
    decode_log,
    decode_operations,
    decode_page,
    decode_task,
    decode_tasks,
)
from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.failures import NO_SKEW, contact_error, failure_of, has_code, http_date
from wfinspect.dataworks.signing import Acs3Auth
from wfinspect.dataworks.transport import Answer, Call, Transport
from wfinspect.errors import ABOUT_KEYS, BadAnswer, BadRequest, ClockSkew, NotFound
from wfinspect.format import shown
from wfinspect.model import (
    Dependency,
    Direction,
    InstanceId,
    OperationLog,
    Page,
    Query,
    Target,
    TaskInstance,
    WorkflowInstance,
    answered,
)

FIND_PAGE = 100
"""Instances of one page; the service does not document how many it would give."""

TASK_PAGE = 500
"""Tasks of one page, as many as the service gives."""

NEIGHBOUR_PAGE = 100
"""Dependencies or operations of one page; the service does not document how many it would give."""

LOG_DEADLINE = 60.0
MAX_LOG_BODY = 40 * 1024 * 1024
"""Bytes of an answer with a log: 32 MiB of text, and what JSON adds to it."""

DEADLINE = 20.0
"""Seconds a call may take in all; httpx has no such limit, and a slow drip passes its others."""

# A second attempt with a date that hardly differs would be refused again.
_SAME_CLOCK = timedelta(minutes=1)

_DATE_TRUST = 10.0  # seconds an answer may take for its Date to say something about the clock

_MIN_PAGE = 10  # smaller pages were refused by a sister call

_OK = 200
_T = TypeVar("_T")


class DataWorksClient:
    """Read access to one target; every failure is a `ServiceError`."""

    def __init__(
        self,
        target: Target,
        open_http: Callable[[], httpx.AsyncClient],
        credentials: CredentialsSource,
        clock: Clock,
        *,
        on_call: Callable[[], None] = lambda: None,
        deadline: float = DEADLINE,
    ) -> None:
        """Open no connection yet.

        Args:
            target: whose endpoint is called, and in whose region a day of calls ends.
            open_http: makes an HTTP client for that endpoint.
            credentials: gives the keys for each call.
            clock: gives the date that is signed.
            on_call: called once for each request that goes out.
            deadline: seconds that a call may take in all.
        """
        self._target = target
        self._host = urlsplit(base_url(target.endpoint)).netloc
        self._has_tls = not is_loopback(target.endpoint)
        self._transport = Transport(self._host, open_http, on_call)
        self._credentials = credentials
        self._clock = clock
        self._deadline = deadline
        self._offset = timedelta()
        self.skew_seconds: float | None = None
        """Service time minus ours, by the last answer with a usable Date; None before one."""
        self._running: set[asyncio.Task[Any]] = set()

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        """Read one instance.

        Raises:
            NotFound: the service does not know it.
            ServiceError: anything else that kept it from being read.
        """
        call = Call("GetWorkflowInstance", {"Id": instance_id}, requested_id=instance_id)
        return await self._send(call, partial(decode_instance, requested_id=instance_id))

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        """Read several instances of one workspace, environment and business date.

        What the service does not find is missing; a service that ignores the IDs gives others.

        Args:
            ids: at most `model.MAX_IDS`.
            project_id: the workspace.
            biz_date: milliseconds, as the service gave it.
            env_type: ``Prod`` or ``Dev``; "" leaves it to the service.
        """
        if not ids:
            return ()
        form = {
            "BizDate": biz_date,
            "EnvType": env_type,
            "Ids": _json([int(i) for i in ids]),
            "PageNumber": 1,
            "PageSize": max(_MIN_PAGE, len(ids)),
            "ProjectId": project_id,
        }
        call = Call("ListWorkflowInstances", form, is_form=True)
        return (await self._send(call, decode_page)).items

    async def find_workflow_instances(
        self, query: Query, *, page: int = 1
    ) -> Page[WorkflowInstance]:
        """Read a page of the instances that match, newest first; `Query.matches` says which have a tag's key."""
        # The service knows no key alone; since one of the tags is enough, none is sent then.
        has_key = any(isinstance(tag, str) for tag in query.tags)
        tags = [] if has_key else [":".join(tag) for tag in query.tags]
        form = {
            "BizDate": query.biz_date,
            "PageNumber": page,
            "PageSize": FIND_PAGE,
            "ProjectId": query.project_id,
            "Name": query.name,
            "Owner": query.owner,
            "Type": query.type,
            "EnvType": query.env_type,
            "WorkflowId": query.workflow_id,
            "UnifiedWorkflowInstanceId": query.unified_workflow_instance_id,
            "Filter": _json({"status": query.status}) if query.status else "",
            "Tags": _json(tags) if tags else "",
        }
        decode = partial(decode_page, number=page, size=FIND_PAGE)
        return await self._send(Call("ListWorkflowInstances", form, is_form=True), decode)

    async def list_task_instances(
        self, instance: WorkflowInstance, *, page: int = 1, task_id: int | None = None
    ) -> Page[TaskInstance]:
        """Read a page of an instance's tasks, or of all runs of one task instance of it."""
        if instance.project_id is None or instance.biz_date is None:
            raise BadAnswer(
                f"The service gave instance {instance.id} without a ProjectId or a BizDate that can "
                "be read, and its tasks can't be requested without both."
            )
        form = {
            "Bizdate": instance.biz_date,
            "PageNumber": page,
            "PageSize": TASK_PAGE,
            "ProjectId": instance.project_id,
            "ProjectEnv": instance.env_type,
            "WorkflowInstanceId": instance.id if task_id is None else None,
            "Id": task_id,
        }
        decode = partial(decode_tasks, number=page, size=TASK_PAGE)
        return await self._send(Call("ListTaskInstances", form, is_form=True), decode)

    async def get_task_instance(self, task_id: int) -> TaskInstance:
        """Read one task instance; raises as `get_workflow_instance`."""
        given = {"Id": task_id}
        call = Call("GetTaskInstance", given, requested_id=task_id, kind="task instance")
        return await self._send(call, partial(decode_task, requested_id=task_id))

    async def get_task_instance_log(self, task_id: int, run_number: int | None = None) -> str:
        """Read the whole log of one run of a task instance, of its latest without a number.

        It is "" for a run that has none, also where the service takes that for a wrong number.
        """
        call = Call(
            "GetTaskInstanceLog",
            {"Id": task_id, "RunNumber": run_number},
            requested_id=task_id,
            kind="log of task instance",
            deadline=LOG_DEADLINE,
            max_body=MAX_LOG_BODY,
        )
        try:
            return await self._send(call, decode_log)
        except BadRequest as error:
            # A task has no run of its own for a run of the instance in which it did not begin.
            if run_number is None or "RunNumber" not in error.code:
                raise
            return ""

    async def list_dependencies(
        self, task_id: int, direction: Direction, *, page: int = 1
    ) -> Page[Dependency]:
        """Read a page of what a task waits for, or of what waits for it; raises as `get_task_instance`."""
        operation = f"List{direction.value}TaskInstances"
        decode = partial(decode_dependencies, number=page, size=NEIGHBOUR_PAGE)
        return await self._send(self._page_of_task(operation, task_id, page), decode)

    async def list_operation_logs(
        self, task_id: int, day_ms: int | None = None, *, page: int = 1
    ) -> Page[OperationLog]:
        """Read a page of what was done to a task by hand on one day, today without one."""
        operation = "ListTaskInstanceOperationLogs"
        decode = partial(decode_operations, number=page, size=NEIGHBOUR_PAGE)
        return await self._send(self._page_of_task(operation, task_id, page, Date=day_ms), decode)

    @staticmethod
    def _page_of_task(operation: str, task_id: int, page: int, **others: int | None) -> Call:
        given = {"Id": task_id, "PageNumber": page, "PageSize": NEIGHBOUR_PAGE, **others}
        return Call(operation, given, requested_id=task_id, kind="task instance")

    def credentials_fingerprint(self) -> str:
        """Return a text that changes when the files behind the credentials do: a refusal may be over."""
        return self._credentials.fingerprint()

    async def check_credentials(self) -> None:
        """Raise CredentialsMissing or Refused where a call would, without one."""
        await self._credentials.current()

    async def aclose(self) -> None:
        """End what is under way and close the connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._transport.aclose()

    async def _send(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        # In a task of its own: a cancel in the wrong moment leaves a connection of httpx's pool in use
        # for ever. The caller may be cancelled freely.
        task = asyncio.create_task(self._within_deadline(call, decode))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Its caller may be gone; asyncio would report an error that was never retrieved.
            task.exception()

    async def _within_deadline(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        try:
            with anyio.fail_after(call.deadline or self._deadline):
                return await self._corrected(call, decode)
        except TimeoutError as error:
            raise contact_error(error, self._host, self._transport.proxy) from None

    async def _corrected(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        """Make one attempt; a second one only if the first shows that the clock signed with is off."""
        used = self._offset
        try:
            return await self._attempt(call, decode)
        except ClockSkew:
            if self.skew_seconds is None:
                raise
            offset = timedelta(seconds=self.skew_seconds)
            if abs(offset - used) < _SAME_CLOCK:
                raise
            self._offset = offset
        return await self._attempt(call, decode)

    async def _attempt(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        keys = await self._credentials.current()
        started = self._clock.monotonic()
        auth = Acs3Auth(
            keys, lambda: self._clock.now() + self._offset, lambda: secrets.token_hex(16)
        )
        answer = await self._transport.send(call, auth)
        if (noted := answered.get()) is not None:
            noted.append(
                (call.operation, shown(answer.headers.get("x-acs-request-id", ""), limit=64))
            )
        if self._clock.monotonic() - started <= _DATE_TRUST:
            self._learn_clock(answer)
        if answer.status == _OK:
            try:
                return decode(answer.body)
            except (NotFound, BadAnswer):
                if not has_code(answer.body):
                    raise
        error = failure_of(
            answer.status,
            answer.headers,
            answer.body,
            now=self._clock.now(),
            requested_id=call.requested_id,
            kind=call.kind,
            region=self._target.region,
        )
        if error.code.startswith(ABOUT_KEYS):
            self._credentials.forget()
        raise error

    def _learn_clock(self, answer: Answer) -> None:
        """Take the service's clock where ours is plainly wrong; only over TLS is its Date to be trusted."""
        at = http_date(answer.headers.get("date", ""))
        if at is None or "age" in answer.headers:
            return
        offset = at - self._clock.now()
        self.skew_seconds = offset.total_seconds()
        if self._has_tls:
            self._offset = offset if abs(offset) >= NO_SKEW else timedelta()


def _json(value: object) -> str:
    # As the official SDK writes it: compact, non-ASCII as it is.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
