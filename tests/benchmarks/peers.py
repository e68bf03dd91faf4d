"""Published terminal programs beside ours: start to paint, and what they cost while nothing happens.

``peers.py [DIRECTORY]``: programs of Python are looked for in environments DIRECTORY/NAME, as
``python -m venv DIRECTORY/posting && DIRECTORY/posting/bin/pip install posting 'tree-sitter<0.26'``
makes them (harlequin, toolong, glances), htop and btop on the PATH. What is not installed is left
out; without a DIRECTORY only apps of nothing but Textual are compared.
"""

import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from bench import Figures, main, scratch
from pty_session import PtySession, python

from wfinspect.clock import SystemClock
from wfinspect.simulator import Simulator

HERE = Path(__file__).parent
ROUNDS = 5
IDLE_SECONDS = 30.0
_SETTLE_SECONDS = 3.0


class Program(NamedTuple):
    """A command, and what is on its screen once it has been painted."""

    name: str
    command: list[str]
    ready: str


def own() -> list[Program]:
    """What is here in any case; ours comes first."""
    return [
        Program("wfinspect", python("-m", "wfinspect"), "type or paste"),
        Program("bare Textual app", python(str(HERE / "bare_app.py")), "a bare app"),
        Program("Textual stock widgets", python(str(HERE / "stock_app.py")), "dwd_table_4"),
    ]


def published(directory: Path, log: Path) -> list[Program]:
    """What is installed of the published ones; `log` is a file for those that show one."""
    wanted = {
        "posting": (["posting"], "Send"),
        "harlequin": (["harlequin"], "Query|Catalog"),
        "toolong": (["tl", str(log)], "line 20000"),
        "glances": (["glances", "--disable-check-update"], r"CPU"),
        "htop": (["htop"], "PID"),
        "btop": (["btop", "--utf-force"], "cpu"),
    }
    found = []
    for name, (command, ready) in wanted.items():
        own = directory / name / "bin" / command[0]
        program = str(own) if own.exists() else shutil.which(command[0])
        if program:
            found.append(Program(name, [program, *command[1:]], ready))
    return found


class Costs(NamedTuple):
    """Of one program: seconds to paint, then of its idle life."""

    start: float
    bytes_a_minute: float
    cpu: float
    megabytes: float


def start(program: Program, home: Path, env: dict[str, str]) -> float:
    """Seconds from the command to the paint."""
    begun = time.perf_counter()
    with PtySession(program.command, home=home, env=env) as running:
        running.wait_for(program.ready, 60.0)
        return time.perf_counter() - begun


def idle(program: Program, home: Path, env: dict[str, str]) -> tuple[float, float, float]:
    """Bytes a minute to the terminal, CPU as a part of one core, megabytes of memory."""
    with PtySession(program.command, home=home, env=env) as running:
        running.wait_for(program.ready, 60.0)
        running.read_for(_SETTLE_SECONDS)
        family = [psutil.Process(running.process.pid)]
        family += family[0].children(recursive=True)
        before = sum(sum(each.cpu_times()[:2]) for each in family)
        sent = len(running.read_for(IDLE_SECONDS))
        used = sum(sum(each.cpu_times()[:2]) for each in family) - before
        memory = sum(each.memory_info().rss for each in family) / 2**20
    return sent * 60 / IDLE_SECONDS, used / IDLE_SECONDS, memory


def tell(figures: Figures, directory: Path | None = None) -> None:
    """Measure in turns and print."""
    with scratch() as home, Simulator(clock=SystemClock()) as simulator:
        env = simulator.environment() | {"PYTHONPATH": str(HERE.parents[1])}
        log = home / "some.log"
        log.write_text("".join(f"line {n}\n" for n in range(1, 20_001)), encoding="ascii")
        programs = own() + (published(directory, log) if directory else [])
        starts: list[list[float]] = [[] for _ in programs]
        for _ in range(ROUNDS):
            for program, took in zip(programs, starts, strict=True):
                took.append(start(program, home, env))
        for program, took in zip(programs, starts, strict=True):
            costs = Costs(statistics.median(took), *idle(program, home, env))
            share = statistics.median(a / b for a, b in zip(took, starts[0], strict=True))
            figures.report(
                f"{program.name}: start, idle bytes/min, idle CPU, memory",
                f"{share:.2f} x ours, {costs.bytes_a_minute:,.0f}, {costs.cpu:.2%}, "
                f"{costs.megabytes:.0f} MB",
            )


if __name__ == "__main__":
    main(lambda figures: tell(figures, *(Path(each).resolve() for each in sys.argv[1:])))
