"""When a screen is painted, and what is sent: the cells that differ, so that the terminal shows what it would in full.

How many bytes an update sends is seen in test_bytes.py.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

import pyte
import pytest
from fuzz import hostile, tried
from hypothesis import example, given
from hypothesis import strategies as st
from pty_session import TOKEN, feedable
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
from rig import RecordingDriver, Rig, running
from scenes import accounts, mixed, outage, with_history
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._context import visible_screen_stack
from textual.app import ComposeResult
from textual.color import Color
from textual.content import Content
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region, Size
from textual.screen import UPDATE_PERIOD
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import (
    Checkbox,
    Collapsible,
    DataTable,
    Header,
    Input,
    Label,
    Log,
    OptionList,
    RichLog,
    Static,
    TextArea,
    Tree,
)
from textual.widgets.option_list import Option
from values import replace

from wfinspect.format import is_harmless
from wfinspect.ui import painting
from wfinspect.ui.painting import AsciiFilter, Frames, SafeFilter, Shown
from wfinspect.ui.terminal import CrashSafeApp
from wfinspect.watching.api import Snapshot

WIDTH, HEIGHT = 24, 3
DEPTHS = {"truecolor": "truecolor", "256": "256", "16": "standard", "none": None}
LOOKS = [
    "none",
    "red",
    "default on default",
    "bold #c0c0c0 on #102030",
    "#c0c0c0 on #102030",
    "dim italic #ff8000 on #102030",
    "underline green on #302010",
    "reverse #ff8000 on #302010",
    "strike bright_yellow on bright_blue",
    "bold dim underline color(33) on color(200)",
]
JUNK = "\x1b[0;1;7;31m\x1b[2;3Hjunk数\x1b[999;999H"


class Terminal:
    """What a second implementation makes of what was sent."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.Stream(self.screen)
        self.feed("\x1b[?7l")

    def feed(self, data: str) -> None:
        self._stream.feed(feedable(data))

    @property
    def cells(self) -> list[list[tuple[object, ...]]]:
        """What can be seen of each cell."""
        return [
            [_seen(self.screen.buffer[y][x]) for x in range(self.screen.columns)]
            for y in range(self.screen.lines)
        ]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    lines = (cell.underscore, cell.reverse, cell.strikethrough)
    if cell.data == " " and not any(lines):
        return " ", cell.bg
    if cell.data == " " and lines == (False, True, False) and cell.fg != "default":
        return " ", cell.fg
    return cell.data, cell.fg, cell.bg, cell.bold, cell.italics, *lines


class Paint:
    """A terminal that is sent differences, and how it should look."""

    def __init__(self, depth: str | None = "truecolor", *, erases: bool = True) -> None:
        self.console = Console(color_system=depth, force_terminal=True)  # type: ignore[arg-type]
        # Rich keeps with a style how it is written in the first depth that it was asked for.
        self.styles = [Style.parse(look) for look in LOOKS]
        Style.parse.cache_clear()
        if depth is None:
            self.styles = [style.without_color for style in self.styles]
        self.shown = Shown(erases_in_color=erases)
        self.width = WIDTH
        self.lines: list[Strip] = []

    def strip(self, spans: Sequence[tuple[str, int]], width: int | None = None) -> Strip:
        segments = [Segment(text, self.styles[style]) for text, style in spans]
        return Strip(segments).adjust_cell_length(width or self.width, self.styles[0])

    def whole(self, lines: Sequence[Strip]) -> str:
        """What paints all lines, as far as they aren't shown."""
        self.lines = list(lines)
        return self.shown.take(self._update(), self._colors)

    def part(self, y: int, x: int, strip: Strip) -> str:
        """What paints a piece of a line, from a column on."""
        end = x + strip.cell_length
        line = self.lines[y]
        self.lines[y] = Strip.join([cut(line, x)[0], strip, cut(line, end)[1]])
        chops: list[dict[int, Strip | None]] = [{0: None, self.width: None} for _ in self.lines]
        chops[y] = ({0: None} if x else {}) | {x: strip, end: None}
        ends = [[*list(chop)[1:], self.width] for chop in chops]
        return self.shown.take(ChopsUpdate(chops, [(y, x, end)], ends), self._colors)

    def plainly(self) -> str:
        """What Textual itself would send."""
        return self._update().render_segments(self.console)

    def _update(self) -> LayoutUpdate:
        region = Region(0, 0, self.width, len(self.lines))
        return LayoutUpdate([[each] for each in self.lines], region)

    @property
    def _colors(self) -> ColorSystem | None:
        return self.console.color_system and COLOR_SYSTEMS[self.console.color_system]


def cut(line: Strip, x: int) -> tuple[Strip, Strip]:
    """Return both sides of a column; Textual's `crop` parts a letter from its accent there."""
    left, right = line.crop(0, x), line.crop(x)
    if not right.text.startswith("\u0301"):
        return left, right
    (text, style, _), *others = right
    return Strip([*left, Segment("\u0301", style)]), Strip([Segment(text[1:], style), *others])


def cells_of(paint: Paint) -> list[list[tuple[object, ...]]]:
    """How the terminal should look."""
    terminal = Terminal(paint.width, len(paint.lines))
    terminal.feed(paint.plainly())
    return terminal.cells


# Narrow, wide, of no width, and two that some terminals draw wide.
PIECE = st.one_of(
    st.lists(st.sampled_from(["a", "b", " ", "数", "据", "é", "e\u0301", "→", "…"]), max_size=9),
    st.integers(1, 20).map(lambda count: [" "] * count),
).map("".join)
SPANS = st.lists(st.tuples(PIECE, st.integers(0, len(LOOKS) - 1)), max_size=4)
LINES = st.lists(SPANS, min_size=HEIGHT, max_size=HEIGHT)
STEPS = st.lists(
    st.one_of(
        LINES,
        st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, 20), st.integers(1, 12), SPANS),
        st.tuples(st.integers(9, 30), LINES),
        st.tuples(LINES),
    ),
    min_size=2,
    max_size=6,
)


def walk(steps: Sequence[object], paint: Paint) -> Iterator[tuple[int | None, str]]:
    """Yield the new width of the terminal, if it has one, and what it is sent."""
    yield None, paint.whole([paint.strip([])] * HEIGHT)
    for step in steps:
        match step:
            case [int() as y, int() as x, int() as width, spans]:
                x, width = min(x, paint.width - 1), min(width, paint.width - x)
                line = paint.lines[y]
                if width > 0 and line.crop(0, x).text + line.crop(x).text == line.text:
                    # Widgets never begin in a wide character.
                    yield None, paint.part(y, x, paint.strip(spans, width))
            case [int() as width, lines]:
                paint.width = width
                paint.shown.forget()
                yield width, paint.whole([paint.strip(spans) for spans in lines])
            case [[*lines]] if len(step) == 1:  # type: ignore[arg-type]
                paint.shown.forget()
                yield None, JUNK + paint.whole([paint.strip(spans) for spans in lines])
            case [*lines]:
                yield None, paint.whole([paint.strip(spans) for spans in lines])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("erases", [True, False])
@tried(8, 2_000)
@example(steps=[[[("ae\u0301a", 0)], [], []], (0, 0, 2, [])])
@example(steps=[[[("ae\u0301a", 0)], [], []], (0, 2, 2, [])])
@given(steps=STEPS)
def test_after_each_frame_the_terminal_shows_exactly_what_was_meant(
    depth: str, erases: bool, steps: list[object]
) -> None:
    paint, terminal = Paint(DEPTHS[depth], erases=erases), Terminal()
    for width, sent in walk(steps, paint):
        if width is not None:
            terminal.screen.resize(HEIGHT, width)
        terminal.feed(sent)

        assert terminal.cells == cells_of(paint)


class Tmux:
    """A pane of a tmux server of its own, which shows what is written to the pane's terminal."""

    def __init__(self, directory: Path, width: int, height: int) -> None:
        self._command = ["tmux", "-f", os.devnull, "-S", str(directory / "socket")]
        self._sent = 0
        size = ["-x", str(width), "-y", str(height)]
        self.run("new-session", "-d", *size, "stty raw -echo; cat", ";", "set", "status", "off")
        self.run("resize-window", *size)
        self._terminal = Path(self.run("display", "-p", "#{pane_tty}").strip())

    def run(self, *arguments: str) -> str:
        env = os.environ | {"LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*self._command, *arguments], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def cells_after(self, data: str) -> list[list[tuple[object, ...]]]:
        """What is shown once the pane has read this."""
        self._sent += 1
        self._terminal.write_text(f"\x1b[?7l{data}\x1b]2;{self._sent}\x1b\\", "utf-8")
        while self.run("display", "-p", "#{pane_title}").strip() != str(self._sent):
            pass
        lines = self.run("capture-pane", "-p", "-e", "-N").split("\n")[:HEIGHT]
        seen = Terminal(WIDTH, HEIGHT)
        seen.feed("".join(f"\x1b[{y};1H{line}" for y, line in enumerate(lines, 1)))
        return seen.cells


@pytest.mark.skipif(which("tmux") is None, reason="without tmux")
@pytest.mark.parametrize("depth", DEPTHS)
def test_tmux_shows_what_was_meant_too(depth: str, tmp_path: Path) -> None:
    chance, paint = random.Random(f"{depth}2"), Paint(DEPTHS[depth])
    texts = ["a", "bc", " ", "数据", "é", " " * 12, "b" * 7]
    tmux = Tmux(tmp_path, WIDTH, HEIGHT)
    try:
        paint.whole([paint.strip([])] * HEIGHT)
        paint.shown.forget()
        for number in range(24):
            spans = [
                [(chance.choice(texts), chance.randrange(len(LOOKS))) for _ in range(4)]
                for _ in range(HEIGHT)
            ]
            # What capture-pane prints ends with the last character.
            end = paint.strip([("|", 0)], 1)
            lines = [Strip.join([paint.strip(each, WIDTH - 1), end]) for each in spans]
            if number % 4 == 3:
                paint.shown.forget()
            junk = JUNK if number % 4 == 3 else ""

            assert tmux.cells_after(junk + paint.whole(lines)) == cells_of(paint)
        blue = tmux.cells_after(f"\x1b[0;44m\x1b[H\x1b[K\x1b[0m\x1b[{WIDTH}G|")[0]
        assert blue[:-1] == [(" ", "blue")] * (WIDTH - 1)
    finally:
        tmux.run("kill-server")


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


@pytest.mark.parametrize("size", [(80, 24), pytest.param((160, 48), marks=pytest.mark.battery)])
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
        for size in ((60, 20), (100, 30)):
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
    paint = Paint()
    whole = paint.strip([("ab数", 0)])
    paint.whole([whole] * HEIGHT)
    paint.part(0, 3, paint.strip([("over", 1)], WIDTH - 3))
    update = ChopsUpdate([{0: whole}] * HEIGHT, [(0, 3, WIDTH)], [[WIDTH]] * HEIGHT)

    assert "数" in paint.shown.take(update, ColorSystem.TRUECOLOR)


def test_the_accent_of_a_covered_letter_stands_on_no_other() -> None:
    paint = Paint()
    pieces = [[Strip([Segment("a|")]), Strip([Segment("\u0301b")])]]

    sent = paint.shown.take(LayoutUpdate(pieces, Region(0, 0, 3, 1)), ColorSystem.TRUECOLOR)

    assert sent.endswith("a|b")


@pytest.mark.parametrize("doubtful", ["→", "e\u0301"])
def test_behind_a_character_of_doubtful_width_all_is_sent_again_to_its_own_place(
    doubtful: str,
) -> None:
    paint = Paint()
    paint.whole([paint.strip([(f"ab{doubtful}cdef", 0)])])

    sent = paint.whole([paint.strip([(f"ab{doubtful}cdeg", 0)])])

    assert sent.startswith(f"\x1b[1;3H{doubtful}\x1b[1;4Hcdeg")


def written(old: str, new: str, *, erases: bool = True) -> str:
    """What turns a line into another, its blanks blue."""
    paint = Paint(erases=erases)
    paint.styles[0] = Style.parse("white on blue")
    paint.whole([paint.strip([(old, 0)])])
    return paint.whole([paint.strip([(new, 0)])])


def test_few_equal_cells_are_sent_again_many_are_gone_around() -> None:
    assert written("a" * WIDTH, "b" + "a" * (WIDTH - 2) + "b") == "\x1b[1Hb\x1b[22Cb"
    assert written("a" * WIDTH, "bab") == "\x1b[1Hbab\x1b[K"


def test_blanks_are_erased_only_where_the_terminal_erases_in_the_colour_of_the_pen() -> None:
    assert written("a" * WIDTH, f"a{' ' * 21}aa") == "\x1b[1;2H\x1b[21X"
    assert written("a" * WIDTH, "a") == "\x1b[1;2H\x1b[K"
    assert written("a" * WIDTH, "a", erases=False) == "\x1b[1;2H" + " " * (WIDTH - 1)


def test_a_move_behind_cells_that_were_sent_again_and_blanks_that_were_erased() -> None:
    sent = written("abcabbb" + "c" * 14, "bbbbbbb" + " " * 12 + "d")

    assert sent == "\x1b[1Hbbbbbbb\x1b[12X\x1b[12Cd "


def test_only_attributes_that_change_are_sent() -> None:
    paint = Paint()
    paint.whole([paint.strip([])] * 2)
    bold, plain = paint.styles[3], paint.styles[4]
    line = Strip([Segment("ab", bold), Segment(" ", plain), Segment("cd", plain)])

    sent = paint.whole([line.adjust_cell_length(WIDTH, plain)] * 2)

    assert sent.count("48;2;16;32;48") == 1
    assert "ab \x1b[22mcd" in sent
    assert "\x1b[0" not in sent


class Loop:
    """Stands in for the event loop: its time is given to it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[Call] = []
        self._ready: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, act: Callable[[], None]) -> "Call":
        self.calls.append(Call(at, act))
        return self.calls[-1]

    def call_soon(self, act: Callable[[], None]) -> None:
        self._ready.append(act)

    def run(self) -> None:
        """Run until nothing is left to do."""
        for _turn in range(1000):
            for _ in range(len(self._ready)):
                self._ready.pop(0)()
            if not self._ready and self.calls:
                self.now = max(self.now, min(call.at for call in self.calls))
            due = [call for call in self.calls if call.at <= self.now]
            self.calls = [call for call in self.calls if call.at > self.now]
            for call in due:
                if not call.is_cancelled:
                    call.act()


@dataclass
class Call:
    at: float
    act: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Painted:
    """A screen that lays out and paints as Textual's does."""

    is_running = True

    def __init__(self) -> None:
        self.times: list[float] = []
        self.layouts_to_come = 0
        self.frames: Any = None

    def _on_timer_update(self) -> None:
        self.frames.pause()
        self.frames.settle(lambda: self.times.append(asyncio.get_running_loop().time()))
        if self.layouts_to_come:
            self.layouts_to_come -= 1
            # As a widget does once it knows its size: a message later.
            asyncio.get_running_loop().call_soon(self.frames.resume)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


@pytest.fixture
def screen() -> Painted:
    made: Any = Painted()
    made.frames = Frames(made)
    return made


def test_a_change_after_a_rest_is_painted_at_once(loop: Loop, screen: Painted) -> None:
    for _ in range(2):
        screen.frames.resume()
        changed_at = loop.now
        loop.run()
        assert screen.times[-1] == changed_at
        loop.now += 10 * UPDATE_PERIOD + 0.003


def test_changes_in_a_row_share_the_frame_a_period_after_the_last(
    loop: Loop, screen: Painted
) -> None:
    screen.frames.resume()
    loop.run()
    first = screen.times[0]

    loop.now += UPDATE_PERIOD / 5
    screen.frames.resume()
    screen.frames.resume()
    loop.run()

    assert screen.times == [first, pytest.approx(first + UPDATE_PERIOD)]


def test_layouts_that_follow_from_each_other_are_one_frame_at_once(
    loop: Loop, screen: Painted
) -> None:
    screen.layouts_to_come = 3
    screen.frames.resume()
    begun = loop.now
    loop.run()

    assert screen.times == [begun]
    assert screen.layouts_to_come == 0


def test_layouts_without_end_are_painted_all_the_same(
    loop: Loop, screen: Painted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "thread_time", count(0, 0.001).__next__)
    screen.layouts_to_come = 200
    screen.frames.resume()
    loop.run()

    assert 1 < len(screen.times) < 50


async def test_a_widget_that_can_not_be_painted_ends_the_app_with_its_error() -> None:
    class Broken(Exception):
        pass

    def render_line(_y: int) -> object:
        raise Broken

    async def paint() -> None:
        async with running(mixed()) as rig:
            rig.app.main.bottom.render_line = render_line  # type: ignore[assignment,method-assign]
            rig.app.main.bottom.refresh()
            await rig.settle()

    with pytest.raises(Broken):
        await paint()


BLACK = Color(0, 0, 0)
PAYLOAD = (
    "<<\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x1b]0;own\x1b\\\x1bP$qm\x1b\\\x0e\x00\x7f\u202e\u2066"
    "\u200b\ud800\U000e0041 [red]x[/] [@click=app.quit]y[/] [$x] >>"
)

SEQUENCES = [
    "\x1b]0;t\x07", "\x1b]2;t\x1b\\", "\x1b]52;c;ZQ==\x07", "\x1b]8;;http://e\x1b\\x\x1b]8;;\x1b\\",
    "\x1b]4;1;?\x07", "\x1b]10;?\x07", "\x1b]50;#1\x07", "\x1b]1337;File=:ZQ==\x07", "\x1b]777;notify;a;b\x07",
    "\x1b]9;4;1\x07", "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1bPtmux;\x1b\x1b[2J\x1b\\", "\x1b_Ga=q;\x1b\\",
    "\x1b^x\x1b\\", "\x1bXx\x1b\\", "\x1b[2J", "\x1b[6n", "\x1b[c", "\x1b[>0q", "\x1b[21t", "\x1b[14t", "\x1b[4i",
    "\x1b[?1049l", "\x1b[?1003h", "\x1b[!p", "\x1b[5;5H", "\x1b[9999@", "\x1b[31;5m", "\x1b[20h", "\x1bc", "\x1b#8",
    "\x1b(0", "\x1bN", "\x1b%G", "\x9b2J", "\x9d0;t\x9c", "\x90q\x9c", "\x0e\x0f\x05\x08\x7f\x00", "a\rb\nc\td",
    "\u202ek\u202c\u2066x\u2069", "\u200b\u200d\ufeff\u2028\u0085", "\U000e0041\ud800\ue000", "\x1b", "\x1b[", "\x1b]0;",
]  # fmt: skip


def safe(*segments: Segment) -> list[Segment]:
    return SafeFilter().apply(list(segments), BLACK)


def test_plain_segments_are_handed_on_untouched() -> None:
    segments = [Segment("dwd_orders", Style(bold=True)), Segment("订单 \u3000é")]

    assert SafeFilter().apply(segments, BLACK) is segments


@given(st.lists(hostile, max_size=5))
def test_what_leaves_is_harmless_and_as_wide_as_what_came(texts: list[str]) -> None:
    segments = [Segment(text) for text in texts]

    filtered = safe(*segments)

    assert all(is_harmless(char) for segment in filtered for char in segment.text)
    assert [cell_len(s.text) for s in filtered] == [cell_len(s.text) for s in segments]


def test_every_code_point_that_can_do_harm_is_replaced() -> None:
    planes = [*range(0x20000), *range(0xE0000, 0xE1000), *range(0x10F000, sys.maxunicode + 1)]
    harmful = "".join(char for char in map(chr, planes) if not is_harmless(char))
    lines = [harmful[at : at + 1024] for at in range(0, len(harmful), 1024)]

    filtered = safe(*map(Segment, lines))

    assert set("".join(segment.text for segment in filtered)) == {"?", " "}


def test_links_and_control_segments_are_dropped() -> None:
    link = Style(link="http://evil.example", bold=True)

    filtered = safe(Segment("a", link), Segment("\x1b]0;x\x07", None, [(ControlType.BELL,)]))

    assert [(s.text, s.style.link if s.style else None) for s in filtered] == [("a", None)]
    assert filtered[0].style is not None
    assert filtered[0].style.bold


@given(st.lists(hostile, max_size=5), st.sampled_from(["utf-8", "gbk", "iso8859-1", "ascii"]))
def test_ascii_drawings_can_be_written_and_are_as_wide_as_what_they_stand_for(
    texts: list[str], encoding: str
) -> None:
    segments = safe(*map(Segment, texts))

    drawn = AsciiFilter(encoding).apply(segments, BLACK)

    assert [cell_len(s.text) for s in drawn] == [cell_len(s.text) for s in segments]
    assert all(s.text.encode(encoding) for s in drawn if s.text)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("┌─┐ “a” \u2013 it\u2019s", '??? "a" - it\'s'),
        ("✗ failed ● ▶", "? failed ? ?"),
        ("订单、é", "订单、é"),
        ("\u241b[2J", "?[2J"),
        ("plain", "plain"),
    ],
)
def test_symbols_become_ascii_and_letters_stay(text: str, drawn: str) -> None:
    (segment,) = AsciiFilter().apply([Segment(text)], BLACK)

    assert segment.text == drawn


class Recorder(HeadlessDriver):
    """A driver that keeps what the terminal would get."""

    written = ""

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.written += data


class OneWidget(CrashSafeApp):
    def __init__(self, build: Callable[[], Widget]) -> None:
        super().__init__()
        self.driver_class = Recorder
        self._build = build

    def compose(self) -> ComposeResult:
        yield Header()
        yield self._build()


def table(text: str) -> Widget:
    widget: DataTable[Text] = DataTable()
    widget.add_column(Text(text))
    widget.add_row(Text(text))
    return widget


def tree(text: str) -> Widget:
    widget: Tree[None] = Tree(Text(text))
    widget.root.add(Text(text))
    widget.root.expand()
    return widget


def log(text: str) -> Widget:
    widget = Log()
    widget.write(text)
    return widget


def rich_log(text: str) -> Widget:
    widget = RichLog()
    widget.write(Text(text))
    return widget


def titled(text: str) -> Widget:
    widget = Static("inside")
    widget.styles.border = ("round", "red")
    widget.border_title = Content(text)
    return widget


WIDGETS: dict[str, Callable[[str], Widget]] = {
    "static": lambda text: Static(Content(text)),
    "static-plain": lambda text: Static(text, markup=False),
    "label": lambda text: Label(Text(text)),
    "option-list": lambda text: OptionList(Option(Content(text))),
    "input": lambda text: Input(text, placeholder=text),
    "text-area": lambda text: TextArea(text, read_only=True),
    "checkbox": lambda text: Checkbox(Content(text)),
    "collapsible": lambda text: Collapsible(title=Content(text)),
    "table": table,
    "tree": tree,
    "log": log,
    "rich-log": rich_log,
    "border-title": titled,
    "link": lambda _: Static("[link='http://evil.example']<<[/link]"),
}


@pytest.mark.parametrize("build", WIDGETS.values(), ids=WIDGETS.keys())
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PAYLOAD, id="all"),
        *(pytest.param(f"<<{each}>>", marks=pytest.mark.battery) for each in SEQUENCES),
    ],
)
async def test_no_widget_lets_a_sequence_out(text: str, build: Callable[[str], Widget]) -> None:
    app = OneWidget(lambda: build(text))

    async with app.run_test(headless=False, size=(150, 24)) as pilot:
        await pilot.pause()
        app.notify(text, title=text, markup=False)
        app.title = text
        await pilot.pause()
        await pilot.pause()
        driver = app._driver
        assert isinstance(driver, Recorder)
        written = driver.written

    drawn = TOKEN.sub("", written)
    assert drawn.count("<<") >= 2, "neither the widget nor the notice was drawn"
    assert {token[-1] for token in TOKEN.findall(written)} <= set("mHhlCDEJXK\r\x07")
    assert not [
        t for t in TOKEN.findall(written) if t.startswith(("\x1b]52", "\x1b]0", "\x1b]8", "\x1bP"))
    ]
    assert "\x1b[2J" not in written
    assert all(map(is_harmless, drawn))
