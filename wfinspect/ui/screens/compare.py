"""Two runs side by side, what needs attention first: the text and its screen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from wfinspect.export import (
    ComparedField,
    ComparedTask,
    compared_fields,
    compared_tasks,
    has_yet_to_begin,
)
from wfinspect.format import (
    VALUE_LIMIT,
    biz_date,
    difference,
    duration,
    shortened,
    shown,
    shown_block,
    size_of,
)
from wfinspect.lateness import Run, compare, last_success, newest_first
from wfinspect.model import (
    Family,
    InstanceKey,
    Status,
    TaskInstance,
    WorkflowInstance,
    family_of,
    zone_of,
)
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import (
    BLANK,
    Column,
    Line,
    Role,
    Span,
    beside,
    cell_len,
    line,
    section,
    wrap,
    wrap_lines,
)
from wfinspect.ui.screens.dialogs import PAGE_BINDING, Choice, ChoiceScreen
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Steps, Title, bind
from wfinspect.ui.tasks_text import span_words, state_of
from wfinspect.ui.theme import FAMILY_ROLES, Look
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.watching.api import EarlierRuns, InstanceOf, OtherRuns, TasksOf

_MAX_NAMES = 500
"""Fields of a kind that are shown; the rest is counted."""
_TWO_VALUES_CELLS = 60
_BEFORE = 100
"""Characters that are shown before the first in which two long values differ."""
_IN_HEAD = ("ID", "Status", "Business date")

Cell = tuple[Span, Span]
"""A glyph, or a blank, and a value of one of both runs."""


def compare_columns(width: int, fields: Iterable[ComparedField]) -> tuple[Column, ...]:
    """Return those of label, glyph, value and glyph; the values stand together where those of the first are short.

    Without room for two values, of which one may be a long ID, the last is left out: they stand below
    each other.
    """
    if width < _TWO_VALUES_CELLS:
        return Column("", 13, 1), Column("", 1, 1), Column("", width - 18, 0), Column("", 0, 0)
    label = min(30, width * 3 // 10)
    values = (shown_block(shortened(each.first or "")[0]) for each in fields)
    widest = max((cell_len(part) for value in values for part in value.split("\n")), default=0)
    value = min((width - label - 8) // 2, max(24, widest))
    return Column("", label, 1), Column("", 1, 1), Column("", value), Column("", 1, 1)


def head_lines(
    first: WorkflowInstance,
    second: WorkflowInstance,
    region: str,
    columns: Sequence[Column],
    look: Look,
    now: datetime,
) -> Iterator[Line]:
    """Yield which runs they are, how they stand and how long they took."""

    def cells(one: WorkflowInstance) -> tuple[Cell, ...]:
        day = "-" if one.biz_date is None else biz_date(one.biz_date, zone_of(region))
        word, role = shown(one.status, limit=40) or "-", FAMILY_ROLES[one.family]
        if look.is_lost and not one.is_settled:
            word, role = f"{word}?", Role.DIM
        status = (look.glyphs[Status(one.status)], role), (word, role)
        return _plain(str(one.id), Role.STRONG), status, _plain(day)

    for label, mine, other in zip(_IN_HEAD, cells(first), cells(second), strict=True):
        yield from side_by_side(label, mine, other, columns)
    ran, ran_before = first.run_seconds(now), second.run_seconds(now)
    if ran is None:
        took = "-"
    elif not first.is_settled:
        took = f"{duration(ran, in_minutes=True)} so far"
    else:
        took = duration(ran)
        if ran_before is not None and second.is_settled and int(ran) != int(ran_before):
            took += f"  {difference(ran, ran_before)} {'more' if ran > ran_before else 'less'}"
    took_before = span_words(ran_before)
    yield from side_by_side("Took", _plain(took), _plain(took_before or "-"), columns)


def field_lines(fields: Sequence[ComparedField], columns: Sequence[Column]) -> Iterator[Line]:
    """Yield core fields, parameters and tags: what differs, what differs in every run, what is equal."""
    groups = (
        ("DIFFERS", Role.STRONG, lambda each: not each.is_equal and not each.is_of_run),
        ("DIFFERS IN EVERY RUN", Role.TEXT, lambda each: each.is_of_run),
        ("EQUAL", Role.DIM, lambda each: each.is_equal),
    )
    for title, role, belongs in groups:
        found = [each for each in fields if belongs(each) and each.label not in _IN_HEAD]
        yield from (BLANK, section(title, f"{len(found)}"))
        if not found and title == "DIFFERS":
            yield line((" No setting differs.", Role.DIM))
        for each in found[:_MAX_NAMES]:
            first, second = (value or "-" for value in (each.first, each.second))
            values = _plain(first, role), _plain(second, role)
            yield from side_by_side(each.label, *values, columns)
        if (more := len(found) - _MAX_NAMES) > 0:
            yield line((f" ... and {more:,} more, v shows them all", Role.DIM))


def _plain(value: str, role: Role = Role.TEXT) -> Cell:
    return (" ", role), (value, role)


def task_lines(
    pairs: Sequence[ComparedTask], columns: Sequence[Column], look: Look, now: datetime
) -> Iterator[Line]:
    """Yield how each task went in both, as `compared_tasks` orders them."""
    yield from (BLANK, section("TASKS", f"{len(pairs)}"))
    if has_yet_to_begin([pair.first for pair in pairs if pair.first]):
        yield line((" None has begun.", Role.DIM))
        return
    now_ms = now.timestamp() * 1000
    for pair in pairs:
        ran, ran_before = pair.seconds(now_ms)
        change = pair.change(now_ms)
        cells = (
            _task_cell(pair.first, ran, change, look),
            _task_cell(pair.second, ran_before, "", look),
        )
        has_failed = cells[0][1][1] is Role.FAILURE
        yield from side_by_side(
            pair.name, *cells, columns, Role.FAILURE if has_failed else Role.TEXT
        )


def _task_cell(task: TaskInstance | None, seconds: float | None, change: str, look: Look) -> Cell:
    if task is None:
        return _plain("-", Role.DIM)
    glyph, word, role = state_of(task, look)
    took = "" if task.is_idle else span_words(seconds)
    if took and (change or task.family is Family.SUCCESS):
        # The glyph says that it ran or runs, and how long is neither good nor bad.
        return (glyph, role), (f"{took:>7}  {change:>11}".rstrip(), Role.TEXT)
    return (glyph, role), (f"{took:>7}  {word}", role)


def side_by_side(
    label: str, first: Cell, second: Cell, columns: Sequence[Column], role: Role = Role.DIM
) -> list[Line]:
    """A label and two values, wrapped beside each other; of long ones the part where they differ."""
    (mark, (one, one_role)), (other_mark, (other, other_role)) = first, second
    start = 0
    if one != other and max(len(one), len(other)) > VALUE_LIMIT:
        start = max(0, _first_difference(one, other) - _BEFORE)
    for_label, _, for_value, for_mark = columns
    values = (wrap_lines(_part(text, start), for_value.cells) for text in (one, other))
    left = (
        ((piece, role) for piece in wrap(shown(label, limit=200), for_label.cells)),
        (mark,),
        ((piece, one_role) for piece in next(values)),
    )
    right = (other_mark,), ((piece, other_role) for piece in next(values))
    if for_mark.cells:
        return beside(columns, *left, *right)
    is_equal = (mark[0], one) == (other_mark[0], other)
    return [*beside(columns, *left), *(() if is_equal else beside(columns, (), *right))]


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


class CompareScreen(OverlayScreen):
    """Requests one thing after the other, and shows what has come so far."""

    BINDINGS: ClassVar = [
        bind("less_than_sign", "turn(1)", "other run", "< >"),
        bind("greater_than_sign", "turn(-1)"),
        bind("o", "choose", "choose run"),
        bind("l", "app.task_log", "log"),
        bind("t", "app.tasks", "tasks"),
        PAGE_BINDING,
    ]

    def __init__(self, main: MainScreen, key: InstanceKey) -> None:
        super().__init__(main)
        self._key = self.subject = key
        self._first: WorkflowInstance | None = None
        self._runs: Sequence[Run] = ()
        """The others, newest first; of earlier dates at first only the latest."""
        self._has_all = False
        self._other: Run | None = None
        """Which of them is beside it."""
        self._second: WorkflowInstance | None = None
        self._tasks: Sequence[TaskInstance] | None = None
        self._other_tasks: Sequence[TaskInstance] | None = None
        self._lines = LineView(classes="pane main")
        self.parts = (self._lines,)

    def title_now(self) -> Title:
        name = self._first.name if self._first else ""
        return Title((), name, str(self._key.id), self._beside)

    @property
    def _beside(self) -> str:
        if self._other is None:
            return "compared"
        if self._other == self._last_success:
            return "compared with the last success before it"
        return f"compared with its run of {self._day(self._other)}"

    def _day(self, run: Run) -> str:
        return biz_date(run.biz_date, zone_of(self._key.target.region))

    @property
    def _last_success(self) -> Run | None:
        return last_success(self._runs, self._first) if self._first else None

    def about_spans(self, _: int) -> Sequence[Span]:
        if not self._has_all or self._other not in self._runs:
            return ()
        place = self._runs.index(self._other) + 1
        return ((f" other run {place} of {len(self._runs)}", Role.DIM),)

    @property
    def words(self) -> Mapping[str, str]:
        return {} if self._runs else {"< >": "", "o": ""}

    # What is read.

    @property
    def is_reading(self) -> bool:
        return not self._has_all and self.trouble is None

    def read(self) -> None:
        self._second = self._tasks = self._other_tasks = None
        self.request_in_turn(self._read_all())

    def _read_all(self) -> Steps:
        self._first = yield InstanceOf(self._key)
        if self._other is None:
            # Each date may cost a call: those that only say what is usual come last.
            self._keep((yield OtherRuns(self._key, most=1)))
        yield from self._read_rest()

    def _read_rest(self) -> Steps:
        yield from self._read_other()
        if not self._has_all:
            self._keep((yield EarlierRuns(self._key)))
            self._has_all = True
            if self._second is None:
                yield from self._read_other()

    def _keep(self, runs: tuple[Run, ...]) -> None:
        self._runs = newest_first(*(r for r in (*runs, *self._runs) if r.id != self._key.id))
        self._other = self._other or self._last_success

    def _read_other(self) -> Steps:
        if self._other is not None:
            other = InstanceKey(self._key.target, self._other.id)
            self._second = yield InstanceOf(other)
            if self._tasks is None:
                self._tasks = (yield TasksOf(self._key)).items
            self._other_tasks = (yield TasksOf(other)).items

    def action_turn(self, step: int) -> None:
        """Compare with the run before or after."""
        at = self._runs.index(self._other) if self._other in self._runs else -1
        if 0 <= at + step < len(self._runs):
            self._put_beside(self._runs[at + step])
        else:
            self.say_none(f"No {'earlier' if step > 0 else 'later'} run is known.")

    def action_choose(self) -> None:
        """Choose among the other runs."""
        choices, title = [*map(self._choice, self._runs)], "Compare with another run"
        if choices:
            dialog = ChoiceScreen(lambda: choices, title, "compare", is_wide=True)
            self.app.push_dialog(dialog, self._put_beside)
        else:
            self.say_none("No other run is known.")

    def _choice(self, run: Run) -> Choice:
        day = self._day(run)
        word = shown(run.status, limit=40) or "-"
        glyph = self.look.glyphs[Status(run.status)]
        state = f"{glyph} {word:<10}", FAMILY_ROLES[family_of(run.status)]
        took = span_words(run.seconds)
        left = (f" {day}  ", Role.TEXT), state, (f" {took:>7}", Role.TEXT)
        return Choice(run, left, ((f"{run.id} ", Role.DIM),), f"{day} {word} {run.id}")

    def _put_beside(self, run: Run) -> None:
        self._other, self._second, self._other_tasks = run, None, None
        self.request_in_turn(self._read_rest())
        self.refresh_lines()

    # What is shown.

    def fill(self) -> None:
        self._lines.show(tuple(self._all_lines(max(30, self.size.width - 2))))

    def _all_lines(self, width: int) -> Iterator[Line]:
        first, second, now = self._first, self._second, self.as_read
        if first is None:
            yield from self.waiting_lines(width)
            return
        if self._has_all:
            lateness = compare(first, self._runs)
            role = Role.TROUBLE if lateness.is_late(now) else Role.TEXT
            yield from sentence(lateness.sentence(now), width, role)
        else:
            said = "" if self.trouble else "reading its earlier runs, at most 10 calls..."
            yield line((f" {said}", Role.DIM))
        if second is not None:
            yield from self._both(first, second, width, now)
        elif self._has_all and self._other is None:
            other = ": o chooses another" if self._runs else ""
            yield from (BLANK, *sentence(f"No earlier run that succeeded is known{other}.", width))
        elif self.trouble is not None or self._other is not None:
            yield from self.waiting_lines(width)

    def _both(
        self, first: WorkflowInstance, second: WorkflowInstance, width: int, now: datetime
    ) -> Iterator[Line]:
        region = self._key.target.region
        fields = compared_fields(first, second, region, self.look.zone)
        columns = compare_columns(width, fields)
        yield BLANK
        yield from head_lines(first, second, region, columns, self.look, now)
        if self._tasks is not None and self._other_tasks is not None:
            pairs = compared_tasks(self._tasks, self._other_tasks, now.timestamp() * 1000)
            yield from task_lines(pairs, columns, self.look, now)
        elif self.trouble is not None:
            yield from self.waiting_lines(width)
        else:
            # What stands below them comes with them: nothing on the screen changes its place.
            yield from (BLANK, section("TASKS", self._reading))
            return
        yield from field_lines(fields, columns)

    @property
    def _reading(self) -> str:
        progress = self.row(self._key).outlook.progress
        is_first = self._tasks is None
        count = progress.total if is_first and progress else len(self._tasks or ())
        whose = "of it" if is_first else "of the other run"
        return f"reading the {f'{count:,} ' if count else ''}tasks {whose}..."
