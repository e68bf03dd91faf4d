"""``wfinspect get``: print instances once."""

import argparse
import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import count_calls, read_instances, resolve_target
from wfinspect.export import as_csv, as_json
from wfinspect.model import Target, WorkflowInstance
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings


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
        help="json prints the service's object as it came, an array for several (default: table, on "
        "a terminal without columns it has no room for)",
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
    resolved = resolve_target(settings, environ)
    clock, calls = SystemClock(), Counter[Target]()
    try:
        with asyncio.Runner() as runner:
            reading = runner.run(
                read_instances(
                    resolved.target, ids, environ, clock, lambda: calls.update([resolved.target])
                )
            )
    finally:
        count_calls(settings, clock, calls)
    found = [reading.found[i] for i in ids if i in reading.found]
    if found:
        print(_printed(args, found, resolved.target.region, settings, is_several=len(ids) > 1))
    # Each error once, however many IDs it kept from being read.
    for sentence in dict.fromkeys(map(str, reading.errors.values())):
        output.say(sentence)
    return reading.exit_code


def _printed(
    args: argparse.Namespace,
    found: Sequence[WorkflowInstance],
    region: str,
    settings: Settings,
    *,
    is_several: bool,
) -> str:
    if args.field:
        return output.as_fields(found, args.field, has_id=is_several)
    if args.output == "json":
        return as_json(found, is_array=is_several)
    if args.output == "csv":
        return as_csv([(each, region) for each in found], settings.zone)
    return output.as_table(found, region, settings.zone, SystemClock().now(), output.room())
