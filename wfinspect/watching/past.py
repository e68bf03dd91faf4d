"""The runs of a workflow by business date, as far as they were ever asked for; kept in the store.

A date whose runs are all over is never asked for again, any other at most once a day.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from wfinspect.format import moment
from wfinspect.instance import Binding, WorkflowInstance, family_of
from wfinspect.query import Query
from wfinspect.regions import zone_of
from wfinspect.typical import Run
from wfinspect.watching.book import Book
from wfinspect.watching.comparison import MAX_NAME
from wfinspect.watching.days import day_of
from wfinspect.watching.records import is_id

DATES = 10
"""Business dates looked back on, which is a week of a workflow that rests at weekends."""
ENOUGH_RUNS = 7
"""Successful runs after which no older date is asked for."""
_KEPT_DATES = 16
_RUNS_A_DATE = 24
_FINAL_AFTER = timedelta(days=2)  # until then a date without runs may still get one
_CATCH_ALL = 1  # the workflow of all tasks that belong to none: told apart by name


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows of one instance's workflow."""

    book: Book
    binding: Binding
    instance: WorkflowInstance

    def known(self, now: float, at: datetime) -> tuple[tuple[Run, ...], Query | None]:
        """The runs that are known, newest date first, and what to ask for next.

        None means that nothing is to be asked for today: enough is known, or all there is.
        """
        days, found, missing = self._days(now), list[Run](), None
        for query in self._queries():
            runs = self._runs(days, query.biz_date, at)
            if runs is None:
                missing = missing or query
                continue
            found += runs
            if sum(run.seconds is not None for run in found) >= ENOUGH_RUNS:
                break
        return tuple(found), missing

    def _queries(self) -> Iterator[Query]:
        """What to ask for the dates before the instance's own, the latest first."""
        at = None if self.instance.biz_date is None else moment(self.instance.biz_date)
        if at is None or self.instance.project_id is None or self.instance.workflow_id is None:
            return
        # Days of a wall clock, since a change of the zone's offset makes one longer.
        local = at.astimezone(zone_of(self.binding.region))
        is_catch_all = self.instance.workflow_id == _CATCH_ALL
        for back in range(1, DATES + 1):
            yield Query(
                self.instance.project_id,
                round((local - timedelta(days=back)).timestamp() * 1000),
                name=self.instance.name if is_catch_all else "",
                type=self.instance.type,
                env_type=self.instance.env_type,
                workflow_id=self.instance.workflow_id,
            )

    def _runs(self, days: Mapping[str, Any], biz_date: int, at: datetime) -> tuple[Run, ...] | None:
        """The runs of a date; None where they have to be asked for."""
        known = days.get(str(biz_date))
        try:
            asked_on, rows = known or ("", ())
            if known is None or date.fromisoformat(asked_on) < day_of(self.binding, at):
                return None
            return tuple(_run(biz_date, *row) for row in rows)
        except (TypeError, ValueError):
            return None

    def learn(
        self, biz_date: int, found: Iterable[WorkflowInstance], now: float, at: datetime
    ) -> None:
        """Keep the runs of a date."""
        is_catch_all = self.instance.workflow_id == _CATCH_ALL
        runs = tuple(
            Run(each.id, biz_date, each.status, each.started_time, each.finished_time)
            for each in found
            # The service compares a part of the name only.
            if not is_catch_all or each.name == self.instance.name
        )[:_RUNS_A_DATE]
        began = moment(biz_date)
        is_old = began is not None and at - began > _FINAL_AFTER
        is_final = is_old and all(family_of(run.status).is_settled for run in runs)
        asked_on = date.max if is_final else day_of(self.binding, at)
        rows = [[r.id, r.status, r.started_time, r.finished_time] for r in runs]
        days = {**self._days(now), str(biz_date): [asked_on.isoformat(), rows]}
        latest = sorted(days, key=int)[-_KEPT_DATES:]
        self.book.remember(self._name, json.dumps({day: days[day] for day in latest}))

    @property
    def _name(self) -> str:
        one, whose = self.instance, self.binding
        parts = [whose.profile, whose.region, whose.endpoint, one.project_id, one.env_type]
        parts += [
            one.type,
            one.workflow_id,
            one.name[:MAX_NAME] if one.workflow_id == _CATCH_ALL else "",
        ]
        return f"runs {json.dumps(parts)}"

    def _days(self, now: float) -> Mapping[str, Any]:
        kept = self.book.recalled(self._name, now)
        return {day: kept[day] for day in kept if day.isascii() and day.isdecimal()}


def _run(biz_date: int, number: object, status: object, started: object, finished: object) -> Run:
    """A run as it is kept; a ValueError for what can't be one."""
    times = [at for at in (started, finished) if at is not None]
    if not (is_id(number) and isinstance(status, str) and all(map(is_id, times))):
        raise ValueError("no run")
    return Run(number, biz_date, status, started, finished)  # type: ignore[arg-type] # checked
