"""How far an instance is, and whether it is late: a few cells of a row, or lines of a header. Pure."""

from datetime import datetime
from typing import TYPE_CHECKING

from wfinspect.format import near_time, shown
from wfinspect.instance import Family, Status
from wfinspect.ui.lines import Line, Role, Span, cell_len, crop, line
from wfinspect.watching.snapshot import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wfinspect.task import TaskInstance
    from wfinspect.ui.theme import Look

LATE_MARK = "!late"


def late_mark(row: Row) -> list[Span]:
    """``!late`` with a blank behind it; nothing for one that is not."""
    return [(f"{LATE_MARK} ", Role.TROUBLE)] if row.is_late else []


def figure(row: Row) -> list[Span]:
    """E.g. ``17/23`` with a blank behind it; where that is not the present, with a ``?`` as a state."""
    if row.outlook is None or row.outlook.progress is None or _is_overtaken(row):
        return []
    progress, mark = row.outlook.progress, "" if row.outlook.is_progress_live else "?"
    return [(f"{progress.done}/{progress.total}{mark} ", Role.DIM)]


def _is_overtaken(row: Row) -> bool:
    # Of a run that is over, how far it was once tells nothing.
    is_over = row.instance is not None and row.instance.is_settled
    return is_over and row.outlook is not None and not row.outlook.is_progress_live


def outlook_lines(row: Row, look: "Look", now: datetime, width: int) -> tuple[Line, ...]:
    """The progress as a bar, and how long it takes against what is usual."""
    if row.outlook is None or row.instance is None:
        return ()
    lines: list[Line] = []
    if (progress := row.outlook.progress) is not None and not _is_overtaken(row):
        from wfinspect.ui.tasks_text import progress_line  # noqa: PLC0415

        is_live = row.outlook.is_progress_live
        old = line(*crop(((f" {progress}?", Role.DIM),), width))
        lines.append(progress_line(progress, look, width) if is_live else old)
    lateness = row.outlook.lateness
    if lateness is not None and row.is_live and (lateness.usual or not row.instance.is_settled):
        said = lateness.sentence(now)
        if lateness.expected_at is not None and now < lateness.expected_at:
            at = near_time(lateness.expected_at, now, look.zone, "%H:%M", "%m-%d %H:%M")
            said += f", expected by {at}"
        role = Role.TROUBLE if lateness.is_late(now) else Role.DIM
        if cell_len(said) > width - 2:
            end = max(said.rfind(", "), said.rfind(": ")) + 1
            lines.append(line(*crop(((f" {said[:end]}", role),), width)))
            said = said[end:].strip()
        lines.append(line(*crop(((f" {said}", role),), width)))
    return tuple(lines)


def failed_line(row: Row, look: "Look", width: int) -> tuple[Line, ...]:
    """The names of the tasks that failed, and of those that are frozen; nothing where none are."""
    frozen = [task for task in _foremost(row) if task.is_frozen]
    failed = [t for t in _foremost(row) if t.family is Family.FAILURE and not t.is_frozen]
    spans: list[Span] = []
    if failed:
        spans += [(f" {look.glyphs[Status.FAILURE]} ", Role.FAILURE), (_names(failed), Role.TEXT)]
    if frozen:
        spans += [(f" {look.glyphs[Status.NOT_RUN]} frozen ", Role.UNKNOWN)]
        spans += [(_names(frozen), Role.TEXT)]
    return (line(*crop(spans, width)),) if spans else ()


def _names(tasks: "Sequence[TaskInstance]") -> str:
    return ", ".join(shown(task.task_name, limit=200) or str(task.id) for task in tasks)


def task_lines(row: Row, look: "Look", now: datetime, width: int) -> tuple[Line, ...]:
    """The tasks that need somebody first, with a title; nothing where none are known."""
    tasks, outlook = _foremost(row), row.outlook
    if not tasks or outlook is None or outlook.progress is None:
        return ()
    from wfinspect.ui.tasks_text import foremost_lines  # noqa: PLC0415

    return foremost_lines(tasks, outlook.progress.total, look, now, width)


def _foremost(row: Row) -> "tuple[TaskInstance, ...]":
    outlook = row.outlook
    return outlook.foremost if outlook is not None and outlook.is_progress_live else ()
