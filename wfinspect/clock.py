"""Where time comes from. The only module that reads a clock; everything else is handed one."""

import re
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol


class Moment(NamedTuple):
    """One moment, by both clocks: one for durations, one for dates."""

    monotonic: float
    """Seconds that never go back and that count on while the machine is suspended."""
    now: datetime
    """The wall time, aware, in UTC."""


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back and that count on while the machine is suspended."""

    def moment(self) -> Moment:
        """Return both."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_MONOTONIC)

    def moment(self) -> Moment:
        return Moment(self.monotonic(), self.now())


# CLOCK_MONOTONIC stands still in a suspend, so that it would hide the gap.
_MONOTONIC: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class MachineZone(tzinfo):
    """This machine's time zone, by the rules for each time: those of summer differ from winter's."""

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        """Return what the machine is ahead of UTC at a time of its own."""
        return None if at is None else at.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, at: datetime | None) -> None:
        """Return None: it is not known."""

    def tzname(self, at: datetime | None) -> str | None:
        """Return what the machine calls its zone at a time of its own."""
        return None if at is None else at.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, at: datetime) -> datetime:
        """Return a time of UTC as one of the machine's."""
        offset = at.replace(tzinfo=UTC).astimezone().utcoffset()
        there = at + (offset or timedelta())
        return there.replace(fold=int(there.utcoffset() != offset))


_DURATION = r"(?a)([0-9]+(?:\.[0-9]+)?) ?(|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)|(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?"
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration_seconds(value: object) -> float:
    """Return the seconds of a duration as users write it: ``90``, ``90s``, ``5min``, ``2 hours``, ``1d``, ``1h30m``.

    Raises:
        ValueError: it is not one.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    found = re.fullmatch(_DURATION, str(value) if is_number or isinstance(value, str) else "")
    if not (found and found[0]):
        raise ValueError("no duration")
    if found[1]:
        return float(found[1]) * _UNIT_SECONDS[found[2][:1]]
    return float(
        sum(
            int(n or 0) * _UNIT_SECONDS[unit]
            for unit, n in zip("dhms", found.groups()[2:], strict=True)
        )
    )
