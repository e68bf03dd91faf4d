import json
import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, key, ms

from wfinspect.format import VALUE_LIMIT
from wfinspect.model import Tag
from wfinspect.ui.instance_text import (
    MAX_LINES,
    core,
    core_fields,
    parameter_count,
    parameters,
    tags,
)
from wfinspect.ui.lines import Line
from wfinspect.ui.theme import GLYPHS, PROMPT, Look
from wfinspect.watching.api import Row

LOOK = Look(GLYPHS, PROMPT, ZoneInfo("Asia/Shanghai"))
MINUTE = 60_000


def duration_of(started: int | None, finished: int | None) -> str:
    one = instance(status="Success", started_time=started, finished_time=finished)
    row = Row(key(one.id), one, read_at=START, is_watched=True, is_live=True)
    fields = {
        label: spans for group in core_fields(row, one, LOOK, START) for label, spans in group
    }
    return "".join(text for text, *_ in fields["Duration"])


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

    assert len(core(row, one, LOOK, START, 80)) < 60
    assert "layer" in text_of(tags(one, 80)[-1:])
    assert "... 7.0 MB, v shows the whole" in text_of(core(row, one, LOOK, START, 80))
