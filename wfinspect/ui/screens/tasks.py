"""The screens of an instance's tasks, of one task in full, and of what tasks wait for or hold up."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.widgets import Input

from wfinspect.errors import ServiceError, UsageError
from wfinspect.format import before_rerun, duration, indented, listed, shown
from wfinspect.model import (
    Direction,
    Family,
    InstanceId,
    InstanceKey,
    Page,
    TaskInstance,
    WorkflowInstance,
    by_attention,
    progress,
    slowest_chain,
    utc_words,
)
from wfinspect.search import EXAMPLE, TASK_NAMES, none_match, task_matcher
from wfinspect.ui import tasks_text
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import (
    BLANK,
    Column,
    Line,
    Role,
    Span,
    line,
    spread,
    width_of,
)
from wfinspect.ui.rows import glyph_of, state_word
from wfinspect.ui.screens.dialogs import PAGE_BINDING
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.text import LogScreen, TextScreen
from wfinspect.ui.screens.view import ABOUT_KEYS, OverlayScreen, Title, bind
from wfinspect.ui.theme import BAR_GROUND, Look
from wfinspect.ui.widgets.boxes import NamedBox, SearchInput, StatusLine
from wfinspect.ui.widgets.line_view import CursorList, LineView
from wfinspect.watching.api import (
    InstanceOf,
    OperationsOf,
    Outcome,
    Reply,
    Row,
    RunsOf,
    TaskOf,
    TasksOf,
)
from wfinspect.watching.dependencies import CALLS, DependencySearch, Reached, is_followed

_NAMED = 3
_WORTH_A_LOG = {Family.FAILURE, Family.UNKNOWN, Family.ACTIVE}


class _TaskKeysScreen(OverlayScreen):
    """A view with keys about one task: the one that it shows, or that is under its cursor."""

    _tasks: Sequence[TaskInstance] = ()
    """Those of the instance, where they are known."""

    def _chosen(self) -> tuple[InstanceKey, TaskInstance] | None:
        """Return the task, with the instance that it is of; notify where there is none."""
        raise NotImplementedError

    def action_open(self) -> None:
        """The task in full."""
        if (found := self._chosen()) is not None:
            self.app.push_screen(TaskScreen(self.main, *found, self._tasks))

    def action_log(self) -> None:
        """Its log."""
        if (found := self._chosen()) is not None:
            self.app.push_screen(LogScreen(self.main, *found, self._tasks))

    def action_raw(self) -> None:
        """Its own JSON, which is requested where the list has none: that of many large tasks is not kept."""
        if (found := self._chosen()) is not None:
            (key, task), main = found, self.main
            title = Title(name=task.task_name, whole=str(task.id), rest="the service's JSON")
            file = f"wfinspect-task-{task.id}"
            request = None if task.raw else TaskOf(key.target, task.id)
            json = TextScreen(main, title, indented(task.raw), file=file, request=request)
            self.app.push_screen(json)

    def action_upstream(self) -> None:
        """What it waits for, or what it holds up."""
        if (found := self._chosen()) is not None:
            self.app.push_screen(DependenciesScreen(self.main, *found))

    def action_copy(self) -> None:
        """Copy its ID."""
        if (found := self._chosen()) is not None:
            number = str(found[1].id)
            self.notify(f"{number}: {self.app.copy(number)}")


def _around(task: TaskInstance) -> Mapping[str, str]:
    """Return what the key shows at first that leads to other tasks."""
    return {"U": "holds up" if task.family is Family.FAILURE else "waits for"}


class TasksScreen(_TaskKeysScreen):
    """All tasks, what needs attention first, their progress, and a filter."""

    AUTO_FOCUS = "CursorList"
    BINDINGS: ClassVar = [
        bind("enter", "open", "detail", "Enter"),
        bind("l", "log", "log"),
        bind("U", "upstream", "waits for, holds up"),
        bind("slash", "filter", "filter", "/"),
        bind("s", "status", "filter status"),
        bind("y", "copy", "copy ID"),
        bind("c", "app.compare", "compare"),
        bind("v", "raw", "JSON"),
        bind("i", "app.note", "note"),
        bind("u", "undo", "undo"),
    ]
    HOLDS_KEYS = True
    TYPING = (("Esc", "cancel"), ("Enter", "keep the filter"), ("Tab", "complete"))

    def __init__(
        self,
        main: MainScreen,
        key: InstanceKey,
        task: TaskInstance | None = None,
        *,
        opens_log: bool = False,
    ) -> None:
        """Create the screen with the cursor on a task, else on what needs attention most.

        `opens_log` goes on to the log of that which does.
        """
        super().__init__(main)
        self._key = self.subject = key
        self._starts_at = task and task.id
        self._opens_log = opens_log
        self._read_in = ""
        """The state of the instance when its tasks were requested."""
        self._page: Page[TaskInstance] | None = None
        self._widest = (4, 4)
        self._over: tasks_text.TimeLine | None = None
        self._chain: Sequence[TaskInstance] = ()
        self._now = self.clock.now()
        self._problem = ""
        self._held: TaskInstance | None = None
        """What the cursor is on, where the filter does not match it."""
        self.head = LineView(classes="head")
        self.progress = StatusLine(self._progress_line, id="progress")
        self.titles = StatusLine(self._titles_line, id="titles")
        self.list = CursorList(self._task_line, lambda task: task.id, self._nothing)
        self.input = SearchInput(EXAMPLE, names=TASK_NAMES)
        self.input.entered = self._entered
        self._box = NamedBox("Filter", self.input)
        self.parts = self.head, self.progress, self.titles, self.list, self._box

    def title_now(self) -> Title:
        rest = "log" if self._opens_log else f"tasks {self.as_of}".rstrip()
        return _title_of(self.row(self._key), self.look, rest)

    @property
    def signs(self) -> Sequence[tuple[str, str]]:
        return (
            (self.look.bar * 2, "ran, on slowest chain:"),
            ("", "tasks that led here in turn"),
            (self.look.light_bar * 2, "ran beside it"),
            (BAR_GROUND * 2, "waited for time, resources"),
            ("", "in the upper bar: not done"),
        )

    @property
    def words(self) -> Mapping[str, str]:
        task = self.list.chosen
        back = {"Esc": "clear", "s": "next status"} if self._box.display else {}
        if task is None:
            # Without tasks there is nothing to narrow either.
            others = () if self._tasks else ("s", "/")
            return back | dict.fromkeys(("Enter", "l", "U", "v", "y", *others), "")
        return {**back, **_around(task)}

    def about_spans(self, width: int) -> Sequence[Span]:
        if self.input.has_keys:
            return ((f" {self.input.help}", Role.DIM),)
        task = self.list.chosen
        is_part = self._page is not None and not self._page.is_last
        more = f" Only the first {len(self._tasks):,} were read." if is_part else ""
        if task is None:
            return ((more, Role.TROUBLE),)
        # The line keeps a blank before what is out of sight.
        room = width - len(more) - len("  ")
        said = tasks_text.summary(task, self.look, self._now, room, self._chain)
        return (more, Role.TROUBLE), (" ", Role.DIM), *said

    # What is read.

    def waits(self, key: str) -> bool:
        # What is typed is for the log that takes the place of this screen.
        is_for_log = self._opens_log and self.trouble is None and key not in ABOUT_KEYS
        return is_for_log or super().waits(key)

    @property
    def follows(self) -> bool:
        """An instance that goes on may change its tasks."""
        return not self.row(self._key).family.is_settled

    @property
    def _state(self) -> str:
        instance = self.row(self._key).instance
        return instance.status if instance else ""

    def snapshot_changed(self) -> None:
        """Read again once the instance is in another state: what is over is not followed."""
        super().snapshot_changed()
        if self._read_in != self._state:
            self.read()

    def read(self) -> None:
        self._read_in = self._state
        self.request(TasksOf(self._key), self._take)

    def _take(self, page: Page[TaskInstance]) -> None:
        self._page, self._tasks = page, by_attention(page.items)
        self.main.note_tasks(self._key.target, self._tasks)
        self._widest = tasks_text.widest(self._tasks)
        self._open_the_log()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        # Its tasks may have come under the help.
        self._open_the_log()

    def _open_the_log(self) -> None:
        """Show that of the task that needs attention most, which is never a frozen one, once that is known."""
        if not self._opens_log or self._page is None or not self.is_active:
            return
        self._opens_log = False
        if not self._tasks:
            return
        frozen = [task for task in self._tasks if task.is_frozen]
        others = [task for task in self._tasks if not task.is_frozen]
        names = listed([shown(t.name_or_id, limit=60) for t in frozen], _NAMED)
        if frozen and (not others or others[0].family not in _WORTH_A_LOG):
            self.notify(f"No log is opened: no task has failed by itself; frozen: {names}.")
            return
        if frozen:
            self.notify(f"Skipped, since it is frozen: {names}.")
        before = before_rerun(self.row(self._key).failed_before)
        if before and others[0].family is not Family.FAILURE:
            self.notify(before)
        # In the place of this screen: Esc goes back to where the key was pressed.
        self.app.switch_screen(LogScreen(self.main, self._key, others[0], others))

    # What is shown.

    def fill(self) -> None:
        self._now, self._problem, self._held = self.as_read, "", None
        now_ms = self._now.timestamp() * 1000
        self._over = tasks_text.TimeLine.of(self._tasks, now_ms)
        self._chain = slowest_chain(self._tasks, now_ms)
        found: Sequence[TaskInstance] = ()
        query = self.input.value.strip()
        try:
            matches = task_matcher(query, self._now)
            # What the cursor is on stays, until the cursor or the filter is another.
            here = self.list.chosen if query == self.list.filter_text else None
            same = (t for t in self._tasks if here is not None and t.id == here.id)
            self._held = next((t for t in same if not matches(t)), None)
            found = [t for t in self._tasks if t is self._held or matches(t)]
        except UsageError as error:
            self._problem = str(error)
        self.list.offer(found, filter_text=query, is_typed=self.focused is self.input)
        if found and self._starts_at:
            self.list.select(self._starts_at)
            self._starts_at = None
        said = before_rerun(self.row(self._key).failed_before)
        self.head.show(sentence(said, self.size.width) if said else ())
        self.progress.update_lines()
        self.titles.update_lines()

    @property
    def _columns(self) -> tuple[Column, ...]:
        return tasks_text.task_columns(self.list.text_width, *self._widest)

    def _task_line(self, task: TaskInstance) -> Line:
        return tasks_text.task_line(
            task,
            self._over,
            self._columns,
            self.look,
            self._now,
            is_critical=any(each is task for each in self._chain),
        )

    def _progress_line(self, width: int) -> Line:
        """How far the instance is, or how many tasks the filter leaves; and what the bars are."""
        if self._page is None:
            return BLANK
        legend: tuple[Span, ...] = ()
        if self._chain and self._columns[-1].cells:
            took = f"slowest chain {self._chain_took}  "
            others = (f"{self.look.light_bar * 2} ", Role.TEXT), ("others ", Role.DIM)
            legend = (f"{self.look.bar * 2} ", Role.TEXT), (took, Role.DIM), *others
        room = width - width_of(legend) - 2
        said: tuple[Span, ...]
        if query := self.input.value.strip():
            count = f" {len(self.list.items)} of {len(self._tasks)} "
            left = "  does not match" if self._held is not None else ""
            said = (
                (count, Role.TEXT),
                (f"/{shown(query, limit=60)}", Role.ACCENT),
                (left, Role.TROUBLE),
            )
        else:
            done, is_live = progress(self._tasks), not self.is_lost
            if len(str(done)) > room - 2:
                # What the bars are is among the signs of the help too.
                legend, room = (), width
            said = tasks_text.progress_line(done, self.look, room, is_live=is_live).spans
        return line(*spread(said, legend, width))

    @property
    def _chain_took(self) -> str:
        first, last = self._chain[0], self._chain[-1]
        end = last.finished_time or self._now.timestamp() * 1000
        took = (end - (first.started_time or 0)) / 1000
        return duration(took, in_minutes=not last.family.is_settled)

    def _titles_line(self, width: int) -> Line:
        if not self._tasks:
            return BLANK
        return tasks_text.heading(self._columns, width, self._over, self.look.zone)

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._page is None:
            progress = self.row(self._key).outlook.progress
            count = f"{progress.total:,} " if progress else "its "
            return self.waiting_lines(width, f"Reading {count}tasks from the service...")
        if self._problem:
            return (BLANK, *sentence(self._problem, width, Role.TROUBLE))
        if not self._tasks:
            return (BLANK, *sentence("This instance has no tasks.", width))
        return (BLANK, *sentence(none_match("task", self.input.value, TASK_NAMES), width))

    # What keys do.

    def action_filter(self) -> None:
        """Narrow the list while one types."""
        self.list.begin_filter()
        self._box.display = True
        self.input.take_keys()

    @on(Input.Changed)
    def _filtered(self) -> None:
        self.refresh_lines()

    @on(LineView.Moved)
    def _cursor_moved(self) -> None:
        if self._held is not None:
            self.refresh_lines()

    def _entered(self) -> None:
        # A slow link may have brought it together with what was typed.
        self.refresh_lines()
        if not self._problem:
            self._kept()

    def _kept(self) -> None:
        self.set_focus(self.list)
        self._box.display = bool(self.input.value.strip())

    def action_back(self) -> None:
        """Out of what is typed, to what was before; out of the filter; then out of the view."""
        if self.focused is self.input:
            self.input.value, key = self.list.before_filter
            self.fill()
            self.list.select(key)
            self._kept()
        elif self._box.display:
            self.input.value = ""
            self._kept()
        else:
            self.dismiss()

    def action_status(self) -> None:
        """Only the tasks of one status: the next of those there are, then all again."""
        if not self._tasks:
            self.say_none("There are no tasks.")
        # What can't be read is replaced.
        typed = self.input.value.split() if not self._problem else []
        others = [word for word in typed if not word.startswith("status=")]
        matches = task_matcher(" ".join(others), self._now)
        # A dry run is found by the first of its words.
        found = (f"status={t.word.split()[0]}" for t in self._tasks if t.word and matches(t))
        words = ["", *dict.fromkeys(found)]
        now = next((word for word in typed if word in words), "")
        self.input.value = " ".join([*others, words[(words.index(now) + 1) % len(words)]]).strip()
        self._kept()

    def _chosen(self) -> tuple[InstanceKey, TaskInstance] | None:
        if (task := self.list.chosen) is None:
            self.say_none("There is no task under the cursor.")
        return task and (self._key, task)


class TaskScreen(_TaskKeysScreen):
    """One task in full, with its runs and its script."""

    BINDINGS: ClassVar = [
        bind("l", "log", "log"),
        bind("U", "upstream", "waits for, holds up"),
        bind("y", "copy", "copy ID"),
        bind("v", "raw", "JSON"),
        PAGE_BINDING,
    ]
    subject_task: TaskInstance

    def __init__(
        self,
        main: MainScreen,
        key: InstanceKey,
        task: TaskInstance,
        tasks: Sequence[TaskInstance],
    ) -> None:
        """Create the screen; `tasks` are those of the instance, none where they are not known."""
        super().__init__(main)
        self._key = self.subject = key
        self.subject_task, self._tasks = task, tasks
        self._runs: Sequence[TaskInstance] = ()
        self._operations = OperationsOf.of(key.target, task)
        self._lines = LineView(classes="pane main")
        self.parts = (self._lines,)

    def title_now(self) -> Title:
        task = self.subject_task
        instance = self.row(self._key).instance
        name = f"{instance.name} / {task.task_name}" if instance else task.task_name
        zone = utc_words(self.look.zone, self.clock.now())
        return Title((self.task_state(task),), name, str(task.id), f"task, {zone}")

    def read(self) -> None:
        task = self.subject_task
        settled_at = task.modify_time if task.family.is_settled else None
        self.request(TaskOf(self._key.target, task.id, settled_at), self._take)
        if (task.run_number or 1) > 1:
            self.request(RunsOf(self._key, task.id), self._take_runs)
        if self._operations is not None:
            self.main.request_operations(
                [self._operations], lambda: self.call_later(self.refresh_lines)
            )

    def _take(self, task: TaskInstance) -> None:
        self.subject_task = task

    def _take_runs(self, page: Page[TaskInstance]) -> None:
        self._runs = sorted(page.items, key=lambda run: -(run.run_number or 0))

    def fill(self) -> None:
        now, width = self.as_read, max(20, self.size.width - 2)
        wanted = [(self.subject_task, self._operations)] if self._operations else []
        known = self.main.operations
        operations = tasks_text.operation_lines(
            wanted, known, self.look, now, width, has_names=False
        )
        self._lines.show(
            tasks_text.details(self.subject_task, self._runs, operations, self.look, now, width)
        )

    @property
    def words(self) -> Mapping[str, str]:
        return _around(self.subject_task)

    def _chosen(self) -> tuple[InstanceKey, TaskInstance]:
        return self._key, self.subject_task


_MORE = 100
"""Calls that are made at most by one more key."""


class DependenciesScreen(_TaskKeysScreen):
    """What an instance or a task waits for, or holds up.

    Every level is made of calls: beyond the first few the user decides.
    """

    AUTO_FOCUS = "CursorList"
    BINDINGS: ClassVar = [
        bind("enter", "open", "task", "Enter"),
        bind("F", "more", "look further"),
        bind("d", "turn", "what it holds up"),
        bind("w", "watch", "watch"),
        bind("o", "take", "its instance"),
        bind("l", "log", "log"),
        bind("y", "copy", "copy ID"),
        bind("v", "raw", "JSON"),
        bind("u", "undo", "undo"),
    ]
    HOLDS_KEYS = True

    def __init__(
        self, main: MainScreen, key: InstanceKey, task: TaskInstance | None = None
    ) -> None:
        """Create the screen; it is about one task where that is given.

        Of what failed it first shows what that holds up.
        """
        super().__init__(main)
        self._key = key
        self.subject_task = task
        family = task.family if task else self.row(key).family
        has_failed = family is Family.FAILURE
        self._search = self._begun(Direction.DOWNSTREAM if has_failed else Direction.UPSTREAM)
        self._allowed = CALLS
        self._is_waiting = self._is_thorough = False
        self._has_moved = False
        """The user has chosen a line."""
        self._found = self._search.found()
        self._columns: Sequence[Column] = ()
        self._now = self.clock.now()
        self.head = LineView(classes="head")
        self.titles = StatusLine(self._titles_line, id="titles")
        self.list = CursorList(self._reached_line, lambda each: each.task.id, self._nothing)
        self.parts = self.head, self.titles, self.list

    def title_now(self) -> Title:
        rest = "what it holds up" if self._is_down else "what it waits for"
        rest += f", {self.as_of}" if self.as_of else ""
        if self.subject_task is not None:
            name, number = self.subject_task.task_name, self.subject_task.id
            return Title((self.task_state(self.subject_task),), name, str(number), rest)
        return _title_of(self.row(self._key), self.look, rest)

    def about_spans(self, width: int) -> Sequence[Span]:
        each, room = self.list.chosen, width - len("  ")
        return (" ", Role.DIM), *(tasks_text.reached_summary(each, room) if each else ())

    @property
    def words(self) -> Mapping[str, str]:
        useless = [] if self._found.unread else ["F"]
        useless += [] if self.list.items else ["Enter", "w", "o", "l", "y", "v"]
        key = self._key_of(self.list.chosen.task) if self.list.chosen else None
        known = self.main.rows.get(key) if key else None
        useless += ["w"] if known and known.is_watched else []
        turn = {"d": "what it waits for"} if self._is_down else {}
        turn |= {"F": "stop"} if self._is_going_on else {}
        return turn | dict.fromkeys(useless, "")

    # What is read.

    @property
    def _is_down(self) -> bool:
        return self._search.direction is Direction.DOWNSTREAM

    def _begun(self, direction: Direction) -> DependencySearch:
        """Return a search that has begun with what is known already."""
        known: TaskInstance | WorkflowInstance | None = self.subject_task
        first: TaskOf | InstanceOf
        if known is not None:
            first = TaskOf(self._key.target, known.id)
        else:
            first, known = InstanceOf(self._key), self.row(self._key).instance
        search = DependencySearch(direction, first)
        if known is not None:
            search.take(Reply(known, self.clock.now()))
        return search

    def action_read(self) -> None:
        """Go on where the service did not answer, else begin again."""
        if self.trouble is None:
            self._begin(self._search.direction)
        else:
            self.trouble = None
            self._go_on()

    def _begin(self, direction: Direction) -> None:
        self._search, self._allowed = self._begun(direction), CALLS
        self._is_waiting = self._is_thorough = self._has_moved = False
        self.trouble = None
        self._go_on()

    def _go_on(self) -> None:
        """Send the next request, unless one is out or the calls that were agreed to are spent."""
        most = self._allowed - self._search.known
        may_end = self._is_thorough or (self._allowed == CALLS and self._search.is_short(most))
        request = self._search.next_within(most, is_thorough=may_end)
        if request is not None and not self._is_waiting:
            self._is_waiting = True
            self.control.submit(request, partial(self.call_later, self._answer, self._search))
        self.refresh_lines()

    def _answer(self, search: DependencySearch, outcome: Outcome[Any]) -> None:
        if search is not self._search:
            return
        self._is_waiting = False
        try:
            search.take(outcome)
        except ServiceError as error:
            self.trouble = error
            self.refresh_lines()
            return
        self.read_at = outcome.read_at if isinstance(outcome, Reply) else self.clock.now()
        self._go_on()

    # What is shown.

    def fill(self) -> None:
        self._now = self.clock.now()
        self._found = self._search.found(self._is_late, self._is_followed)
        reached = (*self._found.tasks, *self._found.between)
        self.main.note_tasks(self._key.target, (each.task for each in reached))
        self._columns = tasks_text.reached_columns(self.list.text_width, reached, self.look)
        self.list.offer(reached)
        if not self._has_moved:
            # What blocks comes in above what was there before.
            self.list.cursor = 0
            self.list.reveal()
            self.list.update_lines()
        self.head.show(self._head_lines(self.size.width))
        self.titles.update_lines()

    def _is_late(self, task: TaskInstance) -> bool:
        key = self._key_of(task)
        return key is not None and self.row(key).is_late

    def _is_followed(self, task: TaskInstance) -> bool:
        return is_followed(task, self._key.target, self.control.snapshot.follows)

    def _key_of(self, task: TaskInstance) -> InstanceKey | None:
        number = task.workflow_instance_id
        return InstanceKey(self._key.target, InstanceId(number)) if number else None

    def _head_lines(self, width: int) -> Sequence[Line]:
        """Say what was found, by which calls, and what looking further costs."""
        search, found = self._search, self._found
        if not search.name:
            return ()
        said, role = search.sentence(found, "It", self.look.zone, self._now), Role.TEXT
        family = self.subject_task.family if self.subject_task else self.row(self._key).family
        if self.is_lost and (self._is_down or not family.is_settled):
            said, role = f"{said.removesuffix('.')}?", Role.DIM
        lines = list(sentence(said, width, role))
        lines += sentence(f"{search.spent}.", width, Role.DIM) if search.spent else ()
        if not self.subject_task and (deadline := self.row(self._key).outlook.deadline):
            lines += sentence(f"It is {deadline.words(self.look.zone)[0]}.", width, Role.TROUBLE)
        if found.remark:
            lines += sentence(found.remark, width, Role.TROUBLE)
        if self._is_waiting:
            # Without a task the list says it.
            left = "1 task" if found.unread == 1 else f"{found.unread:,} tasks"
            rest = f", {left} left: F stops." if self._is_going_on else "..."
            lines += sentence(f"Reading from the service{rest}", width) if self.list.items else []
        elif found.unread and self.trouble is None:
            # These may lead to more: how many calls it takes to the end is not known.
            rest = search.rest(found, is_thorough=self._is_thorough)
            more = f"{rest}: F looks further, up to {_MORE} calls, 2 a second."
            lines += sentence(more, width, Role.DIM if search.walk.is_explained else Role.ACCENT)
        return lines

    def _titles_line(self, width: int) -> Line:
        if not self.list.items:
            return BLANK
        return tasks_text.heading(self._columns, width)

    def _reached_line(self, each: Reached) -> Line:
        return tasks_text.reached_line(each, self._columns, self.look, self._now)

    @property
    def is_reading(self) -> bool:
        return self._is_waiting and not self.list.items

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._is_waiting or self.trouble is not None:
            return self.waiting_lines(width)
        return ()

    # What keys do.

    @property
    def _spent(self) -> int:
        return self._search.calls + self._search.known

    @property
    def _is_going_on(self) -> bool:
        """Whether it reads because of the key that looks further."""
        return self._is_waiting and self._allowed > max(CALLS, self._spent)

    def action_more(self) -> None:
        """Look at more tasks, at a call each; at all, once what blocks is explained. Or stop that."""
        spent, is_going_on = self._spent, self._is_going_on
        if not (self._found.unread or self._is_waiting):
            self.notify("There is nothing further to look at.")
        self._is_thorough = self._search.walk.is_explained
        self._allowed = spent if is_going_on else spent + _MORE
        self.trouble = None
        self._go_on()

    def action_turn(self) -> None:
        """The other direction."""
        self._begin(Direction.UPSTREAM if self._is_down else Direction.DOWNSTREAM)

    def _chosen(self) -> tuple[InstanceKey, TaskInstance] | None:
        task = self.list.chosen.task if self.list.chosen else None
        key = self._key_of(task) if task else None
        if task is None:
            self.say_none("There is no task under the cursor.")
        elif key is None:
            self.notify("The service does not say which instance the task is of.")
        return (key, task) if key and task else None

    def action_take(self) -> None:
        """Open the instance of the task under the cursor."""
        if (found := self._chosen()) is not None:
            self.main.look_up(found[0])

    def action_watch(self) -> None:
        """Watch the instance of the task under the cursor."""
        # Never the other way: of many tasks here it is the instance that this screen is about.
        if (found := self._chosen()) is not None:
            self.main.start_watching([self.main.rows.get(found[0]) or self.row(found[0])])
            self.bottom.update_lines()

    @on(LineView.Moved)
    def _cursor_moved(self) -> None:
        self._has_moved = True


def _title_of(row: Row, look: Look, rest: str) -> Title:
    glyph, role = glyph_of(row, look)
    name = row.instance.name if row.instance else ""
    return Title(((f" {glyph} ", role), state_word(row)), name, str(row.key.id), rest)
