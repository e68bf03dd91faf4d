"""The ID box, the filter box, and the single lines above and below the panes."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from wfinspect import format as fmt
from wfinspect.errors import UsageError
from wfinspect.model import InstanceId
from wfinspect.parsing import FULL_WIDTH, plain, read_ids
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import Line, Part, Role, line, shed
from wfinspect.ui.widgets.line_view import LineView, StaticLines

ACCEPTED = frozenset("0123456789,;. ") | frozenset(map(chr, FULL_WIDTH))
"""What can be typed into the box; everything else is a command."""


class IdInput(Input):
    """Digits are text here, letters stay commands."""

    class Inserted(Message):
        """Text for the box; sent as a message so that it keeps its place among the keys."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """A text was pasted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, end: Callable[[str], None]) -> None:
        super().__init__(placeholder="type or paste an instance ID", compact=True)
        self._end = end

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Accept only what an ID, a list or a range is made of."""
        del key
        return character is not None and character in ACCEPTED

    async def _on_key(self, event: events.Key) -> None:
        if event.key in {"enter", "escape"}:
            # At once, not when the key has gone round: keys bunched behind it belong to what comes next.
            event.stop()
            event.prevent_default()
            self._end(event.key)
        elif event.is_printable and event.character not in ACCEPTED:
            event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.post_message(self.Pasted(event.text))

    @on(Inserted)
    def _insert(self, event: Inserted) -> None:
        event.stop()
        self.insert_text_at_cursor(fmt.shown(event.text))


class IdBox(Vertical):
    """Takes IDs in any form; a line below says what it understood, and is there only then."""

    class Submitted(Message):
        """IDs to open (the first) and, where there are several, to watch."""

        def __init__(self, ids: tuple[InstanceId, ...]) -> None:
            super().__init__()
            self.ids = ids

    class Left(Message):
        """The box gives the keys back."""

    def __init__(self, prompt: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._prompt = StaticLines(id="prompt")
        self._prompt_text = prompt
        self._input = IdInput(self._ended)
        self._input.cursor_blink = False
        self._input.select_on_focus = False
        self._remark = StaticLines(id="remark")
        self._recent: tuple[InstanceId, ...] = ()
        self._recent_index = -1

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._prompt
            yield self._input
        yield self._remark

    def on_mount(self) -> None:
        self._prompt.show([line((f" {self._prompt_text}", Role.ACCENT))])
        self._remark.display = False

    @property
    def has_keys(self) -> bool:
        """Whether what is typed goes into the box."""
        return self._input.has_focus

    @property
    def text(self) -> str:
        """What stands in the box."""
        return self._input.value

    def set_recent(self, ids: Sequence[InstanceId]) -> None:
        """Set the IDs that up and down offer."""
        self._recent = tuple(ids)

    def take_keys(self) -> None:
        """Take what is typed from now on."""
        self.screen.set_focus(self._input)

    def insert(self, text: str) -> None:
        """Add text behind what was typed before it."""
        self.take_keys()
        self._input.post_message(IdInput.Inserted(text))

    def paste(self, text: str) -> None:
        """Take a pasted text: the IDs in it, or the text itself with the reason why it has none."""
        self.take_keys()
        entry = read_entry(text)
        words = " ".join(plain(text).split())
        if not set(words) - ACCEPTED or not entry.ids:
            self._set(fmt.shown(words, limit=200))
        else:
            self._set(", ".join(str(i) for i in entry.ids))
        self._say(entry.problem or entry.remark, Role.TROUBLE if entry.problem else Role.TEXT)

    def _set(self, text: str) -> None:
        with self.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)

    def _say(self, text: str, role: Role) -> None:
        self._remark.show([line((f"   {fmt.shown(text)}", role))])
        self._remark.display = bool(text)

    @on(Input.Changed)
    def _preview(self, event: Input.Changed) -> None:
        event.stop()
        self._say(read_entry(event.value).remark, Role.TEXT)

    @on(IdInput.Pasted)
    def _take_paste(self, event: IdInput.Pasted) -> None:
        event.stop()
        self.paste(event.text)

    def _ended(self, key: str) -> None:
        entry = read_entry(self.text)
        if key == "enter" and entry.problem:
            self._say(entry.problem, Role.TROUBLE)
            return
        self.clear()
        self.post_message(self.Submitted(entry.ids) if key == "enter" else self.Left())

    def clear(self) -> None:
        """Empty the box."""
        self._recent_index = -1
        self._set("")
        self._say("", Role.TEXT)

    def on_key(self, event: events.Key) -> None:
        """Offer recent IDs on up and down; leave every other key to the screen."""
        if event.key in {"up", "down"} and self._recent:
            event.stop()
            step = 1 if event.key == "up" else -1
            self._recent_index = max(-1, min(self._recent_index + step, len(self._recent) - 1))
            self._set(str(self._recent[self._recent_index]) if self._recent_index >= 0 else "")
            self._say("recent, Enter opens it" if self._recent_index >= 0 else "", Role.DIM)


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
    if source:
        return BoxEntry(ids, f"Found {listed(ids)}  {_enter(ids)}")
    is_as_typed = text.strip() == str(ids[0])
    return BoxEntry(ids, "" if is_as_typed else f"{listed(ids)}  {_enter(ids)}")


def listed(ids: Sequence[InstanceId]) -> str:
    """Return ``3 IDs: 1, 2, 3``, or the first few of many."""
    if len(ids) == 1:
        return str(ids[0])
    named = [str(i) for i in ids]
    if len(ids) > _NAMED:
        named = [*named[: _NAMED - 1], f"... {ids[-1]}"]
    return f"{len(ids)} IDs: {', '.join(named)}"


def _enter(ids: Sequence[InstanceId]) -> str:
    return "Enter opens it" if len(ids) == 1 else "Enter watches all"


_LIMIT = 100


class FilterBox(Horizontal):
    """Narrows the list with each change; Enter keeps the filter, Esc clears it."""

    class Changed(Message):
        """Another filter is wanted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Dismissed(Message):
        """The box gives the keys back."""

    class Closed(Message):
        """The keys are elsewhere, and the line is free."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._prompt = StaticLines(id="filter-prompt")
        self._input = Input(
            placeholder="name or ID, status=Failure, !without", compact=True, max_length=_LIMIT
        )
        self._input.cursor_blink = False
        self._input.select_on_focus = False

    def compose(self) -> ComposeResult:
        yield self._prompt
        yield self._input

    def on_mount(self) -> None:
        self._prompt.show([line((" /", Role.ACCENT))])
        self.display = False

    @property
    def has_keys(self) -> bool:
        """Whether what is typed is a filter."""
        return self._input.has_focus

    def take_keys(self) -> None:
        """Appear, and take what is typed from now on."""
        self.display = True
        self.screen.set_focus(self._input)

    def clear(self) -> None:
        """Let every row through again."""
        self._input.value = ""

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value.strip()))

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Dismissed())

    def on_key(self, event: events.Key) -> None:
        """Clear on Esc; leave other keys than text to the screen."""
        if event.key == "escape":
            event.stop()
            self.clear()
            self.post_message(self.Dismissed())

    def on_descendant_blur(self) -> None:
        # Wherever the keys have gone, the line is free again.
        self.display = False
        self.post_message(self.Closed())


class StatusLine(LineView):
    """One line, made for the width whenever it is painted."""

    def __init__(self, make: Callable[[int], Line], *, id: str) -> None:
        super().__init__(id=id)
        self._make = make

    def total_lines(self) -> int:
        return 1

    def line_at(self, y: int) -> Line:
        del y
        return self._make(self.text_width)


def hints(width: int, keymap: Mapping[str, str], *, has_way_back: bool) -> Line:
    """Return the keys that matter most, as many as fit."""
    parts = [Part(((" 0-9", Role.ACCENT), (" look up", Role.DIM)), 2)]
    for place, command in enumerate(c for c in COMMANDS if c.hint):
        # What fills the screen is open already.
        if command.id == ("open" if has_way_back else "back"):
            continue
        key = keymap.get(command.id, command.shown)
        rank = {"help": 0, "back": 1}.get(command.id, 3 + place)
        parts.append(Part(((key, Role.ACCENT), (f" {command.hint}", Role.DIM)), rank))
    return line(*shed(parts, width))
