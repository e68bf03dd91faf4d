"""Where files lie, and who else may have written to them. Creates nothing but private directories."""

import codecs
import contextlib
import grp
import os
import pwd
import select
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from wfinspect.clock import SystemClock
from wfinspect.errors import ConfigError, StoreError

DATABASE = "watch.sqlite3"
"""The name of the store in the state directory."""

PIPE_SECONDS = 10.0
"""How long a pipe that a user names is read."""

_PIECE_BYTES = 65_536
_LOOK_AGAIN_SECONDS = 0.05


class Paths(NamedTuple):
    """The files of one user."""

    config_file: Path
    state_dir: Path

    @property
    def database(self) -> Path:
        """The watched list and its history."""
        return self.state_dir / DATABASE

    @property
    def log_file(self) -> Path:
        """What the program did, without secrets."""
        return self.state_dir / "wfinspect.log"


def home_of(environ: Mapping[str, str]) -> Path:
    """The user's home directory.

    Raises:
        ConfigError: there is none, as for a container's user without a name.
    """
    if home := environ.get("HOME", ""):
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise ConfigError(
            "This user has no home directory, which settings and the watched list are looked for "
            "in: set HOME."
        ) from None


def default_config_file(environ: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/wfinspect/config.toml``, or the platform's like; raises as `home_of`."""
    if base := _absolute(environ, "XDG_CONFIG_HOME"):
        return base / "wfinspect" / "config.toml"
    # Imported late: the two XDG variables answer for most people, and --version needs neither.
    from platformdirs import user_config_path  # noqa: PLC0415

    home_of(environ)
    return user_config_path("wfinspect", appauthor=False) / "config.toml"


def default_state_dir(environ: Mapping[str, str]) -> Path:
    """``$XDG_STATE_HOME/wfinspect``, or the platform's like; raises as `home_of`."""
    if base := _absolute(environ, "XDG_STATE_HOME"):
        return base / "wfinspect"
    from platformdirs import user_state_path  # noqa: PLC0415

    home_of(environ)
    return user_state_path("wfinspect", appauthor=False)


def decoded(text: str) -> str:
    """An argument or the value of a variable as the UTF-8 it was typed in, whatever the locale."""
    locale = codecs.lookup(sys.getfilesystemencoding()).name
    if text.isascii() or not (locale in {"ascii", "iso8859-1"} or _has_surrogates(text)):
        return text
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def read_settings(
    path: Path, max_bytes: int, *, pipe_seconds: float = 0.0
) -> tuple[bytes, os.stat_result]:
    """Return what a file of settings or keys holds, and whose it is.

    Nothing is waited for but a pipe that a user has named: `pipe_seconds` at most.

    Raises:
        FileNotFoundError: there is no file.
        ConfigError: it is a pipe in a place of ours, or can't be read.
    """
    try:
        # Opened for blocking reads, a pipe without a writer would hold the whole start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISFIFO(status.st_mode):
            if not pipe_seconds:
                raise ConfigError(
                    f"{path} is a pipe, which is not waited for in that place: put a file there, or "
                    "remove it."
                )
            return _read_pipe(path, descriptor, max_bytes, pipe_seconds), status
        data = b""
        while len(data) <= max_bytes and (piece := os.read(descriptor, _PIECE_BYTES)):
            data += piece
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from None
    finally:
        os.close(descriptor)
    return _within(max_bytes, data, path), status


def _read_pipe(path: Path, descriptor: int, max_bytes: int, seconds: float) -> bytes:
    clock, data, piece = SystemClock(), b"", b""
    deadline = clock.monotonic() + seconds
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while len(data) <= max_bytes:
        left = deadline - clock.monotonic()
        if left <= 0:
            raise ConfigError(
                f"{path} is a pipe, and its end did not come within {seconds:g} s: write all of it "
                "and close it, or name a file."
            )
        try:
            piece = os.read(descriptor, _PIECE_BYTES)
        except BlockingIOError:
            poll.poll(left * 1000)
            continue
        if not piece and data:
            break
        if not piece:
            # No writer has come yet, which no system can wait for here.
            select.select([], [], [], _LOOK_AGAIN_SECONDS)
        data += piece
    return _within(max_bytes, data, path)


def _within(max_bytes: int, data: bytes, path: Path) -> bytes:
    if len(data) > max_bytes:
        raise ConfigError(f"{path} is too large: {max_bytes:,} bytes are read at most.")
    return data


def _unreadable(path: Path, error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"{path} can't be read ({reason}): check its owner and permissions."


def other_writers(path: Path, status: os.stat_result) -> str:
    """A sentence where others may have written to a file that was read, else ""."""
    if not stat.S_ISREG(status.st_mode):
        return ""
    if status.st_uid not in {0, os.getuid()}:
        return f"{path} belongs to another user: copy it, and use the copy."
    if stat.S_IMODE(status.st_mode) & 0o022:
        return f"{path} is writable by others: run chmod go-w {path}."
    return ""


def other_writers_above(path: Path) -> str:
    """A sentence where others may put another file in its place, else ""."""
    # Where links lead, and where they lie.
    for start in (path.absolute().parent, path.resolve().parent):
        for directory in (start, *start.parents):
            try:
                status = directory.stat()
            except OSError:
                continue
            mode = stat.S_IMODE(status.st_mode)
            # In a sticky directory, such as /tmp, only its owner may replace a file.
            if mode & stat.S_ISVTX:
                continue
            if mode & 0o002 or (mode & 0o020 and not _is_group_of_one(status.st_gid)):
                return (
                    f"{directory}, which holds {path}, is writable by others: run "
                    f"chmod go-w {directory}."
                )
    return ""


def _is_group_of_one(gid: int) -> bool:
    """Whether a group has no member but this user or root; with umask 002 each user has such a one."""
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    is_own = gid == 0 or (group.gr_name == user.pw_name and gid == user.pw_gid)
    return is_own and set(group.gr_mem) <= {user.pw_name, "root"}


def make_private(directory: Path) -> None:
    """Create a directory and all above it with mode 0700, or check that it is the user's own.

    Raises:
        StoreError: it can't be made, is no directory, or belongs to or is writable by others.
    """
    try:
        _make_directories(directory)
        status = directory.stat()
    except OSError as error:
        raise StoreError(
            f"The state directory {directory} can't be used ({error.strerror or error}): "
            "choose another with --state-dir."
        ) from None
    if status.st_uid != os.getuid():
        raise StoreError(
            f"The state directory {directory} belongs to another user: choose another with "
            "--state-dir."
        )
    if stat.S_IMODE(status.st_mode) & 0o022:
        raise StoreError(
            f"The state directory {directory} is writable by others: run chmod 700 {directory}."
        )


def _make_directories(directory: Path) -> None:
    missing: list[Path] = []
    for each in (directory, *directory.parents):
        if each.exists():
            break
        missing.append(each)
    for each in reversed(missing):
        # Another process may have been quicker.
        with contextlib.suppress(FileExistsError):
            each.mkdir(0o700)
            # The umask may have taken more than it should.
            each.chmod(0o700)


def _absolute(environ: Mapping[str, str], name: str) -> Path | None:
    """A directory from an XDG variable; relative values are to be ignored, says its specification."""
    path = Path(environ.get(name, ""))
    return path if path.is_absolute() else None
