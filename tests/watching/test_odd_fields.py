"""A field that the service sends in a form it does not document costs that field, and nothing else.

Through the whole engine, over HTTP: the answers of the simulator are altered on their way out.
"""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from drive import HttpDrive
from fakes import START, FakeClock

from wfinspect.model import InstanceId, InstanceKey, Page, TaskInstance
from wfinspect.simulator import DEMO_IDS, FROZEN_ID, Simulator
from wfinspect.watching.api import Reply, Row, TasksOf

NUMBERS = (
    "WorkflowId", "WorkflowTaskInstanceId", "UnifiedWorkflowInstanceId", "ProjectId", "BizDate",
    "StartedTime", "FinishedTime", "CreateTime", "ModifyTime",
)  # fmt: skip
TEXTS = ("Name", "Type", "EnvType", "Owner", "CreateUser", "ModifyUser", "WorkflowParameters")
NO_NUMBERS = (True, [1], {"a": 1}, "2026-11-21", "2026-11-21T06:00:00Z", 2**63, 10**30)
NO_TEXTS = (False, ["a"], {"User": "a"})
NO_TAGS = ({"Tag": [{"Key": "a", "Value": "b"}]}, "", ["a:b"], 7, True, [{"Key": ["a"]}])
ODD = [
    *((name, value) for name in NUMBERS for value in NO_NUMBERS),
    *((name, value) for name in TEXTS for value in NO_TEXTS),
    *((name, 7) for name in ("Type", "EnvType")),
    *(("Tags", value) for value in NO_TAGS),
]
ROUND = 17.0
"""Seconds in which all that run are read at an interval of 15."""


class Watch(HttpDrive):
    """The engine with its real client, on the simulator."""

    def __init__(self, simulator: Simulator, clock: FakeClock, state_dir: Path) -> None:
        self.simulator, self.state_dir = simulator, state_dir
        self.runner = asyncio.Runner()
        super().__init__(simulator, clock, state_dir, budget=10_000_000)

    def pass_time(self, seconds: float) -> None:
        self.runner.run(self.run(seconds))

    def close(self) -> None:
        self.runner.run(self.engine.aclose())
        self.runner.close()

    def tasks(self, number: int) -> Sequence[TaskInstance]:
        heard: list[object] = []

        async def ask() -> None:
            self.engine.submit(TasksOf(self.key(number)), heard.append)

        self.runner.run(ask())
        self.pass_time(1.0)
        (reply,) = heard
        assert isinstance(reply, Reply), reply
        assert isinstance(reply.value, Page)
        return reply.value.items

    def key(self, number: int) -> InstanceKey:
        return InstanceKey(self.target, InstanceId(number))

    def watch(self, *numbers: int) -> None:
        self.engine.watch([self.key(number) for number in numbers])

    def row(self, number: int) -> Row:
        found = self.engine.snapshot.rows.get(self.key(number))
        assert found is not None
        return found

    def polls(self) -> dict[str, int]:
        """The calls since the last time that read what is watched, by action."""
        calls = self.simulator.calls.latest
        self.simulator.calls.clear()
        return Counter(
            call.action
            for call in calls
            if call.action == "GetWorkflowInstance" or "Ids" in call.parameters
        )


@pytest.fixture
def crowd(clock: FakeClock) -> Iterator[Simulator]:
    with Simulator(clock=clock, extra=len(ODD)) as started:
        yield started


@pytest.fixture
def opened(clock: FakeClock, tmp_path: Path) -> Iterator[Callable[[Simulator], Watch]]:
    """Begins a watch with the store of this test; the one before it ends."""
    made: list[Watch] = []

    def begin(simulator: Simulator) -> Watch:
        for each in made:
            each.close()
        made[:] = [Watch(simulator, clock, tmp_path / "state")]
        return made[0]

    yield begin
    for each in made:
        each.close()


def test_no_odd_field_hides_a_failure_or_costs_a_call(
    crowd: Simulator, opened: Callable[[Simulator], Watch]
) -> None:
    ids = crowd.ids[-len(ODD) :]
    for number in ids:
        crowd.set_status(number, "Running")
    watch = opened(crowd)
    watch.watch(*ids)
    watch.pass_time(60.0)
    assert {watch.row(number).instance.status for number in ids} == {"Running"}
    for number, (name, value) in zip(ids, ODD, strict=True):
        crowd.population.set_answer(number, {name: value})
    watch.polls()
    watch.pass_time(3 * ROUND)
    assert set(watch.polls()) == {"ListWorkflowInstances"}
    for number in ids:
        crowd.set_status(number, "Failure")
    watch.pass_time(3 * ROUND)

    assert set(watch.polls()) == {"ListWorkflowInstances"}
    for number, odd in zip(ids, ODD, strict=True):
        row = watch.row(number)
        assert row.instance is not None
        assert (odd, row.instance.status, row.is_live) == (odd, "Failure", True)
        assert [json.loads(text) for _, text in row.instance.unreadable] == [odd[1]]
        assert json.loads(row.instance.raw)[odd[0]] == odd[1]
        assert row.last_change is not None
        assert (row.last_change.from_status, row.last_change.to_status) == ("Running", "Failure")
    assert watch.engine.snapshot.alert is not None
    assert watch.engine.snapshot.alert.text.startswith(f"{len(ids)} failed: ")

    before = {number: watch.row(number).instance for number in ids}
    again = opened(crowd)
    assert {number: again.row(number).instance for number in ids} == before
    again.pass_time(ROUND)
    assert set(again.polls()) == {"ListWorkflowInstances"}
    assert all(again.row(number).is_live for number in ids)


@pytest.mark.parametrize("name", ["ProjectId", "BizDate"])
def test_one_that_was_never_placed_costs_a_get_a_round(
    crowd: Simulator, opened: Callable[[Simulator], Watch], name: str
) -> None:
    crowd.set_status(DEMO_IDS[0], "Running")
    crowd.population.set_answer(DEMO_IDS[0], {name: True})
    watch = opened(crowd)
    watch.watch(DEMO_IDS[0])
    watch.pass_time(1.0)
    watch.polls()
    crowd.set_status(DEMO_IDS[0], "Failure")
    watch.pass_time(ROUND)
    assert watch.row(DEMO_IDS[0]).family == "failure"
    assert watch.polls() == {"GetWorkflowInstance": 1}
    assert watch.engine.snapshot.alert is not None


def test_one_that_a_list_finds_belongs_to_the_group_of_that_list(
    crowd: Simulator, opened: Callable[[Simulator], Watch]
) -> None:
    for number in DEMO_IDS:
        crowd.set_status(number, "Running")
    crowd.population.set_answer(DEMO_IDS[1], {"ProjectId": True, "EnvType": 7})
    watch = opened(crowd)
    watch.watch(*DEMO_IDS)
    watch.pass_time(2.0)
    assert watch.polls() == {"GetWorkflowInstance": 1, "ListWorkflowInstances": 1}
    watch.pass_time(ROUND)
    assert watch.polls() == {"ListWorkflowInstances": 1}


def test_tasks_of_an_instance_with_odd_fields_are_read_and_so_are_tasks_with_odd_fields(
    crowd: Simulator, opened: Callable[[Simulator], Watch]
) -> None:
    number = DEMO_IDS[0]
    crowd.set_status(number, "Running")
    watch = opened(crowd)
    watch.watch(number)
    watch.pass_time(1.0)
    crowd.population.set_answer(number, {"ProjectId": [], "BizDate": "2026-11-21"})
    odd: dict[str, object] = {
        "TaskName": ["a"], "TaskType": True, "RunNumber": "first", "StartedTime": "2026-11-21",
        "Runtime": "here", "RuntimeResource": {"ResourceGroupId": {}}, "Tags": "", "Timeout": {},
        "TriggerRecurrence": False,
    }  # fmt: skip
    first = number * 1000 + 1
    crowd.population.set_answer(first, odd)
    crowd.set_status(number, "Failure")
    watch.pass_time(2 * ROUND)
    task = next(task for task in watch.tasks(number) if task.id == first)
    assert task.status == "Success"
    assert {name for name, _ in task.unreadable} == {
        "task_name", "task_type", "run_number", "started_time", "process_id", "gateway",
        "resource_group_id", "tags", "timeout", "trigger_recurrence",
    }  # fmt: skip


ODD_ANSWER: dict[str, object] = {
    "Status": "Failure",
    "Owner": {"Id": 7},
    "Tags": {"Tag": []},
    "BizDate": "2026-11-21",
    "StartedTime": "2026-11-21T06:00:00Z",
    "UnifiedWorkflowInstanceId": 2**63,
    "WorkflowParameters": ["a=\x1b[2J"],
    "Name": 7,
}


def test_get_prints_what_it_can_read_and_says_what_it_cannot(
    command: Callable[..., tuple[int, str, str]], live: Simulator
) -> None:
    first, second = DEMO_IDS[:2]
    live.population.set_answer(first, ODD_ANSWER)
    code, table, err = command("get", str(first))
    said = dict(line.split(None, 1) for line in table.splitlines())
    odd = "Owner", "Tags", "BizDate", "StartedTime", "UnifiedWorkflowInstanceId"
    assert (code, err) == (0, "")
    assert (said["Status"], said["Name"]) == ("Failure", "7")
    assert {said[name] for name in (*odd, "WorkflowParameters")} == {"unreadable, -o json shows it"}

    printed = json.loads(command("get", str(first), "-o", "json")[1])
    assert ODD_ANSWER.items() <= printed.items()

    (line,) = csv.DictReader(command("get", str(first), "-o", "csv")[1].splitlines())
    assert (line["Status"], line["Owner"], line["Tags"]) == ("Failure", '{"Id":7}', '{"Tag":[]}')
    assert line["BizDate"] == '"2026-11-21"'

    fields = {name: command("get", str(first), "--field", name)[1].rstrip("\n") for name in odd}
    assert fields["Owner"] == '{"Id":7}'
    assert fields["BizDate"] == '"2026-11-21"'
    assert fields["UnifiedWorkflowInstanceId"] == str(2**63)

    code, lines, err = command("get", str(first), str(second))
    row = next(line for line in lines.splitlines() if line.startswith(str(first)))
    assert (code, err) == (0, "")
    assert row.count("unreadable") == 2  # business date and start
    live.population.restore(first)


@pytest.mark.parametrize(
    ("parameters", "shown", "hidden"),
    [
        ('a="x y=z" b=2', ['a="x y=z"', "b=2"], "(as it came)"),
        ("sql=select x where a=1 and b=2", ["sql=select x where a=1 and b=2"], "\0"),
        ('{"n": null, "s": "null", "t": true, "u": "1"}',
         ["n=null", 's="null"', "t=true", 'u="1"'], "(as it came)"),
    ],
)  # fmt: skip
def test_get_tears_no_parameter_and_tells_kinds_of_values_apart(
    command: Callable[..., tuple[int, str, str]],
    live: Simulator,
    parameters: str,
    shown: list[str],
    hidden: str,
) -> None:
    live.population.set_answer(DEMO_IDS[0], {"WorkflowParameters": parameters, "Tags": []})
    _, table, _ = command("get", str(DEMO_IDS[0]))
    said = [line.partition("  ")[2].strip() for line in table.splitlines()]
    assert set(shown) <= set(said)
    assert hidden not in table
    live.population.restore(DEMO_IDS[0])


def test_watch_ends_at_a_failure_with_odd_fields(
    command: Callable[..., tuple[int, str, str]], live: Simulator
) -> None:
    live.set_status(DEMO_IDS[0], "Running")
    live.population.set_answer(DEMO_IDS[0], ODD_ANSWER)
    code, out, _ = command("watch", str(DEMO_IDS[0]), "--timeout", "20")
    assert (code, "-> Failure" in out) == (1, True)
    live.population.restore(DEMO_IDS[0])


@pytest.mark.parametrize(
    "odd", [{"Id": True}, {"Id": 5}, {"Status": None}, {"Status": ["Failure"]}, {"Status": " "}]
)
def test_without_its_id_or_a_status_an_answer_says_nothing_and_that_is_said(
    crowd: Simulator, opened: Callable[[Simulator], Watch], odd: dict[str, object]
) -> None:
    crowd.set_status(DEMO_IDS[0], "Running")
    watch = opened(crowd)
    watch.watch(DEMO_IDS[0])
    watch.pass_time(1.0)
    crowd.population.set_answer(DEMO_IDS[0], odd)
    watch.pass_time(120.0)
    row = watch.row(DEMO_IDS[0])
    assert row.instance is not None
    assert (row.instance.status, row.is_live, row.last_change) == ("Running", False, None)
    trouble = row.trouble or watch.engine.snapshot.troubles[watch.target]
    assert "not used" in trouble.sentence


def test_an_unreadable_time_of_change_lets_older_answers_be_known_as_such(
    crowd: Simulator, opened: Callable[[Simulator], Watch]
) -> None:
    number = DEMO_IDS[0]
    crowd.set_status(number, "WaitResource")
    watch = opened(crowd)
    watch.watch(number)
    watch.pass_time(1.0)
    latest = int(START.timestamp() * 1000) + 30_000
    for fields in (
        {"Status": "Running", "ModifyTime": latest},
        {"Status": "Failure", "ModifyTime": "2026-11-21"},
        {"Status": "WaitTime", "ModifyTime": latest - 1},
    ):
        crowd.population.set_answer(number, fields)
        watch.engine.refresh(watch.key(number))
        watch.pass_time(2.0)
    assert [change.to_status for change in watch.engine.snapshot.transitions] == [
        "Failure",
        "Running",
    ]


def test_an_alert_names_frozen_tasks_that_have_been_read(
    simulator: Simulator, opened: Callable[[Simulator], Watch]
) -> None:
    simulator.set_status(FROZEN_ID, "Running")
    watch = opened(simulator)
    watch.watch(FROZEN_ID)
    watch.engine.display(watch.key(FROZEN_ID))
    watch.pass_time(60.0)
    progress = watch.row(FROZEN_ID).outlook.progress  # type: ignore[union-attr]
    assert progress is not None
    assert (progress.failed, progress.frozen) == (0, 1)
    watch.engine.display(None)
    watch.pass_time(60.0)
    simulator.calls.clear()
    simulator.set_status(FROZEN_ID, "Failure")
    watch.pass_time(2 * ROUND)

    assert watch.engine.snapshot.alert is not None
    assert watch.engine.snapshot.alert.text.endswith(", 1 frozen (clean_behavior_log)")
    assert simulator.calls.count("ListTaskInstances") == 1
