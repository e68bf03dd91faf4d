"""An app whose keys go through the gate that tells typing from pasting. Knows no watcher."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import Notify as Notified
from textual.reactive import Reactive
from textual.widgets import Input

from wfinspect.clock import Clock
from wfinspect.format import shown
from wfinspect.model import InstanceKey, Transition
from wfinspect.settings import Notify
from wfinspect.terminal import announcement, ends_with_ssh
from wfinspect.ui import instance_text, keys
from wfinspect.ui import theme as themes
from wfinspect.ui.driver import HardenedDriver
from wfinspect.ui.files import Exports, Preferences, fields
from wfinspect.ui.input import HOLD_SECONDS, KeyGate, Verdict
from wfinspect.ui.instance_text import title
from wfinspect.ui.lines import Role, pad
from wfinspect.ui.screens.dialogs import Choice, Plain
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.terminal import CrashSafeApp
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.boxes import IdBox
from wfinspect.watching.api import Row, Snapshot, WatchControl
from wfinspect.watching.notifications import summary

if TYPE_CHECKING:
    from wfinspect.ui.screens.view import Desk, OverlayScreen


_BREAKS = {"enter": "\r", "ctrl+j": "\n", "tab": "\t"}


class GatedApp(CrashSafeApp):
    """Holds a letter for a moment, and hands pasted text to the ID box."""

    def __init__(
        self,
        clock: Clock,
        hold_seconds: float,
        *,
        environ: Mapping[str, str] | None,
        ascii_only: bool,
    ) -> None:
        super().__init__(environ=environ, ascii_only=ascii_only)
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._gate = KeyGate()
        self._held: events.Key | None = None

    @property
    def id_box(self) -> IdBox | None:
        """Where digits and pasted text go; None while another screen has the keys."""
        return None

    def key_came(self) -> None:
        """A key was pressed."""

    async def on_event(self, event: events.Event) -> None:
        """Send a key on at once, in a moment, or into the ID box."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self.key_came()
        char = _BREAKS.get(event.key) or (event.character if event.is_printable else None)
        if char is None:
            await self._release()
            await super().on_event(event)
            return
        # When it came, not when its turn is: a paste may take the app a while.
        box, now = self.id_box, event.time
        if box is None:
            is_typing = isinstance(self.focused, Input)
            verdict = self._gate.judge_in_view(char, now, is_typing=is_typing)
        else:
            verdict = self._gate.judge(char, now, in_box=box.has_keys)
        match verdict:
            case Verdict.PASS:
                if box is not None and char.isdigit() and not box.has_keys:
                    box.take_keys()
                await super().on_event(event)
            case Verdict.TEXT:
                await self._take_text(event, box)
            case Verdict.HOLD:
                self._hold(event)
            case Verdict.REPEAT:
                await self._release()
                self._hold(event)

    async def _take_text(self, event: events.Key, box: IdBox | None) -> None:
        """Put a part of a paste where text goes: into the ID box, into a view's input, or nowhere."""
        held, self._held = self._held, None
        if box is not None:
            box.insert(self._gate.take_text())
        elif isinstance(self.focused, Input):
            for each in (held, event):
                if each is not None:
                    is_break = each.key in _BREAKS
                    await super().on_event(events.Key("space", " ") if is_break else each)
        elif held is not None:
            self.notify("Pasted text does nothing here.", markup=False, timeout=4)

    def _hold(self, event: events.Key) -> None:
        self._held = event
        if self._hold_seconds > 0:
            self.set_timer(self._hold_seconds, lambda: self._release_held(event))
        else:
            self.call_later(self._release_held, event)

    async def _release_held(self, event: events.Key) -> None:
        if self._held is event:
            await self._release()

    async def _release(self) -> None:
        event, self._held = self._held, None
        if event is not None:
            self._gate.release()
            await super().on_event(event)


MAX_TOASTS = 3
_LONGEST = 1_000


class TellingApp(GatedApp):
    """Tells each thing once, however often a snapshot says it."""

    def __init__(
        self,
        clock: Clock,
        hold_seconds: float,
        *,
        notify: Notify,
        has_bell: bool,
        environ: Mapping[str, str] | None,
        ascii_only: bool,
    ) -> None:
        super().__init__(clock, hold_seconds, environ=environ, ascii_only=ascii_only)
        self._notify = notify
        self.has_bell = has_bell
        self._last_notice = self._last_alert = 0
        self._shown_last: Transition | None = None
        self._store_trouble = ""

    @property
    def ways(self) -> str:
        """How an alert reaches a person, in a few words."""
        ways = ["the bell"] if self.has_bell else []
        ways += [f"OSC {self._notify.osc}"] if self._notify.osc != "off" else []
        ways += [f"the command {shown(self._notify.command[0])}"] if self._notify.command else []
        return ", ".join(ways) or "nothing, since [notify] has all of it off"

    def tell_news(self, snapshot: Snapshot) -> None:
        """Tell what a snapshot holds beyond the former ones."""
        new = [notice for notice in snapshot.notices if notice.number > self._last_notice]
        if new:
            self._last_notice = max(notice.number for notice in new)
            for notice in new[-MAX_TOASTS:]:
                self.tell(notice.text, is_error=notice.is_error)
        trouble, self._store_trouble = self._store_trouble, snapshot.health.store_trouble
        if self._store_trouble and not trouble:
            self.tell(shown(self._store_trouble, limit=400), is_error=True)
        alert = snapshot.alert
        if alert is not None and alert.number > self._last_alert:
            self._call(alert.text)
            # A terminal that takes nothing has dropped it, and gets it once it is back.
            if not self.is_terminal_lost:
                self._last_alert = alert.number
        if not self.is_terminal_lost:
            self._shown_last = next(iter(snapshot.transitions), None)

    def _call(self, text: str) -> None:
        through_tmux = self._notify.tmux_passthrough
        sequence = announcement(self._notify.osc, text, through_tmux=through_tmux)
        # In one piece, of which a terminal that stands still drops all or nothing.
        self._write_to_terminal("\x07" * self.has_bell + sequence)

    def tell_missed(self, snapshot: Snapshot) -> None:
        """Tell in one sentence what changed while the terminal took nothing."""
        missed: list[Transition] = []
        for change in snapshot.transitions:
            if change == self._shown_last:
                break
            missed.insert(0, change)
        if missed:
            self._shown_last = missed[-1]
            self.tell(f"While the terminal stood still: {summary(missed)}.")

    def tell(self, text: str, *, is_error: bool = False) -> None:
        """Say something in a corner for some seconds."""
        self.notify(
            text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...",
            severity="error" if is_error else "information",
            markup=False,
            timeout=20 if is_error else 10,
        )

    def on_notify(self, event: Notified) -> None:
        """Make room for a toast, which Textual then adds; one that says the same gives its place."""
        new = event.notification
        for standing in list(self._notifications):
            if standing.message == new.message:
                self._unnotify(standing, refresh=False)
        if len(self._notifications) >= MAX_TOASTS:
            self.clear_notifications()


class PickingApp(TellingApp):
    """Offers lists over the main screen, and does what was picked."""

    main: MainScreen
    exports: Exports

    @property
    def has_main_screen(self) -> bool:
        """Whether nothing lies over the main screen."""
        return bool(self.screen_stack) and self.screen is self.main

    def action_log(self) -> None:
        """All changes, newest first; Enter opens the instance."""
        if not self.main.snapshot.transitions:
            self.tell("No change was seen yet.")
            return
        hint = "newest first; letters narrow it, Enter opens the instance"
        self.pick(self._events, self._open_chosen, "log of all changes", hint=hint)

    def _events(self) -> tuple[Choice, ...]:
        look, now = self.main.look, self._clock.now()
        # Of what one reading brought to light, the service may know when each happened.
        changes = sorted(self.main.snapshot.transitions, key=lambda change: change.at, reverse=True)
        return tuple(
            Choice(change, left, right, f"{change.name} {change.key.id} {change.to_status}")
            for change in changes
            for left, right in (instance_text.event(change, look, now),)
        )

    def _open_chosen(self, change: Transition | None) -> None:
        if change is not None:
            self.main.open(change.key, take_keys=False)

    def pick(
        self,
        make: Callable[[], Sequence[Choice]],
        answer: Callable[[Any], Any],
        prompt: str,
        **options: Any,  # noqa: ANN401 - those of the screen
    ) -> None:
        """Offer what `make` gives; `answer` gets the value picked, None for none."""
        if self.has_main_screen:
            # Imported when asked for, like the views: the first paint does not wait for it.
            from wfinspect.ui.screens.dialogs import PickScreen

            self.push_screen(PickScreen(make, prompt, **options), answer)

    def renew_screen(self) -> None:
        """Have what lies over the main screen show what there is now."""
        if self.screen_stack and not self.has_main_screen:
            # Loaded by now: each of these screens is one.
            from wfinspect.ui.screens.dialogs import SafeDismiss

            if isinstance(self.screen, SafeDismiss):
                self.screen.renew()

    def action_copy_id(self) -> None:
        """Copy the ID of what is on display or under the cursor."""
        if (row := self.main.needed()) is not None:
            self.tell(f"{row.key.id}: {self.copy(str(row.key.id))}")

    def action_copy_field(self) -> None:
        """Pick a field; Enter copies the whole of it, Tab prints it to be selected."""
        row = self.main.needed()
        if row is None:
            return
        labels = tuple(
            Choice(
                value,
                (
                    (f" {pad(shown(label, limit=100), 15)}", Role.DIM),
                    (shown(value, limit=200), Role.TEXT),
                ),
                (),
                label[:100],
            )
            for label, value in fields(row, self.main.look.zone)
        )
        hint = "Enter copies it whole, Tab shows it as plain text to select"
        self.pick(lambda: labels, self._copy_chosen, "copy a field", hint=hint, has_plain=True)

    def _copy_chosen(self, value: str | Plain | None) -> None:
        if isinstance(value, Plain):
            self.show_plain(value.value)
        elif value is not None:
            self.tell(self.copy(value))

    def action_export(self) -> None:
        """Write the instance on display, or the list where that has the keys, to a file."""
        rows = self.main.exported
        if not any(row.instance for row in rows):
            self.tell("There is nothing to export.")
            return
        goals = {"file": "a file", "clipboard": "the clipboard"}
        kinds = [(kind, goal) for kind in self.exports.formats for goal in goals]
        options = tuple(
            Choice(pair, ((f" {pair[0]} to {goals[pair[1]]}", Role.TEXT),), (), " ".join(pair))
            for pair in kinds
        )
        what = f"ID {rows[0].key.id}" if len(rows) == 1 else f"{len(rows)} instances"

        def export(chosen: tuple[str, str] | None) -> None:
            if chosen is not None:
                self.tell(self._export(rows, *chosen))

        self.pick(lambda: options, export, f"export {what} as")

    def _export(self, rows: Sequence[Row], kind: str, goal: str) -> str:
        text = self.exports.text(kind, rows, self.main.look.zone)
        if goal == "clipboard":
            return self.copy(text)
        what = str(rows[0].key.id) if len(rows) == 1 else "list"
        name = f"wfinspect-{what}-{self._clock.now().astimezone(self.main.look.zone):%Y%m%dT%H%M%S}"
        return self.exports.save(text, name, kind.lower())


class AskingApp(PickingApp):
    """Lays a view over the main screen, about what is on display or under the cursor."""

    _key_at = -inf

    def key_came(self) -> None:
        """Views go on reading while somebody is there."""
        self._key_at = self._clock.monotonic()

    @property
    def desk(self) -> "Desk":
        """What views work with."""
        from wfinspect.ui.screens.view import Desk

        return Desk(
            self.main.control,
            self._clock,
            self.main.look,
            self.copy,
            self.exports.save,
            self.tell,
            lambda: self._key_at,
        )

    def _lay_over(self, view: "OverlayScreen") -> None:
        if self.has_main_screen:
            self.push_screen(view)

    def _subject(self) -> Row | None:
        shown = self.main.displayed
        return shown if shown is not None and not shown.is_watched else self.main.needed()

    def action_tasks(self) -> None:
        """The tasks of an instance."""
        from wfinspect.ui.screens.tasks import TasksScreen

        if (row := self._subject()) is not None:
            self._lay_over(TasksScreen(self.desk, row.key))

    def action_task_log(self) -> None:
        """The log of the task that needs somebody most."""
        from wfinspect.ui.screens.tasks import TasksScreen

        if (row := self._subject()) is not None:
            self._lay_over(TasksScreen(self.desk, row.key, opens_log=True))

    def action_raw(self) -> None:
        """The service's own JSON of an instance, as it was read last."""
        from wfinspect.format import indented
        from wfinspect.ui.screens.text import TextScreen
        from wfinspect.ui.screens.view import Title

        row = self._subject()
        if row is None:
            return
        if row.instance is None or not row.instance.raw:
            self.tell("It has not been read yet.")
            return
        title = Title((), row.instance.name, str(row.key.id), "the service's JSON")
        text = indented(row.instance.raw)
        file = f"wfinspect-{row.key.id}"
        self._lay_over(TextScreen(self.desk, title, text, file=file, ending="json"))

    def action_compare(self) -> None:
        """What is on display beside the row under the cursor; one alone beside its last success."""
        from wfinspect.ui.screens.compare import CompareScreen

        if (row := self._subject()) is None:
            return
        shown = self.main.displayed
        other = row.key if shown is not None and row.key != shown.key else None
        self._lay_over(CompareScreen(self.desk, shown.key if shown else row.key, other))

    def action_find(self) -> None:
        """Find instances, at first around the one on display or under the cursor, in its account."""
        from wfinspect.ui.screens.find import FindScreen

        row = self.main.command_row
        if self.has_main_screen:
            where = row.key.target if row else self.main.control.target
            view = FindScreen(self.desk, where, row.instance if row else None)
            self.push_screen(view, self._open_found)

    def _open_found(self, key: InstanceKey | None) -> None:
        if key is not None:
            self.main.open(key, take_keys=False)


AUTO = "auto"
SECOND_PRESS_SECONDS = 3.0
MAX_SENTENCES = 3
"""So many of one kind fit into a toast at 80x24."""

_logger = logging.getLogger(__name__)


class WfInspectApp(AskingApp):
    """The face of a watcher on a terminal."""

    TITLE = "wfinspect"
    # Textual loads the styles of every screen but the first.
    CSS_PATH = "screens/main.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    # Textual styles and paints everything anew when the terminal's window loses the focus or gets it
    # back: 28 kB whenever somebody looks at another window of tmux.
    app_focus = Reactive(True, repaint=False)  # noqa: FBT003 - Textual's signature
    BINDINGS: ClassVar[list[BindingType]] = [c.binding() for c in keys.COMMANDS if c.is_app]

    def __init__(  # noqa: PLR0913 - the composition root hands in what the app must not make itself
        self,
        control: WatchControl,
        *,
        clock: Clock,
        zone: tzinfo,
        on_ready: Callable[[], None],
        theme: str = "auto",
        ascii_only: bool = False,
        open_keys: Sequence[InstanceKey] = (),
        is_demo: bool = False,
        keymap: Mapping[str, str] | None = None,
        notify: Notify | None = None,
        preferences: Preferences | None = None,
        exports: Exports | None = None,
        has_mouse: bool = False,
        environ: Mapping[str, str] | None = None,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        """Create the app.

        Args:
            control: the watcher.
            clock: the only source of time.
            zone: the zone that times are shown in.
            on_ready: called once after the first paint.
            theme: ``auto``, one of ours, or one of Textual's.
            ascii_only: glyphs and drawings in ASCII.
            open_keys: the first is opened, all are watched.
            is_demo: say so in place of the profile.
            keymap: the [keys] table of config.toml.
            notify: which ways to a person are open.
            preferences: what was chosen on the screen before.
            exports: how instances leave the app.
            has_mouse: mouse reports are on at start.
            environ: tells where copies go.
            hold_seconds: how long a letter waits for the rest of a paste.
        """
        notify, self._preferences = notify or Notify(), preferences or Preferences()
        bell = self._preferences.get("bell", "on" if notify.bell else "off")
        super().__init__(
            clock,
            hold_seconds,
            notify=notify,
            has_bell=bell == "on",
            environ=environ,
            ascii_only=ascii_only,
        )
        self.exports = exports or Exports({})
        self._had_mouse = self._has_mouse = has_mouse
        self._control = control
        self._on_ready: Callable[[], None] | None = on_ready
        self._open_keys = tuple(open_keys)
        self._is_pinged = False
        self._interrupted_at = -inf
        self._keys, self._useless_keys = keys.usable_keys(keymap or {})
        self._wanted_theme = theme
        for own in themes.THEMES:
            self.register_theme(own)
        glyphs = themes.ASCII_GLYPHS if ascii_only else themes.GLYPHS
        prompt = themes.ASCII_PROMPT if ascii_only else themes.PROMPT
        self.main = MainScreen(
            control,
            clock,
            Look(glyphs, prompt, zone),
            keymap=self._keys,
            preferences=self._preferences,
            is_demo=is_demo,
        )
        self._show_flags()
        self.theme = self._pick_theme()
        self.set_keymap(self._keys)

    def _pick_theme(self) -> str:
        kept = self._preferences.get("theme", AUTO)
        # Every other theme tells the cursor's row by a background, which NO_COLOR takes away.
        for wanted in () if self.no_color else (self._wanted_theme, kept):
            if wanted in self.available_themes:
                return wanted
        system = self.console.color_system
        return themes.automatic(no_color=self.no_color, color_system=system)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours, for the themes that do not name them."""
        return dict(themes.DEFAULT_VARIABLES)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """NO_COLOR means none, not grey; which filter does that hangs on a theme set only later."""
        filters = super().get_line_filters()
        if not (self.no_color and self.native_ansi_color):
            return filters
        return [NoColor() if isinstance(one, Monochrome) else one for one in filters]

    def get_default_screen(self) -> MainScreen:
        """The main screen."""
        return self.main

    @property
    def id_box(self) -> IdBox | None:
        """The ID box, while it may have the keys."""
        return self.main.id_box if self.has_main_screen and not self.main.filter.has_keys else None

    def key_came(self) -> None:
        """A person is there."""
        super().key_came()
        self._control.touch()

    def _watch_app_focus(self, focus: bool) -> None:  # noqa: FBT001 - Textual calls it
        del focus

    def on_mount(self) -> None:
        """Paint what is known, say what to open, and let the watcher start once that is painted."""
        self._control.subscribe(self._ping)
        if ends_with_ssh(self._environ) and not self._preferences.get("told-of-ssh", ""):
            self._preferences.set("told-of-ssh", "yes")
            self.tell("Closing SSH ends the watch: start it inside tmux or screen to leave it on.")
        if self._open_keys:
            self._control.watch(self._open_keys)
            self.main.open(self._open_keys[0], take_keys=False)
        self._take_snapshot()
        if self._wanted_theme not in {*self.available_themes, "auto"}:
            self.tell(f"There is no theme {self._wanted_theme!r}.", is_error=True)
        for sentence in self._useless_keys:
            _logger.warning("[keys] in config.toml: %s", sentence)
        if self._useless_keys:
            # One toast: of several each would push out the one before.
            more = len(self._useless_keys) - MAX_SENTENCES
            rest = [f"{more} more are in wfinspect.log."] if more > 0 else []
            said = [*self._useless_keys[:MAX_SENTENCES], *rest]
            self.tell("\n".join(["[keys] in config.toml:", *said]), is_error=True)
        if self._preferences.trouble:
            self.tell(shown(self._preferences.trouble, limit=400), is_error=True)

    def post_display_hook(self) -> None:
        """Let the watcher start with the first frame: the next one is a tick of the screen later."""
        on_ready, self._on_ready = self._on_ready, None
        if on_ready is not None:
            on_ready()

    def _ping(self) -> None:
        # From the poller's thread. One ping is outstanding at most: the newest snapshot is taken.
        if not self._is_pinged:
            self._is_pinged = True
            self.call_later(self._take_snapshot)

    def _take_snapshot(self) -> None:
        self._is_pinged = False
        snapshot = self._control.snapshot
        self.main.show(snapshot)
        self.renew_screen()
        self.tell_news(snapshot)
        self.set_window_title(title(snapshot.health.contact, self.main.counts, self.main.unseen))

    @on(HardenedDriver.Recovered)
    def _terminal_is_back(self) -> None:
        snapshot = self._control.snapshot
        self.tell_missed(snapshot)
        self.tell_news(snapshot)

    def action_help(self) -> None:
        """Show all keys."""
        from wfinspect.ui.screens.dialogs import HelpScreen, all_keys

        self.push_screen(HelpScreen(all_keys(self._keys)))

    def action_redraw(self) -> None:
        """Paint all of it again: something else has written on the terminal."""
        self.paint_anew()

    def action_palette(self) -> None:
        """Find a command by name."""
        from wfinspect.ui.screens.dialogs import choices

        if self.has_main_screen:
            names = [AUTO, *(own.name for own in themes.THEMES)]
            self.pick(lambda: choices(self._keys, names), self._run_chosen, "type a command")

    async def _run_chosen(self, action: str | None) -> None:
        if action is not None:
            await self.main.run_action(action)

    def action_use_theme(self, name: str) -> None:
        """Change the colours, and keep them."""
        self._preferences.set("theme", name)
        self._wanted_theme = name
        self.theme = self._pick_theme()

    def action_ring(self) -> None:
        """Ring for what is told, or don't."""
        self.has_bell = not self.has_bell
        self._preferences.set("bell", "on" if self.has_bell else "off")
        self._show_flags()

    def action_try_alert(self) -> None:
        """Call for a person as a failure would, and say by which ways."""
        self._control.try_alert()
        self.tell(f"Trying {self.ways}: see what comes within some seconds.")

    def action_mouse(self) -> None:
        """Take the mouse, or leave it to the terminal."""
        self._has_mouse = not self._has_mouse
        self.set_mouse(enabled=self._has_mouse)
        self._show_flags()

    def _show_flags(self) -> None:
        flags = [] if self.has_bell else ["bell off"]
        if self._has_mouse != self._had_mouse:
            flags.append("mouse on" if self._has_mouse else "mouse off")
        self.main.show_flags(flags)

    def action_ask_quit(self) -> None:
        """Quit; ask first if there is something nobody has seen."""
        if self.main.unseen:
            from wfinspect.ui.screens.dialogs import QuitScreen

            self.push_screen(QuitScreen(self.main.unseen), self._answered)
        else:
            self.exit()

    def _answered(self, is_yes: bool | None) -> None:  # noqa: FBT001 - Textual calls it
        if is_yes:
            self.exit()

    def action_interrupt(self) -> None:
        """Quit on the second press: the first may be a habit."""
        now = self._clock.monotonic()
        if now - self._interrupted_at <= SECOND_PRESS_SECONDS:
            self.exit()
        else:
            self._interrupted_at = now
            self.tell("ctrl+c once more quits.")
