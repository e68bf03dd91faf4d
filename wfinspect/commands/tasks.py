"""``wfinspect tasks``: prints the tasks of an instance, what needs the user first."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime, tzinfo

from wfinspect.clock import SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import Requester, resolve_target
from wfinspect.export import csv_table
from wfinspect.format import duration, exact_json, moment, service_time, shown
from wfinspect.model import (
    Family,
    InstanceKey,
    Status,
    TaskInstance,
    by_attention,
    service_name,
    spans,
)
from wfinspect.parsing import parse_id
from wfinspect.search import read_word
from wfinspect.settings import Settings
from wfinspect.watching.api import TasksOf

WORDS = (*(str(each) for each in Status if each is not Status.UNKNOWN), "frozen", "dry-run")
"""What a task's state may be called."""

_LEFT_OUT = ("script_content", "tags", "unknown_fields", "unreadable", "raw")
_COLUMNS = tuple(each.name for each in fields(TaskInstance) if each.name not in _LEFT_OUT)
_SHED = ("STARTED", "TYPE", "RUN")
_TITLES = ("ID", "STATUS", "NAME", "TYPE", "STARTED", "RAN", "RUN")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_id(parser)
    parser.add_argument(
        "--status",
        type=lambda text: read_word(WORDS, text),
        choices=WORDS,
        metavar="STATUS",
        help=f"only those in a state: {', '.join(WORDS)}",
    )
    output.add_output_option(parser, "an array of the service's objects as they came")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each task."""
    target = resolve_target(settings, environ).target
    requester = Requester(target, settings, environ)
    page = requester.run(requester.answer(TasksOf(InstanceKey(target, parse_id(args.id)))))
    found = by_attention(page.items)
    tasks = [task for task in found if args.status in {None, task.word.replace(" ", "-")}]
    if args.output == "json":
        print("[" + ",\n".join(map(_json, tasks)) + "]")
    elif args.output == "csv":
        print(csv_table([service_name(n) for n in _COLUMNS], map(_values, tasks), settings.zone))
    elif tasks:
        now = SystemClock().now()
        rows = [_TITLES, *(_row(task, settings.zone, now) for task in tasks)]
        print(output.fitted(rows, _SHED, output.room()))
    else:
        output.say("No task matches." if found else "The instance has no tasks.")
    if not page.is_last:
        total = f" of {page.total:,}" if page.total else ""
        output.say(f"Only the first {len(found):,}{total} tasks were read.")
    return 0


def _row(task: TaskInstance, zone: tzinfo, now: datetime) -> tuple[str, ...]:
    ran = spans(task, now.timestamp() * 1000).running
    word = "unreadable" if "status" in dict(task.unreadable) else shown(task.word, limit=40) or "-"
    return (
        str(task.id),
        output.Colored(word, Family.IDLE if task.is_idle else task.family),
        shown(task.task_name, limit=200) or "-",
        shown(task.task_type, limit=40) or "-",
        service_time(task.started_time, zone) or "-",
        "-" if ran is None else duration(ran),
        str(task.run_number or "-"),
    )


def _json(task: TaskInstance) -> str:
    if task.raw:
        return exact_json(task.raw)
    # Of very many tasks not all are kept as they came.
    return json.dumps(
        {service_name(n): getattr(task, n) for n in _COLUMNS if getattr(task, n) not in {None, ""}}
    )


def _values(task: TaskInstance) -> Iterator[object]:
    unreadable = dict(task.unreadable)
    for name in _COLUMNS:
        value = unreadable.get(name, getattr(task, name))
        yield (moment(value) or value) if name.endswith("_time") and type(value) is int else value
