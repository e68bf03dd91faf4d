import contextlib
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import START, instance, listed
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.clock import Moment
from wfinspect.commands.list import Brought, exported, imported, merge
from wfinspect.errors import UsageError
from wfinspect.lateness import Lateness
from wfinspect.model import Follow, InstanceId, InstanceKey, Query, Target
from wfinspect.simulator import DEMO_IDS
from wfinspect.watching import outlook
from wfinspect.watching.api import MAX_NOTE, Outlook, Row
from wfinspect.watching.journal import EVER
from wfinspect.watching.store import Changes, Store

ONE, TWO = DEMO_IDS[:2]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def elsewhere(store: Store) -> Target:
    """A target with a row, beside that of the command line."""
    target = Target("prod", "cn-beijing", "dataworks.cn-beijing.aliyuncs.com")
    key = InstanceKey(target, InstanceId(ONE))
    store.save(Changes(added={key: listed(key, 5.0)}))
    return target


def test_two_accounts_never_mix(command: Command, store: Store, elsewhere: Target) -> None:
    code, _, err = command("list", "remove", str(ONE))
    assert (code, "--profile prod --region cn-beijing" in err) == (5, True)

    assert command("list", "add", f"{ONE},{TWO}")[0] == 0
    rows = json.loads(command("list", "--json")[1])
    assert [(row["id"], row["region"]) for row in rows] == [
        (ONE, elsewhere.region),
        (ONE, "cn-shanghai"),
        (TWO, "cn-shanghai"),
    ]
    assert command("list")[1].splitlines()[0].split() == [
        *("ID", "STATUS", "NAME", "READ", "PROFILE", "REGION")
    ]
    # A row of another endpoint alone is named by it.
    given = ("remove", str(TWO), "--endpoint", "http://127.0.0.1:9")
    hint = f"--region cn-shanghai --endpoint {rows[1]['endpoint']}."
    assert hint in command("list", *given)[2]
    assert command("list", "remove", str(ONE))[0] == 0
    assert [row.key.target.region for row in store.rows()] == ["cn-beijing", "cn-shanghai"]


@pytest.mark.usefixtures("elsewhere")
def test_lateness_and_what_is_unseen_have_columns_where_any_row_has_them(
    command: Command, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("list")[1].splitlines()[0].split() == ["ID", "STATUS", "NAME", "READ"]
    late_at = datetime.now(UTC) - timedelta(minutes=9, seconds=5)
    late = Outlook(lateness=Lateness("usually 1m", late_at=late_at), is_late=True)
    row = store.rows()[0]._replace(is_live=True, is_unseen=True, outlook=late)
    monkeypatch.setattr(outlook, "judged_rows", lambda *_: [row])

    heading, line = command("list")[1].splitlines()

    assert heading.split()[-2:] == ["LATE", "!"]
    assert line.endswith("  late by 9m  !")
    assert " late by 9m" in command("status")[1]


def test_nothing_to_do_is_said(command: Command, tmp_path: Path) -> None:
    empty = tmp_path / "list.json"
    empty.write_text("[]")
    assert command("list", "import", str(empty)) == (0, "", "wfinspect: 0 added.\n")
    for word in ("add", "remove"):
        code, _, err = command("list", word)
        assert (code, f"list {word} takes IDs" in err) == (2, True)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_was_exported_is_imported_for_its_own_account(
    command: Command, store: Store, elsewhere: Target, tmp_path: Path, form: str
) -> None:
    command("list", "add", str(TWO))
    kept = [row.key for row in store.rows()]
    store.save(Changes(notes={kept[0]: "=known"}))
    file = tmp_path / "list"
    file.write_text(command("list", "export", "-o", form)[1])
    store.save(Changes(removed=dict.fromkeys(kept)))

    assert command("list", "import", str(file)) == (
        0,
        "",
        f"wfinspect: 2 added: {kept[0].id}, {TWO}.\n",
    )
    assert [row.key for row in store.rows()] == kept
    assert [row.note for row in store.rows()] == ["=known", ""]
    assert elsewhere in {key.target for key in kept}
    assert command("list", "import", str(file))[2] == (
        f"wfinspect: 0 added. 2 already on the list: {kept[0].id}, {TWO}.\n"
    )


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_note_is_imported_as_it_was_exported(
    command: Command, store: Store, tmp_path: Path, form: str
) -> None:
    notes = ["'tis late", "'=1", "''=1", "=1", "'", "''", "-", 'a, "b"', "", "'\u2407", "\u2407"]
    ids = range(ONE, ONE + len(notes))
    command("list", "add", *map(str, ids))
    rows = [row.key for row in store.rows()]
    store.save(Changes(notes=dict(zip(rows, notes, strict=True))))
    file = tmp_path / "list"
    file.write_text(command("list", "export", "-o", form)[1])
    store.save(Changes(removed=dict.fromkeys(rows)))

    assert command("list", "import", str(file))[0] == 0
    assert [row.note for row in store.rows()] == notes


def test_any_file_of_ids_is_imported(command: Command, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "ids"
    file.write_text(f"{ONE}  # a remark\n{TWO}\n")

    assert command("list", "import", str(file))[0] == 0
    assert [row.key.id for row in store.rows()] == [ONE, TWO]


def test_a_file_can_name_no_host_for_signed_requests(
    command: Command, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "list.json"
    row = {"id": ONE, "profile": "(env)", "region": "cn-shanghai", "endpoint": "evil.example.com"}
    file.write_text(json.dumps([row]))

    code, _, err = command("list", "import", str(file))

    assert (code, "evil.example.com" in err) == (2, True)
    assert store.rows() == []


def test_what_version_0_1_exported_is_imported(
    command: Command, store: Store, elsewhere: Target, tmp_path: Path
) -> None:
    row = {"id": TWO, "name": "a", "status": "Running", "read_at": "2026-09-17T16:00:00Z"}
    file = tmp_path / "list.json"
    file.write_text(json.dumps([row | {"unseen": True, "gone": False} | elsewhere._asdict()]))

    assert command("list", "import", str(file))[0] == 0
    assert [(row.key.id, row.is_unseen) for row in store.rows()] == [(ONE, False), (TWO, True)]


def test_a_followed_row_can_name_no_host_either(
    command: Command, store: Store, elsewhere: Target, tmp_path: Path
) -> None:
    store.add_follow(Follow(0, elsewhere, Query(1, 0, name="dwd"), START))
    export = json.loads(command("list", "export")[1])
    file = tmp_path / "list.json"

    def code(**changes: object) -> int:
        file.write_text(json.dumps([export[0], export[1] | changes]))
        return command("list", "import", str(file))[0]

    assert [code(endpoint="evil.example.com"), code(filters={}), code(keep_days=1e300)] == [2, 2, 2]
    assert [code(filters={"project_id": 1}), code(by="late"), code(version=2)] == [2, 2, 2]
    assert len(store.follows()) == 1
    assert code() == 0


def test_a_note_is_of_a_row_and_has_an_end(command: Command, store: Store) -> None:
    command("list", "add", str(ONE))

    assert command("list", "note", str(ONE))[0] == 2
    assert command("list", "note", str(ONE), "x" * (MAX_NOTE + 1))[0] == 2
    assert command("list", "note", str(TWO), "x")[0] == 5
    noted = command("list", "note", str(ONE), " rerun\nby Li ", "output=now\udc80")
    assert noted == (0, "", f"wfinspect: Note kept for {ONE}: rerun by Li output=now?\n")
    assert [row.note for row in store.rows()] == ["rerun by Li output=now?"]
    assert command("list", "note", str(ONE), "")[2] == f"wfinspect: Note removed from {ONE}.\n"
    assert [row.note for row in store.rows()] == [""]


def test_what_is_edited_is_named(command: Command, store: Store) -> None:
    ids = [ONE + place for place in range(1, 6)]
    assert command("list", "add", *map(str, ids))[2] == (
        f"wfinspect: 5 added: {ids[0]}, {ids[1]}, {ids[2]} and 2 more. "
        "`wfinspect status` reads them now.\n"
    )
    row = read_row(store.rows()[0].key, "Running", 60)
    store.save(Changes(readings={row.key: row}))
    name = f"{ids[0]} {row.instance.name}" if row.instance else ""
    for words, said in (
        (("add",), f"0 added. 1 already on the list: {name}."),
        (("note", "x"), f"Note kept for {name}: x"),
        (("remove",), f"1 removed: {name}."),
    ):
        assert command("list", words[0], str(ids[0]), *words[1:])[2] == f"wfinspect: {said}\n"


def test_a_reading_from_the_future_is_no_reading() -> None:
    target = Target("(env)", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")
    row = read_row(InstanceKey(target, InstanceId(ONE)), "Running", 60)
    with tempfile.TemporaryDirectory() as name:
        store = filled(Path(name), [row], [])
        text = exported(store, 15.0, Moment(0.0, START))
        store.close()

    [then] = imported(text.encode(), target, START + timedelta(seconds=60)).rows
    [now] = imported(text.encode(), target, START).rows
    assert (then.instance, now.instance) == (row.instance, None)


def read_row(key: InstanceKey, status: str, seconds: float, **fields: object) -> Row:
    at = START + timedelta(seconds=seconds)
    return listed(key, 0.0, START, instance(key.id, status), at)._replace(**fields)  # type: ignore[arg-type]


def filled(directory: Path, rows: list[Row], follows: list[Follow]) -> Store:
    store = Store(directory, lambda: START)
    for follow in follows:
        store.add_follow(follow)
    store.save(Changes(added={r.key: r._replace(position=n) for n, r in enumerate(rows, 1)}))
    return store


TARGETS = [
    Target("prod", region, f"{region}.aliyuncs.com") for region in ("cn-beijing", "eu-west-1")
]
KEYS = st.builds(InstanceKey, st.sampled_from(TARGETS), st.integers(1, 4).map(InstanceId))
NOTES = st.sampled_from(["", "", "a", "b", "a / b", "\u4f60\u597d \u202e", "'=x"])
FOLLOWS = st.lists(
    st.builds(
        Follow,
        st.just(0),
        st.sampled_from(TARGETS),
        st.builds(
            lambda name, workflow: Query(1, 0, name, workflow_id=workflow),
            st.sampled_from(["", "x y"]),
            st.integers(1, 2),
        ),
        st.just(START),
        st.sampled_from([1.0, 3.0, 7.5]),
        st.sampled_from(["", "07:00", "08:00"]),
        st.sampled_from(["", "a name"]),
    ),
    max_size=3,
    unique_by=lambda follow: follow[1:3],
)
LISTS = st.tuples(
    st.lists(
        st.tuples(KEYS, st.sampled_from(["", "Running", "Failure"]), st.integers(-9000, -1), NOTES, st.booleans(), st.integers(0, 3)),
        max_size=4,
        unique_by=lambda drawn: drawn[0],
    ),
    FOLLOWS,
    st.lists(KEYS, max_size=3, unique=True),
)  # fmt: skip
Drawn = tuple[list[tuple[InstanceKey, str, int, str, bool, int]], list[Follow], list[InstanceKey]]


@tried(12, 1_000)
@given(LISTS, LISTS)
def test_an_import_merges_and_loses_nothing(one: Drawn, other: Drawn) -> None:
    def made(name: str, drawn: Drawn) -> Store:
        rows = [
            read_row(key, status, seconds, note=note, is_unseen=is_unseen, follow=place % (len(drawn[1]) + 1))
            if status
            else listed(key, 0.0, START)._replace(note=note, is_unseen=is_unseen)
            for key, status, seconds, note, is_unseen, place in drawn[0]
        ]  # fmt: skip
        store = filled(Path(directory) / name, rows, drawn[1])
        store.save(Changes(passed_over=dict.fromkeys(drawn[2])))
        return store

    def removed(store: Store) -> set[InstanceKey]:
        return set(store.all_passed_over(EVER))

    def text(store: Store) -> str:
        return exported(store, 15.0, Moment(0.0, START))

    def bring(export: str, store: Store) -> None:
        merge(store, imported(export.encode(), TARGETS[0], START), START)

    def parts(row: Row | None) -> set[str]:
        return set(row.note.split(" / ")) - {""} if row else set()

    with tempfile.TemporaryDirectory() as directory:
        first, second, empty = made("1", one), made("2", other), made("3", ([], [], []))
        before = [{row.key: row for row in store.rows()} for store in (first, second)]
        follows = [*first.follows(), *second.follows()]
        passed_over = removed(first) | removed(second)
        export = text(first)
        bring(export, empty)
        bring(export, second)
        merged = text(second)
        bring(export, second)
        twice, copied = text(second), text(empty)
        after = {row.key: row for row in second.rows()}
        followed = {each[1:3]: each for each in second.follows()}
        assert removed(second) == passed_over - after.keys()
        for store in (first, second, empty):
            store.close()

    assert copied == export
    assert twice == merged
    assert after.keys() == before[0].keys() | before[1].keys()
    assert [*after][: len(before[1])] == [*before[1]]
    for key, row in after.items():
        found = [each[key] for each in before if key in each]
        read_at: list[datetime] = [each.read_at for each in found if each.read_at]
        assert parts(row) == set().union(*map(parts, found))
        assert row.is_unseen == any(each.is_unseen for each in found)
        assert row.read_at == max(read_at, default=None)
        assert row.instance in [each.instance for each in found if each.read_at == row.read_at]
        # A row that is on the list keeps what brought it.
        assert bool(row.follow) == bool(found[-1].follow)
    assert followed.keys() == {each[1:3] for each in follows}
    for each in follows:
        kept = followed[each[1:3]]
        assert kept.keep_days >= each.keep_days
        assert not each.due or "" < kept.due <= each.due
        assert kept.name or not each.name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(START.isoformat()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
ROW = {"kind": "row", "id": 1, "reading": {"id": 1, "status": "Running"}, "read_at": str(START)}
FOLLOW = {
    "kind": "follow",
    "number": 1,
    "filters": {"project_id": 1, "name": "x"},
    "keep_days": 3.0,
}
FOLLOW |= {"added_at": START.isoformat(), "by": None}


@given(
    st.sampled_from([ROW, FOLLOW, {"kind": "removed", "id": 1}]),
    st.dictionaries(st.sampled_from([*ROW, *FOLLOW, *Target._fields, "version"]), JSON, max_size=3),
)
def test_any_value_is_left_out_or_refused(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, object], odd: dict[str, object]
) -> None:
    data = json.dumps([record | TARGETS[0]._asdict() | odd]).encode()
    store = Store(tmp_path_factory.getbasetemp() / "odd", lambda: START)
    with contextlib.closing(store), contextlib.suppress(UsageError):
        brought = imported(data, TARGETS[0], START)
        merge(store, brought, START)
        assert {row.key for row in brought.rows} <= {row.key for row in store.rows()}
        assert {each[1:3] for each in brought.follows} <= {each[1:3] for each in store.follows()}
        assert store.take_unreadable() == ""


def test_what_stands_for_nothing_is_nothing() -> None:
    assert imported(b"[]\n", TARGETS[0], START) == Brought([], [], [])
    assert imported(json.dumps([ROW | TARGETS[0]._asdict()]).encode(), TARGETS[0], START).rows


def test_what_is_followed_is_printed_as_safe_text(command: Command, tmp_path: Path) -> None:
    odd = FOLLOW | {
        "filters": {"project_id": 1, "workflow_id": 2, "name": "\x1bc"},
        "name": "\x1b]0;x",
    }
    file = tmp_path / "list.json"
    file.write_text(json.dumps([odd | TARGETS[0]._asdict()]))
    assert command("list", "import", str(file))[0] == 0

    assert "\x1b" not in command("follow", "list")[1]
