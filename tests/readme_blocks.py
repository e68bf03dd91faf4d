"""The generated parts of README.md; run as a script it writes them anew."""

import json
import re
from pathlib import Path

from wfinspect.notify import Notify
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
        # Where the default is no value, the meaning names it.
        meaning, _, named = option.meaning.removesuffix(")").partition(" (default: ")
        meaning += ")" if option.meaning.endswith(")") and not named else ""
        default = named or f"`{_toml(option.default)}`"
        key = f"`{option.key}`" if option.in_file else ""
        lines.append(f"| `{flag}` | `{option.variable}` | {key} | {default} | {meaning} |")
    return "\n".join(lines)


_NOTIFY = {
    "rule": "`failure`; `late`: a late run, too; `settled`: success, too; `any`: every change",
    "command": "a program and its arguments, run once for each message",
    "bell": "ring the terminal's bell; `b` switches it in the app",
    "osc": 'desktop notification by the terminal: `"9"`, `"777"`, `"off"`',
    "tmux_passthrough": "wrap that for tmux, whose `allow-passthrough` has to be on",
}


def notify() -> str:
    lines = ["| key in `[notify]` | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{key}` | `{_toml(default)}` | {_NOTIFY[key]} |"
        for key, default in Notify()._asdict().items()
    ]
    return "\n".join(lines)


def _toml(value: object) -> str:
    """A value as config.toml takes it, for those that need no escape."""
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def keys() -> str:
    lines = ["| key | does | name in `[keys]` |", "|---|---|---|"]
    for command in COMMANDS:
        shown = command.shown.replace("|", "\\|")
        lines.append(f"| `{shown}` | {command.text} | `{command.id}` |")
    return "\n".join(lines)


BLOCKS = {"options": options, "notify": notify, "keys": keys}


def replaced(text: str, name: str, block: str) -> str:
    """A text with what stands between the marks of a name replaced."""
    pattern = rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)"
    text, count = re.subn(
        pattern, lambda m: f"{m[1]}{block}\n{m[2]}", text, count=1, flags=re.DOTALL
    )
    assert count == 1, f"README.md has no block {name}"
    return text


def with_blocks(text: str) -> str:
    for name, make in BLOCKS.items():
        text = replaced(text, name, make())
    return text


if __name__ == "__main__":
    README.write_text(with_blocks(README.read_text(encoding="utf-8")), encoding="utf-8")
