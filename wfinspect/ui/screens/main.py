"""The main screen: status lines, ID box, watched list and detail, with their keys."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.clock import Clock
from wfinspect.model import Family, InstanceId, InstanceKey
from wfinspect.ui.files import Preferences
from wfinspect.ui.instance_text import bottom_line, nothing_watched, top_line
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import Line
from wfinspect.ui.painting import SparingScreen
from wfinspect.ui.rows import ID_FROM_CELLS, SORTS
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.boxes import FilterBox, IdBox, StatusLine, command_hints
from wfinspect.ui.widgets.detail import Detail
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.ui.widgets.watched_list import WatchedList
from wfinspect.watching.api import Contact, Row, Snapshot, WatchControl

SPLIT_CELLS = 60
"""Below this a list and a detail can't stand side by side."""
ROOMY_CELLS = 80
"""From here opening an instance leaves the list in view."""
WIDE_CELLS = 120
"""From here list, core fields, parameters and tags are in view together."""

_ROOM_BELOW = (140, 40)


def has_room_below(width: int, height: int) -> bool:
    """Whether the history has room below the other panes."""
    return width >= _ROOM_BELOW[0] and height >= _ROOM_BELOW[1]


class Layout(StrEnum):
    """What is in view."""

    LIST = "list"
    SPLIT = "split"
    DETAIL = "detail"


def layout_for(width: int, chosen: Layout | None, *, is_open: bool) -> Layout:
    """Return what to show at a width: what the user chose where it fits, else what serves best."""
    if chosen is not None and (chosen is not Layout.SPLIT or width >= SPLIT_CELLS):
        return chosen
    if width >= WIDE_CELLS:
        return Layout.SPLIT
    if not is_open:
        return Layout.LIST
    return Layout.SPLIT if width >= ROOMY_CELLS else Layout.DETAIL


def following(layout: Layout, width: int) -> Layout:
    """Return the next layout in turn that fits."""
    order = [Layout.LIST, Layout.SPLIT, Layout.DETAIL]
    if width < SPLIT_CELLS:
        order.remove(Layout.SPLIT)
        layout = Layout.LIST if layout is Layout.SPLIT else layout
    return order[(order.index(layout) + 1) % len(order)]


MINUTE_SECONDS = 60.0
BRIEF_SECONDS = 4
"""For a toast that matters only now."""
INTERVALS = (2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds; ``+`` and ``-`` go through these."""


class MainScreen(SparingScreen[None]):
    """Shares the room out among list and detail, and runs the commands of the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [c.binding() for c in COMMANDS if not c.is_app]

    AUTO_FOCUS = "#watched"
    # Textual repaints the whole screen when the keys go elsewhere; the widgets concerned do it alone.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (10, "-short"), (30, "-tall")]  # noqa: RUF012 - declared so by Textual

    def __init__(
        self,
        control: WatchControl,
        clock: Clock,
        look: Look,
        *,
        keymap: Mapping[str, str],
        preferences: Preferences,
        is_demo: bool = False,
    ) -> None:
        super().__init__()
        self.preferences = preferences
        self.control = control
        self.clock = clock
        self.look = look
        self._is_demo = is_demo
        self._keymap = keymap
        self.snapshot = Snapshot()
        self._now = clock.now()
        self._flags: tuple[str, ...] = ()
        self._chosen: Layout | None = None
        self.opened: InstanceKey | None = None
        self.last_key_at = -inf
        """When the last key was pressed, in monotonic seconds."""
        self.top = StatusLine(self._top_line, id="top")
        self.id_box = IdBox(look.prompt, self._ids_entered, id="id-box")
        self.filter = FilterBox(id="filter")
        self.list = WatchedList(look, self._now, empty=self._empty_lines, id="watched")
        sort = preferences.get("sort", SORTS[0])
        self.list.set_order(query="", sort=sort if sort in SORTS else SORTS[0])
        self.heading = StatusLine(self.list.heading, id="heading")
        self.detail = Detail(look, self._now, control.target, id="detail")
        self.bottom = StatusLine(self._bottom_line, id="bottom")
        self.hints = StatusLine(self._hints, id="hints")

    def compose(self) -> ComposeResult:
        # The classes that depend on the size, now: each would style the whole tree again later.
        width, height = self.app.size
        tall = max(step for step in self.VERTICAL_BREAKPOINTS or () if step[0] <= height)
        self.add_class(f"-{layout_for(width, None, is_open=self.opened is not None)}", tall[1])
        yield self.top
        yield self.id_box
        yield self.filter
        with Horizontal(id="body"):
            with Vertical(id="list"):
                yield self.heading
                yield self.list
            yield self.detail
        yield self.bottom
        yield self.hints

    def on_mount(self) -> None:
        # Ages are in minutes: one frame a minute moves them all, and nothing else ticks.
        self.set_interval(MINUTE_SECONDS, self.tick)
        self._arrange()

    def key_pressed(self) -> None:
        """Note that the user is there: what is on display is read more often then."""
        self.last_key_at = self.clock.monotonic()
        self.control.touch()

    def tick(self) -> None:
        """Move the ages on."""
        self._now = self.clock.now()
        self._fill()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; whatever equals the former one sends nothing."""
        is_first = not len(self.list.items)
        self.snapshot = snapshot
        if (self.clock.now() - self._now).total_seconds() >= MINUTE_SECONDS:
            self._now = self.clock.now()
        self._fill()
        if is_first and self.opened is not None:
            self.list.select(self.opened)

    @property
    def counts(self) -> Counter[Family]:
        """How many rows are in which family."""
        return self.list.table.counts

    @property
    def unseen(self) -> int:
        """How many rows have an unseen change."""
        return self.list.table.unseen

    def _fill(self) -> None:
        self.id_box.recent = self.snapshot.recent_ids
        self.list.show_rows(self.snapshot.rows, self.snapshot.troubles, self._now)
        row, trouble = self.displayed, self.snapshot.health.trouble
        # For a moment the snapshot may still hold the history of what was open before.
        shown = self.snapshot.displayed
        history = self.snapshot.history if row and shown and shown.key == row.key else ()
        self.detail.show_row(row, history, trouble, self._now)
        for status in (self.top, self.heading, self.bottom, self.hints):
            status.update_lines()

    @property
    def displayed(self) -> Row | None:
        """The row of the opened instance, as far as the snapshot knows it."""
        if self.opened is None:
            return None
        return self.snapshot.row(self.opened) or Row(self.opened, is_loading=True)

    def open(self, key: InstanceKey, *, take_keys: bool) -> None:
        """Put an instance on display."""
        self.opened = key
        if self._chosen is Layout.LIST:
            self._chosen = None
        self.control.display(key)
        row = self.snapshot.row(key)
        if row is not None and row.is_unseen:
            self.control.mark_seen([key])
        self.list.select(key)
        self._arrange()
        if take_keys:
            self.call_after_refresh(self.detail.take_keys)

    def close(self) -> None:
        """Take the instance off display."""
        if self.opened is not None:
            self.opened = None
            self.control.display(None)
        if self._chosen is Layout.DETAIL:
            self._chosen = None
        self._arrange()
        # A slow link bunches keys: digits behind Esc may be in the box already.
        if not self.id_box.has_keys:
            self.set_focus(self.list)

    @property
    def _layout(self) -> Layout:
        return layout_for(self.size.width, self._chosen, is_open=self.opened is not None)

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        layout = self._layout
        # Each change of a class styles the whole screen again.
        self.remove_class(*(f"-{one}" for one in Layout if one is not layout))
        self.add_class(f"-{layout}")
        self.list.set_sidebar(is_sidebar=layout is Layout.SPLIT)
        width, height = self.size
        self.detail.set_room(is_wide=width >= WIDE_CELLS, is_roomy=has_room_below(width, height))
        self._fill()
        if layout is Layout.DETAIL and self.list.has_focus:
            # The panes can take the keys only once they are laid out.
            self.call_after_refresh(self.detail.take_keys)
        elif layout is Layout.LIST and self.detail.has_keys:
            self.set_focus(self.list)

    def _top_line(self, width: int) -> Line:
        return top_line(
            self.snapshot,
            self.counts,
            self.control.target,
            self.look,
            self._now,
            width,
            is_demo=self._is_demo,
        )

    def _bottom_line(self, width: int) -> Line:
        # A line of the narrow list has no room for the ID.
        row = self.list.chosen
        is_hidden = self._layout is Layout.LIST and self.list.text_width < ID_FROM_CELLS
        hint = str(row.key.id) if row and is_hidden else ""
        health = self.snapshot.health
        return bottom_line(health, width, unseen=self.unseen, hint=hint, flags=self._flags)

    def show_flags(self, flags: Sequence[str]) -> None:
        """Show words for what is not as it is by default."""
        self._flags = tuple(flags)
        self.bottom.update_lines()

    def _hints(self, width: int) -> Line:
        return command_hints(width, self._keymap, has_way_back=self._layout is Layout.DETAIL)

    def _empty_lines(self, width: int) -> tuple[Line, ...]:
        trouble = self.snapshot.health.trouble
        is_open = self.opened is not None
        return nothing_watched(trouble, width, is_open=is_open)

    @on(LineView.Moved)
    def _cursor_moved(self) -> None:
        self.bottom.update_lines()

    @on(WatchedList.Opened)
    def _row_opened(self, event: WatchedList.Opened) -> None:
        self.open(event.key, take_keys=False)

    def _ids_entered(self, ids: Sequence[InstanceId]) -> None:
        keys = [InstanceKey(self.control.target, each) for each in ids]
        if len(keys) > 1:
            self.control.watch(keys)
        if keys:
            self.open(keys[0], take_keys=True)
        self._box_left()

    @on(Input.Changed, "#filter Input")
    def _filter_changed(self, event: Input.Changed) -> None:
        query = event.value.strip()
        self.list.set_order(query=query, sort=self.list.sort)
        self.set_class(bool(query), "-filtered")
        self.heading.update_lines()

    @on(Input.Submitted, "#filter Input")
    def _box_left(self) -> None:
        # It was cleared: what stands there was typed behind Enter or Esc.
        if not self.id_box.text:
            self.set_focus(self.list)

    @on(events.DescendantBlur, "#filter Input")
    def _filter_closed(self) -> None:
        # Wherever the keys have gone, the line is free again.
        self.filter.display = False
        self.id_box.display = True

    @property
    def command_row(self) -> Row | None:
        """The row that a command is about: the one under the cursor, or what is on display."""
        if self.opened is None or (self.list.has_focus and self._layout is not Layout.DETAIL):
            return self.list.chosen
        return self.displayed

    def needed(self) -> Row | None:
        """Return the row that a command is about; notify where there is none."""
        row = self.command_row
        if row is None:
            self.notify("Open an instance first: type its ID.", timeout=BRIEF_SECONDS)
        return row

    @property
    def exported(self) -> Sequence[Row]:
        """The rows of an export: the list where that has the keys, else what is on display."""
        row = self.displayed
        return tuple(self.list.items) if self.list.has_focus or row is None else (row,)

    def action_move(self, where: str) -> None:
        """Move in the pane that has the keys, else in the list."""
        focused = self.focused
        (focused if isinstance(focused, LineView) else self.list).move(where)

    def action_open_row(self) -> None:
        """Open the instance under the cursor."""
        if self.opened is not None and not self.list.has_focus:
            return
        if (row := self.needed()) is not None:
            self.open(row.key, take_keys=False)

    def action_back(self) -> None:
        """One step back: from a pane to the list, from there to nothing open, then to no filter."""
        if self.detail.has_keys and self.list.is_on_screen:
            self.set_focus(self.list)
        elif self.opened is not None:
            self.close()
        else:
            self.filter.input.value = ""

    def action_filter(self) -> None:
        """Narrow the list."""
        if self._layout is Layout.DETAIL:
            self.close()
        self.id_box.display = False
        self.filter.display = True
        self.set_focus(self.filter.input)

    def action_sort(self) -> None:
        """The next order of the list."""
        sort = SORTS[(SORTS.index(self.list.sort) + 1) % len(SORTS)]
        self.list.set_order(query=self.list.filter_text, sort=sort)
        self.heading.update_lines()
        self.preferences.set("sort", sort)

    def action_watch(self) -> None:
        """Watch or unwatch what is on display, else the row under the cursor."""
        row = self.displayed or self.needed()
        if row is None:
            return
        if row.is_watched:
            self._unwatch([row])
        else:
            self.control.watch([row.key])

    def action_remove(self) -> None:
        """Remove a row from the list."""
        row = self.needed()
        if row is not None and row.is_watched:
            self._unwatch([row])
        elif row is not None:
            self.notify(f"{row.key.id} is not watched.", timeout=BRIEF_SECONDS)

    def action_remove_settled(self) -> None:
        """Remove every settled row, but those with an unseen change."""
        settled = [
            row
            for row in self.list.items
            if row.instance and row.instance.is_settled and row.is_live and not row.is_unseen
        ]
        if settled:
            self._unwatch(settled)
        else:
            self.notify("No settled instance to remove: unseen ones stay.", timeout=BRIEF_SECONDS)

    def _unwatch(self, rows: Sequence[Row]) -> None:
        self.control.unwatch([row.key for row in rows])
        what = str(rows[0].key.id) if len(rows) == 1 else f"{len(rows)} instances"
        self.notify(f"Removed {what}, u restores", timeout=BRIEF_SECONDS)

    def action_undo(self) -> None:
        """Restore what was removed last."""
        self.control.restore()

    def action_next_unseen(self) -> None:
        """Open the next unseen change."""
        row = self.list.next_unseen()
        if row is None:
            self.notify("No unseen changes.", timeout=BRIEF_SECONDS)
            return
        self.list.select(row.key)
        self.open(row.key, take_keys=False)

    def action_seen(self) -> None:
        """Mark one row as seen."""
        if (row := self.needed()) is not None:
            self.control.mark_seen([row.key])

    def action_all_seen(self) -> None:
        """Mark all rows as seen."""
        self.control.mark_seen()

    def action_refresh_one(self) -> None:
        """Read one instance now."""
        if (row := self.needed()) is not None:
            self.control.refresh(row.key)

    def action_refresh_all(self) -> None:
        """Read all instances now."""
        self.control.refresh()

    def action_interval(self, step: int) -> None:
        """Poll less or more often."""
        now = self.snapshot.health.interval_seconds
        if step > 0:
            wanted = next((i for i in INTERVALS if i > now), INTERVALS[-1])
        else:
            wanted = next((i for i in reversed(INTERVALS) if i < now), INTERVALS[0])
        self.control.set_interval(wanted)

    def action_pause(self) -> None:
        """Stop or resume polling."""
        self.control.set_paused(paused=self.snapshot.health.contact is not Contact.PAUSED)

    def action_layout(self) -> None:
        """List, split, detail in turn."""
        self._chosen = following(self._layout, self.size.width)
        self._arrange()

    def action_turn(self, step: int) -> None:
        """The next or previous tab."""
        self.detail.turn(step)

    async def action_history(self) -> None:
        """The history of what is open; where that is in view already, the log over all."""
        if self.opened is not None and self._layout is Layout.LIST:
            self._chosen = None
            self._arrange()
        if self.opened is None or not self.detail.show_history():
            await self.run_action("app.log")

    def action_next_pane(self) -> None:
        """Give the keys to the next pane."""
        self.focus_next(".pane")

    def action_previous_pane(self) -> None:
        """Give the keys to the previous pane."""
        self.focus_previous(".pane")
