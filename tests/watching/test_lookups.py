import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from engine_rig import OTHER, Asker, dates
from fakes import BINDING, START, FakeClock, instance, key, ms
from values import replace

from wfinspect.clock import Moment
from wfinspect.errors import (
    BadAnswer,
    ConfigError,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
)
from wfinspect.model import (
    Dependency,
    Direction,
    InstanceId,
    OperationLog,
    Page,
    Query,
    Target,
    TaskInstance,
    WorkflowInstance,
)
from wfinspect.report import Incident, as_report
from wfinspect.watching.api import (
    INCIDENT_CALLS,
    INCIDENT_LOGS,
    DependenciesOf,
    EarlierRuns,
    Find,
    IncidentOf,
    InstanceOf,
    OperationsOf,
    Outcome,
    Reply,
    RunsOf,
    TaskLog,
    TaskOf,
    TasksOf,
)
from wfinspect.watching.journal import Journal
from wfinspect.watching.lookups import (
    DATES,
    ENOUGH_RUNS,
    MAX_PAGES,
    MAX_RAW,
    RunHistory,
)
from wfinspect.watching.store import Store

QUERY = Query(88123, ms(datetime(2026, 9, 16, 16, tzinfo=UTC)))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Asker]:
    made = Asker(tmp_path / "state")
    yield made
    await made.engine.aclose()


async def display(rig: Asker, status: str = "Running", **fields: object) -> None:
    rig.source.hold(instance(1, status, **fields))
    rig.engine.display(key(1))
    rig.engine.refresh(key(1))
    await rig.run(0.1)
    rig.engine.set_paused(paused=True)


def value_of(outcome: Outcome) -> object:
    assert isinstance(outcome, Reply), outcome
    return outcome.value


async def test_tasks_are_read_to_the_last_page(rig: Asker) -> None:
    await display(rig)
    rig.source.pages = ((TaskInstance(1), TaskInstance(2)), (TaskInstance(2), TaskInstance(3)))
    rig.engine.submit(TasksOf(key(1)), rig.heard.append)
    await rig.run(2.0)

    page = value_of(rig.heard[0])

    assert isinstance(page, Page)
    assert [task.id for task in page.items] == [1, 2, 3]
    assert (page.total, page.is_last) == (4, True)
    assert rig.called("tasks") == [(1, 1), (1, 2)]


async def test_an_instance_that_is_not_known_is_read_first(rig: Asker) -> None:
    rig.source.hold(instance(7))

    value_of(await rig.ask(TasksOf(key(7))))

    assert [name for name, _ in rig.source.calls] == ["get", "tasks"]


async def test_an_instance_is_asked_for_only_where_it_is_not_known(rig: Asker) -> None:
    await display(rig)
    rig.source.hold(instance(7))
    before = len(rig.source.calls)

    assert value_of(await rig.ask(InstanceOf(key(1)))) == instance(1)
    assert value_of(await rig.ask(InstanceOf(key(7)))) == instance(7)
    assert rig.source.calls[before:] == [("get", (7,))]


async def test_a_task_its_runs_its_log_and_a_search_are_a_call_each(rig: Asker) -> None:
    await display(rig)
    before = rig.snapshot.health.calls_today
    for request in (
        RunsOf(key(1), 5),
        TaskOf(BINDING, 5),
        TaskLog(BINDING, 5, 2),
        Find(BINDING, QUERY, 3),
    ):
        rig.engine.submit(request, rig.heard.append)
    await rig.run(3.0)

    assert len(rig.heard) == 4
    assert rig.source.calls[-4:] == [
        ("tasks", (1, 1, 5)),
        ("task", (5,)),
        ("log", (5, 2)),
        ("find", (QUERY.biz_date, 3)),
    ]
    assert value_of(rig.heard[2]) == "log of run 2"
    assert rig.snapshot.health.calls_today == before + 4


async def test_the_neighbours_of_a_task_are_read_page_by_page(rig: Asker) -> None:
    up, down = Direction.UPSTREAM, Direction.DOWNSTREAM
    two, three = (Dependency(TaskInstance(n, raw="{}"), "Normal") for n in (2, 3))
    rig.source.neighbours = {(1, up): ((two,), (three,)), (1, down): ((three,),)}

    for request in (
        DependenciesOf(BINDING, 1, up),
        DependenciesOf(BINDING, 1, up, 2),
        DependenciesOf(BINDING, 1, down),
    ):
        rig.engine.submit(request, rig.heard.append)
        await rig.run(1.0)

    pages = [value_of(each) for each in rig.heard]
    # Without their JSON, which nothing shows.
    two, three = (each._replace(task=each.task._replace(raw="")) for each in (two, three))
    assert [(page.items, page.is_last) for page in pages] == [
        ((two,), False),
        ((three,), True),
        ((three,), True),
    ]
    assert (rig.called("upstream"), rig.called("downstream")) == ([(1, 1), (1, 2)], [(1, 1)])


async def test_an_answer_says_how_many_calls_it_took(rig: Asker) -> None:
    rig.source.hold(instance(7, "Success"))
    rig.source.pages = ((TaskInstance(1),), (TaskInstance(2),))

    for request in (TasksOf(key(7)), *[TaskLog(BINDING, 5, 1, 7)] * 2):
        rig.engine.submit(request, rig.heard.append)
        await rig.run(3.0)

    assert [outcome.calls for outcome in rig.heard] == [3, 1, 0]


async def test_what_was_done_to_a_task_is_a_call_for_its_day(rig: Asker) -> None:
    rig.source.operations = (OperationLog(5, "Rerun", "1823", 7, 1),)

    assert value_of(await rig.ask(OperationsOf(BINDING, 5, 86_400_000))) == rig.source.operations
    assert rig.called("operations") == [(5, 86_400_000, 1)]


async def test_what_was_done_to_a_settled_task_is_requested_once(rig: Asker) -> None:
    for settled_at in (None, None, 7, 7, 8):
        rig.engine.submit(OperationsOf(BINDING, 5, 0, settled_at), rig.heard.append)
        await rig.run(2.0)

    assert len(rig.heard) == 5
    assert len(rig.called("operations")) == 4


async def test_an_answer_says_when_it_was_read(rig: Asker) -> None:
    outcome = await rig.ask(TaskLog(BINDING, 5))

    assert isinstance(outcome, Reply)
    assert outcome.read_at == rig.clock.now()


async def test_what_is_asked_for_goes_out_at_the_rate_of_polls(rig: Asker) -> None:
    for number in range(1, 7):
        rig.engine.submit(TaskOf(BINDING, number), rig.heard.append)
    await rig.run(5.0)

    times = rig.source.call_times
    assert len(times) == 6
    assert all(times[n + 2] - times[n] >= 1.0 for n in range(4))


async def test_a_long_answer_leaves_polls_every_other_call(rig: Asker) -> None:
    await display(rig)
    rig.engine.set_paused(paused=False)
    rig.source.pages = tuple((TaskInstance(n),) for n in range(20))
    rig.engine.submit(TasksOf(key(1)), rig.heard.append)
    rig.source.hold(*(instance(n, biz_date=n) for n in range(2, 8)))
    rig.engine.watch([key(n) for n in range(2, 8)])
    await rig.run(7.0)

    assert sum(row.instance is not None for row in rig.snapshot.rows) >= 5
    assert len(rig.called("tasks")) >= 5


async def test_the_same_question_on_its_way_is_one_call(rig: Asker) -> None:
    rig.engine.submit(TaskLog(BINDING, 5), rig.heard.append)
    rig.engine.submit(TaskLog(BINDING, 5), rig.heard.append)
    await rig.turn()

    assert len(rig.heard) == 2
    assert len(rig.called("log")) == 1


async def test_tasks_of_a_settled_run_are_read_once_until_it_is_rerun(rig: Asker) -> None:
    await display(rig, "Success", modify_time=10)
    await rig.ask(TasksOf(key(1)))
    await rig.ask(TasksOf(key(1)))
    assert len(rig.called("tasks")) == 1

    await rig.run(5.0)
    await display(rig, "Running", modify_time=20)
    await rig.ask(TasksOf(key(1)))
    await rig.run(2.0)
    await rig.ask(TasksOf(key(1)))

    assert len(rig.called("tasks")) == 3


async def test_a_log_is_kept_only_where_its_run_is_over(rig: Asker) -> None:
    for settled_at in (None, None, 7, 7, 8):
        rig.engine.submit(TaskLog(BINDING, 5, 1, settled_at), rig.heard.append)
        await rig.run(1.0)

    assert len(rig.heard) == 5
    assert len(rig.called("log")) == 4


async def test_only_the_latest_logs_are_kept(rig: Asker) -> None:
    for number in (1, 2, 3, 3, 2, 1):
        rig.engine.submit(TaskLog(BINDING, number, 1, 7), rig.heard.append)
        await rig.run(1.0)

    assert rig.called("log") == [(1, 1), (2, 1), (3, 1), (1, 1)]


@pytest.mark.parametrize("error", [NotFound("no"), Refused("no"), BadAnswer("no")])
async def test_a_refusal_is_an_answer_and_stops_no_poll(rig: Asker, error: ServiceError) -> None:
    await display(rig)
    rig.engine.set_paused(paused=False)
    rig.source.errors = [error]
    assert await rig.ask(TasksOf(key(1))) is error

    rig.source.hold(instance(1, "Failure"))
    await rig.run(6.0)

    assert rig.snapshot.rows.get(key(1)) is not None
    assert rig.snapshot.rows.get(key(1)).instance == instance(1, "Failure")


async def test_trouble_of_one_binding_does_not_hold_up_another(rig: Asker) -> None:
    rig.source.hangs = True
    rig.engine.submit(TaskLog(BINDING, 5), rig.heard.append)
    await rig.turn()
    rig.engine.submit(TaskLog(OTHER, 5, 1), rig.heard.append)
    await rig.turn()

    assert [value_of(outcome) for outcome in rig.heard] == ["log of run 1"]


async def test_throttling_is_obeyed_and_told_at_once(rig: Asker) -> None:
    throttled = Throttled("slower", retry_after_seconds=60.0)
    rig.source.errors = [throttled]
    assert await rig.ask(TaskLog(BINDING, 5)) is throttled
    await rig.run(2.0)

    assert await rig.ask(TaskLog(BINDING, 6)) is throttled
    assert len(rig.called("log")) == 1
    await rig.run(60.0)
    value_of(await rig.ask(TaskLog(BINDING, 6)))


async def test_after_an_outage_the_next_question_is_tried(rig: Asker) -> None:
    rig.source.errors = [Unreachable("away")]
    assert isinstance(await rig.ask(TaskLog(BINDING, 5)), Unreachable)

    assert value_of(await rig.ask(TaskLog(BINDING, 5))) == "log of run None"


async def test_the_daily_limit_teaches_the_budget(rig: Asker) -> None:
    rig.source.errors = [DailyLimit("enough")]
    await rig.ask(TaskLog(BINDING, 5))
    await rig.run(1.0)

    assert rig.snapshot.health.budget == 90


async def test_what_is_asked_for_is_not_refused_by_the_budget(tmp_path: Path) -> None:
    rig = Asker(tmp_path / "small", budget=1)

    for number in range(5):
        value_of(await rig.ask(TaskLog(BINDING, number)))
        await rig.run(1.0)
    await rig.engine.aclose()


async def test_a_source_that_can_not_be_opened_is_an_answer(
    rig: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ConfigError("a proxy that is none")

    monkeypatch.setattr(rig.source, "connect", broken)
    outcome = await rig.ask(TaskLog(BINDING, 5))

    assert isinstance(outcome, Refused)
    assert "a proxy that is none" in str(outcome)


async def test_a_bug_is_an_answer(rig: Asker) -> None:
    outcome = await rig.ask(type("Odd", (), {"destination": BINDING})())

    assert isinstance(outcome, ServiceTrouble)


async def test_a_face_that_fails_keeps_the_others_from_nothing(rig: Asker) -> None:
    def broken(_: Outcome) -> None:
        raise RuntimeError("closed")

    rig.engine.submit(TaskLog(BINDING, 5), broken)
    rig.engine.submit(TaskLog(BINDING, 5), rig.heard.append)
    await rig.turn()

    assert len(rig.heard) == 1


async def test_what_waits_at_the_end_is_told_so(rig: Asker) -> None:
    for number in range(1, 5):
        rig.engine.submit(TaskOf(BINDING, number), rig.heard.append)
    await rig.turn()
    await rig.engine.aclose()

    assert [type(outcome) for outcome in rig.heard] == [Reply, Reply, Unreachable, Unreachable]


def run_of(biz_date: int, number: int, status: str = "Success") -> WorkflowInstance:
    begun = biz_date + 90_000_000
    return instance(
        number, status, biz_date=biz_date, started_time=begun, finished_time=begun + 60_000
    )


async def earlier(rig: Asker) -> list[int]:
    """The IDs of the earlier runs."""
    rig.engine.submit(EarlierRuns(key(1)), rig.heard.append)
    await rig.run(DATES + 1.0)
    runs = value_of(rig.heard[-1])
    assert isinstance(runs, tuple)
    return [run.id for run in runs]


async def test_earlier_runs_are_asked_for_by_date_until_there_are_enough(rig: Asker) -> None:
    rig.source.past = {date: (run_of(date, 100 + n),) for n, date in enumerate(dates())}
    await display(rig, workflow_id=5)

    assert await earlier(rig) == [100 + n for n in range(ENOUGH_RUNS)]
    assert rig.called("find") == [(date, 1) for date in dates()[:ENOUGH_RUNS]]


@pytest.mark.parametrize("other", [1, 2])
async def test_two_that_look_back_on_one_workflow_ask_for_each_date_once(
    rig: Asker, other: int
) -> None:
    rig.source.past = {date: (run_of(date, 100 + n),) for n, date in enumerate(dates())}
    rig.source.hold(instance(2, "Running", workflow_id=5))
    await display(rig, workflow_id=5)

    rig.engine.submit(EarlierRuns(key(other), most=1), rig.heard.append)
    await earlier(rig)

    assert len(rig.heard) == 2
    assert rig.called("find") == [(date, 1) for date in dates()[:ENOUGH_RUNS]]


async def test_who_waits_for_a_call_that_fails_asks_itself(rig: Asker) -> None:
    rig.source.past = {date: (run_of(date, 100 + n),) for n, date in enumerate(dates())}
    await display(rig, workflow_id=5)
    rig.source.errors = [Refused("no")]

    rig.engine.submit(EarlierRuns(key(1), most=1), rig.heard.append)

    assert len(await earlier(rig)) == ENOUGH_RUNS
    assert isinstance(rig.heard[0], Refused)


async def test_a_date_without_runs_is_asked_for_once_unless_it_is_recent(rig: Asker) -> None:
    today = datetime(2026, 9, 17, 16, tzinfo=UTC)
    await display(rig, workflow_id=5, biz_date=ms(today))
    assert await earlier(rig) == []
    assert len(rig.called("find")) == DATES

    for _ in range(3):
        await rig.run(86_400.0)
        await earlier(rig)

    assert rig.called("find")[DATES:] == [(ms(today - timedelta(days=1)), 1)]


async def test_a_date_whose_runs_go_on_is_asked_for_once_a_day(rig: Asker) -> None:
    last = dates()[4]
    rig.source.past = {last: (run_of(last, 50, "Running"),)}
    await display(rig, workflow_id=5)
    await earlier(rig)
    await earlier(rig)
    assert rig.called("find").count((last, 1)) == 1

    rig.source.past = {last: (run_of(last, 50),)}
    await rig.run(86_400.0)
    await earlier(rig)
    await rig.run(86_400.0)
    assert await earlier(rig) == [50]
    assert rig.called("find").count((last, 1)) == 2


async def test_earlier_runs_outlive_the_process(tmp_path: Path) -> None:
    calls = []
    for _ in range(2):
        rig = Asker(tmp_path / "state")
        rig.source.past = {dates()[0]: tuple(run_of(dates()[0], n) for n in range(50, 60))}
        await display(rig, workflow_id=5)
        assert len(await earlier(rig)) == 10
        calls.append(len(rig.called("find")))
        await rig.engine.aclose()

    assert calls == [1, 0]


async def test_tasks_of_no_workflow_are_told_apart_by_their_name(rig: Asker) -> None:
    name = instance(1).name
    date = dates()[0]
    named = [(60, name), (61, f"{name}_too")]
    rig.source.past = {
        date: tuple(instance(n, "Success", name=called, biz_date=date) for n, called in named)
    }
    await display(rig, workflow_id=1)

    assert await earlier(rig) == [InstanceId(60)]


async def test_without_a_workflow_there_are_no_earlier_runs_and_no_calls(rig: Asker) -> None:
    await display(rig)

    assert await earlier(rig) == []
    assert rig.called("find") == []


async def test_tasks_that_are_too_many_to_be_counted_are_asked_for_once(rig: Asker) -> None:
    rig.source.hold(instance(1))
    rig.source.pages = tuple((TaskInstance(n),) for n in range(MAX_PAGES + 1))
    rig.engine.display(key(1))
    await rig.run(90.0)
    assert len(rig.called("tasks")) == MAX_PAGES


async def test_of_the_tasks_of_many_runs_only_the_latest_are_kept(rig: Asker) -> None:
    rig.source.pages = (tuple(TaskInstance(n) for n in range(4000)),)
    for number in (1, 2, 3):
        rig.source.hold(instance(number, "Success"))
    rig.engine.watch([key(1), key(2), key(3)])
    await rig.run(5.0)

    async def calls_for(number: int) -> int:
        before = len(rig.called("tasks"))
        value_of(await rig.ask(TasksOf(key(number))))
        await rig.run(1.0)
        return len(rig.called("tasks")) - before

    assert [await calls_for(number) for number in (1, 2, 3, 3, 2, 1)] == [1, 1, 1, 0, 0, 1]


def test_requests_of_an_event_loop_that_died_are_answered_and_can_be_asked_again(
    tmp_path: Path,
) -> None:
    rig = Asker(tmp_path / "state")
    requests = [Find(BINDING, QUERY._replace(name=name)) for name in "abc"]

    async def asked() -> None:
        for request in requests:
            rig.engine.submit(request, rig.heard.append)
        await rig.turn()

    rig.source.hangs = True
    asyncio.run(asked())
    rig.engine.restart()
    assert [type(each) for each in rig.heard] == [Unreachable] * 3

    async def asked_again() -> None:
        await asked()
        await rig.run(5.0)
        await rig.engine.aclose()

    rig.heard.clear()
    rig.source.hangs = False
    asyncio.run(asked_again())
    assert [type(each) for each in rig.heard] == [Reply] * 3


async def test_of_many_large_tasks_not_all_that_came_is_kept(rig: Asker) -> None:
    await display(rig)
    raw = "x" * (MAX_RAW // 3)
    rig.source.pages = tuple((TaskInstance(n, raw=raw, status="Failure"),) for n in range(5))
    rig.engine.submit(TasksOf(key(1)), rig.heard.append)
    await rig.run(5.0)

    page = value_of(rig.heard[0])

    assert isinstance(page, Page)
    assert [len(task.raw) > 0 for task in page.items] == [True, True, True, False, False]
    assert {task.status for task in page.items} == {"Failure"}


DATE = ms(datetime(2026, 9, 15, 16, tzinfo=UTC))
NOW = Moment(0.0, START)
DAY_MS = 86_400_000


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(Store(tmp_path / "state", FakeClock().now))
    yield made
    made.store.close()


def past(book: Journal, target: Target = BINDING, **fields: object) -> RunHistory:
    return RunHistory(book, target, instance(1, **{"workflow_id": 5} | fields))


def asked_next(one: RunHistory) -> int | None:
    """The date that is to be asked for next."""
    query = one.known(NOW)[1]
    return query.biz_date if query else None


def run(number: int, status: str = "Success") -> WorkflowInstance:
    return instance(number, status, started_time=DATE + 1, finished_time=DATE + 60_001)


def test_a_date_is_known_once_it_was_learnt(book: Journal) -> None:
    assert asked_next(past(book)) == DATE
    past(book).learn(DATE, [run(7)], NOW)

    runs, query = past(book).known(NOW)
    assert [(r.id, r.seconds) for r in runs] == [(7, 60.0)]
    assert query is not None
    assert query.biz_date == DATE - DAY_MS


def test_older_runs_are_known_while_the_latest_date_is_not(book: Journal) -> None:
    for n in range(1, 9):
        past(book).learn(DATE - n * DAY_MS, [run(n)], NOW)

    assert [r.id for r in past(book).known(NOW)[0]] == list(range(1, 8))
    assert asked_next(past(book)) == DATE
    past(book).learn(DATE, [], NOW)
    assert asked_next(past(book)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"workflow_id": 6},
        {"type": "SupplementData"},
        {"env_type": "Dev"},
        {"project_id": 2},
        {"target": Target("other", BINDING.region, BINDING.endpoint)},
    ],
)
def test_one_workflow_is_not_taken_for_another(book: Journal, other: dict[str, object]) -> None:
    past(book).learn(DATE, [run(7)], NOW)

    assert past(book, **other).known(NOW)[0] == ()  # type: ignore[arg-type]


def test_old_dates_make_room_for_new_ones(book: Journal) -> None:
    for n in range(40):
        past(book).learn(DATE + n * DAY_MS, [run(n + 1)], NOW)

    assert past(book, biz_date=DATE + 40 * DAY_MS).known(NOW)[0][0].id == 40
    runs, query = past(book, biz_date=DATE + 25 * DAY_MS).known(NOW)
    assert [r.id for r in runs] == [25]
    assert query is not None
    assert query.biz_date == DATE + 23 * DAY_MS


def test_of_a_date_with_very_many_runs_only_the_latest_are_kept(book: Journal) -> None:
    past(book).learn(DATE, [run(n) for n in range(300, 0, -1)], NOW)

    assert [r.id for r in past(book).known(NOW)[0]] == list(range(300, 276, -1))


def test_dates_are_days_of_the_regions_wall_clock(book: Journal) -> None:
    berlin = Target("p", "eu-central-1", "host")
    # In 2026 the clocks go back on 25 October.
    monday = datetime(2026, 10, 25, 23, tzinfo=UTC)

    one, queries = past(book, berlin, biz_date=ms(monday)), list[Query]()
    while (query := one.known(NOW)[1]) is not None:
        queries.append(query)
        one.learn(query.biz_date, [], NOW)

    assert len(queries) == DATES
    assert queries[0].biz_date == ms(monday - timedelta(hours=25))
    assert queries[1].biz_date == ms(monday - timedelta(hours=49))
    assert (queries[0].workflow_id, queries[0].env_type, queries[0].name) == (5, "Prod", "")


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "[]",
        '{"x": 1}',
        '{"%d": [1]}',
        "5",
        "[" * 100_000,
        '{"%d": 5}',
        '{"%d": ["2026-09-18", [[7, "Success", "long ago", null]]]}',
        '{"%d": ["2026-09-18", [[-7, "Success", 1, 2]]]}',
        '{"%d": ["2026-09-18", [[7, 8, 1, 2]]]}',
        '{"\u00b2": ["2026-09-18", []]}',
    ],
)
def test_what_cannot_be_read_is_asked_for_again(
    book: Journal, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = book.remember
    with monkeypatch.context() as patched:
        patched.setattr(
            book, "remember", lambda name, _: remember(name, kept.replace("%d", str(DATE)))
        )
        past(book).learn(DATE, [], NOW)

    assert past(book).known(NOW)[0] == ()
    assert asked_next(past(book)) == DATE
    past(book).learn(DATE, [run(7)], NOW)
    assert [r.id for r in past(book).known(NOW)[0]] == [7]


async def test_a_report_reads_what_says_most_and_leaves_out_what_would_be_too_much(
    rig: Asker,
) -> None:
    await display(rig, "Failure")
    count = INCIDENT_LOGS + 10
    failed = [
        replace(TaskInstance(n), status="Failure", modify_time=n) for n in range(1, 1 + count)
    ]
    rig.source.pages = (tuple(failed),)
    before = len(rig.source.calls)
    rig.engine.submit(IncidentOf(key(1)), rig.heard.append)
    await rig.run(30.0)
    incident = value_of(rig.heard[0])
    assert isinstance(incident, Incident)

    names = [name for name, _ in rig.source.calls[before:]]
    assert names[: INCIDENT_LOGS + 1] == ["tasks", *["log"] * INCIDENT_LOGS]
    most = INCIDENT_CALLS + INCIDENT_LOGS
    assert len(names) == most
    assert incident.logs[INCIDENT_LOGS]
    assert f"this run makes at most {most} calls" in incident.missing[f"log {count}"]
    text = as_report("markdown", [incident], UTC, START)
    assert f"```text\nwfinspect logs --task {count}\n```" in text


async def test_an_instance_of_a_report_that_is_not_known_is_an_error(rig: Asker) -> None:
    assert isinstance(await rig.ask(IncidentOf(key(7))), NotFound)
