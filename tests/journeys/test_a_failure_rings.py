import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

NOTIFY = """
[notify]
rule = "{rule}"
osc = "9"
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_ID $WFINSPECT_FROM $WFINSPECT_TO" >> "$HOME/notified"']
"""
FAILED = DEMO_IDS[0]


@pytest.mark.parametrize(
    ("watched", "size", "rule"),
    # Every value at least once; with the battery every pair of values.
    [
        (1, (160, 48), "failure"),
        (3, (80, 24), "any"),
        pytest.param(1, (80, 24), "any", marks=pytest.mark.battery),
        pytest.param(3, (160, 48), "failure", marks=pytest.mark.battery),
    ],
)
def test_a_failure_rings_and_notifies_with_no_key_pressed(
    home: Home, simulator: Simulator, watched: int, size: tuple[int, int], rule: str
) -> None:
    ids = DEMO_IDS[:watched]
    for number in ids:
        simulator.set_status(number, "Running")
    with home.start(*ids, size=size, config=NOTIFY.format(rule=rule)) as app:
        app.wait_for(rf"▸ {watched} [\s\S]*Running")
        app.forget()
        simulator.set_status(FAILED, "Failure")
        app.wait_for_bell()
        app.wait_for_announcement(rf"1 failed: .*{FAILED}.* Running -> Failure after")
        app.wait_for("✖ ads_.* Failure|✖ Failure")
        notified = home.path / "notified"
        app.wait_until(notified.exists, "the command")
        app.quit()
        assert (app.bells, len(app.announcements)) == (1, 1)
    assert notified.read_text() == f"{FAILED} Running Failure\n"


@pytest.mark.battery
def test_the_demo_rings_within_a_minute(home: Home) -> None:
    with home.start("demo") as app:
        app.wait_for_bell(timeout=60)
        app.wait_for("✖ .* Failure")
        app.quit()
