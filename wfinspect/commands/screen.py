"""Composes the watcher and the app, runs them, gives the exit code. Shared by the app and the demo."""

import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wfinspect.clock import Clock
from wfinspect.config import Settings
from wfinspect.instance import Binding, InstanceKey
from wfinspect.ui.environment import prepare_environment, require_terminal
from wfinspect.watching.source import Connect


@dataclass(frozen=True, slots=True)
class Screen:
    """What an app on a screen is made of."""

    settings: Settings
    state_dir: Path
    binding: Binding
    connect: Connect
    clock: Clock
    open_keys: tuple[InstanceKey, ...] = ()
    """Opened (the first) and watched (all) at start."""
    is_demo: bool = False


def show(screen: Screen, environ: Mapping[str, str]) -> int:
    """Run the app on this terminal until it ends.

    Raises:
        UsageError: there is no terminal to run it on.
    """
    require_terminal(sys.__stdin__, sys.__stderr__, environ.get("TERM", ""))
    # Textual reads the process's own environment when it is imported.
    prepare_environment(os.environ)
    from wfinspect.ui.app import WfInspectApp
    from wfinspect.ui.terminal import run_app
    from wfinspect.watching.messenger import Messenger
    from wfinspect.watching.watcher import Watcher

    settings = screen.settings
    watcher = Watcher(
        screen.state_dir,
        screen.connect,
        screen.clock,
        screen.binding,
        interval_seconds=settings.interval,
        budget=settings.budget,
        rng=random.Random(),
        rule=settings.notify.rule,
        messenger=Messenger(settings.notify.command, environ),
    )
    app = WfInspectApp(
        watcher,
        clock=screen.clock,
        zone=settings.zone,
        theme=settings.theme,
        ascii_only=settings.ascii,
        open_keys=screen.open_keys,
        is_demo=screen.is_demo,
        on_ready=watcher.start,
        keymap=settings.keys,
        environ=environ,
    )
    has_mouse = settings.mouse if settings.mouse is not None else not is_remote(environ)
    try:
        return run_app(app, mouse=has_mouse, crash_directory=screen.state_dir)
    finally:
        watcher.stop()


def is_remote(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is at the other end of an SSH connection."""
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))
