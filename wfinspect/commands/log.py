"""Where the program's own log goes: to a file in the state directory, never to a terminal."""

import logging
import os
import sys
import threading
from io import TextIOWrapper
from pathlib import Path

from wfinspect.errors import StoreError
from wfinspect.settings import Settings, make_private

_MAX_BYTES = 1_000_000
_SOURCES = ("wfinspect", "asyncio")


class _Redacting(logging.Formatter):
    """Keeps secrets out: the message of an exception may quote a key or a token."""

    def format(self, record: logging.LogRecord) -> str:
        from wfinspect.crash import redacted_report

        return redacted_report(super().format(record))


class _LogFile(logging.Handler):
    """Opens its file for the first record: most runs have none, and need not wait for the import."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._file is None:
                self._file = _private_file(self._path)
                self._file.setFormatter(self.formatter)
            self._file.handle(record)
        except Exception:  # noqa: BLE001 - it would end the thread that has something to log
            self.handleError(record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _private_file(path: Path) -> logging.Handler:
    """A log with mode 0600 that begins anew when it is full; nothing is written where others may write."""
    from logging.handlers import RotatingFileHandler

    class PrivateFile(RotatingFileHandler):
        def _open(self) -> TextIOWrapper:
            try:
                make_private(path.parent)
            except StoreError as error:
                raise OSError(str(error)) from None
            # A pipe in its place would otherwise be waited for.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            flags |= os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)

    return PrivateFile(
        path,
        maxBytes=_MAX_BYTES,
        backupCount=1,
        encoding="utf-8",
        delay=True,
        errors="backslashreplace",
    )


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


def keep_log(settings: Settings) -> None:
    """Write the log of this process to its file, which is opened when there is something to write."""
    # A log that can't be written is no reason to print a traceback.
    logging.raiseExceptions = False
    handler = _LogFile(settings.paths.log_file)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in _SOURCES:
        logger = logging.getLogger(name)
        for old in [h for h in logger.handlers if isinstance(h, _LogFile)]:
            logger.removeHandler(old)
            old.close()
        logger.addHandler(handler)
    logging.getLogger(_SOURCES[0]).setLevel(settings.log_level)
