import time

from journey import INTERVAL_SECONDS, Home

from wfinspect.simulator import DEMO_IDS, Simulator

CONFIG = """
[notify]
osc = "9"
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_TO" >> "$HOME/notified"']
"""


def polls(simulator: Simulator) -> int:
    """How often the service was asked for what both watch, among what else they ask."""
    return sum(
        f"{DEMO_IDS[0]}" in call.parameters.get("Ids", "") for call in simulator.calls.latest
    )


def test_two_panes_share_their_calls_and_both_ring_and_one_runs_the_command(
    home: Home, simulator: Simulator
) -> None:
    for number in DEMO_IDS[:2]:
        simulator.set_status(number, "Running")
    notified = home.path / "notified"
    with home.start(*DEMO_IDS[:2], config=CONFIG) as one, home.start() as other:
        for pane in (one, other):
            pane.wait_for(r"▸ 2 [\s\S]*Running ")
        simulator.calls.clear()
        begun_at, rounds = time.monotonic(), 2
        one.wait_until(lambda: polls(simulator) >= rounds, f"{rounds} polls")
        # Apart they would have needed half of that.
        assert time.monotonic() - begun_at >= 0.75 * rounds * INTERVAL_SECONDS
        simulator.set_status(DEMO_IDS[0], "Failure")
        for pane in (one, other):
            pane.wait_for_bell()
            pane.wait_for_announcement("1 failed")
        one.wait_until(notified.exists, "the command")
        for pane in (one, other):
            pane.quit()
    assert notified.read_text() == "Failure\n"


def test_what_one_pane_takes_off_the_list_leaves_the_other(
    home: Home, simulator: Simulator
) -> None:
    for number in DEMO_IDS[:2]:
        simulator.set_status(number, "Running")
    with home.start(*DEMO_IDS[:2]) as one, home.start() as other:
        for pane in (one, other):
            pane.wait_for(r"▸ 2 [\s\S]*Running ")
        one.press("x")
        for pane in (one, other):
            pane.wait_for("▸ 1 ")
            pane.quit()
