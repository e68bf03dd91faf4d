import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from wfinspect.errors import UsageError
from wfinspect.terminal import prepare_environment, require_terminal


@pytest.fixture
def tty() -> Iterator[TextIO]:
    master, slave = os.openpty()
    with os.fdopen(slave) as stream:
        yield stream
    os.close(master)


def test_what_textual_must_not_find_is_dropped() -> None:
    environ = {
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_DEBUG": "1",
        "TEXTUAL_DRIVER": "os:path",
        "TEXTUAL_LOG": "/keys.log",
        "TEXTUAL_PRESS": "q",
        "TEXTUAL_SCREENSHOT": "1",
        "TEXTUAL_SCREENSHOT_LOCATION": "/",
        "TEXTUAL_COLOR_SYSTEM": "bogus",
        "PATH": "/bin",
    }

    prepare_environment(environ)

    assert not {name for name in environ if name.startswith("TEXTUAL")} - {
        "TEXTUAL_DISABLE_KITTY_KEY",
        "TEXTUAL_SMOOTH_SCROLL",
        "TEXTUAL_ANIMATIONS",
        "TEXTUAL_FPS",
    }
    assert environ["PATH"] == "/bin"


def test_a_choice_of_the_users_is_kept_and_what_breaks_terminals_is_not() -> None:
    environ = {
        "ESCDELAY": "600",
        "TEXTUAL_COLOR_SYSTEM": "256",
        "TEXTUAL_ANIMATIONS": "full",
        "TEXTUAL_SMOOTH_SCROLL": "1",
        "TEXTUAL_DISABLE_KITTY_KEY": "0",
    }

    prepare_environment(environ)

    assert environ["ESCDELAY"] == "600"
    assert environ["TEXTUAL_COLOR_SYSTEM"] == "256"
    assert environ["TEXTUAL_ANIMATIONS"] == "full"
    assert environ["TEXTUAL_SMOOTH_SCROLL"] == "0"
    assert environ["TEXTUAL_DISABLE_KITTY_KEY"] == "1"


@pytest.mark.parametrize(("value", "is_kept"), [("1", True), ("", False)])
def test_an_empty_no_color_asks_for_nothing(value: str, is_kept: bool) -> None:
    environ = {"NO_COLOR": value}
    prepare_environment(environ)

    assert ("NO_COLOR" in environ) is is_kept


def test_it_imports_nothing_of_textual() -> None:
    check = "import sys, wfinspect.terminal; sys.exit('textual' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_terminal_is_accepted(tty: TextIO) -> None:
    require_terminal(tty, tty, "xterm-256color")


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(tty: TextIO, term: str) -> None:
    with pytest.raises(UsageError, match="TERM"):
        require_terminal(tty, tty, term)


def test_no_terminal_is_refused_with_what_to_use(tty: TextIO, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        with pytest.raises(UsageError, match=r"standard input is none.*ssh -t.*wfinspect get"):
            require_terminal(file, tty, "xterm")
        with pytest.raises(UsageError, match="standard error is none"):
            require_terminal(tty, file, "xterm")
        with pytest.raises(UsageError):
            require_terminal(None, tty, "xterm")
    with pytest.raises(UsageError):
        require_terminal(file, tty, "xterm")  # closed


@pytest.mark.parametrize(
    ("given", "fps", "colours"),
    [
        ({"COLORTERM": "truecolor"}, "10", "256"),
        ({"TERM": "xterm-256color"}, "10", None),
        (
            {"COLORTERM": "24bit", "TEXTUAL_FPS": "5", "TEXTUAL_COLOR_SYSTEM": "standard"},
            "5",
            "standard",
        ),
    ],
)
def test_low_bandwidth_means_fewer_frames_and_shorter_colours_unless_others_are_asked_for(
    given: dict[str, str], fps: str, colours: str | None
) -> None:
    plain = dict(given)
    prepare_environment(given, low_bandwidth=True)
    prepare_environment(plain)

    assert given["TEXTUAL_FPS"] == fps
    assert given.get("TEXTUAL_COLOR_SYSTEM") == colours
    assert plain["TEXTUAL_FPS"] == ("5" if fps == "5" else "20")


@pytest.mark.parametrize(
    ("given", "colours"),
    [
        ({"STY": "1.pts-0", "TERM": "screen.xterm-256color", "COLORTERM": "truecolor"}, "256"),
        ({"STY": "1.pts-0", "TERM": "screen", "COLORTERM": ""}, None),
        # tmux inside it.
        ({"STY": "1.pts-0", "TERM": "tmux-256color", "COLORTERM": "truecolor"}, None),
    ],
)
def test_gnu_screen_gets_no_colours_in_24_bits(given: dict[str, str], colours: str | None) -> None:
    prepare_environment(given)

    assert given.get("TEXTUAL_COLOR_SYSTEM") == colours
