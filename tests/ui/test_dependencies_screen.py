"""What a run waits for and holds up, over the whole screen: keys in, requests and text out."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from fakes import BINDING, START, key, ms
from rig import Rig, check_golden, running
from scenes import FAILED, TRADE, ago, mixed, row
from task_scenes import TASKS, page, task
from values import replace

from wfinspect.errors import NotFound, Throttled
from wfinspect.lateness import Deadline
from wfinspect.model import Dependency, Direction, Page, TaskInstance
from wfinspect.ui.screens.tasks import DependenciesScreen, TaskScreen, TasksScreen
from wfinspect.watching.api import Contact, DependenciesOf, Outlook, Snapshot, TasksOf
from wfinspect.watching.dependencies import CALLS

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
NOT_BEGUN = 10433010001


def of(number: int, status: str, workflow: int, name: str, **fields: object) -> TaskInstance:
    """A task of another workflow instance."""
    whose = {
        "workflow_instance_id": 10430000000 + workflow,
        "workflow_name": name,
        "workflow_id": workflow,
        "project_id": 90211,
        "owner": "1823556600124410",
    }
    return task(number, f"task_{number}", status, **(whose | fields))


CULPRIT = of(31, "Failure", 7, "ads_店铺_daily", finished=90)
RUNNING = of(32, "Running", TRADE - 10430000000, "dwd_trade_order_di", started=12)
BETWEEN = of(21, "NotRun", 7, "ads_店铺_daily")
BEFORE = of(41, "WaitTime", 8, "dim_sku_df", waiting_trigger_time=ms(ago(minutes=9)))
NEIGHBOURS = {
    1: ((BETWEEN, "Normal"), (BEFORE, "CrossCycle")),
    21: ((CULPRIT, "Normal"), (RUNNING, "Normal")),
    2: (),
}


def neighbours(number: int) -> Page[Dependency]:
    found = tuple(Dependency(*each) for each in NEIGHBOURS[number])
    return Page(found, 1, len(found), is_last=True)


def scene() -> Snapshot:
    waiting = row(NOT_BEGUN, "NotRun", name="dwd_coupon_use_di", owner="1823")
    snapshot = mixed()
    return snapshot._replace(rows=(*snapshot.rows, waiting))


@pytest.fixture(autouse=True)
def _two_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user decides after two calls: the scene is small."""
    monkeypatch.setattr("wfinspect.ui.screens.tasks.CALLS", 2)


async def answered(rig: Rig, value: object) -> object:
    request = rig.control.answer(value)
    await rig.settle()
    return request


@asynccontextmanager
async def on_dependencies(
    size: tuple[int, int] = (80, 24), snapshot: Snapshot | None = None
) -> AsyncIterator[Rig]:
    """The app with what the tasks of an instance wait for, after the first two calls."""
    async with running(snapshot or scene(), size) as rig:
        rig.app.main.select(key(NOT_BEGUN))
        await rig.press("U")
        mine = (task(n, f"own_{n}", "NotRun") for n in (1, 2))
        assert await answered(rig, page(*mine)) == TasksOf(key(NOT_BEGUN))
        assert await answered(rig, neighbours(1)) == DependenciesOf(BINDING, 1, UP)
        assert not rig.control.questions
        yield rig


@pytest.mark.parametrize("width", [40, 45, 60])
async def test_of_what_a_line_has_no_room_for_the_parts_are_whole(width: int) -> None:
    async with on_dependencies((width, 24)) as rig:
        last = rig.text.splitlines()[-2]
        assert last.startswith(" 41, ")
        assert "..." not in last


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)])
async def test_what_it_waits_for(size: tuple[int, int]) -> None:
    async with on_dependencies(size) as rig:
        await rig.press("F")
        assert await answered(rig, neighbours(21)) == DependenciesOf(BINDING, 21, UP)
        assert not rig.control.questions
        check_golden(f"waits-for-{size[0]}x{size[1]}", rig.text)


async def test_more_calls_are_made_only_at_a_key_and_their_number_is_said_before() -> None:
    async with on_dependencies() as rig:
        assert (
            "It waits for at least 1 task waiting for a time, with 1 in between not begun."
            in " ".join(rig.text.split())
        )
        further = "not looked at: F looks further, up to 100 calls, 2 a second."
        assert f" 2 tasks were {further}" in rig.text
        keys = rig.text.splitlines()[-1]
        assert (
            keys == " Esc back  Enter task  F more  d holds up  w watch  o instance  l log  ? keys"
        )
        await rig.press("F")
        await answered(rig, neighbours(21))
        # What blocks is explained: the other tasks of the instance only at one more key.
        assert f" Its blockers were found, so 1 task was {further}" in " ".join(rig.text.split())
        assert not rig.control.questions
        await rig.press("F")
        assert await answered(rig, neighbours(2)) == DependenciesOf(BINDING, 2, UP)
        assert "m look" not in rig.text


async def test_as_many_calls_are_made_as_by_the_command_and_fewer_where_what_blocks_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wfinspect.ui.screens.tasks.CALLS", CALLS)
    mine = [task(n, f"own_{n}", "NotRun") for n in (1, *range(100, 109))]
    async with running(scene()) as rig:
        rig.app.main.select(key(NOT_BEGUN))
        await rig.press("U")
        await answered(rig, page(*mine))
        await answered(rig, neighbours(1))
        await answered(rig, neighbours(21))
        assert not rig.control.questions
        assert "Its blockers were found, so 9 tasks were not" in rig.text
        # Those of the instance itself are looked at where the calls suffice for all.
        await rig.press("escape", "U")
        await answered(rig, page(*mine[:8]))
        for found in (neighbours(1), neighbours(21), *[Page((), 1, 0, is_last=True)] * 7):
            await answered(rig, found)
        assert not rig.control.questions
        assert "looks further" not in rig.text
        await rig.press("escape", "U")
        await answered(rig, page(*mine))
        for number in range(51, 60):
            next_one = Dependency(of(number, "NotRun", 7, "ads_店铺_daily"), "Normal")
            await answered(rig, Page((next_one,), 1, 1, is_last=True))
        assert not rig.control.questions
        assert f"{CALLS} calls, starting from" in rig.text
        assert "F looks further" in rig.text


async def test_the_same_key_goes_on_through_all_that_is_found_or_stops_that() -> None:
    async with on_dependencies() as rig:
        await rig.press("d")
        await answered(rig, page(task(1, "own_1", "NotRun")))
        first = Page((Dependency(BETWEEN, "Normal"),), 1, 1, is_last=True)
        await answered(rig, first)
        await rig.press("F")
        for number in range(51, 60):
            next_one = Dependency(of(number, "NotRun", 7, "ads_店铺_daily"), "Normal")
            await answered(rig, Page((next_one,), 1, 1, is_last=True))
            assert "Reading from the service, 1 task left: F stops." in rig.text
            assert "F stop " in rig.text.splitlines()[-1]
        await rig.press("F")
        last = Dependency(of(60, "NotRun", 7, "ads_店铺_daily"), "Normal")
        await answered(rig, Page((last,), 1, 1, is_last=True))
        assert not rig.control.questions
        assert " 1 task was not looked at: F looks further" in rig.text
        assert "12 calls, starting from" in rig.text
        await rig.press("F")
        await answered(rig, Page((), 1, 0, is_last=True))
        assert not rig.control.questions
        assert "F stop" not in rig.text
        assert "looks further" not in rig.text


async def test_the_gravest_is_under_the_cursor_until_another_is_chosen() -> None:
    async with on_dependencies() as rig:
        await rig.press("F")
        await answered(rig, neighbours(21))
        assert "31, through ads_店铺_daily: task_21, owner 1823" in rig.text
        await rig.press("G", "F")
        await answered(rig, neighbours(2))
        assert " 21, owner 1823556600124410, workspace 90211" in rig.text


async def test_enter_opens_a_task_and_o_and_w_its_instance_and_l_shows_its_log() -> None:
    async with on_dependencies() as rig:
        await rig.press("w")
        assert rig.asked[-1] == ("watch", 10430000008)
        assert "Added 10430000008 to the list" in rig.text
        assert "w watch" not in rig.text
        await rig.press("w")
        assert rig.asked[-1] == ("watch", 10430000008)
        assert "On the list already: 10430000008" in rig.text
        await rig.press("u")
        assert rig.asked[-1] == ("undo",)
        await rig.press("l")
        assert "log of 41" in rig.text
        # As in the tasks of one instance, a task is what Enter opens, and its log what l then shows.
        await rig.press("escape", "enter")
        assert isinstance(rig.app.screen, TaskScreen)
        assert "task_41  41" in rig.text.splitlines()[0]
        await rig.press("l")
        assert "log of 41" in rig.text
        await rig.press("escape", "escape", "o")
        assert rig.app.screen is rig.app.main
        assert rig.app.main.list.chosen.key == key(10430000008)


async def test_from_what_was_opened_esc_leads_back_step_by_step_through_all_views() -> None:
    async with running(scene(), (110, 30)) as rig:
        main = rig.app.main
        main.select(key(NOT_BEGUN))
        await rig.press("t")
        await answered(rig, page(*TASKS))
        tasks = rig.app.screen.list
        tasks.go_to(next(n for n, each in enumerate(tasks.items) if each.status == "NotRun"))
        await rig.press("U")
        await answered(rig, neighbours(21))
        await rig.press("j")
        under_cursor = rig.text.splitlines()[-2]
        await rig.press("o", "U")
        await rig.press("escape")
        assert rig.app.screen is main
        assert main.list.chosen.key == key(TRADE)
        assert "Esc back" in rig.text.splitlines()[-1]
        await rig.press("escape")
        assert isinstance(rig.app.screen, DependenciesScreen)
        assert rig.text.splitlines()[-2] == under_cursor
        await rig.press("escape")
        assert isinstance(rig.app.screen, TasksScreen)
        await rig.press("escape")
        assert rig.app.screen is main
        assert main.list.chosen.key == key(NOT_BEGUN)


async def test_views_that_esc_no_longer_leads_back_to_are_gone() -> None:
    async with on_dependencies((110, 30)) as rig:
        view = rig.app.screen
        await rig.press("o", "j")
        assert not view.is_running
        assert not rig.app.is_screen_installed(view)
        await rig.press("escape")
        assert rig.app.screen is rig.app.main


async def test_without_its_instance_a_task_can_not_be_opened() -> None:
    async with on_dependencies() as rig:
        await rig.press("F")
        lone = Dependency(replace(CULPRIT, workflow_instance_id=None), "Normal")
        await answered(rig, Page((lone,), 1, 1, is_last=True))
        for name in ("enter", "o"):
            await rig.press(name)
            assert "does not say which instance" in rig.text
            assert isinstance(rig.app.screen, DependenciesScreen)


async def test_another_key_turns_to_what_it_holds_up() -> None:
    async with on_dependencies() as rig:
        await rig.press("d")
        assert "what it holds up" in rig.text.splitlines()[0]
        assert await answered(rig, page(task(1, "own_1", "NotRun"))) == TasksOf(key(NOT_BEGUN))
        await answered(rig, Page((Dependency(BETWEEN, "Normal"),), 1, 1, is_last=True))
        assert "It holds up at least 1 task of 1 workflow, ads_店铺_daily, in" in rig.text
        assert "starting from its 1 tasks" in rig.text


async def test_of_a_failed_run_it_first_shows_what_that_holds_up() -> None:
    async with running(mixed()) as rig:
        rig.app.main.select(key(FAILED))
        await rig.press("U")
        assert "what it holds up" in rig.text.splitlines()[0]


async def test_a_late_run_is_said_to_be_late() -> None:
    snapshot = scene()
    rows = [
        each._replace(outlook=Outlook(is_late=True)) if each.key.id == TRADE else each
        for each in snapshot.rows
    ]
    async with on_dependencies(snapshot=snapshot._replace(rows=tuple(rows))) as rig:
        await rig.press("F")
        await answered(rig, neighbours(21))
        assert "It waits for at least 1 failed task, 1 late running task, 1" in rig.text


async def test_when_it_is_due_is_said_of_a_run_and_of_a_task_that_waits_for_its_time() -> None:
    snapshot = scene()
    due = START.replace(hour=20, minute=0)
    outlook = Outlook(deadline=Deadline(due, due + timedelta(hours=2, minutes=12)))
    rows = [
        each._replace(outlook=outlook) if each.key == key(NOT_BEGUN) else each
        for each in snapshot.rows
    ]
    async with running(snapshot._replace(rows=tuple(rows)), (110, 30)) as rig:
        rig.app.main.select(key(NOT_BEGUN))
        await rig.press("U")
        assert "It is at risk: expected 22:12, due 20:00 UTC." in rig.text
        rig.control.questions.clear()
        await rig.press("escape", "t")
        due = {"trigger_time": ms(ago(minutes=-60)), "waiting_trigger_time": ms(ago(minutes=9))}
        await answered(rig, page(task(1, "own", "WaitTime", **due)))
        await rig.press("U")
        assert "It has been waiting for its own time since 14:21, due 15:30 " in rig.text


async def test_an_error_is_said_in_place_and_r_goes_on_from_there() -> None:
    async with on_dependencies() as rig:
        await rig.press("F")
        await answered(rig, Throttled("Too many calls."))
        assert "throttled, r reads again" in rig.text
        assert "It waits for at least 1 task waiting for a time" in rig.text
        await rig.press("r")
        assert await answered(rig, NotFound("past")) == DependenciesOf(BINDING, 21, UP)
        assert "no longer knows the dependencies of 1 task." in rig.text


async def test_without_contact_what_goes_on_is_a_question() -> None:
    async with on_dependencies() as rig:
        await rig.press("F")
        await answered(rig, neighbours(21))
        assert "Running  " in rig.text
        lost = replace(scene().health, contact=Contact.NOT_LIVE)
        await rig.publish(scene()._replace(health=lost))
        assert "Running?  " in rig.text
        assert "Failure?" not in rig.text
        assert re.search("It waits for [^.?]* 1 running task[^.?]*[?]", rig.text)


async def test_names_from_outside_are_text() -> None:
    async with on_dependencies((160, 30)) as rig:
        await rig.press("F")
        nasty = "[@click=a.b] \x1b[2J [$x]"
        each = Dependency(replace(CULPRIT, task_name=nasty, workflow_name=nasty), "Normal")
        await answered(rig, Page((each,), 1, 1, is_last=True))
        assert rig.text.count("[@click=a.b] \u241b[2J [$x]") == 2


async def test_an_answer_to_what_was_left_changes_nothing() -> None:
    async with on_dependencies() as rig:
        await rig.press("F", "d")
        await answered(rig, neighbours(21))
        assert "What waits for it is not known yet." in rig.text
        assert "Failure" not in rig.text


async def test_from_the_tasks_it_is_about_the_task_under_the_cursor() -> None:
    async with running(scene()) as rig:
        rig.app.main.select(key(NOT_BEGUN))
        await rig.press("t")
        await answered(rig, page(*TASKS))
        assert isinstance(rig.app.screen, TasksScreen)
        await rig.press("/", *"status=notrun", "enter", "U")
        assert await answered(rig, neighbours(21)) == DependenciesOf(BINDING, 5004, UP)
        assert "publish_to_hologres" in rig.text.splitlines()[0]
        await rig.press("o")
        assert rig.app.screen is rig.app.main
        assert rig.app.main.list.chosen.key == key(10430000007)
