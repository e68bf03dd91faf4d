"""Tasks as text: in lines with bars, one in full, and what an instance's detail says of them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from wfinspect import format as fmt
from wfinspect.errors import ServiceError
from wfinspect.model import (
    FOREMOST,
    Family,
    OperationLog,
    Progress,
    Status,
    TaskInstance,
    spans,
    utc_words,
    zone_of,
)
from wfinspect.ui import instance_text
from wfinspect.ui.lines import (
    BLANK,
    Column,
    Line,
    Part,
    Role,
    Span,
    cell_len,
    crop,
    fit,
    in_columns,
    line,
    pad,
    pad_left,
    section,
    shed,
    text_of,
    titles,
    width_of,
    wrap_lines,
)
from wfinspect.ui.rows import is_overtaken, short_word
from wfinspect.ui.theme import BAR_GROUND, FAMILY_ROLES, Look
from wfinspect.watching.api import OperationsOf, Outcome, Reply, Row
from wfinspect.watching.summary import age as age_of

if TYPE_CHECKING:
    # The first paint needs this module, and not the 2 ms of that one.
    from wfinspect.watching.dependencies import Reached

_SCRIPT_LIMIT = 100_000
"""Characters of a script that are shown."""


def span_words(seconds: float | None) -> str:
    """A span of time; "" where there is none."""
    return "" if seconds is None else fmt.duration(seconds)


def state_of(task: TaskInstance, look: Look) -> tuple[str, str, Role]:
    """Glyph, word and colour of a task's state; where contact is lost, one that goes on is a question."""
    if look.is_lost and not (task.is_frozen or task.family.is_settled):
        glyph, word, _ = state_of(task, look._replace(is_lost=False))
        return glyph, f"{word}?", Role.DIM
    if task.is_frozen:
        return look.glyphs[Status.NOT_RUN], task.word, Role.UNKNOWN
    if task.is_dry_run:
        return look.glyphs[Status.SUCCESS], task.word, Role.DIM
    if "status" in dict(task.unreadable):
        return look.glyphs[Status.UNKNOWN], "unreadable", Role.UNKNOWN
    word = fmt.shown(task.status, limit=40) or "no status"
    return look.glyphs[Status(task.status)], word, FAMILY_ROLES[task.family]


def meaning(task: TaskInstance) -> str:
    """What its schedule makes of it; "" for one that runs as any."""
    if task.is_frozen:
        return "frozen: the schedule sets it to failed, it does not run"
    return "dry run: set to successful, it did not run" if task.is_dry_run else ""


def summary(
    task: TaskInstance,
    look: Look,
    now: datetime,
    width: int,
    chain: Sequence[TaskInstance] = (),
) -> tuple[Span, ...]:
    """What a line has no room for, as many whole parts as `width` cells hold; `chain` is the slowest one."""
    place = next((n for n, each in enumerate(chain, 1) if each.id == task.id), 0)
    critical, ran = f"slowest chain {place}/{len(chain)}" if place else "", ""
    if task.started_time:
        times = (task.started_time, task.finished_time)
        begun, ended = (fmt.service_time(at, look.zone)[-8:] for at in times)
        ran = f"ran from {begun}{f' to {ended}' if ended else ''}"
    said = (str(task.id), meaning(task), critical, waited(task, now), ran)
    # Its bar says whether it is on the chain; how long it waited is in the task in full.
    parts = (Part.of([s], Role.DIM, n) for s, n in zip(said, (0, 1, 4, 3, 2), strict=True))
    return shed([*parts], width, ", ")


def waited(task: TaskInstance, now: datetime) -> str:
    """How long a task waited, and for what; "" for one that did not."""
    took = spans(task, now.timestamp() * 1000)
    waits = ((took.for_time, "for its time"), (took.for_resources, "for resources"))
    said = [f"{fmt.duration(seconds)} {what}" for seconds, what in waits if seconds]
    return f"waited {', '.join(said)}" if said else ""


def details(
    task: TaskInstance,
    runs: Sequence[TaskInstance],
    operations: Sequence[Line],
    look: Look,
    now: datetime,
    width: int,
) -> tuple[Line, ...]:
    """One task in full: its fields, what was done by hand, the runs it has had, its script."""
    unreadable = dict.fromkeys(dict(task.unreadable), instance_text.UNREADABLE)

    def plain(name: str) -> object:
        return unreadable.get(name) or getattr(task, name)

    def time(name: str) -> str:
        return unreadable.get(name) or fmt.service_time(getattr(task, name), look.zone)

    def joined(separator: str, *parts: object) -> str:
        return separator.join(filter(None, map(str, parts)))

    trigger = joined(" ", plain("trigger_type"), plain("trigger_recurrence"))
    tags = unreadable.get("tags") or ", ".join(tag.words for tag in task.tags)
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
        ("Trigger", joined(", ", trigger, meaning(task))),
        ("Resources", plain("resource_group_id")),
        ("Process", plain("process_id")),
        ("Gateway", plain("gateway")),
        ("Created", joined(" by ", time("create_time"), plain("create_user"))),
        ("Modified", joined(" by ", time("modify_time"), plain("modify_user"))),
        ("Description", plain("description")),
        ("Tags", tags),
        ("Parameters", plain("script_parameters")),
        ("Script", unreadable.get("script_content", "")),
        ("New fields", ", ".join(task.unknown_fields)),
    )
    pairs = [(key, str(value)) for key, value in fields if not key or value not in {"", None}]
    lines = list(instance_text.unreadable_line(len(unreadable), width))
    lines += [*operations, BLANK] if operations else []
    lines += instance_text.table(pairs, width)
    if len(runs) > 1:
        lines += [BLANK, section("RUNS", len(runs))]
        lines += [_run_line(run, look, now) for run in runs]
    if task.script_content:
        lines += [BLANK, section("SCRIPT")]
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


Operations = Mapping[OperationsOf, Outcome[tuple[OperationLog, ...]] | None]
"""What came of requests; None for one that is on its way."""


def touched(row: Row) -> list[tuple[TaskInstance, OperationsOf]]:
    """The tasks of a row that may have been acted on by hand, each with the request that says so."""
    outlook = row.outlook
    tasks = outlook.touched if outlook.is_progress_live else ()
    found = ((task, OperationsOf.of(row.key.target, task)) for task in tasks)
    return [(task, request) for task, request in found if request is not None]


def operation_lines(
    wanted: Sequence[tuple[TaskInstance, OperationsOf]],
    known: Operations,
    look: Look,
    now: datetime,
    width: int,
    *,
    has_names: bool = True,
) -> tuple[Line, ...]:
    """What was done to tasks by hand, newest first; what it costs to know, where that is not known.

    Args:
        wanted: tasks, and what says it of them.
        known: what came of that.
        look: how it is drawn.
        now: what is of this day has no date.
        width: cells.
        has_names: say of which task.
    """
    if not wanted:
        return ()
    if any(request not in known for _, request in wanted):
        calls = "1 call" if len(wanted) == 1 else f"{len(wanted)} calls"
        what = f"reads who acted on {len(wanted)} of its tasks, at {calls}: not read yet"
        return tuple(instance_text.keys_with_words(("o", what), width=width))
    outcomes = [(task, known[request]) for task, request in wanted]
    replies = [(task, each.value) for task, each in outcomes if isinstance(each, Reply)]
    logs = [(log, task) for task, found in replies for log in found]
    logs.sort(key=lambda each: (each[0].create_time or 0, each[0].sequence or 0), reverse=True)
    failed = {str(each) for _, each in outcomes if isinstance(each, ServiceError)}
    count = str(len(logs)) if logs else ("" if failed else "nothing")
    on = _period_words([request for _, request in wanted], look.zone)
    if any(each is None for _, each in outcomes):
        count, on = "", "reading..."
    head = section("BY HAND", count)
    fits = width_of(head.spans) + cell_len(on) + 2 <= width
    lines = [line(*head.spans, (f"  {on}" if fits else "", Role.DIM))]
    lines += [] if fits else instance_text.sentence(on, width)
    for log, task in logs:
        at = fmt.near_time(log.create_time, now, look.zone, "%H:%M:%S", "%m-%d %H:%M:%S")
        what = fmt.shown(log.content, limit=40) or "-"
        user = f"by {fmt.shown(log.user, limit=40) or '-'}"
        by = f"{user}  {_words(task)[0]}" if has_names else user
        spans: list[Span] = [(f" {at or '-'}  ", Role.DIM), (pad(what, 12), Role.TEXT)]
        is_one = width_of(spans) + cell_len(by) + 1 <= width
        spans += [(f" {by}", Role.TEXT)] if is_one else []
        lines.append(line(*crop(spans, width)))
        lines += [] if is_one else [line(*crop(((f"   {by}", Role.TEXT),), width))]
    # Of several that fail alike, one sentence.
    for each in sorted(failed):
        lines += instance_text.sentence(each, width, Role.TROUBLE)
    return tuple(lines)


def _period_words(requests: Sequence[OperationsOf], shown_in: tzinfo) -> str:
    """Return which days of a region were read, which is named where the screen has another zone."""
    zone = zone_of(requests[0].target.region)
    days = [datetime.fromtimestamp(day / 1000, zone) for day in {r.day_ms or 0 for r in requests}]
    is_named = any(utc_words(zone, day) != utc_words(shown_in, day) for day in days)
    said = " and ".join(f"{day:%Y-%m-%d}" for day in sorted(days))
    were = "was" if len(days) == 1 else "were"
    return f"Only {said}{f' ({zone.key})' * is_named} {were} read."


_WIDE_CELLS = 110
"""From here the waits have columns."""
_LEAST_BAR = 8


class TimeLine(NamedTuple):
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


def axis(over: TimeLine, cells: int, zone: tzinfo) -> str:
    """Return when the bars begin and end, each time beside a stroke where it is; exactly `cells` cells."""
    begin, end = fmt.moment(int(over.begin)), fmt.moment(int(over.end))
    if begin is None or end is None:
        return " " * cells
    pattern = "%m-%d %H:%M" if end - begin > _DAY else "%H:%M"
    pattern = "%H:%M:%S" if end - begin < _SOON else pattern
    first, last = (f"{at.astimezone(zone):{pattern}}" for at in (begin, end))
    gap = cells - len(f"|{first}{last}|")
    return f"|{first}{' ' * gap}{last}|" if gap > 0 else f"{fit(f'|{first}', cells):<{cells}}"


_DAY, _SOON = timedelta(days=1), timedelta(minutes=10)


def bar(
    task: TaskInstance,
    over: TimeLine | None,
    now_ms: float,
    cells: int,
    look: Look,
    *,
    is_critical: bool = True,
) -> tuple[Span, ...]:
    """Where on the run's time line a task waited and ran; exactly `cells` cells.

    One that is not on the slowest chain is drawn lighter.
    """
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
    mark = look.bar if is_critical else look.light_bar
    return (
        (" " * first, Role.DIM),
        (BAR_GROUND * max(0, start - first), Role.WAITING),
        (mark * max(0, stop - start), state_of(task, look)[2]),
        (" " * max(0, cells - max(stop, first)), Role.DIM),
    )


def progress_line(progress: Progress, look: Look, width: int, *, is_live: bool = True) -> Line:
    """How far the instance is, in words and as a bar; with a sign in its place where it was so once."""
    counts = [Part.of([each], Role.TEXT, n) for n, each in enumerate(str(progress).split(", "))]
    said = f" {text_of(shed(counts, width - 2, ', '))}"
    if not is_live:
        return line((f"{said}?", Role.DIM))
    cells = min(40, width - cell_len(said) - 4)
    if not progress.total or cells < _LEAST_BAR:
        return line((said, Role.TEXT))
    mark = look.bar
    # What failed or runs is seen however little it is; less than all never fills the bar.
    failed, running, frozen = (
        max(1, count * cells // progress.total) if count else 0
        for count in (progress.failed, progress.running, progress.frozen)
    )
    others = failed + running + frozen
    is_all = progress.total == sum(progress[:3]) + progress.frozen
    done = min(progress.done * cells // progress.total, cells - others - (not is_all))
    shares = (done, Role.SUCCESS), (failed, Role.FAILURE), (running, Role.ACTIVE)
    parts = [(mark * share, role) for share, role in (*shares, (frozen, Role.UNKNOWN))]
    left = cells - done - others
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


def task_columns(width: int, names: int, types: int) -> tuple[Column, ...]:
    """Share out a line, given the `widest` words: the name first, then the bar, then the rest."""
    is_wide = width >= _WIDE_CELLS
    word = 14 if is_wide else 13 if width >= 60 else 9  # noqa: PLR2004 - as in the watched list
    kind = min(types, 16 if is_wide else 12) if width >= 70 else 0  # noqa: PLR2004
    wait = 10 if is_wide else 0
    rest = width - 3 - word - (kind and kind + 1) - (wait and 2 * wait + 6) - _FIGURES
    gap = 2 if width >= 60 else 1  # noqa: PLR2004
    name = max(8, min(names + gap, rest - (_LEAST_BAR if rest > 28 else 0), 40))  # noqa: PLR2004
    spare = rest - name - 2
    for_bar = spare if spare >= _LEAST_BAR else 0
    return (
        Column("TASK", name - gap, gap),
        Column("STATUS", word, 0),
        Column("TYPE", kind, 1),
        Column("TOOK", 7, 1, is_right=True),
        Column("RUN", 4, 1, is_right=True),
        Column("WAIT TIME", wait, 2, is_right=True),
        Column("WAIT RESOURCE", wait and wait + 3, 1, is_right=True),
        Column("", 2 if for_bar else 0, 0),
        Column("TIMELINE", for_bar, 0),
    )


_FIGURES = 13
"""Cells of duration and run number."""


def heading(
    columns: Sequence[Column], width: int, over: TimeLine | None = None, zone: tzinfo = UTC
) -> Line:
    """The titles over the lines; that over the bars are the times."""
    *others, last = columns
    if over is not None and last.cells:
        last = last._replace(title=axis(over, last.cells, zone))
    return line(*crop((("   ", Role.DIM), *titles((*others, last))), width))


def task_line(
    task: TaskInstance,
    over: TimeLine | None,
    columns: Sequence[Column],
    look: Look,
    now: datetime,
    *,
    is_critical: bool = True,
) -> Line:
    """A task: glyph, name, state, type, how long it took and waited, its run, its bar."""
    _, for_word, *_, for_bar = columns
    now_ms = now.timestamp() * 1000
    glyph, word, role = state_of(task, look)
    took = spans(task, now_ms)
    name, kind = _words(task)
    values = (
        (name, Role.TEXT),
        (short_word(word) if cell_len(word) >= for_word.cells else word, role),
        (kind, Role.DIM),
        (span_words(took.running), Role.TEXT),
        (str(task.run_number or ""), Role.STRONG if (task.run_number or 1) > 1 else Role.DIM),
        (span_words(took.for_time or None), Role.DIM),
        (span_words(took.for_resources or None), Role.DIM),
        ("", Role.DIM),
    )
    drawn: tuple[Span, ...] = ()
    if for_bar.cells:
        drawn = bar(task, over, now_ms, for_bar.cells, look, is_critical=is_critical)
    return line((f" {glyph} ", role), *in_columns(values, columns), *drawn)


def outlook_lines(
    row: Row, look: Look, now: datetime, width: int, wait: str = ""
) -> tuple[Line, ...]:
    """The progress as a bar, and how long it takes against what is usual.

    What is still to come has its place. `wait` says why tasks are not read for now.
    """
    if row.instance is None:
        return ()
    lines: list[Line] = []
    if (progress := row.outlook.progress) is not None and not is_overtaken(row):
        is_live = row.outlook.is_progress_live
        lines.append(progress_line(progress, look, width, is_live=is_live))
    elif not (wait or row.outlook.no_tasks or row.is_gone):
        lines.append(BLANK)
    if said := fmt.before_rerun(row.failed_before):
        lines += instance_text.sentence(said, width)
    if (deadline := row.outlook.deadline) and row.is_live:
        lines += instance_text.sentence(deadline.words(look.zone)[0], width, Role.TROUBLE)
    lateness, ran = row.outlook.lateness, row.instance.run_seconds(now)
    if lateness is None and row.is_live and row.family is Family.ACTIVE and ran is not None:
        lines += instance_text.sentence(f"running {fmt.duration(ran, in_minutes=True)}", width)
    if lateness is not None and row.is_live and (lateness.usual or not row.instance.is_settled):
        said = lateness.sentence(now)
        if lateness.expected_at is not None and now < lateness.expected_at:
            at = fmt.near_time(lateness.expected_at, now, look.zone, "%H:%M", "%m-%d %H:%M")
            said += f", expected by {at}"
        role = Role.TROUBLE if lateness.is_late(now) else Role.DIM
        if cell_len(said) > width - 2:
            end = max(said.rfind(", "), said.rfind(": ")) + 1
            lines += instance_text.sentence(said[:end], width, role)
            said = said[end:].strip()
        lines += instance_text.sentence(said, width, role)
    return tuple(lines)


def task_lines(row: Row, look: Look, now: datetime, width: int, wait: str = "") -> tuple[Line, ...]:
    """Return the tasks that need attention first, with a title that counts all.

    Where they are not known, why; the others have their place, also while they are read. `wait` as above.
    """
    outlook, tasks = row.outlook, row.outlook.foremost
    total = outlook.progress.total if outlook.progress else FOREMOST + 1
    if not outlook.is_progress_live:
        why_not = fmt.shown(outlook.no_tasks or wait)
        head = section("TASKS", why_not or "reading...")
        room = min(total, FOREMOST + 1) if tasks or not why_not else 0
        return () if row.is_gone else (line(*crop(head.spans, width)), *[BLANK] * room)
    if not tasks:
        return ()
    names, kinds = widest(tasks)
    words = max(cell_len(state_of(task, look)[1]) for task in tasks)
    name_cells = min(names, 40, max(8, width - words - _TASK_FIGURES + _RUN_CELLS))
    # What gives way to a whole name: when each began, then the type, then which run it is.
    room = width - name_cells - words - _TASK_FIGURES
    kind_cells = min(kinds, 16) + 2 if room >= min(kinds, 16) + 2 else 0
    has_start = room - kind_cells >= _START_CELLS
    lines = [section("TASKS", total)]
    for task in tasks:
        name, kind = _words(task)
        glyph, word, role = state_of(task, look)
        took = spans(task, now.timestamp() * 1000).running
        # As of the instance: of what goes on only minutes, since a figure that ticks is bytes for nothing.
        age = "" if took is None else (fmt.duration if task.family.is_settled else age_of)(took)
        run = f"run {task.run_number}" if (task.run_number or 1) > 1 else ""
        begun = fmt.service_time(task.started_time, look.zone)[-8:] if has_start else ""
        parts: list[Span] = [
            (f" {glyph} ", role),
            (pad(name, name_cells) + "  ", Role.TEXT),
            (pad(word, words) + "  ", role),
            (pad(kind, kind_cells), Role.DIM),
            (f"{pad_left(age, 7)}  ", Role.TEXT),
            (pad(run, _RUN_CELLS if room >= 0 else 0), Role.STRONG),
            (f"from {begun}" if begun else "", Role.DIM),
        ]
        lines.append(line(*crop(parts, width)))
    if (more := total - len(tasks)) > 0:
        lines.append(line((f"   and {more} more: t", Role.DIM)))
    return tuple(lines)


_TASK_FIGURES = 23
"""Cells of a task's glyph, how long it took and which run it is, with the blanks between."""
_RUN_CELLS, _START_CELLS = 7, 13


# What tasks wait for, and hold up.


def reached_columns(width: int, reached: "Sequence[Reached]", look: Look) -> tuple[Column, ...]:
    """Share out a line: names and workflows whole before owner, workspace and time have any room."""
    tasks = [each.task for each in reached]
    word = max([6, *(cell_len(_reached_state(each, look)[1]) for each in reached)])
    columns = (
        Column("TASK", max([4, *(cell_len(_indented(each)) for each in reached)]), 2),
        Column("STATUS", word, 2),
        Column("SINCE", 5, 2, is_right=True),
        Column("WORKFLOW", max([8, *(cell_len(_shown(task.workflow_name)) for task in tasks)]), 2),
        Column("WORKSPACE", max([9, *(len(str(task.project_id or "")) for task in tasks)]), 2),
        Column("OWNER", max([5, *(cell_len(_shown(task.owner)) for task in tasks)]), 0),
    )
    left, kept = width - 3, dict.fromkeys(range(len(columns)), 0)
    for place in (1, 0, 3, 2, 4, 5):
        column = columns[place]
        # The last two names may be cut; what else does not fit is left out.
        cells = min(column.cells, left) if place in {0, 3} else column.cells
        if 0 < cells <= left:
            kept[place], left = cells, left - cells - column.gap
    last = max((place for place, cells in kept.items() if cells), default=0)
    return tuple(
        column._replace(cells=kept[place], gap=column.gap if place < last else 0)
        for place, column in enumerate(columns)
    )


def reached_line(each: "Reached", columns: Sequence[Column], look: Look, now: datetime) -> Line:
    """A task that something waits for, or that is held up: the further away, the more indented."""
    glyph, word, role = _reached_state(each, look)
    values = (
        (_indented(each), Role.TEXT),
        (word, role),
        (fmt.near_time(each.since, now, look.zone, "%H:%M", "%m-%d"), Role.DIM),
        (_shown(each.task.workflow_name), Role.TEXT),
        (str(each.task.project_id or ""), Role.DIM),
        (_shown(each.task.owner), Role.DIM),
    )
    return line((f" {glyph} ", role), *in_columns(values, columns))


def reached_summary(each: "Reached", width: int) -> tuple[Span, ...]:
    """What a line may have no room for, as many whole parts as `width` cells hold."""
    task = each.task
    kind = "" if each.type in {"", "Normal"} else _shown(each.type)
    through = f"through {fmt.shown(each.path, limit=200)}" if each.path else ""
    owner = f"owner {_shown(task.owner)}" if task.owner else ""
    space = f"workspace {task.project_id}" if task.project_id else ""
    said = (str(task.id), kind, through, owner, space)
    # What lies between stands in the list, the owner maybe nowhere else.
    parts = (Part.of([s], Role.DIM, n) for s, n in zip(said, (0, 3, 2, 1, 4), strict=True))
    return shed([*parts], width, ", ")


_MOST_LEVELS = 5


def _indented(each: "Reached") -> str:
    return " " * min(max(0, each.level - 1), _MOST_LEVELS) + _shown(each.task.name_or_id)


def _reached_state(each: "Reached", look: Look) -> tuple[str, str, Role]:
    glyph, word, role = state_of(each.task, look)
    return (
        (glyph, f"{word} late", Role.TROUBLE) if each.is_late else (glyph, short_word(word), role)
    )


def _shown(text: str) -> str:
    return fmt.shown(text, limit=200)
