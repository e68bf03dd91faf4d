"""The service's JSON laid out for reading. Pure; every value stays as it came, to the digit."""

import re

from wfinspect.format import exact_json

# Possessive: a string of megabytes is passed over without a place to go back to for each character.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+')
_STEP = "  "


def indented(text: str) -> str:
    """Valid JSON with a line for each member; values and their order stay, see `exact_json`."""
    parts: list[str] = []
    depth = 0
    tokens = _TOKEN.findall(exact_json(text))
    for piece, following in zip(tokens, [*tokens, ""][1:], strict=True):
        if piece in "{[":
            depth += 1
            is_empty = following in ("}", "]")
            parts.append(piece if is_empty else f"{piece}\n{_STEP * depth}")
        elif piece in "}]":
            depth -= 1
            is_empty = bool(parts) and parts[-1] in ("{", "[")
            parts.append(piece if is_empty else f"\n{_STEP * depth}{piece}")
        elif piece == ",":
            parts.append(f",\n{_STEP * depth}")
        else:
            parts.append(": " if piece == ":" else piece)
    return "".join(parts)
