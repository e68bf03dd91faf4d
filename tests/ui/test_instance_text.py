import json
import re
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, key, ms
from rich.cells import cell_len
from scenes import FAILED, ago, change, failed_row, history, row, with_outlook
from task_scenes import FOREMOST, task
from values import replace

from wfinspect.errors import CredentialsMissing, NotFound
from wfinspect.format import VALUE_LIMIT
from wfinspect.model import FieldGroup, Tag, Transition
from wfinspect.ui import instance_text
from wfinspect.ui.instance_text import (
    MAX_LINES,
    core,
    parameter_count,
    parameters,
    tags,
)
from wfinspect.ui.lines import Line, Role, width_of
from wfinspect.ui.rows import RowTable, list_line, row_columns, sidebar_lines
from wfinspect.ui.tasks_text import outlook_lines, task_lines
from wfinspect.ui.theme import look_for
from wfinspect.watching.api import Outlook, Row, Trouble

LOOK = look_for(ZoneInfo("Asia/Shanghai"), is_ascii=False)
MINUTE = 60_000
GROUPS = [group for group in FieldGroup if group is not FieldGroup.PAIRS]


def duration_of(started: int | None, finished: int | None) -> str:
    one = instance(status="Success", started_time=started, finished_time=finished)
    row = Row(key(one.id), one, read_at=START, is_watched=True, is_live=True)
    fields = text_of(core(row, one, LOOK, START, 200, *GROUPS))
    return fields.partition("Duration ")[2].partition("\n")[0].strip()


@pytest.mark.parametrize(
    ("started", "finished", "words"),
    [
        (-41 * MINUTE, 0, "41m00s"),
        (None, None, "-"),
        (0, -5 * MINUTE, "0s  odd times: finished before it started"),
        (-MINUTE, 6 * MINUTE, "7m00s  odd times: ahead of this clock"),
        (-MINUTE, 4 * MINUTE, "5m00s"),
    ],
)
def test_times_that_cannot_be_are_called_odd_and_never_negative(
    started: int | None, finished: int | None, words: str
) -> None:
    now = ms(START)

    assert duration_of(*(None if t is None else now + t for t in (started, finished))) == words


def text_of(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines)


def test_of_a_long_parameter_the_start_is_shown_and_the_size() -> None:
    one = instance(workflow_parameters=f"a=1 sql={'x' * 7_000_000} b=2")

    text = text_of(parameters(one, 80))

    assert text.count("x") == VALUE_LIMIT
    assert text.endswith("... 7.0 MB, v shows the whole")
    assert parameter_count(one) == "2+"


@pytest.mark.parametrize("width", [20, 80])
def test_of_many_parameters_a_thousand_lines_are_shown_and_the_rest_is_counted(width: int) -> None:
    one = instance(workflow_parameters=json.dumps({f"key{n}": "value" for n in range(10_000)}))

    lines = parameters(one, width)

    assert parameter_count(one) == "10000"
    assert len(lines) <= MAX_LINES + 5
    assert "v shows them all" in text_of(lines[-5:]).replace("\n ", " ")
    assert "key0" in lines[0].text


def test_of_pairs_beyond_what_is_read_at_once_it_is_said_that_there_are_more() -> None:
    one = instance(workflow_parameters="key=value\n" * 700_000)

    lines = parameters(one, 80)

    assert lines[-1].text.startswith(" ... and more than 5,")
    assert parameter_count(one) == "6,554+"


@pytest.mark.parametrize("parts", ['"k":"v",', "1,", "{},", "[[]],"])
def test_json_of_too_many_parts_is_shown_as_it_came(parts: str) -> None:
    one = instance(workflow_parameters=f'{{"all":[{parts * 200_000}0]}}')

    text = text_of(parameters(one, 80))

    assert text.startswith(" Too long to be read: as sent")
    assert re.search(r"[.][.][.] [0-9.]+ [KM]B, v shows the whole$", text)
    assert parameter_count(one) == "raw"


def test_long_names_owners_tags_and_new_fields_leave_room_for_the_others() -> None:
    text = "x" * 7_000_000
    one = instance(
        name=text,
        owner=text,
        tags=(Tag(text, text), Tag("layer", "dwd")),
        unknown_fields=(text, *map(str, range(50_000))),
    )
    row = Row(key(one.id), one, read_at=START, is_watched=True, is_live=True)

    lines = core(row, one, LOOK, START, 80, *GROUPS)
    assert len(lines) < 60
    assert "layer" in text_of(tags(one, 80)[-1:])
    assert "... 7.0 MB, v shows the whole" in text_of(lines)


def test_of_a_run_that_is_not_live_how_long_it_took_is_known_until_it_was_read() -> None:
    for is_live, said in ((True, "42m so far"), (False, "36m so far")):
        one = running(42, is_live=is_live, read_at=ago(minutes=6))
        assert one.instance is not None
        assert said in text_of(core(one, one.instance, LOOK, START, 80, *GROUPS))


WIDE = 200
MARK = (" ", Role.DIM)


def running(minutes: float, **fields: object) -> Row:
    return row(10432987165, "Running", started_time=ms(ago(minutes=minutes)), **fields)


def below(one: Row, width: int = 35) -> str:
    return sidebar_lines(one, MARK, LOOK, START, width)[1].text.strip()


def said(one: Row, width: int = WIDE, wait: str = "") -> list[str]:
    return [each.text for each in outlook_lines(one, LOOK, START, width, wait)]


def test_a_row_shows_a_figure_and_that_it_is_late() -> None:
    assert below(with_outlook(running(41), failed=0)) == "10432987165  late by 20m   41m"
    assert below(with_outlook(running(5), failed=0)) == "10432987165  17/23 done     5m"
    assert below(running(41)) == "10432987165                41m"


def test_an_old_figure_is_shown_as_such() -> None:
    one = with_outlook(running(5), is_old=True)

    assert " 1 failed? " in below(one)
    # How far it was is left out of the list: a minute later it is another figure.
    assert " done" not in below(with_outlook(running(5), failed=0, is_old=True))
    assert said(one)[0] == " 17/23 done, 1 failed, 3 running?"


def test_how_far_a_run_was_that_is_over_now_is_not_shown() -> None:
    over = with_outlook(row(1, "Success"), is_old=True)

    assert "17/23" not in below(over)
    assert "17/23" not in " ".join(said(over))


def test_what_changed_gives_way_to_the_figure_and_both_to_the_mark() -> None:
    changed = change(1, "WaitTime", "Running", ago(minutes=1))
    one = with_outlook(running(41, last_change=changed), failed=0)

    said = {width: " ".join(below(one, width).split()[1:]) for width in (64, 50, 42, 26)}
    assert said == {
        64: "was WaitTime late by 20m 17 of 23 done 1m",
        50: "late by 20m 17 of 23 done 1m",
        42: "late by 20m 1m",
        26: "late 1m",
    }


@pytest.mark.parametrize("number", [1, 2**63 - 1])
def test_beside_a_detail_at_80_cells_id_state_and_age_are_whole(number: int) -> None:
    one = with_outlook(
        row(
            number,
            "Running",
            name="ads_" * 20,
            started_time=ms(ago(minutes=67)),
            is_unseen=True,
            last_change=change(number, "WaitResource", "Running", ago(minutes=1)),
        ),
        failed=0,
    )
    first, second = sidebar_lines(one, MARK, LOOK, START, 33)

    assert cell_len(first.text) == cell_len(second.text) == 33
    assert first.text.endswith("... Running")
    assert second.text.endswith(" 1m")
    assert second.text.startswith(f"     {number} ")
    assert "late" in second.text
    assert first.text.startswith("   \u25b8 ads_")


def test_in_the_list_the_mark_stands_before_what_changed() -> None:
    one = with_outlook(running(41), failed=0)
    text = list_line(one, MARK, LOOK, START, row_columns(78, 11, 22)).text

    assert text.rstrip().endswith("  late by 20m")


def test_the_header_says_how_far_and_how_late() -> None:
    bar, late = said(with_outlook(running(41)))

    assert bar.startswith(" 17/23 done, 1 failed, 3 running  \u25ac\u25ac")
    assert late == " running 41m, usually 19m to 21m: late by 20m"
    assert len(said(with_outlook(running(41)), 46)) == 2


def test_the_header_says_when_one_that_is_not_late_is_expected() -> None:
    assert said(with_outlook(running(8)))[1] == (
        " running 8m, usually 19m to 21m, expected by 14:42"
    )
    # Neither late nor on time: nothing more is claimed.
    assert said(with_outlook(running(20.5)))[1] == " running 20m, usually 19m to 21m"


def test_an_end_on_another_day_has_its_date() -> None:
    waiting = with_outlook(row(1, "WaitTime", biz_date=ms(START + timedelta(days=1))))

    assert said(waiting)[1].endswith("expected by 09-19 14:50")


def test_of_a_settled_run_and_of_what_is_old_nothing_is_claimed() -> None:
    done = with_outlook(
        row(1, "Success", started_time=ms(ago(minutes=50)), finished_time=ms(ago(minutes=9)))
    )

    assert said(done)[1] == " took 41m00s, usually 19m to 21m: 20m00s beyond usual"
    assert len(said(with_outlook(running(41, is_live=False)))) == 1


def test_late_comes_behind_failures_and_before_everything_else() -> None:
    late = with_outlook(running(41))
    rows = (
        row(1, "Running", is_unseen=True, started_time=ms(ago(hours=9))),
        row(2, "Brandnew"),
        late,
        row(3, "Failure"),
    )

    assert [each.key.id for each in RowTable(rows)] == [3, late.key.id, 2, 1]


def test_what_names_hold_is_no_part_of_it() -> None:
    plain = with_outlook(running(41))
    assert plain.instance is not None
    hostile = replace(plain, instance=replace(plain.instance, name="\x1b[2J[red]"))

    assert said(hostile) == said(plain)


def test_the_foremost_tasks_say_what_they_do_for_how_long_how_often_and_since_when() -> None:
    one = with_outlook(running(41), FOREMOST[:3])
    lines = {
        width: [each.text.rstrip() for each in task_lines(one, LOOK, START, width)]
        for width in (80, 68, 52)
    }

    assert lines[80] == [
        " TASKS 23",
        " ✖ build_profile_wide  Failure       ODPS_SQL   13m00s  run 2  from 14:15:00",
        " ▸ score_tag_vector    Running       PYODPS3       10m         from 14:20:00",
        " ◫ export_pay_bill     WaitResource  SHELL",
        "   and 20 more: t",
    ]
    assert lines[68][1] == lines[80][1].removesuffix("  from 14:15:00")
    assert lines[52][1] == " ✖ build_profile_wide  Failure        13m00s"


def test_tasks_that_are_unknown_or_old_have_their_place_while_they_are_read() -> None:
    old = with_outlook(running(41), FOREMOST, is_old=True)
    few = with_outlook(running(41), FOREMOST, is_old=True, total=3)
    for one, lines in ((running(41), 8), (old, 8), (few, 4)):
        found = task_lines(one, LOOK, START, 80)
        assert [each.text.rstrip() for each in found] == [" TASKS reading...", *[""] * (lines - 1)]
    # What was read before keeps it.
    assert len(task_lines(few, LOOK, START, 80, "not read: unreachable")) == 4
    assert said(running(41))[0].strip() == ""


def test_why_no_tasks_are_known_stands_in_their_place() -> None:
    none = replace(running(41), outlook=Outlook(no_tasks="none"))
    for one, wait, why in (
        (running(41), "not read: paused", "not read: paused"),
        (none, "not read: paused", "none"),
        (none, "", "none"),
    ):
        assert [each.text for each in task_lines(one, LOOK, START, 80, wait)] == [f" TASKS {why}"]
        assert said(one, wait=wait) == [" running 41m"]
    assert task_lines(replace(none, is_gone=True), LOOK, START, 80) == ()
    assert said(replace(running(41), is_gone=True, is_live=False)) == []
    hostile = task_lines(running(41), LOOK, START, 36, "not read: \x1b]0;x\x07" + "店" * 40)
    assert [cell_len(each.text) <= 36 for each in hostile] == [True]
    assert "\x1b" not in hostile[0].text


def test_hostile_tasks_of_any_width_stay_within_the_pane() -> None:
    hostile = task(1, "店" * 300 + "\x1b]0;x\x07", "\u202eBad" * 20, "K" * 90, started=1)
    lines = task_lines(with_outlook(running(41), (hostile,)), LOOK, START, 46)

    assert all(cell_len(each.text) <= 46 for each in lines)
    assert not {"\x1b", "\x07", "\u202e"} & set("".join(each.text for each in lines))


def texts(*changes: Transition, width: int = 120, **fields: object) -> list[str]:
    found = failed_row().instance
    assert found is not None
    instance = replace(found, **fields)  # type: ignore[arg-type]
    lines = instance_text.history(changes, instance, LOOK, START, width)
    assert all(width_of(one.spans) <= width for one in lines)
    return [" ".join(one.text.split()) for one in lines]


def test_a_state_lasted_from_the_change_before_to_its_own() -> None:
    assert "41m12s" in texts(*history())[0]
    assert "2m48s" in texts(*history())[1]


def test_a_first_change_out_of_running_counts_from_the_service_s_start() -> None:
    first = change(FAILED, "Running", "Failure", ago(minutes=2))

    assert "41m12s" in texts(first)[0]
    assert "41m12s" not in texts(first, started_time=None)[0]
    assert "41m12s" not in texts(first, started_time=ms(START))[0]


def test_changes_that_do_not_meet_say_nothing_of_the_time_between() -> None:
    late, early = history()[0], change(FAILED, "NotRun", "WaitTime", ago(minutes=50))

    assert texts(late, early, started_time=None)[0] == (
        "14:28:00 Running -> Failure between 14:27:45 and 14:28:00"
    )


def test_a_time_is_as_exact_as_it_is_known() -> None:
    seen = change(FAILED, "Running", "Failure", ago(minutes=2))
    blind = replace(seen, seen_after=seen.at - timedelta(days=1))
    exact = replace(seen, is_service_time=True, is_rerun=True)

    assert instance_text.precision(seen, LOOK) == "between 14:27:45 and 14:28:00"
    assert instance_text.precision(blind, LOOK) == "between 09-17 14:28:00 and 14:28:00"
    assert instance_text.precision(exact, LOOK) == "exact time, rerun"


def test_where_a_line_has_no_room_each_change_takes_two() -> None:
    lines = texts(*history()[:1], width=46)

    assert lines == [
        "14:28:00 Running -> Failure",
        "after 41m12s, between 14:27:45 and",
        "14:28:00",
    ]


def test_a_failure_names_the_tasks_that_failed_as_far_as_there_is_room() -> None:
    failed = tuple(task(n, name, "Failure") for n, name in enumerate(["join_dim", "\x1bb", "c"], 1))
    changes = (
        replace(change(FAILED, "Failure", "Running", ago(minutes=1)), failed=failed),
        replace(history()[0], failed=failed),
    )

    assert texts(*changes)[1].startswith(
        "14:28:00 Running -> Failure: join_dim, \u241bb and 1 more after 41m12s "
    )
    assert "join_dim" not in texts(*changes)[0]
    assert texts(*changes, width=95)[1].startswith(
        "14:28:00 Running -> Failure: join_dim, \u241bb and... after"
    )
    assert texts(*changes, width=40)[3:5] == [
        "14:28:00 Running -> Failure",
        "join_dim, \u241bb and 1 more",
    ]
    many = replace(history()[0], failed=failed * 2)
    assert ": join_dim, \u241bb and more " in texts(many)[0]


def test_words_from_outside_are_made_safe_and_short() -> None:
    hostile = change(FAILED, "\x1b[31m" + "x" * 90, "[red]\x9b", ago(minutes=2))
    left, right = instance_text.event(replace(hostile, name="a\u202eb"), LOOK, START)

    assert "\x1b" not in texts(hostile, width=200)[0]
    assert "<U+202E>" in "".join(text for text, _ in left)
    assert width_of(right) < 60


def test_only_what_is_a_key_looks_like_one() -> None:
    for cause in (NotFound.default_cause, CredentialsMissing.default_cause, "refused"):
        trouble = Trouble(cause, "No.", START + timedelta(seconds=60))
        lines = instance_text.not_read(Row(key(1), trouble=trouble), LOOK, START, 60)
        accented = [
            text.strip() for each in lines for text, role in each.spans if role is Role.ACCENT
        ]
        assert [text for text in accented if text] in ([], ["r"])
