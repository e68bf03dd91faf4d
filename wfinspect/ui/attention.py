"""In which order the watched list wants to be looked at. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from wfinspect import format as fmt
from wfinspect.instance import Family, InstanceKey
from wfinspect.watching.snapshot import Row

UNSEEN_FAILURE, FAILURE, GONE, NOT_LIVE, UNSEEN, ACTIVE, WAITING, IDLE, SUCCESS = range(9)

_CALM = {
    Family.FAILURE: FAILURE,
    Family.UNKNOWN: GONE,
    Family.ACTIVE: ACTIVE,
    Family.WAITING: WAITING,
    Family.IDLE: IDLE,
    Family.SUCCESS: SUCCESS,
}
_NEWEST_FIRST = {UNSEEN_FAILURE, FAILURE, UNSEEN, SUCCESS}


def rank(row: Row) -> int:
    """How urgently a row wants to be looked at; 0 is the most."""
    if row.instance is not None and row.family is Family.FAILURE and not row.is_gone:
        return UNSEEN_FAILURE if row.is_unseen else FAILURE
    if row.is_gone or (row.instance is not None and row.family is Family.UNKNOWN):
        return GONE
    if row.instance is None or not row.is_live:
        return NOT_LIVE
    return UNSEEN if row.is_unseen else _CALM[row.family]


def state_since(row: Row) -> datetime | None:
    """When the row entered the state it is shown in, as well as that is known."""
    instance = row.instance
    if instance is None:
        return None
    change = row.last_change
    if change is not None and change.to_status == instance.status:
        return change.at
    if instance.is_settled:
        given = instance.finished_time or instance.modify_time
    elif instance.family is Family.ACTIVE:
        given = instance.started_time or instance.modify_time
    else:
        given = instance.modify_time or instance.create_time
    return fmt.moment(given) if given else None


def by_attention(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows, the most urgent first; the longest running and the latest settled lead their kind."""
    return tuple(sorted(rows, key=_order))


def _order(row: Row) -> tuple[int, bool, int, float, int]:
    level = rank(row)
    calm = _CALM[row.family] if row.instance else -1
    since = state_since(row)
    moment = since.timestamp() if since else 0.0
    return (
        level,
        not row.is_unseen,
        calm,
        -moment if level in _NEWEST_FIRST else moment,
        row.key.id,
    )


def next_unseen(rows: Sequence[Row], after: InstanceKey | None) -> Row | None:
    """The first unseen row behind `after`, going round; None where nothing is unseen."""
    start = next((i + 1 for i, row in enumerate(rows) if row.key == after), 0)
    return next((row for row in (*rows[start:], *rows[:start]) if row.is_unseen), None)
