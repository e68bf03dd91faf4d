"""Tasks of an instance as text: progress, a line each with a bar on the run's time line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len

from wfinspect import format as fmt
from wfinspect.instance import Family, Status
from wfinspect.task import Progress, TaskInstance, spans
from wfinspect.ui import detail_text
from wfinspect.ui.lines import (
    BLANK,
    Ground,
    Line,
    Role,
    Span,
    crop,
    line,
    pad,
    pad_left,
    wrap,
)
from wfinspect.ui.row_text import Look, short_word
from wfinspect.ui.theme import FAMILY_ROLES, bar_marks

_WIDE_CELLS = 110
"""From here the waits have columns."""
_LEAST_BAR = 8


@dataclass(frozen=True, slots=True)
class TimeLine:
    """From the first task's waiting for resources, or start, to the last one's end; milliseconds."""

    begin: float
    end: float

    @classmethod
    def of(cls, tasks: Sequence[TaskInstance], now_ms: float) -> "TimeLine | None":
        """None where nothing has begun."""
        begins = [t.waiting_resource_time or t.started_time for t in tasks]
        begin = min((at for at in begins if at), default=None)
        if begin is None:
            return None
        return cls(begin, max([begin + 1, *(_end(task, now_ms) for task in tasks)]))


def _end(task: TaskInstance, now_ms: float) -> float:
    goes_on = task.family in {Family.ACTIVE, Family.WAITING, Family.UNKNOWN}
    return task.finished_time or (now_ms if goes_on else 0)


def bar(
    task: TaskInstance, over: TimeLine | None, now_ms: float, cells: int, look: Look
) -> tuple[Span, ...]:
    """Where on the run's time line a task waited and ran; exactly `cells` cells."""
    begin = task.started_time
    waits = task.waiting_resource_time or task.waiting_trigger_time or begin
    end = _end(task, now_ms)
    if over is None or not waits or not end:
        return ((" " * cells, Role.DIM),)
    scale = cells / (over.end - over.begin)

    def cell(at: float) -> int:
        return max(0, min(cells, int((at - over.begin) * scale)))

    first = min(cell(waits), cells - 1)
    start = max(first, cell(begin)) if begin else cell(end)
    # However short a run was, it is seen.
    stop = min(cells, max(start + 1, round((end - over.begin) * scale))) if begin else start
    start = min(start, stop - 1) if begin else start
    marks = bar_marks(look.glyphs)
    return (
        (" " * first, Role.DIM),
        (marks.waited * max(0, start - first), Role.WAITING),
        (marks.ran * max(0, stop - start), FAMILY_ROLES[task.family]),
        (" " * max(0, cells - max(stop, first)), Role.DIM),
    )


def progress_line(progress: Progress, look: Look, width: int) -> Line:
    """How far the instance is, in words and as a bar."""
    said = f" {progress}"
    cells = min(40, width - cell_len(said) - 4)
    if not progress.total or cells < _LEAST_BAR:
        return line(*crop(((said, Role.TEXT),), width))
    marks = bar_marks(look.glyphs)
    # What failed or runs is seen however little it is; less than all never fills the bar.
    failed, running = (
        max(1, count * cells // progress.total) if count else 0
        for count in (progress.failed, progress.running)
    )
    done = min(progress.done * cells // progress.total, cells - failed - running)
    shares = (done, Role.SUCCESS), (failed, Role.FAILURE), (running, Role.ACTIVE)
    parts = [(marks.ran * share, role) for share, role in shares]
    left = cells - done - failed - running
    return line((said, Role.TEXT), ("  ", Role.DIM), *parts, (marks.waited * left, Role.DIM))


def widest(tasks: Sequence[TaskInstance]) -> tuple[int, int]:
    """Cells of the longest name and type."""
    names = [4, *(cell_len(fmt.shown(t.task_name, limit=200)) for t in tasks)]
    return max(names), max([4, *(cell_len(fmt.shown(t.task_type, limit=40)) for t in tasks)])


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; 0 leaves a column out."""

    name: int
    word: int
    type: int
    waits: int
    bar: int

    @classmethod
    def of(cls, names: int, types: int, width: int) -> "Columns":
        """Share out a line, given the `widest`: the name first, then the bar, then the rest."""
        is_wide = width >= _WIDE_CELLS
        word = 13 if width >= 60 else 9  # noqa: PLR2004 - as in the watched list
        kind = min(types, 16 if is_wide else 12) + 1 if width >= 70 else 0  # noqa: PLR2004
        waits = 22 if is_wide else 0
        rest = width - 3 - word - kind - waits - _FIGURES
        name = max(8, min(names + 1, rest - (_LEAST_BAR if rest > 28 else 0), 40))  # noqa: PLR2004
        spare = rest - name - 2
        return cls(name, word, kind, waits, spare if spare >= _LEAST_BAR else 0)


_FIGURES = 13
"""Cells of duration and run number."""


def heading(columns: Columns) -> Line:
    """The titles over the lines."""
    titles = f"   {pad('TASK', columns.name)}{pad('STATUS', columns.word)}"
    titles += pad("TYPE", columns.type) if columns.type else ""
    titles += f"{pad_left('TOOK', 7)} {pad_left('RUN', 4)} "
    if columns.waits:
        titles += f"{pad_left('WAIT TIME', 10)} {pad_left('WAIT RES', 10)} "
    return line((titles, Role.DIM), ("  WAITED AND RAN" if columns.bar else "", Role.DIM))


def task_line(
    task: TaskInstance,
    over: TimeLine | None,
    columns: Columns,
    look: Look,
    now: datetime,
    ground: Ground = Ground.NONE,
) -> Line:
    """A task: glyph, name, state, type, how long it took and waited, its run, its bar."""
    now_ms = now.timestamp() * 1000
    role = FAMILY_ROLES[task.family]
    took = spans(task, now_ms)
    word = fmt.shown(task.status, limit=40) or "no status"
    if cell_len(word) >= columns.word:
        word = short_word(word)
    run = f"{task.run_number}" if task.run_number else ""
    parts: list[Span] = [
        (f" {look.glyphs[Status.of(task.status)]} ", role),
        (pad(fmt.shown(task.task_name, limit=200) or "-", columns.name - 1) + " ", Role.TEXT),
        (pad(word, columns.word), role),
    ]
    if columns.type:
        parts.append((pad(fmt.shown(task.task_type, limit=40), columns.type - 1) + " ", Role.DIM))
    parts.append((pad_left(_span(took.running), 7) + " ", Role.TEXT))
    parts.append((pad_left(run, 4) + " ", Role.STRONG if (task.run_number or 1) > 1 else Role.DIM))
    if columns.waits:
        waits = (_span(seconds or None) for seconds in (took.for_time, took.for_resources))
        parts += [(pad_left(wait, 10) + " ", Role.DIM) for wait in waits]
    if columns.bar:
        parts += [("  ", Role.DIM), *bar(task, over, now_ms, columns.bar, look)]
    return line(*parts, ground=ground)


def _span(seconds: float | None) -> str:
    return "" if seconds is None else fmt.duration(seconds)


def summary(task: TaskInstance, look: Look, now: datetime) -> str:
    """What a line has no room for."""
    parts = [str(task.id), waited(task, now)]
    if task.started_time:
        until = f" to {_time(task.finished_time, look)[-8:]}" if task.finished_time else ""
        parts.append(f"ran from {_time(task.started_time, look)[-8:]}{until}")
    return ", ".join(filter(None, parts))


def waited(task: TaskInstance, now: datetime) -> str:
    """How long a task waited, and for what; "" for one that did not."""
    took = spans(task, now.timestamp() * 1000)
    waits = ((took.for_time, "for its time"), (took.for_resources, "for resources"))
    said = [f"{fmt.duration(seconds)} {what}" for seconds, what in waits if seconds]
    return f"waited {', '.join(said)}" if said else ""


def matches(task: TaskInstance, query: str) -> bool:
    """Whether each word of a query is part of the task's name, status, type or ID."""
    held = f"{task.task_name}\n{task.status}\n{task.task_type}\n{task.id}".casefold()
    return all(word in held for word in query.casefold().split())


def details(
    task: TaskInstance, runs: Sequence[TaskInstance], look: Look, now: datetime, width: int
) -> tuple[Line, ...]:
    """One task in full: its fields, the runs it has had, its script."""
    fields = (
        ("Type", task.task_type),
        ("ID", task.id),
        ("Task", task.task_id),
        ("Run", task.run_number),
        ("", ""),
        ("Due", _time(task.trigger_time, look)),
        ("Started", _time(task.started_time, look)),
        ("Finished", _time(task.finished_time, look)),
        ("Waited", waited(task, now).removeprefix("waited ")),
        ("Ran", _span(spans(task, now.timestamp() * 1000).running)),
        ("Timeout", _span(task.timeout) if task.timeout else ""),
        ("", ""),
        ("Owner", task.owner),
        ("Operation", task.operation_type),
        ("Period", task.period_number),
        ("Priority", task.priority),
        ("Baseline", task.baseline_id),
        ("Rerun mode", task.rerun_mode),
        ("Trigger", f"{task.trigger_type} {task.trigger_recurrence}".strip()),
        ("Resources", task.resource_group_id),
        ("Process", task.process_id),
        ("Gateway", task.gateway),
        ("Created", _by(task.create_time, task.create_user, look)),
        ("Modified", _by(task.modify_time, task.modify_user, look)),
        ("Description", task.description),
        ("Tags", ", ".join(f"{tag.key}:{tag.value}" for tag in task.tags)),
        ("Parameters", task.script_parameters),
        ("New fields", ", ".join(task.unknown_fields)),
    )
    pairs = [(key, str(value)) for key, value in fields if not key or value not in {"", None}]
    lines = list(detail_text.table(pairs, width))
    if len(runs) > 1:
        lines += [BLANK, line((" RUNS", Role.DIM), (f" {len(runs)}", Role.DIM)), BLANK]
        lines += [_run_line(run, look, now) for run in runs]
    if task.script_content:
        lines += [BLANK, line((" SCRIPT", Role.DIM)), BLANK]
        script = fmt.shown_block(task.script_content, limit=len(task.script_content))
        pieces = (piece for each in script.split("\n") for piece in wrap(each, width - 2))
        lines += [line((f" {piece}", Role.TEXT)) for piece in pieces]
    return tuple(lines)


def _by(at: int | None, user: str, look: Look) -> str:
    """When something was done and by whom, as far as it is known."""
    return " by ".join(filter(None, (_time(at, look), user)))


def _run_line(run: TaskInstance, look: Look, now: datetime) -> Line:
    role = FAMILY_ROLES[run.family]
    word = pad(fmt.shown(run.status, limit=40), 13)
    took = _span(spans(run, now.timestamp() * 1000).running)
    return line(
        (f" run {pad(str(run.run_number or '-'), 3)} ", Role.TEXT),
        (f"{look.glyphs[Status.of(run.status)]} {word}", role),
        (f"{_time(run.started_time, look) or '-'}  {took}", Role.DIM),
    )


def _time(milliseconds: int | None, look: Look) -> str:
    at = fmt.moment(milliseconds) if milliseconds else None
    return fmt.clock_time(at, look.zone) if at else ""
