"""Builds the wheel, installs it offline in an empty environment, and uses it as a person would.

Run as a script; it needs pip's index once, to gather the wheels that wfinspect depends on.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pty_session import PtySession

ROOT = Path(__file__).parents[2]
CONSUMER = """\
from wfinspect.parsing import parse_ids
from wfinspect.model import InstanceId

first: InstanceId = parse_ids("1,2")[0]
"""
"""Fails in strict mode where the wheel has no types."""


def run(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(map(str, command))}: {done.returncode}\n{done.stderr}")
    return done.stdout


def install(here: Path) -> Path:
    """Give the folder of the programs installed."""
    house, python = here / "wheelhouse", here / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "-q")
    run(*pip, "wheel", "-w", house, ROOT, cwd=here, env=os.environ)
    run(sys.executable, "-m", "venv", here / "venv", cwd=here, env=os.environ)
    # Without settings of pip's own: they might name places to look for wheels.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    offline = ("--no-index", "--find-links", house)
    env = alone | {"PIP_CONFIG_FILE": os.devnull}
    run(python, "-m", "pip", "-q", "install", *offline, "wfinspect", cwd=here, env=env)
    return python.parent


def show_demo(program: Path, here: Path) -> None:
    with PtySession([str(program), "demo"], home=here) as session:
        session.wait_for("10432987165")
        session.press("q")
        assert session.wait_exit() == 0
        assert session.modes_left_on() == []


def get_from_simulator(program: Path, here: Path, env: dict[str, str]) -> None:
    with subprocess.Popen(
        [program, "simulate"], cwd=here, env=env, stdout=subprocess.PIPE, text=True
    ) as simulator:
        assert simulator.stdout is not None
        exported = dict(env)
        for line in simulator.stdout:
            words = shlex.split(line)
            if words[:1] == ["export"]:
                name, _, value = words[1].partition("=")
                exported[name] = value
            elif words[:2] == ["#", "Try:"]:
                break
        told = run(program, *words[3:], "--field", "Status", cwd=here, env=exported)
        assert told.strip() in {"Running", "Success", "Failure"}, told
        simulator.send_signal(signal.SIGINT)
        assert simulator.wait(10) == 128 + signal.SIGINT


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        programs = install(here)
        program = programs / "wfinspect"
        env = {"HOME": str(here), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        version = run(program, "--version", cwd=here, env=env)
        listed = run(program, "help", cwd=here, env=env).split("\n\n")[1]
        for line in listed.splitlines():
            run(program, "help", line.split()[0], cwd=here, env=env)
        show_demo(program, here)
        get_from_simulator(program, here, env)
        (here / "consumer.py").write_text(CONSUMER)
        typed = ("--strict", "--config-file=", "--python-executable", programs / "python")
        run(sys.executable, "-m", "mypy", *typed, "consumer.py", cwd=here, env=env)
        print(
            f"{version.strip()}: installed offline from its wheel; demo, simulate, get, help, types"
        )


if __name__ == "__main__":
    main()
