"""What the store's statements read and write, row by row. Knows SQL, but no file and no process."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, TypeVar

from wfinspect.instance import Transition, WorkflowInstance
from wfinspect.watching.records import (
    Changes,
    StoredRow,
    from_microseconds,
    key_of,
    read,
    text_of,
    to_microseconds,
)

KEPT_FOR = timedelta(days=30)
MAX_TRANSITIONS = 10_000
CALLS_KEPT_FOR = timedelta(days=62)  # two months, since editions count by the month
MAX_RECENT = 20
_T = TypeVar("_T")
_CLOCK_SET_BACK = 60_000_000  # microseconds

KEY = "profile = ? AND region = ? AND endpoint = ? AND id = ?"
_NAMED_KEY = "profile = :profile AND region = :region AND endpoint = :endpoint AND id = :id"
ROWS = (
    "SELECT profile, region, endpoint, id, position, added_at, doc, read_at, last_change, is_unseen,"
    " is_gone FROM watched LEFT JOIN readings USING (profile, region, endpoint, id)"
    " ORDER BY position, added_at, id"
)
"""Statement for the watched list in its order; `row` reads what it gives."""
CLAIM = (
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
    " WHERE CAST(value AS INTEGER) NOT BETWEEN ? AND ?"
)
"""Statement that writes a time under a name, unless one of a span of time stands there."""


def row(values: Sequence[object], lost: Callable[[str], None]) -> StoredRow | None:
    """The row in a line of `ROWS`; None where nobody knows which instance it is of.

    `lost` is told what can't be read, and is left out.
    """
    *parts, position, added_at, reading, read_at, change, is_unseen, is_gone = values
    try:
        key = key_of(parts)
    except ValueError:
        lost("which instance a row is of")
        return None

    def kept(what: str, value: object, found: _T | None) -> _T | None:
        if found is None and value is not None:
            lost(f"{what} ({key.id})")
        return found

    instance = read(WorkflowInstance, reading)
    if instance is not None and instance.id != key.id:
        instance = None
    instance = kept("a reading", reading, instance)
    at = kept("the time of a reading", read_at, from_microseconds(read_at))
    place = position if isinstance(position, float) and isfinite(position) else None
    return StoredRow(
        key=key,
        position=kept("a place in the list", position, place) or 0.0,
        added_at=kept("the time of adding", added_at, from_microseconds(added_at)),
        instance=instance if at is not None else None,
        read_at=at if instance is not None else None,
        last_change=kept("a last change", change, read(Transition, change)),
        is_unseen=bool(kept("an unseen mark", is_unseen, _flag(is_unseen))),
        is_gone=bool(kept("a mark of what is gone", is_gone, _flag(is_gone))),
    )


def _flag(value: object) -> bool | None:
    return bool(value) if value in {0, 1} else None


def write_rows(connection: sqlite3.Connection, changes: Changes) -> None:
    """Take rows off, put rows on, and update those that are still there."""
    removed = [(*key.binding, key.id) for key in changes.removed]
    for table in ("watched", "readings"):
        connection.executemany(f"DELETE FROM {table} WHERE {KEY}", removed)  # noqa: S608
    insert = (
        "INSERT INTO watched (profile, region, endpoint, id, position, added_at, read_at,"
        " last_change, is_unseen, is_gone) VALUES (:profile, :region, :endpoint, :id, :position,"
        " :added_at, :read_at, :last_change, :is_unseen, :is_gone) ON CONFLICT DO NOTHING"
    )
    connection.executemany(insert, map(_values, changes.added.values()))
    # An older reading of this process never overwrites a newer one of another; one that is newer by
    # more than a save can take was dated by a clock that has been set back since.
    update = (
        "UPDATE watched SET read_at = :read_at, is_gone = :is_gone,"  # noqa: S608
        f" last_change = coalesce(:last_change, last_change) WHERE {_NAMED_KEY}"
        f" AND (read_at IS NULL OR read_at <= :read_at OR read_at > :read_at + {_CLOCK_SET_BACK})"
    )
    connection.executemany(update, map(_values, changes.readings.values()))
    replace = (
        "INSERT OR REPLACE INTO readings (profile, region, endpoint, id, doc)"  # noqa: S608
        " SELECT profile, region, endpoint, id, :doc FROM watched"
        f" WHERE {_NAMED_KEY} AND read_at = :read_at"
    )
    connection.executemany(
        replace,
        [
            {**_values(row), "doc": text_of(row.instance)}
            for row in (*changes.added.values(), *changes.readings.values())
            if row.instance is not None
        ],
    )
    unseen = ((is_unseen, *key.binding, key.id) for key, is_unseen in changes.unseen.items())
    connection.executemany(f"UPDATE watched SET is_unseen = ? WHERE {KEY}", unseen)  # noqa: S608


def _values(row: StoredRow) -> Mapping[str, Any]:
    """A row by the names of its columns."""
    whose = row.key.binding
    return {
        "profile": whose.profile,
        "region": whose.region,
        "endpoint": whose.endpoint,
        "id": row.key.id,
        "position": row.position,
        "added_at": None if row.added_at is None else to_microseconds(row.added_at),
        "read_at": None if row.read_at is None else to_microseconds(row.read_at),
        "last_change": None if row.last_change is None else text_of(row.last_change),
        "is_unseen": row.is_unseen,
        "is_gone": row.is_gone,
    }


def insert_transition(connection: sqlite3.Connection, event: str, transition: Transition) -> bool:
    """Record a change; False if it is recorded already, by whatever process."""
    insert = (
        "INSERT INTO transitions (profile, region, endpoint, id, event, seen_by, doc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    )
    seen_by = to_microseconds(transition.seen_by)
    values = (*transition.key.binding, transition.key.id, event, seen_by, text_of(transition))
    with closing(connection.execute(insert, values)) as cursor:
        return cursor.rowcount > 0


def write_counts(connection: sqlite3.Connection, changes: Changes) -> None:
    """Add to the counted calls, and write what is kept by name."""
    count = (
        "INSERT INTO calls (profile, region, day, calls) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET calls = calls + excluded.calls"
    )
    for (account, day), calls in changes.calls.items():
        connection.execute(count, (*account, day.isoformat(), calls))
    for number, at in changes.recent.items():
        connection.execute(
            "INSERT OR REPLACE INTO recent (id, at) VALUES (?, ?)", (number, to_microseconds(at))
        )
    connection.executemany(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", changes.meta.items()
    )


def prune(connection: sqlite3.Connection, now: datetime) -> None:
    """Drop what is too old or too much."""
    connection.execute(
        "DELETE FROM transitions WHERE seen_by < ?"
        " OR number <= (SELECT max(number) FROM transitions) - ?",
        (to_microseconds(now - KEPT_FOR), MAX_TRANSITIONS),
    )
    connection.execute(
        "DELETE FROM calls WHERE day < ?", ((now - CALLS_KEPT_FOR).date().isoformat(),)
    )
    connection.execute(
        "DELETE FROM recent WHERE id NOT IN (SELECT id FROM recent ORDER BY at DESC LIMIT ?)",
        (MAX_RECENT,),
    )
