"""The watched list: a row for each instance, and a cursor that stays on its ID."""

from collections.abc import Callable, Mapping
from datetime import datetime

from textual import events
from textual.message import Message

from wfinspect import format as fmt
from wfinspect.errors import UsageError
from wfinspect.model import InstanceKey, Target
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import BLANK, Line, Role, Span, crop, line, spread, width_of
from wfinspect.ui.rows import (
    SORTS,
    RowColumns,
    RowGroups,
    grouped,
    header_line,
    in_order,
    list_heading,
    list_line,
    matching,
    names_of,
    next_unseen,
    sidebar_lines,
    widest,
)
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.line_view import CursorList
from wfinspect.watching.api import Row, Trouble


class WatchedList(CursorList):
    """Rows filtered and sorted; two lines a row beside a detail, one where the list has the width.

    Rows of several accounts or regions stand under a header for each, in the order of their first rows.
    """

    class Opened(Message):
        """A row was clicked twice."""

        def __init__(self, key: InstanceKey) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self,
        look: Look,
        now: datetime,
        *,
        empty: Callable[[int], tuple[Line, ...]],
        id: str | None = None,
    ) -> None:
        super().__init__(self._no_row, id=id, classes="pane")
        self._look = look
        self._now = now
        self._given: tuple[Row, ...] = ()
        self._ordered: tuple[Row, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._names: Mapping[Target, tuple[Span, ...]] = {}
        self._groups = RowGroups()
        self._troubles: Mapping[Target, Trouble] = {}
        self.filter_text = ""
        """What a row must match, as `search` reads it; "" for nothing."""
        self._problem = ""
        self.sort = SORTS[0]
        """One of `SORTS`."""
        self._cells = (8, 8)
        self._is_sidebar = False
        self._make_empty = empty

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows in the order shown."""
        return self._rows

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor, None where the list is empty."""
        return self._rows[self.cursor] if self._rows else None

    @property
    def columns(self) -> RowColumns:
        """The widths of the one-line form."""
        return RowColumns.of(self.text_width, *self._cells)

    def heading(self, width: int) -> Line:
        """Return the line that belongs above the list: titles where there are columns, filter and order."""
        about: list[Span] = []
        if self.filter_text:
            about.append((f"{len(self._rows)} of {len(self._given)}", Role.TEXT))
            about.append((f" /{fmt.shown(self.filter_text, limit=40)}", Role.ACCENT))
        if self._given and (self._is_sidebar or self.sort != SORTS[0]):
            about.append((f"  by {self.sort}", Role.DIM))
        if self._is_sidebar or not self._rows:
            count = "" if self.filter_text or not self._rows else f" {len(self._rows)}"
            head: tuple[Span, ...] = ((" WATCHED", Role.DIM), (count, Role.TEXT))
            return line(*crop((*head, (" " * bool(self.filter_text), Role.DIM), *about), width))
        room = width - width_of(about) - 1 if about else width
        return line(*spread(list_heading(self.columns, room).spans, about, width))

    def show_rows(
        self, rows: tuple[Row, ...], troubles: Mapping[Target, Trouble], now: datetime
    ) -> None:
        """Show these rows, and what keeps some from being read; `now` moves the ages on."""
        self._troubles, self._now = troubles, now
        if rows != self._given:
            self._given = rows
            self._names = names_of({row.key.target for row in rows})
            self._cells = widest(rows)
            self._ordered = in_order(rows, self.sort)
            self._narrow()
        self.update_lines()

    def set_order(self, *, query: str, sort: str) -> None:
        """Show the rows that match a query, in one of the orders of `SORTS`."""
        if (query, sort) != (self.filter_text, self.sort):
            self.filter_text = query
            if sort != self.sort:
                self.sort = sort
                self._ordered = in_order(self._given, sort)
            self._narrow()
            self.update_lines()
            self.post_message(self.Moved())

    def _narrow(self) -> None:
        before, self._problem = self.cursor_row, ""
        try:
            self._rows = matching(self._ordered, self.filter_text, self._now)
        except UsageError as error:
            self._rows, self._problem = (), str(error)
        if len(self._names) > 1:
            self._rows, self._groups = grouped(self._rows)
        else:
            self._groups = RowGroups()
        if before is not None or self.cursor:
            self._keep_cursor(before.key if before else None)

    def _keep_cursor(self, key: InstanceKey | None) -> None:
        place = next((i for i, row in enumerate(self._rows) if row.key == key), self.cursor)
        self.cursor = max(0, min(place, len(self._rows) - 1))
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
    def count(self) -> int:
        return len(self._rows)

    @property
    def page_size(self) -> int:
        return self.size.height // self._row_height

    def place_of(self, index: int) -> tuple[int, int]:
        top = self._groups.y_of(index, self._row_height)
        # The first row of a group brings its header along.
        return top - (index in self._groups.starts), top + self._row_height

    def _no_row(self, width: int) -> tuple[Line, ...]:
        if not self._given:
            return self._make_empty(width)
        if self._problem:
            return (BLANK, *sentence(self._problem, width, Role.TROUBLE))
        return (BLANK, line((" No watched instance matches.", Role.DIM)))

    def line_at(self, y: int) -> Line:
        if not self._rows:
            return super().line_at(y)
        index, part, header = self._groups.at(y, self._row_height)
        if index is None:
            return self._header(header) if header else BLANK
        row, ground = self._rows[index], self.ground_of(index)
        if self._is_sidebar:
            return sidebar_lines(row, self._look, self._now, self.text_width, ground)[part]
        return list_line(row, self._look, self._now, self.columns, ground)

    def _header(self, target: Target) -> Line:
        return header_line(self._names[target], self._troubles.get(target), self.text_width)

    def select(self, key: InstanceKey) -> None:
        """Put the cursor on a row, if it is there."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self.go_to(index)

    def next_unseen(self) -> Row | None:
        """Return the next row with an unseen change, seen from the cursor; failing that a filtered one."""
        key = self.cursor_row.key if self.cursor_row else None
        return next_unseen(self._rows, key) or next_unseen(self._ordered, key)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; open the row on the second click."""
        index = self._groups.at(event.y + self.scroll_offset.y, self._row_height).row
        if index is not None and index < len(self._rows):
            self.go_to(index)
            if event.chain > 1:
                self.post_message(self.Opened(self._rows[index].key))
