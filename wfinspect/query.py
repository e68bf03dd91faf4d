"""What instances are looked for by, and the pages they come in. Knows no JSON and no HTTP."""

from datetime import date, datetime, time, tzinfo
from typing import Generic, NamedTuple, TypeVar

from wfinspect.instance import Tag

T = TypeVar("T")


class Query(NamedTuple):
    """The filters of ListWorkflowInstances, all of which have to match; "" and None ask for any."""

    project_id: int
    biz_date: int
    """Milliseconds; midnight of the business date in the region's scheduling zone."""
    name: str = ""
    """A part of the name."""
    status: str = ""
    type: str = ""
    owner: str = ""
    """An account ID."""
    env_type: str = ""
    tags: tuple[Tag, ...] = ()
    """Any one of them is enough."""
    workflow_id: int | None = None
    unified_workflow_instance_id: int | None = None
    """That of one trigger."""


def biz_date_of(day: date, zone: tzinfo) -> int:
    """A business date as `Query` wants it."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


class Page(NamedTuple, Generic[T]):
    """A part of a longer answer."""

    items: tuple[T, ...]
    """Those that could be read, in the service's order."""
    number: int
    """From 1."""
    total: int | None
    """Over all pages; None where the service does not say."""
    is_last: bool
