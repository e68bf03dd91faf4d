"""What all answers share: the envelope, pages, and scalars as untidy as the service's samples. Pure.

A field that can't be read costs that field only; without an Id there is no reading, only a BadAnswer.
Knows no field of an instance or a task.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, TypeVar

import msgspec

from wfinspect.dataworks.json_bytes import decode, mended, refuse_depth
from wfinspect.errors import BadAnswer, NotFound, ServiceError
from wfinspect.format import shown
from wfinspect.instance import MAX_INSTANCE_ID, Tag, Unreadable
from wfinspect.query import Page

MAX_PARTS = 50_000
"""Fields and objects that an instance or a task may have, however deep."""

_PEEK = 64
_NULL = msgspec.Raw(b"null")
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_Scalar = str | int | float | None
_scalar = msgspec.json.Decoder(_Scalar)
_word = msgspec.json.Decoder(str | None)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_T = TypeVar("_T")


class _TagShape(msgspec.Struct, rename="pascal"):
    key: msgspec.Raw = _NULL
    value: msgspec.Raw = _NULL


_tags = msgspec.json.Decoder(list[_TagShape | None] | None)


class Envelope(msgspec.Struct, rename="pascal"):
    """An answer, its contents still packed; empty bytes stand for a member that it lacks."""

    workflow_instance: msgspec.Raw = msgspec.Raw(b"")
    task_instance: msgspec.Raw = msgspec.Raw(b"")
    task_instance_log: Any = None
    paging_info: msgspec.Raw = msgspec.Raw(b"null")
    request_id: Any = None


class _Page(msgspec.Struct, rename="pascal"):
    workflow_instances: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    task_instances: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    page_size: msgspec.Raw = _NULL
    total_count: msgspec.Raw = _NULL


def opened(body: bytes) -> Envelope:
    """The envelope of an answer."""
    return decode(mended(body), Envelope)


def is_absent(name: str, raw: msgspec.Raw) -> bool:
    """Whether an answer says that there is no such object, by null or ``{}`` in its place.

    Raises:
        BadAnswer: it lacks the member, so it says nothing about the object.
    """
    start = bytes(memoryview(raw)[:_PEEK])
    if not start:
        raise BadAnswer(f"The service's answer holds no {name}: it was not used.")
    return b"".join(start.split()) in {b"null", b"{}"}


def read_page(
    body: bytes,
    read: Callable[[msgspec.Raw], _T],
    key: Callable[[_T], object],
    number: int,
    size: int,
) -> Page[_T]:
    """A page of instances or tasks, in its order, one for each key.

    An item that can't be read is left out, as if it had not been found: it must not hide the
    others, and asking for it singly tells what is wrong with it.

    Args:
        body: the answer.
        read: reads an item.
        key: what two items never share.
        number: the page asked for.
        size: the size asked for; a service may make its pages smaller.

    Raises:
        BadAnswer: it is not what the service documents, or no item can be read.
    """
    envelope = opened(body)
    if bytes(envelope.paging_info) == b"null":
        raise BadAnswer("The service's answer holds no PagingInfo: it was not used.")
    page = decode(envelope.paging_info, _Page)
    total = _count_or_none(page.total_count)
    lists = [
        each for each in (page.workflow_instances, page.task_instances) if each is not msgspec.UNSET
    ]
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
    size = _count_or_none(page.page_size) or size
    is_last = not raws or (len(raws) < size if total is None else number * size >= total)
    return Page(tuple(found.values()), number, total, is_last)


class Field(NamedTuple):
    """A field as the service writes it."""

    read: Callable[[msgspec.Raw], Any]
    """Raises a ValueError for a value that can't be read."""
    paths: tuple[tuple[str, ...], ...]
    """Where it may stand, as names from the outside in: the first place that holds anything counts."""


def shape_of(
    kind: type[Any], **others: Field | Callable[[msgspec.Raw], Any]
) -> Mapping[str, Field]:
    """Say how the fields of a dataclass come: under their own names in Pascal case.

    Args:
        kind: what is "" at first is read by `text`, the rest by `count`; `unknown_fields`,
            `unreadable` and `raw` are not the service's.
        others: the fields that come in another place, or are read by something else.
    """
    shape: dict[str, Field] = {}
    for each in fields(kind):
        if each.name in _OURS:
            continue
        given = others.get(each.name, text if each.default == "" else count)
        name = "".join(part.capitalize() for part in each.name.split("_"))
        shape[each.name] = given if isinstance(given, Field) else Field(given, ((name,),))
    return shape


_OURS = ("unknown_fields", "unreadable", "raw")


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
        BadAnswer: it is no object, has no Id, or is beyond all bounds.
    """
    data = bytes(raw)
    # A few bytes each, they would become many times as much in memory.
    if data.count(b"{") + data.count(b'":') > MAX_PARTS:
        raise BadAnswer("The service's answer holds far too many fields: it was not used.")
    came = decode(raw, dict[str, msgspec.Raw])
    for value in came.values():
        if bytes(memoryview(value)[:1]) in {b"[", b"{"}:
            refuse_depth(bytes(value))
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
    values["raw"] = text_of(raw)
    return values


def text_of(raw: msgspec.Raw) -> str:
    """An object as it came."""
    return bytes(raw).decode("utf-8", "replace")


def count(raw: msgspec.Raw) -> int | None:
    """A whole number above 0; None for what stands for "not yet" or "none".

    Raises:
        ValueError: it is neither.
    """
    value: _Scalar = _scalar.decode(raw)
    if isinstance(value, str):
        value = value.strip()
        if value in {"", "null"}:
            return None
        if not _WHOLE.fullmatch(value):
            raise ValueError("no whole number")
        value = int(value)
    if value is None:
        return None
    if value != int(value) or value > MAX_INSTANCE_ID:
        raise ValueError("no 64-bit whole number")
    return int(value) if value > 0 else None


def text(raw: msgspec.Raw) -> str:
    """A text without the blanks around it; a number that stands in its place as one."""
    return verbatim(raw).strip()


def word(raw: msgspec.Raw) -> str:
    """A text of a fixed set, in whose place a number says nothing."""
    return (_word.decode(raw) or "").strip()


def verbatim(raw: msgspec.Raw) -> str:
    """A text as it came; a number that stands in its place as it was written."""
    value: _Scalar = _scalar.decode(raw)
    if value is None:
        return ""
    return value if isinstance(value, str) else text_of(raw)


def bare_line(raw: msgspec.Raw) -> str:
    """A text without the line breaks that some end in."""
    return verbatim(raw).rstrip("\r\n")


def tags(raw: msgspec.Raw) -> tuple[Tag, ...]:
    """A list of tags."""
    found = _tags.decode(raw) or ()
    return tuple(Tag(bare_line(tag.key), bare_line(tag.value)) for tag in found if tag is not None)


def _count_or_none(raw: msgspec.Raw) -> int | None:
    try:
        return count(raw)
    except ValueError:
        return None


def not_found(
    asked: int, *, kind: str = "workflow instance", code: str = "", request_id: str = ""
) -> NotFound:
    """The sentence for an instance or a task that the service does not know."""
    return NotFound(
        f"The service knows no {kind} {asked} for this account and region: check the "
        "ID, --profile and --region; instances are kept for about 30 days.",
        cause=NotFound.default_cause,
        code=code,
        request_id=request_id,
    )


def request_id_of(value: object) -> str:
    """A RequestId fit for a sentence; "" for anything that is none."""
    return shown(value.strip(), limit=64) if isinstance(value, str) else ""
