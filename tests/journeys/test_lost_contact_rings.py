from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

CONFIG = """
[notify]
osc = "9"
lost_after = "10s"
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_MESSAGE" >> "$HOME/notified"']
"""


def test_contact_lost_and_contact_regained_each_ring_with_no_key_pressed(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(DEMO_IDS[1], "Running")
    notified = home.path / "notified"
    with home.start(DEMO_IDS[1], config=CONFIG) as app:
        app.wait_for(r"▸ 1 [\s\S]*Running ")
        simulator.stop()
        # A reading counts as the present for 30 s; from then on contact is lost.
        app.wait_for("NOT LIVE", timeout=45)
        assert app.bells == 0
        app.wait_for_bell(1)
        app.wait_for_announcement("No contact for 10 seconds .connection refused")
        app.wait_until(notified.exists, "the command")

        simulator.start()
        app.wait_for_bell(2, timeout=60)
        app.wait_for_announcement("Contact is back after .*: nothing changed")
        app.wait_for(r"live *\n")
        app.wait_until(lambda: notified.read_text().count("\n") == 2, "the second command")
        app.quit()
        assert (app.bells, len(app.announcements)) == (2, 2)
    lost, back = notified.read_text().splitlines()
    assert lost.startswith("No contact for 10 seconds")
    assert back.startswith("Contact is back after")
