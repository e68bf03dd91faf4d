"""The two panes of the main screen: the watched list, and one instance in full."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from wfinspect import format as fmt
from wfinspect.errors import UsageError
from wfinspect.model import (
    Family,
    FieldGroup,
    Follow,
    InstanceKey,
    Target,
    Transition,
    WorkflowInstance,
)
from wfinspect.search import none_match
from wfinspect.ui import instance_text
from wfinspect.ui.lines import (
    BLANK,
    Column,
    Ground,
    Line,
    Part,
    Role,
    Span,
    crop,
    line,
    section,
    shed,
    side_by_side,
    spread,
    titles,
    width_of,
)
from wfinspect.ui.rows import (
    LEAD_CELLS,
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
from wfinspect.ui.tasks_text import Operations, operation_lines, outlook_lines, task_lines, touched
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.line_view import CursorList, LineView
from wfinspect.watching.api import Row, Rows, Trouble, follow_of

_ORDER_LASTS = timedelta(seconds=50)
"""Of one that depends on the time: to be made again by the next tick, a minute later."""


class WatchedList(CursorList[Row]):
    """A row for each instance, filtered and sorted, and a cursor that stays on its ID.

    Two lines a row beside a detail, one where the list has the width.

    Rows of several accounts or regions stand under a header for each, in the order of their first rows.
    """

    def __init__(self, look: Look, now: datetime, empty: Callable[[int], tuple[Line, ...]]) -> None:
        super().__init__(self._row_line, lambda row: row.key, self._no_row, id="watched")
        self._look = look
        self._now = now
        self.items = self.table = RowTable()
        self._names: Mapping[Target, tuple[Span, ...]] = {}
        self._troubles: Mapping[Target, Trouble] = {}
        self.marked: set[InstanceKey] = set()
        """Rows that some commands act on together, on the list or not any more."""
        self.follows: Sequence[Follow] = ()
        self.problem = ""
        """Why the filter can't be read."""
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
        """Return the line that belongs above the list: titles where there are columns, count and order."""
        count = f"{len(self.table)} of {self.table.total}" if self.filter_text else ""
        about: tuple[Span, ...] = ((count, Role.TEXT),) if count else ()
        by, direction = sort_words(self.sort)
        orders: tuple[str, ...] = ()
        if self.sort != SORTS[0]:
            orders = (f"{by}, {direction}", by)
        if self._is_sidebar or not len(self.table):
            count = count or str(self.table.watched or "")
            head: tuple[Span, ...] = ((" WATCHED", Role.DIM), (f" {count}".rstrip(), Role.TEXT))
            orders = orders or (direction, by) * (self.table.total > 0)
            spans = shed([Part(head, 0), Part.of(orders, Role.DIM, 1)], width - 1)
        else:
            spans = self._titles(about, orders, width)
        return line(*spans).on(Ground.KEYS if self.has_focus else Ground.NONE)

    def _titles(
        self, about: tuple[Span, ...], orders: Sequence[str], width: int
    ) -> tuple[Span, ...]:
        """Return the titles of the columns, and count and order where they cover none of them."""
        columns = self.columns
        beside = columns[0].cells - len(columns[0].title) - 2
        behind = width - width_of(list_heading(columns, width).spans) - 2
        most = max(beside, behind)
        about = shed([Part(about, 0), Part.of(orders, Role.DIM, 1)], most)
        if behind < width_of(about) <= beside:
            first: tuple[Span, ...] = (*titles((Column(columns[0].title, 4),)), *about)
            blanks = columns[0].cells + columns[0].gap - width_of(first)
            rest = titles(columns[1:])
            spans = ((" " * LEAD_CELLS, Role.DIM), *first, (" " * blanks, Role.DIM), *rest)
            return crop(spans, width)
        about = crop(about, width - width_of(list_heading(columns[:3], width).spans) - 2)
        room = width - width_of(about) - 2
        return spread(list_heading(columns, room).spans, (*about, (" ", Role.DIM)), width)

    def show_rows(
        self,
        rows: Rows,
        troubles: Mapping[Target, Trouble],
        now: datetime,
        *,
        keeps_order: bool = False,
    ) -> None:
        """Show these rows, and what keeps some from being read; `now` moves the ages on."""
        self._troubles, self._now = troubles, now
        self._hold()
        before = self.chosen
        self.table.keeps_places = keeps_order
        has_moved = self.table.update(rows)
        if not keeps_order:
            has_moved |= self.table.take_places(self.table.due(before and rows.get(before.key)))
        is_timed = self.filter_text or self.sort.endswith("duration")
        if is_timed and not keeps_order and now - self.table.as_of >= _ORDER_LASTS:
            # A search may be about today, and what runs takes longer.
            self._arrange(self.sort)
            has_moved = True
        if has_moved:
            self._keep_cursor(before)
        if self._names.keys() != self.table.targets:
            self._names = names_of(self.table.targets)
        self.update_lines()

    def set_order(self, *, query: str, sort: str, is_typed: bool = False) -> None:
        """Show the rows that match a query, in one of the orders of `SORTS`."""
        if (query, sort) != (self.filter_text, self.sort):
            is_other = query != self.filter_text
            wanted = self.set_filter(query, is_typed=is_typed)
            if is_other:
                self.table.hold(set())
            self._arrange(sort)
            places = map(self.index_of, wanted)
            self._put_cursor(next((at for at in places if at is not None), None))
            self.update_lines()
            self.post_message(self.Moved())

    def _arrange(self, sort: str) -> None:
        self.problem = ""
        try:
            matches = search_of(self.filter_text, self._now)
        except UsageError as error:
            self.problem, matches = str(error), lambda _: False
        self.table.arrange(sort, matches, self._now)

    def _hold(self) -> None:
        """Keep what the cursor is on, and what is marked, in the filter also where it does not match."""
        chosen, keys = self.chosen, set[InstanceKey]()
        if self.filter_text and chosen is not None:
            keys = {chosen.key, *(key for key in self.marked if self.index_of(key) is not None)}
        if self.table.hold(keys):
            self._keep_cursor(chosen)
            self.update_lines()

    def go_to(self, index: int) -> None:
        super().go_to(index)
        self._hold()

    @property
    def has_left(self) -> bool:
        """Whether what the cursor is on does not match the filter."""
        return self.table.has_left(self.chosen)

    def _keep_cursor(self, before: Row | None) -> None:
        self._put_cursor(self.table.index(before.key) if before else None)

    def _put_cursor(self, place: int | None) -> None:
        self.cursor = max(0, min(self.cursor if place is None else place, len(self.table) - 1))
        # A sort while the user acts must not carry the row out of sight.
        self.call_after_refresh(self.reveal)

    @property
    def is_order_due(self) -> bool:
        """Whether rows are to take their places once no key is pressed."""
        return bool(self.table.due(self.chosen))

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
        said = self.problem or none_match("watched instance", self.filter_text)
        role = Role.TROUBLE if self.problem else Role.TEXT
        keys = [("filter", fmt.shown(self.filter_text)), ("Esc", "clears it and shows all")]
        if self.has_focus:
            keys.append(("/", "changes it"))
        elif before := self.before_filter[0]:
            keys[1] = "Esc", f"goes back to {fmt.shown(before)}"
        with_words = instance_text.keys_with_words(*keys, width=width)
        return (BLANK, *instance_text.sentence(said, width, role), BLANK, *with_words)

    def line_at(self, y: int) -> Line:
        if not len(self.table):
            return super().line_at(y)
        index, part, header = self.table.headers.at(y, self._row_height)
        if index is None:
            return self._header(header) if header else BLANK
        row = self.table[index]
        # Its sign is there also where it was on the list before it was followed.
        follow = follow_of(row, self.follows)
        row = row._replace(follow=follow.number if follow else 0)
        if self._is_sidebar:
            mark, apart, look = self._mark(row), self._apart(row), self._look
            lines = sidebar_lines(row, mark, look, self._now, self.text_width, self.sort, apart)
            return lines[part].on(self.ground_of(index))
        return self._row_line(row).on(self.ground_of(index))

    def _row_line(self, row: Row) -> Line:
        mark, columns, apart = self._mark(row), self.columns, self._apart(row)
        return list_line(row, mark, self._look, self._now, columns, self.sort, apart)

    def _apart(self, row: Row) -> str:
        return self.table.apart(row, self._look.zone, self._now)

    def _mark(self, row: Row) -> Span:
        return MARKED if row.key in self.marked else mark_of(row, self._look)

    def mark(self, keys: set[InstanceKey]) -> None:
        """Mark these rows and no others."""
        self.marked = keys
        self.update_lines()
        self._hold()

    def _header(self, target: Target) -> Line:
        return header_line(self._names[target], self._troubles.get(target), self.text_width)

    def index_of(self, key: object) -> int | None:
        return self.table.index(key) if isinstance(key, InstanceKey) else None

    def on_click(self, event: events.Click) -> None:
        """Move the cursor."""
        index = self.table.headers.at(event.y + self.scroll_offset.y, self._row_height).row
        if index is not None and index < len(self.table):
            self.go_to(index)


_TABS = ("Core", "Parameters", "Tags", "History")
_TWO_COLUMNS_CELLS = 96
"""From here the parts of the one text stand in two columns."""


class Detail(Vertical):
    """Header, tab line and text of the row under the cursor."""

    def __init__(self, look: Look, now: datetime, own: Target) -> None:
        super().__init__(id="detail")
        self._look = look
        self._own = own
        self._now = now
        self._row: Row | None = None
        self._history: tuple[Transition, ...] = ()
        self._operations: Operations = {}
        self._has_tabs = True
        self._tab = 0
        self.follows: Sequence[Follow] = ()
        """What is followed, of which one may have brought the row."""
        self.tasks_wait = ""
        """Why its tasks are not read for now, in a few words."""
        self._is_other = False
        """Another text is to be shown, from its start, as soon as there is room for it."""
        self._starts: list[int] = []
        """Where the parts begin in the one text, in lines."""
        self._header = LineView(id="header")
        self._tabs = LineView(id="tabs")
        self.text = LineView(self._lines, id="text", classes="pane", can_focus=True)
        self.parts = self._header, self._tabs, self.text

    def compose(self) -> ComposeResult:
        yield from () if self.children else self.parts

    def show_row(
        self,
        row: Row | None,
        history: tuple[Transition, ...],
        operations: Operations,
        now: datetime,
        *,
        has_tabs: bool,
    ) -> None:
        """Show an instance with its ages as of `now`, or what stands in for it; another from its start.

        Args:
            row: the instance.
            history: its changes, newest first.
            operations: what is known of who acted on tasks.
            now: for the ages.
            has_tabs: whether there is room for a part of it only.
        """
        is_other = (row and row.key) != (self._row and self._row.key)
        is_other |= has_tabs != self._has_tabs
        if is_other:
            self._tab = 0
        self._row, self._history, self._now, self._has_tabs = row, history, now, has_tabs
        self._operations = operations
        self._fill(is_other=is_other)

    @property
    def is_at_end(self) -> bool:
        """Whether the last of the one text is in view."""
        return not self._has_tabs and self.text.scroll_offset.y >= self.text.max_scroll_y

    def turn(self, step: int) -> None:
        """Show the next or previous tab; in the one text, go to the next or previous part."""
        if self._has_tabs:
            self._tab = (self._tab + step) % len(_TABS)
            self._fill(is_other=True)
            return
        top, starts = self.text.scroll_offset.y, self._starts
        later = [y for y in starts if y > top] if step > 0 else [y for y in starts if y < top][::-1]
        self.text.scroll_to(y=later[0] if later else 0, animate=False)

    def show_history(self) -> None:
        """Bring the history in view."""
        if self._has_tabs:
            self._tab = _TABS.index("History")
            self._fill(is_other=True)
        elif self._starts:
            self.text.scroll_to(y=self._starts[-1], animate=False)

    @on(events.Resize)
    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _fill_again(self) -> None:
        # Header and tabs are cut to the width, and show whether the text has the keys.
        self._fill()

    def _fill(self, *, is_other: bool = False) -> None:
        self._is_other |= is_other
        width, row = self.content_size.width, self._row
        if not width:
            return
        lines = instance_text.header(row, self._look, self._now, width, own=self._own)
        found = row.instance if row else None
        if row:
            heading = lines[0].on(Ground.KEYS) if self.text.has_focus else lines[0]
            lines = (heading, *lines[1:], BLANK)
        self._header.show(lines)
        tabs = self._tab_spans(found)
        if width_of(tabs) > width:
            tabs = self._tab_spans(None)
        self._tabs.show([line(*crop(tabs, width))])
        self._tabs.display = self._has_tabs and found is not None
        if self._is_other:
            self.text.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._is_other = False
        self.text.update_lines()

    def _tab_spans(self, found: WorkflowInstance | None) -> list[Span]:
        spans: list[Span] = []
        for index, title in enumerate(_TABS):
            count = self._count(title, found) if found else ""
            text = f" {title} {count} " if count else f" {title} "
            spans += [(" ", Role.TEXT), (text, Role.BRAND if index == self._tab else Role.DIM)]
        return spans

    def _count(self, title: str, found: WorkflowInstance) -> object:
        """Return what stands behind a title, or nothing where that is false."""
        counts = {
            "Parameters": instance_text.parameter_count(found),
            "Tags": len(found.tags),
            "History": len(self._history),
        }
        return counts.get(title, "")

    def _lines(self, width: int) -> tuple[Line, ...]:
        row, found = self._row, self._row.instance if self._row else None
        self._starts = []
        if row is None:
            return ()
        head = instance_text.trouble_lines(row, self._look, self._now, width)
        head += [BLANK] if head else []
        if found is None:
            return (*head, *instance_text.not_read(row, self._look, self._now, width))
        title = _TABS[self._tab]
        if self._has_tabs and title != "Core":
            return (*head, *self._part(title, found, width))
        outlook = outlook_lines(row, self._look, self._now, width, self.tasks_wait)
        # The tasks that matter, where it failed or runs.
        has_tasks = row.family in {Family.FAILURE, Family.ACTIVE}
        tasks = task_lines(row, self._look, self._now, width, self.tasks_wait) if has_tasks else ()
        for part in (instance_text.about(row, self.follows, width), outlook, tasks):
            head += [*part, BLANK] if part else []
        core = partial(instance_text.core, row, found, self._look, self._now)
        if self._has_tabs:
            # Name and status stand above, in the header.
            groups = FieldGroup.WHEN, FieldGroup.WHAT, FieldGroup.WHERE, FieldGroup.WHO
            return (*head, *core(width, *groups))
        columns = 2 if width >= _TWO_COLUMNS_CELLS else 1
        cells = width // columns
        about = FieldGroup.WHAT, FieldGroup.WHERE, FieldGroup.WHO
        parts: list[list[Line]] = [
            self._headed("Parameters", self._part("Parameters", found, cells - columns + 1)),
            self._headed("Tags", self._part("Tags", found, cells - columns + 1)),
            self._headed("Times", core(cells, FieldGroup.WHEN)),
            self._headed("IDs and accounts", core(cells, *about)),
        ]
        if columns > 1:
            sent, known = [*parts[0], *parts[1]], [*parts[2], *parts[3]]
            parts = [side_by_side(sent, known, cells)]
        lines = head
        for each in (*parts, self._headed("History", self._part("History", found, width))):
            self._starts.append(len(lines))
            lines += each
        return tuple(lines)

    def _headed(self, title: str, part: Sequence[Line]) -> list[Line]:
        count = self._row and self._row.instance and self._count(title, self._row.instance)
        return [section(title.upper(), count), *part, BLANK]

    def _part(self, title: str, found: WorkflowInstance, width: int) -> tuple[Line, ...]:
        if title == "History":
            changes = instance_text.history(self._history, found, self._look, self._now, width)
            wanted = touched(self._row) if self._row else ()
            by_hand = operation_lines(wanted, self._operations, self._look, self._now, width)
            # Of many changes the last are out of sight.
            return (*by_hand, BLANK, *changes) if by_hand else changes
        make = instance_text.parameters if title == "Parameters" else instance_text.tags
        return make(found, width)
