from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED, _, _, RERUN = DEMO_IDS
ACTION = "ListTaskInstanceOperationLogs"


def test_a_task_that_was_rerun_says_by_whom_and_when(home: Home, simulator: Simulator) -> None:
    with home.start(RERUN, size=(120, 36)) as app:
        app.wait_for("✔ Success")
        app.press("t")
        app.wait_for(r"\d+/\d+ done")
        app.press("/")
        app.wait_for("Filter ")
        app.press(*"build_login", "enter")
        app.wait_for("Enter detail")
        app.press("enter")
        app.wait_for(r"BY HAND 1 +Only \d{4}-\d\d-\d\d \(Asia/Shanghai\) was read\.")
        app.wait_for(r"\d\d:\d\d:\d\d +Rerun +by 2069113357720448")
        assert simulator.calls.count(ACTION) == 1
        app.press("escape")
        app.wait_for("Enter detail")
        app.press("enter")
        app.wait_for(r"Rerun +by 2069113357720448")
        app.quit()
    # What is over is requested once.
    assert simulator.calls.count(ACTION) == 1


def test_the_history_of_a_failure_says_who_touched_its_tasks_at_a_cost_that_is_shown(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED, size=(120, 48)) as app:
        app.wait_for("2 failed")
        app.press("h")
        app.wait_for(r"o +reads who acted on 2 of its tasks, at 2 calls: not read yet")
        assert simulator.calls.count(ACTION) == 0
        app.press("o")
        app.wait_for(r"BY HAND 1 [\s\S]*Only [\s\S]*:\d\d +Rerun +by \d+ +join_region_dim")
        assert simulator.calls.count(ACTION) == 2
        app.quit()
    simulator.faults.add("slow", action="ListTaskInstances", seconds=2.0, times=1)
    with home.start(FAILED, size=(120, 48)) as app:
        app.wait_for("Failure  ads_")
        app.press("o")
        app.wait_for("Reading its tasks first, any key stops that.")
        # Up to three calls are made at the first press once they are known.
        app.wait_for(r"BY HAND 1[\s\S]*Only [\s\S]*:\d\d +Rerun +by \d+ +join_region_dim")
        app.quit()
