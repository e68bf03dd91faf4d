"""The app with a view over the list: what was found, and tasks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fakes import BINDING, instance, key, ms
from rig import Rig, running
from scenes import FAILED, TRADE, mixed
from task_scenes import TASKS, page

from wfinspect.model import Page, Query, WorkflowInstance
from wfinspect.watching.api import Find, TasksOf

MIDNIGHT = ms(datetime(2026, 9, 16, 16, tzinfo=UTC))


FOUND = (
    instance(TRADE, "Running", name="dwd_trade_order_di"),
    instance(10433009001, "Failure", name="ads_gmv_店铺_hh"),
    instance(10433009002, "Success", name="ods_user_login_di"),
)


def found(*items: WorkflowInstance, total: int | None = None) -> Page[WorkflowInstance]:
    """A first page."""
    count = len(items) if total is None else total
    return Page(items, 1, count, is_last=count <= len(items))


@asynccontextmanager
async def on_results(size: tuple[int, int] = (80, 24)) -> AsyncIterator[Rig]:
    async with running(mixed(), size) as rig:
        await rig.press("g", "f", "enter")
        assert rig.control.answer(found(*FOUND)) == Find(BINDING, Query(88123, MIDNIGHT))
        await rig.settle()
        yield rig


@asynccontextmanager
async def on_tasks(
    size: tuple[int, int] = (80, 24), number: int = FAILED, **options: object
) -> AsyncIterator[Rig]:
    """The app with the tasks of an instance on view."""
    async with running(mixed(), size, **options) as rig:  # type: ignore[arg-type]
        rig.app.main.look_up(key(number))
        await rig.press("t")
        assert rig.control.answer(page(*TASKS)) == TasksOf(key(number))
        await rig.settle()
        yield rig
