"""Answers that say no, as the error tree. Pure.

The HTTP status differs between sources (a missing permission can come as a 500), so the ``Code``
decides; where there is none, something in between has answered.
"""

import re
from collections.abc import Mapping
from datetime import MAXYEAR, UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from wfinspect.dataworks.codes import meaning_of
from wfinspect.dataworks.envelope import not_found, request_id_of
from wfinspect.dataworks.json_bytes import bad_json, mended
from wfinspect.errors import (
    BadAnswer,
    BadRequest,
    ClockSkew,
    DailyLimit,
    NotFound,
    ServiceError,
    ServiceTrouble,
    Throttled,
    Unreachable,
    without_secrets,
)
from wfinspect.format import duration, shown
from wfinspect.regions import day_ends_at

_FIRST_YEAR = 1970

_LONGEST_ERROR = 65_536
"""Bytes; a longer body would cost many times as much in memory, and says no more."""

NO_SKEW = timedelta(minutes=4)
"""Less may be a slow answer; the service allows 15 minutes."""

MAX_RETRY_AFTER = 120.0
"""Seconds; what a service may ask to wait at most, as in the official SDK."""

_NO_INSTANCE = re.compile(
    r"instance\b.{0,40}\b(not exist|not found|doesn.t exist)|实例.{0,20}不存在", re.IGNORECASE
)


def failure_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    asked: int | None = None,
    kind: str = "workflow instance",
    region: str = "",
) -> ServiceError:
    """What an answer with an error status, or with a ``Code`` in place of data, means.

    Args:
        status: the HTTP status.
        headers: the answer's headers, by lower-case names.
        body: JSON, XML, or whatever something in between wrote.
        now: the time the answer came, by this machine's clock.
        asked: the ID of the one thing that was asked for, None for a list.
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
        error_type is BadRequest and _NO_INSTANCE.search(message)
    )
    if is_unknown and asked is not None:
        return not_found(asked, kind=kind, code=code, request_id=request_id)
    message = f" It says: {shown(message, limit=200)}" if message else ""
    filled = sentence.format(
        code=code,
        status=status,
        action=_action(answer),
        message=message,
        until=f"{day_ends_at(region, now):%Y-%m-%d %H:%M %z}" if error_type is DailyLimit else "",
    )
    error = error_type(filled, code=code, request_id=request_id)
    if isinstance(error, Throttled):
        error.retry_after_seconds = retry_after_seconds(headers, now)
    return error


def has_code(body: bytes) -> bool:
    """Whether a body that came with a good status reports an error all the same."""
    code = _text(_members(body), "Code", "ErrorCode").upper()
    return code not in {"", "0", "200", "OK", "SUCCESS"}


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """What the service asks to wait: ``x-acs-retry-after`` in milliseconds, else ``Retry-After``.

    None where it asks for nothing that makes sense; at most MAX_RETRY_AFTER.
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
    """A Date header as an aware time; None where it is none, or one that no clock shows."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if not _FIRST_YEAR <= at.year < MAXYEAR:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _without_code(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> ServiceError:
    cause = f"HTTP {status}"
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        target = shown(without_secrets(headers.get("location", "elsewhere")), limit=100)
        sentence = f"The answer leads to {target}: is a login page or a proxy in the way?"
        return BadAnswer(sentence, cause=cause)
    if status == 407:  # noqa: PLR2004 - proxy authentication
        sentence = (
            "A proxy wants a user name and password (HTTP 407): put them into HTTPS_PROXY as "
            "http://user:password@host:port."
        )
        return Unreachable(sentence, cause="proxy login", is_permanent=True, exit_code=4)
    if status == 429:  # noqa: PLR2004 - too many requests
        sentence = (
            "Something before the service asks for fewer calls (HTTP 429): wait some seconds before "
            "the next one."
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
        # The date was right when it was signed, so it was changed or held up on the way.
        sentence = (
            f"The service refuses the date of the call ({code}), although both clocks agree: see "
            "whether a proxy changes or holds up requests, and compare the clock with `timedatectl`."
        )
    else:
        sentence = (
            f"This machine's clock is {duration(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the "
            f"service's, more than the service allows ({code}): set it, for instance with "
            "`timedatectl set-ntp true`."
        )
    return ClockSkew(
        sentence,
        code=code,
        request_id=request_id,
        skew_seconds=skew,
    )


def _members(body: bytes) -> dict[str, Any]:
    """The members of an error body, JSON or XML; empty for anything else, or for what is no error."""
    if len(body) > _LONGEST_ERROR:
        return {}
    if body[:200].lstrip().startswith((b"<?xml", b"<Error")):
        import html  # noqa: PLC0415 - slow to import, and hardly any error is XML

        text = body.decode("utf-8", "replace")
        return {name: html.unescape(value) for name, value in _XML_MEMBER.findall(text)}
    try:
        return msgspec.json.decode(mended(body), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


# A parser would be one more thing to harden against hostile entities, for three flat members.
_XML_MEMBER = re.compile(r"<(Code|Message|RequestId)>([^<]{0,4000})</\1>")


def _text(answer: Mapping[str, Any], *names: str) -> str:
    """The first of some members, in either spelling of its first letter."""
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
