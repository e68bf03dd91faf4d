"""The terminal's driver: it ends with its terminal, leaves it as it was, and never blocks the app's loop.

It extends Textual's for Linux by private names of that class. Which other modules build on private names,
and on which, is listed in tests/ui/test_textual_inside.py, which fails where Textual has one no more.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import Any

from textual import events
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from wfinspect.format import shown
from wfinspect.signals import Shutdown
from wfinspect.terminal import escape_seconds
from wfinspect.ui.input import KeyReader, StopReading, read_keys

_MOUSE_MODES = (1000, 1002, 1006)  # clicks, drags, wheel; no report of every movement
_ALL_MODES = (1000, 1002, 1003, 1006, 1015, 1016, 2004, 1004, 2048)
_END_OF_FRAME = "\x1b\\\x1b[?2026l\x1b[0m"  # wherever in a frame the last bytes were cut off
_RESTORE = _END_OF_FRAME + "".join(f"\x1b[?{mode}l" for mode in _ALL_MODES)
_RESTORE += "\x1b[<u\x1b[?7h\x1b[H\x1b[J\x1b[?1049l\x1b[?25h"
_RESTORE_TITLE = "\x1b]2;\x1b\\\x1b[23;2t"  # for a terminal without a stack of titles, an empty one
_LAST_WORDS = 12  # pieces that restore a terminal in an orderly end
_TITLE_LIMIT = 120
_STUCK_SECONDS = 4.0
"""After so long the app is not merely busy."""

# A Python handler of a fault would return to what caused it, for ever; the others end no process.
_NOT_ENDING = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    *(signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
    *(signal.SIGCONT, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH),
    getattr(signal, "SIGINFO", None),
}


class HardenedDriver(LinuxDriver):
    """Ends with its terminal, leaves it as it was, and never lets it block the app's loop."""

    class Recovered(Message):
        """The terminal, which had stalled, takes what it is sent again."""

    class Disturbed(Message):
        """The terminal may show something else than it was sent."""

    def __init__(self, app: App[Any], **options: Any) -> None:  # noqa: ANN401 - Textual's
        super().__init__(app, **options)
        screen, keyboard = sys.__stderr__, sys.__stdin__
        assert screen is not None  # noqa: S101 - `require_terminal` has seen both
        assert keyboard is not None  # noqa: S101
        self._keyboard_encoding = keyboard.encoding
        self._attributes = termios.tcgetattr(self.fileno)
        self._is_suspended = False
        self._is_taken = False  # from before the first mode is set until all are seen to be unset
        self._has_left = False  # what unsets them is queued
        self.is_disturbed = False
        """Whether the terminal may show something else than it was sent, or has lost some of it."""
        self._title = self._title_to_restore = ""
        self._output = TerminalOutput(
            screen.fileno(),
            screen.encoding,
            on_recovered=lambda: self._on_loop(self._recover),
            on_gone=self._hang_up,
            on_failed=self._fail,
        )
        self._file = self._output  # type: ignore[assignment]
        # Until it knows one the app takes that of Rich's console, which believes COLUMNS and LINES.
        self._size = self._get_terminal_size()
        self.exit_event = self._stop_reading = StopReading()
        self._taken = threading.Event()
        """Set once the app has come to the last key that quits."""
        self._taken.set()
        self._shutdown = Shutdown(
            request=self._request_end, force=self._force_end, terminal=self.fileno
        )
        self._shutdown.start()
        for number in signal.valid_signals() - _NOT_ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda signum, _: self._shutdown.notice(signum))
        # The loop's own handlers: they wake an idle loop whichever thread the signal went to.
        self._loop.add_signal_handler(signal.SIGTSTP, self._or_fail, self._stop)
        self._loop.add_signal_handler(signal.SIGCONT, self._or_fail, self._continue)

    @property
    def is_lost(self) -> bool:
        """Whether the terminal is gone, or takes nothing any more."""
        return self._output.is_gone or self._output.is_stalled

    def set_mouse(self, *, enabled: bool) -> None:
        """Switch mouse reports on or off while the app runs."""
        self._mouse = True
        (self._enable_mouse_support if enabled else self._disable_mouse_support)()
        self._mouse = enabled

    def set_title(self, text: str) -> None:
        """Name the terminal's window; the former name is back when the app ends."""
        title = shown(text, limit=_TITLE_LIMIT)
        if title != self._title:
            save = "" if self._title else "\x1b[22;2t"
            self.write(f"{save}\x1b]2;{title}\x1b\\")
            self._title = title

    def write(self, data: str) -> None:
        """Queue a piece of a frame; drop it while the terminal is stalled, left or gone."""
        queue = self._pieces()
        if queue is not None and self._takes_more(queue):
            queue.put(data)
        else:
            self.is_disturbed = True

    def _pieces(self) -> Queue[str | None] | None:
        """Return what waits for the writer thread; None before there is one."""
        return None if self._writer_thread is None else self._writer_thread._queue  # noqa: SLF001 - it has no public name

    def _takes_more(self, queue: Queue[str | None]) -> bool:
        """Return whether a piece can be queued without making the loop wait."""
        if self._is_suspended or self._output.is_gone:
            return False
        if self._output.is_stalled and not self._output.is_leaving:
            return False
        with queue.mutex:
            is_full = len(queue.queue) >= queue.maxsize
            if is_full:
                # Under the queue's lock, so that the writer has yet to find it empty, and to flush.
                self._output.is_stalled = True
        return not is_full

    def _recover(self) -> None:
        self._repaint()
        self._app.post_message(self.Recovered())

    def _repaint(self) -> None:
        self.write(_END_OF_FRAME)
        self.is_disturbed = True
        if self._title:
            self.write(f"\x1b]2;{self._title}\x1b\\")
        self._app.post_message(self.Disturbed())

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write("".join(f"\x1b[?{mode}h" for mode in _MOUSE_MODES))

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write("".join(f"\x1b[?{mode}l" for mode in _MOUSE_MODES))

    def _request_terminal_sync_mode_support(self) -> None:
        """Ask also whether it brackets pastes; tmux 3.3a only says that it is tmux."""
        super()._request_terminal_sync_mode_support()
        # Older ones of these two write the last letter on the screen.
        if os.environ.get("TERM_PROGRAM") != "Apple_Terminal" and os.environ["TERM"] != "linux":
            self.write("\x1b[?2004$p\x1b[>0q")

    def _query_in_band_window_resize(self) -> None:
        """Send no query: SIGWINCH reports a resize, and some terminals print the query."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size of the terminal itself; what COLUMNS and LINES say where it has none."""
        said = shutil.get_terminal_size()
        try:
            width, height = os.get_terminal_size(self._output.fileno())
        except OSError:
            return said
        return width or said.columns, height or said.lines

    def _run_input_thread(self) -> None:
        """Read keys; a failure in Textual's own would end the app silently, or leave it without keys."""
        self._or_fail(self.run_input_thread)

    def run_input_thread(self) -> None:
        """Read keys until it is stopped, or until there is no terminal to read."""
        reader = KeyReader(
            self._keyboard_encoding,
            escape_seconds=escape_seconds(os.environ),
            brackets_pastes=bool(os.environ.get("TMUX")),
        )
        is_there = read_keys(self.fileno, reader, self._stop_reading, self._deliver)
        if not is_there:
            self._hang_up()

    def _deliver(self, event: Message) -> None:
        """Pass an event on; where the app takes none any more, have the keys that quit end it by force."""
        self.process_message(event)
        if isinstance(event, events.Key) and event.key in {"ctrl+c", "ctrl+q"}:
            is_first, self._taken = self._taken.is_set(), threading.Event()
            self._app.call_later(self._taken.set)
            if event.key == "ctrl+q" or not is_first:
                timer = threading.Timer(_STUCK_SECONDS, self._end_unless, [self._taken])
                timer.daemon = True
                with contextlib.suppress(RuntimeError):
                    # Where no thread can be started, an app that still takes keys ends as ever.
                    timer.start()

    def _end_unless(self, taken: threading.Event) -> None:
        if not (taken.is_set() or self._is_suspended):
            self._shutdown.notice(signal.SIGINT)

    def start_application_mode(self) -> None:
        """Take the terminal; a job in the background gets none."""
        writer = self._writer_thread
        self._is_taken, self._has_left, self.is_disturbed = True, False, True
        try:
            super().start_application_mode()  # type: ignore[no-untyped-call]
        finally:
            self._is_taken = self._writer_thread is not writer

    def stop_application_mode(self) -> None:
        """Restore the terminal, also one that is stalled; one that is left to others is theirs."""
        if self._is_suspended:
            return
        if (queue := self._pieces()) is not None:
            if queue.qsize() > queue.maxsize - _LAST_WORDS:
                self._output.is_stalled = True
            if self._output.is_stalled:
                _drain(queue)
        self._output.leave()
        if self._output.is_stalled:
            self.write(_END_OF_FRAME)
        if self._title:
            self.write(_RESTORE_TITLE)
            self._title = ""
        # GNU screen has no alternate screen by default: the prompt must not come amid the last frame.
        self.write("\x1b[m\x1b[H\x1b[J")
        super().stop_application_mode()
        self._has_left = True

    def close(self) -> None:
        """End the writer thread; write here what it could not write of what restores the terminal."""
        writer, queue = self._writer_thread, self._pieces()
        if writer is not None and writer.is_alive():
            if not self._has_left:
                self._output.leave()
                _drain(writer._queue)  # noqa: SLF001 - as above
            super().close()
        if self._has_left and not self._output.has_given_up and (queue is None or queue.empty()):
            self._is_taken = False
        else:
            self.restore_terminal()

    def disable_input(self) -> None:
        """Stop reading keys."""
        if not self._is_suspended:
            super().disable_input()

    def suspend_application_mode(self) -> None:
        """Leave the terminal to others; what is drawn meanwhile is dropped."""
        title = self._title
        super().suspend_application_mode()
        self._is_suspended, self._title_to_restore = True, title

    def resume_application_mode(self) -> None:
        """Take the terminal again, and repaint."""
        self._is_suspended = False
        self._output.revive()
        super().resume_application_mode()
        self.set_title(self._title_to_restore)
        self._loop.call_soon(self._repaint)

    def _stop(self) -> None:
        """Stop the job, as Ctrl+Z asks, and go on once it is continued in the foreground."""
        takes_part = self._auto_restart and not self._is_suspended
        if takes_part:
            self.suspend_application_mode()
        stop_job(self.fileno, is_ending=lambda: self._shutdown.is_noticed)
        if takes_part and not self._shutdown.is_noticed:
            self._must_signal_resume = True
            self.resume_application_mode()

    def _continue(self) -> None:
        """Take the terminal again after a stop that gave no notice."""
        if self._auto_restart and not self._is_suspended:
            self.suspend_application_mode()
            self.resume_application_mode()

    def give_terminal_back(self) -> None:
        """Leave the keys to others, and restore the terminal if a failure has prevented it so far."""
        # Textual passes over what fails in `disable_input`; a reader left would keep the process.
        self._stop_reading.set()
        self.restore_terminal()

    def restore_terminal(self) -> None:
        """Restore the terminal at once: without the writer thread, and without waiting for room."""
        if not self._is_taken:
            return
        self._is_taken = False
        screen = self._output.fileno()
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._attributes)
        self._output.silence()
        discard_output(screen)
        sequence = (_RESTORE_TITLE if self._title else "") + _RESTORE
        with contextlib.suppress(OSError):
            os.set_blocking(screen, False)
            self._output.is_stalled = True
            if os.write(screen, sequence.encode()) == len(sequence):
                self._output.is_stalled = False  # so it will show why the app ended, too
        with contextlib.suppress(OSError):
            # Others share the descriptor's flags: the shell would stumble over this one.
            os.set_blocking(screen, True)

    def _hang_up(self) -> None:
        self._shutdown.notice(signal.SIGHUP)

    def _request_end(self, code: int) -> None:
        self._on_loop(lambda: self._app.exit(return_code=code))

    def _force_end(self, code: int) -> None:
        try:
            self.restore_terminal()
        finally:
            os._exit(code)

    def _or_fail(self, act: Callable[[], object]) -> None:
        """Act, and end the app on a failure, which neither the loop nor Textual would do."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the app can't go on without it
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._on_loop(lambda: self._app._handle_exception(error))  # noqa: SLF001 - it has no public way

    def _on_loop(self, callback: Callable[[], object]) -> None:
        """Call back soon in the app's loop; without a loop any more there is nothing to do."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)


def _drain(queue: Queue[str | None]) -> None:
    with contextlib.suppress(Empty):
        while True:
            queue.get_nowait()


_CHUNK = 512  # bytes a write that may block; little enough to find room once there is any
_LARGE_CHUNK = 65536
_STALL_MILLISECONDS = 500
_LAST_WRITE_SECONDS = 0.2
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class TerminalOutput:
    """A file that never raises, notices when its terminal stalls, and gives up once it is left.

    `on_recovered` is called in the writer thread once a stalled terminal has taken everything,
    `on_gone` when there is no terminal any more, `on_failed` when no text can be written for
    another reason, such as want of memory.
    """

    def __init__(
        self,
        fileno: int,
        encoding: str,
        *,
        on_recovered: Callable[[], None],
        on_gone: Callable[[], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._fileno = fileno
        self._encoding = encoding
        self._on_recovered = on_recovered
        self._on_gone = on_gone
        self._on_failed = on_failed
        # Where there is room for one byte a write of two blocks. Others share the descriptor's flags,
        # the shell among them: one of our own does not block.
        self._own, self._chunk = fileno, _CHUNK
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
            self._own, self._chunk = os.open(os.ttyname(fileno), flags), _LARGE_CHUNK
        self._poll = select.poll()
        self._poll.register(self._own, select.POLLOUT)
        self._writing = threading.Lock()
        self.is_leaving = False
        """What follows are its last words, until it is revived."""
        self._is_discarding = False
        self._is_silenced = False
        self.has_given_up = False
        self.is_gone = False
        self.is_stalled = False

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._fileno

    def write(self, text: str) -> None:
        """Write all of a text, waiting for a terminal that stalls, dropping it for one that is gone."""
        self._is_discarding = False
        try:
            self._write(memoryview(text.encode(self._encoding, "replace")))
        except Exception as error:  # noqa: BLE001 - the thread must go on, to meet what ends it
            self.has_given_up = True
            self._on_failed(error)

    def _write(self, rest: memoryview) -> None:
        while rest and self._has_room():
            try:
                with self._writing:
                    if not self._is_silenced:
                        rest = rest[os.write(self._own, rest[: self._chunk]) :]
            except BlockingIOError:
                continue
            except OSError:
                self._lose()

    def flush(self) -> None:
        """Note that nothing is queued any more: a stalled terminal that comes so far is back."""
        if self.is_stalled and not (self.is_gone or self.is_leaving):
            self.is_stalled = False
            self._on_recovered()

    def leave(self) -> None:
        """From now on wait for the terminal only shortly: what follows are its last words.

        If it is stalled, the rest of the frame being written is dropped, and so is what the system
        holds for the terminal: it makes the room for what restores it.
        """
        self.is_leaving = True
        if self.is_stalled and not self.is_gone:
            self._is_discarding = True
            discard_output(self._fileno)

    def revive(self) -> None:
        """Wait as usual again, for a terminal that was left only for a while."""
        self.is_leaving = self._is_discarding = self._is_silenced = False
        self.has_given_up = self.is_stalled = False

    def silence(self) -> None:
        """Write nothing from now on, and wait shortly for the end of what is being written."""
        self._is_silenced = True
        if self._writing.acquire(timeout=_LAST_WRITE_SECONDS):
            self._writing.release()

    def _has_room(self) -> bool:
        """Wait until the terminal takes bytes; False if the text shall be dropped."""
        while not (self.is_gone or self._is_discarding or self.has_given_up or self._is_silenced):
            ready = self._poll.poll(_STALL_MILLISECONDS)
            if any(event & _GONE for _, event in ready):
                self._lose()
            elif ready:
                return not self._is_discarding
            else:
                self.is_stalled = True
                self.has_given_up = self.is_leaving
        return False

    def _lose(self) -> None:
        if not self.is_gone:
            self.is_gone = True
            self._on_gone()


def discard_output(fileno: int) -> None:
    """Drop what a terminal was sent and has not taken yet."""
    with contextlib.suppress(termios.error):
        termios.tcflush(fileno, termios.TCOFLUSH)


_SETTLE_SECONDS = 0.1


def stop_job(terminal: int, *, is_ending: Callable[[], bool]) -> None:
    """Stop this process and its group; return once they are continued in the foreground.

    It returns at once where no shell could continue them, as in a session that ssh started with this
    command alone: the system ignores the signal there. It returns in the background, too, when a
    signal to end has come meanwhile.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    # The whole group, so that a wrapper stops too and the shell takes notice.
    os.killpg(0, signal.SIGTSTP)
    while _is_in_background(terminal):
        # A signal to end that came along with the one to go on may reach another thread first.
        select.select([], [], [], _SETTLE_SECONDS)
        if is_ending():
            break
        os.kill(os.getpid(), signal.SIGSTOP)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _is_in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:
        return False
