"""``wfinspect help`` and ``completion``: what the program prints of itself."""

import argparse
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from io import StringIO
from itertools import pairwise
from shutil import get_terminal_size, which
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from wfinspect.commands import COMMANDS, TOPICS
from wfinspect.errors import UsageError, did_you_mean
from wfinspect.settings import Settings

if TYPE_CHECKING:
    from rich.markdown import Markdown


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
        made = resources.files("wfinspect.commands").joinpath("generated")
        print(made.joinpath(f"completion.{args.shell}").read_text("utf-8"), end="")
        return 0
    topic = "-".join(args.topic)
    if not topic:
        text = _list_of_pages()
    elif topic in TOPICS:
        text = as_plain_text(page(topic), _width())
    else:
        hint = did_you_mean(topic, (*TOPICS, *COMMANDS), f"there are {', '.join(TOPICS)}.")
        raise UsageError(f"There is no page {topic[:40]!r}: {hint}")
    is_long = text.count("\n") >= get_terminal_size().lines
    pager = _pager(environ) if is_long and sys.stdout.isatty() else None
    code = _through(pager, text, environ) if pager else None
    if code is None:
        print(text, end="")
    return code or 0


def page(topic: str) -> str:
    """Return the Markdown of a topic."""
    return resources.files("wfinspect").joinpath("help", f"{topic}.md").read_text("utf-8")


def _list_of_pages() -> str:
    lines = ["wfinspect help TOPIC prints one of these pages:", ""]
    for topic in TOPICS:
        heading, _, _ = page(topic).partition("\n")
        lines.append(f"  {topic:<12}  {heading.partition(': ')[2]}")
    return "\n".join(
        [*lines, "", "wfinspect --help lists the commands; COMMAND --help has its options.\n"]
    )


_WIDTH = 80
_MAX_WIDTH = 100  # longer lines are hard to read


def _width() -> int:
    if not sys.stdout.isatty():
        return _WIDTH
    return min(get_terminal_size().columns, _MAX_WIDTH)


_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
# Of pages here: a path is of no use without the repository, and each names its topic in words.
_LINK = re.compile(r"\[([^]]+)\]\((?!http)[^)]*\)")
_BULLET = re.compile(r"^( *) • ", re.MULTILINE)


def as_plain_text(text: str, width: int) -> str:
    """Return Markdown as plain text: wrapped, but for code, and without a control character."""
    from rich.console import Console

    parsed = _page_class()(_LINK.sub(r"\1", _COMMENT.sub("", text)), hyperlinks=False)
    for before, token in pairwise(parsed.parsed):
        if before.type not in {"td_open", "th_open"}:
            for part in token.children or ():
                # Without a colour, what is code would read as words of the sentence.
                part.content = f"`{part.content}`" if part.type == "code_inline" else part.content
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False)
    with console.capture() as printed:
        console.print(parsed, crop=False)
    lines = [line.rstrip() for line in _BULLET.sub(r"\1 - ", printed.get()).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip("\n")) + "\n"


def _page_class() -> "type[Markdown]":
    """Return rich's Markdown with headings, code and tables as plain text has them."""
    # 150 ms, of which neither `completion` nor the list of pages has any use.
    from rich.box import Box
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import CodeBlock, Heading, Markdown, TableElement
    from rich.segment import Segment
    from rich.table import Table

    class PlainHeading(Heading):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            self.text.justify = "left"
            yield self.text
            length = min(self.text.cell_len, options.max_width)
            yield Segment(("=" if self.tag == "h1" else "-") * length + "\n")

    class PlainCode(CodeBlock):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for line in str(self.text).rstrip().splitlines():
                yield Segment(f"  {line}\n")

    # Only the line below the titles is drawn.
    box = Box("    \n    \n -  \n    \n    \n    \n    \n    \n", ascii=True)

    class PlainTable(TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            table = Table(box=box, show_edge=False, pad_edge=False, collapse_padding=True)
            for cell in self.header.row.cells if self.header and self.header.row else ():
                table.add_column(cell.content, overflow="fold")
            for row in self.body.rows if self.body else ():
                table.add_row(*(cell.content for cell in row.cells))
            yield table

    class PlainPage(Markdown):
        elements = Markdown.elements | {
            "heading_open": PlainHeading,
            "fence": PlainCode,
            "table_open": PlainTable,
        }

    return PlainPage


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
