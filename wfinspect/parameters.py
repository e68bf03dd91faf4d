"""Workflow parameters: both wire formats to keys and values. Pure; never loses a character.

Periodic and trigger workflows carry ``key=value`` pairs, manual ones a JSON object
(CreateWorkflowInstances, 2024-05-18). The first character that is not blank decides which.
"""

import json
import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple


class Parameter(NamedTuple):
    """One parameter. The value is text; what JSON held other than a string is written as JSON."""

    key: str
    value: str


_PAIR_START = re.compile(r"(?:^|(?<=\s))([^\s=\[\]{}\"']+)=")


READ_AT_ONCE = 64 * 1024
"""Characters of pairs that are read to be shown; one value may be all the rest."""
_MAX_TOKENS = 100_000
_JSON_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[,:\[{]')


@lru_cache(maxsize=4)  # a screen asks again for each of its frames
def first_parameters(text: str) -> tuple[tuple[Parameter, ...] | None, bool]:
    """The parameters a text begins with, as `parse_parameters`, and whether these are all.

    For a screen, however long the text is: of pairs beyond READ_AT_ONCE the last one has all that
    follows as its value, and a JSON object of too many parts counts as in neither format.
    """
    if len(text) <= READ_AT_ONCE:
        return parse_parameters(text), True
    if text.lstrip().startswith("{"):
        is_short = next(islice(_JSON_TOKEN.finditer(text), _MAX_TOKENS, None), None) is None
        return (parse_parameters(text) if is_short else None), True
    found = parse_parameters(text[:READ_AT_ONCE])
    if not found:
        return None, True
    *first, (key, value) = found
    at = text.rfind(value, 0, READ_AT_ONCE)
    return (*first, Parameter(key, value if at < 0 else text[at:])), False


def parse_parameters(text: str) -> tuple[Parameter, ...] | None:
    """The parameters in a raw text; empty for blank text, None where it is in neither format.

    None asks the caller to show the text itself.
    """
    stripped = text.strip()
    if not stripped:
        return ()
    if stripped.startswith("{"):
        return _from_json(stripped)
    return _from_pairs(stripped)


def _from_json(text: str) -> tuple[Parameter, ...] | None:
    # Pairs, not a dict: a key given twice must not lose its first value.
    try:
        loaded = json.loads(
            text, object_pairs_hook=_Pairs, parse_float=_Verbatim, parse_int=_Verbatim
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(loaded, _Pairs):
        return None
    return tuple(
        Parameter(key, str(value) if isinstance(value, str) else _dump(value))
        for key, value in loaded
    )


class _Pairs(list[tuple[str, object]]):
    """A JSON object that keeps repeated keys and their order."""


class _Verbatim(str):
    """A JSON number exactly as written: 1.10 stays 1.10."""

    __slots__ = ()


def _dump(value: object) -> str:
    if isinstance(value, _Verbatim):
        return str(value)
    if isinstance(value, _Pairs):
        inner = ", ".join(f"{_dump(key)}: {_dump(item)}" for key, item in value)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_dump(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _from_pairs(text: str) -> tuple[Parameter, ...] | None:
    starts = list(_PAIR_START.finditer(text))
    # A bracketed value such as $[yyyy-mm-dd hh24:mi:ss] holds blanks, so a value runs to the next key.
    if not starts or starts[0].start() != 0:
        return None
    ends = [m.start() for m in starts[1:]] + [len(text)]
    return tuple(
        Parameter(m.group(1), text[m.end() : end].rstrip())
        for m, end in zip(starts, ends, strict=True)
    )
