"""``wfinspect get``: print instances once."""

import argparse
from collections.abc import Mapping

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import given_keys, read_instances, run_counted, say_errors
from wfinspect.model import WorkflowInstance
from wfinspect.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_ids(parser, nargs="+", without=f"; {output.A_WORD}")
    output.add_output_option(
        parser,
        "the service's object as it came, an array for several",
        keys=output.SERVICE_NAMES,
        field="print this value as the service has it, e.g. Status, Tags.team or "
        "WorkflowParameters.bizdate; times are milliseconds. Several, as in Status,Name, are "
        "separated by tabs; with several IDs the ID comes first, unless it is named",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print what could be read; name on standard error what could not."""
    keys = given_keys(args.ids, settings, environ)
    target, clock = keys[0].target, SystemClock()
    outcomes = run_counted(
        settings, clock, lambda on_call: read_instances(keys, environ, clock, on_call)
    )
    found = [each for key in keys if isinstance(each := outcomes[key], WorkflowInstance)]
    is_several = len(keys) > 1
    form = args.output
    if isinstance(form, output.Fields) and is_several and "id" not in map(str.casefold, form):
        form = output.Fields(("Id", *form))
    # An array or a table of none, too, is one that a script can read.
    if found or (is_several and form in {"json", "csv"}):
        links = [settings.link_to(target, each) for each in found]
        region, zone = target.region, settings.zone
        print(output.printed(form, found, region, zone, is_several=is_several, links=links))
    return say_errors(outcomes)
