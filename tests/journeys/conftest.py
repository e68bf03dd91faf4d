"""The whole program, as a user meets it.

The console script in a real terminal, the simulator behind real HTTP, the real store. A journey acts by
keys and by what happens at the simulator, and judges only what a user or the service could see.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The service; `set_status`, `faults`, `stop` and `start` are what can happen to it."""
    with Simulator(clock=SystemClock()) as running:
        yield running


@pytest.fixture
def home(simulator: Simulator, tmp_path: Path) -> Home:
    """A new user, whose keys are those of the simulator."""
    # The fixture that keeps a test off the real home has made it.
    return Home(tmp_path / "home", simulator.environment())
