"""What all answers share: the envelope, pages, and scalars as untidy as the service's samples. Pure.

An odd answer is a BadAnswer, never half a reading. Knows no field of an instance or a task.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import fields
from typing import Annotated, Any, TypeVar

import msgspec

from wfinspect.dataworks.json_bytes import decode, mended, refuse_depth
from wfinspect.errors import BadAnswer, NotFound, ServiceError
from wfinspect.format import shown
from wfinspect.instance import MAX_INSTANCE_ID, Tag
from wfinspect.query import Page

MAX_PARTS = 50_000
"""Fields and objects that an instance or a task may have, however deep."""

_PEEK = 64
Number = Annotated[int | float | str | None, msgspec.Meta(description="whole, above 0")]
"""A field that is read by `count`; told from others by being this very object."""
Text = str | int | float | None
_T = TypeVar("_T")


class TagShape(msgspec.Struct, rename="pascal"):
    """A tag as it comes."""

    key: Text = None
    value: Text = None


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
    page_size: Number = None
    total_count: Number = None


def opened(body: bytes) -> Envelope:
    """The envelope of an answer."""
    return decode(mended(body), Envelope)


def is_absent(name: str, raw: msgspec.Raw) -> bool:
    """Whether an answer says that there is no such object, by null or ``{}`` in its place.

    Raises:
        BadAnswer: it lacks the member, so it says nothing about the object.
    """
    if not bytes(raw):
        raise BadAnswer(f"The service's answer holds no {name}: it was not used.")
    return b"".join(bytes(raw)[:_PEEK].split()) in {b"null", b"{}"}


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
    total = count("TotalCount", page.total_count)
    lists = [
        each for each in (page.workflow_instances, page.task_instances) if each is not msgspec.UNSET
    ]
    # Without its list, only a count of 0 says that there is nothing to list.
    if not lists and str(page.total_count).strip() != "0":
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
    size = count("PageSize", page.page_size) or size
    is_last = not raws or (len(raws) < size if total is None else number * size >= total)
    return Page(tuple(found.values()), number, total, is_last)


def shape_of(kind: type[Any], **others: Any) -> type[msgspec.Struct]:  # noqa: ANN401 - any type
    """The fields of a dataclass as the service writes them, in Pascal case.

    Args:
        kind: what is "" at first becomes `Text`, the rest `Number`; `unknown_fields` and `raw` are ours.
        others: types of fields beside or instead of those, None for one that is not written so.
    """
    types: dict[str, Any] = {
        each.name: Text if each.default == "" else Number for each in fields(kind)
    }
    types |= {"tags": list[TagShape | None] | None, "unknown_fields": None, "raw": None} | others
    written = [(name, wanted, None) for name, wanted in types.items() if wanted is not None]
    return msgspec.defstruct(kind.__name__, written, rename="pascal")


def values_of(
    raw: msgspec.Raw,
    shape: type[msgspec.Struct],
    *,
    verbatim: Collection[str] = (),
    left_in_raw: Collection[str] = (),
) -> dict[str, Any]:
    """The fields of an object by our names, with `unknown_fields` and `raw`.

    Args:
        raw: the object.
        shape: its fields; those of type `Number` are whole numbers above 0, else None.
        verbatim: those whose text is kept with the blanks around it.
        left_in_raw: documented names, as the service writes them, that the shape lacks.

    Raises:
        BadAnswer: it is not what the service documents, or has no Id.
    """
    data = bytes(raw)
    # A few bytes each, they would become many times as much in memory.
    if data.count(b"{") + data.count(b'":') > MAX_PARTS:
        raise BadAnswer("The service's answer holds far too many fields: it was not used.")
    fields = decode(raw, shape)
    known = dict(zip(shape.__struct_encode_fields__, shape.__struct_fields__, strict=True))
    values: dict[str, Any] = {}
    for wire_name, name in known.items():
        value = getattr(fields, name)
        if shape.__annotations__[name] is Number:
            values[name] = count(wire_name, value)
        elif isinstance(value, msgspec.Struct | list):
            values[name] = value
        else:
            values[name] = text(value) if name in verbatim else text(value).strip()
    if values["id"] is None:
        raise BadAnswer("The service's answer holds an instance without an Id: it was not used.")
    others = decode(raw, dict[str, msgspec.Raw]).items()
    beyond = {name: bytes(value) for name, value in others if name not in known}
    for value in beyond.values():
        refuse_depth(value)
    values["unknown_fields"] = tuple(name for name in beyond if name not in left_in_raw)
    values["raw"] = text_of(raw)
    return values


def text_of(raw: msgspec.Raw) -> str:
    """An object as it came."""
    return bytes(raw).decode("utf-8", "replace")


def count(name: str, value: Number) -> int | None:
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


def text(value: Text) -> str:
    """A text; a number that stands in its place as one."""
    return "" if value is None else str(value)


def tags_of(tags: Iterable[TagShape | None]) -> tuple[Tag, ...]:
    """Tags, without the line breaks some end in."""
    return tuple(
        Tag(text(tag.key).rstrip("\r\n"), text(tag.value).rstrip("\r\n"))
        for tag in tags
        if tag is not None
    )


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
