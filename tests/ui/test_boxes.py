import pytest
from fakes import key
from hypothesis import given
from hypothesis import strategies as st
from rig import Rig, running
from scenes import NEW, mixed, with_history
from textual import events
from view_scenes import FOUND, MIDNIGHT, found, on_results, on_tasks

from wfinspect.model import MAY_BE_OF_TASK, InstanceId, TaskInstance
from wfinspect.ui.widgets.boxes import LineInput, listed, read_entry
from wfinspect.watching.api import Snapshot


def box_text(rig: Rig) -> str:
    return rig.app.main.id_box.input.value


async def test_digits_from_anywhere_start_the_box_and_enter_looks_up() -> None:
    async with running(mixed()) as rig:
        await rig.press(*"777")
        assert box_text(rig) == "777"
        await rig.press("enter")

        assert rig.asked == [("display", 777)]
        assert box_text(rig) == ""


async def test_digits_start_the_box_from_a_pane_too() -> None:
    async with running(mixed()) as rig:
        await rig.press("enter", "tab", "9")

        assert box_text(rig) == "9"


async def test_of_a_task_that_was_shown_the_run_is_looked_up_whatever_its_name() -> None:
    async with running(mixed()) as rig:
        first, other = MAY_BE_OF_TASK, MAY_BE_OF_TASK + 1
        for number, run in ((first, NEW), (other, 0)):
            task = TaskInstance(
                number, task_name="\x1b[2Jjoin\nit", workflow_instance_id=run or None
            )
            rig.app.main.note_tasks(key(NEW).target, [task])
        await rig.press(*str(first), "enter")
        assert rig.asked[0] == ("display", NEW)
        assert f"{first} is its task \u241b[2Jjoin\u240ait: t shows it." in rig.text
        # Of which run the other is, is not known.
        await rig.press("escape", *str(other), "enter")
        assert ("display", other) in rig.asked


async def test_a_list_opens_the_first_and_watches_all() -> None:
    async with running(mixed()) as rig:
        await rig.press(*"5,3..4")
        assert "3 IDs: 5, 3, 4  Enter watches all" in rig.text
        assert "\n Enter watch all  Esc leave" in rig.text
        await rig.press("enter")

        assert rig.asked[:2] == [("watch", 5, 3, 4), ("display", 5)]


async def test_escape_empties_the_box_and_gives_the_keys_back() -> None:
    async with running(mixed()) as rig:
        await rig.press(*"12", "escape")
        assert box_text(rig) == ""
        assert rig.app.main.list.has_focus
        await rig.press("escape", "j", "enter")

        assert rig.app.main.list.chosen.key == key(10433007802)


async def test_letters_are_commands_in_the_empty_box_alone() -> None:
    async with running(mixed()) as rig:
        await rig.press("1", "j", "R")
        assert (box_text(rig), rig.asked) == ("1", [])

        await rig.press("backspace", "j", "R")
        assert box_text(rig) == ""
        assert rig.asked == [("refresh", None)]
        assert rig.app.main.list.chosen.key.id == 10433007802  # type: ignore[union-attr]


async def test_a_bad_entry_says_why_in_the_box_and_keeps_the_text() -> None:
    async with running(mixed()) as rig:
        await rig.press(*"9..1", "enter")

        assert "The range '9..1' runs backwards: write 1..9." in rig.text
        assert box_text(rig) == "9..1"
        assert rig.asked == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("99999999999999999999", "is too large"),
        ("5 0", "IDs begin at 1"),
        ("12.5", "use digits only"),
        ("9..1", "runs backwards"),
        ("1..999", "holds 999 IDs"),
        # The end of a range is still being typed.
        ("10..", ""),
        ("10..1", ""),
        ("7, 100-", ""),
        ("", ""),
    ],
)
async def test_a_text_that_enter_would_refuse_says_why_before_it_and_enter_is_no_hint(
    typed: str, said: str
) -> None:
    async with running(mixed()) as rig:
        before = rig.text.splitlines()[2]
        await rig.press("1", "backspace", *typed)

        assert rig.text.splitlines()[-1].startswith(" Esc leave  ")
        shown = rig.text.splitlines()[2]
        assert said in shown
        assert bool(said) is (shown != before)


async def test_a_hyphen_joins_no_numbers_and_the_box_says_how_a_range_is_written() -> None:
    written = "a range is 10432991040..10432991042"
    async with running(mixed()) as rig:
        await rig.press(*"10432991040-42")
        assert box_text(rig) == "10432991040-42"
        assert f"'10432991040-42' is not an instance ID: {written}." in rig.text
        await rig.press("enter")
        assert f"'10432991040-42' is not an instance ID: {written}." in rig.text
        await rig.press("ctrl+w", "minus")
        # In the empty box it is a command.
        assert box_text(rig) == ""
        assert rig.asked == [("interval", 10.0)]
        for joined in ("10432991040-10432991042", " 10432991040\u201310432991042\n"):
            await rig.paste(joined)
            assert f"Found 2 IDs; {written}  Enter watches all" in rig.text
            await rig.press("escape")
        await rig.paste("10432991042-10432991040")
        assert "Found 2 IDs: 10432991042, 10432991040  Enter watches all" in rig.text


async def test_ctrl_w_takes_back_the_word_to_the_blank_before_it() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"ads date=2026-11-30 ", "ctrl+w")
        assert rig.app.main.filter.input.value == "ads "
        await rig.press("left", "left", "ctrl+w")
        assert rig.app.main.filter.input.value == "s "


async def test_a_paste_shows_the_ids_it_found_before_they_are_used() -> None:
    async with running(mixed()) as rig:
        await rig.paste("see workflow 10432987165 (failed) and 10433001244\n")
        assert box_text(rig) == "10432987165, 10433001244"
        assert "Found 2 IDs: 10432987165, 10433001244  Enter watches all" in rig.text
        assert rig.asked == []
        await rig.press("enter")

        assert rig.asked[0] == ("watch", 10432987165, 10433001244)
        names = "ads_user_profile_daily, dwd_trade_order_di"
        assert f"On the list already: 2 instances ({names})" in rig.text


async def test_pasted_digits_are_taken_as_they_are() -> None:
    async with running(mixed()) as rig:
        await rig.paste(" 100..102 \n")

        assert box_text(rig) == "100..102"
        assert "3 IDs: 100, 101, 102" in rig.text


async def test_a_paste_without_an_id_says_so() -> None:
    async with running(mixed()) as rig:
        await rig.paste("drop table")

        assert "'drop' is not an instance ID" in rig.text
        assert rig.asked == []


async def test_a_paste_keeps_its_place_among_the_keys() -> None:
    async with running(mixed()) as rig:
        rig.app.post_message(events.Key("1", "1"))
        rig.app.post_message(events.Paste("10433001244\n"))
        rig.app.post_message(events.Key("2", "2"))
        await rig.settle()

        assert box_text(rig) == "1 104330012442"


async def test_bunched_digits_keep_their_order() -> None:
    async with running(mixed()) as rig:
        await rig.burst("10432987165")

        assert box_text(rig) == "10432987165"


async def test_digits_and_enter_in_one_packet_look_up() -> None:
    async with running(mixed()) as rig:
        await rig.burst("10432987165\n")

        assert rig.asked == [("display", 10432987165)]


async def test_an_id_bunched_behind_esc_or_another_keeps_the_keys() -> None:
    async with running(mixed()) as rig:
        await rig.press("enter")
        rig.app.post_message(events.Key("escape", "\x1b"))
        await rig.burst("104")
        assert box_text(rig) == "104"
        rig.control.asked.clear()
        await rig.burst("\n105")
        await rig.press("enter")

        assert [call for call in rig.asked if call[0] == "display"] == [
            ("display", 104),
            ("display", 105),
        ]


async def test_up_and_down_offer_recent_ids() -> None:
    recent = (InstanceId(30), InstanceId(20))
    async with running(Snapshot(recent_ids=recent)) as rig:
        await rig.press("1", "up")
        assert box_text(rig) == "30"
        await rig.press("up", "up")
        assert box_text(rig) == "20"
        await rig.press("down", "enter")

        assert rig.asked[0] == ("display", 30)


async def test_the_box_can_be_edited() -> None:
    async with running(mixed()) as rig:
        await rig.press("1", "2", "backspace", "3", "home", "4")

        assert box_text(rig) == "413"


def test_one_id_needs_no_remark() -> None:
    entry = read_entry(" 10432987165 ")

    assert entry.ids == (10432987165,)
    assert entry.remark == ""
    assert entry.problem == ""


def test_a_list_is_told_before_it_is_used() -> None:
    assert read_entry("1, 2 3").remark == "3 IDs: 1, 2, 3  Enter watches all"


def test_a_number_in_groups_is_told_as_the_id_it_is_before_it_is_used() -> None:
    entry = read_entry("10,432,987,165")

    assert entry.ids == (10432987165,)
    assert entry.remark == "10432987165  Enter looks it up"


def test_a_long_range_is_told_by_its_ends() -> None:
    entry = read_entry("100..120")

    assert len(entry.ids) == 21
    assert entry.remark.startswith("21 IDs: 100, 101, ... 120")


def test_an_id_inside_other_text_is_found_and_shown() -> None:
    entry = read_entry("workflow instance 10432987165 failed at 20260918")

    assert entry.ids == (10432987165,)
    assert entry.remark == "Found 10432987165  Enter looks it up"


def test_text_without_an_id_says_why() -> None:
    assert read_entry("dwd_trade").problem == (
        "'dwd_trade' is not an instance ID: use digits only, e.g. 10432987165."
    )


def test_an_empty_box_says_what_to_do() -> None:
    assert "type its digits" in read_entry("  ").problem


def test_digits_beyond_64_bits_are_no_id() -> None:
    assert "is too large" in read_entry("9" * 30).problem


@given(st.text(max_size=200))
def test_any_text_gives_ids_or_a_reason(text: str) -> None:
    entry = read_entry(text)

    assert bool(entry.ids) != bool(entry.problem)


@pytest.mark.parametrize("count", [2, 3, 4, 999])
def test_what_enter_does_fits_beside_the_ids(count: int) -> None:
    ids = range(10432987165, 10432987165 + count)
    assert len(read_entry("failed: " + " ".join(map(str, ids))).remark) <= 80 - 3


def test_few_ids_are_all_named() -> None:
    assert listed([1, 2]) == "2 IDs: 1, 2"  # type: ignore[list-item]


@pytest.mark.parametrize("where", ["list", "tasks", "find"])
async def test_what_is_typed_replaces_what_a_box_holds_unless_that_is_kept_by_a_key(
    where: str,
) -> None:
    opened = (
        running(mixed()) if where == "list" else on_tasks() if where == "tasks" else on_results()
    )
    async with opened as rig:

        def held() -> str:
            return rig.app.focused.value.removeprefix("workspace=88123 date=2026-09-17 ")

        first = "dwd" if where == "list" else "status=fail"
        await rig.press("/", *first, "enter")
        if where == "find":
            rig.control.answer(found(*FOUND))
            await rig.settle()
        # In one packet, and one by one.
        await rig.burst("/di")
        assert held() == "di"
        await rig.press("enter")
        if where == "find":
            assert rig.control.answer(found(*FOUND)).query.biz_date == MIDNIGHT
            await rig.settle()
        for key in ("end", "right", "tab"):
            await rig.press("/", key, "x")
            assert held() == "dix"
            await rig.press("backspace", "enter")
            if where == "find":
                rig.control.answer(found(*FOUND))
                await rig.settle()
        await rig.press("/", "u")
        assert held() == "u"


async def test_a_filter_set_by_s_is_replaced_by_what_is_typed() -> None:
    async with on_tasks() as rig:
        await rig.press("s", "/", *"status=succ", "enter")

        assert rig.app.screen.input.value == "status=succ"


@pytest.mark.parametrize("opens", ["/", "f", ":", "L", "t /"])
@pytest.mark.parametrize("is_burst", [False, True])
async def test_a_slash_typed_first_leads_to_the_box_that_has_the_keys(
    opens: str, *, is_burst: bool
) -> None:
    async with running(with_history()) as rig:
        *before, last = opens.split()
        await rig.press("g", *before)
        if is_burst:
            await rig.burst(f"{last}/fa/il")
        else:
            await rig.press(last, *"/fa/il")
        screen = rig.app.screen
        assert isinstance(rig.app.focused, LineInput)
        assert rig.app.focused.value == "fa/il"
        assert "nothing here" not in rig.text
        await rig.press("home", "/", "x")
        assert rig.app.focused.value == "/xfa/il"
        await rig.press("escape")
        assert rig.app.screen is not screen or "Filter" not in rig.text
