"""Whatever ends the app, the terminal is as it was, and says why; and no key is left in a core dump."""

import re
import signal
from pathlib import Path

import pytest
from journey import SCRIPT, Home, Session

from wfinspect.simulator import DEMO_IDS

NORMAL_SCREEN = b"\x1b[?1049l"
ROOM_FOR_A_THREAD = 1_000_000  # KiB; the stack each gets, so that the limit alone counts them
FAULTS = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"}
NOT_DEADLY = {"SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGTSTP", "SIGTTIN", "SIGTTOU"}
NEVER_CAUGHT = {"SIGKILL", "SIGSTOP"}


def is_restored(app: Session) -> bool:
    return app.modes_left_on() == [] and app.termios() == app.termios_before


def with_room_for_threads(count: int, home: Home) -> Session:
    """The app where the system starts so many threads and refuses the next."""
    limits = f"ulimit -s {ROOM_FOR_A_THREAD}; ulimit -v {(count + 1) * ROOM_FOR_A_THREAD - 200_000}"
    command = ["bash", "-c", f'{limits}; exec "$0"', str(SCRIPT)]
    return Session(command, home=home.path, env=home.environ)


@pytest.mark.parametrize(
    "count", [pytest.param(n, marks=() if n in {1, 2} else pytest.mark.battery) for n in range(5)]
)
def test_a_thread_that_cannot_be_started_leaves_the_error_on_the_normal_screen(
    count: int, home: Home
) -> None:
    with with_room_for_threads(count, home) as app:
        code = app.wait_exit()

        assert code == 70
        assert is_restored(app)
        after = bytes(app.log).rpartition(NORMAL_SCREEN)[2].decode()
        assert "no more memory or threads" in after
        assert "ulimit -v" in after


def test_a_thread_that_is_missing_later_is_an_error_of_the_call(home: Home) -> None:
    """The sixth, which would resolve a name."""
    home.environ["WFINSPECT_ENDPOINT"] = "https://dataworks.localhost"
    with with_room_for_threads(5, home) as app:
        app.wait_for("ready|type or paste")
        app.press(*str(DEMO_IDS[0]), "enter")
        app.wait_for("NOT LIVE +too few resources")
        app.quit()


@pytest.mark.parametrize(
    "name",
    [
        "QUIT",
        "USR1",
        *(pytest.param(name, marks=pytest.mark.battery) for name in ("ABRT", "RTMIN")),
    ],
)
def test_a_signal_that_ends_it_restores_the_terminal(home: Home, name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    with home.start() as app:
        app.wait_for("ready|type or paste")

        app.signal(number)

        assert app.wait_exit() == 128 + number
        assert is_restored(app)
        assert "Traceback" not in app.text()


def test_every_signal_that_would_kill_it_is_met(home: Home) -> None:
    with home.start() as app:
        app.wait_for("ready|type or paste")
        status = status_of(app.process.pid)
        met = sum(int(re.search(rf"Sig{what}:\s+(\w+)", status)[1], 16) for what in ("Cgt", "Ign"))  # type: ignore[index]
        app.quit()

    missed = {each for each in signal.valid_signals() if not met >> each - 1 & 1}
    names = {getattr(each, "name", str(each)) for each in missed}
    assert names <= FAULTS | NOT_DEADLY | NEVER_CAUGHT


def status_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text("utf-8")


def test_no_core_is_left_where_the_system_would_write_one(home: Home) -> None:
    """Neither into a file nor into the hands of a crash collector, which passes the limit over."""
    command = ["bash", "-c", 'ulimit -S -c unlimited; exec "$0"', str(SCRIPT)]
    home.path.mkdir(exist_ok=True)
    with Session(command, home=home.path, env=home.environ) as app:
        app.wait_for("ready|type or paste")
        proc = Path(f"/proc/{app.process.pid}")
        limits = (proc / "limits").read_text("utf-8")
        dumped = (proc / "coredump_filter").read_text("utf-8")
        directory = (proc / "cwd").readlink()
        before = set(directory.iterdir())

        app.signal(signal.SIGSEGV)

        assert app.wait_exit() == -signal.SIGSEGV
        assert set(directory.iterdir()) == before
    assert re.search(r"Max core file size\s+0 ", limits)
    assert int(dumped, 16) == 0
