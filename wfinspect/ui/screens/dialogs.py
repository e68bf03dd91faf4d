"""The dialogs: all keys, the question before quitting, and lists to choose from."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widgets import Input

from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import (
    BLANK,
    Ground,
    Line,
    Part,
    Role,
    Span,
    line,
    pad,
    shed,
    spread,
    width_of,
)
from wfinspect.ui.painting import SparingScreen
from wfinspect.ui.widgets.boxes import StatusLine
from wfinspect.ui.widgets.line_view import CursorList, StaticLines


class Choice(NamedTuple):
    """Something to choose.

    Attributes:
        value: what the screen answers with.
        left: what is shown.
        right: what is shown at the right edge; the first of it gives way where there is little room.
        words: what it is found by.
    """

    value: Any
    left: tuple[Span, ...]
    right: tuple[Span, ...]
    words: str


class Plain(NamedTuple):
    """The value chosen is wanted as plain text."""

    value: Any


KeyGroups = Mapping[str, Sequence[tuple[str, str]]]
"""Titles, and below each the keys and what they do."""

MOVE_BINDINGS = (
    ("j,down", "move('down')", "down"),
    ("k,up", "move('up')", "up"),
    ("pagedown,space", "move('page_down')", "page down"),
    ("pageup", "move('page_up')", "page up"),
    ("g,home", "move('top')", "to the first"),
    ("G,end", "move('bottom')", "to the last"),
)
"""For a screen that scrolls."""


class OverMain(SparingScreen[Any], ModalScreen[Any]):
    """A screen over the main one, which closes once.

    A slow link may deliver two Enters at a time (Textualize/textual#4884).
    """

    _is_dismissed = False

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close, unless it is closed already."""
        if self._is_dismissed or not self.is_current:
            return AwaitComplete()
        self._is_dismissed = True
        return super().dismiss(result)

    def snapshot_changed(self) -> None:
        """Show what a new snapshot holds; called while nothing lies over it."""


class HelpScreen(OverMain):
    """Keys with what they do, in groups."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar = [
        ("escape,question_mark,f1,q,enter", "dismiss", "close"),
        *MOVE_BINDINGS,
    ]

    def __init__(self, groups: KeyGroups) -> None:
        super().__init__()
        self._groups = groups
        self._lines = StaticLines()
        self._hint = StatusLine(self._hint_line, id="hint")

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield self._lines
            yield self._hint

    def on_mount(self) -> None:
        self.watch(self._lines, "scroll_y", self._hint.update_lines, init=False)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        self._lines.styles.max_height = max(1, self.size.height - 2)
        self._lines.show(_help_lines(self._groups, min(76, self.size.width) - 4))
        self._hint.update_lines()

    def _hint_line(self, width: int) -> Line:
        below = self._lines.max_scroll_y - self._lines.scroll_offset.y
        keys = (("j k", "scroll"),) if self._lines.max_scroll_y else ()
        parts = [
            Part(((key, Role.ACCENT), (f" {word}", Role.DIM)), 0)
            for key, word in (*keys, ("Esc", "close"))
        ]
        more = ((f"{below} more below", Role.TEXT),) if below > 0 else ()
        return line(*spread(shed(parts, width), more, width))

    def action_move(self, where: str) -> None:
        """Scroll."""
        self._lines.move(where)


def all_keys(keymap: Mapping[str, str]) -> KeyGroups:
    """Return the keys of all commands."""
    groups: dict[str, list[tuple[str, str]]] = {}
    groups["Look up"] = [("0-9", "an ID, a list, a range"), ("Up", "recent IDs")]
    for command in COMMANDS:
        key = keymap.get(command.id, command.shown)
        groups.setdefault(command.group, []).append((key, command.text))
    return groups


def _help_lines(groups: KeyGroups, width: int) -> tuple[Line, ...]:
    """Return keys in their groups, in two columns where they fit."""
    blocks = [_block(title, pairs) for title, pairs in groups.items()]
    if width < 70:  # noqa: PLR2004 - two columns of 35
        return tuple(entry for block in blocks for entry in (*block, BLANK))[:-1]
    return _two_columns(blocks, width // 2)


def _block(title: str, pairs: Sequence[tuple[str, str]]) -> list[Line]:
    lines = [line((title.upper(), Role.DIM))]
    lines += [line((pad(key, 10), Role.ACCENT), (text, Role.TEXT)) for key, text in pairs]
    return lines


def _two_columns(blocks: Sequence[Sequence[Line]], width: int) -> tuple[Line, ...]:
    columns: list[list[Line]] = [[], []]
    for block in blocks:
        shorter = min(columns, key=len)
        shorter += [*([BLANK] if shorter else []), *block]
    return tuple(
        line(*left.spans, (" " * (width - width_of(left.spans)), Role.TEXT), *right.spans)
        for left, right in zip_longest(*columns, fillvalue=BLANK)
    )


class QuitScreen(OverMain):
    """Makes sure before the app ends while there are unseen changes."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar = [
        ("y,enter,q", "answer(True)", "quit"),
        ("n,escape", "answer(False)", "stay"),
    ]

    def __init__(self, unseen: int) -> None:
        super().__init__()
        self._unseen = unseen
        self._lines = StaticLines()

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield self._lines

    def on_mount(self) -> None:
        what = "1 change is" if self._unseen == 1 else f"{self._unseen} changes are"
        self._lines.show(
            (
                line((f"{what} unseen.", Role.STRONG), (" Quit all the same?", Role.TEXT)),
                line(("They stay marked until the next start.", Role.DIM)),
                BLANK,
                line(
                    ("y", Role.ACCENT),
                    (" quit   ", Role.DIM),
                    ("n", Role.ACCENT),
                    (" stay", Role.DIM),
                ),
            )
        )

    def action_answer(self, is_yes: bool) -> None:  # noqa: FBT001 - Textual calls it
        """Close with the answer."""
        self.dismiss(is_yes)


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
            self.update_lines()
            self.go_to(next(places, 0))

    def match(self, query: str) -> None:
        """Show what matches a query."""
        self._query = query
        self._find()
        self.update_lines()
        self.go_to(0)

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

    def ground_of(self, index: int) -> Ground:
        # The query has the keys, and yet they move this cursor.
        return Ground.CURSOR if index == self.cursor else Ground.NONE

    def item_line(self, index: int, ground: Ground) -> Line:
        """Return what it is, and what stands at the right edge."""
        choice = self._matching[index]
        width, right = self.text_width, choice.right
        # What it is keeps its half: of what became what, the end is the news.
        while len(right) > 1 and width_of(right) > width // 2:
            right = right[1:]
        return line(*spread(choice.left, right, width), ground=ground)


class ChoiceScreen(OverMain):
    """Type a few letters, Enter chooses; the answer is the value, None for none."""

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
            has_plain: Tab chooses a value as `Plain`.
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

    def snapshot_changed(self) -> None:
        """Offer what there is now."""
        self._list.offer(self._make())

    def action_move(self, where: str) -> None:
        """Move among the choices."""
        self._list.move(where)

    def action_plain(self) -> None:
        """Choose a value as plain text."""
        if self._has_plain and self._list.chosen is not None:
            self.dismiss(Plain(self._list.chosen.value))

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list.match(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if self._list.chosen is not None:
            self.dismiss(self._list.chosen.value)


def command_choices(keymap: Mapping[str, str], themes: Sequence[str]) -> tuple[Choice, ...]:
    """Return all commands, a trial of the notifications, then the themes; their values are actions."""
    entries = [(c.text, keymap.get(c.id, c.shown), c.action, c.id) for c in COMMANDS]
    entries.append(("try the notifications", "", "app.try_alert", "bell alert trial"))
    entries += [(f"theme {t}", "", f"app.use_theme({t!r})", "colours") for t in themes]
    return tuple(
        Choice(action, ((f" {text}", Role.TEXT),), ((f"{key} ", Role.ACCENT),), f"{text} {also}")
        for text, key, action, also in entries
    )
