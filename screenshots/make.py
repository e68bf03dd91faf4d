"""Makes the pictures in this directory: the real app on the simulator, under a steered clock.

Run it with ``.venv/bin/python screenshots/make.py``; it needs the `dev` extra.
"""

import argparse
import asyncio
import io
import os
import random
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wfinspect.terminal import prepare_environment

# Before Textual is imported; the pictures show what a truecolor terminal shows.
os.environ |= {"COLORTERM": "truecolor", "TERM": "xterm-256color"}
prepare_environment(os.environ)
os.environ.pop("NO_COLOR", None)

import cairosvg  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402
from textual.pilot import Pilot  # noqa: E402

from wfinspect.clock import Moment, SystemClock  # noqa: E402
from wfinspect.dataworks import connector  # noqa: E402
from wfinspect.model import InstanceId, InstanceKey, Target  # noqa: E402
from wfinspect.settings import load_settings  # noqa: E402
from wfinspect.simulator import DEMO_IDS, Simulator  # noqa: E402
from wfinspect.ui.app import WfInspectApp  # noqa: E402
from wfinspect.ui.screens.main import MainScreen  # noqa: E402
from wfinspect.watching.api import Contact, Snapshot  # noqa: E402
from wfinspect.watching.engine import Engine  # noqa: E402
from wfinspect.watching.notifications import Alerts  # noqa: E402
from wfinspect.watching.poller import Poller  # noqa: E402
from wfinspect.watching.schedule import Schedule  # noqa: E402
from wfinspect.watching.store import Store  # noqa: E402

HERE = Path(__file__).parent
ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 9, 18, 6, 29, 30, tzinfo=UTC)
FONT = "DejaVu Sans Mono"
WAIT_SECONDS = 20.0


class SteeredClock:
    """Steady time runs as the machine's does; the time of a fixed day only moves on demand."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._ahead = 0.0

    def monotonic(self) -> float:
        return self._real.monotonic() + self._ahead

    def now(self) -> datetime:
        return START + timedelta(seconds=self._ahead)

    def moment(self) -> Moment:
        return Moment(self.monotonic(), self.now())

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class Scene:
    """A running app, its watcher and its service."""

    def __init__(
        self, pilot: Pilot[None], watcher: Poller, simulator: Simulator, clock: SteeredClock
    ) -> None:
        self.pilot = pilot
        self.watcher = watcher
        self.simulator = simulator
        self.clock = clock
        self.target = watcher.target

    def keys(self, *ids: int) -> list[InstanceKey]:
        return [InstanceKey(self.target, InstanceId(i)) for i in ids]

    async def until(self, holds: Callable[[Snapshot], bool]) -> None:
        """Wait for the watcher to have seen something, and for the app to show it."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds(self.watcher.snapshot):
                await asyncio.sleep(0.02)
        await self.pilot.pause(0.3)

    async def shown(self, text: str) -> None:
        """Wait for a text to be on the screen, and for what comes with it."""
        compositor = self.pilot.app.screen._compositor  # noqa: SLF001 - as the tests look at it
        async with asyncio.timeout(WAIT_SECONDS):
            while not any(text in strip.text for strip in compositor.render_strips()):
                await self.pilot.pause(0.02)
        await self.pilot.pause(0.3)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(0.1)

    def picture(self) -> bytes:
        """The screen as a PNG."""
        svg = self.pilot.app.export_screenshot(title="wfinspect")
        # The pictures must be drawn without asking the network for a font.
        svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
        svg = svg.replace("Fira Code, monospace", f"{FONT}, monospace").replace("Fira Code", FONT)
        picture: bytes = cairosvg.svg2png(bytestring=svg.encode(), scale=1.0)
        return picture

    def save(self, name: str) -> None:
        (HERE / f"{name}.png").write_bytes(self.picture())
        print(f"screenshots/{name}.png")


@asynccontextmanager
async def scene(size: tuple[int, int], theme: str = "dark") -> AsyncIterator[Scene]:
    """The real parts, put together as the command line does."""
    clock = SteeredClock()
    with Simulator(clock=clock, epoch=START) as simulator, tempfile.TemporaryDirectory() as state:
        environ = simulator.environment()
        environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
        target = Target("(env)", "cn-shanghai", simulator.url)
        shown = Target("prod-ops", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")

        async def connect(_: Target, on_call: Callable[[], None]) -> Any:  # noqa: ANN401
            return await connector(environ, Path(state), clock)(target, on_call)

        watcher = Poller(
            Engine(
                shown,
                connect,
                clock,
                store=Store(Path(state), clock.now),
                schedule=Schedule(random.Random(1), budget=3000, interval_seconds=15.0),
                alerts=Alerts(),
            )
        )
        settings = load_settings({"theme": theme, "time_zone": str(ZONE)}, {"HOME": state})
        app = WfInspectApp(watcher, clock=clock, settings=settings, on_ready=watcher.start)
        async with app.run_test(size=size) as pilot:
            await pilot.pause(0.3)
            yield Scene(pilot, watcher, simulator, clock)
        watcher.stop()


def is_live(snapshot: Snapshot) -> bool:
    return snapshot.health.contact is Contact.LIVE and all(r.instance for r in snapshot.rows)


def is_known(snapshot: Snapshot) -> bool:
    """What is open has been read with its tasks, and compared with the runs before."""
    return is_live(snapshot) and any(row.outlook for row in snapshot.rows)


WATCHED = (*DEMO_IDS, 10433001250, 10433007790, 10433007802, 10432980002, 10433010001)
FAILING = DEMO_IDS[0]


async def watch_a_failure(stage: Scene) -> None:
    """Nine instances are watched; one of them fails, a minute passes."""
    stage.watcher.watch(stage.keys(*(i for i in WATCHED if i in stage.simulator.ids)))
    await stage.until(lambda s: len(s.rows) > 4 and is_live(s))
    stage.watcher.mark_seen()
    stage.clock.advance(40)
    stage.watcher.refresh()
    await stage.until(lambda s: bool(s.transitions))
    stage.clock.advance(65)
    stage.watcher.refresh()
    await stage.until(is_live)


async def open_the_failed(stage: Scene) -> None:
    await watch_a_failure(stage)
    await stage.press("g", "enter")
    await stage.until(is_known)


async def narrow() -> None:
    async with scene((80, 24)) as stage:
        await watch_a_failure(stage)
        await stage.press("g")
        stage.save("narrow")


async def light() -> None:
    async with scene((100, 28), theme="light") as stage:
        await open_the_failed(stage)
        stage.save("light")


async def outage() -> None:
    async with scene((100, 28)) as stage:
        await open_the_failed(stage)
        stage.simulator.faults.add("Throttling.User")
        stage.clock.advance(200)
        stage.watcher.refresh()
        await stage.until(lambda s: s.health.contact is Contact.NOT_LIVE)
        stage.save("outage")


async def view(name: str, size: tuple[int, int], keys: str, *texts: str) -> None:
    """The failed instance opened, then keys, until texts are there."""
    async with scene(size) as stage:
        await open_the_failed(stage)
        for key in keys.split():
            await stage.press(key)
        for text in texts:
            await stage.shown(text)
        stage.save(name)


CAPTION_HEIGHT, CAPTION_SIZE = 60, 26
BACKGROUND = "#0d1117"
COLOURS = 128
_FILE_OF_FONT = "DejaVuSans-Bold.ttf"


class Story:
    """Frames with a caption below each, for a file that moves."""

    def __init__(self, stage: Scene) -> None:
        self._stage = stage
        self._frames: list[Image.Image] = []
        self._milliseconds: list[int] = []

    def show(self, seconds: float, caption: str, key: str = "") -> None:
        """Add what is on the screen now; `key` is what has been pressed for it."""
        screen = Image.open(io.BytesIO(self._stage.picture())).convert("RGBA")
        size = (screen.width, screen.height + CAPTION_HEIGHT)
        frame = Image.new("RGB", size, BACKGROUND)
        frame.paste(screen, mask=screen.getchannel("A"))
        font = ImageFont.truetype(_FILE_OF_FONT, CAPTION_SIZE)
        pen = ImageDraw.Draw(frame)
        left, middle = 16.0, screen.height + CAPTION_HEIGHT / 2
        if key:
            right = left + pen.textlength(key, font) + 20
            box = (left, middle - 20, right, middle + 20)
            pen.rounded_rectangle(box, radius=6, fill="#1f6feb")
            pen.text((left + 10, middle), key, "white", font, anchor="lm")
            left = right + 14
        pen.text((left, middle), caption, "white", font, anchor="lm")
        self._frames.append(frame.quantize(COLOURS, dither=Image.Dither.NONE))
        self._milliseconds.append(round(1000 * seconds))

    def save(self, name: str) -> None:
        path = HERE / f"{name}.gif"
        first, *others = self._frames
        first.save(path, save_all=True, append_images=others, duration=self._milliseconds, loop=0)
        print(f"screenshots/{path.name}: {path.stat().st_size:,} bytes")


async def failure() -> None:
    """A watched run fails, and its tasks, its log and its last success say why."""
    async with scene((100, 28)) as stage:
        story = Story(stage)
        stage.watcher.watch(stage.keys(*(i for i in WATCHED if i in stage.simulator.ids)))
        await stage.until(lambda s: len(s.rows) > 4 and is_live(s))
        stage.watcher.mark_seen()
        await stage.press("g")
        await stage.shown("PARAMETERS")
        await stage.shown("TASKS 1")
        story.show(3, "Nine runs are watched.")
        stage.clock.advance(40)
        stage.watcher.refresh()
        await stage.until(lambda s: bool(s.transitions))
        story.show(3, "One fails: it turns red, and the bell rings.")
        await stage.press("g")
        await stage.shown("2 failed")
        story.show(4, "goes to it: two of its tasks failed.", "g")
        await stage.press("l")
        await stage.shown("LOOKS LIKE")
        story.show(5, "opens the log of the failed task: this is why.", "l")
        while not isinstance(stage.pilot.app.screen, MainScreen):
            await stage.press("escape")
        await stage.press("c")
        await stage.shown("join_region_dim")
        await stage.shown("usually")
        story.show(5, "compares with the last success.", "c")
        await stage.press("escape")
        await stage.shown("PARAMETERS")
        story.show(3, "goes back. The watch goes on, for weeks.", "Esc")
        story.save("failure")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these: failure, tasks, ...")
    wanted = parser.parse_args().names
    makers: dict[str, Callable[[], Any]] = {
        "failure": failure,
        "narrow": narrow,
        "light": light,
        "outage": outage,
        "tasks": lambda: view("tasks", (100, 20), "t", "join_region_dim"),
        "compare": lambda: view("compare", (100, 36), "c", "join_region_dim", "usually"),
        "find": lambda: view("find", (100, 20), "f space underscore d i enter j space", "found"),
    }
    for name, make in makers.items():
        if not wanted or name in wanted:
            await make()


if __name__ == "__main__":
    asyncio.run(main())
