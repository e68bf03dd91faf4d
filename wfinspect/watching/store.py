"""The watched list, its history and the calls of the day, in one SQLite file shared by processes.

Raises only StoreError; what could not be saved stays with the caller, who tries again. No WAL: it
needs shared memory, which homes on NFS do not give. Used from one thread at a time.
"""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from wfinspect.errors import StoreError
from wfinspect.instance import Account, InstanceId, InstanceKey, Transition
from wfinspect.paths import DATABASE, make_private
from wfinspect.watching import schema, tables
from wfinspect.watching.records import Changes, StoredRow, is_id, read, to_microseconds

_BUSY_SECONDS = 2.0
_NAMED = 5
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_T = TypeVar("_T")


class Store:
    """The file; opened on first use and after each trouble."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self.path = directory / DATABASE
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._identity = ""
        self._version = -1
        self.is_read_only = False
        self.set_aside: Path | None = None
        """Where a damaged file was moved to, until that has been said."""
        self._unreadable: dict[str, bool] = {}
        """The values that could not be read, each with whether that has been said."""

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def was_replaced(self) -> bool:
        """Whether the path no longer leads to the open file, which somebody set aside or deleted."""
        if self._connection is None:
            return False
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def is_begun_anew(self) -> bool:
        """Whether the file is another one than at the last call of this method."""
        # An inode would not tell: a new file may get that of the deleted one.
        before, self._identity = self._identity, self.meta("identity") or ""
        return before not in {"", self._identity}

    def has_news(self) -> bool:
        """Whether another process has written since the last call of this method."""
        version = self._use(lambda c: int(c.execute("PRAGMA data_version").fetchone()[0]))
        is_new, self._version = version != self._version, version
        return is_new

    def rows(self) -> list[StoredRow]:
        """The watched list in its order."""

        def found(connection: sqlite3.Connection) -> list[StoredRow]:
            lines = connection.execute(tables.ROWS)
            rows = (tables.row(values, self._lost) for values in lines)
            return [row for row in rows if row is not None]

        return self._use(found)

    def transitions(self, limit: int, key: InstanceKey | None = None) -> list[Transition]:
        """The latest transitions, of one instance or of all, newest first."""
        where = "" if key is None else f" WHERE {tables.KEY}"
        values = () if key is None else (*key.binding, key.id)
        query = f"SELECT doc FROM transitions{where} ORDER BY number DESC LIMIT ?"  # noqa: S608
        docs = self._use(lambda c: c.execute(query, (*values, limit)).fetchall())
        found = [read(Transition, doc) for (doc,) in docs]
        if None in found:
            self._lost("some of the recorded changes")
        return [transition for transition in found if transition is not None]

    def recent(self) -> list[InstanceId]:
        """IDs looked up lately, newest first."""
        query = "SELECT id FROM recent ORDER BY at DESC LIMIT ?"
        found = self._use(lambda c: c.execute(query, (tables.MAX_RECENT,)).fetchall())
        return [InstanceId(number) for (number,) in found if is_id(number)]

    def calls(self, account: Account, day: date) -> int:
        """The calls counted for an account on a day."""
        query = "SELECT calls FROM calls WHERE profile = ? AND region = ? AND day = ?"
        values = (*account, day.isoformat())
        row = self._use(lambda c: c.execute(query, values).fetchone())
        if row and not (type(row[0]) is int and row[0] >= 0):
            self._lost(f"the calls of {account[0]} in {account[1]} on {day}")
            return 0
        return row[0] if row else 0

    def meta(self, name: str) -> str | None:
        """A value kept under a name, None if there is none."""
        query = "SELECT value FROM meta WHERE name = ?"
        row = self._use(lambda c: c.execute(query, (name,)).fetchone())
        return row[0] if row and isinstance(row[0], str) else None

    def claim(self, name: str, since: datetime, at: datetime) -> bool:
        """Take it on to tell of something; False if another process has done so after `since`."""
        span = [to_microseconds(since), to_microseconds(at)]
        return self._use(lambda c: c.execute(tables.CLAIM, (name, span[1], *span)).rowcount > 0)

    def save(self, changes: Changes) -> list[Transition]:
        """Save changes, all or none; gives the transitions that nobody had recorded before."""

        def write(connection: sqlite3.Connection) -> list[Transition]:
            connection.execute("BEGIN IMMEDIATE")
            try:
                tables.write_rows(connection, changes)
                new = [
                    transition
                    for event, transition in changes.transitions
                    if tables.insert_transition(connection, event, transition)
                ]
                tables.write_counts(connection, changes)
                if new:
                    tables.prune(connection, self._now())
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back by itself already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return new

        return self._use(write)

    def take_unreadable(self) -> str:
        """The sentence for values that can't be read and of which it was not said yet, else ""."""
        new = [what for what, is_said in self._unreadable.items() if not is_said]
        if not new:
            return ""
        self._unreadable = dict.fromkeys(self._unreadable, True)
        more = f" and {len(new) - _NAMED} more" if len(new) > _NAMED else ""
        return (
            f"The stored list is damaged. What can't be read is left out: "
            f"{', '.join(new[:_NAMED])}{more}."
        )

    def _lost(self, what: str) -> None:
        self._unreadable.setdefault(what, False)

    def _use(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            connection = self._connection or self._open()
            return work(connection)
        except StoreError:
            self.close()
            raise
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            if _is_damage(error) and not self.is_read_only:
                # Where nothing can be moved, or another process was quicker, the damage is told.
                with suppress(OSError):
                    self._move_aside()
            self.close()
            raise StoreError(
                f"The stored list {self.path} can't be used ({error}): the watch goes on in "
                "memory, and saving is tried again."
            ) from error

    def _open(self) -> sqlite3.Connection:
        make_private(self.path.parent)
        self._inode, self.is_read_only = _make_file(self.path)
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
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA trusted_schema = OFF")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _damage(str(verdict))  # noqa: TRY301 - the connection is closed below
            schema.prepare(connection, can_write=not self.is_read_only)
        except BaseException:
            connection.close()
            raise
        self._connection, self._version = connection, -1
        return connection

    def _move_aside(self) -> None:
        self.close()
        # Of several processes that find the damage, one moves the file, and no one a sound one.
        if self.path.stat().st_ino != self._inode:
            return
        target = self.path.with_name(f"{DATABASE}.broken-{self._now():%Y%m%dT%H%M%SZ}")
        self.path.rename(target)
        journal = self.path.with_name(f"{DATABASE}-journal")
        if journal.exists():
            journal.rename(target.with_name(f"{target.name}-journal"))
        self.set_aside = target


def _make_file(path: Path) -> tuple[int, bool]:
    """The file's inode, made with mode 0600 where there is none, and whether it is read-only."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
        is_read_only = False
    except OSError:
        # A list on a read-only file system can still be shown.
        descriptor = os.open(path, os.O_RDONLY | flags)
        is_read_only = True
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
        raise StoreError(f"{path} is not a file of this user: choose another --state-dir.")
    return status.st_ino, is_read_only


def _text(data: bytes) -> str | bytes:
    """A text; its bytes where they are none, since SQLite checks nothing that it is given."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _damage(verdict: str) -> sqlite3.DatabaseError:
    damage = sqlite3.DatabaseError(verdict)
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return damage


def _is_damage(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE
