from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import START, key, ms
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from ui.rig import ZONE
from ui.scenes import ago, failed_row, no_credentials, not_found, outage, row

from wfinspect import format as fmt
from wfinspect.instance import Binding, Tag
from wfinspect.parameters import parse_parameters
from wfinspect.ui import advice_text, detail_text, theme
from wfinspect.ui.lines import Line
from wfinspect.ui.row_text import Look
from wfinspect.watching.snapshot import Row, Trouble

LOOK = Look(theme.GLYPHS, theme.PROMPT, ZONE)


def text_of(lines: tuple[Line, ...]) -> str:
    return "\n".join(one.text for one in lines)


def core(one: Row, width: int = 80) -> str:
    return text_of(detail_text.core(one, LOOK, START, width))


def value(one: Row, label: str) -> str:
    lines = core(one, 120).splitlines()
    return next(text[15:].strip() for text in lines if text[1:15].strip() == label)


def test_every_core_field_is_there() -> None:
    one = failed_row()
    values = {
        "Status": "\u2716 Failure",
        "Name": "ads_user_profile_daily",
        "ID": "10432987165",
        "Type": "Normal",
        "Environment": "Prod",
        "Business date": "2026-09-17 (Thu)",
        "Started": "2026-09-18 13:46:48  43m ago",
        "Finished": "2026-09-18 14:28:00  2m ago",
        "Duration": "41m12s",
        "Created": "2026-09-18 13:40:00  50m ago",
        "Modified": "2026-09-18 14:28:00  2m ago",
        "Workspace": "88123",
        "Workflow": "2261034",
        "Task instance": "55021998312",
        "Unified ID": "10432987000",
        "Owner": "1823556600124410",
        "Created by": "1823556600124410",
        "Modified by": "1823556600124410",
    }

    assert {label: value(one, label) for label in values} == values


def test_what_the_service_left_out_is_a_dash() -> None:
    bare = row(1, "NotRun", name="", type="", env_type="", project_id=None, biz_date=None)

    for label in ("Name", "Type", "Environment", "Business date", "Started", "Duration", "Owner"):
        assert value(bare, label) == "-"


def test_the_business_date_is_the_region_s_whatever_the_local_zone() -> None:
    one = failed_row()
    abroad = replace(one, key=replace(one.key, binding=Binding("p", "us-west-1", "x")))

    assert value(one, "Business date") == "2026-09-17 (Thu)"
    assert value(abroad, "Business date") == "2026-09-16 (Wed)"


def test_a_run_that_goes_on_counts_in_minutes() -> None:
    running = row(1, "Running", started_time=ms(ago(minutes=67, seconds=40)))

    assert value(running, "Duration") == "1h07 so far"


def test_a_time_beyond_any_calendar_is_shown_as_its_number() -> None:
    assert value(row(1, "Running", started_time=10**18), "Started") == str(10**18)


def test_a_time_to_come_is_told_as_such() -> None:
    later = row(1, "WaitTime", modify_time=ms(START + timedelta(minutes=20)))

    assert value(later, "Modified").endswith("in 20m")


def test_fields_nobody_documented_are_named() -> None:
    assert value(row(1, "Running", unknown_fields=("Zone", "New")), "New fields") == (
        "2, v shows them: Zone, New"
    )


@given(st.text(max_size=200), st.integers(24, 100))
def test_core_lines_fit_and_lose_nothing_of_a_name(name: str, width: int) -> None:
    lines = detail_text.core(row(1, "Running", name=name), LOOK, START, width)

    assert all(cell_len(one.text) <= width for one in lines)
    shown = fmt.shown(name).strip()
    assert shown.replace(" ", "") in text_of(lines).replace(" ", "").replace("\n", "")


VALUES = st.text(st.characters(codec="utf-8"), max_size=120)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=5), st.integers(20, 90))
def test_tables_fit_and_lose_no_character(pairs: list[tuple[str, str]], width: int) -> None:
    tags = tuple(Tag(k, v) for k, v in pairs)
    one = row(1, "Running", tags=tags)
    assert one.instance is not None
    lines = detail_text.tags(one.instance, width)
    keys = "".join(part.spans[0][0][1:] for part in lines if part.spans)
    values = "".join(part.spans[1][0] for part in lines if len(part.spans) > 1)

    assert all(cell_len(part.text) <= width for part in lines)
    for text, drawn in ((0, keys), (1, values)):
        wanted = "".join(fmt.shown_block(pair[text], limit=10**6) for pair in pairs)
        assert _bare(wanted) == _bare(drawn)


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")


def test_parameters_of_both_formats_become_a_table() -> None:
    json_like = row(1, "Running", workflow_parameters='{"a": "1", "b": [1, 2]}').instance
    pairs = row(1, "Running", workflow_parameters="a=1 b=$[yyyy-mm-dd hh24:mi:ss]").instance
    assert json_like is not None
    assert pairs is not None

    assert text_of(detail_text.parameters(json_like, 60)) == " a       1\n b       [1, 2]"
    assert text_of(detail_text.parameters(pairs, 60)) == (
        " a       1\n b       $[yyyy-mm-dd hh24:mi:ss]"
    )
    assert detail_text.parameter_count(pairs) == "2"


def test_parameters_in_no_format_are_shown_as_they_came() -> None:
    odd = row(1, "Running", workflow_parameters="just words\n[$x] [/]").instance
    assert odd is not None
    assert parse_parameters(odd.workflow_parameters) is None

    text = text_of(detail_text.parameters(odd, 60))
    assert "as it came" in text
    assert "just words\n [$x] [/]" in text
    assert detail_text.parameter_count(odd) == "raw"


def test_a_very_long_value_is_whole() -> None:
    long = "x" * 30_000
    one = row(1, "Running", workflow_parameters=f"k={long}").instance
    assert one is not None

    assert text_of(detail_text.parameters(one, 60)).count("x") == 30_000


@pytest.mark.parametrize("width", [34, 60, 112])
def test_the_header_always_holds_the_whole_id(width: int) -> None:
    one = failed_row(key=key(2**63 - 1))
    lines = detail_text.header(one, LOOK, START, width)

    assert str(2**63 - 1) in text_of(lines)
    assert all(cell_len(part.text) <= width for part in lines)


def test_the_header_tells_what_changed_when_and_after_how_long() -> None:
    text = text_of(detail_text.header(failed_row(), LOOK, START, 100))

    assert "Running -> Failure 2m ago after 41m12s  watched" in text


def test_an_old_reading_is_told_with_cause_and_next_try() -> None:
    old = next(one for one in outage().rows if not one.is_live)
    text = text_of(detail_text.header(old, LOOK, START, 100))

    assert "NOT LIVE  as read 2026-09-18 14:23:48, 6m ago" in text
    assert "The service asks for fewer calls" in text
    assert "Next try 14:30:40." in text


def test_no_credentials_says_what_to_set_and_offers_the_demo() -> None:
    snapshot = no_credentials()
    for shown in (snapshot.displayed, None):
        lines = advice_text.placeholder(shown, snapshot.health.trouble, LOOK, START, 80)
        assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in text_of(lines)
        assert "wfinspect demo" in text_of(lines)
    empty = advice_text.nothing_watched(snapshot.health.trouble, LOOK, START, 80)
    assert "wfinspect demo" in text_of(empty)


def test_advice_that_is_listed_is_not_said_twice() -> None:
    snapshot = no_credentials()
    assert snapshot.displayed is not None
    text = text_of(detail_text.header(snapshot.displayed, LOOK, START, 80))

    assert "No credentials were found." in text
    assert "ALIBABA_CLOUD" not in text


def test_not_found_says_what_to_check() -> None:
    text = text_of(advice_text.placeholder(not_found().displayed, None, LOOK, START, 80))

    assert "profile and region" in text


def test_trouble_that_heals_itself_says_when() -> None:
    trouble = Trouble("unreachable", "x", START, START + timedelta(seconds=9))
    text = text_of(advice_text.placeholder(Row(key(1), trouble=trouble), None, LOOK, START, 80))

    assert "else by itself, next try 14:30:09" in text


def test_nothing_open_says_how_to_open() -> None:
    assert "Nothing is open." in text_of(advice_text.placeholder(None, None, LOOK, START, 60))
