"""Whether a request is signed as the service demands: ACS3-HMAC-SHA256, date, nonce, key and token.

An implementation of its own, so that a mistake in the client's cannot be made twice. Source:
https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from wfinspect.simulator.faults import Refusal
from wfinspect.simulator.http import HttpRequest

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
