"""What a check of `doctor` finds, and how checks are run: each within a deadline, none hiding another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wfinspect.dataworks.lookup import Lookup
from wfinspect.errors import WfInspectError

DEADLINE_SECONDS = 20.0


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Found:
    """What one check found: a sentence, with what to do where it is not ok."""

    text: str
    level: Level = Level.OK


@dataclass(frozen=True, slots=True)
class Check:
    """A question with a name. A `WfInspectError` that it raises is a failure."""

    name: str
    ask: Callable[[], Awaitable[Found]]


def blocking(name: str, ask: Callable[[], Found]) -> Check:
    """A check of a function that may hang: it has a thread of its own, which nobody waits for."""
    return Check(name, lambda: Lookup(ask, f"check of {name}").wait(DEADLINE_SECONDS))


def warning(text: str) -> Found:
    """Something to mend, with which the watch works all the same."""
    return Found(text, Level.WARNING)


async def findings(
    checks: Sequence[Check], *, deadline: float = DEADLINE_SECONDS
) -> AsyncIterator[tuple[str, Found]]:
    """Run checks one after the other; gives the name and finding of each."""
    for check in checks:
        try:
            async with asyncio.timeout(deadline):
                found = await check.ask()
        except TimeoutError:
            found = Found(f"No answer within {deadline:g} s.", Level.FAILURE)
        except WfInspectError as error:
            found = Found(str(error), Level.FAILURE)
        except Exception as error:  # noqa: BLE001 - what one check trips over never hides the others
            found = Found(f"Could not be checked ({type(error).__name__}).", Level.FAILURE)
        yield check.name, found
