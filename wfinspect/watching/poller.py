"""The thread that polls, and what is shown while it is held up by an error or hangs."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Concatenate, ParamSpec

from wfinspect.errors import starvation
from wfinspect.watching.api import Contact, Rows, Snapshot, Trouble, equal_but_for_ages
from wfinspect.watching.engine import Engine


def interrupted(
    snapshot: Snapshot, error: BaseException, at: datetime, pause_seconds: float
) -> Snapshot:
    """Return the last snapshot of a watch that an unforeseen error holds up for some seconds."""
    retry_at = at + timedelta(seconds=pause_seconds)
    if refused := starvation(error):
        sentence = f"{refused[0].upper()}{refused[1:]}. The watch goes on as soon as it can."
        return _not_live(snapshot, Trouble("too few resources", sentence, retry_at))
    sentence = (
        f"An internal error ({type(error).__name__}) stopped a round of the watch; it is in the "
        "log, and the watch goes on."
    )
    return _not_live(snapshot, Trouble("internal error", sentence, retry_at))


def stuck(snapshot: Snapshot) -> Snapshot:
    """Return the last snapshot of a watch that hangs: nothing of it counts as the present."""
    sentence = (
        "No round of the watch has begun for a while: the disk of the state directory may hang. "
        "It goes on by itself once that answers."
    )
    rows = Rows(row._replace(is_live=False) for row in snapshot.rows)
    return _not_live(snapshot._replace(rows=rows), Trouble("watch stuck", sentence, None))


def _not_live(snapshot: Snapshot, trouble: Trouble) -> Snapshot:
    health = snapshot.health._replace(contact=Contact.NOT_LIVE, trouble=trouble)
    return snapshot._replace(health=health)


# Timers of an event loop stand still while the machine is suspended, and other processes that share
# the store can't wake this one.
_LONGEST_NAP_SECONDS = 5.0
_SHORTEST_NAP_SECONDS = 0.01
_AFTER_A_CRASH_SECONDS = 5.0
_STUCK_SECONDS = 20.0  # a slow disk may hold up a round, and what is shown meanwhile is old
_TOUCH_SECONDS = 1.0
_STOP_SECONDS = 1.0
_P = ParamSpec("_P")

logger = logging.getLogger(__name__)


def _queued(
    intent: Callable[Concatenate[Engine, _P], None],
) -> Callable[Concatenate["Poller", _P], None]:
    """Return what the engine does as a method that returns at once and may be called from any thread."""

    def intend(self: "Poller", /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        self._intents.append(partial(intent, self._engine, *args, **kwargs))
        self._wake_up()

    return intend


class Poller:
    """What a screen holds of the watch; every method returns at once and may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine over; it makes no step, and no request goes out, before `start`."""
        self.target = engine.target
        self._clock = engine.clock
        self._engine = engine
        engine.on_answer(self._wake_up)
        self._snapshot = self._engine.snapshot
        self._pings: list[Callable[[], None]] = []
        self._intents: deque[Callable[[], None]] = deque()
        self._intents_done = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake: asyncio.Event | None = None
        self._touched_at = -inf
        self._stopping = threading.Event()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat_at = inf
        """When the last round began, in monotonic seconds; infinite while none is expected."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest state; its ages and counts are newer than the last ping where only they are."""
        return stuck(self._snapshot) if self._is_stuck() else self._snapshot

    @property
    def intents(self) -> int:
        """How many intents there were; a snapshot with all of them done is up to date with the user."""
        return self._intents_done + len(self._intents)

    def start(self) -> None:
        """Begin to poll, on a thread of its own."""
        if self._thread is None and not self._stopping.is_set():
            # A daemon, so that a hung call never keeps the process from ending.
            self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
            self._thread.start()
            threading.Thread(target=self._look_after, name="supervisor", daemon=True).start()

    def stop(self) -> None:
        """Save and end; gives up waiting after a second, with everything saved."""
        self._stopping.set()
        if self._thread is None:
            with asyncio.Runner() as runner:
                runner.run(self._end())
            return
        self._wake_up()
        self._is_over.wait(_STOP_SECONDS)

    def subscribe(self, ping: Callable[[], None]) -> None:
        """Have `ping` called, from the poller's thread, when there is something to redraw."""
        self._pings.append(ping)

    # What the user wants is done by the engine before its next step.
    display = _queued(Engine.display)
    watch = _queued(Engine.watch)
    unwatch = _queued(Engine.unwatch)
    undo = _queued(Engine.undo)
    follow = _queued(Engine.follow)
    note = _queued(Engine.note)
    unfollow = _queued(Engine.unfollow)
    mark_seen = _queued(Engine.mark_seen)
    refresh = _queued(Engine.refresh)
    set_paused = _queued(Engine.set_paused)
    set_interval = _queued(Engine.set_interval)
    submit = _queued(Engine.submit)
    try_alert = _queued(Engine.try_alert)
    _note_touch = _queued(Engine.touch)

    def touch(self) -> None:
        """Note that the user is there. Cheap, so that every key may call it."""
        monotonic = self._clock.monotonic()
        if monotonic - self._touched_at >= _TOUCH_SECONDS:
            self._touched_at = monotonic
            self._note_touch()

    def _wake_up(self) -> None:
        loop, awake = self._loop, self._awake
        if loop is not None and awake is not None:
            try:
                loop.call_soon_threadsafe(awake.set)
            except RuntimeError:
                return  # the loop has ended, and so has the watch

    def _is_stuck(self) -> bool:
        return self._clock.monotonic() - self._beat_at > _STUCK_SECONDS

    def _look_after(self) -> None:
        """Ping when no round begins any more; a thread that hangs can't do so itself."""
        was_stuck = False
        while not self._is_over.wait(_LONGEST_NAP_SECONDS):
            is_stuck = self._is_stuck()
            if is_stuck != was_stuck:
                self._ping()
            was_stuck = is_stuck

    def _run(self) -> None:
        """Poll until stopped, in one event loop after the other should one die."""
        while True:
            try:
                with asyncio.Runner() as runner:
                    runner.run(self._poll())
                    runner.run(self._end())
                break
            except BaseException as error:
                # The default hook would print a traceback over the screen.
                logger.critical("The poller died", exc_info=error)
                self._publish_interruption(error)
                self._engine.restart()
            finally:
                self._beat_at = inf
            if self._stopping.wait(_AFTER_A_CRASH_SECONDS):
                break
        self._is_over.set()

    async def _poll(self) -> None:
        awake = asyncio.Event()
        self._loop, self._awake = asyncio.get_running_loop(), awake
        while not self._stopping.is_set():
            awake.clear()
            try:
                async with asyncio.timeout(self._turn()):
                    await awake.wait()
            except TimeoutError:
                continue

    def _turn(self) -> float:
        """Take one step; return the seconds to sleep. The only place that survives a bug."""
        self._beat_at = self._clock.monotonic()
        try:
            self._do_intents()
            next_in = self._engine.step()
        except Exception as error:
            logger.exception("The watch failed in an unforeseen way")
            self._publish_interruption(error)
            return _AFTER_A_CRASH_SECONDS
        self._publish(self._engine.snapshot)
        nap = _LONGEST_NAP_SECONDS if next_in is None else next_in
        return min(max(nap, _SHORTEST_NAP_SECONDS), _LONGEST_NAP_SECONDS)

    def _do_intents(self) -> None:
        while self._intents:
            # Before it leaves the queue, so that the sum of both is never too small.
            self._intents_done += 1
            self._intents.popleft()()

    async def _end(self) -> None:
        try:
            self._do_intents()
        finally:
            await self._engine.aclose()

    def _publish_interruption(self, error: BaseException) -> None:
        last, at = self._engine.snapshot, self._clock.now()
        self._publish(interrupted(last, error, at, _AFTER_A_CRASH_SECONDS))

    def _publish(self, snapshot: Snapshot) -> None:
        # One without a ping equals the one before it, so that the last one is enough to compare with.
        is_same = equal_but_for_ages(self._snapshot, snapshot)
        self._snapshot = snapshot._replace(intents_done=self._intents_done)
        if not is_same:
            self._ping()

    def _ping(self) -> None:
        for ping in self._pings:
            try:
                ping()
            except Exception:
                logger.exception("A screen could not be pinged")
