import re
import unicodedata
from datetime import UTC
from itertools import combinations
from pathlib import Path

import pytest
import textual.widgets
from rich.color import ColorSystem
from rig import running
from scenes import mixed
from textual.color import Color
from textual.style import Style
from textual.widgets import Input

from wfinspect.model import Family, Status
from wfinspect.settings import THEMES
from wfinspect.ui import theme
from wfinspect.ui.lines import ELLIPSIS, Ground, Role


def test_every_glyph_of_ours_is_one_cell_in_any_terminal() -> None:
    looks = [theme.look_for(UTC, is_ascii=is_ascii) for is_ascii in (True, False)]
    signs = [sign for _, glyphs, *others, _ in looks for sign in (*glyphs.values(), *others)]

    for sign in (*signs, *ELLIPSIS):
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


TRUE, FEW = theme.themes("truecolor"), theme.themes("256")
OPAQUE = [own for own in (*TRUE, *FEW) if own.name != "ansi"]
INKS = ("text", "strong", "dim", "accent", "waiting", "active", "success", "failure", "unknown")
GROUNDS = ("ground", "panel", "bar", "resting", "cursor")
STATES = ("waiting", "active", "success", "failure", "unknown")


def among_256(colour: Color) -> Color:
    """What stands for a colour where there are 256: the default over SSH, and in GNU screen."""
    return Color(*colour.rich_color.downgrade(ColorSystem.EIGHT_BIT).get_truecolor())


def colours_of(own: theme.Theme) -> dict[str, Color]:
    """Each of our colours as a terminal draws it."""
    names = [name for name in own.variables if name.startswith("wf-")]
    colours = {name[3:]: Color.parse(own.variables[name]) for name in names}
    return {name: among_256(c) for name, c in colours.items()} if own in FEW else colours


by_theme = pytest.mark.parametrize(
    "own", OPAQUE, ids=lambda own: f"{own.name}-{256 if own in FEW else 'all'}"
)


@by_theme
def test_text_can_be_read_on_everything_it_lies_on(own: theme.Theme) -> None:
    colours = colours_of(own)
    for ground in GROUNDS:
        for ink in INKS:
            least = 3.3 if ground in {"resting", "cursor"} else 4.5
            assert contrast(colours[ink], colours[ground]) >= least, (ink, ground)
    for name in ("alarm", "brand"):
        assert contrast(colours[f"{name}-text"], colours[name]) >= 4.5


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("opens", ["/", ":", "i"])
async def test_what_an_empty_box_says_can_be_read(opens: str, name: str) -> None:
    async with running(mixed(), theme=name) as rig:
        await rig.press(opens)
        box = rig.app.focused
        assert isinstance(box, Input)
        assert box.placeholder
        style = box.get_component_rich_style("input--placeholder")
        inks = [Color.from_rich_color(each) for each in (style.color, style.bgcolor)]
        assert contrast(*inks) >= 3.3


@pytest.mark.parametrize("ground", Ground)
@pytest.mark.parametrize("role", [Role.BRAND, Role.ALARM])
def test_what_has_a_ground_of_its_own_keeps_it_on_every_other(role: Role, ground: Ground) -> None:
    # The sign of a mark could not be seen on the row under the cursor.
    own = theme.style_of(role, Ground.NONE, is_ansi=False)
    assert theme.style_of(role, ground, is_ansi=False).split() == own.split()


def gap(one: Color, other: Color) -> float:
    return sum((a - b) ** 2 for a, b in zip(one.rgb, other.rgb, strict=True)) ** 0.5


@by_theme
def test_what_differs_in_meaning_differs_in_colour(own: theme.Theme) -> None:
    colours = colours_of(own)
    assert gap(colours["text"], colours["dim"]) > 50
    assert gap(colours["cursor"], colours["resting"]) > 18
    for ground in ("ground", "panel", "bar"):
        assert gap(colours["cursor"], colours[ground]) > 25, ground
    if own.name != "contrast":  # black and white: there glyph and word are all
        for one, other in combinations(STATES, 2):
            assert gap(colours[one], colours[other]) > 40, (one, other)
        assert gap(colours["failure"], colours["success"]) > 120


def test_of_256_colours_each_is_chosen() -> None:
    for few, many in zip(FEW, TRUE, strict=True):
        if few.name != "ansi":
            # What a theme says is what a terminal shows; a grey may be a shade away.
            for name, colour in colours_of(few).items():
                assert gap(colour, Color.parse(few.variables[f"wf-{name}"])) <= 13, name
                # And it is the colour of the theme: none turns black, none another hue.
                assert gap(colour, Color.parse(many.variables[f"wf-{name}"])) <= 75, name


def test_every_theme_can_be_set_in_the_config() -> None:
    assert set(THEMES) == {"auto", *(own.name for own in TRUE)}


def test_sixteen_colours_keep_the_states_apart() -> None:
    assert len({theme.ANSI.variables[f"wf-{state}"] for state in STATES}) == len(STATES)


# Brettel's projections, simplified by Vienot, Brettel and Mollon (1999), on linear light.
BLIND = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


@pytest.mark.parametrize("kind", BLIND)
@pytest.mark.parametrize("own", [own for own in OPAQUE if own.name == "colorblind"])
def test_the_colour_blind_theme_keeps_failure_apart_from_every_other_state(
    own: theme.Theme, kind: str
) -> None:
    colours = colours_of(own)

    def seen(state: str) -> list[float]:
        colour = colours[state]
        light = [part**2.2 for part in colour.normalized]
        mixed = [sum(a * b for a, b in zip(row, light, strict=True)) for row in BLIND[kind]]
        return [max(0.0, part) ** (1 / 2.2) for part in mixed]

    for state in STATES:
        if state != "failure":
            square = sum((a - b) ** 2 for a, b in zip(seen("failure"), seen(state), strict=True))
            assert square**0.5 > 0.35, state


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
