"""How often an instance is read, and how long a reading counts as the present. Pure."""

from datetime import datetime, timedelta

# The status bar's one line needs the rules below, and not the 25 ms of this import or the 6 of `typing`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wfinspect.model import WorkflowInstance

ACTIVE_SECONDS = 15.0
DISPLAY_SECONDS = 5.0
DISPLAY_LASTS_SECONDS = 300.0  # a screen without a key costs no more than a row of the list
WAITING_SECONDS = 60.0
SETTLED_SECONDS = 600.0  # a settled run can be rerun, so it is still looked at
SETTLED_LASTS = timedelta(hours=24)
RERUN_LIKELY_SECONDS = 3600.0  # most reruns of a failure come within it
MISSING_SECONDS = 25.0  # three answers of "not found" have to span a minute
GONE_SECONDS = 3600.0
FOLLOW_SECONDS = 30.0
"""Between two readings of tasks or a log that are looked at while a run goes on."""

JITTER = 0.1
"""The largest part by which a cadence is lengthened, so that many watchers do not call in step."""

SAVED_AFTER_SECONDS = 60.0
"""How long the time of a reading may wait for other news before it is saved."""

AGE_SHOWN_SECONDS = 300.0
"""An unsettled row that was read longer ago shows its age, however long its interval is."""

_FRESH_FLOOR_SECONDS = 30.0
SETTLED = frozenset({"success", "failure"})
"""The families of runs that are over, as text."""
_NOT_BEGUN = frozenset({"idle", "waiting"})


def cadence(
    family: str, *, interval: float, is_attended: bool, has_just_failed: bool = False
) -> float:
    """Seconds between two readings of an instance in a state.

    Args:
        family: the state as last read, one of `model.Family`.
        interval: seconds for an active one, as the user set it.
        is_attended: it is on display, and a key was pressed lately.
        has_just_failed: as `has_just_failed` has it.
    """
    if family in SETTLED:
        # A settled run changes only by a rerun: a minute is soon enough to show one that is likely.
        if is_attended:
            return WAITING_SECONDS
        return max(WAITING_SECONDS if has_just_failed else SETTLED_SECONDS, interval)
    if is_attended:
        return min(DISPLAY_SECONDS, interval)
    if family in _NOT_BEGUN:
        return max(WAITING_SECONDS, interval)
    return interval


def has_just_failed(instance: "WorkflowInstance", read_at: datetime) -> bool:
    """Whether a reading was taken within an hour of a failure, so that a rerun is likely to follow."""
    over_at = instance.finished_time or instance.modify_time
    if instance.family != "failure" or over_at is None:
        return False
    return abs(read_at.timestamp() - over_at / 1000) < RERUN_LIKELY_SECONDS


def freshness_seconds(effective_interval: float) -> float:
    """How long a reading counts as the present at an interval: two missed polls and a little."""
    return max(_FRESH_FLOOR_SECONDS, 2.5 * effective_interval + 5.0)


SETTLED_FRESH_SECONDS = freshness_seconds(SETTLED_SECONDS * (1.0 + JITTER))
"""At least so long that of a settled run does: how often it is read says how likely a rerun is."""


def _age_shown_after(family: str) -> float:
    return SETTLED_FRESH_SECONDS if family in SETTLED else AGE_SHOWN_SECONDS


def old_after(family: str, interval: float) -> float:
    """Return the seconds after which the stored reading of an instance is not to be taken for the present."""
    every = cadence(family, interval=interval, is_attended=False)
    fresh = freshness_seconds(every * (1.0 + JITTER))
    return min(_age_shown_after(family), fresh + SAVED_AFTER_SECONDS)


def shows_age(instance: "WorkflowInstance", read_at: datetime, now: datetime) -> bool:
    """Whether the age of a reading is to be shown beside it, also where it counts as the present.

    What is settled changes by a rerun alone, and is read seldom by intent.
    """
    if is_final(instance, read_at):
        return False
    return (now - read_at).total_seconds() > _age_shown_after(instance.family)


def is_final(instance: "WorkflowInstance", read_at: datetime) -> bool:
    """Whether a reading needs no further one: taken a day or more after the run was over."""
    final_at = final_from(instance)
    return final_at is not None and read_at.timestamp() * 1000 >= final_at


def final_from(instance: "WorkflowInstance") -> int | None:
    """Return from when on a reading is final, in milliseconds; None where another may differ."""
    over_at = instance.finished_time or instance.modify_time
    if not instance.is_settled or over_at is None:
        return None
    return over_at + SETTLED_LASTS // timedelta(milliseconds=1)
