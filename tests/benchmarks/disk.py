"""A disk that fails, or a program that is killed, at each of the calls in which a store is written.

It needs strace, which makes the n-th call of a kind fail or be the last; n grows until there is none.
"""

import itertools
import subprocess
import sys
from pathlib import Path

from bench import Figures, main, scratch
from fakes import START
from kills import change_of, lost

from wfinspect.errors import StoreError
from wfinspect.watching.store import Store

SAVES = 2
FAULTS = [
    ("pwrite64", "error=EIO"),
    ("pwrite64", "error=ENOSPC"),
    ("pwrite64", "signal=SIGKILL"),
    ("fsync,fdatasync", "error=EIO"),
    ("fsync,fdatasync", "signal=SIGKILL"),
    ("unlink", "error=EIO"),
    ("unlink", "signal=SIGKILL"),
]


def write(state_dir: Path) -> None:
    """Save changes, each again until it is saved; anything but our own error is a crash."""
    store = Store(state_dir, lambda: START)
    for number in range(SAVES):
        line, changes = change_of("w", number)
        for _ in range(3):
            try:
                store.save(changes)
            except StoreError:
                continue
            sys.stdout.write(line)
            sys.stdout.flush()
            break


def faulty(state_dir: Path, calls: str, fault: str, number: int) -> tuple[bool, bool, list[bytes]]:
    """Write with the n-th call going wrong: whether there was such a call, a crash, and what was saved."""
    trace = state_dir.with_name("trace")
    inject = f"inject={calls}:{fault}:when={number}"
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}", "-e", inject]
    done = subprocess.run(
        [*command, sys.executable, __file__, str(state_dir)], check=False, capture_output=True
    )
    traced = trace.read_text()
    was_there = "INJECTED" in traced or "killed by SIGKILL" in traced
    is_crash = done.returncode != 0 and not ("SIGKILL" in fault and was_there)
    return was_there, is_crash, done.stdout.splitlines()


def tell(figures: Figures) -> None:
    """Let every call go wrong and print."""
    kinds, crashes, given_up, missing, damaged, few = 0, 0, 0, 0, 0, 0
    for calls, fault in FAULTS:
        for number in itertools.count(1):
            with scratch() as directory:
                state = directory / "state"
                was_there, is_crash, saved = faulty(state, calls, fault, number)
                gone, verdict, less = lost(state, saved)
            if not was_there:
                break
            kinds += 1
            crashes += is_crash
            given_up += "SIGKILL" not in fault and len(saved) < SAVES
            missing, damaged, few = missing + gone, damaged + (verdict != "ok"), few + less
        figures.say(f"{calls:16} {fault:16} at each of {number - 1:3} calls")
    figures.reach("calls that failed or were the last", kinds, least=100)
    figures.hold("crashes", crashes, most=0)
    figures.hold("not saved once the disk was well again", given_up, most=0)
    figures.hold("acknowledged and lost", missing, most=0)
    figures.hold("calls counted too few", few, most=0)
    figures.hold("damage", damaged, most=0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]))
    else:
        main(tell)
