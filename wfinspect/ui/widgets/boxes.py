"""The ID box, the filter box, and the single lines above and below the panes."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Input

from wfinspect import format as fmt
from wfinspect.errors import UsageError
from wfinspect.model import Family, InstanceId
from wfinspect.parsing import FULL_WIDTH, as_range, plain, read_ids
from wfinspect.search import EXAMPLE, NAMES, Known, Names, completed, help_on, none_known
from wfinspect.ui.keys import COMMANDS_BY_ID
from wfinspect.ui.lines import Line, Role, hint_line, line, width_of, wrap
from wfinspect.ui.rows import failed_so_far
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.watching.api import Row

ACCEPTED = frozenset("0123456789,;. ") | frozenset(map(chr, FULL_WIDTH))
"""What can be typed into the box; everything else is a command."""


class StatusLine(LineView):
    """One line, made for the width."""

    def __init__(self, make: Callable[[int], Line], *, id: str) -> None:
        super().__init__(lambda width: (make(width),), id=id)


class Messages:
    """What is said on the last lines of whatever screen is in view, until the next key.

    A key that was pressed before it was painted is not that one: a slow link bunches keys.
    """

    def __init__(self) -> None:
        self._roles: dict[str, Role] = {}
        self._painted: set[str] = set()

    def say(self, text: str, role: Role) -> None:
        """Add a text, as the newest of the few that are kept."""
        self.forget(text)
        self._roles[text] = role
        for oldest in list(self._roles)[:-MAX_MESSAGES]:
            self.forget(oldest)

    def forget(self, text: str) -> None:
        """Say a text no longer."""
        self._roles.pop(text, None)
        self._painted.discard(text)

    def key_pressed(self) -> bool:
        """Forget what was painted; return whether anything was."""
        painted = [*self._painted]
        for text in painted:
            self.forget(text)
        return bool(painted)

    def note_painted(self) -> None:
        """Note that all of it was painted."""
        self._painted.update(self._roles)

    def lines(self, width: int) -> list[Line]:
        """Return all of it, wrapped, the newest last."""
        return [
            line((f" {piece.rstrip()} ", role))
            for text, role in self._roles.items()
            for part in text.splitlines()
            for piece in wrap(fmt.shown(part), width - 2, is_prose=True)
        ]


MAX_MESSAGES = 3
_LEAST_STATUS = 12
"""Cells; with less room beside a message, the status line is left out."""


class MessageLine(LineView):
    """A status line that gives way to messages; beside the last of them it has what room is left."""

    def __init__(self, messages: Messages, make: Callable[[int], Line], *, id: str) -> None:
        super().__init__(id=id)
        self._messages = messages
        self._status = make

    def render_line(self, y: int) -> Strip:
        self._messages.note_painted()
        return super().render_line(y)

    def lines(self) -> list[Line]:
        width = self.text_width
        said = self._messages.lines(width)[-max(1, self.app.size.height // 2) :]
        if not said:
            return [self._status(width)]
        room = width - width_of(said[-1].spans)
        if room >= _LEAST_STATUS:
            said[-1] = line(*said[-1].spans, *self._status(room).spans)
        return said


class LineInput(Input):
    """One line to type in, of one row and without a blinking cursor, which would cost 2.6 kB/s."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+w", "delete_left_to_blank", show=False)]

    def __init__(self, placeholder: str = "", value: str = "", **options: Any) -> None:  # noqa: ANN401 - Textual's
        super().__init__(
            value, placeholder=placeholder, compact=True, select_on_focus=False, **options
        )
        self.cursor_blink = False
        self.takes: Callable[[str], bool] = lambda _: False
        """Returns whether it does something at a key, which then means nothing else."""
        self.entered: Callable[[], object] | None = None
        """Called at Enter, before the keys behind it."""
        self.opened_by = ""
        """A key that leads here elsewhere, so that it is no text in place of all of it."""

    @property
    def has_keys(self) -> bool:
        """Whether what is typed goes here: `has_focus` says so only once keys bunched with the first have come."""
        return self.is_attached and self.screen.focused is self

    def take_keys(self) -> None:
        """Take what is typed from now on: it replaces what stands there, unless that waits for more."""
        if not self.value.endswith((" ", "=")):
            self.select_all()
        self.screen.set_focus(self)

    def put(self, text: str) -> None:
        """Have a text stand there in place of another, with the cursor behind it."""
        self.value = text
        self.cursor_position = len(text)

    def action_delete_left_to_blank(self) -> None:
        """Delete the word before the cursor as a shell does, whatever is in it: Textual ends at a - or =."""
        if self.selection.is_empty:
            before = self.value[: self.cursor_position].rstrip()
            self.delete(len(before) - len(before.split(" ")[-1]), self.cursor_position)
        else:
            self.delete_selection()

    def handles(self, key: str) -> bool:
        """Do what a key does that is not text; return whether there is anything."""
        if key == self.opened_by and self.value == self.selected_text:
            return True
        if key == "tab" and not self.selection.is_empty:
            self.put(self.value)
            return True
        if key == "enter" and self.entered is not None:
            self.entered()
            return True
        return self.takes(key)

    async def _on_key(self, event: events.Key) -> None:
        # At once, not when the key has gone round: of keys that a slow link bunches, those behind it
        # would act, or be in the text, before it.
        if self.app.focused is not self:
            # It was on its way when the keys went elsewhere: it goes round, and acts there.
            event.prevent_default()
            return
        if self.handles(event.key) or (
            not event.is_printable and await self.app._check_bindings(event.key)  # noqa: SLF001 - it has no public name
        ):
            event.stop()
            event.prevent_default()


class _Completion(Suggester):
    """Has the rest of a word stand dim behind the cursor."""

    def __init__(self, complete: Callable[[str], str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        # Tab may also put the last word otherwise.
        whole = self._complete(value)
        return whole if whole.startswith(value) else None


class SearchInput(LineInput):
    """Takes a search for the fields of `names`; Tab completes the last word."""

    def __init__(
        self,
        placeholder: str = "",
        value: str = "",
        *,
        names: Names = NAMES,
        **options: Any,  # noqa: ANN401 - Textual's
    ) -> None:
        super().__init__(placeholder, value, suggester=_Completion(self._completed), **options)
        self._names = names
        self.known: Known = none_known
        self.opened_by = "slash"

    @property
    def help(self) -> str:
        """A line on what the last word may become; on the first one where what stands there is replaced."""
        return help_on(self.value.removesuffix(self.selected_text), self._names, self.known)

    def _completed(self, value: str) -> str:
        return completed(value, self._names, self.known)

    def handles(self, key: str) -> bool:
        # At once, not when the suggestion has come: keys may be bunched.
        whole = self._completed(self.value) if key == "tab" else ""
        if whole and self.cursor_position == len(self.value):
            self.put(whole)
            return True
        return super().handles(key)


class IdInput(LineInput):
    """Digits are text here; letters stay commands while it is empty."""

    def __init__(self, pasted: Callable[[str], None]) -> None:
        """Call `pasted` with what is pasted, in its turn of the keys."""
        super().__init__("type or paste an instance ID")
        self._pasted = pasted

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Accept only what an ID, a list or a range is made of."""
        del key
        # Without a number before it a hyphen is a command. Dropped behind one, it would join two.
        return character in ACCEPTED or (character == "-" and bool(self.value))

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self._pasted(event.text)


class IdBox(Vertical):
    """Takes IDs in any form; a line below says what it understood, and is there only then."""

    def __init__(
        self,
        prompt: str,
        done: Callable[[Sequence[InstanceId]], None],
        changed: Callable[[], None],
    ) -> None:
        """Create the box; `done` gets the IDs that were entered, none where it was left with Esc."""
        super().__init__(id="id-box")
        self._prompt = StatusLine(lambda _: line((f" {prompt}", Role.ACCENT)), id="prompt")
        self._done, self._changed = done, changed
        self.input = IdInput(self._pasted)
        self.input.takes = self._take_key
        self._remark = LineView(id="remark")
        self._remark.display = False
        self.recent: Sequence[InstanceId] = ()
        """What up and down offer."""
        self._recent_index = -1

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._prompt
            yield self.input
        yield self._remark

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """What ends it, and what each does."""
        recent = (("Up", "recent IDs"),) if self.recent else ()
        count = len(read_entry(self.input.value).ids)
        enter = (("Enter", "watch all" if count > 1 else "look up"),) if count else ()
        return (*enter, ("Esc", "leave"), *recent)

    def take_keys(self) -> None:
        """Take what is typed from now on."""
        self.screen.set_focus(self.input)

    def refuses(self, key: events.Key) -> bool:
        """Whether a letter behind digits is a slip: it is not a command then, but for help and palette."""
        if not (self.input.has_keys and self.input.value and key.is_printable):
            return False
        bound = self.screen.active_bindings.get(key.key)
        return bound is None or bound.binding.id not in {"help", "palette"}

    def _set(self, text: str) -> None:
        with self.prevent(Input.Changed):
            self.input.put(text)

    def _say(self, text: str, role: Role = Role.TEXT) -> None:
        pieces = wrap(fmt.shown(text), self.app.size.width - 4, is_prose=True)
        self._remark.show([line((f"   {piece.rstrip()}", role)) for piece in pieces])
        self._remark.display = bool(text)
        self._changed()

    @on(Input.Changed)
    def _preview(self, event: Input.Changed) -> None:
        event.stop()
        entry = read_entry(event.value)
        self._say(entry.remark or entry.problem * (not _is_begun(event.value)))

    def _pasted(self, text: str) -> None:
        """Add the IDs in a pasted text, or the text itself with the reason why it has none."""
        # What stands there stays: a link may tear a paste in two.
        text = f"{self.input.value} {text}".strip()
        entry = read_entry(text)
        words = " ".join(plain(text).split())
        is_typable = not entry.ids or ACCEPTED.issuperset(words)
        self._set(fmt.shown(words, limit=200) if is_typable else ", ".join(map(str, entry.ids)))
        self._say(entry.problem or entry.remark, Role.TROUBLE if entry.problem else Role.TEXT)

    def _take_key(self, key: str) -> bool:
        entry = read_entry(self.input.value)
        if key in {"up", "down"}:
            self._offer(1 if key == "up" else -1)
        elif key == "enter" and entry.problem:
            self._say(entry.problem, Role.TROUBLE)
        elif key in {"enter", "escape"}:
            self._recent_index = -1
            self._set("")
            self._say("")
            self._done(entry.ids if key == "enter" else ())
        else:
            return False
        return True

    def _offer(self, step: int) -> None:
        """Put a recent ID in the box."""
        if self.recent:
            self._recent_index = max(-1, min(self._recent_index + step, len(self.recent) - 1))
            self._set(str(self.recent[self._recent_index]) if self._recent_index >= 0 else "")
            self._say("recent, Enter looks it up" if self._recent_index >= 0 else "", Role.DIM)


_NAMED = 3
"""As many IDs are named; with what Enter does, this fits into 80 cells for IDs of 11 digits."""


class BoxEntry(NamedTuple):
    """A text as the box understands it."""

    ids: tuple[InstanceId, ...] = ()
    remark: str = ""
    """What to say before it is used; "" where there is nothing to say."""
    problem: str = ""
    """Why it can't be used."""


def read_entry(text: str) -> BoxEntry:
    """Return the IDs in a text that was typed or pasted, what to say about them, or why there are none."""
    if not text.strip():
        return BoxEntry(problem="No ID yet: type its digits, Enter looks it up.")
    try:
        ids, source, _ = read_ids(text)
    except UsageError as error:
        return BoxEntry(problem=str(error))
    if text.strip() == str(ids[0]):
        return BoxEntry(ids)
    enter = "Enter looks it up" if len(ids) == 1 else "Enter watches all"
    if written := as_range(text):
        return BoxEntry(ids, f"Found {len(ids)} IDs; a range is {written}  {enter}")
    return BoxEntry(ids, f"{'Found ' if source else ''}{listed(ids)}  {enter}")


def _is_begun(text: str) -> bool:
    """Return whether the last of a text may be a range whose end is still being typed."""
    last = re.split(r"[,; ]", plain(text))[-1]
    first, dots, end = last.partition("..")
    return not last or last[-1] in ".-" or (bool(dots) and len(end) < len(first))


def listed(ids: Sequence[InstanceId]) -> str:
    """Return ``3 IDs: 1, 2, 3``, or the first few of many."""
    if len(ids) == 1:
        return str(ids[0])
    named = [str(i) for i in ids]
    if len(ids) > _NAMED:
        named = [*named[: _NAMED - 1], f"... {ids[-1]}"]
    return f"{len(ids)} IDs: {', '.join(named)}"


class NamedBox(Horizontal):
    """An input behind what it is for; hidden until it is used."""

    def __init__(self, name: str, wrapped: Input, *, id: str | None = None) -> None:
        super().__init__(id=id)
        prompt = StatusLine(lambda _: line((f" {name}", Role.ACCENT)), id="box-name")
        prompt.styles.width = len(name) + 2
        self.parts = prompt, wrapped
        self.display = False

    def compose(self) -> ComposeResult:
        yield from () if self.children else self.parts


class FilterBox(NamedBox):
    """Has the line of the filter while that is typed, in place of the ID box."""

    def __init__(self, done: Callable[[bool], None]) -> None:
        """Create the box; `done` is called when it is left, with whether what was typed is taken."""
        self._done, self.input = done, SearchInput(EXAMPLE, max_length=100)
        super().__init__("/", self.input, id="filter")
        self.input.takes = self._leaves

    KEYS = (
        ("Enter", "keep"),
        ("Esc", "cancel"),
        ("Tab", "complete"),
        ("F1", "help"),
        ("ctrl+q", "quit"),
    )

    def _leaves(self, key: str) -> bool:
        """Leave on Enter, and on Esc as if it was not opened."""
        is_end = key in {"enter", "escape"}
        if is_end:
            self._done(key == "enter")
        return is_end


def command_hints(
    width: int,
    keymap: Mapping[str, str],
    commands: Mapping[str, str],
    typing: Sequence[tuple[str, str]] = (),
) -> Line:
    """Return keys and what they do, the most helpful first, as many as fit, and always help and quit.

    Args:
        width: cells.
        keymap: keys other than usual, by the commands' IDs.
        commands: words for commands, by their IDs; "" for the usual one.
        typing: keys of what is typed in, and words.
    """
    # Behind digits a letter does nothing.
    quits = ("quit-now", "quit") if typing else ("quit", "")
    named = (*commands.items(), ("help", ""), quits)
    about = [(COMMANDS_BY_ID[name], word) for name, word in named]
    keys = [*typing, *((keymap.get(c.id, c.shown), word or c.hint) for c, word in about)]
    # Where little fits, the way back is among it.
    ranks = [
        0 if c.id in {"help", quits[0]} else 1 if c.id == "back" else 2 + n
        for n, (c, _) in enumerate(about)
    ]
    ranks = [*[1] * len(typing), *ranks]
    return hint_line(keys, width, ranks)


def helpful_commands(
    row: Row | None,
    marked: Sequence[Row],
    *,
    unseen: int,
    total: int,
    in_detail: bool,
    is_closable: bool,
    has_panes: bool,
) -> dict[str, str]:
    """Return the commands that do something now, what helps most first, each with a word or "".

    Args:
        row: that under the cursor.
        marked: the marked rows.
        unseen: how many rows have an unseen change.
        total: how many rows there are.
        in_detail: whether the detail has the keys.
        is_closable: whether it is in view because it was opened.
        has_panes: whether list and detail are in view, or one of them is zoomed.
    """
    if marked:
        has_news = any(each.is_unseen for each in marked)
        watch = "unwatch" if all(each.is_watched for each in marked) else "watch"
        acting = {"remove": "remove", "watch": watch, "copy": "copy"}
        acting |= {"seen": "seen"} if has_news else {}
        acting |= {"refresh": "refresh", "export": "export"}
        return {name: f"{word} {len(marked)}" for name, word in acting.items()} | {"back": "unmark"}
    if row is None:
        return {"find": ""} | ({"filter": ""} if total else {})
    is_read, is_watched = row.instance is not None, row.is_watched
    has_failed = row.family is Family.FAILURE
    is_failed = has_failed or failed_so_far(row) > 0
    wanted = (
        ("upstream", "", row.family in {Family.IDLE, Family.WAITING}),
        ("task-log", "", is_failed),
        ("tasks", "", is_failed or row.family is Family.ACTIVE),
        ("compare", "", is_failed),
        ("watch", "", not is_watched),
        ("back", "back", in_detail),
        ("back", "close detail", is_closable),
        ("back", "close it", not is_watched),
        ("next-tab", "next part", in_detail and is_read),
        ("open", "", not in_detail),
        # Beside its detail, any key marks it.
        ("seen", "", row.is_unseen and not in_detail and not has_panes),
        ("next-unseen", "", unseen > row.is_unseen),
        ("filter", "", total > 1),
        ("find", "", True),
        ("upstream", "holds up", has_failed),
        ("refresh", "", not is_read),
        ("tasks", "", is_read),
        ("watch", "unwatch", is_watched),
        ("copy", "", True),
        ("history", "", is_read),
        ("compare", "", is_read),
        ("refresh", "", True),
        ("sort", "", total > 1),
        ("layout", "", has_panes),
    )
    helpful: dict[str, str] = {}
    for name, word, helps in wanted:
        if helps:
            helpful.setdefault(name, word)
    return helpful
