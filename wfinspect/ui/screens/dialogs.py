"""What lies over the main screen: the base of all of it, all keys, and the question before quitting."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Vertical
from textual.screen import ModalScreen

from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import BLANK, Line, Part, Role, line, pad, shed, spread, width_of
from wfinspect.ui.sparing import SparingScreen
from wfinspect.ui.widgets.line_view import StaticLines
from wfinspect.ui.widgets.status_line import StatusLine

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


class SafeDismiss(SparingScreen[Any], ModalScreen[Any]):
    """Closes once: a slow link may deliver two Enters at a time (Textualize/textual#4884)."""

    _is_dismissed = False

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close, unless that was asked for before."""
        if self._is_dismissed or not self.is_current:
            return AwaitComplete()
        self._is_dismissed = True
        return super().dismiss(result)

    def renew(self) -> None:
        """Show what a new snapshot holds; called while nothing lies over it."""


class HelpScreen(SafeDismiss):
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
        """One column or two."""
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
    """The keys of all commands."""
    groups: dict[str, list[tuple[str, str]]] = {}
    groups["Look up"] = [("0-9", "an ID, a list, a range"), ("Up", "recent IDs")]
    for command in COMMANDS:
        key = keymap.get(command.id, command.shown)
        groups.setdefault(command.group, []).append((key, command.text))
    return groups


def _help_lines(groups: KeyGroups, width: int) -> tuple[Line, ...]:
    """Keys in their groups, in two columns where they fit."""
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


class QuitScreen(SafeDismiss):
    """Asks before changes are left behind that nobody has seen."""

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
