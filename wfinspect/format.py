"""Values as text for a person: shared by the screen, tables and headless output. Pure."""

import re
import unicodedata
from datetime import UTC, datetime, tzinfo

LINE_LIMIT = 1_000
BLOCK_LIMIT = 10_000

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202f\u205f-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_MAX_MARKS = 2


def shown(text: str, *, limit: int = LINE_LIMIT) -> str:
    """One line of any text, safe for a terminal.

    Control characters, bidi controls, line separators, zero-width characters and lone surrogates
    are made visible, so that text from outside can neither drive a terminal nor hide; at most
    `limit` characters are kept.
    """
    if len(text) > limit:
        text = text[:limit] + "..."
    if text.isascii() and text.isprintable():
        return text
    return _cap_marks(_UNSAFE.sub(_visible, text))


def shown_block(text: str, *, limit: int = BLOCK_LIMIT) -> str:
    """Several lines of any text, safe for a terminal: as `shown`, with line breaks kept."""
    if len(text) > limit:
        text = text[:limit] + "..."
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(shown(line.replace("\t", "    "), limit=limit + 3) for line in lines)


def _visible(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if code < 0x20:  # noqa: PLR2004 - C0 has a row of pictures of its own
        return chr(0x2400 + code)
    if code == 0x7F:  # noqa: PLR2004 - so has DEL
        return "\u2421"
    return f"<U+{code:04X}>"


def _cap_marks(text: str) -> str:
    """Drop what stacks more than two combining marks on a letter: it would leave its cell."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if marks == 0 or (marks <= _MAX_MARKS and kept):
            kept.append(char)
    return "".join(kept)


def cell_width(text: str) -> int:
    """Terminal cells of a text that has passed `shown`."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def moment(milliseconds: int) -> datetime | None:
    """The aware UTC time of a service's time; None where no calendar holds it."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def clock_time(at: datetime, zone: tzinfo) -> str:
    """Date and time of day in a zone: ``2026-09-18 14:30:02``."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def short_time(at: datetime, now: datetime, zone: tzinfo) -> str:
    """A time of day, with the date where it is another day: ``14:30`` or ``09-17 14:30``."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return local.strftime("%H:%M") if local.date() == today else local.strftime("%m-%d %H:%M")


def biz_date(milliseconds: int, scheduling_zone: tzinfo) -> str:
    """A business date as the region's schedule means it: ``2026-09-17 (Thu)``."""
    at = moment(milliseconds)
    if at is None:
        return str(milliseconds)
    return at.astimezone(scheduling_zone).strftime("%Y-%m-%d (%a)")


def age(seconds: float) -> str:
    """How long ago in at most five characters, without seconds: ``<1m 12m 1h07 3d``."""
    minutes = int(max(0.0, seconds) // 60)
    if minutes < 1:
        return "<1m"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes}m"
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02}"
    return f"{minutes // (24 * 60)}d"


def duration(seconds: float) -> str:
    """A measured span: ``41m12s``, ``9s``, ``1h07m``, ``3d04h``."""
    whole = int(max(0.0, seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02}h"
    if hours:
        return f"{hours}h{minutes:02}m"
    if minutes:
        return f"{minutes}m{rest:02}s"
    return f"{rest}s"
