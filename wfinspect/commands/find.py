"""``wfinspect find``: print the instances of a workspace and business date that match."""

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import bind, count_calls
from wfinspect.errors import ServiceError, UsageError
from wfinspect.export import as_csv, as_json
from wfinspect.model import Query, Status, Tag, Target, WorkflowInstance, biz_date_of
from wfinspect.parsing import read_number
from wfinspect.regions import zone_of
from wfinspect.settings import Settings, home_of

MAX_FOUND = 1_000
"""Instances that are printed at most; one call brings a hundred."""

_TYPES = ("Normal", "Manual", "SmokeTest", "SupplementData", "ManualWorkflow", "TriggerWorkflow")
_ENVS = ("Prod", "Dev")
_STATUSES = tuple(str(s) for s in Status if s not in {Status.UNKNOWN, Status.WAIT_TRIGGER})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    add = parser.add_argument
    add(
        "--project",
        type=partial(_id, "--project"),
        required=True,
        metavar="ID",
        help="the workspace",
    )
    add("--bizdate", type=_date, required=True, metavar="YYYY-MM-DD", help="the business date")
    add("--name", metavar="TEXT", help="a part of the name")
    _add_words(parser, "--status", _STATUSES)
    _add_words(parser, "--type", _TYPES)
    add("--owner", metavar="ID", help="the owner's account ID")
    add("--tag", type=_tag, action="append", metavar="K:V", help="a tag; of several one is enough")
    add(
        "--workflow",
        type=partial(_id, "--workflow"),
        metavar="ID",
        help="the workflow they are runs of",
    )
    _add_words(parser, "--env", _ENVS)
    add(
        "-o",
        "--output",
        choices=("table", "json", "csv"),
        default="table",
        help="json prints an array of the service's objects as they came (default: table, on a "
        "terminal without columns it has no room for)",
    )


def _add_words(parser: argparse.ArgumentParser, option: str, words: Sequence[str]) -> None:
    """Add an option that takes one of the service's words, in any case."""
    parser.add_argument(
        option,
        type=partial(_word, option, words),
        choices=words,
        metavar=option[2:].upper(),
        help=_list(words),
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print what was found, also where a later page could not be read."""
    target = bind(settings, environ).target
    query = Query(
        args.project,
        biz_date_of(args.bizdate, zone_of(target.region)),
        name=args.name or "",
        status=args.status or "",
        type=args.type or "",
        owner=args.owner or "",
        env_type=args.env or "",
        tags=tuple(args.tag or ()),
        workflow_id=args.workflow,
    )
    clock, calls = SystemClock(), Counter[Target]()
    found: dict[int, WorkflowInstance] = {}
    try:
        with asyncio.Runner() as runner:
            more = runner.run(
                _find(target, query, found, environ, clock, lambda: calls.update([target]))
            )
        error = None
    except ServiceError as trouble:
        more, error = "", trouble
    finally:
        count_calls(settings, clock, calls)
    _print(args, tuple(found.values())[:MAX_FOUND], target.region, settings, has_all=error is None)
    for sentence in filter(None, (more, str(error or ""))):
        output.say(sentence)
    return error.exit_code if error is not None else 0


async def _find(
    target: Target,
    query: Query,
    found: dict[int, WorkflowInstance],
    environ: Mapping[str, str],
    clock: Clock,
    on_call: Callable[[], None],
) -> str:
    """Fill `found`, page by page; gives a sentence where there are more than are printed."""
    from wfinspect.commands.once import with_retries
    from wfinspect.dataworks import open_client

    rng, number = random.Random(), 0
    async with open_client(target, environ, home_of(environ), clock, on_call) as client:
        while True:
            number += 1
            page = await with_retries(
                lambda n=number: client.find_workflow_instances(query, page=n),  # type: ignore[misc]
                clock=clock,
                sleep=asyncio.sleep,
                rng=rng,
            )
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


def _print(
    args: argparse.Namespace,
    found: Sequence[WorkflowInstance],
    region: str,
    settings: Settings,
    *,
    has_all: bool,
) -> None:
    if args.output == "json" and (found or has_all):
        print(as_json(found, is_array=True))
    elif args.output == "csv" and (found or has_all):
        print(as_csv([(each, region) for each in found], settings.zone))
    elif found:
        now, room = SystemClock().now(), output.room()
        print(output.as_lines(found, region, settings.zone, now, room))
    elif has_all:
        output.say("No instance matches.")


def _id(option: str, text: str) -> int:
    if (number := read_number(text)) is None:
        raise UsageError(f"{option}: {text!r} is no ID: use digits only, e.g. 88123.")
    return number


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--bizdate: {text!r} is no date: write it as 2026-09-17.") from None


def _tag(text: str) -> Tag:
    key, colon, value = text.partition(":")
    if not (key and colon):
        raise UsageError(f"--tag: {text!r} is no tag: write it as key:value or key:")
    return Tag(key, value)


def _word(option: str, words: Sequence[str], text: str) -> str:
    known = {word.lower(): word for word in words}
    if text.lower() not in known:
        raise UsageError(f"{option}: {text!r} is none of {_list(words)}.")
    return known[text.lower()]


def _list(words: Sequence[str]) -> str:
    return ", ".join(words)
