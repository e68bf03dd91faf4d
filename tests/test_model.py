import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.model import (
    FIELDS,
    FIELDS_AS_SENT,
    Spans,
    Tag,
    TaskInstance,
    WorkflowInstance,
    by_attention,
    pack,
    progress,
    slowest_chain,
    spans,
    unpack,
)

NOW = 1_000_000.0
TIMES = st.one_of(st.none(), st.integers(1, 2_000_000))
STATUSES = ["NotRun", "Running", "WaitTime", "WaitResource", "Failure", "Success", "Paused?"]


def task(number: int = 1, status: str = "Running", **fields: object) -> TaskInstance:
    return TaskInstance(id=number, status=status, **fields)  # type: ignore[arg-type]


def test_what_needs_somebody_comes_first() -> None:
    tasks = [
        task(1, "Success"),
        task(2, "NotRun"),
        task(3, "WaitResource"),
        task(4, "Running", started_time=20),
        task(5, "Running", started_time=10),
        task(6, "Frozen"),
        task(7, "Failure"),
    ]

    assert [t.id for t in by_attention(tasks)] == [7, 6, 5, 4, 3, 2, 1]


FROZEN = ["Pause", "PauseCalendar"]
DRY_RUN = [
    "Skip",
    "SkipUnchoose",
    "SkipCycle",
    "SkipCalendar",
    "ConditionUnchoose",
    "RealtimeDeprecated",
]


@pytest.mark.parametrize("recurrence", ["Normal", "Manual", "", "Novel", *FROZEN, *DRY_RUN])
@pytest.mark.parametrize("status", STATUSES)
def test_a_frozen_task_is_no_failure_and_a_dry_run_no_other_success(
    status: str, recurrence: str
) -> None:
    one = task(1, status, trigger_recurrence=recurrence)
    is_frozen = recurrence in FROZEN and status in {
        "Failure",
        "NotRun",
        "WaitTime",
        "WaitResource",
    }
    is_dry_run = recurrence in DRY_RUN and status == "Success"

    assert (one.is_frozen, one.is_dry_run) == (is_frozen, is_dry_run)
    assert one.word == ("frozen" if is_frozen else "dry run" if is_dry_run else status)
    found = progress([one])
    assert (found.frozen, found.dry_runs, found.total) == (is_frozen, is_dry_run, 1)
    assert found.failed == (status == "Failure" and not is_frozen)
    assert found.done == (status == "Success")


def test_progress_names_frozen_tasks_and_dry_runs() -> None:
    done = [task(n, "Success") for n in range(2)]
    frozen = task(3, "Failure", trigger_recurrence="Pause")
    dry = [task(n, "Success", trigger_recurrence="SkipCycle") for n in (4, 5)]

    assert str(progress([*done, frozen])) == "2/3 done, 1 frozen"
    assert str(progress([*done, dry[0]])) == "3/3 done, 1 dry run"
    assert str(progress([*done, frozen, *dry, task(6, "Failure")])) == (
        "4/6 done, 1 failed, 1 frozen, 2 dry runs"
    )


def test_frozen_tasks_follow_those_that_failed() -> None:
    tasks = [
        task(1, "Running"),
        task(2, "Failure", trigger_recurrence="Pause"),
        task(3, "NotRun", trigger_recurrence="PauseCalendar"),
        task(4, "Failure"),
        task(5, "Novel"),
    ]

    assert [t.id for t in by_attention(tasks)] == [4, 2, 3, 5, 1]


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["Success"] * 17 + ["Failure"] + ["Running"] * 3 + ["NotRun"] * 2, "17/23 done, 1 failed, 3 running"),
        (["Success", "NotRun"], "1/2 done"),
        (["Checking"], "0/1 done, 1 running"),
        ([], "0/0 done"),
    ],
)  # fmt: skip
def test_progress_counts_done_failed_and_running(statuses: list[str], said: str) -> None:
    assert str(progress([task(status=s) for s in statuses])) == said


def test_a_run_is_cut_into_waiting_for_time_for_resources_and_running() -> None:
    done = task(
        status="Success",
        waiting_trigger_time=1_000,
        waiting_resource_time=11_000,
        started_time=31_000,
        finished_time=91_000,
    )

    assert spans(done, NOW) == Spans(10.0, 20.0, 60.0)


def test_the_phase_that_goes_on_ends_now() -> None:
    running = task(waiting_resource_time=800_000, started_time=900_000)
    waiting = task(status="WaitResource", waiting_resource_time=800_000)

    assert spans(running, NOW) == Spans(None, 100.0, 100.0)
    assert spans(waiting, NOW) == Spans(None, 200.0, None)


def test_a_settled_task_without_an_end_has_no_duration() -> None:
    assert spans(task(status="Success", started_time=1_000), NOW).running is None


@given(TIMES, TIMES, TIMES, TIMES, st.sampled_from(STATUSES))
def test_no_times_give_a_negative_span(
    trigger: int | None, resource: int | None, started: int | None, over: int | None, status: str
) -> None:
    odd = task(
        status=status,
        waiting_trigger_time=trigger,
        waiting_resource_time=resource,
        started_time=started,
        finished_time=over,
    )

    found = spans(odd, NOW)

    assert all(s is None or s >= 0 for s in (found.for_time, found.for_resources, found.running))


def test_the_table_of_fields_holds_the_19_of_the_service_once_each() -> None:
    declared = [each.name for each in dataclasses.fields(WorkflowInstance)]
    ours = {"packed", "unknown_fields", "unreadable"}

    assert [each.attribute for each in FIELDS_AS_SENT] == [n for n in declared if n not in ours]
    assert len(FIELDS) == len({each.label for each in FIELDS}) == 19
    names = {each.service_name for each in FIELDS}
    assert {"Id", "WorkflowTaskInstanceId", "UnifiedWorkflowInstanceId", "BizDate"} <= names


def ran(
    number: int, waits: int, starts: int, ends: int | None, status: str = "Success"
) -> TaskInstance:
    """A task by the seconds at which it began to wait, started and ended."""
    times = (None if at is None else at * 1000 for at in (waits, starts, ends))
    names = ("waiting_resource_time", "started_time", "finished_time")
    return task(number, status, **dict(zip(names, times, strict=True)))


def test_the_slowest_chain_leads_to_the_end_over_what_each_waited_for() -> None:
    tasks = [
        ran(1, 10, 12, 100),
        ran(2, 10, 10, 90),
        ran(3, 100, 140, 300),
        ran(4, 90, 95, 250),
        ran(5, 303, 310, None, "Running"),
        task(6, "NotRun"),
    ]

    assert [each.id for each in slowest_chain(tasks, NOW)] == [1, 3, 5]
    assert slowest_chain([task(1, "NotRun")], NOW) == []


@given(st.lists(st.tuples(TIMES, TIMES, TIMES, st.sampled_from(STATUSES)), max_size=8))
def test_no_task_is_on_the_slowest_chain_twice_nor_out_of_order(
    made: list[tuple[int | None, int | None, int | None, str]],
) -> None:
    tasks = [
        task(n, status, waiting_resource_time=waits, started_time=starts, finished_time=ends)
        for n, (waits, starts, ends, status) in enumerate(made)
    ]

    found = slowest_chain(tasks, NOW)

    ends = [each.finished_time or NOW for each in found]
    assert len({each.id for each in found}) == len(found)
    assert ends == sorted(ends)


@given(st.text(), st.text())
def test_a_packed_text_comes_back_and_is_equal_where_the_text_is(one: str, other: str) -> None:
    assert [unpack(pack(text)) for text in (one, other)] == [one, other]
    assert (pack(one) == pack(other)) is (one == other)


def test_a_tag_without_a_value_reads_as_its_key() -> None:
    assert (Tag("pii", "").words, Tag("layer", "dwd").words) == ("pii", "layer:dwd")
