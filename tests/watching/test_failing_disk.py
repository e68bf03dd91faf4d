"""A disk that is full at any place of any file: nothing saved is lost, and the watch goes on."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bench import scratch
from engine_rig import Rig, becomes, watching
from fakes import START, FakeClock, instance, key, listed

from wfinspect.errors import StoreError
from wfinspect.watching.store import Changes, Store

SIZES = range(0, 128 * 1024, 2048)


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with scratch() as directory:
        yield directory / "state"


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Let no write of this process go beyond so many bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rows(*numbers: int) -> Changes:
    made = (listed(key(n), float(n), START, instance(n), START) for n in numbers)
    return Changes(added={row.key: row for row in made})


def saved(store: Store) -> list[int]:
    return [row.key.id for row in store.rows()]


@pytest.mark.parametrize("is_new", [True, False], ids=["new file", "known file"])
def test_a_write_that_fails_anywhere_is_one_sentence_and_is_made_up_for(
    is_new: bool, state_dir: Path
) -> None:
    outcomes = set()
    for size in SIZES:
        store = Store(state_dir / str(size), FakeClock().now)
        before = [] if is_new else [1]
        if not is_new:
            store.save(rows(1))
        sentence = ""
        try:
            with files_end_at(size):
                store.save(rows(*range(2, 60)))
        except StoreError as error:
            sentence = str(error)
        outcomes.add("saving is tried again" in sentence)
        assert (saved(store) == before) is bool(sentence)
        store.save(rows(*range(2, 60)))
        assert saved(store) == [*before, *range(2, 60)]
        assert store.set_aside is None
        store.close()
    assert outcomes == {True, False}


@pytest.mark.parametrize("size", [0, 4096, 20_000])
async def test_the_watch_goes_on_while_the_disk_is_full_and_is_saved_afterwards(
    size: int, state_dir: Path
) -> None:
    rig = Rig(state_dir)
    await watching(rig, 1, *range(100, 140))
    with files_end_at(size):
        rig.source.calls.clear()
        for number in range(100, 140):
            becomes(rig, number, "Failure", workflow_parameters="x" * 1000)
        await rig.run(20.0)
        assert str(state_dir) in rig.snapshot.health.store_trouble
        await rig.run(100.0)
        assert 7 <= len(rig.source.calls) <= 9
        assert len([row for row in rig.snapshot.rows if row.is_unseen and row.is_live]) == 40
        assert "The watched list is saved again." not in rig.texts
    await rig.run(60.0)
    assert rig.snapshot.health.store_trouble == ""
    assert rig.texts.count("The watched list is saved again.") == 1
    stored = Rig(state_dir).snapshot
    assert len(stored.transitions) == 40
    assert [row.instance for row in stored.rows] == [row.instance for row in rig.snapshot.rows]
    await rig.engine.aclose()
