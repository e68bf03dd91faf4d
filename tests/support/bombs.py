"""Answers made to eat memory or time. As a program, a client that meets one: bombs.py PORT.

It prints by how many MiB it grew, for how many ms nothing else could run, and what came of it.
"""

import asyncio
import gzip
import itertools
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from raw_client import client_of
from raw_server import Handle, http_answer, raw_server, read_request
from toxics import HEAD, ID, WHOLE, endless_continue, sending

from wfinspect.dataworks.client import DEADLINE
from wfinspect.dataworks.transport import MAX_BODY
from wfinspect.errors import ServiceError

MEBIBYTE = 1_048_576
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = {"Content-Encoding": "gzip"}
FULL = MAX_BODY - 4096
"""Bytes that fit into an answer that is still decoded."""


def packed(mebibytes: int, layers: int = 1) -> bytes:
    """So much nothing, packed as often as told."""
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join(packer.compress(bytes(MEBIBYTE)) for _ in range(mebibytes)) + packer.flush()
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


def endless(start: bytes, again: bytes, *, is_pushed: bool = False) -> Handle:
    """The start of an answer, and then the same for ever; pushed, each time in a packet of its own."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(start)
        while True:
            writer.write(again)
            await writer.drain()
            if is_pushed:
                await asyncio.sleep(0.0001)

    return handle


def instance_with(fields: bytes) -> Handle:
    return sending(
        http_answer(b'{"WorkflowInstance":{"Id":%d,"Status":"Running",%s}}' % (ID, fields))
    )


def full_of(one: bytes) -> bytes:
    """As many parts as fit into an answer; ``%d`` in a part becomes its number."""
    count = FULL // (len(one) + 8)
    return b",".join(one % n if b"%d" in one else one for n in range(count))


BOMBS: dict[str, tuple[Callable[[], Handle], str]] = {
    "packed": (lambda: sending(http_answer(packed(64), headers=GZIP)), "larger than 8 MiB"),
    "packed twice": (lambda: sending(http_answer(packed(64, 2), headers=GZIP)), "can't be read"),
    "packed twice, and said so": (
        lambda: sending(http_answer(packed(9, 2), headers={"Content-Encoding": "gzip, gzip"})),
        "unknown way",
    ),
    "no end": (lambda: endless(HEAD + b"\r\n", b" " * 65_536), "larger than 8 MiB"),
    "chunks of a byte": (lambda: endless(CHUNKED, b"1\r\n \r\n" * 1_000), "tiny pieces"),
    "a chunk's length without end": (lambda: endless(CHUNKED, b"0" * 65_536), "is not HTTP"),
    "a header without end": (lambda: endless(HEAD + b"X: ", b"x" * 65_536), "is not HTTP"),
    "headers without end": (lambda: endless(HEAD, b"X: y\r\n" * 1_000), "is not HTTP"),
    "announcements without end": (lambda: endless_continue, "is not HTTP"),
    "bytes without end": (lambda: endless(HEAD + b"\r\n", b" ", is_pushed=True), "tiny pieces"),
    "a head byte by byte": (lambda: endless(HEAD, b"x", is_pushed=True), "is not HTTP"),
    "empty members of gzip": (
        lambda: sending(
            http_answer(gzip.compress(b"") * 200_000, headers={"Content-Encoding": "gzip"})
        ),
        "tiny pieces",
    ),
    "depth": (lambda: instance_with(b'"X":' + b"[" * (FULL // 2)), "nested too deeply"),
    "digits": (lambda: instance_with(b'"ProjectId":' + b"9" * FULL), ""),
    "keys": (lambda: instance_with(full_of(b'"K%d":0')), "far too many"),
    "tags": (lambda: instance_with(b'"Tags":[%s]' % full_of(b"{}")), "far too many"),
    "items": (
        lambda: sending(
            http_answer(b'{"PagingInfo":{"WorkflowInstances":[%s]}}' % full_of(b"{}"))
        ),
        "no WorkflowInstance",
    ),
    "a string": (lambda: instance_with(b'"Name":"%s"' % (b"n" * FULL)), ""),
    "a string of escapes": (lambda: instance_with(b'"Name":"%s"' % (rb"\u8a02" * (FULL // 6))), ""),
}  # fmt: skip
"""By name: the server, and what is said of its answer; "" where it is large and sound."""


async def met(port: int, deadline: float) -> str:
    """What a call that meets a bomb says."""
    async with client_of(f"http://127.0.0.1:{port}", deadline=deadline) as client:
        try:
            await client.get_workflow_instance(ID)
        except ServiceError as error:
            return f"{error.cause}: {error}"
    return ""


async def met_beating(port: int) -> tuple[float, str]:
    """For how many milliseconds the loop was blocked, and what a call within its usual time says."""
    async with Pulse() as pulse:
        said = await met(port, DEADLINE)
    return max(pulse.gaps), said


async def settle() -> None:
    """Make a call without harm, so that what is loaded for the first one is there."""
    async with raw_server(sending(WHOLE)) as seen:
        await met(seen.port, 5.0)


class Pulse:
    """How long a loop did nothing else at most; as a context, in which it runs."""

    BEAT = 0.002

    def __init__(self) -> None:
        self._beats: list[float] = []

    async def _beat(self) -> None:
        while True:
            self._beats.append(asyncio.get_running_loop().time())
            await asyncio.sleep(self.BEAT)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(self.BEAT)
        self._task.cancel()

    @property
    def gaps(self) -> list[float]:
        """Milliseconds that each beat came late."""
        pairs = itertools.pairwise(self._beats)
        return [max(0.0, after - before - self.BEAT) * 1000 for before, after in pairs]


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """The most memory this process has used since, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    asyncio.run(settle())
    forget_peak()
    before = peak()
    blocked, said = asyncio.run(met_beating(int(sys.argv[1])))
    print(f"{peak() - before:.1f} {blocked:.0f} {said}")  # noqa: T201
