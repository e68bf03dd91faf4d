"""What the ID box makes of a text. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from wfinspect.errors import UsageError
from wfinspect.ids import FULL_WIDTH, read_ids
from wfinspect.instance import InstanceId

ACCEPTED = frozenset("0123456789,;. ") | frozenset(map(chr, FULL_WIDTH))
"""What can be typed into the box; everything else is a command."""

_NAMED = 3
"""As many IDs are named; with what Enter does, this fits into 80 cells for IDs of 11 digits."""


class Entry(NamedTuple):
    """A text as the box understands it."""

    ids: tuple[InstanceId, ...] = ()
    remark: str = ""
    """What to tell before it is used; "" where there is nothing to tell."""
    problem: str = ""
    """Why it can't be used."""


def read_entry(text: str) -> Entry:
    """The IDs in a text that was typed or pasted, what to say about them, or why there are none."""
    if not text.strip():
        return Entry(problem="No ID yet: type its digits, Enter looks it up.")
    try:
        ids, source, _ = read_ids(text)
    except UsageError as error:
        return Entry(problem=str(error))
    if source:
        return Entry(ids, f"Found {listed(ids)}  {_enter(ids)}")
    is_as_typed = text.strip() == str(ids[0])
    return Entry(ids, "" if is_as_typed else f"{listed(ids)}  {_enter(ids)}")


def listed(ids: Sequence[InstanceId]) -> str:
    """``3 IDs: 1, 2, 3``, or the first few of many."""
    if len(ids) == 1:
        return str(ids[0])
    named = [str(i) for i in ids]
    if len(ids) > _NAMED:
        named = [*named[: _NAMED - 1], f"... {ids[-1]}"]
    return f"{len(ids)} IDs: {', '.join(named)}"


def _enter(ids: Sequence[InstanceId]) -> str:
    return "Enter opens it" if len(ids) == 1 else "Enter watches all"
