from journey import Home

from wfinspect.settings import DATABASE
from wfinspect.simulator import DEMO_IDS, Simulator

RUNNING, SETTLED = DEMO_IDS[1], DEMO_IDS[2:4]


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


def test_a_round_with_nothing_new_leaves_the_disk_alone(home: Home, simulator: Simulator) -> None:
    stored = home.path / ".local/state/wfinspect" / DATABASE

    def readings() -> int:
        return sum(f"{SETTLED[0]}" in f"{call.parameters}" for call in simulator.calls.latest)

    for number in SETTLED:
        simulator.set_status(number, "Success")
    with home.start(*SETTLED) as app:
        app.wait_for("✔ 2 ")
        # The first readings are saved at once, and more is read of the row under the cursor.
        app.wait_until(lambda: readings() >= 2, "its tasks")
        written_at = stored.stat().st_mtime_ns
        for _ in range(3):
            before = readings()

            def is_read(before: int = before) -> bool:
                # A key that comes while the last answer is being taken in requests none.
                app.press("r")
                return readings() > before

            # An answer is taken in, and saved if it is, before the next call goes out.
            app.wait_until(is_read, "a reading")
        assert stored.stat().st_mtime_ns == written_at
        app.quit()
    # What was counted meanwhile is saved at the end.
    assert stored.stat().st_mtime_ns > written_at
