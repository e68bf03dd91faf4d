"""Sends the changed cells of a line only. Knows Textual's compositor, and nothing of ours.

Textual 8.2.8 cuts an update at its right end, but sends every line from the left edge of the widget on:
for an age at the end of a row that is the whole row.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


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
