"""The two status lines and the window's title as text. Pure; while all is well nothing in them ticks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from wfinspect import format as fmt
from wfinspect.instance import Binding, Family, family_of
from wfinspect.ui.lines import Line, Part, Role, Span, line, shed, spread, width_of
from wfinspect.ui.theme import FAMILY_ROLES, Look
from wfinspect.watching.snapshot import Contact, Health, Row, Snapshot, Trouble

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
    binding: Binding,
    look: Look,
    now: datetime,
    width: int,
    *,
    is_demo: bool,
) -> Line:
    """Who is asked, how the watched ones fare, and at the right edge whether this is the present.

    `counts` is what `counts_of` finds among the snapshot's rows.
    """
    right = _contact_spans(snapshot.health, look, now, width, whose=_whose(snapshot, binding))
    if snapshot.health.contact is Contact.STARTING and not snapshot.rows and not snapshot.displayed:
        right = (("ready", Role.DIM),)
    room = width - width_of(right) - 3
    profile = "demo" if is_demo else fmt.shown(binding.profile, limit=40)
    parts = [
        Part(((" wfinspect ", Role.BRAND),), 6),
        Part(((profile, Role.STRONG),), 3),
        Part(((fmt.shown(binding.region, limit=40), Role.DIM),), 5),
        Part((("read-only", Role.DIM),), 7),
        Part(_count_spans(counts, look), 4),
    ]
    return line(*spread(((" ", Role.TEXT), *shed(parts, room)), (*right, (" ", Role.TEXT)), width))


def _whose(snapshot: Snapshot, binding: Binding) -> str:
    # Another account's trouble must not seem to be that of the one named on the left.
    if binding in snapshot.troubles:
        return ""
    other = next(iter(snapshot.troubles), binding)
    name = other.profile if other.profile != binding.profile else other.region
    return f"{fmt.shown(name, limit=20)}: " if other != binding else ""


def counts_of(rows: Iterable[Row]) -> Counter[Family]:
    """How many rows that were read are in which family; what is gone is UNKNOWN."""
    words = Counter(
        "" if row.is_gone else row.instance.status for row in rows if row.instance is not None
    )
    counts: Counter[Family] = Counter()
    for word, count in words.items():
        counts[family_of(word)] += count
    return counts


def _count_spans(counts: Counter[Family], look: Look) -> tuple[Span, ...]:
    """The counts, e.g. ``X 1  > 2``."""
    spans: list[Span] = []
    for family, status in fmt.MARKED_AS.items():
        if counts[family]:
            gap = "  " if spans else ""
            spans.append((f"{gap}{look.glyphs[status]} {counts[family]}", FAMILY_ROLES[family]))
    return tuple(spans)


def _contact_spans(
    health: Health, look: Look, now: datetime, width: int, *, whose: str = ""
) -> tuple[Span, ...]:
    """``live``, how slow, or NOT LIVE with cause, age and next try; the word and the cause are never shed."""
    match health.contact:
        case Contact.LIVE:
            if health.slow is not None:
                word, why = health.slow.words.split(":")
                slow = Part(((word, Role.TROUBLE),), 0), Part(((f":{why}", Role.TROUBLE),), 1)
                return shed(slow, width - 1, gap="")
            return (("live", Role.SUCCESS),)
        case Contact.STARTING:
            return (("starting" if health.last_good_at is None else "reading...", Role.DIM),)
        case Contact.PAUSED:
            return ((" PAUSED ", Role.ALARM), (" p resumes", Role.DIM))
        case Contact.NOT_LIVE:
            cause = fmt.shown(health.trouble.cause, limit=40) if health.trouble else "no answer yet"
            parts = [Part(((" NOT LIVE ", Role.ALARM), (f" {whose}{cause}", Role.TROUBLE)), 0)]
            if health.last_good_at is not None:
                age = fmt.age((now - health.last_good_at).total_seconds())
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
    health: Health, width: int, *, unseen: int = 0, hint: str = "", flags: Sequence[str] = ()
) -> Line:
    """What waits for a look, what was spent, how often is asked, and what is not as it should be."""
    parts = [
        Part(((" " + hint, Role.STRONG),) if hint else (), 1),
        Part(((f" {unseen} unseen", Role.FAILURE), (" n next", Role.DIM)) if unseen else (), 2),
        # The sentence is told once; here is no room for it beside what it costs to miss the rest.
        Part(_said("not saved: wfinspect doctor says why" if health.store_trouble else ""), 1),
        Part(_said(*health.remarks), 3),
        Part(_spent(health), 4),
        Part((((" every " + seconds(health.interval_seconds)), Role.DIM),), 5),
        Part((("  ".join(["", *flags]), Role.DIM),) if flags else (), 4),
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
