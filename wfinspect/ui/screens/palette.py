"""The command palette: every command by name. Runs nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.widgets import Input

from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import Ground, Line, Role, line, spread
from wfinspect.ui.screens.dialogs import SafeDismiss
from wfinspect.ui.widgets.line_view import LineView


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of the palette."""

    text: str
    key: str
    action: str
    words: str = ""
    """What else it is known as."""


def choices(keymap: Mapping[str, str], themes: Sequence[str]) -> tuple[Choice, ...]:
    """All commands, then the themes."""
    commands = [Choice(c.text, keymap.get(c.id, c.shown), c.action, c.id) for c in COMMANDS]
    return (*commands, *(Choice(f"theme {t}", "", f"app.use_theme({t!r})") for t in themes))


class ChoiceList(LineView):
    """The choices that match, the best first."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__(classes="pane")
        self._choices = tuple(choices)
        self._matching = self._choices
        self._cursor = 0

    @property
    def chosen(self) -> Choice | None:
        """The choice under the cursor, None where nothing matches."""
        return self._matching[self._cursor] if self._matching else None

    def match(self, query: str) -> None:
        """Show what matches a query."""
        matcher = Matcher(query)
        scores = {
            choice: matcher.match(f"{choice.text} {choice.words}") for choice in self._choices
        }
        found = [choice for choice in self._choices if not query or scores[choice] > 0]
        self._matching = tuple(sorted(found, key=lambda choice: -scores[choice]))
        self._cursor = 0
        self.scroll_to(y=0, animate=False)
        self.update_lines()

    def total_lines(self) -> int:
        """A line each."""
        return max(1, len(self._matching))

    def line_at(self, y: int) -> Line:
        """What it does, and its key."""
        if not self._matching:
            return line((" no such command", Role.DIM))
        choice = self._matching[y]
        ground = Ground.CURSOR if y == self._cursor else Ground.NONE
        left, right = [(f" {choice.text}", Role.TEXT)], [(f"{choice.key} ", Role.ACCENT)]
        return line(*spread(left, right, self.text_width), ground=ground)

    def move(self, where: str) -> None:
        """Move the cursor."""
        page = max(1, self.size.height - 1)
        steps = {"down": 1, "up": -1, "page_down": page, "page_up": -page}
        last = max(0, len(self._matching) - 1)
        self._cursor = max(0, min(self._cursor + steps[where], last))
        if not self.scroll_offset.y <= self._cursor < self.scroll_offset.y + self.size.height:
            self.scroll_to(y=self._cursor - (steps[where] > 0) * (page), animate=False)
        self.update_lines()


class PaletteScreen(SafeDismiss):
    """Type a few letters, Enter runs; the answer is the action."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar = [
        ("escape", "dismiss", "close"),
        ("down", "move('down')", "down"),
        ("up", "move('up')", "up"),
        ("pagedown", "move('page_down')", "page down"),
        ("pageup", "move('page_up')", "page up"),
    ]

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._list = ChoiceList(choices)

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            query = Input(placeholder="type a command", compact=True)
            query.cursor_blink = False
            yield query
            yield self._list

    def action_move(self, where: str) -> None:
        """Move among the choices."""
        self._list.move(where)

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list.match(event.value)

    @on(Input.Submitted)
    def _run(self) -> None:
        if self._list.chosen is not None:
            self.dismiss(self._list.chosen.action)
