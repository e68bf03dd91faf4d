import contextlib
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from fakes import START, instance, key, listed, ms
from fuzz import tried
from hypothesis import given, settings
from hypothesis import strategies as st

from wfinspect.__main__ import interval_in
from wfinspect.clock import Moment, SystemClock
from wfinspect.commands.list import KEYS
from wfinspect.commands.status import as_group, metrics
from wfinspect.errors import ConfigError
from wfinspect.format import shown
from wfinspect.model import Family, InstanceId, InstanceKey, Status, Target
from wfinspect.settings import load_settings
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.api import Row
from wfinspect.watching.store import Changes, Store
from wfinspect.watching.summary import line_of

RUNNING, SUCCESS = DEMO_IDS[0], DEMO_IDS[3]


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def status(command: Command) -> Command:
    return partial(command, "status")


def put(store: Store, *rows: Row) -> None:
    store.save(Changes(added={row.key: row for row in rows}))


def stored(number: int, target: Target, position: float = 0.0, **fields: object) -> Row:
    return listed(InstanceKey(target, InstanceId(number)), position, **fields)  # type: ignore[arg-type]


def test_a_line_holds_mark_id_status_name_and_time(status: Command, live: Simulator) -> None:
    live.set_status(RUNNING, "Running")
    code, out, err = status(str(RUNNING), str(SUCCESS))

    titles, first, second = out.splitlines()
    assert titles.split() == ["ID", "STATUS", "NAME", "IN", "STATE"]
    assert first.split()[:4] == [">", str(RUNNING), "Running", "ads_user_profile_daily"]
    assert second.split()[:3] == ["+", str(SUCCESS), "Success"]
    assert len(second.split()) == 5
    assert (code, err) == (8, "")


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (("Success", "Success"), 0),
        (("Success", "Running"), 8),
        (("Failure", "Running"), 1),
        (("Success", "Failure"), 1),
        (("Success", "Sleeping"), 8),
    ],
)
def test_the_code_is_1_for_a_failure_else_8_for_what_is_pending(
    status: Command, live: Simulator, statuses: tuple[str, str], code: int
) -> None:
    for number, word in zip(DEMO_IDS[:2], statuses, strict=True):
        live.set_status(number, word)

    assert status(*map(str, DEMO_IDS[:2]))[0] == code


def test_an_unknown_id_outweighs_a_failure_and_the_rest_is_printed(
    status: Command, live: Simulator
) -> None:
    live.set_status(RUNNING, "Failure")
    code, out, err = status("77", str(RUNNING))

    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["?", "77", "not"],
        ["X", str(RUNNING), "Failure"],
    ]
    assert "no workflow instance 77" in err
    assert code == 5


@pytest.mark.parametrize(("fault", "code"), [("InvalidAccessKeyId.NotFound", 4), ("html", 3)])
def test_trouble_has_its_code_and_is_said_once(
    status: Command, live: Simulator, fault: str, code: int
) -> None:
    live.faults.add(fault)
    got, out, err = status(*map(str, DEMO_IDS[:3]))

    assert got == code
    assert len(out.splitlines()) == 4
    assert err.count("\n") == 1


def test_the_stored_list_is_read_in_its_order_with_few_calls(
    status: Command, store: Store, target: Target, live: Simulator
) -> None:
    numbers = [*reversed(DEMO_IDS)]
    put(store, *(stored(number, target, float(n)) for n, number in enumerate(numbers)))
    before, calls = store.rows(), live.calls.count()
    _, out, _ = status()

    made = live.calls.count() - calls
    assert [int(line.split()[1]) for line in out.splitlines()[1:]] == numbers
    assert made < len(numbers)
    assert store.rows() == before
    today = (datetime.now(UTC) + timedelta(hours=8)).date()
    assert store.calls(("(env)", "cn-shanghai"), today) == made


def test_each_row_is_read_by_its_own_binding(
    status: Command, store: Store, target: Target, live: Simulator
) -> None:
    with socket.socket() as taken, Simulator(clock=SystemClock()) as other:
        taken.bind(("127.0.0.1", 0))
        elsewhere = Target("(env)", "cn-beijing", other.url)
        nobody = Target("nobody", "cn-shanghai", live.url)
        live.set_status(SUCCESS, "Success")
        other.set_status(SUCCESS, "Failure")
        read_at = datetime.now(UTC) - timedelta(hours=3)
        put(
            store,
            stored(SUCCESS, target, 1.0),
            stored(SUCCESS, elsewhere, 2.0),
            stored(5, nobody, 3.0, instance=instance(5), read_at=read_at),
        )
        code, out, err = status()
        selected = [status("--region", region) for region in ("cn-beijing", "cn-hangzhou")]

    titles, *words = [line.split() for line in out.splitlines()]
    assert titles == ["ID", "STATUS", "NAME", "IN", "STATE", "PROFILE", "REGION"]
    assert [line[2] for line in words] == ["Success", "Failure", "Running?"]
    assert [line[-2:] for line in words[:2]] == [["(env)", "cn-shanghai"], ["(env)", "cn-beijing"]]
    assert words[2][3:] == ["dwd_table_5", "read", "3h00m", "ago", "nobody", "cn-shanghai"]
    assert "nobody" in err
    assert code == 4
    assert [(code, len(out.splitlines())) for code, out, _ in selected] == [(1, 2), (0, 0)]


def test_an_empty_list_is_said(status: Command, command: Command) -> None:
    code, out, err = status()

    assert (code, out) == (0, "")
    assert "list is empty" in err
    assert command("list")[2] == err == command("watch")[2]
    assert "or the list is empty" in command("status", "--help")[1]


def test_hostile_text_reaches_the_terminal_harmless(status: Command, live: Simulator) -> None:
    live.faults.is_hostile = True
    _, out, err = status(str(RUNNING))

    assert out.count("\n") == 2
    assert all(char.isprintable() for char in (out + err).replace("\n", ""))


def test_the_short_line_asks_nobody(
    status: Command, store: Store, target: Target, live: Simulator
) -> None:
    now = datetime.now(UTC)
    words = ["Failure", "Running", "Running", "WaitTime", *["Success"] * 11]
    put(
        store,
        *(
            stored(n, target, instance=instance(n, word), read_at=now, is_unseen=n == 0)
            for n, word in enumerate(words, 1)
        ),
        stored(99, target, instance=instance(99, "Success"), read_at=now, is_unseen=True),
    )
    calls = live.calls.count()

    assert status("--short") == (1, "X1 >2 ~1 +12 !1\n", "")
    assert status("--short", "2,3") == (8, ">2\n", "")
    code, out, err = status("--short", "2", "4711")
    assert (code, out) == (5, "?1 >1\n")
    assert err == "wfinspect: 4711 is not on the list: `wfinspect status 4711` reads it.\n"
    code, out, err = status("--short", "1", "4711", "4712")
    assert (code, out) == (5, "X1 ?2\n")
    assert "4711, 4712 are not on the list: `wfinspect status 4711 4712` reads them." in err
    put(store, stored(4713, target._replace(profile="prod"), instance=instance(4713)))
    for place in ((), ("--region", target.region)):
        code, _, err = status("--short", "4713", *place)
        assert (code, err.endswith(" It is there with --profile prod --region cn-shanghai.\n")) == (
            5,
            True,
        )
    code, out, err = status("-o", "prometheus", "4711")
    assert (code, 'family="unknown"} 1\n' in out) == (0, True)
    assert err.startswith("wfinspect: 4711 is not on the list: ")
    assert live.calls.count() == calls


def test_the_short_line_of_an_empty_list_is_empty(status: Command) -> None:
    assert status("--short") == (0, "\n", "")


def at(minutes: float) -> datetime:
    return START - timedelta(minutes=minutes)


def test_counts_that_rest_on_old_readings_are_marked_and_dated() -> None:
    rows = [
        listed(key(1), 1.0, instance=instance(1), read_at=at(12)),
        listed(key(2), 2.0, instance=instance(2), read_at=at(0)),
        listed(key(3), 3.0, instance=instance(3, "Success"), read_at=at(12)),
        listed(key(4), 4.0, instance=instance(4, "WaitTime"), read_at=at(2)),
        listed(key(5), 5.0, instance=instance(5, "Failure"), read_at=at(30)),
        listed(key(6), 6.0),
    ]

    assert line_of(map(as_group, rows), 15.0, START.timestamp()) == "X1? ?1 >2? ~1 +1 (30m)"


def test_an_unsettled_row_read_five_minutes_ago_is_marked_whatever_the_interval() -> None:
    rows = [
        listed(key(1), 1.0, instance=instance(1), read_at=at(6)),
        listed(key(2), 2.0, instance=instance(2, "WaitTime"), read_at=at(4)),
        listed(key(3), 3.0, instance=instance(3, "Success"), read_at=at(20)),
    ]

    assert line_of(map(as_group, rows), 3600.0, START.timestamp()) == ">1? ~1 +1 (6m)"


@pytest.mark.parametrize(("minutes", "line"), [(1.7, ">1"), (1.8, ">1? (1m)")])
def test_a_reading_counts_for_a_minute_longer_since_so_late_is_its_time_saved(
    minutes: float, line: str
) -> None:
    rows = [listed(key(1), 1.0, instance=instance(1), read_at=at(minutes))]

    assert line_of(map(as_group, rows), 15.0, START.timestamp()) == line


def test_what_is_final_or_gone_is_never_old() -> None:
    over = ms(START - timedelta(days=3))
    final = instance(1, "Success", finished_time=over)
    rows = [
        listed(key(1), 1.0, instance=final, read_at=at(24 * 60)),
        listed(key(2), 2.0, instance=instance(2), read_at=at(60), is_gone=True),
    ]

    assert line_of(map(as_group, rows), 15.0, START.timestamp()) == "?1 +1"


@given(
    st.lists(
        st.tuples(st.sampled_from([*Status, "Sleeping"]), st.floats(0.0, 1e5), st.booleans()),
        max_size=30,
    )
)
def test_every_instance_is_counted_once(drawn: list[tuple[str, float, bool]]) -> None:
    rows = [
        listed(key(n), n, instance=instance(n, word), read_at=at(minutes), is_unseen=unseen)
        for n, (word, minutes, unseen) in enumerate(drawn, 1)
    ]
    parts = [
        p for p in line_of(map(as_group, rows), 15.0, START.timestamp()).split() if p[0] not in "(!"
    ]

    assert sum(int(part[1:].rstrip("?")) for part in parts) == len(drawn)


NAMES = st.sampled_from(
    ["interval", "budget", "profile", "region", "theme", "interval\u3000", "x", ""]
)
NUMBERS = st.integers(-1, 10**12).map(str) | st.sampled_from(["007", "1_0", "2.5", "1e3", "true"])
TEXTS = st.text('ab1.-_ "\\$#\u00e9\t\x01', max_size=5).map(lambda text: f'"{text}"')
LINES = st.builds("{}{}={}".format, NAMES, st.sampled_from(["", " ", "\t"]), NUMBERS | TEXTS)
OTHERS = st.sampled_from(
    ["", " ", "\r", "#", "# \t", "# a=1", "#\x01", "[keys]", "[", "interval", "\ufeff"]
)


@settings(deadline=None)
@given(st.lists(LINES | OTHERS, max_size=4).map("\n".join))
def test_what_is_read_of_plain_settings_is_what_the_whole_program_reads(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    config = home / ".config/wfinspect/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(text, encoding="utf-8", newline="")
    config.chmod(0o600)
    try:
        whole = load_settings({}, {"HOME": str(home)}).interval
    except ConfigError:
        whole = None

    assert interval_in(str(config)) in {None, whole}


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("interval = 20", 20.0),
        ('# mine\nprofile = "prod-ops"\n\nregion="cn-shanghai"\nbudget = 500\n', 15.0),
        ("", 15.0),
        ('interval = "20s"', None),
        ("interval = 1", None),
        ("[keys]", None),
    ],
)
def test_plain_settings_are_read_quickly(tmp_path: Path, text: str, interval: float | None) -> None:
    config = tmp_path / "config.toml"
    assert interval_in(str(config)) == 15.0
    config.write_bytes(text.encode())
    config.chmod(0o600)
    assert interval_in(str(config)) == interval
    config.chmod(0o620)
    assert interval_in(str(config)) is None


def test_a_row_says_what_is_stored_with_what_was_read(
    status: Command, store: Store, target: Target, live: Simulator
) -> None:
    live.set_status(RUNNING, "Running")
    row = stored(RUNNING, target, is_unseen=True)
    store.save(Changes(added={row.key: row._replace(note="rerun", follow=3)}))

    [of_list] = json.loads(status("-o", "json")[1])
    one, other = json.loads(status(str(RUNNING), "77", "-o", "json")[1])

    # Read one after the other.
    assert of_list | {"read_at": one["read_at"]} == one
    assert [one[k] for k in ("live", "unseen", "note", "follow", "trouble", "version")] == [
        True,
        True,
        "rerun",
        3,
        None,
        1,
    ]
    assert [other[k] for k in ("live", "status", "late", "note", "trouble")] == [
        False,
        None,
        None,
        None,
        "not found",
    ]
    assert json.loads(status("--json")[1])[0].keys() == {*KEYS, "trouble"}


def test_a_stored_list_that_cannot_be_used_keeps_no_instance_from_being_read(
    status: Command, store: Store
) -> None:
    store.path.parent.mkdir(parents=True, mode=0o700)
    store.path.mkdir()

    code, out, err = status(str(SUCCESS), "-o", "json")

    assert [(row["id"], row["live"]) for row in json.loads(out)] == [(SUCCESS, True)]
    assert (code, "is not a file of this user" in err) == (0, True)
    assert status("-o", "prometheus")[0] == 70


LABELS = st.text(min_size=1, max_size=6) | st.sampled_from(['"', "\\", "a\\nb", "\n", "{,}="])


@tried(15, 1_000)
@given(LABELS, st.lists(st.sampled_from([*Status, "Sleeping", "gone"]), max_size=6))
def test_prometheus_reads_any_profile_and_counts_every_row_once(
    tmp_path_factory: pytest.TempPathFactory, profile: str, words: list[str]
) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    target = Target(profile, "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")
    rows = [
        stored(n, target, instance=instance(n, word), read_at=at(12), is_gone=word == "gone")
        for n, word in enumerate(words, 1)
    ]
    with contextlib.closing(Store(tmp_path_factory.mktemp("s"), lambda: START)) as store:
        text = metrics(store, rows, 15.0, Moment(0.0, START))

    families = {each.name: each.samples for each in text_string_to_metric_families(text)}
    samples = families["wfinspect_instances"]
    assert sum(sample.value for sample in samples) == len(words)
    assert all(sample.labels["profile"] == shown(profile) for sample in samples)
    assert {sample.labels["family"] for sample in samples} >= {*Family} if words else not samples
    assert [sample.value for sample in families["wfinspect_calls_today"]] == [0] * bool(words)
    read = [sample.value for sample in families["wfinspect_last_read_timestamp_seconds"]]
    assert read == [at(12).timestamp()] * bool(words)
