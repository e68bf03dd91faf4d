"""What a search has found, with a mark before what is marked or watched. Searches nothing."""

from collections.abc import Callable

from wfinspect.instance import Binding, InstanceKey, WorkflowInstance
from wfinspect.ui.lines import Ground, Line, Role, Span, line
from wfinspect.ui.row_text import Columns, list_line, widest
from wfinspect.ui.screens.view import Desk
from wfinspect.ui.widgets.cursor_list import CursorList
from wfinspect.watching.snapshot import Row


class FoundList(CursorList):
    """What was found, with a mark before what is marked or watched."""

    def __init__(
        self, desk: Desk, where: Binding, nothing: Callable[[int], tuple[Line, ...]]
    ) -> None:
        super().__init__(nothing)
        self._desk = desk
        self._binding = where
        self.rows: tuple[Row, ...] = ()
        self.marked: set[InstanceKey] = set()
        self._cells = (8, 8)
        self._now = desk.clock.now()

    def offer(self, found: tuple[WorkflowInstance, ...]) -> None:
        """Show instances; those that were shown stay where they are."""
        self._now = self._desk.clock.now()
        keys = [InstanceKey(self._binding, one.id) for one in found]
        self.rows = tuple(
            Row(key, one, read_at=self._now, is_live=True)
            for key, one in zip(keys, found, strict=True)
        )
        self._cells = widest(self.rows)
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
        known = self._desk.control.snapshot.row(row.key)
        mark: Span = ("*" if row.key in self.marked else " ", Role.ACCENT)
        if mark[0] == " " and known is not None and known.is_watched:
            mark = ("w", Role.DIM)
        columns = Columns.of(width, *self._cells)
        told = list_line(row, self._desk.look, self._now, columns)
        return line((" ", Role.DIM), mark, *told.spans, ground=ground)

    def mark(self) -> None:
        """Mark what is under the cursor, or don't; on to the next."""
        if self.rows:
            self.marked ^= {self.rows[self.cursor].key}
            self.go(self.cursor + 1)

    def mark_all(self) -> None:
        """Mark all that were read, or none."""
        every = {row.key for row in self.rows}
        self.marked = set() if every <= self.marked else every
        self.update_lines()
        self.tell_moved()
