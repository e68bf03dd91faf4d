import json
import re
import signal
import time
from collections import Counter

import pytest
from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

FOLLOWED = DEMO_IDS[1]
CONFIG = '[notify]\nosc = "9"\n'


def workflow_of(simulator: Simulator, number: int) -> list[str]:
    record = simulator.population.record(number, SystemClock().now())
    assert record is not None
    return ["--project", str(record["ProjectId"]), "--workflow", str(record["WorkflowId"])]


SOON = "import wfinspect.watching.follows as f; f.EXPECTED_SECONDS = 1.0"


def test_a_new_run_of_a_followed_workflow_joins_and_rings_when_it_fails(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    words = workflow_of(simulator, FOLLOWED)
    simulator.set_status(FOLLOWED, "Running")
    simulator.population.vanish(FOLLOWED)
    followed = home.run("follow", *words)
    assert (followed.returncode, "at most 750 of the day's 3,000 calls" in followed.stderr) == (
        0,
        True,
    )
    # Of a search that matches no run, such as that of a new workflow, no name is known.
    titles, line = home.run("follow", "list").stdout.splitlines()
    assert (titles.split(), words[3] in line) == (["N", "FOLLOWED", "KEEP"], True)
    with home.start(config=CONFIG, patch=SOON) as app:
        app.wait_until(lambda: bool(simulator.calls.latest), "a look")
        app.wait_for("Nothing is watched yet")
        simulator.population.restore(FOLLOWED)
        app.wait_for(f"W [^ ] dwd_trade_order_di[^\\n]*{FOLLOWED}  Running")
        app.press("enter")
        app.wait_for("its workflow is followed, W stops that")
        app.press("escape")
        simulator.set_status(FOLLOWED, "Failure")
        app.wait_for_bell()
        app.wait_for_announcement("dwd_trade_order_di .* Running -> Failure")
        # Taken off by hand, it is not brought back.
        app.press("x")
        app.wait_for("Nothing is watched yet")
        looks = len(simulator.calls.latest)
        app.wait_until(lambda: len(simulator.calls.latest) >= looks + 2, "two more looks")
        assert "Nothing is watched yet" in app.text()
        app.quit()


@pytest.mark.parametrize("way", ["x", "u", "list remove"])
def test_what_was_listed_before_it_was_followed_stays_removed(
    home: Home, simulator: Simulator, way: str
) -> None:
    home.hurry()
    simulator.set_status(FOLLOWED, "Running")
    with home.start(patch=SOON) as app:
        app.wait_for("Nothing is watched yet")
        app.press(*str(FOLLOWED), "enter")
        app.wait_for("not watched")
        app.press("w", "escape")
        app.wait_until(lambda: str(FOLLOWED) in home.run("list").stdout, "a row")
        home.run("follow", *workflow_of(simulator, FOLLOWED))
        app.wait_for(f"W [^ ] dwd_trade_order_di[^\\n]*{FOLLOWED}  Running")
        if way in {"x", "u"}:
            app.press(way)
        else:
            assert home.run("list", "remove", FOLLOWED).returncode == 0
        app.wait_for("Removed|removed|Unwatched")
        # What was looked up and added goes as it came.
        app.press("escape")
        app.wait_for("Followed: new runs of these join the list")
        looks = len(simulator.calls.latest)
        app.wait_until(lambda: len(simulator.calls.latest) >= looks + 2, "two more looks")
        assert "Followed: new runs of these join the list" in app.text()
        home.run("list", "add", FOLLOWED)
        app.wait_for(f"{FOLLOWED}  Running")
        app.quit()


def test_what_failed_before_it_was_seen_is_notified_of_once(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    assert home.run("follow", *workflow_of(simulator, FOLLOWED)).returncode == 0
    simulator.set_status(FOLLOWED, "Failure")
    with home.start(config=CONFIG, patch=SOON) as app:
        app.wait_for_bell()
        app.wait_for_announcement("dwd_trade_order_di .* new -> Failure")
        app.quit()
    with home.start(config=CONFIG, patch=SOON) as again:
        again.wait_for("live")
        again.wait_for("1 unseen")
        again.quit()
        assert again.bells == 0
    with home.start("follow", "remove", "1") as remove:
        remove.wait_for("Remove the rows that came by it, too \\(1\\)")
        remove.press("y", "enter")
        remove.wait_for(r"No longer followed: 1 \(workspace=\d+ workflow=\d+\). Its row was")
        assert remove.wait_exit() == 0
    assert home.run("list", "-o", "json").stdout.strip() == "[]"


def test_of_two_processes_one_looks_and_both_see(home: Home, simulator: Simulator) -> None:
    words = workflow_of(simulator, FOLLOWED)
    simulator.set_status(FOLLOWED, "Running")
    simulator.population.vanish(FOLLOWED)
    assert home.run("follow", *words).returncode == 0
    often = (
        f"{SOON}; f.EXPECTED_SECONDS = 0.3; import wfinspect.watching.limits as l, wfinspect.watching.lookups as k;"
        "l.RateLimiter.ready_at = lambda self, at: at; k._POLLS_TURN_SECONDS = 0.0"
    )
    with home.start(patch=often) as app, home.start("watch", "--forever", patch=often) as watch:
        app.wait_for("Followed: new runs of these join the list")
        app.wait_until(lambda: len(simulator.calls.latest) > 8, "the first looks of both")
        before, since = len(simulator.calls.latest), time.monotonic()
        app.wait_until(lambda: len(simulator.calls.latest) >= before + 20, "more looks")
        # Late in the evening of the region runs of two dates may come, each with looks of its own.
        made = Counter(each.parameters["BizDate"] for each in [*simulator.calls.latest][before:])
        # However slow the machine is: one look in the time of one, and a few that were on their way.
        assert max(made.values()) <= (time.monotonic() - since) / (0.9 * 0.3) + 2
        simulator.population.restore(FOLLOWED)
        app.wait_for(f"{FOLLOWED}  Running")
        watch.wait_for(f"{FOLLOWED}  -> Running")
        app.quit()
        watch.press("ctrl+c")
        assert watch.wait_exit() == 130


def test_a_workflow_that_another_follow_covers_is_not_followed_twice(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FOLLOWED, "Running")
    home.run("follow", "--project", 88123, "--name", "dwd_trade")
    with home.start(FOLLOWED) as app:
        app.wait_for("1 followed")
        app.wait_for("Running  dwd_trade_order_di")
        app.wait_for(r"workspace=88123 name=dwd_trade\s+is\s+followed\s")
        app.press("W")
        app.wait_for(r"dwd_trade_order_di is followed already, by workspace=88123\s+name=dwd_trade")
        app.quit()
    home.run("follow", "--project", 88123, "--workflow", 2261040, "--env", "Prod")
    with home.start(FOLLOWED) as app:
        app.wait_for("2 followed")
        # It is on the list by now, and opened all the same.
        app.wait_for("its workflow is followed, W stops that")
        app.press("W")
        app.wait_for("End the follow of dwd_trade_order_di,")
        app.press("enter")
        app.wait_for(r"Runs of it are still followed by")
        app.quit()


def test_a_row_is_followed_noted_and_let_go_by_keys(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FOLLOWED, "Running")
    with home.start(FOLLOWED) as app:
        app.wait_for("Running  dwd_trade_order_di")
        app.press("W")
        app.wait_for("Following dwd_trade_order_di: its new runs join the list, W stops that")
        app.press("r")
        app.wait_for("1 followed")
        # Also of the row that was there before.
        app.wait_for("its workflow is followed, W stops that")
        app.wait_until(lambda: "workflow=2261040" in home.run("follow", "list").stdout, "a follow")
        app.press("i")
        app.wait_for(f"Note about dwd_trade_order_di {FOLLOWED}")
        app.press("called the owner", "enter")
        app.wait_gone("Note about")
        app.wait_for("Note kept, u undoes it.")
        app.wait_for("Note: called the owner")
        app.press("i")
        app.wait_for("Enter keep, or remove if empty")
        app.press(", twice", "enter", "u")
        app.wait_for(f"Restored the note of dwd_trade_order_di {FOLLOWED}")
        app.wait_for("Note: called the owner *\n")
        app.press("W")
        app.wait_for("End the follow of dwd_trade_order_di,")
        app.press("enter")
        app.wait_for("Not followed any more, u follows it again")
        app.wait_until(lambda: home.run("follow", "list").stdout == "", "the end of the follow")
        # Followed once more, u takes that back first, and then the end before it.
        app.press("W")
        app.wait_until(lambda: "workflow=2261040" in home.run("follow", "list").stdout, "a follow")
        app.press("u")
        app.wait_for(r"Not followed any more: workspace=\d+\s+workflow=2261040")
        app.wait_until(lambda: home.run("follow", "list").stdout == "", "the follow undone")
        app.press("u")
        app.wait_for("Restored the follow")
        app.wait_until(
            lambda: home.run("follow", "list").stdout.count("workflow=2261040") == 1, "one follow"
        )
        # Of a single follow there is nothing to narrow.
        app.press(":")
        app.wait_for(f"Commands for dwd_trade_order_di {FOLLOWED}")
        app.press(*"is followed", "enter")
        app.wait_for("What is followed")
        assert "type to narrow" not in app.text()
        app.press("enter")
        app.wait_for("End the follow of dwd_trade_order_di,")
        app.press("enter")
        app.wait_until(lambda: home.run("follow", "list").stdout == "", "the end of the follow")
        app.quit()
    with home.start() as again:
        again.wait_for("dwd_trade_order_di")
        again.press("enter")
        again.wait_for("called the owner")
        again.quit()


def test_a_follow_is_checked_first_and_can_be_changed(home: Home, simulator: Simulator) -> None:
    words = workflow_of(simulator, FOLLOWED)
    refused = home.run("follow", "--project", "1", *words[2:])
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Not followed" in refused.stderr
    first = home.run("follow", "add", *words)
    assert "No run" not in first.stderr
    assert first.stdout == f"1  workspace={words[1]} workflow={words[3]}  keep=3d\n"
    assert "Followed already, as 1." in home.run("follow", *words).stderr
    changed = home.run("follow", *words, "--by", "07:30")
    assert changed.stdout == f"1  workspace={words[1]} workflow={words[3]}  keep=3d by=07:30\n"
    assert "Changed" in changed.stderr
    # The times beside it are in UTC.
    assert "due by 07:30 UTC+8, the zone of cn-shanghai." in changed.stderr
    cleared = home.run("follow", *words, "--by", "none")
    assert (cleared.stdout, "UTC" in cleared.stderr) == (first.stdout, False)
    assert "Changed: 1 has keep=3d now." in cleared.stderr
    home.run("follow", *words, "--keep", "5", "--by", "7:30")
    simulator.faults.add("html")
    unchecked = home.run("follow", *words[:2], "--name", "dwd")
    assert (unchecked.returncode, "not checked" in unchecked.stderr) == (0, True)
    follows = json.loads(home.run("follow", "list", "--json").stdout)
    named = "number", "by", "by_zone", "keep_days", "name"
    assert [tuple(each[key] for key in named) for each in follows] == [
        (1, "07:30", "Asia/Shanghai", 5, "dwd_trade_order_di"),
        (2, None, None, 3, None),
    ]
    for zone, by in (("UTC", "  07:30 UTC+8"), ("Asia/Singapore", "  07:30")):
        listed = home.run("follow", "list", "--time-zone", zone).stdout.splitlines()
        assert (listed[1].endswith(by), listed[2].split()[-1]) == (True, "-")
    first_line = home.run("follow", "list").stdout.splitlines()[1]
    assert first_line.split()[:2] == ["1", "dwd_trade_order_di"]
    assert ".0" not in home.run("follow", "list", "--json").stdout.replace("127.0.0.1", "")
    both = f"1 (dwd_trade_order_di workspace={words[1]} workflow={words[3]}), 2 (workspace={words[1]} name=dwd)"
    how = "wfinspect follow remove 1"
    # By what it was followed by, too, where that is one.
    for given, said in (
        ((), f"an ID or a name. Followed: {both}. To end one: {how}"),
        (("WD",), f"WD matches 2 follows: {both}. To end one: {how}"),
        (("nothing",), f"nothing matches no follow. Followed: {both}. To end one: {how}"),
        (("1", "7"), f"There is no follow 7. Followed: {both}. To end one: {how}"),
        (("workflow=" + words[3][:-1],), "matches no follow"),
        (("1", "trade"), "1 trade matches no follow"),
        (("worksapce=1",), "did you mean workspace?"),
    ):
        refused = home.run("follow", "remove", *given)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    for given in (["wd", "trade"], words, ["project=" + words[1], "workflow=" + words[3]]):
        home.run("follow", *words)
        ended = home.run("follow", "remove", *given)
        assert (ended.returncode, "workflow=" in ended.stderr) == (0, True), ended.stderr
    # As it was followed, and a whole name, before what has more.
    for less, more in ((["dwd"], ["dwd", "status=Failure"]), (["2026"], ["20261"])):
        for given in (more, less):
            home.run("follow", *words[:2], *given)
        for given in (less, more):
            ended = home.run("follow", "remove", *words[:2], *given)
            assert (ended.returncode, given[-1] + ")" in ended.stderr) == (0, True), ended.stderr
    assert home.run("follow", "list", "--json").stdout == "[]\n"
    assert "Nothing is followed" in home.run("follow", "remove", "dwd").stderr


def test_the_workflow_of_an_instance_is_followed_by_its_id(
    home: Home, simulator: Simulator
) -> None:
    words = workflow_of(simulator, FOLLOWED)
    followed = home.run("follow", FOLLOWED, "--by", "07:30")
    query = f"workspace={words[1]} workflow={words[3]} env=Prod"
    assert followed.stdout == f"1  {query}  keep=3d by=07:30\n"
    assert simulator.calls.count() == 1
    assert "dwd_trade_order_di" in home.run("follow", "list").stdout
    unknown = home.run("follow", 10999999999)
    assert (unknown.returncode, "10999999999" in unknown.stderr) == (5, True)
    # Its follow is named in the same ways.
    assert home.run("follow", "remove", 10999999999).returncode == 5
    other = home.run("follow", "remove", DEMO_IDS[0])
    assert (other.returncode, "matches no follow" in other.stderr) == (2, True)
    assert home.run("follow", "remove", FOLLOWED).returncode == 0
    assert home.run("follow", "list").stdout == ""
    # One without the environment is its own, too; one of another is not. What is stored is not asked for.
    home.run("follow", *words, "--env", "Dev")
    home.run("follow", *words)
    home.run("list", "add", FOLLOWED)
    with home.start() as app:
        app.wait_for("dwd_trade_order_di")
        app.quit()
    simulator.population.vanish(FOLLOWED)
    calls = simulator.calls.count()
    ended = home.run("follow", "remove", FOLLOWED)
    assert (ended.returncode, simulator.calls.count() - calls) == (0, 0), ended.stderr
    assert "env=Dev" in home.run("follow", "list").stdout
    home.run("follow", "remove", "env=dev")
    simulator.population.restore(FOLLOWED)
    home.run("follow", FOLLOWED)
    for others in (["ads"], ["--project", "88123"]):
        mixed = home.run("follow", FOLLOWED, *others)
        assert (mixed.returncode, "give it alone" in mixed.stderr) == (2, True)


def test_words_are_followed_as_they_are_found(home: Home) -> None:
    by_words = home.run("follow", "workspace=90211", "ads", "status=fail", "tag=pii")
    assert by_words.stdout == "1  workspace=90211 name=ads status=Failure tag=pii  keep=3d\n"
    mixed = home.run("follow", "--workspace", 90211, "ads", "--by", "07:30")
    assert mixed.stdout == "2  workspace=90211 name=ads  keep=3d by=07:30\n"
    digits = home.run("follow", "workspace=90211", "2026").stdout
    assert digits == "3  workspace=90211 name=2026  keep=3d\n"
    tags = home.run("follow", "workspace=90211", "tag=team:x", "tag=pii", "tag=team:x")
    assert tags.stdout == "4  workspace=90211 tag=pii tag=team:x  keep=3d\n"
    again = home.run("follow", "--project", 90211, "--tag", "pii", "tag=team:x", "--by", "7:30")
    assert "Changed: 4 has keep=3d by=07:30 now." in again.stderr
    rows = json.loads(home.run("list", "export").stdout)
    rows[3]["filters"]["tags"].reverse()
    brought = home.run("list", "import", home.write("list.json", json.dumps(rows)))
    assert "follow" not in brought.stderr
    hint = home.run("follow", "workspace=90211", "failed").stderr
    assert "did you mean status=Failure?" in hint
    for word in ("ctr", "!ads", "name=ctr", "date=today"):
        refused = home.run("follow", "workspace=90211", "ads", word)
        assert (refused.returncode, f"{word.split('=')[0]}" in refused.stderr) == (2, True)
        assert "can't be followed" in refused.stderr


def test_filters_that_match_no_run_of_yesterday_are_named(home: Home) -> None:
    typo = home.run("follow", "--project", "88123", "--workflow", "999")
    assert re.search(
        r"No run of business date [\d-]+ matches\. If you expected one, check the filters\.",
        typo.stderr,
    )
    assert typo.returncode == 0


def test_a_tag_is_followed_by_its_key_alone(home: Home) -> None:
    home.hurry()
    refused = home.run("follow", "--project", "88123", "--owner", "bob")
    assert (refused.returncode, "'bob' is not an account ID" in refused.stderr) == (2, True)
    followed = home.run("follow", "--project", "88123", "--tag", "pii")
    assert "No run" not in followed.stderr
    assert followed.stdout.split()[1:3] == ["workspace=88123", "tag=pii"]
    with home.start(patch=SOON) as app:
        app.wait_for("ods_pay_bill_di")
        assert "dwd_" not in app.text()
        app.quit()


OFTEN = f"{SOON}; f.EXPECTED_SECONDS = 1.0; import wfinspect.simulator.fleet as g; g._EVERY_SECONDS = 2.0"


def test_a_new_run_joins_the_demo(home: Home) -> None:
    with home.start("demo", patch=OFTEN) as app:
        for number in DEMO_IDS:
            app.wait_for(str(number))
        app.wait_for(r"dws_shop_uv_hh *105000000\d\d")
        app.quit()


KILLED = "lambda *_: os.kill(os.getpid(), 9)"


@pytest.mark.parametrize(
    "patch",
    [
        f"import os; from wfinspect.watching import poller as p; p.Poller.start = {KILLED}",
        f"import os; from wfinspect import settings as s; s.replace_private = {KILLED}",
        "",
    ],
    ids=["before the first poll", "before it is whole", "without a terminal"],
)
def test_the_demo_has_its_whole_list_also_after_a_start_that_failed(home: Home, patch: str) -> None:
    if patch:
        with home.start("demo", patch=patch) as app:
            assert app.wait_exit() == -signal.SIGKILL
    else:
        assert home.run("demo").returncode == 2
    with home.start("demo") as app:
        for number in DEMO_IDS:
            app.wait_for(str(number))
        app.wait_for("[^0-9]1 followed")
        app.quit()


def test_a_followed_run_is_late_for_its_deadline(home: Home, simulator: Simulator) -> None:
    words = workflow_of(simulator, FOLLOWED)
    simulator.set_status(FOLLOWED, "Running")
    # The day after the business date has begun, in the region.
    assert home.run("follow", *words, "--by", "00:00").returncode == 0
    with home.start(patch=SOON) as app:
        app.wait_for(rf"{FOLLOWED}  Running .*late for 00:00 UTC\+8")
        app.quit()
    with home.start("--time-zone", "Asia/Shanghai", patch=SOON) as app:
        app.wait_for(rf"{FOLLOWED}  Running .*late for 00:00(?! UTC)")
        simulator.set_status(FOLLOWED, "Success")
        app.wait_gone("late for")
        app.quit()
