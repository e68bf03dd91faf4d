import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from journey import Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

FIRST, SECOND, OTHER = DEMO_IDS[:3]
EARLIER = 10431554021
"""The run of FIRST's workflow one business date before."""
NAMES = {FIRST: "ads_user_profile", SECOND: "dwd_trade_order_di"}
WIDE = (110, 30)


@contextmanager
def running(
    home: Home,
    simulator: Simulator,
    *numbers: int,
    size: tuple[int, int] = (80, 24),
    patch: str = "",
) -> Iterator[Session]:
    """The app that watches these, once it shows that all of them run."""
    for number in numbers:
        simulator.set_status(number, "Running")
    with home.start(*numbers, size=size, patch=patch) as app:
        app.wait_for(rf"▸ {len(numbers)} [\s\S]*Running ")
        yield app


def detail(app: Session) -> str:
    """What stands right of the list."""
    return "\n".join(row[40:] for row in app.text().splitlines())


def wait_detail(app: Session, pattern: str) -> None:
    app.wait_until(lambda: app.is_whole and re.search(pattern, detail(app)) is not None, pattern)


def test_every_command_acts_on_the_row_under_the_cursor_whatever_pane_has_the_keys(
    home: Home, simulator: Simulator
) -> None:
    with running(home, simulator, FIRST, SECOND, size=WIDE) as app:
        # By ID, so that the order stays.
        app.press("s", "s", "s", "s", "g")
        app.wait_for("by ID, lowest first")
        wait_detail(app, NAMES[FIRST])
        # Without a call, and before it is on display.
        app.press("j")
        wait_detail(app, NAMES[SECOND])
        app.press("enter", "y")
        app.wait_for(f"{SECOND}: ")
        app.press("x")
        app.wait_for(f"Removed {NAMES[SECOND]} {SECOND}, u restores")
        wait_detail(app, NAMES[FIRST])
        # What is said covers nothing, and goes with the next key.
        assert "calls" in app.text().splitlines()[-2]
        app.press("escape")
        app.wait_gone("Removed")
        # Two removals, undone one after the other: the cursor goes where each was.
        app.press("x")
        app.wait_for(rf"Removed {NAMES[FIRST]}\w* {FIRST}, u restores")
        app.press("u")
        app.wait_for(rf"Restored {NAMES[FIRST]}\w* {FIRST}")
        wait_detail(app, NAMES[FIRST])
        app.press("u")
        app.wait_for(f"Restored {NAMES[SECOND]} {SECOND}")
        wait_detail(app, NAMES[SECOND])
        # What was named at the start is no edit.
        app.press("u")
        app.wait_for("Nothing to undo.")
        app.wait_for("▸ 2 ")
        # What was added goes again, and stays under the cursor as it was before.
        app.press(*str(OTHER), "enter")
        app.wait_for(rf"{OTHER}[\s\S]*not watched")
        app.press("w")
        app.wait_for(rf"Added \w+ {OTHER} to the list")
        app.press("u")
        app.wait_for(rf"Unwatched \w+ {OTHER}")
        wait_detail(app, str(OTHER))
        app.wait_for("not watched")
        assert str(OTHER) not in home.run("list").stdout
        app.quit()


def test_an_id_looked_up_is_a_row_of_the_list_until_it_is_dropped(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FIRST, "Running")
    with home.start(FIRST, size=WIDE) as app:
        app.wait_for(r"▸ 1 [\s\S]*Running ")
        # In one packet: what comes behind Enter is about what was looked up.
        app.press(*str(SECOND), "enter", "y")
        app.wait_for(f"{SECOND}: ")
        wait_detail(app, NAMES[SECOND])
        app.press("j")
        wait_detail(app, NAMES[FIRST])
        app.wait_for(rf"\u203a  . [^\n]*\n +{SECOND}")
        app.press("k")
        wait_detail(app, "not watched, w adds it")
        app.press("escape")
        app.wait_gone(NAMES[SECOND])
        app.press("1", "up", "enter")
        wait_detail(app, NAMES[SECOND])
        app.press("w")
        wait_detail(app, "[^t] watched, w removes it")
        # Of pasted IDs that the service does not know none leaves the cursor on another row.
        app.press("s", "s", "s", "s")
        app.wait_for("by ID, lowest first")
        app.send(f"\x1b[200~{SECOND + 56} {SECOND + 57}\x1b[201~\r".encode())
        app.wait_for("Not watched: the service knows none of")
        wait_detail(app, NAMES[SECOND])
        for leave in ("enter", "escape"):
            app.press("/", "z", "z", leave)
            app.wait_for("matches" if leave == "enter" else "by ID")
            app.press("escape")
            wait_detail(app, NAMES[SECOND])
        app.press("y")
        app.wait_for(f"{SECOND}: ")
        # Where one is known the cursor goes there, whether it is new or on the list already; else it is back.
        for pasted, known in ((OTHER, OTHER), (FIRST, FIRST), ("", FIRST)):
            text = f"{SECOND + 56} {SECOND + 57} {pasted}"
            app.send(f"\x1b[200~{text}\x1b[201~\r".encode())
            said = app.wait_for("Not watched: the service knows none of")
            assert ("The other one is watched" in said) == bool(pasted)
            wait_detail(app, rf"{known} +watched")
            app.press("y")
            app.wait_for(f"{known}: ")
        app.quit()


ONE_BY_ONE = """
from wfinspect.watching.poller import Poller
def do_one(self):
    if self._intents:
        self._intents.popleft()()
        self._wake_up()
Poller._do_intents = do_one
"""
"""A snapshot comes between any two things that the user wants."""


def test_what_is_watched_no_more_stays_under_the_cursor(home: Home, simulator: Simulator) -> None:
    with running(home, simulator, FIRST, SECOND, OTHER, size=WIDE, patch=ONE_BY_ONE) as app:
        app.press("s", "s", "s", "s", "g", "j")
        wait_detail(app, NAMES[SECOND])
        for _ in range(3):
            app.press("w")
            wait_detail(app, "not watched, w adds it")
            wait_detail(app, NAMES[SECOND])
            app.press("w")
            wait_detail(app, "[^t] watched, w removes it")
        app.wait_for("▸ 3 ")
        app.press("w")
        wait_detail(app, "not watched, w adds it")
        app.press("escape")
        # Dropped, it leaves the cursor on the row behind it.
        wait_detail(app, "ods_pay_bill_di")
        app.wait_for("▸ 2 ")
        app.press("u")
        app.wait_for("▸ 3 ")
        # Until then it stays in its place: the row below it is the next.
        app.send(b"gjwjw")
        app.wait_for(rf"Unwatched ods_pay_bill_di\w* {OTHER}, u restores")
        app.wait_for("▸ 1 ")
        app.quit()


def test_what_changes_under_the_cursor_stays_unseen_until_a_key_is_pressed(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    with running(home, simulator, FIRST, OTHER, size=WIDE) as app:
        simulator.set_status(FIRST, "Failure")
        app.wait_for(r"✱  ✖ ")
        wait_detail(app, "Running -> Failure")
        polls = len(simulator.calls.latest)
        app.wait_until(lambda: len(simulator.calls.latest) > polls, "another poll")
        app.wait_for("1 unseen")
        app.press("g")
        app.wait_gone("unseen")
        app.quit()


def test_a_key_is_refused_where_another_row_has_just_come_by_itself(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    simulator.set_status(FIRST, "Running")
    simulator.set_status(OTHER, "Running")
    assert home.run("list", "add", FIRST, OTHER).returncode == 0
    patch = "from wfinspect.ui.screens import main\nmain._LOOK_SECONDS = 60.0\n"
    with home.start(size=WIDE, patch=patch) as app:
        app.wait_for(r"▸ 2 [\s\S]*WATCHED")
        wait_detail(app, "Running")
        other = OTHER if NAMES[FIRST] in detail(app) else FIRST
        simulator.set_status(other, "Failure")
        wait_detail(app, "Running -> Failure")
        app.press("w")
        app.wait_for(rf"The cursor has just moved to \w+ {other}: press it again")
        app.press("j")
        app.wait_gone("The cursor has just moved")
        app.quit()
    # Nothing was unwatched.
    assert len(json.loads(home.run("list", "-o", "json").stdout)) == 2


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_what_leaves_the_list_while_it_is_read_opens_no_other_row(
    home: Home, simulator: Simulator, size: tuple[int, int]
) -> None:
    home.hurry()
    with running(home, simulator, FIRST, SECOND, OTHER, size=size) as app:
        app.press("s", "s", "s", "s", "g", "enter")
        app.wait_for("Esc back")
        simulator.set_status(SECOND, "Failure")
        app.wait_for("1 unseen")
        app.press("x")
        app.wait_for(f"Removed {NAMES[FIRST]}")
        app.wait_for("(?m)^ +NAME")
        # The keys are in the list, and nobody has looked at the next row.
        app.press("j")
        app.wait_gone("Removed")
        app.wait_for("1 unseen")
        app.press("enter")
        app.wait_for(r"Running +ods_pay_bill_di")
        assert home.run("list", "remove", OTHER).returncode == 0
        app.wait_for("(?m)^ +NAME")
        app.wait_for(f"{OTHER} was removed by another wfinspect")
        app.wait_for(f"✱  ✖ {NAMES[SECOND]}")
        app.quit()


def test_a_new_order_waits_until_no_key_is_pressed(home: Home, simulator: Simulator) -> None:
    home.hurry()
    patch = "from wfinspect.ui.screens import main\nmain.ORDER_SECONDS = 1.0\n"
    with running(home, simulator, FIRST, SECOND, OTHER, patch=patch) as app:
        app.press("G", "g")
        last = re.findall(r"▸ (\w+) +(\d{11})", app.text())[-1]
        simulator.set_status(int(last[1]), "Failure")
        app.press("j")
        # Without another key, and though nothing else changes.
        app.wait_for(rf"NAME[^\n]*\n✱  ✖ {last[0]}")
        app.quit()


def test_the_last_line_names_the_keys_that_do_something_now(
    home: Home, simulator: Simulator
) -> None:
    with home.start() as app:
        app.wait_for(r"f +finds[\s\S]*\n f find  \? help  q quit")
        app.press(*f"{FIRST},{SECOND}")
        app.wait_for(r"Enter watch all  Esc leave  \? help  ctrl\+q quit")
        simulator.set_status(FIRST, "Failure")
        app.press("enter", "g")
        app.wait_for(r"l log  t tasks  c compare  Enter detail .* \? help  q quit")
        app.press("/")
        app.wait_for(r"Enter keep  Esc cancel")
        app.press("escape")
        app.wait_for(r"\n l log .* / filter  f find")
        # What was looked at with a filter is what a key acts on without it.
        app.press("/", *"trade", "enter")
        app.wait_for(r"Esc clear  \? help")
        app.press("escape", "x")
        app.wait_for(f"Removed {NAMES[SECOND]}")
        app.quit()


def test_a_narrow_list_has_whole_names_and_enter_opens_the_detail(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FIRST, "Failure")
    simulator.set_status(SECOND, "Running")
    with home.start(FIRST, SECOND) as app:
        app.wait_for(r"✖ ads_user_profile_daily +\d{11}  Failure")
        app.press("g", "enter")
        app.wait_for("Esc back")
        app.wait_for(r"  NAME|WATCHED")
        app.press("z")
        app.wait_gone("WATCHED")
        app.press("z")
        app.wait_for("WATCHED")
        app.press("escape")
        app.wait_gone("Esc back")
        app.resize(60, 20)
        app.press("enter")
        app.wait_gone(NAMES[SECOND])
        app.press("escape")
        app.wait_for(NAMES[SECOND])
        app.quit()


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_tab_goes_to_the_other_pane_and_esc_alone_closes_the_detail(
    home: Home, simulator: Simulator, size: tuple[int, int]
) -> None:
    is_beside = size[0] >= 80
    with running(home, simulator, FIRST, SECOND, OTHER, size=size) as app:
        app.press("s", "s", "s", "s", "g", "enter")
        app.wait_for("Esc back")
        app.press("tab", "j")
        app.wait_gone("Esc back")
        if is_beside:
            # It follows the cursor of the list.
            wait_detail(app, NAMES[SECOND])
            app.wait_for(r"WATCHED 3[\s\S]*\n .*Esc close detail  Enter detail")
            app.press(" ", "escape")
            app.wait_for("Esc close detail")
            # Alone, and both again; also from one to the other.
            app.press("z")
            app.wait_for("(?m)^ +NAME")
            app.press("tab")
            app.wait_for(r"Esc back")
            app.press("tab", "z")
            app.wait_for("WATCHED 3")
            # What was looked up stays: the detail of it is what goes first.
            app.press(*str(EARLIER), "enter")
            app.wait_for("Esc back")
            app.press("tab")
            app.wait_for(r"WATCHED 3[\s\S]*Esc close detail")
            app.press("escape")
            app.wait_for("(?m)^ +NAME")
            app.wait_for(rf"{EARLIER}[\s\S]*Esc close it")
            app.press("escape", "g", "enter", "/", *"trade", "enter")
            app.wait_for(r"WATCHED 1 of 3 [\s\S]* /trade[\s\S]*Esc close detail")
            app.press("escape")
            app.wait_for(r"(?m)^ +NAME[\s\S]*Esc clear")
            app.press("escape")
        app.press("z")
        app.wait_for("Open the detail first: Enter." if is_beside else "There is no room for both.")
        # Where none is open it opens, as by Enter.
        app.press("tab")
        app.wait_for(rf"{NAMES[SECOND]}[\s\S]*Esc back")
        app.press("escape")
        app.wait_gone("Esc back")
        app.wait_for(r"(?m)^ +NAME[\s\S]*Enter detail")
        app.quit()


def test_marked_rows_are_acted_on_together_as_the_footer_says(
    home: Home, simulator: Simulator
) -> None:
    with running(home, simulator, FIRST, SECOND, OTHER) as app:
        app.press("s", "s", "s", "s", "g")
        app.wait_for("by ID")
        # What failed in a run that goes on is in its row, and its log the first of the keys.
        app.wait_for(r"ads_user_profile_daily +\d{11}  Running +\w+  1 failed")
        app.wait_for(r"\n l log  t tasks")
        # The cursor stays: what is marked is what is looked at.
        app.press(" ", "y")
        app.wait_for(f"{FIRST}: ")
        app.press("j", " ", "j")
        for key in ("x", "w"):
            app.wait_for(r"x remove 2  w unwatch 2  y copy 2  r refresh 2 .* \? help  q quit")
            app.press("y")
            app.wait_for("2 IDs: ")
            app.press(key)
            said = r"Removed 2 instances \(\w+_daily, dwd_trade_order_di\),\s+u restores"
            app.wait_for(said)
            app.wait_gone("x remove")
            app.wait_for("▸ 1 ")
            # What was not marked comes back as it was, and so does what was.
            app.press("x")
            app.wait_for("Nothing is watched yet")
            app.press("u")
            app.wait_for("▸ 1 ")
            assert "x remove" not in app.text()
            app.press("u")
            app.wait_for("▸ 3 ")
        app.press("escape", "g", " ", "escape")
        app.wait_gone("x remove")
        # Both ways off the list say whose, and the way back.
        app.press("w")
        app.wait_for(f"Unwatched ads_user_profile_daily {FIRST}, u restores")
        app.press("u")
        app.wait_for("▸ 3 ")
        app.quit()


def test_keys_that_a_link_bunches_act_in_their_order(home: Home, simulator: Simulator) -> None:
    for number in (FIRST, SECOND):
        simulator.set_status(number, "Success")
    with home.start(FIRST, SECOND) as app:
        app.wait_for("✔ 2 ")
        app.send(b"/trade\re")
        app.wait_for("CSV to a file")
        app.wait_for("all 1 rows")
        app.send(b"to a file\x1b[B\x1b[B\x1b[B\x1b[B\r")
        app.wait_for(r"Written to [\s\S]*\.csv")
        # The log is to get what is typed while its tasks are read.
        app.send(b"l/exit")
        app.wait_for(r"log of \d+[\s\S]*Search log +exit")
        assert "does nothing here" not in app.text()
        app.press("escape", "escape", "escape")
        app.wait_for("type or paste")
        app.send(b"t/load\r")
        app.wait_for(r"\d of \d+ /load")
        assert "does nothing here" not in app.text()
        app.press("escape", "escape")
        app.wait_for("type or paste")
        # A slash leads to what narrows, also where that has the keys already.
        simulator.set_status(FIRST, "Failure")
        simulator.set_status(SECOND, "Running")
        app.press("R")
        app.wait_for("was Success[\\s\\S]*was Success")
        app.send(b"L/fail")
        app.wait_for(r"All changes, newest first\s+fail *\n[\s\S]*Success -> Failure")
        app.quit()


def test_letters_behind_a_digit_do_nothing_until_the_box_is_left(
    home: Home, simulator: Simulator
) -> None:
    with running(home, simulator, FIRST, SECOND) as app:
        # Behind a key that acts before all others, in one packet.
        app.press("ctrl+c")
        app.wait_for(r"ctrl\+c once more quits\.")
        app.send(b"12x")
        app.wait_for(r"Digits only, 100\.\.120 is a range; Esc leaves the box\.|Removed")
        assert "Removed" not in app.text()
        app.press("escape")
        app.wait_for(r"\u203a +type or paste")
        app.press("1", "2", "x")
        app.wait_for(r"Digits only, 100\.\.120 is a range; Esc leaves the box\.")
        app.wait_for(r"\u203a +12\b")
        app.press("q")
        app.wait_for(r"Enter look up  Esc leave  \? help  ctrl\+q quit")
        app.press("escape")
        # In one packet, as a slow link delivers them.
        app.send(b"j12xwq")
        app.wait_for(r"Digits only, 100\.\.120 is a range; Esc leaves the box\.")
        app.press("escape")
        app.wait_for(r"▸ 2 [\s\S]*q quit")
        assert "Removed" not in app.text()
        app.quit()


def test_another_instance_opens_at_its_top_and_on_its_core(
    home: Home, simulator: Simulator
) -> None:
    for number in (FIRST, SECOND, OTHER):
        simulator.set_status(number, "Failure")
    with home.start(FIRST, SECOND, size=(80, 16)) as app:
        app.wait_for(r"✖ 2 [\s\S]*Failure ")
        app.press("s", "s", "s", "s", "g", "enter")
        app.wait_for("Esc back")
        app.press("G")
        app.wait_gone("done, ")
        app.press("escape")
        app.wait_gone("Esc back")
        app.press(">")
        app.wait_for("Open the detail first: Enter.")
        app.press("escape")
        app.wait_gone("Open the detail first")
        app.press("z")
        app.wait_for("Open the detail first: Enter.")
        app.press("j", "enter")
        app.wait_for(r"✖ Failure  dwd_trade[\s\S]*\d/\d+ done")
        app.press(">", "escape", *str(OTHER), "enter")
        app.wait_for(r"✖ Failure  ods_pay_bill_di[\s\S]*\d/\d+ done")
        app.quit()


def test_runs_of_one_workflow_are_told_apart_by_their_business_dates(home: Home) -> None:
    for size in ((80, 24), (110, 30)):
        with home.start(FIRST, EARLIER, size=size) as app:
            app.wait_for(r"biz \d\d-\d\d[\s\S]*biz \d\d-\d\d")
            assert len(set(re.findall(r"biz (\d\d-\d\d)", app.text()))) == 2
            app.quit()


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
def test_what_no_longer_matches_the_filter_stays_until_the_cursor_leaves_it(
    home: Home, simulator: Simulator, size: tuple[int, int]
) -> None:
    home.hurry()
    with running(home, simulator, FIRST, SECOND, OTHER, size=size) as app:
        app.press("s", "s", "s", "s", "g", "/", *"status=running", "enter")
        app.wait_for(r"/status=running")
        app.press("enter")
        app.wait_for("Esc back")
        simulator.set_status(FIRST, "Failure")
        app.wait_for("/status=running  does not match")
        app.press("l")
        app.wait_for(rf"{NAMES[FIRST]}\w* / \w+ +log of \d+")
        app.press("escape")
        app.wait_for("does not match")
        # In the list as well; a mark keeps it too, and without both it leaves.
        app.press("escape", "y")
        app.wait_for(f"{FIRST}: ")
        app.press(" ", "j")
        app.wait_for("x remove 1")
        app.wait_gone("does not match")
        app.wait_for(rf"#.*✖ {NAMES[FIRST]}")
        app.press("escape")
        app.wait_gone(NAMES[FIRST])
        app.wait_for("2 of 3")
        app.press("y")
        app.wait_for(f"{SECOND}: ")
        app.quit()


def test_u_leaves_the_cursor_where_it_was_unless_its_own_row_had_been_removed(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(FIRST, "Success")
    simulator.set_status(SECOND, "Running")
    simulator.set_status(OTHER, "Success")
    with home.start(FIRST, SECOND, OTHER, size=WIDE) as app:
        app.wait_for(r"✔ 2[\s\S]*Running ")
        app.press("s", "s", "s", "s", "g", "j")
        wait_detail(app, NAMES[SECOND])
        app.press("X")
        app.wait_for("Removed 2 instances")
        app.press("u")
        app.wait_for("Restored 2 instances")
        app.wait_for("✔ 2")
        wait_detail(app, NAMES[SECOND])
        app.press("G")
        wait_detail(app, "ods_pay_bill_di")
        # Its own row among several: there it returns, not to the first of them.
        app.press("X")
        app.wait_for("Removed 2 instances")
        wait_detail(app, NAMES[SECOND])
        app.press("u")
        app.wait_for("Restored 2 instances")
        wait_detail(app, "ods_pay_bill_di")
        app.quit()


def test_n_leaves_a_filter_only_where_that_has_no_unseen_change_and_says_so(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    for number, status in ((FIRST, "Running"), (SECOND, "Success"), (OTHER, "Running")):
        simulator.set_status(number, status)
    with home.start(FIRST, SECOND, OTHER) as app:
        app.wait_for(r"▸ 2 [\s\S]*Running ")
        app.press("/", *"status=success", "enter")
        app.wait_for("1 of 3")
        simulator.set_status(FIRST, "Failure")
        simulator.set_status(OTHER, "Success")
        app.wait_for("2 of 3[\\s\\S]*2 unseen")
        # What failed is more urgent, but not in the filter.
        app.press("n", "y")
        app.wait_for(f"{OTHER}: ")
        app.wait_for("2 of 3")
        app.press("n")
        app.wait_for("Filter cleared: status=success")
        app.press("y")
        app.wait_for(f"{FIRST}: ")
        app.quit()
