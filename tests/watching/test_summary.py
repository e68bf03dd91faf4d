import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import START, instance, key, listed, ms
from hypothesis import given, settings
from hypothesis import strategies as st

from wfinspect import format as fmt
from wfinspect.commands.status import as_group
from wfinspect.model import Family, Status
from wfinspect.watching import store as stores
from wfinspect.watching import summary
from wfinspect.watching.api import Row
from wfinspect.watching.store import Changes, Store


def test_what_is_said_twice_for_the_sake_of_imports_is_the_same() -> None:
    assert summary.VERSION == stores.VERSION
    marks = {family: fmt.MARKS[status] for family, status in fmt.MARKED_AS.items()}
    assert list(summary.MARKS.items()) == list(marks.items())
    assert {family for family in Family if family.is_settled} == summary.SETTLED


Drawn = tuple[str, float | None, float | None, int]


def row(number: int, word: str, minutes: float | None, over: float | None, flags: int) -> Row:
    if minutes is None:
        return listed(key(number), 1.0, is_unseen=bool(flags & 1), is_gone=bool(flags & 2))
    finished = None if over is None else ms(START - timedelta(minutes=over))
    read_at = START - timedelta(minutes=minutes)
    found = instance(number, word, finished_time=finished)
    return listed(
        key(number),
        1.0,
        instance=found,
        read_at=read_at,
        is_unseen=bool(flags & 1),
        is_gone=bool(flags & 2),
    )


MINUTES = st.none() | st.sampled_from([0.0, 2.0, 4.0, 6.0, 20.0, 29.0, 2000.0])
WORDS = st.sampled_from([*Status, "Sleeping"])
ROWS = st.lists(st.tuples(WORDS, MINUTES, MINUTES, st.integers(0, 3)), max_size=8)


@settings(max_examples=25)
@given(ROWS, ROWS, st.sampled_from([15.0, 3600.0]))
def test_the_columns_say_what_the_documents_do(
    drawn: list[Drawn], later: list[Drawn], interval: float
) -> None:
    rows = {key(n): row(n, *each) for n, each in enumerate(drawn, 1)}
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory), lambda: START)
        store.save(Changes(added=rows))
        # Read again: a row without a reading keeps the one it has.
        read = {key(n): row(n, *each) for n, each in enumerate(later, 1) if key(n) in rows}
        store.save(Changes(readings=read))
        groups = summary.read(str(store.path))
        rows_now = store.rows()
        store.close()
    assert groups is not None
    assert summary.line_of(groups, interval, START.timestamp()) == summary.line_of(
        map(as_group, rows_now), interval, START.timestamp()
    )
    families = {r.instance.family for r in rows_now if r.instance}
    code = 1 if Family.FAILURE in families else 0 if all(f.is_settled for f in families) else 8
    unread = sum(r.instance is None and not r.is_gone for r in rows_now)
    gone = sum(r.is_gone for r in rows_now)
    assert summary.code_of(groups) == (5 if gone else 3 if unread else code)
    said = [f"No reading is stored for {unread} of the list: "] * bool(unread)
    said += [f"The service does not know {gone} of the list: "] * bool(gone)
    for words, found in zip(said, summary.troubles(groups), strict=True):
        assert found.startswith(words)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE watched SET family = 'other'",
        "UPDATE watched SET read_at = 'then'",
        "UPDATE watched SET is_unseen = 'x'",
        "UPDATE watched SET is_gone = 7",
        "UPDATE watched SET id = -1",
        "PRAGMA user_version = 99",
        "DROP TABLE watched",
    ],
)
def test_what_is_odd_is_left_to_the_whole_store(tmp_path: Path, harm: str) -> None:
    with closing(Store(tmp_path, lambda: START)) as store:
        store.save(Changes(added={key(1): row(1, "Running", 0.0, None, 0)}))
    assert summary.read(str(store.path)) is not None
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(harm)
        connection.commit()
    assert summary.read(str(store.path)) is None


def test_what_is_no_file_of_the_user_is_left_to_the_whole_store(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    assert summary.read(str(tmp_path / "link")) is summary.read(str(tmp_path)) is None
    (tmp_path / "text").write_text("no database" * 200)
    assert summary.read(str(tmp_path / "text")) is None


def test_the_way_of_a_status_bar_loads_neither_documents_nor_parsers() -> None:
    check = (
        "import sys, wfinspect.__main__, wfinspect.watching.summary;"
        "dear = {'argparse', 'json', 'typing', 'dataclasses', 'pathlib', 'wfinspect.model'};"
        "sys.exit(len(dear & set(sys.modules)))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import sys; sys.path = {sys.path}; {check}"],
            check=False,
        ).returncode
        == 0
    )
