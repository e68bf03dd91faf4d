"""The app: keys go in, snapshots of the watch come out, and commands open lists and views."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.theme import Theme
from textual.widgets import Input

from wfinspect.clock import Clock
from wfinspect.errors import ServiceError
from wfinspect.export import BY_HAND, commands_by_hand
from wfinspect.format import indented, shown
from wfinspect.model import (
    Family,
    Follow,
    InstanceKey,
    Page,
    Target,
    TaskInstance,
    failed_tasks,
)
from wfinspect.settings import Settings
from wfinspect.terminal import announcement, ends_with_ssh
from wfinspect.ui import instance_text, keys
from wfinspect.ui import theme as themes
from wfinspect.ui.driver import HardenedDriver
from wfinspect.ui.files import FORMATS, Preferences, as_text, fields
from wfinspect.ui.input import MAX_PASTE, PasteCut
from wfinspect.ui.lines import Role, pad
from wfinspect.ui.rows import is_own, signs, whose
from wfinspect.ui.screens.dialogs import (
    NOTHING_FOUND,
    ChangesScreen,
    Choice,
    ChoiceScreen,
    HelpScreen,
    NoteScreen,
    OverMain,
    QuitScreen,
    SheetScreen,
    all_keys,
    command_choices,
)
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.terminal import CrashSafeApp
from wfinspect.ui.widgets.boxes import MAX_MESSAGES, LineInput, MessageLine, read_entry
from wfinspect.watching.api import (
    INCIDENT_CALLS,
    IncidentOf,
    Outcome,
    Row,
    Snapshot,
    TasksOf,
    follow_of,
)
from wfinspect.watching.lookups import query_of_workflow
from wfinspect.watching.notifications import NoticeReader
from wfinspect.watching.poller import Poller

if TYPE_CHECKING:
    from textual.widget import Widget


AUTO = "auto"
SECOND_PRESS_SECONDS = 3.0
MAX_SENTENCES = 3
"""So many of one kind are said at once."""
_MAX_MESSAGE = 1_000
_LONGEST_LINE = 1_000
"""Characters in a box that sets no limit of its own."""

_logger = logging.getLogger(__name__)


REPORTS = {"report, Markdown": "markdown", "report, HTML": "html", "report, JSON": "json"}
"""What the forms of a report are called."""

_READING = "Reading what the report needs..."


_OF_FAILED = "its failed tasks: reads them first, 1 call"


class WfInspectApp(CrashSafeApp):
    """Shows what the poller's thread finds, and passes on what the user wants of it."""

    TITLE = "wfinspect"
    # Textual loads the styles of every screen but the first.
    CSS_PATH = "screens/main.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [c.binding() for c in keys.COMMANDS if c.is_app]

    def __init__(
        self,
        control: Poller,
        *,
        clock: Clock,
        settings: Settings,
        on_ready: Callable[[], None],
        open_keys: Sequence[InstanceKey] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Create the app.

        Args:
            control: the poller.
            clock: the only source of time.
            settings: what is in force, and where preferences are kept; `mouse` is taken as off where it is None.
            on_ready: called once after the first paint.
            open_keys: all are watched, the cursor is put on the first.
            environ: decides where copies and files go.
        """
        super().__init__(environ=environ, ascii_only=settings.ascii)
        self._control = control
        self._clock = clock
        self._settings = settings
        self._on_ready: Callable[[], None] | None = on_ready
        self._preferences = Preferences(settings.paths.state_dir)
        self._open_keys = tuple(open_keys)
        self._keys, self._useless_keys = keys.usable_keys(settings.keys)
        self._has_mouse = self._had_mouse = bool(settings.mouse)
        bell = self._preferences.get("bell", "on" if settings.notify.bell else "off")
        self._has_bell = bell == "on"
        self._is_pinged = False
        self._notices = NoticeReader()
        """The message that is true only until the next change."""
        self._way: Widget | None = None
        self._on_their_way: list[events.Key | events.Paste] = []
        """What was typed, sent to `_way` and has not come round to act."""
        self._held: Sequence[events.Key | events.Paste] = ()
        """Keys that wait for what the screen on top reads, and all behind them."""
        self._held_said = ""
        self._last_alert = 0
        self._interrupted_at = -inf
        self._searched: dict[Target, tuple[str, str]] = {}
        """For what was searched last."""
        self._left_notes: dict[str, str] = {}
        self._wanted_theme = settings.theme
        for own in self._own_themes:
            self.register_theme(own)
        self.main = MainScreen(
            control,
            clock,
            themes.look_for(settings.zone, is_ascii=settings.ascii),
            keymap=self._keys,
            preferences=self._preferences,
        )
        self._show_flags()
        self.theme = self._styled_theme = self._usable_theme()
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_keymap(self._keys)

    # Start, and the snapshots.

    def get_default_screen(self) -> MainScreen:
        """Return the main screen."""
        return self.main

    def on_mount(self) -> None:
        """Paint what is known, say what to open, and let the poller start once that is painted."""
        self._control.subscribe(self._ping)
        if ends_with_ssh(self.environ) and not self._preferences.get("told-of-ssh", ""):
            self._preferences.set("told-of-ssh", "yes")
            self.notify(
                "Closing SSH ends the watch: start it inside tmux or screen to leave it on."
            )
        self._take_snapshot()
        if self._open_keys:
            self._control.watch(self._open_keys, is_undoable=False)
            is_alone = len(self._open_keys) == 1
            self.main.look_up(self._open_keys[0], is_alone=is_alone, is_watched=True)
        if self._wanted_theme not in {*self.available_themes, AUTO}:
            self.notify(f"There is no theme {self._wanted_theme!r}.", severity="error")
        if self._useless_keys:
            self._report_useless_keys()
        if self._preferences.trouble:
            self.notify(shown(self._preferences.trouble, limit=400), severity="error")

    def _report_useless_keys(self) -> None:
        for sentence in self._useless_keys:
            _logger.warning("[keys] in config.toml: %s", sentence)
        # One message: of several each would push out the one before.
        more = len(self._useless_keys) - MAX_SENTENCES
        rest = [f"{more} more are in wfinspect.log."] if more > 0 else []
        sentences = ["[keys] in config.toml:", *self._useless_keys[:MAX_SENTENCES], *rest]
        self.notify("\n".join(sentences), severity="error")

    def post_display_hook(self) -> None:
        """Let the poller start with the first frame: the next one is a tick of the screen later."""
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
        if self.screen_stack and isinstance(self.screen, OverMain):
            self.screen.snapshot_changed()
        self._notify_news(snapshot)
        contact, unseen = snapshot.health.contact, self.main.unseen
        self.set_window_title(instance_text.title(contact, self.main.counts, unseen))

    # Keys and pastes: digits and pastes go to the ID box from anywhere.

    async def on_event(self, event: events.Event) -> None:
        """Send a key or a paste to where it belongs."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self.main.key_pressed()
            if self.main.messages.key_pressed():
                self._show_messages()
            if await self._has_sent_behind(event):
                return
            # A screen that has just been opened has given the keys to no part of it.
            way = self.focused or self.screen
            if isinstance(event, events.Paste):
                # Behind keys that are held it waits as they do, and comes round.
                event = event if self._held else self._placed(event)
            elif not (self._is_for_box(event) or isinstance(way, Input)):
                await super().on_event(event)
                # One that a binding with priority has taken does not come round.
                self._way, self._on_their_way = way, [event] * event.is_forwarded
                return
        elif isinstance(event, events.Key | events.Paste) and self._is_used(event):
            return
        await super().on_event(event)

    def _is_used(self, key: events.Key | events.Paste) -> bool:
        """Return whether what has come round is text, or waits; where a key does nothing say so."""
        if key in self._on_their_way:
            self._on_their_way.remove(key)
        if isinstance(key, events.Paste):
            self._take_paste(key)
            return True
        if self._is_text_of_box(key) or self._is_held(key):
            return True
        if isinstance(self.screen, MainScreen | OverMain):
            self.screen.say_if_useless(key)
        return False

    def _is_held(self, key: events.Key) -> bool:
        """Keep a key that is about what the screen on top still reads, and what is typed behind it."""
        is_way_out = key.key in {"escape", "q"} or key.key.startswith("ctrl+")
        waits = isinstance(self.screen, OverMain) and self.screen.waits(key.key)
        if not is_way_out and (self._held or waits):
            self._hold([*self._held, events.Key(key.key, key.character)])
            return True
        self._hold(())
        return False

    def _take_paste(self, paste: events.Paste) -> None:
        """Take a paste that was on its way behind keys: it is for what they have opened, or waits as they do."""
        if self._held:
            self._hold([*self._held, events.Paste(paste.text)])
            return
        paste = self._placed(paste)
        if isinstance(self.focused, Input):
            # At once, as the keys behind it act.
            self.focused._on_paste(paste)  # noqa: SLF001 - it has no public name

    def _hold(self, keys: Sequence[events.Key | events.Paste]) -> None:
        """Have keys wait, in place of those that do, and say so."""
        if self._held:
            self._forget(self._held_said)
        self._held = keys
        if keys:
            named = " ".join(map(_name_of, keys))
            self._held_said = f"Once it is read: {shown(named, limit=40)}"
            self.notify(self._held_said)

    def release_keys(self, why_not: str = "") -> None:
        """Send the keys that were held on their way, once what they wait for was read; or say why they are dropped."""
        held, said = self._held, self._held_said
        self._hold(())
        if why_not and held:
            self.notify(f"Not done, as {why_not}: {said.partition(': ')[2]}")
        elif held:
            self._way, self._on_their_way = self.focused or self.screen, [*held]
            for key in held:
                self._way._forward_event(key)  # noqa: SLF001 - it has no public name

    async def _has_sent_behind(self, key: events.Key | events.Paste) -> bool:
        """Send a key or a paste the way of those that have not come round: what they open is to get it, in their order."""
        way = self._way
        if not self._on_their_way or way is None or not way.is_attached:
            return False
        if isinstance(key, events.Paste) or not await self._check_bindings(key.key, priority=True):
            self._on_their_way.append(key)
            way._forward_event(key)  # noqa: SLF001 - it has no public name
        return True

    def _is_text_of_box(self, key: events.Key) -> bool:
        """Take a key that was on its way when the one before it gave the keys to a box: a slow link bunches keys."""
        self._is_for_box(key)
        box, char = self.focused, key.character or ""
        if isinstance(box, LineInput) and box.handles(key.key):
            return True
        if not key.is_printable or not isinstance(box, Input):
            return False
        is_text = box.check_consume_key(key.key, char)
        if is_text:
            box.replace(char, *sorted(box.selection))
        elif self.main.id_box.refuses(key):
            self.notify("Digits only, 100..120 is a range; Esc leaves the box.")
            return True
        return is_text

    def _is_for_box(self, key: events.Key) -> bool:
        """Give the ID box the keys at a digit, unless that is text or waits as the keys before it do."""
        is_digit = key.is_printable and (key.character or "").isdigit()
        return is_digit and not self._held and self._has_given_box_keys()

    def _has_given_box_keys(self) -> bool:
        """Give the ID box the keys, to which views give way, unless a question or another box has them."""
        is_view = not isinstance(self.screen, MainScreen | SheetScreen)
        if (is_view or isinstance(self.screen, HelpScreen)) and not isinstance(self.focused, Input):
            self.main.set_aside(None)
        is_free = self._is_main_on_top and not self.main.filter.input.has_keys
        if is_free:
            self.main.id_box.take_keys()
        return is_free

    def _placed(self, paste: events.Paste) -> events.Paste:
        """Give the ID box the keys if a paste is for that; else return the one line that fits where they are."""
        is_for_box = self._is_main_on_top or read_entry(paste.text).ids
        if is_for_box and self._has_given_box_keys():
            return paste
        box = self.focused
        if not isinstance(box, Input):
            self.notify("Pasted text does nothing here.")
            return events.Paste("")
        text = " ".join(paste.text.replace("\t", " ").splitlines())
        room = max(0, (box.max_length or _LONGEST_LINE) - len(box.value) + len(box.selected_text))
        if len(text) > room:
            self.notify(f"The paste is too long: only {room} characters of it fit here.")
        return events.Paste(text[:room])

    @on(PasteCut)
    def _report_cut_paste(self, event: PasteCut) -> None:
        kept = f"{MAX_PASTE // 1024} KiB were taken, {event.left_out:,} bytes left out"
        self.notify(f"The paste is too long: {kept}.", severity="error")

    # Notifications: each once, however often a snapshot holds it.

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say something on the last line until the next key; `timeout` is for what is true no longer."""
        del title, markup
        text = message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}..."
        self.main.messages.say(text, Role.ALARM if severity == "error" else Role.STRONG)
        self._show_messages()
        if timeout is not None:
            self.set_timer(timeout, lambda: self._forget(text))

    def _forget(self, text: str) -> None:
        self.main.messages.forget(text)
        self._show_messages()

    def _show_messages(self) -> None:
        for screen in self.screen_stack if self.is_running else ():
            for each in screen.query(MessageLine):
                each.update_lines()

    def _notify_news(self, snapshot: Snapshot) -> None:
        """Notify what a snapshot holds beyond the former ones."""
        for notice in self._notices.new(snapshot)[-MAX_MESSAGES:]:
            self.notify(notice.text, severity="error" if notice.is_error else "information")
            if notice.key is not None and self.main.is_mounted and self._is_main_on_top:
                self.main.go_back_to(notice.key)
        alert = snapshot.alert
        if alert is not None and alert.number > self._last_alert:
            self._alert(alert.text)
            # A terminal that takes nothing has dropped it, and gets it once it is back.
            if not self.is_terminal_lost:
                self._last_alert = alert.number

    def _alert(self, text: str) -> None:
        table = self._settings.notify
        sequence = announcement(table.osc, text, through_tmux=table.tmux_passthrough)
        # In one piece, of which a terminal that stands still drops all or nothing.
        self._write_to_terminal("\x07" * self._has_bell + sequence)

    @on(HardenedDriver.Recovered)
    def _terminal_is_back(self) -> None:
        """Ring for what the terminal did not take."""
        self._notify_news(self._control.snapshot)

    def action_ring(self) -> None:
        """Turn the bell on or off."""
        self._has_bell = not self._has_bell
        self._preferences.set("bell", "on" if self._has_bell else "off")
        self._show_flags()

    def action_try_alert(self) -> None:
        """Notify as for a failure, and say by which ways."""
        self._control.try_alert()
        table = self._settings.notify
        ways = ["the bell"] if self._has_bell else []
        ways += [f"OSC {table.osc}"] if table.osc != "off" else []
        ways += [f"the command {shown(table.command[0])}"] if table.command else []
        by = ", ".join(ways) or "nothing, since [notify] has all of it off"
        self.notify(f"Trying {by}: see what comes within some seconds.")

    # Lists to choose from.

    def _needed(self) -> Row | None:
        """Return the row that commands are about: that under the cursor of the list, or of a search."""
        on_top = self.screen
        row = on_top.needed() if isinstance(on_top, MainScreen | OverMain) else None
        if row is None and isinstance(on_top, OverMain):
            self.notify(NOTHING_FOUND)
        return row

    @property
    def _is_main_on_top(self) -> bool:
        return bool(self.screen_stack) and self.screen is self.main

    def action_log(self) -> None:
        """Show all changes, newest first; Enter goes to the instance."""
        if not self.main.snapshot.transitions:
            self.notify("No change was seen yet.")
            return
        self.push_screen(ChangesScreen(self._changes, self.main.look_up))

    def _changes(self) -> tuple[Choice, ...]:
        look, now = self.main.look, self._clock.now()
        # Several changes may come to light in one reading, and the service may know when each happened.
        changes = sorted(self.main.snapshot.transitions, key=lambda change: change.at, reverse=True)
        return tuple(
            Choice(
                each,
                *instance_text.event(each, look, now),
                f"{each.name} {each.key.id} {each.to_status}",
            )
            for each in changes
        )

    def action_palette(self) -> None:
        """Find a command by name."""
        names = [AUTO, *(own.name for own in self._own_themes)]
        make = partial(command_choices, self._keys, names)
        # In a narrow screen it may cover the list.
        title = f"Commands for {whose([row])}" if (row := self.main.list.chosen) else "Commands"
        dialog = ChoiceScreen(make, title, "run")
        self.push_dialog(dialog, partial(self.call_later, self.main.run_action))

    # Copies and exports of the row that commands are about.

    def action_copy_id(self) -> None:
        """Copy the IDs of the marked rows, one a line, else that of the row under the cursor."""
        on_top = self.screen
        marked = on_top.marked if isinstance(on_top, MainScreen | OverMain) else ()
        if rows := marked or [row for row in (self._needed(),) if row is not None]:
            what = rows[0].key.id if len(rows) == 1 else f"{len(rows):,} IDs"
            self.notify(f"{what}: {self.copy(chr(10).join(str(row.key.id) for row in rows))}")

    def action_copy_field(self) -> None:
        """Choose a field; Enter copies the whole of it."""
        row = self.main.needed()
        if row is None:
            return
        choices = tuple(
            Choice(
                (label.strip(), value),
                (
                    (f" {pad(shown(label, limit=100), 15)}", Role.DIM),
                    (shown(value or _OF_FAILED, limit=2000), Role.TEXT),
                ),
                (),
                f"{label[:100]}{' command' * (label in BY_HAND)}",
            )
            for label, value in self._copyable(row)
        )
        title, does = f"Copy a field of {whose([row])}", "copy it whole"
        dialog = ChoiceScreen(lambda: choices, title, does, is_wide=True)
        self.push_dialog(dialog, partial(self._copy_chosen, row))

    def _copyable(self, row: Row) -> Iterator[tuple[str, str | None]]:
        """Yield what may be copied: where tasks have failed, first what a user can do about them by hand.

        None stands for what is made of tasks that are not all known.
        """
        instance, outlook = row.instance, row.outlook
        if instance is not None:
            failed = failed_tasks(outlook.foremost)
            total = outlook.progress.failed if outlook.progress else 0
            if failed and len(failed) == total:
                yield from commands_by_hand(row.key.target, instance, failed).items()
            elif total or row.family is Family.FAILURE:
                yield from dict.fromkeys(BY_HAND).items()
            if link := self._settings.link_to(row.key.target, instance):
                yield "Link", link
        yield from fields(row, self.main.look.zone)

    def _copy_chosen(self, row: Row, choice: tuple[str, str | None]) -> None:
        label, value = choice

        def copy(text: str) -> None:
            self.notify(f"{shown(label, limit=40)} of {row.key.id}: {self.copy(text)}")

        def take(outcome: Outcome[Page[TaskInstance]]) -> None:
            if isinstance(outcome, ServiceError):
                self.notify(f"Nothing was copied: {outcome}", severity="error")
                return
            failed, instance = failed_tasks(outcome.value.items), row.instance
            texts = commands_by_hand(row.key.target, instance, failed) if instance else {}
            if label in texts:
                copy(texts[label])
            else:
                self.notify("Nothing was copied: no task has failed.")

        if value is None:
            self._control.submit(TasksOf(row.key), partial(self.call_later, take))
        else:
            copy(value)

    def action_note(self) -> None:
        """Write a note about the row under the cursor."""
        row = self._needed()
        if row is None:
            return

        def written(text: str) -> None:
            note = text.strip()
            if not row.is_watched and note:
                self.main.start_watching([row], ", with its note")
            elif note == row.note:
                self.notify("Nothing was changed.")
            else:
                self.notify(f"Note {'kept' if note else 'removed'}, u undoes it.")
            # One edit puts it on the list with its note, and one takes it off.
            self._control.note(row.key, text, is_undoable=row.is_watched)

        keeps = "keep" if row.is_watched else "watch it with this note"
        self.push_dialog(NoteScreen(whose([row]), row.note, keeps, self._left_notes), written)

    def action_follow(self) -> None:
        """Follow the workflow of the row under the cursor, or end that."""
        row = self._needed()
        if row is None or not self.main.is_read(row, self.action_follow):
            return
        instance = row.instance
        if instance is None or (query := query_of_workflow(instance)) is None:
            self.notify("It can't be followed: what it is a run of is not known.")
            return
        name = shown(instance.name, limit=60)
        follow = follow_of(row, self.main.snapshot.follows)
        if follow is None:
            self._control.follow(row.key.target, query)
            self.notify(f"Following {name}: its new runs join the list, W stops that.")
        elif is_own(row, follow):
            self.action_unfollow(follow.number)
        else:
            called = self._called(follow)
            self.notify(
                f"{name} is followed already, by {called}: `follows` in the palette stops that."
            )

    def action_follows(self) -> None:
        """Show what is followed; Enter ends one."""
        if not self.main.snapshot.follows:
            self.notify("Nothing is followed: W follows the workflow of a row.")
            return

        def choices() -> tuple[Choice, ...]:
            called = [(each, self._called(each)) for each in self.main.snapshot.follows]
            return tuple(Choice(f, ((f" {name}", Role.TEXT),), (), name) for f, name in called)

        dialog = ChoiceScreen(choices, "What is followed", "end it", is_wide=True)
        self.push_dialog(dialog, lambda follow: self.action_unfollow(follow.number))

    def _called(self, follow: Follow) -> str:
        """Return a query, behind the name of a run on the list where it follows one workflow."""
        query, rows = follow.query, self.main.snapshot.rows if follow.query.workflow_id else ()
        names = (r.instance.name for r in rows if r.instance and follow_of(r, [follow]))
        name, words = next(filter(None, names), follow.name), shown(query.words(), limit=100)
        return f"{shown(name, limit=60)}, {words}" if name else words

    def action_unfollow(self, number: int) -> None:
        """Ask what becomes of the rows that a follow brought, and end it."""
        # As a view knows it, which may be ahead of this screen; another process may have ended it.
        follows = self._control.snapshot.follows
        if (follow := next((each for each in follows if each.number == number), None)) is None:
            return
        count = sum(each.follow == number for each in self.main.snapshot.rows)
        rows = "its row" if count == 1 else f"its {count} rows"
        words = {False: f"end it, keep {rows}", True: f"end it, remove {rows}"}
        choices = tuple(
            Choice((with_rows,), ((f" {text}", Role.TEXT),), (), text)
            for with_rows, text in (words if count else {False: "end it"}).items()
        )

        def chosen(answer: tuple[bool]) -> None:
            others = [each for each in follows if each != follow]
            runs = (row for row in self.main.snapshot.rows if follow_of(row, [follow]))
            other = next(filter(None, (follow_of(row, others) for row in runs)), None)
            self._control.unfollow(number, with_rows=answer[0])
            restored = f" and restores {rows}" if answer[0] else ""
            ended = f"Not followed any more, u follows it again{restored}."
            still = f" Runs of it are still followed by {self._called(other)}." if other else ""
            self.notify(ended + still)

        title = f"End the follow of {self._called(follow)}"
        self.push_dialog(ChoiceScreen(lambda: choices, title, "do it"), chosen)

    def action_export(self) -> None:
        """Write the row under the cursor, or all of the list, to a file."""
        row, every = self.main.needed(), tuple(self.main.list.items)
        if row is None:
            return
        wanted = self.main.marked or (row,)
        read = [each for each in wanted if each.instance]
        if not self.main.is_read((read or wanted)[0], self.action_export):
            return
        goals = {"file": "a file", "clipboard": "the clipboard"}
        scopes = {"": wanted, f"all {len(every)} rows: ": every}
        choices = tuple(
            Choice((rows, kind, goal), ((f" {text:35}", Role.TEXT), (cost, Role.DIM)), (), text)
            for what, rows in scopes.items()
            # Reports of all rows would take many minutes of calls.
            for kind in (*(() if what else REPORTS), *FORMATS)
            for goal in goals
            for text in (f"{what}{kind} to {goals[goal]}",)
            for cost in (
                f"at most {len(rows) * INCIDENT_CALLS} calls, +1 a failed task" * (kind in REPORTS),
            )
        )
        title = f"Export {whose(wanted)}"
        dialog = ChoiceScreen(lambda: choices, title, "export", is_wide=True)
        self.push_dialog(dialog, lambda chosen: self._export(*chosen))

    def _export(self, rows: Sequence[Row], kind: str, goal: str) -> None:
        if kind in REPORTS:
            self._report(rows, kind, goal)
        else:
            text = as_text(kind, rows, self.main.look.zone)
            self.notify(self._put(text, rows, "", kind.lower(), goal))

    def _put(self, text: str, rows: Sequence[Row], what: str, ending: str, goal: str) -> str:
        if goal == "clipboard":
            return self.copy(text)
        whose = str(rows[0].key.id) if len(rows) == 1 else "list"
        at = self._clock.now().astimezone(self.main.look.zone)
        return self.save(text, f"wfinspect-{whose}-{what}{at:%Y%m%dT%H%M%S}", ending)

    def _report(self, rows: Sequence[Row], kind: str, goal: str) -> None:
        """Have the report of each row read, and write them as one document once all have come."""
        from wfinspect.report import FORMS, Incident, as_report

        form, found = REPORTS[kind], dict[InstanceKey, Incident]()

        def take(row: Row, outcome: Outcome[Incident]) -> None:
            if isinstance(outcome, ServiceError):
                missing = {"instance": str(outcome)}
                incident = Incident(row.key, row.instance, row.read_at, missing=missing)
            else:
                incident = outcome.value
            instance = incident.instance
            link = self._settings.link_to(row.key.target, instance) if instance else ""
            found[row.key] = incident._replace(link=link)
            if len(found) == len(rows):
                incidents = [found[each.key] for each in rows]
                text = as_report(form, incidents, self.main.look.zone, self._clock.now())
                self._forget(_READING)
                self.notify(self._put(text, rows, "report-", FORMS[form], goal))

        self.notify(_READING)
        for row in rows:
            self._control.submit(
                IncidentOf(row.key, row.failed), partial(self.call_later, take, row)
            )

    # Views over the main screen, about the row under the cursor. They are imported when
    # they are opened: at start they would cost 14 ms together.

    def action_tasks(self) -> None:
        """Show the tasks of an instance."""
        self._open_tasks(opens_log=False)

    def action_task_log(self) -> None:
        """Show the log of the task that needs attention most."""
        self._open_tasks(opens_log=True)

    def _open_tasks(self, *, opens_log: bool) -> None:
        from wfinspect.ui.screens.tasks import TasksScreen

        if (row := self._needed()) is not None:
            # From the log of a task, at that task.
            task = self.screen.subject_task if isinstance(self.screen, OverMain) else None
            self.push_screen(TasksScreen(self.main, row.key, task, opens_log=opens_log))

    def action_upstream(self) -> None:
        """Show what an instance waits for, and what it holds up."""
        from wfinspect.ui.screens.tasks import DependenciesScreen

        row = self._needed()
        if row is not None and self.main.is_read(row, self.action_upstream):
            # Of what failed it shows what that holds up.
            self.push_screen(DependenciesScreen(self.main, row.key))

    def action_raw(self) -> None:
        """Show the service's own JSON of an instance, as it was read last."""
        from wfinspect.ui.screens.text import TextScreen
        from wfinspect.ui.screens.view import Title

        row = self._needed()
        if row is None or not self.main.is_read(row, self.action_raw):
            return
        if row.instance is None or not row.instance.raw:
            self.notify("It has not been read yet.")
            return
        title = Title((), row.instance.name, str(row.key.id), "the service's JSON")
        text, file = indented(row.instance.raw), f"wfinspect-{row.key.id}"
        self.push_screen(TextScreen(self.main, title, text, file=file))

    def action_compare(self) -> None:
        """Show an instance beside its last success."""
        from wfinspect.ui.screens.compare import CompareScreen

        if (row := self._needed()) is not None:
            self.push_screen(CompareScreen(self.main, row.key))

    def action_find(self) -> None:
        """Find instances, at first around the one under the cursor, in its account."""
        from wfinspect.ui.screens.find import FindScreen

        row = self.main.list.chosen
        where = row.key.target if row else self._control.target
        around = row.instance if row else None
        self.push_screen(FindScreen(self.main, where, around, self._searched))

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(HelpScreen(all_keys(self._keys, signs(self.main.look))))

    # How it looks.

    def _usable_theme(self) -> str:
        kept = self._preferences.get("theme", AUTO)
        # Every other theme marks the cursor's row by a background, which NO_COLOR takes away.
        for wanted in () if self.no_color else (self._wanted_theme, kept):
            if wanted in self.available_themes:
                return wanted
        system = self.console.color_system
        return themes.automatic(no_color=self.no_color, color_system=system)

    def action_use_theme(self, name: str) -> None:
        """Change the colours, and keep them."""
        self._preferences.set("theme", name)
        self._wanted_theme = name
        self.theme = self._usable_theme()

    @property
    def _own_themes(self) -> Sequence[Theme]:
        return themes.themes(self.console.color_system)

    def refresh_css(self, animate: bool = True) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Style everything by the theme, unless it is: at the start Textual would parse all twice, 5 ms."""
        if self.theme != self._styled_theme:
            self._styled_theme = self.theme
            super().refresh_css(animate=animate)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of our dark theme, for the themes that do not name them."""
        return dict(self._own_themes[0].variables)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Take NO_COLOR as none, not grey; which filter does that depends on a theme set only later."""
        filters = super().get_line_filters()
        if not (self.no_color and self.native_ansi_color):
            return filters
        return [NoColor() if isinstance(one, Monochrome) else one for one in filters]

    def action_redraw(self) -> None:
        """Paint all of the screen: another program has written on the terminal."""
        self.repaint_all()

    def action_mouse(self) -> None:
        """Take the mouse, or leave it to the terminal."""
        self._has_mouse = not self._has_mouse
        self.set_mouse(enabled=self._has_mouse)
        self._show_flags()

    def _show_flags(self) -> None:
        flags = [] if self._has_bell else ["bell off"]
        if self._has_mouse != self._had_mouse:
            flags.append("mouse on" if self._has_mouse else "mouse off")
        self.main.show_flags(flags)

    # The end.

    def action_ask_quit(self) -> None:
        """Quit; where there are unseen changes, only after a question."""
        if self.main.unseen:
            self.push_dialog(QuitScreen(self.main.unseen), lambda _: self.exit())
        else:
            self.exit()

    def action_interrupt(self) -> None:
        """Quit on the second press: the first may be a habit."""
        monotonic = self._clock.monotonic()
        if monotonic - self._interrupted_at <= SECOND_PRESS_SECONDS:
            self.exit()
        else:
            self._interrupted_at = monotonic
            self.notify("ctrl+c once more quits.", timeout=SECOND_PRESS_SECONDS)


def _name_of(typed: events.Key | events.Paste) -> str:
    if isinstance(typed, events.Paste):
        return typed.text
    return (typed.is_printable and typed.character) or typed.key
