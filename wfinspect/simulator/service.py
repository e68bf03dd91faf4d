"""From a request to its reply: verification, faults, the operations, the count. Belongs to one thread.

Only how long a reply takes and whether it goes out at all is left to the server.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from wfinspect.simulator import answers, operations, task_operations
from wfinspect.simulator.answers import CODES, Body, Refusal, RequestIds
from wfinspect.simulator.arguments import Arguments
from wfinspect.simulator.calls import Call, Calls
from wfinspect.simulator.faults import OUTAGES, PAGES, Fault, Faults
from wfinspect.simulator.population import HOSTILE_TEXT, Population
from wfinspect.simulator.verify import Verifier
from wfinspect.simulator.wire import Reply, Request

VERSION = "2024-05-18"

OPERATIONS: dict[str, tuple[str, Callable[[Arguments, Population, datetime], Body]]] = {
    "GetWorkflowInstance": ("GET", operations.get_workflow_instance),
    "ListWorkflowInstances": ("POST", operations.list_workflow_instances),
    "GetTaskInstance": ("GET", task_operations.get_task_instance),
    "GetTaskInstanceLog": ("GET", task_operations.get_task_instance_log),
    "ListTaskInstances": ("POST", task_operations.list_task_instances),
}
"""The operations served, each with the only method it takes."""

_SERVED = ", ".join(OPERATIONS)

_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server is to do."""

    reply: Reply | None
    """None: nothing goes out; `outage` says how the connection ends."""
    delay_seconds: float = 0.0
    outage: str = ""


class Service:
    """The service behind the socket."""

    def __init__(
        self,
        population: Population,
        faults: Faults,
        calls: Calls,
        verifier: Verifier,
        request_ids: RequestIds,
    ) -> None:
        self._population = population
        self._faults = faults
        self._calls = calls
        self._verifier = verifier
        self._request_ids = request_ids

    def respond(self, request: Request, now: datetime) -> Outcome:
        """Answer one request that arrived at `now`, the machine's own time."""
        action = request.headers.get("x-acs-action", "")
        parameters = request.parameters()
        fault = self._faults.take(action)
        try:
            # Verified even when a fault strikes: its nonce is used up either way.
            server_now = now + timedelta(seconds=self._faults.clock_offset_seconds)
            self._verifier.check(request, server_now)
            body = self._perform(request, parameters, now, fault)
            reply, code = answers.answer(body, self._request_ids.next()), "OK"
        except Refusal as refused:
            reply, code = self._refused(refused, fault), refused.code
        if fault and fault.kind in OUTAGES | PAGES:
            code = fault.kind
        self._calls.add(Call(action, code, parameters, now))
        if fault is None:
            return Outcome(reply)
        if fault.kind in OUTAGES:
            return Outcome(None, outage=fault.kind)
        if fault.kind in PAGES:
            return Outcome(_page(fault.kind, reply, self._request_ids))
        return Outcome(reply, fault.seconds if fault.kind == "slow" else 0.0)

    def _perform(
        self, request: Request, parameters: Mapping[str, str], now: datetime, fault: Fault | None
    ) -> Body:
        action = request.headers.get("x-acs-action", "")
        if fault and fault.kind in CODES:
            raise Refusal(fault.kind)
        if fault and fault.kind == "stale":
            now -= timedelta(seconds=fault.seconds)
        if request.path != "/" or request.headers.get("x-acs-version") != VERSION:
            message = f"Only version {VERSION} at the path / is served."
            raise Refusal("InvalidVersion", message)
        if action and not action.startswith(("Get", "List")):
            raise Refusal("NoPermission")
        if action not in OPERATIONS:
            message = f"{action or 'A call without x-acs-action'} is not served, only {_SERVED}."
            raise Refusal("InvalidAction.NotFound", message)
        method, perform = OPERATIONS[action]
        if request.method != method:
            raise Refusal("UnsupportedHTTPMethod", f"{action} is served by {method} only.")
        asked = Arguments(parameters)
        body = perform(asked, self._population, now)
        asked.refuse_unread(action)
        return body

    def _refused(self, refused: Refusal, fault: Fault | None) -> Reply:
        reply = answers.refusal(
            refused,
            self._request_ids.next(),
            suffix=HOSTILE_TEXT if self._faults.is_hostile else "",
            is_xml=fault is not None and fault.is_xml,
        )
        if fault and fault.retry_after_ms is not None:
            reply.headers["x-acs-retry-after"] = str(fault.retry_after_ms)
        return reply


def _page(kind: str, reply: Reply, request_ids: RequestIds) -> Reply:
    half = reply.body[: len(reply.body) // 2]
    match kind:
        case "html":
            return Reply(HTTPStatus.OK, _LOGIN_PAGE, content_type=_HTML)
        case "bad-gateway":
            return Reply(HTTPStatus.BAD_GATEWAY, _GATEWAY_PAGE, content_type=_HTML)
        case "truncated":
            return Reply(reply.status, half, reply.headers)
        case "cut":
            return Reply(reply.status, half, reply.headers, missing=len(reply.body) - len(half))
        case "not-json":
            return Reply(HTTPStatus.OK, b"\x00\xff\xfe garbage")
        case _:
            return answers.answer({}, request_ids.next())
