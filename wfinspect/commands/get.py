"""``wfinspect get``: print instances once."""

import argparse
import asyncio
import random
import sys
from collections.abc import Mapping, Sequence

from wfinspect.clock import SystemClock
from wfinspect.commands import printing
from wfinspect.commands.binding import bind
from wfinspect.commands.reading import Reading, read
from wfinspect.config import Settings
from wfinspect.format import shown
from wfinspect.ids import parse_ids
from wfinspect.instance import Binding, InstanceId, WorkflowInstance
from wfinspect.paths import home_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "ids", nargs="+", metavar="ID", help="an ID, a list (1,2) or a range (100..120)"
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("table", "json", "csv"),
        default="table",
        help="json prints the service's object as it came, an array for several (default: table)",
    )
    parser.add_argument(
        "--field",
        action="append",
        metavar="NAME",
        help="print only this field's bare value, e.g. Status; may be given several times",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print what could be read; name on standard error what could not."""
    ids = parse_ids(" ".join(args.ids))
    bound = bind(settings, environ)
    reading = asyncio.run(_read(bound.binding, ids, environ))
    found = [reading.found[i] for i in ids if i in reading.found]
    if found:
        print(_printed(args, found, bound.binding.region, settings, is_several=len(ids) > 1))
    _name_errors(reading)
    return reading.exit_code


async def _read(binding: Binding, ids: Sequence[InstanceId], environ: Mapping[str, str]) -> Reading:
    from wfinspect.dataworks import open_client
    from wfinspect.dataworks.retry import with_retries

    clock = SystemClock()
    async with open_client(binding, environ, home_of(environ), clock) as client:
        return await read(
            client,
            ids,
            lambda attempt: with_retries(
                attempt, clock=clock, sleep=asyncio.sleep, rng=random.Random()
            ),
        )


def _printed(
    args: argparse.Namespace,
    found: Sequence[WorkflowInstance],
    region: str,
    settings: Settings,
    *,
    is_several: bool,
) -> str:
    if args.field:
        return printing.as_fields(found, args.field, has_id=is_several)
    if args.output == "json":
        return printing.as_json(found, is_array=is_several)
    if args.output == "csv":
        return printing.as_csv(found, region, settings.zone)
    return printing.as_table(found, region, settings.zone, SystemClock().now())


def _name_errors(reading: Reading) -> None:
    """Say each error once, however many IDs it kept from being read."""
    for sentence in dict.fromkeys(str(error) for error in reading.errors.values()):
        print(f"wfinspect: {shown(sentence, limit=4_000)}", file=sys.stderr)
