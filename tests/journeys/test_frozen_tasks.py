import re

from journey import Home

from wfinspect.simulator import FROZEN_ID, Simulator

FROZEN, DRY_RUN, FAILED = "clean_behavior_log", "build_pay_bill", "join_member_level"


def test_frozen_tasks_and_dry_runs_are_told_from_failures_and_successes_at_no_call_more(
    home: Home, simulator: Simulator
) -> None:
    with home.start(size=(140, 48)) as app:
        app.wait_for("ready|type or paste")
        app.press(*str(FROZEN_ID), "enter")
        app.wait_for("11/18 done, 1 failed, 1 frozen, 1 dry run")
        screen = app.wait_for(rf"◌ {FROZEN} +frozen")
        assert re.search(rf"✖ {FAILED} +Failure", screen)
        calls = simulator.calls.count("ListTaskInstances")
        assert calls == 1

        app.press("t")
        screen = app.wait_for(rf"✔ {DRY_RUN} +dry run")
        assert re.search(rf"◌ {FROZEN} +frozen", screen)
        app.press("s")
        app.wait_for("1 of 18 +/status=Failure")
        app.press("s")
        app.wait_for(rf"1 of 18 +/status=frozen .*\n.*TASK .*\s+◌ {FROZEN} +frozen")
        app.press("enter")
        app.wait_for("Scheduler Pause, frozen: the schedule sets it to failed")
        app.press("escape")
        app.wait_for("1 of 18 +/status=frozen")
        app.press("escape")
        app.wait_for("TASK +STATUS")
        app.press("escape")
        app.wait_for("WATCHED")

        app.press("l")
        app.wait_for(f"✖ Failure +ods_pay_bill_di / {FAILED}")
        app.wait_for(f"Skipped, since it is frozen: {FROZEN}")
        assert simulator.calls.count("ListTaskInstances") == calls
        app.quit()
