"""What a face may ask for beyond the watch, and what comes back: immutable values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from wfinspect.errors import ServiceError
from wfinspect.instance import Binding, InstanceKey, WorkflowInstance
from wfinspect.query import Page, Query
from wfinspect.task import TaskInstance
from wfinspect.typical import Run

A = TypeVar("A")


class Request(Generic[A]):
    """A question that is answered by an `A`; equal ones on their way share one answer."""

    @property
    def whom(self) -> Binding:
        """The binding that is asked."""
        raise NotImplementedError


class _OfInstance(Request[A]):
    key: InstanceKey

    @property
    def whom(self) -> Binding:
        return self.key.binding


class _OfBinding(Request[A]):
    binding: Binding

    @property
    def whom(self) -> Binding:
        return self.binding


@dataclass(frozen=True)
class InstanceOf(_OfInstance[WorkflowInstance]):
    """An instance, to compare with; none where it is watched or on display, else one call."""

    key: InstanceKey


@dataclass(frozen=True)
class TasksOf(_OfInstance[Page[TaskInstance]]):
    """All tasks of an instance, in one page; `is_last` is False where there are more than are read.

    Costs a call for 500 tasks, and none for a settled run that was asked for before; one more where
    the instance is neither watched nor on display.
    """

    key: InstanceKey


@dataclass(frozen=True)
class RunsOf(_OfInstance[Page[TaskInstance]]):
    """All runs of one task instance, told apart by `run_number`; one call."""

    key: InstanceKey
    """That of the workflow instance."""
    task_id: int
    """The task instance's ID."""


@dataclass(frozen=True)
class TaskOf(_OfBinding[TaskInstance]):
    """One task instance with its script and tags; one call."""

    binding: Binding
    task_id: int
    settled_at: int | None = None
    """The task's ModifyTime where its run is over: then the answer is kept."""


@dataclass(frozen=True)
class TaskLog(_OfBinding[str]):
    """The whole log of one run, as it came; one call each time, whatever its length."""

    binding: Binding
    task_id: int
    run_number: int | None = None
    """None asks for the latest run's."""
    settled_at: int | None = None
    """As in `TaskOf`."""


@dataclass(frozen=True)
class Find(_OfBinding[Page[WorkflowInstance]]):
    """A page of the instances that match, newest first; one call."""

    binding: Binding
    query: Query
    page: int = 1


@dataclass(frozen=True)
class EarlierRuns(_OfInstance[tuple[Run, ...]]):
    """The runs of an instance's workflow on earlier business dates, newest date first.

    For `typical.compare`. Costs a call for each date that is not in the store, at most one a day for
    each, until enough runs are known.
    """

    key: InstanceKey
    most: int = 10
    """Calls at most; what is known then is the answer."""


@dataclass(frozen=True)
class Reply(Generic[A]):
    """An answer and when it was read."""

    value: A
    read_at: datetime


Outcome = Reply[A] | ServiceError
Heard = Callable[[Outcome[A]], None]
"""Called on the poller's thread; it must not wait."""
