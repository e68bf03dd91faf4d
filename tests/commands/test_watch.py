import asyncio
import errno
import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from datetime import UTC, timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path

import pytest
from drive import Drive, engine_of
from fakes import BINDING, START, FakeClock, ScriptedSource, instance, key, listed, ms
from hypothesis import given
from hypothesis import strategies as st
from pty_session import PtySession
from world import LATE, Conditions, World

from wfinspect.clock import SystemClock
from wfinspect.commands.watch import UNTILS, Change, Follower, ProgressLine
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    Throttled,
    Unreachable,
)
from wfinspect.model import InstanceId, InstanceKey, Status, Target
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.api import Contact, Health, Row, Rows, Slow, Snapshot, Trouble
from wfinspect.watching.engine import Engine
from wfinspect.watching.store import Changes, Store

OTHER = Target("other", "cn-beijing", "dataworks.cn-beijing.aliyuncs.com")


class Rig:
    """A watch without a screen on a clock moved by hand."""

    def __init__(
        self, state_dir: Path, until: str, keys: Sequence[InstanceKey], *, fast: bool
    ) -> None:
        self.clock = FakeClock()
        self.sources = {BINDING: ScriptedSource(self.clock), OTHER: ScriptedSource(self.clock)}
        self.source = self.sources[BINDING]
        self.engine = engine_of(
            state_dir,
            lambda target, on_call: self.sources[target].connect(target, on_call),
            self.clock,
            BINDING,
            only=keys,
        )
        self.follower = Follower(keys, until, fail_fast=fast)
        self.changes: list[Change] = []
        self._stderr = io.StringIO()
        self._progress = ProgressLine(self._stderr, UTC, is_terminal=False)

    @property
    def said(self) -> str:
        return self._stderr.getvalue()

    @property
    def lines(self) -> list[tuple[int, str | None, str]]:
        return [(c.key.id, c.from_status, c.to_status) for c in self.changes]

    def becomes(self, number: int, status: str, **fields: object) -> None:
        now = ms(self.clock.now())
        self.source.hold(instance(number, status, modify_time=now, **fields))

    async def _turn(self) -> float | None:
        """Steps until every call that can be answered is; gives the seconds until the next one."""
        while True:
            next_in, before = self.engine.step(), self.engine.in_flight
            for _ in range(8):
                await asyncio.sleep(0)
            if not before or self.engine.in_flight == before:
                return next_in

    async def run(self, seconds: float) -> int | None:
        """Until it is over or the time has passed."""
        end = self.clock.monotonic() + seconds
        while True:
            next_in = await self._turn()
            self.changes += self.follower.take(self.engine.snapshot)
            self._progress.show(self.engine.snapshot, self.follower.summary())
            left = end - self.clock.monotonic()
            if self.follower.exit_code is not None or left < 1e-6:
                return self.follower.exit_code
            self.clock.advance(min(left, max(next_in or left, 1e-3)))


Rigged = Callable[..., Rig]


@pytest.fixture
async def rigged(tmp_path: Path) -> AsyncIterator[Rigged]:
    made: list[Rig] = []

    def make(
        until: str = "all:done",
        *,
        fast: bool = False,
        keys: Sequence[InstanceKey] = (),
        **held: str,
    ) -> Rig:
        """A rig that follows instances 1, 2, ... in the states of `_1=`, `_2=`, ..."""
        numbers = {int(name[1:]): status for name, status in held.items()}
        rig = Rig(tmp_path / "state", until, keys or [key(n) for n in numbers], fast=fast)
        rig.source.hold(*(instance(n, status) for n, status in numbers.items() if status))
        made.append(rig)
        return rig

    yield make
    for rig in made:
        await rig.engine.aclose()


S, F, R, W, NONE = "Success", "Failure", "Running", "WaitTime", ""


@pytest.mark.parametrize(
    ("until", "fast", "states", "code"),
    [
        ("all:done", False, (S, S), 0),
        ("all:done", False, (S, F), 1),
        ("all:done", False, (S, R), None),
        ("all:done", False, (F, R), None),
        ("all:done", True, (F, R), 1),
        ("all:done", True, (S, R), None),
        ("all:done", False, (S, "Sleeping"), None),
        ("all:success", False, (S, S), 0),
        ("all:success", False, (S, F), 1),
        ("all:success", False, (R, F), None),
        ("all:success", True, (R, F), 1),
        ("all:failure", False, (F, F), 0),
        ("all:failure", False, (F, S), 1),
        ("all:failure", False, (R, S), None),
        ("all:failure", True, (R, S), 1),
        ("any:done", False, (R, S), 0),
        ("any:done", False, (R, F), 1),
        ("any:done", False, (R, W), None),
        ("any:success", False, (R, S), 0),
        ("any:success", False, (R, F), None),
        ("any:success", False, (F, F), 1),
        ("any:failure", False, (R, F), 0),
        ("any:failure", False, (S, F), 0),
        ("any:failure", False, (S, R), None),
        ("any:failure", False, (S, S), 1),
        ("all:done", False, (NONE,), 5),
        ("all:done", False, (NONE, NONE), 5),
        ("all:done", False, (NONE, S), 5),
        ("all:done", False, (NONE, F), 5),
        ("all:done", False, (NONE, R), None),
        ("all:success", True, (NONE, R), 5),
        ("any:failure", False, (NONE, F), 0),
        ("any:failure", False, (NONE, R), None),
        ("any:failure", False, (NONE, S), 5),
    ],
)
async def test_when_it_is_over_and_with_which_code(
    rigged: Rigged, until: str, fast: bool, states: tuple[str, ...], code: int | None
) -> None:
    rig = rigged(until, fast=fast, **{f"_{n}": status for n, status in enumerate(states, 1)})
    assert await rig.run(120.0) == code


async def test_each_change_is_told_once_from_the_first_reading_to_the_end(rigged: Rigged) -> None:
    rig = rigged(_1=W, _2=R)
    assert await rig.run(100.0) is None
    rig.becomes(1, R)
    rig.becomes(2, S, finished_time=ms(rig.clock.now()))
    assert await rig.run(100.0) is None
    rig.becomes(1, F)
    assert await rig.run(100.0) == 1
    assert [line for line in rig.lines if line[0] == 1] == [(1, None, W), (1, W, R), (1, R, F)]
    assert [line for line in rig.lines if line[0] == 2] == [(2, None, R), (2, R, S)]
    assert rig.said == ""


async def test_a_change_says_when_it_was_and_between_which_readings(rigged: Rigged) -> None:
    rig = rigged(_1=R)
    await rig.run(20.0)
    before = next(iter(rig.engine.snapshot.rows)).read_at
    finished = rig.clock.now() + timedelta(seconds=3)
    rig.clock.advance(5.0)
    rig.becomes(1, S, finished_time=ms(finished))
    assert await rig.run(60.0) == 0
    first, last = rig.changes
    assert (first.from_status, first.seen_between, first.values["final"]) == (None, None, False)
    assert last.at == finished
    assert last.seen_between is not None
    assert last.seen_between[0] == before
    assert last.seen_between[0] < last.at < last.seen_between[1]
    assert last.values["final"]


async def test_a_rerun_is_waited_for_again(rigged: Rigged) -> None:
    rig = rigged(_1=S, _2=R)
    assert await rig.run(30.0) is None
    rig.becomes(1, R)
    assert await rig.run(1200.0) is None
    rig.becomes(2, S)
    assert await rig.run(1200.0) is None
    rig.becomes(1, S)
    assert await rig.run(1200.0) == 0


async def test_a_rerun_that_ends_alike_is_a_line(rigged: Rigged) -> None:
    rig = rigged(keys=[key(1), key(2)])
    rig.source.hold(instance(2, R), instance(1, F, finished_time=ms(START)))
    await rig.run(30.0)
    rig.becomes(1, F, finished_time=ms(START + timedelta(minutes=5)))
    await rig.run(1200.0)
    assert (1, F, F) in rig.lines
    assert "Failure again" in rig.changes[-1].line("table", UTC)


async def test_a_change_that_other_processes_see_too_is_told_once(tmp_path: Path) -> None:
    """Of three that share a list, one leaves it as it is; some answers are overtaken by others."""
    clock, rng, seconds = FakeClock(), random.Random(4), 500.0
    late = Conditions(late=0.2, latency=0.1)
    world = World(late, clock, rng, groups=1, members=5, seconds=seconds, pace=0.5)
    keys = world.keys
    engines = [
        engine_of(
            tmp_path / "state",
            world.connect,
            clock,
            interval=5.0,
            budget=10_000_000,
            rng=random.Random(number),
            only=only,
        )
        for number, only in enumerate((None, None, keys))
    ]
    engines[0].watch(keys)
    drives = [Drive(engine, clock) for engine in engines]
    followers = [Follower(None, ""), Follower(None, ""), Follower(keys, "all:failure")]
    told: list[list[Change]] = [[], [], []]
    unordered = 0
    while world.now < seconds:
        world.deliver()
        due_at = [world.now + (await drive.turn() or 1.0) for drive in drives]
        for engine, follower, changes in zip(engines, followers, told, strict=True):
            found = follower.take(engine.snapshot)
            unordered += found != sorted(found, key=attrgetter("at"))
            changes.extend(found)
        clock.advance(max(1e-3, min([*due_at, world.next_arrival]) - world.now))
    transitions = engines[0].snapshot.transitions
    clock.advance(LATE)
    world.deliver()
    for engine in engines:
        await engine.aclose()
    assert not unordered
    recorded = [Change.of(each) for each in reversed(transitions)]
    for changes in (*told, recorded):
        assert len(changes) > 20
        for number, history in world.histories.items():
            mine = [each for each in changes if each.key.id == number]
            assert history.has_order(each.to_status for each in mine)
            for before, after in itertools.pairwise(mine):
                assert changes is recorded or after.from_status == before.to_status


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("No route."),
        Unreachable("The certificate does not verify.", is_permanent=True),
        Throttled("Too many."),
        DailyLimit("Too many today."),
        BadAnswer("A login page?"),
    ],
)
async def test_an_outage_alone_never_ends_it_and_is_said_once(
    rigged: Rigged, error: ServiceError
) -> None:
    rig = rigged(_1=S, _2=S)
    rig.source.error = error
    assert await rig.run(900.0) is None
    assert rig.changes == []
    assert rig.said.count(str(error)) == 1
    rig.source.error = None
    assert await rig.run(86_400.0) == 0
    assert "back" in rig.said
    assert "\x1b" not in rig.said
    assert "\r" not in rig.said


async def test_done_is_not_concluded_from_readings_of_before_an_outage(rigged: Rigged) -> None:
    rig = rigged(_1=S, _2=R)
    assert await rig.run(30.0) is None
    rig.source.error = Unreachable("No route.")
    assert await rig.run(2400.0) is None
    rig.source.error = None
    rig.becomes(1, R)
    rig.becomes(2, S)
    assert await rig.run(600.0) is None
    assert rig.lines[-2:] in [[(1, S, R), (2, R, S)], [(2, R, S), (1, S, R)]]


async def test_an_answer_that_lacks_an_instance_settles_nothing(rigged: Rigged) -> None:
    rig = rigged(_1=S, _2=R)
    assert await rig.run(30.0) is None
    rig.source.held.clear()
    assert await rig.run(45.0) is None


async def test_an_instance_that_is_gone_ends_it_with_5(rigged: Rigged) -> None:
    rig = rigged(_1=R)
    assert await rig.run(30.0) is None
    rig.source.held.clear()
    assert await rig.run(600.0) == 5
    assert "is gone" in rig.said
    assert rig.lines == [(1, None, R)]


async def test_an_unknown_id_among_others_is_said(rigged: Rigged) -> None:
    rig = rigged(_1=R, _77="")
    assert await rig.run(60.0) is None
    assert "no instance 77" in rig.said
    assert "unknown or gone: 77" in rig.follower.summary()


@pytest.mark.parametrize("error", [Refused("No such key."), CredentialsMissing("No key.")])
async def test_a_refusal_at_the_start_ends_it_with_4(rigged: Rigged, error: ServiceError) -> None:
    rig = rigged(_1=R, _2=R)
    rig.source.error = error
    assert await rig.run(60.0) == 4
    assert str(error) in rig.said


async def test_missing_keys_are_told_before_any_call(rigged: Rigged) -> None:
    rig = rigged(_1=R)
    rig.source.credentials_error = CredentialsMissing("No key.")
    rig.source.error = CredentialsMissing("No key.")
    assert await rig.run(60.0) == 4


async def test_a_later_refusal_is_tried_again(rigged: Rigged) -> None:
    rig = rigged(_1=R, _2=W)
    assert await rig.run(30.0) is None
    rig.source.error = Refused("The token has expired.")
    assert await rig.run(3600.0) is None
    assert rig.said.count("The token has expired.") == 1
    rig.source.error = None
    rig.becomes(1, S)
    rig.becomes(2, S)
    assert await rig.run(120.0) == 0


async def test_a_refused_account_does_not_end_the_watch_of_another(rigged: Rigged) -> None:
    rig = rigged(keys=[key(1), key(2, OTHER)])
    rig.source.hold(instance(1, R))
    rig.sources[OTHER].error = Refused("No such key.")
    assert await rig.run(600.0) is None
    rig.becomes(1, F)
    assert await rig.run(600.0) == 4
    assert rig.lines == [(1, None, R), (1, R, F)]


async def test_a_call_that_is_never_accepted_ends_it_with_2(rigged: Rigged) -> None:
    rig = rigged(_1=R)
    rig.source.error = BadRequest("Not in this region.")
    assert await rig.run(60.0) == 2


async def test_the_stored_list_does_not_change(rigged: Rigged, tmp_path: Path) -> None:
    store = Store(tmp_path / "state", FakeClock().now)
    store.save(Changes(added={key(5): listed(key(5), 1.0, instance=instance(5), read_at=START)}))
    before = store.rows()
    rig = rigged(_5=S, _6=S)
    assert await rig.run(60.0) == 0
    assert store.rows() == before
    assert store.transitions(5) == []
    today = (START + timedelta(hours=8)).date()
    assert store.calls((BINDING.profile, BINDING.region), today) == len(rig.source.calls)
    store.close()


STATUSES = st.sampled_from([*Status, "Sleeping"])


@given(
    st.sampled_from(UNTILS),
    st.booleans(),
    st.lists(st.tuples(STATUSES, st.booleans(), st.booleans()), min_size=1, max_size=5),
)
def test_an_end_is_never_concluded_from_old_readings(
    until: str, fast: bool, drawn: list[tuple[str, bool, bool]]
) -> None:
    rows = Rows(
        Row(key(n), instance(n, status), START, is_watched=True, is_live=is_live, is_gone=is_gone)
        for n, (status, is_live, is_gone) in enumerate(drawn)
    )
    follower = Follower([row.key for row in rows], until, fail_fast=fast)
    follower.take(Snapshot(rows=rows))
    settled = [row for row in rows if row.is_live and not row.is_gone and row.family.is_settled]
    is_all = len(settled) + sum(row.is_gone for row in rows) == len(rows)
    code = follower.exit_code
    assert code in {None, 0, 1, 5}
    assert code is not None or not is_all
    if code == 0:
        assert settled
    if until.startswith("all") and code is not None and not fast:
        assert is_all


REFUSED = Trouble("NoSuchRegion", "It is never accepted.", None, 2)


def seen(number: int, status: str | None, *are: bool) -> Row:
    """A row as a snapshot may hold it: live or not, gone or not, refused or not."""
    is_live, is_gone, is_refused = are
    return Row(
        key(number),
        None if status is None else instance(number, status),
        START,
        is_watched=True,
        is_live=is_live,
        is_gone=is_gone,
        trouble=REFUSED if is_refused else None,
    )


SEEN = st.builds(
    seen,
    st.integers(1, 4),
    st.one_of(st.none(), STATUSES),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(
    st.sampled_from(["", *UNTILS]), st.booleans(), st.lists(st.lists(SEEN, max_size=4), max_size=5)
)
def test_what_only_differences_were_taken_of_stands_as_if_all_were(
    until: str, fast: bool, drawn: list[list[Row]]
) -> None:
    keys = None if not until else [key(n) for n in range(1, 6)]
    follower = Follower(keys, until, fail_fast=fast)
    for rows in map(Rows, drawn):
        follower.take(Snapshot(rows=rows))
        afresh = Follower(keys, until, fail_fast=fast)
        afresh.take(Snapshot(rows=rows))
        assert follower.exit_code == afresh.exit_code
        assert set(follower.summary().split()) == set(afresh.summary().split())


@given(st.text(), st.text(), st.one_of(st.none(), st.text()))
def test_every_line_is_safe_ascii_json_and_loses_nothing(
    name: str, to_status: str, from_status: str | None
) -> None:
    change = Change(key(2**63 - 1), name, from_status, to_status, START, None)
    line = change.line("json", UTC)
    assert line.isascii()
    assert line.isprintable()
    read = json.loads(line)
    assert list(read) == ["id", "name", "from", "to", "at", "seen_between", "final"]
    assert (read["id"], read["name"], read["to"]) == (2**63 - 1, name, to_status)
    assert read["from"] == from_status
    assert change.line("table", UTC).isprintable()


def test_a_line_of_json_holds_rfc_3339_times() -> None:
    between = (START, START + timedelta(seconds=15))
    change = Change(key(7), "a", R, S, START, between)
    assert json.loads(change.line("json", UTC)) == {
        "id": 7,
        "name": "a",
        "from": "Running",
        "to": "Success",
        "at": "2026-09-18T06:30:00Z",
        "seen_between": ["2026-09-18T06:30:00Z", "2026-09-18T06:30:15Z"],
        "final": True,
    }
    assert change.line("table", UTC) == "2026-09-18 06:30:00  7  Running -> Success  a"


def test_a_standard_error_that_nobody_reads_stops_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    progress = ProgressLine(Broken(), UTC, is_terminal=False)
    progress.say("once")
    progress.say("twice")


def test_what_is_stored_is_no_reading_of_this_watch() -> None:
    live, stored = seen(1, "Running", True, False, False), seen(1, "Running", False, False, False)
    follower = Follower(None, "")
    assert follower.take(Snapshot(rows=Rows([stored]))) == []
    [first] = follower.take(Snapshot(rows=Rows([live])))
    assert (first.from_status, first.to_status) == (None, "Running")
    assert follower.take(Snapshot(rows=Rows([stored]))) == []
    assert follower.take(Snapshot(rows=Rows([live]))) == []

    follower = Follower(None, "")
    follower.take(Snapshot(rows=Rows([stored])))
    [change] = follower.take(Snapshot(rows=Rows([seen(1, "Failure", True, False, False)])))
    assert (change.from_status, change.to_status) == ("Running", "Failure")


@pytest.mark.parametrize(
    ("until", "status", "words"),
    [
        ("any:failure", "Success", "1 of 1 done; any:failure can't come true any more"),
        (
            "all:success",
            "Failure",
            "1 of 1 done, 1 failed; all:success can't come true any more",
        ),
        ("any:failure", "Failure", "1 of 1 done, 1 failed"),
        ("all:done", "Failure", "1 of 1 done, 1 failed"),
    ],
)
def test_an_end_that_was_not_wanted_has_its_reason(until: str, status: str, words: str) -> None:
    row = seen(1, status, True, False, False)
    follower = Follower([row.key], until)
    follower.take(Snapshot(rows=Rows([row])))
    assert follower.end() == words


def test_what_is_refused_is_not_called_live(tmp_path: Path) -> None:
    command = "import io, sys; from datetime import UTC, datetime\n"
    command += "from wfinspect.commands.watch import ProgressLine\n"
    command += "from wfinspect.watching.api import *\n"
    command += "at = datetime(2026, 9, 17, 22, 30, tzinfo=UTC)\n"
    command += "health = Health(Contact.LIVE, Trouble('connection refused', '', at), at)\n"
    command += (
        "ProgressLine(sys.stderr, UTC, is_terminal=True).show(Snapshot(health=health), 'none')"
    )
    with PtySession([sys.executable, "-c", command], home=tmp_path) as session:
        assert session.wait_exit() == 0
        assert "none | last read 22:30:00: connection refused, next try 22:30:00" in session.text()


def test_that_a_limit_of_our_own_slows_the_watch_is_said_once() -> None:
    said = io.StringIO()
    progress = ProgressLine(said, UTC, is_terminal=False)
    for seconds in (4800.0, 3000.0):
        health = Health(Contact.LIVE, slow=Slow(seconds, "budget"))
        progress.show(Snapshot(health=health), "0 of 1 done")
    progress.show(Snapshot(health=Health(Contact.LIVE)), "0 of 1 done")

    assert said.getvalue() == (
        "wfinspect: The day's budget of calls lets each instance be read every 80m only; "
        "--budget sets it.\n"
    )


S, F, R = "Success", "Failure", "Running"


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def watch(command: Command) -> Command:
    return partial(command, "watch", "--timeout", "20")


def test_ids_come_from_a_file_or_from_standard_input(
    watch: Command, live: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in DEMO_IDS[:3]:
        live.set_status(number, S)
    text = f"# tonight\n{DEMO_IDS[0]}  # the first\n\n{DEMO_IDS[1]},{DEMO_IDS[2]}\n".encode()
    (tmp_path / "ids").write_bytes(text)
    assert watch("--file", str(tmp_path / "ids"))[1].count("\n") == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert watch(str(DEMO_IDS[0]), "--file", "-")[1].count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "list is empty"),
        (["--file", "/no/such"], "/no/such can't be read"),
        (["--file", "/dev/null"], "/dev/null: It holds no instance ID.\n"),
        (["abc"], "The watched list is empty"),
        (["abc", "10433001244"], "'abc' is not an instance ID"),
        (["1", "--timeout", "0"], "above 0"),
        (["1", "--timeout", "nan"], "above 0"),
        (
            ["1", "--timeout", "5w"],
            "--timeout: '5w' is not a duration above 0: write 90, 90s, 5m, 2h or 1d",
        ),
        (["1", "--until", "most:done"], "most:done"),
    ],
)
def test_wrong_usage_is_code_2(
    watch: Command, live: Simulator, arguments: list[str], words: str
) -> None:
    calls = live.calls.count()
    code, out, err = watch(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert live.calls.count() == calls


def test_the_stored_list_is_followed_without_ids(
    watch: Command, live: Simulator, tmp_path: Path
) -> None:
    target = Target("(env)", "cn-shanghai", live.url)
    store = Store(tmp_path / "s" / "wfinspect", SystemClock().now)
    keys = [InstanceKey(target, InstanceId(n)) for n in DEMO_IDS[:2]]
    store.save(Changes(added={k: listed(k, float(n)) for n, k in enumerate(keys)}))
    before = store.rows()
    for number in DEMO_IDS[:2]:
        live.set_status(number, S)
    code, out, _ = watch()
    assert code == 0
    assert sorted(int(line.split()[2]) for line in out.splitlines()) == sorted(DEMO_IDS[:2])
    assert store.rows() == before
    store.close()


def test_a_stored_group_costs_one_call(watch: Command, live: Simulator, tmp_path: Path) -> None:
    target, now = Target("(env)", "cn-shanghai", live.url), SystemClock().now()
    added = {}
    for place, number in enumerate(DEMO_IDS):
        live.set_status(number, S)
        record = live.population.record(number, now)
        assert record is not None
        names = {"project_id": "ProjectId", "env_type": "EnvType", "biz_date": "BizDate"}
        known = instance(number, R, **{ours: record[theirs] for ours, theirs in names.items()})
        which = InstanceKey(target, InstanceId(number))
        added[which] = listed(which, float(place), instance=known, read_at=now)
    with closing(Store(tmp_path / "s" / "wfinspect", SystemClock().now)) as store:
        store.save(Changes(added=added))

    live.calls.clear()
    assert watch()[0] == 0
    assert live.calls.counts == {("ListWorkflowInstances", "OK"): 1}


def test_a_bug_in_the_poller_writes_no_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_: Engine) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(Engine, "step", broken)
    code, out, err = command("watch", str(DEMO_IDS[0]), "--timeout", "0.3")
    assert (code, out) == (124, "")
    assert "internal error" in err
    assert "Traceback" not in err
    assert "ZeroDivisionError" in (tmp_path / "s" / "wfinspect" / "wfinspect.log").read_text()


def start(environ: dict[str, str], *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "wfinspect", "watch", *arguments]
    return subprocess.Popen(command, env=os.environ | environ, **streams)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_with_its_code(
    environ: dict[str, str], live: Simulator, number: signal.Signals, code: int
) -> None:
    live.set_status(DEMO_IDS[0], R)
    pipe = subprocess.PIPE
    with start(environ, str(DEMO_IDS[0]), stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert b"-> Running" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert (out, err) == (b"", b"wfinspect: Ended by a signal: 0 of 1 done.\n")


def test_an_ignored_hang_up_stays_ignored(environ: dict[str, str], live: Simulator) -> None:
    live.set_status(DEMO_IDS[0], R)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(environ, str(DEMO_IDS[0]), "--interval", "2", stdout=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        live.set_status(DEMO_IDS[0], S)
        assert b"Running -> Success" in process.stdout.readline()
        assert process.wait(20) == 0


def test_a_closed_standard_output_ends_it_without_a_traceback(
    environ: dict[str, str], live: Simulator
) -> None:
    live.set_status(DEMO_IDS[0], S)
    read_end, write_end = os.pipe()
    os.close(read_end)
    with start(environ, str(DEMO_IDS[0]), stdout=write_end, stderr=subprocess.PIPE) as process:
        os.close(write_end)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 141
    assert b"Traceback" not in err


def test_a_signal_ends_it_though_nobody_reads_its_output(
    environ: dict[str, str], live: Simulator
) -> None:
    live.set_status(DEMO_IDS[0], R)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    while True:
        try:
            os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(write_end, True)
    clock = SystemClock()
    with start(environ, str(DEMO_IDS[0]), stdout=write_end) as process:
        os.close(write_end)
        deadline = clock.monotonic() + 20
        # Number 1 is write, on all machines that this is tested on.
        syscall = Path(f"/proc/{process.pid}/syscall")
        while not syscall.read_text().startswith("1 0x1 ") and clock.monotonic() < deadline:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    os.close(read_end)


def test_on_a_terminal_the_progress_is_one_line_drawn_anew(
    environ: dict[str, str], live: Simulator, tmp_path: Path
) -> None:
    live.set_status(DEMO_IDS[0], R)
    command = [sys.executable, "-m", "wfinspect", "watch", str(DEMO_IDS[0]), "--interval", "2"]
    with PtySession(command, home=tmp_path, env=environ) as session:
        session.wait_for(r"-> Running +ads_user_profile_daily\s+0 of 1 done \| live")
        live.set_status(DEMO_IDS[0], S)
        assert session.wait_exit() == 0
        lines = [line.rstrip() for line in session.text().splitlines() if line.strip()]
    assert len(lines) == 4
    assert "Running -> Success" in lines[2]
    assert lines[3] == "wfinspect: Ended: 1 of 1 done."


def test_what_was_read_of_a_file_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("10432987165 was late\n1043298716S\n77 \n")
    _, _, err = command("watch", "--file", str(tmp_path / "ids"), "--timeout", "0.1")
    assert "ids: 1 ID found in its text; 2 lines without an ID (the first in line 2).\n" in err


def test_a_round_without_files_to_open_says_what_to_raise(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(_: Engine) -> float:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Engine, "step", starved)
    code, out, err = command("watch", str(DEMO_IDS[0]), "--timeout", "0.3")
    assert (code, out) == (124, "")
    assert "ulimit -n" in err
    assert "internal error" not in err


def test_a_log_that_cannot_be_opened_does_not_end_the_watch(
    watch: Command, live: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    failures = iter([ZeroDivisionError()])
    step = Engine.step

    def broken_once(engine: Engine) -> float | None:
        for failure in failures:
            raise failure
        return step(engine)

    live.set_status(DEMO_IDS[0], S)
    monkeypatch.setattr("wfinspect.diagnostics.open_private", starved)
    monkeypatch.setattr("wfinspect.watching.poller._AFTER_A_CRASH_SECONDS", 0.1)
    monkeypatch.setattr(Engine, "step", broken_once)
    code, out, _ = watch(str(DEMO_IDS[0]))
    assert (code, "-> Success" in out) == (0, True)
