import base64
import re
from pathlib import Path

import pytest

from wfinspect.terminal import copy_text


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
