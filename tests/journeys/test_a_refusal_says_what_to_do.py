"""What the service refuses is on the screen, with what to do about it."""

from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

ID = DEMO_IDS[1]


def test_an_expired_token_asks_for_new_keys_and_says_that_they_are_noticed(
    home: Home, simulator: Simulator
) -> None:
    simulator.faults.add("InvalidSecurityToken.Expired")
    with home.start(ID, size=(110, 30)) as app:
        app.wait_for("get new ones, as by")
        app.wait_for("new keys in a file are noticed and used")
        app.wait_for("NOT LIVE +InvalidSecurityToken.Expired")
        app.quit()


def test_a_used_up_quota_says_until_when(home: Home, simulator: Simulator) -> None:
    simulator.faults.add("Throttling.Resource")
    with home.start(ID, size=(110, 30)) as app:
        app.wait_for(r"allowed\s+again\s+from\s+\d{4}-\d\d-\d\d")
        app.wait_for("NOT LIVE +Throttling.Resource, next try [0-2]")
        calls = simulator.calls.count()
        app.press("?")
        app.wait_for("g +to the first")
        app.press("escape")
        app.wait_for("NOT LIVE +Throttling.Resource")
        assert simulator.calls.count() == calls
        app.quit()
