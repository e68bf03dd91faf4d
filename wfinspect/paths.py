"""Where files lie. Decides places; creates nothing but private directories."""

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from wfinspect.errors import ConfigError, StoreError

DATABASE = "watch.sqlite3"
"""The name of the store in the state directory."""


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


def make_private(directory: Path) -> None:
    """Create a directory with mode 0700, or check that an existing one is the user's own.

    Raises:
        StoreError: it can't be made, is no directory, or belongs to or is writable by others.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
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


def _absolute(environ: Mapping[str, str], name: str) -> Path | None:
    """A directory from an XDG variable; relative values are to be ignored, says its specification."""
    path = Path(environ.get(name, ""))
    return path if path.is_absolute() else None
