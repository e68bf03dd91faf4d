"""IDs out of what people type and paste. Pure."""

import re

from wfinspect.errors import UsageError
from wfinspect.instance import MAX_INSTANCE_ID, InstanceId

MAX_RANGE = 100
"""IDs one range may stand for."""

FULL_WIDTH = {0xFF10 + n: str(n) for n in range(10)} | {0xFF0C: ",", 0x3001: ",", 0xFF1B: ";"}
"""Digits and commas as an input method for Chinese or Japanese types them, for `str.translate`."""

_SEPARATOR = re.compile(r"[\s,;]+")
_ID = re.compile(r"[0-9]+")
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")
_GROUPED = re.compile(r"(?<!\w)(?<!\w,)[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}(?!,?\w)")
_NEGATIVE = re.compile(r"[-\u2212][0-9]+")
_DIGITS = re.compile(r"(?<![\w.])[0-9]{5,}(?![\w]|\.[0-9])", re.ASCII)
_IN_URL = re.compile(r"(?<=[=/#:])[0-9]{5,}(?![0-9A-Za-z_])")
_PLACE = re.compile(r"(?:project|workspace)_?(?:id)?[=/:]\Z", re.IGNORECASE)
_DATE = re.compile(r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([0-9]{6})?")


def parse_ids(text: str) -> tuple[InstanceId, ...]:
    """Read an ID, a list (``1,2 3``) or ranges (``100..120``), in order and without repeats.

    ``10,432,987,165`` is one ID, as a spreadsheet writes it: no ID is as short as its groups.

    Raises:
        UsageError: with one sentence that quotes the part that can't be read.
    """
    text = _ungrouped(text.translate(FULL_WIDTH))
    parts = [part for part in _SEPARATOR.split(text) if part]
    if not parts:
        raise UsageError("No instance ID was given: type its digits, e.g. 10432987165.")
    found: dict[InstanceId, None] = {}
    for part in parts:
        if bounds := _RANGE.fullmatch(part):
            found.update(dict.fromkeys(_range(part, _number(bounds[1]), _number(bounds[2]))))
        else:
            found[_number(part)] = None
    return tuple(found)


def find_ids(text: str) -> tuple[InstanceId, ...]:
    """The IDs in text with other things around them, such as a copied console line or a link.

    A number of five digits or more that stands alone, or as a value in a link, counts; what reads
    as a date (20260917, 20260917143000) or names a workspace (projectId=88123) counts only if
    nothing else does; last of all a number in groups (10,432,987,165). Never raises.
    """
    text = text.translate(FULL_WIDTH)
    return _found(text) or _found(_ungrouped(text))


def read_number(text: str) -> int | None:
    """A number of the range that IDs are of, written in digits; None for any other text."""
    is_short = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_INSTANCE_ID))
    return int(text) if is_short and 0 < int(text) <= MAX_INSTANCE_ID else None


_MAX_DIGITS = 40
_QUOTED = 40


def _ungrouped(text: str) -> str:
    return _GROUPED.sub(lambda number: number[0].replace(",", ""), text)


def _found(text: str) -> tuple[InstanceId, ...]:
    spans = {m.start(): m.group() for pattern in (_DIGITS, _IN_URL) for m in pattern.finditer(text)}
    found = sorted(spans.items())
    likely = [
        n for at, n in found if not (_DATE.fullmatch(n) or _PLACE.search(text, max(0, at - 16), at))
    ]
    wanted = likely or [n for _, n in found]
    ids = dict.fromkeys(InstanceId(int(n)) for n in wanted if len(n) <= _MAX_DIGITS)
    return tuple(i for i in ids if 0 < i <= MAX_INSTANCE_ID)


def _number(part: str) -> InstanceId:
    quoted = part if len(part) <= _QUOTED else part[:_QUOTED] + "..."
    if _NEGATIVE.fullmatch(part):
        raise UsageError(f"{quoted!r} is negative: an instance ID is a positive whole number.")
    if not _ID.fullmatch(part):
        raise UsageError(f"{quoted!r} is no instance ID: use digits only, e.g. 10432987165.")
    if len(part.lstrip("0")) > len(str(MAX_INSTANCE_ID)) or int(part) > MAX_INSTANCE_ID:
        raise UsageError(f"'{part[:12]}...' is too large: an ID is at most {MAX_INSTANCE_ID}.")
    if int(part) == 0:
        raise UsageError("'0' is no instance ID: IDs begin at 1.")
    return InstanceId(int(part))


def _range(part: str, first: InstanceId, last: InstanceId) -> list[InstanceId]:
    if last < first:
        raise UsageError(f"The range {part!r} runs backwards: write {last}..{first}.")
    if last - first >= MAX_RANGE:
        raise UsageError(
            f"The range {part!r} holds {last - first + 1} IDs: at most {MAX_RANGE} are allowed."
        )
    return [InstanceId(i) for i in range(first, last + 1)]
