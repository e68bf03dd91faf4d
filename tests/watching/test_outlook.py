import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import hypothesis.strategies as st
import pytest
from engine_rig import Asker, FakeMessenger, becomes, dates
from fakes import START, FakeClock, instance, key, ms
from hypothesis import Phase, given, settings

from wfinspect.clock import Moment
from wfinspect.errors import Refused, Unreachable
from wfinspect.lateness import Deadline
from wfinspect.model import (
    FOREMOST,
    Follow,
    InstanceKey,
    Progress,
    Query,
    TaskInstance,
    WorkflowInstance,
)
from wfinspect.settings import NotifyRule
from wfinspect.watching.api import Outlook, Row, TasksOf
from wfinspect.watching.lookups import DATES, ENOUGH_RUNS
from wfinspect.watching.notifications import Alerts
from wfinspect.watching.outlook import OutlookTracker, judged_rows, missed
from wfinspect.watching.store import Store

MINUTE = 60_000


class Watched(Asker):
    """A rig with a workflow that takes twenty minutes, and everything that is told."""

    def __init__(self, state_dir: Path, clock: FakeClock | None = None) -> None:
        self.messenger = FakeMessenger()
        alerts = Alerts(NotifyRule.LATE, messenger=self.messenger)  # type: ignore[arg-type]
        super().__init__(state_dir, clock, alerts=alerts)
        self.source.pages = ((task(1, "Success"), task(2, "Running"), task(3, "NotRun")),)
        self.source.past = {
            date: (run(100 + n, date, 20 + n % 2),) for n, date in enumerate(dates())
        }

    async def open(self, number: int = 1, minutes: float = 5, **fields: object) -> None:
        """Put an instance on display that has run for a while."""
        self.source.hold(running(number, minutes, **fields))
        self.engine.display(key(number))
        await self.run(0.4)

    async def watch(self, *minutes: float) -> None:
        """Watch instances that have run for a while, numbered from 1; each of its own workflow."""
        for number, each in enumerate(minutes, 1):
            self.source.hold(running(number, each, workflow_id=number + 1))
        self.engine.watch([key(n + 1) for n in range(len(minutes))])
        await self.run(2.0)

    @property
    def told(self) -> list[str]:
        return [message.text for message in self.messenger.sent]

    def outlook(self, number: int = 1) -> Outlook:
        return self.row(number).outlook

    @property
    def wait(self) -> str:
        return self.snapshot.health.tasks_wait

    @property
    def counts(self) -> tuple[int, int]:
        """Calls for tasks, and for earlier runs."""
        return len(self.called("tasks")), len(self.called("find"))


def task(number: int, status: str) -> TaskInstance:
    return TaskInstance(number, status=status)


def run(number: int, date: int, minutes: float) -> WorkflowInstance:
    begun = date + 24 * 60 * MINUTE
    ended = begun + round(minutes * MINUTE)
    return instance(number, "Success", biz_date=date, started_time=begun, finished_time=ended)


def running(number: int, minutes: float, **fields: object) -> WorkflowInstance:
    started = ms(START - timedelta(minutes=minutes))
    return instance(number, **{"workflow_id": 5, "started_time": started} | fields)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path / "state")
    yield made
    await made.engine.aclose()


async def test_an_instance_opened_tells_how_far_it_is_and_what_is_usual(rig: Watched) -> None:
    await rig.open()
    assert rig.outlook() == Outlook()
    await rig.run(8.0)

    outlook = rig.outlook()
    assert (outlook.progress, outlook.is_progress_live) == (Progress(1, 0, 1, 3), True)
    assert [task.status for task in outlook.foremost] == ["Running", "NotRun", "Success"]
    assert outlook.lateness is not None
    assert outlook.lateness.sentence(rig.clock.now()) == "running 5m, usually 19m to 21m"
    assert outlook.lateness.expected_at == START + timedelta(minutes=15)
    assert not outlook.is_late
    assert rig.counts == (1, ENOUGH_RUNS)


async def test_leafing_through_a_list_asks_for_nothing(rig: Watched) -> None:
    for number in range(1, 6):
        await rig.open(number)

    assert rig.counts == (0, 0)


async def test_tasks_are_read_each_minute_while_it_runs_and_somebody_is_there(rig: Watched) -> None:
    await rig.open()
    await rig.run(240.0)
    assert rig.counts == (4, ENOUGH_RUNS)
    await rig.run(3600.0)
    assert rig.counts[0] <= 6
    rig.engine.touch()
    await rig.run(30.0)
    assert rig.counts[0] <= 7


@pytest.mark.parametrize(("interval", "readings"), [(5.0, 3), (15.0, 1), (300.0, 1)])
async def test_who_polls_more_often_reads_the_tasks_more_often(
    rig: Watched, interval: float, readings: int
) -> None:
    rig.engine._schedule.interval_seconds = interval
    await rig.open()
    await rig.run(55.0)

    assert rig.counts[0] == readings


@pytest.mark.parametrize(("interval", "lasts"), [(15.0, 80.0), (5.0, 20.0)])
async def test_progress_grows_old_when_nobody_is_there_and_is_shown_so(
    rig: Watched, interval: float, lasts: float
) -> None:
    rig.engine._schedule.interval_seconds = interval
    await rig.watch(5)
    await rig.open()
    await rig.run(5.0)
    rig.engine.display(None)
    await rig.run(lasts)
    assert rig.outlook().is_progress_live
    rig.drawn = 0
    await rig.run(20.0)

    assert rig.outlook().progress == Progress(1, 0, 1, 3)
    assert not rig.outlook().is_progress_live
    assert rig.drawn
    assert rig.counts[0] == 1


async def test_the_progress_of_a_settled_run_is_read_once_and_stays(rig: Watched) -> None:
    rig.source.pages = ((task(1, "Success"),),)
    await rig.open(status="Success", finished_time=ms(START), modify_time=ms(START))
    await rig.run(3600.0)
    rig.engine.display(None)
    await rig.open(status="Success", finished_time=ms(START), modify_time=ms(START))
    await rig.run(60.0)

    assert rig.outlook().progress == Progress(1, 0, 0, 1)
    assert rig.outlook().is_progress_live
    assert rig.counts == (1, 0)


async def test_of_many_tasks_only_the_foremost_are_kept(rig: Watched) -> None:
    rig.source.pages = ((*(task(n, "Success") for n in range(1, 40)), task(40, "Failure")),)
    await rig.open()
    await rig.run(8.0)

    assert rig.outlook().progress == Progress(39, 1, 0, 40)
    assert len(rig.outlook().foremost) == FOREMOST
    assert rig.outlook().foremost[0].status == "Failure"


async def test_a_state_that_changes_has_the_tasks_read_again(rig: Watched) -> None:
    await rig.open()
    await rig.run(10.0)
    rig.source.pages = ((task(1, "Success"), task(2, "Failure")),)
    rig.source.hold(running(1, 5, status="Failure", modify_time=ms(rig.clock.now())))
    await rig.run(6.0)

    assert rig.outlook().progress == Progress(1, 1, 0, 2)
    assert rig.counts[0] == 2
    # What had failed is not told of the tasks once they run again; of the next rerun it is not known.
    rig.source.pages = ((task(1, "Success"), task(2, "Running")),)
    for status, failed in (("Running", [2]), ("Failure", []), ("Running", [])):
        rig.source.hold(running(1, 5, status=status, modify_time=ms(rig.clock.now())))
        await rig.run(600.0)
        assert [each.id for each in rig.row().failed_before] == failed


async def failed(rig: Watched, *numbers: int, **fields: object) -> None:
    """Have watched instances fail, the last one last."""
    for number in numbers:
        ended = ms(rig.clock.now()) - (max(numbers) - number)
        over = {"workflow_id": number + 1, "finished_time": ended, "modify_time": ended}
        rig.source.hold(running(number, 5, status="Failure", **over | fields))
    await rig.run(20.0)


async def test_which_tasks_failed_is_read_once_and_recorded(rig: Watched, tmp_path: Path) -> None:
    rig.source.past = {}
    rig.source.pages = ((task(1, "Success"), *(task(n, "Failure") for n in range(2, 12))),)
    await rig.watch(5, 5)
    await failed(rig, 1)
    # As the bell does, and without a key.
    assert len(rig.told) == 1
    assert rig.outlook().progress == Progress(1, 10, 0, 11)
    assert [each.id for each in rig.row().failed] == [2, 3, 4, 5, 6, 7]
    await rig.run(4000.0)
    assert rig.called("tasks") == [(1, 1)]

    # Another process, and this one after a restart, has it from the store.
    again = Watched(tmp_path / "state", rig.clock)
    again.source.hold(*rig.source.held.values())
    await again.run(120.0)
    assert [each.id for each in again.row().failed] == [2, 3, 4, 5, 6, 7]
    rig.source.hold(running(1, 0, workflow_id=2, modify_time=ms(rig.clock.now())))
    rig.source.pages = ((task(1, "Running"),),)
    await rig.run(700.0)
    await again.run(5.0)
    for each in (rig, again):
        assert [t.id for t in each.row().failed_before] == [2, 3, 4, 5, 6, 7]
    assert again.told == []
    await again.engine.aclose()
    assert again.counts[0] == 0


async def test_of_two_processes_one_reads_which_tasks_failed(rig: Watched, tmp_path: Path) -> None:
    rig.source.pages = ((task(1, "Failure"),),)
    await rig.watch(5, 5)
    other = Watched(tmp_path / "state", rig.clock)
    other.source.hold(*rig.source.held.values())
    other.source.pages = rig.source.pages
    await other.run(20.0)
    becomes(rig, 1, "Failure", workflow_id=2)
    other.source.hold(*rig.source.held.values())
    for _ in range(60):
        await rig.run(1.0)
        await other.run(1.0)

    assert rig.counts[0] + other.counts[0] == 1
    for each in (rig, other):
        assert [t.id for t in each.row().failed] == [1]
    await other.engine.aclose()


async def test_a_failure_that_another_process_explains_is_read_where_it_is_looked_at(
    rig: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = list[InstanceKey]()
    monkeypatch.setattr(OutlookTracker, "_claim", lambda _, key, __: claims.append(key))
    rig.source.pages = ((task(1, "Failure"),),)
    await rig.watch(5)
    await failed(rig, 1)
    await rig.run(60.0)
    assert (claims, rig.counts[0]) == ([key(1)], 0)
    rig.engine.display(key(1))
    await rig.run(5.0)

    assert rig.outlook().progress == Progress(0, 1, 0, 1)


async def test_a_failure_that_is_no_change_is_read_too_unless_it_is_final(rig: Watched) -> None:
    rig.source.pages = ((task(1, "Failure"),),)
    for number, hours in ((1, 1), (2, 25)):
        ended = ms(START - timedelta(hours=hours))
        rig.source.hold(instance(number, "Failure", finished_time=ended, modify_time=ended))
    rig.engine.watch([key(1), key(2)])
    await rig.run(60.0)
    assert rig.called("tasks") == [(1, 1)]

    # It is recorded with the rerun.
    rig.source.pages = ((task(1, "Running"),),)
    rig.source.hold(running(1, 0, modify_time=ms(rig.clock.now())))
    await rig.run(700.0)
    assert [each.id for each in rig.row().failed_before] == [1]
    change = rig.row().last_change
    assert change is not None
    assert [each.id for each in change.failed] == [1]


async def test_a_storm_of_failures_is_read_slowly_and_the_latest_first(rig: Watched) -> None:
    rig.source.past = {}
    rig.source.pages = ((task(1, "Failure"),),)
    numbers = range(1, 101)
    await rig.watch(*[5] * len(numbers))
    await failed(rig, *numbers)
    await rig.run(1_200.0)
    read = [number for number, _ in rig.called("tasks")]
    assert read == sorted(read, reverse=True)
    assert read[0] == numbers[-1]
    assert 60 <= len(read) <= 60 + 1_200 / 30


async def test_which_tasks_failed_is_read_once_it_is_cheap_and_answered(
    rig: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        refused.append(rig.clock.monotonic())
        raise Refused("tasks may not be read")

    refused: list[float] = []
    rig.source.past = {}
    rig.source.pages = ((task(1, "Failure"),),)
    await rig.watch(5)
    bucket = rig.engine._schedule.limits.bucket(key(1).target, rig.clock.monotonic())
    level, bucket._level = bucket._level, bucket._size * 0.4
    await failed(rig, 1)
    assert rig.counts[0] == 0
    bucket._level = level
    with monkeypatch.context() as patch:
        patch.setattr(rig.source, "list_task_instances", refuse)
        await rig.run(120.0)
    assert len(refused) == 1
    await rig.run(700.0)
    assert rig.counts[0] == 1
    assert rig.row().failed


async def test_a_rerun_has_no_progress_of_the_run_before(rig: Watched) -> None:
    await rig.watch(5)
    await rig.open()
    await rig.run(5.0)
    rig.engine.display(None)
    rig.source.hold(running(1, 0, modify_time=ms(rig.clock.now())))
    await rig.run(900.0)

    assert rig.outlook().progress is None
    assert rig.outlook().foremost == ()


async def test_what_a_person_asks_for_is_learnt_from(rig: Watched) -> None:
    await rig.watch(5)
    await rig.ask(TasksOf(key(1)))

    assert rig.outlook().progress == Progress(1, 0, 1, 3)


async def test_who_is_late_shows_within_a_minute_of_the_start(rig: Watched) -> None:
    await rig.watch(30, 5, 40)
    await rig.run(60.0)

    assert [rig.row(number).is_late for number in (1, 2, 3)] == [True, False, True]
    assert rig.counts == (0, 3 * ENOUGH_RUNS)


async def test_what_is_usual_of_many_runs_costs_a_call_in_30_seconds(rig: Watched) -> None:
    await rig.watch(*[30] * 20)
    await rig.run(600.0)
    await rig.run(600.0)

    asked_at = [
        at
        for at, (name, _) in zip(rig.source.call_times, rig.source.calls, strict=True)
        if name == "find"
    ]
    pauses = [b - a for a, b in pairwise(asked_at)]
    assert min(pauses) >= 2.0
    assert 60 <= len(asked_at) <= 60 + 1_200 / 30
    assert min(pauses[65:]) >= 30.0
    assert rig.counts[0] == 0


async def test_what_is_known_costs_nothing_after_a_restart(rig: Watched, tmp_path: Path) -> None:
    await rig.watch(30)
    await rig.run(600.0)
    again = Watched(tmp_path / "state", rig.clock)
    again.source.hold(*rig.source.held.values())
    await again.run(30.0)
    await again.engine.aclose()

    assert again.row().is_late
    assert again.counts == (0, 0)


async def test_too_few_runs_are_said_and_nothing_is_claimed(rig: Watched) -> None:
    rig.source.past = {date: (run(n, date, 20),) for n, date in enumerate(dates()[:3], 100)}
    await rig.watch(600)
    await rig.run(600.0)

    lateness = rig.outlook().lateness
    assert lateness is not None
    assert (
        lateness.sentence(rig.clock.now())
        == "3 of 4 runs of earlier dates known, too few to compare with"
    )
    assert not rig.row().is_late
    assert rig.counts == (0, DATES)


async def test_lateness_is_told_once_a_run(rig: Watched, tmp_path: Path) -> None:
    await rig.watch(5)
    await rig.run(900.0)
    assert (rig.row().is_late, rig.told) == (False, [])
    await rig.run(900.0)

    assert rig.row().is_late
    assert rig.told == ["1 late: dwd_table_1 (1) running 21m, usually 19m to 21m: late by <1m"]
    values = rig.messenger.sent[0].values()
    assert (values["id"], values["from"], values["to"]) == ("1", "Running", "late")
    await rig.engine.aclose()
    again = Watched(tmp_path / "state", rig.clock)
    again.source.hold(*rig.source.held.values())
    await again.run(900.0)
    await again.engine.aclose()
    assert (again.row().is_late, again.told) == (True, [])


async def test_a_failure_is_told_as_such_and_late_no_more(rig: Watched) -> None:
    await rig.watch(30)
    await rig.run(600.0)
    ended = {"workflow_id": 2, "status": "Failure", "modify_time": ms(rig.clock.now())}
    rig.source.hold(running(1, 30, **ended))
    await rig.run(30.0)

    assert [text.split(":")[0] for text in rig.told] == ["1 late", "1 failed"]
    assert not rig.row().is_late


async def test_what_is_old_is_not_called_late(rig: Watched) -> None:
    await rig.watch(5)
    await rig.run(600.0)
    rig.source.error = Unreachable("away")
    await rig.run(1800.0)

    assert not rig.row().is_late
    assert not any("late" in text for text in rig.told)


async def test_nothing_is_asked_while_the_budget_runs_short(rig: Watched) -> None:
    await rig.watch(5)
    bucket = rig.engine._schedule.limits.bucket(key(1).target, rig.clock.monotonic())
    bucket._level = bucket._size * 0.4
    await rig.open()
    await rig.run(120.0)

    assert rig.counts == (0, 0)
    assert rig.wait == "not read: budget runs short"


async def test_nothing_is_asked_while_the_watch_pauses(rig: Watched) -> None:
    rig.engine.set_paused(paused=True)
    await rig.open()
    await rig.run(120.0)

    assert rig.counts == (0, 0)
    assert rig.wait == "not read: paused"
    rig.engine.set_paused(paused=False)
    await rig.run(5.0)
    assert rig.wait == ""


async def test_why_no_tasks_are_read_is_said_of_what_is_on_display(rig: Watched) -> None:
    await rig.watch(5)
    assert rig.wait == ""
    await rig.open()
    await rig.run(400.0)
    assert rig.wait == "not read: no key was pressed"
    rig.engine.touch()
    rig.source.error = Unreachable("no route")
    await rig.run(30.0)
    assert rig.wait == "not read: unreachable"


@pytest.mark.parametrize(("pages", "calls"), [(((),), 4), (((task(1, "Success"),),) * 21, 20)])
async def test_what_has_no_tasks_or_too_many_costs_no_more_than_others(
    rig: Watched, pages: tuple[tuple[TaskInstance, ...], ...], calls: int
) -> None:
    rig.source.pages = pages
    await rig.open()
    await rig.run(240.0)

    assert rig.counts[0] == calls


@pytest.mark.parametrize(
    ("pages", "said"), [(((),), "none"), (((task(1, "Success"),),) * 21, "not read: too many")]
)
async def test_what_came_of_a_request_without_tasks_is_kept_until_there_are_some(
    rig: Watched, pages: tuple[tuple[TaskInstance, ...], ...], said: str
) -> None:
    tasks, rig.source.pages = rig.source.pages, pages
    await rig.open(status="Failure", modify_time=ms(START))
    await rig.run(40.0)
    assert rig.outlook().no_tasks == said
    rig.source.pages = tasks
    await rig.open(status="Running", modify_time=ms(START) + 1)
    await rig.run(40.0)
    assert rig.outlook().no_tasks == ""
    assert rig.outlook().progress == Progress(1, 0, 1, 3)


async def test_who_is_refused_asks_again_ten_minutes_later(rig: Watched) -> None:
    await rig.open()
    rig.source.errors = [Refused("tasks may not be read"), Refused("nor found")]
    await rig.run(60.0)
    assert rig.counts == (1, 1)
    assert {rig.wait, rig.outlook().no_tasks} == {"not read: refused"}
    rig.engine.touch()
    await rig.run(560.0)
    rig.engine.touch()
    await rig.run(60.0)

    assert rig.outlook().progress == Progress(1, 0, 1, 3)
    assert rig.counts[0] <= 3


async def test_what_is_stored_says_without_a_call_who_is_late(rig: Watched, tmp_path: Path) -> None:
    await rig.watch(30, 5)
    await rig.run(600.0)
    with contextlib.closing(Store(tmp_path / "state", rig.clock.now)) as store:
        # Two follows of one query are one.
        early, soon = (
            store.add_follow(
                Follow(0, key(1).target, Query(1, 0, name=name), START, 3.0, due)
            ).number
            for name, due in (("dwd", "07:00"), ("table", "14:42"))
        )

        def judged(follow: int, moment: Moment) -> list[Row]:
            rows = [row._replace(follow=follow) for row in store.rows()]
            return [*judged_rows(store, rows, 15.0, moment)]

        now = rig.clock.moment()
        words = [[row.lateness for row in judged(n, now)] for n in (0, early, soon)]
        present = judged(0, now)
        later = judged(0, now._replace(now=now.now + timedelta(hours=1)))

    assert words[0] == [row.lateness for row in map(rig.row, (1, 2))] == ["late", ""]
    assert words[1] == ["late for 07:00 UTC+8"] * 2
    assert words[2][1] == "at risk: expected 14:45, due 14:42 UTC+8"
    assert [(row.is_live, row.is_late) for row in present] == [(True, True), (True, False)]
    assert [(row.is_live, row.is_late) for row in later] == [(False, False)] * 2


def test_a_run_is_not_at_risk_of_the_minute_that_it_is_due_in() -> None:
    started, due = START, START + timedelta(minutes=60)
    outlook, one = Outlook(progress=Progress(1, 0, 1, 2)), running(1, 0)
    found = [
        missed(due, outlook, one, started + timedelta(minutes=minutes)) for minutes in (30.2, 30.6)
    ]
    assert found == [None, Deadline(due, due + timedelta(minutes=1))]


def test_a_row_of_which_nothing_is_known_is_not_late() -> None:
    assert not Row(key(1)).is_late
    assert Row(key(1), is_live=True, outlook=Outlook(is_late=True)).is_late
    assert not Row(key(1), outlook=Outlook(is_late=True)).is_late


@settings(max_examples=5, deadline=None, phases=[Phase.generate])  # shrinking takes minutes
@given(
    minutes=st.permutations([14.0, 18.5, 20.0, 21.0, 24.0, 29.5, 33.0, 38.0, 51.0]),
    trouble=st.sets(st.integers(0, 9), max_size=3),
    other=st.integers(0, 3),
)
async def test_a_run_is_late_by_ever_more_of_one_range_whatever_comes_when(
    tmp_path_factory: pytest.TempPathFactory,
    minutes: list[float],
    trouble: set[int],
    other: int,
) -> None:
    state_dir = tmp_path_factory.mktemp("late")
    rig = Watched(state_dir)
    rig.source.past = {
        date: (run(100 + n, date, each),)
        for n, (date, each) in enumerate(zip(dates(), minutes, strict=False))
    }
    rig.source.hold(running(1, 70))
    # Another run of the workflow, which looks back on other dates.
    rig.source.hold(running(2, 10, biz_date=dates()[other]))
    rig.engine.watch([key(1), key(2)])
    said, late = set[str](), list[float]()
    for turn in range(36):
        if turn in trouble:
            rig.source.errors = [Unreachable("away")]
        if turn == 12:
            rig.engine.display(key(1))
        if turn == 26:
            # Those of yesterday have ended or failed since, and it is another day.
            rig.clock.advance(14 * 3600)
            rig.source.past = {
                date: (run(200 + n, date, 70 - n),) for n, date in enumerate(dates())
            }
        await rig.run(15.0)
        outlook = rig.row().outlook
        if outlook is None or outlook.lateness is None or outlook.lateness.usual is None:
            assert not late
            continue
        now = rig.clock.now()
        said.add(outlook.lateness.said)
        late.append((now - outlook.lateness.late_at).total_seconds())
        if turn % 9 == 0:
            with contextlib.closing(Store(state_dir, rig.clock.now)) as store:
                stored = [row for row in store.rows() if row.key == key(1)]
                (judged,) = judged_rows(store, stored, 15.0, rig.clock.moment())
            assert judged.outlook is not None
            assert judged.outlook.lateness == outlook.lateness
    await rig.engine.aclose()

    assert len(said) == 1
    assert late == sorted(late)
