"""What the watcher needs of a service. `wfinspect.dataworks` fulfils it without knowing it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from wfinspect.instance import Binding, InstanceId, WorkflowInstance

if TYPE_CHECKING:  # what is only named here need not be loaded before the first paint
    from wfinspect.query import Page, Query
    from wfinspect.task import TaskInstance


class Group(NamedTuple):
    """What instances must share for one ListWorkflowInstances to answer for all of them."""

    binding: Binding
    project_id: int
    env_type: str
    biz_date: int
    """Milliseconds, as the service gave it."""


class InstanceSource(Protocol):
    """Read access to the instances of one binding. Every failure is a `ServiceError`."""

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        """Ask for one instance; one attempt."""

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        """Ask for up to 100 instances of one workspace and business date; one attempt.

        What the service does not find is missing from the answer.
        """

    async def find_workflow_instances(
        self, query: "Query", *, page: int = 1
    ) -> "Page[WorkflowInstance]":
        """Ask for a page of the instances that match; one attempt."""

    async def list_task_instances(
        self, instance: WorkflowInstance, *, page: int = 1, task_id: int | None = None
    ) -> "Page[TaskInstance]":
        """Ask for a page of an instance's tasks, or of the runs of one of them; one attempt."""

    async def get_task_instance(self, task_id: int) -> "TaskInstance":
        """Ask for one task instance; one attempt."""

    async def get_task_instance_log(self, task_id: int, run_number: int | None = None) -> str:
        """Ask for the log of one run, the latest without a number; one attempt."""

    def credentials_fingerprint(self) -> str:
        """A text that changes when the credentials' source does; cheap, asked for every second."""

    async def check_credentials(self) -> None:
        """Raise CredentialsMissing or Refused where a call would; asks the service nothing."""

    async def aclose(self) -> None:
        """End what is under way and close the connections."""


Connect = Callable[[Binding, Callable[[], None]], Awaitable[InstanceSource]]
"""Opens a source for a binding; its second argument is called for each request that goes out."""


def group_of(binding: Binding, instance: WorkflowInstance) -> Group | None:
    """The group an instance belongs to, None where the service left a field of it out."""
    if instance.project_id is None or instance.biz_date is None or not instance.env_type:
        return None
    return Group(binding, instance.project_id, instance.env_type, instance.biz_date)


def with_group(instance: WorkflowInstance, group: Group | None) -> WorkflowInstance:
    """Fill in what a reading could not read of its group, where that is known."""
    if group is None or not instance.unreadable:
        return instance
    known = group._asdict()
    missing = {name: known[name] for name, _ in instance.unreadable if name in _OF_A_GROUP}
    return replace(instance, **missing) if missing else instance


_OF_A_GROUP = ("project_id", "env_type", "biz_date")
