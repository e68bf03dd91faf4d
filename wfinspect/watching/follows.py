"""What is followed: the service is looked at for new instances of a query, and those join the list.

A look is one List of a workspace's business date. Where that has at most 100 instances it answers for
all follows there, and counts as a reading of every row among them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from math import inf
from operator import attrgetter

from wfinspect.clock import Clock, Moment
from wfinspect.errors import BadRequest, Refused, ServiceError
from wfinspect.format import moment as moment_of
from wfinspect.format import shown
from wfinspect.lateness import usual_start
from wfinspect.model import (
    Account,
    Family,
    Follow,
    InstanceKey,
    Page,
    Query,
    Target,
    WorkflowInstance,
    biz_date_of,
    day_of,
    zone_behind,
    zone_of,
)
from wfinspect.search import WORDS
from wfinspect.watching.api import EarlierRuns, Find, Group, Outcome, Row, Trouble
from wfinspect.watching.journal import Journal
from wfinspect.watching.lookups import Lookups, RunHistory
from wfinspect.watching.schedule import Schedule

EXPECTED_SECONDS = 60.0
"""Between two looks at a date of which runs may come now, or whose rows are polled as often."""
OTHER_SECONDS = 600.0
MOST = 200
"""Instances of one date that a follow may bring."""
SHARE = 0.25
"""Of the day's calls, for looks that take the place of no poll."""
FAILURES_KEPT = timedelta(days=30)

_REFUSED_SECONDS = 600.0  # a workspace that is refused stays so for a while
_LEAVING_SECONDS = 600.0
_AT_ONCE = 0.5
"""Of that share, what may be spent before its time."""
_RESERVED = 0.2
"""Of that share, what is kept for the times near which runs come."""
_DAY_SECONDS = 86_400
_NAME_LIMIT = 60
_ELSEWHERE = 0.9  # of the seconds between two looks: then another process has looked
_MADE_SECONDS = 23.5 * 3600
"""When the service makes the scheduled runs of a business date, counted from the beginning of that date."""
_MARGIN_SECONDS = 1800.0
_EVER = (-inf, inf)

Found = Mapping[InstanceKey, WorkflowInstance]
Span = tuple[float, float]
"""Seconds since the epoch."""
_Came = Mapping[int, Sequence[tuple[int, float]]]
"""By the number of a follow, the business date of each run and the seconds after its beginning."""


@dataclass(slots=True, eq=False, repr=False)
class _Look:
    """A question about one business date, and when it is put again; in monotonic seconds."""

    request: Find
    is_of_all: bool
    """Of all instances of the date, not of one follow's."""
    spans: set[Span] = field(default_factory=set)
    """When runs may come."""
    due_at: float = -inf
    sent_at: float = -inf
    is_out: bool = False


class FollowTracker:
    """Decides when to look, and what of an answer joins the list."""

    def __init__(
        self,
        journal: Journal,
        schedule: Schedule,
        lookups: Lookups,
        clock: Clock,
        observe: Callable[[Found, Moment], None],
        join: Callable[[Mapping[InstanceKey, Follow], Found, Moment], None],
    ) -> None:
        """Look at nothing yet.

        Args:
            journal: knows the follows, and the rows.
            schedule: has the budget.
            lookups: make the calls.
            clock: the time.
            observe: takes in readings of rows.
            join: puts instances on the list, each with its reading.
        """
        self._journal = journal
        self._schedule = schedule
        self._lookups = lookups
        self._clock = clock
        self._observe = observe
        self._join = join
        self._looks: dict[Find, _Look] = {}
        self._regions: set[str] = set()
        self._made_of: object = None
        """The follows and the days of which the looks were made; None where they are to be made again."""
        self._large: set[Find] = set()
        """Dates with more instances than one List gives: there each follow has a look of its own."""
        self._said: set[str] = set()
        self._leaving_at = -inf
        self.missing: list[str] = []
        """Sentences on runs that should have begun, to be notified of; the caller clears this."""

    def step(self) -> None:
        """Look where that is due, and let rows go whose time is over."""
        if not self._journal.follows:
            return
        moment = self._clock.moment()
        if moment.monotonic >= self._leaving_at:
            self._leaving_at = moment.monotonic + _LEAVING_SECONDS
            self._let_go(moment.now)
        if self._schedule.is_paused:
            return
        looks = self._current(moment)
        due = [each for each in looks if not each.is_out and each.due_at <= moment.monotonic]
        # Where the share is short, none waits for ever behind the others.
        for look in sorted(due, key=attrgetter("sent_at")):
            self._look(look, moment)

    def next_at(self) -> float:
        """Return when the next look is due, in monotonic seconds; infinite where there is none."""
        if not self._journal.follows or self._schedule.is_paused:
            return inf
        return min((each.due_at for each in self._looks.values() if not each.is_out), default=inf)

    def _let_go(self, now: datetime) -> None:
        """Take rows off the list that follows brought and that need no one any more."""
        for row in tuple(self._journal.watchlist.rows.values()):
            instance, follow = row.instance, self._journal.follows.get(row.follow)
            if follow is None or instance is None or not (instance.is_settled or row.is_gone):
                continue
            over_at = instance.finished_time or instance.modify_time
            if over_at is None:
                continue
            is_awaited = instance.family is Family.FAILURE and row.is_unseen
            lasts = FAILURES_KEPT if is_awaited else timedelta(days=follow.keep_days)
            if now.timestamp() - over_at / 1000 > lasts.total_seconds():
                self._journal.drop(row.key)

    def _current(self, moment: Moment) -> Iterable[_Look]:
        """Return the looks at the dates of now."""
        follows = tuple(self._journal.follows.values())
        days = {region: day_of(region, moment.now) for region in self._regions}
        if (follows, days, len(self._large)) != self._made_of:
            self._regions = {follow.target.region for follow in follows}
            days = {region: day_of(region, moment.now) for region in self._regions}
            self._made_of = follows, days, len(self._large)
            came, looks = self._came(), dict[Find, _Look]()
            for follow in follows:
                for biz_date, is_over in _dates(follow, days[follow.target.region]):
                    own = follow.query._replace(biz_date=biz_date)
                    every = Query(own.project_id, own.biz_date, env_type=own.env_type)
                    is_of_all = Find(follow.target, every) not in self._large
                    request = Find(follow.target, every if is_of_all else own)
                    if request not in looks:
                        looks[request] = self._looks.get(request) or _Look(request, is_of_all)
                        looks[request].spans = set()
                    looks[request].spans.add(_span(follow, biz_date, came, is_over=is_over))
            self._looks = looks
        return self._looks.values()

    def _came(self) -> _Came:
        """Return when the rows on the list came into being that follows brought."""
        came: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        for row in self._journal.watchlist.rows.values():
            one = row.instance
            if row.follow and one is not None and one.biz_date and one.create_time:
                after = (one.create_time - one.biz_date) / 1000
                came[row.follow].append((one.biz_date, after))
        return came

    def _look(self, look: _Look, moment: Moment) -> None:
        target, monotonic, at = look.request.target, moment.monotonic, moment.now.timestamp()
        spans = [span for span in look.spans if span[0] <= at <= span[1]]
        is_often = bool(spans) or self._is_free(look, EXPECTED_SECONDS, monotonic)
        seconds = EXPECTED_SECONDS if is_often else OTHER_SECONDS
        look.due_at = monotonic + seconds
        is_free = self._is_free(look, seconds, monotonic)
        wait = (
            0.0 if is_free else self._share_in(target, moment, is_near=spans not in ([], [_EVER]))
        )
        allowed_at = self._schedule.limits.limit(target, monotonic).allowed_at
        if wait or allowed_at > monotonic:
            look.due_at = min(look.due_at, max(monotonic + wait, allowed_at))
            return
        look.sent_at = monotonic
        if self._journal.is_shared(monotonic):
            # Of several processes one looks; what it finds, the others find in the store.
            query = look.request.query
            name = f"look {' '.join(target)} {query.biz_date} {query.words()}"
            since = moment.now - timedelta(seconds=seconds * _ELSEWHERE)
            if not self._journal.claim([name], moment, since=since):
                return
        if not is_free:
            self._journal.count_call(_looks_of(target), day_of(target.region, moment.now))
        look.is_out = True
        self._lookups.submit(look.request, partial(self._heard, look, ()))

    def _is_free(self, look: _Look, seconds: float, monotonic: float) -> bool:
        """Return whether a look takes the place of a poll: its rows are polled at least as often."""
        target, query = look.request.target, look.request.query
        is_short = self._schedule.limits.bucket(target, monotonic).stretch(monotonic) > 1.0
        if is_short or not look.is_of_all:
            return False
        kinds = (query.env_type,) if query.env_type else WORDS["env"]
        groups = (Group(target, query.project_id, kind, query.biz_date) for kind in kinds)
        return any(self._schedule.rounds.interval(each) <= seconds for each in groups)

    def _share_in(self, target: Target, moment: Moment, *, is_near: bool) -> float:
        """Return the seconds until the looks' share of the budget has room for one; 0 where it has.

        `is_near` is the time at which runs come.
        """
        local = moment.now.astimezone(zone_of(target.region))
        passed = local.hour * 3600 + local.minute * 60 + local.second
        budget = self._schedule.limits.bucket(target, moment.monotonic).budget
        spent = self._journal.calls(_looks_of(target), local.date(), moment.monotonic)
        part = (spent + 1) / (budget * SHARE * (1.0 if is_near else 1.0 - _RESERVED))
        wait = (part - _AT_ONCE) / (1.0 - _AT_ONCE) * _DAY_SECONDS - passed
        if wait > 0.0:
            self._say(
                f"New runs are looked for more seldom today: looks take at most {SHARE:.0%} of the "
                f"day's {budget:,} calls. --budget sets those."
            )
        return max(0.0, wait)

    def _heard(
        self,
        look: _Look,
        before: tuple[WorkflowInstance, ...],
        outcome: Outcome[Page[WorkflowInstance]],
    ) -> None:
        if self._looks.get(look.request) is not look:
            return  # not followed any more, or its day is over
        moment, target = self._clock.moment(), look.request.target
        look.is_out = False
        if isinstance(outcome, ServiceError):
            if isinstance(outcome, (BadRequest, Refused)):
                look.due_at = moment.monotonic + _REFUSED_SECONDS
                self._journal.follow_trouble = Trouble.of(outcome)
                is_awaited = any(f.query.biz_date for f in self._journal.follows.values())
                what = "The run" if is_awaited else "New runs"
                self._say(f"{what} can't be looked for: {outcome}")
            return
        self._journal.follow_trouble = None
        page = outcome.value
        if look.is_of_all and not page.is_last:
            self._large.add(look.request)
            look.due_at = moment.monotonic  # those that take its place are due now
            return
        found = (*before, *page.items)
        words = look.request.query.words()
        if len(found) > MOST or (page.total or 0) > MOST:
            look.due_at = moment.monotonic + OTHER_SECONDS
            self._say(
                f"The followed query {words} matches {page.total or len(found)} instances of one "
                f"date, which are more than {MOST}: none is added. Add filters to it."
            )
            return
        if not page.is_last and page.items:
            look.is_out = True
            more = replace(look.request, page=page.number + 1)
            self._journal.count_call(_looks_of(target), day_of(target.region, moment.now))
            self._lookups.submit(more, partial(self._heard, look, found))
            return
        self._take(look, {InstanceKey(target, each.id): each for each in found}, moment)

    def _take(self, look: _Look, found: Found, moment: Moment) -> None:
        rows, wanted = self._journal.watchlist.rows, look.request.query
        follows = [
            each
            for each in self._journal.follows.values()
            if each.target == look.request.target
            and each.query.project_id == wanted.project_id
            and each.query.env_type == wanted.env_type
        ]
        known = {key: each for key, each in found.items() if key in rows and rows[key].is_watched}
        joining: dict[InstanceKey, Follow] = {}
        # In the order of the answer, which the list keeps.
        for key in [key for key in found if key not in known]:
            brings = next((each for each in follows if each.query.matches(found[key])), None)
            if brings is not None:
                joining[key] = brings
        for key in self._journal.passed_over(list(joining), moment.monotonic):
            joining.pop(key, None)
        self._observe(known, moment)
        if joining:
            self._join(joining, found, moment)
            self._made_of = None  # when runs may come is known better now
        if moment.now.timestamp() >= wanted.biz_date / 1000 + _DAY_SECONDS:
            self._note_missing(follows, wanted.biz_date, found.values(), moment)

    def _note_missing(
        self,
        follows: Iterable[Follow],
        biz_date: int,
        found: Iterable[WorkflowInstance],
        moment: Moment,
    ) -> None:
        """Note, once, which runs have not begun although they usually have by now."""
        begun: defaultdict[int | None, list[WorkflowInstance]] = defaultdict(list)
        for each in found:
            if each.started_time or each.is_settled:
                begun[each.workflow_id].append(each)
        late = [
            each
            for each in follows
            if each.due
            and each.query.workflow_id
            and not any(map(each.query.matches, begun[each.query.workflow_id]))
        ]
        runs: dict[int | None, list[Row]] = {each.query.workflow_id: [] for each in late}
        for row in self._journal.watchlist.rows.values() if late else ():
            if row.instance is not None and row.instance.workflow_id in runs:
                runs[row.instance.workflow_id].append(row)
        for follow in late:
            known = [
                (row.instance.biz_date or 0, row.key.id, row)
                for row in runs[follow.query.workflow_id]
                if row.instance is not None and follow.query.matches(row.instance)
                if row.key.target == follow.target
            ]
            if known:  # without a run there is no name, and nothing is usual
                self._miss(follow, max(known)[-1], biz_date, moment)

    def _miss(self, follow: Follow, last: Row, biz_date: int, moment: Moment) -> None:
        """Note, once, that a run has not begun although it usually has by now; `last` is one before."""
        begin = moment_of(biz_date)
        if last.instance is None or begin is None:
            return
        past = RunHistory(self._journal, follow.target, replace(last.instance, biz_date=biz_date))
        runs, unknown = past.known(moment)
        by = usual_start(runs)
        if by is None and unknown is not None:
            self._lookups.submit(EarlierRuns(last.key), lambda _: None)
        if by is None or (moment.now - begin).total_seconds() <= by:
            return
        name = f"missing {' '.join(follow.target)} {follow.query.workflow_id} {biz_date}"
        if self._journal.claim([name], moment):
            zone = zone_of(follow.target.region)
            at = (begin + timedelta(seconds=by)).astimezone(zone)
            usual = f"{at:%H:%M}{zone_behind(at)}"
            self.missing.append(
                f"{shown(last.instance.name, limit=_NAME_LIMIT)} is missing: its run of "
                f"{begin.astimezone(zone):%Y-%m-%d} has not begun, and usually has by {usual}."
            )

    def _say(self, text: str) -> None:
        """Have a sentence shown, once."""
        if text not in self._said:
            self._said.add(text)
            self._journal.notices.say(text, is_error=True)


def _looks_of(target: Target) -> Account:
    """Return under what looks that answer no poll are counted, over all processes."""
    profile, region = target.account
    return profile, f"{region} looks"


def _dates(follow: Follow, today: date) -> list[tuple[int, bool]]:
    """Return the business dates to look at, each with whether its scheduled runs are there by now."""
    if follow.query.biz_date:
        return [(follow.query.biz_date, True)]
    zone = zone_of(follow.target.region)
    # A daily run has the business date of the day before.
    return [(biz_date_of(today - timedelta(days=1), zone), True), (biz_date_of(today, zone), False)]


def _span(follow: Follow, biz_date: int, came: _Came, *, is_over: bool) -> Span:
    """Return when runs of a business date may come: near the times of other dates, where they are known."""
    begin, known = biz_date / 1000, came.get(follow.number, ())
    # That a run has a status is not known from when it came.
    if len({each for each, _ in known}) > 1 and not follow.query.status:
        after = [seconds for _, seconds in known]
        return begin + min(after) - _MARGIN_SECONDS, begin + max(after) + _MARGIN_SECONDS
    is_begun = is_over or any(each == biz_date for each, _ in known)
    return _EVER if is_begun else (begin + _MADE_SECONDS - _MARGIN_SECONDS, inf)
