"""Keys in, intents out; snapshots in, the screen out."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fakes import BINDING, START, key, ms
from hypothesis import given
from hypothesis import strategies as st
from rig import Rig, copied, running
from scenes import (
    FAILED,
    NEW,
    TRADE,
    ago,
    change,
    failed_row,
    gone,
    loading,
    mixed,
    mixed_rows,
    not_found,
    outage,
    refused,
    row,
    with_history,
)
from task_scenes import FAILED_TASK, page
from values import replace
from view_scenes import found, on_results

from wfinspect.errors import Refused, Throttled
from wfinspect.model import Follow, InstanceKey, OperationLog, Query, pack
from wfinspect.ui.keys import COMMANDS, COMMANDS_BY_ID
from wfinspect.ui.lines import Role, line
from wfinspect.ui.screens.dialogs import Choice, ChoiceScreen
from wfinspect.ui.screens.find import FindScreen
from wfinspect.ui.screens.main import ORDER_SECONDS, Layout, layout_for
from wfinspect.ui.screens.view import Title
from wfinspect.ui.widgets.boxes import LineInput
from wfinspect.ui.widgets.line_view import LineView
from wfinspect.watching.api import Contact, Outlook, Row, Snapshot, TasksOf

ORDER = [FAILED, 10433007802, TRADE, 10433001250]
"""The first rows of `mixed`, by attention."""


def cursor(rig: Rig) -> int:
    found = rig.app.main.list.chosen
    assert found is not None
    return found.key.id


def explained(row: Row) -> Row:
    """A row of whose last change the tasks that failed are recorded by now."""
    last = row.last_change
    return replace(row, last_change=last and replace(last, failed=(FAILED_TASK,)))


async def test_the_detail_follows_the_cursor_and_what_rests_there_is_read_more_often() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("j", "j", "k")
        assert cursor(rig) == ORDER[1]
        assert "Running -> Checking 1m ago" in rig.text
        assert not [one for one in rig.asked if one[0] == "display"]
        rig.app.main.rested()
        rig.app.main.rested()

        assert rig.asked[-1] == ("display", ORDER[1])
        assert rig.asked.count(("display", ORDER[1])) == 1


async def test_a_change_is_seen_when_a_key_is_pressed_after_its_detail_was_painted() -> None:
    async with running(mixed(), (110, 30)) as rig:
        assert rig.asked == []
        rig.clock.advance(1)
        await rig.press("j")
        assert rig.asked == [("seen", FAILED)]
        rig.control.asked.clear()
        news = replace(failed_row(), last_change=change(FAILED, "Running", "Failure", START))
        await rig.press("k")
        rig.control.asked.clear()
        # It changes again between the frame and the key.
        rig.control.publish(replace(mixed(), rows=(news, *mixed_rows()[:3])))
        rig.app.main.key_pressed()

        assert rig.asked == []
        await rig.settle()
        rig.clock.advance(1)
        await rig.press("g")
        assert rig.asked == [("seen", FAILED)]
        rig.control.asked.clear()
        # Which tasks failed is recorded with it between the frame and the key.
        rig.control.publish(replace(mixed(), rows=(explained(news), *mixed_rows()[:3])))
        rig.app.main.key_pressed()
        assert rig.asked == [("seen", FAILED)]


async def test_a_change_that_is_only_passed_over_stays_unseen() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("G", *"kkkkkkk")
        assert cursor(rig) == ORDER[1]
        await rig.press("j", "k")
        rig.app.main.rested()
        assert ("seen", ORDER[1]) not in rig.asked
        # What acts on the row has it seen once the cursor rests.
        await rig.press("l", "escape")
        rig.app.main.rested()

        assert rig.asked.count(("seen", ORDER[1])) == 1


@pytest.mark.parametrize("is_by_key", [True, False])
async def test_what_comes_under_the_cursor_by_itself_is_not_seen_by_the_next_key(
    is_by_key: bool,
) -> None:
    async with running(mixed(), (110, 30)) as rig:
        rig.clock.advance(1)
        if is_by_key:
            await rig.press("x")
        else:
            await rig.publish(
                replace(mixed(), rows=[r for r in mixed_rows() if r.key.id != FAILED])
            )
        assert cursor(rig) == ORDER[1]
        await rig.press("j")
        rig.app.main.rested()

        assert ("seen", ORDER[1]) not in rig.asked


async def test_what_is_in_a_list_alone_stays_unseen() -> None:
    async with running(mixed()) as rig:
        await rig.press("j", "k", "j")
        assert rig.asked == []
        await rig.press("enter")
        await rig.press("escape")
        rig.app.main.rested()

        assert ("seen", ORDER[1]) in rig.asked


async def test_top_bottom_and_pages_stop_at_the_ends() -> None:
    async with running(mixed(), (80, 12)) as rig:
        await rig.press("G")
        last = cursor(rig)
        await rig.press("pagedown", "down")
        assert cursor(rig) == last == 10432980001
        assert str(last) in rig.text
        await rig.press("pageup", "g", "up")
        assert cursor(rig) == ORDER[0]


async def test_a_new_order_keeps_the_cursor_on_its_instance() -> None:
    async with running(mixed()) as rig:
        await rig.press("j", "j")
        assert cursor(rig) == TRADE
        rows = (
            *(replace(r, is_unseen=False) for r in mixed_rows()),
            failed_row(key=key(5)),
            row(6, "Failure", is_unseen=True),
        )
        await rig.publish(replace(mixed(), rows=rows))

        assert cursor(rig) == TRADE


@pytest.mark.parametrize("opened", [(), (key(TRADE),)])
async def test_before_the_first_key_the_cursor_is_on_the_first_row(
    opened: tuple[InstanceKey, ...],
) -> None:
    rows = (row(TRADE, "Running"), row(FAILED, "Success"))
    async with running(replace(mixed(), rows=rows), (110, 30), open_keys=opened) as rig:
        assert cursor(rig) == TRADE
        await rig.publish(replace(mixed(), rows=(rows[0], failed_row())))
        assert [each.key.id for each in rig.app.main.list.items] == [FAILED, TRADE]
        # What was named on the command line keeps the cursor.
        assert cursor(rig) == (TRADE if opened else FAILED)
        await rig.press("x")
        if not opened:
            # It was pressed for the row before.
            assert rig.asked == []
            assert f" {FAILED}: press it again." in rig.text
            rig.clock.advance(1)
            await rig.press("x")
        assert ("unwatch", TRADE if opened else FAILED) in rig.asked


async def test_before_the_first_key_what_is_looked_at_is_left_for_a_failure_alone() -> None:
    rows = (row(TRADE, "Running"), row(FAILED, "Success"))
    async with running(replace(mixed(), rows=rows), (110, 30)) as rig:
        late = replace(failed_row(key=key(5)), is_unseen=False)
        await rig.publish(replace(mixed(), rows=(*rows, late)))
        assert [each.key.id for each in rig.app.main.list.items] == [5, TRADE, FAILED]
        assert cursor(rig) == TRADE
        await rig.publish(replace(mixed(), rows=(rows[0], late, failed_row())))
        assert cursor(rig) == FAILED
        await rig.pilot.click(rig.app.main.list, offset=(20, 2))
        assert cursor(rig) == 5
        again = row(6, "Failure", is_unseen=True)
        await rig.publish(replace(mixed(), rows=(rows[0], late, failed_row(), again)))
        assert cursor(rig) == 5


async def quiet(rig: Rig) -> None:
    """No key is pressed for a while."""
    rig.clock.advance(ORDER_SECONDS)
    rig.app.main.sort_if_quiet()
    await rig.settle()


async def test_no_row_moves_until_no_key_was_pressed_for_a_while() -> None:
    brought = row(6, "Failure", is_unseen=True, follow=1, added_at=START)
    async with running(mixed()) as rig:
        await rig.press("j", "j")
        before = [one.key.id for one in rig.app.main.list.items]
        news = tuple(
            row(1, "Failure", key=one.key, is_unseen=True) if one.key.id == before[4] else one
            for one in mixed_rows()
        )
        await rig.publish(replace(mixed(), rows=(brought, *news)))
        assert [one.key.id for one in rig.app.main.list.items] == [*before, 6]
        assert rig.app.main.unseen == 4
        await rig.press("up", "down", "down")
        assert cursor(rig) == before[3]
        rig.clock.advance(ORDER_SECONDS - 1)
        rig.app.main.sort_if_quiet()
        assert [one.key.id for one in rig.app.main.list.items] == [*before, 6]
        # Removed by the user, a row goes at once.
        await rig.press("x")
        assert [one.key.id for one in rig.app.main.list.items] == [*before[:3], *before[4:], 6]
        assert cursor(rig) == before[4]
        await quiet(rig)

        assert {one.key.id for one in list(rig.app.main.list.items)[:3]} == {6, before[4], FAILED}
        assert cursor(rig) == before[4]
        assert not rig.app.main.list.is_order_due


async def test_the_cursor_stays_near_when_its_row_goes() -> None:
    async with running(mixed()) as rig:
        await rig.press("j")
        rows = tuple(r for r in mixed_rows() if r.key.id != ORDER[1])
        await rig.publish(replace(mixed(), rows=rows))

        assert cursor(rig) == TRADE
        for act in "x", "w", "t", "enter":
            await rig.press(act)
            assert rig.asked == []
            assert "The cursor has just moved to " in rig.text
        await rig.press("x")
        assert rig.asked == [("unwatch", TRADE)]
        # A row that goes by hand is followed by one to act on at once.
        await rig.press("x")
        assert rig.asked[1:] == [("unwatch", ORDER[3])]


@pytest.mark.parametrize("covering", [":", "t"])
async def test_a_row_that_goes_below_another_screen_hands_no_key_to_the_next(covering: str) -> None:
    async with running(mixed()) as rig:
        await rig.press("j", covering)
        await rig.publish(replace(mixed(), rows=[r for r in mixed_rows() if r.key.id != ORDER[1]]))
        rig.clock.advance(60)
        rig.control.asked.clear()
        await rig.press(*((*"remove", "enter") if covering == ":" else ("escape", "x")))

        assert cursor(rig) == TRADE
        assert "The cursor has just moved to dwd_trade" in rig.text
        assert not [one for one in rig.asked if one[0] == "unwatch"]


async def test_the_cursor_returns_to_its_row_when_pasted_ids_are_not_known() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("j", "j")
        await rig.paste(f"{NEW} {NEW + 1} {TRADE}")
        await rig.press("enter")
        assert cursor(rig) == NEW
        joining = (row(NEW, "Running"), row(NEW + 1, "Running"))
        joining = tuple(replace(each, instance=None, is_loading=True) for each in joining)
        await rig.publish(replace(mixed(), rows=(*joining, *mixed_rows())))
        assert cursor(rig) == NEW
        await rig.publish(mixed())
        assert cursor(rig) == TRADE
        # Of a row that is removed by hand the next one takes the place.
        await rig.press("x")
        await rig.publish(replace(mixed(), rows=[r for r in mixed_rows() if r.key.id != TRADE]))
        assert cursor(rig) == ORDER[3]


async def test_what_joins_and_is_dropped_between_two_snapshots_leaves_the_list_with_its_notice() -> (
    None
):
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("j", "j")
        await rig.paste(f"{NEW} {NEW + 1} {TRADE}")
        await rig.press("enter")
        # One that was made before.
        await rig.publish(mixed(), intents_done=0)
        assert cursor(rig) == NEW
        await rig.publish(mixed())
        assert cursor(rig) == TRADE
        assert str(NEW) not in rig.text
        rig.control.asked.clear()
        # It was pressed for what was not known.
        await rig.press("x")
        assert rig.asked == []
        rig.clock.advance(1)
        await rig.press("x")

        assert rig.asked == [("unwatch", TRADE)]


async def test_the_cursor_returns_to_its_row_when_a_filter_widens() -> None:
    async with running(mixed(), (110, 30)) as rig:
        for keys in (("/", *"zzz", "enter", "escape"), ("/", *"ads", "escape")):
            await rig.press("g", "j", "j", *keys)
            assert cursor(rig) == TRADE
        await rig.press("/", *"zzz")
        assert rig.app.main.list.chosen is None
        await rig.press("backspace", "backspace", "backspace")
        assert cursor(rig) == TRADE
        await rig.press(*"zzz", "escape")
        assert cursor(rig) == TRADE
        # Also where it was moved meanwhile.
        await rig.press("/", *"ads", "down", "escape")
        assert cursor(rig) == TRADE
        # Where its row does not match, it goes to the first that does.
        await rig.press("G")
        last = cursor(rig)
        await rig.press("/", *"status=run")
        assert len(rig.app.main.list.items) > 1
        assert rig.app.main.list.cursor == 0
        await rig.press("escape")
        assert cursor(rig) == last
        await rig.press("g", "j", "j")
        # Once the filter is taken, what is under the cursor is what was looked at.
        await rig.press("/", *"ads", "enter")
        other = cursor(rig)
        assert "Esc clear" in rig.text
        await rig.press("/", *"trade", "escape")
        assert rig.app.main.list.filter_text == "ads"
        assert cursor(rig) == other
        await rig.press("escape")
        assert cursor(rig) == other != TRADE
        assert "Esc clear" not in rig.text


async def test_enter_gives_the_keys_to_the_detail_and_escape_gives_them_back() -> None:
    async with running(mixed()) as rig:
        await rig.press("enter")
        assert rig.app.main.detail.text.has_focus
        assert "Started  " in rig.text
        await rig.press("escape")

        assert rig.app.main.list.has_focus
        assert "Started  " not in rig.text


async def test_escape_in_the_list_takes_off_what_was_looked_up() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press(*str(NEW), "enter")
        assert cursor(rig) == NEW
        assert rig.text.splitlines()[4].startswith("\u203a  ? -")
        await rig.press("escape")

        assert rig.asked[-1] == ("unwatch", NEW)
        assert str(NEW) not in rig.text


async def test_the_cursor_returns_to_where_it_was_before_the_look_up() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("j", "j", *str(NEW), "enter", "escape")
        assert cursor(rig) == TRADE
        # Of two in a row it is where the first began.
        await rig.press(*str(NEW), "enter", *str(NEW + 1), "enter", "escape")
        assert cursor(rig) == TRADE


@pytest.mark.parametrize(
    ("moves", "place"), [((), 2), (("down", "up"), 0), (("G", "g"), 0), (("n", "g"), 0)]
)
@pytest.mark.parametrize("close", ["x", "escape"])
async def test_what_was_looked_up_leaves_the_cursor_where_it_was_moved(
    moves: Sequence[str], place: int, close: str
) -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("g", "j", "j", *"77", "enter", *moves)
        assert cursor(rig) == 77
        await rig.press(close)

        assert cursor(rig) == ORDER[place]


async def test_a_note_about_what_was_looked_up_puts_it_on_the_list() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press(*str(NEW), "enter", "i", *"Wxq", "escape")
        assert "watch" not in {one[0] for one in rig.asked}
        await rig.press("i", "enter")
        assert rig.asked[-1] == ("note", NEW, "")
        assert "Nothing was changed." in rig.text
        await rig.press("i", *"Wx")
        assert "Enter watch it with this note" in rig.text
        await rig.press("enter")

        assert rig.asked[-2:] == [("watch", NEW), ("note", NEW, "Wx")]
        assert f"Added {NEW} to the list, with its note" in rig.text


async def test_a_note_that_was_left_comes_back_with_up() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("g", "i", "up", *"rerun by Li", "escape")
        assert "Not kept: Up in the note brings it back." in rig.text
        # Of another row it is not offered.
        await rig.press("j", "i", "up")
        assert "Up what you left" not in rig.text
        assert "rerun by Li" not in rig.text
        await rig.press("escape")
        assert "Not kept" not in rig.text
        await rig.press("g", "i")
        assert "Up what you left" in rig.text
        assert "rerun by Li" not in rig.text
        await rig.press("up", *"ng", "enter")

        assert rig.asked[-1] == ("note", FAILED, "rerun by Ling")
        await rig.press("i")
        assert "Up what you left" not in rig.text


async def test_what_has_no_use_now_is_said() -> None:
    async with running(mixed()) as rig:
        await rig.press("G", "a")
        assert "Nothing is unseen here." in rig.text
        assert "mark_seen" not in {one[0] for one in rig.asked}
        await rig.press("D")
        assert "D does nothing here, ? shows the keys." in rig.text
        await rig.press("j")
        assert "does nothing here" not in rig.text


async def test_w_watches_what_was_looked_up_and_what_it_unwatches_stays() -> None:
    shown = replace(row(NEW, "Running"), is_watched=False)
    async with running(replace(mixed(), rows=(shown, *mixed_rows()))) as rig:
        await rig.press("g", "w")
        assert rig.asked[-1] == ("watch", NEW)
        watched = replace(shown, is_watched=True)
        await rig.publish(replace(mixed(), rows=(watched, *mixed_rows())))
        rig.control.asked.clear()
        await rig.press("w")

        assert rig.asked == [("unwatch", NEW, "stays")]


async def test_w_keeps_the_cursor_on_its_instance_whatever_snapshot_comes_next() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("j", "j", "w")
        assert cursor(rig) == TRADE
        assert "not watched, w adds it" in rig.text
        others = tuple(each for each in mixed_rows() if each.key.id != TRADE)
        await rig.publish(replace(mixed(), rows=others), intents_done=0)
        assert cursor(rig) == TRADE
        rig.control.asked.clear()
        await rig.press("w")

        assert rig.asked == [("watch", TRADE)]
        assert "watched, w removes it" in rig.text


async def test_w_watches_all_that_is_marked_where_one_of_it_is_not_watched() -> None:
    shown = replace(row(NEW, "Running"), is_watched=False)
    async with running(replace(mixed(), rows=(shown, *mixed_rows()))) as rig:
        await rig.press("g", "space", "j", "space", "j")
        assert "w watch 2" in rig.text
        await rig.press("w")

        assert rig.asked == [("watch", NEW)]
        assert "1 was on it" in rig.text
        assert "Esc unmark" not in rig.text


async def test_what_is_marked_is_acted_on_together_until_escape() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        # Not in the order in which they are marked.
        await rig.press("g", "j", "space", "k", "space", "j", "j")
        assert cursor(rig) == TRADE
        assert "x remove 2  w unwatch 2  y copy 2  a seen 2" in rig.text
        await rig.press("y")
        assert "2 IDs: " in rig.text
        await rig.press("a", "r", "escape", "r", "y")
        assert copied(rig) == [f"{FAILED}\n{ORDER[1]}", str(TRADE)]

        assert rig.asked == [
            ("seen", FAILED, ORDER[1]),
            ("refresh", FAILED),
            ("refresh", ORDER[1]),
            ("refresh", TRADE),
        ]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_with_the_keys_in_the_detail_they_act_on_it_whatever_is_marked(
    size: tuple[int, int],
) -> None:
    async with running(mixed(), size, is_recorded=True) as rig:
        await rig.press("g", "space", "j", "space", "j", "enter")
        assert cursor(rig) == TRADE
        assert "remove 2" not in rig.text
        await rig.press("y", "a", "r", "e")
        assert "all 9 rows" in rig.text
        assert "2 instances" not in rig.text
        await rig.press("escape", "w")
        assert copied(rig) == [str(TRADE)]
        assert rig.asked[-2:] == [("refresh", TRADE), ("unwatch", TRADE, "stays")]
        await rig.press("space")
        assert "keys of the list act on what is marked" in rig.text
        # The marks are there still.
        await rig.press("escape")
        assert "x remove 3" in rig.text


async def test_x_removes_and_u_brings_back() -> None:
    async with running(mixed()) as rig:
        await rig.press("j", "x")
        assert rig.asked == [("unwatch", ORDER[1])]
        assert "u restores" in rig.text
        await rig.press("u")

        assert rig.asked[-1] == ("undo",)


async def test_what_u_restores_is_where_it_was_though_a_follow_had_brought_it() -> None:
    brought = row(6, "Failure", is_unseen=True, follow=1, added_at=START)
    snapshot = replace(mixed(), rows=(brought, *mixed_rows()))
    async with running(snapshot) as rig:
        before = [one.key.id for one in rig.app.main.list.items]
        while cursor(rig) != 6:
            await rig.press("j")
        await rig.press("x")
        await rig.publish(mixed())
        assert 6 not in [one.key.id for one in rig.app.main.list.items]
        await rig.press("u")
        await rig.publish(snapshot)

        assert [one.key.id for one in rig.app.main.list.items] == before


async def test_what_is_read_by_hand_is_said() -> None:
    async with running(mixed()) as rig:
        await rig.press("r")
        assert "Reading ads_user_profile_daily" in rig.text
        await rig.press("R")
        assert "Reading all instances" in rig.text


async def test_what_was_only_looked_up_is_not_said_to_be_restored_by_u() -> None:
    async with running(mixed()) as rig:
        await rig.press(*str(NEW), "enter", "x")

        assert f"Closed {NEW}: it was not watched" in rig.text
        assert "u restores" not in rig.text


async def test_capital_x_removes_the_settled_but_not_what_nobody_has_seen() -> None:
    rows = (*mixed_rows(), row(5, "Failure"), row(6, "Success", is_live=False))
    async with running(replace(mixed(), rows=rows)) as rig:
        await rig.press("X")

        assert rig.asked == [("unwatch", 5, 10432980001)]
        assert "1 unseen stays, u restores" in " ".join(rig.text.split())
        left = tuple(each for each in mixed_rows() if each.key.id != 10432980001)
        await rig.publish(replace(mixed(), rows=left))
        await rig.press("X")
        assert "No instance to remove has ended: unseen ones stay." in rig.text


async def test_n_goes_to_the_most_urgent_unseen_change_first_and_round() -> None:
    async with running(mixed()) as rig:
        # From the most urgent on, which is unseen, too.
        for place in (1, 0, 1):
            await rig.press("n")
            assert cursor(rig) == ORDER[place]
        await rig.press("G", "n")
        assert cursor(rig) == ORDER[0]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_n_leaves_the_row_under_the_cursor_at_any_size(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("n")
        assert cursor(rig) == ORDER[1]
        await rig.press("G", "n")
        assert cursor(rig) == ORDER[0]


async def test_n_says_so_where_the_only_unseen_change_is_under_the_cursor() -> None:
    async with running(Snapshot(rows=(failed_row(),))) as rig:
        await rig.press("n")

        assert "No other unseen changes." in rig.text


async def test_what_is_seen_keeps_its_place_until_the_cursor_leaves_it() -> None:
    async with running(mixed(), (110, 30)) as rig:
        await rig.press("n")
        assert cursor(rig) == ORDER[1]
        await rig.press("a")
        seen = [
            replace(one, is_unseen=False) if one.key.id == ORDER[1] else one for one in mixed_rows()
        ]
        await rig.publish(replace(mixed(), rows=tuple(seen)))

        assert [one.key.id for one in rig.app.main.list.items][1] == ORDER[1]
        await quiet(rig)
        await rig.publish(replace(mixed(), rows=tuple(map(explained, seen))))
        assert [one.key.id for one in rig.app.main.list.items][1] == ORDER[1]
        below = rig.app.main.list.items[2].key.id
        await rig.press("j")
        assert cursor(rig) == below
        # The row goes to its place once no key is pressed; the cursor is on the one that stood below it.
        await quiet(rig)
        assert cursor(rig) == below
        assert [one.key.id for one in rig.app.main.list.items][1] != ORDER[1]


@pytest.mark.parametrize("sort", ["last change", "urgency"])
async def test_what_changes_and_is_seen_at_once_takes_its_place_under_the_cursor(sort: str) -> None:
    async with running(mixed(), (110, 30)) as rig:
        rig.app.main.list.set_order(query="", sort=sort)
        await rig.press("G")
        last = cursor(rig)
        place = rig.app.main.list.cursor
        failed = change(last, "Running", "Failure", START)
        for unseen in (True, False):
            news = row(last, "Failure", is_unseen=unseen, last_change=failed)
            rows = tuple(news if each.key.id == last else each for each in mixed_rows())
            await rig.publish(replace(mixed(), rows=rows))
            # The next key is about what was looked at.
            assert (cursor(rig), rig.app.main.list.cursor) == (last, place)
        await quiet(rig)

        assert cursor(rig) == last
        assert rig.app.main.list.cursor < place
        assert not rig.app.main.list.is_order_due


@pytest.mark.parametrize("view", ["t", "c"])
async def test_a_view_of_a_row_counts_as_its_detail(view: str) -> None:
    async with running(mixed()) as rig:
        await rig.press(view)
        assert not any(one[0] == "seen" for one in rig.asked)
        rig.clock.advance(1)
        await rig.press("escape")

        assert ("seen", ORDER[0]) in rig.asked


async def test_n_says_so_when_nothing_is_unseen() -> None:
    async with running(Snapshot(rows=(row(1, "Running"),))) as rig:
        await rig.press("n")

        assert "No unseen changes." in rig.text
        assert rig.asked == []


@pytest.mark.parametrize(
    ("keys", "box", "searched", "chosen"),
    [
        (":12", "", "", "12"),
        ("j:qu", "", "", "qu"),
        ("/12", "", "12", ""),
        ("j/pay 12", "", "pay 12", ""),
        ("j12", "12", "", ""),
        ("/pay\ne", "", "pay", ""),
        ("12\n34", "34", "", ""),
    ],
)
async def test_bunched_keys_go_to_what_those_before_them_open(
    keys: str, box: str, searched: str, chosen: str
) -> None:
    async with running(mixed()) as rig:
        await rig.burst(keys)
        on_top = rig.app.screen

        assert rig.app.main.id_box.input.value == box
        assert rig.app.main.list.filter_text == searched
        assert isinstance(on_top, ChoiceScreen) is (":" in keys or keys.endswith("e"))
        if isinstance(on_top, ChoiceScreen):
            assert on_top.query_one(LineInput).value == chosen


async def test_each_key_asks_for_its_thing() -> None:
    intents = {
        "a": ("seen", FAILED),
        "A": ("all seen",),
        "r": ("refresh", FAILED),
        "R": ("refresh", None),
        "+": ("interval", 30.0),
        "-": ("interval", 10.0),
        "p": ("paused", True),
    }
    async with running(mixed()) as rig:
        await rig.press(*intents)

        assert rig.asked == list(intents.values())


@pytest.mark.parametrize(
    ("seconds", "asked"), [(900.0, [600.0]), (600.0, [300.0]), (45.0, [60.0, 30.0]), (2.0, [5.0])]
)
async def test_plus_never_shortens_the_interval_and_minus_never_lengthens_it(
    seconds: float, asked: list[float]
) -> None:
    health = replace(mixed().health, interval_seconds=seconds)
    async with running(replace(mixed(), health=health)) as rig:
        await rig.press("+", "-")

        assert rig.asked == [("interval", each) for each in asked]


async def test_capital_a_says_that_nothing_is_lost() -> None:
    async with running(mixed()) as rig:
        await rig.press("A")

        assert "2 marked as seen, u undoes it, L shows all changes." in rig.text


async def test_p_resumes_what_is_paused() -> None:
    health = replace(mixed().health, contact=Contact.PAUSED)
    async with running(replace(mixed(), health=health)) as rig:
        assert "PAUSED" in rig.text
        await rig.press("p")

        assert rig.asked == [("paused", False)]


@pytest.mark.parametrize("size", [(60, 20), (160, 48)])
async def test_h_shows_the_history_and_never_the_log_over_all(size: tuple[int, int]) -> None:
    async with running(with_history(), size) as rig:
        await rig.press("g", "h", "h")

        assert rig.app.main.detail.text.has_focus
        assert "2m48s" in rig.text
        assert "All changes" not in rig.text


def touched(*numbers: int) -> Snapshot:
    """The failed row, of which some tasks may have been acted on."""
    tasks = tuple(replace(FAILED_TASK, id=n, modify_time=ms(START)) for n in numbers)
    outlook = Outlook(is_progress_live=True, touched=tasks)
    rows = [replace(r, outlook=outlook) if r.key.id == FAILED else r for r in mixed_rows()]
    return replace(mixed(), rows=rows)


async def test_who_acted_on_one_task_is_requested_once_its_history_is_looked_at() -> None:
    async with running(touched(1), (120, 50)) as rig:
        await rig.press("g", "o")
        rig.control.answer(Refused("ListTaskInstanceOperationLogs is not allowed."))
        await rig.settle()
        assert "ListTaskInstanceOperationLogs is not allowed." in rig.text
        await rig.publish(replace(touched(1), recent_ids=(7,)))
        assert rig.control.questions == []
        await rig.press("o")
        rig.control.answer((OperationLog(1, "Kill", "1823", ms(START), 1),))
        await rig.settle()

        assert re.search("14:30:00 +Kill +by 1823", rig.text)
        assert "not allowed" not in rig.text


async def test_who_acted_on_several_tasks_is_requested_when_the_cost_was_shown() -> None:
    async with running(touched(1, 2, 3, 4), (120, 50)) as rig:
        await rig.press("g", "h", "escape", "j", "k", "o")
        assert rig.control.questions == []
        assert "o  reads who acted on 4 of its tasks, at 4 calls: not read yet" in rig.text
        assert "It takes 4 calls: o once more makes them." in rig.text
        await rig.press("o", "o")

        assert len(rig.control.questions) == 4


@pytest.mark.parametrize("numbers", [(), (1, 2), (1, 2, 3, 4)])
async def test_o_reads_the_tasks_first_and_then_acts(numbers: tuple[int, ...]) -> None:
    async with running(mixed(), (120, 50)) as rig:
        await rig.press("g", "o")
        assert "Reading its tasks first, any key stops that." in rig.text
        assert rig.control.answer(page(FAILED_TASK)) == TasksOf(key(FAILED))
        await rig.publish(touched(*numbers))

        assert "any key stops" not in rig.text
        # Where it is dear, at first what it costs is shown.
        assert len(rig.control.questions) == len(numbers) % 4
        said = {0: "No task failed or was rerun.", 2: "BY HAND", 4: "on 4 of its tasks, at 4 c"}
        assert said[len(numbers)] in rig.text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Throttled("Too many calls."), "Its tasks were not read: Too many calls."),
        (page(), "It has no tasks."),
    ],
)
async def test_o_says_why_tasks_are_not_known(answer: object, said: str) -> None:
    async with running(mixed(), (120, 50)) as rig:
        await rig.press("g", "o")
        rig.control.answer(answer)
        await rig.settle()
        assert said in rig.text
        assert "any key stops" not in rig.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("operations", "Reading its tasks first"),
        ("history", "HISTORY"),
        ("raw", "the service's JSON"),
        ("follow", "Following ods: its new runs"),
        ("export", "Export ods"),
        ("upstream", "what it holds up"),
    ],
)
@pytest.mark.parametrize("is_from_palette", [False, True])
async def test_a_command_waits_for_the_row_and_is_about_no_other(
    name: str, said: str, *, is_from_palette: bool
) -> None:
    command = COMMANDS_BY_ID[name]
    keys = (":", *command.text, "enter") if is_from_palette else (command.shown,)
    unread = loading().rows[0]
    read = row(NEW, "Failure", name="ods", project_id=1, workflow_id=7, packed=pack("{}"))
    before, after = (replace(mixed(), rows=(each, *mixed_rows())) for each in (unread, read))
    async with running(before, (120, 50)) as rig:
        rig.app.main.select(unread.key)
        await rig.press(*keys)
        assert "Reading it first, any key stops that." in rig.text
        await rig.publish(after)
        assert said in rig.text
        assert "Reading it first" not in rig.text
    for leaves in ("j", "escape"):
        async with running(before, (120, 50)) as rig:
            rig.app.main.select(unread.key)
            await rig.press(*keys)
            await rig.press(leaves)
            assert "Reading it first" not in rig.text
            await rig.publish(after)
            assert rig.app.screen is rig.app.main
            assert said not in rig.text or name == "history"


async def test_who_acted_on_few_tasks_is_requested_at_once_and_stands_above_the_changes() -> None:
    async with running(touched(1, 2, 3), (120, 50)) as rig:
        await rig.press("g", "o")
        assert len(rig.control.questions) == 3
        for number in (1, 2, 3):
            rig.control.answer((OperationLog(number, "Kill", "1823", ms(START), 1),))
        await rig.settle()

        assert re.search(r"HISTORY[^\n]*\n[^\n]* BY HAND 3 [\s\S]*Running -> Failure", rig.text)


async def test_capital_l_goes_to_the_instance_of_a_change() -> None:
    async with running(with_history()) as rig:
        before = cursor(rig)
        await rig.press("L", *"trade", "enter")
        assert cursor(rig) == TRADE != before
        assert "Esc changes" in rig.text

        # Back in the list of changes, with what was typed there, from where Esc closes it.
        await rig.press("escape")
        assert "All changes, newest first" in rig.text
        assert "trade" in rig.text
        await rig.press("enter")
        assert cursor(rig) == TRADE
        await rig.press("escape", "escape")
        assert "All changes" not in rig.text
        assert cursor(rig) == before


async def test_runs_of_one_name_are_told_apart_in_a_narrow_log_too() -> None:
    runs = (
        replace(change(10432987000 + n, "Running", "Failure", START), name="x" * 30) for n in (1, 2)
    )
    async with running(replace(mixed(), transitions=tuple(runs)), (45, 16)) as rig:
        await rig.press("L")

        assert len(set(re.findall(r"1043298700\d +x.*-> Failure", rig.text))) == 2
        assert "Esc close" in rig.text


async def test_what_is_followed_has_its_name_when_no_run_of_it_is_listed() -> None:
    follow = Follow(1, BINDING, Query(88123, 0, workflow_id=2261133), START, name="dim_shop_daily")
    async with running(replace(mixed(), follows=(follow,))) as rig:
        rig.app.action_follows()
        await rig.settle()

        assert "dim_shop_daily, workspace=88123 workflow=2261133" in rig.text


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_what_a_follow_brings_has_its_sign_also_where_it_was_there_before(
    size: tuple[int, int],
) -> None:
    follow = Follow(1, BINDING, Query(88123, 0, env_type="Prod", workflow_id=2261034), START)
    others = (follow._replace(number=2, query=Query(88123, 0, workflow_id=9)),)
    for follows, is_followed in (((*others, follow), True), (others, False)):
        async with running(replace(mixed(), follows=follows), size) as rig:
            assert ("W ✖ ads_user_profile_daily" in rig.text) == is_followed


async def test_of_a_name_that_is_cut_in_the_log_the_whole_stands_below() -> None:
    short, long = "ods", "dwd_trade_order_detail_di"
    changes = tuple(
        replace(change(10432987000 + n, "Running", "Success", START), name=name)
        for n, name in enumerate((short, long), 1)
    )
    async with running(replace(mixed(), transitions=changes), (45, 24)) as rig:
        await rig.press("L")
        assert re.search(rf"10432987001  {short} .*-> Success", rig.text)
        assert re.search(r"10432987002 .* -> Success", rig.text)
        assert long not in rig.text
        await rig.press("down")

        assert long in rig.text


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", ["dwd_trade_order_detail_di", "ads_营收看板_" * 7])
async def test_in_a_log_the_id_is_whole_and_nothing_touches_it(width: int, name: str) -> None:
    news = replace(change(10432987002, "WaitResource", "NotRun", ago(days=2)), name=name)
    async with running(replace(mixed(), transitions=(news,)), (width, 24)) as rig:
        await rig.press("L")

        assert re.search(r"   09-16 14:30  ◌ 10432987002  \S+ .*-> NotRun$", rig.text, re.MULTILINE)


async def test_the_log_of_all_changes_is_searched_by_id_too() -> None:
    async with running(with_history()) as rig:
        await rig.press("L", *str(TRADE))
        assert str(TRADE) in rig.text.split("All changes", 1)[1]
        await rig.press("enter")

        assert cursor(rig) == TRADE


async def test_the_history_of_one_row_is_not_shown_as_another_s() -> None:
    async with running(with_history(), (160, 60)) as rig:
        await rig.press("g")
        assert "HISTORY 4" in rig.text
        await rig.press("j")

        assert "HISTORY 4" not in rig.text


async def test_the_log_takes_new_changes_in_while_it_is_open() -> None:
    async with running(with_history()) as rig:
        await rig.press("L", "down")
        new = replace(change(7, "Running", "Success", START), name="dim_new")
        snapshot = with_history()
        await rig.publish(replace(snapshot, transitions=(new, *snapshot.transitions)))
        assert "dim_new" in rig.text
        await rig.press("enter")

        assert rig.app.main.list.chosen.key == key(FAILED)


async def test_the_log_goes_by_when_it_happened_not_by_when_it_was_read() -> None:
    late, early = (
        replace(change(7, "Running", "Success", ago(minutes=minutes)), name=f"dim_{minutes}")
        for minutes in (3, 5)
    )
    async with running(replace(mixed(), transitions=(early, late))) as rig:
        await rig.press("L")

        assert rig.text.index("dim_3") < rig.text.index("dim_5")


async def test_the_log_says_so_when_nothing_has_changed() -> None:
    async with running(mixed()) as rig:
        await rig.press("G", "h")

        assert "No change was seen yet." in rig.text


async def test_keys_on_an_empty_list_do_no_harm() -> None:
    async with running() as rig:
        await rig.press(*"jkgGwxXuna", "enter", "escape", "tab", "r", "y", "z", "<", ">")

        assert ("refresh", None) not in rig.asked
        assert "Nothing is" in rig.text


@pytest.mark.parametrize("key", ["tab", "shift+tab"])
async def test_tab_goes_from_pane_to_pane(key: str) -> None:
    async with running(mixed(), (160, 48)) as rig:
        await rig.press(key)
        assert rig.app.main.detail.text.has_focus
        await rig.press(key)

        assert rig.app.main.list.has_focus


async def test_angle_brackets_turn_the_tabs() -> None:
    async with running(mixed()) as rig:
        await rig.press("enter", ">")
        assert "region_list" in rig.text
        await rig.press(">")
        assert "growth" in rig.text
        await rig.press(">")
        assert "Running -> Failure" in rig.text
        await rig.press(">")
        assert "Started  " in rig.text
        await rig.press("<", "<")
        assert "growth" in rig.text


async def test_what_is_out_of_sight_is_counted_for_the_part_in_view() -> None:
    async with running(with_history(), (80, 11)) as rig:
        await rig.press("enter")
        said = set()
        for pressed in (">", ">", ">", ">", "o"):
            await rig.press(pressed)
            beyond = rig.app.main.detail.text.beyond
            counts = re.findall(r"\d+ more below", rig.text)
            assert counts == ([beyond] if beyond else [])
            said.add(beyond)
        assert len(said) > 1


@pytest.mark.parametrize("size", [(80, 24), (45, 12), (110, 30)])
async def test_how_much_is_out_of_sight_is_true_of_each_part(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("enter")
        text = rig.app.main.detail.text
        for key_pressed in (">", ">", ">", "G", ">", "g"):
            await rig.press(key_pressed)
            counts = re.findall(r"(\d+) (?:more )?(above|below)", rig.text.splitlines()[-2])

            above = text.scroll_offset.y
            below = text.total_lines() - above - text.size.height
            said = {where: int(count) for count, where in counts}
            assert said == {w: n for w, n in (("above", above), ("below", below)) if n > 0}


@pytest.mark.parametrize("size", [(110, 16), (80, 9)])
async def test_of_a_list_rows_are_counted_not_lines(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        shown = sum(str(each.key.id) in rig.text for each in mixed_rows())

        assert f"{len(mixed_rows()) - shown} more below" in rig.text


@pytest.mark.parametrize("scene", [outage, not_found, gone, refused])
async def test_what_is_wrong_leaves_room_for_what_was_read(scene: Callable[[], Snapshot]) -> None:
    async with running(scene(), (45, 12)) as rig:
        await rig.press("enter")
        text = rig.app.main.detail.text
        assert text.size.height >= 2
        await rig.press("G")

        assert text.beyond.endswith(" more above") or not text.beyond


async def test_in_help_no_column_touches_the_next() -> None:
    async with running(Snapshot(), (80, 24)) as rig:
        await rig.press("?")
        first = rig.text
        await rig.press("G")
        shown = f"{first}\n{rig.text}"
        touching = [
            each.text
            for each in COMMANDS
            if each.text in shown and not re.search(rf" {each.text}(  |$)", shown, re.MULTILINE)
        ]

    assert not touching


async def test_a_pane_with_the_keys_scrolls() -> None:
    async with running(mixed()) as rig:
        await rig.press("enter", "G")
        assert "Modified by" in rig.text
        assert "Started  " not in rig.text
        await rig.press("g")
        assert "Started  " in rig.text


async def test_another_instance_is_shown_from_its_top() -> None:
    async with running(mixed()) as rig:
        await rig.press("enter", "G", ">", "escape", "j", "enter")

        assert await rig.shows("TASKS")


async def test_z_zooms_the_pane_that_has_the_keys_and_a_resize_keeps_it() -> None:
    async with running(mixed(), (110, 30)) as rig:
        main = rig.app.main
        assert main._layout is Layout.SPLIT
        await rig.press("z")
        assert main._layout is Layout.LIST
        await rig.press("enter")
        assert main._layout is Layout.DETAIL
        await rig.press("z")
        assert main._layout is Layout.SPLIT
        await rig.pilot.resize_terminal(40, 12)
        await rig.settle()
        assert main._layout is Layout.DETAIL
        assert "ads_user_profile_daily" in rig.text
        await rig.pilot.resize_terminal(160, 48)
        await rig.settle()

        assert main._layout is Layout.SPLIT
        assert "PARAMETERS 6" in rig.text


async def test_on_a_narrow_screen_enter_opens_and_escape_returns_to_the_list() -> None:
    async with running(mixed(), (40, 12)) as rig:
        await rig.press("j", "enter")
        assert "Running -> Checking" in rig.text
        await rig.press("escape")

        assert cursor(rig) == ORDER[1]
        assert "dwd_trade" in rig.text


async def test_escape_right_behind_enter_returns_to_the_list() -> None:
    async with running(mixed(), (60, 20)) as rig:
        main = rig.app.main
        # What says that the detail has got the keys comes when the list has them again.
        main.action_open_row()
        main.action_back()
        await rig.settle()

        assert main.focused is main.list
        assert "WATCHED" in rig.text or "NAME" in rig.text


async def test_a_narrow_list_tells_the_whole_id_of_the_cursor_s_row_below() -> None:
    async with running(mixed(), (40, 12)) as rig:
        await rig.press("j")

        assert str(ORDER[1]) in rig.text.splitlines()[-2]


async def test_the_reading_of_an_opened_instance_appears_when_it_comes() -> None:
    async with running(mixed()) as rig:
        rig.app.main.look_up(key(NEW))
        await rig.settle()
        assert rig.app.main.detail.text.has_focus
        assert "Reading it from the service" in rig.text
        await rig.publish(
            replace(mixed(), rows=(replace(row(NEW, "Running"), is_watched=False), *mixed_rows()))
        )

        assert "not watched, w adds it" in rig.text
        assert "Started  " in rig.text


async def test_a_click_moves_the_cursor() -> None:
    async with running(mixed()) as rig:
        await rig.pilot.click("#watched", offset=(5, 2))
        await rig.settle()

        assert cursor(rig) == TRADE


async def test_id_state_and_freshness_are_visible_at_every_size() -> None:
    async with running(mixed()) as rig:
        for is_open in (False, True):
            for size in ((40, 7), (59, 9), (119, 30), (200, 60)):
                await rig.pilot.resize_terminal(*size)
                await rig.settle()
                for wanted in (str(FAILED), "Failure", " live"):
                    assert wanted in rig.text, (size, is_open)
            await rig.press("g", "enter")


async def test_one_account_s_instance_is_not_taken_for_another_s() -> None:
    other = replace(key(FAILED).target, profile="dev")
    twin = replace(failed_row(), key=InstanceKey(other, key(FAILED).id))
    async with running(Snapshot(rows=(failed_row(), twin)), (160, 48)) as rig:
        await rig.press("j")
        rig.app.main.rested()
        chosen = rig.app.main.list.chosen

        assert chosen is not None
        assert f"{chosen.key.id} dev" in rig.text or chosen.key.target.profile == "prod-ops"


LIST, SPLIT, DETAIL = Layout


@pytest.mark.parametrize(
    ("width", "in_detail", "is_open", "layout"),
    [
        (40, False, False, LIST),
        (40, True, True, DETAIL),
        (79, True, True, DETAIL),
        (79, False, True, LIST),
        (80, False, False, LIST),
        (80, False, True, SPLIT),
        (80, True, True, SPLIT),
        (99, False, False, LIST),
        (100, False, False, SPLIT),
        (160, True, True, SPLIT),
    ],
)
def test_the_width_decides_what_is_in_view(
    width: int, in_detail: bool, is_open: bool, layout: Layout
) -> None:
    found = layout_for(width, in_detail=in_detail, is_open=is_open, is_zoomed=False)

    assert found is layout


@given(st.integers(1, 300), st.booleans(), st.booleans(), st.booleans())
def test_the_pane_that_has_the_keys_is_always_in_view(
    width: int, in_detail: bool, is_open: bool, is_zoomed: bool
) -> None:
    layout = layout_for(width, in_detail=in_detail, is_open=is_open, is_zoomed=is_zoomed)

    assert layout in {SPLIT, DETAIL if in_detail else LIST}
    assert layout is not SPLIT or not is_zoomed


MOVES = {"down", "up", "top", "bottom", "page-down", "page-up", "back", "redraw"}
"""At an end these do nothing, as everywhere."""
ENDS = {"suspend", "quit", "quit-now", "interrupt"}


@pytest.mark.parametrize("where", ["empty", "one row", "list", "looked up", "nothing found"])
async def test_every_key_does_something_or_says_why_not(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"empty": (), "one row": (failed_row(),)}.get(where, mixed_rows())
    async with running(replace(mixed(), rows=rows)) as rig:
        if where == "looked up":
            await rig.press(*str(NEW), "enter")
        elif where == "nothing found":
            await rig.press("f", "enter")
            rig.control.answer(found())
            await rig.settle()
            rig.app.screen.set_focus(rig.app.screen.list)
        own = [each.key for each in FindScreen.BINDINGS if each.key != "W"]
        keys = [c.keys.split(",")[0] for c in COMMANDS if c.id not in MOVES | ENDS]
        origin, notify, said = rig.app.screen, rig.app.notify, list[str]()

        def note(text: str, **options: Any) -> None:  # noqa: ANN401 - handed on
            said.append(text)
            notify(text, **options)

        monkeypatch.setattr(rig.app, "notify", note)
        for each in own if where == "nothing found" else keys:
            before = rig.text, len(rig.asked), len(said)
            await rig.press(each)
            assert (rig.text, len(rig.asked), len(said)) != before, each
            if rig.app.screen is not origin or rig.app.main.id_box.input.has_keys:
                await rig.press("escape")
                assert rig.app.screen is origin, each
            elif isinstance(rig.app.focused, LineInput):
                if where != "nothing found":
                    await rig.press("escape")
                origin.set_focus(origin.list)


@pytest.mark.parametrize("where", ["list", "looked up", "found"])
async def test_esc_leads_from_each_screen_to_the_row_it_was_opened_from(where: str) -> None:
    opened = on_results() if where == "found" else running(mixed())
    async with opened as rig:
        if where == "looked up":
            await rig.press(*str(NEW), "enter")
        await rig.press("j")
        origin = rig.app.screen
        row = origin.list.chosen
        for each in ("t", "l", "c", "v", "U", "?", ":", "i", "Y", "e", "L", "f"):
            if where == "found" and each in "UiYeLf":
                continue
            await rig.press(each)
            view = rig.app.screen
            if view is origin:
                continue
            for inner in ("?", ":"):
                if each in "tlcvU":
                    await rig.press(inner)
                    assert rig.app.screen is not view
                    await rig.press("escape")
                    assert rig.app.screen is view, (each, inner)
            await rig.press("escape")
            assert rig.app.screen is origin, each
            assert origin.list.chosen == row


@pytest.mark.parametrize(("count", "rows"), [(1, 10), (2, 11), (40, 20)])
async def test_a_dialog_is_as_high_as_its_choices_need(count: int, rows: int) -> None:
    choices = [Choice(n, ((f" {n}", Role.TEXT),), (), str(n)) for n in range(count)]
    async with running(mixed()) as rig:
        rig.app.push_screen(ChoiceScreen(lambda: choices, "Choose", "take"))
        await rig.settle()

        assert rig.app.screen.query_one(".sheet").size.height + 2 == rows
        assert " 0" in rig.text


async def test_no_line_is_cut_without_a_sign() -> None:
    async with running(mixed(), (40, 12)) as rig:
        lines = LineView()
        await rig.app.main.mount(lines, before=0)
        lines.show([line(("word " * 20, Role.TEXT))])
        await rig.settle()
        assert rig.text.splitlines()[0] == "word " * 7 + "wo..."

        await rig.press(*"12..", "enter")
        assert "use digits" in " ".join(rig.text.split())
        assert "10432987165." in rig.text


def test_a_title_keeps_what_the_view_is_where_its_time_has_no_room() -> None:
    title = Title((), "ads_user_profile_daily", "10432987165", "what it holds up, as of 12:14:05")

    assert title.line(80).text.endswith("  what it holds up, as of 12:14:05")
    assert title.line(60).text.endswith("  what it holds up")
    assert title.line(40).text.endswith("  10432987165")
