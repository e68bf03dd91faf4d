"""The console script, and ``python -m wfinspect``."""

import contextlib
import errno
import gc
import io
import os
import sys

from wfinspect import __version__

TYPE_CHECKING = False  # `typing` takes 6 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from _typeshed import ReadableBuffer, WriteableBuffer


class _Waiting(io.FileIO):
    """A standard stream that waits for its pipe also where the descriptor does not block.

    A program that shares the pipe may have made it so: CI runners on Node do. Python gives up then, in
    the middle of what is written or read. Making it block again would change it for that program, too.
    """

    def __init__(self, descriptor: int, mode: str) -> None:
        super().__init__(descriptor, mode, closefd=False)
        self._written: list[int | None] = []

    def write(self, data: "ReadableBuffer", /) -> int:
        while True:
            # A signal's handler may raise between any two steps of Python. What has gone out is then known
            # to the list, in one step, and not to the buffer above, which comes with the same bytes again.
            if not self._written:
                self._written.extend(map(super().write, (data,)))
            written = self._written[0]
            del self._written[:]
            if written is not None:
                return written
            # Not an error of FileIO, but None: there is no room at the moment.
            self._wait(is_output=True)

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while True:
            read: int | None = super().readinto(buffer)
            if read is not None:
                return read
            self._wait(is_output=False)

    # Those of FileIO take what there is for all.
    read = io.RawIOBase.read  # type: ignore[assignment]
    readall = io.RawIOBase.readall

    def _wait(self, *, is_output: bool) -> None:
        import select

        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT if is_output else select.POLLIN)
        poll.poll()


def run() -> None:
    """Run the command line of this process and exit with its code."""
    for name in ("stdin", "stdout", "stderr"):
        _prepare_stream(name)
    try:
        code = _answer(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        code = _without_output(error)
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    # Taking each module apart takes 8 ms of `--version` and 30 of `get`; all that had to be written has been.
    os._exit(code)


def _prepare_stream(name: str) -> None:
    """Put a stream that waits, and never fails at a character, in the place of a standard one."""
    is_output = name != "stdin"
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        # It gets the lowest free descriptor, which is the missing one: no socket or file can. Output
        # that is closed must fail when it is written to, not vanish; what is said of errors may.
        descriptor = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
        encoding, is_by_line = "utf-8", False
    elif isinstance(stream, io.TextIOWrapper):
        descriptor, encoding = stream.fileno(), stream.encoding
        # Without a buffer what does not fit into a pipe that is full for a moment would be lost.
        is_by_line = stream.line_buffering or stream.write_through
    else:
        return
    raw = _Waiting(descriptor, "w" if is_output else "r")
    text = io.TextIOWrapper(
        io.BufferedWriter(raw) if is_output else io.BufferedReader(raw),
        encoding=encoding,
        # A name in another script must not end a watch where the locale can't write it.
        errors="backslashreplace" if is_output else "surrogateescape",
        line_buffering=is_by_line,
    )
    setattr(sys, name, text)


def _answer(arguments: list[str]) -> int:
    # Scripts print the version often; the settings and parsers would cost more than the answer.
    if arguments == ["--version"]:
        print(f"wfinspect {__version__}")
        return 0
    if (text := _text_made_ahead(arguments)) is not None:
        sys.stdout.write(text)
        return 0
    # So does a status bar, which starts this every few seconds, or follows it.
    if arguments in (["status", "--short"], ["status", "--short", "--follow"]):
        code = _answer_from_stored(os.environ, is_followed="--follow" in arguments)
        if code is not None:
            return code
    # What is imported stays: looking for garbage among it takes 5 % of `get`.
    gc.disable()
    from wfinspect.cli import main
    from wfinspect.diagnostics import log_deaths

    _dump_no_core()
    log_deaths()

    return main(arguments, os.environ)


def _text_made_ahead(arguments: list[str]) -> str | None:
    match arguments:
        case ["--help" | "-h"]:
            name = "help.txt"
        case ["completion", "bash" | "zsh" | "fish" as shell]:
            name = f"completion.{shell}"
        case [str(command), "--help" | "-h"] if command.isalpha():
            name = f"help-{command}.txt"
        case _:
            return None
    # See tests/support/generated.py.
    path = f"{__file__.rpartition('/')[0]}/commands/generated/{name}"
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs 4 ms
        return file.read()
    return None


def _answer_from_stored(environ: "Mapping[str, str]", *, is_followed: bool) -> int | None:
    """Print the line of the list; None where only the whole program knows what to say."""
    from wfinspect.watching import summary

    place = _usual_place(environ)
    if place is None:
        from wfinspect.errors import ConfigError
        from wfinspect.settings import load_settings  # 12 ms, and 9 more for tomllib

        try:
            settings = load_settings({}, environ)
        except ConfigError:
            return None
        place = str(settings.paths.database), settings.interval
    path, interval = place
    groups = summary.read(path)
    if groups is None:
        return None
    if is_followed:
        return summary.follow(path, interval, sys.stdout)
    return summary.print_line(groups, interval, _say)


def _say(sentence: str) -> None:
    if os.isatty(2):
        from wfinspect.commands.output import say  # a status bar is spared it

        say(sentence)
    else:
        with contextlib.suppress(OSError):
            print(f"wfinspect: {sentence}", file=sys.stderr)


def _usual_place(environ: "Mapping[str, str]") -> tuple[str, float] | None:
    """Return where the list is, and the interval; None where settings may name others."""
    home = environ.get("HOME", "")
    config = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    state = environ.get("XDG_STATE_HOME") or f"{home}/.local/state"
    if not all(each.startswith("/") for each in (home, config, state)):
        return None
    # Any other may be wrong, which the whole program says.
    of_targets = {"WFINSPECT_PROFILE", "WFINSPECT_REGION", "WFINSPECT_ENDPOINT"}
    if any(name.startswith("WFINSPECT_") and name not in of_targets for name in environ):
        return None
    interval = interval_in(f"{config}/wfinspect/config.toml")
    return None if interval is None else (f"{state}/wfinspect/watch.sqlite3", interval)


def interval_in(path: str) -> float | None:
    """Return the interval that a file of plain settings leaves in force; None where it holds anything else."""
    from wfinspect.watching.cadence import ACTIVE_SECONDS

    try:
        with open(path, "rb", opener=_open_own) as file:
            data = file.read(_PLAIN_BYTES)
            lines = data.decode().split("\n") if len(data) < _PLAIN_BYTES else ["too long"]
    except FileNotFoundError:
        return None if os.path.lexists(path) else ACTIVE_SECONDS
    except (OSError, ValueError):
        return None
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = (part.strip(" \t") for part in line.partition("="))
        if not line or (name.startswith("#") and line.isprintable()):
            continue
        if name in found or not _is_plain(name, value):
            return None
        found[name] = value
    interval = float(found.get("interval", ACTIVE_SECONDS))
    return interval if interval >= _LEAST_SECONDS else None


_PLAIN_BYTES = 4096
_LEAST_SECONDS = 2.0
_TOO_LONG = 10


def _open_own(path: str, flags: int) -> int:
    """Open a file that others can't write to; never wait for a pipe."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    status, regular = os.fstat(descriptor), 0o100000
    if status.st_uid == os.getuid() and status.st_mode & (0o170000 | 0o022) == regular:
        return descriptor
    os.close(descriptor)
    raise PermissionError


def _is_plain(name: str, value: str) -> bool:
    """Return whether a line of TOML is a setting that can't be wrong, in its plainest form."""
    if name in {"interval", "budget"}:
        is_whole = value.isascii() and value.isdecimal() and len(value) < _TOO_LONG
        return is_whole and not value.startswith("0")
    text = value[1:-1]
    is_quoted = value == f'"{text}"' and text.isascii()
    bare = text.replace("-", "").replace("_", "").replace(".", "")
    return name in {"profile", "region"} and is_quoted and bare.isalnum()


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
    """Return the exit code where standard output takes nothing."""
    if isinstance(error, BrokenPipeError):
        return 141
    from wfinspect.commands.output import say

    why = "it is closed" if error.errno == errno.EBADF else error.strerror
    say(
        f"Standard output can't be written to ({why}), so what was printed is not "
        "complete: print it to another place."
    )
    return 70


if __name__ == "__main__":
    run()
