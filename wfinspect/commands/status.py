"""``wfinspect status``: a line an instance, or one short line of the stored list for a status bar."""

import argparse
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import itemgetter

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands.once import (
    count_calls,
    gravest,
    read_instances,
    resolve_target,
    stored_rows,
)
from wfinspect.commands.output import aligned, say
from wfinspect.errors import ConfigError, NotFound, Refused, ServiceError
from wfinspect.format import MARKED_AS, MARKS, age, shown
from wfinspect.model import Family, InstanceId, InstanceKey, Status, Target, WorkflowInstance
from wfinspect.parsing import parse_ids
from wfinspect.settings import Settings
from wfinspect.watching import cadence as cadences
from wfinspect.watching.api import Row, state_since

Outcome = WorkflowInstance | ServiceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="an ID, a list (1,2) or a range (100..120); without one, the watched list",
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help="one line from what is stored, without asking the service, such as: X1 >2 +11 !1",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line each, or one for all; the list stays as it is."""
    clock = SystemClock()
    rows = stored_rows(settings, clock) if args.short or not args.ids else []
    if args.ids:
        target = resolve_target(settings, environ).target
        keys = [InstanceKey(target, number) for number in parse_ids(" ".join(args.ids))]
        stored = {row.key: row for row in rows}
        rows = [stored.get(key) or Row(key) for key in keys]
    if args.short:
        print(short_line(rows, settings.interval, clock.now()))
        return gravest(_codes([row.instance for row in rows if row.instance is not None]))
    if not rows:
        say("The watched list is empty: give IDs, or put some on it with wfinspect ID.")
        return 0
    outcomes = _read_all(rows, settings, environ, clock)
    print(aligned([_line(row, outcomes[row.key], clock.now()) for row in rows]))
    for sentence in dict.fromkeys(str(o) for o in outcomes.values() if isinstance(o, ServiceError)):
        say(sentence)
    return gravest(_codes(outcomes.values()))


def short_line(rows: Sequence[Row], interval: float, now: datetime) -> str:
    """How many instances are in which state, how many changes are unseen, from stored readings.

    A ``?`` stands behind a count that rests on readings too old to be the present, and the age of
    the oldest of them at the end: ``X1 >2? +11 !1 (12m)``.

    Args:
        rows: the list.
        interval: seconds between two readings of an active instance.
        now: the wall time.
    """
    counts = Counter(map(_family, rows))
    ages = [(_family(row), _age_if_old(row, interval, now)) for row in rows]
    old = {family: seconds for family, seconds in sorted(ages, key=itemgetter(1)) if seconds}
    parts = [
        f"{MARKS[status]}{counts[family]}{'?' * (family in old)}"
        for family, status in MARKED_AS.items()
        if counts[family]
    ]
    if unseen := sum(row.is_unseen for row in rows):
        parts.append(f"!{unseen}")
    if old:
        parts.append(f"({age(max(old.values()))})")
    return " ".join(parts)


def _family(row: Row) -> Family:
    return Family.UNKNOWN if row.instance is None or row.is_gone else row.instance.family


def _age_if_old(row: Row, interval: float, now: datetime) -> float:
    """Seconds since a row was read, 0 where that is recent enough or it was never read."""
    if row.instance is None or row.read_at is None or row.is_gone:
        return 0.0
    if cadences.is_final(row.instance, row.read_at):
        return 0.0
    if cadences.shows_age(row.instance, row.read_at, now):
        return (now - row.read_at).total_seconds()
    every = cadences.cadence(row.instance.family, interval=interval, is_attended=False)
    seconds = (now - row.read_at).total_seconds()
    is_recent = seconds < cadences.freshness_seconds(every * (1.0 + cadences.JITTER))
    return 0.0 if is_recent else seconds


def _read_all(
    rows: Sequence[Row], settings: Settings, environ: Mapping[str, str], clock: Clock
) -> dict[InstanceKey, Outcome]:
    """Read each row by its own target, all targets at once."""
    import asyncio  # dear, and a status bar has no use for it

    calls = Counter[Target]()

    async def read_those(keys: Sequence[InstanceKey]) -> dict[InstanceKey, Outcome]:
        target, ids = keys[0].target, [key.id for key in keys]
        try:
            reading = await read_instances(
                target, ids, environ, clock, lambda: calls.update([target])
            )
        except ConfigError as error:
            # One profile that is gone must not keep the rows of others from being read.
            return dict.fromkeys(keys, Refused(str(error), cause="settings"))
        outcomes: dict[InstanceId, Outcome] = {**reading.errors, **reading.found}
        return {key: outcomes[key.id] for key in keys}

    async def read_each() -> list[dict[InstanceKey, Outcome]]:
        by_binding: dict[Target, list[InstanceKey]] = {}
        for row in rows:
            by_binding.setdefault(row.key.target, []).append(row.key)
        return await asyncio.gather(*map(read_those, by_binding.values()))

    try:
        with asyncio.Runner() as runner:
            outcomes = runner.run(read_each())
        return {key: outcome for some in outcomes for key, outcome in some.items()}
    finally:
        count_calls(settings, clock, calls)


def _codes(outcomes: Collection[Outcome]) -> set[int]:
    """The exit codes that outcomes stand for."""
    codes = {o.exit_code for o in outcomes if isinstance(o, ServiceError)}
    read = [o for o in outcomes if isinstance(o, WorkflowInstance)]
    codes |= {1} if any(i.family is Family.FAILURE for i in read) else set()
    return codes | ({8} if not all(i.is_settled for i in read) else set())


def _line(row: Row, outcome: Outcome, now: datetime) -> tuple[str, ...]:
    """Mark, ID, status word, name, time in this state; for what could not be read, what is known."""
    if isinstance(outcome, WorkflowInstance):
        since = state_since(Row(row.key, outcome))
        mark, word, name = MARKS[Status.of(outcome.status)], outcome.status, outcome.name
        time = "-" if since is None else age(now.timestamp() - since)
    else:
        is_missing = isinstance(outcome, NotFound)
        word = NotFound.default_cause if is_missing else outcome.cause
        mark, name, time = MARKS[Status.UNKNOWN], "", "-"
        if row.instance is not None and row.read_at is not None:
            name = row.instance.name
            if not is_missing:
                word = f"{row.instance.status}?"
                time = f"read {age((now - row.read_at).total_seconds())} ago"
    return mark, str(row.key.id), shown(word) or "-", shown(name, limit=200) or "-", time
