from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, ms
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.errors import UsageError
from wfinspect.model import Query, Tag
from wfinspect.ui.screens.find import read_query, suggestions

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = ms(datetime(2026, 9, 16, 16, tzinfo=UTC))
NEEDED = "workspace=88123 date=2026-09-17 "


def test_workspace_and_date_are_enough_and_the_day_is_the_schedule_s() -> None:
    assert read_query(NEEDED, SHANGHAI) == Query(88123, MIDNIGHT)
    assert read_query("date=20260917 workspace=88123", SHANGHAI) == Query(88123, MIDNIGHT)


def test_every_filter_of_the_service_can_be_given() -> None:
    text = NEEDED + (
        "ads status=failure type=Manual env=prod owner=1823 tag=team:trade tag=sla:"
        " workflow=2261034 trigger=77"
    )

    assert read_query(text, SHANGHAI) == Query(
        88123,
        MIDNIGHT,
        name="ads",
        status="Failure",
        type="Manual",
        env_type="Prod",
        owner="1823",
        tags=(Tag("team", "trade"), Tag("sla", "")),
        workflow_id=2261034,
        unified_workflow_instance_id=77,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give both"),
        ("workspace=88123", "give both"),
        ("date=2026-09-17 workspace=", "give both"),
        ("workspace=x date=2026-09-17", "workspace=x is no ID"),
        ("workspace=0 date=2026-09-17", "is no ID"),
        ("workspace=" + "9" * 19 + " date=2026-09-17", "is no ID"),
        ("workspace=1 date=2026-13-17", "'2026-13-17' is no date"),
        (NEEDED + "status=Broken", "no status 'Broken'"),
        (NEEDED + "colour=red", "no 'colour'"),
        (NEEDED + "workflow=-1", "workflow=-1 is no ID"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_query(text, SHANGHAI)


@given(st.text("workspacedt=0123456789-: \x1b店", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    said = ""
    try:
        assert isinstance(read_query(text, SHANGHAI), Query)
    except UsageError as error:
        said = str(error)
    assert "\x1b" not in said


def test_suggestions_are_around_an_instance_and_can_be_searched() -> None:
    found = instance(unified_workflow_instance_id=5, workflow_id=6)
    offered = suggestions(found, START, SHANGHAI)

    assert offered == (NEEDED, NEEDED + "trigger=5", NEEDED + "workflow=6")
    assert read_query(offered[1], SHANGHAI).unified_workflow_instance_id == 5


def test_without_an_instance_yesterday_is_offered() -> None:
    assert suggestions(None, START, SHANGHAI) == ("date=2026-09-17 workspace=",)
