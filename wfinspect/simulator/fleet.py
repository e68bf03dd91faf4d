"""The workflows and instances of the fleet, the states each passes through, and the records of them.

The first 30 instances are written by hand; `extra_instances` makes as many more as a load test wants, and
`earlier_instances` the runs of the days before. A record is a pure function of epoch, speed and now, so a restart
goes on where it was. `Population` adds what a test has changed, and how records are disguised. They hold the service's
names and values; `service` makes answers of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import NamedTuple

from wfinspect.model import family_of, zone_of
from wfinspect.search import WORDS
from wfinspect.simulator.faults import Faults

DEMO_IDS = (10432987165, 10433001244, 10433007781, 10432980001)
"""One about to fail, one long at work, one waiting, one done: one call reads them all."""

MANY_TASKS_ID = 10432996503
"""An instance at work with 500 tasks; the others have 4 to 30."""

FROZEN_ID = 10431573348
"""A settled failure: of two tasks that failed one is frozen, and one that succeeded was a dry run."""

BIG_LOG_ID = 10432980002
"""A settled instance; the log of its first task has 32 MiB."""

OUTCOME = "Outcome"
"""Stands in a lifecycle for Success or Failure, which chance decides for each run."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One run after another: the states of a run, from first to settled, then the next run."""

    phases: tuple[tuple[str, float], ...]
    """Each state and how many seconds it lasts; the last one is OUTCOME."""
    offset: float
    """Seconds of the first run that lie before the epoch."""
    past: float = 1.0
    """How much longer everything before the epoch took, so that a new fleet looks old."""
    failing: float = 0.0
    """Share of the runs that fail."""

    @property
    def period(self) -> float:
        """Seconds from the beginning of one run to that of the next."""
        return sum(seconds for _, seconds in self.phases)

    def scaled(self, factor: float, turn: float) -> "Lifecycle":
        """Return the same lifecycle at another pace, `turn` (0 to 1) of a run in at the epoch."""
        phases = tuple((status, seconds * factor) for status, seconds in self.phases)
        return Lifecycle(phases, self.period * factor * turn, self.past, self.failing)


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a lifecycle; times in milliseconds since 1970, also those yet to come."""

    number: int
    """Counts the runs; 0 is the one under way at the epoch."""
    fails: bool
    begins: dict[str, int]
    """When each state begins, OUTCOME included; one that is skipped is missing."""

    @property
    def due(self) -> int:
        """When its time has come: the end of WaitTime."""
        return self.begins.get("CheckingCondition", self.begins["WaitResource"])

    @property
    def working(self) -> int:
        """How long it is in Running, in milliseconds."""
        return self.begins.get("Checking", self.begins[OUTCOME]) - self.begins["Running"]


OWNERS = {"a": "1823556600124410", "b": "1741220981230017", "c": "2069113357720448"}

Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A definition: what every instance of it has in common."""

    id: int
    name: str
    type: str
    project_id: int
    owner: str
    parameters: str
    """As on the wire; ``%D`` becomes the business date as yyyymmdd."""
    tags: Tags


@dataclass(frozen=True, slots=True)
class PlannedInstance:
    """An instance of a workflow for one business date."""

    id: int
    workflow: Workflow
    env_type: str
    days_back: int
    """Business date: so many days before the epoch's, in the region's zone."""
    life: Lifecycle

    @property
    def is_fixed(self) -> bool:
        """Whether it passes through its states exactly as written; others have a pace and beginning of their own."""
        return self.life not in _ANY


# ID | name | type | workspace | owner | tags | parameters
_TABLE = r"""
2261034|ads_user_profile_daily|Normal|88123|a|team:growth sla:p1 cost:ads|bizdate=%D cyctime=$[yyyymmddhh24miss] region_list=["cn","sg","us"] retry_max=3 source_table=ods_user_behavior_di target_table=ads_user_profile_daily
2261040|dwd_trade_order_di|Normal|88123|b|team:trade sla:p0|bizdate=%D run_at=$[yyyy-mm-dd hh24:mi:ss] lookback=$[yyyymmdd-7] shards=64
2261077|ods_pay_bill_di|Normal|88123|b|team:finance sla:p0 pii:|bizdate=%D partition=dt=%D source=pay_center
2261012|ods_user_login_di|Normal|88123|a|team:growth|bizdate=%D
2261101|dim_sku_df|Normal|88123|c||bizdate=%D\nfull=true
2261102|ods_item_di|Normal|88123|c|team:item|bizdate=%D
2261133|dws_shop_uv_hh|Normal|88123|a|sla:p2|bizdate=%D hour=$[hh24-1]
2261140|ads_gmv_board_hh|TriggerWorkflow|88123|c|team:board sla:p0 cost:board on_call:data tier:gold|bizdate=%D trigger=order_topic window=$[yyyy-mm-dd hh24:mi:ss] offset=latest
2261151|dws_会员日汇总_df|Normal|88123|c|团队:会员 sla:p1|bizdate=%D level=金卡
2261160|P_dwd_trade_order_di_backfill|SupplementData|88123|b|reason:late|bizdate=%D mode=overwrite
2261171|dwd_coupon_use_di|Normal|88123|b||bizdate=%D
3310021|dwd_bid_log_hi|Normal|90211|c|team:ads sla:p1|bizdate=%D hour=$[hh24] sample_rate=0.01
3310022|ads_ctr_report_daily|Normal|90211|a||bizdate=%D
3310040|audience_export|ManualWorkflow|90211|a|team:ads kind:export asked_by:marketing cost:ads|{"bizdate": "%D", "segments": ["new", "lapsed"], "limit": 500000, "dry_run": false}
3310051|ads_营收看板_daily|TriggerWorkflow|90211|c|team:board sla:p0|bizdate=%D currency=CNY
3310060|dws_budget_pacing_hh|Normal|90211|b|sla:p2|
4402001|smoke_dwd_bid_log_hi|SmokeTest|77340|c||bizdate=%D limit=1000
4402010|repair_user_dim|Manual|77340|a|a:1 b:2 c:3 d:4 e:5 f:6|{\n  "bizdate": "%D",\n  "user_ids": "all",\n  "note": "one off"\n}
4402033|train_rank_model_daily|Normal|77340|b|gpu:8|bizdate=%D epochs=12
"""


def _workflow(line: str) -> Workflow:
    number, name, kind, project, owner, tags, parameters = line.split("|")
    return Workflow(
        int(number),
        name,
        kind,
        int(project),
        OWNERS[owner],
        parameters.replace(r"\n", "\n"),
        tuple((key, value) for key, _, value in (tag.partition(":") for tag in tags.split())),
    )


_WORKFLOWS = {w.id: w for w in map(_workflow, _TABLE.strip().splitlines())}

_BEFORE_RUNNING = ("NotRun", "WaitTime", "CheckingCondition", "WaitResource")
_STATES = (*_BEFORE_RUNNING, "Running", "Checking", OUTCOME)


def _life(
    *seconds: float, at: str, into: float, past: float = 1.0, failing: float = 0.0
) -> Lifecycle:
    """Return a lifecycle by the seconds in each of _STATES (0 skips one), `into` seconds into `at` at first."""
    before = sum(seconds[: _STATES.index(at)])
    phases = tuple((s, t) for s, t in zip(_STATES, seconds, strict=True) if t)
    return Lifecycle(phases, before + into, past, failing)


_HOUR = 3600.0

# Fails 32 s after the epoch, after 41 minutes, and every 230 s from then on.
_FAILS = _life(10, 12, 0, 18, 100, 0, 90, at="Running", into=68, past=36.4, failing=1.0)
# Waits 12 s more for its time, then 20 s for resources.
_STARTS = _life(10, 40, 0, 20, 60, 16, 90, at="WaitTime", into=28, past=6.5)
# Done 3 hours ago in 38 minutes; run again 216 s after the epoch.
_DONE = _life(8, 10, 0, 10, 60, 0, 500, at=OUTCOME, into=284, past=38.0)

_PLAIN = _life(15, 25, 0, 20, 90, 0, 150, at="NotRun", into=0, past=20.0, failing=0.25)
_CHECKED = _life(15, 25, 0, 15, 110, 25, 150, at="NotRun", into=0, past=20.0, failing=0.2)
_BRANCH = _life(15, 25, 20, 15, 75, 0, 150, at="NotRun", into=0, past=25.0, failing=0.2)
_BY_HAND = _life(0, 0, 0, 20, 60, 0, 220, at="NotRun", into=0, past=10.0, failing=0.4)
IDLE = _life(86400, 900, 0, 120, 3600, 0, 86400, at="NotRun", into=2 * _HOUR)
"""For a day it waits for others."""


def _at_work(hours: float) -> Lifecycle:
    return _life(600, 900, 0, 120, 12 * _HOUR, 900, 10 * _HOUR, at="Running", into=hours * _HOUR)


def _over(
    hours: float, *, minutes: float = 38.0, failing: float = 0.0, lasting: float = 72 * _HOUR
) -> Lifecycle:
    working, into = minutes * 60, hours * _HOUR
    return _life(600, 900, 0, 120, working, 0, lasting, at=OUTCOME, into=into, failing=failing)


def _planned(
    number: int, workflow: int, env_type: str, days_back: int, life: Lifecycle
) -> PlannedInstance:
    return PlannedInstance(number, _WORKFLOWS[workflow], env_type, days_back, life)


_ANY = (_PLAIN, _CHECKED, _BRANCH, _BY_HAND)  # lifecycles that chance varies

INSTANCES = (
    _planned(10432987165, 2261034, "Prod", 1, _FAILS),
    _planned(10433001244, 2261040, "Prod", 1, _at_work(67 / 60)),
    _planned(10433007781, 2261077, "Prod", 1, _STARTS),
    _planned(10432980001, 2261012, "Prod", 1, _DONE),
    _planned(10432980002, 2261102, "Prod", 1, _over(3.0)),
    _planned(10433001250, 2261133, "Prod", 1, _PLAIN),
    _planned(10433007802, 2261140, "Prod", 1, _CHECKED),
    _planned(10433007790, 2261101, "Prod", 1, _BRANCH),
    _planned(10433007811, 2261151, "Prod", 1, _CHECKED),
    _planned(10433010001, 2261171, "Prod", 1, IDLE),
    _planned(10431554021, 2261034, "Prod", 2, _over(24.35, minutes=20)),
    _planned(10431567130, 2261040, "Prod", 2, _PLAIN),
    _planned(10431573348, 2261077, "Prod", 2, _over(25.5, failing=1.0)),
    _planned(10431573360, 2261160, "Prod", 2, _PLAIN),
    _planned(10431573361, 2261160, "Prod", 2, _BY_HAND),
    _planned(10433012207, 2261034, "Dev", 1, _BRANCH),
    _planned(10433012215, 2261140, "Dev", 1, _BY_HAND),
    _planned(10432991040, 3310021, "Prod", 1, _PLAIN),
    _planned(10432991041, 3310022, "Prod", 1, _over(2.0, failing=1.0)),
    _planned(10432991052, 3310051, "Prod", 1, IDLE),
    _planned(10432991060, 3310060, "Prod", 1, _PLAIN),
    _planned(10431560917, 3310022, "Prod", 2, _over(27.0)),
    _planned(10431560933, 3310021, "Prod", 2, _PLAIN),
    _planned(10433020118, 3310040, "Prod", 0, _BY_HAND),
    _planned(10433020131, 3310040, "Dev", 0, _BY_HAND),
    _planned(10432996503, 4402033, "Prod", 1, _at_work(5.0)),
    _planned(10432996518, 4402001, "Dev", 1, _BY_HAND),
    _planned(10433020406, 4402001, "Dev", 0, _BRANCH),
    _planned(10433020411, 4402010, "Prod", 0, _BY_HAND),
    _planned(10433020412, 4402010, "Dev", 0, _PLAIN),
)

_EARLIER_DAYS = range(2, 16)
# How long a run of these takes; 38 minutes for the others.
_USUAL_MINUTES = {2261034: 20.0, 2261040: 50.0, 4402033: 700.0}


def earlier_instances() -> tuple[PlannedInstance, ...]:
    """Return what ran on earlier business dates, so that 14 are known of each scheduled workflow in Prod.

    They began at the same time of day and took about as long, a few failed. Those of the first demo
    instance took 18 to 22 minutes, half of what it takes now, and none failed.
    """
    known = {(p.workflow.id, p.days_back) for p in INSTANCES if p.env_type == "Prod"}
    workflows = (w for w in _WORKFLOWS.values() if w.type in {"Normal", "TriggerWorkflow"})
    return tuple(
        _earlier(workflow, days)
        for workflow in workflows
        for days in _EARLIER_DAYS
        if (workflow.id, days) not in known
    )


def _earlier(workflow: Workflow, days: int) -> PlannedInstance:
    luck = Random(f"{workflow.id}/{days}")
    minutes = _USUAL_MINUTES.get(workflow.id, 38.0) * luck.uniform(0.9, 1.1)
    hours = 24 * (days - 1) + (41 + luck.uniform(-2, 2) - minutes) / 60
    failing = 0.0 if workflow.id == INSTANCES[0].workflow.id else 0.08
    life = _over(hours, minutes=minutes, failing=failing, lasting=1e9)
    number = 10_433_000_000 - 1_430_000 * (days - 1) + workflow.id % 1_000_000
    return PlannedInstance(number, workflow, "Prod", days, life)


def extra_instances(count: int) -> tuple[PlannedInstance, ...]:
    """Return so many more instances, a hundred to each workspace of their own, IDs counting up."""
    lives = (_PLAIN, _CHECKED, _BRANCH)
    return tuple(
        PlannedInstance(10_440_000_000 + n, _extra_workflow(n), "Prod", 1, lives[n % 3])
        for n in range(count)
    )


_EVERY_SECONDS = 300.0
"""Of a lifecycle: so far apart are the new runs of a workflow that runs by the hour."""
_BY_THE_HOUR = (2261133, 3310060)
_FIRST_ARRIVAL = 10_500_000_000
_KEPT_HOURS, _KEPT_DAYS = 600, 60
_MISSING, _LATE = 0.04, 0.12
"""Shares of the days' runs that never come into being, and that take far longer than usual."""


def _hourly(n: int, today_is: int) -> tuple[PlannedInstance, ...]:
    """Return the runs that come into being as the hour n begins; `today_is` days after the epoch's."""
    return tuple(
        _arrival(
            _FIRST_ARRIVAL + 10 * n + place, _WORKFLOWS[workflow], 1 - today_is, n * _EVERY_SECONDS
        )
        for place, workflow in enumerate(_BY_THE_HOUR)
    )


def _daily(day: int, seconds: float) -> tuple[PlannedInstance, ...]:
    """Return the runs of a day after the epoch's, which begins after so many seconds of lifecycles."""
    workflows = [w for w in _WORKFLOWS.values() if w.type == "Normal" and w.id not in _BY_THE_HOUR]
    return tuple(
        _arrival(_FIRST_ARRIVAL + 500_000_000 + 1000 * day + place, workflow, 1 - day, seconds)
        for place, workflow in enumerate(workflows)
        if Random(f"missing/{workflow.id}/{day}").random() >= _MISSING
    )


def _arrival(number: int, workflow: Workflow, days_back: int, seconds: float) -> PlannedInstance:
    luck = Random(f"arrival/{number}")
    working = 120.0 * luck.uniform(0.9, 1.1) * (3.0 if luck.random() < _LATE else 1.0)
    phases = (20.0, 30.0, 0.0, 15.0, working, 0.0, 1e9)
    life = _life(*phases, at="NotRun", into=-seconds, failing=0.15)
    return PlannedInstance(number, workflow, "Prod", days_back, life)


def _extra_workflow(n: int) -> Workflow:
    name, project = f"dwd_load_{n:05}_di", 91000 + n // 100
    tags = (("load", "1"),)
    return Workflow(5500000 + n, name, "Normal", project, OWNERS["b"], "bizdate=%D", tags)


REGION = "cn-shanghai"
"""The region of the fleet: its days begin at midnight in this region's zone."""

TYPES = WORDS["type"]

Record = dict[str, object]
"""An instance as the service gives it: field names as in GetWorkflowInstance, times in ms."""


def milliseconds(at: datetime) -> int:
    """Return a moment as the service writes it."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


WORKFLOW_TASKS = 44_589_011_147
"""So far the ID of the task that stands for a whole workflow is from that of its instance."""


class Fleet:
    """All instances of the simulated service.

    Args:
        epoch: when the fleet began; aware.
        speed: seconds of a lifecycle in a second of time.
        extra: so many instances beyond the 30 of the catalogue.
    """

    def __init__(self, *, epoch: datetime, speed: float = 1.0, extra: int = 0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self.epoch = milliseconds(epoch)
        self._speed = speed
        self._today = epoch.astimezone(zone_of(REGION)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        watched = (*INSTANCES, *extra_instances(extra))
        self._planned = {p.id: p for p in (*watched, *earlier_instances())}
        self.ids = tuple(p.id for p in watched)
        """Every instance's ID, those of the catalogue first; not the runs of earlier days."""
        self._lives = {p.id: self._life(p) for p in self._planned.values()}
        self.all_ids = tuple(self._planned)
        """Those, and those of the runs of earlier days."""
        self._hours = self._days = 0
        """Up to which hour and day since the epoch runs have come into being."""
        self._by_date: dict[tuple[int, str, int], int] = {}
        self._index(self._planned.values())
        self.project_ids = frozenset(p.workflow.project_id for p in self._planned.values())

    def ids_at(self, now: datetime) -> tuple[int, ...]:
        """Return the IDs of all that has come into being by a moment, or later."""
        self._grow(now)
        return tuple(self._planned)

    def _grow(self, now: datetime) -> None:
        """Let the runs come into being that the time since the epoch brings."""
        zone, epoch = zone_of(REGION), datetime.fromtimestamp(self.epoch / 1000, UTC)
        passed = (self.moment(now) - self.epoch) / 1000
        last_hour = int(passed * self._speed // _EVERY_SECONDS)
        last_day = (max(now, epoch).astimezone(zone).date() - self._today.date()).days
        # What is older is past its retention.
        hours = range(max(self._hours, last_hour - _KEPT_HOURS) + 1, last_hour + 1)
        days = range(max(self._days, last_day - _KEPT_DAYS) + 1, last_day + 1)
        new: list[PlannedInstance] = []
        for n in hours:
            at = epoch + timedelta(seconds=n * _EVERY_SECONDS / self._speed)
            new += _hourly(n, (at.astimezone(zone).date() - self._today.date()).days)
        for day in days:
            begins = self._today + timedelta(days=day) - epoch
            new += _daily(day, begins.total_seconds() * self._speed)
        self._hours = max(self._hours, last_hour)
        self._days = max(self._days, last_day)
        self._planned |= {each.id: each for each in new}
        self._lives |= {each.id: each.life for each in new}
        self._index(new)

    def _index(self, planned: Iterable[PlannedInstance]) -> None:
        for each in planned:
            if each.workflow.id in _WORKFLOWS:
                where = each.workflow.id, each.env_type, each.days_back
                self._by_date.setdefault(where, each.id)

    def planned(self, instance_id: int) -> PlannedInstance:
        """Return what an instance is."""
        return self._planned[instance_id]

    def instance_of(self, workflow_id: int, env_type: str, days_back: int) -> int | None:
        """Return the first instance of a workflow of the catalogue for a business date."""
        return self._by_date.get((workflow_id, env_type, days_back))

    def had_succeeded(self, instance_id: int) -> bool:
        """Return whether it was done when the fleet began, and never fails."""
        run = self.run_of(instance_id, 0)
        is_fixed = self._planned[instance_id].is_fixed
        return is_fixed and not run.fails and run.begins[OUTCOME] <= self.epoch

    def moment(self, now: datetime) -> int:
        """Return the moment as the fleet knows it: time before its epoch does not exist."""
        return max(milliseconds(now), self.epoch)

    def record(self, instance_id: int, now: datetime) -> Record | None:
        """Return the 19 fields of an instance at a moment, None for an ID that is not in the fleet.

        StartedTime and FinishedTime are absent until they have happened.
        """
        self._grow(now)
        planned = self._planned.get(instance_id)
        if planned is None:
            return None
        life, run = self._lives[instance_id], self.run(instance_id, now)
        if self._elapsed(life, now) < 0:
            return None  # it has not come into being
        into = self._elapsed(life, now) % life.period
        ends = accumulate(seconds for _, seconds in life.phases)
        index = min(sum(end <= into for end in ends), len(life.phases) - 1)
        words = [word for word, _ in life.phases]
        since, is_over = run.begins[words[index]], words[index] == OUTCOME
        workflow = planned.workflow
        day = self._today - timedelta(days=planned.days_back)
        record: Record = {
            "Id": planned.id,
            "WorkflowId": workflow.id,
            "WorkflowTaskInstanceId": planned.id + WORKFLOW_TASKS,
            "UnifiedWorkflowInstanceId": _unified_id(planned),
            "Name": workflow.name,
            "Type": workflow.type,
            "Status": ("Failure" if run.fails else "Success") if is_over else words[index],
            "BizDate": milliseconds(day),
            "StartedTime": run.begins["Running"] if index >= words.index("Running") else None,
            "FinishedTime": since if is_over else None,
            "ProjectId": workflow.project_id,
            "EnvType": planned.env_type,
            "Owner": workflow.owner,
            "CreateTime": self._created(life),
            "ModifyTime": since,
            "CreateUser": workflow.owner,
            "ModifyUser": workflow.owner,
            "WorkflowParameters": workflow.parameters.replace("%D", f"{day:%Y%m%d}"),
            "Tags": [{"Key": key, "Value": value} for key, value in workflow.tags],
        }
        return {name: value for name, value in record.items() if value is not None}

    def _created(self, life: Lifecycle) -> int:
        scale = 1000 * life.past if life.offset > 0 else 1000 / self._speed
        return self.epoch - int(life.offset * scale) - 1000

    def run(self, instance_id: int, now: datetime) -> WorkflowRun:
        """Return the run of an instance that is under way at a moment."""
        life = self._lives[instance_id]
        return self.run_of(instance_id, int(self._elapsed(life, now) // life.period))

    def run_of(self, instance_id: int, number: int) -> WorkflowRun:
        """Return the run of a number: 0 is the one under way at the epoch."""
        life = self._lives[instance_id]

        def moment(seconds: float) -> int:
            # What lies before the epoch keeps its own pace: speed changes only what is watched.
            scale = 1000 * life.past if seconds < 0 else 1000 / self._speed
            return self.epoch + int(seconds * scale // 1)

        ends = accumulate(seconds for _, seconds in life.phases)
        begins = [number * life.period - life.offset + end for end in (0.0, *ends)]
        moments = {word: moment(at) for (word, _), at in zip(life.phases, begins, strict=False)}
        fails = _chance(instance_id, number) < life.failing
        return WorkflowRun(number, fails, moments)

    def _elapsed(self, life: Lifecycle, now: datetime) -> float:
        """Return the seconds of the lifecycle since the first run began."""
        return (self.moment(now) - self.epoch) * self._speed / 1000 + life.offset

    def _life(self, planned: PlannedInstance) -> Lifecycle:
        if planned.is_fixed:
            return planned.life
        luck = Random(f"0/{planned.id}")
        return planned.life.scaled(luck.uniform(0.8, 1.4), luck.random())


@lru_cache(maxsize=4096)
def _chance(instance_id: int, run: int) -> float:
    return Random(f"0/{instance_id}/{run}").random()


def _unified_id(planned: PlannedInstance) -> int:
    """Return one number for all instances of a trigger within a business date."""
    workflow = planned.workflow
    trigger = workflow.project_id * 100 + planned.days_back * 10 + TYPES.index(workflow.type)
    return 10_400_000_000 + trigger


HOSTILE_TEXT = (
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J\x1b[31m\x1bP+q\x1b\\\x9b31m\x9d0;t\x9c\r\n\x08\x7f"
    "\u202e\u2066\u200b\u2028\ufeff[red]R[/red][/][@click=app.quit]q[/]"
)
"""Escape sequences, C1, bidi, invisible characters, line ends and markup."""


class EndedRun(NamedTuple):
    """A run of an instance that a test had run again."""

    run: WorkflowRun
    record: Record
    """What was said of the instance at its end."""
    rerun_at: int

    def next(self) -> WorkflowRun:
        """Return the run behind it, which begins as the user wants it to."""
        before, begins = self.run.begins["Running"], self.run.begins.items()
        moments = {word: self.rerun_at + max(0, at - before) for word, at in begins}
        return WorkflowRun(self.run.number + 1, self.run.fails, moments)


class Population:
    """The instances that exist, and what is said about them; set from any thread, read by the server's.

    What is set replaces what was there in one step, so that neither thread sees a part of it.
    """

    def __init__(self, fleet: Fleet, faults: Faults) -> None:
        self.fleet = fleet
        self.faults = faults
        self.task_fields: Record = {}
        """What every task says beside, or in place of, its own; None takes a field away."""
        self.dependencies: list[tuple[int, int, str]] = []
        """More than the catalogue has: a task, the one it waits for, and the type. Cycles may be made."""
        self._changes: dict[int, Record] = {}
        self._held: dict[int, datetime] = {}
        self._ended: dict[int, tuple[EndedRun, ...]] = {}
        self._answers: dict[int, Record] = {}
        self._vanished: set[int] = set()

    def set_status(self, instance_id: int, status: str, now: datetime) -> None:
        """Take an instance out of its lifecycle and hold it in a status, its times set to fit."""
        record = self.record(instance_id, now)
        if record is None:
            raise KeyError(instance_id)
        self._held.setdefault(instance_id, now)
        moment = milliseconds(now)
        settles = family_of(status).is_settled
        if family_of(str(record["Status"])).is_settled and not settles:
            ended = EndedRun(self.run(instance_id, now), record, moment)
            self._ended[instance_id] = (*self.ended(instance_id), ended)
        begins = status == "Running" and record["Status"] != "Running"
        runs = settles or status in {"Running", "Checking"}
        started = moment if begins else record.get("StartedTime", moment)
        self.set_fields(
            instance_id,
            {
                "Status": status,
                "ModifyTime": moment,
                "StartedTime": started if runs else None,
                "FinishedTime": moment if settles else None,
            },
        )

    def set_fields(self, instance_id: int, fields: Mapping[str, object]) -> None:
        """Say something else about an instance; None takes a field away."""
        self._changes[instance_id] = self._changes.get(instance_id, {}) | dict(fields)

    def set_answer(self, record_id: int, fields: Mapping[str, object]) -> None:
        """Answer with other fields of an instance or a task, which is found by its own still.

        None as a value is a null; what was set before is forgotten.
        """
        self._answers[record_id] = dict(fields)

    def vanish(self, instance_id: int) -> None:
        """Make an instance unknown, as one past its retention."""
        self._vanished.add(instance_id)

    def restore(self, instance_id: int) -> None:
        """Let an instance go on in its own lifecycle; one that had vanished is known again."""
        for said in (self._changes, self._answers, self._held, self._ended):
            said.pop(instance_id, None)
        self._vanished.discard(instance_id)

    def record(self, instance_id: int, now: datetime) -> Record | None:
        """Return what the service says about an instance, None where it knows none."""
        record = self.fleet.record(instance_id, self._held.get(instance_id, now))
        if record is None or instance_id in self._vanished:
            return None
        record |= self._changes.get(instance_id, {})
        return {name: value for name, value in record.items() if value is not None}

    def run(self, instance_id: int, now: datetime) -> WorkflowRun:
        """Return the run that is under way, or was when the instance was taken out of its lifecycle."""
        if ended := self.ended(instance_id):
            return ended[-1].next()
        return self.fleet.run(instance_id, self._held.get(instance_id, now))

    def ended(self, instance_id: int) -> tuple[EndedRun, ...]:
        """Return the runs before that one since the instance was taken out of its lifecycle."""
        return self._ended.get(instance_id, ())

    def records(self, ids: Iterable[int], now: datetime) -> list[Record]:
        """Return what the service says about several; the unknown are left out."""
        found = (self.record(instance_id, now) for instance_id in dict.fromkeys(ids))
        return [record for record in found if record is not None]

    def disguised(self, record: Record) -> Record:
        """Return a record as it goes out: a disguise never decides which records are found."""
        number = int(str(record.get("Id", 0)))
        if self.faults.is_hostile:
            record = {name: _hostile(value) for name, value in record.items()}
        return record | self._answers.get(number, {})

    def disguised_text(self, text: str) -> str:
        """Return a text of many lines as it goes out."""
        return text.replace("\n", HOSTILE_TEXT + "\n") if self.faults.is_hostile else text


def _hostile(value: object) -> object:
    if isinstance(value, str):
        return value + HOSTILE_TEXT
    if isinstance(value, list):
        return [_hostile(item) for item in value]
    if isinstance(value, dict):
        return {name: _hostile(item) for name, item in value.items()}
    return value
