"""``wfinspect follow``: have new instances of a workflow or a query join the watched list."""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from math import isfinite

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.find import add_filters, terms_of
from wfinspect.commands.once import requested, resolve_target, say_none, selected_by, selector
from wfinspect.errors import ServiceError, UsageError, did_you_mean
from wfinspect.format import shown
from wfinspect.model import Follow, InstanceKey, Query, Target, biz_date_of, zone_behind, zone_of
from wfinspect.parsing import parse_id
from wfinspect.search import (
    ID_DIGITS,
    SPELLED,
    Term,
    complete,
    has_field,
    hint_on,
    parse_search,
    to_follow,
    to_query,
)
from wfinspect.settings import Settings
from wfinspect.watching.api import MAX_NOTE, Find, InstanceOf
from wfinspect.watching.follows import SHARE
from wfinspect.watching.lookups import CATCH_ALL
from wfinspect.watching.store import Changes, Store

_MOST_DAYS = 30
_NO_CONTACT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="as in find: parts of the name, status=failure; or one instance's ID, for its workflow",
    )
    parser.set_defaults(searched=SPELLED)
    add_filters(parser)
    parser.add_argument(
        "--keep",
        type=_days,
        metavar="DAYS",
        help="how long a success stays on the list (default: 3)",
    )
    parser.add_argument(
        "--by",
        type=_time_of_day,
        metavar="HH:MM",
        help="the runs are to be done by this time, in the region's zone, on the day after the business date; "
        "none takes it away",
    )
    output.add_output_option(parser, "an array of what is followed", keys=(*_KEYS, "filters"))


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Change or print what the store has; a wfinspect that runs takes that over within seconds."""
    clock = SystemClock()
    with contextlib.closing(Store(settings.paths.state_dir, clock.now)) as store:
        is_selected = selector(settings, environ, store)
        follows = [each for each in store.follows() if is_selected(each.target)]
        match args.words:
            case ["list"]:
                _print(follows, args.output, settings)
            case ["remove"]:
                raise UsageError(f"follow remove takes N, an ID or a name: {_NUMBERS}")
            case ["remove", *words]:
                _remove(store, follows, _meant(words, follows, settings, environ))
            case ["list", word, *_]:
                raise UsageError(f"{word[:40]!r} is one too many: wfinspect follow list")
            case words:
                target = resolve_target(settings, environ).target
                words = words[words[:1] == ["add"] :]
                query, found = _wanted(args, words, target, settings, environ)
                same = next((f for f in follows if (f.target, f.query) == (target, query)), None)
                if not (same or found):
                    checked = _checked(target, query, " ".join(words), settings, environ)
                    if isinstance(checked, ServiceError):
                        output.say(f"Not followed. {checked}")
                        return checked.exit_code
                    found = checked
                new = Follow(0, target, query, clock.now(), name=found)
                _keep(store, same, new, args, settings)
    return 0


def _wanted(
    args: argparse.Namespace,
    words: Sequence[str],
    target: Target,
    settings: Settings,
    environ: Mapping[str, str],
) -> tuple[Query, str]:
    """Return what is to be followed; of an instance its workflow, and the name of that."""
    options = [*terms_of(args)]
    if ids := [word for word in words if word.isdecimal() and len(word) >= ID_DIGITS]:
        if options or len(words) > 1:
            raise UsageError(
                f"{ids[0]} is the ID of an instance: give it alone, and its workflow is followed."
            )
        return _workflow_of(InstanceKey(target, parse_id(ids[0])), settings, environ)
    terms = [*options, *parse_search(complete(words))]
    # Each run has an ID of its own: digits are a part of the name here.
    terms = [Term.of("name", str(t)) if str(t).isdecimal() else t for t in terms]
    if not has_field("workspace", terms):
        if not words:
            missing = "--project ID is missing: the workspace whose runs are to be followed."
            if not terms:
                missing = "Give an instance, to follow its workflow: wfinspect follow 10432987165."
            raise UsageError(f"{missing} What is followed is shown by wfinspect follow list.")
        advice = "add its workspace, such as workspace=88123, or give the ID of an instance."
        hint = did_you_mean(words[0], ("remove", "list"), advice)
        raise UsageError(f"{shown(words[0], limit=40)!r} can't be followed: {hint}")
    if any(term.name == "date" for term in terms):
        raise UsageError("date= can't be followed: runs of all coming dates are. Leave it out.")
    now, zone = SystemClock().now(), zone_of(target.region)
    query = to_follow(*to_query([*terms, Term.of("date", "yesterday")], now, zone))
    return query, ""


def _workflow_of(
    key: InstanceKey, settings: Settings, environ: Mapping[str, str]
) -> tuple[Query, str]:
    """Read an instance; return the query of its workflow, and its name."""
    found = requested(InstanceOf(key), settings, environ)
    if not found.project_id or (found.workflow_id or 0) <= CATCH_ALL:
        raise UsageError(f"{key.id} can't be followed: what it is a run of is not known.")
    query = Query(found.project_id, 0, env_type=found.env_type, workflow_id=found.workflow_id)
    return query, found.name[:MAX_NOTE]


def _checked(
    target: Target, query: Query, words: str, settings: Settings, environ: Mapping[str, str]
) -> str | ServiceError:
    """Search once, and return the name of a workflow's run, "" for none, or why the service refuses that.

    Without contact, say that it is not known.
    """
    zone = zone_of(target.region)
    # Its daily runs are there; those of today's are made late in the evening.
    day = SystemClock().now().astimezone(zone).date() - timedelta(days=1)
    dated = query._replace(biz_date=biz_date_of(day, zone))
    try:
        page = requested(Find(target, dated), settings, environ)
    except ServiceError as error:
        if error.exit_code != _NO_CONTACT:
            return error
        output.say(f"The workspace was not checked. {error}")
        return ""
    names = [each.name for each in page.items if dated.matches(each)]
    if page.is_last and not names:
        output.say(
            f"No run of business date {day} matches. If you expected one, check the filters."
            f"{hint_on(words)}"
        )
    return next(filter(None, names), "")[:MAX_NOTE] if query.workflow_id else ""


def _keep(
    store: Store, same: Follow | None, new: Follow, args: argparse.Namespace, settings: Settings
) -> None:
    """Keep a new follow, or what is given of another one's deadline and days."""
    before = same or new
    kept = before._replace(
        keep_days=before.keep_days if args.keep is None else args.keep,
        due=before.due if args.by is None else args.by,
    )
    if kept != same:
        kept = store.add_follow(kept)
    options = f"keep={kept.keep_days:g}d" + (f" by={kept.due}" if kept.due else "")
    print(f"{kept.number}  {kept.query.words()}  {options}")
    if args.by and (by := _by(kept, settings)) != kept.due:
        output.say(f"Its runs are due by {by}, the zone of {kept.target.region}.")
    if same is not None:
        changed = f"Changed: {kept.number} has {options} now."
        output.say(f"Followed already, as {kept.number}." if kept == same else changed)
        return
    output.say(
        f"Followed as {kept.number}. New runs join the list by themselves while the app or "
        "watch --forever runs. Looking for them takes at most "
        f"{int(settings.budget * SHARE):,} of the day's {settings.budget:,} calls, for all that is followed together."
    )


_NUMBERS = "wfinspect follow list prints the numbers."


def _meant(
    words: list[str], follows: Sequence[Follow], settings: Settings, environ: Mapping[str, str]
) -> list[str]:
    """Return the numbers that are given, else that of the one follow of an instance or of words."""
    known = {str(each.number) for each in follows}
    if unknown := [word for word in words if word not in known and word.isdecimal()]:
        if len(words) > 1 or len(unknown[0]) < ID_DIGITS:
            raise UsageError(f"There is no follow {unknown[0]}: {_NUMBERS}")
        key = InstanceKey(resolve_target(settings, environ).target, parse_id(unknown[0]))
        query, _ = _workflow_of(key, settings, environ)
        found = [each for each in follows if (each.target, each.query) == (key.target, query)]
    elif known.issuperset(words):
        return words
    else:
        wanted = " ".join(words).casefold().split()
        found = [
            each
            for each in follows
            if all(word in f"{each.name} {each.query.words()}".casefold() for word in wanted)
        ]
    if len(found) != 1:
        text, count = shown(" ".join(words), limit=60), len(found) or "no"
        raise UsageError(f"{text} matches {count} follow{'s' * (len(found) > 1)}: {_NUMBERS}")
    return [str(found[0].number)]


def _remove(store: Store, follows: list[Follow], numbers: list[str]) -> None:
    known = {str(each.number): each for each in follows}
    brought = [row.key for row in store.rows() if str(row.follow) in numbers]
    is_asked = bool(brought) and sys.stdin.isatty() and sys.stdout.isatty()
    question = f"Remove the rows that came by it, too ({len(brought)})? [y/N] "
    has_to_go = is_asked and input(question).strip().lower() in {"y", "yes"}
    for number in numbers:
        store.remove_follow(known[number].number)
    if has_to_go:
        store.save(Changes(removed=dict.fromkeys(brought)))
    ended = ", ".join(f"{number} ({known[number].query.words()})" for number in numbers)
    many = "Its row was" if len(brought) == 1 else f"Its {len(brought)} rows were"
    what = f" {many} {'removed' if has_to_go else 'kept on the list'}." if brought else ""
    output.say(f"No longer followed: {ended}.{what}")


def _by(follow: Follow, settings: Settings) -> str:
    """Return a deadline with its zone, where other times are shown in another."""
    if not follow.due:
        return ""
    return f"{follow.due}{zone_behind(follow.due_at(SystemClock().now()), settings.zone)}"


def _print(follows: list[Follow], form: str, settings: Settings) -> None:
    if form != "table":
        output.print_rows(form, [*map(follow_values, follows)], _KEYS, settings.zone)
    elif follows:
        places = output.where([each.target for each in follows])
        rows: list[tuple[str, ...]] = [("N", "NAME", "FOLLOWED", "KEEP", "BY")]
        for each in follows:
            texts = (shown(text, limit=200) for text in (each.name, each.query.words()))
            rows.append((str(each.number), *texts, f"{each.keep_days:g}d", _by(each, settings)))
        steps = (("NAME", 12), ("ENDPOINT", 12), ("NAME", 0))
        print(output.fitted([rows, places], output.room(), steps))
    if not follows:
        none = "Nothing is followed. Follow the workflow of an instance: wfinspect follow ID"
        given = selected_by(settings)
        say_none(form, f"Nothing of {given} is followed." if given else none)


_KEYS = (
    *("number", "query", *Target._fields, "added_at", "keep_days", "by", "by_zone", "name"),
    "version",
)


def follow_values(follow: Follow) -> output.Values:
    """Return a follow as JSON has it; ``filters`` has all that ``query`` says, without quoting."""
    given = follow.query._replace(biz_date=0)._asdict()
    return {
        "number": follow.number,
        "query": follow.query.words(),
        "filters": {name: value for name, value in given.items() if value},
        **follow.target._asdict(),
        "added_at": follow.added_at,
        "keep_days": int(days) if (days := follow.keep_days).is_integer() else days,
        "by": follow.due or None,
        "by_zone": zone_of(follow.target.region).key if follow.due else None,
        "name": follow.name or None,
        "version": output.VERSION,
    }


def is_bounded(follow: Follow) -> bool:
    """Return whether a follow is of less than a whole workspace, and lets go of what it brings."""
    return not follow.query.is_whole_workspace and 0 < follow.keep_days <= _MOST_DAYS


def _days(text: str) -> float:
    try:
        days = float(text.removesuffix("d"))
    except ValueError:
        days = -1.0
    if not (isfinite(days) and 0 < days <= _MOST_DAYS):
        raise UsageError(f"{text[:40]!r} is not a number of days up to {_MOST_DAYS}.")
    return days


def _time_of_day(text: str) -> str:
    if text.casefold() == "none":
        return ""
    padded = text.zfill(len("07:00"))
    # A longer one has seconds, or a zone: it is the region's.
    if len(padded) == len("07:00"):
        with contextlib.suppress(ValueError):
            return f"{time.fromisoformat(padded):%H:%M}"
    raise UsageError(f"{text[:40]!r} is not a time of day such as 07:00.")
