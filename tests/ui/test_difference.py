"""The cells that differ are sent, no others, and the terminal shows what it would after a full paint."""

import random
from collections.abc import Sequence

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style
from rich.text import Segment
from rig import RecordingDriver, Rig, running
from scenes import accounts, mixed, outage, with_history
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._context import visible_screen_stack
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget
from values import replace

from wfinspect.ui.painting import Shown
from wfinspect.watching.api import Snapshot

WIDTH, HEIGHT = 24, 3
CONSOLE = Console(color_system="truecolor", force_terminal=True)
STYLES = [Style.parse("none"), Style.parse("red"), Style.parse("bold on blue")]


class Terminal:
    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.Stream(self.screen)

    def feed(self, data: str) -> None:
        self._stream.feed(data)

    @property
    def cells(self) -> list[list[tuple[str, str, str, bool]]]:
        return [
            [
                (cell.data, cell.fg, cell.bg, cell.bold)
                for cell in (self.screen.buffer[y][x] for x in range(self.screen.columns))
            ]
            for y in range(self.screen.lines)
        ]


def strip_of(spans: Sequence[tuple[str, int]], width: int = WIDTH) -> Strip:
    segments = [Segment(text, STYLES[style]) for text, style in spans]
    return Strip(segments).adjust_cell_length(width, STYLES[0])


def painted(shown: Shown, lines: Sequence[Strip]) -> str:
    update = LayoutUpdate([[each] for each in lines], Region(0, 0, WIDTH, len(lines)))
    left = shown.take(update)
    return left.render_segments(CONSOLE) if left else ""


def patched(shown: Shown, y: int, x: int, strip: Strip) -> str:
    end = x + strip.cell_length
    chops: list[dict[int, Strip | None]] = [{} for _ in range(HEIGHT)]
    chops[y] = {0: None, x: strip, end: None} if x else {x: strip, end: None}
    ends = [*list(chops[y])[1:], WIDTH]
    left = shown.take(ChopsUpdate(chops, [(y, x, end)], [ends] * HEIGHT))
    return left.render_segments(CONSOLE) if left else ""


# Narrow, wide, and one that some terminals draw wide.
TEXT = st.lists(st.sampled_from(["a", "b", " ", "数", "据", "é", "→"]), max_size=12)
SPANS = st.lists(st.tuples(TEXT.map("".join), st.integers(0, 2)), max_size=4)
LINES = st.lists(SPANS, min_size=HEIGHT, max_size=HEIGHT)


@given(st.lists(LINES, min_size=2, max_size=5))
def test_the_terminal_shows_what_a_full_paint_would_show(
    frames: list[list[list[tuple[str, int]]]],
) -> None:
    shown, terminal = Shown(), Terminal()
    for spans in frames:
        lines = [strip_of(each) for each in spans]
        terminal.feed(painted(shown, lines))
        whole = Terminal()
        whole.feed(painted(Shown(), lines))

        assert terminal.cells == whole.cells


@given(LINES, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), SPANS), max_size=8), LINES)
def test_parts_of_lines_are_known_as_whole_lines_are(
    first: list[list[tuple[str, int]]],
    parts: list[tuple[int, int, list[tuple[str, int]]]],
    last: list[list[tuple[str, int]]],
) -> None:
    shown, terminal, plain = Shown(), Terminal(), Terminal()
    lines = [strip_of(each, WIDTH) for each in first]
    terminal.feed(painted(shown, lines))
    for y, x, spans in parts:
        part = strip_of(spans, WIDTH - x)
        if lines[y].crop(0, x).text + lines[y].crop(x).text != lines[y].text:
            continue  # half a wide character: widgets begin elsewhere
        terminal.feed(patched(shown, y, x, part))
        lines[y] = Strip.join([lines[y].crop(0, x), part])
    plain.feed(painted(Shown(), lines))
    assert terminal.cells == plain.cells

    lines = [strip_of(each) for each in last]
    terminal.feed(painted(shown, lines))
    plain.feed(painted(Shown(), lines))
    assert terminal.cells == plain.cells


WALK = [
    "enter",
    "j",
    "?",
    "escape",
    "t",
    "escape",
    "v",
    "tab",
    "escape",
    "z",
    "z",
    ":",
    "escape",
    "/",
    "d",
    "w",
    "d",
    "enter",
    "L",
    "escape",
]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_whatever_is_opened_and_closed_the_terminal_shows_the_screen(
    size: tuple[int, int],
) -> None:
    async with running(mixed(), size, is_recorded=True) as rig:
        terminal = Terminal(*size)
        for key in WALK:
            await rig.press(key)
            terminal.feed(_taken(rig))
            anew = Terminal(*size)
            screens = rig.app._background_screens
            update = rig.app.screen._compositor.render_update(full=True, screen_stack=screens)
            assert isinstance(update, LayoutUpdate)
            anew.feed(update.render_segments(rig.app.console))

            assert terminal.screen.display == anew.screen.display, key
            assert terminal.cells == anew.cells


async def test_a_new_size_of_the_terminal_leaves_nothing_as_it_was_at_the_former() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("enter")
        for size in ((120, 30), (60, 20), (160, 48), (80, 24)):
            _taken(rig)
            terminal = Terminal(*size)
            await rig.pilot.resize_terminal(*size)
            await rig.settle()
            terminal.feed(_taken(rig))
            for widget in rig.app.screen.query(Widget):
                widget._styles_cache.clear()

            assert "\n".join(line.rstrip() for line in terminal.screen.display) == rig.text


KEYS = [*"jkgGwzstvchfLnar/?:!yYexuXpb+-10", "enter", "escape", "tab", "pagedown", "ctrl+l"]
NAMES = [
    "数据仓库_每日",
    "a数b据c",
    "\uff46\uff55ll",
    "한국어 작업",
    "e\u0301x",
    "→",
    "数" * 40,
    "a" * 90,
]
SIZES = [(80, 24), (40, 7), (120, 30), (59, 12), (33, 9), (100, 26)]


@pytest.mark.battery
@pytest.mark.parametrize("seed", range(20))
async def test_on_any_walk_through_windows_of_any_size_the_terminal_shows_the_screen(
    seed: int,
) -> None:
    chance = random.Random(seed)
    async with running(_renamed(chance), SIZES[0], is_recorded=True) as rig:
        terminal = Terminal(*SIZES[0])
        for _ in range(60):
            match chance.choice(["key"] * 6 + ["news"] * 2 + ["size"]):
                case "key":
                    await rig.press(chance.choice(KEYS))
                case "news":
                    await rig.publish(_renamed(chance))
                case _:
                    width, height = chance.choice(SIZES)
                    terminal.feed(_taken(rig))
                    terminal.screen.resize(height, width)
                    rig.app.post_message(events.Resize(Size(width, height), Size(width, height)))
                    await rig.settle()
            if not rig.app.is_running:
                break
            assert await _is_shown(rig, terminal), seed


async def _is_shown(rig: Rig, terminal: Terminal) -> bool:
    """Whether a terminal shows all of the screen, as soon as that has been painted."""
    for _ in range(100):
        await rig.settle()
        terminal.feed(_taken(rig))
        screen = rig.app.screen
        # Not as an update, which would take what waits to be painted.
        visible_screen_stack.set(rig.app._background_screens)
        lines = [[strip] for strip in screen._compositor.render_strips()]
        update = LayoutUpdate(lines, screen.size.region)
        anew = Terminal(terminal.screen.columns, terminal.screen.lines)
        anew.feed(update.render_segments(rig.app.console))
        if terminal.cells == anew.cells:
            return True
    return False


def _renamed(chance: random.Random) -> Snapshot:
    """Some snapshot, under names of any width."""
    found = chance.choice([mixed, outage, with_history, accounts])()
    rows = (
        row._replace(instance=replace(row.instance, name=chance.choice(NAMES)))
        if row.instance
        else row
        for row in found.rows
    )
    return found._replace(rows=tuple(rows))


def _taken(rig: Rig) -> str:
    assert isinstance(rig.app._driver, RecordingDriver)
    sent = "".join(rig.app._driver.written)
    rig.app._driver.written.clear()
    return sent


def test_a_new_size_is_painted_whole() -> None:
    shown = Shown()
    lines = [strip_of([("abc", 0)])] * HEIGHT
    painted(shown, lines)
    assert not painted(shown, lines)

    assert painted(shown, lines[:2]).count("abc") == 2


async def test_a_size_that_is_back_before_it_was_painted_is_painted_whole() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        _taken(rig)
        for width in (60, 80):
            rig.app.post_message(events.Resize(Size(width, 24), Size(width, 24)))
        await rig.settle()
        terminal = Terminal(80, 24)
        terminal.feed(_taken(rig))

        assert [line.rstrip() for line in terminal.screen.display] == rig.text.split("\n")


def test_what_lay_over_half_a_wide_character_gives_it_back_whole() -> None:
    shown, whole = Shown(), strip_of([("ab数", 0)])
    painted(shown, [whole] * HEIGHT)
    patched(shown, 0, 3, strip_of([("over", 1)], WIDTH - 3))
    update = ChopsUpdate([{0: whole}] * HEIGHT, [(0, 3, WIDTH)], [[WIDTH]] * HEIGHT)

    left = shown.take(update)

    assert left is not None
    assert "数" in left.render_segments(CONSOLE)


def test_half_of_a_flag_is_never_sent_alone() -> None:
    shown = Shown()
    painted(shown, [strip_of([("a \U0001f1e9\U0001f1ea", 0)])])

    assert "\U0001f1e9\U0001f1f0" in painted(shown, [strip_of([("a \U0001f1e9\U0001f1f0", 0)])])


def test_few_equal_cells_are_sent_again_many_are_gone_around() -> None:
    shown = Shown()
    painted(shown, [strip_of([("a" * WIDTH, 0)])])
    assert painted(shown, [strip_of([("ba" + "a" * (WIDTH - 3) + "b", 0)])]).count("a") == 0
    assert painted(shown, [strip_of([("ab" + "a" * (WIDTH - 2), 0)])]).count("\x1b") < 4
