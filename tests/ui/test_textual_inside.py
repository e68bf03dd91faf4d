"""What the app uses of Textual that its authors may change without a word."""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from asyncio import BaseEventLoop
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import textual
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.css.model import SelectorType
from textual.css.parse import parse
from textual.dom import DOMNode
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

import wfinspect.ui

INSIDE: dict[type, tuple[str, set[str]]] = {
    App: (
        "terminal.py, app.py, widgets/boxes.py",
        {
            "_batch_count",
            "_check_bindings",
            "_clipboard",
            "_close_messages_no_wait",
            "_closed",
            "_disable_notifications",
            "_disable_tooltips",
            "_display",
            "_driver",
            "_fatal_error",
            "_handle_exception",
            "_return_code",
            "_running",
            "_set_pointer_shape",
            "_sync_available",
        },
    ),
    LinuxDriver: (
        "driver.py",
        {
            "_app",
            "_auto_restart",
            "_disable_mouse_support",
            "_enable_mouse_support",
            "_file",
            "_get_terminal_size",
            "_loop",
            "_mouse",
            "_must_signal_resume",
            "_query_in_band_window_resize",
            "_request_terminal_sync_mode_support",
            "_run_input_thread",
            "_size",
            "_writer_thread",
        },
    ),
    WriterThread: ("driver.py", {"_queue"}),
    Screen: (
        "painting.py",
        {
            "_compositor",
            "_compositor_refresh",
            "_dirty_widgets",
            "_on_timer_update",
            "_screen_resized",
            "_update_timer",
        },
    ),
    BaseEventLoop: ("painting.py", {"_ready"}),
    Compositor: ("painting.py", {"_dirty_regions", "_full_map"}),
    StylesCache: ("painting.py", {"get_inner_outer"}),
    ChopsUpdate: ("painting.py", {"chop_ends", "chops", "spans"}),
    LayoutUpdate: ("painting.py", {"region", "strips"}),
    XTermParser: ("input.py", {"_sequence_to_key_events"}),
    Widget: (
        "widgets/line_view.py, app.py",
        {"_forward_event", "_on_blur", "_on_focus", "_scroll_update"},
    ),
    Input: ("widgets/boxes.py", {"_on_key", "_on_paste"}),
}
"""By class of Textual: where it is used, and the names."""


@cache
def own_names(kind: type) -> frozenset[str]:
    """What a class itself defines: methods, attributes, and what its methods set on `self`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)


def bases(kind: type) -> Iterator[type]:
    return (base for base in kind.__mro__ if base.__module__.startswith(("textual", "asyncio")))


def is_private(name: str) -> bool:
    return name.startswith("_") and name[1:2].isalpha()


@pytest.mark.parametrize("kind", INSIDE)
def test_what_is_used_of_textual_s_inside_is_still_there(kind: type) -> None:
    where, names = INSIDE[kind]
    gone = names.difference(*map(own_names, bases(kind)))

    assert not gone, (
        f"Textual {textual.__version__} has no {', '.join(sorted(gone))} in {kind.__qualname__} any"
        f" more, which wfinspect/ui/{where} builds on: do there what it was for by another way."
    )


def test_no_more_of_textual_s_inside_is_used_or_replaced_than_is_said_here() -> None:
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(wfinspect.ui.__path__, "wfinspect.ui.")
    ]
    kinds = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
    ]
    ours = frozenset().union(*map(own_names, kinds))
    replaced = {
        name
        for kind in kinds
        for base in bases(kind)
        for name in own_names(kind) & own_names(base)
        if is_private(name)
    }
    used = {
        node.attr
        for module in modules
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in ours
    }

    said = {name for _, names in INSIDE.values() for name in names if is_private(name)}
    odd = sorted((used | replaced) - {"_exit", "_replace"} ^ said)  # of os, and of named tuples
    assert not odd, f"{', '.join(odd)}: used and not named above, or named and not used any more."


def widgets(base: type[DOMNode] = DOMNode) -> Iterator[type[DOMNode]]:
    """All kinds of widget and screen that are loaded."""
    for kind in base.__subclasses__():
        yield kind
        yield from widgets(kind)


def test_every_class_that_a_stylesheet_names_is_there() -> None:
    """Textual passes over a rule for a class that it does not know, as after a renaming."""
    for module in pkgutil.walk_packages(wfinspect.ui.__path__, "wfinspect.ui."):
        importlib.import_module(module.name)
    named = set()
    for path in Path(wfinspect.ui.__path__[0]).rglob("*.tcss"):
        sheet = re.sub(r"\$[\w-]+", "red", path.read_text("utf-8"))
        for rule in parse("", sheet, (str(path), "")):
            selectors = (each for chain in rule.selector_set for each in chain.selectors)
            named |= {each.name for each in selectors if each.type is SelectorType.TYPE}
    assert len(named) > 5
    assert named - {kind.__name__ for kind in widgets()} == set()
