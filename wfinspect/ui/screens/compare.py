"""An instance beside another, or beside its last success. Reads nothing itself: asks the watcher."""

from collections.abc import Iterator, Sequence

from textual.widget import Widget

from wfinspect.instance import Family, InstanceKey, WorkflowInstance, family_of
from wfinspect.query import Page
from wfinspect.task import TaskInstance
from wfinspect.typical import Run, compare
from wfinspect.ui.compare_text import Columns, comparison, side_by_side, task_times
from wfinspect.ui.lines import BLANK, Line, Role, line
from wfinspect.ui.screens.view import Desk, Title, View
from wfinspect.ui.widgets.line_view import StaticLines
from wfinspect.watching.requests import EarlierRuns, InstanceOf, TasksOf
from wfinspect.watching.snapshot import Row


class CompareScreen(View):
    """Asks one thing after the other, and shows what has come so far."""

    HINTS = (("r", "read again"),)

    def __init__(self, desk: Desk, key: InstanceKey, other: InstanceKey | None) -> None:
        """Create the screen; without another the last success is looked for."""
        super().__init__(desk)
        self._keys = [key, *([other] if other else [])]
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
        self.ask(InstanceOf(self._keys[0]), self._take_first)

    def _take_first(self, found: WorkflowInstance) -> None:
        self._instances = [found]
        if len(self._keys) > 1:
            self.ask(InstanceOf(self._keys[1]), self._take_second)
        else:
            self.ask(EarlierRuns(self._keys[0]), self._take_runs)

    def _take_runs(self, runs: tuple[Run, ...]) -> None:
        first = self._instances[0]
        self._lateness = compare(first, runs).sentence(self.desk.clock.now())
        succeeded = (run.id for run in runs if family_of(run.status) is Family.SUCCESS)
        last = next((number for number in succeeded if number != first.id), None)
        self._is_alone = last is None
        if last is not None:
            self._with = "compared with its last success"
            self._keys.append(InstanceKey(self._keys[0].binding, last))
            self.ask(InstanceOf(self._keys[1]), self._take_second)

    def _take_second(self, found: WorkflowInstance) -> None:
        self._instances = [self._instances[0], found]
        self.ask(TasksOf(self._keys[0]), self._take_tasks)

    def _take_tasks(self, page: Page[TaskInstance]) -> None:
        self._tasks.append(page.items)
        if len(self._tasks) < len(self._keys):
            self.ask(TasksOf(self._keys[1]), self._take_tasks)

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
            columns = Columns.of(width, first, self.desk.look.zone)
            ids = str(first.key.id), str(second.key.id)
            yield BLANK
            yield from side_by_side("", ids[0], ids[1], columns, Role.ACCENT)
            tasks = self._task_lines(columns, width)
            yield from comparison(first, second, self.desk.look, columns, tasks)

    def _task_lines(self, columns: Columns, width: int) -> Sequence[Line]:
        if len(self._tasks) > 1:
            now_ms = self.desk.clock.now().timestamp() * 1000
            return task_times(self._tasks[0], self._tasks[1], now_ms, columns)
        return self.waiting_lines(width) if self.trouble is not None else ()
