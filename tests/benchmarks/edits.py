"""Eight processes that add to and remove from one watched list at once: no edit is lost, and a watch sees them."""

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import Figures, main, scratch
from drive import engine_of
from fakes import BINDING, START, ScriptedSource, key, listed

from wfinspect.clock import SystemClock
from wfinspect.errors import StoreError
from wfinspect.model import InstanceKey
from wfinspect.watching.poller import Poller
from wfinspect.watching.store import Changes, Store

PROCESSES, EDITS = 8, 500
CONTESTED = 40
"""Each adds and removes among this many of its own, and takes off one that was there before."""


def edits(process: int, count: int) -> Iterator[tuple[InstanceKey, bool]]:
    """What a process does: each instance, and whether it is put on the list or taken off."""
    rng = random.Random(process)
    yield key(process + 1), False
    for _ in range(count - 1):
        yield key(1000 * (process + 1) + rng.randrange(CONTESTED)), rng.random() < 0.6


def edit(state_dir: Path, process: int, count: int) -> int:
    """Do them, each until it is saved; gives how often the file was locked for too long."""
    store, refused = Store(state_dir, lambda: START), 0
    for each, is_added in edits(process, count):
        changes = Changes()
        if is_added:
            changes.added[each] = listed(each, float(each.id))
        else:
            changes.remove(each)
        while True:
            try:
                store.save(changes)
            except StoreError:
                refused += 1
            else:
                break
    store.close()
    return refused


def seconds_to_see(store: Store, state_dir: Path) -> float:
    """From an edit that is saved to a running watch that shows it: the worst of five."""
    source = ScriptedSource()
    source.hangs = True
    engine = engine_of(
        state_dir,
        source.connect,
        SystemClock(),
        BINDING,
    )
    watcher, worst = Poller(engine), 0.0
    watcher.start()
    for number in range(900_001, 900_006):
        store.save(Changes(added={key(number): listed(key(number), float(number))}))
        begun = time.perf_counter()
        while watcher.snapshot.rows.get(key(number)) is None and worst < 60.0:
            time.sleep(0.02)
            worst = max(worst, time.perf_counter() - begun)
    watcher.stop()
    return worst


def tell(figures: Figures, count: int = EDITS) -> None:
    """Edit, compare with what should be there, and print."""
    expected = set()
    for process in range(PROCESSES):
        for each, is_added in edits(process, count):
            (expected.add if is_added else expected.discard)(each)
    with scratch(on_disk=True) as directory:
        state_dir = directory / "state"
        store = Store(state_dir, lambda: START)
        before = [key(process + 1) for process in range(PROCESSES)]
        store.save(Changes(added={each: listed(each, float(each.id)) for each in before}))
        store.close()
        begun, refused, crashes = time.perf_counter(), 0, 0
        pids = []
        for process in range(PROCESSES):
            pids.append(os.fork())
            if pids[-1] == 0:
                code = 255
                try:
                    code = min(254, edit(state_dir, process, count))
                finally:
                    os._exit(code)
        for pid in pids:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            refused, crashes = refused + code % 255, crashes + (code == 255 or code < 0)
        took = time.perf_counter() - begun
        found = {row.key for row in store.rows()}
        # It looks every five seconds, which the short run has no time for.
        seen = seconds_to_see(store, state_dir) if count == EDITS else 0.0
        store.close()
    figures.say(f"{PROCESSES} processes, {count} edits each, {took:.1f} s")
    figures.report("edits that found the file locked for 2 s, and were saved later", f"{refused}")
    figures.reach("rows at the end", len(expected), least=PROCESSES)
    figures.hold("edits lost, or undone by another process", len(expected ^ found), most=0)
    figures.hold("crashes", crashes, most=0)
    if count == EDITS:
        figures.hold("until a running watch shows an edit of another", seen, most=6, unit=" s")


if __name__ == "__main__":
    main(lambda figures: tell(figures, *map(int, sys.argv[1:])))
