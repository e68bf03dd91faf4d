"""The command line: arguments in, exit code out. Commands are imported only when they run."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wfinspect import __version__
from wfinspect.config import OPTIONS, load_settings
from wfinspect.errors import WfInspectError
from wfinspect.format import shown

INTERNAL_ERROR = 70
BROKEN_PIPE = 141


class Command(NamedTuple):
    """A word after ``wfinspect``; its module has `add_arguments(parser)` and `run(args, settings, environ)`."""

    module: str
    summary: str
    description: str
    epilog: str = ""


COMMANDS: Mapping[str, Command] = {
    "demo": Command(
        "demo",
        "the app against a simulated service: no account, no network",
        "Start the app against a simulated DataWorks on this machine. It needs no account and no "
        "network, and keeps a watched list of its own.",
    ),
    "get": Command(
        "get",
        "print instances once",
        "Print workflow instances once, without a screen. An instance that failed is printed like "
        "any other: the exit code is 0.",
        "exit codes: 0 printed; 2 wrong usage or configuration; 3 the service can't be reached or "
        "is in trouble; 4 credentials missing, expired or refused; 5 no such instance",
    ),
    "status": Command(
        "status",
        "one line an instance",
        "Print one line an instance: mark, ID, status, name, time in this state. Without IDs it is "
        "the watched list, each instance read with its own profile and region. The list is never "
        "changed. With --short it is one line for a status bar, from what is stored, without "
        "asking the service: X failed, > running, ~ waiting, . not run, + succeeded, ? unknown or "
        "too old to count as the present, ! changes you have not seen.",
        "exit codes: 0 all succeeded; 1 one failed; 8 one is still pending; 2 wrong usage or "
        "configuration; 3 the service can't be reached or is in trouble; 4 credentials missing, "
        "expired or refused; 5 no such instance. Of several the first of 4, 5, 3, 1, 8",
    ),
    "watch": Command(
        "watch",
        "follow instances without a screen until they are done",
        "Follow workflow instances until --until comes true, and print one line for each change: "
        "time, ID, what became what, name; the first reading is a line too. Without IDs it "
        "follows the watched list, which it never changes. An outage does not end it. What is "
        "wrong, and how far it is, goes to standard error.",
        "exit codes: 0 as wanted; 1 settled, and not as wanted: one failed, or for any:... and "
        "all:failure it can't come any more; 2 wrong usage or configuration; 3 the service never "
        "accepts the call; 4 credentials missing, expired or refused before the first reading; 5 "
        "no such instance, or gone; 124 --timeout has passed; 129, 130, 143 ended by HUP, INT, "
        "TERM. Of several the first of 4, 5, 3, 1",
    ),
    "find": Command(
        "find",
        "print the instances of a workspace and business date",
        "Print the instances of a workspace and business date that match all filters, newest "
        "first, at most 1,000; a call for every hundred.",
        "exit codes: 0 printed, also where nothing matches; 2 wrong usage or configuration; 3 the "
        "service can't be reached or is in trouble; 4 credentials missing, expired or refused",
    ),
    "simulate": Command(
        "simulate",
        "only the simulated service",
        "Serve a simulated DataWorks on 127.0.0.1 until interrupted, and print its URL and the "
        "environment that points any client, the official SDK included, to it.",
    ),
    "doctor": Command(
        "doctor",
        "check credentials, service, terminal and notifications",
        "Check the way from the credentials to an answer of the service, what is stored, the terminal "
        "and the ways of notification. Its few calls are counted like all others.",
        "exit codes: 0 all well, or with warnings; 1 something failed",
    ),
    "info": Command(
        "info",
        "where files are, and where each setting came from",
        "Print where configuration, state and log are, and each setting with its source. Secrets "
        "are never printed.",
    ),
}

_APP = Command(
    "app",
    "",
    "Inspect and watch DataWorks workflow instances. Instance IDs given are opened and watched: "
    "one ID, a list (1,2 3) or a range (100..120).",
)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command line and give its exit code; errors go to standard error as one sentence."""
    try:
        return _dispatch(argv, environ)
    except WfInspectError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Nobody reads any more; without this the interpreter complains when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else INTERNAL_ERROR
    except Exception as error:  # noqa: BLE001 - the last line before a person
        _say(
            f"An internal error ended the program ({type(error).__name__} in "
            f"{_place_of(error)}). Nothing on the watched list is lost; please report it."
        )
        return INTERNAL_ERROR


def _dispatch(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    common = _common_parser()
    namespace, rest = common.parse_known_args(list(argv))
    name = rest[0] if rest and rest[0] in COMMANDS else ""
    command = COMMANDS.get(name, _APP)
    module = importlib.import_module(f"wfinspect.commands.{command.module}")
    parser = _command_parser(name, command, common)
    module.add_arguments(parser)
    args = parser.parse_args(rest[1:] if name else rest, namespace)
    settings = load_settings(vars(args), environ)
    from wfinspect.commands.log import keep_log

    keep_log(settings)
    code: int = module.run(args, settings, environ)
    return code


def _common_parser() -> argparse.ArgumentParser:
    """The options every command takes, before or behind its name."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    group = parser.add_argument_group("options for all commands")
    for option in OPTIONS:
        flag = f"--{option.name}"
        if option.metavar:
            group.add_argument(flag, metavar=option.metavar, help=option.meaning)
        elif option.has_negation:
            group.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=option.meaning
            )
        else:
            group.add_argument(flag, action="store_true", default=None, help=option.meaning)
    group.add_argument("--version", action="version", version=f"wfinspect {__version__}")
    return parser


def _command_parser(
    name: str, command: Command, common: argparse.ArgumentParser
) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"wfinspect {name}".strip(),
        usage=None if name else "wfinspect [ID ...] [options]\n       wfinspect COMMAND ...",
        description=command.description,
        epilog=command.epilog if name else _commands_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter if not name else _Help,
        parents=[common],
        allow_abbrev=False,
    )


class _Help(argparse.HelpFormatter):
    """The standard layout, with room for long option names."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def _commands_help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  wfinspect {name:<{width}}  {c.summary}" for name, c in COMMANDS.items()]
    return "\n".join(
        [
            "commands:",
            *lines,
            "",
            "'wfinspect COMMAND --help' tells more. Start with: wfinspect demo",
        ]
    )


def _say(sentence: str) -> None:
    print(f"wfinspect: {shown(sentence, limit=4_000)}", file=sys.stderr)


def _place_of(error: BaseException) -> str:
    """File and line of the innermost frame; values of variables are never shown."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return "an unknown place"
    return f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}"  # noqa: PTH119
