from datetime import timedelta

from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

CONFIG = """
[notify]
osc = "9"
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_TO" >> "$HOME/notified"']
"""


def three_polls_seconds(simulator: Simulator) -> float:
    """The longest time that three polls in a row of what both watch took."""
    times = [
        call.at
        for call in simulator.calls.latest
        if f"{DEMO_IDS[0]}" in call.parameters.get("Ids", "")
    ]
    spans = (last - first for first, last in zip(times, times[2:], strict=False))
    return max(spans, default=timedelta()).total_seconds()


def test_two_panes_share_their_calls_and_both_ring_and_one_runs_the_command(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    for number in DEMO_IDS[:2]:
        simulator.set_status(number, "Running")
    notified = home.path / "notified"
    with home.start(*DEMO_IDS[:2], config=CONFIG) as one, home.start() as other:
        for pane in (one, other):
            pane.wait_for(r"▸ 2 [\s\S]*Running ")
        # Three polls span two intervals; of two panes apart, a single one.
        one.wait_until(
            lambda: three_polls_seconds(simulator) >= 1.5 * home.interval, "shared polls"
        )
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
    home.hurry()
    for number in DEMO_IDS[:2]:
        simulator.set_status(number, "Running")
    with home.start(*DEMO_IDS[:2]) as one, home.start() as other:
        for pane in (one, other):
            pane.wait_for(r"▸ 2 [\s\S]*Running ")
        one.press("x")
        for pane in (one, other):
            pane.wait_for("▸ 1 ")
            pane.quit()
