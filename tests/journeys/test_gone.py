import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator


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
