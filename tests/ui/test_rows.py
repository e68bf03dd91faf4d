import re
from collections import Counter
from collections.abc import Sized
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from fakes import BINDING, START, instance, key, ms
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rig import ZONE, Rig, running
from scenes import (
    FAILED,
    FINANCE,
    TRADE,
    accounts,
    ago,
    change,
    failed_row,
    mixed,
    mixed_rows,
    of_finance,
    outage,
    row,
    with_outlook,
)
from values import replace

from wfinspect.lateness import Deadline
from wfinspect.model import Family, InstanceKey, Target
from wfinspect.ui import theme
from wfinspect.ui.lines import Role, Span
from wfinspect.ui.rows import (
    MARKED,
    ROOMY_ROW_CELLS,
    SORTS,
    Place,
    RowGroups,
    RowTable,
    header_line,
    lead,
    list_line,
    mark_of,
    names_of,
    remarks,
    row_columns,
    search_of,
    short_word,
    shows_reading,
    sidebar_lines,
    state_time,
    state_word,
    whose,
)
from wfinspect.ui.screens.main import WIDE_CELLS
from wfinspect.ui.widgets.boxes import helpful_commands
from wfinspect.watching.api import Contact, Health, Outlook, Row, Rows, Snapshot, Trouble

LOOK = theme.look_for(ZONE, is_ascii=False)
MARK = (" ", Role.DIM)
NAMES = st.text(max_size=40)
STATUSES = st.sampled_from(
    ["Running", "Failure", "Success", "WaitResource", "CheckingCondition", "", "Neues", "x" * 60]
)


@given(NAMES, STATUSES, st.integers(30, 60), st.booleans())
def test_every_sidebar_line_fills_its_width_and_holds_the_whole_id(
    name: str, status: str, width: int, is_live: bool
) -> None:
    one = row(2**63 - 1, status, name=name, is_live=is_live)
    first, second = sidebar_lines(one, MARK, LOOK, START, width)

    assert cell_len(first.text) == cell_len(second.text) == width
    assert str(2**63 - 1) in second.text
    # Word and time have their places at the edge, whatever the name.
    word = state_word(one)[0] if width >= ROOMY_ROW_CELLS else short_word(state_word(one)[0])
    assert first.text.endswith(f" {word}") or cell_len(word) > width // 2 - 4
    assert re.search(rf"({state_time(one, LOOK, START)}|read \S+)$", second.text)


def test_a_long_word_of_a_state_leaves_glyph_and_name_their_half() -> None:
    odd = row(1, "Suspended" * 6, name="dwd_trade_di")
    first, _ = sidebar_lines(odd, MARK, LOOK, START, 34)

    assert first.text.startswith("   ? dwd_trade_di")
    assert first.text.endswith(" SuspendedSusp...")


def test_a_whole_name_is_worth_more_than_a_word_that_the_glyph_repeats() -> None:
    columns = row_columns(46, 11, 26)
    calm = list_line(row(1, "CheckingCondition", name="a" * 26), MARK, LOOK, START, columns).text
    assert "a" * 26 in calm
    assert "Check" not in calm


@pytest.mark.parametrize(
    ("width", "is_unseen", "said"),
    [
        (35, False, "17/23 done"),
        (35, True, "was Running"),
        (41, False, "17 of 23 done"),
        (41, True, "was Running"),
        (52, True, "was Running  17 of 23 done"),
        (60, False, "Running -> Checking  17 of 23 done"),
    ],
)
def test_of_progress_and_change_there_is_one_where_both_have_no_room(
    width: int, is_unseen: bool, said: str
) -> None:
    last = change(10432987165, "Running", "Checking", START)
    one = with_outlook(
        row(10432987165, "Checking", is_unseen=is_unseen, last_change=last), failed=0
    )

    below = sidebar_lines(one, MARK, LOOK, START, width)[1].text

    assert below.removesuffix(state_time(one, LOOK, START)).split(None, 1)[1].rstrip() == said


@given(NAMES, STATUSES, st.integers(38, 160))
def test_every_list_line_fits_its_width(name: str, status: str, width: int) -> None:
    one = row(
        10432987165, status, name=name, is_unseen=True, last_change=change(1, "a" * 30, "b", START)
    )
    text = list_line(one, MARK, LOOK, START, row_columns(width, 11, 40)).text

    assert cell_len(text) <= width
    assert ("10432987165" in text) == (width >= 60)


@given(st.integers(30, 120), st.integers(4, 40), st.sampled_from([67, 25, 60 * 23 + 59]))
def test_what_is_late_says_so_at_any_width(width: int, name_cells: int, minutes: int) -> None:
    one = with_outlook(row(7, "Running", started_time=ms(ago(minutes=minutes))), failed=0)
    spans = list_line(one, MARK, LOOK, START, row_columns(width, 11, name_cells)).spans

    marks = [text.strip() for text, role in spans if role is Role.TROUBLE]
    assert len(marks) == 1
    assert re.fullmatch(r"late( (by )?[\dmh]+)?", marks[0])


@given(
    st.integers(30, 160),
    st.integers(4, 40),
    st.sampled_from([None, START + timedelta(hours=1)]),
    st.sampled_from([ZONE, UTC]),
)
def test_a_deadline_is_whole_with_its_zone_or_one_word(
    width: int, name_cells: int, expected: datetime | None, zone: tzinfo
) -> None:
    deadline = Deadline(START.astimezone(ZONE), expected)
    one = replace(row(7, "Running"), outlook=Outlook(deadline=deadline))
    look = replace(LOOK, zone=zone)
    columns = row_columns(width, 11, name_cells)
    lines = (
        list_line(one, MARK, look, START, columns),
        *sidebar_lines(one, MARK, look, START, width),
    )

    marks = [text.strip() for each in lines for text, role in each.spans if role is Role.TROUBLE]
    assert len(marks) == 2
    assert {*marks} <= {*deadline.words(zone)}
    if width == 160:
        assert str(deadline.due)[11:16] in marks[0]
        assert marks[1] == deadline.words(zone)[0]


def test_a_row_on_time_is_not_late() -> None:
    one = with_outlook(row(7, "Running", started_time=ms(ago(minutes=12))))

    assert "late" not in list_line(one, MARK, LOOK, START, row_columns(40, 11, 20)).text


def note(one: Row, now: datetime, width: int) -> Span:
    return remarks(one, LOOK, now, width)[0]


def test_an_old_value_wears_a_question_mark_dim() -> None:
    old = row(1, "Running", is_live=False, read_at=ago(minutes=6), started_time=ms(ago(minutes=12)))

    assert state_word(old) == ("Running?", Role.DIM)
    assert state_time(old, LOOK, START) == "12m"
    assert note(old, START, 40) == ("read 6m ago", Role.DIM)


def test_a_settled_row_shows_clock_time_or_date_which_never_tick() -> None:
    today = row(1, "Success", finished_time=ms(ago(hours=3)))
    before = row(1, "Success", finished_time=ms(ago(days=2)))

    assert state_time(today, LOOK, START) == "11:30"
    later = START + timedelta(hours=5)
    assert state_time(today._replace(read_at=later), LOOK, later) == "11:30"
    assert state_time(before, LOOK, START) == "09-16"


def test_a_row_that_was_read_long_ago_shows_that_age_though_it_is_live() -> None:
    slow = row(1, "Running", read_at=ago(minutes=6), started_time=ms(ago(minutes=67)))
    settled = row(1, "Success", read_at=ago(minutes=28), finished_time=ms(ago(hours=3)))

    assert state_word(slow) == ("Running", Role.ACTIVE)
    assert (state_time(slow, LOOK, START), note(slow, START, 40)[0]) == ("1h07", "read 6m ago")
    assert (state_time(settled, LOOK, START), note(settled, START, 40)[0]) == (
        "11:30",
        "read 28m ago",
    )
    # Twice its own ten minutes is no long time for what is over, nor is any for what rests.
    for at, over in ((ago(minutes=20), ago(hours=3)), (START, ago(hours=24))):
        fine = row(1, "Success", read_at=at, finished_time=ms(over))
        assert not shows_reading(fine, START + timedelta(minutes=5))


def test_a_running_row_shows_its_age_in_minutes() -> None:
    running = row(1, "Running", started_time=ms(ago(minutes=67)))

    assert state_time(running, LOOK, START) == "1h07"


def test_the_time_in_a_state_counts_from_the_change_into_it() -> None:
    waiting = row(
        1,
        "WaitTime",
        modify_time=ms(START),
        last_change=change(1, "NotRun", "WaitTime", ago(minutes=9)),
    )

    assert state_time(waiting, LOOK, START) == "9m"


def test_an_unseen_change_is_told_with_its_age_and_shortened_where_it_must() -> None:
    unseen = failed_row()

    assert note(unseen, START, 40) == ("Running -> Failure, 2m ago", Role.FAILURE)
    assert note(unseen, START, 20) == ("Running -> Failure", Role.FAILURE)
    assert note(unseen, START, 12) == ("was Running", Role.FAILURE)


def test_a_long_state_is_named_short_before_it_is_cut() -> None:
    changed = row(
        1, "Running", is_unseen=True, last_change=change(1, "WaitResource", "Running", START)
    )

    assert note(changed, START, 16)[0] == "was WaitResource"
    assert note(changed, START, 15)[0] == "was WaitRes"
    # What is in full touches the ID only where it would touch the time as well.
    for since, blanks in ((ago(minutes=3), 2), (ago(hours=10, minutes=5), 1)):
        now = replace(changed, last_change=change(1, "WaitResource", "Running", since))
        below = sidebar_lines(now, MARK, LOOK, START, 30)[1].text
        assert f"1{' ' * blanks}was WaitResource" in below


def test_a_seen_change_stays_told_without_a_ticking_age() -> None:
    assert note(failed_row(is_unseen=False), START, 40) == ("Running -> Failure", Role.DIM)


def test_a_rerun_is_called_one() -> None:
    again = replace(change(1, "Failure", "Running", START), is_rerun=True)

    assert note(row(1, "Running", last_change=again), START, 60)[0] == "Failure -> Running (rerun)"


def test_trouble_shows_its_cause() -> None:
    troubled = next(r for r in outage().rows if not r.is_live)

    assert note(troubled, START, 40) == ("Throttling.User, read 6m ago", Role.DIM)


def test_trouble_that_needs_a_person_stands_out() -> None:
    trouble = Trouble("refused", "", retry_at=None)

    assert note(row(1, "Running", trouble=trouble), START, 40) == ("refused", Role.TROUBLE)


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (Row(key(1), is_loading=True), "reading..."),
        (Row(key(1)), "not read"),
        (Row(key(1), trouble=Trouble("not found", "", None)), "not found"),
        (row(1, "Failure", is_gone=True), "gone"),
        (row(1, ""), "no status"),
    ],
)
def test_every_state_has_a_word(one: Row, word: str) -> None:
    assert state_word(one)[0] == word


def test_an_unknown_word_is_shown_as_it_came_in_the_colour_of_the_unknown() -> None:
    assert state_word(row(1, "Frozen")) == ("Frozen", Role.UNKNOWN)


def test_a_wide_name_keeps_the_columns_aligned() -> None:
    columns = row_columns(80, 11, 33)
    plain = list_line(row(1, "Running", name="dim_shop"), MARK, LOOK, START, columns).text
    wide = list_line(
        row(1, "Running", name="dim_店铺_商品_信息_全量_日表_df"), MARK, LOOK, START, columns
    ).text

    assert cell_len(plain.partition("Running")[0]) == cell_len(wide.partition("Running")[0])


def by_attention(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(RowTable(rows))


def ids(rows: tuple[Row, ...]) -> list[int]:
    return [r.key.id for r in rows]


def test_the_most_urgent_comes_first() -> None:
    rows = (
        row(9, "Success"),
        row(8, "NotRun"),
        row(7, "WaitTime"),
        row(6, "Running"),
        row(5, "Success", is_unseen=True),
        row(4, "Running", is_live=False),
        row(3, "Brandnew"),
        row(2, "Failure"),
        row(1, "Failure", is_unseen=True),
    )

    assert ids(by_attention(rows)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_gone_comes_before_what_is_merely_old() -> None:
    gone, old = row(2, "Failure", is_gone=True, is_live=False), row(1, "Running", is_live=False)

    assert ids(by_attention((old, gone))) == [2, 1]


def test_a_failure_stays_in_front_when_contact_is_lost() -> None:
    lost, running = row(1, "Failure", is_live=False), row(2, "Running")

    assert ids(by_attention((running, lost))) == [1, 2]


def test_the_longest_running_leads_the_running() -> None:
    rows = (
        row(1, "Running", started_time=ms(ago(minutes=5))),
        row(2, "Checking", started_time=ms(ago(minutes=60))),
    )

    assert ids(by_attention(rows)) == [2, 1]


def test_the_latest_failure_leads_the_failures() -> None:
    rows = (
        row(1, "Failure", finished_time=ms(ago(hours=5))),
        row(2, "Failure", finished_time=ms(ago(minutes=5))),
    )

    assert ids(by_attention(rows)) == [2, 1]


def test_a_row_without_a_reading_counts_as_not_live() -> None:
    unread = replace(row(1, "Running"), instance=None, is_live=False)

    assert ids(by_attention((row(2, "Running"), unread))) == [1, 2]


def test_of_unseen_rows_the_most_urgent_comes_first_in_any_order() -> None:
    rows = (row(3, "Success", is_unseen=True), failed_row(), row(2, "Running"))
    unseen, failed, _ = rows
    for sort in SORTS:
        table = RowTable(rows)
        table.arrange(sort, lambda _: True)

        assert table.most_urgent_unseen(()) is failed
        assert table.most_urgent_unseen({failed.key}) is unseen
        assert table.most_urgent_unseen({failed.key, unseen.key}) is None


def test_what_the_search_hides_is_the_last_unseen() -> None:
    rows = (failed_row(), row(2, "Running", is_unseen=True))
    table = RowTable(rows)
    table.arrange(SORTS[0], lambda each: each.key.id == 2)

    assert table.most_urgent_unseen(()) is rows[1]
    assert table.most_urgent_unseen({rows[1].key}) is rows[0]


@pytest.mark.parametrize("query", ["", "status=running"])
@pytest.mark.parametrize("keeps_places", [True, False])
@pytest.mark.parametrize("sort", SORTS)
def test_what_is_watched_no_more_keeps_its_place_and_what_was_looked_up_is_first(
    sort: str, keeps_places: bool, query: str
) -> None:
    rows = Rows(row(n, "Running", started_time=n, added_at=START) for n in range(1, 6))
    table = RowTable(rows)
    table.arrange(sort, search_of(query, START))
    table.keeps_places = keeps_places
    before = [one.key.id for one in table]
    third = table[2]._replace(is_watched=False)
    table.update(rows := rows.updated({third.key: third}))
    assert [one.key.id for one in table] == before
    # And so in a list that is made of them.
    table.arrange(sort, search_of(query, START))
    assert [one.key.id for one in table] == before

    looked_up = row(9, "Running", is_watched=False)
    table.update(rows.updated({looked_up.key: looked_up}))
    assert [one.key.id for one in table] == [9, *before]


@given(st.permutations(mixed_rows()))
def test_the_order_does_not_depend_on_the_order_they_came_in(rows: list[Row]) -> None:
    assert by_attention(tuple(rows)) == by_attention(mixed_rows())


NAMES_ORDER = ("ods_pay", "dwd_订单", "a" * 60, "")
rows_of = st.builds(
    lambda number, target, status, name, flags: Row(
        key(number, target),
        instance(number, status, name=name) if status else None,
        read_at=START,
        is_watched=True,
        is_live=flags & 1 > 0,
        is_unseen=flags & 2 > 0,
        is_gone=flags & 4 > 0,
        follow=flags & 8 or None,
    ),
    st.integers(1, 12),
    st.sampled_from([BINDING, BINDING, FINANCE]),
    st.sampled_from(["Running", "Success", "Failure", "WaitTime", "Odd", ""]),
    st.sampled_from(NAMES_ORDER),
    st.integers(0, 15),
)


@given(
    st.lists(st.lists(st.one_of(rows_of, st.integers(0, 30)), max_size=80), max_size=5),
    st.sampled_from(SORTS),
    st.sampled_from(["", "status=run", "dwd", "!ods"]),
    st.booleans(),
)
def test_what_is_kept_equals_a_table_made_afresh(
    series: list[list[Row | int]], sort: str, query: str, keeps_places: bool
) -> None:
    matches = search_of(query, START)
    table, held, was_read = RowTable(), Rows(), set[InstanceKey]()
    table.arrange(sort, matches)
    for changes in series:
        for each in changes:
            if isinstance(each, Row):
                held = held.updated({each.key: each})
            elif len(held):
                taken = [*held][each % len(held)]
                held = held.updated({taken.key: None})
        table.keeps_places = keeps_places
        before = [each.key for each in table]
        table.update(held)
        assert [table.index(each.key) for each in table] == [*range(len(table))]
        read = {one.key for one in held if one.instance is not None}
        if keeps_places and len({one.key.target for one in held}) < 2:
            stay = [one.key for one in table if one.key in read & was_read & {*before}]
            assert stay == [one for one in before if one in stay]
        was_read = read
        table.take_places(table.due(None))

        again = RowTable(held)
        again.arrange(sort, matches)
        shown = list(table)
        assert shown == list(again) == [table[n] for n in range(len(table))]
        assert {*shown} == {each for each in held if matches(each)}
        assert [table.index(each.key) for each in shown] == [*range(len(shown))]
        assert table.headers == again.headers
        assert table.widest == again.widest
        assert table.total == len(held)
        assert table.unseen == sum(each.is_unseen for each in held)
        read = [each for each in held if each.instance is not None]
        words = (Family.UNKNOWN if each.is_gone else each.family for each in read)
        assert {**table.counts} == {**Counter(words)}
        names = [cell_len(each.instance.name) for each in read if each.instance]
        assert table.widest[1] == max([12, *names])


HEADERS = ("prod-ops cn-shanghai", "finance cn-hangzhou")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(1, 2))
def test_every_line_is_a_row_a_header_or_a_gap(sizes: list[int], height: int) -> None:
    targets = tuple(Target(f"p{n}", "cn-shanghai", "host") for n in range(len(sizes)))
    rows = tuple(
        Row(key(place, target))
        for target, size in zip(targets, sizes, strict=True)
        for place in range(size)
    )
    table = RowTable(rows)
    # One target alone has no header, which the next test is about.
    groups = table.headers if len(targets) > 1 else RowGroups(targets, (0,))
    assert tuple(table) == rows
    lines = [groups.at(y, height) for y in range(groups.y_of(len(rows), height))]

    expected: list[Place] = []
    for target in targets:
        expected += [Place()] * bool(expected) + [Place(header=target)]
        for index, each in enumerate(rows):
            if each.key.target == target:
                expected += [Place(index, part) for part in range(height)]
    assert lines == expected
    assert [lines.index(Place(i)) for i in range(len(rows))] == [
        groups.y_of(i, height) for i in range(len(rows))
    ]


@given(st.integers(0, 50), st.integers(1, 2))
def test_a_list_of_one_account_has_no_header(y: int, height: int) -> None:
    assert RowGroups().at(y, height)[:2] == divmod(y, height)
    assert RowGroups().y_of(3, 2) == 6


def test_the_endpoint_is_named_only_where_it_tells_two_apart() -> None:
    inside = replace(BINDING, endpoint="dataworks-vpc.cn-shanghai.aliyuncs.com")

    assert "aliyuncs" not in said([BINDING, FINANCE], BINDING)
    assert inside.endpoint in said([BINDING, FINANCE, inside], inside)


def said(targets: list[Target], one: Target) -> str:
    return header_line(names_of(targets)[one], None, 200).text


@given(st.integers(20, 100))
def test_not_live_is_never_cut_from_a_header(width: int) -> None:
    trouble = accounts().troubles[FINANCE]
    line = header_line(names_of([FINANCE])[FINANCE], trouble, width)

    assert "NOT LIVE" in line.text
    assert cell_len(line.text) <= width
    assert ("keys expired" in line.text) == (width >= 44)


async def test_the_group_that_wants_most_attention_comes_first() -> None:
    async with running(accounts()) as rig:
        text = rig.text
        assert text.index(HEADERS[0]) < text.index(HEADERS[1])
        assert "finance cn-hangzhou  NOT LIVE: keys expired" in text

        failed = of_finance(20077001288, "Failure", name="fin_tax_monthly", is_unseen=True)
        rows = tuple(failed if r.key == failed.key else r for r in accounts().rows)
        calm = tuple(replace(r, is_unseen=False) for r in rows if r.key != failed.key)
        await rig.publish(replace(accounts(), rows=(*calm, failed)))

        text = rig.text
        assert text.index(HEADERS[1]) < text.index("fin_tax") < text.index(HEADERS[0])


async def test_moving_goes_over_headers_and_the_ends_show_them() -> None:
    async with running(accounts(), (80, 12)) as rig:
        rows = tuple(rig.app.main.list.items)
        for expected in (*rows[1:], rows[-1]):
            await rig.press("j")
            assert rig.app.main.list.chosen == expected
            assert str(expected.key.id) in rig.text
        assert HEADERS[0] not in rig.text
        await rig.press("g")
        assert HEADERS[0] in rig.text
        await rig.press("G")
        assert rig.app.main.list.chosen == rows[-1]
        seen = [rows[-1]]
        while seen[-1] != rows[0]:
            await rig.press("pageup")
            now = rig.app.main.list.chosen
            assert now is not None
            assert str(now.key.id) in rig.text
            seen.append(now)
        assert HEADERS[0] in rig.text


async def test_a_click_on_a_header_or_a_gap_moves_nothing() -> None:
    async with running(accounts()) as rig:
        rows = tuple(rig.app.main.list.items)
        for y, index in ((1, 0), (6, 5), (0, 5), (7, 5), (9, 6), (8, 6), (10, 7), (12, 7)):
            await rig.pilot.click("#watched", offset=(5, y))
            await rig.settle()
            assert rig.app.main.list.chosen == rows[index]


async def test_filter_and_sort_keep_the_headers() -> None:
    async with running(accounts()) as rig:
        await rig.press("/", *"fin_", "enter")
        assert HEADERS[1] in rig.text
        assert HEADERS[0] not in rig.text
        await rig.press("escape", "s")
        rig.app.main.list.set_order(query="", sort="name")
        names = [r.instance.name for r in rig.app.main.list.items if r.instance]
        assert names == [*sorted(names[:6]), *sorted(names[6:])]
        assert all(header in rig.text for header in HEADERS)


async def test_headers_go_with_the_last_row_of_the_other_account() -> None:
    async with running(accounts()) as rig:
        await rig.publish(mixed())
        assert not any(header in rig.text for header in HEADERS)


async def test_a_row_that_changes_under_headers_sends_at_most_400_bytes() -> None:
    rows = tuple(
        make(n, "Running", name=f"dwd_{n}", started_time=ms(ago(minutes=n - 10432980000)))
        for make in (row, of_finance)
        for n in range(10432980001, 10432980006)
    )
    snapshot = Snapshot(rows=rows, health=Health(contact=Contact.LIVE, last_good_at=START))
    for size in ((80, 24), (160, 48)):
        async with running(snapshot, size, is_recorded=True) as rig:
            rig.take_bytes()
            await rig.publish(replace(snapshot))
            assert rig.take_bytes() == 0
            assert rows[7].instance is not None
            checking = replace(rows[7], instance=replace(rows[7].instance, status="Checking"))
            changed = tuple(checking if r.key == checking.key else r for r in rows)
            await rig.publish(replace(snapshot, rows=changed))

            assert "Checking" in rig.text
            assert 0 < rig.take_bytes() <= 400


def shown(rig: Rig) -> list[int]:
    return [r.key.id for r in rig.app.main.list.items]


async def test_a_filter_narrows_the_list_as_it_is_typed_and_enter_keeps_it() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"trade")
        assert shown(rig) == [TRADE]
        assert "1 of 9 " in rig.text
        assert "LAST CHANGE" in rig.text
        assert "type or paste" not in rig.text
        await rig.press("enter")
        assert "/trade  " in rig.text.splitlines()[-2]

        assert shown(rig) == [TRADE]
        assert rig.app.main.list.has_focus
        assert "type or paste an instance ID" in rig.text
        await rig.press("/", *"status=run", "enter")
        assert re.search(r"NAME +\d of 9 +INSTANCE +STATUS +TIME +LAST CHANGE", rig.text), rig.text
        assert "/status=run  " in rig.text.splitlines()[-2]


async def test_digits_and_letters_are_the_filter_s_while_it_has_the_keys() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"1244x")
        assert rig.app.main.id_box.input.value == ""
        assert rig.asked == []
        assert "No watched instance matches." in rig.text
        await rig.press("backspace", "enter", "7")

        assert shown(rig) == [TRADE]
        assert rig.app.main.id_box.input.value == "7"


async def test_an_unknown_field_is_said_where_the_rows_would_be() -> None:
    async with running(mixed()) as rig:
        await rig.press("/", *"colour=")
        assert shown(rig) == []
        assert "There is no field 'colour': use name, status," in rig.text
        await rig.press("escape")
        assert len(shown(rig)) == 9
        # Enter does not take it: it stays in the box, and what was there before is not lost.
        await rig.press("/", *"di", "enter", "j", "space")
        before = rig.text
        await rig.press("/", *"colour=x", "enter")
        assert "There is no field 'colour': use name, status," in rig.text
        assert " filter  colour=x\n Esc     goes back to di\n" in rig.text
        assert rig.text.splitlines()[-1].startswith(" Esc cancel ")
        await rig.press("escape")

        assert rig.text == before


async def test_where_nothing_matches_a_date_that_is_none_is_said_but_not_of_one_that_is_begun() -> (
    None
):
    async with running(mixed()) as rig:
        for value, is_said in (("-7d..-1d", True), ("last week", True), ("2021-", False)):
            await rig.press("/", *f"date={value}")
            assert "No watched instance matches." in rig.text
            named = f"'{value.split()[0]}' is not a date: write one day, such as -1d"
            assert (named in " ".join(rig.text.split())) is is_said
            await rig.press("escape")


@pytest.mark.parametrize("size", [(45, 12), (80, 24), (110, 30), (160, 48)])
async def test_where_nothing_matches_all_of_the_space_says_what_filters_and_what_clears_it(
    size: tuple[int, int],
) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("/", *"no such")
        assert " /  " not in rig.text
        await rig.press("enter")
        width = rig.app.main.list.size.width
        assert "No watched instance matches." in rig.text
        assert " filter  no such\n Esc     clears it and shows all\n" in rig.text
        assert width == size[0]
        await rig.press("j", "tab", "escape")
        assert len(shown(rig)) == 9
        assert (rig.app.main.list.size.width < width) is (size[0] >= WIDE_CELLS)
        await rig.press("/", *"trade", "enter", "tab")
        await rig.publish(mixed()._replace(rows=()))
        await rig.publish(mixed())
        assert shown(rig) == [TRADE]
        await rig.publish(mixed()._replace(rows=(failed_row(),)))
        assert "No watched instance matches." in rig.text
        assert rig.app.main.list.has_focus
        assert rig.app.main.list.size.width == size[0]


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


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_what_was_looked_up_is_filtered_but_under_the_cursor(size: tuple[int, int]) -> None:
    looked_up = row(5, "Success", name="dwd_coupon", is_watched=False)
    async with running(replace(mixed(), rows=(looked_up, *mixed_rows())), size) as rig:
        await rig.press("g", "/", *"trade", "enter")
        assert shown(rig) == [TRADE]
        assert "1 of 10" in rig.text
        await rig.press("escape")
        assert shown(rig)[0] == 5
        # Looked up while the filter is there.
        await rig.press("/", *"trade", "enter", *"5", "enter")
        await rig.press(*["escape"] * (size[0] < WIDE_CELLS))
        assert shown(rig) == [5, TRADE]
        assert "/trade  does not match" in rig.text
        await rig.publish(replace(mixed(), rows=(looked_up, *mixed_rows())))
        assert shown(rig) == [5, TRADE]
        await rig.press("j")
        assert shown(rig) == [TRADE]


async def test_only_what_is_shown_is_removed_and_unseen_is_found_all_the_same() -> None:
    rows = (*mixed_rows(), row(5, "Success", name="keep_me"))
    async with running(replace(mixed(), rows=rows)) as rig:
        await rig.press("/", *"login", "enter", "X")
        assert rig.asked == [("unwatch", 10432980001)]
        await rig.press("n")

        assert rig.app.main.list.chosen.is_unseen  # type: ignore[union-attr]
        assert len(shown(rig)) > 1
        assert "Filter cleared: login" in rig.text


@pytest.mark.parametrize("size", [(45, 12), (80, 24), (110, 30)])
async def test_the_order_is_said_at_any_width_until_the_next_key(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("/", *"ads", "enter", "s")
        assert "Sorted by start, newest first." in rig.text
        await rig.press("s")
        assert "Sorted by duration, longest first." in rig.text
        assert "newest first." not in rig.text
        await rig.burst("ss")
        assert rig.text.count("Sorted") == 1
        await rig.press("j")

        assert "Sorted" not in rig.text


async def test_a_filter_is_named_where_there_is_hardly_room() -> None:
    async with running(mixed(), (40, 7)) as rig:
        await rig.press("/", *"dwd", "enter")

        assert "/dwd" in rig.text
        assert "dwd_trade" in rig.text


@pytest.mark.parametrize("width", [60, 80])
async def test_order_and_count_cover_no_title_but_the_last(width: int) -> None:
    async with running(mixed(), (width, 24)) as rig:
        await rig.press("/", *"d", "enter", "s")

        heading = next(
            each for each in rig.text.splitlines() if "NAME" in each and "STATUS" in each
        )
        assert "9 of 9" in heading
        assert re.search(r"STATUS +(START|TIME|TOOK)", heading)


def test_a_few_long_names_do_not_cost_all_rows_their_note() -> None:
    names = ["dwd_trade_order_di"] * 9 + ["dwd_trade_order_with_a_very_long_name_di"]
    few = RowTable(row(n, "Running", name=name) for n, name in enumerate(names, 1))
    many = RowTable(row(n, "Running", name=names[-1]) for n in range(1, 11))

    name, *_, note = row_columns(80, *few.widest)
    assert note.cells >= 13
    assert name.cells >= 18
    assert row_columns(80, *many.widest)[-1].cells == 0


def test_two_runs_of_a_long_name_cost_no_row_its_note_and_are_told_apart() -> None:
    names = [
        "dwd_trade_order_di",
        "dim_shop",
        "ods_pay_bill_di",
        *["dws_trade_shop_summary_daily_all"] * 2,
    ]
    table = RowTable(row(n, "Running", name=name) for n, name in enumerate(names, 1))
    columns = row_columns(80, *table.widest)
    was = change(5, "WaitTime", "Running", ago(minutes=1))

    one = row(5, "Running", name=names[-1], last_change=was)
    said = list_line(one, MARK, LOOK, START, columns, apart="biz 11-29").text

    assert columns[-1].cells >= 13
    assert re.search(r"dws_trade_\w+\.\.\. biz 11-29 ", said)
    assert said.rstrip().endswith("was WaitTime")


@pytest.mark.parametrize("width", [60, 66, 80, 160])
@pytest.mark.parametrize("name_cells", [14, 22, 32])
@pytest.mark.parametrize("minutes", [0, 42])
def test_the_age_of_a_reading_is_never_taken_for_that_of_a_run(
    width: int, name_cells: int, minutes: int
) -> None:
    one = row(
        7, "Running", is_live=False, read_at=START, started_time=ms(ago(minutes=12)), name="dim_a"
    )
    if minutes:
        one = with_outlook(
            replace(one, instance=replace(one.instance, started_time=ms(ago(minutes=67))))
        )
    lines = [
        list_line(one, MARK, LOOK, START, row_columns(width, 11, name_cells), apart=apart).text
        for apart in ("", "biz 11-29")
    ]
    lines.append(sidebar_lines(one, MARK, LOOK, START, width)[1].text)
    for said in lines:
        assert cell_len(said) <= width
        if width >= 80 or name_cells < 32:
            assert "read <1m" in said
        assert "<1m" not in said.replace("read <1m", "")


@pytest.mark.parametrize("follow", [0, 3])
def test_a_note_has_a_sign_that_no_other_sign_hides(follow: int) -> None:
    noted = row(1, "Running", note="called the DBA", follow=follow)
    followed = "W" if follow else " "
    for unseen, sign in ((True, "✱"), (False, " ")):
        one = replace(noted, is_unseen=unseen)
        mark = mark_of(one, LOOK)
        lines = [list_line(one, mark, LOOK, START, row_columns(w, 11, 14)) for w in (45, 80, 160)]
        for each in (*lines, sidebar_lines(one, mark, LOOK, START, 35)[0]):
            assert each.text.startswith(f"{sign}{followed}i▸ ")
        marked = "".join(text for text, _ in lead(one, MARKED, LOOK))
        assert marked == f"#{sign if unseen else followed}i▸ "


def test_a_note_is_the_remark_unless_there_is_news() -> None:
    one = row(1, "Running", name="dim_shop")._replace(note="called the owner")

    assert note(one, START, 40)[0] == "note: called the owner"


@pytest.mark.parametrize("width", [38, 45, 56])
def test_a_note_is_whole_or_not_there(width: int) -> None:
    noted = row(1, "Running", started_time=ms(ago(minutes=42)), note="called the owner")
    for one in (noted, with_outlook(noted), with_outlook(noted, failed=0)):
        below = sidebar_lines(one, MARK, LOOK, START, width)[1].text
        assert "note" not in below or "note: called the owner" in below
        assert "..." not in below


def test_a_note_gives_way_to_what_changed() -> None:
    one = failed_row(is_unseen=False)._replace(note="called the owner")

    def said(width: int) -> str:
        return list_line(one, MARK, LOOK, START, row_columns(width, 11, 14)).text

    assert "Running -> Failure" in said(100)
    assert "note" not in said(100)
    assert "Running -> Failure" in said(80)
    short = list_line(one._replace(note="DBA"), MARK, LOOK, START, row_columns(100, 11, 14)).text
    assert "Running -> Failure  note: DBA" in short


@pytest.mark.parametrize("name_cells", [14, 40])
def test_what_failed_in_a_run_that_goes_on_is_never_left_out(name_cells: int) -> None:
    one = with_outlook(row(7, "Running", started_time=ms(ago(minutes=42)), note="called them"))
    for width in (45, 60, 80, 160):
        columns = row_columns(width, 11, name_cells)
        spans = list_line(one, MARK, LOOK, START, columns).spans
        assert "1 failed" in " ".join(text for text, role in spans if role is Role.FAILURE)
    for width in (30, 36, 60):
        assert "1 failed" in sidebar_lines(one, MARK, LOOK, START, width)[1].text
    helpful = helpful_commands(
        one, (), unseen=0, total=1, in_detail=False, is_closable=False, has_panes=False
    )
    assert next(iter(helpful)) == "task-log"


async def test_s_goes_round_the_orders_and_keeps_the_last(tmp_path: Path) -> None:
    async with running(mixed(), state_dir=tmp_path) as rig:
        orders = []
        for name in (*SORTS[1:], SORTS[0]):
            await rig.press("s")
            orders.append(tuple(shown(rig)))
            heading = rig.text.splitlines()[2]
            assert (f"by {name}" in heading) == (name != SORTS[0])
            assert "LAST CHANGE" in heading
        assert len(set(orders)) == len(SORTS)
        assert orders[SORTS.index("ID") - 1] == tuple(sorted(shown(rig)))
        await rig.press("s", "s")
        assert "by duration" in rig.text
        kept = tuple(shown(rig))
        # What has no duration comes last.
        known = len([each for each in mixed_rows() if each.instance.run_seconds(START) is not None])
        assert all(each.instance.run_seconds(START) for each in [*rig.app.main.list.items][:known])
    async with running(mixed(), state_dir=tmp_path) as rig:
        assert tuple(shown(rig)) == kept


def test_by_last_change_what_was_not_seen_to_change_goes_by_when_it_did() -> None:
    rows = [
        row(1, "Success", finished_time=ms(ago(minutes=30))),
        row(2, "Running", last_change=change(2, "WaitTime", "Running", ago(minutes=20))),
        row(3, "Running", started_time=ms(ago(minutes=10))),
        row(4, "WaitTime", modify_time=ms(ago(minutes=5))),
        # It has gone on since the change that was seen.
        row(
            5,
            "Failure",
            finished_time=ms(ago(minutes=1)),
            last_change=change(5, "WaitTime", "Running", ago(hours=9)),
        ),
        Row(key(6), is_watched=True),
    ]

    assert [one.key.id for one in RowTable(rows, "last change")] == [5, 4, 3, 2, 1, 6]


async def test_the_cursor_stays_on_its_instance_in_any_order() -> None:
    async with running(mixed()) as rig:
        await rig.press("j", "j", "s")

        assert rig.app.main.list.chosen.key.id == TRADE  # type: ignore[union-attr]


def test_rows_of_one_name_are_told_apart_by_date_and_those_of_one_date_by_their_start() -> None:
    def run(number: int, days: int, hours: float, name: str = "dws_shop_uv_hh") -> Row:
        started = ms(START - timedelta(hours=hours))
        date = ms(datetime(2026, 9, 17, tzinfo=ZONE)) - days * 86_400_000
        return row(number, "Success", name=name, biz_date=date, started_time=started)

    first, second, third = run(1, 0, 1), run(2, 1, 25), run(3, 1, 2)
    rows = Rows([first, second, third, run(4, 0, 1, "other")])
    table = RowTable(rows)

    def apart() -> dict[int, str]:
        return {each.key.id: table.apart(each, ZONE, START) for each in table}

    assert apart() == {1: "biz 09-17", 2: "began 09-17", 3: "began 12:30", 4: ""}
    table.update(rows.updated({second.key: None}))
    assert apart() == {1: "biz 09-17", 3: "biz 09-16", 4: ""}
    for width, cells in ((80, 14), (80, 33), (64, 14), (47, 14)):
        columns = row_columns(width, 11, cells)
        shown = list_line(first, (" ", Role.DIM), LOOK, START, columns, apart="biz 09-17").text
        assert " biz 09-17" in shown
    below = sidebar_lines(first, (" ", Role.DIM), LOOK, START, 34, apart="biz 09-17")[1]
    assert below.text.split()[1:] == ["biz", "09-17", "14:30"]


@pytest.mark.parametrize(("name_cells", "is_told_apart"), [(22, False), (34, True)])
def test_what_an_unseen_row_was_comes_before_what_tells_it_from_others(
    name_cells: int, is_told_apart: bool
) -> None:
    news = change(1, "WaitTime", "Running", ago(minutes=1))
    one = row(1, "Running", name="dws_shop_uv_hh", is_unseen=True, last_change=news)
    columns = row_columns(80 if not is_told_apart else 90, 11, name_cells)
    mark, apart = (" ", Role.DIM), "began 13:20"
    shown = list_line(one, mark, LOOK, START, columns, apart=apart).text

    assert "was WaitTime" in shown
    assert ("dws_shop_uv_hh began 13:20" in shown) is is_told_apart
    below = sidebar_lines(one, mark, LOOK, START, 36, apart=apart)[1].text
    assert "WaitTime" in below


def test_rows_that_were_taken_off_leave_nothing_behind() -> None:
    def held() -> dict[str, int]:
        return {name: len(of) for name, of in vars(table).items() if isinstance(of, Sized)}

    table = RowTable([row(1, "Running", name="dwd_1")])
    before = held()
    for number in range(2, 50):
        both = (row(n, "Running", name=f"dwd_{n}", biz_date=ms(START)) for n in (1, number))
        table.update(Rows(both))
    table.update(Rows([row(1, "Running", name="dwd_1")]))

    assert held() == before
    assert [len(names) for names in table._dates.values()] == [1]


def test_red_says_that_something_failed_and_nothing_else_is_red() -> None:
    failed, changed = failed_row(), row(7, "Success", is_unseen=True)

    assert mark_of(failed, LOOK)[1] is Role.FAILURE
    assert mark_of(changed, LOOK)[1] is Role.STRONG
    table = RowTable([failed, changed])
    assert (table.unseen, table.unseen_failures) == (2, 1)
    table.update(Rows([failed._replace(is_unseen=False), changed]))
    assert (table.unseen, table.unseen_failures) == (1, 0)


def test_a_mark_hides_no_unseen_change() -> None:
    marked = "".join(text for text, _ in lead(failed_row(), MARKED, LOOK))
    seen = "".join(text for text, _ in lead(failed_row(is_unseen=False), MARKED, LOOK))

    assert marked.startswith("#✱ ✖ ")
    assert seen.startswith("#  ✖ ")


def test_several_rows_are_named_so_that_they_are_told_apart() -> None:
    def named(*names: str) -> str:
        found = (instance(n, name=name) if name else None for n, name in enumerate(names, 1))
        return whose([Row(key(n), instance=each) for n, each in enumerate(found, 1)])

    assert named("a") == "a 1"
    assert named("a", "b") == "2 instances (a, b)"
    assert named("a", "a") == "2 instances (a 1, a 2)"
    assert named("a", "") == "2 instances (a 1, 2)"
