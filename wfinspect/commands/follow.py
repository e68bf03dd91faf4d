"""``wfinspect follow``: have new instances of a workflow or a query join the watched list."""

import argparse
import contextlib
import sys
from collections.abc import Mapping
from datetime import time, tzinfo
from math import isfinite

from wfinspect.clock import SystemClock
from wfinspect.commands.find import add_filters, query_of
from wfinspect.commands.once import resolve_target
from wfinspect.commands.output import VERSION, Values, add_output_option, aligned, as_rows, say
from wfinspect.errors import StoreError, UsageError
from wfinspect.model import Follow, Query, Target
from wfinspect.settings import Settings
from wfinspect.watching.store import Changes, Store

_DAY_SECONDS = 86_400
_MOST_DAYS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument("words", nargs="*", metavar="list | remove N", help=argparse.SUPPRESS)
    add_filters(parser, is_required=False)
    parser.add_argument(
        "--keep",
        type=_days,
        default=3.0,
        metavar="DAYS",
        help="how long a success stays on the list; 3 by default",
    )
    parser.add_argument(
        "--by",
        type=_time_of_day,
        metavar="HH:MM",
        help="the runs are to be done by this time on the day after the business date",
    )
    add_output_option(parser, "an array of what is followed")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Change or print what the store has; a wfinspect that runs takes that over within seconds."""
    clock = SystemClock()
    with contextlib.closing(Store(settings.paths.state_dir, clock.now)) as store:
        try:
            follows = store.follows()
            match args.words:
                case ["list"]:
                    _print(follows, args.output, settings.zone)
                case ["remove", *numbers] if numbers:
                    _remove(store, follows, numbers)
                case []:
                    target = resolve_target(settings, environ).target
                    new = Follow(0, target, _query(args), clock.now(), args.keep, args.by)
                    _add(store, follows, new)
                case words:
                    raise UsageError(
                        f"{words[0]!r} can't be followed: give --project ID with --workflow ID or another "
                        "filter, or one of: list, remove N."
                    )
        except StoreError as error:
            raise UsageError(f"Nothing was changed. {error}") from error
    return 0


def _query(args: argparse.Namespace) -> Query:
    if args.project is None:
        raise UsageError("--project ID is missing: the workspace whose runs are to be followed.")
    query = query_of(args, 0)
    if query.is_whole_workspace:
        raise UsageError(
            "A whole workspace can't be followed: add --workflow ID or another filter, "
            "such as --name, --owner or --tag."
        )
    return query


def _add(store: Store, follows: list[Follow], follow: Follow) -> None:
    same = next((each for each in follows if each[1:3] == follow[1:3]), None)
    if same is not None:
        say(f"Followed already, as {same.number}.")
        return
    kept = store.add_follow(follow)
    print(f"{kept.number}  {kept.query.words()}")
    looks = _DAY_SECONDS // 60 + _DAY_SECONDS // 600
    say(
        f"Followed as {kept.number}. Its new runs join the list of every wfinspect that runs. "
        f"That costs up to {looks:,} calls a day for the workspace, and at most a quarter of the "
        "budget where they answer no poll."
    )


def _remove(store: Store, follows: list[Follow], numbers: list[str]) -> None:
    known = {str(each.number): each for each in follows}
    if unknown := [number for number in numbers if number not in known]:
        raise UsageError(
            f"Nothing is followed as {unknown[0]}: wfinspect follow list prints the numbers."
        )
    brought = [row.key for row in store.rows() if str(row.follow) in numbers]
    is_asked = bool(brought) and sys.stdin.isatty() and sys.stdout.isatty()
    question = f"Remove the rows that came by it, too ({len(brought)})? [y/N] "
    has_to_go = is_asked and input(question).strip().lower() in {"y", "yes"}
    for number in numbers:
        store.remove_follow(known[number].number)
    if has_to_go:
        store.save(Changes(removed=dict.fromkeys(brought)))
    kept = " Its rows stay on the list." if brought and not has_to_go else ""
    say(f"Not followed any more.{kept}")


def _print(follows: list[Follow], form: str, zone: tzinfo) -> None:
    if form != "table":
        print(as_rows(form, [*map(follow_values, follows)], _KEYS, zone))
    elif follows:
        heading = ("N", "FOLLOWED", "PROFILE", "REGION", "KEEP", "BY")
        rows = [
            (str(f.number), f.query.words(), *f.target[:2], f"{f.keep_days:g}d", f.due)
            for f in follows
        ]
        print(aligned([heading, *rows]))
    else:
        say("Nothing is followed. Follow a workflow: wfinspect follow --project ID --workflow ID")


_KEYS = ("number", "query", *Target._fields, "added_at", "keep_days", "by", "version")


def follow_values(follow: Follow) -> Values:
    """Return a follow as JSON has it; ``filters`` has all that ``query`` says, without quoting."""
    given = follow.query._replace(biz_date=0)._asdict()
    return {
        "number": follow.number,
        "query": follow.query.words(),
        "filters": {name: value for name, value in given.items() if value},
        **follow.target._asdict(),
        "added_at": follow.added_at,
        "keep_days": follow.keep_days,
        "by": follow.due or None,
        "version": VERSION,
    }


def is_bounded(follow: Follow) -> bool:
    """Return whether a follow is of less than a whole workspace, and lets go of what it brings."""
    return follow.query != Query(follow.query.project_id, 0) and 0 < follow.keep_days <= _MOST_DAYS


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not (isfinite(days) and 0 < days <= _MOST_DAYS):
        raise UsageError(f"--keep: {text[:40]!r} is not a number of days up to {_MOST_DAYS}.")
    return days


def _time_of_day(text: str) -> str:
    try:
        return f"{time.fromisoformat(text.zfill(len('07:00'))):%H:%M}"
    except ValueError:
        raise UsageError(f"--by: {text[:40]!r} is not a time of day such as 07:00.") from None
