"""A watched row as one or two lines of text. Pure; knows no widget, no colour and no clock."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from wfinspect import format as fmt
from wfinspect.instance import Status, Transition, WorkflowInstance
from wfinspect.ui.attention import state_since
from wfinspect.ui.lines import (
    Ground,
    Line,
    Role,
    Span,
    crop,
    fit,
    line,
    pad,
    pad_left,
    spread,
    width_of,
)
from wfinspect.ui.outlook_text import figure, late_mark
from wfinspect.ui.theme import FAMILY_ROLES
from wfinspect.watching.snapshot import Row

TIME_CELLS = 5
ROOMY_ROW_CELLS = 44
"""From here a two-line row has room for any status in full."""
_HOUR = 3600.0


class Look(NamedTuple):
    """What text needs to know of the screen it is for."""

    glyphs: Mapping[Status, str]
    prompt: str
    zone: tzinfo


def glyph_of(row: Row, look: Look) -> Span:
    """The mark of a row's state."""
    word, role = state_word(row)
    if row.instance is None or row.is_gone:
        return look.glyphs[Status.UNKNOWN], Role.UNKNOWN if row.is_gone else Role.DIM
    if not word:
        return look.glyphs[Status.UNKNOWN], role
    return look.glyphs[Status.of(row.instance.status)], role


def state_word(row: Row) -> Span:
    """The word of a row's state: as the service says it, with ``?`` where it is not the present."""
    if row.instance is None:
        if row.trouble is not None:
            return fmt.shown(row.trouble.cause), Role.TROUBLE
        return ("reading..." if row.is_loading else "not read"), Role.DIM
    if row.is_gone:
        return "gone", Role.UNKNOWN
    word = fmt.shown(row.instance.status, limit=40) or "no status"
    if not row.is_live:
        return f"{word}?", Role.DIM
    return word, FAMILY_ROLES[row.family]


def state_time(row: Row, look: Look, now: datetime) -> str:
    """How long, or since when, in at most five cells: an age while it may still change.

    A settled row shows the clock time or the date, which never ticks; an old value its own age.
    """
    if row.instance is not None and not row.is_live and row.read_at is not None:
        return fmt.age((now - row.read_at).total_seconds())
    since = state_since(row)
    if since is None or row.instance is None:
        return ""
    if row.instance.is_settled or row.is_gone:
        at = fmt.moment(int(since * 1000))
        if at is None:
            return ""
        local = at.astimezone(look.zone)
        is_today = local.date() == now.astimezone(look.zone).date()
        return local.strftime("%H:%M" if is_today else "%m-%d")
    return fmt.age(now.timestamp() - since)


def coarse_age(seconds: float) -> str:
    """An age that ticks by the minute for an hour, then by the hour, then by the day."""
    if _HOUR <= seconds < 24 * _HOUR:
        return f"{int(seconds // _HOUR)}h"
    return fmt.age(seconds)


def run_seconds(instance: WorkflowInstance, now: datetime) -> float | None:
    """How long the run took, or has taken so far; None before it started."""
    if not instance.started_time:
        return None
    if instance.is_settled and not instance.finished_time:
        return None
    end = instance.finished_time if instance.is_settled else None
    end_seconds = end / 1000 if end else now.timestamp()
    return max(0.0, end_seconds - instance.started_time / 1000)


def change_words(row: Row) -> str:
    """What changed last, e.g. ``Running -> Failure``; "" where nothing has."""
    change = row.last_change
    if change is None:
        return ""
    words = f"{fmt.shown(change.from_status, limit=40)} -> {fmt.shown(change.to_status, limit=40)}"
    return f"{words} (rerun)" if change.is_rerun else words


def notes(row: Row, now: datetime) -> tuple[Role, tuple[str, ...]]:
    """The remark below a name, the longest wording first: trouble, what changed, how long it ran."""
    instance, change = row.instance, row.last_change
    if instance is None:
        return Role.DIM, ()
    read = f"read {fmt.age((now - row.read_at).total_seconds())} ago" if row.read_at else ""
    if row.trouble is not None:
        cause = fmt.shown(row.trouble.cause, limit=40)
        # What mends itself is told once, in the status line's colour; here it stays in the background.
        role = Role.TROUBLE if row.trouble.retry_at is None else Role.DIM
        return role, (cause,) if row.is_live or not read else (f"{cause}, {read}", cause)
    if row.is_gone:
        return Role.UNKNOWN, (f"was {fmt.shown(instance.status, limit=40)}",)
    if not row.is_live:
        return Role.DIM, (read,)
    if change is not None:
        return _change_notes(row, change, now)
    seconds = run_seconds(instance, now) if instance.is_settled else None
    return Role.DIM, () if seconds is None else (f"ran {fmt.duration(seconds)}",)


def _change_notes(row: Row, change: Transition, now: datetime) -> tuple[Role, tuple[str, ...]]:
    words, was = change_words(row), f"was {fmt.shown(change.from_status, limit=40)}"
    if not row.is_unseen:
        return Role.DIM, (words, was)
    ago = coarse_age((now - change.at).total_seconds())
    return FAMILY_ROLES[change.family], (f"{words}, {ago} ago", words, f"{was}, {ago} ago", was)


def note(row: Row, now: datetime, width: int) -> Span:
    """The longest wording of the remark that fits into `width` cells."""
    role, wordings = notes(row, now)
    if not wordings:
        return "", role
    return next((w for w in wordings if cell_len(w) <= width), fit(wordings[-1], width)), role


def _remarks(row: Row, now: datetime, room: int) -> tuple[Span, list[Span]]:
    """What changed, and what there is room for beside it: how far it is, and that it is late."""
    late = late_mark(row)
    said = note(row, now, room - width_of(late))
    beside = [*figure(row), *late]
    return said, beside if width_of([said, *beside]) <= room else late


_SHORT_WORDS = {
    "CheckingCondition": "CheckCond",
    "WaitResource": "WaitRes",
    "WaitTrigger": "WaitTrig",
}


def short_word(word: str) -> str:
    """A state's word where the name needs the room."""
    bare = word.removesuffix("?")
    return _SHORT_WORDS.get(bare, bare) + word[len(bare) :]


def name_of(row: Row) -> Span:
    """The name, or a dash before it is known."""
    name = fmt.shown(row.instance.name, limit=200) if row.instance else ""
    if not name:
        return "-", Role.DIM
    return name, Role.STRONG if row.is_unseen else Role.TEXT


def _mark(row: Row) -> Span:
    return ("!" if row.is_unseen else " "), Role.FAILURE


def sidebar_lines(
    row: Row, look: Look, now: datetime, width: int, ground: Ground = Ground.NONE
) -> tuple[Line, Line]:
    """Two lines: glyph, name, word and time; below them the whole ID, what changed, the mark."""
    word, role = state_word(row)
    if width < ROOMY_ROW_CELLS:
        word = short_word(word)
    # A word nobody documented may be long; glyph and name keep their half.
    right: list[Span] = [(fit(word, width // 2 - 4), role)]
    right.append((" " + pad_left(state_time(row, look, now), TIME_CELLS), Role.DIM))
    glyph, glyph_role = glyph_of(row, look)
    left: list[Span] = [(f" {glyph} ", glyph_role), name_of(row)]
    below: list[Span] = [(f"   {row.key.id}", Role.DIM)]
    (text, note_role), beside = _remarks(row, now, width - width_of(below) - 4)
    below.append((f"  {text}" if text else "", note_role))
    return (
        line(*spread(left, right, width), ground=ground),
        line(*spread(below, [*beside, _mark(row)], width), ground=ground),
    )


class Columns(NamedTuple):
    """Widths of the one-line list, in cells; 0 leaves a column out."""

    name: int
    id: int
    word: int
    note: int

    @classmethod
    def of(cls, width: int, id_cells: int, name_cells: int) -> "Columns":
        """Share out a line among columns of at most these widths; the ID never gives way."""
        word = 13 if width >= 60 else 10  # noqa: PLR2004 - WaitResource? is 13 cells
        ids = id_cells + 2 if width >= 60 else 0  # noqa: PLR2004 - below, the bottom line holds it
        rest = width - 3 - 2 - ids - word - 1 - TIME_CELLS - 2
        spare = rest - min(name_cells, 24)
        note_cells = min(34, spare) if spare >= 14 else 0  # noqa: PLR2004 - less says nothing
        return cls(max(4, min(rest - note_cells, name_cells)), ids, word, note_cells)


def list_line(
    row: Row, look: Look, now: datetime, columns: Columns, ground: Ground = Ground.NONE
) -> Line:
    """One line: mark, glyph, name, ID, word, time, what changed."""
    glyph, glyph_role = glyph_of(row, look)
    name, name_role = name_of(row)
    word, word_role = state_word(row)
    mark, mark_role = _mark(row)
    spans: list[Span] = [
        (mark, mark_role),
        (f"{glyph} ", glyph_role),
        (pad(name, columns.name) + "  ", name_role),
    ]
    if columns.id:
        spans.append((pad_left(str(row.key.id), columns.id - 2) + "  ", Role.DIM))
    if cell_len(word) > columns.word:
        word = short_word(word)
    spans.append((pad(word, columns.word) + " ", word_role))
    spans.append((pad_left(state_time(row, look, now), TIME_CELLS), Role.DIM))
    if columns.note:
        (text, role), beside = _remarks(row, now, columns.note)
        rest = pad(text, columns.note - width_of(beside))
        spans += [("  ", Role.DIM), *beside, (rest, role)]
    return line(*spans, ground=ground)


def list_heading(columns: Columns, width: int) -> Line:
    """The titles over `list_line`."""
    titles = "   " + pad("NAME", columns.name + 2)
    if columns.id:
        titles += pad_left("INSTANCE", columns.id - 2) + "  "
    titles += pad("STATUS", columns.word) + " " + pad_left("TIME", TIME_CELLS)
    if columns.note:
        titles += "  LAST CHANGE"
    return line(*crop([(titles, Role.DIM)], width))
