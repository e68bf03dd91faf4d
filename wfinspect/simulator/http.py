"""Requests and replies of HTTP/1.1, as h11 reads and writes them, and whether a request is signed as the service demands.

The signature (ACS3-HMAC-SHA256, with date, nonce, key and token) is an implementation of its own, so that a mistake in
the client's cannot be made twice. Source:
https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import parse_qsl, quote

import h11

from wfinspect.simulator.faults import Refusal

MAX_BODY = 1024 * 1024
HEAD_LIMIT = 64 * 1024
_PIECE = 64 * 1024


class MalformedRequest(Exception):
    """What came is not a request that can be answered properly; the connection must end."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, as it came."""

    method: str
    path: str
    query: str
    """Still percent-encoded."""
    headers: dict[str, str]
    """Names in lower case, values trimmed; the first of a repeated name."""
    body: bytes

    def parameters(self) -> dict[str, str]:
        """Return the decoded fields of query and form; the first value of a repeated name counts."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return dict(reversed(pairs))


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"

    def events(self, at: datetime) -> Iterable[h11.Event]:
        """Return what is to be sent; `at` becomes the Date header."""
        headers = {
            "Date": format_datetime(at, usegmt=True),
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            **self.headers,
        }
        reason = HTTPStatus(self.status).phrase.encode()
        yield h11.Response(status_code=self.status, headers=list(headers.items()), reason=reason)
        yield h11.Data(data=self.body)
        yield h11.EndOfMessage()


async def read_request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> HttpRequest | None:
    """Read one request; None when the peer has gone.

    Raises:
        MalformedRequest: the bytes are not an HTTP/1 request, or one that is too large.
    """
    head, headers, body = None, dict[str, str](), bytearray()
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise MalformedRequest(error.error_status_hint, str(error)) from None
        match event:
            case h11.NEED_DATA:
                connection.receive_data(await reader.read(_PIECE))
            case h11.Request():
                head = event
                pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in head.headers]
                headers = dict(reversed(pairs))
                _refuse_size(int(headers.get("content-length", "0")))
            case h11.Data():
                body += event.data
                _refuse_size(len(body))
            case h11.EndOfMessage() if head is not None:
                path, _, query = head.target.decode("latin-1").partition("?")
                return HttpRequest(head.method.decode(), path, query, headers, bytes(body))
            case _:
                return None


def _refuse_size(size: int) -> None:
    if size > MAX_BODY:
        raise MalformedRequest(413, f"A body of more than {MAX_BODY:,} bytes is not served.")


MAX_SKEW = timedelta(minutes=15)
_NONCES = 100_000
_ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM}\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)"
)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key the service knows."""

    id: str
    secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    """Set for a temporary (STS) key, which is nothing without it."""


class Verifier:
    """Remembers nonces; belongs to one thread."""

    def __init__(self, keys: Mapping[str, AccessKey]) -> None:
        self._keys = keys
        self._nonces: set[str] = set()

    def check(self, request: HttpRequest, now: datetime) -> AccessKey:
        """Return the key that signed a request; a nonce is used up only by a good signature.

        Raises:
            Refusal: in the order of the service: what is missing, key, token, date, signature, nonce.
        """
        headers = request.headers
        access_key_id, signed, signature = _authorization(headers)
        key = self._keys.get(access_key_id)
        token = headers.get("x-acs-security-token", "")
        if key is None or (key.security_token and not token):
            raise Refusal("InvalidAccessKeyId.NotFound")
        if token != key.security_token:
            raise Refusal("InvalidSecurityToken.MismatchWithAccessKey")
        _check_date(headers.get("x-acs-date", ""), now)
        _check_signature(request, key, signed, signature)
        self._use_nonce(headers.get("x-acs-signature-nonce", ""))
        return key

    def _use_nonce(self, nonce: str) -> None:
        if not nonce:
            raise Refusal("MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
        if nonce in self._nonces:
            raise Refusal("SignatureNonceUsed")
        if len(self._nonces) >= _NONCES:
            self._nonces.clear()
        self._nonces.add(nonce)


def canonical_request(request: HttpRequest, signed_headers: str) -> str:
    """Return the text whose hash is signed, rebuilt from what arrived."""
    # A form-encoding client writes a space as +, the signature as %20: decoding and encoding it
    # accepts both.
    pairs = sorted(
        (quote(name, safe=""), quote(value, safe=""))
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    names = signed_headers.split(";")
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/%"),
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(f"{name}:{request.headers.get(name, '')}\n" for name in names),
            signed_headers,
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _authorization(headers: Mapping[str, str]) -> tuple[str, str, str]:
    given = headers.get("authorization", "")
    if not given:
        message = (
            "Authorization is mandatory for this action; a signature in the query is not served."
        )
        raise Refusal("MissingAuthorization", message)
    if not given.startswith(_ALGORITHM + " "):
        raise Refusal("InvalidSignatureMethod")
    match = _AUTHORIZATION.fullmatch(given)
    if match is None:
        raise Refusal("IncompleteSignature")
    return match[1], match[2], match[3]


def _check_date(text: str, now: datetime) -> None:
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refusal("InvalidTimeStamp.Format") from None
    if abs(now - at) > MAX_SKEW:
        raise Refusal("InvalidTimeStamp.Expired")


def _check_signature(request: HttpRequest, key: AccessKey, signed: str, signature: str) -> None:
    names = signed.split(";")
    # Without a body Content-Type may stay unsigned: the official asynchronous SDK's HTTP library
    # adds one to a GET after signing.
    required = {
        name
        for name in request.headers
        if name == "host" or name.startswith("x-acs-") or (name == "content-type" and request.body)
    }
    body_hash = hashlib.sha256(request.body).hexdigest()
    canonical = canonical_request(request, signed)
    to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(key.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    if (
        names == sorted(names)
        and required <= set(names)
        and request.headers.get("x-acs-content-sha256") == body_hash
        and hmac.compare_digest(expected, signature)
    ):
        return
    raise Refusal(
        "SignatureDoesNotMatch",
        "Specified signature is not matched with our calculation. "
        f"server string to sign is:{to_sign} server canonical request is:{canonical}",
    )
