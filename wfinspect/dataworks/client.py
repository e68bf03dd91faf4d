"""The client: the operations of the service, as methods. Each is one call and one attempt."""

import json
from collections.abc import Sequence
from functools import partial

from wfinspect.dataworks.decoding import (
    decode_instance,
    decode_log,
    decode_page,
    decode_task,
    decode_tasks,
)
from wfinspect.dataworks.exchange import Call
from wfinspect.dataworks.sending import Sender
from wfinspect.errors import BadAnswer
from wfinspect.instance import InstanceId, WorkflowInstance
from wfinspect.query import Page, Query
from wfinspect.task import TaskInstance

MAX_IDS = 100
"""IDs of one list call."""

FIND_PAGE = 100
"""Instances of one page; the service does not document how many it would give."""

TASK_PAGE = 500
"""Tasks of one page, as many as the service gives."""

LOG_DEADLINE = 60.0
MAX_LOG_BODY = 40 * 1024 * 1024
"""Bytes of an answer with a log: 32 MiB of text, and what JSON adds to it."""

_MIN_PAGE = 10
"""Smaller pages were refused by a sister call."""


class DataWorksClient(Sender):
    """Read access to one binding; every failure is a `ServiceError`."""

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        """Ask for one instance.

        Raises:
            NotFound: the service does not know it.
            ServiceError: anything else that kept it from being read.
        """
        call = Call("GetWorkflowInstance", {"Id": str(instance_id)}, asked=instance_id)
        return await self.send(call, partial(decode_instance, asked=instance_id))

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        """Ask for several instances of one workspace, environment and business date.

        What the service does not find is missing; a service that ignores the IDs gives others.

        Args:
            ids: at most MAX_IDS.
            project_id: the workspace.
            biz_date: milliseconds, as the service gave it.
            env_type: ``Prod`` or ``Dev``; "" leaves it to the service.
        """
        if len(ids) > MAX_IDS:
            raise ValueError(f"{len(ids)} IDs in one list call: at most {MAX_IDS}")
        if not ids:
            return ()
        form = {
            "BizDate": str(biz_date),
            "Ids": _json([int(i) for i in ids]),
            "PageNumber": "1",
            "PageSize": str(max(_MIN_PAGE, len(ids))),
            "ProjectId": str(project_id),
        }
        if env_type:
            form["EnvType"] = env_type
        return (
            await self.send(Call("ListWorkflowInstances", form, is_form=True), decode_page)
        ).items

    async def find_workflow_instances(
        self, query: Query, *, page: int = 1
    ) -> Page[WorkflowInstance]:
        """Ask for a page of the instances that match, newest first."""
        wanted = {
            "Name": query.name,
            "Owner": query.owner,
            "Type": query.type,
            "EnvType": query.env_type,
            "WorkflowId": str(query.workflow_id or ""),
            "UnifiedWorkflowInstanceId": str(query.unified_workflow_instance_id or ""),
            "Filter": _json({"status": query.status}) if query.status else "",
            "Tags": _json([f"{t.key}:{t.value}" for t in query.tags]) if query.tags else "",
        }
        form = {
            "BizDate": str(query.biz_date),
            "PageNumber": str(page),
            "PageSize": str(FIND_PAGE),
            "ProjectId": str(query.project_id),
        } | {name: value for name, value in wanted.items() if value}
        call = Call("ListWorkflowInstances", form, is_form=True)
        return await self.send(call, partial(decode_page, number=page, size=FIND_PAGE))

    async def list_task_instances(
        self, instance: WorkflowInstance, *, page: int = 1, task_id: int | None = None
    ) -> Page[TaskInstance]:
        """Ask for a page of an instance's tasks, or of all runs of one task instance of it."""
        if instance.project_id is None or instance.biz_date is None:
            raise BadAnswer(
                f"The service gave instance {instance.id} without a ProjectId or a BizDate that can "
                "be read, and its tasks can't be asked for without both."
            )
        form = {
            "Bizdate": str(instance.biz_date),
            "PageNumber": str(page),
            "PageSize": str(TASK_PAGE),
            "ProjectId": str(instance.project_id),
        }
        if instance.env_type:
            form["ProjectEnv"] = instance.env_type
        which = ("WorkflowInstanceId", instance.id) if task_id is None else ("Id", task_id)
        form[which[0]] = str(which[1])
        call = Call("ListTaskInstances", form, is_form=True)
        return await self.send(call, partial(decode_tasks, number=page, size=TASK_PAGE))

    async def get_task_instance(self, task_id: int) -> TaskInstance:
        """Ask for one task instance; raises as `get_workflow_instance`."""
        parameters = {"Id": str(task_id)}
        call = Call("GetTaskInstance", parameters, asked=task_id, kind="task instance")
        return await self.send(call, partial(decode_task, asked=task_id))

    async def get_task_instance_log(self, task_id: int, run_number: int | None = None) -> str:
        """Ask for the whole log of one run of a task instance, of its latest without a number."""
        parameters = {"Id": str(task_id)}
        if run_number is not None:
            parameters["RunNumber"] = str(run_number)
        call = Call(
            "GetTaskInstanceLog",
            parameters,
            asked=task_id,
            kind="log of task instance",
            deadline=LOG_DEADLINE,
            max_body=MAX_LOG_BODY,
        )
        return await self.send(call, decode_log)


def _json(value: object) -> str:
    # As the official SDK writes it: compact, non-ASCII as it is.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
