"""What a failed call means: an answer with an error, or no answer; which error it is, and its sentence.

A sentence says what the caller can do, and nothing of what a watch does by itself: commands that run once print
it too.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import httpcore
import httpx
import msgspec

from wfinspect.dataworks.decoding import bad_json, not_found, repaired, request_id_of
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ClockSkew,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
    starvation,
)
from wfinspect.format import duration, shown
from wfinspect.model import day_ends_at, zone_behind
from wfinspect.redaction import without_secrets

# An answer with an error.


# Bytes; a longer body would cost many times as much in memory, and says no more.
_LONGEST_ERROR = 65_536

NO_SKEW = timedelta(minutes=4)
"""Less may be a slow answer; the service allows 15 minutes."""

MAX_RETRY_AFTER = 120.0
"""Seconds; the longest wait that a service may demand, as in the official SDK."""

_FIRST_YEAR = 1970
_SAYS_NO_INSTANCE = re.compile(
    r"instance\b.{0,40}\b(not exist|not found|doesn.t exist)|实例.{0,20}不存在", re.IGNORECASE
)


def failure_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    requested_id: int | None = None,
    kind: str = "workflow instance",
    region: str = "",
) -> ServiceError:
    """Return the error that an answer with an error status, or with a ``Code`` in place of data, stands for.

    Args:
        status: the HTTP status.
        headers: the answer's headers, by lower-case names.
        body: JSON, XML, or whatever something in between wrote.
        now: the time the answer came, by this machine's clock.
        requested_id: the ID of the one thing that was requested, None for a list.
        kind: what a sentence calls that.
        region: decides when a day of calls ends.
    """
    answer = _members(body)
    code = shown(_text(answer, "Code", "ErrorCode"), limit=80)
    request_id = _text(answer, "RequestId") or headers.get("x-acs-request-id", "")
    request_id = request_id_of(without_secrets(request_id))
    if not code:
        return _without_code(status, headers, body, now)
    error_type, sentence = meaning_of(code, status)
    if error_type is ClockSkew:
        return _clock_skew(code, request_id, headers, now)
    message = _text(answer, "Message")
    # The service documents no code for an unknown instance, so a general one may stand for it.
    is_unknown = error_type is NotFound or (
        error_type is BadRequest and _SAYS_NO_INSTANCE.search(message)
    )
    if is_unknown and requested_id is not None:
        return not_found(requested_id, kind=kind, code=code, request_id=request_id)
    message = f" It says: {shown(message, limit=200)}" if message else ""
    ends_at = day_ends_at(region, now)
    filled = sentence.format(
        code=code,
        status=status,
        action=_action(answer),
        message=message,
        until=f"{ends_at:%Y-%m-%d %H:%M}{zone_behind(ends_at)}" if error_type is DailyLimit else "",
    )
    wait = retry_after_seconds(headers, now)
    return error_type(filled, code=code, request_id=request_id, retry_after_seconds=wait)


def has_code(body: bytes) -> bool:
    """Return whether a body that came with a good status reports an error all the same."""
    code = _text(_members(body), "Code", "ErrorCode").upper()
    return code not in {"", "0", "200", "OK", "SUCCESS"}


def _without_code(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> ServiceError:
    cause = f"HTTP {status}"
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        target = shown(without_secrets(headers.get("location", "elsewhere")), limit=100)
        sentence = f"The answer is a redirect to {target}: check whether a proxy or a login page is in the way."
        return BadAnswer(sentence, cause=cause)
    if status == 407:  # noqa: PLR2004 - proxy authentication
        sentence = (
            "A proxy wants a user name and password (HTTP 407): put them into HTTPS_PROXY as "
            "http://user:password@host:port."
        )
        return Unreachable(sentence, cause="proxy login", is_permanent=True, exit_code=4)
    if status == 429:  # noqa: PLR2004 - too many requests
        sentence = (
            "A gateway before the service takes no more calls for the moment (HTTP 429): wait some "
            "seconds before the next one."
        )
        wait = retry_after_seconds(headers, now)
        return Throttled(sentence, cause=cause, retry_after_seconds=wait)
    if 500 <= status < 600:  # noqa: PLR2004 - server errors
        sentence = f"A gateway before the service answers HTTP {status}: try again later."
        return ServiceTrouble(sentence, cause=cause)
    if body.lstrip().startswith(b"<"):
        return bad_json(body, ValueError())
    sentence = (
        f"The answer has HTTP status {status} and none of the service's codes: it was not used."
    )
    return BadAnswer(sentence, cause=cause)


def _clock_skew(
    code: str, request_id: str, headers: Mapping[str, str], now: datetime
) -> ServiceError:
    at = http_date(headers.get("date", ""))
    skew = None if at is None else (at - now).total_seconds()
    if skew is None:
        sentence = (
            f"The service refuses the date of the call ({code}): compare this machine's clock with "
            "`timedatectl`, and set it if it is off."
        )
    elif abs(skew) < NO_SKEW.total_seconds():
        # The date was right when it was signed, so the request was changed or delayed on the way.
        sentence = (
            f"The service refuses the date of the call ({code}), although both clocks agree: check "
            "whether a proxy changes or delays requests, and compare the clock with `timedatectl`."
        )
    else:
        sentence = (
            f"This machine's clock is {duration(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the "
            f"service's, more than the service allows ({code}): set it, for instance with "
            "`timedatectl set-ntp true`."
        )
    return ClockSkew(sentence, code=code, request_id=request_id)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long the service says to wait: ``x-acs-retry-after`` in milliseconds, else ``Retry-After``.

    None where it says nothing that makes sense; at most MAX_RETRY_AFTER.
    """
    ours = headers.get("x-acs-retry-after", "").strip()
    standard = headers.get("retry-after", "").strip()
    seconds = 0.0
    if re.fullmatch(r"[0-9]{1,12}", ours) and int(ours) > 0:
        seconds = int(ours) / 1000
    elif re.fullmatch(r"[0-9]{1,12}", standard):
        seconds = float(standard)
    elif (at := http_date(standard)) is not None:
        seconds = (at - now).total_seconds()
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None


def http_date(text: str) -> datetime | None:
    """Return a Date header as an aware time; None where it is not a date, or not one a clock can show."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if not _FIRST_YEAR <= at.year < MAXYEAR:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


# A parser would be one more thing to harden against hostile entities, for three flat members.
_XML_MEMBER = re.compile(r"<(Code|Message|RequestId)>([^<]{0,4000})</\1>")


def _members(body: bytes) -> dict[str, Any]:
    """Return the members of an error body, JSON or XML; nothing for any other body."""
    if len(body) > _LONGEST_ERROR:
        return {}
    if body[:200].lstrip().startswith((b"<?xml", b"<Error")):
        import html  # noqa: PLC0415 - slow to import, and hardly any error is XML

        text = body.decode("utf-8", "replace")
        return {name: html.unescape(value) for name, value in _XML_MEMBER.findall(text)}
    try:
        return msgspec.json.decode(repaired(body), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _text(answer: Mapping[str, Any], *names: str) -> str:
    """Return the first of some members, in either spelling of its first letter."""
    for name in names:
        for spelling in (name, name[0].lower() + name[1:]):
            value = answer.get(spelling)
            if isinstance(value, str | int) and not isinstance(value, bool):
                # Before anything is shortened.
                return without_secrets(str(value).strip())
    return ""


def _action(answer: Mapping[str, Any]) -> str:
    detail = answer.get("AccessDeniedDetail") or answer.get("accessDeniedDetail")
    action = _text(detail, "AuthAction") if isinstance(detail, dict) else ""
    return f", {shown(action, limit=80)}" if action else ""


# The service's codes. Sources: the gateway's public error pages, the 2020-05-18 DataWorks pages, and codes seen in
# live runs.

Meaning = tuple[type[ServiceError], str]
"""An error, and its sentence with places for {code}, {status}, {action}, {until} and {message}."""

_SERVER_ERRORS = 500
_BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: Refused,
    403: Refused,
    404: NotFound,
    429: Throttled,
}


def meaning_of(code: str, status: int) -> Meaning:
    """Return what a code means; the HTTP status decides only about a code that is not known."""
    for pattern, meaning in MEANINGS.items():
        if re.fullmatch(pattern, code, re.IGNORECASE):
            return meaning
    if status >= _SERVER_ERRORS:
        return ServiceTrouble, _OTHER_TROUBLE
    kind = _BY_STATUS.get(status, BadRequest)
    return kind, _BUSY if kind is Throttled else _OTHER


_BUSY = "The service takes no more calls for the moment ({code}): wait some seconds before the next one, and check what else makes calls for this account."
_OTHER = "The service refuses the call with a code that is not known here ({code}, HTTP {status}): check the ID, --profile and --region.{message}"
_OTHER_TROUBLE = "The service fails with a code that is not known here ({code}, HTTP {status}): try again later.{message}"

# The first pattern that matches the whole of a code decides: DailyLimit comes before Throttled, and all before the
# rest of BadRequest. The gateway itself misspells one of the Forbidden family.
_TABLE: Mapping[type[ServiceError], str] = {
    ClockSkew: r"""
(InvalidTimeStamp|IllegalTimestamp)\b.*
""",
    DailyLimit: r"""
Throttling\.Api\.Risk  The account's calls for today are used up ({code}): they are allowed again from {until}; set --budget below the edition's daily limit.
Throttling\.Resource\b.*|.*Quota\.?(Exceed|Exhaust|Full).*  The quota of calls of the DataWorks edition is used up ({code}): they are allowed again from {until} at the earliest; set --budget below the quota, or choose a larger edition.
""",
    Throttled: rf"""
Throttling\b.*|9990020002  {_BUSY}
""",
    NotFound: r"""
.*Instance.*Not\.?(Found|Exist)s?  The service knows none of the instances that were requested ({code}).{message}
""",
    Refused: r"""
InvalidAccessKeyId\.Inactive  The access key is disabled ({code}): enable it in the RAM console or use another one.
InvalidAccessKeyId\b.*  The service does not know the access key ({code}): check the profile or the ALIBABA_CLOUD_ACCESS_KEY_ID that is used.
SignatureDoesNotMatch|IncompleteSignature|InvalidSignatureMethod  The service refuses the signature ({code}): the secret does not belong to the access key ID; run `aliyun configure`, or set both ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.
InvalidSecurityToken\b.*|.*TokenExpired  The security token has expired or does not belong to the key ({code}): get new ones, as by `aliyun configure`.
Forbidden\.RiskControl  The account is blocked by risk control ({code}): its owner has to resolve that in the console.
Forbidden\.Access  The service does not open this call to the account ({code}): try again in some minutes, since a change of edition takes effect late; if it is still refused then, check in the console that the DataWorks edition is bought and includes OpenAPI.
Forbidden\.Not\.Server  DataWorks does not serve this call in the region ({code}): check --region, and the region of the workspace in the console.
InsufficientBalance  The account has no balance left ({code}): top it up in the console.
9990010001  DataWorks is not activated for this account and region ({code}): check --profile and --region.
Forb+id+en\b.*|.*NoPermission|403030|.*(NotAuthori[sz]ed|Unauthori[sz]ed|AccessDenied)\b.*  The account may not do this ({code}{action}): it needs the RAM permissions dataworks:Get* and dataworks:List*, and membership of the workspace.{message}
""",
    ServiceTrouble: r"""
SignatureNonceUsed  The service took the call for a repeated one ({code}): try again; if it happens again, check whether a proxy sends requests twice.
Internal(Error\b.*|Failure)|ServiceUnavailable.*  The service has an internal fault ({code}): try again later.
""",
    BadRequest: r"""
(InvalidApi|InvalidAction|InvalidProduct)\.NotFound|InvalidVersion|UnsupportedHTTPMethod  This endpoint does not serve the call ({code}): check --region and --endpoint; a DataWorks host is dataworks.<region>.aliyuncs.com.
InvalidProtocol\.NeedSsl  The service wants https ({code}): leave off --endpoint, or write it with https://.
(Invalid)?Project\.?NotFound  The service does not know the workspace for this account and region ({code}): check the workspace's ID (--project), --profile and --region.
(Missing|Invalid).*|9990030003|58014884415|1201111431  The service does not accept a value of the call ({code}): check the ID, the other values and the region.{message}
""",
}

MEANINGS: Mapping[str, Meaning] = {
    pattern: (kind, sentence)
    for kind, lines in _TABLE.items()
    for pattern, _, sentence in (line.partition("  ") for line in lines.strip().splitlines())
}
"""What each code means, by a pattern of codes."""


# No answer.


class Stage(Enum):
    """How far a connection has come."""

    CONNECT = "connection to the proxy"
    TLS = "TLS with the proxy itself"
    TUNNEL = "the proxy is to connect to the service"
    SERVICE = "the service, directly or through the proxy"


def contact_error(
    error: Exception, host: str, proxy: str = "", stage: Stage = Stage.SERVICE
) -> ServiceError:
    """Return the error that an exception of httpx or httpcore stands for.

    Args:
        error: the exception.
        host: the endpoint's, with its port if it is an unusual one.
        proxy: host and port of the proxy between, "" for none.
        stage: how far the connection had come.
    """
    if refused := next(filter(None, map(starvation, _chain(error))), ""):
        return Unreachable(f"No connection to {host}: {refused}.", cause="too few resources")
    if proxy and stage is not Stage.SERVICE:
        return _error_at_proxy(error, host, proxy, stage)
    if proxy:
        host = f"{host} (through the proxy {proxy})"
    if isinstance(error, httpx.RemoteProtocolError) and not is_closed(error):
        return BadAnswer(
            f"The answer of {host} is not HTTP, and was not used: check --endpoint, and whether a proxy "
            "is in the way."
        )
    return _unreachable(error, _AT_SERVICE, host=host)


def _unreachable(error: Exception, sentences: Mapping[str, str], **names: str) -> Unreachable:
    """Return the error for the first of `_FAULTS` that is among an exception's causes."""
    causes = list(_chain(error))
    found = ((each, name) for name, kinds in _FAULTS for each in causes if isinstance(each, kinds))
    first, name = next(found)
    cause, _, sentence = sentences.get(name, sentences[_OTHER_FAULT]).partition(": ")
    is_permanent = isinstance(first, ssl.SSLError) and not isinstance(first, ssl.SSLEOFError)
    sentence = sentence.format(why=_why(first), **names)
    return Unreachable(sentence, cause=cause, is_permanent=is_permanent)


def is_closed(error: Exception) -> bool:
    """Return whether the other side ended a connection too early, which has no class of its own."""
    return str(error).startswith(("Server disconnected", "peer closed connection"))


def _error_at_proxy(error: Exception, host: str, proxy: str, stage: Stage) -> Unreachable:
    if isinstance(error, httpx.ProxyError):
        return _refused_by_proxy(str(error), host, proxy)
    if isinstance(error, httpx.RemoteProtocolError) and not is_closed(error):
        return Unreachable(
            f"What answers at {proxy} is not an HTTP proxy: {_CHECK_PROXY}.",
            cause="proxy",
            is_permanent=True,
        )
    sentences = _AT_TLS_OF_PROXY if stage is Stage.TLS else _AT_PROXY
    return _unreachable(error, sentences, proxy=proxy)


def _refused_by_proxy(answer: str, host: str, proxy: str) -> Unreachable:
    """Return the error for a proxy's answer to CONNECT: the status and its reason."""
    status = answer[:3]
    said = f"HTTP {shown(without_secrets(answer), limit=60).strip()}"
    cause, is_permanent, exit_code = "proxy", True, 3
    if status == "407":
        # Many proxies lock an account after some wrong passwords, so this is nothing to repeat: exit code 4.
        cause, exit_code = "proxy login", 4
        sentence = (
            f"The proxy {proxy} wants a user name and password, or others ({said}): put them into "
            "HTTPS_PROXY as http://user:password@host:port, special characters percent-encoded."
        )
    elif status == "403":
        sentence = (
            f"The proxy {proxy} forbids connections to {host} ({said}): have its administrator allow "
            "them, or name the host in NO_PROXY if it can be reached directly."
        )
    elif status in {"500", "502", "503", "504"}:
        is_permanent = False
        sentence = (
            f"The proxy {proxy} can't reach {host} ({said}): check --region, NO_PROXY, and whether the "
            "proxy has a way out."
        )
    else:
        is_permanent = status.startswith("4")
        sentence = (
            f"What answers at {proxy} does not work as a proxy ({said}): check the host and port in "
            "HTTPS_PROXY."
        )
    return Unreachable(sentence, cause=cause, is_permanent=is_permanent, exit_code=exit_code)


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    # A chain may be a ring.
    for _ in range(20):
        if current is None:
            return
        # An interrupted handshake leaves these behind; they are not faults.
        if not isinstance(current, ssl.SSLWantReadError | ssl.SSLWantWriteError):
            yield current
        current = current.__cause__ or current.__context__


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return shown(error.verify_message.rstrip("."), limit=100)
    if isinstance(error, ssl.SSLError):
        return shown((error.reason or "no reason given").replace("_", " ").lower(), limit=100)
    return shown(without_secrets(str(error)), limit=100)


_OTHER_FAULT = "broken"
_FAULTS: Sequence[tuple[str, type[BaseException] | tuple[type[BaseException], ...]]] = (
    ("certificate", ssl.SSLCertVerificationError),
    ("TLS", ssl.SSLError),
    ("name", socket.gaierror),
    ("refused", ConnectionRefusedError),
    ("timeout", (httpx.TimeoutException, httpcore.TimeoutException, TimeoutError)),
    ("no connection", (httpx.ConnectError, httpcore.ConnectError)),
    (_OTHER_FAULT, Exception),
)
# For each fault the cause, a colon and the sentence, by the party that caused it.
_AT_SERVICE = {
    "certificate": "certificate: The certificate of {host} does not verify ({why}): if your company inspects TLS, point "
    "SSL_CERT_FILE at its CA bundle; else it is not the service that answers.",
    "TLS": "TLS: No TLS connection to {host} can be agreed on ({why}): check --endpoint, and whether a proxy is in the way.",
    "name": "no such host: The name {host} can't be resolved: check the network, the VPN and --region.",
    "refused": "connection refused: {host} refuses connections: check --endpoint, and whether the service is up.",
    "timeout": "timeout: {host} did not answer in time: check the network and the VPN; --endpoint vpc works inside "
    "Alibaba Cloud only.",
    "no connection": "unreachable: No connection to {host} can be made: check the network, the VPN and --endpoint.",
    _OTHER_FAULT: "connection lost: The connection to {host} broke off before the whole answer came: try again, and check "
    "the network if it happens again.",
}
_CHECK_PROXY = (
    "check the host and port in HTTPS_PROXY; https:// is for a proxy that speaks TLS itself, and socks "
    "is not served"
)
_AT_PROXY = {
    "name": "proxy not found: The name of the proxy {proxy} can't be resolved: check HTTPS_PROXY, the network and the VPN.",
    "refused": "proxy refuses: The proxy {proxy} refuses connections: check the host and port in HTTPS_PROXY, and whether "
    "the proxy is up.",
    "timeout": "proxy timeout: The proxy {proxy} did not answer in time: check HTTPS_PROXY, the network and the VPN.",
    "no connection": "proxy unreachable: No connection to the proxy {proxy} can be made: check HTTPS_PROXY, the network "
    "and the VPN.",
    _OTHER_FAULT: f"proxy: The proxy {{proxy}} closed the connection: {_CHECK_PROXY}.",
}
_AT_TLS_OF_PROXY = {
    "certificate": "proxy certificate: The certificate of the proxy {proxy} does not verify ({why}): point SSL_CERT_FILE "
    "at your company's CA bundle.",
    "TLS": "proxy TLS: The proxy {proxy} does not speak TLS as HTTPS_PROXY says ({why}): write http:// in place of "
    "https:// there.",
    "timeout": "proxy timeout: The proxy {proxy} did not answer the beginning of TLS in time: write http:// in place of "
    "https:// in HTTPS_PROXY if it does not speak TLS itself.",
    _OTHER_FAULT: "proxy TLS: The proxy {proxy} does not speak TLS as HTTPS_PROXY says (it closed the connection): write "
    "http:// in place of https:// there.",
}
