"""From the bytes of an answer to instances, tasks, dependencies and logs: pure functions.

An answer is read in two steps: its members, each object still packed, and then the fields of each object.

A field that can't be read costs that field only; anything else that is not what the service documents is a
BadAnswer with one sentence.
"""

import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import msgspec

from wfinspect.errors import BadAnswer, NotFound, ServiceError
from wfinspect.format import shown
from wfinspect.model import (
    MAX_INSTANCE_ID,
    MAX_STATUS,
    SHARED,
    SHARED_VALUES,
    Dependency,
    InstanceId,
    OperationLog,
    Page,
    Tag,
    TaskInstance,
    Unreadable,
    WorkflowInstance,
    pack,
    service_name,
    shared,
)

_NULL = msgspec.Raw(b"null")
_T = TypeVar("_T")


class _Found(msgspec.Struct, rename="pascal"):
    """The answer to a Get, its object still packed; empty bytes stand for a member that it lacks."""

    workflow_instance: msgspec.Raw = msgspec.Raw(b"")
    task_instance: msgspec.Raw = msgspec.Raw(b"")
    task_instance_log: Any = None
    request_id: Any = None


class _Lists(msgspec.Struct, rename="pascal"):
    """What a page may list."""

    workflow_instances: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    upstream_task_instances: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    downstream_task_instances: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    operation_logs: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    task_instances: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    """The last, since a list of dependencies has it as well, in a form that is deprecated."""


class _PagingInfo(_Lists):
    page_size: msgspec.Raw = _NULL
    total_count: msgspec.Raw = _NULL


class _Listed(msgspec.Struct, rename="pascal"):
    """The answer to a List, its objects still packed."""

    paging_info: _PagingInfo | None = None


def decode_instance(body: bytes, requested_id: InstanceId) -> WorkflowInstance:
    """Return the instance in an answer of GetWorkflowInstance.

    Raises:
        NotFound: the answer says that there is none.
        BadAnswer: it is not what the service documents, or holds another instance.
    """
    found = _decoded(repaired(body), _Found)
    raw = _present(found, found.workflow_instance, "workflow instance", requested_id)
    return _requested(_instance(raw), "instance", requested_id)


def decode_page(body: bytes, number: int = 1, size: int = 10) -> Page[WorkflowInstance]:
    """Return the instances in an answer of ListWorkflowInstances; see `_page_of`."""
    return _page_of(body, _instance, lambda instance: instance.id, number, size)


def decode_task(body: bytes, requested_id: int) -> TaskInstance:
    """Return the task in an answer of GetTaskInstance; raises as `decode_instance`."""
    found = _decoded(repaired(body), _Found)
    raw = _present(found, found.task_instance, "task instance", requested_id)
    return _requested(_task(raw), "task instance", requested_id)


def decode_tasks(body: bytes, number: int, size: int) -> Page[TaskInstance]:
    """Return the tasks in an answer of ListTaskInstances, also several runs of one task."""
    return _page_of(body, _task, lambda task: (task.id, task.run_number), number, size)


def decode_dependencies(body: bytes, number: int, size: int) -> Page[Dependency]:
    """Return the neighbours in an answer of ListUpstreamTaskInstances or its downstream twin."""
    return _page_of(body, _dependency, lambda each: (each.task.id, each.type), number, size)


def decode_operations(body: bytes, number: int, size: int) -> Page[OperationLog]:
    """Return what was done, in an answer of ListTaskInstanceOperationLogs."""
    return _page_of(body, _operation, lambda each: each, number, size)


def decode_log(body: bytes) -> str:
    """Return the text in an answer of GetTaskInstanceLog, "" while there is none."""
    log = _decoded(repaired(body), _Found).task_instance_log
    if log is None or isinstance(log, str):
        return log or ""
    raise BadAnswer("The service's answer holds a log that is not text: it was not used.")


def not_found(
    requested_id: int, *, kind: str = "workflow instance", code: str = "", request_id: str = ""
) -> NotFound:
    """Return the error for an instance or a task that the service does not know."""
    return NotFound(
        f"The service has no {kind} {requested_id} for this account and region: check the "
        "ID, --profile and --region; instances are kept for about 30 days.",
        cause=NotFound.default_cause,
        code=code,
        request_id=request_id,
    )


_PEEK = 64


def _present(found: _Found, raw: msgspec.Raw, kind: str, requested_id: int) -> msgspec.Raw:
    """Return an object of an answer, unless null or ``{}`` in its place say that there is none.

    Raises:
        NotFound: there is none.
        BadAnswer: the answer lacks the member, so it says nothing about the object.
    """
    start = bytes(memoryview(raw)[:_PEEK])
    if not start:
        name = kind.title().replace(" ", "")
        raise BadAnswer(f"The service's answer holds no {name}: it was not used.")
    if b"".join(start.split()) in {b"null", b"{}"}:
        raise not_found(requested_id, kind=kind, request_id=request_id_of(found.request_id))
    return raw


_Item = TypeVar("_Item", WorkflowInstance, TaskInstance)


def _requested(item: _Item, kind: str, requested_id: int) -> _Item:
    if item.id != requested_id:
        raise BadAnswer(
            f"The service answered with {kind} {item.id} in place of {requested_id}: the answer was not used."
        )
    return item


def request_id_of(value: object) -> str:
    """Return a RequestId fit for a sentence; "" for anything but a text."""
    return shown(value.strip(), limit=64) if isinstance(value, str) else ""


def _page_of(
    body: bytes,
    read: Callable[[msgspec.Raw], _T],
    key: Callable[[_T], object],
    number: int,
    size: int,
) -> Page[_T]:
    """Return a page of items in its order, one for each key.

    An item that can't be read is left out, as if it had not been found: it must not hide the
    others, and a Get of it says what is wrong with it.

    Args:
        body: the answer.
        read: reads an item.
        key: what two items never share.
        number: the page that was requested.
        size: the size that was requested; a service may make its pages smaller.

    Raises:
        BadAnswer: it is not what the service documents, or no item can be read.
    """
    page = _decoded(repaired(body), _Listed).paging_info
    if page is None:
        raise BadAnswer("The service's answer holds no PagingInfo: it was not used.")
    total = _or_nothing(count, page.total_count)
    every = (getattr(page, name) for name in _Lists.__struct_fields__)
    lists: list[list[msgspec.Raw] | None] = [each for each in every if each is not msgspec.UNSET]
    # Without its list, only a count of 0 says that there is nothing to list.
    if not lists and bytes(page.total_count).strip(b' "') != b"0":
        raise BadAnswer("The service's answer holds a page without its list: it was not used.")
    raws = next((each for each in lists if each), ())
    found: dict[object, _T] = {}
    trouble: ServiceError | None = None
    for raw in raws:
        try:
            item = read(raw)
        except BadAnswer as error:
            trouble = error
        else:
            found[key(item)] = item
    if trouble is not None and not found:
        raise trouble
    size = _or_nothing(count, page.page_size) or size
    is_last = not raws or (len(raws) < size if total is None else number * size >= total)
    return Page(tuple(found.values()), number, total, is_last)


# The readings that are in use, by a digest of their text: most of an answer says the same as before.
_in_use: WeakValueDictionary[bytes, WorkflowInstance] = WeakValueDictionary()


def _instance(raw: msgspec.Raw) -> WorkflowInstance:
    digest = blake2b(raw, digest_size=16).digest()
    as_before = _in_use.get(digest)
    if as_before is not None:
        return as_before
    values = values_of(raw, _INSTANCE)
    if not values.get("status"):
        raise BadAnswer(
            f"The service gave instance {values['id']} without a Status that can be read: the "
            "answer was not used."
        )
    values |= {name: sys.intern(values[name]) for name in SHARED if name in values}
    values |= {name: shared(values[name]) for name in SHARED_VALUES if name in values}
    values["packed"] = pack(values.pop("raw"))
    instance = _in_use[digest] = WorkflowInstance(**values)
    return instance


def _task(raw: msgspec.Raw) -> TaskInstance:
    values = values_of(raw, _TASK, left_in_raw=_LEFT_IN_RAW)
    values |= {name: sys.intern(values[name]) for name in _SHARED_BY_TASKS if name in values}
    values |= {name: shared(values[name]) for name in _SHARED_TASK_NUMBERS if name in values}
    return TaskInstance(**values)


_SHARED_BY_TASKS = ("workflow_name", "env_type")
_SHARED_TASK_NUMBERS = ("project_id", "workflow_id", "workflow_instance_id", "biz_date")


class _DependencyShape(msgspec.Struct, rename="pascal"):
    task_instance: msgspec.Raw = msgspec.Raw(b"")
    dependency_type: msgspec.Raw = _NULL
    step_type: msgspec.Raw = _NULL


def _dependency(raw: msgspec.Raw) -> Dependency:
    found = _decoded(raw, _DependencyShape)
    if task := found.task_instance:
        return Dependency(_task(task), _or_nothing(word, found.dependency_type) or "")
    # The deprecated form, which is the task itself.
    return Dependency(_task(raw), _or_nothing(word, found.step_type) or "")


class _OperationShape(msgspec.Struct, rename="pascal"):
    task_instance_id: msgspec.Raw = _NULL
    operation_content: msgspec.Raw = _NULL
    user: msgspec.Raw = _NULL
    create_time: msgspec.Raw = _NULL
    operation_seq: msgspec.Raw = _NULL


def _operation(raw: msgspec.Raw) -> OperationLog:
    found = _decoded(raw, _OperationShape)
    log = OperationLog(
        _or_nothing(count, found.task_instance_id),
        _or_nothing(text, found.operation_content) or "",
        _or_nothing(text, found.user) or "",
        _or_nothing(count, found.create_time),
        _or_nothing(count, found.operation_seq),
    )
    if not any(log[1:]):
        raise BadAnswer("The service's answer holds an operation of which nothing can be read.")
    return log


MAX_PARTS = 50_000
"""Fields and objects that an instance or a task may have, however deep."""


class Field(NamedTuple):
    """A field as the service writes it."""

    read: Callable[[msgspec.Raw], Any]
    """Raises a ValueError for a value that can't be read."""
    paths: tuple[tuple[str, ...], ...]
    """Where it may stand, as names from the outside in: the first place that holds anything counts."""


def values_of(
    raw: msgspec.Raw, shape: Mapping[str, Field], *, left_in_raw: Collection[str] = ()
) -> dict[str, Any]:
    """Read the fields of an object by our names, with those that `shape_of` leaves out.

    A field that can't be read is missing, and named in `unreadable`.

    Args:
        raw: the object.
        shape: its fields.
        left_in_raw: documented names, as the service writes them, that the shape lacks.

    Raises:
        BadAnswer: it is not an object, has no Id, or is beyond all bounds.
    """
    data = bytes(raw)
    # A few bytes each, they would become many times as much in memory.
    if data.count(b"{") + data.count(b'":') > MAX_PARTS:
        raise BadAnswer("The service's answer holds far too many fields: it was not used.")
    came = _decoded(raw, dict[str, msgspec.Raw])
    for value in came.values():
        if bytes(memoryview(value)[:1]) in {b"[", b"{"}:
            _refuse_depth(bytes(value))
    values: dict[str, Any] = {}
    unreadable: list[Unreadable] = []
    for name, field in shape.items():
        for path in field.paths:
            value = came.get(path[0], _NULL)
            try:
                for step in path[1:]:
                    value = (_object.decode(value) or {}).get(step, _NULL)
                values[name] = field.read(value)
            except ValueError:
                values.pop(name, None)
                unreadable.append(Unreadable(name, text_of(value)))
                break
            if values[name]:
                break
    if values.get("id") is None:
        raise BadAnswer(
            "The service's answer holds an object without an Id that can be read: it was not used."
        )
    known = {path[0] for field in shape.values() for path in field.paths}.union(left_in_raw)
    values["unknown_fields"] = tuple(name for name in came if name not in known)
    values["unreadable"] = tuple(unreadable)
    # Of the copy made above: an answer of 8 MiB is held often enough.
    values["raw"] = data.decode("utf-8", "replace")
    return values


def shape_of(
    kind: type[Any], **others: Field | Callable[[msgspec.Raw], Any]
) -> Mapping[str, Field]:
    """Return where the fields of a class stand: under their own names in Pascal case.

    Args:
        kind: a dataclass or named tuple; fields with the default "" are read by `text`, the rest by
            `count`; `unknown_fields`, `unreadable` and `raw` are not the service's.
        others: the fields that stand in another place, or are read by something else.
    """
    shape: dict[str, Field] = {}
    defaults = (
        {each.name: each.default for each in fields(kind)}
        if is_dataclass(kind)
        else dict.fromkeys(kind._fields) | kind._field_defaults
    )
    for name, default in defaults.items():
        if name in _OURS:
            continue
        given = others.get(name, text if default == "" else count)
        here = ((service_name(name),),)
        shape[name] = given if isinstance(given, Field) else Field(given, here)
    return shape


_OURS = ("unknown_fields", "unreadable", "raw", "packed")

# The readers of single values.
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_Scalar = str | int | float | None
_scalar = msgspec.json.Decoder(_Scalar)
_word = msgspec.json.Decoder(str | None)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


class _TagShape(msgspec.Struct, rename="pascal"):
    key: msgspec.Raw = _NULL
    value: msgspec.Raw = _NULL


_tags = msgspec.json.Decoder(list[_TagShape | None] | None)


def count(raw: msgspec.Raw) -> int | None:
    """Read a whole number above 0; None for what stands for "not yet" or "none".

    Raises:
        ValueError: it is neither.
    """
    value: _Scalar = _scalar.decode(raw)
    if isinstance(value, str):
        value = value.strip()
        if value in {"", "null"}:
            return None
        if not _WHOLE.fullmatch(value):
            raise ValueError("not a whole number")
        value = int(value)
    if value is None:
        return None
    if value != int(value) or value > MAX_INSTANCE_ID:
        raise ValueError("not a whole number of 64 bits")
    return int(value) if value > 0 else None


def text(raw: msgspec.Raw) -> str:
    """Read a text without the blanks around it; a number that stands in its place as one."""
    return verbatim(raw).strip()


def word(raw: msgspec.Raw) -> str:
    """Read a text of a fixed set, in whose place a number says nothing."""
    return (_word.decode(raw) or "").strip()


def verbatim(raw: msgspec.Raw) -> str:
    """Read a text as it came; a number that stands in its place as it was written."""
    value: _Scalar = _scalar.decode(raw)
    if value is None:
        return ""
    return value if isinstance(value, str) else text_of(raw)


def bare_line(raw: msgspec.Raw) -> str:
    """Read a text without the line breaks that some end in."""
    return verbatim(raw).rstrip("\r\n")


def tags(raw: msgspec.Raw) -> tuple[Tag, ...]:
    found = _tags.decode(raw) or ()
    return tuple(
        Tag(sys.intern(bare_line(tag.key)), sys.intern(bare_line(tag.value)))
        for tag in found
        if tag is not None
    )


def _status(raw: msgspec.Raw) -> str:
    return text(raw)[:MAX_STATUS]


def _or_nothing(read: Callable[[msgspec.Raw], _T | None], raw: msgspec.Raw) -> _T | None:
    try:
        return read(raw)
    except ValueError:
        return None


def text_of(raw: msgspec.Raw) -> str:
    """Return an object as it came."""
    return bytes(raw).decode("utf-8", "replace")


# What an instance and a task are made of.


_INSTANCE = shape_of(
    WorkflowInstance,
    name=bare_line,
    status=_status,
    type=word,
    env_type=word,
    workflow_parameters=verbatim,
    tags=tags,
)

_TASK = shape_of(
    TaskInstance,
    status=_status,
    description=verbatim,
    tags=tags,
    process_id=Field(text, (("Runtime", "ProcessId"),)),
    gateway=Field(text, (("Runtime", "Gateway"),)),
    resource_group_id=Field(text, (("RuntimeResource", "ResourceGroupId"),)),
    script_content=Field(verbatim, (("Script", "Content"),)),
    script_parameters=Field(verbatim, (("ScriptParameters",), ("Script", "Parameters"))),
    workflow_name=bare_line,
    biz_date=Field(count, (("Bizdate",),)),
    env_type=Field(word, (("EnvType",), ("ProjectEnv",))),
)

# Much data, and what the instance or its dependency says.
_LEFT_IN_RAW = (
    "DataSource", "Inputs", "Outputs", "StepType", "UnifiedWorkflowInstanceId", "WorkflowInstanceType",
)  # fmt: skip

# Bytes that should be JSON: repaired where services are known to cut, and bounded.
MAX_DEPTH = 64
"""Levels of nesting that an answer may have."""

_BACKSLASH = ord("\\")
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]')


def _decoded(data: bytes | msgspec.Raw, wanted: type[_T]) -> _T:
    """Read JSON as a type; raise a BadAnswer where it is not JSON, or not of that type."""
    try:
        return msgspec.json.decode(data, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_json(bytes(data), error) from None


def repaired(body: bytes) -> bytes:
    r"""Return a body with its lone surrogate escapes replaced by U+FFFD, and without a byte order mark.

    Services that cut text in UTF-16 units leave halves such as ``\ud83d`` behind; one such name
    must not make an instance unreadable. An instance's raw text holds the replacement, too.
    """
    return _HALVES.sub(_whole, body.removeprefix(b"\xef\xbb\xbf"))


# Every match begins with the same bytes, so that a log of 32 MiB is searched in a moment.
_HALVES = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|[89a-fA-F][0-9a-fA-F]{2})"
)


def _whole(match: re.Match[bytes]) -> bytes:
    before = match.start()
    while before and match.string[before - 1] == _BACKSLASH:
        before -= 1
    if (match.start() - before) % 2 == 0:
        return match[0] if match["low"] else b"\\ufffd"
    # The first backslash is itself escaped: what follows it is text, and a second half is alone.
    return match[0].replace(match["low"], b"\\ufffd") if match["low"] else match[0]


def bad_json(body: bytes, error: Exception) -> BadAnswer:
    """Return the error for a body that is not the JSON it should be."""
    start = body[:200].lstrip()
    if not start:
        return BadAnswer("The service's answer is empty: it was not used.")
    if start.startswith(b"<"):
        return BadAnswer(
            "The answer is a web page and not the service's JSON: check whether a proxy or a login "
            "page is in the way."
        )
    if isinstance(error, RecursionError):
        return _too_deep()
    why = shown(str(error), limit=120)
    return BadAnswer(f"The service's answer can't be read ({why}): it was not used.")


def _refuse_depth(data: bytes) -> None:
    """Raise a BadAnswer for JSON that is nested beyond MAX_DEPTH."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRUCTURE.finditer(data):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise _too_deep()


def _too_deep() -> BadAnswer:
    return BadAnswer("The service's answer is nested too deeply to be read: it was not used.")
