"""One task as text: how long it waited and ran; in full with its runs and its script. Pure."""

from collections.abc import Sequence
from datetime import datetime

from wfinspect import format as fmt
from wfinspect.instance import Status
from wfinspect.task import TaskInstance, spans
from wfinspect.ui import detail_text
from wfinspect.ui.lines import BLANK, Line, Role, line, pad, wrap_lines
from wfinspect.ui.theme import FAMILY_ROLES, Look

_SCRIPT_LIMIT = 100_000
"""Characters of a script that are shown."""


def span_words(seconds: float | None) -> str:
    """A span of time; "" where there is none."""
    return "" if seconds is None else fmt.duration(seconds)


def state_of(task: TaskInstance, look: Look) -> tuple[str, str, Role]:
    """Glyph, word and colour of a task's state."""
    if task.is_frozen:
        return look.glyphs[Status.NOT_RUN], task.word, Role.UNKNOWN
    if task.is_dry_run:
        return look.glyphs[Status.SUCCESS], task.word, Role.DIM
    if "status" in dict(task.unreadable):
        return look.glyphs[Status.UNKNOWN], "unreadable", Role.UNKNOWN
    word = fmt.shown(task.status, limit=40) or "no status"
    return look.glyphs[Status.of(task.status)], word, FAMILY_ROLES[task.family]


def meaning(task: TaskInstance) -> str:
    """What its schedule makes of it; "" for one that runs as any."""
    if task.is_frozen:
        return "frozen: the schedule sets it to failed, it does not run"
    return "dry run: set to successful, it did not run" if task.is_dry_run else ""


def summary(task: TaskInstance, look: Look, now: datetime) -> str:
    """What a line has no room for."""
    parts = [str(task.id), meaning(task), waited(task, now)]
    if task.started_time:
        times = (task.started_time, task.finished_time)
        begun, ended = (fmt.service_time(at, look.zone)[-8:] for at in times)
        parts.append(f"ran from {begun}{f' to {ended}' if ended else ''}")
    return ", ".join(filter(None, parts))


def waited(task: TaskInstance, now: datetime) -> str:
    """How long a task waited, and for what; "" for one that did not."""
    took = spans(task, now.timestamp() * 1000)
    waits = ((took.for_time, "for its time"), (took.for_resources, "for resources"))
    said = [f"{fmt.duration(seconds)} {what}" for seconds, what in waits if seconds]
    return f"waited {', '.join(said)}" if said else ""


def details(
    task: TaskInstance, runs: Sequence[TaskInstance], look: Look, now: datetime, width: int
) -> tuple[Line, ...]:
    """One task in full: its fields, the runs it has had, its script."""
    unreadable = dict.fromkeys(dict(task.unreadable), detail_text.UNREADABLE)

    def plain(name: str) -> object:
        return unreadable.get(name) or getattr(task, name)

    def time(name: str) -> str:
        return unreadable.get(name) or fmt.service_time(getattr(task, name), look.zone)

    def by(at: str, user: object) -> str:
        return " by ".join(filter(None, (at, str(user))))

    waits = (unreadable.get(f"waiting_{what}_time") for what in ("trigger", "resource"))
    fields = (
        ("Type", plain("task_type")),
        ("ID", task.id),
        ("Task", plain("task_id")),
        ("Run", plain("run_number")),
        ("", ""),
        ("Due", time("trigger_time")),
        ("Started", time("started_time")),
        ("Finished", time("finished_time")),
        ("Waited", next(filter(None, waits), waited(task, now).removeprefix("waited "))),
        ("Ran", span_words(spans(task, now.timestamp() * 1000).running)),
        ("Timeout", unreadable.get("timeout") or span_words(task.timeout or None)),
        ("", ""),
        ("Owner", plain("owner")),
        ("Operation", plain("operation_type")),
        ("Period", plain("period_number")),
        ("Priority", plain("priority")),
        ("Baseline", plain("baseline_id")),
        ("Rerun mode", plain("rerun_mode")),
        (
            "Trigger",
            ", ".join(
                filter(
                    None,
                    (
                        f"{plain('trigger_type')} {plain('trigger_recurrence')}".strip(),
                        meaning(task),
                    ),
                )
            ),
        ),
        ("Resources", plain("resource_group_id")),
        ("Process", plain("process_id")),
        ("Gateway", plain("gateway")),
        ("Created", by(time("create_time"), plain("create_user"))),
        ("Modified", by(time("modify_time"), plain("modify_user"))),
        ("Description", plain("description")),
        (
            "Tags",
            unreadable.get("tags") or ", ".join(f"{tag.key}:{tag.value}" for tag in task.tags),
        ),
        ("Parameters", plain("script_parameters")),
        ("Script", unreadable.get("script_content", "")),
        ("New fields", ", ".join(task.unknown_fields)),
    )
    pairs = [(key, str(value)) for key, value in fields if not key or value not in {"", None}]
    lines = list(detail_text.unreadable_line(len(unreadable), width))
    lines += detail_text.table(pairs, width)
    if len(runs) > 1:
        lines += [BLANK, line((" RUNS", Role.DIM), (f" {len(runs)}", Role.DIM)), BLANK]
        lines += [_run_line(run, look, now) for run in runs]
    if task.script_content:
        lines += [BLANK, line((" SCRIPT", Role.DIM)), BLANK]
        script, size = fmt.shortened(task.script_content, _SCRIPT_LIMIT)
        pieces = wrap_lines(fmt.shown_block(script), width - 2)
        lines += [line((f" {piece}", Role.TEXT)) for piece in pieces]
        lines += [line((f" ... {size}, v shows the whole", Role.DIM))] if size else []
    return tuple(lines)


def _run_line(run: TaskInstance, look: Look, now: datetime) -> Line:
    glyph, word, role = state_of(run, look)
    took = span_words(spans(run, now.timestamp() * 1000).running)
    return line(
        (f" run {pad(str(run.run_number or '-'), 3)} ", Role.TEXT),
        (f"{glyph} {pad(word, 13)}", role),
        (f"{fmt.service_time(run.started_time, look.zone) or '-'}  {took}", Role.DIM),
    )
