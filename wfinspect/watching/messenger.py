"""A user's command, run to tell of something. Knows processes and threads, and nothing of the watch.

Runs on a thread of its own; nobody waits for it.
"""

import logging
import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence

from wfinspect.watching.alerts import Message

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
_LAST_SECONDS = 0.5
_MAX_WAITING = 20
_PLACES = re.compile(r"\{(id|name|from|to|message)\}")
_SECRET = re.compile(r"^(ALIBABA|ALICLOUD|ACCESS_KEY)|SECRET|TOKEN", re.IGNORECASE)


class Messenger:
    """Runs a command once for each message, one at a time."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """Run nothing yet.

        Args:
            command: program and arguments with places for the values of a message; empty for none.
            environ: that of the user; the command gets it without keys.
            timeout: seconds after which it is killed, with all that it has started.
        """
        self._command = tuple(command)
        self._environ = environ
        self._timeout = timeout
        self._waiting: deque[Message] = deque(maxlen=_MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._has_failed = False
        self._troubles: deque[str] = deque()

    def send(self, message: Message) -> None:
        """Have the command told; returns at once. Of very many that wait the oldest are dropped."""
        if not self._command:
            return
        with self._lock:
            self._waiting.append(message)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="messenger", daemon=True)
                self._thread.start()

    def take_trouble(self) -> str:
        """Why the command has failed, once until it succeeds again; else ""."""
        return self._troubles.popleft() if self._troubles else ""

    def close(self) -> None:
        """Give what is under way a moment, then kill it."""
        thread = self._thread
        if thread is None:
            return
        thread.join(_LAST_SECONDS)
        with self._lock:
            self._waiting.clear()
        if (process := self._process) is not None:
            _kill(process)

    def run(self, message: Message) -> str:
        """Run the command to its end; "" if it succeeds, else a sentence that says why not."""
        values = message.values()
        program = self._command[0]
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                filled(self._command, values),
                env=scrubbed(self._environ)
                | {f"WFINSPECT_{k.upper()}": v for k, v in values.items()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it can't be started"
            return f"The notification command {program} was not run: {why}."
        self._process = process
        try:
            code = process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            return f"The notification command {program} took over {self._timeout:g} s: killed."
        finally:
            self._process = None
        return f"The notification command {program} failed with exit code {code}." if code else ""

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                message = self._waiting.popleft()
            try:
                trouble = self.run(message)
            except Exception as error:
                # Without this no later message would find a thread that works.
                logger.exception("The notification command could not be run")
                trouble = f"The notification command was not run: {type(error).__name__}."
            if trouble and not self._has_failed:
                self._troubles.append(trouble)
            self._has_failed = bool(trouble)


def filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The command with values in their places; other braces stay, so that JSON can be written."""
    return [command[0], *(_argument(template, values) for template in command[1:])]


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without what looks like a key."""
    return {name: value for name, value in environ.items() if not _SECRET.search(name)}


def _argument(template: str, values: Mapping[str, str]) -> str:
    argument = _PLACES.sub(lambda place: values[place[1]], template)
    # A name from outside must not pose as an option, nor as curl's @file.
    is_posing = argument[:1] in {"-", "@"} and template[:1] == "{"
    return f" {argument}" if is_posing else argument


def _kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    process.wait()
