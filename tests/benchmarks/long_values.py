"""What a value of megabytes costs, against a short one: first paint, keys, and `get`.

Run it with ``.venv/bin/python tests/benchmarks/long_values.py [NAME ...]`` on a quiet machine.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from bench import Figures, main, scratch
from pty_session import PtySession, python

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

MEGABYTES_7 = 7_000_000
LONG, SHORT = DEMO_IDS[1], DEMO_IDS[2]
FIRST_PAINT_SECONDS, KEY_MS, GET_MB, GET_OUTPUT = 1.0, 20.0, 150.0, 200_000
_SIZES = ((80, 24), (160, 48))
_KEYS = ("j", "k") * 15 + ("0", "\x7f") * 15
_TEXT = "x" * MEGABYTES_7

KINDS: dict[str, Mapping[str, object]] = {
    "short": {},
    "one parameter": {"WorkflowParameters": f"bizdate=20260917 sql={_TEXT}"},
    "a JSON parameter": {"WorkflowParameters": json.dumps({"bizdate": "1", "sql": _TEXT})},
    "wide characters": {
        "WorkflowParameters": f"bizdate=20260917 sql={'数据' * (MEGABYTES_7 // 6)}"
    },
    "700,000 short lines": {"WorkflowParameters": "key=value\n" * (MEGABYTES_7 // 10)},
    "10,000 keys": {
        "WorkflowParameters": json.dumps({f"key{n}": f"value {n}" for n in range(10_000)})
    },
    "the name": {"Name": _TEXT},
    "a tag": {"Tags": [{"Key": "layer", "Value": _TEXT}]},
    "10,000 tags": {"Tags": [{"Key": f"key{n}", "Value": "value"} for n in range(10_000)]},
    "the owner": {"Owner": _TEXT},
    "the status": {"Status": _TEXT},
    "an unknown field": {"Extra": _TEXT},
}
"""What the service says of an instance that says more than usual."""


@contextmanager
def app(home: Path, env: Mapping[str, str], size: tuple[int, int]) -> Iterator[PtySession]:
    command = python("-m", "wfinspect", str(LONG), str(SHORT))
    with PtySession(command, home=home, env=env, size=size) as running:
        yield running


def seen(
    home: Path, env: Mapping[str, str], size: tuple[int, int]
) -> tuple[float, list[float], float]:
    """Seconds until the instance is shown, milliseconds that each key takes, and MB of memory."""
    begun = time.perf_counter()
    delays = []
    with app(home, env, size) as running:
        running.wait_for(r"^[\s\S]*\blive\b[\s\S]*Status  +\S", 60.0)
        shown = time.perf_counter() - begun
        running.read_for(1.5)
        for key in _KEYS:
            begun = time.perf_counter()
            running.press(key)
            assert running.read_some(20.0), f"{key} shows nothing"
            delays.append((time.perf_counter() - begun) * 1000)
            running.read_for(0.15)
        memory = psutil.Process(running.process.pid).memory_info().rss / 1e6
        running.press("ctrl+q")
        running.wait_exit(20.0)
    return shown, delays, memory


# The memory of a child counts that of the process it is forked from: one that is small, here.
_MEASURED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
    "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
)


def got(env: Mapping[str, str], *arguments: str) -> tuple[float, float, int]:
    """Seconds, MB of memory at most and bytes of output of `get`."""
    command = python("-c", _MEASURED, *python("-m", "wfinspect", "get", str(LONG), *arguments))
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, env=dict(env), check=True)
    return time.perf_counter() - begun, int(done.stderr) / 1000, len(done.stdout)


def tell(figures: Figures, names: tuple[str, ...] = ()) -> None:
    """Measure and print."""
    usual: dict[tuple[int, int], float] = {}
    for name in ("short", *(name for name in names or KINDS if name != "short")):
        for size in _SIZES:
            with scratch() as home, Simulator(clock=SystemClock()) as simulator:
                simulator.set_status(LONG, "Running")
                simulator.population.set_fields(LONG, KINDS[name])
                env = simulator.environment()
                shown, delays, memory = seen(home, env, size)
            key = statistics.quantiles(delays, n=10)[-1]
            usual.setdefault(size, key)
            what = f"{name}, {size[0]}x{size[1]}"
            figures.hold(f"{what}: first paint", shown, most=FIRST_PAINT_SECONDS, unit=" s")
            most = usual[size] + KEY_MS
            figures.hold(f"{what}: a key, p90", key, most=most, unit=" ms")
            figures.report(f"{what}: memory of the app", f"{memory:.0f} MB")
        with scratch() as home, Simulator(clock=SystemClock()) as simulator:
            simulator.population.set_fields(LONG, KINDS[name])
            base = {"PATH": os.environ["PATH"], "HOME": str(home)}
            for arguments in ((), ("-o", "json")):
                took, memory, size_of = got(base | simulator.environment(), *arguments)
                what = " ".join(["get", *arguments])
                figures.report(f"{name}: {what}", f"{took:.2f} s, {size_of:,} bytes")
                figures.hold(f"{name}: {what}: memory", memory, most=GET_MB, unit=" MB")
                if not arguments:
                    figures.hold(f"{name}: {what}: bytes printed", size_of, most=GET_OUTPUT)


if __name__ == "__main__":
    import sys

    main(lambda figures: tell(figures, tuple(sys.argv[1:])))
