"""wfinspect with a bug at a place of choice; usage: crash_site.py SITE [arguments of wfinspect].

The bug is an exception out of a frame that holds secrets, and its message quotes them.
"""

import asyncio
import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from wfinspect.__main__ import run

PLACES = {
    "start of a command": ("wfinspect.commands.app", "run"),
    "opening": ("wfinspect.ui.app", "WfInspectApp.__init__"),
    "compose": ("wfinspect.ui.screens.main", "MainScreen.compose"),
    "mount": ("wfinspect.ui.app", "WfInspectApp.on_mount"),
    "first snapshot": ("wfinspect.ui.app", "WfInspectApp._take_snapshot"),
    "rendering a row": ("wfinspect.ui.widgets.panes", "WatchedList.render_line"),
    "rendering a pane": ("wfinspect.ui.widgets.line_view", "LineView.render_line"),
    "key": ("wfinspect.ui.screens.main", "MainScreen.key_pressed"),
    "command": ("wfinspect.ui.app", "WfInspectApp.action_help"),
    "writing": ("wfinspect.ui.driver", "TerminalOutput._write"),
    "reading keys": ("wfinspect.ui.driver", "read_keys"),
    "resize": ("wfinspect.ui.screens.main", "MainScreen.on_resize"),
    "signer": ("wfinspect.dataworks.signing", "Acs3Auth.auth_flow"),
    "decoder": ("wfinspect.dataworks.client", "decode_instance"),
    "credentials": ("wfinspect.dataworks.credentials", "CredentialsSource.current"),
    "connecting": ("wfinspect.dataworks.transport", "NamedBackend.connect_tcp"),
    "round": ("wfinspect.watching.engine", "Engine._send"),
    "poller": ("wfinspect.watching.engine", "Engine.step"),
    "store": ("wfinspect.watching.store", "Store.save"),
    "supervisor": ("wfinspect.watching.poller", "Poller._look_after"),
    "messenger": ("wfinspect.watching.notifications", "Messenger.run"),
}
WATCH = ("signer", "decoder", "credentials", "connecting", "round", "poller", "store")
"""Sites that the watch survives, and names on the screen."""
ASIDE = ("task", "thread", "finaliser", "supervisor", "messenger")
"""Sites that hurt nothing of what is on the screen at first."""


def blow(*_: object, **__: object) -> None:
    """The bug."""
    secret, token = os.environ["TEST_SECRET"], os.environ.get("TEST_TOKEN", "")
    raise RuntimeError(f"the key is {secret} and the token {token}, \x1b]0;owned\x07 [/]")


def die(*_: object, **__: object) -> None:
    """The same, and nothing that catches exceptions catches this one."""
    try:
        blow()
    except RuntimeError as error:
        raise SystemExit(str(error)) from error


async def blow_later() -> None:
    await asyncio.sleep(0)
    blow()


class Finaliser:
    """Something that blows when it is thrown away."""

    __del__ = blow


def at_mount(act: Callable[[Any], object]) -> None:
    """Have something done once the app is there."""
    from wfinspect.ui.app import WfInspectApp

    mounted = WfInspectApp.on_mount

    def on_mount(app: WfInspectApp) -> None:
        mounted(app)
        act(app)

    WfInspectApp.on_mount = on_mount  # type: ignore[method-assign]


def throw_away_task(app: Any) -> None:  # noqa: ANN401 - Textual's
    """Let a task fail that nobody waits for."""
    kept = [asyncio.get_running_loop().create_task(blow_later())]
    app.set_timer(0.1, kept.clear)


IN_THE_APP: dict[str, Callable[[Any], object]] = {
    "timer": lambda app: app.set_timer(0.05, blow),
    "worker": lambda app: app.run_worker(blow_later()),
    "callback": lambda app: app.call_after_refresh(blow),
    "task": throw_away_task,
    "thread": lambda _: threading.Thread(target=blow).start(),
    "finaliser": lambda _: Finaliser(),
}


def plant(site: str) -> None:
    """Break what the site says."""
    if site in IN_THE_APP:
        at_mount(IN_THE_APP[site])
        return
    where = PLACES[site]
    replace(*where, die if site == "poller" else blow)


def replace(module: str, name: str, bug: Callable[..., None]) -> None:
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for each in path:
        owner = getattr(owner, each)
    setattr(owner, last, bug)


ENDS = tuple(site for site in (*PLACES, *IN_THE_APP) if site not in WATCH and site not in ASIDE)
"""Sites that end the program."""

if __name__ == "__main__":
    plant(sys.argv.pop(1))
    run()
