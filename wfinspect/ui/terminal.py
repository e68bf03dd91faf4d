"""The app in its terminal: the base class of an app, and its run from start to exit code."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import COLOR_SYSTEMS, RenderableType
from textual import events, on
from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Input

from wfinspect.diagnostics import crash_sentence, report_crash
from wfinspect.settings import home_of
from wfinspect.terminal import copy_text, encoding_of, erases_in_color
from wfinspect.ui.driver import HardenedDriver
from wfinspect.ui.files import save_new
from wfinspect.ui.painting import AsciiFilter, SafeFilter, Shown, Update

INTERNAL_ERROR = 70


class CrashSafeApp(App[None]):
    """An app at home in a real terminal: hardened driver, filtered output, crashes without locals.

    Attributes:
        failure: the exception that ended the app, None while there is none.
    """

    def __init__(
        self, *, environ: Mapping[str, str] | None = None, ascii_only: bool = False
    ) -> None:
        """Create the app.

        Args:
            environ: decides where copies and files go; without it copies go to the terminal itself.
            ascii_only: draw frames and symbols in ASCII.
        """
        super().__init__(driver_class=HardenedDriver)
        # Two widgets for each screen that nothing uses.
        self._disable_notifications = self._disable_tooltips = True
        self.failure: Exception | None = None
        self.environ = environ or {}
        self._shown = Shown(erases_in_color=erases_in_color(self.environ))
        # The same objects each time: Textual caches what a filter made by the filter itself.
        self._last_filters: list[LineFilter] = [SafeFilter()]
        if ascii_only:
            self._last_filters.append(AsciiFilter(encoding_of(sys.__stderr__)))

    def release_keys(self, why_not: str = "") -> None:
        """Let go the keys that waited for what a screen was reading."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters, and then the ones that keep the terminal safe."""
        return [*super().get_line_filters(), *self._last_filters]

    def copy_to_clipboard(self, text: str) -> None:
        """Copy, and say where the text was sent."""
        self.copy(text)

    def copy(self, text: str) -> str:
        """Copy a text; return a sentence that says where it was sent."""
        if text:
            self._clipboard = text
        return copy_text(text, self.environ, self._write_to_terminal)

    def save(self, text: str, name: str, ending: str) -> str:
        """Write a text to a new file here or at home; return a sentence that says where it is."""
        return save_new(text, name, ending, (Path(), home_of(self.environ)))

    def push_dialog(self, dialog: Screen[Any], take: Callable[[Any], object]) -> None:
        """Show a dialog; `take` gets its answer, unless that is None."""

        def answered(answer: object) -> None:
            if answer is not None:
                take(answer)

        self.push_screen(dialog, answered)

    def set_window_title(self, text: str) -> None:
        """Name the terminal's window; nothing is sent if it has that name."""
        if isinstance(self._driver, HardenedDriver):
            self._driver.set_title(text)

    def set_mouse(self, *, enabled: bool) -> None:
        """Switch mouse reports on or off."""
        if isinstance(self._driver, HardenedDriver):
            self._driver.set_mouse(enabled=enabled)

    @property
    def is_terminal_lost(self) -> bool:
        """Whether the terminal is gone, or takes nothing any more."""
        return isinstance(self._driver, HardenedDriver) and self._driver.is_lost

    @on(HardenedDriver.Disturbed)
    def repaint_all(self) -> None:
        """Paint all of the screen, also what the terminal should show already."""
        self._shown.forget()
        self.refresh(layout=True)

    def on_resize(self, event: events.Resize) -> None:
        # Terminals differ in what they do with their lines then.
        self._shown.forget()
        # Smaller and back again before it was painted: a screen of the size it has paints nothing.
        if self.screen_stack and event.size == self.screen.size:
            self.repaint_all()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        # Under the conditions under which Textual sends it.
        is_sent = self._running and not (self._closed or self._batch_count or self.is_headless)
        if driver is None or not is_sent or not isinstance(renderable, Update):
            super()._display(screen, renderable)
            return
        if isinstance(driver, HardenedDriver) and driver.is_disturbed:
            driver.is_disturbed = False
            self._shown.forget()
        colors = self.console.color_system
        # An input method shows what it composes at the cursor, hidden as that is.
        is_typing = isinstance(self.focused, Input)
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position) if is_typing else None
        frame = self._shown.take(renderable, COLOR_SYSTEMS.get(colors or ""), cursor)
        if frame and self._sync_available:
            frame = f"\x1b[?2026h{frame}\x1b[?2026l"
        if frame:
            driver.write(frame)
        self.post_display_hook()

    def _set_pointer_shape(self, shape: str) -> None:
        """Leave the mouse's pointer as it is: no terminal is sure to have its own back at the end."""

    def _write_to_terminal(self, sequence: str) -> None:
        if sequence and self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def _handle_exception(self, error: Exception) -> None:
        self.failure = self.failure or error
        super()._handle_exception(error)
        self._return_code = INTERNAL_ERROR

    def _fatal_error(self) -> None:
        """End without drawing a traceback: Textual's shows the values of local variables."""
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002 - they may quote anything
        """End; `run_app` says why."""
        self._return_code = INTERNAL_ERROR
        self._close_messages_no_wait()


def run_app(app: CrashSafeApp, *, mouse: bool, crash_directory: Path) -> int:
    """Run an app until it ends and return the exit code: the app's own, 128 + a signal, 70 for a crash.

    The terminal is as it was before. A report of a crash is written to `crash_directory` if it can be.
    """
    try:
        app.run(mouse=mouse)
    except Exception as error:  # noqa: BLE001 - the last place that can restore the terminal
        app.failure = app.failure or error
    finally:
        driver: Any = app._driver  # noqa: SLF001 - Textual has no public name for it
        if isinstance(driver, HardenedDriver):
            driver.give_terminal_back()
    if app.is_terminal_lost:
        _detach_from_terminal()
    if app.failure is None:
        return app.return_code or 0
    report = None
    with contextlib.suppress(MemoryError):  # it may be what ended the app
        report = report_crash(app.failure, crash_directory)
    print(crash_sentence(app.failure, report), file=sys.stderr)  # noqa: T201 - the app is gone
    return INTERNAL_ERROR


def _detach_from_terminal() -> None:
    """Point the standard streams nowhere: writing to a lost terminal fails, or waits for ever."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    terminal = os.fstat(2).st_rdev
    for fileno in (0, 1, 2):
        if os.fstat(fileno).st_rdev == terminal:
            os.dup2(nowhere, fileno)
