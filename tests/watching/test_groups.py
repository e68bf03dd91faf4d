from collections.abc import Sequence

from fakes import BINDING, key
from hypothesis import example, given
from hypothesis import strategies as st

from wfinspect.watching.api import Group
from wfinspect.watching.groups import BatchPlanner


def calls(partition: Sequence[int], *, polled: int = 0) -> int:
    """The calls until all are placed, of new instances in the groups of the given numbers.

    Meanwhile the first group, of so many others, is polled.
    """
    planner, made = BatchPlanner(), 0
    groups = {key(n): Group(BINDING, number, "Prod", 1) for n, number in enumerate(partition)}
    known = dict.fromkeys((key(10_000 + n) for n in range(polled)), Group(BINDING, 0, "Prod", 1))
    for each, group in known.items():
        planner.add(each, group)
    for each in groups:
        planner.add(each, None)
    waiting = dict.fromkeys(groups)
    while waiting:
        keys, group = planner.place(next(iter(waiting)), 0.0)
        found = {each: groups[each] for each in keys if group in {None, groups[each]}}
        planner.answered(keys, group, found, 0.0)
        made += 1
        for each in found:
            del waiting[each]
        for group in {*known.values()}:
            planner.answered([*known], group, known, 0.0)
    return made


def test_groups_of_neighbours_cost_two_calls_for_a_hundred() -> None:
    assert calls([n // 100 for n in range(1000)]) <= 20


def test_groups_of_a_few_neighbours_cost_less_than_single_calls() -> None:
    assert calls([n * 2 // 5 for n in range(1000)]) <= 800


def test_groups_that_lie_mixed_cost_no_search_for_each_instance() -> None:
    assert calls([n % 10 for n in range(1000)]) <= 65


def test_one_that_shares_nothing_keeps_the_others_in_their_lists() -> None:
    assert calls([0] + [1] * 99) <= 8


@given(st.lists(st.integers(0, 40), max_size=200), st.sampled_from([0, 100]))
@example([*range(100)], 100)
def test_no_partition_costs_more_than_a_fifth_above_single_calls(
    partition: list[int], polled: int
) -> None:
    assert calls(partition, polled=polled) <= 1.2 * len(partition) + 1


def test_a_poll_ends_no_search() -> None:
    assert calls([0] * 100, polled=100) == calls([0] * 100)
