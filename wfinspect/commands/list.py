"""``wfinspect list``: prints and edits the watched list, from what is stored and without a call."""

import argparse
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import read_input, resolve_target, stored, stored_rows
from wfinspect.errors import NotFound, UsageError
from wfinspect.format import MARKS, duration, shown
from wfinspect.model import InstanceKey, Status, Target, family_of
from wfinspect.parsing import decoded, parse_id, parse_ids, read_id_file
from wfinspect.settings import Settings
from wfinspect.watching.api import Row
from wfinspect.watching.store import Changes, Store

_KEYS = ("id", "name", "status", "read_at", "unseen", "gone", "profile", "region", "endpoint")
_ACTIONS = ("add", "remove", "export", "import")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=_ACTIONS,
        metavar="ACTION",
        help="add ID..., remove ID..., export (as JSON, or with -o csv), import FILE",
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="ID|FILE",
        help="IDs, ranges; what was exported, or any file of IDs, - for standard input",
    )
    output.add_output_option(parser, "an array of rows")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print or edit the list; an app that runs takes edits over."""
    clock = SystemClock()
    if args.action in {None, "export"}:
        if args.what:
            raise UsageError(f"{args.what[0][:40]!r} is one too many: add or remove takes IDs.")
        _print(stored_rows(settings, clock), args, settings, clock.now())
        return 0
    if args.action == "import" and len(args.what) != 1:
        raise UsageError("list import takes one file, or - for standard input.")
    target = resolve_target(settings, environ).target
    if args.action == "import":
        keys = _read_keys(args.what[0], target)
    else:
        keys = [InstanceKey(target, number) for number in parse_ids(" ".join(args.what))]
    edit = _remove if args.action == "remove" else _add
    output.say(stored(settings, clock, lambda store: edit(store, keys, clock.now())))
    return 0


def _print(
    rows: Sequence[Row], args: argparse.Namespace, settings: Settings, now: datetime
) -> None:
    if args.output != "table" or args.action == "export":
        form = "json" if args.output == "table" else args.output
        print(output.as_rows(form, [*map(_values, rows)], _KEYS, settings.zone))
    elif rows:
        has_several = len({row.key.target.account for row in rows}) > 1
        titles = ("", "ID", "STATUS", "NAME", "READ", *(("PROFILE", "REGION") * has_several))
        print(output.aligned([titles, *(_line(row, now)[: len(titles)] for row in rows)]))
    else:
        output.say("The watched list is empty: add to it with wfinspect list add ID.")


def _line(row: Row, now: datetime) -> tuple[str, ...]:
    instance, target = row.instance, row.key.target
    read = "-" if row.read_at is None else f"{duration((now - row.read_at).total_seconds())} ago"
    status = "" if row.is_gone or instance is None else instance.status
    family = family_of(status)
    return (
        output.Colored(MARKS[Status(status)], family),
        str(row.key.id),
        output.Colored("gone" if row.is_gone else shown(status, limit=40) or "-", family),
        shown(instance.name if instance else "", limit=200) or "-",
        read,
        shown(target.profile),
        shown(target.region),
    )


def _values(row: Row) -> output.Values:
    instance, target = row.instance, row.key.target
    return {
        "id": row.key.id,
        "name": instance.name if instance else None,
        "status": instance.status if instance else None,
        "read_at": row.read_at,
        "unseen": row.is_unseen,
        "gone": row.is_gone,
        **target._asdict(),
    }


def _add(store: Store, keys: Sequence[InstanceKey], now: datetime) -> str:
    """Put instances at the end of the list; return what was done."""
    rows = store.rows()
    known, last = {row.key for row in rows}, max((row.position for row in rows), default=0.0)
    new = [key for key in dict.fromkeys(keys) if key not in known]
    store.save(
        Changes(
            added={
                key: Row(key, is_watched=True, position=last + place, added_at=now)
                for place, key in enumerate(new, 1)
            }
        )
    )
    already = len(keys) - len(new)
    return f"{len(new)} added" + (f", {already} already on the list." if already else ".")


def _remove(store: Store, keys: Sequence[InstanceKey], _now: datetime) -> str:
    """Take instances off the list; return what was done.

    Raises:
        NotFound: none of them is on it for their account.
    """
    listed = {row.key for row in store.rows()}
    found = [key for key in dict.fromkeys(keys) if key in listed]
    missing = [key for key in keys if key not in listed]
    store.save(Changes(removed=dict.fromkeys(found)))
    if not missing:
        return f"{len(found)} removed."
    numbers = ", ".join(str(key.id) for key in missing[:5]) + ", ..." * (len(missing) > 5)  # noqa: PLR2004 - names enough
    others = {key.target for key in listed if key.id in {each.id for each in missing}}
    advice = "".join(
        f" It is there with --profile {t.profile} --region {t.region}." for t in others
    )
    raise NotFound(f"{len(found)} removed. Not on the list: {numbers}.{shown(advice)}")


def _read_keys(name: str, target: Target) -> Sequence[InstanceKey]:
    """Return the instances that a file names; each is of `target` where it does not name another.

    Raises:
        UsageError: it can't be read, or names an endpoint that is not the service's.
    """
    data = read_input(name, "list import")
    try:
        rows = _exported(decoded(data))
        return [_key_of(row, target) for row in rows] or [
            InstanceKey(target, number) for number in read_id_file(data).ids
        ]
    except UsageError as error:
        raise UsageError(f"list import: {name}: {error}") from None


def _exported(text: str) -> Sequence[Mapping[str, str]]:
    """Return the rows of an export, keys in lower case; none for any other file."""
    found: Iterable[object] = ()
    if text.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
    else:
        with suppress(csv.Error):
            found = [*csv.DictReader(io.StringIO(text, newline=""))]
    rows = [
        {str(k).lower(): str(v).removeprefix("'") for k, v in each.items()}
        for each in found
        if isinstance(each, dict)
    ]
    return rows if all(row.keys() >= {"id", *Target._fields} for row in rows) else ()


def _key_of(row: Mapping[str, str], target: Target) -> InstanceKey:
    there = Target(*(row[name] for name in Target._fields))
    # A signed request, with a token, goes there: a file from elsewhere must not name any host.
    if there.endpoint != target.endpoint and not there.endpoint.endswith(".aliyuncs.com"):
        raise UsageError(
            f"it names the endpoint {shown(there.endpoint, limit=80)!r}, which is not Alibaba Cloud's: give "
            "it with --endpoint, if it is yours."
        )
    return InstanceKey(there, parse_id(row["id"]))
