"""What is shown as the present, and when contact is lost: the engine over HTTP on the simulator."""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drive import HttpDrive
from engine_rig import Asker, watching
from engine_rig import Rig as ScriptedRig
from fakes import BINDING, FakeClock, ScriptedSource, instance, key, ms
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.errors import Refused, ServiceError, Throttled, Unreachable
from wfinspect.model import InstanceId, InstanceKey
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.api import Contact, Row, Snapshot, TasksOf
from wfinspect.watching.limits import Rounds, added_wait


class Rig(HttpDrive):
    """Watches instances of the simulator, and keeps what was shown."""

    shown: tuple[Snapshot, ...] = ()

    def after_step(self) -> None:
        self.shown = (*self.shown[-5000:], self.engine.snapshot)

    @property
    def contacts(self) -> set[Contact]:
        return {each.health.contact for each in self.shown}

    @property
    def slow(self) -> str:
        slow = self.engine.snapshot.health.slow
        return slow.words if slow else ""

    def key(self, number: int) -> InstanceKey:
        return InstanceKey(self.target, InstanceId(number))

    def watch(self, *ids: int) -> None:
        self.engine.watch([self.key(number) for number in ids])


Open = Callable[..., Rig]


@pytest.fixture
async def rig_of(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Open]:
    made: list[Rig] = []

    def opened(**settings: float) -> Rig:
        made.append(Rig(simulator, clock, tmp_path / "state", **settings))  # type: ignore[arg-type]
        return made[-1]

    yield opened
    for each in made:
        await each.engine.aclose()


@pytest.mark.parametrize("count", [1, 3])
async def test_an_answer_without_the_member_never_makes_an_instance_gone(
    simulator: Simulator, rig_of: Open, count: int
) -> None:
    rig = rig_of()
    rig.watch(*DEMO_IDS[:count])
    await rig.run(20.0)
    assert all(row.is_live for row in rig.engine.snapshot.rows)
    simulator.faults.add("empty")
    await rig.run(600.0)
    rows = rig.engine.snapshot.rows
    assert len(rows) == count
    assert not any(row.is_gone for row in rows)
    assert all(row.trouble and row.trouble.cause == "bad answer" for row in rows)


DAY_MS = 86_400_000
EXTRA = 10_440_000_000
"""The first ID beyond the catalogue."""


def in_groups(simulator: Simulator, groups: int, members: int, *statuses: str) -> list[int]:
    """IDs of so many groups, each of its own business date, the statuses one after the other."""
    ids = range(EXTRA, EXTRA + groups * members)
    for number in ids:
        place = number - EXTRA
        simulator.set_status(number, statuses[place % len(statuses)])
        biz_date = 1_700_000_000_000 + DAY_MS * (place // members)
        simulator.population.set_fields(number, {"BizDate": biz_date})
    return list(ids)


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    with Simulator(clock=clock, extra=240) as started:
        yield started


async def test_a_rerun_of_what_failed_within_the_hour_is_seen_within_a_minute(
    simulator: Simulator, rig_of: Open
) -> None:
    rig = rig_of()
    failed, succeeded = in_groups(simulator, 2, 1, "Failure", "Success")
    rig.watch(failed, succeeded)

    async def calls_in(seconds: float) -> Counter[str]:
        simulator.calls.clear()
        await rig.run(seconds)
        return Counter(call.parameters.get("Id") for call in simulator.calls.latest)

    def status() -> str:
        row = rig.engine.snapshot.rows.get(rig.key(failed))
        assert row is not None
        assert row.instance is not None
        return row.instance.status

    calls = await calls_in(1800.0)
    assert 27 <= calls[str(failed)] <= 32
    assert calls[str(succeeded)] <= 4
    simulator.set_status(failed, "Running")
    await rig.run(70.0)
    assert status() == "Running"
    simulator.set_status(failed, "Failure")
    await rig.run(3700.0)
    assert status() == "Failure"
    assert 9 <= (await calls_in(6000.0))[str(failed)] <= 10
    rig.engine.set_interval(300.0)
    simulator.set_status(failed, "Running")
    await rig.run(700.0)
    simulator.set_status(failed, "Failure")
    await rig.run(310.0)
    assert 5 <= (await calls_in(1800.0))[str(failed)] <= 6
    assert rig.contacts <= {Contact.STARTING, Contact.LIVE}


async def test_a_failure_keeps_its_limit_however_often_it_is_read(
    simulator: Simulator, rig_of: Open
) -> None:
    rig = rig_of()
    [failed] = in_groups(simulator, 1, 1, "Failure")
    rig.watch(failed)
    rig.engine.display(rig.key(failed))
    await rig.run(100.0)
    simulator.faults.add("ServiceUnavailable")
    await rig.run(600.0)
    assert rig.engine.snapshot.health.contact is Contact.NOT_LIVE
    assert all(row.is_live for row in rig.engine.snapshot.rows)
    await rig.run(1200.0)
    assert not any(row.is_live for row in rig.engine.snapshot.rows)


async def test_a_small_budget_is_slow_and_no_outage(simulator: Simulator, rig_of: Open) -> None:
    """20 running in 5 groups with the budget README names for the Basic edition."""
    rig = rig_of(budget=90)
    rig.watch(*in_groups(simulator, 5, 4, "Running"))
    await rig.run(600.0)
    said = rig.engine.snapshot.health.slow
    assert said is not None
    began = rig.clock.now()
    await rig.run(2 * 3600.0)

    # What it says is what it does, for each of the five.
    calls = sum(call.at > began for call in simulator.calls.latest)
    assert 5 * 7200.0 / calls == pytest.approx(said.seconds, rel=0.15)
    assert {code for _, code in simulator.calls.counts} == {"OK"}
    assert rig.contacts <= {Contact.STARTING, Contact.LIVE}
    assert rig.engine.snapshot.alert is None
    assert rig.engine.snapshot.notices == ()
    assert all(row.is_live for row in rig.engine.snapshot.rows)
    assert rig.slow == "slow: every 42m (budget)"
    assert simulator.calls.count() <= 90


async def test_a_first_reading_that_waits_for_the_budget_is_slow(
    simulator: Simulator, rig_of: Open
) -> None:
    former = rig_of(budget=4)
    first, second = in_groups(simulator, 2, 1, "Running")
    former.watch(first)
    for _ in range(8):
        former.engine.refresh(former.key(first))
        await former.run(1.0)
    former.engine.unwatch([former.key(first)])
    former.watch(second)
    await former.engine.aclose()
    rig = rig_of(budget=4)
    await rig.run(60.0)

    assert simulator.calls.count() == 8
    assert [row.key.id for row in rig.engine.snapshot.rows] == [second]
    assert re.fullmatch(r"slow: every \d+[hm] \(budget\)", rig.slow)


async def test_a_round_longer_than_its_interval_is_slow_and_no_outage(
    simulator: Simulator, rig_of: Open
) -> None:
    rig = rig_of()
    rig.watch(*in_groups(simulator, 100, 1, "Running"))
    await rig.run(170.0)

    assert rig.slow == "slow: every 50s (rate)"
    assert rig.contacts <= {Contact.STARTING, Contact.LIVE}
    assert rig.engine.snapshot.alert is None
    for snapshot in rig.shown:
        assert all(row.is_live for row in snapshot.rows if row.read_at)
    assert all(row.is_live for row in rig.engine.snapshot.rows)


UNSETTLED = ["Running", "WaitTime", "WaitResource", "NotRun"]


@pytest.mark.parametrize("members", [4, 1], ids=["one group", "a group each"])
async def test_an_outage_marks_every_unsettled_row_in_one_frame(
    simulator: Simulator, rig_of: Open, members: int
) -> None:
    rig = rig_of(interval=2.0)
    ids = in_groups(simulator, 8 // members, members, *UNSETTLED)
    rig.watch(*ids, *in_settled(simulator))
    await rig.run(20.0)
    assert all(row.is_live for row in rig.engine.snapshot.rows)
    rig.shown = ()
    simulator.stop()
    await rig.run(60.0)

    for snapshot in rig.shown:
        unsettled = {row.is_live for row in snapshot.rows if not row.family.is_settled}
        is_lost = snapshot.health.contact is Contact.NOT_LIVE
        assert unsettled == {not is_lost}
        assert all(row.is_live for row in snapshot.rows if row.family.is_settled)
    assert rig.engine.snapshot.health.contact is Contact.NOT_LIVE
    assert set(rig.engine.snapshot.troubles) == {rig.target}

    rig.shown = ()
    simulator.start()
    await rig.run(30.0)
    assert all(row.is_live for row in rig.engine.snapshot.rows)
    assert rig.engine.snapshot.health.contact is Contact.LIVE


def in_settled(simulator: Simulator) -> list[int]:
    """Two that are over, in a group of their own."""
    ids = [EXTRA + 200, EXTRA + 201]
    for number, status in zip(ids, ["Success", "Failure"], strict=True):
        simulator.set_status(number, status)
    return ids


async def test_after_an_outage_each_row_is_live_only_once_it_is_read(
    simulator: Simulator, rig_of: Open
) -> None:
    rig = rig_of(interval=2.0)
    rig.watch(*in_groups(simulator, 8, 1, *UNSETTLED))
    await rig.run(20.0)
    simulator.stop()
    await rig.run(60.0)
    before = {row.key: row.read_at for row in rig.engine.snapshot.rows}
    rig.shown = ()
    simulator.start()
    await rig.run(30.0)

    back = [each for each in rig.shown if each.health.contact is Contact.LIVE]
    assert len(back) > 4
    for snapshot in rig.shown:
        for row in snapshot.rows:
            assert row.is_live == (row.read_at != before[row.key])
    assert all(row.is_live for row in rig.engine.snapshot.rows)


async def test_a_stale_row_does_not_become_live_by_another_cadence(
    simulator: Simulator, rig_of: Open
) -> None:
    """One open, on the cadence of the display, and then not; the service answers for others only."""
    rig = rig_of(interval=2.0)
    first, second = in_groups(simulator, 2, 1, "WaitTime")
    rig.watch(first, second)
    rig.engine.display(rig.key(first))
    await rig.run(10.0)
    simulator.stop()
    await rig.run(40.0)
    assert not any(row.is_live for row in rig.engine.snapshot.rows)

    rig.engine.display(rig.key(second))
    await rig.run(3.0)
    rig.engine.set_interval(60.0)
    await rig.run(3.0)
    rig.engine.display(None)
    await rig.run(3.0)
    assert not any(row.is_live for row in rig.engine.snapshot.rows)


async def test_an_outage_that_begins_behind_an_answer_to_another_request_is_one(
    tmp_path: Path,
) -> None:
    """The row was due, as polling was paused, when the last answer came: to what was looked at."""
    rig = Asker(tmp_path / "state")
    await watching(rig, 1)
    rig.engine.set_paused(paused=True)
    await rig.run(60.0)
    await rig.ask(TasksOf(key(1)))
    rig.source.error = Unreachable("down")
    rig.engine.set_paused(paused=False)
    await rig.run(20.0)
    assert rig.snapshot.health.contact is not Contact.NOT_LIVE
    await rig.run(40.0)
    assert rig.snapshot.health.contact is Contact.NOT_LIVE
    assert rig.snapshot.troubles
    await rig.engine.aclose()


class Source(ScriptedSource):
    """Knows how its last call ended, and when one last went well."""

    last_failed = False
    answered_at = -1.0

    async def _called(self, name: str, ids: tuple[int, ...]) -> None:
        try:
            await super()._called(name, ids)
        except ServiceError:
            self.last_failed = True
            raise
        assert self.clock is not None
        self.last_failed, self.answered_at = False, self.clock.monotonic()


class Judged(ScriptedRig):
    """Holds after each step what must be true of what is shown, whatever happened."""

    def __init__(self, state_dir: Path, budget: int) -> None:
        super().__init__(state_dir, budget=budget)
        self.source = self.sources[BINDING] = Source(self.clock)
        self.rows: dict[InstanceKey, Row] = {}
        self.lost_at = -1.0

    def after_step(self) -> None:
        source, snapshot, now = self.source, self.snapshot, self.clock.monotonic()
        assert isinstance(source, Source)
        # What is paused may be out of contact all the same.
        is_lost = bool(self.engine._view.judge.lost)
        assert not is_lost or source.last_failed
        shown = {Contact.NOT_LIVE} if is_lost else {Contact.LIVE, Contact.STARTING}
        assert snapshot.health.contact in {*shown, Contact.PAUSED}
        if snapshot.health.contact is Contact.NOT_LIVE:
            assert snapshot.troubles
        for row in snapshot.rows:
            if is_lost and not row.family.is_settled:
                assert not row.is_live
            before = self.rows.get(row.key)
            if before and not before.is_live and row.is_live:
                assert row.read_at != before.read_at
            if row.read_at is not None:
                age = (self.clock.now() - row.read_at).total_seconds()
                if age < 30.0 and now - age > self.lost_at and not is_lost:
                    assert row.is_live
        self.lost_at = now if is_lost else self.lost_at
        self.rows = {row.key: row for row in snapshot.rows}


ERRORS = [None, Unreachable("down"), Throttled("slow"), Refused("no")]
WORDS = ["Running", "WaitTime", "NotRun", "Success", "Failure"]
ACTS = st.one_of(
    st.tuples(st.just("run"), st.sampled_from([1.0, 10.0, 31.0, 50.0, 170.0, 2000.0])),
    st.tuples(st.just("error"), st.sampled_from(ERRORS)),
    st.tuples(st.just("once"), st.sampled_from(ERRORS[1:])),
    st.tuples(st.just("display"), st.none() | st.integers(1, 4)),
    st.tuples(st.just("interval"), st.sampled_from([2.0, 15.0, 300.0])),
    st.tuples(st.just("become"), st.tuples(st.integers(1, 4), st.sampled_from(WORDS))),
    st.tuples(st.just("refresh"), st.none() | st.integers(1, 4)),
    st.tuples(st.just("paused"), st.booleans()),
    st.tuples(st.just("sleep"), st.sampled_from([20.0, 100.0, 4000.0])),
)


@tried(20, 1_000)
@given(st.sampled_from([8, 40, 3000]), st.lists(ACTS, max_size=14))
def test_whatever_happens_no_outage_without_failures_and_none_half_shown(
    budget: int, acts: list[tuple[str, Any]]
) -> None:
    async def live() -> None:
        with tempfile.TemporaryDirectory() as directory:
            rig = Judged(Path(directory) / "state", budget)
            for number, word in enumerate(WORDS, 1):
                rig.source.hold(instance(number, word, biz_date=number // 2 + 1))
            rig.engine.watch([key(number) for number in range(1, len(WORDS) + 1)])
            for act, value in [("run", 5.0), *acts, ("run", 60.0)]:
                await perform(rig, act, value)
            await rig.engine.aclose()

    asyncio.run(live())


async def perform(rig: Judged, act: str, value: Any) -> None:  # noqa: ANN401 - of the act
    match act:
        case "run":
            await rig.run(value)
        case "sleep":  # the machine's, not the engine's
            rig.clock.advance(value)
            await rig.turn()
        case "error":
            rig.source.error = value
        case "once":
            rig.source.errors.append(value)
        case "display":
            rig.engine.display(None if value is None else key(value))
        case "interval":
            rig.engine.set_interval(value)
        case "become":
            number, word = value
            now = ms(rig.clock.now())
            rig.source.hold(instance(number, word, biz_date=number // 2 + 1, modify_time=now))
        case "refresh":
            rig.engine.refresh(None if value is None else key(value))
        case "paused":
            rig.engine.set_paused(paused=value)


INTERVALS = st.dictionaries(st.floats(0.5, 30_000.0), st.integers(1, 500), max_size=6)


@given(INTERVALS, st.floats(1e-5, 2.0))
def test_the_wait_is_that_at_which_a_round_is_just_affordable(
    calls: dict[float, int], a_second: float
) -> None:
    wait = added_wait(calls, a_second)
    wanted = sum(n / (interval + wait) for interval, n in calls.items())
    assert wanted <= a_second * 1.0001
    assert wait == 0.0 or wanted >= a_second * 0.9


UNITS = st.none() | st.sampled_from("abc")


@given(st.lists(st.tuples(st.integers(1, 9), UNITS, st.none() | st.sampled_from([5.0, 15.0]))))
def test_the_calls_of_a_round_are_counted_row_by_row(
    puts: list[tuple[int, str | None, float | None]],
) -> None:
    rounds = Rounds(rows_a_call=2)
    for number, unit, cadence in puts:
        rounds.put(key(number), unit, cadence)
    rows = {number: (unit, cadence) for number, unit, cadence in puts}
    expected: Counter[float] = Counter()
    for unit in "abc":
        cadences = [c for u, c in rows.values() if u == unit and c is not None]
        if cadences:
            expected[min(cadences)] += -(-len(cadences) // 2)
    assert +rounds.calls.get(BINDING, Counter()) == expected
    for number in rows:
        rounds.forget(key(number))
    assert not rounds.calls.get(BINDING)
