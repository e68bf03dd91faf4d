"""What remains of a crash: a report for developers, without the values of variables."""

import contextlib
import os
import re
import tempfile
import traceback
from pathlib import Path

from wfinspect.errors import starvation
from wfinspect.format import shown
from wfinspect.redaction import redacted
from wfinspect.settings import write_new

_FRAME = re.compile(r"[\s|+-]*File \"")
_LINE_LIMIT = 2_000


def report_crash(error: BaseException, directory: Path) -> Path | None:
    """Write a report that only the user can read; return its path, None if it can't be written anywhere.

    It holds the traceback without local variables. Messages are redacted, since an exception may
    quote a key or a token it was handed.
    """
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
    lines = (line if _FRAME.match(line) else redacted(line) for line in text.splitlines())
    return "\n".join(shown(line, limit=_LINE_LIMIT) for line in lines)
