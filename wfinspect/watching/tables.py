"""What the store's statements read and write, row by row. Knows SQL, but no file and no process."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, TypeVar

from wfinspect.instance import Binding, InstanceId, InstanceKey, Transition
from wfinspect.watching.records import (
    Changes,
    Reading,
    StoredRow,
    from_microseconds,
    instance_text,
    read_instance,
    read_transition,
    to_microseconds,
    transition_text,
)

KEPT_FOR = timedelta(days=30)
MAX_TRANSITIONS = 10_000
CALLS_KEPT_FOR = timedelta(days=62)  # two months, since editions count by the month
MAX_RECENT = 20
_CLOCK_SET_BACK = timedelta(minutes=1)

KEY = "profile = ? AND region = ? AND endpoint = ? AND id = ?"
ROWS = (
    "SELECT profile, region, endpoint, id, position, added_at, reading, read_at,"
    " last_change, is_unseen, is_gone FROM watched ORDER BY position, added_at, id"
)
"""Statement for the watched list in its order; `row` reads what it gives."""

_T = TypeVar("_T")


def key_values(key: InstanceKey) -> tuple[str, str, str, int]:
    """The values for `KEY`."""
    return key.binding.profile, key.binding.region, key.binding.endpoint, key.id


def read(read: Callable[[str], _T], text: str | None) -> _T | None:
    """What a text holds; None for one that this version can't read, which the next poll mends."""
    try:
        return None if text is None else read(text)
    except ValueError:
        return None


def row(values: Sequence[Any]) -> StoredRow:
    """The row in a line of `ROWS`."""
    profile, region, endpoint, number, position, added_at, reading, read_at, change, *marks = values
    instance = read(read_instance, reading)
    return StoredRow(
        key=InstanceKey(Binding(profile, region, endpoint), InstanceId(number)),
        position=position,
        added_at=None if added_at is None else from_microseconds(added_at),
        instance=instance,
        read_at=None if read_at is None or instance is None else from_microseconds(read_at),
        last_change=read(read_transition, change),
        is_unseen=bool(marks[0]),
        is_gone=bool(marks[1]),
    )


def write_rows(connection: sqlite3.Connection, changes: Changes) -> None:
    """Take rows off, put rows on, and update those that are still there."""
    connection.executemany(f"DELETE FROM watched WHERE {KEY}", map(key_values, changes.removed))  # noqa: S608
    insert = (
        "INSERT INTO watched (profile, region, endpoint, id, position, added_at, reading, read_at,"
        " last_change, is_unseen, is_gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING"
    )
    connection.executemany(insert, map(_insert_values, changes.added.values()))
    # An older reading of this process never overwrites a newer one of another; one that is newer by
    # more than a save can take was dated by a clock that has been set back since.
    update = (
        "UPDATE watched SET reading = coalesce(?, reading), read_at = ?,"  # noqa: S608
        " last_change = coalesce(?, last_change), is_gone = ?"
        f" WHERE {KEY} AND (read_at IS NULL OR read_at <= ? OR read_at > ?)"
    )
    connection.executemany(update, _update_values(changes.readings.items()))
    unseen = ((is_unseen, *key_values(key)) for key, is_unseen in changes.unseen.items())
    connection.executemany(f"UPDATE watched SET is_unseen = ? WHERE {KEY}", unseen)  # noqa: S608


def _insert_values(row: StoredRow) -> tuple[Any, ...]:
    return (
        *key_values(row.key),
        row.position,
        None if row.added_at is None else to_microseconds(row.added_at),
        None if row.instance is None else instance_text(row.instance),
        None if row.read_at is None else to_microseconds(row.read_at),
        None if row.last_change is None else transition_text(row.last_change),
        row.is_unseen,
        row.is_gone,
    )


def _update_values(readings: Iterable[tuple[InstanceKey, Reading]]) -> Iterable[tuple[Any, ...]]:
    for key, reading in readings:
        read_at = to_microseconds(reading.read_at)
        instance, change = reading.instance, reading.last_change
        yield (
            None if instance is None else instance_text(instance),
            read_at,
            None if change is None else transition_text(change),
            reading.is_gone,
            *key_values(key),
            read_at,
            to_microseconds(reading.read_at + _CLOCK_SET_BACK),
        )


def insert_transition(connection: sqlite3.Connection, event: str, transition: Transition) -> bool:
    """Record a change; False if it is recorded already, by whatever process."""
    insert = (
        "INSERT INTO transitions (profile, region, endpoint, id, event, seen_by, doc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    )
    seen_by = to_microseconds(transition.seen_by)
    values = (*key_values(transition.key), event, seen_by, transition_text(transition))
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
