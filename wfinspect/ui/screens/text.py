"""A long text over the whole screen: search, copy, save. The log and the raw JSON are shown so.

A text may have any length: its rows have an index, without an object for each.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, groupby, islice
from operator import itemgetter
from typing import ClassVar

from textual import events, on
from textual.widgets import Input

from wfinspect.format import (
    LOG_END,
    LogLevel,
    error_places,
    indented,
    log_parts,
    names_end,
    no_log,
    plain_text,
    shown,
    shown_block,
)
from wfinspect.model import (
    Family,
    InstanceKey,
    TaskInstance,
    failed_tasks,
    utc_words,
    zone_of,
)
from wfinspect.ui.instance_text import sentence
from wfinspect.ui.lines import (
    BLANK,
    Line,
    Part,
    Role,
    Span,
    beginning,
    line,
    section,
    shed,
    text_of,
    wrap,
)
from wfinspect.ui.screens.dialogs import PAGE_BINDING
from wfinspect.ui.screens.main import MainScreen
from wfinspect.ui.screens.view import OverlayScreen, Title, bind
from wfinspect.ui.tasks_text import meaning
from wfinspect.ui.widgets.boxes import LineInput, NamedBox
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.watching.api import Request, TaskLog, TaskOf

_MAX_ERRORS = 200
ROW_LIMIT = 2_000
"""Characters of a row, so that one of a line of megabytes is drawn as fast as any other."""
_ROW = re.compile(rf"[^\n]{{1,{ROW_LIMIT}}}\n?|\n")


class LongText:
    """Rows are counted from 0: a line is one, and of more than ROW_LIMIT characters several.

    A line break at the very end begins none.
    """

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.starts = array("I", [0])
        self.starts.extend(match.end() for match in _ROW.finditer(self.text))
        self.starts.pop()
        self.line_count = self.text.count("\n") + (self.text[-1:] not in {"", "\n"})

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def _has_long_lines(self) -> bool:
        return len(self.starts) > self.line_count

    def line_number(self, row: int) -> int:
        """Return the number of the line that a row is of, from 1."""
        if not self._has_long_lines:
            return row + 1
        return 1 + self.text.count("\n", 0, self.starts[row])

    def begins_line(self, row: int) -> bool:
        """Return whether a line begins with a row."""
        return row == 0 or self.text[self.starts[row] - 1] == "\n"

    def row(self, number: int, limit: int | None = None) -> str:
        """Return a row without its break, at most `limit` characters of it."""
        start, end = self.starts[number], self._end(number)
        return self.text[start : end if limit is None else min(end, start + limit)]

    def between(self, first: int, last: int) -> str:
        """Return the rows from `first` to `last`, both included."""
        return self.text[self.starts[first] : self._end(last)]

    def _end(self, number: int) -> int:
        is_last = number + 1 == len(self.starts)
        end = len(self.text) if is_last else self.starts[number + 1]
        return end - (self.text[end - 1 : end] == "\n")

    def row_of(self, place: int) -> int:
        """Return the row that a character stands in."""
        return bisect_right(self.starts, place) - 1

    def search(self, wanted: str) -> Sequence[int]:
        """Return where a text begins, once for each row it does in; a capital letter makes case count."""
        found = array("I")
        if not wanted:
            return found
        held, flags = self.text, re.NOFLAG
        if wanted == wanted.lower():
            held = self.text.lower()
            if len(held) != len(self.text):
                # A few letters change their length with their case, and no place would agree.
                held, flags = self.text, re.IGNORECASE
        # Where each line is one row, the rest of it is passed over, which is quick.
        rest = "" if self._has_long_lines else "[^\n]*"
        places = (match.start() for match in re.finditer(re.escape(wanted) + rest, held, flags))
        one_a_row = (next(of_row) for _, of_row in groupby(places, self.row_of))
        found.extend(one_a_row if self._has_long_lines else places)
        return found

    def error_lines(self) -> tuple[int, ...]:
        """Return the rows near the end that look like an error, by the strongest of the signs there is."""
        first = self.row_of(max(0, len(self.text) - LOG_END))
        places = error_places(self.text, self.starts[first] if self.starts else 0)
        return tuple(dict.fromkeys(map(self.row_of, places)))[-_MAX_ERRORS:]

    def bare(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Return some rows, each once, without the stamps they begin with."""
        lines = (log_parts(self.row(number, 1000)).text for number in numbers)
        return tuple(dict.fromkeys(line for line in lines if line))


_KEPT_ROWS = 400
_RULE = re.compile(r"(?:^|\s)([-=_*#~+.])\1{9,}+\s*$")
"""A line that sets others apart, behind what a line of a log begins with."""

Place = tuple[int, int]
"""A row's number, and which of the pieces it is wrapped to."""


class TextView(LineView):
    """Has a place of its own at the top of its window: no index of wrapped lines is ever needed."""

    def __init__(self, *, opens_at_end: bool = False) -> None:
        super().__init__(can_focus=False)
        self.text = LongText("")
        self._opens_at_end = self._sticks = opens_at_end
        self.top: Place = (0, 0)
        self._wanted = ""
        self._mark: int | None = None
        self._alarming: Collection[int] = ()
        self._pieces: dict[int, list[str]] = {}
        self._window: list[tuple[Place, str]] = []

    def show_text(self, text: LongText, alarming: Collection[int] = ()) -> None:
        """Show a text, some of its rows as alarming; what was at the end is at its end again."""
        self.text, self._alarming = text, frozenset(alarming)
        self._refill()

    def mark(self, place: int | None, wanted: str) -> None:
        """Bring the character at a place in view and set its row off, and `wanted` wherever it stands."""
        self._mark, self._wanted = None, wanted
        if place is not None:
            row, piece = self._drawn_at(place)
            self._mark = row
            if (row, piece) not in {shown for shown, _ in self._window}:
                self.go_to(self._before((row, piece), self.size.height // 3))
        self._changed()

    def _drawn_at(self, place: int) -> Place:
        """Return where a character is drawn."""
        row = self.text.row_of(place)
        left = len(shown_block(self.text.row(row, place - self.text.starts[row])))
        ends = accumulate(map(len, self._pieces_of(row)[:-1]))
        return row, sum(end <= left for end in ends)

    @property
    def in_view(self) -> tuple[int, int]:
        """The first and last row of the window, or the row that is set off in it."""
        if not self._window:
            return 0, 0
        (first, _), (last, _) = self._window[0][0], self._window[-1][0]
        is_marked = self._mark is not None and first <= self._mark <= last
        return (self._mark or 0, self._mark or 0) if is_marked else (first, last)

    def move_by(self, steps: int) -> None:
        """Scroll by rows; a mark stays behind."""
        top = self.top
        self.go_to(self._after(top, steps) if steps > 0 else self._before(top, -steps))

    def move_to_end(self, *, is_top: bool) -> None:
        self.go_to((0, 0) if is_top else self._last_top())

    def total_lines(self) -> int:
        # As many as the window has: it is filled again, never scrolled.
        return self.size.height

    def line_at(self, y: int) -> Line:
        """Return a piece of a line, with what was searched for set off."""
        if y >= len(self._window):
            return BLANK
        (number, at), piece = self._window[y]
        spans = self._coloured(number, piece, is_first=at == 0)
        # The match that a search is at is the brightest on the screen; the others are set off only.
        return line(
            *_set_off(spans, self._wanted, Role.BRAND if number == self._mark else Role.ACCENT)
        )

    def _coloured(self, number: int, piece: str, *, is_first: bool) -> list[Span]:
        """Return a piece of a row with time and level set apart where the row begins a line of a log."""
        role = Role.FAILURE if number in self._alarming else Role.TEXT
        if not is_first or not self.text.begins_line(number):
            return [(f" {piece}", role)]
        parts = log_parts(piece)
        level = _LEVEL_ROLES[parts.level] if parts.level else Role.DIM
        return [(f" {parts.time}", Role.DIM), (parts.word, level), (parts.text, role)]

    def on_resize(self, _: events.Resize) -> None:
        self._refill()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves three lines."""
        event.stop()
        self.move_by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move_by(-3)

    def go_to(self, top: Place) -> None:
        """Have the window begin with a place, or as near to it as the end allows."""
        last = self._last_top()
        self.top = max((0, 0), min(top, last))
        # A text that is read from its start and fits the window is at its end, too.
        self._sticks = self.top >= last and (self._opens_at_end or self.top > (0, 0))
        self._changed()

    def _refill(self) -> None:
        self._pieces.clear()
        last = self._last_top()
        self.top = last if self._sticks else min(self.top, last)
        self._changed()

    def _changed(self) -> None:
        self._fill()
        self.update_lines()
        self.post_message(self.Moved())

    def _fill(self) -> None:
        self._window = []
        number, first = self.top
        while number < len(self.text) and len(self._window) < self.size.height:
            pieces = enumerate(self._pieces_of(number))
            self._window += [((number, at), piece) for at, piece in pieces if at >= first]
            number, first = number + 1, 0
        del self._window[self.size.height :]

    def _pieces_of(self, number: int) -> list[str]:
        """Return a row as it is drawn, in pieces of the window's width."""
        found = self._pieces.get(number)
        if found is None:
            if len(self._pieces) > _KEPT_ROWS:
                self._pieces.clear()
            width = max(2, self.text_width - 2)
            shown_row = shown_block(self.text.row(number))
            # A rule says no more in two lines.
            is_rule = _RULE.search(shown_row) is not None
            pieces = wrap(shown_row, width, breaks="\n" if is_rule else " ")
            self._pieces[number] = found = list(islice(pieces, 1 if is_rule else None))
        return found

    def _last_top(self) -> Place:
        end = len(self.text) - 1
        last = (end, len(self._pieces_of(end)) - 1) if end >= 0 else (0, 0)
        return self._before(last, max(0, self.size.height - 1))

    def _after(self, place: Place, rows: int) -> Place:
        number, piece = place
        while rows > 0 and number < len(self.text):
            below = len(self._pieces_of(number)) - 1 - piece
            if rows <= below:
                return number, piece + rows
            rows -= below + 1
            number, piece = number + 1, 0
        return number, piece

    def _before(self, place: Place, rows: int) -> Place:
        number, piece = place
        while rows > piece and number > 0:
            rows -= piece + 1
            number -= 1
            piece = len(self._pieces_of(number)) - 1
        return number, max(0, piece - rows)


_LEVEL_ROLES: Mapping[LogLevel, Role] = {
    "debug": Role.DIM,
    "info": Role.ACTIVE,
    "warn": Role.WAITING,
    "error": Role.FAILURE,
}


def _set_off(spans: Sequence[Span], wanted: str, match: Role) -> list[Span]:
    """Return the spans with a text in a role of its own wherever it stands, in one span or over several."""
    if not wanted:
        return [*spans]
    text = text_of(spans)
    roles = [role for piece, role in spans for _ in piece]
    flags = re.IGNORECASE if wanted == wanted.lower() else re.NOFLAG
    for found in re.finditer(re.escape(wanted), text, flags):
        roles[found.start() : found.end()] = [match] * len(found[0])
    alike = groupby(zip(text, roles, strict=True), key=itemgetter(1))
    return [("".join(char for char, _ in chars), role) for role, chars in alike]


_SEARCHED_WHILE_TYPED = 4_000_000
"""Characters; a search of so many takes 30 ms, of 32 MB up to 0.2 s."""


class TextScreen(OverlayScreen):
    """Shows a text, which is JSON unless a subclass says otherwise."""

    BINDINGS: ClassVar = [
        bind("slash", "search", "search", "/"),
        bind("n", "next(1)", "next, before", "n N"),
        bind("N", "next(-1)"),
        bind("y", "copy_view", "copy view, all", "y Y"),
        bind("Y", "copy_all"),
        bind("s", "save", "save"),
        PAGE_BINDING,
    ]
    TYPING = (("Esc", "cancel"), ("Enter", "keep it, n N go on"))
    WHAT = "JSON"
    OPENS_AT_END = False

    def __init__(
        self,
        main: MainScreen,
        title: Title,
        text: str,
        *,
        file: str,
        request: Request[TaskInstance] | None = None,
    ) -> None:
        """Create the screen.

        Args:
            main: the screen that it lies over.
            title: what it shows.
            text: the text; "" where it is read.
            file: what a file of it is called.
            request: gets a task, the JSON of which is the text.
        """
        super().__init__(main)
        self._about_what = title
        self._file = file
        self._request = request
        self.head = LineView(classes="head")
        self.view = TextView(opens_at_end=self.OPENS_AT_END)
        self.view.add_class("main")
        self.input = LineInput("any part of a line")
        self.input.entered = self._submitted
        self._box = NamedBox(f"Search {self.WHAT}", self.input)
        self.parts = self.head, self.view, self._box
        self._before: tuple[Place, str, int] = (0, 0), "", -1
        """What was in view when the search began, what was searched for until then, and which match was shown."""
        self.wanted = ""
        self._found: Sequence[int] = ()
        self._at = -1
        self.view.text = LongText(text)

    def read(self) -> None:
        if self._request is not None:
            self.request(self._request, self._take_task)

    def action_again(self) -> None:
        if not self.words.get("r", "read again"):
            self.notify("It is shown as it was read last.")
        else:
            super().action_again()

    def _take_task(self, task: TaskInstance) -> None:
        self.view.show_text(LongText(indented(task.raw)))

    def fill(self) -> None:
        self.show_head(() if self.text.text else self.waiting_lines(self.size.width))

    def show_head(self, lines: Sequence[Line]) -> None:
        """Show lines above the text, or in its place while there is none."""
        self.view.display = bool(self.text.text)
        self.head.set_class(not self.view.display, "-alone")
        self.head.show(lines)

    @property
    def text(self) -> LongText:
        """What is on view."""
        return self.view.text

    def title_now(self) -> Title:
        return self._about_what

    def about_spans(self, width: int) -> tuple[Span, ...]:
        return shed(self.about_parts(), width, gap=" ")

    def about_parts(self) -> list[Part]:
        """Return where in the text the view is, and what a search has found."""
        _, last = self.view.in_view
        lines = self.text.line_count
        where = f" line {self.text.line_number(last):,} of {lines:,}"
        parts = [Part(((where, Role.DIM),) if lines else (), 3 if self.wanted else 0)]
        if self.wanted:
            count = f" {self._at + 1:,} of {len(self._found):,} lines with "
            found = count if self._found else " no line has "
            role = Role.TEXT if self._found else Role.TROUBLE
            wanted = shown(self.wanted, limit=40), Role.ACCENT
            parts.append(Part(((found, role), wanted), 0))
        return parts

    @property
    def words(self) -> Mapping[str, str]:
        useless = ["n N"] * (not self._found) + ["r"] * (self._request is None)
        back = {"Esc": "clear"} if self.wanted else {}
        first, last = self.view.in_view
        if self.wanted and first == last:
            back["y Y"] = "copy line, all"
        return back | dict.fromkeys(useless, "")

    @property
    def _hints(self) -> list[tuple[str, str]]:
        # While something is searched for, what is about that helps most.
        first = {"n N", "y Y"} if self.wanted else set[str]()
        return sorted(super()._hints, key=lambda hint: hint[0] not in first)

    def find_all(self) -> None:
        """Find again what is searched for: the text has changed."""
        self._found = self.text.search(self.wanted)
        self._at = min(self._at, len(self._found) - 1)

    def action_search(self) -> None:
        """Type what to search for."""
        self._before = self.view.top, self.wanted, self._at
        self.input.value = ""
        self._box.display = True
        self.input.take_keys()

    def action_back(self) -> None:
        """Out of what is typed, to what was before; out of the search; then out of the view."""
        if self.input.has_keys:
            self._close_input()
            began_at, self.wanted, self._at = self._before
            self.find_all()
            self._show_match()
            self.view.go_to(began_at)
        elif self.wanted:
            self._search("")
        else:
            self.dismiss()

    def _close_input(self) -> None:
        self.set_focus(None)
        self._box.display = False

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """Search while it is typed, unless that would take long."""
        event.stop()
        if self.input.has_keys and len(self.text.text) <= _SEARCHED_WHILE_TYPED:
            self.view.go_to(self._before[0])
            self._search(event.value)

    def _submitted(self) -> None:
        self._close_input()
        self._search(self.input.value)

    def _search(self, wanted: str) -> None:
        """Go to the first match from where the search began; failing that to the nearest, the last."""
        self.wanted, self._at = wanted, -1
        self.find_all()
        if self._found:
            first = self.text.starts[self._before[0][0]]
            self._at = min(bisect_left(self._found, first), len(self._found) - 1)
        self._show_match()

    def action_next(self, step: int) -> None:
        """To the next match, or the one before, going round."""
        if self._found:
            self._at = (self._at + step) % len(self._found)
            self._show_match()
        if len(self._found) <= 1:
            one = "It is the only line that matches." if self._found else "No line matches."
            self.notify(one if self.wanted else "Nothing is searched for: / searches.")

    def _show_match(self) -> None:
        self.view.mark(self._found[self._at] if self._found else None, self.wanted)

    def action_copy_view(self) -> None:
        """Copy the lines in view, or the one that a search is at."""
        if self._has_text():
            first, last = self.view.in_view
            lines = self.text.line_number(last) - self.text.line_number(first) + 1
            self._tell_copied(lines, self.text.between(first, last))

    def action_copy_all(self) -> None:
        """Copy the whole text."""
        if self._has_text():
            self._tell_copied(self.text.line_count, self.text.text)

    def _has_text(self) -> bool:
        if not len(self.text):
            self.say_none("There is no text.")
        return len(self.text) > 0

    def _tell_copied(self, lines: int, text: str) -> None:
        what = "1 line" if lines == 1 else f"{lines:,} lines"
        self.notify(f"{what}: {self.app.copy(text)}")

    def action_save(self) -> None:
        """Write the whole text to a file that only the user can read."""
        if self._has_text():
            whole = self.text.text.removesuffix("\n")
            self.notify(self.app.save(plain_text(whole), self._file, self.WHAT.lower()))


_SUCCEEDED = "Current task status: FINISH"
"""What the scheduler writes at the end of the log of a run that succeeded."""
_ERRORS_ON_TOP = 4
_LINES_AN_ERROR = 2
_LEAST_ON_TOP = 2
_NARROW = 60
"""Cells; in fewer the title has room for the task's name alone."""


class LogScreen(TextScreen):
    """Reads a log; where it has not changed, whether the run still goes on."""

    BINDINGS: ClassVar = [
        bind("o", "other", "other failed log"),
        bind("less_than_sign", "turn(-1)", "other run", "< >"),
        bind("greater_than_sign", "turn(1)"),
        bind("c", "app.compare", "compare"),
        bind("t", "app.tasks", "tasks"),
    ]
    WHAT = "log"
    HOLDS_KEYS = True
    OPENS_AT_END = True
    subject_task: TaskInstance

    def __init__(
        self,
        main: MainScreen,
        key: InstanceKey,
        task: TaskInstance,
        tasks: Sequence[TaskInstance] = (),
    ) -> None:
        """Create the screen of a task's log; `tasks` are those of the instance, where they are known."""
        super().__init__(main, Title(), "", file=f"wfinspect-task-{task.id}")
        self._key = self.subject = key
        self._target = key.target
        self.subject_task = task
        self._tasks = tasks
        self._failed = failed_tasks(tasks)
        self._run = task.run_number
        self._is_read = False
        self._errors: tuple[str, ...] = ()

    @property
    def _is_latest(self) -> bool:
        return self._run == self.subject_task.run_number

    @property
    def follows(self) -> bool:
        """The latest run may go on; the others are over."""
        return self._is_latest and not self.subject_task.family.is_settled

    def title_now(self) -> Title:
        task = self.subject_task
        state = self.task_state(task) if self._is_latest else (" earlier run", Role.DIM)
        zone = utc_words(zone_of(self._target.region), self.clock.now())
        instance, is_narrow = self.row(self._key).instance, self.size.width < _NARROW
        whose = f"{instance.name} / " if instance and not is_narrow else ""
        return Title((state,), f"{whose}{task.task_name}", f"log of {task.id}", zone)

    @property
    def words(self) -> Mapping[str, str]:
        others = {} if self._others else {"o": ""}
        runs = {} if (self.subject_task.run_number or 1) > 1 else {"< >": ""}
        return {**super().words, "r": "read again", **others, **runs}

    @property
    def _others(self) -> Sequence[TaskInstance]:
        """The other failed tasks, from this one on."""
        ids = [each.id for each in self._failed]
        at = ids.index(self.subject_task.id) if self.subject_task.id in ids else -1
        return [*self._failed[at + 1 :], *self._failed[: max(0, at)]]

    def about_spans(self, width: int) -> tuple[Span, ...]:
        follows = ((" follows every 30s", Role.ACTIVE),) if self.follows else ()
        zone = zone_of(self._target.region)
        # Where the name of the zone does not fit, its distance stays.
        apart = utc_words(zone, self.clock.now())
        own = utc_words(self.look.zone, self.clock.now())
        role = Role.DIM if own == apart else Role.TEXT
        zones = [
            Part.of([f" times: {zone.key}, {apart}", f" times: {apart}"], role, 1),
            Part.of([f" elsewhere {own}"] * (own != apart), Role.DIM, 6),
        ]
        ids = [each.id for each in self._failed]
        run = (
            ((f" run {self._run} of {self.subject_task.run_number}", Role.DIM),)
            if self._run
            else ()
        )
        at = f" {ids.index(self.subject_task.id) + 1} of" if self.subject_task.id in ids else "s:"
        failed = ((f" failed log{at} {len(ids)}, o next", Role.FAILURE),) if self._others else ()
        parts = [*self.about_parts(), Part(run, 3), Part(failed, 4), Part(follows, 5)]
        return shed([*parts, *(zones if self.text.text else ())], width, gap=" ")

    def read(self) -> None:
        run, task = self._run, self.subject_task
        # The same question for a run that is over: then the answer is kept.
        settled_at = task.modify_time if task.family.is_settled else None
        request = TaskLog(self._target, task.id, run, settled_at)
        self.request(request, self._take, lambda: run == self._run)

    @property
    def is_reading(self) -> bool:
        return not self._is_read and self.trouble is None

    def _take(self, text: str) -> None:
        is_news = text.replace("\r\n", "\n") != self.text.text or not self._is_read
        if is_news:
            is_other, self._is_read = not self._is_read, True
            found = LongText(text)
            has_succeeded = self.subject_task.family is Family.SUCCESS
            if not self._is_latest:
                has_succeeded = _SUCCEEDED in text[-LOG_END:]
            errors = () if has_succeeded else found.error_lines()
            self._errors = found.bare(errors)[-_ERRORS_ON_TOP:]
            self.view.show_text(found, errors)
            self.find_all()
            if is_other and self._found and self._at < 0:
                # What is searched for in the log of one run is searched for in the next.
                self._at = 0
                self._show_match()
        if self.follows and (names_end(text) or not is_news):
            self.request(TaskOf(self._target, self.subject_task.id), self._take_state)

    def _take_state(self, task: TaskInstance) -> None:
        was_going_on, self.subject_task = self.follows, task
        if was_going_on and not self.follows:
            if not self._is_latest:
                self.notify(f"Run {task.run_number} has begun: > shows its log.")
            # The last lines may have come between the two answers.
            self._is_read = False
            self.read()

    def fill(self) -> None:
        width = self.size.width
        if not self._is_read:
            self.show_head(self.waiting_lines(width))
        elif self.text.text:
            self.show_head(self._errors_on_top(width))
        else:
            said = no_log(
                meaning(self.subject_task), earlier=None if self._is_latest else self._run
            )
            self.show_head((BLANK, *sentence(said, width)))

    def _errors_on_top(self, width: int) -> tuple[Line, ...]:
        if not self._errors:
            return ()
        failed = self.row(self._key).failed_before
        if self._is_latest:
            failed = (self.subject_task,) if self.subject_task.family is Family.FAILURE else ()
        shown_run = self.subject_task.id, self._run
        has_failed = any((each.id, each.run_number) == shown_run for each in failed)
        title = section("LOOKS LIKE THE ERROR" if has_failed else "LOOKS LIKE AN ERROR")
        # The log itself keeps half of the screen.
        room = max(_LEAST_ON_TOP, self.size.height // 2 - 2)
        cells = width - 2
        wrapped = (wrap(shown(error), cells) for error in self._errors)
        pieces = (piece for each in wrapped for piece in beginning(each, cells, _LINES_AN_ERROR))
        lines = [line((f" {it}", Role.FAILURE)) for it in beginning(pieces, cells, room)]
        return (title, *lines, BLANK)

    def action_other(self) -> None:
        """Show the log of the next task that failed, in the place of this one."""
        if self._others:
            self.app.switch_screen(LogScreen(self.main, self._key, self._others[0], self._tasks))
        else:
            known = "No other task has failed." if self._tasks else "t shows which tasks failed."
            self.notify(known)

    def action_turn(self, step: int) -> None:
        """Show the log of another run."""
        latest = self.subject_task.run_number or 1
        wanted = (self._run or latest) + step
        if not 1 <= wanted <= latest:
            self.notify("There is no later run." if step > 0 else "There is no earlier run.")
            return
        self._run, self._is_read, self._errors, self.trouble = wanted, False, (), None
        self.view.show_text(LongText(""))
        self.find_all()
        self.read()
        self.refresh_lines()
