"""What a command writes arrives whole, or it says that it could not; what it saves is safe to open."""

import csv
import fcntl
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from journey import PATIENCE, SCRIPT, Home

from wfinspect.clock import SystemClock
from wfinspect.simulator import DEMO_IDS, Simulator

PIPE_BYTES = 16_384


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=SystemClock(), extra=100) as running:
        yield running


def drip(home: Home, *arguments: object, stream: str) -> tuple[int, bytes, bytes]:
    """Run a command whose stream is a non-blocking pipe that is read late; code, stream, the other."""
    far, near = os.pipe()
    fcntl.fcntl(near, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(near, False)
    others: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: near}
    process = subprocess.Popen(
        [SCRIPT, *map(str, arguments)],
        env={"HOME": str(home.path), "TZ": "UTC", **home.environ},
        stdin=subprocess.DEVNULL,
        **others,  # type: ignore[call-overload]
    )
    os.close(near)
    other = process.stderr if stream == "stdout" else process.stdout
    assert other is not None
    rest: list[bytes] = []
    reader = threading.Thread(target=lambda: rest.append(other.read()))
    reader.start()
    wait_until_full(far, process)
    received = bytearray()
    while piece := os.read(far, 8_192):
        received += piece
    os.close(far)
    process.wait(PATIENCE)
    reader.join(PATIENCE)
    other.close()
    return process.returncode, bytes(received), rest[0]


def wait_until_full(far: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the moment at which the writer has to wait, too, or has given up."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        held = int.from_bytes(fcntl.ioctl(far, 0x541B, b"\0" * 4), "little")  # FIONREAD
        if held >= PIPE_BYTES - 4_096:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_hundred_instances_fit_through_a_pipe_that_does_not_block(
    home: Home, simulator: Simulator, form: str
) -> None:
    wanted = simulator.ids[:100]
    for number in wanted:
        simulator.population.set_fields(number, {"WorkflowParameters": "x=" + "y" * 2_000})

    code, out, err = drip(home, "get", *wanted, "-o", form, stream="stdout")

    assert (code, err) == (0, b"")
    assert len(out) > 8 * PIPE_BYTES
    text = out.decode()
    rows = json.loads(text) if form == "json" else csv.DictReader(text.splitlines())
    assert [int(row["Id"]) for row in rows] == list(wanted)


def test_so_do_many_sentences_on_standard_error(home: Home, simulator: Simulator) -> None:
    home.hurry()
    strangers = [10**15 + n for n in range(150)]
    missing = home.run("get", *strangers)
    assert all(str(number) in missing.stderr for number in strangers)
    assert missing.stderr.count("\n") == 1

    simulator.faults.add("InvalidParameter")
    code, err, out = drip(home, "get", *strangers, stream="stderr")

    assert (code, out) == (2, b"")
    assert len(err) > PIPE_BYTES
    # Each with the RequestId of its own call.
    assert len(set(err.decode().splitlines())) == len(strangers)


def in_shell(home: Home, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("wfinspect", str(SCRIPT), 1)],
        env={"HOME": str(home.path), "TZ": "UTC", **home.environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        f"get {DEMO_IDS[0]}",
        f"watch {DEMO_IDS[3]} --timeout 5",
        "completion bash",
        "simulate",
        "doctor",
        "--version",
    ],
)
def test_output_that_is_closed_is_an_error_not_a_success(home: Home, command: str) -> None:
    done = in_shell(home, f"wfinspect {command} >&-")

    assert done.returncode == 70
    assert "Standard output can't be written to (it is closed)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_saved_log_holds_nothing_that_acts_on_a_terminal(
    home: Home, simulator: Simulator
) -> None:
    simulator.set_status(DEMO_IDS[0], "Failure")
    with home.start(DEMO_IDS[0], size=(100, 30)) as app:
        app.wait_for("Failure")
        app.press("t")
        app.wait_for(r"TASK +STATUS")
        simulator.faults.is_hostile = True
        app.press("l")
        app.wait_for(r"line \d+ of \d+")
        app.press("s")
        app.wait_for("Written to")
        app.quit()
    [saved] = home.path.glob("wfinspect-task-*.log")
    text = saved.read_bytes().decode()

    assert "\u241b" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert len(text.splitlines()) > 10


NAMES = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\r=1": "'\u240d=1",
    "\uff1d1": "'\uff1d1",
    "plain-1, =2": "plain-1, =2",
    'two "lines"\n=1': 'two "lines"\n=1',
}


def test_csv_reads_back_whole_and_holds_no_formula(home: Home, simulator: Simulator) -> None:
    ids = simulator.ids[: len(NAMES)]
    for number, name in zip(ids, NAMES, strict=True):
        simulator.population.set_fields(number, {"Name": name, "Tags": [{"Key": name}]})

    printed = home.run("get", *ids, "-o", "csv")
    exact = home.run("get", *ids, "-o", "json")

    rows = list(csv.DictReader(printed.stdout.splitlines(keepends=True)))
    assert [row["Name"] for row in rows] == list(NAMES.values())
    assert [row["Id"] for row in rows] == [str(number) for number in ids]
    assert all(row["Tags"].startswith(row["Name"]) for row in rows)
    assert not {cell[:1] for row in rows for cell in row.values()} & set("=+-@\t\r\uff1d")
    assert [each["Name"] for each in json.loads(exact.stdout)] == list(NAMES)
