"""The service's JSON laid out for reading. Pure; every value stays as it came, to the digit."""

import re

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_STEP = "  "


def indented(text: str) -> str:
    """Valid JSON with a line for each member; strings, numbers and the order are not touched."""
    parts: list[str] = []
    depth = 0
    tokens = _TOKEN.findall(text)
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token in "{[":
            depth += 1
            is_empty = following in ("}", "]")
            parts.append(token if is_empty else f"{token}\n{_STEP * depth}")
        elif token in "}]":
            depth -= 1
            is_empty = bool(parts) and parts[-1] in ("{", "[")
            parts.append(token if is_empty else f"\n{_STEP * depth}{token}")
        elif token == ",":
            parts.append(f",\n{_STEP * depth}")
        else:
            parts.append(": " if token == ":" else token)
    return "".join(parts)
