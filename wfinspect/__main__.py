"""The console script, and ``python -m wfinspect``."""

import contextlib
import io
import os
import sys
from typing import TextIO

from wfinspect import __version__


def run() -> None:
    """Run the command line of this process and exit with its code."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It gets the lowest free descriptor, which is the missing one: no socket or file can.
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - as long as the process
    try:
        code = _answer(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        code = _without_output(error)
    try:
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)
    sys.exit(code)


def _answer(arguments: list[str]) -> int:
    # Scripts ask for the version often; the settings and parsers would cost more than the answer.
    if arguments == ["--version"]:
        print(f"wfinspect {__version__}")
        return 0
    from wfinspect.cli import main
    from wfinspect.commands.log import log_deaths

    _dump_no_core()
    log_deaths()

    # A name in another script must not end a watch where the locale can't write it.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

    return main(arguments, os.environ)


def _dump_no_core() -> None:
    """Keep the memory of this process, which holds keys, out of core dumps."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    # A collector such as apport or systemd-coredump gets a dump whatever the limit is (core(5)): an
    # empty one then. Linux alone has the file.
    with contextlib.suppress(OSError), open("/proc/self/coredump_filter", "w") as dumped:  # noqa: PTH123 - pathlib costs 4 ms
        dumped.write("0")


def _without_output(error: OSError) -> int:
    """The exit code where standard output takes nothing."""
    _discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return 141
    from wfinspect.commands.printing import say

    say(
        f"Standard output can't be written to ({error.strerror}), so what was printed is not "
        "complete: print it to another place."
    )
    return 70


def _discard(stream: TextIO) -> None:
    """Drop what a stream still holds: the interpreter would complain of it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    run()
