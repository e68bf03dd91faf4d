"""``wfinspect find``: print the instances of a workspace and business date that match."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from wfinspect.commands import COMMANDS, output
from wfinspect.commands.once import Requester, resolve_target, say_none
from wfinspect.errors import ServiceError
from wfinspect.format import biz_day
from wfinspect.model import FILTERS, InstanceKey, Query, WorkflowInstance, zone_of
from wfinspect.search import (
    SPELLED,
    WORDS,
    Term,
    complete,
    date_of,
    hint_on,
    matcher,
    none_found,
    parse_search,
    read_day,
    read_id,
    read_owner,
    read_tag,
    read_word,
    read_words,
    to_query,
)
from wfinspect.settings import Settings
from wfinspect.watching.api import Find

MAX_FOUND = 1_000
"""Instances that are read at most; one call brings a hundred."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "search",
        nargs="*",
        metavar="WORD",
        help="as in the app: parts of the name or ID, status=failure, !word; `wfinspect help search`",
    )
    parser.set_defaults(searched=SPELLED)
    add_filters(parser)
    add_date(parser)
    output.add_output_option(parser, "an array of the service's objects", keys=output.SERVICE_NAMES)


def add_date(parser: argparse.ArgumentParser) -> None:
    """Add the business date of a search."""
    parser.add_argument(
        "--bizdate",
        "--date",
        type=read_day,
        metavar="DATE",
        help="the business date: 2026-11-28, 20261128, today, yesterday, -2d, by the clock of the region",
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the workspace and the filters of a search, but for its date."""
    filters = parser.add_argument_group("filters")
    add = filters.add_argument

    def add_word(name: str) -> None:
        words = WORDS[name]
        add(
            f"--{name}",
            type=partial(read_words if name == "status" else read_word, words),
            choices=words,
            metavar=name.upper(),
            help=", ".join(words),
        )

    add("--project", "--workspace", type=read_id, metavar="ID", help="the workspace")
    add("--name", metavar="TEXT", help="a part of the name")
    add_word("status")
    add_word("type")
    add("--owner", type=read_owner, metavar="ID", help="the owner's account ID")
    add(
        "--tag",
        type=read_tag,
        action="append",
        metavar="K:V",
        help="a tag, or its key alone; of several one is enough",
    )
    add("--workflow", type=read_id, metavar="ID", help="the workflow")
    add(
        "--trigger",
        type=read_id,
        metavar="ID",
        help="what started them: a UnifiedWorkflowInstanceId",
    )
    add_word("env")


def terms_of(args: argparse.Namespace) -> Iterator[Term]:
    """Yield what the options of `add_filters` say, as the words of a search."""
    for name in FILTERS:
        if value := getattr(args, name):
            yield Term.of(name, str(value))
    for tag in args.tag or ():
        yield Term.of("tag", tag if isinstance(tag, str) else ":".join(tag))


_HOW = {
    "workspace": ("--project ", "a workspace: --project 88123"),
    "date": (
        "--bizdate ",
        f"a business date: --bizdate yesterday, as in wfinspect {COMMANDS['find'].examples[0]}",
    ),
}


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print what was found, also where a later page could not be read."""
    requester = Requester(resolve_target(settings, environ).target, settings, environ)
    target, now = requester.target, requester.clock.now()
    zone = zone_of(target.region)
    terms = [*terms_of(args), *parse_search(complete(args.search))]
    if args.bizdate is not None:
        terms.append(Term.of("date", str(date_of(args.bizdate, now, zone))))
    query, left = to_query(terms, now, zone, *[_HOW] * ("=" not in "".join(args.search)))
    found: dict[int, WorkflowInstance] = {}
    more, error = "", None
    try:
        more = requester.run(_find(requester, query, found))
    except ServiceError as trouble:
        error = trouble
    read = (*found.values(),)[:MAX_FOUND]

    def matching(terms: Iterable[Term]) -> list[WorkflowInstance]:
        matches = matcher(terms, now)
        return [each for each in read if matches(InstanceKey(target, each.id), each, each.status)]

    some = matching(left)
    if some or (error is None and args.output in {"json", "csv"}):
        print(output.printed(args.output, some, target.region, settings.zone, is_several=True))
    if not (some or error):
        day = biz_day(query.biz_date, zone)
        of = f"Of workspace {query.project_id} and business date {day}"
        say_none(args.output, f"{of}, no {none_found(terms, query, now, zone)}")
    # A word with ! that leaves nothing out, such as !success, may be meant for a status.
    words = [each for each in left if each.is_negated and not each.name] if some else []
    hint = hint_on(" ".join(str(each) for each in words if len(matching([each])) == len(read)))
    for sentence in filter(None, (more, hint.strip(), str(error or ""))):
        output.say(sentence)
    return error.exit_code if error is not None else 0


async def _find(requester: Requester, query: Query, found: dict[int, WorkflowInstance]) -> str:
    """Fill `found`, page by page; gives a sentence where there are more than are printed."""
    number = 0
    while True:
        number += 1
        page = await requester.answer(Find(requester.target, query, number))
        # New instances push others onto the next page, where they come again.
        before = len(found)
        found |= {each.id: each for each in page.items}
        if len(found) > MAX_FOUND or (len(found) == MAX_FOUND and not page.is_last):
            total = f" of {page.total:,}" if page.total else ""
            return f"Only the first {MAX_FOUND:,}{total} are read: add filters for the others."
        if page.is_last or len(found) == before:
            return ""
