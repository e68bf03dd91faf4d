"""The service's JSON to instances, tasks and logs; the only place that knows the names in it. Pure."""

from typing import Any
from weakref import WeakValueDictionary

import msgspec

from wfinspect.dataworks.envelope import (
    Text,
    is_absent,
    not_found,
    opened,
    read_page,
    request_id_of,
    shape_of,
    tags_of,
    text_of,
    values_of,
)
from wfinspect.errors import BadAnswer
from wfinspect.instance import InstanceId, WorkflowInstance
from wfinspect.query import Page
from wfinspect.task import TaskInstance


class _Runtime(msgspec.Struct, rename="pascal"):
    process_id: Text = None
    gateway: Text = None


class _Resource(msgspec.Struct, rename="pascal"):
    resource_group_id: Text = None


class _Script(msgspec.Struct, rename="pascal"):
    content: Text = None
    parameters: Text = None


_Instance = shape_of(WorkflowInstance)
_Task = shape_of(
    TaskInstance,
    runtime=_Runtime | None,
    runtime_resource=_Resource | None,
    script=_Script | None,
    # Those are within the three.
    process_id=None,
    gateway=None,
    resource_group_id=None,
    script_content=None,
)
_OF_THE_INSTANCE = frozenset(
    {
        "Bizdate",
        "ProjectEnv",
        "ProjectId",
        "UnifiedWorkflowInstanceId",
        "WorkflowId",
        "WorkflowInstanceId",
        "WorkflowInstanceType",
        "WorkflowName",
    }
)
_LEFT_IN_RAW = frozenset({"DataSource", "Inputs", "Outputs"}) | _OF_THE_INSTANCE


def decode_instance(body: bytes, asked: InstanceId) -> WorkflowInstance:
    """The instance in an answer of GetWorkflowInstance.

    Raises:
        NotFound: the answer says that there is none.
        BadAnswer: it is not what the service documents, or holds another instance.
    """
    envelope = opened(body)
    if is_absent("WorkflowInstance", envelope.workflow_instance):
        raise not_found(asked, request_id=request_id_of(envelope.request_id))
    instance = _instance(envelope.workflow_instance)
    if instance.id != asked:
        raise _other("instance", asked, instance.id)
    return instance


def decode_page(body: bytes, number: int = 1, size: int = 10) -> Page[WorkflowInstance]:
    """The instances in an answer of ListWorkflowInstances; see `envelope.read_page`."""
    return read_page(body, _instance, lambda instance: instance.id, number, size)


def decode_task(body: bytes, asked: int) -> TaskInstance:
    """The task in an answer of GetTaskInstance; raises as `decode_instance`."""
    envelope = opened(body)
    if is_absent("TaskInstance", envelope.task_instance):
        request_id = request_id_of(envelope.request_id)
        raise not_found(asked, kind="task instance", request_id=request_id)
    task = _task(envelope.task_instance)
    if task.id != asked:
        raise _other("task instance", asked, task.id)
    return task


def decode_tasks(body: bytes, number: int, size: int) -> Page[TaskInstance]:
    """The tasks in an answer of ListTaskInstances; several runs of one task are told apart."""
    return read_page(body, _task, lambda task: (task.id, task.run_number), number, size)


def decode_log(body: bytes) -> str:
    """The text in an answer of GetTaskInstanceLog, "" while there is none."""
    log = opened(body).task_instance_log
    if log is None or isinstance(log, str):
        return log or ""
    raise BadAnswer("The service's answer holds a log that is no text: it was not used.")


_in_use: WeakValueDictionary[str, WorkflowInstance] = WeakValueDictionary()
"""The readings that somebody holds, by their text: most of an answer is what the last one said."""


def _instance(raw: msgspec.Raw) -> WorkflowInstance:
    as_before = _in_use.get(text_of(raw))
    if as_before is not None:
        return as_before
    verbatim = ("name", "workflow_parameters")
    values = values_of(raw, _Instance, verbatim=verbatim)
    values["name"] = values["name"].rstrip("\r\n")
    values["tags"] = tags_of(values["tags"] or ())
    instance = _in_use[values["raw"]] = WorkflowInstance(**values)
    return instance


def _task(raw: msgspec.Raw) -> TaskInstance:
    verbatim = ("script_parameters", "description")
    values = values_of(raw, _Task, verbatim=verbatim, left_in_raw=_LEFT_IN_RAW)
    runtime: Any = values.pop("runtime") or _Runtime()
    resource: Any = values.pop("runtime_resource") or _Resource()
    script: Any = values.pop("script") or _Script()
    values["process_id"] = str(runtime.process_id or "").strip()
    values["gateway"] = str(runtime.gateway or "").strip()
    values["resource_group_id"] = str(resource.resource_group_id or "").strip()
    values["script_content"] = str(script.content or "")
    values["script_parameters"] = values["script_parameters"] or str(script.parameters or "")
    values["tags"] = tags_of(values["tags"] or ())
    return TaskInstance(**values)


def _other(kind: str, asked: int, came: int) -> BadAnswer:
    return BadAnswer(
        f"The service was asked for {kind} {asked} and answered with {came}: the "
        "answer was not used."
    )
