import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drive import engine_of
from fakes import BINDING, START, ScriptedSource, instance, key, ms

from wfinspect.clock import SystemClock
from wfinspect.model import Target
from wfinspect.watching.api import Contact, Snapshot
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
def watcher(tmp_path: Path, source: ScriptedSource) -> Iterator[Poller]:
    made = new_watcher(tmp_path, source)
    yield made
    made.stop()


def new_watcher(tmp_path: Path, source: ScriptedSource) -> Poller:
    return Poller(
        engine_of(
            tmp_path / "state",
            source.connect,
            SystemClock(),
            BINDING,
            interval=2.0,
        )
    )


def test_what_is_asked_before_the_start_is_done_after_it(watcher: Poller) -> None:
    face = Face(watcher)
    watcher.display(key(1))
    watcher.watch([key(2), key(3)])
    assert not watcher.snapshot.rows
    watcher.start()
    seen = face.wait(lambda s: len(s.rows) == 3 and all(row.is_live for row in s.rows))
    assert [row.key for row in seen.rows] == [key(1), key(2), key(3)]
    assert face.threads == {"poller"}


def test_the_source_is_opened_on_the_pollers_thread(tmp_path: Path, source: ScriptedSource) -> None:
    names = []

    async def connect(target: Target, on_call: Callable[[], None]) -> ScriptedSource:
        names.append(threading.current_thread().name)
        return await source.connect(target, on_call)

    watcher = Poller(
        engine_of(
            tmp_path / "state",
            connect,
            SystemClock(),
            BINDING,
            interval=2.0,
        )
    )
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
    face.wait(lambda s: [row.key for row in s.rows] == [key(2)])
    watcher.restore()
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
    again = new_watcher(tmp_path, source)
    assert [row.key for row in again.snapshot.rows] == [key(1)]
    again.stop()


def test_it_stops_though_a_call_hangs_for_ever(tmp_path: Path, source: ScriptedSource) -> None:
    class Stuck(ScriptedSource):
        async def aclose(self) -> None:
            await released.wait()
            await super().aclose()

    released = asyncio.Event()
    stuck = Stuck()
    stuck.hangs = True
    watcher = new_watcher(tmp_path, stuck)
    watcher.watch([key(1)])
    watcher.start()
    face = Face(watcher)
    face.wait(lambda s: len(s.rows) == 1)
    watcher.stop()
    assert not stuck.is_closed
    again = new_watcher(tmp_path, source)
    assert [row.key for row in again.snapshot.rows] == [key(1)]
    again.stop()
    assert watcher._loop is not None
    watcher._loop.call_soon_threadsafe(released.set)
    assert watcher._thread is not None
    watcher._thread.join(DEADLINE)
    assert not watcher._thread.is_alive()


def test_stopping_twice_or_before_the_start_is_harmless(watcher: Poller) -> None:
    watcher.stop()
    watcher.stop()
    watcher.start()
    watcher.watch([key(1)])


def test_a_bug_in_a_round_is_named_and_the_watch_goes_on(
    watcher: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, failures = watcher._engine.step, [ZeroDivisionError("secret")]

    def fails_once() -> float | None:
        if failures:
            raise failures.pop()
        return step()

    monkeypatch.setattr(watcher._engine, "step", fails_once)
    face = Face(watcher)
    watcher.start()
    seen = face.wait(lambda s: s.health.trouble is not None)
    assert seen.health.trouble is not None
    assert seen.health.trouble.cause == "internal error"
    assert "secret" not in repr(seen)
    watcher.display(key(1))
    face.wait(lambda s: s.health.contact is Contact.LIVE)


def test_an_interruption_is_taken_back_though_nothing_else_has_changed(
    watcher: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfinspect.watching.poller._AFTER_A_CRASH_SECONDS", 0.1)
    face = Face(watcher)
    watcher.watch([key(1)])
    watcher.start()
    face.wait(lambda s: s.health.contact is Contact.LIVE and next(iter(s.rows)).is_live)
    step, failures = watcher._engine.step, [ZeroDivisionError()]

    def fails_once() -> float | None:
        if failures:
            raise failures.pop()
        return step()

    monkeypatch.setattr(watcher._engine, "step", fails_once)
    face.wait(lambda s: s.health.trouble is not None)
    face.wait(lambda s: s.health.trouble is None and s.health.contact is Contact.LIVE)


def test_a_poller_that_dies_is_named_and_goes_on_with_fresh_connections(
    watcher: Poller, source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, opened = [], []

    class Hurried(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append((timeout, watcher.snapshot.health.trouble))
            return super().wait(0.1)

    monkeypatch.setattr(watcher, "_stopping", Hurried())

    def kill() -> None:
        opened.append(len(source.calls))
        raise SystemExit(1)

    face = Face(watcher)
    watcher.watch([key(1), key(2)])
    watcher.start()
    face.wait(lambda s: len(s.rows) == 2 and all(row.is_live for row in s.rows))
    source.hangs = True
    watcher.refresh()
    watcher._intents.append(kill)
    watcher._wake_up()
    seen = face.wait(lambda s: s.health.trouble is not None)
    assert seen.health.trouble is not None
    assert "SystemExit" in seen.health.trouble.sentence
    source.hangs = False
    source.hold(instance(1, "Failure", modify_time=ms(START) + 1))
    watcher.refresh()
    face.wait(lambda s: s.health.contact is Contact.LIVE and bool(s.transitions))
    assert opened
    # Named before the pause, and gone on with in less than ten seconds.
    assert pauses == [(5.0, seen.health.trouble)]


def test_a_call_that_is_broken_off_is_made_again(watcher: Poller, source: ScriptedSource) -> None:
    face = Face(watcher)
    source.hangs = True
    watcher.watch([key(1)])
    watcher.start()
    face.wait(lambda s: len(s.rows) == 1)

    def break_off() -> None:
        for task in watcher._engine._calls._tasks:
            task.cancel()
        source.hangs = False

    while not source.calls:
        face.wait(lambda _: True)
    watcher._intents.append(break_off)
    watcher._wake_up()
    face.wait(lambda s: next(iter(s.rows)).is_live)


def test_nothing_counts_as_live_while_the_poller_hangs(
    tmp_path: Path, source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfinspect.watching.poller._STUCK_SECONDS", 0.1)
    monkeypatch.setattr("wfinspect.watching.poller._LONGEST_NAP_SECONDS", 0.05)
    watcher = new_watcher(tmp_path, source)
    face = Face(watcher)
    watcher.watch([key(1)])
    watcher.start()
    face.wait(lambda s: len(s.rows) == 1 and next(iter(s.rows)).is_live)
    released = threading.Event()
    watcher._intents.append(lambda: bool(released.wait(DEADLINE)))
    watcher._wake_up()
    seen = face.wait(lambda s: s.health.contact is Contact.NOT_LIVE)
    assert seen.health.trouble is not None
    assert seen.health.trouble.cause == "watch stuck"
    assert not next(iter(seen.rows)).is_live
    released.set()
    face.wait(lambda s: s.health.contact is Contact.LIVE and next(iter(s.rows)).is_live)
    watcher.stop()


def test_a_face_that_fails_does_not_stop_the_watch(watcher: Poller) -> None:
    def broken() -> None:
        raise RuntimeError("the screen is gone")

    watcher.subscribe(broken)
    face = Face(watcher)
    watcher.start()
    watcher.watch([key(1)])
    face.wait(lambda s: any(row.is_live for row in s.rows))


def test_importing_the_watch_imports_no_terminal_and_no_http() -> None:
    import subprocess
    import sys

    script = (
        "import sys, wfinspect.watching.poller;"
        "sys.exit(any(name in sys.modules for name in ('textual', 'rich', 'httpx', 'msgspec')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
