"""``wfinspect completion``: a script that makes a shell complete commands, options and values."""

import argparse
from collections.abc import Mapping
from importlib import resources

from wfinspect.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    shells = ("bash", "zsh", "fish")
    parser.add_argument("shell", choices=shells, metavar="SHELL", help="bash, zsh or fish")


def run(args: argparse.Namespace, _settings: Settings, _environ: Mapping[str, str]) -> int:
    """Print the script."""
    # Made ahead by tests/support/generated.py.
    text = resources.files("wfinspect.commands").joinpath("generated", f"completion.{args.shell}")
    print(text.read_text("utf-8"), end="")
    return 0
