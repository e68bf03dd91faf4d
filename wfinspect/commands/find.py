"""``wfinspect find``: print the instances of a workspace and business date that match."""

import argparse
import contextlib
from collections.abc import Mapping
from functools import partial

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import OnCall, resolve_target, run_counted, with_retries
from wfinspect.dataworks import connector
from wfinspect.errors import ServiceError
from wfinspect.model import FILTERS, Query, Target, WorkflowInstance, biz_date_of, zone_of
from wfinspect.search import WORDS, date_of, read_day, read_id, read_tag, read_word
from wfinspect.settings import Settings, home_of

MAX_FOUND = 1_000
"""Instances that are printed at most; one call brings a hundred."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    add_filters(parser)
    add_date(parser)
    output.add_output_option(parser, "an array of the service's objects as they came")


def add_date(parser: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    """Add the business date of a search."""
    parser.add_argument(
        "--bizdate",
        "--date",
        type=read_day,
        required=is_required,
        metavar="DATE",
        help="the business date: 2026-11-28, 20261128, today, yesterday, -2d",
    )


def add_filters(parser: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    """Add the workspace and the filters of a search, but for its date."""
    add = parser.add_argument

    def add_word(name: str) -> None:
        words = WORDS[name]
        add(
            f"--{name}",
            type=partial(read_word, words),
            choices=words,
            metavar=name.upper(),
            help=", ".join(words),
        )

    add(
        "--project",
        "--workspace",
        type=read_id,
        required=is_required,
        metavar="ID",
        help="the workspace",
    )
    add("--name", metavar="TEXT", help="a part of the name")
    add_word("status")
    add_word("type")
    add("--owner", metavar="ID", help="the owner's account ID")
    add(
        "--tag",
        type=read_tag,
        action="append",
        metavar="K:V",
        help="a tag; of several one is enough",
    )
    add("--workflow", type=read_id, metavar="ID", help="the workflow they are runs of")
    add(
        "--trigger",
        type=read_id,
        metavar="ID",
        help="what started them: a UnifiedWorkflowInstanceId",
    )
    add_word("env")


def query_of(args: argparse.Namespace, biz_date: int) -> Query:
    """Return the search that the arguments of `add_filters` describe."""
    given = ((name, getattr(args, word)) for word, name in FILTERS.items())
    filters = {name: value for name, value in given if value}
    return Query(biz_date=biz_date, tags=tuple(args.tag or ()), **filters)


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print what was found, also where a later page could not be read."""
    target, clock = resolve_target(settings, environ).target, SystemClock()
    zone = zone_of(target.region)
    day = date_of(args.bizdate, clock.now(), zone)
    query = query_of(args, biz_date_of(day, zone))
    found: dict[int, WorkflowInstance] = {}
    more, error = "", None
    try:
        more = run_counted(
            settings, clock, lambda on_call: _find(target, query, found, environ, clock, on_call)
        )
    except ServiceError as trouble:
        error = trouble
    some = tuple(found.values())[:MAX_FOUND]
    if some or (error is None and args.output != "table"):
        print(output.printed(args.output, some, target.region, settings.zone, is_several=True))
    elif error is None:
        output.say(
            f"No instance matches business date {day}. A daily run has the date of the day before it runs."
        )
    for sentence in filter(None, (more, str(error or ""))):
        output.say(sentence)
    return error.exit_code if error is not None else 0


async def _find(
    target: Target,
    query: Query,
    found: dict[int, WorkflowInstance],
    environ: Mapping[str, str],
    clock: Clock,
    on_call: OnCall,
) -> str:
    """Fill `found`, page by page; gives a sentence where there are more than are printed."""
    number = 0
    connect = connector(environ, home_of(environ), clock)
    async with contextlib.aclosing(await connect(target, lambda: on_call(target))) as client:
        while True:
            number += 1
            search = partial(client.find_workflow_instances, query, page=number)
            page = await with_retries(search, clock=clock)
            # New instances push others onto the next page, where they come again.
            before = len(found)
            found |= {each.id: each for each in page.items}
            if len(found) > MAX_FOUND or (len(found) == MAX_FOUND and not page.is_last):
                total = f" of {page.total:,}" if page.total else ""
                return (
                    f"Only the first {MAX_FOUND:,}{total} are printed: add filters for the others."
                )
            if page.is_last or len(found) == before:
                return ""
