"""What goes wrong on demand, and how the service behaves where its documents are silent.

Set from any thread; asked by the server for each call. Knows the wire only as status and code.
"""

import threading
from dataclasses import dataclass

from wfinspect.simulator.answers import Refusal

_DENIED = {
    "AccessDeniedDetail": {
        "AuthAction": "dataworks:GetWorkflowInstance",
        "AuthPrincipalType": "SubUser",
        "AuthPrincipalOwnerId": "1823556600124410",
        "AuthPrincipalDisplayName": "245678901234567890",
        "PolicyType": "AccountLevelIdentityBasedPolicy",
        "NoPermissionType": "ImplicitDeny",
    }
}

REFUSALS = {
    "throttled": Refusal(400, "Throttling.User", "Request was denied due to user flow control."),
    "throttled-api": Refusal(
        429, "Throttling.Api", "The request was denied due to request throttling."
    ),
    "throttled-numeric": Refusal(400, "9990020002", "Throttling.User"),
    "daily-limit": Refusal(
        429, "Throttling.Api.Risk", "The number of calls of this API today exceeds the limit."
    ),
    "internal-error": Refusal(
        500, "InternalError.System", "An internal system error occurred. Try again later."
    ),
    "unavailable": Refusal(
        503,
        "ServiceUnavailable",
        "The request has failed due to a temporary failure of the server.",
    ),
    "expired-token": Refusal(
        400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."
    ),
    "inactive-key": Refusal(
        400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."
    ),
    "no-permission": Refusal(
        403,
        "403030",
        "You have no permission to perform this operation. Contact the administrator.",
    ),
    "no-permission-500": Refusal(
        500, "Forbidden.Wkbench.ProjectNoPermission", "No permission on this workspace."
    ),
    "forbidden-ram": Refusal(
        403, "Forbidden.RAM", "User not authorized to operate on the specified resource.", **_DENIED
    ),
    "not-found": Refusal(404, "InstanceNotFound", "The workflow instance does not exist."),
}
"""Faults that are an error answer."""

PAGES = frozenset({"html", "bad-gateway", "truncated", "cut", "empty", "not-json"})
"""Faults that are an answer nobody can use: a login page, a proxy's page, half a body, no object."""

OUTAGES = frozenset({"close", "reset", "hang"})
"""Faults without an answer. For a refused connection, `Simulator.refuse_connections`."""

KINDS = frozenset({*REFUSALS, *PAGES, *OUTAGES, "slow", "stale"})

SWITCHES = (
    "clock_offset_seconds",
    "is_biz_date_strict",
    "ignores_ids",
    "is_hostile",
    "is_novel",
    "is_untidy",
)
"""Attributes of Faults that `clear` puts back."""


@dataclass(eq=False, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    """One of KINDS."""
    action: str = ""
    """The operation it strikes; "" for all."""
    times: int | None = None
    """How many calls it strikes; None until it is removed."""
    retry_after_ms: int | None = None
    """Sent as x-acs-retry-after."""
    seconds: float = 0.0
    """How slow, or how stale, the answer is."""
    is_xml: bool = False
    """An error answer comes as XML."""


class Faults:
    """The faults in force and the switches, all off and strict at first.

    Attributes:
        clock_offset_seconds: how far the server's clock is ahead.
        is_biz_date_strict: List with Ids still wants the right BizDate.
        ignores_ids: List answers as if Ids had not been given.
        is_hostile: every text field and message carries `population.HOSTILE_TEXT`.
        is_novel: statuses, types and fields nobody documented.
        is_untidy: quoted numbers, line ends in strings, null and 0 for times, null for tags.
    """

    def __init__(self) -> None:
        self.clock_offset_seconds = 0.0
        self.is_biz_date_strict = True
        self.ignores_ids = False
        self.is_hostile = False
        self.is_novel = False
        self.is_untidy = False
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        action: str = "",
        times: int | None = None,
        retry_after_ms: int | None = None,
        seconds: float = 0.0,
        is_xml: bool = False,
    ) -> Fault:
        """Put a fault in force; of several that fit a call the oldest strikes.

        Raises:
            ValueError: no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}: one of {', '.join(sorted(KINDS))}")
        fault = Fault(kind, action, times, retry_after_ms, seconds, is_xml)
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """End a fault; one that has ended already is no error."""
        with self._lock:
            self._faults = [f for f in self._faults if f is not fault]

    def clear(self) -> None:
        """End all faults and put the switches back."""
        fresh = Faults()
        with self._lock:
            self._faults = []
        for name in SWITCHES:
            setattr(self, name, getattr(fresh, name))

    def take(self, action: str) -> Fault | None:
        """The fault that strikes this call, counted down; None for a call that goes well."""
        with self._lock:
            for fault in self._faults:
                if fault.action not in {"", action}:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults in force, oldest first."""
        with self._lock:
            return tuple(self._faults)
