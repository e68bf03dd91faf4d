"""Faults that last: what they may not cost, be it calls, other instances or the whole watch."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from engine_rig import OTHER, Rig, becomes, watching
from fakes import BINDING, START, ScriptedSource, instance, key, ms

from wfinspect.clock import Moment
from wfinspect.errors import (
    BadAnswer,
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    StoreError,
    Unreachable,
)
from wfinspect.model import InstanceId, Target, Transition, WorkflowInstance
from wfinspect.watching.api import Contact
from wfinspect.watching.calls import BatchAnswer
from wfinspect.watching.limits import Limits
from wfinspect.watching.schedule import Batch
from wfinspect.watching.store import Changes


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path / "state")
    yield made
    await made.engine.aclose()


def never_answers_for(rig: Rig, number: int, error: ServiceError) -> None:
    """Let List lack an instance, and every Get of it fail."""
    get = rig.source.get_workflow_instance

    async def failing(instance_id: InstanceId) -> WorkflowInstance:
        found = await get(instance_id)
        if instance_id == number:
            raise error
        return found

    rig.source.get_workflow_instance = failing  # type: ignore[method-assign]
    rig.source.unlisted.add(number)


@pytest.mark.parametrize("error", [BadAnswer("odd"), Unreachable("too slow")])
async def test_an_instance_that_always_fails_is_its_own_trouble_alone(
    error: ServiceError, rig: Rig
) -> None:
    await watching(rig, 1, 2, 3)
    never_answers_for(rig, 3, error)
    await rig.run(300.0)
    assert [row.is_live for row in rig.snapshot.rows] == [True, True, False]
    assert rig.row(3).instance == instance(3)
    assert rig.row(3).trouble is not None
    assert rig.snapshot.health.contact is Contact.LIVE
    rig.source.calls.clear()
    await rig.run(300.0)
    assert rig.source.calls.count(("get", (3,))) <= 2
    assert len(rig.source.calls) >= 300 / 18


async def test_a_source_that_never_opens_is_opened_ever_more_seldom(rig: Rig) -> None:
    tries = 0

    async def fails(_: Target, __: Callable[[], None]) -> ScriptedSource:
        nonlocal tries
        tries += 1
        raise RuntimeError("can't start new thread")

    rig.opens = fails
    await rig.run(300.0)
    assert 5 <= tries <= 300 / 12
    assert rig.snapshot.health.trouble is not None
    rig.opens = None
    await rig.run(30.0)
    assert rig.snapshot.health.trouble is None


async def test_keys_that_each_call_renews_and_that_are_refused_are_tried_every_minute(
    rig: Rig,
) -> None:
    await watching(rig, 1)

    def renew() -> None:
        rig.source.fingerprint += "+"

    rig.source.on_call = renew
    rig.source.error = Refused("The token has expired.", code="InvalidSecurityToken.Expired")
    rig.source.calls.clear()
    await rig.run(300.0)
    assert len(rig.source.calls) == 5


async def test_a_source_that_is_opened_while_all_are_closed_is_no_error(rig: Rig) -> None:
    is_closing = asyncio.Event()

    class Slow(ScriptedSource):
        async def aclose(self) -> None:
            is_closing.set()
            for _ in range(5):
                await asyncio.sleep(0)

    async def opened(_: Target, __: Callable[[], None]) -> ScriptedSource:
        await is_closing.wait()
        return ScriptedSource()

    rig.source = rig.sources[BINDING] = Slow(rig.clock)
    await watching(rig, 1)
    rig.opens = opened
    rig.engine.watch([key(1, OTHER)])
    rig.engine.step()
    await asyncio.sleep(0)
    await rig.engine.aclose()


@pytest.mark.parametrize(
    ("error", "is_answer"),
    [(CredentialsMissing("none"), False), (Refused("no", code="Forbidden"), True)],
)
def test_an_endpoint_counts_as_up_again_when_it_has_answered(
    error: ServiceError, is_answer: bool
) -> None:
    limits = Limits(random.Random(1), budget=3000)
    limits.failed(BINDING, Unreachable("down"), 0.0)
    limits.failed(BINDING, error, 1.0)
    assert limits.endpoint_breaker(BINDING).is_open is not is_answer


async def test_a_day_of_the_account_that_ends_after_ours_is_asked_for_every_hour(rig: Rig) -> None:
    await watching(rig, 1)
    rig.clock.jump(9 * 3600.0)
    rig.source.error = DailyLimit("enough for today")
    await rig.run(1900.0)
    budget = rig.snapshot.health.budget
    rig.source.calls.clear()
    await rig.run(3 * 3600.0)
    assert len(rig.source.calls) == 3
    assert rig.snapshot.health.budget == budget
    rig.source.error = None
    await rig.run(3600.0)
    assert rig.row(1).is_live


async def test_a_learnt_budget_is_given_up_after_a_week(rig: Rig) -> None:
    await watching(rig, 1, status="Success")
    rig.source.errors = [DailyLimit("enough for today")]
    rig.engine.refresh()
    await rig.run(60.0)
    assert rig.snapshot.health.budget == 90
    rig.engine.unwatch([key(1)])
    await rig.run(6 * 86_400.0)
    assert rig.snapshot.health.budget == 90
    await rig.run(2 * 86_400.0)
    assert rig.snapshot.health.budget == 3000


def rests(rig: Rig, *numbers: int) -> None:
    """Watch instances that need no reading any more."""
    over = ms(rig.clock.now() - timedelta(days=40))
    for number in numbers:
        rig.source.hold(instance(number, "Success", finished_time=over, modify_time=over))
    rig.engine.watch([key(n) for n in numbers])


async def test_a_person_is_told_that_one_at_rest_is_gone(rig: Rig) -> None:
    rests(rig, 1, 2, 3)
    await rig.run(30.0)
    del rig.source.held[3]
    rig.engine.refresh(key(3))
    await rig.run(5.0)
    assert rig.row(3).trouble is not None
    await rig.run(90.0)
    assert [row.is_gone for row in rig.snapshot.rows] == [False, False, True]


async def test_while_everything_is_missing_it_is_asked_for_ever_more_seldom(rig: Rig) -> None:
    await watching(rig, 1, 2, 3)
    rig.source.held.clear()
    await rig.run(300.0)
    rig.source.calls.clear()
    await rig.run(1800.0)
    assert not any(row.is_gone for row in rig.snapshot.rows)
    assert len(rig.source.calls) <= 3 * 4


async def test_what_could_not_be_saved_for_long_is_not_saved_over_what_is_newer(
    rig: Rig, tmp_path: Path
) -> None:
    await watching(rig, 1)
    other = Rig(tmp_path / "state", rig.clock)
    save = rig.engine._journal.store.save

    def fails(_: Changes) -> list[Transition]:
        raise StoreError("locked")

    rig.engine._journal.store.save = fails  # type: ignore[method-assign]
    becomes(rig, 1, "Checking")
    await rig.run(20.0)
    becomes(other, 1, "Success")
    other.clock.advance(180.0)
    await other.turn()
    rig.engine._journal.store.save = save  # type: ignore[method-assign]
    await rig.turn()
    assert rig.row().instance == other.row().instance
    assert Rig(tmp_path / "state").row().instance == other.row().instance
    await other.engine.aclose()


async def test_a_store_that_fails_behind_a_save_lets_nothing_be_told_twice(rig: Rig) -> None:
    await watching(rig, 1)
    store = rig.engine._journal.store
    transitions = store.transitions

    def fails(*_: object) -> list[Transition]:
        store.transitions = transitions  # type: ignore[method-assign]
        store.close()
        raise StoreError("gone for a moment")

    becomes(rig, 1, "Failure")
    store.transitions = fails  # type: ignore[method-assign]
    for _ in range(8):
        await rig.run(15.0)
    assert rig.snapshot.alert is not None
    assert rig.snapshot.alert.number == 1


async def test_a_change_right_after_the_clock_was_set_back_is_kept(
    rig: Rig, tmp_path: Path
) -> None:
    await watching(rig, 1)
    becomes(rig, 1, "Success")
    rig.clock.jump(-30.0)
    await rig.run(16.0)
    assert rig.row().instance == rig.source.held[1]
    await rig.run(700.0)
    assert Rig(tmp_path / "state").row().instance == rig.source.held[1]


async def test_another_instance_under_an_id_does_not_inherit_its_last_change(
    rig: Rig, tmp_path: Path
) -> None:
    await watching(rig, 1)
    becomes(rig, 1, "Failure")
    await rig.run(16.0)
    assert rig.row().last_change is not None
    becomes(rig, 1, "Running", workflow_id=7, create_time=ms(rig.clock.now()))
    rig.engine.refresh()
    await rig.run(5.0)
    assert rig.row().last_change is None
    assert Rig(tmp_path / "state").row().last_change is None


async def test_an_answer_that_ends_a_step_keeps_no_other_from_being_taken_in(rig: Rig) -> None:
    rig.source.hold(*(instance(n, project_id=n) for n in (1, 2, 3)))
    rig.engine.watch([key(n) for n in (1, 2, 3)])
    await rig.run(10.0)
    absorb = rig.engine._take

    def fails(_: object) -> None:
        rig.engine._take = absorb  # type: ignore[method-assign]
        raise ZeroDivisionError

    moment = Moment(1.0, START)
    answers = [BatchAnswer(Batch(BINDING, (key(n),)), (instance(n),), moment) for n in (1, 2)]
    rig.engine._calls._answers.extend(answers)
    rig.engine._take = fails  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        rig.engine.step()
    assert list(rig.engine._calls.take_answers()) == answers[1:]
