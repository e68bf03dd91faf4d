"""What is said of a watched row: its mark, word, time and remark. Pure; knows no layout and no clock."""

from datetime import datetime

from wfinspect import format as fmt
from wfinspect.instance import Status, Transition
from wfinspect.ui.lines import Role, Span, cell_len, fit
from wfinspect.ui.order import state_since
from wfinspect.ui.theme import FAMILY_ROLES, Look
from wfinspect.watching.cadence import shows_age
from wfinspect.watching.snapshot import Row

_HOUR = 3600.0
NAME_LIMIT = 200
"""Characters of a name that may be shown."""


def glyph_of(row: Row, look: Look) -> Span:
    """The mark of a row's state."""
    word, role = state_word(row)
    if row.instance is None or row.is_gone:
        return look.glyphs[Status.UNKNOWN], Role.UNKNOWN if row.is_gone else Role.DIM
    if not word:
        return look.glyphs[Status.UNKNOWN], role
    return look.glyphs[Status.of(row.instance.status)], role


def state_word(row: Row) -> Span:
    """The word of a row's state: as the service says it, with ``?`` where it is not the present."""
    if row.instance is None:
        if row.trouble is not None:
            return fmt.shown(row.trouble.cause), Role.TROUBLE
        return ("reading..." if row.is_loading else "not read"), Role.DIM
    if row.is_gone:
        return "gone", Role.UNKNOWN
    word = fmt.shown(row.instance.status, limit=40) or "no status"
    if not row.is_live:
        return f"{word}?", Role.DIM
    return word, FAMILY_ROLES[row.family]


def state_time(row: Row, look: Look, now: datetime) -> str:
    """How long, or since when, in at most five cells: an age while it may still change.

    A settled row shows the clock time or the date, which never ticks; an old value, and one that was
    read long ago, its own age.
    """
    if row.instance is not None and row.read_at is not None and shows_reading(row, now):
        return fmt.age((now - row.read_at).total_seconds())
    since = state_since(row)
    if since is None or row.instance is None:
        return ""
    if row.instance.is_settled or row.is_gone:
        at = fmt.moment(int(since * 1000))
        return "" if at is None else fmt.near_time(at, now, look.zone, "%H:%M", "%m-%d")
    return fmt.age(now.timestamp() - since)


def shows_reading(row: Row, now: datetime) -> bool:
    """Whether a row says when it was read: it is not the present, or was read long ago."""
    if row.instance is None or row.read_at is None:
        return False
    return not row.is_live or shows_age(row.instance, row.read_at, now)


def coarse_age(seconds: float) -> str:
    """An age that ticks by the minute for an hour, then by the hour, then by the day."""
    if _HOUR <= seconds < 24 * _HOUR:
        return f"{int(seconds // _HOUR)}h"
    return fmt.age(seconds)


def change_words(row: Row) -> str:
    """What changed last, e.g. ``Running -> Failure``; "" where nothing has."""
    change = row.last_change
    if change is None:
        return ""
    words = f"{fmt.shown(change.from_status, limit=40)} -> {fmt.shown(change.to_status, limit=40)}"
    return f"{words} (rerun)" if change.is_rerun else words


def _notes(row: Row, now: datetime) -> tuple[Role, tuple[str, ...]]:
    """The remark below a name, the longest wording first: trouble, what changed, how long it ran."""
    instance, change = row.instance, row.last_change
    if instance is None:
        return Role.DIM, ()
    read = f"read {fmt.age((now - row.read_at).total_seconds())} ago" if row.read_at else ""
    if row.trouble is not None:
        cause = fmt.shown(row.trouble.cause, limit=40)
        # What mends itself is told once, in the status line's colour; here it stays in the background.
        role = Role.TROUBLE if row.trouble.retry_at is None else Role.DIM
        return role, (cause,) if row.is_live or not read else (f"{cause}, {read}", cause)
    if row.is_gone:
        return Role.UNKNOWN, (f"was {fmt.shown(instance.status, limit=40)}",)
    is_change_news = row.is_live and row.is_unseen
    if shows_reading(row, now) and not is_change_news:
        return Role.DIM, (read,)
    if change is not None:
        return _change_notes(row, change, now)
    seconds = instance.run_seconds(now) if instance.is_settled else None
    return Role.DIM, () if seconds is None else (f"ran {fmt.duration(seconds)}",)


def _change_notes(row: Row, change: Transition, now: datetime) -> tuple[Role, tuple[str, ...]]:
    before = fmt.shown(change.from_status, limit=40)
    words, was, short = change_words(row), f"was {before}", f"was {short_word(before)}"
    if not row.is_unseen:
        return Role.DIM, (words, was, short)
    ago = coarse_age((now - change.at).total_seconds())
    return FAMILY_ROLES[change.family], (
        f"{words}, {ago} ago",
        words,
        f"{was}, {ago} ago",
        was,
        short,
    )


def note(row: Row, now: datetime, width: int) -> Span:
    """The longest wording of the remark that fits into `width` cells."""
    role, wordings = _notes(row, now)
    if not wordings:
        return "", role
    return next((w for w in wordings if cell_len(w) <= width), fit(wordings[-1], width)), role


_SHORT_WORDS = {
    "CheckingCondition": "CheckCond",
    "WaitResource": "WaitRes",
    "WaitTrigger": "WaitTrig",
}


def short_word(word: str) -> str:
    """A state's word where the name needs the room."""
    bare = word.removesuffix("?")
    return _SHORT_WORDS.get(bare, bare) + word[len(bare) :]


def name_of(row: Row) -> Span:
    """The name, or a dash before it is known."""
    name = fmt.shown(row.instance.name, limit=NAME_LIMIT) if row.instance else ""
    if row.instance is not None and "name" in dict(row.instance.unreadable):
        return "unreadable", Role.DIM
    if not name:
        return "-", Role.DIM
    return name, Role.STRONG if row.is_unseen else Role.TEXT
