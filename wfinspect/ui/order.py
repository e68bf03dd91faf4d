"""In which order the watched list wants to be looked at. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from wfinspect.format import LINE_LIMIT
from wfinspect.instance import Family, InstanceKey
from wfinspect.watching.snapshot import Row

UNSEEN_FAILURE, FAILURE, LATE, GONE, NOT_LIVE, UNSEEN, ACTIVE, WAITING, IDLE, SUCCESS = range(10)

_CALM = {
    Family.FAILURE: FAILURE,
    Family.UNKNOWN: GONE,
    Family.ACTIVE: ACTIVE,
    Family.WAITING: WAITING,
    Family.IDLE: IDLE,
    Family.SUCCESS: SUCCESS,
}
_SETTLED = {FAILURE, SUCCESS}
_NEWEST_FIRST = {UNSEEN_FAILURE, FAILURE, UNSEEN, SUCCESS}


def _rank(row: Row, calm: int) -> int:
    """How urgently a row wants to be looked at; `calm` is how one of its family does, seen and live."""
    if row.is_gone or calm == GONE:
        return GONE
    if calm == FAILURE:
        return UNSEEN_FAILURE if row.is_unseen else FAILURE
    if row.instance is None or not row.is_live:
        return NOT_LIVE
    if row.is_late:
        return LATE
    return UNSEEN if row.is_unseen else calm


def state_since(row: Row) -> float | None:
    """When the row entered the state it is shown in, in seconds, as well as that is known."""
    return _since(row, _CALM[row.family])


def _since(row: Row, calm: int) -> float | None:
    instance, change = row.instance, row.last_change
    if instance is None:
        return None
    if change is not None and change.to_status == instance.status:
        return change.at.timestamp()
    if calm in _SETTLED:
        given = instance.finished_time or instance.modify_time
    elif calm == ACTIVE:
        given = instance.started_time or instance.modify_time
    else:
        given = instance.modify_time or instance.create_time
    return given / 1000 if given else None


def _order(row: Row) -> tuple[int, bool, int, float, int]:
    # The most urgent first; the longest running and the latest settled lead their kind.
    calm = _CALM[row.family] if row.instance else -1
    level = _rank(row, calm)
    since = _since(row, calm) or 0.0
    return (level, not row.is_unseen, calm, -since if level in _NEWEST_FIRST else since, row.key.id)


def _by_last_change(row: Row) -> tuple[float, int]:
    return (-row.last_change.at.timestamp() if row.last_change else 0.0, row.key.id)


def _name(row: Row) -> str:
    return row.instance.name[:LINE_LIMIT].casefold() if row.instance else ""


def _status(row: Row) -> str:
    return row.instance.status if row.instance else ""


_SORTS: Mapping[str, Callable[[Row], tuple[object, ...]]] = {
    "attention": _order,
    "name": lambda row: (not _name(row), _name(row), row.key.id),
    "ID": lambda row: (row.key.id,),
    "status": lambda row: (_CALM[row.family], _status(row), _name(row), row.key.id),
    "last change": _by_last_change,
}
SORTS = tuple(_SORTS)
"""The orders there are; the first is the one to begin with."""


def in_order(rows: Iterable[Row], sort: str) -> tuple[Row, ...]:
    """The rows in one of the orders of `SORTS`."""
    return tuple(sorted(rows, key=_SORTS[sort]))


def next_unseen(rows: Sequence[Row], after: InstanceKey | None) -> Row | None:
    """The first unseen row behind `after`, going round; None where nothing is unseen."""
    start = next((i + 1 for i, row in enumerate(rows) if row.key == after), 0)
    return next((row for row in (*rows[start:], *rows[:start]) if row.is_unseen), None)
