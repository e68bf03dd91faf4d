"""What every benchmark shares: figures with their limits, printed, and an exit status that says if all hold.

Importing it makes the modules of the tests importable from a script that is run by its path.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "support"))
AS_INSTALLED = os.pathsep.join([str(HERE / "as_installed"), str(HERE.parents[1])])
"""The PYTHONPATH of a user who has no tools of development; httpx would load click, and rich with it."""


@dataclass(frozen=True)
class Line:
    """A figure as it is told: what, how much, and its limit and whether it holds, if it has one."""

    what: str
    measured: str
    limit: str = ""
    holds: bool = True


@dataclass
class Figures:
    """The figures of one benchmark or of several, each printed as soon as it is known."""

    lines: list[Line] = field(default_factory=list)

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def report(self, what: str, measured: str, limit: str = "", *, holds: bool = True) -> None:
        """Print a figure; one without a limit is told for comparison."""
        self.lines.append(Line(what, measured, limit, holds))
        verdict = ("ok" if holds else "MISSED") if limit else ""
        self.say(f"{what:<58} {measured:>22}   {limit:<24} {verdict}".rstrip())

    def hold(self, what: str, value: float, *, most: float, unit: str = "") -> None:
        """Print a figure and whether it is within its limit."""
        self.report(what, f"{_short(value)}{unit}", f"<= {_short(most)}{unit}", holds=value <= most)

    def reach(self, what: str, value: float, *, least: float, unit: str = "") -> None:
        """Print a figure that has to be large enough for the others to mean something."""
        self.report(
            what, f"{_short(value)}{unit}", f">= {_short(least)}{unit}", holds=value >= least
        )

    def end(self) -> None:
        """Exit with 1 if a figure was missed, else with 0."""
        sys.exit(0 if all(line.holds for line in self.lines) else 1)


def main(tell: Callable[[Figures], object]) -> None:
    """Run a benchmark as a script: print its figures and exit with what they say."""
    figures = Figures()
    tell(figures)
    figures.end()


def _short(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


@contextmanager
def scratch(*, on_disk: bool = False) -> Iterator[Path]:
    """An empty directory for a store, in memory where the machine has such a place and may use it."""
    memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
    with tempfile.TemporaryDirectory(
        dir=memory if memory.is_dir() and not on_disk else None
    ) as made:
        yield Path(made)
