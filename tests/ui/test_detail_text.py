from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, key, ms

from wfinspect.ui.detail_text import core_fields
from wfinspect.ui.theme import GLYPHS, PROMPT, Look
from wfinspect.watching.snapshot import Row

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
