"""A status bar shows in one line how the stored list stands, and follows it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from journey import PATIENCE, SCRIPT, Home

from wfinspect.simulator import DEMO_IDS, Simulator


@contextmanager
def follower(home: Home) -> Iterator[subprocess.Popen[str]]:
    """The command that never ends by itself, its lines in a pipe."""
    with subprocess.Popen(
        [SCRIPT, "status", "--short", "--follow"],
        env={"HOME": str(home.path), "PATH": "/usr/bin:/bin", **home.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert isinstance(process.stdout, IO) or process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_a_line_comes_at_each_change_of_the_list(home: Home, simulator: Simulator) -> None:
    ids = DEMO_IDS[:3]
    for number in ids:
        simulator.set_status(number, "Running")
    with follower(home) as bar:
        assert next_line(bar) == ""  # an empty list, and no file before
        with home.start(*ids) as app:
            app.wait_for(r"▸ 3 [\s\S]*Running")
            lines = iter(lambda: next_line(bar), None)
            assert next(line for line in lines if line.startswith(">")) == ">3"
            simulator.set_status(ids[0], "Failure")
            assert next_line(bar) == "X1 >2 !1"
            app.quit()
        short = home.run("status", "--short")
        assert (short.returncode, short.stdout) == (1, "X1 >2 !1\n")
        bar.send_signal(signal.SIGTERM)
        assert (bar.wait(PATIENCE), bar.stderr and bar.stderr.read()) == (143, "")


def test_it_ends_when_nothing_reads_it_any_more(home: Home) -> None:
    with follower(home) as bar:
        assert next_line(bar) == ""
        assert bar.stdout is not None
        bar.stdout.close()
        assert bar.wait(PATIENCE) == 141
        assert bar.stderr is not None
        assert bar.stderr.read() == ""


def test_it_follows_the_list_alone(home: Home) -> None:
    refused = home.run("status", "--follow")
    assert (refused.returncode, "--short" in refused.stderr) == (2, True)
