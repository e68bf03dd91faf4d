"""Colours and glyphs: the only place of either. Knows no widget and no data."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
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
PROMPT, ASCII_PROMPT = "\u203a", ">"


class Look(NamedTuple):
    """How every line is drawn: what it takes to make text of a row besides the row and the time.

    It stays the same as long as the app runs.
    """

    glyphs: Mapping[Status, str]
    prompt: str
    zone: tzinfo
    """Times are shown in it."""


def look_for(zone: tzinfo, *, is_ascii: bool) -> Look:
    """Return the look of a screen that draws in ASCII, or in the glyphs that most fonts have."""
    return Look(ASCII_GLYPHS, ASCII_PROMPT, zone) if is_ascii else Look(GLYPHS, PROMPT, zone)


BAR_GROUND = "."


def bar_mark(glyphs: Mapping[Status, str]) -> str:
    """Return what a bar is made of beside a set of glyphs; the black rectangle is Neutral, and in most fonts."""
    return "=" if glyphs is ASCII_GLYPHS else "\u25ac"


FAMILY_ROLES: Mapping[Family, Role] = {
    Family.IDLE: Role.IDLE,
    Family.WAITING: Role.WAITING,
    Family.ACTIVE: Role.ACTIVE,
    Family.SUCCESS: Role.SUCCESS,
    Family.FAILURE: Role.FAILURE,
    Family.UNKNOWN: Role.UNKNOWN,
}

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
}
# The terminal's own palette has no grey to lie on, and with NO_COLOR there is no background at all:
# there the cursor's row is reversed in one colour, and so is what else stands on a ground.
_ANSI_GROUND_STYLES: Mapping[Ground, str] = {
    Ground.NONE: "",
    Ground.CURSOR: "reverse",
    Ground.RESTING: "underline",
}
_ANSI_ROLE_STYLES: Mapping[Role, str] = {
    Role.BRAND: "bold reverse $wf-accent",
    Role.ALARM: "bold reverse $wf-alarm",
}


def style_of(role: Role, ground: Ground, *, is_ansi: bool) -> str:
    """Return the style of a span, in the words of Textual's markup."""
    if not is_ansi:
        return f"{ROLE_STYLES[role]} {GROUND_STYLES[ground]}"
    if ground is Ground.CURSOR:
        return "reverse $wf-text"
    return f"{_ANSI_ROLE_STYLES.get(role, ROLE_STYLES[role])} {_ANSI_GROUND_STYLES[ground]}"


# Grounds of so little hue that 256 colours have greys for them: their cube has nothing as dark.
_DARK = {
    "wf-ground": "#15191f",
    "wf-panel": "#1c1f24",
    "wf-bar": "#252a30",
    "wf-cursor": "#363f48",
    "wf-resting": "#282d35",
    "wf-text": "#cfd6df",
    "wf-strong": "#f3f6fa",
    "wf-dim": "#8793a1",
    "wf-accent": "#6cb8ff",
    "wf-brand": "#6cb8ff",
    "wf-brand-text": "#10151b",
    "wf-waiting": "#dfb04a",
    "wf-active": "#5aa9f7",
    "wf-success": "#5fbf72",
    "wf-failure": "#ff6b6b",
    "wf-unknown": "#d38af0",
    "wf-alarm": "#b3392f",
    "wf-alarm-text": "#ffffff",
}
_LIGHT = {
    "wf-ground": "#ffffff",
    "wf-panel": "#f3f5f8",
    "wf-bar": "#e7e9ec",
    "wf-cursor": "#cfe0f4",
    "wf-resting": "#e7e9ec",
    "wf-text": "#2a323c",
    "wf-strong": "#0b1016",
    "wf-dim": "#5d6876",
    "wf-accent": "#0a5fb4",
    "wf-brand": "#0a5fb4",
    "wf-brand-text": "#ffffff",
    "wf-waiting": "#8a5a00",
    "wf-active": "#0a5fb4",
    "wf-success": "#17702c",
    "wf-failure": "#c01f1f",
    "wf-unknown": "#8b2fb0",
    "wf-alarm": "#c01f1f",
    "wf-alarm-text": "#ffffff",
}
# Blue and orange stay apart for every kind of colour blindness, and so do light and dark.
_COLORBLIND = _DARK | {
    "wf-waiting": "#d9cf9c",
    "wf-active": "#56b4e9",
    "wf-success": "#9db4d6",
    "wf-failure": "#ff9f2e",
    "wf-unknown": "#f3f6fa",
    "wf-alarm": "#a34d00",
}
_CONTRAST = {
    **dict.fromkeys(_DARK, "#ffffff"),
    **dict.fromkeys(["wf-ground", "wf-panel", "wf-bar"], "#000000"),
    **dict.fromkeys(["wf-brand-text", "wf-alarm-text"], "#000000"),
    "wf-dim": "#c8c8c8",
    "wf-cursor": "#5a5a5a",
    "wf-resting": "#303030",
}
_ANSI = {
    "wf-ground": "ansi_default",
    "wf-panel": "ansi_default",
    "wf-bar": "ansi_default",
    "wf-cursor": "ansi_default",
    "wf-resting": "ansi_default",
    "wf-text": "ansi_default",
    "wf-strong": "ansi_default",
    "wf-dim": "ansi_bright_black",
    "wf-accent": "ansi_cyan",
    "wf-brand": "ansi_blue",
    "wf-brand-text": "ansi_bright_white",
    "wf-waiting": "ansi_yellow",
    "wf-active": "ansi_blue",
    "wf-success": "ansi_green",
    "wf-failure": "ansi_red",
    "wf-unknown": "ansi_magenta",
    "wf-alarm": "ansi_red",
    "wf-alarm-text": "ansi_bright_white",
}

DEFAULT_VARIABLES: Mapping[str, str] = _DARK
"""What a theme of Textual's own gets for the names it does not know."""


def _theme(name: str, colours: Mapping[str, str], *, dark: bool) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=colours["wf-accent"],
        accent=colours["wf-accent"],
        foreground=colours["wf-text"],
        background=colours["wf-ground"],
        surface=colours["wf-panel"],
        panel=colours["wf-bar"],
        success=colours["wf-success"],
        warning=colours["wf-waiting"],
        error=colours["wf-failure"],
        variables=dict(colours)
        | {
            "scrollbar": colours["wf-cursor"],
            "scrollbar-hover": colours["wf-cursor"],
            "scrollbar-active": colours["wf-accent"],
            "scrollbar-background": colours["wf-panel"],
            "scrollbar-background-hover": colours["wf-panel"],
            "scrollbar-background-active": colours["wf-panel"],
        },
    )


DARK = _theme("dark", _DARK, dark=True)
LIGHT = _theme("light", _LIGHT, dark=False)
COLORBLIND = _theme("colorblind", _COLORBLIND, dark=True)
CONTRAST = _theme("contrast", _CONTRAST, dark=True)
ANSI = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="ansi",
    variables=BUILTIN_THEMES["ansi-dark"].variables | _ANSI,
)
THEMES = (DARK, LIGHT, ANSI, COLORBLIND, CONTRAST)
"""Ours; Textual's own work too."""


def automatic(*, no_color: bool, color_system: str | None) -> str:
    """Return the theme for a terminal: the terminal's own palette where 256 colours are not to be had."""
    few = color_system in {None, "standard", "windows"}
    return ANSI.name if no_color or few else DARK.name
