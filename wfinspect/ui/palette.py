"""The command palette: every command of the key table, by name."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.widgets import Input

from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.screens.dialogs import SafeDismiss

_Entry = tuple[str, str, Callable[[], object]]


class Commands(Provider):
    """Finds commands, and the themes."""

    def _entries(self) -> Iterator[_Entry]:
        for command in COMMANDS:
            run = partial(self.screen.run_action, command.action)
            yield command.text, command.shown, run
        for theme in self.app.available_themes:
            yield f"theme {theme}", "", partial(setattr, self.app, "theme", theme)

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for text, key, run in self._entries():
            yield DiscoveryHit(Content(text), run, text=text, help=key or None)

    async def search(self, query: str) -> Hits:
        """The commands whose words match."""
        matcher = self.matcher(query)
        for text, key, run in self._entries():
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, Content(text), run, text=text, help=key or None)


class Palette(SafeDismiss, CommandPalette):
    """Textual's palette, closing once and with a cursor at rest."""

    CSS_PATH = "palette.tcss"

    def __init__(self, providers: Iterable[type[Provider]]) -> None:
        super().__init__(providers=list(providers))

    def on_mount(self) -> None:
        """A blinking cursor is two kilobytes a second for nothing."""
        self.query_one(Input).cursor_blink = False
