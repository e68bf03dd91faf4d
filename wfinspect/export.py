"""Instances as JSON, CSV and labelled values: for standard output, files and the clipboard. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from wfinspect.format import biz_day, exact_json, moment, plain_text, service_time
from wfinspect.model import FIELDS, FIELDS_AS_SENT, FieldKind, InstanceField, WorkflowInstance
from wfinspect.parsing import Parameters, first_parameters
from wfinspect.regions import zone_of


def as_json(instances: Sequence[WorkflowInstance], *, is_array: bool) -> str:
    """Return the service's objects exactly as they came; what can't be seen is escaped."""
    texts = [exact_json(i.raw) for i in instances]
    return "[" + ",\n".join(texts) + "]" if is_array else "\n".join(texts)


def as_csv(found: Iterable[tuple[WorkflowInstance, str]], zone: tzinfo) -> str:
    """Return a header of the service's names and a line for each instance.

    Times are RFC 3339 in `zone`, BizDate a date, and a value that can't be read is the service's
    JSON. Text keeps its line breaks, and an apostrophe stands before what a spreadsheet would run.

    Args:
        found: instances, each with the region that it is from.
        zone: for times.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.service_name for field in FIELDS_AS_SENT])
    for instance, region in found:
        writer.writerow(_csv_value(instance, field, region, zone) for field in FIELDS_AS_SENT)
    return out.getvalue().rstrip("\n")


def _csv_value(
    instance: WorkflowInstance, field: InstanceField, region: str, zone: tzinfo
) -> object:
    value = dict(instance.unreadable).get(field.attribute, getattr(instance, field.attribute))
    if value is None:
        return ""
    if isinstance(value, int) and field.kind is FieldKind.DATE:
        return biz_day(value, zone_of(region))
    if isinstance(value, int) and field.kind is FieldKind.TIME:
        at = moment(value)
        return value if at is None else at.astimezone(zone).isoformat("T", "seconds")
    if isinstance(value, tuple):
        value = ";".join(f"{tag.key}:{tag.value}" for tag in value)
    return _guarded(value) if isinstance(value, str) else value


# What a spreadsheet takes for a formula, the full-width forms in East Asia as well.
_FORMULA = re.compile("[-=+@\uff0d\uff1d\uff0b\uff20\x00-\x1f\x7f-\x9f]")


def _guarded(text: str) -> str:
    return ("'" if _FORMULA.match(text) else "") + plain_text(text)


def labelled(
    instance: WorkflowInstance, region: str, zone: tzinfo
) -> Iterator[tuple[InstanceField, str, str]]:
    """Yield each field that has a value: the field, its key within it, the whole of the value.

    The key is "" but for the parameters and tags, which follow the text of them all. Times are in
    `zone`; a value that can't be read is the service's JSON.
    """
    unreadable = dict(instance.unreadable)
    for field in FIELDS:
        text = unreadable.get(field.attribute)
        if text is None:
            text = _value_text(instance, field, region, zone)
        if text:
            yield field, "", text
        for key, value in _pairs(instance, field):
            if value:
                yield field, key, value


def _value_text(instance: WorkflowInstance, field: InstanceField, region: str, zone: tzinfo) -> str:
    value = getattr(instance, field.attribute)
    if field.kind is FieldKind.DATE:
        return biz_day(value, zone_of(region)) if value else ""
    if field.kind is FieldKind.TIME:
        return service_time(value, zone)
    if field.kind is FieldKind.TAGS:
        return ", ".join(f"{tag.key}:{tag.value}" for tag in value)
    return "" if value is None else str(value)


def _pairs(instance: WorkflowInstance, field: InstanceField) -> Iterable[tuple[str, str]]:
    if field.kind is FieldKind.PARAMETERS:
        found = first_parameters(instance.workflow_parameters) or Parameters()
        return ((each.key, each.value) for each in found.pairs)
    return instance.tags if field.kind is FieldKind.TAGS else ()
