"""Every key of the app: one table that bindings, help, hints and palette are made from."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding
from textual.keys import _character_to_key, key_to_character

from wfinspect.errors import did_you_mean
from wfinspect.format import shown


class KeyCommand(NamedTuple):
    """Something the user can do.

    Attributes:
        id: what the keymap of the config calls it.
        keys: Textual's names of its keys, separated by commas.
        action: the action it runs.
        hint: a word or two for the line of hints; "" keeps it out of there.
        text: a sentence part for help and palette.
        group: where help lists it.
        shown_as: how its first key is written for the user, unless as in `keys`.
        is_app: the app's own, alive on every screen.
    """

    id: str
    keys: str
    action: str
    text: str
    group: str
    hint: str = ""
    shown_as: str = ""
    is_app: bool = False

    @property
    def shown(self) -> str:
        """How its key is written for the user."""
        return self.shown_as or self.keys.partition(",")[0]

    def binding(self) -> Binding:
        """Return the command as Textual wants it."""
        return Binding(
            self.keys, self.action, self.text, id=self.id, show=False, priority=self.is_app
        )


_LIST, _OPEN, _SEEN, _READ, _SCREEN = "List", "Open instance", "Changes", "Reading", "Screen"

COMMANDS = (
    KeyCommand("open", "enter", "open_row", "go to the detail", _OPEN, "detail", shown_as="Enter"),
    KeyCommand("back", "escape", "back", "go back", _OPEN, "back", shown_as="Esc"),
    KeyCommand("watch", "w", "watch", "watch or unwatch it", _OPEN, "watch"),
    KeyCommand("follow", "W", "app.follow", "follow/unfollow workflow", _OPEN),
    KeyCommand("note", "i", "app.note", "write a note about it", _OPEN),
    KeyCommand("copy", "y", "app.copy_id", "copy the ID", _OPEN, "copy"),
    KeyCommand("copy-field", "Y", "app.copy_field", "copy field, rerun command", _OPEN),
    KeyCommand("export", "e", "app.export", "export, incident report", _OPEN),
    KeyCommand("history", "h", "history", "show its history", _OPEN, "history"),
    KeyCommand("operations", "o", "operations", "show who acted on tasks", _OPEN),
    KeyCommand("tasks", "t", "app.tasks", "show its tasks", _OPEN, "tasks"),
    KeyCommand("upstream", "U", "app.upstream", "waits for, holds up", _OPEN, "waits for"),
    KeyCommand("task-log", "l", "app.task_log", "log of the failed task", _OPEN, "log"),
    KeyCommand("raw", "v", "app.raw", "show its JSON", _OPEN),
    KeyCommand("compare", "c", "app.compare", "compare with last success", _OPEN, "compare"),
    KeyCommand("find", "f", "app.find", "find instances", _OPEN, "find"),
    KeyCommand(
        "next-pane", "tab,shift+tab", "next_pane", "go to the other pane", _OPEN, shown_as="Tab"
    ),
    KeyCommand(
        "previous-tab", "less_than_sign", "turn(-1)", "to the part before", _OPEN, shown_as="<"
    ),
    KeyCommand("next-tab", "greater_than_sign", "turn(1)", "to the next part", _OPEN, shown_as=">"),
    KeyCommand("down", "j,down", "move('down')", "down", _LIST),
    KeyCommand("up", "k,up", "move('up')", "up", _LIST),
    KeyCommand("top", "g,home", "move('top')", "to the first", _LIST),
    KeyCommand("bottom", "G,end", "move('bottom')", "to the last", _LIST),
    KeyCommand("page-down", "pagedown", "move('page_down')", "a page down", _LIST, shown_as="PgDn"),
    KeyCommand("page-up", "pageup", "move('page_up')", "a page up", _LIST, shown_as="PgUp"),
    KeyCommand("filter", "slash", "filter", "filter", _LIST, "filter", shown_as="/"),
    KeyCommand("sort", "s", "sort", "change sort order", _LIST, "sort"),
    KeyCommand("mark", "space", "mark", "mark for w, x, y, a, e, r", _LIST, shown_as="Space"),
    KeyCommand("remove", "x", "remove", "remove", _LIST),
    KeyCommand("undo", "u", "undo", "undo your last edit", _LIST),
    KeyCommand("remove-settled", "X", "remove_settled", "remove all that ended", _LIST),
    KeyCommand("next-unseen", "n", "next_unseen", "go to the next unseen", _SEEN, "next unseen"),
    KeyCommand("seen", "a", "seen", "mark as seen", _SEEN, "seen"),
    KeyCommand("all-seen", "A", "all_seen", "mark all as seen", _SEEN),
    KeyCommand("log", "L", "app.log", "show all changes", _SEEN),
    KeyCommand("refresh", "r", "refresh_one", "refresh", _READ, "refresh"),
    KeyCommand("refresh-all", "R", "refresh_all", "refresh all", _READ),
    KeyCommand("slower", "plus", "interval(1)", "longer interval", _READ, shown_as="+"),
    KeyCommand("faster", "minus", "interval(-1)", "shorter interval", _READ, shown_as="-"),
    KeyCommand("pause", "p", "pause", "pause or resume", _READ),
    KeyCommand("layout", "z", "layout", "this pane alone, or both", _SCREEN, "zoom"),
    KeyCommand("bell", "b", "app.ring", "turn bell on or off", _SCREEN),
    KeyCommand("mouse", "m", "app.mouse", "turn mouse on or off", _SCREEN),
    KeyCommand("redraw", "ctrl+l", "redraw", "redraw the screen", _SCREEN, is_app=True),
    KeyCommand(
        "help", "question_mark,f1", "app.help", "show all keys", _SCREEN, "help", shown_as="?"
    ),
    KeyCommand("palette", "colon,ctrl+p", "app.palette", "find a command", _SCREEN, shown_as=":"),
    KeyCommand("quit", "q", "app.ask_quit", "quit", _SCREEN, "quit"),
    KeyCommand("quit-now", "ctrl+q", "quit", "quit at once", _SCREEN, is_app=True),
    KeyCommand("interrupt", "ctrl+c", "interrupt", "quit, if pressed twice", _SCREEN, is_app=True),
    KeyCommand("suspend", "ctrl+z", "suspend_process", "suspend", _SCREEN, is_app=True),
)

COMMANDS_BY_ID = {command.id: command for command in COMMANDS}
"""By what a keymap may name."""

_OTHER_NAMES = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "page_up": "pageup",
    "page_down": "pagedown",
    # What a terminal sends for these is the same byte.
    "ctrl+i": "tab",
    "ctrl+j": "enter",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+space": "ctrl+@",
}


def usable_keys(given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the keys of the [keys] table that can work, and a sentence for each that can't.

    A key that can't work is left out; a command that loses all of them keeps its default. So does
    every command whose default is wanted by another: each key has one command.
    """
    wanted: dict[str, list[str]] = {}
    said: list[str] = []
    for name, text in given.items():
        command = COMMANDS_BY_ID.get(name)
        if command is None:
            hint = did_you_mean(name, COMMANDS_BY_ID, "`wfinspect help keys` lists them.")
            said.append(f"No command is called {shown(name, limit=40)!r}: {hint}")
            continue
        for written in dict.fromkeys(map(str.strip, text.split(","))):
            key, trouble = _readable(written, command)
            if trouble:
                said.append(_sentence(written, command, trouble))
            else:
                wanted.setdefault(name, []).append(key)
    while clash := _clash(wanted):
        name, key, owner = clash
        said.append(_sentence(key, COMMANDS_BY_ID[name], f"is the key of {owner}"))
        wanted[name].remove(key)
        if not wanted[name]:
            del wanted[name]
    return {name: ",".join(keys) for name, keys in wanted.items()}, said


def _sentence(key: str, command: KeyCommand, trouble: str) -> str:
    return f"{shown(key, limit=40) or 'An empty text'} in {command.id} {trouble}: {command.shown} stays."


def _readable(written: str, command: KeyCommand) -> tuple[str, str]:
    """Return a key, a character or as Textual names it, or why it can't be one."""
    if not written:
        return "", "is not a key"
    if len(written) > 1:
        *modifiers, name = [part.strip().lower() for part in written.split("+")]
        key = "+".join([*sorted("ctrl" if m == "control" else m for m in modifiers), name])
        key = _OTHER_NAMES.get(key, key)
        if key in _SENT:
            is_free = key.startswith("ctrl+") or _FUNCTION_KEY.fullmatch(key)
            return (key, "") if is_free or not command.is_app else ("", _TAKEN_BY_BOXES)
        char = name.upper() if modifiers == ["shift"] and name.isalpha() else key_to_character(key)
        # A name such as "banana" has a character, which no keyboard has.
        if char is None or len(char) > 1 or not char.isascii():
            return "", "is not a key that terminals send"
        written = char
    if written.isdigit():
        return "", "goes to the ID box, as every digit does"
    if not written.isprintable():
        return "", "is not a character that can be seen"
    return (written, "") if not command.is_app else ("", _TAKEN_BY_BOXES)


def _clash(wanted: Mapping[str, Sequence[str]]) -> tuple[str, str, str] | None:
    """Return a command of the table, a key of it, and another command that has that key."""
    owners: dict[str, str] = {}
    for command in COMMANDS:
        if command.id not in wanted:
            owners |= dict.fromkeys(command.keys.split(","), command.id)
    for name, keys in wanted.items():
        for key in keys:
            if owner := owners.get(_long(key)):
                return name, key, owner
        owners |= {_long(key): name for key in keys}
    return None


def _long(key: str) -> str:
    return _character_to_key(key) if len(key) == 1 else key


_TAKEN_BY_BOXES = "is needed in boxes, and this command works there too: give it one with ctrl"
_FUNCTION_KEY = re.compile(r"f\d+")
_SENT = frozenset(
    key.value
    for keys in ANSI_SEQUENCES_KEYS.values()
    if isinstance(keys, tuple)
    for key in keys
    # Neither the mouse, nor ctrl with a digit, for which hardly a terminal sends anything.
    if not re.search(r"^<|\+\d$", key.value)
)
"""What comes from a terminal besides characters. Alt with a letter is not in it: see `keyboard`."""
