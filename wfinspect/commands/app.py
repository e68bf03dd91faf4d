"""The app; ``wfinspect demo``, which is the app against a simulated service of its own; and that service alone."""

import argparse
import contextlib
import gc
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands.once import resolve_target
from wfinspect.commands.output import add_ids
from wfinspect.dataworks import connector
from wfinspect.errors import StoreError, UsageError
from wfinspect.model import Follow, InstanceId, InstanceKey, Query, Target
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings, home_of, replace_private
from wfinspect.signals import ended_by_signals
from wfinspect.terminal import (
    encoding_of,
    has_glyphs,
    is_remote,
    prepare_environment,
    require_terminal,
)
from wfinspect.watching.api import Connect, InstanceSource, Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only these commands take."""
    if parser.get_default("command") == "simulate":
        parser.add_argument(
            "--port",
            type=int,
            default=0,
            metavar="N",
            help="port on 127.0.0.1 (default: a free one)",
        )
        parser.add_argument(
            "--speed",
            type=float,
            default=1.0,
            metavar="X",
            help="how many times faster than real ones its instances run (default: 1)",
        )
        return
    add_ids(parser, without=", to open and watch")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Show the app until it is quit, or serve until interrupted."""
    if args.command == "simulate":
        return _serve(args)
    ids = parse_ids(" ".join(args.ids)) if args.ids else ()
    if args.command == "demo":
        return _run_demo(ids, settings, environ)
    connect = connector(environ, home_of(environ), SystemClock())
    return _show(settings, environ, resolve_target(settings, environ).target, connect, ids)


def _show(
    settings: Settings,
    environ: Mapping[str, str],
    target: Target,
    connect: Connect,
    ids: Iterable[InstanceId],
) -> int:
    """Run the app on this terminal until it ends; `ids` are watched, and the first is opened.

    Raises:
        UsageError: there is no terminal to run it on.
    """
    require_terminal(sys.__stdin__, sys.__stdout__, sys.__stderr__, environ.get("TERM", ""))
    # Textual reads the process's own environment when it is imported.
    prepare_environment(os.environ, low_bandwidth=settings.low_bandwidth)
    # Imports and the first paint make objects that stay; looking for garbage among them takes a tenth.
    gc.disable()
    from wfinspect.ui.app import WfInspectApp
    from wfinspect.ui.terminal import run_app
    from wfinspect.watching.engine import Engine
    from wfinspect.watching.notifications import Alerts
    from wfinspect.watching.poller import Poller
    from wfinspect.watching.schedule import Schedule
    from wfinspect.watching.store import Store

    clock, state_dir = SystemClock(), settings.paths.state_dir
    engine = Engine(
        target,
        connect,
        clock,
        store=Store(state_dir, clock.now),
        schedule=Schedule(budget=settings.budget, interval_seconds=settings.interval),
        alerts=Alerts.of(settings.notify, environ),
    )
    poller = Poller(engine)

    def start() -> None:
        gc.freeze()
        gc.enable()
        poller.start()

    if settings.mouse is None:
        settings = settings._replace(mouse=not is_remote(environ))
    if not has_glyphs(encoding_of(sys.__stderr__)):
        settings = settings._replace(ascii=True)
    app = WfInspectApp(
        poller,
        clock=clock,
        settings=settings,
        on_ready=start,
        open_keys=[InstanceKey(target, each) for each in ids],
        environ=environ,
    )
    try:
        return run_app(app, mouse=bool(settings.mouse), crash_directory=state_dir)
    finally:
        poller.stop()


# The port differs from start to start; the rows stay bound to this name.
_DEMO_TARGET = Target("demo", "cn-shanghai", "simulator")
# A run of it comes into being every five minutes, and the one that is there at first waits.
_DEMO_FOLLOWED = Query(88123, 0, workflow_id=2261133)
# Its calls cost nothing, so changes are looked for more often.
_DEMO_SECONDS = 5.0
_DEMO_CALLS = 100_000


def _run_demo(ids: Iterable[InstanceId], settings: Settings, environ: Mapping[str, str]) -> int:
    """Show the app until it is quit; the fleet goes on where the last demo left it."""
    from wfinspect.simulator import DEMO_IDS, Simulator

    settings = _for_demo(settings)
    clock, state_dir = SystemClock(), settings.paths.state_dir
    epoch = _epoch(state_dir / "epoch", clock.now())
    if epoch is None:
        epoch, begun = clock.now(), [InstanceId(each) for each in DEMO_IDS]
        _begin_list(state_dir, clock, begun, epoch)
        ids = (*ids, *begun)
    with Simulator(clock=clock, epoch=epoch) as simulator:
        connect_there = connector(simulator.environment(), home_of(environ), clock)

        async def connect(target: Target, on_call: Callable[[], None]) -> InstanceSource:
            there = target._replace(profile="(env)", endpoint=simulator.url)
            return await connect_there(there, on_call)

        return _show(settings, environ, _DEMO_TARGET, connect, ids)


def _begin_list(state_dir: Path, clock: Clock, ids: Iterable[InstanceId], epoch: datetime) -> None:
    """Keep the demo's list, as far as that can be kept, and then, as a sign that it is whole, its epoch.

    New runs of one workflow join it.
    """
    from wfinspect.commands.list import Brought, merge
    from wfinspect.watching.store import Store

    rows = [Row(InstanceKey(_DEMO_TARGET, each)) for each in ids]
    follow = Follow(1, _DEMO_TARGET, _DEMO_FOLLOWED, epoch)
    with (
        contextlib.suppress(OSError, StoreError),
        contextlib.closing(Store(state_dir, clock.now)) as store,
    ):
        merge(store, Brought(rows, [follow]), epoch)
        replace_private(state_dir / "epoch", epoch.isoformat())


def _for_demo(settings: Settings) -> Settings:
    """Return settings with a state directory of the demo's own, and its defaults."""
    sources, paths = settings.sources, settings.paths
    return settings._replace(
        paths=paths._replace(state_dir=paths.state_dir / "demo"),
        interval=_DEMO_SECONDS if sources["interval"] == "default" else settings.interval,
        budget=_DEMO_CALLS if sources["budget"] == "default" else settings.budget,
    )


def _epoch(path: Path, now: datetime) -> datetime | None:
    """Return when the simulated fleet began; None where it begins now."""
    with contextlib.suppress(OSError, ValueError):
        epoch = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
        if epoch.tzinfo is not None and epoch <= now:
            return epoch.astimezone(UTC)
    return None


def _serve(args: argparse.Namespace) -> int:
    from wfinspect.simulator import DEMO_IDS, Simulator

    if not 0 <= args.port < 1 << 16:
        raise UsageError(f"--port: {args.port} is not a port: use 0 to 65535.")
    if not 0 < args.speed <= 1000:  # noqa: PLR2004 - the limit is in the sentence
        raise UsageError(f"--speed: {args.speed:g} can't be used: use a number up to 1000.")
    clock = SystemClock()
    try:
        simulator = Simulator(clock=clock, speed=args.speed, port=args.port)
        simulator.start()
    except OSError as error:
        raise UsageError(
            f"--port: {args.port} can't be listened on ({os.strerror(error.errno or 0)}): "
            "leave it out for a free one."
        ) from None
    with ended_by_signals():
        try:
            print(f"# A simulated DataWorks serves at {simulator.url} until interrupted.")
            for name, value in simulator.environment().items():
                print(f"export {name}={shlex.quote(value)}")
            print(f"# Try: wfinspect get {DEMO_IDS[0]}", flush=True)
            threading.Event().wait()
        finally:
            simulator.stop()
    return 0
