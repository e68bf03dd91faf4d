"""The service's JSON to instances; the only place that knows the names in it. Pure.

Tolerant where the service's own samples are untidy (quoted numbers, account IDs as numbers, nulls,
trailing newlines), strict about everything else: an odd answer is a BadAnswer, never half a reading.
"""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from wfinspect.errors import BadAnswer, NotFound, ServiceError
from wfinspect.format import shown
from wfinspect.instance import MAX_INSTANCE_ID, InstanceId, Tag, WorkflowInstance

MAX_DEPTH = 64
"""Levels of nesting that an answer may have."""

_Number = int | float | str | None
_Text = str | int | float | None
_T = TypeVar("_T")


class _Tag(msgspec.Struct, rename="pascal"):
    key: _Text = None
    value: _Text = None


class _Instance(msgspec.Struct, rename="pascal"):
    id: _Number = None
    name: _Text = None
    status: _Text = None
    type: _Text = None
    env_type: _Text = None
    workflow_id: _Number = None
    workflow_task_instance_id: _Number = None
    unified_workflow_instance_id: _Number = None
    project_id: _Number = None
    biz_date: _Number = None
    started_time: _Number = None
    finished_time: _Number = None
    create_time: _Number = None
    modify_time: _Number = None
    owner: _Text = None
    create_user: _Text = None
    modify_user: _Text = None
    workflow_parameters: _Text = None
    tags: list[_Tag | None] | None = None


class _Envelope(msgspec.Struct, rename="pascal"):
    workflow_instance: msgspec.Raw = msgspec.Raw(b"null")
    paging_info: msgspec.Raw = msgspec.Raw(b"null")
    request_id: Any = None


class _Page(msgspec.Struct, rename="pascal"):
    workflow_instances: list[msgspec.Raw] | None = None


_KNOWN = frozenset(_Instance.__struct_encode_fields__)
_ABSENT = frozenset({b"null", b"{}"})


def decode_instance(body: bytes, asked: InstanceId) -> WorkflowInstance:
    """The instance in an answer of GetWorkflowInstance.

    Raises:
        NotFound: the answer holds no instance.
        BadAnswer: it is not what the service documents, or holds another instance.
    """
    envelope = _decode(mended(body), _Envelope)
    raw = bytes(envelope.workflow_instance)
    if re.sub(rb"\s", b"", raw) in _ABSENT:
        raise not_found(asked, request_id=request_id_of(envelope.request_id))
    instance = _instance(envelope.workflow_instance)
    if instance.id != asked:
        raise BadAnswer(
            f"The service was asked for instance {asked} and answered with {instance.id}: the "
            "answer was not used."
        )
    return instance


def decode_page(body: bytes) -> tuple[WorkflowInstance, ...]:
    """The instances in an answer of ListWorkflowInstances, in its order.

    An item that can't be read is left out, as if it had not been found: it must not hide the
    others, and asking for it singly tells what is wrong with it.

    Raises:
        BadAnswer: it is not what the service documents, or no item can be read.
    """
    envelope = _decode(mended(body), _Envelope)
    if bytes(envelope.paging_info) == b"null":
        raise BadAnswer("The service's answer holds no PagingInfo: it was not used.")
    found: dict[InstanceId, WorkflowInstance] = {}
    trouble: ServiceError | None = None
    for raw in _decode(envelope.paging_info, _Page).workflow_instances or ():
        try:
            instance = _instance(raw)
        except BadAnswer as error:
            trouble = error
        else:
            found[instance.id] = instance
    if trouble is not None and not found:
        raise trouble
    return tuple(found.values())


def not_found(asked: InstanceId, *, code: str = "", request_id: str = "") -> NotFound:
    """The sentence for an instance that the service does not know."""
    return NotFound(
        f"The service knows no workflow instance {asked} for this account and region: check the "
        "ID, --profile and --region; instances are kept for about 30 days.",
        code=code,
        request_id=request_id,
    )


def request_id_of(value: object) -> str:
    """A RequestId fit for a sentence; "" for anything that is none."""
    return shown(value.strip(), limit=64) if isinstance(value, str) else ""


def mended(body: bytes) -> bytes:
    r"""A body with its lone surrogate escapes replaced by U+FFFD, and without a byte order mark.

    Services that cut text in UTF-16 units leave halves such as ``\ud83d`` behind; one such name
    must not make an instance unreadable. An instance's raw text holds the replacement, too.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda m: b"\\ufffd" if m["lone"] else m[0], body)


_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def _decode(data: bytes | msgspec.Raw, wanted: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_json(bytes(data), error) from None


def bad_json(body: bytes, error: Exception) -> BadAnswer:
    """The sentence for a body that is not the JSON it should be."""
    start = body[:200].lstrip()
    if not start:
        return BadAnswer("The service's answer is empty: it was not used.")
    if start.startswith(b"<"):
        return BadAnswer(
            "The answer is a web page and not the service's JSON: is a login page or a proxy in "
            "the way?"
        )
    if isinstance(error, RecursionError):
        return BadAnswer("The service's answer is nested too deeply to be read: it was not used.")
    why = shown(str(error), limit=120)
    return BadAnswer(f"The service's answer can't be read ({why}): it was not used.")


def _instance(raw: msgspec.Raw) -> WorkflowInstance:
    fields = _decode(raw, _Instance)
    unknown = tuple(
        _checked(name, value)
        for name, value in _decode(raw, dict[str, msgspec.Raw]).items()
        if name not in _KNOWN
    )
    number = _count("Id", fields.id)
    if number is None:
        raise BadAnswer("The service's answer holds an instance without an Id: it was not used.")
    return WorkflowInstance(
        id=InstanceId(number),
        name=_line(fields.name),
        status=_line(fields.status).strip(),
        type=_line(fields.type).strip(),
        env_type=_line(fields.env_type).strip(),
        workflow_id=_count("WorkflowId", fields.workflow_id),
        workflow_task_instance_id=_count(
            "WorkflowTaskInstanceId", fields.workflow_task_instance_id
        ),
        unified_workflow_instance_id=_count(
            "UnifiedWorkflowInstanceId", fields.unified_workflow_instance_id
        ),
        project_id=_count("ProjectId", fields.project_id),
        biz_date=_count("BizDate", fields.biz_date),
        started_time=_count("StartedTime", fields.started_time),
        finished_time=_count("FinishedTime", fields.finished_time),
        create_time=_count("CreateTime", fields.create_time),
        modify_time=_count("ModifyTime", fields.modify_time),
        owner=_line(fields.owner).strip(),
        create_user=_line(fields.create_user).strip(),
        modify_user=_line(fields.modify_user).strip(),
        workflow_parameters=_text(fields.workflow_parameters),
        tags=_tags(fields.tags or ()),
        unknown_fields=unknown,
        raw=bytes(raw).decode("utf-8", "replace"),
    )


def _count(name: str, value: _Number) -> int | None:
    """A whole number above 0; None for what stands for "not yet" or "none"."""
    if isinstance(value, str):
        value = value.strip()
        if value in {"", "null"}:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,40}", value):
            raise BadAnswer(f"The service's answer holds a {name} that is no whole number.")
        value = int(value)
    if value is None:
        return None
    if value != int(value) or value > MAX_INSTANCE_ID:
        raise BadAnswer(f"The service's answer holds a {name} that is no 64-bit whole number.")
    return int(value) if value > 0 else None


def _text(value: _Text) -> str:
    return "" if value is None else str(value)


def _line(value: _Text) -> str:
    return _text(value).rstrip("\r\n")


def _tags(tags: Iterable[_Tag | None]) -> tuple[Tag, ...]:
    return tuple(Tag(_line(tag.key), _line(tag.value)) for tag in tags if tag is not None)


_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


def _checked(name: str, value: msgspec.Raw) -> str:
    """The name of an unknown field whose value is not nested beyond MAX_DEPTH."""
    data = bytes(value)
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return name
    depth = 0
    for token in _STRUCTURE.finditer(data):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise BadAnswer(
                "The service's answer is nested too deeply to be read: it was not used."
            )
    return name
