"""Makes the pictures in this directory: the real app on the simulator, under a steered clock.

Run it with ``.venv/bin/python screenshots/make.py``; it needs the `dev` extra.
"""

import argparse
import asyncio
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
from textual.pilot import Pilot  # noqa: E402

from wfinspect.clock import Moment, SystemClock  # noqa: E402
from wfinspect.dataworks import connector  # noqa: E402
from wfinspect.model import InstanceId, InstanceKey, Target  # noqa: E402
from wfinspect.settings import load_settings  # noqa: E402
from wfinspect.simulator import DEMO_IDS, Simulator  # noqa: E402
from wfinspect.ui.app import WfInspectApp  # noqa: E402
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

    def save(self, name: str) -> None:
        svg = self.pilot.app.export_screenshot(title="wfinspect")
        # The pictures must be drawn without asking the network for a font.
        svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
        svg = svg.replace("Fira Code, monospace", f"{FONT}, monospace").replace("Fira Code", FONT)
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
        cairosvg.svg2png(bytestring=svg.encode(), write_to=str(HERE / f"{name}.png"), scale=1.0)
        print(f"screenshots/{name}.svg and .png")


@asynccontextmanager
async def scene(size: tuple[int, int], *, has_keys: bool = True) -> AsyncIterator[Scene]:
    """The real parts, put together as the command line does."""
    clock = SteeredClock()
    with Simulator(clock=clock, epoch=START) as simulator, tempfile.TemporaryDirectory() as state:
        environ = simulator.environment() if has_keys else {}
        environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
        target = Target("(env)" if has_keys else "(default)", "cn-shanghai", simulator.url)
        shown = Target("prod-ops", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")

        async def connect(_: Target, on_call: Callable[[], None]) -> Any:  # noqa: ANN401
            return await connector(environ, Path(state), clock)(target, on_call)

        watcher = Poller(
            Engine(
                shown if has_keys else Target("(default)", "cn-shanghai", shown.endpoint),
                connect,
                clock,
                store=Store(Path(state), clock.now),
                schedule=Schedule(random.Random(1), budget=3000, interval_seconds=15.0),
                alerts=Alerts(),
            )
        )
        settings = load_settings({"theme": "dark", "time_zone": str(ZONE)}, {"HOME": state})
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


async def empty_start() -> None:
    async with scene((80, 24)) as stage:
        await stage.until(lambda s: s.health.contact is not None)
        stage.save("empty-80x24")


async def detail(size: tuple[int, int]) -> None:
    async with scene(size) as stage:
        await open_the_failed(stage)
        stage.save(f"detail-{size[0]}x{size[1]}")


async def change() -> None:
    async with scene((100, 26)) as stage:
        await watch_a_failure(stage)
        await stage.press("g")
        stage.save("change-100x26")


async def outage() -> None:
    async with scene((100, 26)) as stage:
        await open_the_failed(stage)
        stage.simulator.faults.add("Throttling.User")
        stage.clock.advance(200)
        stage.watcher.refresh()
        await stage.until(lambda s: s.health.contact is Contact.NOT_LIVE)
        stage.save("error-100x26")


async def view(name: str, size: tuple[int, int], keys: str, text: str) -> None:
    """The failed instance opened, then keys, until a text is there."""
    async with scene(size) as stage:
        await open_the_failed(stage)
        for key in keys.split():
            await stage.press(key)
        await stage.shown(text)
        stage.save(f"{name}-{size[0]}x{size[1]}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these: detail, tasks, ...")
    wanted = parser.parse_args().names
    makers: dict[str, list[Callable[[], Any]]] = {
        "empty": [empty_start],
        "detail": [lambda: detail((160, 48)), lambda: detail((80, 24))],
        "change": [change],
        "error": [outage],
        "tasks": [lambda: view("tasks", (100, 26), "t", "done,")],
        "log": [lambda: view("log", (100, 26), "l", "LOOKS LIKE")],
        "compare": [lambda: view("compare", (100, 36), "c", "TASKS")],
        "find": [lambda: view("find", (100, 26), "f space underscore d i enter j space", "found")],
    }
    for name, steps in makers.items():
        if not wanted or name in wanted:
            for step in steps:
                await step()


if __name__ == "__main__":
    asyncio.run(main())
