"""GetWorkflowInstance and ListWorkflowInstances (2024-05-18): parameters in, bodies out.

Checks and filters as documented for the service; knows no signature and no HTTP.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from wfinspect.instance import MAX_INSTANCE_ID, Status
from wfinspect.simulator.answers import Body, Refusal
from wfinspect.simulator.faults import Faults
from wfinspect.simulator.fleet import TYPES, Record
from wfinspect.simulator.population import Population

METHODS = {"GetWorkflowInstance": "GET", "ListWorkflowInstances": "POST"}
"""The operations served, each with the only method it takes."""

DAY_MS = 86_400_000
_MIN_PAGE, _MAX_PAGE = 10, 500
_DIGITS = 20
_SORT_FIELDS = {
    "TriggerTime": "CreateTime",
    "StartedTime": "StartedTime",
    "FinishedTime": "FinishedTime",
    "CreateTime": "CreateTime",
    "Id": "Id",
}

Parameters = Mapping[str, str]


def get_workflow_instance(parameters: Parameters, population: Population, now: datetime) -> Body:
    """One instance by its ID alone."""
    instance_id = _required(parameters, "Id")
    record = population.record(instance_id, now)
    if record is None:
        message = f"The workflow instance {instance_id} does not exist."
        raise Refusal("InstanceNotFound", message)
    return {"WorkflowInstance": population.disguised(record)}


def list_workflow_instances(
    parameters: Parameters, population: Population, now: datetime, faults: Faults
) -> Body:
    """A page of a workspace's instances of one business date.

    Where the documents are silent: without EnvType it is Prod, and with Ids the business date still
    has to match unless `faults.is_biz_date_strict` is off.
    """
    project_id = _required(parameters, "ProjectId")
    biz_date = _required(parameters, "BizDate")
    ids = _ids(parameters)
    env_type = _word(parameters, "EnvType", ("Prod", "Dev")) or "Prod"
    page_number = _bounded(parameters, "PageNumber", default=1, low=1, high=MAX_INSTANCE_ID)
    page_size = _bounded(parameters, "PageSize", default=10, low=_MIN_PAGE, high=_MAX_PAGE)
    if project_id not in population.project_ids:
        raise Refusal("InvalidProject.NotFound")
    is_any_date = bool(ids) and not faults.is_biz_date_strict
    found = [
        record
        for record in population.records(None if faults.ignores_ids else ids, now)
        if record.get("ProjectId") == project_id
        and record.get("EnvType") == env_type
        and (is_any_date or record.get("BizDate") == biz_date)
    ]
    for matches in _filters(parameters):
        found = [record for record in found if matches(record)]
    _sort(found, parameters.get("SortBy", "") or "Id Desc")
    first = (page_number - 1) * page_size
    page = found[first : first + page_size]
    return {
        "PagingInfo": {
            "PageNumber": page_number,
            "PageSize": page_size,
            "TotalCount": len(found),
            "WorkflowInstances": [population.disguised(record) for record in page],
        }
    }


def _filters(parameters: Parameters) -> Iterable[Callable[[Record], bool]]:
    if name := parameters.get("Name"):
        yield lambda record: name.lower() in str(record.get("Name")).lower()
    if owner := parameters.get("Owner"):
        yield partial(_has, "Owner", owner)
    if kind := _word(parameters, "Type", TYPES):
        yield partial(_has, "Type", kind)
    for field in ("WorkflowId", "UnifiedWorkflowInstanceId"):
        if (number := _optional(parameters, field)) is not None:
            yield partial(_has, field, number)
    if tags := _array(parameters, "Tags"):
        wanted = {tuple(str(tag).partition(":")[::2]) for tag in tags}
        yield lambda record: bool(wanted & _tags(record))
    if text := parameters.get("Filter"):
        yield from _conditions(text)


def _has(field: str, value: object, record: Record) -> bool:
    return record.get(field) == value


def _conditions(text: str) -> Iterable[Callable[[Record], bool]]:
    """What Filter demands: ``{"status": "Success", "executionDate": "1763481600000"}``, both optional."""
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid("Filter") from None
    if not isinstance(loaded, dict):
        raise _invalid("Filter")
    if status := loaded.get("status"):
        if Status.of(str(status)) is Status.UNKNOWN:
            raise _invalid("Filter")
        yield partial(_has, "Status", status)
    if day := loaded.get("executionDate"):
        try:
            # A run is due the day after its business date.
            yield partial(_has, "BizDate", int(day) - DAY_MS)
        except (TypeError, ValueError, OverflowError):
            raise _invalid("Filter") from None


def _sort(records: list[Record], order: str) -> None:
    name, _, direction = order.partition(" ")
    if name not in _SORT_FIELDS or direction not in {"", "Asc", "Desc"}:
        raise _invalid("SortBy")
    records.sort(
        key=lambda record: (
            _as_number(record.get(_SORT_FIELDS[name])),
            _as_number(record.get("Id")),
        ),
        reverse=direction != "Asc",
    )


def _as_number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _tags(record: Record) -> set[tuple[str, ...]]:
    tags = record.get("Tags")
    return {(t["Key"], t["Value"]) for t in tags} if isinstance(tags, list) else set()


def _required(parameters: Parameters, name: str) -> int:
    number = _optional(parameters, name)
    if number is None:
        raise Refusal(f"Missing{name}", f"{name} is mandatory for this action.")
    return number


def _optional(parameters: Parameters, name: str) -> int | None:
    text = parameters.get(name, "")
    if not text:
        return None
    if not (
        text.isascii() and text.isdigit() and len(text) < _DIGITS and int(text) <= MAX_INSTANCE_ID
    ):
        raise _invalid(name)
    return int(text)


def _bounded(parameters: Parameters, name: str, *, default: int, low: int, high: int) -> int:
    number = _optional(parameters, name)
    if number is None:
        return default
    if not low <= number <= high:
        raise _invalid(name)
    return number


def _word(parameters: Parameters, name: str, words: Iterable[str]) -> str:
    word = parameters.get(name, "")
    if word and word not in words:
        raise _invalid(name)
    return word


def _array(parameters: Parameters, name: str) -> list[object]:
    """A JSON array in one field, as the official SDK writes it; empty where there is none."""
    try:
        loaded = json.loads(parameters.get(name, "") or "[]")
    except (ValueError, RecursionError):
        raise _invalid(name) from None
    if not isinstance(loaded, list):
        raise _invalid(name)
    return loaded


def _ids(parameters: Parameters) -> list[int] | None:
    ids = _array(parameters, "Ids")
    if not all(type(i) is int for i in ids):
        raise _invalid("Ids")
    return [i for i in ids if isinstance(i, int)] or None


def _invalid(name: str) -> Refusal:
    return Refusal(f"Invalid{name}", f"The specified parameter {name} is not valid.")
