"""The app: puts the poller and the screen together and runs them; the demo does so as well."""

import argparse
import gc
import os
import sys
from collections.abc import Iterable, Mapping

from wfinspect.clock import SystemClock
from wfinspect.commands.once import resolve_target
from wfinspect.dataworks import connector
from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings, home_of
from wfinspect.terminal import (
    encoding_of,
    has_glyphs,
    is_remote,
    prepare_environment,
    require_terminal,
)
from wfinspect.watching.api import Connect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="instances to open and watch: an ID, a list or a range",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Show the app until it is quit."""
    ids = parse_ids(" ".join(args.ids)) if args.ids else ()
    connect = connector(environ, home_of(environ), SystemClock())
    return show(settings, environ, resolve_target(settings, environ).target, connect, ids)


def show(
    settings: Settings,
    environ: Mapping[str, str],
    target: Target,
    connect: Connect,
    ids: Iterable[InstanceId],
    *,
    is_demo: bool = False,
) -> int:
    """Run the app on this terminal until it ends; `ids` are watched, and the first is opened.

    Raises:
        UsageError: there is no terminal to run it on.
    """
    require_terminal(sys.__stdin__, sys.__stderr__, environ.get("TERM", ""))
    # Textual reads the process's own environment when it is imported.
    prepare_environment(os.environ, low_bandwidth=settings.low_bandwidth)
    # Imports and the first paint make objects that stay; looking for garbage among them takes a tenth.
    gc.disable()
    from wfinspect.ui.app import WfInspectApp
    from wfinspect.ui.files import Preferences
    from wfinspect.ui.terminal import run_app
    from wfinspect.watching.engine import Engine
    from wfinspect.watching.notifications import Alerts, Messenger
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
        alerts=Alerts(
            settings.notify.rule,
            lost_after=settings.notify.lost_after,
            messenger=Messenger(settings.notify.command, environ),
        ),
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
        preferences=Preferences(state_dir),
        open_keys=[InstanceKey(target, each) for each in ids],
        is_demo=is_demo,
        environ=environ,
    )
    try:
        return run_app(app, mouse=bool(settings.mouse), crash_directory=state_dir)
    finally:
        poller.stop()
