from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from itertools import pairwise

import pytest
from fakes import BINDING, START, instance, key, ms
from hypothesis import given
from hypothesis import strategies as st
from values import replace

from wfinspect.errors import NotFound, Throttled
from wfinspect.model import Dependency, Direction, Page, TaskInstance
from wfinspect.watching.api import DependenciesOf, InstanceOf, Reply, Request, TaskOf, TasksOf
from wfinspect.watching.dependencies import Dependencies, DependencySearch, Walk, explore

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
STATES = ("NotRun", "Running", "Failure", "Success", "WaitTime", "Odd", "frozen")
PAGE = 2
"""So small that most tasks have several."""

Graph = Mapping[int, Sequence[int]]


def task(number: int, state: str = "NotRun", **fields: object) -> TaskInstance:
    if state == "frozen":
        state, fields = "NotRun", {"trigger_recurrence": "Pause", **fields}
    values: dict[str, object] = {"task_name": f"t{number}", "workflow_name": f"w{number // 10}"}
    return TaskInstance(number, status=state, **(values | fields))  # type: ignore[arg-type]


class World:
    """Tasks and who is next to whom; what is read is written down."""

    def __init__(self, graph: Graph, states: Mapping[int, str], **fields: object) -> None:
        self.tasks = {n: task(n, states.get(n, "NotRun"), **fields) for n in graph}
        self.graph = graph
        self.read: list[tuple[int, int]] = []

    def page(self, number: int, at: int) -> Page[Dependency]:
        self.read.append((number, at))
        found = [Dependency(self.tasks[n], "Normal") for n in self.graph[number]]
        items = tuple(found[(at - 1) * PAGE : at * PAGE])
        return Page(items, at, len(found), is_last=at * PAGE >= len(found))

    def walk(self, direction: Direction, *starts: int, most: int = 10_000) -> Dependencies:
        walk = Walk(direction, [self.tasks[n] for n in starts])
        for _ in range(most):
            if (step := walk.next()) is None:
                break
            walk.learn(step[0], self.page(*step))
        return walk.found()


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, list[int]]:
    count = draw(st.integers(1, 9))
    numbers = st.integers(1, count)
    graph = {n: draw(st.lists(numbers, max_size=5, unique=True)) for n in range(1, count + 1)}
    states = {n: draw(st.sampled_from(STATES)) for n in graph}
    starts = draw(st.lists(numbers, min_size=1, max_size=3, unique=True))
    return World(graph, states), starts


def reference(world: World, starts: Sequence[int], direction: Direction) -> Iterator[TaskInstance]:
    """All that a search without a budget comes to, depth first."""
    seen: set[int] = set()

    def visit(number: int) -> None:
        if number in seen:
            return
        seen.add(number)
        each = world.tasks[number]
        begun = each.status != "NotRun" or (direction is UP and each.is_frozen)
        holds = direction is DOWN and number in starts and each.status != "Success"
        if holds or not begun:
            for other in world.graph[number]:
                visit(other)

    for number in starts:
        visit(number)
    return (world.tasks[number] for number in seen)


@given(worlds(), st.integers(0, 12), st.sampled_from([UP, DOWN]))
def test_it_ends_and_reads_no_page_twice(
    made: tuple[World, list[int]], most: int, direction: Direction
) -> None:
    world, starts = made

    found = world.walk(direction, *starts, most=most)

    assert len(world.read) == len(set(world.read)) <= most
    assert all(world.tasks[number].task_name for number, _ in world.read)
    if found.unread:
        assert len(world.read) == most


@given(worlds())
def test_upstream_it_finds_exactly_what_blocks(made: tuple[World, list[int]]) -> None:
    world, starts = made

    found = world.walk(UP, *starts)

    blocking = {
        each.id
        for each in reference(world, starts, UP)
        if (each.status != "NotRun" or each.is_frozen) and each.status != "Success"
    }
    dead_ends = {
        each.id
        for each in reference(world, starts, UP)
        if each.status == "NotRun"
        and not each.is_frozen
        and all(world.tasks[n].status == "Success" for n in world.graph[each.id])
    }
    assert {each.task.id for each in found.tasks} == blocking | dead_ends
    assert len(found.tasks) == len(blocking) + len(dead_ends)
    assert found.unread == 0
    states = [each.task.word for each in found.tasks]
    order = ("Failure", "frozen", "Odd", "Running", "WaitTime", "NotRun")
    assert states == sorted(states, key=order.index)


@given(worlds())
def test_downstream_it_finds_exactly_what_has_not_begun(made: tuple[World, list[int]]) -> None:
    world, starts = made

    found = world.walk(DOWN, *starts)

    held = {e.id for e in reference(world, starts, DOWN) if e.status == "NotRun"} - {*starts}
    assert sorted(each.task.id for each in found.tasks) == sorted(held)
    assert (found.between, found.unread) == ((), 0)


@given(worlds())
def test_a_way_leads_from_a_start_to_each_by_its_level(made: tuple[World, list[int]]) -> None:
    world, starts = made

    found = world.walk(UP, *starts)

    for each in (*found.tasks, *found.between):
        if each.level == 0:
            assert each.task.id in starts
            continue
        way = [*(one.id for one in each.through), each.task.id]
        assert len(way) == each.level
        assert any(way[0] in world.graph[start] for start in starts)
        assert all(b in world.graph[a] for a, b in pairwise(way))


def test_the_nearest_are_read_first_and_what_is_left_is_counted() -> None:
    world = World({1: [2, 3], 2: [4], 3: [5], 4: [], 5: [6], 6: []}, {4: "Success", 6: "Failure"})

    found = world.walk(UP, 1, most=3)

    assert world.read == [(1, 1), (2, 1), (3, 1)]
    assert (found.unread, found.sentence("It")) == (
        1,
        "It waits for at least 1 task not begun, with 2 in between not begun.",
    )
    assert (
        world.walk(UP, 1).sentence("It")
        == "It waits for 1 failed task, 1 task not begun, with 2 in between not begun."
    )
    assert world.walk(UP, 1, most=0).sentence("It") == "What it waits for is not known yet."
    assert world.walk(DOWN, 1, most=0).sentence("t1") == "What waits for t1 is not known yet."
    assert World({1: []}, {}).walk(DOWN, 1).sentence("It") == "Nothing waits for it."


def test_of_an_instances_tasks_those_that_others_wait_for_lead_out_of_it() -> None:
    # 11 to 14 are its tasks, of which 14 waits for 12, and 12 for 21, which is of another instance.
    world = World(
        {11: [14], 12: [21], 13: [14], 14: [12], 21: [31], 31: []}, {31: "Failure", 21: "NotRun"}
    )

    found = world.walk(UP, 11, 12, 13, 14, most=4)

    assert [number for number, _ in world.read] == [11, 14, 12, 21]
    assert [(each.task.id, each.level, each.path) for each in found.tasks] == [(31, 2, "w2: t21")]


def test_downstream_it_follows_what_failed_last_out_of_the_instance_first() -> None:
    # 11 to 16 are of one instance, of which 11 and 12 failed; what waits for 12 leads to 21 and 31.
    world = World(
        {11: [13, 14], 12: [15], 13: [], 14: [], 15: [21, 16], 16: [31], 21: [22], 22: [], 31: []},
        {11: "Failure", 12: "Failure"},
    )
    for number, each in world.tasks.items():
        began = {11: 1, 12: 2}.get(number)
        of = number // 10
        world.tasks[number] = replace(each, workflow_instance_id=of, started_time=began)

    for starts in (range(11, 17), (11, 12)):
        world.read.clear()
        found = world.walk(DOWN, *starts, most=3)
        assert [number for number, _ in world.read] == [12, 15, 16]
        assert {21, 31} <= {each.task.id for each in found.tasks}
    found = world.walk(DOWN, *range(11, 17))
    assert [number for number, _ in world.read[-6:]] == [11, 13, 14, 31, 21, 22]
    assert found.unread == 0


def test_of_an_instance_its_own_tasks_are_said_apart() -> None:
    states = {
        1: "Running",
        2: "WaitResource",
        3: "WaitResource",
        4: "Failure",
        7: "{} Odd",
        8: "Running",
    }
    world = World({1: [], 2: [], 3: [], 4: [], 5: [6], 6: [8], 7: [], 8: []}, states)

    running = "Of its own tasks, 1 is running, 2 wait for resources"
    assert world.walk(UP, 1, 2, 3).sentence("It", is_of_tasks=True) == f"{running}."
    failed = world.walk(UP, 4).sentence("t", is_of_tasks=True)
    assert failed == "Of t's own tasks, 1 failed."
    odd = world.walk(UP, 4, 5, 7).sentence("t", is_of_tasks=True)
    behind = "It waits for 1 running task, with 1 in between not begun."
    assert odd == f"Of t's own tasks, 1 failed, 1 is in state {{}} Odd. {behind}"
    few = world.walk(UP, 5, most=1).sentence("It", is_of_tasks=True)
    behind = "1 of 2 tasks looked at, with 1 in between not begun"
    assert few == f"What it waits for is not known yet: {behind}."


def test_a_failure_that_holds_up_only_its_own_run_says_so() -> None:
    world = World({1: [2], 2: [3], 3: []}, {1: "Failure"}, workflow_instance_id=9)
    said = "No other workflow waits for it; 2 of its own tasks have not begun."

    assert world.walk(DOWN, 1, 2, 3).sentence("It", is_of_tasks=True) == said
    said = "Nothing waits for it."
    assert world.walk(DOWN, 3).sentence("It", is_of_tasks=False) == said
    world = World({1: [2], 2: []}, {1: "Failure", 2: "Success"}, workflow_instance_id=9)
    assert world.walk(DOWN, 1, 2).sentence("It", is_of_tasks=True) == said


def test_a_walk_ends_where_tasks_wait_for_each_other() -> None:
    world = World({1: [2], 2: [3], 3: [4], 4: [2]}, {})

    assert [world.walk(direction, 1).unread for direction in (UP, DOWN)] == [0, 0]


def test_what_is_late_comes_before_what_runs_and_what_is_followed_before_the_rest() -> None:
    world = World({1: [2, 3, 4], 2: [], 3: [], 4: []}, {2: "Running", 3: "Running", 4: "Failure"})
    walk = Walk(UP, [world.tasks[1]])
    while step := walk.next():
        walk.learn(step[0], world.page(*step))
    found = walk.found(is_late=lambda each: each.id == 3)
    assert [each.word for each in found.tasks] == ["Failure", "Running late", "Running"]

    world = World({1: [2, 3], 2: [], 3: []}, {1: "Failure"}, owner="1823", project_id=88123)
    walk = Walk(DOWN, [world.tasks[1]])
    while step := walk.next():
        walk.learn(step[0], world.page(*step))
    found = walk.found(is_followed=lambda each: each.id == 3)
    assert [each.task.id for each in found.tasks] == [3, 2]
    assert (
        found.sentence("It")
        == "It holds up 2 tasks of 1 workflow, w0, in workspace 88123, owned by 1823."
    )


def test_what_is_held_up_in_the_same_run_is_counted_apart() -> None:
    world = World({1: [2, 3], 2: [4], 3: [], 4: []}, {1: "Failure"}, workflow_instance_id=9)
    assert world.walk(DOWN, 1).sentence("It") == "It holds up 3 tasks of its own run."
    few = world.walk(DOWN, 1, most=1).sentence("It")
    assert few == "It holds up at least 2 tasks of its own run."
    world.tasks[4] = replace(world.tasks[4], workflow_instance_id=8, project_id=7, owner="a")
    said = "It holds up 2 tasks of its own run and 1 task of 1 other workflow, w0,"
    assert world.walk(DOWN, 1).sentence("It") == f"{said} in workspace 7, owned by a."
    world.tasks[3] = replace(world.tasks[3], workflow_instance_id=6, project_id=5, owner="b")
    world.tasks[2] = replace(world.tasks[2], workflow_instance_id=8, project_id=7, owner="c")
    assert world.walk(DOWN, 1).sentence("It") == (
        "It holds up 3 tasks of 2 workflows: 2 in workspace 7, owned by c (1), a (1); "
        "1 in workspace 5, owned by b."
    )


# As requests.


class Answers:
    """What a service gives to a search."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sent: list[Request[object]] = []
        self.lost: set[int] = set()

    async def __call__(self, request: Request[object]) -> Reply[object]:
        self.sent.append(request)
        match request:
            case TasksOf():
                value: object = Page(tuple(self.world.tasks.values())[:2], 1, 2, is_last=True)
            case TaskOf(task_id=number):
                value = self.world.tasks[number]
            case DependenciesOf(task_id=number, page=at):
                if number in self.lost:
                    raise NotFound("past its retention")
                value = self.world.page(number, at)
        return Reply(value, START, calls=1)


WORLD = World({11: [12], 12: [21], 21: [31], 31: []}, {31: "Failure"})
KEY = key(1)


def begun(direction: Direction, status: str) -> DependencySearch:
    search = DependencySearch(direction, InstanceOf(KEY))
    search.take(Reply(instance(1, status), START))
    return search


@pytest.mark.parametrize(
    ("direction", "status", "first"),
    [
        (UP, "Running", TasksOf(KEY)),
        (UP, "NotRun", TasksOf(KEY)),
        (DOWN, "Failure", TasksOf(KEY)),
        (UP, "WaitTime", None),
        (UP, "Success", None),
        (DOWN, "Success", None),
    ],
)
def test_no_call_is_spent_where_its_status_says_it(
    direction: Direction, status: str, first: object
) -> None:
    search = begun(direction, status)

    assert search.request == first
    if first is None:
        assert (search.found().tasks, search.spent) == ((), "")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("WaitTime", "It has been waiting for its own time since 06:30 UTC."),
        ("WaitResource", "It has been waiting for resources since 06:30 UTC."),
        ("WaitTrigger", "It has been waiting for a trigger from outside since 06:30 UTC."),
        ("CheckingCondition", "It has been waiting for the check of a condition since 06:30 UTC."),
        ("Success", "It is over: it waits for nothing."),
        ("Failure", "It is over: it waits for nothing."),
        ("Running", "It has begun: it waits for nothing."),
        ("frozen", "It is frozen: it waits for nothing."),
        ("Odd", "It waits for 1 task in state Odd."),
    ],
)
def test_what_its_own_state_explains_is_a_sentence_without_a_row(state: str, said: str) -> None:
    search = DependencySearch(UP, TaskOf(BINDING, 1))
    search.take(Reply(task(1, state, modify_time=ms(START)), START))

    found = search.found()

    assert search.sentence(found, "It", UTC, START) == said
    assert len(found.tasks) == (state == "Odd")


async def test_a_budget_ends_it_and_a_higher_one_goes_on_where_it_was() -> None:
    search, answers = DependencySearch(UP, TaskOf(BINDING, 11)), Answers(WORLD)

    await explore(search, answers, 2)
    assert (search.calls, search.walk.found().unread) == (2, 1)
    await explore(search, answers, 10)

    assert answers.sent == [
        TaskOf(BINDING, 11),
        *(DependenciesOf(BINDING, number, UP) for number in (11, 12, 21)),
    ]
    assert search.name == "t11"
    said = search.walk.found().sentence("It")
    assert said == "It waits for 1 failed task, with 2 in between not begun."


async def test_a_task_past_its_retention_is_counted_and_any_other_error_ends_it() -> None:
    search, answers = DependencySearch(UP, TaskOf(BINDING, 11)), Answers(WORLD)
    answers.lost = {21}
    await explore(search, answers, 10)
    found = search.walk.found()
    assert (found.tasks, found.lost, found.unread) == ((), 1, 0)

    search = begun(UP, "Running")
    request = search.request
    with pytest.raises(Throttled):
        search.take(Throttled("later"))
    assert search.request == request
