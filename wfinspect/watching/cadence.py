"""How often an instance is read, and how long a reading counts as the present. Pure."""

from datetime import datetime, timedelta

from wfinspect.model import Family, WorkflowInstance

ACTIVE_SECONDS = 15.0
DISPLAY_SECONDS = 5.0
DISPLAY_LASTS_SECONDS = 300.0  # a screen without a key costs no more than a row of the list
WAITING_SECONDS = 60.0
SETTLED_SECONDS = 600.0  # a settled run can be rerun, so it is still looked at
SETTLED_LASTS = timedelta(hours=24)
MISSING_SECONDS = 25.0  # three answers of "not found" have to span a minute
GONE_SECONDS = 3600.0

JITTER = 0.1
"""The largest part by which a cadence is lengthened, so that many watchers do not call in step."""

AGE_SHOWN_SECONDS = 300.0
"""An unsettled row that was read longer ago shows its age, however long its interval is."""

_FRESH_FLOOR_SECONDS = 30.0


def cadence(family: Family, *, interval: float, is_attended: bool) -> float:
    """Seconds between two readings of an instance in a state.

    Args:
        family: the state as last read.
        interval: seconds for an active one, as the user set it.
        is_attended: it is on display, and a key was pressed lately.
    """
    if family.is_settled:
        # A settled run on display changes only by a rerun: a minute is soon enough to show it.
        return WAITING_SECONDS if is_attended else max(SETTLED_SECONDS, interval)
    if is_attended:
        return min(DISPLAY_SECONDS, interval)
    if family in {Family.IDLE, Family.WAITING}:
        return max(WAITING_SECONDS, interval)
    return interval


def freshness_seconds(effective_interval: float) -> float:
    """How long a reading counts as the present at an interval: two missed polls and a little."""
    return max(_FRESH_FLOOR_SECONDS, 2.5 * effective_interval + 5.0)


def shows_age(instance: WorkflowInstance, read_at: datetime, now: datetime) -> bool:
    """Whether the age of a reading is to be shown beside it, also where it counts as the present.

    What is settled changes by a rerun alone, and is read seldom by intent.
    """
    if is_final(instance, read_at):
        return False
    normal = SETTLED_SECONDS * (1.0 + JITTER)
    limit = freshness_seconds(normal) if instance.is_settled else AGE_SHOWN_SECONDS
    return (now - read_at).total_seconds() > limit


def is_final(instance: WorkflowInstance, read_at: datetime) -> bool:
    """Whether a reading needs no further one: taken a day or more after the run was over."""
    over_at = instance.finished_time or instance.modify_time
    if not instance.is_settled or over_at is None:
        return False
    return (read_at - SETTLED_LASTS).timestamp() * 1000 >= over_at
