"""Whatever bytes a server sends instead of HTTP: an instance or one of our errors, and in time."""

import asyncio
from collections.abc import Iterator

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st
from raw_client import client_of
from raw_server import raw_server, read_request
from toxics import ID, WHOLE

from wfinspect.errors import ServiceError

DEADLINE = 30.0  # a machine that stands still for some seconds is no hang
PIECES = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 599 \x1b[2J\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
    b"Content-Encoding: gzip\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n",
    b"Date: yesterday\r\n", b"x-acs-retry-after: -5\r\n", b" folded\r\n", b": no name\r\n",
    b"\r\n", b"\n", b"0\r\n\r\n", b'5\r\n{"Id"\r\n', b"ffffffffffffffff\r\n", b"\x1f\x8b\x08",
    b"{}", b"\x00", b"\xff",
]  # fmt: skip
MADE_UP = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=12).map(b"".join)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good answer with a few places changed, cut out or doubled."""
    data = bytearray(WHOLE)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        put = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        data[at : at + draw(st.integers(0, 12))] = put
    return bytes(data)


class Talk:
    """A client and a server that answers its next request with the given bytes."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()

    def said(self, data: bytes) -> str:
        """What came of these bytes: an instance's ID or a sentence; "" where the time ran out."""
        return self._runner.run(self._said(data))

    async def _said(self, data: bytes) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(data)
            await writer.drain()

        async with (
            raw_server(handle) as seen,
            client_of(f"http://127.0.0.1:{seen.port}", deadline=DEADLINE) as client,
        ):
            try:
                return f"{(await client.get_workflow_instance(ID)).id}"
            except ServiceError as error:
                # The server is gone: nothing is left to wait for.
                return "" if error.cause == "timeout" else str(error)


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    made = Talk()
    yield made
    made.close()


@tried(60, 10_000)
@given(MADE_UP)
def test_any_bytes_are_one_of_our_errors(talk: Talk, data: bytes) -> None:
    said = talk.said(data)
    assert said
    assert said.isprintable()


@tried(60, 10_000)
@given(damaged())
def test_a_damaged_answer_is_an_instance_or_one_of_our_errors(talk: Talk, data: bytes) -> None:
    said = talk.said(data)
    assert said
    assert said.isprintable()
