"""The real app over many watched instances: CPU, keys, memory and writes, by their number.

The app runs in a pseudo-terminal over the real store and HTTP client; the service is a simulator in
a third process. Each hundred of instances shares a List, and the interval is 15 seconds or so much
less that two calls go out in each second: calls carry the same, and are as many, at any number. All
instances run, and one changes every two seconds. CPU is that of the app's process by its own clock,
so that other load hardly matters; the latency of keys needs a quiet machine, so that the CPU of a key is
printed with it. Calls until IDs are placed, and how the CPU of a call grows in one group, before IDs are
placed, in an outage and with a short budget, are of the engine and store over a scripted service.

``scale.py [--counts 1000,10000] [--seconds 60]``; writes are counted by strace where there is one.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psutil
from bench import Figures, scratch
from drive import engine_of
from fakes import START, FakeClock, ScriptedSource, instance
from pty_session import PtySession, python

from wfinspect.clock import SystemClock
from wfinspect.dataworks.decoding import decode_instance
from wfinspect.errors import Unreachable
from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.simulator import Simulator
from wfinspect.watching.api import Row
from wfinspect.watching.store import Changes, Store

COUNTS = (1_000, 2_500, 10_000, 20_000)
BY_HEART = 10_000
"""The number of which the limits of design.md speak."""
CALLS_A_SECOND = 2
KEYS = 200
CHANGE_EVERY_SECONDS = 2.0
HERE = Path(__file__)


class Measured(NamedTuple):
    """What one number of instances costs."""

    cpu: float
    """The part of a core that the app takes."""
    call_ms: float
    """CPU of the app for each call."""
    key_ms: float
    """95 of 100 keys take less, by the clock on the wall."""
    key_cpu_ms: float
    """CPU of the app from a key to the first byte, on average, polls in that time included."""
    rss_mb: float


def serve(state_dir: Path, count: int) -> None:
    """Be the service: obeys lines on standard input, and answers each with a line of JSON."""
    clock = SystemClock()
    with Simulator(clock=clock, extra=count) as service:
        ids = service.ids[-count:]
        for each in ids:
            service.set_status(each, "Running")
        target = Target("(env)", "cn-shanghai", service.url)
        _store(service, target, ids, state_dir)
        is_still, is_over = threading.Event(), threading.Event()

        def change() -> None:
            turn = 0
            while not is_over.wait(CHANGE_EVERY_SECONDS):
                if not is_still.is_set():
                    which = ids[turn * 7919 % count]
                    service.set_status(which, "Checking" if turn // count % 2 == 0 else "Running")
                    turn += 1

        threading.Thread(target=change, daemon=True).start()
        print(json.dumps(service.environment()), flush=True)
        for line in sys.stdin:
            if line.strip() == "still":
                is_still.set()
            print(json.dumps(service.calls.count()), flush=True)
        is_over.set()


def _store(service: Simulator, target: Target, ids: tuple[int, ...], state_dir: Path) -> None:
    """Write the watched list as a former start left it."""
    now = datetime.now(UTC)
    changes = Changes()
    for place, record in enumerate(service.population.records(ids, now)):
        number = InstanceId(int(str(record["Id"])))
        answer = json.dumps({"WorkflowInstance": record}, separators=(",", ":")).encode()
        instance = decode_instance(answer, number)
        key = InstanceKey(target, instance.id)
        changes.added[key] = Row(
            key,
            instance,
            now - timedelta(minutes=5),
            is_watched=True,
            position=float(place),
            added_at=now,
        )
    store = Store(state_dir, clock_now)
    store.save(changes)
    store.close()


def clock_now() -> datetime:
    return datetime.now(UTC)


class Service:
    """The service in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.environment: dict[str, str] = self._answer()

    def calls(self) -> int:
        """How many have arrived."""
        return int(self._ask("calls"))

    def stand_still(self) -> None:
        """Let nothing change any more."""
        self._ask("still")

    def _ask(self, order: str) -> Any:  # noqa: ANN401 - JSON
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - JSON
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextlib.contextmanager
def serving(state_dir: Path, count: int) -> Iterator[Service]:
    path = os.pathsep.join([str(HERE.parent), str(HERE.parents[1] / "support")])
    with subprocess.Popen(
        python(str(HERE), "--serve", str(state_dir), "--counts", str(count)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        try:
            yield Service(process)
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process, to the nanosecond; see CPUCLOCK_SCHED in linux/posix-timers.h."""
    return time.clock_gettime((~pid << 3) | 2)


@contextlib.contextmanager
def app(home: Path, service: Service, state_dir: Path, count: int) -> Iterator[PtySession]:
    interval = min(15.0, count / 100 / CALLS_A_SECOND)
    command = python(
        "-m", "wfinspect", "--state-dir", str(state_dir), "--interval", f"{interval:g}",
        "--budget", "10000000", "--no-low-bandwidth",
    )  # fmt: skip
    with PtySession(command, home=home, env=service.environment) as running:
        running.wait_for(r"WATCHED|NAME", 60.0)
        yield running
        running.press("ctrl+q")
        running.wait_exit()


def measure(count: int, seconds: float, figures: Figures) -> Measured:
    """Run the app over a number of instances, after a round that reads each once."""
    with tempfile.TemporaryDirectory() as made:
        home, state_dir = Path(made), Path(made) / "state"
        with serving(state_dir, count) as service, app(home, service, state_dir, count) as running:
            pid = running.process.pid
            running.read_for(count / 100 / CALLS_A_SECOND + 15.0)
            calls, used, begun = service.calls(), cpu_seconds(pid), time.monotonic()
            running.read_for(seconds)
            took = time.monotonic() - begun
            used, calls = cpu_seconds(pid) - used, service.calls() - calls
            delays, key_cpu = [], 0.0
            for number in range(KEYS):
                pressed, before = time.perf_counter(), cpu_seconds(pid)
                running.press("down" if number % 40 < 20 else "up")
                running.read_some(2.0)
                delays.append(time.perf_counter() - pressed)
                key_cpu += cpu_seconds(pid) - before
                running.read_for(0.06)
            rss = psutil.Process(pid).memory_info().rss / 2**20
            if count == COUNTS[0]:
                _writes(pid, running, service, count, figures)
    key_ms = statistics.quantiles(delays, n=20)[-1] * 1000
    key_cpu_ms = key_cpu / KEYS * 1000
    found = Measured(used / took, used / max(1, calls) * 1000, key_ms, key_cpu_ms, rss)
    figures.report(
        f"{count:,} watched: {calls} calls in {took:.0f} s; CPU; CPU a call",
        f"{found.cpu:.1%}; {found.call_ms:.1f} ms",
    )
    figures.report(
        f"{count:,} watched: key to first byte, p95; its CPU; RSS",
        f"{key_ms:.0f} ms; {key_cpu_ms:.1f} ms; {rss:.0f} MB",
    )
    return found


def _writes(pid: int, running: PtySession, service: Service, count: int, figures: Figures) -> None:
    """Count the fdatasyncs of a round in which nothing changes."""
    strace = shutil.which("strace")
    if strace is None:
        figures.report("fdatasyncs in a round with nothing new", "no strace here")
        return
    service.stand_still()
    round_seconds = max(15.0, count / 100 / CALLS_A_SECOND) + 5.0
    running.read_for(round_seconds)
    with tempfile.NamedTemporaryFile("r") as log:
        tracer = subprocess.Popen(
            [strace, "-f", "-e", "trace=fdatasync,fsync", "-o", log.name, "-p", str(pid)],
            stderr=subprocess.DEVNULL,
        )
        calls = service.calls()
        running.read_for(round_seconds)
        calls = service.calls() - calls
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        found = len(re.findall(r"\bf(?:data)?sync\(", log.read()))
    what = f"fdatasyncs in {round_seconds:.0f} s with nothing new ({calls} calls); 4 are a commit"
    figures.hold(what, found, most=4)


def watching(figures: Figures, count: int = 20_000) -> None:
    """The time to put many new IDs on the list, in the engine alone."""
    with tempfile.TemporaryDirectory() as made:
        clock = FakeClock()
        source = ScriptedSource(clock)
        engine = engine_of(Path(made), source.connect, clock)
        keys = [InstanceKey(engine.target, InstanceId(n)) for n in range(1, count + 1)]
        used = time.process_time()
        engine.watch(keys)
        used = time.process_time() - used
    figures.hold(f"watch() of {count:,} new IDs: CPU", used, most=0.5, unit=" s")


PARTITIONS = {
    "1,000 new IDs in 10 groups of neighbours": ([n // 100 for n in range(1000)], 25),
    "1,000 in 250": (Random(1).choices(range(250), k=1000), 1200),
    "1,000 in 250 of neighbours": ([n // 4 for n in range(1000)], 1200),
    "5,000 in 2,000 of neighbours": ([n * 2 // 5 for n in range(5000)], 6000),
    "100 in 1": ([0] * 100, 2),
    "100 that share nothing": (list(range(100)), 120),
}
"""Of each: the groups of the IDs, and the calls that may be made until all are read."""


async def placed(partition: Sequence[int]) -> int:
    """Return the calls of an engine until every ID is read."""
    clock = FakeClock()
    source = ScriptedSource(clock)
    numbers = range(1, len(partition) + 1)
    source.hold(
        *(instance(n, project_id=group) for n, group in zip(numbers, partition, strict=True))
    )
    with scratch() as directory:
        engine = engine_of(directory, source.connect, clock, budget=10**7, interval=10.0**6)
        engine.watch([InstanceKey(engine.target, InstanceId(n)) for n in numbers])
        is_done = False
        while not is_done:
            next_in = engine.step()
            is_done = all(row.instance for row in engine.snapshot.rows)
            if not engine.in_flight:
                clock.advance(next_in or 0.1)
            while engine.in_flight:  # noqa: ASYNC110 - the service answers in this loop
                await asyncio.sleep(0)
        await engine.aclose()
    return len(source.calls)


def placing(figures: Figures) -> None:
    """Count the calls until new IDs are read, in the engine over a scripted service."""
    for what, (partition, most) in PARTITIONS.items():
        figures.hold(f"{what}: calls", asyncio.run(placed(partition)), most=most)
    with tempfile.TemporaryDirectory() as made, serving(Path(made) / "state", 1_000) as service:
        command = python("-m", "wfinspect", "watch", "--timeout", "10", "--interval", "60")
        where = ("--state-dir", str(Path(made) / "state"))
        environment = os.environ | service.environment | {"HOME": made}
        subprocess.run([*command, *where], env=environment, capture_output=True, check=False)
        calls = service.calls()
    figures.hold("`watch` of a stored list, 1,000 in 10 groups: calls a round", calls, most=10)


CALLS_TO_LOSE = 30
"""So many fail, and more, before contact is lost."""
GROWN = (2_000, 16_000)
TURNS = 3
"""The two are measured in turns, and figures are medians."""
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "100 a group": (100, {}),
    "one group": (10**6, {}),
    "thousands not placed yet": (1, {"is_new": True}),
    "an outage": (100, {"is_out": True}),
    "a short budget": (100, {"budget": 500}),
}
"""Of each: the instances of a group, and what else is so."""


async def step_ms(
    count: int, of_group: int, *, is_new: bool = False, is_out: bool = False, budget: int = 10**7
) -> float:
    """Return the CPU of the engine for each call, in milliseconds."""
    clock = FakeClock()
    source = ScriptedSource(clock)
    source.hold(*(instance(n, project_id=1 + (n - 1) // of_group) for n in range(1, count + 1)))
    with scratch() as directory:
        engine = engine_of(directory, source.connect, clock, budget=budget)
        keys = [InstanceKey(engine.target, InstanceId(n)) for n in source.held]
        if not is_new:
            changes = Changes()
            for place, key in enumerate(keys):
                changes.added[key] = Row(
                    key, source.held[key.id], START, is_watched=True, position=float(place)
                )
            await engine.aclose()
            store = Store(directory, clock.now)
            store.save(changes)
            store.close()
            engine = engine_of(directory, source.connect, clock, budget=budget)
        else:
            engine.watch(keys)
        # All rows are touched by the first step, by the first round and by the loss of contact.
        warm, most = (20, 100) if is_new or budget < count else (count // 100 + 40, 100)
        used = begun = 0.0
        calls = 0
        while calls < warm + most:
            if calls >= warm - CALLS_TO_LOSE and is_out:
                source.error = Unreachable("The line is cut.")
            before, begun = len(source.calls), time.process_time()
            next_in = engine.step()
            if calls >= warm:
                used += time.process_time() - begun
            while engine.in_flight:  # noqa: ASYNC110 - the service answers in this loop
                await asyncio.sleep(0)
            calls += len(source.calls) - before
            clock.advance(max(next_in or 0.0, 0.5 if len(source.calls) == before else 0.0))
        await engine.aclose()
    return used / most * 1000


def growing(figures: Figures) -> None:
    """Say how the engine's CPU for each call grows with the number of instances, case by case."""
    least, most = GROWN
    for what, (of_group, more) in CASES.items():
        pairs = [
            [asyncio.run(step_ms(count, of_group, **more)) for count in GROWN] for _ in range(TURNS)
        ]
        few, many = map(statistics.median, zip(*pairs, strict=True))
        ratio = statistics.median(after / before for before, after in pairs)
        exponent = math.log(ratio) / math.log(most / least)
        figures.report(f"{what}: CPU a call of {least:,}; {most:,}", f"{few:.2f}; {many:.2f} ms")
        figures.hold(f"{what}: s in CPU a call ~ N^s", exponent, most=0.1)


def tell(figures: Figures, counts: tuple[int, ...] = COUNTS, seconds: float = 60.0) -> None:
    """Measure and print."""
    figures.say(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    watching(figures)
    placing(figures)
    growing(figures)
    found = {count: measure(count, seconds, figures) for count in counts}
    if BY_HEART in found:
        each, what = found[BY_HEART], f"{BY_HEART:,} watched, interval 15"
        figures.hold(f"{what}: CPU of the app, %", each.cpu * 100, most=5.0)
        figures.hold(f"{what}: key to first byte, p95", each.key_ms, most=40.0, unit=" ms")
        figures.hold(f"{what}: RSS", each.rss_mb, most=80.0, unit=" MB")
    if len(found) > 1:
        least, most = min(found), max(found)
        exponent = math.log(found[most].call_ms / found[least].call_ms) / math.log(most / least)
        what = f"CPU a call ~ N^s, {least:,} to {most:,}: s"
        figures.hold(what, exponent, most=0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), metavar="N,N")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    counts = tuple(map(int, args.counts.split(",")))
    if args.serve is not None:
        serve(args.serve, counts[0])
        return
    figures = Figures()
    tell(figures, counts, args.seconds)
    figures.end()


if __name__ == "__main__":
    main()
