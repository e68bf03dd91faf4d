"""The command line: arguments in, exit code out. Commands are imported only when they run."""

import argparse
import errno
import gc
import os
import re
import shlex
import signal
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, takewhile
from typing import Any, NoReturn

from wfinspect import __version__
from wfinspect.commands import APP, COMMANDS, LIST_ACTIONS, TOPICS, Command, module_of
from wfinspect.commands.output import Fields, decide_color, say
from wfinspect.errors import (
    NotAnId,
    UsageError,
    WfInspectError,
    did_you_mean,
    nearest,
    none_of,
    starvation,
)
from wfinspect.redaction import without_keys
from wfinspect.settings import OPTIONS, load_settings

INTERNAL_ERROR = 70
_INTERRUPTED = 128 + signal.SIGINT
# Of files and connections all others are handled where they are used.
_OUTPUT_FAILED = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command line and return its exit code; errors go to standard error as one sentence.

    Raises:
        OSError: standard output can't be written to.
    """
    try:
        return _dispatch(argv, environ)
    except WfInspectError as error:
        hint = f" {_PIPED if error.name == '-' else _FINDING}" if isinstance(error, NotAnId) else ""
        say(without_keys(f"{error}{hint}"))
        return error.exit_code
    except (KeyboardInterrupt, SystemExit) as error:
        code = error.code if isinstance(error, SystemExit) else _INTERRUPTED
        if code == _INTERRUPTED and os.isatty(2):
            print(file=sys.stderr)  # the terminal has written ^C, and the prompt comes next
        return code if isinstance(code, int) else INTERNAL_ERROR
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUTPUT_FAILED:
            raise
        if refused := starvation(error):
            say(f"{refused[0].upper()}{refused[1:]}. Nothing on the watched list is lost.")
            return INTERNAL_ERROR
        say(
            f"An internal error ended the program ({type(error).__name__} in "
            f"{_place_of(error)}). Nothing on the watched list is lost; please report it."
        )
        return INTERNAL_ERROR


def _dispatch(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    # The options that every command takes, before or behind its name.
    common = _Parser(prog="wfinspect", add_help=False, allow_abbrev=False)
    # All of them would push what there is to know of a command off the screen; the app's help has them.
    is_of_app = not any(word in COMMANDS for word in argv)
    _add_options(common, is_shown=is_of_app)
    namespace, rest = common.parse_known_args(list(argv))
    if rest[:1] == ["help"] and rest[1:2] and rest[1] in COMMANDS and rest[1] not in TOPICS:
        rest = [rest[1], "--help"]
    elif rest[1:] == ["help"] and rest[0] in COMMANDS:
        rest = [rest[0], "--help"]
    name, parser, rest = _command_in(rest, common)
    if not name:
        _refuse_words(argv, rest)
    # Options may stand between the words.
    args, unknown = parser.parse_known_intermixed_args([*parser.spelled_out(rest)], namespace)
    if unknown:
        parser.refuse(unknown[0])
    if getattr(args, "field", None):
        if args.output != parser.get_default("output"):
            raise UsageError("--field prints bare values: leave out -o, --json and --csv.")
        args.output = Fields(args.field)
    if name == "help":
        # It has to help also where the settings are wrong.
        printed: int = module_of(name).run(args, None, environ)
        return printed
    settings = load_settings(vars(args), environ)
    from wfinspect.diagnostics import keep_log

    keep_log(settings)
    decide_color(settings.color, environ)
    gc.freeze()
    gc.enable()
    code: int = module_of(name).run(args, settings, environ)
    return code


def _ids_of_link(word: str) -> list[str]:
    """Return the IDs in a link, such as one to the console, and say them; none of anything else."""
    if not re.match(r"https?://", word):
        return []
    from wfinspect.parsing import find_ids
    from wfinspect.search import ID_DIGITS

    ids = [str(each) for each in find_ids(word) if len(str(each)) >= ID_DIGITS]
    if ids:
        say(f"IDs in the link: {' '.join(ids)}.")
    return ids


def _command_in(
    rest: list[str], common: argparse.ArgumentParser
) -> tuple[str, "_Parser", list[str]]:
    """Return the command of a line, its parser and the other words: IDs and its options may stand before it."""
    for at, word in enumerate(rest):
        if word in COMMANDS and (parser := _command_parser(word, common)).takes(rest[:at]):
            return word, parser, [*rest[:at], *rest[at + 1 :]]
    return "", _command_parser("", common), rest


def _is_word(argument: str) -> bool:
    """Return whether an argument is neither an ID nor an option, a condition or a link."""
    return argument[:1].isalpha() and not {"=", ":"} & {*argument}


def _refuse_words(argv: Sequence[str], rest: Sequence[str]) -> None:
    """Refuse a word among the IDs of the app: a command that is mistyped."""
    given = takewhile(lambda argument: not argument.startswith("-"), rest)
    word = next((each for each in given if _is_word(each)), "")
    if not word:
        return
    others = [*argv]
    others.remove(word)
    actions = (f"list {each}" for each in LIST_ACTIONS)
    near = nearest(word, (*COMMANDS, *actions, "follow remove", "--version"))
    if near:
        lines = (shlex.join(["wfinspect", *each.split(), *others]) for each in near)
        hint = f"did you mean {' or '.join(lines)}?"
    elif word in _CHANGING:
        report = shlex.join(["wfinspect", "report", *others])
        hint = f"wfinspect only reads. `{report}` has the command that runs failed tasks again."
    else:
        hint = f"`wfinspect --help` lists the commands. {_FINDING}"
    raise UsageError(f"{word[:40]!r} is not a command or an instance ID: {hint}")


_CHANGING = {"rerun", "restart", "retry", "cancel", "stop", "kill", "resume", "suspend", "freeze"}


_FINDING = (
    "`wfinspect find` and `wfinspect list` print IDs by name; `list import` and `watch --file` read them "
    "from a file or a text, - for standard input."
)
"""Where to get the ID that is wanted in the place of a word."""
_PIPED = "IDs of a pipe: `... | xargs wfinspect get`, or `list import -` and `watch --file -`."
_MOST_NAMED = 3
_AROUND = "-[ABC]|--(?:after|before|context|after-context|before-context)"
"""Options of grep that --grep is not."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in a sentence, without a page of usage above it."""

    def __init__(self, **others: Any) -> None:  # noqa: ANN401 - argparse's
        super().__init__(**others)
        self._positionals.title = "arguments"
        # What begins so, a date such as -2d or a mistyped -1w, is the value of an option, as -2 is.
        self._negative_number_matcher = re.compile(r"-\.?\d")
        self._given: list[str] = []
        self._values: dict[str, tuple[str, object]] = {}
        """What the first option for each destination said, as it was typed and as it was read."""

    def takes(self, words: Sequence[str]) -> bool:
        """Return whether words are options of this command with their values, and IDs."""
        left = iter(words)
        for word in left:
            flag, equals, _ = word.partition("=")
            action = self._option_string_actions.get(flag)
            is_attached = action is None and not word.startswith("--") and self.has_option(word[:2])
            if action is not None and action.nargs != 0 and not equals:
                if next(left, None) is None:
                    return False
            elif _is_word(word) or (word[:1] == "-" and action is None and not is_attached):
                return False
        return True

    def spelled_out(self, words: Sequence[str]) -> Iterator[str]:
        """Yield arguments with NAME=VALUE as --NAME=VALUE where that is an option.

        Where it is a word of a search, --NAME VALUE is that word. An option that is neither is refused before
        its value is taken for what the command is about.
        """
        self._given = [*words]
        searched = self.get_default("searched") or ()
        is_note = self._given[:1] == ["note"]
        left = iter(words)
        for word in left:
            flag, equals, value = word.partition("=")
            name = flag.removeprefix("--").casefold()
            if word == "--":
                yield from (word, *left)
            elif action := self._option_string_actions.get(flag):
                yield from (word, *islice(left, int(action.nargs != 0 and not equals)))
            elif flag.startswith("--") and name in searched:
                yield f"{name}={value or next(left, '')}"
            elif flag.startswith("--"):
                self.refuse(word)
            elif equals and name not in searched and self.has_option(f"--{name}") and not is_note:
                yield f"--{name}={value}"
            else:
                # A note keeps its links.
                yield from ([] if is_note else _ids_of_link(word)) or [word]

    def refuse(self, argument: str) -> NoReturn:
        """Say that an argument is one too many, or the name of no option."""
        from wfinspect.search import meant

        name = argument.partition("=")[0][:40]
        if not name.startswith("-"):
            raise UsageError(f"{argument[:40]!r} is one too many: {self.usage}")
        if re.fullmatch(r"-\w\d+", name):
            name = name[:2]
        forms = [f"-o {c}" for a in self._actions if a.dest == "output" for c in a.choices or ()]
        flags = [f for f in self._option_string_actions if f.startswith("--")]
        commands = (*COMMANDS, *(f"list {each}" for each in LIST_ACTIONS))
        others = [f"wfinspect {each}" for each in commands if not self.prog.endswith(each)]
        if self.has_option("--grep") and re.fullmatch(_AROUND, name):
            hint = "for lines around a match pipe the log to grep: `wfinspect logs 10432987165 | grep -C 3 ERROR`"
        elif self.get_default("searched") and (pair := meant(name.lstrip("-"))):
            hint = f"did you mean {pair}?"
        elif not (hint := did_you_mean(name, [*forms, *flags, *others], "")):
            bare = _Parser(prog="wfinspect", add_help=False)
            having = (f"`{c}`" for c in COMMANDS if _command_parser(c, bare).has_option(name))
            named = ", ".join(islice(having, _MOST_NAMED))
            has = f"it is one of {named}; " * bool(named)
            hint = f"{has}`{self.prog} --help` lists them, e.g. {self._example()}"
        raise UsageError(f"There is no option {name!r}: {hint}")

    def _example(self) -> str:
        """Return a right line, from the help of the command."""
        command = COMMANDS.get(self.prog.removeprefix("wfinspect").strip(), APP)
        return f"wfinspect {command.examples[0].partition(' > ')[0]}"

    def has_option(self, flag: str) -> bool:
        """Return whether there is an option that is written so."""
        return flag in self._option_string_actions

    def _get_values(self, action: argparse.Action, texts: list[str]) -> Any:  # noqa: ANN401 - argparse's
        if action.option_strings and texts == [""]:
            # Of an unset variable of a shell: a filter that is left out would match everything.
            raise UsageError(
                f"{self._name_of(action)} is empty: give {action.metavar}, or leave it out."
            )
        read = super()._get_values(action, texts)
        # A second value would silently take the place of the first. Of options for all commands, which
        # `common` reads, the last one counts: an alias may have given the one before.
        is_repeated = isinstance(action, argparse._AppendAction)  # noqa: SLF001
        if action.option_strings and self.add_help and not is_repeated:
            text, value = (texts[0], read) if texts else (str(action.const), action.const)
            before, known = self._values.setdefault(action.dest, (text, value))
            if known != value:
                raise UsageError(
                    f"--{action.dest} is given twice: {before[:40]} and {text[:40]}. It takes "
                    "one value: give one of them."
                )
        return read

    def _get_value(self, action: argparse.Action, text: str) -> Any:  # noqa: ANN401 - argparse's
        try:
            return super()._get_value(action, text)
        except argparse.ArgumentError:
            problem = f"{text[:40]!r} is not a number."
        except UsageError as error:
            problem = str(error)
        raise UsageError(f"{self._name_of(action)}: {problem}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - argparse's
        # Several statuses, what may be a word of a search, and parts of fields are checked where they are read.
        is_read_later = action.dest in {"status", "action", "field", "until"}
        choices = None if is_read_later else action.choices
        if choices is not None and value not in choices:
            problem = none_of(str(value), map(str, choices))
            raise UsageError(f"{self._name_of(action)}: {problem}")

    def _name_of(self, action: argparse.Action) -> str:
        names = [each for each in action.option_strings if each.startswith("--")]
        given = {word.partition("=")[0] for word in self._given}
        typed = [each for each in names if each in given]
        return (typed or names or [self.prog.removeprefix("wfinspect ")])[0]

    def error(self, message: str) -> NoReturn:
        """Say in a sentence of our own what argparse has found."""
        about, _, found = message.partition(": ")
        # Of several names of an option the first.
        names = [each.partition("/--")[0] for each in found.split(", ")]
        action = self._option_string_actions.get(about.rpartition(" ")[2].rpartition("/")[2])
        if about.endswith("are required"):
            [what] = [each.help for each in self._actions if each.metavar == names[0]]
            raise UsageError(f"{names[0]} is missing: {what}, e.g. {self._example()}")
        if action is None:
            raise UsageError(f"{message}: {self.usage}")
        name = self._name_of(action)
        if found.startswith("expected"):
            if action.choices:
                raise UsageError(f"{name} needs a value: {', '.join(map(str, action.choices))}")
            after = [*self._given, ""][self._given.index(name) + 1] if name in self._given else ""
            if after.startswith("-") and not self.has_option(after.partition("=")[0]):
                value = f"{name}={shlex.quote(after[:40])}"
                raise UsageError(f"{name} needs a value: one that begins with - is written {value}")
            means = {f"--{each.name}": each.meaning for each in OPTIONS}.get(name, action.help)
            raise UsageError(f"{name} needs a value: {name} {action.metavar}, {means}")
        # What is left: a value behind a switch.
        raise UsageError(f"{name} takes no value.")


def _add_options(parser: argparse.ArgumentParser, *, is_shown: bool) -> None:
    """Add the options that every command takes; help lists them if `is_shown`."""
    group = parser.add_argument_group("options for all commands")
    for option in OPTIONS:
        flag, text = f"--{option.name}", option.meaning if is_shown else argparse.SUPPRESS
        if option.metavar:
            group.add_argument(flag, metavar=option.metavar, help=text)
        else:
            switch = argparse.BooleanOptionalAction
            group.add_argument(flag, action=switch, default=None, help=text)
    version = "show program's version number and exit" if is_shown else argparse.SUPPRESS
    group.add_argument(
        "-V", "--version", action="version", version=f"wfinspect {__version__}", help=version
    )


class _Layout(argparse.RawDescriptionHelpFormatter):
    """Wraps text by paragraphs, but not one with indented lines: they are to be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = partial(argparse.HelpFormatter._fill_text, self, width=width, indent=indent)  # noqa: SLF001
        parts = text.split("\n\n")
        return "\n\n".join(part if "\n  " in part else fill(part) for part in parts)


def _command_parser(name: str, common: argparse.ArgumentParser) -> _Parser:
    command = COMMANDS.get(name, APP)
    usage = " ".join(filter(None, ("wfinspect", name, command.takes, "[options]")))
    parser = _Parser(
        prog=f"wfinspect {name}".strip(),
        usage=usage if name else "wfinspect [ID ...] [options]\n       wfinspect COMMAND ...",
        description=command.description if name else f"{command.description}\n\n{_commands()}",
        epilog=_epilog_of(name, command),
        # Room for long option names.
        formatter_class=partial(_Layout, max_help_position=30),
        parents=[common],
        allow_abbrev=False,
    )
    parser.set_defaults(command=name)
    module_of(name).add_arguments(parser)
    return parser


def _epilog_of(name: str, command: Command) -> str:
    examples = "\n".join(["examples:", *(f"  wfinspect {each}" for each in command.examples)])
    if not name:
        rest = (
            "'wfinspect COMMAND --help' says more. 'wfinspect help' lists the pages of the manual."
        )
    else:
        rest = "Options for all commands, such as --profile and --region: wfinspect --help"
    return "\n\n".join(filter(None, (examples, _codes_in_lines(command.epilog), rest)))


_CODES = r"(?:: |; )(?=\d)(\d+(?:, \d+)*) "


def _codes_in_lines(epilog: str) -> str:
    """Return the sentence on exit codes as a line for each, and what follows it as a paragraph."""
    listed, _, rest = epilog.partition(". ")
    title, *parts = re.split(_CODES, listed)
    pairs = [*zip(parts[::2], parts[1::2], strict=True)]
    width = max((len(codes) for codes, _ in pairs), default=0)
    lines = [
        textwrap.fill(
            text,
            _WIDTH,
            initial_indent=f"  {codes:<{width}}  ",
            subsequent_indent=" " * (width + 4),
        )
        for codes, text in pairs
    ]
    return "\n".join([f"{title}:" * bool(title), *lines]) + (f"\n\n{rest}" if rest else "")


_WIDTH = 78


def _commands() -> str:
    width = max(map(len, COMMANDS))
    lines = (f"  wfinspect {name:<{width}}  {c.summary}" for name, c in COMMANDS.items())
    return "\n".join(["commands:", *lines])


def _place_of(error: BaseException) -> str:
    """Return file and line of the innermost frame; values of variables are never shown."""
    import traceback

    innermost = traceback.extract_tb(error.__traceback__)[-1]
    return f"{innermost.filename.rpartition('/')[2]}:{innermost.lineno}"
