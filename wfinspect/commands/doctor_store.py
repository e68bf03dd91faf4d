"""The checks of `doctor` on what is stored, and the count of the calls it has cost."""

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable

from wfinspect.clock import Clock
from wfinspect.commands.finding import Check, Found, Level, blocking, warning
from wfinspect.commands.stored import count_calls
from wfinspect.config import Settings
from wfinspect.instance import Binding, WorkflowInstance
from wfinspect.watching.days import day_of
from wfinspect.watching.store import Store

_LITTLE, _TOO_LITTLE = 100 * 1024**2, 2 * 1024**2


class StoreChecks:
    """The state directory as it is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = settings.paths.state_dir
        self._known: list[tuple[Binding, WorkflowInstance]] = []

    def checks(self) -> list[Check]:
        """The list, and the room for it."""
        return [blocking("store", self._check_store), blocking("disk", self._check_disk)]

    def instances(self, binding: Binding) -> list[WorkflowInstance]:
        """What is known of the watched instances of a binding, once the store was checked."""
        return [instance for bound, instance in self._known if bound == binding]

    def count(self, binding: Callable[[], Binding], calls: Counter[Binding]) -> Check:
        """The check that counts calls in the store, and says how many there were today."""
        return blocking("calls", lambda: self._check_calls(binding(), calls))

    def _check_store(self) -> Found:
        with contextlib.closing(Store(self._directory, self._clock.now)) as store:
            rows = store.rows()
            self._known = [(row.key.binding, row.instance) for row in rows if row.instance]
            text = f"{store.path}, {len(rows)} watched"
            if unreadable := store.take_unreadable():
                return warning(f"{text}. {unreadable}")
            if store.set_aside is not None:
                return warning(f"{text}; it was damaged, and is kept as {store.set_aside}.")
            if store.is_read_only:
                return warning(f"{text}; it can't be written to: changes end with the app.")
        return Found(text)

    def _check_disk(self) -> Found:
        places = (self._directory, *self._directory.parents)
        free = shutil.disk_usage(next(place for place in places if place.exists())).free
        text = f"{free // 1024**2:,} MiB free for {self._directory}"
        if free < _TOO_LITTLE:
            return Found(f"{text}: make room, or choose another --state-dir.", Level.FAILURE)
        return warning(f"{text}: make room in time.") if free < _LITTLE else Found(text)

    def _check_calls(self, binding: Binding, calls: Counter[Binding]) -> Found:
        count_calls(self._settings, self._clock, calls)
        day, budget = day_of(binding, self._clock.now()), self._settings.budget
        with contextlib.closing(Store(self._directory, self._clock.now)) as store:
            used = store.calls(binding.account, day)
        text = f"{used:,} today of a budget of {budget:,}, {calls.total()} of them for this"
        if used >= budget:
            return warning(f"{text}: polling waits for tomorrow; --budget sets it.")
        return Found(text)
