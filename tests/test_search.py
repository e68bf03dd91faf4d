from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, key, ms
from hypothesis import given
from hypothesis import strategies as st
from scenes import mixed_rows, row
from task_scenes import TASKS, task
from values import replace

from wfinspect.errors import UsageError
from wfinspect.model import InstanceKey, Query, Tag, Target, WorkflowInstance
from wfinspect.search import (
    NAMES,
    TASK_NAMES,
    completed,
    date_of,
    help_on,
    matcher,
    none_match,
    parse_search,
    read_day,
    read_word,
    suggestions,
    task_matcher,
    to_follow,
    to_query,
    values_in,
)
from wfinspect.ui.rows import search_of
from wfinspect.watching.api import Row

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = ms(datetime(2026, 9, 16, 16, tzinfo=UTC))
NEEDED = "workspace=88123 date=2026-09-17 "


def query_of(text: str) -> Query:
    query, left = to_query(parse_search(text), START, SHANGHAI)
    assert left == ()
    return query


def matches(one: WorkflowInstance, text: str, now: datetime = START) -> bool:
    return matcher(parse_search(text), now)(key(one.id), one, one.status)


def found(query: str) -> set[int]:
    return {r.key.id for r in filter(search_of(query, START), mixed_rows())}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("TRADE", {10433001244}),
        ("0124", {10433001244}),
        ("status=run", {10433001244, 10433001250}),
        ("status=wait !sku", {10433007781}),
        ("status=waiti !sku", {10433007781}),
        ("status=failed", {10432987165}),
        ("status=failed,run,", {10432987165, 10433001244, 10433001250}),
        ("status=failed,run status=Running", {10433001244, 10433001250}),
        ("!status=success,wait !status=run _di", {10433010001}),
        ("_di !status=success !status=wait", {10433001244, 10433010001}),
        ("店铺", {10433007791}),
        ("nothing such", set()),
        ("status=nothing", set()),
    ],
)
def test_words_are_looked_for_in_name_id_and_the_status_that_is_shown(
    query: str, ids: set[int]
) -> None:
    assert found(query) == ids


@pytest.mark.parametrize(
    "query", ["", "  ", "!", "!!", "status=", "!status=", "!date=", "status=,"]
)
def test_a_search_that_is_not_finished_hides_nothing(query: str) -> None:
    assert len(found(query)) == len(mixed_rows())


def test_what_was_not_read_yet_is_found_by_its_id() -> None:
    unread = Row(row(77, "Running").key)

    assert search_of("77", START)(unread)
    assert not search_of("dwd", START)(unread)
    assert not any(search_of(f"{name}=1", START)(unread) for name in NAMES)


def test_the_status_is_the_word_that_is_shown() -> None:
    gone, old = row(1, "Running", is_gone=True), row(2, "Success", is_live=False)

    assert [*filter(search_of("status=gone", START), [gone, old])] == [gone]
    assert [*filter(search_of("status=success?", START), [gone, old])] == [old]


@given(st.text(max_size=30))
def test_a_word_and_its_opposite_share_the_rows_out(text: str) -> None:
    words = [word for word in text.split() if "=" not in word]
    if words and not words[0].startswith("!"):
        assert found(words[0]) ^ found(f"!{words[0]}") == {r.key.id for r in mixed_rows()}


ONE = instance(
    10432987165,
    "Running",
    name="dwd_trade_order_di",
    type="Normal",
    env_type="Prod",
    project_id=88123,
    biz_date=MIDNIGHT,
    workflow_id=2261034,
    unified_workflow_instance_id=77,
    owner="1823556600124410",
    tags=(Tag("team", "growth"), Tag("sla", "")),
)


@pytest.mark.parametrize(
    "text",
    [
        "name=trade NAME=DWD",
        "status=Running type=norm env=prod owner=1823",
        "workspace=88123 project=88123 workflow=2261034 trigger=77",
        "date=2026-09-17",
        "date=20260917 bizdate=2026-09",
        "date=yesterday date=-1d",
        "tag=team tag=nothing",
        "tag=team:growth",
        "tag=sla:",
        "!date=today !tag=team:trade !status=failure !workflow=1 !!trade",
    ],
)
def test_every_field_is_matched(text: str) -> None:
    assert matches(ONE, text)
    assert not any(matches(ONE, f"!{word}") for word in text.split() if word != "tag=nothing")


@pytest.mark.parametrize(
    "text",
    [
        "workspace=8812",
        "workflow=x",
        "trigger=777",
        "date=2026-09-18",
        "date=2026-09-17x",
        "date=today",
        "tag=team:",
        "tag=growth",
        "name=0987",
        "owner=823",
        "type=rmal",
        "env=dev",
    ],
)
def test_numbers_and_dates_match_as_a_whole_and_other_values_from_their_beginning(
    text: str,
) -> None:
    assert not matches(ONE, text)
    assert matches(ONE, f"!{text}")


def test_yesterday_is_that_of_the_region() -> None:
    # 18:00 in New York is the next morning in Shanghai.
    now = datetime(2026, 9, 17, 22, tzinfo=UTC)
    place = InstanceKey(Target("a", "us-east-1", "x"), ONE.id)
    there = replace(ONE, biz_date=ms(datetime(2026, 9, 16, 4, tzinfo=UTC)))

    assert matcher(parse_search("date=yesterday"), now)(place, there, "")
    assert matches(ONE, "date=yesterday", now)
    assert not matches(ONE, "date=today", now)


@pytest.mark.parametrize("text", ["colour=red", "!colour=red", "=red", "status==x colour="])
def test_an_unknown_field_is_said_with_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match=r"no field '(colour)?': use name, status, "):
        parse_search(text)


def test_the_help_names_every_field() -> None:
    assert all(f"{name}=" in help_on("") for name in NAMES)
    assert set(NAMES) == {
        *("name", "status", "type", "env", "owner", "tag"),
        *("workflow", "workspace", "trigger", "date"),
    }


def test_workspace_and_date_are_enough_and_the_day_is_the_schedule_s() -> None:
    assert query_of(NEEDED) == Query(88123, MIDNIGHT)
    assert query_of("bizdate=20260917 project=88123") == Query(88123, MIDNIGHT)
    assert query_of("date=yesterday workspace=88123") == Query(88123, MIDNIGHT)


def test_every_filter_of_the_service_can_be_given() -> None:
    text = NEEDED + (
        "ads status=fail type=manual env=prod owner=1823556600124410 tag=team:trade tag=sla:"
        " workflow=2261034 trigger=77"
    )

    assert query_of(text) == Query(
        88123,
        MIDNIGHT,
        name="ads",
        status="Failure",
        type="Manual",
        env_type="Prod",
        owner="1823556600124410",
        tags=(Tag("team", "trade"), Tag("sla", "")),
        workflow_id=2261034,
        unified_workflow_instance_id=77,
    )


def test_what_the_service_can_not_search_for_is_left_to_the_matcher() -> None:
    text = "0124 ads daily !status=success tag=team !tag=sla:p1 status=failure status=fail"
    query, left = to_query(parse_search(NEEDED + text), START, SHANGHAI)

    assert query == Query(88123, MIDNIGHT, name="ads", status="Failure")
    assert left == parse_search("0124 daily !status=success tag=team !tag=sla:p1 status=fail")


@pytest.mark.parametrize("text", ["status=failed,running", "status=wait", "owner=1823"])
def test_what_the_filter_understands_is_found_too_where_the_service_takes_one_whole_value(
    text: str,
) -> None:
    terms = parse_search(NEEDED + text)

    assert to_query(terms, START, SHANGHAI) == (Query(88123, MIDNIGHT), terms[-1:])
    with pytest.raises(UsageError, match=f"^{text} can't be followed: .* one value of a field"):
        to_follow(*to_query(terms, START, SHANGHAI))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "add a workspace, .*=88123 and a business date, .*yesterday[.]"),
        ("workspace=88123", "add a business date, such as date=yesterday[.]"),
        ("date=2026-09-17 workspace=", "add a workspace, such as workspace=88123[.]"),
        ("date=2026-09-17 !workspace=1", "add a workspace, such as workspace=88123[.]"),
        (NEEDED + "workspace=88124", "workspace= is given twice: 88123 and 88124[.]"),
        (
            NEEDED + "date=yesterday date=today",
            "date= is given twice: 2026-09-17 and yesterday and today[.]",
        ),
        ("workspace=x date=2026-09-17", "workspace: 'x' is not an ID"),
        ("workspace=0 date=2026-09-17", "is not an ID"),
        ("workspace=" + "9" * 19 + " date=2026-09-17", "is not an ID"),
        ("workspace=1 date=2026-13-17", "date: '2026-13-17' is not a date"),
        (NEEDED + "status=Broken", "status: 'Broken' is none of Failure, "),
        (NEEDED + "status=failure,Broken", "status: 'Broken' is none of Failure, "),
        (
            NEEDED + "status=failure status=running",
            "status= is given twice: failure and running; for any of them: status=failure,running[.]",
        ),
        (NEEDED + "type=norm type=man", "type= is given twice: norm and man[.]"),
        ("workflow=1 workflow=12", "workflow= is given twice: 1 and 12[.]"),
        (NEEDED + "type=m", "type: 'm' may be Manual or ManualWorkflow"),
        (NEEDED + "workflow=-1", "workflow: '-1' is not an ID"),
        (NEEDED + "tag=:x", "':x' is not a tag"),
        (NEEDED + "tag=team tag=:x", "':x' is not a tag"),
        (NEEDED + "owner=bob", "owner: 'bob' is not an account ID"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        query_of(text)


@given(st.text("workspacedt=0123456789-!: \x1b店", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    said = ""
    try:
        terms = parse_search(text)
        matcher(terms, START)(key(ONE.id), ONE, "")
        assert isinstance(to_query(terms, START, SHANGHAI)[0], Query)
    except UsageError as error:
        said = str(error)
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-28", date(2026, 11, 28)),
        ("20261128", date(2026, 11, 28)),
        ("Today", timedelta(0)),
        ("yesterday", timedelta(1)),
        ("-2D", timedelta(2)),
    ],
)
def test_a_day_is_a_date_or_how_long_ago_it_is(text: str, day: date | timedelta) -> None:
    assert read_day(text) == day


def test_today_is_that_of_the_zone() -> None:
    assert date_of(timedelta(0), datetime(2026, 9, 17, 22, tzinfo=UTC), SHANGHAI) == date(
        2026, 9, 18
    )


def test_a_whole_word_is_meant_before_those_that_begin_with_it() -> None:
    assert read_word(("Checking", "CheckingCondition"), "checking") == "Checking"


def test_suggestions_are_around_an_instance_and_can_be_searched() -> None:
    around = instance(unified_workflow_instance_id=5, workflow_id=6)
    offered = suggestions(around, START, SHANGHAI)

    assert offered == (NEEDED.strip(), NEEDED + "trigger=5", NEEDED + "workflow=6")
    assert query_of(offered[1]).unified_workflow_instance_id == 5


@pytest.mark.parametrize(
    ("text", "whole", "line"),
    [
        ("x s", "x status=", "status=  Tab completes"),
        ("status=S", "status=Success", "status= Success"),
        ("!Type=no", "!Type=normal", "Type= Normal"),
        ("Status!=failed,r", "Status!=failed,running", "Status!= Running"),
        ("bizdate=y", "bizdate=yesterday", "bizdate= business date: today, yesterday, -2d"),
        ("status=Failure", "", "status= Failure"),
        ("status=failed,r", "status=failed,running", "status= Running"),
        ("status=failed,", "status=failed,Failure", "status= Failure, Running, "),
        ("status=Success ", "", "name= status= type="),
        ("status=nothing", "", "status= Failure, Running, "),
        ("tag=", "", "tag= key or key:value"),
        ("trigger=1", "", "trigger= an ID"),
        ("no such", "", "name= status= type="),
        ("x Failed", "x status=Failure", "Tab makes it status=Failure; as it is"),
        ("!running", "!status=Running", "Tab makes it !status=Running"),
        ("Yesterday", "date=Yesterday", "Tab makes it date=Yesterday"),
        ("2026-11-28", "date=2026-11-28", "Tab makes it date=2026-11-28"),
        (
            "yesterday !failed dwd status=Failure",
            "date=yesterday !status=Failure dwd status=Failure",
            "status= ",
        ),
        ("yesterday failed", "date=yesterday status=Failure", "Tab makes it status=Failure"),
        ("dwd_failed", "", "name= status= type="),
    ],
)
def test_what_is_begun_can_be_completed_and_is_explained(text: str, whole: str, line: str) -> None:
    assert completed(text) == whole
    assert help_on(text).startswith(line)


def test_values_that_instances_have_are_offered_where_they_can_be_searched() -> None:
    seen = [
        instance(1, project_id=5, owner="", tags=(Tag("team", "a b"), Tag("pii", ""))),
        instance(2, project_id=6, owner="77", tags=(Tag("x", "\u202e"), Tag("sla", "p0"))),
        instance(3, project_id=5, owner="77"),
    ]

    def known(name: str) -> list[str]:
        return values_in(name, seen)

    assert [known(name) for name in ("workspace", "owner", "tag", "name")] == [
        ["5", "6"],
        ["77"],
        ["pii", "sla:p0"],
        [],
    ]
    assert completed("x workspace=", known=known) == "x workspace=5"
    assert completed("project=6", known=known) == ""
    assert help_on("workspace=", known=known) == "workspace= 5, 6"
    assert help_on("workspace=7", known=known) == "workspace= an ID"


def test_tasks_are_offered_the_fields_they_have() -> None:
    assert (completed("t", TASK_NAMES), completed("w", TASK_NAMES)) == ("type=", "")
    assert completed("frozen", TASK_NAMES) == "status=frozen"
    assert help_on("type=", TASK_NAMES) == "type= its beginning, such as ODPS"
    assert completed("yesterday", TASK_NAMES) == ""
    with pytest.raises(UsageError, match="no field 'stat': did you mean status"):
        parse_search("stat=fail", TASK_NAMES)
    for names in (NAMES, TASK_NAMES):
        assert parse_search("x status!=success !type!=odps", names) == parse_search(
            "x !status=success type=odps", names
        )
        with pytest.raises(UsageError, match="no field 'status!!': "):
            parse_search("status!!=success", names)
        for text, other in {"status=!success": "!status=success", "!type=!x": "type=x"}.items():
            with pytest.raises(UsageError, match=rf"did you mean {other}\?"):
                parse_search(text, names)


def test_without_an_instance_yesterday_is_offered() -> None:
    assert suggestions(None, START, SHANGHAI) == ("date=yesterday workspace=",)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [5001, 5002, 5003, 5004, 5005, 5006]),
        ("type=odps status=success", [5002]),
        ("5006", [5006]),
        ("build", [5003]),
        ("!status=success !status=fail !status=run status=wait", [5006]),
    ],
)
def test_tasks_are_searched_in_the_same_words(query: str, ids: list[int]) -> None:
    assert sorted(t.id for t in filter(task_matcher(query, START), TASKS)) == ids


def test_a_frozen_task_and_a_dry_run_are_found_by_their_words() -> None:
    frozen = task(1, "publish", "Failure", trigger_recurrence="Pause")
    dry = task(2, "load", "Success", trigger_recurrence="Skip", started=20, finished=20)

    for query, one in (("status=frozen", frozen), ("status=dry-run", dry)):
        assert list(filter(task_matcher(query, START), (frozen, dry))) == [one]


def test_what_tasks_do_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="no field 'workspace': use name, status, type, owner"):
        task_matcher("workspace=1", START)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("fail", "status=Failure"),
        ("RUN", "status=Running"),
        ("!success", "!status=Success"),
        ("wait", "status=wait"),
        ("re", ""),
        ("*ads*", "ads"),
        ("name=*ads%", "name=ads"),
        ("queued", "status=Wait"),
        ("error", "status=Failure"),
        ("a*b", ""),
    ],
)
def test_a_part_of_a_status_is_offered_as_one(word: str, other: str) -> None:
    hint = f" A word is a part of a name or ID: did you mean {other}?" if other else ""
    assert none_match("instance", word) == f"No instance matches.{hint}"


def test_an_unknown_field_may_be_the_key_of_a_tag_or_name_an_id() -> None:
    with pytest.raises(UsageError, match=r"'id': an ID is a word of its own: 10432987165$"):
        parse_search("id=10432987165")
    for name in ("team", "tag.team"):
        with pytest.raises(UsageError, match=f"'{name}': use name, .* tag=team:growth$"):
            parse_search(f"{name}=growth")
    with pytest.raises(UsageError, match=r"'team': use name, status, type, owner\.$"):
        parse_search("team=growth", TASK_NAMES)


def test_a_date_may_have_slashes_and_a_status_a_star() -> None:
    assert query_of("workspace=88123 date=2026/09/17") == Query(88123, MIDNIGHT)
    assert query_of(f"{NEEDED} status=fail*").status == "Failure"


def test_nothing_of_today_is_explained_by_what_a_business_date_is() -> None:
    assert "business date of today's daily runs is yesterday" in none_match("run", "x date=today")
    assert "business date" not in none_match("run", "x date=yesterday")
