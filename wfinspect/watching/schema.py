"""The tables of the store and the steps from each version to the next. Knows SQL and nothing else."""

import sqlite3

from wfinspect.errors import StoreError

_STEPS = (
    """
    CREATE TABLE watched (
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        position REAL NOT NULL,
        added_at INTEGER,
        reading TEXT,
        read_at INTEGER,
        last_change TEXT,
        is_unseen INTEGER NOT NULL DEFAULT 0,
        is_gone INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (profile, region, endpoint, id)
    ) WITHOUT ROWID;
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
    # Apart from what each poll writes: a reading is long, and seldom another one.
    """
    CREATE TABLE readings (
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        doc TEXT NOT NULL,
        PRIMARY KEY (profile, region, endpoint, id)
    );
    INSERT INTO readings
        SELECT profile, region, endpoint, id, reading FROM watched WHERE reading IS NOT NULL;
    CREATE TABLE rows (
        profile TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, id INTEGER NOT NULL,
        position REAL NOT NULL,
        added_at INTEGER,
        read_at INTEGER,
        last_change TEXT,
        is_unseen INTEGER NOT NULL DEFAULT 0,
        is_gone INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (profile, region, endpoint, id)
    ) WITHOUT ROWID;
    INSERT INTO rows SELECT profile, region, endpoint, id, position, added_at, read_at, last_change,
        is_unseen, is_gone FROM watched;
    DROP TABLE watched;
    ALTER TABLE rows RENAME TO watched;
    """,
)
"""Step n leads from version n to n + 1; a step is never changed once it is released."""

VERSION = len(_STEPS)


def prepare(connection: sqlite3.Connection, *, can_write: bool) -> None:
    """Bring a database to this version.

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
    # The lock comes first, or two programs that start together would both take the same step.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in _STEPS[_version(connection) :]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
