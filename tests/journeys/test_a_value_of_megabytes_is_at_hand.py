import json
import subprocess
import sys

import pytest
from journey import SCRIPT, Home

from wfinspect.simulator import DEMO_IDS, MANY_TASKS_ID, Simulator

LONG, SHORT = DEMO_IDS[1], DEMO_IDS[2]
TEXT = "x" * 6_999_988 + " its @ end"
# The memory of a child counts that of the process it is forked from: one that is small, here.
MEASURED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
    "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000))"
)
LONG_VALUES: dict[str, dict[str, object]] = {
    "a parameter": {"WorkflowParameters": f"bizdate=20260917 sql={TEXT}"},
    "lines": {"WorkflowParameters": "key=value\n" * 700_000},
    "a name, a tag and a status": {
        "Name": TEXT[:2_000_000],
        "Tags": [{"Key": "layer", "Value": TEXT[:2_000_000]}],
        "Status": TEXT[:2_000_000],
    },
}


def test_an_instance_with_a_value_of_7_mb_is_shown_and_keys_answer(
    home: Home, simulator: Simulator
) -> None:
    simulator.population.set_fields(LONG, LONG_VALUES["a parameter"])
    with home.start(LONG, SHORT) as app:
        app.wait_for("dwd_trade_order_di")
        app.press("enter")
        app.wait_for(r"Parameters 2\+")
        app.press(">")
        app.wait_for(r"bizdate +20260917\s[\s\S]*sql +xxxxx")
        app.press("G")
        app.wait_for(r"\.\.\. 7\.0 MB, v shows the whole")
        app.press("v")
        app.wait_for("the service's JSON")
        app.press("/")
        app.wait_for("Search JSON")
        app.press("@", "enter")
        app.wait_for(r"x its @ end[\s\S]*1 of 1 lines with @")
        app.press("escape")
        app.wait_for("(?m)line [0-9]+ of [0-9]+ *$")
        app.press("escape")
        app.wait_for("q quit")
        app.press("Y")
        app.wait_for("Copy a field")
        app.press(*"ql", "enter")
        app.wait_for(r"Not copied: 6,\d{3},\d{3} characters are too many")
        app.press("c")
        app.wait_for("compared")
        app.press("escape")
        app.quit()
    with home.start() as app:
        app.wait_for(f"{LONG}")
        app.quit()


@pytest.mark.parametrize(
    "what",
    [
        each if each == "lines" else pytest.param(each, marks=pytest.mark.battery)
        for each in LONG_VALUES
    ],
)
def test_get_prints_the_start_of_a_long_value_and_says_how_to_have_the_whole(
    home: Home, simulator: Simulator, what: str
) -> None:
    simulator.population.set_fields(LONG, LONG_VALUES[what])

    def get(*arguments: str) -> tuple[str, int]:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, SCRIPT, "get", str(LONG), *arguments],
            env={"HOME": str(home.path), "LANG": "C.UTF-8"} | home.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, int(done.stderr)

    table, memory = get()
    assert memory <= 150
    assert len(table) < 200_000
    assert "-o json or --field has the whole" in table
    whole, memory = get("-o", "json")
    assert memory <= 150
    assert LONG_VALUES[what].items() <= json.loads(whole).items()


def test_tasks_with_much_that_is_unknown_are_listed_and_narrowed(
    home: Home, simulator: Simulator
) -> None:
    simulator.population.task_fields = {"Unknown": "x" * 14_000}
    with home.start(MANY_TASKS_ID) as app:
        app.wait_for("live")
        app.press("t")
        app.wait_for("/500 done")
        app.press("/")
        app.wait_for("name, ID")
        app.press(*"zzz")
        app.wait_for("No task matches")
        app.press("escape")
        app.wait_for("/500 done[\\s\\S]*TASK +STATUS")
        app.press("v")
        app.wait_for("the service's JSON")
        app.press("G")
        app.wait_for(r"xxx")
        app.quit()
