"""A store that fails is tried again soon, then ever less often; it is an end of nothing."""

from pathlib import Path

import pytest
from fakes import START, FakeClock, instance, key

from wfinspect.errors import StoreError
from wfinspect.model import Transition, pack
from wfinspect.watching.journal import Journal
from wfinspect.watching.store import Changes, Store


def tried_at(journal: Journal, seconds: range, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """When a save that fails was tried, of the seconds at which it was wanted."""
    tried: list[int] = []

    def fail(_: Changes) -> None:
        tried.append(now)
        raise StoreError("The list is locked by another program.")

    with monkeypatch.context() as patch:
        patch.setattr(journal.store, "save", fail)
        for now in seconds:
            journal.save(float(now))
    return tried


def test_after_a_failure_it_is_tried_soon_and_then_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(Store(tmp_path / "state", FakeClock().now))
    journal.watch([key(1)], START)

    assert tried_at(journal, range(300), monkeypatch) == [0, 5, 15, 35, 75, 135, 195, 255]
    assert journal.trouble == "The list is locked by another program."
    journal.save(315.0)
    assert [row.key for row in journal.store.rows()] == [key(1)]
    assert journal.trouble == ""
    assert [notice.text for notice in journal.notices.latest()] == [
        "The watched list is saved again."
    ]
    journal.watch([key(2)], START)
    assert tried_at(journal, range(320, 340), monkeypatch) == [320, 325, 335]
    journal.save_last()


def test_a_reading_that_says_the_same_is_not_saved_again(tmp_path: Path) -> None:
    saved = []

    class CountingStore(Store):
        def save(self, changes: Changes) -> list[Transition]:
            saved.append(len(changes.readings))
            return super().save(changes)

    clock = FakeClock()
    journal = Journal(CountingStore(tmp_path / "state", clock.now))
    journal.watch([key(1)], START)
    journal.save(clock.monotonic())
    for text in ("{}", "{}", "{ }"):
        clock.advance(15.0)
        before = journal.watchlist.rows[key(1)].instance
        seen = journal.watchlist.observe(key(1), instance(packed=pack(text)), clock.moment())
        journal.observed(key(1), seen, before)
        journal.save(clock.monotonic())
    assert saved == [0, 1, 1]


def test_changes_that_cannot_be_saved_stay_in_view_whatever_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    journal = Journal(Store(tmp_path / "state", clock.now))
    journal.sync(clock.moment())
    journal.watch([key(1)], START)
    states = ("WaitTime", "Running", "Checking", "Success")
    held = None
    for status in states:
        clock.advance(60.0)
        seen = journal.watchlist.observe(key(1), new := instance(1, status), clock.moment())
        journal.observed(key(1), seen, held)
        held = new
    other = Journal(Store(tmp_path / "state", clock.now))
    other.watch([key(2)], START)
    other.save_last()

    def fail(_: Changes) -> None:
        raise StoreError("The list is locked by another program.")

    with monkeypatch.context() as patch:
        patch.setattr(journal.store, "save", fail)
        journal.save(clock.monotonic() - 60.0)
        journal.sync(clock.moment())

    assert key(2) in journal.watchlist.rows
    history = journal.history(key(1), clock.monotonic())
    assert [change.to_status for change in history] == ["Success", "Checking", "Running"]
    assert history[0] == journal.watchlist.rows[key(1)].last_change
    journal.save_last()
    assert journal.history(key(1), clock.monotonic()) == history
