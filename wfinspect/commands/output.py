"""Instances as text on standard output, and sentences on standard error."""

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate, chain
from math import ceil
from operator import mul
from shutil import get_terminal_size
from typing import Self, TextIO

from wfinspect.clock import SystemClock, duration_seconds
from wfinspect.dataworks.endpoints import endpoint_word
from wfinspect.errors import UsageError, did_you_mean
from wfinspect.export import as_csv, as_json, csv_table, json_of
from wfinspect.format import (
    biz_date,
    biz_day,
    cell_width,
    clock_time,
    duration,
    moment,
    service_time,
    shortened,
    shown,
)
from wfinspect.model import (
    FIELDS_AS_SENT,
    Family,
    FieldGroup,
    FieldKind,
    Target,
    WorkflowInstance,
    service_name,
    utc_words,
    zone_of,
)
from wfinspect.parsing import first_parameters, parse_parameters

SENTENCE_LIMIT = 4_000
SERVICE_NAMES = [field.service_name for field in FIELDS_AS_SENT]
VERSION = 1
"""Of the rows of the program's own in JSON that say one: those of the list, and what is followed."""


def say(sentence: str) -> None:
    """Print a sentence on standard error; go on where it can't be written."""
    with contextlib.suppress(OSError):
        print(as_message(sentence, sys.stderr), file=sys.stderr, flush=True)


def as_message(sentence: str, stream: TextIO | None) -> str:
    """Return a sentence as it is written to a stream: to a terminal in lines that end between words.

    What may be copied stays whole: a word, what stands in quotes or backticks, and a command at the end.
    """
    return wrapped("wfinspect:", shown(sentence, limit=SENTENCE_LIMIT), stream, 2)


def wrapped(head: str, text: str, stream: TextIO | None, indent: int) -> str:
    """Return a text behind a head in the same way, its further lines moved in by `indent` cells if they fit."""
    if stream is None or not stream.isatty():
        return f"{head} {text}"
    width, _ = terminal_size(stream)
    lines = [head]
    for piece in re.findall(_PIECE, text):
        longer = f"{lines[-1]} {piece}"
        start = max(0, min(indent, width - cell_width(piece)))
        # A line of its own would give the first piece no more room.
        is_first = lines == [head] and cell_width(head) < start
        if is_first or cell_width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(f"{'':{start}}{piece}")
    return "\n".join(map(str.rstrip, lines))


_PIECE = r"[^\s`]*`[^`]*`\S*|'[^']*'\S*|wfinspect [^.;:]*\.?$|\S+"


A_WORD = "or a part of the name of one row of the watched list"
"""What stands for the ID of an instance, as `once.given_key` reads it."""


def add_ids(
    parser: argparse.ArgumentParser,
    nargs: str = "*",
    without: str = "",
    searched: Sequence[str] = (),
) -> None:
    """Add the IDs of instances; `without` says what holds where none is given.

    Words of a search by the fields `searched` may stand there, too.
    """
    text = f"an ID, a list (1,2) or a range (100..120){without}"
    if searched:
        text += "; or words of a search: ads, status=failure, !word"
        parser.set_defaults(searched=searched)
    parser.add_argument("ids", nargs=nargs, metavar="ID|WORD" if searched else "ID", help=text)


def read_seconds(text: str) -> float:
    """Return the seconds of the value of an option, such as 90s or 2h."""
    with contextlib.suppress(ValueError):
        if (seconds := duration_seconds(text)) > 0:
            return seconds
    raise UsageError(f"{text[:40]!r} is not a duration above 0: write 90, 90s, 5m, 2h or 1d.")


def add_id(parser: argparse.ArgumentParser) -> None:
    """Add the ID of one instance."""
    parser.add_argument("id", metavar="ID", help=f"the instance's ID, {A_WORD}")


class Fields(tuple[str, ...]):
    """Names of fields, in the place of a form of ``--output``."""

    __slots__ = ()


def _names(text: str) -> list[str]:
    names = [each.strip() for each in text.split(",")]
    if not all(names):
        raise UsageError(f"{text[:40]!r} has an empty name in it.")
    return names


def add_output_option(
    parser: argparse.ArgumentParser,
    array: str,
    forms: Sequence[str] = ("table", "json", "csv"),
    keys: Sequence[str] = (),
    field: str = "",
) -> None:
    """Add ``--output``, the first of `forms` by default; `array` says what it prints as JSON, with `keys`.

    Where there are keys ``--field`` chooses among them; `field` says so if it is not of rows.
    """
    if keys:
        parser.epilog = f"keys of JSON: {', '.join(keys)}\n\n{parser.epilog}"
    parser.add_argument(
        "-o",
        "--output",
        choices=forms,
        default=forms[0],
        metavar="FORM",
        help=f"{', '.join(forms)}; json prints {array} (default: {forms[0]})",
    )
    for form in sorted({"json", "csv"} & {*forms}, reverse=True):
        same = f"the same as -o {form}"
        parser.add_argument(f"--{form}", dest="output", action="store_const", const=form, help=same)
    if keys:
        parser.add_argument(
            "--field",
            action="extend",
            type=_names,
            choices=keys,
            metavar="NAME",
            help=field
            or "print these values alone, a line for each row; several, as in "
            f"{keys[0]},{keys[1]}, are separated by tabs",
        )


Value = str | int | float | bool | datetime | None | Sequence["Value"] | Mapping[str, "Value"]
Values = Mapping[str, Value]
"""A row of the program's own, by its keys in JSON."""


def as_rows(form: str | Fields, rows: Sequence[Values], keys: Sequence[str], zone: tzinfo) -> str:
    """Return rows as an array of JSON, in which times are RFC 3339 in UTC, as CSV, or their `Fields`."""
    if form == "json":
        return "[" + ",\n".join(map(json_of, rows)) + "]"
    if isinstance(form, Fields):
        return as_fields([json.loads(json_of(row)) for row in rows], form, keys)
    return csv_table(
        [service_name(key) for key in keys], ([row[key] for key in keys] for row in rows), zone
    )


def print_rows(
    form: str | Fields, rows: Sequence[Values], keys: Sequence[str], zone: tzinfo
) -> None:
    """Print rows as `as_rows` gives them; nothing for fields of none."""
    if rows or not isinstance(form, Fields):
        print(as_rows(form, rows, keys, zone))


def printed(
    form: str | Fields,
    instances: Sequence[WorkflowInstance],
    region: str,
    zone: tzinfo,
    *,
    is_several: bool,
    links: Sequence[str] = (),
) -> str:
    """Return instances in one of the forms of ``--output``, or their `Fields`; unless `is_several`, there is one.

    A table has the links to them as well.
    """
    if form == "json":
        return as_json(instances, is_array=is_several)
    if form == "csv":
        return as_csv([(each, region) for each in instances], zone)
    if isinstance(form, Fields):
        return as_fields([values_of(each, form) for each in instances], form, SERVICE_NAMES)
    now = SystemClock().now()
    if len(instances) == 1 and not is_several:
        record = as_record(instances[0], region, zone, now, *links)
        return f"{record}{_in_short(instances[0], now) if _is_high(record) else ''}"
    return as_lines(instances, region, zone, now, room(), links)


def titled(title: str, zone: tzinfo, now: datetime) -> str:
    """Return the title of a column of times with their zone: by its name where its offset changes."""
    offsets = {utc_words(zone, now + timedelta(days)) for days in (-182, 0)}
    return f"{title} {offsets.pop() if len(offsets) == 1 else getattr(zone, 'key', 'local time')}"


_HEADING = ("ID", "STATUS", "NAME", "TYPE", "ENV", "BIZDATE")
_CELLS = ("status", "name", "type", "env_type", "biz_date", "started_time")
_STEPS = (
    ("WORKFLOW", 0),
    ("NAME", 24),
    *((title, 0) for title in ("LINK", "ENV", "TYPE", "BIZDATE", "STARTED")),
)
_NAME_LIMIT = 200  # characters of a name in a line: the other lines are filled up to its width


def as_lines(
    instances: Sequence[WorkflowInstance],
    region: str,
    zone: tzinfo,
    now: datetime,
    width: int | None = None,
    links: Sequence[str] = (),
) -> str:
    """Return a heading and a line for each instance, without columns that `width` cells do not hold."""
    heading = (*_HEADING, titled("STARTED", zone, now), "RAN", "WORKFLOW")
    rows = [heading, *(_row(instance, region, zone, now) for instance in instances)]
    return fitted([rows, [("LINK",), *((link,) for link in links)]], width, _STEPS)


def target_words(target: Target) -> tuple[str, str, str]:
    """Return profile, region and endpoint, this one as ``public`` or ``vpc`` where it is that."""
    return (*target.account, endpoint_word(*target[1:]))


def where(targets: Sequence[Target]) -> list[tuple[str, ...]]:
    """Return titles, and for each target the profile and the region where these differ between them.

    The endpoint is there, too, where they are not enough.
    """
    words = {each: target_words(each) for each in {*targets}}
    accounts = {each.account for each in words}
    differ = [len({each[part] for each in accounts}) > 1 for part in (0, 1)]
    differ.append(len(accounts) < len(words))
    cells = {each: tuple(map(mul, map(shown, some), differ)) for each, some in words.items()}
    return [("PROFILE", "REGION", "ENDPOINT"), *(cells[each] for each in targets)]


def fitted(
    parts: Sequence[Sequence[tuple[str, ...]]],
    width: int | None,
    steps: Sequence[tuple[str, int]] = (),
) -> str:
    """Return tables beside one another as lines of `width` cells, the first with titles.

    A column in which no row has text is left out, and an empty cell of another has a dash. What the
    lines do not hold is taken from a column after the other, by its title and the cells that it keeps at
    least, or 0 where it may go; then from the widest ones. IDs, titles and shortest wordings stay whole.
    What that leaves over goes to the names.
    """
    columns = [each for part in parts for each in zip(*part, strict=True) if any(each[1:])]
    # Those of times have a zone behind them.
    titles = [column[0].partition(" ")[0] for column in columns]
    widths = [max(map(cell_width, column)) for column in columns]
    whole = [max(cell_width(title), *map(_least_width, texts)) for title, *texts in columns]
    for some, least in (*(({title}, cells) for title, cells in steps), ({*titles} - _IDS, _LEAST)):
        while width is not None and sum(widths) + 2 * (len(widths) - 1) > width:
            able = [
                (cells, at)
                for at, cells in enumerate(widths)
                if titles[at] in some and cells > (least and max(least, whole[at]))
            ]
            if not able:
                break
            cells, at = max(able)
            widths[at] = cells - 1 if least else _GONE
    kept = {at: _cut(columns[at], cells) for at, cells in enumerate(widths) if cells != _GONE}
    name = titles.index("NAME") if "NAME" in titles else None
    if width is not None and name in kept:
        # A column that goes, or takes a shorter wording, may free more than was needed.
        used = sum(max(map(cell_width, column)) + 2 for column in kept.values()) - 2
        kept[name] = _cut(columns[name], widths[name] + max(0, width - used))
    return aligned([*zip(*kept.values(), strict=True)])


def _cut(column: Sequence[str], width: int) -> list[str]:
    title, *texts = column
    return [title, *(fit(text or "-", width) for text in texts)]


_IDS = {"ID", "TASK", "INSTANCE", "OWNER"}
_LEAST = 6  # cells of a column that is cut in the end
_GONE = -2  # cells of a column that is left out, with the gap before it


def fit(text: str, width: int) -> str:
    """Return a cell's text, shortened with an ellipsis where it is wider than `width` cells."""
    if cell_width(text) <= width:
        return text
    end = sum(cells <= width - 3 for cells in accumulate(map(cell_width, text)))
    cut = f"{text[:end]}..."
    if not isinstance(text, Colored):
        return cut
    return Colored(next((s for s in text.shorter if cell_width(s) <= width), cut), text.sgr)


def _least_width(text: str) -> int:
    """Return the cells of the shortest wording of a cell's text that may not be cut, else 0."""
    return cell_width(text.shorter[-1]) if isinstance(text, Colored) and text.shorter else 0


def _row(instance: WorkflowInstance, region: str, zone: tzinfo, now: datetime) -> tuple[str, ...]:
    cells = {
        "status": Colored(shown(instance.status) or "-", instance.family),
        "name": shown(instance.name, limit=_NAME_LIMIT),
        "type": shown(instance.type),
        "env_type": shown(instance.env_type),
        "biz_date": ""
        if instance.biz_date is None
        else biz_day(instance.biz_date, zone_of(region)),
        "started_time": service_time(instance.started_time, zone),
        "workflow_id": str(instance.workflow_id or ""),
    } | dict.fromkeys(dict(instance.unreadable), "unreadable")
    return (
        str(instance.id),
        *(cells[name] or "-" for name in _CELLS),
        _ran(instance, now) or "-",
        cells["workflow_id"],
    )


_WHOLE = "-o json or --field has the whole"
_UNREADABLE = "unreadable, -o json shows it"


def as_record(
    instance: WorkflowInstance, region: str, zone: tzinfo, now: datetime, link: str = ""
) -> str:
    """Return an instance as a list of all its fields."""
    rows = []
    unreadable = dict(instance.unreadable)
    for field in FIELDS_AS_SENT:
        value = getattr(instance, field.attribute)
        if field.attribute in unreadable:
            text = _UNREADABLE
        elif field.group is FieldGroup.PAIRS:
            continue
        elif field.kind is FieldKind.TIME:
            at = moment(value)
            text = f"{clock_time(at, zone)} {utc_words(zone, at)}" if at else str(value or "-")
        elif field.kind is FieldKind.DATE:
            text = "-" if value is None else biz_date(value, zone_of(region))
        else:
            text = "-" if value in {None, ""} else _start(str(value))
        rows.append((field.service_name, text))
    if link:
        rows.append(("(link)", link))
    if ran := _ran(instance, now):
        rows.append(("(ran)" if instance.is_settled else "(running for)", ran))
    rows += _parameter_rows(instance.workflow_parameters)
    if instance.tags:
        rows += _section("Tags", instance.tags)
    return aligned(rows)


def _in_short(instance: WorkflowInstance, now: datetime) -> str:
    """Return the line that stays in view under a record whose first lines have gone."""
    status = colored(Colored(shown(instance.status) or "-", instance.family))
    name = shown(instance.name, limit=_NAME_LIMIT)
    ran = _ran(instance, now)
    ran = f"  {'ran' if instance.is_settled else 'running for'} {ran}" if ran else ""
    return f"\n\n{instance.id}  {status}  {name}{ran}"


def _parameter_rows(text: str) -> list[tuple[str, str]]:
    found = first_parameters(text)
    if found is None:
        return [("WorkflowParameters", _start(text))]
    pairs = [(p.key, p.told_apart) for p in found.pairs]
    rows = _section("WorkflowParameters", pairs, is_all=found.is_all)
    return rows if found.is_certain else [*rows, ("(as it came)", _start(text))]


_MAX_PAIRS = 1_000  # parameters or tags that the table shows


def _section(
    title: str, pairs: Sequence[tuple[str, str]], *, is_all: bool = True
) -> list[tuple[str, str]]:
    """Return a row for each pair; unless `is_all`, the last one's value holds pairs that were not read."""
    rows = [f"{shown(key)}={_start(value)}" for key, value in pairs[:_MAX_PAIRS]]
    if (more := len(pairs) - len(rows)) > 0:
        count = f"{more:,}" if is_all else f"more than {more:,}"
        rows.append(f"... and {count} more, {_WHOLE}")
    return [(title if number == 0 else "", text) for number, text in enumerate(rows)]


def _start(value: str) -> str:
    """Return a value on one line; of a long one its start, its size and how to have the whole."""
    start, size = shortened(value)
    return shown(start, limit=len(start)) + (f"... {size}, {_WHOLE}" if size else "")


def _ran(instance: WorkflowInstance, now: datetime) -> str:
    """Return how long the run took or has taken; "" before it starts and where its times make no sense."""
    seconds = instance.run_seconds(now)
    return "" if seconds is None or seconds < 0 else duration(seconds)


_NO_LIMIT = 1 << 40
_MAX_DIGITS = 4_000


def as_fields(
    rows: Sequence[Mapping[str, object]], names: Sequence[str], known: Sequence[str]
) -> str:
    """Return a line for each row: the values of fields, separated by tabs.

    Tab, line feed and backslash in a value are escaped. A part of a field, such as ``Tags.team``, that no row
    has is said, and empty.

    Raises:
        UsageError: a name that is neither `known` nor in a row.
    """
    by_name = [{_folded(key): value for key, value in row.items()} for row in rows]
    there = {name: _folded(name) for name in dict.fromkeys([*known, *chain.from_iterable(rows)])}
    for name in names:
        field, is_part, _ = _folded(name).partition(".")
        if _folded(name) in there.values():
            continue
        hint = did_you_mean(name, there, f"known are {', '.join(known)}.")
        if not (is_part and field in there.values()):
            raise UsageError(f"{name[:40]!r} is not a field: {hint}")
        say(f"There is no {shown(name, limit=60)}: {hint}")

    def cell(row: Mapping[str, object], name: str) -> str:
        return shown(_bare(row.get(_folded(name))).translate(_ESCAPES), limit=_NO_LIMIT)

    return "\n".join("\t".join(cell(row, name) for name in names) for row in by_name)


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def values_of(instance: WorkflowInstance, names: Sequence[str]) -> dict[str, object]:
    """Return the service's object with what of it can't be read as its JSON; with tags and parameters if named."""
    values = _loaded(instance.raw)
    values |= {service_name(name): text for name, text in instance.unreadable}
    if not {*map(_folded, names)} <= {*map(_folded, SERVICE_NAMES)}:
        found = parse_parameters(instance.workflow_parameters)
        values |= {f"WorkflowParameters.{p.key}": p.value for p in (found.pairs if found else ())}
        values |= {f"Tags.{tag.key}": tag.value for tag in instance.tags}
    return values


_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\\": "\\\\"})


def _loaded(text: str) -> dict[str, object]:
    """Return the service's object."""
    # Python refuses to make a number of more than 4,300 digits.
    loaded: dict[str, object] = json.loads(
        text, parse_int=lambda digits: int(digits) if len(digits) < _MAX_DIGITS else digits
    )
    return loaded


def _bare(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_COLORS: Mapping[str, str] = {
    Family.FAILURE: "31",
    Family.UNKNOWN: "35",
    Family.ACTIVE: "94",
    Family.WAITING: "33",
    Family.IDLE: "90",
    Family.SUCCESS: "32",
}
RED, YELLOW, GREEN, GREY = "31", "33", "32", "90"


class _Switch:
    is_on = False


def decide_color(choice: str, environ: Mapping[str, str]) -> None:
    """Decide if what is printed has colours: ``always``, ``never``, or on a terminal that takes them."""
    takes = sys.stdout is not None and sys.stdout.isatty() and environ.get("TERM") != "dumb"
    _Switch.is_on = choice == "always" or (
        choice == "auto" and takes and not environ.get("NO_COLOR")
    )


def has_color() -> bool:
    """Return whether colours are on."""
    return _Switch.is_on


class Colored(str):
    """Text for a cell, and its colour: parameters of SGR, or the state that it names.

    One with shorter wordings, the shortest last, is never cut.
    """

    __slots__ = ("sgr", "shorter")
    sgr: str
    shorter: Sequence[str]

    def __new__(cls, text: str, color: str, shorter: Sequence[str] = ()) -> Self:
        self = super().__new__(cls, text)
        self.sgr, self.shorter = _COLORS.get(color, color), shorter
        return self


def colored(text: str) -> str:
    """Return a cell's text in its colour, where colours are on."""
    return f"\x1b[{text.sgr}m{text}\x1b[0m" if isinstance(text, Colored) and has_color() else text


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of safe text as lines, their columns below each other."""
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            colored(text) + " " * (width - cell_width(text))
            for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _is_high(text: str) -> bool:
    """Return whether a text and the prompt behind it are higher than the terminal that it goes to."""
    if not sys.stdout.isatty():
        return False
    columns, lines = terminal_size(sys.stdout)
    return sum(max(1, ceil(cell_width(line) / columns)) for line in text.splitlines()) >= lines


def terminal_size(terminal: TextIO) -> tuple[int, int]:
    """Return columns and lines of the terminal itself; where it has none, what COLUMNS and LINES say."""
    own, said = os.get_terminal_size(terminal.fileno()), get_terminal_size()
    return own.columns or said.columns, own.lines or said.lines


def room() -> int | None:
    """Return the cells of a table's line, COLUMNS if the user says so; None where it goes to no terminal."""
    return get_terminal_size().columns if sys.stdout.isatty() else None
