"""Find instances of a workspace and business date, mark some, watch them. Searches nothing itself."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events, on
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.errors import UsageError
from wfinspect.instance import Binding, InstanceId, WorkflowInstance
from wfinspect.query import Page, Query
from wfinspect.regions import zone_of
from wfinspect.ui.advice_text import sentence
from wfinspect.ui.arrangement import SPLIT_CELLS
from wfinspect.ui.find_entry import FIELDS, read_query, suggestions
from wfinspect.ui.lines import BLANK, Line, Role, Span, line
from wfinspect.ui.screens.found_list import FoundList
from wfinspect.ui.screens.view import Desk, Title, View
from wfinspect.ui.widgets.line_view import StaticLines
from wfinspect.watching.requests import Find

_AHEAD = 20
"""Lines before the last one at which the next page is asked for."""


class FindScreen(View):
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

    def __init__(self, desk: Desk, where: Binding, around: WorkflowInstance | None) -> None:
        """Create the screen; it searches one account and region, and begins around an instance."""
        super().__init__(desk)
        self._binding = where
        self._zone = zone_of(where.region)
        self._offered = suggestions(around, desk.clock.now(), self._zone)
        self._offer = 0
        self._query: Query | None = None
        self._problem = ""
        self._found: dict[InstanceId, WorkflowInstance] = {}
        self._page: Page[WorkflowInstance] | None = None
        self._is_waiting = False
        self.input = Input(self._offered[0], compact=True, select_on_focus=False)
        self.input.cursor_blink = False
        self.remark = StaticLines(classes="head")
        self.list = FoundList(desk, where, self._nothing)
        self.list.tell_moved = self._moved

    def body(self) -> Iterator[Widget]:
        yield self.input
        yield self.remark
        yield self.list

    def title_now(self) -> Title:
        return Title((), "Find instances", "", f"{self._binding.profile}, {self._binding.region}")

    def about_spans(self, width: int) -> tuple[Span, ...]:
        if self._page is None:
            return ()
        total = f" of {self._page.total:,}" if self._page.total is not None else ""
        more = ", more as you scroll" if not self._page.is_last else ""
        marked = f"  {len(self.list.marked)} marked" if self.list.marked else ""
        said = f" {len(self._found):,}{total} found{more}"
        if width < SPLIT_CELLS and self.list.rows:
            # Their lines have no room for it.
            said = f" {self.list.rows[self.list.cursor].key.id} {said}"
        return (said, Role.DIM), (marked, Role.ACCENT)

    def renew(self) -> None:
        """What was found may be watched by now."""
        super().renew()
        self.list.update_lines()

    def fill(self) -> None:
        said = sentence(self._problem, self.size.width, Role.TROUBLE) if self._problem else ()
        self.remark.show(said)
        self.list.offer(tuple(self._found.values()))

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._query is None:
            said = f"Enter searches. Words: {', '.join(f'{name}=' for name in FIELDS)}"
            more = "; what has no = is a part of the name. Up and Down offer searches."
            return (BLANK, *sentence(said + more, width))
        if self._page is None:
            return self.waiting_lines(width)
        return (BLANK, line((" No instance matches.", Role.DIM)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self._query, self._problem = read_query(event.value, self._zone), ""
        except UsageError as error:
            self._problem = str(error)
        else:
            self._found, self._page = {}, None
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

        self.ask(Find(self._binding, query, number), take)

    def _moved(self) -> None:
        self.about.update_lines()
        has_more = self._page is not None and not self._page.is_last
        if has_more and not self._is_waiting and self.list.cursor >= self.list.count - _AHEAD:
            self._ask((self._page.number if self._page else 0) + 1)

    def action_read(self) -> None:
        """Go on where an answer failed, else search anew."""
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
            self.desk.control.watch(keys)
            what = str(keys[0].id) if len(keys) == 1 else f"{len(keys)} instances"
            self.desk.tell(f"{what} on the watched list")
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
