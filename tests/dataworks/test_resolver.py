import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpcore
import httpx
import pytest
from fakes import FakeClock
from raw_client import target_at
from raw_server import answering, http_answer, raw_server

from wfinspect.dataworks import transport
from wfinspect.dataworks.client import DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.transport import BlockingCall, NamedBackend, Resolve, addresses_of
from wfinspect.errors import Unreachable
from wfinspect.model import InstanceId

WHOLE = http_answer({"WorkflowInstance": {"Id": 1, "Status": "Running"}})
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


def client_of(port: int, resolve: Resolve, seconds: float = 5.0) -> DataWorksClient:
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

    async with raw_server(answering(WHOLE, WHOLE)) as seen:
        client = client_of(seen.port, resolve)
        await client.get_workflow_instance(InstanceId(1))
        await client.get_workflow_instance(InstanceId(1))
        await client.aclose()

    assert asked == [("service.test", seen.port)]


async def test_the_next_address_is_tried_where_the_first_leads_nowhere_and_kept() -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["::1", "127.0.0.1"]

    async with raw_server(answering(WHOLE)) as seen:
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
        async with raw_server(answering(WHOLE), address=address) as seen:
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

    client = client_of(1, resolve)
    with pytest.raises(Unreachable, match="can't be resolved") as caught:
        await client.get_workflow_instance(InstanceId(1))
    await client.aclose()

    assert caught.value.cause == "no such host"


async def test_a_name_that_python_refuses_is_an_unknown_name() -> None:
    client = client_of(1, lambda _host, port: addresses_of(f"{'a' * 64}.test", port))
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
    client = client_of(1, resolve, seconds=0.05)
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
