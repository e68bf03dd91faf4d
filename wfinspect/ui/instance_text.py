"""What the main screen says of a watch and of one instance: status lines, detail, history, advice. Pure.

While all is well nothing in the status lines ticks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from wfinspect import format as fmt
from wfinspect.errors import ABOUT_KEYS, CredentialsMissing, NotFound
from wfinspect.model import (
    FIELDS,
    Family,
    FieldGroup,
    FieldKind,
    Follow,
    InstanceField,
    Status,
    Target,
    Transition,
    WorkflowInstance,
    zone_of,
)
from wfinspect.parsing import first_parameters
from wfinspect.ui.lines import (
    BLANK,
    MARGIN,
    Column,
    Line,
    Part,
    Role,
    Span,
    beside,
    cell_len,
    crop,
    in_columns,
    line,
    pad,
    shed,
    spread,
    whole,
    width_of,
    wrap,
    wrap_lines,
)
from wfinspect.ui.rows import (
    change_words,
    coarse_age,
    glyph_of,
    is_own,
    names_of,
    shows_reading,
    state_word,
)
from wfinspect.ui.theme import FAMILY_ROLES, Look
from wfinspect.watching.api import Contact, Health, Row, Snapshot, Trouble, follow_of
from wfinspect.watching.summary import age as age_of

_TITLED = ((Family.FAILURE, "failed"), (Family.ACTIVE, "running"), (Family.WAITING, "waiting"))


def title(contact: Contact, counts: Counter[Family], unseen: int) -> str:
    """What the window is called: ``1 failed, 2 running - wfinspect``."""
    parts = ["NOT LIVE"] if contact is Contact.NOT_LIVE else []
    parts += [f"{counts[family]} {word}" for family, word in _TITLED if counts[family]]
    parts += [f"{unseen} unseen"] if unseen else []
    return f"{', '.join(parts)} - wfinspect" if parts else "wfinspect"


def top_line(
    snapshot: Snapshot,
    counts: Counter[Family],
    target: Target,
    look: Look,
    now: datetime,
    width: int,
) -> Line:
    """Return whose instances these are, how many are in which state, and whether contact is live.

    `counts` is how many rows are in which family, also those that the snapshot is yet to have.
    """
    right = _contact_spans(snapshot.health, look, now, width, whose=_whose(snapshot, target))
    if snapshot.health.contact is Contact.STARTING and not counts.total():
        right = (("ready", Role.DIM),)
    room = width - width_of(right) - 3
    parts = [
        Part(((" wfinspect ", Role.BRAND),), 6),
        Part(((fmt.shown(target.profile, limit=40), Role.STRONG),), 3),
        Part(((fmt.shown(target.region, limit=40), Role.DIM),), 5),
        Part((("read-only", Role.DIM),), 7),
        # What needs you most stays longest.
        *(Part((each,), 4) for each in _count_spans(counts, look)),
    ]
    return line(*spread(((" ", Role.TEXT), *shed(parts, room)), (*right, (" ", Role.TEXT)), width))


def _whose(snapshot: Snapshot, target: Target) -> str:
    # Another account's trouble must not seem to be that of the one named on the left.
    if target in snapshot.troubles:
        return ""
    other = next(iter(snapshot.troubles), target)
    name = other.profile if other.profile != target.profile else other.region
    return f"{fmt.shown(name, limit=20)}: " if other != target else ""


def _count_spans(counts: Counter[Family], look: Look) -> Iterator[Span]:
    """The counts, e.g. ``X 1`` and ``> 2``."""
    for family, status in fmt.MARKED_AS.items():
        if counts[family]:
            yield f"{look.glyphs[status]} {counts[family]}", FAMILY_ROLES[family]


def _contact_spans(
    health: Health, look: Look, now: datetime, width: int, *, whose: str = ""
) -> tuple[Span, ...]:
    """``live``, how slow, or NOT LIVE with cause, age and next try; the word and the cause are never shed."""
    match health.contact:
        case Contact.LIVE | Contact.STARTING if health.slow is not None:
            words = health.slow.words
            slow = Part.of([words, words.partition(":")[0]], Role.TROUBLE, 0)
            return shed([slow], width - 1)
        case Contact.LIVE:
            return (("live", Role.SUCCESS),)
        case Contact.STARTING:
            return (("starting" if health.last_good_at is None else "reading...", Role.DIM),)
        case Contact.PAUSED:
            return ((" PAUSED ", Role.ALARM), (" p resumes", Role.DIM))
        case Contact.NOT_LIVE:
            cause = fmt.shown(health.trouble.cause, limit=40) if health.trouble else "no answer yet"
            parts = [Part(((" NOT LIVE ", Role.ALARM), (f" {whose}{cause}", Role.TROUBLE)), 0)]
            if health.last_good_at is not None:
                age = age_of((now - health.last_good_at).total_seconds())
                parts.append(Part(((f"last read {age} ago", Role.DIM),), 2))
            if retry := next_try(health.trouble, look, now):
                parts.append(Part(((retry, Role.DIM),), 1))
            return shed(parts, width - 1, gap=", ")


def next_try(trouble: Trouble | None, look: Look, now: datetime) -> str:
    """When the next attempt is due, as clock time; "" where none is planned."""
    if trouble is None or trouble.retry_at is None:
        return ""
    retry = max(trouble.retry_at, now).astimezone(look.zone)
    return f"next try {retry:%H:%M:%S}"


def bottom_line(
    health: Health,
    width: int,
    *,
    unseen: int = 0,
    news: Role = Role.STRONG,
    hint: str = "",
    filter_text: str = "",
    has_left: bool = False,
    flags: Sequence[str] = (),
) -> Line:
    """Return the list's filter, what is unseen, the calls of today, the interval, and what is amiss.

    `news` is what the unseen are: a failure among them is red. `has_left` says that the row under the
    cursor does not match the filter.
    """
    filters = [f" /{fmt.shown(filter_text, limit=limit)}" for limit in (40, 12) if filter_text]
    parts = [
        Part(((" " + hint, Role.STRONG),) if hint else (), 1),
        Part.of(filters, Role.ACCENT, 1),
        Part(((" does not match", Role.TROUBLE),) if has_left else (), 2),
        Part(((f" {unseen} unseen", news),) if unseen else (), 2),
        # The whole sentence is a notification; here it would push out the rest.
        Part(_said("not saved: wfinspect doctor says why" if health.store_trouble else ""), 1),
        Part(_said(*health.remarks), 3),
        Part(_spent(health), 4),
        Part((((" every " + seconds(health.interval_seconds)), Role.DIM),), 5),
        Part(((" " + "  ".join(flags), Role.DIM),) if flags else (), 4),
        Part(_elsewhere(health), 3),
    ]
    return line(*shed(parts, width, gap=" "))


def _said(*sentences: str) -> tuple[Span, ...]:
    text = ", ".join(fmt.shown(sentence, limit=200) for sentence in sentences if sentence)
    return ((" " + text, Role.TROUBLE),) if text else ()


def _spent(health: Health) -> tuple[Span, ...]:
    is_short = health.calls_today >= health.budget * 0.9
    return (
        (" calls ", Role.DIM),
        (f"{health.calls_today:,}/{health.budget:,}", Role.TROUBLE if is_short else Role.DIM),
    )


def _elsewhere(health: Health) -> tuple[Span, ...]:
    # Contact is live, yet something is wrong for some of the rows.
    if health.contact is Contact.NOT_LIVE or health.trouble is None:
        return ()
    return ((f" some not read: {fmt.shown(health.trouble.cause, limit=40)}", Role.TROUBLE),)


def seconds(value: float) -> str:
    """An interval: ``15s``, ``2.5s``, ``5m``."""
    if value >= 60 and value % 60 == 0:  # noqa: PLR2004 - a minute
        return f"{value / 60:g}m"
    return f"{value:g}s"


def sentence(text: str, width: int, role: Role = Role.DIM) -> list[Line]:
    """A sentence, wrapped."""
    pieces = wrap(fmt.shown(text), width - 2, is_prose=True)
    return [line((MARGIN + piece.rstrip(), role)) for piece in pieces]


def _without_advice(trouble: Trouble) -> str:
    """The sentence of a trouble, without the advice that is listed below it anyway."""
    listed = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "aliyun configure", "wfinspect demo")
    what, colon, _ = trouble.sentence.partition(":")
    return (
        f"{what}." if colon and all(it in trouble.sentence for it in listed) else trouble.sentence
    )


def not_read(row: Row, look: Look, now: datetime, width: int) -> tuple[Line, ...]:
    """What stands where the fields of a row will be while there are none."""
    if row.trouble is None:
        return tuple(sentence("Reading it from the service...", width))
    return tuple(_advice(row.trouble, look, now, width))


@lru_cache(maxsize=4)  # a list looks for each line of it
def nothing_watched(
    trouble: Trouble | None, follows: Sequence[Follow], width: int
) -> tuple[Line, ...]:
    """What stands in an empty list: what is followed, and how to begin."""
    if trouble is not None and trouble.cause == CredentialsMissing.default_cause:
        why = sentence(_without_advice(trouble), width, role=Role.TROUBLE)
        return (BLANK, *why, BLANK, *keys_with_words(*_WITHOUT_KEYS, width=width))
    keys = keys_with_words(*_FIRST_KEYS, width=width)
    demo = sentence("Without an account: wfinspect demo shows all of this.", width)
    title = line((MARGIN + "Nothing is watched yet.", Role.STRONG))
    if not follows:
        return (BLANK, title, BLANK, *keys, BLANK, *demo)
    words = [(str(each.number), fmt.shown(each.query.words(), limit=200)) for each in follows]
    followed = keys_with_words(*words[:_MAX_NAMED], width=width)
    said = sentence("Followed: new runs of these join the list by themselves.", width)
    return (BLANK, title, BLANK, *said, *followed, BLANK, *keys)


_FIRST_KEYS = (
    ("0-9", "type or paste an instance ID, or several"),
    ("Enter", "looks it up: status, tasks, parameters; several are watched"),
    ("w", "watches it: you are notified when it changes"),
    ("f", "finds instances by name, status, date and more"),
    ("W", "follows a workflow, in f a search: new runs join the list"),
    ("?", "shows all keys"),
)


_WITHOUT_KEYS = (
    ("set", "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    ("or run", "aliyun configure"),
    ("or try", "wfinspect demo, which needs no account and no network"),
)


def _advice(trouble: Trouble, look: Look, now: datetime, width: int) -> list[Line]:
    if trouble.cause == CredentialsMissing.default_cause:
        return keys_with_words(*_WITHOUT_KEYS, width=width)
    if trouble.cause == NotFound.default_cause:
        return keys_with_words(
            ("check", "the digits, and that it is the ID of a workflow instance, not of a node"),
            ("check", "profile and region in the top line"),
            ("r", "reads again"),
            width=width,
        )
    if retry := next_try(trouble, look, now):
        says = [("r", f"reads now; else by itself, {retry}")]
        if trouble.cause.startswith(ABOUT_KEYS):
            says.append(
                ("or", "new keys in a file are noticed and used; those exported need a new start")
            )
        return keys_with_words(*says, width=width)
    return keys_with_words(("r", "reads again, once that is changed"), width=width)


def keys_with_words(*pairs: tuple[str, str], width: int) -> list[Line]:
    """Return keys, or words such as "check" or "or run" that lead in, and beside each what it says."""
    key_column = Column("", max(len(key) for key, _ in pairs))
    return [
        each
        for key, text in pairs
        for each in beside(
            [key_column],
            # Keys have a capital, a digit or a single letter.
            [(key, Role.DIM if len(key) > 1 and key.islower() else Role.ACCENT)],
            _spans(wrap(text, width - key_column.cells - 4, is_prose=True)),
        )
    ]


def _spans(pieces: Iterable[str], role: Role = Role.TEXT) -> Iterator[Span]:
    return ((piece, role) for piece in pieces)


_LONGEST_WORD = 20
_ARROW = " -> "
_GAPS = 11
_LEAST_REASON = 12
"""Cells for the names of tasks that failed, below which a change takes two lines."""


def history(
    changes: Sequence[Transition],
    instance: WorkflowInstance,
    look: Look,
    now: datetime,
    width: int,
) -> tuple[Line, ...]:
    """The changes of one instance, newest first: when, what and why, after how long, and how exactly."""
    if not changes:
        return tuple(sentence("No change was seen yet. L shows all changes.", width))
    rows = [
        (
            _time(change.at, now, look),
            *_states(change),
            _lasted(change, before, instance),
            precision(change, look),
        )
        for change, before in zip(changes, (*changes[1:], None), strict=True)
    ]
    cells = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    reasons = [fmt.why_words(change.causes) for change in changes]
    room = width - sum(cells) - _GAPS
    is_table = room >= min(widest := max(map(cell_len, reasons)), _LEAST_REASON)
    cells[2] += min(widest, room)
    lines: list[Line] = []
    for change, (at, old, new, lasted, known), why in zip(changes, rows, reasons, strict=True):
        role = FAMILY_ROLES[change.family]
        if is_table:
            head = f"{MARGIN}{pad(at, cells[0])}  {pad(old, cells[1])}{_ARROW if old else '    '}"
            span = f"{pad(new + why, cells[2])}  "
            rest = (f"{pad(lasted, cells[3])}  ", Role.TEXT), (known, Role.DIM)
            lines.append(line((head, Role.DIM), (span, role), *rest))
        else:
            spans = (f"{MARGIN}{at}  {old}{_ARROW if old else ''}", Role.DIM), (new, role)
            has_room = width_of(spans) + cell_len(why) <= width
            lines.append(line(*crop((*spans, (why * has_room, role)), width)))
            if not has_room:
                names = wrap(why.removeprefix(": "), width - 4, is_prose=True)
                lines += beside([Column("", 1, 1)], (), _spans(names, role))
            pieces = wrap(", ".join(filter(None, (lasted, known))), width - 4, is_prose=True)
            lines += beside([Column("", 1, 1)], (), _spans(pieces, Role.DIM))
    return tuple(lines)


def precision(change: Transition, look: Look) -> str:
    """How exactly the time of a change is known, and whether it began a new run."""
    if change.is_service_time:
        known = "exact time"
    else:
        known = (
            f"between {_time(change.seen_after, change.at, look)}"
            f" and {_time(change.seen_by, change.at, look)}"
        )
    return f"{known}, rerun" if change.is_rerun else known


def event(
    change: Transition, look: Look, now: datetime
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """A change in a log over all instances: when and of which, the name last, and what."""
    role = FAMILY_ROLES[change.family]
    at = fmt.near_time(change.at, now, look.zone, "%H:%M", "%m-%d %H:%M")
    sign = f"{look.glyphs[Status(change.to_status)]} ", role
    number, name = (f"{change.key.id}  ", Role.DIM), fmt.shown(change.name, limit=200)
    old, new = _states(change)
    news = (f"{new}{fmt.why_words(change.causes, 1, _LONGEST_WORD)} ", role)
    became = ((f"{old} ", Role.DIM), ("-> ", Role.DIM), news) if old else (news,)
    return ((f" {at}  ", Role.DIM), sign, number, (name, Role.TEXT)), became


def _states(change: Transition) -> tuple[str, str]:
    """What it was, "" where that is the same, and what it became."""
    words = fmt.change_words(change.from_status, change.to_status, limit=_LONGEST_WORD)
    old, _, new = words.rpartition(_ARROW)
    return old, new


def _time(at: datetime, now: datetime, look: Look) -> str:
    """A time of day, with the date where it is another day than `now`."""
    return fmt.near_time(at, now, look.zone, "%H:%M:%S", "%m-%d %H:%M:%S")


def _lasted(change: Transition, before: Transition | None, instance: WorkflowInstance) -> str:
    """How long the state before had lasted; "" where its beginning was not seen."""
    since = None
    if before is not None and before.to_status == change.from_status:
        since = before.at
    elif change.from_status == Status.RUNNING and instance.started_time and not change.is_rerun:
        since = fmt.moment(instance.started_time)
    if since is None or since > change.at:
        return ""
    return f"after {fmt.duration((change.at - since).total_seconds())}"


_CLOCKS_DIFFER = timedelta(minutes=5)
_LABEL = Column("", 13, 1)
UNREADABLE = "unreadable, v shows it"
MAX_LINES = 1_000
"""Lines of a table, about; beyond them keys are counted, not shown."""
_KEY_LIMIT = 200
_FIELD_LIMIT = 300
_MAX_NAMED = 50
_WIDTHS = 2
"""A text in view is made for the width with a scroll bar, and for that without."""


def header(
    row: Row | None, look: Look, now: datetime, width: int, *, own: Target | None = None
) -> tuple[Line, ...]:
    """State, name, whole ID, what changed; below them that it is not the present: see `trouble_lines`.

    One that is of another account or region than `own`, which the top line names, says of which.
    """
    if row is None:
        return ()
    glyph, role = glyph_of(row, look)
    word, word_role = state_word(row)
    name = fmt.shown(row.instance.name) if row.instance else ""
    first: list[Span] = [
        (f"{MARGIN}{glyph} {word}", word_role or role),
        (f"  {name}", Role.STRONG),
    ]
    second: list[Span] = [(f"{MARGIN}{row.key.id}", Role.DIM)]
    if own not in {None, row.key.target}:
        whose = names_of((own, row.key.target))[row.key.target]
        second += crop(((" ", Role.DIM), *whose), width - width_of(second))
    if row.instance is not None:
        second += _changed(row, now)
    read = _reading(row, look, now)
    # Behind the ID where there is room, so that nothing below moves once the row has been read again.
    has_room = bool(read) and width_of(second) + width_of(read) + 1 < width
    if has_room:
        second += ((" ", Role.DIM), *read)
    elif row.instance is not None:
        said = "watched, w removes it" if row.is_watched else "not watched, w adds it"
        second.append((f"  {said}", Role.DIM))
    lines = [line(*crop(first, width)), line(*whole(second, width))]
    if row.instance is not None:
        lines += unreadable_line(len(row.instance.unreadable), width)
    if read and not has_room:
        lines.append(line(*whole(read, width)))
    return tuple(lines)


def about(row: Row, follows: Sequence[Follow], width: int) -> tuple[Line, ...]:
    """Return what users wrote about a row, and what follows it."""
    lines = sentence(f"Note: {row.note}", width, Role.TEXT) if row.note else []
    if follow := follow_of(row, follows):
        is_workflow = follow.query.workflow_id is not None
        what = "its workflow" if is_workflow else fmt.shown(follow.query.words(), limit=200)
        then = ", W stops that" if is_own(row, follow) else ""
        lines += sentence(f"{what} is followed{then}", width)
    return tuple(lines)


def unreadable_line(count: int, width: int) -> tuple[Line, ...]:
    """How many fields can't be read; nothing where all can."""
    if not count:
        return ()
    said = f"{count} fields unreadable, v shows them" if count > 1 else f"1 field {UNREADABLE}"
    return (line(*crop(((f"{MARGIN}{said}", Role.TROUBLE),), width)),)


def _changed(row: Row, now: datetime) -> list[Span]:
    change = row.last_change
    if change is None or row.instance is None:
        return []
    ago = coarse_age((now - change.at).total_seconds())
    words: list[Span] = [(f"  {change_words(row)} {ago} ago", FAMILY_ROLES[change.family])]
    seconds = row.instance.run_seconds(now) if row.instance.is_settled else None
    if seconds is not None:
        words.append((f" after {fmt.duration(seconds)}", Role.DIM))
    return words


def _reading(row: Row, look: Look, now: datetime) -> list[Span]:
    """When it was read, and what keeps that from being the present; nothing while it is live."""
    if row.read_at is None or not (row.is_gone or shows_reading(row, now)):
        return []
    at = f", at {fmt.clock_time(row.read_at, look.zone)}"
    said = f"read {age_of((now - row.read_at).total_seconds())} ago"
    if row.is_live and not row.is_gone:
        return [(MARGIN + said, Role.DIM), (at, Role.DIM)]
    word = " GONE " if row.is_gone else " NOT LIVE "
    said = f"{MARGIN}{said}"
    return [(MARGIN, Role.TEXT), (word, Role.ALARM), (said, Role.TROUBLE), (at, Role.TROUBLE)]


def trouble_lines(row: Row, look: Look, now: datetime, width: int) -> list[Line]:
    """Return the sentences on what keeps a row from being the present; none while nothing does."""
    lines: list[Line] = []
    retry = next_try(row.trouble, look, now)
    if row.is_gone and row.trouble is None:
        said = "The service no longer knows this instance; what follows is what was last known."
        lines += sentence(said if row.instance else "The service does not know this ID.", width)
    if row.trouble is not None:
        trouble, endpoint = row.trouble, row.key.target.endpoint
        said = _without_advice(trouble) if row.instance is None else trouble.sentence
        if row.is_watched and "--endpoint" in said and not endpoint.startswith("dataworks."):
            # Whatever --endpoint is now.
            said += f" It was added to the list with {endpoint}, and keeps that."
        lines += sentence(said, width, Role.TROUBLE)
        if row.instance is not None and retry:
            lines += sentence(retry.capitalize() + ".", width)
    return lines


# The state first, as everywhere.
_FOREMOST = ("status", "name")
_IN_DETAIL = [
    *(field for name in _FOREMOST for field in FIELDS if field.attribute == name),
    *(field for field in FIELDS if field.attribute not in _FOREMOST),
]


def core(
    row: Row,
    instance: WorkflowInstance,
    look: Look,
    now: datetime,
    width: int,
    *groups: FieldGroup,
) -> tuple[Line, ...]:
    """The core fields of the service of some groups, with a blank line between them.

    A value that the service left out is a dash.
    """
    unreadable = dict(instance.unreadable)
    known_until = now if row.is_live or row.read_at is None else row.read_at

    def value(field: InstanceField) -> tuple[Span, ...]:
        if field.kind is FieldKind.STATUS:
            glyph, role = glyph_of(row, look)
            return (f"{glyph} ", role), state_word(row)
        if field.attribute in unreadable:
            return ((UNREADABLE, Role.TROUBLE),)
        held = getattr(instance, field.attribute)
        if field.kind is FieldKind.TIME:
            return _service_time(held, look, now)
        if field.kind is FieldKind.DATE:
            held = fmt.biz_date(held, zone_of(row.key.target.region)) if held else ""
        return _plain(held, Role.STRONG if field.attribute == "name" else Role.TEXT)

    lines: list[Line] = []
    for group in groups:
        lines += [BLANK] if lines else []
        for field in (each for each in _IN_DETAIL if each.group is group):
            lines += _field(field.label, value(field), width)
            if field.attribute == "finished_time":
                spent = *_duration(instance, known_until), *_oddness(instance, now)
                lines += _field("Duration", spent, width)
    if instance.unknown_fields and FieldGroup.WHO in groups:
        named = [fmt.shown(name, limit=80) for name in instance.unknown_fields[:_MAX_NAMED]]
        names = ", ".join([*named, "..."] if len(named) < len(instance.unknown_fields) else named)
        count = f"{len(instance.unknown_fields)}, v shows them: "
        new = (count, Role.TEXT), (names, Role.DIM)
        lines += [BLANK, *_field("New fields", new, width)]
    return tuple(lines)


def _plain(value: str | int | None, role: Role = Role.TEXT) -> tuple[Span, ...]:
    text, size = fmt.shortened("" if value is None else str(value), _FIELD_LIMIT)
    if not text:
        return (("-", Role.DIM),)
    rest = ((_whole_is(size), Role.DIM),) if size else ()
    return ((fmt.shown(text), role), *rest)


def _whole_is(size: str) -> str:
    """What stands behind the start of a value."""
    return f"... {size}, v shows the whole"


def _service_time(milliseconds: int | None, look: Look, now: datetime) -> tuple[Span, ...]:
    if not milliseconds:
        return (("-", Role.DIM),)
    at = fmt.moment(milliseconds)
    if at is None:
        return ((str(milliseconds), Role.UNKNOWN),)
    seconds = (now - at).total_seconds()
    ago = f"{coarse_age(seconds)} ago" if seconds > -60 else f"in {coarse_age(-seconds)}"  # noqa: PLR2004 - clocks differ
    return ((fmt.clock_time(at, look.zone), Role.TEXT), (f"  {ago}", Role.DIM))


def _duration(instance: WorkflowInstance, now: datetime) -> tuple[Span, ...]:
    # While it runs only minutes are shown: a figure that ticks every second is bytes for nothing.
    seconds = instance.run_seconds(now)
    if seconds is None:
        return (("-", Role.DIM),)
    text = fmt.duration(seconds) if instance.is_settled else f"{age_of(seconds)} so far"
    return ((text, Role.STRONG),)


def _oddness(instance: WorkflowInstance, now: datetime) -> tuple[Span, ...]:
    """A remark on times that can't be: an end before the start, or either ahead of every clock."""
    started, finished = instance.started_time, instance.finished_time
    latest = (now + _CLOCKS_DIFFER).timestamp() * 1000
    if started and finished and finished < started:
        return (("  odd times: finished before it started", Role.TROUBLE),)
    if max(started or 0, finished or 0) > latest:
        return (("  odd times: ahead of this clock", Role.TROUBLE),)
    return ()


def _field(label: str, spans: Sequence[Span], width: int) -> list[Line]:
    room = max(8, width - len(MARGIN) - _LABEL.cells - _LABEL.gap - 1)
    # The gutter of the scroll bar is a margin too: at 80 cells a time and its age stand together.
    if width_of(spans) <= room + 1:
        return [line((MARGIN, Role.DIM), *in_columns([(label, Role.DIM)], [_LABEL]), *spans)]
    pieces = [(piece, role) for text, role in spans for piece in wrap(text.strip(), room)]
    return beside([_LABEL], [(label, Role.DIM)], pieces)


@lru_cache(maxsize=_WIDTHS)  # a thousand lines are made once, not for each key and each minute
def parameters(instance: WorkflowInstance, width: int) -> tuple[Line, ...]:
    """Key and value of each parameter, and the raw text where that may be read in another way."""
    if "workflow_parameters" in dict(instance.unreadable):
        return (line((MARGIN + UNREADABLE, Role.TROUBLE)),)
    found = first_parameters(instance.workflow_parameters)
    if found is None:
        size = fmt.shortened(instance.workflow_parameters)[1]
        why = "Too long to be read" if size else "Neither key=value nor a JSON object"
        return _as_it_came(why, instance, width)
    if not found.pairs:
        return (line((MARGIN + "No parameters.", Role.DIM)),)
    pairs = ((p.key, p.told_apart) for p in found.pairs)
    lines = table(pairs, width, is_all=found.is_all)
    if found.is_certain:
        return lines
    return (*lines, BLANK, *_as_it_came("Where a value ends is uncertain", instance, width))


def _as_it_came(why: str, instance: WorkflowInstance, width: int) -> tuple[Line, ...]:
    text, size = fmt.shortened(instance.workflow_parameters)
    title = sentence(f"{why}: as sent", width)
    pieces = wrap_lines(fmt.shown_block(text), width - 2)
    rest = sentence(_whole_is(size), width) if size else ()
    return (*title, BLANK, *(line((MARGIN + piece, Role.TEXT)) for piece in pieces), *rest)


@lru_cache(maxsize=_WIDTHS)
def tags(instance: WorkflowInstance, width: int) -> tuple[Line, ...]:
    """Key and value of each tag."""
    if "tags" in dict(instance.unreadable):
        return (line((MARGIN + UNREADABLE, Role.TROUBLE)),)
    if not instance.tags:
        return (line((MARGIN + "No tags.", Role.DIM)),)
    return table(((tag.key, tag.value) for tag in instance.tags), width)


def parameter_count(instance: WorkflowInstance) -> str:
    """How many parameters there are: a number, ``raw``, or "" for none."""
    found = first_parameters(instance.workflow_parameters)
    if found is None or not found.pairs:
        return "raw" if found is None else ""
    return str(len(found.pairs)) if found.is_all else f"{len(found.pairs):,}+"


def table(pairs: Iterable[tuple[str, str]], width: int, *, is_all: bool = True) -> tuple[Line, ...]:
    """Keys dim and aligned, values wrapped beside them; what is too long or too many ends in its size.

    Unless `is_all`, the last value holds pairs that were not read.
    """
    given = list(pairs)
    keys = [fmt.shown(key, limit=_KEY_LIMIT) for key, _ in given[:MAX_LINES]]
    widest = max((cell_len(key) for key in keys), default=0)
    column = Column("", max(6, min(widest, (width - 4) * 2 // 5)))
    room = max(8, width - column.cells - 3)
    lines: list[Line] = []
    shown_count = 0
    for key, (_, value) in zip(keys, given, strict=False):
        if len(lines) >= MAX_LINES:
            break
        shown_count += 1
        start, size = fmt.shortened(value)
        pieces = [*_spans(wrap_lines(fmt.shown_block(start), room))]
        if size:
            pieces += _spans(wrap(_whole_is(size), room, is_prose=True), Role.DIM)
        lines += beside([column], _spans(wrap_lines(key, column.cells), Role.DIM), pieces)
    if left_out := len(given) - shown_count:
        more = f"{left_out:,}" if is_all else f"more than {left_out:,}"
        lines += sentence(f"... and {more} more, v shows them all", width)
    return tuple(lines)
