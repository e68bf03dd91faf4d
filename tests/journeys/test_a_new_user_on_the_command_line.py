"""What is printed says what it rests on, and an outage ends nothing that can go on."""

import json
import re

import pytest
from journey import SCRIPT, Home
from pty_session import PtySession

from wfinspect.simulator import DEMO_IDS, Simulator

ONE, TWO = DEMO_IDS[:2]
WAITING = 10433010001
EVERY = "from wfinspect.commands import tasks; tasks._period = lambda _: 0.2"


def test_a_log_is_followed_through_an_outage_and_its_end_is_named(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(TWO, "Running")
    patch = f"{EVERY}; from wfinspect.commands import once; once.ATTEMPTS = 1"
    patch += "; from wfinspect.watching import limits; limits.DOWN_SECONDS = 0.2, 0.4"
    with home.start("logs", TWO, "--follow", size=(200, 40), patch=patch) as follower:
        follower.wait_for(r"INFO M1_job_0: ")
        simulator.stop()
        follower.wait_for("It is tried again every 0.2s")
        simulator.start()
        follower.wait_for("Contact is back")
        simulator.set_status(TWO, "Success")
        assert follower.wait_exit() == 0
        assert " is over: Success." in follower.text()
        assert f"{TWO} goes on" not in follower.text()


def test_a_task_is_named_and_the_instance_goes_on(home: Home, simulator: Simulator) -> None:
    simulator.set_status(TWO, "Running")
    done = next(
        line.split()[2]
        for line in home.run("tasks", TWO).stdout.splitlines()
        if line.split()[1] == "Success"
    )

    followed = home.run("logs", TWO, "--task", done, "--follow")

    assert followed.returncode == 0
    assert f"{done} is over: Success. {TWO} goes on (Running): " in followed.stderr
    part = home.run("logs", TWO, "--task", done[:6].upper()).stderr
    assert re.search(rf"has no task {done[:6].upper()}: did you mean \S*{done[:6]}", part)
    unknown = home.run("logs", TWO, "--task", "no_such_task")
    assert (unknown.returncode, "`wfinspect tasks" in unknown.stderr) == (5, True)


def test_the_stored_list_never_passes_for_the_present(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(ONE, "Running")
    home.run("list", "add", ONE, TWO)
    unread = home.run("list")
    assert "No reading is stored for 2 of the list: " in unread.stderr
    assert "No reading is stored for 2 of the list: " in home.run("status", "--short").stderr
    with home.start(size=(80, 24)) as app:
        app.wait_for("Running")
        simulator.set_status(ONE, "Failure")
        app.wait_for("Failure")
        app.quit()

    old = "from wfinspect.watching import outlook; outlook.old_after = lambda *_: 0.0"
    with home.start("list", size=(160, 24), patch=old) as listed:
        assert listed.wait_exit() == 0
        heading, first, *_ = listed.text().splitlines()
        assert heading.split() == ["ID", "STATUS", "NAME", "READ", "!"]
        assert first.split()[:3] == ["X", str(ONE), "Failure?"]
        assert first.split()[-1] == "!"
    _, *fresh = home.run("status").stdout.splitlines()
    assert [line.split()[-1] == "!" for line in fresh] == [True, False]
    simulator.stop()
    patch = "from wfinspect.watching import view; view.old_after = lambda *_: 0.0"
    with home.start("watch", "--forever", size=(160, 24), patch=patch) as watch:
        watch.wait_for("connection refused")
        assert "  Failure  " not in watch.text()
        watch.press("ctrl+c")
        assert watch.wait_exit() == 130


def test_what_is_not_on_the_list_is_searched_elsewhere(home: Home) -> None:
    for command in "status", "list", "report":
        assert "The watched list is empty: " in home.run(command, "ads").stderr
    home.run("list", "add", ONE, TWO)
    place = "--project", 1, "--bizdate", "yesterday"
    for command in "status", "list", "report":
        elsewhere = home.run(command, *place).stderr
        assert "`wfinspect find workspace=1 date=yesterday` searches the service" in elsewhere
    assert "There is no option '--project': " in home.run("history", *place).stderr


def test_words_choose_among_the_watched_list_as_in_the_app(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(ONE, "Running")
    simulator.set_status(TWO, "Success")
    home.run("list", "add", ONE, TWO)
    unread = home.run("list", "ads")
    assert "No watched instance matches ads.\n" in unread.stderr
    assert "No reading is stored for 2 of the list: " in unread.stderr
    with home.start("watch", "--forever", size=(120, 24)) as watch:
        watch.wait_for("-> Running")
        simulator.set_status(ONE, "Failure")
        watch.wait_for("Running -> Failure")
        watch.press("ctrl+c")

    def ids(*words: object) -> list[str]:
        out = home.run(*words, "-o", "json").stdout
        return [str(each["id"]) for each in json.loads(out)]

    of_one = "ads", "status=failed", "--name USER", "!dwd", "status=failure,running tag=team", ONE
    for words in of_one:
        assert ids("list", *str(words).split()) == [str(ONE)], words
        assert ids("status", *str(words).split()) == [str(ONE)], words
    assert ids("list", "all") == ids("status", "ALL") == [str(ONE), str(TWO)]
    assert ids("history", "user", "!status=success") == [str(ONE)]
    assert ids("history", ONE, "status=success") == []
    assert ids("report", "owner=18", "type=normal") == [str(ONE)]
    of = "The 1 watched instance that matches name=USER failed"
    assert home.run("report", "name=USER").stdout.startswith(f"# {of}, ")
    # Where one is wanted, of one row that matches.
    for words in ("ads",), ("user", "status=failed"):
        got = home.run("get", *words, "--field", "Id")
        assert got.stdout == f"{ONE}\n"
        assert f"wfinspect: {' '.join(words)}: ads_user_profile_daily {ONE} of 20" in got.stderr
    log = home.run("logs", "ads", "clean_login_event", "--tail", 1)
    assert ", on the watched list.\nwfinspect: Log of clean_login_event " in log.stderr
    simulator.set_status(ONE, "Success")
    for command in ("list", "status", "history"):
        none = home.run(command, "failed")
        assert (none.stdout, none.returncode) == ("", 2 * (command == "status"))
        assert none.stderr.endswith("did you mean status=Failure?\n")
    # What is stored of its status may be old.
    assert ids("list", "status=failure") == [str(ONE)]
    assert ids("status", "status=failure") == []
    none = home.run("list", "status=running", "!dwd").stderr
    how = r"Readings are as stored, up to \d+s old: `wfinspect status status=running '!dwd'` reads them now\.\n"
    assert re.fullmatch(
        rf"wfinspect: No watched instance matches all of status=running !dwd\. {how}", none
    )
    home.run("list", "add", 10_433_099_998)
    unknown = home.run("status", "status=failure")
    assert (unknown.stdout, unknown.returncode) == ("", 0)
    assert "10433099998" in unknown.stderr
    assert home.run("status").returncode == 5
    home.run("list", "remove", 10_433_099_998)
    simulator.stop()
    assert home.run("status", "status=failure").returncode == 3
    elsewhere = home.run("list", ONE, 77)
    assert (elsewhere.returncode, len(elsewhere.stdout.splitlines())) == (5, 2)
    assert "Not on the list: 77. To add it: wfinspect list add 77\n" in elsewhere.stderr


def test_a_watch_of_words_reads_before_it_chooses(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(ONE, "Running")
    simulator.set_status(TWO, "Success")
    home.run("list", "add", ONE, TWO)

    def watched(*words: str) -> tuple[int, list[int]]:
        done = home.run("watch", *words, "--timeout", "4s", "--json")
        return done.returncode, [json.loads(line)["id"] for line in done.stdout.splitlines()]

    # Of what was never read, the name is known once it has been read.
    assert watched("ads") == (124, [ONE])
    with home.start("watch", "--forever", size=(120, 24)) as watch:
        watch.wait_for("-> Running")
        watch.wait_for("-> Success")
        watch.press("ctrl+c")
    none = home.run("watch", "status=failure")
    assert (none.stdout, none.returncode) == ("", 2)
    assert none.stderr == "wfinspect: No watched instance matches status=failure.\n"
    # What is stored of its status is old.
    simulator.set_status(TWO, "Failure")
    assert watched("status=failure") == watched("dwd", "status=failure") == (1, [TWO])
    assert watched("!status=success", "--until", "any:failure")[0] == 0
    simulator.set_status(ONE, "Success")
    assert watched("!status=success") == (1, [TWO])
    assert watched("user") == (0, [ONE])
    assert len(home.run("list").stdout.splitlines()) == 3
    simulator.stop()
    assert watched("status=failure") == (124, [])


def test_what_is_not_on_the_list_has_not_succeeded(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(ONE, "Success")
    assert home.run("status", "ads_usr").returncode == 0
    home.run("list", "add", ONE, 10_433_099_998)
    # Of what was never read, the name is known once it has been read.
    unread = home.run("status", "ads_usr", "--short")
    assert (unread.stdout, unread.returncode) == ("?2\n", 3)
    unread = home.run("status", "ads_usr")
    assert (unread.stdout, unread.returncode) == ("", 2)
    home.run("list", "remove", 10_433_099_998)
    with home.start("watch", "--forever", size=(120, 24)) as watch:
        watch.wait_for("-> Success")
        watch.press("ctrl+c")
    calls = simulator.calls.count()
    for options in ((), ("--short",), ("-o", "json"), ("--field", "id")):
        for words in (("ads_usr",), ("status=failure", "ads_usr"), ("workspace=1",)):
            wrong = home.run("status", *words, *options)
            assert (wrong.stdout, wrong.returncode) == ("", 2), words
            assert wrong.stderr == f"wfinspect: No watched instance matches {words[-1]}.\n"
    assert simulator.calls.count() == calls
    # That none has failed is the good news of a search for failures.
    for words in (("status=failure",), ("status=failure", "user"), ("all",)):
        assert home.run("status", *words).returncode == 0
    assert home.run("status", "-o", "prometheus", "ads_usr").returncode == 0


def test_what_a_pipe_hands_on_is_not_glued_to_the_progress(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(ONE, "Running")
    command = ["sh", "-c", f"{SCRIPT} watch {ONE} --interval 2 | cat"]
    with PtySession(command, home=home.path, env=home.environ, size=(120, 24)) as watch:
        watch.wait_for("-> Running")
        simulator.set_status(ONE, "Success")
        assert watch.wait_exit() == 0
        assert "done |" not in watch.log.decode()


def test_a_row_is_a_line_and_its_ids_are_whole(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(ONE, "Failure")
    home.run("list", "add", ONE)
    home.run("list", "add", TWO, "--region", "cn-beijing", "--endpoint", "public")
    home.run("list", "note", ONE, "a long note " * 20)
    with home.start("list") as listed:
        assert listed.wait_exit() == 0
        lines = listed.text().rstrip().splitlines()
        assert lines[1].rstrip().endswith("...")
        assert lines[1].split()[1] == str(ONE)
        assert lines[2].split()[1] == str(TWO)
    wrong = home.run("list", "remove", TWO)
    assert "--profile '(" in wrong.stderr
    with home.start("downstream", ONE) as down:
        assert down.wait_exit() == 0
        # A slow service is said above it.
        heading, first, *_ = down.text()[down.text().index("TASK ") :].splitlines()
        assert {"TASK", "STATUS", "NAME", "WORKFLOW", "INSTANCE"} <= {*heading.split()}
        assert len(re.findall(r"(?<!\d)\d{11,14}(?!\d)", first)) == 2
        assert " check_source_ready  " in first
    assert "Failed too: clean_login_event." in home.run("logs", ONE).stderr
    compared = home.run("compare", ONE).stdout.splitlines()
    assert compared[0].endswith(", the last success before it")
    assert compared[1].startswith("This run: failed after ")


def test_the_status_is_in_view_under_a_record_higher_than_the_terminal(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(ONE, "Failure")
    record = home.run("get", ONE).stdout.splitlines()
    short = rf"{ONE}  Failure  ads_user_profile_daily  ran \d+"
    # The prompt takes a line, too.
    with home.start("get", ONE, size=(80, len(record))) as low:
        assert low.wait_exit() == 0
        assert re.search(rf"\n *\n{short}", low.text())
    with home.start("get", ONE, size=(80, len(record) + 1)) as high:
        assert high.wait_exit() == 0
        assert high.text().startswith("Id  ")
        assert not re.search(short, high.text())
    assert not re.search(short, "\n".join(record))


def test_no_table_is_wider_than_the_terminal_and_rows_of_two_places_say_where(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.population.set_fields(ONE, {"Name": "ads_user_profile_" * 8})
    simulator.set_status(ONE, "Running")
    home.run("list", "add", ONE, TWO)
    with (
        home.start("list", "note", ONE, "a long note " * 20),
        home.start("watch", "--forever") as watch,
    ):
        watch.wait_for(f"{ONE}  -> Running")
        assert "cn-shanghai" not in watch.text()
        simulator.set_status(ONE, "Failure")
        watch.wait_for("Running -> Failure")
        home.run("list", "add", TWO, "--region", "cn-beijing")
        watch.wait_for(f"{TWO} .*  cn-beijing")
    for words, titles in (
        ("list", "STATUS NAME REGION ! NOTE"),
        ("status", "STATUS NAME IN STATE REGION !"),
        ("history", "CHANGE NAME"),
        (f"tasks {ONE}", "STATUS NAME TYPE RAN RUN"),
        (f"get {ONE} {TWO}", "STATUS NAME STARTED UTC RAN"),
    ):
        with home.start(*words.split()) as table:
            table.wait_exit()
            heading, *lines = bytes(table.log).decode().splitlines()
        assert heading.split()[-len(titles.split()) :] == titles.split()
        assert any(str(ONE) in line for line in lines)
        lines = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
        assert max(len(line) for line in (heading, *lines)) <= 80
        assert not any(line.startswith(" ") for line in lines if str(ONE) in line)


def test_a_service_that_hangs_is_said_on_a_terminal(home: Home, simulator: Simulator) -> None:
    simulator.faults.add("hang")
    patch = "from wfinspect.commands import once; once.SILENT_SECONDS = 0.2"
    with home.start("get", ONE, size=(100, 24), patch=patch) as get:
        get.wait_for(r"No complete answer from http\S+ for 0.2s\. Still trying, up to 30s in all")
        get.press("ctrl+c")
        assert get.wait_exit() == 130
        assert get.text().rstrip("\n ").endswith("^C")
        assert get.log.endswith(b"\r\n")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"compare {ONE}", marks=pytest.mark.battery),
        f"report {ONE} --out r.md",
    ],
)
def test_calls_at_our_own_rate_are_no_outage(
    home: Home, simulator: Simulator, command: str
) -> None:
    simulator.set_status(ONE, "Failure")
    patch = "from wfinspect.commands import once; once.SILENT_SECONDS = 1.3"
    with home.start(*command.split(), size=(160, 60), patch=patch) as reading:
        reading.wait_for("Still reading, 2 calls a second")
        assert reading.wait_exit() == 0
        assert reading.text().count("Still reading") == 1
        assert "Still trying" not in reading.text()
    assert simulator.calls.count() > 5


@pytest.mark.parametrize(
    "command",
    [
        "simulate",
        f"logs {ONE} clean_login_event --follow",
        "status --short --follow",
        f"watch {ONE}",
    ],
)
def test_a_prompt_stands_on_a_line_of_its_own_after_ctrl_c(
    home: Home, simulator: Simulator, command: str
) -> None:
    simulator.set_status(ONE, "Running")
    home.run("list", "add", ONE)
    with home.start(*command.split()) as running:
        running.wait_for(r"Try:|Log of|watched|1 |-> Running")
        running.press("ctrl+c")
        assert running.wait_exit() == 130, running.text()
        assert running.log.endswith(b"\r\n")
        assert not running.log.endswith(b"\r\n\r\n")


def test_compare_shows_whole_what_a_terminal_has_room_for(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ONE, "Failure")
    for width in (60, 80):
        with home.start("compare", ONE, TWO, size=(width, 70)) as compare:
            assert compare.wait_exit() == 0
            lines = [line.rstrip() for line in compare.text().rstrip().splitlines()]
        assert max(map(len, lines)) <= width
        tables = "\n".join(lines).split("\n\n")[1:]
        # What is cut shares all the room: with one more cell for each of three columns it would not fit.
        cut = [table for table in tables if "..." in table]
        assert all(max(len(each) for each in table.splitlines()) >= width - 2 for table in cut)
        assert bool(cut) == (width < 80)


def test_times_are_of_one_zone_that_is_named_where_they_are_read(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    home.environ["TZ"] = "Asia/Tokyo"
    simulator.set_status(ONE, "Failure")

    def heading(*arguments: object) -> str:
        return home.run(*arguments).stdout.splitlines()[0]

    assert " STARTED UTC+9 " in heading("find", "workspace=88123", "date=yesterday")
    assert " STARTED UTC+9 " in heading("tasks", ONE)
    assert " SINCE UTC+9 " in heading("upstream", ONE)
    assert re.search(r"\nStartedTime +[-\d]+ [:\d]+ UTC\+9\n", home.run("get", ONE).stdout)
    assert re.search(r"\n +Started UTC\+9 +\d{4}-", home.run("compare", ONE).stdout)
    assert re.search(r"\nSince [-\d]+ [:\d]+ UTC\+9, ", home.run("report", ONE).stdout)
    with home.start("watch", ONE) as watch:
        watch.wait_for("Ended: 1 of 1 done, 1 failed.")
        assert watch.text().lstrip().startswith("wfinspect: Times are in UTC+9. ")


def test_a_search_spends_its_calls_or_says_why_not(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ONE, "Failure")

    done = home.run("upstream", ONE)

    assert done.stderr.endswith("\nwfinspect: 3 calls, starting from its 12 tasks.\n")
    assert simulator.calls.count() == 3
    many = home.run("upstream", WAITING)
    assert "Its blockers were found, so 27 tasks were not looked at: --calls 32 " in many.stderr


def test_a_row_of_which_no_reading_is_stored_says_so(home: Home, simulator: Simulator) -> None:
    home.run("list", "add", ONE)
    assert home.run("status").returncode in {0, 1, 8}
    # It stores nothing: the app would not notify of a change that is already stored.
    unread = home.run("list").stdout.splitlines()[1]
    assert unread.split()[1:5] == [str(ONE), "no", "reading", "stored"]
    simulator.stop()
    status = home.run("status")
    assert (status.returncode, status.stdout.splitlines()[1].split()[1:4]) == (
        3,
        [str(ONE), "connection", "refused"],
    )
    short = home.run("status", "--short")
    assert (short.returncode, short.stdout) == (3, "?1\n")
    assert "No reading is stored for 1 of the list: `wfinspect list` shows which, " in short.stderr


def test_a_row_keeps_its_endpoint_and_says_how_to_change_that(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(ONE, "Success")
    gone = "http://127.0.0.1:9"
    home.run("list", "add", ONE, "--endpoint", gone)
    for command in ("status", "report", "watch --timeout 1"):
        said = home.run(*command.split()).stderr
        assert f" {ONE} was added to the list with {gone}, and keeps that" in said
    for command in ("get", "status", "watch --timeout 1"):
        said = home.run(*command.split(), ONE, "--endpoint", gone).stderr
        assert "check --endpoint" in said
        assert "was added" not in said

    for at in ((), ("--endpoint", gone)):
        with home.start(*at, size=(160, 30)) as app:
            words = rf"It was added to the list with {gone}, and keeps that\."
            app.wait_for(words.replace(" ", r"\s+"))
            app.quit()

    said = home.run("status").stderr
    assert "a note on it is removed as well" in said
    remove, add = re.findall("`wfinspect (list .*?)`", said)
    home.run(*remove.split())
    home.run(*add.split())
    assert home.run("status").returncode == 0


def test_sentences_on_a_terminal_end_their_lines_between_words(home: Home) -> None:
    home.run("list", "add", ONE)
    command = [str(SCRIPT), "status", "--short"]
    with PtySession(command, home=home.path, env=home.environ, size=(40, 24)) as status:
        assert status.wait_exit() == 3
        lines = [line.rstrip() for line in status.text().splitlines() if line.strip()]
    assert max(map(len, lines)) <= 40
    assert "`wfinspect watch --forever`" in "\n".join(lines)
    whole = home.run("status", "--short").stderr.removesuffix("\n")
    assert " ".join(each.strip() for each in lines[1:]) == whole
    with home.start("upstream", size=(70, 24)) as wrong:
        assert wrong.wait_exit() == 2
        assert re.search(r"\n *wfinspect upstream \d+ *\n", wrong.text())


def test_a_report_of_nothing_says_so_once(home: Home, simulator: Simulator) -> None:
    simulator.set_status(ONE, "Success")
    home.run("list", "add", ONE)
    with home.start("report", ONE, "--out", "r.md", size=(120, 24)) as written:
        assert written.wait_exit() == 0
    with home.start("report", size=(120, 24)) as report:
        assert report.wait_exit() == 0
        assert report.text().count("Nothing has failed of the 1 watched instance") == 1
    assert "Nothing has failed of " in home.run("report", "--json").stderr


def test_on_a_terminal_each_form_says_that_nothing_was_found(home: Home) -> None:
    home.run("list", "add", ONE)
    for words, said in (
        ("find workspace=88123 date=yesterday nothing -o csv", "no instance matches nothing"),
        (f"tasks {ONE} nothing --field id", "No task matches"),
        ("list nothing --json", "No watched instance matches"),
        ("status status=failure --json", "No watched instance matches"),
        ("history --field id", "No change is recorded"),
        ("follow list -o csv", "Nothing is followed"),
    ):
        with home.start(*words.split(), size=(120, 24)) as on_terminal:
            assert on_terminal.wait_exit() == 0
            assert said in on_terminal.text()
        assert home.run(*words.split()).stderr == "", words


@pytest.mark.parametrize("command", ["", "demo"])
def test_the_app_draws_nothing_where_its_output_is_piped(home: Home, command: str) -> None:
    piped = ["bash", "-c", f"{SCRIPT} {command} | cat; echo code ${{PIPESTATUS[0]}}"]
    with PtySession(piped, home=home.path, env=home.environ) as app:
        app.wait_for("code 2")
        assert b"\x1b" not in app.log
        assert "standard output" in app.text()


def test_what_is_tried_again_is_said_with_its_cause(home: Home, simulator: Simulator) -> None:
    simulator.stop()
    patch = "from wfinspect.commands import once; once.SILENT_SECONDS = 0.0"
    with home.start("get", ONE, size=(160, 24), patch=patch) as get:
        assert get.wait_exit() == 3
        text = get.text()
    assert re.search(r"127\.0\.0\.1.* refuse\w* .* Still trying, up to 30s in all", text)
    assert len(re.findall("refuse.* Still trying", text)) == 1


def test_a_watch_without_end_says_what_it_waits_for_and_needs_a_place_for_the_list(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    for number in (ONE, TWO):
        simulator.set_status(number, "Running")
    (home.path / "state/watch.sqlite3").mkdir(parents=True, mode=0o700)
    (home.path / "state").chmod(0o700)
    for place in ("/dev/null/x", home.path / "state"):
        refused = home.run("watch", "--forever", "--state-dir", place)
        assert (refused.returncode, refused.stdout) == (70, "")
        assert "choose another" in refused.stderr
    with home.start("watch", "--forever") as watch:
        watch.wait_for("The watched list is empty: this waits for what is added")
        home.run("list", "add", ONE)
        watch.wait_for(f"{ONE}  -> Running")
        watch.press("ctrl+c")
    with home.start("watch", "--forever") as watch:
        watch.wait_for(f"{ONE}  -> Running")
        assert "is empty" not in watch.text()
        watch.press("ctrl+c")


def test_what_is_read_from_the_keyboard_is_announced(home: Home) -> None:
    with home.start("list", "import", "-") as session:
        session.wait_for("list import: type or paste, and end with Enter and ctrl-D")
        session.send(f"{ONE}\r\x04".encode())
        session.wait_for(f"1 added: {ONE}")
        assert session.wait_exit() == 0


def test_doctor_wraps_its_sentences_below_their_column(home: Home) -> None:
    with home.start("doctor", size=(80, 50)) as doctor:
        doctor.wait_exit()
        said = "needs a watched instance: watch one with"
        assert re.search(rf"{said} *\n {{32}}`wfinspect ID`, then repeat this", doctor.text())
    piped = home.run("doctor").stdout.splitlines()
    assert any(len(line) > 80 for line in piped)
    assert not any(line.startswith(" ") for line in piped)


def test_a_path_is_whole_on_a_line_that_has_room_for_it(home: Home) -> None:
    directory = home.path.with_name("a directory of some length " + "x" * 12)
    for words, size in (("doctor", 140), ("info", 140), ("doctor", 200), ("info", 200)):
        with home.start(words, "--state-dir", directory, size=(size, 50)) as session:
            session.wait_exit()
            lines = session.text().splitlines()
        assert any(f"{directory}/watch.sqlite3" in line for line in lines)
        if words == "info":
            assert any(f"{directory} " in f"{line} " for line in lines)


def test_what_is_missing_is_named_with_an_example(home: Home) -> None:
    example = "as in wfinspect find --project 88123 --bizdate yesterday"
    assert f": add a business date: --bizdate yesterday, {example}" in (
        home.run("find", "--project", 88123).stderr
    )
    assert "`wfinspect list` alone prints it" in home.run("list", "show").stderr
    named = home.run("upstream", "--task", "join_region_dim").stderr
    assert "'join_region_dim' is not the ID of a task instance, such as 10433010001002" in named
    home.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = ""
    keys = home.run("get", DEMO_IDS[0]).stderr
    assert "No credentials were found, as ALIBABA_CLOUD_ACCESS_KEY_SECRET is empty: set " in keys
