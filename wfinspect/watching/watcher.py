"""The thread around the engine: the screen may stall, and the watch goes on.

Nothing here waits for a face: what one asks for is queued, what it sees is swapped in whole.
"""

import asyncio
import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wfinspect.clock import Clock
from wfinspect.instance import Binding, InstanceKey
from wfinspect.notify import Rule
from wfinspect.watching.engine import Engine
from wfinspect.watching.messenger import Messenger
from wfinspect.watching.snapshot import Snapshot
from wfinspect.watching.source import Connect
from wfinspect.watching.standstill import interrupted, stuck

if TYPE_CHECKING:  # what is only named here need not be loaded before the first paint
    from wfinspect.watching.requests import A, Heard, Request

STOP_SECONDS = 1.0

# Timers of an event loop stand still while the machine is suspended, and other processes that share
# the store can't wake this one.
_LONGEST_NAP_SECONDS = 5.0
_SHORTEST_NAP_SECONDS = 0.01
_AFTER_A_CRASH_SECONDS = 5.0
_STUCK_SECONDS = 20.0  # a slow disk may hold up a round, and what is shown meanwhile is old
_TOUCH_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Watcher:
    """Fulfils `WatchControl`; every method returns at once and may be called from any thread."""

    def __init__(  # noqa: PLR0913 - all that it depends on comes in
        self,
        state_dir: Path,
        connect: Connect,
        clock: Clock,
        binding: Binding,
        *,
        interval_seconds: float,
        budget: int,
        rng: random.Random,
        only: Sequence[InstanceKey] | None = None,
        rule: Rule = Rule.FAILURE,
        messenger: Messenger | None = None,
    ) -> None:
        """Load what is stored; the network is not asked before `start`.

        Args:
            state_dir: where the store lies; made with mode 0700.
            connect: opens a source for a binding, called on the poller's thread.
            clock: gives wall time and steady time.
            binding: the one that new IDs get.
            interval_seconds: how often active instances are read.
            budget: calls a day.
            rng: for jitter.
            only: follow these and nothing else, and leave the stored list as it is.
            rule: which changes are worth an alert.
            messenger: is told of alerts, too.
        """
        self.binding = binding
        self._clock = clock
        self._engine = Engine(
            state_dir,
            connect,
            clock,
            binding,
            interval_seconds=interval_seconds,
            budget=budget,
            rng=rng,
            wake=self._wake_up,
            only=only,
            rule=rule,
            messenger=messenger,
        )
        self._snapshot = self._engine.snapshot
        self._pings: list[Callable[[], None]] = []
        self._intents: deque[Callable[[], None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake: asyncio.Event | None = None
        self._touched_at = float("-inf")
        self._stopping = threading.Event()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat_at = float("inf")
        """When the last round began, in steady seconds; infinite while none is expected."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest state; its ages and counts are newer than the last ping where only they are."""
        return stuck(self._snapshot, self._clock.now()) if self._is_stuck() else self._snapshot

    def start(self) -> None:
        """Begin to ask, on a thread of its own."""
        if self._thread is None and not self._stopping.is_set():
            # A daemon, so that a hung call never keeps the process from ending.
            self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
            self._thread.start()
            threading.Thread(target=self._look_after, name="supervisor", daemon=True).start()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Save and end; gives up waiting after `timeout` seconds, with everything saved."""
        self._stopping.set()
        if self._thread is None:
            asyncio.run(self._end())
            return
        self._wake_up()
        self._is_over.wait(timeout)

    def subscribe(self, ping: Callable[[], None]) -> None:
        """Have `ping` called, from the poller's thread, when there is something to redraw."""
        self._pings.append(ping)

    def display(self, key: InstanceKey | None) -> None:
        """Put an instance on display, or none."""
        self._intend(lambda: self._engine.display(key))

    def watch(self, keys: Sequence[InstanceKey]) -> None:
        """Add to the watched list."""
        wanted = tuple(keys)
        self._intend(lambda: self._engine.watch(wanted))

    def unwatch(self, keys: Sequence[InstanceKey]) -> None:
        """Take off the watched list."""
        unwanted = tuple(keys)
        self._intend(lambda: self._engine.unwatch(unwanted))

    def restore(self) -> None:
        """Undo the last `unwatch`."""
        self._intend(self._engine.restore)

    def mark_seen(self, keys: Sequence[InstanceKey] | None = None) -> None:
        """Clear the unseen marks of some rows, of all without an argument."""
        seen = None if keys is None else tuple(keys)
        self._intend(lambda: self._engine.mark_seen(seen))

    def refresh(self, key: InstanceKey | None = None) -> None:
        """Read one instance now, all without an argument."""
        self._intend(lambda: self._engine.refresh(key))

    def set_paused(self, *, paused: bool) -> None:
        """Stop or resume polling; what a person asks for still goes out."""
        self._intend(lambda: self._engine.set_paused(paused=paused))

    def set_interval(self, seconds: float) -> None:
        """Set how often active instances are asked for; at least 2 seconds."""
        self._intend(lambda: self._engine.set_interval(seconds))

    def ask(self, request: "Request[A]", answer: "Heard[A]") -> None:
        """Ask for something beyond the watch; the answer comes on the poller's thread."""
        self._intend(lambda: self._engine.ask(request, answer))

    def try_alert(self) -> None:
        """Have an alert raised that says that it is a trial."""
        self._intend(self._engine.try_alert)

    def touch(self) -> None:
        """Say that a person is there. Cheap, so that every key may say so."""
        now = self._clock.monotonic()
        if now - self._touched_at >= _TOUCH_SECONDS:
            self._touched_at = now
            self._intend(self._engine.touch)

    def credentials_changed(self, binding: Binding) -> None:
        """Say that a refused binding may have other credentials now."""
        self._intend(lambda: self._engine.credentials_changed(binding))

    def _intend(self, intent: Callable[[], None]) -> None:
        self._intents.append(intent)
        self._wake_up()

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
        """Tell the faces when no round begins any more; a thread that hangs can't do so itself."""
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
                self._publish(
                    interrupted(
                        self._engine.snapshot, error, self._clock.now(), _AFTER_A_CRASH_SECONDS
                    )
                )
                self._engine.begin_anew()
            self._beat_at = float("inf")
            if self._stopping.wait(_AFTER_A_CRASH_SECONDS):
                break
        self._beat_at = float("inf")
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
        """One step of the engine; gives the seconds to sleep. The only place that survives a bug."""
        self._beat_at = self._clock.monotonic()
        try:
            self._heed_intents()
            next_in = self._engine.step()
        except Exception as error:
            logger.exception("The watch failed in a way nobody foresaw")
            self._publish(
                interrupted(self._engine.snapshot, error, self._clock.now(), _AFTER_A_CRASH_SECONDS)
            )
            return _AFTER_A_CRASH_SECONDS
        if self._engine.has_news:
            self._engine.has_news = False
            self._publish(self._engine.snapshot)
        self._snapshot = self._engine.snapshot
        nap = _LONGEST_NAP_SECONDS if next_in is None else next_in
        return min(max(nap, _SHORTEST_NAP_SECONDS), _LONGEST_NAP_SECONDS)

    def _heed_intents(self) -> None:
        while self._intents:
            self._intents.popleft()()

    async def _end(self) -> None:
        try:
            self._heed_intents()
        finally:
            await self._engine.aclose()

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._ping()

    def _ping(self) -> None:
        for ping in self._pings:
            try:
                ping()
            except Exception:
                logger.exception("A face could not be told")
