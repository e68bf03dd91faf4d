"""IDs and parameters out of text: one reader each for screens, arguments and files. Pure."""

import codecs
import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from wfinspect.errors import NotAnId, UsageError
from wfinspect.model import MAX_INSTANCE_ID, InstanceId

MAX_RANGE = 100
"""IDs one range may stand for."""

FULL_WIDTH = {0xFF10 + n: str(n) for n in range(10)} | {0xFF0C: ",", 0x3001: ",", 0xFF1B: ";"}
"""Digits and commas as an input method for Chinese or Japanese types them, for `str.translate`."""

# No-break, thin and narrow no-break space: typography groups digits with them and separates no words.
_JOINERS = "\u00a0\u2009\u202f"
# Patterns are compiled where they are first used: at import all in the package take 7 ms of each start.
_SEPARATOR = r"[\s,;]+"
_LIST = r"[\s0-9,;.]*"
_ID = r"[0-9]+"
_RANGE = r"([0-9]+)\.\.([0-9]+)"
_DASHED = r"([0-9]{1,19})[-\u2010-\u2015~]([0-9]{1,19})"
_JOINED = rf"(?a)(?<!\w)(?<![0-9][{_JOINERS}])[1-9][0-9]{{0,2}}(?:[{_JOINERS}][0-9]{{3}})+(?!\w|[{_JOINERS}][0-9])"
_GROUPED = r"(?<!\w)(?<!\w,)[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}(?!,?\w)"
_NEGATIVE = r"[-\u2212][0-9]+"
_DIGITS = r"(?a)(?<![\w.])[0-9]{5,}(?![\w]|\.[0-9])"
_RANGE_IN_TEXT = r"(?a)(?<![\w.])([0-9]{5,19})\.\.([0-9]{5,19})(?!\w|\.[0-9.])"
_IN_URL = r"(?<=[=/#:])[0-9]{5,}(?![0-9A-Za-z_])"
_PLACE = re.compile(r"(?:project|workspace)_?(?:id)?[=/:]\Z", re.IGNORECASE)
_DATE = r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([0-9]{6})?"

_TITLES = ("Id", "ID", "INSTANCE")
# What `tasks` and `upstream` print of tasks, in each form.
_OF_TASKS = {"TaskId"}, {"Dependency"}, {"dependency"}, {"RAN", "RUN"}
_DELIMITERS = "\t,;|\uff0c"
_COLUMNS = r"\s{2,}"
# Tables of our own have it before the ID, below no title.
_SIGN = r"^[X>~.+?] {2,}(?=[0-9])"
_RULE = re.compile(r"[-=:+\s]*")
_RECORD = r"(?m)^Id {2,}([0-9]+)[ \r]*$"
# A line that begins JSON, not one such as [ERROR] or {x}.
_OPENING = r'(?m)^[ \t]*(?:\[[ \t\r]*$|\[?[ \t]*\{[ \t\r]*(?:"|$))'
_ID_KEY = re.compile(r'"[Ii]d"[ \t]*:')
# In a link a # is followed by a path: https://host/sc?projectId=88123#/i/10432987165.
_COMMENT = r"(?m)(?:^|(?<=[\s,;]))#.*|(?<=[0-9])#(?![/!]).*"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class FoundIds(NamedTuple):
    """IDs in order and without repeats, and how they were found."""

    ids: tuple[InstanceId, ...]
    source: str = ""
    """``column Id`` of a table, ``field Id`` of JSON, ``text`` around them, "" for a plain list."""
    left_out: str = ""
    """What holds no ID though its neighbours do: ``1 line without an ID (line 7)``; "" for nothing."""


def parse_ids(text: str) -> tuple[InstanceId, ...]:
    """Read an ID, a list (``1,2 3``) or ranges (``100..120``), and nothing else.

    ``10,432,987,165`` is one ID, as a spreadsheet writes it: no ID is as short as its groups. So is
    ``10 432 987 165`` with no-break or thin spaces; a plain space always separates. Characters that
    cannot be seen (category Cf) are dropped.

    Raises:
        UsageError: with one sentence that quotes the part that can't be read.
    """
    text = _ungrouped(plain(text))
    parts = [part for part in re.split(_SEPARATOR, text) if part]
    if not parts:
        raise UsageError("No instance ID was given: type its digits, e.g. 10432987165.")
    found: dict[InstanceId, None] = {}
    for part in parts:
        if bounds := re.fullmatch(_RANGE, part):
            found.update(dict.fromkeys(_range(part, _number(bounds[1]), _number(bounds[2]))))
        else:
            found[_number(part)] = None
    return tuple(found)


def parse_id(text: str) -> InstanceId:
    """Read one ID, as `parse_ids` does.

    Raises:
        UsageError: as `parse_ids`, or there are several.
    """
    first, *others = parse_ids(text)
    if others:
        raise UsageError(f"{text!r} is more than one instance ID: give one.")
    return first


def find_ids(text: str) -> tuple[InstanceId, ...]:
    """Find the IDs in text with other things around them, such as a copied console line or a link.

    A number of five digits or more that stands alone, or as a value in a link, counts; what reads
    as a date (20260917, 20260917143000) or names a workspace (projectId=88123) counts only if
    nothing else does; last of all a number in groups (10,432,987,165). Never raises.
    """
    text = plain(text)
    return _found(text) or _found(_ungrouped(text))


def read_ids(text: str) -> FoundIds:
    """Read IDs as the ID box does: of JSON or a table those of its Id, else a list, else text.

    A table has a header with ``Id`` or ``ID``, and only that column is read. So what our own
    commands print and export is read, in each of its forms.

    Raises:
        UsageError: there is no ID, or a part of a list or a cell of that column is not one.
    """
    return _read(text, is_file=False)


def read_id_file(data: bytes) -> FoundIds:
    """Read a file of IDs: as `read_ids`, with remarks behind a ``#``, in the encoding it is in.

    That is UTF-8, UTF-16 with a byte order mark, or GB 18030, the one of Windows in China.

    Raises:
        UsageError: as `read_ids`.
    """
    # DOS marks the end of a text with Ctrl-Z, and fills a block with it.
    return _read(decoded(data).rstrip("\x1a\0\r\n\t "), is_file=True)


def read_number(text: str) -> int | None:
    """Return a number of the range that IDs are of, written in digits; None for any other text."""
    text = _ungrouped(plain(text))
    is_short = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_INSTANCE_ID))
    return int(text) if is_short and 0 < int(text) <= MAX_INSTANCE_ID else None


def as_range(text: str) -> str:
    """Return ``100..120`` for ``100-120`` and ``100-20``, which may be meant so; else ""."""
    if (bounds := re.fullmatch(_DASHED, plain(text).strip())) is None:
        return ""
    return _written_out(*bounds.groups())


def _written_out(first: str, last: str) -> str:
    """Return ``100..120`` for 100 and 20, the end of 120; "" where that is before the first."""
    last = first[: -len(last)] + last
    return f"{first}..{last}" if int(first) <= int(last) else ""


def visible(text: str) -> str:
    """Return text without the characters that can't be seen: they come along when an ID is copied."""
    if text.isascii():
        return text
    unseen = [ord(char) for char in set(text) if unicodedata.category(char) == "Cf"]
    return text.translate(dict.fromkeys(unseen)) if unseen else text


def plain(text: str) -> str:
    """Return visible text, its digits and separators in ASCII, digits that spaces group joined."""
    text = visible(text)
    if text.isascii():
        return text
    text = text.translate(FULL_WIDTH)
    return re.sub(_JOINED, lambda number: re.sub(rf"[{_JOINERS}]", "", number[0]), text)


_MAX_DIGITS = 40
_QUOTED = 40


def _read(text: str, *, is_file: bool) -> FoundIds:
    text = visible(text)
    if (found := _in_json(text) or _in_table(text, is_file=is_file)) is not None:
        if not found.ids:
            raise UsageError(f"The {found.source} holds no instance ID.")
        return found
    if is_file:
        _refuse_damaged(text)
        text = re.sub(_COMMENT, "", text)
        if not text.strip():
            raise UsageError("It holds no instance ID.")
    try:
        return FoundIds(parse_ids(text))
    except UsageError:
        # Without anything but digits and separators it is a list with a mistake in it.
        ids = () if re.fullmatch(_LIST, plain(text)) else find_ids(text)
        if not ids or (len(ids) == 1 and as_range(text)):
            raise
        lines = enumerate(plain(text).split("\n"), 1)
        without = [n for n, line in lines if line.strip() and not _found(_ungrouped(line))]
        return FoundIds(ids, "text", _left_out("line", without))


def _in_json(text: str) -> FoundIds | None:
    """Return the Id of each object, if this is JSON of ours or of the service; None if it is not."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    lines = [line for line in text.split("\n") if line.strip()]
    loaded = _json_of(text)
    if loaded is None and all(map(_json_of, lines)):
        loaded = [*map(_json_of, lines)]
    if isinstance(loaded, dict):
        loaded = loaded.get("WorkflowInstance", loaded)
        paging = loaded.get("PagingInfo") if isinstance(loaded, dict) else None
        if isinstance(paging, dict):
            loaded = paging.get("WorkflowInstances")
    values = loaded if isinstance(loaded, list) else [loaded]
    if not all(isinstance(each, dict) and ("Id" in each or "id" in each) for each in values):
        return None
    _refuse_tasks("field Id", {name for each in values for name in each})
    cells = (
        (f"object {n}", str(each.get("Id", each.get("id")))) for n, each in enumerate(values, 1)
    )
    return FoundIds(_of_cells(cells), "field Id")


def _json_of(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what JSON stands for; None for any other text."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None


def _refuse_damaged(text: str) -> None:
    """Refuse JSON that can't be read, and a table below other text: all their numbers would count as IDs.

    Raises:
        UsageError: with the number of the line.
    """
    opening, lines = re.search(_OPENING, text), [*enumerate(text.split("\n"), 1)]
    if opening and _ID_KEY.search(text, opening.start()):
        why, first = "other text", 1
        if not text[: opening.start()].strip():
            try:
                json.loads(text)
            except json.JSONDecodeError as error:
                why, first = error.msg, error.lineno
            except RecursionError:
                why = "nested too deep"
        # Each line may be an object of its own.
        wrong = next(
            (n for n, line in lines[first - 1 :] if line.strip() and not _json_of(line)), 0
        )
        if wrong:
            raise UsageError(
                f"The JSON can't be read at line {wrong} ({why}): take out what does not belong to it, "
                "or export it again."
            )
    for number, line in lines:
        if not any(title in line for title in _TITLES) or _found(plain(line)):
            continue
        with suppress(csv.Error):
            titles = {title.strip() for title in next(_rows(line, is_file=True))[1]}
            if len(titles) > len(("ID", "NAME")) and titles & {*_TITLES}:
                raise UsageError(f"A table begins at line {number}: take out what stands above it.")


def _in_table(text: str, *, is_file: bool) -> FoundIds | None:
    """Return the IDs of a table's column, or of what `get` prints of one instance; None without such."""
    start = len(text) - len(text.lstrip())
    while is_file and text.startswith("#", start):
        start = len(text) - len(text[start:].partition("\n")[2].lstrip())
    header = text[start:].partition("\n")[0]
    if re.match(_RECORD, header):
        return FoundIds(parse_ids(" ".join(re.findall(_RECORD, text))), "field Id")
    rows = _rows(text[start:], is_file=is_file)
    before = text.count("\n", 0, start)
    try:
        number, first = next(rows)
    except (csv.Error, StopIteration):
        return None
    titles = [title.strip() for title in first]
    place = next((n for n, title in enumerate(titles) if title in _TITLES), None)
    if place is None or _found(plain(header)):
        return None
    source = f"column {titles[place]}"
    _refuse_tasks(source, {*titles})
    cells: list[tuple[str, str]] = []
    without: list[int] = []
    try:
        for number, row in rows:
            cell = row[place].strip() if place < len(row) else ""
            if not _RULE.fullmatch(cell):
                # A spreadsheet takes digits behind an apostrophe for text.
                cells.append((f"line {before + number}", cell.removeprefix("'")))
            elif not all(map(_RULE.fullmatch, row)):
                without.append(before + number)
    except csv.Error as error:
        raise UsageError(
            f"The table can't be read below line {before + number} ({error}): is a quotation mark "
            "missing?"
        ) from None
    return FoundIds(_of_cells(cells), source, _left_out("row", without))


def _refuse_tasks(source: str, names: set[str]) -> None:
    if any(some <= names for some in _OF_TASKS):
        raise UsageError(f"The {source} holds IDs of tasks, and those of instances are wanted.")


def _rows(text: str, *, is_file: bool) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of a table, each with the number of the line it ends in, from 1.

    Raises:
        csv.Error: it is not one.
    """
    header = text.partition("\n")[0]
    delimiter = next((each for each in _DELIMITERS if each in header), "")
    if delimiter:
        # A cell may be as long as the parameters of an instance; the module's limit is 128 KiB.
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for row in reader:
            yield reader.line_num, row
        return
    for number, line in enumerate(text.split("\n"), 1):
        seen = re.sub(_COMMENT, "", line) if is_file else line
        yield number, re.split(_COLUMNS, re.sub(_SIGN, "", seen.strip()))


def _of_cells(cells: Iterable[tuple[str, str]]) -> tuple[InstanceId, ...]:
    found: dict[InstanceId, None] = {}
    for where, cell in cells:
        try:
            found.update(dict.fromkeys(parse_ids(cell)))
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    return tuple(found)


def _left_out(what: str, numbers: list[int]) -> str:
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"1 {what} without an ID (line {numbers[0]})"
    return f"{len(numbers):,} {what}s without an ID (the first in line {numbers[0]})"


def decoded(data: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 or GB 18030; what none of them reads is replaced."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if encoding == "utf-16":
        # One byte, a Ctrl-Z, is what a program of DOS adds at the end.
        return data[: len(data) // 2 * 2].decode(encoding, "replace")
    for each in (encoding or "utf-8", "gb18030"):
        try:
            return data.decode(each)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def _ungrouped(text: str) -> str:
    return re.sub(_GROUPED, lambda number: number[0].replace(",", ""), text)


def _expanded(bounds: re.Match[str]) -> str:
    """Return the IDs of a range; its two ends where it is none, or too long."""
    with suppress(UsageError):
        return " ".join(map(str, _range(bounds[0], _number(bounds[1]), _number(bounds[2]))))
    return bounds[0].replace("..", " ")


def _found(text: str) -> tuple[InstanceId, ...]:
    text = re.sub(_RANGE_IN_TEXT, _expanded, text)
    spans = {
        m.start(): m.group() for pattern in (_DIGITS, _IN_URL) for m in re.finditer(pattern, text)
    }
    found = sorted(spans.items())
    likely = [
        n
        for at, n in found
        if not (re.fullmatch(_DATE, n) or _PLACE.search(text, max(0, at - 16), at))
    ]
    wanted = likely or [n for _, n in found]
    ids = dict.fromkeys(InstanceId(int(n)) for n in wanted if len(n) <= _MAX_DIGITS)
    return tuple(i for i in ids if 0 < i <= MAX_INSTANCE_ID)


def _number(part: str) -> InstanceId:
    quoted = part if len(part) <= _QUOTED else part[:_QUOTED] + "..."
    if re.fullmatch(_NEGATIVE, part):
        raise UsageError(f"{quoted!r} is negative: an instance ID is a positive whole number.")
    if written := as_range(quoted):
        raise UsageError(f"{quoted!r} is not an instance ID: a range is {written}.")
    if not re.fullmatch(_ID, part):
        raise NotAnId(quoted)
    if len(part.lstrip("0")) > len(str(MAX_INSTANCE_ID)) or int(part) > MAX_INSTANCE_ID:
        raise UsageError(f"'{part[:12]}...' is too large: an ID is at most {MAX_INSTANCE_ID}.")
    if int(part) == 0:
        raise UsageError("'0' is not an instance ID: IDs begin at 1.")
    return InstanceId(int(part))


def _range(part: str, first: InstanceId, last: InstanceId) -> list[InstanceId]:
    if last < first:
        written = _written_out(str(first), str(last)) or f"{last}..{first}"
        raise UsageError(f"The range {part!r} runs backwards: write {written}.")
    if last - first >= MAX_RANGE:
        raise UsageError(
            f"The range {part!r} holds {last - first + 1} IDs: at most {MAX_RANGE} are allowed."
        )
    return [InstanceId(i) for i in range(first, last + 1)]


class Parameter(NamedTuple):
    """One parameter."""

    key: str
    value: str
    """Text; what JSON held other than a string is written as JSON."""
    as_json: str = ""
    """A string of JSON in its quotes, where without them it would pass for null or a number."""

    @property
    def told_apart(self) -> str:
        """The value so that a string and a number of JSON never look alike."""
        return self.as_json or self.value


class Parameters(NamedTuple):
    """All parameters in a text."""

    pairs: tuple[Parameter, ...] = ()
    is_certain: bool = True
    """False where the text should be shown beside them: it does not say for sure where values end."""
    is_all: bool = True
    """False where the last value holds what was not read."""


READ_AT_ONCE = 64 * 1024
"""Characters of pairs that are read to be shown; one value may be all the rest."""
_MAX_TOKENS = 100_000
_JSON_PIECE = r'"(?:[^"\\]++|\\.)*+"|[,:\[{]'
# The documents name no quoting: what is in quotes or brackets is kept whole, blanks and all, so that
# neither a="x y=z" nor $[yyyy-mm-dd hh24:mi:ss] is torn. A quote behind a letter is an apostrophe.
_MARK = r"""(?s)(?<![\w\\])"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?<![\w\\])'[^'\\]*+(?:\\.[^'\\]*+)*+'|[\[\](){}"']"""
_CLOSED_BY = {"[": "]", "(": ")", "{": "}"}
_HIDDEN = "\0"
_PAIR_START = r"(?:^|(?<=\s))([^\s=\[\](){}\"'\0]+)="
_BARE_WORD = r"(?:^|(?<=\s))(?![^\s=\[\](){}\"'\0]+=)\S"
_OPENING_QUOTE = re.compile(r"""(?<![\w\\])["']""")
_BLANK = re.compile(r"\s")
_LIKE_JSON = r"(?s)\s*(?:null|true|false|-?(?:NaN|Infinity|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|[\[{\"].*)\s*"


@lru_cache(maxsize=4)  # a screen reads the same text for each of its frames
def first_parameters(text: str) -> Parameters | None:
    """Read what a text begins with, as `parse_parameters` does.

    For a screen, however long the text is: of pairs beyond READ_AT_ONCE the last one has all that
    follows as its value, and a JSON object of too many parts counts as in neither format.
    """
    if len(text) <= READ_AT_ONCE:
        return parse_parameters(text)
    stripped = text.strip()
    if not stripped.startswith("{"):
        return _from_pairs(stripped, READ_AT_ONCE)
    is_short = next(islice(re.finditer(_JSON_PIECE, text), _MAX_TOKENS, None), None) is None
    return _from_json(stripped) if is_short else None


def parse_parameters(text: str) -> Parameters | None:
    """Read a raw text; None where it is in neither format, so that the text itself is to be shown."""
    stripped = text.strip()
    if not stripped:
        return Parameters()
    if stripped.startswith("{"):
        return _from_json(stripped)
    return _from_pairs(stripped)


def _from_json(text: str) -> Parameters | None:
    # Pairs, not a dict: a key given twice must not lose its first value.
    try:
        loaded = json.loads(
            text, object_pairs_hook=_Pairs, parse_float=_Verbatim, parse_int=_Verbatim
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(loaded, _Pairs):
        return None
    return Parameters(tuple(_parameter(key, value) for key, value in loaded))


class _Pairs(list[tuple[str, object]]):
    """A JSON object that keeps repeated keys and their order."""


class _Verbatim(str):
    """A JSON number exactly as written: 1.10 stays 1.10."""

    __slots__ = ()


def _parameter(key: str, value: object) -> Parameter:
    if not isinstance(value, str) or isinstance(value, _Verbatim):
        return Parameter(key, _dump(value))
    return Parameter(key, value, _dump(value) if re.fullmatch(_LIKE_JSON, value) else "")


def _dump(value: object) -> str:
    if isinstance(value, _Verbatim):
        return str(value)
    if isinstance(value, _Pairs):
        inner = ", ".join(f"{_dump(key)}: {_dump(item)}" for key, item in value)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_dump(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _from_pairs(text: str, limit: int | None = None) -> Parameters | None:
    """Read pairs, those that begin within the first `limit` characters."""
    is_all = limit is None or len(text) <= limit
    bare, is_balanced = _with_wholes_hidden(text[:limit], is_all=is_all)
    if not re.match(_PAIR_START, bare):
        return None
    word = re.search(_BARE_WORD, bare)
    # The last word may be cut.
    is_paired = word is None or (not is_all and not _BLANK.search(bare, word.start()))
    return Parameters(tuple(_pairs(text, bare)), is_balanced and is_paired, is_all)


def _pairs(text: str, bare: str) -> Iterator[Parameter]:
    """Yield pairs whose values each run to the next key, since it is not said that blanks within one are quoted."""
    key, begin = "", 0
    for start in re.finditer(_PAIR_START, bare):
        if begin:
            yield Parameter(key, text[begin : start.start()].rstrip())
        key, begin = start[1], start.end()
    yield Parameter(key, text[begin:].rstrip())


def _with_wholes_hidden(text: str, *, is_all: bool) -> tuple[str, bool]:
    """Put `_HIDDEN` over what is within quotes or brackets; whether those are balanced.

    Unless `is_all`, one that is not closed is taken to be closed in what follows.
    """
    opened: list[tuple[str, int]] = []
    wholes: list[tuple[int, int]] = []
    is_balanced = True
    for mark in re.finditer(_MARK, text):
        if len(mark[0]) > 1:
            wholes.append(mark.span())
        elif mark[0] in _CLOSED_BY:
            opened.append((_CLOSED_BY[mark[0]], mark.start()))
        elif opened and opened[-1][0] == mark[0]:
            wholes.append((opened.pop()[1], mark.end()))
        elif not is_all and _OPENING_QUOTE.match(text, mark.start()):
            wholes.append((mark.start(), len(text)))
            break
        else:
            is_balanced = False
    if opened and is_all:
        is_balanced = False
    elif opened:
        wholes.append((opened[0][1], len(text)))
    pieces: list[str] = []
    end = 0
    for start, stop in sorted(wholes):
        if stop > end:
            # One within another, such as quotes within brackets, ends before it and is past.
            pieces += [text[end:start], _HIDDEN * (stop - start)]
            end = stop
    return "".join([*pieces, text[end:]]), is_balanced
