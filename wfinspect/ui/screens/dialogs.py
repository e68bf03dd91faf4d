"""The dialogs: all keys, the question before quitting, and lists to choose from."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.model import InstanceKey, TaskInstance, Transition
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import (
    BLANK,
    Line,
    Part,
    Role,
    Span,
    beginning,
    hint_line,
    hints,
    line,
    pad,
    shed,
    side_by_side,
    spread,
    width_of,
    wrap,
)
from wfinspect.ui.painting import SparingScreen
from wfinspect.ui.widgets.boxes import LineInput, StatusLine
from wfinspect.ui.widgets.line_view import CursorList, LineView
from wfinspect.watching.api import MAX_NOTE, Row


class Choice(NamedTuple):
    """Something to choose.

    Attributes:
        value: what the screen answers with.
        left: what is shown.
        right: what is shown at the right edge; the first of it gives way where there is little room.
        words: what it is found by; of commands, a line for each of title, name and others.
    """

    value: Any
    left: tuple[Span, ...]
    right: tuple[Span, ...]
    words: str


KeyGroups = Mapping[str, Sequence[tuple[str, str]]]
"""Titles, and below each the keys and what they do."""

MOVE_BINDINGS = (
    ("j,down", "move('down')", "down"),
    ("k,up", "move('up')", "up"),
    ("pagedown", "move('page_down')", "page down"),
    ("pageup", "move('page_up')", "page up"),
    ("g,home", "move('top')", "to the first"),
    ("G,end", "move('bottom')", "to the last"),
)
"""For a screen that scrolls."""
PAGE_BINDING = ("space", "move('page_down')", "page down")
"""For text, as in `less`: among rows it marks, and where it can't it must not lead to another one."""


NOTHING_FOUND = "Nothing was found: / changes the search."


class OverMain(SparingScreen[Any], ModalScreen[Any]):
    """A screen over the main one, which closes once.

    A slow link may deliver two Enters at a time (Textualize/textual#4884).
    """

    NAME = "back"
    """What it is called where Esc leads back to it."""
    _is_dismissed = False
    subject: InstanceKey | None = None
    """The instance that it shows in full."""
    subject_task: TaskInstance | None = None
    """The task of it that it shows."""

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close, unless it is closed already."""
        if self._is_dismissed or not self.is_active:
            return AwaitComplete()
        self._is_dismissed = True
        return super().dismiss(result)

    @property
    def main_part(self) -> LineView:
        """The part that scrolls."""
        return self.query_one(".main", LineView)

    def action_move(self, where: str) -> None:
        """Move in the part that scrolls."""
        self.main_part.move(where)

    def snapshot_changed(self) -> None:
        """Show what a new snapshot holds; called while nothing lies over it."""

    def waits(self, key: str) -> bool:
        """Return whether a key is about what is still being read here."""
        del key
        return False

    def say_if_useless(self, key: events.Key) -> None:
        """Say so where a key does nothing."""

    def needed(self) -> Row | None:
        """Return the row that commands of the list are about here; None where they do nothing."""
        return None

    @property
    def marked(self) -> Sequence[Row]:
        """The marked rows, in the order shown."""
        return ()


class SheetScreen(OverMain):
    """Widgets on a sheet in the middle of the screen."""

    CSS_PATH = "dialogs.tcss"

    def __init__(self, *parts: Widget, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._parts = parts

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield from self._parts

    @on(LineView.Scrolled)
    def _update_hints(self) -> None:
        for each in self.query(StatusLine):
            each.update_lines()


class QuitScreen(SheetScreen):
    """Makes sure before the app ends while there are unseen changes."""

    BINDINGS: ClassVar = [
        ("y,enter", "dismiss(True)", "quit"),
        ("n,escape", "dismiss", "stay"),
    ]

    def __init__(self, unseen: int) -> None:
        what = "1 unseen change stays" if unseen == 1 else f"{unseen} unseen changes stay"
        question = line(("Quit?", Role.STRONG), (f" {what} marked.", Role.TEXT))
        keys = line(*hints((("y", "quit"), ("n", "stay")), 40))
        super().__init__(LineView(lambda _: (question, BLANK, keys)))


_MORE = "   more: wfinspect help", " keys, search, config, notify, ssh, ..."


class _Heading(LineView):
    """What a dialog is about, whole: it is wrapped."""

    def __init__(self, text: str) -> None:
        super().__init__(id="title")
        self._text = text

    def lines(self) -> list[Line]:
        return sentence(self._text, self.text_width or self.app.size.width, Role.STRONG)


class NoteScreen(SheetScreen):
    """One line to write; answers with it, with None where it is to stay as it was."""

    BINDINGS: ClassVar = [("escape", "leave", "close")]

    def __init__(self, about: str, text: str, keeps: str, left: dict[str, str]) -> None:
        """Create the screen; `left` has, by what it is about, what was typed and left: up brings it back."""
        self.input = LineInput("what others should know of it", text, max_length=MAX_NOTE)
        keys = ("Enter", "keep, or remove if empty" if text else keeps), ("Esc", "close")
        up = [("Up", "what you left")] if about in left else []
        hint = StatusLine(partial(hint_line, (keys[0], *up, keys[1])), id="hint")
        self.input.entered, self.input.takes = self._submitted, self._takes
        self._about, self._text, self._left = about, text, left
        super().__init__(_Heading(f"Note about {about}"), self.input, hint)

    def _takes(self, key: str) -> bool:
        if is_left := key == "up" and self._about in self._left:
            self.input.put(self._left[self._about])
        return is_left

    def _submitted(self) -> None:
        self._left.pop(self._about, "")
        self.dismiss(self.input.value)

    def action_leave(self) -> None:
        """Close, and have what was typed at hand."""
        if self.input.value.strip() not in {"", self._text}:
            self._left[self._about] = self.input.value
            self.notify("Not kept: Up in the note brings it back.")
        self.dismiss()


class HelpScreen(SheetScreen):
    """Keys with what they do, in groups."""

    BINDINGS: ClassVar = [
        ("escape,question_mark,f1,q,enter", "dismiss", "close"),
        *MOVE_BINDINGS,
        PAGE_BINDING,
    ]

    def __init__(self, groups: KeyGroups, title: str = "Keys") -> None:
        self._groups = groups
        more = (Part(((words, Role.DIM),), rank) for rank, words in enumerate(_MORE, 1))
        parts = (Part(((title, Role.STRONG),), 0), *more)
        head = StatusLine(lambda width: line(*shed(parts, width, gap="")), id="title")
        self.lines = LineView(classes="main")
        super().__init__(head, self.lines, StatusLine(self._keys_line, id="hint"))

    def on_mount(self) -> None:
        self.on_resize()

    def on_resize(self) -> None:
        side = 3 if self.size.width >= 60 else 2  # noqa: PLR2004
        width = min(80, self.size.width) - 2 * side
        lines = (BLANK, *_help_lines(self._groups, width))
        # The edge of other dialogs, where it hides none of the keys.
        edge = int(len(lines) <= self.size.height - 5)
        self.query_one(".sheet").styles.padding = edge, side
        self.lines.styles.max_height = max(1, self.size.height - 3)
        self.lines.show(lines)

    def _keys_line(self, width: int) -> Line:
        beyond = self.lines.beyond
        keys = (*[("j k", "scroll")] * bool(beyond), ("Esc", "close"))
        kept = hints(keys, width - len(beyond) - 1)
        return line(*spread(kept, ((beyond, Role.TEXT),), width))


def all_keys(keymap: Mapping[str, str], signs: Sequence[tuple[str, str]]) -> KeyGroups:
    """Return the keys of all commands, and what the signs before a row mean."""
    groups: dict[str, list[tuple[str, str]]] = {}
    groups["Look up"] = [("0-9", "ID, list, range 100..120"), ("Up", "in the ID box: recent IDs")]
    groups["Signs"] = [*signs]
    for command in COMMANDS:
        key = keymap.get(command.id, command.shown)
        groups.setdefault(command.group, []).append((key, command.text))
    return groups


def _help_lines(groups: KeyGroups, width: int) -> tuple[Line, ...]:
    """Return keys in their groups, in two columns where they fit."""
    columns: list[list[Line]] = [[], []]
    blocks = [_block(title, pairs) for title, pairs in groups.items()]
    for block in blocks:
        shorter = min(columns, key=len)
        shorter += [*([BLANK] if shorter else []), *block]
    left, right = (max((width_of(each.spans) for each in one), default=0) for one in columns)
    if left + 2 > width // 2 or right > width // 2:
        return tuple(entry for block in blocks for entry in (*block, BLANK))[:-1]
    return tuple(side_by_side(columns[0], columns[1], width // 2))


def _block(title: str, pairs: Sequence[tuple[str, str]]) -> list[Line]:
    lines = [line((title.upper(), Role.STRONG))]
    lines += [line((pad(key, 10), Role.ACCENT), (text, Role.TEXT)) for key, text in pairs]
    return lines


_CHOICES_ROWS = 20
_AROUND_CHOICES = 9
"""Rows of edges, query and hint, and of a title that is wrapped."""
_WHOLE_ROWS = 3
"""Of a value that has no room on its line, as far as room is kept for it."""


class ChoiceScreen(SheetScreen):
    """Type a few letters, Enter chooses; the answer is the value, None for none.

    Of the choice under the cursor, what has no room on its line stands below the list.
    """

    BINDINGS: ClassVar = [
        ("escape", "dismiss", "close"),
        ("down,ctrl+n", "move('down')", "down"),
        ("up,ctrl+p", "move('up')", "up"),
        ("pagedown", "move('page_down')", "page down"),
        ("pageup", "move('page_up')", "page up"),
        ("enter", "take", "choose"),
    ]

    def __init__(
        self,
        make: Callable[[], Sequence[Choice]],
        title: str,
        enter: str,
        *,
        is_wide: bool = False,
    ) -> None:
        """Create the screen.

        Args:
            make: gives the choices, and again after each snapshot.
            title: what they are.
            enter: what Enter does.
            is_wide: they need more room than words, and stay in their order.
        """
        self._make = make
        self._searched = ""
        self._is_wide = is_wide
        self._query = LineInput("type to narrow, Up and Down move")
        self._query.entered = self.action_take
        # As to other filters.
        self._query.opened_by = "slash"
        # The query has the keys, and some of them move the cursor here.
        self._list = CursorList(
            self._choice_line, lambda choice: choice.value, self._nothing, can_focus=False
        )
        self._whole = LineView()
        keys = ("Enter", enter), ("Esc", "close")
        hint = StatusLine(lambda w: hint_line(keys, w, beyond=self._list.beyond), id="hint")
        parts = _Heading(title), self._query, self._list, self._whole, hint
        super().__init__(*parts, classes="-wide" if is_wide else None)

    def on_mount(self) -> None:
        count = len(self._make())
        needed = count + _AROUND_CHOICES + _WHOLE_ROWS * self._is_wide
        if needed < (self.app.size.height * 4 // 5 if self._is_wide else _CHOICES_ROWS):
            self.query_one(".sheet").styles.height = needed
        if count == 1:
            # There is nothing to narrow.
            self._query.display = False
            self._list.can_focus = True
            self.set_focus(self._list)
        self.snapshot_changed()

    def snapshot_changed(self) -> None:
        """Offer the choices that match the query, in their order, else the similar ones, best first."""
        choices, query = self._make(), self._query.value
        wanted = query.casefold()
        found = [choice for choice in choices if wanted in choice.words.casefold()]
        if not self._is_wide:
            found.sort(key=lambda choice: _rank(choice.words.casefold(), wanted))
        if not found:
            matcher = Matcher(query)
            scores = [(matcher.match(choice.words), choice) for choice in choices]
            scores.sort(key=lambda scored: -scored[0])
            found = [choice for score, choice in scores if score > 0]
        self._list.offer(found)
        self._show_whole()

    def on_resize(self) -> None:
        # How much room a line has is known once all is laid out.
        self.call_after_refresh(self._show_whole)

    @on(LineView.Moved)
    def _show_whole(self) -> None:
        """Show below the list the last of what is under the cursor, where its line has no room for it."""
        chosen, width = self._list.chosen, self._list.text_width
        most = (self.app.size.height - _AROUND_CHOICES) // 2 - 1
        pieces = list[str]()
        if chosen is not None and width > 0 < most:
            last, _ = chosen.left[-1]
            if last not in self._choice_line(chosen).text:
                pieces = ["", *beginning(wrap(last, width - 1), width - 1, most)]
        self._whole.show([line((f" {each}", Role.TEXT)) for each in pieces])

    @staticmethod
    def _nothing(width: int) -> tuple[Line, ...]:
        return tuple(
            sentence("Nothing matches: Enter does nothing, Backspace takes letters back.", width)
        )

    def _choice_line(self, choice: Choice) -> Line:
        width, right = self._list.text_width, choice.right
        # Of what became what, the end is the news: a name is not cut for the rest of it.
        if len(right) > 2 and width_of((*choice.left, *right)) >= width - 1:  # noqa: PLR2004 - old, arrow, new
            right = right[1:]
        while len(right) > 1 and width_of(right) > width // 2:
            right = right[1:]
        return line(*spread(choice.left, right, width))

    @on(Input.Changed)
    def _search(self) -> None:
        if self._query.value != self._searched:
            self._searched = self._query.value
            self.snapshot_changed()
            self._list.go_to(0)

    # A slow link may have brought these together with the letters before them.

    def action_move(self, where: str) -> None:
        self._search()
        super().action_move(where)

    def action_take(self) -> None:
        """Choose what is under the cursor."""
        self._search()
        if self._list.chosen is not None:
            self.choose(self._list.chosen.value)

    def choose(self, value: Any) -> None:  # noqa: ANN401 - that of any choice
        """Answer with a value."""
        self.dismiss(value)


def _rank(words: str, wanted: str) -> tuple[bool, ...]:
    """Return what a command is sorted by among those found: "end" is "end a follow", not "suspend"."""
    ends = (rf"\b{re.escape(wanted)}{end}" for end in (r"\b", ""))
    no_words = [re.search(pattern, words) is None for pattern in ends]
    return not words.startswith(wanted), wanted not in words.split("\n"), *no_words


class ChangesScreen(ChoiceScreen):
    """All changes; Enter goes to the instance of one, from where Esc leads back."""

    NAME = "changes"

    def __init__(
        self, make: Callable[[], Sequence[Choice]], go_to: Callable[[InstanceKey], None]
    ) -> None:
        """Create the screen; `go_to` shows an instance."""
        title, does = "All changes, newest first", "go to the instance"
        super().__init__(make, title, does, is_wide=True)
        self._go_to = go_to

    def on_screen_resume(self) -> None:
        """There may be new changes since it gave way."""
        self.snapshot_changed()

    def choose(self, value: Transition) -> None:
        # A slow link may deliver two Enters at a time, the second one after it has given way.
        if self.is_active:
            self._go_to(value.key)


_OTHER_WORDS = {
    "acted": "owner, operations",
    "bell": "sound, mute",
    "compare": "diff",
    "copy": "clipboard",
    "copy-field": "parameters, tags, link, rerun, set success",
    "detail": "open, parameters, tags",
    "export": "save, file, csv, json, markdown, html",
    "filter": "search, find",
    "find": "search",
    "follow": "unfollow",
    "follows": "stop a follow, unfollow workflow or search",
    "layout": "zoom, full screen",
    "note": "comment",
    "notifications": "notify, bell, alert, trial",
    "pause": "stop polling",
    "quit": "exit",
    "refresh": "reload, read again",
    "remove": "delete",
    "search": "find",
    "seen": "read, acknowledge",
    "task-log": "error, search in it",
    "theme": "colours, colors",
    "undo": "restore",
    "upstream": "downstream, dependency, dependencies, blocks",
}
"""What commands are found by besides, by a word of their text or the name that the config has."""


def command_choices(keymap: Mapping[str, str], themes: Sequence[str]) -> tuple[Choice, ...]:
    """Return all commands, those without a key, then the themes; their values are actions."""
    choices = [
        command_choice(
            f"app.{c.action}" if c.is_app else c.action,
            c.text,
            keymap.get(c.id, c.shown),
            c.id,
        )
        for c in COMMANDS
        if c.id != "palette"
    ]
    choices.append(command_choice("app.follows", "follows: see or end what is followed"))
    choices.append(command_choice("app.try_alert", "try the notifications"))
    choices += [command_choice(f"app.use_theme({each!r})", f"theme {each}") for each in themes]
    return tuple(choices)


def command_choice(action: str, text: str, key: str = "", name: str = "") -> Choice:
    """Return a command of a palette, found by its text, its name and other words for these."""
    others = (_OTHER_WORDS.get(word, "") for word in (name, *re.findall(r"\w+", text)))
    words = "\n".join([text, name, *", ".join(others).split(", ")])
    return Choice(action, ((f" {text}", Role.TEXT),), ((f"{key} ", Role.ACCENT),), words)
