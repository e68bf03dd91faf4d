"""In tmux every cell is painted, also where the terminal outside fills scrolled lines in its own colour."""

import os
import shlex
import subprocess
from shutil import which

import pytest
from journey import SCRIPT, Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

WIDTH, HEIGHT = 110, 30


@pytest.mark.skipif(which("tmux") is None, reason="without tmux")
def test_no_cell_is_left_in_the_terminals_own_background(home: Home, simulator: Simulator) -> None:
    simulator.set_status(DEMO_IDS[0], "Running")
    tmux = ["tmux", "-f", os.devnull, "-S", str(home.path / "socket")]
    program = shlex.join(["env", "TERM=screen-256color", str(SCRIPT), *map(str, DEMO_IDS[:3])])
    with Session(
        [*tmux, "new-session", program],
        home=home.path,
        env=home.environ,
        size=(WIDTH, HEIGHT),
    ) as terminal:
        cells = [(x, y) for x in range(WIDTH) for y in range(HEIGHT - 1)]  # above tmux's own
        try:
            terminal.wait_for("PARAMETERS")
            terminal.wait_until(
                lambda: all(terminal.cell(*cell).bg != "default" for cell in cells),
                "a background in every cell",
            )
        finally:
            subprocess.run([*tmux, "kill-server"], env=os.environ | home.environ, check=False)
