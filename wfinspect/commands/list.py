"""``wfinspect list``: prints and edits the watched list, from what is stored and without a call."""

import argparse
import csv
import io
import json
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, NamedTuple

from wfinspect.clock import Clock, Moment, SystemClock
from wfinspect.commands import LIST_ACTIONS, output
from wfinspect.commands.follow import follow_values, is_bounded
from wfinspect.commands.once import (
    Selector,
    empty_list,
    given_key,
    given_keys,
    read_input,
    resolve_target,
    say_found,
    say_none,
    selected_rows,
    selector,
    stored,
    stored_profiles,
)
from wfinspect.errors import NotFound, UsageError, did_you_mean, none_of
from wfinspect.export import unguarded
from wfinspect.format import duration, listed, shown
from wfinspect.format import moment as moment_of
from wfinspect.model import (
    Family,
    Follow,
    InstanceKey,
    Query,
    Target,
    Transition,
    WorkflowInstance,
    family_of,
)
from wfinspect.parsing import FoundIds, decoded, find_ids, parse_id, parse_ids, read_id_file
from wfinspect.search import SPELLED, Term, has_field, ids_and_search, matcher, none_match
from wfinspect.settings import Settings
from wfinspect.watching.api import MAX_NOTE, Row, state_since
from wfinspect.watching.store import (
    Changes,
    Store,
    read,
    read_follow,
    read_time,
    text_of,
    to_microseconds,
)
from wfinspect.watching.summary import MARKS

KEYS = (
    *("id", "name", "status", "since", "read_at", "live", "unseen", "gone", "late", "due_at"),
    *("note", "follow", *Target._fields, "version"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=LIST_ACTIONS,
        metavar="ACTION|WORD",
        help="add ID..., remove ID..., note ID TEXT, export (as JSON, or with -o csv), import FILE; "
        "without one, print the rows that match words of a search: ads, status=failure, !word",
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="ID|TEXT|FILE",
        help='IDs, ranges, a name on the list; a note, "" to remove it; what was exported, or any file of IDs, - for standard input',
    )
    output.add_output_option(parser, "an array of rows", keys=KEYS)
    parser.set_defaults(output="", searched=SPELLED)  # an export as a table is refused


def _refuse_mistyped(word: str, others: Sequence[str]) -> None:
    """Refuse a first word that is no action, and rather one than a word of a search."""
    hint = did_you_mean(word, LIST_ACTIONS, "")
    # Of a short one, such as ads, only what stands behind it says so.
    if len(word) == len("add") and not any(map(find_ids, others)):
        hint = ""
    if word in {"show", "ls", "list", "print"}:
        hint = "`wfinspect list` alone prints it."
    if hint:
        raise UsageError(f"list: {none_of(word, LIST_ACTIONS, hint)}")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print or edit the list; an app that runs takes edits over."""
    clock = SystemClock()
    if args.action == "export":
        if args.what:
            is_word = "=" in args.what[0]
            what = "words of a search, it prints the whole list" if is_word else "ID, it prints"
            file = "list.json" if is_word else args.what[0][:40]
            raise UsageError(f"list export takes no {what}: wfinspect list export > {file}")
        if args.output not in {"", "json", "csv"}:
            raise UsageError("list export prints JSON, or with -o csv CSV.")
    elif args.action in LIST_ACTIONS:
        output.say(stored(settings, clock, _edit(args, settings, environ, clock)))
        return 0
    elif args.action is not None:
        if "=" not in args.action:
            _refuse_mistyped(args.action, args.what)
        args.action, args.what = None, [args.action, *args.what]
    stored(settings, clock, partial(_print, args=args, settings=settings, environ=environ))
    return 0


def _edit(
    args: argparse.Namespace, settings: Settings, environ: Mapping[str, str], clock: Clock
) -> Callable[[Store], str]:
    """Return what edits the list, and returns what was done."""
    if args.action == "import" and len(args.what) != 1:
        raise UsageError("list import takes one file, or - for standard input.")
    if args.action == "note" and len(args.what) < len(("ID", "TEXT")):
        example = f'wfinspect list note {(*args.what, "10432987165")[0][:40]} "rerun by Li"'
        raise UsageError(f"list note takes an ID and a text: {example}")
    others = partial(stored, settings, clock, stored_profiles)
    target, now = resolve_target(settings, environ, others).target, clock.now()
    if args.action == "import":
        return partial(merge, brought=_read(args.what[0], target, now), now=now)
    if args.action == "note":
        key = given_key(args.what[0], settings, environ, target)
        return partial(_note, key=key, text=" ".join(args.what[1:]))
    if not args.what:
        raise UsageError(f"list {args.action} takes IDs: wfinspect list {args.action} 10432987165")
    if args.action == "add":
        keys = [InstanceKey(target, number) for number in parse_ids(" ".join(args.what))]
        return partial(_add, keys=keys, now=now)
    return partial(_remove, keys=given_keys(args.what, settings, environ, target))


def _print(
    store: Store, args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]
) -> None:
    """Print the rows of some IDs, or of all, that match a search."""
    from wfinspect.watching.outlook import judged_rows

    clock, is_selected = SystemClock(), selector(settings, environ, store)
    ids, terms = ids_and_search(args.what)
    if args.action and args.output != "csv":
        print(exported(store, settings.interval, clock.moment(), is_selected))
        return
    found = [r for r in selected_rows(store, is_selected) if not ids or r.key.id in ids]
    now = clock.now()
    rows = matching([*judged_rows(store, found, settings.interval, clock.moment())], terms, now)
    is_table = args.output in {"", "table"}
    if not is_table:
        output.print_rows(args.output, [*map(row_values, rows)], KEYS, settings.zone)
    elif rows:
        lines = [("", "ID", "STATUS", "NAME", "READ"), *(_line(row, now) for row in rows)]
        places = output.where([row.key.target for row in rows])
        notes = [("NOTE",), *((shown(row.note, limit=200),) for row in rows)]
        parts = lines, places, late_and_unseen(rows, settings.zone, now), notes
        print(output.fitted(parts, output.room(), _STEPS))
    if not (rows or ids):
        none = none_listed(settings, terms, is_empty=not found)
        say_none(args.output, f"{none}{_as_stored(found, terms, now)}")
    # What was not read may match, too.
    unread = sum(not (row.instance or row.is_gone) for row in found)
    if is_table and unread:
        output.say(
            f"No reading is stored for {unread} of the list: the app and `wfinspect watch --forever` read the "
            "list and store it; `wfinspect status` reads it now, and stores nothing."
        )
    if missing := {*ids} - {row.key.id for row in found}:
        numbers = " ".join(str(number) for number in ids if number in missing)
        raise NotFound(f"Not on the list: {numbers}. To add it: wfinspect list add {numbers}")


def _as_stored(rows: Sequence[Row], terms: Collection[Term], now: datetime) -> str:
    """Return the sentence that a status is judged by as it is stored; "" where none is searched for."""
    ages = [now - row.read_at for row in may_match(rows, terms, now) if row.read_at is not None]
    if not ages or len(lasting(terms)) == len(terms):
        return ""
    old = duration(max(ages).total_seconds())
    command = shown(shlex.join(["status", *map(str, terms)]))
    return f" Readings are as stored, up to {old} old: `wfinspect {command}` reads them now."


WORDS_OR_IDS = "Words choose among the watched list: give them or IDs."


def none_listed(settings: Settings, terms: Collection[Term], *, is_empty: bool = False) -> str:
    """Return the sentence that no row of the list is there, or none that matches."""
    words = [*map(str, terms)]
    if is_empty or not words:
        none = empty_list(settings)
    else:
        none = none_match("watched instance", " ".join(words), is_named=True)
    if has_field("workspace", terms) and has_field("date", terms):
        none += f" `wfinspect find {shown(shlex.join(words))}` searches the service."
    return none


def matching(rows: Sequence[Row], terms: Iterable[Term], now: datetime) -> list[Row]:
    """Return the rows that match a search; their status is the word of `list`."""
    matches = matcher(terms, now)
    return [row for row in rows if matches(row.key, row.instance, _word(row))]


def lasting(terms: Iterable[Term]) -> list[Term]:
    """Return the terms on what does not change of an instance: all but those on its status."""
    return [term for term in terms if term.name != "status"]


def may_match(rows: Sequence[Row], terms: Iterable[Term], now: datetime) -> list[Row]:
    """Return the rows that may match a search once they are read: of what is stored only the status changes."""
    known = {row.key for row in matching(rows, lasting(terms), now)}
    return [row for row in rows if row.instance is None or row.key in known]


def _word(row: Row) -> str:
    if row.is_gone:
        return "gone"
    if row.instance is None:
        return "no reading stored"
    return (shown(row.instance.status, limit=40) or "-") + "?" * (not row.is_live)


_STEPS = (("NOTE", 30), ("READ", 0), ("NAME", 16), ("LATE", 12), ("NOTE", 12))


def exported(
    store: Store, interval: float, moment: Moment, is_selected: Selector = lambda _: True
) -> str:
    """Return all that `imported` takes, as JSON: rows, what is followed, what no follow is to bring."""
    from wfinspect.watching.outlook import judged_rows

    rows = selected_rows(store, is_selected)
    found: list[output.Values] = [
        {"kind": "row", **row_values(judged), **_kept_values(row)}
        for row, judged in zip(rows, judged_rows(store, rows, interval, moment), strict=True)
    ]
    found += [
        {"kind": "follow", **follow_values(each)}
        for each in store.follows()
        if is_selected(each.target)
    ]
    found += [
        {"kind": "removed", "id": key.id, **key.target._asdict(), "version": output.VERSION}
        for key in store.all_passed_over(moment.now - _LOOKED_AT)
        if is_selected(key.target)
    ]
    return output.as_rows("json", found, (), UTC)


def _line(row: Row, now: datetime) -> tuple[str, ...]:
    instance = row.instance
    read = "-" if row.read_at is None else f"{duration((now - row.read_at).total_seconds())} ago"
    status = "" if row.is_gone or instance is None else instance.status
    family = Family.UNKNOWN if instance and not row.is_live else family_of(status)
    return (
        output.Colored(MARKS[family_of(status)], family),
        str(row.key.id),
        output.Colored(_word(row), family),
        shown(instance.name if instance else "", limit=200) or "-",
        read,
    )


def late_and_unseen(rows: Sequence[Row], zone: tzinfo, now: datetime) -> list[tuple[str, ...]]:
    """Return titles, and for each row why it counts as late, and a mark of what is not seen."""
    wordings = (row.late_words(now, zone) or ("",) for row in rows)
    late = (output.Colored(words[0], output.YELLOW, words[1:]) for words in wordings)
    marks = ("!" * row.is_unseen for row in rows)
    return [("LATE", "!"), *zip(late, marks, strict=True)]


def row_values(row: Row) -> output.Values:
    """Return a row, as `judged_rows` gives it, by `KEYS`."""
    instance, since = row.instance, state_since(row)
    return {
        "id": row.key.id,
        "name": instance.name if instance else None,
        "status": instance.status if instance else None,
        "since": moment_of(round(since * 1000)) if since else None,
        "read_at": row.read_at,
        "live": row.is_live,
        "unseen": row.is_unseen,
        "gone": row.is_gone,
        "late": row.lateness or None,
        "due_at": row.outlook.deadline.due if row.outlook.deadline else None,
        "note": row.note or None,
        "follow": row.follow or None,
        **row.key.target._asdict(),
        "version": output.VERSION,
    }


def _kept_values(row: Row) -> output.Values:
    """Return what an export has beyond `row_values`, so that an import loses nothing."""
    return {
        # Only what brought it takes it off the list again.
        "follow": row.follow or None,
        "added_at": row.added_at,
        "reading": None if row.instance is None else json.loads(text_of(row.instance)),
        "last_change": None if row.last_change is None else json.loads(text_of(row.last_change)),
    }


class Brought(NamedTuple):
    """What is to be put on the list."""

    rows: Sequence[Row]
    follows: Sequence[Follow] = ()
    passed_over: Sequence[InstanceKey] = ()
    """Those that no follow is to bring."""
    found: FoundIds | None = None
    """How the IDs were found in a file that is not an export."""


def merge(store: Store, brought: Brought, now: datetime) -> str:
    """Put rows at the end of the list, or together with those that are there; return what was done."""
    follows, numbers, new_follows = store.follows(), dict[int, int](), list[str]()
    for follow in brought.follows:
        own = next((each for each in follows if each[1:3] == follow[1:3]), None)
        kept = follow._replace(number=0) if own is None else _joined_follow(own, follow)
        if kept != own:
            kept = store.add_follow(kept)
        new_follows += [kept.query.words()] * (own is None)
        follows = [each for each in follows if each != own] + [kept]
        numbers[follow.number] = kept.number
    rows = {row.key: row for row in store.rows()}
    known, last = set(rows), max((row.position for row in rows.values()), default=0.0)
    changes = Changes(passed_over=dict.fromkeys(brought.passed_over))
    for row in brought.rows:
        last += 1.0
        new = row._replace(
            is_watched=True,
            position=last,
            added_at=row.added_at or now,
            follow=numbers.get(row.follow, 0),
        )
        if row.key in rows:
            new = _joined(rows[row.key], new)
        if new != rows.get(row.key):
            rows[row.key] = changes.added[row.key] = new
            if row.key in known:
                changes.removed[row.key] = None
    store.save(changes)
    given = dict.fromkeys(row.key for row in brought.rows)
    said = [_counted("added", [_named(rows[key]) for key in given if key not in known])]
    if old := [_named(rows[key]) for key in given if key in known]:
        said.append(_counted("already on the list", old))
    if new_follows:
        said.append(_counted(f"follow{'s' * (len(new_follows) > 1)} added", new_follows))
    return " ".join(said)


def _add(store: Store, keys: Sequence[InstanceKey], now: datetime) -> str:
    """Put instances on the list; return what was done, and how to see what they are."""
    said = merge(store, Brought([Row(key) for key in keys]), now)
    given = {*keys}
    unread = [str(r.key.id) for r in store.rows() if r.key in given and r.instance is None]
    ids = "" if len(unread) > _MAX_NAMED else "".join(f" {number}" for number in unread)
    them = "it" if len(unread) == 1 else "them"
    return f"{said} `wfinspect status{ids}` reads {them} now." if unread else said


def _named(row: Row) -> str:
    return f"{row.key.id} {shown(row.instance.name) if row.instance else ''}".strip()


def _counted(done: str, names: Sequence[str]) -> str:
    """Return what was done to how many, and the first of them."""
    return f"{len(names)} {done}{': ' * bool(names)}{listed(names, _MAX_NAMED)}."


_MAX_NAMED = 3


def _joined_follow(own: Follow, other: Follow) -> Follow:
    """Return a follow that keeps as long as both, and is due by the earlier of both."""
    due = min((each for each in (own.due, other.due) if each), default="")
    days, name = max(own.keep_days, other.keep_days), own.name or other.name
    return own._replace(keep_days=days, due=due, name=name)


def _joined(own: Row, other: Row) -> Row:
    """Return a row with the newer reading of two, and with all notes and marks of both."""
    is_newer = other.read_at is not None and (own.read_at is None or other.read_at > own.read_at)
    newer, older = (other, own) if is_newer else (own, other)
    notes = [own.note, *(n for n in other.note.split(_AND) if n not in own.note.split(_AND))]
    return newer._replace(
        is_unseen=own.is_unseen or other.is_unseen,
        last_change=newer.last_change or older.last_change,
        position=own.position,
        added_at=own.added_at,
        follow=own.follow,
        note=_AND.join(filter(None, notes)),
    )


_LOOKED_AT = timedelta(days=3)
"""What left the list before that is of no date at which follows look."""
_AND = " / "
"""Between notes of several users."""


def _note(store: Store, key: InstanceKey, text: str) -> str:
    """Keep a note about a row, in place of the one before; return what was done.

    Raises:
        NotFound: it is not on the list for its account.
        UsageError: it is too long.
    """
    note = _storable(" ".join(text.split()))
    if len(note) > MAX_NOTE:
        raise UsageError(f"A note has at most {MAX_NOTE:,} characters, and this one {len(note):,}.")
    rows = {row.key: row for row in store.rows()}
    _check_listed(rows, [key], "Nothing was changed.")
    store.save(Changes(notes={key: note}))
    name = _named(rows[key])
    return f"Note kept for {name}: {note}" if note else f"Note removed from {name}."


def _remove(store: Store, keys: Sequence[InstanceKey]) -> str:
    """Take instances off the list; return what was done.

    Raises:
        NotFound: one of them is not on it for its account.
    """
    rows = {row.key: row for row in store.rows()}
    found = [key for key in dict.fromkeys(keys) if key in rows]
    changes, follows = Changes(), store.follows()
    for key in found:
        changes.take_off(rows[key], follows)
    store.save(changes)
    said = _counted("removed", [_named(rows[key]) for key in found])
    _check_listed(rows, keys, said)
    return said


def _check_listed(rows: Collection[InstanceKey], keys: Sequence[InstanceKey], done: str) -> None:
    missing = [key for key in keys if key not in rows]
    if not missing:
        return
    numbers = listed([str(key.id) for key in missing], 5)
    raise NotFound(f"{done} Not on the list: {numbers}.{elsewhere(rows, missing)}")


def elsewhere(rows: Collection[InstanceKey], missing: Sequence[InstanceKey]) -> str:
    """Return for which other targets some of what is not on the list is there; "" for none."""
    others = {key.target for key in rows if key.id in {each.id for each in missing}}
    own = missing[0].target
    return shown("".join(f" It is there with {_options(each, own)}." for each in sorted(others)))


def _options(there: Target, own: Target) -> str:
    """Return what to give for another target; its endpoint only where region alone does not lead there."""
    given = ["--profile", there.profile, "--region", there.region]
    is_alike = there.endpoint.replace(there.region, "") == own.endpoint.replace(own.region, "")
    return shlex.join(given if is_alike else [*given, "--endpoint", there.endpoint])


def _read(name: str, target: Target, now: datetime) -> Brought:
    brought = read_input(name, "list import", partial(imported, target=target, now=now))
    if brought.found is not None:
        say_found(name, brought.found)
    return brought


def imported(data: bytes, target: Target, now: datetime) -> Brought:
    """Return what a file holds that `exported` made, or any with IDs, which are of `target` then.

    Raises:
        UsageError: it can't be read, or names an endpoint that is not the service's.
    """
    records = _records(decoded(data))
    if records is None:
        found = read_id_file(data)
        return Brought([Row(InstanceKey(target, number)) for number in found.ids], found=found)
    of_kind: dict[object, list[Mapping[str, Any]]] = {"follow": [], "removed": []}
    others: list[Mapping[str, Any]] = []
    for each in records:
        of_kind.get(str(each.get("kind")), others).append(each)
    return Brought(
        [_row(each, target, now) for each in others],
        [_follow(each, target) for each in of_kind["follow"]],
        [_key(each, target) for each in of_kind["removed"]],
    )


def _records(text: str) -> Sequence[Mapping[str, Any]] | None:
    """Return the objects of an export, keys in lower case; None for any other file."""
    found: object = None
    if text.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
    else:
        with suppress(csv.Error):
            lines = [*csv.DictReader(io.StringIO(text, newline=""))]
            found = [
                {k: unguarded(v) for k, v in each.items() if isinstance(v, str)} for each in lines
            ] or None
    if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
        return None
    records = [{str(k).lower(): v for k, v in each.items()} for each in found]
    if not all(
        each.keys() >= set(Target._fields) and each.keys() & {"id", "filters"} for each in records
    ):
        return None
    if any(str(each.get("version") or output.VERSION) != str(output.VERSION) for each in records):
        raise UsageError("it was exported by a newer wfinspect: update this one.")
    return records


def _target(record: Mapping[str, Any], target: Target) -> Target:
    there = Target(*(_storable(str(record[name])) for name in Target._fields))
    if not all(there):
        raise UsageError(f"it has a row without a profile, region or endpoint: {there}.")
    # A signed request, with a token, goes there: a file from elsewhere must not name any host.
    if there.endpoint != target.endpoint and not there.endpoint.endswith(".aliyuncs.com"):
        raise UsageError(
            f"it names the endpoint {shown(there.endpoint, limit=80)!r}, which is not Alibaba Cloud's: give "
            "it with --endpoint, if it is yours."
        )
    return there


def _key(record: Mapping[str, Any], target: Target) -> InstanceKey:
    return InstanceKey(_target(record, target), parse_id(str(record.get("id", ""))))


def _row(record: Mapping[str, Any], target: Target, now: datetime) -> Row:
    """Return a row; what can't be read of it is left out, but for its ID and target."""
    key = _key(record, target)
    instance = read(WorkflowInstance, json.dumps(record.get("reading")))
    change = read(Transition, json.dumps(record.get("last_change")))
    at, follow = _time(record.get("read_at")), record.get("follow")
    # One from the future, by another machine's clock, would be taken for the present.
    is_read = instance is not None and instance.id == key.id and at is not None and at <= now
    return Row(
        key,
        instance if is_read else None,
        at if is_read else None,
        is_unseen=record.get("unseen") in {True, "True", "true"},
        is_gone=record.get("gone") in {True, "True", "true"},
        last_change=change if change is not None and change.key == key else None,
        added_at=_time(record.get("added_at")),
        follow=follow if type(follow) is int else 0,
        note=_storable(str(record.get("note") or "")),
    )


def _follow(record: Mapping[str, Any], target: Target) -> Follow:
    there, at = _target(record, target), _time(record.get("added_at"))
    with suppress(TypeError, ValueError):
        query = Query(**(record.get("filters", {}) | {"biz_date": 0}))
        doc = {"query": query, "keep_days": record.get("keep_days"), "due": record.get("by")}
        doc["name"] = _storable(str(record.get("name") or ""))[:MAX_NOTE]
        added_at = None if at is None else to_microseconds(at)
        found = read_follow(record.get("number"), *there, json.dumps(doc), added_at)
        if found is not None and is_bounded(found):
            return found
    raise UsageError(f"what is followed can't be read: {shown(str(record), limit=200)}")


def _time(value: object) -> datetime | None:
    try:
        return read_time(str(value))
    except (OverflowError, ValueError):
        return None


def _storable(text: str) -> str:
    """Return text without lone surrogates, which UTF-8 can't carry."""
    return text.encode("utf-8", "replace").decode()
