"""The filter of the list, in the line of the ID box while it has the keys. Filters nothing itself."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from wfinspect.ui.lines import Role, line
from wfinspect.ui.widgets.line_view import StaticLines

_LIMIT = 100


class FilterBox(Horizontal):
    """Tells each change at once; Enter keeps the filter, Esc clears it."""

    class Changed(Message):
        """Another filter is wanted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
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
        """Appear, and have what is typed from now on."""
        self.display = True
        self.screen.set_focus(self._input)

    def clear(self) -> None:
        """Let every row through again."""
        self._input.value = ""

    @on(Input.Changed)
    def _tell(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value.strip()))

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        """Esc clears; other keys that are no text are not for the box."""
        if event.key == "escape":
            event.stop()
            self.clear()
            self.post_message(self.Left())

    def on_descendant_blur(self) -> None:
        """Whoever took the keys away, the line is free again."""
        self.display = False
        self.post_message(self.Closed())
