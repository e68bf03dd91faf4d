"""``wfinspect upstream`` and ``downstream``: print what an instance waits for, and what it holds up."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from wfinspect.clock import Clock
from wfinspect.commands import output
from wfinspect.commands.once import Requester, TaskGiven, say_on_terminal, stored_or
from wfinspect.commands.tasks import about, add_task, named_task, read_count, task_id
from wfinspect.errors import ServiceError
from wfinspect.export import task_values
from wfinspect.format import listed, moment, near_time, shown
from wfinspect.model import Direction, Family, Follow, InstanceId, InstanceKey
from wfinspect.settings import Settings
from wfinspect.watching.api import InstanceOf, Reply, Request, TaskOf, TasksOf
from wfinspect.watching.dependencies import (
    CALLS,
    Dependencies,
    DependencySearch,
    Reached,
    explore,
    is_followed,
)
from wfinspect.watching.outlook import judged_rows
from wfinspect.watching.store import Store

_MANY_CALLS = 6
"""After which a user reads that it lasts: at 2 calls a second, 3 s."""
_KEYS = (
    *("id", "name", "status", "blocks", "since", "level", "dependency", "through"),
    *("workflow", "instance", "workspace", "owner"),
)
_TITLES = ("NAME", "LEVEL", "WORKFLOW", "INSTANCE", "WORKSPACE", "OWNER")
# A task is found by its name; who to call is said below where the column has no room.
_STEPS = (
    *(("LEVEL", 0), ("WORKSPACE", 0), ("NAME", 24), ("WORKFLOW", 16), ("SINCE", 0)),
    *(("OWNER", 0), ("WORKFLOW", 8), ("NAME", 12)),
)
_OWNED = 3
"""Tasks of an owner that are named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only these commands take."""
    is_up = parser.get_default("command") == "upstream"
    fewer = ", fewer where what blocks is found" * is_up
    add_task(parser)
    parser.add_argument(
        "--calls",
        type=_read_calls,
        metavar="N|all",
        help=f"make about N calls at most; all goes on to the end (default: {CALLS}{fewer})",
    )
    output.add_output_option(parser, "an array of tasks", keys=_KEYS)


def _read_calls(text: str) -> int:
    return sys.maxsize if text == "all" else read_count(text, "all or ")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each task, and on standard error what that is in words and what it took."""
    direction = Direction(args.command.capitalize())
    target, key = about(args, settings, environ)
    requester = Requester(target, settings, environ)
    first: InstanceOf | TaskOf
    if key is not None and args.task is None:
        first = InstanceOf(key)
    else:
        # One of an instance is known by the time it would be requested.
        first = TaskOf(target, 0 if key is not None else task_id(args.task))
    search, trouble = DependencySearch(direction, first), None
    most = args.calls or CALLS

    async def go() -> None:
        if key is not None and args.task is not None:
            page = await requester.reply(TasksOf(key))
            task = named_task(page.value.items, args.task, key.id)
            search.take(Reply(task, page.read_at, page.calls))
        reply = partial(_reply, search, requester)
        await explore(search, reply, most, is_thorough=args.calls is not None)

    try:
        requester.run(go())
    except ServiceError as error:
        if not search.found().tasks:
            raise
        trouble = error
    follows, late = _known(settings, requester.clock)
    found = search.found(
        lambda task: InstanceKey(target, InstanceId(task.workflow_instance_id or 0)) in late,
        partial(is_followed, target=target, follows=follows),
    )
    blocking = len(found.tasks) if direction is Direction.UPSTREAM else 0
    rows = [*found.tasks, *found.between]
    now = requester.clock.now()
    if args.output != "table":
        values = [_values(each, blocks=place < blocking) for place, each in enumerate(rows)]
        output.print_rows(args.output, values, _KEYS, settings.zone)
    elif rows:
        _print(rows, blocking, settings.zone, now)
    output.say(search.sentence(found, search.name, settings.zone, now))
    _say(search, found, most, is_thorough=args.calls is not None)
    if trouble is not None:
        output.say(f"{trouble} There may be more than what was printed.")
    return trouble.exit_code if trouble else 0


async def _reply(
    search: DependencySearch, requester: Requester, request: Request[Any]
) -> Reply[Any]:
    if search.calls >= _MANY_CALLS:
        say_on_terminal("Still reading, 2 calls a second.")
    try:
        return await requester.reply(request)
    except TaskGiven as error:
        return Reply(error.task, requester.clock.now(), calls=2)


def _print(rows: Sequence[Reached], blocking: int, zone: tzinfo, now: datetime) -> None:
    """Print the table, and where it has no room for them the owners of the `blocking` first tasks."""
    titles = ("TASK", "STATUS", output.titled("SINCE", zone, now), *_TITLES)
    table = output.fitted(
        [[titles, *(_line(each, zone, now) for each in rows)]], output.room(), _STEPS
    )
    print(table)
    if "OWNER" in table.partition("\n")[0] or not blocking:
        return  # What is held up has its owners in the sentence on it.
    names: dict[str, list[str]] = {}
    for task in (each.task for each in rows[:blocking]):
        owner = shown(task.owner, limit=40) or "-"
        names.setdefault(owner, []).append(shown(task.name_or_id, limit=60))
    said = (f"{owner} of {listed(some, _OWNED)}" for owner, some in names.items())
    output.say(f"Owner{'s' * (len(names) > 1)}: {'; '.join(said)}.")


def _known(settings: Settings, clock: Clock) -> tuple[Sequence[Follow], set[InstanceKey]]:
    """Return what is followed, and what of the watched list is late."""

    def read(store: Store) -> tuple[Sequence[Follow], set[InstanceKey]]:
        rows = judged_rows(store, store.rows(), settings.interval, clock.moment())
        return store.follows(), {row.key for row in rows if row.is_late}

    # What was found has cost calls.
    nothing: tuple[Sequence[Follow], set[InstanceKey]] = ((), set())
    return stored_or(settings, clock, read, nothing)


def _say(search: DependencySearch, found: Dependencies, most: int, *, is_thorough: bool) -> None:
    if found.remark:
        output.say(found.remark)
    further = ""
    if found.unread:
        more = max(3 * most, search.calls + found.unread)
        rest = search.rest(found, is_thorough=is_thorough)
        # What these lead to is not known, and costs calls, too.
        how = f"--calls {more} looks further, --calls all to the end"
        further = f" {rest}: {how}."
    output.say(f"{search.spent}.{further}")


def _values(each: Reached, *, blocks: bool) -> output.Values:
    values = {
        **task_values(each.task),
        "blocks": blocks,
        "since": moment(each.since),
        "level": each.level,
        "dependency": each.type or None,
        "through": [one.id for one in each.through],
    }
    return {key: values[key] for key in _KEYS}


def _line(each: Reached, zone: tzinfo, now: datetime) -> tuple[str, ...]:
    task = each.task
    at = moment(each.since)
    family = Family.IDLE if task.is_idle else task.family
    return (
        str(task.id),
        output.Colored(shown(each.word, limit=40) or "-", family),
        near_time(at, now, zone, "%H:%M:%S", "%m-%d %H:%M") if at else "-",
        shown(task.name_or_id, limit=200),
        f"{each.level} {each.type}" if each.type not in {"", "Normal"} else str(each.level),
        shown(task.workflow_name, limit=200) or "-",
        str(task.workflow_instance_id or "-"),
        str(task.project_id or "-"),
        shown(task.owner, limit=40) or "-",
    )
