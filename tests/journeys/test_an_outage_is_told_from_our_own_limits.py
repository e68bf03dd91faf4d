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


def test_an_outage_marks_every_unsettled_row_at_once_and_each_until_it_is_read(
    home: Home, simulator: Simulator
) -> None:
    *unsettled, settled = simulator.ids[:5]
    for number, status in zip(unsettled, UNSETTLED, strict=True):
        simulator.set_status(number, status)
    simulator.set_status(settled, "Success")
    with home.start(*unsettled, settled, size=(120, 30)) as app:
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
        simulator.start()
        app.wait_gone("NOT LIVE")
        app.wait_gone(MARKED)
        app.quit()


@pytest.mark.parametrize("seconds", [3.0, pytest.param(40.0, marks=pytest.mark.battery)])
def test_a_small_budget_is_slow_and_no_outage(
    home: Home, simulator: Simulator, seconds: float
) -> None:
    for number in DEMO_IDS[:3]:
        simulator.set_status(number, "Running")
    with home.start(*DEMO_IDS[:3], "--budget", 8) as app:
        app.wait_for(r"slow: every \d+h \(budget\)")
        until = time.monotonic() + seconds
        app.wait_until(lambda: time.monotonic() > until, "the end")
        assert "NOT LIVE" not in app.log.decode()
        assert not re.search(MARKED, app.text())
        assert re.search(r"slow: every \d+h \(budget\)", app.text())
        app.quit()
    assert simulator.calls.count() <= 8
    watched = home.run("watch", *DEMO_IDS[:3], "--budget", 8, "--timeout", 3)
    assert "budget" in watched.stderr
    assert watched.returncode == 124
