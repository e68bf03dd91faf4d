"""Raw signed requests for a simulator, with a signer of the tests' own: nothing here is under test."""

import hashlib
import hmac
import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

from wfinspect.simulator.http import AccessKey
from wfinspect.simulator.server import KEY


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json.get("Code", "OK")


def signed_headers(
    method: str,
    query: Mapping[str, str],
    body: bytes,
    *,
    host: str,
    action: str,
    at: datetime,
    key: AccessKey = KEY,
    secret: str | None = None,
    **changes: str | None,
) -> dict[str, str]:
    """The headers of a request; `changes` are put in before signing, None takes one away."""
    headers: dict[str, str | None] = {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": "2024-05-18",
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-acs-security-token": key.security_token or None,
        "content-type": "application/x-www-form-urlencoded" if method == "POST" else None,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    kept = {name: value for name, value in sorted(headers.items()) if value is not None}
    names = ";".join(kept)
    canonical = "\n".join(
        (
            method,
            "/",
            "&".join(f"{k}={quote(v, safe='')}" for k, v in sorted(query.items())),
            "".join(f"{k}:{v}\n" for k, v in kept.items()),
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(
        (secret or key.secret).encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), hashlib.sha256
    ).hexdigest()
    kept["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key.id},SignedHeaders={names},Signature={signature}"
    )
    return kept


class Caller:
    """One kept-alive connection to a simulator."""

    def __init__(self, url: str, now: datetime) -> None:
        self.host = urlsplit(url).netloc
        self.now = now
        self.connection = http.client.HTTPConnection(self.host, timeout=60)

    def call(
        self, action: str, parameters: Mapping[str, object], *, method: str = "", **how: object
    ) -> Answer:
        text = {name: str(value) for name, value in parameters.items()}
        method = method or ("GET" if action.startswith("Get") else "POST")
        query = text if method == "GET" else {}
        body = b"" if method == "GET" else urlencode(text).encode()
        how = {"at": self.now, "host": self.host, **how}
        headers = signed_headers(method, query, body, action=action, **how)
        return self.send(method, "/?" + urlencode(query) if query else "/", body, headers)

    def get(self, instance_id: object, **how: object) -> Answer:
        return self.call("GetWorkflowInstance", {"Id": instance_id}, **how)

    def list(self, **parameters: object) -> Answer:
        return self.call("ListWorkflowInstances", parameters)

    def send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            self.connection.request(method, target, body, dict(headers))
            response = self.connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def close(self) -> None:
        self.connection.close()


def listed(caller: Caller, **parameters: object) -> list[dict]:
    answer = caller.list(**parameters)
    assert answer.code == "OK", answer.body
    return answer.json["PagingInfo"]["WorkflowInstances"]
