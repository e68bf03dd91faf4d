"""The texts in `wfinspect/commands/generated`: the pages of ``--help`` and of ``help``, and scripts of completion.

The program only prints them: to make them takes it 0.15 s, which a shell that loads its completion would
wait for each time it starts. The scripts hold all they need: nothing runs when Tab is pressed.
"""

import argparse
import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unittest import mock

from rich.box import Box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.segment import Segment
from rich.table import Table

import wfinspect
from wfinspect.cli import main
from wfinspect.commands import COMMANDS, TOPICS, module_of
from wfinspect.model import REGIONS
from wfinspect.settings import COLORS, LOG_LEVELS, OPTIONS, THEMES

DIRECTORY = Path(wfinspect.__file__).parent / "commands" / "generated"


def texts() -> dict[Path, str]:
    """What each file should hold."""
    own = {name: _own(name) for name in COMMANDS}
    found = {f"completion.{shell}": make(_common(), own) for shell, make in _SCRIPTS.items()}
    scripts = {DIRECTORY / name: f"{text}\n" for name, text in found.items()}
    pages = {DIRECTORY / f"help-{name}.txt": _help(name) for name in COMMANDS}
    pages |= {DIRECTORY / f"page-{topic}.txt": as_plain_text(_page(topic)) for topic in TOPICS}
    lists = {DIRECTORY / "help.txt": _help(), DIRECTORY / "pages.txt": _list_of_pages()}
    return {**scripts, **pages, **lists}


def _help(*command: str) -> str:
    printed = io.StringIO()
    # As a terminal of 80 columns has it. By itself the option is answered with the file.
    with mock.patch.dict(os.environ, {"COLUMNS": "80"}), contextlib.redirect_stdout(printed):
        assert main([*command, "--help"], {"HOME": "/"}) == 0
    return printed.getvalue()


def _page(topic: str) -> str:
    return DIRECTORY.parents[1].joinpath("help", f"{topic}.md").read_text("utf-8")


def _list_of_pages() -> str:
    lines = ["wfinspect help TOPIC prints one of these pages:", ""]
    for topic in TOPICS:
        heading, _, _ = _page(topic).partition("\n")
        lines.append(f"  {topic:<12}  {heading.partition(': ')[2]}")
    return "\n".join(
        [*lines, "", "wfinspect --help lists the commands; COMMAND --help has its options.\n"]
    )


_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
# Of pages here: a path is of no use without the repository, and each names its topic in words.
_LINK = re.compile(r"\[([^]]+)\]\((?!http)[^)]*\)")
_BULLET = re.compile(r"^( *) • ", re.MULTILINE)
# Only the line below the titles is drawn.
_BOX = Box("    \n    \n -  \n    \n    \n    \n    \n    \n", ascii=True)


def as_plain_text(text: str) -> str:
    """Return Markdown as plain text: wrapped, but for code, and without a control character."""
    parsed = _PlainPage(_LINK.sub(r"\1", _COMMENT.sub("", text)), hyperlinks=False)
    for before, token in pairwise(parsed.parsed):
        if before.type not in {"td_open", "th_open"}:
            for part in token.children or ():
                # Without a colour, what is code would read as words of the sentence.
                part.content = f"`{part.content}`" if part.type == "code_inline" else part.content
    console = Console(file=io.StringIO(), width=80, color_system=None, highlight=False)
    with console.capture() as printed:
        console.print(parsed, crop=False)
    lines = [line.rstrip() for line in _BULLET.sub(r"\1 - ", printed.get()).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip("\n")) + "\n"


class _PlainHeading(Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text
        length = min(self.text.cell_len, options.max_width)
        yield Segment(("=" if self.tag == "h1" else "-") * length + "\n")


class _PlainCode(CodeBlock):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().splitlines():
            yield Segment(f"  {line}\n")


class _PlainTable(TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(box=_BOX, show_edge=False, pad_edge=False, collapse_padding=True)
        for cell in self.header.row.cells if self.header and self.header.row else ():
            table.add_column(cell.content, overflow="fold")
        for row in self.body.rows if self.body else ():
            table.add_row(*(cell.content for cell in row.cells))
        yield table


class _PlainPage(Markdown):
    elements = Markdown.elements | {
        "heading_open": _PlainHeading,
        "fence": _PlainCode,
        "table_open": _PlainTable,
    }


# Values to offer for options whose parser has no list of choices.
_WORDS: Mapping[str, Sequence[str]] = {
    "endpoint": ("public", "vpc"),
    "bizdate": ("today", "yesterday"),
    "color": COLORS,
    "log_level": [level.lower() for level in LOG_LEVELS],
    "region": REGIONS,
    "theme": THEMES,
    "topic": TOPICS,
    "words": ("list", "remove"),
}


_BEFORE_A_FILE = "list import"
_ANY = "ID|TEXT|FILE"
"""What `list` calls its arguments, of which one may be a file."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An option, or an argument without a name, as far as a shell has to know it."""

    flags: Sequence[str]
    """Its spellings; none for an argument without a name."""
    value: str
    """What its value is called; "" for a switch, FILE and DIR for paths."""
    meaning: str
    words: Sequence[str] = ()


def _common() -> list[Argument]:
    """Return the options of all commands."""
    options = [
        Argument(
            (f"--{each.name}",) if each.metavar else (f"--{each.name}", f"--no-{each.name}"),
            each.metavar,
            each.meaning,
            _WORDS.get(each.key, ()),
        )
        for each in OPTIONS
    ]
    return [
        *options,
        Argument(("--version",), "", "print the version"),
        Argument(("-h", "--help"), "", "print what there is"),
    ]


def _own(command: str) -> list[Argument]:
    """Return what a command takes beside those."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.set_defaults(command=command)
    module_of(command).add_arguments(parser)
    return [
        Argument(
            each.option_strings,
            "" if each.nargs == 0 else str(each.metavar or each.dest.upper()),
            "" if each.help == argparse.SUPPRESS else each.help or "",
            tuple(each.choices or _WORDS.get(each.dest, ())),
        )
        for each in parser._actions
    ]


_BASH = r"""# Completion of wfinspect for bash.
_wfinspect() {
    local line=${COMP_LINE:0:COMP_POINT} command='' before='' option='' words='' word
    # Not COMP_WORDS: bash splits words at = and :, too. "$2" is what it will replace.
    local current=${line##*[[:space:]]}
    # A word with blanks, quoted: it can only be a file's name.
    [[ $current == *"$2" ]] || { compopt -o default 2>/dev/null; return; }
    local -a given
    read -ra given <<<"${line%"$current"}"
    for word in "${given[@]:1}"; do
        case $before in
            @VALUED@) ;;
            *) [[ $word == -* || -n $command ]] || command=$word ;;
        esac
        before=$word
    done
    local kept=${current%"$2"}
    if [[ $current == --*=* ]]; then
        option=${current%%=*}=
        before=${current%%=*} current=${current#*=}
    fi
    COMPREPLY=()
    case $command/$before in
@VALUES@
        *)
            case $command/$current in
@OTHERS@
            esac ;;
    esac
    while read -r word; do
        COMPREPLY+=("${word#"$kept"}")
    done < <(compgen -P "$option" -W "$words" -- "$current")
}
complete -F _wfinspect wfinspect"""


def _bash(common: Sequence[Argument], own: Mapping[str, Sequence[Argument]]) -> str:
    def action(option: Argument) -> str:
        if option.words:
            return f"words='{' '.join(option.words)}'"
        kind = {"FILE": "default", "DIR": "dirnames"}.get(option.value)
        return f"compopt -o {kind} 2>/dev/null; return" if kind else "return"

    def long(*arguments: Argument) -> str:
        return " ".join(f for each in arguments for f in each.flags if f.startswith("--"))

    valued: dict[str, None] = {}
    values: dict[str, list[str]] = {}
    offers = {"/*": " ".join(own)}
    for name, arguments in {**own, "*": common}.items():
        for each in arguments:
            if not each.flags and each.words:
                offers[f"{name}/*"] = " ".join(each.words)
            elif each.value:
                valued |= dict.fromkeys(each.flags)
                values.setdefault(action(each), []).extend(f"{name}/{f}" for f in each.flags)
    files = action(Argument(("--file",), "FILE", ""))
    values.setdefault(files, []).append(_BEFORE_A_FILE.replace(" ", "/"))
    flags = {f"{name}/-*": long(*common, *arguments) for name, arguments in own.items()}
    others = {**flags, "*/-*": long(*common), **offers}
    return _filled(
        _BASH,
        valued=["|".join(valued)],
        values=[f"        {'|'.join(where)}) {what} ;;" for what, where in values.items()],
        others=[f"                {where}) words='{words}' ;;" for where, words in others.items()],
    )


_ZSH = r"""#compdef wfinspect
# Completion of wfinspect for zsh.
_wfinspect() {
    local curcontext=$curcontext state line
    local -A opt_args
    local -a common commands
    common=(
@COMMON@
    )
    commands=(
@COMMANDS@
    )
    _arguments -C -A '-*' $common '1: :->command' '*:: :->rest' && return
    case $state in
        command) _describe command commands ;;
        rest)
            case $words[1] in
@OWN@
                *) _arguments $common ;;
            esac ;;
    esac
}
if [[ $funcstack[1] == _wfinspect ]]; then _wfinspect "$@"; else compdef _wfinspect wfinspect; fi"""


def _zsh(common: Sequence[Argument], own: Mapping[str, Sequence[Argument]]) -> str:
    def escaped(text: str) -> str:
        return "".join(f"\\{c}" if c in "\\:[]" else c for c in text)

    def specs(argument: Argument) -> Iterable[str]:
        kind = {"FILE": "_files", "DIR": "_directories", _ANY: "_files"}.get(argument.value, " ")
        if argument.words:
            kind = f"({' '.join(map(escaped, argument.words))})"
        value = f":{escaped(argument.value)}:{kind}" if argument.value else ""
        for flag in argument.flags:
            # An option with a value may be given again.
            first = "*" if value else f"({' '.join(argument.flags)})"
            joint = "=" if value and flag.startswith("--") else ""
            yield shlex.quote(f"{first}{flag}{joint}[{escaped(argument.meaning)}]{value}")
        if not argument.flags:
            # One that has words comes first; of the others one stands for all.
            yield shlex.quote(f"{'1' if argument.words else '*'}{value}")

    return _filled(
        _ZSH,
        common=[f"        {spec}" for each in common for spec in specs(each)],
        commands=[f"        {shlex.quote(f'{name}:{COMMANDS[name].summary}')}" for name in own],
        own=[
            f"                {name}) _arguments $common "
            f"{' '.join(s for a in _without_doubles(some) for s in specs(a))} ;;"
            for name, some in own.items()
        ],
    )


def _without_doubles(arguments: Sequence[Argument]) -> list[Argument]:
    bare = [each for each in arguments if not (each.flags or each.words)]
    return [each for each in arguments if each not in bare[1:]]


def _fish(common: Sequence[Argument], own: Mapping[str, Sequence[Argument]]) -> str:
    def line(condition: str, argument: Argument) -> str:
        words = ["complete -c wfinspect"] + [f"-n '{condition}'"] * bool(condition)
        words += [f"-l {f[2:]}" if f.startswith("--") else f"-s {f[1:]}" for f in argument.flags]
        words += ["-x"] * bool(argument.flags and argument.value not in {"", "FILE"})
        if argument.value == "FILE":
            words += ["-r -F"]
        elif argument.value == "DIR":
            words += ["-a '(__fish_complete_directories)'"]
        elif argument.words:
            words += [f"-a '{' '.join(argument.words)}'"]
        return " ".join([*words, f"-d {shlex.quote(argument.meaning)}"])

    of_none = f"not __fish_seen_subcommand_from {' '.join(own)}"
    lines = [line(of_none, Argument((), "", COMMANDS[name].summary, (name,))) for name in own]
    lines += [line("", each) for each in common]
    for name, arguments in own.items():
        of_command = f"__fish_seen_subcommand_from {name}"
        lines += [line(of_command, each) for each in arguments if each.flags or each.words]
    command, _, action = _BEFORE_A_FILE.partition(" ")
    seen = "__fish_seen_subcommand_from"
    lines.append(f"complete -c wfinspect -n '{seen} {command}; and {seen} {action}' -F")
    return "\n".join(["# Completion of wfinspect for fish.", "complete -c wfinspect -f", *lines])


def _filled(template: str, **parts: Sequence[str]) -> str:
    for name, lines in parts.items():
        template = template.replace(f"@{name.upper()}@", "\n".join(lines))
    return template


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
