"""What reaches the terminal: nothing for nothing, little for little."""

from fakes import START, key, ms
from rig import RecordingDriver, running
from scenes import TRADE, ago, change, mixed, mixed_rows, row
from values import replace

from wfinspect.ui.widgets.boxes import IdInput
from wfinspect.watching.api import Contact, Health, Row, Snapshot


def with_row(snapshot: Snapshot, changed: Row) -> Snapshot:
    rows = tuple(changed if r.key == changed.key else r for r in snapshot.rows)
    return replace(snapshot, rows=rows)


async def test_an_equal_snapshot_sends_nothing() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("enter")
        rig.take_bytes()
        await rig.publish(replace(mixed()))
        await rig.publish(Snapshot(**{f: getattr(mixed(), f) for f in Snapshot._fields}))

        assert rig.take_bytes() == 0


async def test_the_start_paints_the_screen_once() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        started = rig.take_bytes()
        await rig.press("ctrl+l")

        assert started < 1.1 * rig.take_bytes()


async def test_a_view_is_painted_once_and_so_is_what_lay_behind_it() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("enter", "ctrl+l")
        for opened_by in "?tY:":
            rig.take_bytes()
            await rig.press(opened_by)
            opening = rig.take_bytes()
            await rig.press("ctrl+l")
            assert opening < 1.1 * rig.take_bytes(), opened_by

            await rig.press("escape")
            closing = rig.take_bytes()
            await rig.press("ctrl+l")
            assert closing < 1.1 * rig.take_bytes(), opened_by


async def test_ctrl_l_draws_all_of_it_anew() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        rig.take_bytes()
        await rig.press("ctrl+l")

        assert isinstance(rig.app._driver, RecordingDriver)
        sent = "".join(rig.app._driver.written)
        assert all(each.instance.name in sent for each in mixed_rows() if each.instance)


async def test_an_idle_app_sends_nothing_also_with_the_id_box_focused() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("1")
        rig.take_bytes()
        for _ in range(20):
            await rig.settle()

        assert rig.take_bytes() == 0
        assert not rig.app.main.query_one(IdInput).cursor_blink


async def test_a_row_that_changes_its_status_in_place_sends_at_most_400_bytes() -> None:
    rows = tuple(
        row(n, "Running", name=f"dwd_{n}", started_time=ms(ago(minutes=n - 10432980000)))
        for n in range(10432980001, 10432980006)
    )
    snapshot = Snapshot(rows=rows, health=Health(contact=Contact.LIVE))
    for size in ((80, 24), (160, 48)):
        async with running(snapshot, size, is_recorded=True) as rig:
            await rig.press("z", "z") if size[0] == 160 else await rig.press("z")
            rig.take_bytes()
            assert rows[2].instance is not None
            checking = replace(rows[2], instance=replace(rows[2].instance, status="Checking"))
            await rig.publish(with_row(snapshot, checking))

            assert "Checking" in rig.text
            assert 0 < rig.take_bytes() <= 400


async def test_a_row_out_of_sight_sends_nothing() -> None:
    rows = tuple(
        row(n, "Running", name=f"dwd_{n}", started_time=ms(ago(minutes=60 - n)))
        for n in range(1, 60)
    )
    snapshot = Snapshot(rows=rows, health=Health(contact=Contact.LIVE))
    async with running(snapshot, is_recorded=True) as rig:
        assert "dwd_59" not in rig.text
        rig.take_bytes()
        last = rows[-1]
        assert last.instance is not None
        renamed = replace(last, instance=replace(last.instance, status="Checking"))
        await rig.publish(with_row(snapshot, renamed))

        # The counts in the top line stay: both states are of one family.
        assert rig.take_bytes() == 0


async def test_a_new_count_of_calls_sends_less_than_200_bytes() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        rig.take_bytes()
        health = replace(mixed().health, calls_today=1205, last_good_at=START)
        await rig.publish(replace(mixed(), health=health))

        assert "1,205/3,000" in rig.text
        assert 0 < rig.take_bytes() < 200


async def test_twenty_running_rows_send_at_most_2_kilobytes_a_minute() -> None:
    rows = tuple(
        row(n, "Running", name=f"dwd_{n}", started_time=ms(ago(minutes=n))) for n in range(1, 21)
    )
    async with running(Snapshot(rows=rows), is_recorded=True) as rig:
        rig.take_bytes()
        rig.clock.advance(60)
        rig.app.main.tick()
        await rig.settle()

        assert "21m" in rig.text
        assert 0 < rig.take_bytes() <= 2048


async def test_settled_rows_alone_let_a_minute_pass_without_a_byte() -> None:
    rows = tuple(
        replace(r, is_unseen=False) for r in mixed_rows() if r.instance and r.instance.is_settled
    )
    snapshot = Snapshot(rows=rows, health=Health(contact=Contact.LIVE, last_good_at=START))
    async with running(snapshot, is_recorded=True) as rig:
        rig.take_bytes()
        rig.clock.advance(60)
        rig.app.main.tick()
        await rig.settle()

        assert rig.take_bytes() == 0


async def test_ages_do_not_move_between_two_minutes() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        rig.take_bytes()
        rig.clock.advance(45)
        await rig.publish(replace(mixed(), recent_ids=(key(1).id,)))

        assert rig.take_bytes() == 0


async def test_a_change_of_state_shows_within_one_snapshot() -> None:
    async with running(mixed(), size=(120, 40)) as rig:
        failed = row(
            TRADE,
            "Failure",
            name="dwd_trade_order_di",
            started_time=ms(ago(minutes=67)),
            finished_time=ms(START),
            is_unseen=True,
            last_change=change(TRADE, "Running", "Failure", START),
        )
        await rig.publish(with_row(mixed(), failed))

        lines = rig.text.splitlines()
        place = next(i for i, text in enumerate(lines) if "dwd_trade" in text[:20])
        assert "Failure" in lines[place]
        assert str(TRADE) in lines[place + 1]
        assert lines[place].startswith("\u2731  \u2716 ")
        assert place < next(i for i, text in enumerate(lines) if "ads_user" in text[:20])


async def test_giving_the_keys_to_another_pane_repaints_no_pane() -> None:
    async with running(mixed(), (110, 30), is_recorded=True) as rig:
        rig.take_bytes()
        await rig.press("enter")

        assert rig.app.main.detail.text.has_focus
        assert rig.take_bytes() < 2500
