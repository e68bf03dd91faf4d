"""What is shown as the present, and when contact is lost: the engine over HTTP on the simulator."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from drive import HttpDrive
from fakes import FakeClock

from wfinspect.instance import InstanceId, InstanceKey
from wfinspect.simulator import DEMO_IDS, Simulator


class Rig(HttpDrive):
    """Watches instances of the simulator."""

    def key(self, number: int) -> InstanceKey:
        return InstanceKey(self.binding, InstanceId(number))

    def watch(self, *ids: int) -> None:
        self.engine.watch([self.key(number) for number in ids])


Open = Callable[..., Rig]


@pytest.fixture
async def rig_of(simulator: Simulator, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Open]:
    made: list[Rig] = []

    def opened(**settings: float) -> Rig:
        made.append(Rig(simulator, clock, tmp_path / "state", **settings))  # type: ignore[arg-type]
        return made[-1]

    yield opened
    for each in made:
        await each.engine.aclose()


@pytest.mark.parametrize("count", [1, 3])
async def test_an_answer_without_the_member_never_makes_an_instance_gone(
    simulator: Simulator, rig_of: Open, count: int
) -> None:
    rig = rig_of()
    rig.watch(*DEMO_IDS[:count])
    await rig.run(20.0)
    assert all(row.is_live for row in rig.engine.snapshot.rows)
    simulator.faults.add("empty")
    await rig.run(600.0)
    rows = rig.engine.snapshot.rows
    assert len(rows) == count
    assert not any(row.is_gone for row in rows)
    assert all(row.trouble and row.trouble.cause == "bad answer" for row in rows)
