"""From a request to its reply: verification, faults, the operations, and the log of calls.

Checks and filters as documented for the service (2024-05-18), by the parameters that wfinspect sends. How long a
reply takes, and whether it goes out at all, is left to `server`.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from http import HTTPStatus
from random import Random
from typing import TypeVar
from uuid import UUID

from wfinspect.model import MAX_INSTANCE_ID, Direction, Status, zone_of
from wfinspect.simulator.faults import CODES, OUTAGES, PAGES, Fault, Refusal
from wfinspect.simulator.fleet import HOSTILE_TEXT, REGION, TYPES, Population, Record
from wfinspect.simulator.http import HttpReply, HttpRequest, Verifier
from wfinspect.simulator.tasks import (
    BIG_LOG_TASK_ID,
    TASKS_APART,
    Tasks,
    bulk_log,
    log_of,
    neighbours,
)

VERSION = "2024-05-18"
Body = dict[str, object]
_T = TypeVar("_T")


_KEPT_CALLS = 10_000


@dataclass(frozen=True, slots=True)
class ServedCall:
    """One call, after its answer."""

    action: str
    code: str
    """``OK``, the error's Code, or the kind of fault that left no answer of the service."""
    parameters: Mapping[str, str]
    at: datetime


class CallLog:
    """All calls that arrived, whatever became of them; read from any thread."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Count from zero."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._latest: deque[ServedCall] = deque(maxlen=_KEPT_CALLS)

    def add(self, call: ServedCall) -> None:
        """Count a call."""
        self._counts[call.action, call.code] += 1
        self._latest.append(call)

    def count(self, action: str = "", code: str = "") -> int:
        """Count the calls, of one action and one code where these are given."""
        counts = self.counts.items()
        return sum(n for (a, c), n in counts if action in {"", a} and code in {"", c})

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """The number of calls by (action, code)."""
        return dict(self._counts)

    @property
    def latest(self) -> tuple[ServedCall, ...]:
        """The last 10,000 calls, oldest first."""
        return tuple(self._latest)


class Service:
    """The service behind the socket."""

    def __init__(self, population: Population, calls: CallLog, verifier: Verifier) -> None:
        self._population = population
        self._faults = population.faults
        self._calls = calls
        self._verifier = verifier
        self._request_ids = _request_ids()

    def respond(self, request: HttpRequest, now: datetime) -> tuple[HttpReply | None, Fault | None]:
        """Return the reply to a request that arrived at `now`, the machine's own time, and what strikes it.

        None for a reply where the fault is that there is none.
        """
        action = request.headers.get("x-acs-action", "")
        parameters = request.parameters()
        fault = self._faults.take(action)
        kind = fault.kind if fault else ""
        try:
            body = self._perform(request, parameters, now, kind)
            reply, code = answer(body, next(self._request_ids)), "OK"
        except Refusal as refused:
            reply, code = self._refused(refused, fault), refused.code
        is_unusable = kind in OUTAGES | PAGES
        self._calls.add(ServedCall(action, kind if is_unusable else code, parameters, now))
        if kind in PAGES:
            reply = _UNUSABLE.get(kind) or answer({}, reply.headers["x-acs-request-id"])
        return None if kind in OUTAGES else reply, fault

    def _perform(
        self, request: HttpRequest, parameters: Mapping[str, str], now: datetime, fault: str
    ) -> Body:
        # Verified even when a fault strikes: its nonce is used up either way.
        server_now = now + timedelta(seconds=self._faults.clock_offset_seconds)
        key = self._verifier.check(request, server_now)
        if key.security_token and self._faults.is_token_expired:
            raise Refusal("InvalidSecurityToken.Expired")
        if fault in CODES:
            raise Refusal(fault)
        action = request.headers.get("x-acs-action", "")
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
        arguments = Arguments(parameters)
        body = perform(arguments, self._population, now)
        arguments.refuse_unread(action)
        return body

    def _refused(self, refused: Refusal, fault: Fault | None) -> HttpReply:
        suffix = HOSTILE_TEXT if self._faults.is_hostile else ""
        reply = refusal(refused, next(self._request_ids), suffix)
        if fault and fault.retry_after_ms is not None:
            reply.headers["x-acs-retry-after"] = str(fault.retry_after_ms)
        return reply


_MIN_PAGE, _MAX_PAGE = 10, 500
_DIGITS = 20
_COMMON = {"RegionId"}  # what the aliyun CLI and older SDKs send along with every call


class Arguments:
    """The parameters of one call; what is wrong with one of them is raised as a `Refusal`."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters
        self._unread = set(parameters) - _COMMON

    def refuse_unread(self, action: str) -> None:
        """Refuse, by its name, a parameter that no operation has read: none is passed over."""
        if self._unread:
            names = ", ".join(sorted(self._unread))
            raise Refusal("InvalidParameter", f"{action} takes no parameter {names} here.")

    def text(self, name: str) -> str:
        """Return a text as it came, "" where it is missing."""
        self._unread.discard(name)
        return self._parameters.get(name, "")

    def word(self, name: str, words: Collection[str]) -> str:
        """Return one of some words, "" where it is missing."""
        word = self.text(name)
        if word and word not in words:
            raise invalid(name)
        return word

    def number(self, name: str, low: int = 0, high: int = MAX_INSTANCE_ID) -> int | None:
        """Return a number within bounds, None where it is missing."""
        text = self.text(name)
        if not text:
            return None
        is_short = text.isascii() and text.isdigit() and len(text) < _DIGITS
        if not is_short or not low <= int(text) <= high:
            raise invalid(name)
        return int(text)

    def required(self, name: str) -> int:
        """Return a number that can't be missing."""
        number = self.number(name)
        if number is None:
            raise Refusal(f"Missing{name}", f"{name} is mandatory for this action.")
        return number

    def array(self, name: str) -> list[object]:
        """Return a JSON array in one field, as the official SDK writes it; empty where it is missing."""
        return self._json(name, list)

    def numbers(self, name: str) -> list[int]:
        """Return a JSON array of numbers."""
        array = self.array(name)
        if not all(type(item) is int for item in array):
            raise invalid(name)
        return [item for item in array if isinstance(item, int)]

    def status(self) -> str:
        """Return the status in Filter, a JSON object; "" where it is missing."""
        conditions = self._json("Filter", dict)
        status = str(conditions.pop("status", ""))
        if conditions or (status and Status(status) is Status.UNKNOWN):
            raise invalid("Filter")
        return status

    def page(self, found: Sequence[Record], **lists: Callable[[Record], Record]) -> Body:
        """Return the part of what was found that PageNumber and PageSize select, in some lists."""
        number = self.number("PageNumber", 1) or 1
        size = self.number("PageSize", _MIN_PAGE, _MAX_PAGE) or _MIN_PAGE
        part = found[(number - 1) * size : number * size]
        paging: Body = {"PageNumber": number, "PageSize": size, "TotalCount": len(found)}
        shown = {name: [show(record) for record in part] for name, show in lists.items()}
        return {"PagingInfo": {**paging, **shown}}

    def _json(self, name: str, kind: type[_T]) -> _T:
        try:
            loaded = json.loads(self.text(name) or "null")
        except (ValueError, RecursionError):
            raise invalid(name) from None
        if not isinstance(loaded, kind | None):
            raise invalid(name)
        return loaded or kind()


def invalid(name: str) -> Refusal:
    """Return the refusal of a parameter."""
    return Refusal(f"Invalid{name}", f"The specified parameter {name} is not valid.")


ENVIRONMENTS = ("Prod", "Dev")


def get_workflow_instance(arguments: Arguments, population: Population, now: datetime) -> Body:
    """Return one instance by its ID alone."""
    instance_id = arguments.required("Id")
    record = population.record(instance_id, now)
    if record is None:
        message = f"The workflow instance {instance_id} does not exist."
        raise Refusal("InstanceNotFound", message)
    return {"WorkflowInstance": population.disguised(record)}


def list_workflow_instances(arguments: Arguments, population: Population, now: datetime) -> Body:
    """Return a page of a workspace's instances of one business date, by falling IDs.

    Where the documents are silent: without EnvType it is Prod; with Ids the business date still has
    to match.
    """
    ids = arguments.numbers("Ids")
    found = instances(arguments, population, now, ids, "EnvType", "BizDate")
    for matches in _instance_filters(arguments):
        found = [record for record in found if matches(record)]
    found.sort(key=_order, reverse=True)
    return arguments.page(found, WorkflowInstances=population.disguised)


def _order(record: Record) -> tuple[int, int]:
    return int(str(record["Id"])), int(str(record.get("RunNumber", 0)))


def instances(
    arguments: Arguments,
    population: Population,
    now: datetime,
    ids: Collection[int],
    env: str,
    date: str,
) -> list[Record]:
    """Return those of some instances, or of all without IDs, that are of a workspace, environment and date.

    `env` and `date` are what the operation calls these parameters.
    """
    env_type = arguments.word(env, ENVIRONMENTS) or "Prod"
    biz_date = arguments.required(date)
    project_id = arguments.required("ProjectId")
    if project_id not in population.fleet.project_ids:
        raise Refusal("InvalidProject.NotFound")
    return [
        record
        for record in population.records(ids or population.fleet.ids_at(now), now)
        if record.get("ProjectId") == project_id
        and record.get("EnvType") == env_type
        and record.get("BizDate") == biz_date
    ]


def _instance_filters(arguments: Arguments) -> Iterable[Callable[[Record], bool]]:
    given: Record = {
        "WorkflowId": arguments.number("WorkflowId"),
        "UnifiedWorkflowInstanceId": arguments.number("UnifiedWorkflowInstanceId"),
        "Type": arguments.word("Type", TYPES),
        "Owner": arguments.text("Owner"),
        "Status": arguments.status(),
    }
    wanted = {name: value for name, value in given.items() if value not in {None, ""}}.items()
    yield lambda record: wanted <= record.items()
    part = arguments.text("Name").lower()
    yield lambda record: part in str(record.get("Name")).lower()
    if tags := arguments.array("Tags"):
        known = {tuple(str(tag).partition(":")[::2]) for tag in tags}
        yield lambda record: bool(known & _tags(record))


def _day(moment: int) -> date:
    return datetime.fromtimestamp(moment / 1000, zone_of(REGION)).date()


def _tags(record: Record) -> set[tuple[str, ...]]:
    tags = record.get("Tags")
    return {(t["Key"], t["Value"]) for t in tags} if isinstance(tags, list) else set()


def get_task_instance(arguments: Arguments, population: Population, now: datetime) -> Body:
    """Return one task by its ID alone, with its script."""
    task_id = arguments.required("Id")
    tasks = Tasks.of(task_id, population, now)
    (record,) = tasks.current([task_id % TASKS_APART])
    name = record["TaskName"]
    parameters = record.pop("ScriptParameters")
    record |= {
        "Script": {
            "Parameters": parameters,
            "Content": f"INSERT OVERWRITE TABLE {name} PARTITION (dt='${{bizdate}}')\n"
            f"SELECT * FROM {name}_tmp WHERE dt = '${{bizdate}}';",
        },
        "Inputs": {"Variables": [{"Name": "bizdate", "Type": "Constant", "Value": tasks.day}]},
        "Outputs": {"TaskOutputs": [{"Output": f"{record['ProjectId']}.{name}"}], "Variables": []},
        "Tags": [{"Key": "layer", "Value": str(name).partition("_")[0]}],
    }
    return {"TaskInstance": population.disguised(record)}


def get_task_instance_log(arguments: Arguments, population: Population, now: datetime) -> Body:
    """Return the whole log of a task's run, the latest one without RunNumber."""
    task_id = arguments.required("Id")
    number = arguments.number("RunNumber", 1) or 0
    tasks = Tasks.of(task_id, population, now)
    runs = [run for run in tasks.runs(task_id) if number in {0, run.run_number}]
    if not runs:
        raise invalid("RunNumber")
    text = log_of(runs[-1], tasks.day, population.fleet.moment(now))
    text = population.disguised_text(text)
    return {"TaskInstanceLog": bulk_log(text) if task_id == BIG_LOG_TASK_ID else text}


def list_task_instances(arguments: Arguments, population: Population, now: datetime) -> Body:
    """Return a page of the tasks of a workspace and a business date, in Prod unless ProjectEnv says Dev.

    With Id it holds the past runs of that task as well.
    """
    task_id, instance_id = arguments.number("Id"), arguments.number("WorkflowInstanceId")
    wanted = {instance_id} if instance_id else {task_id // TASKS_APART} if task_id else ()
    where = instances(arguments, population, now, wanted, "ProjectEnv", "Bizdate")
    found = [
        record
        for instance in where
        for record in _records(Tasks(population, instance, now), task_id)
    ]
    found.sort(key=_order, reverse=True)
    return arguments.page(found, TaskInstances=population.disguised)


def _records(tasks: Tasks, task_id: int | None) -> list[Record]:
    if task_id is None:
        return tasks.current()
    instance_id, number = divmod(task_id, TASKS_APART)
    if instance_id != tasks.instance_id or not 0 < number <= len(tasks.definitions):
        return []
    return [tasks.record(run) for run in tasks.runs(task_id)]


def list_neighbours(
    direction: Direction, arguments: Arguments, population: Population, now: datetime
) -> Body:
    """Return a page of the tasks that one waits for, or that wait for it, by rising IDs.

    The documents leave the order open.
    """
    found = neighbours(arguments.required("Id"), direction, population, now)

    def shown(record: Record) -> Record:
        task = population.disguised(record)
        return {"DependencyType": task.pop("StepType", None), "TaskInstance": task}

    key = f"{direction.value}TaskInstances"
    return arguments.page(found, **{key: shown, "TaskInstances": population.disguised})


_LOGGED_DAYS = 31


def list_task_instance_operation_logs(
    arguments: Arguments, population: Population, now: datetime
) -> Body:
    """Return a page of what was done to a task by hand on a day, the latest first.

    Where the documents are silent: a day is one of the region's zone, and today is one of the 31.
    """
    task_id = arguments.required("Id")
    today = _day(population.fleet.moment(now))
    at = arguments.number("Date", high=10**13)
    wanted = today if at is None else _day(at)
    if not 0 <= (today - wanted).days < _LOGGED_DAYS:
        raise invalid("Date")
    operations = Tasks.of(task_id, population, now).operations(task_id)
    found = [each for each in operations if _day(int(str(each["CreateTime"]))) == wanted]
    return arguments.page(found, OperationLogs=population.disguised)


OPERATIONS: dict[str, tuple[str, Callable[[Arguments, Population, datetime], Body]]] = {
    "GetWorkflowInstance": ("GET", get_workflow_instance),
    "ListWorkflowInstances": ("POST", list_workflow_instances),
    "GetTaskInstance": ("GET", get_task_instance),
    "GetTaskInstanceLog": ("GET", get_task_instance_log),
    "ListTaskInstances": ("POST", list_task_instances),
    "ListUpstreamTaskInstances": ("GET", partial(list_neighbours, Direction.UPSTREAM)),
    "ListDownstreamTaskInstances": ("GET", partial(list_neighbours, Direction.DOWNSTREAM)),
    "ListTaskInstanceOperationLogs": ("GET", list_task_instance_operation_logs),
}
"""The operations served, each with the only method it takes."""

_SERVED = ", ".join(OPERATIONS)


def _request_ids() -> Iterator[str]:
    """Yield RequestIds of the service's form, the same sequence in each simulator."""
    random = Random(0)
    while True:
        yield str(UUID(int=random.getrandbits(128))).upper()


HOST_ID = "dataworks.cn-shanghai.aliyuncs.com"
_RECOMMEND = "https://api.aliyun.com/troubleshoot?q={code}&product=dataworks-public"

_ACCESS_DENIED_DETAIL = {
    "AuthAction": "dataworks:GetWorkflowInstance",
    "AuthPrincipalType": "SubUser",
    "NoPermissionType": "ImplicitDeny",
}


def answer(body: Body, request_id: str) -> HttpReply:
    return _json(HTTPStatus.OK, {"RequestId": request_id, **body}, request_id)


def refusal(refused: Refusal, request_id: str, suffix: str) -> HttpReply:
    body: Body = {
        "RequestId": request_id,
        "HostId": HOST_ID,
        "Code": refused.code,
        "Message": refused.message + suffix,
        "Recommend": _RECOMMEND.format(code=refused.code),
    }
    if refused.code == "Forbidden.RAM":
        body["AccessDeniedDetail"] = _ACCESS_DENIED_DETAIL
    return _json(refused.status, body, request_id)


def _json(status: int, body: Body, request_id: str) -> HttpReply:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8; its escape is the same character to a JSON reader.
    return HttpReply(
        status, text.encode("utf-8", "backslashreplace"), {"x-acs-request-id": request_id}
    )


_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_UNUSABLE = {
    "html": HttpReply(HTTPStatus.OK, _LOGIN_PAGE, content_type="text/html; charset=utf-8"),
    "not-json": HttpReply(HTTPStatus.OK, b"\x00\xff\xfe garbage"),
}
