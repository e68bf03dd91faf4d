"""What can be picked from a list, and the wish for it as plain text. Knows no screen."""

from typing import Any, NamedTuple

from wfinspect.ui.lines import Span


class Choice(NamedTuple):
    """Something to pick.

    Attributes:
        value: what the screen answers with.
        left: what is shown.
        right: what is shown at the right edge; the first of it gives way where there is little room.
        words: what it is found by.
    """

    value: Any
    left: tuple[Span, ...]
    right: tuple[Span, ...]
    words: str


class Plain(NamedTuple):
    """The value picked is wanted as plain text."""

    value: Any
