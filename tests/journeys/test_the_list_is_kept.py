from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

RUNNING = DEMO_IDS[1]


def test_what_is_looked_up_and_watched_is_there_at_the_next_start(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(RUNNING, "Running")
    with home.start() as app:
        app.wait_for("ready|type or paste")
        app.press(*str(RUNNING), "enter")
        app.wait_for(r"dwd_trade_order_di[\s\S]*Running")
        app.press("w")
        app.wait_for("▸ 1 ")
        app.quit()
        assert app.modes_left_on() == []
    status = home.run("status")
    assert (status.returncode, f"{RUNNING}" in status.stdout) == (8, True)
    with home.start() as app:
        app.wait_for(r"dwd_trade_order_di[\s\S]*Running")
        app.quit()
