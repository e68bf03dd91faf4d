import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pty_session import TOKEN
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
from test_shown import hostile
from textual.app import ComposeResult
from textual.color import Color
from textual.content import Content
from textual.drivers.headless_driver import HeadlessDriver
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

from wfinspect.format import is_harmless
from wfinspect.ui.safety import AsciiFilter, SafeFilter
from wfinspect.ui.terminal import CrashSafeApp

BLACK = Color(0, 0, 0)
PAYLOAD = (
    "<<\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x1b]0;own\x1b\\\x1bP$qm\x1b\\\x0e\x00\x7f\u202e\u2066"
    "\u200b\ud800\U000e0041 [red]x[/] [@click=app.quit]y[/] [$x] >>"
)


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


@given(st.lists(hostile, max_size=5))
def test_ascii_drawings_are_as_wide_as_what_they_stand_for(texts: list[str]) -> None:
    segments = safe(*map(Segment, texts))

    drawn = AsciiFilter().apply(segments, BLACK)

    assert [cell_len(s.text) for s in drawn] == [cell_len(s.text) for s in segments]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("┌─┐│└┘", "+-+|++"),
        ("✗ failed ● ▶", "x failed * >"),
        ("订单、é", "订单、é"),
        ("\u241b[2J", "?[2J"),
        ("plain", "plain"),
    ],
)
def test_frames_and_symbols_become_ascii_and_letters_stay(text: str, drawn: str) -> None:
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


def table() -> Widget:
    widget: DataTable[Text] = DataTable()
    widget.add_column(Text(PAYLOAD))
    widget.add_row(Text(PAYLOAD))
    return widget


def tree() -> Widget:
    widget: Tree[None] = Tree(Text(PAYLOAD))
    widget.root.add(Text(PAYLOAD))
    widget.root.expand()
    return widget


def log() -> Widget:
    widget = Log()
    widget.write(PAYLOAD)
    return widget


def rich_log() -> Widget:
    widget = RichLog()
    widget.write(Text(PAYLOAD))
    return widget


def titled() -> Widget:
    widget = Static("inside")
    widget.styles.border = ("round", "red")
    widget.border_title = Content(PAYLOAD)
    return widget


WIDGETS: dict[str, Callable[[], Widget]] = {
    "static": lambda: Static(Content(PAYLOAD)),
    "static-plain": lambda: Static(PAYLOAD, markup=False),
    "label": lambda: Label(Text(PAYLOAD)),
    "option-list": lambda: OptionList(Option(Content(PAYLOAD))),
    "input": lambda: Input(PAYLOAD, placeholder=PAYLOAD),
    "text-area": lambda: TextArea(PAYLOAD, read_only=True),
    "checkbox": lambda: Checkbox(Content(PAYLOAD)),
    "collapsible": lambda: Collapsible(title=Content(PAYLOAD)),
    "table": table,
    "tree": tree,
    "log": log,
    "rich-log": rich_log,
    "border-title": titled,
    "link": lambda: Static("[link='http://evil.example']<<[/link]"),
}


@pytest.mark.parametrize("build", WIDGETS.values(), ids=WIDGETS.keys())
async def test_no_widget_lets_a_sequence_out(build: Callable[[], Widget]) -> None:
    app = OneWidget(build)

    async with app.run_test(headless=False, size=(150, 24), notifications=True) as pilot:
        await pilot.pause()
        app.notify(PAYLOAD, title=PAYLOAD, markup=False)
        app.title = PAYLOAD
        await pilot.pause()
        await pilot.pause()
        driver = app._driver
        assert isinstance(driver, Recorder)
        written = driver.written

    drawn = TOKEN.sub("", written)
    assert drawn.count("<<") >= 2, "neither the widget nor the notice was drawn"
    assert {token[-1] for token in TOKEN.findall(written)} <= set("mHhl\r\n\x07")
    assert not [
        t for t in TOKEN.findall(written) if t.startswith(("\x1b]52", "\x1b]0", "\x1b]8", "\x1bP"))
    ]
    assert "\x1b[2J" not in written
    assert all(map(is_harmless, drawn))
