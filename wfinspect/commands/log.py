"""Where the program's own log goes: to a file in the state directory, never to a terminal."""

import logging

from wfinspect.config import Settings

_MAX_BYTES = 1_000_000
_SOURCES = ("wfinspect", "asyncio")


def keep_log(settings: Settings) -> None:
    """Write the log of this process to its file, which is opened when there is something to write."""
    from logging.handlers import RotatingFileHandler

    # A log that can't be written is no reason to print a traceback.
    logging.raiseExceptions = False
    handler = RotatingFileHandler(
        settings.paths.log_file,
        maxBytes=_MAX_BYTES,
        backupCount=1,
        encoding="utf-8",
        delay=True,
        errors="backslashreplace",
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in _SOURCES:
        logger = logging.getLogger(name)
        for old in [h for h in logger.handlers if isinstance(h, RotatingFileHandler)]:
            logger.removeHandler(old)
            old.close()
        logger.addHandler(handler)
    logging.getLogger(_SOURCES[0]).setLevel(settings.log_level)
