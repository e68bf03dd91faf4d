"""Fixtures every test may rely on; no test leaves the loopback interface or sees the user's settings."""

import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes import START, FakeClock, seconds_to_pass
from fuzz import BATTERY, QUICK
from hypothesis import HealthCheck, is_hypothesis_test, settings
from signed_request import Caller

from wfinspect.cli import main
from wfinspect.clock import SystemClock
from wfinspect.commands import once
from wfinspect.model import Target
from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.watching import limits
from wfinspect.watching.store import Store

# Thousands of small databases, each written through to the disk, would be waited for.
_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a directory of its own in it
if (
    "TMPDIR" not in os.environ
    and os.access(_MEMORY, os.W_OK)
    and shutil.disk_usage(_MEMORY).free > 2 << 30
):
    os.environ["TMPDIR"] = str(_MEMORY)  # for the workers, too
    tempfile.tempdir = None

# The same examples at every run, so that more of them would find no more; the battery looks further.
settings.register_profile(QUICK, deadline=None, derandomize=True, print_blob=True, max_examples=40)
settings.register_profile(
    BATTERY,
    deadline=None,
    print_blob=True,
    max_examples=2_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(QUICK)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == BATTERY:
        settings.load_profile(BATTERY)
    # Begun with nohup or in a script's background they are ignored here, and would be so in every program
    # that a test ends by a signal.
    for number, handler in (
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make every property part of the battery, where it is tried far more often."""
    if config.option.markexpr == BATTERY:
        for item in items:
            if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
                item.add_marker(BATTERY)


_PREFIXES = ("ALIBABA", "ALICLOUD", "WFINSPECT_", "ACCESS_KEY", "SECURITY_TOKEN")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith(_PREFIXES) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "NO_COLOR", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")


_ON_THE_OWN_CLOCK = {"journeys", "commands"}
"""Directories of tests of which both sides read the machine's clock: what is `yesterday` to one is it to all."""


@pytest.fixture(autouse=True)
def _one_day(request: pytest.FixtureRequest) -> None:
    if request.path.parent.name in _ON_THE_OWN_CLOCK:
        time.sleep(seconds_to_pass(datetime.now(UTC)))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
            host = str(address[0])
            try:
                allowed = ipaddress.ip_address(host).is_loopback
            except ValueError:
                allowed = host == "localhost"
            if not allowed:
                raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _closed_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test leaves open, as the end of a process does: newer Pythons warn of it."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recorded(*args: Any, **kwargs: Any) -> sqlite3.Connection:  # noqa: ANN401 - handed on
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", recorded)
    yield
    for connection in opened:
        # One of another thread can't be closed from here; its own thread does.
        with contextlib.suppress(sqlite3.ProgrammingError):
            connection.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    with Simulator(clock=clock, extra=30) as started:
        yield started


@pytest.fixture(scope="module")
def service() -> Iterator[Simulator]:
    """On the machine's own clock, as a command needs it; one for a whole file of tests."""
    with Simulator(clock=SystemClock()) as running:
        yield running


@pytest.fixture
def live(service: Simulator) -> Iterator[Simulator]:
    yield service
    service.faults.clear()


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command tries again, and makes its next call, at once."""
    monkeypatch.setattr(limits, "CALLS_A_SECOND", 50)
    monkeypatch.setattr(once, "BASE_SECONDS", 0.0)
    monkeypatch.setattr(once, "THROTTLED_BASE_SECONDS", 0.0)


@pytest.fixture
def environ(live: Simulator, tmp_path: Path) -> dict[str, str]:
    home = {"XDG_STATE_HOME": str(tmp_path / "s"), "HOME": str(tmp_path), "TZ": "UTC"}
    return live.environment() | home


@pytest.fixture
def target(live: Simulator) -> Target:
    return Target("(env)", "cn-shanghai", live.url)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """That of a command which is run with `environ`."""
    made = Store(tmp_path / "s" / "wfinspect", SystemClock().now)
    yield made
    made.close()


@pytest.fixture
def command(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line; gives its code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        return main(arguments, environ), *capsys.readouterr()

    return run


@pytest.fixture
def caller(simulator: Simulator) -> Iterator[Caller]:
    made = Caller(simulator.url, START)
    yield made
    made.close()


@pytest.fixture
def group(caller: Caller) -> dict:
    found = caller.get(DEMO_IDS[0]).json["WorkflowInstance"]
    return {name: found[name] for name in ("ProjectId", "BizDate", "EnvType")}
