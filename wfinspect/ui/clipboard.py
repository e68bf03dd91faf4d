"""Copying: a text on its way to the clipboard of whoever sits at the terminal. Knows no Textual."""

import base64
import subprocess
from collections.abc import Callable, Mapping

from wfinspect.format import plain_text

_OSC52_LIMIT = 70_000  # base64 characters; terminals drop longer ones without a word
_SCREEN_PIECE = 250  # GNU screen passes strings of at most some 768 bytes
_TMUX_SECONDS = 1.0


def copy_text(text: str, environ: Mapping[str, str], write: Callable[[str], None]) -> str:
    """Send a text to the clipboard and say where it went, for a person.

    Nothing confirms that it arrived, so it is only ever "sent". Inside tmux its own command is used:
    with default settings tmux ignores the sequence from a program. An empty text is not sent, since
    that would empty the clipboard.

    Args:
        text: what to copy; what could act on the terminal it is pasted to is made visible.
        environ: tells tmux and GNU screen.
        write: takes a sequence for the terminal, between two frames.
    """
    if not text:
        return "Nothing to copy."
    # So long a text is not looked through first.
    if len(text) > _OSC52_LIMIT and not environ.get("TMUX"):
        return _too_long(text)
    text = plain_text(text)
    if environ.get("TMUX"):
        if ask_tmux(environ, "load-buffer", "-w", "-", text=text) is not None:
            return "Sent to tmux's buffer and the terminal's clipboard."
        if ask_tmux(environ, "load-buffer", "-", text=text) is not None:
            return "Sent to tmux's buffer."
    encoded = base64.b64encode(text.encode()).decode("ascii")
    if len(encoded) > _OSC52_LIMIT:
        return _too_long(text)
    sequence = f"\x1b]52;c;{encoded}\x1b\\"
    write(_through_screen(sequence) if environ.get("STY") else sequence)
    return "Sent to the terminal's clipboard (OSC 52)."


def _too_long(text: str) -> str:
    return f"Not copied: {len(text):,} characters are too many for a terminal's clipboard."


def ask_tmux(environ: Mapping[str, str], *arguments: str, text: str = "") -> str | None:
    """What tmux answers to a command that is given a text; None where it fails, or does not answer."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments; the text goes to standard input
            ["tmux", *arguments],  # noqa: S607 - the tmux on the user's path is the one they run
            input=text.encode(),
            env=dict(environ),
            capture_output=True,
            timeout=_TMUX_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _through_screen(sequence: str) -> str:
    """The sequence in pieces that GNU screen hands on to its terminal as they are."""
    # The string terminator would end the wrapping, too; a bell ends the sequence as well.
    sequence = sequence.removesuffix("\x1b\\") + "\x07"
    starts = range(0, len(sequence), _SCREEN_PIECE)
    return "".join(f"\x1bP{sequence[at : at + _SCREEN_PIECE]}\x1b\\" for at in starts)
