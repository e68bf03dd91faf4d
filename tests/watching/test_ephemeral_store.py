from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from drive import Drive, engine_of
from fakes import BINDING, START, FakeClock, ScriptedSource, instance, key, listed

from wfinspect.errors import Unreachable
from wfinspect.model import InstanceKey, Query, Transition
from wfinspect.settings import DATABASE
from wfinspect.watching.engine import Engine
from wfinspect.watching.store import Changes, EphemeralStore, Store

ACCOUNT = ("prod-ops", "cn-shanghai")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def host(tmp_path: Path, clock: FakeClock) -> Store:
    """The user's store, with one instance on its list that was read an hour ago."""
    store = Store(tmp_path / "state", clock.now)
    read_at = START - timedelta(hours=1)
    store.save(Changes(added={key(1): listed(key(1), 1.0, instance=instance(1), read_at=read_at)}))
    return store


def added(*numbers: int) -> Changes:
    return Changes(added={key(n): listed(key(n), float(n)) for n in numbers})


def test_it_begins_empty_and_lists_what_it_was_given(host: Store, clock: FakeClock) -> None:
    guest = EphemeralStore(host.path.parent, clock.now)
    assert guest.rows() == []
    guest.save(added(1, 2))
    assert guest.rows() == [listed(key(1), 1.0), listed(key(2), 2.0)]
    guest.save(Changes(removed={key(1): None}))
    assert guest.rows() == [listed(key(2), 2.0)]


def test_it_changes_the_count_of_calls_and_nothing_else(host: Store, clock: FakeClock) -> None:
    before = host.rows()
    change = Transition(key(1), "a", "Running", "Failure", START, START, START)
    changes = added(2)
    changes.removed[key(1)] = None
    changes.readings[key(1)] = listed(
        key(1), 1.0, read_at=START, instance=instance(1, "Failure"), last_change=change
    )
    changes.unseen[key(1)] = True
    changes.transitions.append(change)
    changes.recent[instance(2).id] = START
    changes.calls = Counter({(ACCOUNT, START.date()): 3})

    EphemeralStore(host.path.parent, clock.now).save(changes)

    assert host.rows() == before
    assert host.transitions(10) == []
    assert host.recent() == []
    assert host.calls(ACCOUNT, START.date()) == 3


def test_it_takes_what_others_read_in_its_time(host: Store, clock: FakeClock) -> None:
    guest = EphemeralStore(host.path.parent, clock.now)
    guest.save(added(1))
    clock.advance(5.0)
    host.save(
        Changes(
            readings={
                key(1): listed(key(1), 1.0, read_at=clock.now(), instance=instance(1, "Success"))
            }
        )
    )

    [row] = guest.rows()

    assert row.instance == instance(1, "Success")
    assert row.read_at == clock.now()


def engine(
    state_dir: Path,
    clock: FakeClock,
    *only: InstanceKey,
    source: ScriptedSource | None = None,
) -> Engine:
    return engine_of(
        state_dir,
        (source or ScriptedSource(clock)).connect,
        clock,
        BINDING,
        only=only,
    )


def test_an_engine_for_some_instances_knows_no_others_and_no_old_readings(
    host: Store, clock: FakeClock
) -> None:
    rows = engine(host.path.parent, clock, key(1), key(7)).snapshot.rows

    assert [(row.key, row.instance) for row in rows] == [(key(1), None), (key(7), None)]
    assert [row.key for row in host.rows()] == [key(1)]


def test_a_store_that_cannot_be_used_costs_no_instance(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / DATABASE).mkdir()

    snapshot = engine(tmp_path / "state", clock, key(1)).snapshot

    assert [row.key for row in snapshot.rows] == [key(1)]
    assert snapshot.health.store_trouble != ""


async def test_an_engine_for_some_instances_asks_for_nothing_beyond_them(
    tmp_path: Path, clock: FakeClock
) -> None:
    class Searchable(ScriptedSource):
        async def find_workflow_instances(self, query: Query, *, page: int = 1) -> NoReturn:
            self.calls.append((f"find {query} {page}", ()))
            raise Unreachable("no search")

    source = Searchable(clock)
    source.hold(instance(1, workflow_id=5))
    made = engine(tmp_path / "state", clock, key(1), source=source)
    await Drive(made, clock).run(120.0)
    await made.aclose()

    assert {name for name, _ in source.calls} == {"get"}


async def test_a_clock_that_is_set_back_takes_no_instance_off_its_list(
    tmp_path: Path, clock: FakeClock
) -> None:
    source = ScriptedSource(clock)
    source.hold(instance(1))
    made = engine(tmp_path / "state", clock, key(1), source=source)
    await Drive(made, clock).run(20.0)
    clock.jump(-3600.0)
    await Drive(made, clock).run(20.0)
    made._journal.store.close()
    await Drive(made, clock).run(20.0)
    assert [row.key for row in made.snapshot.rows] == [key(1)]
    await made.aclose()
