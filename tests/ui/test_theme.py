import re
import unicodedata
from pathlib import Path

import pytest
import textual.widgets
from rich.color import ColorSystem
from textual.color import Color
from textual.style import Style

from wfinspect.model import Family, Status
from wfinspect.settings import THEMES
from wfinspect.ui import theme
from wfinspect.ui.lines import ELLIPSIS, Ground, Role


def test_every_glyph_of_ours_is_one_cell_in_any_terminal() -> None:
    signs = [*theme.GLYPHS.values(), *theme.ASCII_GLYPHS.values(), theme.PROMPT, *ELLIPSIS]

    for sign in signs:
        assert len(sign) == 1
        assert unicodedata.east_asian_width(sign) in {"N", "Na"}


@pytest.mark.parametrize("glyphs", [theme.GLYPHS, theme.ASCII_GLYPHS])
def test_every_status_has_a_glyph_of_its_own(glyphs: dict[Status, str]) -> None:
    assert set(glyphs) == set(Status)
    assert len(set(glyphs.values())) == len(Status)


def test_ascii_glyphs_are_ascii() -> None:
    assert all(glyph.isascii() for glyph in theme.ASCII_GLYPHS.values())


def test_every_family_and_every_role_looks_like_something() -> None:
    assert set(theme.FAMILY_ROLES) == set(Family)
    assert set(theme.ROLE_STYLES) == set(Role)
    assert set(theme.GROUND_STYLES) == set(Ground)


def contrast(ink: Color, ground: Color) -> float:
    """The ratio of WCAG 2: 1 for equal colours, 21 for black on white; 4.5 can be read."""

    def luminance(colour: Color) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in colour.normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    darker, lighter = sorted((luminance(ink), luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


OPAQUE = [theme.DARK, theme.LIGHT, theme.COLORBLIND, theme.CONTRAST]


def among_256(colour: Color) -> Color:
    """What stands for a colour where there are 256: the default over SSH, and in GNU screen."""
    return Color(*colour.rich_color.downgrade(ColorSystem.EIGHT_BIT).get_truecolor())


@pytest.mark.parametrize("is_256", [False, True])
@pytest.mark.parametrize("own", OPAQUE, ids=lambda own: own.name)
def test_text_can_be_read_on_everything_it_lies_on(own: theme.Theme, *, is_256: bool) -> None:
    colours = {name: Color.parse(value) for name, value in own.variables.items() if "wf-" in name}
    if is_256:
        colours = {name: among_256(colour) for name, colour in colours.items()}
    inks = ["text", "strong", "dim", "accent", "waiting", "active", "success", "failure", "unknown"]
    for ground in ("ground", "panel", "bar"):
        for ink in inks:
            assert contrast(colours[f"wf-{ink}"], colours[f"wf-{ground}"]) >= 4.5, (ink, ground)
    for ink in inks:
        assert contrast(colours[f"wf-{ink}"], colours["wf-cursor"]) >= 3.3, ink
    for name in ("alarm", "brand"):
        assert contrast(colours[f"wf-{name}-text"], colours[f"wf-{name}"]) >= 4.5


def test_every_theme_can_be_set_in_the_config() -> None:
    assert set(THEMES) == {"auto", *(own.name for own in theme.THEMES)}


STATES = ("waiting", "active", "success", "failure", "unknown")


def test_sixteen_colours_keep_the_states_apart() -> None:
    assert len({theme.ANSI.variables[f"wf-{state}"] for state in STATES}) == len(STATES)


# Brettel's projections, simplified by Vienot, Brettel and Mollon (1999), on linear light.
BLIND = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


@pytest.mark.parametrize("kind", BLIND)
def test_the_colour_blind_theme_keeps_failure_apart_from_every_other_state(kind: str) -> None:
    def seen(state: str) -> list[float]:
        colour = Color.parse(theme.COLORBLIND.variables[f"wf-{state}"])
        light = [part**2.2 for part in colour.normalized]
        mixed = [sum(a * b for a, b in zip(row, light, strict=True)) for row in BLIND[kind]]
        return [max(0.0, part) ** (1 / 2.2) for part in mixed]

    for state in STATES:
        if state != "failure":
            gap = sum((a - b) ** 2 for a, b in zip(seen("failure"), seen(state), strict=True))
            assert gap**0.5 > 0.35, state


def test_every_style_of_the_palette_theme_parses() -> None:
    variables = dict(theme.ANSI.variables)
    for role in Role:
        for ground in Ground:
            for is_ansi in (True, False):
                words = theme.style_of(role, ground, is_ansi=is_ansi)
                assert isinstance(Style.parse(words, variables), Style)


@pytest.mark.parametrize(
    ("no_color", "system", "name"),
    [
        (False, "truecolor", "dark"),
        (False, "256", "dark"),
        (False, "standard", "ansi"),
        (False, None, "ansi"),
        (True, "truecolor", "ansi"),
    ],
)
def test_auto_picks_what_the_terminal_can_show(
    no_color: bool, system: str | None, name: str
) -> None:
    assert theme.automatic(no_color=no_color, color_system=system) == name


def test_each_class_that_a_stylesheet_names_is_one_of_ours_or_of_textual() -> None:
    package = Path(theme.__file__).parent
    sources = [*package.rglob("*.py"), *Path(textual.widgets.__file__).parents[1].rglob("*.py")]
    defined = {
        name
        for path in sources
        for name in re.findall(r"^ *class (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    for sheet in package.rglob("*.tcss"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        selectors = " ".join(re.findall(r"([^{}]+)\{", text))
        assert set(re.findall(r"(?<![\w.#$-])[A-Z]\w+", selectors)) <= defined, sheet.name
