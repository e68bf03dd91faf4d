"""A stored list that was damaged: it is survived in time, and not a byte of it is lost."""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import BINDING, START, FakeClock, instance, key, listed
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.clock import SystemClock
from wfinspect.errors import StoreError
from wfinspect.model import Transition
from wfinspect.settings import DATABASE
from wfinspect.watching.store import Changes, Store

GIBIBYTE = 2**30


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a list with a history."""
    directory = tmp_path_factory.mktemp("sound") / "state"
    at = START + timedelta(minutes=1)
    rows = [listed(key(n), n, START, instance(n), START) for n in range(1, 20)]
    changes = Changes(added={row.key: row for row in rows})
    for number in range(1, 20):
        changes.transitions.append(
            Transition(key(number), "dwd_trade", "Running", "Failure", at, START, at)
        )
    with closing(Store(directory, lambda: at)) as store:
        store.save(changes)
    return (directory / DATABASE).read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
    directory = memory if memory.is_dir() else tmp_path_factory.mktemp("memory")
    made = directory / f"wfinspect-{tmp_path_factory.getbasetemp().name}-{id(directory)}"
    made.mkdir(mode=0o700)
    yield made
    shutil.rmtree(made)


def survive(directory: Path, data: bytes) -> None:
    """Use a file of these bytes as a start and a round do; all of them have to be there afterwards."""
    for old in directory.iterdir():
        old.unlink()
    (directory / DATABASE).write_bytes(data)
    at = START + timedelta(minutes=2)
    row = listed(key(77), 77.0, at)
    read, said = b"", ""
    with closing(Store(directory, FakeClock().now)) as store:
        try:
            store.rows()
            store.transitions(99)
            store.calls(BINDING.account, at.date())
            read = (directory / DATABASE).read_bytes()
            store.save(Changes(added={row.key: row}))
            assert row.key in [each.key for each in store.rows()]
        except StoreError as error:
            said = str(error)
    assert said.isprintable()
    assert data in {read, *(path.read_bytes() for path in directory.iterdir())}


@tried(60, 20_000)
@given(data=st.data())
def test_flipped_bits_are_survived_and_kept(sound: bytes, place: Path, data: st.DataObject) -> None:
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        # Half of them in the pages' heads, where they hurt most.
        at = data.draw(st.integers(0, len(sound) - 1) | st.integers(0, 120))
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    survive(place, bytes(damaged))


@pytest.mark.parametrize("stride", [997, pytest.param(1, marks=pytest.mark.battery)])
def test_a_file_cut_short_anywhere_is_survived_and_kept(
    sound: bytes, place: Path, stride: int
) -> None:
    # SQLite takes a single byte for a file that was just begun.
    for length in range(2, len(sound), stride):
        survive(place, sound[:length])


@pytest.mark.battery
@pytest.mark.parametrize("is_sound", [True, False])
def test_a_file_of_a_gibibyte_costs_no_more_than_two_seconds_of_a_start(
    sound: bytes, is_sound: bool, tmp_path: Path
) -> None:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    with (directory / DATABASE).open("wb") as file:
        file.write(sound if is_sound else b"no database")
        file.truncate(GIBIBYTE)
    clock = SystemClock()

    before = time.process_time()
    with closing(Store(directory, clock.now)) as store:
        rows = store.rows()
        kept = store.set_aside or store.path
    assert time.process_time() - before < 2.0

    assert bool(rows) is is_sound
    assert kept.stat().st_size == GIBIBYTE
