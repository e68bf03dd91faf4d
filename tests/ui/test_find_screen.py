"""Finding instances: a search in, pages of results, marks and what is watched out."""

import re

import pytest
from fakes import BINDING, START, instance, key
from hypothesis import given
from hypothesis import strategies as st
from rig import check_golden, copied, running
from scenes import FAILED, FINANCE, TRADE, accounts, mixed
from values import replace
from view_scenes import FOUND, MIDNIGHT, found, on_results

from wfinspect.errors import BadRequest
from wfinspect.model import Follow, Page, Query, Tag, WorkflowInstance, pack
from wfinspect.ui.rows import LEAD_CELLS
from wfinspect.ui.screens.find import FindScreen, found_columns
from wfinspect.watching.api import Find, InstanceOf, Snapshot, TasksOf


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)])
async def test_what_was_found(size: tuple[int, int]) -> None:
    async with on_results(size) as rig:
        await rig.press("j", "space")
        check_golden(f"find-{size[0]}x{size[1]}", rig.text)


@given(st.integers(20, 200), st.integers(5, 20), st.integers(1, 60))
def test_the_columns_of_what_was_found_fit(width: int, id_cells: int, name_cells: int) -> None:
    base, wider = found_columns(width, id_cells, name_cells, 0)

    needed = sum(each.cells + each.gap for each in (*base, *wider) if each.cells)
    assert not wider or LEAD_CELLS + needed <= width


async def test_f_begins_around_the_instance_in_view_and_says_what_can_be_typed() -> None:
    async with running(mixed()) as rig:
        await rig.press("f")

        assert "workspace=88123 date=2026-09-17" in rig.text
        assert "trigger=" in rig.text
        # Letters are text here, so that no key of the list is offered.
        assert rig.text.splitlines()[-1].split("  ")[:2] == [" Esc back", "Enter search"]
        assert rig.control.questions == []
        # As after a search: what is typed replaces what is offered.
        await rig.press(*"date=-2d")
        assert "\n date=-2d\n" in rig.text
        assert "Find  with workspace=88123  " in rig.text


async def test_it_searches_and_watches_in_the_account_of_the_instance_in_view() -> None:
    async with running(accounts()) as rig:
        theirs = next(row for row in rig.app.main.list.items if row.key.target == FINANCE)
        rig.app.main.look_up(theirs.key)
        await rig.press("f", "enter")
        asked = rig.control.answer(found(*FOUND))
        await rig.settle()

        assert isinstance(asked, Find)
        assert asked.target == FINANCE
        assert "finance, cn-hangzhou" in rig.text
        await rig.press("enter")
        assert rig.app.main.list.chosen.key == key(FOUND[1].id, FINANCE)


async def test_words_are_added_at_the_end_also_those_with_the_keys_of_commands() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", *"wq status=failure", "enter")

        asked = rig.control.questions[0][0]
        assert asked == Find(BINDING, Query(88123, MIDNIGHT, name="wq", status="Failure"))
        assert "Searching: a call for each hundred" in rig.text


async def test_up_offers_the_trigger_of_the_open_instance() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "f", "up", "enter")
        query = Query(88123, MIDNIGHT, unified_workflow_instance_id=10432987000)

        assert rig.control.questions[0][0] == Find(BINDING, query)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 48)])
async def test_what_was_found_keeps_its_titles_while_another_search_is_typed(
    size: tuple[int, int],
) -> None:
    async with on_results(size) as rig:
        before = rig.text.splitlines()[2:6]
        await rig.press("/", *" sta")
        assert rig.text.splitlines()[2:6] == before
        assert "status=" in rig.text.splitlines()[-2]
        await rig.press(*"x=")
        assert "no field 'stax'" in rig.text
        assert "\n".join(before) in rig.text


async def test_a_bad_search_says_why_and_asks_nothing() -> None:
    async with running(Snapshot()) as rig:
        await rig.press("f", "enter")

        assert "add " in rig.text
        assert rig.control.questions == []


@pytest.mark.parametrize("key", ["escape", "down", "tab"])
async def test_once_the_list_has_the_keys_the_box_has_the_search_for_what_is_shown(
    key: str,
) -> None:
    async with on_results() as rig:
        await rig.press("j", "space")
        before = rig.text
        for typed in (" ads ", "x=1 "):
            await rig.press("/", *typed, key)
            assert rig.text == before
            await rig.press("/", "up")
            assert rig.app.screen.input.value.endswith(typed)
            await rig.press(key)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("date=-7d..-1d", "date: '-7d..-1d' is not a date"),
        ("date=last week", "date: 'last' is not a date"),
        ("status=fail workspace=x", "workspace: 'x' is not an ID"),
        ("statsu=failure", "no field 'statsu'"),
    ],
)
async def test_a_search_that_can_not_be_asked_leaves_what_was_found_and_esc_leads_back_to_it(
    search: str, said: str
) -> None:
    async with on_results() as rig:
        await rig.press("j", "space")
        before, screen = rig.text, rig.app.screen
        rows = before.splitlines()[2:6]
        await rig.press("/", "ctrl+u")
        # In one packet, as a slow link delivers it.
        await rig.burst(f"{search}\n")
        await rig.settle()
        assert said in " ".join(rig.text.split())
        assert "\n".join(rows) in rig.text
        await rig.press("x")
        assert screen.input.value == f"{search}x"
        await rig.press("enter", "escape")

        assert rig.text == before
        assert rig.control.questions == []
        await rig.press("r")
        assert rig.control.questions[0][0] == Find(BINDING, Query(88123, MIDNIGHT))


async def test_a_search_that_can_not_be_asked_leaves_the_one_that_is_being_read() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter", "escape", *"x=1", "enter")
        assert "no field 'x'" in rig.text
        rig.control.answer(found(*FOUND))
        await rig.settle()
        assert "no field 'x'" in rig.text
        await rig.press("escape", "y")

        assert "10433009001: " in rig.text
        assert rig.app.screen.input.value == "workspace=88123 date=2026-09-17"


async def test_a_search_that_can_not_be_asked_leaves_a_page_that_failed_to_r() -> None:
    first = [instance(n, "Success") for n in range(100, 200)]
    async with running(mixed()) as rig:
        await rig.press("f", *"status=success", "enter")
        rig.control.answer(found(*first, total=150))
        await rig.settle()
        await rig.press("G")
        rig.control.answer(BadRequest("No.", cause="throttled"))
        await rig.settle()
        await rig.press("/", *"x=1", "enter")
        assert "no field 'x'" in rig.text
        await rig.press("escape")
        assert "throttled, r reads again" in rig.text
        await rig.press("r")

        assert rig.control.questions[0][0] == Find(
            BINDING, Query(88123, MIDNIGHT, status="Success"), 2
        )


async def test_what_the_service_can_not_search_for_is_left_out_here() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", *"!status=success", "enter")
        asked = rig.control.answer(found(*FOUND))
        await rig.settle()

        assert asked == Find(BINDING, Query(88123, MIDNIGHT))
        assert "dwd_trade_order_di" in rig.text
        assert "ods_user_login_di" not in rig.text
        assert " 2 of 3 found" in rig.text


async def test_where_a_whole_page_is_left_out_enter_reads_the_next() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", *"!name=di", "enter")
        rig.control.answer(found(FOUND[0], FOUND[2], total=3))
        await rig.settle()
        rig.control.answer(found())
        await rig.settle()
        assert "None of the first 2 instances matches. Enter reads more." in rig.text
        await rig.press("enter")
        rig.control.answer(Page((FOUND[1],), 2, 3, is_last=True))
        await rig.settle()

        assert "ads_gmv" in rig.text
        assert " 1 of 3 found" in rig.text


async def test_a_refused_search_is_told_and_nothing_found_as_well() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", *"owner=1823", "enter")
        rig.control.answer(BadRequest("The service refuses Owner: change the search."))
        await rig.settle()
        assert "The service refuses Owner: change the search." in rig.text
        assert "Enter  searches again" in rig.text
        assert "bad request, Enter searches again" in rig.text
        assert "reads again" not in rig.text
        await rig.press("enter")
        rig.control.answer(found())
        await rig.settle()

        assert "No instance matches owner=1823." in rig.text
        assert "refuses" not in rig.text
        await rig.press("ctrl+u", *"date=-40d", "enter")
        rig.control.answer(found())
        await rig.settle()

        assert "No instance is kept: the service keeps them for about 30 days." in rig.text


async def test_several_are_marked_and_watched_by_enter() -> None:
    async with on_results() as rig:
        await rig.press("space", "j", "space", "j", "space")
        assert "3 marked" in rig.text
        await rig.press("enter")

        assert ("watch", 10433009001, 10433009002) in rig.asked
        assert rig.app.screen is rig.app.main
        assert (
            "Added 2 instances (ads_gmv_店铺_hh, ods_user_login_di) to the list, 1 was on it"
            in " ".join(rig.text.split())
        )
        assert rig.app.main.list.chosen is not None
        assert rig.app.main.list.chosen.key.id == 10433009001


async def test_y_copies_the_ids_of_all_that_is_marked_in_their_order() -> None:
    async with running(mixed(), (120, 24), is_recorded=True) as rig:
        await rig.press("g", "f", "enter")
        rig.control.answer(found(*FOUND))
        await rig.settle()
        await rig.press("j", "space", "k", "space", "G")
        assert "y copy 2" in rig.text
        await rig.press("?")
        assert re.search("y +copy 2", rig.text)
        await rig.press("escape", "y")
        assert "2 IDs: " in rig.text
        await rig.press("escape", "y")

        numbers = [row.key.id for row in rig.app.screen.list.items]
        assert copied(rig) == [f"{numbers[0]}\n{numbers[1]}", str(numbers[-1])]


async def test_w_watches_what_is_under_the_cursor_and_stays() -> None:
    async with on_results() as rig:
        assert "w watch " in rig.text
        await rig.press("w")
        assert rig.asked[-1] == ("watch", 10433009001)
        assert "Added ads_gmv_店铺_hh 10433009001 to the list" in rig.text
        assert "w unwatch " in rig.text
        # As in the list, it is unwatched by the same key.
        await rig.press("j")
        assert "w unwatch " in rig.text
        await rig.press("w")
        assert rig.asked[-1] == ("unwatch", TRADE)
        assert f"Removed dwd_trade_order_di {TRADE}, u restores" in rig.text
        assert "w watch " in rig.text
        await rig.press("u")
        assert rig.asked[-1] == ("undo",)
        assert isinstance(rig.app.screen, FindScreen)


async def test_a_marks_all_and_esc_takes_the_marks_before_it_leaves() -> None:
    async with on_results() as rig:
        await rig.press("a")
        assert "3 marked" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc unmark  ")
        await rig.press("escape")
        assert "marked" not in rig.text.splitlines()[-2]
        await rig.press("escape")

        assert rig.app.screen is rig.app.main
        assert not any(asked[0] == "watch" for asked in rig.asked)


async def test_enter_without_marks_opens_it() -> None:
    async with on_results() as rig:
        await rig.press("j", "enter")

        assert rig.asked[-1] == ("display", TRADE)
        assert rig.app.screen is rig.app.main


async def test_failed_ones_of_all_pages_come_first_the_others_as_one_scrolls_each_once() -> None:
    first = [instance(n, "Success", name=f"dwd_{n}") for n in range(100, 200)]
    second = [instance(n, "Success", name=f"dwd_{n}") for n in range(199, 249)]
    failed = instance(249, "Failure", name="dwd_249")
    async with running(mixed()) as rig:
        await rig.press("f", "enter")
        rig.control.answer(found(*first, total=150))
        await rig.settle()
        asked = rig.control.answer(found(failed))
        assert asked == Find(BINDING, Query(88123, MIDNIGHT, status="Failure"))
        await rig.settle()
        assert "101 of 150 found, more as you scroll" in rig.text
        assert "dwd_249" in rig.text.splitlines()[3]
        await rig.press("j", "pagedown")
        assert rig.control.questions == []
        await rig.press("G", "k", "j")
        assert len(rig.control.questions) == 1
        asked = rig.control.answer(Page((*second, failed), 2, 150, is_last=True))
        assert asked == Find(BINDING, Query(88123, MIDNIGHT), 2)
        await rig.settle()
        await rig.press("G")

        assert " 150 of 150 found" in rig.text
        assert "dwd_248" in rig.text
        assert rig.control.questions == []


async def test_a_page_that_failed_is_asked_for_again_by_r_alone() -> None:
    first = [instance(n, "Success") for n in range(100, 200)]
    async with running(mixed()) as rig:
        await rig.press("f", "enter")
        rig.control.answer(found(*first, total=150))
        await rig.settle()
        rig.control.answer(found())
        await rig.settle()
        await rig.press("G")
        rig.control.answer(BadRequest("No.", cause="throttled"))
        await rig.settle()
        await rig.press("k", "j")
        assert rig.control.questions == []
        assert "throttled, r reads again" in rig.text
        await rig.press("r")

        assert rig.control.questions[0][0] == Find(BINDING, Query(88123, MIDNIGHT), 2)


async def test_what_was_typed_and_left_is_not_offered_first_and_up_brings_it_back() -> None:
    async with running(mixed()) as rig:
        await rig.press("g", "f", *"ads status=zzz", "enter")
        assert "'zzz' is none of" in rig.text
        # Nor does leaving the search that is offered change it.
        await rig.press("escape", "f", "escape", "f")
        assert "zzz" not in rig.text
        await rig.press("up")
        assert rig.app.screen.input.value == "ads status=zzz"
        await rig.press("up")
        assert "trigger=" in rig.app.screen.input.value
        await rig.press("down", "down", "enter")
        rig.control.answer(found(*FOUND))
        await rig.settle()
        await rig.press("/", *"x=1", "escape", "/", "up")
        assert rig.app.screen.input.value == "x=1"
        # Tab and what is added to a search take no value of it.
        await rig.press("ctrl+u", *"workspace=zzz", "escape", "escape", "f", "ctrl+u", *"tag=")
        assert "Find  with workspace=88123 date=2026-09-17" in rig.text
        await rig.press("up", "up")
        assert rig.app.screen.input.value == "workspace=zzz"


async def test_the_answer_to_an_older_search_is_let_go() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter", "/", *"other", "enter", "escape", "enter", "j")
        assert len(rig.control.questions) == 3
        rig.control.answer(found(*FOUND))
        rig.control.answer(BadRequest("No.", cause="refused"))
        await rig.settle()

        assert "dwd_trade" not in rig.text
        assert "refused" not in rig.text
        assert "Once it is read: j" in rig.text


async def test_what_is_watched_is_seen_also_where_it_is_marked() -> None:
    async with on_results() as rig:

        def before_the_row() -> str:
            lines = rig.text.splitlines()
            return next(text for text in lines if "dwd_trade_order_di" in text)[:2]

        assert " w   NAME " in rig.text
        assert before_the_row() == " w"
        await rig.press("j", "space")
        assert before_the_row() == "#w"
        await rig.press("?")
        assert "SIGNS" in rig.text
        assert str(FAILED) not in rig.text


async def test_the_json_is_that_of_the_result_without_a_call() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter")
        raw = '{"Name": "ads_gmv_hh"}'
        rig.control.answer(found(replace(FOUND[1], packed=pack(raw))))
        await rig.settle()
        await rig.press("v")

        assert '"ads_gmv_hh"' in rig.text
        assert rig.control.questions == []
        assert not any(asked[0] == "display" for asked in rig.asked)


@pytest.mark.parametrize("view", ["c", "t", "U"])
async def test_what_is_read_of_a_result_leaves_the_list_as_it_was(view: str) -> None:
    async with on_results() as rig:
        before = rig.app.main.list.chosen
        await rig.press(view)

        assert rig.control.questions[0][0] in {
            InstanceOf(key(10433009001)),
            TasksOf(key(10433009001)),
        }
        await rig.press("escape", "escape")
        assert rig.app.screen is rig.app.main
        assert rig.app.main.list.chosen == before
        assert "display" not in {one[0] for one in rig.asked}


async def test_a_view_has_a_palette_of_its_own_commands() -> None:
    async with on_results() as rig:
        await rig.press(":")
        assert "Commands here" in rig.text
        await rig.press(*"copy", "enter")
        assert isinstance(rig.app.screen, FindScreen)
        assert "10433009001: " in rig.text


async def test_keys_typed_behind_enter_wait_for_what_is_found() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter", "j", "y")
        assert "Once it is read: j y" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc change search  ")
        rig.control.answer(found(*FOUND))
        await rig.settle()

        assert "date=2026-09-17\n" in rig.text
        assert f"{TRADE}: " in rig.text


@pytest.mark.parametrize(("name", "shown"), [("c", f"{TRADE}  compared"), ("i", f"di {TRADE}\n")])
async def test_what_views_do_at_once_waits_for_what_is_found(name: str, shown: str) -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter", "j", name)
        assert f"Once it is read: j {name}" in rig.text
        rig.control.answer(found(*FOUND))
        assert await rig.shows(shown)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(found(), "nothing was found"), (BadRequest("No.", cause="refused"), "it was not read")],
)
async def test_where_nothing_is_found_the_box_has_the_keys_and_those_that_waited_are_dropped(
    answer: Page[WorkflowInstance] | BadRequest, said: str
) -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter", "j", "y")
        rig.control.answer(answer)
        await rig.settle()
        assert f"Not done, as {said}: j y" in rig.text
        await rig.press("x")

        assert "\n x\n" in rig.text


async def test_esc_gives_the_box_the_keys_back_while_it_reads() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter", "j", "escape", "x")
        rig.control.answer(found(*FOUND))
        await rig.settle()
        await rig.press("q")

        assert "\n xq\n" in rig.text
        assert "3 found" not in rig.text
        await rig.press("escape", "j", "y")
        assert f"{TRADE}: " in rig.text


async def test_another_search_says_nothing_of_what_the_one_before_met() -> None:
    async with running(mixed()) as rig:
        await rig.press("f", "enter")
        rig.control.answer(BadRequest("No.", cause="InvalidProject.NotFound"))
        await rig.settle()
        assert "InvalidProject.NotFound, Enter searches again" in rig.text
        await rig.press(*"statsu=fail", "enter")

        assert "no field 'statsu'" in rig.text
        assert "InvalidProject" not in rig.text
        assert "Searching" not in rig.text


async def test_what_was_found_can_be_read_again_also_after_that_failed() -> None:
    async with on_results() as rig:
        await rig.press("a", "r")
        rig.control.answer(BadRequest("No.", cause="throttled"))
        await rig.settle()
        assert "throttled, r reads again" in rig.text
        await rig.press("r")
        rig.control.answer(found(*FOUND[:2]))
        await rig.settle()

        assert "2 of 2 found" in rig.text
        assert "2 marked" in rig.text


async def test_capital_w_asks_in_every_case_whether_to_follow_the_search_or_the_workflow() -> None:
    async with on_results((80, 24)) as rig:
        assert "W follow" not in rig.text
        await rig.press("W")
        assert "A whole workspace can't be followed" in rig.text
        # Then only the workflow of the row is left, and why is said.
        await rig.press("r")
        rig.control.answer(found(replace(FOUND[0], workflow_id=2261034)))
        await rig.settle()
        assert "W follow" in rig.text
        await rig.press("W")
        assert (
            "What to follow? New runs of it join the list. A whole workspace can't be"
            in " ".join(rig.text.replace("│", " ").split())
        )
        assert "follow search" not in rig.text
        # What it asks for is typed in the box of the search, to which it leads; nothing is followed.
        rig.control.asked.clear()
        await rig.press(*"name", "enter", "escape")
        assert "follow" not in {one[0] for one in rig.asked}
        await rig.press("W", "down", "enter", *"x")
        assert rig.app.screen.input.value == "x"
        await rig.press("escape", "W", "enter")
        workflow = Query(88123, 0, env_type="Prod", workflow_id=2261034)
        assert rig.asked[-1] == ("follow", BINDING, workflow)
        rig.control.asked.clear()
        await rig.press("/", *" ads", "enter")
        rig.control.answer(found(*(replace(each, workflow_id=2261034) for each in FOUND)))
        await rig.settle()
        assert "W follow" in rig.text
        await rig.press("W", "escape")
        assert "follow" not in {one[0] for one in rig.asked}
        await rig.press("W")
        assert "follow search: workspace=88123 ads" in rig.text
        assert " follow workflow: " in rig.text
        assert "can't be followed" not in rig.text
        await rig.press("enter")

        assert rig.asked[-1] == ("follow", BINDING, Query(88123, 0, name="ads"))
        assert "its new runs join the list, W stops that" in " ".join(rig.text.split())
        await rig.press("W", "down", "enter")
        assert rig.asked[-1] == ("follow", BINDING, workflow)


async def test_a_search_for_a_tag_by_its_key_is_followed_and_what_can_not_be_is_said() -> None:
    async with on_results((80, 24)) as rig:
        for search, query in (
            (" tag=team", Query(88123, 0, tags=("team",))),
            ("tag=team tag=sla:p0", Query(88123, 0, tags=(Tag("sla", "p0"), "team"))),
        ):
            await rig.press("/", *search, "enter")
            rig.control.answer(found(instance(5, "Success", tags=(Tag("team", "a"),))))
            await rig.settle()
            await rig.press("W", "enter")
            assert rig.asked[-1] == ("follow", BINDING, query)
        for search in ("ads", "!x", "26"):
            await rig.press("/", *f"gmv {search}", "enter")
            rig.control.answer(found(instance(26, "Success", name="ads_gmv")))
            await rig.settle()
            await rig.press("W")
            said = f"{search} can't be followed: give one part of the name (name= before"
            assert said in rig.text


async def test_capital_w_is_called_what_it_does_where_something_is_followed() -> None:
    def follow(number: int, query: Query) -> Follow:
        return Follow(number, BINDING, query, START)

    of_workflow = follow(1, Query(88123, 0, workflow_id=2261034))
    of_search = follow(2, Query(88123, 0, name="ads"))
    async with running(replace(mixed(), follows=(of_workflow, of_search)), (120, 24)) as rig:
        await rig.press("g", "f", "enter")
        rig.control.answer(found(replace(FOUND[0], workflow_id=2261034)))
        await rig.settle()
        await rig.press("W")
        assert "unfollow workflow: " in rig.text
        await rig.press("escape", "/", *"ads", "enter")
        rig.control.answer(found(*FOUND))
        await rig.settle()
        await rig.press("W")
        assert "unfollow search: workspace=88123 ads" in rig.text
        await rig.press("enter")

        assert "End the follow of workspace=88123 name=ads" in rig.text


async def test_a_follow_that_is_not_shown_yet_or_no_longer_there_is_no_end_of_the_app() -> None:
    follow = Follow(1, BINDING, Query(88123, 0, name="ads"), START)
    async with running(mixed(), (120, 24)) as rig:
        await rig.press("g", "f", *"ads", "enter")
        rig.control.answer(found(*FOUND))
        await rig.settle()
        rig.control.publish(replace(mixed(), follows=(follow,)), pings=False)
        await rig.press("W", "enter")
        assert "End the follow of workspace=88123 name=ads" in rig.text
        await rig.press("escape")
        await rig.app.run_action("app.unfollow(2)")
        await rig.settle()

        assert "End the follow" not in rig.text


async def test_what_a_search_lacks_of_its_place_is_said_and_its_text_stays_as_it_was_typed() -> (
    None
):
    async with on_results((80, 24)) as rig:
        assert "with" not in rig.text.splitlines()[0]
        await rig.press("f", "ctrl+u", *"ads")
        said = "Find  with workspace=88123 date=2026-09-17  "
        assert said in rig.text.splitlines()[0]
        await rig.press("enter")

        assert rig.control.questions[-1][0] == Find(BINDING, Query(88123, MIDNIGHT, name="ads"))
        assert rig.app.screen.input.value == "ads"
        assert said in rig.text.splitlines()[0]
        await rig.press("escape", "ctrl+u", *"workspace=5 x")
        assert "Find  with date=2026-09-17  prod-ops" in rig.text.splitlines()[0]


async def test_tab_offers_the_values_that_are_known() -> None:
    mine = Follow(1, BINDING, Query(77001, 0, name="x"), START)
    async with running(replace(mixed(), follows=(mine,))) as rig:
        await rig.press("f")
        assert "Enter searches, Up" in rig.text
        await rig.press("ctrl+u")
        assert "Enter searches with workspace=88123 date=2026-09-17, Up" in rig.text
        await rig.press(*"workspace=")
        assert "workspace= 88123, 77001" in rig.text
        await rig.press("7", "tab")
        assert rig.app.screen.input.value == "workspace=77001"
        await rig.press("escape", "/", *"workspace=", "tab")

        assert rig.app.main.filter.input.value == "workspace=88123"


async def test_of_a_run_that_goes_on_one_column_says_how_long() -> None:
    going_on = instance(7, "Running", name="dwd", started_time=MIDNIGHT)
    async with running(mixed(), (160, 30)) as rig:
        await rig.press("f", "enter")
        rig.control.answer(found(going_on))
        await rig.settle()
        row = next(text for text in rig.text.splitlines() if " dwd " in text)

        assert len(re.findall(r" \d+[hdms]\w* ", row)) == 1


async def test_without_room_the_time_is_that_of_the_order() -> None:
    async with on_results((60, 24)) as rig:
        assert "TIME" in rig.text
        await rig.press("s")
        assert "Sorted by start" in rig.text
        assert re.search(r"STATUS +START\b", rig.text)
        assert "TIME" not in rig.text


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_esc_leads_from_what_was_opened_to_the_results_and_from_there_back(
    size: tuple[int, int],
) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("j", "f", *" ads", "enter")
        before = rig.app.main.list.chosen
        rig.control.answer(found(*FOUND))
        await rig.settle()
        await rig.press("G", "enter")
        assert rig.app.screen is rig.app.main
        assert "Esc results" in rig.text.splitlines()[-1]
        await rig.press("escape")
        assert " 3 of 3 found" in rig.text
        assert rig.control.questions == []
        await rig.press("y")
        assert f"{rig.app.screen.needed().key.id}: " in rig.text
        assert rig.app.screen.list.cursor == 2
        await rig.press("escape")
        assert rig.app.main.list.chosen == before
        await rig.press("f")
        assert rig.app.screen.input.value.endswith(" ads")


async def test_esc_leads_nowhere_else_once_the_cursor_was_moved() -> None:
    async with on_results((160, 48)) as rig:
        await rig.press("enter")
        await rig.press("j", "escape")

        assert rig.app.screen is rig.app.main


async def test_up_offers_the_last_search_first() -> None:
    async with on_results() as rig:
        await rig.press("/", *" ads", "enter", "/", *"x", "up")

        assert rig.app.screen.input.value.endswith(" ads")
