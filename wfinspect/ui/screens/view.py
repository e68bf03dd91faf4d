"""The base of the views that fill the screen: title, hints, requests to the poller, reading again."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.errors import ServiceError
from wfinspect.format import near_time, shown
from wfinspect.model import InstanceKey, TaskInstance, utc_words
from wfinspect.ui.instance_text import keys_with_words, sentence
from wfinspect.ui.lines import (
    BLANK,
    Line,
    Role,
    Span,
    cell_len,
    crop,
    fit,
    hint_line,
    line,
    spread,
    width_of,
)
from wfinspect.ui.screens.dialogs import (
    MOVE_BINDINGS,
    Choice,
    ChoiceScreen,
    HelpScreen,
    OverMain,
    command_choice,
)
from wfinspect.ui.screens.main import BRIEF_SECONDS, MainScreen
from wfinspect.ui.tasks_text import state_of
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.boxes import MessageLine, StatusLine
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.watching.api import A, Contact, Outcome, Reply, Request, Row
from wfinspect.watching.cadence import FOLLOW_SECONDS

if TYPE_CHECKING:
    from wfinspect.ui.terminal import CrashSafeApp

ATTENDED_SECONDS = 1800.0
"""Without a key for so long nothing is read again: the user is somewhere else."""
MOVES = (("j k", "down, up"), ("PgDn PgUp", "a page down, up"), ("g G", "to the start, the end"))
OTHERS = (("0-9", "look up an ID"), ("Esc", "back"), ("q", "close"), (":", "find a command"))


def bind(keys: str, action: str, words: str = "", shown_as: str = "") -> Binding:
    """Return a binding; with `words` it stands among the hints, one of them for a pair of keys."""
    return Binding(keys, action, words, show=bool(words), key_display=shown_as or keys)


ABOUT_KEYS = ("question_mark", "f1", "colon", "ctrl+p")
"""Show the keys of a view, and find its commands."""
_AT_ONCE = {"again", "undo", "filter", "search", "help", "palette", "turn"}
"""Actions that need no answer."""
Steps = Generator[Request[Any], Any, None]
"""Yields requests, and gets the answer to each in its place."""


class Title(NamedTuple):
    """What a view is about."""

    state: Sequence[Span] = ()
    name: str = ""
    """Gives way where there is little room."""
    whole: str = ""
    """Behind the name, and never cut: an ID."""
    rest: str = ""
    """What of it does not fit is left out, from a comma on."""

    def line(self, width: int) -> Line:
        """Return the title in `width` cells."""
        lead = "  " if self.state else " "
        room = width - width_of(self.state) - cell_len(self.whole) - 5
        name = fit(shown(self.name, limit=200), max(0, room))
        spans: tuple[Span, ...] = (*self.state, (f"{lead}{name}" if name else "", Role.STRONG))
        spans = (*spans, (f"  {self.whole}" if self.whole else "", Role.DIM))
        rest = self.rest and f"  {self.rest}"
        while rest and width_of(spans) + cell_len(rest) > width:
            rest = rest.rpartition(", ")[0]
        return line(*crop((*spans, (rest, Role.DIM)), width))


class OverlayScreen(OverMain):
    """Fills the screen until Esc; a subclass says what is between the title and the hints."""

    CSS_PATH = "views.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar = [
        ("escape", "back", "close"),
        ("q", "dismiss", "close"),
        *MOVE_BINDINGS,
        bind("r", "again", "read again"),
        (",".join(ABOUT_KEYS[:2]), "help", "keys"),
        (",".join(ABOUT_KEYS[2:]), "palette", "find a command"),
    ]
    HOLDS_KEYS: ClassVar[bool] = False
    """Most keys are about an answer, and wait for it."""
    TYPING: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The hints while an input has the keys."""

    if TYPE_CHECKING:

        @property
        def app(self) -> CrashSafeApp: ...  # type: ignore[override] # every view is one of its

    def __init__(self, main: MainScreen) -> None:
        """Create the view; it uses poller, clock and look of the main screen that it lies over."""
        super().__init__()
        self.main = main
        self.control, self.clock = main.control, main.clock
        self._opened_at = main.clock.monotonic()
        self._was_lost = self.is_lost
        self.trouble: ServiceError | None = None
        self.read_at: datetime | None = None
        """When the latest answer was read, which may be long before it was requested."""
        self.top = StatusLine(lambda width: self.title_now().line(width), id="top")
        self.about = MessageLine(main.messages, self._about_line, id="about")
        self.bottom = StatusLine(self._hint_line, id="hints")

    @property
    def as_of(self) -> str:
        """When what is on view was read, and in which zone that is; "" before it was."""
        if self.read_at is None:
            return ""
        zone = self.look.zone
        at = near_time(self.read_at, self.clock.now(), zone, "%H:%M:%S", "%m-%d %H:%M")
        return f"as of {at}, {utc_words(zone, self.read_at)}"

    # What a subclass says.

    parts: Sequence[Widget]
    """What stands between title and hints."""

    def title_now(self) -> Title:
        """Return what the view is about."""
        raise NotImplementedError

    def about_spans(self, _: int) -> Sequence[Span]:
        """Return the line above the hints, at most so many cells of it."""
        return ()

    @property
    def follows(self) -> bool:
        """Whether what is on view may go on changing."""
        return False

    @property
    def words(self) -> Mapping[str, str]:
        """What keys do now where that is not the usual; "" where they do nothing."""
        return {}

    @property
    def again(self) -> tuple[str, str]:
        """The key that requests once more what failed, and what it does."""
        return "r", "reads again"

    def read(self) -> None:
        """Request what is shown."""

    def fill(self) -> None:
        """Show what there is."""

    # What all have in common.

    @property
    def is_lost(self) -> bool:
        """Whether contact is lost: what was going on may have ended since it was read."""
        return self.control.snapshot.health.contact is Contact.NOT_LIVE

    @property
    def look(self) -> Look:
        """How lines are drawn, as things are now."""
        return self.main.look._replace(is_lost=self.is_lost)

    @property
    def as_read(self) -> datetime:
        """Until when what goes on is known to: now, or where contact is lost, when it was read."""
        return self.read_at if self.is_lost and self.read_at else self.clock.now()

    def compose(self) -> ComposeResult:
        yield self.top
        yield from self.parts
        yield self.about
        yield self.bottom

    def on_mount(self) -> None:
        self.set_interval(FOLLOW_SECONDS, self.tick)
        self.action_read()

    def action_read(self) -> None:
        """Read it again."""
        self.read()
        self.refresh_lines()

    def action_again(self) -> None:
        """Read it again, and say so: it may be as it was."""
        self.action_read()
        self.notify("Reading it again.", timeout=BRIEF_SECONDS)

    def tick(self) -> None:
        """Read again what goes on, as long as there are keys for it."""
        since = self.clock.monotonic() - max(self._opened_at, self.main.last_key_at)
        if self.follows and self.is_active and since <= ATTENDED_SECONDS:
            self.read()

    def row(self, key: InstanceKey) -> Row:
        """Return an instance as the poller knows it now, else as the search below this view found it."""
        if (known := self.control.snapshot.rows.get(key)) is not None:
            return known
        stack = takewhile(lambda screen: screen is not self, self.app.screen_stack)
        below = (s.needed() for s in stack if isinstance(s, OverMain))
        found = next((row for row in below if row is not None and row.key == key), Row(key))
        since = (self.clock.now() - found.read_at).total_seconds() if found.read_at else 0.0
        return found._replace(is_live=found.is_live and since <= FOLLOW_SECONDS)

    def needed(self) -> Row | None:
        return self.row(self.subject) if self.subject else None

    @property
    def is_reading(self) -> bool:
        """Whether what keys are about is on its way."""
        return self.trouble is None and self.read_at is None

    def say_none(self, said: str) -> None:
        """Say why a key does nothing: what it is about is on its way, or else `said`."""
        self.notify("It is still being read." if self.is_reading else said)

    def task_state(self, task: TaskInstance) -> Span:
        """Return the state of a task, as titles have it."""
        glyph, word, role = state_of(task, self.look)
        return f" {glyph} {word}", role

    def request(
        self,
        request: Request[A],
        take: Callable[[A], None],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Send a request to the service; `take` gets the answer, `trouble` a failure, while that is wanted."""

        def answer(outcome: Outcome[A]) -> None:
            if not is_wanted():
                return
            self.trouble = outcome if isinstance(outcome, ServiceError) else None
            if isinstance(outcome, Reply):
                self.read_at = outcome.read_at
                take(outcome.value)
            self.refresh_lines()

        self.control.submit(request, partial(self.call_later, answer))

    def request_in_turn(self, steps: Steps) -> None:
        """Send requests, each once the one before is answered; answers to former steps are dropped."""
        self._steps = steps

        def go_on(answer: object = None) -> None:
            with suppress(StopIteration):
                self.request(steps.send(answer), go_on, lambda: steps is self._steps)

        go_on()

    def refresh_lines(self) -> None:
        """Show what there is, and what is said about it."""
        self.fill()
        for each in (self.top, self.about, self.bottom):
            each.update_lines()
        if self.is_active and (self.trouble is not None or not self.is_reading):
            self.app.release_keys("it was not read" if self.trouble is not None else "")

    def waiting_lines(
        self, width: int, what: str = "Reading it from the service..."
    ) -> tuple[Line, ...]:
        """Return what stands where an answer will be, or why there is none."""
        if self.trouble is None:
            return (BLANK, *sentence(what, width))
        said = sentence(str(self.trouble), width, role=Role.TROUBLE)
        return (BLANK, *said, BLANK, *keys_with_words(self.again, width=width))

    def _about_line(self, width: int) -> Line:
        if self.trouble is not None:
            said = f" {self.trouble.cause}, {' '.join(self.again)}"
            return line(*crop(((said, Role.TROUBLE),), width))
        beyond = self.main_part.beyond
        beyond = f" {beyond} " if 0 < len(beyond) < width - 1 else ""
        left = self.about_spans(width - len(beyond))
        return line(*spread(left, ((beyond, Role.TEXT),), width))

    @property
    def _commands(self) -> dict[str, tuple[str, str]]:
        """The keys of this view with action and what they do, its own before those of its bases."""
        own = (one for base in type(self).__mro__ for one in vars(base).get("BINDINGS", ()))
        named = ((b.key_display or b.key, b) for b in own if isinstance(b, Binding) and b.show)
        words = self.words
        found = {key: (each.action, words.get(key, each.description)) for key, each in named}
        return {key: (action, word) for key, (action, word) in found.items() if word}

    @property
    def _hints(self) -> list[tuple[str, str]]:
        return [(key, word) for key, (_, word) in self._commands.items()]

    def _hint_line(self, width: int) -> Line:
        is_typing = isinstance(self.focused, Input)
        own = self.TYPING if is_typing else self._hints
        # To an input a question mark is text.
        keys = {"Esc": self.words.get("Esc", "back"), **dict(own)}
        return hint_line([*keys.items(), ("F1" if is_typing else "?", "keys")], width)

    def on_resize(self) -> None:
        self.refresh_lines()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    @on(LineView.Moved)
    @on(LineView.Scrolled)
    def _update_ends(self) -> None:
        self.about.update_lines()
        self.bottom.update_lines()

    def on_screen_resume(self) -> None:
        """The rows may have changed under another view, where nothing is read."""
        self.snapshot_changed()
        self.refresh_lines()
        if self.read_at and (self.clock.now() - self.read_at).total_seconds() >= FOLLOW_SECONDS:
            self.tick()

    def snapshot_changed(self) -> None:
        if self.is_lost is not self._was_lost:
            self._was_lost = self.is_lost
            self.refresh_lines()
        self.top.update_lines()
        self.call_after_refresh(self.main.note_painted)

    def say_if_useless(self, key: events.Key) -> None:
        # In the list below it may do something.
        self.main.say_if_useless(key)

    def waits(self, key: str) -> bool:
        if not (self.HOLDS_KEYS and self.is_reading):
            return False
        action = bound.binding.action if (bound := self.active_bindings.get(key)) else ""
        # What is known by its key needs no answer, either.
        is_at_once = action in _AT_ONCE or (self.subject and action.startswith("app."))
        return bool(action) and not is_at_once

    def action_back(self) -> None:
        self.dismiss()

    def action_undo(self) -> None:
        """Undo the last edit of the list, where a view makes some."""
        self.main.action_undo()

    @property
    def signs(self) -> Sequence[tuple[str, str]]:
        """What it draws, and what that means."""
        return ()

    def action_help(self) -> None:
        """Show all keys of this view: the last line may have no room for them."""
        typing = {"While typing": self.TYPING} if self.TYPING else {}
        signs = {"Signs": self.signs} if self.signs else {}
        groups = {"Here": self._hints} | signs | typing | {"Move": MOVES, "View": OTHERS}
        self.app.push_screen(HelpScreen(groups, "Keys of this view"))

    def action_palette(self) -> None:
        """Find a command of this view by name."""

        def choices() -> list[Choice]:
            # What is still being read brings more of them.
            return [command_choice(act, word, key) for key, (act, word) in self._commands.items()]

        dialog = ChoiceScreen(choices, "Commands here", "run")
        self.app.push_dialog(dialog, partial(self.call_later, self.run_action))
