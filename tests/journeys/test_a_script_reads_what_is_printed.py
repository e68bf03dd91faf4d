"""One line an instance, one schema of rows, codes that say whether to repeat: what scripts rely on."""

import re

import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

ONE, TWO = DEMO_IDS[:2]
UNKNOWN = 77


def test_fields_are_columns_of_one_line(home: Home, simulator: Simulator) -> None:
    simulator.population.set_fields(ONE, {"Name": "a\tb\nc\\d", "Tags": "none"})
    simulator.set_status(ONE, "Failure")
    simulator.set_status(TWO, "Running")

    assert home.run("get", ONE, "--field", "Status").stdout == "Failure\n"
    assert home.run("get", ONE, "--field", "Status", "--field", "Name").stdout == (
        "Failure\ta\\tb\\nc\\\\d\n"
    )
    both = home.run("get", ONE, TWO, "--field", "Status", "--field", "type").stdout
    assert both == f"{ONE}\tFailure\tNormal\n{TWO}\tRunning\tNormal\n"
    named = home.run("get", ONE, TWO, "--field", "Status,id").stdout.splitlines()
    assert [line.split("\t")[1:] for line in named] == [[str(ONE)], [str(TWO)]]
    assert home.run("get", ONE, "--field", "Tags").stdout == '"none"\n'
    wrong = home.run("get", ONE, "--field", "Stauts")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean Status" in wrong.stderr


COMMANDS = f"""get {ONE}
status {ONE}
find workspace=88123 date=yesterday
tasks {ONE}
list
compare {ONE} {TWO}
upstream {ONE}
follow list"""


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("command", COMMANDS.splitlines())
def test_help_names_the_keys_which_csv_has_as_columns(home: Home, command: str) -> None:
    home.run("list", "add", ONE)
    home.run("follow", ONE)
    columns = home.run(*command.split(), "-o", "csv").stdout.splitlines()[0]
    said = " ".join(home.run(command.split(maxsplit=1)[0], "--help").stdout.split())
    keys = said.partition(" keys of JSON: ")[2].partition(" examples:")[0].split(", ")
    named = [key.replace("_", "").lower() for key in keys if key != "filters"]
    assert named == columns.lower().split(",")


def test_colours_are_for_a_terminal_alone(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ONE, "Failure")
    red = "\x1b[31mFailure\x1b[0m"

    assert "\x1b" not in home.run("status", ONE).stdout
    assert red in home.run("status", ONE, "--color", "always").stdout
    with home.start("status", ONE) as seen:
        assert seen.wait_exit() == 1
        assert red.encode() in seen.log
    home.environ["NO_COLOR"] = "1"
    with home.start("tasks", ONE) as plain:
        assert plain.wait_exit() == 0
        assert b"\x1b[" not in plain.log
    assert home.run("status", ONE, "--colour", "never").returncode == 2


def test_a_line_to_be_copied_is_never_wrapped(home: Home) -> None:
    with home.start("doctor", "--endpoint", "https://127.0.0.1:9", size=(60, 40)) as doctor:
        assert doctor.wait_exit() == 1
        lines = bytes(doctor.log).decode().split("\r\n")
    assert max(map(len, lines)) > 80
    assert re.fullmatch(r"wfinspect: [1-9] of \d\d checks failed\.", lines[-2])
    skipped = [line for line in lines if re.search(r"^(\x1b\[90m)?skipped", line)]
    assert [line.split()[1] for line in skipped] == [
        "GetWorkflowInstance",
        "ListWorkflowInstances",
        "clock",
    ]
