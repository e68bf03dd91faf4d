"""What a person can ask for, as actions. Knows the watcher only as a contract."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from wfinspect.ui.arrangement import Layout
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.order import SORTS
from wfinspect.ui.screens.panes import PanesScreen
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.watching.snapshot import Contact, Row

INTERVALS = (2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds; ``+`` and ``-`` go through these."""


class MainScreen(PanesScreen):
    """The panes with their keys."""

    BINDINGS: ClassVar[list[BindingType]] = [c.binding() for c in COMMANDS if not c.is_app]

    @property
    def target(self) -> Row | None:
        """What a command is about: the row under the cursor, or what is on display."""
        if self.opened is None or (self.list.has_focus and self._layout is not Layout.DETAIL):
            return self.list.cursor_row
        return self.displayed

    def needed(self) -> Row | None:
        """What a command is about that can do nothing without it, which is said."""
        row = self.target
        if row is None:
            self.tell("Open an instance first: type its ID.")
        return row

    @property
    def exported(self) -> tuple[Row, ...]:
        """What an export is of: the list where that has the keys, else what is on display."""
        row = self.displayed
        return self.list.rows if self.list.has_focus or row is None else (row,)

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
            self.filter.clear()

    def action_filter(self) -> None:
        """Narrow the list."""
        if self._layout is Layout.DETAIL:
            self.close()
        self.id_box.display = False
        self.filter.take_keys()

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
        """Take a row off the list."""
        row = self.needed()
        if row is not None and row.is_watched:
            self._unwatch([row])
        elif row is not None:
            self.tell(f"{row.key.id} is not watched.")

    def action_remove_settled(self) -> None:
        """Take every settled row off the list, but those with an unseen change."""
        settled = [
            row
            for row in self.list.rows
            if row.instance and row.instance.is_settled and row.is_live and not row.is_unseen
        ]
        if settled:
            self._unwatch(settled)
        else:
            self.tell("Nothing is settled and seen.")

    def _unwatch(self, rows: Sequence[Row]) -> None:
        self.control.unwatch([row.key for row in rows])
        what = str(rows[0].key.id) if len(rows) == 1 else f"{len(rows)} instances"
        self.tell(f"{what} taken off the list, u brings back")

    def action_undo(self) -> None:
        """Bring back what was taken off last."""
        self.control.restore()

    def action_next_unseen(self) -> None:
        """Open the next unseen change."""
        row = self.list.next_unseen()
        if row is None:
            self.tell("No unseen changes.")
            return
        self.list.go_to(row.key)
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
        """Ask less or more often."""
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
        self.next_layout()

    def action_turn(self, step: int) -> None:
        """The next or previous tab."""
        self.detail.turn(step)

    async def action_history(self) -> None:
        """The history of what is open; where that is in view already, the log over all."""
        if self.opened is not None and self._layout is Layout.LIST:
            self.show_detail()
        if self.opened is None or not self.detail.show_history():
            await self.run_action("app.log")

    def action_next_pane(self) -> None:
        """Give the keys to the next pane."""
        self.focus_next(".pane")

    def action_previous_pane(self) -> None:
        """Give the keys to the previous pane."""
        self.focus_previous(".pane")

    def tell(self, text: str) -> None:
        """Say something that matters only now."""
        self.notify(text, markup=False, timeout=4)
