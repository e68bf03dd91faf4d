"""The last line of defence: nothing that can drive the terminal leaves a widget.

The first is `wfinspect.format.shown`. These filters see what every widget has rendered, Textual's
own included, and keep the width of each piece of text.
"""

# ruff: noqa: RUF001 - the drawings of this module are what it is about

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from wfinspect.format import is_harmless

_DRAWINGS = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺╼╾▁▂▔⎺⎻⎼⎽—–‐‑‒―−",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▐▕▊▉",
    "+": "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╭╮╰╯╔╗╚╝╠╣╦╩╬✔✓",
    "#": "█▓▇▆▅▄▃▀■▪◼",
    ".": "▒░…·•‧∙⋅◦",
    ">": "▶►▸❯»›→⇒",
    "<": "◀◄◂❮«‹←⇐",
    "v": "▼▾↓⇓",
    "^": "▲▴↑⇑",
    "*": "●⬤★◆◉",
    "o": "○⭘◯◌◇☐",
    "x": "✗✘✖×☒",
    "!": "⚠",
    "'": "‘’‛",
    '"': "“”‟",
}
_ASCII = str.maketrans({char: plain for plain, chars in _DRAWINGS.items() for char in chars})


class SafeFilter(LineFilter):
    """Replaces what could drive or confuse a terminal, and drops hyperlinks and controls."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - colours stay
        """The same segments where they are harmless, which nearly all are."""
        if all(_is_clean(segment) for segment in segments):
            return segments
        return [_cleaned(segment) for segment in segments if segment.control is None]


class AsciiFilter(LineFilter):
    """Draws frames and symbols in ASCII, for terminals that show some of them two cells wide.

    Letters of any script stay: a name in Chinese is content, and its width is not in doubt.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - colours stay
        """The same segments with ASCII drawings."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [Segment(_ascii(text), style, control) for text, style, control in segments]


def _is_clean(segment: Segment) -> bool:
    text, style, control = segment
    if control is not None or (style is not None and style.link):
        return False
    return text.isprintable() if text.isascii() else _safe(text) == text


def _cleaned(segment: Segment) -> Segment:
    text, style, _ = segment
    if style is not None and style.link:
        style = style.update_link(None)
    return Segment(_safe(text), style)


@lru_cache(4096)
def _safe(text: str) -> str:
    """Text without harmful characters, in the same number of cells."""
    if all(map(is_harmless, text)):
        return text
    replaced = "".join(char if is_harmless(char) else _stand_in(char) for char in text)
    # Widths do not add up where characters join, as an emoji and its selector do.
    return set_cell_size(replaced, cell_len(text))


def _stand_in(char: str) -> str:
    return (" " if char.isspace() else "?") * cell_len(char)


@lru_cache(4096)
def _ascii(text: str) -> str:
    """Text with symbols drawn in ASCII, in the same number of cells."""
    plain = text.translate(_ASCII)
    if not plain.isascii():
        plain = "".join(char if _is_letter(char) else "?" * cell_len(char) for char in plain)
    return set_cell_size(plain, cell_len(text))


def _is_letter(char: str) -> bool:
    return (
        char.isascii()
        or unicodedata.category(char)[0] in "LMN"
        or unicodedata.east_asian_width(char) in {"W", "F"}
    )
