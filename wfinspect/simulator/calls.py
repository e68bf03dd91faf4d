"""What was asked of the simulator, counted for tests. Thread-safe; bounded."""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call, after its answer."""

    action: str
    code: str
    """``OK``, the error's Code, or the kind of fault that left no answer of the service."""
    parameters: Mapping[str, str]
    at: datetime


class Calls:
    """All calls that arrived, whatever became of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._latest: deque[Call] = deque(maxlen=_KEPT)

    def add(self, call: Call) -> None:
        """Count a call."""
        with self._lock:
            self._counts[call.action, call.code] += 1
            self._latest.append(call)

    def count(self, action: str = "", code: str = "") -> int:
        """How many there were, of one action and one code where these are given."""
        with self._lock:
            return sum(
                n
                for (its_action, its_code), n in self._counts.items()
                if action in {"", its_action} and code in {"", its_code}
            )

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """The number of calls by (action, code)."""
        with self._lock:
            return dict(self._counts)

    @property
    def latest(self) -> tuple[Call, ...]:
        """The last 10,000 calls, oldest first."""
        with self._lock:
            return tuple(self._latest)

    def clear(self) -> None:
        """Count from zero."""
        with self._lock:
            self._counts.clear()
            self._latest.clear()
