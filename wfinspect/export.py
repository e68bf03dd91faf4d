"""Instances as JSON, CSV and labelled values, and what differs between two of them. Pure."""

import csv
import io
import json
import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from itertools import count
from typing import NamedTuple

from wfinspect.format import (
    biz_day,
    clock_time,
    difference,
    exact_json,
    listed,
    moment,
    plain_text,
    shown,
)
from wfinspect.model import (
    FIELDS,
    FIELDS_AS_SENT,
    Family,
    FieldKind,
    InstanceField,
    Target,
    TaskInstance,
    WorkflowInstance,
    spans,
    zone_of,
)
from wfinspect.parsing import Parameters, first_parameters


def task_values(task: TaskInstance) -> dict[str, str | int | None]:
    """Return what says which task it is, how it stands and who is to be asked, by its keys in JSON."""
    return {
        "id": task.id,
        "name": task.task_name,
        "status": task.word,
        "workflow": task.workflow_name,
        "instance": task.workflow_instance_id,
        "workspace": task.project_id,
        "owner": task.owner,
    }


def run_values(task: TaskInstance) -> dict[str, str | int | None]:
    """Return what says which run of a task it is, by its keys in JSON."""
    return {"id": task.id, "name": task.task_name, "run_number": task.run_number}


def as_json(instances: Sequence[WorkflowInstance], *, is_array: bool) -> str:
    """Return the service's objects exactly as they came; what can't be seen is escaped."""
    texts = [exact_json(i.raw) for i in instances]
    return "[" + ",\n".join(texts) + "]" if is_array else "\n".join(texts)


def json_of(values: Mapping[str, object]) -> str:
    """Return values as a line of JSON in ASCII; times are RFC 3339 in UTC to the second, which jq can read."""
    return exact_json(json.dumps(values, default=_rfc3339))


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_csv(
    found: Sequence[tuple[WorkflowInstance, str]], zone: tzinfo, notes: Sequence[str] = ()
) -> str:
    """Return a header of the service's names and a line for each instance.

    Times are RFC 3339 in `zone`, BizDate a date, and a value that can't be read is the service's
    JSON. Text keeps its line breaks, and an apostrophe stands before what a spreadsheet would run.

    Args:
        found: instances, each with the region that it is from.
        zone: for times.
        notes: of each instance, in a column of their own if there is one.
    """
    names = [field.service_name for field in FIELDS_AS_SENT]
    rows: list[list[object]] = [
        [exact_value(each, field, region) for field in FIELDS_AS_SENT] for each, region in found
    ]
    if any(notes):
        names.append("Note")
        rows = [[*row, note] for row, note in zip(rows, notes, strict=True)]
    return csv_table(names, rows, zone)


def csv_table(names: Sequence[str], rows: Iterable[Iterable[object]], zone: tzinfo) -> str:
    """Return a header and rows as CSV: times RFC 3339 in `zone`, text as in `as_csv`, None empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(_cell(value, zone) for value in row)
    return out.getvalue().rstrip("\n")


def _cell(value: object, zone: tzinfo) -> object:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat("T", "seconds")
    if isinstance(value, tuple | list):
        return ";".join(str(_cell(each, zone)) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    return _guarded(value) if isinstance(value, str) else value


def exact_value(instance: WorkflowInstance, field: InstanceField, region: str) -> object:
    """Return a field as CSV and reports have it: a day or a time where it is one, in JSON where it can't be read."""
    value = dict(instance.unreadable).get(field.attribute, getattr(instance, field.attribute))
    if isinstance(value, int) and field.kind is FieldKind.DATE:
        return biz_day(value, zone_of(region))
    if isinstance(value, int) and field.kind is FieldKind.TIME:
        return moment(value) or value
    if isinstance(value, tuple):
        return ";".join(f"{tag.key}:{tag.value}" for tag in value)
    return value


# What a spreadsheet takes for a formula, the full-width forms in East Asia as well.
_FORMULA = "-=+@\uff0d\uff1d\uff0b\uff20\x00-\x1f\x7f-\x9f"
# An apostrophe of the text's own gets one more where `unguarded` would take it for ours.
_OURS = f"'+(?:[{_FORMULA}\u2400-\u2421]|<U\\+00[89])"  # controls are made visible behind it
_IS_GUARDED = f"[{_FORMULA}]|{_OURS}"


def _guarded(text: str) -> str:
    return ("'" if re.match(_IS_GUARDED, text) else "") + plain_text(text)


def unguarded(cell: str) -> str:
    """Return the text of a cell of CSV that was written here."""
    return cell[1:] if re.match(_OURS, cell) else cell


def labelled(
    instance: WorkflowInstance, region: str, zone: tzinfo
) -> Iterator[tuple[InstanceField, str, str]]:
    """Yield each field that has a value: the field, its key within it, the whole of the value.

    The key is "" but for the parameters and tags, which follow the text of them all. Times are in
    `zone`; a value that can't be read is the service's JSON.
    """
    for field in FIELDS:
        if text := _value_text(instance, field, region, zone):
            yield field, "", text
        for key, value in _pairs(instance, field):
            if value:
                yield field, key, value


def _value_text(instance: WorkflowInstance, field: InstanceField, region: str, zone: tzinfo) -> str:
    if field.kind is FieldKind.TAGS and instance.tags:
        return ", ".join(f"{tag.key}:{tag.value}" for tag in instance.tags)
    value = exact_value(instance, field, region)
    if isinstance(value, datetime):
        return clock_time(value, zone)
    return "" if value is None else str(value)


def _pairs(instance: WorkflowInstance, field: InstanceField) -> Iterable[tuple[str, str]]:
    if field.kind is FieldKind.PARAMETERS:
        found = first_parameters(instance.workflow_parameters) or Parameters()
        return ((each.key, each.value) for each in found.pairs)
    return instance.tags if field.kind is FieldKind.TAGS else ()


def commands_by_hand(
    target: Target, instance: WorkflowInstance, failed: Sequence[TaskInstance]
) -> dict[str, str]:
    """Return the commands that rerun tasks or set them to success, for a user to run: ``label -> command``.

    They are lines for a shell without an end. The comment has no character that any shell takes for its own,
    since zsh, as it comes, does not know comments in what is typed.
    """
    if not failed:
        return {}
    ids = ",".join(str(task.id) for task in failed)
    words = ["--Ids", f"[{ids}]", "--region", target.region]
    if not target.profile.startswith("("):
        words += ["--profile", target.profile]
    if target.endpoint != f"dataworks.{target.region}.aliyuncs.com":
        words += ["--endpoint", target.endpoint]
    names = listed([task.name_or_id for task in failed], _NAMED)
    said = shown(f"{instance.name} {instance.id}: {names}", limit=_MAX_COMMENT)
    comment = re.sub(r"[^\w .,:/-]", "_", said)
    options = " ".join(shlex.quote(shown(word)) for word in words)
    return {
        label: f"aliyun dataworks-public {operation} {options} # {comment}"
        for label, operation in BY_HAND.items()
    }


BY_HAND: Mapping[str, str] = {
    "Rerun": "RerunTaskInstances",
    "Set success": "SetSuccessTaskInstances",
}
"""Operations that only a user sends, by what they are called here."""
_NAMED, _MAX_COMMENT = 5, 300


class ComparedField(NamedTuple):
    """A field, parameter or tag of two instances; None where one of them has none."""

    label: str
    """With ``$`` before a parameter's name, and ``#`` before a tag's."""
    first: str | None
    second: str | None
    is_of_run: bool = False
    """Whether it differs between any two runs: an ID, a time, or a value made of the business date."""

    @property
    def is_equal(self) -> bool:
        """Whether both have the same."""
        return self.first == self.second


def compared_fields(
    first: WorkflowInstance, second: WorkflowInstance, region: str, zone: tzinfo
) -> list[ComparedField]:
    """Return what differs, then what differs in every run, then what is equal; times are in `zone`."""
    both = first, second
    mine, theirs = (_labelled_values(each, region, zone) for each in both)
    if all(found is not None and found.is_certain for found in map(_parameters, both)):
        # They say all that the text of them does.
        for values in (mine, theirs):
            values.pop(_PARAMETERS, None)
    found: list[ComparedField] = []
    for label in dict.fromkeys((*mine, *theirs)):
        one, other = mine.get(label), theirs.get(label)
        is_of_run = label in _OF_EVERY_RUN
        if one is not None and other is not None and one != other:
            plain = (_without_run(one, first, region), _without_run(other, second, region))
            is_of_run = is_of_run or plain[0] == plain[1]
        found.append(ComparedField(label, one, other, is_of_run and one != other))
    return sorted(found, key=lambda each: (each.is_equal, each.is_of_run))


_OF_EVERY_RUN = frozenset(field.label for field in FIELDS if field.is_of_run)
_PARAMETERS = next(field.label for field in FIELDS if field.kind is FieldKind.PARAMETERS)
_DATE = r"(?<!\d)(20\d\d)([-/]?)(\d\d)\2(\d\d)(?=(?:\d\d){0,3}(?!\d))"
"""``20261128`` or ``2026-11-28``, which the time of day may follow."""
_MAX_DATED = 10_000


def _without_run(text: str, instance: WorkflowInstance, region: str) -> str:
    """Return a value with its dates counted from the business date, and without the IDs of its run."""
    begin = moment(instance.biz_date)
    if len(text) > _MAX_DATED or not begin:
        return text
    day = begin.astimezone(zone_of(region)).date()

    def days(found: re.Match[str]) -> str:
        year, _, month, of_month = found.groups()
        try:
            return f"<{(date(int(year), int(month), int(of_month)) - day).days} days>"
        except ValueError:
            return found[0]

    for number in (instance.id, instance.unified_workflow_instance_id):
        text = re.sub(rf"(?<!\d){number}(?!\d)", "<ID>", text)
    return re.sub(_DATE, days, text)


def _labelled_values(instance: WorkflowInstance, region: str, zone: tzinfo) -> dict[str, str]:
    values: dict[str, str] = {}
    for field, key, value in labelled(instance, region, zone):
        if not key and field.kind is not FieldKind.TAGS:
            values[field.label] = value
        elif key:
            values[("$" if field.kind is FieldKind.PARAMETERS else "#") + key] = value
    found = _parameters(instance)
    return values | {f"${p.key}": p.told_apart for p in found.pairs} if found else values


def _parameters(instance: WorkflowInstance) -> Parameters | None:
    if "workflow_parameters" in dict(instance.unreadable):
        return None
    return first_parameters(instance.workflow_parameters)


class ComparedTask(NamedTuple):
    """A task in two runs of a workflow; None in one that did not have it."""

    name: str
    first: TaskInstance | None
    second: TaskInstance | None

    def seconds(self, now_ms: float) -> tuple[float | None, float | None]:
        """Return how long it ran in both; None where it did not run by itself."""
        first, second = (
            None if task is None or task.is_idle else spans(task, now_ms).running
            for task in (self.first, self.second)
        )
        return first, second

    def change(self, now_ms: float) -> str:
        """Return ``51m00s more`` or ``4s less``; "" unless both ran through, or the first is longer already."""
        first, second = self.seconds(now_ms)
        if first is None or second is None or int(first) == int(second):
            return ""
        families = [task.family for task in (self.first, self.second) if task is not None]
        is_over = families == [Family.SUCCESS, Family.SUCCESS]
        if not is_over and not (families == [Family.ACTIVE, Family.SUCCESS] and first > second):
            return ""
        return f"{difference(first, second)} {'more' if first > second else 'less'}"


def compared_tasks(
    first: Sequence[TaskInstance], second: Sequence[TaskInstance], now_ms: float
) -> list[ComparedTask]:
    """Pair tasks by name: those that failed first, then the greatest difference in how long they ran.

    Between these stand the tasks that ran in one only, or were frozen or a dry run there; last those
    that have yet to run in the first. Where a run has several of one name, they are paired by the
    task's ID, then by order.
    """
    counted = (Counter(task.name_or_id for task in tasks) for tasks in (first, second))
    shared = {name for each in counted for name, times in each.items() if times > 1}
    mine, theirs = (_by_name(tasks, shared) for tasks in (first, second))
    pairs = [
        ComparedTask(it, mine.get(it), theirs.get(it)) for it in dict.fromkeys((*mine, *theirs))
    ]

    def need(pair: ComparedTask) -> tuple[bool, bool, bool, bool, float, str]:
        has_failed, has_failed_before = (
            task is not None and task.family is Family.FAILURE and not task.is_frozen
            for task in (pair.first, pair.second)
        )
        ran, ran_before = pair.seconds(now_ms)
        is_in_both = (ran is None) == (ran_before is None)
        return (
            not has_failed,
            not has_failed_before,
            pair.first is not None and has_yet_to_begin([pair.first]),
            is_in_both,
            -abs((ran or 0) - (ran_before or 0)),
            pair.name,
        )

    return sorted(pairs, key=need)


def has_yet_to_begin(tasks: Collection[TaskInstance]) -> bool:
    """Return whether a run is still to come: each of its tasks waits."""
    return bool(tasks) and all(task.family in {Family.IDLE, Family.WAITING} for task in tasks)


def _by_name(tasks: Iterable[TaskInstance], shared: Collection[str]) -> Mapping[str, TaskInstance]:
    found: dict[str, TaskInstance] = {}
    for task in sorted(tasks, key=lambda task: task.id):
        name = task.name_or_id
        if name in shared and task.task_id is not None:
            name += f" (task {task.task_id})"
        same = (name if n == 1 else f"{name} ({n})" for n in count(1))
        found[next(it for it in same if it not in found)] = task
    return found
