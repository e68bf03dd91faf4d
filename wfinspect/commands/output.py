"""Instances as text on standard output: table, JSON, CSV and single fields. Pure."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import TextIO

from wfinspect.errors import UsageError
from wfinspect.format import (
    biz_date,
    biz_day,
    cell_width,
    clock_time,
    duration,
    moment,
    shortened,
    shown,
)
from wfinspect.model import FIELDS_AS_SENT, FieldGroup, FieldKind, WorkflowInstance, service_name
from wfinspect.parsing import first_parameters
from wfinspect.regions import zone_of
from wfinspect.watching.api import Contact, Snapshot

_NO_LIMIT = 1 << 40
_MAX_DIGITS = 4_000
_NAME_LIMIT = 200
"""Characters of a name in a line: the other lines are filled up to its width."""
_MAX_PAIRS = 1_000
"""Parameters or tags that the table shows."""
_WHOLE = "-o json or --field has the whole"
_HEADING: tuple[str, ...] = ("ID", "STATUS", "NAME", "TYPE", "ENV", "BIZDATE", "STARTED", "RAN")
_CELLS = ("status", "name", "type", "env_type", "biz_date", "started_time")
_SHED = ("ENV", "TYPE", "BIZDATE", "STARTED")
_UNREADABLE = "unreadable, -o json shows it"


def say(sentence: str) -> None:
    """A sentence for a person, on standard error. That nobody can read it is no reason to stop."""
    with contextlib.suppress(OSError):
        print(f"wfinspect: {shown(sentence, limit=4_000)}", file=sys.stderr, flush=True)


def as_fields(instances: Sequence[WorkflowInstance], names: Sequence[str], *, has_id: bool) -> str:
    """Bare values, a line each; behind ``ID<TAB>`` where there are several instances.

    A value that can't be read is the service's JSON.

    Raises:
        UsageError: a name that is no field of the service.
    """
    names_known = [field.service_name for field in FIELDS_AS_SENT]
    known = {name.lower() for name in names_known}
    lines = []
    for instance in instances:
        found = {name.lower(): _bare(value) for name, value in _loaded(instance.raw).items()}
        found |= {
            service_name(name).lower(): shown(text, limit=_NO_LIMIT)
            for name, text in instance.unreadable
        }
        for name in names:
            if name.lower() not in known and name.lower() not in found:
                raise UsageError(f"{name!r} is not a field: {', '.join(names_known)}.")
            text = found.get(name.lower(), "")
            lines.append(f"{instance.id}\t{text}" if has_id else text)
    return "\n".join(lines)


def room() -> int | None:
    """Cells of a line on standard output; None where that is no terminal."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def as_table(
    instances: Sequence[WorkflowInstance],
    region: str,
    zone: tzinfo,
    now: datetime,
    width: int | None = None,
) -> str:
    """One instance as a list of all its fields, several as `as_lines`."""
    if len(instances) == 1:
        return _record(instances[0], region, zone, now)
    return as_lines(instances, region, zone, now, width)


def as_lines(
    instances: Sequence[WorkflowInstance],
    region: str,
    zone: tzinfo,
    now: datetime,
    width: int | None = None,
) -> str:
    """A heading and a line for each instance, without columns that `width` cells do not hold."""
    rows = [_HEADING, *(_row(instance, region, zone, now) for instance in instances)]
    text = aligned(rows)
    for title in _SHED:
        if width is None or max(map(cell_width, text.split("\n"))) <= width:
            break
        at = rows[0].index(title)
        rows = [row[:at] + row[at + 1 :] for row in rows]
        text = aligned(rows)
    return text


def _record(instance: WorkflowInstance, region: str, zone: tzinfo, now: datetime) -> str:
    rows = []
    unreadable = dict(instance.unreadable)
    for field in FIELDS_AS_SENT:
        value = getattr(instance, field.attribute)
        if field.attribute in unreadable:
            text = _UNREADABLE
        elif field.group is FieldGroup.PAIRS:
            continue
        elif field.kind is FieldKind.TIME:
            text = _time(value, zone, has_offset=True)
        elif field.kind is FieldKind.DATE:
            text = "-" if value is None else biz_date(value, zone_of(region))
        else:
            text = "-" if value in {None, ""} else _start(str(value))
        rows.append((field.service_name, text))
    if ran := _ran(instance, now):
        rows.append(("(ran)" if instance.is_settled else "(running for)", ran))
    rows += _parameter_rows(instance.workflow_parameters)
    if instance.tags:
        rows += _section("Tags", instance.tags)
    return aligned(rows)


def _parameter_rows(text: str) -> list[tuple[str, str]]:
    found = first_parameters(text)
    if found is None:
        return [("WorkflowParameters", _start(text))]
    pairs = [(p.key, p.told_apart) for p in found.pairs]
    rows = _section("WorkflowParameters", pairs, is_all=found.is_all)
    return rows if found.is_certain else [*rows, ("(as it came)", _start(text))]


def _section(
    title: str, pairs: Sequence[tuple[str, str]], *, is_all: bool = True
) -> list[tuple[str, str]]:
    """A row for each pair; unless `is_all`, the last one's value holds pairs that were not read."""
    rows = [f"{shown(key)}={_start(value)}" for key, value in pairs[:_MAX_PAIRS]]
    if (more := len(pairs) - len(rows)) > 0:
        count = f"{more:,}" if is_all else f"more than {more:,}"
        rows.append(f"... and {count} more, {_WHOLE}")
    return [(title if number == 0 else "", text) for number, text in enumerate(rows)]


def _start(value: str) -> str:
    """A value on one line; of a long one its start, its size and how to have the whole."""
    start, size = shortened(value)
    return shown(start, limit=len(start)) + (f"... {size}, {_WHOLE}" if size else "")


def _row(instance: WorkflowInstance, region: str, zone: tzinfo, now: datetime) -> tuple[str, ...]:
    cells = {
        "status": shown(instance.status),
        "name": shown(instance.name, limit=_NAME_LIMIT),
        "type": shown(instance.type),
        "env_type": shown(instance.env_type),
        "biz_date": ""
        if instance.biz_date is None
        else biz_day(instance.biz_date, zone_of(region)),
        "started_time": _time(instance.started_time, zone),
    } | dict.fromkeys(dict(instance.unreadable), "unreadable")
    return (
        str(instance.id),
        *(cells[name] or "-" for name in _CELLS),
        _ran(instance, now) or "-",
    )


def _ran(instance: WorkflowInstance, now: datetime) -> str:
    """How long the run took or has taken; "" before it starts and where its times make no sense."""
    seconds = instance.run_seconds(now)
    return "" if seconds is None or seconds < 0 else duration(seconds)


def _time(milliseconds: int | None, zone: tzinfo, *, has_offset: bool = False) -> str:
    at = None if milliseconds is None else moment(milliseconds)
    if at is None:
        return "-" if milliseconds is None else str(milliseconds)
    return clock_time(at, zone) + (at.astimezone(zone).strftime(" %z") if has_offset else "")


def _loaded(text: str) -> dict[str, object]:
    """The service's object."""
    # Python refuses to make a number of more than 4,300 digits.
    loaded: dict[str, object] = json.loads(
        text, parse_int=lambda digits: int(digits) if len(digits) < _MAX_DIGITS else digits
    )
    return loaded


def _bare(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(text, limit=_NO_LIMIT)


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of safe text as lines, their columns below each other."""
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text + " " * (width - cell_width(text)) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


_LIMIT = 4_000


class ProgressLine:
    """Writes to a stream; to none where there is none."""

    def __init__(self, stream: TextIO | None, zone: tzinfo, *, is_terminal: bool) -> None:
        self._stream = stream
        self._zone = zone
        self._is_terminal = is_terminal
        self._last_notice = 0
        self._told: set[str] = set()
        self._slow: set[str] = set()
        self._store_trouble = ""
        self._line = ""

    def say(self, sentence: str) -> None:
        """A sentence of its own line."""
        self.clear()
        self._write(f"wfinspect: {shown(sentence, limit=_LIMIT)}\n")

    def clear(self) -> None:
        """Take the progress off the terminal, since something else is to be written there."""
        if self._line:
            self._write("\r\x1b[K")
            self._line = ""

    def show(self, snapshot: Snapshot, summary: str) -> None:
        """Tell what is new in a snapshot, and draw how far the watch is."""
        for sentence in self._news(snapshot):
            self.say(sentence)
        health = snapshot.health
        words = "live" if health.contact is Contact.LIVE else health.contact.value.upper()
        if health.contact is Contact.LIVE and health.slow is not None:
            words = health.slow.words
        if health.trouble is not None:
            words += f": {shown(health.trouble.cause)}"
            if health.trouble.retry_at is not None:
                words += f", next try {health.trouble.retry_at.astimezone(self._zone):%H:%M:%S}"
        if self._is_terminal and self._stream is not None:
            # A line that wraps could not be taken back.
            room = os.get_terminal_size(self._stream.fileno()).columns - 1
            line = f"{summary} | {words}"[:room]
            if line != self._line:
                self.clear()
                self._write(line)
                self._line = line

    def _news(self, snapshot: Snapshot) -> Iterator[str]:
        fresh = [n for n in snapshot.notices if n.number > self._last_notice]
        for notice in fresh:
            self._last_notice = notice.number
            yield notice.text
        health = snapshot.health
        if health.store_trouble not in {"", self._store_trouble}:
            yield health.store_trouble
        self._store_trouble = health.store_trouble
        if health.slow is not None and health.slow.cause not in self._slow:
            self._slow.add(health.slow.cause)
            yield health.slow.sentence
        troubles = [health.trouble, *(row.trouble for row in snapshot.rows if not row.is_gone)]
        causes = {trouble.cause: trouble for trouble in troubles if trouble is not None}
        for trouble in (t for cause, t in causes.items() if cause not in self._told):
            at = trouble.retry_at
            again = f" Next try at {at.astimezone(self._zone):%H:%M:%S}." if at is not None else ""
            yield f"{trouble.sentence}{again}"
        self._told |= causes.keys()
        if self._told and not causes and health.contact is Contact.LIVE:
            self._told.clear()
            if not fresh:
                yield "Contact is back."

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # That nobody reads the progress is no reason to stop.
            self._stream = None
