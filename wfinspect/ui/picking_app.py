"""What leaves the app through a list to pick from: the log, fields to copy, exports."""

from collections.abc import Callable, Sequence
from typing import Any

from wfinspect.format import shown
from wfinspect.instance import Transition
from wfinspect.ui import history_text
from wfinspect.ui.choice import Choice, Plain
from wfinspect.ui.export import Exports, fields
from wfinspect.ui.lines import Role, pad
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.telling_app import TellingApp
from wfinspect.watching.snapshot import Row


class PickingApp(TellingApp):
    """Offers lists over the main screen, and does what was picked."""

    main: MainScreen
    exports: Exports

    @property
    def has_main_screen(self) -> bool:
        """Whether nothing lies over the main screen."""
        return bool(self.screen_stack) and self.screen is self.main

    def action_log(self) -> None:
        """All changes, newest first; Enter opens the instance."""
        if not self.main.snapshot.transitions:
            self.tell("No change was seen yet.")
            return
        hint = "newest first; letters narrow it, Enter opens the instance"
        self.pick(self._events, self._open_chosen, "log of all changes", hint=hint)

    def _events(self) -> tuple[Choice, ...]:
        look, now = self.main.look, self._clock.now()
        # Of what one reading brought to light, the service may know when each happened.
        changes = sorted(self.main.snapshot.transitions, key=lambda change: change.at, reverse=True)
        return tuple(
            Choice(change, left, right, f"{change.name} {change.key.id} {change.to_status}")
            for change in changes
            for left, right in (history_text.event(change, look, now),)
        )

    def _open_chosen(self, change: Transition | None) -> None:
        if change is not None:
            self.main.open(change.key, take_keys=False)

    def pick(
        self,
        make: Callable[[], Sequence[Choice]],
        answer: Callable[[Any], Any],
        prompt: str,
        **options: Any,  # noqa: ANN401 - those of the screen
    ) -> None:
        """Offer what `make` gives; `answer` gets the value picked, None for none."""
        if self.has_main_screen:
            # Imported when asked for, like the views: the first paint does not wait for it.
            from wfinspect.ui.screens.picker import PickScreen

            self.push_screen(PickScreen(make, prompt, **options), answer)

    def renew_screen(self) -> None:
        """Have what lies over the main screen show what there is now."""
        if self.screen_stack and not self.has_main_screen:
            # Loaded by now: each of these screens is one.
            from wfinspect.ui.screens.dialogs import SafeDismiss

            if isinstance(self.screen, SafeDismiss):
                self.screen.renew()

    def action_copy_id(self) -> None:
        """Copy the ID of what is on display or under the cursor."""
        if (row := self.main.needed()) is not None:
            self.tell(f"{row.key.id}: {self.copy(str(row.key.id))}")

    def action_copy_field(self) -> None:
        """Pick a field; Enter copies the whole of it, Tab prints it to be selected."""
        row = self.main.needed()
        if row is None:
            return
        labels = tuple(
            Choice(
                value,
                (
                    (f" {pad(shown(label, limit=100), 15)}", Role.DIM),
                    (shown(value, limit=200), Role.TEXT),
                ),
                (),
                label[:100],
            )
            for label, value in fields(row, self.main.look.zone)
        )
        hint = "Enter copies it whole, Tab shows it as plain text to select"
        self.pick(lambda: labels, self._copy_chosen, "copy a field", hint=hint, has_plain=True)

    def _copy_chosen(self, value: str | Plain | None) -> None:
        if isinstance(value, Plain):
            self.show_plain(value.value)
        elif value is not None:
            self.tell(self.copy(value))

    def action_export(self) -> None:
        """Write the instance on display, or the list where that has the keys, to a file."""
        rows = self.main.exported
        if not any(row.instance for row in rows):
            self.tell("There is nothing to export.")
            return
        goals = {"file": "a file", "clipboard": "the clipboard"}
        kinds = [(kind, goal) for kind in self.exports.formats for goal in goals]
        options = tuple(
            Choice(pair, ((f" {pair[0]} to {goals[pair[1]]}", Role.TEXT),), (), " ".join(pair))
            for pair in kinds
        )
        what = f"ID {rows[0].key.id}" if len(rows) == 1 else f"{len(rows)} instances"

        def export(chosen: tuple[str, str] | None) -> None:
            if chosen is not None:
                self.tell(self._export(rows, *chosen))

        self.pick(lambda: options, export, f"export {what} as")

    def _export(self, rows: Sequence[Row], kind: str, goal: str) -> str:
        text = self.exports.text(kind, rows, self.main.look.zone)
        if goal == "clipboard":
            return self.copy(text)
        what = str(rows[0].key.id) if len(rows) == 1 else "list"
        name = f"wfinspect-{what}-{self._clock.now().astimezone(self.main.look.zone):%Y%m%dT%H%M%S}"
        return self.exports.save(text, name, kind.lower())
