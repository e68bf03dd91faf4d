"""``wfinspect follow``: have new instances of a workflow or a query join the watched list."""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, time, timedelta
from math import isfinite

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.find import add_filters, terms_of
from wfinspect.commands.once import requested, resolve_target, say_none, selected_by, selector
from wfinspect.errors import ServiceError, UsageError, did_you_mean
from wfinspect.format import listed, shown
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
from wfinspect.watching.api import MAX_NOTE, Find, InstanceOf, Row
from wfinspect.watching.follows import SHARE
from wfinspect.watching.lookups import query_of_workflow
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
            case ["remove", *words]:
                _remove(store, _meant(args, words, follows, store, settings, environ))
            case ["list", word, *_]:
                raise UsageError(f"{word[:40]!r} is one too many: wfinspect follow list")
            case words:
                target = resolve_target(settings, environ).target
                words = words[words[:1] == ["add"] :]
                query, found = _wanted(args, words, settings, environ)
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
    settings: Settings,
    environ: Mapping[str, str],
    rows: Sequence[Row] = (),
) -> tuple[Query, str]:
    """Return what is to be followed; of an instance, one of `rows` or as it is read, its workflow and name."""
    terms = _terms(args, words)
    if ids := [word for word in words if word.isdecimal() and len(word) >= ID_DIGITS]:
        if len(terms) > 1:
            raise UsageError(
                f"{ids[0]} is the ID of an instance: give it alone, and its workflow is followed."
            )
        key = InstanceKey(resolve_target(settings, environ).target, parse_id(ids[0]))
        stored = next((row.instance for row in rows if row.key == key), None)
        run = stored or requested(InstanceOf(key), settings, environ)
        if (query := query_of_workflow(run)) is None:
            raise UsageError(f"{key.id} can't be followed: what it is a run of is not known.")
        return query, run.name[:MAX_NOTE]
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
    # Which day it is does not matter: a follow has none.
    dated = [*terms, Term.of("date", "yesterday")]
    return to_follow(*to_query(dated, SystemClock().now(), UTC)), ""


def _terms(args: argparse.Namespace, words: Sequence[str]) -> list[Term]:
    """Return the search of options and words."""
    terms = [*terms_of(args), *parse_search(complete(words))]
    # Each run has an ID of its own: digits are a part of the name here.
    return [Term.of("name", str(t)) if str(t).isdecimal() else t for t in terms]


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


def _meant(
    args: argparse.Namespace,
    words: list[str],
    follows: list[Follow],
    store: Store,
    settings: Settings,
    environ: Mapping[str, str],
) -> list[Follow]:
    """Return the follows of numbers, or the one of an instance's workflow, or that a search matches.

    Raises:
        UsageError: there is none, or more than one.
    """
    terms, name = _terms(args, words), ""
    if not terms:
        raise UsageError(f"follow remove takes N, an ID or a name. {_choice(follows)}")
    if len(terms) == len(words) and all(w.isdecimal() and len(w) < ID_DIGITS for w in words):
        numbered = {str(each.number): each for each in follows}
        if unknown := [word for word in words if word not in numbered]:
            raise UsageError(f"There is no follow {unknown[0]}. {_choice(follows)}")
        return [numbered[word] for word in dict.fromkeys(words)]
    query: Query | None = None
    with contextlib.suppress(UsageError):  # what a follow can't do without may be left out
        query, name = _wanted(args, words, settings, environ, store.rows())
    names = {str(t).removeprefix("name=").casefold() for t in terms if t.name in {"", "name"}}
    fields = {str(t).casefold() for t in terms if t.name not in {"", "name"}}
    # A part of a number would be another one.
    matching = [f for f in follows if fields <= {*f.query.words().casefold().split()}]
    matching = [
        f for f in matching if all(n in f"{f.name} {f.query.name}".casefold() for n in names)
    ]
    exact_first = (
        [f for f in follows if f.query == query],
        # An instance is followed with its environment, a workflow mostly without.
        [f for f in follows if query and name and f.query == query._replace(env_type="")],
        [f for f in matching if f.name in words],
        matching,
    )
    found = next(filter(None, exact_first), [])
    if len(found) == 1:
        return found
    text = shown(" ".join([*map(str, terms_of(args)), *words]), limit=60)
    several = f"{len(found)} follows: {_choice(found, '')}"
    raise UsageError(f"{text} matches {several if found else f'no follow. {_choice(follows)}'}")


def _choice(follows: Sequence[Follow], start: str = "Followed: ") -> str:
    """Return the sentences on what there is to be ended, and how."""
    if not follows:
        return "Nothing is followed."
    names = [shown(f"{f.number} ({f'{f.name} {f.query.words()}'.strip()})") for f in follows]
    return f"{start}{listed(names, 5)}. To end one: wfinspect follow remove {follows[0].number}"


def _remove(store: Store, ended: Sequence[Follow]) -> None:
    numbers = {each.number for each in ended}
    brought = [row.key for row in store.rows() if row.follow in numbers]
    is_asked = bool(brought) and sys.stdin.isatty() and sys.stdout.isatty()
    question = f"Remove the rows that came by it, too ({len(brought)})? [y/N] "
    has_to_go = is_asked and input(question).strip().lower() in {"y", "yes"}
    for number in numbers:
        store.remove_follow(number)
    if has_to_go:
        store.save(Changes(removed=dict.fromkeys(brought)))
    named = ", ".join(f"{each.number} ({each.query.words()})" for each in ended)
    many = "Its row was" if len(brought) == 1 else f"Its {len(brought)} rows were"
    what = f" {many} {'removed' if has_to_go else 'kept on the list'}." if brought else ""
    output.say(f"No longer followed: {named}.{what}")


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
