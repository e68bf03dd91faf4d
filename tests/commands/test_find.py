import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import instance
from run import Run

from wfinspect.commands import find
from wfinspect.dataworks.client import DataWorksClient
from wfinspect.errors import Refused, ServiceError
from wfinspect.model import Page, Query, WorkflowInstance, pack
from wfinspect.simulator import DEMO_IDS, Simulator

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def run(simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    places = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_STATE_HOME": str(tmp_path / "s")}
    return Run(simulator.environment() | places | {"HOME": str(tmp_path)}, capsys)


@pytest.fixture
def place(run: Run) -> list[str]:
    """The workspace and business date of an instance that is there."""
    run("get", str(DEMO_IDS[0]), "-o", "json")
    known = json.loads(run.out)
    date = datetime.fromtimestamp(known["BizDate"] / 1000, CHINA).date()
    return ["--project", str(known["ProjectId"]), "--bizdate", f"{date:%Y%m%d}"]


def found(run: Run, *arguments: str) -> list[dict[str, object]]:
    assert run("find", *arguments, "-o", "json") == 0, run.err
    objects = json.loads(run.out)
    assert isinstance(objects, list)
    return objects


def test_the_instances_of_a_day_are_a_line_each_newest_first(run: Run, place: list[str]) -> None:
    assert run("find", *place) == 0

    heading, *lines = run.out.splitlines()
    ids = [int(line.split()[0]) for line in lines]
    assert heading.split()[:3] == ["ID", "STATUS", "NAME"]
    assert DEMO_IDS[0] in ids
    assert ids == sorted(ids, reverse=True)
    assert run.err == ""


def test_every_filter_narrows_the_search(run: Run, place: list[str]) -> None:
    everything = found(run, *place)
    known = next(one for one in everything if one["Tags"])
    tag = known["Tags"][0]  # type: ignore[index]
    filters = {
        "--name": str(known["Name"])[2:],
        "--status": str(known["Status"]).lower(),
        "--type": str(known["Type"]),
        "--owner": str(known["Owner"]),
        "--tag": f"{tag['Key']}:{tag['Value']}",
        "--workflow": str(known["WorkflowId"]),
        "--env": str(known["EnvType"]),
    }
    ids = {one["Id"] for one in everything}

    for option, value in filters.items():
        narrowed = {one["Id"] for one in found(run, *place, option, value)}
        assert known["Id"] in narrowed, option
        assert narrowed <= ids, option
    all_filters = [word for pair in filters.items() for word in pair]
    assert known["Id"] in [one["Id"] for one in found(run, *place, *all_filters)]
    assert len(found(run, *place, *all_filters)) < len(everything)


def test_csv_has_its_heading_also_where_nothing_is_found(run: Run, place: list[str]) -> None:
    assert run("find", *place, "--name", "no such name", "-o", "csv") == 0

    assert next(csv.reader(io.StringIO(run.out)))[0] == "Id"
    assert len(run.out.splitlines()) == 1


def test_nothing_found_is_said_and_no_error(run: Run, place: list[str]) -> None:
    assert found(run, *place, "--name", "no such name") == []
    assert run("find", *place, "--name", "no such name") == 0
    assert run.out == ""
    assert "no instance matches name=no such name." in run.err
    assert "date of the day before" not in run.err

    assert run("find", *place[:2], "--date", "2001-01-01") == 0
    assert (
        "business date 2001-01-01, no instance is kept: the service keeps them for about" in run.err
    )
    assert run("find", *place[:2], "--date", "2999-01-01") == 0
    assert "the date is in the future" in run.err
    assert run("find", *place[:2], "--date", "today", "--name", "x", "failed") == 0
    assert "did you mean status=Failure?" in run.err
    assert run("find", *place, "--name", "ads*") == 0
    assert run.err.endswith(
        "matches name=ads*. A word is a part of a name or ID: did you mean name=ads?\n"
    )
    assert run("find", *place, "!success", "!ads") == 0
    assert "Success" in run.out
    assert "or ID: did you mean !status=Success?\n" in run.err
    assert run("find", *place, "!ads") == 0
    assert run.err == ""


def test_the_words_of_the_search_are_those_of_the_app(run: Run, place: list[str]) -> None:
    by_options = found(run, *place, "--status", "failure", "--name", "ads")
    words = f"workspace={place[1]} date={place[3]} status=fail ads".split()

    assert found(run, *words) == by_options
    assert found(run, *place, *words) == by_options
    assert [one["Id"] for one in found(run, *place, str(DEMO_IDS[0])[2:])] == [DEMO_IDS[0]]
    assert found(run, *words[:2], *place[:2], words[2], "--name=ads") == by_options
    both = found(run, *place, "--status", "success,running")
    assert found(run, *place, "status=success,running") == both
    assert {one["Status"] for one in both} == {"Success", "Running"}
    assert run("find", *place, "--status", "Failure", "status=running") == 2
    assert "for any of them: status=Failure,running." in run.err
    owner = str(both[0]["Owner"])
    assert found(run, *place, f"owner={owner[:6]}") == found(run, *place, "--owner", owner)
    others = found(run, *place, "!status=fail")
    assert len(others) + len(found(run, *place, "--status", "failure")) == len(found(run, *place))
    for twice in ("workspace=7", "date=-3d"):
        assert run("find", *place, twice) == 2
        assert "given twice" in run.err
    assert run("find", "!ads", "--project", "1") == 2
    assert (
        "add a business date: --bizdate yesterday, as in wfinspect find --project 88123 " in run.err
    )


def test_a_filter_is_given_once(run: Run, place: list[str]) -> None:
    assert run("find", *place, "--status", "Running", "--status", "Failure") == 2
    assert run.err.startswith("wfinspect: --status is given twice: Running and Failure.")
    assert run("find", *place, "--workspace", "1") == 2
    assert run.err.startswith("wfinspect: --project is given twice: ")


def test_a_tag_is_written_as_it_is_printed(run: Run, place: list[str]) -> None:
    [tag, *_] = next(one["Tags"] for one in found(run, *place) if one["Tags"])  # type: ignore[misc]
    by_colon = found(run, *place, "--tag", f"{tag['Key']}:{tag['Value']}")
    assert found(run, *place, "--tag", f"{tag['Key']}={tag['Value']}") == by_colon != []


def test_a_key_alone_means_any_value_of_the_tag(
    run: Run, place: list[str], simulator: Simulator
) -> None:
    def keys(one: dict[str, object]) -> set[str]:
        return {tag["Key"] for tag in one["Tags"]}  # type: ignore[attr-defined]

    everything = found(run, *place)
    of_key = [one for one in everything if "team" in keys(one)]

    assert found(run, *place, "--tag", "team") == of_key != []
    assert found(run, *place, "tag=team") == of_key
    # The service knows no key alone, and of several tags one is enough.
    either = [one for one in everything if keys(one) & {"team", "sla"}]
    [sla, *_] = (t["Value"] for one in everything for t in one["Tags"] if t["Key"] == "sla")  # type: ignore[attr-defined]
    mixed = found(run, *place, "--tag", "team", "--tag", f"sla:{sla}")
    assert of_key != mixed
    assert [one for one in either if one in mixed] == mixed
    assert "Tags" not in simulator.calls.latest[-1].parameters


class Pages:
    """Pages of a long answer in place of the service's; a page may be an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *pages: list[int] | ServiceError) -> None:
        self.pages = pages
        self.asked: list[int] = []

        async def find(_: object, __: Query, *, page: int = 1) -> Page[WorkflowInstance]:
            self.asked.append(page)
            ids = pages[page - 1]
            if isinstance(ids, ServiceError):
                raise ids
            items = tuple(instance(n, packed=pack(f'{{"Id":{n}}}')) for n in ids)
            return Page(items, page, None, is_last=page == len(pages))

        monkeypatch.setattr(DataWorksClient, "find_workflow_instances", find)


def test_pages_are_read_to_the_last_and_nothing_is_printed_twice(
    run: Run, place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(monkeypatch, [5, 4], [4, 3], [2])

    assert [one["Id"] for one in found(run, *place)] == [5, 4, 3, 2]
    assert pages.asked == [1, 2, 3]


def test_a_service_that_repeats_its_page_ends_the_search(
    run: Run, place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(monkeypatch, [5, 4], [5, 4], [5, 4])

    assert [one["Id"] for one in found(run, *place)] == [5, 4]
    assert pages.asked == [1, 2]


def test_a_thousand_instances_are_printed_at_most(
    run: Run, place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(monkeypatch, *([*range(n * 100 + 1, n * 100 + 101)] for n in range(12)))

    assert len(found(run, *place)) == 1_000
    assert pages.asked == list(range(1, 11))
    assert "Only the first 1,000 are read" in run.err


def test_what_is_beyond_the_limit_is_said(
    run: Run, place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    total = len(found(run, *place))
    monkeypatch.setattr(find, "MAX_FOUND", 2)

    assert len(found(run, *place)) == 2
    assert f"Only the first 2 of {total} are read" in run.err


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_a_refusal_is_an_error_and_not_an_empty_answer(
    run: Run, place: list[str], simulator: Simulator, output: str
) -> None:
    simulator.faults.add("NoPermission", action="ListWorkflowInstances")

    assert run("find", *place, "-o", output) == 4
    assert run.out == ""
    assert "NoPermission" in run.err


def test_what_was_read_before_a_page_failed_is_printed(
    run: Run, place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Pages(monkeypatch, [5, 4], Refused("Not for you."))

    assert run("find", *place, "-o", "json") == 4
    assert [one["Id"] for one in json.loads(run.out)] == [5, 4]
    assert run.err == "wfinspect: Not for you.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bizdate", "17.09.2026"], "'17.09.2026' is not a date"),
        (["--project", "x"], "'x' is not an ID"),
        (["--status", "Done"], "'Done' is none of Failure"),
        (["--date", "-1w"], "'-1w' is not a date"),
        (["--workspace=x"], "'x' is not an ID"),
        (["--tag", ":x"], "':x' is not a tag: write it as key or key:value."),
        (["--owner", "bob"], "'bob' is not an account ID: use digits only"),
    ],
)
def test_a_filter_that_can_not_be_used_is_named(run: Run, arguments: list[str], said: str) -> None:
    assert run("find", *arguments) == 2
    arguments = arguments[0].split("=")
    assert run.err.startswith(f"wfinspect: {arguments[0]}: {said}")
    assert run.err.count("\n") == 1


def test_a_business_date_is_midnight_where_the_region_schedules(
    run: Run, simulator: Simulator
) -> None:
    run("find", "--project", "88123", "--bizdate", "2026-09-17", "--region", "us-west-1")

    sent = int(simulator.calls.latest[-1].parameters["BizDate"])
    assert datetime.fromtimestamp(sent / 1000, UTC) == datetime(2026, 9, 17, 7, tzinfo=UTC)


def test_workspace_and_date_are_other_names_and_a_date_may_be_a_word(
    run: Run, simulator: Simulator
) -> None:
    sent = []
    for day in ("yesterday", "-1d", f"{datetime.now(CHINA).date() - timedelta(days=1)}"):
        run("find", "--workspace", "88123", f"--date={day}")
        sent.append(simulator.calls.latest[-1].parameters["BizDate"])

    assert len(set(sent)) == 1
