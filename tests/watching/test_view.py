"""A row that is judged again; `test_freshness.py` has the engine, over HTTP."""

from fakes import START, instance, key

from wfinspect.model import Progress
from wfinspect.watching.api import Outlook, Row, Trouble
from wfinspect.watching.view import judge
from wfinspect.watching.watchlist import OutlookState, RowState

NEVER = float("-inf")
READ = Row(key(1), instance(1), START, is_watched=True)


def judged(row: Row, state: RowState, monotonic: float, trouble: Trouble | None = None) -> Row:
    return judge(row, state, 15.0, NEVER, trouble, monotonic)


def test_a_row_of_which_nothing_differs_is_the_same_object() -> None:
    state = RowState(read_at=0.0)
    live = judged(READ, state, 1.0)
    assert live == READ._replace(is_live=True)
    assert judged(live, state, 2.0) is live
    assert judged(live, state, state.changes_at - 0.001) is live
    old = judged(live, state, state.changes_at)
    assert old == READ
    assert judged(old, state, 99.0) is old


def test_an_old_row_shows_the_trouble_of_its_target_unless_it_has_its_own() -> None:
    down, odd = Trouble("unreachable", "", None), Trouble("bad answer", "", None)
    state = RowState(read_at=0.0)
    assert judged(READ, state, 1.0, down).trouble is None
    assert judged(READ, state, 99.0, down).trouble is down
    state.fault = odd
    assert judged(READ, state, 99.0, down).trouble is odd


def test_progress_grows_old_before_the_reading_does() -> None:
    assert READ.instance is not None
    outlook = OutlookState(READ.instance, progress_until=20.0)
    state = RowState(read_at=0.0, outlook=outlook)
    known = Outlook(Progress(1, 0, 1, 3))
    live = judged(READ._replace(outlook=known), state, 1.0)
    assert live.outlook == known._replace(is_progress_live=True)
    assert state.changes_at == 20.0
    assert judged(live, state, 20.0).outlook == known
