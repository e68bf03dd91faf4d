"""What must hold before Textual is imported: its environment, and a terminal to draw on.

Imports nothing of Textual, since Textual reads these variables while it is imported.
"""

import os
from collections.abc import Mapping, MutableMapping
from typing import TextIO

from wfinspect.errors import UsageError

_WANTED = {
    # The kitty keyboard protocol outlives a lost connection and loses spaces in some terminals.
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
    # Smooth scrolling switches to pixel mouse reports, and back only sometimes.
    "TEXTUAL_SMOOTH_SCROLL": "0",
}
_PREFERRED = {
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_FPS": "20",
    # An arrow key split by a slow link must not become Escape and a letter.
    "ESCDELAY": "250",
}
# Development switches of Textual: they import a class by name, record keys, write screenshots.
_UNWANTED = (
    "TEXTUAL",
    "TEXTUAL_DEBUG",
    "TEXTUAL_DRIVER",
    "TEXTUAL_LOG",
    "TEXTUAL_PRESS",
    "TEXTUAL_SHOW_RETURN",
    "TEXTUAL_ALLOW_SIGNALS",
)
_COLOR_SYSTEMS = frozenset({"auto", "standard", "256", "truecolor"})
_TRUECOLOR = frozenset({"truecolor", "24bit"})
_NO_TERMINALS = frozenset({"", "dumb", "unknown"})


def prepare_environment(environ: MutableMapping[str, str], *, low_bandwidth: bool = False) -> None:
    """Set what Textual shall find when it is imported, and drop what it must not.

    With `low_bandwidth` half as many frames a second, and no colours that take 17 bytes each.
    """
    for name in [*_UNWANTED, *(n for n in environ if n.startswith("TEXTUAL_SCREENSHOT"))]:
        environ.pop(name, None)
    if environ.get("TEXTUAL_COLOR_SYSTEM", "auto") not in _COLOR_SYSTEMS:
        del environ["TEXTUAL_COLOR_SYSTEM"]
    # An empty one asks for nothing, says its specification; Textual goes by its being there.
    if not environ.get("NO_COLOR"):
        environ.pop("NO_COLOR", None)
    environ.update(_WANTED)
    if low_bandwidth:
        environ.setdefault("TEXTUAL_FPS", "10")
    # GNU screen hands COLORTERM on, and makes dim, red and inverse of a colour in 24 bits.
    is_screen = "STY" in environ and environ.get("TERM", "").startswith("screen")
    if environ.get("COLORTERM", "").lower() in _TRUECOLOR and (low_bandwidth or is_screen):
        environ.setdefault("TEXTUAL_COLOR_SYSTEM", "256")
    for name, value in _PREFERRED.items():
        environ.setdefault(name, value)


def require_terminal(stdin: TextIO | None, stderr: TextIO | None, term: str) -> None:
    """Make sure that there is a screen and a keyboard: Textual reads stdin and draws on stderr.

    Raises:
        UsageError: standard input or error is no terminal, or TERM names one that can't be drawn on.
    """
    for stream, name in ((stdin, "input"), (stderr, "error")):
        if not _is_terminal(stream):
            raise UsageError(
                f"The app needs a terminal, and standard {name} is none: over SSH use "
                "ssh -t HOST wfinspect, or print instances with wfinspect get ID."
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
    """Whether the terminal is at the other end of an SSH connection."""
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def ends_with_ssh(environ: Mapping[str, str]) -> bool:
    """Whether a lost SSH connection takes the program along: neither tmux nor screen keeps it."""
    return is_remote(environ) and not (environ.get("TMUX") or environ.get("STY"))
