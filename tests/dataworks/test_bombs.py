import asyncio
import re
import resource
import sys
from pathlib import Path

import pytest
from bombs import BOMBS, met
from journey import SCRIPT
from raw_server import raw_server
from toxics import ID

MOST = {"": 40.0}
"""MiB that an answer may cost, by what is said of it: a sound one is held in several forms."""
TWICE = 18.0
"""MiB for one that can't be used: 8 MiB and a copy."""
LONGEST = {"announcements without end": 1_000.0}
"""Milliseconds for which an answer may block all else: httpcore takes in these without a pause."""
FLOODS = (
    "announcements without end",
    "chunks of a byte",
    "bytes without end",
    "a head byte by byte",
    "empty members of gzip",
)
CPU = 6.0
"""Seconds of CPU that a command may use, its start included; a flood used 40 once."""
LONG = 150.0
"""Milliseconds for any other."""


@pytest.mark.parametrize("name", BOMBS)
async def test_an_answer_made_to_hurt_is_a_sentence_or_a_reading(name: str) -> None:
    make, says = BOMBS[name]
    async with raw_server(make()) as seen:
        said = await met(seen.port, 0.5 if says == "timeout" else 20.0)

    assert re.search(says, said)
    assert bool(said) is bool(says)


@pytest.mark.battery
@pytest.mark.parametrize("name", BOMBS)
async def test_no_answer_costs_much_memory_or_time(name: str) -> None:
    make, says = BOMBS[name]
    program = str(Path(__file__).parents[1] / "support" / "bombs.py")
    async with raw_server(make()) as seen:
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, str(seen.port), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    grown, blocked, said = out.decode().rstrip("\n").split(" ", 2)

    assert re.search(says, said)
    assert float(grown) <= MOST.get(says, TWICE)
    assert float(blocked) <= LONGEST.get(name, LONG)


@pytest.mark.parametrize(
    "name",
    [
        *FLOODS[:2],
        *(pytest.param(name, marks=pytest.mark.battery) for name in FLOODS[2:]),
    ],
)
async def test_a_flood_ends_a_command_soon_and_costs_little(name: str, tmp_path: Path) -> None:
    make, says = BOMBS[name]
    environ = {
        "HOME": str(tmp_path),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
    }
    async with raw_server(make()) as seen:
        endpoint = f"http://127.0.0.1:{seen.port}"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = await asyncio.create_subprocess_exec(
            SCRIPT,
            "get",
            str(ID),
            "--endpoint",
            endpoint,
            env=environ,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(process.communicate(), 60.0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert process.returncode == 3
    assert re.search(says, said.decode())
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < CPU
