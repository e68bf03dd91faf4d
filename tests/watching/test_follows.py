import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from engine_rig import Asker, Rig, becomes
from fakes import BINDING, START, FakeClock, ScriptedSource, instance, key, ms

from wfinspect.errors import Refused, Unreachable
from wfinspect.model import Follow, Page, Query, WorkflowInstance
from wfinspect.settings import NotifyRule
from wfinspect.watching.store import Store

YESTERDAY = ms(START.replace(hour=16, minute=0) - timedelta(days=2))
TODAY = YESTERDAY + 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOLLOWED = Query(88123, 0, workflow_id=7)
HOUR = 3_600_000


class SearchedSource(ScriptedSource):
    """A service that finds."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.seen: list[int] = []
        """The workspaces that were searched."""

    async def find_workflow_instances(
        self, query: Query, *, page: int = 1
    ) -> Page[WorkflowInstance]:
        self.seen.append(query.project_id)
        await self._called("find", (query.biz_date, query.workflow_id or 0, page))
        found = [e for e in self.held.values() if e.biz_date == query.biz_date and query.matches(e)]
        items = tuple(found[(page - 1) * 100 : page * 100])
        return Page(items, page, len(found), is_last=page * 100 >= len(found))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return _rig(tmp_path)


def _rig(directory: Path, clock: FakeClock | None = None, budget: int = 100_000) -> Rig:
    rig = Asker(directory, clock, budget=budget)
    rig.source = SearchedSource(rig.clock)
    rig.sources[BINDING] = rig.source
    return rig


def run_of(number: int, status: str = "Running", **fields: object) -> WorkflowInstance:
    return instance(number, status, **{"workflow_id": 7, "biz_date": YESTERDAY} | fields)


def looks(rig: Rig, biz_date: int | None = None) -> list[tuple[int, ...]]:
    found = [numbers for name, numbers in rig.source.calls if name == "find"]
    return [
        each
        for each in found
        if each[0] in ((YESTERDAY, TODAY) if biz_date is None else (biz_date,))
    ]


def listed(rig: Rig) -> list[int]:
    return [row.key.id for row in rig.snapshot.rows]


async def test_what_matches_joins_and_says_what_brought_it(rig: Rig) -> None:
    rig.source.hold(run_of(1), run_of(2, workflow_id=8), run_of(3))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    assert listed(rig) == [1, 3]
    assert rig.row().follow == rig.snapshot.follows[0].number
    assert rig.row().is_live
    await rig.run(60.0)
    assert "get" not in {name for name, _ in rig.source.calls}


async def test_the_expected_date_is_looked_at_each_minute_and_the_other_each_ten(rig: Rig) -> None:
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(3599.0)
    assert len(looks(rig, YESTERDAY)) == 60
    assert len(looks(rig, TODAY)) == 6
    rig.source.hold(run_of(1, "Success", biz_date=TODAY))
    await rig.run(600.0)
    before = len(looks(rig, TODAY))
    await rig.run(600.0)
    assert len(looks(rig, TODAY)) == before + 10


async def test_one_look_answers_for_all_follows_of_a_workspace(rig: Rig) -> None:
    for workflow in range(1, 21):
        rig.source.hold(run_of(100 + workflow, "Success", workflow_id=workflow))
        rig.engine.follow(BINDING, FOLLOWED._replace(workflow_id=workflow))
    await rig.run(5.0)
    assert len(listed(rig)) == 20
    assert len(looks(rig)) == 2


async def test_a_look_counts_as_a_reading_of_every_row_in_its_answer(rig: Rig) -> None:
    rig.source.hold(*(run_of(number) for number in range(1, 6)))
    rig.engine.watch([key(number) for number in range(1, 6)])
    await rig.run(600.0)
    calls = len(rig.source.calls)
    await rig.run(3600.0)
    alone = len(rig.source.calls) - calls
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(600.0)
    calls = len(rig.source.calls)
    await rig.run(3600.0)
    assert len(rig.source.calls) - calls <= 1.25 * alone + 6


async def test_where_a_date_has_too_many_each_follow_looks_for_itself(rig: Rig) -> None:
    rig.source.hold(*(run_of(n, "Success", workflow_id=8) for n in range(100, 250)), run_of(1))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(70.0)
    assert listed(rig) == [1]
    assert [each[1] for each in looks(rig, YESTERDAY)] == [0, 7, 7]


async def test_more_than_200_are_said_and_none_is_added(rig: Rig) -> None:
    rig.source.hold(*(run_of(number, "Success") for number in range(1, 202)))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(200.0)
    assert listed(rig) == []
    assert ["matches 201 instances" in text for text in rig.texts] == [True]


async def test_two_pages_are_read_of_up_to_200(rig: Rig) -> None:
    rig.source.hold(*(run_of(number, "Success") for number in range(1, 201)))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    assert len(listed(rig)) == 200


async def test_what_was_taken_off_is_not_brought_back(rig: Rig, tmp_path: Path) -> None:
    rig.source.hold(run_of(1), run_of(2))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    rig.engine.unwatch([key(1)])
    await rig.run(200.0)
    assert listed(rig) == [2]
    await rig.engine.aclose()
    again = _rig(tmp_path, rig.clock)
    again.source.hold(run_of(1), run_of(2))
    await again.run(200.0)
    assert listed(again) == [2]
    again.engine.watch([key(1)])
    await again.run(5.0)
    assert listed(again) == [2, 1]


@pytest.mark.parametrize("is_undone", [False, True])
@pytest.mark.parametrize("seconds", [0.0, 5.0])
async def test_what_was_added_and_taken_off_is_not_brought(
    rig: Rig, *, seconds: float, is_undone: bool
) -> None:
    rig.source.hold(run_of(2))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    rig.source.hold(run_of(1))
    rig.engine.watch([key(1)])
    await rig.run(seconds)
    if is_undone:
        rig.engine.undo()
    else:
        rig.engine.unwatch([key(1)])
    await rig.run(200.0)
    assert listed(rig) == [2]


async def test_undoing_a_removal_brings_a_followed_row_back_for_good(rig: Rig) -> None:
    rig.source.hold(run_of(1))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    rig.engine.unwatch([key(1)])
    await rig.run(5.0)
    rig.engine.undo()
    await rig.run(200.0)
    assert listed(rig) == [1]
    assert rig.row().follow
    # As the key that unwatches and watches what is under the cursor.
    rig.engine.unwatch([key(1)], stays=True)
    await rig.run(5.0)
    rig.engine.watch([key(1)])
    await rig.run(5.0)
    assert rig.row().follow


@pytest.mark.parametrize(
    ("status", "is_seen", "stays", "leaves"),
    [
        ("Success", False, 3, 3.1),
        ("Failure", True, 3, 3.1),
        ("Failure", False, 29, 30.1),
        ("Running", True, 40, None),
    ],
)
async def test_when_a_row_leaves(
    rig: Rig, status: str, is_seen: bool, stays: float, leaves: float | None
) -> None:
    rig.source.hold(run_of(1))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    becomes(
        rig, 1, status, workflow_id=7, biz_date=YESTERDAY, finished_time=ms(rig.clock.now())
    ) if status != "Running" else None
    await rig.run(100.0)
    if is_seen:
        rig.engine.mark_seen([key(1)])
    rig.clock.advance(stays * 86_400 - 3600)
    await rig.run(1300.0)
    assert listed(rig) == [1]
    if leaves is not None:
        rig.clock.advance((leaves - stays) * 86_400 + 3600)
        await rig.run(1300.0)
        assert listed(rig) == []


async def test_a_failure_from_before_the_follow_is_listed_and_not_notified_of(rig: Rig) -> None:
    before = ms(rig.clock.now() - timedelta(minutes=1))
    rig.source.hold(run_of(1, "Failure", finished_time=before))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(30.0)
    assert listed(rig) == [1]
    assert not rig.row().is_unseen
    assert rig.snapshot.alert is None


async def test_a_failure_since_the_follow_is_notified_of_once(rig: Rig, tmp_path: Path) -> None:
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(30.0)
    rig.source.hold(run_of(1, "Failure", finished_time=ms(rig.clock.now())))
    await rig.run(100.0)
    assert rig.row().is_unseen
    assert rig.snapshot.alert is not None
    assert "new -> Failure" in rig.snapshot.alert.text
    await rig.engine.aclose()
    again = _rig(tmp_path, rig.clock)
    again.source.held = rig.source.held
    await again.run(200.0)
    assert again.row().is_unseen
    assert again.snapshot.alert is None


async def test_looks_that_answer_no_poll_take_a_quarter_of_the_budget(tmp_path: Path) -> None:
    rig = _rig(tmp_path, budget=1000)
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(86_400.0)
    assert 150 <= len(looks(rig)) <= 375


async def test_once_it_is_known_when_runs_come_they_are_looked_for_then(tmp_path: Path) -> None:
    # Made at 23:30 of their business date, as the service makes scheduled runs.
    rig = _rig(tmp_path, FakeClock(EPOCH + timedelta(milliseconds=TODAY + 12 * HOUR)), budget=3000)
    rig.engine.follow(BINDING, FOLLOWED)
    delays, costs = [], []
    for day in range(3):
        begin = TODAY + day * 24 * HOUR
        made = begin + 23 * HOUR + HOUR // 2
        await rig.run(made / 1000 - rig.clock.now().timestamp())
        number = 10 + day
        run = run_of(number, "Success", biz_date=begin, create_time=made, finished_time=made)
        rig.source.hold(run)
        while number not in listed(rig):
            await rig.run(5.0)
        delays.append(rig.clock.now().timestamp() - made / 1000)
        before = len(rig.source.calls)
        await rig.run(begin / 1000 + 47 * 3600 - rig.clock.now().timestamp())
        costs.append(len(rig.source.calls) - before)
    assert max(delays) <= 75.0
    # From 23:30 to 23:00: two looks each ten minutes, and each minute until midnight.
    assert max(costs[1:]) <= 2 * 141 + 2 * 30 + 10 < costs[0]


async def test_rows_that_are_polled_are_looked_at_as_often_when_the_share_is_spent(
    tmp_path: Path,
) -> None:
    rig = _rig(tmp_path, budget=3000)
    rig.source.hold(run_of(1, "Running"))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(60.0)
    rig.engine._journal._counts[("prod-ops", "cn-shanghai looks"), START.date()] = 750
    before = len(looks(rig, YESTERDAY)), len(rig.source.calls)
    await rig.run(3600.0)
    assert len(looks(rig, YESTERDAY)) - before[0] >= 55
    # Each takes the place of a poll.
    assert len(rig.source.calls) - before[1] <= 3600 / 15 + 12
    rig.source.hold(run_of(1, "Success", modify_time=ms(rig.clock.now())))
    await rig.run(700.0)
    before = len(looks(rig)), len(rig.source.calls)
    await rig.run(3600.0)
    assert len(looks(rig)) - before[0] <= 12


@pytest.mark.parametrize("budget", [90, 1000])
async def test_where_the_share_is_short_no_workspace_is_forgotten(
    tmp_path: Path, budget: int
) -> None:
    rig = _rig(tmp_path, budget=budget)
    for project in range(1, 6):
        rig.engine.follow(BINDING, Query(project, 0, name="dwd"))
    rig.source.seen = []
    await rig.run(6 * 3600.0)
    counts = Counter(rig.source.seen)
    assert len(counts) == 5
    assert max(counts.values()) <= min(counts.values()) + 2
    assert counts.total() <= budget / 4
    assert sum("more seldom" in text for text in rig.texts) == 1


async def test_an_outage_is_not_made_worse_by_what_is_followed(rig: Rig) -> None:
    for project in range(1, 21):
        rig.engine.follow(BINDING, Query(project, 0, name="dwd"))
    await rig.run(5.0)
    rig.source.error = Unreachable("no route")
    await rig.run(70.0)
    before = len(rig.source.calls)
    await rig.run(600.0)
    assert len(rig.source.calls) - before <= 40


async def test_each_start_counts_the_looks_of_those_before(tmp_path: Path) -> None:
    clock, made = FakeClock(), 0
    for start in range(3):
        rig = _rig(tmp_path, clock, budget=1000)
        if start == 0:
            rig.engine.follow(BINDING, FOLLOWED)
        await rig.run(3 * 3600.0)
        made += len(looks(rig))
        await rig.engine.aclose()
    assert 150 <= made <= 250


async def test_a_workspace_that_is_refused_is_said_once_and_left_alone(rig: Rig) -> None:
    rig.source.error = Refused("no permission", code="Forbidden.Access")
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(500.0)
    assert sum("no permission" in text for text in rig.texts) <= 1
    assert len(looks(rig)) <= 2


async def test_paused_nothing_is_looked_at(rig: Rig) -> None:
    rig.engine.set_paused(paused=True)
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(600.0)
    assert looks(rig) == []


async def test_a_follow_that_was_removed_looks_no_more_and_its_rows_stay(rig: Rig) -> None:
    rig.source.hold(run_of(1))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    rig.engine.unfollow(rig.snapshot.follows[0].number)
    await rig.run(5.0)
    before = len(looks(rig))
    await rig.run(1200.0)
    assert rig.snapshot.follows == ()
    assert listed(rig) == [1]
    assert len(looks(rig)) == before


async def test_undo_takes_back_the_last_edit_of_a_follow_and_never_makes_a_second(rig: Rig) -> None:
    rig.source.hold(run_of(1))
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    rig.engine.unfollow(rig.snapshot.follows[0].number, with_rows=True)
    rig.engine.follow(BINDING, FOLLOWED)
    rig.clock.advance(1.0)
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.run(5.0)
    assert "Followed already" in rig.snapshot.notices[-1].text
    for said, follows in (
        (f"Not followed any more: {FOLLOWED.words()}", 0),
        (f"Restored the follow {FOLLOWED.words()} and dwd_table_1 1", 1),
        (f"Not followed any more: {FOLLOWED.words()}. Its rows stay.", 0),
        ("Nothing to undo.", 0),
    ):
        rig.engine.undo()
        await rig.turn()
        assert rig.snapshot.notices[-1].text == said
        assert len(rig.snapshot.follows) == follows


async def test_undo_makes_no_follow_that_another_process_has_made_since(
    rig: Rig, tmp_path: Path
) -> None:
    rig.engine.follow(BINDING, FOLLOWED)
    await rig.turn()
    rig.engine.unfollow(rig.snapshot.follows[0].number)
    other = Store(tmp_path, rig.clock.now)
    made = other.add_follow(Follow(0, BINDING, FOLLOWED, rig.clock.now()))
    # Before it is known here, and after.
    rig.engine.undo()
    assert other.follows() == [made]
    await rig.run(600.0)
    rig.engine.unfollow(made.number)
    again = other.add_follow(made._replace(number=0))
    await rig.run(600.0)
    rig.engine.undo()
    await rig.turn()
    assert other.follows() == [again]
    other.close()


async def test_a_followed_workflow_has_its_name_when_no_run_of_it_is_listed(tmp_path: Path) -> None:
    rig = _rig(tmp_path)
    rig.source.hold(run_of(1, name="dwd_trade_order_di"))
    rig.engine.watch([key(1)])
    await rig.run(5.0)
    rig.engine.follow(BINDING, FOLLOWED)
    rig.engine.unwatch([key(1)])
    await rig.run(5.0)
    await rig.engine.aclose()
    again = _rig(tmp_path, rig.clock)
    assert [each.name for each in again.snapshot.follows] == ["dwd_trade_order_di"]
    await again.engine.aclose()


def past_runs(count: int, minutes: int = 30) -> list[WorkflowInstance]:
    """Runs of the days before, each begun 26 hours after the beginning of its business date."""
    found = []
    for back in range(1, count + 1):
        began = YESTERDAY - back * 24 * HOUR + 26 * HOUR
        ended = began + minutes * 60_000
        found.append(
            run_of(
                900 + back,
                "Success",
                biz_date=YESTERDAY - back * 24 * HOUR,
                started_time=began,
                finished_time=ended,
                modify_time=ended,
            )
        )
    return found


def _due_rig(directory: Path, due: str, at: timedelta) -> Rig:
    """A rig at a time after the beginning of the business date of yesterday."""
    rig = _rig(directory, FakeClock(EPOCH + timedelta(milliseconds=YESTERDAY) + at))
    rig.engine._alerts._rule = NotifyRule.ANY
    follow = Follow(0, BINDING, FOLLOWED, rig.clock.now() - timedelta(days=1), due=due)
    store = Store(directory, rig.clock.now)
    store.add_follow(follow)
    store.close()
    rig.source.hold(*past_runs(7))
    return rig


async def test_at_risk_and_late_for_a_deadline_are_said_and_notified_of(tmp_path: Path) -> None:
    # 26 hours after midnight of the business date it begins: 02:00 of the next day, in the zone.
    rig = _due_rig(tmp_path, "02:20", timedelta(hours=26, minutes=1))
    began = YESTERDAY + 26 * HOUR
    rig.source.hold(run_of(1, started_time=began, modify_time=began))
    await rig.run(700.0)
    assert rig.row().lateness == "at risk: expected 02:30, due 02:20 UTC+8"
    assert rig.row().is_late
    assert rig.snapshot.alert is not None
    assert "at risk: expected 02:30, due 02:20 UTC+8" in rig.snapshot.alert.text
    await rig.run(600.0)
    assert rig.row().lateness == "late for 02:20 UTC+8"
    assert "late for 02:20 UTC+8" in rig.snapshot.alert.text
    becomes(rig, 1, "Success", workflow_id=7, biz_date=YESTERDAY)
    await rig.run(60.0)
    assert rig.row().lateness == ""


async def test_a_run_that_is_in_time_is_not_at_risk(tmp_path: Path) -> None:
    rig = _due_rig(tmp_path, "07:00", timedelta(hours=26, minutes=1))
    began = YESTERDAY + 26 * HOUR
    rig.source.hold(run_of(1, started_time=began, modify_time=began))
    await rig.run(900.0)
    assert rig.row().lateness == ""


async def test_a_run_that_has_not_begun_is_reported_as_missing_once(tmp_path: Path) -> None:
    rig = _due_rig(tmp_path, "07:00", timedelta(hours=26))
    # The run before is known: what is usual is learnt from it.
    rig.engine.watch([key(901)])
    rig.source.hold(replace(rig.source.held[901], status="Running", finished_time=None))
    await rig.run(590.0)
    said = [text for text in rig.texts if "is missing" in text]
    assert said == []
    await rig.run(700.0)
    said = [text for text in rig.texts if "is missing" in text]
    assert len(said) == 1
    assert re.search(
        r"its run of 2026-09-17 has not begun, and usually has by [\d:]+ UTC\+8", said[0]
    )
    assert rig.snapshot.alert is not None
