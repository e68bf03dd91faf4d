import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

SOON = """
from wfinspect.watching import cadence, watchlist
watchlist.GONE_SECONDS = cadence.MISSING_SECONDS = 0.3
"""


def test_a_row_of_the_list_that_does_not_exist_stays_with_its_note(
    home: Home, simulator: Simulator
) -> None:
    stays = DEMO_IDS[1]
    # What is over is read seldom, and the other was never read: none of both shows that all is well.
    simulator.set_status(stays, "Success")
    home.hurry()
    added = home.run("list", "add", 54, 55, stays).stderr
    assert added.endswith(f" `wfinspect status 54 55 {stays}` reads them now.\n")
    home.run("list", "note", 55, "call Li")
    with home.start("watch", "--forever", patch=SOON) as watch:
        watch.wait_for("54 is gone: the service does not know it")
        watch.wait_for("55 is gone: the service does not know it")
        watch.press("ctrl+c")
        assert watch.wait_exit() == 130
        assert "Not watched" not in watch.text()
    assert "call Li" in home.run("list").stdout
    with home.start(56, size=(100, 30), patch=SOON) as app:
        app.wait_for(r"55[\s\S]*gone|gone[\s\S]*55")
        app.wait_for("Not watched: ")
        app.quit()
    listed = home.run("list")
    assert [line.split()[1:3] for line in listed.stdout.splitlines()[1:]] == [
        ["54", "gone"],
        ["55", "gone"],
        [str(stays), "Success"],
    ]
    assert listed.stderr == ""
    short = home.run("status", "--short")
    assert (short.returncode, short.stdout) == (5, "?2 +1 !2\n")
    assert short.stderr == (
        "wfinspect: The service does not know 2 of the list: `wfinspect list status=gone` shows which.\n"
    )


@pytest.mark.battery
def test_an_instance_is_gone_after_a_minute_of_three_answers_that_there_is_none(
    home: Home, simulator: Simulator
) -> None:
    stays, goes = DEMO_IDS[1], DEMO_IDS[0]
    for number in (stays, goes):
        simulator.set_status(number, "Running")
    with home.start(stays, goes, size=(120, 30)) as app:
        app.wait_for(r"▸ 2 [\s\S]*Running ")
        simulator.population.vanish(goes)
        app.wait_for("gone", timeout=120)
        app.quit()
    status = home.run("status")
    assert status.returncode == 5
    assert "ads_user_profile_daily" in status.stdout
