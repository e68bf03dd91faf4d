"""The generated parts of README.md; run as a script it writes them anew."""

import re
from pathlib import Path

from wfinspect.options import OPTIONS
from wfinspect.ui.keys import COMMANDS

README = Path(__file__).parent.parent / "README.md"


def options() -> str:
    lines = ["| option | environment | config.toml | default | meaning |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        flag = f"--{option.name}" + (f" {option.metavar}" if option.metavar else "")
        flag = flag.replace("|", "\\|")
        if option.has_negation:
            flag += f", --no-{option.name}"
        default = "" if option.default is None else str(option.default).lower()
        key = f"`{option.key}`" if option.in_file else ""
        lines.append(f"| `{flag}` | `{option.variable}` | {key} | {default} | {option.meaning} |")
    return "\n".join(lines)


def keys() -> str:
    lines = ["| key | does | name in `[keys]` |", "|---|---|---|"]
    for command in COMMANDS:
        shown = command.shown.replace("|", "\\|")
        lines.append(f"| `{shown}` | {command.text} | `{command.id}` |")
    return "\n".join(lines)


BLOCKS = {"options": options, "keys": keys}


def replaced(text: str, name: str, block: str) -> str:
    """A text with what stands between the marks of a name replaced."""
    pattern = rf"(<!-- {name}: generated -->\n).*?(\n<!-- end -->)"
    text, count = re.subn(pattern, lambda m: m[1] + block + m[2], text, count=1, flags=re.DOTALL)
    assert count == 1, f"README.md has no block {name}"
    return text


def with_blocks(text: str) -> str:
    for name, make in BLOCKS.items():
        text = replaced(text, name, make())
    return text


if __name__ == "__main__":
    README.write_text(with_blocks(README.read_text(encoding="utf-8")), encoding="utf-8")
