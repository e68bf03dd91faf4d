"""``wfinspect report``: prints for others what failed, since when, why, and what was different before."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from wfinspect.commands import output
from wfinspect.commands.once import Requester, gravest, resolve_target, stored
from wfinspect.errors import NotFound, ServiceError, StoreError, UsageError
from wfinspect.model import Family, InstanceKey, Transition
from wfinspect.parsing import parse_ids
from wfinspect.report import FORMS, Incident, as_report
from wfinspect.settings import Settings, write_over
from wfinspect.watching.api import INCIDENT_CALLS, IncidentOf, Row, state_since
from wfinspect.watching.store import Store

_CHANGES = 200
_Known = Sequence[tuple[Row, Sequence[Transition]]]
"""Rows with their changes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_ids(parser, without="; without one, all that failed on the watched list")
    output.add_output_option(parser, "an array", tuple(FORMS))
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write it to this file, which only you can read",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print one document on all of them; what could not be read is said in its place."""
    if args.out is not None and args.out.exists() and not args.out.is_file():
        raise UsageError(f"--out: {args.out} is not a file.")
    if args.out is not None and not os.access(args.out.absolute().parent, os.W_OK):
        raise UsageError(f"--out: {args.out.absolute().parent} can't be written to.")
    target = resolve_target(settings, environ).target
    ids = parse_ids(" ".join(args.ids)) if args.ids else None
    keys = None if ids is None else [InstanceKey(target, number) for number in ids]
    requester = Requester(target, settings, environ)
    known = _known(settings, requester, keys)
    if len(known) > 1:
        output.say(
            f"{len(known)} instances: at most {len(known) * INCIDENT_CALLS} calls, 2 a second."
        )
    found, errors = requester.run(_read(requester, settings, known)) if known else ([], [])
    if len(errors) == len(known) > 0:
        for sentence in dict.fromkeys(map(str, errors)):
            output.say(sentence)
        return gravest({error.exit_code for error in errors})
    calls = sum(len(each.request_ids) for each in found)
    if keys is None:
        found = [each for each in found if _is_failed(each)]
        if (others := len(known) - len(found)) > 0:
            output.say(f"Left out, since it has not failed any more: {others} of them.")
    text = as_report(args.output, found, settings.zone, requester.clock.now())
    if args.out is None:
        print(text)
    else:
        _write(args.out, text)
    output.say(f"{calls} calls were made." if calls != 1 else "1 call was made.")
    return 0


def _is_failed(incident: Incident) -> bool:
    return incident.instance is None or incident.instance.family is Family.FAILURE


def _known(settings: Settings, requester: Requester, keys: Sequence[InstanceKey] | None) -> _Known:
    """Return the rows of a report, with what is stored of them."""

    def read(store: Store) -> _Known:
        rows = {row.key: row for row in store.rows()}
        failed = (r for r in rows.values() if r.family is Family.FAILURE and not r.is_gone)
        wanted = failed if keys is None else (rows.get(key) or Row(key) for key in keys)
        return [(row, store.transitions(_CHANGES, row.key)) for row in wanted]

    try:
        return stored(settings, requester.clock, read)
    except StoreError as error:
        if keys is None:
            raise
        output.say(str(error))
        return [(Row(key), ()) for key in keys]


async def _read(
    requester: Requester, settings: Settings, known: _Known
) -> tuple[list[Incident], list[ServiceError]]:
    found, errors = list[Incident](), list[ServiceError]()
    for row, changes in known:
        try:
            incident = await requester.answer(IncidentOf(row.key))
        except ServiceError as error:
            errors.append(error)
            if not (found or isinstance(error, NotFound)):
                # Nor would any other be answered.
                return [], [error] * len(known)
            incident = Incident(
                row.key, row.instance, row.read_at, missing={"instance": str(error)}
            )
        since = state_since(row._replace(instance=incident.instance))
        link = settings.link_to(row.key.target, incident.instance) if incident.instance else ""
        found.append(incident._replace(history=changes, note=row.note, since=since, link=link))
    return found, errors


def _write(path: Path, text: str) -> None:
    try:
        write_over(path, text + "\n")
    except OSError as error:
        raise UsageError(f"--out: {path} can't be written: {error.strerror or error}.") from None
    output.say(f"Written to {path}.")
