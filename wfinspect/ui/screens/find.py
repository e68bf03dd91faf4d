"""A search as one types it, ``workspace=88123 date=2026-09-17 name=ads``, as a query. Pure."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import ClassVar

from textual import events, on
from textual.widget import Widget
from textual.widgets import Input

from wfinspect.errors import UsageError
from wfinspect.format import moment, shown
from wfinspect.model import (
    InstanceId,
    InstanceKey,
    Page,
    Query,
    Status,
    Tag,
    Target,
    WorkflowInstance,
    biz_date_of,
)
from wfinspect.parsing import read_number
from wfinspect.regions import zone_of
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import BLANK, Ground, Line, Role, Span, line
from wfinspect.ui.rows import RowColumns, list_line, widest
from wfinspect.ui.screens.main import SPLIT_CELLS, MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Title
from wfinspect.ui.widgets.line_view import CursorList, StaticLines
from wfinspect.watching.api import Find, Row

FIELDS = (
    "workspace",
    "date",
    "name",
    "status",
    "type",
    "env",
    "owner",
    "tag",
    "workflow",
    "trigger",
)
"""What a word may begin with, followed by ``=``; a word without is a part of the name."""

_NUMBERS = ("workspace", "workflow", "trigger")


def read_query(text: str, zone: tzinfo) -> Query:
    """The query that a text means; business dates begin at midnight in `zone`.

    Raises:
        UsageError: a word can't be used, or workspace or date is missing.
    """
    given: dict[str, str] = {}
    tags: list[Tag] = []
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals:
            name, value = "name", word
        if name not in FIELDS:
            raise UsageError(f"There is no {shown(name, limit=30)!r}: use {', '.join(FIELDS)}.")
        if name == "tag" and value:
            key, _, rest = value.partition(":")
            tags.append(Tag(key, rest))
        elif value:
            given[name] = value
    numbers = {name: _number(name, given[name]) for name in _NUMBERS if name in given}
    if "workspace" not in numbers or "date" not in given:
        raise UsageError("The service searches one workspace and business date: give both.")
    return Query(
        numbers["workspace"],
        biz_date_of(_date(given["date"]), zone),
        name=given.get("name", ""),
        status=_status(given.get("status", "")),
        type=given.get("type", ""),
        owner=given.get("owner", ""),
        env_type=given.get("env", "").capitalize(),
        tags=tuple(tags),
        workflow_id=numbers.get("workflow"),
        unified_workflow_instance_id=numbers.get("trigger"),
    )


def suggestions(instance: WorkflowInstance | None, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """Searches to begin with: around an instance, its trigger, its workflow; else of yesterday."""
    at = moment(instance.biz_date) if instance and instance.biz_date else None
    day = (at or now - timedelta(days=1)).astimezone(zone).date()
    if instance is None or instance.project_id is None:
        return (f"date={day} workspace=",)
    return tuple(f"workspace={instance.project_id} date={day} {rest}" for rest in _more(instance))


def _more(instance: WorkflowInstance) -> Iterator[str]:
    yield ""
    if instance.unified_workflow_instance_id is not None:
        yield f"trigger={instance.unified_workflow_instance_id}"
    if instance.workflow_id is not None:
        yield f"workflow={instance.workflow_id}"


def _number(name: str, text: str) -> int:
    if (number := read_number(text)) is None:
        raise UsageError(f"{name}={shown(text, limit=30)} is no ID: use digits only.")
    return number


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{shown(text, limit=30)!r} is no date: write it as 2026-09-17.") from None


def _status(text: str) -> str:
    words = {str(status).lower(): str(status) for status in Status if status != Status.UNKNOWN}
    if text and text.lower() not in words:
        raise UsageError(
            f"There is no status {shown(text, limit=30)!r}: {', '.join(words.values())}."
        )
    return words.get(text.lower(), "")


class FoundList(CursorList):
    """What was found, with a mark before what is marked or watched."""

    def __init__(
        self, main: MainScreen, where: Target, nothing: Callable[[int], tuple[Line, ...]]
    ) -> None:
        super().__init__(nothing)
        self._main = main
        self._target = where
        self.rows: tuple[Row, ...] = ()
        self.marked: set[InstanceKey] = set()
        self._cells = (8, 8)
        self._now = main.clock.now()

    def offer(self, found: tuple[WorkflowInstance, ...]) -> None:
        """Show instances; those that were shown stay where they are."""
        self._now = self._main.clock.now()
        keys = [InstanceKey(self._target, one.id) for one in found]
        self.rows = tuple(
            Row(key, one, read_at=self._now, is_live=True)
            for key, one in zip(keys, found, strict=True)
        )
        self._cells = widest(self.rows)
        self.update_lines()

    @property
    def count(self) -> int:
        """How many were read so far."""
        return len(self.rows)

    @property
    def chosen(self) -> tuple[InstanceKey, ...]:
        """What is marked, else what is under the cursor."""
        marked = tuple(row.key for row in self.rows if row.key in self.marked)
        return marked or tuple(row.key for row in self.rows[self.cursor : self.cursor + 1])

    def item_line(self, index: int, ground: Ground) -> Line:
        """As in the watched list."""
        row, width = self.rows[index], self.text_width - 2
        known = self._main.control.snapshot.row(row.key)
        mark: Span = ("*" if row.key in self.marked else " ", Role.ACCENT)
        if mark[0] == " " and known is not None and known.is_watched:
            mark = ("w", Role.DIM)
        columns = RowColumns.of(width, *self._cells)
        told = list_line(row, self._main.look, self._now, columns)
        return line((" ", Role.DIM), mark, *told.spans, ground=ground)

    def mark(self) -> None:
        """Mark what is under the cursor, or don't; on to the next."""
        if self.rows:
            self.marked ^= {self.rows[self.cursor].key}
            self.go(self.cursor + 1)

    def mark_all(self) -> None:
        """Mark all that were read, or none."""
        every = {row.key for row in self.rows}
        self.marked = set() if every <= self.marked else every
        self.update_lines()
        self.tell_moved()


_AHEAD = 20
"""Lines before the last one at which the next page is asked for."""


class FindScreen(OverlayScreen):
    """The search in one line; answers with an instance to open, None for none."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar = [
        ("enter", "take", "watch what is marked, else open"),
        ("w", "watch", "watch"),
        ("space", "mark", "mark"),
        ("a", "mark_all", "mark all"),
        ("slash", "search", "search"),
    ]
    HINTS = (
        ("Enter", "open, watch marked"),
        ("w", "watch"),
        ("space", "mark"),
        ("a", "all"),
        ("/", "search"),
    )
    TYPING = (("Enter", "search"), ("Up Down", "suggestions"), ("Tab", "list"))

    def __init__(self, main: MainScreen, where: Target, around: WorkflowInstance | None) -> None:
        """Create the screen; it searches one account and region, and begins around an instance."""
        super().__init__(main)
        self._target = where
        self._zone = zone_of(where.region)
        self._offered = suggestions(around, main.clock.now(), self._zone)
        self._offer = 0
        self._query: Query | None = None
        self._problem = ""
        self._found: dict[InstanceId, WorkflowInstance] = {}
        self._page: Page[WorkflowInstance] | None = None
        self._is_waiting = False
        self.input = Input(self._offered[0], compact=True, select_on_focus=False)
        self.input.cursor_blink = False
        self.remark = StaticLines(classes="head")
        self.list = FoundList(main, where, self._nothing)
        self.list.tell_moved = self._moved

    def body(self) -> Iterator[Widget]:
        yield self.input
        yield self.remark
        yield self.list

    def title_now(self) -> Title:
        return Title((), "Find instances", "", f"{self._target.profile}, {self._target.region}")

    def about_spans(self, width: int) -> tuple[Span, ...]:
        if self._page is None:
            return ()
        total = f" of {self._page.total:,}" if self._page.total is not None else ""
        more = ", more as you scroll" if not self._page.is_last else ""
        marked = f"  {len(self.list.marked)} marked" if self.list.marked else ""
        said = f" {len(self._found):,}{total} found{more}"
        if width < SPLIT_CELLS and self.list.rows:
            # Their lines have no room for it.
            said = f" {self.list.rows[self.list.cursor].key.id} {said}"
        return (said, Role.DIM), (marked, Role.ACCENT)

    def snapshot_changed(self) -> None:
        """What was found may be watched by now."""
        super().snapshot_changed()
        self.list.update_lines()

    def fill(self) -> None:
        said = sentence(self._problem, self.size.width, Role.TROUBLE) if self._problem else ()
        self.remark.show(said)
        self.list.offer(tuple(self._found.values()))

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._query is None:
            said = f"Enter searches. Words: {', '.join(f'{name}=' for name in FIELDS)}"
            more = "; what has no = is a part of the name. Up and Down offer searches."
            return (BLANK, *sentence(said + more, width))
        if self._page is None:
            return self.waiting_lines(width)
        return (BLANK, line((" No instance matches.", Role.DIM)))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self._query, self._problem = read_query(event.value, self._zone), ""
        except UsageError as error:
            self._problem = str(error)
        else:
            self._found, self._page = {}, None
            self.list.marked, self.list.cursor = set(), 0
            self._ask(1)
            self.set_focus(self.list)
        self.refresh_lines()

    def _ask(self, number: int) -> None:
        query = self._query
        if query is None:
            return
        self._is_waiting = True

        def take(page: Page[WorkflowInstance]) -> None:
            if query == self._query:
                self._is_waiting = False
                # New instances push others onto the next page, where they come again.
                self._found |= {one.id: one for one in page.items}
                self._page = page

        self.request(Find(self._target, query, number), take)

    def _moved(self) -> None:
        self.about.update_lines()
        has_more = self._page is not None and not self._page.is_last
        if has_more and not self._is_waiting and self.list.cursor >= self.list.count - _AHEAD:
            self._ask((self._page.number if self._page else 0) + 1)

    def action_read(self) -> None:
        """Go on where an answer failed, else search anew."""
        if self.trouble is not None and self._page is not None:
            self._ask(self._page.number + 1)
        else:
            self._ask(1)

    def action_back(self) -> None:
        """Without marks, then out of the view."""
        if self.list.marked:
            self.list.marked = set()
            self.refresh_lines()
            self.list.update_lines()
        else:
            self.dismiss()

    def on_key(self, event: events.Key) -> None:
        """Up and down in the search offer others; below the last one the list takes the keys."""
        if not self.input.has_focus or event.key not in {"up", "down", "tab"}:
            return
        event.stop()
        event.prevent_default()
        if event.key == "tab" or (event.key == "down" and self.list.count):
            self.set_focus(self.list)
            return
        step = 1 if event.key == "up" else -1
        self._offer = (self._offer + step) % len(self._offered)
        self.input.value = self._offered[self._offer]
        self.input.cursor_position = len(self.input.value)

    def action_search(self) -> None:
        """Change the search."""
        self.set_focus(self.input)

    def action_mark(self) -> None:
        """Mark or not."""
        self.list.mark()

    def action_mark_all(self) -> None:
        """Mark all or none."""
        self.list.mark_all()

    def action_watch(self) -> None:
        """Watch what is marked, else what is under the cursor."""
        keys = self.list.chosen
        if keys:
            self.control.watch(keys)
            what = str(keys[0].id) if len(keys) == 1 else f"{len(keys)} instances"
            self.notify(f"{what} on the watched list")
            self.list.marked = set()
            self.refresh_lines()

    def action_take(self) -> None:
        """Watch what is marked; without marks, open what is under the cursor."""
        keys = self.list.chosen
        if self.list.marked:
            self.action_watch()
            self.dismiss()
        elif keys:
            self.dismiss(keys[0])
