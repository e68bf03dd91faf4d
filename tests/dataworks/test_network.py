import errno
import logging
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import make_certificate

from wfinspect import __version__
from wfinspect.dataworks.failures import contact_error
from wfinspect.dataworks.transport import no_tls, open_http, proxy_for, tls_context
from wfinspect.errors import ConfigError, ServiceError, Unreachable

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
        (HOST, "aliyuncs.com.", True),
        (HOST, ".aliyuncs.com.", True),
        (HOST, "*.cn-shanghai.aliyuncs.com", True),
        (HOST, "corp.example;aliyuncs.com", True),
        (HOST, "localhost; 127.0.0.1;*.aliyuncs.com.;", True),
        (HOST, f"https://{HOST}/", True),
        (HOST, f"https://{HOST}:443/path?x", True),
        (HOST, f"https://{HOST}:8443/", False),
        (HOST, "http://aliyuncs.com", True),
        (HOST, "aliyuncs.com/", True),
        (HOST, "https://*.aliyuncs.com", True),
        (HOST, "https://yuncs.com/", False),
        (HOST, ".", False),
        (HOST, "*.", False),
        (HOST, "yuncs.com", False),
        (HOST, "", False),
        (HOST, " , ,", False),
        (HOST, "aliyuncs.com:\u00b2", False),
        (HOST, "::1/128", False),
        (HOST, "fd00::/8,10.0.0.0/8", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3:8443", "10.1.2.3", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("[fd00::1]:443", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]", True),
        ("[fd00::1]", "[fd00::1]:443", True),
        ("[fd00::1]", "[fd00::1]:8443", False),
        ("10.1.2.3", "https://10.1.2.3:443", True),
        ("10.1.2.3", "10.1.0.0/16;", True),
        ("10.1.2.3", "10.0.0.0/8:8443", False),
    ],
)
def test_no_proxy_exempts_names_subdomains_addresses_and_networks(
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
