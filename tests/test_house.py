"""The figures of the structure; `python tests/support/house.py -v` prints what is behind them."""

import os
import subprocess
import sys
from pathlib import Path

from house import (
    above_limits,
    circles,
    entered,
    entered_figures,
    large_constructors,
    lone_modules,
    names_of_textual,
    static_figures,
    twin_classes,
)


def test_the_structure_keeps_its_figures() -> None:
    assert above_limits(static_figures()) == {}, (
        *(circles(), twin_classes(), names_of_textual()),
        *(lone_modules(), large_constructors()),
    )


def test_a_poll_a_key_and_a_command_enter_few_files() -> None:
    files = entered()

    assert above_limits(entered_figures(files)) == {}, files


SCRIPT = Path(__file__).parent / "support" / "house.py"


def test_it_ends_without_a_traceback_when_its_reader_goes_away() -> None:
    far, near = os.pipe()
    os.close(far)
    with os.fdopen(near, "wb") as closed:
        done = subprocess.run(
            [sys.executable, SCRIPT, "--help"],
            env={},
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (141, b"")


def test_it_says_what_is_not_installed() -> None:
    without = "import sys, runpy; sys.modules['pyte'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    support = {"PYTHONPATH": str(SCRIPT.parent)}
    done = subprocess.run(
        [sys.executable, "-c", without, SCRIPT],
        env=support,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pyte is not installed for ")
    assert done.stderr.count("\n") == 1
