"""A search as one types it, ``workspace=88123 date=2026-09-17 name=ads``, as a query. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

from wfinspect.errors import UsageError
from wfinspect.format import moment, shown
from wfinspect.ids import read_number
from wfinspect.instance import Status, Tag, WorkflowInstance
from wfinspect.query import Query, biz_date_of

FIELDS = (
    "workspace",
    "date",
    "name",
    "status",
    "type",
    "env",
    "owner",
    "tag",
    "workflow",
    "trigger",
)
"""What a word may begin with, followed by ``=``; a word without is a part of the name."""

_NUMBERS = ("workspace", "workflow", "trigger")


def read_query(text: str, zone: tzinfo) -> Query:
    """The query that a text means; business dates begin at midnight in `zone`.

    Raises:
        UsageError: a word can't be used, or workspace or date is missing.
    """
    given: dict[str, str] = {}
    tags: list[Tag] = []
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals:
            name, value = "name", word
        if name not in FIELDS:
            raise UsageError(f"There is no {shown(name, limit=30)!r}: use {', '.join(FIELDS)}.")
        if name == "tag" and value:
            key, _, rest = value.partition(":")
            tags.append(Tag(key, rest))
        elif value:
            given[name] = value
    numbers = {name: _number(name, given[name]) for name in _NUMBERS if name in given}
    if "workspace" not in numbers or "date" not in given:
        raise UsageError("The service searches one workspace and business date: give both.")
    return Query(
        numbers["workspace"],
        biz_date_of(_date(given["date"]), zone),
        name=given.get("name", ""),
        status=_status(given.get("status", "")),
        type=given.get("type", ""),
        owner=given.get("owner", ""),
        env_type=given.get("env", "").capitalize(),
        tags=tuple(tags),
        workflow_id=numbers.get("workflow"),
        unified_workflow_instance_id=numbers.get("trigger"),
    )


def suggestions(instance: WorkflowInstance | None, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """Searches to begin with: around an instance, its trigger, its workflow; else of yesterday."""
    at = moment(instance.biz_date) if instance and instance.biz_date else None
    day = (at or now - timedelta(days=1)).astimezone(zone).date()
    if instance is None or instance.project_id is None:
        return (f"date={day} workspace=",)
    return tuple(f"workspace={instance.project_id} date={day} {rest}" for rest in _more(instance))


def _more(instance: WorkflowInstance) -> Iterator[str]:
    yield ""
    if instance.unified_workflow_instance_id is not None:
        yield f"trigger={instance.unified_workflow_instance_id}"
    if instance.workflow_id is not None:
        yield f"workflow={instance.workflow_id}"


def _number(name: str, text: str) -> int:
    if (number := read_number(text)) is None:
        raise UsageError(f"{name}={shown(text, limit=30)} is no ID: use digits only.")
    return number


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{shown(text, limit=30)!r} is no date: write it as 2026-09-17.") from None


def _status(text: str) -> str:
    words = {str(status).lower(): str(status) for status in Status if status != Status.UNKNOWN}
    if text and text.lower() not in words:
        raise UsageError(
            f"There is no status {shown(text, limit=30)!r}: {', '.join(words.values())}."
        )
    return words.get(text.lower(), "")
