"""``wfinspect status``: a line an instance, or one short line of the stored list for a status bar."""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import (
    OnCall,
    gravest,
    read_instances,
    resolve_target,
    run_counted,
    stored_rows,
)
from wfinspect.errors import ConfigError, NotFound, Refused, ServiceError, UsageError
from wfinspect.format import MARKS, duration, shown
from wfinspect.model import Family, InstanceId, InstanceKey, Status, Target, WorkflowInstance
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings
from wfinspect.watching import summary
from wfinspect.watching.api import Row, state_since

Outcome = WorkflowInstance | ServiceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_ids(parser, without="; without one, the watched list")
    parser.add_argument(
        "--short",
        action="store_true",
        help="one line from what is stored, without asking the service, such as: X1 >2 +11 !1",
    )
    parser.add_argument(
        "--follow",
        dest="is_followed",
        action="store_true",
        help="with --short: print a line at each change, for a bar that shows the last line",
    )
    output.add_output_option(parser, "an array of rows")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line each, or one for all; the list stays as it is."""
    clock = SystemClock()
    if args.is_followed and (args.ids or not args.short):
        raise UsageError("--follow goes with --short, and without IDs.")
    if args.short and args.output != "table":
        raise UsageError("--short is one line for a status bar: leave out -o.")
    if args.short and not args.ids and (code := _print_summary(args, settings, clock)) is not None:
        return code
    rows = stored_rows(settings, clock) if args.short or not args.ids else []
    if args.ids:
        target = resolve_target(settings, environ).target
        keys = [InstanceKey(target, number) for number in parse_ids(" ".join(args.ids))]
        stored = {row.key: row for row in rows}
        rows = [stored.get(key) or Row(key) for key in keys]
    if args.short:
        print(short_line(rows, settings.interval, clock.now()))
        return summary.code_of(map(_group, rows))
    outcomes = _read_all(rows, settings, environ, clock) if rows else {}
    if args.output != "table":
        read = [_values(row, outcomes[row.key], clock.now()) for row in rows]
        print(output.as_rows(args.output, read, _KEYS, settings.zone))
    elif rows:
        print(output.aligned([_line(row, outcomes[row.key], clock.now()) for row in rows]))
    else:
        output.say("The watched list is empty: give IDs, or put some on it with wfinspect ID.")
    for sentence in dict.fromkeys(str(o) for o in outcomes.values() if isinstance(o, ServiceError)):
        output.say(sentence)
    return gravest(_codes(outcomes.values()))


def _print_summary(args: argparse.Namespace, settings: Settings, clock: Clock) -> int | None:
    """Print the line of the whole list, or follow it; None where only the whole store can say it."""
    database = str(settings.paths.database)
    if args.is_followed:
        if summary.read(database) is None:
            stored_rows(settings, clock)  # it makes, upgrades or repairs the file
        return summary.follow(database, settings.interval, sys.stdout)
    if (groups := summary.read(database)) is None:
        return None
    print(summary.line_of(groups, settings.interval, clock.now().timestamp()))
    return summary.code_of(groups)


def short_line(rows: Sequence[Row], interval: float, now: datetime) -> str:
    """Return the line of `summary.line_of` for rows."""
    return summary.line_of(map(_group, rows), interval, now.timestamp())


def _group(row: Row) -> summary.Group:
    is_read = row.instance is not None and row.read_at is not None and not row.is_final
    read_at = row.read_at.timestamp() if is_read and row.read_at else None
    family = None if row.instance is None else row.instance.family
    return family, row.is_gone, 1, int(row.is_unseen), read_at


def _read_all(
    rows: Sequence[Row], settings: Settings, environ: Mapping[str, str], clock: Clock
) -> dict[InstanceKey, Outcome]:
    """Read each row by its own target, all targets at once."""
    import asyncio  # dear, and a status bar has no use for it

    async def read_those(
        keys: Sequence[InstanceKey], on_call: OnCall
    ) -> dict[InstanceKey, Outcome]:
        target, ids = keys[0].target, [key.id for key in keys]
        try:
            reading = await read_instances(target, ids, environ, clock, on_call)
        except ConfigError as error:
            # One profile that is gone must not keep the rows of others from being read.
            return dict.fromkeys(keys, Refused(str(error), cause="settings"))
        outcomes: dict[InstanceId, Outcome] = {**reading.errors, **reading.found}
        return {key: outcomes[key.id] for key in keys}

    async def read_each(on_call: OnCall) -> list[dict[InstanceKey, Outcome]]:
        by_target: dict[Target, list[InstanceKey]] = {}
        for row in rows:
            by_target.setdefault(row.key.target, []).append(row.key)
        return await asyncio.gather(*(read_those(keys, on_call) for keys in by_target.values()))

    outcomes = run_counted(settings, clock, read_each)
    return {key: outcome for some in outcomes for key, outcome in some.items()}


def _codes(outcomes: Collection[Outcome]) -> set[int]:
    """The exit codes that outcomes stand for."""
    codes = {o.exit_code for o in outcomes if isinstance(o, ServiceError)}
    read = [o for o in outcomes if isinstance(o, WorkflowInstance)]
    codes |= {1} if any(i.family is Family.FAILURE for i in read) else set()
    return codes | ({8} if not all(i.is_settled for i in read) else set())


_KEYS = ("id", "name", "status", "since", "read_at", "trouble", "profile", "region", "endpoint")


def _values(row: Row, outcome: Outcome, now: datetime) -> output.Values:
    """Return a row as JSON has it; of what could not be read, what is known and why it is old."""
    is_read = isinstance(outcome, WorkflowInstance)
    known = outcome if isinstance(outcome, WorkflowInstance) else row.instance
    since = state_since(Row(row.key, outcome)) if isinstance(outcome, WorkflowInstance) else None
    return {
        "id": row.key.id,
        "name": known.name if known else None,
        "status": known.status if known else None,
        "since": None if since is None else datetime.fromtimestamp(since, UTC),
        "read_at": now if is_read else row.read_at,
        "trouble": None if isinstance(outcome, WorkflowInstance) else outcome.cause,
        **row.key.target._asdict(),
    }


def _line(row: Row, outcome: Outcome, now: datetime) -> tuple[str, ...]:
    """Mark, ID, status word, name, time in this state; for what could not be read, what is known."""
    family = Family.UNKNOWN
    if isinstance(outcome, WorkflowInstance):
        since, family = state_since(Row(row.key, outcome)), outcome.family
        mark, word, name = MARKS[Status(outcome.status)], outcome.status, outcome.name
        time = "-" if since is None else duration(now.timestamp() - since)
    else:
        is_missing = isinstance(outcome, NotFound)
        word = NotFound.default_cause if is_missing else outcome.cause
        mark, name, time = MARKS[Status.UNKNOWN], "", "-"
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
