import json
import os
import re
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf
from pathlib import Path

import pytest
from fakes import START, change, instance, key, ms
from hypothesis import given
from hypothesis import strategies as st
from readme_blocks import PAGES
from values import replace

from wfinspect.clock import Moment
from wfinspect.format import is_harmless
from wfinspect.model import Status, TaskInstance
from wfinspect.settings import NotifyRule
from wfinspect.watching.api import Alert, Health, Notice, Outlook, Row, Snapshot
from wfinspect.watching.notifications import (
    GATHER_SECONDS,
    LONGEST_SECONDS,
    MAX_TEXT,
    AlertNews,
    Alerts,
    Announcement,
    Messenger,
    NoticeReader,
    filled,
    scrubbed,
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
    alerts.changed(change(), Row(key(1), failed), 0.0, is_ours=True)

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
    frozen = tuple(
        TaskInstance(i, task_name=name, status="NotRun", trigger_recurrence="Pause")
        for i, name in enumerate(names)
    )
    few = Row(key(1), outlook=Outlook(foremost=frozen[:1]))
    alerts.changed(change(), few, 0.0, is_ours=True)
    all_of_them = Row(key(2), outlook=Outlook(foremost=frozen))
    alerts.late(all_of_them, instance(2), "late by 19m", Moment(0.0, START))

    message = alerts.take(inf)
    assert message is not None
    assert "dwd_table_1 (1) Running -> Failure, 1 frozen (publish_result); " in message.text
    assert f"late by 19m, 3 frozen (publish_result, {'n' * 37}..., ...)" in message.text


def note_late(alerts: Alerts, number: int = 1, **fields: object) -> None:
    said = "running 41m, usually 18m to 22m: late by 19m"
    alerts.late(Row(key(number)), instance(number, **fields), said, Moment(0.0, START))


def test_a_late_run_is_told_to_who_asked_for_it_behind_what_failed() -> None:
    alerts = Alerts(NotifyRule.LATE)
    note_late(alerts)
    alerts.changed(change(2), Row(key(1)), 0.0, is_ours=True)

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
    alerts.changed(
        change(), Row(key(1), instance(1, "Running", started_time=ms(START))), 0.0, is_ours=True
    )

    message = alerts.take(inf)

    assert message is not None
    assert message.text == "1 failed: dwd_table_1 (1) Running -> Failure"


def test_fifty_changes_of_one_round_are_one_message_of_300_characters_failures_first() -> None:
    alerts = Alerts(NotifyRule.SETTLED)
    for number in range(1, 51):
        to = "Failure" if number == 50 else "Success"
        alerts.changed(change(number, to), Row(key(1)), number * 0.1, is_ours=True)
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
        alerts.changed(change(int(now) + 1, "Running"), Row(key(1)), now, is_ours=True)
        now += 1.0

    assert now <= LONGEST_SECONDS + 1.0


def test_of_one_instance_the_last_change_is_told() -> None:
    alerts = Alerts(NotifyRule.ANY)
    alerts.changed(change(to="Running", was="WaitTime"), Row(key(1)), 0.0, is_ours=True)
    alerts.changed(change(to="Success"), Row(key(1)), 1.0, is_ours=True)

    message = alerts.take(inf)

    assert message is not None
    assert message.text == "1 finished: dwd_table_1 (1) Running -> Success"


def test_what_another_process_recorded_rings_here_and_is_told_there() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    alerts.changed(change(1), Row(key(1)), 0.0, is_ours=False)
    assert alerts.take(inf) is None
    assert alerts.latest is not None
    assert "dwd_table_1" in alerts.latest.text

    alerts.changed(change(1), Row(key(1)), 0.0, is_ours=False)
    alerts.changed(change(2), Row(key(1)), 0.0, is_ours=True)
    message = alerts.take(inf)

    assert message is not None
    assert message.text == "1 failed: dwd_table_2 (2) Running -> Failure"
    assert alerts.latest.text.startswith("2 failed: ")


def test_what_this_process_claimed_is_told_here_though_another_recorded_it_as_well() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    failed = change(1)
    later = failed.at + timedelta(seconds=1)
    theirs = replace(failed, at=later, seen_by=later)
    alerts.changed(failed, Row(key(1)), 0.0, is_ours=True)
    alerts.changed(theirs, Row(key(1)), 0.1, is_ours=False)
    message = alerts.take(inf)
    assert message is not None
    assert message.text == "1 failed: dwd_table_1 (1) Running -> Failure"

    again = replace(failed, event="another")
    alerts.changed(failed, Row(key(1)), 0.0, is_ours=True)
    alerts.changed(again, Row(key(1)), 0.1, is_ours=False)
    assert alerts.take(inf) is None


def test_lost_contact_and_its_return_are_told_under_every_rule() -> None:
    alerts = Alerts(NotifyRule.FAILURE)
    alerts.say("No contact for 5 minutes (unreachable).", 0.0)
    lost = alerts.take(inf)
    assert lost is not None
    assert lost.values()["message"] == "No contact for 5 minutes (unreachable)."
    assert lost.values()["id"] == ""

    alerts.say("Contact is back after 9 minutes.", 0.0)
    alerts.changed(change(), Row(key(1)), 0.5, is_ours=True)
    back = alerts.take(inf)

    assert back is not None
    assert back.text == (
        "Contact is back after 9 minutes. 1 failed: dwd_table_1 (1) Running -> Failure"
    )


def test_a_rerun_that_failed_unseen_says_so() -> None:
    text = sentence([], [AlertNews(change(was="Failure", is_rerun=True))])

    assert text == "1 failed: dwd_table_1 (1) Failure again"


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
        alerts.changed(change(number, word, word, name), Row(key(1)), 0.0, is_ours=True)

    message = alerts.take(inf)

    assert (message is None) == (not said and not given_texts)
    if message is not None:
        assert all(map(is_harmless, "".join(message.values().values())))
        assert len(message.text) <= MAX_TEXT


MESSAGE = Announcement("1 failed: dwd_table_1 (1) Running -> Failure", change())
RECORD = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    kept = {k: v for k, v in os.environ.items() if k.startswith(("WFINSPECT_", "PATH", "ALIBABA"))}
    file.write(json.dumps([sys.argv[2:], kept, sys.stdin.read()]) + "\\n")
print("out of the way")
"""


def recording(path: Path, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", RECORD, str(path), *arguments)


def finish(messenger: Messenger) -> None:
    while (thread := messenger._thread) is not None:
        thread.join(20)


def test_the_command_gets_its_values_as_arguments_and_in_the_environment(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = {"PATH": os.environ["PATH"], "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary"}
    command = recording(tmp_path / "told", "{id}", "{from}>{to}", '{"text": "{message}"}', "{none}")

    assert Messenger(command, environ).run(MESSAGE) == ""

    arguments, seen, stdin = json.loads((tmp_path / "told").read_text())
    assert arguments == ["1", "Running>Failure", f'{{"text": "{MESSAGE.text}"}}', "{none}"]
    assert seen == {
        "PATH": os.environ["PATH"],
        "WFINSPECT_ID": "1",
        "WFINSPECT_NAME": "dwd_table_1",
        "WFINSPECT_FROM": "Running",
        "WFINSPECT_TO": "Failure",
        "WFINSPECT_MESSAGE": MESSAGE.text,
    }
    assert stdin == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALICLOUD_SECRET_KEY",
        "ACCESS_KEY_ID",
        "MY_SECRET",
        "github_token",
        "SECURITY_TOKEN",
    ],
)
def test_no_key_reaches_the_command(name: str) -> None:
    assert scrubbed({name: "x", "HOME": "/h", "HTTPS_PROXY": "p"}) == {
        "HOME": "/h",
        "HTTPS_PROXY": "p",
    }


@given(st.text())
def test_a_name_never_poses_as_an_option_or_a_file(name: str) -> None:
    values = Announcement("m", change(name=name)).values()

    for argument in filled(("tell", "{name}", "{name}{to}"), values)[1:]:
        assert argument[:1] not in {"-", "@"}


def test_what_the_user_wrote_stays_as_it_is() -> None:
    assert filled(("{id}", "-d", "@file", "--title={name}"), MESSAGE.values()) == [
        "{id}",
        "-d",
        "@file",
        "--title=dwd_table_1",
    ]


def test_messages_are_told_one_after_the_other_and_nobody_waits(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = f"import sys\nif sys.argv[2] == 'one': open({str(gate)!r}).read()\n{RECORD}"
    command = (sys.executable, "-c", script, str(tmp_path / "told"), "{message}")
    messenger = Messenger(command, os.environ, timeout=20)
    for text in ("one", "two"):
        messenger.send(Announcement(text))
    assert not (tmp_path / "told").exists()

    with gate.open("w"):
        pass
    finish(messenger)

    told = [json.loads(line)[0] for line in (tmp_path / "told").read_text().splitlines()]
    assert told == [["one"], ["two"]]
    assert messenger.take_trouble() == ""


def test_a_failure_is_said_once_until_the_command_succeeds_again(tmp_path: Path) -> None:
    flag = tmp_path / "works"
    script = f"import os, sys; sys.exit(not os.path.exists({str(flag)!r}))"
    messenger = Messenger((sys.executable, "-c", script), os.environ)

    def tell() -> str:
        messenger.send(MESSAGE)
        finish(messenger)
        return messenger.take_trouble()

    assert tell() == f"The notification command {sys.executable} failed with exit code 1."
    assert tell() == ""
    flag.touch()
    assert tell() == ""
    flag.unlink()
    assert "exit code 1" in tell()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "missing", "No such file"),
        (lambda p: p, "Permission denied"),
    ],
)
def test_a_command_that_cannot_run_is_a_sentence(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    assert words in Messenger((str(make(tmp_path)),), os.environ).run(MESSAGE)


def test_a_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    # Its child holds the other end of the pipe, which reads as closed once everybody is gone.
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = (
        f"import os, subprocess, sys; f = os.open({str(fifo)!r}, os.O_WRONLY);"
        "os.set_inheritable(f, True);"
        "subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'], close_fds=False)"
    )
    messenger = Messenger((sys.executable, "-c", script), os.environ, timeout=1.0)

    assert "took over 1 s: killed" in messenger.run(MESSAGE)

    os.set_blocking(held, True)
    assert os.read(held, 1) == b""
    os.close(held)


def test_closing_kills_what_hangs_and_drops_what_waits() -> None:
    messenger = Messenger(
        (sys.executable, "-c", "import signal; signal.pause()"), os.environ, timeout=60
    )
    messenger.send(MESSAGE)
    messenger.send(MESSAGE)
    thread = messenger._thread

    messenger.close()

    assert isinstance(thread, threading.Thread)
    thread.join(10)
    assert not thread.is_alive()


def test_without_a_command_nothing_is_started() -> None:
    messenger = Messenger((), {})
    messenger.send(MESSAGE)
    messenger.close()

    assert messenger._thread is None


@pytest.mark.parametrize(
    ("script", "body", "refusal"),
    [
        (
            "dingtalk",
            {"msgtype": "text", "text": {"content": "wfinspect: <a> & \"b'$(id)`\\ -> Failure"}},
            (200, {"errcode": 310000, "errmsg": "keywords not in content"}),
        ),
        (
            "slack",
            {"text": "wfinspect: &lt;a&gt; &amp; \"b'$(id)`\\ -&gt; Failure"},
            (403, "invalid_token"),
        ),
    ],
)
def test_a_script_of_the_help_page_posts_any_name_as_json(
    tmp_path: Path, script: str, body: object, refusal: tuple[int, object]
) -> None:
    page = PAGES["notify"].read_text("utf-8")
    [text] = re.findall(rf"<!-- script: {script} -->\n```python\n(.*?)```", page, re.DOTALL)
    file = tmp_path / script
    file.write_text(text)
    file.chmod(0o755)
    url = tmp_path / ".config" / "wfinspect" / f"{script}-url"
    url.parent.mkdir(parents=True)
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    messenger = Messenger((str(file),), environ)
    message = Announcement("<a> & \"b'$(id)`\\ -> Failure")
    answers: list[tuple[int, object]] = [(200, {"errcode": 0}), refusal]
    posted: list[tuple[str, object]] = []

    class Robot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            posted.append((self.path, json.loads(self.rfile.read(length))))
            code, answer = answers[len(posted) - 1]
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Robot) as server:
        url.write_text(f"http://127.0.0.1:{server.server_port}/robot?access_token=x\n")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert messenger.run(message) == ""
            assert "exit code 1" in messenger.run(message)
        finally:
            server.shutdown()
            thread.join()

    assert posted == [("/robot?access_token=x", body)] * 2


def test_a_bug_while_telling_is_said_and_the_next_message_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()
    messenger = Messenger(["true"], {})

    def broken(_: Announcement) -> str:
        told.set()
        raise ZeroDivisionError

    monkeypatch.setattr(messenger, "run", broken)
    for _ in range(2):
        told.clear()
        messenger.send(MESSAGE)
        assert told.wait(10)
    finish(messenger)
    assert messenger.take_trouble() == "The notification command was not run: ZeroDivisionError."


def test_a_notice_is_given_once_however_many_snapshots_hold_it() -> None:
    one, two = Notice(1, "one"), Notice(2, "two")
    reader = NoticeReader()

    assert reader.new(Snapshot(notices=(one,))) == [one]
    assert reader.new(Snapshot(notices=(one,))) == []
    assert reader.new(Snapshot(notices=(one, two))) == [two]


def test_trouble_with_the_store_is_given_once_for_each_cause_until_it_is_over() -> None:
    well = Snapshot()
    full, locked = (
        replace(well, health=Health(contact=well.health.contact, store_trouble=cause))
        for cause in ("full", "locked")
    )
    reader = NoticeReader()
    given = [reader.new(each) for each in (full, full, locked, full, well, full)]

    assert [[notice.text for notice in each] for each in given] == [
        ["full"],
        [],
        ["locked"],
        [],
        [],
        ["full"],
    ]
