"""What the program writes about itself: its log, and the report of a crash, without the values of variables.

Both go to private files, the log to one in the state directory; neither ever goes to a terminal.
"""

import contextlib
import logging
import os
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

from wfinspect.errors import StoreError, starvation
from wfinspect.format import shown
from wfinspect.redaction import redacted
from wfinspect.settings import Settings, make_private, open_private, write_new

_FRAME = r"[\s|+-]*File \""
_LINE_LIMIT = 2_000


def report_crash(error: BaseException, directory: Path) -> Path | None:
    """Write a report that only the user can read; return its path, None if it can't be written anywhere.

    It holds the traceback without local variables. Messages are redacted, since an exception may
    quote a key or a token it was handed.
    """
    import tempfile  # noqa: PLC0415 - every command keeps a log, and hardly any of them crashes

    summary = traceback.TracebackException.from_exception(error, capture_locals=False)
    text = redacted_report("".join(summary.format())) + "\n"
    for place in (directory, Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            return write_new(place / f"wfinspect-crash-{os.getpid()}.txt", text)
    return None


def crash_sentence(error: BaseException, report: Path | None) -> str:
    """Return the sentence for the user: class, message, that nothing is lost, and where to read more."""
    message = redacted(str(error))
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    where = f"the report is in {report}" if report else "no report could be written"
    cause = starvation(error) or "an internal error ended the app"
    return shown(f"wfinspect: {cause} ({what}). Nothing on the watched list is lost; {where}.")


def redacted_report(text: str) -> str:
    """Return the lines of a traceback or a log, redacted but for the places, and fit for a terminal."""
    lines = (line if re.match(_FRAME, line) else redacted(line) for line in text.splitlines())
    return "\n".join(shown(line, limit=_LINE_LIMIT) for line in lines)


_MAX_BYTES = 1_000_000
_SOURCES = ("wfinspect", "asyncio")


def keep_log(settings: Settings) -> None:
    """Write the log of this process to its file, which is opened when there is something to write."""
    # Where the log can't be written, no traceback goes to the terminal.
    logging.raiseExceptions = False
    handler = _LogFile(settings.paths.log_file, encoding="utf-8", delay=True, errors=_ESCAPED)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in _SOURCES:
        logger = logging.getLogger(name)
        for old in [h for h in logger.handlers if isinstance(h, _LogFile)]:
            logger.removeHandler(old)
            old.close()
        logger.addHandler(handler)
    logging.getLogger(_SOURCES[0]).setLevel(settings.log_level)


def log_deaths() -> None:
    """Log what kills a thread or a finaliser: Python's own hooks print it, secrets and all."""
    logger = logging.getLogger(_SOURCES[0])

    def thread_died(death: threading.ExceptHookArgs) -> None:
        if death.exc_value is not None:
            logger.critical("A thread died", exc_info=death.exc_value)

    def finaliser_died(death: "sys.UnraisableHookArgs") -> None:
        logger.error("A finaliser failed", exc_info=death.exc_value)

    threading.excepthook = thread_died
    sys.unraisablehook = finaliser_died


class _Redacting(logging.Formatter):
    """Keeps secrets out: the message of an exception may quote a key or a token."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted_report(super().format(record))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - as logging has it
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        return at.isoformat(" ", "milliseconds")


_ESCAPED = "backslashreplace"


class _LogFile(logging.FileHandler):
    """A private file and, once that is full, one before it; nothing is written where others may write.

    logging.handlers has one that rotates, and costs 9 ms to import (sockets, pickle), a tenth of
    `status --short`, which logs nothing.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.stream is not None and self.stream.tell() > _MAX_BYTES:
                self.close()
                Path(self.baseFilename).replace(f"{self.baseFilename}.1")
            super().emit(record)
        except Exception:  # noqa: BLE001 - it would end the thread that has something to log
            self.handleError(record)

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        try:
            make_private(path.parent)
        except StoreError as error:
            raise OSError(str(error)) from None
        descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)
