"""A client of ours for servers that speak byte by byte."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
from fakes import FakeClock

from wfinspect.dataworks import transport
from wfinspect.dataworks.client import DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.model import Target

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


def target_at(endpoint: str) -> Target:
    return Target("(env)", "cn-shanghai", endpoint)


@contextlib.asynccontextmanager
async def client_of(
    endpoint: str,
    *,
    verify: ssl.SSLContext | None = None,
    environ: dict[str, str] | None = None,
    seconds: float = 30.0,
    deadline: float = 30.0,
    on_call: Callable[[], None] = lambda: None,
) -> AsyncIterator[DataWorksClient]:
    def open_http() -> httpx.AsyncClient:
        context = verify or transport.no_tls()
        http = transport.open_http(endpoint, environ or {}, context)
        http.timeout = httpx.Timeout(seconds)
        return http

    source = CredentialsSource("(env)", KEYS, Path("/nonexistent"))
    client = DataWorksClient(
        target_at(endpoint), open_http, source, FakeClock(), on_call=on_call, deadline=deadline
    )
    try:
        yield client
    finally:
        await client.aclose()
