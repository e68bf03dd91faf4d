from values import replace

from wfinspect.watching.api import Health, Notice, Snapshot
from wfinspect.watching.notifications import NoticeReader


def test_a_notice_is_given_once_however_many_snapshots_hold_it() -> None:
    one, two = Notice(1, "one"), Notice(2, "two")
    reader = NoticeReader()

    assert reader.new(Snapshot(notices=(one,))) == [one]
    assert reader.new(Snapshot(notices=(one,))) == []
    assert reader.new(Snapshot(notices=(one, two))) == [two]


def test_trouble_with_the_store_is_given_once_for_each_cause_until_it_is_over() -> None:
    well = Snapshot()
    full, locked = (
        replace(well, health=Health(contact=well.health.contact, store_trouble=cause))
        for cause in ("full", "locked")
    )
    reader = NoticeReader()
    given = [reader.new(each) for each in (full, full, locked, full, well, full)]

    assert [[notice.text for notice in each] for each in given] == [
        ["full"],
        [],
        ["locked"],
        [],
        [],
        ["full"],
    ]
