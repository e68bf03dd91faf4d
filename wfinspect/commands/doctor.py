"""``wfinspect doctor`` checks store, service, terminal and notifications; ``wfinspect info`` prints what is set.

A check has a deadline, and none that fails hides another. What needs httpx is imported by the check that
uses it: it takes 0.15 s, which `doctor --help` and `completion` would wait for.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import shlex
import shutil
import ssl
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from wfinspect import __version__
from wfinspect.clock import Clock, SystemClock
from wfinspect.commands import output
from wfinspect.commands.once import ResolvedTarget, count_calls, identity_of, resolve_target
from wfinspect.dataworks import connector
from wfinspect.dataworks.endpoints import is_loopback
from wfinspect.errors import (
    BadRequest,
    ConfigError,
    NotFound,
    Refused,
    UsageError,
    WfInspectError,
)
from wfinspect.format import cell_width, duration, shown
from wfinspect.model import InstanceId, InstanceKey, Target, WorkflowInstance, day_of
from wfinspect.redaction import without_keys
from wfinspect.settings import OPTIONS, NotifySettings, Settings, home_of
from wfinspect.terminal import (
    announcement,
    color_system,
    encoding_of,
    has_glyphs,
    is_remote,
    require_terminal,
    run_tmux,
)
from wfinspect.watching.notifications import TRIAL, Announcement, Messenger
from wfinspect.watching.store import Store

if TYPE_CHECKING:
    from wfinspect.dataworks.client import DataWorksClient


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


_COLORS = {
    Level.OK: output.GREEN,
    Level.WARNING: output.YELLOW,
    Level.FAILURE: output.RED,
    Level.SKIPPED: output.GREY,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What one check found: a sentence, with what to do where it is not ok."""

    text: str
    level: Level = Level.OK


@dataclass(frozen=True, slots=True)
class Check:
    """A function with a name. A `WfInspectError` that it raises is a failure."""

    name: str
    run: Callable[[], Awaitable[Found]]
    needs: Sequence[str] = ()
    """Checks without which it can't be made."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only these commands take."""
    if parser.get_default("command") == "info":
        output.add_output_option(parser, "an array of name, value and source", ("table", "json"))
        return
    output.add_output_option(parser, "an array of check, level and text", ("table", "json"))
    parser.add_argument(
        "--try",
        dest="is_trial",
        action="store_true",
        help="send a bell, a desktop notification and the command, each if it is set",
    )


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print a line for each check, 1 if one of them failed; or the settings."""
    if args.command == "info":
        return _print_info(args, settings, environ)
    return asyncio.run(_check_all(args, settings, environ))


async def _check_all(
    args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]
) -> int:
    clock = SystemClock()
    stored = StoreChecks(settings, clock)
    service = ServiceChecks(settings, environ, clock, stored.ids)
    said: list[output.Values] = []
    try:
        async for name, found in findings(
            [
                blocking("store", stored.check),
                *service.checks(),
                stored.count(lambda: service.target, service.calls),
                *terminal_checks(environ, settings, is_trial=args.is_trial),
            ]
        ):
            said.append({"check": name, "level": found.level.value, "text": found.text})
            if args.output != "json":
                # At once, so that a slow check is seen to be one.
                head = f"{found.level:<7}  {name:<21} "
                text = output.wrapped(head, shown(found.text), sys.stdout, len(head) + 1)
                level = output.colored(output.Colored(found.level, _COLORS[found.level]))
                print(f"{level}{text.removeprefix(found.level)}", flush=True)
    finally:
        await service.aclose()
    failures = sum(each["level"] == "failure" for each in said)
    if args.output == "json":
        print(output.as_rows("json", said, (), settings.zone))
    else:
        output.say(f"{failures or 'None'} of {len(said)} checks failed.")
    return int(failures > 0)


DEADLINE_SECONDS = 20.0


async def findings(
    checks: Sequence[Check], *, deadline: float = DEADLINE_SECONDS
) -> AsyncIterator[tuple[str, Found]]:
    """Run checks one after the other; yield the name and finding of each."""
    causes: dict[str, str] = {}
    for check in checks:
        if cause := next((causes[name] for name in check.needs if name in causes), ""):
            causes[check.name] = cause
            yield check.name, Found(f"not tried, since {cause} failed: see above", Level.SKIPPED)
            continue
        try:
            async with asyncio.timeout(deadline):
                found = await check.run()
        except TimeoutError:
            found = Found(f"No answer within {deadline:g}s.", Level.FAILURE)
        except WfInspectError as error:
            found = Found(str(error), Level.FAILURE)
        except Exception as error:  # noqa: BLE001 - what one check trips over never hides the others
            found = Found(f"Could not be checked ({type(error).__name__}).", Level.FAILURE)
        if found.level is Level.FAILURE:
            causes[check.name] = check.name
        yield check.name, found


def blocking(name: str, run: Callable[[], Found], needs: Sequence[str] = ()) -> Check:
    """Make a check of a function that may hang: in a thread of its own, which the end does not wait for."""
    from wfinspect.dataworks.transport import BlockingCall

    return Check(name, lambda: BlockingCall(run, f"check of {name}").wait(DEADLINE_SECONDS), needs)


def warning(text: str) -> Found:
    return Found(text, Level.WARNING)


class StoreChecks:
    """The state directory as it is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = settings.paths.state_dir
        self._keys: list[InstanceKey] = []

    def ids(self, target: Target) -> list[InstanceId]:
        """Return the watched instances of a target, those that are gone last, once the store was checked."""
        return [key.id for key in self._keys if key.target == target]

    def count(self, target: Callable[[], Target], calls: Counter[Target]) -> Check:
        """Return the check that counts calls in the store, and says how many there were today."""
        needs = ("store", "endpoint")
        return blocking("calls", lambda: self._check_calls(target(), calls), needs)

    def check(self) -> Found:
        """Read the list."""
        with contextlib.closing(Store(self._directory, self._clock.now)) as store:
            rows = store.rows()
            self._keys = [row.key for row in sorted(rows, key=lambda row: row.is_gone)]
            text = f"{shlex.quote(str(store.path))}, {len(rows)} watched"
            if unreadable := store.take_unreadable():
                return warning(f"{text}. {unreadable}")
            if store.set_aside is not None:
                kept = shlex.quote(str(store.set_aside))
                return warning(f"{text}; it was damaged, and is kept as {kept}.")
            if store.is_read_only:
                return warning(f"{text}; it can't be written to: changes end with the app.")
        return Found(text)

    def _check_calls(self, target: Target, calls: Counter[Target]) -> Found:
        count_calls(self._settings, self._clock, calls)
        day, budget = day_of(target.region, self._clock.now()), self._settings.budget
        with contextlib.closing(Store(self._directory, self._clock.now)) as store:
            used = store.calls(target.account, day)
        text = f"{used:,} today of a budget of {budget:,}, {calls.total()} of them by these checks"
        if used >= budget:
            return warning(f"{text}: polling waits for tomorrow; --budget sets it.")
        return Found(text)


_NO_INSTANCE = InstanceId(1)
"""An ID that no instance has: the service counts up from ten digits."""
_EXPIRES_SOON = 14 * 86_400
_GOOD_CLOCK_SECONDS = 60.0


class ServiceChecks:
    """The checks in their order; each uses what those that it needs have found."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        watched: Callable[[Target], Sequence[InstanceId]],
    ) -> None:
        """Do nothing yet; `watched` returns the watched instances of a target."""
        self._settings = settings
        self._environ = environ
        self._clock = clock
        self._watched = watched
        self._one: WorkflowInstance | None = None
        """A watched instance, once it was read."""
        self._client: DataWorksClient | None = None
        self.calls: Counter[Target] = Counter()

    def checks(self) -> list[Check]:
        """From the credentials to the permissions."""
        return [
            Check("credentials", self._check_credentials),
            Check("endpoint", self._check_endpoint),
            Check("connection", self._check_connection, ("endpoint",)),
            Check("GetWorkflowInstance", self._check_get, ("credentials", "connection")),
            Check("ListWorkflowInstances", self._check_list, ("GetWorkflowInstance",)),
            Check("clock", self._check_clock),
        ]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    @property
    def target(self) -> Target:
        """The target of new instances; raises ConfigError if that can't be decided."""
        return self._resolved.target

    @cached_property
    def _resolved(self) -> ResolvedTarget:
        return resolve_target(self._settings, self._environ)

    async def _check_credentials(self) -> Found:
        from wfinspect.dataworks.credentials import CredentialsSource

        identity = identity_of(self._settings, self._environ)
        source = CredentialsSource(identity.profile, self._environ, home_of(self._environ))
        keys = await source.current()
        kind = "temporary key" if keys.security_token else "key"
        text = f"{kind} {keys.masked_id}, profile {identity.profile} ({identity.source})"
        return Found(text, Level.WARNING if identity.passed_over else Level.OK)

    async def _check_endpoint(self) -> Found:
        target, _, region_source, endpoint_source = self._resolved
        return Found(f"{target.endpoint} ({endpoint_source}), {target.region} ({region_source})")

    async def _check_connection(self) -> Found:
        from wfinspect.dataworks.transport import connect_once, no_tls, tls_context

        endpoint, began = self.target.endpoint, self._clock.monotonic()
        verify = no_tls() if is_loopback(endpoint) else tls_context(self._environ)
        address, proxy, tls = await connect_once(endpoint, self._environ, verify)
        where = f"the proxy {proxy} at {address}" if proxy else address
        text = f"{where}, {self._milliseconds(began)}"
        if tls is None:
            return Found(f"{text}, plain http on this machine")
        expires = ssl.cert_time_to_seconds(str((tls.getpeercert() or {})["notAfter"]))
        until = f"{datetime.fromtimestamp(expires, UTC):%Y-%m-%d}"
        text = f"{text}, {tls.version()}, certificate valid until {until}"
        if expires - self._clock.now().timestamp() < _EXPIRES_SOON:
            return warning(f"{text}: if it is a proxy's of your company, inform its administrator.")
        return Found(text)

    async def _check_get(self) -> Found:
        known = self._watched(self.target)
        wanted = known[0] if known else _NO_INSTANCE
        client, began = await self._open(), self._clock.monotonic()
        try:
            self._one = await client.get_workflow_instance(wanted)
        except NotFound as error:
            if known:
                return warning(f"permitted, {self._milliseconds(began)}; {error}")
            return Found(f"permitted, {self._milliseconds(began)}")
        except BadRequest as error:
            return warning(f"answered, {self._milliseconds(began)}; {error}")
        return Found(f"permitted, {self._milliseconds(began)}; {wanted} is {self._one.status}")

    async def _check_list(self) -> Found:
        one = self._one
        if one is None or not (one.project_id and one.biz_date):
            said = "needs a watched instance: watch one with `wfinspect ID`, then repeat this"
            return Found(said, Level.SKIPPED)
        client, began = await self._open(), self._clock.monotonic()
        try:
            listed = await client.list_workflow_instances(
                [one.id],
                project_id=one.project_id,
                biz_date=one.biz_date,
                env_type=one.env_type,
            )
        except (Refused, BadRequest, NotFound) as error:
            return warning(f"{error} Until then each instance costs a call of its own.")
        if one.id not in {each.id for each in listed}:
            return warning(f"answered without {one.id}: it is asked for by a call of its own.")
        return Found(f"permitted, {self._milliseconds(began)}")

    async def _check_clock(self) -> Found:
        skew = None if self._client is None else self._client.skew_seconds
        if skew is None:
            return Found("not known, since no answer came: see above", Level.SKIPPED)
        off = duration(abs(skew))
        if abs(skew) < _GOOD_CLOCK_SECONDS:
            return Found(f"within {off} of the service's")
        return warning(
            f"This machine's clock is {off} {'behind' if skew > 0 else 'ahead of'} the "
            "service's: set it, for instance with `timedatectl set-ntp true`. Calls are signed "
            "with the service's time as far as it can be trusted."
        )

    async def _open(self) -> "DataWorksClient":
        if self._client is None:
            connect = connector(self._environ, home_of(self._environ), self._clock)
            self._client = await connect(self.target, lambda: self.calls.update([self.target]))
        return self._client

    def _milliseconds(self, began: float) -> str:
        return f"{(self._clock.monotonic() - began) * 1000:.0f} ms"


_TERMINAL = "/dev/tty"
_LEAST_COLUMNS, _LEAST_LINES = 40, 7


def terminal_checks(
    environ: Mapping[str, str], settings: Settings, *, is_trial: bool
) -> list[Check]:
    """Return the checks of the terminal and of notifications; a trial sends one by each way."""
    notify, low_bandwidth = settings.notify, settings.low_bandwidth
    bell = "\a" if notify.bell else ""
    osc = announcement(notify.osc, TRIAL, through_tmux=notify.tmux_passthrough)
    return [
        blocking("terminal", lambda: _check_terminal(environ, low_bandwidth=low_bandwidth)),
        blocking("locale", lambda: _check_locale(environ)),
        blocking("session", lambda: _check_session(environ)),
        blocking("clipboard", lambda: _check_clipboard(environ)),
        blocking("bell", lambda: _sent("a bell", bell, is_trial=is_trial)),
        blocking("osc", lambda: _check_osc(environ, notify, osc, is_trial=is_trial)),
        blocking("command", lambda: _check_command(environ, notify, is_trial=is_trial)),
    ]


_COLOURS = {"truecolor": "all colours", "256": "256 colours", "standard": "16 colours"}


def _check_terminal(environ: Mapping[str, str], *, low_bandwidth: bool | None) -> Found:
    term = environ.get("TERM", "")
    try:
        # What this command prints may go elsewhere.
        require_terminal(sys.__stdin__, sys.__stderr__, sys.__stderr__, term)
        columns, lines = os.get_terminal_size(2)
    except (UsageError, OSError) as error:
        return warning(str(error))
    colours = (
        "no colours (NO_COLOR)"
        if environ.get("NO_COLOR")
        else _COLOURS[color_system(environ, low_bandwidth=low_bandwidth)]
    )
    text = f"{term}, {columns}x{lines}, {colours}"
    if not (columns and lines):
        return warning(f"{text}: it has no size. `stty cols 80 rows 24` sets one.")
    if columns < _LEAST_COLUMNS or lines < _LEAST_LINES:
        return warning(f"{text}: make it at least {_LEAST_COLUMNS}x{_LEAST_LINES}.")
    return Found(text)


def _check_locale(environ: Mapping[str, str]) -> Found:
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    name = next((name for name in names if environ.get(name)), "LANG")
    encoding = encoding_of(sys.__stderr__)
    text = f"{name}='{environ.get(name, '')}', written in {encoding}"
    if has_glyphs(encoding):
        return Found(text)
    return warning(
        f"{text}: the app draws in ASCII, and a name may lose letters; set LANG=C.UTF-8."
    )


_LONGEST_ESCAPE_TIME = 50  # milliseconds


def _check_session(environ: Mapping[str, str]) -> Found:
    if environ.get("TMUX"):
        version = run_tmux(environ, "-V") or "tmux does not answer"
        passes = run_tmux(environ, "show-options", "-gwqv", "allow-passthrough") or "off"
        text = f"{version}, allow-passthrough {passes}"
        delay = run_tmux(environ, "show-options", "-sqv", "escape-time") or ""
        if delay.isdecimal() and int(delay) > _LONGEST_ESCAPE_TIME:
            return warning(f"{text}; it holds Esc for {delay} ms: tmux set -s escape-time 25.")
        return Found(text)
    if environ.get("STY"):
        return Found("GNU screen")
    if is_remote(environ):
        return warning("SSH without tmux or screen: closing it ends the watch; start tmux first.")
    return Found("local, without tmux")


def _check_clipboard(environ: Mapping[str, str]) -> Found:
    if not environ.get("TMUX"):
        wrapped = " through GNU screen" if environ.get("STY") else ""
        return Found(f"OSC 52{wrapped}; nothing confirms that it arrives: try y, and paste")
    if run_tmux(environ, "show-options", "-sqv", "set-clipboard") == "off":
        return warning("only tmux's own buffer: for the terminal's, tmux set -s set-clipboard on.")
    return Found("tmux load-buffer -w; nothing confirms that it arrives: try y, and paste")


def _check_osc(
    environ: Mapping[str, str], notify: NotifySettings, osc: str, *, is_trial: bool
) -> Found:
    found = _sent(f"OSC {notify.osc}", osc, is_trial=is_trial)
    if not osc or found.level is not Level.OK or not environ.get("TMUX"):
        return found
    if not notify.tmux_passthrough:
        return warning(f"{found.text}; tmux drops it: set tmux_passthrough = true in [notify].")
    if run_tmux(environ, "show-options", "-gwqv", "allow-passthrough") not in {"on", "all"}:
        return warning(f"{found.text}; tmux drops it: tmux set -g allow-passthrough on.")
    return found


def _check_command(environ: Mapping[str, str], notify: NotifySettings, *, is_trial: bool) -> Found:
    if not notify.command:
        return Found("none set ([notify] command in config.toml)")
    program = notify.command[0]
    if shutil.which(program, path=environ.get("PATH")) is None:
        sentence = f"{program} can't be run: change command in [notify]."
        return Found(sentence, Level.FAILURE)
    if not is_trial:
        return Found(f"{program}; --try runs it")
    trouble = Messenger(notify.command, environ).run(Announcement(TRIAL))
    return Found(trouble, Level.FAILURE) if trouble else Found(f"{program} was run, and succeeded")


def _sent(what: str, sequence: str, *, is_trial: bool) -> Found:
    if not sequence:
        return Found("off in [notify]")
    if not is_trial:
        return Found("on; --try sends one")
    try:
        terminal = os.open(_TERMINAL, os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        return warning(f"There is no terminal to send {what} to.")
    try:
        os.write(terminal, sequence.encode())
    finally:
        os.close(terminal)
    return Found(f"{what} was sent: see whether it came")


# What is set.


def _print_info(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print two or three columns a line: what, its value, its source."""
    paths = settings.paths
    rows = [
        ("wfinspect", f"{__version__} on Python {platform.python_version()}", ""),
        ("config", str(paths.config_file), "" if paths.config_file.exists() else "not there"),
        ("state", str(paths.state_dir), settings.sources["state_dir"]),
        ("database", str(paths.database), "" if paths.database.exists() else "not there yet"),
        ("log", str(paths.log_file), "" if paths.log_file.exists() else "not there yet"),
    ]
    trouble: ConfigError | None = None
    try:
        resolved = resolve_target(settings, environ)
    except ConfigError as error:
        trouble = error
    else:
        rows += [
            ("profile", resolved.target.profile, resolved.profile_source),
            ("region", resolved.target.region, resolved.region_source),
            ("endpoint", resolved.target.endpoint, resolved.endpoint_source),
        ]
    listed = {row[0] for row in rows} | {"state-dir"}
    rows += [
        (option.name, _setting(getattr(settings, option.key)), settings.sources[option.key])
        for option in OPTIONS
        if option.name not in listed
    ]
    notify, source = settings.notify, str(paths.config_file)
    rows += [
        (f"notify {name}", _setting(value), source if value != default else "default")
        for name, value, default in zip(
            NotifySettings._fields, notify, NotifySettings(), strict=True
        )
    ]
    link = settings.instance_link
    rows.append(("links instance", link or "(none)", source if link else "default"))
    rows = [
        (name, shown(without_keys(value)), shown(without_keys(source)))
        for name, value, source in rows
    ]
    if args.output == "json":
        values = [dict(zip(_INFO_KEYS, row, strict=True)) for row in rows]
        print(output.as_rows("json", values, _INFO_KEYS, settings.zone))
    else:
        print("\n".join(_setting_lines(rows)))
    if trouble is not None:
        raise trouble
    return 0


def _setting_lines(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Yield lines in columns; a long value, such as a path, moves only its own source to the right.

    What a terminal has no room for on one line goes on below; a value has one of its own, to be copied.
    """
    column = max((w for _, value, _ in rows if (w := cell_width(value)) <= _COLUMN), default=0)
    for name, value, source in rows:
        head = f"{name:<{len('notify tmux_passthrough')}}  "
        is_cut = cell_width(f"{head}{value}") > (output.room() or inf)
        before = head if is_cut else f"{head}{value}{' ' * (column - cell_width(value))} "
        yield output.wrapped(before, source, sys.stdout, len(head)).rstrip()
        if is_cut:
            yield value


_COLUMN = 32
_INFO_KEYS = ("name", "value", "source")


def _setting(value: object) -> str:
    if value is None:
        return "(automatic)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return shlex.join(value) or "(none)"
    return f"{value:g}" if isinstance(value, float) else str(value)
