"""The ID box: takes IDs in any form people have them, and says what it understood."""

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from wfinspect import format as fmt
from wfinspect.ids import plain
from wfinspect.instance import InstanceId
from wfinspect.ui.entry import ACCEPTED, read_entry
from wfinspect.ui.lines import Role, line
from wfinspect.ui.widgets.line_view import StaticLines


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
        """Only what an ID, a list or a range is made of."""
        del key
        return character is not None and character in ACCEPTED

    async def _on_key(self, event: events.Key) -> None:
        if event.key in {"enter", "escape"}:
            # At once, not when the key has gone round: what is bunched behind it is no part of this.
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
    """The input, and below it a line that is there only when there is something to say."""

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
        """The IDs that up and down offer."""
        self._recent = tuple(ids)

    def take_keys(self) -> None:
        """Have what is typed from now on."""
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
        """Up and down offer recent IDs; everything else is not for the box."""
        if event.key in {"up", "down"} and self._recent:
            event.stop()
            step = 1 if event.key == "up" else -1
            self._recent_index = max(-1, min(self._recent_index + step, len(self._recent) - 1))
            self._set(str(self._recent[self._recent_index]) if self._recent_index >= 0 else "")
            self._say("recent, Enter opens it" if self._recent_index >= 0 else "", Role.DIM)
