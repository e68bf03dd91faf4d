"""What must hold before Textual is imported: its environment, and a terminal to draw on.

Imports nothing of Textual, since Textual reads these variables while it is imported.
"""

import base64
import os
import subprocess
from collections.abc import Callable, Mapping, MutableMapping
from typing import TextIO

from wfinspect.errors import UsageError
from wfinspect.format import plain_text, shown

_WANTED = {
    # The kitty keyboard protocol outlives a lost connection and loses spaces in some terminals.
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
    # Smooth scrolling switches to pixel mouse reports, and back only sometimes.
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "TEXTUAL_ANIMATIONS": "none",
}
_TRUECOLOR = frozenset({"truecolor", "24bit"})
_NO_TERMINALS = frozenset({"", "dumb", "unknown"})


def prepare_environment(
    environ: MutableMapping[str, str], *, low_bandwidth: bool | None = False
) -> None:
    """Set what Textual shall find when it is imported, and drop what it must not.

    With `low_bandwidth` few frames a second, and no colours that take 17 bytes each; None
    stands for such a line under SSH.
    """
    low_bandwidth = is_remote(environ) if low_bandwidth is None else low_bandwidth
    # Its own are for development: they import a class by name, record keys, write screenshots.
    for name in [n for n in environ if n.startswith("TEXTUAL")]:
        del environ[name]
    environ["TEXTUAL_COLOR_SYSTEM"] = color_system(environ, low_bandwidth=low_bandwidth)
    # By its specification an empty one has no effect; Textual only looks whether there is one.
    if not environ.get("NO_COLOR"):
        environ.pop("NO_COLOR", None)
    environ.update(_WANTED)
    environ["TEXTUAL_FPS"] = "10" if low_bandwidth else "20" if is_remote(environ) else "60"


def color_system(environ: Mapping[str, str], *, low_bandwidth: bool | None) -> str:
    """Return the colours to draw in: "truecolor", "256" or "standard", the terminal's own 16.

    Of all that a terminal has no more than 256 are taken with `low_bandwidth`; None as above.
    """
    term = environ.get("TERM", "").strip().lower()
    if environ.get("COLORTERM", "").strip().lower() in _TRUECOLOR:
        # GNU screen hands COLORTERM on, and makes dim, red and inverse of a colour in 24 bits.
        is_screen = "STY" in environ and term.startswith("screen")
        is_thrifty = is_remote(environ) if low_bandwidth is None else low_bandwidth
        return "256" if is_thrifty or is_screen else "truecolor"
    return "256" if term.rpartition("-")[2] in {"256color", "kitty"} else "standard"


def encoding_of(stream: TextIO | None) -> str:
    """Return the encoding in which a standard stream really writes, whatever the locale is called."""
    return getattr(stream, "encoding", None) or "utf-8"


def has_glyphs(encoding: str) -> bool:
    """Return whether glyphs can be written: those of this app only the encodings of all of Unicode have."""
    try:
        "\u2714".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def require_terminal(
    stdin: TextIO | None, stdout: TextIO | None, stderr: TextIO | None, term: str
) -> None:
    """Make sure that there is a screen and a keyboard: Textual reads stdin and draws on stderr.

    Who sends standard output elsewhere wants text, and not a screen.

    Raises:
        UsageError: one of them is not a terminal, or TERM names one that can't be drawn on.
    """
    for stream, name, remedy in (
        (stdin, "input", "over SSH use `ssh -t HOST wfinspect`"),
        (stdout, "output", "start it without | and >"),
        (stderr, "error", "start it without 2>"),
    ):
        if not _is_terminal(stream):
            raise UsageError(
                f"The app needs a terminal, and standard {name} is not one: {remedy}, or print "
                "instances with `wfinspect get ID`."
            )
    if term in _NO_TERMINALS:
        raise UsageError(
            f"The app can't draw on a terminal of type '{term}' (TERM): set TERM, for example to "
            "xterm-256color, or print instances with wfinspect get ID."
        )


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False


def is_remote(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal is at the other end of an SSH connection."""
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


# The beginnings of TERM of those that are known to; the rest get blanks written out.
_ERASING = ("xterm", "tmux", "linux", "rxvt", "putty", "alacritty", "foot", "wezterm", "mintty")


def erases_in_color(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal erases cells in the current background; GNU screen does not."""
    if environ.get("TMUX"):
        return True
    return not environ.get("STY") and environ.get("TERM", "").startswith(_ERASING)


def ends_with_ssh(environ: Mapping[str, str]) -> bool:
    """Return whether a lost SSH connection takes the program along: neither tmux nor screen keeps it."""
    return is_remote(environ) and not (environ.get("TMUX") or environ.get("STY"))


_ESCAPE_SECONDS = 0.025
"""tmux and a terminal of this machine send a sequence in one piece."""
# Of 20,000 keys in bursts through a pty, TCP and a pty again none was torn. Where a relay tears one, it
# costs an Esc at most: the rest is still taken for the key that it is.
_REMOTE_ESCAPE_SECONDS = 0.05
_LONGEST_DELAY = 4
"""Digits."""


def escape_seconds(environ: Mapping[str, str]) -> float:
    """Return how long Escape waits for the rest of a sequence: ESCDELAY in ms, else what the link needs."""
    given = environ.get("ESCDELAY", "")
    if given.isdecimal() and len(given) <= _LONGEST_DELAY:
        return int(given) / 1000
    return _REMOTE_ESCAPE_SECONDS if ends_with_ssh(environ) else _ESCAPE_SECONDS


_MAX_TEXT = 300


def announcement(kind: str, text: str, *, through_tmux: bool) -> str:
    """Return the sequence that has a terminal notify its desktop; "" for the kind ``off``.

    Args:
        kind: one of `settings.OSC_KINDS`.
        text: one line; what could act on a terminal is made visible.
        through_tmux: wrap it for tmux, whose allow-passthrough has to be on.
    """
    if kind == "off":
        return ""
    # Terminals take an OSC 9 that begins with a digit for another command of ConEmu's.
    safe = f"wfinspect: {shown(text, limit=_MAX_TEXT)}".replace(";", ",")
    body = f"777;notify;wfinspect;{safe}" if kind == "777" else f"9;{safe}"
    sequence = f"\x1b]{body}\x1b\\"
    if not through_tmux:
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


_OSC52_LIMIT = 70_000  # base64 characters; terminals drop longer ones without a word
_SCREEN_PIECE = 250  # GNU screen passes strings of at most some 768 bytes
_TMUX_SECONDS = 1.0


def copy_text(text: str, environ: Mapping[str, str], write: Callable[[str], None]) -> str:
    """Send a text to the clipboard and return a sentence that says where it went.

    Nothing confirms that it arrived, so it is only ever "sent". Inside tmux its own command is used:
    with default settings tmux ignores the sequence from a program. An empty text is not sent, since
    that would empty the clipboard.

    Args:
        text: what to copy; what could act on the terminal it is pasted to is made visible.
        environ: shows whether tmux or GNU screen is between.
        write: takes a sequence for the terminal, between two frames.
    """
    if not text:
        return "Nothing to copy."
    # So long a text is not looked through first.
    if len(text) > _OSC52_LIMIT and not environ.get("TMUX"):
        return _too_long(text)
    text = plain_text(text)
    if environ.get("TMUX"):
        if run_tmux(environ, "load-buffer", "-w", "-", text=text) is not None:
            return "Sent to tmux's buffer and the terminal's clipboard."
        if run_tmux(environ, "load-buffer", "-", text=text) is not None:
            return "Sent to tmux's buffer."
    encoded = base64.b64encode(text.encode()).decode("ascii")
    if len(encoded) > _OSC52_LIMIT:
        return _too_long(text)
    sequence = f"\x1b]52;c;{encoded}\x1b\\"
    write(_through_screen(sequence) if environ.get("STY") else sequence)
    return "Sent to the terminal's clipboard (OSC 52)."


def _too_long(text: str) -> str:
    return f"Not copied: {len(text):,} characters are too many for a terminal's clipboard."


def run_tmux(environ: Mapping[str, str], *arguments: str, text: str = "") -> str | None:
    """Return what a command of tmux prints; None where it fails, or does not answer in time."""
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
    """Return the sequence in pieces that GNU screen hands on to its terminal as they are."""
    # The string terminator would end the wrapping, too; a bell ends the sequence as well.
    sequence = sequence.removesuffix("\x1b\\") + "\x07"
    starts = range(0, len(sequence), _SCREEN_PIECE)
    return "".join(f"\x1bP{sequence[at : at + _SCREEN_PIECE]}\x1b\\" for at in starts)
