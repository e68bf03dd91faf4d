"""``wfinspect compare``: prints an instance beside its last success, or beside another."""

import argparse
from collections.abc import Mapping, Sequence

from wfinspect.commands import output
from wfinspect.commands.once import Requester, given_key
from wfinspect.errors import NotFound, UsageError
from wfinspect.export import (
    ComparedField,
    ComparedTask,
    compared_fields,
    compared_tasks,
    has_yet_to_begin,
)
from wfinspect.format import duration, moment, shown
from wfinspect.lateness import compare, last_success
from wfinspect.model import (
    FIELDS,
    FieldKind,
    InstanceKey,
    TaskInstance,
    WorkflowInstance,
    family_of,
)
from wfinspect.settings import Settings
from wfinspect.watching.api import InstanceOf, OtherRuns, TasksOf

_YES, _IN_EVERY_RUN, _NO = "yes", "in every run", "no"
_KEYS = (
    *("part", "name", "first", "second", "differs", "first_seconds", "second_seconds"),
    *("first_id", "second_id"),
)
_PARTS = {"$": "parameter", "#": "tag"}
_LIMIT = 60
"""Characters of a value that stands beside another; more where a terminal has room for them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_id(parser)
    parser.add_argument(
        "other",
        nargs="?",
        metavar="OTHER",
        help="what to compare it with (default: its last success)",
    )
    output.add_output_option(parser, "an array of fields and tasks", keys=_KEYS)


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print what differs, then what differs in every run; what is equal is in JSON and CSV."""
    given = filter(None, (args.id, args.other))
    keys = [given_key(each, settings, environ) for each in given]
    target = keys[0].target
    if len(keys) > len({*keys}):
        number = keys[0].id
        raise UsageError(f"{number} is given twice: compare it with another run, or give one ID.")
    requester = Requester(target, settings, environ)
    (first, second), both_tasks, said = requester.run(_read(requester, keys))
    now_ms = requester.clock.now().timestamp() * 1000
    fields = [*map(_field, compared_fields(first, second, target.region, settings.zone))]
    pairs = compared_tasks(both_tasks[0], both_tasks[1], now_ms)
    tasks = [_task(pair, now_ms) for pair in pairs]
    if args.output != "table":
        exact = (_exact(row, first, second) for row in fields)
        output.print_rows(args.output, [*exact, *tasks], _KEYS, settings.zone)
        return 0
    print(f"{shown(first.name, limit=200)}, {first.id} beside {second.id}", end="")
    print(f", the last success before it\nThis run: {said}\n" if said else "\n")
    if has_yet_to_begin(both_tasks[0]):
        print(f"TASKS {len(tasks)}: none has begun\n")
        tasks = []
    zone, room = output.titled("", settings.zone, requester.clock.now()), output.room()
    for title, differs, rows in (
        ("TASKS", None, tasks),
        ("DIFFERS", _YES, fields),
        ("DIFFERS IN EVERY RUN", _IN_EVERY_RUN, fields),
    ):
        some = [row for row in rows if differs in {None, row["differs"]}]
        if some:
            heading = (f"{title} {len(some)}", str(first.id), str(second.id))
            lines = [heading, *(_line(row, max(room or 0, _LIMIT), zone) for row in some)]
            parts = [lines]
            if rows is tasks:
                parts.append([("RAN",), *((pair.change(now_ms),) for pair in pairs)])
            print(f"{output.fitted(parts, room, (('RAN', 0),))}\n")
    print(f"{sum(row['differs'] == _NO for row in fields)} are equal: -o json has them.")
    return 0


async def _read(
    requester: Requester, keys: Sequence[InstanceKey]
) -> tuple[list[WorkflowInstance], list[Sequence[TaskInstance]], str]:
    """Return both instances, the tasks of both, and how long the first took beside what is usual.

    That is "" where the other was named.
    """
    answer, (key, *others), said = requester.answer, keys, ""
    instances = [await answer(InstanceOf(key))]
    if not others:
        runs = await answer(OtherRuns(key))
        said = compare(instances[0], runs).sentence(requester.clock.now())
        if (last := last_success(runs, instances[0])) is None:
            raise NotFound(
                f"No earlier run of {key.id} that succeeded is known: give the ID of another run."
            )
        others = [InstanceKey(key.target, last.id)]
    instances.append(await answer(InstanceOf(*others)))
    return instances, [(await answer(TasksOf(each))).items for each in (key, *others)], said


def _field(found: ComparedField) -> output.Values:
    part = _PARTS.get(found.label[0], "field")
    name = found.label if part == "field" else found.label[1:]
    differs = _NO if found.is_equal else _IN_EVERY_RUN if found.is_of_run else _YES
    values = part, name, found.first, found.second, differs, None, None, None, None
    return dict(zip(_KEYS, values, strict=True))


def _exact(row: output.Values, *runs: WorkflowInstance) -> output.Values:
    """Return the row of a field with the service's name, and times as times; any other as it is."""
    field = _FIELDS.get(str(row["name"])) if row["part"] == "field" else None
    if field is None:
        return row
    exact: dict[str, output.Value] = {**row, "name": field.service_name}
    for place, run in zip(("first", "second"), runs, strict=True):
        value = getattr(run, field.attribute)
        if field.kind is FieldKind.TIME and value is not None:
            exact[place] = moment(value) or row[place]
    return exact


_FIELDS = {field.label: field for field in FIELDS}


def _task(pair: ComparedTask, now_ms: float) -> output.Values:
    words = [None if task is None else task.word for task in (pair.first, pair.second)]
    ids = [None if task is None else task.id for task in (pair.first, pair.second)]
    is_same = words[0] == words[1] and not pair.change(now_ms)
    values = "task", pair.name, *words, _NO if is_same else _YES, *pair.seconds(now_ms), *ids
    return dict(zip(_KEYS, values, strict=True))


def _line(row: output.Values, limit: int, zone: str) -> tuple[str, ...]:
    field = _FIELDS.get(str(row["name"])) if row["part"] == "field" else None
    zone = zone if field is not None and field.kind is FieldKind.TIME else ""
    cells = [f"  {shown(str(row['name']), limit=limit)}{zone}"]
    for place in ("first", "second"):
        value, seconds = row[place], row[f"{place}_seconds"]
        ran = f" {duration(seconds)}" if isinstance(seconds, float) else ""
        cell = "-" if value is None else shown(str(value), limit=limit) + ran
        is_state = value is not None and (row["part"] == "task" or row["name"] == "Status")
        cells.append(output.Colored(cell, family_of(str(value))) if is_state else cell)
    return tuple(cells)
