"""Faults that last: what they may not cost, be it calls, other instances or the whole watch."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fakes import BINDING, ScriptedSource, instance, key
from test_engine import OTHER, Rig, watching

from wfinspect.errors import (
    BadAnswer,
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    Unreachable,
)
from wfinspect.instance import Binding, InstanceId, WorkflowInstance
from wfinspect.watching.limits import Limits
from wfinspect.watching.snapshot import Contact


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

    async def fails(_: Binding, __: Callable[[], None]) -> ScriptedSource:
        nonlocal tries
        tries += 1
        raise RuntimeError("can't start new thread")

    connect, rig.engine._calls._connect = rig.engine._calls._connect, fails
    await rig.run(300.0)
    assert 5 <= tries <= 300 / 12
    assert rig.snapshot.health.trouble is not None
    rig.engine._calls._connect = connect
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
    await watching(rig, 1)
    is_closing = asyncio.Event()

    class Slow(ScriptedSource):
        async def aclose(self) -> None:
            is_closing.set()
            for _ in range(5):
                await asyncio.sleep(0)

    async def opened(_: Binding, __: Callable[[], None]) -> ScriptedSource:
        await is_closing.wait()
        return ScriptedSource()

    rig.engine._calls._sources[BINDING] = Slow()
    rig.engine._calls._connect = opened
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
    assert limits.endpoint_gate(BINDING).is_closed is not is_answer


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
