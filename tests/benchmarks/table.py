"""The whole table of figures, measured on this machine: run it on a quiet one.

``table.py`` takes about twenty minutes and prints the table as markdown; ``--write`` puts it into
RESULTS.md beside it, and the ratios that README.md quotes there. Ends with 1 if a figure is missed.
"""

import argparse
import os
import platform
from collections.abc import Callable
from pathlib import Path

import commands
import day
import edits
import faults
import follows
import frames
import hardship
import kills
import night
import peers
import round as rounds
import scale
import sdk
import soak
import terminal
import views
from bench import Figures, Line
from readme_blocks import write_measured

from wfinspect.clock import SystemClock

QUICK_SOAK_HOURS = 0.4

Measured = tuple[str, list[Line]]
"""A benchmark's name and its figures."""


def collected(tell: Callable[[Figures], object]) -> list[Line]:
    """The figures of a benchmark that is given where to tell them."""
    figures = Figures()
    tell(figures)
    return figures.lines


def of_terminal(parts: dict[str, terminal.Part]) -> list[Line]:
    """The figures of benchmarks that tell those of the terminal's."""
    terminal.figures.lines.clear()
    terminal.tell(parts)
    return list(terminal.figures.lines)


def measured(*, is_long: bool, directory: Path | None) -> list[Measured]:
    """Run everything, one after the other."""
    hours = soak.HOURS if is_long else QUICK_SOAK_HOURS
    found = [
        ("terminal", of_terminal(terminal.PARTS)),
        ("frames", collected(frames.tell)),
        ("views", of_terminal(views.PARTS)),
        ("commands", collected(commands.tell)),
        ("round", collected(rounds.tell)),
        ("scale", collected(scale.tell)),
        ("sdk", collected(sdk.tell)),
        ("night", collected(night.tell)),
        ("peers", collected(lambda figures: peers.tell(figures, directory))),
        ("soak", collected(lambda figures: soak.tell(figures, hours))),
    ]
    if is_long:
        found += [
            ("hardship", of_terminal(hardship.PARTS)),
            ("day", collected(day.tell)),
            ("follows", collected(follows.tell)),
            ("faults", collected(faults.tell)),
            ("kills", collected(kills.tell)),
            ("edits", collected(edits.tell)),
        ]
    return found


def markdown(found: list[Measured]) -> str:
    """The table, with the machine and the date above it."""
    cores, python = os.cpu_count(), platform.python_version()
    lines = [
        f"On {cores} cores, Python {python}, {SystemClock().now():%Y-%m-%d}:",
        "",
        "| what | figure | limit | | `tests/benchmarks/` |",
        "|---|---|---|---|---|",
    ]
    for name, figures in found:
        for line in figures:
            what = (
                line.what.strip() if line.what == line.what.lstrip() else f"... {line.what.strip()}"
            )
            verdict = ("" if line.holds else "**missed**") if line.limit else ""
            lines.append(f"| {what} | {line.measured} | {line.limit} | {verdict} | `{name}.py` |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and write if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument(
        "--long", action="store_true", help="the long soak, and what only goes by real time"
    )
    parser.add_argument(
        "--with-peers", type=Path, metavar="DIR", help="compare with programs installed in DIR/NAME"
    )
    args = parser.parse_args()
    directory = args.with_peers and args.with_peers.resolve()
    found = measured(is_long=args.long, directory=directory)
    table = markdown(found)
    print(f"\n{table}")
    if args.write:
        write_measured(table)
    return 0 if all(line.holds for _, figures in found for line in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
