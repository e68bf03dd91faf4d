import errno
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date, timedelta, timezone
from pathlib import Path

import pytest
from fakes import BINDING, START, FakeClock, instance, key, listed, ms
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.errors import StoreError
from wfinspect.model import (
    InstanceId,
    InstanceKey,
    Tag,
    Transition,
    Unreadable,
    WorkflowInstance,
    pack,
)
from wfinspect.settings import DATABASE
from wfinspect.watching import store as store_module
from wfinspect.watching.api import Row
from wfinspect.watching.store import (
    Changes,
    Store,
    read,
    text_of,
)
from wfinspect.watching.watchlist import event_of

ACCOUNT = (BINDING.profile, BINDING.region)
TODAY = date(2026, 9, 18)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    made = Store(tmp_path / "state", clock.now)
    yield made
    made.close()


def second(store: Store, clock: FakeClock) -> Store:
    """The same file as another process opens it."""
    return Store(store.path.parent, clock.now)


def row(number: int, **fields: object) -> Row:
    values: dict[str, object] = {"position": float(number), "added_at": START}
    return listed(key(number), **(values | fields))  # type: ignore[arg-type]


def reading(number: int, status: str = "Running", **fields: object) -> Row:
    return row(number, instance=instance(number, status), read_at=START, **fields)


def added(*rows: Row) -> Changes:
    return Changes(added={each.key: each for each in rows})


def transition(number: int = 1, minute: int = 0, to_status: str = "Failure") -> Transition:
    at = START + timedelta(minutes=minute)
    return Transition(key(number), "dwd_trade", "Running", to_status, at, START, at)


def test_rows_come_back_as_they_were_saved_in_the_order_of_the_list(store: Store) -> None:
    rows = [
        row(2, position=1.0, instance=instance(2, packed=pack('{"Id": 2}')), read_at=START),
        row(1, position=2.0, is_unseen=True, is_gone=True, last_change=transition()),
        row(3),
    ]
    store.save(added(*rows))
    assert store.rows() == rows
    assert store.rows()[0].instance == rows[0].instance
    assert store.rows()[0].instance is not None
    assert store.rows()[0].instance.raw == '{"Id": 2}'


def test_what_thousands_of_stored_rows_have_in_common_is_held_once(store: Store) -> None:
    same = {"project_id": 88123, "biz_date": ms(START), "tags": (Tag("team", "growth"),)}
    found = [instance(number, **same) for number in (1, 2)]  # type: ignore[arg-type]
    store.save(added(*(row(each.id, instance=each, read_at=START) for each in found)))
    one, other = (each.instance for each in store.rows())

    assert one == found[0]
    for name in same:
        assert getattr(one, name) is getattr(other, name)


def test_a_last_change_holds_no_copy_of_what_its_row_holds(store: Store) -> None:
    read = instance(1, name="dwd_trade")
    store.save(added(row(1, instance=read, read_at=START, last_change=transition())))
    [found] = store.rows()
    assert found.last_change is not None
    assert found.instance is not None
    assert found.last_change.key is found.key
    assert found.last_change.name is found.instance.name


TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
NUMBER = st.none() | st.integers(-(2**70), 2**70)


@given(
    reading=st.builds(
        WorkflowInstance,
        id=st.integers(1, 2**63 - 1).map(InstanceId),
        name=TEXT,
        status=TEXT,
        project_id=NUMBER,
        biz_date=NUMBER,
        modify_time=NUMBER,
        workflow_parameters=TEXT,
        tags=st.lists(st.builds(Tag, TEXT, TEXT), max_size=3).map(tuple),
        unknown_fields=st.lists(TEXT, max_size=3).map(tuple),
        unreadable=st.lists(st.builds(Unreadable, TEXT, TEXT), max_size=3).map(tuple),
        packed=TEXT.map(pack),
    )
)
def test_no_character_of_an_instance_is_lost(reading: WorkflowInstance) -> None:
    back = read(WorkflowInstance, text_of(reading))
    assert back == reading
    assert back.raw == reading.raw
    text_of(reading).encode("ascii")


def test_a_transition_comes_back_as_it_was() -> None:
    assert read(Transition, text_of(transition())) == transition()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"id": 1, "tags": 5}', '{"tags": [1]}']
)
def test_text_of_another_version_is_no_instance(text: str) -> None:
    assert read(WorkflowInstance, text) is None
    assert read(Transition, text) is None


def test_a_reading_that_cannot_be_read_leaves_its_row_on_the_list(store: Store) -> None:
    store.save(added(row(1, instance=instance(1), read_at=START)))
    store.close()
    with sqlite3.connect(store.path) as raw:
        raw.execute("UPDATE readings SET doc = 'nonsense'")
    raw.close()
    assert store.rows() == [row(1)]


def test_a_reading_updates_what_is_there_and_brings_back_nothing_removed(store: Store) -> None:
    store.save(added(row(1), row(2)))
    store.save(Changes(removed={key(2): None}))
    readings = {key(n): reading(n, last_change=transition(n)) for n in (1, 2)}
    store.save(Changes(readings=readings))
    (only,) = store.rows()
    assert (only.key, only.instance, only.last_change) == (key(1), instance(1), transition(1))


def test_a_reading_that_says_the_same_moves_only_its_time(store: Store) -> None:
    store.save(added(row(1, instance=instance(1), read_at=START, last_change=transition())))
    later = START + timedelta(seconds=15)
    store.save(Changes(readings={key(1): row(1, read_at=later)}))
    assert store.rows() == [row(1, instance=instance(1), read_at=later, last_change=transition())]


def test_an_older_reading_does_not_overwrite_a_newer_one(store: Store) -> None:
    later = START + timedelta(seconds=15)
    store.save(added(row(1, instance=instance(1, "Success"), read_at=later)))
    store.save(Changes(readings={key(1): reading(1, "Running")}))
    assert store.rows()[0].instance == instance(1, "Success")


def test_a_clock_set_back_does_not_keep_readings_from_being_saved(store: Store) -> None:
    store.save(added(row(1, instance=instance(1), read_at=START + timedelta(hours=1))))
    store.save(Changes(readings={key(1): reading(1, "Failure")}))
    assert store.rows()[0].instance == instance(1, "Failure")


def test_a_change_of_which_two_processes_tell_is_recorded_once(
    store: Store, clock: FakeClock
) -> None:
    other = second(store, clock)
    end = instance(1, "Failure", started_time=5, finished_time=9)
    first, later = (transition(minute=n)._replace(event=event_of(end, START)) for n in (1, 2))
    assert store.save(Changes(transitions=[first])) == [first]
    assert other.save(Changes(transitions=[later])) == []
    assert other.transitions(10) == [first]
    other.close()


def test_a_notification_is_claimed_once_by_processes_that_look_at_the_clock_at_other_times(
    store: Store, clock: FakeClock
) -> None:
    other, since = second(store, clock), START - timedelta(days=1)
    assert store.claim(["it"], since, START) == ["it"]
    for later in (0.003, -0.003):
        assert other.claim(["it"], since, START + timedelta(seconds=later)) == []
    # By a clock that was set back it was claimed in the future, which may be far away.
    assert other.claim(["it"], since, START - timedelta(hours=1)) == ["it"]
    other.close()


def test_another_run_that_ends_alike_is_another_change(store: Store) -> None:
    for number, finished in enumerate((9, 19)):
        end = instance(1, "Failure", started_time=5, finished_time=finished)
        change = transition(minute=number)._replace(event=event_of(end, START))
        assert store.save(Changes(transitions=[change])) == [change]


def test_transitions_come_newest_first_for_one_instance_or_all(store: Store) -> None:
    changes = [transition(2 - n % 2, n)._replace(event=str(n)) for n in range(4)]
    store.save(Changes(transitions=changes))
    assert store.transitions(3) == changes[:0:-1]
    assert store.transitions(9, key(1)) == [changes[3], changes[1]]


def test_transitions_are_kept_for_thirty_days_and_up_to_a_number(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_TRANSITIONS", 3)
    store.save(Changes(transitions=[transition(minute=0)]))
    clock.advance(timedelta(days=30, minutes=1).total_seconds())
    minutes = 31 * 24 * 60
    late = [transition(minute=minutes + n)._replace(event=str(n)) for n in range(4)]
    for each in late:
        store.save(Changes(transitions=[each]))
    assert store.transitions(99) == late[:0:-1]


def test_calls_add_up_over_processes_by_account_and_day(store: Store, clock: FakeClock) -> None:
    other = second(store, clock)
    changes = Changes()
    changes.calls[ACCOUNT, TODAY] += 3
    for each in (store, other, store):
        each.save(changes)
    assert other.calls(ACCOUNT, TODAY) == 9
    assert other.calls(ACCOUNT, date(2026, 9, 19)) == 0
    assert other.calls(("other", "cn-beijing"), TODAY) == 0
    other.close()


def test_recent_ids_come_newest_first_each_once(store: Store) -> None:
    for minute, number in enumerate([1, 2, 3, 1]):
        store.save(Changes(recent={InstanceId(number): START + timedelta(minutes=minute)}))
    assert store.recent() == [1, 3, 2]


def test_what_another_process_adds_and_removes_is_noticed(store: Store, clock: FakeClock) -> None:
    other = second(store, clock)
    store.save(added(row(1)))
    assert store.has_news(), "the first look always counts"
    assert not store.has_news()
    store.save(added(row(2)))
    assert not store.has_news(), "one's own writing is no news"
    other.save(Changes(removed={key(1): None}))
    assert store.has_news()
    assert [each.key for each in store.rows()] == [key(2)]
    other.close()


def test_all_of_a_save_fails_together(store: Store) -> None:
    store.save(added(row(1)))
    bad = Changes(removed={key(1): None}, meta={"name": None})  # type: ignore[dict-item]
    with pytest.raises(StoreError):
        store.save(bad)
    assert [each.key for each in store.rows()] == [key(1)]


def test_directory_and_file_are_private_whatever_the_umask(store: Store) -> None:
    before = os.umask(0)
    try:
        store.save(added(row(1)))
    finally:
        os.umask(before)
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_no_write_ahead_log_is_used(store: Store) -> None:
    store.save(added(row(1)))
    with sqlite3.connect(store.path) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    raw.close()
    assert [path.name for path in store.path.parent.iterdir()] == [DATABASE]


@pytest.mark.parametrize(
    "damage",
    [
        b"not a database, but long enough to be read as one" * 40,
        b"SQLite format 3\0" + b"\xff" * 9000,
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    store: Store, clock: FakeClock, damage: bytes
) -> None:
    store.path.parent.mkdir(mode=0o700)
    store.path.write_bytes(damage)
    assert store.rows() == []
    assert store.set_aside is not None
    assert store.set_aside.name == f"{DATABASE}.broken-{clock.now():%Y%m%dT%H%M%SZ}"
    assert store.set_aside.read_bytes() == damage
    store.save(added(row(1)))
    assert [each.key for each in store.rows()] == [key(1)]


def test_a_file_damaged_while_it_is_open_is_set_aside(store: Store) -> None:
    store.save(added(*(row(n, instance=instance(n), read_at=START) for n in range(1, 200))))
    size = store.path.stat().st_size
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    store.close()
    assert store.rows() == []
    assert store.set_aside is not None


def test_damage_where_nothing_can_be_moved_is_one_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.path.parent.mkdir(mode=0o700)
    store.path.write_bytes(b"no database" * 999)

    def is_only_read(_: Path, to: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", to)

    def opened(path: Path) -> tuple[int, bool]:
        return path.stat().st_ino, True

    monkeypatch.setattr(Path, "rename", is_only_read)
    monkeypatch.setattr("wfinspect.watching.store._make_file", opened)
    with pytest.raises(StoreError, match="not a database"):
        store.rows()
    assert store.set_aside is None


def test_an_empty_file_is_no_damage(store: Store) -> None:
    store.path.parent.mkdir(mode=0o700)
    store.path.touch(mode=0o600)
    assert store.rows() == []
    assert store.set_aside is None


def test_a_newer_schema_is_left_alone_and_said(store: Store) -> None:
    store.save(added(row(1)))
    store.close()
    with sqlite3.connect(store.path) as raw:
        raw.execute(f"PRAGMA user_version = {store_module.VERSION + 1}")
    raw.close()
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match="newer wfinspect"):
        store.rows()
    assert store.path.read_bytes() == before
    assert store.set_aside is None


@pytest.mark.parametrize("place", ["file", "directory", "fifo", "symlink", "proc"])
def test_an_unusable_place_is_one_sentence(place: str, tmp_path: Path, clock: FakeClock) -> None:
    directory = tmp_path / "state"
    if place == "file":
        directory.write_text("in the way")
    elif place == "proc":
        directory = Path("/proc/wfinspect")
    else:
        directory.mkdir(mode=0o700)
        path = directory / DATABASE
        if place == "directory":
            path.mkdir()
        elif place == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=str(directory)):
        Store(directory, clock.now).rows()
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_others_may_write_to_is_not_used(store: Store) -> None:
    store.path.parent.mkdir(mode=0o700)
    store.path.parent.chmod(0o777)
    with pytest.raises(StoreError, match="chmod 700"):
        store.rows()


def test_a_full_disk_is_one_sentence_and_what_was_saved_stays(store: Store) -> None:
    store.save(added(row(1)))
    assert store.rows()
    assert store._connection is not None
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    many = added(*(row(n, instance=instance(n), read_at=START) for n in range(2, 400)))
    with pytest.raises(StoreError, match="full"):
        store.save(many)
    assert [each.key for each in store.rows()] == [key(1)]
    store.save(many)
    assert len(store.rows()) == 399


def test_a_locked_file_is_one_sentence(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfinspect.watching.store._BUSY_SECONDS", 0.01)
    store.save(added(row(1)))
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waiting = second(store, clock)
    with pytest.raises(StoreError, match="locked"):
        waiting.save(added(row(2)))
    other.close()
    waiting.save(added(row(2)))
    assert len(waiting.rows()) == 2
    waiting.close()


def test_a_file_that_was_replaced_is_noticed(store: Store) -> None:
    store.save(added(row(1)))
    assert not store.was_replaced()
    store.path.unlink()
    assert store.was_replaced()
    store.close()
    assert store.rows() == []


WRITER = textwrap.dedent("""
    import itertools, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from wfinspect.model import InstanceKey, Target, Transition, pack
    from wfinspect.watching.store import Changes
    from wfinspect.watching.store import Store

    name, state_dir = sys.argv[1:]
    at = datetime(2026, 9, 18, tzinfo=UTC)
    key = InstanceKey(Target("p", "cn-shanghai", "host"), 1)
    store = Store(Path(state_dir), lambda: at)
    for number, _ in enumerate(sys.stdin):
        event = f"{name}-{number}"
        change = Transition(key, event, "Running", "Failure", at, at, at, event=event)
        store.save(Changes(transitions=[change]))
        print(event, flush=True)
""")


@pytest.mark.parametrize("acknowledged", [0, 1, 4, 12])
def test_kill_9_loses_nothing_that_was_acknowledged(acknowledged: int, tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, str(state_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for name in ("a", "b")
    ]
    told = []
    for _ in range(acknowledged):
        for writer in writers:
            print(file=writer.stdin)
        told += [writer.stdout.readline().strip() for writer in writers if writer.stdout]
    for writer in writers:
        print("\n" * 9, file=writer.stdin)
        writer.send_signal(signal.SIGKILL)
    for writer in writers:
        told += writer.communicate()[0].split("\n")[:-1]
    assert [writer.returncode for writer in writers] == [-signal.SIGKILL] * 2
    assert len(told) >= 2 * acknowledged
    store = Store(state_dir, FakeClock().now)
    assert {each.name for each in store.transitions(10_000)} >= set(told)
    assert store.set_aside is None
    store.close()


def test_several_processes_add_rows_and_none_is_lost(store: Store, clock: FakeClock) -> None:
    others = [second(store, clock) for _ in range(4)]
    for number in range(1, 41):
        others[number % 4].save(added(row(number)))
    assert len(store.rows()) == 40
    for other in others:
        other.close()


def test_keys_of_two_bindings_do_not_mix(store: Store) -> None:
    elsewhere = InstanceKey(type(BINDING)("other", *ACCOUNT), InstanceId(1))
    store.save(added(row(1), listed(elsewhere, 2.0)))
    store.save(Changes(removed={elsewhere: None}))
    assert [each.key for each in store.rows()] == [key(1)]


VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.sampled_from(['{"id": 2}', '{"tags": 5}', "[1]", '{"key": [], "at": "0001-01-01"}'])
)
COLUMNS = {
    "watched": "profile region endpoint id position added_at read_at last_change is_unseen is_gone",
    "readings": "doc",
    "transitions": "doc",
    "calls": "calls",
    "recent": "at",
    "meta": "value",
}
PLACES = [(table, name) for table, names in COLUMNS.items() for name in names.split()]


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES, st.booleans()), max_size=6))
def test_a_damaged_value_costs_that_value(
    damages: list[tuple[tuple[str, str], object, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = Store(Path(directory) / "state", lambda: START)
        changed = transition()
        changes = added(*(row(n, instance=instance(n), read_at=START) for n in (1, 2, 3)))
        changes.transitions.append(changed)
        changes.calls[ACCOUNT, TODAY] = 3
        changes.recent[InstanceId(1)] = START
        changes.meta["name"] = "kept"
        made.save(changes)
        with closing(sqlite3.connect(made.path)) as raw:
            for (table, column), value, is_text in damages:
                where = "WHERE id = 1" if table in {"watched", "readings"} else ""
                cast = "CAST(? AS TEXT)" if is_text else "?"
                with suppress(sqlite3.IntegrityError):
                    raw.execute(f"UPDATE {table} SET {column} = {cast} {where}", (value,))  # noqa: S608
            raw.commit()

        rows = {each.key: each for each in made.rows()}
        for number in (2, 3):
            assert rows[key(number)] == row(number, instance=instance(number), read_at=START)
        if not any(
            column in {"profile", "region", "endpoint", "id"} for (_, column), *_ in damages
        ):
            assert rows.keys() == {key(1), key(2), key(3)}
        assert set(made.transitions(9)) <= {changed}
        assert made.calls(ACCOUNT, TODAY) >= 0
        assert made.recent() == [1]
        assert isinstance(made.meta("name"), str | None)
        for each in rows.values():
            assert isinstance(each.position, float)
            for at in (each.added_at, each.read_at):
                assert at is None or at.astimezone(timezone(timedelta(hours=14)))
        said = made.take_unreadable()
        assert "\n" not in said
        made.rows()
        assert made.take_unreadable() == ""
        made.close()
