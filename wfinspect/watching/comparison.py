"""The rules by which two readings of one ID differ. Pure; the only place that compares them.

It trusts the service's ModifyTime more than the order of answers, and the service's own times more
than ours.
"""

from datetime import datetime

from wfinspect.format import moment
from wfinspect.instance import InstanceKey, Status, Transition, WorkflowInstance

MAX_NAME = 200
"""Characters of a name that a change is told and kept with: ten thousand changes are."""


def is_other(held: WorkflowInstance, new: WorkflowInstance) -> bool:
    """Whether an ID names another instance than before."""
    pairs = (
        (held.create_time, new.create_time),
        (held.workflow_id, new.workflow_id),
        (held.biz_date, new.biz_date),
    )
    return any(a is not None and b is not None and a != b for a, b in pairs)


def is_older(new: WorkflowInstance, modify_time: int | None) -> bool:
    """Whether an answer is of an earlier time than what is held, as from a replica that lags.

    Args:
        new: the answer.
        modify_time: the latest that could be read of this instance, None before that.
    """
    if new.modify_time is None or modify_time is None:
        return False
    return new.modify_time < modify_time


def _is_rerun(held: WorkflowInstance, new: WorkflowInstance) -> bool:
    """Whether a settled run was followed by another, seen or not."""
    if not held.is_settled:
        return False
    if not new.is_settled:
        return True
    pairs = (
        (held.started_time, new.started_time),
        (held.finished_time, new.finished_time),
    )
    return any(a is not None and b is not None and a != b for a, b in pairs)


def transition(
    key: InstanceKey,
    held: WorkflowInstance,
    held_at: datetime | None,
    new: WorkflowInstance,
    at: datetime,
) -> Transition | None:
    """The change between two readings of one instance, None if there is none.

    Args:
        key: the instance.
        held: the earlier reading.
        held_at: when it was taken.
        new: the later one.
        at: when that was taken.
    """
    is_rerun = _is_rerun(held, new)
    if new.status == held.status and not is_rerun:
        return None
    # A clock set back between two readings must not turn them round.
    after = min(held_at or at, at)
    said_at = _said_at(new)
    is_exact = said_at is not None and after <= said_at <= at
    return Transition(
        key=key,
        name=new.name[:MAX_NAME],
        from_status=held.status,
        to_status=new.status,
        at=said_at if said_at is not None and is_exact else at,
        seen_after=after,
        seen_by=at,
        is_service_time=is_exact,
        is_rerun=is_rerun,
    )


def _said_at(instance: WorkflowInstance) -> datetime | None:
    """When the present state began, as far as the service says."""
    if instance.is_settled:
        milliseconds = instance.finished_time
    elif instance.status == Status.RUNNING:
        milliseconds = instance.started_time
    else:
        milliseconds = None
    return None if milliseconds is None else moment(milliseconds)
