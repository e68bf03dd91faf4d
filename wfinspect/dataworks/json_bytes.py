"""Bytes that should be JSON: repaired where services are known to cut, and bounded. Pure.

What can't be read is a BadAnswer with one sentence. Knows no name of the service.
"""

import re
from typing import TypeVar

import msgspec

from wfinspect.errors import BadAnswer
from wfinspect.format import shown

MAX_DEPTH = 64
"""Levels of nesting that an answer may have."""

_BACKSLASH = ord("\\")
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]')
_T = TypeVar("_T")


def mended(body: bytes) -> bytes:
    r"""A body with its lone surrogate escapes replaced by U+FFFD, and without a byte order mark.

    Services that cut text in UTF-16 units leave halves such as ``\ud83d`` behind; one such name
    must not make an instance unreadable. An instance's raw text holds the replacement, too.
    """
    return _HALVES.sub(_whole, body.removeprefix(b"\xef\xbb\xbf"))


# Every match begins with the same bytes, so that a log of 32 MiB is searched in a moment.
_HALVES = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|[89a-fA-F][0-9a-fA-F]{2})"
)


def _whole(match: re.Match[bytes]) -> bytes:
    before = match.start()
    while before and match.string[before - 1] == _BACKSLASH:
        before -= 1
    if (match.start() - before) % 2 == 0:
        return match[0] if match["low"] else b"\\ufffd"
    # The first backslash is itself escaped: what follows it is text, and a second half is alone.
    return match[0].replace(match["low"], b"\\ufffd") if match["low"] else match[0]


def decode(data: bytes | msgspec.Raw, wanted: type[_T]) -> _T:
    """JSON as a type; a BadAnswer where it is none or another one."""
    try:
        return msgspec.json.decode(data, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_json(bytes(data), error) from None


def bad_json(body: bytes, error: Exception) -> BadAnswer:
    """The sentence for a body that is not the JSON it should be."""
    start = body[:200].lstrip()
    if not start:
        return BadAnswer("The service's answer is empty: it was not used.")
    if start.startswith(b"<"):
        return BadAnswer(
            "The answer is a web page and not the service's JSON: is a login page or a proxy in "
            "the way?"
        )
    if isinstance(error, RecursionError):
        return _too_deep()
    why = shown(str(error), limit=120)
    return BadAnswer(f"The service's answer can't be read ({why}): it was not used.")


def refuse_depth(data: bytes) -> None:
    """Raise a BadAnswer for JSON that is nested beyond MAX_DEPTH."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRUCTURE.finditer(data):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise _too_deep()


def _too_deep() -> BadAnswer:
    """The sentence for nesting beyond what is read."""
    return BadAnswer("The service's answer is nested too deeply to be read: it was not used.")
