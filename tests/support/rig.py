"""Runs the app headless over a fake poller: keys go in one by one, the screen comes out as text."""

import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fake_control import FakeControl
from fakes import FakeClock
from rich.color import ColorSystem
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.keys import _character_to_key
from textual.pilot import Pilot
from values import replace

from wfinspect.settings import Paths, Settings, load_settings
from wfinspect.ui.app import WfInspectApp
from wfinspect.watching.api import Snapshot

GOLDENS = Path(__file__).parents[1] / "ui" / "goldens"
ZONE = ZoneInfo("Asia/Shanghai")
_MANY_TURNS = 50


class RecordingDriver(HeadlessDriver):
    """Keeps what a real driver would send to the terminal."""

    written: list[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(*args, **kwargs)
        self.written = []

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.written.append(data)


@dataclass
class Rig:
    """A running app and everything around it."""

    app: WfInspectApp
    pilot: Pilot[None]
    control: FakeControl
    clock: FakeClock

    async def press(self, *keys: str) -> None:
        """Type keys one by one, as a user does."""
        for key in keys:
            self.clock.advance(0.2)
            char = key if len(key) == 1 else {"enter": "\r", "tab": "\t"}.get(key)
            name = _character_to_key(key) if len(key) == 1 else key
            self._type(events.Key(name, char))
            # From the app to the widget, back up to the app, and to whatever that asked for.
            for _ in range(2):
                await self.pilot._wait_for_screen()
        await self.settle()

    async def burst(self, text: str) -> None:
        """A text as keys that arrive in one packet, the clock standing still."""
        self.clock.advance(1)
        for char in text:
            name = {"\n": "enter", " ": "space", "\x1b": "escape"}.get(char) or _character_to_key(
                char
            )
            self._type(events.Key(name, "\r" if char == "\n" else char))
        await self.settle()

    async def paste(self, text: str) -> None:
        self.app.post_message(events.Paste(text))
        await self.settle()

    def _type(self, event: events.Key) -> None:
        event.time = self.clock.monotonic()
        self.app.post_message(event)

    async def settle(self) -> None:
        # Twice: a message may post another, and a repaint waits for the idle moment behind it.
        await self.pilot.pause()
        await self.pilot.pause()

    async def shows(self, text: str) -> bool:
        """Whether the screen shows a text once the app has had its turns, on a busy machine many."""
        for _ in range(_MANY_TURNS):
            if text in self.text:
                return True
            await self.settle()
        return False

    async def publish(self, snapshot: Snapshot, *, intents_done: int | None = None) -> None:
        self.control.publish(snapshot, intents_done=intents_done)
        await self.settle()

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def asked(self) -> list[tuple[object, ...]]:
        """What the app wanted of the poller, without the touches."""
        return [one for one in self.control.asked if one != ("touch",)]

    def take_bytes(self) -> int:
        """Bytes sent to the terminal since the last call."""
        driver = self.app._driver
        assert isinstance(driver, RecordingDriver)
        sent = sum(len(data.encode()) for data in driver.written)
        driver.written.clear()
        return sent


def screen_text(app: WfInspectApp) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def settings(**changes: object) -> Settings:
    """The usual settings with the dark theme, but for what is given."""
    usual = load_settings({"theme": "dark", "time_zone": str(ZONE)}, {"HOME": "/dev/null"})
    return replace(usual, **changes)


@asynccontextmanager
async def running(
    snapshot: Snapshot | None = None,
    size: tuple[int, int] = (80, 24),
    *,
    is_recorded: bool = False,
    on_ready: Callable[[], None] = lambda: None,
    state_dir: Path | None = None,
    **options: Any,  # noqa: ANN401 - handed on
) -> AsyncIterator[Rig]:
    """The app on a screen of `size`; options are the app's, or settings by their names."""
    clock = FakeClock()
    control = FakeControl(snapshot)
    changes = {name: options.pop(name) for name in list(options) if name in Settings._fields}
    if state_dir is not None:
        changes["paths"] = Paths(state_dir / "config.toml", state_dir)
    app = WfInspectApp(
        control, clock=clock, settings=settings(**changes), on_ready=on_ready, **options
    )
    # A test that lets the cursor rest says so, by `app.main.rested()`.
    app.main.rest_seconds = 3600.0
    if is_recorded:
        app.driver_class = RecordingDriver
        # The dearest case: truecolor.
        app.console._color_system = ColorSystem.TRUECOLOR
    async with app.run_test(size=size, headless=not is_recorded) as pilot:
        rig = Rig(app, pilot, control, clock)
        await rig.settle()
        yield rig


def check_golden(name: str, text: str) -> None:
    """Compare a screen with the file kept of it.

    ``WFINSPECT_GOLDENS=write pytest tests/ui`` writes the files anew; look at the difference then.
    """
    path = GOLDENS / f"{name}.txt"
    if _IS_WRITING:
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"


# Read at import: every test runs with an environment cleared of the program's own variables.
_IS_WRITING = os.environ.get("WFINSPECT_GOLDENS") == "write"


def copied(rig: Rig) -> list[str]:
    driver = rig.app._driver
    assert isinstance(driver, RecordingDriver)
    pieces = [one for one in driver.written if one.startswith("\x1b]52;c;")]
    return [base64.b64decode(one[7:-2]).decode() for one in pieces]
