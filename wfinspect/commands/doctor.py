"""``wfinspect doctor``: whether a watch on this machine works and reaches its person."""

import argparse
import asyncio
import json
from collections.abc import Mapping

from wfinspect.clock import SystemClock
from wfinspect.config import Settings
from wfinspect.format import exact_json, shown

_ROOM_CELLS = 72


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument("--json", action="store_true", help="an array of check, level and text")
    parser.add_argument(
        "--try",
        dest="is_trial",
        action="store_true",
        help="send a bell, a desktop notification and the command, each if it is set",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each check; 1 if one of them failed."""
    with asyncio.Runner() as runner:
        return runner.run(_check_all(args, settings, environ))


async def _check_all(
    args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]
) -> int:
    from wfinspect.commands.doctor_service import ServiceChecks
    from wfinspect.commands.doctor_store import StoreChecks
    from wfinspect.commands.doctor_terminal import terminal_checks
    from wfinspect.commands.finding import findings

    clock = SystemClock()
    stored = StoreChecks(settings, clock)
    service = ServiceChecks(settings, environ, clock, stored.instances)
    told = []
    try:
        async for name, found in findings(
            [
                *stored.checks(),
                *service.checks(),
                stored.count(lambda: service.binding, service.calls),
                *terminal_checks(environ, settings.notify, is_trial=args.is_trial),
            ]
        ):
            told.append({"check": name, "level": found.level.value, "text": found.text})
            if not args.json:
                # At once, so that a slow check is seen to be one.
                print(_line(f"{found.level:<7}  {name:<21}", shown(found.text)), flush=True)
    finally:
        await service.aclose()
    if args.json:
        print(exact_json(json.dumps(told, indent=1)))
    return int(any(each["level"] == "failure" for each in told))


def _line(head: str, text: str) -> str:
    """A check on one line; on a terminal its text stays in its column where that has room."""
    from wfinspect.commands.printing import room

    if (width := room()) is None:
        return f"{head}  {text}"
    import textwrap

    indent = " " * (len(head) + 2 if width >= _ROOM_CELLS else 2)
    parts = textwrap.wrap(
        text,
        width - 1,
        initial_indent=f"{head}  ",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(parts) or head
