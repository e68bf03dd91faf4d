import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from engine_rig import OTHER, Rig, becomes, move, put_in_the_way, take_away, watching
from fakes import START, FakeClock, ScriptedSource, instance, key, listed, ms

from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ConfigError,
    CredentialsMissing,
    DailyLimit,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
)
from wfinspect.model import InstanceKey, Target
from wfinspect.settings import DATABASE
from wfinspect.watching.api import Contact, Row
from wfinspect.watching.store import Changes, Store, from_microseconds


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def rig(state_dir: Path) -> AsyncIterator[Rig]:
    made = Rig(state_dir)
    yield made
    await made.engine.aclose()


async def test_nothing_is_asked_while_nothing_is_watched(rig: Rig) -> None:
    await rig.run(3600.0)
    assert rig.source.calls == []
    assert rig.snapshot.health.contact is Contact.STARTING


async def test_a_looked_up_instance_is_read_at_once(rig: Rig) -> None:
    rig.source.hold(instance(1))
    rig.engine.display(key(1))
    assert await rig.turn() is not None
    displayed = rig.snapshot.rows.get(key(1))
    assert displayed is not None
    assert displayed.instance == instance(1)
    assert displayed.is_live
    assert not displayed.is_watched
    assert rig.snapshot.recent_ids == (1,)
    assert rig.snapshot.health.contact is Contact.LIVE
    assert rig.snapshot.health.calls_today == 1


async def test_a_look_up_shows_that_it_is_loading(rig: Rig) -> None:
    rig.source.hangs = True
    rig.engine.display(key(1))
    await rig.turn()
    assert rig.snapshot.rows.get(key(1)) == Row(key(1), is_loading=True)


async def test_an_unknown_id_is_told_at_once_and_not_asked_again(rig: Rig) -> None:
    rig.engine.display(key(1))
    await rig.run(600.0)
    displayed = rig.snapshot.rows.get(key(1))
    assert displayed is not None
    assert displayed.trouble is not None
    assert displayed.trouble.cause == "not found"
    assert not displayed.is_loading
    assert rig.source.calls == [("get", (1,))]
    assert rig.snapshot.recent_ids == ()
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_an_unknown_id_is_not_added_to_the_list(rig: Rig) -> None:
    await watching(rig, 2)
    rig.engine.watch([key(1)])
    await rig.turn()
    assert [row.key for row in rig.snapshot.rows] == [key(2)]
    assert rig.texts == ["Not watched: no instance 1"]
    assert Rig(rig.engine._journal.store.path.parent).snapshot.rows.get(key(1)) is None


async def test_a_stored_row_that_the_service_does_not_know_is_gone_and_stays(
    rig: Rig, state_dir: Path
) -> None:
    await watching(rig, 2)
    with closing(Store(state_dir, rig.clock.now)) as other:
        row = listed(key(1), 9.0)._replace(note="call Li")
        other.save(Changes(added={key(1): row}))
    await rig.turn()
    rig.engine.watch([key(1)])
    await rig.run(120.0)
    assert (rig.row(1).is_gone, rig.row(1).is_unseen, rig.row(1).note) == (True, True, "call Li")
    assert rig.texts == ["1 is gone: the service does not know it. It stays on the list."]
    again = Rig(state_dir)
    assert (again.row(1).is_gone, again.row(1).note) == (True, "call Li")
    again.source.hold(instance(1), instance(2))
    again.engine.refresh()
    await again.run(10.0)
    assert again.row(1).is_live
    assert not again.row(1).is_gone


async def test_many_unknown_ids_are_told_in_one_notice_with_what_was_added(rig: Rig) -> None:
    rig.source.hold(instance(4), instance(7), instance(8))
    rig.engine.watch([key(n) for n in range(1, 7)])
    await rig.run(20.0)
    rig.engine.watch([key(4), key(7), key(8), key(9)])
    await rig.run(20.0)
    rig.engine.watch([key(n) for n in (5, 6)])
    await rig.run(20.0)
    assert [row.key.id for row in rig.snapshot.rows] == [4, 7, 8]
    assert rig.texts == [
        "Not watched: the service knows none of 1, 2, 3, 5, 6. The other one is watched.",
        "Not watched: no instance 9 The other 3 are watched.",
        "Not watched: the service knows none of 5, 6.",
    ]


async def test_an_id_that_cannot_be_reached_is_added_as_pending(rig: Rig) -> None:
    rig.source.error = Unreachable("no route")
    rig.engine.watch([key(1)])
    await rig.run(60.0)
    assert rig.row().is_watched
    assert rig.row().instance is None
    assert rig.row().trouble is not None
    rig.source.error = None
    rig.source.hold(instance(1))
    await rig.run(20.0)
    assert rig.row().is_live


async def test_a_hundred_ids_cost_two_calls_and_then_one_a_round(rig: Rig) -> None:
    await watching(rig, *range(1, 101))
    assert [(name, len(ids)) for name, ids in rig.source.calls] == [("get", 1), ("list", 99)]
    rig.source.calls.clear()
    await rig.run(150.0)
    assert {(name, len(ids)) for name, ids in rig.source.calls} == {("list", 100)}
    assert 9 <= len(rig.source.calls) <= 10


async def test_a_change_of_status_marks_the_row_and_is_recorded(rig: Rig) -> None:
    await watching(rig, 1, 2)
    rig.clock.advance(10.0)
    becomes(rig, 2, "Failure", finished_time=ms(rig.clock.now()))
    await rig.run(10.0)
    (change,) = rig.snapshot.transitions
    assert (change.key, change.from_status, change.to_status) == (key(2), "Running", "Failure")
    assert change.is_service_time
    assert rig.row(2).is_unseen
    assert rig.row(2).last_change == change
    assert not rig.row(1).is_unseen
    rig.engine.mark_seen(None)
    await rig.turn()
    assert not rig.row(2).is_unseen


async def test_the_history_is_that_of_the_instance_on_display(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2)
    becomes(rig, 1, "Checking")
    becomes(rig, 2, "Failure")
    await rig.run(20.0)
    assert rig.snapshot.history == ()
    rig.engine.display(key(1))
    becomes(rig, 1, "Success")
    await rig.run(20.0)

    assert [c.to_status for c in rig.snapshot.history] == ["Success", "Checking"]
    assert [c.to_status for c in rig.snapshot.transitions] == ["Success", "Failure", "Checking"]
    put_in_the_way(state_dir)
    rig.engine.display(key(2))
    await rig.run(20.0)
    assert [c.to_status for c in rig.snapshot.history] == ["Failure"]


async def test_a_round_without_a_change_draws_nothing_but_keeps_ages_true(rig: Rig) -> None:
    await watching(rig, 1, 2)
    rig.drawn = 0
    await rig.run(300.0)
    assert rig.drawn == 0
    read_at = rig.row().read_at
    assert read_at is not None
    assert rig.clock.now() - read_at < timedelta(seconds=17)
    assert rig.snapshot.health.calls_today == len(rig.source.calls) > 15


async def test_the_instance_on_display_is_read_every_5_seconds_for_5_minutes(rig: Rig) -> None:
    await watching(rig, 1)
    rig.engine.display(key(1))
    rig.source.calls.clear()
    await rig.run(300.0)
    assert 54 <= len(rig.source.calls) <= 60
    rig.source.calls.clear()
    await rig.run(300.0)
    assert 18 <= len(rig.source.calls) <= 20
    rig.engine.touch()
    rig.source.calls.clear()
    await rig.run(50.0)
    assert len(rig.source.calls) >= 9


async def test_opening_a_settled_row_makes_its_reading_no_older(rig: Rig) -> None:
    await watching(rig, 1, status="Success")
    await rig.run(500.0)
    assert rig.row().is_live
    rig.source.hangs = True
    rig.engine.display(key(1))
    await rig.turn()
    assert rig.row().is_live
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_old_values_are_marked_by_the_clock_alone(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.hangs = True
    await rig.run(38.0)
    assert rig.row().is_live
    await rig.run(10.0)
    assert not rig.row().is_live
    # No call has failed yet: that nothing is the present is no outage.
    assert rig.snapshot.health.contact is Contact.STARTING
    assert rig.snapshot.health.trouble is None


async def test_an_outage_names_cause_and_next_attempt_and_ends_by_itself(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.error = Unreachable("No answer came.", cause="unreachable")
    await rig.run(60.0)
    health = rig.snapshot.health
    assert health.contact is Contact.NOT_LIVE
    assert health.trouble is not None
    assert health.trouble.cause == "unreachable"
    assert health.trouble.retry_at is not None
    assert timedelta(0) < health.trouble.retry_at - rig.clock.now() <= timedelta(seconds=20)
    assert rig.row().trouble == health.trouble
    rig.source.error = None
    await rig.run(21.0)
    assert rig.row().is_live
    assert rig.row().trouble is None
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_losing_contact_for_five_minutes_and_finding_it_again_are_told_once_each(
    rig: Rig,
) -> None:
    await watching(rig, 1, 2)
    rig.source.error = Unreachable("no route")
    await rig.run(250.0)
    assert rig.texts == []
    await rig.run(600.0)
    assert rig.texts == ["No contact for 5 minutes (unreachable)."]
    becomes(rig, 1, "Success")
    rig.source.error = None
    await rig.run(30.0)
    assert len(rig.texts) == 2
    assert rig.texts[1] == "Contact is back after 13 minutes."


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("no route"),
        ServiceTrouble("busy"),
        BadAnswer("a login page"),
        Throttled("slow down"),
        Throttled("slow down", retry_after_seconds=0.0),
        Refused("no"),
    ],
    ids=["unreachable", "trouble", "bad answer", "throttled", "throttled, told 0 s", "refused"],
)
async def test_ten_minutes_of_outage_cost_at_most_forty_calls(
    error: ServiceError, rig: Rig
) -> None:
    for number in range(1, 51):
        rig.source.hold(instance(number, biz_date=number))
    rig.engine.watch([key(n) for n in range(1, 51)])
    await rig.run(60.0)
    rig.source.calls.clear()
    rig.source.error = error
    await rig.run(600.0)
    assert 1 <= len(rig.source.calls) <= 40


async def test_missing_credentials_show_before_anything_is_asked(rig: Rig) -> None:
    rig.source.credentials_error = CredentialsMissing("Set a key.")
    await rig.turn()
    health = rig.snapshot.health
    assert health.contact is Contact.NOT_LIVE
    assert health.trouble is not None
    assert health.trouble.sentence == "Set a key."
    rig.source.credentials_error = None
    await rig.run(61.0)
    assert rig.snapshot.health.contact is Contact.STARTING
    assert rig.source.calls == []


async def test_a_refusal_shows_at_once_and_is_tried_every_minute(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.error = Refused("The key is not valid.")
    rig.source.calls.clear()
    await rig.run(16.0)
    assert rig.snapshot.health.contact is Contact.NOT_LIVE
    assert not rig.row().is_live
    await rig.run(184.0)
    assert 3 <= len(rig.source.calls) <= 5


async def test_new_credentials_are_tried_at_once(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.error = Refused("The key is not valid.")
    await rig.run(20.0)
    rig.source.error = None
    rig.source.fingerprint = "two"
    await rig.turn()
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_a_setting_that_keeps_a_source_from_opening_is_trouble_of_its_binding(
    state_dir: Path,
) -> None:
    rig = Rig(state_dir)

    async def fails(_: Target, __: Callable[[], None]) -> ScriptedSource:
        raise ConfigError("SSL_CERT_FILE names no file.")

    rig.opens = fails
    rig.engine.watch([key(1)])
    await rig.turn()
    assert rig.snapshot.health.contact is Contact.NOT_LIVE
    assert rig.row().trouble is not None
    assert rig.row().trouble.sentence == "SSL_CERT_FILE names no file."
    await rig.engine.aclose()


async def test_a_bug_in_a_source_is_trouble_and_not_the_end(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.errors = [ZeroDivisionError("secret"), ZeroDivisionError("secret")]  # type: ignore[list-item]
    await rig.run(17.0)
    rig.source.error = Unreachable("no route")
    await rig.run(50.0)
    rig.source.error = None
    await rig.run(30.0)
    assert rig.row().is_live
    assert "secret" not in repr(rig.snapshot)


async def test_one_bindings_failure_does_not_stop_another(rig: Rig) -> None:
    await watching(rig, 1)
    there = InstanceKey(OTHER, key(1).id)
    rig.sources[OTHER].error = Refused("expired", cause="expired")
    rig.engine.watch([there])
    await rig.run(100.0)
    assert rig.row(1).is_live
    assert rig.snapshot.health.trouble is not None
    assert rig.snapshot.troubles == {OTHER: rig.snapshot.health.trouble}
    assert rig.snapshot.health.trouble.cause == "expired"
    becomes(rig, 1, "Failure")
    await rig.run(20.0)
    assert rig.row(1).is_unseen


async def test_a_hung_call_does_not_hold_up_another_binding(rig: Rig) -> None:
    await watching(rig, 1)
    rig.sources[OTHER].hangs = True
    rig.engine.watch([InstanceKey(OTHER, key(1).id)])
    await rig.run(60.0)
    assert rig.row(1).is_live


async def test_throttling_waits_as_told(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.error = Throttled("slow down", retry_after_seconds=90.0)
    await rig.run(20.0)
    asked_at = rig.source.call_times[-1]
    rig.source.error = None
    await rig.run(100.0)
    next_at = rig.source.call_times[rig.source.call_times.index(asked_at) + 1]
    assert next_at - asked_at == pytest.approx(90.0)


async def test_a_daily_limit_teaches_the_budget_and_waits_for_the_next_day(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.error = DailyLimit("Enough for today.", cause="Throttling.Api.Risk")
    await rig.run(60.0)
    health = rig.snapshot.health
    assert health.contact is Contact.NOT_LIVE
    assert health.budget == 90
    # A day in Shanghai ends at 16:00 UTC.
    assert health.trouble.retry_at is not None
    midnight = START.replace(hour=16, minute=0)
    assert timedelta(0) <= health.trouble.retry_at - midnight <= timedelta(minutes=1)
    rig.source.calls.clear()
    rig.source.error = None
    await rig.run(9 * 3600.0)
    assert rig.source.calls == []
    await rig.run(3600.0)
    assert rig.snapshot.health.contact is Contact.LIVE
    assert rig.snapshot.health.calls_today == len(rig.source.calls)


async def test_what_a_person_asks_for_goes_out_beyond_the_budget(state_dir: Path) -> None:
    rig = Rig(state_dir, budget=4)
    await watching(rig, 1)
    await rig.run(7200.0)
    assert len(rig.source.calls) <= 4
    assert rig.row().is_live
    for _ in range(6):
        rig.engine.refresh(key(1))
        await rig.run(1.0)
    assert rig.snapshot.health.calls_today == len(rig.source.calls) >= 6
    await rig.run(3600.0)
    health = rig.snapshot.health
    assert (health.contact, health.trouble) == (Contact.LIVE, None)
    assert health.slow is not None
    assert health.slow.cause == "budget"
    await rig.engine.aclose()


async def test_a_bad_answer_never_changes_what_is_known(rig: Rig) -> None:
    await watching(rig, 1)
    before = rig.row().instance
    rig.source.error = BadAnswer("HTML")
    await rig.run(40.0)
    assert rig.row().instance is before
    assert not rig.row().is_gone
    assert rig.snapshot.transitions == ()


async def test_a_request_the_service_refuses_is_trouble_of_its_row_alone(rig: Rig) -> None:
    await watching(rig, 1)
    rig.source.errors = [BadRequest("parameter error")]
    rig.engine.display(key(7))
    await rig.turn()
    displayed = rig.snapshot.rows.get(key(7))
    assert displayed is not None
    assert displayed.trouble is not None
    assert displayed.trouble.sentence == "parameter error"
    await rig.run(40.0)
    assert rig.row(1).is_live
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_a_vanished_instance_is_gone_and_stays_on_the_list(rig: Rig) -> None:
    await watching(rig, 1, 2)
    before = rig.row(1).instance
    del rig.source.held[1]
    await rig.run(30.0)
    assert not rig.row(1).is_gone
    assert rig.row(1).trouble is not None
    await rig.run(90.0)
    assert rig.row(1).is_gone
    assert rig.row(1).is_unseen
    assert rig.row(1).instance == before
    assert any("is gone" in text for text in rig.texts)
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_where_list_is_refused_single_calls_go_on_and_it_is_said(rig: Rig) -> None:
    rig.source.list_error = Refused("no right to list")
    await watching(rig, 1, 2, 3)
    await rig.run(60.0)
    assert all(rig.row(n).is_live for n in (1, 2, 3))
    assert rig.snapshot.health.remarks == ("List refused: single calls",)
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_where_list_ignores_ids_single_calls_go_on_and_it_is_said(rig: Rig) -> None:
    rig.source.ignores_ids = True
    rig.source.hold(*(instance(n) for n in range(50, 60)))
    await watching(rig, 1, 2, 3)
    rig.source.calls.clear()
    await rig.run(60.0)
    assert {name for name, _ in rig.source.calls} == {"get"}
    assert rig.snapshot.health.remarks == ("List ignores Ids: single calls",)


async def test_paused_asks_for_nothing_unless_a_person_does(rig: Rig) -> None:
    await watching(rig, 1)
    rig.engine.set_paused(paused=True)
    rig.source.calls.clear()
    await rig.run(600.0)
    assert rig.source.calls == []
    assert rig.snapshot.health.contact is Contact.PAUSED
    assert not rig.row().is_live
    rig.engine.refresh(None)
    await rig.turn()
    assert len(rig.source.calls) == 1
    rig.engine.set_paused(paused=False)
    await rig.run(1.0)
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_an_interval_is_followed_and_has_a_floor(rig: Rig) -> None:
    await watching(rig, 1)
    rig.engine.set_interval(0.1)
    rig.source.calls.clear()
    await rig.run(60.0)
    assert rig.snapshot.health.interval_seconds == 2.0
    assert 26 <= len(rig.source.calls) <= 31


async def test_settled_rows_are_asked_for_ten_minutes_apart_and_rest_after_a_day(rig: Rig) -> None:
    rig.source.hold(instance(1, "Success", finished_time=ms(START)))
    rig.engine.watch([key(1)])
    await rig.run(3600.0)
    assert 6 <= len(rig.source.calls) <= 8
    await rig.run(24 * 3600.0)
    rig.source.calls.clear()
    await rig.run(48 * 3600.0)
    assert rig.source.calls == []
    assert rig.row().is_live
    assert rig.snapshot.health.contact is Contact.LIVE


async def test_the_list_is_back_after_a_restart_marked_as_old(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 2, 1)
    becomes(rig, 1, "Failure")
    await rig.run(20.0)
    await rig.engine.aclose()
    again = Rig(state_dir, rig.clock)
    assert [row.key for row in again.snapshot.rows] == [key(2), key(1)]
    assert again.row(1).instance == rig.row(1).instance
    assert again.row(1).is_unseen
    assert not any(row.is_live for row in again.snapshot.rows)
    assert again.snapshot.transitions == rig.snapshot.transitions
    assert again.snapshot.health.contact is Contact.STARTING
    assert again.snapshot.health.calls_today == len(rig.source.calls)
    assert again.source.calls == []
    await again.engine.aclose()


async def test_what_changed_since_the_last_time_is_unseen(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2, 3, 4)
    await rig.engine.aclose()
    rig.clock.advance(3600.0)
    again = Rig(state_dir, rig.clock)
    again.source.hold(*(instance(n, modify_time=ms(START) + 5, status="Success") for n in (1, 2)))
    again.source.hold(instance(3, "Failure", modify_time=ms(START) + 5), instance(4))
    await again.run(2.0)
    assert [row.is_unseen for row in again.snapshot.rows] == [True, True, True, False]
    await again.engine.aclose()


async def test_removing_and_undoing_keep_place_and_reading(rig: Rig) -> None:
    await watching(rig, 1, 2, 3)
    rig.engine.unwatch([key(2)])
    await rig.run(30.0)
    assert [row.key.id for row in rig.snapshot.rows] == [1, 3]
    assert all(2 not in ids for _, ids in rig.source.calls[-1:])
    rig.engine.undo()
    await rig.turn()
    assert [row.key.id for row in rig.snapshot.rows] == [1, 2, 3]
    assert rig.row(2).instance is not None


async def test_a_note_and_a_mark_that_were_undone_are_kept_so(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2)
    rig.source.hold(*(instance(n, "Failure", modify_time=ms(START) + 5) for n in (1, 2)))
    await rig.run(30.0)
    rig.engine.note(key(1), "call Li")
    rig.engine.note(key(1), "rerun by Li")
    rig.engine.mark_seen(is_undoable=True)
    await rig.turn()
    said = []
    for _ in range(3):
        rig.engine.undo()
        await rig.turn()
        said.append(rig.snapshot.notices[-1].text)
    assert said == [
        "Unseen again: 2 instances",
        "Restored the note of dwd_table_1 1",
        "Removed the note of dwd_table_1 1",
    ]
    rig.engine.note(key(2), "call Li")
    rig.engine.note(key(2), "")
    rig.engine.undo()
    # What comes onto the list with its note leaves it in one step.
    rig.engine.watch([key(3)])
    rig.engine.note(key(3), "call Li", is_undoable=False)
    await rig.turn()
    assert rig.row(3).note == "call Li"
    rig.engine.undo()
    await rig.engine.aclose()
    again = Rig(state_dir, rig.clock)
    assert [(row.is_unseen, row.note) for row in again.snapshot.rows] == [
        (True, ""),
        (True, "call Li"),
    ]
    await again.engine.aclose()


async def test_watching_what_is_on_display_asks_for_nothing_more(rig: Rig) -> None:
    rig.source.hold(instance(1))
    rig.engine.display(key(1))
    await rig.turn()
    rig.engine.watch([key(1)])
    await rig.turn()
    assert rig.row().is_watched
    assert rig.row().is_live
    assert len(rig.source.calls) == 1


async def test_what_is_looked_up_stays_until_another_is_or_it_is_taken_off(rig: Rig) -> None:
    await watching(rig, 3)
    rig.source.hold(instance(1), instance(2))
    rig.engine.display(key(1))
    await rig.turn()
    rig.engine.display(key(3))
    await rig.turn()
    assert [row.key.id for row in rig.snapshot.rows] == [1, 3]
    rig.engine.display(key(2))
    await rig.turn()
    assert [row.key.id for row in rig.snapshot.rows] == [2, 3]
    rig.engine.unwatch([key(2), key(3)])
    rig.engine.display(None)
    await rig.turn()
    assert not rig.snapshot.rows
    rig.source.calls.clear()
    await rig.run(600.0)
    assert rig.source.calls == []
    assert rig.snapshot.recent_ids == (2, 1)


async def test_rounds_with_nothing_new_write_once_a_minute(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2, 3)
    await rig.run(200.0)
    rig.source.calls.clear()
    versions = []
    with closing(sqlite3.connect(state_dir / DATABASE)) as reader:
        for _ in range(300):
            await rig.run(1.0)
            versions += reader.execute("PRAGMA data_version").fetchone()
        becomes(rig, 2, "Failure")
        await rig.run(16.0)
        latest = reader.execute("PRAGMA data_version").fetchone()[0]
        (read_at,) = reader.execute("SELECT read_at FROM watched WHERE id = 2").fetchone()
    assert len(rig.source.calls) >= 19
    assert len(set(versions)) <= 1 + 300 / 60
    assert latest > versions[-1]
    assert from_microseconds(read_at) == rig.row(2).read_at


async def test_two_processes_cost_the_calls_of_one(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2, 3)
    other = Rig(state_dir, rig.clock)
    other.source.held = rig.source.held
    await other.turn()
    rig.source.calls.clear()
    other.source.calls.clear()
    for _ in range(600):
        rig.clock.advance(1.0)
        await rig.turn()
        await other.turn()
    # 40, and one of the round in which they find each other.
    assert len(rig.source.calls) + len(other.source.calls) <= 41
    assert all(row.is_live for row in (*rig.snapshot.rows, *other.snapshot.rows))
    becomes(rig, 2, "Failure")
    for _ in range(20):
        rig.clock.advance(1.0)
        await rig.turn()
        await other.turn()
    assert rig.row(2).is_unseen
    assert other.row(2).is_unseen
    assert len(rig.snapshot.transitions) == len(other.snapshot.transitions) == 1
    assert rig.snapshot.health.calls_today == other.snapshot.health.calls_today
    other.engine.mark_seen(None)
    await other.turn()
    await rig.turn()
    assert not rig.row(2).is_unseen
    await other.engine.aclose()


async def test_what_another_process_read_first_is_read_with_its_group(
    rig: Rig, state_dir: Path
) -> None:
    rig.source.hold(instance(1), instance(2))
    rig.engine.watch([key(1), key(2)])
    rig.source.hangs = True
    await rig.turn()
    other = Rig(state_dir, rig.clock)
    other.source.held = rig.source.held
    rig.source.let_in()
    await rig.run(2.0)
    becomes(rig, 1, "Failure")
    rig.engine.refresh(key(1))
    await rig.run(2.0)
    await other.turn()
    assert other.row(1).instance == rig.source.held[1]
    # From now on the first process is not there.
    becomes(rig, 1, "WaitTime")
    await other.run(20.0)
    assert other.row(1).instance == rig.source.held[1]
    assert other.source.calls == [("list", (2, 1))]
    await other.engine.aclose()


async def test_what_another_process_read_meanwhile_is_no_second_change(
    rig: Rig, state_dir: Path
) -> None:
    await watching(rig, 1, 2)
    other = Rig(state_dir, rig.clock)
    other.source.held = rig.source.held
    await other.turn()
    other.source.hangs = True
    other.engine.refresh(key(2))
    await other.turn()
    rig.clock.advance(1.0)
    becomes(rig, 2, "Failure")
    rig.engine.refresh(key(2))
    await rig.turn()
    rig.engine.mark_seen(None)
    await rig.turn()
    rig.clock.advance(1.0)
    other.source.let_in()
    for _ in range(8):
        await asyncio.sleep(0)
    await other.turn()
    await rig.turn()
    assert not rig.row(2).is_unseen
    assert not other.row(2).is_unseen
    assert rig.row(2).last_change == other.row(2).last_change == rig.snapshot.transitions[0]
    await other.engine.aclose()


async def test_what_another_process_adds_and_removes_appears(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2)
    other = Rig(state_dir, rig.clock)
    other.source.hold(instance(3))
    other.engine.watch([key(3)])
    other.engine.unwatch([key(1)])
    await other.turn()
    await rig.turn()
    assert [row.key.id for row in rig.snapshot.rows] == [2, 3]
    assert rig.row(3).instance == instance(3)
    await rig.run(60.0)
    assert [row.key.id for row in Rig(state_dir).snapshot.rows] == [2, 3]
    await other.engine.aclose()


@pytest.mark.parametrize("is_from_the_start", [True, False])
async def test_without_a_store_the_watch_goes_on_and_says_so(
    is_from_the_start: bool, state_dir: Path
) -> None:
    if is_from_the_start:
        put_in_the_way(state_dir)
    rig = Rig(state_dir)
    await watching(rig, 1)
    if not is_from_the_start:
        put_in_the_way(state_dir)
    becomes(rig, 1, "Failure")
    await rig.run(40.0)
    assert rig.row().is_unseen
    assert rig.row().is_live
    assert str(state_dir) in rig.snapshot.health.store_trouble
    take_away(state_dir)
    await rig.run(70.0)
    assert rig.snapshot.health.store_trouble == ""
    assert "The watched list is saved again." in rig.texts
    stored = Rig(state_dir)
    assert stored.row().instance == rig.row().instance
    assert stored.row().is_unseen
    assert len(stored.snapshot.transitions) == 1
    await rig.engine.aclose()


async def test_what_was_removed_while_nothing_could_be_saved_stays_removed(
    rig: Rig, state_dir: Path
) -> None:
    await watching(rig, 1, 2)
    set_aside = state_dir.with_name("aside")
    move(state_dir, set_aside)
    put_in_the_way(state_dir)
    await rig.run(20.0)
    assert rig.snapshot.health.store_trouble
    rig.engine.unwatch([key(1)])
    take_away(state_dir)
    move(set_aside, state_dir)
    await rig.run(80.0)
    assert [row.key.id for row in rig.snapshot.rows] == [2]
    assert [row.key.id for row in Rig(state_dir).snapshot.rows] == [2]


async def test_a_store_that_fails_is_tried_ever_less_often(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_the_way(state_dir)
    rig = Rig(state_dir)
    attempts = []
    opened = rig.engine._journal.store._open
    monkeypatch.setattr(
        rig.engine._journal.store,
        "_open",
        lambda: attempts.append(rig.clock.monotonic()) or opened(),
    )
    await watching(rig, 1)
    await rig.run(290.0)
    assert 7 <= len(attempts) <= 9
    await rig.engine.aclose()


async def test_a_damaged_store_is_said_and_the_list_saved_anew(rig: Rig, state_dir: Path) -> None:
    await watching(rig, 1, 2)
    path = state_dir / DATABASE
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    rig.engine._journal.store.close()
    await rig.run(90.0)
    assert any("set aside" in text for text in rig.texts)
    assert rig.snapshot.health.store_trouble == ""
    assert [row.key.id for row in Rig(state_dir).snapshot.rows] == [1, 2]


@pytest.mark.parametrize("jump", [-7200.0, 7200.0, -40 * 86_400.0, 40 * 86_400.0])
async def test_a_jump_of_the_wall_clock_stops_nothing(jump: float, rig: Rig) -> None:
    await watching(rig, 1)
    rig.clock.jump(jump)
    rig.source.calls.clear()
    becomes(rig, 1, "Failure")
    rig.source.held[1] = instance(1, "Failure", modify_time=ms(START) + 1)
    await rig.run(16.5)
    assert rig.row().is_unseen
    assert rig.row().is_live
    change = rig.snapshot.transitions[0]
    assert change.seen_after <= change.at <= change.seen_by


async def test_a_clock_set_back_at_midnight_does_not_stop_the_day_from_ending(
    state_dir: Path,
) -> None:
    rig = Rig(state_dir, FakeClock(START.replace(hour=15, minute=59)))
    await watching(rig, 1)
    rig.clock.jump(-7200.0)
    await rig.run(3600.0)
    assert rig.row().is_live
    next_in = await rig.turn()
    assert next_in is not None
    assert next_in > 0.0
    await rig.engine.aclose()


async def test_a_day_of_fifty_instances_stays_within_the_budget_and_counts_true(
    state_dir: Path,
) -> None:
    rig = Rig(state_dir, budget=500)
    for number in range(1, 51):
        rig.source.hold(instance(number, biz_date=number % 5 + 1))
    rig.engine.watch([key(n) for n in range(1, 51)])
    # From 14:30 in Shanghai to midnight: less than half a day, and never more than the whole.
    await rig.run(9.4 * 3600.0)
    assert 250 <= len(rig.source.calls) <= 500
    assert rig.snapshot.health.calls_today == len(rig.source.calls)
    assert all(row.instance is not None for row in rig.snapshot.rows)
    await rig.engine.aclose()
