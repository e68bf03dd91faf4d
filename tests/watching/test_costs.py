"""The calls that each feature costs, as README lists them, counted by the simulator."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drive import engine_of

from wfinspect.clock import SystemClock
from wfinspect.dataworks import connector
from wfinspect.errors import ServiceError
from wfinspect.lateness import MIN_RUNS, Run
from wfinspect.model import (
    InstanceKey,
    Page,
    Query,
    Target,
    TaskInstance,
    WorkflowInstance,
    by_attention,
    progress,
)
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.api import (
    EarlierRuns,
    Find,
    Reply,
    Request,
    Row,
    RunsOf,
    TaskLog,
    TaskOf,
    TasksOf,
)
from wfinspect.watching.lookups import DATES, ENOUGH_RUNS
from wfinspect.watching.poller import Poller

DEADLINE = 60.0
FAILED, LONG_AT_WORK, SUCCEEDED = 0, 1, 3
"""Among DEMO_IDS."""


class Operator:
    """A person with an app on the simulator; polling is paused, so that only questions cost."""

    def __init__(self, simulator: Simulator, state_dir: Path) -> None:
        self.simulator = simulator
        self.target = Target("(env)", "cn-shanghai", simulator.url)
        clock = SystemClock()
        self.watcher = Poller(
            engine_of(
                state_dir,
                connector(simulator.environment(), state_dir, clock),
                clock,
                self.target,
                interval=60.0,
            )
        )
        self.watcher.set_paused(paused=True)
        self.watcher.start()

    def key(self, number: int) -> InstanceKey:
        return InstanceKey(self.target, DEMO_IDS[number])

    def ask(self, request: Request[object]) -> tuple[object, dict[str, int]]:
        """The answer, and the calls it took."""
        self.simulator.calls.clear()
        heard: list[object] = []
        is_there = threading.Event()

        def hear(outcome: object) -> None:
            heard.append(outcome)
            is_there.set()

        self.watcher.submit(request, hear)
        assert is_there.wait(DEADLINE)
        outcome = heard[0]
        assert not isinstance(outcome, ServiceError), outcome
        assert isinstance(outcome, Reply)
        counts = {action: n for (action, _), n in self.simulator.calls.counts.items()}
        return outcome.value, counts

    def look_up(self, number: int) -> WorkflowInstance:
        """Put an instance on display and wait for its reading."""
        self.watcher.display(self.key(number))
        shown = self.wait_for(number, lambda row: row.key == self.key(number) and row.is_live)
        assert shown.instance is not None
        return shown.instance

    def wait_for(self, number: int, is_there: Callable[[Row], bool]) -> Row:
        """Wait until a row is as wanted."""
        arrived = threading.Condition()

        def ping() -> None:
            with arrived:
                arrived.notify_all()

        def shown() -> Row | None:
            row = self.watcher.snapshot.rows.get(self.key(number))
            return row if row is not None and is_there(row) else None

        self.watcher.subscribe(ping)
        with arrived:
            row = arrived.wait_for(shown, DEADLINE)
        assert row is not None
        return row

    def asked_beyond_polls(self) -> dict[str, int]:
        """The calls so far that are none for instances by their IDs."""
        calls = (call for call in self.simulator.calls.latest if "Ids" not in call.parameters)
        return Counter(call.action for call in calls if call.action != "GetWorkflowInstance")


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    with Simulator(clock=SystemClock()) as simulator:
        made = Operator(simulator, tmp_path / "state")
        yield made
        made.watcher.stop()


def tasks_in(value: object) -> list[TaskInstance]:
    assert isinstance(value, Page)
    assert value.is_last
    return by_attention(value.items)


def test_tasks_and_what_is_asked_of_one_cost_a_call_each(operator: Operator) -> None:
    operator.look_up(SUCCEEDED)
    value, calls = operator.ask(TasksOf(operator.key(SUCCEEDED)))
    task = tasks_in(value)[-1]
    assert calls == {"ListTaskInstances": 1}
    assert progress(tasks_in(value)).done == len(tasks_in(value)) > 1

    runs, calls = operator.ask(RunsOf(operator.key(SUCCEEDED), task.id))
    assert {run.id for run in tasks_in(runs)} == {task.id}
    assert calls == {"ListTaskInstances": 1}

    detail, calls = operator.ask(TaskOf(operator.target, task.id, task.modify_time))
    assert isinstance(detail, TaskInstance)
    assert (detail.task_name, calls) == (task.task_name, {"GetTaskInstance": 1})
    assert detail.script_content

    asked_for = TaskLog(operator.target, task.id, task.run_number, task.modify_time)
    log, calls = operator.ask(asked_for)
    assert isinstance(log, str)
    assert "\n" in log
    assert calls == {"GetTaskInstanceLog": 1}


def test_what_is_over_costs_nothing_again(operator: Operator) -> None:
    operator.look_up(SUCCEEDED)
    value, _ = operator.ask(TasksOf(operator.key(SUCCEEDED)))
    task = tasks_in(value)[0]
    for request in (
        TasksOf(operator.key(SUCCEEDED)),
        TaskOf(operator.target, task.id, task.modify_time),
        TaskLog(operator.target, task.id, None, task.modify_time),
    ):
        first, _ = operator.ask(request)
        again, calls = operator.ask(request)
        assert (again, calls) == (first, {})


def test_a_page_of_a_search_costs_a_call(operator: Operator) -> None:
    known = operator.look_up(SUCCEEDED)
    assert known.project_id is not None
    assert known.biz_date is not None

    page, calls = operator.ask(Find(operator.target, Query(known.project_id, known.biz_date)))

    assert isinstance(page, Page)
    assert known.id in {found.id for found in page.items}
    assert calls == {"ListWorkflowInstances": 1}


def test_lateness_costs_a_call_a_date_once(operator: Operator) -> None:
    known = operator.look_up(SUCCEEDED)
    runs, calls = operator.ask(EarlierRuns(operator.key(SUCCEEDED)))
    _, again = operator.ask(EarlierRuns(operator.key(SUCCEEDED)))

    assert isinstance(runs, tuple)
    assert all(isinstance(run, Run) and run.biz_date < (known.biz_date or 0) for run in runs)
    assert len(runs) >= MIN_RUNS
    assert list(calls) == ["ListWorkflowInstances"]
    assert MIN_RUNS <= calls["ListWorkflowInstances"] <= DATES
    assert again == {}


def test_opening_one_that_is_over_costs_a_call_for_its_tasks_once(operator: Operator) -> None:
    operator.watcher.set_paused(paused=False)
    for number in (SUCCEEDED, LONG_AT_WORK, SUCCEEDED):
        operator.look_up(number)
        operator.wait_for(number, lambda row: row.outlook.progress is not None)

    assert operator.asked_beyond_polls()["ListTaskInstances"] == 2


def test_opening_one_that_runs_costs_what_lateness_costs_too(operator: Operator) -> None:
    operator.watcher.set_paused(paused=False)
    operator.look_up(LONG_AT_WORK)

    def is_all_known(row: Row) -> bool:
        asked = operator.asked_beyond_polls()
        return row.is_late and asked.get("ListWorkflowInstances", 0) >= ENOUGH_RUNS

    shown = operator.wait_for(LONG_AT_WORK, is_all_known)

    assert shown.outlook.progress is not None
    calls = operator.asked_beyond_polls()
    assert calls == {
        "ListTaskInstances": 1,
        "ListWorkflowInstances": calls["ListWorkflowInstances"],
    }
    assert ENOUGH_RUNS <= calls["ListWorkflowInstances"] <= DATES


def test_every_call_is_counted_where_the_budget_is(operator: Operator) -> None:
    operator.look_up(SUCCEEDED)
    before = operator.watcher.snapshot.health.calls_today
    operator.ask(TasksOf(operator.key(SUCCEEDED)))
    # Its reading comes after the answer, and so does the count that is shown with it.
    operator.look_up(FAILED)

    assert operator.watcher.snapshot.health.calls_today == before + 2
