import random
from collections.abc import Sequence
from itertools import pairwise
from math import inf

import pytest
from fakes import BINDING, key
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
)
from wfinspect.model import MAX_IDS, Family, InstanceKey, Target
from wfinspect.watching.api import Group
from wfinspect.watching.cadence import cadence, freshness_seconds
from wfinspect.watching.limits import CircuitBreaker, RateLimiter, TokenBucket
from wfinspect.watching.schedule import Batch, PollState, Schedule

OTHER = Target("other", "cn-beijing", "dataworks.cn-beijing.aliyuncs.com")
GROUP = Group(BINDING, 88123, "Prod", 1)
ELSEWHERE = Group(BINDING, 88123, "Dev", 1)


class NoJitter(random.Random):
    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return a


def schedule(*keys: InstanceKey, group: Group | None = GROUP, budget: int = 3000) -> Schedule:
    made = Schedule(NoJitter(), budget=budget)
    for each in keys:
        made.add(each, group=group)
    return made


def take_all(made: Schedule, now: float) -> list[Batch]:
    """Every call that goes out from `now` on until answers are needed, as time passes."""
    taken = []
    while True:
        while (batch := made.take_due(now)) is not None:
            taken.append(batch)
        later = made.next_at(now)
        if later is None or later > now + 1.0:
            return taken
        now = later


def answer(made: Schedule, batch: Batch, groups: dict[InstanceKey, Group], now: float) -> None:
    found = {k: groups[k] for k in batch.keys if k in groups}
    if batch.group is not None:
        found = {k: g for k, g in found.items() if g == batch.group}
    made.succeeded(batch, found, now)


def settle(made: Schedule, groups: dict[InstanceKey, Group], now: float) -> list[Batch]:
    """Answer every call at once until nothing is due for a second."""
    taken = []
    while batches := take_all(made, now):
        for batch in batches:
            answer(made, batch, groups, now)
        taken += batches
        now += 1.0
    return taken


@pytest.mark.parametrize(
    ("family", "is_attended", "expected"),
    [
        (Family.ACTIVE, False, 15.0),
        (Family.UNKNOWN, False, 15.0),
        (Family.ACTIVE, True, 5.0),
        (Family.WAITING, False, 60.0),
        (Family.IDLE, False, 60.0),
        (Family.IDLE, True, 5.0),
        (Family.SUCCESS, False, 600.0),
        (Family.FAILURE, True, 60.0),
    ],
)
def test_cadence_follows_the_state(family: Family, is_attended: bool, expected: float) -> None:
    assert expected == cadence(family, interval=15.0, is_attended=is_attended)


def test_a_long_interval_slows_everything_but_the_instance_on_display() -> None:
    assert cadence(Family.WAITING, interval=900.0, is_attended=False) == 900.0
    assert cadence(Family.SUCCESS, interval=900.0, is_attended=False) == 900.0
    assert cadence(Family.ACTIVE, interval=900.0, is_attended=True) == 5.0
    assert cadence(Family.ACTIVE, interval=2.0, is_attended=True) == 2.0


def test_a_reading_is_the_present_for_two_missed_polls_and_a_little() -> None:
    assert freshness_seconds(5.0) == 30.0
    assert freshness_seconds(15.0) == 42.5
    assert freshness_seconds(600.0) == 1505.0


def test_one_list_asks_for_all_of_a_group() -> None:
    made = schedule(key(1), key(2), key(3))
    (batch,) = take_all(made, 0.0)
    assert batch.group == GROUP
    assert set(batch.keys) == {key(1), key(2), key(3)}


def test_a_group_of_one_is_asked_by_get() -> None:
    (batch,) = take_all(schedule(key(1)), 0.0)
    assert batch == Batch(BINDING, (key(1),), None)


def test_members_that_are_not_due_go_along() -> None:
    made = schedule(key(1), key(2))
    made.set_cadence(key(2), 600.0)
    groups = {key(1): GROUP, key(2): GROUP}
    settle(made, groups, 0.0)
    assert made.next_at(10.0) == 15.0
    batch = made.take_due(15.0)
    assert batch is not None
    assert set(batch.keys) == {key(1), key(2)}


def test_a_resting_instance_is_not_asked_for_by_itself() -> None:
    made = schedule(key(1))
    made.set_cadence(key(1), None)
    assert made.next_at(0.0) is None
    made.request(key(1), 0.0)
    assert made.take_due(0.0) is not None


def test_a_large_group_takes_several_calls_of_a_hundred() -> None:
    keys = [key(i) for i in range(250)]
    made = schedule(*keys)
    taken = settle(made, dict.fromkeys(keys, GROUP), 0.0)
    assert [len(batch.keys) for batch in taken] == [MAX_IDS] * 3
    assert {k for batch in taken for k in batch.keys} == set(keys)


def test_only_one_list_of_a_group_is_in_flight() -> None:
    made = schedule(*(key(i) for i in range(250)))
    assert len(take_all(made, 0.0)) == 1


def test_new_ids_cost_one_get_and_one_list() -> None:
    keys = [key(i) for i in range(50)]
    made = schedule(*keys, group=None)
    taken = settle(made, dict.fromkeys(keys, GROUP), 0.0)
    assert [(len(batch.keys), batch.group) for batch in taken] == [(1, None), (49, GROUP)]


def test_new_ids_of_two_groups_cost_a_get_and_a_list_each() -> None:
    keys = [key(i) for i in range(10)]
    groups = {k: GROUP if i % 2 else ELSEWHERE for i, k in enumerate(keys)}
    taken = settle(schedule(*keys, group=None), groups, 0.0)
    assert [len(batch.keys) for batch in taken] == [1, 9, 1, 4]


def test_ids_that_share_nothing_are_asked_for_singly_after_one_try() -> None:
    keys = [key(i) for i in range(5)]
    groups = {k: Group(BINDING, i, "Prod", 1) for i, k in enumerate(keys)}
    taken = settle(schedule(*keys, group=None), groups, 0.0)
    assert [len(batch.keys) for batch in taken] == [1, 4, 1, 1, 1, 1]


def test_an_id_a_person_looks_at_does_not_wait_for_others_to_be_placed() -> None:
    made = schedule(*(key(i) for i in range(10)), group=None)
    made.take_due(0.0)
    made.request(key(7), 0.0, is_urgent=True)
    assert made.take_due(0.0) == Batch(BINDING, (key(7),), None)


def test_a_list_leaves_out_what_another_call_asks_for() -> None:
    made = schedule(key(1), key(2))
    (batch,) = take_all(made, 0.0)
    made.add(key(3), group=GROUP)
    made.request(key(3), 1.0)
    assert made.take_due(1.0) == Batch(BINDING, (key(3),), None)
    answer(made, batch, {key(1): GROUP, key(2): GROUP}, 2.0)
    later = made.take_due(20.0)
    assert later is not None
    assert set(later.keys) == {key(1), key(2)}


def test_placing_leaves_out_what_another_call_asks_for() -> None:
    keys = [key(i) for i in range(5)]
    made = schedule(*keys, group=None)
    pilot = made.take_due(0.0)
    assert pilot is not None
    made.request(key(4), 0.0, is_urgent=True)
    assert made.take_due(0.0) is not None
    answer(made, pilot, dict.fromkeys(keys, GROUP), 0.5)
    # Nobody else is asked for before the Get that may become the next pilot is back.
    made.request(key(3), 1.0, is_urgent=True)
    assert made.take_due(1.0) == Batch(BINDING, (key(3),), None)
    assert made.take_due(1.0) is None


def test_an_id_missing_from_a_list_is_asked_for_by_get_at_once() -> None:
    made = schedule(key(1), key(2), key(3))
    (batch,) = take_all(made, 0.0)
    made.succeeded(batch, {key(1): GROUP, key(3): GROUP}, 0.0)
    assert made.take_due(1.0) == Batch(BINDING, (key(2),), None)


def test_a_group_whose_list_lacks_what_get_finds_falls_back_to_single_calls() -> None:
    made = schedule(key(1), key(2))
    (batch,) = take_all(made, 0.0)
    made.succeeded(batch, {}, 0.0)
    single = made.take_due(1.0)
    assert single is not None
    made.succeeded(single, {single.keys[0]: GROUP}, 1.0)
    assert made.groups.remarks(2.0) == ("List lacks known IDs: single calls",)
    assert all(batch.group is None for batch in settle(made, {key(1): GROUP, key(2): GROUP}, 20.0))


def test_a_list_that_ignores_ids_makes_its_group_fall_back_for_an_hour() -> None:
    made = schedule(key(1), key(2))
    made.groups.ignored_ids(GROUP, 0.0)
    groups = {key(1): GROUP, key(2): GROUP}
    assert [batch.group for batch in settle(made, groups, 0.0)] == [None, None]
    assert made.groups.remarks(1.0) == ("List ignores Ids: single calls",)
    assert made.groups.remarks(3601.0) == ()
    assert settle(made, groups, 3601.0)[0].group == GROUP


@pytest.mark.parametrize("error", [Refused("no List for you"), BadRequest("no such parameter")])
def test_where_only_list_is_refused_single_calls_go_on(error: ServiceError) -> None:
    made = schedule(key(1), key(2))
    (batch,) = take_all(made, 0.0)
    made.failed(batch, error, 0.0)
    singles = settle(made, {key(1): GROUP, key(2): GROUP}, 1.0)
    assert [batch.group for batch in singles] == [None, None]
    assert made.groups.remarks(5.0) == ("List refused: single calls",)
    assert made.limits.open_breaker(BINDING) is None


def test_where_get_is_refused_too_the_account_waits_a_minute() -> None:
    made = schedule(key(1), key(2))
    (batch,) = take_all(made, 0.0)
    made.failed(batch, Refused("no"), 0.0)
    single = made.take_due(1.0)
    assert single is not None
    made.failed(single, Refused("no"), 1.0)
    assert made.next_at(1.0) == 61.0
    assert made.groups.remarks(1.0) == ()
    probe = made.take_due(61.0)
    assert probe is not None
    assert probe.group == GROUP


@pytest.mark.parametrize("error", [Refused("no"), CredentialsMissing("none")])
def test_a_changed_source_is_tried_at_once(error: ServiceError) -> None:
    made = schedule(key(1))
    (batch,) = take_all(made, 0.0)
    made.failed(batch, error, 0.0)
    assert made.take_due(1.0) is None
    made.limits.source_changed(BINDING, 1.0)
    assert made.take_due(1.0) is not None


def test_while_an_endpoint_is_down_one_probe_at_a_time_goes_out() -> None:
    groups = {key(i): Group(BINDING, i, "Prod", 1) for i in range(20)}
    made = Schedule(random.Random(7), budget=100_000)
    for each, group in groups.items():
        made.add(each, group=group)
    now, sent, flying = 0.0, [], []
    while now < 600.0:
        while (batch := made.take_due(now)) is not None:
            sent.append(now)
            flying.append(batch)
        assert len(flying) == 1 or len(sent) == 2, "only before the first failure"
        for batch in flying:
            made.failed(batch, Unreachable("down"), now)
        flying.clear()
        later = made.next_at(now)
        assert later is not None
        now = later
    assert len(sent) <= 40
    assert all(15.0 <= b - a <= 20.5 for a, b in list(pairwise(sent))[8:])


@pytest.mark.parametrize("error", [Unreachable("down"), ServiceTrouble("503"), Throttled("429")])
def test_clients_that_lost_a_service_together_do_not_come_back_in_one_rush(
    error: ServiceError,
) -> None:
    back_at = []
    for seed in range(200):
        made, now = Schedule(random.Random(seed), budget=100_000), 0.0
        made.add(key(1), group=GROUP)
        while now < 600.0:
            batch = made.take_due(now)
            if batch is not None:
                made.failed(batch, error, now)
            later = made.next_at(now)
            assert later is not None
            now = later
        back_at.append(int(now))
    assert max(map(back_at.count, back_at)) <= 0.15 * len(back_at), "in one second"


def test_a_binding_that_fails_does_not_hold_back_another() -> None:
    made = schedule(key(1), key(1, OTHER), group=None)
    first, second = take_all(made, 0.0)
    made.failed(first, Refused("no"), 0.0)
    made.succeeded(second, {second.keys[0]: Group(OTHER, 1, "Prod", 1)}, 0.0)
    later = made.take_due(20.0)
    assert later is not None
    assert later.target == OTHER


def test_throttling_obeys_the_service_and_holds_back_everybody_of_the_binding() -> None:
    made = schedule(key(1), key(2), group=None)
    batch = made.take_due(0.0)
    assert batch is not None
    made.failed(batch, Throttled("slow down", retry_after_seconds=7.0), 0.0)
    assert made.next_at(0.0) == 7.0
    made.request(key(2), 1.0)
    assert made.next_at(1.0) == 7.0


def test_the_wait_that_throttling_asks_for_is_capped() -> None:
    gate = CircuitBreaker(random.Random(1))
    gate.failed(Throttled("slow", retry_after_seconds=9999.0), 0.0, day_ends_at=inf)
    assert gate.retry_at == 120.0


def test_the_daily_limit_waits_until_midnight_but_not_for_a_person() -> None:
    made = schedule(key(1))
    made.limits.bucket(BINDING, 0.0).begin_day(0.0, ends_at=5000.0, used=10)
    (batch,) = take_all(made, 0.0)
    made.failed(batch, DailyLimit("enough for today"), 0.0)
    later = made.next_at(0.0)
    assert later is not None
    assert later >= 5000.0
    made.request(key(1), 10.0)
    assert made.take_due(10.0) is not None


@pytest.mark.parametrize("failures", range(1, 12))
@pytest.mark.parametrize("error", [Unreachable("u"), ServiceTrouble("s"), BadAnswer("b")])
def test_backoff_is_drawn_from_2_to_15_seconds_and_then_15_to_20(
    error: ServiceError, failures: int
) -> None:
    gate = CircuitBreaker(random.Random(failures))
    for _ in range(failures):
        gate.failed(error, 100.0, day_ends_at=inf)
    low, high = (2.0, 15.0) if failures <= 5 else (15.0, 20.0)
    assert low <= gate.retry_at - 100.0 <= high


def test_a_bad_request_holds_back_its_instance_alone() -> None:
    made = schedule(key(1), key(2), group=None)
    made.groups.ignored_ids(GROUP, 0.0)
    batch = made.take_due(0.0)
    assert batch is not None
    made.failed(batch, BadRequest("what?"), 0.0)
    other = made.take_due(0.0)
    assert other is not None
    assert other.keys != batch.keys
    made.succeeded(other, {other.keys[0]: GROUP}, 0.0)
    assert [b.keys for b in settle(made, dict.fromkeys(other.keys, GROUP), 20.0)] == [other.keys]


def test_paused_sends_only_what_a_person_asks_for() -> None:
    made = schedule(key(1), key(2), group=None)
    made.is_paused = True
    assert made.take_due(0.0) is None
    made.request(key(2), 0.0)
    assert made.take_due(0.0) == Batch(BINDING, (key(2),), None)


def test_a_reading_of_another_process_counts_as_ones_own() -> None:
    made = schedule(key(1))
    made.read_elsewhere(key(1), 100.0, 101.0)
    assert made.next_at(101.0) == pytest.approx(116.05)


def test_whoever_read_last_reads_first_again() -> None:
    for seed in range(50):
        reader, other = (Schedule(random.Random(seed + n), budget=3000) for n in (0, 50))
        for each in (reader, other):
            each.add(key(1), group=GROUP)
        batch = reader.take_due(0.0)
        assert batch is not None
        reader.succeeded(batch, {key(1): GROUP}, 0.2)
        other.read_elsewhere(key(1), 0.2, 0.5)
        first, second = reader.next_at(1.0), other.next_at(1.0)
        assert first is not None
        assert second is not None
        assert second - first > 0.4


def test_an_answer_for_a_forgotten_id_changes_nothing() -> None:
    made = schedule(key(1))
    (batch,) = take_all(made, 0.0)
    made.forget(key(1))
    made.succeeded(batch, {key(1): GROUP}, 1.0)
    assert made.next_at(100.0) is None


def test_a_bucket_spends_no_more_than_the_day_has_and_lasts_until_its_end() -> None:
    bucket, now, spent = TokenBucket(100, 0.0), 0.0, []
    bucket.begin_day(0.0, ends_at=86_400.0, used=0)
    while now < 86_400.0:
        now = max(bucket.ready_at(now), now + 1.0)
        if now < 86_400.0:
            bucket.spend(now)
            spent.append(now)
    assert 95 <= len(spent) <= 100
    assert spent[-1] > 80_000.0


def test_cadences_stretch_when_the_bucket_is_under_half_full() -> None:
    bucket = TokenBucket(400, 0.0)
    bucket.begin_day(0.0, ends_at=86_400.0, used=0)
    assert bucket.stretch(0.0) == 1.0
    for _ in range(75):
        bucket.spend(0.0)
    assert bucket.stretch(0.0) == 2.0


def test_what_is_given_back_to_a_bucket_shortens_the_waits_of_all() -> None:
    made = schedule(key(1), key(2), budget=40)
    bucket = made.limits.bucket(BINDING, 0.0)
    bucket.begin_day(0.0, ends_at=86_400.0, used=0)
    for _ in range(7):
        bucket.spend(0.0)
    (batch,) = take_all(made, 0.0)
    answer(made, batch, dict.fromkeys(batch.keys, GROUP), 0.0)
    assert made.next_at(1.0) == pytest.approx(37.5, abs=0.1)
    bucket.correct(1.0, 0)
    assert made.next_at(1.0) == 15.0


def test_a_budget_that_runs_short_costs_no_look_at_rows_that_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, looks, real = Schedule(NoJitter(), budget=100), [0], PollState.due_at
    groups = {key(n): GROUP._replace(project_id=n // 20) for n in range(1000)}
    for each, group in groups.items():
        made.add(each, group=group)
    made.limits.bucket(BINDING, 0.0).begin_day(0.0, ends_at=86_400.0, used=0)

    def looked_at(state: PollState, stretch: float) -> float:
        looks[0] += 1
        return real(state, stretch)

    monkeypatch.setattr(PollState, "due_at", looked_at)
    settle(made, groups, 0.0)
    assert made.limits.bucket(BINDING, 20.0).stretch(20.0) > 10.0
    # Of each at most one before its first call and one after it.
    assert looks[0] <= 2 * len(groups)


def test_what_other_processes_used_is_gone_from_the_bucket() -> None:
    bucket = TokenBucket(400, 0.0)
    bucket.begin_day(0.0, ends_at=86_400.0, used=0)
    bucket.correct(0.0, 399)
    bucket.spend(0.0)
    assert bucket.used == 400
    assert bucket.ready_at(1.0) == 86_400.0


def test_a_call_that_never_went_out_is_given_back() -> None:
    bucket = TokenBucket(4, 0.0)
    bucket.begin_day(0.0, ends_at=86_400.0, used=0)
    bucket.spend(0.0)
    assert bucket.ready_at(0.0) > 0.0
    bucket.correct(0.0, 0)
    assert bucket.ready_at(0.0) == 0.0


@given(st.lists(st.floats(0.0, 2.0), max_size=60))
def test_no_second_holds_more_than_two_calls(waits: list[float]) -> None:
    pace, now, sent = RateLimiter(), 0.0, []
    for wait in waits:
        now = pace.ready_at(now + wait)
        pace.sent(now)
        sent.append(now)
    assert all(third >= first + 1.0 for first, third in zip(sent, sent[2:], strict=False))


@given(
    budget=st.integers(1, 400),
    used=st.integers(0, 500),
    elapsed=st.floats(0.0, 86_399.0),
    steps=st.lists(st.tuples(st.floats(0.0, 5000.0), st.integers(0, 3)), max_size=60),
)
def test_the_budget_of_a_day_is_never_exceeded(
    budget: int, used: int, elapsed: float, steps: Sequence[tuple[float, int]]
) -> None:
    bucket = TokenBucket(budget, elapsed)
    bucket.begin_day(elapsed, ends_at=86_400.0, used=used)
    now, total = elapsed, used
    for wait, others in steps:
        now += wait
        if now >= 86_400.0:
            break
        total += others
        bucket.correct(now, total)
        if bucket.ready_at(now) <= now:
            bucket.spend(now)
            total += 1
            assert total <= budget


ERRORS = st.sampled_from(
    [
        Unreachable("u"),
        ServiceTrouble("s"),
        BadAnswer("b"),
        Throttled("t", retry_after_seconds=3.0),
        Throttled("t"),
        Refused("r"),
        CredentialsMissing("c"),
        BadRequest("q"),
        DailyLimit("d"),
    ]
)


@pytest.mark.parametrize("budget", [24, 100, 700])
def test_a_day_of_polling_stays_within_the_budget_and_lasts_until_its_end(budget: int) -> None:
    groups = {key(i): Group(BINDING, i % 3, "Prod", 1) for i in range(9)}
    made = Schedule(random.Random(3), budget=budget)
    made.limits.bucket(BINDING, 0.0).begin_day(0.0, ends_at=86_400.0, used=0)
    for each, group in groups.items():
        made.add(each, group=group)
    now, sent = 0.0, []
    while True:
        while (batch := made.take_due(now)) is not None:
            sent.append(now)
            answer(made, batch, groups, now)
        later = made.next_at(now)
        assert later is not None
        if later >= 86_400.0:
            break
        now = later
    assert 0.95 * budget <= len(sent) <= budget
    assert max(b - a for a, b in pairwise(sent)) < 2.0 * 3 * 86_400.0 / budget


class World:
    """A service and a person, to drive a schedule with and to hold it to its promises."""

    def __init__(self, seed: int, budget: int) -> None:
        self.made = Schedule(random.Random(seed), budget=budget)
        self.budget = budget
        self.rng = random.Random(seed + 1)
        self.now = 0.0
        self.known: dict[InstanceKey, float | None] = {}
        self.flying: list[Batch] = []
        self.sent: list[float] = []
        self.last: dict[InstanceKey, float] = {}
        self.excused: set[InstanceKey] = set()
        self.asked: set[InstanceKey] = set()
        self.unasked_today: dict[Target, int] = {}
        for target in (BINDING, OTHER):
            self.made.limits.bucket(target, 0.0).begin_day(0.0, ends_at=86_400.0, used=0)

    def add(self, number: int) -> None:
        each = key(number % 30, BINDING if number % 3 else OTHER)
        if each not in self.known:
            self.known[each] = 15.0
            self.made.add(each)
            self.last.pop(each, None)
            self.excused.add(each)

    def do(self, name: str, value: object) -> None:
        match name, value:
            case "add", int():
                self.add(value)
            case "land", int():
                self.land(value, None)
            case "fail", (int() as number, ServiceError() as error):
                self.land(number, error)
            case "pass" | "sleep", float():
                self.now += value
            case "next", None:
                self.now = self.made.next_at(self.now) or self.now
            case "pause", bool():
                self.made.is_paused = value
            case _, int() if self.known:
                self.touch(name, sorted(self.known)[value % len(self.known)], value)

    def touch(self, name: str, picked: InstanceKey, value: int) -> None:
        if name == "forget":
            self.made.forget(picked)
            del self.known[picked]
        elif name == "cadence":
            self.known[picked] = [2.0, 15.0, 60.0, 600.0, None][value % 5]
            self.made.set_cadence(picked, self.known[picked])
        else:
            self.made.request(picked, self.now, is_urgent=name == "urgent")
            self.asked.add(picked)

    def send(self) -> None:
        while True:
            waiting = self.by_hand()
            free_at = self.made.limits.rate.ready_at(self.now)
            later = min((max(at, free_at) for at, *_ in waiting), default=inf)
            assert self.made.next_at(self.now) == (None if later == inf else later)
            ready = [order for at, *order in waiting if max(at, free_at) <= self.now]
            batch = self.made.take_due(self.now)
            if batch is None:
                assert not ready
                return
            first = min(ready)[-1]
            # A List that places new ones may leave out one that an earlier List was sent for.
            assert batch.keys[0] == first or (batch.group and self.made.groups.is_new(first))
            self.check(batch)
            self.flying.append(batch)

    def by_hand(self) -> list[tuple[float, int, float, int, InstanceKey]]:
        """When each may be read, and what decides who goes first, found by looking at all of them."""
        made, found = self.made, []
        limits = {target: made.limits.limit(target, self.now) for target in made.targets}
        for each, state in made._states.items():
            limit, due_at = limits[each.target], state.due_at(limits[each.target].stretch)
            is_new = made.groups.is_new(each)
            is_blocked = is_new and not state.is_urgent and made.groups.must_wait(each.target)
            at = limit.allowed_at
            if not state.is_requested:
                at = inf if made.is_paused else max(at, due_at, limit.affordable_at)
                is_blocked |= not is_new and made.groups.group_of(each) in limit.groups
            if state.flight is None and not is_blocked:
                found.append((at, state.rank, due_at, state.number, each))
        return found

    def check(self, batch: Batch) -> None:
        flying = {k for other in self.flying for k in other.keys}
        assert batch.keys
        assert len(batch.keys) <= MAX_IDS
        assert len(set(batch.keys)) == len(batch.keys)
        assert flying.isdisjoint(batch.keys), "in flight twice"
        assert set(batch.keys) <= set(self.known), "a forgotten one came back"
        assert (batch.group is None) == (len(batch.keys) == 1)
        self.sent.append(self.now)
        assert len([t for t in self.sent if t > self.now - 1.0]) <= 2
        is_asked = not self.asked.isdisjoint(batch.keys)
        if not is_asked:
            spent = self.unasked_today[batch.target] = self.unasked_today.get(batch.target, 0) + 1
            assert spent <= self.budget
        if not is_asked and self.excused.isdisjoint(batch.keys):
            waited = max(self.now - self.last.get(k, -inf) for k in batch.keys)
            assert waited >= min(self.known[k] or inf for k in batch.keys)
        self.asked.difference_update(batch.keys)
        self.excused.difference_update(batch.keys)
        self.last.update(dict.fromkeys(batch.keys, self.now))

    def land(self, number: int, error: ServiceError | None) -> None:
        if not self.flying:
            return
        batch = self.flying.pop(number % len(self.flying))
        if error is not None:
            self.made.failed(batch, error, self.now)
            self.excused.update(batch.keys)
            return
        found = {
            k: Group(k.target, k.id % 2, "Prod", 1) for k in batch.keys if self.rng.random() < 0.9
        }
        if batch.group is not None:
            found = {k: g for k, g in found.items() if g == batch.group}
        self.excused.update(set(batch.keys) - set(found))
        # A group that is no longer asked by List lets its members fall out of step.
        self.made.succeeded(batch, found, self.now)


OPERATIONS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 90)),
    st.tuples(st.just("forget"), st.integers(0, 90)),
    st.tuples(st.just("ask"), st.integers(0, 90)),
    st.tuples(st.just("urgent"), st.integers(0, 90)),
    st.tuples(st.just("cadence"), st.integers(0, 90)),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("pass"), st.floats(0.0, 40.0)),
    st.tuples(st.just("sleep"), st.floats(1000.0, 20_000.0)),
    st.tuples(st.just("next"), st.none()),
    st.tuples(st.just("next"), st.none()),
    st.tuples(st.just("land"), st.integers(0, 9)),
    st.tuples(st.just("land"), st.integers(0, 9)),
    st.tuples(st.just("land"), st.integers(0, 9)),
    st.tuples(st.just("fail"), st.tuples(st.integers(0, 9), ERRORS)),
)


@tried(60, 5_000)
@given(
    seed=st.integers(0, 999),
    budget=st.sampled_from([5, 40, 3000]),
    numbers=st.lists(st.integers(0, 90), max_size=20),
    operations=st.lists(OPERATIONS, max_size=100),
)
def test_a_schedule_keeps_its_promises_whatever_happens(
    seed: int, budget: int, numbers: Sequence[int], operations: Sequence[tuple[str, object]]
) -> None:
    world = World(seed, budget)
    for number in numbers:
        world.add(number)
    for name, value in operations:
        if world.now < 80_000.0:
            world.do(name, value)
            world.send()
