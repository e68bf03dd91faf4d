"""A long text over the whole screen: search, wrap, copy, save. The log and the raw JSON are shown so."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.format import indented, plain_text, shown
from wfinspect.model import Family, Target, TaskInstance
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import BLANK, Line, Role, Span, line, wrap
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Title, bind
from wfinspect.ui.tasks_text import meaning, state_of
from wfinspect.ui.widgets.boxes import LineInput
from wfinspect.ui.widgets.line_view import LineView, StaticLines
from wfinspect.ui.widgets.text_view import LongText, TextView
from wfinspect.watching.api import Request, TaskLog, TaskOf


class TextScreen(OverlayScreen):
    """Shows a text, which is JSON unless a subclass says otherwise."""

    BINDINGS: ClassVar = [
        bind("slash", "search", "search", "/"),
        bind("n", "next(1)", "next, before", "n N"),
        bind("N", "next(-1)"),
        bind("s", "save", "save"),
        bind("y", "copy_view", "copy view, all", "y Y"),
        bind("Y", "copy_all"),
        bind("w", "wrap", "wrap"),
        bind("left", "sidestep(-1)"),
        bind("right", "sidestep(1)"),
    ]
    TYPING = (("Enter", "search"),)
    ENDING = "json"
    """Of a file's name."""
    OPENS_AT_END = False

    def __init__(
        self,
        main: MainScreen,
        title: Title,
        text: str,
        *,
        file: str,
        request: Request[TaskInstance] | None = None,
    ) -> None:
        """Create the screen.

        Args:
            main: the screen that it lies over.
            title: what it shows.
            text: the text; "" where it is read.
            file: what a file of it is called.
            request: gets a task, the JSON of which is the text.
        """
        super().__init__(main)
        self._about_what = title
        self._file = file
        self._request = request
        self.head = StaticLines(classes="head")
        self.view = TextView(opens_at_end=self.OPENS_AT_END)
        self.view.add_class("main")
        self.input = LineInput("search, Enter goes there")
        self.input.display = False
        self.wanted = ""
        self._found: Sequence[int] = ()
        self._at = -1
        self.view.text = LongText(text)

    def body(self) -> Iterator[Widget]:
        yield self.head
        yield self.view
        yield self.input

    def read(self) -> None:
        if self._request is not None:
            self.request(self._request, self._take_task)

    def _take_task(self, task: TaskInstance) -> None:
        self.view.show(LongText(indented(task.raw)))

    def fill(self) -> None:
        self.show_head(() if self.text.text else self.waiting_lines(self.size.width))

    def show_head(self, lines: Sequence[Line]) -> None:
        """Show lines above the text, or in its place while there is none."""
        self.view.display = bool(self.text.text)
        self.head.set_class(not self.view.display, "-alone")
        self.head.show(lines)

    @property
    def text(self) -> LongText:
        """What is on view."""
        return self.view.text

    def title_now(self) -> Title:
        return self._about_what

    def about_spans(self, width: int) -> tuple[Span, ...]:
        del width
        _, last = self.view.in_view
        lines = self.text.line_count
        where = f" line {self.text.line_number(last):,} of {lines:,}" if lines else ""
        if not self.wanted:
            return ((where, Role.DIM),)
        count = f"  {self._at + 1:,} of {len(self._found):,} lines with "
        found = count if self._found else "  no line has "
        role = Role.TEXT if self._found else Role.TROUBLE
        return (where, Role.DIM), (found, role), (shown(self.wanted, limit=40), Role.ACCENT)

    @on(LineView.Moved)
    def _view_moved(self) -> None:
        self.about.update_lines()

    def find_all(self) -> None:
        """Find again what is searched for: the text has changed."""
        self._found = self.text.search(self.wanted)
        self._at = min(self._at, len(self._found) - 1)

    def action_search(self) -> None:
        """Type what to search for."""
        self.input.display = True
        self.set_focus(self.input)

    def action_back(self) -> None:
        """Out of the search, then out of the view."""
        if self.input.has_focus:
            self._close_input()
        elif self.wanted:
            self._search("")
        else:
            self.dismiss()

    def _close_input(self) -> None:
        self.set_focus(None)
        self.input.display = False

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_input()
        self._search(event.value)

    def _search(self, wanted: str) -> None:
        self.wanted, self._at = wanted, -1
        self.find_all()
        if self._found:
            # The first one from what is in view on; failing that the nearest, which is the last.
            first = self.text.place_of(self.view.in_view[0])
            self._at = min(bisect_left(self._found, first), len(self._found) - 1)
        self._show_match()

    def action_next(self, step: int) -> None:
        """To the next match, or the one before, going round."""
        if self._found:
            self._at = (self._at + step) % len(self._found)
            self._show_match()

    def _show_match(self) -> None:
        self.view.mark(self._found[self._at] if self._found else None, self.wanted)
        self.about.update_lines()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.view.set_wrap(wraps=not self.view.wraps)
        self.notify("long lines wrap" if self.view.wraps else "long lines are cut, arrows move")

    def action_sidestep(self, step: int) -> None:
        """See more of lines that are cut."""
        self.view.sidestep(step)

    def action_copy_view(self) -> None:
        """Copy the lines in view, or the one that a search is at."""
        if len(self.text):
            first, last = self.view.in_view
            lines = self.text.line_number(last) - self.text.line_number(first) + 1
            self._tell_copied(lines, self.text.between(first, last))

    def action_copy_all(self) -> None:
        """Copy the whole text."""
        if len(self.text):
            self._tell_copied(self.text.line_count, self.text.text)

    def _tell_copied(self, lines: int, text: str) -> None:
        what = "1 line" if lines == 1 else f"{lines:,} lines"
        self.notify(f"{what}: {self.app.copy(text)}")

    def action_save(self) -> None:
        """Write the whole text to a file that only the user can read."""
        if len(self.text):
            whole = self.text.text.removesuffix("\n")
            self.notify(self.app.save(plain_text(whole), self._file, self.ENDING))


_ERRORS_ON_TOP = 4
_LINES_AN_ERROR = 2


class LogScreen(TextScreen):
    """Reads a log; where it has not changed, whether the run still goes on."""

    BINDINGS: ClassVar = [
        bind("f", "follow", "follow"),
        bind("less_than_sign", "turn(-1)", "other run", "< >"),
        bind("greater_than_sign", "turn(1)"),
    ]
    ENDING = "log"
    OPENS_AT_END = True

    def __init__(self, main: MainScreen, target: Target, task: TaskInstance) -> None:
        super().__init__(main, Title(), "", file=f"wfinspect-task-{task.id}")
        self._target = target
        self._subject = task
        self._run = task.run_number
        self._is_following = True
        self._is_read = False
        self._errors: tuple[str, ...] = ()

    @property
    def _is_latest(self) -> bool:
        return self._run == self._subject.run_number

    @property
    def follows(self) -> bool:
        """The latest run may go on; the others are over."""
        return self._is_following and self._is_latest and not self._subject.family.is_settled

    def title_now(self) -> Title:
        task = self._subject
        glyph, word, role = state_of(task, self.look)
        state = (f" {glyph} {word}", role) if self._is_latest else (" earlier run", Role.DIM)
        run = f"run {self._run} of {task.run_number}  " if self._run else ""
        return Title((state,), task.task_name, f"{run}log of {task.id}")

    def about_spans(self, width: int) -> tuple[Span, ...]:
        spans = super().about_spans(width)
        return (*spans, ("  follows every 30s", Role.ACTIVE)) if self.follows else spans

    def read(self) -> None:
        run, task = self._run, self._subject
        # The same question for a run that is over: then the answer is kept.
        settled_at = task.modify_time if task.family.is_settled else None
        request = TaskLog(self._target, task.id, run, settled_at)
        self.request(request, lambda text: self._take(run, text))

    def _take(self, run: int | None, text: str) -> None:
        if run != self._run:
            return
        is_news = text.replace("\r\n", "\n") != self.text.text or not self._is_read
        if is_news:
            self._is_read = True
            found = LongText(text)
            has_succeeded = self._is_latest and self._subject.family is Family.SUCCESS
            errors = () if has_succeeded else found.error_lines()
            self._errors = found.bare(errors)[-_ERRORS_ON_TOP:]
            self.view.show(found, errors)
            self.find_all()
        elif self.follows:
            self.request(TaskOf(self._target, self._subject.id), self._take_state)

    def _take_state(self, task: TaskInstance) -> None:
        was_going_on, self._subject = self.follows, task
        if was_going_on and task.family.is_settled:
            # The last lines may have come between the two answers.
            self._is_read = False
            self.read()

    def fill(self) -> None:
        width = self.size.width
        if not self._is_read:
            self.show_head(self.waiting_lines(width))
        elif self.text.text:
            self.show_head(self._errors_on_top(width))
        else:
            why = meaning(self._subject) if self._is_latest else ""
            said = f"This run has written no log{f' ({why})' if why else ''}."
            self.show_head((BLANK, *sentence(said, width)))

    def _errors_on_top(self, width: int) -> tuple[Line, ...]:
        if not self._errors:
            return ()
        has_failed = self._subject.family is Family.FAILURE or not self._is_latest
        title = " LOOKS LIKE THE ERROR" if has_failed else " LOOKS LIKE AN ERROR"
        said = (
            line((f" {piece}", Role.FAILURE))
            for error in self._errors
            for piece in islice(wrap(shown(error), width - 2), _LINES_AN_ERROR)
        )
        return (line((title, Role.DIM)), *said, BLANK)

    def action_follow(self) -> None:
        """Read it again every half a minute while the run goes on, or don't."""
        self._is_following = not self._is_following
        if self._subject.family.is_settled or not self._is_latest:
            self.notify("This run is over.")
        self.refresh_lines()

    def action_turn(self, step: int) -> None:
        """Show the log of another run."""
        latest = self._subject.run_number or 1
        wanted = (self._run or latest) + step
        if not 1 <= wanted <= latest:
            self.notify("There is no later run." if step > 0 else "There is no earlier run.")
            return
        self._run, self._is_read, self._errors = wanted, False, ()
        self.view.show(LongText(""))
        self.find_all()
        self.read()
        self.refresh_lines()
