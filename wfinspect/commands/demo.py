"""``wfinspect demo``: the app against a simulated service of its own."""

import argparse
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from wfinspect.clock import SystemClock
from wfinspect.commands.app import Screen, show
from wfinspect.errors import StoreError
from wfinspect.model import InstanceKey, Target
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings, home_of, make_private
from wfinspect.watching.api import InstanceSource

# The port differs from start to start; the rows stay bound to this name.
BINDING = Target("demo", "cn-shanghai", "simulator")
INTERVAL_SECONDS = 5.0
BUDGET = 100_000
"""Calls a day: nobody pays for these, so changes are looked for more often."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument("ids", nargs="*", metavar="ID", help="instances to open and watch")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Show the app until it is quit; the fleet goes on where the last demo left it."""
    from wfinspect.simulator import DEMO_IDS, Simulator

    ids = parse_ids(" ".join(args.ids)) if args.ids else ()
    clock = SystemClock()
    state_dir = settings.paths.state_dir / "demo"
    epoch, is_first = _epoch(state_dir, clock.now())
    with Simulator(clock=clock, epoch=epoch) as simulator:
        keys_of_simulator = simulator.environment()

        async def connect(target: Target, on_call: Callable[[], None]) -> InstanceSource:
            from wfinspect.dataworks import connector

            there = target._replace(profile="(env)", endpoint=simulator.url)
            opened = connector(keys_of_simulator, home_of(environ), clock)
            return await opened(there, on_call)

        first_ids = DEMO_IDS if is_first else ()
        return show(
            Screen(
                settings=_for_demo(settings),
                state_dir=state_dir,
                target=BINDING,
                connect=connect,
                clock=clock,
                open_keys=tuple(InstanceKey(BINDING, i) for i in (*ids, *first_ids)),
                is_demo=True,
            ),
            environ,
        )


def _for_demo(settings: Settings) -> Settings:
    """Settings with the demo's own defaults where the user asked for nothing else."""
    changes: dict[str, float] = {}
    if settings.sources["interval"] == "default":
        changes["interval"] = INTERVAL_SECONDS
    if settings.sources["budget"] == "default":
        changes["budget"] = BUDGET
    return settings._replace(**changes)  # type: ignore[arg-type]


def _epoch(state_dir: Path, now: datetime) -> tuple[datetime, bool]:
    """When the fleet's life began, and whether it begins now.

    Where nothing can be kept the fleet begins anew each time.
    """
    path = state_dir / "epoch"
    with contextlib.suppress(OSError, ValueError):
        epoch = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
        if epoch.tzinfo is not None and epoch <= now:
            return epoch.astimezone(UTC), False
    with contextlib.suppress(OSError, StoreError):
        make_private(state_dir)
        path.write_text(now.isoformat(), encoding="ascii")
    return now, True
