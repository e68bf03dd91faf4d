import re
import time

import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

UNSETTLED = ("Running", "WaitTime", "WaitResource", "NotRun")
LIVE, MARKED = (
    r"(Running|WaitTime|WaitRes\w*|NotRun)[ \n]",
    r"(Running|WaitTime|WaitRes\w*|NotRun)\?",
)


NOTIFY = """
[notify]
osc = "9"
lost_after = "{}s"
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_MESSAGE" >> "$HOME/notified"']
"""


# What was read is live for 30 s at least, and contact is lost for 10 at least.
SOONER = """
from wfinspect import settings
from wfinspect.watching import view
settings.MIN_LOST_AFTER_SECONDS = 2.0
view.freshness_seconds = lambda interval: 4.0 if interval < 300.0 else 900.0
"""


@pytest.mark.parametrize(
    ("lost_after", "patch"), [(2, SOONER), pytest.param(10, "", marks=pytest.mark.battery)]
)
def test_an_outage_marks_every_unsettled_row_until_it_is_read_and_rings_as_does_its_end(
    home: Home, simulator: Simulator, lost_after: int, patch: str
) -> None:
    if patch:
        home.hurry()
    *unsettled, settled = simulator.ids[:5]
    for number, status in zip(unsettled, UNSETTLED, strict=True):
        simulator.set_status(number, status)
    simulator.set_status(settled, "Success")
    notified = home.path / "notified"
    config = NOTIFY.format(lost_after)
    with home.start(*unsettled, settled, size=(120, 30), config=config, patch=patch) as app:
        app.wait_until(lambda: len(set(re.findall(LIVE, app.text()))) == 4, "four readings")
        app.wait_for("live")
        simulator.stop()
        # Whatever a frame shows, it is all or nothing.
        marked: set[int] = set()

        def is_lost() -> bool:
            if app.is_whole:
                marked.add(len(set(re.findall(MARKED, app.text()))))
            return "NOT LIVE" in app.text() and app.is_whole

        app.wait_until(is_lost, "NOT LIVE", timeout=60.0)
        assert marked == {0, 4}
        assert re.search(r"Success[ \n]", app.text())
        # No key is pressed.
        app.wait_for_bell(1)
        app.wait_for_announcement(f"No contact for {lost_after} seconds .connection refused")
        app.wait_until(notified.exists, "the command")
        simulator.start()
        app.wait_gone("NOT LIVE", timeout=60.0)
        app.wait_gone(MARKED)
        app.wait_for_bell(2)
        app.wait_for_announcement("Contact is back after .*")
        app.wait_until(lambda: notified.read_text().count("\n") == 2, "the second command")
        app.quit()
        assert (app.bells, len(app.announcements)) == (2, 2)
    lost, back = notified.read_text().splitlines()
    assert lost.startswith(f"No contact for {lost_after} seconds")
    assert back.startswith("Contact is back after")


@pytest.mark.parametrize("seconds", [1.0, pytest.param(40.0, marks=pytest.mark.battery)])
def test_a_small_budget_is_slow_and_no_outage(
    home: Home, simulator: Simulator, seconds: float
) -> None:
    for number in DEMO_IDS[:3]:
        simulator.set_status(number, "Running")
    with home.start(*DEMO_IDS[:3], "--budget", 8) as app:
        app.wait_for(r"slow: every \d+[hm] \(budget\)")
        until = time.monotonic() + seconds
        app.wait_until(lambda: time.monotonic() > until, "the end", timeout=60.0)
        assert "NOT LIVE" not in app.log.decode()
        assert not re.search(MARKED, app.text())
        assert re.search(r"slow: every \d+[hm] \(budget\)", app.text())
        app.quit()
    assert simulator.calls.count() <= 8
    with home.start("watch", *DEMO_IDS[:3], "--budget", 8) as watch:
        watch.wait_for("budget")
        watch.press("ctrl+c")
        assert watch.wait_exit() == 130
