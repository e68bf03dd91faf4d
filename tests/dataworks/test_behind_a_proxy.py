"""Whose fault it is behind a proxy, by the real command against real proxies on loopback."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from raw_client import client_of
from raw_server import (
    Handle,
    Seen,
    answering,
    make_certificate,
    raw_server,
    server_context,
)
from run import command, service_findings
from toxics import ID, WHOLE, hang, proxying, saying, sending

from wfinspect.commands.doctor import Level
from wfinspect.dataworks import transport
from wfinspect.errors import ConfigError, Unreachable

PASSWORD = "canary#pass"
USER = "user:canary%23pass@"


async def greet_as_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()
    await reader.read()


async def close_at_once(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def answer_bad_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a plain proxy does with the beginning of TLS."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    await writer.drain()


def announcing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> object:
    return sending(b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000)(reader, writer)


@dataclass(frozen=True)
class Fault:
    """A proxy that does not do what it should."""

    handle: Handle | None
    says: str
    code: int = 3
    scheme: str = "http"
    has_tls: bool = False
    """It speaks TLS, with a certificate that is not trusted."""


FAULTS = {
    "refuses": Fault(None, "refuses connections.*HTTPS_PROXY"),
    "is a server of ssh": Fault(greet_as_ssh, "is not an HTTP proxy.*HTTPS_PROXY"),
    "closes without an answer": Fault(close_at_once, "closed the connection.*HTTPS_PROXY"),
    "is spoken to without its TLS": Fault(
        hang, "closed the connection.*https://|not an HTTP proxy.*https://", has_tls=True
    ),
    "does not speak TLS": Fault(answer_bad_request, "does not speak TLS.*http://", scheme="https"),
    "closes at the beginning of TLS": Fault(
        close_at_once, "does not speak TLS.*http://", scheme="https"
    ),
    "has a certificate that is not trusted": Fault(
        hang, "certificate of the proxy .*SSL_CERT_FILE", scheme="https", has_tls=True
    ),
    "wants a login": Fault(
        saying("407 Proxy Authentication Required", "Proxy-Authenticate: Basic"),
        "user name and password.*HTTP 407.*HTTPS_PROXY",
        code=4,
    ),
    "forbids it": Fault(saying("403 Forbidden"), "HTTP 403.*NO_PROXY"),
    "finds no way": Fault(saying("502 Bad Gateway"), "can't reach 127.0.0.1:9.*HTTP 502"),
    "is overloaded": Fault(saying("503 Service Unavailable"), "can't reach 127.0.0.1:9.*HTTP 503"),
    "is a web server": Fault(saying("405 Method Not Allowed"), "not work as a proxy.*HTTP 405"),
    "sends to a login page": Fault(
        saying("302 Found", "Location: http://login.corp/"), "not work as a proxy.*HTTP 302"
    ),
    "announces without end": Fault(
        sending(b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000), "is not an HTTP proxy"
    ),
}


@contextlib.asynccontextmanager
async def proxy_of(fault: Fault, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """The URL and the port of a proxy with a fault."""
    tls = None
    if fault.has_tls:
        tls = server_context(make_certificate(folder, "127.0.0.1"))
    async with raw_server(fault.handle or hang, tls=tls) as seen:
        if fault.handle is not None:
            yield f"{fault.scheme}://{USER}127.0.0.1:{seen.port}", seen.port
    if fault.handle is None:
        yield f"{fault.scheme}://{USER}127.0.0.1:{seen.port}", seen.port


def blames_the_proxy(said: str, port: int, says: str) -> None:
    assert re.search(says, said), said
    assert f"127.0.0.1:{port}" in said
    assert "--endpoint" not in said
    assert "canary" not in said


# What it says of the others is what doctor says of them below.
@pytest.mark.parametrize(
    "name", ["refuses", "is a server of ssh", "does not speak TLS", "wants a login"]
)
async def test_a_fault_of_the_proxy_is_told_as_the_proxys(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    async with proxy_of(fault, tmp_path) as (url, port):
        code, said = await command({"HTTPS_PROXY": url}, tmp_path, "get", str(ID))

    assert code == fault.code, said
    blames_the_proxy(said, port, fault.says)


@pytest.mark.parametrize("name", FAULTS)
async def test_doctor_finds_a_fault_of_the_proxy_even_without_a_key(
    name: str, tmp_path: Path
) -> None:
    fault = FAULTS[name]
    async with proxy_of(fault, tmp_path) as (url, port):
        found = await service_findings(9, {"HTTPS_PROXY": url}, tmp_path)

    failed = [check for check, (level, _) in found.items() if level is Level.FAILURE]
    assert failed[0] == "connection"
    blames_the_proxy(found["connection"][1], port, fault.says)


async def test_doctor_as_a_command_says_the_same(tmp_path: Path) -> None:
    async with raw_server(greet_as_ssh) as seen:
        url = f"http://{USER}127.0.0.1:{seen.port}"
        code, said = await command({"ALL_PROXY": url}, tmp_path, "doctor")

    assert code == 1
    blames_the_proxy(
        said, seen.port, "failure +connection +What answers at .* is not an HTTP proxy"
    )


@pytest.mark.parametrize("arguments", [("get", str(ID)), ("doctor",)])
async def test_a_proxy_whose_name_has_no_address_is_named(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    # Too long for the name of a host, so that no server of names is asked.
    host = f"proxy{'x' * 60}.corp"
    _, said = await command({"HTTPS_PROXY": f"http://{USER}{host}:3128"}, tmp_path, *arguments)

    said = " ".join(said.split())
    assert f"The name of the proxy {host}:3128 can't be resolved: check HTTPS_PROXY" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("stage", "handle", "scheme"),
    [("CONNECT", hang, "http"), ("TLS", hang, "https")],
)
async def test_a_proxy_that_does_not_answer_is_named(
    stage: str, handle: Handle, scheme: str
) -> None:
    async with raw_server(handle) as seen:
        environ = {"HTTPS_PROXY": f"{scheme}://127.0.0.1:{seen.port}"}
        verify = transport.tls_context({})
        async with client_of("127.0.0.1:9", verify=verify, environ=environ, seconds=0.2) as client:
            with pytest.raises(Unreachable) as caught:
                await client.get_workflow_instance(ID)

    assert f"127.0.0.1:{seen.port}" in str(caught.value)
    assert caught.value.cause == "proxy timeout"
    assert ("http://" in str(caught.value)) is (stage == "TLS")


async def test_behind_a_good_proxy_a_fault_of_the_service_is_the_services(tmp_path: Path) -> None:
    files, proxied = make_certificate(tmp_path, "127.0.0.1"), Seen()
    async with (
        raw_server(answering(WHOLE), tls=server_context(files)) as seen,
        raw_server(proxying("200 OK", proxied), seen=proxied),
    ):
        environ = {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxied.port}",
            "WFINSPECT_ENDPOINT": f"https://127.0.0.1:{seen.port}",
        }
        distrusted = await command(environ, tmp_path, "get", str(ID))
        trusted = environ | {"SSL_CERT_FILE": str(files[0])}
        trusting = await command(trusted, tmp_path, "get", str(ID), "--field", "Status")
        checked = await command(trusted, tmp_path, "doctor")

    assert trusting == (0, "Running\n")
    assert distrusted[0] == 3
    assert (
        f"certificate of 127.0.0.1:{seen.port} (through the proxy 127.0.0.1:{proxied.port}) does "
        "not verify"
    ) in distrusted[1]
    assert re.search(r"ok +connection +the proxy 127.*, TLSv1.3, certificate valid", checked[1]), (
        checked
    )


async def test_a_service_that_ends_the_tunnel_is_named_with_the_proxy(tmp_path: Path) -> None:
    files, proxied = make_certificate(tmp_path, "127.0.0.1"), Seen()
    async with (
        raw_server(sending(b""), tls=server_context(files)) as seen,
        raw_server(proxying("200 OK", proxied), seen=proxied),
    ):
        environ = {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxied.port}",
            "WFINSPECT_ENDPOINT": f"https://127.0.0.1:{seen.port}",
            "SSL_CERT_FILE": str(files[0]),
        }
        code, said = await command(environ, tmp_path, "get", str(ID))

    assert code == 3
    assert f"127.0.0.1:{seen.port} (through the proxy 127.0.0.1:{proxied.port})" in said


@pytest.mark.parametrize("character", "#/?@[\\")
@pytest.mark.parametrize("start", ["http://", ""])
@pytest.mark.parametrize("rest", ["34", "zq"])
async def test_a_password_that_is_not_encoded_is_told_without_a_part_of_it(
    character: str, start: str, rest: str
) -> None:
    value = f"{start}user:12{character}{rest}canary@proxy.corp:3128"
    with pytest.raises(ConfigError) as caught:
        transport.open_http("dataworks.example", {"all_proxy": value}, transport.no_tls())

    said = str(caught.value)
    assert said.startswith("all_proxy ")
    assert "percent" in said
    assert "%23" in said
    assert not re.search("12|34|zq|canary|user:", said)


@pytest.mark.parametrize("arguments", [("get", str(ID)), ("doctor",)])
async def test_a_command_says_that_a_password_is_to_be_encoded(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    environ = {"HTTPS_PROXY": "http://user:12#34@proxy.corp:3128"}
    code, said = await command(environ, tmp_path, *arguments)

    assert code == (2 if arguments[0] == "get" else 1)
    assert "%23" in said
    assert not re.search(r"user:12|port 12|12#|#34|34@|user is", said)


@pytest.mark.parametrize("form", ["{0}:{1}", "{1}:{0}", "/nonexistent:{0}"])
async def test_a_list_of_directories_with_authorities_is_read(form: str, tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "127.0.0.1")
    good, empty = tmp_path / "good", tmp_path / "empty"
    good.mkdir()
    empty.mkdir()
    (good / f"{hash_of(files[0])}.0").write_bytes(files[0].read_bytes())
    async with raw_server(answering(WHOLE), tls=server_context(files)) as seen:
        environ = {
            "SSL_CERT_DIR": form.format(good, empty),
            "WFINSPECT_ENDPOINT": f"https://127.0.0.1:{seen.port}",
        }
        done = await command(environ, tmp_path, "get", str(ID), "--field", "Status")

    assert done == (0, "Running\n")


def hash_of(certificate: Path) -> str:
    """The name that OpenSSL looks an authority up by, without its number."""
    import subprocess

    command = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("value", ["/nonexistent:/nowhere", ":"])
def test_a_list_without_a_directory_is_named(value: str) -> None:
    with pytest.raises(ConfigError, match="SSL_CERT_DIR"):
        transport.tls_context({"SSL_CERT_DIR": value})
