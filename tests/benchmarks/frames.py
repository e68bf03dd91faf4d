"""What a terminal is sent, against the least that could draw the same frames. A missed figure exits 1.

The least encoding sends only cells that differ, keeps one pen over all frames, ignores the foreground
of blanks, erases runs of blanks, and takes the shorter of an absolute and a relative move.
"""

import re
import statistics
import tempfile
import time
from pathlib import Path

import pyte
from bench import Figures, main
from pty_session import PtySession, feedable, python

from wfinspect.clock import SystemClock
from wfinspect.simulator import Simulator

APP = python("-m", "wfinspect")
MOST_AT_START = {(80, 24): 8000, (160, 48): 9500}
MOST_OF_A_MOVE = {
    (80, 24): 450
}  # beside the detail, which follows the cursor, it costs what changes there
STATUSES = ("Success", "Failure", "WaitTime")
ROUNDS = 9
QUIET_SECONDS = 0.7
TOUR = (
    "down",
    "down",
    "enter",
    "?",
    "escape",
    "/",
    "d",
    "escape",
    "t",
    "escape",
    "h",
    "escape",
    "z",
)
STORED = 30
_SYNC_BYTES = 16  # begin and end of a synchronised update

Cell = tuple[str, str, str, str]
"""Character, foreground, background, other attributes; those of a blank that can be seen."""


def least(log: bytes, size: tuple[int, int]) -> int:
    """Return the bytes that would have drawn the frames of a log; a frame ends with its synchronised update."""
    screen = pyte.Screen(*size)
    stream = pyte.Stream(screen)
    columns, rows = size
    shown: dict[int, list[Cell]] = {}
    pen: Cell = ("", "?", "?", "?")
    total = 0
    for frame in re.split(rb"(?<=\x1b\[\?2026l)", log):
        stream.feed(feedable(frame.decode("utf-8", "replace")))
        cost, at = 0, (-1, -1)
        for y in range(rows):
            line = [_cell(screen.buffer[y][x]) for x in range(columns)]
            old = shown.get(y)
            shown[y] = line
            x = 0
            while old != line and x < columns:
                if old and old[x] == line[x]:
                    x += 1
                    continue
                cost += _move_cost(at, (x, y))
                change, pen = _pen_cost(pen, line[x])
                cost += change
                run = 1
                if line[x][0] == " " and not line[x][3]:
                    while x + run < columns and line[x + run] == line[x]:
                        run += 1
                    is_last = x + run == columns
                    erased = "\x1b[K" if is_last else f"\x1b[{run}X\x1b[{run}C"
                    cost += min(run, len(erased))
                else:
                    cost += len(line[x][0].encode())
                x += run
                at = (x, y) if x < columns else (-1, -1)
        total += cost + _SYNC_BYTES * bool(cost)
    return total


def _cell(cell: pyte.screens.Char) -> Cell:
    lines = "u" * cell.underscore + "r" * cell.reverse + "s" * cell.strikethrough
    if cell.data == " " and not lines:
        return " ", "", cell.bg, ""
    return cell.data, cell.fg, cell.bg, "b" * cell.bold + "i" * cell.italics + lines


def _move_cost(at: tuple[int, int], to: tuple[int, int]) -> int:
    if at == to:
        return 0
    absolute = len(f"\x1b[{to[1] + 1};{to[0] + 1}H")
    return min(absolute, len(f"\x1b[{to[0] - at[0]}C")) if at[1] == to[1] else absolute


def _pen_cost(pen: Cell, cell: Cell) -> tuple[int, Cell]:
    """Return the bytes of the attributes that change, and the pen after them."""
    is_blank = cell[0] == " " and not cell[3]
    foreground = pen[1] if is_blank else cell[1]
    others = "".join(c for c in pen[3] if c in "bi") if is_blank else cell[3]
    codes = [_colour(foreground, 3)] if foreground != pen[1] else []
    codes += [_colour(cell[2], 4)] if cell[2] != pen[2] else []
    for sign, on, off in (("b", "1", "22"), ("i", "3", "23"), ("u", "4", "24"), ("r", "7", "27")):
        if (sign in others) != (sign in pen[3]):
            codes.append(on if sign in others else off)
    cost = 3 + len(";".join(codes)) if codes else 0
    return cost, ("", foreground, cell[2], others)


def _colour(name: str, kind: int) -> str:
    if re.fullmatch("[0-9a-f]{6}", name):
        return ";".join([f"{kind}8", "2", *(str(int(name[at : at + 2], 16)) for at in (0, 2, 4))])
    return f"{kind}9" if name == "default" else f"{kind}1"


def press(running: PtySession, key: str) -> tuple[float, int]:
    """Press a key; milliseconds until all of its answer was there, and the bytes of that."""
    before, begun = len(running.log), time.monotonic()
    running.press(key)
    took = running.read_until_quiet(QUIET_SECONDS) - begun
    return took * 1000, len(running.log) - before


def measure(figures: Figures, home: Path, simulator: Simulator, size: tuple[int, int]) -> None:
    """Start over a stored list, stand still, move, open help, then go on the tour."""
    name, env = f"{size[0]}x{size[1]}", simulator.environment()
    with PtySession([*APP, *map(str, simulator.ids[:STORED])], home=home, env=env) as running:
        running.wait_for("live")
        running.read_until_quiet(4.0)
        running.press("ctrl+q")
        running.wait_exit()
    calm = [*APP, "--interval", "600", "--no-low-bandwidth"]
    with PtySession(calm, home=home, env=env, size=size) as running:
        running.wait_for("live")
        running.read_until_quiet(QUIET_SECONDS)
        start = len(running.log)
        running.read_until_quiet(2.0)
        settled = len(running.log)
        rest = len(running.read_for(5.0))
        move = statistics.median(press(running, "down")[1] for _ in range(5))
        for key in TOUR:
            press(running, key)
        tour = bytes(running.log)
        help_times = []
        for _ in range(ROUNDS):
            help_times.append(press(running, "?")[0])
            press(running, "escape")
        running.press("ctrl+q")
        running.wait_exit()
    whole, most_start = statistics.median(help_times), MOST_AT_START[size]
    ratio = len(tour) / least(tour, size)
    figures.hold(f"{name}: start with {STORED} stored: bytes", start, most=most_start)
    figures.report(f"{name}: the same until all groups were read again: bytes", f"{settled:,}")
    figures.hold(f"{name}: bytes in 5 s of rest", rest, most=0)
    if size in MOST_OF_A_MOVE:
        figures.hold(f"{name}: cursor move: bytes", move, most=MOST_OF_A_MOVE[size])
    else:
        figures.report(f"{name}: cursor move: bytes", f"{move:,.0f}")
    figures.hold(f"{name}: {len(TOUR)} keys and start: bytes / least", ratio, most=1.15)
    figures.hold(f"{name}: ? complete, median of {ROUNDS}", whole, most=50, unit=" ms")


def tell(figures: Figures) -> None:
    """Measure at both sizes, each time with a home and a service of its own."""
    for size in MOST_AT_START:
        with Simulator(clock=SystemClock()) as simulator, tempfile.TemporaryDirectory() as home:
            # What changes meanwhile would be counted as the keys' own.
            for number, one in enumerate(simulator.ids[:STORED]):
                simulator.set_status(one, STATUSES[number % len(STATUSES)])
            measure(figures, Path(home), simulator, size)


if __name__ == "__main__":
    main(tell)
