import random
from collections.abc import Awaitable, Callable

import pytest
from fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.commands.once import is_worth_retrying, pause_seconds, with_retries
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ClockSkew,
    CredentialsMissing,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
)

WORTH = [Unreachable("x"), ServiceTrouble("x"), Throttled("x")]
POINTLESS = [
    Unreachable("x", is_permanent=True),
    DailyLimit("x"),
    NotFound("x"),
    Refused("x"),
    ClockSkew("x"),
    CredentialsMissing("x"),
    BadAnswer("x"),
    BadRequest("x"),
]


class Script:
    """Outcomes of attempts in turn, and the pauses taken between them on a clock of its own."""

    def __init__(self, *outcomes: ServiceError | str, takes: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self.attempts = 0
        self._takes = takes

    async def attempt(self) -> str:
        self.attempts += 1
        self.clock.advance(self._takes)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)

    def run(self) -> Awaitable[str]:
        attempt: Callable[[], Awaitable[str]] = self.attempt
        return with_retries(attempt, clock=self.clock, sleep=self.sleep, rng=random.Random(7))


async def test_a_success_is_not_repeated() -> None:
    script = Script("done")

    assert await script.run() == "done"
    assert (script.attempts, script.pauses) == (1, [])


@pytest.mark.parametrize("error", WORTH, ids=lambda e: type(e).__name__)
async def test_what_passes_by_itself_is_tried_three_times(error: ServiceError) -> None:
    script = Script(error, error, "done")

    assert await script.run() == "done"
    assert script.attempts == 3


async def test_the_last_error_is_the_one_told() -> None:
    script = Script(Unreachable("a"), ServiceTrouble("b"), Throttled("c"))

    with pytest.raises(Throttled, match="c"):
        await script.run()

    assert (script.attempts, len(script.pauses)) == (3, 2)


@pytest.mark.parametrize("error", POINTLESS, ids=lambda e: type(e).__name__)
async def test_what_does_not_pass_by_itself_is_told_at_once(error: ServiceError) -> None:
    script = Script(error, "done")

    with pytest.raises(type(error)):
        await script.run()

    assert (script.attempts, script.pauses) == (1, [])
    assert not is_worth_retrying(error)


async def test_the_service_decides_how_long_to_wait_at_least() -> None:
    script = Script(Throttled("x", retry_after_seconds=12.0), "done")

    await script.run()

    assert script.pauses == [12.0]


async def test_a_wait_beyond_the_whole_time_is_not_begun() -> None:
    script = Script(Throttled("x", retry_after_seconds=31.0), "done")

    with pytest.raises(Throttled):
        await script.run()

    assert (script.attempts, script.pauses) == (1, [])


async def test_slow_attempts_use_up_the_whole_time() -> None:
    script = Script(Unreachable("x"), Unreachable("x"), "done", takes=20.0)

    with pytest.raises(Unreachable):
        await script.run()

    assert script.attempts == 2


@given(st.integers(1, 40), st.integers(0, 1000), st.sampled_from(WORTH))
def test_pauses_are_spread_over_a_growing_span_with_a_cap(
    number: int, seed: int, error: ServiceError
) -> None:
    base = 1.0 if isinstance(error, Throttled) else 0.5

    pause = pause_seconds(error, number, random.Random(seed))

    assert 0 <= pause <= min(20.0, base * 2 ** (number - 1))
