import json
import re

from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.fleet import milliseconds

RERUN, RUNNING = DEMO_IDS[:2]
TASKS = "ListTaskInstances"
CONFIG = '[notify]\nosc = "9"\n'


def test_a_rerun_that_fails_too_rings_again_also_where_it_was_never_seen_running(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(RERUN, "Failure")
    # What is over is read rarely, but with those of its group that run.
    simulator.set_status(RUNNING, "Running")
    with home.start(RERUN, RUNNING, config=CONFIG) as app:
        app.wait_for("✖ .* Failure")
        simulator.set_status(RERUN, "Running")
        app.wait_for("was Failure")
        assert app.bells == 0
        assert "\nIt failed, and was rerun at " in home.run("report", RERUN).stdout
        simulator.set_status(RERUN, "Failure")
        app.wait_for_bell(1)
        # Between two readings: what differs is when it began.
        now = milliseconds(SystemClock().now())
        times = dict.fromkeys(("StartedTime", "FinishedTime", "ModifyTime"), now)
        simulator.population.set_fields(RERUN, times)
        app.wait_for_bell(2)
        app.wait_for_announcement(rf"{RERUN}.* Failure again")
        app.wait_for("✖ .* Failure .*again")
        # In its history as well; that of a row without changes is not the log of all.
        app.press("g", "h")
        app.wait_for(r"rerun[\s\S]*Running -> Failure\b[\s\S]* after \d+")
        app.press("escape", "G", "h")
        app.wait_for("No change was seen yet. L shows")
        app.quit()


def test_what_failed_before_a_rerun_is_still_named(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(RERUN, "Failure")
    with home.start(RERUN) as app:
        app.wait_for("✖ .* Failure")
        app.press("enter")
        app.wait_for("join_region_dim")
        simulator.set_status(RERUN, "Running")
        # What is over is read rarely.
        app.press("r")
        app.wait_for(
            r"Failed before the rerun: join_region_dim\b[\s\S]*\(run 2\), clean_login_event"
        )
        app.press("t")
        app.wait_for(
            r"tasks as of [^\n]*\n"
            r" Failed before the rerun: join_region_dim \(run 2\), clean_login_event \(run 1\)\."
        )
        app.press("escape")
        app.wait_for("WATCHED")
        app.press("l")
        # Of a task that runs now.
        app.wait_for(r"log of \d+[\s\S]*Failed before the rerun: join_region_dim \(run 2\), clean_")
        app.quit()


def test_what_failed_before_a_rerun_is_named_where_it_was_never_on_display(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    for each in (RUNNING, RERUN):
        simulator.set_status(each, "Running")
    named = r"Failed before the rerun: join_region_dim\b[\s\S]*\(run 2\), clean_login_event"
    with home.start(RUNNING, RERUN, size=(80, 24)) as app:
        app.wait_for(rf"{RUNNING}  Running[\s\S]*{RERUN}  Running")
        app.wait_until(lambda: simulator.calls.count(TASKS) == 1, "those of the row on display")
        simulator.set_status(RERUN, "Failure")
        app.wait_for_bell(1)
        app.wait_until(lambda: simulator.calls.count(TASKS) == 1 + 1, "those that failed")
        app.wait_for("1 unseen")
        simulator.set_status(RERUN, "Running")
        app.wait_for("was Failure")
        app.press("n", "enter")
        app.wait_for(named)
        app.press("t")
        app.wait_for(rf"tasks as of [^\n]*\n {named}")
        app.press("escape")
        app.wait_for("WATCHED")
        app.press("h")
        app.wait_for(r"Running -> Failure +\n.* join_region_dim, clean_login_event")
        app.press("L")
        app.wait_for(r"Failure: join_region_dim and 1 more +\n")
        app.press("escape")
        app.quit()
    # It is recorded: for commands, and after a restart.
    calls = simulator.calls.count(TASKS)
    said = home.run("tasks", RERUN).stderr
    assert "Failed before the rerun: join_region_dim (run 2), clean_login_event (run 1)." in said
    assert "were not read" not in said
    assert simulator.calls.count(TASKS) == calls + 1
    calls = simulator.calls.count(TASKS)
    report = home.run("report", RERUN).stdout
    assert "Failed before the rerun: join_region_dim (run 2)" in report
    of_report = simulator.calls.count(TASKS) - calls
    table = home.run("history", RERUN).stdout
    assert "Running -> Failure: join_region_dim, clean_login_event  " in table
    assert [line for line in table.splitlines() if "join_" in line and "Failure ->" in line] == []
    rerun, failure = json.loads(home.run("history", RERUN, "-o", "json").stdout)
    assert rerun["failed"] == []
    assert [(each["name"], each["run_number"]) for each in failure["failed"]] == [
        ("join_region_dim", 2),
        ("clean_login_event", 1),
    ]
    assert ";clean_login_event" in home.run("history", RERUN, "-o", "csv").stdout
    with home.start(RERUN) as app:
        app.wait_for(named)
        app.quit()
    # Also of an instance that is no longer listed: no earlier runs are read for it.
    assert home.run("list", "remove", RERUN).returncode == 0
    calls = simulator.calls.count(TASKS)
    report = home.run("report", RERUN).stdout
    assert "Failed before the rerun: join_region_dim (run 2)" in report
    assert simulator.calls.count(TASKS) - calls == of_report


def test_the_commands_name_what_failed_before_a_rerun(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(RERUN, "Failure")
    assert "before the rerun" not in home.run("logs", RERUN, "--failed").stderr
    simulator.set_status(RERUN, "Running")
    log = f"wfinspect logs {RERUN} join_region_dim --run 2"
    before = "Failed before the rerun: join_region_dim (run 2)"
    unread = "Earlier runs of 9 tasks were not read: some may have failed."
    further = f"This reads further: wfinspect logs {RERUN} --failed"
    calls = simulator.calls.count()
    for words in ((RERUN,), (RERUN, "--failed"), (RERUN, "join_region_dim")):
        done = home.run("logs", *words)
        assert done.returncode == 0
        assert (before in done.stderr, log in done.stderr) == (True, True)
        if "--failed" in words:  # Who asks for what failed pays a call for each task.
            assert done.stdout == ""
            assert "clean_login_event (run 1)" in done.stderr
            assert "were not read" not in done.stderr
    assert simulator.calls.count() <= calls + 3 * (2 + 1 + 3) + 9
    assert "FAILED: " in home.run(*log.split()[1:]).stdout
    table = home.run("tasks", RERUN)
    assert table.stderr.splitlines() == [
        f"wfinspect: {before}. This prints its log: {log}",
        f"wfinspect: {unread} {further}",
    ]
    assert "rerun" not in table.stdout
    assert home.run("tasks", RERUN, "-o", "json").stderr == ""
    # As in the app, and the report has what is to be copied.
    report = home.run("report", RERUN, "-o", "markdown").stdout
    assert f"{before}.\n" in report
    assert f"```text\n{log}\n```" in report


def test_a_run_in_which_a_task_had_not_begun_has_no_log(home: Home, simulator: Simulator) -> None:
    for status in ("Failure", "Running"):
        simulator.set_status(RERUN, status)
    said = "No log: the task had not begun in run 1, or wrote none."
    done = home.run("logs", RERUN, "--task", "publish_result", "--run", "1")
    assert (done.returncode, done.stdout) == (0, "")
    assert said in done.stderr

    with home.start(RERUN) as app:
        app.wait_for("▸ Running")
        app.press("t")
        app.wait_for("publish_result")
        app.press("G", "l")
        app.wait_for(r"publish_result[\s\S]*This run has written no log\.[\s\S]*run 2 of 2")
        app.press("<")
        app.wait_for(rf"earlier run[\s\S]*{re.escape(said)}[\s\S]*run 1 of 2")
        app.press("<")
        app.wait_for("There is no earlier run")
        app.quit()
