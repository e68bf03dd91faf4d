"""What every benchmark shares: figures with their limits, printed, and an exit status that says if all hold.

Importing it makes the modules of the tests importable from a script that is run by its path.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))


@dataclass
class Figures:
    """The figures of one benchmark, each printed as soon as it is known."""

    missed: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def hold(self, name: str, value: float, *, most: float, unit: str = "") -> None:
        """Print a figure and whether it is within its limit."""
        verdict = "held" if value <= most else "MISSED"
        self.say(f"{verdict:6}  {name}: {value:,.6g}{unit} (at most {most:,.6g}{unit})")
        if value > most:
            self.missed.append(name)

    def reach(self, name: str, value: float, *, least: float, unit: str = "") -> None:
        """Print a figure that has to be large enough for the others to mean something."""
        verdict = "held" if value >= least else "MISSED"
        self.say(f"{verdict:6}  {name}: {value:,.6g}{unit} (at least {least:,.6g}{unit})")
        if value < least:
            self.missed.append(name)

    def end(self) -> None:
        """Exit with 1 if a figure was missed, else with 0."""
        sys.exit(1 if self.missed else 0)


@contextmanager
def scratch(*, on_disk: bool = False) -> Iterator[Path]:
    """An empty directory for a store, in memory where the machine has such a place and may use it."""
    memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
    with tempfile.TemporaryDirectory(
        dir=memory if memory.is_dir() and not on_disk else None
    ) as made:
        yield Path(made)
