"""Status, ID box, list and detail on one screen: what is in view, and what is shown in it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.reactive import Reactive
from textual.widget import Widget

from wfinspect.clock import Clock
from wfinspect.instance import Family, InstanceKey
from wfinspect.ui.advice_text import nothing_watched
from wfinspect.ui.arrangement import (
    WIDE_CELLS,
    Layout,
    following,
    has_room_below,
    layout_for,
)
from wfinspect.ui.lines import Line
from wfinspect.ui.order import SORTS
from wfinspect.ui.preferences import Preferences
from wfinspect.ui.sparing import SparingScreen
from wfinspect.ui.status_text import bottom_line, counts_of, top_line
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.detail import Detail
from wfinspect.ui.widgets.filter_box import FilterBox
from wfinspect.ui.widgets.id_box import IdBox
from wfinspect.ui.widgets.status_line import StatusLine, hints
from wfinspect.ui.widgets.watched_list import WatchedList
from wfinspect.watching.snapshot import Row, Snapshot, WatchControl

MINUTE_SECONDS = 60.0


class PanesScreen(SparingScreen[None]):
    """Status lines, ID box, watched list and detail; shares the room out among them."""

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
        self.counts: Counter[Family] = Counter()
        """As `counts_of` finds them, once a snapshot."""
        self.unseen = 0
        """Changes that nobody has looked at."""
        self._now = clock.now()
        self._flags: tuple[str, ...] = ()
        self._chosen: Layout | None = None
        self.opened: InstanceKey | None = None
        self.top = StatusLine(self._top_line, id="top")
        self.id_box = IdBox(look.prompt, id="id-box")
        self.filter = FilterBox(id="filter")
        self.list = WatchedList(look, self._now, empty=self._empty_lines, id="watched")
        sort = preferences.get("sort", SORTS[0])
        self.list.set_order(query="", sort=sort if sort in SORTS else SORTS[0])
        self.heading = StatusLine(self.list.heading, id="heading")
        self.detail = Detail(look, self._now, control.binding, id="detail")
        self.bottom = StatusLine(self._bottom_line, id="bottom")
        self.hints = StatusLine(self._hints, id="hints")

    def compose(self) -> ComposeResult:
        # The classes that hang on the size, now: each styles the whole tree anew once there is one.
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

    def tick(self) -> None:
        """Move the ages on."""
        self._now = self.clock.now()
        self._fill()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; whatever equals the former one sends nothing."""
        is_first = not self.list.rows
        self.snapshot = snapshot
        # Here, since the lines that say it are made anew for every key.
        self.counts = counts_of(snapshot.rows)
        self.unseen = sum(row.is_unseen for row in snapshot.rows)
        if (self.clock.now() - self._now).total_seconds() >= MINUTE_SECONDS:
            self._now = self.clock.now()
        self._fill()
        if is_first and self.opened is not None:
            self.list.go_to(self.opened)

    def _fill(self) -> None:
        self.id_box.set_recent(self.snapshot.recent_ids)
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
        self.list.go_to(key)
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

    def show_detail(self) -> None:
        """Bring what is open in view."""
        self._chosen = None
        self._arrange()

    def next_layout(self) -> None:
        """List, split, detail in turn."""
        self._chosen = following(self._layout, self.size.width)
        self._arrange()

    @property
    def _layout(self) -> Layout:
        return layout_for(self.size.width, self._chosen, is_open=self.opened is not None)

    def on_resize(self) -> None:
        """The room has changed; what is open stays open."""
        self._arrange()

    def _arrange(self) -> None:
        layout = self._layout
        # Each change of a class styles the whole screen anew.
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
            self.control.binding,
            self.look,
            self._now,
            width,
            is_demo=self._is_demo,
        )

    def _bottom_line(self, width: int) -> Line:
        # A line of the narrow list has no room for the ID.
        row = self.list.cursor_row
        is_hidden = self._layout is Layout.LIST and not self.list.columns.id
        hint = str(row.key.id) if row and is_hidden else ""
        health = self.snapshot.health
        return bottom_line(health, width, unseen=self.unseen, hint=hint, flags=self._flags)

    def show_flags(self, flags: Sequence[str]) -> None:
        """Words for what is not as it is by default."""
        self._flags = tuple(flags)
        self.bottom.update_lines()

    def _hints(self, width: int) -> Line:
        return hints(width, self._keymap, has_way_back=self._layout is Layout.DETAIL)

    def _empty_lines(self, width: int) -> tuple[Line, ...]:
        trouble = self.snapshot.health.trouble
        is_open = self.opened is not None
        return nothing_watched(trouble, self.look, self._now, width, is_open=is_open)

    @on(WatchedList.Moved)
    def _cursor_moved(self) -> None:
        self.bottom.update_lines()

    @on(WatchedList.Opened)
    def _row_opened(self, event: WatchedList.Opened) -> None:
        self.open(event.key, take_keys=False)

    @on(IdBox.Submitted)
    def _ids_entered(self, event: IdBox.Submitted) -> None:
        keys = [InstanceKey(self.control.binding, i) for i in event.ids]
        if len(keys) > 1:
            self.control.watch(keys)
        self.open(keys[0], take_keys=True)
        self._box_left()

    @on(IdBox.Left)
    @on(FilterBox.Left)
    def _box_left(self) -> None:
        # It was cleared: what stands there was typed behind Enter or Esc.
        if not self.id_box.text:
            self.set_focus(self.list)

    @on(FilterBox.Changed)
    def _filter_changed(self, event: FilterBox.Changed) -> None:
        self.list.set_order(query=event.text, sort=self.list.sort)
        self.set_class(bool(event.text), "-filtered")
        self.heading.update_lines()

    @on(FilterBox.Closed)
    def _line_is_free(self) -> None:
        self.id_box.display = True

    def on_paste(self, event: events.Paste) -> None:
        """A paste from anywhere is for the ID box."""
        event.stop()
        self.id_box.paste(event.text)
