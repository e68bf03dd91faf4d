"""The app: theme, keymap, screens, and the way snapshots and keys come in. Composes no services."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from math import inf
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.filter import LineFilter, Monochrome, NoColor
from textual.reactive import Reactive

from wfinspect.clock import Clock
from wfinspect.format import shown
from wfinspect.instance import InstanceKey
from wfinspect.notify import Notify
from wfinspect.ui import keys
from wfinspect.ui import theme as themes
from wfinspect.ui.asking_app import AskingApp
from wfinspect.ui.driver import HardenedDriver
from wfinspect.ui.environment import ends_with_ssh
from wfinspect.ui.export import Exports
from wfinspect.ui.key_gate import HOLD_SECONDS
from wfinspect.ui.preferences import Preferences
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.status_text import title
from wfinspect.ui.theme import Look
from wfinspect.ui.widgets.id_box import IdBox
from wfinspect.watching.snapshot import WatchControl

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
        from wfinspect.ui.screens.palette import choices

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
