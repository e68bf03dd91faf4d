"""Several accounts on one watched list: headers that the cursor never rests on."""

from fakes import BINDING, START, key, ms
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rig import running
from scenes import FINANCE, accounts, ago, mixed, of_finance, row
from values import replace

from wfinspect.model import Target
from wfinspect.ui.rows import Place, RowGroups, RowTable, header_line, names_of
from wfinspect.watching.api import Contact, Health, Row, Snapshot

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
    lines = [groups.at(y, height) for y in range(len(rows) * height + groups.extra_lines)]

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
    assert RowGroups().extra_lines == 0


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
        assert rig.app.main.list.sort == "name"
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
