import json
import shlex

import pytest
from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

AWAITED = DEMO_IDS[1]
SOON = "import wfinspect.watching.follows as f; f.EXPECTED_SECONDS = 1.0"
CONFIG = """
[notify]
command = ["/bin/sh", "-c", 'echo "$WFINSPECT_TO" >> "$HOME/notified"']
"""


@pytest.fixture
def words(simulator: Simulator) -> list[str]:
    simulator.set_status(AWAITED, "Running")
    record = simulator.population.record(AWAITED, SystemClock().now())
    assert record is not None
    return ["--project", str(record["ProjectId"]), "--workflow", str(record["WorkflowId"])]


@pytest.mark.parametrize(("status", "code"), [("Success", 0), ("Failure", 1)])
def test_it_is_waited_for_until_it_comes_and_then_until_it_ends(
    home: Home, simulator: Simulator, words: list[str], status: str, code: int
) -> None:
    home.hurry()
    simulator.population.vanish(AWAITED)
    with home.start(
        "watch", *words, "--until", "all:success", "--timeout", "60", patch=SOON
    ) as watch:
        watch.wait_for(f"Waiting for runs with workspace={words[1]} workflow={words[3]}")
        watch.wait_for("yesterday, as --bizdate is not given")
        watch.wait_until(lambda: len(simulator.calls.latest) >= 2, "two looks")
        simulator.population.restore(AWAITED)
        watch.wait_for(f"{AWAITED}  -> Running")
        simulator.set_status(AWAITED, status)
        watch.wait_for(f"{AWAITED}  Running -> {status}")
        assert watch.wait_exit() == code


def test_124_if_it_never_comes(home: Home, simulator: Simulator, words: list[str]) -> None:
    simulator.population.vanish(AWAITED)
    ended = home.run("watch", *words, "--bizdate", "yesterday", "--timeout", "2", "--json")
    assert ended.returncode == 124
    simulator.population.restore(AWAITED)
    today = home.run("watch", *words, "--bizdate", "today", "--timeout", "2", "--json")
    assert (today.returncode, today.stdout) == (124, "")
    assert "(a daily run has the date of the day before it runs)." in today.stderr
    assert "a daily run has" not in ended.stderr
    assert home.run("watch", "--bizdate", "today").returncode == 2
    assert ended.stdout == ""
    assert "Timed out: waiting for workspace=" in ended.stderr


def test_what_is_there_at_first_sight_is_all_that_is_waited_for(
    home: Home, simulator: Simulator, words: list[str]
) -> None:
    simulator.set_status(AWAITED, "Success")
    ended = home.run("watch", f"workspace={words[1]}", f"workflow={words[3]}", "--json")
    assert ended.returncode == 0
    assert [json.loads(text)["id"] for text in ended.stdout.splitlines()] == [AWAITED]
    assert "\nwfinspect: 1 run matches, and is followed until all:done; later ones " in ended.stderr


def test_all_runs_that_match_are_counted_and_their_first_readings_have_an_order(
    home: Home, words: list[str]
) -> None:
    ended = home.run("watch", *words[:2], "--name", "s", "--timeout", "2", "--json")
    names = [json.loads(text)["name"] for text in ended.stdout.splitlines()]
    assert f"\nwfinspect: {len(names)} runs match, and are followed until all:done" in ended.stderr
    assert names == sorted(names) != []
    of_some = f"project={words[1]}", "bizdate=yesterday", "status=running"
    by_words = home.run("watch", *of_some, "s", "--timeout", "2", "--json")
    found = [json.loads(text) for text in by_words.stdout.splitlines()]
    assert {each["to"] for each in found} == {"Running"}
    assert f"with workspace={words[1]} name=s status=Running, business date" in by_words.stderr
    several = home.run("watch", *of_some[:2], "status=failure,running", "!s").stderr
    find, watch = several.strip().partition("What is there now: wfinspect ")[2].split(" | ")
    assert watch == "wfinspect watch --file -"
    assert home.run(*shlex.split(find)).stdout.startswith("Id,")


def test_an_unknown_workspace_ends_it_as_wrong_usage(home: Home, words: list[str]) -> None:
    ended = home.run("watch", "--project", "4711", *words[2:])
    assert ended.returncode == 2
    assert "The run can't be looked for" in ended.stderr
    assert "workspace's ID (--project)" in ended.stderr


def test_a_filter_without_a_workspace_is_refused(home: Home) -> None:
    ended = home.run("watch", "--status", "Failure")
    assert ended.returncode == 2
    assert "--project ID is missing" in ended.stderr


def test_left_alone_it_keeps_the_list_and_runs_the_command(
    home: Home, simulator: Simulator, words: list[str]
) -> None:
    home.hurry()
    simulator.population.vanish(AWAITED)
    assert home.run("follow", *words).returncode == 0
    simulator.set_status(DEMO_IDS[0], "Running")
    assert home.run("watch", "--forever", "--timeout", "5").returncode == 2
    with home.start("watch", "--forever", "--notify", config=CONFIG, patch=SOON) as watch:
        watch.wait_until(lambda: len(simulator.calls.latest) >= 2, "two looks")
        simulator.population.restore(AWAITED)
        watch.wait_for(f"{AWAITED}  -> Running")
        simulator.set_status(AWAITED, "Failure")
        watch.wait_for(f"{AWAITED}  Running -> Failure")
        watch.wait_until((home.path / "notified").exists, "the command")
        watch.press("ctrl+c")
        assert watch.wait_exit() == 130
    assert (home.path / "notified").read_text() == "Failure\n"
    assert "X1 !1" in home.run("status", "--short").stdout
