"""``wfinspect report``: prints for others what failed, since when, why, and what was different before."""

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

from wfinspect.clock import Clock
from wfinspect.commands import output
from wfinspect.commands.list import WORDS_OR_IDS, may_match, none_listed
from wfinspect.commands.once import (
    Outcomes,
    Requester,
    errors_of,
    read_all,
    resolve_target,
    say_errors,
    stored_or,
    stored_rows,
)
from wfinspect.errors import NotFound, ServiceError, UsageError, none_of
from wfinspect.model import Family, InstanceKey, Transition, WorkflowInstance, failed_tasks
from wfinspect.report import FORMS, Incident, as_report, counted
from wfinspect.search import SPELLED, Term, ids_and_search, matcher
from wfinspect.settings import Settings, write_over
from wfinspect.watching.api import INCIDENT_CALLS, IncidentOf, Row, recorded, state_since
from wfinspect.watching.store import Store

_CHANGES = 200
_MOST_GOING_ON = 20
"""Of so many running rows of the list the tasks are read, at a call each."""
_BY_SUFFIX = {f".{suffix}": form for form, suffix in FORMS.items()}
_Known = Sequence[tuple[Row, Sequence[Transition]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    without = "; without one, all that failed on the watched list"
    output.add_ids(parser, without=without, searched=SPELLED)
    output.add_output_option(parser, "an array", tuple(FORMS))
    parser.add_argument(
        "--out",
        type=lambda text: None if text == "-" else Path(text),
        metavar="FILE",
        help="write it to this file, which only you can read; its suffix .html, .json or .md is the form; "
        "- for standard output",
    )
    parser.set_defaults(output=None)


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print one document on all of them; what could not be read is said in its place."""
    if args.out is not None:
        _refuse_unwritable(args.out)
    form, (ids, terms) = args.output or _form_of(args.out), ids_and_search(args.ids)
    target, calls, title = resolve_target(settings, environ).target, 0, ""
    requester, outcomes = Requester(target, settings, environ), Outcomes()
    if ids and terms:
        raise UsageError(WORDS_OR_IDS)
    keys = [InstanceKey(target, number) for number in ids]
    if not ids:
        outcomes, calls = _of_list(terms, settings, environ, requester.clock)
    unread, running = errors_of(outcomes), _of_family(Family.ACTIVE, outcomes)
    going_on = dict(islice(running.items(), _MOST_GOING_ON))
    wanted = unread.keys() | _of_family(Family.FAILURE, outcomes).keys() | going_on.keys()
    keys += [key for key in outcomes if key in wanted]
    known = _known(settings, requester, keys)
    if (number := len(known) - len(unread)) > 1:
        most = f"at most {number * INCIDENT_CALLS} calls, and 1 for each failed task"
        output.say(f"{number} instances: {most}, 2 a second.")
    found, errors = (
        requester.run(_read(requester, settings, known, unread, going_on)) if known else ([], {})
    )
    if len(errors) == len(known) > 0:
        return say_errors(errors, is_of_list=not ids)
    calls += sum(len(each.request_ids) for each in found)
    if not ids:
        others = [each for each in found if not _is_wanted(each)]
        found = [each for each in found if _is_wanted(each)]
        if (no_longer := sum(each.key not in going_on for each in others)) > 0:
            they = "it no longer fails" if no_longer == 1 else "they no longer fail"
            output.say(f"{no_longer} left out: {they}.")
        unknown = len(running) - len(going_on)
        unknown += sum("tasks" in each.missing and each.key in going_on for each in others)
        title = counted(found, len(outcomes), " ".join(map(str, terms)), unknown)
        # On a terminal the document's first line says it.
        if args.out is not None or form == "json" or not sys.stdout.isatty():
            output.say(f"{title}.")
    text = as_report(form, found, settings.zone, requester.clock.now(), title)
    if args.out is None:
        print(text)
    else:
        _write(args.out, text)
    output.say(f"{calls} calls were made." if calls != 1 else "1 call was made.")
    # Of a row of the list it is a state, which the report has.
    return say_errors(errors) if ids else 0


def _of_list(
    terms: Collection[Term], settings: Settings, environ: Mapping[str, str], clock: Clock
) -> tuple[Outcomes, int]:
    """Return what is known of the rows of the watched list that match, and how many calls that took."""
    now = clock.now()
    listed = stored_rows(settings, environ, clock)
    known = {row.key: row.instance for row in may_match(listed, terms, now) if not row.is_gone}
    read, calls = read_all([*known], settings, environ, clock)
    for key, each in known.items():
        # How it ended stays so where the service no longer knows it.
        if each and each.is_settled and isinstance(read[key], NotFound):
            read[key] = each
    matches = matcher(terms, now)
    found = {
        key: each
        for key, each in read.items()
        if isinstance(each, ServiceError) or matches(key, each, each.status)
    }
    if terms and not found:
        raise UsageError(none_listed(settings, terms, is_empty=not listed))
    return found, calls


def _form_of(path: Path | None) -> str:
    suffix = path.suffix.lower() if path is not None else ""
    if suffix and suffix not in _BY_SUFFIX:
        raise UsageError(f"--out: {none_of(suffix, _BY_SUFFIX, 'give the form with -o.')}")
    return _BY_SUFFIX.get(suffix, "markdown")


def _of_family(family: Family, outcomes: Outcomes) -> dict[InstanceKey, WorkflowInstance]:
    """Return those that were read in a state of a family."""
    read = ((key, each) for key, each in outcomes.items() if isinstance(each, WorkflowInstance))
    return {key: each for key, each in read if each.family is family}


def _is_wanted(incident: Incident) -> bool:
    """Return whether an instance or one of its tasks failed, or it could not be read."""
    return "instance" in incident.missing or incident.fails or bool(failed_tasks(incident.tasks))


def _known(settings: Settings, requester: Requester, keys: Sequence[InstanceKey]) -> _Known:
    """Return the rows of a report, with what is stored of them."""

    def read(store: Store) -> _Known:
        rows = {row.key: row for row in store.rows()}
        wanted = (rows.get(key) or Row(key) for key in keys)
        return [(row, store.transitions(_CHANGES, row.key)) for row in wanted]

    return stored_or(settings, requester.clock, read, [(Row(key), ()) for key in keys])


async def _read(
    requester: Requester,
    settings: Settings,
    known: _Known,
    unread: Mapping[InstanceKey, ServiceError],
    going_on: Mapping[InstanceKey, WorkflowInstance],
) -> tuple[list[Incident], dict[InstanceKey, ServiceError]]:
    """Return the incidents, also of those that could not be read, and the errors of these."""
    found, errors = list[Incident](), dict[InstanceKey, ServiceError]()
    for row, changes in known:
        try:
            if row.key in unread:
                raise unread[row.key]
            # An instance that is no longer listed has its changes.
            failed, going = row.failed or recorded(changes), going_on.get(row.key)
            incident = await requester.answer(IncidentOf(row.key, failed, going))
        except ServiceError as error:
            errors[row.key] = error
            if not (found or row.key in unread or isinstance(error, NotFound)):
                # Nor would any other be answered.
                return [], {each.key: unread.get(each.key, error) for each, _ in known}
            incident = Incident(
                row.key, row.instance, row.read_at, missing={"instance": str(error)}
            )
        since = state_since(row._replace(instance=incident.instance))
        link = settings.link_to(row.key.target, incident.instance) if incident.instance else ""
        found.append(incident._replace(history=changes, note=row.note, since=since, link=link))
    return found, errors


def _refuse_unwritable(path: Path) -> None:
    """Refuse before a call is made what `_write` could not write to."""
    if path.exists() and not path.is_file():
        raise UsageError(f"--out: {path} is not a file.")
    if not os.access(path.absolute().parent, os.W_OK):
        raise UsageError(f"--out: {path.absolute().parent} can't be written to.")


def _write(path: Path, text: str) -> None:
    try:
        write_over(path, text + "\n")
    except OSError as error:
        raise UsageError(f"--out: {path} can't be written: {error.strerror or error}.") from None
    output.say(f"Written to {path}.")
