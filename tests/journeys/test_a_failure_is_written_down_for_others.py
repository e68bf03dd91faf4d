"""A failure is written down for others: by a command, by a key, with the next step to take by hand."""

import base64
import json
import re
import stat

from journey import Home, Session

from wfinspect.dataworks.transport import READ_ONLY
from wfinspect.simulator import DEMO_IDS, Simulator

FAILED, OTHER = DEMO_IDS[:2]
CAUSE = "FAILED: ODPS-0130071"
PARAMETERS = '{"bizdate": "20261128", "db_password": "hunter2 | x"}'


def test_a_report_says_to_one_who_was_not_there_what_failed_and_why(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    simulator.population.set_fields(FAILED, {"WorkflowParameters": PARAMETERS})
    home.run("list", "add", FAILED)
    home.run("list", "note", FAILED, "waits for", "Li")

    done = home.run("report", FAILED)

    text, calls = done.stdout, simulator.calls.count()
    assert done.returncode == 0
    assert text.startswith("# ads_user_profile_daily: Failure\n")
    assert "## Failed task join_region_dim\n" in text
    assert "## Failed task clean_login_event\n" in text
    assert text.count(f"```text\n{CAUSE}") == 2  # each of them says why
    assert re.search(r"\nSince \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, ", text)
    assert "\nThese of its own tasks have not begun because of that: publish" in text
    assert "| publish_result | NotRun | ads" not in text
    assert "\nThe end of its log, times in Asia/Shanghai, UTC+8:\n" in text
    assert "\nNote: waits for Li\n" in text
    assert "\naliyun dataworks-public RerunTaskInstances --Ids " in text
    assert len(re.findall(r"\| (?:Started|Finished) \| [-\d]{10} [:\d]{8} UTC \|", text)) >= 4
    assert ("hunter2" in text, "1 value was masked" in text) == (False, True)
    assert calls <= 11
    assert len(re.findall(r"\| [0-9A-F]{8}-[0-9A-F-]{27} \|", text)) == calls
    assert done.stderr == f"wfinspect: {calls} calls were made.\n"
    with home.start() as app:
        app.wait_for("✖ .* Failure")
        app.press("e", *"markdown to a f")
        app.wait_for(rf"Export ads_user_profile_daily {FAILED} ")
        app.wait_for(r"   report, Markdown to a file +at most 9 calls, \+1 a failed task")
        app.press("enter")
        app.wait_for("Written to")
        app.quit()
    [path] = home.path.glob(f"wfinspect-{FAILED}-report-*.md")
    written = path.read_text("utf-8")
    for pattern in (r"^#+ .*$", r"^FAILED: .*$", r"^Note: .*$", r"^\| parameter .*$"):
        assert re.findall(pattern, written, re.MULTILINE) == re.findall(pattern, text, re.MULTILINE)


def test_a_report_of_the_list_reads_what_may_have_failed_since(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    simulator.set_status(OTHER, "Running")
    home.run("list", "add", FAILED, OTHER)

    done = home.run("report")

    assert done.returncode == 0
    assert done.stdout.startswith("# 1 of 2 watched instances failed, ")
    assert "\n| Name | ID | Status | Since, UTC | Failed tasks |" in done.stdout
    assert "\n## ads_user_profile_daily: Failure\n" in done.stdout
    assert f"{simulator.calls.count()} calls were made" in done.stderr
    # What has failed in a run that goes on is news, too.
    simulator.population.set_answer(FAILED, {"Status": "Running", "FinishedTime": None})
    for words, of in (
        ((), "1 of 2 watched instances"),
        (("profile",), "The 1 watched instance that matches profile"),
    ):
        before = simulator.calls.count()
        done = home.run("report", *words)
        assert done.stdout.startswith(f"# {of} runs with failed tasks, ")
        assert "\n### Failed task clean_login_event\n" in done.stdout
        assert f" {simulator.calls.count() - before} calls were made.\n" in done.stderr
    simulator.faults.add("InvalidParameter", action="ListTaskInstances")
    done = home.run("report")
    of = "0 of 2 watched instances failed, the tasks of 2 still running were not read"
    assert done.stdout.startswith(f"# {of}, ")
    simulator.stop()
    unread = home.run("report")
    assert (unread.returncode, unread.stdout) == (3, "")


def test_a_part_that_is_gone_costs_that_part(home: Home, simulator: Simulator) -> None:
    simulator.set_status(FAILED, "Failure")
    simulator.faults.add("InvalidParameter", action="ListTaskInstances")

    done = home.run("report", FAILED, "-o", "json", "--out", "report.json")

    assert (done.returncode, done.stdout) == (0, "")
    path = home.path / "report.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [report] = json.loads(path.read_text("utf-8"))
    assert (report["id"], report["status"], report["failed_tasks"]) == (FAILED, "Failure", [])
    assert "InvalidParameter" in report["missing"]["tasks"]
    assert len(report["request_ids"]) == simulator.calls.count()


def test_a_place_that_cannot_be_written_to_costs_no_call(home: Home, simulator: Simulator) -> None:
    done = home.run("report", FAILED, "--out", "nowhere/report.md")

    assert done.returncode == 2
    assert re.fullmatch(r"wfinspect: --out: .*/nowhere can't be written to\.\n", done.stderr)
    assert simulator.calls.count() == 0


LINKS = '[links]\ninstance = "https://console.example/{region}/{project}?run={id}"\n'


def copied(app: Session) -> list[str]:
    found = (re.fullmatch(r"\x1b]52;c;(.*)\x1b\\", token) for token in app.tokens())
    return [base64.b64decode(each[1]).decode() for each in found if each]


def test_the_next_step_is_copied_and_never_taken(home: Home, simulator: Simulator) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(FAILED, config=LINKS) as app:
        app.wait_for("2 failed")
        # As `?` calls it.
        app.press("Y", *"rerun command")
        # The line has no room for it: the whole of it is below.
        app.wait_for(r"Rerun +aliyun dataworks-public[\s\S]* ads_user_profile_daily \S+\s+\S*join_")
        app.press("enter")
        app.wait_until(lambda: len(copied(app)) == 1, "a copy")
        app.press("Y", *"link", "enter")
        app.wait_until(lambda: len(copied(app)) == 2, "another copy")
        app.quit()
        command, link = copied(app)
    assert command.startswith(
        "aliyun dataworks-public RerunTaskInstances "
        "--Ids '[10432987165009,10432987165007]' --region cn-shanghai --endpoint "
    )
    assert re.search(
        r" # ads_user_profile_daily 10432987165: join_region_dim, clean_\w+\Z", command
    )
    assert re.fullmatch(rf"https://console\.example/cn-shanghai/\d+\?run={FAILED}", link)
    assert {action for action, _ in simulator.calls.counts} <= set(READ_ONLY)
    got = home.run("get", FAILED).stdout
    assert f"(link) {link}" in re.sub(" +", " ", got)
