import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drive import engine_of
from fakes import BINDING, START, ScriptedSource, instance, key, ms

from wfinspect.clock import SystemClock
from wfinspect.model import Target
from wfinspect.watching.api import Connect, Contact, Snapshot
from wfinspect.watching.engine import Engine
from wfinspect.watching.poller import Poller

DEADLINE = 60.0


class Face:
    """Waits for a snapshot it likes; sees what there was at the last ping."""

    def __init__(self, watcher: Poller) -> None:
        self.watcher = watcher
        self.pinged = threading.Condition()
        self.threads: set[str] = set()
        self.seen = watcher.snapshot
        watcher.subscribe(self.ping)

    def ping(self) -> None:
        with self.pinged:
            self.threads.add(threading.current_thread().name)
            self.seen = self.watcher.snapshot
            self.pinged.notify_all()

    def wait(self, is_it: Callable[[Snapshot], bool]) -> Snapshot:
        with self.pinged:
            assert self.pinged.wait_for(lambda: is_it(self.seen), DEADLINE)
            return self.seen


@pytest.fixture
def source() -> ScriptedSource:
    made = ScriptedSource()
    made.hold(*(instance(n) for n in range(1, 6)))
    return made


@pytest.fixture
def engine(tmp_path: Path, source: ScriptedSource) -> Engine:
    return new_engine(tmp_path, source.connect)


@pytest.fixture
def watcher(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Poller]:
    monkeypatch.setattr("wfinspect.watching.poller._AFTER_A_CRASH_SECONDS", 0.1)
    made = Poller(engine)
    yield made
    made.stop()


def new_engine(directory: Path, connect: Connect) -> Engine:
    return engine_of(directory / "state", connect, SystemClock(), BINDING, interval=2.0)


@contextmanager
def next_step(engine: Engine, act: Callable[[], object]) -> Iterator[None]:
    """Have the engine do something in place of its next step."""
    with pytest.MonkeyPatch.context() as patched:

        def step() -> float:
            patched.undo()
            act()
            return 0.0

        patched.setattr(engine, "step", step)
        yield


def fails(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def test_what_is_asked_before_the_start_is_done_after_it(watcher: Poller) -> None:
    face = Face(watcher)
    watcher.display(key(1))
    watcher.watch([key(2), key(3)])
    assert not watcher.snapshot.rows
    assert (watcher.snapshot.intents_done, watcher.intents) == (0, 2)
    watcher.start()
    seen = face.wait(lambda s: len(s.rows) == 3 and all(row.is_live for row in s.rows))
    assert (seen.intents_done, watcher.intents) == (2, 2)
    assert [row.key for row in seen.rows] == [key(1), key(2), key(3)]
    assert face.threads == {"poller"}


def test_the_source_is_opened_on_the_pollers_thread(tmp_path: Path, source: ScriptedSource) -> None:
    names = []

    async def connect(target: Target, on_call: Callable[[], None]) -> ScriptedSource:
        names.append(threading.current_thread().name)
        return await source.connect(target, on_call)

    watcher = Poller(new_engine(tmp_path, connect))
    face = Face(watcher)
    watcher.display(key(1))
    assert names == []
    watcher.start()
    face.wait(lambda s: s.health.contact is Contact.LIVE)
    watcher.stop()
    assert names == ["poller"]


def test_every_intent_has_its_effect(watcher: Poller) -> None:
    face = Face(watcher)
    watcher.start()
    watcher.watch([key(1), key(2)])
    face.wait(lambda s: len(s.rows) == 2)
    watcher.unwatch([key(1)])
    removed = face.wait(lambda s: [row.key for row in s.rows] == [key(2)])
    assert removed.intents_done == watcher.intents == 2
    watcher.undo()
    face.wait(lambda s: [row.key for row in s.rows] == [key(1), key(2)])
    watcher.set_paused(paused=True)
    face.wait(lambda s: s.health.contact is Contact.PAUSED)
    watcher.set_paused(paused=False)
    watcher.set_interval(30.0)
    face.wait(lambda s: s.health.interval_seconds == 30.0)
    watcher.mark_seen()
    watcher.refresh()
    watcher.touch()
    watcher.display(None)
    face.wait(lambda s: s.health.contact is Contact.LIVE)


def test_what_was_asked_last_is_saved_when_it_stops(
    tmp_path: Path, watcher: Poller, source: ScriptedSource
) -> None:
    face = Face(watcher)
    watcher.start()
    watcher.display(key(1))
    face.wait(lambda s: s.health.contact is Contact.LIVE)
    watcher.watch([key(1)])
    watcher.stop()
    assert source.is_closed
    again = Poller(new_engine(tmp_path, source.connect))
    assert [row.key for row in again.snapshot.rows] == [key(1)]
    again.stop()


def test_it_stops_though_a_call_hangs_for_ever(tmp_path: Path, source: ScriptedSource) -> None:
    class Stuck(ScriptedSource):
        async def aclose(self) -> None:
            await asyncio.to_thread(released.wait)
            await super().aclose()

    released = threading.Event()
    stuck = Stuck()
    stuck.hangs = True
    watcher = Poller(new_engine(tmp_path, stuck.connect))
    watcher.watch([key(1)])
    watcher.start()
    face = Face(watcher)
    face.wait(lambda s: len(s.rows) == 1)
    watcher.stop()
    assert not stuck.is_closed
    again = Poller(new_engine(tmp_path, source.connect))
    assert [row.key for row in again.snapshot.rows] == [key(1)]
    again.stop()
    released.set()
    for thread in threading.enumerate():
        if thread.name == "poller":
            thread.join(DEADLINE)
            assert not thread.is_alive()


def test_stopping_twice_or_before_the_start_is_harmless(watcher: Poller) -> None:
    watcher.stop()
    watcher.stop()
    watcher.start()
    watcher.watch([key(1)])


def test_a_bug_in_a_round_is_named_and_the_watch_goes_on(watcher: Poller, engine: Engine) -> None:
    face = Face(watcher)
    with next_step(engine, fails(ZeroDivisionError("secret"))):
        watcher.start()
        seen = face.wait(lambda s: s.health.trouble is not None)
    assert seen.health.trouble is not None
    assert seen.health.trouble.cause == "internal error"
    assert "secret" not in repr(seen)
    watcher.display(key(1))
    face.wait(lambda s: s.health.contact is Contact.LIVE)


def test_an_interruption_is_taken_back_though_nothing_else_has_changed(
    watcher: Poller, engine: Engine
) -> None:
    face = Face(watcher)
    watcher.watch([key(1)])
    watcher.start()
    face.wait(lambda s: s.health.contact is Contact.LIVE and next(iter(s.rows)).is_live)
    with next_step(engine, fails(ZeroDivisionError())):
        face.wait(lambda s: s.health.trouble is not None)
    face.wait(lambda s: s.health.trouble is None and s.health.contact is Contact.LIVE)


def test_a_poller_that_dies_is_named_and_goes_on_with_fresh_connections(
    watcher: Poller, engine: Engine, source: ScriptedSource
) -> None:
    face = Face(watcher)
    watcher.watch([key(1), key(2)])
    watcher.start()
    face.wait(lambda s: len(s.rows) == 2 and all(row.is_live for row in s.rows))
    source.hangs = True
    watcher.refresh()
    with next_step(engine, fails(SystemExit(1))):
        seen = face.wait(lambda s: s.health.trouble is not None)
    assert seen.health.trouble is not None
    assert "SystemExit" in seen.health.trouble.sentence
    source.hangs = False
    source.hold(instance(1, "Failure", modify_time=ms(START) + 1))
    watcher.refresh()
    face.wait(lambda s: s.health.contact is Contact.LIVE and bool(s.transitions))


def test_a_call_that_is_broken_off_is_made_again(watcher: Poller, source: ScriptedSource) -> None:
    face = Face(watcher)
    source.errors.append(asyncio.CancelledError())
    watcher.watch([key(1)])
    watcher.start()
    face.wait(lambda s: any(row.is_live for row in s.rows))
    assert not source.errors


def test_nothing_counts_as_live_while_the_poller_hangs(
    watcher: Poller, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfinspect.watching.poller._STUCK_SECONDS", 0.1)
    monkeypatch.setattr("wfinspect.watching.poller._LONGEST_NAP_SECONDS", 0.05)
    face = Face(watcher)
    watcher.watch([key(1)])
    watcher.start()
    face.wait(lambda s: len(s.rows) == 1 and next(iter(s.rows)).is_live)
    released = threading.Event()
    with next_step(engine, lambda: released.wait(DEADLINE)):
        seen = face.wait(lambda s: s.health.contact is Contact.NOT_LIVE)
    assert seen.health.trouble is not None
    assert seen.health.trouble.cause == "watch stuck"
    assert not next(iter(seen.rows)).is_live
    released.set()
    face.wait(lambda s: s.health.contact is Contact.LIVE and next(iter(s.rows)).is_live)


def test_a_face_that_fails_does_not_stop_the_watch(watcher: Poller) -> None:
    def broken() -> None:
        raise RuntimeError("the screen is gone")

    watcher.subscribe(broken)
    face = Face(watcher)
    watcher.start()
    watcher.watch([key(1)])
    face.wait(lambda s: any(row.is_live for row in s.rows))
