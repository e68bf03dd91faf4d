"""What stands where data will be while there is none: what happened, and what to do. Pure."""

from datetime import datetime

from wfinspect import format as fmt
from wfinspect.errors import ABOUT_KEYS, CredentialsMissing, NotFound
from wfinspect.ui.lines import BLANK, Line, Role, line, pad, wrap
from wfinspect.ui.status_text import next_try
from wfinspect.ui.theme import Look
from wfinspect.watching.snapshot import Row, Trouble

MARGIN = " "


def sentence(text: str, width: int, role: Role = Role.DIM) -> list[Line]:
    """A sentence, wrapped."""
    pieces = wrap(fmt.shown(text), width - 2, is_prose=True)
    return [line((MARGIN + piece.rstrip(), role)) for piece in pieces]


def told(trouble: Trouble) -> str:
    """The sentence of a trouble, without the advice that is listed below it anyway."""
    listed = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "aliyun configure", "wfinspect demo")
    what, colon, _ = trouble.sentence.partition(":")
    return (
        f"{what}." if colon and all(it in trouble.sentence for it in listed) else trouble.sentence
    )


def placeholder(
    row: Row | None, trouble: Trouble | None, look: Look, now: datetime, width: int
) -> tuple[Line, ...]:
    """What stands where the fields will be while there are none.

    Args:
        row: what is open and has no reading yet; None while nothing is open.
        trouble: what keeps the whole watch from its readings.
        look: glyphs and zone.
        now: for the next attempt.
        width: cells.
    """
    if row is not None:
        if row.trouble is None:
            return (BLANK, *sentence("Reading it from the service...", width))
        return (BLANK, *_advice(row.trouble, look, now, width))
    if trouble is not None and trouble.cause == CredentialsMissing.default_cause:
        said = sentence(told(trouble), width, role=Role.TROUBLE)
        return (BLANK, *said, BLANK, *_advice(trouble, look, now, width))
    return (
        BLANK,
        line((MARGIN + "Nothing is open.", Role.STRONG)),
        BLANK,
        *_keys(
            ("0-9", "type or paste an instance ID, Enter opens it"),
            ("Enter", "opens the instance under the cursor"),
            ("?", "shows all keys"),
            width=width,
        ),
    )


def nothing_watched(
    trouble: Trouble | None, look: Look, now: datetime, width: int, *, is_open: bool = False
) -> tuple[Line, ...]:
    """What stands in an empty list; little beside an instance that is open and says the rest."""
    if is_open:
        said = line((MARGIN + "Nothing is watched yet.", Role.DIM))
        return (BLANK, said, BLANK, *_keys(("w", "watches what is open"), width=width))
    if trouble is not None and trouble.cause == CredentialsMissing.default_cause:
        return placeholder(None, trouble, look, now, width)
    return (
        BLANK,
        line((MARGIN + "Nothing is watched yet.", Role.STRONG)),
        BLANK,
        *_keys(
            ("0-9", "type or paste an instance ID, a list 1,2 or a range 100..120"),
            ("Enter", "opens it, and watches a list"),
            ("w", "watches what is open"),
            ("?", "shows all keys"),
            width=width,
        ),
    )


def _advice(trouble: Trouble, look: Look, now: datetime, width: int) -> list[Line]:
    if trouble.cause == CredentialsMissing.default_cause:
        return _keys(
            ("set", "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            ("or run", "aliyun configure"),
            ("or try", "wfinspect demo, which needs no account and no network"),
            width=width,
        )
    if trouble.cause == NotFound.default_cause:
        return _keys(
            ("check", "the digits, and that it is the ID of a workflow instance, not of a node"),
            ("check", "profile and region in the top line"),
            ("r", "asks again"),
            width=width,
        )
    if retry := next_try(trouble, look, now):
        says = [("r", f"asks now; else by itself, {retry}")]
        if trouble.cause.startswith(ABOUT_KEYS):
            says.append(
                ("or", "new keys in a file are noticed and used; those exported need a new start")
            )
        return _keys(*says, width=width)
    return _keys(("r", "asks again, once that is changed"), width=width)


def _keys(*pairs: tuple[str, str], width: int) -> list[Line]:
    cells = max(len(key) for key, _ in pairs)
    lines: list[Line] = []
    for key, text in pairs:
        for index, piece in enumerate(wrap(text, width - cells - 4, is_prose=True)):
            first = pad("" if index else key, cells)
            lines.append(line((f"{MARGIN}{first}  ", Role.ACCENT), (piece.rstrip(), Role.TEXT)))
    return lines
