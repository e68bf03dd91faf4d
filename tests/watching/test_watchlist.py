import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bench import scratch
from engine_rig import Rig, becomes, watching
from fakes import BINDING, START, instance, key, ms
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.clock import Moment
from wfinspect.errors import ServiceError, ServiceTrouble, Unreachable
from wfinspect.model import WorkflowInstance
from wfinspect.watching.api import Row, Trouble
from wfinspect.watching.cadence import SAVED_AFTER_SECONDS
from wfinspect.watching.watchlist import News, Observation, Watchlist

FINISHED = ms(START + timedelta(seconds=20))


def moment(seconds: float) -> Moment:
    return Moment(seconds, START + timedelta(seconds=seconds))


class Readings:
    """A watchlist that is fed readings of one instance, ten seconds apart."""

    def __init__(self) -> None:
        self.list = Watchlist()
        self.list.watch([key(1)], START)
        self.seconds = 0.0

    @property
    def row(self) -> Row:
        return self.list.rows[key(1)]

    def read(self, reading: WorkflowInstance, seconds: float = 10.0) -> Observation:
        self.seconds += seconds
        return self.list.observe(key(1), reading, moment(self.seconds))

    def miss(self, seconds: float = 10.0) -> bool:
        self.seconds += seconds
        return self.list.missed(key(1), Trouble("not found", "no such", None), self.seconds)


def modified(status: str, seconds: float, **fields: object) -> WorkflowInstance:
    return instance(1, status, modify_time=ms(START + timedelta(seconds=seconds)), **fields)


def test_the_first_reading_is_no_news() -> None:
    readings = Readings()
    assert readings.read(instance(1, "Failure")) == Observation(News.FIRST)
    assert not readings.row.is_unseen


def test_a_changed_status_is_news_between_two_readings() -> None:
    readings = Readings()
    readings.read(modified("WaitTime", 0))
    change = readings.read(modified("WaitResource", 5)).transition
    assert change is not None
    assert (change.from_status, change.to_status) == ("WaitTime", "WaitResource")
    assert change.seen_after == START + timedelta(seconds=10)
    assert change.at == change.seen_by == START + timedelta(seconds=20)
    assert not change.is_service_time
    assert readings.row.is_unseen
    assert readings.row.last_change == change


@pytest.mark.parametrize(
    ("to_status", "field"), [("Failure", "finished_time"), ("Running", "started_time")]
)
def test_the_services_own_time_is_used_where_it_falls_between_the_readings(
    to_status: str, field: str
) -> None:
    readings = Readings()
    readings.read(modified("WaitResource", 0))
    change = readings.read(modified(to_status, 15, **{field: ms(START) + 15_000})).transition
    assert change is not None
    assert change.is_service_time
    assert change.at == START + timedelta(seconds=15)


@pytest.mark.parametrize("finished", [0, 5_000, 25_000, 2**80])
def test_a_service_time_outside_the_readings_is_not_believed(finished: int) -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    change = readings.read(modified("Success", 15, finished_time=ms(START) + finished)).transition
    assert change is not None
    assert not change.is_service_time
    assert change.at == change.seen_by


def test_an_answer_older_than_what_is_held_changes_nothing() -> None:
    readings = Readings()
    readings.read(modified("Success", 30))
    read_at = readings.row.read_at
    assert readings.read(modified("Running", 20)) == Observation(News.STALE)
    assert readings.row.instance == modified("Success", 30)
    assert readings.row.read_at == read_at


def test_a_server_that_goes_back_for_a_minute_is_believed_and_said() -> None:
    readings = Readings()
    readings.read(modified("Success", 30))
    kinds = [readings.read(modified("Running", 20), 25.0).news for _ in range(4)]
    assert kinds == [News.STALE, News.STALE, News.STALE, News.WENT_BACK]
    assert readings.row.is_unseen
    assert readings.row.family == instance(1, "Running").family


def test_a_good_answer_between_stale_ones_begins_the_count_anew() -> None:
    readings = Readings()
    readings.read(modified("Success", 30))
    for _ in range(10):
        assert readings.read(modified("Running", 20), 25.0).news is News.STALE
        assert readings.read(modified("Success", 30), 25.0).news is News.SAME


def test_equal_modify_times_with_another_status_are_a_change() -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    assert readings.read(modified("Checking", 0)).news is News.CHANGED


def test_without_modify_times_the_order_of_the_answers_decides() -> None:
    readings = Readings()
    readings.read(instance(1, "Running", modify_time=None))
    assert readings.read(instance(1, "Success", modify_time=ms(START))).news is News.CHANGED
    assert readings.read(instance(1, "Running", modify_time=None)).news is News.CHANGED


def test_a_settled_run_that_runs_again_is_a_rerun() -> None:
    readings = Readings()
    readings.read(modified("Failure", 0, started_time=1, finished_time=2))
    change = readings.read(modified("Running", 5, started_time=3)).transition
    assert change is not None
    assert change.is_rerun


def test_the_same_result_with_other_times_is_a_rerun_nobody_saw() -> None:
    readings = Readings()
    readings.read(modified("Success", 0, started_time=1, finished_time=FINISHED - 20_000))
    change = readings.read(
        modified("Success", 5, started_time=3, finished_time=FINISHED)
    ).transition
    assert change is not None
    assert change.is_rerun
    assert (change.from_status, change.to_status) == ("Success", "Success")
    assert change.is_service_time


def test_a_finish_time_filled_in_later_is_no_rerun() -> None:
    readings = Readings()
    readings.read(modified("Success", 0, started_time=1))
    assert readings.read(modified("Success", 5, started_time=1, finished_time=9)).news is News.SAME


@pytest.mark.parametrize("field", ["create_time", "workflow_id", "biz_date"])
def test_an_id_given_to_another_instance_is_replaced_and_no_transition(field: str) -> None:
    readings = Readings()
    readings.read(modified("Success", 90, **{field: 5}))
    assert readings.read(modified("Running", 0, **{field: 6})) == Observation(News.REPLACED)
    assert readings.row.family == instance(1, "Running").family
    assert readings.row.is_unseen
    assert readings.row.last_change is None


def test_an_unknown_status_is_taken_as_it_came() -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    change = readings.read(modified("Hibernating", 5)).transition
    assert change is not None
    assert change.to_status == "Hibernating"


def test_three_times_not_found_over_a_minute_is_gone_and_keeps_what_was_known() -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    assert [readings.miss(31.0) for _ in range(4)] == [False, False, True, False]
    assert readings.row.is_gone
    assert readings.row.is_unseen
    assert readings.row.instance == modified("Running", 0)


def test_three_times_not_found_within_a_minute_is_not_gone_yet() -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    assert not any(readings.miss(10.0) for _ in range(6))


def test_not_found_counts_only_in_a_row() -> None:
    readings = Readings()
    for _ in range(5):
        readings.read(modified("Running", 0))
        assert not readings.miss(40.0)
        assert not readings.miss(40.0)


def test_nothing_is_gone_while_no_other_instance_is_found() -> None:
    readings = Readings()
    readings.list.watch([key(2)], START)
    readings.list.observe(key(2), instance(2), moment(0.0))
    readings.read(modified("Running", 0))
    assert not any(readings.miss(40.0) for _ in range(5))
    readings.list.observe(key(2), instance(2), moment(readings.seconds))
    assert readings.miss(40.0)


def test_an_instance_never_seen_is_gone_only_where_it_is_watched() -> None:
    watched, looked_up = Readings(), Readings()
    looked_up.list.unwatch([key(1)])
    # Nothing is lost where it turns out that the service knew none for a while.
    watched.list.watch([key(2)], START)
    assert [watched.miss(31.0) for _ in range(4)] == [False, False, True, False]
    assert not any(looked_up.miss(60.0) for _ in range(5))


def test_what_is_found_again_is_no_longer_gone() -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    for _ in range(3):
        readings.miss(31.0)
    readings.read(modified("Running", 0))
    assert not readings.row.is_gone
    assert readings.list.states[key(1)].fault is None


def test_what_is_only_on_display_is_never_unseen() -> None:
    readings = Readings()
    readings.list.unwatch([key(1)])
    readings.read(modified("Running", 0))
    readings.read(modified("Failure", 5))
    assert not readings.row.is_unseen


def test_marks_are_cleared_for_some_and_for_all() -> None:
    watched = Watchlist()
    for number in (1, 2, 3):
        watched.watch([key(number)], START)
        watched.rows[key(number)] = watched.rows[key(number)]._replace(is_unseen=True)
    assert watched.mark_seen([key(1), key(9)]) == [key(1)]
    assert watched.mark_seen(None) == [key(2), key(3)]
    assert watched.mark_seen(None) == []


def undone(watched: Watchlist) -> list[int]:
    edit = watched.undo(())
    return [key.id for key in edit.rows] if edit else []


def test_removed_rows_come_back_where_they_stood() -> None:
    watched = Watchlist()
    for number in (1, 2, 3, 4, 5):
        watched.watch([key(number)], START)
    for number in (5, 4):
        watched.unwatch([key(number)])
    watched.watch([key(4)], START)
    assert watched.unwatch([key(2), key(3), key(9)]) == [key(2), key(3)]
    for number in (2, 3):
        watched.forget(key(number))
    assert [row.key.id for row in watched.watched()] == [1, 4]
    # Before that one was removed that is watched again by now, and before that another.
    assert undone(watched) == [2, 3]
    assert [row.key.id for row in watched.watched()] == [1, 2, 3, 4]
    assert undone(watched) == [5]
    assert undone(watched) == []


def test_what_was_added_and_removed_is_undone_in_its_order() -> None:
    watched = Watchlist()
    watched.watch([key(1)], START)
    watched.unwatch([key(1)])
    watched.note_edit(watched.watch([key(1), key(2)], START), is_addition=True)
    watched.note_edit(
        watched.watch([key(2)], START), is_addition=True
    )  # on the list already: no edit
    watched.note_edit(watched.watch([key(3)], START), is_addition=True)
    watched.drop(key(3))  # by another process
    assert undone(watched) == [1, 2]
    assert watched.watched() == []
    assert undone(watched) == [1]
    assert [row.key.id for row in watched.watched()] == [1]
    assert undone(watched) == []


def test_notes_and_marks_are_undone_among_what_was_added_and_removed() -> None:
    watched = Watchlist()
    watched.watch([key(1), key(2)], START)
    for number in (1, 2):
        watched.put(watched.rows[key(number)]._replace(is_unseen=True))
    watched.mark_seen([key(1)])  # by looking at it: no edit
    watched.mark_seen(None, is_undoable=True)
    watched.note_edit([key(1)], field="note")
    watched.put(watched.rows[key(1)]._replace(note="call Li"))
    watched.unwatch([key(1)])
    watched.forget(key(1))
    assert undone(watched) == [1]
    assert watched.rows[key(1)].note == "call Li"
    assert undone(watched) == [1]
    assert watched.rows[key(1)].note == ""
    assert undone(watched) == [2]
    assert [watched.rows[key(n)].is_unseen for n in (1, 2)] == [False, True]
    assert undone(watched) == []


def test_a_row_that_was_read_after_it_was_removed_comes_back_as_it_was_read_last() -> None:
    readings = Readings()
    readings.read(modified("Running", 0))
    readings.list.unwatch([key(1)])
    readings.read(modified("Success", 15))  # it is on display still
    readings.list.forget(key(1))
    assert undone(readings.list) == [1]
    assert readings.row.instance == modified("Success", 15)
    assert readings.list.states[key(1)].read_at == readings.seconds


def test_a_row_is_watched_once() -> None:
    watched = Watchlist()
    assert watched.watch([key(2), key(1), key(2)], START) == [key(2), key(1)]
    assert watched.watch([key(1), key(3)], START) == [key(3)]
    assert [row.key.id for row in watched.watched()] == [2, 1, 3]


@pytest.mark.parametrize(
    ("hours", "status", "expected"),
    [(23.9, "Success", False), (24.0, "Success", True), (99.0, "Running", False)],
)
def test_a_run_is_final_once_it_was_read_a_day_after_its_end(
    hours: float, status: str, expected: bool
) -> None:
    read_at = START + timedelta(hours=hours)
    row = Row(key(1), instance(1, status, finished_time=ms(START)), read_at)
    assert row.is_final is expected


def since_epoch(milliseconds: int) -> Moment:
    return Moment(milliseconds / 1000, datetime.fromtimestamp(milliseconds / 1000, UTC))


class Server:
    """Runs that succeed, fail and are rerun, read through a replica that lags at times."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.history = [self._state("Running", 0, started=0, finished=None)]
        self.runs: list[tuple[int, str]] = []

    def _state(
        self, status: str, at: int, *, started: int, finished: int | None
    ) -> tuple[int, WorkflowInstance]:
        return at, instance(
            1,
            status,
            modify_time=1_000_000 + at,
            started_time=1_000_000 + started,
            finished_time=None if finished is None else 1_000_000 + finished,
        )

    def advance(self, at: int) -> None:
        """Let the run end, or begin anew, at a time in milliseconds."""
        last = self.history[-1][1]
        if last.is_settled:
            self.history.append(self._state("Running", at, started=at, finished=None))
        else:
            status = self.rng.choice(["Success", "Failure"])
            started = (last.started_time or 0) - 1_000_000
            self.history.append(self._state(status, at, started=started, finished=at))
            self.runs.append((at, status))

    def read(self, at: int, lag: int) -> WorkflowInstance:
        return next(state for since, state in reversed(self.history) if since <= max(0, at - lag))


@tried(60, 5_000)
@given(
    seed=st.integers(0, 10_000),
    steps=st.lists(
        st.tuples(st.booleans(), st.sampled_from([0, 0, 0, 7_000, 20_000])), max_size=80
    ),
)
def test_every_end_of_a_run_that_stays_visible_is_told_once_and_nothing_is_invented(
    seed: int, steps: list[tuple[bool, int]]
) -> None:
    server, watched = Server(seed), Watchlist()
    watched.watch([key(1)], START)
    told, now, stays = [], 0, 99
    watched.observe(key(1), server.read(0, 0), since_epoch(0))
    for wants_change, lag in steps:
        # A state stays for longer than the replica lags and two polls, as the promise says.
        if wants_change and stays > 6:
            server.advance(now + 1)
            stays = 0
        stays += 1
        now += 5_000
        seen = watched.observe(key(1), server.read(now, lag), since_epoch(now))
        if seen.transition is not None and seen.transition.family.is_settled:
            told.append((seen.transition.to_status, watched.rows[key(1)].instance))
    for _ in range(3):
        now += 25_000
        seen = watched.observe(key(1), server.read(now, 0), since_epoch(now))
        if seen.transition is not None and seen.transition.family.is_settled:
            told.append((seen.transition.to_status, watched.rows[key(1)].instance))
    finished = [(reading.finished_time - 1_000_000, status) for status, reading in told if reading]
    assert finished == server.runs


def test_another_target_is_another_row() -> None:
    watched = Watchlist()
    other = key(1, type(BINDING)("other", BINDING.region, BINDING.endpoint))
    assert watched.watch([key(1), other], START) == [key(1), other]


# Outages, suspends and kill -9 of any length: what changed meanwhile is told once, with its gap.


INTERVAL, PROBE, NAP = 16.5, 20.0, 5.0
"""The longest between two calls while all is well, while the service is down; between two looks."""
FRESH = 46.25
"""Seconds for which a reading counts as the present at this interval."""
SOON = 2.0
"""Seconds within which the first good answer is shown."""
PLENTY = 1_000_000
WORDS = ("Failure", "Running", "Success", "Checking")


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with scratch() as directory:
        yield directory / "state"


@pytest.mark.parametrize("absence", ["outage", "trouble", "suspend", "kill"])
@pytest.mark.parametrize("count", [3, pytest.param(50, marks=pytest.mark.battery)])
async def test_what_changed_in_an_absence_is_told_once_with_its_gap(
    absence: str, count: int, state_dir: Path
) -> None:
    rng, rig = random.Random(count), Rig(state_dir, budget=PLENTY)
    await watching(rig, 1, 2)
    for number in range(count):
        seconds = 10.0 * 2160.0 ** rng.random()
        changes_after = rng.uniform(0.0, seconds)
        known = rig.snapshot.transitions
        left_at = rig.clock.now()
        if absence == "kill":  # nothing is closed
            rig = restarted(rig, state_dir)
        error = {"outage": Unreachable("no route"), "trouble": ServiceTrouble("busy")}.get(absence)
        await away(rig, changes_after, error)
        becomes(rig, 1, WORDS[number % len(WORDS)])
        await away(rig, seconds - changes_after, error)

        back_at, back = rig.clock.now(), rig.clock.monotonic()
        waited = 0.0
        while rig.snapshot.transitions == known:
            assert waited <= (PROBE if error else INTERVAL) + NAP
            await rig.run(0.5)
            waited += 0.5
        first_answer = next(at for at in rig.source.call_times if at >= back)
        assert rig.clock.monotonic() - first_answer <= SOON
        await rig.run(2 * INTERVAL)

        change, *earlier = rig.snapshot.transitions
        assert tuple(earlier) == known[:199]
        assert change.to_status == WORDS[number % len(WORDS)]
        # What killed it may not have saved the times of its latest readings.
        unsaved = SAVED_AFTER_SECONDS if absence == "kill" else 0.0
        assert left_at - timedelta(seconds=INTERVAL + unsaved) <= change.seen_after <= left_at
        assert back_at <= change.seen_by <= back_at + timedelta(seconds=waited)
        assert rig.row().is_unseen
        assert all(row.is_live for row in rig.snapshot.rows)
        rig.engine.mark_seen([key(1)])
        await rig.run(120.0 * rng.random())
    await rig.engine.aclose()


def restarted(rig: Rig, state_dir: Path) -> Rig:
    again = Rig(state_dir, rig.clock, PLENTY)
    again.source.held = rig.source.held
    return again


async def away(rig: Rig, seconds: float, error: ServiceError | None) -> None:
    """Let time pass without contact; without an error, without a step of the program."""
    if error is None:
        rig.clock.advance(seconds)
        return
    rig.source.error = error
    end = rig.clock.monotonic() + seconds
    while rig.clock.monotonic() < end:
        await rig.run(min(60.0, end - rig.clock.monotonic()))
        running = rig.row(2)
        assert running.read_at is not None
        age = (rig.clock.now() - running.read_at).total_seconds()
        assert running.is_live is (age < FRESH)
    rig.source.error = None
