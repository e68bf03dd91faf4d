import re

from journey import Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED = DEMO_IDS[0]
NAME = "ads_user_profile_daily"
PLACE = "workspace=88123 date=yesterday"
RESULT = r" \d{11}  "


def open_box(app: Session, key: str) -> None:
    """Press a key that leads to the search, and wait until it takes what is typed."""
    app.press(key)
    app.wait_for("an ID|name= status=|2026-11-28 or")


def search(app: Session, text: str) -> None:
    """Type another search in place of what stands in the box."""
    # In one packet, as a slow link delivers them.
    app.send(b"\x15" + text.encode() + b"\r")


def rows(app: Session) -> list[str]:
    """The lines of what was found, as they stand below each other."""
    return [row for row in app.text().splitlines() if re.search(RESULT, row)]


def test_find_shows_what_needs_you_first_under_titles_in_any_order(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(size=(160, 30)) as app:
        app.wait_for("type or paste")
        open_box(app, "f")
        # What is typed behind Enter waits for what is found: in one packet, as a slow link delivers it.
        app.send(b"\x15" + PLACE.encode() + b"\rjy")
        app.wait_for(r"\d{11}: .*\s10 of 10 found")
        assert f" {app.text().splitlines()[-2][1:12]} " in rows(app)[1]
        assert re.search(f"{PLACE} *\n", app.text())
        # The newest come first from the service, of which this is one of the oldest.
        assert NAME in rows(app)[0]
        assert re.search("NAME +INSTANCE +STATUS +TIME +TOOK +STARTED +TYPE +OWNER", app.text())
        app.press("s", "s", "s")
        app.wait_for("by name, A to Z")
        assert "ads_gmv_board" in rows(app)[0]
        app.quit()


def test_after_no_match_the_search_can_be_changed_at_once_and_marks_outlive_it(home: Home) -> None:
    with home.start() as app:
        app.wait_for("type or paste")
        open_box(app, "f")
        search(app, f"{PLACE} name=nosuch")
        app.wait_for("No instance matches")
        # Text still, not commands; Tab completes what was begun.
        app.press(*" stat", "tab", "q")
        app.wait_for("name=nosuch status=q")
        search(app, PLACE)
        app.wait_for("10 of 10 found")
        app.press(" ", "j", " ")
        app.wait_for("2 marked")
        open_box(app, "/")
        app.send(b"\x1b[Fx")
        app.wait_for("yesterdayx")
        app.press("escape")
        app.wait_gone("yesterdayx")
        app.wait_for("2 marked")
        # What is typed stays as it is, and what it lacks of place and date is said: in one packet, as a slow
        # link delivers it.
        app.send(b"/ads\r")
        app.wait_for(r"Find  with workspace=88123 date=yesterday .*\n ads +\n")
        app.wait_for(r"[1-9] of \d found")
        open_box(app, "/")
        search(app, PLACE)
        app.wait_for("10 of 10 found")
        app.press("j", " ")
        app.wait_for("1 marked")
        before = app.text()
        # What can't be asked leaves what was found, and Esc leads back to it.
        for typed, said in (
            ("stat=fail", "There is no field 'stat': did you mean status"),
            ("date=-7d..-1d", "date: '-7d..-1d' is not a date: write one day, such as -1d"),
            ("date=last week", "date: 'last' is not a date: write one day, such as -1d"),
        ):
            open_box(app, "/")
            search(app, typed)
            app.wait_for(said)
            assert rows(app) == [row for row in before.splitlines() if re.search(RESULT, row)]
            app.press("escape")
            app.wait_until(lambda: app.text() == before, "the results as they were")
        app.quit()


def test_a_status_or_date_without_its_field_is_offered_with_it(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FAILED, "Failure")
    with home.start(*DEMO_IDS[:3]) as app:
        app.wait_for("Failure")
        app.press("/", *"failed")
        app.wait_for(r"No watched instance matches[^?]*mean\s+status=Failure")
        app.wait_for("Tab makes it status=Failure")
        app.press("tab", "enter")
        kept = r"1 of 3 +INSTANCE  STATUS[\s\S]* /status=Failure  "
        app.wait_for(kept)
        # One that can't be read is not taken in its place: in one packet, as a slow link delivers it.
        app.send(b"/colour=x\r")
        app.wait_for(r"There is no field 'colour'[\s\S]* Esc cancel")
        app.press("escape")
        app.wait_for(kept)
        app.press("t")
        app.wait_for("join_region_dim")
        app.press("/", *"frozen")
        app.wait_for("Tab makes it status=frozen")
        app.press("escape", "escape")
        open_box(app, "f")
        search(app, f"{PLACE} failed")
        app.wait_for(r"No instance matches[^?]*mean\s+status=Failure")
        app.press("tab", "enter")
        app.wait_for("1 of 1 found")
        # The date that was searched last gives way to the one that is meant.
        app.press("/")
        app.wait_for("Enter search")
        search(app, f"workspace=88123 date=2020-01-01 {NAME}")
        app.wait_for("No instance is kept")
        search(app, f"{NAME} yesterday")
        app.wait_for(
            r"with workspace=88123 date=2020-01-01 [\s\S]*No instance is kept[^?]*mean\s+date=yesterday"
        )
        app.press("tab", "enter")
        app.wait_for(rf"with workspace=88123 [\s\S]*{NAME} date=yesterday[\s\S]*1 of 1 found")
        app.quit()


def test_commands_act_on_the_result_under_the_cursor(home: Home, simulator: Simulator) -> None:
    home.hurry()
    simulator.set_status(FAILED, "Failure")
    with home.start(DEMO_IDS[1]) as app:
        app.wait_for("dwd_trade_order_di")
        open_box(app, "f")
        search(app, f"{PLACE} {NAME}")
        app.wait_for("1 of 1 found")
        app.press("y")
        app.wait_for(f"{FAILED}: ")
        app.press("t")
        app.wait_for(rf"{NAME}  {FAILED}  tasks")
        app.press("escape")
        app.wait_for("1 of 1 found")
        app.press("l")
        app.wait_for(r"log of \d+")
        app.press("escape")
        app.wait_for("1 of 1 found")
        app.press(":")
        app.wait_for("Commands here")
        app.press("escape")
        app.wait_gone("Commands here")
        app.press("i", *"asked Li")
        app.wait_for(rf"Note about {NAME} {FAILED}[\s\S]*Enter watch it with this note")
        app.press("enter")
        app.wait_for(rf"Added {NAME} {FAILED} to the list, with its note")
        app.press("i", *", twice")
        app.wait_for(r"asked Li, twice[\s\S]*Enter keep, or remove if empty")
        app.press("enter")
        app.wait_for("Note kept, u undoes it")
        app.press("u")
        app.wait_for(f"Restored the note of {NAME}")
        assert "asked Li\n" in home.run("list").stdout
        app.press("u")
        app.wait_for(f"Unwatched {NAME} {FAILED}")
        # What was only read there is no row of the list.
        app.press("escape")
        app.wait_for("dwd_trade_order_di")
        assert NAME not in app.text()
        app.quit()


def test_the_command_finds_the_runs_of_a_trigger(home: Home) -> None:
    place = ("--workspace", 88123, "--date", "yesterday")
    trigger = home.run("get", FAILED, "--field", "UnifiedWorkflowInstanceId").stdout.strip()

    alone = home.run("find", *place, "--trigger", trigger)

    assert (alone.returncode, str(FAILED) in alone.stdout) == (0, True)
    assert len(alone.stdout.splitlines()) < len(home.run("find", *place).stdout.splitlines())


def test_esc_leads_back_to_what_was_found_and_f_begins_where_it_ended(
    home: Home, simulator: Simulator
) -> None:
    with home.start(DEMO_IDS[1]) as app:
        app.wait_for("dwd_trade_order_di")
        open_box(app, "f")
        search(app, PLACE)
        app.wait_for("10 of 10 found")
        app.press("j", "enter")
        app.wait_for(r"Esc results[\s\S]*\? help")
        calls = simulator.calls.count("ListWorkflowInstances")
        app.press("escape")
        app.wait_for("10 of 10 found")
        assert simulator.calls.count("ListWorkflowInstances") == calls
        app.press("escape")
        app.wait_for("type or paste")
        open_box(app, "f")
        assert PLACE in app.text()
        app.press("enter")
        app.wait_for("10 of 10 found")
        # What was watched there is what is acted on next.
        app.press("G", "w")
        app.wait_for(r"Added \S+ \d{11} to the list")
        [number] = re.findall(r"Added \S+ (\d{11})", app.text())
        app.press("escape", "y")
        app.wait_for(rf"type or paste[\s\S]* {number}: ")
        open_box(app, "f")
        app.press("enter")
        app.wait_for("10 of 10 found")
        app.press("G", "k", "enter")
        app.wait_for(r"Esc results[\s\S]*\? help")
        app.press("w")
        app.wait_for(r"Added (?:\S+ )?\d{11} to the list")
        [opened] = re.findall(r"Added (?:\S+ )?(\d{11})", app.text())
        app.press("escape")
        app.wait_for("10 of 10 found")
        app.press("escape", "y")
        app.wait_for(rf"type or paste[\s\S]* {opened}: ")
        app.quit()


def test_u_in_find_takes_back_what_was_done_there_and_nothing_from_before(home: Home) -> None:
    home.run("follow", "--project", 88123, "--workflow", 2261034)
    with home.start(FAILED, size=(160, 30)) as app:
        app.wait_for("1 followed")
        app.press(":", *"follows", "enter")
        app.wait_for("What is followed")
        app.press("enter")
        app.wait_for("End the follow")
        app.press("enter")
        app.wait_until(lambda: not home.run("follow", "list").stdout, "the end of the follow")
        open_box(app, "f")
        search(app, f"{PLACE} name=gmv")
        app.wait_for(r"\d of \d found")
        app.press("W")
        # In every case the same question.
        app.wait_for(r"What to follow\?[\s\S]* follow search: .*name=gmv[\s\S]* follow workflow: ")
        app.press("enter")
        app.wait_for("Following .*name=gmv: its new runs join the list, W stops that")
        app.wait_until(lambda: "name=gmv" in home.run("follow", "list").stdout, "the follow")
        app.press("u")
        app.wait_for("Not followed any more: ")
        app.wait_until(lambda: not home.run("follow", "list").stdout, "the follow undone")
        app.press("/")
        app.wait_for("Esc cancel")
        search(app, f"{PLACE} name=ods")
        app.wait_for(r"name=ods[\s\S]* ods_[\s\S]*\d of \d found")
        app.press("G", "w")
        app.wait_for(r"Added \S+ \d{11} to the list")
        app.press("u")
        # Without a name where it was not read before that.
        app.wait_for(r"Unwatched .*\d{11}")
        [number] = re.findall(r"Unwatched .*?(\d{11})", app.text())
        app.wait_until(lambda: number not in home.run("list").stdout, "one row less")
        app.press("u")
        app.wait_for("Restored the follow workspace=88123 workflow=2261034")
        app.quit()
