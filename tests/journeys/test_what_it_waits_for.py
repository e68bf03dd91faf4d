"""Why a run has not begun, and what does not begin because of one, across workflows and workspaces."""

import json
import re

from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED = DEMO_IDS[0]
WAITING = 10433010001
"""An instance that has not begun, and the task that stands for it."""
CULPRIT = 10432991041
"""The failed instance that it waits for, of another workspace."""
UP = "ListUpstreamTaskInstances"


def test_a_key_shows_the_failed_task_of_another_workspace_that_holds_up_a_run(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    with home.start(WAITING) as app:
        app.wait_for("U waits for")
        before = simulator.calls.count("ListTaskInstances")
        app.press("U")
        # All tasks are listed, then one after the other is looked at, as by the command.
        blocked = r"It waits for at least 1 failed task, 1 running task, with 2 in between\s+not"
        app.wait_for(blocked)
        app.wait_for(r"4 calls, starting from its 28 tasks")
        assert simulator.calls.count(UP) == 3
        # It is shown to the same point.
        app.press("escape", "U")
        app.wait_until(lambda: simulator.calls.count(UP) == 6, "the same calls")
        app.wait_for(blocked)
        app.wait_for(r"✖ +join_region_dim +Failure .* ads_ctr_report_daily +90211")
        # That no more has to be read is said as the command says it.
        app.wait_for(r"Its blockers were found, so 27 tasks were not looked at: F looks further")
        app.wait_for(r"10432991041009, owner \d{16}")
        app.press("w")
        app.wait_for(f"Added .*{CULPRIT} to the list")
        # The task, as in the tasks of one instance, and its log.
        app.press("enter")
        app.wait_for(r"✖ Failure +ads_ctr_report_daily / join_region_dim +10432991041009 +task,")
        app.press("l")
        app.wait_for(r"ads_ctr_report_daily / join_region_dim +log of 10432991041009")
        app.press("escape", "escape", "o")
        app.wait_for(rf"✖ Failure +ads_ctr_report_daily[\s\S]* {CULPRIT} ")
        # Esc leads back, one step each, to where everything is as it was.
        app.press("escape")
        app.wait_for(r"10432991041009, owner \d{16}")
        app.press("escape")
        app.wait_for(r"◌ NotRun[\s\S]* 10433010001[\s\S]* U waits for")
        app.quit()
    assert simulator.calls.count(UP) == 6
    # One of them is for the watched run that failed.
    assert simulator.calls.count("ListTaskInstances") <= before + 4


def test_what_a_failure_holds_up_is_shown_beside_it(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED, size=(110, 30)) as app:
        app.wait_for("U holds up")
        app.press("U")
        app.wait_for(r"Failure +ads_user_profile_daily +10432987165 +what it holds up")
        # Ten calls are made at most; one key goes on to the end.
        app.wait_for("10 calls, starting from its 12 tasks")
        app.press("F")
        app.wait_for(
            r"It holds up \d+ tasks? of 1 workflow,\s+ads_营收看板_daily,\s+in workspace 90211,\s+owned by 2069113"
        )
        assert "looks further" not in app.text()
        app.wait_for(r"◌ check_source_ready +NotRun +ads_营收看板_daily")
        app.press("d")
        # What failed explains itself; the one task that is left is looked at, too.
        app.wait_for(r"Of its own tasks, 2 failed\.\s+1 call, starting")
        app.quit()
    assert simulator.calls.count(UP) == 1


def test_the_commands_print_it_and_say_what_it_cost(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")

    up = home.run("upstream", "--task", WAITING * 1000 + 1)

    assert up.returncode == 0
    heading, culprit, running, *between = up.stdout.splitlines()
    assert heading.split()[:4] == ["TASK", "STATUS", "SINCE", "UTC"]
    assert all(word in culprit for word in ("Failure", "ads_ctr_report_daily", "90211"))
    assert " Running " in running
    assert len(between) == 2
    said = (
        "check_source_ready waits for 1 failed task, 1 running task, with 2 in between not begun."
    )
    assert up.stderr == f"wfinspect: {said}\nwfinspect: 4 calls.\n"
    assert simulator.calls.count() == 4

    down = home.run("downstream", FAILED, "--calls", 5, "-o", "json")

    assert down.returncode == 0
    first, *_ = json.loads(down.stdout)
    assert (first["name"], first["status"], first["level"]) == ("check_source_ready", "NotRun", 1)
    assert first["workspace"] == 90211
    assert re.search(
        r"holds up at least \d tasks? of 1 workflow, \S+, in workspace 90211", down.stderr
    )
    assert "5 calls, starting from its 12 tasks. " in down.stderr
    assert re.search(
        r"not looked at: --calls \d+ looks further, --calls all to the end\.", down.stderr
    )
    assert simulator.calls.count() == 9
    said = home.run("upstream", WAITING).stderr
    assert re.search(
        r"Its blockers were found, so \d+ tasks were not looked at: --calls \d+ looks further, ",
        said,
    )


def test_a_narrow_terminal_shows_whole_names_and_says_who_owns_what_blocks(home: Home) -> None:
    home.hurry()
    with home.start("upstream", WAITING, size=(80, 24)) as up:
        assert up.wait_exit() == 0
        table, _, said = up.text().partition("Owner")
        assert re.search(r"Failure +join_region_dim +ads_", table)
        assert "OWNER" not in table
        assert re.match(r"s?: \d{16} of join_region_dim[,.;]", said)
    with home.start("upstream", WAITING, size=(160, 48)) as wide:
        assert wide.wait_exit() == 0
        assert re.search(r"WORKSPACE +OWNER", wide.text())
        assert "Owner" not in wide.text()


def test_a_task_is_named_as_for_its_log(home: Home, simulator: Simulator) -> None:
    simulator.set_status(FAILED, "Failure")
    by_id = home.run("upstream", "--task", WAITING * 1000 + 1)
    for task in ("check_source_ready", WAITING * 1000 + 1):
        simulator.calls.clear()
        named = home.run("upstream", WAITING, "--task", task)
        assert (named.returncode, named.stdout) == (0, by_id.stdout)
        assert named.stderr == by_id.stderr.replace(": 4 calls", ": 5 calls")
        assert simulator.calls.count() == 5
    for command in ("upstream", "logs"):
        unknown = home.run(command, WAITING, "--task", "nope")
        assert (unknown.returncode, unknown.stdout) == (5, "")
        assert f"{WAITING} has no task nope: `wfinspect tasks {WAITING}` lists" in unknown.stderr
    alone = home.run("upstream", "--task", "check_source_ready")
    assert (alone.returncode, alone.stdout) == (2, "")
    assert "put the instance's ID before the name of a task" in alone.stderr


def test_the_workflow_that_a_failure_holds_up_is_found_within_the_calls_of_the_command(
    home: Home,
) -> None:
    home.hurry()

    few = home.run("downstream", CULPRIT, "--calls", 2)
    down = home.run("downstream", CULPRIT)
    report = home.run("report", CULPRIT).stdout

    assert "What waits for ads_ctr_report_daily is not known yet." in few.stderr
    assert f"{WAITING}001" in down.stdout
    with home.start("downstream", CULPRIT, "--calls", "all", size=(110, 60)) as every:
        assert every.wait_exit() == 0
        said = " ".join(every.text().split())
        assert said.startswith("wfinspect: Still reading, 2 calls a second.")
        assert re.search(r"holds up \d+ tasks of \d workflows?,? .* calls, starting from its", said)
        assert "not looked at" not in said
    assert re.search(
        r"ads_ctr_report_daily holds up at least \d+ tasks? of 1 workflow, \S+, in workspace ",
        down.stderr,
    )
    assert f"| {WAITING} |" in report
    assert re.search(rf"not looked at\. wfinspect downstream {CULPRIT} looks further\.", report)


def test_a_run_of_the_list_that_is_late_is_so_where_others_wait_for_it(home: Home) -> None:
    home.run("list", "add", DEMO_IDS[1])
    late = "from wfinspect.watching.api import Row; Row.is_late = property(lambda _: True)"
    with home.start("upstream", WAITING, size=(120, 24), patch=late) as up:
        assert up.wait_exit() == 0
        assert re.search(rf"Running late .* {DEMO_IDS[1]} ", up.text())
        assert "waits for at least 1 failed task, 1 late running task, " in up.text()


def test_a_store_that_cannot_be_read_costs_nothing_of_what_was_found(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    (home.path / "file").touch()

    done = home.run("downstream", FAILED, "--state-dir", home.path / "file")

    assert done.returncode == 0
    assert "check_source_ready" in done.stdout
    assert "can't be used (File exists)" in done.stderr


def test_what_waits_for_its_own_time_or_is_over_is_said_in_a_sentence(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "WaitTime")

    with home.start(FAILED) as app:
        app.wait_for("WaitTime")
        app.press("U")
        text = app.wait_for(r"It has been waiting for its own time since \d\d:\d\d UTC\.")
        assert "starting from" not in text
        assert " TASK " not in text
        app.quit()

    up = home.run("upstream", FAILED, "-o", "json")
    said = re.fullmatch(r"wfinspect: \S+ (.*) since \d\d:\d\d UTC\.\nwfinspect: (.*)\n", up.stderr)
    assert said
    assert said.groups() == ("has been waiting for its own time", "1 call.")
    assert (up.returncode, json.loads(up.stdout)) == (0, [])
    simulator.set_status(FAILED, "Success")
    assert " is over: it waits for nothing.\n" in home.run("upstream", FAILED).stderr
