from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED = DEMO_IDS[0]


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
