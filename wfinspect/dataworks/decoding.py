"""The service's JSON to instances, tasks and logs; the only place that knows the names in it. Pure."""

from weakref import WeakValueDictionary

import msgspec

from wfinspect.dataworks.envelope import (
    Field,
    bare_line,
    is_absent,
    not_found,
    opened,
    read_page,
    request_id_of,
    shape_of,
    tags,
    text,
    text_of,
    values_of,
    verbatim,
    word,
)
from wfinspect.errors import BadAnswer
from wfinspect.instance import MAX_STATUS, InstanceId, WorkflowInstance
from wfinspect.query import Page
from wfinspect.task import TaskInstance


def _status(raw: msgspec.Raw) -> str:
    return text(raw)[:MAX_STATUS]


_INSTANCE = shape_of(
    WorkflowInstance,
    name=bare_line,
    status=_status,
    type=word,
    env_type=word,
    workflow_parameters=verbatim,
    tags=tags,
)
_TASK = shape_of(
    TaskInstance,
    status=_status,
    description=verbatim,
    tags=tags,
    process_id=Field(text, (("Runtime", "ProcessId"),)),
    gateway=Field(text, (("Runtime", "Gateway"),)),
    resource_group_id=Field(text, (("RuntimeResource", "ResourceGroupId"),)),
    script_content=Field(verbatim, (("Script", "Content"),)),
    script_parameters=Field(verbatim, (("ScriptParameters",), ("Script", "Parameters"))),
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
    values = values_of(raw, _INSTANCE)
    if not values.get("status"):
        raise BadAnswer(
            f"The service gave instance {values['id']} without a Status that can be read: the "
            "answer was not used."
        )
    instance = _in_use[values["raw"]] = WorkflowInstance(**values)
    return instance


def _task(raw: msgspec.Raw) -> TaskInstance:
    return TaskInstance(**values_of(raw, _TASK, left_in_raw=_LEFT_IN_RAW))


def _other(kind: str, asked: int, came: int) -> BadAnswer:
    return BadAnswer(
        f"The service was asked for {kind} {asked} and answered with {came}: the "
        "answer was not used."
    )
