from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator


def test_what_changed_while_the_app_was_closed_rings_at_the_next_start(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    fails, ends, runs = DEMO_IDS[:3]
    for number in (fails, ends, runs):
        simulator.set_status(number, "Running")
    with home.start(fails, ends, runs) as app:
        app.wait_for(r"▸ 3 [\s\S]*Running ")
        app.quit()
    simulator.set_status(fails, "Failure")
    simulator.set_status(ends, "Success")
    with home.start(size=(99, 30)) as app:
        app.wait_for("2 unseen")
        app.wait_for_bell()
        app.quit()
    history = home.run("status", "--short")
    assert history.stdout.startswith("X1 >1 +1 !2")
