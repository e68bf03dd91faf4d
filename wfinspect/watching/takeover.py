"""What other processes have stored, taken into the watchlist. Pure."""

from collections.abc import Iterable
from datetime import datetime

from wfinspect.instance import InstanceKey
from wfinspect.watching.records import Changes, StoredRow
from wfinspect.watching.watchlist import Watchlist


def take_over(
    watchlist: Watchlist,
    rows: Iterable[StoredRow],
    unsaved: Changes,
    now: float,
    at: datetime | None,
) -> list[InstanceKey]:
    """Bring a list in line with the store's; gives the rows of which that has a newer reading.

    Args:
        watchlist: the list.
        rows: what the store holds.
        unsaved: what this process decided itself, which counts for more.
        now: steady seconds.
        at: the same as wall time; None at start, when every reading counts as old.
    """
    stored = {row.key: row for row in rows}
    for entry in watchlist.watched():
        if entry.key not in stored and entry.key not in unsaved.added:
            watchlist.drop(entry.key)
    return [
        key
        for key, row in stored.items()
        if key not in unsaved.removed and _take_row(watchlist, row, unsaved, now, at)
    ]


def _take_row(
    watchlist: Watchlist, row: StoredRow, unsaved: Changes, now: float, at: datetime | None
) -> bool:
    watchlist.touch([row.key])
    entry = watchlist.entry(row.key)
    entry.is_watched, entry.position = True, row.position
    entry.added_at = row.added_at
    if row.key not in unsaved.unseen:
        entry.is_unseen = row.is_unseen
    if row.instance is None or row.read_at is None:
        return False
    if entry.read_at is not None and row.read_at <= entry.read_at:
        return False
    # An older one of our own must not be saved over it.
    unsaved.readings.pop(row.key, None)
    entry.hold(row.instance, row.read_at)
    entry.is_gone, entry.last_change = row.is_gone, row.last_change
    if at is None:
        return False
    # Another process wrote it while this one ran, so it is as good as a reading of our own.
    entry.trouble, entry.missing, entry.stale = None, None, None
    entry.steady_at = now - max(0.0, (at - row.read_at).total_seconds())
    return True
