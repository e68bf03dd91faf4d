"""``wfinspect help`` and ``completion``: what the program prints of itself."""

import argparse
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from shutil import get_terminal_size, which
from tempfile import TemporaryFile

from wfinspect.commands import COMMANDS, TOPICS
from wfinspect.errors import UsageError, did_you_mean
from wfinspect.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    if parser.get_default("command") == "completion":
        shells = ("bash", "zsh", "fish")
        parser.add_argument("shell", choices=shells, metavar="SHELL", help="bash, zsh or fish")
    else:
        parser.add_argument("topic", nargs="*", metavar="TOPIC", help="the page to print")


def run(args: argparse.Namespace, _settings: Settings | None, environ: Mapping[str, str]) -> int:
    """Print a page, through a pager where it is longer than the terminal; without a topic the list."""
    if args.command == "completion":
        # With options; without, `__main__` prints it, and imports nothing of this.
        print(_made_ahead(f"completion.{args.shell}"), end="")
        return 0
    topic = "-".join(args.topic)
    if topic and topic not in TOPICS:
        hint = did_you_mean(topic, (*TOPICS, *COMMANDS), f"there are {', '.join(TOPICS)}.")
        raise UsageError(f"There is no page {topic[:40]!r}: {hint}")
    text = _made_ahead(f"page-{topic}.txt" if topic else "pages.txt")
    is_long = text.count("\n") >= get_terminal_size().lines
    pager = _pager(environ) if is_long and sys.stdout.isatty() else None
    code = _through(pager, text, environ) if pager else None
    if code is None:
        print(text, end="")
    return code or 0


def _made_ahead(name: str) -> str:
    """Return a text that tests/support/generated.py has made of what the program has."""
    made = resources.files("wfinspect.commands").joinpath("generated", name)
    return made.read_text("utf-8")


def _pager(environ: Mapping[str, str]) -> list[str] | None:
    """Return the command line of the pager; None where text is to be printed as it is."""
    if environ.get("TERM", "dumb") == "dumb":
        return None
    if "PAGER" in environ:
        try:
            return shlex.split(environ["PAGER"]) or None
        except ValueError:  # a quote that is not closed
            return None
    # -F ends where all fits, -R lets colours through, -X leaves the text on the screen.
    known = (["less", "-FRX"], ["more"])
    return next((command for command in known if which(command[0])), None)


def _through(pager: list[str], text: str, environ: Mapping[str, str]) -> int | None:
    """Show a text with a pager and return the exit code; None where it can't be started."""
    # Ctrl-C is the pager's: less only stops what it does, more ends.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # A file, unlike a pipe, takes all at once, and does not mind a reader that has ended.
        with TemporaryFile(
            "w+", encoding=sys.stdout.encoding, errors="backslashreplace"
        ) as printed:
            printed.write(text)
            printed.seek(0)
            ended = subprocess.run(  # noqa: S603 - the user's own program
                pager, stdin=printed, env={"LESS": "FRX"} | dict(environ), check=False
            )
    except OSError:
        return None
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return 128 + signal.SIGINT if ended.returncode == -signal.SIGINT else 0
