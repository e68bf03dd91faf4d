"""The scripts that `wfinspect help scripts` shows, run as they stand there; the units of `help systemd`."""

import re
import subprocess
import sys
from collections.abc import Callable
from configparser import RawConfigParser
from pathlib import Path
from shutil import which

import pytest
from fakes import listed
from readme_blocks import PAGES

from wfinspect.model import InstanceId, InstanceKey, Target
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching.store import Changes, Store

SCRIPTS = dict(
    re.findall(
        r"<!-- script: (\S+) -->\n```sh\n(.*?)```", PAGES["scripts"].read_text("utf-8"), re.DOTALL
    )
)
PROGRAMS = Path(sys.executable).parent
UNITS = dict(
    re.findall(
        r"```\n# ~/.config/systemd/user/(\S+)\n(.*?)```",
        PAGES["systemd"].read_text("utf-8"),
        re.DOTALL,
    )
)

Run = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    """Runs a script; the programs it calls are there, and write down that they were."""
    for name in ("load-report", "post-to-chat"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name}\ntest -t 0 || cat\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "nightly.txt").write_text(f"{DEMO_IDS[0]}\n{DEMO_IDS[1]}  # the orders\n")
    path = {"PATH": f"{tmp_path}:{PROGRAMS}:/usr/bin:/bin"}

    def run(name: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["/bin/sh", "-c", SCRIPTS[name]],
            cwd=tmp_path,
            env=environ | path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("status", "code", "out"), [("Success", 0, "load-report\n"), ("Failure", 1, "")]
)
def test_a_report_is_loaded_after_a_success_only(
    run: Run, live: Simulator, status: str, code: int, out: str
) -> None:
    live.set_status(10432987165, status)

    done = run("after-the-run")

    assert (done.returncode, done.stdout.partition("\n")[2]) == (code, out)
    assert ("no report today" in done.stderr) == (code == 1)


@pytest.mark.parametrize("status", ["Success", "Failure"])
def test_the_first_failure_is_posted(run: Run, live: Simulator, status: str) -> None:
    live.set_status(DEMO_IDS[0], "Success")
    live.set_status(DEMO_IDS[1], status)

    done = run("first-failure")

    assert done.returncode == 0
    assert done.stdout.split()[:1] == (["post-to-chat"] if status == "Failure" else [])
    assert (str(DEMO_IDS[1]) in done.stdout) == (status == "Failure")


@pytest.mark.parametrize(("status", "lines"), [("Running", 0), ("Failure", 1), ("refused", 4)])
def test_cron_mails_failures_and_trouble_alone(
    run: Run, live: Simulator, target: Target, store: Store, status: str, lines: int
) -> None:
    keys = [InstanceKey(target, InstanceId(number)) for number in DEMO_IDS[:2]]
    store.save(Changes(added={key: listed(key, 0.0) for key in keys}))
    live.set_status(DEMO_IDS[0], "Running")
    live.set_status(DEMO_IDS[1], "Failure" if status == "Failure" else "Running")
    if status == "refused":
        live.faults.add("403030")

    mailed = run("cron").stdout

    assert len(mailed.splitlines()) == lines
    assert (str(DEMO_IDS[1]) in mailed) == (status != "Running")


def test_the_entry_for_cron_is_a_line_that_needs_no_more_than_cron_gives(
    tmp_path: Path,
) -> None:
    [(name, file, entry)] = re.findall(
        r"```\n(\w+)=(.*)\n\* \* \* \* \* (.*)\n```\n", PAGES["scripts"].read_text("utf-8")
    )
    program = tmp_path / ".local/bin/wfinspect"
    program.parent.mkdir(parents=True)
    program.symlink_to(PROGRAMS / "wfinspect")

    done = subprocess.run(
        ["/bin/sh", "-c", entry],
        cwd="/",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", name: f"{tmp_path}/{Path(file).name}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "# TYPE wfinspect_instances gauge\n" in (tmp_path / "wf.prom").read_text("utf-8")


def test_each_unit_is_whole() -> None:
    assert list(UNITS) == ["wfinspect.service", "wfinspect-watch.service", "wfinspect-watch.timer"]
    fields = {}
    for name, text in UNITS.items():
        unit = RawConfigParser()
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        fields[name] = {key: unit[part][key] for part in unit.sections() for key in unit[part]}
    forever, nightly, timer = fields.values()
    assert (forever["Restart"], forever["WantedBy"]) == ("always", "default.target")
    assert (nightly["Restart"], timer["WantedBy"]) == ("on-failure", "timers.target")
    usage = subprocess.run(
        [PROGRAMS / "wfinspect", "watch", "--help"], capture_output=True, check=True
    )
    for each in (forever, nightly):
        program, command, *words = each["ExecStart"].split()
        assert (program, command) == ("%h/.local/bin/wfinspect", "watch")
        assert {word for word in words if word.startswith("--")} <= set(
            usage.stdout.decode().split()
        )


ANALYZE = which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_each_unit_is_verified_by_systemd(name: str, tmp_path: Path) -> None:
    for each, text in UNITS.items():
        (tmp_path / each).write_text(text.replace("%h/.local/bin/wfinspect", "/bin/true"))

    done = subprocess.run(
        [str(ANALYZE), "verify", "--user", tmp_path / name],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
