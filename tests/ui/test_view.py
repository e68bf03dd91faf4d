"""What all views over the list have in common: each key does something there, or says that it does not."""

import re
from pathlib import Path

import pytest
from fakes import instance, key, ms
from rig import Rig, running
from scenes import FAILED, ago, mixed
from task_scenes import FAILED_TASK, TASKS, log, page

from wfinspect.lateness import Run
from wfinspect.model import InstanceId
from wfinspect.ui.screens.view import OverlayScreen
from wfinspect.ui.widgets.line_view import CursorList
from wfinspect.watching.api import (
    EarlierRuns,
    InstanceOf,
    OperationsOf,
    OtherRuns,
    TaskLog,
    TaskOf,
    TasksOf,
)

EARLIER = (Run(InstanceId(7), ms(ago(days=1)), "Success", ms(ago(days=1)), ms(ago(hours=23))),)
ANSWERS = {
    TasksOf: page(*TASKS),
    TaskLog: log(),
    TaskOf: FAILED_TASK,
    OperationsOf: (),
    InstanceOf: instance(FAILED, "Failure", name="ads_user_profile_daily"),
    EarlierRuns: EARLIER,
    OtherRuns: EARLIER,
}
ELSEWHERE = {"c", "o", "t", "h", "x", "F", "n", "s", "5", "+"}
"""Keys that do something in the list, or in another view."""


NAMES = {
    "/": "slash",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "Space": "space",
}
"""Textual's, by those of the help."""
OF_ALL_VIEWS = {*"jkgGq"}
"""They stand in the help of every view."""
SAYS_NO = (
    r"Space does nothing here|There (is|are) no|No other|is over|Nothing|as it was|Once it is read"
)


async def answer_all(rig: Rig) -> None:
    while rig.control.questions:
        rig.control.answer(ANSWERS.get(type(rig.control.questions[0][0]), page()))
        await rig.settle()


@pytest.mark.parametrize(
    ("keys", "is_read"),
    [(keys, True) for keys in ("t", "t enter", "t l", "t U", "t v", "c")]
    + [(keys, False) for keys in ("t", "t l", "U", "c")],
)
async def test_each_key_does_something_or_says_that_it_does_not(
    keys: str, *, is_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(mixed(), (80, 24)) as rig:
        rig.app.main.select(key(FAILED))
        *before, last = keys.split()
        for name in before:
            await rig.press(name)
            await answer_all(rig)
        await rig.press(last)
        if is_read:
            await answer_all(rig)
        view = rig.app.screen
        assert isinstance(view, OverlayScreen)
        here = {
            name for names, _ in view._hints for name in names.replace("Enter", "enter").split()
        }
        bound = {name for name, each in view.active_bindings.items() if each.node is view}
        bound = {name for name in bound if len(name) == 1 or name in NAMES.values()}
        unnamed = bound - {NAMES.get(name, name) for name in here} - OF_ALL_VIEWS
        if isinstance(view.main_part, CursorList):
            # It marks a row, where that can be, and leads to no other one.
            assert "space" not in bound
            unnamed.add("space")
        else:
            unnamed.remove("space")
        # What u has undone the poller says.
        for name in sorted((here | ELSEWHERE | unnamed) - {"u"}):
            text = rig.text
            await rig.press(name)
            assert rig.text != text, name
            if name in unnamed and is_read:
                # What the help does not have does nothing.
                assert re.search(SAYS_NO, rig.text), name
            while rig.app.screen is not view:
                await rig.press("escape")
            if view.focused is not None and name == "/":
                await rig.press("escape")
            rig.app.main.messages.key_pressed()
            rig.app._show_messages()
            await rig.settle()


@pytest.mark.parametrize(
    ("opens", "keys", "empty"),
    [
        ("t", "l enter s U v y", (page(),)),
        ("t l", "y Y", ("",)),
        ("U", "enter w l", ()),
        ("c", "< o", ()),
    ],
)
async def test_a_key_that_needs_what_is_being_read_says_so_and_not_that_there_is_none(
    opens: str, keys: str, empty: tuple[object, ...]
) -> None:
    async with running(mixed(), (80, 24)) as rig:
        rig.app.main.select(key(FAILED))
        for name in opens.split():
            await answer_all(rig)
            await rig.press(name)
        for name in keys.split():
            await rig.press(name)
            said = "It is still being read." if opens == "c" else "Once it is read: "
            assert said in rig.text, name
        for answer in empty:
            rig.control.answer(answer)
            await rig.settle()
            await rig.press(name)
            assert "still being read" not in rig.text
            assert "Once it is read" not in rig.text
