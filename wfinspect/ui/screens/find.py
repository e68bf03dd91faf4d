"""The find screen: a search of one workspace and business date, typed in a line, and what it found."""

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from textual import events, on
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.errors import UsageError
from wfinspect.model import (
    InstanceId,
    InstanceKey,
    Page,
    Query,
    Target,
    WorkflowInstance,
)
from wfinspect.regions import zone_of
from wfinspect.search import HELP, Term, matcher, parse_search, suggestions, to_query
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import BLANK, Ground, Line, Role, Span, line
from wfinspect.ui.rows import RowColumns, RowTable, list_line
from wfinspect.ui.screens.main import SPLIT_CELLS, MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Title
from wfinspect.ui.widgets.line_view import CursorList, LineView, StaticLines
from wfinspect.watching.api import Find, Row


class FoundList(CursorList):
    """What was found, with a mark before what is marked or watched."""

    def __init__(self, main: MainScreen, nothing: Callable[[int], tuple[Line, ...]]) -> None:
        super().__init__(nothing)
        self._main = main
        self.rows: tuple[Row, ...] = ()
        self.marked: set[InstanceKey] = set()
        self._cells = (8, 8)
        self._now = main.clock.now()

    def offer(self, found: Iterable[tuple[InstanceKey, WorkflowInstance]]) -> None:
        """Show instances; those that were shown stay where they are."""
        self._now = self._main.clock.now()
        self.rows = tuple(Row(key, one, read_at=self._now, is_live=True) for key, one in found)
        self._cells = RowTable(self.rows).widest
        self.update_lines()

    @property
    def count(self) -> int:
        """How many were read so far."""
        return len(self.rows)

    @property
    def chosen(self) -> tuple[InstanceKey, ...]:
        """What is marked, else what is under the cursor."""
        marked = tuple(row.key for row in self.rows if row.key in self.marked)
        return marked or tuple(row.key for row in self.rows[self.cursor : self.cursor + 1])

    def item_line(self, index: int, ground: Ground) -> Line:
        """As in the watched list."""
        row, width = self.rows[index], self.text_width - 2
        known = self._main.control.snapshot.row(row.key)
        mark: Span = ("*" if row.key in self.marked else " ", Role.ACCENT)
        if mark[0] == " " and known is not None and known.is_watched:
            mark = ("w", Role.DIM)
        columns = RowColumns.of(width, *self._cells)
        shown = list_line(row, self._main.look, self._now, columns)
        return line((" ", Role.DIM), mark, *shown.spans, ground=ground)

    def mark(self) -> None:
        """Mark what is under the cursor, or don't; on to the next."""
        if self.rows:
            self.marked ^= {self.rows[self.cursor].key}
            self.go_to(self.cursor + 1)

    def mark_all(self) -> None:
        """Mark all that were read, or none."""
        every = {row.key for row in self.rows}
        self.marked = set() if every <= self.marked else every
        self.update_lines()
        self.post_message(self.Moved())


_AHEAD = 20
"""Lines before the last one at which the next page is asked for."""


class FindScreen(OverlayScreen):
    """The search in one line; answers with an instance to open, None for none."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar = [
        ("enter", "take", "watch what is marked, else open"),
        ("w", "watch", "watch"),
        ("space", "mark", "mark"),
        ("a", "mark_all", "mark all"),
        ("slash", "search", "search"),
    ]
    HINTS = (
        ("Enter", "open, watch marked"),
        ("w", "watch"),
        ("space", "mark"),
        ("a", "all"),
        ("/", "search"),
    )
    TYPING = (("Enter", "search"), ("Up Down", "suggestions"), ("Tab", "list"))

    def __init__(self, main: MainScreen, where: Target, around: WorkflowInstance | None) -> None:
        """Create the screen; it searches one account and region, and begins around an instance."""
        super().__init__(main)
        self._target = where
        self._zone = zone_of(where.region)
        self._offered = suggestions(around, main.clock.now(), self._zone)
        self._offer = 0
        self._query: Query | None = None
        self._left: tuple[Term, ...] = ()
        """What the service can't search for."""
        self._problem = ""
        self._found: dict[InstanceId, WorkflowInstance] = {}
        self._page: Page[WorkflowInstance] | None = None
        self._is_waiting = False
        self.input = Input(self._offered[0], compact=True, select_on_focus=False)
        self.input.cursor_blink = False
        self.remark = StaticLines(classes="head")
        self.list = FoundList(main, self._nothing)

    def body(self) -> Iterator[Widget]:
        yield self.input
        yield self.remark
        yield self.list

    def title_now(self) -> Title:
        return Title((), "Find instances", "", f"{self._target.profile}, {self._target.region}")

    def about_spans(self, width: int) -> tuple[Span, ...]:
        if self._page is None:
            return ()
        total = f" of {self._page.total:,}" if self._page.total is not None else ""
        more = ", more as you scroll" if not self._page.is_last else ""
        marked = f"  {len(self.list.marked)} marked" if self.list.marked else ""
        said = f" {self.list.count:,}{total} found{more}"
        if width < SPLIT_CELLS and self.list.rows:
            # Their lines have no room for it.
            said = f" {self.list.rows[self.list.cursor].key.id} {said}"
        return (said, Role.DIM), (marked, Role.ACCENT)

    def snapshot_changed(self) -> None:
        """What was found may be watched by now."""
        super().snapshot_changed()
        self.list.update_lines()

    def fill(self) -> None:
        said = sentence(self._problem, self.size.width, Role.TROUBLE) if self._problem else ()
        self.remark.show(said)
        has = matcher(self._left, self.main.clock.now())
        keys = ((InstanceKey(self._target, one.id), one) for one in self._found.values())
        self.list.offer([(key, one) for key, one in keys if has(key, one, one.status)])

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._query is None:
            return (BLANK, *sentence(f"Enter searches, Up and Down offer searches. {HELP}", width))
        if self._page is None:
            return self.waiting_lines(width)
        if not self._page.is_last:
            said = f"None of the first {len(self._found):,} instances matches. Down reads more."
            return (BLANK, *sentence(said, width))
        return (BLANK, line((" No instance matches.", Role.DIM)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            terms, now = parse_search(event.value), self.main.clock.now()
            self._query, self._left = to_query(terms, now, self._zone)
        except UsageError as error:
            self._problem = str(error)
        else:
            self._problem, self._found, self._page = "", {}, None
            self.list.marked, self.list.cursor = set(), 0
            self._ask(1)
            self.set_focus(self.list)
        self.refresh_lines()

    def _ask(self, number: int) -> None:
        query = self._query
        if query is None:
            return
        self._is_waiting = True

        def take(page: Page[WorkflowInstance]) -> None:
            if query == self._query:
                self._is_waiting = False
                # New instances push others onto the next page, where they come again.
                self._found |= {one.id: one for one in page.items}
                self._page = page

        self.request(Find(self._target, query, number), take)

    @on(LineView.Moved)
    def _moved(self) -> None:
        self.about.update_lines()
        has_more = self._page is not None and not self._page.is_last
        if has_more and not self._is_waiting and self.list.cursor >= self.list.count - _AHEAD:
            self._ask((self._page.number if self._page else 0) + 1)

    def action_read(self) -> None:
        """Go on where an answer failed, else search again."""
        if self.trouble is not None and self._page is not None:
            self._ask(self._page.number + 1)
        else:
            self._ask(1)

    def action_back(self) -> None:
        """Without marks, then out of the view."""
        if self.list.marked:
            self.list.marked = set()
            self.refresh_lines()
            self.list.update_lines()
        else:
            self.dismiss()

    def on_key(self, event: events.Key) -> None:
        """Up and down in the search offer others; below the last one the list takes the keys."""
        if not self.input.has_focus or event.key not in {"up", "down", "tab"}:
            return
        event.stop()
        event.prevent_default()
        if event.key == "tab" or (event.key == "down" and self.list.count):
            self.set_focus(self.list)
            return
        step = 1 if event.key == "up" else -1
        self._offer = (self._offer + step) % len(self._offered)
        self.input.value = self._offered[self._offer]
        self.input.cursor_position = len(self.input.value)

    def action_search(self) -> None:
        """Change the search."""
        self.set_focus(self.input)

    def action_mark(self) -> None:
        """Mark or not."""
        self.list.mark()

    def action_mark_all(self) -> None:
        """Mark all or none."""
        self.list.mark_all()

    def action_watch(self) -> None:
        """Watch what is marked, else what is under the cursor."""
        keys = self.list.chosen
        if keys:
            self.control.watch(keys)
            what = str(keys[0].id) if len(keys) == 1 else f"{len(keys)} instances"
            self.notify(f"{what} on the watched list")
            self.list.marked = set()
            self.refresh_lines()

    def action_take(self) -> None:
        """Watch what is marked; without marks, open what is under the cursor."""
        keys = self.list.chosen
        if self.list.marked:
            self.action_watch()
            self.dismiss()
        elif keys:
            self.dismiss(keys[0])
