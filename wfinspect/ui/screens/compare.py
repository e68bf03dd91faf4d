"""Two instances side by side, what differs first: the text and its screen."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import count
from typing import ClassVar

from textual.widget import Widget

from wfinspect.export import labelled
from wfinspect.format import VALUE_LIMIT, duration, shortened, shown, shown_block, size_of
from wfinspect.lateness import Run, compare
from wfinspect.model import (
    FIELDS,
    Family,
    FieldKind,
    InstanceKey,
    Page,
    TaskInstance,
    WorkflowInstance,
    family_of,
    spans,
)
from wfinspect.parsing import Parameters, first_parameters
from wfinspect.ui.lines import BLANK, Column, Line, Role, beside, cell_len, line, wrap, wrap_lines
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.view import READ, OverlayScreen, Title
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.line_view import StaticLines
from wfinspect.watching.api import EarlierRuns, InstanceOf, Row, TasksOf

_OF_EVERY_RUN = frozenset(field.label for field in FIELDS if field.is_of_run)
"""What differs between any two runs, and so says nothing."""
_LEAST_SECONDS = 1.0
_MAX_NAMES = 500
"""Fields of a kind that are shown; the rest is counted."""
_BEFORE = 100
"""Characters that are shown before the first in which two long values differ."""


def compare_columns(width: int, row: Row, zone: tzinfo) -> tuple[Column, Column]:
    """Return those of label and value; the values stand together where those of `row` are short."""
    label = max(18, min(30, width * 3 // 10))
    named = _values(row, zone)
    if _are_certain(row):
        named.pop("Parameters", None)
    values = (shown_block(shortened(value)[0]) for value in named.values())
    widest = max(cell_len(part) for value in values for part in value.split("\n"))
    return Column("", label, 1), Column("", max(8, min((width - label - 4) // 2, max(24, widest))))


def comparison(
    first: Row, second: Row, look: Look, columns: Sequence[Column], tasks: Iterable[Line] = ()
) -> tuple[Line, ...]:
    """Core fields, parameters and tags: what differs, what differs in every run, what is equal.

    The lines of `tasks` stand behind what differs.
    """
    mine, theirs = _values(first, look.zone), _values(second, look.zone)
    if _are_certain(first) and _are_certain(second):
        for values in (mine, theirs):
            values.pop("Parameters", None)
    labels = list(dict.fromkeys((*mine, *theirs)))
    differing = [label for label in labels if mine.get(label) != theirs.get(label)]
    groups = (
        ("DIFFERS", [it for it in differing if it not in _OF_EVERY_RUN], Role.STRONG),
        ("DIFFERS IN EVERY RUN", [it for it in differing if it in _OF_EVERY_RUN], Role.TEXT),
        ("EQUAL", [it for it in labels if mine.get(it) == theirs.get(it)], Role.DIM),
    )
    lines: list[Line] = []
    for title, names, role in groups:
        lines += [BLANK, line((f" {title}", Role.DIM), (f" {len(names)}", Role.DIM))]
        for name in names[:_MAX_NAMES]:
            lines += side_by_side(name, mine.get(name, "-"), theirs.get(name, "-"), columns, role)
        if (more := len(names) - _MAX_NAMES) > 0:
            lines.append(line((f" ... and {more:,} more, v shows them all", Role.DIM)))
        lines += tasks if title == "DIFFERS" else ()
    return tuple(lines)


def side_by_side(
    label: str, first: str, second: str, columns: Sequence[Column], role: Role
) -> list[Line]:
    """A label and two values, wrapped beside each other; of long ones the part where they differ."""
    start = 0
    if first != second and max(len(first), len(second)) > VALUE_LIMIT:
        start = max(0, _first_difference(first, second) - _BEFORE)
    for_label, for_value = columns
    labels = wrap(shown(label, limit=200), for_label.cells)
    values = (wrap_lines(_part(text, start), for_value.cells) for text in (first, second))
    return beside(
        columns,
        ((piece, Role.DIM) for piece in labels),
        *([(piece, role) for piece in value] for value in values),
    )


def _part(text: str, start: int) -> str:
    """A value to be looked at, from a character on."""
    part, size = shortened(text[start : start + VALUE_LIMIT + 1])
    before = f"... from character {start + 1:,}:\n" if start else ""
    rest = f"\n... {size_of(text)}, v shows the whole" if size else ""
    return f"{before}{shown_block(part)}{rest}"


def _first_difference(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def task_times(
    first: Sequence[TaskInstance],
    second: Sequence[TaskInstance],
    now_ms: float,
    columns: Sequence[Column],
) -> tuple[Line, ...]:
    """How long each task ran in both, the greatest difference first.

    Before these, the tasks that ran in one and were frozen or a dry run in the other. Tasks are
    paired by name; where a run has several of one name, by the task's ID, then by order.
    """
    counted = (Counter(map(_name, tasks)) for tasks in (first, second))
    shared = {name for each in counted for name, times in each.items() if times > 1}
    mine, theirs = (_by_name(tasks, shared) for tasks in (first, second))
    pairs = {name: (mine.get(name), theirs.get(name)) for name in (*mine, *theirs)}
    rows = []
    for name, (one, other) in pairs.items():
        after, before = (_seconds(task, now_ms) for task in (one, other))
        idle, was_idle = (_idle_word(task) for task in (one, other))
        differs = before is None or after is None or abs(after - before) >= _LEAST_SECONDS
        said = idle or ("-" if after is None else f"{duration(after):<7}")
        if after is not None and before is not None and differs:
            said += f" {duration(abs(after - before))} {'more' if after > before else 'less'}"
        both = said, was_idle or ("-" if before is None else duration(before))
        role = Role.DIM if (idle and idle == was_idle) or not differs else Role.TEXT
        rows.append(((idle == was_idle, -abs((after or 0.0) - (before or 0.0)), name), both, role))
    lines: list[Line] = [BLANK, line((" TASKS", Role.DIM), (f" {len(rows)}", Role.DIM))]
    for (_, _, name), (said, other_said), role in sorted(rows):
        lines += side_by_side(name, said, other_said, columns, role)
    return tuple(lines)


def _idle_word(task: TaskInstance | None) -> str:
    """What a task is called that did not run by its schedule; "" for any other."""
    return task.word if task is not None and (task.is_frozen or task.is_dry_run) else ""


def _seconds(task: TaskInstance | None, now_ms: float) -> float | None:
    return None if task is None or _idle_word(task) else spans(task, now_ms).running


def _name(task: TaskInstance) -> str:
    return task.task_name or str(task.id)


def _by_name(tasks: Sequence[TaskInstance], shared: Collection[str]) -> Mapping[str, TaskInstance]:
    found: dict[str, TaskInstance] = {}
    for task in sorted(tasks, key=lambda task: task.id):
        name = _name(task)
        if name in shared and task.task_id is not None:
            name += f" (task {task.task_id})"
        same = (name if n == 1 else f"{name} ({n})" for n in count(1))
        found[next(it for it in same if it not in found)] = task
    return found


def _values(row: Row, zone: tzinfo) -> dict[str, str]:
    """Values by their labels; a mark before it says whether a key is a parameter's or a tag's."""
    if row.instance is None:
        return {}
    values: dict[str, str] = {}
    for field, key, value in labelled(row.instance, row.key.target.region, zone):
        if not key and field.kind is not FieldKind.TAGS:
            values[field.label] = value
        elif key:
            values[("$" if field.kind is FieldKind.PARAMETERS else "#") + key] = value
    found = _parameters(row)
    return values | {f"${p.key}": p.told_apart for p in found.pairs} if found else values


def _are_certain(row: Row) -> bool:
    """Whether the parameters say all that the text of them does."""
    found = _parameters(row)
    return found is not None and found.is_certain


def _parameters(row: Row) -> Parameters | None:
    if row.instance is None or "workflow_parameters" in dict(row.instance.unreadable):
        return None
    return first_parameters(row.instance.workflow_parameters)


class CompareScreen(OverlayScreen):
    """Requests one thing after the other, and shows what has come so far."""

    BINDINGS: ClassVar = [READ]

    def __init__(self, main: MainScreen, key: InstanceKey) -> None:
        super().__init__(main)
        self._keys = [key]
        self._instances: list[WorkflowInstance] = []
        self._tasks: list[Sequence[TaskInstance]] = []
        self._lateness = ""
        self._with = "compared"
        self._is_alone = False
        self._lines = StaticLines(classes="pane main")

    def body(self) -> Iterator[Widget]:
        yield self._lines

    def title_now(self) -> Title:
        name = self._instances[0].name if self._instances else ""
        return Title((), name, str(self._keys[0].id), self._with)

    def read(self) -> None:
        self._instances, self._tasks = [], []
        self.request(InstanceOf(self._keys[0]), self._take_first)

    def _take_first(self, found: WorkflowInstance) -> None:
        self._instances = [found]
        if len(self._keys) > 1:
            self.request(InstanceOf(self._keys[1]), self._take_second)
        else:
            self.request(EarlierRuns(self._keys[0]), self._take_runs)

    def _take_runs(self, runs: tuple[Run, ...]) -> None:
        first = self._instances[0]
        self._lateness = compare(first, runs).sentence(self.clock.now())
        succeeded = (run.id for run in runs if family_of(run.status) is Family.SUCCESS)
        last = next((number for number in succeeded if number != first.id), None)
        self._is_alone = last is None
        if last is not None:
            self._with = "compared with its last success"
            self._keys.append(InstanceKey(self._keys[0].target, last))
            self.request(InstanceOf(self._keys[1]), self._take_second)

    def _take_second(self, found: WorkflowInstance) -> None:
        self._instances = [self._instances[0], found]
        self.request(TasksOf(self._keys[0]), self._take_tasks)

    def _take_tasks(self, page: Page[TaskInstance]) -> None:
        self._tasks.append(page.items)
        if len(self._tasks) < len(self._keys):
            self.request(TasksOf(self._keys[1]), self._take_tasks)

    def fill(self) -> None:
        width = max(30, self.size.width - 2)
        self._lines.show(tuple(self._all_lines(width)))

    def _all_lines(self, width: int) -> Iterator[Line]:
        if self._lateness:
            yield line((f" {self._lateness}", Role.TEXT))
        if self._is_alone:
            yield BLANK
            yield line((" No earlier run that succeeded is known.", Role.DIM))
        elif len(self._instances) < 2:  # noqa: PLR2004 - it takes two
            yield from self.waiting_lines(width)
        else:
            first, second = (
                Row(key, one) for key, one in zip(self._keys, self._instances, strict=True)
            )
            columns = compare_columns(width, first, self.look.zone)
            ids = str(first.key.id), str(second.key.id)
            yield BLANK
            yield from side_by_side("", ids[0], ids[1], columns, Role.ACCENT)
            tasks = self._task_lines(columns, width)
            yield from comparison(first, second, self.look, columns, tasks)

    def _task_lines(self, columns: Sequence[Column], width: int) -> Sequence[Line]:
        if len(self._tasks) > 1:
            now_ms = self.clock.now().timestamp() * 1000
            return task_times(self._tasks[0], self._tasks[1], now_ms, columns)
        return self.waiting_lines(width) if self.trouble is not None else ()
