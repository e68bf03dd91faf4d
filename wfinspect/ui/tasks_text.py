"""Tasks of an instance as text: progress, and a line each with a bar on the run's time line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wfinspect import format as fmt
from wfinspect.instance import Family
from wfinspect.task import Progress, TaskInstance, spans
from wfinspect.ui.lines import (
    BLANK,
    Ground,
    Line,
    Role,
    Span,
    cell_len,
    crop,
    line,
    pad,
    pad_left,
)
from wfinspect.ui.row_words import short_word
from wfinspect.ui.task_text import span_words, state_of
from wfinspect.ui.theme import BAR_GROUND, Look, bar_mark

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
    return task.finished_time or (now_ms if goes_on and not task.is_frozen else 0)


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
    mark = bar_mark(look.glyphs)
    return (
        (" " * first, Role.DIM),
        (BAR_GROUND * max(0, start - first), Role.WAITING),
        (mark * max(0, stop - start), state_of(task, look)[2]),
        (" " * max(0, cells - max(stop, first)), Role.DIM),
    )


def progress_line(progress: Progress, look: Look, width: int) -> Line:
    """How far the instance is, in words and as a bar."""
    said = f" {progress}"
    cells = min(40, width - cell_len(said) - 4)
    if not progress.total or cells < _LEAST_BAR:
        return line(*crop(((said, Role.TEXT),), width))
    mark = bar_mark(look.glyphs)
    # What failed or runs is seen however little it is; less than all never fills the bar.
    failed, running, frozen = (
        max(1, count * cells // progress.total) if count else 0
        for count in (progress.failed, progress.running, progress.frozen)
    )
    done = min(progress.done * cells // progress.total, cells - failed - running - frozen)
    shares = (done, Role.SUCCESS), (failed, Role.FAILURE), (running, Role.ACTIVE)
    parts = [(mark * share, role) for share, role in (*shares, (frozen, Role.UNKNOWN))]
    left = cells - done - failed - running - frozen
    return line((said, Role.TEXT), ("  ", Role.DIM), *parts, (BAR_GROUND * left, Role.DIM))


def _words(task: TaskInstance) -> tuple[str, str]:
    """Name and type as they may be shown."""
    unreadable = dict.fromkeys(dict(task.unreadable), "unreadable")
    name = unreadable.get("task_name") or fmt.shown(task.task_name, limit=200) or "-"
    return name, unreadable.get("task_type") or fmt.shown(task.task_type, limit=40)


def widest(tasks: Sequence[TaskInstance]) -> tuple[int, int]:
    """Cells of the longest name and type."""
    words = [_words(task) for task in tasks]
    names = (cell_len(name) for name, _ in words)
    return max([4, *names]), max([4, *(cell_len(kind) for _, kind in words)])


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
    glyph, word, role = state_of(task, look)
    took = spans(task, now_ms)
    name, kind = _words(task)
    if cell_len(word) >= columns.word:
        word = short_word(word)
    run = f"{task.run_number}" if task.run_number else ""
    parts: list[Span] = [
        (f" {glyph} ", role),
        (pad(name, columns.name - 1) + " ", Role.TEXT),
        (pad(word, columns.word), role),
    ]
    if columns.type:
        parts.append((pad(kind, columns.type - 1) + " ", Role.DIM))
    parts.append((pad_left(span_words(took.running), 7) + " ", Role.TEXT))
    parts.append((pad_left(run, 4) + " ", Role.STRONG if (task.run_number or 1) > 1 else Role.DIM))
    if columns.waits:
        waits = (span_words(seconds or None) for seconds in (took.for_time, took.for_resources))
        parts += [(pad_left(wait, 10) + " ", Role.DIM) for wait in waits]
    if columns.bar:
        parts += [("  ", Role.DIM), *bar(task, over, now_ms, columns.bar, look)]
    return line(*parts, ground=ground)


def foremost_lines(
    tasks: Sequence[TaskInstance], total: int, look: Look, now: datetime, width: int
) -> tuple[Line, ...]:
    """The tasks that need somebody first, below a title that counts all there are."""
    names, kinds = widest(tasks)
    lines = [line((" TASKS", Role.DIM), (f" {total}", Role.DIM)), BLANK]
    for task in tasks:
        name, kind = _words(task)
        glyph, word, role = state_of(task, look)
        took = spans(task, now.timestamp() * 1000).running
        # As of the instance: of what goes on only minutes, since a figure that ticks is bytes for nothing.
        age = "" if took is None else (fmt.duration if task.family.is_settled else fmt.age)(took)
        run = f"run {task.run_number}" if (task.run_number or 1) > 1 else ""
        parts: list[Span] = [
            (f" {glyph} ", role),
            (pad(name, min(names, 40)) + "  ", Role.TEXT),
            (pad(word, 14), role),
            (pad(kind, min(kinds, 16)), Role.DIM),
            (f" {pad_left(age, 7)}  ", Role.TEXT),
            (run, Role.STRONG),
        ]
        lines.append(line(*crop(parts, width)))
    if (more := total - len(tasks)) > 0:
        lines.append(line((f"   and {more} more: t", Role.DIM)))
    return tuple(lines)


def matches(task: TaskInstance, query: str) -> bool:
    """Whether each word of a query is part of the task's name, status, type or ID."""
    words = (task.task_name, task.status, task.word, task.task_type)
    held = "\n".join([*(word[: fmt.LINE_LIMIT] for word in words), str(task.id)]).casefold()
    return all(word in held for word in query.casefold().split())
