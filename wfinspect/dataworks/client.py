"""Sending calls: keys, signature, deadline, and the service's clock where ours is wrong.

One attempt for each call; who calls decides about another. Knows no operation.
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
    decode_instance,
    decode_log,
    decode_page,
    decode_task,
    decode_tasks,
)
from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.failures import NO_SKEW, contact_error, failure_of, has_code, http_date
from wfinspect.dataworks.signing import Acs3Auth
from wfinspect.dataworks.transport import Answer, Call, Transport
from wfinspect.errors import ABOUT_KEYS, BadAnswer, ClockSkew, NotFound
from wfinspect.model import InstanceId, Page, Query, TaskInstance, WorkflowInstance

DEADLINE = 20.0
"""Seconds a call may take in all; httpx has no such limit, and a slow drip passes its others."""

_SAME_CLOCK = timedelta(minutes=1)
"""A second attempt with a date that hardly differs would be refused again."""

_DATE_TRUST = 10.0
"""Seconds an answer may take for its Date to say something about the clock."""

_OK = 200
_T = TypeVar("_T")


class Sender:
    """Sends the calls of one target; every failure is a `ServiceError`.

    A call runs in a task of its own that nobody cancels from outside: a native cancel in the wrong
    moment leaves a connection of httpx's pool in use for ever. Its caller may be cancelled freely.
    """

    def __init__(
        self,
        endpoint: str,
        open_http: Callable[[], httpx.AsyncClient],
        credentials: CredentialsSource,
        clock: Clock,
        *,
        region: str = "",
        on_call: Callable[[], None] = lambda: None,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
        deadline: float = DEADLINE,
    ) -> None:
        """Open no connection yet.

        Args:
            endpoint: as `Target.endpoint`.
            open_http: makes an HTTP client for that endpoint.
            credentials: gives the keys for each call.
            clock: gives the date that is signed.
            region: decides when a day of calls ends.
            on_call: called once for each request that goes out.
            nonce: gives a text that was never used before.
            deadline: seconds that a call may take in all.
        """
        self._region = region
        self._host = urlsplit(base_url(endpoint)).netloc
        self._has_tls = not is_loopback(endpoint)
        self._exchange = Transport(self._host, open_http, on_call)
        self._credentials = credentials
        self._clock = clock
        self._nonce = nonce
        self._deadline = deadline
        self._offset = timedelta()
        self.skew_seconds: float | None = None
        """How far the service's clock was ahead by the last answer that told; None before one."""
        self._running: set[asyncio.Task[Any]] = set()

    def credentials_fingerprint(self) -> str:
        """A text that changes when the files behind the credentials do: a refusal may be over."""
        return self._credentials.fingerprint()

    async def check_credentials(self) -> None:
        """Raise CredentialsMissing or Refused where a call would; asks the service nothing."""
        await self._credentials.current()

    async def aclose(self) -> None:
        """End what is under way and close the connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._exchange.aclose()

    async def send(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        """Make a call and decode its answer."""
        task = asyncio.create_task(self._within_deadline(call, decode))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Its caller may be gone; asyncio would report an error that nobody has looked at.
            task.exception()

    async def _within_deadline(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        try:
            with anyio.fail_after(call.deadline or self._deadline):
                return await self._corrected(call, decode)
        except TimeoutError as error:
            raise contact_error(error, self._host, self._exchange.proxy) from None

    async def _corrected(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        """One attempt; a second one only if the first shows that the clock signed with is off."""
        used = self._offset
        try:
            return await self._attempt(call, decode)
        except ClockSkew as error:
            if error.skew_seconds is None:
                raise
            offset = timedelta(seconds=error.skew_seconds)
            if abs(offset - used) < _SAME_CLOCK:
                raise
            self._offset = offset
        return await self._attempt(call, decode)

    async def _attempt(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        keys = await self._credentials.current()
        started = self._clock.monotonic()
        auth = Acs3Auth(keys, lambda: self._clock.now() + self._offset, self._nonce)
        answer = await self._exchange.send(call, auth)
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
            asked=call.asked,
            kind=call.kind,
            region=self._region,
        )
        if error.code.startswith(ABOUT_KEYS):
            self._credentials.forget()
        raise error

    def _learn_clock(self, answer: Answer) -> None:
        """Take the service's clock where ours is plainly wrong; TLS alone makes its Date the truth."""
        at = http_date(answer.headers.get("date", ""))
        if at is None or "age" in answer.headers:
            return
        offset = at - self._clock.now()
        self.skew_seconds = offset.total_seconds()
        if self._has_tls:
            self._offset = offset if abs(offset) >= NO_SKEW else timedelta()


MAX_IDS = 100
"""IDs of one list call."""

FIND_PAGE = 100
"""Instances of one page; the service does not document how many it would give."""

TASK_PAGE = 500
"""Tasks of one page, as many as the service gives."""

LOG_DEADLINE = 60.0
MAX_LOG_BODY = 40 * 1024 * 1024
"""Bytes of an answer with a log: 32 MiB of text, and what JSON adds to it."""

_MIN_PAGE = 10
"""Smaller pages were refused by a sister call."""


class DataWorksClient(Sender):
    """Read access to one target; every failure is a `ServiceError`."""

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        """Ask for one instance.

        Raises:
            NotFound: the service does not know it.
            ServiceError: anything else that kept it from being read.
        """
        call = Call("GetWorkflowInstance", {"Id": str(instance_id)}, asked=instance_id)
        return await self.send(call, partial(decode_instance, asked=instance_id))

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        """Ask for several instances of one workspace, environment and business date.

        What the service does not find is missing; a service that ignores the IDs gives others.

        Args:
            ids: at most MAX_IDS.
            project_id: the workspace.
            biz_date: milliseconds, as the service gave it.
            env_type: ``Prod`` or ``Dev``; "" leaves it to the service.
        """
        if len(ids) > MAX_IDS:
            raise ValueError(f"{len(ids)} IDs in one list call: at most {MAX_IDS}")
        if not ids:
            return ()
        form = {
            "BizDate": str(biz_date),
            "Ids": _json([int(i) for i in ids]),
            "PageNumber": "1",
            "PageSize": str(max(_MIN_PAGE, len(ids))),
            "ProjectId": str(project_id),
        }
        if env_type:
            form["EnvType"] = env_type
        return (
            await self.send(Call("ListWorkflowInstances", form, is_form=True), decode_page)
        ).items

    async def find_workflow_instances(
        self, query: Query, *, page: int = 1
    ) -> Page[WorkflowInstance]:
        """Ask for a page of the instances that match, newest first."""
        wanted = {
            "Name": query.name,
            "Owner": query.owner,
            "Type": query.type,
            "EnvType": query.env_type,
            "WorkflowId": str(query.workflow_id or ""),
            "UnifiedWorkflowInstanceId": str(query.unified_workflow_instance_id or ""),
            "Filter": _json({"status": query.status}) if query.status else "",
            "Tags": _json([f"{t.key}:{t.value}" for t in query.tags]) if query.tags else "",
        }
        form = {
            "BizDate": str(query.biz_date),
            "PageNumber": str(page),
            "PageSize": str(FIND_PAGE),
            "ProjectId": str(query.project_id),
        } | {name: value for name, value in wanted.items() if value}
        call = Call("ListWorkflowInstances", form, is_form=True)
        return await self.send(call, partial(decode_page, number=page, size=FIND_PAGE))

    async def list_task_instances(
        self, instance: WorkflowInstance, *, page: int = 1, task_id: int | None = None
    ) -> Page[TaskInstance]:
        """Ask for a page of an instance's tasks, or of all runs of one task instance of it."""
        if instance.project_id is None or instance.biz_date is None:
            raise BadAnswer(
                f"The service gave instance {instance.id} without a ProjectId or a BizDate that can "
                "be read, and its tasks can't be asked for without both."
            )
        form = {
            "Bizdate": str(instance.biz_date),
            "PageNumber": str(page),
            "PageSize": str(TASK_PAGE),
            "ProjectId": str(instance.project_id),
        }
        if instance.env_type:
            form["ProjectEnv"] = instance.env_type
        which = ("WorkflowInstanceId", instance.id) if task_id is None else ("Id", task_id)
        form[which[0]] = str(which[1])
        call = Call("ListTaskInstances", form, is_form=True)
        return await self.send(call, partial(decode_tasks, number=page, size=TASK_PAGE))

    async def get_task_instance(self, task_id: int) -> TaskInstance:
        """Ask for one task instance; raises as `get_workflow_instance`."""
        parameters = {"Id": str(task_id)}
        call = Call("GetTaskInstance", parameters, asked=task_id, kind="task instance")
        return await self.send(call, partial(decode_task, asked=task_id))

    async def get_task_instance_log(self, task_id: int, run_number: int | None = None) -> str:
        """Ask for the whole log of one run of a task instance, of its latest without a number."""
        parameters = {"Id": str(task_id)}
        if run_number is not None:
            parameters["RunNumber"] = str(run_number)
        call = Call(
            "GetTaskInstanceLog",
            parameters,
            asked=task_id,
            kind="log of task instance",
            deadline=LOG_DEADLINE,
            max_body=MAX_LOG_BODY,
        )
        return await self.send(call, decode_log)


def _json(value: object) -> str:
    # As the official SDK writes it: compact, non-ASCII as it is.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
