import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from wfinspect.errors import UsageError
from wfinspect.terminal import (
    copy_text,
    erases_in_color,
    escape_seconds,
    has_glyphs,
    prepare_environment,
    require_terminal,
)


@pytest.fixture
def tty() -> Iterator[TextIO]:
    master, slave = os.openpty()
    with os.fdopen(slave) as stream:
        yield stream
    os.close(master)


def test_what_textual_finds_is_decided_here_and_nothing_else_is_touched() -> None:
    environ = {
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_DRIVER": "os:path",
        "TEXTUAL_LOG": "/keys.log",
        "TEXTUAL_PRESS": "q",
        "TEXTUAL_SCREENSHOT": "1",
        "TEXTUAL_COLOR_SYSTEM": "256",
        "TEXTUAL_FPS": "5",
        "ESCDELAY": "600",
        "PATH": "/bin",
    }

    prepare_environment(environ)

    assert environ == {
        "TEXTUAL_DISABLE_KITTY_KEY": "1",
        "TEXTUAL_SMOOTH_SCROLL": "0",
        "TEXTUAL_ANIMATIONS": "none",
        "TEXTUAL_COLOR_SYSTEM": "standard",
        "TEXTUAL_FPS": "60",
        "ESCDELAY": "600",
        "PATH": "/bin",
    }


@pytest.mark.parametrize(("value", "is_kept"), [("1", True), ("", False)])
def test_an_empty_no_color_asks_for_nothing(value: str, is_kept: bool) -> None:
    environ = {"NO_COLOR": value}
    prepare_environment(environ)

    assert ("NO_COLOR" in environ) is is_kept


@pytest.mark.parametrize(
    ("environ", "milliseconds"),
    [
        ({}, 25),
        ({"SSH_CONNECTION": "a 1 b 2", "TMUX": "x,1,0"}, 25),
        ({"SSH_TTY": "/dev/pts/1"}, 50),
        ({"ESCDELAY": "300"}, 300),
        ({"ESCDELAY": "-1"}, 25),
        ({"ESCDELAY": "123456"}, 25),
    ],
)
def test_esc_waits_longer_only_where_the_link_may_tear_a_key(
    environ: dict[str, str], milliseconds: int
) -> None:
    assert escape_seconds(environ) == milliseconds / 1000


def test_it_imports_nothing_of_textual() -> None:
    check = "import sys, wfinspect.terminal; sys.exit('textual' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_terminal_is_accepted(tty: TextIO) -> None:
    require_terminal(tty, tty, tty, "xterm-256color")


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(tty: TextIO, term: str) -> None:
    with pytest.raises(UsageError, match="TERM"):
        require_terminal(tty, tty, tty, term)


def test_no_terminal_is_refused_with_what_to_use(tty: TextIO, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        with pytest.raises(UsageError, match=r"standard input is not one.*ssh -t.*wfinspect get"):
            require_terminal(file, tty, tty, "xterm")
        with pytest.raises(UsageError, match="standard output is not one"):
            require_terminal(tty, file, tty, "xterm")
        with pytest.raises(UsageError, match="standard error is not one"):
            require_terminal(tty, tty, file, "xterm")
        with pytest.raises(UsageError):
            require_terminal(None, tty, tty, "xterm")
    with pytest.raises(UsageError):
        require_terminal(file, tty, tty, "xterm")  # closed


@pytest.mark.parametrize("given", [{"COLORTERM": "truecolor"}, {"TERM": "xterm-256color"}])
def test_low_bandwidth_means_fewer_frames_and_shorter_colours(given: dict[str, str]) -> None:
    plain, remote = dict(given), given | {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
    prepare_environment(given, low_bandwidth=True)
    prepare_environment(plain)
    prepare_environment(remote)

    assert given["TEXTUAL_FPS"] == "10"
    assert given["TEXTUAL_COLOR_SYSTEM"] == "256"
    assert plain["TEXTUAL_FPS"] == "60"
    assert remote["TEXTUAL_FPS"] == "20"


@pytest.mark.parametrize(
    ("given", "colours"),
    [
        ({"STY": "1.pts-0", "TERM": "screen.xterm-256color", "COLORTERM": "truecolor"}, "256"),
        ({"STY": "1.pts-0", "TERM": "screen", "COLORTERM": ""}, "standard"),
        # tmux inside it.
        ({"STY": "1.pts-0", "TERM": "tmux-256color", "COLORTERM": "truecolor"}, "truecolor"),
    ],
)
def test_gnu_screen_gets_no_colours_in_24_bits(given: dict[str, str], colours: str) -> None:
    prepare_environment(given)

    assert given["TEXTUAL_COLOR_SYSTEM"] == colours


@pytest.mark.parametrize(
    ("encoding", "is_so"),
    [
        ("utf-8", True),
        ("gb18030", True),
        ("gbk", False),
        ("iso8859-1", False),
        ("ascii", False),
        ("big5", False),
        ("euc_jp", False),
        ("koi8-r", False),
    ],
)
def test_glyphs_are_drawn_where_the_encoding_has_them(encoding: str, *, is_so: bool) -> None:
    assert has_glyphs(encoding) is is_so
    # What stands for all of them is as rare as they are.
    assert all(bool(glyph.encode(encoding, "ignore")) for glyph in "▸◷◫◌◊") is is_so


class Terminal:
    """What a copy sends to the terminal."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, sequence: str) -> None:
        self.written += sequence

    @property
    def clipboard(self) -> str:
        match = re.fullmatch(r"\x1b]52;c;([A-Za-z0-9+/=]*)(?:\x1b\\|\x07)", self.written)
        assert match, self.written
        return base64.b64decode(match[1]).decode()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def fake_tmux(directory: Path, *, knows_w: bool = True, works: bool = True) -> dict[str, str]:
    """An environment whose tmux writes down its arguments and its input."""
    tmux = directory / "tmux"
    refuse = "" if knows_w else 'case "$*" in *-w*) exit 1;; esac\n'
    tmux.write_text(
        f"#!/bin/sh\n{refuse}{'' if works else 'exit 1'}\n"
        f'echo "$TMUX $*" >"{directory}/arguments"\n/bin/cat >"{directory}/buffer"\n'
    )
    tmux.chmod(0o700)
    return {"TMUX": "/run/tmux-0/default,1,0", "PATH": str(directory)}


def test_a_copy_goes_to_the_terminal_and_is_only_said_to_be_sent(terminal: Terminal) -> None:
    told = copy_text("订单\t1\r\n2", {}, terminal.write)

    assert terminal.clipboard == "订单\t1\n2"
    assert told == "Sent to the terminal's clipboard (OSC 52)."


def test_nothing_is_sent_for_an_empty_text(terminal: Terminal) -> None:
    assert copy_text("", {}, terminal.write) == "Nothing to copy."
    assert terminal.written == ""


def test_what_would_act_when_pasted_is_made_visible(terminal: Terminal) -> None:
    copy_text("a\x1b[201~rm\r\x00\ud800\u202e", {}, terminal.write)

    assert terminal.clipboard == "a\u241b[201~rm\u240d\u2400<U+D800><U+202E>"


def test_a_text_too_long_for_terminals_is_not_cut_but_refused(terminal: Terminal) -> None:
    assert copy_text("x" * 60_000, {}, terminal.write) == (
        "Not copied: 60,000 characters are too many for a terminal's clipboard."
    )
    assert terminal.written == ""
    copy_text("x" * 52_000, {}, terminal.write)
    assert len(terminal.clipboard) == 52_000


def test_inside_tmux_its_own_command_is_used(terminal: Terminal, tmp_path: Path) -> None:
    told = copy_text("x" * 60_000, fake_tmux(tmp_path), terminal.write)

    assert told == "Sent to tmux's buffer and the terminal's clipboard."
    assert (tmp_path / "buffer").read_text() == "x" * 60_000
    assert (tmp_path / "arguments").read_text() == "/run/tmux-0/default,1,0 load-buffer -w -\n"
    assert terminal.written == ""


def test_an_old_tmux_gets_its_buffer_only(terminal: Terminal, tmp_path: Path) -> None:
    told = copy_text("abc", fake_tmux(tmp_path, knows_w=False), terminal.write)

    assert told == "Sent to tmux's buffer."
    assert (tmp_path / "buffer").read_text() == "abc"


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_tmux_that_works_the_terminal_is_used(
    terminal: Terminal, tmp_path: Path, *, is_there: bool
) -> None:
    environ = fake_tmux(tmp_path, works=False)
    if not is_there:
        (tmp_path / "tmux").unlink()

    assert "OSC 52" in copy_text("abc", environ, terminal.write)
    assert terminal.clipboard == "abc"


def test_gnu_screen_is_asked_to_hand_it_on(terminal: Terminal) -> None:
    copy_text("y" * 1000, {"STY": "123.pts-1.host"}, terminal.write)

    pieces = re.findall(r"\x1bP((?:[^\x1b]|\x1b(?!\\))*)\x1b\\", terminal.written)
    assert max(map(len, pieces)) < 700
    terminal.written = "".join(pieces)
    assert terminal.clipboard == "y" * 1000


@pytest.mark.parametrize(
    ("environ", "erases"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "screen-256color", "TMUX": "/run/tmux,1,0"}, True),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "xterm-256color", "STY": "1.pts"}, False),
        ({"TERM": "vt100"}, False),
        ({}, False),
    ],
)
def test_only_terminals_known_to_erase_in_the_current_background_are_taken_to(
    environ: dict[str, str], erases: bool
) -> None:
    assert erases_in_color(environ) is erases
