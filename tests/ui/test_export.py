"""What leaves the app: fields and files."""

import csv
import json
import resource
import stat
from pathlib import Path

import pytest
from fakes import key
from rig import ZONE, copied, running
from scenes import FAILED, failed_row, mixed, row
from task_scenes import task
from values import replace

from wfinspect.errors import ServiceTrouble
from wfinspect.model import Page, Target, Unreadable, pack
from wfinspect.report import Incident
from wfinspect.ui.files import as_text, fields, save_new
from wfinspect.watching.api import IncidentOf, Row

OTHER = Target("dev", "us-west-1", "dataworks.us-west-1.aliyuncs.com")


def test_every_field_is_offered_whole() -> None:
    long = replace(failed_row(), instance=replace(failed_row().instance, name="x" * 5000))  # type: ignore[type-var]
    found = dict(fields(long, ZONE))

    assert found["Name"] == "x" * 5000
    assert found["ID"] == str(FAILED)
    assert found["Business date"] == "2026-09-17"
    assert found["Started"] == "2026-09-18 13:46:48"
    assert found["  region_list"] == '["cn", "sg", "us"]'
    assert found["  sla"] == "p1"
    assert found["Tags"] == "team:growth, sla:p1, cost:ads"
    assert found["Parameters"].startswith('{"bizdate"')
    assert "Finished" not in dict(fields(row(1, "Running"), ZONE))


def test_a_field_that_cannot_be_read_is_offered_as_it_came() -> None:
    odd = Unreadable("tags", '{"Tag": []}'), Unreadable("started_time", '"2026-11-21"')
    one = replace(failed_row(), instance=replace(failed_row().instance, unreadable=odd, tags=()))  # type: ignore[type-var]
    found = dict(fields(one, ZONE))

    assert (found["Tags"], found["Started"]) == ('{"Tag": []}', '"2026-11-21"')


def test_an_instance_without_a_reading_has_its_id() -> None:
    assert fields(Row(key(7)), ZONE) == (("ID", "7"),)


def test_a_list_of_two_regions_is_one_table_with_dates_of_each_zone() -> None:
    far = replace(row(2, "Running"), key=replace(key(2), target=OTHER))
    rows = (row(1, "Success", name="a,b"), far, Row(key(3)))

    table = list(csv.DictReader(as_text("CSV", rows, ZONE).splitlines()))

    assert [line["Id"] for line in table] == ["1", "2"]
    assert [line["BizDate"] for line in table] == ["2026-09-17", "2026-09-16"]
    assert table[0]["Name"] == "a,b"
    assert "Note" not in table[0]


def test_a_table_has_notes_where_there_are_some() -> None:
    noted = replace(row(2, "Running"), note="=rerun, by Li")
    rows = (row(1, "Success"), Row(key(3), note="unread"), noted)

    table = list(csv.DictReader(as_text("CSV", rows, ZONE).splitlines()))

    assert [line["Note"] for line in table] == ["", "'=rerun, by Li"]


def test_json_is_the_service_s_own_object() -> None:
    one = row(1, "Running", packed=pack('{"Id":1}'))
    two = row(2, "Running", packed=pack('{"Id":2}'))

    assert json.loads(as_text("JSON", (one,), ZONE)) == {"Id": 1}
    assert json.loads(as_text("JSON", (one, two), ZONE)) == [{"Id": 1}, {"Id": 2}]


def test_a_file_is_private_and_never_overwrites(tmp_path: Path) -> None:
    places = (tmp_path / "missing", tmp_path)
    said = [save_new("text", "one", "csv", places) for _ in range(3)]
    paths = [tmp_path / name for name in ("one.csv", "one-2.csv", "one-3.csv")]

    assert said == [f"Written to {path}." for path in paths]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    assert paths[0].read_text() == "text\n"


def test_a_file_goes_elsewhere_where_the_directory_of_the_start_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "removed").mkdir()
    monkeypatch.chdir(tmp_path / "removed")
    places = (Path(), tmp_path)
    said = save_new("text", "one", "csv", places)
    assert said == f"Written to {tmp_path / 'removed' / 'one.csv'}."

    (tmp_path / "removed" / "one.csv").unlink()
    (tmp_path / "removed").rmdir()
    assert save_new("text", "one", "csv", places) == f"Written to {tmp_path / 'one.csv'}."


def test_of_a_file_that_does_not_fit_nothing_is_left(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        said = save_new("text" * 100, "one", "csv", [tmp_path])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (said, list(tmp_path.glob("one*"))) == ("Not written: File too large.", [])


def test_without_a_place_to_write_the_reason_is_given(tmp_path: Path) -> None:
    said = save_new("text", "one", "csv", [tmp_path / "missing"])

    assert said == "Not written: No such file or directory."


async def test_capital_y_copies_a_field_whole_and_names_it() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("Y", *"target_t")
        assert f"Copy a field of ads_user_profile_daily {FAILED}" in rig.text
        await rig.press("enter")

        assert copied(rig) == ["ads_user_profile_daily"]
        assert f"target_table of {FAILED}: Sent to the terminal's clipboard" in rig.text


async def test_e_exports_the_row_under_the_cursor_or_all_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(mixed()) as rig:
        await rig.press("g", "space", "e")
        assert f"Export ads_user_profile_daily {FAILED}" in rig.text
        await rig.press("escape", "escape")
        await rig.press("/", *"dwd", "enter", "e", *"all csv", "enter")
        # The same key for the same, whatever the row's state: others first need the report.
        for keys in (("G", "e", "escape"), ("g", "e")):
            await rig.press("escape", *keys[:2])
            assert 0 < rig.text.index(" report, Markdown to") < rig.text.index(" CSV to")
            await rig.press(*keys[2:])
        await rig.press("ctrl+n", "down", "ctrl+n", "ctrl+n", "ctrl+n", "ctrl+n", "ctrl+n")
        await rig.press("ctrl+p", "enter")
        names = sorted(path.name for path in tmp_path.glob("wfinspect*"))  # noqa: ASYNC240

        assert [name.rpartition("-")[0] for name in names] == [
            f"wfinspect-{FAILED}",
            "wfinspect-list",
        ]
        assert "Written to" in rig.text
    assert len((tmp_path / names[1]).read_text().splitlines()) == 3


@pytest.mark.parametrize("size", [(45, 12), (60, 24)])
async def test_where_an_export_goes_is_whole_in_a_narrow_screen(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("g", "e")
        assert "report, Markdown to a file" in rig.text
        assert "report, Markdown to the clipboard" in rig.text
        # What it costs stands below the list where there is room.
        assert ("at most 9 calls, +1 a failed task" in rig.text) is (size[1] == 24)


async def test_an_export_to_the_clipboard_and_one_that_fails_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    environ = {"HOME": str(gone)}
    async with running(mixed(), environ=environ, is_recorded=True) as rig:
        await rig.press("e", *"all csv clip", "enter")
        assert len(copied(rig)[0].splitlines()) == 10
        await rig.press("e", *"csv file", "enter")

        assert "Not written: No such file or directory." in rig.text


async def test_without_a_row_it_is_said_what_comes_first() -> None:
    async with running() as rig:
        await rig.press("e")
        assert "Look up an instance first: type its ID." in rig.text
    async with running(mixed()) as rig:
        await rig.press("/", *"zzz", "enter", "e")
        assert "No row matches: Esc clears the filter." in rig.text


async def test_a_report_of_marked_rows_is_one_document_once_all_have_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(mixed(), (100, 30)) as rig:
        await rig.press("space", "j", "space", "e", *"report, html to a f")
        assert "Export 2 instances (" in rig.text
        assert "   report, HTML to a file" in rig.text
        assert "at most 18 calls" in rig.text
        await rig.press("enter")
        requests = [request for request, _ in rig.control.questions]
        rig.control.answer(ServiceTrouble("It is down."))
        await rig.settle()
        assert not any(tmp_path.glob("wfinspect*"))  # noqa: ASYNC240
        rig.control.answer(Incident(requests[1].key, missing={"instance": "gone"}))
        await rig.settle()
        [path] = tmp_path.glob("wfinspect-list-report-*.html")  # noqa: ASYNC240

        assert [type(each) for each in requests] == [IncidentOf, IncidentOf]
        assert "It is down." in path.read_text()
        assert "Written to" in rig.text


async def test_a_command_about_tasks_that_are_not_known_reads_them_first() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("Y", *"rerun")
        assert "reads them first, 1 call" in rig.text
        await rig.press("enter")
        rig.control.answer(Page((task(5, "load", "Failure"), task(6, "ok", "Success")), 1, 2, True))
        await rig.settle()
        await rig.press("Y", *"set success", "enter")
        rig.control.answer(ServiceTrouble("It is down."))
        await rig.settle()

        [command] = copied(rig)
        assert command.startswith("aliyun dataworks-public RerunTaskInstances --Ids '[5]' --region")
        assert "Nothing was copied: It is down." in rig.text
