"""What a terminal does to the app: nobody reads it, it is left to a shell, it ends. Prints a table; a missed figure exits 1.

Run it with ``.venv/bin/python tests/benchmarks/hardship.py [NAME ...]`` on a quiet machine.
"""

import shlex
import signal
import time
from pathlib import Path

import psutil
from terminal import APP, PtySession, main, python, report, session

from wfinspect.simulator import Simulator

BROKEN = python(str(Path(__file__).parents[1] / "support" / "crash_site.py"), "command")
"""The app with a bug in the command for help."""


def stalled(home: Path, env: dict[str, str], simulator: Simulator) -> None:
    """Calls made while nobody reads the terminal, or slowly, for 60 seconds each; memory, and what follows."""
    # All of the fleet's groups want more than two calls a second, so the limit itself sets the pace:
    # enough calls for a percent to be more than one of them.
    for one in simulator.ids:
        simulator.set_status(one, "Running")
    ids = ",".join(map(str, simulator.ids))
    with session([*APP, ids, "--interval", "2", "--budget", "200000"], env, home) as running:
        running.wait_for("live")
        running.read_for(30.0)
        before = simulator.calls.count()
        running.read_for(60.0)
        read = simulator.calls.count() - before
        for how, rate, status in (
            ("unread", 0, "Failure"),
            ("read at 10 KB/s", 10_000, "Checking"),
        ):
            before = simulator.calls.count()
            process = psutil.Process(running.process.pid)
            memory = process.memory_info().rss
            # Each resize makes the app draw everything, so that its pipe fills up.
            end = time.monotonic() + 60
            while time.monotonic() < end:
                if time.monotonic() > end - 30:
                    simulator.set_status(simulator.ids[0], status)
                running.resize(80 + int(time.monotonic()) % 2, 24)
                time.sleep(0.25)
                if rate:
                    running.read_some(0.0, most=rate // 4)
            made = simulator.calls.count() - before
            grown = (process.memory_info().rss - memory) / 2**20
            begun = time.perf_counter()
            running.wait_for(status)
            shown = time.perf_counter() - begun
            share = made / max(1, read)
            report(
                f"polls with the terminal {how} / read, 60 s each",
                f"{share:.0%} ({made}/{read})",
                ">= 98%",
                holds=share >= 0.98,
            )
            report("  memory grown meanwhile", f"{grown:.1f} MB", "<= 4 MB", holds=grown <= 4.0)
            report(
                "  read again: what changed is shown",
                f"{shown:.2f} s",
                "<= 2 s",
                holds=shown <= 2.0,
            )
        running.press("ctrl+q")
        running.wait_exit(10.0)


def stop_and_end(running: PtySession) -> None:
    """Stop the program for a moment, as `kill -STOP` does, then end it as a person does."""
    running.signal(signal.SIGSTOP)
    running.read_for(0.1)
    running.signal(signal.SIGCONT)
    running.read_for(0.5)
    running.press("ctrl+q")


def endings(home: Path, env: dict[str, str], _: Simulator) -> None:
    """Eight ways to end, 20 times each: restored, and within 2 seconds."""
    ways = {
        "ctrl+q": (lambda s: s.press("ctrl+q"), 0),
        "TERM": (lambda s: s.signal(signal.SIGTERM), 143),
        "HUP": (lambda s: s.signal(signal.SIGHUP), 129),
        "INT": (lambda s: s.signal(signal.SIGINT), 130),
        "ctrl+c twice": (lambda s: s.press("ctrl+c", "ctrl+c"), 0),
        "line cut": (lambda s: s.close_master(), 129),
        "crash": (lambda s: s.press("?"), 70),
        "STOP, CONT, ctrl+q": (stop_and_end, 0),
    }
    env["TEST_SECRET"] = "none"  # what the bug would quote
    for name, (end, code) in ways.items():
        worst, bad = 0.0, 0
        for _round in range(20):
            with session(BROKEN if name == "crash" else APP, env, home) as running:
                running.wait_for("type or paste")
                begun = time.perf_counter()
                end(running)
                ended = running.wait_exit(10.0)
                worst = max(worst, time.perf_counter() - begun)
                is_clean = name == "line cut" or (
                    not running.modes_left_on() and running.termios() == running.termios_before
                )
                bad += not (ended == code and is_clean)
        report(
            f"ending by {name}, 20 times: wrong, slowest",
            f"{bad}, {worst:.2f} s",
            "0, <= 2 s",
            holds=bad == 0 and worst <= 2.0,
        )


def stopped(home: Path, env: dict[str, str], simulator: Simulator) -> None:
    """Stop the program from the keyboard and continue it as a shell does, 20 times."""
    settled = simulator.ids[0]
    simulator.set_status(settled, "Success")
    env |= {"PS1": "PROMPT> "}
    # A line editor of the shell's own would set the terminal up anew at each prompt.
    with session(["bash", "--norc", "--noediting", "-i"], env, home) as shell:
        shell.wait_for("PROMPT> ")
        shell.send(f"{shlex.join([*APP, str(settled)])}\n".encode())
        shell.wait_for("live")
        shell.read_for(3.0)
        modes, attributes, screen = shell.modes_left_on(), shell.termios(), shell.text()
        bad, worst = 0, 0.0
        for _round in range(20):
            shell.press("ctrl+z")
            shell.wait_for_bytes(rb"Stopped.*PROMPT> ")
            bad += shell.modes_left_on() != [] or shell.termios() != shell.termios_before
            shell.forget()
            begun = time.perf_counter()
            shell.send(b"fg\n")
            shell.wait_for("live")
            worst = max(worst, time.perf_counter() - begun)
            shell.read_for(0.5)
            now = (shell.modes_left_on(), shell.termios(), shell.text())
            bad += now != (modes, attributes, screen)
        shell.press("ctrl+q")
        shell.wait_for_bytes(rb"1049l.*PROMPT> ")
        bad += shell.modes_left_on() != [] or shell.termios() != shell.termios_before
    report(
        "ctrl+z and fg, 20 times: wrong modes or screens, slowest",
        f"{bad}, {worst:.2f} s",
        "0, <= 2 s",
        holds=bad == 0 and worst <= 2.0,
    )


PARTS = {"stalled": stalled, "stopped": stopped, "endings": endings}


if __name__ == "__main__":
    main(PARTS, __doc__)
