"""Reading instances once, with few calls: for commands without a screen."""

import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from wfinspect.clock import Clock
from wfinspect.errors import (
    CredentialsMissing,
    NotFound,
    Refused,
    ServiceError,
    Throttled,
    Unreachable,
)
from wfinspect.instance import Binding, InstanceId, WorkflowInstance
from wfinspect.paths import home_of
from wfinspect.watching.source import InstanceSource

BATCH = 100
"""IDs one ListWorkflowInstances takes."""


@dataclass(slots=True)
class Reading:
    """What could be read, and why the rest could not."""

    found: dict[InstanceId, WorkflowInstance] = field(default_factory=dict)
    errors: dict[InstanceId, ServiceError] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 if all were read, else the code of the gravest error."""
        return gravest({error.exit_code for error in self.errors.values()})


def gravest(codes: Collection[int]) -> int:
    """Of several exit codes the one to end with."""
    return next((code for code in (4, 5, 2, 3, 1, 8) if code in codes), 0)


Attempt = Callable[[Callable[[], Awaitable[WorkflowInstance]]], Awaitable[WorkflowInstance]]


async def read_bound(
    binding: Binding,
    ids: Sequence[InstanceId],
    environ: Mapping[str, str],
    clock: Clock,
    on_call: Callable[[], None],
) -> Reading:
    """Read instances of a binding; what may pass is tried again. `on_call` hears of each request."""
    import asyncio

    from wfinspect.dataworks import open_client
    from wfinspect.dataworks.retry import with_retries

    rng = random.Random()
    async with open_client(binding, environ, home_of(environ), clock, on_call) as client:
        return await read(
            client,
            ids,
            lambda attempt: with_retries(attempt, clock=clock, sleep=asyncio.sleep, rng=rng),
        )


async def read(source: InstanceSource, ids: Sequence[InstanceId], attempt: Attempt) -> Reading:
    """Read instances: one singly, then all others of its group with one List, and so on.

    `attempt` makes the single calls and may retry them. An error that is not the instance's own
    ends the reading: no other ID would fare better.
    """
    reading = Reading()
    waiting = list(ids)
    can_list = True
    while waiting:
        first = waiting.pop(0)
        try:
            instance = await attempt(lambda first=first: source.get_workflow_instance(first))  # type: ignore[misc]
        except (CredentialsMissing, Refused, Throttled, Unreachable) as error:
            reading.errors |= dict.fromkeys([first, *waiting], error)
            return reading
        except ServiceError as error:
            reading.errors[first] = error
            continue
        reading.found[first] = instance
        if can_list and waiting:
            placed = await _same_group(source, instance, waiting)
            can_list = placed is not None
            reading.found |= placed or {}
            waiting = [i for i in waiting if i not in reading.found]
    return reading


async def _same_group(
    source: InstanceSource, instance: WorkflowInstance, ids: Sequence[InstanceId]
) -> dict[InstanceId, WorkflowInstance] | None:
    """Those of `ids` that share the group of an instance; None where List can't be used."""
    if instance.project_id is None or instance.biz_date is None:
        return {}
    found: dict[InstanceId, WorkflowInstance] = {}
    for start in range(0, len(ids), BATCH):
        wanted = ids[start : start + BATCH]
        try:
            listed = await source.list_workflow_instances(
                wanted,
                project_id=instance.project_id,
                biz_date=instance.biz_date,
                env_type=instance.env_type,
            )
        except NotFound:
            continue
        except ServiceError:
            return None
        found |= {i.id: i for i in listed if i.id in wanted}
    return found
