"""Which parts of the screen share a width. Pure."""

from enum import StrEnum

SPLIT_CELLS = 60
"""Below this a list and a detail can't stand side by side."""
ROOMY_CELLS = 80
"""From here opening an instance leaves the list in view."""
WIDE_CELLS = 120
"""From here list, core fields, parameters and tags are in view together."""

_ROOM_BELOW = (140, 40)


def has_room_below(width: int, height: int) -> bool:
    """Whether the history has room below the other panes."""
    return width >= _ROOM_BELOW[0] and height >= _ROOM_BELOW[1]


class Layout(StrEnum):
    """What is in view."""

    LIST = "list"
    SPLIT = "split"
    DETAIL = "detail"


def layout_for(width: int, chosen: Layout | None, *, is_open: bool) -> Layout:
    """What to show at a width: what the person chose where it fits, else what serves them best."""
    if chosen is not None and (chosen is not Layout.SPLIT or width >= SPLIT_CELLS):
        return chosen
    if width >= WIDE_CELLS:
        return Layout.SPLIT
    if not is_open:
        return Layout.LIST
    return Layout.SPLIT if width >= ROOMY_CELLS else Layout.DETAIL


def following(layout: Layout, width: int) -> Layout:
    """The next layout in turn that fits."""
    order = [Layout.LIST, Layout.SPLIT, Layout.DETAIL]
    if width < SPLIT_CELLS:
        order.remove(Layout.SPLIT)
        layout = Layout.LIST if layout is Layout.SPLIT else layout
    return order[(order.index(layout) + 1) % len(order)]
