import asyncio
import re
import sys
from pathlib import Path

import pytest
from bombs import BOMBS, met
from raw_server import raw_server

MOST = {"": 40.0}
"""MiB that an answer may cost, by what is said of it: a sound one is held in several forms."""
TWICE = 18.0
"""MiB for one that can't be used: 8 MiB and a copy."""
LONGEST = {"announcements without end": 1_000.0}
"""Milliseconds for which an answer may block all else: httpcore takes in these without a pause."""
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
    program = str(Path(__file__).parent / "bombs.py")
    async with raw_server(make()) as seen:
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, str(seen.port), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    grown, blocked, said = out.decode().rstrip("\n").split(" ", 2)

    assert re.search(says, said)
    assert float(grown) <= MOST.get(says, TWICE)
    assert float(blocked) <= LONGEST.get(name, LONG)
