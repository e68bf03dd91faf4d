import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes import START, instance, ms
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.lateness import MIN_RUNS, Run, compare, last_success
from wfinspect.model import InstanceId, WorkflowInstance

DAY = timedelta(days=1)


def runs(*minutes: float, status: str = "Success", begins: float = 60.0) -> list[Run]:
    """A run a day before today's, each begun the same while after its business date."""
    made = []
    for number, took in enumerate(minutes, 1):
        date = START - number * DAY - timedelta(minutes=begins)
        started = date + timedelta(minutes=begins)
        finished = started + timedelta(minutes=took)
        made.append(Run(InstanceId(number), ms(date), status, ms(started), ms(finished)))
    return made


def running(minutes: float) -> WorkflowInstance:
    return instance(99, started_time=ms(START - timedelta(minutes=minutes)))


def test_a_run_beyond_the_usual_range_is_late_by_what_is_beyond() -> None:
    found = compare(running(41), runs(18, 22, 20, 20, 19, 21, 20))

    assert found.sentence(START) == "running 41m, usually 17m to 23m: late by 18m"
    assert found.late_at == START - timedelta(minutes=41 - 23)
    assert found.expected_at == START - timedelta(minutes=21)


def test_a_run_within_the_usual_range_is_not_late() -> None:
    found = compare(running(20.5), runs(20, 18, 22, 20))

    assert not found.is_late(START)
    assert found.expected_at == START - timedelta(minutes=0.5)
    assert "late" not in found.sentence(START)


def test_what_is_not_late_yet_will_be_unless_it_ends() -> None:
    found = compare(running(20), runs(20, 20, 20, 20))

    assert found.sentence(START + timedelta(minutes=4)) == (
        "running 24m, usually 19m to 21m: late by 3m"
    )


def test_one_odd_run_does_not_widen_the_range() -> None:
    found = compare(running(30), runs(20, 20, 20, 20, 20, 300))

    assert found.usual is not None
    assert found.usual.high == 21 * 60
    assert found.is_late(START)


@pytest.mark.parametrize("status", ["Failure", "Running", "NotRun"])
def test_runs_that_did_not_succeed_do_not_count(status: str) -> None:
    found = compare(running(41), [*runs(20, 20, 20), *runs(5, 5, 5, status=status)])

    assert (found.usual, found.late_at) == (None, None)
    assert found.sentence(START) == "3 of 4 runs of earlier dates known, too few to compare with"


def test_a_run_is_not_compared_with_itself_nor_with_others_of_its_date() -> None:
    one = replace(running(1), biz_date=1)
    same = [Run(InstanceId(n), 1, "Success", 1, 2) for n in (98, 99)]

    assert compare(one, [*runs(20, 20, 20), *same]).usual is None


@pytest.mark.parametrize(
    ("others", "found"),
    [
        (((1, 4, "Success"), (2, 1, "Success")), 1),
        (((2, 1, "Success"), (2, 4, "Success"), (2, 4, "Failure")), 1),
        (((1, 4, "Success"), (2, 6, "Success")), 0),
        (((1, 4, "Success"), (2, None, "Success"), (2, 6, "Success")), 0),
        (((2, 6, "Success"), (2, 1, "Failure")), None),
    ],
)
def test_the_last_success_is_of_the_runs_before_it(
    others: tuple[tuple[int, int | None, str], ...], found: int | None
) -> None:
    one = instance(99, "Failure", biz_date=2, started_time=5)
    made = [Run(InstanceId(n), date, status, at, 9) for n, (date, at, status) in enumerate(others)]

    assert last_success(made, one) == (None if found is None else made[found])


def test_a_finished_run_says_by_how_much_it_was_longer() -> None:
    done = instance(99, "Success", started_time=ms(START), finished_time=ms(START + DAY / 24))

    found = compare(done, runs(20, 20, 20, 20))

    assert found.sentence(START) == "took 1h00m, usually 19m to 21m: 39m00s beyond usual"
    assert found.expected_at is None


def test_a_failed_run_says_when_it_failed_beside_how_long_others_took() -> None:
    failed = instance(99, "Failure", started_time=ms(START), finished_time=ms(START) + 60_000)

    found = compare(failed, runs(20, 20, 20, 20))

    assert found.sentence(START) == "failed after 1m00s, usually 19m to 21m"


def test_one_that_has_not_started_is_compared_by_when_others_were_done() -> None:
    begin = START - timedelta(minutes=120)
    waiting = instance(99, "WaitResource", biz_date=ms(begin))

    found = compare(waiting, runs(20, 20, 20, 20))

    assert found.expected_at == begin + timedelta(minutes=80)
    assert found.sentence(START) == "not started, usually takes 19m to 21m: late by 36m"


def test_short_runs_are_compared_in_whole_minutes() -> None:
    found = compare(running(2), runs(0.5, 0.5, 0.5, 0.5))

    assert found.sentence(START) == "running 2m, usually up to 1m: late by 1m"


def seconds_of(text: str) -> int:
    """A span as a reader takes it."""
    sizes = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
    found = re.findall(r"([0-9]+)([dhms])", text.replace("<1m", "0m"))
    return sum(int(count) * sizes[unit] for count, unit in found)


@given(
    st.lists(st.floats(0, 4_000), min_size=4, max_size=9),
    st.floats(0, 5_000),
    st.sampled_from(["Running", "Success", "Failure"]),
)
def test_what_is_shown_adds_up(minutes: list[float], took: float, status: str) -> None:
    begun = START - timedelta(minutes=took)
    one = instance(99, status, started_time=ms(begun), finished_time=ms(START))

    said = compare(one, runs(*minutes)).sentence(START)

    if found := re.search(r"(\S+), usually (?:\S+ to|up to) (\S+): (?:late by )?(\S+)", said):
        ran, high, more = map(seconds_of, found.groups())
        assert ran - high == more


@pytest.mark.parametrize("finished", [10**13, 2**63 - 1])
def test_runs_of_thousands_of_years_foretell_nothing(finished: int) -> None:
    ever = [Run(InstanceId(n), n, "Success", 1, finished) for n in range(1, 9)]
    late = instance(99, started_time=ms(datetime(9990, 1, 1, tzinfo=UTC)))

    assert compare(late, ever).late_at is None
    waiting = instance(99, "WaitTime", biz_date=late.started_time)
    assert compare(waiting, ever).expected_at is None


def test_several_runs_a_day_say_nothing_about_when_a_waiting_one_is_done() -> None:
    hourly = [Run(InstanceId(n), 1, "Success", 1, 60_000) for n in range(1, 9)]

    found = compare(instance(99, "WaitTime"), hourly)

    assert found.expected_at is None
    assert not found.is_late(START)


@given(
    st.lists(st.floats(0, 10_000), max_size=12),
    st.floats(0, 10_000),
    st.sampled_from(["Running", "WaitTime", "Success", "Failure", "New"]),
)
def test_whatever_the_runs_a_claim_needs_enough_of_them(
    minutes: list[float], elapsed: float, status: str
) -> None:
    begun = ms(START - timedelta(minutes=elapsed))
    found = compare(instance(99, status, started_time=begun), runs(*minutes))

    assert found.is_late(START) <= (len(minutes) >= MIN_RUNS)
    assert found.usual is None or found.usual.low <= found.usual.median <= found.usual.high
