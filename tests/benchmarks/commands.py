"""What a command that draws nothing costs to start: no textual, and hardly more than Python itself."""

import os
import statistics
import subprocess
import time
from pathlib import Path

from bench import Figures, main, scratch
from pty_session import python

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

ROUNDS = 15
_SOURCE = str(Path(__file__).parents[2])


def run(command: list[str], env: dict[str, str]) -> tuple[float, str]:
    """The seconds that a command takes, and what it says on standard error."""
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return time.perf_counter() - begun, done.stderr


def imports_of_textual(env: dict[str, str]) -> int:
    """The modules of textual that `get` of an instance loads."""
    command = python("-X", "importtime", "-m", "wfinspect", "get", str(DEMO_IDS[3]))
    modules = [line.rpartition("|")[2].strip() for line in run(command, env)[1].splitlines()]
    assert "wfinspect.dataworks.client" in modules
    return sum(name.split(".")[0] == "textual" for name in modules)


def tell(figures: Figures) -> None:
    """Measure and print."""
    with scratch() as home, Simulator(clock=SystemClock()) as simulator:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": _SOURCE}
        env |= simulator.environment()
        figures.hold("modules of textual that get loads", imports_of_textual(env), most=0)
        ours, floor = [], []
        for _ in range(ROUNDS):
            floor.append(run(python("-c", "import argparse"), env)[0])
            ours.append(run(python("-m", "wfinspect", "--version"), env)[0])
    share = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
    figures.hold("--version, as a multiple of Python with argparse", share, most=2)


if __name__ == "__main__":
    main(tell)
