"""Values as text that is safe to print: for the screen, tables and headless output. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime, tzinfo
from typing import Literal, NamedTuple

from wfinspect.model import FOREMOST, Family, InstanceId, Status, TaskInstance

MARKS: Mapping[Status, str] = {
    Status.NOT_RUN: ".",
    Status.WAIT_TIME: "~",
    Status.WAIT_RESOURCE: "=",
    Status.WAIT_TRIGGER: "-",
    Status.CHECKING_CONDITION: "c",
    Status.RUNNING: ">",
    Status.CHECKING: "q",
    Status.SUCCESS: "+",
    Status.FAILURE: "X",
    Status.UNKNOWN: "?",
}
"""A state as one character of ASCII."""

MARKED_AS: Mapping[Family, Status] = {
    Family.FAILURE: Status.FAILURE,
    Family.UNKNOWN: Status.UNKNOWN,
    Family.ACTIVE: Status.RUNNING,
    Family.WAITING: Status.WAIT_TIME,
    Family.IDLE: Status.NOT_RUN,
    Family.SUCCESS: Status.SUCCESS,
}
"""The state whose mark stands for a whole family where instances are counted."""

LINE_LIMIT = 1_000
VALUE_LIMIT = 2_000
"""Characters of a value that are shown where it may take several lines; a screen needs no more."""

# Printable by Unicode's tables, yet drawn as nothing, or only to change a neighbour's look or width.
_JOINERS_AND_FILLERS = (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0)
_SELECTORS = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_INVISIBLE = frozenset(map(chr, (*_JOINERS_AND_FILLERS, *_SELECTORS, *_SKIN_TONES)))
_WIDE_SPACE = "\u3000"
_MAX_MARKS = 2
_MAX_DRAWN = 20_000  # a text made of every code point must not be remembered as such


def shown(text: str, *, limit: int = LINE_LIMIT) -> str:
    """Return one line of any text, safe for a terminal.

    Control characters, bidi controls, line separators, zero-width characters and lone surrogates
    are made visible, so that text from outside can neither drive a terminal nor hide. No character
    is lost but those beyond `limit`.
    """
    return _made_visible(text if len(text) <= limit else text[:limit] + "...")


def shown_block(text: str) -> str:
    """Return all lines of any text, safe for a terminal: as `shown`, line breaks kept, tabs as spaces."""
    return plain_text(text).replace("\t", "    ")


def shortened(text: str, limit: int = VALUE_LIMIT) -> tuple[str, str]:
    """Return the first `limit` characters of a text, and its size; the whole and "" where it has no more.

    What lays out a text does so with its start alone: that takes no longer the longer the text is.
    """
    if len(text) <= limit:
        return text, ""
    return text[:limit], size_of(text)


def size_of(text: str) -> str:
    """Return the bytes of a text in UTF-8: ``812 bytes``, ``14.2 KB``, ``7.0 MB``."""
    count = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count} bytes"
    return f"{count / 1e3:,.1f} KB" if count < 999_950 else f"{count / 1e6:,.1f} MB"  # noqa: PLR2004 - rounded, a megabyte


def plain_text(text: str) -> str:
    """Return a text of many lines, safe to save and to paste: as `shown`, line breaks and tabs kept."""
    lines = (line.split("\t") for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join("\t".join(map(_made_visible, cells)) for cells in lines)


def exact_json(text: str) -> str:
    """Return JSON that says the same to the last character, and in which nothing can drive a terminal or hide."""
    odd = {char for char in set(text) - {"\n", "\t"} if not is_harmless(char)}
    # A carriage return is a blank between two values; in a value JSON has it escaped already.
    return (
        text.translate({ord(char): _escaped(char) for char in odd} | {0x0D: " "}) if odd else text
    )


def is_harmless(char: str) -> bool:
    """Return whether a character may reach a terminal as it is: it is drawn, in cells of its own.

    Unassigned and private characters are not, since a terminal may give them any width. Of the
    spaces only the plain and the ideographic one are: others are taken for them.
    """
    return (char.isprintable() or char == _WIDE_SPACE) and char not in _INVISIBLE


def _made_visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    # A text has few different characters, however long it is.
    if marks := list(filter(_is_mark, set(text))):
        text = re.sub(f"[{''.join(map(re.escape, marks))}]+", _without_stray_marks, text)
    return text.translate(_DRAWN)


def _without_stray_marks(match: re.Match[str]) -> str:
    # More than two marks on a letter leave its cell, and one without a letter joins the frame.
    run, first = match[0], 0 if match.start() else 1
    kept = run[first:_MAX_MARKS]
    return "".join((*map(_visible, run[:first]), kept, *map(_visible, run[_MAX_MARKS:])))


class _Drawn(dict[int, str]):
    """What is drawn for a character, by its code; found out when it is first met."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _MAX_DRAWN:
            self.clear()
        char = chr(code)
        self[code] = drawn = char if is_harmless(char) else _visible(char)
        return drawn


_DRAWN = _Drawn()


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in {"Mn", "Me"}


def _visible(char: str) -> str:
    code = ord(char)
    if code < 0x20:  # noqa: PLR2004 - C0 has a row of pictures of its own
        return chr(0x2400 + code)
    if code == 0x7F:  # noqa: PLR2004 - so has DEL
        return "\u2421"
    return f"<U+{code:04X}>"


def cell_width(text: str) -> int:
    """Return the terminal cells of a text that has passed `shown`."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if _is_mark(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def moment(milliseconds: int | None) -> datetime | None:
    """Return the aware UTC time of a service's time; None for none, and where no calendar holds it in every zone."""
    if not milliseconds:
        return None
    try:
        at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return at if MINYEAR < at.year < MAXYEAR else None


def clock_time(at: datetime, zone: tzinfo) -> str:
    """Return date and time of day in a zone: ``2026-09-18 14:30:02``."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def service_time(milliseconds: int | None, zone: tzinfo) -> str:
    """Return a service's time as `clock_time`; the number where no calendar holds it, "" for none."""
    at = moment(milliseconds)
    return clock_time(at, zone) if at else str(milliseconds or "")


def change_words(before: str, after: str, *, limit: int, is_rerun: bool = False) -> str:
    """Return e.g. ``Running -> Failure``, or ``Failure again`` of a rerun that ended as the run before."""
    new = shown(after, limit=limit) or "no status"
    if before == after:
        return f"{new} again"
    return f"{shown(before, limit=limit) or 'no status'} -> {new}{' (rerun)' * is_rerun}"


def near_time(
    at: datetime | int | None, now: datetime, zone: tzinfo, today: str, else_: str
) -> str:
    """Return a time in a zone: by one pattern of `strftime` on the day of `now`, by another on others.

    The time may be a service's, in milliseconds; "" for none.
    """
    if not isinstance(at, datetime) and (at := moment(at)) is None:
        return ""
    local = at.astimezone(zone)
    return local.strftime(today if local.date() == now.astimezone(zone).date() else else_)


def biz_day(milliseconds: int, scheduling_zone: tzinfo, pattern: str = "%Y-%m-%d") -> str:
    """Return a business date as the region's schedule means it: ``2026-09-17``."""
    at = moment(milliseconds)
    return at.astimezone(scheduling_zone).strftime(pattern) if at else str(milliseconds)


def biz_date(milliseconds: int, scheduling_zone: tzinfo) -> str:
    """Return a business date with its day of the week: ``2026-09-17 (Thu)``."""
    return biz_day(milliseconds, scheduling_zone, "%Y-%m-%d (%a)")


def listed(names: Sequence[str], most: int) -> str:
    """Return names as part of a sentence: ``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def duration(seconds: float, *, in_minutes: bool = False) -> str:
    """Return a measured span: ``41m12s``, ``9s``, ``1h07m``, ``3d04h``; ``41m`` and ``<1m`` `in_minutes`."""
    return _in_units(_as_shown(seconds, in_minutes=in_minutes), in_minutes=in_minutes)


def difference(first: float, second: float, *, in_minutes: bool = False) -> str:
    """Return how far two spans are apart as `duration` shows them: what is left out of both is not counted."""
    spans = (_as_shown(seconds, in_minutes=in_minutes) for seconds in (first, second))
    return _in_units(abs(next(spans) - next(spans)), in_minutes=in_minutes)


_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def _as_shown(seconds: float, *, in_minutes: bool) -> int:
    """Return what is shown of a span: of days the hours, of hours the minutes."""
    whole = int(max(0.0, seconds))
    day, hour, minute, _ = (size for _, size in _UNITS)
    return whole - whole % (hour if whole >= day else minute if in_minutes or whole >= hour else 1)


def _in_units(whole: int, *, in_minutes: bool) -> str:
    """Return seconds in two units, or in more where these would not hold it."""
    if in_minutes and not whole:
        return "<1m"
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(whole, size)
        if parts and not whole and (len(parts) > 1 or (in_minutes and unit == "s")):
            break
        if parts or count or unit == "s":
            parts.append(f"{count:02}{unit}" if parts else f"{count}{unit}")
        whole = left
    return "".join(parts)


LogLevel = Literal["debug", "info", "warn", "error"]


class LogParts(NamedTuple):
    """A line of a log; together they are the line."""

    time: str
    word: str
    """What it calls its level, with blanks and brackets; "" where it has none."""
    text: str

    @property
    def level(self) -> LogLevel | None:
        """What its word means."""
        return LOG_WORDS.get(self.word.strip(" []:"))


LOG_WORDS: Mapping[str, LogLevel] = {
    "TRACE": "debug",
    "DEBUG": "debug",
    "INFO": "info",
    "NOTICE": "info",
    "WARN": "warn",
    "WARNING": "warn",
    "ERROR": "error",
    "FATAL": "error",
    "CRITICAL": "error",
    "SEVERE": "error",
}
"""The levels by the words for them."""
_LOG_TIME = (
    r"\[?(?:\d{2,4}[-/]\d\d[-/]\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?\s*"
)
_LOG_LINE = rf"((?:{_LOG_TIME})?)((?:\[?(?:{'|'.join(LOG_WORDS)})\b\]?:?\s*)?)"


def log_parts(text: str) -> LogParts:
    """Return the time a line of a log begins with, its level, and the rest."""
    found = re.match(_LOG_LINE, text)
    time, word = found.groups() if found else ("", "")
    return LogParts(time, word, text[len(time) + len(word) :])


_ENDED = re.compile(r"Current task status: *(?!RUNNING)\w")
_LAST_LINES = 2_000


def names_end(text: str) -> bool:
    """Return whether the last lines of a log give its run another state than running.

    Not every type of task writes that, and the task itself may say so later: it is a reason to look.
    """
    return _ENDED.search(text, max(0, len(text) - _LAST_LINES)) is not None


def no_log(why: str, *, earlier: int | None) -> str:
    """Return the sentence on a run without a log; `earlier` is its number where it is not the latest."""
    if earlier is not None:
        return f"No log: the task had not begun in run {earlier}, or wrote none."
    return f"This run has written no log{f' ({why})' if why else ''}."


def before_rerun(tasks: Sequence[TaskInstance]) -> str:
    """Return the sentence on runs that had failed when an instance was rerun; "" for none."""
    runs = [f"{shown(task.name_or_id, limit=60)} (run {task.run_number or 1})" for task in tasks]
    return f"Failed before the rerun: {_first_of(runs, 2)}." if runs else ""


def why_words(causes: Sequence[TaskInstance], most: int = 2, limit: int = 60) -> str:
    """Return which tasks failed, as it stands behind a change: ``: join_region_dim``; "" for none."""
    names = [shown(task.name_or_id, limit=limit) for task in causes]
    return f": {_first_of(names, most)}" if names else ""


def _first_of(tasks: Sequence[str], most: int) -> str:
    # Of more than are kept it is not known how many there are.
    if len(tasks) < FOREMOST:
        return listed(tasks, most)
    return f"{', '.join(tasks[:most])} and more"


def log_command(instance_id: InstanceId, run: TaskInstance) -> str:
    """Return the command that prints the log of a run of a task."""
    # A name that a shell or the command may take for something else gives way to the ID.
    is_plain = re.fullmatch(r"[^\W\d][\w.-]*", run.task_name) is not None
    name = run.task_name if is_plain else run.id
    return f"wfinspect logs {instance_id} {name} --run {run.run_number or 1}"


LOG_END = 1 << 18
"""Characters of a log in which the error of a run is looked for: what ended it stands at the end."""
_SIGNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"FAILED:|\bODPS-\d{5}|\b\w*(?:Error|Exception)\b|Traceback|Caused by:|exception -",
        r"\b(?:ERROR|FATAL)\b|[Ee]rror:|\bKilled\b|denied|\u9519\u8bef|\u5f02\u5e38|\u5931\u8d25",
        r"(?i)\bfailed\b|\bfailure\b|exit ?code:? *[1-9]",
    )
)
"""What an error looks like: what names its cause, what has its rank, what only mentions one."""


def error_places(text: str, start: int = 0) -> list[int]:
    """Return where a log names an error, from `start` on, by the strongest of the signs there is."""
    found = ([match.start() for match in sign.finditer(text, start)] for sign in _SIGNS)
    return next(filter(None, found), [])


# Possessive: a string of megabytes is passed over without a place to go back to for each character.
_JSON_PIECE = r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+'
_STEP = "  "


def indented(text: str) -> str:
    """Valid JSON with a line for each member; values and their order stay, see `exact_json`."""
    parts: list[str] = []
    depth = 0
    tokens = re.findall(_JSON_PIECE, exact_json(text))
    for piece, following in zip(tokens, [*tokens, ""][1:], strict=True):
        if piece in "{[":
            depth += 1
            is_empty = following in ("}", "]")
            parts.append(piece if is_empty else f"{piece}\n{_STEP * depth}")
        elif piece in "}]":
            depth -= 1
            is_empty = bool(parts) and parts[-1] in ("{", "[")
            parts.append(piece if is_empty else f"\n{_STEP * depth}{piece}")
        elif piece == ",":
            parts.append(f",\n{_STEP * depth}")
        else:
            parts.append(": " if piece == ":" else piece)
    return "".join(parts)
