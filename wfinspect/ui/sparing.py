"""Sends the changed cells of a line only, and soon. Knows Textual's screens, and nothing of ours.

Textual 8.2.8 cuts an update at its right end, but sends every line from the left edge of the widget on:
for an age at the end of a row that is the whole row.
"""

import asyncio
from math import inf
from typing import Any, TypeVar

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor
from textual._styles_cache import StylesCache
from textual.screen import UPDATE_PERIOD, Screen

T = TypeVar("T")


class SparingUpdate(ChopsUpdate):
    """An update cut at both ends."""

    def render_segments(self, console: Console) -> str:
        """The update as it goes to the terminal."""
        sequences: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, x1), min(end, x2)
                if strip is None or start >= stop:
                    continue
                piece = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
                sequences += [Control.move_to(start, y).segment.text, piece.render(console)]
        return "".join(sequences)


class SparingCompositor(Compositor):
    """Textual's compositor with sparing updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What changed since the last frame."""
        update = super().render_partial_update()
        if update is None:
            return None
        return SparingUpdate(update.chops, update.spans, update.chop_ends)


class Frames:
    """When a screen is painted: at once after a rest, else a period after the last frame.

    Stands in for the screen's own timer, which ticks on a fixed grid and may leave a key without an
    answer for two periods.
    """

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._painted_at = -inf
        self._next: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Have what has changed painted."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            # Not as a message: behind each of those a screen looks again whether there is more to paint,
            # and one that lies under another always finds some.
            self._next = loop.call_at(self._painted_at + UPDATE_PERIOD, self._paint)

    def pause(self) -> None:
        """Note that it is being painted."""
        self._painted_at = asyncio.get_running_loop().time()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _paint(self) -> None:
        self._next = None
        if self._screen.is_running:
            try:
                self._screen._on_timer_update()  # noqa: SLF001 - this, too, is the timer's
            except Exception as error:  # noqa: BLE001 - as the screen's own timer does
                self._screen.app._handle_exception(error)  # noqa: SLF001


class SparingScreen(Screen[T]):
    """A screen that sends little, and answers soon."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._compositor = SparingCompositor()
        self._frames = Frames(self)

    @property
    def _update_timer(self) -> Frames:  # type: ignore[override]
        return self._frames

    def on_unmount(self) -> None:
        """Let go of what was drawn: a cache of Textual's would hold the lines of a thousand widgets."""
        StylesCache.get_inner_outer.cache_clear()
