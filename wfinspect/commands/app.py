"""``wfinspect [ID ...]``: the app on the user's own account."""

import argparse
from collections.abc import Mapping

from wfinspect.clock import SystemClock
from wfinspect.commands.binding import bind
from wfinspect.commands.screen import Screen, show
from wfinspect.config import Settings
from wfinspect.dataworks import connector
from wfinspect.ids import parse_ids
from wfinspect.instance import InstanceKey
from wfinspect.paths import home_of


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
    bound = bind(settings, environ)
    clock = SystemClock()
    return show(
        Screen(
            settings=settings,
            state_dir=settings.paths.state_dir,
            binding=bound.binding,
            connect=connector(environ, home_of(environ), clock),
            clock=clock,
            open_keys=tuple(InstanceKey(bound.binding, i) for i in ids),
        ),
        environ,
    )
