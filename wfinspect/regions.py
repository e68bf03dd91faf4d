"""The regions DataWorks serves: names and the zone their schedules run in. Knows no HTTP.

Source: the endpoint page of the 2024-05-18 API and the endpoint map of the official SDK 9.11.0; the
zones are the regions' local ones (the API does not return a switched scheduling zone).
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_CHINA = "Asia/Shanghai"

_IN_CHINA = (
    "cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-beijing", "cn-zhangjiakou", "cn-wulanchabu",
    "cn-chengdu", "cn-qingdao", "cn-huhehaote", "cn-hangzhou-finance", "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1", "cn-beijing-finance-1", "cn-north-2-gov-1",
)  # fmt: skip

_ZONES = dict.fromkeys(_IN_CHINA, _CHINA) | {
    "cn-hongkong": "Asia/Hong_Kong",
    "ap-southeast-1": "Asia/Singapore",
    "ap-southeast-3": "Asia/Kuala_Lumpur",
    "ap-southeast-5": "Asia/Jakarta",
    "ap-southeast-7": "Asia/Bangkok",
    "ap-northeast-1": "Asia/Tokyo",
    "ap-northeast-2": "Asia/Seoul",
    "us-west-1": "America/Los_Angeles",
    "us-east-1": "America/New_York",
    "eu-central-1": "Europe/Berlin",
    "eu-west-1": "Europe/London",
    "me-east-1": "Asia/Dubai",
    "me-central-1": "Asia/Riyadh",
}

REGIONS = tuple(_ZONES)
"""Every region with a known endpoint."""


def day_of(region: str, at: datetime) -> date:
    """Return the day a call counts for: it begins at midnight in the region."""
    return at.astimezone(zone_of(region)).date()


def day_ends_at(region: str, at: datetime) -> datetime:
    """Return the midnight that follows `at` in a region: then the service counts calls from 0 again."""
    zone = zone_of(region)
    tomorrow = day_of(region, at) + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)


def due_at(region: str, biz_date: datetime, time_of_day: str) -> datetime:
    """Return a time of day, ``HH:MM``, on the day after a business date."""
    day = day_of(region, biz_date) + timedelta(days=1)
    return datetime.combine(day, time.fromisoformat(time_of_day), zone_of(region))


def zone_of(region: str) -> ZoneInfo:
    """Return the zone a region's schedules and days run in; China's for a region not in the table."""
    return ZoneInfo(_ZONES.get(region, _CHINA))


def zone_words(region: str, at: datetime) -> str:
    """Return a region's zone and how far it is ahead of UTC at a time: ``Asia/Shanghai, UTC+8``."""
    zone = zone_of(region)
    hours, minutes = divmod(
        int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds()) // 60, 60
    )
    return f"{zone.key}, UTC{hours:+}{f':{minutes:02}' if minutes else ''}"
