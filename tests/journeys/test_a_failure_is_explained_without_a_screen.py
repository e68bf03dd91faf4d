"""What failed, why, since when and compared with what: by commands alone, for scripts and narrow links."""

import csv
import json
import re

from journey import Home

from wfinspect.simulator import DEMO_IDS, FROZEN_ID, Simulator

FAILED, RUNNING = DEMO_IDS[:2]
RETRIED = 10433001250
LACKING = r"\w+ has no run 3: it has runs 1 to 2\.\nwfinspect:"
CAUSE = "FAILED: ODPS-0130071"


def test_the_tasks_of_a_failure_are_listed_with_what_needs_the_user_first(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FAILED, "Failure")

    done = home.run("tasks", FAILED)

    heading, first, second, *others = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert heading.split() == ["ID", "STATUS", "NAME", "TYPE", "STARTED", "UTC", "RAN", "RUN"]
    assert "join_region_dim" in first
    assert "clean_login_event" in second
    assert " Failure " in first
    assert not any("Failure" in line for line in others)

    rows = json.loads(home.run("tasks", FAILED, "-o", "json").stdout)
    assert [row["TaskName"] for row in rows][:2] == ["join_region_dim", "clean_login_event"]
    assert len(rows) == len(others) + 2
    of_failed = home.run("tasks", FAILED, "--status", "failure", "-o", "csv").stdout
    assert [row["TaskName"] for row in csv.DictReader(of_failed.splitlines())] == [
        "join_region_dim",
        "clean_login_event",
    ]
    of_both = home.run("tasks", FAILED, "--status", "failed,succ", "-o", "json").stdout
    assert json.loads(of_both) == [row for row in rows if row["Status"] in {"Failure", "Success"}]
    assert home.run("tasks", FAILED, "status=failed,succ", "-o", "json").stdout == of_both
    joins = home.run("tasks", FAILED, "status=failure", "!clean", "type=odps").stdout
    assert [line.split() for line in joins.splitlines()[1:]] == [first.split()]
    none = home.run("tasks", FAILED, "failure")
    assert (none.stdout, none.returncode) == ("", 0)
    assert "No task matches. " in none.stderr
    assert none.stderr.endswith("did you mean status=Failure?\n")


def test_the_log_of_a_failure_is_printed_whole_or_in_part(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")

    whole = home.run("logs", FAILED)

    assert whole.returncode == 0
    assert CAUSE in whole.stdout
    assert re.search(r"join_region_dim \(10432987165009\), run \d, Failure", whole.stderr)
    assert whole.stderr.endswith("; its times are of Asia/Shanghai, UTC+8.\n")
    assert simulator.calls.count("GetTaskInstanceLog") == 1
    found = home.run("logs", FAILED, "--grep", r"FAILED: ODPS-\d+|Cost time", "--tail", 2)
    assert [CAUSE in line for line in found.stdout.splitlines()] == [True, False]
    both = home.run("logs", FAILED, "--failed", "--grep", CAUSE)
    assert [line for line in both.stdout.splitlines() if line.startswith("==>")] == [
        "==> join_region_dim (10432987165009), run 2, Failure <==",
        "==> clean_login_event (10432987165007), run 1, Failure <==",
    ]
    assert both.stderr == "wfinspect: The times in these logs are of Asia/Shanghai, UTC+8.\n"
    nothing = home.run("logs", FAILED, "--grep", "nosuch")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert nothing.stderr.endswith("wfinspect: No line of it matches 'nosuch'.\n")
    assert CAUSE in home.run("logs", FAILED, "--grep", r"failed: \S+").stdout
    capital = home.run("logs", FAILED, "--grep", "Failed: ODPS")
    assert capital.stderr.endswith("matches 'Failed: ODPS': a capital letter makes case count.\n")
    later = home.run("logs", FAILED, "--task", "clean_login_event", "--run", 9)
    assert (later.returncode, later.stdout) == (5, "")
    assert later.stderr == "wfinspect: clean_login_event has no run 9: it has only run 1.\n"
    # The task is that of the log of the latest run.
    again = home.run("logs", FAILED, "--run", 1)
    assert "Log of join_region_dim (10432987165009), run 1, Failure;" in again.stderr
    assert "Failed in run 1 too: clean_login_event. --task NAME prints its log." in again.stderr
    assert CAUSE in again.stdout
    simulator.set_status(RETRIED, "Success")
    retried = home.run("logs", RETRIED, "--run", 1)
    assert "Log of join_profile_wide (10433001250022), run 1, Failure;" in retried.stderr
    assert "FAILED: " in retried.stdout
    simulator.set_status(RETRIED, "Running")
    # All were rerun; what was also retried has more runs than the others.
    before = simulator.calls.count("ListTaskInstances")
    unread = (
        "Earlier runs of 25 tasks were not read: some may have failed. "
        f"This reads further: wfinspect logs {RETRIED} TASK --run 1\n"
    )
    for number, state, said in (1, "Failure", unread), (3, "NotRun", ""):
        of = home.run("logs", RETRIED, "--run", number)
        assert (of.returncode, "were not read" in of.stderr, said in of.stderr) == (
            0,
            bool(said),
            True,
        )
        assert f"Log of join_profile_wide (10433001250022), run {number}, {state};" in of.stderr
    assert simulator.calls.count("ListTaskInstances") <= before + 2 + 3
    latest = rf"{LACKING} Log of join_profile_wide \(10433001250022\), run 3, NotRun;"
    # Which of its tasks runs depends on how long this took.
    assert re.search(latest, of.stderr)
    assert home.run("logs", RETRIED, "--run", 9).stderr.endswith("have at most 3 runs.\n")
    other = home.run("logs", FAILED, "--task", "10432987165007", "--run", 1)
    assert "Current node: clean_login_event" in other.stdout
    # What a message has is often a task's ID alone.
    before = simulator.calls.count()
    alone = home.run("logs", "--task", "10432987165007")
    assert alone.stdout == other.stdout
    of = f"clean_login_event (10432987165007), run 1, Failure, of instance {FAILED}; its times"
    assert f"Log of {of}" in alone.stderr
    assert simulator.calls.count() == before + 2
    assert "put the instance's ID before" in home.run("logs", "--task", "clean").stderr
    assert "ID or --task is missing" in home.run("logs", "--failed").stderr


def test_frozen_tasks_are_passed_over_and_named(home: Home) -> None:
    home.hurry()
    for option in ((), ("--failed",)):
        done = home.run("logs", FROZEN_ID, *option)

        assert done.returncode == 0
        assert "join_member_level" in done.stdout
        assert "Skipped, since it is frozen: clean_behavior_log." in done.stderr


def test_a_log_is_followed_until_its_run_is_over(home: Home, simulator: Simulator) -> None:
    simulator.set_status(RUNNING, "Running")
    patch = "from wfinspect.commands import tasks; tasks._period = lambda _: 0.3"
    with home.start("logs", RUNNING, "--follow", size=(160, 40), patch=patch) as follower:
        follower.wait_for(r"INFO M1_job_0: ")
        simulator.set_status(RUNNING, "Success")
        assert follower.wait_exit() == 0
        assert "Current task status: " in follower.text()
    # The log that names the end is reason enough to look: it is not read until it stands still.
    log, task = "GetTaskInstanceLog", "GetTaskInstance"
    actions = [call.action for call in simulator.calls.latest]
    assert actions[-4:] == [log, task, log, "GetWorkflowInstance"]


def test_a_log_that_is_followed_ends_with_its_run_though_a_newer_one_goes_on(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(RUNNING, "Running")
    patch = "from wfinspect.commands import tasks; tasks._period = lambda _: 1.5"
    with home.start("logs", RUNNING, "--follow", size=(160, 40), patch=patch) as follower:
        follower.wait_for(r"INFO M1_job_0: ")
        for status in ("Success", "Running"):
            simulator.set_status(RUNNING, status)
        assert follower.wait_exit() == 0
        assert re.search(r"Run 1 of \w+ is over: run 2 has begun\. ", follower.text())
        assert "run number 2" not in follower.text()


def test_the_list_is_edited_and_moved_without_a_screen(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    assert home.run("list").stdout == ""
    assert home.run("list", "-o", "json").stdout == "[]\n"

    added = home.run("list", "add", FAILED, RUNNING)
    assert (added.returncode, added.stdout) == (0, "")
    assert "2 added" in added.stderr
    assert "already" in home.run("list", "add", FAILED).stderr
    with home.start(size=(100, 30)) as app:
        app.wait_for("✖ Failure")
        app.quit()

    listed = json.loads(home.run("list", "--json").stdout)
    assert (listed[0]["id"], listed[0]["status"]) == (FAILED, "Failure")
    exported = home.write("list.json", home.run("list", "export").stdout)
    as_table = home.write("list.csv", home.run("list", "export", "-o", "csv").stdout)
    assert home.run("list", "remove", FAILED, RUNNING).returncode == 0
    assert home.run("list", "remove", FAILED).returncode == 5
    for file in (exported, as_table):
        assert home.run("list", "import", file).returncode == 0
        again = json.loads(home.run("list", "--json").stdout)
        assert [(row["id"], row["endpoint"]) for row in again] == [
            (row["id"], row["endpoint"]) for row in listed
        ]
        home.run("list", "remove", FAILED, RUNNING)


def test_what_changed_is_kept_and_printed(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Running")
    with home.start(FAILED, size=(100, 30)) as app:
        app.wait_for("▸ Running")
        simulator.set_status(FAILED, "Failure")
        app.wait_for("✖ Failure")
        app.quit()

    done = home.run("history", FAILED)

    assert re.fullmatch(
        r"WHEN UTC +ID +CHANGE +NAME\n"
        rf"[-\d]+ [:\d]+  {FAILED}  Running -> Failure  ads_user_profile_daily\n",
        done.stdout,
    )
    [row] = json.loads(home.run("history", "since=1h", "--json").stdout)
    assert home.run("history", "--since", "0.001s", "--json").stdout == "[]\n"
    assert (row["id"], row["from"], row["to"], row["final"]) == (FAILED, "Running", "Failure", True)


def test_a_failure_is_compared_with_the_last_success(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")

    done = home.run("compare", FAILED)

    assert done.returncode == 0
    assert re.search(r"failed after \w+, usually \w+ to \w+", done.stdout)
    tasks = done.stdout.partition("TASKS")[2]
    of_failed = r"clean_login_event +Failure \w+ +Success \w+ +-\n"
    assert re.match(rf" 12 +{FAILED} +\d+ +RAN\n *{of_failed}", tasks)
    changes = re.findall(r" Success \w+ +Success \w+ +(\w+ (?:more|less)|-)\n", tasks)
    assert len(changes) > 1
    assert re.search(
        rf"\nDIFFERS IN EVERY RUN \d+ +{FAILED} +\d+\n(.*\n)* *Business date  +2", done.stdout
    )
    rows = json.loads(home.run("compare", FAILED, "--json").stdout)
    got = home.run("get", FAILED, "--json").stdout
    assert {row["differs"] for row in rows} == {"yes", "in every run", "no"}
    assert rows[0]["part"] == "field"
    of_field = {row["name"]: row for row in rows if row["part"] == "field"}
    assert {"BizDate", "Status", "Id"} <= of_field.keys() <= {*json.loads(got), "Tags"}
    for place in ("first", "second"):
        assert re.fullmatch(r"[-\d]{10}T[:\d]{8}Z", of_field["StartedTime"][place])
    assert all(row["first_id"] and row["second_id"] for row in rows if row["part"] == "task")
    with home.start("compare", FAILED, size=(60, 70)) as narrow:
        assert narrow.wait_exit() == 0
        assert not re.search(r" RAN|more|less", narrow.text())
    with home.start(FAILED, size=(80, 50)) as app:
        app.wait_for("Failure")
        app.press("c")
        view = app.wait_for("DIFFERS")
        assert all(f" {change}" in view for change in changes)
        app.quit()


def test_of_a_run_that_has_not_begun_only_settings_are_compared(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "WaitTime")

    said = home.run("compare", FAILED).stdout

    lines = said.splitlines()
    assert lines[1].startswith("This run: not started, usually ")
    assert lines[3:5] == ["TASKS 12: none has begun", ""]
    assert lines[5].startswith("DIFFERS 1 ")
    assert "NotRun" not in said
    rows = json.loads(home.run("compare", FAILED, "--json").stdout)
    assert sum(row["part"] == "task" for row in rows) == 12
    with home.start(FAILED) as app:
        app.wait_for("WaitTime")
        app.press("c")
        app.wait_for(r"TASKS 12\s+None has begun.\s+DIFFERS 0[\s\S]*\$bizdate")
        app.quit()
