"""``wfinspect history``: prints the recorded changes, as `watch` prints those that it sees."""

import argparse
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, time, tzinfo
from math import inf
from operator import attrgetter
from typing import NamedTuple

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import say_none, selected_by, selector, stored
from wfinspect.errors import UsageError
from wfinspect.export import json_of, run_values
from wfinspect.format import change_words, clock_time, listed, shown, why_words
from wfinspect.model import (
    InstanceKey,
    Target,
    TaskInstance,
    Transition,
    WorkflowInstance,
    family_of,
)
from wfinspect.search import Day, date_of, hint_on, ids_and_search, matcher, read_day
from wfinspect.settings import Settings

KEYS = ("id", "name", "from", "to", "at", "seen_between", "final")
_KEYS = (*KEYS, "failed")
_SEARCHED = ("name", "status")


class Change(NamedTuple):
    """A first reading, or a change of status between two."""

    key: InstanceKey
    name: str
    from_status: str | None
    """None for the first reading."""
    to_status: str
    at: datetime
    """The service's own time of the change where that is known, else the reading's."""
    seen_between: tuple[datetime, datetime] | None
    failed: tuple[TaskInstance, ...] = ()
    """As of `Transition.causes`."""

    @classmethod
    def of(cls, found: Transition) -> "Change":
        """Return a change that was recorded."""
        states, between = (found.from_status, found.to_status), (found.seen_after, found.seen_by)
        return cls(found.key, found.name, *states, found.at, between, found.causes)

    @property
    def values(self) -> output.Values:
        """The change by its keys in JSON."""
        # Whether the run was over follows from its state.
        is_final = family_of(self.to_status).is_settled
        return dict(zip(KEYS, (self.key.id, *self[1:-1], is_final), strict=True))

    def causes(self, form: str) -> output.Value:
        """Return the tasks that failed; in CSV by their names."""
        return [task.name_or_id if form == "csv" else run_values(task) for task in self.failed]

    def cells(self, zone: tzinfo) -> tuple[str, ...]:
        """Return time, ID, what became what, name."""
        if self.from_status is None:
            words = f"-> {shown(self.to_status, limit=40) or 'no status'}"
        else:
            words = change_words(self.from_status, self.to_status, limit=40)
        whole = words + why_words(self.failed)
        change = output.Colored(whole, family_of(self.to_status), [words])
        return clock_time(self.at, zone), str(self.key.id), change, shown(self.name)

    def line(self, form: str, zone: tzinfo, targets: Collection[Target] = ()) -> str:
        """Return it alone in one of the forms of ``--output``, JSON in ASCII.

        A table says of which of `targets` it is.
        """
        if form == "table":
            _, place, *_ = output.where([self.key.target, *targets])
            return "  ".join(map(output.colored, filter(None, (*self.cells(zone), *place))))
        if form == "json":
            return json_of(self.values)
        text = output.as_rows(form, [self.values], KEYS, zone)
        return text.partition("\n")[2] if form == "csv" else text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_ids(parser, without="; without one, all changes", searched=_SEARCHED)
    parser.add_argument(
        "--since",
        type=_read_since,
        default=inf,
        metavar="D|DATE",
        help="only those of the last so long, 90s, 5m, 2h, 1d, or since a date: today, yesterday, -2d, 2026-11-28",
    )
    output.add_output_option(parser, "an array of changes", keys=_KEYS)


def _read_since(text: str) -> float | Day:
    """Return how many seconds ago, or a day."""
    with suppress(UsageError):
        return read_day(text)
    try:
        return output.read_seconds(text)
    except UsageError:
        forms = "write 2h, 1d, today, yesterday, -2d or 2026-11-28."
        raise UsageError(f"{text[:40]!r} is neither a date nor a duration: {forms}") from None


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print the changes of some instances, or of all, the newest first."""
    from wfinspect.watching.store import MAX_TRANSITIONS

    for word in args.ids:
        name, _, value = word.lstrip("!").casefold().partition("=")
        if name in {"date", "bizdate"}:
            raise UsageError(f"Changes have times, and no business date: --since {value[:40]}.")
    ids, terms = ids_and_search(args.ids, _SEARCHED)
    clock = SystemClock()
    now, since = clock.now(), args.since
    if not isinstance(since, float):
        day = date_of(since, now, settings.zone)
        since = (now - datetime.combine(day, time(), settings.zone)).total_seconds()
    matches = matcher(terms, now)
    recorded, is_selected = stored(
        settings,
        clock,
        lambda s: (s.transitions(MAX_TRANSITIONS), selector(settings, environ, s)),
    )
    changes = [
        Change.of(each)
        for each in recorded
        if (not ids or each.key.id in ids)
        and is_selected(each.key.target)
        and (now - each.at).total_seconds() <= since
        and matches(each.key, WorkflowInstance(each.key.id, name=each.name), each.to_status)
    ]
    # The service's time of a change may be long before that of its record.
    changes.sort(key=attrgetter("at"), reverse=True)
    if args.output != "table":
        rows = [{**change.values, "failed": change.causes(args.output)} for change in changes]
        output.print_rows(args.output, rows, _KEYS, settings.zone)
    elif changes:
        titles = (output.titled("WHEN", settings.zone, now), "ID", "CHANGE", "NAME")
        lines = [titles, *(change.cells(settings.zone) for change in changes)]
        places = output.where([change.key.target for change in changes])
        print(output.fitted([lines, places], output.room(), (("NAME", 12),)))
    if not changes:
        hint = hint_on(" ".join(map(str, terms)), (*_SEARCHED, "date"))
        given = filter(None, [listed([*map(str, (*ids, *terms))], 5), selected_by(settings)])
        of = "".join(f" of {each}" for each in given)
        say_none(
            args.output,
            f"No change{of} is recorded{' of that time' * (since < inf)}: the app and watch --forever record changes, "
            f"and a first reading is not a change.{hint.replace('date=', '--since ')}",
        )
    return 0
