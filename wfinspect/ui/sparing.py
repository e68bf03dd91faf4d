"""Paints a screen soon after it changed. Knows Textual's screens, and nothing of ours."""

import asyncio
from math import inf
from typing import Any, TypeVar

from textual._compositor import Compositor, CompositorMap
from textual._styles_cache import StylesCache
from textual.screen import UPDATE_PERIOD, Screen

T = TypeVar("T")


class CarefulCompositor(Compositor):
    """Textual's compositor; where it lays out anew because a widget asked for its size, it would paint nothing."""

    @property
    def full_map(self) -> CompositorMap:
        """Where every widget is."""
        old, new = self._full_map, super().full_map
        if new is not old:
            moved = {
                place.clip.intersection(place.region) for _, place in old.items() ^ new.items()
            }
            self._dirty_regions |= {region for region in moved if region}
        return new


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
    """A screen that answers soon, and keeps little."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._compositor = CarefulCompositor()
        self._frames = Frames(self)

    @property
    def _update_timer(self) -> Frames:  # type: ignore[override]
        return self._frames

    def on_unmount(self) -> None:
        """Let go of what was drawn: a cache of Textual's would hold the lines of a thousand widgets."""
        StylesCache.get_inner_outer.cache_clear()
