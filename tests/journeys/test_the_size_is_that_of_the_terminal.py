"""The app has the size of its terminal, whatever COLUMNS and LINES say, and whenever it changes."""

import re

import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator

ID = DEMO_IDS[0]


@pytest.mark.parametrize(
    "said",
    [
        {"COLUMNS": "100"},
        pytest.param({"COLUMNS": "40"}, marks=pytest.mark.battery),
        pytest.param({"LINES": "40"}, marks=pytest.mark.battery),
    ],
)
def test_the_environment_says_another_size(
    home: Home, simulator: Simulator, said: dict[str, str]
) -> None:
    simulator.set_status(ID, "Running")
    home.environ |= said
    with home.start(ID) as app:
        app.wait_for(f"Running  ads_user_profile_daily(.|\n)*{ID}(.|\n)* quit *$", timeout=10)
        app.quit()


def test_the_terminal_is_resized_during_the_start(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ID, "Running")
    with home.start(ID) as app:
        app.wait_for_bytes(rb"\x1b\[\?1049h")
        for columns in (100, 90, 120, 110):
            app.resize(columns, 30)
            app.read_for(0.02)
        app.wait_for(f"Running(.|\n)*{ID}(.|\n)* quit *$", timeout=10)
        app.quit()


def test_a_printed_table_is_as_wide_as_columns_says(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ID, "Failure")
    titles = []
    for columns in "80", "200":
        home.environ["COLUMNS"] = columns
        with home.start("tasks", ID) as table:
            assert table.wait_exit() == 0
            titles.append(bytes(table.log).decode().split("\r\n")[0].split())
    assert len(titles[1]) > len(titles[0]) > 0


def test_sentences_stay_whole_in_a_terminal_without_a_size(home: Home) -> None:
    with home.start("doctor", size=(0, 0)) as doctor:
        doctor.wait_exit()
        said = re.sub(r"\x1b\[\d*m", "", bytes(doctor.log).decode()).split("\r\n")
    (line,) = (each for each in said if "0x0" in each)
    assert line.endswith("0x0, all colours: it has no")
