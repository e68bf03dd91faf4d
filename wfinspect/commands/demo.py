"""``wfinspect demo``: the app against a simulated service of its own."""

import argparse
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from wfinspect.clock import SystemClock
from wfinspect.commands.app import show
from wfinspect.dataworks import connector
from wfinspect.errors import StoreError
from wfinspect.model import Target
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings, home_of, replace_private
from wfinspect.watching.api import InstanceSource

# The port differs from start to start; the rows stay bound to this name.
TARGET = Target("demo", "cn-shanghai", "simulator")
# Its calls cost nothing, so changes are looked for more often.
INTERVAL_SECONDS = 5.0
CALLS_PER_DAY = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument("ids", nargs="*", metavar="ID", help="instances to open and watch")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Show the app until it is quit; the fleet goes on where the last demo left it."""
    from wfinspect.simulator import DEMO_IDS, Simulator

    ids = parse_ids(" ".join(args.ids)) if args.ids else ()
    settings = _for_demo(settings)
    clock = SystemClock()
    epoch, is_first = _epoch(settings.paths.state_dir / "epoch", clock.now())
    with Simulator(clock=clock, epoch=epoch) as simulator:
        connect_there = connector(simulator.environment(), home_of(environ), clock)

        async def connect(target: Target, on_call: Callable[[], None]) -> InstanceSource:
            there = target._replace(profile="(env)", endpoint=simulator.url)
            return await connect_there(there, on_call)

        shown_ids = (*ids, *(DEMO_IDS if is_first else ()))
        return show(settings, environ, TARGET, connect, shown_ids, is_demo=True)


def _for_demo(settings: Settings) -> Settings:
    """Return settings with a state directory of the demo's own, and its defaults."""
    sources, paths = settings.sources, settings.paths
    return settings._replace(
        paths=paths._replace(state_dir=paths.state_dir / "demo"),
        interval=INTERVAL_SECONDS if sources["interval"] == "default" else settings.interval,
        budget=CALLS_PER_DAY if sources["budget"] == "default" else settings.budget,
    )


def _epoch(path: Path, now: datetime) -> tuple[datetime, bool]:
    """Return when the simulated fleet began, and whether that is now.

    It begins at each start where nothing can be written.
    """
    with contextlib.suppress(OSError, ValueError):
        epoch = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
        if epoch.tzinfo is not None and epoch <= now:
            return epoch.astimezone(UTC), False
    with contextlib.suppress(OSError, StoreError):
        replace_private(path, now.isoformat())
    return now, True
