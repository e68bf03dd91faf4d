"""A followed run that will miss its deadline, and one that does not begin, are said before anyone looks."""

import json
import re
from collections.abc import Iterator

import pytest
from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

RUNNING, WAITING = DEMO_IDS[1], DEMO_IDS[0]
BEFORE_WAITING = 10431554021
"""The run of the date before."""
HOUR = 3_600_000
DAY = 24 * HOUR
CONFIG = '[notify]\nrule = "late"\nosc = "9"\n'
SOON = (
    "import wfinspect.watching.follows as f, wfinspect.watching.limits as l, wfinspect.watching.lookups as k;"
    "f.EXPECTED_SECONDS = 1.0; l.RateLimiter.ready_at = lambda self, at: at; k._POLLS_TURN_SECONDS = 0.0"
)
"""Looks each second, and other calls as fast as they are answered."""


def runs_of(simulator: Simulator, workflow: object) -> Iterator[tuple[int, int]]:
    """ID and business date of each run of a workflow in production."""
    for number in simulator.population.fleet.all_ids:
        record = simulator.population.record(number, SystemClock().now())
        if record and (record["WorkflowId"], record["EnvType"]) == (workflow, "Prod"):
            yield number, int(str(record["BizDate"]))


def follow(home: Home, simulator: Simulator, number: int, by: str) -> object:
    record = simulator.population.record(number, SystemClock().now())
    assert record is not None
    words = ("--project", record["ProjectId"], "--workflow", record["WorkflowId"], "--env", "Prod")
    assert home.run("follow", *words, "--by", by).returncode == 0
    return record["WorkflowId"]


@pytest.mark.parametrize("is_listed", [False, True])
def test_a_run_that_will_be_late_is_at_risk_before_its_deadline(
    home: Home,
    simulator: Simulator,
    is_listed: bool,
) -> None:
    home.hurry()
    if is_listed:
        # By hand, before its workflow is followed.
        assert home.run("list", "add", RUNNING).returncode == 0
    workflow = follow(home, simulator, RUNNING, "07:00")
    for number, biz_date in runs_of(simulator, workflow):
        took = {"StartedTime": biz_date + DAY, "FinishedTime": biz_date + 5 * DAY}
        if number == RUNNING:
            # Of today's business date: it is due tomorrow, whatever the time is now.
            simulator.set_status(RUNNING, "Running")
            took = {"BizDate": biz_date + DAY}
        simulator.population.set_fields(number, took)
    with home.start(config=CONFIG, patch=SOON) as app:
        app.wait_for(f"{RUNNING}  Running")
        app.press("enter")
        # The terminal has UTC: 07:00 is of another zone than the times beside it.
        app.wait_for(r"at risk: expected \d\d:\d\d, due 07:00 UTC\+8")
        app.wait_for_announcement(
            r"1 late: dwd_trade_order_di .* at risk: expected .* due 07:00 UTC\+8"
        )
        assert app.bells == 1
        app.quit()
    for command in ("status", "list"):
        [row] = json.loads(home.run(command, "-o", "json").stdout)
        assert re.fullmatch(r"at risk: expected [\d:]+, due 07:00 UTC\+8", row["late"])
        assert row["due_at"].endswith("T23:00:00Z")
        assert row["follow"] == 1
        # "at risk: expected 07..." reads as another time.
        for columns in (50, 80, 160):
            with home.start(command, size=(columns, 24)) as table:
                table.wait_exit()
                assert re.search(
                    rf"^> +{RUNNING} .*  at risk((: .* due| for) 07:00 UTC\+8)?( |$)",
                    table.text(),
                    re.MULTILINE,
                )
    # An import must not have a row leave by itself that was added by hand.
    exported = json.loads(home.run("list", "export").stdout)
    assert exported[0]["follow"] == (None if is_listed else 1)


def test_a_run_that_does_not_begin_is_reported_as_missing_once(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    workflow = follow(home, simulator, WAITING, "23:59")
    for number, biz_date in runs_of(simulator, workflow):
        began = {"StartedTime": biz_date + 2 * HOUR, "FinishedTime": biz_date + 3 * HOUR}
        simulator.population.set_fields(number, began)
    simulator.population.vanish(WAITING)
    assert home.run("list", "add", BEFORE_WAITING).returncode == 0
    with home.start(config=CONFIG, patch=SOON) as app:
        app.wait_for_announcement(
            "ads_user_profile_daily is missing: its run of .* has not begun, and usually has by 02:10 UTC\\+8"
        )
        looks = len(simulator.calls.latest)
        app.wait_until(lambda: len(simulator.calls.latest) >= looks + 3, "more looks")
        assert app.bells == 1
        app.quit()
