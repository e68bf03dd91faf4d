from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from engine_rig import FakeMessenger, Rig, becomes, move, put_in_the_way, take_away, watching
from fakes import FakeClock, instance, key

from wfinspect.errors import Unreachable
from wfinspect.watching.api import Alert
from wfinspect.watching.notifications import TRIAL, Alerts


class TellingRig(Rig):
    """An engine whose messages can be looked at."""

    def __init__(self, state_dir: Path, clock: FakeClock | None = None) -> None:
        self.messenger = FakeMessenger()
        super().__init__(state_dir, clock, alerts=Alerts(messenger=self.messenger))  # type: ignore[arg-type]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def rig(state_dir: Path) -> AsyncIterator[TellingRig]:
    made = TellingRig(state_dir)
    yield made
    await made.engine.aclose()


def told(rig: TellingRig) -> list[str]:
    return [message.text for message in rig.messenger.sent]


async def test_a_round_of_failures_is_one_alert_and_one_message(rig: TellingRig) -> None:
    await watching(rig, *range(1, 51))
    assert rig.snapshot.alert is None
    for number in range(1, 51):
        becomes(rig, number, "Failure")
    await rig.run(30.0)

    assert rig.snapshot.alert is not None
    assert rig.snapshot.alert.number == 1
    assert told(rig) == [rig.snapshot.alert.text]
    assert told(rig)[0].startswith("50 failed: ")


async def test_no_alert_is_made_of_what_is_only_on_display(rig: TellingRig) -> None:
    rig.source.hold(instance(1))
    rig.engine.display(key(1))
    await rig.run(2.0)
    becomes(rig, 1, "Failure")
    await rig.run(30.0)

    assert rig.snapshot.transitions
    assert rig.snapshot.alert is None


async def test_a_process_without_a_command_leaves_it_to_one_that_has_one(
    rig: TellingRig, state_dir: Path
) -> None:
    await watching(rig, 1)
    rig.messenger.has_command = False
    other = TellingRig(state_dir, rig.clock)
    other.source.hold(instance(1))
    await other.turn()
    becomes(rig, 1, "Failure")
    for _ in range(20):
        await rig.turn()
        rig.clock.advance(1.0)
    for _ in range(20):
        await other.turn()
        rig.clock.advance(1.0)
    await other.engine.aclose()

    assert rig.snapshot.alert is not None
    assert (len(told(rig)), len(told(other))) == (0, 1)


async def test_what_cannot_be_saved_is_told_and_not_again_when_it_can(
    rig: TellingRig, state_dir: Path
) -> None:
    await watching(rig, 1)
    put_in_the_way(state_dir)
    becomes(rig, 1, "Failure")
    await rig.run(20.0)
    assert rig.snapshot.health.store_trouble
    assert len(told(rig)) == 1

    take_away(state_dir)
    await rig.run(120.0)
    assert not rig.snapshot.health.store_trouble
    assert len(told(rig)) == 1


async def test_what_happened_just_before_the_end_is_told_at_the_end(state_dir: Path) -> None:
    rig = TellingRig(state_dir)
    await watching(rig, 1)
    becomes(rig, 1, "Failure")
    rig.engine.refresh(key(1))
    await rig.turn()
    assert told(rig) == []

    await rig.engine.aclose()
    assert len(told(rig)) == 1
    assert rig.messenger.is_closed


async def test_of_two_processes_that_lose_contact_both_ring_and_one_tells(
    rig: TellingRig, state_dir: Path
) -> None:
    await watching(rig, 1)
    other = TellingRig(state_dir, rig.clock)
    other.source.hold(instance(1))

    async def both(seconds: int, error: Unreachable | None) -> list[str]:
        rig.source.error = other.source.error = error
        for _ in range(seconds):
            await rig.turn()
            await other.turn()
            rig.clock.advance(1.0)
        return [text.split(" (")[0].split(" after")[0] for text in [*told(rig), *told(other)]]

    lost, back = "No contact for 5 minutes", "Contact is back"
    await both(20, None)
    for round_ in 1, 2:
        assert sorted(await both(420, Unreachable("no route"))) == sorted(
            [lost] * round_ + [back] * (round_ - 1)
        )
        assert sorted(await both(60, None)) == sorted([lost, back] * round_)
        alerts = rig.snapshot.alert, other.snapshot.alert
        assert [alert and alert.number for alert in alerts] == [2 * round_] * 2
    await other.engine.aclose()


async def test_a_command_that_fails_is_a_notice(rig: TellingRig) -> None:
    await watching(rig, 1)
    rig.messenger.trouble = "The notification command tell failed with exit code 1."
    await rig.turn()

    assert rig.texts == ["The notification command tell failed with exit code 1."]


async def test_a_trial_goes_every_way_that_an_alert_goes(rig: TellingRig) -> None:
    rig.engine.try_alert()
    await rig.run(5.0)

    assert rig.snapshot.alert == Alert(1, TRIAL)
    assert told(rig) == [TRIAL]


async def test_a_store_that_can_be_read_only_later_brings_no_old_news(state_dir: Path) -> None:
    before = TellingRig(state_dir)
    await watching(before, 1)
    becomes(before, 1, "Failure")
    await before.run(30.0)
    await before.engine.aclose()
    aside = state_dir.with_name("aside")
    move(state_dir, aside)
    put_in_the_way(state_dir)
    rig = TellingRig(state_dir, before.clock)
    rig.source.held = before.source.held
    await rig.run(10.0)
    assert rig.snapshot.health.store_trouble
    take_away(state_dir)
    move(aside, state_dir)
    await rig.run(60.0)
    await rig.run(60.0)
    await rig.engine.aclose()

    assert [row.key for row in rig.snapshot.rows] == [key(1)]
    assert rig.snapshot.alert is None
