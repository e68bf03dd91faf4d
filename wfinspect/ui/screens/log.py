"""The log of a task's run: opened at its end, the error first, followed while the run goes on."""

from itertools import islice
from typing import ClassVar

from wfinspect.format import shown
from wfinspect.instance import Binding, Family
from wfinspect.task import TaskInstance
from wfinspect.ui.advice_text import sentence
from wfinspect.ui.lines import BLANK, Line, Role, Span, line, wrap
from wfinspect.ui.long_text import LongText
from wfinspect.ui.screens.text import TextScreen
from wfinspect.ui.screens.view import Desk, Title
from wfinspect.ui.task_text import meaning, state_of
from wfinspect.watching.requests import TaskLog, TaskOf

_ERRORS_ON_TOP = 4
_LINES_AN_ERROR = 2


class LogScreen(TextScreen):
    """Asks for a log; an unchanged one makes it ask whether the run still goes on."""

    BINDINGS: ClassVar = [
        ("less_than_sign", "turn(-1)", "the run before"),
        ("greater_than_sign", "turn(1)", "the next run"),
        ("f", "follow", "follow or not"),
    ]
    HINTS = (
        *TextScreen.HINTS[:3],
        ("f", "follow"),
        ("< >", "other run"),
        *TextScreen.HINTS[3:],
    )

    def __init__(self, desk: Desk, binding: Binding, task: TaskInstance) -> None:
        super().__init__(
            desk, Title(), "", file=f"wfinspect-task-{task.id}", ending="log", opens_at_end=True
        )
        self._binding = binding
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
        glyph, word, role = state_of(task, self.desk.look)
        state: Span = f" {glyph} {word}", role
        if not self._is_latest:
            state = " earlier run", Role.DIM
        run = f"run {self._run} of {task.run_number}  " if self._run else ""
        return Title((state,), task.task_name, f"{run}log of {task.id}")

    def about_spans(self, width: int) -> tuple[Span, ...]:
        spans = super().about_spans(width)
        return (*spans, ("  follows every 30s", Role.ACTIVE)) if self.follows else spans

    def read(self) -> None:
        run, task = self._run, self._subject
        # The same question for a run that is over: then the answer is kept.
        settled_at = task.modify_time if task.family.is_settled else None
        request = TaskLog(self._binding, task.id, run, settled_at)
        self.ask(request, lambda text: self._take(run, text))

    def _take(self, run: int | None, text: str) -> None:
        if run != self._run:
            return
        is_news = text.replace("\r\n", "\n") != self.text.text or not self._is_read
        if is_news:
            self._is_read = True
            found = LongText(text)
            errors = (
                ()
                if self._subject.family.is_settled and self._has_succeeded
                else found.error_lines()
            )
            self._errors = found.bare(errors)[-_ERRORS_ON_TOP:]
            self.view.show(found, errors)
            self.find_all()
        elif self.follows:
            self.ask(TaskOf(self._binding, self._subject.id), self._take_task)

    @property
    def _has_succeeded(self) -> bool:
        return self._is_latest and self._subject.family is Family.SUCCESS

    def _take_task(self, task: TaskInstance) -> None:
        was_going_on, self._subject = self.follows, task
        if was_going_on and task.family.is_settled:
            # The last lines may have come between the two answers.
            self._is_read = False
            self.read()

    def fill(self) -> None:
        width = self.size.width
        self.view.display = bool(len(self.text))
        self.head.set_class(not self.view.display, "-alone")
        if not self._is_read:
            self.head.show(self.waiting_lines(width))
        elif not len(self.text):
            why = meaning(self._subject) if self._is_latest else ""
            said = f"This run has written no log{f' ({why})' if why else ''}."
            self.head.show((BLANK, *sentence(said, width)))
        else:
            self.head.show(self._errors_on_top(width))

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
            self.desk.tell("This run is over.")
        self.refresh_lines()

    def action_turn(self, step: int) -> None:
        """Show the log of another run."""
        latest = self._subject.run_number or 1
        wanted = (self._run or latest) + step
        if not 1 <= wanted <= latest:
            self.desk.tell("There is no later run." if step > 0 else "There is no earlier run.")
            return
        self._run, self._is_read, self._errors = wanted, False, ()
        self.view.show(LongText(""))
        self.find_all()
        self.read()
        self.refresh_lines()
