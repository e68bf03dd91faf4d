"""The settings in force, from options, environment and config.toml; and the user's private files."""

import codecs
import grp
import math
import os
import pwd
import re
import select
import stat
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wfinspect.clock import MachineZone, SystemClock, duration_seconds
from wfinspect.errors import ConfigError, StoreError, did_you_mean
from wfinspect.redaction import without_keys

if TYPE_CHECKING:
    from wfinspect.model import Target, WorkflowInstance

MIN_INTERVAL_SECONDS = 2.0  # below it a watch is a load test
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
COLORS = ("auto", "always", "never")
THEMES = ("auto", "dark", "light", "ansi", "colorblind", "contrast")


class Option(NamedTuple):
    """A setting: its name on the command line, what it takes and what it means."""

    name: str
    """As in ``--name``; ``_`` for ``-`` in config.toml, upper case behind WFINSPECT_."""
    metavar: str
    """What its value is called; "" for a switch, which ``--no-name`` turns off."""
    parse: Callable[[Any], object]
    """Reads text or a TOML value; raises ValueError with the words that follow the value."""
    default: object
    meaning: str
    in_file: bool = True
    other_variables: tuple[str, ...] = ()
    """Variables of other tools that mean the same, weaker than our own."""

    @property
    def key(self) -> str:
        """The name in config.toml and in `Settings`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"WFINSPECT_{self.key.upper()}"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is not text")
    return value.strip()


def _name(value: object) -> str:
    return decoded(_text(value))


def _seconds(value: object) -> float:
    try:
        return duration_seconds(value)
    except ValueError:
        raise ValueError("is not a duration: write seconds, 90s, 5m, 2h or 1d") from None


def _at_least(least: float, value: object) -> float:
    if (seconds := _seconds(value)) < least:
        raise ValueError(f"is too short: at least {least:g} seconds are allowed")
    return seconds


def _budget(value: object) -> int:
    try:
        calls = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        calls = math.nan
    if not math.isfinite(calls):
        raise ValueError("is not a number: use digits without a unit, e.g. 15 or 3000")
    if calls < 1 or not calls.is_integer():
        raise ValueError("is not a whole number above 0")
    return int(calls)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("is neither true nor false")


def _zone(value: object) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 3 ms, of 45 of `status --short` with a config.toml

    name = _text(value)
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError("is not a time zone: write one such as Asia/Shanghai") from None
    return name


_VARIABLE = r"(?a)\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})"


def _value_of(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if not os.environ.get(name):
        raise ValueError(f"names the variable {name}, which is not set")
    return os.environ[name]


def _path(value: object) -> Path:
    text = _text(value)
    if "\0" in text:
        raise ValueError("holds a character that no path has")
    try:
        # A shell would have put in what they stand for; neither config.toml nor systemd does.
        return Path(re.sub(_VARIABLE, _value_of, text)).expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not known here") from None
    except FileNotFoundError:
        raise ValueError(
            "is relative to a directory that was removed: write it from / on"
        ) from None


def _one_of(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        word = str(value).strip()
        for known in words:
            if word.lower() == known.lower():
                return known
        raise ValueError(f"is none of {', '.join(words)}")

    return parse


_REGION_VARIABLES = ("ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID")
_ENDPOINT_VARIABLES = (
    "ALIBABA_CLOUD_ENDPOINT",
    "ALIBABA_CLOUD_ENDPOINT_TYPE",
    "ALIBABACLOUD_ENDPOINT_TYPE",
    "ALICLOUD_ENDPOINT_TYPE",
)

# fmt: off
OPTIONS = (
    Option("profile", "NAME", _name, None, "profile of ~/.aliyun/config.json to use (default: its current one)"),
    Option("region", "REGION", _text, None, "region of the workspace (default: the profile's, else cn-shanghai)",
           other_variables=_REGION_VARIABLES),
    Option("endpoint", "public|vpc|URL", _text, None,
           "which endpoint of the service to call (default: the profile's, else public)",
           other_variables=_ENDPOINT_VARIABLES),
    Option("interval", "D", lambda value: _at_least(MIN_INTERVAL_SECONDS, value), 15.0,
           "how often a running instance is read (at least 2)"),
    Option("budget", "CALLS", _budget, 3000, "calls a day to stay under"),
    Option("config", "FILE", _path, None, "another config.toml (default: ~/.config/wfinspect/config.toml)",
           in_file=False),
    Option("state-dir", "DIR", _path, None,
           "where the watched list and the log are kept (default: ~/.local/state/wfinspect)"),
    Option("time-zone", "ZONE", _zone, None, "zone of the times shown (default: this machine's)"),
    Option("mouse", "", _switch, None, "mouse support (default: off under SSH)"),
    Option("low-bandwidth", "", _switch, None,
           "10 frames a second at most, in 256 colours at most (default: on under SSH)"),
    Option("ascii", "", _switch, default=False, meaning="plain ASCII instead of glyphs"),
    Option("theme", "NAME", _one_of(*THEMES), "auto", f"colours: {', '.join(THEMES)}"),
    Option("color", "WHEN", _one_of(*COLORS), "auto",
           "colours of printed text: auto (on a terminal, without NO_COLOR), always, never"),
    Option("log-level", "LEVEL", _one_of(*LOG_LEVELS), "WARNING", f"what the log gets: {', '.join(LOG_LEVELS)}"),
)
# fmt: on
"""Every setting, in the order of the help text."""
_BY_KEY = {option.key: option for option in OPTIONS}


class NotifyRule(StrEnum):
    """What is notified, each more than the one before; lost contact and its return always are."""

    FAILURE = "failure"
    LATE = "late"
    """A run that takes longer than usual, too."""
    SETTLED = "settled"
    ANY = "any"


OSC_KINDS = ("off", "9", "777")
MIN_LOST_AFTER_SECONDS = 10.0  # below it one lost packet would ring


class NotifySettings(NamedTuple):
    """The [notify] table, each key with its default: nothing leaves the terminal by default."""

    rule: NotifyRule = NotifyRule.FAILURE
    command: tuple[str, ...] = ()
    """A program and its arguments, with places for {id}, {name}, {from}, {to} and {message}; run without a shell."""
    bell: bool = True
    osc: str = "off"
    """Desktop notification through the terminal: one of OSC_KINDS."""
    tmux_passthrough: bool = False
    """Wrap the sequence for tmux, which drops it unless its allow-passthrough is on."""
    lost_after: float = 300.0
    """Seconds without contact after which that is notified."""


def read_notify(table: object, source: str) -> NotifySettings:
    """Return the settings in a table as TOML gives it; `source` is the file's name.

    Raises:
        ConfigError: an unknown key, with the known ones, or a value that can't be used.
    """
    known = ", ".join(NotifySettings._fields)
    if not isinstance(table, Mapping):
        raise ConfigError(f"{source}: [notify] is a table with {known}.")
    values: dict[str, Any] = {}
    for name, raw in table.items():
        if name not in _NOTIFY_PARSERS:
            raise ConfigError(f"{source}: [notify] has no {name!r}: known are {known}.")
        try:
            values[name] = _NOTIFY_PARSERS[name](raw)
        except ValueError as error:
            # A command may hold the token of a webhook.
            what = name if name == "command" else f"{name}: {str(raw)[:60]!r}"
            raise ConfigError(f"{source}: [notify] {what} {error}.") from None
    return NotifySettings(**values)


def _command(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [None]
    if not all(isinstance(word, str) and "\0" not in word for word in words) or words[:1] == [""]:
        raise ValueError(
            "is a list of a program and its arguments, such as "
            '["/home/me/bin/page-me", "{message}"]; no shell reads it'
        )
    return tuple(words)


_NOTIFY_PARSERS: Mapping[str, Callable[[object], object]] = {
    "rule": lambda value: NotifyRule(_one_of(*NotifyRule)(value)),
    "command": _command,
    "bell": _switch,
    "osc": _one_of(*OSC_KINDS),
    "tmux_passthrough": _switch,
    "lost_after": lambda value: _at_least(MIN_LOST_AFTER_SECONDS, value),
}

_LINK_PARTS = ("region", "project", "workflow", "id")
_LINK = r"https://(?:[^\s{}<>\"'`|\\^\x00-\x20\x7f-\U0010ffff]|\{([a-z]+)\})+"


def _link(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(_LINK, text):
        raise ValueError("is not a link: write https://..., with places such as {region} and {id}")
    if unknown := set(re.findall(r"\{(\w+)\}", text)) - set(_LINK_PARTS):
        known = ", ".join(_LINK_PARTS)
        raise ValueError(
            f"has a place {min(unknown)!r} that nothing is put into: known are {known}"
        )
    return text


def read_links(table: object, source: str) -> str:
    """Return the template of [links] for an instance, "" without one.

    Raises:
        ConfigError: it is not an https link, or names what is not known.
    """
    if not isinstance(table, Mapping) or table.keys() - {"instance"}:
        raise ConfigError(f'{source}: [links] takes one line, instance = "https://...".')
    try:
        return _link(table["instance"]) if table else ""
    except ValueError as error:
        quoted = without_keys(str(table["instance"]))[:100]
        raise ConfigError(f"{source}: [links] instance: {quoted!r} {error}.") from None


DATABASE = "watch.sqlite3"


class Paths(NamedTuple):
    """Where the files of a user are."""

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


class Settings(NamedTuple):
    """What is in force, and where each value came from."""

    paths: Paths
    profile: str | None
    region: str | None
    endpoint: str | None
    interval: float
    """Seconds."""
    budget: int
    """Calls a day."""
    time_zone: str | None
    mouse: bool | None
    low_bandwidth: bool | None
    ascii: bool
    theme: str
    color: str
    log_level: str
    keys: Mapping[str, str]
    """Action name -> keys, from the [keys] table."""
    notify: NotifySettings
    instance_link: str
    """A template from the [links] table, "" for none."""
    sources: Mapping[str, str]
    """Option key -> where its value came from, in a few words."""

    @property
    def zone(self) -> tzinfo:
        """The zone that times are shown in; UTC where TZ can't be one."""
        if self.time_zone is not None:
            from zoneinfo import ZoneInfo  # noqa: PLC0415 - as in `_zone`

            return ZoneInfo(self.time_zone)
        try:
            datetime(2000, 1, 1, tzinfo=UTC).astimezone()
        except ValueError:
            return UTC
        return MachineZone()

    def link_to(self, target: "Target", instance: "WorkflowInstance") -> str:
        """Return the link to an instance, "" where there is none or a part of it is not known."""
        parts = (target.region, instance.project_id, instance.workflow_id, instance.id)
        given = dict(zip(_LINK_PARTS, map(str, parts), strict=True))
        wanted = [given[name] for name in re.findall(r"\{(\w+)\}", self.instance_link)]
        # A list that was handed over may call its region anything.
        if not all(re.fullmatch(r"[a-z0-9-]+", part) for part in wanted):
            return ""
        return self.instance_link.format(**given)


_MAX_FILE_BYTES = 1024 * 1024


def load_settings(given: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Combine command line options (by key; None where not given), environment and config.toml.

    Raises:
        ConfigError: one sentence that names the setting, its source and what is allowed.
    """
    stated = _stated(given, environ)
    from_file, keys, notify, link = _Origin(), dict[str, str](), NotifySettings(), ""
    is_named = "config" in stated
    if is_named:
        config_file = Path(str(_parsed(_BY_KEY["config"], *stated["config"])))
    else:
        config_file = _own_directory("config", environ) / "config.toml"
    try:
        from_file, keys, notify, link = _from_file(config_file, PIPE_SECONDS if is_named else 0.0)
    except FileNotFoundError:
        if is_named:
            raise ConfigError(
                f"There is no {config_file}, which {stated['config'][1]} names."
            ) from None
    values: dict[str, Any] = {option.key: option.default for option in OPTIONS}
    sources = dict.fromkeys(values, "default")
    for key, (raw, source) in (from_file | stated).items():
        values[key] = _parsed(_BY_KEY[key], raw, source)
        sources[key] = source
    del values["config"]
    state_dir = values.pop("state_dir") or _own_directory("state", environ)
    paths = Paths(config_file, state_dir)
    return Settings(paths, keys=keys, notify=notify, instance_link=link, sources=sources, **values)


_Origin = dict[str, tuple[object, str]]  # option key -> raw value and where it stood


def _stated(given: Mapping[str, object], environ: Mapping[str, str]) -> _Origin:
    found: _Origin = {}
    for option in OPTIONS:
        variables = (option.variable, *option.other_variables)
        if (value := given.get(option.key)) is not None:
            found[option.key] = (value, f"--{option.name}")
        elif variable := next(filter(environ.get, variables), None):
            found[option.key] = (environ[variable], variable)
    return found


def _from_file(
    path: Path, pipe_seconds: float
) -> tuple[_Origin, dict[str, str], NotifySettings, str]:
    data, status = read_settings(path, _MAX_FILE_BYTES, pipe_seconds=pipe_seconds)
    if writers := other_writers(path, status):
        raise ConfigError(writers)
    import tomllib  # noqa: PLC0415 - slow to import, and most users have no file

    try:
        # Some editors put a mark before the first character.
        table = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not in UTF-8: save it in that encoding.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        is_value = str(error).startswith("Invalid value")
        quotes = '; text needs quotes, as in region = "cn-shanghai"' * is_value
        raise ConfigError(f"{path} is not valid TOML: {error}{quotes}.") from None
    keys = table.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise ConfigError(f'{path}: [keys] takes lines such as refresh = "f5,r".')
    notify = read_notify(table.pop("notify", {}), str(path))
    if notify.command and (writers := other_writers_above(path)):
        raise ConfigError(f"[notify] command: {writers}")
    link = read_links(table.pop("links", {}), str(path))
    for name in table:
        option = _BY_KEY.get(name)
        if option is None or not option.in_file:
            known = [key for key, option in _BY_KEY.items() if option.in_file]
            hint = did_you_mean(name, known, f"known are {', '.join(known)}.")
            raise ConfigError(f"{path}: there is no setting {name!r}: {hint}")
    return {name: (value, str(path)) for name, value in table.items()}, keys, notify, link


def _parsed(option: Option, raw: object, source: str) -> object:
    try:
        return option.parse(raw)
    except ValueError as error:
        place = source if source == f"--{option.name}" else f"{option.name} in {source}"
        raise ConfigError(f"{place}: {without_keys(str(raw))[:60]!r} {error}.") from None


def home_of(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory.

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


def _own_directory(kind: Literal["config", "state"], environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_CONFIG_HOME/wfinspect`` or ``$XDG_STATE_HOME/wfinspect``, or the platform's like.

    Raises:
        ConfigError: as `home_of`.
    """
    base = Path(environ.get(f"XDG_{kind.upper()}_HOME", ""))
    # The XDG specification says to ignore relative ones.
    if base.is_absolute():
        return base / "wfinspect"
    home = home_of(environ)
    if sys.platform != "darwin":
        return home / (".config" if kind == "config" else ".local/state") / "wfinspect"
    import platformdirs  # noqa: PLC0415 - 9 ms, a fifth of `status --short` with a config.toml

    paths = platformdirs.PlatformDirs("wfinspect", appauthor=False)
    return paths.user_config_path if kind == "config" else paths.user_state_path


def decoded(text: str) -> str:
    """Return an argument or the value of a variable as the UTF-8 it was typed in, whatever the locale."""
    if text.isascii():
        return text
    is_read_otherwise = codecs.lookup(sys.getfilesystemencoding()).name in {"ascii", "iso8859-1"}
    if not is_read_otherwise and not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


PIPE_SECONDS = 10.0
"""How long a pipe that a user names is read."""
_PIECE_BYTES = 65_536
_LOOK_AGAIN_SECONDS = 0.05


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
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            is_pipe = stat.S_ISFIFO(status.st_mode)
            if is_pipe and not pipe_seconds:
                raise ConfigError(
                    f"{path} is a pipe, which is not waited for in that place: put a file there, or "
                    "remove it."
                )
            limit = max_bytes + 1
            data = (
                _read_pipe(path, file.fileno(), limit, pipe_seconds)
                if is_pipe
                else file.read(limit)
            )
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"{path} can't be read ({reason}): check its owner and permissions."
        ) from None
    if len(data) > max_bytes:
        raise ConfigError(f"{path} is too large: {max_bytes:,} bytes are read at most.")
    return data, status


def _open_without_waiting(path: str, flags: int) -> int:
    # Opened for blocking reads, a pipe without a writer would hold the whole start.
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _read_pipe(path: Path, descriptor: int, limit: int, seconds: float) -> bytes:
    clock, data = SystemClock(), b""
    deadline = clock.monotonic() + seconds
    while len(data) < limit:
        left = deadline - clock.monotonic()
        if left <= 0:
            raise ConfigError(
                f"{path} is a pipe, and its end did not come within {seconds:g} s: write all of it "
                "and close it, or name a file."
            )
        try:
            piece = os.read(descriptor, _PIECE_BYTES)
        except BlockingIOError:
            select.select([descriptor], [], [], left)
            continue
        if not piece and data:
            break
        if not piece:
            # No writer has come yet, which no system can wait for here.
            select.select([], [], [], _LOOK_AGAIN_SECONDS)
        data += piece
    return data


def other_writers(path: Path, status: os.stat_result) -> str:
    """Return a sentence where others may have written to a file that was read, else ""."""
    if not stat.S_ISREG(status.st_mode):
        return ""
    if status.st_uid not in {0, os.getuid()}:
        return f"{path} belongs to another user: copy it, and use the copy."
    if stat.S_IMODE(status.st_mode) & 0o022:
        return f"{path} is writable by others: run chmod go-w {path}."
    return ""


def other_writers_above(path: Path) -> str:
    """Return a sentence where others may put another file in its place, else ""."""
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
    # Where the umask is 002, each user has such a group.
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    is_own = gid == 0 or (group.gr_name == user.pw_name and gid == user.pw_gid)
    return is_own and set(group.gr_mem) <= {user.pw_name, "root"}


def make_private(directory: Path) -> None:
    """Create a directory and all above it with mode 0700, or check that it is the user's own.

    Raises:
        StoreError: it can't be made, is not a directory, or belongs to or is writable by others.
    """
    try:
        # Those above it as well, whatever the umask.
        umask = os.umask(0o077)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        finally:
            os.umask(umask)
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


_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def open_private(path: Path, flags: int) -> int:
    """Open a file, made with mode 0600 where there is none: through no link, and waiting for no pipe.

    Raises:
        OSError: it can't be opened.
    """
    return os.open(path, flags | os.O_CREAT | _CAREFULLY, 0o600)


def write_new(path: Path, text: str) -> Path:
    """Write a file that only the user can read, and return its path: numbered where one is there.

    Raises:
        OSError: it can't be written; nothing of it is left.
    """
    number, place = 1, path
    while True:
        try:
            descriptor = open_private(place, os.O_WRONLY | os.O_EXCL)
            break
        except FileExistsError:
            number += 1
            place = path.with_name(f"{path.stem}-{number}{path.suffix}")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        place.unlink()  # half of it would pass for the whole
        raise
    return place.absolute()


def replace_private(path: Path, text: str) -> None:
    """Write or replace a file in one step, in a directory that is private or made so.

    Raises:
        OSError: it can't be written.
        StoreError: as `make_private`.
    """
    make_private(path.parent)
    write_over(path, text)


def write_over(path: Path, text: str) -> None:
    """Write a file that only the user can read, in one step and in the place of one that is there.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    new = write_new(path.with_name(f"{path.name}.{os.getpid()}"), text)
    try:
        new.replace(path)
    except OSError:
        new.unlink()
        raise
