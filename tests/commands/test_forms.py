"""What all commands have in common: one schema of rows, and codes that say whether to repeat."""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, listed

from wfinspect.model import InstanceId, InstanceKey, Target, Transition
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.store import Changes, Store

ONE, TWO = DEMO_IDS[:2]
UNKNOWN = 77
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(command: Command, without_pauses: None) -> Command:
    del without_pauses
    return lambda *words: command(*map(str, words))


def test_rows_are_one_array_whatever_the_command(command: Command, live: Simulator) -> None:
    live.set_status(ONE, "Failure")
    project = json.loads(command("get", ONE, "--json")[1])["ProjectId"]
    place = ("--workspace", project, "--date")

    for line in (
        ("get", ONE, TWO),
        ("status", ONE, TWO),
        ("find", *place, "-1d"),
        ("find", *place, "yesterday"),
        ("tasks", ONE),
        ("compare", ONE),
        ("info",),
        ("doctor",),
    ):
        rows = json.loads(command(*line, "-o", "json")[1])
        assert isinstance(rows, list), line
        assert rows, line
        assert all(isinstance(row, dict) for row in rows)
        assert json.loads(command(*line, "--json")[1]), line
        has_csv = line[0] not in {"info", "doctor"}
        assert ("," in command(*line, "--csv")[1]) is has_csv, line
    for line in (
        ("get", UNKNOWN, UNKNOWN + 1),
        ("status",),
        ("list",),
        ("history",),
        ("find", *place, "2001-01-01"),
        ("find", *place, "20010101"),
        ("tasks", ONE, "--status", "WaitTrigger"),
    ):
        assert json.loads(command(*line, "-o", "json")[1]) == [], line
    [row] = json.loads(command("status", ONE, "-o", "json")[1])
    assert (row["id"], row["status"], row["trouble"]) == (ONE, "Failure", None)
    assert datetime.fromisoformat(row["since"]) > datetime.now(UTC) - timedelta(days=2)
    [row] = csv.DictReader(command("status", ONE, "--csv")[1].splitlines())
    assert (row["Id"], row["Status"]) == (str(ONE), "Failure")
    live.set_status(TWO, "Success")
    watched = command("watch", TWO, "-o", "csv")[1]
    [row] = csv.DictReader(watched.splitlines())
    assert (row["Id"], row["To"], row["Final"]) == (str(TWO), "Success", "true")


def test_fields_are_one_form_of_output(command: Command, live: Simulator) -> None:
    for form in ("json", "csv"):
        code, out, err = command("get", ONE, "--field", "Status", "-o", form)
        assert (code, out, "leave out -o, --json and --csv" in err) == (2, "", True)
    live.set_status(ONE, "Success")
    command("list", "add", ONE)
    project = command("get", ONE, "--field", "ProjectId")[1].strip()
    place = ("--project", project, "--bizdate", "yesterday")
    for line in (
        ("find", *place, ONE),
        ("list",),
        ("list", ONE),
        ("status",),
        ("watch", ONE),
    ):
        assert command(*line, "--field", "ID")[:2] == (0, f"{ONE}\n"), line
    names = json.loads(command("tasks", ONE, "-o", "json")[1])
    printed = command("tasks", ONE, "--field", "task_name")[1]
    assert printed.splitlines() == [each["TaskName"] for each in names]
    # By the titles of the table, too.
    titles = command("tasks", ONE, "--field", "ID,STATUS,Name,type,Run,started")[1]
    called = "Id,Status,TaskName,TaskType,RunNumber,StartedTime"
    assert titles == command("tasks", ONE, "--field", called)[1] != ""
    assert command("status", "--field", "late,live,profile")[1] == "\ttrue\t(env)\n"
    for line in (
        ("find", *place, "nothing"),
        ("list", "nothing"),
        ("history",),
        ("follow", "list"),
        ("tasks", ONE, "nothing"),
        ("get", UNKNOWN),
    ):
        assert command(*line, "--field", "id")[1] == "", line
    for name in ("list", "status", "tasks", "compare", "get"):
        code, out, err = command(name, ONE, "--field", "colour")
        assert (code, out, "is not a field: known are" in err) == (2, "", True)


def test_history_has_the_newest_change_first_whichever_was_recorded_first(
    command: Command, store: Store, target: Target
) -> None:
    now = datetime.now(UTC)
    changes = [
        Transition(InstanceKey(target, InstanceId(n)), "x", "Running", "Success", at, now, now)
        for n, at in ((1, now), (2, now - timedelta(hours=1)))
    ]
    store.save(Changes(transitions=changes))

    assert [row["id"] for row in json.loads(command("history", "--json")[1])] == [1, 2]
    assert command("history")[1].splitlines()[0].split() == ["WHEN", "UTC", "ID", "CHANGE", "NAME"]
    elsewhere = changes[0]._replace(
        key=InstanceKey(target._replace(profile="b"), changes[0].key.id),
        at=now + timedelta(hours=1),
    )
    store.save(Changes(transitions=[elsewhere]))
    assert [line.split()[-1] for line in command("history")[1].splitlines()] == [
        *("PROFILE", "b", "(env)", "(env)")
    ]


def test_history_begins_at_a_date_of_the_zone_that_it_prints_or_so_long_ago(
    command: Command, store: Store, target: Target
) -> None:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=0, second=0)
    before = today - timedelta(seconds=5)
    recorded = today.replace(microsecond=0), before, before - timedelta(days=1)
    changes = [
        Transition(InstanceKey(target, InstanceId(n)), "x", "Running", "Success", at, at, at)
        for n, at in enumerate(recorded, 1)
    ]
    store.save(Changes(transitions=changes))

    for since, count in (
        *((form, 1) for form in ("today", f"{today:%Y-%m-%d}", f"{today:%Y%m%d}")),
        ("Yesterday", 2),
        ("-2d", 3),
        ("3d", 3),
        ("0001-01-01", 3),
    ):
        out = command("history", "--json", "--since", since, "--time-zone", "Asia/Shanghai")[1]
        assert len(json.loads(out)) == count, since


def test_without_a_recorded_change_history_says_so(command: Command) -> None:
    assert "did you mean --since yesterday?" in command("history", "yesterday")[2]
    code, out, err = command("history", UNKNOWN)
    assert (code, out, "a first reading is not a change." in err) == (0, "", True)
    assert (
        f"No change of {UNKNOWN} of --region cn-beijing is recorded"
        in (command("history", UNKNOWN, "--region", "cn-beijing")[2])
    )


def test_a_report_of_the_list_is_of_what_has_failed_by_now(
    command: Command, live: Simulator, store: Store, target: Target
) -> None:
    code, out, err = command("report")
    assert (code, out.startswith("# The watched list is empty, ")) == (0, True)
    assert err.endswith("wfinspect: 0 calls were made.\n")
    assert command("report", "-o", "json")[1] == "[]\n"
    # Of those that ended one was rerun and failed, one succeeded, and the service keeps one no longer.
    ended = {ONE: "Success", TWO: "Failure", UNKNOWN: "Success"}
    added = {
        (key := InstanceKey(target, n)): listed(key, 1.0, None, instance(n, status), START)
        for n, status in ended.items()
    }
    store.save(Changes(added=added))
    live.set_status(ONE, "Failure")
    live.set_status(TWO, "Success")
    live.faults.add("InvalidParameter", action="ListTaskInstances")
    for words, said in (
        ((), "1 of 3 watched instances failed."),
        (("status=failure",), "The 1 watched instance that matches status=failure failed."),
    ):
        before = live.calls.count()

        code, out, err = command("report", *words, "-o", "json")

        assert (code, [each["id"] for each in json.loads(out)]) == (0, [ONE])
        assert said in err
        assert f"{live.calls.count() - before} calls were made" in err


def test_a_report_counts_what_it_could_not_read_and_all_calls(
    command: Command, live: Simulator, store: Store, target: Target, tmp_path: Path
) -> None:
    live.set_status(ONE, "Failure")
    store.save(
        Changes(
            added={
                k: listed(k, 1.0, None) for k in (InstanceKey(target, n) for n in (ONE, UNKNOWN))
            }
        )
    )

    before = live.calls.count()
    code, out, err = command("report", "--out", tmp_path / "morning.md")
    assert (code, out) == (0, "")
    assert f"{live.calls.count() - before} calls were made" in err
    written = (tmp_path / "morning.md").read_text("utf-8")
    assert written.startswith("# 1 of 2 watched instances failed, 1 could not be read, ")
    assert f"| {UNKNOWN} | not read |" in written
    assert command("report", ONE, "--out", tmp_path / "x.JSON")[0] == 0
    assert json.loads((tmp_path / "x.JSON").read_text("utf-8"))[0]["id"] == ONE
    assert command("report", ONE, "--out", tmp_path / "x.html", "-o", "markdown")[0] == 0
    assert (tmp_path / "x.html").read_text("utf-8").startswith("# ")


def test_a_report_of_an_id_that_is_not_there_says_so_and_has_the_others(
    command: Command, live: Simulator
) -> None:
    live.set_status(ONE, "Failure")
    code, out, err = command("report", UNKNOWN, ONE, "--out", "-", "-o", "json")
    assert (code, [each["id"] for each in json.loads(out)]) == (5, [UNKNOWN, ONE])
    assert f"wfinspect: The service has no workflow instance {UNKNOWN} for this account" in err


ON_LIST = "of 2026-09-17, on the watched list."


@pytest.fixture
def names(store: Store, target: Target) -> None:
    """A watched list of stored names."""
    elsewhere = target._replace(region="cn-beijing")
    found = {ONE: "ads_user", TWO: "ads_user_daily", 3: "dwd_a", 4: "dwd_b", 5: "dwd_c", 6: "dwd_d"}
    found |= {11: "twice", 12: "twice"}
    rows = [instance(number, "Failure", name=name) for number, name in found.items()]
    keys = [InstanceKey(elsewhere if each.id == 3 else target, each.id) for each in rows]
    pairs = zip(keys, rows, strict=True)
    store.save(Changes(added={key: listed(key, 1.0, None, row, START) for key, row in pairs}))


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    "words",
    [
        *("get {} -o json", "get {} --field Status", "logs {}", "logs {} join_region_dim", "tasks {}"),
        *("tasks {} join", "compare {}", f"compare {TWO} {{}}", "upstream {}", "downstream {} join_region_dim"),
        *("list note {} by Li", "list remove {}"),
    ],
)  # fmt: skip
def test_a_word_that_matches_one_row_stands_for_its_id(
    command: Command, live: Simulator, words: str
) -> None:
    live.set_status(ONE, "Failure")
    live.set_status(TWO, "Failure")

    # The whole name of one is also a part of another.
    of_word = command(*words.format("ads_user").split())

    said = f"wfinspect: ads_user: ads_user {ONE} {ON_LIST}\n"
    assert of_word[2].startswith(said)
    if not words.startswith("list"):
        code, out, err = command(*words.format(ONE).split())
        assert of_word[:2] == (code, out)
        assert of_word[2].removeprefix(said) == err
        assert code == 0


def test_a_word_is_read_where_the_list_was_never_read(command: Command, live: Simulator) -> None:
    assert command("list", "add", ONE, TWO)[0] == 0
    name = command("get", ONE, "--field", "Name")[1].strip()
    before = live.calls.count()

    code, out, err = command("list", "note", name[:9], "by Li")

    assert (code, out) == (0, "")
    assert f"{name[:9]}: {name} {ONE} of 20" in err
    assert live.calls.count() > before


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tasks user_d -o json", f"wfinspect: user_d: ads_user_daily {TWO} {ON_LIST}"),
        ("list note dwd_a x", f"wfinspect: dwd_a: dwd_a 3 {ON_LIST}\nwfinspect: Note kept for 3 dwd_a: x"),
        ("get dwd_ status=failed", "dwd_ status=failed matches 4 rows of the watched list: dwd_a 3 of"),
        ("get dwd_ status=failed", ", dwd_c 5 of 2026-09-17 and 1 more. Give an ID, or more of the name."),
        ("list note twice x", "twice 11 of 2026-09-17, twice 12 of 2026-09-17. Give an ID.\n"),
        ("logs user", f" 2 rows of the watched list: ads_user {ONE} of 2026-09-17, ads_user_daily {TWO} of 2"),
        ("logs dwd_a --region cn-shanghai", "'dwd_a' is not an instance ID, and nothing on the"),
        ("list remove dwd", "dwd matches 4 rows"),
        ("get all", "'all' is not an instance ID"),
        ("get ods", "'ods' is not an instance ID, and nothing on the watched list matches it: use digits"),
        ("get 7 dwd_a", "'dwd_a' is not an instance ID: use digits"),
        ("get dwd_a 7", "'dwd_a' is not an instance ID"),
        ("compare 7 ods", "'ods' is not an instance ID, and nothing on the watched list"),
        ("list add dwd_a", "'dwd_a' is not an instance ID"),
        ("get dwd_a stats=failed", "There is no field 'stats': did you mean status?"),
        ("logs dwd_a --lins", "There is no option '--lins'"),
        ("dwd_a", "'dwd_a' is not a command or an instance ID"),
        ("lgos dwd_a", "'lgos' is not a command or an instance ID: did you mean wfinspect logs dwd_a?"),
    ],
)  # fmt: skip
def test_a_word_that_stands_for_no_row_or_several_is_said(
    command: Command, words: str, said: str
) -> None:
    code, _, err = command(*words.split())

    assert said in err
    assert (code == 0) is (ON_LIST in said)
    assert code in {0, 2}


@pytest.mark.parametrize(
    ("words", "is_meant"),
    [
        *((words, True) for words in ("logs {}", "logs {} --tail 2 --run 1", "upstream {}", "downstream {} -o json")),
        *((words, False) for words in ("logs {} clean_login_event", "logs {} --failed", "upstream {} clean_login_event")),
    ],
)  # fmt: skip
def test_the_id_of_a_task_is_taken_where_one_may_be_given(
    command: Command, live: Simulator, words: str, is_meant: bool
) -> None:
    live.set_status(ONE, "Failure")
    before = live.calls.count()
    alone = command(*words.format(f"{ONE}009").split())
    made = live.calls.count() - before

    named = command(*words.format(f"--task {ONE}009").split())

    if not is_meant:
        assert (alone[0], f"{ONE}009 is the ID of a task, join_region_dim" in alone[2]) == (5, True)
    elif words.startswith("logs"):
        assert alone == named
        assert (alone[0], made) == (0, 3)
        assert f", of instance {ONE}; its times are" in alone[2]
    else:
        assert alone[:2] == named[:2]
        assert (alone[0], f"{made} calls" in alone[2]) == (0, True)


@pytest.mark.parametrize("words", ["get", "tasks", "status", "compare"])
def test_of_the_id_of_a_task_it_is_said_which_instance_that_is_of(
    command: Command, live: Simulator, words: str
) -> None:
    before = live.calls.count("GetTaskInstance")
    code, _, err = command(words, f"{ONE}009")
    said = f"{ONE}009 is the ID of a task, join_region_dim, of instance {ONE}: use that ID, or `wfinspect logs --task {ONE}009`."
    assert (code, err) == (5, f"wfinspect: {said}\n")
    assert live.calls.count("GetTaskInstance") == before + 1
    # Of one that is of no task either, nothing of tasks is said.
    assert "task" not in command(words, f"{ONE}999")[2]


def test_of_several_ids_that_are_not_there_each_is_named(command: Command) -> None:
    err = command("get", f"{ONE}009", f"{ONE}007", UNKNOWN, UNKNOWN + 1)[2]
    assert f"instances {UNKNOWN}, {UNKNOWN + 1} for this account" in err
    assert [f"{ONE}00{n} is the ID of a task" in err for n in (7, 9)] == [True, True]


CODES = [
    ("get", "", 0), ("get", "unknown", 5), ("get", "Forbidden.Access", 4), ("get", "InvalidParameter", 2),
    ("get", "Throttling.Resource", 3), ("get", "InvalidProject.NotFound", 2),
    ("status", "", 1), ("status", "unknown", 5), ("status", "Forbidden.Access", 4), ("status", "html", 3),
    ("tasks", "", 0), ("tasks", "unknown", 5), ("tasks", "Forbidden.Access", 4), ("tasks", "InvalidParameter", 2),
    ("tasks", "Throttling.Resource", 3),
    ("logs", "", 0), ("logs", "unknown", 5), ("logs", "Forbidden.Access", 4), ("logs", "html", 3),
    ("compare", "", 0), ("compare", "unknown", 5), ("compare", "Forbidden.Access", 4), ("compare", "html", 3),
    ("report", "unknown", 5), ("report", "Forbidden.Access", 4), ("report", "html", 3), ("report --out /", "", 2),
    ("logs --task 77", "", 5), (f"compare {TWO}", "", 0), ("history", "", 0), ("history", "html", 0), ("list add", "html", 0), ("list remove", "", 5),
    ("watch --fail-fast", "", 1), ("watch", "unknown", 5), ("watch", "Forbidden.Access", 4),
]  # fmt: skip


@pytest.mark.parametrize(("words", "fault", "code"), CODES)
def test_the_code_says_whether_to_repeat(
    command: Command, live: Simulator, words: str, fault: str, code: int
) -> None:
    live.set_status(ONE, "Failure")
    if fault not in {"", "unknown"}:
        live.faults.add(fault)

    got, _, err = command(*words.split(), "77" if fault == "unknown" else str(ONE))

    assert (got, "Traceback" in err) == (code, False), err
    if fault == "Throttling.Resource":
        assert re.search(r"allowed again from \d{4}-\d\d-\d\d \d\d:\d\d", err)
