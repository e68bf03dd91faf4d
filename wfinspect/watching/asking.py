"""The door to `inquiries`, which is loaded with the first request: many a watch is never asked one."""

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wfinspect.watching.inquiries import Inquiries
    from wfinspect.watching.requests import A, Heard, Request


class Asking:
    """What the engine needs of `Inquiries`, at no cost while there is none."""

    def __init__(self, make: "Callable[[type[Inquiries]], Inquiries]") -> None:
        """Take what makes the inquiries, given their class."""
        self._make = make
        self._inquiries: Inquiries | None = None

    def ask(self, request: "Request[A]", answer: "Heard[A]") -> None:
        """Have a request answered."""
        if self._inquiries is None:
            from wfinspect.watching.inquiries import Inquiries  # noqa: PLC0415

            self._inquiries = self._make(Inquiries)
        self._inquiries.ask(request, answer)

    def let_out(self, now: float, *, is_sharing: bool) -> None:
        """Let requests that wait for their turn have it."""
        if self._inquiries is not None:
            self._inquiries.let_out(now, is_sharing=is_sharing)

    def next_at(self, now: float) -> float:
        """When a request may have its turn; infinity without one."""
        return inf if self._inquiries is None else self._inquiries.next_at(now)

    def begin_anew(self) -> None:
        """Answer all who wait: their calls belonged to an event loop that has ended."""
        inquiries, self._inquiries = self._inquiries, None
        if inquiries is not None:
            inquiries.give_up()

    def end(self) -> None:
        """Answer nothing more."""
        if self._inquiries is not None:
            self._inquiries.end()
