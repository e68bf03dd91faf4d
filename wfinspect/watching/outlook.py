"""What is worth knowing beyond polls: how far an instance is, and whether it is late.

Makes requests by itself, and only where that is cheap: of the one on display, and of the watched ones that
failed or run; never while the day's budget runs short, the line is in trouble or the watch pauses.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any

from wfinspect.clock import Clock, Moment
from wfinspect.errors import ServiceError
from wfinspect.format import moment as moment_of
from wfinspect.lateness import Deadline, compare
from wfinspect.model import (
    FOREMOST,
    Family,
    InstanceKey,
    Page,
    Target,
    TaskInstance,
    WorkflowInstance,
    by_attention,
    day_of,
    failed_tasks,
    progress,
)
from wfinspect.watching.api import (
    A,
    EarlierRuns,
    Heard,
    Outcome,
    Outlook,
    Request,
    Row,
    TasksOf,
    follow_of,
    state_since,
)
from wfinspect.watching.cadence import old_after
from wfinspect.watching.journal import Journal
from wfinspect.watching.lookups import Lookups, RunHistory
from wfinspect.watching.notifications import Alerts
from wfinspect.watching.schedule import Schedule
from wfinspect.watching.store import Store
from wfinspect.watching.watchlist import Attention, OutlookState

SETTLE_SECONDS = 0.5  # moving through a list costs nothing
BACKGROUND_SECONDS = 30.0
"""Between two requests of one kind for what is not on display, in the long run."""
_BURST = 60
_BURST_SECONDS = 2.0
"""So many of them go out at this pace after a start or a quiet time: what is late must not take minutes to show."""
QUIET_SECONDS = 600.0  # for a kind of request that was refused
_FIRST_SECONDS = 5.0  # the list comes first
_ANSWER_SECONDS = 60.0  # then none comes any more
_AT_ONCE = 20  # look-ups in the store a turn
_PASSED_AT_ONCE = 500  # rows, so that a long list delays no poll


class _Pace:
    """When the next request of a kind may go out, in monotonic seconds."""

    def __init__(self, ready_at: float) -> None:
        self.ready_at = ready_at
        self.paid_until = -inf

    def spend(self, monotonic: float) -> None:
        """Note one that goes out."""
        self.paid_until = max(self.paid_until, monotonic) + BACKGROUND_SECONDS
        even = self.paid_until - _BURST * BACKGROUND_SECONDS
        self.ready_at = max(monotonic + _BURST_SECONDS, even)


class OutlookTracker:
    """Decides what to request, and keeps with each row what was answered."""

    def __init__(
        self,
        journal: Journal,
        schedule: Schedule,
        attention: Attention,
        lookups: Lookups,
        alerts: Alerts,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._watchlist = journal.watchlist
        self._schedule = schedule
        self._attention = attention
        self._lookups = lookups
        self._alerts = alerts
        self._clock = clock
        # A watch without a screen prints changes, and pays for nothing else.
        begins_at = clock.monotonic() + _FIRST_SECONDS if journal.store.is_lasting else inf
        self._usual, self._explained = _Pace(begins_at), _Pace(begins_at)
        """Of what is usual, and of the tasks of what failed."""
        self._failures: dict[InstanceKey, None] = {}
        """Rows that failed and of which the tasks are still to be read."""
        self._runs_free_at = -inf
        self._around: deque[InstanceKey] = deque()
        """The rows that are still to be looked at in this pass over the list."""
        self._quiet: dict[tuple[type, Target], tuple[float, str]] = {}
        """Until when a kind of request is not sent, and why."""
        self.tasks_wait = ""
        """As of `Health`."""

    def follow(self) -> None:
        """Bring what is known in line with the readings that were taken in."""
        for key in self._watchlist.touched:
            if key in self._watchlist.rows:
                self._follow(key)
                if self._is_unexplained(key):
                    self._failures[key] = None

    def step(self) -> None:
        """Request what is worth it now."""
        moment = self._clock.moment()
        monotonic, key = moment.monotonic, self._attention.displayed
        is_attended, self.tasks_wait = self._attention.is_paid(monotonic), ""
        if key is not None:
            unattended = "" if is_attended else "not read: no key was pressed"
            self.tasks_wait = self._why_not(TasksOf, key.target, monotonic) or unattended
        if self._schedule.is_paused:
            return
        is_settled = monotonic >= self._attention.opened_at + SETTLE_SECONDS
        if key in self._watchlist.rows and is_attended and is_settled:
            self._look_closely(key, moment)
        # Behind the polls of a round, over the connection that they have left.
        if not self._schedule.limits.are_calls_out:
            if self._failures and monotonic >= self._explained.ready_at:
                self._explain(moment)
            if monotonic >= self._usual.ready_at:
                self._look_around(moment)

    def next_at(self, monotonic: float) -> float:
        """Return when a step is due that no reading brings about."""
        settled_at = self._attention.opened_at + SETTLE_SECONDS
        ats = (
            settled_at if self._attention.displayed is not None else inf,
            self._usual.ready_at if self._usual.paid_until > monotonic else inf,
            self._explained.ready_at if self._failures else inf,
        )
        return min((at for at in ats if at > monotonic), default=inf)

    def submit(self, request: Request[A], answer: Heard[A]) -> None:
        """Have the user's request answered, and learn from what comes of it."""

        def heard(outcome: Outcome[A]) -> None:
            self._learn(request, outcome)
            answer(outcome)

        self._lookups.submit(request, heard)

    def _follow(self, key: InstanceKey) -> None:
        """Come in line with a reading; notifies of a run that has become late."""
        row, state = self._watchlist.rows[key], self._watchlist.states[key].outlook
        if row.instance is None or row.read_at is None:
            return
        due = self._journal.due_of(row)
        if state is None and due is not None:
            state = self._watchlist.states[key].outlook = OutlookState(row.instance)
        if state is None:
            return
        before = row.outlook
        outlook = followed(before, state, row.instance, row.read_at, due)
        self._keep(key, outlook)
        if not row.is_watched:
            return
        name = f"{' '.join(key.target)} {key.id}"
        if outlook.lateness is not None and outlook.is_late and not before.is_late:
            said = outlook.lateness.sentence(self._clock.now())
            self._notify(key, said, f"late {name} {row.instance.started_time}")
        # That it is at risk, and that it is late, are two things to be notified of.
        deadline = outlook.deadline
        if deadline and (before.deadline is None or deadline.word != before.deadline.word):
            # A notification may be read elsewhere: it always names the zone.
            self._notify(key, deadline.words()[0], f"due {deadline.word.partition(' ')[0]} {name}")

    def _keep(self, key: InstanceKey, outlook: Outlook) -> None:
        row = self._watchlist.rows[key]
        if outlook != row.outlook:
            self._watchlist.put(row._replace(outlook=outlook))

    @property
    def _tasks_seconds(self) -> float:
        """Between two readings of the tasks of what is on display, as long as it runs."""
        return min(60.0, 4 * self._schedule.interval_seconds)

    def _look_closely(self, key: InstanceKey, moment: Moment) -> None:
        state = self._examined(key, moment)
        if state is None:
            return
        family, monotonic = self._watchlist.rows[key].family, moment.monotonic
        if monotonic >= state.tasks_at and not self.tasks_wait:
            state.tasks_at = monotonic + self._tasks_seconds if family is Family.ACTIVE else inf
            self._request(TasksOf(key))
        if not (state.is_complete or family.is_settled):
            self._request_runs(key, monotonic)

    def _is_unexplained(self, key: InstanceKey) -> bool:
        """Return whether the tasks of a row that failed are to be read; as long as it is polled, since it may be rerun."""
        row, state = self._watchlist.rows[key], self._watchlist.states[key]
        if row.family is not Family.FAILURE or row.failed or row.is_final or row.is_gone:
            return False
        return row.is_watched and (state.outlook is None or state.outlook.tasks_at < inf)

    def _explain(self, moment: Moment) -> None:
        """Read the tasks of the latest failure: once it is rerun, the service lists only their new runs."""
        rows, monotonic = self._watchlist.rows, moment.monotonic
        # Many were read or rerun meanwhile.
        noted = (key for key in self._failures if key in rows and self._is_unexplained(key))
        self._failures = dict.fromkeys(noted)
        targets = {key.target for key in self._failures}
        open_to = {each for each in targets if not self._why_not(TasksOf, each, monotonic)}
        able = [key for key in self._failures if key.target in open_to]
        for key in sorted(able, key=lambda key: state_since(rows[key]) or 0.0, reverse=True):
            del self._failures[key]
            state = self._examined(key, moment)
            if state is None or monotonic < max(state.tasks_at, state.explained_at):
                continue  # its next reading notes it again
            state.explained_at = monotonic + QUIET_SECONDS
            if self._claim(key, moment):
                state.tasks_at = inf
                self._explained.spend(monotonic)
                self._request(TasksOf(key))
                return
        if self._failures:
            self._explained.ready_at = monotonic + BACKGROUND_SECONDS

    def _claim(self, key: InstanceKey, moment: Moment) -> bool:
        """Return whether no other process reads the tasks of a failure, to record them for all."""
        change = self._watchlist.rows[key].last_change
        if change is None:
            return True
        name = f"tasks {' '.join(key.target)} {key.id} {change.event}"
        since = moment.now - timedelta(seconds=QUIET_SECONDS)
        return bool(self._journal.claim([name], moment, since=since))

    def _look_around(self, moment: Moment) -> None:
        """Learn what is usual of one that runs, if there is one of which it is not known."""
        looked_up, self._usual.ready_at = 0, moment.monotonic + BACKGROUND_SECONDS
        self._around = self._around or deque(self._watchlist.rows)
        for _ in range(min(_PASSED_AT_ONCE, len(self._around))):
            key = self._around.popleft()
            row = self._watchlist.rows.get(key)
            if row is None or not row.is_watched:
                continue
            if row.family is not Family.ACTIVE and not self._journal.due_of(row):
                continue
            known = self._watchlist.states[key].outlook
            before = known.examined_on if known else None
            state = self._examined(key, moment)
            looked_up += state is not None and state.examined_on != before
            is_wanted = state is not None and not state.is_complete
            if is_wanted and self._request_runs(key, moment.monotonic):
                # Its other dates come first, as long as there are any.
                self._around.appendleft(key)
                self._usual.spend(moment.monotonic)
                return
            if looked_up >= _AT_ONCE:
                self._usual.ready_at = moment.monotonic + 1.0
                return

    def _examined(self, key: InstanceKey, moment: Moment) -> OutlookState | None:
        """Return what is known of a row, with what the store holds; None before it was read."""
        row, state = self._watchlist.rows[key], self._watchlist.states[key]
        if row.instance is None or row.is_gone or (state.read_at is None and not row.is_final):
            return None
        if state.outlook is None:
            state.outlook = OutlookState(row.instance)
        if state.outlook.examined_on != day_of(key.target.region, moment.now):
            self._examine(key, state.outlook, moment)
        return state.outlook

    def _examine(self, key: InstanceKey, state: OutlookState, moment: Moment) -> None:
        state.examined_on = day_of(key.target.region, moment.now)
        outlook = self._watchlist.rows[key].outlook
        # What a run was once compared with stays: what is said to be late must not become less so.
        if not (state.is_complete and outlook.lateness and outlook.lateness.usual):
            history = RunHistory(self._journal, key.target, state.of)
            state.take(*history.known(moment))
            outlook = judged(outlook, state)
            if state.is_complete and outlook.lateness and outlook.lateness.usual:
                history.keep_sample(state.runs, moment.monotonic)
        self._keep(key, outlook)
        self._watchlist.touch([key])
        self._follow(key)

    def _why_not(self, kind: type, target: Target, monotonic: float) -> str:
        """Return why nothing of a kind is requested for now, in a few words; "" where it is."""
        limits = self._schedule.limits
        breaker = limits.open_breaker(target)
        quiet_until, refused = self._quiet.get((kind, target), (-inf, ""))
        if self._schedule.is_paused:
            return "not read: paused"
        if breaker is not None and breaker.error is not None:
            return _not_read(breaker.error)
        if monotonic < quiet_until:
            return refused
        # Else the bucket is at least half full.
        is_short = limits.bucket(target, monotonic).stretch(monotonic) > 1.0
        return "not read: budget runs short" if is_short else ""

    def _request_runs(self, key: InstanceKey, monotonic: float) -> bool:
        is_free = monotonic >= self._runs_free_at
        if not is_free or self._why_not(EarlierRuns, key.target, monotonic):
            return False
        self._runs_free_at = monotonic + _ANSWER_SECONDS
        self._request(EarlierRuns(key, most=1))
        return True

    def _request(self, request: TasksOf | EarlierRuns) -> None:
        def heard(outcome: Outcome[Any]) -> None:
            if isinstance(outcome, ServiceError):
                quiet_until = self._clock.monotonic() + QUIET_SECONDS
                self._quiet[type(request), request.destination] = quiet_until, _not_read(outcome)
                known = self._watchlist.states.get(request.key)
                if isinstance(request, TasksOf) and known is not None and known.outlook is not None:
                    known.outlook.tasks_at = quiet_until
            self._learn(request, outcome)

        self._lookups.submit(request, heard)

    def _learn(self, request: Request[Any], outcome: Outcome[Any]) -> None:
        if isinstance(request, EarlierRuns):
            self._runs_free_at = -inf
        if not isinstance(request, (EarlierRuns, TasksOf)):
            return
        key, moment = request.key, self._clock.moment()
        if key not in self._watchlist.rows:
            return
        state = self._examined(key, moment)
        if state is None:
            return
        if isinstance(request, TasksOf):
            self._learn_tasks(key, state, outcome, moment)
        elif not isinstance(outcome, ServiceError):
            self._examine(key, state, moment)

    def _learn_tasks(
        self,
        key: InstanceKey,
        state: OutlookState,
        outcome: Outcome[Page[TaskInstance]],
        moment: Moment,
    ) -> None:
        row = self._watchlist.rows[key]
        outlook, no_tasks = row.outlook, ""
        if isinstance(outcome, ServiceError):
            no_tasks = _not_read(outcome)
        elif not outcome.value.is_last:
            # More than are read at all: twenty calls without a result are enough.
            state.tasks_at, no_tasks = inf, "not read: too many"
        elif tasks := outcome.value.items:
            lasts = inf if row.family.is_settled else 1.5 * self._tasks_seconds
            state.progress_until = moment.monotonic + lasts
            ranked = by_attention(tasks)
            touched = [task for task in ranked if task.may_have_operations]
            outlook = outlook._replace(
                progress=progress(tasks),
                foremost=_few(ranked),
                touched=_few(touched),
            )
            if row.family is Family.FAILURE:
                self._journal.explain(key, failed_tasks(tasks)[:FOREMOST])
        else:
            no_tasks = "none"
        self._keep(key, outlook._replace(no_tasks=no_tasks))
        self._watchlist.touch([key])

    def _notify(self, key: InstanceKey, said: str, claim: str) -> None:
        """Have it announced that a run is late, once over all processes and starts."""
        row, moment = self._watchlist.rows[key], self._clock.moment()
        if row.instance is None or not self._alerts.is_late_wanted:
            return
        if self._journal.claim([claim], moment):
            self._alerts.late(row, row.instance, said, moment)


def _few(tasks: Sequence[TaskInstance]) -> tuple[TaskInstance, ...]:
    """Return the first of some tasks, without their JSON: there may be a thousand rows."""
    return tuple(task._replace(raw="") for task in tasks[:FOREMOST])


def _not_read(error: ServiceError) -> str:
    return f"not read: {error.cause}"


def judged_rows(
    store: Store, rows: Iterable[Row], interval_seconds: float, moment: Moment
) -> Iterator[Row]:
    """Yield stored rows with whether they are live and late, by what the store holds of earlier runs.

    Each has the follow that covers it, also where that did not bring it: not to be stored.
    """
    journal = Journal(store)
    journal.read_follows()
    for stored in rows:
        covering = follow_of(stored, journal.follows.values())
        row = stored._replace(follow=covering.number if covering else stored.follow)
        instance, read_at = row.instance, row.read_at
        if instance is None or read_at is None or row.is_gone:
            yield row
            continue
        age = (moment.now - read_at).total_seconds()
        outlook = Outlook()
        if not instance.is_settled:
            state = OutlookState(instance)
            state.take(*RunHistory(journal, row.key.target, instance).known(moment))
            due = journal.due_of(row)
            outlook = followed(judged(outlook, state), state, instance, read_at, due)
        is_live = row.is_final or age <= old_after(row.family, interval_seconds)
        yield row._replace(is_live=is_live, outlook=outlook)


def missed(
    due: datetime, outlook: Outlook, instance: WorkflowInstance, read_at: datetime
) -> Deadline | None:
    """Return a deadline where a run misses it or may miss it.

    Args:
        due: by when it is to be done, in the region's zone.
        outlook: what is known of it.
        instance: as read.
        read_at: when; a reading taken in time says nothing of what came after.
    """
    if read_at > due:
        return Deadline(due)
    expected = expected_at(outlook, instance, read_at)
    # Each reading moves it, and a row that shows the same must not differ.
    expected = expected and expected.replace(second=0, microsecond=0)
    return Deadline(due, expected) if expected and expected > due else None


def expected_at(outlook: Outlook, instance: WorkflowInstance, read_at: datetime) -> datetime | None:
    """Return when a run should be done: by earlier runs, and once those are passed by its tasks."""
    usual = outlook.lateness.expected_at if outlook.lateness is not None else None
    if usual is not None and usual > read_at:
        return usual
    progress = outlook.progress
    started = moment_of(instance.started_time)
    if progress is None or not progress.done or started is None or started > read_at:
        # It should be over: it takes a while longer at least.
        return read_at if usual is not None else None
    return started + (read_at - started) * (progress.total / progress.done)


def followed(
    outlook: Outlook,
    state: OutlookState,
    instance: WorkflowInstance,
    read_at: datetime,
    due: datetime | None,
) -> Outlook:
    """Return an outlook after a reading; `due` is by when it is to be done, in the region's zone."""
    before = state.of
    if before is not instance:
        state.of = instance
        odd = {name for each in (before, instance) for name, _ in each.unreadable}
        is_other_run = before.started_time != instance.started_time and "started_time" not in odd
        if is_other_run or before.workflow_id != instance.workflow_id:
            state.examined_on, state.runs, state.is_complete = None, (), False
        if is_other_run:
            outlook = outlook._replace(progress=None, foremost=(), touched=())
        if is_other_run or before.status != instance.status:
            state.progress_until = state.tasks_at = -inf
            outlook = outlook._replace(no_tasks="")
        outlook = judged(outlook, state)
    # A reading taken before it was late says nothing: the run may have ended in time.
    lateness, is_active = outlook.lateness, instance.family is Family.ACTIVE
    is_late = is_active and lateness is not None and lateness.is_late(read_at)
    deadline = None if due is None else missed(due, outlook, instance, read_at)
    return outlook._replace(is_late=is_late, deadline=deadline)


def judged(outlook: Outlook, state: OutlookState) -> Outlook:
    """Return an outlook with the run compared with earlier ones."""
    lateness = compare(state.of, state.runs) if state.of.workflow_id else None
    # Each further answer would move the range, and with it what a run is late by.
    is_said = lateness is not None and (
        state.is_complete or (state.of.is_settled and lateness.usual is not None)
    )
    return outlook._replace(lateness=lateness if is_said else None)
