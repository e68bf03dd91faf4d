"""One instance in full as lines of text: header, core fields, parameters, tags. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from wfinspect import format as fmt
from wfinspect.instance import Binding, WorkflowInstance
from wfinspect.parameters import first_parameters
from wfinspect.regions import zone_of
from wfinspect.ui.advice_text import MARGIN, sentence, told
from wfinspect.ui.lines import (
    BLANK,
    Line,
    Role,
    Span,
    cell_len,
    crop,
    line,
    pad,
    width_of,
    wrap,
    wrap_lines,
)
from wfinspect.ui.row_groups import names_of
from wfinspect.ui.row_words import change_words, coarse_age, glyph_of, shows_reading, state_word
from wfinspect.ui.status_text import next_try
from wfinspect.ui.theme import FAMILY_ROLES, Look
from wfinspect.watching.snapshot import Row

_CLOCKS_DIFFER = timedelta(minutes=5)
LABEL_CELLS = 14
UNREADABLE = "unreadable, v shows it"
MAX_LINES = 1_000
"""Lines of a table, about; beyond them keys are counted, not shown."""
_KEY_LIMIT = 200
_FIELD_LIMIT = 300
_MAX_NAMED = 50
Field = tuple[str, tuple[Span, ...]]


def header(
    row: Row | None, look: Look, now: datetime, width: int, *, own: Binding | None = None
) -> tuple[Line, ...]:
    """State, name, whole ID, what changed; below them whatever keeps this from being the present.

    One that is of another account or region than `own`, which the top line names, says of which.
    """
    if row is None:
        return ()
    glyph, role = glyph_of(row, look)
    word, word_role = state_word(row)
    name = fmt.shown(row.instance.name) if row.instance else ""
    first: list[Span] = [
        (f"{MARGIN}{glyph} {word}", word_role or role),
        (f"  {name}", Role.STRONG),
    ]
    second: list[Span] = [(f"{MARGIN}{row.key.id}", Role.DIM)]
    if own not in {None, row.key.binding}:
        whose = names_of((own, row.key.binding))[row.key.binding]
        second += crop(((" ", Role.DIM), *whose), width - width_of(second))
    if row.instance is not None:
        second += _changed(row, now)
        said = "watched, w takes it off" if row.is_watched else "not watched, w adds it"
        second.append((f"  {said}", Role.DIM))
    lines = [line(*crop(first, width)), line(*_whole_id(second, width))]
    if row.instance is not None:
        lines += unreadable_line(len(row.instance.unreadable), width)
    return (*lines, *_not_the_present(row, look, now, width))


def unreadable_line(count: int, width: int) -> tuple[Line, ...]:
    """How many fields can't be read; nothing where all can."""
    if not count:
        return ()
    said = f"{count} fields unreadable, v shows them" if count > 1 else f"1 field {UNREADABLE}"
    return (line(*crop(((f"{MARGIN}{said}", Role.TROUBLE),), width)),)


def _whole_id(spans: Sequence[Span], width: int) -> tuple[Span, ...]:
    kept = list(spans)
    while len(kept) > 1 and width_of(kept) > width:
        kept.pop()
    return tuple(kept)


def _changed(row: Row, now: datetime) -> list[Span]:
    change = row.last_change
    if change is None or row.instance is None:
        return []
    ago = coarse_age((now - change.at).total_seconds())
    words: list[Span] = [(f"  {change_words(row)} {ago} ago", FAMILY_ROLES[change.family])]
    seconds = row.instance.run_seconds(now) if row.instance.is_settled else None
    if seconds is not None:
        words.append((f" after {fmt.duration(seconds)}", Role.DIM))
    return words


def _not_the_present(row: Row, look: Look, now: datetime, width: int) -> list[Line]:
    lines: list[Line] = []
    retry = next_try(row.trouble, look, now)
    if row.read_at is not None and (row.is_gone or shows_reading(row, now)):
        read = fmt.clock_time(row.read_at, look.zone)
        ago = fmt.age((now - row.read_at).total_seconds())
        is_present = row.is_live and not row.is_gone
        word = " GONE " if row.is_gone else " NOT LIVE "
        spans: list[Span] = [(MARGIN, Role.TEXT)]
        spans += [] if is_present else [(word, Role.ALARM)]
        role = Role.DIM if is_present else Role.TROUBLE
        spans.append((f"{'' if is_present else ' '}read {ago} ago, at {read}", role))
        lines.append(line(*crop(spans, width)))
    if row.is_gone and row.trouble is None:
        lines += sentence(
            "The service no longer knows this instance; what follows is what was last known.", width
        )
    if row.trouble is not None:
        lines += sentence(
            told(row.trouble) if row.instance is None else row.trouble.sentence,
            width,
            role=Role.TROUBLE,
        )
        if row.instance is not None and retry:
            lines += sentence(retry.capitalize() + ".", width)
    return lines


def core(
    row: Row, instance: WorkflowInstance, look: Look, now: datetime, width: int
) -> tuple[Line, ...]:
    """Every core field of the service, grouped: what it is, when, where, who."""
    lines: list[Line] = []
    for group in core_fields(row, instance, look, now):
        if lines:
            lines.append(BLANK)
        for label, spans in group:
            lines += _field(label, spans, width)
    return tuple(lines)


def core_fields(
    row: Row, instance: WorkflowInstance, look: Look, now: datetime
) -> tuple[tuple[Field, ...], ...]:
    """The groups of (label, value); a value the service left out is a dash."""
    biz_zone = zone_of(row.key.binding.region)
    biz_date = fmt.biz_date(instance.biz_date, biz_zone) if instance.biz_date else ""
    glyph, role = glyph_of(row, look)
    seconds = instance.run_seconds(now)
    unreadable = dict(instance.unreadable)

    def unless_unreadable(name: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return ((UNREADABLE, Role.TROUBLE),) if name in unreadable else spans

    def plain(name: str) -> tuple[Span, ...]:
        return unless_unreadable(name, _plain(getattr(instance, name)))

    def time(name: str) -> tuple[Span, ...]:
        return unless_unreadable(name, _time(getattr(instance, name), look, now))

    what = (
        ("Status", ((f"{glyph} ", role), state_word(row))),
        ("Name", unless_unreadable("name", _plain(instance.name, Role.STRONG))),
        ("ID", _plain(row.key.id)),
        ("Type", plain("type")),
        ("Environment", plain("env_type")),
        ("Business date", unless_unreadable("biz_date", _plain(biz_date))),
    )
    when = (
        ("Started", time("started_time")),
        ("Finished", time("finished_time")),
        ("Duration", (*_lasted(instance, seconds), *_oddness(instance, now))),
        ("Created", time("create_time")),
        ("Modified", time("modify_time")),
    )
    where = (
        ("Workspace", plain("project_id")),
        ("Workflow", plain("workflow_id")),
        ("Task instance", plain("workflow_task_instance_id")),
        ("Unified ID", plain("unified_workflow_instance_id")),
    )
    who = (
        ("Owner", plain("owner")),
        ("Created by", plain("create_user")),
        ("Modified by", plain("modify_user")),
    )
    groups: tuple[tuple[Field, ...], ...] = (what, when, where, who)
    if instance.unknown_fields:
        named = [fmt.shown(name, limit=80) for name in instance.unknown_fields[:_MAX_NAMED]]
        names = ", ".join([*named, "..."] if len(named) < len(instance.unknown_fields) else named)
        count = f"{len(instance.unknown_fields)}, v shows them: "
        groups += ((("New fields", ((count, Role.TEXT), (names, Role.DIM))),),)
    return groups


def _plain(value: str | int | None, role: Role = Role.TEXT) -> tuple[Span, ...]:
    text, size = fmt.shortened("" if value is None else str(value), _FIELD_LIMIT)
    if not text:
        return (("-", Role.DIM),)
    rest = ((_whole_is(size), Role.DIM),) if size else ()
    return ((fmt.shown(text), role), *rest)


def _whole_is(size: str) -> str:
    """What stands behind the start of a value."""
    return f"... {size}, v shows the whole"


def _time(milliseconds: int | None, look: Look, now: datetime) -> tuple[Span, ...]:
    if not milliseconds:
        return (("-", Role.DIM),)
    at = fmt.moment(milliseconds)
    if at is None:
        return ((str(milliseconds), Role.UNKNOWN),)
    seconds = (now - at).total_seconds()
    ago = f"{coarse_age(seconds)} ago" if seconds > -60 else f"in {coarse_age(-seconds)}"  # noqa: PLR2004 - clocks differ
    return ((fmt.clock_time(at, look.zone), Role.TEXT), (f"  {ago}", Role.DIM))


def _lasted(instance: WorkflowInstance, seconds: float | None) -> tuple[Span, ...]:
    # While it runs only minutes are shown: a figure that ticks every second is bytes for nothing.
    if seconds is None:
        return (("-", Role.DIM),)
    text = fmt.duration(seconds) if instance.is_settled else f"{fmt.age(seconds)} so far"
    return ((text, Role.STRONG),)


def _oddness(instance: WorkflowInstance, now: datetime) -> tuple[Span, ...]:
    """A remark on times that can't be: an end before the start, or either ahead of every clock."""
    started, finished = instance.started_time, instance.finished_time
    latest = (now + _CLOCKS_DIFFER).timestamp() * 1000
    if started and finished and finished < started:
        return (("  odd times: finished before it started", Role.TROUBLE),)
    if max(started or 0, finished or 0) > latest:
        return (("  odd times: ahead of this clock", Role.TROUBLE),)
    return ()


def _field(label: str, spans: Sequence[Span], width: int) -> list[Line]:
    room = max(8, width - LABEL_CELLS - len(MARGIN) - 1)
    head: Span = (MARGIN + pad(label, LABEL_CELLS), Role.DIM)
    if width_of(spans) <= room:
        return [line(head, *spans)]
    lines: list[Line] = []
    for text, role in spans:
        for piece in wrap(text.strip(), room):
            lines.append(line(head if not lines else _INDENT, (piece, role)))
    return lines


_INDENT: Span = (MARGIN + " " * LABEL_CELLS, Role.DIM)


def parameters(instance: WorkflowInstance, width: int) -> tuple[Line, ...]:
    """Key and value of each parameter, and the raw text where that may be read in another way."""
    if "workflow_parameters" in dict(instance.unreadable):
        return (line((MARGIN + UNREADABLE, Role.TROUBLE)),)
    found = first_parameters(instance.workflow_parameters)
    if found is None:
        size = fmt.shortened(instance.workflow_parameters)[1]
        why = "Too long to be read" if size else "Neither key=value nor a JSON object"
        return _as_it_came(why, instance, width)
    if not found.pairs:
        return (line((MARGIN + "No parameters.", Role.DIM)),)
    pairs = ((p.key, p.told_apart) for p in found.pairs)
    lines = table(pairs, width, is_all=found.is_all)
    if found.is_certain:
        return lines
    return (*lines, BLANK, *_as_it_came("Where a value ends is uncertain", instance, width))


def _as_it_came(why: str, instance: WorkflowInstance, width: int) -> tuple[Line, ...]:
    text, size = fmt.shortened(instance.workflow_parameters)
    title = sentence(f"{why}: as it came", width)
    pieces = wrap_lines(fmt.shown_block(text), width - 2)
    rest = sentence(_whole_is(size), width) if size else ()
    return (*title, BLANK, *(line((MARGIN + piece, Role.TEXT)) for piece in pieces), *rest)


def tags(instance: WorkflowInstance, width: int) -> tuple[Line, ...]:
    """Key and value of each tag."""
    if "tags" in dict(instance.unreadable):
        return (line((MARGIN + UNREADABLE, Role.TROUBLE)),)
    if not instance.tags:
        return (line((MARGIN + "No tags.", Role.DIM)),)
    return table(((tag.key, tag.value) for tag in instance.tags), width)


def parameter_count(instance: WorkflowInstance) -> str:
    """How many parameters there are: a number, ``raw``, or "" for none."""
    found = first_parameters(instance.workflow_parameters)
    if found is None or not found.pairs:
        return "raw" if found is None else ""
    return str(len(found.pairs)) if found.is_all else f"{len(found.pairs):,}+"


def table(pairs: Iterable[tuple[str, str]], width: int, *, is_all: bool = True) -> tuple[Line, ...]:
    """Keys dim and aligned, values wrapped beside them; what is too long or too many ends in its size.

    Unless `is_all`, the last value holds pairs that were not read.
    """
    given = list(pairs)
    keys = [_start_of_key(key) for key, _ in given[:MAX_LINES]]
    widest = max((cell_len(key) for key in keys), default=0)
    cells = max(6, min(widest, (width - 4) * 2 // 5))
    room = max(8, width - cells - 3)
    lines: list[Line] = []
    shown_count = 0
    for key, (_, value) in zip(keys, given, strict=False):
        if len(lines) >= MAX_LINES:
            break
        shown_count += 1
        start, size = fmt.shortened(value)
        beside = zip_longest(
            wrap_lines(key, cells), wrap_lines(fmt.shown_block(start), room), fillvalue=""
        )
        for left, right in beside:
            lines.append(line((f"{MARGIN}{pad(left, cells)}  ", Role.DIM), (right, Role.TEXT)))
        if size:
            indent = (f"{MARGIN}{' ' * cells}  ", Role.DIM)
            pieces = wrap(_whole_is(size), room, is_prose=True)
            lines += [line(indent, (piece, Role.DIM)) for piece in pieces]
    if left_out := len(given) - shown_count:
        more = f"{left_out:,}" if is_all else f"more than {left_out:,}"
        lines += sentence(f"... and {more} more, v shows them all", width)
    return tuple(lines)


def _start_of_key(key: str) -> str:
    return fmt.shown_block(key if len(key) <= _KEY_LIMIT else key[:_KEY_LIMIT] + "...")
