"""The list narrowed and put in other orders, by keys."""

from pathlib import Path

from rig import Rig, running
from scenes import FAILED, TRADE, mixed, mixed_rows, row
from values import replace

from wfinspect.ui.files import Preferences
from wfinspect.ui.rows import SORTS


def shown(rig: Rig) -> list[int]:
    return [r.key.id for r in rig.app.main.list.items]


async def test_a_filter_narrows_the_list_as_it_is_typed_and_enter_keeps_it() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"trade")
        assert shown(rig) == [TRADE]
        assert "1 of 9 /trade" in rig.text
        assert "LAST" not in rig.text
        assert "type or paste" not in rig.text
        await rig.press("enter")

        assert shown(rig) == [TRADE]
        assert rig.app.main.list.has_focus
        assert "type or paste an instance ID" in rig.text


async def test_digits_and_letters_are_the_filter_s_while_it_has_the_keys() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"1244x")
        assert rig.app.main.id_box.text == ""
        assert rig.asked == []
        assert "No watched instance matches." in rig.text
        await rig.press("backspace", "enter", "7")

        assert shown(rig) == [TRADE]
        assert rig.app.main.id_box.text == "7"


async def test_an_unknown_field_is_said_where_the_rows_would_be() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"colour=")
        assert shown(rig) == []
        assert "There is no field 'colour': use name, status," in rig.text
        await rig.press("escape")

        assert len(shown(rig)) == 9


async def test_fields_dates_and_their_negation_narrow_the_list() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"workspace=88123 date=yesterday !name=di", "enter")

        assert {r.instance.name for r in rig.app.main.list.items if r.instance} == {
            r.instance.name for r in mixed_rows() if r.instance and "di" not in r.instance.name
        }


async def test_escape_clears_the_filter_in_its_box_and_from_the_list() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"trade", "escape")
        assert len(shown(rig)) == 9
        assert rig.app.main.list.has_focus
        await rig.press("/", *"trade", "enter", "escape")

        assert len(shown(rig)) == 9
        assert " of 9" not in rig.text


async def test_a_filter_follows_what_changes() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"status=fail", "enter")
        assert shown(rig) == [FAILED]
        rows = tuple(
            row(TRADE, "Failure", name="dwd_trade_order_di") if r.key.id == TRADE else r
            for r in mixed_rows()
        )
        await rig.publish(replace(mixed(), rows=rows))

        assert set(shown(rig)) == {FAILED, TRADE}
        assert "2 of 9" in rig.text


async def test_only_what_is_shown_is_removed_and_unseen_is_found_all_the_same() -> None:
    rows = (*mixed_rows(), row(5, "Success", name="keep_me"))
    async with running(replace(mixed(), rows=rows)) as rig:
        await rig.press("/", *"login", "enter", "X")
        assert rig.asked == [("unwatch", 10432980001)]
        await rig.press("n")

        assert rig.app.main.list.chosen.is_unseen  # type: ignore[union-attr]
        assert len(shown(rig)) > 1


async def test_a_filter_is_named_where_there_is_hardly_room() -> None:
    async with running(mixed(), (40, 7)) as rig:
        await rig.press("/", *"dwd", "enter")

        assert "/dwd" in rig.text
        assert "dwd_trade" in rig.text


async def test_s_goes_round_the_orders_and_keeps_the_last(tmp_path: Path) -> None:
    async with running(mixed(), preferences=Preferences(tmp_path)) as rig:
        orders = []
        for name in (*SORTS[1:], SORTS[0]):
            await rig.press("s")
            orders.append(tuple(shown(rig)))
            assert (f"by {name}" in rig.text) == (name != SORTS[0])
        assert len(set(orders)) == len(SORTS)
        assert orders[1] == tuple(sorted(shown(rig)))
        await rig.press("s", "s")
    async with running(mixed(), preferences=Preferences(tmp_path)) as rig:
        assert tuple(shown(rig)) == orders[1]


async def test_the_cursor_stays_on_its_instance_in_any_order() -> None:
    async with running(mixed()) as rig:
        await rig.press("j", "j", "s")

        assert rig.app.main.list.chosen.key.id == TRADE  # type: ignore[union-attr]
