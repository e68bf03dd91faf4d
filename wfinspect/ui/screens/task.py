"""One task in full, with its runs, its script and its JSON. Reads nothing itself: asks the watcher."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.widget import Widget

from wfinspect.instance import Binding, InstanceKey
from wfinspect.query import Page
from wfinspect.task import TaskInstance
from wfinspect.ui import json_text
from wfinspect.ui.lines import BLANK
from wfinspect.ui.long_text import LongText
from wfinspect.ui.screens.log import LogScreen
from wfinspect.ui.screens.text import TextScreen
from wfinspect.ui.screens.view import Desk, Title, View
from wfinspect.ui.task_text import details, state_of
from wfinspect.ui.widgets.line_view import StaticLines
from wfinspect.watching.requests import RunsOf, TaskOf


class TaskScreen(View):
    """One task in full, with its runs and its script."""

    BINDINGS: ClassVar = [("l", "log", "its log"), ("v", "raw", "its JSON")]
    HINTS = (("l", "log"), ("v", "raw"), ("r", "read again"))

    def __init__(self, desk: Desk, key: InstanceKey, task: TaskInstance) -> None:
        super().__init__(desk)
        self._key = key
        self._subject = task
        self._runs: Sequence[TaskInstance] = ()
        self._lines = StaticLines(classes="pane main")

    def body(self) -> Iterator[Widget]:
        yield self._lines

    def title_now(self) -> Title:
        task = self._subject
        glyph, word, role = state_of(task, self.desk.look)
        state = f" {glyph} {word}", role
        return Title((state,), task.task_name, str(task.id), "task")

    def read(self) -> None:
        task = self._subject
        settled_at = task.modify_time if task.family.is_settled else None
        self.ask(TaskOf(self._key.binding, task.id, settled_at), self._take)
        if (task.run_number or 1) > 1:
            self.ask(RunsOf(self._key, task.id), self._take_runs)

    def _take(self, task: TaskInstance) -> None:
        self._subject = task

    def _take_runs(self, page: Page[TaskInstance]) -> None:
        self._runs = sorted(page.items, key=lambda run: -(run.run_number or 0))

    def fill(self) -> None:
        now, width = self.desk.clock.now(), max(20, self.size.width - 2)
        found = details(self._subject, self._runs, self.desk.look, now, width)
        self._lines.show((BLANK, *found))

    def action_log(self) -> None:
        """Its log."""
        self.app.push_screen(LogScreen(self.desk, self._key.binding, self._subject))

    def action_raw(self) -> None:
        """Its own JSON."""
        self.app.push_screen(TaskJsonScreen(self.desk, self._key.binding, self._subject))


class TaskJsonScreen(TextScreen):
    """A task's JSON; asked for where the list has none, since those of many large tasks are not kept."""

    def __init__(self, desk: Desk, binding: Binding, task: TaskInstance) -> None:
        title = Title(name=task.task_name, whole=str(task.id), rest="the service's JSON")
        text = json_text.indented(task.raw)
        super().__init__(desk, title, text, file=f"wfinspect-task-{task.id}", ending="json")
        self._binding = binding
        self._task_id = task.id

    def read(self) -> None:
        if not self._given:
            self.ask(TaskOf(self._binding, self._task_id), self._take)

    def _take(self, task: TaskInstance) -> None:
        self._given = json_text.indented(task.raw)
        self.view.show(LongText(self._given))

    def fill(self) -> None:
        self.view.display = bool(len(self.text))
        self.head.set_class(not self.view.display, "-alone")
        self.head.show(() if self.view.display else self.waiting_lines(self.size.width))
