"""What goes wrong on demand, and how the service behaves where its documents are silent.

Set from any thread; asked by the server for each call. Knows the wire only as status and code.
"""

import threading
from dataclasses import dataclass, fields

from wfinspect.simulator.answers import CODES

PAGES = frozenset({"html", "bad-gateway", "truncated", "cut", "empty", "not-json"})
"""Faults that are an answer nobody can use: a login page, a proxy's page, half a body, no object."""

OUTAGES = frozenset({"close", "reset", "hang"})
"""Faults without an answer. A stopped simulator refuses connections."""

KINDS = frozenset({*CODES, *PAGES, *OUTAGES, "slow", "stale"})
"""All faults: an error's code, or one of these words."""


@dataclass(eq=False, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    """One of KINDS."""
    action: str = ""
    """The operation it strikes; "" for all."""
    times: int | None = None
    """How many calls it strikes; None until it is removed."""
    retry_after_ms: int | None = None
    """Sent as x-acs-retry-after."""
    seconds: float = 0.0
    """How slow, or how stale, the answer is."""
    is_xml: bool = False
    """An error answer comes as XML."""


@dataclass(eq=False)
class Switches:
    """How the service behaves; as it should, at first."""

    clock_offset_seconds: float = 0.0
    """How far the server's clock is ahead."""
    is_biz_date_strict: bool = True
    """List with Ids still wants the right BizDate."""
    ignores_ids: bool = False
    """List answers as if Ids had not been given."""
    is_hostile: bool = False
    """Every text field and message carries `population.HOSTILE_TEXT`."""
    is_novel: bool = False
    """Statuses, types and fields nobody documented."""
    is_untidy: bool = False
    """Quoted numbers, line ends in strings, null and 0 for times, null for no tags."""


SWITCHES = tuple(f.name for f in fields(Switches))


class Faults(Switches):
    """The faults in force, and the switches."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        action: str = "",
        times: int | None = None,
        retry_after_ms: int | None = None,
        seconds: float = 0.0,
        is_xml: bool = False,
    ) -> Fault:
        """Put a fault in force; of several that fit a call the oldest strikes.

        Raises:
            ValueError: no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}: one of {', '.join(sorted(KINDS))}")
        fault = Fault(kind, action, times, retry_after_ms, seconds, is_xml)
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """End a fault; one that has ended already is no error."""
        with self._lock:
            self._faults = [f for f in self._faults if f is not fault]

    def clear(self) -> None:
        """End all faults and put the switches back."""
        fresh = Switches()
        with self._lock:
            self._faults = []
        for name in SWITCHES:
            setattr(self, name, getattr(fresh, name))

    def take(self, action: str) -> Fault | None:
        """The fault that strikes this call, counted down; None for a call that goes well."""
        with self._lock:
            for fault in self._faults:
                if fault.action not in {"", action}:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults in force, oldest first."""
        with self._lock:
            return tuple(self._faults)
