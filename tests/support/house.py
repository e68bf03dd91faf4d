"""The figures of the structure: files, code lines, circles, twins, and the files that one poll enters.

Run as a script, it prints them all: `.venv/bin/python tests/support/house.py`.
"""

import argparse
import ast
import importlib
import inspect
import os
import sys
import tempfile
import threading
import tokenize
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

try:
    from pty_session import PtySession, python

    from wfinspect.simulator import Simulator
except ModuleNotFoundError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(f"{missing.name} is not installed for {sys.executable}: use .venv/bin/python.")

LIMITS = {
    "files": 95,
    "code lines": 27_174,
    "import circles": 0,
    "public class names defined twice": 0,
    "public class names that are Textual's": 0,
    "modules with one importer and no tests of their own": 15,
    "constructors with more than 6 parameters": 0,
    "parameters of the app's constructor": 6,
    "files entered by poll": 42,
    "files entered by w": 42,
    "files entered by t": 50,
    "files entered by get": 25,
}
"""What each figure may be at most."""

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "wfinspect"

# What the code says of itself.


@cache
def trees() -> Mapping[str, ast.Module]:
    """The syntax tree of each module of the package, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def code_lines() -> int:
    """Lines without blanks, comments and the docstrings of modules, classes and functions."""
    total = 0
    for path, tree in zip(sorted(PACKAGE.rglob("*.py")), trees().values(), strict=True):
        lines: set[int] = set()
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type not in _NO_CODE:
                    lines.update(range(token.start[0], token.end[0] + 1))
        for node in ast.walk(tree):
            if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False):
                docstring = node.body[0]
                lines.difference_update(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
        total += len(lines)
    return total


_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """The modules of the package that each of its modules imports, also under TYPE_CHECKING."""
    known = trees()
    found: dict[str, set[str]] = {name: set() for name in known}
    for name, tree in known.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                source = node.module or ""
                names = [
                    f"{source}.{alias.name}" if f"{source}.{alias.name}" in known else source
                    for alias in node.names
                ]
            else:
                continue
            found[name].update(each for each in names if each in known and each != name)
    return {name: frozenset(each) for name, each in found.items()}


def circles() -> list[list[str]]:
    """Groups of modules that import one another, directly or through others."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for each in imports()[waiting.pop()] - seen:
                seen.add(each)
                waiting.append(each)
        return seen

    reach = {name: reachable(name) for name in imports()}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other]))
        for name in reach
        if name in reach[name]
    }
    return [list(group) for group in sorted(groups)]


def twin_classes() -> dict[str, list[str]]:
    """Public class names that are defined more than once, with their modules."""
    places: dict[str, list[str]] = {}
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name)
    return {name: where for name, where in places.items() if len(where) > 1}


def names_of_textual() -> dict[str, list[str]]:
    """Public class names that Textual has, too, with the modules that define them here."""
    theirs = {
        name
        for module in map(importlib.import_module, _MODULES_OF_TEXTUAL)
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    } | set(importlib.import_module("textual.widgets").__all__)
    places: dict[str, list[str]] = {}
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in theirs:
                places.setdefault(node.name, []).append(name)
    return places


_MODULES_OF_TEXTUAL = [
    f"textual.{name}"
    for name in (
        *("app", "binding", "containers", "content", "driver", "events", "geometry"),
        *("message", "message_pump", "notifications", "reactive", "screen", "scroll_view"),
        *("strip", "style", "theme", "timer", "widget", "worker"),
    )
]
"""Those whose classes stand in annotations and base classes of an app."""


def lone_modules() -> list[str]:
    """Modules that one module imports, and that have no file of tests of their own."""
    importers = Counter(each for found in imports().values() for each in found)
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    return [
        name
        for name, tree in trees().items()
        if importers[name] == 1 and tree.body and name.rpartition(".")[2] not in tested
    ]


def constructors() -> dict[str, int]:
    """The parameters, besides self, of each constructor that is written by hand."""
    found = {}
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                        count = len(each.args.args) + len(each.args.kwonlyargs) - 1
                        found[f"{name}.{node.name}"] = count
    return found


_APP = "wfinspect.ui.app.WfInspectApp"
_MOST_PARAMETERS = 6


def large_constructors() -> list[str]:
    """The constructors with too many parameters, but for the app's."""
    return [
        f"{name} ({count})"
        for name, count in constructors().items()
        if count > _MOST_PARAMETERS and name != _APP
    ]


# What a running program enters: the functions of which files are called.


class Trace:
    """Notes the files of the package whose functions are called while it is on."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()
        self.is_on = False

    def install(self) -> None:
        """Follow this thread and all that are started from now on."""
        sys.setprofile(self._profile)
        threading.setprofile(self._profile)

    def take(self) -> list[str]:
        """The files since the last time."""
        codes, self._codes = self._codes, set()
        return sorted(
            {
                str(Path(code.co_filename).relative_to(ROOT))
                for code in codes
                if code.co_filename.startswith(f"{PACKAGE}{os.sep}") and code.co_name != "<module>"
            }
        )

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if self.is_on and event == "call":
            self._codes.add(frame.f_code)


def run_traced(orders: int, answers: int, arguments: list[str]) -> None:
    """Run a command line in this process; a byte through `orders` begins or ends what is noted."""
    from wfinspect.cli import main

    trace = Trace()

    def answer() -> None:
        trace.is_on = False
        os.write(answers, "\n".join(trace.take()).encode() + b"\0")

    def obey() -> None:
        while order := os.read(orders, 1):
            trace.is_on = order == BEGIN
            if order == END:
                answer()

    threading.Thread(target=obey, daemon=True).start()
    trace.install()
    trace.is_on = arguments[0] == "get"
    code = main(arguments, os.environ)
    if trace.is_on:
        answer()
    sys.exit(code)


BEGIN, END = b"b", b"e"
WATCHED, *LOOKED_UP = 10432987165, 10433001250, 10433001244


class TracedProgram(PtySession):
    """The program in a terminal, with the files that it enters."""

    def __init__(self, *arguments: str, home: Path, env: Mapping[str, str]) -> None:
        reading, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        script = (
            f"import sys; sys.path[:0] = {[str(Path(__file__).parent)]!r};"
            f"import house; house.run_traced({reading}, {answers}, {list(arguments)!r})"
        )
        super().__init__(
            python("-c", script),
            home=home,
            env={**env, "PYTHONPATH": str(ROOT)},
            size=(110, 30),
            pass_fds=(reading, answers),
        )

    def noted(self) -> list[str]:
        found = b""
        while not found.endswith(b"\0"):
            found += os.read(self._answers, 65536)
        return found[:-1].decode().split("\n")

    def noted_while(self, act: Callable[[], object], pattern: str) -> list[str]:
        """The files entered from an act until the screen shows a pattern and nothing more comes."""
        self.read_for(0.5)
        os.write(self._orders, BEGIN)
        act()
        self.wait_for(pattern)
        self.read_for(0.5)
        os.write(self._orders, END)
        return self.noted()


def entered() -> dict[str, list[str]]:
    """The files entered by one poll with a change, by the keys w and t, and by `get`."""
    found = {}
    with Simulator() as simulator, tempfile.TemporaryDirectory() as folder:
        simulator.set_status(WATCHED, "Running")
        for number in LOOKED_UP:
            simulator.set_status(number, "Running")
        home, env = Path(folder), simulator.environment()
        with TracedProgram(str(WATCHED), "--interval", "2", home=home, env=env) as app:
            app.wait_for("Running")
            app.wait_for("live")
            found["poll"] = app.noted_while(
                lambda: simulator.set_status(WATCHED, "Failure"), "Running -> Failure"
            )
            # The change is notified some seconds later, which must not count for the key.
            app.wait_for_bytes(rb"\x07")
            # What else comes by meanwhile is not the key's: of two tries the smaller counts.
            tries = []
            for number, count in zip(LOOKED_UP, (2, 3), strict=True):
                app.press(str(number), "enter")
                app.wait_for("w watch")
                app.wait_for("RUNNING|Running")
                tries.append(app.noted_while(lambda: app.press("w"), f"WATCHED {count}"))
            found["w"] = min(tries, key=len)
            found["t"] = app.noted_while(lambda: app.press("t"), "tasks")
            app.press("ctrl+q")
            app.wait_exit()
        with TracedProgram("get", str(WATCHED), home=home, env=env) as get:
            get.wait_exit()
            found["get"] = get.noted()
    return found


def static_figures() -> dict[str, int]:
    """Count what the code says of itself."""
    return {
        "files": len(trees()),
        "code lines": code_lines(),
        "import circles": len(circles()),
        "public class names defined twice": len(twin_classes()),
        "public class names that are Textual's": len(names_of_textual()),
        "modules with one importer and no tests of their own": len(lone_modules()),
        "constructors with more than 6 parameters": len(large_constructors()),
        "parameters of the app's constructor": constructors()[_APP],
    }


def entered_figures(files: Mapping[str, list[str]]) -> dict[str, int]:
    """Count the files in an answer of `entered`."""
    return {f"files entered by {name}": len(each) for name, each in files.items()}


def above_limits(figures: Mapping[str, int]) -> dict[str, str]:
    """Print figures, and return those above their limit."""
    for name, figure in figures.items():
        print(f"{figure:>8}  {name} (at most {LIMITS[name]})")
    return {n: f"{f} > {LIMITS[n]}" for n, f in figures.items() if f > LIMITS[n]}


def main(arguments: list[str]) -> int:
    """Print the figures; 1 if one is above its limit."""
    parser = argparse.ArgumentParser(prog="house.py", description=__doc__)
    parser.add_argument("-v", action="store_true", help="print what is behind the figures, too")
    is_verbose = parser.parse_args(arguments).v
    above = above_limits(static_figures())
    sys.stdout.flush()
    files = entered()
    above |= above_limits(entered_figures(files))
    if is_verbose:
        for name, each in files.items():
            print(f"{name}:", *each, sep="\n    ")
        print(circles(), twin_classes(), names_of_textual(), sep="\n")
        print(lone_modules(), large_constructors(), sep="\n")
    return 1 if above else 0


if __name__ == "__main__":
    try:
        try:
            code = main(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would say of it once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
