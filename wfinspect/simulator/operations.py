"""The calls about workflow instances (2024-05-18): parameters in, bodies out.

Checks and filters as documented for the service; knows no signature and no HTTP.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from wfinspect.instance import Status
from wfinspect.regions import zone_of
from wfinspect.simulator.answers import Body, Refusal
from wfinspect.simulator.arguments import Arguments, invalid, moment_of
from wfinspect.simulator.fleet import REGION, TYPES, Record
from wfinspect.simulator.population import Population

ENVIRONMENTS = ("Prod", "Dev")


def get_workflow_instance(asked: Arguments, population: Population, now: datetime) -> Body:
    """One instance by its ID alone."""
    instance_id = asked.required("Id")
    record = population.record(instance_id, now)
    if record is None:
        message = f"The workflow instance {instance_id} does not exist."
        raise Refusal("InstanceNotFound", message)
    return {"WorkflowInstance": population.disguised(record)}


def list_workflow_instances(asked: Arguments, population: Population, now: datetime) -> Body:
    """A page of a workspace's instances of one business date.

    Where the documents are silent: without EnvType it is Prod; with Ids the business date still has
    to match unless `faults.is_biz_date_strict` is off; an instance's executionDate is the day on which
    it is due, in the region's zone.
    """
    ids = asked.numbers("Ids")
    found = instances(
        asked,
        population,
        now,
        population.fleet.all_ids if not ids or population.faults.ignores_ids else ids,
        env_type=asked.word("EnvType", ENVIRONMENTS) or "Prod",
        biz_date=asked.required("BizDate"),
        is_any_date=bool(ids) and not population.faults.is_biz_date_strict,
    )

    def due(record: Record) -> int:
        return population.fleet.run_of(int(str(record["Id"])), 0).due

    for matches in _filters(asked, due):
        found = [record for record in found if matches(record)]
    asked.sort(found, due)
    return asked.page("WorkflowInstances", found, population.disguised)


def instances(
    asked: Arguments,
    population: Population,
    now: datetime,
    ids: Iterable[int],
    *,
    env_type: str,
    biz_date: int,
    is_any_date: bool = False,
) -> list[Record]:
    """Those of some instances that belong to the workspace asked for, an environment and a date."""
    project_id = asked.required("ProjectId")
    if project_id not in population.fleet.project_ids:
        raise Refusal("InvalidProject.NotFound")
    return [
        record
        for record in population.records(ids, now)
        if record.get("ProjectId") == project_id
        and record.get("EnvType") == env_type
        and (is_any_date or record.get("BizDate") == biz_date)
    ]


def _filters(asked: Arguments, due: Callable[[Record], int]) -> Iterable[Callable[[Record], bool]]:
    numbers = ("WorkflowId", "UnifiedWorkflowInstanceId")
    yield asked.equals(numbers, {"Type": TYPES}, ("Owner",))
    yield asked.contains("Name", "Name")
    if tags := asked.array("Tags"):
        wanted = {tuple(str(tag).partition(":")[::2]) for tag in tags}
        yield lambda record: bool(wanted & _tags(record))
    conditions = asked.conditions("Filter", ("status", "executionDate"))
    if status := conditions.get("status"):
        if Status.of(str(status)) is Status.UNKNOWN:
            raise invalid("Filter")
        yield lambda record: record.get("Status") == status
    if "executionDate" in conditions:
        date = _day(moment_of(conditions["executionDate"], "Filter"))
        yield lambda record: _day(due(record)) == date


def _day(moment: int) -> date:
    return datetime.fromtimestamp(moment / 1000, zone_of(REGION)).date()


def _tags(record: Record) -> set[tuple[str, ...]]:
    tags = record.get("Tags")
    return {(t["Key"], t["Value"]) for t in tags} if isinstance(tags, list) else set()
