"""The checks of `doctor` on the terminal and on the ways to the person behind it."""

import os
import shutil
import sys
from collections.abc import Mapping

from wfinspect.commands.finding import Check, Found, Level, blocking, warning
from wfinspect.errors import UsageError
from wfinspect.notify import Notify
from wfinspect.ui.announce import announcement
from wfinspect.ui.clipboard import ask_tmux
from wfinspect.ui.environment import is_remote, require_terminal
from wfinspect.watching.alerts import TRIAL, Message
from wfinspect.watching.messenger import Messenger

_TERMINAL = "/dev/tty"
_LEAST_COLUMNS, _LEAST_LINES = 40, 7


def terminal_checks(environ: Mapping[str, str], notify: Notify, *, is_trial: bool) -> list[Check]:
    """The checks of the terminal and of the ways to a person; a trial sends by each of them."""
    bell = "\a" if notify.bell else ""
    osc = announcement(notify.osc, TRIAL, through_tmux=notify.tmux_passthrough)
    return [
        blocking("terminal", lambda: _check_terminal(environ)),
        blocking("locale", lambda: _check_locale(environ)),
        blocking("session", lambda: _check_session(environ)),
        blocking("clipboard", lambda: _check_clipboard(environ)),
        blocking("bell", lambda: _sent("a bell", bell, is_trial=is_trial)),
        blocking("osc", lambda: _check_osc(environ, notify, osc, is_trial=is_trial)),
        blocking("command", lambda: _check_command(environ, notify, is_trial=is_trial)),
    ]


def _check_terminal(environ: Mapping[str, str]) -> Found:
    term = environ.get("TERM", "")
    try:
        require_terminal(sys.__stdin__, sys.__stderr__, term)
        columns, lines = os.get_terminal_size(2)
    except (UsageError, OSError) as error:
        return warning(str(error))
    if environ.get("NO_COLOR"):
        colours = "no colours (NO_COLOR)"
    elif environ.get("COLORTERM") in {"truecolor", "24bit"}:
        colours = "all colours"
    else:
        colours = "256 colours" if "256" in term else "16 colours"
    text = f"{term}, {columns}x{lines}, {colours}"
    if columns < _LEAST_COLUMNS or lines < _LEAST_LINES:
        return warning(f"{text}: make it at least {_LEAST_COLUMNS}x{_LEAST_LINES}.")
    return Found(text)


def _check_locale(environ: Mapping[str, str]) -> Found:
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    name = next((name for name in names if environ.get(name)), "LANG")
    value = environ.get(name, "")
    if "utf8" in value.lower().replace("-", ""):
        return Found(f"{name}={value}")
    return warning(f"{name}='{value}' is no UTF-8: set LANG=C.UTF-8, or use --ascii.")


def _check_session(environ: Mapping[str, str]) -> Found:
    if environ.get("TMUX"):
        version = ask_tmux(environ, "-V") or "tmux does not answer"
        passes = ask_tmux(environ, "show-options", "-gwqv", "allow-passthrough") or "off"
        return Found(f"{version}, allow-passthrough {passes}")
    if environ.get("STY"):
        return Found("GNU screen")
    if is_remote(environ):
        return warning("SSH without tmux or screen: closing it ends the watch; start tmux first.")
    return Found("local, without tmux")


def _check_clipboard(environ: Mapping[str, str]) -> Found:
    if not environ.get("TMUX"):
        wrapped = " through GNU screen" if environ.get("STY") else ""
        return Found(f"OSC 52{wrapped}; nothing confirms that it arrives: try y, and paste")
    if ask_tmux(environ, "show-options", "-sqv", "set-clipboard") == "off":
        return warning("only tmux's own buffer: for the terminal's, tmux set -s set-clipboard on.")
    return Found("tmux load-buffer -w; nothing confirms that it arrives: try y, and paste")


def _check_osc(environ: Mapping[str, str], notify: Notify, osc: str, *, is_trial: bool) -> Found:
    found = _sent(f"OSC {notify.osc}", osc, is_trial=is_trial)
    if not osc or found.level is not Level.OK or not environ.get("TMUX"):
        return found
    if not notify.tmux_passthrough:
        return warning(f"{found.text}; tmux drops it: set tmux_passthrough = true in [notify].")
    if ask_tmux(environ, "show-options", "-gwqv", "allow-passthrough") not in {"on", "all"}:
        return warning(f"{found.text}; tmux drops it: tmux set -g allow-passthrough on.")
    return found


def _check_command(environ: Mapping[str, str], notify: Notify, *, is_trial: bool) -> Found:
    if not notify.command:
        return Found("none set ([notify] command in config.toml)")
    program = notify.command[0]
    if shutil.which(program, path=environ.get("PATH")) is None:
        sentence = f"{program} is no program that can be run: mend command in [notify]."
        return Found(sentence, Level.FAILURE)
    if not is_trial:
        return Found(f"{program}; --try runs it")
    trouble = Messenger(notify.command, environ).run(Message(TRIAL))
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
