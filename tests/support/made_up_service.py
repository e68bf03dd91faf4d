"""A client of a service that answers in turn what a test has written down."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from fakes import FakeClock
from raw_client import target_at

from wfinspect.dataworks.client import DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource

HOST = "dataworks.cn-shanghai.aliyuncs.com"


ENV = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


NOWHERE = Path("/nonexistent")


class Service:
    """Answers of a made-up service, in turn; the last one for good."""

    def __init__(self, *answers: tuple[int, object, Mapping[str, str]]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, body, headers = self.answers.pop(0) if self.answers[1:] else self.answers[0]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(data))

    def dates(self) -> list[str]:
        return [request.headers["x-acs-date"] for request in self.requests]


def client_of(
    service: Callable[[httpx.Request], httpx.Response],
    *,
    endpoint: str = HOST,
    clock: FakeClock | None = None,
    source: CredentialsSource | None = None,
) -> DataWorksClient:
    base = endpoint if endpoint.startswith("http") else f"https://{endpoint}"
    return DataWorksClient(
        target_at(endpoint),
        lambda: httpx.AsyncClient(transport=httpx.MockTransport(service), base_url=base),
        source or CredentialsSource("(env)", ENV, NOWHERE),
        clock or FakeClock(),
    )
