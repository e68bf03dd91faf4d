"""Faults that last: what they may not cost, be it calls, other instances or the whole watch."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes import instance, key
from test_engine import Rig, watching

from wfinspect.errors import BadAnswer, ServiceError, Unreachable
from wfinspect.instance import InstanceId, WorkflowInstance
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
