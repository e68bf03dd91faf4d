import pytest
from journey import Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED = DEMO_IDS[0]
PLACES = {
    "help": ("?", "g +to the first"),
    "palette": (":", "type a command"),
    "find": ("f", "workspace="),
    "filter": ("/", "!without"),
    "ID box": ("10", "10 *\\n"),
    "tasks": ("t", "join_region_dim"),
    "log of a task": ("l", "LOOKS LIKE THE ERROR"),
    "raw": ("v", '"Status"'),
    "compare": ("c", "(?i)compare|differs"),
    "copy a field": ("Y", "copy a field"),
    "export": ("e", "export ID"),
}


def ends(app: Session) -> None:
    """It ends as it should by ctrl+q alone, and leaves the terminal as it was."""
    app.quit()
    assert app.modes_left_on() == []
    assert app.termios() == app.termios_before


# One of each kind: an input over the list, a view, a dialog and the box; the others run with the battery.
USUAL = ("palette", "ID box", "log of a task", "export")


@pytest.mark.parametrize(
    "place",
    [each if each in USUAL else pytest.param(each, marks=pytest.mark.battery) for each in PLACES],
)
def test_ctrl_q_quits_from_anywhere(home: Home, simulator: Simulator, place: str) -> None:
    key, sign = PLACES[place]
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED) as app:
        app.wait_for("✖ Failure")
        app.press(key)
        app.wait_for(sign)
        ends(app)


def test_ctrl_q_quits_from_the_question_whether_to_quit(home: Home, simulator: Simulator) -> None:
    simulator.set_status(FAILED, "Running")
    with home.start(FAILED) as app:
        app.wait_for("▸ Running")
        simulator.set_status(FAILED, "Failure")
        app.wait_for("1 unseen")
        app.press("q")
        app.wait_for("Quit\\?")
        ends(app)


def test_ctrl_q_quits_while_the_first_call_hangs(home: Home, simulator: Simulator) -> None:
    simulator.faults.add("hang")
    with home.start(FAILED) as app:
        app.wait_until(lambda: simulator.calls.count(code="hang") > 0, "a call that hangs")
        ends(app)


@pytest.mark.parametrize(
    "key", [*(pytest.param(key, marks=pytest.mark.battery) for key in "rc"), "l"]
)
def test_ctrl_q_quits_while_what_was_asked_for_hangs(
    home: Home, simulator: Simulator, key: str
) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED) as app:
        app.wait_for("✖ Failure")
        simulator.faults.add("hang")
        app.press(key)
        app.wait_until(lambda: simulator.calls.count(code="hang") > 0, "a call that hangs")
        ends(app)
