"""The generated parts of both README.md, and generated files; run as a script it writes them again."""

import json
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import generated

from wfinspect.settings import OPTIONS, NotifySettings
from wfinspect.ui.keys import COMMANDS

README = Path(__file__).parents[2] / "README.md"
INSIDE = README.parent / "wfinspect" / "README.md"


def options() -> str:
    lines = ["| option | environment | config.toml | default | meaning |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        flag = f"--{option.name}" + (f" {option.metavar}" if option.metavar else "")
        flag = flag.replace("|", "\\|")
        if not option.metavar:
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
    "lost_after": 'contact lost for so long is notified, and its return: seconds, or `"90s"`, `"5m"`, `"2h"`; at least 10 s',
}


def notify() -> str:
    lines = ["| key in `[notify]` | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{key}` | `{_toml(default)}` | {_NOTIFY[key]} |"
        for key, default in NotifySettings()._asdict().items()
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


class Example(NamedTuple):
    """A day of watching 50 instances in 5 groups; `benchmarks/day.py` holds the calls to be true."""

    what: str
    runs_once: bool
    """Each of them; else the first of each group runs on and on."""
    budget: int
    calls: int


EXAMPLES = (
    Example("each waits, runs once (5 to 90 minutes), and is done", True, 3000, 1937),
    Example("in each group something runs day and night", False, 3000, 2970),
    Example("the same with `--budget 30000`", False, 30_000, 27_004),
)
_FREE, _PRICE, _DAYS = 100_000, 0.05 / 10_000, 30


def costs() -> str:
    lines = [
        "| 50 instances in 5 groups | calls a day | in 30 days | Standard | the free calls spent |",
        "|---|---|---|---|---|",
    ]
    loop = 50 * 86_400 // 15
    rows = [(each.what, each.calls) for each in EXAMPLES]
    for what, calls in (*rows, ("a loop that asks for each of them every 15 s", loop)):
        month = calls * _DAYS
        beyond = max(0, month - _FREE) * _PRICE
        dollars = f"USD {beyond:.2f}" if beyond else "free"
        lines.append(f"| {what} | {calls:,} | {month:,} | {dollars} | USD {month * _PRICE:.2f} |")
    return "\n".join(lines)


_LAYERS = {
    "cli": "a command line to an exit code; imports a command only when it runs",
    "commands": "a module for each: puts the parts together",
    "ui | dataworks | simulator": "the terminal; the service; a service on loopback",
    "watching": "who is due, what changed, what is kept: no terminal, no HTTP",
    "diagnostics": "the log of the program itself, and crash reports",
    "lateness | settings | export | search": "late or not; settings, private files; JSON and CSV; one language of search",
    "parsing | terminal": "IDs and parameters in text; facts of terminals",
    "format": "values as text",
    "model": "an instance, a task, a search, and their states",
    "errors | clock | regions | signals": "what can go wrong; time; zones; the end by a signal",
    "redaction": "secrets taken out of what is written",
}


def layers() -> str:
    text = (README.parent / "pyproject.toml").read_text(encoding="utf-8")
    contract = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]
    rows = [row.replace("wfinspect.", "") for row in contract["layers"][1:]]
    return "\n".join(["```", *(f"{row:<38}  {_LAYERS[row]}" for row in rows), "```"])


BLOCKS = {
    README: {"costs": costs, "options": options, "notify": notify, "keys": keys},
    INSIDE: {"layers": layers},
}


def replaced(text: str, name: str, block: str) -> str:
    """A text with what stands between the marks of a name replaced."""
    pattern = rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)"
    text, count = re.subn(
        pattern, lambda m: f"{m[1]}{block}\n{m[2]}", text, count=1, flags=re.DOTALL
    )
    assert count == 1, f"README.md has no block {name}"
    return text


def with_blocks(page: Path) -> str:
    """A page as it should be."""
    text = page.read_text(encoding="utf-8")
    for name, make in BLOCKS[page].items():
        text = replaced(text, name, make())
    return text


if __name__ == "__main__":
    for path, text in generated.texts().items():
        path.write_text(text, encoding="utf-8")
    for page in BLOCKS:
        page.write_text(with_blocks(page), encoding="utf-8")
