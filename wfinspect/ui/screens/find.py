"""The find screen: a search of one workspace and business date, typed in a line, and what it found."""

from collections.abc import Iterator, Sequence
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
from wfinspect.ui.lines import BLANK, Line, Role, Span, line
from wfinspect.ui.rows import ID_FROM_CELLS, RowTable, list_line, row_columns
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Title, bind
from wfinspect.ui.widgets.boxes import LineInput
from wfinspect.ui.widgets.line_view import CursorList, LineView, StaticLines
from wfinspect.watching.api import Find, Row

_AHEAD = 20
"""Lines before the last one at which the next page is requested."""


class FindScreen(OverlayScreen):
    """The search in one line; answers with an instance to open, None for none."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar = [
        bind("enter", "take", "open, watch marked", "Enter"),
        bind("w", "watch", "watch"),
        bind("space", "mark", "mark"),
        bind("a", "mark_all", "all"),
        bind("slash", "search", "search", "/"),
    ]
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
        self._marked: set[InstanceKey] = set()
        self._cells = (8, 8)
        self._now = self.clock.now()
        self.input = LineInput(value=self._offered[0])
        self.remark = StaticLines(classes="head")
        self.list = CursorList(self._found_line, lambda row: row.key, self._nothing)

    def body(self) -> Iterator[Widget]:
        yield self.input
        yield self.remark
        yield self.list

    def title_now(self) -> Title:
        return Title((), "Find instances", "", f"{self._target.profile}, {self._target.region}")

    def about_spans(self, width: int) -> Sequence[Span]:
        del width
        if self._page is None:
            return ()
        total = f" of {self._page.total:,}" if self._page.total is not None else ""
        more = ", more as you scroll" if not self._page.is_last else ""
        marked = f"  {len(self._marked)} marked" if self._marked else ""
        said = f" {len(self.list.items):,}{total} found{more}"
        if self.list.text_width < ID_FROM_CELLS and self.list.chosen:
            said = f" {self.list.chosen.key.id} {said}"
        return (said, Role.DIM), (marked, Role.ACCENT)

    def snapshot_changed(self) -> None:
        """What was found may be watched by now."""
        super().snapshot_changed()
        self.list.update_lines()

    def fill(self) -> None:
        said = sentence(self._problem, self.size.width, Role.TROUBLE) if self._problem else ()
        self.remark.show(said)
        self._now = self.clock.now()
        has = matcher(self._left, self._now)
        keys = ((InstanceKey(self._target, one.id), one) for one in self._found.values())
        rows = [
            Row(key, one, read_at=self._now, is_live=True)
            for key, one in keys
            if has(key, one, one.status)
        ]
        self._cells = RowTable(rows).widest
        self.list.offer(rows)

    def _found_line(self, row: Row) -> Line:
        """As in the watched list, with a mark before what is marked or watched."""
        known = self.control.snapshot.rows.get(row.key)
        mark: Span = ("w" if known is not None and known.is_watched else " ", Role.DIM)
        if row.key in self._marked:
            mark = ("+", Role.ACCENT)
        columns = row_columns(self.list.text_width, *self._cells)
        return list_line(row, mark, self.look, self._now, columns)

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
            terms = parse_search(event.value)
            self._query, self._left = to_query(terms, self.clock.now(), self._zone)
        except UsageError as error:
            self._problem = str(error)
        else:
            self._problem, self._found, self._page = "", {}, None
            self._marked, self.list.cursor = set(), 0
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
        if has_more and not self._is_waiting and self.list.cursor >= len(self.list.items) - _AHEAD:
            self._ask((self._page.number if self._page else 0) + 1)

    def action_read(self) -> None:
        """Go on where an answer failed, else search again."""
        if self.trouble is not None and self._page is not None:
            self._ask(self._page.number + 1)
        else:
            self._ask(1)

    def action_back(self) -> None:
        """Without marks, then out of the view."""
        if self._marked:
            self._mark(set())
        else:
            self.dismiss()

    def on_key(self, event: events.Key) -> None:
        """Up and down in the search offer others; below the last one the list takes the keys."""
        if not self.input.has_focus or event.key not in {"up", "down", "tab"}:
            return
        event.stop()
        event.prevent_default()
        if event.key == "tab" or (event.key == "down" and self.list.items):
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
        """Mark what is under the cursor, or remove its mark, and go to the next."""
        if self.list.chosen:
            self._mark(self._marked ^ {self.list.chosen.key})
            self.list.move_by(1)

    def action_mark_all(self) -> None:
        """Mark all that were read, or none."""
        every = {row.key for row in self.list.items}
        self._mark(set() if every <= self._marked else every)

    def _mark(self, keys: set[InstanceKey]) -> None:
        self._marked = keys
        self.list.update_lines()
        self.about.update_lines()

    def action_watch(self) -> None:
        """Watch what is marked, else what is under the cursor."""
        marked = [row.key for row in self.list.items if row.key in self._marked]
        if keys := marked or [row.key for row in (self.list.chosen,) if row]:
            self.control.watch(keys)
            what = str(keys[0].id) if len(keys) == 1 else f"{len(keys)} instances"
            self.notify(f"{what} on the watched list")
            self._mark(set())

    def action_take(self) -> None:
        """Watch what is marked; without marks, open what is under the cursor."""
        if self._marked:
            self.action_watch()
            self.dismiss()
        elif self.list.chosen:
            self.dismiss(self.list.chosen.key)
