"""A status bar shows in one line how the stored list stands, and follows it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO

import pytest
from fakes import instance, key, listed
from journey import PATIENCE, SCRIPT, Home

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.store import Changes, Store


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
    home.hurry()
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


@pytest.mark.parametrize(
    ("config", "variables", "line"),
    [
        ("interval = 1200", {}, "X1 >1"),
        ("interval = 2", {}, "X1 >1? (3m)"),
        ('# mine\nregion = "cn-beijing"\n\ninterval = 2', {}, "X1 >1? (3m)"),
        ("[notify]\nbell = false", {}, "X1 >1? (3m)"),
        ('state_dir = "$HOME/elsewhere"', {}, ""),
        ("interval = 2", {"WFINSPECT_INTERVAL": "1200"}, "X1 >1"),
        ("interval = 2", {"WFINSPECT_CONFIG": "~/other.toml"}, "X1 >1"),
        ("interval = 1200", {"WFINSPECT_STATE_DIR": "~/elsewhere"}, ""),
        ("interval = -1", {}, None),
        ("interval = 1200", {"WFINSPECT_BUDGET": "0"}, None),
    ],
)
def test_settings_decide_as_for_all_commands(
    home: Home, config: str, variables: dict[str, str], line: str | None
) -> None:
    read_at = datetime.now(UTC) - timedelta(minutes=3)
    rows = [
        listed(key(n), n, instance=instance(n, status), read_at=read_at)
        for n, status in enumerate(("Running", "Failure"), 1)
    ]
    store = Store(home.path / ".local/state/wfinspect", lambda: read_at)
    store.save(Changes(added={row.key: row for row in rows}))
    store.close()
    home.write(".config/wfinspect/config.toml", config)
    home.write("other.toml", "interval = 1200")
    home.environ |= variables

    quick = home.run("status", "--short")
    # An option more, and all of the program answers.
    whole = home.run("status", "--short", "--log-level", "WARNING")

    assert (quick.returncode, quick.stdout, quick.stderr) == (
        whole.returncode,
        whole.stdout,
        whole.stderr,
    )
    assert quick.stdout == ("" if line is None else f"{line}\n")
    assert (quick.returncode == 2) == (line is None)
