"""The top and bottom lines and the hints. Decides nothing: shows a snapshot at a width."""

from collections.abc import Callable, Mapping

from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import Line, Part, Role, line, shed
from wfinspect.ui.widgets.line_view import LineView


class StatusLine(LineView):
    """One line, made anew for the width whenever it is asked for."""

    def __init__(self, make: Callable[[int], Line], *, id: str) -> None:
        super().__init__(id=id)
        self._make = make

    def total_lines(self) -> int:
        """Always the one."""
        return 1

    def line_at(self, y: int) -> Line:
        """What there is to say now."""
        del y
        return self._make(self.text_width)


def hints(width: int, keymap: Mapping[str, str], *, has_way_back: bool) -> Line:
    """The keys that matter most, as many as fit."""
    parts = [Part(((" 0-9", Role.ACCENT), (" look up", Role.DIM)), 2)]
    for place, command in enumerate(c for c in COMMANDS if c.hint):
        # What fills the screen is open already.
        if command.id == ("open" if has_way_back else "back"):
            continue
        key = keymap.get(command.id, command.shown)
        rank = {"help": 0, "back": 1}.get(command.id, 3 + place)
        parts.append(Part(((key, Role.ACCENT), (f" {command.hint}", Role.DIM)), rank))
    return line(*shed(parts, width))
