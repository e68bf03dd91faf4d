"""A list with a cursor, a line for each item, made when it is asked for. Knows no items."""

from collections.abc import Callable

from wfinspect.ui.lines import BLANK, Ground, Line
from wfinspect.ui.widgets.line_view import LineView


class CursorList(LineView):
    """A subclass says what there is with `count` and `item_line`."""

    def __init__(self, nothing: Callable[[int], tuple[Line, ...]]) -> None:
        """Create the list; `nothing` makes what stands in for items, at a width, while there are none."""
        super().__init__(classes="pane main", can_focus=True)
        self.cursor = 0
        """The index of the item under the cursor."""
        self.tell_moved: Callable[[], None] = lambda: None
        """Called when the cursor is on another item."""
        self._make_nothing = nothing
        self._nothing: tuple[Line, ...] = ()

    @property
    def count(self) -> int:
        """How many items there are."""
        return 0

    def item_line(self, index: int, ground: Ground) -> Line:
        """The line of an item."""
        del index, ground
        return BLANK

    def total_lines(self) -> int:
        """One for each item."""
        if not self.count:
            self._nothing = self._make_nothing(self.text_width)
        return self.count or len(self._nothing)

    def line_at(self, y: int) -> Line:
        """An item's line, on a ground where the cursor is."""
        if not self.count:
            return self._nothing[y]
        is_here = y == self.cursor
        ground = (Ground.CURSOR if self.has_focus else Ground.RESTING) if is_here else Ground.NONE
        return self.item_line(y, ground)

    def move(self, where: str) -> None:
        """Move the cursor."""
        page = max(1, self.size.height - 1)
        steps = {"down": 1, "up": -1, "page_down": page, "page_up": -page, "top": -self.cursor}
        self.go(self.cursor + steps.get(where, self.count))

    def go(self, index: int) -> None:
        """Put the cursor on an item, and bring that in view."""
        self.cursor = max(0, min(index, self.count - 1))
        self.update_lines()
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= self.cursor < top + height:
            y = self.cursor - (height - 1) * (self.cursor > top)
            self.scroll_to(y=y, animate=False, force=True)
        self.update_lines()
        self.tell_moved()
