"""Workflow parameters: both wire formats to keys and values. Pure; never loses a character.

Periodic and trigger workflows carry ``key=value`` pairs, manual ones a JSON object
(CreateWorkflowInstances, 2024-05-18). The first character that is not blank decides which.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple


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
_JSON_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[,:\[{]')
# The documents name no quoting: what is in quotes or brackets is kept whole, blanks and all, so that
# neither a="x y=z" nor $[yyyy-mm-dd hh24:mi:ss] is torn. A quote behind a letter is an apostrophe.
_MARK = re.compile(
    r"""(?<![\w\\])"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?<![\w\\])'[^'\\]*+(?:\\.[^'\\]*+)*+'|[\[\](){}"']""",
    re.DOTALL,
)
_CLOSED_BY = {"[": "]", "(": ")", "{": "}"}
_HIDDEN = "\0"
_PAIR_START = re.compile(r"(?:^|(?<=\s))([^\s=\[\](){}\"'\0]+)=")
_BARE_WORD = re.compile(r"(?:^|(?<=\s))(?![^\s=\[\](){}\"'\0]+=)\S")
_OPENING_QUOTE = re.compile(r"""(?<![\w\\])["']""")
_BLANK = re.compile(r"\s")
_LIKE_JSON = re.compile(
    r"\s*(?:null|true|false|-?(?:NaN|Infinity|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|[\[{\"].*)\s*",
    re.DOTALL,
)


@lru_cache(maxsize=4)  # a screen asks again for each of its frames
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
    is_short = next(islice(_JSON_TOKEN.finditer(text), _MAX_TOKENS, None), None) is None
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
    return Parameter(key, value, _dump(value) if _LIKE_JSON.fullmatch(value) else "")


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
    if not _PAIR_START.match(bare):
        return None
    word = _BARE_WORD.search(bare)
    # The last word may be cut.
    is_paired = word is None or (not is_all and not _BLANK.search(bare, word.start()))
    return Parameters(tuple(_pairs(text, bare)), is_balanced and is_paired, is_all)


def _pairs(text: str, bare: str) -> Iterator[Parameter]:
    """Each value runs to the next key, since it is not said that blanks within one are quoted."""
    key, begin = "", 0
    for start in _PAIR_START.finditer(bare):
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
    for mark in _MARK.finditer(text):
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
