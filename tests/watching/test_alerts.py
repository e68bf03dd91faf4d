from datetime import timedelta
from math import inf

from fakes import START, change, instance, key, ms
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.format import is_harmless
from wfinspect.model import Status
from wfinspect.settings import NotifyRule
from wfinspect.watching.api import Alert
from wfinspect.watching.notifications import (
    GATHER_SECONDS,
    LONGEST_SECONDS,
    MAX_TEXT,
    AlertNews,
    Alerts,
    sentence,
)


def test_each_rule_wants_its_changes() -> None:
    told = {
        rule: {to for to in Status if Alerts(rule).is_wanted(change(to=to))} for rule in NotifyRule
    }

    assert told[NotifyRule.FAILURE] == told[NotifyRule.LATE] == {Status.FAILURE}
    assert told[NotifyRule.SETTLED] == {Status.FAILURE, Status.SUCCESS}
    assert told[NotifyRule.ANY] == set(Status)


def test_a_failure_is_told_with_id_name_states_and_how_long_it_took() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    started = START - timedelta(minutes=41, seconds=12)
    failed = instance(1, "Failure", started_time=ms(started), finished_time=ms(START))
    alerts.changed(change(), failed, 0.0, is_ours=True)

    assert alerts.take(GATHER_SECONDS - 0.1) is None
    assert alerts.latest is None
    message = alerts.take(GATHER_SECONDS)

    text = "1 failed: dwd_table_1 (1) Running -> Failure after 41m12s"
    assert message is not None
    assert message.values() == {
        "id": "1",
        "name": "dwd_table_1",
        "from": "Running",
        "to": "Failure",
        "message": text,
    }
    assert alerts.latest == Alert(1, text)
    assert alerts.due_at == inf


def test_frozen_tasks_that_are_known_of_are_told_with_a_failure_and_with_what_is_late() -> None:
    alerts = Alerts(NotifyRule.LATE)
    names = ("publish_result", "n" * 90, "third")
    alerts.changed(change(), None, 0.0, is_ours=True, frozen=names[:1])
    alerts.late(key(2), instance(2), "late by 19m", START, 0.0, frozen=names)

    message = alerts.take(inf)
    assert message is not None
    assert "dwd_table_1 (1) Running -> Failure, 1 frozen (publish_result); " in message.text
    assert f"late by 19m, 3 frozen (publish_result, {'n' * 37}..., ...)" in message.text


def note_late(alerts: Alerts, number: int = 1, **fields: object) -> None:
    said = "running 41m, usually 18m to 22m: late by 19m"
    alerts.late(key(number), instance(number, **fields), said, START, 0.0)


def test_a_late_run_is_told_to_who_asked_for_it_behind_what_failed() -> None:
    alerts = Alerts(NotifyRule.LATE)
    note_late(alerts)
    alerts.changed(change(2), None, 0.0, is_ours=True)

    message = alerts.take(inf)

    assert message is not None
    assert message.values()["id"] == "2"
    assert message.text == (
        "1 failed, 1 late: dwd_table_2 (2) Running -> Failure; "
        "dwd_table_1 (1) running 41m, usually 18m to 22m: late by 19m"
    )
    quiet = Alerts(NotifyRule.FAILURE)
    note_late(quiet)
    assert quiet.take(inf) is None
    assert quiet.latest is None


def test_of_a_late_run_a_command_is_told_its_name_made_visible_and_late_as_its_state() -> None:
    alerts = Alerts(NotifyRule.ANY)
    note_late(alerts, name="x\x1b[2J\n" + "y" * 400)

    message = alerts.take(inf)

    assert message is not None
    assert (message.values()["from"], message.values()["to"]) == ("Running", "late")
    assert "\x1b" not in message.values()["name"]
    assert message.text.startswith("1 late: x")
    assert message.text.endswith("late by 19m")
    assert all(is_harmless(char) for char in message.text)


def test_a_run_that_goes_on_again_by_now_has_no_duration() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    alerts.changed(change(), instance(1, "Running", started_time=ms(START)), 0.0, is_ours=True)

    message = alerts.take(inf)

    assert message is not None
    assert message.text == "1 failed: dwd_table_1 (1) Running -> Failure"


def test_fifty_changes_of_one_round_are_one_message_of_300_characters_failures_first() -> None:
    alerts = Alerts(NotifyRule.SETTLED)
    for number in range(1, 51):
        to = "Failure" if number == 50 else "Success"
        alerts.changed(change(number, to), None, number * 0.1, is_ours=True)
        assert alerts.take(number * 0.1) is None

    message = alerts.take(50 * 0.1 + GATHER_SECONDS)

    assert message is not None
    assert message.text.startswith("49 finished, 1 failed: dwd_table_50 (50) Running -> Failure; ")
    assert message.text.endswith(" more")
    assert len(message.text) <= MAX_TEXT
    assert message.values()["id"] == "50"
    assert alerts.latest is not None
    assert alerts.latest.number == 1
    assert alerts.take(inf) is None


def test_changes_without_an_end_are_told_all_the_same() -> None:
    alerts = Alerts(NotifyRule.ANY)
    now = 0.0
    while alerts.take(now) is None:
        alerts.changed(change(int(now) + 1, "Running"), None, now, is_ours=True)
        now += 1.0

    assert now <= LONGEST_SECONDS + 1.0


def test_of_one_instance_the_last_change_is_told() -> None:
    alerts = Alerts(NotifyRule.ANY)
    alerts.changed(change(to="Running", was="WaitTime"), None, 0.0, is_ours=True)
    alerts.changed(change(to="Success"), None, 1.0, is_ours=True)

    message = alerts.take(inf)

    assert message is not None
    assert message.text == "1 finished: dwd_table_1 (1) Running -> Success"


def test_what_another_process_recorded_rings_here_and_is_told_there() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    alerts.changed(change(1), None, 0.0, is_ours=False)
    assert alerts.take(inf) is None
    assert alerts.latest is not None
    assert "dwd_table_1" in alerts.latest.text

    alerts.changed(change(1), None, 0.0, is_ours=False)
    alerts.changed(change(2), None, 0.0, is_ours=True)
    message = alerts.take(inf)

    assert message is not None
    assert message.text == "1 failed: dwd_table_2 (2) Running -> Failure"
    assert alerts.latest.text.startswith("2 failed: ")


def test_lost_contact_and_its_return_are_told_under_every_rule() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    alerts.say("No contact for 5 minutes (unreachable).", 0.0)
    lost = alerts.take(inf)
    assert lost is not None
    assert lost.values()["message"] == "No contact for 5 minutes (unreachable)."
    assert lost.values()["id"] == ""

    alerts.say("Contact is back after 9 minutes: 1 failed.", 0.0)
    alerts.changed(change(), None, 0.5, is_ours=True)
    back = alerts.take(inf)

    assert back is not None
    assert back.text == (
        "Contact is back after 9 minutes: 1 failed. 1 failed: dwd_table_1 (1) Running -> Failure"
    )


def test_a_rerun_that_failed_unseen_says_so() -> None:
    text = sentence([], [AlertNews(change(was="Failure", is_rerun=True))])

    assert text == "1 failed: dwd_table_1 (1) Failure -> Failure (re-run)"


@given(
    st.lists(st.text(max_size=200), max_size=3),
    st.lists(st.tuples(st.text(max_size=400), st.text(max_size=60)), max_size=60),
)
def test_no_text_makes_a_message_long_or_harmful(
    said: list[str], given_texts: list[tuple[str, str]]
) -> None:
    alerts = Alerts(NotifyRule.ANY)
    for text in said:
        alerts.say(text, 0.0)
    for number, (name, word) in enumerate(given_texts, 1):
        alerts.changed(change(number, word, word, name), None, 0.0, is_ours=True)

    message = alerts.take(inf)

    assert (message is None) == (not said and not given_texts)
    if message is not None:
        assert all(map(is_harmless, "".join(message.values().values())))
        assert len(message.text) <= MAX_TEXT
