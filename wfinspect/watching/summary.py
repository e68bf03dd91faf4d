"""How the watched list stands, in one line. Imports next to nothing: a status bar asks every few seconds.

The store keeps two columns for it with each row, so that no document is decoded. What else differs from
an orderly file is left to the whole store, which repairs and reports: `read` returns None then.
"""

import os
import select
import signal
import sqlite3
import stat
import time
from collections.abc import Iterable, Sequence

from wfinspect.watching.cadence import SETTLED, old_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

VERSION = 4
"""The version of the store whose columns are known here."""
MARKS = {
    "failure": "X",
    "unknown": "?",
    "active": ">",
    "waiting": "~",
    "idle": ".",
    "success": "+",
}
"""The mark of each family, as in `format`, which takes 25 ms to import; in the order of the line."""
_POLL_MILLISECONDS = 1000
_SELECT = """
    SELECT family, is_gone, count(*), sum(is_unseen),
        min(CASE WHEN read_at >= final_at THEN NULL ELSE read_at END),
        total(typeof(read_at) NOT IN ('integer', 'null') OR typeof(id) <> 'integer' OR id <= 0)
    FROM watched GROUP BY family, is_gone
"""

Group = tuple[str | None, bool, int, int, float | None]
"""The family of the last reading, None before it; whether the rows are gone; how many they are, and how
many unseen; when the oldest was read that needs another reading, in seconds since 1970."""


def line_of(groups: Iterable[Group], interval: float, now: float | None = None) -> str:
    """Return how many instances are in which state, and how many changes are unseen.

    A ``?`` stands behind a count that rests on readings too old to be the present, and the age of
    the oldest of them at the end: ``X1 >2? +11 !1 (12m)``.

    Args:
        groups: the list.
        interval: seconds between two readings of an active instance.
        now: seconds since 1970; the present by default.
    """
    now = time.time() if now is None else now
    counts, ages, unseen = dict.fromkeys(MARKS, 0), dict[str, float](), 0
    for family, is_gone, count, unseen_here, oldest in groups:
        counted_as = "unknown" if family is None or is_gone else family
        counts[counted_as] += count
        unseen += unseen_here
        if oldest is not None and family and not is_gone:
            seconds = now - oldest
            if seconds > old_after(family, interval):
                ages[counted_as] = max(seconds, ages.get(counted_as, 0.0))
    parts = [
        f"{mark}{counts[family]}{'?' * (family in ages)}"
        for family, mark in MARKS.items()
        if counts[family]
    ]
    parts += [f"!{unseen}"] if unseen else []
    parts += [f"({age(max(ages.values()))})"] if ages else []
    return " ".join(parts)


def print_line(
    groups: Sequence[Group], interval: float, say: "Callable[[str], None]", *, not_listed: int = 0
) -> int:
    """Print the line; return the exit code. `say` gets a sentence on each cause of a ``?``.

    `not_listed` counts what is unknown since it is not on the list.
    """
    others = [(None, True, not_listed, 0, None)] if not_listed else []
    print(line_of([*groups, *others], interval))
    for sentence in troubles(groups):
        say(sentence)
    return code_of([*groups, *others])


def code_of(groups: Iterable[Group]) -> int:
    """Return the exit code: 5 if one is gone, else 3 if one was never read, 1 for a failure, 8 if one is pending."""
    families = {"gone" if is_gone else family for family, is_gone, *_ in groups}
    for family, code in (("gone", 5), (None, 3), ("failure", 1)):
        if family in families:
            return code
    return 0 if families <= SETTLED else 8


def troubles(groups: Sequence[Group]) -> "Iterator[str]":
    """Yield a sentence on those that were never read, and on those that are gone."""
    if unread := sum(count for family, is_gone, count, *_ in groups if not (family or is_gone)):
        where = "`wfinspect list` shows which, the app and `wfinspect watch --forever` read them."
        yield f"No reading is stored for {unread} of the list: {where}"
    if gone := sum(count for _, is_gone, count, *_ in groups if is_gone):
        where = "`wfinspect list status=gone` shows which."
        yield f"The service does not know {gone} of the list: {where}"


def age(seconds: float) -> str:
    """Return how long ago in at most five characters, without seconds: ``<1m 12m 1h07 3d``."""
    minutes = int(max(0.0, seconds) // 60)
    if minutes < 1:
        return "<1m"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes}m"
    return f"{minutes // 60}h{minutes % 60:02}" if minutes < 24 * 60 else f"{minutes // 24 // 60}d"


def read(path: str) -> list[Group] | None:
    """Return the list in groups; None where only the whole store knows what to do."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            return None
        quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        connection = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, timeout=2.0)
        try:
            if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                return None
            found = connection.execute(_SELECT).fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, OSError):
        return None
    groups = list[Group]()
    for family, is_gone, count, unseen, oldest, odd in found:
        is_sound = (family is None or family in MARKS) and is_gone in {0, 1}
        if odd or not is_sound or type(unseen) is not int:
            return None
        groups.append((family, bool(is_gone), count, unseen, oldest and oldest / 1e6))
    return groups


def follow(path: str, interval: float, output: "TextIO") -> int:
    """Write a line at each change until nothing reads them; return the exit code.

    The file is looked at once a second, and read where it was written to.
    """
    # Nothing is left to be done at the end: each line has gone out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    reader = select.poll()
    reader.register(output.fileno(), 0)
    seen, groups, shown = None, list[Group](), None
    while True:
        try:
            status = os.stat(path)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            stamp = None
        if stamp != seen and (new := read(path)) is not None:
            seen, groups = stamp, new
        line = line_of(groups, interval)
        if line != shown:
            output.write(f"{line}\n")
            output.flush()
            shown = line
        if reader.poll(_POLL_MILLISECONDS):
            return 141
