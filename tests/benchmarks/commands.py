"""What a command that draws nothing costs to start, in CPU of its process; each beside its floor.

CPU is that of the whole process, from the kernel's clock, its end included; programs take turns, and a
figure is the median. Milliseconds are this machine's while it does nothing else; ratios travel.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import AS_INSTALLED, Figures, main, scratch
from fakes import instance, listed
from pty_session import python

from wfinspect.clock import SystemClock
from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.settings import write_new
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.store import Changes, Store

ROUNDS = 15
SCRIPT = str(Path(sys.executable).with_name("wfinspect"))
STATUSES = ("Running", "Success", "Failure", "WaitTime")
_REQUEST = "import httpx; httpx.get({url!r}, timeout=5)"
_FOLLOWED_SECONDS = 20


def cpu_ms(command: Sequence[str], env: dict[str, str]) -> float:
    """The milliseconds of CPU that a command takes; its exit code is its own affair."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, capture_output=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def imports_of_textual(env: dict[str, str]) -> int:
    """The modules of textual that `get` of an instance loads."""
    command = python("-X", "importtime", "-m", "wfinspect", "get", str(DEMO_IDS[3]))
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stderr
    modules = [line.rpartition("|")[2].strip() for line in said.splitlines()]
    assert "wfinspect.dataworks.client" in modules
    return sum(name.split(".")[0] == "textual" for name in modules)


def fill(home: Path, count: int) -> None:
    """Put a list of rows that were just read into a home directory."""
    directory = home / ".local/state/wfinspect"
    directory.mkdir(parents=True)
    store = Store(directory, lambda: datetime.now(UTC))
    keys = [InstanceKey(Target("p", "cn-shanghai", "e"), InstanceId(n + 1)) for n in range(count)]
    rows = {
        key: listed(
            key,
            float(key.id),
            instance=instance(key.id, STATUSES[key.id % 4]),
            read_at=datetime.now(UTC),
        )
        for key in keys
    }
    store.save(Changes(added=rows))
    store.close()


def follower_cpu(env: dict[str, str]) -> float:
    """The milliseconds of CPU a second that a status bar costs while nothing changes."""
    with subprocess.Popen(
        [SCRIPT, "status", "--short", "--follow"], env=env, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = Path(f"/proc/{process.pid}/schedstat")
        before = int(used.read_text().split()[0])
        time.sleep(_FOLLOWED_SECONDS)
        after = int(used.read_text().split()[0])
        process.terminate()
    return (after - before) / 1e6 / _FOLLOWED_SECONDS


def tell(figures: Figures) -> None:
    """Measure and print."""
    with scratch() as home, Simulator(clock=SystemClock()) as simulator:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": AS_INSTALLED}
        few, many, configured = (
            env | {"HOME": str(home / name)} for name in ("few", "many", "configured")
        )
        env |= simulator.environment()
        fill(home / "few", 20)
        fill(home / "configured", 20)
        config = home / "configured/.config/wfinspect/config.toml"
        config.parent.mkdir(parents=True)
        write_new(config, '# mine\nregion = "cn-beijing"\ninterval = 20\n')
        fill(home / "many", 10_000)
        figures.hold("modules of textual that get loads", imports_of_textual(env), most=0)
        commands = {
            "re": (python("-c", "import re, sys"), env),
            "sqlite3": (python("-c", "import sqlite3"), env),
            "request": (python("-c", _REQUEST.format(url=simulator.url)), env),
            "version": ([SCRIPT, "--version"], env),
            "help": ([SCRIPT, "--help"], env),
            "completion": ([SCRIPT, "completion", "bash"], env),
            "get": ([SCRIPT, "get", str(DEMO_IDS[3])], env),
            "few": ([SCRIPT, "status", "--short"], few),
            "many": ([SCRIPT, "status", "--short"], many),
            "configured": ([SCRIPT, "status", "--short"], configured),
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, (command, its_env) in commands.items():
                taken[name].append(cpu_ms(command, its_env))
        followed = follower_cpu(many)
    ms = {name: statistics.median(all_) for name, all_ in taken.items()}

    def ratio(name: str, floor: str) -> float:
        pairs = zip(taken[name], taken[floor], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    figures.report(
        "python with re; sqlite3; a request, CPU ms",
        "; ".join(f"{ms[n]:.0f}" for n in ("re", "sqlite3", "request")),
    )
    figures.hold("--version / python with re", ratio("version", "re"), most=1.2)
    figures.hold("--help, CPU ms", ms["help"], most=40)
    figures.hold("completion bash, CPU ms", ms["completion"], most=45)
    figures.hold("status --short of 20 rows, CPU ms", ms["few"], most=40)
    figures.hold("the same / python with sqlite3", ratio("few", "sqlite3"), most=40 / 27)
    figures.hold("with a config.toml of plain settings, CPU ms", ms["configured"], most=40)
    figures.hold("status --short of 10,000 rows, CPU ms", ms["many"], most=60)
    figures.hold("status --short --follow, CPU ms a second", followed, most=1)
    figures.hold("get / one request by httpx in a process", ratio("get", "request"), most=1.2)


if __name__ == "__main__":
    main(tell)
