"""The service's error codes: which error each one is, and its sentence. A table, no code.

Sources: the gateway's public error pages, the 2020-05-18 DataWorks pages, and codes seen in live
runs. ``{message}`` is what the service says itself; sentences about keys leave it out, since some
refusals quote the whole request that was signed. A sentence says what the caller can do, and nothing
of what a watch does by itself: commands that run once print it too.
"""

import re

from wfinspect.errors import (
    BadRequest,
    ClockSkew,
    DailyLimit,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    Throttled,
)

Meaning = tuple[type[ServiceError], str]
"""The error's class, and its sentence with places for {code}, {status}, {action}, {until} and {message}."""

_UNKNOWN_KEY = (
    "The service does not know the access key ({code}): check the profile or the "
    "ALIBABA_CLOUD_ACCESS_KEY_ID that is used."
)
_INACTIVE_KEY = (
    "The access key is disabled ({code}): enable it in the RAM console or use another one."
)
_WRONG_KEY = (
    "The service refuses the signature ({code}): the secret does not belong to the access key ID; "
    "run `aliyun configure`, or set both ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET."
)
_EXPIRED = (
    "The security token has expired or does not belong to the key ({code}): get new ones, as by "
    "`aliyun configure`."
)
_PERMISSION = (
    "The account may not do this ({code}{action}): ask for the RAM permissions dataworks:Get* and "
    "dataworks:List* and for membership of the workspace.{message}"
)
_RISK_CONTROL = (
    "The account is held by risk control ({code}): its owner has to sort that out in the console."
)
_EDITION = (
    "The service does not open this call to the account ({code}): try again in some minutes, since a "
    "change of edition takes effect late; if it stays so, check in the console that the DataWorks "
    "edition is bought and includes OpenAPI."
)
_REGION = (
    "DataWorks does not serve this call in the region ({code}): check --region, and the region of the "
    "workspace in the console."
)
_BALANCE = "The account has no balance left ({code}): top it up in the console."
_NOT_ACTIVATED = (
    "DataWorks is not activated for this account and region ({code}): check --profile and --region."
)
_REPEATED = (
    "The service took the call for a repeated one ({code}): try again; if it stays so, something on "
    "the way sends requests twice."
)
_DAILY = (
    "The account's calls for today are used up ({code}): they are allowed again from {until}; set "
    "--budget below the edition's daily limit."
)
_QUOTA = (
    "The quota of calls of the DataWorks edition is used up ({code}): they are allowed again from "
    "{until} at the earliest; set --budget below the quota, or choose a larger edition."
)
_BUSY = (
    "The service asks for fewer calls ({code}): wait some seconds before the next one, and see what "
    "else calls for this account."
)
_TROUBLE = "The service has a fault of its own ({code}): nothing to do but try again later."
_ENDPOINT = (
    "This endpoint does not serve the call ({code}): check --region and --endpoint; a DataWorks "
    "host is dataworks.<region>.aliyuncs.com."
)
_NEED_TLS = "The service wants https ({code}): leave off --endpoint, or write it with https://."
_PROJECT = (
    "The service knows no such workspace for this account and region ({code}): check --profile and "
    "--region."
)
_PARAMETER = "The service does not accept the call ({code}): check the ID and the region.{message}"
_NO_INSTANCE = "The service knows none of the instances it was asked for ({code}).{message}"
_OTHER = (
    "The service refuses the call with a code that is not known here ({code}, HTTP {status}): check the "
    "ID, --profile and --region.{message}"
)
_OTHER_TROUBLE = (
    "The service fails with a code that is not known here ({code}, HTTP {status}): try again "
    "later.{message}"
)

EXACT: dict[str, Meaning] = {
    "InvalidAccessKeyId.Inactive": (Refused, _INACTIVE_KEY),
    "SignatureDoesNotMatch": (Refused, _WRONG_KEY),
    "IncompleteSignature": (Refused, _WRONG_KEY),
    "InvalidSignatureMethod": (Refused, _WRONG_KEY),
    "SignatureNonceUsed": (ServiceTrouble, _REPEATED),
    "Throttling.Api.Risk": (DailyLimit, _DAILY),
    "9990020002": (Throttled, _BUSY),
    "InternalFailure": (ServiceTrouble, _TROUBLE),
    "InvalidApi.NotFound": (BadRequest, _ENDPOINT),
    "InvalidAction.NotFound": (BadRequest, _ENDPOINT),
    "InvalidVersion": (BadRequest, _ENDPOINT),
    "InvalidProduct.NotFound": (BadRequest, _ENDPOINT),
    "UnsupportedHTTPMethod": (BadRequest, _ENDPOINT),
    "InvalidProtocol.NeedSsl": (BadRequest, _NEED_TLS),
    "NoPermission": (Refused, _PERMISSION),
    "403030": (Refused, _PERMISSION),
    "Forbidden.RiskControl": (Refused, _RISK_CONTROL),
    "Forbidden.Access": (Refused, _EDITION),
    "Forbidden.Not.Server": (Refused, _REGION),
    "InsufficientBalance": (Refused, _BALANCE),
    "9990010001": (Refused, _NOT_ACTIVATED),
    "9990030003": (BadRequest, _PARAMETER),
    "58014884415": (BadRequest, _PARAMETER),
    "1201111431": (BadRequest, _PARAMETER),
    "InvalidProject.NotFound": (BadRequest, _PROJECT),
    "ProjectNotFound": (BadRequest, _PROJECT),
}

# The gateway itself misspells one of the Forbidden family.
_FAMILIES: tuple[tuple[str, Meaning], ...] = (
    (r"(InvalidTimeStamp|IllegalTimestamp)\b.*", (ClockSkew, "")),
    (r"InvalidAccessKeyId\b.*", (Refused, _UNKNOWN_KEY)),
    (r"InvalidSecurityToken\b.*|.*TokenExpired", (Refused, _EXPIRED)),
    (r"Throttling\.Resource\b.*|.*Quota\.?(Exceed|Exhaust|Full).*", (DailyLimit, _QUOTA)),
    (r"Throttling\b.*", (Throttled, _BUSY)),
    (r".*Instance.*Not\.?(Found|Exist)s?", (NotFound, _NO_INSTANCE)),
    (
        r"Forb+id+en\b.*|.*NoPermission|.*(NotAuthori[sz]ed|Unauthori[sz]ed|AccessDenied)\b.*",
        (Refused, _PERMISSION),
    ),
    (r"InternalError\b.*|ServiceUnavailable.*", (ServiceTrouble, _TROUBLE)),
    (r"(Missing|Invalid).*", (BadRequest, _PARAMETER)),
)

_BY_STATUS: dict[int, type[ServiceError]] = {
    401: Refused,
    403: Refused,
    404: NotFound,
    429: Throttled,
}
_SERVER_ERRORS = 500


def meaning_of(code: str, status: int) -> Meaning:
    """What a code means; the HTTP status decides only about a code that is not known."""
    if code in EXACT:
        return EXACT[code]
    for pattern, meaning in _FAMILIES:
        if re.fullmatch(pattern, code, re.IGNORECASE):
            return meaning
    if status >= _SERVER_ERRORS:
        return ServiceTrouble, _OTHER_TROUBLE
    kind = _BY_STATUS.get(status, BadRequest)
    return kind, _BUSY if kind is Throttled else _OTHER
