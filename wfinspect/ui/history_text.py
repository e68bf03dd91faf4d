"""Changes of state as text: the history of one instance, and a log over all. Pure."""

from collections.abc import Sequence
from datetime import datetime

from wfinspect import format as fmt
from wfinspect.instance import Status, Transition, WorkflowInstance
from wfinspect.ui.advice_text import MARGIN, sentence
from wfinspect.ui.lines import Line, Role, Span, cell_len, crop, line, pad, pad_left
from wfinspect.ui.theme import FAMILY_ROLES, Look

_LONGEST_WORD = 20
_GAPS = 11


def history(
    changes: Sequence[Transition],
    instance: WorkflowInstance,
    look: Look,
    now: datetime,
    width: int,
) -> tuple[Line, ...]:
    """The changes of one instance, newest first: when, what, how long it had been, how exactly."""
    if not changes:
        return (line((MARGIN + "No change was seen yet.", Role.DIM)),)
    rows = [
        (
            _time(change.at, now, look),
            _word(change.from_status),
            _word(change.to_status),
            _lasted(change, before, instance),
            precision(change, look),
        )
        for change, before in zip(changes, (*changes[1:], None), strict=True)
    ]
    cells = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    is_table = sum(cells) + _GAPS <= width
    lines: list[Line] = []
    for change, (at, old, new, lasted, known) in zip(changes, rows, strict=True):
        role = FAMILY_ROLES[change.family]
        if is_table:
            head = f"{MARGIN}{pad(at, cells[0])}  {pad(old, cells[1])} -> "
            span = f"{pad(new, cells[2])}  "
            rest = (f"{pad_left(lasted, cells[3])}  ", Role.TEXT), (known, Role.DIM)
            lines.append(line((head, Role.DIM), (span, role), *rest))
        else:
            spans = (f"{MARGIN}{at}  {old} -> ", Role.DIM), (new, role)
            lines.append(line(*crop(spans, width)))
            lines += sentence(f"  {lasted}{', ' if lasted else ''}{known}", width)
    return tuple(lines)


def precision(change: Transition, look: Look) -> str:
    """How exactly the time of a change is known, and whether it began a new run."""
    if change.is_service_time:
        known = "the service's own time"
    else:
        known = (
            f"between {_time(change.seen_after, change.at, look)}"
            f" and {_time(change.seen_by, change.at, look)}"
        )
    return f"{known}, re-run" if change.is_rerun else known


def event(
    change: Transition, look: Look, now: datetime
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """A change in a log over all instances: when and of which, and what."""
    role = FAMILY_ROLES[change.family]
    glyph = look.glyphs[Status.of(change.to_status)]
    name = fmt.shown(change.name, limit=200) or str(change.key.id)
    at = _time(change.at, now, look)
    left: tuple[Span, ...] = ((f" {at}  ", Role.DIM), (f"{glyph} ", role), (name, Role.TEXT))
    return left, (
        (f"{_word(change.from_status)} -> ", Role.DIM),
        (f"{_word(change.to_status)} ", role),
    )


def _word(status: str) -> str:
    return fmt.shown(status, limit=_LONGEST_WORD) or "no status"


def _time(at: datetime, now: datetime, look: Look) -> str:
    """A time of day, with the date where it is another day than `now`."""
    return fmt.near_time(at, now, look.zone, "%H:%M:%S", "%m-%d %H:%M:%S")


def _lasted(change: Transition, before: Transition | None, instance: WorkflowInstance) -> str:
    """How long the state before had lasted; "" where nobody saw it begin."""
    since = None
    if before is not None and before.to_status == change.from_status:
        since = before.at
    elif change.from_status == Status.RUNNING and instance.started_time and not change.is_rerun:
        since = fmt.moment(instance.started_time)
    if since is None or since > change.at:
        return ""
    return fmt.duration((change.at - since).total_seconds())
