from pathlib import Path

import pytest

from wfinspect.dataworks.decoding import decode_log, decode_page, decode_task, decode_tasks
from wfinspect.errors import BadAnswer, NotFound
from wfinspect.model import Family, Tag

SAMPLES = Path(__file__).parents[1] / "samples"
TASK = 55021998313


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_the_tasks_of_a_page_are_read_with_what_stands_within_their_fields() -> None:
    page = decode_tasks(sample("list_tasks.json"), 1, 500)
    task = page.items[0]

    assert (page.total, page.is_last) == (3, True)
    assert (task.id, task.task_id, task.task_name) == (TASK, 700021, "dwd_orders_clean")
    assert task.family is Family.FAILURE
    assert task.owner == "1000"
    assert (task.process_id, task.gateway) == ("T3_1", "gw-1")
    assert task.resource_group_id == "S_res_group_1"
    assert task.script_parameters == "bizdate=20250331 "
    assert (task.baseline_id, task.timeout) == (None, None)
    assert task.unknown_fields == ("Novel",)
    assert task.raw.startswith('{"Id":55021998313,')


def test_runs_of_one_task_are_told_apart() -> None:
    runs = decode_tasks(sample("list_tasks.json"), 1, 500).items

    assert [(t.id, t.run_number) for t in runs] == [(TASK, 2), (TASK, 1), (TASK + 1, None)]


def test_times_that_mean_not_yet_are_none_for_tasks_too() -> None:
    waiting = decode_tasks(sample("list_tasks.json"), 1, 500).items[2]

    assert (waiting.started_time, waiting.finished_time) == (None, None)


def test_a_task_comes_with_its_script_and_tags() -> None:
    task = decode_task(sample("get_task.json"), TASK)

    assert task.script_content == "select 1\nfrom t;\n"
    assert task.script_parameters == "a=1 b=2"
    assert task.tags == (Tag("team", "growth"),)
    assert task.unknown_fields == ()


def test_an_answer_without_a_task_or_with_another_one_is_no_task() -> None:
    with pytest.raises(NotFound, match="no task instance 5 "):
        decode_task(b'{"TaskInstance": { }, "RequestId": "R"}', 5)
    with pytest.raises(BadAnswer, match="holds no TaskInstance"):
        decode_task(b'{"RequestId": "R"}', 5)
    with pytest.raises(BadAnswer, match="asked for task instance 5"):
        decode_task(sample("get_task.json"), 5)


@pytest.mark.parametrize(
    ("body", "log"),
    [
        (b'{"TaskInstanceLog":"a\\nb\\u001b[31m\\ud83d"}', "a\nb\x1b[31m\ufffd"),
        (b'{"TaskInstanceLog":null}', ""),
        (b"{}", ""),
    ],
)
def test_a_log_is_kept_as_it_came(body: bytes, log: str) -> None:
    assert decode_log(body) == log


def test_a_log_that_is_no_text_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="no text"):
        decode_log(b'{"TaskInstanceLog":[1]}')


@pytest.mark.parametrize(
    ("paging", "number", "is_last"),
    [
        (b'"TotalCount":21,"PageSize":10', 2, False),
        (b'"TotalCount":"20","PageSize":"10"', 2, True),
        (b'"PageSize":10', 1, True),
        (b'"PageSize":2', 1, False),
        (b'"TotalCount":50,"PageSize":2', 3, False),
    ],
)
def test_the_last_page_is_known_also_where_the_service_makes_its_pages_smaller(
    paging: bytes, number: int, is_last: bool
) -> None:
    body = b'{"PagingInfo":{%s,"TaskInstances":[{"Id":1},{"Id":2}]}}' % paging

    assert decode_tasks(body, number, 100).is_last == is_last


def test_an_empty_page_is_the_last_whatever_the_total_says() -> None:
    body = b'{"PagingInfo":{"TotalCount":99,"WorkflowInstances":[]}}'

    assert decode_page(body, 1, 10).is_last
