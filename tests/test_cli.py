import csv
import errno
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes import FakeClock
from run import Run

from wfinspect import __version__
from wfinspect.clock import SystemClock
from wfinspect.commands import COMMANDS
from wfinspect.settings import OPTIONS
from wfinspect.simulator import DEMO_IDS, Simulator

SECRET = "SimulatorSecretIsNoSecret00000"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=SystemClock()) as running:
        yield running


@pytest.fixture
def environ(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    places = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_STATE_HOME": str(tmp_path / "s")}
    return simulator.environment() | places | {"HOME": str(tmp_path)}


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> "Run":
    return Run(environ, capsys)


def test_an_instance_is_printed(run: Run) -> None:
    assert run("get", str(DEMO_IDS[0])) == 0

    assert f"Id                         {DEMO_IDS[0]}\n" in run.out
    assert "ads_user_profile_daily" in run.out
    assert run.err == ""


def test_several_are_a_line_each_in_the_order_asked_for(run: Run, simulator: Simulator) -> None:
    wanted = [str(i) for i in reversed(DEMO_IDS)]

    assert run("get", ",".join(wanted)) == 0

    assert [line.split()[0] for line in run.out.splitlines()] == ["ID", *wanted]
    assert simulator.calls.count() < len(wanted) + 2


def test_json_is_one_object_or_an_array(run: Run) -> None:
    run("get", str(DEMO_IDS[0]), "-o", "json")
    assert json.loads(run.out)["Id"] == DEMO_IDS[0]

    run("get", *map(str, DEMO_IDS), "--output", "json")
    assert [one["Id"] for one in json.loads(run.out)] == list(DEMO_IDS)


def test_csv_has_a_header_and_a_line_each(run: Run) -> None:
    run("get", *map(str, DEMO_IDS), "-o", "csv")

    assert [row["Id"] for row in csv.DictReader(io.StringIO(run.out))] == list(map(str, DEMO_IDS))


def test_a_field_is_printed_bare(run: Run) -> None:
    assert run("get", str(DEMO_IDS[3]), "--field", "Status") == 0

    assert run.out == "Success\n"


def test_several_fields_are_given_together_or_one_by_one(run: Run) -> None:
    one = str(DEMO_IDS[3])
    assert run("get", one, "--field", "Status", "--field", "Id", "--field", "Status") == 0
    line = run.out
    assert line == f"Success\t{one}\tSuccess\n"
    assert run("get", one, "--field", "Status, Id", "--field", "Status") == 0
    assert run.out == line
    assert run("get", one, "--field", "Status,") == 2
    assert "--field: 'Status,' has an empty name in it." in run.err


def test_a_region_that_is_new_can_be_used_with_its_endpoint(run: Run, simulator: Simulator) -> None:
    asked = ("get", str(DEMO_IDS[3]), "--region", "cn-newtown", "--endpoint", simulator.url)

    assert run(*asked, "--field", "Status") == 0


def test_a_failed_instance_is_no_failure_of_get(run: Run, simulator: Simulator) -> None:
    simulator.set_status(DEMO_IDS[0], "Failure")

    assert run("get", str(DEMO_IDS[0]), "--field", "Status") == 0
    assert run.out == "Failure\n"


def test_what_could_be_read_is_printed_beside_an_unknown_id(run: Run) -> None:
    assert run("get", "77", str(DEMO_IDS[0]), "--field", "Name") == 5

    assert run.out == f"{DEMO_IDS[0]}\tads_user_profile_daily\n"
    assert "no workflow instance 77" in run.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "abc"], "'abc' is not an instance ID"),
        (["get", "-5"], "'-5' is negative"),
        (
            ["get"],
            "ID is missing: an ID, a list (1,2) or a range (100..120); or a part of the name of one row ",
        ),
        (["completion"], "SHELL is missing: bash, zsh or fish, e.g. wfinspect completion bash\n"),
        (["upstream"], "ID or --task is missing: "),
        (["get", "1", "--format", "json"], "no option '--format': did you mean --output?"),
        (["get", "1", "--query", "Status"], "no option '--query': did you mean --field?"),
        (["get", "1", "-w"], "no option '-w': did you mean wfinspect watch?"),
        (["get", "1", "--frobnicate"], "`wfinspect get --help` lists them, e.g. wfinspect get 10"),
        (["get", "1", "-C3"], "no option '-C': `wfinspect get --help` lists them, e.g. "),
        (["report", "--file", "x"], "'--file': did you mean --out or wfinspect list import?"),
        (["logs", "--file=x"], "no option '--file': did you mean wfinspect list import?"),
        (["tasks", "1", "--project", "1"], "it is one of `watch`, `find`, `follow`; `wfinspect ta"),
        (["1", "--json"], "it is one of `get`, `status`, `watch`; `wfinspect --help` lists them, "),
        (["completion", "bash", "--shell"], "lists them, e.g. wfinspect completion bash"),
        (["list", "remove", "ads"], "`wfinspect find` and `wfinspect list` print IDs by name; "),
        (["get", "workspace=1"], "`wfinspect find` and `wfinspect list` print IDs by name; "),
        (["tasks", "see 10433001244"], "read them from a file or a text, - for standard input."),
        (
            ["watch", "-"],
            "'-' is not an instance ID: use digits only, e.g. 10432987165. IDs of a pipe: `",
        ),
        (["ads_daily"], "lists the commands. `wfinspect find` and `wfinspect list` print IDs by"),
        (["get", "1", "--context", "x"], "no option '--context': did you mean --profile?"),
        *(
            (
                ["logs", "1", option, "3"],
                f"no option {name!r}: for lines around a match pipe the log to grep: `",
            )
            for option in (
                "--context",
                "--context=3",
                "-C",
                "-C3",
                "-A",
                "-B",
                "--before",
                "--after-context",
            )
            for name in [option.removesuffix("=3").removesuffix("3")]
        ),
        (["find", "--state", "Failure"], "no option '--state': did you mean --status?"),
        (["logs", "1", "--lines=5"], "no option '--lines': did you mean --tail?"),
        (["logs", "1", "--since", "1h"], "no option '--since': did you mean --tail?"),
        (["list", "add", "1", "--note", "x"], "'--note': did you mean wfinspect list note?"),
        (["get", "/dev/null"], "'/dev/null' is not an instance ID"),
        (["status", "1", "short=1"], "--short takes no value."),
        (["get", "x" * 5000], "is not an instance ID"),
        (["list", __file__], "`list import` and `watch --file` read them from a file or a text"),
        (
            ["--profile", "x y", "gte", "1"],
            "'gte' is not a command or an instance ID: did you mean wfinspect get --profile 'x y' 1?",
        ),
        (["add", "1"], "did you mean wfinspect list add 1?"),
        (["note", "1", "by Li"], "did you mean wfinspect list note 1 'by Li'?"),
        (["export"], "did you mean wfinspect list export?"),
        (["rerun", "1"], "only reads. `wfinspect report 1` has the command that runs failed "),
        (["ods", "1"], "'ods' is not a command or an instance ID: `wfinspect --help` lists"),
        (["list", "export", "-o", "x"], "'x' is none of table, json, csv."),
        (["tasks", "1", "--failed"], "no option '--failed': did you mean status=Failure?"),
        (["find", "--yesterday"], "no option '--yesterday': did you mean date=yesterday?"),
        (["tasks", "1", "owner="], "'owner=' has no value: give it, or leave this out."),
        (["find", "workspace=1", "status=,"], "'status=,' has no value: give it, or leave "),
        (["follow", "workspace=1", "tag="], "'tag=' has no value: give it, or leave this out."),
        (["tasks", "1", "date=today"], "There is no field 'date': use name, status, type, owner."),
        (["logs", "1", "--attempt", "2"], "no option '--attempt': did you mean --run?"),
        (["watch", "1", "--exec", "x"], "no option '--exec': did you mean --notify?"),
        (["list", "clear"], "export, import: did you mean remove?"),
        (["get", "1", "--no-color"], "no option '--no-color': did you mean --color?"),
        (["get", "1", "-v"], "no option '-v': did you mean --version?"),
        (
            ["version"],
            "'version' is not a command or an instance ID: did you mean wfinspect --version?",
        ),
        (["ls"], "did you mean wfinspect list?"),
        (["rm", "1"], "did you mean wfinspect list remove 1?"),
        (
            ["follow", "ads_ctr"],
            "'ads_ctr' can't be followed: add its workspace, such as workspace=",
        ),
        (["follow", "--name", "x"], "--project ID is missing: the workspace whose runs are to be "),
        (
            ["follow", "--by", "07:30"],
            "to follow its workflow: wfinspect follow 10432987165. What is followed is shown by ",
        ),
        (["follow", "1", "--by", "07:30+02:00"], "'07:30+02:00' is not a time of day such as"),
        (["follow", "1", "--by", "07:30:30"], "'07:30:30' is not a time of day such as 07:00."),
        (["follow", "add", "1"], "'1' can't be followed: add its workspace, such as workspace="),
        (["watch", "1,2", "--until", "done"], "did you mean all:done or any:done?"),
        (["watch", "1..2", "--until", "failed"], "did you mean all:failure or any:failure?"),
        (["watch", "1", "--until", "any"], "did you mean any:done or "),
        (["doctor", "--csv"], "no option '--csv': it is one of `get`"),
        (["status", "--prometheus"], "did you mean -o prometheus?"),
        (["report", "--md"], "did you mean -o markdown?"),
        (["get", "1", "--yaml"], "did you mean --json?"),
        (["list", "-q"], "no option '-q': did you mean --field?"),
        (["watch", "-i", "5", "1"], "no option '-i': did you mean --interval?"),
        (["find", "workspace=1", "date=today", "--name", ""], "--name is empty: give TEXT, or "),
        (["logs", "1", "--task="], "--task is empty: give TASK, or leave it out."),
        (["get", "1", "--profile", ""], "--profile is empty: give NAME, or leave it out."),
        (["logs", "1", "--grep", "-x|y"], "one that begins with - is written --grep='-x|y'"),
        (["logs", "1", "--grep", "--x|y"], "one that begins with - is written --grep='--x|y'"),
        (["logs", "1", "--grep", "--tail", "5"], "--grep needs a value: --grep REGEX, only lines "),
        (
            ["find", "--project", "ods"],
            "'ods' is not an ID: use digits only, e.g. 88123; `wfinspect ",
        ),
        (["list", "-j"], "no option '-j': did you mean --json?"),
        (["find", "-n", "ads"], "no option '-n': did you mean --name?"),
        (["logs", "10433001244", "10432987165"], "is one too many: give one ID and one task."),
        (["upstream", "1", "a", "--task", "b"], "'a' is one too many: give one ID and one task."),
        (["logs", "1", "a", "--failed"], "--failed and --task exclude each other."),
        (["compare", "1", "2", "3"], "'3' is one too many: wfinspect compare ID [OTHER] "),
        (["upstream", "1", "--calls", "x"], "--calls: 'x' can't be used: give all or a whole "),
        (["help", "exit", "code"], "no page 'exit-code': did you mean exit-codes?"),
        (["describe", "1"], "did you mean wfinspect get 1?"),
        (["list", "delete", "1"], "did you mean remove?"),
        (["follow", "stop", "1"], "did you mean remove?"),
        (["unfollow", "1"], "did you mean wfinspect follow remove 1?"),
        (["help", "nosuch"], "no page 'nosuch': there are keys, search, config, "),
        (["help", "prometheus"], "no page 'prometheus': did you mean scripts?"),
        (["help", "quota"], "no page 'quota': did you mean costs?"),
        (["help", "tmux"], "no page 'tmux': did you mean ssh?"),
        (["help", "login"], "no page 'login': did you mean credentials or doctor?"),
        (
            ["watch", "workspace=88123", "date=yesterday"],
            "tag=team. What is there now: wfinspect find workspace=88123 date=yesterday -o csv | wfinspect watch --file -",
        ),
        (["watch", "--project", "1", "10433001244"], "runs of its own: leave the IDs out."),
        (["watch", "10433001244", "!ads"], "choose among the watched list: give them or IDs."),
        (["watch", "--forever", "ads"], "is followed: leave IDs, words, --until and --timeout "),
        (["watch", "--tag=team:x", "ads"], "--project ID is missing: the workspace whose run"),
        (["watch", "Tag=team:x", "ads"], "The watched list is empty"),
        (
            ["find"],
            "searches one workspace and business date: add a workspace: --project 88123 and a business date: --bizdate yesterday, as in wfinspect find --project 88123 --bizdate yesterday",
        ),
        (
            ["find", "--project", "1", "ads", "-2d"],
            "one workspace and business date: did you mean --bizdate -2d?",
        ),
        (
            ["watch", "--project", "1", "--name", "ads", "-2d"],
            "'-2d' is a part of a name: did you mean --bizdate -2d?",
        ),
        (["find", "date=yesterday"], "business date: add a workspace, such as workspace=88123."),
        (["find", "88123", "yesterday"], "did you mean --project 88123 --bizdate yesterday?"),
        (
            ["find", "yesterday", "10432987165"],
            "add a workspace: --project 88123; did you mean --bizdate yesterday?",
        ),
        (
            ["get", "1", "--colour", "red"],
            "There is no option '--colour': did you mean --color?",
        ),
        (["tasks", "10433001244", "10432987165"], "'10432987165' is one too many: give one ID, "),
        (["get", "1", "-o", "json", "--fields", "Id"], "did you mean --field?"),
        (["watch", "1", "2", "--until", "sucess"], "any:failure: did you mean all:success"),
        (["watch", "--until", "success", "1", "2"], ": did you mean all:success or any:success?"),
        (["tasks", "1", "--status", "fails"], "--status: 'fails' is none of NotRun, "),
        (
            ["find", "--project", "1", "--date", "today", "--type", "m"],
            "may be Manual or",
        ),
        (
            ["watch", "--project", "1", "--name", "x", "--status", "failure,running"],
            "Failure,Running can't be waited for: give one part of the name",
        ),
        (
            ["list", "rm", "1"],
            "list: 'rm' is none of add, remove, note, export, import: did you mean remove?",
        ),
        (["follow", "rm", "1"], "'rm' can't be followed: did you mean remove?"),
        (["completion", "bash", "zsh"], "'zsh' is one too many: wfinspect completion SHELL "),
        (["completion", "ksh"], "completion: 'ksh' is none of bash, zsh, fish"),
        (["help", "exit"], "did you mean exit-codes?"),
        (["--profil", "x", "get", "1"], "There is no option '--profil': did you mean --profile?"),
        (["logs", "1", "--failed", "--follow"], "--failed goes with neither"),
        (["logs", "1", "--grep", "("], "--grep: '(' is not a regular expression"),
        (["logs", "1", "--tail", "0"], "--tail: '0' can't be used: give a whole number above 0"),
        (["logs", "1", "--tail"], "--tail needs a value: --tail N, only the last N lines"),
        (["logs", "1", "--failed=3"], "--failed takes no value"),
        (["get", "1", "-o"], "--output needs a value: table, json, csv"),
        (["logs", "1", "--task", "1", "--failed"], "--failed and --task exclude each other"),
        (["list", "add"], "list add takes IDs"),
        (
            ["list", "ad", "10433001244"],
            "list: 'ad' is none of add, remove, note, export, import: ",
        ),
        (["list", "delete"], "export, import: did you mean remove?"),
        (["list", "--failed"], "no option '--failed': did you mean status=Failure?"),
        (["list", "colour=1"], "There is no field 'colour': "),
        (["history", "date=today"], "Changes have times, and no business date: --since today."),
        (
            ["history", "--since", "noon"],
            "'noon' is neither a date nor a duration: write 2h, 1d, today, yesterday, -2d or 2026-11-28.",
        ),
        *(
            ([command, f"date={date}"], f"date: {date!r} is not a date: write one day, such as -1d")
            for command in ("list", "status", "report", "watch")
            for date in ("yestrday", "1d", "2026-13-40", "10:00")
        ),
        (["status", "status="], "'status=' has no value: give it, or leave this out."),
        (
            ["status", "--short", "--follow", "ads"],
            "--follow goes with --short, and without IDs and ",
        ),
        (["report", "ads"], "The watched list is empty: add to it with wfinspect list add ID."),
        (
            ["report", "--project", "1", "bizdate=-2d"],
            "`wfinspect find workspace=1 date=-2d` searches the service.",
        ),
        (["report", "1", "name=ads"], "Words choose among the watched list: give them or IDs."),
        (["list", "export", "5"], "list export takes no ID, it prints: wfinspect list export > 5"),
        (
            ["list", "export", "--project", "1"],
            "list export takes no words of a search, it prints the whole list: wfinspect list export > list.json",
        ),
        (["list", "export", "-o", "table"], "list export prints JSON, or with -o csv CSV."),
        (["list", "note", "5"], 'takes an ID and a text: wfinspect list note 5 "rerun by Li"'),
        (["follow", "list", "1"], "'1' is one too many: wfinspect follow list"),
        (["list", "show"], "import: `wfinspect list` alone prints it."),
        (["list", "import"], "one file"),
        (
            ["report", "1", "--out", "x.csv"],
            "--out: '.csv' is none of .md, .html, .json: give the form with -o.",
        ),
        (["compare", "7", "7"], "7 is given twice: compare it with another run, or give one ID."),
        (["list", "import", "/no/such"], "list import: /no/such can't be read"),
        (["find", "--project", "1", "--date", "-2x"], "--date: '-2x' is not a date"),
        (["logs", "1", "--tail", "x"], "--tail: 'x' can't be used: give a whole number above 0"),
        (["get", "1", "--interval", "1"], "--interval: '1' is too short"),
        (["get", "1", "--time-zone=Mars"], "--time-zone: 'Mars' is not a time zone"),
        (["watch", "1", "--timeout", "0"], "--timeout: '0' is not a duration above 0"),
        (["get", "1", "-v"], "There is no option '-v': did you mean --version?"),
        (["status", "--short", "-f"], "There is no option '-f': did you mean --follow?"),
        (["logs", "1", "-n", "0"], "--tail: '0' can't be used: give a whole number above 0"),
        (["compare", "1", "abc"], "'abc' is not an instance ID"),
        (
            ["get", "1", "-o", "yaml"],
            "--output: 'yaml' is none of table, json, csv: did you mean json?",
        ),
        (["--region"], "--region needs a value: --region REGION, region of the workspace"),
        (
            ["get", "1", "--region"],
            "--region needs a value: --region REGION, region of the workspace",
        ),
        (
            ["tasks", "1", "--status", "Success", "--status", "Failure"],
            "--status is given twice: Success and Failure. It takes one value: give one of them.",
        ),
        (["get", "1", "-o", "csv", "--json"], "--output is given twice: csv and json."),
        (["--profile", "x", "get", "1", "--profile=nobody"], "nobody"),
        (
            ["logs", "1", "--tail", "5", "--grep", "x", "--tail", "6"],
            "--tail is given twice: 5 and 6.",
        ),
        (["get", "1-20"], "a range is 1..20"),
        (["watc"], "'watc' is not a command or an instance ID: did you mean wfinspect watch?"),
        (
            ["lorem"],
            "'lorem' is not a command or an instance ID: `wfinspect --help` lists the commands.",
        ),
        (["get", str(2**63)], "too large"),
        (["get", "1..500"], "at most 100"),
        (["get", "1", "--region", "cn-nowhere", "--endpoint", "vpc"], "no region 'cn-nowhere'"),
        (["get", "1", "--region", "cn-shanghia", "--endpoint", "public"], "mean cn-shanghai"),
        (["get", "1", "--config", "/no/such.toml"], "There is no /no/such.toml"),
        (["get", "1", "--profile", "nobody"], "nobody"),
        (["get", "1", "--endpoint", "http://dataworks.example.com"], "http://"),
        (["get", "1", "--endpoint", "http://localhost:1"], "127.0.0.1"),
        (["get", "1", "--interval", "0"], "at least 2 seconds"),
        (["simulate", "--port", "70000"], "use 0 to 65535"),
        (["simulate", "--speed", "0"], "--speed"),
        (["simulate", "--port", "x"], "--port: 'x' is not a number"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(
    run: Run, simulator: Simulator, arguments: list[str], words: str
) -> None:
    assert run(*arguments) == 2

    assert words in run.err
    assert run.err.startswith("wfinspect: ")
    assert run.err.count("\n") == 1
    assert run.out == ""
    assert simulator.calls.count() == 0


@pytest.mark.parametrize("text", ["interval = ", "[[[", "colour = 1", "interval = 'x'"])
def test_a_wrong_config_is_code_2(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)

    assert run("get", "1", "--config", str(path)) == 2
    assert str(path) in run.err


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("InvalidAccessKeyId.NotFound", 4, "key"),
        ("InvalidAccessKeyId.Inactive", 4, "key"),
        ("InvalidSecurityToken.Expired", 4, "token"),
        ("403030", 4, "permission"),
        ("Forbidden.Wkbench.ProjectNoPermission", 4, "permission"),
        ("Throttling.Api.Risk", 3, "day"),
        ("html", 3, "login page"),
        ("empty", 3, "holds no WorkflowInstance"),
        ("not-json", 3, ""),
    ],
)
def test_trouble_at_the_service_is_one_sentence_and_its_code(
    run: Run, simulator: Simulator, fault: str, code: int, words: str
) -> None:
    simulator.faults.add(fault)

    assert run("get", str(DEMO_IDS[0])) == code

    assert words in run.err
    assert run.err.count("\n") == 1
    assert SECRET not in run.err


def test_a_wrong_secret_is_told_without_quoting_it(run: Run) -> None:
    run.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "canary-secret"

    assert run("get", str(DEMO_IDS[0])) == 4
    assert "canary-secret" not in run.err
    assert "secret" in run.err.lower()


def test_a_wrong_clock_is_told_or_corrected(run: Run) -> None:
    with Simulator(clock=FakeClock(datetime(2020, 1, 1, tzinfo=UTC))) as long_ago:
        run.environ |= long_ago.environment()

        assert run("get", str(DEMO_IDS[0])) in {0, 4}
        if run.err:
            assert "clock" in run.err


def test_an_unreachable_host_is_code_3(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    assert run("get", str(DEMO_IDS[0]), "--endpoint", f"http://127.0.0.1:{port}") == 3
    assert "127.0.0.1" in run.err


def test_without_credentials_the_sentence_says_what_to_set_and_offers_the_demo(run: Run) -> None:
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        del run.environ[name]
    run.environ |= {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}

    assert run("get", str(DEMO_IDS[0])) == 4
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in run.err
    assert "wfinspect demo" in run.err


def test_the_app_without_a_terminal_says_what_to_use_instead(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.__stdin__", io.StringIO())

    assert run() == 2
    assert "ssh -t" in run.err
    assert "wfinspect get" in run.err


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["get", str(DEMO_IDS[0])], ["info"]])
def test_a_reader_that_goes_away_is_141_and_no_traceback(
    run: Run, command: list[str], unbuffered: str
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    environ = os.environ | run.environ | {"PYTHONUNBUFFERED": unbuffered}
    program = [sys.executable, "-m", "wfinspect", *command]
    with os.fdopen(write_end, "wb") as out:
        done = subprocess.run(program, env=environ, stdout=out, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("where", "arguments", "code", "words"),
    [
        ("> /dev/full", f"get {DEMO_IDS[0]}", 70, "No space left"),
        ("> /dev/full", "--version", 70, "No space left"),
        ("2> /dev/full", f"get {DEMO_IDS[0]} 12", 5, f"{DEMO_IDS[0]}"),
        ("2> /dev/full", "get x", 2, ""),
        (">&-", f"get {DEMO_IDS[0]}", 70, "it is closed"),
        (">&-", "get x", 2, "'x' is not an instance ID"),
        ("2>&-", "get x", 2, ""),
        ("<&-", "watch --file -", 2, "It holds no instance ID"),
    ],
)
def test_a_stream_that_is_full_or_closed_is_told_as_far_as_it_can_be(
    where: str, arguments: str, code: int, words: str, run: Run
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m wfinspect {arguments} {where}'],
        env=os.environ | run.environ | {"PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    said = done.stdout + done.stderr
    assert (done.returncode, words in said, "Traceback" in said) == (code, True, False)
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("given", "documented"),
    [
        ("-o json get {}", "get {} -o json"),
        ("{} -ojson --field=Status get --", "get {} -o json --field Status"),
        ("{} status --short", "status {} --short"),
        ("--failed {} tail=2 logs", "logs {} --failed --tail 2"),
        ("tasks {} Status=failure,running Output=csv", "tasks {} --status failure,running -o csv"),
        ("tasks {} status=fails", "tasks {} --status=fails"),
        ("logs {} -n2 -f", "logs {} --tail 2 --follow"),
        ("-V get", "--version"),
        ("logs join_region_dim {} tail=1", "logs {} --task join_region_dim --tail 1"),
        ("upstream {} {}009", "upstream {} --task {}009"),
        ("tasks join {} --type=odps --name join", "tasks {} join type=odps name=join"),
        ("watch {} until=any:failure", "watch {} --until any:failure"),
        ("watch {} until=failure", "watch {} --until all:failure"),
        ("find workspace=1 output=json", "find workspace=1 --output json"),
        ("--project 88123 find yesterday", "find --project 88123 yesterday"),
        ("{} profile=prod", "{} --profile prod"),
        ("get {} region=", "get {} --region="),
        ("watch project=1 {}", "watch --workspace 1 {}"),
        ("--name status find", "find --name status"),
    ],
)
def test_a_line_may_be_spelled_in_several_ways(
    run: Run, simulator: Simulator, given: str, documented: str
) -> None:
    number = DEMO_IDS[0]
    simulator.set_status(number, "Failure")
    first, second = (
        # `watch` begins a line with the time of day.
        (run(*line.replace("{}", str(number)).split()), _TIME.sub("", run.out), run.err)
        for line in (given, documented)
    )
    assert first == second


# When a line of `watch` was written, and when JSON was read.
_TIME = re.compile(r"^\d{4}(-\d\d){2} \d\d(:\d\d){2}|(?<=\"read_at\": \")[^\"]+", re.MULTILINE)


LINK = "https://dataworks.data.aliyun.com/cn-shanghai/workflow?projectId=88123&instanceId={}"


@pytest.mark.parametrize("line", ["get {}", "{} tasks", "status {} -o json", "list add {}"])
def test_a_link_stands_for_the_ids_in_it(run: Run, line: str) -> None:
    (code, out, err), of_link = (
        (run(*line.format(text).split()), _TIME.sub("", run.out), run.err)
        for text in (DEMO_IDS[0], LINK.format(DEMO_IDS[0]))
    )
    run("list", "note", str(DEMO_IDS[0]), LINK.format(5_000_000_000))
    run("logs", str(DEMO_IDS[0]), "--grep", LINK.format(5_000_000_000))
    assert of_link[1] == out
    assert of_link[2].startswith(f"wfinspect: IDs in the link: {DEMO_IDS[0]}.\n")
    if "add" not in line:
        assert of_link == (code, out, f"wfinspect: IDs in the link: {DEMO_IDS[0]}.\n{err}")
    assert "IDs in" not in run.err


def test_a_note_may_be_written_like_an_option(run: Run) -> None:
    run("list", "add", "5")
    assert run("list", "note", "5", "output=csv") == 0
    assert run.err == "wfinspect: Note kept for 5: output=csv\n"


def test_options_stand_before_or_behind_the_command(run: Run) -> None:
    assert run("--budget", "77", "info") == run("info", "--budget", "77") == 0

    [line] = [line for line in run.out.splitlines() if line.startswith("budget")]
    assert line.split() == ["budget", "77", "--budget"]


def test_info_prints_no_secret(run: Run) -> None:
    assert run("info") == 0
    assert SECRET not in run.out
    assert "WFINSPECT_REGION" in run.out


def test_version_and_help_read_well(run: Run) -> None:
    assert run("--version") == 0
    assert run.out == f"wfinspect {__version__}\n"

    assert run("--help") == 0
    for name in COMMANDS:
        assert f"wfinspect {name}" in run.out
    for option in OPTIONS:
        assert f"--{option.name}" in run.out
    assert max(map(len, run.out.splitlines())) < 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    assert run(name, "--help") == 0
    usage, *lines = run.out.splitlines()
    assert usage.startswith(f"usage: wfinspect {name} ")
    assert lines[0] == ""
    examples = [line for line in lines if line.startswith(f"  wfinspect {name}")]
    assert [line.strip().removeprefix("wfinspect ") for line in examples] == [
        *COMMANDS[name].examples
    ]
    assert 1 <= len(examples) <= 3
    has_all = {option.name for option in OPTIONS if re.search(rf"--{option.name}\b", run.out)}
    assert "profile" in has_all
    assert len(has_all) < 4
    assert lines[-1].startswith("Options for all commands")


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if c.takes[:1] not in {"", "["}])
def test_what_a_usage_asks_for_is_missed(run: Run, name: str) -> None:
    assert run(name) == 2
    missing = " or ".join(re.findall(r"--\w+|^[A-Z]+", COMMANDS[name].takes))
    assert f": {missing} is missing: " in run.err
    assert run.err.endswith(f", e.g. wfinspect {COMMANDS[name].examples[0].partition(' >')[0]}\n")


def test_help_is_a_word_too(run: Run) -> None:
    assert run("tasks", "help") == run("tasks", "--help") == 0
    assert run("help", "get") == 0
    assert run.out.startswith("usage: wfinspect get")

    assert run("help", "exit-code") == 2
    assert run.err.endswith("There is no page 'exit-code': did you mean exit-codes?\n")


def test_files_that_run_out_later_are_told_as_such(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("wfinspect.commands.doctor.run", starved)

    assert run("info") == 70
    assert "ulimit -n" in run.err
    assert "internal error" not in run.err


@pytest.mark.parametrize(
    "command", [["list"], ["follow", "list"], ["history"], ["list", "add", "1"]]
)
def test_a_state_directory_that_cannot_be_used_is_code_70(run: Run, command: list[str]) -> None:
    assert run(*command, "--state-dir", "/dev/null/x") == 70

    assert run.err == (
        "wfinspect: The state directory /dev/null/x can't be used (Not a directory): choose "
        "another with --state-dir.\n"
    )


def test_a_port_that_is_taken_is_named(run: Run, simulator: Simulator) -> None:
    port = simulator.url.rpartition(":")[2]

    assert run("simulate", "--port", port) == 2
    assert f"{port} can't be listened on (Address already in use): leave it out" in run.err
