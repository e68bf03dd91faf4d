"""Rows of the watched list: their order, words, lines and groups. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import accumulate, chain
from typing import Any, NamedTuple, TypeGuard, TypeVar, cast

from wfinspect import format as fmt
from wfinspect.model import (
    Family,
    FieldKind,
    Follow,
    InstanceKey,
    Status,
    Target,
    Transition,
    WorkflowInstance,
    zone_of,
)
from wfinspect.search import matcher, parse_search
from wfinspect.ui.lines import (
    Column,
    Line,
    Part,
    Role,
    Span,
    cell_len,
    crop,
    fit,
    in_columns,
    line,
    shed,
    spread,
    text_of,
    titles,
    whole,
    width_of,
)
from wfinspect.ui.theme import FAMILY_ROLES, Look
from wfinspect.watching.api import (
    Row,
    Rows,
    Trouble,
    follow_of,
    is_same_but_for_age,
    state_since,
)
from wfinspect.watching.cadence import shows_age
from wfinspect.watching.summary import age as age_of

UNSEEN_FAILURE, FAILURE, LATE, GONE, NOT_LIVE, UNSEEN, ACTIVE, WAITING, IDLE, SUCCESS = range(10)

_CALM = {
    Family.FAILURE: FAILURE,
    Family.UNKNOWN: GONE,
    Family.ACTIVE: ACTIVE,
    Family.WAITING: WAITING,
    Family.IDLE: IDLE,
    Family.SUCCESS: SUCCESS,
}
_NEWEST_FIRST = {UNSEEN_FAILURE, FAILURE, UNSEEN, SUCCESS}


def _rank(row: Row, calm: int) -> int:
    """Return how urgent a row is; `calm` is how urgent one of its family is, seen and live."""
    if row.is_gone or calm == GONE:
        return GONE
    if calm == FAILURE:
        return UNSEEN_FAILURE if row.is_unseen else FAILURE
    if row.instance is None or not row.is_live:
        return NOT_LIVE
    if row.is_late:
        return LATE
    return UNSEEN if row.is_unseen else calm


def _order(row: Row) -> tuple[object, ...]:
    # The most urgent first; the longest running and the latest settled lead their kind.
    calm = _CALM[row.family] if row.instance else -1
    level = _rank(row, calm)
    since = state_since(row) or 0.0
    return (level, not row.is_unseen, calm, -since if level in _NEWEST_FIRST else since, row.key.id)


def _by_last_change(row: Row, _: datetime) -> tuple[Any, ...]:
    # Of one whose change was not seen, the service says when it began or ended.
    at = state_since(row) or 0.0
    return (not at, -at, row.key.id)


def _by_name(row: Row, _: datetime) -> tuple[Any, ...]:
    name = row.instance.name[: fmt.LINE_LIMIT].casefold() if row.instance else ""
    return (not name, name, row.key.id)


def _by_start(row: Row, _: datetime) -> tuple[Any, ...]:
    at = (row.instance.started_time if row.instance else 0) or 0
    return (not at, -at, row.key.id)


def _by_duration(row: Row, now: datetime) -> tuple[Any, ...]:
    seconds = row.instance.run_seconds(now) if row.instance else None
    return (seconds is None, -(seconds or 0.0), row.key.id)


class _Sort(NamedTuple):
    key: Callable[[Row, datetime], tuple[Any, ...]]
    """What is smaller comes first; a bool says that there is nothing to sort by, which comes last."""
    direction: str


_SORTS: Mapping[str, _Sort] = {
    "urgency": _Sort(lambda row, _: _order(row), "what needs you first"),
    "start": _Sort(_by_start, "newest first"),
    "duration": _Sort(_by_duration, "longest first"),
    "name": _Sort(_by_name, "A to Z"),
    "ID": _Sort(lambda row, _: (row.key.id,), "lowest first"),
    "last change": _Sort(_by_last_change, "newest first"),
}
SORTS = tuple(_SORTS)
"""The orders there are, the first to begin with."""


def sort_words(sort: str) -> tuple[str, str]:
    """Return by what an order sorts, and in which direction."""
    return f"by {sort}", _SORTS[sort].direction


def whose(rows: Sequence[Row]) -> str:
    """Return name and ID of a row, or how many rows there are and the first of their names."""
    names = [fmt.shown(row.instance.name, limit=60) if row.instance else "" for row in rows]
    if len(rows) == 1:
        return f"{names[0]} {rows[0].key.id}".lstrip()
    # Runs of one workflow are told apart by their IDs.
    whole = [f"{name} {row.key.id}".lstrip() for name, row in zip(names, rows, strict=True)]
    named = names if len({*names, ""}) > len(names) else whole
    return f"{len(rows)} instances ({fmt.listed(named, _NAMED)})"


_NAMED = 3
_HOUR = 3600.0
NAME_LIMIT = 200
"""Characters of a name that may be shown."""


def glyph_of(row: Row, look: Look) -> Span:
    """The mark of a row's state."""
    if row.instance is None or row.is_gone:
        return look.glyphs[Status.UNKNOWN], Role.UNKNOWN if row.is_gone else Role.DIM
    return look.glyphs[Status(row.instance.status)], state_word(row)[1]


def state_word(row: Row) -> Span:
    """The word of a row's state: as the service says it, with ``?`` where it is not the present."""
    if row.is_gone:
        return "gone", Role.UNKNOWN
    if row.instance is None:
        if row.trouble is not None:
            return fmt.shown(row.trouble.cause), Role.TROUBLE
        return ("reading..." if row.is_loading else "not read"), Role.DIM
    word = fmt.shown(row.instance.status, limit=40) or "no status"
    if not row.is_live:
        return f"{word}?", Role.DIM
    return word, FAMILY_ROLES[row.family]


def state_time(row: Row, look: Look, now: datetime) -> str:
    """How long, or since when, in at most five cells: an age while it may still change.

    A settled row shows the clock time or the date, which never ticks.
    """
    since = state_since(row)
    if since is None or row.instance is None:
        return ""
    if row.instance.is_settled or row.is_gone:
        return fmt.near_time(int(since * 1000), now, look.zone, "%H:%M", "%m-%d")
    return age_of(now.timestamp() - since)


def shows_reading(row: Row, now: datetime) -> bool:
    """Whether a row says when it was read: it is not the present, or was read long ago."""
    if row.instance is None or row.read_at is None:
        return False
    return not row.is_live or shows_age(row.instance, row.read_at, now)


def _read_words(row: Row, now: datetime) -> str:
    """How long ago it was read, where a row says so."""
    at = row.read_at if shows_reading(row, now) else None
    return f"read {age_of((now - at).total_seconds())}" if at else ""


def coarse_age(seconds: float) -> str:
    """An age that ticks by the minute for an hour, then by the hour, then by the day."""
    if _HOUR <= seconds < 24 * _HOUR:
        return f"{int(seconds // _HOUR)}h"
    return age_of(seconds)


def change_words(row: Row) -> str:
    """What changed last, e.g. ``Running -> Failure``; "" where nothing has."""
    change = row.last_change
    if change is None:
        return ""
    return fmt.change_words(
        change.from_status, change.to_status, limit=40, is_rerun=change.is_rerun
    )


_NOTE, _RAN = "note: ", "ran "


def _notes(row: Row, now: datetime) -> tuple[Role, tuple[str, ...]]:
    """The remark below a name, the longest wording first: trouble, what changed, how long it ran."""
    instance, change = row.instance, row.last_change
    if instance is None:
        return Role.DIM, ()
    read = f"read {age_of((now - row.read_at).total_seconds())} ago" if row.read_at else ""
    if row.trouble is not None:
        cause = fmt.shown(row.trouble.cause, limit=40)
        # What passes by itself is said once, in the status line's colour; here it stays in the background.
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
    ran = "" if seconds is None else f"{_RAN}{fmt.duration(seconds)}"
    said = _note_words(row) or ran
    return Role.DIM, (said,) if said else ()


def _note_words(row: Row) -> str:
    return f"{_NOTE}{fmt.shown(row.note, limit=80)}" if row.note else ""


def _change_notes(row: Row, change: Transition, now: datetime) -> tuple[Role, tuple[str, ...]]:
    before = fmt.shown(change.from_status, limit=40)
    words, was, short = change_words(row), f"was {before}", f"was {short_word(before)}"
    if change.from_status == change.to_status:
        was = short = words  # "was Failure" beside Failure says nothing
    if not row.is_unseen:
        return Role.DIM, (words, was, short, "")
    ago = coarse_age((now - change.at).total_seconds())
    return FAMILY_ROLES[change.family], (
        f"{words}, {ago} ago",
        words,
        f"{was}, {ago} ago",
        was,
        short,
        "",
    )


_SHORT_WORDS = {
    "CheckingCondition": "ChkCond",
    "WaitResource": "WaitRes",
    "WaitTrigger": "WaitTrig",
}


def short_word(word: str) -> str:
    """A state's word where the name needs the room."""
    bare = word.removesuffix("?")
    return _SHORT_WORDS.get(bare, bare) + word[len(bare) :]


def name_of(row: Row, mark: Span) -> Span:
    """The name, or a dash before it is known; that of a marked row is set off."""
    name = fmt.shown(row.instance.name, limit=NAME_LIMIT) if row.instance else ""
    if row.instance is not None and "name" in dict(row.instance.unreadable):
        return "unreadable", Role.DIM
    if not name:
        return "-", Role.DIM
    if mark == MARKED:
        return name, Role.ACCENT
    return name, Role.STRONG if row.is_unseen else Role.TEXT


def _figures(row: Row) -> tuple[str, ...]:
    """How far it is, the longest wording first; nothing where that is not the present."""
    progress = row.outlook.progress
    if progress is None or not row.outlook.is_progress_live:
        return ()
    return tuple(f"{progress.done}{of}{progress.total} done" for of in (" of ", "/"))


def failed_so_far(row: Row) -> int:
    """Return how many tasks of a run that goes on have failed."""
    progress = row.outlook.progress
    return progress.failed if progress is not None and row.family is Family.ACTIVE else 0


def _pressing(row: Row, look: Look, now: datetime) -> tuple[Role, tuple[str, ...]]:
    """Say that a run needs someone though it goes on: what failed in it, that it is late; the longest wording first."""
    late, failed = row.late_words(now, look.zone), failed_so_far(row)
    if not failed:
        return Role.TROUBLE, late
    said = f"{failed} failed{'' if row.outlook.is_progress_live else '?'}"
    return Role.FAILURE, (*(f"{said}  {each}" for each in late), said, f"{failed} fail")


def is_overtaken(row: Row) -> bool:
    """Whether the known progress says nothing any more."""
    # Of a run that is over, how far it was once says nothing.
    return row.family.is_settled and not row.outlook.is_progress_live


TIME_CELLS = 5
ID_FROM_CELLS = 60
"""From here a line of the list has the ID; below, the bottom line holds that of the cursor's row."""
ROOMY_ROW_CELLS = 44
"""From here a two-line row has room for any status in full."""


def remarks(row: Row, look: Look, now: datetime, room: int, apart: str = "") -> Sequence[Span]:
    """Return what changed, what is pressing, how far it is, and a note, as far as there is room.

    `apart` is what tells the row from others of its name; it gives way to lateness, to what failed and
    to what was not seen.
    """
    (pressing, late), (role, texts) = _pressing(row, look, now), _notes(row, now)
    is_note = texts[:1] == (_note_words(row),)
    has_failed = row.family is Family.FAILURE and row.last_change is not None
    is_news = role is not Role.DIM or has_failed or shows_reading(row, now)
    late = tuple(each for each in late if cell_len(each) <= room) or late[-1:]
    left = room - (cell_len(late[0]) + _GAP if late else 0)
    # What keeps every row from being read stands in the top line: a part of it says nothing here.
    is_passing = row.trouble is not None and role is Role.DIM
    # A note is whole or not there: the detail has it.
    if is_news and not (is_note or is_passing) and texts[-1] and left >= _LEAST_REMARK:
        texts = (*texts, fit(texts[-1], left))
    parts = [
        Part.of(late, pressing, 0),
        Part.of(_figures(row), Role.DIM, 4),
        Part.of([apart], Role.TEXT, 2),
    ]
    is_last = is_note or "".join(texts[:1]).startswith(_RAN)
    text = Part.of(texts, role, 1 if is_news else 3 if is_note else 5)
    parts.insert(len(parts) if is_last else 0, text)
    parts.append(Part.of([] if is_note else [_note_words(row)], Role.DIM, 6))
    # What is pressing is never cut.
    return shed(parts, max(room, *map(cell_len, late[-1:]), 0))


_GAP = 2
_LEAST_REMARK = 8
"""Cells; less of a remark says nothing."""


def mark_of(row: Row, look: Look) -> Span:
    """The sign at the far left: not watched, but looked up; or an unseen change."""
    if not row.is_watched:
        return look.prompt, Role.ACCENT
    if row.is_unseen:
        # Red is for what failed.
        is_failure = row.family is Family.FAILURE
        return look.unseen, Role.FAILURE if is_failure else Role.STRONG
    return " ", Role.DIM


def lead(row: Row, mark: Span, look: Look) -> tuple[Span, Span, Span, Span]:
    """Return what stands before a name: mark, a sign of what the mark hides or of a follow, of a note, and glyph."""
    glyph, role = glyph_of(row, look)
    second: Span = FOLLOWED if row.follow else " ", Role.DIM
    if mark == MARKED and row.is_unseen:
        # Before an action on marked rows, what was not seen of them is the news.
        second = mark_of(row, look)
    return mark, second, (NOTED if row.note else " ", Role.DIM), (f"{glyph} ", role)


def is_own(row: Row, follow: Follow) -> bool:
    """Return whether the row stands for what `follow_of` gives: the key that follows it ends that."""
    return follow.number == row.follow or follow.query.workflow_id is not None


def follow_words(row: Row, follows: Sequence[Follow]) -> str:
    """Return what the key that follows a row's workflow does."""
    if (follow := follow_of(row, follows)) is None:
        return "follow workflow"
    return "unfollow workflow" if is_own(row, follow) else "say what follows it"


def signs(look: Look) -> tuple[tuple[str, str], ...]:
    """What stands before the glyph of a row, and what it means."""
    return (
        (look.unseen, "changed, and not seen yet"),
        (look.prompt, "looked up, not watched"),
        (MARKED[0], "marked"),
        (NOTED, "has a note"),
        (FOLLOWED, "followed"),
        ("Running?", "not live: as last read"),
    )


LEAD_CELLS = 5
FOLLOWED = "W"
"""As the key that follows a workflow."""
NOTED = "i"
"""As the key that writes a note."""


MARKED: Span = "#", Role.BRAND
"""The sign of a row that was marked with space."""


def _keeps_word(row: Row) -> bool:
    """Whether the word of a row's state says more than its glyph: it failed, is unknown, or not live."""
    has_word = row.instance is not None and row.is_live and not row.is_gone
    return not has_word or row.family in {Family.FAILURE, Family.UNKNOWN}


def sidebar_lines(
    row: Row,
    mark: Span,
    look: Look,
    now: datetime,
    width: int,
    sort: str = SORTS[0],
    apart: str = "",
) -> tuple[Line, Line]:
    """Two lines: mark, glyph, name, word; below them the whole ID, what changed, the time.

    Word and time have their places at the edge, to which the name gives way.
    """
    word, role = state_word(row)
    if width < ROOMY_ROW_CELLS:
        word = short_word(word)
    left = [*lead(row, mark, look), name_of(row, mark)]
    # A word that is not documented may be long; glyph and name keep their half.
    said: Span = (fit(word, max(width // 2 - 4, width - width_of(left) - 1)), role)
    time = time_of(row, look, now, sort)
    number = f"{' ' * LEAD_CELLS}{row.key.id} "
    room = width - cell_len(number) - _GAP - TIME_CELLS
    below = remarks(row, look, now, room, apart)
    read = _read_words(row, now)
    left_over = room + TIME_CELLS - width_of(below)
    if read not in text_of(below) and cell_len(read) < left_over:
        time = read
    # Where room is short it is taken from before them: "was Running 12:13" is not when it ran.
    number += " " * (cell_len(time) < left_over)
    return (
        line(*spread(left, [said], width)),
        line(*spread([(number, Role.DIM), *below], [(time, Role.DIM)], width)),
    )


_WORD_CELLS, _SHORT_WORD_CELLS, _LEAST_WORD_CELLS = 13, 10, 8
"""Cells of the state's word: WaitResource?; where there is no ID; where a name needs the room."""
_LEAST_NOTE = 13
_APART_CELLS = len(" began 10:40")
_ROOMY_NOTE = _LEAST_NOTE + _GAP + _APART_CELLS
"""From here what changed and what tells a row from others of its name stand side by side."""
_LEAST_NAME = 12


def row_columns(
    width: int, id_cells: int, name_cells: int, most_names: int = 0, sort: str = SORTS[0]
) -> tuple[Column, ...]:
    """Share out a line of the list: name, ID, word, time, note.

    The ID never gives way, a few long names first, then the note, then the word to a whole name.

    Args:
        width: cells of the line.
        id_cells: the most that an ID takes.
        name_cells: the most that a name takes.
        most_names: what most names take; 0 where none may be cut for the note.
        sort: the order, which says of what the time is.
    """
    has_id = width >= ID_FROM_CELLS
    word, gap = (_WORD_CELLS, 2) if has_id else (_SHORT_WORD_CELLS, 1)
    ids = id_cells if has_id else 0
    rest = width - LEAD_CELLS - gap - (ids and ids + 2) - word - 1 - TIME_CELLS
    spare = rest - 2 - name_cells
    if spare < _LEAST_NOTE <= rest - 2 - (most_names or rest):
        # A few long names don't cost all rows their note.
        name_cells, spare = rest - 2 - _LEAST_NOTE, _LEAST_NOTE
    note_cells = min(34, spare) if spare >= _LEAST_NOTE else 0
    given = min(word - _LEAST_WORD_CELLS, max(0, name_cells - rest))
    # Without the note, the name has beside it what tells it from others of its kind.
    apart = 0 if note_cells else max(0, min(_APART_CELLS, rest - 1 - name_cells))
    name = min(rest + given - (note_cells and note_cells + 2), name_cells + apart)
    time = _TIMES.get(sort, "TIME")
    return (
        Column("NAME", max(4, name), gap),
        Column("INSTANCE", ids, is_right=True),
        Column("STATUS", word - given, gap=0),
        Column(time, 1 + TIME_CELLS, gap=2 if note_cells else 0, is_right=True),
        Column("LAST CHANGE", note_cells, gap=0),
    )


_TIMES = {"start": "START", "duration": "TOOK"}


def time_of(row: Row, look: Look, now: datetime, sort: str) -> str:
    """Return the time that an order is about, else that of the state; in at most five cells."""
    instance = row.instance
    if instance is None or sort not in _TIMES:
        return state_time(row, look, now)
    if sort == "duration":
        seconds = instance.run_seconds(now)
        return "" if seconds is None else age_of(seconds)
    return fmt.near_time(instance.started_time, now, look.zone, "%H:%M", "%m-%d")


def list_line(
    row: Row,
    mark: Span,
    look: Look,
    now: datetime,
    columns: Sequence[Column],
    sort: str = SORTS[0],
    apart: str = "",
) -> Line:
    """One line: mark, glyph, name, ID, word, time, what changed; see `RowTable.apart`."""
    for_name, for_id, for_word, for_time, for_note = columns
    name, name_role = name_of(row, mark)
    room = for_name.cells - cell_len(apart) - 1
    # Of a name that others have too, what changed is worth more than the end.
    least = _LEAST_NAME if 0 < for_note.cells < _ROOMY_NOTE else cell_len(name)
    if apart and room >= min(least, cell_len(name)):
        name, apart = f"{fit(name, room)} {apart}", ""
    beside = remarks(row, look, now, for_note.cells, apart)
    word, word_role = state_word(row)
    pressing, words = _pressing(row, look, now)
    if words and not for_note.cells:
        word = next((each for each in words if cell_len(each) <= for_word.cells), words[-1])
        word_role = pressing
    elif cell_len(word) > for_word.cells:
        word = short_word(word)
        if cell_len(word) > for_word.cells and not _keeps_word(row):
            word = ""
    time, read = time_of(row, look, now, sort), _read_words(row, now)
    if read not in text_of(beside) and for_time.title == "TIME":
        more = max(0, cell_len(read) + 1 - for_time.cells)
        said = word if cell_len(word) + more <= for_word.cells else short_word(word)
        if cell_len(said) + more <= for_word.cells:
            word, time = said, read
            for_word = for_word._replace(cells=for_word.cells - more)
            for_time = for_time._replace(cells=for_time.cells + more)
    values: list[Span] = [
        (name, name_role),
        (str(row.key.id), Role.DIM),
        (word, word_role),
        (time, Role.DIM),
    ]
    columns = (for_name, for_id, for_word, for_time)
    spans = [*lead(row, mark, look), *in_columns(values, columns)]
    beside = crop(beside, for_note.cells)
    return line(*spans, *beside, (" " * (for_note.cells - width_of(beside)), Role.DIM))


def list_heading(columns: Sequence[Column], width: int) -> Line:
    """The titles over `list_line`; the last are left out where `width` cells do not hold them."""
    spans = [(" " * LEAD_CELLS, Role.DIM), *titles(columns)]
    return line(*crop(whole(spans, width), width))


_LOST = "  NOT LIVE"


class Place(NamedTuple):
    """What a line of the list holds; neither a row nor a header is a gap."""

    row: int | None = None
    """The index of the row."""
    part: int = 0
    """Which of its lines."""
    header: Target | None = None


class RowGroups(NamedTuple):
    """Lines of a list in which each group has a header, and all but the first a blank line above it.

    Without groups there are no headers: line and row are one.
    """

    targets: tuple[Target, ...] = ()
    starts: tuple[int, ...] = ()
    """The index of each group's first row."""

    def y_of(self, index: int, height: int) -> int:
        """The first line of a row; `height` is the lines each takes."""
        return index * height + max(0, 2 * bisect_right(self.starts, index) - 1)

    def at(self, y: int, height: int) -> Place:
        """What a line holds."""
        if not self.starts:
            return Place(*divmod(y, height))
        order = range(len(self.starts))
        # The header of a group stands above its rows, below those of the groups before.
        group = bisect_right(order, y, key=lambda g: self.starts[g] * height + 2 * g) - 1
        index, part = divmod(y - 2 * group - 1, height)
        if index < self.starts[group]:
            return Place(header=self.targets[group])
        ends = (*self.starts[1:], index + 1)
        return Place(index, part) if index < ends[group] else Place()


_NO_TIME = datetime.fromtimestamp(0, UTC)


class RowTable:
    """The rows that match a search, in one of `SORTS`, each target's together; what was looked up first.

    Kept while single rows change: what an update costs depends on how many differ. The target of the
    first row comes first, and so on.
    """

    def __init__(self, rows: Iterable[Row] = (), sort: str = SORTS[0]) -> None:
        self._given = Rows()
        self.sort = sort
        self.as_of = _NO_TIME
        """When the order was made; a duration grows."""
        self._matches: Callable[[Row], bool] = _any_row
        self._held: set[InstanceKey] = set()
        self.keeps_places = False
        """Rows that change stay where they are, and those that a follow brings come last."""
        self._kept: dict[InstanceKey, tuple[Any, ...]] = {}
        """The sort keys of rows that stay where they are."""
        self._added_until = _NO_TIME
        """When the latest row was added: one that is restored is older, and has its own place at once."""
        self._orders: dict[Target, list[tuple[Any, ...]]] = {}
        """Of each target, the sort keys of the rows that match; a row's key ends with its `InstanceKey`."""
        self._groups = RowGroups()
        self._starts: tuple[int, ...] = (0,)
        self._targets: Counter[Target] = Counter()
        self._name_cells: Counter[int] = Counter()
        self._id_cells: Counter[int] = Counter()
        self._widest: tuple[int, int, int] | None = None
        self._dates: dict[Target, dict[str, Counter[int | None] | int | None]] = {}
        """Of each name the business date, or how many rows have which: of thousands most have their own name."""
        self.counts: Counter[Family] = Counter()
        """How many watched rows that were read are in which family; what is gone is UNKNOWN."""
        self.watched = 0
        self.unseen = 0
        """How many rows have an unseen change."""
        self.unseen_failures = 0
        self.update(Rows(rows))

    @property
    def targets(self) -> KeysView[Target]:
        """Those of all rows, whether they match or not."""
        return self._targets.keys()

    @property
    def total(self) -> int:
        """How many rows there are, whether they match or not."""
        return self._targets.total()

    @property
    def headers(self) -> RowGroups:
        """Where a header stands above each target's rows; nowhere with one target alone."""
        return self._groups if len(self._targets) > 1 else RowGroups()

    @property
    def widest(self) -> tuple[int, int, int]:
        """The cells of the longest ID, of the widest name, and of most names; each at least its title's.

        Most are nine in ten, or all but two.
        """
        if self._widest is None:
            total, most = self._name_cells.total(), 12
            few = min(total // 2, max(2, total // 10))
            for cells in sorted(self._name_cells, reverse=True):
                few -= self._name_cells[cells]
                if few < 0:
                    most = max(12, cells)
                    break
            self._widest = max([8, *self._id_cells]), max([12, *self._name_cells]), most
        return self._widest

    def apart(self, row: Row, zone: tzinfo, now: datetime) -> str:
        """Return what tells a row from others of its name: its business date, or when it started."""
        found = row.instance
        dates = self._dates[row.key.target][found.name] if found else None
        if found is None or not isinstance(dates, Counter) or len(dates) == 1 == dates.total():
            return ""
        at, day, pattern = found.biz_date, "biz %m-%d", "biz %m-%d"
        if dates[at] == 1:
            zone = zone_of(row.key.target.region)
        else:
            at, day, pattern = found.started_time, "began %m-%d", "began %H:%M"
        return fmt.near_time(at, now, zone, pattern, day)

    def update(self, rows: Rows) -> bool:
        """Take other rows in place of the former; return whether places or matches differ."""
        removed: set[tuple[Any, ...]] = set()
        added: list[tuple[Any, ...]] = []
        added_until = self._added_until
        for before, row in rows.changes(self._given):
            if is_same_but_for_age(before, row):
                continue
            self._count(before, row)
            if row is not None and row.added_at is not None:
                added_until = max(added_until, row.added_at)
            old = self._place(before)
            new = self._new_place(old, before, row)
            if old != new:
                removed |= {old} - {()}
                added += {new} - {()}
        self._given, self._added_until = rows, added_until
        if removed or added:
            self._move(removed, added)
        return bool(removed or added)

    def _new_place(
        self, old: tuple[Any, ...], before: Row | None, row: Row | None
    ) -> tuple[Any, ...]:
        was_kept = before is not None and self._kept.pop(before.key, None) is not None
        new = self._place(row)
        stays: tuple[Any, ...] = ()
        if row is None:
            return new
        if before is None:
            is_new = row.added_at is not None and row.added_at > self._added_until
            is_brought = self.keeps_places and is_new and row.follow and new
            stays = (2, row.key) if is_brought else ()
        elif before.instance is not None and _is_first(before) is _is_first(row):
            # What the user watches or looks up has its place at once.
            is_same = was_kept and before.change_identity == row.change_identity
            stays = old if self.keeps_places or is_same else ()
        if stays and stays != new:
            self._kept[row.key] = new = stays
        return new

    def due(self, chosen: Row | None) -> Sequence[InstanceKey]:
        """Return the rows that are to take their places; the chosen one stays where its change has put it."""
        if chosen is not None and not chosen.is_unseen:
            put = self._own_place(chosen._replace(is_unseen=True))
            return [key for key, kept in self._kept.items() if (key, kept) != (chosen.key, put)]
        return [*self._kept]

    def take_places(self, keys: Sequence[InstanceKey]) -> bool:
        """Have rows go where they belong; return whether there are any."""
        removed = {self._kept.pop(key) for key in keys}
        if removed:
            places = (self._place(self._given.get(key)) for key in keys)
            self._move(removed, [place for place in places if place])
        return bool(removed)

    def hold(self, keys: set[InstanceKey]) -> bool:
        """Have these rows and no others be shown where they do not match; return whether any has left."""
        left = [each for each in map(self._given.get, self._held - keys) if self.has_left(each)]
        kept = {row.key: place for row in left if (place := self._place(row))}
        hidden = [key for key in keys - self._held if not self._place(self._given.get(key))]
        self._kept, self._held = self._kept | kept, keys
        self._move(set(), [place for key in hidden if (place := self._place(self._given.get(key)))])
        return self.take_places([*kept])

    def has_left(self, row: Row | None) -> TypeGuard[Row]:
        """Return whether a row does not match, though it may be shown."""
        return row is not None and not self._matches(row)

    def arrange(
        self, sort: str, matches: Callable[[Row], bool] | None = None, now: datetime = _NO_TIME
    ) -> None:
        """Have another order, as of `now`, and only the rows for which `matches` holds."""
        self.sort, self._matches, self.as_of = sort, matches or _any_row, now
        self._orders, self._kept = {}, {}
        self._move(set(), [place for row in self._given if (place := self._place(row))])

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Row:
        group = bisect_right(self._starts, index) - 1
        order = self._orders[self._groups.targets[group]]
        return self._row(order[index - self._starts[group]])

    def __iter__(self) -> Iterator[Row]:
        orders = (self._orders[target] for target in self._groups.targets)
        return map(self._row, chain.from_iterable(orders))

    def index(self, key: InstanceKey) -> int | None:
        """Return where a row is; None where it does not match, or there is none."""
        place = self._place(self._given.get(key))
        if not place:
            return None
        group = self._groups.targets.index(key.target)
        return self._starts[group] + bisect_left(self._orders[key.target], place)

    def most_urgent_unseen(self, passed: Collection[InstanceKey]) -> Row | None:
        """Return the most urgent unseen row but for those passed; one that does not match comes last."""
        left = (row for row in self._given if row.is_unseen and row.key not in passed)
        return min(left, key=lambda row: (not self._place(row), _order(row)), default=None)

    def _row(self, place: tuple[Any, ...]) -> Row:
        return cast("Row", self._given.get(place[-1]))

    def _place(self, row: Row | None) -> tuple[Any, ...]:
        """Return the sort key of a row, which may be kept; () where it is not shown."""
        if row is not None and row.key in self._kept:
            return self._kept[row.key]
        return self._own_place(row)

    def _own_place(self, row: Row | None) -> tuple[Any, ...]:
        if row is None or (row.key not in self._held and self.has_left(row)):
            return ()
        return (not _is_first(row), *_SORTS[self.sort].key(row, self.as_of), row.key)

    def _move(self, removed: set[tuple[Any, ...]], added: list[tuple[Any, ...]]) -> None:
        touched: dict[Target, list[tuple[Any, ...]]] = {p[-1].target: [] for p in removed}
        for place in added:
            touched.setdefault(place[-1].target, []).append(place)
        for target, new in touched.items():
            order = self._orders.get(target, [])
            if len(removed) + len(new) > _FEW:
                order = sorted([*(place for place in order if place not in removed), *new])
            else:
                for place in removed:
                    if place[-1].target == target:
                        del order[bisect_left(order, place)]
                for place in new:
                    insort(order, place)
            self._orders[target] = order
        self._orders = {target: order for target, order in self._orders.items() if order}
        targets = sorted(self._orders, key=self._orders.__getitem__)
        self._starts = (0, *accumulate(len(self._orders[target]) for target in targets))
        self._groups = RowGroups(tuple(targets), self._starts[:-1])

    def _count(self, before: Row | None, row: Row | None) -> None:
        for each, step in ((before, -1), (row, 1)):
            if each is None or not each.is_watched:
                continue
            self.watched += step
            self.unseen += step * each.is_unseen
            self.unseen_failures += step * (each.is_unseen and each.family is Family.FAILURE)
            if each.instance is not None:
                _add(self.counts, Family.UNKNOWN if each.is_gone else each.family, step)
        if before is not None and row is not None and _likeness(before) == _likeness(row):
            return
        self._widest = None
        for each, step in ((before, -1), (row, 1)):
            if each is None:
                continue
            _add(self._targets, each.key.target, step)
            _add(self._id_cells, len(str(each.key.id)), step)
            if each.instance is not None:
                self._count_name(each.key.target, each.instance, step)
                cells = cell_len(fmt.shown(each.instance.name, limit=NAME_LIMIT))
                _add(self._name_cells, cells, step)

    def _count_name(self, target: Target, instance: WorkflowInstance, step: int) -> None:
        of_target, name, date = self._dates.setdefault(target, {}), instance.name, instance.biz_date
        if name not in of_target:
            of_target[name] = date
            return
        dates = of_target[name]
        if not isinstance(dates, Counter):
            dates = of_target[name] = Counter([dates])
        _add(dates, date, step)
        if not dates:
            del of_target[name]


def _is_first(row: Row) -> bool:
    """Return whether a row was looked up; one that was on the list keeps its place, for the keys behind `w`."""
    return not row.is_watched and row.added_at is None


def _likeness(row: Row) -> tuple[str, int | None] | None:
    """Return what rows of one workflow and date have in common; None before it was read."""
    found = row.instance
    return None if found is None else (found.name, found.biz_date)


_FEW = 64  # beyond this many, one sort costs less than to put each in its place
_T = TypeVar("_T")


def _add(counts: Counter[_T], what: _T, step: int) -> None:
    counts[what] += step
    if not counts[what]:
        del counts[what]


def _any_row(_: Row) -> bool:
    return True


def search_of(query: str, now: datetime) -> Callable[[Row], bool]:
    """Return what says whether a row matches a search; its status is the word that is shown.

    Raises:
        UsageError: the search names a field that there is not.
    """
    if not query.strip():
        return _any_row
    terms = parse_search(query)
    has = matcher(terms, now)
    needs_word = any(t.field is not None and t.field.kind is FieldKind.STATUS for t in terms)
    return lambda row: has(row.key, row.instance, state_word(row)[0] if needs_word else "")


def names_of(targets: Collection[Target]) -> Mapping[Target, tuple[Span, ...]]:
    """What to call each: profile and region, and the endpoint where these are not enough."""
    alike = Counter(target.account for target in targets)
    names: dict[Target, tuple[Span, ...]] = {}
    for each in targets:
        place = each.region
        if alike[each.account] > 1:
            place += f" {each.endpoint}"
        profile = f" {fmt.shown(each.profile, limit=40)}"
        names[each] = (profile, Role.TEXT), (f" {fmt.shown(place, limit=100)}", Role.DIM)
    return names


def header_line(name: tuple[Span, ...], trouble: Trouble | None, width: int) -> Line:
    """A group's name, and what keeps it from being read: the cause gives way before the name does."""
    if trouble is None:
        return line(*crop(name, width))
    said = f"{_LOST}: {fmt.shown(trouble.cause, limit=40)}"
    if width_of(name) + cell_len(said) > width:
        said = _LOST
    return line(*crop(name, width - cell_len(said)), (said, Role.TROUBLE))
