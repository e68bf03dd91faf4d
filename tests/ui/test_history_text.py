from datetime import timedelta

from fakes import START, ms
from rig import ZONE
from scenes import FAILED, ago, change, failed_row, history
from values import replace

from wfinspect.model import Transition
from wfinspect.ui import instance_text
from wfinspect.ui.lines import width_of
from wfinspect.ui.theme import GLYPHS, Look

LOOK = Look(GLYPHS, ">", ZONE)


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
    assert instance_text.precision(exact, LOOK) == "the service's own time, rerun"


def test_where_a_line_has_no_room_each_change_takes_two() -> None:
    lines = texts(*history()[:1], width=46)

    assert lines == [
        "14:28:00 Running -> Failure",
        "after 41m12s, between 14:27:45 and",
        "14:28:00",
    ]


def test_words_from_outside_are_made_safe_and_short() -> None:
    hostile = change(FAILED, "\x1b[31m" + "x" * 90, "[red]\x9b", ago(minutes=2))
    left, right = instance_text.event(replace(hostile, name="a\u202eb"), LOOK, START)

    assert "\x1b" not in texts(hostile, width=200)[0]
    assert "<U+202E>" in "".join(text for text, _ in left)
    assert width_of(right) < 60
