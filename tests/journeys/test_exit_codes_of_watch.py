import contextlib
import itertools
import json
import re

import pytest
from journey import Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

ONE, TWO = DEMO_IDS[:2]
UNKNOWN = 77


@pytest.mark.parametrize(
    ("statuses", "options", "code"),
    [
        (("Success", "Success"), (), 0),
        (("Success", "Failure"), (), 1),
        (("Failure", "Running"), ("--until", "any:failure"), 0),
        (("Failure", "Running"), ("--until", "all:success", "--fail-fast"), 1),
        (("Success", "Running"), ("--timeout", "1"), 124),
        (("Success", "Success"), (UNKNOWN,), 5),
    ],
)
def test_watch_ends_with_the_code_of_what_became_of_the_runs(
    home: Home, simulator: Simulator, statuses: tuple[str, str], options: tuple[str], code: int
) -> None:
    for number, status in zip((ONE, TWO), statuses, strict=True):
        simulator.set_status(number, status)
    done = home.run("watch", ONE, TWO, *options)
    assert done.returncode == code, done.stderr


def test_watch_prints_each_change_and_ends_when_all_are_done(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(ONE, "Running")
    with home.start("watch", ONE) as watch:
        watch.wait_for(f"{ONE}  -> Running")
        simulator.set_status(ONE, "Failure")
        assert watch.wait_exit() == 1
        assert f"{ONE}  Running -> Failure" in watch.text()
        assert "1 of 1 done, 1 failed" in watch.text()


NOTIFY = """
[notify]
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_ID $WFINSPECT_TO" >> "$HOME/notified"']
"""


@pytest.mark.parametrize("is_shared", [True, False])
def test_watch_runs_the_command_with_notify(
    home: Home, simulator: Simulator, *, is_shared: bool
) -> None:
    home.hurry()
    simulator.set_status(ONE, "Running")
    simulator.set_status(TWO, "Running")
    home.run("list", "add", ONE, TWO)
    with contextlib.ExitStack() as others:
        if is_shared:
            keeper = others.enter_context(home.start("watch", "--forever"))
            keeper.wait_for(f"{ONE}  -> Running")
        with home.start("watch", ONE, TWO, "--notify", config=NOTIFY) as watch:
            watch.wait_for(f"{ONE}  -> Running")
            simulator.set_status(ONE, "Failure")
            watch.wait_for(f"{ONE}  Running -> Failure")
            watch.wait_until((home.path / "notified").exists, "the command")
            simulator.set_status(TWO, "Success")
            assert watch.wait_exit() == 1
    assert (home.path / "notified").read_text() == f"{ONE} Failure\n"


def test_processes_that_share_a_list_say_each_change_once(home: Home, simulator: Simulator) -> None:
    home.hurry()
    # So that calls of two processes are often on their way at one time.
    simulator.faults.add("slow", seconds=0.2)
    for number in (ONE, TWO):
        simulator.set_status(number, "Running")
    home.run("list", "add", ONE, TWO)
    with (
        home.start("watch", "--forever") as keeper,
        home.start("watch", ONE, TWO, "--notify", config=NOTIFY) as watch,
        home.start() as app,
    ):
        app.wait_for("▸ 2 ")
        said = [f"{ONE}  -> Running"]
        for each in (keeper, watch):
            each.wait_for(said[0])
        for before, after in itertools.pairwise(["Running", "Failure", "WaitTime"] * 4):
            simulator.set_status(ONE, after)
            said.append(f"{ONE}  {before} -> {after}")
            for each in (keeper, watch):
                each.wait_until(lambda each=each: said[-1] == lines(each)[-1], said[-1])
        app.wait_for_bell(4)
        app.wait_for("WaitTime")
        app.quit()
        simulator.set_status(ONE, "Success")
        simulator.set_status(TWO, "Success")
        assert watch.wait_exit() == 0
        said.append(f"{ONE}  WaitTime -> Success")
        keeper.wait_for(said[-1])
        keeper.press("ctrl+c")
        keeper.wait_exit()
        assert lines(keeper) == lines(watch) == said
        assert app.bells == 4
    assert (home.path / "notified").read_text() == f"{ONE} Failure\n" * 4
    history = json.loads(home.run("history", ONE, "-o", "json").stdout)
    assert len(history) == len(said) - 1


def lines(session: Session) -> list[str]:
    """What is said of the first instance, without times and names."""
    return re.findall(rf"{ONE}  (?:\w+ )?-> \w+|{ONE}  \w+ again", session.text())


def test_watch_goes_on_through_an_outage(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(ONE, "Running")
    with home.start("watch", ONE) as watch:
        watch.wait_for(f"{ONE}  -> Running")
        simulator.stop()
        watch.wait_for("connection refused")
        simulator.set_status(ONE, "Success")
        simulator.start()
        assert watch.wait_exit(60) == 0


def test_refused_keys_end_a_watch_before_its_first_reading_with_4(home: Home) -> None:
    home.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "NotTheSecret"
    done = home.run("watch", ONE)
    assert (done.returncode, done.stdout) == (4, "")
    assert "Next try" not in done.stderr
    assert "Ended: 0 of 1 done" in done.stderr


def test_ctrl_c_ends_a_watch_with_130(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ONE, "Running")
    with home.start("watch", ONE) as watch:
        watch.wait_for(f"{ONE}  -> Running")
        watch.press("ctrl+c")
        assert watch.wait_exit() == 130
        assert "Ended by a signal: 0 of 1 done" in watch.text()
