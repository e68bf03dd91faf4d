"""The screens of an instance's tasks, of one task in full, and of its JSON."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.format import indented, near_time, shown
from wfinspect.model import Family, InstanceKey, Page, Target, TaskInstance, by_attention, progress
from wfinspect.ui import tasks_text
from wfinspect.ui.lines import BLANK, Ground, Line, Role, Span, line
from wfinspect.ui.rows import glyph_of, state_word
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.text import LogScreen, TextScreen
from wfinspect.ui.screens.view import OverlayScreen, Title
from wfinspect.ui.tasks_text import details, state_of, summary
from wfinspect.ui.widgets.boxes import StatusLine
from wfinspect.ui.widgets.line_view import CursorList, LineView, StaticLines
from wfinspect.ui.widgets.text_view import LongText
from wfinspect.watching.api import RunsOf, TaskOf, TasksOf


class TaskScreen(OverlayScreen):
    """One task in full, with its runs and its script."""

    BINDINGS: ClassVar = [("l", "log", "its log"), ("v", "raw", "its JSON")]
    HINTS = (("l", "log"), ("v", "raw"), ("r", "read again"))

    def __init__(self, main: MainScreen, key: InstanceKey, task: TaskInstance) -> None:
        super().__init__(main)
        self._key = key
        self._subject = task
        self._runs: Sequence[TaskInstance] = ()
        self._lines = StaticLines(classes="pane main")

    def body(self) -> Iterator[Widget]:
        yield self._lines

    def title_now(self) -> Title:
        task = self._subject
        glyph, word, role = state_of(task, self.look)
        state = f" {glyph} {word}", role
        return Title((state,), task.task_name, str(task.id), "task")

    def read(self) -> None:
        task = self._subject
        settled_at = task.modify_time if task.family.is_settled else None
        self.request(TaskOf(self._key.target, task.id, settled_at), self._take)
        if (task.run_number or 1) > 1:
            self.request(RunsOf(self._key, task.id), self._take_runs)

    def _take(self, task: TaskInstance) -> None:
        self._subject = task

    def _take_runs(self, page: Page[TaskInstance]) -> None:
        self._runs = sorted(page.items, key=lambda run: -(run.run_number or 0))

    def fill(self) -> None:
        now, width = self.clock.now(), max(20, self.size.width - 2)
        found = details(self._subject, self._runs, self.look, now, width)
        self._lines.show((BLANK, *found))

    def action_log(self) -> None:
        """Its log."""
        self.app.push_screen(LogScreen(self.main, self._key.target, self._subject))

    def action_raw(self) -> None:
        """Its own JSON."""
        self.app.push_screen(TaskJsonScreen(self.main, self._key.target, self._subject))


class TaskJsonScreen(TextScreen):
    """A task's JSON; asked for where the list has none, since those of many large tasks are not kept."""

    def __init__(self, main: MainScreen, target: Target, task: TaskInstance) -> None:
        title = Title(name=task.task_name, whole=str(task.id), rest="the service's JSON")
        text = indented(task.raw)
        super().__init__(main, title, text, file=f"wfinspect-task-{task.id}", ending="json")
        self._target = target
        self._task_id = task.id

    def read(self) -> None:
        if not self._given:
            self.request(TaskOf(self._target, self._task_id), self._take)

    def _take(self, task: TaskInstance) -> None:
        self._given = indented(task.raw)
        self.view.show(LongText(self._given))

    def fill(self) -> None:
        self.view.display = bool(len(self.text))
        self.head.set_class(not self.view.display, "-alone")
        self.head.show(() if self.view.display else self.waiting_lines(self.size.width))


_TIME = "%H:%M:%S"
_NAMED = 3
_WORTH_A_LOG = {Family.FAILURE, Family.UNKNOWN, Family.ACTIVE}


class TaskList(CursorList):
    """Tasks with what needs attention first; the cursor stays on its task."""

    def __init__(self, main: MainScreen, nothing: Callable[[int], tuple[Line, ...]]) -> None:
        super().__init__(nothing)
        self._main = main
        self.tasks: Sequence[TaskInstance] = ()
        self._over: tasks_text.TimeLine | None = None
        self._widest = (4, 4)
        self._measured: Sequence[TaskInstance] = ()
        self._now = main.clock.now()

    @property
    def count(self) -> int:
        """How many are shown."""
        return len(self.tasks)

    @property
    def chosen(self) -> TaskInstance | None:
        """The task under the cursor."""
        return self.tasks[self.cursor] if self.tasks else None

    @property
    def columns(self) -> tasks_text.TaskColumns:
        """The widths of the columns."""
        return tasks_text.TaskColumns.of(self.text_width, *self._widest)

    def offer(self, shown_tasks: Sequence[TaskInstance], all_tasks: Sequence[TaskInstance]) -> None:
        """Show some of an instance's tasks, on the time line of all."""
        before = self.chosen
        self.tasks, self._now = shown_tasks, self._main.clock.now()
        self._over = tasks_text.TimeLine.of(all_tasks, self._now.timestamp() * 1000)
        if all_tasks is not self._measured:
            self._widest, self._measured = tasks_text.widest(all_tasks), all_tasks
        places = (i for i, task in enumerate(shown_tasks) if before and task.id == before.id)
        self.update_lines()
        self.go_to(next(places, 0))

    def item_line(self, index: int, ground: Ground) -> Line:
        """A task with its bar."""
        look, now = self._main.look, self._now
        task = self.tasks[index]
        return tasks_text.task_line(task, self._over, self.columns, look, now, ground)


class TasksScreen(OverlayScreen):
    """All tasks, their progress, and a filter."""

    AUTO_FOCUS = "TaskList"
    BINDINGS: ClassVar = [
        ("enter", "open", "details"),
        ("l", "log", "its log"),
        ("v", "raw", "its JSON"),
        ("slash", "filter", "filter"),
        ("s", "status", "one status after the other"),
        ("y", "copy", "copy its ID"),
    ]
    HINTS = (
        ("Enter", "details"),
        ("l", "log"),
        ("v", "raw"),
        ("s", "by status"),
        ("/", "filter"),
        ("y", "copy ID"),
        ("r", "read again"),
    )
    TYPING = (("Enter", "keep the filter"),)

    def __init__(self, main: MainScreen, key: InstanceKey, *, opens_log: bool = False) -> None:
        """Create the screen; `opens_log` goes on to the log of the task that needs attention most."""
        super().__init__(main)
        self._key = key
        self._opens_log = opens_log
        self._read_in = ""
        """The state of the instance when its tasks were asked for."""
        self._page: Page[TaskInstance] | None = None
        self._tasks: Sequence[TaskInstance] = ()
        self._status = ""
        self._query = ""
        self.progress = StatusLine(self._progress_line, id="progress")
        self.titles = StatusLine(self._titles_line, id="titles")
        self.list = TaskList(main, self._nothing)
        self.input = Input(placeholder="part of a name, status, type or ID", compact=True)
        self.input.cursor_blink = False
        self.input.display = False

    def body(self) -> Iterator[Widget]:
        yield self.progress
        yield self.titles
        yield self.list
        yield self.input

    @property
    def follows(self) -> bool:
        """An instance that goes on may change its tasks."""
        return not self.row(self._key).family.is_settled

    def snapshot_changed(self) -> None:
        """Read again once the instance is in another state: what is over is not followed."""
        super().snapshot_changed()
        if self._read_in != self._state:
            self.read()

    @property
    def _state(self) -> str:
        instance = self.row(self._key).instance
        return instance.status if instance else ""

    def read(self) -> None:
        self._read_in = self._state
        self.request(TasksOf(self._key), self._take)

    def _take(self, page: Page[TaskInstance]) -> None:
        self._page, self._tasks = page, by_attention(page.items)
        if self._opens_log and self._tasks:
            self._opens_log = False
            self._open_the_log()

    def _open_the_log(self) -> None:
        """Show that of the task that needs attention most, which is never a frozen one."""
        frozen = [task for task in self._tasks if task.is_frozen]
        others = [task for task in self._tasks if not task.is_frozen]
        names = ", ".join(shown(t.task_name, limit=60) or str(t.id) for t in frozen[:_NAMED])
        names += f" and {len(frozen) - _NAMED} more" if len(frozen) > _NAMED else ""
        if frozen and (not others or others[0].family not in _WORTH_A_LOG):
            self.notify(f"No log is opened: no task has failed by itself; frozen: {names}.")
            return
        if frozen:
            self.notify(f"Passed over, since it is frozen: {names}.")
        self._show_log(others[0])

    def fill(self) -> None:
        found = [t for t in self._tasks if self._status in {"", t.word}]
        found = [t for t in found if tasks_text.matches(t, self._query)]
        self.list.offer(found, self._tasks)
        self.progress.update_lines()
        self.titles.update_lines()

    def title_now(self) -> Title:
        row = self.row(self._key)
        look, rest = self.look, "tasks"
        if self.read_at is not None:
            at = near_time(self.read_at, self.clock.now(), look.zone, _TIME, f"%m-%d {_TIME}")
            rest += f" as of {at}"
        glyph, role = glyph_of(row, look)
        state = (f" {glyph} ", role), state_word(row)
        return Title(state, row.instance.name if row.instance else "", str(self._key.id), rest)

    def _progress_line(self, width: int) -> Line:
        if self._page is None:
            return BLANK
        return tasks_text.progress_line(progress(self._tasks), self.look, width)

    def _titles_line(self, width: int) -> Line:
        if not (self._status or self._query):
            return tasks_text.heading(self.list.columns) if self._tasks else BLANK
        del width
        what = " ".join(filter(None, (self._status, self._query and f"/{self._query}")))
        count = f" {self.list.count} of {len(self._tasks)} "
        return line((count, Role.TEXT), (shown(what, limit=60), Role.ACCENT))

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._page is None:
            return self.waiting_lines(width)
        said = "No task matches." if self._tasks else "This instance has no tasks."
        return (BLANK, line((f" {said}", Role.DIM)))

    def about_spans(self, width: int) -> tuple[Span, ...]:
        del width
        task = self.list.chosen
        is_part = self._page is not None and not self._page.is_last
        more = f" Only the first {len(self._tasks):,} were read." if is_part else ""
        said = f" {summary(task, self.look, self.clock.now())}" if task else ""
        return (more, Role.TROUBLE), (said, Role.DIM)

    @on(LineView.Moved)
    def _cursor_moved(self) -> None:
        self.about.update_lines()

    def action_filter(self) -> None:
        """Narrow the list while one types."""
        self.input.display = True
        self.set_focus(self.input)

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        self._query = event.value.strip()
        self.refresh_lines()

    @on(Input.Submitted)
    def _kept(self) -> None:
        self.set_focus(self.list)
        self.input.display = bool(self._query)

    def action_back(self) -> None:
        """Out of the filter, then out of the view."""
        if self._query or self._status or self.input.has_focus:
            self._status = self.input.value = self._query = ""
            self._kept()
            self.refresh_lines()
        else:
            self.dismiss()

    def action_status(self) -> None:
        """Only the tasks of one status: the next of those there are, then all again."""
        words = [word for word, _ in groupby(t.word for t in self._tasks)]
        words = ["", *dict.fromkeys(words)]
        at = words.index(self._status) if self._status in words else 0
        self._status = words[(at + 1) % len(words)]
        self.refresh_lines()

    def action_open(self) -> None:
        """The task in full."""
        if (task := self.list.chosen) is not None:
            self.app.push_screen(TaskScreen(self.main, self._key, task))

    def action_log(self) -> None:
        """The log of the task under the cursor."""
        if (task := self.list.chosen) is not None:
            self._show_log(task)

    def _show_log(self, task: TaskInstance) -> None:
        self.app.push_screen(LogScreen(self.main, self._key.target, task))

    def action_raw(self) -> None:
        """The task's own JSON."""
        if (task := self.list.chosen) is not None:
            self.app.push_screen(TaskJsonScreen(self.main, self._key.target, task))

    def action_copy(self) -> None:
        """Copy the task's ID."""
        if (task := self.list.chosen) is not None:
            self.notify(f"{task.id}: {self.app.copy(str(task.id))}")
