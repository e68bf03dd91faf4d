"""A store that fails is tried again soon, then ever less often; it is an end of nothing."""

from types import SimpleNamespace
from typing import Any

from wfinspect.errors import StoreError
from wfinspect.watching.journal import StoreAccess
from wfinspect.watching.notifications import Notices


def tried_at(keeper: StoreAccess, seconds: range) -> list[int]:
    """When work that fails was tried, of the seconds at which it was wanted."""
    tried: list[int] = []

    def work() -> None:
        tried.append(now)
        raise StoreError("The list is locked by another program.")

    for now in seconds:
        keeper.use(work, float(now))
    return tried


def test_after_a_failure_it_is_tried_soon_and_then_once_a_minute() -> None:
    store: Any = SimpleNamespace(set_aside=None)
    keeper = StoreAccess(store, Notices())

    assert tried_at(keeper, range(300)) == [0, 5, 15, 35, 75, 135, 195, 255]
    assert keeper.trouble == "The list is locked by another program."
    assert keeper.use(lambda: "saved", 315.0) == "saved"
    assert keeper.trouble == ""
    assert tried_at(keeper, range(320, 340)) == [320, 325, 335]
