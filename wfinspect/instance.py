"""A workflow instance and its states, in the service's words. Knows no JSON, no HTTP, no terminal.

Field names are those of GetWorkflowInstance (2024-05-18) in snake case; the reference is
https://help.aliyun.com/zh/dataworks/developer-reference/api-dataworks-public-2024-05-18-getworkflowinstance
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType

InstanceId = NewType("InstanceId", int)
"""An instance's ID: 1 to 2**63 - 1."""

MAX_INSTANCE_ID = 2**63 - 1

MAX_STATUS = 100
"""Characters of a status that are read: it is written into each change, compared and counted."""


class Status(StrEnum):
    """The documented states of an instance, and one for words nobody documented."""

    NOT_RUN = "NotRun"
    RUNNING = "Running"
    WAIT_TIME = "WaitTime"
    CHECKING_CONDITION = "CheckingCondition"
    WAIT_RESOURCE = "WaitResource"
    WAIT_TRIGGER = "WaitTrigger"
    FAILURE = "Failure"
    SUCCESS = "Success"
    CHECKING = "Checking"
    UNKNOWN = "Unknown"

    @classmethod
    def of(cls, word: str) -> "Status":
        """The state a word of the service names; UNKNOWN for any other word."""
        try:
            return cls(word)
        except ValueError:
            return cls.UNKNOWN


class Family(StrEnum):
    """What a state means to somebody who watches; what needs them most comes first."""

    FAILURE = "failure"
    UNKNOWN = "unknown"
    ACTIVE = "active"
    WAITING = "waiting"
    IDLE = "idle"
    SUCCESS = "success"

    @property
    def is_settled(self) -> bool:
        """Whether the run is over. Not for ever: a rerun starts it anew."""
        return self in _SETTLED


_SETTLED = frozenset({Family.SUCCESS, Family.FAILURE})
_FAMILIES: dict[str, Family] = {
    Status.NOT_RUN: Family.IDLE,
    Status.WAIT_TIME: Family.WAITING,
    Status.WAIT_RESOURCE: Family.WAITING,
    Status.WAIT_TRIGGER: Family.WAITING,
    Status.CHECKING_CONDITION: Family.WAITING,
    Status.RUNNING: Family.ACTIVE,
    Status.CHECKING: Family.ACTIVE,
    Status.SUCCESS: Family.SUCCESS,
    Status.FAILURE: Family.FAILURE,
    Status.UNKNOWN: Family.UNKNOWN,
}


def family_of(word: str) -> Family:
    """The family of a status as the service wrote it."""
    return _FAMILIES.get(word) or Family.UNKNOWN


class Tag(NamedTuple):
    """A tag of an instance; both parts as they came."""

    key: str
    value: str


class Unreadable(NamedTuple):
    """A field that the service sent in a form that can't be read."""

    name: str
    """As the attribute that is left empty for it."""
    json: str
    """The value as it came."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class WorkflowInstance:
    """One reading of an instance: the 19 fields of the service, nothing derived.

    Times are milliseconds since the epoch; absent, null, 0 and negative all mean "not yet" and are
    None. Text is kept as it came. A field the service left out is None, or "" for text; so is one
    that can't be read, which `unreadable` holds. Only an ID and a status are always there.
    """

    id: InstanceId
    name: str = ""
    status: str = ""
    """The word as it came; `family` and `Status.of` interpret it."""
    type: str = ""
    env_type: str = ""
    workflow_id: int | None = None
    workflow_task_instance_id: int | None = None
    unified_workflow_instance_id: int | None = None
    project_id: int | None = None
    biz_date: int | None = None
    """Milliseconds; midnight of the business date in the region's scheduling zone."""
    started_time: int | None = None
    finished_time: int | None = None
    create_time: int | None = None
    modify_time: int | None = None
    owner: str = ""
    create_user: str = ""
    modify_user: str = ""
    workflow_parameters: str = ""
    """The raw text; `parameters.parse_parameters` reads it."""
    tags: tuple[Tag, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    """Names of fields in the answer that are not among the documented 19."""
    unreadable: tuple[Unreadable, ...] = ()
    """Where it names `project_id`, `biz_date` or `env_type`, that may hold what was known before."""
    raw: str = field(default="", compare=False, repr=False)
    """The JSON object exactly as it came."""

    @property
    def family(self) -> Family:
        """What the state means to somebody who watches."""
        return family_of(self.status)

    @property
    def is_settled(self) -> bool:
        """Whether the run is over (Success or Failure)."""
        return self.family.is_settled

    def run_seconds(self, now: datetime) -> float | None:
        """How long the run took, or has taken so far; negative where its times make no sense.

        None before it started, and for one that is over at a time the service does not give.
        """
        end = self.finished_time if self.is_settled else now.timestamp() * 1000
        if self.started_time is None or end is None:
            return None
        return (end - self.started_time) / 1000


Account = tuple[str, str]
"""A profile and a region: whom calls are counted for."""


class Binding(NamedTuple):
    """Where an instance lives: two accounts or two regions never mix, nor does a simulator."""

    profile: str
    """Name of the CLI profile, ``(env)`` for keys from the environment."""
    region: str
    endpoint: str
    """Host for https; a whole ``http://127.0.0.1:port`` URL for a loopback service."""

    @property
    def account(self) -> Account:
        """Profile and region."""
        return self.profile, self.region


class InstanceKey(NamedTuple):
    """An instance's whole identity."""

    binding: Binding
    id: InstanceId


class Transition(NamedTuple):
    """A change of status between two good readings."""

    key: InstanceKey
    name: str
    from_status: str
    to_status: str
    at: datetime
    """The service's own time of the change where it is more exact than the readings, else the
    second reading's."""
    seen_after: datetime
    """The last good reading that still gave from_status."""
    seen_by: datetime
    """The first good reading that gave to_status."""
    is_service_time: bool = False
    is_rerun: bool = False
    """A settled run was followed by a new one."""

    @property
    def family(self) -> Family:
        """The family of the new state."""
        return family_of(self.to_status)
