"""An ID is read as it looks, wherever it comes from: the box, an argument, a file, another command."""

import subprocess
from pathlib import Path

import pytest
from journey import PATIENCE, SCRIPT, Home

from wfinspect.simulator import DEMO_IDS, Simulator

ID = DEMO_IDS[0]
SPLIT = f"{str(ID)[:7]}\u200b{str(ID)[7:]}"
GROUPED = f"{ID:,}".replace(",", "\u202f")


def paste(text: str) -> bytes:
    return b"\x1b[200~" + text.encode() + b"\x1b[201~"


@pytest.mark.parametrize("text", [GROUPED, f"\u5b9e\u4f8b\uff1a{SPLIT}\u00ad failed"])
def test_a_pasted_id_that_holds_what_cannot_be_seen_is_looked_up(home: Home, text: str) -> None:
    with home.start() as app:
        app.wait_for("type or paste")
        app.send(paste(text))
        app.wait_for(str(ID))
        app.press("enter")
        app.wait_for(r"ads_user_profile_daily")
        app.quit()


@pytest.mark.parametrize("text", [str(ID), f"workspace 9 instance {ID} failed"])
def test_an_id_pasted_while_a_log_is_read_is_looked_up_and_esc_leads_back(
    home: Home, text: str
) -> None:
    with home.start(DEMO_IDS[1]) as app:
        app.wait_for("dwd_trade_order_di")
        app.press("l")
        app.wait_for(r"log of \d+")
        app.send(paste(text))
        app.wait_for(f"{ID}[\\s\\S]*Esc leave")
        app.press("escape")
        app.wait_for(r"log of \d+")
        app.send(paste(text))
        app.wait_for("Esc leave")
        app.press("enter")
        app.wait_for(r"ads_user_profile_daily[\s\S]*Esc back")
        app.press("y")
        app.wait_for(f"{ID}: ")
        app.press("escape")
        app.wait_for(r"log of \d+")
        app.press("escape")
        app.wait_for("type or paste")
        app.quit()


@pytest.mark.parametrize(
    "size", [(80, 24), pytest.param((60, 20), marks=pytest.mark.battery), (160, 48)]
)
def test_the_id_of_a_known_task_leads_to_its_run(
    home: Home, simulator: Simulator, size: tuple[int, int]
) -> None:
    home.hurry()
    other = DEMO_IDS[1]
    simulator.set_status(ID, "Failure")
    simulator.set_status(other, "Success")
    with home.start(ID, other, size=size) as app:
        app.wait_for(r"\u2716 1[\s\S]*Failure ")
        app.press("s", "s", "s", "s", "g", "enter")
        app.wait_for("2 failed")
        app.press("escape", "G")
        app.send(paste(f"task {ID}009"))
        app.wait_for("Esc leave")
        app.press("enter")
        app.wait_for(rf"{ID}009 is its task\s+join_region_dim: t shows it\.")
        app.wait_for("\u2716 Failure  ads_user_profile_daily")
        app.press("y")
        app.wait_for(f"{ID}: ")
        app.press("escape")
        # Of the others those that were shown are known.
        app.press("t")
        app.wait_for("check_source_ready")
        app.press("escape", "G", *f"{ID}001", "enter")
        app.wait_for(rf"{ID}001 is its task\s+check_source_ready: t shows it\.")
        app.press("escape", "G")
        app.send(paste(f"{other} {ID}009 {ID}001"))
        app.wait_for("Esc leave")
        app.press("enter")
        app.wait_for(
            rf"{ID}009\s+is\s+the\s+task\s+join_region_dim\s+of\s+{ID},\s+{ID}001\s+is\s+the\s+task"
            rf"\s+check_source_ready\s+of\s+{ID}\."
        )
        assert not any(f"{ID}009" in str(call.parameters) for call in simulator.calls.latest)
        app.press(*f"{other}099", "enter")
        app.wait_for(r"not found[\s\S]*The service has no")
        app.quit()


@pytest.mark.parametrize("text", [GROUPED, f"\ufeff{ID}"])
def test_an_argument_is_read_as_the_box_reads_it(home: Home, text: str) -> None:
    done = home.run("get", text, "--field", "Id")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{ID}\n", "")


def watched(
    home: Home, arguments: list[str], data: bytes | None = None
) -> tuple[int, set[int], str]:
    """Watch until all are done; the code, the IDs of the lines printed, what was said of the file."""
    done = subprocess.run(
        [SCRIPT, "watch", *arguments, "--timeout", "20"],
        env={"HOME": str(home.path), "TZ": "UTC", **home.environ},
        cwd=home.path,
        input=data or b"",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    ids = {int(line.split()[2]) for line in done.stdout.decode().splitlines()}
    return done.returncode, ids, done.stderr.decode()


def test_a_file_of_ids_is_read_whatever_wrote_it(home: Home, simulator: Simulator) -> None:
    """The encodings and forms of files are in tests/test_parsing.py."""
    for number in DEMO_IDS[:2]:
        simulator.set_status(number, "Success")
    data = f"{SPLIT}\r\n{DEMO_IDS[1]}\r\n\x1a".encode("utf-16")
    (home.path / "nightly.txt").write_bytes(data)

    for arguments, given, source in (
        (["--file", "nightly.txt"], None, "nightly.txt"),
        (["--file", "-"], data, "standard input"),
    ):
        code, ids, err = watched(home, arguments, given)

        assert (code, ids) == (0, set(DEMO_IDS[:2]))
        assert f"{source}: 2 IDs." in err


def test_what_our_own_commands_print_can_be_watched(home: Home, simulator: Simulator) -> None:
    """Each form that they print is in tests/commands/test_output.py."""
    for number in simulator.ids:
        simulator.set_status(number, "Success")
    three = set(DEMO_IDS[:3])
    (home.path / "nightly.csv").write_text(home.run("get", *three, "-o", "csv").stdout, "utf-8")
    code, ids, err = watched(home, ["--file", "nightly.csv"])
    assert (code, ids) == (0, three)
    assert "nightly.csv: 3 IDs from column Id." in err

    fields = dict(line.split(None, 1) for line in home.run("get", ID).stdout.splitlines()[:12])
    place = ["--project", fields["ProjectId"], "--bizdate", fields["BizDate"].split()[0]]
    printed = home.run("find", *place).stdout
    found = {int(line.split()[0]) for line in printed.splitlines()[1:]}
    assert len(found) > 3
    assert watched(home, ["--file", "-"], printed.encode())[:2] == (0, found)

    home.run("list", "add", *three)
    home.run("list", "note", ID, "as 10432980001")
    for words in ("status", "list"):
        assert watched(home, ["--file", "-"], home.run(words).stdout.encode())[:2] == (0, three)
    one, two = (home.write(f"{number}.txt", f"{number}\n") for number in DEMO_IDS[:2])
    code, ids, err = watched(home, ["--file", str(one), "--file", str(two), "--file", str(one)])
    assert (code, ids) == (0, set(DEMO_IDS[:2]))
    assert all(f"{each}: 1 ID." in err for each in (one, two))
    table = home.write("l.txt", home.run("list").stdout)
    home.run("list", "remove", *three)
    assert home.run("list", "import", table).stderr.count("3 added: ") == 1


def test_an_export_of_the_list_can_be_watched(home: Home, simulator: Simulator) -> None:
    for number in DEMO_IDS[:2]:
        simulator.set_status(number, "Success")
    with home.start(*DEMO_IDS[:2], size=(100, 30)) as app:
        app.wait_for(r"\u2714 2 ")
        app.press("e")
        app.wait_for("CSV to a file")
        app.press(*"csv to a file", "enter")
        app.wait_for("Written to")
        app.quit()
    [export] = home.path.glob("wfinspect-*.csv")
    assert Path(export).read_bytes().startswith(b"Id,Name,")

    code, ids, err = watched(home, ["--file", export.name])

    assert (code, bool(ids), "from column Id." in err) == (0, True, True)
    assert ids <= set(DEMO_IDS[:2])
