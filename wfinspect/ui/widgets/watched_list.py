"""The watched list: a row for each instance, and a cursor that stays on its ID."""

from collections.abc import Callable, Mapping
from datetime import datetime

from textual import events

from wfinspect import format as fmt
from wfinspect.errors import UsageError
from wfinspect.model import InstanceKey, Target
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import BLANK, Column, Ground, Line, Role, Span, crop, line, spread, width_of
from wfinspect.ui.rows import (
    MARKED,
    SORTS,
    RowTable,
    header_line,
    list_heading,
    list_line,
    mark_of,
    names_of,
    row_columns,
    search_of,
    sidebar_lines,
    sort_words,
)
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.line_view import CursorList
from wfinspect.watching.api import Row, Rows, Trouble


class WatchedList(CursorList[Row]):
    """Rows filtered and sorted; two lines a row beside a detail, one where the list has the width.

    Rows of several accounts or regions stand under a header for each, in the order of their first rows.
    """

    def __init__(
        self,
        look: Look,
        now: datetime,
        *,
        empty: Callable[[int], tuple[Line, ...]],
        id: str | None = None,
    ) -> None:
        super().__init__(self._row_line, lambda row: row.key, self._no_row, id=id)
        self._look = look
        self._now = now
        self.items = self.table = RowTable()
        self._names: Mapping[Target, tuple[Span, ...]] = {}
        self._troubles: Mapping[Target, Trouble] = {}
        self.filter_text = ""
        """What a row must match, as `search` reads it; "" for nothing."""
        self.marked: set[InstanceKey] = set()
        """Rows that some commands act on together, on the list or not any more."""
        self._problem = ""
        self._is_sidebar = False
        self._make_empty = empty

    @property
    def sort(self) -> str:
        """One of `SORTS`."""
        return self.table.sort

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the one-line form."""
        return row_columns(self.text_width, *self.table.widest, self.sort)

    def heading(self, width: int) -> Line:
        """Return the line that belongs above the list: titles where there are columns, filter and order."""
        about: list[Span] = []
        if self.filter_text:
            about.append((f"{len(self.table)} of {self.table.total}", Role.TEXT))
            about.append((f" /{fmt.shown(self.filter_text, limit=40)}", Role.ACCENT))
        if self.table.total and (self._is_sidebar or self.sort != SORTS[0]):
            by, direction = sort_words(self.sort)
            about.append((f"  {by}", Role.DIM))
            if self.sort != SORTS[0]:
                about.append((f", {direction}", Role.DIM))
        if self._is_sidebar or not len(self.table):
            count = "" if self.filter_text or not self.table.watched else f" {self.table.watched}"
            head: tuple[Span, ...] = ((" WATCHED", Role.DIM), (count, Role.TEXT))
            spans = crop((*head, (" " * bool(self.filter_text), Role.DIM), *about), width)
        else:
            room = width - width_of(about) - 1 if about else width
            spans = spread(list_heading(self.columns, room).spans, about, width)
        return line(*spans).on(Ground.KEYS if self.has_focus else Ground.NONE)

    def show_rows(self, rows: Rows, troubles: Mapping[Target, Trouble], now: datetime) -> None:
        """Show these rows, and what keeps some from being read; `now` moves the ages on."""
        is_later, self._troubles, self._now = now != self._now, troubles, now
        before = self.chosen
        has_moved = self.table.update(rows)
        if is_later and (self.filter_text or self.sort.endswith("duration")):
            # A search may be about today, and what runs takes longer.
            self._arrange(self.sort)
            has_moved = True
        if has_moved:
            self._keep_cursor(before)
        if self._names.keys() != self.table.targets:
            self._names = names_of(self.table.targets)
        self.update_lines()

    def set_order(self, *, query: str, sort: str) -> None:
        """Show the rows that match a query, in one of the orders of `SORTS`."""
        if (query, sort) != (self.filter_text, self.sort):
            self.filter_text = query
            before = self.chosen
            self._arrange(sort)
            self._keep_cursor(before)
            self.update_lines()
            self.post_message(self.Moved())

    def _arrange(self, sort: str) -> None:
        self._problem = ""
        try:
            matches = search_of(self.filter_text, self._now)
        except UsageError as error:
            self._problem = str(error)
            self.table.arrange(sort, lambda _: False, self._now)
        else:
            self.table.arrange(sort, matches, self._now)

    def _keep_cursor(self, before: Row | None) -> None:
        if before is None and not self.cursor:
            return
        place = self.table.index(before.key) if before else None
        self.cursor = max(0, min(self.cursor if place is None else place, len(self.table) - 1))
        # A sort while the user acts must not carry the row out of sight.
        self.call_after_refresh(self.reveal)

    def set_sidebar(self, *, is_sidebar: bool) -> None:
        """Two lines a row, or one."""
        if is_sidebar != self._is_sidebar:
            self._is_sidebar = is_sidebar
            self.repaint()
            self.update_lines()
            self.call_after_refresh(self.reveal)

    @property
    def _row_height(self) -> int:
        return 2 if self._is_sidebar else 1

    @property
    def page_size(self) -> int:
        return self.size.height // self._row_height

    def place_of(self, index: int) -> tuple[int, int]:
        top = self.table.headers.y_of(index, self._row_height)
        # The first row of a group brings its header along.
        return top - (index in self.table.headers.starts), top + self._row_height

    def _no_row(self, width: int) -> tuple[Line, ...]:
        if not self.table.total:
            return self._make_empty(width)
        if self._problem:
            return (BLANK, *sentence(self._problem, width, Role.TROUBLE))
        return (BLANK, line((" No watched instance matches.", Role.DIM)))

    def line_at(self, y: int) -> Line:
        if not len(self.table):
            return super().line_at(y)
        index, part, header = self.table.headers.at(y, self._row_height)
        if index is None:
            return self._header(header) if header else BLANK
        row = self.table[index]
        if self._is_sidebar:
            width = self.text_width
            lines = sidebar_lines(row, self._mark(row), self._look, self._now, width, self.sort)
            return lines[part].on(self.ground_of(index))
        return self._row_line(row).on(self.ground_of(index))

    def _row_line(self, row: Row) -> Line:
        mark, columns = self._mark(row), self.columns
        return list_line(row, mark, self._look, self._now, columns, self.sort)

    def _mark(self, row: Row) -> Span:
        return MARKED if row.key in self.marked else mark_of(row, self._look)

    def mark(self, keys: set[InstanceKey]) -> None:
        """Mark these rows and no others."""
        self.marked = keys
        self.update_lines()

    def _header(self, target: Target) -> Line:
        return header_line(self._names[target], self._troubles.get(target), self.text_width)

    def select(self, key: InstanceKey) -> bool:
        """Put the cursor on a row; False where it is not there."""
        if (index := self.table.index(key)) is not None:
            self.go_to(index)
        return index is not None

    def next_unseen(self) -> Row | None:
        """Return the next row with an unseen change, seen from the cursor; failing that a filtered one."""
        return self.table.next_unseen(self.chosen.key if self.chosen else None)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor."""
        index = self.table.headers.at(event.y + self.scroll_offset.y, self._row_height).row
        if index is not None and index < len(self.table):
            self.go_to(index)
