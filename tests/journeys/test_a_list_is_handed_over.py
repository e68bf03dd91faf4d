"""A list, its notes and what is followed move to another user's machine, and other tools read them."""

import json
from pathlib import Path

import pytest
from journey import Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

ONE, TWO = DEMO_IDS[:2]


@pytest.fixture
def colleague(home: Home, tmp_path: Path) -> Home:
    """Another user, with keys for the same service."""
    (tmp_path / "colleague").mkdir()
    return Home(tmp_path / "colleague", home.environ)


def test_rows_notes_and_follows_are_handed_over(
    home: Home, colleague: Home, simulator: Simulator
) -> None:
    record = simulator.population.record(ONE, SystemClock().now())
    assert record is not None
    words = ("--project", record["ProjectId"], "--workflow", record["WorkflowId"])
    assert home.run("follow", *words, "--by", "07:30").returncode == 0
    assert home.run("list", "add", ONE, TWO).returncode == 0
    assert home.run("list", "note", ONE, "rerun by Li,", "wait").returncode == 0
    exported = colleague.write("list.json", home.run("list", "export").stdout)
    assert colleague.run("list", "add", TWO).returncode == 0

    done = colleague.run("list", "import", exported)

    followed = f"workspace={words[1]} workflow={words[3]}"
    assert done.stderr == (
        f"wfinspect: 1 added: {ONE}. 1 already on the list: {TWO}. 1 follow added: {followed}.\n"
    )
    assert "rerun by Li, wait" in colleague.run("list").stdout
    assert "07:30" in colleague.run("follow", "list").stdout
    assert simulator.calls.count() == 1  # what follow checks


def test_what_is_on_the_list_stays_as_it_is_when_it_is_added_again(
    home: Home, simulator: Simulator
) -> None:
    record = simulator.population.record(ONE, SystemClock().now())
    assert record is not None
    home.run("follow", "--project", record["ProjectId"], "--workflow", record["WorkflowId"])
    rows = json.loads(home.run("list", "export").stdout)
    follow = rows[0] | {"kind": "row", "id": ONE, "follow": rows[0]["number"], "note": "Li"}
    home.run("list", "import", home.write("list.json", json.dumps([*rows, follow])))
    before = home.run("list", "export").stdout
    assert json.loads(before)[0]["follow"] == rows[0]["number"]

    added = home.run("list", "add", ONE)
    imported = home.run("list", "import", home.write("ids.csv", f"Id,Name\n{ONE},x\n"))

    assert home.run("list", "export").stdout == before
    already = f"1 already on the list: {ONE}. `wfinspect status {ONE}` reads it now."
    assert added.stderr == f"wfinspect: 0 added. {already}\n"
    assert "ids.csv: 1 ID from column Id" in imported.stderr


def test_a_dashboard_reads_what_is_stored(home: Home, simulator: Simulator) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    simulator.set_status(ONE, "Failure")
    simulator.set_status(TWO, "Running")
    home.run("list", "add", ONE, TWO)
    home.run("list", "note", ONE, "rerun by Li")

    rows = {row["id"]: row for row in json.loads(home.run("status", "-o", "json").stdout)}

    assert {row["version"] for row in rows.values()} == {1}
    assert [rows[ONE][key] for key in ("status", "live", "note")] == [
        "Failure",
        True,
        "rerun by Li",
    ]
    with home.start() as app:
        app.wait_for("Running")
        app.wait_for("Failure")
        app.quit()
    calls = simulator.calls.count()
    printed = home.run("status", "-o", "prometheus")
    assert (printed.returncode, printed.stderr, simulator.calls.count()) == (0, "", calls)
    samples = {
        (sample.name, sample.labels.get("family")): sample.value
        for family in text_string_to_metric_families(printed.stdout)
        for sample in family.samples
    }
    assert samples["wfinspect_instances", "failure"] == 1
    assert samples["wfinspect_instances", "active"] == 1
    assert samples["wfinspect_instances", "waiting"] == 0
    assert samples["wfinspect_calls_today", None] == calls
    assert samples["wfinspect_last_read_timestamp_seconds", None] > 0
