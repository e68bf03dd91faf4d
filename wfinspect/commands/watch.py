"""``wfinspect watch``: follow instances without a screen until they are done."""

import argparse
import contextlib
import queue
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands.binding import bind
from wfinspect.commands.following import UNTILS, Change, Follower
from wfinspect.commands.printing import say
from wfinspect.commands.progress import Progress
from wfinspect.commands.signals import ended_by_signals
from wfinspect.commands.stored import stored_rows
from wfinspect.config import Settings
from wfinspect.dataworks import connector
from wfinspect.errors import UsageError
from wfinspect.ids import FoundIds, parse_ids, read_id_file
from wfinspect.instance import InstanceKey
from wfinspect.paths import home_of
from wfinspect.watching.setup import Setup
from wfinspect.watching.watcher import Watcher

TIMED_OUT = 124
_LONGEST_WAIT_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="an ID, a list (1,2) or a range (100..120); without one, the watched list as it is now",
    )
    parser.add_argument(
        "--until",
        choices=UNTILS,
        default=UNTILS[0],
        metavar="WISH",
        help="all or any, a colon, and done, success or failure (default: all:done)",
    )
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="read IDs from a file, of a table those of its column Id; - for standard input",
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each change")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="end after so long")
    parser.add_argument(
        "--fail-fast", action="store_true", help="end as soon as the wish can't be fulfilled"
    )


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if (seconds := float(text)) > 0:
            return seconds
    raise UsageError(f"--timeout: {text!r} can't be used: give seconds above 0, e.g. 300.")


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each change until the wish is fulfilled; the list stays as it is."""
    clock = SystemClock()
    keys = _keys(args, settings, environ, clock)
    watcher = Watcher(
        Setup(
            settings.paths.state_dir,
            connector(environ, home_of(environ), clock),
            clock,
            keys[0].binding,
            interval_seconds=settings.interval,
            budget=settings.budget,
            rng=random.Random(),
            only=keys,
        )
    )
    is_terminal = sys.stderr is not None and sys.stderr.isatty() and environ.get("TERM") != "dumb"
    progress = Progress(sys.stderr, settings.zone, is_terminal=is_terminal)

    def tell(change: Change) -> None:
        progress.clear()
        print(change.as_json() if args.json else change.as_text(settings.zone), flush=True)

    follower = Follower(keys, args.until, fail_fast=args.fail_fast)
    with ended_by_signals():
        try:
            return follow(watcher, follower, tell, progress, clock, args.timeout)
        finally:
            progress.clear()
            watcher.stop()


def follow(
    watcher: Watcher,
    follower: Follower,
    tell: Callable[[Change], None],
    progress: Progress,
    clock: Clock,
    timeout: float | None,
) -> int:
    """Tell each change until the follower has an exit code, or `timeout` seconds have passed."""
    # Of the queues only this one may be put into from a thread while this thread waits in it.
    pings = queue.SimpleQueue[None]()
    watcher.subscribe(lambda: pings.put(None))
    deadline = inf if timeout is None else clock.monotonic() + timeout
    watcher.start()
    while True:
        snapshot = watcher.snapshot
        for change in follower.take(snapshot):
            tell(change)
        progress.show(snapshot, follower.summary())
        code = follower.exit_code
        left = deadline - clock.monotonic()
        if code is not None or left <= 0:
            progress.say(f"{'Timed out' if code is None else 'Over'}: {follower.summary()}.")
            return TIMED_OUT if code is None else code
        with contextlib.suppress(queue.Empty):
            pings.get(timeout=min(left, _LONGEST_WAIT_SECONDS))


def _keys(
    args: argparse.Namespace, settings: Settings, environ: Mapping[str, str], clock: Clock
) -> Sequence[InstanceKey]:
    if not args.ids and args.file is None:
        if rows := stored_rows(settings, clock):
            return [row.key for row in rows]
        raise UsageError("The watched list is empty: give the IDs of instances to follow.")
    binding = bind(settings, environ).binding
    ids = dict.fromkeys(parse_ids(" ".join(args.ids)) if args.ids else ())
    if args.file is not None:
        ids |= dict.fromkeys(_read_file(args.file).ids)
    return [InstanceKey(binding, number) for number in ids]


def _read_file(name: str) -> FoundIds:
    """The IDs in a file or on standard input; what was read is said on standard error."""
    called = "standard input" if name == "-" else name
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        found = read_id_file(data)
    except OSError as error:
        raise UsageError(f"--file: {called} can't be read: {error.strerror or error}.") from None
    except UsageError as error:
        raise UsageError(f"--file: {called}: {error}") from None
    where = {"": "", "text": " found in its text"}.get(found.source, f" from {found.source}")
    count = "1 ID" if len(found.ids) == 1 else f"{len(found.ids):,} IDs"
    say("; ".join(filter(None, (f"{called}: {count}{where}", found.left_out))) + ".")
    return found
