"""Lines of text of which only the changed ones are painted; lists with a cursor. Knows no data."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from wfinspect.ui.lines import BLANK, Ground, Line, Role, crop, width_of
from wfinspect.ui.theme import style_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _PlainBar(ScrollBarRender):
    """A scroll bar of backgrounds only: the eighth blocks are of Ambiguous width."""

    VERTICAL_BARS = [" "] * 8
    HORIZONTAL_BARS = [" "] * 8


ScrollBar.renderer = _PlainBar


class LineView(ScrollView, inherit_bindings=False):
    """Lines rendered one by one; `update_lines` compares before it refreshes.

    `make` makes them for a width, once until they are updated; or they are handed in with `show`. A
    subclass may say what there is with `lines`, or with `total_lines` and `line_at` where not all are
    made at once. Equal lines, and lines outside the window, are not painted again.
    """

    class Moved(Message):
        """The cursor is on another item, or another part of the text is in view."""

    class Scrolled(Message):
        """What is said of the lines out of sight is another text."""

    def __init__(
        self,
        make: Callable[[int], Sequence[Line]] = lambda _: (),
        *,
        id: str | None = None,
        classes: str | None = None,
        can_focus: bool = False,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.can_focus = can_focus
        self._make = make
        self._made: tuple[int, Sequence[Line]] | None = None
        """The lines, and the width that they are for."""
        self._painted: dict[int, Line] = {}
        self._beyond = ""
        self._styles: dict[tuple[Role, Ground], RichStyle] = {}

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines in place of the former ones, whatever the width."""
        self._make = lambda _: lines
        self.update_lines()

    def lines(self) -> Sequence[Line]:
        """Return all lines at the present width."""
        width = self.text_width
        if self._made is None or self._made[0] != width:
            self._made = width, self._make(width)
        return self._made[1]

    def total_lines(self) -> int:
        """Return how many lines there are at the present width."""
        return len(self.lines())

    def line_at(self, y: int) -> Line:
        """Return the line at an index below `total_lines`."""
        return self.lines()[y]

    @property
    def text_width(self) -> int:
        """Cells a line may take."""
        return self.scrollable_content_region.width

    @property
    def beyond(self) -> str:
        """How much is out of sight, such as ``3 above, 12 below``; "" for none."""
        top = self.scroll_offset.y
        above, below = self.out_of_sight(top, top + self.size.height)
        counts = ("above", above), ("below", below)
        said = [f"{count:,} {where}" for where, count in counts if count > 0]
        return said[0].replace(" ", " more ") if len(said) == 1 else ", ".join(said)

    def out_of_sight(self, top: int, end: int) -> tuple[int, int]:
        """Return how many lines are above `top`, and how many from `end` on."""
        return top, self.virtual_size.height - end

    def update_lines(self) -> None:
        """Show what changed since the last paint."""
        self._made = None
        if not self.is_attached:
            return
        total = self.total_lines()
        if self.display and self.styles.auto_dimensions and self.size.height != total:
            self.refresh(layout=True)
        # What is hidden is made when it is shown.
        if not self.region:
            return
        size = Size(self.text_width, total)
        if size != self.virtual_size:
            # By assignment it would lay the whole screen out again, though only the scroll bar depends on it.
            self.set_reactive(LineView.virtual_size, size)
            self._scroll_update(size)
        top = self.scroll_offset.y
        for y in range(top, top + self.size.height):
            new = self.line_at(y) if y < total else BLANK
            old = self._painted.get(y, BLANK)
            if new != old:
                self._painted[y] = new
                self.refresh(Region(0, y - top, self.size.width, 1))
        self._note_beyond()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._note_beyond()

    def _note_beyond(self) -> None:
        if self.beyond != self._beyond:
            self._beyond = self.beyond
            self.post_message(self.Scrolled())

    def repaint(self) -> None:
        """Forget what was painted, and paint all of it."""
        self._painted.clear()
        self._styles.clear()
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        # How many lines there are depends on the width. They are painted already: Textual does that first.
        del event
        self.update_lines()

    def _on_focus(self, event: events.Focus) -> None:
        self._keys_moved(event, has_focus=True, event_for_parent=events.DescendantFocus(self))

    def _on_blur(self, event: events.Blur) -> None:
        self._keys_moved(event, has_focus=False, event_for_parent=events.DescendantBlur(self))

    def _keys_moved(
        self, event: events.Event, *, has_focus: bool, event_for_parent: events.Event
    ) -> None:
        # Textual repaints the whole widget here; only lines that show which widget has the keys change.
        event.prevent_default()
        self.has_focus = has_focus
        self.update_lines()
        if self.parent is not None:
            self.parent.post_message(event_for_parent)

    def on_show(self) -> None:
        # They may have changed while they were hidden.
        self.update_lines()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the height where it is automatic: one row a line."""
        del container, viewport, width
        return self.total_lines()

    def notify_style_update(self) -> None:
        # A theme or state has changed how roles look.
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """Return one row of the window, in window coordinates."""
        index = y + self.scroll_offset.y
        content = self.line_at(index) if index < self.total_lines() else BLANK
        self._painted[index] = content
        # What made a line too long gets the same sign as everywhere.
        spans = crop(content.spans, self.size.width)
        segments = [Segment(text, self._style(role, content.ground)) for text, role in spans]
        filler = self._style(Role.TEXT, content.ground)
        return Strip(segments, width_of(spans)).adjust_cell_length(self.size.width, filler)

    def _style(self, role: Role, ground: Ground) -> RichStyle:
        style = self._styles.get((role, ground))
        if style is None:
            wanted = Style.parse(style_of(role, ground, is_ansi=self.app.native_ansi_color))
            base = Style(background=self.background_colors[1])
            style = self._styles[role, ground] = (base + wanted).rich_style
        return style

    def move(self, where: str) -> None:
        """Move ``down``, ``up``, ``page_down``, ``page_up``, or to the ``top`` or ``bottom``."""
        page = max(1, self.page_size - 1)
        steps = {"down": 1, "up": -1, "page_down": page, "page_up": -page}
        if where in steps:
            self.move_by(steps[where])
        else:
            self.move_to_end(is_top=where == "top")

    @property
    def page_size(self) -> int:
        """How many steps of `move_by` the window is high."""
        return self.size.height

    def move_by(self, steps: int) -> None:
        """Scroll by lines; a subclass with a cursor moves that instead."""
        self.scroll_to(y=self.scroll_offset.y + steps, animate=False)

    def move_to_end(self, *, is_top: bool) -> None:
        """Scroll to the first or last line."""
        self.scroll_to(y=0 if is_top else self.max_scroll_y, animate=False)


def attach(box: Widget, parts: Sequence[Widget], parent: Widget, after: Widget) -> None:
    """Mount a box with its parts, unless it is: at once, since the next key may be for one of them.

    What is hidden at the start is mounted so when it is shown: each widget takes a millisecond of it.
    """
    if not box.is_attached:
        parent.mount(box, after=after)
        box.mount(*parts)


class Items(Protocol[T_co]):
    """What a list shows, in order."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> T_co: ...
    def __iter__(self) -> Iterator[T_co]: ...


class CursorList(LineView, Generic[T]):
    """Items with a cursor, which stays on its item when they change.

    Items of several lines, or with lines between them, need `place_of`, `page_size` and `line_at` too.
    """

    def __init__(
        self,
        draw: Callable[[T], Line],
        key: Callable[[T], object],
        nothing: Callable[[int], tuple[Line, ...]],
        *,
        id: str | None = None,
        can_focus: bool = True,
    ) -> None:
        """Create the list.

        Args:
            draw: makes the line of an item.
            key: what an item is known by.
            nothing: makes what stands in for items, at a width, while there are none.
            id: Textual's.
            can_focus: False where the cursor is moved by keys that something else has.
        """
        super().__init__(nothing, id=id, classes="pane main", can_focus=can_focus)
        self.items: Items[T] = ()
        self.cursor = 0
        """The index of the item under the cursor."""
        self.filter_text = ""
        """What items must match, as `search` reads it; "" for nothing."""
        self.before_filter: tuple[str, object] = "", None
        """Filter and key of the cursor's item, as they were before a filter was typed."""
        self._left: object = None
        """What the cursor was on before the filter, until it is moved."""
        self._draw = draw
        self._key = key

    @property
    def chosen(self) -> T | None:
        """The item under the cursor."""
        return self.items[self.cursor] if len(self.items) else None

    @property
    def _here(self) -> object:
        return self._key(self.items[self.cursor]) if len(self.items) else None

    def begin_filter(self) -> None:
        """Note filter and cursor, for where the one that is typed next is given up."""
        self.before_filter = self.filter_text, self._here
        if len(self.items):
            self._left = None

    def set_filter(self, text: str, *, is_typed: bool) -> Sequence[object]:
        """Note a filter; return the keys of where the cursor may be with it, the best first.

        As a filter narrows and widens while it is typed, the cursor returns to what it was on. Later
        it stays where it is: the user has looked at what the filter left. Where none of these matches,
        it goes to the first that does.
        """
        here = self._here
        if text == self.filter_text:
            return (here,)
        left = here if self._left is None else self._left
        self.filter_text, self._left, self.cursor = text, left if text else None, 0
        return (left,) if is_typed else (here, left)

    def offer(self, items: Items[T], *, filter_text: str = "", is_typed: bool = False) -> None:
        """Show these items; where that of the cursor is gone, the next one takes its place."""
        wanted = self.set_filter(filter_text, is_typed=is_typed)
        self.items = items
        keys = [self._key(item) for item in items]
        place = next((keys.index(key) for key in wanted if key in keys), self.cursor)
        self.cursor = max(0, min(place, len(items) - 1))
        self.update_lines()
        self.reveal()

    def place_of(self, index: int) -> tuple[int, int]:
        """Return the first line to be seen with an item, and the one below its last."""
        return index, index + 1

    def ground_of(self, index: int) -> Ground:
        """Return what an item's line stands on."""
        if index != self.cursor:
            return Ground.NONE
        return Ground.CURSOR if self.has_focus or not self.can_focus else Ground.RESTING

    def out_of_sight(self, top: int, end: int) -> tuple[int, int]:
        # Items, of which each may have several lines; one of which a part is out of sight counts.
        count = range(len(self.items))
        if not count:
            return super().out_of_sight(top, end)
        above = bisect_left(count, top, key=lambda index: self.place_of(index)[0])
        return above, len(count) - bisect_right(count, end, key=lambda i: self.place_of(i)[1])

    def total_lines(self) -> int:
        if len(self.items):
            return self.place_of(len(self.items) - 1)[1]
        return super().total_lines()

    def line_at(self, y: int) -> Line:
        """Return a line, made when it is asked for: items out of sight cost nothing."""
        if not len(self.items):
            return super().line_at(y)
        return self._draw(self.items[y]).on(self.ground_of(y))

    def move_by(self, steps: int) -> None:
        self.go_to(self.cursor + steps)

    def move_to_end(self, *, is_top: bool) -> None:
        self.go_to(0 if is_top else len(self.items) - 1)

    def go_to(self, index: int) -> None:
        """Put the cursor on an item, or the one nearest to that index, and bring it in view."""
        self.cursor, self._left = max(0, min(index, len(self.items) - 1)), None
        self.reveal()
        self.update_lines()
        self.post_message(self.Moved())

    def index_of(self, key: object) -> int | None:
        """Return where an item is."""
        return next((n for n, item in enumerate(self.items) if self._key(item) == key), None)

    def select(self, key: object) -> bool:
        """Put the cursor on an item; False where it is not there."""
        if (index := self.index_of(key)) is not None:
            self.go_to(index)
        return index is not None

    def on_resize(self, event: events.Resize) -> None:
        del event  # Textual calls that of the base as well
        self.reveal()

    def reveal(self) -> None:
        """Scroll as far as it takes to see the item under the cursor."""
        if not self.size:
            return  # not laid out yet
        first, end = self.place_of(self.cursor)
        top, height = self.scroll_offset.y, self.size.height
        if first < top:
            self.scroll_to(y=first, animate=False, force=True)
        elif end > top + height:
            self.scroll_to(y=end - height, animate=False, force=True)
