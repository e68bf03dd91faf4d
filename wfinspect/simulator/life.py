"""How one instance passes through its states, over and over. Pure: time and chance are arguments.

Knows neither names nor the wire: `catalogue` says who lives which life, `fleet` makes records of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

OUTCOME = "Outcome"
"""Stands in a life for Success or Failure, which chance decides anew for each run."""


@dataclass(frozen=True, slots=True)
class Life:
    """One run after another: the states of a run, from first to settled, then the next run."""

    phases: tuple[tuple[str, float], ...]
    """Each state and how many seconds it lasts; the last one is OUTCOME."""
    offset: float
    """Seconds of the first run that lie before the epoch."""
    past: float = 1.0
    """How much longer everything before the epoch took, so that a fleet just born looks old."""
    failing: float = 0.0
    """Share of the runs that fail."""

    @property
    def period(self) -> float:
        """Seconds from the beginning of one run to that of the next."""
        return sum(seconds for _, seconds in self.phases)

    def scaled(self, factor: float, turn: float) -> "Life":
        """The same life at another pace, `turn` (0 to 1) of a run in at the epoch."""
        phases = tuple((status, seconds * factor) for status, seconds in self.phases)
        return Life(phases, self.period * factor * turn, self.past, self.failing)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a life; times in milliseconds since 1970, also those yet to come."""

    number: int
    """Counts the runs; 0 is the one under way at the epoch."""
    fails: bool
    begins: dict[str, int]
    """When each state begins, OUTCOME included; one that is skipped is missing."""

    @property
    def due(self) -> int:
        """When its time has come: the end of WaitTime."""
        return self.begins.get("CheckingCondition", self.begins["WaitResource"])

    @property
    def working(self) -> int:
        """How long it is in Running, in milliseconds."""
        return self.begins.get("Checking", self.begins[OUTCOME]) - self.begins["Running"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a life stands; times in milliseconds since 1970, None for what has not happened yet."""

    status: str
    since: int
    started: int | None
    finished: int | None


def run_at(
    life: Life, number: int, *, epoch: int, speed: float, chance: Callable[[int], float]
) -> Run:
    """The run of a number.

    Args:
        life: the states to pass through.
        number: as Run.number.
        epoch: when the fleet was born, in milliseconds.
        speed: seconds of life in a second of time.
        chance: a number from 0 to 1 for each run; below `life.failing` the run fails.
    """

    def moment(seconds: float) -> int:
        # What lies before the epoch is told at its own pace: speed changes only what is watched.
        scale = 1000 * life.past if seconds < 0 else 1000 / speed
        return epoch + int(seconds * scale // 1)

    ends = accumulate(seconds for _, seconds in life.phases)
    begins = [number * life.period - life.offset + end for end in (0.0, *ends)]
    moments = {word: moment(at) for (word, _), at in zip(life.phases, begins, strict=False)}
    return Run(number, chance(number) < life.failing, moments)


def number_at(life: Life, *, epoch: int, now: int, speed: float) -> int:
    """Which run is under way at `now` (milliseconds, as is `epoch`)."""
    return int(_elapsed(life, epoch, now, speed) // life.period)


def stage_at(
    life: Life, *, epoch: int, now: int, speed: float, chance: Callable[[int], float]
) -> Stage:
    """The stage at `now` (milliseconds); before the epoch it is that of the epoch."""
    number = number_at(life, epoch=epoch, now=now, speed=speed)
    into = _elapsed(life, epoch, now, speed) % life.period
    ends = accumulate(seconds for _, seconds in life.phases)
    index = min(sum(end <= into for end in ends), len(life.phases) - 1)
    words = [word for word, _ in life.phases]
    status = words[index]
    run = run_at(life, number, epoch=epoch, speed=speed, chance=chance)
    since = run.begins[status]
    started = run.begins["Running"] if index >= words.index("Running") else None
    finished = since if status == OUTCOME else None
    if status == OUTCOME:
        status = "Failure" if run.fails else "Success"
    return Stage(status, since, started, finished)


def _elapsed(life: Life, epoch: int, now: int, speed: float) -> float:
    """Seconds of life since the first run began."""
    return max(0, now - epoch) * speed / 1000 + life.offset


def born(life: Life, epoch: int) -> int:
    """When the first run was created, in milliseconds."""
    return epoch - int(life.offset * life.past * 1000) - 1000
