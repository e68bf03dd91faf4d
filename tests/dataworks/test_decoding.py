import gc
import json
from dataclasses import replace
from pathlib import Path
from weakref import ref

import pytest
from fuzz import FIELDS, NAMES, ODD, tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.dataworks.decoding import (
    MAX_DEPTH,
    decode_dependencies,
    decode_instance,
    decode_log,
    decode_operations,
    decode_page,
    decode_task,
    decode_tasks,
    repaired,
)
from wfinspect.errors import BadAnswer, NotFound, ServiceError
from wfinspect.model import Family, InstanceId, OperationLog, Tag, WorkflowInstance

SAMPLES = Path(__file__).parents[1] / "samples"
ID = InstanceId(10432987165)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def answer(**fields: object) -> bytes:
    return json.dumps({"WorkflowInstance": {"Id": ID, "Status": "Running"} | fields}).encode()


def test_all_nineteen_fields_are_read() -> None:
    assert decode_instance(sample("get_running.json"), ID) == WorkflowInstance(
        id=ID,
        name="ads_user_profile_daily",
        status="Running",
        type="Normal",
        env_type="Prod",
        workflow_id=2261034,
        workflow_task_instance_id=55021998312,
        unified_workflow_instance_id=10408812310,
        project_id=88123,
        biz_date=1743350400000,
        started_time=1743436801000,
        finished_time=None,
        create_time=1743434400000,
        modify_time=1743436802000,
        owner="1823556600124410",
        create_user="1823556600124410",
        modify_user="1823556600124410",
        workflow_parameters="bizdate=20250331 cyctime=$[yyyy-mm-dd hh24:mi:ss]",
        tags=(Tag("team", "growth"), Tag("sla", "")),
    )


def test_what_thousands_of_instances_have_in_common_is_held_once() -> None:
    tags = [{"Key": "team", "Value": "growth"}]
    one, other = (
        decode_instance(answer(Name=name, ProjectId=88123, BizDate=1743350400000, Tags=tags), ID)
        for name in ("dwd_one", "dwd_other")
    )

    assert one.tags is other.tags
    assert one.tags == (Tag("team", "growth"),)
    assert (one.project_id, one.biz_date) == (88123, 1743350400000)
    assert one.project_id is other.project_id
    assert one.biz_date is other.biz_date


def test_absent_null_zero_negative_and_empty_times_all_mean_not_yet() -> None:
    instance = decode_instance(sample("get_waiting_with_nulls.json"), ID)

    times = (
        instance.started_time,
        instance.finished_time,
        instance.create_time,
        instance.modify_time,
    )
    assert times == (None, None, None, None)
    assert instance.workflow_parameters == ""
    assert instance.tags == ()
    assert instance.workflow_task_instance_id is None


def test_quoted_numbers_numeric_accounts_and_trailing_newlines_are_tidied() -> None:
    instance = decode_instance(sample("get_untidy.json"), ID)

    assert instance.id == ID
    assert instance.name == "日报_工作流"
    assert (instance.status, instance.family) == ("Success", Family.SUCCESS)
    assert instance.type == "Manual"
    assert (instance.workflow_id, instance.project_id) == (2261034, 88123)
    assert instance.biz_date == 1743350400000
    assert (instance.started_time, instance.finished_time) == (1743436801000, 1743436999000)
    assert (instance.owner, instance.create_user) == ("1000", "18235566001244100000")
    assert instance.modify_user == "0.25"
    assert instance.tags == (Tag("n", "7"), Tag("only-key", ""), Tag("", ""))


def test_parameters_lose_no_character() -> None:
    instance = decode_instance(sample("get_untidy.json"), ID)

    assert instance.workflow_parameters == '{"a": "1",\n "b": 2}\n'


def test_unknown_words_and_fields_are_kept() -> None:
    instance = decode_instance(sample("get_unknown_words.json"), ID)

    assert (instance.status, instance.family) == ("Frozen", Family.UNKNOWN)
    assert (instance.type, instance.env_type) == ("ManualFlow", "Gray")
    assert instance.unknown_fields == ("Priority", "Runtime")


def test_the_raw_object_is_kept_character_by_character() -> None:
    body = sample("get_waiting_with_nulls.json").decode()

    raw = decode_instance(body.encode(), ID).raw

    assert raw == body[body.index('{\n    "Id"') : body.rindex("}") - 1].rstrip()


def test_half_a_surrogate_pair_does_not_make_an_instance_unreadable() -> None:
    instance = decode_instance(sample("get_lone_surrogate.json"), ID)

    assert instance.name == "cut \ufffd"
    assert instance.owner == "\ufffd"
    assert instance.workflow_parameters == "ok=\U0001f600 path=\\ud83d"


@pytest.mark.parametrize(
    "body",
    [
        sample("get_nothing.json"),
        b'{"WorkflowInstance": null}',
        b'{"WorkflowInstance": { }}',
    ],
)
def test_an_answer_without_an_instance_means_not_found(body: bytes) -> None:
    with pytest.raises(NotFound, match="10432987165"):
        decode_instance(body, ID)


def test_not_found_names_the_request() -> None:
    with pytest.raises(NotFound) as caught:
        decode_instance(sample("get_nothing.json"), ID)

    assert caught.value.request_id == "0BFC5C5A-1B5C-5D7E-9B5D-3C6B2D7A9E06"


def test_another_instance_than_asked_for_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="answered with instance 10432987165 in place of 5"):
        decode_instance(sample("get_running.json"), InstanceId(5))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (sample("login_page.html"), "login page"),
        (b"\n <html>", "login page"),
        (b"", "empty"),
        (b"  ", "empty"),
        (sample("get_running.json")[:200], "can't be read"),
        (b"{}", "holds no WorkflowInstance"),
        (b'{"RequestId": "R", "Data": {"Id": 10432987165}}', "holds no WorkflowInstance"),
        (b'{"WorkflowInstance": 7}', "can't be read"),
        (b'{"WorkflowInstance": []}', "can't be read"),
        (b'{"WorkflowInstance": ""}', "can't be read"),
        (b'{"WorkflowInstance": "\xff"}', "can't be read"),
        (b"[]", "can't be read"),
        (b'{"WorkflowInstance":' + b"[" * 100_000, "nested too deeply"),
        ('{"WorkflowInstance":{"Id":1}}'.encode("utf-16"), "can't be read"),
        (answer(Id=None), "without an Id"),
        (answer(Id=0), "without an Id"),
        (answer(Id=2**63), "without an Id"),
        (answer(Id="9" * 5000), "without an Id"),
        (answer(Id=[ID]), "without an Id"),
        (answer(Status=None), "without a Status"),
        (answer(Status=" "), "without a Status"),
        (answer(Status=True), "without a Status"),
        (answer(Status={"Value": "Failure"}), "without a Status"),
    ],
)  # fmt: skip
def test_what_names_no_instance_or_no_status_is_a_bad_answer_with_a_sentence(
    body: bytes, says: str
) -> None:
    with pytest.raises(BadAnswer, match=says):
        decode_instance(body, ID)


NUMBERS = (
    "WorkflowId", "WorkflowTaskInstanceId", "UnifiedWorkflowInstanceId", "ProjectId", "BizDate",
    "StartedTime", "FinishedTime", "CreateTime", "ModifyTime",
)  # fmt: skip
ACCOUNTS = ("Name", "Owner", "CreateUser", "ModifyUser", "WorkflowParameters")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.text(max_size=9)
    | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([" 7 ", "-1", "null", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["Key", "x"]), inner),
    max_leaves=4,
)  # fmt: skip


def is_readable(name: str, value: object) -> bool:
    """Whether a field may come as such a value."""
    if name == "Tags":
        return value is None or (isinstance(value, list) and all(map(is_tag, value)))
    if value is None or isinstance(value, bool | list | dict):
        return value is None
    if name in {"Type", "EnvType"}:
        return isinstance(value, str)
    return name in ACCOUNTS or is_whole(value)


def is_tag(tag: object) -> bool:
    parts = (tag.get("Key"), tag.get("Value")) if isinstance(tag, dict) else ()
    return tag is None or (
        bool(parts) and not any(isinstance(p, bool | list | dict) for p in parts)
    )


def is_whole(value: object) -> bool:
    if isinstance(value, str):
        text = value.strip()
        digits = text.removeprefix("-")
        return text in {"", "null"} or (text.isascii() and digits.isdigit() and int(text) < 2**63)
    return isinstance(value, int | float) and float(value).is_integer() and value < 2**63


@tried(200, 100_000)
@given(st.sampled_from([*NUMBERS, *ACCOUNTS, "Type", "EnvType", "Tags"]), JSON)
def test_a_field_costs_no_more_than_itself_whatever_it_is(name: str, value: object) -> None:
    good = json.loads(sample("get_running.json"))["WorkflowInstance"]
    instance = decode_instance(answer(**good | {name: value, "Status": "Failure"}), ID)

    plain = decode_instance(answer(**good | {"Status": "Failure"}), ID)
    ours = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")
    assert instance.family is Family.FAILURE
    assert json.loads(instance.raw)[name] == value
    assert [(n, json.loads(text)) for n, text in instance.unreadable] == (
        [] if is_readable(name, value) else [(ours, value)]
    )
    same = {ours: getattr(plain, ours), "unreadable": (), "packed": b""}
    assert replace(instance, **same) == replace(plain, packed=b"")


def test_text_that_is_no_utf_8_costs_its_field() -> None:
    body = answer(Name="\N{LATIN SMALL LETTER E WITH ACUTE}", Owner="1").replace(
        b"\\u00e9", b"\xe9"
    )
    instance = decode_instance(body, ID)

    assert (instance.status, instance.owner, instance.name) == ("Running", "1", "")
    assert [name for name, _ in instance.unreadable] == ["name"]


@pytest.mark.parametrize("paging", [b'"TotalCount":{}', b'"PageSize":"all","TotalCount":true'])
def test_counts_of_a_page_that_cannot_be_read_hide_none_of_it(paging: bytes) -> None:
    items = b'{"Id":1,"Status":"Failure"},{"Id":2,"Status":"Running"}'
    page = decode_page(b'{"PagingInfo":{%s,"WorkflowInstances":[%s]}}' % (paging, items), 1, 2)

    assert [each.status for each in page.items] == ["Failure", "Running"]
    assert (page.total, page.is_last) == (None, False)


def test_the_largest_id_is_exact() -> None:
    body = b'{"WorkflowInstance":{"Id":9223372036854775807,"Status":"Running"}}'

    assert decode_instance(body, InstanceId(2**63 - 1)).id == 2**63 - 1


def test_a_byte_order_mark_is_no_trouble() -> None:
    assert decode_instance(b"\xef\xbb\xbf" + sample("get_running.json"), ID).id == ID


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_unknown_fields_may_be_nested_so_deep_and_no_deeper(depth: int) -> None:
    body = answer().replace(b"}}", b', "X": ' + b"[" * depth + b'"]["' + b"]" * depth + b"}}")

    if depth > MAX_DEPTH:
        with pytest.raises(BadAnswer, match="nested"):
            decode_instance(body, ID)
    else:
        assert decode_instance(body, ID).unknown_fields == ("X",)


def test_a_wide_unknown_field_is_not_taken_for_a_deep_one() -> None:
    assert decode_instance(answer(X=[[] for _ in range(500)]), ID).unknown_fields == ("X",)


def test_a_page_is_read_in_its_order() -> None:
    assert [(i.id, i.status) for i in decode_page(sample("list_page.json")).items] == [
        (1, "Success"),
        (2, "NotRun"),
    ]


def test_a_broken_item_does_not_hide_the_others() -> None:
    assert [i.id for i in decode_page(sample("list_with_a_broken_item.json")).items] == [1, 4]


def test_a_page_of_broken_items_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="without an Id"):
        decode_page(b'{"PagingInfo":{"WorkflowInstances":[{}]}}')


@pytest.mark.parametrize("listed", [b"[]", b"null"])
def test_an_empty_page_holds_nothing(listed: bytes) -> None:
    assert decode_page(b'{"PagingInfo":{"WorkflowInstances":%s}}' % listed).items == ()


@pytest.mark.parametrize("total", [0, "0"])
def test_a_page_that_counts_nothing_may_lack_its_list(total: object) -> None:
    assert decode_page(json.dumps({"PagingInfo": {"TotalCount": total}}).encode()).items == ()


@pytest.mark.parametrize("page", [{}, {"TotalCount": 3}, {"Data": [], "TotalCount": None}])
def test_a_page_that_lacks_its_list_is_a_bad_answer(page: dict[str, object]) -> None:
    with pytest.raises(BadAnswer, match="without its list"):
        decode_page(json.dumps({"PagingInfo": page}).encode())


def test_an_answer_without_a_page_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="PagingInfo"):
        decode_page(sample("get_nothing.json"))


# Most odd objects fail at their first odd field, so that a good one with a few of them goes deeper.
NEARLY_GOOD = st.dictionaries(st.sampled_from([*NAMES, "Tags", "New"]), ODD, max_size=3).map(
    lambda odd: json.loads(sample("get_running.json"))["WorkflowInstance"] | odd
)


@tried(200, 100_000)
@given(FIELDS | NEARLY_GOOD, st.lists(st.one_of(ODD, FIELDS), max_size=3))
def test_right_names_with_any_values_give_an_instance_or_one_of_our_errors(
    fields: dict[str, object], items: list[object]
) -> None:
    one = json.dumps({"WorkflowInstance": fields}).encode()
    many = json.dumps({"PagingInfo": {"WorkflowInstances": [fields, *items]}}).encode()
    for decode in (lambda: decode_instance(one, ID), lambda: decode_page(many)):
        try:
            decode()
            sentence = ""
        except ServiceError as error:
            sentence = str(error)
        assert sentence.isprintable()


@tried(200, 100_000)
@given(st.data())
def test_a_damaged_answer_gives_an_instance_or_one_of_our_errors(data: st.DataObject) -> None:
    body = bytearray(sample("get_running.json"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        instance = decode_instance(bytes(body), ID)
    except ServiceError:
        return
    assert instance.id == ID


@given(st.text(st.characters(), max_size=30))
def test_mending_changes_nothing_but_lone_surrogates(text: str) -> None:
    body = json.dumps(text).encode()
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    assert json.loads(repaired(body)) == expected


@given(
    st.lists(st.sampled_from(["\\", "\\ud83d", "\ud83d", "\ude00", "\udc00", '"', "u"]), max_size=8)
)
def test_mending_tells_halves_from_text_that_looks_like_them(parts: list[str]) -> None:
    text = "".join(parts)
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    assert json.loads(repaired(json.dumps(text).encode())) == expected


def test_what_comes_as_before_is_the_reading_that_is_held_and_kept_no_longer_than_that() -> None:
    body = sample("get_running.json").replace(b"Running", b"OfThisTestAlone")
    held = decode_instance(body, ID)
    same = decode_instance(body, ID)
    other = decode_instance(body.replace(b"OfThisTestAlone", b"Failure"), ID)
    assert same is held
    assert other.status == "Failure"
    kept = ref(held)
    del held, same
    gc.collect()
    assert kept() is None


TASK = 55021998313


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
    assert (task.workflow_instance_id, task.workflow_id) == (ID, 2261034)
    assert (task.workflow_name, task.project_id) == ("ads_user_profile_daily", 88123)
    assert (task.biz_date, task.env_type) == (1743350400000, "Prod")
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
    with pytest.raises(NotFound, match="has no task instance 5 "):
        decode_task(b'{"TaskInstance": { }, "RequestId": "R"}', 5)
    with pytest.raises(BadAnswer, match="holds no TaskInstance"):
        decode_task(b'{"RequestId": "R"}', 5)
    with pytest.raises(BadAnswer, match="in place of 5"):
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


def test_a_log_that_is_not_text_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="not text"):
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


def listed(key: str, *items: object, **others: object) -> bytes:
    return json.dumps({"PagingInfo": {key: items, "TotalCount": len(items), **others}}).encode()


AWAITED = {"Id": 7, "Status": "Failure", "EnvType": "Dev", "Bizdate": 1743350400000, "Owner": "1"}


@pytest.mark.parametrize("key", ["UpstreamTaskInstances", "DownstreamTaskInstances"])
def test_a_neighbour_is_read_with_how_it_depends(key: str) -> None:
    items = (
        {"DependencyType": "CrossCycle", "TaskInstance": AWAITED},
        {"DependencyType": ["?"], "TaskInstance": AWAITED | {"Id": 8}},
        {"DependencyType": "Normal"},
    )
    page = decode_dependencies(listed(key, *items, TaskInstances=[{"Id": 9}]), 1, 100)

    assert [(each.task.id, each.type) for each in page.items] == [(7, "CrossCycle"), (8, "")]
    task = page.items[0].task
    assert (task.status, task.env_type, task.biz_date) == ("Failure", "Dev", 1743350400000)
    assert task.unknown_fields == ()


def test_neighbours_in_the_deprecated_form_are_read_too() -> None:
    body = listed("TaskInstances", AWAITED | {"StepType": "CrossCycle"}, UpstreamTaskInstances=None)
    (found,) = decode_dependencies(body, 1, 100).items

    assert (found.task.id, found.type, found.task.unknown_fields) == (7, "CrossCycle", ())


def test_an_operation_says_what_was_done_by_whom_and_when() -> None:
    items = (
        {"OperationContent": "Rerun\n", "User": 1823, "CreateTime": "17", "OperationSeq": 2, "TaskInstanceId": 7},
        {"OperationContent": "Kill", "User": {}, "CreateTime": None},
        {"TaskInstanceId": 7},
        3,
    )  # fmt: skip
    page = decode_operations(listed("OperationLogs", *items), 1, 100)

    assert page.items == (
        OperationLog(7, "Rerun", "1823", 17, 2),
        OperationLog(None, "Kill", "", None, None),
    )


NEIGHBOURS = st.dictionaries(
    st.sampled_from([
        "TaskInstance", "DependencyType", "StepType", "OperationContent", "User", "CreateTime",
        "OperationSeq", "TaskInstanceId",
    ]),
    JSON | st.dictionaries(st.sampled_from([*AWAITED]), JSON) | st.just(AWAITED),
)  # fmt: skip


@tried(100, 50_000)
@given(
    st.sampled_from(["UpstreamTaskInstances", "DownstreamTaskInstances", "TaskInstances"]),
    st.lists(NEIGHBOURS | JSON, max_size=3),
)
def test_neighbours_and_operations_of_any_form_cost_no_more_than_themselves(
    key: str, items: list[object]
) -> None:
    good = AWAITED | {"TaskInstance": AWAITED, "OperationContent": "Rerun"}
    for decode, name in ((decode_dependencies, key), (decode_operations, "OperationLogs")):
        alone = decode(listed(name, good), 1, 100).items[0]
        assert alone in decode(listed(name, *items, good), 1, 100).items
