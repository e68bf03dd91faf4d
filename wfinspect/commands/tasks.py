"""``wfinspect tasks`` and ``logs``: print the tasks of an instance, and what they wrote."""

import argparse
import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import TypeVar

from wfinspect.clock import SystemClock
from wfinspect.commands import COMMANDS, output
from wfinspect.commands.once import (
    Requester,
    TaskGiven,
    given_key,
    is_worth_retrying,
    resolve_target,
    say_none,
)
from wfinspect.errors import NotFound, ServiceError, UsageError, did_you_mean
from wfinspect.export import csv_table
from wfinspect.format import (
    before_rerun,
    duration,
    exact_json,
    listed,
    log_command,
    log_parts,
    moment,
    names_end,
    no_log,
    plain_text,
    service_time,
    shown,
)
from wfinspect.model import (
    MAY_BE_OF_TASK,
    Family,
    InstanceId,
    InstanceKey,
    Target,
    TaskInstance,
    by_attention,
    failed_tasks,
    service_name,
    spans,
    zone_words,
)
from wfinspect.search import (
    ID_DIGITS,
    TASK_NAMES,
    TASK_WORDS,
    complete,
    none_match,
    read_id,
    read_words,
    task_matcher,
)
from wfinspect.settings import Settings
from wfinspect.watching.api import (
    FEW_RUNS,
    INCIDENT_LOGS,
    InstanceOf,
    Request,
    RunsOf,
    TaskLog,
    TaskOf,
    TasksOf,
    failed_before,
    most_rerun,
)
from wfinspect.watching.cadence import FOLLOW_SECONDS

_T = TypeVar("_T")

# Without what only GetTaskInstance gives, and what the instance says of all its tasks.
_COLUMNS = TaskInstance._fields[: TaskInstance._fields.index("script_content")]
_TITLED = {"name": "TaskName", "type": "TaskType", "started": "StartedTime", "run": "RunNumber"}
"""Columns that are printed, and the service's names of them where these differ."""
_STEPS = (("NAME", 24), ("STARTED", 0), ("TYPE", 0), ("RUN", 0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    if parser.get_default("command") == "logs":
        _add_log_arguments(parser)
        return
    output.add_id(parser)
    parser.add_argument(
        "search",
        nargs="*",
        metavar="WORD",
        help="only those that match: a part of the name or ID, status=failure, type=odps, !word",
    )
    parser.set_defaults(searched=[name for name in TASK_NAMES if name != "status"])
    parser.add_argument(
        "--status",
        type=lambda text: read_words(TASK_WORDS, text),
        choices=TASK_WORDS,
        metavar="STATUS",
        help=f"only those in a state: {', '.join(TASK_WORDS)}",
    )
    names = [*map(service_name, _COLUMNS)]
    output.add_output_option(parser, "an array of the service's objects", keys=names)


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each task, or logs."""
    if args.command == "logs":
        target, key = about(args, settings, environ)
        _refuse_what_contradicts(args)
        requester = Requester(target, settings, environ)
        work = _print_logs(requester, key, args, _period(settings))
    else:
        now, given = SystemClock().now(), [args.id, *args.search]
        args.id = next(filter(_may_be_instance, given), args.id)
        given.remove(args.id)
        is_wanted = _wanted(given, args.status, now)
        key = given_key(args.id, settings, environ)
        requester = Requester(key.target, settings, environ)
        none = none_match("task", " ".join(given), TASK_NAMES)

        async def print_tasks() -> None:
            page = await requester.answer(TasksOf(key))
            found = [*filter(is_wanted, by_attention(page.items))]
            _print_tasks(found, args, settings.zone, now)
            if not found:
                say_none(args.output, none if page.items else "The instance has no tasks.")
            if not page.is_last:
                total = f" of {page.total:,}" if page.total else ""
                output.say(f"Only the first {len(page.items):,}{total} tasks were read.")
            if args.output == "table":
                await _say_failed_before(requester, key, page.items)

        work = print_tasks()
    requester.run(work)
    return 0


async def _say_failed_before(
    requester: Requester,
    key: InstanceKey,
    tasks: Sequence[TaskInstance],
    *,
    is_of_failed: bool = False,
) -> None:
    """Say what had failed when an instance was rerun, where it can be read and no task fails now."""
    recorded, most = requester.recorded(key), INCIDENT_LOGS if is_of_failed else FEW_RUNS
    with suppress(ServiceError):
        failed, unread = await failed_before(key, tasks, recorded, requester.answer, most)
        if failed:
            log = log_command(key.id, failed[0])
            output.say(f"{before_rerun(failed)} This prints its log: {log}")
        if unread:
            further = "TASK --run N" if is_of_failed else "--failed"
            output.say(_unread_words(unread, key, further))


def _unread_words(tasks: int, key: InstanceKey, further: str) -> str:
    """Return the sentence that a run that failed may be among those that were not looked at."""
    few = f"{tasks} task{'s' * (tasks > 1)}"
    return (
        f"Earlier runs of {few} were not read: some may have failed. "
        f"This reads further: wfinspect logs {key.id} {further}"
    )


def _may_be_instance(word: str) -> bool:
    """Return whether a word is an ID; a longer one may be that of a task."""
    return word.isdecimal() and len(word) >= ID_DIGITS and int(word) < MAY_BE_OF_TASK


def _wanted(
    words: Sequence[str], status: str | None, now: datetime
) -> Callable[[TaskInstance], bool]:
    """Return what tests tasks by the words and the status that are given."""
    if other := next(filter(_may_be_instance, words), ""):
        raise UsageError(f"{other!r} is one too many: give one ID, and parts of names of tasks.")
    matches = task_matcher(complete(words), now)
    states = status.split(",") if status else ()
    return lambda task: matches(task) and (not states or task.word.replace(" ", "-") in states)


def about(
    args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]
) -> tuple[Target, InstanceKey | None]:
    """Return the instance that is given, behind its target; None where a task alone is, by its ID.

    A task that stands behind it, or before it, becomes that of --task.
    """
    if args.second is not None:
        if _may_be_instance(args.second) and not _may_be_instance(args.id):
            args.id, args.second = args.second, args.id
        if args.task is not None or _may_be_instance(args.second):
            raise UsageError(f"{args.second[:40]!r} is one too many: give one ID and one task.")
        args.task = args.second
    if args.id is not None:
        key = given_key(args.id, settings, environ)
        return key.target, key
    if args.task is None:
        example = COMMANDS[args.command].examples[0]
        raise UsageError(f"ID or --task is missing: what it is of, e.g. wfinspect {example}")
    return resolve_target(settings, environ).target, None


def task_id(text: str) -> int:
    """Return the ID of a task that is given alone."""
    try:
        return read_id(text)
    except UsageError:
        raise UsageError(
            f"{text[:40]!r} is not the ID of a task instance, such as 10433010001002: "
            "put the instance's ID before the name of a task."
        ) from None


def _print_tasks(
    tasks: Sequence[TaskInstance], args: argparse.Namespace, zone: tzinfo, now: datetime
) -> None:
    if args.output == "json":
        print("[" + ",\n".join(map(_json, tasks)) + "]")
    elif args.output == "csv":
        print(csv_table([service_name(n) for n in _COLUMNS], map(_values, tasks), zone))
    elif tasks and isinstance(args.output, output.Fields):
        values = [json.loads(_json(task)) for task in tasks]
        names = [_TITLED.get(name.casefold(), name) for name in args.output]
        print(output.as_fields(values, names, [*map(service_name, _COLUMNS)]))
    elif tasks:
        started = output.titled("STARTED", zone, now)
        rows = [
            ("ID", "STATUS", "NAME", "TYPE", started, "RAN", "RUN"),
            *(_row(task, zone, now) for task in tasks),
        ]
        print(output.fitted([rows], output.room(), _STEPS))


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


def add_task(parser: argparse.ArgumentParser) -> None:
    """Add an instance's ID and a task."""
    parser.add_argument("id", nargs="?", metavar="ID", help=f"the instance's ID, {output.A_WORD}")
    parser.add_argument("second", nargs="?", metavar="TASK", help="the same as --task TASK")
    parser.add_argument(
        "--task",
        metavar="TASK",
        help="of this task, by its name or ID; with its ID the instance's can be left out",
    )


# Their logs.

_NAMED = 3


def _add_log_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument(
        "--failed",
        dest="is_of_failed",
        action="store_true",
        help="of each failed task, below a line that names it; frozen ones are passed over",
    )
    parser.add_argument(
        "--run",
        type=read_count,
        metavar="N",
        help="of run N, from 1; without --task of the task that needs you most among those that have it",
    )
    parser.add_argument("-n", "--tail", type=read_count, metavar="N", help="only the last N lines")
    parser.add_argument(
        "--grep",
        type=_pattern,
        metavar="REGEX",
        help="only lines that match; a capital letter makes case count",
    )
    parser.add_argument(
        "-f",
        "--follow",
        dest="is_followed",
        action="store_true",
        help="print what comes until that task's run is over, also after an outage; read every "
        f"{FOLLOW_SECONDS:g}s or --interval",
    )


def read_count(text: str, other: str = "") -> int:
    """Return the number above 0 that an option has for a value; `other` names what it may be besides."""
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise UsageError(f"{text[:20]!r} can't be used: give {other}a whole number above 0.")


def _pattern(text: str) -> re.Pattern[str]:
    # As in the log of the app. \S and its like are no letters.
    bare = re.sub(r"\\.", "", text)
    try:
        return re.compile(text, re.IGNORECASE if bare == bare.lower() else 0)
    except re.error as error:
        raise UsageError(f"{text[:60]!r} is not a regular expression: {error}.") from None


def _refuse_what_contradicts(args: argparse.Namespace) -> None:
    if args.is_of_failed and args.task is not None:
        raise UsageError("--failed and --task exclude each other.")
    if args.is_of_failed and (args.is_followed or args.run):
        raise UsageError("--failed goes with neither --follow nor --run: name one --task.")
    if args.run and args.is_followed:
        raise UsageError("--follow reads the latest run: leave --run out.")


async def _print_logs(
    requester: Requester, key: InstanceKey | None, args: argparse.Namespace, every: float
) -> None:
    target, of, tasks = requester.target, "", list[TaskInstance]()
    if key is not None:
        tasks += await _of_instance(requester, key, args)
    else:
        tasks += [await requester.answer(TaskOf(target, task_id(args.task)))]
    number = tasks[0].workflow_instance_id if tasks else None
    if number and (key is None or key.id != number):
        key, of = InstanceKey(target, InstanceId(number)), f", of instance {number}"
    zone = zone_words(target.region, requester.clock.now())
    if args.is_of_failed and tasks:
        output.say(f"The times in these logs are of {zone}.")
    for task in tasks:
        number = args.run or task.run_number
        state = f", {shown(task.word, limit=40)}" if number == task.run_number else ""
        name = shown(task.task_name, limit=200)
        if lacking := _lacking(task, args.run or 1):
            raise NotFound(lacking)
        heading = f"{name} ({task.id}), run {number or 1}{state}"
        read = TaskLog(target, task.id, number)
        text = await requester.answer(read)
        if args.is_of_failed:
            print(f"==> {heading} <==")
        else:
            output.say(f"Log of {heading}{of}; its times are of {zone}.")
        log = GrowingLog(args.grep, args.tail)
        log.print(text, is_whole=not args.is_followed)
        if args.is_followed:
            over = await _follow(requester, task, read, log, every)
            output.say(f"{over}{await _going_on(requester, key, every)}")
        if not log.has_printed:
            output.say(log.lacking(earlier=None if number == task.run_number else number))
        # Without a name, that of the instance has been said.
        if key is not None and args.task and not (args.run or log.text):
            await _say_failed_before(requester, key, tasks)


async def _of_instance(
    requester: Requester, key: InstanceKey, args: argparse.Namespace
) -> Sequence[TaskInstance]:
    try:
        page = await requester.answer(TasksOf(key))
    except TaskGiven as error:
        if args.task is not None or args.is_of_failed:
            raise
        args.task = str(error.task.id)
        return [error.task]
    if args.run and args.task is None:
        return [await _run_of(requester, key, page.items, args.run)]
    chosen = _chosen(by_attention(page.items), key.id, args)
    if args.task is None:
        await _say_failed_before(requester, key, page.items, is_of_failed=args.is_of_failed)
    return chosen


async def _run_of(
    requester: Requester, key: InstanceKey, tasks: Sequence[TaskInstance], number: int
) -> TaskInstance:
    """Return a run of the task whose log is printed without a number, else of the next one that has it.

    Where none is failed now, of one that failed then: of a few tasks with later runs the earlier ones
    are read, at a call each, first of those with most runs. If none of these failed, of the one that ended last.
    """
    latest = max((task.run_number or 1 for task in tasks), default=0)
    if latest < number:
        most = "1 run" if latest == 1 else f"{latest} runs"
        raise NotFound(f"No task of {key.id} has run {number}: they have at most {most}.")
    ordered = sorted(by_attention(tasks), key=lambda task: task.is_frozen)
    having = [task for task in ordered if not _lacking(task, number)]
    later = [task for task in having if (task.run_number or 1) > number]
    is_sought = not failed_tasks(tasks)
    earlier: list[TaskInstance] = []
    few = most_rerun(later) if is_sought else later[: later[:1] == having[:1]]
    for task in few:
        page = await requester.answer(RunsOf(key, task.id))
        earlier += [run for run in page.items if run.run_number == number]
    runs = [*(task for task in having if task not in later), *earlier]
    failed, ended = failed_tasks(runs), sorted(earlier, key=lambda run: -(run.finished_time or 0))
    found = [run for run in runs if run.id == having[0].id]
    chosen = [*[*failed, *ended] * is_sought, *found, having[0]][0]
    if lacking := _lacking(ordered[0], number):
        output.say(lacking)
    if others := [shown(run.name_or_id, limit=60) for run in failed if run.id != chosen.id]:
        too = " too" * (chosen in failed)
        names = listed(others, _NAMED)
        output.say(f"Failed in run {number}{too}: {names}. --task NAME prints its log.")
    if is_sought and (unread := len(later) - len(few)):
        output.say(_unread_words(unread, key, f"TASK --run {number}"))
    return chosen


def _lacking(task: TaskInstance, number: int) -> str:
    """Return the sentence that a task has no run of a number; "" for one that has."""
    if (latest := task.run_number or 1) >= number:
        return ""
    runs = f"runs 1 to {latest}" if latest > 1 else "only run 1"
    return f"{shown(task.task_name, limit=200)} has no run {number}: it has {runs}."


async def _going_on(requester: Requester, key: InstanceKey | None, every: float) -> str:
    """Return a sentence if an instance goes on, with a blank before it."""
    if key is None:
        return ""
    of = await _patient(requester, InstanceOf(key), every)
    goes_on = (
        f" {key.id} goes on ({shown(of.status, limit=40)}): `wfinspect watch {key.id}` follows it."
    )
    return "" if of.is_settled else goes_on


async def _follow(
    requester: Requester, task: TaskInstance, read: TaskLog, log: "GrowingLog", every: float
) -> str:
    """Print the log of a task's run until that is over; return the sentence on how it ended."""
    run, is_over, before = task.run_number or 1, task.family.is_settled, ""
    while not is_over:
        # The state costs a call of its own, which a log that goes on growing spares.
        if log.text == before or names_end(log.text):
            task = await _patient(requester, TaskOf(requester.target, task.id), every)
            is_over = task.family.is_settled or (task.run_number or 1) > run
        if not is_over:
            await asyncio.sleep(every)
        before = log.text
        log.print(await _patient(requester, read, every), is_whole=False)
    log.print(log.text, is_whole=True)
    name = shown(task.task_name, limit=200)
    if (latest := task.run_number or 1) > run:
        return f"Run {run} of {name} is over: run {latest} has begun."
    return f"{name} is over: {shown(task.word, limit=40)}."


async def _patient(requester: Requester, request: Request[_T], every: float) -> _T:
    """Return what a request gives; an outage is said, and does not end it."""
    is_lost = False
    while True:
        try:
            answer = await requester.answer(request)
        except ServiceError as error:
            if not is_worth_retrying(error):
                raise
            if not is_lost:
                output.say(f"{error} It is tried again every {every:g}s.")
            is_lost = True
            await asyncio.sleep(every)
        else:
            if is_lost:
                output.say("Contact is back.")
            return answer


def _period(settings: Settings) -> float:
    """Return the seconds between two readings of a log: those of --interval where it is set."""
    return FOLLOW_SECONDS if settings.sources["interval"] == "default" else settings.interval


def _chosen(
    tasks: Sequence[TaskInstance], instance_id: InstanceId, args: argparse.Namespace
) -> Sequence[TaskInstance]:
    """Return the tasks whose logs are wanted; say which ones are passed over."""
    if args.task is not None:
        return [named_task(tasks, args.task, instance_id)]
    others = [task for task in tasks if not task.is_frozen]
    failed = failed_tasks(tasks)
    if frozen := [task for task in tasks if task.is_frozen]:
        names = listed([shown(t.name_or_id, limit=60) for t in frozen], _NAMED)
        output.say(f"Skipped, since it is frozen: {names}.")
    if args.is_of_failed and not failed:
        output.say("No other task has failed." if frozen else "No task has failed.")
    if not others:
        output.say("No task has run.")
    if (further := failed[1:]) and not args.is_of_failed:
        names = listed([shown(t.name_or_id, limit=60) for t in further], _NAMED)
        output.say(f"Failed too: {names}. --failed prints the logs of all.")
    return failed if args.is_of_failed else others[:1]


def named_task(tasks: Sequence[TaskInstance], text: str, instance_id: InstanceId) -> TaskInstance:
    """Return the task of an instance with an ID, else that with a name."""
    by_id = [task for task in tasks if text in {str(task.id), str(task.task_id)}]
    if named := by_id or [task for task in tasks if task.task_name == text]:
        return named[0]
    names = [shown(task.task_name, limit=200) for task in tasks]
    hint = did_you_mean(text, names, f"`wfinspect tasks {instance_id}` lists them.")
    raise NotFound(f"{instance_id} has no task {shown(text, limit=60)}: {hint}")


class GrowingLog:
    """A log that grows, as far as it is printed."""

    def __init__(self, pattern: re.Pattern[str] | None, tail: int | None) -> None:
        """Print only lines that match `pattern`, and of those that are there at first the last ones."""
        self.text = ""
        self.has_printed = False
        self._pattern = pattern
        self._tail = tail
        self._printed = 0
        """Characters of the text that have been printed or left out."""

    def lacking(self, *, earlier: int | None) -> str:
        """Return the sentence on why nothing of it was printed; `earlier` as of `no_log`."""
        if self._pattern is None or not self.text:
            return no_log("", earlier=earlier)
        case = "" if self._pattern.flags & re.IGNORECASE else ": a capital letter makes case count"
        return f"No line of it matches {self._pattern.pattern!r}{case}."

    def print(self, text: str, *, is_whole: bool) -> None:
        """Print what is new in a text; unless it `is_whole`, without a line that is not complete."""
        if not text.startswith(self.text[: self._printed]):
            output.say("The log is that of a new run.")
            self._printed = 0
        end = len(text) if is_whole else text.rfind("\n") + 1
        lines = text[self._printed : end].removesuffix("\n").split("\n")
        is_new = end > self._printed
        self.text, self._printed = text, end
        if self._pattern is not None:
            lines = [line for line in lines if self._pattern.search(line)]
        if self._tail is not None:
            lines, self._tail = lines[-self._tail :], None
        if is_new and lines:
            self.has_printed = True
            print(_in_colors(plain_text("\n".join(lines))), flush=True)


_LEVELS = {"error": output.RED, "warn": output.YELLOW, "debug": output.GREY}


def _in_colors(text: str) -> str:
    """Return lines of a log with their times dim and errors and warnings in colour, where that is on."""
    if not output.has_color():
        return text
    lines = []
    for line in text.split("\n"):
        parts = log_parts(line)
        rest = line.removeprefix(parts.time)
        if color := _LEVELS.get(parts.level or ""):
            rest = output.colored(output.Colored(rest, color))
        lines.append(output.colored(output.Colored(parts.time, output.GREY)) + rest)
    return "\n".join(lines)
