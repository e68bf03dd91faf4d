"""One instance in full: a header, and panes side by side or as tabs."""

from collections.abc import Callable
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Input

from wfinspect.model import Target, Transition, WorkflowInstance
from wfinspect.ui import instance_text
from wfinspect.ui.lines import BLANK, Line, Role, Span, crop, line, width_of
from wfinspect.ui.tasks_text import failed_line, outlook_lines, task_lines
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.line_view import LineView, StaticLines
from wfinspect.watching.api import Row, Trouble

HISTORY = "history"
_MAX_WIDTHS = 4
_ROOM_FOR_OUTLOOK = 15  # lines; with fewer the fields need them
_ROOM_FOR_TASKS = 42  # with fewer the history does


class TextPane(LineView):
    """A pane whose text depends on its width; titled where it stands beside others."""

    def __init__(
        self,
        title: str,
        build: Callable[[Row, WorkflowInstance, int], tuple[Line, ...]],
        tally: Callable[[WorkflowInstance], object] = lambda _: "",
        *,
        is_of_instance: bool = False,
    ) -> None:
        """Create the pane.

        Args:
            title: also its ID.
            build: makes its lines.
            tally: what stands behind its title, or nothing where that is false.
            is_of_instance: whether the lines depend on the reading and the width alone.
        """
        super().__init__(id=title.lower(), classes="pane", can_focus=True)
        self.title, self.build, self.tally = title, build, tally
        self._is_of_instance = is_of_instance
        self._row: Row | None = None
        self._lines: tuple[Line, ...] = ()
        self._built_for: tuple[object, ...] = ()
        self._kept: dict[int, tuple[Line, ...]] = {}
        self._kept_of: WorkflowInstance | None = None
        self.is_titled = False

    def show_row(self, row: Row | None, *, is_titled: bool) -> None:
        """Show an instance, or nothing."""
        if (row.key if row else None) != (self._row.key if self._row else None):
            self.scroll_to(y=0, animate=False)
        self._row, self.is_titled = row, is_titled
        self._built_for = ()
        self.update_lines()

    def total_lines(self) -> int:
        wanted = (self._row, self.text_width, self.is_titled, self.has_focus)
        if not self._built_for or wanted != self._built_for:
            self._built_for = wanted
            self._lines = self._build(self.text_width)
        return len(self._lines)

    def _build(self, width: int) -> tuple[Line, ...]:
        found = self._row.instance if self._row else None
        if self._row is None or found is None:
            return ()
        body = self._body(self._row, found, width)
        if not self.is_titled:
            return body
        role = Role.ACCENT if self.has_focus else Role.DIM
        title = line((f" {self.title.upper()}", role), (f" {self.tally(found) or ''}", Role.DIM))
        return (title, BLANK, *body)

    def _body(self, row: Row, found: WorkflowInstance, width: int) -> tuple[Line, ...]:
        if not self._is_of_instance:
            return self.build(row, found, width)
        # A thousand lines of parameters are made once, not for each key and each minute.
        if found is not self._kept_of or len(self._kept) > _MAX_WIDTHS:
            self._kept, self._kept_of = {}, found
        if width not in self._kept:
            self._kept[width] = self.build(row, found, width)
        return self._kept[width]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are at the width that the layout is trying out."""
        del container, viewport
        return len(self._build(width))

    def line_at(self, y: int) -> Line:
        return self._lines[y]


class Detail(Vertical):
    """Header, tab line and panes of the instance on display."""

    def __init__(self, look: Look, now: datetime, own: Target, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._own = own
        self._now = now
        self._row: Row | None = None
        self._trouble: Trouble | None = None
        self._tab = 0
        self._history: tuple[Transition, ...] = ()
        self._is_wide = self._is_roomy = False
        self._header = StaticLines(id="header")
        self._tabs = StaticLines(id="tabs")
        self._tasks = StaticLines(id="tasks")
        self._panes = [
            TextPane("Core", self._core),
            TextPane(
                "Parameters",
                lambda _, found, width: instance_text.parameters(found, width),
                instance_text.parameter_count,
                is_of_instance=True,
            ),
            TextPane(
                "Tags",
                lambda _, found, width: instance_text.tags(found, width),
                lambda found: len(found.tags),
                is_of_instance=True,
            ),
            TextPane("History", self._history_lines, lambda _: len(self._history)),
        ]

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._tabs
        with Horizontal(id="panes"):
            yield self._panes[0]
            with Vertical(id="side"):
                yield from self._panes[1:-1]
        yield self._tasks
        yield self._panes[-1]

    def _core(self, row: Row, found: WorkflowInstance, width: int) -> tuple[Line, ...]:
        return instance_text.core(row, found, self._look, self._now, width)

    def _history_lines(self, _: Row, found: WorkflowInstance, width: int) -> tuple[Line, ...]:
        return instance_text.history(self._history, found, self._look, self._now, width)

    def show_row(
        self,
        row: Row | None,
        history: tuple[Transition, ...],
        trouble: Trouble | None,
        now: datetime,
    ) -> None:
        """Show an instance with its ages as of `now`, or what stands in for it."""
        self._row, self._history, self._trouble, self._now = row, history, trouble, now
        self._fill()

    def set_room(self, *, is_wide: bool, is_roomy: bool) -> None:
        """Panes side by side (with the history below where it is roomy), or tabs."""
        if (is_wide, is_roomy) != (self._is_wide, self._is_roomy):
            self._is_wide, self._is_roomy = is_wide, is_roomy
            self.set_class(is_wide, "-wide")
            self.set_class(is_roomy, "-roomy")
            self._fill()

    def show_history(self) -> bool:
        """Bring the history in view and give it the keys; False if it has them, or there is none."""
        pane = self._panes[-1]
        if not self.has_content or pane.has_focus:
            return False
        self._tab = len(self._panes) - 1
        self._fill()
        self.call_after_refresh(self.take_keys)
        return True

    @property
    def _has_tabs(self) -> bool:
        # The history needs the whole width where it has no room below the others.
        return not self._is_wide or (not self._is_roomy and self._panes[self._tab].id == HISTORY)

    def turn(self, step: int) -> None:
        """Show the next or previous tab."""
        self._tab = (self._tab + step) % len(self._panes)
        had_keys = any(pane.has_focus for pane in self._panes)
        self._fill()
        if had_keys or not self._is_wide:
            self.take_keys()

    def take_keys(self) -> None:
        """Give the keys to the pane on top, unless something is being typed."""
        if self.has_content and not isinstance(self.screen.focused, Input):
            self.screen.set_focus(self._panes[self._tab])

    @property
    def has_keys(self) -> bool:
        """Whether one of the panes has the keys."""
        return any(pane.has_focus for pane in self._panes)

    @property
    def has_content(self) -> bool:
        """Whether there is a reading to show."""
        return self._row is not None and self._row.instance is not None

    def on_resize(self) -> None:
        # Header and tabs are cut to the width.
        self._fill()

    def _fill(self) -> None:
        width = self.content_size.width
        if not width:
            return
        row = self._row
        tasks: tuple[Line, ...] = ()
        lines = instance_text.header(row, self._look, self._now, width, own=self._own)
        if row is not None and self.size.height >= _ROOM_FOR_OUTLOOK:
            lines += outlook_lines(row, self._look, self._now, width)
            if self._is_roomy and self.size.height >= _ROOM_FOR_TASKS:
                tasks = task_lines(row, self._look, self._now, width)
            else:
                lines += failed_line(row, self._look, width)
        if not self.has_content:
            lines += instance_text.not_read(row, self._trouble, self._look, self._now, width)
        self._header.show((*lines, BLANK) if lines else ())
        self._tasks.show(tasks)
        self.set_class(bool(tasks), "-tasks")
        tabs = self._tab_spans(has_counts=True)
        if width_of(tabs) > width:
            tabs = self._tab_spans(has_counts=False)
        self._tabs.show([line(*crop(tabs, width))])
        has_tabs = self._has_tabs
        self._tabs.display = self.has_content and has_tabs
        for index, pane in enumerate(self._panes):
            is_beside = not has_tabs and (self._is_roomy or pane.id != HISTORY)
            pane.display = self.has_content and (is_beside or index == self._tab)
            pane.show_row(self._row, is_titled=not has_tabs)
        self.query_one("#panes").display = not has_tabs or self._panes[self._tab].id != HISTORY
        self.query_one("#side").display = not has_tabs or self._tab > 0

    def _tab_spans(self, *, has_counts: bool) -> list[Span]:
        spans: list[Span] = []
        found = self._row.instance if self._row and has_counts else None
        for index, pane in enumerate(self._panes):
            count = pane.tally(found) if found else ""
            title = f" {pane.title} {count} " if count else f" {pane.title} "
            spans += [(" ", Role.TEXT), (title, Role.BRAND if index == self._tab else Role.DIM)]
        return spans
