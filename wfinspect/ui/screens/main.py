"""The main screen: status lines, ID box, watched list and detail, with their keys."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from math import inf
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.clock import Clock
from wfinspect.errors import NotFound, ServiceError
from wfinspect.format import listed, shown
from wfinspect.model import (
    MAY_BE_OF_TASK,
    Family,
    InstanceId,
    InstanceKey,
    OperationLog,
    Page,
    Target,
    TaskInstance,
)
from wfinspect.search import values_in
from wfinspect.ui.files import Preferences
from wfinspect.ui.instance_text import bottom_line, nothing_watched, top_line
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import MARGIN, Line, Role, crop, hint_line, line, spread
from wfinspect.ui.painting import SparingScreen
from wfinspect.ui.rows import ID_FROM_CELLS, SORTS, sort_words, whose
from wfinspect.ui.screens.dialogs import OverMain
from wfinspect.ui.tasks_text import touched
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.boxes import (
    FilterBox,
    IdBox,
    MessageLine,
    Messages,
    StatusLine,
    command_hints,
    helpful_commands,
)
from wfinspect.ui.widgets.line_view import LineView, attach
from wfinspect.ui.widgets.panes import Detail, WatchedList
from wfinspect.watching.api import (
    Contact,
    OperationsOf,
    Outcome,
    Row,
    Rows,
    Snapshot,
    TaskOf,
    TasksOf,
)
from wfinspect.watching.poller import Poller

if TYPE_CHECKING:
    from textual.timer import Timer

WIDE_CELLS = 100
"""From here list and detail are side by side."""
ROOMY_CELLS = 80
"""From here a detail that was opened is beside the list until it is closed; below it covers the list."""
_ONE_TEXT = (100, 28)
"""From this size of the screen the detail is one text; below it has tabs."""


class Layout(StrEnum):
    """What is in view."""

    LIST = "list"
    SPLIT = "split"
    DETAIL = "detail"


def layout_for(width: int, *, in_detail: bool, is_open: bool, is_zoomed: bool) -> Layout:
    """Return what to show at a width.

    Args:
        width: cells.
        in_detail: whether the detail has the keys.
        is_open: whether it was opened and not closed since.
        is_zoomed: whether the pane that has the keys is shown alone.
    """
    if not is_zoomed and width >= (ROOMY_CELLS if is_open else WIDE_CELLS):
        return Layout.SPLIT
    return Layout.DETAIL if in_detail else Layout.LIST


class _Aside(NamedTuple):
    """Views that gave way to an instance chosen in them, or to the ID box."""

    key: InstanceKey | None
    """None while the box has not been left."""
    views: Sequence[OverMain]
    before: Row | None
    """The row under the cursor until then."""
    was_in_detail: bool
    was_open: bool


class _PutOff(NamedTuple):
    """What a key does once more is known of the row under the cursor; dropped at the next key, or on another row."""

    key: InstanceKey
    is_due: Callable[[Row], bool]
    act: Callable[[], object]
    said: str


_LOOK_SECONDS = 1.0
"""So long the cursor is on a row before the next key says that its change was seen."""
ORDER_SECONDS = 5.0
"""So long after a key no row moves: the next key is about what was looked at."""
_SHOWN_TASKS = 20_000
_NAMED = 3
CALLS_AT_ONCE = 3
"""Calls; of more the cost is shown before they are made."""
MINUTE_SECONDS = 60.0
BRIEF_SECONDS = 4
"""For a message that may be untrue soon."""
INTERVALS = (2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds; ``+`` and ``-`` go through these."""


class MainScreen(SparingScreen[None]):
    """Shares the room out among list and detail, and runs the commands of the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [c.binding() for c in COMMANDS if not c.is_app]

    AUTO_FOCUS = "#watched"
    # Textual repaints the whole screen when the keys go elsewhere; the widgets concerned do it alone.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (10, "-short"), (30, "-tall")]  # noqa: RUF012 - declared so by Textual

    _order_said = ""
    _put_off: _PutOff | None = None
    _entered: Sequence[InstanceKey] = ()
    """The IDs that were entered, until the next key: the cursor goes to the first that is known."""
    _history_of: InstanceKey | None = None
    """The row under the cursor, once its history has been looked at."""
    added: InstanceKey | None = None
    """What was put on the list last; it may be off it again."""

    def __init__(
        self,
        control: Poller,
        clock: Clock,
        look: Look,
        *,
        keymap: Mapping[str, str],
        preferences: Preferences,
    ) -> None:
        super().__init__()
        self.preferences = preferences
        self.control, self.clock, self.look = control, clock, look
        self._keymap = keymap
        self.snapshot = control.snapshot
        self._now = clock.now()
        self._flags: tuple[str, ...] = ()
        self._in_detail = self._is_open = self.is_zoomed = self._is_led = False
        self._arranged_for = Size()
        self.rest_seconds = 1.0
        """So long the cursor rests on a row before that is on display."""
        self._rest: Timer | None = None
        self._sorting: Timer | None = None
        self._displayed: InstanceKey | None = None
        self._painted: tuple[InstanceKey, object] | None = None
        """The unseen change that the last frame showed with its detail, tasks, log or comparison."""
        self._noticed: tuple[InstanceKey, object] | None = None
        """What is seen if the cursor rests there: a key was pressed, which may have led away."""
        self._visited: list[InstanceKey] = []
        """Where "next unseen" went, one by one."""
        self._awaited: dict[InstanceKey, Row | None] = {}
        """Rows put on the list, taken off, or watched otherwise, until the poller does so too."""
        self._came_from: InstanceKey | None = None
        """Where the cursor goes from a row that is not watched, once that is dropped."""
        self._removed_here: set[InstanceKey] = set()
        """What the cursor was on when it was removed, to which it returns once that is restored."""
        self._marks: dict[InstanceKey, set[InstanceKey]] = {}
        """What was marked of rows that were removed together, by the first of them."""
        self._aside: list[_Aside] = []
        """What Esc leads back to, as long as the cursor stays where it was led to; the latest last."""
        self._shown_tasks: dict[int, tuple[InstanceKey, str]] = {}
        """The instances and names of tasks that views have shown, by the tasks' IDs, the latest last."""
        self.operations: dict[OperationsOf, Outcome[tuple[OperationLog, ...]] | None] = {}
        """What is known of who acted on tasks; None for what is on its way."""
        self.last_key_at = self._moved_at = self._led_at = -inf
        """When the last key was pressed, when the cursor came to its row, and when last by itself, in monotonic seconds."""
        self._moved_to: InstanceKey | None = None
        self.top = StatusLine(self._top_line, id="top")
        self.hints = StatusLine(self._hints, id="hints")
        self.id_box = IdBox(look.prompt, self._ids_entered, self.hints.update_lines)
        self.filter = FilterBox(self._filter_left)
        self.filter.input.known = self.known
        self.list = WatchedList(look, self._now, self._empty_lines)
        sort = preferences.get("sort", SORTS[0])
        self.list.set_order(query="", sort=sort if sort in SORTS else SORTS[0])
        self.heading = StatusLine(self.list.heading, id="heading")
        self._body, self._left = Horizontal(id="body"), Vertical(id="list")
        self.detail = Detail(look, self._now, control.target)
        self.messages = Messages()
        self.bottom = MessageLine(self.messages, self._bottom_line, id="bottom")

    def compose(self) -> ComposeResult:
        # The classes that depend on the size, now: each would style the whole tree again later.
        tall = max(
            step for step in self.VERTICAL_BREAKPOINTS or () if step[0] <= self.app.size.height
        )
        self.add_class(f"-{self._layout}", tall[1], update=False)
        yield self.top
        yield self.id_box
        with self._body:
            with self._left:
                yield self.heading
                yield self.list
            if self._layout is not Layout.LIST:
                yield self.detail
        yield self.bottom
        yield self.hints

    def on_mount(self) -> None:
        # Ages are in minutes: one frame a minute moves them all, and nothing else ticks.
        self.set_interval(MINUTE_SECONDS, self.tick)
        self._arrange()

    def key_pressed(self) -> None:
        """Note that the user is there: the row under the cursor was seen, and is read more often soon."""
        self.last_key_at = self.clock.monotonic()
        self._entered = ()
        self._drop_put_off()
        self.control.touch()
        # As the poller has it by now: what it has changed since was not painted.
        known = self.control.snapshot.rows.get(self._painted[0]) if self._painted else None
        if known and known.is_unseen and (known.key, known.change_identity) == self._painted:
            # Passing over a row is not looking at it.
            if self.last_key_at - self._moved_at >= _LOOK_SECONDS:
                self.control.mark_seen([known.key])
            else:
                self._noticed = self._painted
        self._begin_rest()

    def _begin_rest(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(self.rest_seconds, self.rested)

    def rested(self) -> None:
        """Have the row under the cursor read more often."""
        row, self._rest = self.list.chosen, None
        if row and row.is_unseen and (row.key, row.change_identity) == self._noticed:
            self.control.mark_seen([row.key])
        if (row and row.key) != self._displayed:
            self._display(row.key if row else None)

    def _display(self, key: InstanceKey | None) -> None:
        self._displayed = key
        self.control.display(key)

    def tick(self) -> None:
        """Move the ages on, and those of readings: a new one that says the same pings for no frame."""
        snapshot = self.control.snapshot
        if all(family.is_settled for family in self.counts):
            # Nothing else moves then, and a count alone is worth no byte.
            snapshot = snapshot._replace(health=self.snapshot.health)
        self.show(snapshot)

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; whatever equals the former one sends nothing."""
        self.snapshot, self._now = snapshot, self.clock.now()
        if snapshot.intents_done >= self.control.intents:
            self._awaited = {}
        before = self.list.chosen
        self._fill()
        if before and before.instance is None and not self.rows.get(before.key):
            # It was put on the list, and the service does not know it.
            if known := next(filter(self.rows.get, self._entered), None):
                self._display(known)
            if known := known or self._came_from:
                if self._aside and self._aside[-1].key == before.key:
                    self._aside[-1] = self._aside[-1]._replace(key=known)
                self.list.select(known)
        put_off, row = self._put_off, self.list.chosen
        if put_off is not None and not self.is_active:
            self._drop_put_off()
        elif put_off is not None and row is not None and put_off.is_due(row):
            self._drop_put_off()
            put_off.act()

    @property
    def counts(self) -> Counter[Family]:
        """How many rows are in which family."""
        return self.list.table.counts

    @property
    def unseen(self) -> int:
        """How many rows have an unseen change."""
        return self.list.table.unseen

    def _fill(self, *, is_asked: bool = False) -> None:
        """Show the rows; where the user asked for what goes, the cursor does not move by itself."""
        self.id_box.recent = self.snapshot.recent_ids
        keeps_order = self.clock.monotonic() - self.last_key_at < ORDER_SECONDS
        troubles = self.snapshot.troubles
        self.list.follows = self.snapshot.follows
        before = self.list.chosen
        self.list.show_rows(self.rows, troubles, self._now, keeps_order=keeps_order)
        # Else it is in view without the keys as well.
        is_opened = self._in_detail and (self.is_zoomed or self.app.size.width < WIDE_CELLS)
        if before and is_opened and self.list.table.index(before.key) is None:
            # What was read has left the list: no other row is opened in its place.
            self._in_detail = self._is_open = False
        if self.list.cursor and self.last_key_at == -inf and not self._is_led:
            # No row was chosen yet: the cursor is on what needs the user most, once that was read. Then
            # the row may be looked at, and is left for a failure alone.
            top = self.list.items[0]
            is_new_failure = top.is_unseen and top.family is Family.FAILURE
            if before is None or not before.is_live or is_new_failure:
                self.list.move_to_end(is_top=True)
        if before and (row := self.list.chosen) and row.key != before.key and not is_asked:
            # Below another screen no one sees it, until that has gone.
            self._led_at = self.clock.monotonic() if self.is_active else inf
        self._show_chosen()
        self._update_status()
        self._sort_later()
        if self.is_mounted and not self.has_class(f"-{self._layout}"):
            self._arrange()

    def _sort_later(self) -> None:
        # No timer goes while each row is where it belongs.
        if self._sorting is None and self.list.is_order_due:
            left = self.last_key_at + ORDER_SECONDS - self.clock.monotonic()
            self._sorting = self.set_timer(max(0.1, left), self.sort_if_quiet)

    def sort_if_quiet(self) -> None:
        """Have rows take their places unless a key was pressed meanwhile; then wait again."""
        self._sorting = None
        self._fill()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _update_status(self) -> None:
        for status in (self.top, self.heading, self.bottom, self.hints):
            status.update_lines()

    @property
    def rows(self) -> Rows:
        """What is on the list, with what the poller is about to do."""
        rows = self.snapshot.rows
        return rows.updated(self._awaited) if self._awaited else rows

    def known(self, name: str, target: Target | None = None) -> list[str]:
        """Return the values that the list has of a field of a search, of one target or of all."""
        rows = (row for row in self.rows if target in {None, row.key.target})
        return values_in(name, (row.instance for row in rows if row.instance))

    def _await(self, rows: Mapping[InstanceKey, Row | None]) -> None:
        """Put rows on the list, or off it, ahead of the poller: the next key is about what is there then."""
        self._awaited |= rows
        self._fill(is_asked=True)

    def _show_chosen(self) -> None:
        """Show the row under the cursor, as far as the snapshot knows it."""
        row = self.list.chosen
        # Also where another row has come under the cursor by itself. At an end of the list a key leads
        # nowhere, and in a new order the row may be the same.
        if (row and row.key) != self._moved_to:
            self._moved_to = row.key if row else None
            self._moved_at, self._noticed = self.clock.monotonic(), None
        if self._put_off is not None and (row is None or row.key != self._put_off.key):
            self._drop_put_off()
        history = self.snapshot.history_of(row) if row is not None else ()
        if row is None or row.key != self._history_of:
            self._history_of = None
        elif len(wanted := touched(row)) == 1 and wanted[0][1] not in self.operations:
            self.request_operations([wanted[0][1]], self._show_operations)
        width, height = self.app.size
        has_tabs = width < _ONE_TEXT[0] or height < _ONE_TEXT[1]
        is_coming = self._rest is not None or (row and row.key) == self._displayed
        self.detail.tasks_wait = self.snapshot.health.tasks_wait or "not read yet" * (not is_coming)
        self.detail.follows = self.snapshot.follows
        self.detail.show_row(row, history, self.operations, self._now, has_tabs=has_tabs)
        self.call_after_refresh(self.note_painted)

    def note_painted(self) -> None:
        """Note which unseen change is in full on the screen, here or in a view."""
        row, on_top = self.list.chosen, self.app.screen
        if isinstance(on_top, OverMain):
            row = self.rows.get(on_top.subject) if on_top.subject else None
        elif self._layout is Layout.LIST:
            row = None
        self._painted = (row.key, row.change_identity) if row and row.is_unseen else None

    def look_up(
        self,
        key: InstanceKey,
        *,
        is_alone: bool = True,
        is_watched: bool = False,
    ) -> None:
        """Put the cursor on an instance; one that is not on the list joins it, in place of the one before.

        In a narrow screen this opens the detail, unless it is one of several. `is_watched` says that
        the poller was told to watch it. Views over this screen give way, and Esc leads back to them.
        """
        self.set_aside(key)
        self._put_cursor_on(key, is_watched=is_watched)
        if is_alone and self.app.size.width < WIDE_CELLS:
            self._give_keys(in_detail=True)

    def set_aside(self, key: InstanceKey | None) -> None:
        """Have views give way to an instance, or to the ID box; without any, drop those that did before."""
        if views := [view for view in self.app.screen_stack if isinstance(view, OverMain)]:
            for view in reversed(views):
                # Textual keeps those that are installed.
                self.app.install_screen(view, f"aside-{id(view)}")
                self.app.pop_screen()
            before = self.list.chosen, self._in_detail, self._is_open
            self._aside.append(_Aside(key, views, *before))
        elif self._aside and self._aside[-1].key is None:
            self._aside[-1] = self._aside[-1]._replace(key=key)
        else:
            self._drop_aside()

    def _put_cursor_on(self, key: InstanceKey, *, is_watched: bool) -> None:
        before = self.list.chosen
        if before is not None and before.is_watched:
            self._came_from = before.key
        if self.rows.get(key) is None:
            former = [row.key for row in self.rows if not row.is_watched]
            self._await(
                dict.fromkeys(former) | {key: Row(key, is_watched=is_watched, is_loading=True)}
            )
        self._display(key)
        self.select(key)

    def _drop_aside(self) -> None:
        for view in (view for each in self._aside for view in each.views):
            self.app.uninstall_screen(view)
            view.remove()
        self._aside = []

    @property
    def _way_back(self) -> _Aside | None:
        """What Esc leads back to from the row under the cursor."""
        row, last = self.list.chosen, self._aside[-1] if self._aside else None
        return last if last and last.key in {None, row and row.key} else None

    def select(self, key: InstanceKey) -> None:
        """Put the cursor on an instance of the list, which has it from then on."""
        self._is_led = True
        if (row := self.rows.get(key)) is not None and not row.is_watched:
            # What was looked up is shown for as long as the cursor is on it.
            self.list.table.hold({key})
        if not self.list.select(key):
            # The filter hides it.
            self.notify(f"Filter cleared: {shown(self.list.filter_text, limit=40)}")
            self.filter.input.value = ""
            self.list.set_order(query="", sort=self.list.sort)
            self.list.select(key)

    def go_back_to(self, key: InstanceKey) -> None:
        """Put the cursor on the first of restored rows if it was on that when they were removed, and mark what was."""
        if key in self._removed_here:
            self.select(key)
        self._mark(self.list.marked | self._marks.pop(key, set()))

    def _give_keys(self, *, in_detail: bool) -> None:
        """Give the keys to the detail, which opens it in a narrow screen, or to the list."""
        self._in_detail = in_detail and len(self.list.items) > 0
        self._arrange()
        # A slow link bunches keys: digits behind this one may be in the box already.
        if not self.id_box.input.value:
            self.set_focus(self.detail.text if self._in_detail else self.list)

    @on(events.DescendantFocus)
    def _keys_taken(self) -> None:
        # By a click or by Tab as well. Where keys come fast, this is of a pane that has them no more.
        if self.focused in {self.list, self.detail.text}:
            was_in_detail, self._in_detail = self._in_detail, self.focused is self.detail.text
            if self._in_detail is not was_in_detail:
                self._arrange()

    @property
    def _layout(self) -> Layout:
        if not self.rows or (self.list.filter_text and not len(self.list.items)):
            # There is nothing to be beside.
            return Layout.LIST
        return layout_for(
            self.app.size.width,
            in_detail=self._in_detail,
            is_open=self._is_open,
            is_zoomed=self.is_zoomed,
        )

    @property
    def _is_closable(self) -> bool:
        """Whether a detail is beside the list that Esc closes; in a wide screen it stays there."""
        return self._layout is Layout.SPLIT and self.app.size.width < WIDE_CELLS

    def on_click(self) -> None:
        """Leave the cursor to the user, as with a key."""
        self._is_led = True

    def on_resize(self, event: events.Resize) -> None:
        # It comes three times at the start, each with the size of the terminal.
        if event.size != self._arranged_for:
            self._arranged_for = event.size
            self._arrange()

    def on_screen_resume(self) -> None:
        """Note what is in view again once another screen has gone, and show what its calls cost."""
        if self.snapshot.health != self.control.snapshot.health:
            self.show(self.control.snapshot)
        self._led_at = self.clock.monotonic() if self._led_at == inf else self._led_at
        self.call_after_refresh(self.note_painted)

    def _arrange(self) -> None:
        self._is_open |= self._in_detail
        layout = self._layout
        if layout is Layout.LIST and self.focused is self.detail.text:
            # The last row has gone, or that of the detail.
            self._in_detail = False
            self.set_focus(self.list)
        if layout is not Layout.LIST and self._left.is_attached:
            attach(self.detail, self.detail.parts, self._body, self._left)
        before = self.classes
        self.remove_class(*(f"-{one}" for one in Layout if one is not layout), update=False)
        self.add_class(f"-{layout}", update=False)
        # Once for both; before there is anything to style, not at all.
        if self.is_mounted and self.classes != before:
            self.update_node_styles()
        self.list.set_sidebar(is_sidebar=layout is Layout.SPLIT)
        self._fill()

    def _top_line(self, width: int) -> Line:
        target, look, now = self.control.target, self.look, self._now
        return top_line(self.snapshot, self.counts, target, look, now, width)

    def _bottom_line(self, width: int) -> Line:
        if self.filter.input.has_keys:
            return line(*crop(((MARGIN + self.filter.input.help, Role.DIM),), width))
        # A line of the narrow list has no room for the ID.
        row = self.list.chosen
        is_hidden = self._layout is Layout.LIST and self.list.text_width < ID_FROM_CELLS
        hint = str(row.key.id) if row and is_hidden else ""
        health = self.snapshot.health
        followed = len(self.snapshot.follows)
        flags = [*self._flags, *[f"{followed} followed"] * bool(followed)]
        pane: LineView = self.detail.text if self._in_detail else self.list
        # Below the detail: where the list is all in view, it is what the words are about.
        beyond = pane.beyond or self.detail.text.beyond * (self._layout is Layout.SPLIT)
        beyond = f"{beyond} " if 0 < len(beyond) < width else ""
        room = width - len(beyond)
        news = Role.FAILURE if self.list.table.unseen_failures else Role.STRONG
        said = bottom_line(
            health,
            room,
            unseen=self.unseen,
            news=news,
            hint=hint,
            filter_text=self.list.filter_text,
            has_left=self.list.has_left,
            flags=flags,
        )
        return line(*spread(said.spans, ((beyond, Role.DIM),), width))

    def show_flags(self, flags: Sequence[str]) -> None:
        """Show words for what is not as it is by default."""
        self._flags = tuple(flags)
        self.bottom.update_lines()

    def _hints(self, width: int) -> Line:
        if self.filter.input.has_keys:
            # Enter keeps none that can't be read.
            return hint_line(FilterBox.KEYS[bool(self.list.problem) :], width)
        if self.id_box.input.has_keys:
            return command_hints(width, self._keymap, {}, self.id_box.keys)
        commands = helpful_commands(
            self.list.chosen,
            self.marked,
            unseen=self.unseen,
            total=self.list.table.total,
            in_detail=self._in_detail,
            is_closable=self._is_closable,
            has_panes=self._layout is Layout.SPLIT or self.is_zoomed,
        )
        if self._way_back is not None and not self.marked:
            commands["back"] = self._way_back.views[-1].NAME
        elif self.list.filter_text:
            commands.setdefault("back", "clear")
        return command_hints(width, self._keymap, commands)

    def _empty_lines(self, width: int) -> tuple[Line, ...]:
        return nothing_watched(self.snapshot.health.trouble, self.snapshot.follows, width)

    @on(LineView.Scrolled)
    def _scrolled(self) -> None:
        self.bottom.update_lines()

    @on(LineView.Moved)
    def _cursor_moved(self) -> None:
        if self._way_back is None:
            self._drop_aside()
        if (row := self.list.chosen) is not None and row.key != self._displayed:
            # It has left the row that it was led to.
            self._came_from = None
        self._begin_rest()
        self._show_chosen()
        self._update_status()
        self._sort_later()

    def _ids_entered(self, ids: Sequence[InstanceId]) -> None:
        if not ids and (way_back := self._way_back) is not None and way_back.key is None:
            self._return_to(way_back)
            return
        tasks, target = self._known_tasks(ids), self.control.target
        runs = [tasks[each][0] if each in tasks else InstanceKey(target, each) for each in ids]
        keys = list(dict.fromkeys(runs))
        if len(keys) > 1:
            self.control.watch(keys)
            known = [row for row in map(self.rows.get, keys) if row and row.is_watched]
            if len(known) == len(keys):
                self.start_watching(known)
        if keys:
            self.look_up(keys[0], is_alone=len(keys) == 1, is_watched=len(keys) > 1)
            self._entered = keys
            if keys[0].id == keys[-1].id >= MAY_BE_OF_TASK:
                take = partial(self.call_later, self._task_found, keys)
                self.control.submit(TaskOf(target, keys[0].id), take)
        if tasks:
            its, of = ("its", "") if len(keys) == 1 else ("the", " of {}")
            said = [
                f"{each} is {its} task {shown(name, limit=60)}{of.format(key.id)}"
                for each, (key, name) in tasks.items()
            ]
            shows = "" if of else f": t shows {'it' if len(tasks) == 1 else 'them'}"
            self.notify(f"{listed(said, _NAMED)}{shows}.")
        # Later, so that a digit typed behind it is seen: a slow link bunches keys.
        self.id_box.call_later(self._box_left)

    def _task_found(self, entered: list[InstanceKey], outcome: Outcome[TaskInstance]) -> None:
        """Look up the instance of a task of which the ID was entered, unless a key came since."""
        if not isinstance(outcome, ServiceError):
            self.note_tasks(entered[0].target, [outcome.value])
            if self._entered is entered and self._known_tasks([entered[0].id]):
                self._ids_entered([entered[0].id])

    def note_tasks(self, target: Target, tasks: Iterable[TaskInstance]) -> None:
        """Note the tasks that a view shows: the ID of one may be entered."""
        self._shown_tasks |= {
            task.id: (InstanceKey(target, InstanceId(task.workflow_instance_id)), task.name_or_id)
            for task in tasks
            if task.workflow_instance_id
        }
        for oldest in [*self._shown_tasks][:-_SHOWN_TASKS]:
            del self._shown_tasks[oldest]

    def _known_tasks(self, ids: Sequence[InstanceId]) -> dict[int, tuple[InstanceKey, str]]:
        """Return which of some IDs are those of tasks, with their instances and names, without a call."""
        if max(ids, default=0) < MAY_BE_OF_TASK:
            return {}
        known = dict(self._shown_tasks)
        for row in self.rows:
            tasks = *row.outlook.foremost, *row.outlook.touched, *row.failed
            known |= {task.id: (row.key, task.name_or_id) for task in tasks}
        return {each: known[each] for each in ids if each in known}

    @on(Input.Changed, "#filter Input")
    def _filter_changed(self) -> None:
        query = self.filter.input.value.strip()
        self.list.set_order(query=query, sort=self.list.sort, is_typed=self.filter.input.has_keys)
        self.set_class(bool(query), "-filtered")
        self._arrange()

    def _filter_left(self, is_taken: bool) -> None:  # noqa: FBT001 - of a callback
        before, key = self.list.before_filter
        if not is_taken:
            self.filter.input.value = before
        # The keys behind this one are about what is filtered.
        self._filter_changed()
        if is_taken and self.list.problem:
            return  # it is said: what was shown before is to be had by Esc
        if not is_taken:
            self.list.select(key)
        self._box_left()

    def _box_left(self) -> None:
        if self.id_box.input.value:
            # It was cleared: what stands there was typed behind Enter or Esc.
            self.id_box.take_keys()
        else:
            self._give_keys(in_detail=self._in_detail)

    @on(events.DescendantBlur, "#filter Input")
    def _filter_closed(self) -> None:
        # Wherever the keys have gone, the line is free again.
        self.filter.display = False
        self.id_box.display = True

    def say_if_useless(self, key: events.Key) -> None:
        """Say so where a key does nothing on the screen that is on top."""
        name = "Space" if key.key == "space" else key.character if key.is_printable else ""
        if name and key.key not in self.app.screen.active_bindings:
            self.notify(f"{name} does nothing here, ? shows the keys.")

    def needed(self) -> Row | None:
        """Return the row under the cursor, which every command is about; notify where there is none.

        Nor is there one where another row has just come under the cursor by itself: the key was
        pressed for the row before.
        """
        row, why_not = self.list.chosen, ""
        if row is None:
            why_not = "Look up an instance first: type its ID."
            if self.list.filter_text and self.rows:
                why_not = "No row matches: Esc clears the filter."
        elif self.last_key_at - self._led_at < _LOOK_SECONDS:
            why_not = f"The cursor has just moved to {whose([row])}: press it again."
        if why_not:
            self.notify(why_not, timeout=BRIEF_SECONDS)
        return None if why_not else row

    @property
    def marked(self) -> Sequence[Row]:
        """The marked rows that are on the list; none while the keys are in the detail, which is of one row."""
        keys = () if self._in_detail else self.list.marked
        return [row for row in self.list.items if row.key in keys] if keys else []

    def _marked_or_needed(self) -> Sequence[Row]:
        return self.marked or [row for row in (self.needed(),) if row is not None]

    def action_mark(self) -> None:
        """Mark what is under the cursor, or remove its mark."""
        # The cursor stays: the next key is about what is looked at.
        if (row := self.needed()) is not None:
            self._mark(self.list.marked ^ {row.key})
            if self._in_detail:
                self.notify(
                    "The keys of the list act on what is marked: Esc.", timeout=BRIEF_SECONDS
                )

    def _mark(self, keys: set[InstanceKey]) -> None:
        self.list.mark(keys)
        self._update_status()

    def action_move(self, where: str) -> None:
        """Move in the pane that has the keys, else in the list."""
        focused = self.focused
        (focused if isinstance(focused, LineView) else self.list).move(where)

    def action_open_row(self) -> None:
        """Give the keys to the detail."""
        if (row := self.needed()) is not None:
            self._give_keys(in_detail=True)
            self._display(row.key)

    def action_back(self) -> None:
        """One step back: the detail goes, then in the list the marks, what was looked up, the filter."""
        row = self.list.chosen
        if self.marked:
            self._mark(set())
        elif self._way_back is not None:
            self._return_to(self._way_back)
        elif self._in_detail or self._is_closable:
            self._is_open = False
            self._give_keys(in_detail=False)
        elif row is not None and not row.is_watched:
            self._take_off([row])
        else:
            self.filter.input.value = ""

    def _return_to(self, aside: _Aside) -> None:
        """Have the cursor where it was before a row was opened from views, and them over it again."""
        self._aside.remove(aside)
        row, before = aside.key and self.rows.get(aside.key), aside.before
        if row is not None and not row.is_watched:
            self._take_off([row])
        if before is not None:
            self._put_cursor_on(before.key, is_watched=before.is_watched)
        self._is_open = aside.was_open
        self._give_keys(in_detail=aside.was_in_detail)
        for view in aside.views:
            self.app.uninstall_screen(view)
            self.app.push_screen(view)

    def action_filter(self) -> None:
        """Narrow the list."""
        self._give_keys(in_detail=False)
        self.list.begin_filter()
        attach(self.filter, self.filter.parts, self, self.id_box)
        self.id_box.display = False
        self.filter.display = True
        self.filter.input.take_keys()

    def action_sort(self) -> None:
        """The next order of the list."""
        sort = SORTS[(SORTS.index(self.list.sort) + 1) % len(SORTS)]
        self.list.set_order(query=self.list.filter_text, sort=sort)
        self.heading.update_lines()
        self.preferences.set("sort", sort)
        self.say_order(sort)

    def say_order(self, sort: str) -> None:
        """Say by what a list is sorted now; a title may have no room for it, and orders look alike."""
        # Of keys that a slow link bunches the last one alone counts.
        self.messages.forget(self._order_said)
        self._order_said = f"Sorted {', '.join(sort_words(sort))}."
        self.notify(self._order_said)

    def action_watch(self) -> None:
        """Watch or unwatch it; one that is not watched any more stays in its place.

        What is marked is watched; where all of it is, it is removed.
        """
        rows = self._marked_or_needed()
        if self.marked:
            self.watch_or_remove(rows)
            self._mark(set())
        elif rows and (row := rows[0]).is_watched:
            self._came_from = None
            self._displayed = row.key
            self._removed_here.add(row.key)
            self.control.unwatch([row.key], stays=True)
            self._await({row.key: row._replace(is_watched=False)})
            self.notify(f"Unwatched {whose(rows)}, u restores")
        elif rows:
            self.start_watching(rows)

    def watch_or_remove(self, rows: Sequence[Row]) -> None:
        """Put rows on the list; where all of them are on it, remove them."""
        is_watched = all(row.is_watched for row in rows)
        (self.stop_watching if is_watched else self.start_watching)(rows)

    def start_watching(self, rows: Sequence[Row], how: str = "") -> None:
        """Put rows on the list, some of which may be on it, and say so."""
        new = [row for row in rows if not row.is_watched]
        if not new:
            self.notify(f"On the list already: {whose(rows)}")
            return
        self.control.watch([row.key for row in new])
        self._await({row.key: row._replace(is_watched=True) for row in new})
        self.added = new[0].key
        others = len(rows) - len(new)
        before = f", {others} {'was' if others == 1 else 'were'} on it" if others else ""
        # Of what the service does not know the poller says that it is not watched.
        unknown = NotFound.default_cause
        if added := [each for each in new if not each.trouble or each.trouble.cause != unknown]:
            self.notify(f"Added {whose(added)} to the list{before}{how}")

    def action_remove(self) -> None:
        """Remove rows from the list."""
        if rows := self._marked_or_needed():
            self.stop_watching(rows)

    def action_remove_settled(self) -> None:
        """Remove every settled row, but those with an unseen change."""
        settled = [
            row
            for row in self.list.items
            if row.is_watched and row.is_live and row.instance and row.instance.is_settled
        ]
        seen = [row for row in settled if not row.is_unseen]
        if seen:
            unseen = len(settled) - len(seen)
            how = f", {unseen} unseen {'stays' if unseen == 1 else 'stay'}" if unseen else ""
            self.stop_watching(seen, how)
        else:
            self.notify("No instance to remove has ended: unseen ones stay.", timeout=BRIEF_SECONDS)

    def stop_watching(self, rows: Sequence[Row], how: str = "") -> None:
        """Take rows off the list, and say whose."""
        self._take_off(rows)
        watched = [row for row in rows if row.is_watched]
        # Of what was only looked up nothing is kept.
        if watched:
            self.notify(f"Removed {whose(watched)}{how}, u restores")
        else:
            self.notify(f"Closed {whose(rows)}: it was not watched")

    def _take_off(self, rows: Sequence[Row]) -> None:
        # What the cursor is on comes first: once they are restored, the notice has the key of the first.
        chosen = self.list.chosen
        keys = sorted((row.key for row in rows), key=lambda key: not chosen or key != chosen.key)
        self._removed_here -= set(keys)
        if chosen and chosen.key in keys[:1]:
            self._removed_here.add(chosen.key)
        self.control.unwatch(keys)
        self._marks[keys[0]] = self.list.marked & set(keys)
        self.list.marked -= set(keys)
        self._await(dict.fromkeys(keys))
        if chosen and chosen in rows and not chosen.is_watched and self._came_from:
            self.list.select(self._came_from)
        self._begin_rest()

    def action_undo(self) -> None:
        """Undo the last edit of the list, then the one before that."""
        rows = self.snapshot.rows
        # What was looked up is awaited still.
        lookups = {k: row for k, row in self._awaited.items() if row and not row.is_watched}
        self._awaited = {k: row for k, row in lookups.items() if not rows.get(k)}
        self.control.undo()

    def action_next_unseen(self) -> None:
        """Go to the most urgent unseen change, then to the others one by one."""
        chosen = self.list.chosen
        if chosen is None or chosen.key not in self._visited[-1:]:
            # The cursor was moved since, so it begins with the most urgent.
            self._visited = []
        here = {chosen.key} if chosen else set()
        row = self.list.table.most_urgent_unseen({*self._visited, *here})
        if row is None:
            self._visited = []
            row = self.list.table.most_urgent_unseen(here)
        if row is None:
            other = "other " if chosen and chosen.is_unseen and not self._painted else ""
            self.notify(f"No {other}unseen changes.", timeout=BRIEF_SECONDS)
            return
        self._visited.append(row.key)
        self.select(row.key)

    def action_seen(self) -> None:
        """Mark rows as seen."""
        rows = self._marked_or_needed()
        if any(row.is_unseen for row in rows):
            self.control.mark_seen([row.key for row in rows], is_undoable=True)
        elif rows:
            self.notify("Nothing is unseen here.", timeout=BRIEF_SECONDS)

    def action_all_seen(self) -> None:
        """Mark all rows as seen."""
        if self.unseen:
            self.control.mark_seen(is_undoable=True)
            self.notify(f"{self.unseen} marked as seen, u undoes it, L shows all changes.")
        else:
            self.notify("No unseen changes.", timeout=BRIEF_SECONDS)

    def action_refresh_one(self) -> None:
        """Read instances now, and say so: where nothing has changed there is nothing else to see."""
        if rows := self._marked_or_needed():
            for row in rows:
                self.control.refresh(row.key)
            self.notify(f"Reading {whose(rows)}", timeout=BRIEF_SECONDS)

    def action_refresh_all(self) -> None:
        """Read all instances now."""
        self.control.refresh()
        self.notify("Reading all instances", timeout=BRIEF_SECONDS)

    def action_interval(self, step: int) -> None:
        """Poll less or more often."""
        now = self.snapshot.health.interval_seconds
        # The one that is set may be longer than all of these.
        if others := [each for each in INTERVALS if (each - now) * step > 0]:
            self.control.set_interval(min(others, key=lambda each: abs(each - now)))

    def action_pause(self) -> None:
        """Stop or resume polling."""
        self.control.set_paused(paused=self.snapshot.health.contact is not Contact.PAUSED)

    def action_layout(self) -> None:
        """Show the pane that has the keys alone, or both again."""
        if self._layout is Layout.SPLIT or self.is_zoomed:
            self.is_zoomed = not self.is_zoomed
            self._arrange()
        elif self.needed() is not None:
            has_room = self.app.size.width >= ROOMY_CELLS
            said = "Open the detail first: Enter." if has_room else "There is no room for both."
            self.notify(said, timeout=BRIEF_SECONDS)

    def action_turn(self, step: int) -> None:
        """The next or previous part of the detail."""
        if self._layout is Layout.LIST:
            self.notify("Open the detail first: Enter.", timeout=BRIEF_SECONDS)
        elif self.is_read(self.needed(), partial(self.action_turn, step)):
            self.detail.turn(step)

    def is_read(self, row: Row | None, then: Callable[[], object]) -> bool:
        """Return whether a row has been read; where that is on its way, `then` follows once it is."""
        if row is None or row.instance is not None:
            return row is not None
        chosen, contact = self.list.chosen, self.snapshot.health.contact
        is_coming = row.trouble is None and contact is not Contact.PAUSED
        if is_coming and chosen and chosen.key == row.key and self.is_active:
            self._put_off_until(lambda row: bool(row.instance or row.trouble), then, "Reading it")
        else:
            why = f": {row.trouble.cause}" if row.trouble else " yet"
            self.notify(f"It has not been read{why}.", timeout=BRIEF_SECONDS)
        return False

    def _put_off_until(
        self, is_due: Callable[[Row], bool], act: Callable[[], object], what: str
    ) -> None:
        """Have a key act later on the row under the cursor, and say what comes before that."""
        if row := self.list.chosen:
            self._put_off = _PutOff(row.key, is_due, act, f"{what} first, any key stops that.")
            self.notify(self._put_off.said)

    def _drop_put_off(self) -> None:
        if self._put_off is not None:
            self.messages.forget(self._put_off.said)
            self._put_off = None
            self.bottom.update_lines()

    def action_history(self) -> None:
        """Show the history of the row under the cursor."""
        row = self.needed()
        if row is not None and self.is_read(row, self.action_history):
            self._give_keys(in_detail=True)
            self.detail.show_history()
            self._history_of = row.key
            self._show_chosen()

    def action_operations(self) -> None:
        """Show who acted on the tasks of the row under the cursor; where that is dear, at first what it costs."""
        row = self.needed()
        if row is None or not self.is_read(row, self.action_operations):
            return
        if row.outlook.is_progress_live:
            self._read_operations(is_cost_known=row.key == self._history_of)
            return
        self.action_history()
        act = partial(self._read_operations, is_cost_known=False)
        self._put_off_until(lambda row: row.outlook.is_progress_live, act, "Reading its tasks")
        self.control.submit(
            TasksOf(row.key), partial(self.call_later, self._tasks_read, self._put_off)
        )

    def _tasks_read(self, put_off: _PutOff, outcome: Outcome[Page[TaskInstance]]) -> None:
        """Say why what waits for tasks is not done; else a snapshot with them is on its way."""
        if put_off is not self._put_off:
            return
        if isinstance(outcome, ServiceError):
            self._drop_put_off()
            self.notify(f"Its tasks were not read: {outcome}", severity="error")
        elif not (outcome.value.items and outcome.value.is_last):
            self._drop_put_off()
            self.notify(
                "Its tasks are not all known, t shows them."
                if outcome.value.items
                else "It has no tasks."
            )

    def _read_operations(self, *, is_cost_known: bool) -> None:
        self.action_history()
        row = self.list.chosen
        wanted = [request for _, request in touched(row)] if row else []
        if not wanted:
            self.notify("No task failed or was rerun.", timeout=BRIEF_SECONDS)
        elif is_cost_known or len(wanted) <= CALLS_AT_ONCE:
            self.request_operations(wanted, self._show_operations)
            self._show_operations()
        else:
            # What stands in the history may have been in view before the key.
            self.notify(f"It takes {len(wanted)} calls: o once more makes them.")

    def _show_operations(self) -> None:
        is_at_end = self.detail.is_at_end
        self._show_chosen()
        if is_at_end:
            # They stand at the end, which has moved.
            self.call_after_refresh(self.detail.show_history)

    def request_operations(
        self, wanted: Iterable[OperationsOf], then: Callable[[], object]
    ) -> None:
        """Request who acted on tasks, but for what is on its way; `then` shows what comes."""

        def take(request: OperationsOf, outcome: Outcome[tuple[OperationLog, ...]]) -> None:
            self.operations[request] = outcome
            then()

        for request in wanted:
            if request not in self.operations or self.operations[request] is not None:
                self.operations[request] = None
                self.control.submit(request, partial(self.call_later, take, request))

    def action_next_pane(self) -> None:
        """Give the keys to the other pane, which may have to be opened."""
        if self._in_detail:
            self._give_keys(in_detail=False)
        else:
            self.action_open_row()
