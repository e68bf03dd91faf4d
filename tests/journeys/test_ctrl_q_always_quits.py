import pytest
from journey import Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED, OTHER = DEMO_IDS[:2]
PLACES = {
    "help": ("?", "g +to the first"),
    "palette": (":", "Commands"),
    "find": ("f", "workspace="),
    "filter": ("/", "!not"),
    "ID box": ("10", "10 *\\n"),
    "tasks": ("t", "join_region_dim"),
    "log of a task": ("l", "LOOKS LIKE THE ERROR"),
    "raw": ("v", '"Status"'),
    "compare": ("c", "(?i)compare|differs"),
    "copy a field": ("Y", "Copy a field"),
    "export": ("e", "Export"),
}


def ends(app: Session) -> None:
    """It ends as it should by ctrl+q alone, and leaves the terminal as it was."""
    app.quit()
    assert app.modes_left_on() == []
    assert app.termios() == app.termios_before


# One of each kind: a view, a dialog and the box; the others run with the battery.
USUAL = ("ID box", "log of a task", "export")


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
    with home.start(FAILED, OTHER) as app:
        app.wait_for("Running")
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


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[200~10432987165\x1b[201",
        b"\x1b]11;rgb:1212/12",
        *(
            pytest.param(each, marks=pytest.mark.battery)
            for each in (
                b"\x1b[200~10432987165 and the link is gone",
                b"\x1b[?64;1;2",
                b"\x1bP>|tmux 3",
                b"\x1b_Gi=31;",
            )
        ),
    ],
)
def test_ctrl_q_quits_after_what_has_lost_its_end(
    home: Home, simulator: Simulator, sent: bytes
) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED) as app:
        app.wait_for("✖ Failure")
        app.send(sent)
        app.read_for(0.2)
        ends(app)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[113;5u",
        *(
            pytest.param(each, marks=pytest.mark.battery)
            for each in (b"\x1b[27;5;113~", b"\x1b[113;133:1u")
        ),
    ],
)
def test_ctrl_q_quits_with_a_keyboard_left_in_another_mode(home: Home, sent: bytes) -> None:
    with home.start(FAILED) as app:
        app.wait_for("live")
        app.send(sent)
        assert app.wait_exit() == 0
