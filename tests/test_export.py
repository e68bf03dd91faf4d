import re
import shlex
from datetime import UTC

import pytest
from fakes import START, instance, ms
from hypothesis import given, settings
from hypothesis import strategies as st
from task_scenes import TASKS, task
from values import replace

from wfinspect.export import (
    BY_HAND,
    commands_by_hand,
    compared_fields,
    compared_tasks,
    csv_table,
    has_yet_to_begin,
)
from wfinspect.format import shown
from wfinspect.model import Target, TaskInstance, WorkflowInstance

NOW = ms(START)
DAY = 86_400_000
TODAY = 1_789_574_400_000
"""2026-09-17 in China."""


def run_of(days_ago: int, parameters: str, **fields: object) -> WorkflowInstance:
    number = 7_000 - days_ago
    made = instance(number, biz_date=TODAY - days_ago * DAY, workflow_parameters=parameters)
    return replace(made, unified_workflow_instance_id=number + 500_000, **fields)


def labels(first: WorkflowInstance, second: WorkflowInstance) -> tuple[list[str], list[str]]:
    found = compared_fields(first, second, "cn-shanghai", UTC)
    differs = [each for each in found if not each.is_equal]
    return (
        [each.label for each in differs if not each.is_of_run],
        [each.label for each in differs if each.is_of_run],
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("20260917", "20260916"),
        ("2026-09-18", "2026-09-17"),
        ("20260918003000", "20260917003000"),
        ("dt=20260916/hh", "dt=20260915/hh"),
        ("run 7000", "run 6999"),
    ],
)
def test_what_is_made_of_the_business_date_differs_in_every_run(first: str, second: str) -> None:
    odd, usual = labels(run_of(0, f"day={first}"), run_of(1, f"day={second}"))

    assert odd == []
    assert "$day" in usual
    assert {"ID", "Business date"} <= set(usual)


@pytest.mark.parametrize(
    ("first", "second"),
    [("20260917", "20260917x"), ("20260917", "20260914"), ("3", "4"), ("17000", "26999")],
)
def test_what_is_not_is_out_of_the_usual(first: str, second: str) -> None:
    assert labels(run_of(0, f"day={first}"), run_of(1, f"day={second}"))[0] == ["$day"]


def test_a_key_that_one_of_them_has_not_is_out_of_the_usual() -> None:
    assert labels(run_of(0, "day=1 more=2"), run_of(1, "day=1"))[0] == ["$more"]


def names(*found: tuple[TaskInstance, ...]) -> list[str]:
    return [each.name for each in compared_tasks(*found, NOW)]


def test_a_task_that_failed_comes_first_then_what_ran_in_one_only_then_what_took_longer() -> None:
    ok = [task(n, name, "Success", started=30, finished=20) for n, name in enumerate("abcd", 1)]
    mine = (
        replace(ok[0], finished_time=(ok[0].finished_time or 0) + 1000),
        replace(ok[1], status="Failure"),
        replace(ok[2], status="Failure", trigger_recurrence="Pause"),
        replace(ok[3], finished_time=(ok[3].finished_time or 0) + 9000),
    )

    assert names(mine, tuple(ok)) == ["b", "c", "d", "a"]
    assert [each.change(NOW) for each in compared_tasks(mine, ok, NOW)] == [
        "",
        "",
        "9s more",
        "1s more",
    ]
    assert names(tuple(ok), mine) == ["b", "c", "d", "a"]


def test_a_task_that_has_yet_to_run_comes_behind_all_others() -> None:
    ok = [task(n, name, "Success", started=30, finished=20) for n, name in enumerate("abc", 1)]
    mine = (task(1, "a", "NotRun"), ok[1], task(3, "c", "WaitResource"))

    assert names(mine, tuple(ok)) == ["b", "a", "c"]
    assert not has_yet_to_begin(mine)
    assert has_yet_to_begin((mine[0], mine[2]))
    assert not has_yet_to_begin(())


def loads(first_id: int, ran: dict[int, int]) -> tuple[TaskInstance, ...]:
    """Tasks of one name, each by its task's ID with the minutes it ran."""
    return tuple(
        task(number, "load", "Success", task_id=it, started=90, finished=90 - minutes)
        for number, (it, minutes) in enumerate(ran.items(), first_id)
    )


def test_tasks_of_one_name_are_kept_apart_by_their_task_and_then_by_order() -> None:
    twice = task(9, "load", "Success", task_id=7, started=50, finished=49)

    assert names(loads(5, {7: 9, 8: 2}), loads(1, {8: 2})) == ["load (task 7)", "load (task 8)"]
    both = (*loads(1, {7: 3}), twice)
    assert names(both, both) == ["load (task 7)", "load (task 7) (2)"]


def test_each_task_of_both_is_there_once() -> None:
    assert sorted(names(TASKS, TASKS[:2])) == sorted(each.task_name for each in TASKS)


HOSTILE = (
    "a b",
    "'; rm -rf ~ #",
    '"',
    "$(id)",
    "`id`",
    "\n",
    "\x1b[201~",
    "!!",
    "#",
    "|",
    "&",
    "\\",
    "\ud800",
    "~",
    "=",
    "*",
)
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), max_size=4).map("".join)


@settings(max_examples=60, deadline=None)
@given(hostile, hostile.filter(lambda text: not text.startswith("(")), hostile)
def test_a_command_is_one_line_of_known_words_whatever_the_names(
    name: str, profile: str, region: str
) -> None:
    target = Target(profile, region, f"dataworks.{region}.aliyuncs.com")
    failed = [task(1, name, "Failure"), task(2, name, "Failure")]
    commands = commands_by_hand(target, instance(7, "Failure", name=name), failed)

    assert [*commands] == ["Rerun", "Set success"]
    for command, operation in zip(commands.values(), BY_HAND.values(), strict=True):
        words = ["aliyun", "dataworks-public", operation, "--Ids", "[1,2]", "--region"]
        assert shlex.split(command, comments=True) == [
            *(*words, shown(region), "--profile", shown(profile)),
        ]
        assert command.isprintable()
        # Not even where a shell takes the comment for more words.
        assert re.search(r" # [\w .,:/-]*\Z", command)


def test_a_command_names_an_endpoint_that_is_not_the_usual_one_and_no_profile_that_is_none() -> (
    None
):
    target = Target("(env)", "cn-shanghai", "dataworks-vpc.cn-shanghai.aliyuncs.com")
    command = commands_by_hand(target, instance(7, name="x"), [task(1, "load", "Failure")])["Rerun"]

    assert command == (
        "aliyun dataworks-public RerunTaskInstances --Ids '[1]' --region cn-shanghai "
        "--endpoint dataworks-vpc.cn-shanghai.aliyuncs.com # x 7: load"
    )
    assert commands_by_hand(target, instance(7), []) == {}


def test_several_values_are_one_cell_of_a_csv_whatever_holds_them() -> None:
    text = csv_table(["Through", "Names"], [[[1, 2], ("=a", "b")]], UTC)

    assert text == "Through,Names\n1;2,'=a;b"
