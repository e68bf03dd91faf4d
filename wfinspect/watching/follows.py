"""What is followed: the service is looked at for new instances of a query, and those join the list.

A look is one List of a workspace's business date. Where that has at most 100 instances it answers for
all follows there, and counts as a reading of every row among them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from math import inf

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
    zone_of,
)
from wfinspect.watching.api import Find, Outcome, Trouble
from wfinspect.watching.journal import Journal
from wfinspect.watching.lookups import Lookups, RunHistory
from wfinspect.watching.schedule import Schedule

EXPECTED_SECONDS = 60.0
"""Between two looks at the date on which a run is expected."""
OTHER_SECONDS = 600.0
MOST = 200
"""Instances of one date that a follow may bring."""
FAILURES_KEPT = timedelta(days=30)

_REFUSED_SECONDS = 600.0  # a workspace that is refused stays so for a while
_LEAVING_SECONDS = 600.0
_SHARE = 0.25
"""Of the day's calls, for looks that neither add nor update a row."""
_AT_ONCE = 0.5
"""Of that share, what may be spent before its time."""
_NAME_LIMIT = 60
_ELSEWHERE = 0.9  # of the seconds between two looks: then another process has looked


Found = Mapping[InstanceKey, WorkflowInstance]


@dataclass(eq=False, slots=True)
class _Look:
    """A question about one business date, and when it is put again; in monotonic seconds."""

    request: Find
    is_of_all: bool
    """Of all instances of the date, not of one follow's."""
    is_expected: bool
    """A run of this date is awaited, or was found before."""
    due_at: float = -inf
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
        """The follows and the days of which the looks were made."""
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
        if not self._schedule.is_paused:
            for look in self._current(moment):
                if not look.is_out and look.due_at <= moment.monotonic:
                    self._look(look, moment)

    def next_at(self) -> float:
        """Return when the next look is due, in monotonic seconds; infinite where there is none."""
        if not self._journal.follows or self._schedule.is_paused:
            return inf
        return min((each.due_at for each in self._looks.values() if not each.is_out), default=inf)

    def _let_go(self, now: datetime) -> None:
        """Take rows off the list that follows brought and that need no one any more."""
        kept = {follow.number: timedelta(days=follow.keep_days) for follow in self._journal.follows}
        for row in [each for each in self._journal.watchlist.rows.values() if each.follow in kept]:
            instance = row.instance
            if instance is None or not (instance.is_settled or row.is_gone):
                continue
            over_at = instance.finished_time or instance.modify_time
            if over_at is None:
                continue
            is_awaited = instance.family is Family.FAILURE and row.is_unseen
            lasts = FAILURES_KEPT if is_awaited else kept[row.follow]
            if now.timestamp() - over_at / 1000 > lasts.total_seconds():
                self._journal.drop(row.key)

    def _current(self, moment: Moment) -> list[_Look]:
        """Return the looks at the dates of now."""
        follows = self._journal.follows
        days = {region: day_of(region, moment.now) for region in self._regions}
        if (follows, days, len(self._large)) != self._made_of:
            self._regions = {follow.target.region for follow in follows}
            days = {region: day_of(region, moment.now) for region in self._regions}
            self._made_of = follows, days, len(self._large)
            looks: dict[Find, _Look] = {}
            for follow in follows:
                for biz_date, is_expected in _dates(follow, days[follow.target.region]):
                    own = follow.query._replace(biz_date=biz_date)
                    every = Query(own.project_id, own.biz_date, env_type=own.env_type)
                    is_of_all = Find(follow.target, every) not in self._large
                    request = Find(follow.target, every if is_of_all else own)
                    known = self._looks.get(request)
                    looks[request] = known or _Look(request, is_of_all, is_expected)
            self._looks = looks
        return list(self._looks.values())

    def _look(self, look: _Look, moment: Moment) -> None:
        seconds = EXPECTED_SECONDS if look.is_expected else OTHER_SECONDS
        look.due_at = moment.monotonic + seconds
        if not self._may_spend(look.request.target, moment):
            return
        if self._journal.is_shared(moment.monotonic):
            # Of several processes one looks; what it finds, the others find in the store.
            query = look.request.query
            name = f"look {' '.join(look.request.target)} {query.biz_date} {query.words()}"
            since = moment.now - timedelta(seconds=seconds * _ELSEWHERE)
            if not self._journal.claim([name], moment, since=since):
                return
        look.is_out = True
        self._lookups.submit(look.request, partial(self._heard, look, ()))

    def _may_spend(self, target: Target, moment: Moment) -> bool:
        """Return whether the looks' share of the budget has room for one that answers no poll."""
        local = moment.now.astimezone(zone_of(target.region))
        passed = (local.hour * 3600 + local.minute * 60 + local.second) / 86_400
        budget = self._schedule.limits.bucket(target, moment.monotonic).budget
        share = budget * _SHARE * (_AT_ONCE + (1.0 - _AT_ONCE) * passed)
        spent = self._journal.calls(_looks_of(target), local.date(), moment.monotonic)
        return spent < share

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
                is_awaited = any(f.query.biz_date for f in self._journal.follows)
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
            self._say(
                f"The followed query {words} matches {page.total or len(found)} instances of one "
                f"date, which are more than {MOST}: none is added. Add filters to it."
            )
            return
        if not page.is_last and page.items:
            look.is_out = True
            more = replace(look.request, page=page.number + 1)
            self._lookups.submit(more, partial(self._heard, look, found))
            return
        is_of_use = self._take(look, {InstanceKey(target, each.id): each for each in found}, moment)
        if not is_of_use:
            self._journal.count_call(_looks_of(target), day_of(target.region, moment.now))

    def _take(self, look: _Look, found: Found, moment: Moment) -> bool:
        """Take an answer in; returns whether it has answered a poll as well."""
        rows, wanted = self._journal.watchlist.rows, look.request.query
        follows = [
            each
            for each in self._journal.follows
            if each.target == look.request.target
            and each.query.project_id == wanted.project_id
            and each.query.env_type == wanted.env_type
        ]
        known = {key: each for key, each in found.items() if key in rows and rows[key].is_watched}
        is_of_use = any(not rows[key].is_final for key in known)
        look.is_expected |= any(rows[key].follow for key in known)
        joining: dict[InstanceKey, Follow] = {}
        for key, instance in found.items():
            if key not in known or not look.is_expected:
                brings = next((each for each in follows if each.query.matches(instance)), None)
                look.is_expected |= brings is not None
                if key not in known and brings is not None:
                    joining[key] = brings
        for key in self._journal.passed_over(list(joining), moment.monotonic):
            joining.pop(key, None)
        self._observe(known, moment)
        self._join(joining, found, moment)
        for follow in follows:
            if follow.due and follow.query.workflow_id and wanted.biz_date:
                self._miss(follow, wanted.biz_date, found.values(), moment)
        return is_of_use or bool(joining)

    def _miss(
        self,
        follow: Follow,
        biz_date: int,
        found: Iterable[WorkflowInstance],
        moment: Moment,
    ) -> None:
        """Note, once, that a run has not begun although it usually has by now."""
        begin = moment_of(biz_date)
        if begin is None or any(
            each.started_time or each.is_settled for each in found if follow.query.matches(each)
        ):
            return
        known = [
            row.instance
            for row in self._journal.watchlist.rows.values()
            if row.instance and row.instance.workflow_id == follow.query.workflow_id
            if row.key.target == follow.target and follow.query.matches(row.instance)
        ]
        if not known:
            return  # without a run there is no name, and nothing is usual
        last = max(known, key=lambda each: each.biz_date or 0)
        past = RunHistory(self._journal, follow.target, replace(last, biz_date=biz_date))
        usual = usual_start(past.known(moment)[0])
        if usual is None or (moment.now - begin).total_seconds() <= usual.high:
            return
        name = f"missing {' '.join(follow.target)} {follow.query.workflow_id} {biz_date}"
        if self._journal.claim([name], moment):
            zone = zone_of(follow.target.region)
            by = (begin + timedelta(seconds=usual.high)).astimezone(zone)
            self.missing.append(
                f"{shown(last.name, limit=_NAME_LIMIT)} is missing: its run of "
                f"{begin.astimezone(zone):%Y-%m-%d} has not begun, and usually has by {by:%H:%M}."
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
    """Return the business dates to look at, each with whether a run is expected there."""
    if follow.query.biz_date:
        return [(follow.query.biz_date, True)]
    zone = zone_of(follow.target.region)
    # A daily run has the business date of the day before.
    return [(biz_date_of(today - timedelta(days=1), zone), True), (biz_date_of(today, zone), False)]
