"""``wfinspect watch``: prints the changes of instances, without a screen, until they are done."""

import argparse
import contextlib
import os
import queue
import shlex
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from math import inf
from operator import attrgetter
from typing import NamedTuple, TextIO

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands import output
from wfinspect.commands.find import add_date, add_filters, terms_of
from wfinspect.commands.history import KEYS, Change
from wfinspect.commands.list import WORDS_OR_IDS, lasting, matching, may_match, none_listed
from wfinspect.commands.once import (
    gravest,
    named,
    on_list,
    read_input,
    resolve_target,
    say_found,
    stored_rows,
)
from wfinspect.dataworks import connector
from wfinspect.errors import UsageError, did_you_mean, none_of
from wfinspect.format import biz_day, shown
from wfinspect.model import Family, Follow, InstanceId, InstanceKey, Target, zone_of
from wfinspect.parsing import read_id_file
from wfinspect.search import (
    SPELLED,
    Term,
    date_of,
    has_field,
    hint_on,
    ids_and_search,
    meant,
    none_match,
    to_follow,
    to_query,
)
from wfinspect.settings import Settings, home_of
from wfinspect.signals import ended_by_signals
from wfinspect.watching.api import Contact, Row, Rows, Snapshot, Trouble, group_of
from wfinspect.watching.engine import Engine
from wfinspect.watching.notifications import Alerts, NoticeReader
from wfinspect.watching.poller import Poller
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.store import EphemeralStore, Store
from wfinspect.watching.watchlist import is_other_run

DONE, SUCCESS, FAILURE = "done", "success", "failure"
UNTILS = tuple(f"{scope}:{state}" for scope in ("all", "any") for state in (DONE, SUCCESS, FAILURE))
TIMED_OUT = 124


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    without = "; without one, the watched list as it is now"
    output.add_ids(parser, without=without, searched=SPELLED)
    add_filters(parser)
    add_date(parser)
    parser.add_argument(
        "--until",
        choices=UNTILS,
        metavar="CONDITION",
        help="all:done (the default), all:success, all:failure, any:done, any:success or any:failure; "
        "of one instance done, success or failure",
    )
    parser.add_argument(
        "--file",
        action="append",
        metavar="FILE",
        help="read IDs from a file, of a table those of its column Id; - for standard input; "
        "may be repeated",
    )
    output.add_output_option(parser, "an object for each change, each on a line", keys=KEYS)
    parser.add_argument(
        "--timeout",
        type=output.read_seconds,
        metavar="D",
        help="end after so long: 90, 90s, 5m, 2h, 1d",
    )
    parser.add_argument(
        "--fail-fast", action="store_true", help="end as soon as the condition can't come true"
    )
    parser.add_argument(
        "--notify", action="store_true", help="run the command of [notify], as the app does"
    )
    parser.add_argument(
        "--forever",
        action="store_true",
        help="keep the watched list and what is followed up to date, until it is ended; it waits for "
        "credentials, too",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each change until the condition is true.

    The list stays as it is, except with --forever, which is the app without its screen.
    """
    ids, terms = ids_and_search(args.ids)
    is_awaited = args.project is not None or has_field("workspace", terms)
    _refuse_what_contradicts(args, ids, terms, is_awaited=is_awaited)
    clock, directory = SystemClock(), settings.paths.state_dir
    schedule = Schedule(budget=settings.budget, interval_seconds=settings.interval)
    has_ids = bool(ids) or args.file is not None
    is_of_list = not (has_ids or is_awaited)
    keys = _keys(args, ids, settings, environ) if has_ids else None
    matches, words = None, " ".join(map(str, terms))
    if is_of_list and not args.forever:
        keys, matches = _of_list(terms, settings, environ, clock, schedule)
    until = "" if args.forever else _until(args.until or UNTILS[0], keys)
    target = keys[0].target if keys else resolve_target(settings, environ).target
    if args.forever:
        store = Store(directory, clock.now)
        with contextlib.suppress(OSError):
            # Where the list can never be read, there would be nothing to watch.
            store.prepare()
    else:
        follow_of = [_awaited(args, terms, target, clock)] if is_awaited else []
        words = follow_of[0].query.words() if follow_of else words
        store = EphemeralStore(
            directory, clock.now, keys or (), follows=follow_of, has_claims=args.notify
        )
    if args.notify and not settings.notify.command:
        raise UsageError("--notify runs the command of [notify], and config.toml has none.")
    engine = Engine(
        target,
        connector(environ, home_of(environ), clock),
        clock,
        store=store,
        schedule=schedule,
        alerts=Alerts.of(settings.notify, environ) if args.notify else Alerts(),
    )
    poller = Poller(engine)
    is_terminal = sys.stderr is not None and sys.stderr.isatty() and environ.get("TERM") != "dumb"
    # What reads a pipe, such as tee, may write to the same terminal, and later than the next progress.
    is_terminal = is_terminal and not _is_piped()
    progress = ProgressLine(
        sys.stderr, settings.zone, is_terminal=is_terminal, is_of_list=is_of_list
    )
    written = partial(Change.line, form=args.output, zone=settings.zone)
    if args.output == "csv":
        print(output.as_rows("csv", (), KEYS, settings.zone), flush=True)
    elif args.output == "table" and os.isatty(1):
        output.say(f"{output.titled('Times are in', settings.zone, clock.now())}.")
    if args.forever and not (poller.snapshot.rows or poller.snapshot.health.store_trouble):
        output.say(
            "The watched list is empty: this waits for what is added to it, by "
            "`wfinspect list add ID` or `wfinspect follow`."
        )
    follower = Follower(keys, until, fail_fast=args.fail_fast, words=words, matches=matches)
    with ended_by_signals():
        try:
            return follow(poller, follower, written, progress, clock, args.timeout)
        finally:
            progress.clear()
            poller.stop()


def _until(text: str, keys: Sequence[InstanceKey] | None) -> str:
    """Return one of `UNTILS`; of one instance the state is enough."""
    whole = f"all:{text}" if keys is not None and len(keys) == 1 else text
    if not {text, whole} & {*UNTILS}:
        hint = did_you_mean(text, UNTILS, did_you_mean(f"all:{text}", UNTILS, ""))
        raise UsageError(f"--until: {none_of(text, UNTILS, hint)}")
    return text if text in UNTILS else whole


def _is_piped() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):  # there is none
        return False


def _refuse_what_contradicts(
    args: argparse.Namespace, ids: Sequence[InstanceId], terms: Sequence[Term], *, is_awaited: bool
) -> None:
    is_of_ids = bool(ids) or args.file is not None
    if not is_awaited and ([*terms_of(args)] or args.bizdate is not None):
        raise UsageError("--project ID is missing: the workspace whose run is waited for.")
    if is_awaited and (is_of_ids or args.forever):
        what = "--forever" if args.forever else "the IDs"
        raise UsageError(f"--project waits for runs of its own: leave {what} out.")
    if is_of_ids and terms:
        raise UsageError(WORDS_OR_IDS)
    if args.forever and (is_of_ids or terms or args.until or args.timeout):
        raise UsageError(
            "--forever has no end, and watches the watched list and what is followed: leave IDs, "
            "words, --until and --timeout out."
        )


def _awaited(
    args: argparse.Namespace, terms: Sequence[Term], target: Target, clock: Clock
) -> Follow:
    """Return the query of runs that may not exist yet, with their date; says what is waited for."""
    zone, now = zone_of(target.region), clock.now()
    if day_word := next((str(t) for t in terms if meant(str(t)).startswith("date=")), ""):
        raise UsageError(f"{day_word!r} is a part of a name: did you mean --bizdate {day_word}?")
    words, terms, said = terms, [*terms_of(args), *terms], ""
    if args.bizdate is not None:
        terms.append(Term.of("date", str(date_of(args.bizdate, now, zone))))
    if not has_field("date", terms):
        terms.append(Term.of("date", "yesterday"))
        said = " (yesterday, as --bizdate is not given)"
    dated, left = to_query(terms, now, zone)
    try:
        query = to_follow(dated, left)._replace(biz_date=dated.biz_date)
    except UsageError as error:
        found = f"wfinspect find {shlex.join(map(str, terms))} -o csv"
        why = str(error).replace("followed", "waited for")
        raise UsageError(f"{why} What is there now: {found} | wfinspect watch --file -") from None
    day = biz_day(query.biz_date, zone)
    if day >= str(now.astimezone(zone).date()):
        said = " (a daily run has the date of the day before it runs)"
    output.say(
        f"Waiting for runs with {query.words()}, business date {day}{said}.{hint_on(' '.join(map(str, words)))}"
    )
    return Follow(1, target, query, now)


def _of_list(
    terms: Sequence[Term],
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    schedule: Schedule,
) -> tuple[Sequence[InstanceKey], Callable[[Row], bool]]:
    """Return the rows of the watched list that may match, and what decides by the first reading of each.

    The schedule learns who shares a call, so that no search is made.
    """
    listed, now = stored_rows(settings, environ, clock), clock.now()
    has_status = len(lasting(terms)) < len(terms)
    unsure = {
        row.key
        for row in may_match(listed, terms, now)
        if not row.is_gone and (has_status or row.instance is None)
    }
    sure = {row.key for row in matching(listed, terms, now)} - unsure
    rows = [row for row in listed if row.key in sure or row.key in unsure]
    if not rows:
        raise UsageError(none_listed(settings, terms, is_empty=not listed))
    for row in rows:
        schedule.add(row.key, group=group_of(row.key.target, row.instance))

    def matches(row: Row) -> bool:
        return row.key in sure or bool(matching([row], terms, clock.now()))

    return [row.key for row in rows], matches


def _keys(
    args: argparse.Namespace,
    given: Sequence[InstanceId],
    settings: Settings,
    environ: Mapping[str, str],
) -> Sequence[InstanceKey]:
    target = resolve_target(settings, environ).target
    ids = dict.fromkeys(given)
    for name in args.file or ():
        found = read_input(name, "--file", read_id_file)
        say_found(name, found)
        ids |= dict.fromkeys(found.ids)
    return [InstanceKey(target, number) for number in ids]


_WANTED = {
    DONE: {Family.SUCCESS, Family.FAILURE},
    SUCCESS: {Family.SUCCESS},
    FAILURE: {Family.FAILURE},
}
_UNWANTED = {DONE: Family.FAILURE, SUCCESS: Family.FAILURE, FAILURE: Family.SUCCESS}
_REFUSED, _GONE = 4, 5


class Follower:
    """Follows some instances until a condition is true, or can't come true any more."""

    def __init__(
        self,
        keys: Sequence[InstanceKey] | None,
        until: str,
        *,
        fail_fast: bool = False,
        words: str = "",
        matches: Callable[[Row], bool] | None = None,
    ) -> None:
        """Await the first snapshot.

        Args:
            keys: the instances; each snapshot holds a row for all but the unknown ones. None takes
                those of the first snapshot that holds any.
            until: one of `UNTILS`; "" never ends, and takes those of every snapshot.
            fail_fast: end as soon as the condition can't come true.
            words: what the instances are looked for by.
            matches: whether one that is read for the first time is followed further; None follows all.
        """
        self._is_endless, self._words = not until, words
        self._matches, self._undecided = matches, {*keys} if keys and matches else set()
        self.left_out: list[InstanceKey] = []
        """What does not match; the caller stops its polling, and clears this."""
        self._trouble: Trouble | None = None
        self._until = until
        self._is_any, self._state = until.startswith("any:"), until.partition(":")[2]
        self._fail_fast = fail_fast
        self._given = Rows()
        self._standings: dict[InstanceKey, _Standing] = {}
        self._counts: Counter[_Standing] = Counter()
        self._is_begun = self._is_endless or keys is not None
        """Which instances are followed is known."""
        self.beginning = ""
        """What was found by a search, to be said; the caller clears this."""
        for key in keys or ():
            self._stand(key, None)
        self.targets = set[Target]()
        """Where they have been."""
        self._reported: dict[InstanceKey, Row] = {}
        self._stored: dict[InstanceKey, Row] = {}
        """What was stored of those that are not reported yet."""

    def take(self, snapshot: Snapshot) -> list[Change]:
        """Take the newest snapshot in; return what is new in it.

        Raises:
            UsageError: none of the instances matches.
        """
        before, self._given = self._given, snapshot.rows
        self._trouble = snapshot.follow_trouble
        is_first = not self._is_begun and bool(snapshot.rows)
        self._is_begun |= is_first
        news: list[Row] = []
        for former, row in snapshot.rows.changes(before):
            key = (row or former).key  # type: ignore[union-attr] # one of them is there
            self._decide(key, row)
            if key in self._standings or is_first or self._is_endless:
                self.targets.add(key.target)
                self._stand(key, row, is_kept=not self._is_endless)
                news += [] if row is None else [row]
        if self.left_out and not self._standings:
            raise UsageError(none_match("watched instance", self._words, is_named=True))
        found = map(self._change, sorted(news, key=attrgetter("position")))
        # The order of what a search finds is none that a reader knows.
        order = attrgetter("name", "key.id") if is_first else attrgetter("at")
        changes = sorted((change for change in found if change is not None), key=order)
        if is_first:
            runs = (
                "1 run matches, and is" if len(news) == 1 else f"{len(news):,} runs match, and are"
            )
            self.beginning = f"{runs} followed until {self._until}; later ones are not."
        return changes

    def _decide(self, key: InstanceKey, row: Row | None) -> None:
        """Leave an instance out where its first reading does not match."""
        if row and key in self._undecided and (row.is_live or row.is_gone):
            self._undecided.remove(key)
            if self._matches and not self._matches(row):
                self.left_out.append(key)
                self._stand(key, None, is_kept=False)

    def _stand(self, key: InstanceKey, row: Row | None, *, is_kept: bool = True) -> None:
        """Note how an instance stands; one without a row is given up unless `is_kept`."""
        if key in self._standings:
            self._counts -= Counter([self._standings[key]])
        if row is None and not is_kept:
            self._standings.pop(key, None)
        else:
            self._standings[key] = _standing(row)
            self._counts[self._standings[key]] += 1

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it goes on.

        Only good readings that are the present make an instance settled. One that is unknown, gone,
        or was refused before it was ever read is not waited for.
        """
        if self._is_endless:
            return None
        if not self._is_begun:
            return self._trouble.exit_code if self._trouble is not None else None
        wanted, unwanted = _WANTED[self._state], _UNWANTED[self._state]
        ended = {each.settled for each in self._counts if each.settled is not None}
        lost = {each.lost_code for each in self._counts if each.lost_code}
        is_pending = any(each.lost_code is None and each.settled is None for each in self._counts)
        if self._is_any:
            if reached := ended & wanted:
                return int(self._state == DONE and unwanted in reached)
            return None if is_pending else gravest(lost | ({1} if ended else set()))
        bad = lost | ({1} if unwanted in ended else set())
        if is_pending and not (self._fail_fast and bad):
            return None
        return gravest(bad)

    def summary(self) -> str:
        """Return how far it is, in a few words."""
        if not self._is_begun:
            return f"waiting for {self._words}"
        counts = self._counts.items()
        failed = sum(n for each, n in counts if each.family is Family.FAILURE)
        unread = sum(n for each, n in counts if each.is_unread)
        done = sum(n for each, n in counts if each.settled is not None)
        parts = [f"{done} of {len(self._standings)} done"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{unread} not read yet"] if unread else []
        if any(each.family is None for each, _ in counts):
            standings = self._standings.items()
            missing = (str(key.id) for key, each in standings if each.family is None)
            return f"{', '.join(parts)}; unknown or gone: {shown(' '.join(missing))}"
        return ", ".join(parts)

    def end(self) -> str:
        """Return how far it came, and why that is the end where no failure is."""
        is_missed = self.exit_code == 1 and self._state != DONE
        return self.summary() + f"; {self._until} can't come true any more" * is_missed

    def _change(self, row: Row) -> Change | None:
        instance, read_at, news = row.instance, row.read_at, row.last_change
        if instance is None or read_at is None:
            return None
        before = self._reported.get(row.key)
        if before is None and not row.is_live:
            # From the store: not yet a reading of this watch.
            self._stored.setdefault(row.key, row)
            return None
        if before is None:
            former = self._stored.pop(row.key, None)
            is_other = former and former.instance and former.instance.status != instance.status
            before = former if is_other else None
        self._reported[row.key] = row
        at, between, was = read_at, None, None
        if before is not None and before.instance is not None and before.read_at is not None:
            is_new = (
                news is not None
                and row.change_identity != before.change_identity
                and news.seen_by > before.read_at
            )
            # Another process that saw the same change has dated it by its own readings.
            is_again = is_new and is_other_run(before.instance, instance)
            if not is_again and before.instance.status == instance.status:
                return None
            was, between = before.instance.status, (before.read_at, read_at)
            if is_new and news is not None and news.to_status == instance.status:
                at, between = news.at, (news.seen_after, news.seen_by)
        return Change(row.key, instance.name, was, instance.status, at, between)


class _Standing(NamedTuple):
    """What of a row decides how it ends."""

    family: Family | None
    """None for one that is unknown or gone."""
    settled: Family | None
    """The same where that is the end of the run."""
    lost_code: int | None
    is_unread: bool


def _standing(row: Row | None) -> _Standing:
    code = _lost_code(row)
    if row is None or row.is_gone:
        return _Standing(None, None, code, is_unread=False)
    is_settled = row.is_live and row.family.is_settled
    return _Standing(row.family, row.family if is_settled else None, code, row.instance is None)


def _lost_code(row: Row | None) -> int | None:
    """Return the exit code of an instance that is not waited for; None for any other."""
    if row is None or row.is_gone:
        return _GONE
    trouble = row.trouble
    if row.instance is not None or trouble is None:
        return None
    # Without a next attempt the service has said that it will never accept the call.
    is_refused = trouble.exit_code == _REFUSED or trouble.retry_at is None
    return trouble.exit_code if is_refused else None


class ProgressLine:
    """Writes to a stream; to none where there is none."""

    def __init__(
        self, stream: TextIO | None, zone: tzinfo, *, is_terminal: bool, is_of_list: bool = False
    ) -> None:
        self._is_of_list = is_of_list
        self._stream = stream
        self._zone = zone
        self._is_terminal = is_terminal
        self._notices = NoticeReader()
        self._causes: set[str] = set()
        self._rows, self._of_rows = Rows(), Counter[str]()
        """The rows of the last snapshot, and how many have which cause of trouble."""
        self._slow: set[str] = set()
        self._line = ""

    def say(self, sentence: str) -> None:
        """Write a sentence on a line of its own."""
        self.clear()
        self._write(f"{output.as_message(sentence, self._stream)}\n")

    def clear(self) -> None:
        """Take the progress off the terminal, since something else is to be written there."""
        if self._line:
            self._write("\r\x1b[K")
            self._line = ""

    def show(self, snapshot: Snapshot, summary: str, *, is_over: bool = False) -> None:
        """Say what is new in a snapshot, and draw how far the watch is unless that `is_over`."""
        for sentence in self._news(snapshot, is_over=is_over):
            self.say(sentence)
        if is_over:
            return
        health = snapshot.health
        words = "live" if health.contact is Contact.LIVE else health.contact.value.upper()
        if health.contact in {Contact.LIVE, Contact.STARTING} and health.slow is not None:
            words = health.slow.words
        if health.trouble is not None:
            if health.contact is Contact.LIVE and health.last_good_at is not None:
                # Not yet lost, and not to be called live beside what keeps it from being read.
                words = f"last read {health.last_good_at.astimezone(self._zone):%H:%M:%S}"
            words += f": {shown(health.trouble.cause)}"
            if health.trouble.retry_at is not None:
                words += f", next try {health.trouble.retry_at.astimezone(self._zone):%H:%M:%S}"
        if self._is_terminal and self._stream is not None:
            # A line that wraps could not be taken back.
            room = output.terminal_size(self._stream)[0] - 1
            line = f"{summary} | {words}"[:room]
            if line != self._line:
                self.clear()
                self._write(line)
                self._line = line

    def _news(self, snapshot: Snapshot, *, is_over: bool) -> Iterator[str]:
        new, health = self._notices.new(snapshot), snapshot.health
        yield from (notice.text for notice in new)
        if health.slow is not None and health.slow.cause not in self._slow:
            self._slow.add(health.slow.cause)
            yield health.slow.sentence
        causes = {} if health.trouble is None else {health.trouble.cause: health.trouble}
        keys_of: dict[str, list[InstanceKey]] = {}
        for former, row in snapshot.rows.changes(self._rows):
            for each, step in (former, -1), (row, 1):
                if each is not None and each.trouble is not None and not each.is_gone:
                    self._of_rows[each.trouble.cause] += step
                    if step > 0:
                        causes.setdefault(each.trouble.cause, each.trouble)
                        of_cause = keys_of.setdefault(each.trouble.cause, [])
                        if not of_cause or of_cause[0].target.profile == each.key.target.profile:
                            of_cause.append(each.key)
        self._rows, self._of_rows = snapshot.rows, +self._of_rows
        for trouble in (t for cause, t in causes.items() if cause not in self._causes):
            at = None if is_over else trouble.retry_at
            again = f" Next try at {at.astimezone(self._zone):%H:%M:%S}." if at is not None else ""
            keys = keys_of.get(trouble.cause, [])
            who = f"{named(keys)}: " if keys and trouble.exit_code == _REFUSED else ""
            yield f"{who}{on_list(trouble.sentence, keys * self._is_of_list)}{again}"
        self._causes |= causes.keys()
        if self._causes and not (causes or self._of_rows) and health.contact is Contact.LIVE:
            self._causes.clear()
            if not snapshot.notices or snapshot.notices[-1] not in new:
                yield "Contact is back."

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The watch goes on where its progress can't be written.
            self._stream = None


_LONGEST_WAIT_SECONDS = 5.0


def follow(
    poller: Poller,
    follower: Follower,
    written: Callable[..., str],
    progress: ProgressLine,
    clock: Clock,
    timeout: float | None,
) -> int:
    """Print each change until the follower has an exit code, or `timeout` seconds have passed."""
    # Of the queues only this one may be put into from a thread while this thread waits in it.
    pings = queue.SimpleQueue[None]()
    poller.subscribe(lambda: pings.put(None))
    deadline = inf if timeout is None else clock.monotonic() + timeout
    poller.start()
    try:
        while True:
            snapshot = poller.snapshot
            changes = follower.take(snapshot)
            if follower.left_out:
                poller.unwatch(follower.left_out)
                follower.left_out = []
            if follower.beginning:
                progress.say(follower.beginning)
                follower.beginning = ""
            for change in changes:
                progress.clear()
                print(written(change, targets=follower.targets), flush=True)
            code = follower.exit_code
            left = deadline - clock.monotonic()
            is_over = code is not None or left <= 0
            progress.show(snapshot, follower.summary(), is_over=is_over)
            if is_over:
                progress.say(f"{'Timed out' if code is None else 'Ended'}: {follower.end()}.")
                return TIMED_OUT if code is None else code
            with contextlib.suppress(queue.Empty):
                pings.get(timeout=min(left, _LONGEST_WAIT_SECONDS))
    except SystemExit as error:
        progress.say(f"Ended by a signal: {follower.summary()}.")
        return int(str(error.code))
