"""A workflow's tasks: what each is, which it waits for, and how a run of them is laid out. Pure.

Knows no moment: a layout counts in parts of the run, 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from wfinspect.simulator.catalogue import INSTANCES, MANY_TASKS_ID

_COUNTS = {p.workflow.id: 500 for p in INSTANCES if p.id == MANY_TASKS_ID}
_FEWEST, _MOST = 4, 30
_REACH = 8
"""How far back the tasks lie that one waits for."""
_PER_LANE = 250
"""Tasks that make one more run at once, of which there are 2 at least: some have to wait."""
_TWO_FAIL = 0.5
"""Share of the failing layouts in which another task fails, too."""

_VERBS = (
    ("ODPS_SQL", "build"),
    ("DI", "load"),
    ("ODPS_SQL", "join"),
    ("PYODPS3", "score"),
    ("ODPS_SQL", "clean"),
    ("SHELL", "export"),
    ("HOLOGRES_SQL", "serve"),
    ("VIRTUAL", "gather"),
)
_FAILING = "ODPS_SQL"
"""The type of all tasks that fail."""

_THINGS = (
    "behavior_log",
    "profile_wide",
    "login_event",
    "order_item",
    "pay_bill",
    "shop_uv",
    "tag_vector",
    "coupon_use",
    "region_dim",
    "member_level",
)
_NAMES = tuple((kind, f"{verb}_{thing}") for thing in _THINGS for kind, verb in _VERBS)


@dataclass(frozen=True, slots=True)
class Task:
    """A task's definition."""

    number: int
    """From 1 within its workflow; it waits only for lower ones."""
    name: str
    type: str
    upstream: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task, in parts of its instance's run."""

    waits: float
    """From here on it waits for resources."""
    starts: float
    ends: float
    """1 for the task that ends the instance's run, and for no other."""
    fails: bool


Layout = Mapping[int, Sequence[Attempt]]
"""By the task's number its attempts, one or two; a task behind one that failed has none."""


@lru_cache(maxsize=256)
def tasks_of(seed: int, workflow_id: int) -> tuple[Task, ...]:
    """The tasks of a workflow: one that begins, one that ends, and a graph of 2 or more between."""
    luck = Random(f"{seed}/{workflow_id}/tasks")
    count = _COUNTS.get(workflow_id) or luck.randint(_FEWEST, _MOST)
    names = luck.sample(_NAMES, len(_NAMES))
    # So that each workflow has one that can fail.
    names.insert(0, names.pop(next(i for i, (kind, _) in enumerate(names) if kind == _FAILING)))
    tasks = [Task(1, "check_source_ready", "SHELL", ())]
    for number in range(2, count):
        cycle, place = divmod(number - 2, len(names))
        kind, name = names[place]
        near = range(max(1, number - _REACH), number)
        upstream = luck.sample(near, min(len(near), luck.choice((1, 1, 2))))
        tasks.append(
            Task(number, name + (f"_{cycle + 1}" if cycle else ""), kind, tuple(sorted(upstream)))
        )
    awaited = {number for task in tasks for number in task.upstream}
    loose = tuple(task.number for task in tasks if task.number not in awaited)
    return (*tasks, Task(count, "publish_result", "HOLOGRES_SQL", loose))


@lru_cache(maxsize=256)
def layout_of(seed: int, workflow_id: int, instance_id: int, *, fails: bool) -> Layout:
    """How a run of an instance spends its time; its workflow's other instances do nearly alike.

    Where it fails, one task fails at its very end, sometimes another one before. One task succeeds
    only at its second attempt.
    """
    tasks = tasks_of(seed, workflow_id)
    usual = Random(f"{seed}/{workflow_id}/layout")
    luck = Random(f"{seed}/{instance_id}/layout")
    lengths = {
        t.number: (0.02 if t.type == "VIRTUAL" else usual.expovariate(1) + 0.3)
        * luck.uniform(0.9, 1.1)
        for t in tasks
    }
    able = [t.number for t in tasks if t.type == _FAILING]
    repeated = usual.choice(able)
    failing = _failing(tasks, able, usual) if fails else ()
    last = failing[0] if failing else len(tasks)
    dead = _behind(tasks, failing)
    alive = [t for t in tasks if t.number not in dead]
    lanes = [0.0] * (2 + len(tasks) // _PER_LANE)
    spans: dict[int, tuple[float, float, float]] = {}
    for task in sorted(alive, key=lambda t: t.number == last):
        lane = lanes.index(min(lanes))
        waits = max((spans[n][2] for n in task.upstream), default=0.0)
        starts = max(waits + 0.1, lanes[lane]) if task.upstream else 0.0
        lanes[lane] = starts + lengths[task.number]
        if task.number == last:
            lanes[lane] = max(lanes) * 1.02
        spans[task.number] = (waits, starts, lanes[lane])
    total = spans[last][2]
    return {
        number: _attempts(
            *(at / total for at in span), fails=number in failing, repeated=number == repeated
        )
        for number, span in spans.items()
    }


def _attempts(
    waits: float, starts: float, ends: float, *, fails: bool, repeated: bool
) -> tuple[Attempt, ...]:
    if not repeated:
        return (Attempt(waits, starts, ends, fails),)
    breaks, again = starts + (ends - starts) * 0.4, starts + (ends - starts) * 0.5
    return Attempt(waits, starts, breaks, fails=True), Attempt(breaks, again, ends, fails)


def _failing(tasks: Sequence[Task], able: Sequence[int], luck: Random) -> tuple[int, ...]:
    """The task that ends a run, from the later half of the able, and perhaps one that fails before."""
    last = luck.choice(able[len(able) // 2 :])
    ahead = {last}
    for task in reversed(tasks):
        if task.number in ahead:
            ahead.update(task.upstream)
    others = sorted(set(able) - ahead - _behind(tasks, (last,)))
    return (last, luck.choice(others)) if others and luck.random() < _TWO_FAIL else (last,)


def _behind(tasks: Sequence[Task], numbers: Sequence[int]) -> set[int]:
    """The tasks that wait for some, directly or not."""
    found = set(numbers)
    for task in tasks:
        if not found.isdisjoint(task.upstream):
            found.add(task.number)
    return found - set(numbers)
