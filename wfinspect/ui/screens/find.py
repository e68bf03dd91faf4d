"""The find screen: a search of one workspace and business date, typed in a line, and what it found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import ClassVar

from textual import events, on
from textual.await_complete import AwaitComplete
from textual.widgets import Input

from wfinspect.errors import UsageError
from wfinspect.format import biz_day, duration, near_time, shown
from wfinspect.model import (
    Follow,
    InstanceId,
    InstanceKey,
    Page,
    Query,
    Status,
    Target,
    WorkflowInstance,
    zone_of,
)
from wfinspect.search import (
    HELP,
    Term,
    matcher,
    none_found,
    parse_search,
    suggestions,
    to_follow,
    to_query,
)
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import (
    BLANK,
    Column,
    Ground,
    Line,
    Part,
    Role,
    Span,
    in_columns,
    line,
    shed,
    titles,
)
from wfinspect.ui.rows import (
    FOLLOWED,
    ID_FROM_CELLS,
    LEAD_CELLS,
    MARKED,
    SORTS,
    RowTable,
    follow_words,
    list_heading,
    list_line,
    row_columns,
    sort_words,
)
from wfinspect.ui.screens.dialogs import NOTHING_FOUND, Choice, ChoiceScreen
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Steps, Title, bind
from wfinspect.ui.widgets.boxes import SearchInput
from wfinspect.ui.widgets.line_view import CursorList, LineView
from wfinspect.watching.api import Find, Row, follow_of
from wfinspect.watching.lookups import query_of_workflow

_WATCHED = "w"
"""As the key that watches."""
_AHEAD = 20
"""Lines before the last one at which the next page is requested."""
_SORTS = tuple(sort for sort in SORTS if sort != "last change")
"""What is found was not watched: no change of it has been seen."""
_WIDER = (
    Column("TOOK", 7, is_right=True),
    Column("STARTED", 11),
    Column("TYPE", 15),
    Column("OWNER", 18),
    Column("TAGS", 20),
)
"""Columns behind those of the watched list, as many as there is room for."""


@lru_cache(4)  # every line is drawn with them
def found_columns(
    width: int, id_cells: int, name_cells: int, _: int, sort: str = SORTS[0]
) -> tuple[Sequence[Column], Sequence[Column]]:
    """Return the columns of the watched list, but for its last, and those behind them.

    What the order is about stands in place of the time where no column of its own has room.
    """
    *base, time, last = row_columns(width, id_cells, name_cells, sort=sort)
    room = width - LEAD_CELLS - sum(each.cells + each.gap for each in base if each.cells)
    room -= time.cells + 2
    wider = [each for each in _WIDER if (room := room - each.cells - each.gap) >= -each.gap]
    title = "TIME" if any(each.title.startswith(time.title) for each in wider) else time.title
    base += [time._replace(title=title, gap=2 if wider else 0), last._replace(cells=0)]
    if wider:
        rest = max(0, room) if len(wider) == len(_WIDER) else 0
        wider[-1] = wider[-1]._replace(cells=wider[-1].cells + rest, gap=0)
    return base, wider


def _choice(action: str, words: str, what: str) -> Choice:
    return Choice(action, ((f" {words}: {what}", Role.TEXT),), (), f"{words}: {what}")


def _terms(search: str) -> list[Term]:
    """Return the conditions of a search that are not reversed; none where it can't be read."""
    with suppress(UsageError):
        return [term for term in parse_search(search) if not term.is_negated]
    return []


class FindScreen(OverlayScreen):
    """The search in one line, and what it found."""

    NAME = "results"
    HOLDS_KEYS = True
    BINDINGS: ClassVar = [
        bind("enter", "take", "open", "Enter"),
        bind("slash,f", "search", "search", "/"),
        bind("l", "app.task_log", "log"),
        bind("w", "watch", "watch"),
        bind("W", "follow", "follow"),
        bind("t", "app.tasks", "tasks"),
        bind("space", "mark", "mark", "Space"),
        bind("a", "mark_all", "mark all"),
        bind("s", "sort", "sort"),
        bind("c", "app.compare", "compare"),
        bind("v", "app.raw", "JSON"),
        bind("i", "app.note", "note"),
        bind("y", "app.copy_id", "copy ID"),
        bind("u", "undo", "undo"),
        bind("U", "app.upstream", "waits for, holds up"),
    ]
    TYPING = (("Enter", "search"), ("Tab", "complete, list"), ("Up Down", "suggestions"))

    def __init__(
        self,
        main: MainScreen,
        where: Target,
        around: WorkflowInstance | None,
        last: dict[Target, tuple[str, str]],
    ) -> None:
        """Create the screen; it searches one account and region, first as was searched there `last`.

        Behind that `last` has what was typed there since, and left.

        Without a last search it begins around an instance.
        """
        super().__init__(main)
        self._target = where
        self._zone = zone_of(where.region)
        self._offered = suggestions(around, main.clock.now(), self._zone)
        self._last = last
        self._put_first(last.get(where, ("", ""))[0])
        self._searched = ""
        self._query: Query | None = None
        self._left: tuple[Term, ...] = ()
        """What the service can't search for."""
        self._problem = self._refused = ""
        """What is wrong with the text in the box, and the text that Enter did not search for."""
        self._found: dict[InstanceId, Row] = {}
        self._page: Page[WorkflowInstance] | None = None
        self._asked = 1
        """The number of the page that was requested last."""
        self._is_waiting = False
        self._goes_to_list = False
        """The list has the keys for what is on its way; where nothing comes, the box gets them back."""
        self._marked: set[InstanceKey] = set()
        main.added = None
        self._sort = SORTS[0]
        self._table = RowTable()
        self._now = self.clock.now()
        self.input = SearchInput(value=self._offered[0])
        self.input.entered = self._entered
        self.input.takes, self.input.known = self._leads_elsewhere, self._known
        self.head = LineView(classes="head")
        self.list = CursorList(self._found_line, lambda row: row.key, self._nothing)
        self.parts = self.input, self.head, self.list

    def _put_first(self, search: str) -> None:
        """Have a search be the first that is offered."""
        self._offered = tuple(dict.fromkeys(filter(None, (search, *self._offered))))
        self._offer = 0

    def on_mount(self) -> None:
        super().on_mount()
        self.input.take_keys()

    def title_now(self) -> Title:
        rest = f"{self._target.profile}, {self._target.region}"
        as_of = self.as_of if self._page is not None else ""
        if place := self._place_for(self.input.value):
            # When it was read goes before where: there may be no room for all.
            return Title((), "Find", f"with {place}", f"{as_of}  {rest}".lstrip())
        return Title((), "Find instances", "", f"{rest}  {as_of}".rstrip())

    def about_spans(self, width: int) -> Sequence[Span]:
        if self.input.has_keys:
            return ((f" {self.input.help}", Role.DIM),)
        if self._page is None or self._query is None:
            return ()
        total = f" of {self._page.total:,}" if self._page.total is not None else ""
        more = ", more as you scroll" if not self._page.is_last else ""
        marked = f" {len(self._marked)} marked " if self._marked else ""
        by, direction = sort_words(self._sort)
        words = direction if self._sort == SORTS[0] else f"{by}, {direction}"
        order = f", {words}" if len(self._table) else ""
        day = f", business date {biz_day(self._query.biz_date, self._zone)}"
        said = f" {len(self._table):,}{total} found{more}"
        if self.list.text_width < ID_FROM_CELLS and self.list.chosen:
            said = f" {self.list.chosen.key.id} {said}"
        parts = (
            Part(((marked, Role.ACCENT), (said, Role.DIM)), 0),
            Part(((day, Role.DIM),), 1),
            Part(((order, Role.DIM),), 2),
        )
        return shed(parts, width, gap="")

    @property
    def words(self) -> Mapping[str, str]:
        acted, count = self._acted_on, f" {len(self._marked)}" if self._marked else ""
        is_watched = bool(acted) and all(row.is_watched for row in acted)
        take = "go to the first" if is_watched else f"watch{count}"
        enter = {"Enter": take} if self._marked else {}
        back = "cancel" if self.input.has_keys else "unmark" if self._marked else "back"
        follow = {} if any(self._to_follow) else {"W": ""}
        if not len(self._table):
            useless = ["Enter", "l", "w", "t", "Space", "a", "s", "c", "v", "i", "y"]
            useless += [] if self._query else ["r"]
            reading = {"Esc": "change search"} if self.is_reading else {}
            return reading | dict.fromkeys(useless, "") | follow
        watch = f"{'unwatch' if is_watched else 'watch'}{count}"
        return {"w": watch, "y": f"copy{count or ' ID'}", "Esc": back, **enter, **follow}

    @property
    def _hints(self) -> list[tuple[str, str]]:
        # What acts on all that is marked goes first.
        is_other = {"Enter": False, "w": False, "y": False} if self._marked else {}
        return sorted(super()._hints, key=lambda hint: is_other.get(hint[0], True))

    @property
    def _wanted(self) -> Query | str:
        """What a follow of the search would look for, or why it can't be followed."""
        try:
            return to_follow(self._query, self._left) if self._query else NOTHING_FOUND
        except UsageError as error:
            return str(error)

    @property
    def _follow(self) -> Follow | None:
        """What follows the search already."""
        wanted, follows = (self._target, self._wanted), self.control.snapshot.follows
        return next((each for each in follows if (each.target, each.query) == wanted), None)

    def _as_listed(self, row: Row) -> Row:
        """Return a row that was found as it is on the list, where it is."""
        return self.main.rows.get(row.key) or row

    @property
    def _to_follow(self) -> Iterator[Choice]:
        """What W offers: the search, and what the row under the cursor is a run of."""
        if isinstance(self._wanted, Query):
            follow, words = self._follow, "follow search"
            action = "follow_search" if follow is None else f"app.unfollow({follow.number})"
            yield _choice(action, f"{'un' * (follow is not None)}{words}", self._typed_search)
        row = self.needed()
        if row and row.instance and query_of_workflow(row.instance):
            words = follow_words(row, self.control.snapshot.follows)
            yield _choice("app.follow", words, shown(row.instance.name, limit=60))
            if isinstance(self._wanted, str):
                yield _choice("search", "change search", self._typed_search)

    @property
    def _typed_search(self) -> str:
        """The search as it was typed, but for the date."""
        typed = [w for w in self._offered[0].split() if "date=" not in w.casefold()]
        return shown(" ".join(typed), limit=100)

    @property
    def signs(self) -> Sequence[tuple[str, str]]:
        return ((_WATCHED, "watched"), (MARKED[0], "marked"))

    @property
    def is_reading(self) -> bool:
        return self._goes_to_list and self._is_waiting and self.trouble is None

    @property
    def again(self) -> tuple[str, str]:
        return ("Enter", "searches again") if self.input.has_keys else super().again

    def snapshot_changed(self) -> None:
        """What was found may be watched by now."""
        super().snapshot_changed()
        self.list.update_lines()
        self.bottom.update_lines()

    def tick(self) -> None:
        """Move the ages on: what was found is not read again by itself."""
        self.fill()

    # What is shown.

    def fill(self) -> None:
        self._now = self.clock.now()
        has = matcher(self._left, self._now)
        rows = (
            r
            for r in self._found.values()
            if r.instance and has(r.key, r.instance, r.instance.status)
        )
        self._table = RowTable(rows)
        self._table.arrange(self._sort, now=self._now)
        self._marked &= {row.key for row in self._table}
        self.list.offer(self._table)
        if self._goes_to_list and not self.is_reading:
            self._goes_to_list = False
            if not len(self._table):
                self.set_focus(self.input)
                if self.is_active and self.trouble is None:
                    self.app.release_keys("nothing was found")
        self._fill_head()

    def _fill_head(self) -> None:
        """Show below the search what is wrong with it, and the titles over what was found."""
        width = self.size.width
        lines = sentence(self._problem, width, Role.TROUBLE) if self._problem else []
        if len(self._table):
            base, wider = self._columns
            (blank, role), *spans = list_heading(base, width).spans
            sign = (f" {_WATCHED}{blank[2:]}", role)
            ground = Ground.NONE if self.input.has_keys else Ground.KEYS
            lines.append(line(sign, *spans, *titles(wider)).on(ground))
        self.head.show(lines or [BLANK])

    @property
    def _columns(self) -> tuple[Sequence[Column], Sequence[Column]]:
        return found_columns(self.list.text_width, *self._table.widest, self._sort)

    def _found_line(self, row: Row) -> Line:
        """As in the watched list, with a sign for what is watched where no follow brought it."""
        mark: Span = MARKED if row.key in self._marked else (" ", Role.DIM)
        known = self._as_listed(row)
        is_followed = follow_of(known, self.control.snapshot.follows) is not None
        sign = (FOLLOWED if is_followed else _WATCHED) if known.is_watched else " "
        watched: Span = (sign, Role.DIM)
        base, wider = self._columns
        sort = SORTS[0] if base[-2].title == "TIME" else self._sort
        first, _, *spans = list_line(row, mark, self.look, self._now, base, sort).spans
        return line(first, watched, *spans, *in_columns(self._wider_values(row.instance), wider))

    def _wider_values(self, found: WorkflowInstance | None) -> Iterator[Span]:
        if found is None:
            return
        seconds, zone = found.run_seconds(self._now), self.look.zone
        at = near_time(found.started_time, self._now, zone, "%H:%M", "%m-%d %H:%M")
        # Of a run that goes on, TIME says it.
        yield duration(seconds) if seconds is not None and found.is_settled else "", Role.DIM
        yield at, Role.DIM
        yield shown(found.type, limit=40), Role.DIM
        yield shown(found.owner, limit=40), Role.DIM
        yield shown(" ".join(tag.words for tag in found.tags), limit=200), Role.DIM

    def _nothing(self, width: int) -> tuple[Line, ...]:
        if self._query is None:
            place = self._place_for(self.input.value)
            how = f" with {place}" if place else ""
            said = f"Enter searches{how}, Up and Down offer searches. {HELP}"
            return (BLANK, *sentence(said, width))
        if self._page is None:
            return self.waiting_lines(width, "Searching: a call for each hundred instances...")
        if not self._page.is_last:
            said = f"None of the first {len(self._found):,} instances matches. Enter reads more."
            return (BLANK, *sentence(said, width))
        terms = parse_search(self._offered[0])
        said = none_found(terms, self._query, self.clock.now(), self._zone)
        return (BLANK, *sentence(f"No {said}", width))

    # What is read.

    def _place_for(self, search: str) -> str:
        """Return the workspace and date that a search lacks, as they were searched last or are offered."""
        with suppress(UsageError):
            named = {term.name for term in parse_search(search) if not term.is_negated}
            known = {t.name: str(t) for text in reversed(self._offered) for t in _terms(text)}
            return " ".join(known[n] for n in ("workspace", "date") if n in known.keys() - named)
        return ""

    def _known(self, name: str) -> Iterable[str]:
        """Return values of a field: of the last searches, of what is followed, of the list."""
        follows = (f for f in self.control.snapshot.follows if f.target == self._target)
        texts = (*self._offered, *(follow.query.words() for follow in follows))
        found = [term.value for text in texts for term in _terms(text) if term.name == name]
        return dict.fromkeys([*found, *self.main.known(name, self._target)])

    def _entered(self) -> None:
        typed = self.input.value
        search = " ".join(filter(None, (self._place_for(typed), typed)))
        try:
            wanted = to_query(parse_search(search), self.clock.now(), self._zone)
        except UsageError as error:
            # What was found stays: only what the service answers takes its place.
            self._problem, self._refused = str(error), typed
            if self._page is None and self.trouble is not None:
                self._query = self.trouble = None
            self.refresh_lines()
            return
        has_more = self._page is not None and not self._page.is_last
        is_same = wanted == (self._query, self._left)
        self._problem, self._goes_to_list, self.trouble = "", True, None
        # At once: what is typed behind it waits for what is found.
        self.set_focus(self.list)
        if is_same and has_more and not self.list.items:
            self._ask_next()
        else:
            self._query, self._left = wanted
            self._found, self._page, self._searched = {}, None, typed
            self._put_first(search)
            self._last[self._target] = search, ""
            self._marked, self.list.cursor = set(), 0
            self._ask(1)
        self.refresh_lines()

    def _ask(self, number: int) -> None:
        self.request_in_turn(self._read_page(number))

    def _read_page(self, number: int) -> Steps:
        if (query := self._query) is None:
            return
        self._asked, self._is_waiting = number, True
        page = yield Find(self._target, query, number)
        found = [*page.items]
        if number == 1 and not page.is_last and not query.status:
            # The service sorts by time: those that failed may be on any page.
            failed = yield Find(self._target, query._replace(status=Status.FAILURE))
            found += failed.items
        self._is_waiting = False
        if number == 1:
            self._found = {}
        # New instances push others onto the next page, where they come again.
        for one in found:
            key = InstanceKey(self._target, one.id)
            self._found[one.id] = Row(key, one, read_at=self.read_at, is_live=True)
        self._page = page

    @on(LineView.Moved)
    def _moved(self) -> None:
        if not self._is_waiting and self.list.cursor >= len(self.list.items) - _AHEAD:
            self._ask_next()

    def _ask_next(self) -> None:
        if self._page is not None and not self._page.is_last:
            self._ask(self._page.number + 1)

    def action_read(self) -> None:
        """Request once more what failed, else search again."""
        self._ask(self._asked if self.trouble is not None else 1)

    # What keys do.

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if self.is_reading or (self._refused and self.input.value == self._refused):
            return  # of what stood there before Enter
        self._problem = self._refused = ""
        try:
            parse_search(event.value)
        except UsageError as error:
            self._problem = str(error)
        self._fill_head()
        for each in (self.top, self.about, self.list):
            each.update_lines()

    @on(events.DescendantFocus)
    def _keys_taken(self) -> None:
        if self.input.has_keys:
            self._goes_to_list = False
        self._fill_head()

    def action_back(self) -> None:
        """Out of the search to what it found; there without marks, then out of the view."""
        if self.is_reading:
            self._goes_to_list = False
            self.set_focus(self.input)
            return
        if self.input.has_keys and self.input.value not in {"", *self._offered}:
            search, self._offer = self._last.get(self._target, ("", ""))[0], 0
            self._last[self._target] = search, self.input.value
        if self.input.has_keys and len(self._table):
            self.input.value = self._searched
            self.set_focus(self.list)
        elif self._marked:
            self._mark(set())
        else:
            self.dismiss()

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close, with the cursor of the list on what was watched last, as long as that is there."""
        self.main.list.select(self.main.added)
        return super().dismiss(result)

    def _leads_elsewhere(self, key: str) -> bool:
        """Offer other searches by up and down; give the keys to the list below the last one, or to what is found."""
        if key not in {"up", "down", "tab"}:
            return False
        if key != "up" and len(self._table):
            self.action_back()
        elif key != "tab":
            first, *others = self._offered
            _, left = self._last.get(self._target, ("", ""))
            offered = [*filter(None, (first, left)), *others]
            # From something else that was typed the first is next.
            step = 0 if self.input.value != offered[self._offer] else 1 if key == "up" else -1
            self._offer = (self._offer + step) * bool(step) % len(offered)
            self.input.put(offered[self._offer])
        return True

    def action_search(self) -> None:
        """Change the search."""
        self.input.take_keys()

    def _is_empty(self) -> bool:
        """Return whether nothing was found, and notify that."""
        if not len(self._table):
            self.notify(NOTHING_FOUND)
        return not len(self._table)

    def action_sort(self) -> None:
        """The next order."""
        if not self._is_empty():
            self._sort = _SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)]
            self.refresh_lines()
            self.main.say_order(self._sort)

    def needed(self) -> Row | None:
        if (row := self.list.chosen) is None:
            return None
        # What is known of it only on the list.
        known = self._as_listed(row)
        return row._replace(is_watched=known.is_watched, follow=known.follow, note=known.note)

    def action_mark(self) -> None:
        """Mark what is under the cursor, or remove its mark."""
        if not self._is_empty() and self.list.chosen:
            self._mark(self._marked ^ {self.list.chosen.key})

    def action_mark_all(self) -> None:
        """Mark all that were read, or none."""
        if not self._is_empty():
            every = {row.key for row in self.list.items}
            self._mark(set() if every <= self._marked else every)

    def _mark(self, keys: set[InstanceKey]) -> None:
        self._marked = keys
        self.list.update_lines()
        self.about.update_lines()
        self.bottom.update_lines()

    @property
    def marked(self) -> Sequence[Row]:
        return [row for row in self.list.items if row.key in self._marked]

    @property
    def _acted_on(self) -> list[Row]:
        """What is marked, else what is under the cursor, as the list has it."""
        found = self.marked or [row for row in (self.list.chosen,) if row]
        return [self._as_listed(row) for row in found]

    def action_watch(self) -> None:
        """Watch what is marked, else what is under the cursor; where all of it is watched, unwatch it."""
        if not self._is_empty():
            self.main.watch_or_remove(self._acted_on)
            self._mark(set())

    def action_follow(self) -> None:
        """Ask what to follow, or to end: the search or the workflow of the row, in every case."""
        choices, wanted = tuple(self._to_follow), self._wanted
        if not choices:
            self.notify(str(wanted))
            return
        why_not = f" {wanted}" * isinstance(wanted, str)
        title = f"What to follow? New runs of it join the list.{why_not}"
        dialog = ChoiceScreen(lambda: choices, title, "do it", is_wide=True)
        self.app.push_dialog(dialog, partial(self.call_later, self.run_action))

    def action_follow_search(self) -> None:
        """Follow the search: what matches joins the list on each date."""
        if isinstance(wanted := self._wanted, Query):
            self.control.follow(self._target, wanted)
            self.notify(
                f"Following {self._typed_search}: its new runs join the list, W stops that."
            )

    def action_take(self) -> None:
        """Watch what is marked; without marks, open what is under the cursor."""
        if self._is_empty():
            return
        if self._marked:
            rows = self._acted_on
            new = [row for row in rows if not row.is_watched]
            if new:
                self.main.start_watching(rows)
            self.main.look_up((new or rows)[0].key, is_alone=False, is_watched=True)
        elif self.list.chosen:
            self.main.look_up(self.list.chosen.key)
