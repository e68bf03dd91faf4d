"""Pick one of many by name: the palette, the fields to copy, the log. Runs nothing itself."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.widgets import Input

from wfinspect.ui.choice import Choice, Plain
from wfinspect.ui.lines import Ground, Line, Role, line, spread, width_of
from wfinspect.ui.screens.dialogs import SafeDismiss
from wfinspect.ui.widgets.cursor_list import CursorList
from wfinspect.ui.widgets.line_view import StaticLines


class ChoiceList(CursorList):
    """The choices that match a query, in their order; failing that the similar ones, best first."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__(lambda _: (line((" nothing matches", Role.DIM)),))
        self.can_focus = False
        self._choices = self._matching = tuple(choices)
        self._query = ""

    @property
    def chosen(self) -> Choice | None:
        """The choice under the cursor, None where nothing matches."""
        return self._matching[self.cursor] if self._matching else None

    def offer(self, choices: Sequence[Choice]) -> None:
        """Put other choices in place of the former; the cursor stays on its value."""
        if self._choices != tuple(choices):
            value = self.chosen.value if self.chosen else None
            self._choices = tuple(choices)
            self._find()
            places = (i for i, choice in enumerate(self._matching) if choice.value == value)
            self.go(next(places, 0))

    def match(self, query: str) -> None:
        """Show what matches a query."""
        self._query = query
        self._find()
        self.go(0)

    def _find(self) -> None:
        wanted = self._query.casefold()
        found = [choice for choice in self._choices if wanted in choice.words.casefold()]
        if not found:
            matcher = Matcher(self._query)
            scores = [(matcher.match(choice.words), choice) for choice in self._choices]
            scores.sort(key=lambda scored: -scored[0])
            found = [choice for score, choice in scores if score > 0]
        self._matching = tuple(found)

    @property
    def count(self) -> int:
        """How many match."""
        return len(self._matching)

    def item_line(self, index: int, ground: Ground) -> Line:
        """What it is, and what stands at the right edge."""
        # The query has the keys, and yet they move this cursor.
        ground = Ground.CURSOR if ground is Ground.RESTING else ground
        choice = self._matching[index]
        width, right = self.text_width, choice.right
        # What it is keeps its half: of what became what, the end is the news.
        while len(right) > 1 and width_of(right) > width // 2:
            right = right[1:]
        return line(*spread(choice.left, right, width), ground=ground)


class PickScreen(SafeDismiss):
    """Type a few letters, Enter picks; the answer is the value, None for none."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar = [
        ("escape", "dismiss", "close"),
        ("down", "move('down')", "down"),
        ("up", "move('up')", "up"),
        ("pagedown", "move('page_down')", "page down"),
        ("pageup", "move('page_up')", "page up"),
        ("tab", "plain", "as plain text"),
    ]

    def __init__(
        self,
        make: Callable[[], Sequence[Choice]],
        prompt: str,
        *,
        hint: str = "",
        has_plain: bool = False,
    ) -> None:
        """Create the screen.

        Args:
            make: gives the choices, and again after each snapshot.
            prompt: what stands in the empty query.
            hint: keys to name below.
            has_plain: Tab picks a value as `Plain`.
        """
        super().__init__(classes="-wide" if hint else None)
        self._make = make
        self._prompt = prompt
        self._hint = hint
        self._has_plain = has_plain
        self._list = ChoiceList(make())

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            query = Input(placeholder=self._prompt, compact=True)
            query.cursor_blink = False
            yield query
            yield self._list
            if self._hint:
                yield StaticLines(id="hint")

    def on_mount(self) -> None:
        if self._hint:
            self.query_one(StaticLines).show([line((f" {self._hint}", Role.DIM))])

    def renew(self) -> None:
        """Something has changed: offer what there is now."""
        self._list.offer(self._make())

    def action_move(self, where: str) -> None:
        """Move among the choices."""
        self._list.move(where)

    def action_plain(self) -> None:
        """Pick a value as plain text."""
        if self._has_plain and self._list.chosen is not None:
            self.dismiss(Plain(self._list.chosen.value))

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list.match(event.value)

    @on(Input.Submitted)
    def _pick(self) -> None:
        if self._list.chosen is not None:
            self.dismiss(self._list.chosen.value)
