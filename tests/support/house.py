"""The figures of the structure: files, code lines, circles, twins, and the files that one poll enters.

Run as a script, it prints them all: `.venv/bin/python tests/support/house.py`.
"""

import ast
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

from pty_session import PtySession, python

from wfinspect.simulator import Simulator

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
    for path in PACKAGE.rglob("*.py"):
        lines: set[int] = set()
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type not in _NO_CODE:
                    lines.update(range(token.start[0], token.end[0] + 1))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
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


def lone_modules() -> list[str]:
    """Modules that one module imports, and that have no file of tests of their own."""
    importers = Counter(each for found in imports().values() for each in found)
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    return [
        name
        for name, tree in trees().items()
        if importers[name] == 1 and tree.body and name.rpartition(".")[2] not in tested
    ]


def large_constructors(limit: int = 6) -> list[str]:
    """Constructors written by hand with more parameters than that, besides self."""
    found = []
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                        count = len(each.args.args) + len(each.args.kwonlyargs) - 1
                        if count > limit:
                            found.append(f"{name}.{node.name} ({count})")
    return found


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
WATCHED, LOOKED_UP = 10432987165, 10433001250


class TracedProgram(PtySession):
    """The program in a terminal, with the files that it enters."""

    def __init__(self, *arguments: str, home: Path, env: Mapping[str, str]) -> None:
        reading, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        script = (
            f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(ROOT / 'tests')]!r};"
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
        simulator.set_status(LOOKED_UP, "Running")
        home, env = Path(folder), simulator.environment()
        with TracedProgram(str(WATCHED), "--interval", "2", home=home, env=env) as app:
            app.wait_for("Running")
            app.wait_for("live")
            found["poll"] = app.noted_while(
                lambda: simulator.set_status(WATCHED, "Failure"), "Running -> Failure"
            )
            app.press(str(LOOKED_UP), "enter")
            app.wait_for("w watch")
            app.wait_for("RUNNING|Running")
            found["w"] = app.noted_while(lambda: app.press("w"), "WATCHED 2|2 watched")
            found["t"] = app.noted_while(lambda: app.press("t"), "tasks")
            app.press("ctrl+q")
            app.wait_exit()
        with TracedProgram("get", str(WATCHED), home=home, env=env) as get:
            get.wait_exit()
            found["get"] = get.noted()
    return found


LIMITS = {"files": 95, "code lines": 17_500, "poll": 42, "w": 42, "t": 50, "get": 25}


def main() -> None:
    """Print the figures, and what stands behind those that have a limit of none."""
    figures: dict[str, object] = {
        "files": len(trees()),
        "code lines": code_lines(),
        "import circles": len(circles()),
        "public class names defined twice": len(twin_classes()),
        "modules with one importer and no tests of their own": len(lone_modules()),
        "constructors with more than 6 parameters": len(large_constructors()),
    }
    for name, files in entered().items():
        figures[f"files entered by {name}"] = len(files)
        if "-v" in sys.argv:
            print(f"{name}:", *files, sep="\n    ")
    for name, figure in figures.items():
        print(f"{figure:>8}  {name}")
    print(circles(), twin_classes(), lone_modules(), large_constructors(), sep="\n")


if __name__ == "__main__":
    main()
