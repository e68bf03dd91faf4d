"""What the views that answer the next question cost a person: many tasks, a log of 32 MiB.

Run it with ``.venv/bin/python tests/benchmarks/views.py [NAME ...]`` on a quiet machine.
"""

import statistics
import time
from pathlib import Path

from terminal import APP, main, report, session

from wfinspect.simulator import BIG_LOG_TASK_ID, MANY_TASKS_ID, Simulator
from wfinspect.simulator.fleet import BIG_LOG_ID
from wfinspect.simulator.service import ServedCall

ROUNDS = 9
PAGES = 100
_PAGE_UP, _PAGE_DOWN = "\x1b[5~", "\x1b[6~"


def tasks(home: Path, env: dict[str, str], simulator: Simulator) -> None:
    """From the service's answer with 500 tasks to the first screen of them."""
    answered: list[float] = []
    add = simulator.calls.add

    def note(call: ServedCall) -> None:
        if call.action == "ListTaskInstances":
            answered.append(time.perf_counter())
        add(call)

    simulator.calls.add = note  # type: ignore[method-assign]
    seconds = []
    for number in range(ROUNDS):
        with session([*APP, str(MANY_TASKS_ID)], env, home / f"one{number}") as running:
            running.wait_for("live")
            running.press("t")
            running.wait_for(r"/500 done", 30.0)
            seconds.append(time.perf_counter() - answered[-1])
            running.press("ctrl+q")
            running.wait_exit(10.0)
    shown = statistics.median(seconds) * 1000
    report(
        f"500 tasks: answer to first screen, median of {ROUNDS}",
        f"{shown:.0f} ms",
        "<= 300 ms",
        holds=shown <= 300,
    )


def log(home: Path, env: dict[str, str], _: Simulator) -> None:
    """A log of 32 MiB: from the key to its end on the screen, then a page after the other."""
    pages = []
    with session([*APP, str(BIG_LOG_ID)], env, home) as running:
        running.wait_for("live")
        running.press("t")
        # The cursor is on it: the line below the list names the task.
        running.wait_for(rf" {BIG_LOG_TASK_ID},")
        begun = time.perf_counter()
        running.press("l")
        running.wait_for(r"line ([\d,]+) of \1 ", 30.0)
        opened = time.perf_counter() - begun
        for number in range(2 * PAGES):
            running.read_for(0.06)
            begun = time.perf_counter()
            running.press(_PAGE_UP if number < PAGES else _PAGE_DOWN)
            running.read_some(2.0)
            pages.append(time.perf_counter() - begun)
        running.press("ctrl+q")
        running.wait_exit(10.0)
    p95 = statistics.quantiles(pages, n=20)[-1] * 1000
    report("log of 32 MiB: key to its end", f"{opened:.2f} s", "<= 2 s", holds=opened <= 2.0)
    report("log of 32 MiB: a page, p95", f"{p95:.1f} ms", "<= 60 ms", holds=p95 <= 60)


PARTS = {"tasks": tasks, "log": log}


if __name__ == "__main__":
    main(PARTS, __doc__)
