"""300 kill -9 among four processes that write one store: nothing that was acknowledged is lost."""

import itertools
import os
import random
import select
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from bench import Figures, main, scratch
from fakes import BINDING, START, instance, key, listed

from wfinspect.model import Transition
from wfinspect.watching.store import Changes, Store

KILLS, WRITERS = 300, 4
LONGEST_LIFE = 0.3
"""Seconds that a writer lives at most."""


def change_of(name: str, number: int) -> tuple[str, Changes]:
    """What is acknowledged of a change, and the change: a row, a reading, a transition and a call."""
    event, row = f"{name}-{number}", key(os.getpid() * 100_000 + number)
    change = Transition(row, event, "Running", "Failure", START, START, START, event=event)
    changes = Changes(transitions=[change])
    changes.added[row] = listed(row, float(number))
    changes.readings[row] = listed(
        row, 0.0, instance=instance(row.id, "Failure"), read_at=START, last_change=change
    )
    changes.calls[("prod-ops", "cn-shanghai"), START.date()] += 1
    return f"{event} {row.id}\n", changes


def write(state_dir: Path, name: str, acknowledge: Callable[[bytes], object]) -> None:
    """Save changes for ever."""
    store = Store(state_dir, lambda: START)
    for number in itertools.count():
        line, changes = change_of(name, number)
        store.save(changes)
        acknowledge(line.encode())


class Writer:
    """One of the processes, with everything it has acknowledged."""

    def __init__(self, state_dir: Path, name: str) -> None:
        self.reader, pipe = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                write(state_dir, name, lambda line: os.write(pipe, line))
            finally:
                os._exit(1)
        os.close(pipe)

    def kill(self) -> list[bytes]:
        """Kill it; gives the lines that it had acknowledged."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        said = b""
        while part := os.read(self.reader, 65_536):
            said += part
        os.close(self.reader)
        return said.split(b"\n")[:-1]


def rampage(state_dir: Path, kills: int, seed: int = 1) -> list[bytes]:
    """Kill writers at random moments, each followed by another one; gives what they acknowledged."""
    rng, acknowledged = random.Random(seed), list[bytes]()
    writers = [Writer(state_dir, f"first{n}") for n in range(WRITERS)]
    for number in range(kills):
        select.select([], [], [], rng.uniform(0.0, LONGEST_LIFE / WRITERS))
        place = rng.randrange(WRITERS)
        acknowledged += writers[place].kill()
        writers[place] = Writer(state_dir, f"w{number}")
    for writer in writers:
        acknowledged += writer.kill()
    return acknowledged


def lost(state_dir: Path, acknowledged: list[bytes]) -> tuple[int, str, int]:
    """How many acknowledged changes are not there; the file's verdict on itself; calls too few."""
    store = Store(state_dir, lambda: START)
    rows = {row.key.id: row for row in store.rows()}
    events = {change.name for change in store.transitions(sys.maxsize >> 1)}
    missing = 0
    for line in acknowledged:
        event, number = line.decode().split()
        row = rows.get(int(number))
        whole = row is not None and row.instance is not None and row.last_change is not None
        missing += not whole or event not in events
    few = len(acknowledged) - store.calls((BINDING.profile, BINDING.region), START.date())
    store.close()
    connection = sqlite3.connect(store.path)
    verdict = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    connection.close()
    return missing, verdict, max(0, few)


def tell(figures: Figures, kills: int = KILLS) -> None:
    """Kill, count and print."""
    with scratch(on_disk=True) as directory:
        acknowledged = rampage(directory / "state", kills)
        missing, verdict, few = lost(directory / "state", acknowledged)
    figures.say(f"{kills} kills, {WRITERS} writers; the file says of itself: {verdict}")
    figures.reach("changes acknowledged", len(acknowledged), least=kills)
    figures.hold("acknowledged and lost", missing, most=0)
    figures.hold("calls counted too few", few, most=0)
    figures.hold("damage", verdict != "ok", most=0)


if __name__ == "__main__":
    main(lambda figures: tell(figures, *map(int, sys.argv[1:])))
