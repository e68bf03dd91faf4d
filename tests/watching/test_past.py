from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import BINDING, START, FakeClock, instance, ms

from wfinspect.clock import Moment
from wfinspect.model import Target, WorkflowInstance
from wfinspect.watching.journal import Journal
from wfinspect.watching.lookups import DATES, RunHistory
from wfinspect.watching.notifications import Notices
from wfinspect.watching.store import Store

DATE = ms(datetime(2026, 9, 15, 16, tzinfo=UTC))
NOW = Moment(0.0, START)
DAY_MS = 86_400_000


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(Store(tmp_path / "state", FakeClock().now), Notices())
    yield made
    made.store.close()


def past(book: Journal, target: Target = BINDING, **fields: object) -> RunHistory:
    return RunHistory(book, target, instance(1, **{"workflow_id": 5} | fields))


def asked_next(one: RunHistory) -> int | None:
    """The date that is to be asked for next."""
    query = one.known(NOW)[1]
    return query.biz_date if query else None


def run(number: int, status: str = "Success") -> WorkflowInstance:
    return instance(number, status, started_time=DATE + 1, finished_time=DATE + 60_001)


def test_a_date_is_known_once_it_was_learnt(book: Journal) -> None:
    assert asked_next(past(book)) == DATE
    past(book).learn(DATE, [run(7)], NOW)

    runs, query = past(book).known(NOW)
    assert [(r.id, r.seconds) for r in runs] == [(7, 60.0)]
    assert query is not None
    assert query.biz_date == DATE - DAY_MS


def test_older_runs_are_known_while_the_latest_date_is_not(book: Journal) -> None:
    for n in range(1, 9):
        past(book).learn(DATE - n * DAY_MS, [run(n)], NOW)

    assert [r.id for r in past(book).known(NOW)[0]] == list(range(1, 8))
    assert asked_next(past(book)) == DATE
    past(book).learn(DATE, [], NOW)
    assert asked_next(past(book)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"workflow_id": 6},
        {"type": "SupplementData"},
        {"env_type": "Dev"},
        {"project_id": 2},
        {"target": Target("other", BINDING.region, BINDING.endpoint)},
    ],
)
def test_one_workflow_is_not_taken_for_another(book: Journal, other: dict[str, object]) -> None:
    past(book).learn(DATE, [run(7)], NOW)

    assert past(book, **other).known(NOW)[0] == ()  # type: ignore[arg-type]


def test_old_dates_make_room_for_new_ones(book: Journal) -> None:
    for n in range(40):
        past(book).learn(DATE + n * DAY_MS, [run(n + 1)], NOW)

    assert len(past(book)._days(0.0)) == 16
    assert past(book, biz_date=DATE + 40 * DAY_MS).known(NOW)[0][0].id == 40


def test_of_a_date_with_very_many_runs_only_the_latest_are_kept(book: Journal) -> None:
    past(book).learn(DATE, [run(n) for n in range(300, 0, -1)], NOW)

    assert [r.id for r in past(book).known(NOW)[0]] == list(range(300, 276, -1))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"x": 1}', f'{{"{DATE}": 5}}', f'{{"{DATE}": [1]}}']
)
def test_what_another_version_wrote_is_asked_for_anew(book: Journal, text: str) -> None:
    past(book).learn(DATE, [], NOW)
    book.remember(past(book)._name, text)

    assert asked_next(past(book)) == DATE
    past(book).learn(DATE, [run(7)], NOW)
    assert asked_next(past(book)) != DATE


def test_dates_are_days_of_the_regions_wall_clock(book: Journal) -> None:
    berlin = Target("p", "eu-central-1", "host")
    # In 2026 the clocks go back on 25 October.
    monday = datetime(2026, 10, 25, 23, tzinfo=UTC)

    queries = list(past(book, berlin, biz_date=ms(monday))._queries())

    assert len(queries) == DATES
    assert queries[0].biz_date == ms(monday - timedelta(hours=25))
    assert queries[1].biz_date == ms(monday - timedelta(hours=49))
    assert (queries[0].workflow_id, queries[0].env_type, queries[0].name) == (5, "Prod", "")


@pytest.mark.parametrize(
    "kept",
    [
        "5",
        "[" * 100_000,
        '{"%d": 5}',
        '{"%d": ["2026-09-18", [[7, "Success", "long ago", null]]]}',
        '{"%d": ["2026-09-18", [[-7, "Success", 1, 2]]]}',
        '{"%d": ["2026-09-18", [[7, 8, 1, 2]]]}',
        '{"\u00b2": ["2026-09-18", []]}',
    ],
)
def test_what_cannot_be_read_is_asked_for_again(book: Journal, kept: str) -> None:
    one = past(book)
    book.remember(one._name, kept.replace("%d", str(DATE)))

    assert one.known(NOW)[0] == ()
    assert asked_next(one) == DATE
    one.learn(DATE, [run(7)], NOW)
    assert [r.id for r in past(book).known(NOW)[0]] == [7]
