"""Colours and glyphs: the only place of either. Knows no widget and no data."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from functools import cache
from typing import NamedTuple

from textual.theme import BUILTIN_THEMES, Theme

from wfinspect.format import MARKS
from wfinspect.model import Family, Status
from wfinspect.ui.lines import Ground, Role

# Every glyph is of East Asian width Neutral or Narrow: an Ambiguous one takes two cells in a terminal
# set up for Chinese, and shifts the rest of its line. All but the last two are of the block of geometric
# shapes, which the fonts of terminals have (the hourglass U+29D7 is missing from DejaVu Sans Mono).
GLYPHS: Mapping[Status, str] = {
    Status.NOT_RUN: "\u25cc",
    Status.WAIT_TIME: "\u25f7",
    Status.WAIT_RESOURCE: "\u25eb",
    Status.WAIT_TRIGGER: "\u25f4",
    Status.CHECKING_CONDITION: "\u25ca",
    Status.RUNNING: "\u25b8",
    Status.CHECKING: "\u25b9",
    Status.SUCCESS: "\u2714",
    Status.FAILURE: "\u2716",
    Status.UNKNOWN: "?",
}
ASCII_GLYPHS: Mapping[Status, str] = MARKS
BAR_GROUND = "."


class Look(NamedTuple):
    """How every line is drawn: what it takes to make text of a row besides the row and the time.

    But for `is_lost` it stays the same as long as the app runs.
    """

    zone: tzinfo
    """Times are shown in it."""
    glyphs: Mapping[Status, str]
    prompt: str
    unseen: str
    """The sign of an unseen change."""
    bar: str
    light_bar: str
    is_lost: bool = False
    """Contact is lost: of a task that went on when it was read, the state is a question."""


def look_for(zone: tzinfo, *, is_ascii: bool) -> Look:
    """Return the look of a screen that draws in ASCII, or in the glyphs that most fonts have."""
    if is_ascii:
        # ">" is Running.
        return Look(zone, ASCII_GLYPHS, prompt="@", unseen="*", bar="=", light_bar="-")
    # The heavy asterisk and both rectangles are Neutral.
    return Look(zone, GLYPHS, "\u203a", unseen="\u2731", bar="\u25ac", light_bar="\u25ad")


# Each has a role of its name.
FAMILY_ROLES: Mapping[Family, Role] = {family: Role(family) for family in Family}

ROLE_STYLES: Mapping[Role, str] = {
    Role.TEXT: "$wf-text",
    Role.STRONG: "bold $wf-strong",
    Role.DIM: "$wf-dim",
    Role.ACCENT: "bold $wf-accent",
    Role.BRAND: "bold $wf-brand-text on $wf-brand",
    Role.IDLE: "$wf-dim",
    Role.WAITING: "$wf-waiting",
    Role.ACTIVE: "$wf-active",
    Role.SUCCESS: "$wf-success",
    Role.FAILURE: "bold $wf-failure",
    Role.UNKNOWN: "$wf-unknown",
    Role.TROUBLE: "$wf-waiting",
    Role.ALARM: "bold $wf-alarm-text on $wf-alarm",
}
GROUND_STYLES: Mapping[Ground, str] = {
    Ground.NONE: "",
    Ground.CURSOR: "on $wf-cursor",
    Ground.RESTING: "on $wf-resting",
    # In one colour, whatever the text is.
    Ground.KEYS: "bold $wf-brand-text on $wf-brand",
}
# The terminal's own palette has no grey to lie on, and with NO_COLOR there is no background at all:
# there the cursor's row is reversed in one colour, and so is what else stands on a ground.
_ANSI_GROUND_STYLES: Mapping[Ground, str] = {
    Ground.NONE: "",
    Ground.CURSOR: "reverse",
    Ground.RESTING: "underline",
    # The cursor's row may stand right below.
    Ground.KEYS: "bold reverse underline $wf-accent",
}
_ANSI_ROLE_STYLES: Mapping[Role, str] = {
    Role.BRAND: "bold reverse $wf-accent",
    Role.ALARM: "bold reverse $wf-alarm",
}


def style_of(role: Role, ground: Ground, *, is_ansi: bool) -> str:
    """Return the style of a span, in the words of Textual's markup."""
    if not is_ansi:
        # What has a ground of its own can't be read on another.
        own = ROLE_STYLES[role]
        return own if " on " in own else f"{own} {GROUND_STYLES[ground]}"
    if ground is Ground.CURSOR:
        return "reverse $wf-text"
    return f"{_ANSI_ROLE_STYLES.get(role, ROLE_STYLES[role])} {_ANSI_GROUND_STYLES[ground]}"


# A colour of each name: in 24 bits, and which of xterm's 256. Those are chosen by hand: rounded, the
# grounds of one theme become black, and the text of another teal.
_Table = Mapping[str, tuple[str, int]]
_DARK: _Table = {
    "wf-ground": ("#15191f", 233),
    "wf-panel": ("#1c1f24", 234),
    "wf-bar": ("#252a30", 235),
    "wf-cursor": ("#363f48", 237),
    "wf-resting": ("#282d35", 235),
    "wf-text": ("#cfd6df", 252),
    "wf-strong": ("#f3f6fa", 231),
    "wf-dim": ("#8793a1", 247),
    "wf-accent": ("#6cb8ff", 75),
    "wf-brand": ("#6cb8ff", 75),
    "wf-brand-text": ("#10151b", 16),
    "wf-waiting": ("#dfb04a", 178),
    "wf-active": ("#5aa9f7", 75),
    "wf-success": ("#5fbf72", 71),
    "wf-failure": ("#ff6b6b", 203),
    "wf-unknown": ("#d38af0", 177),
    "wf-alarm": ("#b3392f", 124),
    "wf-alarm-text": ("#ffffff", 231),
}
_LIGHT: _Table = {
    "wf-ground": ("#ffffff", 231),
    "wf-panel": ("#f3f5f8", 255),
    "wf-bar": ("#e7e9ec", 254),
    "wf-cursor": ("#cfe0f4", 153),
    "wf-resting": ("#e7e9ec", 253),
    "wf-text": ("#2a323c", 236),
    "wf-strong": ("#0b1016", 16),
    "wf-dim": ("#5d6876", 241),
    "wf-accent": ("#0a5fb4", 25),
    "wf-brand": ("#0a5fb4", 25),
    "wf-brand-text": ("#ffffff", 231),
    "wf-waiting": ("#8a5a00", 94),
    "wf-active": ("#0a5fb4", 25),
    "wf-success": ("#17702c", 22),
    "wf-failure": ("#c01f1f", 124),
    "wf-unknown": ("#8b2fb0", 90),
    "wf-alarm": ("#c01f1f", 124),
    "wf-alarm-text": ("#ffffff", 231),
}
# Blue and orange stay apart for every kind of colour blindness, and so do light and dark.
_COLORBLIND: _Table = {
    **_DARK,
    "wf-waiting": ("#d9cf9c", 187),
    "wf-active": ("#56b4e9", 74),
    "wf-success": ("#9db4d6", 146),
    "wf-failure": ("#ff9f2e", 208),
    "wf-unknown": ("#f3f6fa", 231),
    "wf-alarm": ("#a34d00", 130),
}
_CONTRAST: _Table = {
    **dict.fromkeys(_DARK, ("#ffffff", 231)),
    **dict.fromkeys(["wf-ground", "wf-panel", "wf-bar"], ("#000000", 16)),
    **dict.fromkeys(["wf-brand-text", "wf-alarm-text"], ("#000000", 16)),
    "wf-dim": ("#c8c8c8", 251),
    "wf-cursor": ("#5a5a5a", 240),
    "wf-resting": ("#303030", 236),
}
_CUBE, _FIRST_GREY = (0, 95, 135, 175, 215, 255), 232


def _among_256(number: int) -> str:
    """Return what Rich rounds to a colour of the cube or the greys: itself, or a grey close by."""
    if number < _FIRST_GREY:
        red, rest = divmod(number - 16, 36)
        return "#" + "".join(f"{_CUBE[part]:02x}" for part in (red, *divmod(rest, 6)))
    # Rich takes the 24 greys for steps of a 25th from black to white, and would round the lighter of
    # them to the one below.
    return "#" + f"{round((number - _FIRST_GREY + 1) * 255 / 25):02x}" * 3


_PARTS = ("", "-hover", "-active")
_ANSI = {
    **dict.fromkeys(_DARK, "ansi_default"),
    "wf-dim": "ansi_bright_black",
    "wf-accent": "ansi_cyan",
    "wf-brand": "ansi_blue",
    "wf-brand-text": "ansi_bright_white",
    "wf-waiting": "ansi_yellow",
    "wf-active": "ansi_bright_blue",
    "wf-success": "ansi_green",
    "wf-failure": "ansi_red",
    "wf-unknown": "ansi_magenta",
    "wf-alarm": "ansi_red",
    "wf-alarm-text": "ansi_bright_white",
    # Textual's own are blue, as if it were news, on black, which a light terminal doesn't have.
    **{f"scrollbar{part}": "ansi_bright_black" for part in _PARTS},
    **{f"scrollbar-background{part}": "ansi_default" for part in _PARTS},
}


def _theme(name: str, table: _Table, *, is_dark: bool, is_256: bool) -> Theme:
    colours = {key: _among_256(few) if is_256 else all_ for key, (all_, few) in table.items()}
    return Theme(
        name=name,
        dark=is_dark,
        primary=colours["wf-accent"],
        accent=colours["wf-accent"],
        foreground=colours["wf-text"],
        background=colours["wf-ground"],
        surface=colours["wf-panel"],
        panel=colours["wf-bar"],
        variables=dict(colours)
        | {
            "scrollbar": colours["wf-cursor"],
            "scrollbar-hover": colours["wf-cursor"],
            "scrollbar-active": colours["wf-accent"],
            **{f"scrollbar-background{part}": colours["wf-panel"] for part in _PARTS},
        },
    )


@cache
def themes(color_system: str | None) -> tuple[Theme, ...]:
    """Return our themes in the colours that a terminal has, the dark one first; Textual's own work too."""
    is_256 = color_system == "256"
    return (
        _theme("dark", _DARK, is_dark=True, is_256=is_256),
        _theme("light", _LIGHT, is_dark=False, is_256=is_256),
        ANSI,
        _theme("colorblind", _COLORBLIND, is_dark=True, is_256=is_256),
        _theme("contrast", _CONTRAST, is_dark=True, is_256=is_256),
    )


ANSI = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="ansi",
    variables=BUILTIN_THEMES["ansi-dark"].variables | _ANSI,
)


def automatic(*, no_color: bool, color_system: str | None) -> str:
    """Return the theme for a terminal: the terminal's own palette where 256 colours are not to be had."""
    few = color_system in {None, "standard", "windows"}
    return ANSI.name if no_color or few else "dark"
