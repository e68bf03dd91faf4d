"""Faults of the network, each made by a real server on loopback that sends the bytes in question."""

import asyncio
import errno
import gzip
import logging
import random
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpcore
import httpx
import pytest
from bombs import Pulse
from fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from raw_client import KEYS, client_of, target_at
from raw_server import (
    Handle,
    Seen,
    answering,
    http_answer,
    make_certificate,
    raw_server,
    read_request,
    reset,
    server_context,
)
from toxics import (
    BAD,
    BODY,
    ID,
    TRANSIENT,
    WHOLE,
    dripping,
    flood,
    hang,
    proxying,
    reset_at_once,
    sending,
)

from wfinspect import __version__
from wfinspect.dataworks import transport
from wfinspect.dataworks.client import DEADLINE, DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.failures import contact_error
from wfinspect.dataworks.transport import (
    READ_ONLY,
    BlockingCall,
    Call,
    NamedBackend,
    Resolve,
    Transport,
    addresses_of,
    no_tls,
    open_http,
    proxy_for,
    tls_context,
)
from wfinspect.errors import (
    BadAnswer,
    ConfigError,
    NotFound,
    ServiceError,
    ServiceTrouble,
    Unreachable,
)
from wfinspect.model import InstanceId


@pytest.mark.parametrize("name", TRANSIENT)
async def test_a_network_fault_is_transient(name: str) -> None:
    handle, cause, limits = TRANSIENT[name]
    async with (
        raw_server(handle) as seen,
        client_of(f"http://127.0.0.1:{seen.port}", **limits) as client,
    ):  # type: ignore[arg-type]
        with pytest.raises(Unreachable) as caught:
            await client.get_workflow_instance(ID)

    assert (caught.value.cause, caught.value.is_permanent) == (cause, False)


CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 200


@pytest.mark.battery
async def test_no_call_outlasts_its_deadline_or_holds_up_another() -> None:
    async def seconds_of(handle: Handle) -> float:
        now = asyncio.get_running_loop().time
        async with (
            raw_server(handle) as seen,
            client_of(f"http://127.0.0.1:{seen.port}", deadline=DEADLINE) as client,
        ):
            before = now()
            with pytest.raises((Unreachable, BadAnswer)):
                await client.get_workflow_instance(ID)
            return now() - before

    drips = [dripping(WHOLE, 0.5), dripping(CHUNKS, 0.2), flood, hang]
    async with Pulse() as pulse:
        taken = await asyncio.gather(*(seconds_of(handle) for handle in drips * 3))

    assert max(taken) <= 20.5
    assert sorted(pulse.gaps)[len(pulse.gaps) * 99 // 100] <= 50.0


@pytest.mark.parametrize("name", BAD)
async def test_an_answer_that_is_not_the_services_is_a_bad_answer(name: str) -> None:
    data, says = BAD[name]
    async with (
        raw_server(sending(data)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        with pytest.raises(BadAnswer, match=says) as caught:
            await client.get_workflow_instance(ID)

    assert str(caught.value).isprintable()
    assert seen.connections == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_an_answer_packed_without_being_asked_to_is_unpacked(encoding: str) -> None:
    packed = gzip.compress(BODY) if encoding == "gzip" else zlib.compress(BODY)
    data = http_answer(packed, headers={"Content-Encoding": encoding})
    async with (
        raw_server(sending(data)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        assert (await client.get_workflow_instance(ID)).status == "Running"


MEMBERS = [BODY[:10], b"", BODY[10:11], BODY[11:]]


@pytest.mark.parametrize("padding", [b"", bytes(512)])
@pytest.mark.parametrize("size", [1, 7, 64, 4096])
async def test_an_answer_of_several_gzip_members_is_read_whole(size: int, padding: bytes) -> None:
    packed = b"".join(map(gzip.compress, MEMBERS)) + padding
    parts = (packed[at : at + size] for at in range(0, len(packed), size))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    data = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunks
        + b"0\r\n\r\n"
    )
    async with (
        raw_server(sending(data)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        assert (await client.get_workflow_instance(ID)).status == "Running"


async def test_a_member_that_is_cut_short_or_damaged_is_a_bad_answer() -> None:
    first, second = gzip.compress(BODY[:10]), gzip.compress(BODY[10:])
    for rest in (second[:-9], second[:-8] + b"\xff" * 8):
        data = http_answer(first + rest, headers={"Content-Encoding": "gzip"})
        async with (
            raw_server(sending(data)) as seen,
            client_of(f"http://127.0.0.1:{seen.port}") as client,
        ):
            with pytest.raises(BadAnswer, match="unpacked"):
                await client.get_workflow_instance(ID)


async def test_a_bomb_of_300_mib_takes_little_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(300)) + packer.flush()
    data = http_answer(bomb, headers={"Content-Encoding": "gzip"})
    async with (
        raw_server(sending(data)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(BadAnswer, match="larger"):
                await client.get_workflow_instance(ID)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 32 * 1024 * 1024


async def test_an_answer_in_tiny_pieces_leaves_others_their_turn() -> None:
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with (
        raw_server(sending(head + pieces + b"0\r\n\r\n")) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        call, turns = asyncio.create_task(client.get_workflow_instance(ID)), 0
        while not call.done():
            await asyncio.sleep(0)
            turns += 1

    assert (await call).id == ID
    assert turns > len(BODY)


async def test_bytes_after_an_answer_spoil_neither_it_nor_the_next() -> None:
    handle = sending(WHOLE + b"HTTP/1.1 200 OK\r\n\r\nsmuggled")
    async with raw_server(handle) as seen, client_of(f"http://127.0.0.1:{seen.port}") as client:
        for _ in range(2):
            assert (await client.get_workflow_instance(ID)).status == "Running"

    assert seen.connections == 2


async def test_a_server_that_is_not_there_refuses() -> None:
    async with raw_server(hang) as seen:
        pass
    async with client_of(f"http://127.0.0.1:{seen.port}") as client:
        with pytest.raises(Unreachable) as caught:
            await client.get_workflow_instance(ID)

    assert caught.value.cause == "connection refused"
    assert f"127.0.0.1:{seen.port}" in str(caught.value)


async def test_connections_are_reused() -> None:
    async with (
        raw_server(answering(WHOLE, WHOLE, WHOLE)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        for _ in range(3):
            await client.get_workflow_instance(ID)

    assert seen.connections == 1


async def test_no_cookie_is_kept() -> None:
    answers = [
        http_answer(BODY, headers={"Set-Cookie": f"acw_tc{n}={'x' * 99}; Path=/"}) for n in range(3)
    ]
    seen = Seen()
    async with (
        raw_server(answering(*answers, seen=seen), seen=seen),
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        for _ in range(3):
            await client.get_workflow_instance(ID)

    assert len(seen.requests) == 3
    assert not any("cookie" in headers for _, headers, _ in seen.requests)


def dying_on_reuse(seen: Seen, *, end: Callable[[asyncio.StreamWriter], None] | None) -> Handle:
    """Answer the first request of each connection, and end it when the second has come."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, seen)
        writer.write(WHOLE)
        await writer.drain()
        await read_request(reader, seen)
        if end is not None:
            end(writer)

    return handle


@pytest.mark.parametrize("end", [None, reset], ids=["closed", "reset"])
async def test_a_kept_connection_that_dies_when_used_again_is_not_noticed(
    end: Callable[[asyncio.StreamWriter], None] | None,
) -> None:
    seen, calls = Seen(), []
    async with (
        raw_server(dying_on_reuse(seen, end=end), seen=seen),
        client_of(f"http://127.0.0.1:{seen.port}", on_call=lambda: calls.append(1)) as client,
    ):
        await client.get_workflow_instance(ID)
        assert (await client.get_workflow_instance(ID)).status == "Running"

    assert (seen.connections, len(seen.requests), len(calls)) == (2, 3, 3)
    nonces = [headers["x-acs-signature-nonce"] for _, headers, _ in seen.requests]
    assert len(set(nonces)) == 3


@dataclass
class IdleClock:
    """The monotonic clock of kept connections, moved by hand."""

    at: int = 0

    def monotonic(self) -> float:
        return float(self.at)


def tiring(seen: Seen, idle: int, clock: IdleClock, kept: dict[asyncio.Task[None], int]) -> Handle:
    """Answer until a connection was idle for so long; `kept` has the time of the last answer of each.

    A request that comes in that very second finds it closed, as does one that comes later.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            while True:
                await read_request(reader, seen)
                if clock.at - kept.get(task, clock.at) >= idle:
                    return
                writer.write(WHOLE)
                await writer.drain()
                kept[task] = clock.at
        finally:
            kept.pop(task, None)

    return handle


@pytest.mark.parametrize(
    ("idle", "polls"),
    [(2, 4), (4, 4), *(pytest.param(n, 300, marks=pytest.mark.battery) for n in range(1, 11))],
)
async def test_however_long_a_server_keeps_connections_no_poll_fails(
    idle: int, polls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = IdleClock()
    monkeypatch.setattr("httpcore._async.http11.time", clock)
    for interval in range(1, 11):
        seen, kept = Seen(), dict[asyncio.Task[None], int]()
        async with (
            raw_server(tiring(seen, idle, clock, kept), seen=seen),
            client_of(f"http://127.0.0.1:{seen.port}") as client,
        ):
            for _ in range(polls):
                assert (await client.get_workflow_instance(ID)).id == ID
                clock.at += interval
                closed = [task for task, used in kept.items() if clock.at - used > idle]
                for task in closed:
                    task.cancel()
                if closed:
                    await asyncio.wait(closed)

        sent = len(seen.requests)
        assert len({headers["x-acs-signature-nonce"] for _, headers, _ in seen.requests}) == sent
        # Sent again is what came in the second of the server's end, on a connection still kept.
        may_repeat = interval == idle <= transport.KEEPALIVE
        assert sent == polls + (polls - 1 if may_repeat else 0)


async def test_a_fresh_connection_that_dies_is_not_tried_again() -> None:
    calls: list[int] = []
    async with (
        raw_server(sending(b"")) as seen,
        client_of(f"http://127.0.0.1:{seen.port}", on_call=lambda: calls.append(1)) as client,
    ):
        with pytest.raises(Unreachable):
            await client.get_workflow_instance(ID)

    assert (seen.connections, len(calls)) == (1, 1)


async def test_an_answer_cut_off_on_a_kept_connection_is_not_asked_for_again() -> None:
    seen = Seen()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for data in (WHOLE, WHOLE[:-9]):
            await read_request(reader, seen)
            writer.write(data)
            await writer.drain()

    async with raw_server(handle, seen=seen), client_of(f"http://127.0.0.1:{seen.port}") as client:
        await client.get_workflow_instance(ID)
        with pytest.raises(Unreachable):
            await client.get_workflow_instance(ID)

    assert len(seen.requests) == 2


async def test_a_call_that_reaches_no_server_is_not_counted() -> None:
    calls: list[int] = []
    async with raw_server(hang) as seen:
        pass
    async with client_of(
        f"http://127.0.0.1:{seen.port}", on_call=lambda: calls.append(1)
    ) as client:
        with pytest.raises(Unreachable):
            await client.get_workflow_instance(ID)

    assert calls == []


@pytest.mark.parametrize("calls", [120, pytest.param(2_000, marks=pytest.mark.battery)])
async def test_callers_that_are_cancelled_at_any_moment_leave_the_pool_whole(calls: int) -> None:
    rng = random.Random(1)
    async with (
        raw_server(answering(*[WHOLE] * 2_200)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}", seconds=60.0) as client,
    ):
        for turn in range(calls):
            call = asyncio.create_task(client.get_workflow_instance(ID))
            for _ in range(turn % 30):
                await asyncio.sleep(0)
            if turn % 2:
                await asyncio.wait([call], timeout=rng.uniform(0.0, 0.004))
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        for _ in range(25):
            assert (await client.get_workflow_instance(ID)).id == ID

    assert seen.connections <= 20


async def test_closing_ends_a_call_that_hangs() -> None:
    entered = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        entered.set()
        await reader.read()

    async with raw_server(handle) as seen, client_of(f"http://127.0.0.1:{seen.port}") as client:
        call = asyncio.create_task(client.get_workflow_instance(ID))
        await entered.wait()
        await client.aclose()

        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], BaseException)


async def test_a_stuck_pool_is_replaced_at_once() -> None:
    opened: list[int] = []

    def open_http() -> httpx.AsyncClient:
        opened.append(1)
        is_stuck = len(opened) == 1

        def answer(request: httpx.Request) -> httpx.Response:
            if is_stuck:
                raise httpx.PoolTimeout("", request=request)
            return httpx.Response(200, stream=httpx.ByteStream(BODY))

        return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://h")

    source = CredentialsSource("(env)", KEYS, Path("/nonexistent"))
    client = DataWorksClient(target_at("h"), open_http, source, FakeClock())

    calls = [client.get_workflow_instance(ID) for _ in range(5)]
    assert {instance.id for instance in await asyncio.gather(*calls)} == {ID}
    await client.aclose()
    assert len(opened) == 2


def test_only_operations_that_read_may_be_sent() -> None:
    assert READ_ONLY
    assert all(name.startswith(("Get", "List")) for name in READ_ONLY)


async def test_any_other_operation_is_not_sent() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    exchange = Transport(
        "h",
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://h"),
        lambda: None,
    )
    with pytest.raises(ValueError, match="RerunWorkflowInstances"):
        await exchange.send(Call("RerunWorkflowInstances", {"Ids": "[1]"}), httpx.Auth())
    await exchange.aclose()

    assert sent == []


async def error_over_tls(
    files: tuple[Path, Path], host: str, trusted: Path | None, **server: ssl.TLSVersion
) -> ServiceError | None:
    context = server_context(files)
    for name, value in server.items():
        setattr(context, name, value)
    verify = transport.tls_context({"SSL_CERT_FILE": str(trusted)} if trusted else {})
    seen = Seen()
    async with (
        raw_server(answering(WHOLE, seen=seen), tls=context, seen=seen),
        client_of(f"{host}:{seen.port}", verify=verify) as client,
    ):
        try:
            await client.get_workflow_instance(ID)
        except ServiceError as error:
            assert seen.requests == [], "nothing is sent to one that is not trusted"
            return error
    return None


async def test_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "127.0.0.1")

    assert await error_over_tls(files, "127.0.0.1", files[0]) is None


@pytest.mark.parametrize("fault", ["unknown authority", "wrong host", "expired"])
async def test_a_certificate_that_does_not_verify_is_permanent_and_explained(
    fault: str, tmp_path: Path
) -> None:
    ends = datetime(2021 if fault == "expired" else 2099, 1, 1, tzinfo=UTC)
    files = make_certificate(tmp_path, "127.0.0.1", ends=ends)
    host = "localhost" if fault == "wrong host" else "127.0.0.1"

    error = await error_over_tls(files, host, None if fault == "unknown authority" else files[0])

    assert isinstance(error, Unreachable)
    assert (error.cause, error.is_permanent) == ("certificate", True)
    assert "SSL_CERT_FILE" in str(error)


async def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLS"):
        error = await error_over_tls(
            files, "127.0.0.1", files[0], maximum_version=ssl.TLSVersion.TLSv1_1
        )

    assert isinstance(error, Unreachable)
    assert error.cause == "TLS"


@pytest.mark.parametrize(
    ("handle", "cause"),
    [(hang, "timeout"), (reset_at_once, "unreachable"), (sending(b""), "timeout")],
)
async def test_a_port_that_speaks_no_tls_is_a_transient_fault(handle: Handle, cause: str) -> None:
    # Where nothing comes the wait is short, and only there.
    seconds = 0.2 if cause == "timeout" else 60.0
    async with raw_server(handle) as seen:
        verify = transport.tls_context({})
        async with client_of(f"127.0.0.1:{seen.port}", verify=verify, seconds=seconds) as client:
            with pytest.raises(Unreachable) as caught:
                await client.get_workflow_instance(ID)

    assert (caught.value.cause, caught.value.is_permanent) == (cause, False)


async def test_a_port_that_answers_tls_in_plain_text_is_named() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        await reader.read()

    async with (
        raw_server(greet) as seen,
        client_of(f"127.0.0.1:{seen.port}", verify=transport.tls_context({})) as client,
    ):
        with pytest.raises(Unreachable, match="wrong version number"):
            await client.get_workflow_instance(ID)


async def test_plain_http_to_a_tls_port_is_a_transient_fault(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "127.0.0.1")
    async with (
        raw_server(answering(WHOLE), tls=server_context(files)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        with pytest.raises(Unreachable):
            await client.get_workflow_instance(ID)


async def test_a_proxy_from_the_environment_is_used_and_its_connect_is_no_call(
    tmp_path: Path,
) -> None:
    files = make_certificate(tmp_path, "127.0.0.1")
    proxied, calls = Seen(), []
    verify = transport.tls_context({"SSL_CERT_FILE": str(files[0])})
    async with (
        raw_server(answering(WHOLE), tls=server_context(files)) as seen,
        raw_server(proxying("200 OK", proxied), seen=proxied),
        client_of(
            f"127.0.0.1:{seen.port}",
            verify=verify,
            environ={"HTTPS_PROXY": f"http://user:pass@127.0.0.1:{proxied.port}"},
            on_call=lambda: calls.append(1),
        ) as client,
    ):
        await client.get_workflow_instance(ID)

    line, headers, _ = proxied.requests[0]
    assert line == f"CONNECT 127.0.0.1:{seen.port} HTTP/1.1"
    assert headers["proxy-authorization"].startswith("Basic ")
    assert not any(name.startswith("x-acs-") for name in headers)
    assert len(calls) == 1


async def test_a_proxy_that_does_not_lead_there_is_named() -> None:
    proxied = Seen()
    async with (
        raw_server(proxying("502 Bad Gateway", proxied), seen=proxied),
        client_of(
            "127.0.0.1:9",
            verify=transport.no_tls(),
            environ={"https_proxy": f"127.0.0.1:{proxied.port}"},
        ) as client,
    ):
        with pytest.raises(Unreachable, match="NO_PROXY") as caught:
            await client.get_workflow_instance(ID)

    assert (caught.value.cause, caught.value.is_permanent) == ("proxy", False)


async def test_loopback_is_never_sent_through_a_proxy() -> None:
    async with raw_server(hang) as proxied, raw_server(answering(WHOLE)) as seen:
        environ = dict.fromkeys(
            ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{proxied.port}"
        )
        async with client_of(f"http://127.0.0.1:{seen.port}", environ=environ) as client:
            await client.get_workflow_instance(ID)

    assert proxied.connections == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http_answer({"Code": "InstanceNotFound"}, "404 Not Found"), NotFound),
        (http_answer({"Code": "InternalError"}, "500 Internal Server Error"), ServiceTrouble),
        (http_answer(b"<html>", "502 Bad Gateway"), ServiceTrouble),
    ],
)
async def test_an_error_of_the_service_leaves_the_connection_usable(
    answer: bytes, kind: type[ServiceError]
) -> None:
    async with (
        raw_server(answering(answer, WHOLE)) as seen,
        client_of(f"http://127.0.0.1:{seen.port}") as client,
    ):
        with pytest.raises(kind):
            await client.get_workflow_instance(ID)
        assert (await client.get_workflow_instance(ID)).id == ID

    assert seen.connections == 1


HOST = "dataworks.cn-shanghai.aliyuncs.com"
PROXY = "http://proxy.corp:3128"


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTP_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": "http://lower:1", "HTTPS_PROXY": PROXY}, "http://lower:1"),
        ({"ALL_PROXY": PROXY}, PROXY),
        ({"HTTPS_PROXY": "", "all_proxy": PROXY}, PROXY),
        ({"HTTPS_PROXY": "proxy.corp:3128"}, PROXY),
        ({"HTTPS_PROXY": "https://user:pass@proxy.corp"}, "https://user:pass@proxy.corp"),
    ],
)
def test_the_proxy_for_https_is_found(environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(HOST, environ) == proxy


@pytest.mark.parametrize(
    ("endpoint", "no_proxy", "is_exempt"),
    [
        (HOST, "*", True),
        (HOST, HOST, True),
        (HOST, "aliyuncs.com", True),
        (HOST, ".aliyuncs.com", True),
        (HOST, "*.aliyuncs.com", True),
        (HOST, "corp.example, ALIYUNCS.com", True),
        (HOST, "corp.example aliyuncs.com", True),
        (HOST, "aliyuncs.com:443", True),
        (HOST, "aliyuncs.com:8443", False),
        (HOST, "*.cn-shanghai.aliyuncs.com", True),
        (HOST, "corp.example;aliyuncs.com", True),
        (HOST, "localhost; 127.0.0.1;*.aliyuncs.com;", True),
        (HOST, ".", False),
        (HOST, "*.", False),
        (HOST, "yuncs.com", False),
        (HOST, "", False),
        (HOST, " , ,", False),
        (HOST, "aliyuncs.com:\u00b2", False),
        ("10.1.2.3:8443", "10.1.2.3", True),
        ("10.1.2.3:8443", "10.1.2.3:443", False),
    ],
)
def test_no_proxy_exempts_names_subdomains_and_addresses(
    endpoint: str, no_proxy: str, is_exempt: bool
) -> None:
    proxy = proxy_for(endpoint, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})

    assert (proxy is None) is is_exempt


@given(st.text(st.characters(exclude_characters="\0"), max_size=30))
def test_any_no_proxy_is_survived(no_proxy: str) -> None:
    assert proxy_for(HOST, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}) in {None, PROXY}


@pytest.mark.parametrize(
    "value",
    [
        "socks5://127.0.0.1:1080",
        "ftp://proxy",
        "http:///",
        "http://proxy:port",
        "http://1.2.3.04",
        "http://pro xy:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_value(value: str) -> None:
    with pytest.raises(ConfigError, match="HTTPS_PROXY can't be used") as caught:
        proxy_for(HOST, {"HTTPS_PROXY": value})

    assert value not in str(caught.value)


async def test_a_loopback_endpoint_opens_whatever_the_proxy() -> None:
    http = open_http("http://127.0.0.1:1", {"HTTPS_PROXY": "junk://"}, no_tls())

    assert http.headers["user-agent"] == f"wfinspect/{__version__}"
    assert http.headers["accept-encoding"] == "identity"
    assert not http.follow_redirects
    assert not http.trust_env
    await http.aclose()


@pytest.mark.parametrize("scheme", ["http", "https", "HTTPS"])
async def test_proxies_of_both_schemes_can_be_opened(scheme: str) -> None:
    environ = {"HTTPS_PROXY": f"{scheme}://user:pass@127.0.0.1:3128"}

    await open_http(HOST, environ, no_tls()).aclose()


async def test_the_chatter_of_the_http_library_is_kept_down() -> None:
    await open_http("http://127.0.0.1:1", {}, no_tls()).aclose()

    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore.http11").isEnabledFor(logging.INFO)


def test_tls_is_verified_modern_and_leaves_no_keys_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keylog = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keylog))

    context = tls_context({})

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None
    assert not keylog.exists()


def test_the_environments_authorities_take_the_place_of_the_machines(tmp_path: Path) -> None:
    file, _ = make_certificate(tmp_path, "service.corp")

    assert tls_context({"SSL_CERT_FILE": str(file)}).cert_store_stats()["x509_ca"] == 1


def test_without_authorities_of_the_machine_a_bundle_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    none = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: none)

    assert tls_context({}).cert_store_stats()["x509_ca"] > 50


@given(st.text(st.characters(exclude_characters="\0"), max_size=30))
def test_any_proxy_can_be_opened_or_is_told(value: str) -> None:
    try:
        open_http(HOST, {"HTTPS_PROXY": value}, no_tls())
        sentence = ""
    except ConfigError as error:
        sentence = str(error)
    assert sentence.isprintable()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_authorities_that_are_not_there_are_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}=/nonexistent/ca"):
        tls_context({name: "/nonexistent/ca"})


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    with pytest.raises(ConfigError, match="PEM"):
        tls_context({"SSL_CERT_FILE": str(tmp_path / "ca.pem")})


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (caused(httpx.ConnectError(""), socket.gaierror(-2, "unknown")), "no such host"),
        (caused(httpx.ConnectError(""), ConnectionRefusedError()), "connection refused"),
        (caused(httpx.ConnectError(""), TimeoutError()), "timeout"),
        (caused(httpx.ConnectError(""), OSError(errno.EMFILE, "no")), "too few resources"),
        (httpx.ConnectError(""), "unreachable"),
        (httpx.ConnectTimeout(""), "timeout"),
        (httpx.WriteTimeout(""), "timeout"),
        (httpx.PoolTimeout(""), "timeout"),
        (TimeoutError(), "timeout"),
        (httpx.ReadError(""), "connection lost"),
        (httpx.WriteError(""), "connection lost"),
        (caused(httpx.ConnectTimeout(""), ssl.SSLWantReadError()), "timeout"),
    ],
)
def test_each_exception_has_a_cause_and_a_sentence(error: Exception, cause: str) -> None:
    told: ServiceError = contact_error(error, HOST)

    assert isinstance(told, Unreachable)
    assert (told.cause, told.is_permanent) == (cause, False)
    assert HOST in str(told)
    assert ":" in str(told)


def test_a_ring_of_exceptions_is_survived() -> None:
    first, second = httpx.ReadError(""), httpx.ReadError("")
    first.__context__, second.__context__ = second, first

    assert contact_error(first, HOST).cause == "connection lost"


OF_ONE = http_answer({"WorkflowInstance": {"Id": 1, "Status": "Running"}})


def client_by_name(port: int, resolve: Resolve, seconds: float = 5.0) -> DataWorksClient:
    """A client of a made-up name, over plain http so that no certificate is needed."""

    def open_http() -> httpx.AsyncClient:
        http = transport.open_http("http://127.0.0.1", {}, transport.no_tls())
        http._transport._pool._network_backend = NamedBackend(resolve)  # type: ignore[attr-defined]
        http.base_url = f"http://service.test:{port}"
        http.timeout = httpx.Timeout(seconds)
        return http

    source = CredentialsSource("(env)", KEYS, Path("/nonexistent"))
    return DataWorksClient(target_at("service.test"), open_http, source, FakeClock())


async def closed_port() -> int:
    async with raw_server(answering()) as seen:
        return seen.port


def test_every_client_looks_names_up_in_threads_of_its_own() -> None:
    http = transport.open_http("dataworks.aliyuncs.com", {}, transport.no_tls())

    assert isinstance(http._transport._pool._network_backend, NamedBackend)  # type: ignore[attr-defined]


@pytest.mark.parametrize("proxy", ["http://user:pass@127.0.0.1:1", "https://127.0.0.1:1"])
def test_so_does_one_that_goes_through_a_proxy(proxy: str) -> None:
    http = transport.open_http("dataworks.aliyuncs.com", {"HTTPS_PROXY": proxy}, transport.no_tls())

    assert isinstance(http._transport._pool._network_backend, NamedBackend)  # type: ignore[attr-defined]


async def test_a_name_is_looked_up_and_connected_to() -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    async with raw_server(answering(OF_ONE, OF_ONE)) as seen:
        client = client_by_name(seen.port, resolve)
        await client.get_workflow_instance(InstanceId(1))
        await client.get_workflow_instance(InstanceId(1))
        await client.aclose()

    assert asked == [("service.test", seen.port)]


async def test_the_next_address_is_tried_where_the_first_leads_nowhere_and_kept() -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["::1", "127.0.0.1"]

    async with raw_server(answering(OF_ONE)) as seen:
        backend = NamedBackend(resolve)
        for _ in range(2):
            stream = await backend.connect_tcp("service.test", seen.port, 5.0)
            assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
            await stream.aclose()

    assert backend._good == {"service.test": "127.0.0.1"}
    assert len(asked) == 2


async def test_a_service_that_has_moved_is_found_at_its_new_address() -> None:
    lives_at: list[str] = []
    backend = NamedBackend(lambda _host, _port: list(lives_at))
    for address in ("127.0.0.1", "127.0.0.2"):
        lives_at[:] = [address]
        async with raw_server(answering(OF_ONE), address=address) as seen:
            stream = await backend.connect_tcp("service.test", seen.port, 5.0)
            assert stream.get_extra_info("server_addr")[0] == address
            await stream.aclose()


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "::1"], []])
async def test_where_no_address_answers_the_error_is_one_of_connecting(
    addresses: list[str],
) -> None:
    backend = NamedBackend(lambda _host, _port: addresses)

    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("service.test", await closed_port(), 5.0)


async def test_an_unknown_name_is_told() -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    client = client_by_name(1, resolve)
    with pytest.raises(Unreachable, match="can't be resolved") as caught:
        await client.get_workflow_instance(InstanceId(1))
    await client.aclose()

    assert caught.value.cause == "no such host"


async def test_a_name_that_python_refuses_is_an_unknown_name() -> None:
    client = client_by_name(1, lambda _host, port: addresses_of(f"{'a' * 64}.test", port))
    with pytest.raises(Unreachable, match="can't be resolved"):
        await client.get_workflow_instance(InstanceId(1))
    await client.aclose()


@pytest.fixture
def hanging() -> object:
    """A look-up that hangs until the test is over, and how often it was begun."""
    over, begun = threading.Event(), []

    def resolve(_host: str, _port: int) -> Sequence[str]:
        begun.append(1)
        over.wait(20)
        return ["127.0.0.1"]

    yield resolve, begun
    over.set()


async def test_hung_look_ups_share_one_thread_and_stop_nothing_else(
    hanging: tuple[Callable[[str, int], Sequence[str]], list[int]],
) -> None:
    resolve, begun = hanging
    client = client_by_name(1, resolve, seconds=0.05)
    for _ in range(3):
        calls = [client.get_workflow_instance(InstanceId(1)) for _ in range(4)]
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, Unreachable)
            assert error.cause == "timeout"

    assert await asyncio.to_thread(lambda: "free") == "free"
    assert len(begun) == 1
    await client.aclose()


async def test_what_a_look_up_raises_is_raised_to_each_who_waits() -> None:
    def broken() -> None:
        raise KeyError("x")

    lookup = BlockingCall(broken, "test")
    answers = await asyncio.gather(*(lookup.wait(5) for _ in range(3)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [KeyError] * 3


def test_a_look_up_that_ends_after_its_loop_harms_nobody() -> None:
    over = threading.Event()

    async def give_up() -> BlockingCall[bool]:
        lookup = BlockingCall(lambda: over.wait(20), "test")
        with pytest.raises(TimeoutError):
            await lookup.wait(0.01)
        return lookup

    lookup = asyncio.run(give_up())
    over.set()

    assert asyncio.run(lookup.wait(5)) is True
