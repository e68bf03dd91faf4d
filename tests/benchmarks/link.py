"""A network that goes down and comes back under a real watch, in a network namespace of its own.

Needs the right to make one (`unshare -rn`); what is taken down is its loopback interface.
"""

import asyncio
import contextlib
import subprocess
import sys
import threading
from pathlib import Path
from shutil import which

from bench import Figures, main, scratch
from faults import INTERVAL, Kind, Trial, start, until
from raw_server import make_certificate
from toxics import hang

from wfinspect.clock import SystemClock
from wfinspect.errors import Unreachable

OUTAGES = (5.0, 20.0, 40.0)
"""Seconds."""
WATCHES = ("first", "second", "the third", "the fourth one")
"""Names of different lengths: each seeds a rhythm of its own."""
INSIDE = "--inside"


def set_link(state: str) -> None:
    """Bring the loopback up or down."""
    subprocess.run([which("ip") or "ip", "link", "set", "lo", state], check=True)


async def main_async(figures: Figures, directory: Path) -> None:
    """Go through the outages with a few watches, end them in the last, and print what came of each."""
    clock, worst = SystemClock(), 0.0
    certificate = make_certificate(directory, "127.0.0.1")
    async with contextlib.AsyncExitStack() as stack:
        trials, watchers = [], []
        for name in WATCHES:
            kind = Kind(name, hang, Unreachable)
            trial = await start(kind, certificate, certificate[0], directory / name, stack)
            assert trial.watcher is not None
            trials.append(trial)
            watchers.append(trial.watcher)
        await until(lambda: all(trial.good_at for trial in trials), INTERVAL)
        threads = threading.active_count()
        for seconds in OUTAGES:
            set_link("down")
            await asyncio.sleep(seconds)
            set_link("up")
            back = sorted(await seconds_until_good(trials, clock))
            told = ", ".join(f"{each:.1f}" for each in back)
            figures.say(f"down for {seconds:2.0f} s: back after {told} s")
            worst = max(worst, back[-1])
        figures.hold("seconds until the first good poll", worst, most=INTERVAL + 5.0)
        failed = [len(trial.errors) for trial in trials]
        figures.reach("failed calls of each watch", min(failed), least=2)
        figures.hold("threads more", threading.active_count() - threads, most=1)
        changes = sum(len(watcher.snapshot.transitions) for watcher in watchers)
        figures.hold("changes told", changes, most=0)
        set_link("down")
        await asyncio.sleep(INTERVAL)
        before = clock.monotonic()
        await asyncio.gather(*(asyncio.to_thread(watcher.stop) for watcher in watchers))
        figures.hold("seconds to stop while it is down", clock.monotonic() - before, most=1.0)
        set_link("up")


async def seconds_until_good(trials: list[Trial], clock: SystemClock) -> list[float]:
    """How long from now on until a call of each succeeds; infinite if none does in time."""
    began, good = clock.monotonic(), dict.fromkeys(range(len(trials)), float("inf"))

    def are_back() -> bool:
        for number, trial in enumerate(trials):
            if trial.good_at[-1] > began:
                good[number] = min(good[number], trial.good_at[-1] - began)
        return max(good.values()) < float("inf")

    await until(are_back, 2 * INTERVAL + 10.0)
    return list(good.values())


def tell(figures: Figures) -> None:
    """Go through it and print."""
    set_link("up")
    with scratch() as directory:
        asyncio.run(main_async(figures, directory))


if __name__ == "__main__":
    if INSIDE in sys.argv:
        main(tell)
    inside = [which("unshare") or "unshare", "-rn", sys.executable, __file__, INSIDE]
    sys.exit(subprocess.run(inside, check=False).returncode)
