import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

FAILED, GOES_ON = DEMO_IDS[:2]


def test_the_tasks_and_the_log_of_a_failure_are_a_key_away(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED, size=(120, 36)) as app:
        app.wait_for("✖ Failure")
        app.wait_for(r"2 failed")
        app.press("t")
        # What needs a person comes first.
        app.wait_for(r"9/12 done, 2 failed[\s\S]*✖ join_region_dim .*\n.*✖ clean_login_event ")
        app.wait_for(r"▬▬ slowest chain [0-9hms]+ +▭▭ others *\n +TASK .*\|\d\d:\d\d +\d\d:\d\d\|")
        app.press("/")
        app.wait_for("Filter ")
        app.press(*"join")
        app.wait_for(r"2 of 12 +/join[\s\S]*✖ join_region_dim .*\n.*✔ join_member_level ")
        app.press("escape")
        app.wait_gone("Filter ")
        app.press("escape")
        app.wait_for("WATCHED")
        app.press("l")
        app.wait_for("ads_user_profile_daily / join_region_dim +log of 10432987165009")
        app.wait_for("failed log 1 of 2, o next")
        app.press("o")
        app.wait_for("ads_user_profile_daily / clean_login_event")
        app.wait_for(r"line \d+ of \d+ .*failed log 2 of 2, o next")
        app.press("o")
        app.wait_for(r"log of 10432987165009[\s\S]*LOOKS LIKE THE ERROR *\n FAILED: ODPS-0130071")
        app.wait_for("times: Asia/Shanghai, UTC[+]8  elsewhere UTC ")
        app.press("/")
        app.wait_for("Search log")
        app.press(*"exitcode")
        app.wait_for(r"Search log  exitcode *\n.* 1 of 1 lines with exitcode")
        app.press("escape")
        app.wait_gone("Search log")
        app.press("escape")
        app.wait_for("WATCHED")
        app.quit()
    assert simulator.calls.count("GetTaskInstanceLog") == 2


def test_the_id_of_a_task_leads_to_its_run_though_no_view_has_shown_it(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(GOES_ON) as app:
        app.wait_for("WATCHED 1")
        app.press(*f"{FAILED}009", "enter")
        app.wait_for(f"{FAILED}009 is its task join_region_dim: t shows it")
        app.wait_for(rf"ads_user_profile_daily[\s\S]*{FAILED}\b(?!009)")
        app.press("w")
        app.wait_for("WATCHED 2")
        # No row is left of what was typed, nor of an ID that is of nothing.
        app.press(*"99999999999999", "enter")
        app.wait_for("The service has no workflow instance")
        app.press("escape")
        app.wait_for("Esc close it")
        app.press("escape")
        app.wait_gone("99999999999999")
        app.quit()
    assert simulator.calls.count("GetTaskInstance") == 2


def test_what_failed_comes_first_and_in_red_beside_the_last_success(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED) as app:
        app.wait_for("✖ Failure")
        app.press("c")
        app.wait_for(r"TASKS +reading the (\d+ )?tasks of")
        text = app.wait_for(r"TASKS 12 *\n .*✖ .*m\d\ds  Failure .*\n .*✖ .*m\d\ds  Failure ")
        row = text[: text.index("✖ ", text.index("TASKS"))].count("\n")
        red = app.cell(25, row).fg
        assert red != app.cell(25, row + 3).fg
        assert {app.cell(column, row).fg for column in (1, 27)} == {red}
        app.quit()


BY_THE_HOUR = tuple(10_500_000_000 + 10 * n for n in range(1, 5))


def test_the_last_success_may_be_of_the_same_business_date(tmp_path: Path) -> None:
    clock = SystemClock()
    with Simulator(clock=clock, epoch=clock.now() - timedelta(minutes=25)) as service:
        home = Home(tmp_path / "home", service.environment())
        home.hurry()
        date = service.population.record(BY_THE_HOUR[0], clock.now())["BizDate"]
        for number, status in zip(
            BY_THE_HOUR, ("Success", "Failure", "Failure", "Success"), strict=True
        ):
            service.population.set_fields(number, {"BizDate": date})
            service.set_status(number, status)
        success, before, failed, later = map(str, BY_THE_HOUR)

        compared = home.run("compare", failed)
        assert f", {failed} beside {success}, the last success before it\n" in compared.stdout
        report = home.run("report", failed).stdout
        assert f"The last success before it is {success}, of business date" in report
        [done] = json.loads(home.run("report", failed, "--json").stdout)
        assert done["compared"]["id"] == int(success)
        with home.start(failed, size=(100, 30)) as app:
            app.wait_for("✖ Failure")
            app.press("c")
            app.wait_for(rf"{failed} +compared with the last success before it")
            app.wait_for(rf"ID +{failed} +{success}")
            app.press(">")
            app.wait_for(rf"compared with its run of [-\d]+ [\s\S]*ID +{failed} +{before}")
            app.press(">")
            app.wait_for(rf"ID +{failed} +{later}")
            app.press("o", *success)
            app.wait_for(rf"Success .*{success}")
            app.press("enter")
            app.wait_for(rf"compared with the last success before it[\s\S]*ID +{failed} +{success}")
            app.quit()


def test_a_failure_is_seen_in_the_view_of_its_tasks_with_no_key_pressed(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Running")
    with home.start(FAILED) as app:
        app.wait_for("▸ Running")
        app.press("t")
        app.wait_for(r"▸ Running  ads_user_profile_daily .*tasks as of[\s\S]*1 running")
        simulator.set_status(FAILED, "Failure")
        app.wait_for_bell()
        app.wait_for(r"✖ Failure  ads_user_profile_daily .*tasks as of[\s\S]*2 failed")
        app.quit()


@pytest.mark.parametrize(
    "size",
    [
        (80, 24),
        pytest.param((60, 20), marks=pytest.mark.battery),
        pytest.param((110, 30), marks=pytest.mark.battery),
        (160, 48),
    ],
)
def test_tasks_are_announced_before_they_are_read_and_push_nothing_aside(
    home: Home, simulator: Simulator, size: tuple[int, int]
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    simulator.set_status(GOES_ON, "Running")
    simulator.faults.add("slow", action="ListTaskInstances", seconds=1.5)

    def places() -> list[int]:
        lines = app.text().splitlines()
        return [n for n, each in enumerate(lines) if re.search("TASKS|Started  |TIMES", each)]

    with home.start(FAILED, GOES_ON, size=size) as app:
        app.wait_for("✖ 1")
        app.press("s", "s", "s", "s", "g", "enter")
        app.wait_for(r"TASKS reading\.\.\.")
        before = places()
        app.wait_for(r"9/12 done, 2 failed[\s\S]*TASKS 12 *\n[\s\S]*and 6 more")
        assert places() == before
        # How long it runs is said before it is compared with what is usual.
        app.press("escape", "j", "enter")
        app.wait_for(r"running \dh\d\dm[^\n]*\n[\s\S]*TASKS reading\.\.\.")
        before = places()
        app.wait_for(r"running \dh\d\dm, usually[\s\S]*TASKS 16 *\n[\s\S]*and 10 more")
        # In a narrow pane that takes a second line.
        assert [place - then for place, then in zip(places(), before, strict=True)] in (
            [0] * len(before),
            [1] * len(before) if size == (80, 24) else None,
        )
        app.quit()


def test_why_tasks_are_not_read_is_said_in_their_place(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    simulator.faults.add("InvalidParameter", action="ListTaskInstances", times=1)
    with home.start(FAILED, GOES_ON, size=(110, 30)) as app:
        app.wait_for("✖ 1")
        app.press("s", "s", "s", "s", "g")
        app.wait_for("TASKS not read: InvalidParameter")
        # Once it was refused it is not requested by itself; as it was read by a key it is shown.
        app.press("t")
        app.wait_for("9/12 done, 2 failed")
        app.press("escape")
        app.wait_for("TASKS 12")
        app.press("p", "j")
        app.wait_for(r"dwd_trade[\s\S]*TASKS not read: paused")
        app.quit()
