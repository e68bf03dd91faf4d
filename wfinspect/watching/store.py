"""What outlives the process: the watched list, its changes, counted calls and marks, in SQLite.

Several processes share the file. What can't be read back costs that value, and not the row or the
list: it is None, never an error. Readings and changes are kept as JSON.
"""

import json
import os
import sqlite3
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, fields
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, cast

from wfinspect.errors import StoreError
from wfinspect.format import listed
from wfinspect.model import (
    MAX_INSTANCE_ID,
    SHARED,
    SHARED_VALUES,
    Account,
    Follow,
    InstanceId,
    InstanceKey,
    Query,
    Tag,
    Target,
    TaskInstance,
    Transition,
    Unreadable,
    WorkflowInstance,
    pack,
    shared,
)
from wfinspect.settings import DATABASE, make_private, open_private
from wfinspect.watching.api import Row, may_come_back
from wfinspect.watching.cadence import final_from

MAX_TRANSITIONS = 10_000
TRANSITIONS_KEPT_FOR = timedelta(days=30)
CALLS_KEPT_FOR = timedelta(days=62)  # two months, since editions count by the month
MAX_RECENT = 20
_CLAIM = "told "
"""Before the name of a claimed notification; a lost contact is claimed so since version 0.1.0."""
_BUSY_SECONDS = 2.0
_BEGIN = "BEGIN IMMEDIATE"
"""The end of a `with connection` commits, or rolls back what a full disk has not by itself."""
_MAX_NAMED = 5
_T = TypeVar("_T")


@dataclass(slots=True, eq=False, repr=False)
class Changes:
    """What is to be saved in one transaction; grows until that succeeds."""

    added: dict[InstanceKey, Row] = field(default_factory=dict)
    removed: dict[InstanceKey, None] = field(default_factory=dict)
    readings: dict[InstanceKey, Row] = field(default_factory=dict)
    """Rows that are there and were read; instance and change are None where they stay as they are."""
    ages: dict[InstanceKey, Row] = field(default_factory=dict)
    """Rows of which nothing but the time of their reading differs."""
    unseen: dict[InstanceKey, bool] = field(default_factory=dict)
    notes: dict[InstanceKey, str] = field(default_factory=dict)
    passed_over: dict[InstanceKey, None] = field(default_factory=dict)
    """Those that no follow is to bring, unless they are on the list."""
    transitions: list[Transition] = field(default_factory=list)
    explained: list[Transition] = field(default_factory=list)
    """Recorded changes of which it is known by now which tasks failed."""
    calls: Counter[tuple[Account, date]] = field(default_factory=Counter)
    recent: dict[InstanceId, datetime] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    @property
    def is_news(self) -> bool:
        """Whether there is more than times of readings and counts of calls, which may wait."""
        return any(getattr(self, n) for n in self.__slots__ if n not in {"ages", "calls"})

    def remove(self, key: InstanceKey) -> None:
        """Take a row out, whatever else was to be saved of it."""
        for changed in (self.added, self.readings, self.ages, self.unseen, self.notes):
            changed.pop(key, None)
        self.removed[key] = None

    def take_off(self, row: Row, follows: Iterable[Follow]) -> None:
        """Take a row out for the user, to which none of the follows brings it back."""
        self.remove(row.key)
        if may_come_back(row, follows):
            self.passed_over[row.key] = None


class Store:
    """The file; opened on first use, and again after each error. Every error is a `StoreError`."""

    is_lasting = True
    """Whether its rows outlive the process."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self.path = directory / DATABASE
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._identity = ""
        self._data_version = -1
        self.is_read_only = False
        self.set_aside: Path | None = None
        """Where a damaged file was moved to; the caller clears this once the user knows."""
        self._unreadable: dict[str, bool] = {}
        """The values that could not be read, each with whether `take_unreadable` has given it."""

    def prepare(self) -> None:
        """Make the file and its directory where there are none.

        Raises:
            StoreError: the list can never be kept there.
            OSError: it can't be at present, as on a disk that is full.
        """
        make_private(self.path.parent)
        self._inode, self.is_read_only = _make_file(self.path)

    def rows(self, held: Mapping[InstanceKey, Row] | None = None) -> list[Row]:
        """Return the watched list in its order; a reading no newer than the one in `held` is left out."""

        def found(connection: sqlite3.Connection) -> list[Row]:
            lines = connection.execute(_SELECT_ROWS)
            rows = (_row(values, self._lost, held or {}) for values in lines)
            return [row for row in rows if row is not None]

        # What was written until here is no news then.
        self.has_news()
        self.is_other_file()
        return self._use(found)

    def transitions(self, limit: int, key: InstanceKey | None = None) -> list[Transition]:
        """Return the latest transitions, of one instance or of all, newest first."""
        where = "" if key is None else f" WHERE {_KEY}"
        values = () if key is None else (*key.target, key.id)
        query = f"SELECT doc FROM transitions{where} ORDER BY number DESC LIMIT ?"  # noqa: S608
        docs = self._use(lambda c: c.execute(query, (*values, limit)).fetchall())
        found = [read(Transition, doc) for (doc,) in docs]
        if None in found:
            self._lost("some of the recorded changes")
        return [transition for transition in found if transition is not None]

    def recent(self) -> list[InstanceId]:
        """Return the IDs looked up lately, newest first."""
        query = "SELECT id FROM recent ORDER BY at DESC LIMIT ?"
        found = self._use(lambda c: c.execute(query, (MAX_RECENT,)).fetchall())
        return [InstanceId(number) for (number,) in found if is_id(number)]

    def calls(self, account: Account, day: date) -> int:
        """Return the calls counted for an account on a day."""
        query = "SELECT calls FROM calls WHERE profile = ? AND region = ? AND day = ?"
        values = (*account, day.isoformat())
        found = self._use(lambda c: c.execute(query, values).fetchone())
        if found and not (type(found[0]) is int and found[0] >= 0):
            self._lost(f"the calls of {account[0]} in {account[1]} on {day}")
            return 0
        return found[0] if found else 0

    def meta(self, name: str) -> str | None:
        """Return the value kept under a name, None if there is none."""
        query = "SELECT value FROM meta WHERE name = ?"
        found = self._use(lambda c: c.execute(query, (name,)).fetchone())
        return found[0] if found and isinstance(found[0], str) else None

    def claim(self, names: Iterable[str], since: datetime, now: datetime) -> list[str]:
        """Claim notifications; returns those that no process has claimed after `since`."""
        # Only a time within the span blocks: one from a clock that was set back since does not. Another
        # process may have looked at the clock after this one, and claimed before it.
        statement = (
            "INSERT INTO meta (name, value) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value"
            " WHERE CAST(value AS INTEGER) NOT BETWEEN ? AND ?"
        )
        at = to_microseconds(now)
        values = {
            name: (f"{_CLAIM}{name}", at, to_microseconds(since), at + _CLOCK_SET_BACK)
            for name in names
        }
        return self._write(
            lambda c: [n for n in values if c.execute(statement, values[n]).rowcount]
        )

    def follows(self) -> list[Follow]:
        """Return what is followed, the oldest first."""
        found = self._use(_read_follows)
        if None in found:
            self._lost("what is followed")
        return [each for each in found if each is not None]

    def add_follow(self, follow: Follow) -> Follow:
        """Keep a follow, in place of the one with its number; returns it with one of its own if that is 0.

        Where an equal one has another number, as another process may have kept it just now, nothing is
        written, and that is returned.
        """
        insert = (
            "INSERT OR REPLACE INTO follows (number, profile, region, endpoint, doc, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?)"
        )
        own = {"keep_days": follow.keep_days, "due": follow.due, "name": follow.name}
        doc = json.dumps({"query": follow.query, **own})
        values = (follow.number or None, *follow.target, doc, to_microseconds(follow.added_at))

        def add(connection: sqlite3.Connection) -> Follow:
            for each in _read_follows(connection):
                if each is not None and each[1:3] == follow[1:3] and each.number != follow.number:
                    return each
            number = connection.execute(insert, values).lastrowid
            return follow._replace(number=int(number or 0))

        return self._write(add)

    def remove_follow(self, number: int) -> None:
        """Follow no longer; the rows it brought stay."""
        self._write(lambda c: c.execute("DELETE FROM follows WHERE number = ?", (number,)))

    def all_passed_over(self, since: datetime) -> list[InstanceKey]:
        """Return all that a follow brought and that left the list after a time."""
        query = "SELECT profile, region, endpoint, id FROM passed_over WHERE at > ? ORDER BY at, id"
        found = self._use(lambda c: c.execute(query, (to_microseconds(since),)).fetchall())
        keys: list[InstanceKey] = []
        for parts in found:
            with suppress(ValueError):
                keys.append(_key(parts))
        return keys

    def passed_over(self, keys: Iterable[InstanceKey]) -> set[InstanceKey]:
        """Return those that a follow brought and that left the list since."""
        query = f"SELECT 1 FROM passed_over WHERE {_KEY}"  # noqa: S608
        return self._use(
            lambda c: {key for key in keys if c.execute(query, (*key.target, key.id)).fetchone()}
        )

    def save(self, changes: Changes) -> list[Transition]:
        """Save all changes or none; returns the transitions that no process had recorded before."""

        def write(connection: sqlite3.Connection) -> list[Transition]:
            _write_rows(connection, changes, self._now())
            new = [each for each in changes.transitions if _write_transition(connection, each)]
            for each in changes.explained:
                _write_failed(connection, each)
            _write_counts(connection, changes)
            if new:
                _prune(connection, self._now())
            return new

        return self._write(write)

    def has_news(self) -> bool:
        """Return whether another process has written since the last call of this method."""
        version = self._use(lambda c: int(c.execute("PRAGMA data_version").fetchone()[0]))
        is_new, self._data_version = version != self._data_version, version
        return is_new

    def was_replaced(self) -> bool:
        """Return whether the path no longer leads to the open file, as after `rm` or `mv`."""
        if self._connection is None:
            return False
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def is_other_file(self) -> bool:
        """Return whether the file is another one than at the last call of this method."""
        # An inode would not tell: a new file may get that of the deleted one.
        before, self._identity = self._identity, self.meta("identity") or ""
        return before not in {"", self._identity}

    def take_unreadable(self) -> str:
        """Return a sentence on the values that can't be read and that no call gave yet, else ""."""
        new = [what for what, is_said in self._unreadable.items() if not is_said]
        if not new:
            return ""
        self._unreadable = dict.fromkeys(self._unreadable, True)
        return f"The stored list is damaged. What can't be read is left out: {listed(new, _MAX_NAMED)}."

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _lost(self, what: str) -> None:
        self._unreadable.setdefault(what, False)

    def _write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do work in a transaction: all of it or none."""

        def transaction(connection: sqlite3.Connection) -> _T:
            with connection:
                connection.execute(_BEGIN)
                return work(connection)

        return self._use(transaction)

    def _use(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return work(self._connection or self._open())
        except StoreError:
            self.close()
            raise
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            if _is_damage(error) and not self.is_read_only:
                # Where nothing can be moved, or another process was quicker, the error says it.
                with suppress(OSError):
                    self._move_aside()
            self.close()
            raise StoreError(
                f"The stored list {self.path} can't be used ({error}): the watch goes on in "
                "memory, and saving is tried again."
            ) from error

    def _open(self) -> sqlite3.Connection:
        self.prepare()
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error) or self.is_read_only:
                raise
            self._move_aside()
        self._inode, self.is_read_only = _make_file(self.path)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.is_read_only else "rw"
        # The path's own % and ? must not be read as parts of a URI.
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        # Handed from the thread that paints the list to the poller's, never used by both.
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.text_factory = _text
        try:
            if not self.is_read_only:
                # A write-ahead log needs shared memory, which a home directory on NFS lacks.
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA trusted_schema = OFF")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _Damaged(str(verdict))  # noqa: TRY301 - the connection is closed below
            _upgrade(connection, can_write=not self.is_read_only)
        except BaseException:
            connection.close()
            raise
        self._connection, self._data_version = connection, -1
        return connection

    def _move_aside(self) -> None:
        self.close()
        # Of several processes that find the damage one moves the file, and none moves a sound one.
        if self.path.stat().st_ino != self._inode:
            return
        target = self.path.with_name(f"{DATABASE}.broken-{self._now():%Y%m%dT%H%M%SZ}")
        self.path.rename(target)
        journal = self.path.with_name(f"{DATABASE}-journal")
        if journal.exists():
            journal.rename(target.with_name(f"{target.name}-journal"))
        self.set_aside = target


class EphemeralStore(Store):
    """Holds a list in memory for a watch without a screen, and leaves the user's list as it is.

    Calls and what is kept by name are written to the file. Readings that other processes save in its
    time are taken from there.
    """

    is_lasting = False

    def __init__(
        self,
        directory: Path,
        now: Callable[[], datetime],
        keys: Iterable[InstanceKey] = (),
        *,
        follows: Iterable[Follow] = (),
        has_claims: bool = False,
    ) -> None:
        """Begin with rows of the given keys.

        Args:
            directory: where the file is.
            now: the time.
            keys: the first rows.
            follows: what brings further ones.
            has_claims: take part in the notifications of the processes that share the list.
        """
        super().__init__(directory, now)
        self._follows, self._has_claims = list(follows), has_claims
        self._since = now()
        self._own = {
            key: Row(key, is_watched=True, position=float(place), added_at=self._since)
            for place, key in enumerate(keys, 1)
        }
        self._is_begun = not self._own

    def rows(self, held: Mapping[InstanceKey, Row] | None = None) -> list[Row]:
        """Return its own rows, each as the file holds it where that was read in its time.

        Not where that is an older state than the one in `held`: some answers lag.
        """
        known = {key: row.instance for key, row in (held or {}).items()}
        stored = {
            row.key: row
            # At first no process has read one in its time, and the file may be unusable.
            for row in (super().rows(held) if self._own and self._is_begun else ())
            if row.instance is not None and row.read_at is not None and row.read_at >= self._since
            if not ((before := known.get(row.key)) and row.instance.is_older(before.modify_time))
        }
        self._is_begun = True
        return [stored.get(key, row) for key, row in self._own.items()]

    def follows(self) -> list[Follow]:
        """Return its own."""
        return self._follows

    def transitions(self, limit: int, key: InstanceKey | None = None) -> list[Transition]:
        """Return what others saw of its rows in its time, to be notified of; none unless it takes part."""
        found = super().transitions(limit, key) if self._own and self._has_claims else ()
        return [each for each in found if each.key in self._own and each.seen_by >= self._since]

    def claim(self, names: Iterable[str], since: datetime, now: datetime) -> list[str]:
        """Return none unless it takes part: the processes that share the list run the commands."""
        return super().claim(names, since, now) if self._has_claims else []

    def passed_over(self, keys: Iterable[InstanceKey]) -> set[InstanceKey]:  # noqa: ARG002
        """Return none: its follows bring what they find."""
        return set()

    def save(self, changes: Changes) -> list[Transition]:
        """Write what is counted and kept by name; add and remove rows in memory."""
        counted = Changes(calls=changes.calls, meta=changes.meta)
        if counted:
            super().save(counted)
        for key in changes.removed:
            self._own.pop(key, None)
        self._own |= changes.added
        return changes.transitions


# The file.


def _make_file(path: Path) -> tuple[int, bool]:
    """Make the file with mode 0600 where there is none; returns its inode and if it is read-only."""
    try:
        descriptor = open_private(path, os.O_RDWR)
        is_read_only = False
    except OSError:
        # A list on a read-only file system can still be shown.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        is_read_only = True
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
        raise StoreError(f"{path} is not a file of this user: choose another --state-dir.")
    return status.st_ino, is_read_only


def _text(data: bytes) -> str | bytes:
    # SQLite does not check that a text is UTF-8; bytes that aren't cost only their value.
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


class _Damaged(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _is_damage(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    # The lower byte is the primary code, which the extended ones refine.
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


# The schema.

_STEPS = (
    # As 0.1.0 made it. Readings are apart from what each poll writes: one is long, and seldom differs.
    """
    CREATE TABLE watched (
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        position REAL NOT NULL,
        added_at INTEGER,
        read_at INTEGER,
        last_change TEXT,
        is_unseen INTEGER NOT NULL DEFAULT 0,
        is_gone INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (profile, region, endpoint, id)
    ) WITHOUT ROWID;
    CREATE TABLE readings (
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        doc TEXT NOT NULL,
        PRIMARY KEY (profile, region, endpoint, id)
    );
    CREATE TABLE transitions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        event TEXT NOT NULL,
        seen_by INTEGER NOT NULL,
        doc TEXT NOT NULL,
        UNIQUE (profile, region, endpoint, id, event)
    );
    CREATE INDEX transitions_by_time ON transitions (seen_by);
    CREATE TABLE calls (
        profile TEXT NOT NULL, region TEXT NOT NULL, day TEXT NOT NULL,
        calls INTEGER NOT NULL,
        PRIMARY KEY (profile, region, day)
    ) WITHOUT ROWID;
    CREATE TABLE recent (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL
    );
    CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO meta (name, value) VALUES ('identity', hex(randomblob(16)));
    """,
    # What `summary` counts, without the document.
    """
    ALTER TABLE watched ADD COLUMN family TEXT;
    ALTER TABLE watched ADD COLUMN final_at INTEGER;
    """,
    # A row that its follow brought is not brought again once it has left the list.
    """
    CREATE TABLE follows (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL,
        doc TEXT NOT NULL,
        added_at INTEGER NOT NULL
    );
    CREATE TABLE passed_over (
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (profile, region, endpoint, id)
    ) WITHOUT ROWID;
    ALTER TABLE watched ADD COLUMN follow INTEGER;
    ALTER TABLE watched ADD COLUMN note TEXT;
    """,
)
"""The first makes version 2 in an empty file, each other one leads to the next; none is changed once it is released."""

VERSION = 1 + len(_STEPS)


def _upgrade(connection: sqlite3.Connection, *, can_write: bool) -> None:
    """Bring a database to `VERSION`.

    Raises:
        StoreError: a newer program wrote it, or it is older and can't be written.
    """
    version = _version(connection)
    if version > VERSION:
        raise StoreError(
            f"The stored list is of version {version} and this program knows {VERSION}: it was "
            "written by a newer wfinspect. Update this one, or choose another --state-dir; until "
            "then nothing is saved."
        )
    if version == VERSION:
        return
    if not can_write:
        raise StoreError(
            "The stored list is of an older version and can't be written to: start wfinspect once where "
            "it can, or choose another --state-dir."
        )
    with connection:
        # The lock comes first, or two programs that start together would both take the same step.
        connection.execute(_BEGIN)
        for step in _STEPS[max(0, _version(connection) - 1) :]:
            for statement in step.split(";"):
                connection.execute(statement)
        readings = connection.execute("SELECT profile, region, endpoint, id, doc FROM readings")
        for *key, doc in readings.fetchall():
            if instance := read(WorkflowInstance, doc):
                update = f"UPDATE watched SET family = ?, final_at = ? WHERE {_KEY}"  # noqa: S608
                connection.execute(update, (instance.family, _final_at(instance), *key))
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


# Rows and what else is in the tables.

_KEY = "profile = ? AND region = ? AND endpoint = ? AND id = ?"
_NAMED_KEY = "profile = :profile AND region = :region AND endpoint = :endpoint AND id = :id"
_SELECT_ROWS = (
    "SELECT profile, region, endpoint, id, position, added_at, doc, read_at, last_change, is_unseen,"
    " is_gone, follow, note FROM watched LEFT JOIN readings USING (profile, region, endpoint, id)"
    " ORDER BY position, added_at, id"
)
_FAR = 2**62
_CLOCK_SET_BACK = 60_000_000  # microseconds, more than a save can take


def _row(
    values: Sequence[object], lost: Callable[[str], None], held: Mapping[InstanceKey, Row]
) -> Row | None:
    """Make a row of a line of `_SELECT_ROWS`; None where it can't be read which instance it is of.

    `lost` is called with a name for each value that can't be read, and is left out.
    """
    *parts, position, added_at, reading, read_at, change, is_unseen, is_gone, follow, note = values
    try:
        key = _key(parts)
    except ValueError:
        lost("which instance a row is of")
        return None

    def checked(what: str, value: object, found: _T | None) -> _T | None:
        if found is None and value is not None:
            lost(f"{what} ({key.id})")
        return found

    at = checked("the time of a reading", read_at, from_microseconds(read_at))
    known_at = held[key].read_at if key in held else None
    if at is not None and known_at is not None and at <= known_at:
        reading = None
    instance = read(WorkflowInstance, reading)
    if instance is not None and instance.id != key.id:
        instance = None
    instance = checked("a reading", reading, instance)
    place = position if isinstance(position, float) and isfinite(position) else None
    return Row(
        key=key,
        instance=instance if at is not None else None,
        read_at=at if instance is not None else None,
        is_watched=True,
        is_unseen=bool(checked("an unseen mark", is_unseen, _flag(is_unseen))),
        is_gone=bool(checked("a mark of what is gone", is_gone, _flag(is_gone))),
        last_change=checked("a last change", change, read(Transition, change)),
        position=checked("a place in the list", position, place) or 0.0,
        added_at=checked("the time of adding", added_at, from_microseconds(added_at)),
        follow=follow if type(follow) is int else 0,
        note=note if isinstance(note, str) else "",
    )


def _read_follows(connection: sqlite3.Connection) -> list[Follow | None]:
    """Return what is followed, the oldest first; None for each that can't be read."""
    query = "SELECT number, profile, region, endpoint, doc, added_at FROM follows ORDER BY number"
    return [read_follow(*values) for values in connection.execute(query).fetchall()]


def read_follow(number: object, *values: object) -> Follow | None:
    """Make a follow of a line of its table; None where it can't be read."""
    *target, text, added_at = values
    at = from_microseconds(added_at)
    try:
        doc = json.loads(str(text))
        query = Query(*doc["query"])
        tags = tuple(each if isinstance(each, str) else Tag(*map(str, each)) for each in query.tags)
        is_sound = is_id(query.project_id) and set(map(type, query[2:7])) == {str}
        is_sound &= all(each is None or is_id(each) for each in query[8:])
        keep_days, due = float(doc["keep_days"]), str(doc.get("due") or "")
        name = str(doc.get("name") or "")
        time.fromisoformat(due or "00:00")
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None
    if at is None or not is_sound or not isfinite(keep_days):
        return None
    place = Target(*map(str, target))
    return Follow(int(str(number)), place, query.with_tags(tags), at, keep_days, due, name)


def _flag(value: object) -> bool | None:
    return bool(value) if value in {0, 1} else None


def _values(row: Row) -> Mapping[str, Any]:
    """Return a row by the names of its columns."""
    return {
        **row.key.target._asdict(),
        "id": row.key.id,
        "read_at": None if row.read_at is None else to_microseconds(row.read_at),
        "is_gone": row.is_gone,
        "position": row.position,
        "added_at": None if row.added_at is None else to_microseconds(row.added_at),
        "last_change": None if row.last_change is None else text_of(row.last_change),
        "is_unseen": row.is_unseen,
        "follow": row.follow or None,
        "note": row.note or None,
        "family": None if row.instance is None else row.instance.family,
        "final_at": None if row.instance is None else _final_at(row.instance),
    }


def _final_at(instance: WorkflowInstance) -> int | None:
    milliseconds = final_from(instance)
    # A reading says any number; what no column holds is far from now as well.
    return None if milliseconds is None else max(-_FAR, min(milliseconds * 1000, _FAR))


def _write_rows(connection: sqlite3.Connection, changes: Changes, now: datetime) -> None:
    removed = [(*key.target, key.id) for key in changes.removed]
    connection.executemany(
        "INSERT OR REPLACE INTO passed_over (profile, region, endpoint, id, at)"  # noqa: S608
        f" SELECT profile, region, endpoint, id, ? FROM watched WHERE {_KEY} AND follow IS NOT NULL",
        [(to_microseconds(now), *key) for key in removed],
    )
    for table in ("watched", "readings"):
        connection.executemany(f"DELETE FROM {table} WHERE {_KEY}", removed)  # noqa: S608
    for row in map(_values, changes.added.values()):
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        insert = f"INSERT INTO watched ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
        connection.execute(insert, row)
    added = [(*key.target, key.id) for key in changes.added]
    connection.executemany(f"DELETE FROM passed_over WHERE {_KEY}", added)  # noqa: S608
    connection.executemany(
        "INSERT OR IGNORE INTO passed_over (profile, region, endpoint, id, at) SELECT ?1, ?2, ?3, ?4, ?5"
        " WHERE NOT EXISTS (SELECT 1 FROM watched WHERE profile = ?1 AND region = ?2"
        " AND endpoint = ?3 AND id = ?4)",
        [(*key.target, key.id, to_microseconds(now)) for key in changes.passed_over],
    )
    # An older reading of this process never overwrites a newer one of another; one that is newer by
    # more than a save can take was dated by a clock that has been set back since.
    update = (
        "UPDATE watched SET read_at = :read_at, is_gone = :is_gone,"  # noqa: S608
        " last_change = coalesce(:last_change, last_change), family = coalesce(:family, family),"
        f" final_at = CASE WHEN :family IS NULL THEN final_at ELSE :final_at END WHERE {_NAMED_KEY}"
        f" AND (read_at IS NULL OR read_at <= :read_at OR read_at > :read_at + {_CLOCK_SET_BACK})"
    )
    connection.executemany(update, map(_values, changes.readings.values()))
    # Of these there may be thousands a minute.
    aged = (
        (to_microseconds(row.read_at), row.is_gone, *row.key.target, row.key.id)
        for row in changes.ages.values()
        if row.read_at is not None
    )
    connection.executemany(
        f"UPDATE watched SET read_at = ?1, is_gone = ?2 WHERE profile = ?3 AND region = ?4"  # noqa: S608
        " AND endpoint = ?5 AND id = ?6"
        f" AND (read_at IS NULL OR read_at <= ?1 OR read_at > ?1 + {_CLOCK_SET_BACK})",
        aged,
    )
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
    unseen = ((is_unseen, *key.target, key.id) for key, is_unseen in changes.unseen.items())
    connection.executemany(f"UPDATE watched SET is_unseen = ? WHERE {_KEY}", unseen)  # noqa: S608
    notes = ((note or None, *key.target, key.id) for key, note in changes.notes.items())
    connection.executemany(f"UPDATE watched SET note = ? WHERE {_KEY}", notes)  # noqa: S608


def _write_transition(connection: sqlite3.Connection, transition: Transition) -> bool:
    """Record a change; False if a process has recorded it already."""
    insert = (
        "INSERT INTO transitions (profile, region, endpoint, id, event, seen_by, doc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    )
    seen_by = to_microseconds(transition.seen_by)
    key, event = transition.key, transition.event
    values = (*key.target, key.id, event, seen_by, text_of(transition))
    with closing(connection.execute(insert, values)) as cursor:
        return cursor.rowcount > 0


def _write_failed(connection: sqlite3.Connection, change: Transition) -> None:
    """Add to a recorded change, and to that of its row, which tasks failed, unless another process has."""
    values = {**change.key.target._asdict(), "id": change.key.id, "event": change.event}
    for table, column, more in (
        ("transitions", "doc", " AND event = :event"),
        ("watched", "last_change", ""),
    ):
        where = f"WHERE {_NAMED_KEY}{more}"
        line = connection.execute(f"SELECT {column} FROM {table} {where}", values).fetchone()  # noqa: S608
        found = read(Transition, line[0]) if line else None
        if found is not None and found.event == change.event and not found.failed:
            values["doc"] = text_of(found._replace(failed=change.failed))
            connection.execute(f"UPDATE {table} SET {column} = :doc {where}", values)  # noqa: S608


def _write_counts(connection: sqlite3.Connection, changes: Changes) -> None:
    """Add the counted calls, the IDs looked up and what is kept by name."""
    connection.executemany(
        "INSERT INTO calls (profile, region, day, calls) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET calls = calls + excluded.calls",
        [(*account, day.isoformat(), calls) for (account, day), calls in changes.calls.items()],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO recent (id, at) VALUES (?, ?)",
        [(number, to_microseconds(at)) for number, at in changes.recent.items()],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", changes.meta.items()
    )


def _prune(connection: sqlite3.Connection, now: datetime) -> None:
    """Drop what is too old or too much."""
    kept_from = to_microseconds(now - TRANSITIONS_KEPT_FOR)
    connection.execute(
        "DELETE FROM transitions WHERE seen_by < ?"
        " OR number <= (SELECT max(number) FROM transitions) - ?",
        (kept_from, MAX_TRANSITIONS),
    )
    of_claims = "DELETE FROM meta WHERE name LIKE ? AND CAST(value AS INTEGER) < ?"
    connection.execute(of_claims, (f"{_CLAIM}%", kept_from))
    connection.execute("DELETE FROM passed_over WHERE at < ?", (kept_from,))
    days_from = (now - CALLS_KEPT_FOR).date().isoformat()
    connection.execute("DELETE FROM calls WHERE day < ?", (days_from,))
    connection.execute(
        "DELETE FROM recent WHERE id NOT IN (SELECT id FROM recent ORDER BY at DESC LIMIT ?)",
        (MAX_RECENT,),
    )


# Values: readings and changes as JSON, times as integers.

_R = TypeVar("_R", WorkflowInstance, Transition)
_MAX_BITS = 512  # a float holds a little more
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text_of(value: WorkflowInstance | Transition) -> str:
    """Return a reading, with the service's own object in it, or a change, as JSON."""
    values = {name: getattr(value, name) for name in _names(type(value))}
    if isinstance(value, Transition):
        values["key"] = [*value.key.target, value.key.id]
        values["failed"] = [[t.id, t.task_name, t.run_number] for t in value.failed]
    else:
        del values["packed"]
        values["raw"] = value.raw
    # Escaped to ASCII: text from the service may hold what UTF-8 can't carry, as lone surrogates.
    return json.dumps(values, default=datetime.isoformat)


def read(kind: type[_R], text: object) -> _R | None:
    """Return the reading or the change in a text of `text_of`; None where it can't be read."""
    if not isinstance(text, str):
        return None
    known = _names(kind)
    try:
        # Fields of other versions are left out.
        found = json.loads(text)
        found["packed"] = pack(found.pop("raw", ""))
        values = {name: value for name, value in found.items() if name in known}
        values |= {n: _READ[n](values[n]) for n in _READ.keys() & values.keys()}
        is_sound = all(_is_of(kind.__annotations__[n], values[n]) for n in values)
        return kind(**values) if is_sound else None
    except (AttributeError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def _names(kind: type[Any]) -> tuple[str, ...]:
    """Return the fields of a named tuple or a dataclass."""
    return getattr(kind, "_fields", None) or tuple(each.name for each in fields(kind))


def _is_of(wanted: object, value: object) -> bool:
    """Return whether a value is of a field's type; what `_READ` has made is."""
    if wanted in {str, bool}:
        return type(value) is wanted
    if wanted == int | None:
        return value is None or (type(value) is int and value.bit_length() <= _MAX_BITS)
    return wanted is not InstanceId or is_id(value)


def is_id(value: object) -> bool:
    """Return whether a value can be an instance's ID."""
    return type(value) is int and 0 < value <= MAX_INSTANCE_ID


def _key(parts: Iterable[object]) -> InstanceKey:
    """Return the key in a profile, a region, an endpoint and an ID.

    Raises:
        ValueError: one of them can't be read.
    """
    *target, number = parts
    if not (all(isinstance(part, str) and part for part in target) and is_id(number)):
        raise ValueError("no key")
    return _shared_key(InstanceKey(_target(*target), InstanceId(number)))  # type: ignore[arg-type] # checked


# Of thousands of rows, many have the same target, and the same times; each has one key with its last change.
_target = lru_cache(maxsize=64)(Target)
_shared_key = cast("Callable[[InstanceKey], InstanceKey]", shared)


@lru_cache(maxsize=64)
def to_microseconds(at: datetime) -> int:
    """Return a time as an integer that loses nothing."""
    return (at - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=64, typed=True)
def from_microseconds(value: object) -> datetime | None:
    """Return the time that `to_microseconds` was given; None where it was not."""
    if type(value) is not int:
        return None
    try:
        return _plausible(_EPOCH + timedelta(microseconds=value))
    except (OverflowError, ValueError):
        return None


def read_time(text: str) -> datetime:
    """Return a time in ISO 8601 that every zone can show; a ValueError for any other."""
    return _plausible(datetime.fromisoformat(text))


def _plausible(at: datetime) -> datetime:
    """Return a time that every zone can show; a ValueError for any other."""
    if at.tzinfo is None or not _EPOCH.year <= at.year < MAXYEAR:
        raise ValueError(f"no time: {at}")
    return at


_READ: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("at", "seen_after", "seen_by"), read_time),
    # As in the answers of the service: thousands of instances say the same few words.
    **dict.fromkeys((*SHARED, "from_status", "to_status"), sys.intern),
    # The last change of an instance has its key and name.
    **dict.fromkeys((*SHARED_VALUES, "name"), shared),
    "key": _key,
    "failed": lambda found: tuple(
        TaskInstance(int(number), task_name=str(name), run_number=None if run is None else int(run))
        for number, name, run in found
    ),
    "tags": lambda tags: shared(
        tuple(Tag(sys.intern(key), sys.intern(value)) for key, value in tags)
    ),
    "unknown_fields": lambda names: tuple(map(str, names)),
    "unreadable": lambda found: tuple(Unreadable(str(name), str(text)) for name, text in found),
}
"""How the fields are read that JSON has no form for."""
