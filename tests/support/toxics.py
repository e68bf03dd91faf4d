"""Faults of the network as servers on loopback that make them, byte by byte."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import Callable

from raw_server import Handle, Seen, http_answer, read_request, reset

from wfinspect.dataworks.transport import MAX_BODY
from wfinspect.model import InstanceId

ID = InstanceId(10432987165)
GOOD = {"RequestId": "R", "WorkflowInstance": {"Id": ID, "Status": "Running"}}


def sending(data: bytes, end: Callable[[asyncio.StreamWriter], None] | None = None) -> Handle:
    """Read one request, send these bytes and end the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(data)
        await writer.drain()
        if end is not None:
            end(writer)

    return handle


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce an answer for ever, at a pace that leaves others some CPU."""
    await read_request(reader)
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 20)
        await writer.drain()
        await asyncio.sleep(0.05)


async def reset_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


def dripping(data: bytes, seconds: float = 0.02) -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), seconds)

    return handle


async def endless_continue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 20)
        await writer.drain()


BODY = json.dumps(GOOD).encode()
WHOLE = http_answer(BODY)
SHORT = {"seconds": 0.2}
TOTAL = {"deadline": 0.3}

TRANSIENT: dict[str, tuple[Handle, str, dict[str, float]]] = {
    "closed before an answer": (sending(b""), "connection lost", {}),
    "reset at accept": (reset_at_once, "connection lost", {}),
    "reset before an answer": (sending(b"", reset), "connection lost", {}),
    "reset within the body": (sending(WHOLE[:-20], reset), "connection lost", {}),
    "part of a status line": (sending(b"HTTP/1.1 20"), "connection lost", {}),
    "shorter than its length": (sending(WHOLE[:-20]), "connection lost", {}),
    "chunks without an end": (
        sending(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Req\r\n'),
        "connection lost",
        {},
    ),
    "never answers": (hang, "timeout", SHORT),
    "headers byte by byte": (dripping(WHOLE), "timeout", TOTAL),
    "body byte by byte": (dripping(WHOLE), "timeout", TOTAL),
}  # fmt: skip


def gzipped(data: bytes) -> bytes:
    return http_answer(gzip.compress(data), headers={"Content-Encoding": "gzip"})


HEAD = b"HTTP/1.1 200 OK\r\n"
BAD: dict[str, tuple[bytes, str]] = {
    "cut short without a length": (HEAD + b"\r\n" + BODY[:-9], "can't be read"),
    "cut gzip without a length": (
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(BODY)[:-12],
        "unpacked",
    ),
    "bad gzip": (http_answer(b"no gzip", headers={"Content-Encoding": "gzip"}), "unpacked"),
    "unknown packing": (http_answer(BODY, headers={"Content-Encoding": "br"}), "unknown way"),
    "garbage": (b"\x00\x01\x02garbage\r\n\r\n", "is not HTTP"),
    "another protocol's greeting": (b"SSH-2.0-OpenSSH_9.6\r\n", "is not HTTP"),
    "HTTP/0.9": (b"<html>hello</html>\r\n\r\n", "is not HTTP"),
    "100 Continue for ever": (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, "is not HTTP"),
    "two lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "is not HTTP"),
    "negative length": (HEAD + b"Content-Length: -3\r\n\r\nabc", "is not HTTP"),
    "200 KB of headers": (HEAD + b"X: " + b"x" * 200_000 + b"\r\n\r\n", "is not HTTP"),
    "login page": (http_answer(b"<html>log in</html>"), "login page"),
    "nothing": (HEAD.replace(b"200 OK", b"204 No Content") + b"\r\n", "HTTP status 204"),
    "redirect": (
        http_answer(b"", "302 Found", {"Location": "http://127.0.0.1:1/login"}),
        "redirect to http://127.0.0.1:1/login",
    ),
    "status 999": (http_answer(b"", "999 \x1b[2J"), "HTTP status 999"),
    "too large": (http_answer(b" " * (MAX_BODY + 1)), "larger than 8 MiB"),
    "unpacked too large": (gzipped(b" " * (MAX_BODY + 1)), "larger than 8 MiB"),
}  # fmt: skip


def proxying(status: str, seen: Seen) -> Handle:
    """Answer a CONNECT; after a 200 pass bytes on both ways."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _, _ = await read_request(reader, seen)
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        await writer.drain()
        if not status.startswith("200"):
            return
        host, _, port = line.split()[1].rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(pass_on(reader, there_writer), pass_on(there_reader, writer))
        finally:
            there_writer.close()

    return handle


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


def saying(status: str, *headers: str) -> Handle:
    """Answer a CONNECT, or anything else that begins like HTTP."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return sending(f"HTTP/1.1 {status}\r\n{lines}Content-Length: 0\r\n\r\n".encode())
