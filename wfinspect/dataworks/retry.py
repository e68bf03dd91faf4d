"""Trying again, for commands that run once. A poll does not: its next tick is the retry."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wfinspect.clock import Clock
from wfinspect.errors import DailyLimit, ServiceError, ServiceTrouble, Throttled, Unreachable

ATTEMPTS = 3
BASE_SECONDS = 0.5
THROTTLED_BASE_SECONDS = 1.0
CAP_SECONDS = 20.0
TOTAL_SECONDS = 30.0
"""From the first attempt to the beginning of the last."""

_T = TypeVar("_T")


async def with_retries(
    attempt: Callable[[], Awaitable[_T]],
    *,
    clock: Clock,
    sleep: Callable[[float], Awaitable[object]],
    rng: random.Random,
) -> _T:
    """The value of the first attempt that succeeds; raises the last one's ServiceError.

    Pauses have full jitter, and are at least what the service asks for.
    """
    started = clock.monotonic()
    for number in range(1, ATTEMPTS):
        try:
            return await attempt()
        except ServiceError as error:
            if not is_worth_retrying(error):
                raise
            pause = pause_seconds(error, number, rng)
            if clock.monotonic() - started + pause > TOTAL_SECONDS:
                raise
        await sleep(pause)
    return await attempt()


def is_worth_retrying(error: ServiceError) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, Unreachable):
        return not error.is_permanent
    return isinstance(error, ServiceTrouble | Throttled) and not isinstance(error, DailyLimit)


def pause_seconds(error: ServiceError, number: int, rng: random.Random) -> float:
    """Seconds to wait after the attempt of that number, counted from 1."""
    base, asked = BASE_SECONDS, 0.0
    if isinstance(error, Throttled):
        base, asked = THROTTLED_BASE_SECONDS, error.retry_after_seconds or 0.0
    return max(asked, rng.uniform(0.0, min(CAP_SECONDS, base * 2 ** (number - 1))))
