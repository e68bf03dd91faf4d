"""``wfinspect status``: a line an instance, or one short line of the stored list for a status bar."""

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from wfinspect.clock import Clock, Moment, SystemClock
from wfinspect.commands import output
from wfinspect.commands.list import (
    KEYS,
    elsewhere,
    lasting,
    late_and_unseen,
    matching,
    may_match,
    none_listed,
    row_values,
)
from wfinspect.commands.once import (
    Outcome,
    Outcomes,
    Selector,
    errors_of,
    gravest,
    read_all,
    resolve_target,
    say_errors,
    say_none,
    selected_by,
    selector,
    stored,
    stored_or,
    stored_rows,
)
from wfinspect.errors import NotFound, ServiceError, StoreError, UsageError
from wfinspect.format import duration, shown
from wfinspect.model import Family, InstanceKey, Target, WorkflowInstance, day_of
from wfinspect.search import SPELLED, Term, ids_and_search
from wfinspect.settings import Settings
from wfinspect.watching import summary
from wfinspect.watching.api import Row, state_since
from wfinspect.watching.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_ids(parser, without="; without one, the watched list", searched=SPELLED)
    parser.add_argument(
        "--short",
        action="store_true",
        help="one line from what is stored, without a call, such as: X1 >2 +11 !1",
    )
    parser.add_argument(
        "--follow",
        dest="is_followed",
        action="store_true",
        help="with --short: print a line at each change, for a bar that shows the last line",
    )
    forms = ("table", "json", "csv", "prometheus")
    output.add_output_option(parser, "an array of rows", forms, (*KEYS, "trouble"))


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line each, or one for all; the list stays as it is."""
    clock = SystemClock()
    ids, terms = ids_and_search(args.ids)
    is_whole = not (ids or terms)
    _refuse_what_contradicts(args, is_whole=is_whole)
    if args.short and is_whole and (code := _print_summary(args, settings, clock)) is not None:
        return code
    is_stored = args.short or args.output == "prometheus"
    missing: list[InstanceKey] = []
    if not ids:
        rows = stored_rows(settings, environ, clock)
        # A file of gauges is to be written in any case.
        if rows and args.output != "prometheus":
            _refuse_mistyped(rows, terms, settings, clock.now())
    else:
        target = resolve_target(settings, environ).target
        keys = [InstanceKey(target, number) for number in ids]
        listed = {row.key: row for row in _all_rows(settings, clock, is_needed=is_stored)}
        missing = [key for key in keys if key not in listed]
        rows = [listed.get(key) or Row(key) for key in keys]
        if is_stored and missing:
            output.say(_not_listed(missing, listed))
    none = none_listed(settings, terms, is_empty=not rows)
    unread = [row for row in rows if row.instance is None]
    rows = (matching if is_stored else may_match)(rows, terms, clock.now())
    if args.short:
        # What was not read may match.
        groups = [as_group(row) for row in rows or unread if row.key not in missing]
        return summary.print_line(groups, settings.interval, output.say, not_listed=len(missing))
    if args.output == "prometheus":
        text = stored(
            settings,
            clock,
            lambda s: metrics(
                s, rows, settings.interval, clock.moment(), selector(settings, environ, s)
            ),
        )
        print(text, end="")
        return 0
    outcomes, _ = read_all([row.key for row in rows], settings, environ, clock)
    now = clock.now()
    read = _judged([_with_outcome(row, outcomes[row.key], now) for row in rows], settings, clock)
    # What could not be reached may match; what the service does not know does not.
    unknown = {key for key, e in errors_of(outcomes).items() if isinstance(e, NotFound)}
    if rows and not ids:
        known = [row for row in read if row.instance or row.key not in unknown]
        _refuse_mistyped(known, terms, settings, now)
    read = matching(read, terms, now)
    _print_read(read, outcomes, args.output, settings, now)
    if not read:
        say_none(args.output, none)
    say_errors(outcomes, is_of_list=not ids)
    judged = {row.key for row in read} | {*errors_of(outcomes)} - unknown
    return gravest(_codes([outcomes[key] for key in judged]))


def _refuse_what_contradicts(args: argparse.Namespace, *, is_whole: bool) -> None:
    if args.is_followed and not (is_whole and args.short):
        raise UsageError("--follow goes with --short, and without IDs and words.")
    if args.short and args.output != "table":
        raise UsageError("--short is one line for a status bar: leave out -o and --field.")


def _refuse_mistyped(
    rows: Sequence[Row], terms: Sequence[Term], settings: Settings, now: datetime
) -> None:
    """Refuse words that no row can match, whatever its status: that none has a status is an answer."""
    others = lasting(terms)
    if others and not may_match(rows, others, now):
        raise UsageError(none_listed(settings, others))


def _print_read(
    rows: Sequence[Row], outcomes: Outcomes, form: str, settings: Settings, now: datetime
) -> None:
    if form != "table":
        troubles = {key: error.cause for key, error in errors_of(outcomes).items()}
        found = [{**row_values(row), "trouble": troubles.get(row.key)} for row in rows]
        output.print_rows(form, found, (*KEYS, "trouble"), settings.zone)
    elif rows:
        lines = [_TITLES, *(_line(row, outcomes[row.key], now) for row in rows)]
        places = output.where([row.key.target for row in rows])
        parts = lines, places, late_and_unseen(rows, settings.zone, now)
        print(output.fitted(parts, output.room()))


def _all_rows(settings: Settings, clock: Clock, *, is_needed: bool) -> list[Row]:
    """Return the watched list; unless it `is_needed`, instances can be read without it."""
    if is_needed:
        return stored(settings, clock, lambda store: store.rows())
    return stored_or(settings, clock, lambda store: store.rows(), list[Row]())


def _not_listed(missing: Sequence[InstanceKey], listed: Collection[InstanceKey]) -> str:
    numbers = [str(key.id) for key in missing]
    are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    there = f"`wfinspect status {' '.join(numbers)}` reads {them}."
    return f"{', '.join(numbers)} {are} not on the list: {there}{elsewhere(listed, missing)}"


def _judged(rows: Sequence[Row], settings: Settings, clock: Clock) -> Sequence[Row]:
    from wfinspect.watching.outlook import judged_rows

    with contextlib.suppress(StoreError):
        return stored(
            settings,
            clock,
            lambda store: [*judged_rows(store, rows, settings.interval, clock.moment())],
        )
    return rows


def _print_summary(args: argparse.Namespace, settings: Settings, clock: Clock) -> int | None:
    """Print the line of the whole list, or follow it; None where only the whole store can say it."""
    database, given = str(settings.paths.database), selected_by(settings)
    if args.is_followed:
        if given:
            output.say(f"--follow is of the whole list, not only of {given}.")
        if summary.read(database) is None:
            stored(
                settings, clock, lambda store: store.rows()
            )  # makes, upgrades or repairs the file
        return summary.follow(database, settings.interval, sys.stdout)
    groups = None if given else summary.read(database)
    return None if groups is None else summary.print_line(groups, settings.interval, output.say)


def as_group(row: Row) -> summary.Group:
    """Return a row as one of the groups that a status bar counts."""
    is_read = row.instance is not None and row.read_at is not None and not row.is_final
    read_at = row.read_at.timestamp() if is_read and row.read_at else None
    family = None if row.instance is None else row.instance.family
    return family, row.is_gone, 1, int(row.is_unseen), read_at


def _codes(outcomes: Collection[Outcome]) -> set[int]:
    """The exit codes that outcomes stand for."""
    codes = {o.exit_code for o in outcomes if isinstance(o, ServiceError)}
    read = [o for o in outcomes if isinstance(o, WorkflowInstance)]
    codes |= {1} if any(i.family is Family.FAILURE for i in read) else set()
    return codes | ({8} if not all(i.is_settled for i in read) else set())


def _with_outcome(row: Row, outcome: Outcome, now: datetime) -> Row:
    if isinstance(outcome, ServiceError):
        return row
    return row._replace(
        instance=outcome, read_at=now, is_live=True, is_gone=False, last_change=None
    )


_GONE = "gone"
_HELP = {
    "instances": "Watched instances by the family of their status, as last read.",
    "unseen": "Instances with a change that no user has seen.",
    "late": "Instances that take longer than usual, or may miss their deadline.",
    "old": "Instances whose reading is missing or too old to count as the present.",
    "last_read_timestamp_seconds": "When an instance was read last.",
    "calls_today": "Calls that all processes made on this day of the region.",
}


def metrics(
    store: Store,
    rows: Sequence[Row],
    interval: float,
    moment: Moment,
    is_selected: Selector = lambda _: True,
) -> str:
    """Return gauges of what is stored, in the text format 0.0.4 of Prometheus."""
    from wfinspect.watching.outlook import judged_rows

    followed = [each.target for each in store.follows() if is_selected(each.target)]
    by_target: dict[Target, list[Row]] = {each: [] for each in followed}
    for row in judged_rows(store, rows, interval, moment):
        by_target.setdefault(row.key.target, []).append(row)
    samples: dict[str, dict[str, float]] = {name: {} for name in _HELP}
    for target, found in by_target.items():
        labels = target._asdict()
        counts = Counter(_GONE if row.is_gone else str(row.family) for row in found)
        # A family without instances is 0, since one that is missing raises no alert.
        for family in (*Family, _GONE):
            samples["instances"][_labels(labels | {"family": family})] = counts[family]
        samples["unseen"][_labels(labels)] = sum(row.is_unseen for row in found)
        samples["late"][_labels(labels)] = sum(row.is_late for row in found)
        samples["old"][_labels(labels)] = sum(not (row.is_live or row.is_gone) for row in found)
        if read := [row.read_at.timestamp() for row in found if row.read_at is not None]:
            samples["last_read_timestamp_seconds"][_labels(labels)] = max(read)
        del labels["endpoint"]  # calls are counted for an account in a region
        calls = store.calls(target.account, day_of(target.region, moment.now))
        samples["calls_today"][_labels(labels)] = calls
    lines = []
    for name, values in samples.items():
        lines += [f"# HELP wfinspect_{name} {_HELP[name]}", f"# TYPE wfinspect_{name} gauge"]
        lines += [f"wfinspect_{name}{given} {value:.15g}" for given, value in values.items()]
    return "".join(f"{line}\n" for line in lines)


def _labels(values: Mapping[str, str]) -> str:
    escaped = {k: shown(v).replace("\\", r"\\").replace('"', r"\"") for k, v in values.items()}
    return "{" + ",".join(f'{name}="{text}"' for name, text in escaped.items()) + "}"


_TITLES = ("", "ID", "STATUS", "NAME", "IN STATE")


def _line(row: Row, outcome: Outcome, now: datetime) -> tuple[str, ...]:
    """Mark, ID, status word, name, time in this state; if it was not read, what is known."""
    family = Family.UNKNOWN
    if isinstance(outcome, WorkflowInstance):
        since, family = state_since(Row(row.key, outcome)), outcome.family
        mark, word, name = summary.MARKS[family], outcome.status, outcome.name
        time = "-" if since is None else duration(now.timestamp() - since)
    else:
        is_missing = isinstance(outcome, NotFound)
        word = NotFound.default_cause if is_missing else outcome.cause
        mark, name, time = summary.MARKS[family], "", "-"
        if row.instance is not None and row.read_at is not None:
            name = row.instance.name
            if not is_missing:
                word = f"{row.instance.status}?"
                time = f"read {duration((now - row.read_at).total_seconds())} ago"
    return (
        output.Colored(mark, family),
        str(row.key.id),
        output.Colored(shown(word) or "-", family),
        shown(name, limit=200) or "-",
        time,
    )
