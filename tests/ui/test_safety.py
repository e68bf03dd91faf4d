import sys
from collections.abc import Callable

import pytest
from fuzz import hostile
from hypothesis import given
from hypothesis import strategies as st
from pty_session import TOKEN
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
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
from wfinspect.ui.painting import AsciiFilter, SafeFilter
from wfinspect.ui.terminal import CrashSafeApp

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
