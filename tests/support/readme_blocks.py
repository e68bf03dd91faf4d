"""The generated parts of README.md and the help pages, and generated files; run as a script it writes them."""

import json
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import generated
from textual.binding import Binding

from wfinspect.commands import TOPICS
from wfinspect.commands.find import MAX_FOUND
from wfinspect.model import FIELDS, MAX_IDS, FieldKind
from wfinspect.parsing import MAX_RANGE
from wfinspect.search import WORDS
from wfinspect.settings import (
    MIN_INTERVAL_SECONDS,
    MIN_LOST_AFTER_SECONDS,
    OPTIONS,
    NotifySettings,
)
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.screens.compare import CompareScreen
from wfinspect.ui.screens.find import FindScreen
from wfinspect.ui.screens.tasks import DependenciesScreen, TaskScreen, TasksScreen
from wfinspect.ui.screens.text import LogScreen, TextScreen
from wfinspect.ui.screens.view import OverlayScreen
from wfinspect.watching.follows import MOST
from wfinspect.watching.limits import CALLS_A_SECOND
from wfinspect.watching.notifications import MAX_TEXT
from wfinspect.watching.store import MAX_RECENT, MAX_TRANSITIONS, TRANSITIONS_KEPT_FOR

README = Path(__file__).parents[2] / "README.md"
INSIDE = README.parent / "wfinspect" / "README.md"
PAGES = {topic: INSIDE.with_name("help") / f"{topic}.md" for topic in TOPICS}
"""The pages of ``wfinspect help``."""
RESULTS = README.parent / "tests" / "benchmarks" / "RESULTS.md"


def options() -> str:
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for option in OPTIONS:
        flag = f"--{option.name}" + (f" {option.metavar}" if option.metavar else "")
        flag = flag.replace("|", "\\|")
        if not option.metavar:
            flag += f", --no-{option.name}"
        # Where the default is no value, the meaning names it.
        meaning, _, named = option.meaning.removesuffix(")").partition(" (default: ")
        meaning += ")" if option.meaning.endswith(")") and not named else ""
        default = named or f"`{_toml(option.default)}`"
        if not option.in_file:
            meaning += "; not in config.toml"
        lines.append(f"| `{flag}` | {default} | {meaning} |")
    return "\n".join(lines)


_NOTIFY = {
    "rule": "`failure`; `late`: a late run, too; `settled`: success, too; `any`: every change",
    "command": "a program and its arguments, run once for each message",
    "bell": "ring the terminal's bell; `b` switches it in the app",
    "osc": 'desktop notification by the terminal: `"9"`, `"777"`, `"off"`',
    "tmux_passthrough": "wrap that for tmux, whose `allow-passthrough` has to be on",
    "lost_after": 'contact lost for so long is notified, and its return: seconds, or `"90s"`, `"5m"`, `"2h"`, `"1d"`; at least 10 s',
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


_VIEWS = {
    "tasks": TasksScreen,
    "one task": TaskScreen,
    "waits for, holds up": DependenciesScreen,
    "JSON": TextScreen,
    "a log, also": LogScreen,
    "find": FindScreen,
    "compare": CompareScreen,
    "each of these": OverlayScreen,
}


def view_keys() -> str:
    lines = ["| in | key | does |", "|---|---|---|"]
    for view, screen in _VIEWS.items():
        name = view
        for binding in vars(screen)["BINDINGS"]:
            if isinstance(binding, Binding) and binding.show:
                keys = " ".join(f"`{key}`" for key in (binding.key_display or "").split())
                lines.append(f"| {name} | {keys} | {binding.description} |")
                name = ""
    return "\n".join(lines)


def fields() -> str:
    lines = ["| field | matches |", "|---|---|"]
    for field in FIELDS:
        if not field.search:
            continue
        match field.kind:
            case FieldKind.NUMBER:
                meaning = "the whole number"
            case FieldKind.DATE:
                meaning = "the business date"
            case FieldKind.TAGS:
                meaning = "`key`, or `key:value`"
            case _:
                meaning = "a part" if field.search == "name" else "its beginning"
        if field.search in WORDS:
            meaning += f": {', '.join(WORDS[field.search])}"
        lines.append(f"| `{field.search}=` | {meaning} |")
    return "\n".join(lines)


def limits() -> str:
    kept = f"{MAX_TRANSITIONS:,}, for {TRANSITIONS_KEPT_FOR.days} days"
    rows = {
        "calls a second": CALLS_A_SECOND,
        "instances that one call reads": MAX_IDS,
        "IDs in a range such as `100..120`": MAX_RANGE,
        "shortest `--interval`": f"{MIN_INTERVAL_SECONDS:g} s",
        "shortest `lost_after`": f"{MIN_LOST_AFTER_SECONDS:g} s",
        "changes that are kept": kept,
        "recent IDs that are offered": MAX_RECENT,
        "characters of a notification": MAX_TEXT,
        "instances that `wfinspect find` prints": f"{MAX_FOUND:,}",
        "instances of one date that a follow adds": MOST,
    }
    lines = [f"| {what} | {most} |" for what, most in rows.items()]
    return "\n".join(["| what | limit |", "|---|---|", *lines])


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
    for what, calls in (*rows, ("a loop that reads each of them every 15 s", loop)):
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
    "report": "what others need to know of a failure: Markdown, HTML, JSON",
    "lateness | settings | export | search": "late or not; settings, private files; JSON and CSV; one language of search",
    "parsing | terminal": "IDs and parameters in text; facts of terminals",
    "format": "values as text",
    "model": "what DataWorks has: instances, tasks, states, regions and their zones",
    "errors | clock | signals": "what can go wrong; time; the end by a signal",
    "redaction": "secrets taken out of what is written",
}


def layers() -> str:
    text = (README.parent / "pyproject.toml").read_text(encoding="utf-8")
    contract = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]
    rows = [row.replace("wfinspect.", "") for row in contract["layers"][1:]]
    return "\n".join(["```", *(f"{row:<38}  {_LAYERS[row]}" for row in rows), "```"])


def ratios() -> str:
    """A few of the figures in RESULTS.md, as the README quotes them."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|", RESULTS.read_text("utf-8"), re.MULTILINE)
    found = dict(rows)

    def of(what: str) -> list[float]:
        return [float(n.replace(",", "")) for n in re.findall(r"\d[\d,.]*", found[what])]

    ours, sdk, *_ = of("CPU for an instance and round, HTTPS: ours / SDK sync / SDK async")
    calls, loop = of("calls a round for 1,000 watched in 10 groups, ours / SDK's loop")
    [fewer] = of("... calls of the loops for one of ours")
    [start] = of("80x24: first paint / bare app, CPU")
    [idle] = of("idle: bytes in 60 s")
    return "\n".join(
        (
            f"- {loop / calls:,.0f} times fewer calls than the SDK in a loop, for 1,000 instances in 10 groups",
            f"- {fewer:g} times fewer calls in a night than 20 loops, one for each instance, that stop when their run ends",
            f"- {sdk / ours:.1f} times less CPU for an instance and round than the official SDK",
            f"- {start:g} times the CPU time that an empty Textual app takes to start",
            f"- {idle:g} bytes sent to the terminal while nothing happens",
        )
    )


BLOCKS = {
    README: {"ratios": ratios},
    INSIDE: {"layers": layers},
    PAGES["keys"]: {"keys": keys, "view-keys": view_keys},
    PAGES["search"]: {"fields": fields},
    PAGES["config"]: {"options": options, "limits": limits},
    PAGES["notify"]: {"notify": notify},
    PAGES["costs"]: {"costs": costs},
}
"""What is generated of each page."""


def replaced(text: str, name: str, block: str) -> str:
    """A text with what stands between the marks of a name replaced."""
    pattern = rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)"
    text, count = re.subn(
        pattern, lambda m: f"{m[1]}{block}\n{m[2]}", text, count=1, flags=re.DOTALL
    )
    assert count == 1, f"there is no block {name}"
    return text


def with_blocks(page: Path) -> str:
    """A page as it should be."""
    text = page.read_text(encoding="utf-8")
    for name, make in BLOCKS[page].items():
        text = replaced(text, name, make())
    return text


def write_measured(table: str) -> None:
    """Put a table of figures into RESULTS.md, and the ratios that README.md quotes there."""
    text = RESULTS.read_text(encoding="utf-8")
    RESULTS.write_text(replaced(text, "measured", table), encoding="utf-8")
    README.write_text(with_blocks(README), encoding="utf-8")


if __name__ == "__main__":
    for page in BLOCKS:
        page.write_text(with_blocks(page), encoding="utf-8")
    for path, text in generated.texts().items():
        path.write_text(text, encoding="utf-8")
