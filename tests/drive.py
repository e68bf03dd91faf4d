"""Moves an engine on by hand: from one thing that is due to the next, without waiting for it."""

import asyncio
from copy import copy

from fakes import FakeClock

from wfinspect.watching.engine import Engine


class Drive:
    """An engine and its clock, which stands still while the engine works."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine = engine
        self.clock = clock
        self.drawn = 0

    def expect_nothing_missed(self) -> None:
        """Fail where a row that nothing has touched would be another if it was made anew."""
        made, entries = self.engine._sights, self.engine._book.entries
        anew = copy(made)
        anew.made = {}
        anew.follow(entries, entries, made._troubles, self.clock.monotonic())
        assert anew.made == made.made

    def after_step(self) -> None:
        """What a subclass does after each step."""

    async def turn(self) -> float | None:
        """Steps until every call that can be answered is; gives the seconds until the next one."""
        while True:
            next_in = self.engine.step()
            self.drawn += self.engine.has_news
            self.engine.has_news = False
            self.expect_nothing_missed()
            self.after_step()
            before = self.engine.in_flight
            for _ in range(8):
                if not self.engine.in_flight:
                    break
                await asyncio.sleep(0)
            if not before or self.engine.in_flight == before:
                return next_in

    async def run(self, seconds: float) -> None:
        """Let time pass, from one thing that is due to the next."""
        end = self.clock.monotonic() + seconds
        while True:
            next_in = await self.turn()
            left = end - self.clock.monotonic()
            if left < 1e-6:
                return
            self.clock.advance(min(left, max(next_in or left, 1e-3)))
