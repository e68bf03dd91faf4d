"""ACS3-HMAC-SHA256: what is signed, and the httpx.Auth that signs each attempt by itself.

Knows no clock, no randomness and no source of keys. Rules: the public page "V3 request structure
and signature"; tests/data/signature_vectors.json holds known answers.
"""

import hashlib
import hmac
from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

import httpx

from wfinspect.dataworks.credentials import Credentials

ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and values percent-encoded as RFC 3986 has it, sorted by name."""
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_headers(headers: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the block of ``name:value`` lines, and the names joined by ``;``."""
    lowered = sorted((name.lower(), value.strip()) for name, value in headers)
    block = "".join(f"{name}:{value}\n" for name, value in lowered)
    return block, ";".join(name for name, _ in lowered)


def canonical_request(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Iterable[tuple[str, str]],
    body_sha256: str,
) -> str:
    """Return the request as both sides write it down: six parts, one after the other."""
    block, names = canonical_headers(headers)
    return "\n".join((method, path, canonical_query(query), block, names, body_sha256))


def string_to_sign(canonical: str) -> str:
    """Return the algorithm and the digest of a canonical request."""
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def signature(access_key_secret: str, to_sign: str) -> str:
    """Return the HMAC in lower-case hex; the secret is used as it is, without a derived key."""
    return hmac.new(access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


class Acs3Auth(httpx.Auth):
    """Sign host, content-type and the x-acs-* headers of a request, with a new date and nonce.

    Other headers stay out of the signature: a proxy in between may rewrite them.
    """

    requires_request_body = True

    def __init__(
        self, credentials: Credentials, now: Callable[[], datetime], nonce: Callable[[], str]
    ) -> None:
        """Sign with `credentials` at the times and with the nonces that the two callables give."""
        self._credentials = credentials
        self._now = now
        self._nonce = nonce

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        body_sha256 = hashlib.sha256(request.content).hexdigest()
        headers = request.headers
        headers["x-acs-date"] = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers["x-acs-signature-nonce"] = self._nonce()
        headers["x-acs-content-sha256"] = body_sha256
        if self._credentials.security_token:
            headers["x-acs-security-token"] = self._credentials.security_token
        signed = [
            (name, value)
            for name, value in headers.items()
            if name in {"host", "content-type"} or name.startswith("x-acs-")
        ]
        query = parse_qsl(request.url.query.decode("ascii"), keep_blank_values=True)
        canonical = canonical_request(request.method, request.url.path, query, signed, body_sha256)
        _, names = canonical_headers(signed)
        proof = signature(self._credentials.access_key_secret, string_to_sign(canonical))
        headers["authorization"] = (
            f"{ALGORITHM} Credential={self._credentials.access_key_id},"
            f"SignedHeaders={names},Signature={proof}"
        )
        yield request
