"""The watched list under headers, one for each account and region: where rows stand. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from wfinspect.format import shown
from wfinspect.instance import Binding
from wfinspect.ui.lines import Line, Role, Span, cell_len, crop, line, width_of
from wfinspect.watching.snapshot import Row, Trouble

_LOST = "  NOT LIVE"


class Place(NamedTuple):
    """What a line of the list holds; neither a row nor a header is a gap."""

    row: int | None = None
    """The index of the row."""
    part: int = 0
    """Which of its lines."""
    header: Binding | None = None


class Groups(NamedTuple):
    """Lines of a list in which each group has a header, and all but the first a blank line above it.

    Without groups there are no headers: line and row are one.
    """

    bindings: tuple[Binding, ...] = ()
    starts: tuple[int, ...] = ()
    """The index of each group's first row."""

    @property
    def extra_lines(self) -> int:
        """How many lines are no rows."""
        return max(0, 2 * len(self.starts) - 1)

    def y_of(self, index: int, height: int) -> int:
        """The first line of a row; `height` is the lines each takes."""
        return index * height + max(0, 2 * bisect_right(self.starts, index) - 1)

    def at(self, y: int, height: int) -> Place:
        """What a line holds."""
        if not self.starts:
            return Place(*divmod(y, height))
        order = range(len(self.starts))
        # The header of a group stands above its rows, below those of the groups before.
        group = bisect_right(order, y, key=lambda g: self.starts[g] * height + 2 * g) - 1
        index, part = divmod(y - 2 * group - 1, height)
        if index < self.starts[group]:
            return Place(header=self.bindings[group])
        ends = (*self.starts[1:], index + 1)
        return Place(index, part) if index < ends[group] else Place()


def grouped(rows: Iterable[Row]) -> tuple[tuple[Row, ...], Groups]:
    """The rows by account and region; the group of the first row comes first, and so on."""
    found: dict[Binding, list[Row]] = {}
    for row in rows:
        found.setdefault(row.key.binding, []).append(row)
    together: list[Row] = []
    starts: list[int] = []
    for group in found.values():
        starts.append(len(together))
        together += group
    return tuple(together), Groups(tuple(found), tuple(starts))


def names_of(bindings: Collection[Binding]) -> Mapping[Binding, tuple[Span, ...]]:
    """What to call each: profile and region, and the endpoint where these are not enough."""
    alike = Counter(binding.account for binding in bindings)
    names: dict[Binding, tuple[Span, ...]] = {}
    for each in bindings:
        place = each.region
        if alike[each.account] > 1:
            place += f" {each.endpoint}"
        profile = f" {shown(each.profile, limit=40)}"
        names[each] = (profile, Role.TEXT), (f" {shown(place, limit=100)}", Role.DIM)
    return names


def header_line(name: tuple[Span, ...], trouble: Trouble | None, width: int) -> Line:
    """A group's name, and what keeps it from being read: the cause gives way before the name does."""
    if trouble is None:
        return line(*crop(name, width))
    said = f"{_LOST}: {shown(trouble.cause, limit=40)}"
    if width_of(name) + cell_len(said) > width:
        said = _LOST
    return line(*crop(name, width - cell_len(said)), (said, Role.TROUBLE))
